//! Rules of a link in the words of a command line: `first SYN`, `every third datagram`, `20%`.
//!
//! ```text
//! frames = [the] [which] kind [from [the] client|server] [seed NUMBER]
//! which  = first [NUMBER] | ORDINAL | every [ORDINAL|other] | all | PERCENT [of]
//! kind   = SYN | SYN-ACK | ACK | FIN | RST | data segment | segment | datagram | ICMP message | ARP message | packet
//! ```
//!
//! Numbers and ordinals are words up to twelve, or digits (`3`, `3rd`); kinds may stand in the plural. Without `which` every
//! frame of the kind is meant. What `reasons` says of a rule's frames is understood too.

use std::time::Duration;

use thiserror::Error;

use super::{Choice, FrameKind, FrameMatch, Rule};
use crate::i18n::tr;
use crate::trace::packet::End;

/// Why words are no rule.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum NotUnderstood {
    /// A word of those that say which frames.
    #[error("{}", tr!("`{words}` does not say which packets: `{word}` is not understood here; {help}", words, word, help = frames_help()))]
    Word { words: String, word: String },
    /// The kind of frame is missing.
    #[error("{}", tr!("`{words}` does not say what kind of packet; {help}", words, help = frames_help()))]
    Kind { words: String },
    /// No share.
    #[error("{}", tr!("`{words}` is no share: write a whole number from 1 to 100 with its %, for example `20%` or `20% of datagrams`", words))]
    Share { words: String },
    /// No time span.
    #[error("{}", tr!("`{words}` is no time: write a number with its unit, for example `50ms` or `2s`", words))]
    Span { words: String },
}

fn frames_help() -> String {
    let which = "`first SYN`, `second data segment`, `every third datagram`, `first 3 SYN-ACKs`, `20% of packets`, `FIN from the server`";
    let kinds = "SYN, SYN-ACK, ACK, FIN, RST, data segment, segment, datagram, ICMP message, ARP message, packet";
    tr!("write for example {which}; the kinds are {kinds}", which, kinds)
}

/// `--drop`: these frames never arrive.
pub fn drop(words: &str) -> Result<Rule, NotUnderstood> {
    frames(words).map(Rule::Drop)
}

/// `--loss`: a share of the packets never arrives.
pub fn loss(words: &str) -> Result<Rule, NotUnderstood> {
    match frames(words) {
        Ok(frames @ FrameMatch { choice: Choice::Share { .. }, .. }) => Ok(Rule::Drop(frames)),
        _ => Err(NotUnderstood::Share { words: words.to_owned() }),
    }
}

/// `--delay`: packets arrive this much later, or only some of them: `50ms`, `2s second data segment`.
pub fn delay(words: &str) -> Result<Rule, NotUnderstood> {
    let (time, which) = words.trim().split_once(char::is_whitespace).unwrap_or((words.trim(), ""));
    let by_ns = span_ns(time).ok_or_else(|| NotUnderstood::Span { words: words.to_owned() })?;
    let which = which.trim_start().trim_start_matches("for ");
    let frames = if which.is_empty() { FrameKind::Anything.into() } else { frames(which)? };
    Ok(Rule::Delay { frames, by_ns })
}

/// `--cut-after`: the link is cut so long after its first packet.
pub fn cut_after(words: &str) -> Result<Rule, NotUnderstood> {
    let after_ns = span_ns(words).ok_or_else(|| NotUnderstood::Span { words: words.to_owned() })?;
    Ok(Rule::CutAfter { after_ns })
}

fn span_ns(words: &str) -> Option<u64> {
    let span = humantime::parse_duration(words).ok().filter(|span| *span > Duration::ZERO)?;
    u64::try_from(span.as_nanos()).ok()
}

/// Which frames these words mean.
pub fn frames(words: &str) -> Result<FrameMatch, NotUnderstood> {
    let lower = words.to_ascii_lowercase().replace(" %", "%");
    // Commas separate nothing here, but stand within `SYN,ACK`.
    let mut tokens =
        Tokens(lower.split_whitespace().map(|word| word.trim_end_matches(',')).collect());
    let unknown =
        |word: &str| NotUnderstood::Word { words: words.to_owned(), word: word.to_owned() };
    tokens.skip("the");
    let mut choice = tokens.choice().map_err(unknown)?;
    if matches!(choice, Choice::Share { .. }) {
        tokens.skip("of");
    }
    let end = tokens.0.iter().position(|word| ["from", "seed", "chosen"].contains(word));
    let kind: Vec<&str> = tokens.0.drain(..end.unwrap_or(tokens.0.len())).collect();
    let kind = match (kind.as_slice(), choice) {
        ([], Choice::Share { .. }) => FrameKind::Anything,
        ([], _) => return Err(NotUnderstood::Kind { words: words.to_owned() }),
        (kind, _) => named(kind).ok_or_else(|| unknown(&kind.join(" ")))?,
    };
    let from = tokens.end().map_err(unknown)?;
    if let Choice::Share { seed, .. } = &mut choice {
        *seed = tokens.seed().map_err(unknown)?.unwrap_or(*seed);
    }
    match tokens.0.first() {
        Some(word) => Err(unknown(word)),
        None => Ok(FrameMatch { kind, from, choice }),
    }
}

