// Calls on sockets in the forms that no experiment makes.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv) {
    (void)argc;
    int pair[2], datagrams[2], pipes[2];
    char buffer[64], other[64];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) || socketpair(AF_UNIX, SOCK_DGRAM, 0, datagrams) || pipe(pipes))
        return 1;

    struct iovec out[2] = {{"hel", 3}, {"lo", 2}}, in[2] = {{buffer, 2}, {other, 62}};
    if (writev(pair[0], out, 2) != 5 || readv(pair[1], in, 2) != 5) return 2;

    struct msghdr message = {.msg_iov = out, .msg_iovlen = 2};
    if (sendmsg(pair[0], &message, MSG_NOSIGNAL) != 5) return 3;
    message.msg_iov = in;
    if (recvmsg(pair[1], &message, 0) != 5) return 3;

    struct mmsghdr two[2] = {{.msg_hdr = {.msg_iov = out, .msg_iovlen = 1}}, {.msg_hdr = {.msg_iov = out + 1, .msg_iovlen = 1}}};
    if (sendmmsg(datagrams[0], two, 2, 0) != 2) return 4;
    struct iovec rooms[2] = {{buffer, 64}, {other, 64}};
    struct mmsghdr both[2] = {{.msg_hdr = {.msg_iov = rooms, .msg_iovlen = 1}}, {.msg_hdr = {.msg_iov = rooms + 1, .msg_iovlen = 1}}};
    if (recvmmsg(datagrams[1], both, 2, 0, 0) != 2) return 4;

    if (pwritev2(pair[0], out, 1, -1, 0) != 3 || preadv2(pair[1], in + 1, 1, -1, 0) != 3) return 4;

    int file = open(argv[0], O_RDONLY);
    if (sendfile(pair[0], file, 0, 16) != 16) return 5;
    if (splice(pair[1], 0, pipes[1], 0, 16, 0) != 16) return 6;
    if (splice(pipes[0], 0, pair[0], 0, 16, 0) != 16) return 6;
    if (read(pair[1], buffer, 64) != 16) return 6;

    int on = 1;
    if (ioctl(pair[1], FIONBIO, &on) || recv(pair[1], buffer, 64, 0) != -1) return 7;
    if (recv(pair[0], buffer, 64, MSG_DONTWAIT) != -1) return 7;

    struct timespec millisecond = {0, 1000000};
    nanosleep(&millisecond, 0);
    struct io_uring_params parameters;
    memset(&parameters, 0, sizeof parameters);
    syscall(SYS_io_uring_setup, 1, &parameters); // it may be forbidden: the call itself matters

    // One closed by dup2, one by close_range, and at exit the kernel closes the rest: what is in place of the first.
    if (dup2(pair[0], datagrams[0]) != datagrams[0]) return 8;
    close(pair[0]);
    if (close_range(datagrams[1], datagrams[1], 0)) return 9;
    close(pair[1]);
    return 0;
}
