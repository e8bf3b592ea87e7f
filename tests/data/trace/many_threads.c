// argv[1] clients, each a thread, and a server with a thread for each of them: argv[2] round trips a client.
#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static struct sockaddr_in address = {.sin_family = AF_INET};
static int listener, clients, trips;

static void *serve(void *connection) {
    int fd = (int)(long)connection;
    char bytes[64];
    ssize_t got;
    while ((got = recv(fd, bytes, sizeof bytes, 0)) > 0)
        if (send(fd, bytes, got, 0) != got) break;
    close(fd);
    return 0;
}

static void *accept_all(void *unused) {
    for (int i = 0; i < clients; i++) {
        pthread_t thread;
        long connection = accept(listener, 0, 0);
        pthread_create(&thread, 0, serve, (void *)connection);
        pthread_detach(thread);
    }
    return unused;
}

static void *ask(void *unused) {
    char bytes[64];
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(fd, (void *)&address, sizeof address)) {
        perror("connect");
        exit(1);
    }
    for (int i = 0; i < trips; i++)
        if (send(fd, "0123456789", 10, 0) != 10 || recv(fd, bytes, sizeof bytes, 0) <= 0) exit(2);
    close(fd);
    return unused;
}

int main(int argc, char **argv) {
    if (argc < 3) return 3;
    clients = atoi(argv[1]);
    trips = atoi(argv[2]);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    listener = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(listener, (void *)&address, length) || listen(listener, clients)) return 4;
    getsockname(listener, (void *)&address, &length);
    pthread_t acceptor, *all = calloc(clients, sizeof *all);
    pthread_create(&acceptor, 0, accept_all, 0);
    for (int i = 0; i < clients; i++) pthread_create(&all[i], 0, ask, 0);
    for (int i = 0; i < clients; i++) pthread_join(all[i], 0);
    pthread_join(acceptor, 0);
    return 0;
}
