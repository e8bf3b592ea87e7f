//! One run of an experiment, with a live trace.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal};
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use super::joining::Joining;
use super::{Failure, Session};
use crate::capture::child::{ExperimentRun, Output, interrupted, was_ctrl_c_left};
use crate::capture::sys;
use crate::experiments::Experiment;
use crate::i18n::{error_text, tr};
use crate::labels;
use crate::output::messages::say;
use crate::picture::{Row, span_of};
use crate::trace::recording::{self, Header, Line, Origin, Recording};
use crate::trace::{Ending, Event, EventKind, LAB, Lack, Note};
use crate::views::trace::Trace;
use crate::views::wording;

/// After this long without an event a pending call is shown as blocked.
const BLOCKED_AFTER: Duration = Duration::from_millis(50);
/// Programs that get a Ctrl-C end within this time, or do not end by it.
const ENDS_WITHIN: Duration = Duration::from_millis(500);
/// After so long without an event somebody may wonder whether anything will happen.
const QUIET: Duration = Duration::from_secs(10);
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
    session.running.begin(&session.terminal);
    let followed = follow(session, run, recording, &mut Joining::Alone);
    session.running.end();
    let (recording, status) = followed?;
    Ok(FinishedRun { recording, exit: exit_text(status) })
}

/// Reads what is recorded until the run is over, with what joins it, and shows its trace if one was asked for. If none was, lines
/// are parsed when no further ones come: parsing them at once would take processor time from what is recorded.
pub(super) fn follow(
    session: &mut Session,
    mut run: ExperimentRun,
    recording: Recording,
    joining: &mut Joining,
) -> Result<(Recording, io::Result<ExitStatus>), Failure> {
    let trace = session.trace().map(|trace| trace.of(&recording.header.origin));
    let live = trace.map(LiveTrace::new);
    let mut reading = Reading { recording, live, unparsed: Vec::new() };
    let mut is_hinted = !io::stderr().is_terminal();
    let (mut quiet_since, mut is_quiet_told) = (Instant::now(), is_hinted);
    let name = reading.recording.header.name();
    let mut after_ctrl_c = AfterCtrlC::new();
    loop {
        session.running.tick(&name);
        if after_ctrl_c.is_due() {
            reading.parse(joining);
            after_ctrl_c.tell(&reading.recording);
            is_hinted = true;
        }
        let rows = match run.next(BLOCKED_AFTER) {
            Output::Closed => break,
            Output::TimedOut => {
                reading.parse(joining);
                if let Some(hint) = still_running(&reading.recording).filter(|_| !is_hinted) {
                    is_hinted = true;
                    say(hint);
                } else if !is_quiet_told && quiet_since.elapsed() >= QUIET {
                    is_quiet_told = true;
                    nothing_happens(&reading.recording).into_iter().for_each(say);
                }
                reading.live.as_mut().map(LiveTrace::pause).unwrap_or_default()
            }
            Output::Line(text) => {
                quiet_since = Instant::now();
                reading.take(session, joining, text)?;
                reading.live.as_mut().map(LiveTrace::rows).unwrap_or_default()
            }
        };
        show_rows(session, &rows)?;
        let messages = joining.messages();
        if !messages.is_empty() {
            reading.parse(joining);
        }
        for line in messages.into_iter().flat_map(|message| joining.take(message)) {
            reading.add_joined(session, line)?;
        }
    }
    session.running.pause();
    reading.parse(joining);
    let status = run.finish();
    if reading.recording.ending() == Some(&Ending::Finished) {
        joining.rest(|line| reading.add_joined(session, line))?;
    }
    let Reading { mut recording, mut live, .. } = reading;
    recording.extend(joining.take_events());
    note_forbidden(session, &mut recording, &status)?;
    session.finish_run(&recording)?;
    if let Some(code) = interruption(&recording, &status) {
        return Err(Failure::Interrupted(code));
    }
    if let Some(live) = &mut live {
        live.pause().iter().try_for_each(|row| session.terminal.live_row(row))?;
        session.terminal.blank()?;
    }
    Ok((recording, status))
}

/// The exit code to leave with if a signal ended the run. The keys of the terminal signal this program and the process of an
/// experiment at once, and that one may have ended before this one has noticed.
pub(super) fn interruption(recording: &Recording, status: &io::Result<ExitStatus>) -> Option<u8> {
    let was_experiment = matches!(recording.header.origin, Origin::Experiment { .. });
    let was_interrupted = was_experiment && recording.ending() == Some(&Ending::Interrupted);
    let code = status.as_ref().ok().and_then(ExitStatus::code).filter(|code| *code > 128);
    let its = code.filter(|_| was_interrupted).and_then(|code| u8::try_from(code).ok());
    interrupted().or(its)
}

/// Ends the recording of a run whose process the system has killed for a call that it forbids: it could not do so itself.
pub(super) fn note_forbidden(
    session: &mut Session,
    recording: &mut Recording,
    status: &io::Result<ExitStatus>,
) -> Result<(), Failure> {
    let was_forbidden = status.as_ref().is_ok_and(|status| sys::was_forbidden(*status));
    if !was_forbidden || recording.ending().is_some() {
        return Ok(());
    }
    let last = recording.events().last();
    let (at_ns, process) = last.map_or((0, 0), |event| (event.at_ns, event.process));
    let what = EventKind::End { ending: Ending::Unavailable { why: Lack::Forbidden } };
    let event = Event { at_ns, actor: LAB.into(), process, thread: process, what };
    session.write_end(&recording.header, &event)?;
    recording.push(event);
    Ok(())
}

/// A line with this may have a note of what runs on, which is to be said at once.
const RUNS_ON: &[u8] = b"\"runs-on\"";

