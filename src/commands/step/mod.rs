//! A run, call by call: each is paused before it is made, its line is shown, and Enter (or the pace) makes it.
//!
//! The process of the run itself is paused: when the cursor stands on a call, the call has not been made. [`Stepper`] decides
//! which call goes next; [`Display`] shows where one is.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::live::{FinishedRun, exit_text, header};
use super::{Failure, Session};
use crate::capture::child::{ExperimentRun, Output, interrupted};
use crate::experiments::Experiment;
use crate::output::terminal::keys::{self, Key};
use crate::trace::recording::Recording;

mod display;
mod stepper;

use display::Display;
use stepper::Stepper;

/// How often keys are polled for.
const KEY_POLL: Duration = Duration::from_millis(20);
/// How often a run that never pauses is redrawn on its way to the end: it changes faster than anybody reads.
const REDRAW_INTERVAL: Duration = Duration::from_millis(250);

/// Runs an experiment step by step.
pub(super) fn run(
    session: &mut Session,
    experiment: &Experiment,
    settings: &BTreeMap<String, String>,
) -> Result<FinishedRun, Failure> {
    session.open_files()?;
    session.terminal.flush()?;
    let mut run = ExperimentRun::start(experiment.name, settings, true)
        .map_err(|error| Failure::NotStarted(experiment.name.to_owned(), error))?;
    let recording = Recording::new(header(experiment, settings), Vec::new());
    let mut stepper = Stepper::new(recording, session.class.pace);
    let stepped = step_through(session, &mut run, &mut stepper, experiment.name);
    if stepped.is_err() {
        // What it has recorded so far is kept, its end too.
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
        // A run that never stops writing must not keep the keys waiting.
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
        // The end is shown until somebody has seen it.
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
