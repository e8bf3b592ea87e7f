#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int argc, char **argv) {
    int port = atoi(argv[argc - 1]);
    /* Connect to 127.0.0.1 and this port. Send 20,000,000 bytes, receive to the end at the same time, and print
     * how many came. */
    (void)port;
    return 0;
}
