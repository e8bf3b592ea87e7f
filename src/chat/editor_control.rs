//! What the editor's thread is to do, and what it does: the others set it to work, and get it out of its line.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::keyboard::Prompter;
use super::terminal::{self, Caller};
use crate::signals;

/// Why a line is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// There is no peer yet.
    Waiting,
    /// There is one.
    Talking,
    /// The chat is over, and it is being looked what was typed.
    Leaving,
    /// The chat is over, and the half-typed line waits for Enter.
    LastLine,
    /// All is over.
    Over,
}

pub struct EditorControl {
    by_turns: bool,
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    phase: Phase,
    /// By turns: whether the chat wants a line.
    is_wanted: bool,
    /// The terminal is not this program's.
    paused: bool,
    caller: Option<Caller>,
    /// Whether the thread is in rustyline.
    is_reading: bool,
    /// How many lines it has come out of.
    lines: u64,
    has_ended: bool,
}

impl State {
    fn is_due(&self, by_turns: bool) -> bool {
        match self.phase {
            Phase::Waiting | Phase::LastLine => true,
            Phase::Talking => !by_turns || self.is_wanted,
            Phase::Leaving | Phase::Over => false,
        }
    }
}

impl EditorControl {
    /// Nothing is read before [`EditorControl::resume`].
    pub fn new(by_turns: bool) -> EditorControl {
        let state = State {
            phase: Phase::Waiting,
            is_wanted: false,
            paused: true,
            caller: None,
            is_reading: false,
            lines: 0,
            has_ended: false,
        };
        EditorControl { by_turns, state: Mutex::new(state), changed: Condvar::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    // ---- for the editor's thread ----

    /// Waits until a line is to be read: why. `None` at the end.
    pub fn next(&self) -> Option<Phase> {
        let mut state = self.state();
        loop {
            if state.phase == Phase::Over {
                return None;
            }
            if !state.is_due(self.by_turns) || state.paused {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            } else if signals::is_foreground() {
                state.is_reading = true;
                return Some(state.phase);
            } else {
                drop(state);
                // If nobody can bring it to the foreground, the read fails, and the chat is over.
                if signals::until_foreground().is_err() {
                    return None;
                }
                state = self.state();
            }
        }
    }

    /// The thread is out of its line; true if somebody had asked for that.
    pub fn is_out(&self) -> bool {
        let mut state = self.state();
        (state.is_reading, state.lines) = (false, state.lines + 1);
        let was_asked = terminal::was_called_out();
        self.changed.notify_all();
        was_asked
    }

    /// A line has gone to the chat.
    pub fn line_given(&self) {
        self.state().is_wanted = false;
    }

    pub fn last_line_read(&self) {
        self.state().phase = Phase::Leaving;
        self.changed.notify_all();
    }

    pub fn ended(&self) {
        let mut state = self.state();
        (state.is_reading, state.has_ended) = (false, true);
        self.changed.notify_all();
    }

    // ---- for the others ----

    pub fn started(&self, caller: Caller) {
        self.state().caller = Some(caller);
    }

    /// From here on the terminal is left alone.
    pub fn pause(&self) {
        let mut state = self.state();
        state.paused = true;
        self.get_out(state);
    }

    /// Whether a line is to be read key by key.
    pub fn edits_line(&self) -> bool {
        let state = self.state();
        state.is_due(self.by_turns) && self.edits(state.phase)
    }

    /// Whether lines of this phase are read key by key.
    pub fn edits(&self, phase: Phase) -> bool {
        !(terminal::EDITS_LINES && self.by_turns && phase == Phase::Waiting)
    }

    pub fn resume(&self) {
        self.state().paused = false;
        self.changed.notify_all();
    }

    /// The chat goes on to this phase; a line that is being typed is interrupted.
    pub fn enter(&self, phase: Phase) {
        let mut state = self.state();
        if state.phase == phase {
            return;
        }
        state.phase = phase;
        self.changed.notify_all();
        self.get_out(state);
    }

    /// Lets the half-typed line be ended, and waits for that.
    pub fn read_last_line(&self) {
        self.enter(Phase::LastLine);
        let is_being_read = |state: &mut State| state.phase == Phase::LastLine && !state.has_ended;
        drop(self.changed.wait_while(self.state(), is_being_read));
    }

    /// Gets the thread out of its line. One call may be lost, so there is another until the thread is out; the next line, which it may
    /// begin before we look, is not to be interrupted, for a key of it would be lost. After a second we give up: the thread may be unable
    /// to come out because its terminal is stopped (Ctrl-S).
    fn get_out(&self, mut state: MutexGuard<'_, State>) {
        let line = state.lines;
        for _ in 0..500 {
            let is_in_it = state.is_reading && state.lines == line;
            let Some(caller) = state.caller.filter(|_| is_in_it) else { return };
            caller.call_out();
            let waited = self.changed.wait_timeout(state, Duration::from_millis(2));
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Prompter for EditorControl {
    fn want_line(&self) {
        self.state().is_wanted = true;
        self.changed.notify_all();
    }
}
