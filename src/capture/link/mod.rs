//! The virtual link: real TCP at both ends, and forwarding that an experiment, or a command line, controls in between.
//!
//! A link has a TAP device in each private network that it connects; frames that a kernel sends come to `forwarder`, which
//! applies the `rules`, records each frame and delivers it. Where a frame goes is its `topology`:
//!
//! - `mirror` is the lessons' link. There is one network (`network`), 10.9.0.1. What the kernel sends to 10.9.0.2 comes back to it
//!   with source and destination swapped: to the kernel it comes from 10.9.0.2. The link answers ARP for that address.
//! - `switch` connects several networks (`networks`), one for each program that is traced: 10.9.0.2, 10.9.0.3 and so on. Nothing is
//!   rewritten, and each kernel answers ARP for itself.
//!
//! ```text
//!   client 10.9.0.1:p ──> 10.9.0.2:q  ─┐             ┌─>  10.9.0.2:p ──> 10.9.0.1:q server
//!                                      └─ forwarder ─┘                                         mirror
//!
//!   client 10.9.0.3:p ──> 10.9.0.2:q  ─── forwarder ───>  10.9.0.3:p ──> 10.9.0.2:q server     switch
//! ```
//!
//! `decode` parses frames, and `flow_table` finds the conversation of each. An experiment controls the link through `wire`.
//! Only IPv4 is carried.

use std::net::Ipv4Addr;

mod decode;
mod flow_table;
mod forwarder;
mod mirror;
mod network;
mod networks;
mod owners;
mod rules;
mod switch;
mod topology;
mod wire;

pub use crate::trace::rule::FrameKind::{
    self, Ack, Anything, Arp, Data, Fin, Icmp, Rst, Syn, SynAck, Tcp, Udp,
};
pub use crate::trace::rule::FrameMatch;
pub use decode::decode;
pub(super) use network::{device, enter, private};
pub use networks::{Host, Networks};
pub use rules::{Rules, every, first, first_few, nth, share};
pub use wire::{CapturedFrame, Wire};

pub use crate::trace::packet::End::{self, Client, Server};

/// The near end's address in an experiment's network; the sockets of both ends are bound to it.
pub const NEAR: Ipv4Addr = Ipv4Addr::new(10, 9, 0, 1);
/// The far end's address; each end sees the other there.
pub const FAR: Ipv4Addr = Ipv4Addr::new(10, 9, 0, 2);
/// The TAP device's name.
pub const INTERFACE: &str = "wire";
