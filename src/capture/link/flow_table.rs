//! Which conversation a frame belongs to, which end sent it, and whose sockets those are.
//!
//! Ports are not swapped on the way, so a frame and its answer have each other's ports; who spoke first is the client.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddrV4};

use super::{FAR, NEAR};
use crate::capture::recorder::Recorder;
use crate::trace::packet::{End, Layers};
use crate::trace::{
    Address, Event, EventKind, Fact, Name, Observation, Output, SocketId, SocketType, Syscall,
};

/// The conversations so far.
#[derive(Debug, Default)]
pub(super) struct FlowTable {
    /// By protocol, client's port, server's port.
    known: HashMap<(u8, u16, u16), Flow>,
    count: u32,
    /// The packet of which fragments may still come: its identification, and what it is.
    fragmented: Option<(u16, Belongs)>,
}

#[derive(Debug)]
struct Flow {
    number: u32,
    /// The client's first sequence number.
    first_seq: Option<u32>,
    client: Option<Name>,
    server: Option<Name>,
    /// How often it may still be asked whose sockets these are.
    questions: u8,
}

/// Where a frame belongs.
#[derive(Clone, Debug)]
pub(super) struct Belongs {
    pub sent_by: End,
    pub flow: Option<u32>,
    pub local: Option<Address>,
    pub peer: Option<Address>,
    pub sender: Option<Name>,
    pub receiver: Option<Name>,
}

impl Belongs {
    /// A frame of no conversation.
    pub(super) fn to_none(sent_by: End) -> Belongs {
        Belongs { sent_by, flow: None, local: None, peer: None, sender: None, receiver: None }
    }
}

impl FlowTable {
    /// Where this packet belongs, layers as the sender sent them.
    pub(super) fn place(&mut self, layers: &Layers, recorder: &Recorder) -> Belongs {
        let Some(ip) = &layers.ip else {
            return Belongs::to_none(End::Client);
        };
        let ports = match (&layers.tcp, &layers.udp) {
            (Some(tcp), _) => Some((tcp.src_port, tcp.dst_port)),
            (_, Some(udp)) => Some((udp.src_port, udp.dst_port)),
            _ => None,
        };
        if let Some((source, destination)) = ports {
            let belongs = self.converse(ip.protocol, source, destination, layers, recorder);
            if ip.fragment_at.is_some() {
                self.fragmented = ip.id.map(|id| (id, belongs.clone()));
            }
            return belongs;
        }
        match (&layers.icmp, &self.fragmented) {
            (Some(icmp), _) => match icmp
                .about
                .and_then(|(source, destination)| self.end_at(source, destination))
            {
                Some((flow, end)) => Belongs { flow: Some(flow), ..Belongs::to_none(end.other()) },
                None => Belongs::to_none(if icmp.kind == 0 { End::Server } else { End::Client }),
            },
            (None, Some((id, belongs))) if ip.fragment_at.is_some() && ip.id == Some(*id) => {
                belongs.clone()
            }
            _ => Belongs::to_none(End::Client),
        }
    }

    /// The conversation in which some end sends from `source` to `destination`, and which end that is.
    fn end_at(&self, source: u16, destination: u16) -> Option<(u32, End)> {
        [17, 6].into_iter().find_map(|protocol| {
            let as_client = self
                .known
                .get(&(protocol, source, destination))
                .map(|flow| (flow.number, End::Client));
            as_client.or_else(|| {
                self.known
                    .get(&(protocol, destination, source))
                    .map(|flow| (flow.number, End::Server))
            })
        })
    }

    fn converse(
        &mut self,
        protocol: u8,
        source: u16,
        destination: u16,
        layers: &Layers,
        recorder: &Recorder,
    ) -> Belongs {
        let opens = layers
            .tcp
            .as_ref()
            .filter(|tcp| tcp.flags.syn() && !tcp.flags.ack())
            .map(|tcp| tcp.seq);
        let answers =
            self.known.contains_key(&(protocol, destination, source)) && source != destination;
        let (sent_by, key) = match answers {
            true => (End::Server, (protocol, destination, source)),
            false => (End::Client, (protocol, source, destination)),
        };
        // The same two ports again, with another first sequence number, are another connection.
        let again = self.known.get(&key).is_some_and(|flow| {
            sent_by == End::Client && opens.is_some() && flow.first_seq != opens
        });
        if again || !self.known.contains_key(&key) {
            self.count += 1;
            self.known.insert(
                key,
                Flow {
                    number: self.count,
                    first_seq: opens,
                    client: None,
                    server: None,
                    questions: 4,
                },
            );
        }
        let (_, client_port, server_port) = key;
        let (local, peer) = (at(NEAR, source), at(FAR, destination));
        let Some(flow) = self.known.get_mut(&key) else {
            return Belongs::to_none(sent_by);
        };
        if flow.questions > 0 && (flow.client.is_none() || flow.server.is_none()) {
            flow.questions -= 1;
            let kind = if protocol == 6 { SocketType::Stream } else { SocketType::Datagram };
            recorder.look(|events| {
                flow.client = owner(events, client_port, &kind)
                    .or_else(|| caller(events, &at(FAR, server_port)));
                flow.server = owner(events, server_port, &kind);
            });
        }
        let (sender, receiver) = match sent_by {
            End::Client => (flow.client.clone(), flow.server.clone()),
            End::Server => (flow.server.clone(), flow.client.clone()),
        };
        Belongs {
            sent_by,
            flow: Some(flow.number),
            local: Some(local),
            peer: Some(peer),
            sender,
            receiver,
        }
    }
}

fn at(address: Ipv4Addr, port: u16) -> Address {
    Address::Inet(SocketAddrV4::new(address, port))
}

/// Who has a socket of this type bound to this port, by what getsockname(2) said last.
fn owner(events: &[Event], port: u16, kind: &SocketType) -> Option<Name> {
    events.iter().rev().find_map(|event| {
        let (socket, address) = match &event.what {
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
        let here = matches!(address, Address::Inet(at) if at.port() == port && (*at.ip() == NEAR || at.ip().is_unspecified()));
        (here && has_type(events, socket, kind)).then(|| event.actor.clone())
    })
}

/// Whether that socket is of this type; an accepted one, which nobody opened, is a stream.
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

/// Who last called connect(2) or sendto(2) with this address: its socket has a port that nobody has asked for yet.
/// `None` if that may be said of several.
fn caller(events: &[Event], to: &Address) -> Option<Name> {
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
