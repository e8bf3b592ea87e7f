//! What happened that was no call, in words.

use super::layout::EDGE;
use super::{Detail, Trace};
use crate::i18n::tr;
use crate::picture::{Ink, Row, fit, span_of};
use crate::reasons;
use crate::trace::{ActorKind, Claim, Ending, Event, EventKind, Sample, Value, Verdict};
use crate::views::wording::{self, actor, arguments, safe, value, with_lag};
use unicode_width::UnicodeWidthStr;

impl Trace {
    /// What is no call, in words.
    pub(super) fn describe(&self, event: &Event, what: &EventKind) -> Vec<Row> {
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
                        tr!("runs as thread {id}", id = event.thread)
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
            EventKind::Joined { programs } => {
                let names = programs.iter().map(|program| actor(&program.name));
                let names = names.collect::<Vec<_>>().join(tr!(context "list", ", "));
                self.prose(event, &tr!("{names} joined, from another terminal", names), Ink::Faint)
            }
            EventKind::Network { address } => {
                self.prose(event, &tr!("in a network of its own, {address}", address), Ink::Faint)
            }
            EventKind::Signalled { signal } => {
                self.prose(event, &tr!("is sent {signal}", signal = safe(signal)), Ink::Faint)
            }
            EventKind::Printed { program, text } => {
                let event = Event { actor: program.clone(), ..event.clone() };
                let line = |line: &str| {
                    let words = tr!("prints: {line}", line = safe(line.trim_end_matches('\r')));
                    self.prose(&event, &words, Ink::Strong)
                };
                text.lines().flat_map(line).collect()
            }
            EventKind::Typed { program, text } => {
                let event = Event { actor: program.clone(), ..event.clone() };
                let line = safe(text.trim_end_matches(['\n', '\u{4}']));
                let words = match (line.is_empty(), text.ends_with('\u{4}')) {
                    (true, true) => tr!("typed: the end of input (Ctrl-D)").to_owned(),
                    _ => tr!("typed: {line}", line),
                };
                self.prose(&event, &words, Ink::Strong)
            }
            EventKind::Note { note } => self.prose(event, &wording::note(note), Ink::Warn),
            EventKind::Exited { cpu_ns, .. } => {
                let used = cpu_ns.map_or(String::new(), |used| {
                    tr!(", after {span} of processor time", span = span_of(used))
                });
                self.prose(event, &tr!("leaves{used}", used), Ink::Faint)
            }
            EventKind::Sample(sample) => self.prose(event, &sampled(sample), Ink::Faint),
            EventKind::Busy { processes } => {
                let all = processes.iter().map(u32::to_string).collect::<Vec<_>>();
                let processes = all.join(tr!(context "list", ", "));
                self.prose(
                    event,
                    &tr!("may go on by itself: process {processes}", processes),
                    Ink::Faint,
                )
            }
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
            EventKind::Deadline { limit_ns, interrupted, blocked } => {
                let limit = span_of(*limit_ns);
                let words = if *interrupted {
                    tr!("the programs are ended, after {limit}", limit)
                } else {
                    tr!("the deadline passed, after {limit}", limit)
                };
                let mut rows = self.prose(event, &words, Ink::Bad);
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
                        (tr!("not available here: {why}", why), Ink::Warn)
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
}

/// What the kernel reports of a thread: `asleep in recvfrom (wait_woken)`.
fn sampled(sample: &Sample) -> String {
    let state = match sample.state {
        Some('R') => tr!("R: running or ready"),
        Some('S') => tr!("S: asleep"),
        Some('D') => tr!("D: asleep, cannot be interrupted"),
        Some('T' | 't') => tr!("T: stopped"),
        Some('Z') => tr!("Z: ended, not yet collected"),
        Some(_) => tr!("another state"),
        None => tr!("gone: the kernel no longer has it"),
    };
    let call =
        sample.syscall.as_ref().map_or(String::new(), |call| tr!(" in {call}", call = safe(call)));
    let place =
        sample.wait_channel.as_ref().map_or(String::new(), |place| format!(" ({})", safe(place)));
    tr!("kernel: {state}{call}{place}", state, call, place)
}
