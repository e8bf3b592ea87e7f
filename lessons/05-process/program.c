// A server that gives each client a process. Not for Windows, which has no fork().
//   cc program.c -o program
//   ./program server     in one terminal; Ctrl-C ends it
//   ./program client     in others, several at once: what you type comes back
#define _DEFAULT_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static char b[1024];
static int port = 21567;

// Ends the program if a call has failed, and tells which one and where.
static long check(long result, const char *call)
{
    if (result < 0) err(1, "%s, 127.0.0.1 port %d", call, port);
    return result;
}

static void send_all(int s, const char *bytes, long length)
{
    for (long n; length > 0; bytes += n, length -= n) // send() may take only some of the bytes
        n = check(send(s, bytes, length, MSG_NOSIGNAL), "send");
}

static void server(int listener)
{
    signal(SIGCHLD, SIG_IGN); // else each child that has ended stays a zombie: nobody collects it
    for (;;) {
        int s = check(accept(listener, NULL, NULL), "accept");
        if (check(fork(), "fork") == 0) {
            close(listener); // else the port stays taken while the child lives
            send_all(s, b, snprintf(b, sizeof b, "process %d serves you\n", (int)getpid()));
            for (long n; (n = check(recv(s, b, sizeof b, 0), "recv")) > 0;)
                send_all(s, b, n);
            exit(0); // the child must not go on in the parent's loop
        }
        close(s); // the parent's descriptor; the child's keeps the connection open
    }
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
        FILE *lines = fdopen(s, "r");
        // A line from the server, one from the keyboard, by turns, until one of them ends.
        while (fgets(b, sizeof b, lines) && fputs(b, stdout) >= 0 && fgets(b, sizeof b, stdin))
            send_all(s, b, strlen(b));
    } else if (strcmp(role, "server") == 0) {
        check(setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int)), "setsockopt");
        check(bind(s, (struct sockaddr *)&at, sizeof at), "bind");
        check(listen(s, 5), "listen");
        check(getsockname(s, (struct sockaddr *)&at, &(socklen_t){sizeof at}), "getsockname");
        printf("listening at 127.0.0.1 port %d\n", ntohs(at.sin_port));
        server(s);
    } else errx(2, "usage: program server|client [port]");
}
