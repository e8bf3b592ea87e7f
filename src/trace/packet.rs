//! One frame on the wire, as an event: what is in it, which end sent it, and what the wire did with it.
//!
//! There is one kernel, and it plays both ends: each believes itself to be 10.9.0.1 and its peer 10.9.0.2. A frame is
//! told here as the client's side of the wire sees it: the client is 10.9.0.1, the server is 10.9.0.2, in the layers as in
//! the raw bytes. [`Frame::local`] and [`Frame::peer`] are what the *sending* socket itself calls the two ends.

use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::rule::Rule;
use super::{Address, Name};

/// One frame, as the wire saw it leave. In JSON: `event: "frame"`, the fields below, and of [`Layers`] those that it has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Frame {
    /// Its number on this wire, from 1, in the order of leaving.
    pub frame: u64,
    /// Which end sent it: `client` or `server`.
    pub sent_by: End,
    /// The conversation it belongs to, from 1: same protocol, same two ports. None for ARP.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub flow: Option<u32>,
    /// What the sending socket calls its own address, as getsockname(2) says it: always 10.9.0.1 and the source port.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub local: Option<Address>,
    /// What the sending socket calls its peer's address, as getpeername(2) says it: always 10.9.0.2 and the destination port.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub peer: Option<Address>,
    /// The actor whose socket sent it, where the wire could tell by then.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub sender: Option<Name>,
    /// The actor whose socket it is for, where the wire could tell by then.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub receiver: Option<Name>,
    /// True if the lab made it itself: the answer to an ARP question. All others are the kernel's.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub by_lab: bool,
    /// What is in it.
    #[serde(flatten)]
    pub layers: Layers,
    /// What the link did with it; `None` for a frame that was only seen passing by.
    #[serde(flatten)]
    pub treatment: Option<Treatment>,
    /// Every byte of it, from the destination MAC address on; the kernel adds no checksum of the frame here.
    pub raw: Raw,
}

impl Frame {
    /// What became of it, if that is known.
    #[must_use]
    pub fn fate(&self) -> Option<Fate> {
        self.treatment.as_ref().map(|treatment| treatment.fate)
    }

    /// True if it is known that it never arrives.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        self.fate().is_some_and(|fate| !fate.arrives())
    }

    /// The rules that applied to it.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        self.treatment.as_ref().map_or(&[], |treatment| &treatment.rules)
    }
}

/// An end of the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum End {
    /// The one that spoke first: the active opener, in RFC 9293's words.
    Client,
    /// The other.
    Server,
}

impl End {
    /// The end across the wire.
    #[must_use]
    pub fn other(self) -> End {
        match self {
            End::Client => End::Server,
            End::Server => End::Client,
        }
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            End::Client => "client",
            End::Server => "server",
        })
    }
}

/// What the wire did with a frame, and by which rule.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Treatment {
    /// What became of it.
    pub fate: Fate,
    /// How much later than it was sent it is to be delivered, in nanoseconds.
    #[serde(skip_serializing_if = "is_zero", default)]
    pub delay_ns: u64,
    /// The rules that applied.
    #[serde(
        skip_serializing_if = "Vec::is_empty",
        default,
        alias = "rule",
        deserialize_with = "super::rule::rules"
    )]
    pub rules: Vec<Rule>,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde asks for a reference
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// What became of a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// It went through at once.
    #[default]
    Passed,
    /// It goes through later; [`Treatment::delay_ns`] says how much, and a `delivered` event when.
    Delayed,
    /// It goes through twice.
    Duplicated,
    /// It waits until the next packet from the same end has overtaken it; a `delivered` event says when that was.
    Held,
    /// A rule dropped it.
    Dropped,
    /// It was lost because the wire was cut.
    Cut,
}

impl Fate {
    /// False if it never arrives.
    #[must_use]
    pub fn arrives(self) -> bool {
        !matches!(self, Fate::Dropped | Fate::Cut)
    }
}

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
    /// Where it stopped making sense; the layers before that are as they should be.
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
    /// Who says it.
    pub sender_mac: Mac,
    /// Who says it.
    pub sender_ip: IpAddr,
    /// Of a question, zeros.
    pub target_mac: Mac,
    /// Of a question, the address that is asked about.
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
    /// How long the packet is by its own word, in bytes, header included.
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

