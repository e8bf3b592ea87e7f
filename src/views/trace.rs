//! The trace: every call as a line, as it is made.
//!
//! A call that does not return before somebody else does something is shown as blocked, and again when it returns,
//! as strace does with `<unfinished ...>`.

use std::sync::Arc;

use unicode_width::UnicodeWidthStr;

use super::view;
use super::wording::{
    self, ActorColors, actor, arguments, end, filled_in, outcome_ink, safe, value, with_lag,
};
use crate::analysis::Analysis;
use crate::i18n::tr;
use crate::picture::{Ink, Picture, Row, fit, span_of};
use crate::reasons;
use crate::text::wrap;
use crate::trace::packet::{Disposition, Frame, LinkAction};
use crate::trace::{
    ActorKind, Call, Claim, Ending, Event, EventKind, LAB, LINK, Name, Observation, Return, Sample,
    Value, Verdict,
};

/// How much the trace tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Detail {
    /// The experiment's own calls.
    Calls,
    /// Also the instrument's questions to the kernel: addresses, TCP_INFO.
    Kernel,
    /// Also every frame on the wire, in one line and in hex.
    Frames,
}

/// A call that was shown returning after something else had come in between took time; from this on it is said to have
/// been blocked. In nanoseconds.
const BLOCKED_NS: u64 = 1_000_000;

/// Where the times that calls took are aligned on a wide terminal: the eye must find the way to them.
const EDGE: usize = 100;

/// Of data that does not fit as a whole, these numbers of bytes are tried.
const BYTES_SHOWN: [usize; 6] = [usize::MAX, 64, 48, 32, 24, 16];

/// A trace that is being written as the events come.
#[derive(Debug)]
pub struct Trace {
    detail: Detail,
    width: usize,
    colors: ActorColors,
    actor_width: usize,
    source_width: usize,
    /// The call that was entered last, while nothing has come after it.
    held: Option<(Event, Arc<Call>)>,
    /// Calls that were shown as blocked: process and number.
    shown: Vec<(u32, u64)>,
}

impl Trace {
    /// A trace of this detail, for this many columns.
    #[must_use]
    pub fn new(detail: Detail, width: usize) -> Trace {
        Trace {
            detail,
            width,
            colors: ActorColors::default(),
            actor_width: 0,
            source_width: 0,
            held: None,
            shown: Vec::new(),
        }
    }

    /// The rows that this event adds.
    pub fn push(&mut self, event: &Event) -> Vec<Row> {
        if matches!(event.what, EventKind::Held(_)) {
            return Vec::new();
        }
        if matches!(event.what, EventKind::Frame(_) | EventKind::Delivered { .. })
            && self.detail < Detail::Frames
        {
            return Vec::new();
        }
        self.meet(&event.actor);
        let all = self.detail >= Detail::Kernel;
        match &event.what {
            EventKind::Enter(call) if call.is_instrument() && !all => Vec::new(),
            EventKind::Enter(call) => {
                let rows = self.pause();
                self.held = Some((event.clone(), call.clone()));
                rows
            }
            EventKind::Return(back) if back.call.is_instrument() && !all => Vec::new(),
            EventKind::Observed(Observation { socket: Some(_), .. }) if !all => Vec::new(),
            EventKind::Return(back) => self.returned(event, back),
            EventKind::Started { .. }
            | EventKind::Execed { .. }
            | EventKind::Signalled { .. }
            | EventKind::Exited { .. }
            | EventKind::Sample(_)
            | EventKind::End { ending: Ending::Finished }
                if !all =>
            {
                Vec::new()
            }
            what => {
                let mut rows = self.pause();
                rows.extend(self.describe(event, what));
                rows
            }
        }
    }

    /// The rows for calls that have not returned so far, when nothing has happened for a while, or at the end.
    pub fn pause(&mut self) -> Vec<Row> {
        let Some((event, call)) = self.held.take() else {
            return Vec::new();
        };
        self.shown.push((event.process, call.id));
        let words = |bytes| {
            vec![(format!("{}{}", safe(&call.name), arguments(&call, bytes)), call_ink(&call))]
        };
        let end = vec![(" …".to_owned(), Ink::Warn)];
        let source = self.source(&call);
        self.line(&event, &words, &|_| end.clone(), None, source)
    }

