//! From frames to steps: what each says, when it leaves and arrives, and what it makes of its ends' TCP states.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::builder::Builder;
use super::diagram::{KnownBy, Likeness, SegmentRow, Shape, Step, Transit};
use crate::analysis::Segment;
use crate::i18n::{tr, tr_n};
use crate::labels;
use crate::picture::phrase::Phrase;
use crate::picture::{Ink, span_of};
use crate::reasons;
use crate::trace::packet::{Layers, LinkAction, Tcp};
use crate::trace::{Data, EventKind};
use crate::views::SeqNumbers;

/// A transit that took less is not worth saying, in nanoseconds.
const NOTICEABLE_NS: u64 = 1_000_000;
/// Data that is longer than this, in bytes, is not quoted.
const QUOTED: usize = 24;

impl Builder<'_> {
    /// The steps of all frames, and of the states. `others` are the times of all other steps.
    pub(super) fn segments(&self, mut others: Vec<u64>, numbers: SeqNumbers) -> Vec<Step> {
        let wire = || self.analysis.shown_wire();
        let shown = |segment: &&Segment| segment.frame.layers.arp.is_none();
        let tail_ns = self.analysis.cleanup_ns().unwrap_or(u64::MAX);
        let (before, tail): (Vec<&Segment>, Vec<&Segment>) =
            wire().filter(shown).partition(|segment| segment.left_ns < tail_ns);
        others.extend(
            before
                .iter()
                .flat_map(|segment| segment.arrived_ns.iter().copied().chain([segment.left_ns])),
        );
        others.extend(self.analysis.states.iter().map(|change| change.at_ns));
        others.sort_unstable();
        // Where the wire carries hardly anything else, ARP is the point.
        let asking = wire().filter(|segment| segment.frame.layers.arp.is_some()).count();
        let mut steps = if asking * 2 >= wire().count() { self.arp_frames() } else { self.arp() };
        for segment in before {
            self.segment(segment, &others, numbers, &mut steps);
        }
        for change in self.analysis.states.iter().filter(|change| change.at_ns < tail_ns) {
            let Some(&lane) = self.lane_of.get(&change.who) else {
                continue;
            };
            let shape =
                Shape::State { lane, state: change.state.to_owned(), known_by: KnownBy::Segments };
            let likeness = Likeness::State { lane, state: change.state.to_owned(), source: None };
            let opens = ["SYN_SENT", "SYN_RECV", "ESTABLISHED"].contains(&change.state);
            steps.push(Step::new(change.at_ns, shape, likeness).opening(opens));
        }
        if let Some(first) = tail.first() {
            let flags = tail.iter().filter_map(|segment| {
                Some(format!("{} {}", labels::actor(&segment.from), segment.tcp()?.flags))
            });
            let said = flags.collect::<Vec<_>>().join(tr!(", "));
            let count = tail.len();
            let words = vec![
                tr!("the experiment ends, and its sockets are closed: {said}", said),
                tr_n!(
                    count,
                    "end: {count} closing segment",
                    "end: {count} closing segments",
                    count
                ),
                tr!("{count} at the end", count),
            ];
            steps.push(Step::new(first.left_ns, Shape::Aside(words), Likeness::Other));
        }
        steps
    }

    fn segment(
        &self,
        segment: &Segment,
        others: &[u64],
        numbers: SeqNumbers,
        steps: &mut Vec<Step>,
    ) {
        let Some(&from) = self.lane_of.get(&segment.from) else { return };
        let receivers = match segment.to_many() {
            Some(_) => self.hosts_but(segment),
            None => self.lane_of.get(&segment.to).copied().into_iter().collect(),
        };
        for to in receivers {
            self.segment_between(segment, (from, to), others, numbers, steps);
        }
    }

    /// A lane of each host that gets what goes to all.
    fn hosts_but(&self, segment: &Segment) -> Vec<usize> {
        let sender = segment.frame.layers.ip.as_ref().map(|ip| ip.src);
        let mut lanes: BTreeMap<IpAddr, usize> = BTreeMap::new();
        for event in self.analysis.recording.events() {
            if let EventKind::Network { address } = event.what
                && let Some(&lane) = self.lane_of.get(&event.actor)
                && sender != Some(address.into())
            {
                lanes.entry(address.into()).or_insert(lane);
            }
        }
        lanes.into_values().collect()
    }

    fn segment_between(
        &self,
        segment: &Segment,
        (from, to): (usize, usize),
        others: &[u64],
        numbers: SeqNumbers,
        steps: &mut Vec<Step>,
    ) {
        let layers = &segment.frame.layers;
        let again = segment.again_after_ns.is_some();
        let action = segment.frame.action();
        let ink = match layers.tcp.as_ref().map(|tcp| tcp.flags) {
            _ if again => Ink::Warn,
            Some(flags) if flags.rst() => Ink::Bad,
            _ => Ink::Strong,
        };
        let special = layers
            .tcp
            .as_ref()
            .is_some_and(|tcp| tcp.flags.syn() || tcp.flags.fin() || tcp.flags.rst());
        let usual = matches!(action, None | Some(LinkAction::Passed | LinkAction::Delayed))
            && !again
            && !special
            && layers.icmp.is_none()
            && layers.malformed.is_none();
        let flags = layers.tcp.as_ref().map(|tcp| tcp.flags);
        let mut push = |at_ns: u64, words: Phrase, transit: Transit| {
            let leaves = transit == Transit::Leaves;
            let likeness = Likeness::Segment { from, to, flags, again, action, leaves };
            let opens = !again && !matches!(transit, Transit::Stops(_)) && is_of_opening(layers);
            let segment_row =
                SegmentRow { from, to, words, ink, transit, bytes: layers.payload_bytes };
            steps.push(Step {
                uneventful: usual,
                opens,
                ..Step::new(at_ns, Shape::Segment(segment_row), likeness)
            });
        };
        let words = segment_words(segment, numbers);
        let Some(&first) = segment.arrived_ns.first() else {
            let transit = if segment.frame.is_lost() {
                Transit::Stops(reasons(segment))
            } else {
                Transit::Leaves
            };
            return push(segment.left_ns, words, transit);
        };
        let took = |at_ns: u64| at_ns.saturating_sub(segment.left_ns);
        let between = |from_ns: u64, to_ns: u64| {
            others
                .partition_point(|at| *at < to_ns)
                .saturating_sub(others.partition_point(|at| *at <= from_ns))
                > 0
        };
        let late = |at_ns: u64| (took(at_ns) >= NOTICEABLE_NS).then(|| transit_words(took(at_ns)));
        let twice = segment
            .arrived_ns
            .get(1)
            .is_some_and(|second| !between(segment.left_ns.max(first), *second));
        if between(segment.left_ns, first) {
            push(segment.left_ns, words.clone(), Transit::Leaves);
            push(first, words.clone(), Transit::Arrives(transit_words(took(first))));
        } else {
            let note = if twice {
                Some(vec![tr!("arrives twice").to_owned(), tr!("twice").to_owned()])
            } else {
                late(first)
            };
            push(segment.left_ns, words.clone(), Transit::Whole(note));
        }
        for copy in segment.arrived_ns.iter().skip(if twice { 2 } else { 1 }) {
            push(
                *copy,
                words.iter().map(|text| tr!("{text}, its copy", text)).collect(),
                Transit::Arrives(transit_words(took(*copy))),
            );
        }
    }
}

