//! Which sockets there were, and which two of them were one connection.

use std::collections::HashMap;

use super::{Analysis, CallSpan, Connection, Origin, Socket, is_at};
use crate::trace::{
    Address, Domain, EventKind, Fact, Observation, Output, SocketId, Syscall, SyscallKind,
};

/// What tells of a socket.
enum Fed<'r> {
    /// A call, by its index.
    Call(usize),
    /// What the kernel said of it.
    Said(&'r Observation),
}

impl Analysis<'_> {
    pub(super) fn find_sockets(&mut self) {
        let mut known: HashMap<SocketId, usize> = HashMap::new();
        // An accepted socket may be used by another thread before the accept's return is recorded: find those first.
        let calls = self.calls.iter().enumerate().map(|(index, made)| {
            let accepts = made.is(SyscallKind::Accept);
            (if accepts { made.returned_ns() } else { made.entered_ns }, Fed::Call(index))
        });
        let observations = self.recording.events().iter().filter_map(|event| match &event.what {
            EventKind::Observed(observation) => Some((event.at_ns, Fed::Said(observation))),
            _ => None,
        });
        let mut order: Vec<(u64, Fed)> = calls.chain(observations).collect();
        order.sort_by_key(|(at_ns, _)| *at_ns);
        for (at_ns, fed) in order {
            let index = match fed {
                Fed::Call(index) => index,
                Fed::Said(Observation { socket, fact, .. }) => {
                    let known = socket.and_then(|id| known.get(&id));
                    known.into_iter().for_each(|&at| self.sockets[at].observe(at_ns, fact));
                    continue;
                }
            };
            let made = &self.calls[index];
            if made.call.is_instrument() {
                continue; // the instrument's own
            }
            let at = if made.is(SyscallKind::Socket) {
                let opened = made.exit.as_ref().and_then(|exit| match exit.out {
                    Output::Opened { socket } => Some(socket),
                    _ => None,
                });
                known.extend(opened.map(|id| (id, self.sockets.len())));
                self.sockets.push(Socket::first_seen(made, opened));
                self.sockets.len() - 1
            } else if let Some(id) = made.call.socket {
                *known.entry(id).or_insert_with(|| {
                    self.sockets.push(Socket::first_seen(made, Some(id)));
                    self.sockets.len() - 1
                })
            } else {
                continue; // made on many sockets at once (poll)
            };
            if let Some(accepted) = self.sockets[at].note(index, made) {
                let listener = &self.sockets[at];
                let mut socket = Socket::first_seen(made, Some(accepted));
                socket.origin = Origin::Accept(Some(at));
                socket.descriptor = made.result();
                socket.domain.clone_from(&listener.domain);
                socket.kind.clone_from(&listener.kind);
                socket.protocol.clone_from(&listener.protocol);
                (socket.made_ns, socket.bound_ns) = (made.returned_ns(), Some(made.entered_ns));
                socket.peer = made.exit.as_ref().and_then(|back| back.out.address()).cloned();
                known.insert(accepted, self.sockets.len());
                self.sockets.push(socket);
            }
            self.calls[index].socket = Some(at);
        }
        self.by_id = known;
    }

    pub(super) fn find_connections(&mut self) {
        let mut at_port: HashMap<Option<u16>, Vec<usize>> = HashMap::new();
        for (index, socket) in self.sockets.iter().enumerate() {
            if let Some(local) = &socket.local {
                at_port.entry(local.port()).or_default().push(index);
            }
        }
        for accept in 0..self.calls.len() {
            let Some(server) = self.accepted_by(accept) else {
                continue;
            };
            let found = self
                .connect_by_address(accept, server, &at_port)
                .or_else(|| self.connect_by_turn(accept, server));
            let Some((client, connect)) = found else {
                continue;
            };
            self.sockets[client].other_end = Some(server);
            self.sockets[server].other_end = Some(client);
            self.connections.push(Connection { client, server, connect, accept });
        }
        self.connections.sort_by_key(|connection| self.calls[connection.accept].returned_ns());
    }

    /// The socket that this accept() gave.
    pub fn accepted_by(&self, accept: usize) -> Option<usize> {
        let made = &self.calls[accept];
        let Output::Accepted { socket, .. } = made.exit.as_ref()?.out else { return None };
        self.socket(socket)
    }

    /// The client's own address is the accepted socket's peer, and it connected to where that one listens.
    fn connect_by_address(
        &self,
        accept: usize,
        server: usize,
        at_port: &HashMap<Option<u16>, Vec<usize>>,
    ) -> Option<(usize, usize)> {
        let there =
            self.sockets[server].peer.as_ref().filter(|peer| **peer != Address::Unix(None))?;
        let listener = self.calls[accept].socket?;
        let candidates = at_port.get(&there.port()).into_iter().flatten();
        let candidates = candidates.map(|&index| (index, &self.sockets[index]));
        let fits = |&(index, socket): &(usize, &Socket)| {
            index != server
                && index != listener
                && socket.other_end.is_none()
                && socket.kind == self.sockets[server].kind
                && socket.local.as_ref().is_some_and(|local| is_at(there, local))
        };
        let connects = candidates.filter(fits).filter_map(|(index, socket)| {
            let (connect, to) = socket.connects.last()?;
            let here =
                self.sockets[server].local.as_ref().or(self.sockets[listener].local.as_ref())?;
            let in_time = self.calls[*connect].entered_ns <= self.calls[accept].returned_ns();
            (in_time && is_at(to, here)).then_some((index, *connect))
        });
        connects.max_by_key(|(_, connect)| self.calls[*connect].entered_ns)
    }

    /// AF_UNIX clients have no name: the k-th connect to a listening socket is the k-th that it accepts, where the
    /// order is certain (no two of either overlap in time).
    fn connect_by_turn(&self, accept: usize, server: usize) -> Option<(usize, usize)> {
        if self.sockets[server].domain != Some(Domain::Unix)
            || self.sockets[server].peer.as_ref().is_some_and(|peer| *peer != Address::Unix(None))
        {
            return None;
        }
        let listener = self.calls[accept].socket?;
        let mut accepts: Vec<usize> = (0..self.calls.len())
            .filter(|&index| {
                self.calls[index].socket == Some(listener)
                    && self.calls[index].is(SyscallKind::Accept)
                    && self.calls[index].result().is_some()
            })
            .collect();
        accepts.sort_by_key(|&index| self.calls[index].returned_ns());
        let mut connects: Vec<(usize, usize)> = Vec::new();
        for (index, socket) in self.sockets.iter().enumerate() {
            connects.extend(
                socket
                    .connects
                    .iter()
                    .filter(|(call, to)| self.listener_at(to, *call) == Some(listener))
                    .map(|(call, _)| (index, *call)),
            );
        }
        connects.sort_by_key(|(_, call)| self.calls[*call].entered_ns);
        let turn = accepts.iter().position(|&index| index == accept)?;
        let (client, connect) = *connects.get(turn)?;
        let overlap = |one: usize, other: usize| {
            let (one, other) = (&self.calls[one], &self.calls[other]);
            one.entered_ns < other.returned_ns() && other.entered_ns < one.returned_ns()
        };
        let certain = connects.iter().all(|(_, call)| *call == connect || !overlap(*call, connect))
            && accepts.iter().all(|&index| index == accept || !overlap(index, accept))
            && self.calls[connect].entered_ns <= self.calls[accept].returned_ns();
        certain.then_some((client, connect))
    }

    /// The listening socket that had this address when this connect() was made.
    pub fn listener_at(&self, address: &Address, connect: usize) -> Option<usize> {
        let made = &self.calls[connect];
        let there = |socket: &Socket| {
            socket.backlog.is_some()
                && socket.local.as_ref().is_some_and(|local| is_at(address, local))
                && socket.open_during(made.entered_ns, made.returned_ns())
        };
        let found = self.sockets.iter().enumerate().filter(|(_, socket)| there(socket));
        found.max_by_key(|(_, socket)| socket.bound_ns).map(|(index, _)| index)
    }
}

