#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static int check(int result, const char *what) {
    if (result < 0) {
        perror(what);
        exit(1);
    }
    return result;
}

/* Sends all of standard input. */
static void send_input(int connection) {
    char data[4096];
    ssize_t n;
    while ((n = read(STDIN_FILENO, data, sizeof data)) > 0)
        for (ssize_t sent = 0, m; sent < n; sent += m)
            if ((m = send(connection, data + sent, n - sent, MSG_NOSIGNAL)) < 0)
                return; /* the server takes no more, but it may have answered */
    shutdown(connection, SHUT_WR); /* this is all; we still receive */
}

int main(int argc, char **argv) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[argc - 1]))};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int connection = check(socket(AF_INET, SOCK_STREAM, 0), "socket");
    check(connect(connection, (struct sockaddr *)&to, sizeof to), "connect");
    send_input(connection);
    char data[4096];
    ssize_t n;
    while ((n = recv(connection, data, sizeof data, 0)) > 0)
        fwrite(data, 1, n, stdout);
    fflush(stdout);
    check(n, "recv");
    return 0;
}
