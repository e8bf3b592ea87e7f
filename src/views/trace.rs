//! The trace: every call as a line, as it is made.
//!
//! A call that does not return before somebody else does something is shown when it is made, and again when it returns,
//! as strace does with `<unfinished ...>`.

use std::collections::HashSet;
use std::sync::Arc;

use unicode_width::UnicodeWidthStr;

use super::wording::{
    ActorColors, actor, address, arguments, filled_in, nothing_received, outcome_ink, safe,
};
use super::{DrawOptions, view};
use crate::analysis::{Analysis, BLOCKED_NS, SocketModes};
use crate::i18n::tr;
use crate::picture::{Ink, Picture, Row, paragraph, span_of};
use crate::trace::recording::Origin;
use crate::trace::{
    Call, Ending, Event, EventKind, LAB, LINK, Name, Observation, Output, Return, Role, Syscall,
};

mod describe;
mod frames;
mod layout;

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

/// A trace that is being written as the events come.
#[derive(Debug)]
pub struct Trace {
    detail: Detail,
    width: usize,
    colors: ActorColors,
    actor_width: usize,
    source_width: usize,
    modes: SocketModes,
    /// Programs of the learner's own are traced: there is no lab.
    is_traced: bool,
    /// The call that was entered last, while nothing has come after it.
    last: Option<Entered>,
    /// Calls that were shown when they had not returned.
    unfinished: Vec<Entered>,
    /// The calls that waited for nothing but a processor, by process and number, where the whole run is known.
    found_ready: HashSet<(u32, u64)>,
}

/// A call that has not returned.
#[derive(Debug)]
struct Entered {
    event: Event,
    call: Arc<Call>,
    nonblocking: bool,
}

