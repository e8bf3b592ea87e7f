//! The rules that decide what the link does with frames: `drop(first(Syn))`, `delay(every(Anything), 50 ms)`.
//!
//! Every rule counts the frames that match it, whatever becomes of them. All rules that select a frame apply together: dropping
//! outranks everything else, delays add up.

use std::time::Duration;

use crate::trace::packet::{Disposition, End, Layers, LinkAction};
use crate::trace::rule::{Choice, FrameKind, FrameMatch, Rule};

impl FrameKind {
    /// Whether a frame is of this kind.
    pub fn is(self, layers: &Layers) -> bool {
        let tcp = |test: fn(&Layers, crate::trace::packet::Flags) -> bool| {
            layers.tcp.as_ref().is_some_and(|tcp| test(layers, tcp.flags))
        };
        match self {
            FrameKind::Syn => tcp(|_, flags| flags.syn() && !flags.ack()),
            FrameKind::SynAck => tcp(|_, flags| flags.syn() && flags.ack()),
            FrameKind::Ack => tcp(|layers, flags| {
                flags.ack()
                    && !flags.syn()
                    && !flags.fin()
                    && !flags.rst()
                    && layers.payload_bytes == 0
            }),
            FrameKind::Fin => tcp(|_, flags| flags.fin()),
            FrameKind::Rst => tcp(|_, flags| flags.rst()),
            FrameKind::Data => tcp(|layers, _| layers.payload_bytes > 0),
            FrameKind::Tcp => tcp(|_, _| true),
            FrameKind::Udp => layers.ip.as_ref().is_some_and(|ip| ip.protocol == 17),
            FrameKind::Icmp => layers.ip.as_ref().is_some_and(|ip| ip.protocol == 1),
            FrameKind::Arp => layers.arp.is_some(),
            FrameKind::Anything => layers.ip.is_some(),
        }
    }

    /// Every such frame that this end sends.
    pub fn from(self, end: End) -> FrameMatch {
        every(self).from(end)
    }
}

/// The first frame of a kind.
pub fn first(of: impl Into<FrameMatch>) -> FrameMatch {
    FrameMatch { choice: Choice::First(1), ..of.into() }
}

/// The first `count` frames.
pub fn first_few(count: usize, of: impl Into<FrameMatch>) -> FrameMatch {
    FrameMatch { choice: Choice::First(count as u64), ..of.into() }
}

/// One frame alone, counted from 1.
pub fn nth(number: usize, of: impl Into<FrameMatch>) -> FrameMatch {
    FrameMatch { choice: Choice::Nth(number as u64), ..of.into() }
}

/// All frames of a kind.
pub fn every(of: impl Into<FrameMatch>) -> FrameMatch {
    FrameMatch { choice: Choice::Every, ..of.into() }
}

/// A pseudorandom share of the frames; the same seed selects the same numbers again.
pub fn share(percent: usize, of: impl Into<FrameMatch>, seed: u64) -> FrameMatch {
    FrameMatch { choice: Choice::Share { percent: percent as u64, seed }, ..of.into() }
}

impl FrameMatch {
    /// Only frames that this end sends; others are not counted.
    pub fn from(self, end: End) -> FrameMatch {
        FrameMatch { from: Some(end), ..self }
    }

    /// Whether a frame counts.
    pub(super) fn counts(&self, layers: &Layers, sent_by: End) -> bool {
        self.kind.is(layers) && self.from.is_none_or(|end| end == sent_by)
    }

    /// Whether the rule applies to the frame with this number, counted from 1.
    pub(super) fn selects(&self, number: u64) -> bool {
        match self.choice {
            Choice::Every => true,
            Choice::First(few) => number <= few,
            Choice::Nth(nth) => number == nth,
            Choice::EveryNth(nth) => nth != 0 && number.is_multiple_of(nth),
            Choice::Share { percent, seed } => splitmix64(seed, number) % 100 < percent,
        }
    }

