#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int argc, char **argv) {
    int port = atoi(argv[argc - 1]);
    /* Listen at 127.0.0.1 on this port. A client sends a line with a number: send it so many dots,
     * and end the connection so that nothing is lost. */
    (void)port;
    return 0;
}
