//! The gate of a stepped run: each call of the experiment is held before it is made, until somebody lets it go.
//!
//! What is held is recorded ([`EventKind::Held`]), so that a recording tells of its pauses. The instrument's own looks are not
//! held, nor is what happens without a source line. A call that blocks is through the gate: others go while it does.
//! While a call is held the run's deadline does not come nearer.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::recorder::Recorder;
use crate::trace::{Call, Event, EventKind, Name, PAUSES_PER_LINE, Site};

/// Holds calls.
#[derive(Debug, Default)]
pub struct Breakpoints {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Nothing is held any more.
    open: bool,
    /// Calls that may go, by number.
    may_go: HashSet<u64>,
    /// How often each line has been held for each actor.
    times: HashMap<(Name, Site), u32>,
    /// What is held now: process and call.
    held: HashSet<(u32, u64)>,
    /// Since when something has been.
    since: Option<Instant>,
    /// How long something was, before that.
    before: Duration,
}

impl State {
    fn hold(&mut self, process: u32, call: u64) {
        if self.held.is_empty() {
            self.since = Some(Instant::now());
        }
        self.held.insert((process, call));
    }

    fn release(&mut self, gone: impl Fn(u32, u64) -> bool) {
        self.held.retain(|(process, call)| !gone(*process, *call));
        if self.held.is_empty() {
            self.before += self.since.take().map_or(Duration::ZERO, |since| since.elapsed());
        }
    }
}

impl Breakpoints {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Holds the calling thread before this call, if it is one to be held, until it may go.
    pub(super) fn pass(&self, recorder: &Recorder, actor: &Name, call: &Arc<Call>) {
        let Some(source) = call.site.as_ref().filter(|_| !call.is_instrument()) else {
            return;
        };
        let process = std::process::id();
        let mut state = self.lock();
        let times = state.times.entry((actor.clone(), source.clone())).or_default();
        *times += 1;
        if *times > PAUSES_PER_LINE || state.open {
            return;
        }
        state.hold(process, call.id);
        drop(state);
        recorder.push(actor, EventKind::Held(call.clone()));
        let mut state = self.lock();
        while !state.open && !state.may_go.remove(&call.id) {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.release(|of, held| (of, held) == (process, call.id));
    }

    /// Lets one paused call of this process go on.
    pub(super) fn resume(&self, call: u64) {
        self.lock().may_go.insert(call);
        self.changed.notify_all();
    }

    /// Lets all paused calls go on, and pauses none any more.
    pub(super) fn resume_all(&self) {
        self.lock().open = true;
        self.changed.notify_all();
    }

    /// Whether nothing is held any more.
    pub(super) fn is_open(&self) -> bool {
        self.lock().open
    }

    /// Hears what a child process of this run recorded: what it holds counts as held.
    pub(super) fn hear(&self, event: &Event) {
        match &event.what {
            EventKind::Held(call) => self.lock().hold(event.process, call.id),
            EventKind::Enter(call) => {
                self.lock().release(|process, held| (process, held) == (event.process, call.id))
            }
            _ => {}
        }
    }

    /// A child process has ended: it holds nothing.
    pub(super) fn is_gone(&self, process: u32) {
        self.lock().release(|of, _| of == process);
    }

    /// How long something was held so far, in all.
    pub(super) fn held_for(&self) -> Duration {
        let state = self.lock();
        state.before + state.since.map_or(Duration::ZERO, |since| since.elapsed())
    }
}
