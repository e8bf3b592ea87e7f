//! A run, call by call: each is held before it is made, its line is shown, and Enter (or the pace) lets it go.
//!
//! The run is a process of its own, and it is that process which is held: when the cursor stands on a call, the call has
//! not been made. Which call goes next is decided here, first come, first served, one at a time; a call that does not return
//! within [`BLOCKED`] is shown as blocked, and the next actor's turn has come.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use unicode_width::UnicodeWidthStr;

use super::{Done, Failure, Player};
use crate::capture::child::{ExperimentRun, Output, Resume, interrupted};
use crate::experiments::{self, Experiment, Why};
use crate::output::terminal::ALTERNATE_SCREEN_OFF;
use crate::output::terminal::keys::{self, Key};
use crate::picture::{Ink, Picture, Row, fit};
use crate::signals;
use crate::trace::recording::{self, Line, Recording};
use crate::trace::{Event, EventKind};
use crate::views::step::Shot;
use crate::views::trace::{Detail, Trace};
use crate::words;

/// A call that has not returned after this time is blocked, and the next actor's turn has come.
const BLOCKED: Duration = Duration::from_millis(100);
/// How often keys are polled for.
const KEY_POLL: Duration = Duration::from_millis(20);

/// So often is shown what runs through and never pauses.
const NOW_AND_THEN: Duration = Duration::from_millis(250);

/// How a class is shown a run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Class {
    /// Each call waits for Enter.
    pub step: bool,
    /// Each call waits this long.
    pub pace: Option<Duration>,
    /// Few words, wide gaps.
    pub big: bool,
}

impl Class {
    /// Whether a room looks on, and may raise its hands.
    #[must_use]
    pub fn is_one(&self) -> bool {
        self.big || self.steps()
    }

    /// Whether calls are held.
    #[must_use]
    pub fn steps(&self) -> bool {
        self.step || self.pace.is_some()
    }
}

/// Why an experiment is run whole, in words.
pub(super) fn why(why: Why) -> &'static str {
    match why {
        Why::Race => words::whole_race(),
        Why::Sleep => words::whole_sleep(),
        Why::Many => words::whole_many(),
    }
}

/// What to do next.
enum Next {
    Wait,
    Go,
    Back,
    Through,
    Leave,
}

/// A stepped run, and where one is in it.
struct Walk<'a> {
    run: ExperimentRun,
    recording: Recording,
    /// Calls that are held, besides the cursor's; the first has waited longest.
    held: VecDeque<Event>,
    /// The call that is about to be made, and since when it is shown.
    cursor: Option<(Event, Instant)>,
    /// The call that was let go last, and when.
    going: Option<((u32, u64), Instant)>,
    /// Where the cursor has stood: the events before it, and itself.
    stops: Vec<(usize, Event)>,
    /// Which stop is looked back at.
    back: Option<usize>,
    /// All go, to the end.
    through: bool,
    class: Class,
    name: &'a str,
}

/// Where a stepped run is shown: one picture after the other on a screen of its own, or line below line.
enum Page {
    Screen(
        #[allow(dead_code, reason = "it gives the screen back when it is dropped")]
        signals::Cleanup,
    ),
    Lines {
        trace: Box<Trace>,
        /// How many events have been told.
        told: usize,
        /// How many stops have been shown.
        stops: usize,
    },
}

impl Player {
    /// Runs an experiment step by step.
    pub(super) fn run_stepped(
        &mut self,
        experiment: &Experiment,
        settings: &BTreeMap<String, String>,
    ) -> Result<Done, Failure> {
        self.open_sinks()?;
        self.terminal.flush()?;
        let run = ExperimentRun::start(experiment.name, settings, true)
            .map_err(|error| super::cannot_start(experiment.name, &error))?;
        let header = super::header_of(experiment, settings);
        let mut walk = Walk {
            run,
            recording: Recording::new(header, Vec::new()),
            held: VecDeque::new(),
            cursor: None,
            going: None,
            stops: Vec::new(),
            back: None,
            through: false,
            class: self.class,
            name: experiment.name,
        };
        let outcome = self.walk(&mut walk);
        if let Err(error) = outcome {
            // What it has recorded so far is kept, its end too.
            let Walk { run, recording, .. } = &mut walk;
            run.stop(|text| {
                self.keep(&text)?;
                match recording::parse_line(&text) {
                    Ok(Line::Event(event)) => recording.push(*event),
                    Ok(Line::Header(header)) => recording.header = header,
                    Err(_) => {}
                }
                Ok::<_, Failure>(())
            })?;
            self.keep_frames(&walk.recording)?;
            return Err(interrupted().map_or(error, Failure::Interrupted));
        }
        let Walk { run, recording, .. } = walk;
        let aftermath = words::ended(run.finish());
        self.keep_frames(&recording)?;
        if let Some(code) = interrupted() {
            return Err(Failure::Interrupted(code));
        }
        Ok(Done { recording, aftermath })
    }