impl Entered {
    fn is_of(&self, event: &Event, back: &Return) -> bool {
        (self.event.process, self.call.id) == (event.process, back.call.id)
    }
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
            modes: SocketModes::default(),
            is_traced: false,
            last: None,
            unfinished: Vec::new(),
            found_ready: HashSet::new(),
        }
    }

    /// The same, of a run of this origin.
    #[must_use]
    pub fn of(self, origin: &Origin) -> Trace {
        Trace { is_traced: matches!(origin, Origin::Programs(_)), ..self }
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
        self.add_actor(match &event.what {
            EventKind::Printed { program, .. } | EventKind::Typed { program, .. } => program,
            _ => &event.actor,
        });
        if let EventKind::Return(back) = &event.what {
            self.modes.learn(&back.call, &back.out);
        }
        let all = self.detail >= Detail::Kernel;
        match &event.what {
            EventKind::Enter(call) => {
                let nonblocking = self.modes.is_nonblocking(call);
                if call.is_instrument() && !all {
                    return Vec::new();
                }
                let rows = self.pause();
                let (event, call) = (event.clone(), call.clone());
                self.last = Some(Entered { event, call, nonblocking });
                rows
            }
            EventKind::Return(back) if back.call.is_instrument() && !all => Vec::new(),
            EventKind::Observed(Observation { socket: Some(_), .. }) if !all => Vec::new(),
            EventKind::Return(back) => self.returned(event, back),
            EventKind::Started { .. }
            | EventKind::Execed { .. }
            | EventKind::Network { .. }
            | EventKind::Signalled { .. }
            | EventKind::Exited { .. }
            | EventKind::Sample(_)
            | EventKind::Busy { .. }
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
        let Some(entered) = self.last.take() else {
            return Vec::new();
        };
        let Entered { event, call, .. } = &entered;
        let words =
            |bytes| vec![(format!("{}{}", name_of(call), arguments(call, bytes)), call_ink(call))];
        let end = vec![(" …".to_owned(), Ink::Warn)];
        let source = self.source(call);
        let rows = self.line(event, &words, &|_| end.clone(), None, source);
        self.unfinished.push(entered);
        rows
    }

    fn returned(&mut self, event: &Event, back: &Return) -> Vec<Row> {
        let at_once = self.last.take_if(|last| last.is_of(event, back));
        let mut rows = if at_once.is_some() { Vec::new() } else { self.pause() };
        let waits = at_once.as_ref().is_none_or(|entered| !entered.nonblocking);
        let when = at_once.map_or_else(|| event.clone(), |entered| entered.event);
        let unfinished = self.unfinished.iter().position(|entered| entered.is_of(event, back));
        let unfinished = unfinished.map(|at| self.unfinished.swap_remove(at));
        let resumed = unfinished.is_some();
        let name = format!("{}{}", if resumed { "… " } else { "" }, name_of(&back.call));
        let call =
            |bytes| vec![(format!("{name}{}", arguments(&back.call, bytes)), call_ink(&back.call))];
        let received_nothing = self.received_nothing(back);
        let outcome = |bytes| {
            vec![
                (" = ".to_owned(), Ink::Plain),
                (safe(&back.outcome.to_string()), outcome_ink(&back.call.syscall, &back.outcome)),
                (
                    received_nothing.clone().unwrap_or_else(|| filled_in(&back.out, bytes)),
                    Ink::Plain,
                ),
            ]
        };
        let took = span_of(back.took_ns);
        let syscall = &back.call.syscall;
        let was_blocked = syscall.may_block()
            && !syscall.only_looks()
            && waits
            && unfinished.is_none_or(|entered| !entered.nonblocking)
            && !self.found_ready.contains(&(event.process, back.call.id));
        let took = if was_blocked && back.took_ns >= BLOCKED_NS {
            (tr!("blocked {took}", took), Ink::Warn)
        } else {
            (took, Ink::Faint)
        };
        let source = self.source(&back.call);
        rows.extend(self.line(&when, &call, &outcome, Some(took), source));
        rows
    }

    /// What is said of a receive that returned 0.
    fn received_nothing(&self, back: &Return) -> Option<String> {
        let Output::Received { data, from } = &back.out else { return None };
        let asked = !matches!(back.call.syscall, Syscall::Recv { size: 0, .. });
        let is_message = self.modes.has_empty_messages(&back.call);
        let sender = from.as_ref().map(|at| tr!(" from {at}", at = safe(&address(at))));
        (asked && data.bytes == 0)
            .then(|| format!(" {}{}", nothing_received(is_message), sender.unwrap_or_default()))
    }

    fn add_actor(&mut self, actor: &Name) {
        if !matches!(&**actor, LAB | LINK) {
            self.colors.add(actor);
        }
        let most = (self.width / 5).clamp(4, 16);
        self.actor_width = self.actor_width.max(self.called(actor).width()).min(most);
    }

    /// What an actor is called, the lab's own two included.
    fn called(&self, name: &str) -> String {
        match name {
            LAB if self.is_traced => "explore".to_owned(),
            LAB => tr!("lab").to_owned(),
            LINK => tr!("wire").to_owned(),
            name => actor(name),
        }
    }

    fn source(&mut self, call: &Call) -> Option<String> {
        let source = call.site.as_ref().filter(|_| self.detail >= Detail::Kernel)?;
        let file = source.file.rsplit('/').next().unwrap_or(&source.file);
        let words = format!("{}:{}", safe(file), source.line);
        self.source_width = self.source_width.max(words.width());
        Some(words)
    }
}

/// The call's name in the kernel; of what the kernel closes by itself, also because of what: `exit: close`.
fn name_of(call: &Call) -> String {
    match &call.api {
        Some(cause) if call.role == Role::Kernel => safe(&format!("{cause}: {}", call.name)),
        _ => safe(&call.name),
    }
}

/// What the instrument did by itself stands back.
fn call_ink(call: &Call) -> Ink {
    if call.is_instrument() { Ink::Faint } else { Ink::Plain }
}

view!("trace", draw);
fn draw(analysis: &Analysis, width: usize, options: DrawOptions) -> Picture {
    let mut trace = Trace::new(Detail::Calls, width).of(&analysis.recording.header.origin);
    let ready = analysis.calls.iter().filter(|span| span.found_ready);
    trace.found_ready = ready.map(|span| (span.process, span.call.id)).collect();
    let events = || analysis.recording.shown_events();
    for event in events()
        .filter(|event| !matches!(event.what, EventKind::Frame(_) | EventKind::Delivered { .. }))
    {
        trace.add_actor(&event.actor);
    }
    let mut rows: Vec<Row> = events().flat_map(|event| trace.push(event)).collect();
    rows.extend(trace.pause());
    let key = tr!("(= is followed by what the call returned; on the right, how long it took)");
    let returns = events().any(|event| matches!(event.what, EventKind::Return(_)));
    if returns && options.explains(key) {
        rows.extend(paragraph(key, width, Ink::Faint));
    }
    Picture(rows)
}

#[cfg(test)]
mod tests;
