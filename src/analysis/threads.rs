//! What each actor's thread did from beginning to end: ran, was ready, was blocked in which call, and what ended the wait.
//!
//! From call events alone a thread runs where it is in no call, and is blocked where a call that can wait took its time.
//! Where the kernel was asked as well (`Sample` events) its answer decides: ready is told from running, and a thread that
//! sleeps in no recorded call is known to sleep.

use std::collections::HashMap;

use self::marks::{mark, name_of, senders};
use self::samples::refined;
use super::{Analysis, BLOCKED_NS, CallSpan};
use crate::trace::{ActorKind, Event, EventKind, LINK, Label, Name, Sample, Syscall};

mod marks;
mod samples;
#[cfg(test)]
pub mod tests;
mod totals;

pub use marks::{Mark, MarkKind};
pub use totals::ThreadTotals;

/// What a thread is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ThreadState {
    /// Running, as far as is known.
    Running,
    /// Ready: it would run, and has no processor. Only samples tell.
    Ready,
    /// Blocked in a call of this name.
    Blocked(String),
    /// Asleep elsewhere.
    Asleep(Sleep),
    /// Not seen: the role's thread is playing another role, or it has ended.
    Away,
}

impl ThreadState {
    /// The recorded call in which it is blocked: it waits for something, or for a time to pass.
    pub fn blocking_call(&self) -> Option<&str> {
        match self {
            ThreadState::Blocked(call) | ThreadState::Asleep(Sleep::Asked(call)) => Some(call),
            _ => None,
        }
    }
}

/// Why a thread sleeps that waits for nothing in a recorded call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sleep {
    /// A deliberate wait, for this purpose.
    Waiting(Label),
    /// A stepped run holds its next call.
    Held,
    /// In a sleep of its own, by this call, which is recorded.
    Asked(String),
    /// In this system call, as the kernel reports; `None` where it does not say which.
    InCall(Option<String>),
}

/// From when to when a thread did what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interval {
    /// From when, in nanoseconds since the run began.
    pub from_ns: u64,
    /// Until when.
    pub to_ns: u64,
    /// What it did.
    pub doing: ThreadState,
}

/// What one actor's thread did.
#[derive(Clone, Debug)]
pub struct ThreadTimeline {
    pub actor: Name,
    pub kind: ActorKind,
    pub began_ns: u64,
    /// When it ended; the run's end if it was there until then.
    pub ended_ns: u64,
    /// True if it is recorded that it left.
    pub left: bool,
    pub intervals: Vec<Interval>,
    pub marks: Vec<Mark>,
    /// Processor time; time ready; how often it was given a processor: as the kernel last told.
    pub cpu_ns: Option<u64>,
    pub ready_ns: Option<u64>,
    pub turns: Option<u64>,
    /// How many samples there are of it.
    pub samples: usize,
}

impl ThreadTimeline {
    /// Each time that it waited in a call for something: from falling asleep to being woken, and in which call. What samples cut is
    /// one.
    pub fn waits(&self) -> Vec<(u64, u64, &str)> {
        self.spans(|doing| match doing {
            ThreadState::Blocked(call) => Some(call),
            _ => None,
        })
    }

    /// From when to when it did what this gives the call of.
    fn spans(&self, call_of: fn(&ThreadState) -> Option<&str>) -> Vec<(u64, u64, &str)> {
        let mut all: Vec<(u64, u64, &str)> = Vec::new();
        for interval in &self.intervals {
            let Some(call) = call_of(&interval.doing) else { continue };
            match all.last_mut() {
                Some((_, to, known)) if *to == interval.from_ns && *known == call => {
                    *to = interval.to_ns;
                }
                _ => all.push((interval.from_ns, interval.to_ns, call)),
            }
        }
        all
    }

    /// How often it was blocked, and for how long together, call by call; a sleep of its own counts.
    pub fn blocked(&self) -> Vec<(&str, usize, u64)> {
        let mut all: Vec<(&str, usize, u64)> = Vec::new();
        for (from_ns, to_ns, call) in self.spans(ThreadState::blocking_call) {
            match all.iter_mut().find(|(known, ..)| *known == call) {
                Some((_, times, sum)) => {
                    *times += 1;
                    *sum += to_ns - from_ns;
                }
                None => all.push((call, 1, to_ns - from_ns)),
            }
        }
        all
    }
}

/// What everyone's thread did, in the order in which the actors came.
pub(super) fn timelines(analysis: &Analysis) -> Vec<ThreadTimeline> {
    let events = analysis.recording.events();
    let end_ns = events.last().map_or(0, |event| event.at_ns);
    let mut timelines: Vec<(ThreadTimeline, ThreadId)> = Vec::new();
    let is_of_actor = |event: &&Event| event.is_by_actor() && &*event.actor != LINK;
    for event in events.iter().filter(is_of_actor) {
        if !timelines.iter().any(|(timeline, _)| timeline.actor == event.actor) {
            let thread = (event.process, event.thread);
            timelines.push((ThreadTimeline::new(&event.actor, event.at_ns, end_ns), thread));
        }
    }
    let threads: Vec<ThreadId> = timelines.iter().map(|(_, thread)| *thread).collect();
    let senders = senders(analysis);
    let complete = |(mut timeline, thread): (ThreadTimeline, ThreadId)| {
        let shared = threads.iter().filter(|other| **other == thread).count() > 1;
        let others = timeline.learn(analysis, thread, shared);
        timeline.follow_calls(analysis, &senders, shared, others);
        timeline
    };
    timelines.into_iter().map(complete).collect()
}

