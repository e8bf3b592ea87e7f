#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int argc, char **argv) {
    int port = atoi(argv[argc - 1]);
    /* Listen at 127.0.0.1 on this port. Ask each client for its name; then pass on each line of it to all others. */
    (void)port;
    return 0;
}
