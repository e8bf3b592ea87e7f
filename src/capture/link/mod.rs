//! The virtual link: one kernel's real TCP at both ends, and forwarding that an experiment controls in between.
//!
//! `network` creates a private network with a TAP device, 10.9.0.1. Frames that the kernel sends to 10.9.0.2 reach `forwarder`,
//! which answers ARP for that address, records each frame, applies the `rules`, swaps source and destination, and writes the
//! frame back: to the kernel it comes from 10.9.0.2. Swapping two addresses changes no checksum, in Ethernet, IP, TCP or UDP.
//! `decode` parses frames, and `flow_table` finds the conversation of each. An experiment controls the link through `wire`.
//! Only IPv4 is carried.
//!
//! ```text
//!   client 10.9.0.1:p ──> 10.9.0.2:q  ─┐             ┌─>  10.9.0.2:p ──> 10.9.0.1:q server
//!                                      └─ forwarder ─┘
//! ```

use std::net::Ipv4Addr;

mod decode;
mod flow_table;
mod forwarder;
mod network;
mod rules;
mod wire;

pub use crate::trace::rule::FrameKind::{
    self, Ack, Anything, Arp, Data, Fin, Icmp, Rst, Syn, SynAck, Tcp, Udp,
};
pub use crate::trace::rule::FrameMatch;
pub use decode::decode;
pub(super) use network::{device, enter, private};
pub use rules::{Rules, every, first, first_few, nth, share};
pub use wire::{CapturedFrame, Wire};

pub use crate::trace::packet::End::{self, Client, Server};

/// The near end's address; the sockets of both ends are bound to it.
pub const NEAR: Ipv4Addr = Ipv4Addr::new(10, 9, 0, 1);
/// The far end's address; each end sees the other there.
pub const FAR: Ipv4Addr = Ipv4Addr::new(10, 9, 0, 2);
/// The TAP device's name.
pub const INTERFACE: &str = "wire";
