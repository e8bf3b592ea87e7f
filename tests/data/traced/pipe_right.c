/* A client that goes on sending, and asks for EPIPE instead of SIGPIPE. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int argc, char **argv) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int port = 0, sock = socket(AF_INET, SOCK_STREAM, 0);
    char text[64];
    FILE *file;
    while (!(file = fopen(argv[argc - 1], "r"))) /* the server may listen, and not have written it yet */
        usleep(1000);
    if (fscanf(file, "%d", &port) != 1)
        return 1;
    at.sin_port = htons(port);
    if (connect(sock, (struct sockaddr *)&at, sizeof at))
        return 1;
    recv(sock, text, sizeof text, 0);
    for (int i = 0; i < 20; i++) {
        if (send(sock, "hello?", 6, MSG_NOSIGNAL) < 0)
            break;
        usleep(50000);
    }
    close(sock);
    return 0;
}
