#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int argc, char **argv) {
    int port = atoi(argv[argc - 1]);
    /* Listen at 127.0.0.1 on this port. To each line that a client sends, send back the line backwards.
     * One thread serves all clients: none of its calls waits for one of them alone. */
    (void)port;
    return 0;
}