    fn returned(&mut self, event: &Event, back: &Return) -> Vec<Row> {
        let key = (event.process, back.call.id);
        let at_once = self.held.as_ref().is_some_and(|(held, call)| (held.process, call.id) == key);
        let (mut rows, when) = match self.held.take() {
            Some((held, _)) if at_once => (Vec::new(), held),
            held => {
                self.held = held;
                (self.pause(), event.clone())
            }
        };
        let resumed = self
            .shown
            .iter()
            .position(|shown| *shown == key)
            .map(|at| self.shown.swap_remove(at))
            .is_some();
        let name = format!("{}{}", if resumed { "… " } else { "" }, safe(&back.call.name));
        let call =
            |bytes| vec![(format!("{name}{}", arguments(&back.call, bytes)), call_ink(&back.call))];
        let outcome = |bytes| {
            vec![
                (" = ".to_owned(), Ink::Plain),
                (safe(&back.outcome.to_string()), outcome_ink(&back.outcome)),
                (filled_in(&back.out, bytes), Ink::Plain),
            ]
        };
        let took = span_of(back.took_ns);
        let took = if resumed && back.took_ns >= BLOCKED_NS {
            (tr!("blocked {took}", took), Ink::Warn)
        } else {
            (took, Ink::Faint)
        };
        let source = self.source(&back.call);
        rows.extend(self.line(&when, &call, &outcome, Some(took), source));
        rows
    }

