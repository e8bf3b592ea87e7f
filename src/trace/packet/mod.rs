//! A frame on the link, as an event: its contents, which end sent it, and what the link did with it.
//!
//! On an experiment's link one kernel plays both ends, and each end has the address 10.9.0.1 and sees its peer as 10.9.0.2. A
//! frame is recorded here as the client's side of the link sees it: the client is 10.9.0.1, the server is 10.9.0.2, in the layers
//! as in the raw bytes. Between traced programs, each in a network of its own, addresses are what they are.
//! [`Frame::local`] and [`Frame::peer`] are what the *sending* socket itself calls the two ends.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::rule::Rule;
use super::{Address, Name, bounded};

mod layers;
mod tcp;
mod tcpdump;

pub use layers::{Arp, Ethernet, Icmp, Ip, Layers, Mac, Udp};
pub use tcp::{Flags, Tcp, TcpOption};

/// A frame, as it was sent. In JSON: `event: "frame"`, the fields below, and of [`Layers`] those that it has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Frame {
    /// Its number on this wire, from 1, in the order of leaving.
    #[serde(deserialize_with = "bounded::number")]
    pub frame: u64,
    /// Which end sent it: `client` or `server`.
    pub sent_by: End,
    /// The conversation it belongs to, from 1: same protocol, same two ports. None for ARP.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub flow: Option<u32>,
    /// What the sending socket calls its own address, as getsockname(2) says it: in an experiment always 10.9.0.1
    /// and the source port.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub local: Option<Address>,
    /// What the sending socket calls its peer's address, as getpeername(2) says it: in an experiment always 10.9.0.2
    /// and the destination port.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub peer: Option<Address>,
    /// The actor whose socket sent it, where the wire could tell by then; between traced programs, the one in whose network that is.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub sender: Option<Name>,
    /// The actor whose socket it is for, likewise.
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
    pub disposition: Option<Disposition>,
    /// Every byte of it, from the destination MAC address on; the kernel adds no checksum of the frame here.
    pub raw: Raw,
}

impl Frame {
    /// What the link did with it, if that is known.
    #[must_use]
    pub fn action(&self) -> Option<LinkAction> {
        self.disposition.as_ref().map(|disposition| disposition.action)
    }

    /// True if it is known that it never arrives.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        self.action().is_some_and(|action| !action.arrives())
    }

    /// The rules that applied to it.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        self.disposition.as_ref().map_or(&[], |disposition| &disposition.rules)
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

/// What the link did with a frame, and by which rules.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disposition {
    /// What the link did.
    #[serde(rename = "fate")]
    pub action: LinkAction,
    /// The delay of its delivery, in nanoseconds.
    #[serde(skip_serializing_if = "is_zero", default, deserialize_with = "bounded::number")]
    pub delay_ns: u64,
    /// The rules that applied.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub rules: Vec<Rule>,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde asks for a reference
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// What the link does with a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LinkAction {
    /// It went through at once.
    #[default]
    Passed,
    /// It goes through later; [`Disposition::delay_ns`] says how much, and a `delivered` event when.
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

impl LinkAction {
    /// False if it never arrives.
    #[must_use]
    pub fn arrives(self) -> bool {
        !matches!(self, LinkAction::Dropped | LinkAction::Cut)
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
