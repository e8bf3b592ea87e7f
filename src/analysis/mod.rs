//! What became of what was sent: which sockets there were, which two were one connection, and which send turned up in
//! which receive. Views draw from it; it draws nothing.
//!
//! Everything is worked out from recorded events. What they do not decide stays unmatched (`None`): it is never guessed.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use crate::trace::recording::Recording;
use crate::trace::{
    Address, Call, Data, Domain, EventKind, Name, Outcome, Output, Protocol, SocketId, SocketType,
    Syscall, SyscallKind,
};

mod messages;
mod retransmissions;
#[cfg(test)]
pub mod sample;
#[cfg(test)]
pub mod script;
mod segments;
mod sockets;
mod tcp_states;
pub mod threads;

pub use retransmissions::{Content, Series};
pub use segments::Segment;
pub use tcp_states::StateChange;
pub use threads::{Interval, Mark, MarkKind, ThreadState, ThreadTimeline};

/// A system call from entry to return.
#[derive(Clone, Debug)]
pub struct CallSpan {
    /// Who made it.
    pub actor: Name,
    /// In which process.
    pub process: u32,
    /// By which thread.
    pub thread: u32,
    /// The call.
    pub call: Arc<Call>,
    /// The socket it was made on, as an index into [`Analysis::sockets`].
    pub socket: Option<usize>,
    /// When it was entered, in nanoseconds since the run began.
    pub entered_ns: u64,
    /// How and when it returned; `None` if it never did.
    pub exit: Option<Exit>,
}

/// The return of a call.
#[derive(Clone, Debug)]
pub struct Exit {
    /// When.
    pub at_ns: u64,
    /// With what.
    pub outcome: Outcome,
    /// What the kernel filled in.
    pub out: Output,
}

impl CallSpan {
    /// The return value, if it returned without an error.
    pub fn result(&self) -> Option<i64> {
        match self.exit.as_ref()?.outcome {
            Outcome::Result(result) => Some(result),
            Outcome::Errno(_) => None,
        }
    }

    /// The name of the error it returned with.
    pub fn errno(&self) -> Option<&str> {
        match &self.exit.as_ref()?.outcome {
            Outcome::Result(_) => None,
            Outcome::Errno(name) => Some(name),
        }
    }

    /// When it returned; the end of time if it never did.
    pub fn returned_ns(&self) -> u64 {
        self.exit.as_ref().map_or(u64::MAX, |back| back.at_ns)
    }

    /// What it handed to the kernel, if it is a sending call.
    pub fn sending(&self) -> Option<&Data> {
        match &self.call.syscall {
            Syscall::Send { data, .. } => Some(data),
            _ => None,
        }
    }

    /// What it got, if it is a receiving call that has returned without an error.
    pub fn received(&self) -> Option<&Data> {
        match &self.exit.as_ref()?.out {
            Output::Received { data, .. } => Some(data),
            _ => None,
        }
    }

    /// True if it is a receiving call, returned or not.
    pub fn receives(&self) -> bool {
        self.is(SyscallKind::Recv)
    }

    /// True if it looks at what is there and leaves it there.
    pub fn peeks(&self) -> bool {
        matches!(&self.call.syscall, Syscall::Recv { flags, .. } if flags.peek())
    }

    /// Bytes that it took out of the socket (a datagram that was cut counts as what was delivered of it).
    fn taken(&self) -> Option<usize> {
        self.received().filter(|_| !self.peeks()).map(|data| data.bytes)
    }

    fn sent(&self) -> Option<usize> {
        self.sending()?;
        usize::try_from(self.result()?).ok()
    }

    /// True for a call of this kind.
    pub fn is(&self, kind: SyscallKind) -> bool {
        self.call.kind() == kind
    }
}

/// How a socket came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// By socket().
    Socket,
    /// By accept() on the listening socket of this index, if that is known.
    Accept(Option<usize>),
    /// It was there before the recording says how.
    Unknown,
}