    /// What is no call, in words.
    fn describe(&self, event: &Event, what: &EventKind) -> Vec<Row> {
        match what {
            EventKind::Held(_) | EventKind::Enter(_) | EventKind::Return(_) => Vec::new(),
            EventKind::Frame(frame) => self.frame(event, frame),
            EventKind::Delivered { frame } => {
                self.prose(event, &tr!("frame {frame} delivered", frame), Ink::Good)
            }
            EventKind::Observed(observation) => {
                self.prose(event, &wording::observation(observation), Ink::Faint)
            }
            EventKind::Part { part } => {
                let name = fit(&wording::label(part), self.width.saturating_sub(6));
                let rest = self.width.min(EDGE).saturating_sub(name.width() + 4);
                vec![
                    Row::new()
                        .with("── ", Ink::Faint)
                        .with(name, Ink::Strong)
                        .with(format!(" {}", "─".repeat(rest)), Ink::Faint),
                ]
            }
            EventKind::Started { kind } => {
                let kind = match kind {
                    ActorKind::Role => {
                        tr!("played by thread {id}", id = event.thread)
                    }
                    ActorKind::Thread => {
                        tr!("a thread of its own, {id}", id = event.thread)
                    }
                    ActorKind::Process => {
                        tr!("a process of its own, {id}", id = event.process)
                    }
                };
                self.prose(event, &kind, Ink::Faint)
            }
            EventKind::Deed { deed, errno: None } => {
                self.prose(event, &wording::label(deed), Ink::Plain)
            }
            EventKind::Deed { deed, errno: Some(errno) } => {
                self.prose(event, &format!("{} = {}", wording::label(deed), safe(errno)), Ink::Bad)
            }
            EventKind::Execed { argv } => {
                let command = safe(&argv.join(" "));
                self.prose(event, &tr!("runs {command}", command), Ink::Faint)
            }
            EventKind::Signalled { signal } => {
                self.prose(event, &tr!("is sent {signal}", signal = safe(signal)), Ink::Faint)
            }
            EventKind::Exited { cpu_ns, .. } => {
                let used = cpu_ns.map_or(String::new(), |used| {
                    tr!(", having used {span} of a processor", span = span_of(used))
                });
                self.prose(event, &tr!("leaves{used}", used), Ink::Faint)
            }
            EventKind::Sample(sample) => self.prose(event, &sampled(sample), Ink::Faint),
            EventKind::Point { plot, series, against, x, y, unit } => {
                let height = if unit == "ns" { span_of(*y) } else { format!("{y} {}", safe(unit)) };
                self.prose(
                    event,
                    &tr!(
                        "{plot}, {series}: {height} at {x} {against}",
                        plot = wording::label(plot),
                        series = wording::label(series),
                        height,
                        x,
                        against = wording::label(against)
                    ),
                    Ink::Plain,
                )
            }
            EventKind::Wait { asked_ns, purpose } => self.prose(
                event,
                &tr!(
                    "wait {span}: {what}",
                    span = span_of(*asked_ns),
                    what = wording::label(purpose)
                ),
                Ink::Faint,
            ),
            EventKind::Measure { series, label, value_ns } => self.prose(
                event,
                &tr!(
                    "{series}, {label}: {span}",
                    series = wording::label(series),
                    label = wording::label(label),
                    span = span_of(*value_ns)
                ),
                Ink::Plain,
            ),
            EventKind::Count { label, count, source } => self.prose(
                event,
                &tr!(
                    "{label}: {count} ({source})",
                    label = wording::label(label),
                    count,
                    source = wording::label(source)
                ),
                Ink::Plain,
            ),
            EventKind::Claim(claim) => self.claim(event, claim),
            EventKind::Deadline { limit_ns, blocked } => {
                let mut rows = self.prose(
                    event,
                    &tr!("the deadline struck, after {limit}", limit = span_of(*limit_ns)),
                    Ink::Bad,
                );
                for one in blocked {
                    let call = format!("{}{}", safe(&one.call.name), arguments(&one.call, 32));
                    let place = one.call.site.as_ref().map_or(String::new(), |source| {
                        tr!(", at {place}", place = safe(&source.to_string()))
                    });
                    let words = tr!(
                        "{who} has been blocked in {call} for {span}{place}",
                        who = actor(&one.actor),
                        call,
                        span = span_of(one.for_ns),
                        place
                    );
                    rows.extend(self.prose(event, &words, Ink::Warn));
                }
                rows
            }
            EventKind::End { ending } => {
                let (words, ink) = match ending {
                    Ending::Finished => (tr!("the end").to_owned(), Ink::Faint),
                    Ending::Unavailable { why } => {
                        let why = safe(&reasons::lack(why));
                        (tr!("not to be had here: {why}", why), Ink::Warn)
                    }
                    Ending::Failed { why } => {
                        let why = safe(&reasons::failure(why));
                        (tr!("✗ failed: {why}", why), Ink::Bad)
                    }
                    Ending::Deadline => (tr!("ended by its deadline").to_owned(), Ink::Bad),
                    Ending::Interrupted => (tr!("interrupted").to_owned(), Ink::Warn),
                };
                self.prose(event, &words, ink)
            }
        }
    }

    /// The frame as tcpdump tells it, what the wire did with it, and its bytes.
    fn frame(&self, event: &Event, frame: &Frame) -> Vec<Row> {
        let from = if frame.by_lab { tr!("the lab").to_owned() } else { end(frame.sent_by) };
        let mut rows = self.prose(
            event,
            &tr!(
                "frame {number} from {from}: {layers}",
                number = frame.frame,
                from,
                layers = safe(&frame.layers.to_string())
            ),
            Ink::Plain,
        );
        let indent = self.head(event).width();
        if let Some(disposition) = &frame.disposition {
            let (verdict, ink) = treated(disposition);
            for line in wrap(&verdict, self.width.saturating_sub(indent).max(8)) {
                rows.push(
                    Row::indented(indent).with(fit(&line, self.width.saturating_sub(indent)), ink),
                );
            }
        }
        rows.extend(hex_rows(&frame.raw.0, indent, self.width));
        rows
    }