/// The words that are left.
struct Tokens<'a>(Vec<&'a str>);

impl<'a> Tokens<'a> {
    /// Takes this word if it comes next.
    fn skip(&mut self, word: &str) -> bool {
        let comes = self.0.first() == Some(&word);
        if comes {
            self.0.remove(0);
        }
        comes
    }

    /// Takes the next word if it means something.
    fn take<T>(&mut self, meaning: impl Fn(&str) -> Option<T>) -> Option<T> {
        let found = meaning(self.0.first()?)?;
        self.0.remove(0);
        Some(found)
    }

    fn choice(&mut self) -> Result<Choice, &'a str> {
        if let Some(word) = self.0.first().copied().filter(|word| word.ends_with('%')) {
            self.0.remove(0);
            let percent = word
                .trim_end_matches('%')
                .parse()
                .ok()
                .filter(|percent| (1..=100).contains(percent));
            return percent.map(|percent| Choice::Share { percent, seed: 1 }).ok_or(word);
        }
        if self.skip("all") {
            self.skip("the");
            return Ok(Choice::Every);
        }
        if self.skip("every") || self.skip("each") {
            let other = |word: &str| (word == "other").then_some(2);
            return Ok(match self.take(|word| ordinal(word).or_else(|| other(word))) {
                None | Some(1) => Choice::Every,
                Some(nth) => Choice::EveryNth(nth),
            });
        }
        Ok(match self.take(ordinal) {
            Some(1) => Choice::First(self.take(number).unwrap_or(1)),
            Some(nth) => Choice::Nth(nth),
            None => Choice::Every,
        })
    }

    /// `from the client`.
    fn end(&mut self) -> Result<Option<End>, &'a str> {
        if !self.skip("from") {
            return Ok(None);
        }
        self.skip("the");
        let end = self.take(|word| match word {
            "client" => Some(End::Client),
            "server" => Some(End::Server),
            _ => None,
        });
        end.map(Some).ok_or(self.0.first().copied().unwrap_or("from"))
    }

    /// `seed 7`, or `chosen at random with seed 7`.
    fn seed(&mut self) -> Result<Option<u64>, &'a str> {
        if self.0.starts_with(&["chosen", "at", "random", "with"]) {
            self.0.drain(..4);
        }
        if !self.skip("seed") {
            return Ok(None);
        }
        let seed = self.take(|word| word.parse().ok());
        seed.map(Some).ok_or(self.0.first().copied().unwrap_or("seed"))
    }
}

const NUMBERS: [&str; 12] = [
    "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
    "twelve",
];

const ORDINALS: [&str; 12] = [
    "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth",
    "eleventh", "twelfth",
];

/// A number from 1, in a word or in digits.
fn number(word: &str) -> Option<u64> {
    let of_word = || (1..).zip(NUMBERS).find(|(_, name)| *name == word).map(|(number, _)| number);
    word.parse().ok().filter(|number| *number > 0).or_else(of_word)
}

/// `third` or `3rd`.
fn ordinal(word: &str) -> Option<u64> {
    let of_word = || (1..).zip(ORDINALS).find(|(_, name)| *name == word).map(|(number, _)| number);
    let digits = ["st", "nd", "rd", "th"].iter().find_map(|suffix| word.strip_suffix(suffix));
    digits.and_then(|digits| digits.parse().ok()).filter(|number| *number > 0).or_else(of_word)
}

