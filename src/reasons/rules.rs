//! The rules of a link in words: `drop the first 3 SYNs from the client`.

use std::time::Duration;

use crate::i18n::{Language, speaking, tr};
use crate::trace::packet::{End, Frame, LinkAction};
use crate::trace::rule::{Choice, FrameKind, FrameMatch, Rule};

/// The rules that were applied to a frame; `None` if there were none.
#[must_use]
pub fn rules(rules: &[Rule]) -> Option<String> {
    let words: Vec<String> = rules.iter().map(rule).collect();
    (!words.is_empty()).then(|| words.join(tr!(context "list", "; ")))
}

/// A frame's comment in a pcapng file, which is in English: who sent it, and what the link did with it.
#[must_use]
pub fn comment(frame: &Frame) -> String {
    let action = match frame.action() {
        None => "seen",
        Some(LinkAction::Passed) => "passed",
        Some(LinkAction::Delayed) => "delayed",
        Some(LinkAction::Duplicated) => "duplicated",
        Some(LinkAction::Held) => "held back",
        Some(LinkAction::Dropped) => "dropped",
        Some(LinkAction::Cut) => "lost",
    };
    let rules = speaking(Language::ENGLISH, || rules(frame.rules()));
    let rules = rules.map_or_else(String::new, |rules| format!(": {rules}"));
    format!("explore: {} {action}{rules}", frame.sent_by)
}

fn rule(rule: &Rule) -> String {
    match rule {
        Rule::Drop(frames) => tr!("drop {packets}", packets = packets(frames)),
        Rule::Delay { frames, by_ns } => {
            let span = humantime::format_duration(Duration::from_nanos(*by_ns));
            tr!("delay {packets} by {span}", packets = packets(frames), span)
        }
        Rule::Duplicate(frames) => tr!("duplicate {packets}", packets = packets(frames)),
        Rule::Reorder(frames) => {
            tr!("let the next packet overtake {packets}", packets = packets(frames))
        }
        Rule::Hold(frames) => tr!("hold {packets}", packets = packets(frames)),
        Rule::Cut => tr!("the wire is cut").to_owned(),
        Rule::CutAfter { after_ns } => {
            let span = humantime::format_duration(Duration::from_nanos(*after_ns));
            tr!("the wire is cut {span} after its first packet", span)
        }
        Rule::NoSuchAddress => tr!("no host on the link has that address").to_owned(),
        Rule::Text(text) => text.clone(),
    }
}

/// Which packets: `the first SYN from the client`.
fn packets(frames: &FrameMatch) -> String {
    let (packet, packets) = nouns(frames.kind);
    let packets = match frames.choice {
        Choice::Every => tr!("every {packet}", packet),
        Choice::First(1) | Choice::Nth(1) => tr!("the first {packet}", packet),
        Choice::First(count) => tr!("the first {count} {packets}", count, packets),
        Choice::Nth(number) => tr!("the {nth} {packet}", nth = nth(number), packet),
        Choice::EveryNth(number) => tr!("every {nth} {packet}", nth = nth(number), packet),
        Choice::Share { percent, .. } => tr!("{percent}% of {packets}", percent, packets),
    };
    let packets = match frames.from {
        Some(End::Client) => tr!("{packets} from the client", packets),
        Some(End::Server) => tr!("{packets} from the server", packets),
        None => packets,
    };
    match frames.choice {
        Choice::Share { seed, .. } => {
            tr!("{packets}, chosen at random with seed {seed}", packets, seed)
        }
        _ => packets,
    }
}

/// One of them, and several.
fn nouns(kind: FrameKind) -> (&'static str, &'static str) {
    match kind {
        FrameKind::Syn => ("SYN", tr!("SYNs")),
        FrameKind::SynAck => ("SYN-ACK", tr!("SYN-ACKs")),
        FrameKind::Ack => (tr!("bare ACK"), tr!("bare ACKs")),
        FrameKind::Fin => ("FIN", tr!("FINs")),
        FrameKind::Rst => ("RST", tr!("RSTs")),
        FrameKind::Data => (tr!("segment with data"), tr!("segments with data")),
        FrameKind::Tcp => (tr!("TCP segment"), tr!("TCP segments")),
        FrameKind::Udp => (tr!("UDP datagram"), tr!("UDP datagrams")),
        FrameKind::Icmp => (tr!("ICMP message"), tr!("ICMP messages")),
        FrameKind::Arp => (tr!("ARP message"), tr!("ARP messages")),
        FrameKind::Anything => (tr!("packet"), tr!("packets")),
    }
}

/// `2nd`.
fn nth(number: u64) -> String {
    match (number % 10, number % 100) {
        (_, 11..=13) => tr!(context "ordinal", "{number}th", number),
        (1, _) => tr!(context "ordinal", "{number}st", number),
        (2, _) => tr!(context "ordinal", "{number}nd", number),
        (3, _) => tr!(context "ordinal", "{number}rd", number),
        _ => tr!(context "ordinal", "{number}th", number),
    }
}

#[cfg(test)]
mod tests {
    use strum::IntoEnumIterator;

    use super::*;
    use crate::trace::rule::words;

    #[test]
    fn rules_read_as_sentences() {
        let all = |kind| FrameMatch { kind, from: None, choice: Choice::Every };
        let some = |kind, choice| FrameMatch { choice, ..all(kind) };
        let fins = FrameMatch { from: Some(End::Server), ..some(FrameKind::Fin, Choice::Nth(23)) };
        for (one, words) in [
            (Rule::Drop(some(FrameKind::Syn, Choice::First(1))), "drop the first SYN"),
            (
                Rule::Delay { frames: all(FrameKind::Anything), by_ns: 50_000_000 },
                "delay every packet by 50ms",
            ),
            (
                Rule::Duplicate(some(FrameKind::SynAck, Choice::First(2))),
                "duplicate the first 2 SYN-ACKs",
            ),
            (
                Rule::Reorder(some(FrameKind::Data, Choice::Nth(2))),
                "let the next packet overtake the 2nd segment with data",
            ),
            (Rule::Hold(some(FrameKind::Udp, Choice::Nth(11))), "hold the 11th UDP datagram"),
            (Rule::Drop(fins), "drop the 23rd FIN from the server"),
            (
                Rule::Drop(some(FrameKind::Udp, Choice::Share { percent: 20, seed: 7 })),
                "drop 20% of UDP datagrams, chosen at random with seed 7",
            ),
            (Rule::Cut, "the wire is cut"),
        ] {
            assert_eq!(rule(&one), words);
        }
        assert_eq!(rules(&[Rule::Cut, Rule::NoSuchAddress]).expect("two").matches("; ").count(), 1);
        assert_eq!(rules(&[]), None);
    }

    /// What is said of frames is understood on a command line.
    #[test]
    fn what_is_said_of_frames_is_read_again() {
        let choices = [
            Choice::Every,
            Choice::First(1),
            Choice::First(3),
            Choice::Nth(2),
            Choice::EveryNth(3),
            Choice::Share { percent: 20, seed: 7 },
        ];
        for kind in FrameKind::iter() {
            for choice in choices {
                for from in [None, Some(End::Client), Some(End::Server)] {
                    let frames = FrameMatch { kind, from, choice };
                    let said = packets(&frames);
                    assert_eq!(words::frames(&said), Ok(frames), "{said}");
                }
            }
        }
    }
}