/// The TCP header.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tcp {
    /// The sender's port.
    pub src_port: u16,
    /// The receiver's port.
    pub dst_port: u16,
    /// The flags; in JSON `SYN,ACK`.
    pub flags: Flags,
    /// The sequence number, as it stands in the header.
    pub seq: u32,
    /// The acknowledgment number, as it stands in the header; means nothing without ACK.
    pub ack: u32,
    /// The window as it stands in the header: not scaled.
    pub window: u16,
    /// How long the header is, in bytes, options included.
    pub header_bytes: usize,
    /// The options, in order.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub options: Vec<TcpOption>,
}

/// TCP's flags, as the header's byte has them (RFC 9293 section 3.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Flags(pub u8);

impl Flags {
    const NAMES: [&'static str; 8] = ["FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR"];
    /// The order in which they are said: SYN before ACK, FIN before ACK.
    const ORDER: [u8; 8] = [1, 0, 2, 3, 4, 5, 6, 7];

    /// The sender will send no more.
    #[must_use]
    pub fn fin(self) -> bool {
        self.0 & 1 != 0
    }
    /// The sender says its first sequence number.
    #[must_use]
    pub fn syn(self) -> bool {
        self.0 & 2 != 0
    }
    /// The connection is over at once.
    #[must_use]
    pub fn rst(self) -> bool {
        self.0 & 4 != 0
    }
    /// The receiver is to hand the data on.
    #[must_use]
    pub fn psh(self) -> bool {
        self.0 & 8 != 0
    }
    /// The acknowledgment number means something.
    #[must_use]
    pub fn ack(self) -> bool {
        self.0 & 16 != 0
    }
}

impl Flags {
    /// As tcpdump writes them: `S.` is SYN,ACK, a point alone is ACK.
    #[must_use]
    pub fn letters(self) -> String {
        const LETTERS: [(u8, char); 8] =
            [(1, 'F'), (2, 'S'), (4, 'R'), (8, 'P'), (16, '.'), (32, 'U'), (64, 'E'), (128, 'W')];
        let set: String =
            LETTERS.iter().filter(|(bit, _)| self.0 & bit != 0).map(|(_, letter)| letter).collect();
        if set.is_empty() { "none".to_owned() } else { set }
    }
}

impl fmt::Display for Flags {
    /// `SYN,ACK`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut comma = "";
        for bit in Flags::ORDER.into_iter().filter(|bit| self.0 & (1 << bit) != 0) {
            write!(f, "{comma}{}", Flags::NAMES[usize::from(bit)])?;
            comma = ",";
        }
        Ok(())
    }
}

impl Serialize for Flags {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Flags {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let mut flags = 0;
        for name in text.split(',').filter(|name| !name.is_empty()) {
            let bit = Flags::NAMES.iter().position(|known| *known == name);
            flags |= 1
                << bit.ok_or_else(|| {
                    de::Error::custom("a TCP flag is one of FIN SYN RST PSH ACK URG ECE CWR")
                })?;
        }
        Ok(Flags(flags))
    }
}

/// A TCP option (RFC 9293 section 3.2, RFC 7323, RFC 2018). Padding is left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TcpOption {
    /// The largest segment that this end wants, in bytes.
    Mss(u16),
    /// How many bits its windows are to be shifted left from now on.
    WindowScale(u8),
    /// It understands selective acknowledgments.
    SackPermitted,
    /// Blocks that it has beyond the acknowledgment number: left and right edge.
    Sack(Vec<(u32, u32)>),
    /// Its clock, and the peer's clock as it saw it last.
    Timestamps(u32, u32),
    /// Something else.
    Malformed(String),
}

