//! A stepped run: each call is paused before it is made, its line is shown, and Enter (or the pace) resumes it.
//!
//! The process of the run itself is paused: the call at the cursor has not been made yet. [`Stepper`] chooses the next call;
//! [`Display`] shows it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::live::{self, FinishedRun, exit_text};
use super::{Failure, Session};
use crate::capture::child::{ExperimentRun, Output, interrupted};
use crate::experiments::Experiment;
use crate::output::terminal::keys::{self, Key};

mod display;
mod stepper;

use display::Display;
use stepper::Stepper;

/// How often keys are polled for.
const KEY_POLL: Duration = Duration::from_millis(20);
/// How often the screen is redrawn while the run goes to its end without pauses.
const REDRAW_INTERVAL: Duration = Duration::from_millis(250);

/// Runs an experiment step by step.
pub(super) fn run(
    session: &mut Session,
    experiment: &Experiment,
    settings: &BTreeMap<String, String>,
) -> Result<FinishedRun, Failure> {
    let (mut run, recording) = live::start(session, experiment, settings, true)?;
    let mut stepper = Stepper::new(recording, session.class.pace);
    let stepped = step_through(session, &mut run, &mut stepper, experiment.name);
    if stepped.is_err() {
        // Keep what it recorded so far, and its end.
        run.stop(|line| {
            stepper.receive(&line);
            session.write_line(&line)
        })?;
    }
    let exit = exit_text(run.finish());
    let recording = stepper.recording;
    session.finish_run(&recording)?;
    if let Some(code) = interrupted() {
        return Err(Failure::Interrupted(code));
    }
    stepped.map(|()| FinishedRun { recording, exit })
}

/// Steps to the end of the run, and waits there until its end has been seen.
fn step_through(
    session: &mut Session,
    run: &mut ExperimentRun,
    stepper: &mut Stepper,
    name: &str,
) -> Result<(), Failure> {
    let has_keys = session.terminal.is_interactive();
    let _raw_mode = if has_keys { Some(keys::raw_mode()?) } else { None };
    let mut display = Display::new(session, name)?;
    let (mut size, mut closed, mut stale, mut drawn) = (None, false, false, Instant::now());
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
                    (closed, news) = (true, true);
                    stepper.end();
                }
            }
        }
        // The end stays on the screen until a key is pressed.
        let waits = has_keys && stepper.waits_for_keys();
        news |= stepper.choose_next(run);
        let measured = session.terminal.screen_size();
        stale |= news || size != Some(measured);
        let due = !stepper.runs_through
            || (display.is_screen() && (!news || drawn.elapsed() >= REDRAW_INTERVAL));
        if stale && due {
            (stale, drawn, size) = (false, Instant::now(), Some(measured));
            display.draw(session, stepper, measured, closed)?;
        }
        if (closed && !waits) || interrupted().is_some() {
            return Ok(());
        }
        let within = if closed { KEY_POLL } else { Duration::ZERO };
        let mut pressed = if has_keys { keys::pressed(within)? } else { Vec::new() };
        if pressed.is_empty() && stepper.is_due() {
            pressed.push(Key::On);
        }
        for key in pressed {
            match key {
                Key::Letter('q') => return Err(Failure::Quit),
                Key::On | Key::Letter('c') | Key::End if closed && !stepper.is_looking_back() => {
                    return Ok(());
                }
                Key::On => stepper.forward(run),
                Key::Back => stepper.back(),
                Key::Letter('c') | Key::End => stepper.run_through(run),
                Key::Letter(_) => {}
            }
            size = None; // a key redraws, whatever it did
        }
    }
}
