#include <arpa/inet.h>
#include <signal.h>
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

static void echo(int connection) {
    char data[4096];
    ssize_t n;
    while ((n = recv(connection, data, sizeof data, 0)) > 0) /* 0: the client will send no more */
        for (ssize_t sent = 0, m; sent < n; sent += m)
            if ((m = send(connection, data + sent, n - sent, MSG_NOSIGNAL)) < 0)
                return; /* this client has broken off */
}

int main(int argc, char **argv) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[argc - 1]))};
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int listener = check(socket(AF_INET, SOCK_STREAM, 0), "socket"), on = 1;
    check(setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), "setsockopt");
    check(bind(listener, (struct sockaddr *)&at, sizeof at), "bind");
    check(listen(listener, 5), "listen");
    for (;;) {
        int connection = check(accept(listener, NULL, NULL), "accept");
        echo(connection);
        close(connection);
    }
}
