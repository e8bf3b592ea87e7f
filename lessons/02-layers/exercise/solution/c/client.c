#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
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
    if (argc < 3 || inet_pton(AF_INET, argv[argc - 2], &to.sin_addr) != 1)
        return fprintf(stderr, "usage: client ADDRESS PORT\n"), 2;
    static char lines[65536], back[65536];
    size_t length = fread(lines, 1, sizeof lines, stdin);
    int connection = check(socket(AF_INET, SOCK_STREAM, 0), "socket");
    check(connect(connection, (struct sockaddr *)&to, sizeof to), "connect");
    for (size_t sent = 0; sent < length;) /* one call, one frame */
        sent += check(send(connection, lines + sent, length - sent, MSG_NOSIGNAL), "send");
    check(shutdown(connection, SHUT_WR), "shutdown");
    for (long n; (n = check(recv(connection, back, sizeof back, 0), "recv")) > 0;)
        fwrite(back, 1, n, stdout);
    close(connection);
    return 0;
}