/// The kind of frame that these words name, in the singular or in the plural.
fn named(words: &[&str]) -> Option<FrameKind> {
    let singular = |word: &&str| word.strip_suffix('s').unwrap_or(word).to_owned();
    let name = words.iter().map(singular).collect::<Vec<_>>().join(" ");
    Some(match name.as_str() {
        "syn" => FrameKind::Syn,
        "syn-ack" | "syn,ack" | "syn+ack" | "syn ack" | "synack" => FrameKind::SynAck,
        "ack" | "bare ack" => FrameKind::Ack,
        "fin" => FrameKind::Fin,
        "rst" | "reset" => FrameKind::Rst,
        "data" | "data segment" | "segment with data" => FrameKind::Data,
        "segment" | "tcp" | "tcp segment" => FrameKind::Tcp,
        "datagram" | "udp" | "udp datagram" => FrameKind::Udp,
        "icmp" | "icmp message" => FrameKind::Icmp,
        "arp" | "arp message" => FrameKind::Arp,
        "packet" | "ip packet" => FrameKind::Anything,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meant(kind: FrameKind, choice: Choice) -> Result<FrameMatch, NotUnderstood> {
        Ok(FrameMatch { kind, from: None, choice })
    }

    #[test]
    fn words_say_which_frames() {
        for (words, kind, choice) in [
            ("first SYN", FrameKind::Syn, Choice::First(1)),
            ("the first 3 SYNs", FrameKind::Syn, Choice::First(3)),
            ("first two syn-acks", FrameKind::SynAck, Choice::First(2)),
            ("second data segment", FrameKind::Data, Choice::Nth(2)),
            ("the 2nd segment with data", FrameKind::Data, Choice::Nth(2)),
            ("23rd FIN", FrameKind::Fin, Choice::Nth(23)),
            ("every third datagram", FrameKind::Udp, Choice::EveryNth(3)),
            ("every other packet", FrameKind::Anything, Choice::EveryNth(2)),
            ("every first packet", FrameKind::Anything, Choice::Every),
            ("all datagrams", FrameKind::Udp, Choice::Every),
            ("every bare ACK", FrameKind::Ack, Choice::Every),
            ("SYN,ACK", FrameKind::SynAck, Choice::Every),
            ("RST", FrameKind::Rst, Choice::Every),
            ("20% of TCP segments", FrameKind::Tcp, Choice::Share { percent: 20, seed: 1 }),
            ("20%", FrameKind::Anything, Choice::Share { percent: 20, seed: 1 }),
            ("5 % of ARP messages seed 7", FrameKind::Arp, Choice::Share { percent: 5, seed: 7 }),
        ] {
            assert_eq!(frames(words), meant(kind, choice), "{words}");
        }
        let from_server = FrameMatch { from: Some(End::Server), ..FrameKind::Data.into() };
        assert_eq!(frames("data from the server"), Ok(from_server));
    }

    #[test]
    fn what_is_not_understood_is_named_with_what_is() {
        for (words, word) in [
            ("thrid SYN", "thrid syn"),
            ("first SNY", "sny"),
            ("0th SYN", "0th syn"),
            ("first 0 SYNs", "0 syn"),
            ("second SYN from alice", "alice"),
            ("second SYN from", "from"),
            ("SYN seed 7", "seed"),
            ("120% of packets", "120%"),
            ("20% of packets seed", "seed"),
            ("every 3 packets", "3 packets"),
        ] {
            let error = frames(words).expect_err(words);
            assert!(
                matches!(&error, NotUnderstood::Word { word: found, .. } if found.starts_with(word)),
                "{words}: {error:?}"
            );
            let said = error.to_string();
            assert!(said.contains(words) && said.contains("`every third datagram`"), "{said}");
            assert!(said.contains("SYN-ACK, ACK"), "{said}");
        }
        for words in ["", "first", "every", "from the client"] {
            assert!(matches!(frames(words), Err(NotUnderstood::Kind { .. })), "{words}");
        }
    }

    #[test]
    fn loss_is_a_share() {
        let share = FrameMatch {
            choice: Choice::Share { percent: 20, seed: 1 },
            ..FrameKind::Anything.into()
        };
        assert_eq!(loss("20%"), Ok(Rule::Drop(share)));
        assert_eq!(loss("20% of datagrams").map(|_| ()), Ok(()));
        for words in ["20", "0%", "101%", "first SYN", "some", ""] {
            let said = loss(words).expect_err(words).to_string();
            assert!(said.contains("with its %"), "{said}");
        }
    }

    #[test]
    fn a_delay_is_a_time_and_perhaps_some_frames() {
        let all = Rule::Delay { frames: FrameKind::Anything.into(), by_ns: 50_000_000 };
        assert_eq!(delay("50ms"), Ok(all));
        let second = FrameMatch { choice: Choice::Nth(2), ..FrameKind::Data.into() };
        let one = Ok(Rule::Delay { frames: second, by_ns: 2_000_000_000 });
        assert_eq!(delay("2s second data segment"), one);
        assert_eq!(delay("2s for the second data segment"), one);
        for words in ["50", "0ms", "second data segment", "", "-1s"] {
            let said = delay(words).expect_err(words).to_string();
            assert!(said.contains("`50ms`"), "{said}");
        }
        assert!(matches!(delay("2s second"), Err(NotUnderstood::Kind { .. })));
    }

    #[test]
    fn a_cut_has_its_time() {
        assert_eq!(cut_after("2s"), Ok(Rule::CutAfter { after_ns: 2_000_000_000 }));
        assert!(matches!(cut_after("soon"), Err(NotUnderstood::Span { .. })));
    }
}
