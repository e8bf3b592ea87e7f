//! What the wire is to do with frames, as an experiment says it: `drop(first(Syn))`, `delay(every(Anything), 50 ms)`.
//!
//! Every rule counts the frames that it is about, whatever becomes of them; all rules that apply to a frame apply together:
//! dropping beats everything, delays add up. Every rule has a sentence, which is what the learner reads.

use std::borrow::Cow;
use std::time::Duration;

use crate::trace::packet::{End, Fate, Layers, Treatment};

/// A kind of frame, in the field's terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Traffic {
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

impl Traffic {
    /// Whether this frame is of that kind.
    #[must_use]
    pub fn is(self, layers: &Layers) -> bool {
        let tcp = |test: fn(&Layers, crate::trace::packet::Flags) -> bool| {
            layers.tcp.as_ref().is_some_and(|tcp| test(layers, tcp.flags))
        };
        match self {
            Traffic::Syn => tcp(|_, flags| flags.syn() && !flags.ack()),
            Traffic::SynAck => tcp(|_, flags| flags.syn() && flags.ack()),
            Traffic::Ack => tcp(|layers, flags| {
                flags.ack()
                    && !flags.syn()
                    && !flags.fin()
                    && !flags.rst()
                    && layers.payload_bytes == 0
            }),
            Traffic::Fin => tcp(|_, flags| flags.fin()),
            Traffic::Rst => tcp(|_, flags| flags.rst()),
            Traffic::Data => tcp(|layers, _| layers.payload_bytes > 0),
            Traffic::Tcp => tcp(|_, _| true),
            Traffic::Udp => layers.ip.as_ref().is_some_and(|ip| ip.protocol == 17),
            Traffic::Icmp => layers.ip.as_ref().is_some_and(|ip| ip.protocol == 1),
            Traffic::Arp => layers.arp.is_some(),
            Traffic::Anything => layers.ip.is_some(),
        }
    }

    /// One of them, and several.
    fn nouns(self) -> (&'static str, &'static str) {
        match self {
            Traffic::Syn => ("SYN", "SYNs"),
            Traffic::SynAck => ("SYN-ACK", "SYN-ACKs"),
            Traffic::Ack => ("bare ACK", "bare ACKs"),
            Traffic::Fin => ("FIN", "FINs"),
            Traffic::Rst => ("RST", "RSTs"),
            Traffic::Data => ("segment with data", "segments with data"),
            Traffic::Tcp => ("TCP segment", "TCP segments"),
            Traffic::Udp => ("UDP datagram", "UDP datagrams"),
            Traffic::Icmp => ("ICMP message", "ICMP messages"),
            Traffic::Arp => ("ARP message", "ARP messages"),
            Traffic::Anything => ("packet", "packets"),
        }
    }

    /// Only those that this end sends, every one.
    #[must_use]
    pub fn from(self, end: End) -> Which {
        every(self).from(end)
    }
}

/// Which frames: a kind, perhaps of one end only, and which of those.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Which {
    traffic: Traffic,
    from: Option<End>,
    choice: Choice,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Choice {
    Every,
    FirstFew(u64),
    Nth(u64),
    Share { percent: u64, seed: u64 },
}

/// The first one.
pub fn first(of: impl Into<Which>) -> Which {
    Which { choice: Choice::FirstFew(1), ..of.into() }
}

/// The first so many.
pub fn first_few(count: usize, of: impl Into<Which>) -> Which {
    Which { choice: Choice::FirstFew(count as u64), ..of.into() }
}

/// That one alone, counted from 1.
pub fn nth(number: usize, of: impl Into<Which>) -> Which {
    Which { choice: Choice::Nth(number as u64), ..of.into() }
}

/// Every one.
pub fn every(of: impl Into<Which>) -> Which {
    Which { choice: Choice::Every, ..of.into() }
}

/// So many percent of them, as if at random; the same seed chooses the same ones again, by their numbers.
pub fn share(percent: usize, of: impl Into<Which>, seed: u64) -> Which {
    Which { choice: Choice::Share { percent: percent as u64, seed }, ..of.into() }
}

