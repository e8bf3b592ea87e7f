//! The TCP header, its flags and its options.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

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