    /// The verdict; what was compared with what if it is broken, or if all is to be told.
    fn claim(&self, event: &Event, claim: &Claim) -> Vec<Row> {
        let name = safe(&claim.claim);
        let (words, ink) = match claim.verdict {
            Verdict::Held => (format!("✓ {name}"), Ink::Good),
            Verdict::Broken => (format!("✗ {name}"), Ink::Bad),
            Verdict::NotChecked => (
                {
                    let why = claim.why.as_ref().map_or_else(
                        || tr!("(no reason given)").to_owned(),
                        |why| safe(&reasons::lack(why)),
                    );
                    tr!("· {name}: not checked here: {why}", name, why)
                },
                Ink::Warn,
            ),
        };
        let mut rows = self.prose(event, &words, ink);
        if self.detail >= Detail::Kernel || claim.verdict == Verdict::Broken {
            for one in &claim.evidence {
                let said = |it: &Value| match (&one.unit, it) {
                    (Some(unit), Value::Number(number)) if unit == "ns" => {
                        span_of(u64::try_from(*number).unwrap_or(0))
                    }
                    (Some(unit), it) => format!("{} {}", value(it, 32), safe(unit)),
                    (None, it) => value(it, 32),
                };
                let with_what = one
                    .with_what
                    .as_ref()
                    .map_or(String::new(), |what| format!("{} ", wording::label(what)));
                let (mark, ink) = if one.held { ("·", Ink::Faint) } else { ("✗", Ink::Bad) };
                let words = format!(
                    "{mark} {} {} {} {with_what}{}",
                    wording::label(&one.what),
                    with_lag(said(&one.saw), one.lag_ns),
                    wording::relation(one.relation),
                    said(&one.with)
                );
                rows.extend(self.prose(event, &words, ink));
            }
        }
        rows
    }

    fn meet(&mut self, actor: &Name) {
        if !matches!(&**actor, LAB | LINK) {
            self.colors.add(actor);
        }
        let most = (self.width / 5).clamp(4, 16);
        self.actor_width = self.actor_width.max(called(actor).width()).min(most);
    }

    /// When and who; where there is no room for the time, who alone.
    fn head(&self, event: &Event) -> Row {
        let mut row = Row::new();
        if self.width >= 56 {
            let micros = event.at_ns / 1000;
            row.push(format!("{:>7}.{:03} ms  ", micros / 1000, micros % 1000), Ink::Faint);
        }
        let start = row.width();
        row.push(fit(&called(&event.actor), self.actor_width), self.colors.ink(&event.actor));
        row.pad_to(start + self.actor_width);
        if self.detail >= Detail::Kernel && self.width >= 90 {
            row.push(format!(" {:>7}", event.thread), Ink::Faint);
        }
        row.push(if self.width >= 56 { "  " } else { " " }, Ink::Plain);
        row
    }

    fn source(&mut self, call: &Call) -> Option<String> {
        let source = call.site.as_ref().filter(|_| self.detail >= Detail::Kernel)?;
        let file = source.file.rsplit('/').next().unwrap_or(&source.file);
        let words = format!("{}:{}", safe(file), source.line);
        self.source_width = self.source_width.max(words.width());
        Some(words)
    }

    /// A call on one row; where it does not fit, what it gave back on a row of its own.
    fn line(
        &self,
        event: &Event,
        call: &dyn Fn(usize) -> Vec<(String, Ink)>,
        rest: &dyn Fn(usize) -> Vec<(String, Ink)>,
        took: Option<(String, Ink)>,
        source: Option<String>,
    ) -> Vec<Row> {
        let head = self.head(event);
        let room = self.width.saturating_sub(head.width());
        let whole = |bytes| call(bytes).into_iter().chain(rest(bytes)).collect::<Vec<_>>();
        let wide =
            |words: &[(String, Ink)]| words.iter().map(|(text, _)| text.width()).sum::<usize>();
        let add = |row: &mut Row, words: Vec<(String, Ink)>| {
            for (text, ink) in words {
                row.push(fit(&text, self.width.saturating_sub(row.width())), ink);
            }
        };
        let most =
            if room >= 60 { room.min(self.edge().saturating_sub(head.width() + 10)) } else { room };
        let mut rows = vec![head];
        if let Some(words) = BYTES_SHOWN.into_iter().map(whole).find(|words| wide(words) <= most) {
            add(&mut rows[0], words);
        } else if wide(&whole(16)) <= room {
            add(&mut rows[0], whole(16));
        } else {
            let fitting = |words: &dyn Fn(usize) -> Vec<(String, Ink)>, room: usize| {
                BYTES_SHOWN
                    .into_iter()
                    .map(words)
                    .find(|words| wide(words) <= room)
                    .unwrap_or_else(|| words(16))
            };
            let indent = (rows[0].width() + 1).min(self.width.saturating_sub(12));
            add(&mut rows[0], fitting(call, room));
            let mut below = Row::indented(indent);
            add(&mut below, fitting(rest, self.width.saturating_sub(indent)));
            rows.push(below);
        }
        if let Some(last) = rows.last_mut() {
            self.margin(last, took, source);
        }
        rows
    }

