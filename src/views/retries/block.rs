//! Series of what was sent again, as lines: each time that it left, the calls that waited for it, deliberate waits.

use crate::analysis::{Analysis, Content, Series};
use crate::i18n::tr;
use crate::picture::Ink;
use crate::reasons;
use crate::trace::packet::End;
use crate::trace::{Address, Syscall};
use crate::views::wording::{self, option_span, outcome_ink, safe, value};

/// A series shows at most this many of its frames.
pub(super) const MOST: usize = 18;

/// One line of the picture: a label, when, what came of it, and what lies on the axis.
pub(super) struct Line {
    pub(super) label: String,
    pub(super) at: u64,
    pub(super) outcome: String,
    pub(super) ink: Ink,
    /// From where the stroke comes, and how long that took; nothing before the first.
    pub(super) from: Option<u64>,
    pub(super) stroke: Stroke,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Stroke {
    /// The gap before a frame that arrived, or did not.
    Gap { arrived: bool },
    /// A call from entry to return.
    Call,
    /// A deliberate wait.
    Wait,
}

/// A heading and its lines.
pub(super) struct Block {
    pub(super) heading: String,
    /// Said below: by which rule it was lost, within which limits.
    pub(super) notes: Vec<String>,
    pub(super) lines: Vec<Line>,
    /// How often it was sent, and for how long.
    pub(super) weight: (usize, u64),
}

/// All of them, in the order in which they began.
pub(super) fn blocks(analysis: &Analysis) -> Vec<Block> {
    analysis.retransmissions.iter().map(|series| Block::of(series, analysis)).collect()
}

impl Block {
    fn of(series: &Series, analysis: &Analysis) -> Block {
        let mut lines = frames(series, analysis);
        let mut notes: Vec<String> = Vec::new();
        for frame in series.sent.iter().map(|at| &analysis.wire[*at].frame) {
            if let Some(rule) = reasons::rules(frame.rules())
                .map(|rule| safe(&rule))
                .filter(|rule| !notes.contains(rule))
            {
                notes.push(rule);
            }
        }
        notes.extend(limits(series, analysis));
        lines.extend(calls(series, analysis));
        for &(from_ns, to_ns) in &series.pauses {
            lines.push(Line {
                label: tr!("wait").into(),
                at: to_ns,
                outcome: String::new(),
                ink: Ink::Faint,
                from: Some(from_ns),
                stroke: Stroke::Wait,
            });
        }
        Block {
            heading: heading(series, analysis),
            notes,
            lines,
            weight: (series.sent.len(), series.ends_ns.saturating_sub(series.begins_ns)),
        }
    }
}

/// A line for each time that it was sent.
fn frames(series: &Series, analysis: &Analysis) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut before = None;
    for (number, segment) in (1..).zip(series.sent.iter().map(|at| &analysis.wire[*at])) {
        let (at, frame) = (segment.left_ns, &segment.frame);
        let outcome = frame.action().map_or("", wording::link_action);
        let (mark, ink) = if frame.is_lost() { ("✗", Ink::Bad) } else { ("▶", Ink::Good) };
        let label = format!("{} {number}", content_name(&series.content));
        lines.push(Line {
            label,
            at,
            outcome: format!("{mark} {outcome}"),
            ink,
            from: before,
            stroke: Stroke::Gap { arrived: !frame.is_lost() },
        });
        before = Some(at);
    }
    if lines.len() > MOST {
        let cut = lines.len() - MOST;
        lines.drain(MOST / 2..MOST / 2 + cut);
        lines[MOST / 2].label = format!("… {}", lines[MOST / 2].label);
    }
    lines
}

/// A line for each call that waited for it.
fn calls<'a>(series: &'a Series, analysis: &'a Analysis) -> impl Iterator<Item = Line> + 'a {
    let end_ns = analysis.recording.events().last().map_or(0, |event| event.at_ns);
    series.waits.iter().map(|call| &analysis.calls[*call]).map(move |span| {
        let (outcome, ink) = match &span.exit {
            None => (tr!("… blocked").to_owned(), Ink::Warn),
            Some(back) => (
                format!("= {}", safe(&back.outcome.to_string())),
                outcome_ink(&span.call.syscall, &back.outcome),
            ),
        };
        Line {
            label: safe(span.call.function()),
            at: span.returned_ns().min(end_ns),
            outcome,
            ink,
            from: Some(span.entered_ns),
            stroke: Stroke::Call,
        }
    })
}

fn heading(series: &Series, analysis: &Analysis) -> String {
    let frame = &analysis.wire[series.sent[0]].frame;
    let name = |actor: &Option<crate::trace::Name>, end: End| {
        actor.as_ref().map_or_else(|| wording::end(end), |actor| wording::actor(actor))
    };
    let (from, to) =
        (name(&frame.sender, frame.sent_by), name(&frame.receiver, frame.sent_by.other()));
    let times = match series.sent.len() {
        1 => tr!("once").to_owned(),
        2 => tr!("twice").to_owned(),
        many => tr!("{many} times", many),
    };
    let lost = match (series.lost, series.sent.len()) {
        (0, _) => tr!("none lost").to_owned(),
        (1, 1) => tr!("lost").to_owned(),
        (lost, all) if lost == all => tr!("all lost").to_owned(),
        (lost, _) => tr!("{lost} lost", lost),
    };
    let what = match series.content {
        Content::Data => {
            tr!("{bytes} bytes", bytes = frame.layers.payload_bytes)
        }
        Content::Datagram(_) => {
            tr!("a datagram of {bytes} bytes", bytes = frame.layers.payload_bytes)
        }
        Content::Probe => tr!("a probe").to_owned(),
        _ => content_name(&series.content).to_owned(),
    };
    let port = |address: &Option<Address>| {
        address.as_ref().and_then(Address::port).map_or(String::new(), |port| format!(":{port}"))
    };
    let (from, to) = (from + &port(&frame.local), to + &port(&frame.peer));
    tr!("{from} → {to}  {what}, sent {times}, {lost}", from, to, what, times, lost)
}

/// What was sent, in a word.
fn content_name(content: &Content) -> &'static str {
    match content {
        Content::Syn => "SYN",
        Content::SynAck => "SYN,ACK",
        Content::Fin => "FIN",
        Content::Data => tr!("data"),
        Content::Probe => tr!("probe"),
        Content::Datagram(_) => tr!("datagram"),
    }
}

/// The limits that were set on its socket, in words: `SO_SNDTIMEO 3.00 s`.
fn limits(series: &Series, analysis: &Analysis) -> Vec<String> {
    let set = series.limits.iter().filter_map(|call| match &analysis.calls[*call].call.syscall {
        Syscall::SetOption { option, value: set } => {
            let words = option_span(option, set).unwrap_or_else(|| value(set, 16));
            Some(format!("{} {words}", option.name()))
        }
        _ => None,
    });
    set.collect()
}