/// A process and its thread.
type ThreadId = (u32, u32);

/// From when to when a thread waited, and how.
type Wait = (u64, u64, ThreadState);

/// What events say of a thread that are no calls.
struct OtherEvents<'r> {
    /// What the kernel said of it, and when.
    samples: Vec<(u64, &'r Sample)>,
    /// When it waited on purpose, or was held.
    waits: Vec<Wait>,
}

impl ThreadTimeline {
    fn new(actor: &Name, began_ns: u64, ended_ns: u64) -> ThreadTimeline {
        ThreadTimeline {
            actor: actor.clone(),
            kind: ActorKind::Role,
            began_ns,
            ended_ns,
            left: false,
            intervals: Vec::new(),
            marks: Vec::new(),
            cpu_ns: None,
            ready_ns: None,
            turns: None,
            samples: 0,
        }
    }

    /// Learns from the events that are no calls. `shared`: other actors are played by the same thread.
    fn learn<'r>(
        &mut self,
        analysis: &Analysis<'r>,
        thread: ThreadId,
        shared: bool,
    ) -> OtherEvents<'r> {
        let (mut samples, mut waits) = (Vec::new(), Vec::new());
        let entered_ns = |id| {
            let mut calls = analysis.calls.iter();
            calls
                .find(|span| (span.process, span.call.id) == (thread.0, id))
                .map(|it| it.entered_ns)
        };
        let of_thread = |event: &&Event| (event.process, event.thread) == thread;
        for event in analysis.recording.events().iter().filter(of_thread) {
            let mine = event.actor == self.actor;
            match &event.what {
                EventKind::Sample(sample) if mine || !shared => samples.push((event.at_ns, sample)),
                EventKind::Exited { cpu_ns, .. } if mine => {
                    (self.left, self.ended_ns, self.cpu_ns) = (true, event.at_ns, *cpu_ns);
                }
                EventKind::Wait { asked_ns, purpose } => {
                    let until_ns = event.at_ns.saturating_add(*asked_ns);
                    let why = Sleep::Waiting(purpose.clone());
                    waits.push((event.at_ns, until_ns, ThreadState::Asleep(why)));
                }
                EventKind::Held(call) if mine => {
                    let until_ns = entered_ns(call.id).unwrap_or(self.ended_ns);
                    waits.push((event.at_ns, until_ns, ThreadState::Asleep(Sleep::Held)));
                }
                EventKind::Started { kind } if mine => self.kind = *kind,
                _ => {}
            }
        }
        self.samples = samples.len();
        let last = |part: fn(&Sample) -> Option<u64>| {
            samples.iter().rev().find_map(|(_, sample)| part(sample))
        };
        (self.ready_ns, self.turns) = (last(|sample| sample.ready_ns), last(|sample| sample.turns));
        self.cpu_ns = self.cpu_ns.or_else(|| last(|sample| sample.cpu_ns));
        OtherEvents { samples, waits }
    }

    /// What it did in and between its calls.
    fn follow_calls(
        &mut self,
        analysis: &Analysis,
        senders: &HashMap<usize, Name>,
        shared: bool,
        OtherEvents { samples, mut waits }: OtherEvents,
    ) {
        let calls = analysis.calls.iter().enumerate();
        for (index, span) in
            calls.filter(|(_, span)| span.actor == self.actor && !span.call.is_instrument())
        {
            let to_ns = span.returned_ns().min(self.ended_ns);
            let waited = can_wait(span) && to_ns.saturating_sub(span.entered_ns) >= BLOCKED_NS;
            if waited {
                let state = if span.call.syscall.sleeps() {
                    ThreadState::Asleep(Sleep::Asked(name_of(span).to_owned()))
                } else {
                    ThreadState::Blocked(name_of(span).to_owned())
                };
                waits.push((span.entered_ns, to_ns, state));
            }
            if span.exit.is_some() {
                self.marks.push(mark(analysis, span, waited, senders.get(&index)));
            }
        }
        waits.sort_by_key(|(from_ns, ..)| *from_ns);
        let idle = if shared { ThreadState::Away } else { ThreadState::Running };
        let mut at_ns = self.began_ns;
        let mut intervals = Vec::new();
        for (from_ns, to_ns, doing) in waits {
            let (from_ns, to_ns) = (from_ns.max(at_ns), to_ns.min(self.ended_ns));
            if from_ns < to_ns {
                push(&mut intervals, at_ns, from_ns, idle.clone());
                push(&mut intervals, from_ns, to_ns, doing);
                at_ns = to_ns;
            }
        }
        push(&mut intervals, at_ns, self.ended_ns, idle);
        self.intervals = refined(intervals, &samples);
    }
}

/// A lingering close waits too (`SO_LINGER`, socket(7)).
fn can_wait(span: &CallSpan) -> bool {
    let syscall = &span.call.syscall;
    let waits = syscall.sleeps() || *syscall == Syscall::Close;
    span.may_have_blocked() || (waits && !span.nonblocking && !span.found_ready)
}

fn push(intervals: &mut Vec<Interval>, from_ns: u64, to_ns: u64, doing: ThreadState) {
    if from_ns >= to_ns {
        return;
    }
    match intervals.last_mut() {
        Some(last) if last.doing == doing && last.to_ns == from_ns => last.to_ns = to_ns,
        _ => intervals.push(Interval { from_ns, to_ns, doing }),
    }
}
