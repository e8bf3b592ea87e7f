//! The rules of a link, as they are recorded with the frames that they were applied to. `reasons` words them, `words` reads them.

use serde::{Deserialize, Serialize};
use strum::EnumIter;

use super::packet::End;

pub mod words;

/// Why a frame was not simply passed on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// These never arrive.
    Drop(FrameMatch),
    /// These arrive later.
    Delay {
        #[serde(flatten)]
        frames: FrameMatch,
        by_ns: u64,
    },
    /// These arrive twice.
    Duplicate(FrameMatch),
    /// These arrive right after the next packet from the same end.
    Reorder(FrameMatch),
    /// These arrive when they are released, or right after the next packet from the same end.
    Hold(FrameMatch),
    /// The link is cut.
    Cut,
    /// The link is cut so long after its first packet.
    CutAfter { after_ns: u64 },
    /// Nobody on the link has the frame's destination address.
    NoSuchAddress,
    /// The sentence that a recording of format 1 has.
    #[serde(untagged)]
    Text(String),
}

/// Which frames: a kind, perhaps of one end only, and which of those.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrameMatch {
    #[serde(rename = "traffic")]
    pub kind: FrameKind,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub from: Option<End>,
    pub choice: Choice,
}

impl From<FrameKind> for FrameMatch {
    fn from(kind: FrameKind) -> FrameMatch {
        FrameMatch { kind, from: None, choice: Choice::Every }
    }
}

/// Which of the frames of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Choice {
    Every,
    /// The first few, by number.
    First(u64),
    /// Only the one with this number, from 1.
    Nth(u64),
    /// The one with this number, the one with twice this number, and so on.
    EveryNth(u64),
    /// A percentage of them, chosen by their numbers and the seed.
    Share {
        percent: u64,
        seed: u64,
    },
}

/// A kind of frame, in the field's terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, EnumIter)]
#[serde(rename_all = "kebab-case")]
pub enum FrameKind {
    /// A TCP segment with SYN and without ACK: it opens a connection.
    Syn,
    /// A TCP segment with SYN and ACK: the answer to a SYN.
    SynAck,
    /// A TCP segment that only acknowledges: ACK, no data, no SYN, FIN or RST.
    Ack,
    /// A TCP segment with FIN.
    Fin,
    /// A TCP segment with RST.
    Rst,
    /// A TCP segment that carries data.
    Data,
    /// Any TCP segment.
    Tcp,
    /// A UDP datagram.
    Udp,
    /// An ICMP message.
    Icmp,
    /// An ARP question or answer.
    Arp,
    /// Any IP packet. ARP is not one.
    Anything,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::packet::{Disposition, LinkAction};

    #[test]
    fn rules_are_recorded_as_values_and_read_again() {
        let frames =
            FrameMatch { kind: FrameKind::Syn, from: Some(End::Client), choice: Choice::First(3) };
        let share = Choice::Share { percent: 20, seed: 39 };
        let share = FrameMatch { kind: FrameKind::Anything, from: None, choice: share };
        let every = FrameMatch { choice: Choice::Every, ..share };
        let rules = vec![
            Rule::Drop(frames),
            Rule::Hold(share),
            Rule::Delay { frames: every, by_ns: 5 },
            Rule::Cut,
        ];
        let disposition = Disposition { action: LinkAction::Dropped, delay_ns: 0, rules };
        let line = serde_json::to_string(&disposition).expect("JSON");
        assert_eq!(
            line,
            concat!(
                r#"{"fate":"dropped","rules":[{"drop":{"traffic":"syn","from":"client","choice":{"first":3}}},"#,
                r#"{"hold":{"traffic":"anything","choice":{"share":{"percent":20,"seed":39}}}},"#,
                r#"{"delay":{"traffic":"anything","choice":"every","by_ns":5}},"cut"]}"#
            )
        );
        assert_eq!(serde_json::from_str::<Disposition>(&line).expect("the same"), disposition);
    }
}