impl fmt::Display for TcpOption {
    /// In tcpdump's words: `mss 1460`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TcpOption::Mss(bytes) => write!(f, "mss {bytes}"),
            TcpOption::WindowScale(bits) => write!(f, "wscale {bits}"),
            TcpOption::SackPermitted => f.write_str("sackOK"),
            TcpOption::Sack(blocks) => {
                write!(f, "sack {}", blocks.len())?;
                blocks.iter().try_for_each(|(left, right)| write!(f, " {{{left}:{right}}}"))
            }
            TcpOption::Timestamps(own, echo) => write!(f, "TS val {own} ecr {echo}"),
            TcpOption::Malformed(why) => write!(f, "[{why}]"),
        }
    }
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

impl fmt::Display for Layers {
    /// The frame in one line, in tcpdump's manner.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(arp) = &self.arp {
            return match arp.operation {
                1 => write!(
                    f,
                    "ARP, Request who-has {} tell {}, length {}",
                    arp.target_ip,
                    arp.sender_ip,
                    Arp::BYTES
                ),
                2 => write!(
                    f,
                    "ARP, Reply {} is-at {}, length {}",
                    arp.sender_ip,
                    arp.sender_mac,
                    Arp::BYTES
                ),
                other => write!(f, "ARP, operation {other}"),
            };
        }
        match (&self.ip, &self.ethernet) {
            (Some(ip), _) => {
                let (name, length) =
                    (if ip.src.is_ipv4() { "IP" } else { "IP6" }, self.payload_bytes);
                if let Some(tcp) = &self.tcp {
                    write!(
                        f,
                        "{name} {}.{} > {}.{}: Flags [{}]",
                        ip.src,
                        tcp.src_port,
                        ip.dst,
                        tcp.dst_port,
                        tcp.flags.letters()
                    )?;
                    if length > 0 {
                        write!(
                            f,
                            ", seq {}:{}",
                            tcp.seq,
                            tcp.seq.wrapping_add(u32::try_from(length).unwrap_or(0))
                        )?;
                    } else {
                        write!(f, ", seq {}", tcp.seq)?;
                    }
                    if tcp.flags.ack() {
                        write!(f, ", ack {}", tcp.ack)?;
                    }
                    write!(f, ", win {}", tcp.window)?;
                    if !tcp.options.is_empty() {
                        let options: Vec<_> = tcp.options.iter().map(ToString::to_string).collect();
                        write!(f, ", options [{}]", options.join(","))?;
                    }
                    write!(f, ", length {length}")?;
                } else if let Some(udp) = &self.udp {
                    write!(
                        f,
                        "{name} {}.{} > {}.{}: UDP, length {length}",
                        ip.src, udp.src_port, ip.dst, udp.dst_port
                    )?;
                } else if let Some(icmp) = &self.icmp {
                    write!(
                        f,
                        "{name} {} > {}: ICMP type {} code {}",
                        ip.src, ip.dst, icmp.kind, icmp.code
                    )?;
                    if let Some((_, port)) = icmp.about {
                        write!(f, ", about port {port}")?;
                    }
                } else {
                    write!(
                        f,
                        "{name} {} > {}: protocol {}, length {length}",
                        ip.src, ip.dst, ip.protocol
                    )?;
                }
            }
            (None, Some(ethernet)) => write!(
                f,
                "{} > {}, ethertype 0x{:04x}",
                ethernet.src, ethernet.dst, ethernet.ether_type
            )?,
            (None, None) => f.write_str("no frame")?,
        }
        self.malformed.as_ref().map_or(Ok(()), |why| write!(f, " [{why}]"))
    }
}

/// Bytes as they are; in JSON a string of hex digits.
#[derive(Clone, PartialEq, Eq)]
pub struct Raw(pub Vec<u8>);

impl fmt::Debug for Raw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Raw({} bytes)", self.0.len())
    }
}

impl Serialize for Raw {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble)]);
        let text: String =
            self.0.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect();
        serializer.serialize_str(&text)
    }
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let nibble =
            |digit: u8| char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let pairs = text.as_bytes().chunks(2);
        let bytes: Option<Vec<u8>> =
            pairs.map(|pair| Some(nibble(pair[0])? << 4 | nibble(*pair.get(1)?)?)).collect();
        bytes.map(Raw).ok_or_else(|| de::Error::custom("raw bytes are pairs of hex digits"))
    }
}
