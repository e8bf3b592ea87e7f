//! What became of what was sent: which sockets there were, which two were one connection, and which send turned up in
//! which receive. Views draw from it; it draws nothing.
//!
//! Everything is worked out from recorded events. What they do not decide stays unmatched (`None`): it is never guessed.

#![allow(dead_code)] // until every view is drawn

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use crate::event::{Address, Args, Call, Data, Event, Name, Outcome, Value, What};
use crate::recording::Recording;

/// A system call from entry to return.
#[derive(Clone, Debug)]
pub struct Made {
    /// Who made it.
    pub actor: Name,
    /// In which process.
    pub process: u32,
    /// By which thread.
    pub thread: u32,
    /// The call.
    pub call: Arc<Call>,
    /// The socket it was made on, as an index into [`Flows::sockets`].
    pub socket: Option<usize>,
    /// When it was entered, in nanoseconds since the run began.
    pub entered_ns: u64,
    /// How and when it returned; `None` if it never did.
    pub back: Option<Back>,
}

/// The return of a call.
#[derive(Clone, Debug)]
pub struct Back {
    /// When.
    pub at_ns: u64,
    /// With what.
    pub outcome: Outcome,
    /// What the kernel filled in.
    pub out: Args,
}

impl Made {
    /// The return value, if it returned without an error.
    pub fn result(&self) -> Option<i64> {
        match self.back.as_ref()?.outcome {
            Outcome::Result(result) => Some(result),
            Outcome::Errno(_) => None,
        }
    }

    /// The name of the error it returned with.
    pub fn errno(&self) -> Option<&str> {
        match &self.back.as_ref()?.outcome {
            Outcome::Result(_) => None,
            Outcome::Errno(name) => Some(name),
        }
    }

    /// When it returned; the end of time if it never did.
    pub fn returned_ns(&self) -> u64 {
        self.back.as_ref().map_or(u64::MAX, |back| back.at_ns)
    }

    /// What it handed to the kernel, if it is a sending call.
    pub fn sending(&self) -> Option<&Data> {
        self.call.args.data("data")
    }

    /// What it got, if it is a receiving call that has returned without an error.
    pub fn received(&self) -> Option<&Data> {
        self.back.as_ref()?.out.data("data")
    }

    /// True if it is a receiving call, returned or not.
    pub fn receives(&self) -> bool {
        ["recv", "read", "peek"].iter().any(|verb| self.call.function.starts_with(verb))
    }

    /// True if it looks at what is there and leaves it there.
    pub fn peeks(&self) -> bool {
        self.call.function == "peek" || matches!(self.call.args.get("flags"), Some(Value::Text(flags)) if flags.contains("MSG_PEEK"))
    }

    /// Bytes that it took out of the socket (a datagram that was cut counts as what was delivered of it).
    fn taken(&self) -> Option<usize> {
        self.received().filter(|_| !self.peeks()).map(|data| data.bytes)
    }

    fn sent(&self) -> Option<usize> {
        self.sending()?;
        usize::try_from(self.result()?).ok()
    }

    fn is(&self, function: &str) -> bool {
        self.call.function == function
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

/// One socket of the recording. Indices are into [`Flows::sockets`] and [`Flows::calls`].
#[derive(Clone, Debug)]
pub struct Socket {
    /// Its process and its number there.
    pub key: (u32, u32),
    /// Who made it.
    pub owner: Name,
    /// How it came to be.
    pub origin: Origin,
    /// Its descriptor; `None` if it was not made (socket() failed) or that is not recorded.
    pub descriptor: Option<i64>,
    /// `AF_INET`; empty if unknown.
    pub domain: String,
    /// `SOCK_STREAM`; empty if unknown.
    pub kind: String,
    /// `IPPROTO_TCP`; `0` if it was left to the kernel; empty if unknown.
    pub protocol: String,
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
        self.kind == "SOCK_STREAM"
    }

    /// The protocol as people say it: `TCP`, `UDP`; nothing for `AF_UNIX`.
    pub fn protocol_said(&self) -> &'static str {
        match (self.domain.as_str(), self.kind.as_str()) {
            ("AF_INET" | "AF_INET6", "SOCK_STREAM") => "TCP",
            ("AF_INET" | "AF_INET6", "SOCK_DGRAM") => "UDP",
            _ => "",
        }
    }

