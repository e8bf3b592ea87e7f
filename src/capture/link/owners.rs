//! Which actors have the sockets of a conversation, as the events so far say.

use std::collections::HashMap;
use std::net::SocketAddrV4;

use super::flow_table::Ends;
use crate::capture::Recorder;
use crate::trace::{
    Address, Event, EventKind, Fact, Name, Observation, Output, SocketId, SocketType, Syscall,
};

/// How many frames of a conversation may cause a search, which reads all events.
const LOOKUPS: u8 = 4;

/// The actors of each conversation, as far as they are known.
#[derive(Debug, Default)]
pub(super) struct Owners(HashMap<u32, Actors>);

#[derive(Debug, Default)]
struct Actors {
    client: Option<Name>,
    server: Option<Name>,
    lookups: u8,
}

impl Owners {
    /// The client and the server of this conversation: the client's ends as it calls them, and the server's own address.
    pub(super) fn find(
        &mut self,
        flow: u32,
        client: Ends,
        server: SocketAddrV4,
        kind: &SocketType,
        recorder: &Recorder,
    ) -> (Option<Name>, Option<Name>) {
        let actors = self.0.entry(flow).or_default();
        if actors.lookups < LOOKUPS && (actors.client.is_none() || actors.server.is_none()) {
            actors.lookups += 1;
            recorder.look(|events| {
                actors.client = owner(events, client.0, kind)
                    .or_else(|| sole_caller(events, &Address::Inet(client.1)));
                actors.server = owner(events, server, kind);
            });
        }
        (actors.client.clone(), actors.server.clone())
    }
}

/// The actor that has a socket of this type bound to this address, as getsockname(2) returned last.
fn owner(events: &[Event], address: SocketAddrV4, kind: &SocketType) -> Option<Name> {
    events.iter().rev().find_map(|event| {
        let (socket, bound) = match &event.what {
            EventKind::Return(back) => match (&back.call.syscall, &back.out) {
                (Syscall::GetSockName, Output::Name(address)) => (back.call.socket?, address),
                _ => return None,
            },
            EventKind::Observed(Observation {
                socket: Some(socket),
                fact: Fact::Getsockname(address),
                ..
            }) => (*socket, address),
            _ => return None,
        };
        let here = matches!(bound, Address::Inet(at) if at.port() == address.port() && (at.ip() == address.ip() || at.ip().is_unspecified()));
        (here && has_type(events, socket, kind)).then(|| event.actor.clone())
    })
}

/// Whether a socket is of this type; one without a call of socket(2) was accepted, and so is a stream.
fn has_type(events: &[Event], socket: SocketId, kind: &SocketType) -> bool {
    let opened = events.iter().find_map(|event| match &event.what {
        EventKind::Return(back) if back.out == (Output::Opened { socket }) => {
            match &back.call.syscall {
                Syscall::Socket { kind, .. } => Some(kind),
                _ => None,
            }
        }
        _ => None,
    });
    opened.unwrap_or(&SocketType::Stream) == kind
}

/// The only actor that has called connect(2) or sendto(2) with this address. Its port may not appear in any event yet.
/// `None` if several actors have.
fn sole_caller(events: &[Event], to: &Address) -> Option<Name> {
    let mut callers = events.iter().rev().filter_map(|event| match &event.what {
        EventKind::Enter(call)
            if matches!(call.syscall, Syscall::Connect { .. } | Syscall::Send { .. })
                && call.syscall.address() == Some(to) =>
        {
            Some(&event.actor)
        }
        _ => None,
    });
    let last = callers.next()?;
    callers.all(|other| other == last).then(|| last.clone())
}