/// True for a SYN, and for an ACK that carries nothing.
fn is_of_opening(layers: &Layers) -> bool {
    let flags = layers.tcp.as_ref().map(|tcp| tcp.flags);
    flags.is_some_and(|flags| !flags.fin() && !flags.rst() && (flags.syn() || flags.ack()))
        && layers.payload_bytes == 0
}

/// How long a frame was on its way, in words that nobody takes for a second time of the row.
fn transit_words(ns: u64) -> Phrase {
    vec![tr!("took {span}", span = span_of(ns)), span_of(ns)]
}

/// Why it was lost, in the plan's words.
pub(super) fn reasons(segment: &Segment) -> Phrase {
    let frame = &segment.frame;
    let plain = if frame.action() == Some(LinkAction::Cut) { tr!("cut") } else { tr!("dropped") };
    reasons::rules(frame.rules()).into_iter().chain([plain.to_owned()]).collect()
}

/// What it says, from the longest wording to the shortest.
fn segment_words(segment: &Segment, numbers: SeqNumbers) -> Phrase {
    let layers = &segment.frame.layers;
    match (&layers.tcp, &layers.udp, &layers.icmp) {
        (Some(tcp), ..) => tcp_words(segment, tcp, numbers),
        (_, Some(_), _) => {
            let bytes = format!("UDP {} B", layers.payload_bytes);
            let quoted = quote(&segment.payload())
                .map(|text| format!("UDP {text} {} B", layers.payload_bytes));
            quoted.into_iter().chain([bytes, "UDP".to_owned()]).collect()
        }
        (.., Some(icmp)) => match (icmp.kind, icmp.code) {
            (3, 3) => vec![tr!("ICMP port unreachable").to_owned(), "ICMP 3/3".to_owned()],
            (kind, code) => {
                vec![tr!("ICMP type {kind} code {code}", kind, code), format!("ICMP {kind}/{code}")]
            }
        },
        _ => other_words(layers),
    }
}

