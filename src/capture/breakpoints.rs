//! The breakpoints of a stepped run: each call of the experiment pauses before it is made, until it is resumed.
//!
//! Each pause is recorded ([`EventKind::Held`]). The instrument's own calls do not pause, nor do calls without a source line.
//! A call that blocks after it was resumed does not stop the others. While any call is paused the run's deadline is suspended.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::recorder::Recorder;
use crate::trace::{Call, Event, EventKind, Name, PAUSES_PER_LINE, Site, SyscallKind};

#[derive(Debug, Default)]
pub struct Breakpoints {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// No call pauses any more.
    disabled: bool,
    /// Calls that were resumed and have not gone on yet.
    resumed: HashSet<u64>,
    /// How many times each actor has come to each line, to make this call.
    visits: HashMap<(Name, Site, SyscallKind), u32>,
    /// The calls that are paused now, as process and call.
    paused: HashSet<(u32, u64)>,
    /// Since when at least one has been.
    paused_since: Option<Instant>,
    /// How long at least one was, before that.
    paused_before: Duration,
}

impl State {
    fn pause(&mut self, process: u32, call: u64) {
        if self.paused.is_empty() {
            self.paused_since = Some(Instant::now());
        }
        self.paused.insert((process, call));
    }

    fn release(&mut self, is_over: impl Fn(u32, u64) -> bool) {
        self.paused.retain(|(process, call)| !is_over(*process, *call));
        if self.paused.is_empty() {
            let since = self.paused_since.take();
            self.paused_before += since.map_or(Duration::ZERO, |since| since.elapsed());
        }
    }
}

impl Breakpoints {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Pauses the calling thread before this call, if it is one that pauses, until it is resumed.
    pub(super) fn wait_turn(&self, recorder: &Recorder, actor: &Name, call: &Arc<Call>) {
        let Some(site) = call.site.as_ref().filter(|_| !call.is_instrument()) else {
            return;
        };
        let process = std::process::id();
        let mut state = self.lock();
        let visits = state.visits.entry((actor.clone(), site.clone(), call.kind())).or_default();
        *visits += 1;
        if *visits > PAUSES_PER_LINE || state.disabled {
            return;
        }
        state.pause(process, call.id);
        // Recording takes the recorder's lock, and so must not happen under this one.
        drop(state);
        recorder.push(actor, EventKind::Held(call.clone()));
        let mut state = self.lock();
        while !state.disabled && !state.resumed.remove(&call.id) {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.release(|of, paused| (of, paused) == (process, call.id));
    }

    /// Resumes one paused call of this process.
    pub(super) fn resume(&self, call: u64) {
        self.lock().resumed.insert(call);
        self.changed.notify_all();
    }

    /// Resumes all paused calls, and pauses none any more.
    pub(super) fn resume_all(&self) {
        self.lock().disabled = true;
        self.changed.notify_all();
    }

    pub(super) fn are_enabled(&self) -> bool {
        !self.lock().disabled
    }

    /// Takes account of an event of a child process of this run: calls that it has paused suspend the deadline too.
    pub(super) fn observe(&self, event: &Event) {
        match &event.what {
            EventKind::Held(call) => self.lock().pause(event.process, call.id),
            EventKind::Enter(call) => {
                self.lock().release(|of, paused| (of, paused) == (event.process, call.id))
            }
            _ => {}
        }
    }

    /// A child process has ended, and with it its pauses.
    pub(super) fn process_ended(&self, process: u32) {
        self.lock().release(|of, _| of == process);
    }

    /// How long at least one call was paused so far, in all.
    pub(super) fn paused_for(&self) -> Duration {
        let state = self.lock();
        state.paused_before + state.paused_since.map_or(Duration::ZERO, |since| since.elapsed())
    }
}
