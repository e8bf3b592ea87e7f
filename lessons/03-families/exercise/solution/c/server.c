#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static const char *const NAMES[] = {"AF_INET\n", "AF_INET6\n", "AF_UNIX\n"};
static struct sockaddr_un door = {.sun_family = AF_UNIX};

static long check(long result, const char *what) {
    if (result < 0) {
        perror(what);
        exit(1);
    }
    return result;
}

static void on_term(int signal) {
    (void)signal;
    unlink(door.sun_path); /* one of the few calls that a handler may make */
    _exit(0);
}

static int send_all(int connection, const char *data, size_t length) {
    while (length > 0) {
        ssize_t n = send(connection, data, length, MSG_NOSIGNAL);
        if (n < 0)
            return -1;
        data += n;
        length -= n;
    }
    return 0;
}

struct client {
    int connection;
    const char *family;
};

static void *serve(void *of_client) {
    struct client client = *(struct client *)of_client;
    free(of_client);
    char data[4096];
    ssize_t n;
    if (send_all(client.connection, client.family, strlen(client.family)) == 0)
        while ((n = recv(client.connection, data, sizeof data, 0)) > 0)
            if (send_all(client.connection, data, n) < 0)
                break; /* this client has broken off */
    close(client.connection);
    return NULL;
}

static int listener(int family, void *at, socklen_t length) {
    int listener = check(socket(family, SOCK_STREAM, 0), "socket"), on = 1;
    if (family != AF_UNIX)
        check(setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), "setsockopt");
    if (family == AF_INET6) /* or else "::" would be IPv4's too */
        check(setsockopt(listener, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on), "setsockopt");
    check(bind(listener, at, length), "bind");
    check(listen(listener, 5), "listen");
    return listener;
}

int main(int argc, char **argv) {
    if (argc < 3)
        return fprintf(stderr, "usage: server PORT PATH\n"), 2;
    uint16_t port = htons(atoi(argv[argc - 2]));
    strncpy(door.sun_path, argv[argc - 1], sizeof door.sun_path - 1);
    struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = port};
    four.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = port};
    six.sin6_addr = in6addr_loopback;

    struct pollfd listeners[3] = {{.events = POLLIN}, {.events = POLLIN}, {.events = POLLIN}};
    /* If a server runs already, this fails, and its file is left alone. */
    listeners[0].fd = listener(AF_INET, &four, sizeof four);
    listeners[1].fd = listener(AF_INET6, &six, sizeof six);
    unlink(door.sun_path); /* a server that was killed has left it */
    listeners[2].fd = listener(AF_UNIX, &door, sizeof door);
    signal(SIGTERM, on_term);
    for (;;) {
        check(poll(listeners, 3, -1), "poll");
        for (int i = 0; i < 3; i++) {
            if (!(listeners[i].revents & POLLIN))
                continue;
            struct client *client = malloc(sizeof *client);
            client->connection = check(accept(listeners[i].fd, NULL, NULL), "accept");
            client->family = NAMES[i];
            pthread_t thread;
            check(-pthread_create(&thread, NULL, serve, client), "pthread_create");
            pthread_detach(thread);
        }
    }
}
