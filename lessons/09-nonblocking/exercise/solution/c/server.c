#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CLIENTS 1000
#define ROOM 4096

struct client {
    char line[ROOM];   /* what has come of a line that is not complete */
    char unsent[2 * ROOM];
    size_t length, left;
    int ended;
};

static struct pollfd watched[CLIENTS + 1]; /* the listening socket is the first */
static struct client *clients[CLIENTS + 1];

static int check(int result, const char *what) {
    if (result < 0) {
        perror(what);
        exit(1);
    }
    return result;
}

/* Receives once, and puts the answers to complete lines into the output buffer. */
static int receive(int connection, struct client *it) {
    ssize_t n = recv(connection, it->line + it->length, ROOM - it->length, 0);
    if (n <= 0)
        return n == 0 ? (it->ended = 1) : errno == EAGAIN;
    it->length += n;
    char *from = it->line, *end;
    while ((end = memchr(from, '\n', it->line + it->length - from))) {
        for (char *at = end; at > from; at--)
            it->unsent[it->left++] = at[-1];
        it->unsent[it->left++] = '\n';
        from = end + 1;
    }
    it->length -= from - it->line;
    memmove(it->line, from, it->length);
    return it->length < ROOM; /* else the line is too long */
}

/* Does what can be done now; 0 when the connection is over. */
static int serve(int connection, struct client *it) {
    if (it->left == 0 && !receive(connection, it))
        return 0;
    if (it->left > 0) {
        ssize_t n = send(connection, it->unsent, it->left, MSG_NOSIGNAL);
        if (n < 0)
            return errno == EAGAIN;
        it->left -= n;
        memmove(it->unsent, it->unsent + n, it->left);
    }
    return it->left > 0 || !it->ended;
}

int main(int argc, char **argv) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[argc - 1]))};
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int listener = check(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), "socket"), on = 1, count = 1;
    check(setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), "setsockopt");
    check(bind(listener, (struct sockaddr *)&at, sizeof at), "bind");
    check(listen(listener, 200), "listen");
    watched[0].fd = listener;
    for (;;) {
        watched[0].events = count <= CLIENTS ? POLLIN : 0;
        check(poll(watched, count, -1), "poll");
        for (int i = count - 1; i > 0; i--) {
            if (!watched[i].revents)
                continue;
            if (serve(watched[i].fd, clients[i])) {
                watched[i].events = clients[i]->left > 0 ? POLLOUT : POLLIN;
                continue;
            }
            close(watched[i].fd);
            free(clients[i]);
            watched[i] = watched[--count];
            clients[i] = clients[count];
        }
        int connection = watched[0].revents ? accept(listener, NULL, NULL) : -1;
        if (connection < 0)
            continue;
        check(fcntl(connection, F_SETFL, O_NONBLOCK), "fcntl");
        clients[count] = calloc(1, sizeof(struct client));
        watched[count++] = (struct pollfd){.fd = connection, .events = POLLIN};
    }
}
