// recv() blocks until something comes: watch it wait.
//   cc program.c -o program
//   ./program server     in one terminal; what you type is sent, Ctrl-D is the end
//   ./program client     in another; it shows how long each recv() waited
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
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

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec + now.tv_nsec / 1e9;
}

static void client(int s)
{
    char b[1024];
    for (long n = 1; n > 0;) { // recv() returns 0 at the end
        double started = seconds();
        n = check(recv(s, b, sizeof b, 0), "recv"); // sleeps here, and uses no processor
        printf("recv() waited %.3f s: %ld bytes\n", seconds() - started, n);
    }
    printf("the end\n");
}

static void server(int s)
{
    char line[1024];
    printf("a client is here: type\n");
    while (fgets(line, sizeof line, stdin) != NULL)
        for (size_t sent = 0; sent < strlen(line);) // blocks only when the buffers are full
            sent += check(send(s, line + sent, strlen(line) - sent, MSG_NOSIGNAL), "send");
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
    if (is_server) {
        check(setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int)), "setsockopt");
        check(bind(s, (struct sockaddr *)&at, sizeof at), "bind");
        check(listen(s, 5), "listen");
        check(getsockname(s, (struct sockaddr *)&at, &(socklen_t){sizeof at}), "getsockname");
        printf("listening at 127.0.0.1 port %d\n", ntohs(at.sin_port));
        server(check(accept(s, NULL, NULL), "accept")); // blocks too, until a client is there
    } else {
        check(connect(s, (struct sockaddr *)&at, sizeof at), "connect");
        client(s);
    }
}
