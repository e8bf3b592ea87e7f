#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int argc, char **argv) {
    int port = atoi(argv[argc - 1]);
    char data[4096];
    /* Connect to 127.0.0.1 and this port. Send standard input, say that this is all, and print the answer. */
    while (fgets(data, sizeof data, stdin))
        ;
    (void)port;
    return 0;
}
