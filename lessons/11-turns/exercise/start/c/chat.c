#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int argc, char **argv) {
    if (argc < 3)
        return fprintf(stderr, "usage: chat server|client PORT\n"), 2;
    int is_server = strcmp(argv[argc - 2], "server") == 0;
    int port = atoi(argv[argc - 1]);
    if (is_server) {
        /* Listen at 127.0.0.1 on this port, and take one client. */
    } else {
        /* Connect to 127.0.0.1 and this port. */
    }
    /* Then take turns, a line each; the client begins. */
    (void)port;
    return 0;
}
