//! What a call filled in when it returned.

use serde::{Deserialize, Serialize};

use super::{PollList, Text};
use crate::trace::{Address, Args, Data, SocketId, Value};

/// What the kernel filled in when a call returned.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Output {
    /// Nothing.
    #[default]
    None,
    /// socket(2): the new socket.
    Opened { socket: SocketId },
    /// socketpair(2): the two new sockets, with their descriptors.
    Pair { sockets: [SocketId; 2], fds: [i64; 2] },
    /// accept(2): the new socket, and the peer's address. ([`Output::Opened`] where nobody asked for the address.)
    Accepted { socket: SocketId, peer: Address },
    /// recv(2): the bytes, and for a datagram who sent it.
    Received { data: Data, from: Option<Address> },
    /// close(2), where it is known how many other descriptors for that socket are open: with any, nothing is closed but the
    /// descriptor.
    Closed { still_open: u32 },
    /// getsockname(2), getpeername(2).
    Name(Address),
    /// An option's value.
    Value(Value),
    /// `TCP_INFO` (tcp(7)).
    TcpInfo(TcpInfo),
    /// select(2), poll(2), epoll_wait(2): the descriptors that are ready, and for what.
    Ready(PollList),
    /// Anything else, by name.
    Other(Args),
}

/// A part of `TCP_INFO` (tcp(7)).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TcpInfo {
    /// The TCP state: `ESTABLISHED`.
    pub state: Text,
    /// The smoothed round-trip time, in microseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rtt_us: Option<u32>,
    /// The retransmission timeout, in microseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rto_us: Option<u32>,
    /// Segments retransmitted so far.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_retrans: Option<u32>,
    /// The largest segment that it sends, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snd_mss: Option<u32>,
}

impl TcpInfo {
    /// The numbers that are known, by name.
    pub fn numbers(&self) -> impl Iterator<Item = (&'static str, u32)> {
        let all = [
            ("rtt_us", self.rtt_us),
            ("rto_us", self.rto_us),
            ("total_retrans", self.total_retrans),
            ("snd_mss", self.snd_mss),
        ];
        all.into_iter().filter_map(|(name, number)| Some((name, number?)))
    }
}

impl Output {
    /// The sockets that the call made.
    pub fn new_sockets(&self) -> &[SocketId] {
        match self {
            Output::Opened { socket } | Output::Accepted { socket, .. } => {
                std::slice::from_ref(socket)
            }
            Output::Pair { sockets, .. } => sockets,
            _ => &[],
        }
    }

    /// The address that was filled in: a peer's, a sender's, a socket's own.
    pub fn address(&self) -> Option<&Address> {
        match self {
            Output::Accepted { peer, .. } => Some(peer),
            Output::Received { from, .. } => from.as_ref(),
            Output::Name(address) => Some(address),
            _ => None,
        }
    }
}
