// A chat by turns: one thread, one connection, and the client types first. Ctrl-D leaves.
//   cc program.c -o program
//   ./program server     in one terminal, first: nobody can connect before it listens
//   ./program client     in another
#define _DEFAULT_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PORT = 21567, BUFFER = 1024, BACKLOG = 5 };

static int port = PORT;

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

// Shows the next line, or as much of it as the buffer holds. Returns 0 if the other has left.
static int receive_line(int s)
{
    static char received[BUFFER];
    static long length; // what has come and is no whole line yet
    char *newline;
    // One recv() is not one message.
    while ((newline = memchr(received, '\n', length)) == NULL && length < BUFFER) {
        long n = check(recv(s, received + length, BUFFER - length, 0), "recv");
        if (n == 0)
            return 0;
        length += n;
    }
    long shown = newline != NULL ? newline - received : length;
    printf("Jack: %.*s\n", (int)shown, received); // a whole line, so no character is cut
    length -= newline != NULL ? shown + 1 : shown;
    memmove(received, newline != NULL ? newline + 1 : received, length);
    return 1;
}

static void talk(int s, int my_turn)
{
    char *line = NULL;
    size_t size = 0;
    for (;; my_turn = !my_turn)
        if (my_turn) {
            printf("send message> ");
            fflush(stdout);
            long length = getline(&line, &size, stdin);
            if (length < 0) // Ctrl-D
                break;
            send_all(s, line, length); // with its newline, our end of a message: TCP keeps none
        } else if (!receive_line(s)) {
            printf("the other has left\n");
            break;
        }
    free(line);
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
        talk(s, 1);
    } else {
        check(setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int)), "setsockopt");
        check(bind(s, (struct sockaddr *)&at, sizeof at), "bind");
        check(listen(s, BACKLOG), "listen");
        check(getsockname(s, (struct sockaddr *)&at, &size), "getsockname");
        printf("listening at %s port %d\n", inet_ntoa(at.sin_addr), ntohs(at.sin_port));
        printf("waiting for connection...\n");
        int connection = check(accept(s, (struct sockaddr *)&at, &size), "accept");
        close(s); // a third person is refused, and does not wait in vain
        printf("connected from: %s port %d\n", inet_ntoa(at.sin_addr), ntohs(at.sin_port));
        talk(connection, 0);
    }
}
