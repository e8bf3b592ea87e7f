// An echo server by hand, and the client for it.
//   cc program.c -o program
//   ./program server     in one terminal
//   ./program client     in another
#define _DEFAULT_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int port = 21567;

// Ends the program if a call has failed, and tells which one and where.
static long check(long result, const char *call)
{
    if (result < 0) {
        fprintf(stderr, "%s, 127.0.0.1 port %d: %s\n", call, port, strerror(errno));
        exit(1);
    }
    return result;
}

// send() may take only some of the bytes. MSG_NOSIGNAL: if the peer has left, an error and no
// SIGPIPE.
static long send_all(int s, const char *bytes, long length)
{
    for (long n; length > 0; bytes += n, length -= n)
        if ((n = send(s, bytes, length, MSG_NOSIGNAL)) < 0)
            return -1;
    return 0;
}

static void server(int s, struct sockaddr_in at)
{
    // Without this option a restart within a minute may fail: Address already in use (lesson 6).
    check(setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int)), "setsockopt");
    check(bind(s, (struct sockaddr *)&at, sizeof at), "bind");
    check(listen(s, 5), "listen");
    socklen_t length = sizeof at;
    check(getsockname(s, (struct sockaddr *)&at, &length), "getsockname");
    printf("listening at %s port %d\n", inet_ntoa(at.sin_addr), ntohs(at.sin_port));
    for (;;) {
        int connection = check(accept(s, NULL, NULL), "accept");
        char b[1024];
        long n;
        while ((n = recv(connection, b, sizeof b, 0)) > 0) // 0 is the end: this client has sent all
            if ((n = send_all(connection, b, n)) < 0)
                break;
        if (n < 0) // one client that breaks off is no reason to stop
            perror("a client");
        close(connection);
        printf("a client has left\n");
    }
}

static void client(int s, struct sockaddr_in at)
{
    check(connect(s, (struct sockaddr *)&at, sizeof at), "connect");
    check(send_all(s, "hello\n", 6), "send");
    check(shutdown(s, SHUT_WR), "shutdown"); // "I have sent all"
    char b[1024];
    printf("answer: ");
    for (long n; (n = check(recv(s, b, sizeof b, 0), "recv")) > 0;) // it may come in pieces
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
    int s = check(socket(AF_INET, SOCK_STREAM, 0), "socket");
    if (strcmp(argv[1], "server") == 0)
        server(s, at);
    else
        client(s, at);
    close(s);
}
