//! Which two sockets were one connection: by their addresses, or where those say nothing, as the kernel said it, or by whose turn it
//! was.

use std::collections::{HashMap, HashSet};

use super::{Analysis, Socket};
use crate::trace::{Address, Domain, Output, SocketId, SyscallKind};

/// Two sockets that were one connection. Indices are into [`Analysis::sockets`] and [`Analysis::calls`].
#[derive(Clone, Debug)]
pub struct Connection {
    /// The socket that connected.
    pub client: usize,
    /// The socket that accept() gave.
    pub server: usize,
    /// The connect() that made it, or the socketpair().
    pub connect: usize,
    /// The accept() that took it, or the same socketpair().
    pub accept: usize,
}

impl Analysis<'_> {
    pub(super) fn find_connections(&mut self) {
        self.pair_sockets();
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
            let found = match self.sockets[server].unix_peer {
                Some(peer) => self.connect_of(peer),
                None => self
                    .connect_by_address(accept, server, &at_port)
                    .or_else(|| self.connect_by_turn(accept, server)),
            };
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
        let span = &self.calls[accept];
        match span.exit.as_ref()?.out {
            Output::Accepted { socket, .. } => self.socket(socket),
            Output::Opened { socket } if span.is(SyscallKind::Accept) => self.socket(socket),
            _ => None,
        }
    }

    /// Each socketpair() is a connection that nobody had to ask for or accept.
    fn pair_sockets(&mut self) {
        for (index, span) in self.calls.iter().enumerate() {
            let Some(Output::Pair { sockets: [one, other], .. }) =
                span.exit.as_ref().map(|exit| &exit.out)
            else {
                continue;
            };
            if let (Some(client), Some(server)) = (self.socket(*one), self.socket(*other)) {
                let (connect, accept) = (index, index);
                self.connections.push(Connection { client, server, connect, accept });
            }
        }
    }

    /// The socket of this number, and its connect().
    fn connect_of(&self, client: SocketId) -> Option<(usize, usize)> {
        let client = self.socket(client)?;
        self.sockets[client].connects.last().map(|(connect, _)| (client, *connect))
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
                && socket.is_reached(there, &self.sockets[server])
        };
        let connects = candidates.filter(fits).filter_map(|(index, socket)| {
            let (connect, to) = socket.connects.last()?;
            let known = self.sockets[server].local.is_some();
            let called = &self.sockets[if known { server } else { listener }];
            let in_time = self.calls[*connect].entered_ns <= self.calls[accept].returned_ns();
            (in_time && called.is_reached(to, socket)).then_some((index, *connect))
        });
        connects.max_by_key(|(_, connect)| self.calls[*connect].entered_ns)
    }

    /// AF_UNIX clients have no name: the k-th connect to a listening socket is the k-th that it accepts, where the
    /// order is certain (no two of either overlap in time). Those of which the kernel has said it do not count.
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
                    && self.accepted_by(index).is_none_or(|at| self.sockets[at].unix_peer.is_none())
            })
            .collect();
        accepts.sort_by_key(|&index| self.calls[index].returned_ns());
        let mut connects: Vec<(usize, usize)> = Vec::new();
        let known: HashSet<SocketId> =
            self.sockets.iter().filter_map(|socket| socket.unix_peer).collect();
        let is_known = |socket: &Socket| socket.id.is_some_and(|id| known.contains(&id));
        let others = self.sockets.iter().enumerate().filter(|(_, socket)| !is_known(socket));
        for (index, socket) in others {
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
        let span = &self.calls[connect];
        let caller = &self.sockets[span.socket?];
        let there = |at: &usize| {
            let socket = &self.sockets[*at];
            socket.is_reached(address, caller)
                && socket.open_during(span.entered_ns, span.returned_ns())
        };
        let found = self.listeners.iter().copied().filter(there);
        found.max_by_key(|at| self.sockets[*at].bound_ns)
    }
}
