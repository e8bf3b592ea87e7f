//! What was sent again: each time it left on a time axis, the gaps between, what was lost, and the call that ended it.
//!
//! A series is one thing sent once or more: a SYN, a piece of data (same sequence number), a FIN, a keep-alive probe, a
//! datagram. All connections share one axis, so that a program's own retries can be read on it too.

use crate::analysis::{Analysis, Made};
use unicode_width::UnicodeWidthStr;

use super::wording::{self, option_span, outcome_ink, safe, value};
use crate::i18n::tr;
use crate::picture::{Canvas, Ink, Picture, Row, fit, span_of};
use crate::reasons;
use crate::text::wrap;
use crate::trace::packet::{End, Frame};
use crate::trace::{Address, Event, EventKind, SockOpt, Syscall, SyscallKind};

/// From this width on there is room for an axis.
const WIDE: usize = 56;
/// A series shows at most this many of its frames.
const MOST: usize = 18;
/// At most this many series are drawn, those sent most often and for longest: a bad wire loses many segments, and one is like the other.
const MOST_SERIES: usize = 3;
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

/// What is sent, so that it can be known again.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Thing {
    Syn,
    SynAck,
    Fin,
    Data,
    /// No data, and a sequence number that was used before: keep-alive, or a window's probe (RFC 9293, 3.8.4 and 3.8.6.1).
    Probe,
    Datagram(Vec<u8>),
}

impl Thing {
    fn name(&self) -> &'static str {
        match self {
            Thing::Syn => "SYN",
            Thing::SynAck => "SYN,ACK",
            Thing::Fin => "FIN",
            Thing::Data => tr!("data"),
            Thing::Probe => tr!("probe"),
            Thing::Datagram(_) => tr!("datagram"),
        }
    }
}

/// One thing, each time that it left.
struct Series<'a> {
    flow: u32,
    thing: Thing,
    seq: u32,
    sent: Vec<(u64, &'a Frame)>,
}

impl Series<'_> {
    fn lost(&self) -> usize {
        self.sent.iter().filter(|(_, frame)| !frame.treatment.fate.arrives()).count()
    }

    fn tells_something(&self) -> bool {
        match self.thing {
            // The same datagram may be sent twice on purpose; and of many, some may be lost that nobody sends again.
            Thing::Datagram(_) => self.sent.len() > 1 && self.lost() > 0,
            // What an end says once at the very last, nobody waits for.
            Thing::SynAck | Thing::Fin => self.sent.len() > 1,
            _ => self.sent.len() > 1 || self.lost() > 0,
        }
    }

    fn first(&self) -> &Frame {
        self.sent[0].1
    }

    fn begins(&self) -> u64 {
        self.sent[0].0
    }

    fn ends(&self) -> u64 {
        self.sent.last().map_or(0, |(at, _)| *at)
    }
}