    /// Where the right margin ends.
    fn edge(&self) -> usize {
        if self.detail >= Detail::Kernel { EDGE + 20 } else { EDGE }.min(self.width)
    }

    /// How long it took and where it stands in the source, right of the row, as far as there is room.
    fn margin(&self, row: &mut Row, took: Option<(String, Ink)>, source: Option<String>) {
        let place = if self.source_width > 0 { self.source_width + 2 } else { 0 };
        let edge = self.edge();
        let with_source = edge.saturating_sub(place);
        let needed = row.width() + took.as_ref().map_or(0, |(text, _)| text.width() + 2);
        let (edge, source) = match source {
            source if needed <= with_source && self.width >= 90 => (with_source, source),
            _ => (if needed <= edge { edge } else { self.width }, None),
        };
        if let Some((text, ink)) = took.filter(|_| needed <= edge) {
            row.pad_to(edge - text.width());
            row.push(text, ink);
        }
        if let Some(source) = source {
            row.pad_to(edge + 2);
            row.push(source, Ink::Faint);
        }
    }

    /// Words that may go on for several rows.
    fn prose(&self, event: &Event, words: &str, ink: Ink) -> Vec<Row> {
        let head = self.head(event);
        let indent = head.width();
        let room = self.width.saturating_sub(indent);
        let begin = |number: usize| {
            if number == 0 { head.clone() } else { Row::new() }
        };
        let lines = wrap(words, room.max(8));
        let row = |(number, line): (usize, &String)| {
            let mut row = begin(number);
            row.pad_to(indent);
            row.with(fit(line, room), ink)
        };
        lines.iter().enumerate().map(row).collect()
    }
}

/// What the instrument did by itself stands back.
/// What the kernel reports of a thread: `asleep in recvfrom (wait_woken)`.
fn sampled(sample: &Sample) -> String {
    let state = match sample.state {
        Some('R') => tr!("R: running or ready"),
        Some('S') => tr!("S: asleep"),
        Some('D') => tr!("D: asleep, not to be interrupted"),
        Some('T' | 't') => tr!("T: stopped"),
        Some('Z') => tr!("Z: ended, not yet collected"),
        Some(_) => tr!("another state"),
        None => tr!("gone: the kernel knows it no more"),
    };
    let call =
        sample.syscall.as_ref().map_or(String::new(), |call| tr!(" in {call}", call = safe(call)));
    let place =
        sample.wait_channel.as_ref().map_or(String::new(), |place| format!(" ({})", safe(place)));
    tr!("kernel: {state}{call}{place}", state, call, place)
}

fn call_ink(call: &Call) -> Ink {
    if call.is_instrument() { Ink::Faint } else { Ink::Plain }
}

/// Bytes as tcpdump -xx shows them: where the row begins, pairs of bytes, and the characters where there is room.
fn hex_rows(bytes: &[u8], indent: usize, width: usize) -> Vec<Row> {
    let room = width.saturating_sub(indent);
    let wide = |per_row: usize| 8 + per_row / 2 * 5;
    let per_row = [16, 8, 4].into_iter().find(|per_row| wide(*per_row) <= room + 1).unwrap_or(2);
    let with_text = room >= wide(per_row) + 1 + per_row;
    let row = |(number, chunk): (usize, &[u8])| {
        let pairs: Vec<String> = chunk
            .chunks(2)
            .map(|pair| pair.iter().map(|byte| format!("{byte:02x}")).collect())
            .collect();
        let mut line = format!("0x{:04x}: {}", number * per_row, pairs.join(" "));
        if with_text {
            let text: String = chunk
                .iter()
                .map(|byte| if byte.is_ascii_graphic() { char::from(*byte) } else { '.' })
                .collect();
            line = format!("{line:<0$} {text}", wide(per_row));
        }
        let mut row = Row::new();
        row.pad_to(indent);
        row.with(fit(&line, room), Ink::Faint)
    };
    bytes.chunks(per_row).enumerate().map(row).collect()
}

