//! Which send turned up in which receive: streams by the byte, datagrams by their addresses and their bytes.

use std::collections::HashMap;

use super::{Analysis, CallSpan, Direction, Fate, Message, Socket, is_at, part_of, plain};
use crate::trace::{Address, Data, How, SocketType, Syscall};

impl Analysis<'_> {
    pub(super) fn follow_streams(&mut self) {
        let mut on: Vec<Vec<usize>> = vec![Vec::new(); self.sockets.len()];
        for (index, made) in self.calls.iter().enumerate() {
            made.socket.into_iter().for_each(|socket| on[socket].push(index));
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
        for (index, made) in self.calls.iter().enumerate() {
            let Some(at) = made
                .socket
                .filter(|&at| self.sockets[at].is_stream() && self.sockets[at].other_end.is_none())
            else {
                continue;
            };
            if let Some(data) = made.sending().filter(|_| made.sent().is_some()) {
                self.messages.push(Message::sent(at, index, data, Fate::Unknown));
            } else if let Some(data) =
                made.received().filter(|data| data.bytes > 0 && !made.peeks())
            {
                self.messages.push(Message::unsent(at, index, data));
            }
        }
    }

    fn direction(&self, from: usize, to: usize, on: &[Vec<usize>]) -> Direction {
        let on = |socket: usize| on[socket].iter().map(|&index| (index, &self.calls[index]));
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
        let mut receives: Vec<(usize, usize)> = on(to)
            .filter_map(|(index, made)| Some((index, made.taken()?)))
            .filter(|(_, bytes)| *bytes > 0)
            .collect();
        receives.sort_by_key(|(index, _)| self.calls[*index].returned_ns());
        // A send that never returned may have handed over any part of its data.
        let sent = |made: &CallSpan| {
            made.sent()
                .or_else(|| made.sending().filter(|_| made.exit.is_none()).map(|data| data.bytes))
        };
        let sends =
            place(on(from).filter_map(|(index, made)| Some((index, sent(made)?))).collect());
        let receives = place(receives);
        let heard = on(to).find(|(_, made)| {
            let asked = !matches!(made.call.syscall, Syscall::Recv { size: 0, .. });
            made.receives() && asked && made.result() == Some(0)
        });
        let end = heard.and_then(|(heard, back)| {
            let told = on(from).find(|(_, made)| {
                let ends = match &made.call.syscall {
                    Syscall::Shutdown { how } => *how != How::Read,
                    Syscall::Close => true,
                    _ => false,
                };
                ends && made.entered_ns <= back.returned_ns()
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
        let mut first = 0;
        for &(send, sent_at, sent) in &direction.sends {
            let past = |&&(_, got_at, got): &&(usize, usize, usize)| got_at + got <= sent_at;
            first += direction.receives[first..].iter().take_while(past).count();
            for &(receive, got_at, got) in direction.receives[first..]
                .iter()
                .take_while(|(_, got_at, _)| *got_at < sent_at + sent)
            {
                let (start, end) = (sent_at.max(got_at), (sent_at + sent).min(got_at + got));
                if start < end {
                    pieces.push(Piece {
                        send,
                        receive,
                        skip: start - sent_at,
                        place: start - got_at,
                        bytes: end - start,
                    });
                }
            }
        }
        pieces
    }

    fn same_bytes(&self, piece: &Piece) -> bool {
        let (Some(sent), Some(got)) =
            (self.calls[piece.send].sending(), self.calls[piece.receive].received())
        else {
            return false;
        };
        let sent = sent.kept.iter().skip(piece.skip);
        let in_time = self.calls[piece.send].entered_ns <= self.calls[piece.receive].returned_ns();
        in_time
            && sent
                .zip(got.kept.iter().skip(piece.place))
                .take(piece.bytes)
                .all(|(sent, got)| sent == got)
    }

    fn cut_into_messages(&mut self, direction: &Direction) {
        if !direction.sound {
            for &(send, ..) in &direction.sends {
                let Some(data) = self.calls[send].sending() else {
                    continue;
                };
                self.messages.push(Message::sent(direction.from, send, data, Fate::Unknown));
            }
            for &(receive, ..) in &direction.receives {
                let Some(data) = self.calls[receive].received() else {
                    continue;
                };
                self.messages.push(Message::unsent(direction.to, receive, data));
            }
            return;
        }
        let pieces = self.overlaps(direction);
        for piece in &pieces {
            let Some(sent) = self.calls[piece.send].sending() else {
                continue;
            };
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
        let mut arrived: HashMap<usize, usize> = HashMap::new();
        pieces.iter().for_each(|piece| *arrived.entry(piece.send).or_default() += piece.bytes);
        for &(send, _, sent) in &direction.sends {
            let arrived = arrived.get(&send).copied().unwrap_or(0);
            let Some(data) = self.calls[send].sending().filter(|_| arrived < sent || sent == 0)
            else {
                continue;
            };
            let fate =
                if self.calls[send].exit.is_some() { Fate::NeverReceived } else { Fate::Unknown };
            let mut message = Message::sent(direction.from, send, data, fate);
            message.to = Some(direction.to);
            (message.skip, message.bytes) = (arrived, sent - arrived);
            message.data = part_of(data, arrived, sent - arrived);
            self.messages.push(message);
        }
        let all_sent: usize = direction.sends.iter().map(|(_, _, bytes)| bytes).sum();
        for &(receive, at, bytes) in &direction.receives {
            let Some(data) = self.calls[receive].received().filter(|_| at + bytes > all_sent)
            else {
                continue;
            };
            let known = all_sent.saturating_sub(at);
            let mut message = Message::unsent(direction.to, receive, data);
            (message.bytes, message.data) = (bytes - known, part_of(data, known, bytes - known));
            self.messages.push(message);
        }
    }

    /// Datagrams keep their order on the way to one socket; each is matched by its addresses and its bytes. Of equal
    /// ones the earlier is taken to have arrived first.
    pub(super) fn follow_datagrams(&mut self) {
        let mut waiting: Vec<Message> = Vec::new();
        let is_datagram = |at: &usize| {
            matches!(self.sockets[*at].kind, Some(SocketType::Datagram | SocketType::SeqPacket))
        };
        for (index, made) in self.calls.iter().enumerate() {
            let Some(at) = made.socket.filter(is_datagram) else {
                continue;
            };
            let Some(data) = made.sending().filter(|_| made.sent().is_some()) else {
                continue;
            };
            let mut message = Message::sent(at, index, data, Fate::NobodyThere);
            let to = made
                .call
                .syscall
                .address()
                .or_else(|| self.sockets[at].peer_at(made.entered_ns, &self.calls));
            message.to = self.sockets[at].other_end.or_else(|| self.receiver(at, to?, made));
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
        for receive in receives {
            let made = &self.calls[receive];
            let (Some(at), Some(got)) = (made.socket, made.received()) else {
                continue;
            };
            let fits = |message: &&mut Message| {
                message.receive.is_none()
                    && message.to == Some(at)
                    && self.could_be(message, made, got)
            };
            match waiting.iter_mut().find(fits) {
                Some(message) => {
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
        self.messages.append(&mut waiting);
    }

    /// The socket that datagrams from this one to that address would have reached then; `None` if several might.
    fn receiver(&self, from: usize, to: &Address, send: &CallSpan) -> Option<usize> {
        let hears = |socket: &Socket| {
            let own = self.sockets[from].local.as_ref();
            socket.kind == self.sockets[from].kind
                && socket.local.as_ref().is_some_and(|local| is_at(to, local))
                && socket.open_during(send.entered_ns, send.returned_ns())
                && socket
                    .peer_at(send.entered_ns, &self.calls)
                    .is_none_or(|peer| own.is_some_and(|own| is_at(peer, own)))
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
            Some(source) => match &self.sockets[from].local {
                Some(local) => is_at(source, local),
                None => *source == Address::Unix(None),
            },
            None => true,
        };
        let room =
            matches!(receive.call.syscall, Syscall::Recv { size, .. } if size == got.bytes as u64);
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
        Message {
            from: Some(from),
            to: None,
            send: Some(send),
            receive: None,
            skip: 0,
            bytes,
            data,
            fate,
        }
    }

    fn unsent(to: usize, receive: usize, data: &Data) -> Message {
        let (bytes, data) = (data.bytes, data.clone());
        Message {
            from: None,
            to: Some(to),
            send: None,
            receive: Some(receive),
            skip: 0,
            bytes,
            data,
            fate: Fate::Unsent,
        }
    }
}
