//! Streams: which bytes of which send turned up in which receive.

use std::collections::HashMap;

use super::messages::part_of;
use super::{Analysis, CallSpan, Fate, Message};
use crate::trace::{How, Syscall};

/// Where the sends and the receives of one direction of a connection began and ended, in bytes from its start.
#[derive(Clone, Debug)]
pub struct Direction {
    /// The socket that sends.
    pub from: usize,
    /// The socket that receives.
    pub to: usize,
    /// Each successful send.
    pub sends: Vec<Piece>,
    /// Each successful receive that took bytes.
    pub receives: Vec<Piece>,
    /// By when each of these sends had surely come to the receiving socket; the end of time where nothing tells.
    pub arrived: Vec<u64>,
    /// How the end of the stream was told and heard: the shutdown() or close(), and the receive that returned 0.
    pub end: Option<(usize, usize)>,
    /// False if what was received is not what was sent at that place: then nothing in it is matched.
    pub sound: bool,
}

/// What one call sent or received of a stream.
#[derive(Clone, Copy, Debug)]
pub struct Piece {
    /// The call.
    pub call: usize,
    /// Its first byte, counted from the start of the stream.
    pub start: usize,
    /// How many bytes.
    pub bytes: usize,
}

impl Piece {
    /// The byte after its last.
    pub fn end(&self) -> usize {
        self.start + self.bytes
    }
}

impl Direction {
    /// How many bytes were sent.
    pub fn sent(&self) -> usize {
        self.sends.last().map_or(0, Piece::end)
    }

    /// How many bytes were received.
    pub fn received(&self) -> usize {
        self.receives.last().map_or(0, Piece::end)
    }
}

/// What one send and one receive of a stream share.
struct Overlap {
    send: usize,
    receive: usize,
    /// Where it begins in each.
    in_send: usize,
    in_receive: usize,
    bytes: usize,
}

