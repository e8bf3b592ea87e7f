//! The recorder: every event of a run, in the order in which it happened.
//!
//! Entering a call and returning from it are recorded separately, so a blocked call is known while it blocks.
//! Recording costs a clock reading, a lock and a push; another thread writes the events to a file or a pipe.

use std::collections::HashMap;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::{Breakpoints, sys};
use crate::trace::recording::{EventWriter, LookUp};
use crate::trace::{Blocked, Call, Event, EventKind, Name, Outcome, Output, Return};

/// What a recorder keeps in memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Keep {
    /// Every event, to the run's end: an experiment asks what happened.
    #[default]
    All,
    /// Each event until it is written: a chat may last for days.
    UntilWritten,
    /// Nothing: calls are not recorded.
    Nothing,
}

/// The events of one run; shared by all its actors.
#[derive(Debug)]
pub struct Recorder {
    epoch_ns: u64,
    keep: Keep,
    process: u32,
    next_call: AtomicU64,
    state: Mutex<State>,
    more: Condvar,
    over: Condvar,
    drained: Condvar,
    /// Something was recorded or written, and [`State::waiting`] is not zero.
    changed: Condvar,
    /// Pauses calls before they are made, if the run is stepped.
    breakpoints: Option<Breakpoints>,
    /// Whether each call is written before it is made.
    write_calls_first: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    events: Vec<Event>,
    /// How many of the events the writer has written.
    written: usize,
    writer: Writer,
    closed: bool,
    /// How many threads wait for a change.
    waiting: usize,
}

/// How long events are collected before they are written together.
const GATHER: Duration = Duration::from_millis(2);

/// What the writing thread is doing.
#[derive(Debug, Default, PartialEq, Eq)]
enum Writer {
    /// There is none: the events stay in memory.
    #[default]
    None,
    Busy,
    /// It sleeps until there is more.
    Waiting,
}

/// A call that has been entered.
#[derive(Debug)]
pub struct Entered {
    call: Arc<Call>,
    at_ns: u64,
    lag_ns: Option<u64>,
}

impl Recorder {
    /// A recorder whose times count from `epoch_ns` (a reading of [`sys::monotonic_ns`]).
    #[must_use]
    pub fn new(epoch_ns: u64) -> Recorder {
        Recorder::with_keep(Keep::All, epoch_ns)
    }

    /// A recorder that keeps only these events.
    #[must_use]
    pub fn with_keep(keep: Keep, epoch_ns: u64) -> Recorder {
        Recorder {
            epoch_ns,
            keep,
            process: std::process::id(),
            next_call: AtomicU64::new(1),
            state: Mutex::default(),
            more: Condvar::new(),
            over: Condvar::new(),
            drained: Condvar::new(),
            changed: Condvar::new(),
            breakpoints: None,
            write_calls_first: AtomicBool::new(false),
        }
    }

    /// From here on each call is written before it is made, so that one which ends the process is known.
    pub(super) fn write_calls_first(&self) {
        self.write_calls_first.store(true, Ordering::Relaxed);
    }

    /// From now on, pauses each call of the experiment before it is made.
    pub(super) fn hold_calls(&mut self) {
        self.breakpoints = Some(Breakpoints::default());
    }

    /// The breakpoints, if the run is stepped.
    #[must_use]
    pub fn breakpoints(&self) -> Option<&Breakpoints> {
        self.breakpoints.as_ref()
    }

    /// Whether recording is off.
    #[must_use]
    pub fn is_off(&self) -> bool {
        self.keep == Keep::Nothing
    }

    /// When the run began, as [`sys::monotonic_ns`] counts.
    #[must_use]
    pub fn epoch_ns(&self) -> u64 {
        self.epoch_ns
    }

