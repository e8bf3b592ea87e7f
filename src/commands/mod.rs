//! The player: walks a lesson's steps. It asks for predictions, runs each experiment in a process of its own, shows what
//! was recorded, and sets the prediction beside what happened. It is the only room that knows both the lab and the views.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::time::Duration;

use crate::analysis::Analysis;
use crate::capture::child::{ExperimentRun, Output, interrupted};
use crate::capture::parameter::DEADLINE;
use crate::capture::sys;
use crate::experiments::{Experiment, Stepping};
use crate::i18n::tr;
use crate::lesson::Show;
use crate::output::terminal::Terminal;
use crate::picture::{Ink, Row};
use crate::reasons;
use crate::trace::pcapng;
use crate::trace::recording::{self, Header, Line, Origin, Recording};
use crate::trace::{Ending, Event};
use crate::views::trace::{Detail, Trace};
use crate::views::{Numbers, View};
use crate::words::{self, Counts};

mod atomic_file;
mod book;
pub mod chat;
mod doctor;
mod failure;
mod glossary;
mod home;
mod lesson;
mod output_file;
mod page;
pub mod pictures;
mod progress;
mod replay;
mod report;
pub mod shipped;
mod step;
mod verify;
mod vote_input;

pub use doctor::doctor;
pub use failure::Failure;
pub use step::Class;
pub use verify::verify;

use self::lesson::find as find_lesson;
use output_file::OutputFile;
use report::{Judged, Shown, Told};

/// How long nothing may arrive before a pending call is shown as blocked.
const BLOCKED_AFTER: Duration = Duration::from_millis(50);
/// How long an event may be under way from another process: so long the trace holds back what is newer.
const UNDER_WAY_NS: u64 = 20_000_000;

/// Shows lessons and runs on a terminal.
pub struct Player {
    terminal: Terminal,
    verbose: u8,
    /// Where the events go.
    sink: Option<OutputFile>,
    /// Where the frames go.
    frames: Option<OutputFile>,
    /// How a class is shown it.
    class: Class,
    /// The lesson that is being played, if how far it gets is noted.
    noted: Option<String>,
    /// It could not be noted, which has been said.
    unnoted: bool,
}

/// The header of an experiment's run that begins now.
fn header_of(experiment: &Experiment, settings: &BTreeMap<String, String>) -> Header {
    let (name, parameters) = (experiment.name.to_owned(), settings.clone());
    Header::now(sys::name(), Origin::Experiment { name, parameters })
}

/// A run that is over.
struct Done {
    recording: Recording,
    /// How its process went.
    aftermath: String,
}

impl Player {
    /// A player that shows on this terminal, writes the events to one file and the frames to another, as pcapng (`-` for
    /// standard output).
    #[must_use]
    pub fn new(
        terminal: Terminal,
        verbose: u8,
        record: Option<&Path>,
        pcap: Option<&Path>,
    ) -> Player {
        Player {
            terminal,
            verbose,
            sink: record.map(OutputFile::to),
            frames: pcap.map(OutputFile::to),
            class: Class::default(),
            noted: None,
            unnoted: false,
        }
    }

    /// The same, before a class.
    ///
    /// # Errors
    /// [`Failure::Usage`] if nobody is there to press Enter.
    pub fn in_class(self, class: Class) -> Result<Player, Failure> {
        if class.step && !self.terminal.is_interactive() {
            return Err(Failure::Usage(words::step_needs_a_terminal().to_owned()));
        }
        Ok(Player { class, ..self })
    }

    /// Runs one experiment alone.
    ///
    /// # Errors
    /// [`Failure`], see there.
    pub fn run(&mut self, name: &str, set: &[String]) -> Result<Counts, Failure> {
        let experiment = crate::lesson::experiment(name).map_err(Failure::Usage)?;
        let show = shown_in_course(experiment)?;
        let mut settings = show.settings.clone();
        for pair in set {
            let changed = experiment.set(&mut settings, pair);
            changed.map_err(|error| Failure::Usage(error.to_string()))?;
        }
        self.open_sinks()?;
        let (ending, judged) = self.perform(&show, &settings)?;
        let counts = report::count(&judged);
        self.terminal.flush()?;
        match ending {
            Some(Ending::Unavailable { .. }) if counts.broken == 0 && shipped::has(name) => {
                Err(Failure::Unable(words::said_of(name, words::a_recording_was_shown())))
            }
            Some(Ending::Unavailable { why }) if counts.broken == 0 => {
                Err(Failure::Unable(words::said_of(name, reasons::lack(&why))))
            }
            Some(Ending::Deadline) if counts.broken == 0 => {
                Err(Failure::Unable(words::said_of(name, words::deadline_struck())))
            }
            Some(Ending::Failed { why }) if judged.is_empty() => {
                Err(Failure::Unable(words::said_of(name, reasons::failure(&why))))
            }
            _ => Ok(counts),
        }
    }