view!("trace", |analysis, width, _| draw(analysis, width));
fn draw(analysis: &Analysis, width: usize) -> Picture {
    let mut trace = Trace::new(Detail::Calls, width);
    let events = analysis.recording.events();
    for event in events
        .iter()
        .filter(|event| !matches!(event.what, EventKind::Frame(_) | EventKind::Delivered { .. }))
    {
        trace.meet(&event.actor);
    }
    let mut rows: Vec<Row> = events.iter().flat_map(|event| trace.push(event)).collect();
    rows.extend(trace.pause());
    Picture(rows)
}

/// What the link did with a frame.
fn treated(disposition: &Disposition) -> (String, Ink) {
    let mark = if disposition.action.arrives() { "▶" } else { "✗" };
    let delay = if disposition.delay_ns > 0 {
        tr!(", {span} later", span = span_of(disposition.delay_ns))
    } else {
        String::new()
    };
    let ink = match disposition.action {
        LinkAction::Passed => Ink::Good,
        LinkAction::Dropped | LinkAction::Cut => Ink::Bad,
        _ => Ink::Warn,
    };
    let rule = reasons::rules(&disposition.rules)
        .map_or(String::new(), |rule| tr!(": {rule}", rule = safe(&rule)));
    (format!("{mark} {}{rule}{delay}", wording::link_action(disposition.action)), ink)
}

