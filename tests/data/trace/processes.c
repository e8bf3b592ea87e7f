// What processes may do besides fork(2). argv[1] says which of it:
//   vfork    a child of vfork(2) runs this program anew, which sends on a socket that it has inherited
//   thread   a thread runs this program anew, while the first thread is blocked in recv(2); it talks to itself on a pair
//   prefork  two children accept on one listener, and serve one client each
//   crash    a thread crashes, while the first thread is blocked in recv(2)
//   files    a process that has one table of descriptors with the first ends, and closes nothing by that
//   say, talk  what is run anew, with descriptors
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static char *program;
static int pair[2], other[2];

static int say(int to) { return send(to, "hello", 5, 0) != 5; }

static int hear(int from) {
    char bytes[5];
    return recv(from, bytes, sizeof bytes, MSG_WAITALL) != sizeof bytes;
}

// Runs this program anew.
static void again(char *what, int one, int another) {
    char words[2][12];
    sprintf(words[0], "%d", one);
    sprintf(words[1], "%d", another);
    char *arguments[] = {program, what, words[0], words[1], NULL};
    execv("/proc/self/exe", arguments);
    _exit(9);
}

static int by_vfork(void) {
    int status;
    if (vfork() == 0) again("say", pair[1], 0);
    close(pair[1]);
    int failed = hear(pair[0]);
    wait(&status);
    return failed || status;
}

// Waits until the first thread is asleep.
static void wait_for_first(void) {
    char state;
    do {
        char path[64];
        sprintf(path, "/proc/self/task/%d/stat", getpid());
        FILE *file = fopen(path, "r");
        if (!file || fscanf(file, "%*d (%*[^)]) %c", &state) != 1) exit(8);
        fclose(file);
        usleep(1000);
    } while (state != 'S');
}

static void *run_anew(void *unused) {
    wait_for_first();
    again("talk", pair[0], pair[1]);
    return unused;
}

static int in_thread(void) {
    pthread_t thread;
    for (int i = 0; i < 2; i++) fcntl(other[i], F_SETFD, FD_CLOEXEC);
    pthread_create(&thread, NULL, run_anew, NULL);
    return hear(other[0]);
}

static int prefork(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0), worst = 0, status;
    if (bind(listener, (void *)&address, length) || listen(listener, 2)) return 1;
    getsockname(listener, (void *)&address, &length);
    for (int i = 0; i < 2; i++)
        if (fork() == 0) {
            int client = accept(listener, NULL, NULL);
            _exit(hear(client) || say(client));
        }
    for (int i = 0; i < 2; i++) {
        int server = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(server, (void *)&address, length) || say(server) || hear(server)) return 2;
        close(server);
    }
    while (wait(&status) > 0) worst |= status;
    return worst != 0;
}

static void *write_nowhere(void *unused) {
    wait_for_first();
    *(volatile int *)8 = 1;
    return unused;
}

static int crash(void) {
    pthread_t thread;
    pthread_create(&thread, NULL, write_nowhere, NULL);
    return say(other[0]) || hear(pair[0]);
}

static int hear_once(void *unused) {
    (void)unused;
    return hear(pair[0]);
}

static int by_files(void) {
    static char stack[65536] __attribute__((aligned(16)));
    int status;
    if (clone(hear_once, stack + sizeof stack, CLONE_FILES | CLONE_VM | SIGCHLD, NULL) < 0) return 5;
    if (say(pair[1]) || wait(&status) < 0 || status) return 6;
    return say(pair[1]) || hear(pair[0]);
}

int main(int argc, char **argv) {
    program = argv[0];
    if (argc > 3) {
        if (!strcmp(argv[1], "say")) return say(atoi(argv[2]));
        return say(atoi(argv[2])) || hear(atoi(argv[3]));
    }
    if (argc < 2) return 3;
    if (!strcmp(argv[1], "prefork")) return prefork();
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) || socketpair(AF_UNIX, SOCK_STREAM, 0, other)) return 4;
    if (!strcmp(argv[1], "vfork")) return by_vfork();
    if (!strcmp(argv[1], "files")) return by_files();
    return strcmp(argv[1], "thread") ? crash() : in_thread();
}
