//! The wire: a cable that the experiment holds in its hands, and one kernel's real TCP at both ends of it.
//!
//! `network` makes a private network with a TAP device, 10.9.0.1, in it. What the kernel sends to 10.9.0.2 comes to
//! `forwarder`, which answers ARP for that address, notes the frame, asks the `rules` what is to become of it, swaps source
//! and destination, and writes it back: the kernel takes it as coming from 10.9.0.2. Swapping two addresses changes no
//! checksum, in Ethernet, IP, TCP or UDP. `decode` says what is in a frame. Only IPv4 is carried.
//!
//! ```text
//!   client 10.9.0.1:p ──> 10.9.0.2:q  ─┐             ┌─>  10.9.0.2:p ──> 10.9.0.1:q server
//!                                      └─ the cable ─┘
//! ```

use std::net::Ipv4Addr;

mod decode;
mod flow_table;
mod forwarder;
mod network;
mod rules;

pub use crate::trace::rule::Traffic::{
    self, Ack, Anything, Arp, Data, Fin, Icmp, Rst, Syn, SynAck, Tcp, Udp,
};
pub use crate::trace::rule::Which;
pub use decode::decode;
pub use forwarder::{CapturedFrame, Wire};
pub(super) use network::{device, enter, private};
pub use rules::{Plan, every, first, first_few, nth, share};

pub use crate::trace::packet::End::{self, Client, Server};

/// The near end's address: both ends' sockets have it for their own.
pub const NEAR: Ipv4Addr = Ipv4Addr::new(10, 9, 0, 1);
/// The far end's address: both ends see each other there.
pub const FAR: Ipv4Addr = Ipv4Addr::new(10, 9, 0, 2);
/// The TAP device's name.
pub const INTERFACE: &str = "wire";
