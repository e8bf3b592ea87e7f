#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define MOST 100

static struct client {
    int connection; /* -1: a free place */
    pid_t job;      /* 0: none runs */
    size_t length;
    char lines[1024]; /* what it has sent, and what has not been run yet */
} clients[MOST];

static volatile sig_atomic_t is_over;

static void on_signal(int signal) {
    if (signal == SIGTERM)
        is_over = 1; /* SIGCHLD only wakes ppoll() */
}

static long check(long result, const char *what) {
    if (result < 0) {
        perror(what);
        exit(1);
    }
    return result;
}

static void tell(struct client *client, const char *line) {
    send(client->connection, line, strlen(line), MSG_NOSIGNAL);
}

static void leave(struct client *client) {
    close(client->connection);
    client->connection = -1;
}

/* Starts the job of the first line, if there is a whole one. */
static void next_job(struct client *client, const sigset_t *mask) {
    char *end = memchr(client->lines, '\n', client->length);
    if (end == NULL || client->job != 0)
        return;
    *end = 0;
    client->job = check(fork(), "fork");
    if (client->job == 0) {
        sigprocmask(SIG_SETMASK, mask, NULL);
        execlp("sleep", "sleep", client->lines, (char *)NULL); /* closes all sockets */
        _exit(127);
    }
    client->length -= end + 1 - client->lines;
    memmove(client->lines, end + 1, client->length);
}

static void take(struct client *client, const sigset_t *mask) {
    size_t room = sizeof client->lines - client->length;
    ssize_t n = room == 0 ? 0 : recv(client->connection, client->lines + client->length, room, 0);
    if (n <= 0)
        return leave(client); /* it will send no more, or has broken off */
    client->length += n;
    next_job(client, mask);
}

static void collect(const sigset_t *mask) {
    for (pid_t job; (job = waitpid(-1, NULL, WNOHANG)) > 0;)
        for (int i = 0; i < MOST; i++)
            if (clients[i].connection >= 0 && clients[i].job == job) {
                clients[i].job = 0;
                tell(&clients[i], "done\n");
                next_job(&clients[i], mask);
            }
}

int main(int argc, char **argv) {
    for (int i = 0; i < MOST; i++)
        clients[i].connection = -1;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[argc - 1]))};
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int listener = check(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket"), on = 1;
    check(setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), "setsockopt");
    check(bind(listener, (struct sockaddr *)&at, sizeof at), "bind");

    /* Both signals arrive within ppoll() alone. */
    sigset_t ours, before;
    sigemptyset(&ours);
    sigaddset(&ours, SIGTERM);
    sigaddset(&ours, SIGCHLD);
    sigprocmask(SIG_BLOCK, &ours, &before);
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGCHLD, &action, NULL);

    check(listen(listener, 5), "listen");
    while (!is_over) {
        struct pollfd ready[1 + MOST] = {{.fd = listener, .events = POLLIN}};
        for (int i = 0; i < MOST; i++) /* while a job runs its client is left alone */
            ready[1 + i] = (struct pollfd){clients[i].job ? -1 : clients[i].connection, POLLIN, 0};
        if (ppoll(ready, 1 + MOST, NULL, &before) < 0) {
            if (errno != EINTR)
                check(-1, "ppoll");
            memset(ready, 0, sizeof ready); /* a signal, and nothing else */
        }
        for (int i = 0; i < MOST; i++)
            if (ready[1 + i].revents)
                take(&clients[i], &before);
        collect(&before);
        if (ready[0].revents) {
            int connection = check(accept4(listener, NULL, NULL, SOCK_CLOEXEC), "accept4"), i = 0;
            while (i < MOST && clients[i].connection >= 0)
                i++;
            if (i == MOST)
                close(connection); /* there is no room for it */
            else
                clients[i] = (struct client){.connection = connection};
        }
    }
    for (int i = 0; i < MOST; i++)
        if (clients[i].connection >= 0) {
            tell(&clients[i], "goodbye\n");
            leave(&clients[i]);
            if (clients[i].job)
                kill(clients[i].job, SIGTERM);
        }
    return 0;
}
