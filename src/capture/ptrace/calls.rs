//! Which system calls are looked at, by number. A call that differs from another only in how its arguments are passed is the same
//! here; its name tells them apart.

/// A system call that is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sys {
    Accept,
    Bind,
    Close,
    CloseRange,
    Connect,
    Dup,
    DupOnto,
    EpollCreate,
    EpollCtl,
    EpollWait,
    Exec,
    Fcntl,
    GetPeerName,
    GetSockName,
    GetSockOpt,
    Ioctl,
    IoUringSetup,
    Listen,
    Poll,
    Prctl,
    Read,
    ReadV,
    RecvFrom,
    RecvMessages,
    RecvMsg,
    Restart,
    Seccomp,
    Select,
    SendFile,
    SendMessages,
    SendMsg,
    SendTo,
    SetSockOpt,
    Shutdown,
    Sleep,
    Socket,
    SocketPair,
    Splice,
    Write,
    WriteV,
}

/// A system call that is looked at: its number, what it does, its name.
pub type Traced = (u64, Sys, &'static str);

macro_rules! table {
    ($($(#[$only:meta])* $number:ident => $sys:ident,)*) => {
        /// Those that are always looked at, the frequent ones first.
        pub static ALWAYS: &[Traced] = &[$($(#[$only])*
            (libc::$number.cast_unsigned(), Sys::$sys, without_prefix(stringify!($number)))),*];
    };
}

const fn without_prefix(number: &'static str) -> &'static str {
    number.split_at("SYS_".len()).1
}

table! {
    SYS_recvfrom => RecvFrom,
    SYS_sendto => SendTo,
    SYS_read => Read,
    SYS_write => Write,
    SYS_epoll_pwait => EpollWait,
    #[cfg(target_arch = "x86_64")]
    SYS_epoll_wait => EpollWait,
    SYS_epoll_pwait2 => EpollWait,
    #[cfg(target_arch = "x86_64")]
    SYS_poll => Poll,
    SYS_ppoll => Poll,
    #[cfg(target_arch = "x86_64")]
    SYS_select => Select,
    SYS_pselect6 => Select,
    SYS_sendmsg => SendMsg,
    SYS_recvmsg => RecvMsg,
    SYS_sendmmsg => SendMessages,
    SYS_recvmmsg => RecvMessages,
    SYS_readv => ReadV,
    SYS_writev => WriteV,
    SYS_preadv2 => ReadV,
    SYS_pwritev2 => WriteV,
    SYS_sendfile => SendFile,
    SYS_splice => Splice,
    SYS_close => Close,
    SYS_close_range => CloseRange,
    SYS_socket => Socket,
    SYS_socketpair => SocketPair,
    SYS_bind => Bind,
    SYS_listen => Listen,
    SYS_accept => Accept,
    SYS_accept4 => Accept,
    SYS_connect => Connect,
    SYS_shutdown => Shutdown,
    SYS_getsockname => GetSockName,
    SYS_getpeername => GetPeerName,
    SYS_setsockopt => SetSockOpt,
    SYS_getsockopt => GetSockOpt,
    SYS_dup => Dup,
    #[cfg(target_arch = "x86_64")]
    SYS_dup2 => DupOnto,
    SYS_dup3 => DupOnto,
    #[cfg(target_arch = "x86_64")]
    SYS_epoll_create => EpollCreate,
    SYS_epoll_create1 => EpollCreate,
    SYS_epoll_ctl => EpollCtl,
    SYS_nanosleep => Sleep,
    SYS_clock_nanosleep => Sleep,
    SYS_restart_syscall => Restart,
    SYS_io_uring_setup => IoUringSetup,
    SYS_seccomp => Seccomp,
    SYS_execve => Exec,
    SYS_execveat => Exec,
}

/// Those of which only some commands matter: the number of the argument that has the command, and those commands.
#[allow(clippy::cast_sign_loss, clippy::cast_possible_truncation)] // small constants, whose types differ between C libraries
pub static WITH_COMMAND: &[(Traced, u32, &[u32])] = &[
    (
        (libc::SYS_fcntl.cast_unsigned(), Sys::Fcntl, "fcntl"),
        1,
        &[
            libc::F_SETFL as u32,
            libc::F_GETFL as u32,
            libc::F_DUPFD as u32,
            libc::F_DUPFD_CLOEXEC as u32,
        ],
    ),
    (
        (libc::SYS_prctl.cast_unsigned(), Sys::Prctl, "prctl"),
        0,
        &[libc::PR_SET_SECCOMP as u32, libc::PR_SET_DUMPABLE as u32],
    ),
    ((libc::SYS_ioctl.cast_unsigned(), Sys::Ioctl, "ioctl"), 1, &[libc::FIONBIO as u32]),
];

/// The call of this number.
pub fn find(number: u64) -> Option<(Sys, &'static str)> {
    let mut all = ALWAYS.iter().chain(WITH_COMMAND.iter().map(|(traced, ..)| traced));
    all.find(|(known, ..)| *known == number).map(|(_, sys, name)| (*sys, *name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_have_the_names_of_their_manual_pages() {
        assert_eq!(find(libc::SYS_accept4.cast_unsigned()), Some((Sys::Accept, "accept4")));
        assert_eq!(find(libc::SYS_fcntl.cast_unsigned()), Some((Sys::Fcntl, "fcntl")));
        assert_eq!(find(libc::SYS_getpid.cast_unsigned()), None);
    }
}
