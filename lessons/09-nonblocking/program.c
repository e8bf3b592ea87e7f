// One thread, many clients: non-blocking sockets, poll(), and for each client the bytes that it has
// still to get.
//   cc program.c -o program
//   ./program server     in one terminal; Ctrl-C ends it
//   ./program client     in others: what you type comes back
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct sockaddr_in at = {.sin_family = AF_INET};
// A client's place is its descriptor; a free place has fd -1.
static struct pollfd polled[256];
static struct { long length; char bytes[65536]; } unsent[256];

static long check(long result, const char *call)
{
    if (result < 0) err(1, "%s, 127.0.0.1 port %d", call, ntohs(at.sin_port));
    return result;
}

// Does for one client what can be done now, and returns what to wait for next: 0 if it has left.
static short serve(int s)
{
    if (unsent[s].length == 0) { // else what it has still to get comes first
        long got = recv(s, unsent[s].bytes, sizeof unsent[s].bytes, 0);
        if (got <= 0) return got < 0 && errno == EAGAIN ? POLLIN : 0;
        unsent[s].length = got;
    }
    long sent = send(s, unsent[s].bytes, unsent[s].length, MSG_NOSIGNAL); // as much as fits
    // EAGAIN: nothing fits, and the other clients must not wait for that.
    if (sent < 0) return errno == EAGAIN ? POLLOUT : 0;
    unsent[s].length -= sent;
    memmove(unsent[s].bytes, unsent[s].bytes + sent, unsent[s].length);
    return unsent[s].length > 0 ? POLLOUT : POLLIN;
}

static void server(int listener)
{
    int end = listener + 1; // above all that are taken: poll() refuses more than may be open
    for (int i = 0; i < 256; i++) polled[i].fd = -1;
    polled[listener] = (struct pollfd){.fd = listener, .events = POLLIN};
    while (check(poll(polled, end, -1), "poll")) // the only wait
        for (int i = 0; i < end; i++)
            if (polled[i].revents != 0 && i != listener && (polled[i].events = serve(i)) == 0) {
                polled[i].fd = -1;
                unsent[i].length = 0;
                close(i);
                polled[listener].events = POLLIN; // a descriptor is free again
            } else if (polled[i].revents != 0 && i == listener) {
                int s = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
                if (s < 0 && errno == EAGAIN) continue; // another process has taken it
                // No descriptor is free. The listener would be ready all the time: do
                // not watch it until a client has left.
                if (s < 0 && errno == EMFILE) {
                    printf("accept: %s\n", strerror(errno));
                    polled[i].events = 0;
                } else if (check(s, "accept") < 256) {
                    polled[s] = (struct pollfd){.fd = s, .events = POLLIN};
                    if (s >= end) end = s + 1;
                } else close(s); // no place left
            }
}

static void client(FILE *echo, int s)
{
    for (char line[1024]; fgets(line, sizeof line, stdin) != NULL;) {
        for (size_t sent = 0; sent < strlen(line);)
            sent += check(send(s, line + sent, strlen(line) - sent, MSG_NOSIGNAL), "send");
        if (fgets(line, sizeof line, echo) == NULL) errx(1, "the server has left");
        printf("%s", line);
    }
}

int main(int argc, char **argv)
{
    int is_server = argc > 1 && strcmp(argv[1], "server") == 0;
    if (!is_server && (argc < 2 || strcmp(argv[1], "client") != 0))
        errx(2, "usage: program server|client [port]");
    setvbuf(stdout, NULL, _IOLBF, 0); // each line is shown at once, also in a pipe
    at.sin_port = htons(argc > 2 ? atoi(argv[2]) : 21567);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int s = check(socket(AF_INET, SOCK_STREAM | (is_server ? SOCK_NONBLOCK : 0), 0), "socket");
    if (is_server) {
        check(setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int)), "setsockopt");
        check(bind(s, (struct sockaddr *)&at, sizeof at), "bind");
        check(listen(s, 5), "listen");
        check(getsockname(s, (struct sockaddr *)&at, &(socklen_t){sizeof at}), "getsockname");
        printf("listening at 127.0.0.1 port %d\n", ntohs(at.sin_port));
        server(s);
    } else {
        check(connect(s, (struct sockaddr *)&at, sizeof at), "connect");
        client(fdopen(s, "r"), s);
    }
}
