// A chat by turns: one thread, one connection, and the client types first. Ctrl-D leaves.
//   cc program.c -o program
//   ./program server     in one terminal, first: nobody can connect before it listens
//   ./program client     in another
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct sockaddr_in at = {.sin_family = AF_INET};

static long check(long result, const char *call)
{
    if (result < 0) err(1, "%s, 127.0.0.1 port %d", call, ntohs(at.sin_port));
    return result;
}

// getline() receives as often as a line needs: one recv() is not one message, and may cut a
// character. (A server for strangers would also limit how long a line may be.)
static void talk(int s, int my_turn)
{
    FILE *peer = fdopen(s, "r");
    char *line = NULL;
    for (size_t size = 0;; my_turn = !my_turn) {
        fputs(my_turn ? "send message> " : "", stdout);
        long length = getline(&line, &size, my_turn ? stdin : peer);
        if (length < 0) break; // Ctrl-D here, or there
        if (!my_turn) printf("Jack: %s", line);
        for (long sent = 0; my_turn && sent < length;) // with its newline, the end of a message
            sent += check(send(s, line + sent, length - sent, MSG_NOSIGNAL), "send");
    }
    if (!my_turn)
        printf("%s\n", ferror(peer) ? "the connection is broken" : "the other has left");
}

int main(int argc, char **argv)
{
    int is_server = argc > 1 && strcmp(argv[1], "server") == 0;
    if (!is_server && (argc < 2 || strcmp(argv[1], "client") != 0))
        errx(2, "usage: program server|client [port]");
    setvbuf(stdout, NULL, _IONBF, 0); // what is printed is shown at once, also in a pipe
    at.sin_port = htons(argc > 2 ? atoi(argv[2]) : 21567);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int s = check(socket(AF_INET, SOCK_STREAM, 0), "socket");
    if (is_server) {
        check(setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int)), "setsockopt");
        check(bind(s, (struct sockaddr *)&at, sizeof at), "bind");
        check(listen(s, 5), "listen");
        check(getsockname(s, (struct sockaddr *)&at, &(socklen_t){sizeof at}), "getsockname");
        printf("listening at 127.0.0.1 port %d\nwaiting for connection...\n", ntohs(at.sin_port));
        int listener = s;
        s = check(accept(listener, (struct sockaddr *)&at, &(socklen_t){sizeof at}), "accept");
        close(listener); // a third person is refused, and does not wait in vain
        printf("connected from: %s port %d\n", inet_ntoa(at.sin_addr), ntohs(at.sin_port));
    } else
        check(connect(s, (struct sockaddr *)&at, sizeof at), "connect");
    talk(s, !is_server);
}
