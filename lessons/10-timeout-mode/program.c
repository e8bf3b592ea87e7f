// A deadline for a whole answer, over as many recv() as it takes. A timeout for each recv() would
// never strike.
//   cc program.c -o program
//   ./program server     in one terminal: it sends a byte every 0.3 s, without end; Ctrl-C ends it
//   ./program client     in another: it wants 100 bytes, within 2 s
#define _DEFAULT_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static int port = 21567;

static long check(long result, const char *call)
{
    if (result < 0) {
        fprintf(stderr, "%s, 127.0.0.1 port %d: %s\n", call, port, strerror(errno));
        exit(1);
    }
    return result;
}

static void server(int listener)
{
    for (;;) {
        int s = check(accept(listener, NULL, NULL), "accept");
        while (send(s, ".", 1, MSG_NOSIGNAL) == 1)
            usleep(300000);
        perror("the client has left");
        close(s);
    }
}

static long milliseconds(void)
{
    struct timespec now; // not CLOCK_REALTIME: somebody may set that clock
    check(clock_gettime(CLOCK_MONOTONIC, &now), "clock_gettime");
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

// Returns the number of bytes: fewer if the deadline is over (errno is ETIMEDOUT) or the stream
// ends (errno is 0).
static long receive_exactly(int s, char *bytes, long length, long limit)
{
    long deadline = milliseconds() + limit, done = 0;
    while (done < length) {
        long left = deadline - milliseconds();
        if (left <= 0) { // to poll(), 0 would mean: do not wait, and -1: wait without a limit
            errno = ETIMEDOUT;
            break;
        }
        if (check(poll(&(struct pollfd){.fd = s, .events = POLLIN}, 1, left), "poll") == 0)
            continue; // the test above says so, in one place
        long n = check(recv(s, bytes + done, length - done, 0), "recv");
        if (n == 0) {
            errno = 0;
            break;
        }
        done += n;
    }
    return done;
}

static int client(int s)
{
    char b[100];
    long n = receive_exactly(s, b, sizeof b, 2000);
    if (n < (long)sizeof b) {
        const char *why = errno == ETIMEDOUT ? "came within 2 s" : "came, then the end";
        fprintf(stderr, "client, 127.0.0.1 port %d: %ld of %zu bytes %s\n", port, n, sizeof b, why);
        return 1;
    }
    printf("%.*s\n", (int)n, b);
    return 0;
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
    int s = check(socket(AF_INET, SOCK_STREAM, 0), "socket");
    if (strcmp(argv[1], "client") == 0) {
        check(connect(s, (struct sockaddr *)&at, sizeof at), "connect");
        return client(s);
    }
    check(setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int)), "setsockopt");
    check(bind(s, (struct sockaddr *)&at, sizeof at), "bind");
    check(listen(s, 5), "listen");
    check(getsockname(s, (struct sockaddr *)&at, &size), "getsockname");
    printf("listening at %s port %d\n", inet_ntoa(at.sin_addr), ntohs(at.sin_port));
    server(s);
}
