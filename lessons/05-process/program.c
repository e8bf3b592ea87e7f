// A server that gives each client a process, and reaps it. Not for Windows, which has no fork().
//   cc program.c -o program
//   ./program server     in one terminal; Ctrl-C ends it
//   ./program client     in others, several at once: what you type comes back
#define _DEFAULT_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
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

static void reap(int signal)
{
    int before = errno;
    (void)signal;
    while (waitpid(-1, NULL, WNOHANG) > 0) // one signal may stand for several children
        ;
    errno = before; // the call that was interrupted reads it
}

static void serve(int connection)
{
    char b[1024];
    send_all(connection, b, snprintf(b, sizeof b, "process %d serves you\n", (int)getpid()));
    for (long n; (n = check(recv(connection, b, sizeof b, 0), "recv")) > 0;)
        send_all(connection, b, n);
}

static void server(int listener)
{
    // accept() goes on after the signal.
    struct sigaction action = {.sa_handler = reap, .sa_flags = SA_RESTART};
    // Else each child that has ended stays a zombie.
    check(sigaction(SIGCHLD, &action, NULL), "sigaction");
    for (;;) {
        int connection = check(accept(listener, NULL, NULL), "accept");
        if (check(fork(), "fork") == 0) {
            close(listener); // else the port stays taken while the child lives
            serve(connection);
            exit(0); // the child must not go on in the parent's loop
        }
        close(connection); // the parent's copy; the child's keeps the connection open
    }
}

static void client(FILE *lines, int s)
{
    char line[1024];
    if (fgets(line, sizeof line, lines) != NULL)
        printf("%s", line);
    while (fgets(line, sizeof line, stdin) != NULL) {
        send_all(s, line, strlen(line));
        if (fgets(line, sizeof line, lines) == NULL)
            break;
        printf("%s", line);
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
        client(fdopen(s, "r"), s);
        return 0;
    }
    check(setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int)), "setsockopt");
    check(bind(s, (struct sockaddr *)&at, sizeof at), "bind");
    check(listen(s, 5), "listen");
    check(getsockname(s, (struct sockaddr *)&at, &size), "getsockname");
    printf("listening at %s port %d\n", inet_ntoa(at.sin_addr), ntohs(at.sin_port));
    server(s);
}