/// One socket of the recording. Indices are into [`Analysis::sockets`] and [`Analysis::calls`].
#[derive(Clone, Debug)]
pub struct Socket {
    /// Its number; `None` if it was not made (socket() failed).
    pub id: Option<SocketId>,
    /// Who made it.
    pub owner: Name,
    /// How it came to be.
    pub origin: Origin,
    /// Its descriptor; `None` if it was not made (socket() failed) or that is not recorded.
    pub descriptor: Option<i64>,
    /// Its family, if known.
    pub domain: Option<Domain>,
    /// Its type, if known.
    pub kind: Option<SocketType>,
    /// Its protocol as it was asked for, if known.
    pub protocol: Option<Protocol>,
    /// When it was made, in nanoseconds since the run began.
    pub made_ns: u64,
    /// When it was closed; `None` if the recording does not say that it was.
    pub closed_ns: Option<u64>,
    /// Its own address, as the kernel last said it, or as it was successfully bound.
    pub local: Option<Address>,
    /// From when on it may have had that address: entry of the first call that gives one.
    pub bound_ns: Option<u64>,
    /// The address it was connected to, or whose connection it accepted.
    pub peer: Option<Address>,
    /// The backlog, if it listens.
    pub backlog: Option<i64>,
    /// The TCP states that were seen, each when it was first seen in a row.
    pub states: Vec<(u64, String)>,
    /// Each TCP state that the instrument saw by TCP_INFO, and when.
    pub observed: Vec<(u64, String)>,
    /// Calls on it that failed.
    pub failed: Vec<usize>,
    /// The other end of its connection, where both ends are in the recording.
    pub other_end: Option<usize>,
    /// Its successful connects: the call, and the address.
    connects: Vec<(usize, Address)>,
}

impl Socket {
    /// True for `SOCK_STREAM`.
    pub fn is_stream(&self) -> bool {
        self.kind == Some(SocketType::Stream)
    }

    /// The protocol as people say it: `TCP`, `UDP`; nothing for `AF_UNIX`.
    pub fn protocol_name(&self) -> &'static str {
        match (&self.domain, &self.kind) {
            (Some(Domain::Inet | Domain::Inet6), Some(SocketType::Stream)) => "TCP",
            (Some(Domain::Inet | Domain::Inet6), Some(SocketType::Datagram)) => "UDP",
            _ => "",
        }
    }

    fn open_during(&self, from_ns: u64, to_ns: u64) -> bool {
        self.bound_ns.is_some_and(|bound| bound <= to_ns)
            && self.closed_ns.is_none_or(|closed| closed >= from_ns)
    }

    fn peer_at(&self, at_ns: u64, calls: &[CallSpan]) -> Option<&Address> {
        let before = |&(call, _): &&(usize, Address)| calls[*call].entered_ns <= at_ns;
        self.connects.iter().rev().find(before).map(|(_, address)| address)
    }
}

/// Two sockets that were one connection. Indices are into [`Analysis::sockets`] and [`Analysis::calls`].
#[derive(Clone, Debug)]
pub struct Connection {
    /// The socket that connected.
    pub client: usize,
    /// The socket that accept() gave.
    pub server: usize,
    /// The connect() that made it.
    pub connect: usize,
    /// The accept() that took it.
    pub accept: usize,
}

/// Where the sends and the receives of one direction of a connection began and ended, in bytes from its start.
#[derive(Clone, Debug)]
pub struct Direction {
    /// The socket that sends.
    pub from: usize,
    /// The socket that receives.
    pub to: usize,
    /// Each successful send: the call, its first byte, how many.
    pub sends: Vec<(usize, usize, usize)>,
    /// Each successful receive that took bytes: the call, its first byte, how many.
    pub receives: Vec<(usize, usize, usize)>,
    /// How the end of the stream was told and heard: the shutdown() or close(), and the receive that returned 0.
    pub end: Option<(usize, usize)>,
    /// False if what was received is not what was sent at that place: then nothing in it is matched.
    pub sound: bool,
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It was received.
    Received,
    /// It was received cut: this many bytes of it are gone.
    Cut(usize),
    /// The other end is in the recording, and never received it.
    NeverReceived,
    /// Nobody in the recording had that address.
    NobodyThere,
    /// It was received, and who sent it is not in the recording, or cannot be told.
    Unsent,
    /// The recording does not say.
    Unknown,
}

/// Bytes that went from one socket to another: a datagram, or a piece of a stream that one send and one receive share.
#[derive(Clone, Debug)]
pub struct Message {
    /// The sending socket.
    pub from: Option<usize>,
    /// The receiving socket, or the one it was meant for.
    pub to: Option<usize>,
    /// The sending call.
    pub send: Option<usize>,
    /// The receiving call.
    pub receive: Option<usize>,
    /// Where in what was sent it begins, in bytes.
    pub skip: usize,
    /// How many bytes it is.
    pub bytes: usize,
    /// The bytes, as far as they were kept.
    pub data: Data,
    /// What became of it.
    pub fate: Fate,
}