    fn walk(&mut self, walk: &mut Walk<'_>) -> Result<(), Failure> {
        let has_keys = self.terminal.is_interactive();
        let keyboard = if has_keys { Some(keys::take()?) } else { None };
        let _keyboard = keyboard.map(|keyboard| signals::at_end(move || keyboard.now()));
        let mut page = if self.terminal.erases() {
            self.terminal.alternate_screen()?;
            Page::Screen(signals::at_end(|| {
                let _ = std::io::Write::write_all(
                    &mut std::io::stdout(),
                    ALTERNATE_SCREEN_OFF.as_bytes(),
                );
                let _ = std::io::Write::flush(&mut std::io::stdout());
            }))
        } else {
            Page::Lines {
                trace: Box::new(Trace::new(self.detail(), self.terminal.width())),
                told: 0,
                stops: 0,
            }
        };
        let (mut size, mut over, mut unseen, mut shown) = (None, false, false, Instant::now());
        loop {
            let mut news = false;
            let (mut patience, began) = (walk.patience(), Instant::now());
            // Whoever never stops talking must not keep the keys from being heard.
            while !over && began.elapsed() <= KEY_POLL {
                match walk.run.next(patience) {
                    Output::Line(text) => {
                        self.keep(&text)?;
                        news |= walk.hear(&text);
                        patience = Duration::ZERO;
                    }
                    Output::TimedOut => break,
                    Output::Closed => (over, news, walk.cursor) = (true, true, None),
                }
            }
            // What came is shown until somebody has seen it.
            let waits =
                has_keys && !walk.through && (walk.class.pace.is_none() || walk.back.is_some());
            news |= walk.choose();
            let measured = self.terminal.measure_now();
            unseen |= news || size != Some(measured);
            // What runs to its end is shown where it pauses, and else now and then: it changes faster than anybody reads.
            let in_time = !walk.through
                || (matches!(page, Page::Screen(_)) && (!news || shown.elapsed() >= NOW_AND_THEN));
            if unseen && in_time {
                (unseen, shown) = (false, Instant::now());
                size = Some(measured);
                self.show(&mut page, walk, measured, over)?;
            }
            if (over && !waits) || interrupted().is_some() {
                return Ok(());
            }
            for next in walk.next(has_keys, if over { KEY_POLL } else { Duration::ZERO })? {
                match next {
                    Next::Wait => {}
                    Next::Leave => return Err(Failure::Left),
                    Next::Go | Next::Through if over && walk.back.is_none() => return Ok(()),
                    Next::Through => walk.run_through(),
                    Next::Go => walk.go(),
                    Next::Back => walk.look_back(),
                }
                size = None;
            }
        }
    }

    fn detail(&self) -> Detail {
        match self.verbose {
            0 | 1 => Detail::Calls,
            2 => Detail::Kernel,
            _ => Detail::Frames,
        }
    }

    /// Shows where one is.
    fn show(
        &mut self,
        page: &mut Page,
        walk: &Walk<'_>,
        (width, height): (usize, usize),
        over: bool,
    ) -> Result<(), Failure> {
        let (events, cursor) = walk.in_view();
        let step = walk.back.map_or(walk.stops.len(), |stop| stop + 1);
        let title = if over && walk.back.is_none() {
            words::step_over(walk.name)
        } else {
            words::step_title(walk.name, step, walk.back.is_some())
        };
        let shot = Shot {
            events,
            cursor,
            text_of: &experiments::text_of,
            title: &title,
            detail: self.detail(),
        };
        match page {
            Page::Screen(_) => {
                let prompt = match (over && walk.back.is_none(), walk.class.pace) {
                    _ if walk.through => words::step_runs_on(),
                    (true, _) => words::step_enter_ends(),
                    (false, Some(_)) => words::pace_keys(),
                    (false, None) => words::step_keys(),
                };
                let Picture(mut rows) = shot.draw(width, height.saturating_sub(1));
                let prompt =
                    if prompt.width() <= width { prompt } else { words::step_keys_short() };
                rows.push(Row::new().with(fit(prompt, width), Ink::Warn));
                self.terminal.whole_screen(&Picture(rows))?;
            }
            Page::Lines { trace, told, stops } => {
                let mut rows: Vec<Row> =
                    events.iter().skip(*told).flat_map(|event| trace.push(event)).collect();
                *told = events.len().max(*told);
                if *stops == 0 && !walk.stops.is_empty() && self.terminal.is_interactive() {
                    rows.push(Row::new().with(words::step_keys(), Ink::Warn));
                }
                if walk.stops.len() > *stops || over {
                    *stops = walk.stops.len();
                    rows.extend(trace.pause());
                    rows.extend(shot.line(width));
                }
                rows.iter().try_for_each(|row| self.terminal.row_at_once(row))?;
                self.terminal.flush()?;
            }
        }
        Ok(())
    }
}

