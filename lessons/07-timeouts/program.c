// A request with a limit. When it is over, the same request again, over a new connection.
//   cc program.c -o program
//   ./program server     in one terminal: it leaves the first request unanswered; Ctrl-C ends it
//   ./program client     in another
#define _DEFAULT_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
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

// Reads to the end of a line, byte by byte, which is slow and simple. 0 if the stream ends first,
// -1 if recv() fails.
static int receive_line(int s, char *line, size_t size)
{
    for (size_t length = 0; length + 1 < size;) {
        long n = recv(s, line + length, 1, 0);
        if (n <= 0)
            return n;
        if (line[length++] == '\n') {
            line[length] = '\0';
            return 1;
        }
    }
    errno = EMSGSIZE; // never let a peer decide how much we store
    return -1;
}

static void server(int listener)
{
    // The last request, so that a request made twice is worked on once.
    char done[64] = "", line[64];
    for (;;) {
        int s = check(accept(listener, NULL, NULL), "accept");
        if (receive_line(s, line, sizeof line) != 1)
            perror("a client");
        else if (strcmp(line, done) == 0)
            printf("the same request again: %s\n", send(s, "done\n", 5, MSG_NOSIGNAL) == 5 ? "answered" : "gone");
        else {
            strcpy(done, line);
            printf("a new request: done, but no answer\n");
            while (recv(s, line, sizeof line, 0) > 0) // until the client gives up
                ;
        }
        close(s);
    }
}

// One attempt, over a connection of its own: over the old one a late answer could be taken for the
// answer to another request.
static int attempt(struct sockaddr_in *at, const char *request, char *answer, size_t size)
{
    struct timeval limit = {.tv_sec = 1};
    int s = check(socket(AF_INET, SOCK_STREAM, 0), "socket"), got = -1;
    // For each recv().
    check(setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), "setsockopt");
    // send(), on Linux connect() too.
    check(setsockopt(s, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit), "setsockopt");
    long length = strlen(request); // so short that send() takes it whole
    if (connect(s, (struct sockaddr *)at, sizeof *at) == 0 && send(s, request, length, MSG_NOSIGNAL) == length)
        got = receive_line(s, answer, size);
    const char *why = errno == EAGAIN || errno == EINPROGRESS ? "timed out" : strerror(errno);
    if (got != 1)
        snprintf(answer, size, "%s\n", got == 0 ? "the server closed the connection" : why);
    close(s);
    return got == 1;
}

static int client(struct sockaddr_in *at)
{
    char request[64], answer[64];
    // The same in each attempt.
    snprintf(request, sizeof request, "request %ld.%d\n", (long)time(NULL), (int)getpid());
    for (int i = 1, got = 0; i <= 3; i++) {
        got = attempt(at, request, answer, sizeof answer);
        printf("attempt %d: %s", i, answer);
        if (got)
            return 0;
        usleep(200000 * i); // pause, longer each time: perhaps the server is overloaded
    }
    fprintf(stderr, "client, 127.0.0.1 port %d: no answer in three attempts\n", port);
    return 1;
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
    if (strcmp(argv[1], "client") == 0)
        return client(&at);
    socklen_t size = sizeof at;
    int s = check(socket(AF_INET, SOCK_STREAM, 0), "socket");
    check(setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int)), "setsockopt");
    check(bind(s, (struct sockaddr *)&at, sizeof at), "bind");
    check(listen(s, 5), "listen");
    check(getsockname(s, (struct sockaddr *)&at, &size), "getsockname");
    printf("listening at %s port %d\n", inet_ntoa(at.sin_addr), ntohs(at.sin_port));
    server(s);
}