/// What an actor is called, the lab's own two included.
fn called(name: &str) -> String {
    match name {
        LAB => tr!("lab").to_owned(),
        LINK => tr!("wire").to_owned(),
        name => actor(name),
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;
    use crate::analysis::sample::{Sample, data, fits_everywhere, here};
    use crate::trace::{Blocked, Fact, Outcome, TcpInfo};

    fn talk() -> Sample {
        let mut sample = Sample::new();
        sample.socket("server", 1, "AF_INET", "SOCK_STREAM").fails(
            "client",
            2,
            "connect",
            &[("address", here(4000))],
            "ECONNREFUSED",
        );
        let recv = sample.enter("server", 1, "recv", &[("size", Value::Number(1024))]);
        sample.observed("lab", 9, Fact::TcpInfo(TcpInfo::default()));
        sample.pass(100_000_000).sends("client", 2, "你好\n");
        sample.leave("server", &recv, Outcome::Result(7), &[("data", data("你好\n"))]);
        sample
    }

    #[test]
    fn a_call_that_is_interrupted_is_shown_as_blocked_and_again_when_it_returns() {
        assert_snapshot!(drawn(&talk(), 90));
    }

    fn drawn(sample: &Sample, width: usize) -> String {
        draw(&Analysis::of(&sample.recording()), width).text()
    }

    #[test]
    fn a_pause_shows_who_is_blocked_once() {
        let mut sample = Sample::new();
        sample.enter("bob", 1, "accept", &[]);
        let mut trace = Trace::new(Detail::Calls, 80);
        assert_eq!(trace.push(&sample.events[0]), []);
        let rows: Vec<String> = trace.pause().iter().map(Row::text).collect();
        assert_eq!(rows, ["      1.000 ms  bob  accept4(3) …"]);
        assert_eq!(trace.pause(), []);
    }

    #[test]
    fn what_the_instrument_saw_is_told_only_to_those_who_ask() {
        let mut sample = Sample::new();
        let (state, rtt_us) = ("ESTABLISHED".into(), Some(35));
        let info = TcpInfo { state, rtt_us, ..TcpInfo::default() };
        sample.observed("bob", 1, Fact::TcpInfo(info));
        let told = |detail| {
            let mut trace = Trace::new(detail, 120);
            sample
                .events
                .iter()
                .flat_map(|event| trace.push(event))
                .map(|row| row.text())
                .collect::<Vec<_>>()
        };
        assert_eq!(told(Detail::Calls), [""; 0]);
        let line =
            "      1.010 ms  bob     307  fd 3: its state is ESTABLISHED rtt 35 µs (TCP_INFO)";
        assert_eq!(told(Detail::Kernel), [line]);
    }

    #[test]
    fn a_narrow_trace_keeps_the_outcome() {
        let mut sample = Sample::new();
        sample.sends("client", 2, &"x".repeat(100)).fails(
            "client",
            2,
            "connect",
            &[("address", here(4000))],
            "ECONNREFUSED",
        );
        assert_snapshot!(drawn(&sample, 38));
    }

    #[test]
    fn what_is_no_call_is_a_line_of_its_own() {
        let mut sample = Sample::new();
        sample.event("bob", EventKind::Deed { deed: "chmod 000 …/door".into(), errno: None });
        sample.event(
            "bob",
            EventKind::Deed { deed: "open …/door".into(), errno: Some("ENXIO".into()) },
        );
        let expected =
            "      1.000 ms  bob  chmod 000 …/door\n      1.010 ms  bob  open …/door = ENXIO\n";
        assert_eq!(drawn(&sample, 80), expected);
    }

    #[test]
    fn the_deadline_says_who_was_blocked_where() {
        let mut sample = Sample::new();
        let call = sample.enter("bob", 1, "accept", &[]);
        let blocked = vec![Blocked { actor: "bob".into(), call, for_ns: 5_000_000_000 }];
        sample.event("lab", EventKind::Deadline { limit_ns: 5_000_000_000, blocked });
        sample.event("lab", EventKind::End { ending: Ending::Deadline });
        assert_snapshot!(drawn(&sample, 70));
    }

    #[test]
    fn frames_are_told_in_one_line_and_in_hex_to_those_who_ask_three_times() {
        let frame = serde_json::json!({"event": "frame", "frame": 3, "sent_by": "client",
            "ip": {"src": "10.9.0.1", "dst": "10.9.0.2", "header_bytes": 20, "total_bytes": 60, "ttl": 64, "protocol": 6},
            "tcp": {"src_port": 40123, "dst_port": 8080, "flags": "SYN,ACK", "seq": 1_234_567, "ack": 8, "window": 64240, "header_bytes": 40,
                "options": [{"mss": 1460}]},
            "payload_bytes": 0, "fate": "dropped", "rules": ["drop the first SYN"], "raw": "02000a090002fec647f4438b080041ff7e"});
        let mut sample = Sample::new();
        let call = sample.enter("client", 2, "connect", &[("address", here(4000))]);
        sample
            .event("wire", serde_json::from_value(frame).expect("a frame"))
            .event("wire", EventKind::Delivered { frame: 2 });
        sample.leave("client", &call, Outcome::Result(0), &[]);
        let told = |detail, width| {
            let mut trace = Trace::new(detail, width);
            sample
                .events
                .iter()
                .flat_map(|event| trace.push(event))
                .map(|row| row.text() + "\n")
                .collect::<String>()
        };
        assert_snapshot!(told(Detail::Frames, 80));
        let calls_alone =
            "      1.000 ms  client  connect(4, 127.0.0.1:4000) = 0                     30 µs\n";
        assert_eq!(told(Detail::Kernel, 80), calls_alone, "what is not told interrupts nothing");
        for width in 20..=200 {
            assert!(
                told(Detail::Frames, width).lines().all(|line| line.width() <= width),
                "{}",
                told(Detail::Frames, width)
            );
        }
    }

    #[test]
    fn nothing_sticks_out_or_reaches_the_terminal() {
        let mut sample = talk();
        sample.part("by \u{1b}[31mhand").event(
            "eve\u{1b}[2J",
            EventKind::Wait { asked_ns: 200_000_000, purpose: "\u{202e}silence".into() },
        );
        sample.event(
            "lab",
            EventKind::End {
                ending: Ending::Failed { why: crate::trace::Failure::Text("no\nway ".repeat(40)) },
            },
        );
        fits_everywhere(&sample.recording(), draw);
        assert!(drawn(&sample, 80).chars().all(|c| c == '\n' || crate::text::is_safe_to_show(c)));
    }
}