fn other_words(layers: &Layers) -> Phrase {
    let fragment = layers
        .ip
        .as_ref()
        .and_then(|ip| ip.fragment_at)
        .map(|at| tr!("fragment from byte {at}", at));
    fragment.into_iter().chain([layers.to_string(), tr!("frame").to_owned()]).collect()
}

fn quote(data: &Data) -> Option<String> {
    (1..=QUOTED).contains(&data.bytes).then(|| data.to_string())
}

fn tcp_words(segment: &Segment, tcp: &Tcp, numbers: SeqNumbers) -> Phrase {
    let flags = match tcp.flags.to_string() {
        none if none.is_empty() => tr!("no flags").to_owned(),
        flags => flags,
    };
    let counted = |relative: Option<u32>, header: u32| {
        relative.filter(|_| numbers == SeqNumbers::Relative).unwrap_or(header)
    };
    let seq = format!(" seq {}", counted(segment.seq, tcp.seq));
    let ack = if tcp.flags.ack() {
        format!(" ack {}", counted(segment.ack, tcp.ack))
    } else {
        String::new()
    };
    let bytes = segment.frame.layers.payload_bytes;
    let again: Vec<String> = match segment.again_after_ns {
        Some(ns) => {
            let span = span_of(ns);
            let after = tr!(", again after {span}", span);
            vec![after, tr!(", again +{span}", span), tr!(", again").to_owned()]
        }
        None => vec![String::new()],
    };
    let (long, short) = (&again[0], &again[again.len() - 1]);
    let brief = flags.replace("PSH,", "");
    let briefest = segment.again_after_ns.is_some().then(|| {
        let flag = brief.split(',').next().unwrap_or_default();
        tr!("{flag} again", flag)
    });
    let middle = &again[again.len() / 2];
    if bytes == 0 {
        // What a segment without data is for: a SYN or a FIN has its own number, an ACK the other's.
        let main = if segment.takes() > 0 || !tcp.flags.ack() { &seq } else { &ack };
        let all = [
            (&seq, &ack, long),
            (&seq, &ack, middle),
            (main, &String::new(), long),
            (main, &String::new(), middle),
        ];
        let all = all.iter().map(|(seq, ack, again)| format!("{flags}{seq}{ack}{again}"));
        let all = all.chain([format!("{flags}{main}{short}"), format!("{flags}{short}")]);
        return all.chain(briefest).collect();
    }
    let text = quote(&segment.payload()).map(|text| format!(" {text}"));
    let mut rests: Phrase = Vec::new();
    if let Some(text) = &text {
        rests.extend([
            format!("{seq}{ack}{text} {bytes} B{long}"),
            format!("{seq}{text} {bytes} B{long}"),
        ]);
    } else {
        rests.push(format!("{seq}{ack} {bytes} B{long}"));
    }
    rests.extend([
        format!("{seq} {bytes} B{long}"),
        format!("{seq} {bytes} B{middle}"),
        format!("{seq} {bytes} B{short}"),
        format!("{seq}{short}"),
        format!(" {bytes} B{short}"),
        short.clone(),
    ]);
    let rests = rests.iter().map(|rest| format!("{flags}{rest}"));
    rests.chain([format!("{brief}{short}")]).chain(briefest).collect()
}
