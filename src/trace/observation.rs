//! The kernel's answers when the instrument asks about a thread or a socket.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::{Address, SocketId, TcpInfo, bounded};

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
        }
    }
}