    fn open_during(&self, from_ns: u64, to_ns: u64) -> bool {
        self.bound_ns.is_some_and(|bound| bound <= to_ns) && self.closed_ns.is_none_or(|closed| closed >= from_ns)
    }

    fn peer_at(&self, at_ns: u64, calls: &[Made]) -> Option<&Address> {
        let before = |&(call, _): &&(usize, Address)| calls[*call].entered_ns <= at_ns;
        self.connects.iter().rev().find(before).map(|(_, address)| address)
    }
}

/// Two sockets that were one connection. Indices are into [`Flows::sockets`] and [`Flows::calls`].
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
#[derive(Clone, Debug, Default)]
pub struct Flows {
    /// Every call, in the order of entry.
    pub calls: Vec<Made>,
    /// Every socket but the instrument's own, in the order in which they were made.
    pub sockets: Vec<Socket>,
    /// Every connection of which both ends are in the recording, in the order of accept().
    pub connections: Vec<Connection>,
    /// Both directions of every connection.
    pub directions: Vec<Direction>,
    /// What was sent and received, in the order of sending (what has no known sender: of receiving).
    pub messages: Vec<Message>,
}

/// The events in the order in which they happened: what a child process recorded stands later in the file.
pub fn in_order(recording: &Recording) -> Vec<&Event> {
    let mut events: Vec<&Event> = recording.events.iter().collect();
    events.sort_by_key(|event| event.at_ns);
    events
}

/// Works it out.
pub fn flows(recording: &Recording) -> Flows {
    let mut flows = Flows::default();
    flows.pair_returns(recording);
    flows.find_sockets();
    flows.find_connections();
    flows.follow_streams();
    flows.follow_datagrams();
    let calls = &flows.calls;
    flows.messages.sort_by_key(|message| match (message.send, message.receive) {
        (Some(send), _) => (calls[send].entered_ns, message.skip),
        (None, Some(receive)) => (calls[receive].returned_ns(), 0),
        (None, None) => (u64::MAX, 0),
    });
    flows
}

impl Flows {
    /// The socket of that process and number.
    pub fn socket(&self, process: u32, number: u32) -> Option<usize> {
        self.sockets.iter().position(|socket| socket.key == (process, number))
    }

    fn pair_returns(&mut self, recording: &Recording) {
        let mut open: HashMap<(u32, u64), usize> = HashMap::new();
        for event in in_order(recording) {
            let made = |call: &Arc<Call>, entered_ns| Made {
                actor: event.actor.clone(),
                process: event.process,
                thread: event.thread,
                call: call.clone(),
                socket: None,
                entered_ns,
                back: None,
            };
            match &event.what {
                What::Enter(call) => {
                    open.insert((event.process, call.id), self.calls.len());
                    self.calls.push(made(call, event.at_ns));
                }
                What::Return(back) => {
                    let index = open.remove(&(event.process, back.call.id)).unwrap_or_else(|| {
                        self.calls.push(made(&back.call, event.at_ns.saturating_sub(back.took_ns)));
                        self.calls.len() - 1
                    });
                    let (outcome, out) = (back.outcome.clone(), back.out.clone());
                    self.calls[index].back = Some(Back { at_ns: event.at_ns, outcome, out });
                }
                _ => {}
            }
        }
        self.calls.sort_by_key(|made| made.entered_ns);
    }

    fn find_sockets(&mut self) {
        let mut known: HashMap<(u32, u32), usize> = HashMap::new();
        // An accepted socket may be used by another thread before the accept's return is recorded: find those first.
        let mut order: Vec<usize> = (0..self.calls.len()).collect();
        order.sort_by_key(|&index| {
            let made = &self.calls[index];
            if made.is("accept") { made.returned_ns() } else { made.entered_ns }
        });
        for index in order {
            let made = &self.calls[index];
            let key = (made.process, made.call.socket);
            if &*made.actor == "lab" {
                continue; // the instrument's own
            }
            let at = *known.entry(key).or_insert_with(|| {
                self.sockets.push(Socket::first_seen(made, key));
                self.sockets.len() - 1
            });
            if let Some(accepted) = self.sockets[at].note(index, made) {
                let listener = &self.sockets[at];
                let mut socket = Socket::first_seen(made, (made.process, accepted));
                socket.origin = Origin::Accept(Some(at));
                socket.descriptor = made.result();
                (socket.domain, socket.kind) = (listener.domain.clone(), listener.kind.clone());
                socket.protocol.clone_from(&listener.protocol);
                (socket.made_ns, socket.bound_ns) = (made.returned_ns(), Some(made.entered_ns));
                socket.peer = made.back.as_ref().and_then(|back| back.out.address("address")).cloned();
                known.insert(socket.key, self.sockets.len());
                self.sockets.push(socket);
            }
            self.calls[index].socket = Some(at);
        }
    }

