//! Which side of a conversation each actor is on.

use super::{Analysis, Message};
use crate::trace::{Name, SyscallKind};

/// An actor's side, as the first of its calls says that tells; in the order in which diagrams show them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// It connects, or sends the first datagram.
    Client,
    /// It listens, or receives the first datagram.
    Server,
    /// It does neither.
    Neither,
}

impl Analysis<'_> {
    /// The side of this actor.
    pub fn side(&self, actor: &Name) -> Side {
        let calls = self.calls.iter().filter(|span| span.actor == *actor);
        let calls = calls.filter_map(|span| match span.call.kind() {
            SyscallKind::Connect => Some((span.entered_ns, Side::Client)),
            SyscallKind::Listen | SyscallKind::Accept => Some((span.entered_ns, Side::Server)),
            _ => None,
        });
        let datagrams = self.messages.iter().filter_map(|message| self.side_of(message, actor));
        // On the wire each end has the other at an address that nobody bound.
        let frames = self.wire.iter().filter(|segment| segment.frame.layers.arp.is_none());
        let frames = frames.filter_map(|segment| match actor {
            _ if segment.from == *actor => Some((segment.left_ns, Side::Client)),
            _ if segment.to == *actor => Some((segment.left_ns, Side::Server)),
            _ => None,
        });
        let all = calls.chain(datagrams).chain(frames);
        all.min_by_key(|(at_ns, _)| *at_ns).map_or(Side::Neither, |(_, side)| side)
    }

    /// On which side a datagram puts this actor, and when.
    fn side_of(&self, message: &Message, actor: &Name) -> Option<(u64, Side)> {
        let send = &self.calls[message.send?];
        let receiver = &self.sockets[message.to?].owner;
        if self.sockets[message.from?].is_stream() || send.actor == *receiver {
            return None;
        }
        let side = match actor {
            _ if send.actor == *actor => Side::Client,
            _ if receiver == actor => Side::Server,
            _ => return None,
        };
        Some((send.entered_ns, side))
    }
}