impl From<Traffic> for Which {
    /// Every one of that kind.
    fn from(traffic: Traffic) -> Which {
        Which { traffic, from: None, choice: Choice::Every }
    }
}

impl Which {
    /// Only those that this end sends; others are not counted.
    #[must_use]
    pub fn from(self, end: End) -> Which {
        Which { from: Some(end), ..self }
    }

    /// Whether a frame is one to count.
    pub(super) fn counts(&self, layers: &Layers, sent_by: End) -> bool {
        self.traffic.is(layers) && self.from.is_none_or(|end| end == sent_by)
    }

    /// Whether the frame with that number, among those counted from 1, is meant.
    pub(super) fn means(&self, number: u64) -> bool {
        match self.choice {
            Choice::Every => true,
            Choice::FirstFew(few) => number <= few,
            Choice::Nth(nth) => number == nth,
            Choice::Share { percent, seed } => scatter(seed, number) % 100 < percent,
        }
    }

    /// The number of the frame that completes it: waiting for the first few is waiting for the last of them.
    pub(super) fn completed_by(&self) -> u64 {
        match self.choice {
            Choice::FirstFew(few) => few.max(1),
            Choice::Nth(nth) => nth.max(1),
            Choice::Every | Choice::Share { .. } => 1,
        }
    }

    /// As words: `the first SYN from the client`.
    #[must_use]
    pub fn words(&self) -> String {
        let (one, many) = self.traffic.nouns();
        let which = match self.choice {
            Choice::Every => format!("every {one}"),
            Choice::FirstFew(1) | Choice::Nth(1) => format!("the first {one}"),
            Choice::FirstFew(few) => format!("the first {few} {many}"),
            Choice::Nth(nth) => format!("the {nth}{} {one}", ordinal(nth)),
            Choice::Share { percent, seed } => format!("{percent} % of {many} (seed {seed})"),
        };
        self.from.map_or_else(|| which.clone(), |end| format!("{which} from the {end}"))
    }
}

fn ordinal(number: u64) -> &'static str {
    match (number % 10, number % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    }
}