    /// Opens the files that are to be written, before anything runs.
    fn open_sinks(&mut self) -> Result<(), Failure> {
        self.sink.iter_mut().chain(&mut self.frames).try_for_each(OutputFile::open)
    }

    // ---- how it is shown ----

    fn trace(&self) -> Option<Trace> {
        let detail = match self.verbose {
            0 => return None,
            1 => Detail::Calls,
            2 => Detail::Kernel,
            _ => Detail::Frames,
        };
        Some(Trace::new(detail, self.terminal.width()))
    }

    /// Runs an experiment and shows what came of it. Where this machine cannot run it, its shipped recording is shown
    /// through the same views, marked as one; its claims stay unchecked.
    fn perform(
        &mut self,
        show: &Show,
        settings: &BTreeMap<String, String>,
    ) -> Result<(Option<Ending>, Vec<Judged>), Failure> {
        let experiment = show.experiment;
        let Done { recording, aftermath } = match experiment.stepping {
            Stepping::Steps if self.class.steps() => {
                let done = self.run_stepped(experiment, settings)?;
                if self.verbose > 0 {
                    self.trace_recorded(&done.recording)?;
                }
                done
            }
            Stepping::Whole(why) if self.class.steps() => {
                self.terminal.wrapped("", &words::runs_whole(step::why(why)), Ink::Warn)?;
                self.run_live(experiment, settings)?
            }
            _ => self.run_live(experiment, settings)?,
        };
        let judged = report::judge(&show.claims, &recording, Told::Live(&aftermath));
        let ending = recording.ending().cloned();
        let shipped = match &ending {
            Some(Ending::Unavailable { why }) => {
                shipped::recording(experiment.name).map(|shipped| (why, shipped))
            }
            _ => None,
        };
        if let Some((why, shipped)) = shipped {
            let notice = words::played_instead(
                &reasons::lack(why),
                &shipped.header.kernel,
                &shipped.header.date_to_the_second(),
            );
            self.terminal.wrapped("", &notice, Ink::Warn)?;
            let differ = |(name, value): &(&str, &str)| {
                *name != DEADLINE.name && settings.get(*name).is_none_or(|set| set != value)
            };
            let recorded_with: Vec<_> = shipped
                .header
                .parameters()
                .filter(differ)
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            if !recorded_with.is_empty() {
                self.terminal.wrapped(
                    "",
                    &words::recorded_with(&recorded_with.join(tr!(context "list", ", "))),
                    Ink::Warn,
                )?;
            }
            self.terminal.blank()?;
            self.trace_recorded(&shipped)?;
            self.pictures(&show.views, &shipped)?;
            self.claims(
                &report::judge(&show.claims, &shipped, Told::Recorded),
                words::not_checked_here(),
            )?;
        } else {
            self.pictures(&show.views, &recording)?;
            self.claims(&judged, words::checked())?;
            if report::is_stepped(&recording) {
                self.terminal.wrapped("", words::was_stepped(), Ink::Warn)?;
                self.terminal.blank()?;
            }
        }
        Ok((ending, judged))
    }

    /// The trace of a recording, if one was asked for.
    fn trace_recorded(&mut self, recording: &Recording) -> Result<(), Failure> {
        let Some(mut trace) = self.trace() else {
            return Ok(());
        };
        let events = recording.events().iter();
        let told = events.flat_map(|event| trace.push(event)).collect::<Vec<_>>();
        for row in told.into_iter().chain(trace.pause()) {
            self.terminal.row(&row)?;
        }
        Ok(self.terminal.blank()?)
    }

    /// Runs an experiment and shows the trace as it comes.
    fn run_live(
        &mut self,
        experiment: &Experiment,
        settings: &BTreeMap<String, String>,
    ) -> Result<Done, Failure> {
        self.open_sinks()?;
        self.terminal.flush()?;
        let mut run = ExperimentRun::start(experiment.name, settings, false)
            .map_err(|error| cannot_start(experiment.name, &error))?;
        let header = header_of(experiment, settings);
        let mut recording = Recording::new(header, Vec::new());
        let mut live = self.trace().map(Live::new);
        loop {
            let rows = match run.next(BLOCKED_AFTER) {
                Output::Closed => break,
                Output::TimedOut => live.as_mut().map(Live::pause).unwrap_or_default(),
                Output::Line(text) => {
                    self.keep(&text)?;
                    match recording::parse_line(&text) {
                        Ok(Line::Header(header)) => recording.header = header,
                        Ok(Line::Event(event)) => {
                            live.iter_mut().for_each(|live| live.held.push((*event).clone()));
                            recording.push(*event);
                        }
                        Err(_) => {}
                    }
                    live.as_mut().map(Live::told).unwrap_or_default()
                }
            };
            if !rows.is_empty() {
                rows.iter().try_for_each(|row| self.terminal.row_at_once(row))?;
                self.terminal.flush()?;
            }
        }
        let aftermath = words::ended(run.finish());
        self.keep_frames(&recording)?;
        if let Some(code) = interrupted() {
            return Err(Failure::Interrupted(code));
        }
        if let Some(live) = &mut live {
            live.pause().iter().try_for_each(|row| self.terminal.row_at_once(row))?;
            self.terminal.blank()?;
        }
        Ok(Done { recording, aftermath })
    }

