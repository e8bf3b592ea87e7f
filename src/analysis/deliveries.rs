//! What calls brought to others: which call met which.
//!
//! A send meets the receives that got its bytes, a connect() the accept() that took it, a shutdown() or close() the receive
//! that heard of the end.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::arrivals::LITTLE;
use super::{Analysis, BLOCKED_NS, Fate, Message};
use crate::trace::{Domain, Name};

/// A receive that was blocked when the send was made, and returned within this, was woken by it, in nanoseconds.
pub const AT_ONCE_NS: u64 = 10_000_000;

/// What one call brought to another.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// The call that brought it: a send, a connect(), or what ended a stream.
    pub call: usize,
    /// What it brought.
    pub what: Delivered,
    /// Whom it reached, or whom it was for; `None` if that was nobody in the recording.
    pub to: Option<Name>,
    /// The calls that took it, in order.
    pub taken_by: Vec<usize>,
    /// The first of these, if nothing later went into it too.
    pub completes: Option<usize>,
    /// True if that one was waiting for this alone, and returned at once.
    pub wakes: bool,
    /// Why it did not arrive.
    pub lost: Option<Loss>,
}

/// What a call can bring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivered {
    /// Bytes. Of what went the same way so much was unread when they had been sent; `None` if that is not known.
    Data(Option<Unread>),
    /// A connection.
    Connection,
    /// The end of a stream.
    End,
}

/// Why what was sent did not arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// Its receiver is in the recording, and never received it.
    NeverReceived,
    /// Nobody in the recording had that address.
    NobodyThere,
    /// Its receiver had been closed before. TCP answers with a reset (RFC 9293, 3.10.7.1).
    Closed,
}

/// What was sent to a socket, and that nobody had received yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unread {
    /// So many bytes of a stream, which have come.
    Bytes(usize),
    /// So many bytes of a stream, of which some may still be in the sender's buffer.
    Sent(usize),
    /// So many datagrams that were received later.
    Datagrams(usize),
}

/// The call that brings something, and the socket that it goes to: a datagram may go to many.
type Way = (usize, Option<usize>);