/// All that was sent, sorted into series; in the order in which they began.
fn series<'a>(events: &'a [Event]) -> Vec<Series<'a>> {
    let mut all: Vec<Series<'a>> = Vec::new();
    let mut next: Vec<((u32, End), u32)> = Vec::new();
    for event in events {
        let EventKind::Frame(frame) = &event.what else {
            continue;
        };
        let (Some(flow), layers) = (frame.flow, &frame.layers) else {
            continue;
        };
        let length = u32::try_from(layers.payload_bytes).unwrap_or(0);
        let (thing, seq) = if let Some(tcp) = &layers.tcp {
            let known = next.iter().position(|(key, _)| *key == (flow, frame.sent_by));
            let expected = known.map(|at| next[at].1);
            let after = tcp
                .seq
                .wrapping_add(length)
                .wrapping_add(u32::from(tcp.flags.syn()))
                .wrapping_add(u32::from(tcp.flags.fin()));
            match known {
                Some(at) if after.wrapping_sub(next[at].1) < 1 << 31 => next[at].1 = after,
                Some(_) => {}
                None => next.push(((flow, frame.sent_by), after)),
            }
            let thing = match tcp.flags {
                flags if flags.rst() => continue,
                flags if flags.syn() && flags.ack() => Thing::SynAck,
                flags if flags.syn() => Thing::Syn,
                _ if length > 0 => Thing::Data,
                flags if flags.fin() => Thing::Fin,
                _ if expected == Some(tcp.seq.wrapping_add(1)) => Thing::Probe,
                _ => continue,
            };
            (thing, tcp.seq)
        } else if layers.udp.is_some() {
            let from = frame.raw.0.len().saturating_sub(layers.payload_bytes);
            (Thing::Datagram(frame.raw.0[from..].to_vec()), 0)
        } else {
            continue;
        };
        let same = |one: &&mut Series<'_>| {
            one.flow == flow
                && one.first().sent_by == frame.sent_by
                && one.thing == thing
                && one.seq == seq
        };
        match all.iter_mut().find(same) {
            Some(known) => known.sent.push((event.at_ns, frame)),
            None => all.push(Series { flow, thing, seq, sent: vec![(event.at_ns, frame)] }),
        }
    }
    let syn_lost = all.iter().any(|one| one.thing == Thing::Syn && one.tells_something());
    // Where one SYN had to be sent again, those that did not are told too: a program's last try.
    all.retain(|one| one.tells_something() || (syn_lost && one.thing == Thing::Syn));
    all
}

/// A call that waited, or failed, while this was being sent.
struct Waited<'a> {
    made: &'a Made,
    /// When it returned, or the recording ended.
    until: u64,
}

/// The socket that sent this series, as an index into the analysis' sockets.
fn socket_of(one: &Series<'_>, analysis: &Analysis) -> Option<usize> {
    let (frame, begins) = (one.first(), one.begins());
    let (local, peer) = (frame.local.as_ref()?, frame.peer.as_ref()?);
    let mut fitting: Vec<(bool, u64, usize)> = Vec::new();
    for made in analysis.calls.iter().filter(|made| made.entered_ns <= one.ends()) {
        let Some(at) = made.socket else { continue };
        let socket = &analysis.sockets[at];
        let known = socket.local.as_ref() == Some(local);
        let to: Option<&Address> =
            made.call.syscall.address().filter(|_| made.is(SyscallKind::Connect));
        let connects =
            to == Some(peer) && made.entered_ns <= begins && (known || socket.local.is_none());
        let is_it = known && socket.peer.as_ref() == Some(peer);
        let names_it = known && made.call.syscall.address() == Some(peer);
        if connects || is_it || names_it {
            fitting.push((known, made.entered_ns.min(begins), at));
        }
    }
    fitting.into_iter().max().map(|(_, _, at)| at)
}

/// The calls on that socket that waited for it, or told of its end.
fn calls<'a>(
    one: &Series<'_>,
    analysis: &'a Analysis<'a>,
    socket: usize,
    end: u64,
) -> Vec<Waited<'a>> {
    let until = |made: &Made| made.back.as_ref().map_or(end, |back| back.at_ns);
    let of_socket = || {
        analysis
            .calls
            .iter()
            .filter(|made| made.socket == Some(socket) && !made.call.is_instrument())
    };
    let span = one.ends().saturating_sub(one.begins()).max(1_000_000);
    let opens = |made: &Made| {
        made.is(SyscallKind::Connect) && one.thing == Thing::Syn && made.entered_ns <= one.begins()
    };
    let meanwhile = |made: &Made| {
        let waited = until(made).saturating_sub(made.entered_ns) >= span / 50;
        made.entered_ns <= one.ends()
            && until(made) >= one.begins()
            && (waited || made.errno().is_some())
    };
    let mut found: Vec<Waited<'a>> = of_socket()
        .filter(|made| opens(made) || meanwhile(made))
        .map(|made| Waited { made, until: until(made) })
        .collect();
    // A call that does not block says so at once; one that reached its limit says the same, but later.
    let not_yet = |made: &Made| made.errno().is_none() || made.returned_ns() <= one.begins();
    if found.iter().all(|one| one.made.back.is_some() && not_yet(one.made))
        && one.lost() == one.sent.len()
    {
        let after = of_socket().find(|made| {
            made.entered_ns > one.ends() && (made.errno().is_some() || made.is(SyscallKind::Close))
        });
        found.extend(after.map(|made| Waited { made, until: until(made) }));
    }
    found.sort_by_key(|one| one.made.entered_ns);
    let surplus = found.len().saturating_sub(4);
    found.drain(..surplus);
    found
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