    /// Nanoseconds since the run began.
    #[must_use]
    pub fn now_ns(&self) -> u64 {
        sys::monotonic_ns().saturating_sub(self.epoch_ns)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records an event of the calling thread, and returns its time.
    pub fn push(&self, actor: &Name, what: EventKind) -> u64 {
        self.push_of(actor, self.process, sys::thread_id(), what)
    }

    /// Records an event of another thread, and returns its time.
    pub fn push_of(&self, actor: &Name, process: u32, thread: u32, what: EventKind) -> u64 {
        let actor = actor.clone();
        let mut state = self.lock();
        let at_ns = self.now_ns();
        self.append(&mut state, Event { at_ns, actor, process, thread, what });
        at_ns
    }

    /// Adds an event that another process of this run recorded.
    pub fn merge(&self, event: Event) {
        self.append(&mut self.lock(), event);
    }

    fn append(&self, state: &mut State, event: Event) {
        if state.closed || self.is_off() {
            return;
        }
        state.events.push(event);
        if state.writer == Writer::Waiting {
            self.more.notify_one();
        }
        self.notify_waiting(state);
    }

    /// Notifying a condition variable is a system call even if nobody waits, and this is done for every event.
    fn notify_waiting(&self, state: &State) {
        if state.waiting > 0 {
            self.changed.notify_all();
        }
    }

    /// A number for a call.
    pub fn number(&self) -> u64 {
        self.next_call.fetch_add(1, Ordering::Relaxed)
    }

    /// Records that a call is entered. In a stepped run the calling thread first waits for its turn.
    pub fn enter(&self, actor: &Name, call: Call) -> Entered {
        let call = Arc::new(call);
        if let Some(breakpoints) = &self.breakpoints {
            breakpoints.wait_turn(self, actor, &call);
        }
        let at_ns = self.push(actor, EventKind::Enter(call.clone()));
        if self.write_calls_first.load(Ordering::Relaxed) {
            self.until_written();
        }
        // Read last: a tick after this can only make the kernel's timer end later.
        let lag_ns = sys::tick_clock_ns().map(|tick| (self.epoch_ns + at_ns).saturating_sub(tick));
        Entered { call, at_ns, lag_ns }
    }

    /// Records that it returned.
    pub fn leave(&self, actor: &Name, entered: Entered, outcome: Outcome, out: Output) {
        let thread = sys::thread_id();
        let (actor, process) = (actor.clone(), self.process);
        let mut state = self.lock();
        let at_ns = self.now_ns();
        let took_ns = at_ns.saturating_sub(entered.at_ns);
        let Entered { call, lag_ns, .. } = entered;
        let what = EventKind::Return(Return { call, outcome, out, took_ns, lag_ns });
        self.append(&mut state, Event { at_ns, actor, process, thread, what });
    }

    /// All events so far.
    #[must_use]
    pub fn events(&self) -> Vec<Event> {
        self.lock().events.clone()
    }

    /// Reads the events without copying them. This blocks recording, so `look` must be short.
    pub fn look<T>(&self, look: impl FnOnce(&[Event]) -> T) -> T {
        look(&self.lock().events)
    }

    /// The calls that have been entered and have not returned.
    #[must_use]
    pub fn pending(&self) -> Vec<Blocked> {
        let now_ns = self.now_ns();
        self.look(|events| {
            let mut open: HashMap<(u32, u64), Blocked> = HashMap::new();
            for event in events {
                match &event.what {
                    EventKind::Enter(call) => {
                        let for_ns = now_ns.saturating_sub(event.at_ns);
                        open.insert(
                            (event.process, call.id),
                            Blocked { actor: event.actor.clone(), call: call.clone(), for_ns },
                        );
                    }
                    EventKind::Return(back) => {
                        open.remove(&(event.process, back.call.id));
                    }
                    _ => {}
                }
            }
            let mut blocked: Vec<_> = open.into_values().collect();
            blocked.sort_by_key(|blocked| std::cmp::Reverse(blocked.for_ns));
            blocked
        })
    }

    /// Stops recording.
    pub fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
        self.more.notify_all();
        self.over.notify_all();
    }

    /// Writes every event to `to` as it comes, until [`Recorder::close`] and all is written. Runs on a thread of its own.
    pub fn write_to(&self, to: &mut dyn Write, look_up: LookUp) {
        let mut writer = EventWriter::new(look_up);
        self.hand_on(None, &mut |batch| {
            batch.iter().try_for_each(|event| writer.write(to, event)).and_then(|()| to.flush())
        });
    }

