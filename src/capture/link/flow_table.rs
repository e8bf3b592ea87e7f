//! Which conversation a frame belongs to, which end sent it, and which actors have its sockets.
//!
//! The link does not swap ports, so an answer has the ports of its question in reverse; the end that sends first is the client.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddrV4};

use super::{FAR, NEAR};
use crate::capture::recorder::Recorder;
use crate::trace::packet::{End, Layers};
use crate::trace::{
    Address, Event, EventKind, Fact, Name, Observation, Output, SocketId, SocketType, Syscall,
};

#[derive(Debug, Default)]
pub(super) struct FlowTable {
    /// By protocol, client's port, server's port.
    known: HashMap<(u8, u16, u16), Flow>,
    count: u32,
    /// The packet whose fragments may still come: its identification, and what its first fragment was.
    fragments: Option<(u16, FlowInfo)>,
}

#[derive(Debug)]
struct Flow {
    number: u32,
    /// The client's first sequence number.
    first_seq: Option<u32>,
    client: Option<Name>,
    server: Option<Name>,
    /// How many more frames may cause a search for the sockets' owners, which reads all events.
    lookups_left: u8,
}

/// Sender, conversation and sockets of a frame.
#[derive(Clone, Debug)]
pub(super) struct FlowInfo {
    pub sent_by: End,
    pub flow: Option<u32>,
    pub local: Option<Address>,
    pub peer: Option<Address>,
    pub sender: Option<Name>,
    pub receiver: Option<Name>,
}

impl FlowInfo {
    /// For a frame that belongs to no conversation.
    pub(super) fn unknown(sent_by: End) -> FlowInfo {
        FlowInfo { sent_by, flow: None, local: None, peer: None, sender: None, receiver: None }
    }
}

impl FlowTable {
    /// Finds the conversation of a packet, or begins one; `layers` as they were sent.
    pub(super) fn classify(&mut self, layers: &Layers, recorder: &Recorder) -> FlowInfo {
        let Some(ip) = &layers.ip else {
            return FlowInfo::unknown(End::Client);
        };
        let ports = match (&layers.tcp, &layers.udp) {
            (Some(tcp), _) => Some((tcp.src_port, tcp.dst_port)),
            (_, Some(udp)) => Some((udp.src_port, udp.dst_port)),
            _ => None,
        };
        if let Some((source, destination)) = ports {
            let info = self.in_conversation(ip.protocol, source, destination, layers, recorder);
            if ip.fragment_at.is_some() {
                self.fragments = ip.id.map(|id| (id, info.clone()));
            }
            return info;
        }
        match (&layers.icmp, &self.fragments) {
            (Some(icmp), _) => match icmp
                .about
                .and_then(|(source, destination)| self.find_end(source, destination))
            {
                Some((flow, end)) => {
                    FlowInfo { flow: Some(flow), ..FlowInfo::unknown(end.other()) }
                }
                None => FlowInfo::unknown(if icmp.kind == 0 { End::Server } else { End::Client }),
            },
            (None, Some((id, info))) if ip.fragment_at.is_some() && ip.id == Some(*id) => {
                info.clone()
            }
            _ => FlowInfo::unknown(End::Client),
        }
    }

    /// The conversation in which an end sends from `source` to `destination`, and which end that is.
    fn find_end(&self, source: u16, destination: u16) -> Option<(u32, End)> {
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

    fn in_conversation(
        &mut self,
        protocol: u8,
        source: u16,
        destination: u16,
        layers: &Layers,
        recorder: &Recorder,
    ) -> FlowInfo {
        let syn_seq = layers
            .tcp
            .as_ref()
            .filter(|tcp| tcp.flags.syn() && !tcp.flags.ack())
            .map(|tcp| tcp.seq);
        let is_answer =
            self.known.contains_key(&(protocol, destination, source)) && source != destination;
        let (sent_by, key) = match is_answer {
            true => (End::Server, (protocol, destination, source)),
            false => (End::Client, (protocol, source, destination)),
        };
        // A SYN with the same ports and another sequence number opens a new connection; with the same one it was sent again.
        let again = self.known.get(&key).is_some_and(|flow| {
            sent_by == End::Client && syn_seq.is_some() && flow.first_seq != syn_seq
        });
        if again || !self.known.contains_key(&key) {
            self.count += 1;
            self.known.insert(
                key,
                Flow {
                    number: self.count,
                    first_seq: syn_seq,
                    client: None,
                    server: None,
                    lookups_left: 4,
                },
            );
        }
        let (_, client_port, server_port) = key;
        let (local, peer) = (at(NEAR, source), at(FAR, destination));
        let Some(flow) = self.known.get_mut(&key) else {
            return FlowInfo::unknown(sent_by);
        };
        if flow.lookups_left > 0 && (flow.client.is_none() || flow.server.is_none()) {
            flow.lookups_left -= 1;
            let kind = if protocol == 6 { SocketType::Stream } else { SocketType::Datagram };
            recorder.look(|events| {
                flow.client = owner(events, client_port, &kind)
                    .or_else(|| sole_caller(events, &at(FAR, server_port)));
                flow.server = owner(events, server_port, &kind);
            });
        }
        let (sender, receiver) = match sent_by {
            End::Client => (flow.client.clone(), flow.server.clone()),
            End::Server => (flow.server.clone(), flow.client.clone()),
        };
        FlowInfo {
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

/// The actor that has a socket of this type bound to this port, as getsockname(2) returned last.
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
