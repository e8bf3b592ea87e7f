//! Which conversation a frame belongs to, and which end sent it. The end that sends first is the client.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddrV4};

use crate::trace::Name;
use crate::trace::packet::{End, Ip, Layers};

/// The two ends of a conversation, as one of them calls them: its own address, and its peer's.
pub(super) type Ends = (SocketAddrV4, SocketAddrV4);

#[derive(Debug)]
pub(super) struct FlowTable {
    /// What the other end calls the same two ends.
    opposite: fn(Ends) -> Ends,
    /// By protocol and the ends as the client calls them.
    known: HashMap<(u8, Ends), Flow>,
    count: u32,
    /// The packet whose fragments may still come: its sender and identification, and what its first fragment was.
    fragments: Option<((IpAddr, u16), FlowInfo)>,
}

#[derive(Debug)]
struct Flow {
    number: u32,
    /// The client's first sequence number.
    first_seq: Option<u32>,
}

/// Sender, conversation and sockets of a frame.
#[derive(Clone, Debug)]
pub(super) struct FlowInfo {
    pub sent_by: End,
    pub flow: Option<u32>,
    /// As the sender calls them.
    pub ends: Option<Ends>,
    pub sender: Option<Name>,
    pub receiver: Option<Name>,
}

impl FlowInfo {
    /// For a frame that belongs to no conversation.
    pub(super) fn unknown(sent_by: End) -> FlowInfo {
        FlowInfo { sent_by, flow: None, ends: None, sender: None, receiver: None }
    }
}

impl FlowTable {
    pub(super) fn new(opposite: fn(Ends) -> Ends) -> FlowTable {
        FlowTable { opposite, known: HashMap::new(), count: 0, fragments: None }
    }

    /// Finds the conversation of a packet, or begins one; `layers` as they were sent.
    pub(super) fn classify(&mut self, layers: &Layers) -> FlowInfo {
        let Some(ip) = &layers.ip else {
            return FlowInfo::unknown(End::Client);
        };
        let ports = match (&layers.tcp, &layers.udp) {
            (Some(tcp), _) => Some((tcp.src_port, tcp.dst_port)),
            (_, Some(udp)) => Some((udp.src_port, udp.dst_port)),
            _ => None,
        };
        if let Some(ends) = ports.and_then(|ports| ends(ip, ports)) {
            let info = self.in_conversation(ip.protocol, ends, layers);
            if ip.fragment_at.is_some() {
                self.fragments = ip.id.map(|id| ((ip.src, id), info.clone()));
            }
            return info;
        }
        match (&layers.icmp, &self.fragments) {
            (Some(icmp), _) => {
                // The ports are the complained-of sender's: its own first.
                let about = icmp.about.and_then(|(own, other)| ends(ip, (other, own)));
                match about.and_then(|ends| self.find_end(ends)) {
                    Some((flow, sent_by)) => {
                        FlowInfo { flow: Some(flow), ..FlowInfo::unknown(sent_by) }
                    }
                    None => {
                        FlowInfo::unknown(if icmp.kind == 0 { End::Server } else { End::Client })
                    }
                }
            }
            (None, Some((packet, info)))
                if ip.fragment_at.is_some() && ip.id.map(|id| (ip.src, id)) == Some(*packet) =>
            {
                info.clone()
            }
            _ => FlowInfo::unknown(End::Client),
        }
    }

    /// The conversation of which an end calls the ends so, and which end that is.
    fn find_end(&self, ends: Ends) -> Option<(u32, End)> {
        let as_client =
            |protocol| self.known.get(&(protocol, ends)).map(|flow| (flow.number, End::Client));
        let as_server = |protocol| {
            let flow = self.known.get(&(protocol, (self.opposite)(ends)));
            flow.map(|flow| (flow.number, End::Server))
        };
        [17, 6].into_iter().find_map(|protocol| as_server(protocol).or_else(|| as_client(protocol)))
    }

    fn in_conversation(&mut self, protocol: u8, ends: Ends, layers: &Layers) -> FlowInfo {
        let syn_seq = layers
            .tcp
            .as_ref()
            .filter(|tcp| tcp.flags.syn() && !tcp.flags.ack())
            .map(|tcp| tcp.seq);
        let opposite = (self.opposite)(ends);
        let is_answer = opposite != ends && self.known.contains_key(&(protocol, opposite));
        let (sent_by, key) = match is_answer {
            true => (End::Server, (protocol, opposite)),
            false => (End::Client, (protocol, ends)),
        };
        // A SYN with the same ports and another sequence number opens a new connection; with the same one it was sent again.
        let again =
            |flow: &Flow| sent_by == End::Client && syn_seq.is_some() && flow.first_seq != syn_seq;
        let number = match self.known.get(&key) {
            Some(flow) if !again(flow) => flow.number,
            _ => {
                self.count += 1;
                self.known.insert(key, Flow { number: self.count, first_seq: syn_seq });
                self.count
            }
        };
        FlowInfo { flow: Some(number), ends: Some(ends), ..FlowInfo::unknown(sent_by) }
    }
}

/// The ends of an IPv4 packet with these ports, as its sender calls them.
fn ends(ip: &Ip, (source, destination): (u16, u16)) -> Option<Ends> {
    match (ip.src, ip.dst) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            Some((SocketAddrV4::new(from, source), SocketAddrV4::new(to, destination)))
        }
        _ => None,
    }
}
