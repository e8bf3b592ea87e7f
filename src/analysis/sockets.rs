//! Which sockets there were, and what became of each.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

use super::{Analysis, CallSpan};
use crate::trace::{
    Address, Domain, EventKind, Fact, Name, Observation, Output, Protocol, Role, SockOpt, SocketId,
    SocketType, Syscall, SyscallKind, Value,
};

/// How a socket came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// By socket().
    Socket,
    /// By accept() on the listening socket of this index, if that is known.
    Accept(Option<usize>),
    /// By socketpair(), connected to the other one that it made.
    Pair,
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
    pub opened_ns: u64,
    /// When its last descriptor was closed; `None` if the recording does not say that it was.
    pub closed_ns: Option<u64>,
    /// Nobody closed it: it was open when its process ended. False if what the process did last is not recorded.
    pub closed_by_exit: bool,
    /// Its own address, as the kernel last said it, or as it was successfully bound.
    pub local: Option<Address>,
    /// From when on it may have had that address: entry of the first call that gives one.
    pub bound_ns: Option<u64>,
    /// The address it was connected to, or whose connection it accepted.
    pub peer: Option<Address>,
    /// The number of the socket at the other end of its AF_UNIX connection, where the kernel has said it.
    pub(super) unix_peer: Option<SocketId>,
    /// The backlog, if it listens.
    pub backlog: Option<i64>,
    /// What the kernel said of its TCP state, in the order of saying.
    pub tcp_states: Vec<StateReport>,
    /// How many connections were accepted on it.
    pub accepted: usize,
    /// The first call that succeeded in giving it an address, a peer or a backlog.
    pub in_use_since: Option<usize>,
    /// Calls on it that failed.
    pub failures: Vec<Failure>,
    /// The other end of its connection, where both ends are in the recording.
    pub other_end: Option<usize>,
    /// Its connects that succeeded, or are not known to have failed: the call, and the address.
    pub(super) connects: Vec<(usize, Address)>,
    /// True if a connect() has begun, and nothing has told yet how it ended.
    pub(super) connecting: bool,
    /// The address of the private network that it is in, if it is in one.
    pub host: Option<IpAddr>,
    /// True if it is an IPv6 socket that takes nothing of IPv4: IPV6_V6ONLY (ipv6(7)).
    pub only_v6: bool,
    /// True if a bind() succeeded.
    bound: bool,
    /// Who still had a descriptor for it when somebody else had closed it: the actor, and its process.
    pub(super) kept_by: Vec<(Name, u32)>,
    /// The process that made it.
    pub(super) process: u32,
    /// The descriptors for it that were used and not closed yet, each with its process.
    descriptors: HashSet<(u32, i64)>,
}

/// What a socket was used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SocketUse {
    /// To accept connections.
    Listening,
    /// It is a connection that was accepted.
    Accepted,
    /// It was connected.
    Connected,
    /// A connect() began, and nothing tells how it ended.
    Connecting,
    /// It is one end of a socketpair().
    Paired,
    /// It was bound.
    Bound,
    /// It has an address that nobody asked for: the kernel chose it when the socket was first used.
    BoundByKernel,
    /// It has neither an address nor a peer.
    Unused,
}

/// A call on a socket that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The call.
    pub call: usize,
    /// Why.
    pub why: FailureReason,
}

/// Why a call on a socket failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureReason {
    /// What it waits for was not there yet.
    NotYet,
    /// The address that it named was refused.
    Address,
    /// Anything else.
    Other,
}

/// What the kernel said of a socket's TCP state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateReport {
    /// When.
    pub at_ns: u64,
    /// The state.
    pub state: String,
    /// Who had asked for it.
    pub asked_by: Asker,
}

/// Who asked the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asker {
    /// The program, by a call of its own.
    Program,
    /// The instrument.
    Instrument,
}

impl Socket {
    /// True if it was made by accept().
    pub fn is_accepted(&self) -> bool {
        matches!(self.origin, Origin::Accept(_))
    }