    fn find_connections(&mut self) {
        for accept in 0..self.calls.len() {
            let Some(server) = self.accepted_by(accept) else { continue };
            let found = self.connect_by_address(accept, server).or_else(|| self.connect_by_turn(accept, server));
            let Some((client, connect)) = found else { continue };
            self.sockets[client].other_end = Some(server);
            self.sockets[server].other_end = Some(client);
            self.connections.push(Connection { client, server, connect, accept });
        }
        self.connections.sort_by_key(|connection| self.calls[connection.accept].returned_ns());
    }

    /// The socket that this accept() gave.
    pub fn accepted_by(&self, accept: usize) -> Option<usize> {
        let made = &self.calls[accept];
        made.result()?;
        let Some(Value::Number(number)) = made.back.as_ref()?.out.get("socket").filter(|_| made.is("accept")) else { return None };
        self.socket(made.process, u32::try_from(*number).ok()?)
    }

    /// The client's own address is the accepted socket's peer, and it connected to where that one listens.
    fn connect_by_address(&self, accept: usize, server: usize) -> Option<(usize, usize)> {
        let there = self.sockets[server].peer.as_ref().filter(|peer| **peer != Address::Unix(None))?;
        let listener = self.calls[accept].socket?;
        let fits = |&(index, socket): &(usize, &Socket)| {
            index != server
                && index != listener
                && socket.other_end.is_none()
                && socket.kind == self.sockets[server].kind
                && socket.local.as_ref().is_some_and(|local| is_at(there, local))
        };
        let connects = self.sockets.iter().enumerate().filter(fits).filter_map(|(index, socket)| {
            let (connect, to) = socket.connects.last()?;
            let here = self.sockets[server].local.as_ref().or(self.sockets[listener].local.as_ref())?;
            let in_time = self.calls[*connect].entered_ns <= self.calls[accept].returned_ns();
            (in_time && is_at(to, here)).then_some((index, *connect))
        });
        connects.max_by_key(|(_, connect)| self.calls[*connect].entered_ns)
    }