impl Socket {
    fn first_seen(made: &CallSpan, id: Option<SocketId>) -> Socket {
        let (domain, kind, protocol) = match &made.call.syscall {
            Syscall::Socket { domain, kind, protocol } => {
                (Some(domain.clone()), Some(kind.clone()), Some(protocol.clone()))
            }
            _ => Default::default(),
        };
        Socket {
            id,
            owner: made.actor.clone(),
            origin: if made.is(SyscallKind::Socket) { Origin::Socket } else { Origin::Unknown },
            descriptor: if made.is(SyscallKind::Socket) { made.result() } else { None },
            domain,
            kind,
            protocol,
            made_ns: made.entered_ns,
            closed_ns: None,
            local: None,
            bound_ns: None,
            peer: None,
            backlog: None,
            states: Vec::new(),
            observed: Vec::new(),
            failed: Vec::new(),
            other_end: None,
            connects: Vec::new(),
        }
    }

    /// Learns from a call on it. Returns the number of the socket that it gave, if it is an accept().
    fn note(&mut self, index: usize, made: &CallSpan) -> Option<SocketId> {
        let back = made.exit.as_ref()?;
        let asked = made.call.syscall.address();
        // A non-blocking connect goes on after it has returned.
        let under_way = made.is(SyscallKind::Connect) && made.errno() == Some("EINPROGRESS");
        if made.errno().is_some() && !under_way {
            self.failed.push(index);
            return None;
        }
        if asked.is_some() {
            self.bound_ns.get_or_insert(made.entered_ns);
        }
        match &made.call.syscall {
            Syscall::Bind { address } if address.port() != Some(0) => {
                self.local = Some(address.clone());
            }
            Syscall::Connect { address } => {
                self.peer = Some(address.clone());
                self.connects.push((index, address.clone()));
            }
            Syscall::Listen { backlog } => self.backlog = Some(*backlog),
            Syscall::Close => self.closed_ns = Some(back.at_ns),
            Syscall::GetSockName => back.out.address().into_iter().for_each(|at| self.is_at(at)),
            _ => {}
        }
        match &back.out {
            Output::TcpInfo(info) => self.is_in(back.at_ns, &info.state),
            Output::Accepted { socket, .. } => return Some(*socket),
            _ => {}
        }
        None
    }

    /// Learns what the kernel said of it.
    fn observe(&mut self, at_ns: u64, fact: &Fact) {
        match fact {
            Fact::Getsockname(local) => self.is_at(local),
            Fact::TcpInfo(info) => {
                self.observed.push((at_ns, info.state.to_string()));
                self.is_in(at_ns, &info.state);
            }
            Fact::Getpeername(_) | Fact::TcpTable { .. } => {}
        }
    }

    /// The kernel said its own address; port 0 is none yet.
    fn is_at(&mut self, local: &Address) {
        if self.local.is_none() || local.port() != Some(0) {
            self.local = Some(local.clone());
        }
    }

    /// The kernel said its TCP state.
    fn is_in(&mut self, at_ns: u64, state: &str) {
        if self.states.last().is_none_or(|(_, last)| last != state) {
            self.states.push((at_ns, state.to_owned()));
        }
    }
}
