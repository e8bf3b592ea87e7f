// Runs a program with system calls forbidden, as a sandbox or an older kernel has it: deny CALL=ERRNO... -- PROGRAM ARGS...
// `listen=SIGSYS` kills whoever makes the call; `ptrace/16910=EIO` forbids the call with that first argument only.
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CALL(name) {#name, SYS_##name}
static const struct { const char *name; long number; } calls[] = {
    CALL(ptrace), CALL(process_vm_readv), CALL(unshare), CALL(seccomp), CALL(io_uring_setup), {"pidfd_getfd", 438},
    CALL(listen),
};
static const struct { const char *name; int number; } errors[] = {
    {"EPERM", EPERM}, {"ENOSYS", ENOSYS}, {"EIO", EIO}, {"EINVAL", EINVAL}, {"SIGSYS", 0},
};

static void add(struct sock_fprog *filter, const char *rule) {
    char call[64];
    const char *error = strchr(rule, '=') + 1, *argument = strchr(rule, '/');
    size_t length = (argument ? argument : error - 1) - rule;
    snprintf(call, sizeof call, "%.*s", (int)length, rule);
    long number = -1;
    int code = -1;
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        if (!strcmp(calls[i].name, call)) number = calls[i].number;
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
        if (!strcmp(errors[i].name, error)) code = errors[i].number;
    if (number < 0 || code < 0) exit(126);
    struct sock_filter rules[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, argument ? 3 : 1),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, argument ? atoi(argument + 1) : 0, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, code ? SECCOMP_RET_ERRNO | code : SECCOMP_RET_KILL_PROCESS),
    };
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (argument || i < 2 || i == 4) filter->filter[filter->len++] = rules[i];
}

int main(int argc, char **argv) {
    static struct sock_filter code[256];
    struct sock_fprog filter = {0, code};
    int at = 1;
    for (; at < argc && strcmp(argv[at], "--"); at++) add(&filter, argv[at]);
    code[filter.len++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    if (at + 1 >= argc || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter))
        return 126;
    execvp(argv[at + 1], argv + at + 1);
    return 127;
}
