// Messages over TCP, each behind its length; and the same as datagrams over UDP.
//   cc program.c -o program
//   ./program server tcp     in one terminal (or: server udp; Ctrl-C ends it)
//   ./program client tcp     in another (or: client udp)
#define _DEFAULT_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static const char *MESSAGES[] = {"one", "", "three words here", NULL};
static struct sockaddr_in at = {.sin_family = AF_INET};
static char b[65536]; // larger than any datagram

// Ends the program if a call has failed, and tells which one and where.
static long check(long result, const char *call)
{
    if (result < 0) err(1, "%s, 127.0.0.1 port %d", call, ntohs(at.sin_port));
    return result;
}

// send() may take only some of a stream's bytes.
static void send_all(int s, const void *bytes, long length)
{
    for (long done = 0; done < length;)
        done += check(send(s, (const char *)bytes + done, length - done, MSG_NOSIGNAL), "send");
}

// The next message, into b; returns its length, or -1 at the end of the stream. recv() gives what
// is there, which may be less. With MSG_WAITALL the kernel waits for all of it, or for the end.
static long receive_message(int s)
{
    uint32_t size; // four bytes, the high one first, on every machine
    long n = check(recv(s, &size, sizeof size, MSG_WAITALL), "recv");
    if (n == 0) return -1; // the stream ended between two messages
    size = ntohl(size);
    // Never let a peer decide how much we store.
    if (n < 4 || size > sizeof b || (size && check(recv(s, b, size, MSG_WAITALL), "recv") < size))
        errx(1, "127.0.0.1 port %d: a message is cut off, or too long", ntohs(at.sin_port));
    return size;
}

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0); // each line is shown at once, also in a pipe
    const char *role = argc > 2 ? argv[1] : "";
    int udp = argc > 2 && strcmp(argv[2], "udp") == 0;
    at.sin_port = htons(argc > 3 ? atoi(argv[3]) : 21567);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int s = check(socket(AF_INET, udp ? SOCK_DGRAM : SOCK_STREAM, 0), "socket");
    if (strcmp(role, "client") == 0) {
        if (!udp) check(connect(s, (struct sockaddr *)&at, sizeof at), "connect");
        for (const char **m = MESSAGES; *m != NULL; m++)
            if (udp) { // a datagram goes whole, even an empty one; nobody tells whether it arrives
                check(sendto(s, *m, strlen(*m), 0, (struct sockaddr *)&at, sizeof at), "sendto");
            } else {
                send_all(s, &(uint32_t){htonl(strlen(*m))}, sizeof(uint32_t));
                send_all(s, *m, strlen(*m));
            }
    } else if (strcmp(role, "server") == 0) {
        // For UDP this option would let two servers share the port.
        check(setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &(int){!udp}, sizeof(int)), "setsockopt");
        check(bind(s, (struct sockaddr *)&at, sizeof at), "bind");
        if (!udp) check(listen(s, 5), "listen");
        check(getsockname(s, (struct sockaddr *)&at, &(socklen_t){sizeof at}), "getsockname");
        printf("bound to 127.0.0.1 port %d\n", ntohs(at.sin_port));
        if (!udp) s = check(accept(s, NULL, NULL), "accept");
        // A datagram is a message.
        for (long n; (n = udp ? check(recv(s, b, sizeof b, 0), "recv") : receive_message(s)) >= 0;)
            printf("%ld bytes: %.*s\n", n, n < 20 ? (int)n : 20, b);
    } else errx(2, "usage: program server|client tcp|udp [port]");
}