    /// True if it takes messages, of which one may be empty: a receive that returns 0 does not tell of an end.
    pub fn has_empty_messages(&self) -> bool {
        self.kind == Some(SocketType::Datagram)
    }

    /// True for `SOCK_STREAM`.
    pub fn is_stream(&self) -> bool {
        self.kind == Some(SocketType::Stream)
    }

    /// True if connect() and accept() make connections of it: a stream, and `SOCK_SEQPACKET` too, which carries packets.
    pub fn has_connections(&self) -> bool {
        matches!(self.kind, Some(SocketType::Stream | SocketType::SeqPacket))
    }

    /// The protocol as people say it: `TCP`, `UDP`; nothing for `AF_UNIX`.
    pub fn protocol_name(&self) -> &'static str {
        match (&self.domain, &self.kind) {
            (Some(Domain::Inet | Domain::Inet6), Some(SocketType::Stream)) => "TCP",
            (Some(Domain::Inet | Domain::Inet6), Some(SocketType::Datagram)) => "UDP",
            _ => "",
        }
    }

    /// Who still had it open when somebody else had closed it, and has not closed it since.
    pub fn keepers(&self) -> impl Iterator<Item = &Name> {
        let holds = |process| self.descriptors.iter().any(|(holder, _)| *holder == process);
        self.kept_by.iter().filter(move |(_, process)| holds(*process)).map(|(actor, _)| actor)
    }

    /// What it was used for.
    pub fn usage(&self) -> SocketUse {
        match self.origin {
            _ if self.backlog.is_some() => SocketUse::Listening,
            Origin::Accept(_) if self.peer.is_some() => SocketUse::Accepted,
            Origin::Pair => SocketUse::Paired,
            _ if self.connecting => SocketUse::Connecting,
            _ if self.peer.is_some() => SocketUse::Connected,
            _ if self.local.is_some() && self.bound => SocketUse::Bound,
            // What the kernel chose for a connect() that failed is nobody's address.
            _ if self.has_connections() => SocketUse::Unused,
            _ if self.local.as_ref().is_some_and(is_chosen) => SocketUse::BoundByKernel,
            _ => SocketUse::Unused,
        }
    }

    /// What the kernel said of its TCP state that it had not said the time before.
    pub fn state_changes(&self) -> impl Iterator<Item = &StateReport> {
        let before =
            [None].into_iter().chain(self.tcp_states.iter().map(|report| Some(&report.state)));
        let changed =
            before.zip(&self.tcp_states).filter(|(before, report)| *before != Some(&report.state));
        changed.map(|(_, report)| report)
    }

    pub(super) fn open_during(&self, from_ns: u64, to_ns: u64) -> bool {
        self.bound_ns.is_some_and(|bound| bound <= to_ns)
            && self.closed_ns.is_none_or(|closed| closed >= from_ns)
    }

    pub(super) fn peer_at(&self, at_ns: u64, calls: &[CallSpan]) -> Option<&Address> {
        let before = |&(call, _): &&(usize, Address)| calls[*call].entered_ns <= at_ns;
        self.connects.iter().rev().find(before).map(|(_, address)| address)
    }
}

/// True for an address that the kernel has chosen: port 0 and no name are none.
fn is_chosen(local: &Address) -> bool {
    local.port() != Some(0) && *local != Address::Unix(None)
}

/// What tells of sockets.
enum Source<'r> {
    /// A call, by its index.
    Call(usize),
    /// What the kernel said when this process asked.
    Kernel(u32, &'r Name, &'r Observation),
    /// The end of this process.
    Exit(u32),
}

