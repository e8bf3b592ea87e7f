//! The link in one network: what the kernel sends to 10.9.0.2 comes back to it as from there.
//!
//! `Mirror` swaps source and destination, so one kernel's TCP talks to itself. Swapping two addresses changes no checksum, in
//! Ethernet, IP, TCP or UDP. It answers ARP for 10.9.0.2, which no kernel has.

use std::net::SocketAddrV4;

use super::decode::{decode, is_icmp_error};
use super::flow_table::{Ends, FlowInfo, FlowTable};
use super::owners::Owners;
use super::topology::{Crossing, Destination, Route, Topology};
use super::{FAR, NEAR};
use crate::capture::Recorder;
use crate::trace::SocketType;
use crate::trace::packet::{Arp, End, Ethernet, Layers};

/// The far neighbour's MAC address: locally administered, as its second digit says (IEEE 802).
const FAR_MAC: [u8; 6] = [0x02, 0, 10, 9, 0, 2];

/// One network in which the link leads back to where it came from.
#[derive(Debug)]
pub(super) struct Mirror {
    flows: FlowTable,
    owners: Owners,
}

impl Mirror {
    pub(super) fn new() -> Mirror {
        Mirror { flows: FlowTable::new(opposite), owners: Owners::default() }
    }

    /// The conversation of a packet, and the actors that have its sockets.
    fn classify(&mut self, layers: &Layers, protocol: u8, recorder: &Recorder) -> FlowInfo {
        let mut info = self.flows.classify(layers);
        if let (Some(flow), Some(ends)) = (info.flow, info.ends) {
            let client = match info.sent_by {
                End::Client => ends,
                End::Server => opposite(ends),
            };
            let kind = if protocol == 6 { SocketType::Stream } else { SocketType::Datagram };
            let names = self.owners.find(flow, client, opposite(client).0, &kind, recorder);
            (info.sender, info.receiver) = match info.sent_by {
                End::Client => names,
                End::Server => (names.1, names.0),
            };
        }
        info
    }
}

impl Topology for Mirror {
    fn route(
        &mut self,
        from: usize,
        bytes: &[u8],
        layers: Layers,
        recorder: &Recorder,
    ) -> Option<Route> {
        let ether_type = layers.ethernet.as_ref().map(|ethernet| ethernet.ether_type);
        match (ether_type, &layers.arp, &layers.ip) {
            (Some(Ethernet::ARP), Some(arp), _) if arp.operation == 1 && arp.target_ip == FAR => {
                let reply = answer(arp, bytes, from);
                let question = to_nobody(layers, bytes);
                let crossing = Crossing { to: Destination::Link, ..question };
                Some(Route { crossing, reply: Some(reply) })
            }
            (Some(Ethernet::IPV4), _, Some(ip)) if ip.src == NEAR && ip.dst == FAR => {
                let info = self.classify(&layers, ip.protocol, recorder);
                let mirrored = mirror(bytes, &layers);
                // Recorded as the client's side sees it: the server's frames as they arrive there.
                let (layers, raw) = match info.sent_by {
                    End::Client => (layers, bytes.to_vec()),
                    End::Server => (decode(&mirrored), mirrored.clone()),
                };
                let to = Destination::Device(from);
                Some(Crossing { info, layers, raw, by_lab: false, to, bytes: mirrored }.into())
            }
            // Addressed to someone else, or damaged.
            (None | Some(Ethernet::ARP | Ethernet::IPV4), ..) => {
                Some(to_nobody(layers, bytes).into())
            }
            // IPv6, which the kernel sends by itself where it cannot be turned off.
            _ => None,
        }
    }
}

/// What the other end calls the two ends: each has its own port at the near address, and sees the other's at the far one.
fn opposite((local, peer): Ends) -> Ends {
    (SocketAddrV4::new(*local.ip(), peer.port()), SocketAddrV4::new(*peer.ip(), local.port()))
}

/// A frame that nobody receives.
fn to_nobody(layers: Layers, bytes: &[u8]) -> Crossing {
    Crossing {
        info: FlowInfo::unknown(End::Client),
        layers,
        raw: bytes.to_vec(),
        by_lab: false,
        to: Destination::Nobody,
        bytes: Vec::new(),
    }
}

/// The frame as it is delivered: MAC and IP addresses swapped, also in the packet quoted by an ICMP error.
fn mirror(bytes: &[u8], layers: &Layers) -> Vec<u8> {
    let mut out = bytes.to_vec();
    swap(&mut out, 0, 6);
    swap(&mut out, Ethernet::BYTES + 12, 4);
    if let (Some(ip), Some(icmp)) = (&layers.ip, &layers.icmp)
        && is_icmp_error(icmp.kind)
    {
        swap(&mut out, Ethernet::BYTES + ip.header_bytes + 8 + 12, 4);
    }
    out
}

/// Swaps two adjacent fields of this length, if the frame is long enough.
fn swap(bytes: &mut [u8], at: usize, length: usize) {
    if let Some(both) = bytes.get_mut(at..at + 2 * length) {
        let (one, other) = both.split_at_mut(length);
        one.swap_with_slice(other);
    }
}

/// The far neighbour's answer to this question (RFC 826).
fn answer(question: &Arp, frame: &[u8], to: usize) -> Crossing {
    let mut answer = frame[..Ethernet::BYTES + Arp::BYTES].to_vec();
    answer[..6].copy_from_slice(&question.sender_mac.0);
    answer[6..12].copy_from_slice(&FAR_MAC);
    answer[21] = 2; // operation: reply
    answer.copy_within(22..32, 32); // the target is the sender of the question
    answer[22..28].copy_from_slice(&FAR_MAC);
    answer[28..32].copy_from_slice(&FAR.octets());
    Crossing {
        info: FlowInfo::unknown(End::Server),
        layers: decode(&answer),
        raw: answer.clone(),
        by_lab: true,
        to: Destination::Device(to),
        bytes: answer,
    }
}
