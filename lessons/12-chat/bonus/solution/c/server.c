#include <arpa/inet.h>
#include <ctype.h>
#include <err.h>
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define GUESTS 64
#define ROOM (1 << 20) /* of what is still to be sent to one guest, at most */

struct guest {
    int fd; /* -1: nobody */
    char name[17]; /* empty: not in the room yet */
    char line[1024], out[ROOM];
    size_t length, left;
};

static struct guest guests[GUESTS];

static int check(int result, const char *what) {
    if (result < 0)
        err(1, "%s", what);
    return result;
}

/* Sends what there is room for. */
static void flush(struct guest *it) {
    ssize_t n = send(it->fd, it->out, it->left, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n > 0)
        memmove(it->out, it->out + n, it->left -= n);
}

static void say(struct guest *to, const char *format, ...) {
    va_list values;
    va_start(values, format);
    int n = vsnprintf(to->out + to->left, ROOM - to->left, format, values);
    va_end(values);
    if (n < (int)(ROOM - to->left)) { /* else one who reads nothing for so long misses it */
        to->left += n;
        flush(to);
    }
}

#define tell_others(than, ...)                                                                     \
    for (struct guest *to = guests; to < guests + GUESTS; to++)                                    \
        if (to != (than) && to->fd >= 0 && to->name[0])                                            \
            say(to, __VA_ARGS__);

static void leave(struct guest *it) {
    close(it->fd);
    it->fd = -1;
    if (it->name[0])
        tell_others(it, "* %s has left the room\n", it->name);
}

static int is_name(const char *text) {
    size_t length = strlen(text);
    for (const char *c = text; *c; c++)
        if (!isalnum((unsigned char)*c))
            return 0;
    return length > 0 && length < sizeof guests->name;
}

static void heard(struct guest *it, char *line) {
    line[strcspn(line, "\r")] = 0;
    if (it->name[0]) {
        tell_others(it, "[%s] %s\n", it->name, line);
    } else if (is_name(line)) {
        say(it, "* in the room:");
        for (struct guest *one = guests; one < guests + GUESTS; one++)
            if (one->fd >= 0 && one->name[0])
                say(it, " %s", one->name);
        say(it, "\n");
        strcpy(it->name, line);
        tell_others(it, "* %s has entered the room\n", it->name);
    } else {
        say(it, "* a name has letters and digits alone\n");
        leave(it);
    }
}

static void receive(struct guest *it) {
    ssize_t n = recv(it->fd, it->line + it->length, sizeof it->line - it->length, 0);
    if (n <= 0)
        return leave(it); /* also for a line that is too long */
    it->length += n;
    for (char *end; it->fd >= 0 && (end = memchr(it->line, '\n', it->length));) {
        *end = 0;
        heard(it, it->line);
        it->length -= end + 1 - it->line;
        memmove(it->line, end + 1, it->length);
    }
}

static void come(int fd) {
    struct guest *it = guests;
    while (it < guests + GUESTS && it->fd >= 0)
        it++;
    if (it == guests + GUESTS) {
        close(fd);
        return;
    }
    it->fd = fd;
    it->name[0] = 0;
    it->length = it->left = 0;
    say(it, "What is your name?\n");
}

int main(int argc, char **argv) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[argc - 1]))};
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int listener = check(socket(AF_INET, SOCK_STREAM, 0), "socket"), on = 1;
    check(setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), "setsockopt");
    check(bind(listener, (struct sockaddr *)&at, sizeof at), "bind");
    check(listen(listener, 5), "listen");
    for (int i = 0; i < GUESTS; i++)
        guests[i].fd = -1;
    for (;;) {
        struct pollfd wait[GUESTS + 1] = {{.fd = listener, .events = POLLIN}};
        for (int i = 0; i < GUESTS; i++)
            wait[i + 1] = (struct pollfd){.fd = guests[i].fd,
                                          .events = POLLIN | (guests[i].left > 0 ? POLLOUT : 0)};
        if (poll(wait, GUESTS + 1, -1) < 0 && errno != EINTR)
            err(1, "poll");
        for (int i = 0; i < GUESTS; i++) {
            if (wait[i + 1].revents & POLLOUT)
                flush(&guests[i]);
            if (wait[i + 1].revents & ~POLLOUT)
                receive(&guests[i]);
        }
        if (wait[0].revents)
            come(check(accept(listener, NULL, NULL), "accept"));
    }
}