impl Analysis<'_> {
    pub(super) fn find_sockets(&mut self) {
        let mut known: HashMap<SocketId, usize> = HashMap::new();
        // An accepted socket may be used by another thread before the accept's return is recorded: find those first.
        let calls = self.calls.iter().enumerate().map(|(index, span)| {
            let accepts = span.is(SyscallKind::Accept) || span.is(SyscallKind::SocketPair);
            (if accepts { span.returned_ns() } else { span.entered_ns }, Source::Call(index))
        });
        let others = self.recording.events().iter().filter_map(|event| match &event.what {
            EventKind::Observed(observation) => {
                Some((event.at_ns, Source::Kernel(event.process, &event.actor, observation)))
            }
            EventKind::Exited { status: Some(_), .. } => {
                Some((event.at_ns, Source::Exit(event.process)))
            }
            _ => None,
        });
        let mut sources: Vec<(u64, Source)> = calls.chain(others).collect();
        sources.sort_by_key(|(at_ns, _)| *at_ns);
        let known_until_ns = self.left_out_since_ns().unwrap_or(u64::MAX);
        for (at_ns, source) in sources {
            match source {
                Source::Call(index) => self.learn_from_call(index, &mut known),
                Source::Kernel(process, actor, Observation { socket, fd, fact }) => {
                    if let Some(&at) = socket.and_then(|id| known.get(&id)) {
                        self.sockets[at].is_held(process, *fd);
                        if matches!(fact, Fact::StillOpen { .. }) {
                            self.sockets[at].kept_by.push((actor.clone(), process));
                        }
                        self.sockets[at].observe(at_ns, fact);
                    }
                }
                Source::Exit(process) => {
                    let is_known = at_ns <= known_until_ns;
                    let sockets = self.sockets.iter_mut();
                    sockets.for_each(|socket| socket.lose(process, at_ns, is_known));
                }
            }
        }
        self.by_id = known;
        let listens = |at: &usize| self.sockets[*at].backlog.is_some();
        self.listeners = (0..self.sockets.len()).filter(listens).collect();
    }

    /// Finds the private network of each socket: that of the process that made it.
    pub(super) fn find_hosts(&mut self) {
        let addresses = self.recording.events().iter().filter_map(|event| match event.what {
            EventKind::Network { address } => Some((event.process, IpAddr::from(address))),
            _ => None,
        });
        let hosts: HashMap<u32, IpAddr> = addresses.collect();
        for socket in &mut self.sockets {
            socket.host = hosts.get(&socket.process).copied();
        }
    }

    fn learn_from_call(&mut self, index: usize, known: &mut HashMap<SocketId, usize>) {
        let span = &self.calls[index];
        if span.call.is_instrument() {
            return;
        }
        let at = if span.is(SyscallKind::SocketPair) {
            self.learn_of_pair(index, known);
            return;
        } else if span.is(SyscallKind::Socket) {
            let opened = span.exit.as_ref().and_then(|exit| match exit.out {
                Output::Opened { socket } => Some(socket),
                _ => None,
            });
            known.extend(opened.map(|id| (id, self.sockets.len())));
            self.sockets.push(Socket::first_seen(span, opened));
            self.sockets.len() - 1
        } else if let Some(id) = span.call.socket {
            *known.entry(id).or_insert_with(|| {
                self.sockets.push(Socket::first_seen(span, Some(id)));
                self.sockets.len() - 1
            })
        } else {
            return; // made on many sockets at once (poll)
        };
        if let Some(accepted) = self.sockets[at].learn(index, span) {
            known.insert(accepted, self.sockets.len());
            self.sockets.push(Socket::accepted(span, accepted, at, &self.sockets[at]));
        }
        self.calls[index].socket = Some(at);
    }

    /// The two sockets that this socketpair() made, each the other's other end.
    fn learn_of_pair(&mut self, index: usize, known: &mut HashMap<SocketId, usize>) {
        let span = &self.calls[index];
        let Some(Output::Pair { sockets, fds }) = span.exit.as_ref().map(|exit| &exit.out) else {
            return;
        };
        let first = self.sockets.len();
        for (place, (id, fd)) in sockets.iter().zip(fds).enumerate() {
            known.insert(*id, first + place);
            self.sockets.push(Socket {
                origin: Origin::Pair,
                descriptor: Some(*fd),
                in_use_since: Some(index),
                other_end: Some(first + 1 - place),
                descriptors: HashSet::from([(span.process, *fd)]),
                ..Socket::first_seen(span, Some(*id))
            });
        }
        self.calls[index].socket = Some(first);
    }
}