/// A number that looks random and depends on both alone (SplitMix64, Steele et al. 2014).
fn scatter(seed: u64, number: u64) -> u64 {
    let mut z = seed.wrapping_add(number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[derive(Clone, Copy, Debug)]
enum Action {
    Drop,
    Delay(Duration),
    Duplicate,
    Reorder,
    Hold,
}

#[derive(Clone, Debug)]
struct Rule {
    which: Which,
    action: Action,
    sentence: String,
    /// Frames counted so far.
    counted: u64,
}

/// The rules that hold now, and whether the wire is cut.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    rules: Vec<Rule>,
    cut: bool,
}

impl Plan {
    fn add(&mut self, which: Which, action: Action) {
        let what = which.words();
        let sentence = match action {
            Action::Drop => format!("drop {what}"),
            Action::Delay(by) => format!("delay {what} by {}", humantime::format_duration(by)),
            Action::Duplicate => format!("duplicate {what}"),
            Action::Reorder => format!("let the next packet overtake {what}"),
            Action::Hold => format!("hold {what}"),
        };
        self.rules.push(Rule { which, action, sentence, counted: 0 });
    }

    /// These never arrive.
    pub fn drop(&mut self, which: Which) {
        self.add(which, Action::Drop);
    }

    /// These arrive later by that much; by nothing is no rule.
    pub fn delay(&mut self, which: Which, by: Duration) {
        if !by.is_zero() {
            self.add(which, Action::Delay(by));
        }
    }

    /// These arrive twice.
    pub fn duplicate(&mut self, which: Which) {
        self.add(which, Action::Duplicate);
    }

    /// These arrive right after the next packet from the same end.
    pub fn reorder(&mut self, which: Which) {
        self.add(which, Action::Reorder);
    }

    /// These arrive when they are let go, or right after the next packet from the same end.
    pub fn hold(&mut self, which: Which) {
        self.add(which, Action::Hold);
    }

    /// No IP packet arrives any more. ARP is still answered: the cut is beyond the neighbour that does that.
    pub fn cut(&mut self) {
        self.cut = true;
    }

    /// The wire is whole again; what was lost stays lost.
    pub fn plug_in(&mut self) {
        self.cut = false;
    }

    /// Takes all rules back.
    pub fn clear(&mut self) {
        self.rules.clear();
    }

    /// What becomes of this frame.
    pub fn judge(&mut self, layers: &Layers, sent_by: End) -> Treatment {
        let mut treatment = Treatment::default();
        let mut sentences: Vec<&str> = Vec::new();
        for rule in &mut self.rules {
            if !rule.which.counts(layers, sent_by) {
                continue;
            }
            rule.counted += 1;
            if !rule.which.means(rule.counted) || treatment.fate == Fate::Dropped {
                continue;
            }
            let fate = match rule.action {
                Action::Drop => {
                    treatment.delay_ns = 0;
                    sentences.clear();
                    Fate::Dropped
                }
                Action::Delay(by) => {
                    treatment.delay_ns = treatment
                        .delay_ns
                        .saturating_add(u64::try_from(by.as_nanos()).unwrap_or(u64::MAX));
                    Fate::Delayed
                }
                Action::Duplicate => Fate::Duplicated,
                Action::Reorder | Action::Hold => Fate::Held,
            };
            if stronger(fate, treatment.fate) {
                treatment.fate = fate;
            }
            sentences.push(&rule.sentence);
        }
        if self.cut && layers.ip.is_some() {
            return Treatment {
                fate: Fate::Cut,
                delay_ns: 0,
                rule: Some(Cow::Borrowed("the wire is cut")),
            };
        }
        treatment.rule = (!sentences.is_empty()).then(|| Cow::Owned(sentences.join("; ")));
        treatment
    }
}

/// Which of two fates is told when both apply.
fn stronger(one: Fate, than: Fate) -> bool {
    let rank = |fate| match fate {
        Fate::Passed => 0,
        Fate::Delayed => 1,
        Fate::Duplicated => 2,
        Fate::Held => 3,
        Fate::Cut => 4,
        Fate::Dropped => 5,
    };
    rank(one) > rank(than)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::packet::{Flags, Tcp};

    fn segment(flags: u8, payload_bytes: usize) -> Layers {
        let tcp = Tcp {
            src_port: 1,
            dst_port: 2,
            flags: Flags(flags),
            seq: 0,
            ack: 0,
            window: 0,
            header_bytes: 20,
            options: Vec::new(),
        };
        let ip = crate::trace::packet::Ip {
            src: super::super::NEAR.into(),
            dst: super::super::FAR.into(),
            header_bytes: 20,
            total_bytes: 40,
            ttl: 64,
            protocol: 6,
            id: None,
            fragment_at: None,
        };
        Layers { tcp: Some(tcp), ip: Some(ip), payload_bytes, ..Layers::default() }
    }

    const SYN: u8 = 0x02;
    const SYN_ACK: u8 = 0x12;
    const ACK: u8 = 0x10;

    fn fates(plan: &mut Plan, frames: &[(Layers, End)]) -> Vec<Fate> {
        frames.iter().map(|(layers, end)| plan.judge(layers, *end).fate).collect()
    }

    #[test]
    fn each_kind_is_told_from_the_others() {
        let kinds = [
            Traffic::Syn,
            Traffic::SynAck,
            Traffic::Ack,
            Traffic::Fin,
            Traffic::Rst,
            Traffic::Data,
            Traffic::Tcp,
            Traffic::Udp,
        ];
        let of =
            |layers: &Layers| kinds.into_iter().filter(|kind| kind.is(layers)).collect::<Vec<_>>();
        assert_eq!(of(&segment(SYN, 0)), [Traffic::Syn, Traffic::Tcp]);
        assert_eq!(of(&segment(SYN_ACK, 0)), [Traffic::SynAck, Traffic::Tcp]);
        assert_eq!(of(&segment(ACK, 0)), [Traffic::Ack, Traffic::Tcp]);
        assert_eq!(of(&segment(ACK | 0x08, 5)), [Traffic::Data, Traffic::Tcp]);
        assert_eq!(of(&segment(ACK | 0x01, 0)), [Traffic::Fin, Traffic::Tcp]);
        assert_eq!(of(&segment(ACK | 0x04, 0)), [Traffic::Rst, Traffic::Tcp]);
        assert_eq!(of(&Layers::default()), []);
    }

    #[test]
    fn rules_read_as_sentences() {
        let mut plan = Plan::default();
        plan.drop(first(Traffic::Syn));
        plan.delay(every(Traffic::Anything), Duration::from_millis(50));
        let treatment = plan.judge(&segment(SYN, 0), End::Client);
        assert_eq!((treatment.fate, treatment.delay_ns), (Fate::Dropped, 0));
        assert_eq!(treatment.to_string(), "dropped: drop the first SYN");
        let treatment = plan.judge(&segment(SYN, 0), End::Client);
        assert_eq!((treatment.fate, treatment.delay_ns), (Fate::Delayed, 50_000_000));
        assert_eq!(treatment.to_string(), "delayed: delay every packet by 50ms");
        for (which, words) in [
            (first_few(2, Traffic::SynAck), "the first 2 SYN-ACKs"),
            (nth(2, Traffic::Data), "the 2nd segment with data"),
            (nth(11, Traffic::Udp), "the 11th UDP datagram"),
            (nth(23, Traffic::Fin.from(End::Server)), "the 23rd FIN from the server"),
            (share(20, Traffic::Udp, 7), "20 % of UDP datagrams (seed 7)"),
        ] {
            assert_eq!(which.words(), words);
        }
    }

    #[test]
    fn a_rule_counts_what_it_is_about_and_nothing_else() {
        let mut plan = Plan::default();
        plan.drop(nth(2, Traffic::Syn.from(End::Client)));
        plan.drop(first(Traffic::Syn)); // the first rule counts this one too
        let syn = |end| (segment(SYN, 0), end);
        let sent = [
            syn(End::Client),
            syn(End::Server),
            (segment(SYN_ACK, 0), End::Client),
            syn(End::Client),
            syn(End::Client),
        ];
        use Fate::{Dropped, Passed};
        assert_eq!(fates(&mut plan, &sent), [Dropped, Passed, Passed, Dropped, Passed]);
    }

    #[test]
    fn delays_add_up_and_a_duplicate_is_delayed_too() {
        let mut plan = Plan::default();
        plan.delay(every(Traffic::Tcp), Duration::from_millis(2));
        plan.duplicate(every(Traffic::Syn));
        plan.delay(every(Traffic::Syn), Duration::from_millis(3));
        let treatment = plan.judge(&segment(SYN, 0), End::Client);
        assert_eq!((treatment.fate, treatment.delay_ns), (Fate::Duplicated, 5_000_000));
    }

    #[test]
    fn a_cut_wire_loses_packets_until_it_is_plugged_in_and_answers_arp() {
        let mut plan = Plan::default();
        plan.cut();
        assert_eq!(plan.judge(&segment(SYN, 0), End::Client).to_string(), "lost: the wire is cut");
        assert_eq!(plan.judge(&Layers::default(), End::Client).fate, Fate::Passed);
        plan.plug_in();
        assert_eq!(plan.judge(&segment(SYN, 0), End::Client).fate, Fate::Passed);
    }

    #[test]
    fn a_share_is_about_its_percentage_and_the_same_again_with_the_same_seed() {
        let run = |seed| {
            let mut plan = Plan::default();
            plan.drop(share(20, Traffic::Data, seed));
            fates(&mut plan, &vec![(segment(ACK, 5), End::Client); 10_000])
        };
        let dropped = run(7).iter().filter(|fate| **fate == Fate::Dropped).count();
        assert!((1_800..2_200).contains(&dropped), "{dropped}");
        assert_eq!(run(7), run(7));
        assert_ne!(run(7), run(8));
    }
}