/// All of it. Indices anywhere are into these vectors.
#[derive(Clone, Debug)]
pub struct Analysis<'r> {
    /// What was analysed.
    pub recording: &'r Recording,
    /// Every call, in the order of entry.
    pub calls: Vec<CallSpan>,
    /// Every socket but the instrument's own, in the order in which they were made.
    pub sockets: Vec<Socket>,
    by_id: HashMap<SocketId, usize>,
    /// Every connection of which both ends are in the recording, in the order of accept().
    pub connections: Vec<Connection>,
    /// Both directions of every connection.
    pub directions: Vec<Direction>,
    /// What was sent and received, in the order of sending (what has no known sender: of receiving).
    pub messages: Vec<Message>,
    /// Every frame on the wire, in the order of leaving.
    pub wire: Vec<Segment>,
    /// What was lost or sent again, in the order in which it began.
    pub retransmissions: Vec<Series>,
    /// The changes of state of both ends of what went over the wire, in order.
    pub states: Vec<StateChange>,
    /// What each actor's thread did, in the order in which the actors came.
    pub threads: Vec<ThreadTimeline>,
}

impl<'r> Analysis<'r> {
    /// Works it out.
    pub fn of(recording: &'r Recording) -> Analysis<'r> {
        let mut analysis = Analysis {
            recording,
            calls: Vec::new(),
            sockets: Vec::new(),
            by_id: HashMap::new(),
            connections: Vec::new(),
            directions: Vec::new(),
            messages: Vec::new(),
            wire: Vec::new(),
            retransmissions: Vec::new(),
            states: Vec::new(),
            threads: Vec::new(),
        };
        analysis.pair_returns();
        analysis.find_sockets();
        analysis.find_connections();
        analysis.follow_streams();
        analysis.follow_datagrams();
        analysis.follow_wire();
        analysis.find_retransmissions();
        analysis.follow_states();
        let calls = &analysis.calls;
        analysis.messages.sort_by_key(|message| match (message.send, message.receive) {
            (Some(send), _) => (calls[send].entered_ns, message.skip),
            (None, Some(receive)) => (calls[receive].returned_ns(), 0),
            (None, None) => (u64::MAX, 0),
        });
        analysis.threads = threads::timelines(&analysis);
        analysis
    }
}

impl Analysis<'_> {
    /// The socket of that number.
    pub fn socket(&self, id: SocketId) -> Option<usize> {
        self.by_id.get(&id).copied()
    }

    /// True if the call was made on this socket.
    pub fn is_on(&self, made: &CallSpan, socket: &Socket) -> bool {
        made.socket.is_some_and(|at| std::ptr::eq(&self.sockets[at], socket))
    }

    fn pair_returns(&mut self) {
        let mut open: HashMap<(u32, u64), usize> = HashMap::new();
        for event in self.recording.events() {
            let made = |call: &Arc<Call>, entered_ns| CallSpan {
                actor: event.actor.clone(),
                process: event.process,
                thread: event.thread,
                call: call.clone(),
                socket: None,
                entered_ns,
                exit: None,
            };
            match &event.what {
                EventKind::Enter(call) => {
                    open.insert((event.process, call.id), self.calls.len());
                    self.calls.push(made(call, event.at_ns));
                }
                EventKind::Return(back) => {
                    let index = open.remove(&(event.process, back.call.id)).unwrap_or_else(|| {
                        self.calls.push(made(&back.call, event.at_ns.saturating_sub(back.took_ns)));
                        self.calls.len() - 1
                    });
                    let (outcome, out) = (back.outcome.clone(), back.out.clone());
                    self.calls[index].exit = Some(Exit { at_ns: event.at_ns, outcome, out });
                }
                _ => {}
            }
        }
        self.calls.sort_by_key(|made| made.entered_ns);
    }
}

/// Bytes `skip` to `skip + bytes` of this data, as far as they were kept.
pub fn part_of(data: &Data, skip: usize, bytes: usize) -> Data {
    Data { bytes, kept: data.kept.iter().skip(skip).take(bytes).copied().collect() }
}

/// An address without the two ways to write it: IPv4 in IPv6's clothes is IPv4 (RFC 4291, 2.5.5.2).
fn plain(address: &Address) -> Option<SocketAddr> {
    match address {
        Address::Inet(address) => Some(SocketAddr::from(*address)),
        Address::Inet6(address) => {
            Some(SocketAddr::new(IpAddr::V6(*address.ip()).to_canonical(), address.port()))
        }
        Address::Unix(_) => None,
    }
}

/// True if a socket whose own address is `local` is at this address; a wildcard is at all of the machine's.
fn is_at(address: &Address, local: &Address) -> bool {
    match (plain(address), plain(local)) {
        (Some(there), Some(here)) => {
            there == here || (here.ip().is_unspecified() && here.port() == there.port())
        }
        _ => address == local,
    }
}

#[cfg(test)]
mod tests;
