#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv) {
    int port = atoi(argv[argc - 1]);
    /* Listen at 127.0.0.1 on this port.
       For each line of a client run `sleep` with that number of seconds, then send "done". */
    (void)port;
    return 0;
}
