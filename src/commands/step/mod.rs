//! A stepped run: each call is paused before it is made, its line is shown, and Enter (or the pace) resumes it.
//!
//! The process of the run itself is paused: the call at the cursor has not been made yet. [`Stepper`] chooses the next call;
//! [`Display`] shows it. Programs that are traced have terminals of their own meanwhile: what they print is an event, and `i` types a
//! line for one ([`Typing`]).

use std::collections::BTreeMap;
use std::io;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use super::live::{self, FinishedRun, exit_text};
use super::{Failure, Session};
use crate::capture::child::{ExperimentRun, Order, Output, interrupted, was_ctrl_c_left};
use crate::experiments::Experiment;
use crate::output::terminal::keys::{self, Key};
use crate::signals::{self, Cleanup};
use crate::trace::recording::{Origin, Recording};
use crate::trace::{Ending, EventKind};

mod display;
mod stepper;
mod typing;

use display::Display;
use stepper::Stepper;
use typing::{Typed, Typing, readers};

/// What a function key begins with.
const ESCAPE: u8 = 0x1b;

/// How often keys are polled for.
const KEY_POLL: Duration = Duration::from_millis(20);
/// How often the screen is redrawn while much happens and no call waits for a key.
const REDRAW_INTERVAL: Duration = Duration::from_millis(250);

/// Runs an experiment step by step.
pub(super) fn run(
    session: &mut Session,
    experiment: &Experiment,
    settings: &BTreeMap<String, String>,
) -> Result<FinishedRun, Failure> {
    let (run, recording) = live::start(session, experiment, settings, true)?;
    let (recording, status) = follow(session, run, recording)?;
    Ok(FinishedRun { recording, exit: exit_text(status) })
}

/// Steps through a run that was started to be stepped.
pub(super) fn follow(
    session: &mut Session,
    mut run: ExperimentRun,
    recording: Recording,
) -> Result<(Recording, io::Result<ExitStatus>), Failure> {
    let mut stepper = Stepper::new(recording, session.class.pace);
    let origin = stepper.recording.header.origin.clone();
    let stepped = Player::new(session, &origin).and_then(|mut player| {
        let stepped = player.step_through(session, &mut run, &mut stepper);
        player.leave(session, &stepper.recording)?;
        stepped
    });
    if stepped.is_err() || interrupted().is_some() {
        // Keep what it recorded so far, and its end.
        run.stop(|line| {
            stepper.receive(&line);
            session.write_line(&line)
        })?;
    }
    let status = run.finish();
    let mut recording = stepper.recording;
    live::note_forbidden(session, &mut recording, &status)?;
    session.finish_run(&recording)?;
    if let Some(code) = live::interruption(&recording, &status) {
        return Err(Failure::Interrupted(code));
    }
    match stepped {
        // Of programs of one's own all that happened is shown.
        Err(Failure::Quit) if is_traced(&recording) => Ok((recording, status)),
        stepped => stepped.map(|()| (recording, status)),
    }
}

/// The player of a stepped run: its screen and its keys.
struct Player {
    display: Display,
    raw_mode: Option<Cleanup>,
    typing: Option<Typing>,
    /// Whether the keys are explained, in the place of the step.
    helps: bool,
    /// What the window was like when it was last drawn; `None` if it must be drawn again.
    drawn_for: Option<Window>,
}

/// The window: its columns and rows, and how often the program has been resumed, which clears it.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Window {
    size: (usize, usize),
    times_resumed: u64,
}

impl Player {
    fn new(session: &mut Session, origin: &Origin) -> Result<Player, Failure> {
        let raw_mode =
            if session.terminal.is_interactive() { Some(keys::raw_mode()?) } else { None };
        Ok(Player {
            display: Display::new(session, origin)?,
            raw_mode,
            typing: None,
            helps: false,
            drawn_for: None,
        })
    }

