// Messages over TCP, each behind its length; and the same as datagrams over UDP.
//   cc program.c -o program
//   ./program server tcp     in one terminal (or: server udp; Ctrl-C ends it)
//   ./program client tcp     in another (or: client udp)
#define _DEFAULT_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char *MESSAGES[] = {"one", "", "three words here"};
static int port = 21567;

static void fail(const char *what, const char *why)
{
    fprintf(stderr, "%s, 127.0.0.1 port %d: %s\n", what, port, why);
    exit(1);
}

static long check(long result, const char *call)
{
    if (result < 0)
        fail(call, strerror(errno));
    return result;
}

// send() may take only some of the bytes. (A datagram goes whole or not at all: one turn, even if
// it is empty.)
static void send_all(int s, const void *bytes, long length)
{
    long done = 0;
    do
        done += check(send(s, (const char *)bytes + done, length - done, MSG_NOSIGNAL), "send");
    while (done < length);
}

// recv() gives what is there, which may be less. Returns 0 if the stream ends before the first
// byte.
static int receive_exactly(int s, void *bytes, long length)
{
    for (long n, done = 0; done < length; done += n)
        if ((n = check(recv(s, (char *)bytes + done, length - done, 0), "recv")) == 0) {
            if (done > 0)
                fail("recv", "the stream ended in the middle of a message");
            return 0;
        }
    return 1;
}

static void tcp_server(int listener)
{
    int s = check(accept(listener, NULL, NULL), "accept");
    char message[65536];
    for (uint32_t length; receive_exactly(s, &length, sizeof length);) {
        length = ntohl(length); // four bytes, the high one first, on every machine
        if (length > sizeof message) // never let a peer decide how much we store
            fail("recv", "a message too long for us");
        if (length > 0 && !receive_exactly(s, message, length))
            fail("recv", "the stream ended in the middle of a message");
        printf("%u bytes: %.*s\n", length, length < 20 ? (int)length : 20, message);
    }
    close(s);
}

static void udp_server(int s)
{
    char message[65536]; // a datagram is a message; in a smaller buffer its end would be lost
    for (;;) { // no connection, so no end
        int length = check(recv(s, message, sizeof message, 0), "recv");
        printf("%d bytes: %.*s\n", length, length < 20 ? length : 20, message);
    }
}

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0); // each line is shown at once, also in a pipe
    int serves = argc > 2 && strcmp(argv[1], "server") == 0, udp = argc > 2 && strcmp(argv[2], "udp") == 0;
    if (argc < 3 || (!serves && strcmp(argv[1], "client") != 0) || (!udp && strcmp(argv[2], "tcp") != 0)) {
        fprintf(stderr, "usage: program server|client tcp|udp [port]\n");
        return 2;
    }
    port = argc > 3 ? atoi(argv[3]) : port;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    int s = check(socket(AF_INET, udp ? SOCK_DGRAM : SOCK_STREAM, 0), "socket");
    if (serves) {
        if (!udp) // for UDP this option would let two servers share the port
            check(setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int)), "setsockopt");
        check(bind(s, (struct sockaddr *)&at, sizeof at), "bind");
        if (!udp)
            check(listen(s, 5), "listen");
        check(getsockname(s, (struct sockaddr *)&at, &size), "getsockname");
        printf("bound to %s port %d\n", inet_ntoa(at.sin_addr), ntohs(at.sin_port));
        (udp ? udp_server : tcp_server)(s);
    } else {
        // For UDP: only where to send.
        check(connect(s, (struct sockaddr *)&at, sizeof at), "connect");
        for (size_t i = 0; i < sizeof MESSAGES / sizeof *MESSAGES; i++) {
            uint32_t length = htonl(strlen(MESSAGES[i]));
            if (!udp)
                send_all(s, &length, sizeof length);
            send_all(s, MESSAGES[i], strlen(MESSAGES[i]));
        }
    }
    close(s);
}
