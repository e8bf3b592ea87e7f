/* Pairs of sockets, a thread each, which writes into one end and reads from the other. The main thread waits until a tracer holds all of
   them, and says so. */
#include <dirent.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void *talk(void *pair)
{
    int *ends = pair;
    char room[16];
    if (write(ends[0], "hello", 5) != 5 || read(ends[1], room, sizeof room) != 5)
        abort();
    return NULL;
}

/* How many threads are in a tracing stop: state t (proc_pid_stat(5)). */
static int held(void)
{
    int count = 0;
    DIR *tasks = opendir("/proc/self/task");
    for (struct dirent *task; (task = readdir(tasks)) != NULL;) {
        char path[300], line[256] = "";
        snprintf(path, sizeof path, "/proc/self/task/%s/stat", task->d_name);
        FILE *stat = fopen(path, "r");
        if (stat == NULL)
            continue;
        if (fgets(line, sizeof line, stat) && strstr(line, ") t "))
            count++;
        fclose(stat);
    }
    closedir(tasks);
    return count;
}

int main(int argc, char **argv)
{
    int count = argc > 1 ? atoi(argv[1]) : 2;
    pthread_t *threads = calloc(count, sizeof *threads);
    int (*pairs)[2] = calloc(count, sizeof *pairs);
    for (int i = 0; i < count; i++)
        if (socketpair(AF_UNIX, SOCK_STREAM, 0, pairs[i]) != 0)
            return 1;
    for (int i = 0; i < count; i++)
        if (pthread_create(&threads[i], NULL, talk, pairs[i]) != 0)
            return 1;
    while (held() < count)
        sched_yield();
    printf("%d threads are held\n", count);
    for (int i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
    return 0;
}
