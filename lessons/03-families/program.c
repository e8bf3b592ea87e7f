// One conversation over three address families: only the address differs.
//   cc program.c -o program
//   ./program
#define _DEFAULT_SOURCE
#include <ctype.h>
#include <err.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

// Ends the program if a call has failed, and tells over which family.
static long check(long result, const char *family)
{
    if (result < 0) err(1, "%s", family);
    return result;
}

static void converse(const char *family, const char *name, struct sockaddr *at, socklen_t length)
{
    char b[1024];
    int listener = check(socket(at->sa_family, SOCK_STREAM, 0), family);
    check(bind(listener, at, length), family);
    check(listen(listener, 5), family);
    check(getsockname(listener, at, &length), family); // the kernel has chosen a port
    int client = check(socket(at->sa_family, SOCK_STREAM, 0), family);
    check(connect(client, at, length), family); // succeeds before accept(): there is a queue
    int server = check(accept(listener, NULL, NULL), family);

    // So few bytes fit into the empty buffers. Where they may not, send() needs a loop (lesson 9).
    check(send(client, "hello", 5, MSG_NOSIGNAL) == 5 ? 0 : -1, family);
    check(shutdown(client, SHUT_WR), family);
    // MSG_WAITALL: recv() waits until the buffer is full, or the stream ends.
    long n = check(recv(server, b, sizeof b, MSG_WAITALL), family);
    for (long i = 0; i < n; i++)
        b[i] = toupper((unsigned char)b[i]);
    check(send(server, b, n, MSG_NOSIGNAL) == n ? 0 : -1, family);
    check(shutdown(server, SHUT_WR), family);
    n = check(recv(client, b, sizeof b, MSG_WAITALL), family);
    printf("%s: hello -> %.*s, at %s\n", family, (int)n, b, name);
    close(server), close(client), close(listener);
}

int main(void)
{
    struct sockaddr_in inet = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    converse("AF_INET", "127.0.0.1", (struct sockaddr *)&inet, sizeof inet);

    struct sockaddr_un door = {.sun_family = AF_UNIX};
    char folder[] = "/tmp/door-XXXXXX"; // only we may enter it
    check(mkdtemp(folder) == NULL ? -1 : 0, folder);
    snprintf(door.sun_path, sizeof door.sun_path, "%s/door", folder);
    converse("AF_UNIX", door.sun_path, (struct sockaddr *)&door, sizeof door);
    unlink(door.sun_path); // close() leaves the file where it is
    rmdir(folder);

    // Last, since it fails where there is no IPv6.
    struct sockaddr_in6 inet6 = {.sin6_family = AF_INET6, .sin6_addr = in6addr_loopback};
    converse("AF_INET6", "::1", (struct sockaddr *)&inet6, sizeof inet6);
}
