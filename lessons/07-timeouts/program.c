// A request with a limit. When it is over, the same request again, over a new connection.
//   cc program.c -o program
//   ./program server     in one terminal: it leaves the first request unanswered; Ctrl-C ends it
//   ./program client     in another
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static struct sockaddr_in at = {.sin_family = AF_INET};

static long check(long result, const char *call)
{
    if (result < 0) err(1, "%s, 127.0.0.1 port %d", call, ntohs(at.sin_port));
    return result;
}

static void server(int listener)
{
    // The last request, so that a request made twice is worked on once.
    for (char done[64] = "", line[64];;) {
        FILE *client = fdopen(check(accept(listener, NULL, NULL), "accept"), "r");
        if (fgets(line, sizeof line, client) == NULL || strchr(line, '\n') == NULL)
            puts("a client: no whole request");
        else if (strcmp(line, done) != 0) {
            puts("a new request: done, but no answer");
            strcpy(done, line);
            while (fgetc(client) != EOF) continue; // until the client gives up
        } else if (send(fileno(client), "done\n", 5, MSG_NOSIGNAL) == 5)
            puts("the same request again: answered");
        fclose(client);
    }
}

// One attempt, over a connection of its own: over the old one a late answer could be taken for the
// answer to another request.
static int attempt(int number, const char *request)
{
    struct timeval limit = {.tv_sec = 1};
    int s = check(socket(AF_INET, SOCK_STREAM, 0), "socket");
    check(setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), "setsockopt");
    // send(), and on Linux connect() too.
    check(setsockopt(s, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit), "setsockopt");
    long got = connect(s, (struct sockaddr *)&at, sizeof at);
    if (got == 0) got = send(s, request, strlen(request), MSG_NOSIGNAL); // so short: whole
    if (got > 0) got = recv(s, &(char[5]){0}, 5, MSG_WAITALL); // "done" and the newline
    const char *why = errno == EAGAIN || errno == EINPROGRESS ? "timed out" : strerror(errno);
    if (got >= 0) why = got == 5 ? "done" : "the server closed the connection";
    printf("attempt %d: %s\n", number, why);
    close(s);
    return got == 5;
}

int main(int argc, char **argv)
{
    int is_server = argc > 1 && strcmp(argv[1], "server") == 0;
    if (!is_server && (argc < 2 || strcmp(argv[1], "client") != 0))
        errx(2, "usage: program server|client [port]");
    setvbuf(stdout, NULL, _IOLBF, 0); // each line is shown at once, also in a pipe
    at.sin_port = htons(argc > 2 ? atoi(argv[2]) : 21567);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (is_server) {
        int s = check(socket(AF_INET, SOCK_STREAM, 0), "socket");
        check(setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int)), "setsockopt");
        check(bind(s, (struct sockaddr *)&at, sizeof at), "bind");
        check(listen(s, 5), "listen");
        check(getsockname(s, (struct sockaddr *)&at, &(socklen_t){sizeof at}), "getsockname");
        printf("listening at 127.0.0.1 port %d\n", ntohs(at.sin_port));
        server(s);
    }
    char request[64]; // the same in each attempt
    snprintf(request, sizeof request, "request %ld.%d\n", (long)time(NULL), (int)getpid());
    // Pauses, longer each time: perhaps the server is overloaded.
    for (int i = 1; i <= 3; usleep(200000 * i++))
        if (attempt(i, request)) return 0;
    errx(1, "127.0.0.1 port %d: no answer in three attempts", ntohs(at.sin_port));
}