/// One line of the picture: a label, when, what came of it, and what lies on the axis.
struct Line {
    label: String,
    at: u64,
    outcome: String,
    ink: Ink,
    /// From where the stroke comes, and how long that took; nothing before the first.
    from: Option<u64>,
    stroke: Stroke,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stroke {
    /// The gap before a frame that arrived, or did not.
    Gap { arrived: bool },
    /// A call from entry to return.
    Call,
    /// A deliberate wait.
    Wait,
}

/// A heading and its lines.
struct Block {
    heading: String,
    /// Said below: by which rule it was lost, within which limits.
    notes: Vec<String>,
    lines: Vec<Line>,
    /// How often it was sent, and for how long.
    weight: (usize, u64),
}

fn blocks(analysis: &Analysis) -> Vec<Block> {
    let events = analysis.recording.events();
    let end = events.last().map_or(0, |event| event.at_ns);
    let all = series(events);
    let block = |(index, one): (usize, &Series<'_>)| {
        let next = all.get(index + 1).map_or(u64::MAX, Series::begins);
        one.block(events, analysis, next, end)
    };
    all.iter().enumerate().map(block).collect()
}

impl Series<'_> {
    fn heading(&self) -> String {
        let frame = self.first();
        let name = |actor: &Option<crate::trace::Name>, end: End| {
            actor.as_ref().map_or_else(|| wording::end(end), |actor| safe(actor))
        };
        let (from, to) =
            (name(&frame.sender, frame.sent_by), name(&frame.receiver, frame.sent_by.other()));
        let times = match self.sent.len() {
            1 => tr!("once").to_owned(),
            2 => tr!("twice").to_owned(),
            many => tr!("{many} times", many),
        };
        let lost = match (self.lost(), self.sent.len()) {
            (0, _) => tr!("none lost").to_owned(),
            (1, 1) => tr!("lost").to_owned(),
            (lost, all) if lost == all => tr!("all lost").to_owned(),
            (lost, _) => tr!("{lost} lost", lost),
        };
        let what = match self.thing {
            Thing::Data => {
                tr!("{bytes} bytes", bytes = frame.layers.payload_bytes)
            }
            Thing::Datagram(_) => {
                tr!("a datagram of {bytes} bytes", bytes = frame.layers.payload_bytes)
            }
            Thing::Probe => tr!("a probe").to_owned(),
            _ => self.thing.name().to_owned(),
        };
        let port = |address: &Option<Address>| {
            address
                .as_ref()
                .and_then(Address::port)
                .map_or(String::new(), |port| format!(":{port}"))
        };
        let (from, to) = (from + &port(&frame.local), to + &port(&frame.peer));
        tr!("{from} → {to}  {what}, sent {times}, {lost}", from, to, what, times, lost)
    }

