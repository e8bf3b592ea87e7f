//! One run of an experiment, with a live trace.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal};
use std::process::ExitStatus;
use std::time::Duration;

use super::{Failure, Session};
use crate::capture::child::{ExperimentRun, Output, interrupted};
use crate::capture::sys;
use crate::experiments::Experiment;
use crate::i18n::{error_text, tr};
use crate::labels;
use crate::picture::Row;
use crate::trace::recording::{self, Header, Line, Origin, Recording};
use crate::trace::{Event, EventKind};
use crate::views::trace::Trace;

/// After this long without an event a pending call is shown as blocked.
const BLOCKED_AFTER: Duration = Duration::from_millis(50);
/// How late an event of another process may arrive; the trace holds newer events back for this long.
const MAX_DELAY_NS: u64 = 20_000_000;

/// A finished run.
pub struct FinishedRun {
    pub recording: Recording,
    /// How its process ended, in words.
    pub exit: String,
}

/// Runs an experiment, and shows its trace if one was asked for.
pub fn run(
    session: &mut Session,
    experiment: &Experiment,
    settings: &BTreeMap<String, String>,
) -> Result<FinishedRun, Failure> {
    let (run, recording) = start(session, experiment, settings, false)?;
    let (recording, status) = follow(session, run, recording)?;
    Ok(FinishedRun { recording, exit: exit_text(status) })
}

/// Reads what is recorded until the run is over, and shows its trace if one was asked for. If none was, lines are parsed when no
/// further ones come: parsing them at once would take processor time from what is recorded.
pub(super) fn follow(
    session: &mut Session,
    mut run: ExperimentRun,
    mut recording: Recording,
) -> Result<(Recording, io::Result<ExitStatus>), Failure> {
    let mut live = session.trace().map(LiveTrace::new);
    let mut is_hinted = !io::stderr().is_terminal();
    let mut unparsed: Vec<Vec<u8>> = Vec::new();
    loop {
        let rows = match run.next(BLOCKED_AFTER) {
            Output::Closed => break,
            Output::TimedOut => {
                add(&mut unparsed, &mut recording, live.as_mut());
                if let Some(hint) = still_running(&recording).filter(|_| !is_hinted) {
                    is_hinted = true;
                    eprintln!("explore: {hint}");
                }
                live.as_mut().map(LiveTrace::pause).unwrap_or_default()
            }
            Output::Line(text) => {
                session.write_line(&text)?;
                unparsed.push(text);
                match &mut live {
                    Some(live) => {
                        add(&mut unparsed, &mut recording, Some(live));
                        live.rows()
                    }
                    None => Vec::new(),
                }
            }
        };
        if !rows.is_empty() {
            rows.iter().try_for_each(|row| session.terminal.row_at_once(row))?;
            session.terminal.flush()?;
        }
    }
    add(&mut unparsed, &mut recording, live.as_mut());
    let status = run.finish();
    session.finish_run(&recording)?;
    if let Some(code) = interrupted() {
        return Err(Failure::Interrupted(code));
    }
    if let Some(live) = &mut live {
        live.pause().iter().try_for_each(|row| session.terminal.row_at_once(row))?;
        session.terminal.blank()?;
    }
    Ok((recording, status))
}

/// Parses lines, and adds them to the recording and to its live trace.
fn add(lines: &mut Vec<Vec<u8>>, recording: &mut Recording, mut live: Option<&mut LiveTrace>) {
    for line in lines.drain(..) {
        match recording::parse_line(&line) {
            Ok(Line::Header(header)) => recording.header = header,
            Ok(Line::Source(line)) => recording.cite(line),
            Ok(Line::Event(event)) => {
                live.iter_mut().for_each(|live| live.held_back.push((*event).clone()));
                recording.push(*event);
            }
            Err(_) => {}
        }
    }
}

/// Says which traced programs go on when others have ended: a server does not end by itself.
fn still_running(recording: &Recording) -> Option<String> {
    let Origin::Programs(programs) = &recording.header.origin else { return None };
    let is_there = |name: &str, what: fn(&EventKind) -> bool| {
        recording.events().iter().any(|event| &*event.actor == name && what(&event.what))
    };
    let started = programs
        .iter()
        .filter(|it| is_there(&it.name, |what| matches!(what, EventKind::Started { .. })));
    let (ended, running): (Vec<_>, Vec<_>) = started.partition(|it| {
        is_there(&it.name, |what| matches!(what, EventKind::Exited { status: Some(_), .. }))
    });
    if ended.is_empty() || running.is_empty() {
        return None;
    }
    let names: Vec<_> = running.iter().map(|it| labels::actor(&it.name)).collect();
    let names = names.join(tr!(context "list", ", "));
    Some(tr!("still running: {names}; Ctrl-C ends it, and shows what happened", names))
}

/// Opens the output files and starts an experiment, with an empty recording of it.
pub(super) fn start(
    session: &mut Session,
    experiment: &Experiment,
    settings: &BTreeMap<String, String>,
    stepped: bool,
) -> Result<(ExperimentRun, Recording), Failure> {
    session.open_files()?;
    session.terminal.flush()?;
    let (name, parameters) = (experiment.name.to_owned(), settings.clone());
    let run = ExperimentRun::start(&name, settings, stepped)
        .map_err(|error| Failure::NotStarted(name.clone(), error))?;
    let header = Header::now(sys::name(), Origin::Experiment { name, parameters });
    Ok((run, Recording::new(header, Vec::new())))
}

/// How a process ended, in words.
pub(super) fn exit_text(status: io::Result<ExitStatus>) -> String {
    let status = match status {
        Ok(status) => status,
        Err(error) => return error_text(&error),
    };
    match status.code() {
        Some(code) => tr!("exit status: {code}", code),
        // On Unix: `signal: 9 (SIGKILL)`.
        None => tr!("{status}", status),
    }
}

/// A trace shown during the run. Events of other processes arrive late, so newer ones are held back until all are in order.
struct LiveTrace {
    trace: Trace,
    held_back: Vec<Event>,
}

impl LiveTrace {
    fn new(trace: Trace) -> LiveTrace {
        LiveTrace { trace, held_back: Vec::new() }
    }

    /// The rows for events old enough to be in order.
    fn rows(&mut self) -> Vec<Row> {
        let newest = self.held_back.iter().map(|event| event.at_ns).max().unwrap_or(0);
        self.until(newest.saturating_sub(MAX_DELAY_NS))
    }

    /// The rows for all events so far, and for blocked calls.
    fn pause(&mut self) -> Vec<Row> {
        let mut rows = self.until(u64::MAX);
        rows.extend(self.trace.pause());
        rows
    }

    fn until(&mut self, at_ns: u64) -> Vec<Row> {
        self.held_back.sort_by_key(|event| event.at_ns);
        let ready = self.held_back.partition_point(|event| event.at_ns <= at_ns);
        let ready: Vec<_> = self.held_back.drain(..ready).collect();
        ready.iter().flat_map(|event| self.trace.push(event)).collect()
    }
}
