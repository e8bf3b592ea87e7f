// recv() blocks until something comes: watch it wait.
//   cc program.c -o program
//   ./program server     in one terminal; what you type is sent, Ctrl-D is the end
//   ./program client     in another; it shows how long each recv() waited
#define _DEFAULT_SOURCE
#include <arpa/inet.h>
#include <errno.h>
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

static void send_all(int s, const char *bytes, long length)
{
    for (long n; length > 0; bytes += n, length -= n) // send() may take only some of the bytes
        n = check(send(s, bytes, length, MSG_NOSIGNAL), "send");
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec + now.tv_nsec / 1e9;
}

static void server(int listener)
{
    int s = check(accept(listener, NULL, NULL), "accept"); // blocks too, until a client is there
    printf("a client is here: type\n");
    char line[1024];
    while (fgets(line, sizeof line, stdin) != NULL)
        send_all(s, line, strlen(line)); // blocks only when the buffers are full
    close(s);
}

static void client(int s)
{
    char b[1024];
    for (long n = 1; n > 0;) {
        double started = seconds();
        n = check(recv(s, b, sizeof b, 0), "recv"); // sleeps here, and costs nothing
        printf("recv() waited %.3f s: ", seconds() - started);
        if (n > 0)
            printf("%ld bytes\n", n);
        else
            printf("the end\n");
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
