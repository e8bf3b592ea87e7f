#include <arpa/inet.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define LONGEST 1000000

static char message[4 + LONGEST]; /* its length, and its bytes */

static int check(int result, const char *what) {
    if (result < 0) {
        perror(what);
        exit(1);
    }
    return result;
}

/* Receives so many bytes; returns 0 if the client ends before. */
static int receive(int connection, char *to, size_t wanted) {
    while (wanted > 0) {
        ssize_t n = recv(connection, to, wanted, 0);
        if (n <= 0)
            return 0;
        to += n;
        wanted -= n;
    }
    return 1;
}

static void serve(int connection) {
    while (receive(connection, message, 4)) {
        uint32_t length = ntohl(*(uint32_t *)message);
        char *bytes = message + 4;
        if (length > LONGEST || !receive(connection, bytes, length))
            return;
        for (size_t i = 0; i < length / 2; i++) {
            char byte = bytes[i];
            bytes[i] = bytes[length - 1 - i];
            bytes[length - 1 - i] = byte;
        }
        for (size_t sent = 0; sent < 4 + length;) {
            ssize_t n = send(connection, message + sent, 4 + length - sent, MSG_NOSIGNAL);
            if (n < 0)
                return; /* this client has broken off */
            sent += n;
        }
    }
}

int main(int argc, char **argv) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[argc - 1]))};
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int listener = check(socket(AF_INET, SOCK_STREAM, 0), "socket"), on = 1;
    check(setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), "setsockopt");
    check(bind(listener, (struct sockaddr *)&at, sizeof at), "bind");
    check(listen(listener, 5), "listen");
    for (;;) {
        int connection = check(accept(listener, NULL, NULL), "accept");
        serve(connection);
        close(connection);
    }
}
