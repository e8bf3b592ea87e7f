#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int check(int result, const char *what) {
    if (result < 0)
        err(1, "%s", what);
    return result;
}

static int connection(int is_server, int port) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int s = check(socket(AF_INET, SOCK_STREAM, 0), "socket"), on = 1;
    if (!is_server) {
        check(connect(s, (struct sockaddr *)&at, sizeof at), "connect");
        return s;
    }
    check(setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), "setsockopt");
    check(bind(s, (struct sockaddr *)&at, sizeof at), "bind");
    check(listen(s, 5), "listen");
    int accepted = check(accept(s, NULL, NULL), "accept");
    close(s);
    return accepted;
}

int main(int argc, char **argv) {
    if (argc < 3)
        errx(2, "usage: chat server|client PORT");
    int my_turn = strcmp(argv[argc - 2], "client") == 0;
    int peer = connection(!my_turn, atoi(argv[argc - 1]));
    FILE *lines = fdopen(peer, "r");
    char *line = NULL;
    size_t size = 0;
    for (;; my_turn = !my_turn) {
        /* getline() reads as often as a line needs, and keeps what has come behind it. */
        ssize_t length = getline(&line, &size, my_turn ? stdin : lines);
        if (length < 0)
            return 0;
        if (my_turn) {
            for (ssize_t sent = 0; sent < length;)
                sent += check(send(peer, line + sent, length - sent, MSG_NOSIGNAL), "send");
        } else {
            printf("Jack: %s", line);
            fflush(stdout);
        }
    }
}
