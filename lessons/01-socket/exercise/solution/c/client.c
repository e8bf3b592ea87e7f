#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static long check(long result, const char *what) {
    if (result < 0) {
        perror(what);
        exit(1);
    }
    return result;
}

int main(int argc, char **argv) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[argc - 1]))};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int connection = check(socket(AF_INET, SOCK_STREAM, 0), "socket");
    check(connect(connection, (struct sockaddr *)&to, sizeof to), "connect");
    char line[1024], back[1024];
    while (fgets(line, sizeof line, stdin)) {
        size_t length = strlen(line);
        for (size_t sent = 0; sent < length;)
            sent += check(send(connection, line + sent, length - sent, MSG_NOSIGNAL), "send");
        while (length > 0) { /* the echo may come in pieces */
            size_t n = check(recv(connection, back, length, 0), "recv");
            if (n == 0)
                return fprintf(stderr, "the server has ended the connection\n"), 1;
            fwrite(back, 1, n, stdout);
            length -= n;
        }
    }
    close(connection);
    return 0;
}
