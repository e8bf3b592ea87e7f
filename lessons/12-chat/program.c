// A chat with two threads a side: one sends, one receives, and both end when the other leaves.
//   cc -pthread program.c -o program
//   ./program server     in one terminal, first
//   ./program client     in another; Ctrl-D leaves
#define _DEFAULT_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PORT = 21567, BUFFER = 1024, BACKLOG = 5 };

static int port = PORT;
static int s;       // the connection
static int over[2]; // a pipe: the receiver closes its end when it is over

static long check(long result, const char *call)
{
    if (result < 0) {
        fprintf(stderr, "%s, 127.0.0.1 port %d: %s\n", call, port, strerror(errno));
        exit(1);
    }
    return result;
}

static void *sender(void *unused)
{
    char b[BUFFER];
    for (;;) {
        struct pollfd wait[] = {{.fd = 0, .events = POLLIN}, {.fd = over[0], .events = POLLIN}};
        check(poll(wait, 2, -1), "poll"); // the keyboard, or the receiver's word that it is over
        if (wait[1].revents != 0)
            return unused;
        // Not fgets(): what its buffer holds is hidden from poll().
        long length = check(read(0, b, sizeof b), "read");
        if (length == 0) { // Ctrl-D
            shutdown(s, SHUT_WR); // the other sees the end, and leaves; then our receiver ends
            return unused;
        }
        for (long n, sent = 0; sent < length; sent += n) // send() may take only some of the bytes
            if ((n = send(s, b + sent, length - sent, MSG_NOSIGNAL)) < 0) {
                perror("cannot send"); // the receiver sees the same, and ends too
                return unused;
            }
    }
}

static void *receiver(void *unused)
{
    char b[BUFFER];
    long length = 0, n;
    while ((n = recv(s, b + length, sizeof b - length, 0)) > 0) {
        length += n;
        char *line = b, *newline; // one recv() is not one message
        while ((newline = memchr(line, '\n', b + length - line)) != NULL) {
            printf("Jack: %.*s\n", (int)(newline - line), line);
            line = newline + 1;
        }
        length = b + length - line;
        memmove(b, line, length);
        if (length == sizeof b) { // a line that fills the buffer is shown in pieces
            printf("Jack: %.*s\n", (int)length, b);
            length = 0;
        }
    }
    if (n < 0)
        perror("the connection is broken");
    else
        printf("the other has left\n");
    shutdown(s, SHUT_RDWR); // wakes the sender if it waits in send()
    close(over[1]);         // wakes it if it waits in poll()
    return unused;
}

static void talk(void)
{
    pthread_t threads[2];
    check(pipe(over), "pipe");
    void *(*works[])(void *) = {sender, receiver};
    for (int i = 0; i < 2; i++)
        if ((errno = pthread_create(&threads[i], NULL, works[i], NULL)) != 0)
            check(-1, "pthread_create");
    for (int i = 0; i < 2; i++)
        // Sleeps; a loop that asks again and again would use a processor.
        pthread_join(threads[i], NULL);
    close(s);
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
    s = check(socket(AF_INET, SOCK_STREAM, 0), "socket");
    if (strcmp(argv[1], "client") == 0) {
        check(connect(s, (struct sockaddr *)&at, sizeof at), "connect");
    } else {
        int listener = s;
        check(setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int)), "setsockopt");
        check(bind(listener, (struct sockaddr *)&at, sizeof at), "bind");
        check(listen(listener, BACKLOG), "listen");
        check(getsockname(listener, (struct sockaddr *)&at, &size), "getsockname");
        printf("listening at %s port %d\n", inet_ntoa(at.sin_addr), ntohs(at.sin_port));
        printf("waiting for connection...\n");
        s = check(accept(listener, (struct sockaddr *)&at, &size), "accept");
        close(listener);
        printf("connected from: %s port %d\n", inet_ntoa(at.sin_addr), ntohs(at.sin_port));
    }
    talk();
}
