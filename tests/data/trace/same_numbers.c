// Sockets that come and go under the same few numbers, in threads that share their descriptors and in one that has its own. Each
// message is the number of the inode of the socket that sends it.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { THREADS = 5, ROUNDS = 50 };
static struct sockaddr_in address = {.sin_family = AF_INET};
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int common;

static int opened(void) {
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    if (fd < 0 || connect(fd, (void *)&address, sizeof address)) exit(1);
    return fd;
}

static void tell(int fd) {
    struct stat status;
    char text[32];
    if (fstat(fd, &status)) exit(2);
    int length = sprintf(text, "%lu", (unsigned long)status.st_ino);
    if (send(fd, text, length, 0) != length) exit(3);
}

static void *come_and_go(void *place) {
    if ((long)place == 0 && unshare(CLONE_FILES)) exit(4);
    for (int i = 0; i < ROUNDS; i++) {
        int fd = opened();
        tell(fd);
        pthread_mutex_lock(&lock);
        if (i % 4 == 0 && dup2(fd, common) != common) exit(5);
        tell(common);
        pthread_mutex_unlock(&lock);
        tell(fd);
        if ((i % 4 != 1 || syscall(SYS_close_range, fd, fd, 0)) && close(fd)) exit(6);
    }
    return 0;
}

int main(void) {
    socklen_t length = sizeof address;
    int receiver = socket(AF_INET, SOCK_DGRAM, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(receiver, (void *)&address, length)) return 7;
    getsockname(receiver, (void *)&address, &length);
    common = opened();
    pthread_t all[THREADS];
    for (long i = 0; i < THREADS; i++) pthread_create(&all[i], 0, come_and_go, (void *)i);
    for (int i = 0; i < THREADS; i++) pthread_join(all[i], 0);
    return 0;
}