    /// The number of the frame that ends a wait for it: the last of the first few.
    pub(super) fn completed_by(&self) -> u64 {
        match self.choice {
            Choice::First(few) => few.max(1),
            Choice::Nth(nth) | Choice::EveryNth(nth) => nth.max(1),
            Choice::Every | Choice::Share { .. } => 1,
        }
    }
}

/// SplitMix64 (Steele et al. 2014): a pseudorandom number that depends on seed and number alone.
fn splitmix64(seed: u64, number: u64) -> u64 {
    let mut z = seed.wrapping_add(number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A rule in force.
#[derive(Clone, Debug)]
struct Active {
    rule: Rule,
    frames: FrameMatch,
    /// Frames counted so far.
    counted: u64,
}

/// The rules in force, and whether the link is cut.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    active: Vec<Active>,
    cut: bool,
    cut_after_ns: Option<u64>,
    /// When the first packet came.
    first_ns: Option<u64>,
}

impl FromIterator<Rule> for Rules {
    /// These rules from the beginning.
    fn from_iter<T: IntoIterator<Item = Rule>>(all: T) -> Rules {
        let mut rules = Rules::default();
        for rule in all {
            match &rule {
                Rule::Drop(frames)
                | Rule::Delay { frames, .. }
                | Rule::Duplicate(frames)
                | Rule::Reorder(frames)
                | Rule::Hold(frames) => rules.add(*frames, rule),
                Rule::Cut => rules.cut(),
                Rule::CutAfter { after_ns } => rules.cut_after_ns = Some(*after_ns),
                Rule::NoSuchAddress | Rule::Text(_) => {} // no rules of anybody's, only reasons
            }
        }
        rules
    }
}

impl Rules {
    fn add(&mut self, frames: FrameMatch, rule: Rule) {
        self.active.push(Active { rule, frames, counted: 0 });
    }

    /// Drops these frames.
    pub fn drop(&mut self, frames: FrameMatch) {
        self.add(frames, Rule::Drop(frames));
    }

    /// Delays these frames; a delay of zero is not a rule.
    pub fn delay(&mut self, frames: FrameMatch, by: Duration) {
        if !by.is_zero() {
            let by_ns = u64::try_from(by.as_nanos()).unwrap_or(u64::MAX);
            self.add(frames, Rule::Delay { frames, by_ns });
        }
    }

    /// Delivers these frames twice.
    pub fn duplicate(&mut self, frames: FrameMatch) {
        self.add(frames, Rule::Duplicate(frames));
    }

    /// Delivers these frames right after the next packet from the same end.
    pub fn reorder(&mut self, frames: FrameMatch) {
        self.add(frames, Rule::Reorder(frames));
    }

    /// Holds these frames until they are released, or the next packet from the same end overtakes them.
    pub fn hold(&mut self, frames: FrameMatch) {
        self.add(frames, Rule::Hold(frames));
    }

    /// Cuts the link: no IP packet arrives any more. ARP is still answered, by the near neighbour.
    pub fn cut(&mut self) {
        self.cut = true;
    }

    /// Restores the link; lost packets stay lost.
    pub fn plug_in(&mut self) {
        self.cut = false;
    }

    /// Removes all rules.
    pub fn clear(&mut self) {
        self.active.clear();
    }

    /// Decides what happens to a frame, and counts it; `now_ns` is its time.
    pub fn apply(&mut self, layers: &Layers, sent_by: End, now_ns: u64) -> Disposition {
        let mut disposition = Disposition::default();
        for active in &mut self.active {
            if !active.frames.counts(layers, sent_by) {
                continue;
            }
            active.counted += 1;
            if !active.frames.selects(active.counted) || disposition.action == LinkAction::Dropped {
                continue;
            }
            let action = match active.rule {
                Rule::Drop(_) => {
                    disposition.delay_ns = 0;
                    disposition.rules.clear();
                    LinkAction::Dropped
                }
                Rule::Delay { by_ns, .. } => {
                    disposition.delay_ns = disposition.delay_ns.saturating_add(by_ns);
                    LinkAction::Delayed
                }
                Rule::Duplicate(_) => LinkAction::Duplicated,
                _ => LinkAction::Held,
            };
            if outranks(action, disposition.action) {
                disposition.action = action;
            }
            disposition.rules.push(active.rule.clone());
        }
        let cut = layers.ip.as_ref().and_then(|_| self.cut_by(now_ns));
        cut.map_or(disposition, |rule| Disposition {
            action: LinkAction::Cut,
            delay_ns: 0,
            rules: vec![rule],
        })
    }

    /// The rule by which the link is cut for a packet at this time, if it is.
    fn cut_by(&mut self, now_ns: u64) -> Option<Rule> {
        let first_ns = *self.first_ns.get_or_insert(now_ns);
        let is_late = |after_ns: &u64| now_ns.saturating_sub(first_ns) >= *after_ns;
        let late = self.cut_after_ns.filter(is_late).map(|after_ns| Rule::CutAfter { after_ns });
        if self.cut { Some(Rule::Cut) } else { late }
    }
}

/// Which of two outcomes is recorded when both apply.
fn outranks(one: LinkAction, than: LinkAction) -> bool {
    let rank = |action| match action {
        LinkAction::Passed => 0,
        LinkAction::Delayed => 1,
        LinkAction::Duplicated => 2,
        LinkAction::Held => 3,
        LinkAction::Cut => 4,
        LinkAction::Dropped => 5,
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

    fn actions(rules: &mut Rules, frames: &[(Layers, End)]) -> Vec<LinkAction> {
        frames.iter().map(|(layers, end)| rules.apply(layers, *end, 0).action).collect()
    }

    #[test]
    fn each_kind_is_told_from_the_others() {
        let kinds = [
            FrameKind::Syn,
            FrameKind::SynAck,
            FrameKind::Ack,
            FrameKind::Fin,
            FrameKind::Rst,
            FrameKind::Data,
            FrameKind::Tcp,
            FrameKind::Udp,
        ];
        let of =
            |layers: &Layers| kinds.into_iter().filter(|kind| kind.is(layers)).collect::<Vec<_>>();
        assert_eq!(of(&segment(SYN, 0)), [FrameKind::Syn, FrameKind::Tcp]);
        assert_eq!(of(&segment(SYN_ACK, 0)), [FrameKind::SynAck, FrameKind::Tcp]);
        assert_eq!(of(&segment(ACK, 0)), [FrameKind::Ack, FrameKind::Tcp]);
        assert_eq!(of(&segment(ACK | 0x08, 5)), [FrameKind::Data, FrameKind::Tcp]);
        assert_eq!(of(&segment(ACK | 0x01, 0)), [FrameKind::Fin, FrameKind::Tcp]);
        assert_eq!(of(&segment(ACK | 0x04, 0)), [FrameKind::Rst, FrameKind::Tcp]);
        assert_eq!(of(&Layers::default()), []);
    }

    #[test]
    fn dropping_beats_delaying_and_is_told_alone() {
        let mut rules = Rules::default();
        let (dropped, delayed) = (first(FrameKind::Syn), every(FrameKind::Anything));
        rules.drop(dropped);
        rules.delay(delayed, Duration::from_millis(50));
        let disposition = rules.apply(&segment(SYN, 0), End::Client, 0);
        let applied = vec![Rule::Drop(dropped)];
        assert_eq!(
            disposition,
            Disposition { action: LinkAction::Dropped, delay_ns: 0, rules: applied }
        );
        let disposition = rules.apply(&segment(SYN, 0), End::Client, 0);
        let (frames, by_ns) = (delayed, 50_000_000);
        let applied = vec![Rule::Delay { frames, by_ns }];
        assert_eq!(
            disposition,
            Disposition { action: LinkAction::Delayed, delay_ns: by_ns, rules: applied }
        );
    }

    #[test]
    fn a_rule_counts_what_it_is_about_and_nothing_else() {
        let mut rules = Rules::default();
        rules.drop(nth(2, FrameKind::Syn.from(End::Client)));
        rules.drop(first(FrameKind::Syn)); // the first rule counts this one too
        let syn = |end| (segment(SYN, 0), end);
        let sent = [
            syn(End::Client),
            syn(End::Server),
            (segment(SYN_ACK, 0), End::Client),
            syn(End::Client),
            syn(End::Client),
        ];
        use LinkAction::{Dropped, Passed};
        assert_eq!(actions(&mut rules, &sent), [Dropped, Passed, Passed, Dropped, Passed]);
    }

    #[test]
    fn delays_add_up_and_a_duplicate_is_delayed_too() {
        let mut rules = Rules::default();
        rules.delay(every(FrameKind::Tcp), Duration::from_millis(2));
        rules.duplicate(every(FrameKind::Syn));
        rules.delay(every(FrameKind::Syn), Duration::from_millis(3));
        let disposition = rules.apply(&segment(SYN, 0), End::Client, 0);
        assert_eq!((disposition.action, disposition.delay_ns), (LinkAction::Duplicated, 5_000_000));
    }

    #[test]
    fn a_cut_wire_loses_packets_until_it_is_plugged_in_and_answers_arp() {
        let mut rules = Rules::default();
        rules.cut();
        assert_eq!(rules.apply(&segment(SYN, 0), End::Client, 0).rules, [Rule::Cut]);
        assert_eq!(rules.apply(&Layers::default(), End::Client, 0).action, LinkAction::Passed);
        rules.plug_in();
        assert_eq!(rules.apply(&segment(SYN, 0), End::Client, 0).action, LinkAction::Passed);
    }

    #[test]
    fn the_link_is_cut_so_long_after_its_first_packet() {
        let second = 1_000_000_000;
        let mut rules = Rules::from_iter([Rule::CutAfter { after_ns: 2 * second }]);
        let mut at = |now_ns, layers: &Layers| rules.apply(layers, End::Client, now_ns);
        let (packet, arp) = (segment(SYN, 0), Layers::default());
        assert_eq!(at(second, &arp).action, LinkAction::Passed);
        assert_eq!(at(5 * second, &packet).action, LinkAction::Passed, "ARP is no packet");
        assert_eq!(at(7 * second - 1, &packet).action, LinkAction::Passed);
        let cut = at(7 * second, &packet);
        assert_eq!(cut.action, LinkAction::Cut);
        assert_eq!(cut.rules, [Rule::CutAfter { after_ns: 2 * second }]);
        assert_eq!(at(9 * second, &arp).action, LinkAction::Passed);
    }

    #[test]
    fn every_third_is_the_third_the_sixth_and_so_on() {
        let every_third = FrameMatch { choice: Choice::EveryNth(3), ..FrameKind::Syn.into() };
        let mut rules = Rules::from_iter([Rule::Drop(every_third)]);
        use LinkAction::{Dropped, Passed};
        assert_eq!(
            actions(&mut rules, &vec![(segment(SYN, 0), End::Client); 6]),
            [Passed, Passed, Dropped, Passed, Passed, Dropped]
        );
    }

    #[test]
    fn a_share_is_about_its_percentage_and_the_same_again_with_the_same_seed() {
        let run = |seed| {
            let mut rules = Rules::default();
            rules.drop(share(20, FrameKind::Data, seed));
            actions(&mut rules, &vec![(segment(ACK, 5), End::Client); 10_000])
        };
        let dropped = run(7).iter().filter(|action| **action == LinkAction::Dropped).count();
        assert!((1_800..2_200).contains(&dropped), "{dropped}");
        assert_eq!(run(7), run(7));
        assert_ne!(run(7), run(8));
    }
}
