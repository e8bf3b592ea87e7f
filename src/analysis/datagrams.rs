//! Datagrams: which send turned up in which receive, by their addresses and their bytes.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

use super::address::plain;
use super::{Analysis, CallSpan, Fate, Message, Socket};
use crate::trace::{Address, Data, SocketType, Syscall, Value};

/// The datagrams that went from one socket to another.
#[derive(Clone, Debug)]
pub struct DatagramFlow {
    /// The socket that sends.
    pub from: usize,
    /// The socket that they are for; `None` if nobody in the recording had that address, or several might have.
    pub to: Option<usize>,
    /// Their indices into [`Analysis::messages`], in the order of sending.
    pub messages: Vec<usize>,
}

impl Analysis<'_> {
    /// Datagrams keep their order on the way to one socket; each is matched by its addresses and its bytes. Of equal
    /// ones the earlier is taken to have arrived first. One to many is a message to each who received it.
    pub(super) fn follow_datagrams(&mut self) {
        let mut waiting: Vec<Message> = Vec::new();
        let mut to_many: HashSet<usize> = HashSet::new();
        let broadcasters = self.broadcasters();
        let is_datagram = |at: &usize| {
            matches!(self.sockets[*at].kind, Some(SocketType::Datagram | SocketType::SeqPacket))
        };
        for (index, span) in self.calls.iter().enumerate() {
            let Some(at) = span.socket.filter(is_datagram) else {
                continue;
            };
            let Some(data) = span.sending().filter(|_| span.sent().is_some()) else {
                continue;
            };
            let mut message = Message::sent(at, index, data, Fate::NobodyThere);
            let to = span
                .call
                .syscall
                .address()
                .or_else(|| self.sockets[at].peer_at(span.entered_ns, &self.calls));
            // What has connections sends to the other end of its own, whoever else has the address.
            let known = self.sockets[at].other_end;
            if known.is_none() && self.sockets[at].has_connections() {
                message.fate = Fate::Unknown;
                waiting.push(message);
                continue;
            }
            if let Some(to) = to.filter(|to| is_of_many(to, broadcasters.contains(&at))) {
                message.fate = Fate::Unknown; // who has joined the group, or is on that network, no call tells
                let each = self
                    .receivers_among_many(to, span)
                    .map(|receiver| Message { to: Some(receiver), ..message.clone() });
                let first = waiting.len();
                waiting.extend(each);
                waiting.push(message);
                to_many.extend(first..waiting.len());
                continue;
            }
            message.to = known.or_else(|| self.receiver(at, to?, span));
            message.fate = match (message.to, to) {
                (Some(_), _) => Fate::NeverReceived,
                (None, Some(_)) => Fate::NobodyThere,
                (None, None) => Fate::Unknown,
            };
            waiting.push(message);
        }
        let mut receives: Vec<usize> = (0..self.calls.len())
            .filter(|&index| {
                self.calls[index].taken().is_some()
                    && self.calls[index].socket.as_ref().is_some_and(is_datagram)
            })
            .collect();
        receives.sort_by_key(|&index| self.calls[index].returned_ns());
        // For each socket what was sent to it and not found in a receive yet, in the order of sending.
        let mut pending: HashMap<usize, Vec<usize>> = HashMap::new();
        for (index, message) in waiting.iter().enumerate() {
            if let Some(to) = message.to {
                pending.entry(to).or_default().push(index);
            }
        }
        for receive in receives {
            let span = &self.calls[receive];
            let (Some(at), Some(got)) = (span.socket, span.received()) else {
                continue;
            };
            let pending = pending.entry(at).or_default();
            let fits = |&index: &usize| self.could_be(&waiting[index], span, got);
            match pending.iter().position(fits) {
                Some(position) => {
                    let message = &mut waiting[pending.remove(position)];
                    message.receive = Some(receive);
                    message.fate = if got.bytes < message.bytes {
                        Fate::Cut(message.bytes - got.bytes)
                    } else {
                        Fate::Received
                    };
                }
                None if self.sockets[at].kind == Some(SocketType::SeqPacket) && got.bytes == 0 => {} // the end
                None => self.messages.push(Message::unsent(at, receive, got)),
            }
        }
        let received_by_any: HashSet<usize> = to_many
            .iter()
            .filter(|&&index| waiting[index].receive.is_some())
            .filter_map(|&index| waiting[index].send)
            .collect();
        let is_kept = |(index, message): &(usize, Message)| {
            let is_known = message.receive.is_some()
                || (message.to.is_none()
                    && message.send.is_none_or(|send| !received_by_any.contains(&send)));
            !to_many.contains(index) || is_known
        };
        let kept = waiting.into_iter().enumerate().filter(is_kept);
        self.messages.extend(kept.map(|(_, message)| message));
    }

    /// The sockets that may send to all hosts of a network.
    fn broadcasters(&self) -> HashSet<usize> {
        let allowed = self.calls.iter().filter(|span| {
            let Syscall::SetOption { option, value } = &span.call.syscall else { return false };
            option.name() == "SO_BROADCAST" && *value != Value::Number(0)
        });
        allowed.filter_map(|span| span.socket).collect()
    }

    /// The sockets that might get what was sent to the address of many.
    fn receivers_among_many(
        &self,
        to: &Address,
        send: &CallSpan,
    ) -> impl Iterator<Item = usize> + use<'_> {
        let (to, from_ns, to_ns) = (plain(to), send.entered_ns, send.returned_ns());
        let hears = move |socket: &Socket| {
            socket.kind == Some(SocketType::Datagram)
                && to.is_some_and(|to| socket.stands_at(to))
                && socket.open_during(from_ns, to_ns)
        };
        let sockets = self.sockets.iter().enumerate();
        sockets.filter(move |(_, socket)| hears(socket)).map(|(index, _)| index)
    }

    /// The socket that datagrams from this one to that address would have reached then; `None` if several might.
    fn receiver(&self, from: usize, to: &Address, send: &CallSpan) -> Option<usize> {
        let hears = |socket: &Socket| {
            let sender = &self.sockets[from];
            socket.kind == sender.kind
                && socket.is_reached(to, sender)
                && socket.open_during(send.entered_ns, send.returned_ns())
                && socket
                    .peer_at(send.entered_ns, &self.calls)
                    .is_none_or(|peer| sender.is_reached(peer, socket))
        };
        let mut found: Vec<usize> =
            (0..self.sockets.len()).filter(|&index| hears(&self.sockets[index])).collect();
        // An address of its own beats the wildcard, a connected socket one that hears everybody.
        let rank = |&index: &usize| {
            let socket = &self.sockets[index];
            let exact = socket.local.as_ref().is_some_and(|local| plain(local) == plain(to));
            (exact, socket.peer_at(send.entered_ns, &self.calls).is_some(), socket.bound_ns)
        };
        found.sort_by_key(rank);
        found.pop()
    }

    fn could_be(&self, message: &Message, receive: &CallSpan, got: &Data) -> bool {
        let (Some(from), Some(send)) = (message.from, message.send) else {
            return false;
        };
        let source_fits = match receive.exit.as_ref().and_then(|back| back.out.address()) {
            Some(source) => match (&self.sockets[from], receive.socket) {
                (sender, Some(at)) if sender.local.is_some() => {
                    sender.is_reached(source, &self.sockets[at])
                }
                _ => *source == Address::Unix(None),
            },
            None => true,
        };
        let room =
            matches!(receive.call.syscall, Syscall::Recv { size, .. } if size == got.bytes as u64);
        let length_fits = got.bytes == message.bytes || (got.bytes < message.bytes && room);
        let same = got.kept.iter().zip(&message.data.kept).all(|(got, sent)| got == sent);
        source_fits && length_fits && same && self.calls[send].entered_ns <= receive.returned_ns()
    }

    /// Sorts the datagrams that were sent by their two ends.
    pub(super) fn find_datagram_flows(&mut self) {
        let mut known: HashMap<(usize, Option<usize>), usize> = HashMap::new();
        for (index, message) in self.messages.iter().enumerate() {
            let Some(from) = message.from.filter(|&from| !self.sockets[from].is_stream()) else {
                continue;
            };
            let to = message.to;
            let flow = *known.entry((from, to)).or_insert_with(|| {
                self.datagram_flows.push(DatagramFlow { from, to, messages: Vec::new() });
                self.datagram_flows.len() - 1
            });
            self.datagram_flows[flow].messages.push(index);
        }
    }
}

/// True for the address of a group, or of all hosts of a network. How long a network's prefix is no call tells: who may broadcast, and
/// sends to an address that ends in 255, does so.
fn is_of_many(to: &Address, may_broadcast: bool) -> bool {
    match plain(to).map(|to| to.ip()) {
        Some(IpAddr::V4(ip)) => {
            ip.is_multicast() || ip.is_broadcast() || (may_broadcast && ip.octets()[3] == 255)
        }
        Some(IpAddr::V6(ip)) => ip.is_multicast(),
        None => false,
    }
}
