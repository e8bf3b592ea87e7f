// An echo server by hand, and the client for it.
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
#include <unistd.h>

static int port = 21567;
static char b[1024];

// Ends the program if a call has failed, and tells which one and where.
static long check(long result, const char *call)
{
    if (result < 0) err(1, "%s, 127.0.0.1 port %d", call, port);
    return result;
}

// send() may take only some of the bytes. MSG_NOSIGNAL: if the peer has left, an error and no
// SIGPIPE.
static long send_all(int s, const char *bytes, long length)
{
    for (long n; length > 0; bytes += n, length -= n)
        if ((n = send(s, bytes, length, MSG_NOSIGNAL)) < 0) return -1;
    return 0;
}

static void server(int listener)
{
    for (;;) {
        long s = check(accept(listener, NULL, NULL), "accept"), n;
        while ((n = recv(s, b, sizeof b, 0)) > 0 && send_all(s, b, n) == 0)
            continue;
        // 0 is the end: this client has sent all. One that breaks off is no reason to stop.
        puts(n == 0 ? "a client has left" : "a client has broken off");
        close(s);
    }
}

static void client(int s)
{
    check(send_all(s, "hello\n", 6), "send");
    check(shutdown(s, SHUT_WR), "shutdown"); // "I have sent all"
    printf("answer: ");
    for (long n; (n = check(recv(s, b, sizeof b, 0), "recv")) > 0;) // it may come in pieces
        fwrite(b, 1, n, stdout);
}

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0); // each line is shown at once, also in a pipe
    const char *role = argc > 1 ? argv[1] : "";
    port = argc > 2 ? atoi(argv[2]) : port;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int s = check(socket(AF_INET, SOCK_STREAM, 0), "socket");
    if (strcmp(role, "client") == 0) {
        check(connect(s, (struct sockaddr *)&at, sizeof at), "connect");
        client(s);
    } else if (strcmp(role, "server") == 0) {
        // Without this option a restart within a minute may fail: Address already in use.
        check(setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int)), "setsockopt");
        check(bind(s, (struct sockaddr *)&at, sizeof at), "bind");
        check(listen(s, 5), "listen");
        check(getsockname(s, (struct sockaddr *)&at, &(socklen_t){sizeof at}), "getsockname");
        printf("listening at 127.0.0.1 port %d\n", ntohs(at.sin_port));
        server(s);
    } else errx(2, "usage: program server|client [port]");
}
