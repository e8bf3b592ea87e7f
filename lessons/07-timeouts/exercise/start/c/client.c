#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int argc, char **argv) {
    char amount[40];
    /* The bank is at the address argv[argc - 2] and the port argv[argc - 1]. */
    while (fgets(amount, sizeof amount, stdin)) {
        /* Send it a number and the amount, and print the balance. Try again after a second, with the same number. */
    }
    return 0;
}
