// A deadline for a whole answer, over as many recv() as it takes. A timeout for each recv() would
// never strike.
//   cc program.c -o program
//   ./program server     in one terminal: it sends a byte every 0.3 s, without end; Ctrl-C ends it
//   ./program client     in another: it wants 100 bytes, within 2 s
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static struct sockaddr_in at = {.sin_family = AF_INET};

static long check(long result, const char *call)
{
    if (result < 0) err(1, "%s, 127.0.0.1 port %d", call, ntohs(at.sin_port));
    return result;
}

static long milliseconds(void)
{
    struct timespec now; // not CLOCK_REALTIME: somebody may set that clock
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void client(int s)
{
    char b[100];
    long got = 0, n = 1, left, deadline = milliseconds() + 2000;
    // No call when no time is left: to poll(), 0 means 'do not wait', and -1 'wait without a limit'.
    while (got < (long)sizeof b && n > 0 && (left = deadline - milliseconds()) > 0)
        if (check(poll(&(struct pollfd){.fd = s, .events = POLLIN}, 1, left), "poll") == 1)
            got += n = check(recv(s, b + got, sizeof b - got, 0), "recv");
    if (got < (long)sizeof b)
        errx(1, "%ld of %zu bytes came within 2 s%s", got, sizeof b, n > 0 ? "" : ", then the end");
    printf("%.*s\n", (int)got, b);
}

int main(int argc, char **argv)
{
    int is_server = argc > 1 && strcmp(argv[1], "server") == 0;
    if (!is_server && (argc < 2 || strcmp(argv[1], "client") != 0))
        errx(2, "usage: program server|client [port]");
    setvbuf(stdout, NULL, _IOLBF, 0); // each line is shown at once, also in a pipe
    at.sin_port = htons(argc > 2 ? atoi(argv[2]) : 21567);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int s = check(socket(AF_INET, SOCK_STREAM, 0), "socket");
    if (!is_server) {
        check(connect(s, (struct sockaddr *)&at, sizeof at), "connect");
        client(s);
        return 0;
    }
    check(setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int)), "setsockopt");
    check(bind(s, (struct sockaddr *)&at, sizeof at), "bind");
    check(listen(s, 5), "listen");
    check(getsockname(s, (struct sockaddr *)&at, &(socklen_t){sizeof at}), "getsockname");
    printf("listening at 127.0.0.1 port %d\n", ntohs(at.sin_port));
    for (;;) {
        int client = check(accept(s, NULL, NULL), "accept");
        while (send(client, ".", 1, MSG_NOSIGNAL) == 1)
            usleep(300000);
        close(client); // it has left
    }
}
