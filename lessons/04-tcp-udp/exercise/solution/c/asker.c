#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define TIMES 5
#define WAIT_MS 300

static int check(int result, const char *what) {
    if (result < 0) {
        perror(what);
        exit(1);
    }
    return result;
}

static long now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Receives the answer to this question; returns NULL if it has not come in time. */
static char *answer_to(int asker, int number, long until) {
    static char datagram[65536];
    for (long left; (left = until - now_ms()) > 0;) {
        struct pollfd wanted = {.fd = asker, .events = POLLIN};
        if (check(poll(&wanted, 1, left), "poll") == 0)
            return NULL;
        ssize_t n = recv(asker, datagram, sizeof datagram - 1, 0);
        if (n < 0)
            continue; /* nobody is there (yet) */
        datagram[n] = 0;
        char *text;
        if (strtol(datagram, &text, 10) == number && *text == ' ')
            return text + 1;
    }
    return NULL;
}

int main(int argc, char **argv) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[argc - 1]))};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int asker = check(socket(AF_INET, SOCK_DGRAM, 0), "socket");
    /* What others send does not reach it after this: */
    check(connect(asker, (struct sockaddr *)&to, sizeof to), "connect");
    char line[1024], question[1100];
    for (int number = 1; fgets(line, sizeof line, stdin); number++) {
        line[strcspn(line, "\n")] = 0;
        int length = snprintf(question, sizeof question, "%d %s", number, line);
        char *answer = NULL;
        for (int times = 0; times < TIMES && answer == NULL; times++) {
            send(asker, question, length, 0);
            answer = answer_to(asker, number, now_ms() + WAIT_MS);
        }
        if (answer == NULL)
            return 1;
        puts(answer);
    }
    return 0;
}
