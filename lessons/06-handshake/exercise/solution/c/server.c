#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static int check(int result, const char *what) {
    if (result < 0) {
        perror(what);
        exit(1);
    }
    return result;
}

/* Reads a line with a number; -1 if there is none. */
static long read_number(int connection) {
    char line[100];
    for (size_t n = 0; n < sizeof line; n++) {
        if (recv(connection, line + n, 1, 0) <= 0)
            return -1;
        if (line[n] == '\n')
            return line[n] = 0, atol(line);
    }
    return -1;
}

static long milliseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void read_to_the_end(int connection, long limit) {
    char data[65536];
    struct pollfd watched = {.fd = connection, .events = POLLIN};
    for (long left = limit, deadline = milliseconds() + limit; left > 0; left = deadline - milliseconds())
        if (poll(&watched, 1, left) <= 0 || recv(connection, data, sizeof data, 0) <= 0)
            return;
}

static void serve(int connection) {
    char dots[4096];
    memset(dots, '.', sizeof dots);
    for (long left = read_number(connection), n; left > 0; left -= n) {
        n = send(connection, dots, left < (long)sizeof dots ? left : (long)sizeof dots, MSG_NOSIGNAL);
        if (n < 0)
            return; /* this client has broken off */
    }
    shutdown(connection, SHUT_WR);     /* the client reads to the end */
    read_to_the_end(connection, 2000); /* what is left unread would make close() send an RST */
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
        serve(connection);
        close(connection);
    }
}
