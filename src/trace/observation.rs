//! The kernel's answers when the instrument asks about a thread or a socket.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::{Address, Domain, SocketId, SocketType, TcpInfo, bounded};

/// The state of a thread at one moment. Linux reports it in /proc/PID/task/TID (proc_pid_stat(5), proc_pid_wchan(5),
/// proc_pid_syscall(5), and `schedstat`: Documentation/scheduler/sched-stats.rst); what it does not report is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    /// The state's letter: `R` running or ready (the kernel has one letter for both), `S` asleep, `D` asleep and not
    /// interruptible, `T` stopped, `Z` ended and not yet collected by its parent. `None` when the thread no longer exists.
    pub state: Option<char>,
    /// The kernel's function that the thread sleeps in: `inet_csk_accept`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub wait_channel: Option<Cow<'static, str>>,
    /// The system call that it sleeps in: `accept4`; the number where the lab has no name for it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub syscall: Option<Cow<'static, str>>,
    /// That system call's number on this machine.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub syscall_number: Option<i64>,
    /// That call ends by itself after a time: futex(2) with a timeout.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub has_limit: bool,
    /// Time on a processor so far, in nanoseconds. For a thread that runs it may lag by a scheduler's tick.
    #[serde(
        skip_serializing_if = "Option::is_none",
        default,
        deserialize_with = "bounded::number"
    )]
    pub cpu_ns: Option<u64>,
    /// Time ready so far, waiting for a processor, in nanoseconds; counted when the wait is over.
    #[serde(
        skip_serializing_if = "Option::is_none",
        default,
        deserialize_with = "bounded::number"
    )]
    pub ready_ns: Option<u64>,
    /// How often it was given a processor so far.
    #[serde(
        skip_serializing_if = "Option::is_none",
        default,
        deserialize_with = "bounded::number"
    )]
    pub turns: Option<u64>,
}

/// A fact about a socket, or about one end of a TCP connection that need not be a socket of any process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Observation {
    /// The socket, if the question was asked with a descriptor.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub socket: Option<SocketId>,
    /// That descriptor.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub fd: Option<i64>,
    /// The answer.
    #[serde(flatten)]
    pub fact: Fact,
}

/// What the kernel can answer, named after the source of the answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fact {
    /// The socket's own address: getsockname(2).
    Getsockname(Address),
    /// The address of the other end: getpeername(2).
    Getpeername(Address),
    /// `TCP_INFO` (tcp(7)).
    TcpInfo(TcpInfo),
    /// A row of the kernel's table of TCP connections, /proc/net/tcp (proc_pid_net(5)).
    TcpTable {
        /// The end's own address.
        local: Address,
        /// The other end's.
        peer: Address,
        /// Its TCP state, in the spelling of TCP_INFO, or `none` if there is no such row.
        state: Cow<'static, str>,
    },
    /// Who has an address that the socket was refused with `EADDRINUSE`: the kernel's tables of sockets (proc_pid_net(5)), and
    /// the descriptors of all processes (proc_pid_fd(5)).
    AddressInUse {
        /// The address.
        address: Address,
        /// The command line of the process that was refused it.
        argv: Vec<String>,
        /// The sockets at it, and the connections that were closed there; at most four, the most telling first.
        holders: Vec<AddressHolder>,
        /// For a path, what stands there.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        file: Option<FileType>,
    },
    /// What kind of socket it is: `SO_DOMAIN` and `SO_TYPE` (socket(7)). Of one that was there before the recording no call tells.
    Kind {
        /// Its family.
        domain: Domain,
        /// Its type.
        #[serde(rename = "type")]
        kind: SocketType,
    },
    /// The socket at the other end of an AF_UNIX connection: `UNIX_DIAG_PEER` (sock_diag(7)).
    UnixPeer(SocketId),
    /// What a command told that a person would type there, such as `ss -tan` (ss(8)).
    CommandOutput {
        /// The command and its arguments.
        argv: Vec<String>,
        /// What it wrote to its standard output, line by line.
        lines: Vec<String>,
    },
    /// The process has a descriptor for the socket, which another process has closed (proc_pid_fd(5)).
    StillOpen {
        /// The process that has closed it.
        closed_by: u32,
    },
}

/// A row of the kernel's tables of sockets, and who has a descriptor for that socket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddressHolder {
    /// Its own address.
    pub local: Address,
    /// The TCP state, in the spelling of TCP_INFO.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub state: Option<Cow<'static, str>>,
    /// Time until the kernel deletes it, in nanoseconds: in TIME_WAIT.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub left_ns: Option<u64>,
    /// The socket; `None` for a connection that is no process's any more.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub socket: Option<SocketId>,
    /// Whose it is: a user's number, where the table has it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub user: Option<u32>,
    /// The processes that have a descriptor for it. Those of other users cannot be looked into.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub processes: Vec<HolderProcess>,
}

/// A process, by its number and its command line, and its parent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HolderProcess {
    /// Its PID.
    pub process: u32,
    /// Its command line.
    pub argv: Vec<String>,
    /// Its parent's PID.
    pub parent: u32,
    /// Its parent's command line.
    pub parent_argv: Vec<String>,
}

/// What a path names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FileType {
    /// A socket.
    Socket,
    /// A file, a folder, anything else.
    Other,
}

impl Fact {
    /// The source of the answer, by the name that readers know: `TCP_INFO`, `/proc/net/tcp`.
    #[must_use]
    pub fn source(&self) -> &'static str {
        match self {
            Fact::Getsockname(_) => "getsockname",
            Fact::Getpeername(_) => "getpeername",
            Fact::TcpInfo(_) => "TCP_INFO",
            Fact::TcpTable { .. } => "/proc/net/tcp",
            Fact::AddressInUse { .. } => "/proc/net",
            Fact::StillOpen { .. } => "/proc/PID/fd",
            Fact::CommandOutput { .. } => "a command",
            Fact::Kind { .. } => "SO_DOMAIN, SO_TYPE",
            Fact::UnixPeer(_) => "UNIX_DIAG_PEER",
        }
    }
}
