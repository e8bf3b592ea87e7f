#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv) {
    if (argc < 3)
        return fprintf(stderr, "usage: server PORT SECONDS\n"), 2;
    int port = atoi(argv[argc - 2]), seconds = atoi(argv[argc - 1]);
    /* Listen at 127.0.0.1 on this port. Answer the line that each client sends, if it is there within these seconds. */
    (void)port, (void)seconds;
    return 0;
}
