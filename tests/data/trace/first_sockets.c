/* Threads that make their first sockets at the same moment, and read and close them with read(2) and close(2). */
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static pthread_barrier_t together;

static void *plays(void *unused) {
    int ends[2];
    char text[5];
    (void)unused;
    pthread_barrier_wait(&together);
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0 || write(ends[0], "hello", 5) != 5
        || read(ends[1], text, 5) != 5)
        exit(1);
    close(ends[0]);
    close(ends[1]);
    return NULL;
}

int main(int count, char **arguments) {
    int threads = count > 1 ? atoi(arguments[1]) : 8;
    pthread_t all[64];
    pthread_barrier_init(&together, NULL, threads);
    for (int i = 0; i < threads; i++)
        pthread_create(&all[i], NULL, plays, NULL);
    for (int i = 0; i < threads; i++)
        pthread_join(all[i], NULL);
    return 0;
}