impl Socket {
    fn first_seen(span: &CallSpan, id: Option<SocketId>) -> Socket {
        let (domain, kind, protocol) = match &span.call.syscall {
            Syscall::Socket { domain, kind, protocol, .. }
            | Syscall::SocketPair { domain, kind, protocol, .. } => {
                (Some(domain.clone()), Some(kind.clone()), Some(protocol.clone()))
            }
            _ => Default::default(),
        };
        let opens = span.is(SyscallKind::Socket);
        let descriptor = if opens { span.result() } else { None };
        Socket {
            id,
            owner: span.actor.clone(),
            origin: if opens { Origin::Socket } else { Origin::Unknown },
            descriptor,
            domain,
            kind,
            protocol,
            opened_ns: span.entered_ns,
            closed_ns: None,
            closed_by_exit: false,
            local: None,
            bound_ns: None,
            peer: None,
            unix_peer: None,
            backlog: None,
            tcp_states: Vec::new(),
            accepted: 0,
            in_use_since: None,
            failures: Vec::new(),
            other_end: None,
            connects: Vec::new(),
            connecting: false,
            host: None,
            only_v6: false,
            bound: false,
            kept_by: Vec::new(),
            process: span.process,
            descriptors: descriptor.map(|fd| (span.process, fd)).into_iter().collect(),
        }
    }

    /// The socket that this accept() gave, on that listening one.
    fn accepted(accept: &CallSpan, id: SocketId, at: usize, listener: &Socket) -> Socket {
        let descriptor = accept.result();
        Socket {
            origin: Origin::Accept(Some(at)),
            descriptor,
            domain: listener.domain.clone(),
            kind: listener.kind.clone(),
            protocol: listener.protocol.clone(),
            opened_ns: accept.returned_ns(),
            bound_ns: Some(accept.entered_ns),
            peer: accept.exit.as_ref().and_then(|back| back.out.address()).cloned(),
            descriptors: descriptor.map(|fd| (accept.process, fd)).into_iter().collect(),
            ..Socket::first_seen(accept, Some(id))
        }
    }

    /// Learns from a call on it. Returns the number of the socket that it gave, if it is an accept().
    fn learn(&mut self, index: usize, span: &CallSpan) -> Option<SocketId> {
        if span.error() != Some("EBADF") {
            self.is_held(span.process, span.call.fd);
        }
        let back = span.exit.as_ref()?;
        let asked = span.call.syscall.address();
        if span.is(SyscallKind::Connect) && span.error() != Some("EALREADY") {
            let was_connecting = std::mem::replace(&mut self.connecting, span.is_under_way());
            if was_connecting && (span.result().is_some() || span.error() == Some("EISCONN")) {
                return None; // it only tells that the one before has succeeded
            }
        }
        if span.errno().is_some() && !span.is_under_way() {
            let why = match asked {
                _ if span.fails_for_now() => FailureReason::NotYet,
                Some(_) => FailureReason::Address,
                None => FailureReason::Other,
            };
            self.failures.push(Failure { call: index, why });
            return None;
        }
        match span.call.kind() {
            SyscallKind::Bind | SyscallKind::Connect | SyscallKind::Listen
                if span.result().is_some() =>
            {
                self.in_use_since.get_or_insert(index);
            }
            SyscallKind::Accept => self.accepted += 1,
            _ => {}
        }
        self.bound |= span.is(SyscallKind::Bind);
        if asked.is_some() {
            self.bound_ns.get_or_insert(span.entered_ns);
        }
        match &span.call.syscall {
            Syscall::Bind { address } if address.port() != Some(0) => {
                self.local = Some(address.clone());
            }
            Syscall::Connect { address, .. } => {
                self.peer = Some(address.clone());
                self.connects.push((index, address.clone()));
            }
            Syscall::Listen { backlog } => self.backlog = Some(*backlog),
            Syscall::Dup { .. } => self.is_held(span.process, span.result()),
            Syscall::Close => {
                self.closed_by_exit =
                    span.call.role == Role::Kernel && span.call.api.as_deref() == Some("exit");
                match back.out {
                    Output::Closed { still_open } => {
                        self.close_one(span.process, span.call.fd, still_open, back.at_ns);
                    }
                    _ => self.close(span.process, span.call.fd, back.at_ns),
                }
            }
            Syscall::GetOption { option: SockOpt::Error } => {
                self.connecting &= !matches!(back.out, Output::Value(Value::Text(_)));
            }
            Syscall::SetOption { option: SockOpt::V6Only, value } => {
                self.only_v6 = *value != Value::Number(0);
            }
            Syscall::GetSockName => back.out.address().into_iter().for_each(|at| self.is_at(at)),
            _ => {}
        }
        match &back.out {
            Output::TcpInfo(info) => self.is_in(back.at_ns, &info.state, Asker::Program),
            Output::Accepted { socket, .. } => return Some(*socket),
            Output::Opened { socket } if span.is(SyscallKind::Accept) => return Some(*socket),
            _ => {}
        }
        None
    }