fn show_rows(session: &mut Session, rows: &[Row]) -> Result<(), Failure> {
    if !rows.is_empty() {
        session.running.pause();
        rows.iter().try_for_each(|row| session.terminal.live_row(row))?;
        session.terminal.show_page()?;
    }
    Ok(())
}

/// A run that is being read.
struct Reading {
    recording: Recording,
    live: Option<LiveTrace>,
    unparsed: Vec<Vec<u8>>,
}

impl Reading {
    /// A line of the run. It is written as it is, unless others have joined: then names may change.
    fn take(
        &mut self,
        session: &mut Session,
        joining: &mut Joining,
        text: Vec<u8>,
    ) -> Result<(), Failure> {
        joining.forward(&text);
        if joining.is_joined() {
            self.parse(joining);
            if let Ok(line) = recording::parse_line(&text) {
                let line = joining.own(line);
                session.write_line(&line.text()?)?;
                self.add(line);
            }
            return Ok(());
        }
        session.write_line(&text)?;
        let is_urgent = text.windows(RUNS_ON.len()).any(|part| part == RUNS_ON);
        self.unparsed.push(text);
        if self.live.is_some() || joining.waits_for_header() || is_urgent {
            self.parse(joining);
        }
        Ok(())
    }

    /// Parses the lines that have come.
    fn parse(&mut self, joining: &mut Joining) {
        for text in std::mem::take(&mut self.unparsed) {
            if let Ok(line) = recording::parse_line(&text) {
                self.add(joining.own(line));
            }
        }
    }

    fn add(&mut self, line: Line) {
        match line {
            Line::Header(header) => self.recording.header = header,
            Line::Source(line) => self.recording.cite(line),
            Line::Event(event) => {
                if let Some(hint) = runs_on(&event).or_else(|| shared_keyboard(&event)) {
                    say(hint);
                }
                self.live.iter_mut().for_each(|live| live.held_back.push((*event).clone()));
                self.recording.push(*event);
            }
        }
    }

    /// A line that another trace has sent. What its programs did goes into the recording at the end.
    fn add_joined(&mut self, session: &mut Session, line: Line) -> Result<(), Failure> {
        session.write_line(&line.text()?)?;
        match line {
            Line::Event(event) if !matches!(event.what, EventKind::Joined { .. }) => {
                self.live.iter_mut().for_each(|live| live.held_back.push(*event.clone()));
            }
            line => self.add(line),
        }
        let rows = self.live.as_mut().map(LiveTrace::rows).unwrap_or_default();
        show_rows(session, &rows)
    }
}

/// Says which processes a traced program has left in the background: the trace lasts as long as they.
fn runs_on(event: &Event) -> Option<String> {
    let EventKind::Note { note: Note::RunsOn { program, processes } } = &event.what else {
        return None;
    };
    let name = labels::actor(program);
    let all: Vec<String> =
        processes.iter().map(|it| wording::command(&it.argv.join(" "), it.process)).collect();
    let all = all.join(tr!(context "list", ", "));
    Some(tr!("{name} runs on in the background: {all}; Ctrl-C twice ends it", name, all))
}

/// Says that two programs read one keyboard, before somebody types for the wrong one.
fn shared_keyboard(event: &Event) -> Option<String> {
    let EventKind::Note { note: note @ Note::SharedKeyboard { .. } } = &event.what else {
        return None;
    };
    let who = labels::actor(&event.actor);
    Some(tr!("{who} {what}.", who, what = wording::note(note)))
}

/// What is said when the programs that got a Ctrl-C run on.
struct AfterCtrlC {
    since: Option<Instant>,
    is_told: bool,
}

impl AfterCtrlC {
    fn new() -> AfterCtrlC {
        AfterCtrlC { since: None, is_told: !io::stderr().is_terminal() }
    }

    /// True if it came a while ago, and nothing has been said yet.
    fn is_due(&mut self) -> bool {
        if self.is_told || !was_ctrl_c_left() {
            return false;
        }
        let since = *self.since.get_or_insert_with(Instant::now);
        since.elapsed() >= ENDS_WITHIN
    }

    fn tell(&mut self, recording: &Recording) {
        self.is_told = true;
        let Some((_, running)) = ended_and_running(recording) else { return };
        if !running.is_empty() {
            let names = running.join(tr!(context "list", ", "));
            eprintln!();
            eprintln!(
                "explore: {}",
                tr!(
                    "still running: {names}; Ctrl-C again ends them and shows what happened",
                    names
                )
            );
        }
    }
}

/// Which traced programs have ended, and which run.
fn ended_and_running(recording: &Recording) -> Option<(usize, Vec<String>)> {
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
    let names = running.iter().map(|it| labels::actor(&it.name).into_owned());
    Some((ended.len(), names.collect()))
}

/// Says what shows where traced programs hang; nothing if one reads its keyboard, for then it waits for somebody who thinks.
fn nothing_happens(recording: &Recording) -> Option<String> {
    let Origin::Programs(_) = &recording.header.origin else { return None };
    let reads_keyboard = |event: &Event| match &event.what {
        EventKind::Enter(call) => call.socket.is_none() && call.fd == Some(0),
        _ => false,
    };
    (!recording.events().iter().any(reads_keyboard)).then(|| {
        tr!(
            "nothing has happened for {quiet}; Ctrl-C ends the programs, and shows what each waits in",
            quiet = span_of(QUIET.as_nanos() as u64)
        )
    })
}

/// Says which traced programs go on when others have ended: a server does not end by itself.
fn still_running(recording: &Recording) -> Option<String> {
    let (ended, running) = ended_and_running(recording)?;
    if ended == 0 || running.is_empty() {
        return None;
    }
    let names = running.join(tr!(context "list", ", "));
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
