// A server with a child for each connection, and its two clients, who are children too. Each client sends two words, which come back.
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static struct sockaddr_in address = {.sin_family = AF_INET};

static int client(void) {
    char bytes[5];
    int server = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(server, (void *)&address, sizeof address)) return 1;
    for (int i = 0; i < 2; i++)
        if (send(server, "hello", 5, 0) != 5 || recv(server, bytes, 5, MSG_WAITALL) != 5) return 2;
    shutdown(server, SHUT_WR);
    if (recv(server, bytes, 5, 0) != 0) return 3;
    return close(server);
}

static int serve(int connection) {
    char bytes[5];
    dup2(connection, 0);
    close(connection);
    while (recv(0, bytes, sizeof bytes, MSG_WAITALL) == sizeof bytes)
        if (write(0, bytes, sizeof bytes) != sizeof bytes) return 1;
    return 0;
}

int main(void) {
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0), worst = 0, status;
    if (bind(listener, (void *)&address, length) || listen(listener, 2)) return 1;
    getsockname(listener, (void *)&address, &length);
    for (int i = 0; i < 2; i++) {
        if (fork() == 0) {
            close(listener);
            _exit(client());
        }
        int connection = accept(listener, NULL, NULL);
        if (fork() == 0) {
            close(listener);
            _exit(serve(connection));
        }
        close(connection);
    }
    close(listener);
    while (wait(&status) > 0) worst |= status;
    return worst != 0;
}
