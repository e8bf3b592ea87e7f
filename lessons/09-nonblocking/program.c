// One thread, many clients: non-blocking sockets, poll(), and for each client the bytes that it has
// still to get.
//   cc program.c -o program
//   ./program server     in one terminal; Ctrl-C ends it
//   ./program client     in others: what you type comes back
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CLIENTS = 100, ROOM = 65536 };

static int port = 21567;
// The listening socket, then the clients; a free place has fd -1.
static struct pollfd polled[1 + CLIENTS];
static struct { int length, ended; char bytes[ROOM]; } unsent[1 + CLIENTS];

static long check(long result, const char *call)
{
    if (result < 0) {
        fprintf(stderr, "%s, 127.0.0.1 port %d: %s\n", call, port, strerror(errno));
        exit(1);
    }
    return result;
}

// Does what can be done now for one client, and says what to wait for next: 0 if all is done, or
// the client is gone.
static int serve(int i)
{
    int s = polled[i].fd;
    if ((polled[i].revents & (POLLIN | POLLHUP | POLLERR)) && !unsent[i].ended && unsent[i].length < ROOM) {
        long n = recv(s, unsent[i].bytes + unsent[i].length, ROOM - unsent[i].length, 0);
        if (n < 0 && errno != EAGAIN)
            return perror("a client"), 0;
        unsent[i].length += n > 0 ? n : 0;
        unsent[i].ended = n == 0; // the client may still listen: what is unsent goes out first
    }
    long sent = send(s, unsent[i].bytes, unsent[i].length, MSG_NOSIGNAL); // as much as fits
    if (sent < 0 && errno != EAGAIN)
        return perror("a client"), 0;
    // EAGAIN: nothing fits. This client does not read, and the others must not wait for it.
    if (sent > 0) {
        unsent[i].length -= sent;
        memmove(unsent[i].bytes, unsent[i].bytes + sent, unsent[i].length);
    }
    return (!unsent[i].ended && unsent[i].length < ROOM ? POLLIN : 0) | (unsent[i].length > 0 ? POLLOUT : 0);
}

static void server(int listener)
{
    for (int i = 1; i <= CLIENTS; i++)
        polled[i].fd = -1;
    polled[0].fd = listener;
    for (int places = CLIENTS;;) {
        // When all places are taken, the next clients wait in the backlog.
        polled[0].events = places > 0 ? POLLIN : 0;
        check(poll(polled, 1 + CLIENTS, -1), "poll"); // the only wait
        for (int i = 1; i <= CLIENTS; i++)
            if (polled[i].fd >= 0 && polled[i].revents != 0 && (polled[i].events = serve(i)) == 0) {
                close(polled[i].fd);
                polled[i].fd = -1;
                places++;
            }
        // Or gone again.
        int s = polled[0].revents & POLLIN ? accept4(listener, NULL, NULL, SOCK_NONBLOCK) : -1;
        for (int i = 1; i <= CLIENTS && s >= 0; i++)
            if (polled[i].fd < 0) {
                polled[i] = (struct pollfd){.fd = s, .events = POLLIN};
                unsent[i].length = unsent[i].ended = 0;
                places--;
                s = -1;
            }
    }
}

static void client(FILE *lines, int s)
{
    char line[1024];
    while (fgets(line, sizeof line, stdin) != NULL) {
        for (long length = strlen(line), sent = 0; sent < length;)
            sent += check(send(s, line + sent, length - sent, MSG_NOSIGNAL), "send");
        if (fgets(line, sizeof line, lines) == NULL)
            break;
        printf("%s", line);
    }
}

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0); // each line is shown at once, also in a pipe
    if (argc < 2 || (strcmp(argv[1], "server") != 0 && strcmp(argv[1], "client") != 0)) {
        fprintf(stderr, "usage: program server|client [port]\n");
        return 2;
    }
    port = argc > 2 ? atoi(argv[2]) : port;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    int is_client = strcmp(argv[1], "client") == 0;
    int s = check(socket(AF_INET, SOCK_STREAM | (is_client ? 0 : SOCK_NONBLOCK), 0), "socket");
    if (is_client) {
        check(connect(s, (struct sockaddr *)&at, sizeof at), "connect");
        client(fdopen(s, "r"), s);
        return 0;
    }
    check(setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int)), "setsockopt");
    check(bind(s, (struct sockaddr *)&at, sizeof at), "bind");
    check(listen(s, 5), "listen");
    check(getsockname(s, (struct sockaddr *)&at, &size), "getsockname");
    printf("listening at %s port %d\n", inet_ntoa(at.sin_addr), ntohs(at.sin_port));
    server(s);
}