impl Walk<'_> {
    /// Takes in one line of the recording; true if it tells of something.
    fn hear(&mut self, text: &[u8]) -> bool {
        match recording::parse_line(text) {
            Ok(Line::Header(header)) => self.recording.header = header,
            Ok(Line::Event(event)) => {
                if matches!(event.what, EventKind::Held(_)) {
                    self.held.push_back((*event).clone());
                }
                if let EventKind::Return(back) = &event.what
                    && self.going.is_some_and(|(going, _)| going == (event.process, back.call.id))
                {
                    self.going = None;
                }
                if matches!(event.what, EventKind::Left { .. }) {
                    // A process that was killed makes none of the calls that it was about to make.
                    self.held.retain(|held| {
                        (held.process, held.thread) != (event.process, event.thread)
                    });
                    if self.cursor.as_ref().is_some_and(|(held, _)| {
                        (held.process, held.thread) == (event.process, event.thread)
                    }) {
                        self.cursor = None;
                    }
                }
                self.recording.push(*event);
                return true;
            }
            Err(_) => {}
        }
        false
    }

    /// Puts the cursor on the call whose turn it is, if none has it and the last has returned or is blocked.
    fn choose(&mut self) -> bool {
        if self.through {
            if self.held.drain(..).count() > 0 {
                self.run.resume(Resume::All);
            }
            return false;
        }
        let blocked = self.going.is_none_or(|(_, since)| since.elapsed() >= BLOCKED);
        if self.cursor.is_some() || !blocked {
            return false;
        }
        let Some(first) = self.held.pop_front() else {
            return false;
        };
        self.stops.push((self.recording.events().len(), first.clone()));
        self.cursor = Some((first, Instant::now()));
        true
    }

    /// How long the next event may be waited for.
    fn patience(&self) -> Duration {
        match (&self.cursor, self.class.pace) {
            (Some((_, since)), Some(pace)) => pace.saturating_sub(since.elapsed()).min(KEY_POLL),
            _ => KEY_POLL,
        }
    }

    /// What the keys, or the pace, say.
    fn next(&self, has_keys: bool, within: Duration) -> Result<Vec<Next>, Failure> {
        let pressed = if has_keys { keys::pressed(within)? } else { Vec::new() };
        let said: Vec<_> = pressed
            .into_iter()
            .map(|key| match key {
                Key::On => Next::Go,
                Key::Back => Next::Back,
                Key::Letter('q') => Next::Leave,
                Key::Letter('c') | Key::End => Next::Through,
                Key::Letter(_) => Next::Wait,
            })
            .collect();
        let due = |pace| {
            self.back.is_none()
                && self.cursor.as_ref().is_some_and(|(_, since)| since.elapsed() >= pace)
        };
        if said.is_empty() && self.class.pace.is_some_and(due) {
            return Ok(vec![Next::Go]);
        }
        Ok(said)
    }

    /// Forward: from looking back to the present, or else the call goes.
    fn go(&mut self) {
        if let Some(stop) = self.back.take() {
            self.back = Some(stop + 1).filter(|stop| stop + 1 < self.stops.len());
            return;
        }
        if let Some((event, _)) = self.cursor.take()
            && let EventKind::Held(call) = &event.what
        {
            self.going = Some(((event.process, call.id), Instant::now()));
            self.run.resume(Resume::Call { process: event.process, call: call.id });
        }
    }

    fn look_back(&mut self) {
        let from = self.back.unwrap_or(if self.cursor.is_some() {
            self.stops.len().saturating_sub(1)
        } else {
            self.stops.len()
        });
        self.back = from.checked_sub(1).or(self.back);
    }

    fn run_through(&mut self) {
        (self.through, self.back, self.cursor) = (true, None, None);
        self.run.resume(Resume::All);
    }

    /// The events and the cursor to show: those of now, or of the stop that is looked back at.
    fn in_view(&self) -> (&[Event], Option<&Event>) {
        match self.back.and_then(|stop| self.stops.get(stop)) {
            Some((count, event)) => (&self.recording.events()[..*count], Some(event)),
            None => (self.recording.events(), self.cursor.as_ref().map(|(event, _)| event)),
        }
    }
}