    fn block(&self, events: &[Event], analysis: &Analysis, next: u64, end: u64) -> Block {
        let mut lines = Vec::new();
        let mut before = None;
        for (number, (at, frame)) in (1..).zip(&self.sent) {
            let arrived = frame.treatment.fate.arrives();
            let outcome = wording::fate(frame.treatment.fate);
            let (mark, ink) = if arrived { ("▶", Ink::Good) } else { ("✗", Ink::Bad) };
            let label = format!("{} {number}", self.thing.name());
            lines.push(Line {
                label,
                at: *at,
                outcome: format!("{mark} {outcome}"),
                ink,
                from: before,
                stroke: Stroke::Gap { arrived },
            });
            before = Some(*at);
        }
        if lines.len() > MOST {
            let cut = lines.len() - MOST;
            lines.drain(MOST / 2..MOST / 2 + cut);
            lines[MOST / 2].label = format!("… {}", lines[MOST / 2].label);
        }
        let mut notes: Vec<String> = Vec::new();
        for (_, frame) in &self.sent {
            if let Some(rule) = reasons::rules(&frame.treatment.rules)
                .map(|rule| safe(&rule))
                .filter(|rule| !notes.contains(rule))
            {
                notes.push(rule);
            }
        }
        if let Some(socket) = socket_of(self, analysis) {
            notes.extend(limits(analysis, socket));
            for Waited { made, until } in calls(self, analysis, socket, end) {
                let (outcome, ink) = match &made.back {
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
        let since =
            lines.iter().filter_map(|line| line.from).chain([self.begins()]).min().unwrap_or(0);
        for event in events.iter().filter(|event| event.at_ns >= since && event.at_ns < next) {
            let its_own =
                &*event.actor == "lab" || self.first().sender.as_ref() == Some(&event.actor);
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
        Block {
            heading: self.heading(),
            notes,
            lines,
            weight: (self.sent.len(), self.ends().saturating_sub(self.begins())),
        }
    }
}

/// Where the axis begins and ends in time, and where it lies.
struct Axis {
    zero: u64,
    span: u64,
    column: usize,
    columns: usize,
}

impl Axis {
    fn column_of(&self, at: u64) -> usize {
        let along = u128::from(at.saturating_sub(self.zero).min(self.span))
            * (self.columns.max(1) - 1) as u128
            / u128::from(self.span.max(1));
        self.column + usize::try_from(along).unwrap_or(0)
    }

    /// The times that are marked: a step of 1, 2 or 5 times a power of ten, not too close to each other.
    fn ticks(&self) -> Vec<u64> {
        let most = (self.columns / 9).max(1) as u64;
        let mut step = 1;
        let mut turn = [2, 5, 10].into_iter().cycle();
        let mut decade = 1_u64;
        while self.span / step > most {
            let factor = turn.next().unwrap_or(10);
            step = decade.saturating_mul(factor);
            if factor == 10 {
                decade = step;
            }
        }
        (0..=self.span / step).map(|tick| self.zero + tick * step).collect()
    }
}

/// A tick's time, without digits that say nothing, in a unit that suits the whole axis.
fn tick(ns: u64, span: u64) -> String {
    let (unit, name) = match span {
        0..10_000 => (1, "ns"),
        10_000..1_000_000 => (1_000, "µs"),
        1_000_000..1_000_000_000 => (1_000_000, "ms"),
        _ => (1_000_000_000, "s"),
    };
    let tenth = ns / (unit / 10).max(1) % 10;
    match ns {
        0 => "0".to_owned(),
        _ if unit == 1 || tenth == 0 => format!("{} {name}", ns / unit),
        _ => format!("{}.{tenth} {name}", ns / unit),
    }
}

pub(super) fn draw(analysis: &Analysis, width: usize) -> Picture {
    let mut blocks = blocks(analysis);
    let left_out = blocks.len().saturating_sub(MOST_SERIES);
    let mut weights: Vec<(usize, u64)> = blocks.iter().map(|block| block.weight).collect();
    weights.sort_unstable();
    // Of equal ones the first are kept.
    for lightest in weights.into_iter().take(left_out) {
        if let Some(at) = blocks.iter().rposition(|block| block.weight == lightest) {
            blocks.remove(at);
        }
    }
    let lines = || blocks.iter().flat_map(|block| &block.lines);
    if blocks.is_empty() {
        return Picture(vec![
            Row::new().with(fit(tr!("(nothing was sent again)"), width), Ink::Faint),
        ]);
    }
    let zero = lines().map(|line| line.from.unwrap_or(line.at).min(line.at)).min().unwrap_or(0);
    let last = lines().map(|line| line.at).max().unwrap_or(0);
    let count = |text: &str| text.width();
    let labels = lines().map(|line| count(&line.label)).max().unwrap_or(0).min(10);
    let outcomes = lines().map(|line| count(&line.outcome)).max().unwrap_or(0).min(13);
    let column = labels + 1 + 8 + 2 + outcomes + 2;
    let axis = Axis {
        zero,
        span: last.saturating_sub(zero),
        column,
        columns: width.saturating_sub(column).min(100),
    };
    let mut canvas = Canvas::new(width);
    let mut said = None;
    for block in &blocks {
        let first = canvas.height() == 0;
        let mut row = canvas.height() + usize::from(canvas.height() > 0);
        for line in wrap(&block.heading, width) {
            canvas.write(row, 0, width, &line, Ink::Strong);
            row += 1;
        }
        if width >= WIDE && first {
            for at in axis.ticks() {
                let (text, column) = (tick(at - zero, axis.span), axis.column_of(at));
                if column + count(&text) <= width {
                    canvas.write(row, column, width, &text, Ink::Faint);
                }
            }
            row += 1;
        }
        for line in &block.lines {
            line.draw(&mut canvas, row, &axis, labels, outcomes);
            row += 1;
        }
        // The same is said once.
        if !block.notes.is_empty() && said.replace(&block.notes) != Some(&block.notes) {
            for line in wrap(&tr!("({notes})", notes = block.notes.join(tr!(", "))), width) {
                canvas.write(row, 0, width, &line, Ink::Faint);
                row += 1;
            }
        }
    }
    if left_out > 0 {
        let row = canvas.height() + 1;
        canvas.write(
            row,
            0,
            width,
            &tr!("… {left_out} more that were sent again", left_out),
            Ink::Faint,
        );
    }
    canvas.picture()
}

impl Line {
    fn draw(&self, canvas: &mut Canvas, row: usize, axis: &Axis, labels: usize, outcomes: usize) {
        let width = canvas.width();
        let gap = self.from.map(|from| span_of(self.at.saturating_sub(from)));
        canvas.write(row, 0, labels, &self.label, Ink::Plain);
        let time = span_of(self.at.saturating_sub(axis.zero));
        if width < WIDE {
            // No room for an axis: the gap in digits, and what came of it.
            let gap = gap.map_or(time, |gap| format!("+{gap}"));
            let at = canvas.write(row, labels + 1, width, &format!("{gap:>8}"), Ink::Strong);
            canvas.write(row, at + 1, width, &self.outcome, self.ink);
            return;
        }
        let padded = format!("{time:>8}");
        canvas.write(row, labels + 1, labels + 9, &padded, Ink::Plain);
        canvas.write(row, labels + 11, labels + 11 + outcomes, &self.outcome, self.ink);
        for at in axis.ticks() {
            canvas.put(row, axis.column_of(at), '┊', Ink::Faint);
        }
        let here = axis.column_of(self.at);
        let (mark, body, begin, ink) = match self.stroke {
            Stroke::Gap { arrived: true } => ('▶', '─', '├', Ink::Plain),
            Stroke::Gap { arrived: false } => ('✗', '─', '├', Ink::Plain),
            Stroke::Call => ('┫', '━', '┣', Ink::Warn),
            Stroke::Wait => ('┤', '╌', '├', Ink::Faint),
        };
        let Some((from, text)) = self.from.map(|from| axis.column_of(from)).zip(gap) else {
            canvas.put(row, here, mark, self.ink);
            return;
        };
        canvas.fill(row, from, here, body, ink);
        if from < here {
            canvas.put(row, from, begin, ink);
        }
        canvas.put(row, here, mark, if self.stroke == Stroke::Call { ink } else { self.ink });
        // The gap's length stands in it, or beside it.
        let long = text.width();
        let at = if here > from + long + 2 {
            from + 1 + (here - from - 1 - long) / 2
        } else if here + 2 + long <= width {
            here + 2
        } else {
            from.saturating_sub(long + 1).max(axis.column)
        };
        canvas.write(row, at, width, &text, Ink::Strong);
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use serde_json::{Value as Json, json};

    use super::*;
    use crate::analysis::sample::fits_everywhere;
    use crate::analysis::script::Script;

    /// A segment of the client's, from this port.
    fn segment(port: u16, flags: &str, seq: u32, length: usize, fate: &str) -> Json {
        json!({"event": "frame", "frame": 1, "sent_by": "client", "flow": port,
            "local": {"inet": format!("10.9.0.1:{port}")}, "peer": {"inet": "10.9.0.2:80"}, "sender": "client", "receiver": "server",
            "tcp": {"src_port": port, "dst_port": 80, "flags": flags, "seq": seq, "ack": 0, "window": 63, "header_bytes": 20},
            "payload_bytes": length, "fate": fate, "rule": if fate == "passed" { Json::Null } else { "drop the first SYN".into() }, "raw": ""})
    }

    fn limit(script: &mut Script, option: &str, micros: i64) {
        let args = json!({"fd": 3, "level": "SOL_SOCKET", "option": option, "value": micros});
        let entered = script.enter("client", 1, 1, "setsockopt", args);
        script.leave("client", 1, entered, 0, json!({}));
    }

    /// A SYN is lost, and lost again, and connect() gives up.
    fn gives_up() -> Script {
        let mut script = Script::new();
        limit(&mut script, "SO_SNDTIMEO", 2_500_000);
        let connect = script.enter(
            "client",
            1,
            1,
            "connect",
            json!({"fd": 3, "address": {"inet": "10.9.0.2:80"}}),
        );
        script.event("wire", segment(4000, "SYN", 7, 0, "dropped")).pass(1_000_000);
        script.event("wire", segment(4000, "SYN", 7, 0, "dropped")).pass(1_400_000);
        script.leave("client", 1, connect, "EINPROGRESS", json!({}));
        script
    }

    #[test]
    fn each_time_that_it_left_and_the_gaps_and_the_call_that_gave_up() {
        assert_snapshot!(draw(&Analysis::of(&gives_up().recording()), 78).text());
        fits_everywhere(&gives_up().recording(), draw);
    }

    #[test]
    fn where_there_is_no_room_for_an_axis_the_gaps_are_said() {
        assert_snapshot!(draw(&Analysis::of(&gives_up().recording()), 38).text());
    }

    #[test]
    fn a_programs_own_retries_stand_below_each_other_on_one_axis() {
        let mut script = gives_up();
        script
            .event(
                "lab",
                json!({"event": "wait", "asked_ns": 200_000_000, "purpose": "before the next try"}),
            )
            .pass(200_000);
        let connect = script.enter(
            "client",
            1,
            2,
            "connect",
            json!({"fd": 4, "address": {"inet": "10.9.0.2:80"}}),
        );
        script.event("wire", segment(4001, "SYN", 9, 0, "passed"));
        script.leave("client", 1, connect, 0, json!({}));
        let text = draw(&Analysis::of(&script.recording()), 80).text();
        let (first, second) = text.split_once("\n\n").expect("two connections");
        assert!(first.contains("= EINPROGRESS") && first.contains("wait "), "{text}");
        assert!(second.contains("client:4001 → server:80  SYN, sent once, none lost"), "{text}");
        assert!(
            second.contains("▶ passed")
                && second.contains("= 0")
                && !second.contains("EINPROGRESS"),
            "{text}"
        );
        fits_everywhere(&script.recording(), draw);
    }

    #[test]
    fn data_is_known_again_by_its_number_and_the_error_is_the_calls() {
        let mut script = Script::new();
        script.tcp_connection(("client", 1, 1), ("server", 1, 2, 3));
        let of = |flags: &str, seq: u32, length: usize, fate: &str| {
            let mut frame = segment(40001, flags, seq, length, fate);
            frame["local"] = json!({"inet": "127.0.0.1:40001"});
            frame["peer"] = json!({"inet": "127.0.0.1:5000"});
            frame
        };
        script.event("wire", of("SYN", 4_294_967_290, 0, "passed"));
        script.event("wire", of("PSH,ACK", 4_294_967_291, 5, "cut"));
        let recv = script.enter("client", 1, 1, "recv", json!({"fd": 3, "size": 10}));
        script.pass(200_000).event("wire", of("PSH,ACK", 4_294_967_291, 5, "cut"));
        script.pass(400_000).event("wire", of("PSH,ACK", 4_294_967_291, 5, "cut"));
        script
            .event("wire", of("ACK", 4_294_967_295, 0, "passed"))
            .event("wire", of("ACK", 4_294_967_295, 0, "passed"));
        script.leave("client", 1, recv, "ETIMEDOUT", json!({}));
        let text = draw(&Analysis::of(&script.recording()), 80).text();
        assert!(text.contains("5 bytes, sent 3 times, all lost"), "{text}");
        assert!(text.contains("recv") && text.contains("= ETIMEDOUT"), "{text}");
        assert!(
            text.contains("a probe, sent twice, none lost"),
            "a sequence number that was used before: {text}"
        );
        assert!(!text.contains("SYN 1"), "the SYN went well: {text}");
        fits_everywhere(&script.recording(), draw);
    }

    #[test]
    fn a_datagram_is_sent_again_by_the_program_that_asks_twice() {
        let mut script = Script::new();
        script.udp("client", 1, 1, 4000);
        let datagram = |raw: &str, fate: &str| {
            let mut frame = segment(4000, "", 0, 2, fate);
            let fields = frame.as_object_mut().expect("an object");
            fields.remove("tcp");
            fields.insert("udp".into(), json!({"src_port": 4000, "dst_port": 80}));
            fields.insert("raw".into(), raw.into());
            fields.insert("local".into(), json!({"inet": "127.0.0.1:4000"}));
            fields.insert("peer".into(), json!({"inet": "127.0.0.1:80"}));
            frame
        };
        script.send_to("client", 1, 1, "hi", 80).event("wire", datagram("6869", "dropped"));
        let recv = script.enter("client", 1, 1, "recv_from", json!({"fd": 3, "size": 10}));
        script.pass(500_000).leave("client", 1, recv, "EAGAIN", json!({}));
        script.event("wire", datagram("6a6b", "dropped"));
        script.send_to("client", 1, 1, "hi", 80).event("wire", datagram("6869", "passed"));
        let text = draw(&Analysis::of(&script.recording()), 80).text();
        assert!(text.contains("a datagram of 2 bytes, sent twice, 1 lost"), "{text}");
        assert!(text.contains("recv_from") && text.contains("= EAGAIN"), "{text}");
        assert!(!text.contains("sent once"), "what nobody sent again is not told: {text}");
        fits_everywhere(&script.recording(), draw);
    }

    #[test]
    fn many_are_shortened_and_none_is_said() {
        let mut script = Script::new();
        for _ in 0..40 {
            script.pass(1).event("wire", segment(4000, "PSH,ACK", 7, 9, "dropped"));
        }
        assert_eq!(
            draw(&Analysis::of(&script.recording()), 80)
                .text()
                .lines()
                .filter(|line| line.contains("✗ dropped"))
                .count(),
            MOST
        );
        fits_everywhere(&script.recording(), draw);
        for port in 4001..4020 {
            script.event("wire", segment(port, "SYN", 7, 0, "dropped"));
        }
        assert!(
            draw(&Analysis::of(&script.recording()), 80)
                .text()
                .ends_with("\n\n… 17 more that were sent again\n")
        );
        assert_eq!(
            draw(&Analysis::of(&Script::new().recording()), 80).text(),
            "(nothing was sent again)\n"
        );
    }
}
