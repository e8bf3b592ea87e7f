// What each layer says about one datagram: interface, addresses, ports, bytes. Linux; no root
// needed.
//   cc program.c -o program
//   ./program
#define _DEFAULT_SOURCE
#include <arpa/inet.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

// Ends the program if a call has failed, and tells which one.
static long check(long result, const char *call)
{
    if (result < 0) {
        perror(call);
        exit(1);
    }
    return result;
}

static void set(int s, int level, int option, const void *value, socklen_t length)
{
    check(setsockopt(s, level, option, value, length), "setsockopt");
}

int main(void)
{
    int receiver = check(socket(AF_INET, SOCK_DGRAM, 0), "socket");
    struct sockaddr_in at = {.sin_family = AF_INET}, from;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof at;
    check(bind(receiver, (struct sockaddr *)&at, sizeof at), "bind");
    check(getsockname(receiver, (struct sockaddr *)&at, &length), "getsockname");
    // A datagram may be lost, and nobody would say so.
    set(receiver, SOL_SOCKET, SO_RCVTIMEO, &(struct timeval){10, 0}, sizeof(struct timeval));
    // Also hand me what the lower layers know.
    set(receiver, IPPROTO_IP, IP_PKTINFO, &(int){1}, sizeof(int));
    set(receiver, IPPROTO_IP, IP_RECVTTL, &(int){1}, sizeof(int));

    int sender = check(socket(AF_INET, SOCK_DGRAM, 0), "socket");
    set(sender, IPPROTO_IP, IP_TTL, &(int){42}, sizeof(int)); // a field of the IP header
    check(sendto(sender, "hello", 5, 0, (struct sockaddr *)&at, sizeof at), "sendto");

    char data[1024], name[IF_NAMESIZE] = "?", to[INET_ADDRSTRLEN] = "?";
    _Alignas(struct cmsghdr) char lower[256];
    struct iovec bytes = {data, sizeof data};
    struct msghdr message = {.msg_name = &from, .msg_namelen = sizeof from,
        .msg_iov = &bytes, .msg_iovlen = 1, .msg_control = lower, .msg_controllen = sizeof lower};
    int n = check(recvmsg(receiver, &message, 0), "recvmsg"), ttl = 0;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c != NULL; c = CMSG_NXTHDR(&message, c)) {
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo info;
            memcpy(&info, CMSG_DATA(c), sizeof info);
            if_indextoname(info.ipi_ifindex, name);
            inet_ntop(AF_INET, &info.ipi_addr, to, sizeof to);
        }
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TTL)
            memcpy(&ttl, CMSG_DATA(c), sizeof ttl);
    }
    printf("data link:   came in by the interface %s\n", name);
    printf("network:     from %s to %s, time to live %d\n", inet_ntoa(from.sin_addr), to, ttl);
    printf("transport:   UDP, from port %d to port %d\n", ntohs(from.sin_port), ntohs(at.sin_port));
    printf("application: %d bytes: %.*s\n", n, n, data);
    close(sender);
    close(receiver);
}
