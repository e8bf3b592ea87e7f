//! System calls as values: which call was made with which arguments, and what it filled in.

use std::borrow::Cow;
use std::fmt;

use strum::EnumDiscriminants;

use super::{Address, Args, Data, Value};

mod codec;
mod listed;
mod names;
mod output;

pub use listed::{FdList, Listed, PollList};
pub use names::{
    Domain, EpollOperation, FlagsCommand, How, MsgFlags, Protocol, SockOpt, SocketFlags, SocketType,
};
pub use output::{Output, TcpInfo};

type Text = Cow<'static, str>;

/// A system call on sockets, with its arguments (the descriptor stands in [`Call::fd`](super::Call::fd)).
#[derive(Clone, Debug, PartialEq, EnumDiscriminants)]
#[strum_discriminants(
    name(SyscallKind),
    doc = "Which system call, without its arguments; displayed as `recv`.",
    derive(Hash, strum::EnumIter)
)]
pub enum Syscall {
    /// socket(2).
    Socket { domain: Domain, kind: SocketType, protocol: Protocol, flags: SocketFlags },
    /// socketpair(2): two sockets that are one connection.
    SocketPair { domain: Domain, kind: SocketType, protocol: Protocol, flags: SocketFlags },
    /// bind(2).
    Bind { address: Address },
    /// listen(2).
    Listen { backlog: i64 },
    /// accept(2) or accept4(2).
    Accept { flags: SocketFlags },
    /// connect(2).
    Connect {
        address: Address,
        /// How many bytes the address was given in, if that is not what one of its family takes.
        length: Option<u64>,
    },
    /// send(2), sendto(2), sendmsg(2), write(2), writev(2); one message of sendmmsg(2); sendfile(2), and splice(2) into a socket,
    /// of whose data no byte is kept.
    Send { data: Data, to: Option<Address>, flags: MsgFlags },
    /// recv(2), recvfrom(2), recvmsg(2), read(2), readv(2); one message of recvmmsg(2); splice(2) out of a socket.
    Recv {
        /// Room in the buffer, in bytes.
        size: u64,
        flags: MsgFlags,
    },
    /// shutdown(2).
    Shutdown { how: How },
    /// close(2).
    Close,
    /// getsockname(2).
    GetSockName,
    /// getpeername(2).
    GetPeerName,
    /// getsockopt(2).
    GetOption { option: SockOpt },
    /// setsockopt(2).
    SetOption { option: SockOpt, value: Value },
    /// fcntl(2) with `F_GETFL`.
    GetFlags,
    /// fcntl(2) with `F_SETFL`, ioctl(2) with `FIONBIO`: whether `O_NONBLOCK` is set from now on.
    SetFlags { nonblocking: bool, command: FlagsCommand },
    /// dup(2), dup2(2), dup3(2), fcntl(2) with `F_DUPFD` or `F_DUPFD_CLOEXEC`: one more descriptor for the same socket.
    Dup {
        /// The command, if it is fcntl(2).
        command: Option<Text>,
        /// The descriptor that it shall be (dup2), or the lowest that it may be (fcntl).
        onto: Option<i64>,
    },
    /// select(2) or pselect(2).
    Select {
        nfds: i64,
        read: FdList,
        write: FdList,
        except: FdList,
        /// In microseconds; `None` for no limit.
        timeout_us: Option<u64>,
    },
    /// poll(2) or ppoll(2).
    Poll {
        watched: PollList,
        /// In milliseconds; -1 for no limit.
        timeout_ms: i64,
    },
    /// epoll_create(2) or epoll_create1(2); kqueue(2).
    EpollCreate { flags: SocketFlags },
    /// epoll_ctl(2); kevent(2) that changes what is watched.
    EpollCtl {
        operation: EpollOperation,
        /// The descriptor that is watched.
        watched: i64,
        /// For what; `None` where it is no longer watched.
        events: Option<Text>,
    },
    /// epoll_wait(2), epoll_pwait(2) or epoll_pwait2(2); kevent(2) that asks.
    EpollWait {
        max_events: u64,
        /// In milliseconds; -1 for no limit.
        timeout_ms: i64,
    },
    /// nanosleep(2) or clock_nanosleep(2).
    Sleep {
        /// For how long, in nanoseconds.
        asked_ns: u64,
    },
    /// Any other call.
    Other { args: Args },
}

/// What a call does to its socket and its thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    /// Makes, names, configures or closes a socket, and returns at once.
    Setup,
    /// Only asks for something that the kernel knows, and changes nothing.
    Query,
    /// On a blocking socket, may wait for the peer or for room.
    Transfer,
    /// Waits for many sockets at once.
    Readiness,
    /// Waits for a time to pass, and for nothing else.
    Sleep,
    /// Anything else that returns at once.
    Other,
}