    /// The connect() that it had begun has failed.
    pub(super) fn has_failed_to_connect(&mut self, connect: usize) {
        self.connects.retain(|(call, _)| *call != connect);
        self.peer = self.connects.last().map(|(_, address)| address.clone());
        self.failures.push(Failure { call: connect, why: FailureReason::Address });
        self.failures.sort_by_key(|failure| failure.call);
    }

    /// Learns what the kernel said of it.
    fn observe(&mut self, at_ns: u64, fact: &Fact) {
        match fact {
            Fact::Getsockname(local) => self.is_at(local),
            Fact::TcpInfo(info) => self.is_in(at_ns, &info.state, Asker::Instrument),
            Fact::UnixPeer(peer) => self.unix_peer = Some(*peer),
            Fact::Kind { domain, kind } => {
                self.domain.get_or_insert_with(|| domain.clone());
                self.kind.get_or_insert_with(|| kind.clone());
            }
            Fact::Getpeername(peer) if self.origin == Origin::Unknown => {
                self.peer.get_or_insert_with(|| peer.clone());
            }
            Fact::Getpeername(_)
            | Fact::TcpTable { .. }
            | Fact::AddressInUse { .. }
            | Fact::CommandOutput { .. }
            | Fact::StillOpen { .. } => {}
        }
    }

    /// The kernel said its own address; port 0 is none yet.
    fn is_at(&mut self, local: &Address) {
        if self.local.is_none() || local.port() != Some(0) {
            self.local = Some(local.clone());
        }
    }

    /// The kernel said its TCP state.
    fn is_in(&mut self, at_ns: u64, state: &str, asked_by: Asker) {
        self.tcp_states.push(StateReport { at_ns, state: state.to_owned(), asked_by });
    }

    /// A process uses it by this descriptor, which it may have got by dup() or fork(): it is open.
    fn is_held(&mut self, process: u32, fd: Option<i64>) {
        self.descriptors.extend(fd.map(|fd| (process, fd)));
        self.closed_ns = None;
    }

    /// A process closes this descriptor; `None` if the recording does not say which.
    fn close(&mut self, process: u32, fd: Option<i64>, at_ns: u64) {
        match fd {
            Some(fd) => self.descriptors.retain(|held| *held != (process, fd)),
            None => self.descriptors.clear(),
        }
        self.closed_ns = Some(at_ns).filter(|_| self.descriptors.is_empty());
    }

    /// A process closes this descriptor, and it is known how many others are open.
    fn close_one(&mut self, process: u32, fd: Option<i64>, still_open: u32, at_ns: u64) {
        self.descriptors.retain(|held| Some(held.1) != fd || held.0 != process);
        if still_open == 0 {
            self.descriptors.clear();
            self.closed_ns = Some(at_ns);
        }
    }

    /// A process has ended, and the kernel has closed what it left open. `is_known`: that is all that it did not close itself.
    fn lose(&mut self, process: u32, at_ns: u64, is_known: bool) {
        let before = self.descriptors.len();
        self.descriptors.retain(|(holder, _)| *holder != process);
        if self.descriptors.len() < before && self.descriptors.is_empty() {
            (self.closed_ns, self.closed_by_exit) = (Some(at_ns), is_known);
        }
    }
}
