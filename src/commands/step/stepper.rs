//! The position in a stepped run, and the choice of the next call: in the order in which they paused, one at a time. A call that
//! does not return within [`BLOCKED_AFTER`] counts as blocked, and the next one is chosen.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::capture::child::{ExperimentRun, Order};
use crate::trace::recording::{self, Line, Recording};
use crate::trace::{Event, EventKind};

/// A call that has not returned after this time counts as blocked.
const BLOCKED_AFTER: Duration = Duration::from_millis(100);

pub(super) struct Stepper {
    pub(super) recording: Recording,
    /// No call is paused any more.
    pub(super) runs_through: bool,
    /// Calls that are paused, besides the cursor's; the first has waited longest.
    paused: VecDeque<Event>,
    /// The call that is about to be made, and since when.
    cursor: Option<(Event, Instant)>,
    /// The call that was resumed last, as process and number, and when.
    resumed: Option<((u32, u64), Instant)>,
    /// The cursor's positions so far: the number of events before it, and the call.
    stops: Vec<(usize, Event)>,
    /// The stop that is shown, if not the present one.
    looking_back: Option<usize>,
    /// How long each call pauses, instead of until a key is pressed.
    pace: Option<Duration>,
}

impl Stepper {
    pub(super) fn new(recording: Recording, pace: Option<Duration>) -> Stepper {
        Stepper {
            recording,
            runs_through: false,
            paused: VecDeque::new(),
            cursor: None,
            resumed: None,
            stops: Vec::new(),
            looking_back: None,
            pace,
        }
    }

    /// Takes in one line of the recording; true if it is an event.
    pub(super) fn receive(&mut self, line: &[u8]) -> bool {
        match recording::parse_line(line) {
            Ok(Line::Header(header)) => self.recording.header = header,
            Ok(Line::Source(line)) => self.recording.cite(line),
            Ok(Line::Event(event)) => {
                self.observe(&event);
                self.recording.push(*event);
                return true;
            }
            Err(_) => {}
        }
        false
    }

    fn observe(&mut self, event: &Event) {
        match &event.what {
            EventKind::Held(_) => self.paused.push_back(event.clone()),
            EventKind::Return(back) => {
                let call = (event.process, back.call.id);
                self.resumed = self.resumed.filter(|(resumed, _)| *resumed != call);
            }
            // Nobody makes the paused calls of a thread that was killed, or of a program that another one has replaced.
            EventKind::Exited { .. } | EventKind::Execed { .. } => {
                self.paused.retain(|paused| !event.ends(paused));
                let _ = self.cursor.take_if(|(paused, _)| event.ends(paused));
            }
            _ => {}
        }
    }

    /// The run is over: no call is about to be made.
    pub(super) fn end(&mut self) {
        self.cursor = None;
    }

    /// Moves the cursor to the next paused call, if it has none and the last call has returned or is blocked.
    pub(super) fn choose_next(&mut self, run: &ExperimentRun) -> bool {
        if self.runs_through {
            if self.paused.drain(..).count() > 0 {
                run.order(&Order::ResumeAll);
            }
            return false;
        }
        let free = self.resumed.is_none_or(|(_, since)| since.elapsed() >= BLOCKED_AFTER);
        if self.cursor.is_some() || !free {
            return false;
        }
        let Some(first) = self.paused.pop_front() else {
            return false;
        };
        self.stops.push((self.recording.events().len(), first.clone()));
        self.cursor = Some((first, Instant::now()));
        true
    }

    /// How long to wait for an event before the pace makes the next call, at most `most`.
    pub(super) fn time_to_next(&self, most: Duration) -> Duration {
        match (&self.cursor, self.pace) {
            (Some((_, since)), Some(pace)) => pace.saturating_sub(since.elapsed()).min(most),
            _ => most,
        }
    }

    /// Whether the pace makes the next call now.
    pub(super) fn is_due(&self) -> bool {
        let waited = self.cursor.as_ref().map(|(_, since)| since.elapsed());
        !self.is_looking_back() && self.pace.is_some_and(|pace| waited >= Some(pace))
    }

    /// Whether a call is about to be made.
    pub(super) fn has_cursor(&self) -> bool {
        self.cursor.is_some()
    }

    /// Whether a key is needed to go on.
    pub(super) fn waits_for_keys(&self) -> bool {
        !self.runs_through && (self.pace.is_none() || self.is_looking_back())
    }

    pub(super) fn is_looking_back(&self) -> bool {
        self.looking_back.is_some()
    }

    /// Goes forward to the next stop when looking back; otherwise makes the call.
    pub(super) fn forward(&mut self, run: &ExperimentRun) {
        if let Some(stop) = self.looking_back {
            self.looking_back = Some(stop + 1).filter(|stop| *stop < self.newest_stop());
            return;
        }
        if let Some((event, _)) = self.cursor.take()
            && let EventKind::Held(call) = &event.what
        {
            self.resumed = Some(((event.process, call.id), Instant::now()));
            run.order(&Order::Resume { process: event.process, call: call.id });
        }
    }

    /// Goes back to the stop before the one that is shown.
    pub(super) fn back(&mut self) {
        let shown = self.looking_back.unwrap_or(match self.cursor {
            Some(_) => self.newest_stop(),
            None => self.stops.len(),
        });
        self.looking_back = shown.checked_sub(1).or(self.looking_back);
    }

    fn newest_stop(&self) -> usize {
        self.stops.len().saturating_sub(1)
    }

    /// Runs to the end without pauses.
    pub(super) fn run_through(&mut self, run: &ExperimentRun) {
        (self.runs_through, self.looking_back, self.cursor) = (true, None, None);
        run.order(&Order::ResumeAll);
    }

    pub(super) fn stops(&self) -> usize {
        self.stops.len()
    }

    /// The number of the stop that is shown, from 1.
    pub(super) fn step(&self) -> usize {
        self.looking_back.map_or(self.stops.len(), |stop| stop + 1)
    }

    /// The events and the cursor to show, now or at the stop that is shown.
    pub(super) fn in_view(&self) -> (&[Event], Option<&Event>) {
        match self.looking_back.and_then(|stop| self.stops.get(stop)) {
            Some((count, event)) => (&self.recording.events()[..*count], Some(event)),
            None => (self.recording.events(), self.cursor.as_ref().map(|(event, _)| event)),
        }
    }
}
