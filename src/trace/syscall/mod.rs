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
pub use names::{Domain, EpollOperation, How, MsgFlags, Protocol, SockOpt, SocketType};
pub use output::{Output, TcpInfo};

type Text = Cow<'static, str>;

/// A system call on sockets, with its arguments (the descriptor stands in [`Call::fd`](super::Call::fd)).
#[derive(Clone, Debug, PartialEq, EnumDiscriminants)]
#[strum_discriminants(
    name(SyscallKind),
    doc = "Which system call, without its arguments; displayed as `recv`.",
    derive(strum::EnumIter)
)]
pub enum Syscall {
    /// socket(2).
    Socket { domain: Domain, kind: SocketType, protocol: Protocol },
    /// bind(2).
    Bind { address: Address },
    /// listen(2).
    Listen { backlog: i64 },
    /// accept(2) or accept4(2).
    Accept,
    /// connect(2).
    Connect { address: Address },
    /// send(2), sendto(2), write(2).
    Send { data: Data, to: Option<Address> },
    /// recv(2), recvfrom(2), read(2).
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
    /// fcntl(2) with `F_SETFL`: whether `O_NONBLOCK` is set from now on.
    SetFlags { nonblocking: bool },
    /// select(2) or pselect(2).
    Select {
        nfds: i64,
        read: FdList,
        write: FdList,
        /// In microseconds; `None` for no limit.
        timeout_us: Option<u64>,
    },
    /// poll(2) or ppoll(2).
    Poll {
        watched: PollList,
        /// In milliseconds; -1 for no limit.
        timeout_ms: i64,
    },
    /// epoll_create1(2).
    EpollCreate,
    /// epoll_ctl(2).
    EpollCtl {
        operation: EpollOperation,
        /// The descriptor that is watched.
        watched: i64,
        /// For what; `None` where it is no longer watched.
        events: Option<Text>,
    },
    /// epoll_wait(2) or epoll_pwait(2).
    EpollWait {
        max_events: u64,
        /// In milliseconds; -1 for no limit.
        timeout_ms: i64,
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
    /// Anything else that returns at once.
    Other,
}

impl SyscallKind {
    /// The names that systems have for it, the one that people use first. fcntl(2) is two calls here: its arguments tell.
    pub(super) fn names(self) -> &'static [&'static str] {
        match self {
            SyscallKind::Socket => &["socket"],
            SyscallKind::Bind => &["bind"],
            SyscallKind::Listen => &["listen"],
            SyscallKind::Accept => &["accept", "accept4"],
            SyscallKind::Connect => &["connect"],
            SyscallKind::Send => &["send", "sendto", "write"],
            SyscallKind::Recv => &["recv", "recvfrom", "read"],
            SyscallKind::Shutdown => &["shutdown"],
            SyscallKind::Close => &["close", "closesocket"],
            SyscallKind::GetSockName => &["getsockname"],
            SyscallKind::GetPeerName => &["getpeername"],
            SyscallKind::GetOption => &["getsockopt"],
            SyscallKind::SetOption => &["setsockopt"],
            SyscallKind::GetFlags | SyscallKind::SetFlags => &["fcntl"],
            SyscallKind::Select => &["select", "pselect6", "_newselect"],
            SyscallKind::Poll => &["poll", "ppoll", "WSAPoll"],
            SyscallKind::EpollCreate => &["epoll_create1"],
            SyscallKind::EpollCtl => &["epoll_ctl"],
            SyscallKind::EpollWait => &["epoll_wait", "epoll_pwait"],
            SyscallKind::Other => &[],
        }
    }

    fn class(self) -> Class {
        match self {
            SyscallKind::Socket
            | SyscallKind::Bind
            | SyscallKind::Listen
            | SyscallKind::Close
            | SyscallKind::SetOption
            | SyscallKind::SetFlags => Class::Setup,
            SyscallKind::GetSockName
            | SyscallKind::GetPeerName
            | SyscallKind::GetOption
            | SyscallKind::GetFlags => Class::Query,
            SyscallKind::Accept | SyscallKind::Connect | SyscallKind::Send | SyscallKind::Recv => {
                Class::Transfer
            }
            SyscallKind::Select | SyscallKind::Poll | SyscallKind::EpollWait => Class::Readiness,
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
    /// The argument that holds the descriptor.
    pub fn descriptor_arg(&self) -> &'static str {
        match self {
            Syscall::EpollCreate | Syscall::EpollCtl { .. } | Syscall::EpollWait { .. } => "epfd",
            _ => "fd",
        }
    }

    /// The address that the call names: where to bind, connect or send.
    pub fn address(&self) -> Option<&Address> {
        match self {
            Syscall::Bind { address } | Syscall::Connect { address } => Some(address),
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

    /// True if the call may block: a blocking socket makes it wait for the peer or for room.
    pub fn may_block(&self) -> bool {
        matches!(self.class(), Class::Transfer | Class::Readiness)
    }
}
