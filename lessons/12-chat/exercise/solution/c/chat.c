#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int peer;    /* the connection */
static int over[2]; /* a pipe, whose writing end the receiver closes when the chat is over */

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

static void *sends(void *unused) {
    char data[1024];
    struct pollfd wait[] = {{.fd = 0, .events = POLLIN}, {.fd = over[0], .events = POLLIN}};
    while (check(poll(wait, 2, -1), "poll") > 0 && wait[1].revents == 0) {
        ssize_t n = read(0, data, sizeof data); /* not fgets(): poll() does not see its buffer */
        if (n <= 0)
            break;
        for (ssize_t sent = 0, m; sent < n; sent += m)
            if ((m = send(peer, data + sent, n - sent, MSG_NOSIGNAL)) < 0)
                return unused; /* the other thread sees that it is broken */
    }
    shutdown(peer, SHUT_WR); /* goodbye; we still listen */
    return unused;
}

static int receive(void) {
    FILE *lines = fdopen(peer, "r");
    char *line = NULL;
    for (size_t size = 0; getline(&line, &size, lines) >= 0;) { /* as many recv() as a line needs */
        printf("Jack: %s", line);
        fflush(stdout);
    }
    int is_broken = ferror(lines);
    close(over[1]);            /* wakes the sender if it waits in poll() */
    shutdown(peer, SHUT_RDWR); /* wakes it if it waits in send() */
    return is_broken;
}

int main(int argc, char **argv) {
    if (argc < 3)
        errx(2, "usage: chat server|client PORT");
    peer = connection(strcmp(argv[argc - 2], "server") == 0, atoi(argv[argc - 1]));
    check(pipe(over), "pipe");
    pthread_t sender;
    if ((errno = pthread_create(&sender, NULL, sends, NULL)) != 0)
        err(1, "pthread_create");
    int status = receive();
    pthread_join(sender, NULL);
    return status;
}