    /// Steps to the end of the run, and waits there until its end has been seen.
    fn step_through(
        &mut self,
        session: &mut Session,
        run: &mut ExperimentRun,
        stepper: &mut Stepper,
    ) -> Result<(), Failure> {
        let has_keys = self.raw_mode.is_some();
        let (mut closed, mut stale, mut drawn) = (false, false, Instant::now());
        loop {
            let mut news = false;
            let (mut timeout, began) = (stepper.time_to_next(KEY_POLL), Instant::now());
            // Keys must be read even if the run never stops writing.
            while !closed && began.elapsed() <= KEY_POLL {
                match run.next(timeout) {
                    Output::Line(line) => {
                        session.write_line(&line)?;
                        news |= stepper.receive(&line);
                        timeout = Duration::ZERO;
                    }
                    Output::TimedOut => break,
                    Output::Closed => {
                        (closed, news, self.typing) = (true, true, None);
                        stepper.end();
                    }
                }
            }
            if was_ctrl_c_left() && !stepper.runs_through {
                stepper.run_through(run); // a call that is held would keep the signal away
            }
            // The end stays on the screen until a key is pressed.
            let waits = has_keys && stepper.waits_for_keys() && !was_ended(&stepper.recording);
            news |= stepper.choose_next(run);
            let window = Window {
                size: session.terminal.screen_size(),
                times_resumed: signals::times_resumed(),
            };
            stale |= news || self.drawn_for != Some(window);
            let is_calm = !news || drawn.elapsed() >= REDRAW_INTERVAL;
            let due = match self.display.is_screen() {
                true => is_calm || stepper.has_cursor(),
                false => !stepper.runs_through,
            };
            // In the background it would draw over what the shell shows.
            if stale && due && signals::is_foreground() {
                (stale, drawn, self.drawn_for) = (false, Instant::now(), Some(window));
                let typing = self.typing.as_ref();
                self.display.draw(session, stepper, typing, self.helps, window.size, closed)?;
            }
            if (closed && !waits) || interrupted().is_some() {
                return Ok(());
            }
            if stepper.is_due() {
                stepper.forward(run);
            }
            let within = if closed { KEY_POLL } else { Duration::ZERO };
            let typed = if has_keys { keys::typed(within)? } else { None };
            if let Some(bytes) = typed
                && self.press(run, stepper, &bytes, closed)?
            {
                return Ok(());
            }
        }
    }

    /// Does what was typed; true if it ends the run that is over.
    fn press(
        &mut self,
        run: &ExperimentRun,
        stepper: &mut Stepper,
        bytes: &[u8],
        closed: bool,
    ) -> Result<bool, Failure> {
        self.drawn_for = None; // whatever it does
        let mut bytes = bytes;
        let may_type = self.typing.is_none() && !closed && is_traced(&stepper.recording);
        if let Some(at @ 1..) = bytes.iter().position(|byte| *byte == b'i').filter(|_| may_type)
            && !bytes[..at].contains(&ESCAPE)
        {
            // Keys that were pressed before it, and arrive together with it.
            let (before, from) = bytes.split_at(at);
            return Ok(self.press(run, stepper, before, closed)?
                || self.press(run, stepper, from, closed)?);
        }
        if may_type && let Some(rest) = bytes.strip_prefix(b"i") {
            self.typing = Typing::new(readers(stepper.recording.events(), stepper.in_view().1));
            bytes = rest; // whoever pastes has typed more by now
            if rest.is_empty() {
                return Ok(false);
            }
        }
        if let Some(typing) = &mut self.typing {
            match typing.take(bytes) {
                Typed::Unfinished => return Ok(false),
                Typed::Cancelled => {}
                Typed::Text(text) => {
                    let process = typing.reader().process;
                    run.order(&Order::Type { process, text });
                }
            }
            self.typing = None;
            return Ok(false);
        }
        for key in keys::parse(bytes) {
            // A key that is pressed below the explanation goes back to the step.
            if std::mem::take(&mut self.helps) && key != Key::Letter('q') {
                continue;
            }
            match key {
                Key::Letter('q') => return Err(Failure::Quit),
                Key::On | Key::Letter('e') | Key::End if closed && !stepper.is_looking_back() => {
                    return Ok(true);
                }
                Key::On => stepper.forward(run),
                Key::Back | Key::Letter('b') => stepper.back(),
                Key::Letter('e') | Key::End => stepper.run_through(run),
                // Of the keys of lessons, `p`, `c` and `r` have nothing to do here: the explanation says why.
                Key::Letter('?' | 'p' | 'c' | 'r') => self.helps = self.display.is_screen(),
                Key::Letter(_) => {}
            }
        }
        Ok(false)
    }

    /// Gives the terminal back. What the programs printed while the screen was ours, and what was typed for them, comes below what was
    /// there before.
    fn leave(mut self, session: &mut Session, recording: &Recording) -> Result<(), Failure> {
        let was_screen = self.display.is_screen();
        self.display.give_back();
        self.raw_mode = None;
        let printed = recording.events().iter().filter_map(|event| match &event.what {
            EventKind::Printed { text, .. } | EventKind::Typed { text, .. } => {
                Some(text.trim_end_matches('\u{4}'))
            }
            _ => None,
        });
        let printed: String = printed.collect();
        if was_screen && !printed.is_empty() {
            session.terminal.verbatim(printed.trim_end_matches('\n'))?;
            session.terminal.flush()?;
        }
        Ok(())
    }
}

/// Whether somebody ended the run, and has seen what there was to see.
fn was_ended(recording: &Recording) -> bool {
    recording.ending() == Some(&Ending::Interrupted)
}

/// Whether these are programs of the learner's own, which have keyboards.
fn is_traced(recording: &Recording) -> bool {
    matches!(recording.header.origin, Origin::Programs(_))
}
