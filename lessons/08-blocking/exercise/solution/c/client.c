#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define ALL 20000000

static char pattern[251 * 1000], data[1 << 20]; /* byte i of all that is sent is pattern[i % sizeof pattern] */

static long check(long result, const char *what) {
    if (result < 0 && errno != EAGAIN) {
        perror(what);
        exit(1);
    }
    return result;
}

int main(int argc, char **argv) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[argc - 1]))};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int connection = check(socket(AF_INET, SOCK_STREAM, 0), "socket");
    check(connect(connection, (struct sockaddr *)&to, sizeof to), "connect");
    check(fcntl(connection, F_SETFL, O_NONBLOCK), "fcntl");
    for (size_t i = 0; i < sizeof pattern; i++)
        pattern[i] = i % 251;
    size_t sent = 0, received = 0;
    int ended = 0;
    while (sent < ALL || !ended) {
        struct pollfd watched = {.fd = connection};
        watched.events = (sent < ALL ? POLLOUT : 0) | (ended ? 0 : POLLIN);
        check(poll(&watched, 1, -1), "poll");
        if (watched.revents & POLLIN && !ended) {
            long n = check(recv(connection, data, sizeof data, 0), "recv");
            received += n > 0 ? n : 0;
            ended = n == 0;
        }
        if (watched.revents & (POLLOUT | POLLERR) && sent < ALL) {
            size_t start = sent % sizeof pattern, left = ALL - sent;
            size_t length = sizeof pattern - start < left ? sizeof pattern - start : left;
            long n = check(send(connection, pattern + start, length, MSG_NOSIGNAL), "send");
            sent += n > 0 ? n : 0;
            if (sent == ALL)
                shutdown(connection, SHUT_WR);
        }
    }
    printf("%zu\n", received);
    return 0;
}