impl Analysis<'_> {
    pub(super) fn find_deliveries(&mut self) {
        let mut all = self.data_deliveries();
        all.extend(self.connection_deliveries());
        all.extend(self.end_deliveries());
        let mut deliveries: Vec<Delivery> = all.into_values().collect();
        let mut sources: HashMap<usize, Vec<usize>> = HashMap::new();
        for delivery in &deliveries {
            for &taker in &delivery.taken_by {
                sources.entry(taker).or_default().push(delivery.call);
            }
        }
        for delivery in &mut deliveries {
            let Some(&taker) = delivery.taken_by.first() else { continue };
            let (brings, takes) = (&self.calls[delivery.call], &self.calls[taker]);
            let from = &sources[&taker];
            if from.last() != Some(&delivery.call) || takes.returned_ns() < brings.entered_ns {
                continue;
            }
            delivery.completes = Some(taker);
            delivery.wakes = from.len() == 1
                && takes.entered_ns <= brings.entered_ns
                && takes.returned_ns() - brings.entered_ns < AT_ONCE_NS;
        }
        self.deliveries = deliveries;
    }

    fn owner(&self, socket: usize) -> Name {
        self.sockets[socket].owner.clone()
    }

    /// Each send that returned, with what is known of where its data went.
    fn data_deliveries(&self) -> BTreeMap<Way, Delivery> {
        let unread = self.unread();
        let mut all: BTreeMap<Way, Delivery> = BTreeMap::new();
        for message in &self.messages {
            let Some(send) = message.send.filter(|send| self.calls[*send].exit.is_some()) else {
                continue;
            };
            let is_stream = self.calls[send].socket.is_some_and(|at| self.sockets[at].is_stream());
            let lost = match message.fate {
                Fate::NeverReceived if self.is_sent_to_closed(message, send) => Some(Loss::Closed),
                // What a stream delivered lies there unread: it is not lost.
                Fate::NeverReceived if is_stream => None,
                Fate::NeverReceived => Some(Loss::NeverReceived),
                Fate::NobodyThere => Some(Loss::NobodyThere),
                Fate::Unknown | Fate::Unsent => continue,
                Fate::Received | Fate::Cut(_) => None,
            };
            let taker = message.receive.map(|receive| self.calls[receive].actor.clone());
            let to = taker.or_else(|| message.to.map(|to| self.owner(to)));
            let unread = unread.get(&send).copied().filter(|_| lost != Some(Loss::Closed));
            let delivery = all.entry((send, message.to)).or_insert_with(|| Delivery {
                lost,
                ..Delivery::new(send, Delivered::Data(unread), to.clone())
            });
            delivery.taken_by.extend(message.receive);
            if lost.is_none() {
                (delivery.to, delivery.lost) = (to, None);
            }
        }
        all
    }

    /// True if the send was entered when the socket that the message is for had been closed, by all who had a descriptor for it.
    fn is_sent_to_closed(&self, message: &Message, send: usize) -> bool {
        message.to.map(|to| &self.sockets[to]).is_some_and(|to| {
            to.protocol_name() == "TCP"
                && to.closed_ns.is_some_and(|closed_ns| closed_ns <= self.calls[send].entered_ns)
        })
    }

    /// Each connect() that reached a listening socket; one of which it cannot be told whether it was accepted is left out.
    fn connection_deliveries(&self) -> BTreeMap<Way, Delivery> {
        let accepted: HashMap<usize, usize> =
            self.connections.iter().map(|both| (both.connect, both.accept)).collect();
        let unmatched = self.listeners_of_unmatched_accepts();
        let mut all = BTreeMap::new();
        for (index, span) in self.calls.iter().enumerate() {
            let begins = span.socket.is_some_and(|at| {
                let socket = &self.sockets[at];
                socket.has_connections() && socket.connects.iter().any(|(call, _)| *call == index)
            });
            if !begins {
                continue;
            }
            let accept = accepted.get(&index).copied();
            let taker = accept.map(|accept| self.calls[accept].actor.clone());
            let address = span.call.syscall.address();
            let listener = || {
                let at = self.listener_at(address?, index)?;
                (!unmatched.contains(&at)).then(|| self.owner(at))
            };
            if let Some(to) = taker.or_else(listener) {
                let taken_by = accept.into_iter().collect();
                let delivery = Delivery::new(index, Delivered::Connection, Some(to));
                all.insert((index, None), Delivery { taken_by, ..delivery });
            }
        }
        all
    }

    /// The AF_UNIX sockets that have accepted a connection of which the client cannot be told.
    fn listeners_of_unmatched_accepts(&self) -> HashSet<usize> {
        let matched: HashSet<usize> = self.connections.iter().map(|both| both.accept).collect();
        let is_unmatched = |accept: &usize| {
            self.accepted_by(*accept).is_some_and(|at| {
                let socket = &self.sockets[at];
                socket.domain == Some(Domain::Unix) && socket.unix_peer.is_none()
            }) && !matched.contains(accept)
        };
        let accepts = (0..self.calls.len()).filter(is_unmatched);
        accepts.filter_map(|accept| self.calls[accept].socket).collect()
    }

    /// Each end of a connection that was heard of.
    fn end_deliveries(&self) -> BTreeMap<Way, Delivery> {
        let of_streams = self.directions.iter().filter_map(|direction| direction.end);
        of_streams
            .chain(self.ends_of_packets())
            .map(|(ended, heard)| {
                let to = Some(self.calls[heard].actor.clone());
                let delivery = Delivery::new(ended, Delivered::End, to);
                ((ended, None), Delivery { taken_by: vec![heard], ..delivery })
            })
            .collect()
    }

    /// What was unread where it was sent to, after each send.
    fn unread(&self) -> HashMap<usize, Unread> {
        let mut unread = HashMap::new();
        let sized = self.sized();
        for direction in &self.directions {
            // Of a send that had to wait for room it is not known how much was there when.
            let at_once = direction.sends.iter().zip(&direction.arrived).filter(|(send, _)| {
                let span = &self.calls[send.call];
                span.took_ns() < BLOCKED_NS || span.nonblocking
            });
            let is_usual = [direction.from, direction.to]
                .into_iter()
                .flat_map(|at| self.with_listener(at))
                .all(|at| !sized.contains(&at));
            let is_tcp = self.sockets[direction.from].protocol_name() == "TCP";
            for (send, arrived_ns) in at_once {
                let now_ns = self.calls[send.call].entered_ns;
                let received = direction
                    .receives
                    .partition_point(|piece| self.calls[piece.call].returned_ns() <= now_ns);
                let got = received.checked_sub(1).map_or(0, |last| direction.receives[last].end());
                let bytes = send.end().saturating_sub(got);
                let has_come = *arrived_ns <= self.calls[send.call].returned_ns();
                let has_room = !is_tcp || (is_usual && bytes <= LITTLE);
                let known = if has_come && has_room { Unread::Bytes } else { Unread::Sent };
                unread.insert(send.call, known(bytes));
            }
        }
        // To each socket: when what it received was sent, and when it was received.
        let mut times: HashMap<Option<usize>, (Vec<u64>, Vec<u64>)> = HashMap::new();
        for message in &self.messages {
            let (sent, received) = times.entry(message.to).or_default();
            if let (Some(send), Some(receive)) = (message.send, message.receive) {
                sent.push(self.calls[send].entered_ns);
                received.push(self.calls[receive].returned_ns());
            }
        }
        for (sent, received) in times.values_mut() {
            sent.sort_unstable();
            received.sort_unstable();
        }
        let is_datagram =
            |send: &usize| self.calls[*send].socket.is_some_and(|at| !self.sockets[at].is_stream());
        for Message { send, to, .. } in &self.messages {
            let Some(send) = send.filter(is_datagram) else { continue };
            let now_ns = self.calls[send].entered_ns;
            let (sent, received) = &times[to];
            let until_now = |times: &[u64]| times.partition_point(|at_ns| *at_ns <= now_ns);
            let count = until_now(sent).saturating_sub(until_now(received));
            unread.entry(send).or_insert(Unread::Datagrams(count));
        }
        unread
    }
}

impl Delivery {
    fn new(call: usize, what: Delivered, to: Option<Name>) -> Delivery {
        Delivery { call, what, to, taken_by: Vec::new(), completes: None, wakes: false, lost: None }
    }
}
