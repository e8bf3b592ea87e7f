// What the C cells of the lessons' tables may use. The cells follow, each in a function of its own.
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <wchar.h>

static int s, c, flags, error, how, left, milliseconds, on = 1;
static long n;
static char b[1024], *line, *path, *args[2];
static size_t size;
static struct sockaddr_in at;
static socklen_t length = sizeof at;
static struct msghdr message;
static struct timeval limit;
static struct tcp_info info;
static struct pollfd wanted[2];
static pid_t pid;
static pthread_t t;
static wchar_t character;
static mbstate_t state;
void *f(void *), *receive(void *);
