//! Series of what was sent again, as lines: each time that it left, the calls that waited for it, deliberate waits.

use crate::analysis::{Analysis, Content, Series};
use crate::i18n::tr;
use crate::picture::Ink;
use crate::reasons;
use crate::trace::packet::End;
use crate::trace::{Address, EventKind, SockOpt, Syscall};
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
    let all = &analysis.retransmissions;
    let next_ns = all.iter().skip(1).map(|next| next.begins_ns).chain([u64::MAX]);
    all.iter().zip(next_ns).map(|(series, next_ns)| Block::of(series, analysis, next_ns)).collect()
}

impl Block {
    fn of(series: &Series, analysis: &Analysis, next_ns: u64) -> Block {
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
        let end_ns = analysis.recording.events().last().map_or(0, |event| event.at_ns);
        if let Some(socket) = analysis.socket_of(series) {
            notes.extend(limits(analysis, socket));
            for made in analysis.waits_for(series, socket) {
                let until = made.returned_ns().min(end_ns);
                let (outcome, ink) = match &made.exit {
                    None => (tr!("… blocked").to_owned(), Ink::Warn),
                    Some(back) => (
                        format!("= {}", safe(&back.outcome.to_string())),
                        outcome_ink(&back.outcome),
                    ),
                };
                let label = safe(made.call.function());
                lines.push(Line {
                    label,
                    at: until,
                    outcome,
                    ink,
                    from: Some(made.entered_ns),
                    stroke: Stroke::Call,
                });
            }
        }
        deliberate_waits(series, analysis, next_ns, &mut lines);
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

/// What the sender, or the lab, waited on purpose meanwhile.
fn deliberate_waits(series: &Series, analysis: &Analysis, next_ns: u64, lines: &mut Vec<Line>) {
    let frame = &analysis.wire[series.sent[0]].frame;
    let since =
        lines.iter().filter_map(|line| line.from).chain([series.begins_ns]).min().unwrap_or(0);
    let events = analysis.recording.events();
    for event in events.iter().filter(|event| event.at_ns >= since && event.at_ns < next_ns) {
        let its_own = !event.is_by_actor() || frame.sender.as_ref() == Some(&event.actor);
        if let (EventKind::Wait { asked_ns, .. }, true) = (&event.what, its_own) {
            let (at, from) = (event.at_ns.saturating_add(*asked_ns), Some(event.at_ns));
            lines.push(Line {
                label: tr!("wait").into(),
                at,
                outcome: String::new(),
                ink: Ink::Faint,
                from,
                stroke: Stroke::Wait,
            });
        }
    }
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

/// True for an option that limits a wait (socket(7), tcp(7)).
fn is_limit(option: &SockOpt) -> bool {
    matches!(
        option,
        SockOpt::SendTimeout
            | SockOpt::RecvTimeout
            | SockOpt::UserTimeout
            | SockOpt::SynCount
            | SockOpt::KeepIdle
            | SockOpt::KeepInterval
            | SockOpt::KeepCount
    )
}

/// The limits that were set on that socket, in words: `SO_SNDTIMEO 3.00 s`.
fn limits(analysis: &Analysis, socket: usize) -> Vec<String> {
    let mut all: Vec<(&SockOpt, String)> = Vec::new();
    for made in analysis.calls.iter().filter(|made| made.socket == Some(socket)) {
        let Syscall::SetOption { option, value: set } = &made.call.syscall else { continue };
        if made.result().is_none() || !is_limit(option) {
            continue;
        }
        let words = option_span(option, set).unwrap_or_else(|| value(set, 16));
        all.retain(|(known, _)| *known != option);
        all.push((option, words));
    }
    all.into_iter().map(|(option, words)| format!("{} {words}", option.name())).collect()
}
