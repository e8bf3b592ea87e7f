// A chat with two threads a side: one sends, and the main thread receives. Both end when the other
// side leaves.
//   cc -pthread program.c -o program
//   ./program server     in one terminal, first
//   ./program client     in another; Ctrl-D leaves
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct sockaddr_in at = {.sin_family = AF_INET};
static int s;       // the connection
static int over[2]; // a pipe, whose writing end the receiver closes when it is over

static long check(long result, const char *call)
{
    if (result < 0) err(1, "%s, 127.0.0.1 port %d", call, ntohs(at.sin_port));
    return result;
}

static void *sender(void *unused)
{
    char b[1024];
    struct pollfd wait[] = {{.fd = 0, .events = POLLIN}, {.fd = over[0], .events = POLLIN}};
    while (check(poll(wait, 2, -1), "poll") > 0 && wait[1].revents == 0) {
        // Not fgets(): what its buffer holds is hidden from poll().
        long length = check(read(0, b, sizeof b), "read");
        if (length == 0) break; // Ctrl-D
        for (long sent = 0, n; sent < length; sent += n) // a broken connection ends receive() too
            if ((n = send(s, b + sent, length - sent, MSG_NOSIGNAL)) < 0) return unused;
    }
    shutdown(s, SHUT_WR); // the other sees the end, and leaves
    return unused;
}

static void receive(void)
{
    FILE *peer = fdopen(s, "r");
    char *line = NULL;
    for (size_t size = 0; getline(&line, &size, peer) >= 0;) // receives as often as a line needs
        printf("Jack: %s", line);
    printf("%s\n", ferror(peer) ? "the connection is broken" : "the other has left");
    close(over[1]);         // wakes the sender if it waits in poll()
    shutdown(s, SHUT_RDWR); // wakes it if it waits in send()
}

int main(int argc, char **argv)
{
    int is_server = argc > 1 && strcmp(argv[1], "server") == 0;
    if (!is_server && (argc < 2 || strcmp(argv[1], "client") != 0))
        errx(2, "usage: program server|client [port]");
    setvbuf(stdout, NULL, _IOLBF, 0); // each line is shown at once, also in a pipe
    at.sin_port = htons(argc > 2 ? atoi(argv[2]) : 21567);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    s = check(socket(AF_INET, SOCK_STREAM, 0), "socket");
    if (is_server) {
        int listener = s;
        check(setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int)), "setsockopt");
        check(bind(listener, (struct sockaddr *)&at, sizeof at), "bind");
        check(listen(listener, 5), "listen");
        check(getsockname(listener, (struct sockaddr *)&at, &(socklen_t){sizeof at}), "getsockname");
        printf("listening at 127.0.0.1 port %d\nwaiting for connection...\n", ntohs(at.sin_port));
        s = check(accept(listener, (struct sockaddr *)&at, &(socklen_t){sizeof at}), "accept");
        close(listener); // a third person is refused, and does not wait in vain
        printf("connected from: %s port %d\n", inet_ntoa(at.sin_addr), ntohs(at.sin_port));
    } else
        check(connect(s, (struct sockaddr *)&at, sizeof at), "connect");
    pthread_t thread;
    check(pipe(over), "pipe");
    if ((errno = pthread_create(&thread, NULL, sender, NULL)) != 0) err(1, "pthread_create");
    receive();
    pthread_join(thread, NULL); // sleeps until the other thread has ended
}
