#include <arpa/inet.h>
#include <err.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static int check(int result, const char *what) {
    if (result < 0)
        err(1, "%s", what);
    return result;
}

static long now(void) { /* in milliseconds, by a clock that nobody sets */
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000L + t.tv_nsec / 1000000;
}

static void serve(int client, long deadline) {
    char line[65536];
    size_t length = 0;
    while (length == 0 || line[length - 1] != '\n') {
        long left = deadline - now();
        struct pollfd wait = {.fd = client, .events = POLLIN};
        if (left <= 0 || length == sizeof line || poll(&wait, 1, left) <= 0)
            return; /* its time is over */
        ssize_t n = recv(client, line + length, sizeof line - length, 0);
        if (n <= 0)
            return;
        length += n;
    }
    for (size_t sent = 0; sent < length;) {
        ssize_t n = send(client, line + sent, length - sent, MSG_NOSIGNAL);
        if (n < 0)
            return;
        sent += n;
    }
}

int main(int argc, char **argv) {
    if (argc < 3)
        errx(2, "usage: server PORT SECONDS");
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[argc - 2]))};
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int listener = check(socket(AF_INET, SOCK_STREAM, 0), "socket"), on = 1;
    check(setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), "setsockopt");
    check(bind(listener, (struct sockaddr *)&at, sizeof at), "bind");
    check(listen(listener, 5), "listen");
    for (;;) {
        int client = check(accept(listener, NULL, NULL), "accept");
        serve(client, now() + 1000L * atoi(argv[argc - 1]) + 1); /* +1: now() rounds down */
        close(client);
    }
}
