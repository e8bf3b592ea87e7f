#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int main(int argc, char **argv) {
    if (argc < 3)
        return 2;
    int port = atoi(argv[argc - 2]);
    const char *path = argv[argc - 1];
    /* Listen at 127.0.0.1 and ::1 on this port, and at this path.
       Tell each client its family, then send back what it sends. */
    (void)port, (void)path;
    return 0;
}