impl SyscallKind {
    /// The names that systems have for it, the one that people use first. fcntl(2) and kevent(2) are several calls here:
    /// their arguments tell.
    pub(super) fn names(self) -> &'static [&'static str] {
        match self {
            SyscallKind::Socket => &["socket"],
            SyscallKind::SocketPair => &["socketpair"],
            SyscallKind::Bind => &["bind"],
            SyscallKind::Listen => &["listen"],
            SyscallKind::Accept => &["accept", "accept4"],
            SyscallKind::Connect => &["connect"],
            SyscallKind::Send => &[
                "send", "sendto", "write", "sendmsg", "writev", "pwritev2", "sendmmsg", "sendfile",
                "splice",
            ],
            SyscallKind::Recv => {
                &["recv", "recvfrom", "read", "recvmsg", "readv", "preadv2", "recvmmsg", "splice"]
            }
            SyscallKind::Shutdown => &["shutdown"],
            SyscallKind::Close => &["close", "closesocket"],
            SyscallKind::GetSockName => &["getsockname"],
            SyscallKind::GetPeerName => &["getpeername"],
            SyscallKind::GetOption => &["getsockopt"],
            SyscallKind::SetOption => &["setsockopt"],
            SyscallKind::GetFlags => &["fcntl"],
            SyscallKind::SetFlags => &["fcntl", "ioctl"],
            SyscallKind::Dup => &["dup", "dup2", "dup3", "fcntl"],
            SyscallKind::Select => &["select", "pselect6", "_newselect"],
            SyscallKind::Poll => &["poll", "ppoll", "WSAPoll"],
            SyscallKind::EpollCreate => &["epoll_create1", "epoll_create", "kqueue"],
            SyscallKind::EpollCtl => &["epoll_ctl", "kevent"],
            SyscallKind::EpollWait => &["epoll_wait", "epoll_pwait", "epoll_pwait2", "kevent"],
            SyscallKind::Sleep => &["nanosleep", "clock_nanosleep"],
            SyscallKind::Other => &[],
        }
    }

    fn class(self) -> Class {
        match self {
            SyscallKind::Socket
            | SyscallKind::SocketPair
            | SyscallKind::Bind
            | SyscallKind::Listen
            | SyscallKind::Close
            | SyscallKind::SetOption
            | SyscallKind::SetFlags
            | SyscallKind::Dup => Class::Setup,
            SyscallKind::GetSockName
            | SyscallKind::GetPeerName
            | SyscallKind::GetOption
            | SyscallKind::GetFlags => Class::Query,
            SyscallKind::Accept | SyscallKind::Connect | SyscallKind::Send | SyscallKind::Recv => {
                Class::Transfer
            }
            SyscallKind::Select | SyscallKind::Poll | SyscallKind::EpollWait => Class::Readiness,
            SyscallKind::Sleep => Class::Sleep,
            SyscallKind::Shutdown
            | SyscallKind::EpollCreate
            | SyscallKind::EpollCtl
            | SyscallKind::Other => Class::Other,
        }
    }
}

impl fmt::Display for SyscallKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.names().first().unwrap_or(&"other"))
    }
}

impl Syscall {
    /// The argument that holds the descriptor of a call of this name.
    pub fn descriptor_arg(name: &str) -> &'static str {
        match name {
            "kevent" => "kq",
            name if name.starts_with("epoll_") => "epfd",
            _ => "fd",
        }
    }

    /// connect(2) with an address that is given in so many bytes.
    pub fn connect(address: Address, bytes: usize) -> Syscall {
        let is_another = address.length().is_some_and(|usual| usual != bytes);
        let length = is_another.then_some(bytes as u64);
        Syscall::Connect { address, length }
    }

    /// The address that the call names: where to bind, connect or send.
    pub fn address(&self) -> Option<&Address> {
        match self {
            Syscall::Bind { address } | Syscall::Connect { address, .. } => Some(address),
            Syscall::Send { to, .. } => to.as_ref(),
            _ => None,
        }
    }

    fn class(&self) -> Class {
        SyscallKind::from(self).class()
    }

    /// True if the call makes, names, configures or closes a socket, and returns at once.
    pub fn sets_up(&self) -> bool {
        self.class() == Class::Setup
    }

    /// True if the call only asks for something that the kernel knows, and changes nothing.
    pub fn only_asks(&self) -> bool {
        self.class() == Class::Query
    }

    /// True for select, poll and epoll_wait: calls that wait for many sockets at once.
    pub fn waits_for_many(&self) -> bool {
        self.class() == Class::Readiness
    }

    /// True for a sleep: the call waits for a time to pass, and for nothing else.
    pub fn sleeps(&self) -> bool {
        self.class() == Class::Sleep
    }

    /// True if the call asks which of many sockets are ready, and waits for none.
    pub fn only_looks(&self) -> bool {
        matches!(
            self,
            Syscall::Select { timeout_us: Some(0), .. }
                | Syscall::Poll { timeout_ms: 0, .. }
                | Syscall::EpollWait { timeout_ms: 0, .. }
        )
    }

    /// True for errors by which programs ask, and that are no failure: not yet, still under way, or of `epoll_ctl` that the
    /// descriptor is watched already.
    pub fn asks_by(&self, errno: &str) -> bool {
        match errno {
            "EAGAIN" | "EWOULDBLOCK" | "EINPROGRESS" | "EALREADY" => true,
            "EEXIST" => matches!(self, Syscall::EpollCtl { .. }),
            _ => false,
        }
    }

    /// True if the call may block: a blocking socket makes it wait for the peer or for room.
    pub fn may_block(&self) -> bool {
        matches!(self.class(), Class::Transfer | Class::Readiness)
    }
}