    fn keep(&mut self, line: &[u8]) -> Result<(), Failure> {
        self.sink.as_mut().map_or(Ok(()), |sink| {
            sink.write(|to| to.write_all(line).and_then(|()| to.write_all(b"\n")))
        })
    }

    /// A run is over: its frames are written, each run a section of its own, and all is on disk.
    fn keep_frames(&mut self, recording: &Recording) -> Result<(), Failure> {
        if let Some(sink) = &mut self.sink {
            sink.write(|to| to.flush())?;
        }
        let Some(frames) = &mut self.frames else {
            return Ok(());
        };
        let mut count = 0;
        frames.write(|to| {
            count = pcapng::write(to, [recording])?;
            to.flush()
        })?;
        if count == 0 {
            eprintln!("explore: {}", words::no_frames(&recording.header.name()));
        }
        Ok(())
    }

    fn pictures(&mut self, wanted: &[View], recording: &Recording) -> Result<(), Failure> {
        let localized = crate::views::localize(recording);
        let analysis = Analysis::of(&localized);
        for view in wanted {
            let numbers = if self.verbose > 2 { Numbers::True } else { Numbers::Relative };
            let picture = view.draw_with(&analysis, self.terminal.width(), numbers);
            self.terminal.picture(&picture)?;
            self.terminal.blank()?;
        }
        let troubles = page::troubles(recording);
        for line in &troubles {
            self.terminal.wrapped("", line, Ink::Bad)?;
        }
        if !troubles.is_empty() {
            self.terminal.blank()?;
        }
        Ok(())
    }

    fn claims(&mut self, judged: &[Judged], heading: &str) -> Result<(), Failure> {
        if judged.is_empty() {
            return Ok(());
        }
        self.terminal.wrapped("", heading, Ink::Faint)?;
        for one in judged {
            let evidence = match (self.class.big, self.verbose) {
                (true, 0) => Shown::Broken,
                (_, 0) => Shown::Some,
                _ => Shown::All,
            };
            report::show(&mut self.terminal, one, evidence)?;
            if self.class.big {
                self.terminal.blank()?;
            }
        }
        Ok(self.terminal.blank()?)
    }
}

fn cannot_start(experiment: &str, error: &io::Error) -> Failure {
    let errno = sys::error_name(error);
    Failure::Unable(words::not_started(experiment, error, reasons::shortage_remedy(&errno)))
}

/// A trace that is shown while things happen. What other processes did is a little longer under way: it is held back until
/// it is in order.
struct Live {
    trace: Trace,
    held: Vec<Event>,
}

impl Live {
    fn new(trace: Trace) -> Live {
        Live { trace, held: Vec::new() }
    }

    /// The rows for what is old enough to be in order.
    fn told(&mut self) -> Vec<Row> {
        let newest = self.held.iter().map(|event| event.at_ns).max().unwrap_or(0);
        self.until(newest.saturating_sub(UNDER_WAY_NS))
    }

    /// The rows for all that has come, and for who is blocked.
    fn pause(&mut self) -> Vec<Row> {
        let mut rows = self.until(u64::MAX);
        rows.extend(self.trace.pause());
        rows
    }

    fn until(&mut self, at_ns: u64) -> Vec<Row> {
        self.held.sort_by_key(|event| event.at_ns);
        let ready = self.held.partition_point(|event| event.at_ns <= at_ns);
        self.held
            .drain(..ready)
            .collect::<Vec<_>>()
            .iter()
            .flat_map(|event| self.trace.push(event))
            .collect()
    }
}

/// How the course shows this experiment: its views, and the sentences of its claims.
fn shown_in_course(experiment: &'static Experiment) -> Result<Show, Failure> {
    let show = crate::lesson::shown(experiment)?;
    Ok(show.unwrap_or_else(|| Show::plain(experiment, View::Ladder)))
}
