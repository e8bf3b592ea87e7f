// "I have sent all": half-close with shutdown(), then read to the end, then close.
//   cc program.c -o program
//   ./program server     in one terminal; Ctrl-C ends it
//   ./program client     in another
#define _DEFAULT_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

static char b[1000000];
static struct sockaddr_in at = {.sin_family = AF_INET};

// Ends the program if a call has failed, and tells which one and where.
static long check(long result, const char *call)
{
    if (result < 0) err(1, "%s, 127.0.0.1 port %d", call, ntohs(at.sin_port));
    return result;
}

static void server(int listener)
{
    for (;;) {
        long s = check(accept(listener, NULL, NULL), "accept"), count = 0, n;
        while ((n = recv(s, b, sizeof b, 0)) > 0)
            count += n;
        // 0: no more will come. But the client still receives, and nothing is left unread. So short
        // a line fits into the empty buffer: send() takes it whole.
        int length = snprintf(b, sizeof b, "%ld bytes have come, then the end\n", count);
        if (n == 0 && send(s, b, length, MSG_NOSIGNAL) == length)
            printf("%ld bytes, answered\n", count);
        close(s);
    }
}

static void client(int s)
{
    struct timeval limit = {.tv_sec = 30}; // no wait without a limit (lesson 7)
    check(setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), "setsockopt");
    memset(b, 'x', sizeof b);
    for (size_t done = 0; done < sizeof b;) // send() may take only some of the bytes
        done += check(send(s, b + done, sizeof b - done, MSG_NOSIGNAL), "send");
    // Sends the FIN; without it both ends would wait for each other.
    check(shutdown(s, SHUT_WR), "shutdown");
    // MSG_WAITALL: to the end, before close(); unread bytes would make it a reset.
    long n = check(recv(s, b, sizeof b, MSG_WAITALL), "recv");
    printf("answer: %.*s", (int)n, b);
}

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0); // each line is shown at once, also in a pipe
    const char *role = argc > 1 ? argv[1] : "";
    at.sin_port = htons(argc > 2 ? atoi(argv[2]) : 21567);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int s = check(socket(AF_INET, SOCK_STREAM, 0), "socket");
    if (strcmp(role, "client") == 0) {
        check(connect(s, (struct sockaddr *)&at, sizeof at), "connect");
        client(s);
    } else if (strcmp(role, "server") == 0) {
        check(setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int)), "setsockopt");
        check(bind(s, (struct sockaddr *)&at, sizeof at), "bind");
        check(listen(s, 5), "listen");
        check(getsockname(s, (struct sockaddr *)&at, &(socklen_t){sizeof at}), "getsockname");
        printf("listening at 127.0.0.1 port %d\n", ntohs(at.sin_port));
        server(s);
    } else errx(2, "usage: program server|client [port]");
}
