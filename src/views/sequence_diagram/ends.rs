//! How processes end: in a row of its own, and below it their lanes are empty.

use std::collections::BTreeSet;

use super::builder::Builder;
use super::diagram::{Likeness, Shape, Step};
use crate::analysis::CallSpan;
use crate::i18n::tr;
use crate::picture::Ink;
use crate::picture::phrase::Phrase;
use crate::trace::recording::Origin;
use crate::trace::{Event, EventKind, ExitStatus, SyscallKind};

/// A process ends.
pub(super) struct ProcessEnd {
    pub(super) at_ns: u64,
    /// The lanes of its threads, and when each goes on, in another process of that name.
    pub(super) lanes: Vec<(usize, Option<u64>)>,
    /// The lane that says so; `None` if it does not matter any more.
    lane: Option<usize>,
    words: Phrase,
    ink: Ink,
}

impl ProcessEnd {
    /// Its row.
    pub(super) fn step(&self) -> Option<Step> {
        let lane = self.lane?;
        let shape = Shape::Call { lane, words: self.words.clone(), ink: self.ink, joins: false };
        Some(Step::new(self.at_ns, shape, Likeness::Other))
    }
}

impl Builder<'_> {
    /// Each process that ended, in order.
    pub(super) fn ends(&self) -> Vec<ProcessEnd> {
        self.analysis.recording.events().iter().filter_map(|event| self.end(event)).collect()
    }

    fn end(&self, event: &Event) -> Option<ProcessEnd> {
        let EventKind::Exited { status: Some(status), .. } = &event.what else { return None };
        let is_over = self.analysis.cleanup_ns().is_some_and(|tail_ns| event.at_ns >= tail_ns);
        let mut lane = self.lane_of.get(&event.actor).copied().filter(|_| !is_over);
        let mut at_ns = event.at_ns;
        let (words, ink) = match status {
            ExitStatus::Code(code) => {
                let is_child = lane.is_some_and(|lane| self.is_child(lane, event.process));
                let words = if is_child {
                    vec![tr!("a child exits with {code}", code)]
                } else {
                    vec![tr!("exits with {code}", code)]
                };
                (words, Ink::Faint)
            }
            ExitStatus::Signal(signal) => {
                let mut words = vec![format!("✗ {signal}")];
                if let Some(killed_ns) = self.killed_ns(event, signal) {
                    (at_ns, lane) = (killed_ns, self.lane_of.get(&event.actor).copied());
                    // One that a key sends too may be that of Ctrl-C.
                    if !matches!(&**signal, "SIGINT" | "SIGQUIT") {
                        words.insert(0, tr!("✗ {signal}, from another process", signal));
                    }
                }
                (words, Ink::Bad)
            }
        };
        let lanes = self.lanes_of(event.process, event.at_ns);
        Some(ProcessEnd { at_ns, lanes, lane, words, ink })
    }

    /// Whether this process of a traced program is another than the one that its lane is named after.
    fn is_child(&self, lane: usize, process: u32) -> bool {
        matches!(self.analysis.recording.header.origin, Origin::Programs(_))
            && self.lanes[lane].process != process
    }

    /// The lanes in which this process did anything, and when another process goes on there after this time.
    fn lanes_of(&self, process: u32, ended_ns: u64) -> Vec<(usize, Option<u64>)> {
        let events = self.analysis.recording.events();
        let lane = |event: &Event| self.lane_of.get(&event.actor).copied();
        let own = events.iter().filter(|event| event.process == process).filter_map(lane);
        let own: BTreeSet<usize> = own.collect();
        let goes_on = |of: usize| {
            events.iter().find(|event| event.at_ns > ended_ns && lane(event) == Some(of))
        };
        own.into_iter().map(|of| (of, goes_on(of).map(|event| event.at_ns))).collect()
    }

    /// Whether this send raised SIGPIPE, which ended its process, and no other was seen to send that signal.
    pub(super) fn ended_its_process(&self, span: &CallSpan) -> bool {
        let events = self.analysis.recording.events().iter();
        let mut own = events.filter(|event| event.process == span.process);
        let is_pipe = |signal: &str| signal == "SIGPIPE";
        let ended = own.clone().any(|event| {
            let EventKind::Exited { status: Some(status), .. } = &event.what else { return false };
            matches!(status, ExitStatus::Signal(signal) if is_pipe(signal))
        });
        let is_sent = |event: &Event| matches!(&event.what, EventKind::Signalled { signal } if is_pipe(signal));
        span.is(SyscallKind::Send) && ended && !own.any(is_sent)
    }

    /// When the process that ended here was sent the signal that ended it; later, if it was seen to go on.
    fn killed_ns(&self, exited: &Event, by: &str) -> Option<u64> {
        let events = self.analysis.recording.events().iter();
        let mut own = events.filter(|event| event.process == exited.process);
        let is_kill =
            |event: &&Event| matches!(&event.what, EventKind::Signalled { signal } if signal == by);
        let sent_ns = own.by_ref().find(is_kill)?.at_ns;
        let calls =
            own.filter(|event| matches!(event.what, EventKind::Enter(_) | EventKind::Return(_)));
        Some(calls.map(|event| event.at_ns).max().map_or(sent_ns, |last_ns| last_ns.max(sent_ns)))
    }
}
