#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int argc, char **argv) {
    int port = atoi(argv[argc - 1]);
    char line[1024];
    /* Connect to 127.0.0.1 and this port. Send the lines of standard input, and print what comes back: */
    while (fgets(line, sizeof line, stdin))
        ;
    (void)port;
    return 0;
}
