//! The link between several networks: a switch, as in an office.
//!
//! Each network has a device of its own, and its kernel answers ARP for itself. Nothing is rewritten. A frame goes to the device
//! behind which its destination address was seen last, and to all others where it was not seen yet, or is everybody's.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};

use super::flow_table::{Ends, FlowInfo, FlowTable};
use super::topology::{Crossing, Destination, Route, Topology};
use crate::capture::Recorder;
use crate::trace::Name;
use crate::trace::packet::{End, Ethernet, Layers, Mac};

/// Networks that are connected by a switch.
#[derive(Debug)]
pub(super) struct Switch {
    /// By device: the program in its network, and the network's address.
    hosts: Vec<(Name, Ipv4Addr)>,
    /// The device behind which each address was seen.
    seen: HashMap<Mac, usize>,
    flows: FlowTable,
}

impl Switch {
    pub(super) fn new(hosts: Vec<(Name, Ipv4Addr)>) -> Switch {
        Switch { hosts, seen: HashMap::new(), flows: FlowTable::new(opposite) }
    }

    /// The program that a frame is for, if it is for one.
    fn receiver(&self, from: usize, to: Destination, layers: &Layers) -> Option<Name> {
        let name = |at: usize| self.hosts.get(at).map(|(name, _)| name.clone());
        if let Destination::Device(at) = to {
            return name(at);
        }
        let asked = layers.arp.as_ref().map(|arp| arp.target_ip);
        let address = asked.or(layers.ip.as_ref().map(|ip| ip.dst))?;
        let at = self.hosts.iter().position(|(_, host)| IpAddr::V4(*host) == address);
        // Of two, the other one is all others.
        at.or((self.hosts.len() == 2).then_some(1 - from.min(1))).and_then(name)
    }
}

impl Topology for Switch {
    fn route(&mut self, from: usize, bytes: &[u8], layers: Layers, _: &Recorder) -> Option<Route> {
        let ethernet = layers.ethernet.as_ref()?;
        if ![Ethernet::ARP, Ethernet::IPV4].contains(&ethernet.ether_type) {
            return None; // IPv6, which the kernel sends by itself where it cannot be turned off
        }
        self.seen.insert(ethernet.src, from);
        let to = match self.seen.get(&ethernet.dst) {
            Some(at) => Destination::Device(*at),
            None => Destination::AllBut(from),
        };
        let mut info = match &layers.arp {
            Some(arp) if arp.operation == 2 => FlowInfo::unknown(End::Server),
            _ => self.flows.classify(&layers),
        };
        info.sender = self.hosts.get(from).map(|(name, _)| name.clone());
        info.receiver = self.receiver(from, to, &layers);
        let bytes = bytes.to_vec();
        Some(Crossing { info, layers, raw: bytes.clone(), by_lab: false, to, bytes }.into())
    }
}

/// What the other end calls the two ends.
fn opposite((local, peer): Ends) -> Ends {
    (peer, local)
}