impl Analysis<'_> {
    pub(super) fn follow_streams(&mut self) {
        let mut on: Vec<Vec<usize>> = vec![Vec::new(); self.sockets.len()];
        for (index, span) in self.calls.iter().enumerate() {
            span.socket.into_iter().for_each(|socket| on[socket].push(index));
        }
        let ends: Vec<(usize, usize)> = self
            .connections
            .iter()
            .filter(|connection| self.sockets[connection.client].is_stream())
            .flat_map(|connection| {
                [(connection.client, connection.server), (connection.server, connection.client)]
            })
            .collect();
        for (from, to) in ends {
            let direction = self.direction(from, to, &on);
            self.cut_into_messages(&direction);
            self.directions.push(direction);
        }
        // Streams whose other end is not in the recording, or not known.
        for (index, span) in self.calls.iter().enumerate() {
            let Some(at) = span
                .socket
                .filter(|&at| self.sockets[at].is_stream() && self.sockets[at].other_end.is_none())
            else {
                continue;
            };
            if let Some(data) = span.sending().filter(|_| span.sent().is_some()) {
                self.messages.push(Message::sent(at, index, data, Fate::Unknown));
            } else if let Some(data) =
                span.received().filter(|data| data.bytes > 0 && !span.peeks())
            {
                self.messages.push(Message::unsent(at, index, data));
            }
        }
    }

    fn direction(&self, from: usize, to: usize, on: &[Vec<usize>]) -> Direction {
        let on = |socket: usize| on[socket].iter().map(|&index| (index, &self.calls[index]));
        let place = |calls: Vec<(usize, usize)>| {
            let mut start = 0;
            let piece = |(call, bytes)| {
                start += bytes;
                Piece { call, start: start - bytes, bytes }
            };
            calls.into_iter().map(piece).collect::<Vec<_>>()
        };
        let mut receives: Vec<(usize, usize)> = on(to)
            .filter_map(|(index, span)| Some((index, span.taken()?)))
            .filter(|(_, bytes)| *bytes > 0)
            .collect();
        receives.sort_by_key(|(index, _)| self.calls[*index].returned_ns());
        // A send that never returned may have handed over any part of its data.
        let sent = |span: &CallSpan| {
            span.sent()
                .or_else(|| span.sending().filter(|_| span.exit.is_none()).map(|data| data.bytes))
        };
        let sends =
            place(on(from).filter_map(|(index, span)| Some((index, sent(span)?))).collect());
        let receives = place(receives);
        let end = self.end_between(from, on(from), on(to));
        let arrived = Vec::new();
        let mut direction = Direction { from, to, sends, receives, arrived, end, sound: true };
        direction.sound = self.overlaps(&direction).iter().all(|overlap| self.same_bytes(overlap));
        direction
    }

    /// How the end was told by the socket `from`, on which the first calls were made, and heard by its peer.
    fn end_between<'s>(
        &self,
        from: usize,
        mut on_sender: impl Iterator<Item = (usize, &'s CallSpan)>,
        mut on_receiver: impl Iterator<Item = (usize, &'s CallSpan)>,
    ) -> Option<(usize, usize)> {
        let (heard, back) = on_receiver.find(|(_, span)| {
            let asked = !matches!(span.call.syscall, Syscall::Recv { size: 0, .. });
            span.receives() && asked && span.result() == Some(0)
        })?;
        let (ended, _) = on_sender.find(|(_, span)| {
            let ends = match &span.call.syscall {
                Syscall::Shutdown { how } => *how != How::Read,
                // Closing one of several descriptors ends nothing.
                Syscall::Close => {
                    span.exit.is_none() || self.sockets[from].closed_ns == Some(span.returned_ns())
                }
                _ => false,
            };
            ends && span.entered_ns <= back.returned_ns()
        })?;
        Some((ended, heard))
    }

    /// The ends of connections that carry packets, told and heard. (An empty packet is no end, and looks like one: of who may have
    /// sent one nothing is said.)
    pub(super) fn ends_of_packets(&self) -> Vec<(usize, usize)> {
        let on = |socket: usize| {
            let calls = self.calls.iter().enumerate();
            calls.filter(move |(_, span)| span.socket == Some(socket))
        };
        let sends_empty = |socket: usize| on(socket).any(|(_, span)| span.sent() == Some(0));
        let both = self.connections.iter().filter(|it| !self.sockets[it.client].is_stream());
        both.flat_map(|it| [(it.client, it.server), (it.server, it.client)])
            .filter(|(from, _)| !sends_empty(*from))
            .filter_map(|(from, to)| self.end_between(from, on(from), on(to)))
            .collect()
    }

    /// What each send and each receive share of a stream.
    fn overlaps(&self, direction: &Direction) -> Vec<Overlap> {
        let mut overlaps = Vec::new();
        let mut first = 0;
        for send in &direction.sends {
            let past = |receive: &&Piece| receive.end() <= send.start;
            first += direction.receives[first..].iter().take_while(past).count();
            let touching =
                direction.receives[first..].iter().take_while(|receive| receive.start < send.end());
            for receive in touching {
                let start = send.start.max(receive.start);
                let end = send.end().min(receive.end());
                if start < end {
                    overlaps.push(Overlap {
                        send: send.call,
                        receive: receive.call,
                        in_send: start - send.start,
                        in_receive: start - receive.start,
                        bytes: end - start,
                    });
                }
            }
        }
        overlaps
    }

    fn same_bytes(&self, overlap: &Overlap) -> bool {
        let (send, receive) = (&self.calls[overlap.send], &self.calls[overlap.receive]);
        let (Some(sent), Some(got)) = (send.sending(), receive.received()) else {
            return false;
        };
        let sent = sent.kept.iter().skip(overlap.in_send);
        let got = got.kept.iter().skip(overlap.in_receive);
        send.entered_ns <= receive.returned_ns()
            && sent.zip(got).take(overlap.bytes).all(|(sent, got)| sent == got)
    }

    fn cut_into_messages(&mut self, direction: &Direction) {
        if !direction.sound {
            self.leave_unmatched(direction);
            return;
        }
        let overlaps = self.overlaps(direction);
        for overlap in &overlaps {
            let Some(sent) = self.calls[overlap.send].sending() else {
                continue;
            };
            self.messages.push(Message {
                from: Some(direction.from),
                to: Some(direction.to),
                send: Some(overlap.send),
                receive: Some(overlap.receive),
                skip: overlap.in_send,
                bytes: overlap.bytes,
                data: part_of(sent, overlap.in_send, overlap.bytes),
                fate: Fate::Received,
            });
        }
        let mut arrived: HashMap<usize, usize> = HashMap::new();
        for overlap in &overlaps {
            *arrived.entry(overlap.send).or_default() += overlap.bytes;
        }
        for send in &direction.sends {
            let arrived = arrived.get(&send.call).copied().unwrap_or(0);
            let span = &self.calls[send.call];
            let Some(data) = span.sending().filter(|_| arrived < send.bytes || send.bytes == 0)
            else {
                continue;
            };
            let fate = if span.exit.is_some() { Fate::NeverReceived } else { Fate::Unknown };
            let mut message = Message::sent(direction.from, send.call, data, fate);
            message.to = Some(direction.to);
            (message.skip, message.bytes) = (arrived, send.bytes - arrived);
            message.data = part_of(data, arrived, send.bytes - arrived);
            self.messages.push(message);
        }
        for receive in &direction.receives {
            let Some(data) =
                self.calls[receive.call].received().filter(|_| receive.end() > direction.sent())
            else {
                continue;
            };
            let known = direction.sent().saturating_sub(receive.start);
            let mut message = Message::unsent(direction.to, receive.call, data);
            message.bytes = receive.bytes - known;
            message.data = part_of(data, known, receive.bytes - known);
            self.messages.push(message);
        }
    }

    /// Where the bytes do not agree, nothing says which send turned up in which receive.
    fn leave_unmatched(&mut self, direction: &Direction) {
        for send in &direction.sends {
            let Some(data) = self.calls[send.call].sending() else {
                continue;
            };
            self.messages.push(Message::sent(direction.from, send.call, data, Fate::Unknown));
        }
        for receive in &direction.receives {
            let Some(data) = self.calls[receive.call].received() else {
                continue;
            };
            self.messages.push(Message::unsent(direction.to, receive.call, data));
        }
    }
}
