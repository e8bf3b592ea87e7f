//! What is in a frame: the headers of Ethernet, ARP, IP, UDP and ICMP.

use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::Tcp;

/// What is in a frame, layer by layer. A layer that is not there is `None`; the headers follow each other without gaps.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Layers {
    /// Ethernet II.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ethernet: Option<Ethernet>,
    /// ARP (RFC 826).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub arp: Option<Arp>,
    /// IPv4 or IPv6 (RFC 791, RFC 8200).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ip: Option<Ip>,
    /// TCP (RFC 9293).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub tcp: Option<Tcp>,
    /// UDP (RFC 768).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub udp: Option<Udp>,
    /// ICMP (RFC 792).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub icmp: Option<Icmp>,
    /// Bytes after the last header: what the application sent, or what an ICMP message carries.
    pub payload_bytes: usize,
    /// The reason why decoding stopped; the layers before are intact.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub malformed: Option<String>,
}

/// The Ethernet header: 14 bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ethernet {
    /// The MAC address that it comes from.
    pub src: Mac,
    /// The MAC address that it goes to.
    pub dst: Mac,
    /// What is inside: `0x0800` is IPv4, `0x0806` ARP, `0x86dd` IPv6.
    pub ether_type: u16,
}

impl Ethernet {
    /// How long the header is, in bytes.
    pub const BYTES: usize = 14;
    /// The EtherType of IPv4.
    pub const IPV4: u16 = 0x0800;
    /// The EtherType of ARP.
    pub const ARP: u16 = 0x0806;
}

/// A MAC address; in JSON `02:00:0a:09:00:02`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Mac(pub [u8; 6]);

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

impl Serialize for Mac {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Mac {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes: Option<Vec<u8>> =
            text.split(':').map(|pair| u8::from_str_radix(pair, 16).ok()).collect();
        let mac = bytes.and_then(|bytes| bytes.try_into().ok());
        mac.map(Mac).ok_or_else(|| {
            de::Error::custom("a MAC address is six pairs of hex digits, with colons")
        })
    }
}

/// An ARP message: 28 bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arp {
    /// 1 is a question (who has `target_ip`?), 2 an answer (`sender_ip` is at `sender_mac`).
    pub operation: u16,
    /// The sender's MAC address.
    pub sender_mac: Mac,
    /// The sender's IP address.
    pub sender_ip: IpAddr,
    /// Zeros in a question.
    pub target_mac: Mac,
    /// In a question, the address that is asked about.
    pub target_ip: IpAddr,
}

impl Arp {
    /// How long the message is, in bytes, for Ethernet and IPv4.
    pub const BYTES: usize = 28;
}

/// The IP header.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ip {
    /// Where it comes from; the header's length says which version it is.
    pub src: IpAddr,
    /// Where it goes to.
    pub dst: IpAddr,
    /// How long the header is, in bytes, extensions included: 20 for a plain IPv4 one.
    pub header_bytes: usize,
    /// The packet's length according to its header, in bytes, header included.
    pub total_bytes: usize,
    /// How many routers it may still cross: TTL, or hop limit.
    pub ttl: u8,
    /// What is inside: 1 ICMP, 6 TCP, 17 UDP.
    pub protocol: u8,
    /// IPv4's identification, by which fragments find each other.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub id: Option<u16>,
    /// Set in a fragment: where its bytes belong, counted from the packet's start.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub fragment_at: Option<u32>,
}

/// The UDP header: 8 bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Udp {
    /// The sender's port.
    pub src_port: u16,
    /// The receiver's port.
    pub dst_port: u16,
}

impl Udp {
    /// How long the header is, in bytes.
    pub const BYTES: usize = 8;
}

/// The head of an ICMP message: 8 bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Icmp {
    /// The type: 3 is destination unreachable, 8 an echo request, 0 its reply.
    #[serde(rename = "type")]
    pub kind: u8,
    /// The code: of type 3, 3 means that nobody has that port.
    pub code: u8,
    /// The ports of the packet that it complains of, as that packet's sender sees them: source, destination.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub about: Option<(u16, u16)>,
}

impl Icmp {
    /// How long its head is, in bytes.
    pub const BYTES: usize = 8;
}