    /// AF_UNIX clients have no name: the k-th connect to a listening socket is the k-th that it accepts, where the
    /// order is certain (no two of either overlap in time).
    fn connect_by_turn(&self, accept: usize, server: usize) -> Option<(usize, usize)> {
        if self.sockets[server].domain != "AF_UNIX" || self.sockets[server].peer.as_ref().is_some_and(|peer| *peer != Address::Unix(None)) {
            return None;
        }
        let listener = self.calls[accept].socket?;
        let mut accepts: Vec<usize> = (0..self.calls.len())
            .filter(|&index| {
                self.calls[index].socket == Some(listener) && self.calls[index].is("accept") && self.calls[index].result().is_some()
            })
            .collect();
        accepts.sort_by_key(|&index| self.calls[index].returned_ns());
        let mut connects: Vec<(usize, usize)> = Vec::new();
        for (index, socket) in self.sockets.iter().enumerate() {
            connects.extend(
                socket.connects.iter().filter(|(call, to)| self.listener_at(to, *call) == Some(listener)).map(|(call, _)| (index, *call)),
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
    fn listener_at(&self, address: &Address, connect: usize) -> Option<usize> {
        let made = &self.calls[connect];
        let there = |socket: &Socket| {
            socket.backlog.is_some()
                && socket.local.as_ref().is_some_and(|local| is_at(address, local))
                && socket.open_during(made.entered_ns, made.returned_ns())
        };
        let found = self.sockets.iter().enumerate().filter(|(_, socket)| there(socket));
        found.max_by_key(|(_, socket)| socket.bound_ns).map(|(index, _)| index)
    }

    fn follow_streams(&mut self) {
        let ends: Vec<(usize, usize)> = self
            .connections
            .iter()
            .filter(|connection| self.sockets[connection.client].is_stream())
            .flat_map(|connection| [(connection.client, connection.server), (connection.server, connection.client)])
            .collect();
        for (from, to) in ends {
            let direction = self.direction(from, to);
            self.cut_into_messages(&direction);
            self.directions.push(direction);
        }
        // Streams whose other end is not in the recording, or not known.
        for (index, made) in self.calls.iter().enumerate() {
            let Some(at) = made.socket.filter(|&at| self.sockets[at].is_stream() && self.sockets[at].other_end.is_none()) else { continue };
            if let Some(data) = made.sending().filter(|_| made.sent().is_some()) {
                self.messages.push(Message::sent(at, index, data, Fate::Unknown));
            } else if let Some(data) = made.received().filter(|data| data.bytes > 0 && !made.peeks()) {
                self.messages.push(Message::unsent(at, index, data));
            }
        }
    }

    fn direction(&self, from: usize, to: usize) -> Direction {
        let on = |socket| self.calls.iter().enumerate().filter(move |(_, made)| made.socket == Some(socket));
        let place = |calls: Vec<(usize, usize)>| {
            let mut at = 0;
            calls
                .into_iter()
                .map(|(call, bytes)| {
                    at += bytes;
                    (call, at - bytes, bytes)
                })
                .collect::<Vec<_>>()
        };
        let mut receives: Vec<(usize, usize)> =
            on(to).filter_map(|(index, made)| Some((index, made.taken()?))).filter(|(_, bytes)| *bytes > 0).collect();
        receives.sort_by_key(|(index, _)| self.calls[*index].returned_ns());
        // A send that never returned may have handed over any part of its data.
        let sent = |made: &Made| made.sent().or_else(|| made.sending().filter(|_| made.back.is_none()).map(|data| data.bytes));
        let sends = place(on(from).filter_map(|(index, made)| Some((index, sent(made)?))).collect());
        let receives = place(receives);
        let heard = on(to).find(|(_, made)| {
            let asked = !matches!(made.call.args.get("size"), Some(Value::Number(0)));
            made.receives() && asked && made.result() == Some(0)
        });
        let end = heard.and_then(|(heard, back)| {
            let told = on(from).find(|(_, made)| {
                let shut = made.is("shutdown") && !matches!(made.call.args.get("how"), Some(Value::Text(how)) if how == "SHUT_RD");
                (shut || made.is("close")) && made.entered_ns <= back.returned_ns()
            });
            told.map(|(told, _)| (told, heard))
        });
        let mut direction = Direction { from, to, sends, receives, end, sound: true };
        direction.sound = self.overlaps(&direction).iter().all(|piece| self.same_bytes(piece));
        direction
    }

    /// The pieces of a stream that one send and one receive share: send, receive, start in each, bytes.
    fn overlaps(&self, direction: &Direction) -> Vec<Piece> {
        let mut pieces = Vec::new();
        for &(send, sent_at, sent) in &direction.sends {
            for &(receive, got_at, got) in &direction.receives {
                let (start, end) = (sent_at.max(got_at), (sent_at + sent).min(got_at + got));
                if start < end {
                    pieces.push(Piece { send, receive, skip: start - sent_at, place: start - got_at, bytes: end - start });
                }
            }
        }
        pieces
    }

    fn same_bytes(&self, piece: &Piece) -> bool {
        let (Some(sent), Some(got)) = (self.calls[piece.send].sending(), self.calls[piece.receive].received()) else { return false };
        let sent = sent.kept.iter().skip(piece.skip);
        let in_time = self.calls[piece.send].entered_ns <= self.calls[piece.receive].returned_ns();
        in_time && sent.zip(got.kept.iter().skip(piece.place)).take(piece.bytes).all(|(sent, got)| sent == got)
    }

    fn cut_into_messages(&mut self, direction: &Direction) {
        if !direction.sound {
            for &(send, ..) in &direction.sends {
                let Some(data) = self.calls[send].sending() else { continue };
                self.messages.push(Message::sent(direction.from, send, data, Fate::Unknown));
            }
            for &(receive, ..) in &direction.receives {
                let Some(data) = self.calls[receive].received() else { continue };
                self.messages.push(Message::unsent(direction.to, receive, data));
            }
            return;
        }
        let pieces = self.overlaps(direction);
        for piece in &pieces {
            let Some(sent) = self.calls[piece.send].sending() else { continue };
            self.messages.push(Message {
                from: Some(direction.from),
                to: Some(direction.to),
                send: Some(piece.send),
                receive: Some(piece.receive),
                skip: piece.skip,
                bytes: piece.bytes,
                data: part_of(sent, piece.skip, piece.bytes),
                fate: Fate::Received,
            });
        }
        for &(send, _, sent) in &direction.sends {
            let arrived: usize = pieces.iter().filter(|piece| piece.send == send).map(|piece| piece.bytes).sum();
            let Some(data) = self.calls[send].sending().filter(|_| arrived < sent || sent == 0) else { continue };
            let fate = if self.calls[send].back.is_some() { Fate::NeverReceived } else { Fate::Unknown };
            let mut message = Message::sent(direction.from, send, data, fate);
            message.to = Some(direction.to);
            (message.skip, message.bytes) = (arrived, sent - arrived);
            message.data = part_of(data, arrived, sent - arrived);
            self.messages.push(message);
        }
        let all_sent: usize = direction.sends.iter().map(|(_, _, bytes)| bytes).sum();
        for &(receive, at, bytes) in &direction.receives {
            let Some(data) = self.calls[receive].received().filter(|_| at + bytes > all_sent) else { continue };
            let known = all_sent.saturating_sub(at);
            let mut message = Message::unsent(direction.to, receive, data);
            (message.bytes, message.data) = (bytes - known, part_of(data, known, bytes - known));
            self.messages.push(message);
        }
    }

    /// Datagrams keep their order on the way to one socket; each is matched by its addresses and its bytes. Of equal
    /// ones the earlier is taken to have arrived first.
    fn follow_datagrams(&mut self) {
        let mut waiting: Vec<Message> = Vec::new();
        let is_datagram = |at: &usize| matches!(self.sockets[*at].kind.as_str(), "SOCK_DGRAM" | "SOCK_SEQPACKET");
        for (index, made) in self.calls.iter().enumerate() {
            let Some(at) = made.socket.filter(is_datagram) else { continue };
            let Some(data) = made.sending().filter(|_| made.sent().is_some()) else { continue };
            let mut message = Message::sent(at, index, data, Fate::NobodyThere);
            let to = made.call.args.address("address").or_else(|| self.sockets[at].peer_at(made.entered_ns, &self.calls));
            message.to = self.sockets[at].other_end.or_else(|| self.receiver(at, to?, made));
            message.fate = match (message.to, to) {
                (Some(_), _) => Fate::NeverReceived,
                (None, Some(_)) => Fate::NobodyThere,
                (None, None) => Fate::Unknown,
            };
            waiting.push(message);
        }
        let mut receives: Vec<usize> = (0..self.calls.len())
            .filter(|&index| self.calls[index].taken().is_some() && self.calls[index].socket.as_ref().is_some_and(is_datagram))
            .collect();
        receives.sort_by_key(|&index| self.calls[index].returned_ns());
        for receive in receives {
            let made = &self.calls[receive];
            let (Some(at), Some(got)) = (made.socket, made.received()) else { continue };
            let fits = |message: &&mut Message| message.receive.is_none() && message.to == Some(at) && self.could_be(message, made, got);
            match waiting.iter_mut().find(fits) {
                Some(message) => {
                    message.receive = Some(receive);
                    message.fate = if got.bytes < message.bytes { Fate::Cut(message.bytes - got.bytes) } else { Fate::Received };
                }
                None if self.sockets[at].kind == "SOCK_SEQPACKET" && got.bytes == 0 => {} // the end
                None => self.messages.push(Message::unsent(at, receive, got)),
            }
        }
        self.messages.append(&mut waiting);
    }

    /// The socket that datagrams from this one to that address would have reached then; `None` if several might.
    fn receiver(&self, from: usize, to: &Address, send: &Made) -> Option<usize> {
        let hears = |socket: &Socket| {
            let own = self.sockets[from].local.as_ref();
            socket.kind == self.sockets[from].kind
                && socket.local.as_ref().is_some_and(|local| is_at(to, local))
                && socket.open_during(send.entered_ns, send.returned_ns())
                && socket.peer_at(send.entered_ns, &self.calls).is_none_or(|peer| own.is_some_and(|own| is_at(peer, own)))
        };
        let mut found: Vec<usize> = (0..self.sockets.len()).filter(|&index| hears(&self.sockets[index])).collect();
        // An address of its own beats the wildcard, a connected socket one that hears everybody.
        let rank = |&index: &usize| {
            let socket = &self.sockets[index];
            let exact = socket.local.as_ref().is_some_and(|local| plain(local) == plain(to));
            (exact, socket.peer_at(send.entered_ns, &self.calls).is_some(), socket.bound_ns)
        };
        found.sort_by_key(rank);
        found.pop()
    }

    fn could_be(&self, message: &Message, receive: &Made, got: &Data) -> bool {
        let (Some(from), Some(send)) = (message.from, message.send) else { return false };
        let source_fits = match receive.back.as_ref().and_then(|back| back.out.address("address")) {
            Some(source) => match &self.sockets[from].local {
                Some(local) => is_at(source, local),
                None => *source == Address::Unix(None),
            },
            None => true,
        };
        let room = matches!(receive.call.args.get("size"), Some(Value::Number(size)) if usize::try_from(*size) == Ok(got.bytes));
        let length_fits = got.bytes == message.bytes || (got.bytes < message.bytes && room);
        let same = got.kept.iter().zip(&message.data.kept).all(|(got, sent)| got == sent);
        source_fits && length_fits && same && self.calls[send].entered_ns <= receive.returned_ns()
    }
}

/// What one send and one receive of a stream share.
struct Piece {
    send: usize,
    receive: usize,
    skip: usize,
    place: usize,
    bytes: usize,
}

impl Message {
    fn sent(from: usize, send: usize, data: &Data, fate: Fate) -> Message {
        let (bytes, data) = (data.bytes, data.clone());
        Message { from: Some(from), to: None, send: Some(send), receive: None, skip: 0, bytes, data, fate }
    }

    fn unsent(to: usize, receive: usize, data: &Data) -> Message {
        let (bytes, data) = (data.bytes, data.clone());
        Message { from: None, to: Some(to), send: None, receive: Some(receive), skip: 0, bytes, data, fate: Fate::Unsent }
    }
}

impl Socket {
    fn first_seen(made: &Made, key: (u32, u32)) -> Socket {
        let text = |name| made.call.args.get(name).filter(|_| made.is("socket")).map_or_else(String::new, Value::to_string);
        Socket {
            key,
            owner: made.actor.clone(),
            origin: if made.is("socket") { Origin::Socket } else { Origin::Unknown },
            descriptor: if made.is("socket") { made.result() } else { None },
            domain: text("domain"),
            kind: text("type"),
            protocol: text("protocol"),
            made_ns: made.entered_ns,
            closed_ns: None,
            local: None,
            bound_ns: None,
            peer: None,
            backlog: None,
            states: Vec::new(),
            failed: Vec::new(),
            other_end: None,
            connects: Vec::new(),
        }
    }

    /// Learns from a call on it. Returns the number of the socket that it gave, if it is an accept().
    fn note(&mut self, index: usize, made: &Made) -> Option<u32> {
        let back = made.back.as_ref()?;
        let asked = made.call.args.address("address");
        // A non-blocking connect goes on after it has returned.
        let under_way = made.is("connect") && made.errno() == Some("EINPROGRESS");
        if made.errno().is_some() && !under_way {
            self.failed.push(index);
            return None;
        }
        if matches!(&*made.call.function, "bind" | "connect") || (made.sending().is_some() && asked.is_some()) {
            self.bound_ns.get_or_insert(made.entered_ns);
        }
        match (&*made.call.function, &*made.call.syscall) {
            ("bind", _) if asked.is_some_and(|address| address.port() != Some(0)) => self.local = asked.cloned(),
            ("connect", _) => {
                self.peer = asked.cloned();
                self.connects.extend(asked.map(|address| (index, address.clone())));
            }
            ("listen", _) => {
                self.backlog = match made.call.args.get("backlog") {
                    Some(Value::Number(backlog)) => Some(*backlog),
                    _ => Some(0),
                };
            }
            ("close", _) => self.closed_ns = Some(back.at_ns),
            (_, "getsockname") => {
                let said = back.out.address("address").filter(|said| self.local.is_none() || said.port() != Some(0));
                self.local = said.cloned().or(self.local.take());
            }
            ("tcp_info", _) => {
                if let Some(Value::Text(state)) = back.out.get("state")
                    && self.states.last().is_none_or(|(_, last)| last != state)
                {
                    self.states.push((back.at_ns, state.to_string()));
                }
            }
            ("accept", _) => {
                if let Some(Value::Number(number)) = back.out.get("socket") {
                    return u32::try_from(*number).ok();
                }
            }
            _ => {}
        }
        None
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
        Address::Inet6(address) => Some(SocketAddr::new(IpAddr::V6(*address.ip()).to_canonical(), address.port())),
        Address::Unix(_) => None,
    }
}

/// True if a socket whose own address is `local` is at this address; a wildcard is at all of the machine's.
fn is_at(address: &Address, local: &Address) -> bool {
    match (plain(address), plain(local)) {
        (Some(there), Some(here)) => there == here || (here.ip().is_unspecified() && here.port() == there.port()),
        _ => address == local,
    }
}

#[cfg(test)]
mod tests {
    use super::{Fate, Flows, flows};
    use crate::views::tests_support::Script;

    fn said(flows: &Flows) -> Vec<String> {
        let who = |socket: Option<usize>| socket.map_or("?".to_owned(), |socket| flows.sockets[socket].owner.to_string());
        flows.messages.iter().map(|m| format!("{} -> {}: {} {:?}", who(m.from), who(m.to), m.data, m.fate)).collect()
    }

    #[test]
    fn a_stream_is_matched_byte_by_byte() {
        let mut script = Script::new();
        script.tcp_connection(("client", 1, 1), ("server", 2, 1, 2));
        script.send("client", 1, 1, "hello ").send("client", 1, 1, "world").recv("server", 2, 2, 8, "hello wo");
        let flows = flows(&script.recording());
        assert_eq!(flows.connections.len(), 1);
        assert_eq!(
            said(&flows),
            ["client -> server: \"hello \" Received", "client -> server: \"wo\" Received", "client -> server: \"rld\" NeverReceived"]
        );
        assert_eq!(flows.messages[2].skip, 2);
    }

    #[test]
    fn what_was_not_sent_is_not_matched() {
        let mut script = Script::new();
        script.tcp_connection(("client", 1, 1), ("server", 2, 1, 2));
        script.send("client", 1, 1, "hello").recv("server", 2, 2, 8, "HELLO");
        let flows = flows(&script.recording());
        assert_eq!(said(&flows), ["client -> ?: \"hello\" Unknown", "? -> server: \"HELLO\" Unsent"]);
    }

    #[test]
    fn unix_connections_are_paired_in_turn() {
        let mut script = Script::new();
        script.unix_listener("server", 1, 1);
        script.unix_connect("alice", 1, 7).unix_connect("bob", 1, 8).unix_accept("server", 1, 1, 2).unix_accept("server", 1, 1, 3);
        script.send("bob", 1, 8, "b").send("alice", 1, 7, "a").recv("server", 1, 2, 9, "a").recv("server", 1, 3, 9, "b");
        let flows = flows(&script.recording());
        assert_eq!(said(&flows), ["bob -> server: \"b\" Received", "alice -> server: \"a\" Received"]);
        assert_eq!(flows.messages[0].receive.map(|call| flows.calls[call].call.socket), Some(3));
    }

    #[test]
    fn datagrams_are_matched_by_address_and_lost_ones_are_said() {
        let mut script = Script::new();
        script.udp("a", 1, 1, 5001).udp("b", 1, 2, 5002);
        script
            .send_to("a", 1, 1, "one", 5002)
            .send_to("a", 1, 1, "two", 5002)
            .send_to("a", 1, 1, "three", 5002)
            .send_to("a", 1, 1, "x", 5009);
        script.recv_from("b", 1, 2, 64, "one", 5001).recv_from("b", 1, 2, 2, "th", 5001);
        let flows = flows(&script.recording());
        assert_eq!(
            said(&flows),
            ["a -> b: \"one\" Received", "a -> b: \"two\" NeverReceived", "a -> b: \"three\" Cut(3)", "a -> ?: \"x\" NobodyThere"]
        );
        assert_eq!(flows.messages[2].fate, Fate::Cut(3));
    }
}
