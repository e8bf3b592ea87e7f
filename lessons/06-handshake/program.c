// "I have sent all": half-close with shutdown(), then read to the end, then close.
//   cc program.c -o program
//   ./program server     in one terminal; Ctrl-C ends it
//   ./program client     in another
#define _DEFAULT_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
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

static long send_all(int s, const char *bytes, long length)
{
    for (long n; length > 0; bytes += n, length -= n) // send() may take only some of the bytes
        if ((n = send(s, bytes, length, MSG_NOSIGNAL)) < 0)
            return -1;
    return 0;
}

static void server(int listener)
{
    for (;;) {
        static char b[65536];
        int s = check(accept(listener, NULL, NULL), "accept");
        long count = 0, n;
        while ((n = recv(s, b, sizeof b, 0)) > 0)
            count += n;
        // 0: no more will come. But the client still listens, and nothing is left unread.
        if (n < 0 || send_all(s, b, snprintf(b, sizeof b, "%ld bytes have come, then the end\n", count)) < 0)
            perror("a client");
        else
            printf("%ld bytes, answered\n", count);
        close(s);
    }
}

static void client(int s)
{
    static char b[1000000];
    struct timeval limit = {.tv_sec = 30}; // no wait without a limit (lesson 7)
    check(setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), "setsockopt");
    check(send_all(s, memset(b, 'x', sizeof b), sizeof b), "send");
    // Sends the FIN; without it both ends would wait for each other.
    check(shutdown(s, SHUT_WR), "shutdown");
    printf("answer: ");
    // To the end, before close(): unread bytes would make it a reset.
    for (long n; (n = check(recv(s, b, sizeof b, 0), "recv")) > 0;)
        fwrite(b, 1, n, stdout);
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
        client(s);
        return 0;
    }
    check(setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int)), "setsockopt");
    check(bind(s, (struct sockaddr *)&at, sizeof at), "bind");
    check(listen(s, 5), "listen");
    check(getsockname(s, (struct sockaddr *)&at, &size), "getsockname");
    printf("listening at %s port %d\n", inet_ntoa(at.sin_addr), ntohs(at.sin_port));
    server(s);
}
