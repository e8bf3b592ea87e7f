// Blocks in each of several calls, in a process of its own, while its parent sends it signals that it ignores. The signals may not
// make the call fail. Writes what was wrong, and ends with 1 if anything was.
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int ours, listener;
static struct sockaddr_in address = {.sin_family = AF_INET};

static int in_epoll_wait(void) {
    struct epoll_event event = {.events = EPOLLIN};
    int epoll = epoll_create1(0);
    epoll_ctl(epoll, EPOLL_CTL_ADD, ours, &event);
    return epoll_wait(epoll, &event, 1, -1);
}

static int in_epoll_pwait(void) {
    struct epoll_event event = {.events = EPOLLIN};
    int epoll = epoll_create1(0);
    sigset_t mask;
    sigemptyset(&mask);
    epoll_ctl(epoll, EPOLL_CTL_ADD, ours, &event);
    return epoll_pwait(epoll, &event, 1, 60000, &mask);
}

static int in_poll(void) {
    struct pollfd one = {.fd = ours, .events = POLLIN};
    return poll(&one, 1, -1);
}

static int in_select(void) {
    fd_set set;
    FD_ZERO(&set);
    FD_SET(ours, &set);
    return select(ours + 1, &set, NULL, NULL, NULL);
}

static int in_recv(void) {
    char byte;
    return recv(ours, &byte, 1, 0);
}

static int in_recv_with_timeout(void) {
    struct timeval minute = {.tv_sec = 60};
    setsockopt(ours, SOL_SOCKET, SO_RCVTIMEO, &minute, sizeof minute);
    return in_recv();
}

static int in_read(void) {
    char byte;
    return read(ours, &byte, 1);
}

static int in_accept(void) { return accept(listener, NULL, NULL); }

static int in_nanosleep(void) {
    struct timespec before, after, asked = {.tv_nsec = 300000000};
    clock_gettime(CLOCK_MONOTONIC, &before);
    int result = nanosleep(&asked, NULL);
    clock_gettime(CLOCK_MONOTONIC, &after);
    long slept = (after.tv_sec - before.tv_sec) * 1000000000 + after.tv_nsec - before.tv_nsec;
    if (result == 0 && slept < asked.tv_nsec) errno = ETIME, result = -1;
    return result;
}

static const struct {
    const char *name;
    int (*call)(void);
} calls[] = {
    {"epoll_wait", in_epoll_wait}, {"epoll_pwait", in_epoll_pwait}, {"poll", in_poll},
    {"select", in_select},         {"recv", in_recv},               {"recv, SO_RCVTIMEO", in_recv_with_timeout},
    {"read", in_read},             {"accept", in_accept},           {"nanosleep", in_nanosleep},
};

// What /proc says of a process, after this key.
static void status(pid_t process, const char *key, char *rest, int size) {
    char path[40], line[256];
    snprintf(path, sizeof path, "/proc/%d/status", process);
    FILE *file = fopen(path, "r");
    rest[0] = 0;
    while (file && fgets(line, sizeof line, file))
        if (!strncmp(line, key, strlen(key))) snprintf(rest, size, "%s", line + strlen(key));
    if (file) fclose(file);
}

// Waits until a process is asleep and no signal is on its way to it, or until it has ended.
static int is_asleep(pid_t process) {
    char state[256], pending[256];
    do {
        usleep(1000);
        status(process, "ShdPnd:", pending, sizeof pending);
        status(process, "State:", state, sizeof state);
        if (!state[0] || strchr(state, 'Z')) return 0;
    } while (!strchr(state, 'S') || strtok(pending, "0 \t\n"));
    return 1;
}

static int tried(int which) {
    int pair[2], start[2], code;
    char byte = 0;
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) || pipe(start)) return 1;
    ours = pair[0];
    pid_t child = fork();
    if (child == 0) {
        close(start[1]);
        (void)!read(start[0], &byte, 1);
        errno = 0;
        int result = calls[which].call();
        if (result < 0) printf("%s: %s\n", calls[which].name, strerror(errno));
        fflush(stdout);
        _exit(result < 0);
    }
    close(start[1]);
    const int signals[] = {SIGCHLD, SIGWINCH, SIGUSR1};
    for (int i = 0; i < 6 && is_asleep(child); i++) kill(child, signals[i % 3]);
    if (is_asleep(child) && calls[which].call == in_accept) {
        int client = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(client, (void *)&address, sizeof address)) return 1;
        close(client);
    }
    (void)!send(pair[1], "x", 1, MSG_NOSIGNAL);
    waitpid(child, &code, 0);
    close(pair[0]);
    close(pair[1]);
    close(start[0]);
    return code;
}

int main(void) {
    socklen_t length = sizeof address;
    int worst = 0;
    signal(SIGUSR1, SIG_IGN);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    listener = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(listener, (void *)&address, length) || listen(listener, 1)) return 2;
    getsockname(listener, (void *)&address, &length);
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) worst |= tried(i);
    return worst != 0;
}
