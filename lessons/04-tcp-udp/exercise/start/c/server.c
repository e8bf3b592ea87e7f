#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int argc, char **argv) {
    int port = atoi(argv[argc - 1]);
    /* Listen at 127.0.0.1 on this port. Answer each message with its bytes in reverse order. */
    (void)port;
    return 0;
}