    /// Passes all events to `take`, in batches, until [`Recorder::close`] was called and none is left, or `take` fails.
    /// After each silence of length `patience`, `take` is called once without events. Runs on a thread of its own.
    pub fn hand_on(
        &self,
        patience: Option<Duration>,
        take: &mut dyn FnMut(&[Event]) -> io::Result<()>,
    ) {
        let mut state = self.lock();
        let mut silence_reported = true;
        loop {
            if state.written < state.events.len() {
                state.writer = Writer::Busy;
                let batch = match self.keep {
                    Keep::UntilWritten => std::mem::take(&mut state.events),
                    _ => state.events[state.written..].to_vec(),
                };
                drop(state);
                let sent = take(&batch);
                silence_reported = false;
                state = self.lock();
                if self.keep != Keep::UntilWritten {
                    state.written += batch.len();
                    self.notify_waiting(&state);
                }
                // Waiting 2 ms for more saves a wake-up for every event, and no reader notices. The end interrupts the wait.
                let gathered = self.over.wait_timeout_while(state, GATHER, |state| !state.closed);
                state = gathered.unwrap_or_else(PoisonError::into_inner).0;
                if sent.is_err() {
                    state.closed = true;
                    state.written = state.events.len();
                    self.notify_waiting(&state);
                }
            } else if state.closed {
                state.writer = Writer::None;
                self.drained.notify_all();
                return;
            } else if let Some(patience) = patience.filter(|_| !silence_reported) {
                state.writer = Writer::Waiting;
                let (back, waited) =
                    self.more.wait_timeout(state, patience).unwrap_or_else(PoisonError::into_inner);
                state = back;
                if waited.timed_out() && state.written == state.events.len() {
                    drop(state);
                    silence_reported = take(&[]).is_ok();
                    state = self.lock();
                }
            } else {
                state.writer = Writer::Waiting;
                state = self.more.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }

    /// Waits until `wanted` is true of the events, or the recording is closed.
    pub fn until(&self, wanted: impl Fn(&[Event]) -> bool) {
        self.wait_while(|state| !wanted(&state.events) && !state.closed);
    }

    /// The same for at most so long; says whether it came to be.
    pub fn until_within(&self, limit: Duration, wanted: impl Fn(&[Event]) -> bool) -> bool {
        let began = Instant::now();
        let mut state = self.lock();
        loop {
            if wanted(&state.events) {
                return true;
            }
            let left = limit.saturating_sub(began.elapsed());
            if left.is_zero() || state.closed {
                return false;
            }
            state.waiting += 1;
            let waited = self.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
            state.waiting -= 1;
        }
    }

    /// Waits while the condition holds; it is checked again whenever something is recorded or written.
    fn wait_while(&self, mut waiting: impl FnMut(&State) -> bool) {
        let mut state = self.lock();
        while waiting(&state) {
            state.waiting += 1;
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.waiting -= 1;
        }
    }

    /// Waits until everything recorded so far is written: before a measurement that writing would disturb.
    pub fn until_written(&self) {
        let now = self.lock().events.len();
        self.wait_while(|state| {
            state.written < now && state.writer != Writer::None && !state.closed
        });
    }

    /// Marks that a writer is about to start, so that [`Recorder::drain`] waits for it.
    pub fn expect_writer(&self) {
        self.lock().writer = Writer::Busy;
    }

    /// Marks that the writer could not start.
    pub fn expect_no_writer(&self) {
        self.lock().writer = Writer::None;
    }

    /// [`Recorder::drain`], for so long at most.
    pub fn drain_within(&self, limit: Duration) {
        let busy = |state: &mut State| state.writer != Writer::None;
        drop(self.drained.wait_timeout_while(self.lock(), limit, busy));
    }

    /// Waits until the writer has written everything. Call [`Recorder::close`] first.
    pub fn drain(&self) {
        let mut state = self.lock();
        while state.writer != Writer::None {
            state = self.drained.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}
