// One conversation over three address families: only the address differs.
//   cc program.c -o program
//   ./program
#define _DEFAULT_SOURCE
#include <arpa/inet.h>
#include <ctype.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

// Tells which call has failed, over which family.
static int failed(const char *family, const char *call)
{
    fprintf(stderr, "%s: ", family);
    perror(call);
    return 1;
}

// Reads to the end; gives the number of bytes, or -1.
static long receive_all(int s, char *bytes, size_t size)
{
    size_t length = 0;
    for (long n; length < size; length += n)
        if ((n = recv(s, bytes + length, size - length, 0)) <= 0) // 0 is the end
            return n < 0 ? -1 : (long)length;
    return length;
}

static int converse(const char *family, struct sockaddr *at, socklen_t length)
{
    char b[1024];
    int listener = socket(at->sa_family, SOCK_STREAM, 0), client = socket(at->sa_family, SOCK_STREAM, 0);
    if (listener < 0 || client < 0)
        return failed(family, "socket");
    if (bind(listener, at, length) < 0 || listen(listener, 5) < 0 || getsockname(listener, at, &length) < 0)
        return failed(family, "bind, listen, getsockname");
    if (connect(client, at, length) < 0) // succeeds before accept(): the kernel has a queue
        return failed(family, "connect");
    int server = accept(listener, NULL, NULL);
    if (server < 0)
        return failed(family, "accept");
    // Five bytes into an empty buffer are taken whole: no loop (lesson 9 shows when one is needed).
    if (send(client, "hello", 5, MSG_NOSIGNAL) != 5 || shutdown(client, SHUT_WR) < 0)
        return failed(family, "send");
    long n = receive_all(server, b, sizeof b);
    for (long i = 0; i < n; i++)
        b[i] = toupper((unsigned char)b[i]);
    if (n < 0 || send(server, b, n, MSG_NOSIGNAL) != n || shutdown(server, SHUT_WR) < 0)
        return failed(family, "the server");
    if ((n = receive_all(client, b, sizeof b)) < 0)
        return failed(family, "recv");
    char host[NI_MAXHOST], port[NI_MAXSERV];
    if (at->sa_family == AF_UNIX)
        printf("%s: hello -> %.*s, at %s\n", family, (int)n, b, ((struct sockaddr_un *)at)->sun_path);
    else if (getnameinfo(at, length, host, sizeof host, port, sizeof port, NI_NUMERICHOST | NI_NUMERICSERV) == 0)
        printf("%s: hello -> %.*s, at %s port %s\n", family, (int)n, b, host, port);
    close(server), close(client), close(listener);
    return 0;
}

int main(void)
{
    struct sockaddr_in inet = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_in6 inet6 = {.sin6_family = AF_INET6, .sin6_addr = in6addr_loopback};
    struct sockaddr_un door = {.sun_family = AF_UNIX};
    char folder[] = "/tmp/door-XXXXXX"; // only we may enter it
    if (mkdtemp(folder) == NULL)
        return failed(folder, "mkdtemp");
    snprintf(door.sun_path, sizeof door.sun_path, "%s/door", folder);
    int wrong = converse("AF_INET", (struct sockaddr *)&inet, sizeof inet);
    // Fails where there is no IPv6.
    wrong |= converse("AF_INET6", (struct sockaddr *)&inet6, sizeof inet6);
    wrong |= converse("AF_UNIX", (struct sockaddr *)&door, sizeof door);
    unlink(door.sun_path); // close() leaves the file where it is
    rmdir(folder);
    return wrong;
}
