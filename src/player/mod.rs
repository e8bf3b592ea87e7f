//! The player: walks a lesson's steps. It asks for predictions, runs each experiment in a process of its own, shows what
//! was recorded, and sets the prediction beside what happened. It is the only room that knows both the lab and the views.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::Path;
use std::time::Duration;

use thiserror::Error;

use crate::course::{self, CourseError, Lesson, Prediction, Show, Step};
use crate::event::{Ending, What};
use crate::experiments::{self, Experiment};
use crate::lab::{kernel, parameter};
use crate::picture::{Ink, Row};
use crate::recording::{self, Header, Line, Recording};
use crate::terminal::{Terminal, Typed};
use crate::views::View;
use crate::views::pcapng;
use crate::views::trace::{Detail, Trace};
use crate::words::{self, Counts};

pub mod bench;
mod check;
mod doctor;
mod report;
pub mod shipped;
mod sink;
mod verify;

pub use doctor::doctor;
pub use verify::verify;

use bench::{Bench, Came};
use report::Judged;
use sink::Sink;

/// How long nothing may come before a blocked call is shown as blocked.
const PATIENCE: Duration = Duration::from_millis(50);

/// Why the program ends early. [`Failure::code`] is its exit code.
#[derive(Debug, Error)]
pub enum Failure {
    /// What was asked for is not understood, or not there.
    #[error("{0}")]
    Usage(String),
    /// A lesson file is not well formed.
    #[error(transparent)]
    Course(#[from] CourseError),
    /// What was asked cannot be done on this machine.
    #[error("{0}")]
    Unable(String),
    /// Writing to the terminal, or reading from it, failed.
    #[error("the terminal: {0}")]
    Terminal(#[from] io::Error),
    /// A signal came; the exit code that goes with it.
    #[error("interrupted")]
    Interrupted(u8),
}

impl Failure {
    /// The exit code: 2 usage, 3 cannot be done here, 130 interrupted, 0 for a reader that has read enough.
    #[must_use]
    pub fn code(&self) -> u8 {
        match self {
            Failure::Usage(_) | Failure::Course(_) => 2,
            Failure::Terminal(error) if error.kind() == io::ErrorKind::BrokenPipe => 0,
            Failure::Unable(_) | Failure::Terminal(_) => 3,
            Failure::Interrupted(code) => *code,
        }
    }

    /// Whether there is something to say about it.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        matches!(self, Failure::Interrupted(_)) || self.code() == 0
    }
}

/// Shows lessons and runs on a terminal.
pub struct Player {
    terminal: Terminal,
    verbose: u8,
    /// Where the events go.
    sink: Option<Sink>,
    /// Where the frames go.
    frames: Option<Sink>,
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
    ///
    /// # Errors
    /// [`Failure::Unable`] if a file cannot be written.
    pub fn new(terminal: Terminal, verbose: u8, record: Option<&Path>, pcap: Option<&Path>) -> Result<Player, Failure> {
        let open = |path: Option<&Path>| path.map(Sink::open).transpose();
        Ok(Player { terminal, verbose, sink: open(record)?, frames: open(pcap)? })
    }

    // ---- what a learner asks for ----

    /// Where you are in the course, and what to type next.
    ///
    /// # Errors
    /// [`Failure`], see there.
    pub fn overview(&mut self) -> Result<(), Failure> {
        self.terminal.wrapped("", words::TAGLINE, Ink::Strong)?;
        self.terminal.blank()?;
        self.list()?;
        self.terminal.blank()?;
        self.terminal.wrapped("", words::BEGIN, Ink::Good)?;
        Ok(self.terminal.flush()?)
    }

    /// The lessons, a line each.
    ///
    /// # Errors
    /// [`Failure`], see there.
    pub fn list(&mut self) -> Result<(), Failure> {
        for lesson in course::lessons()? {
            let number = lesson.number.unwrap_or_default();
            let mut row = Row::new().with(format!("{number:>3}  "), Ink::Of(0)).with(&lesson.slug, Ink::Strong);
            row.pad_to(5 + 14);
            let head = row.text();
            if self.terminal.width() < head.len() + 20 {
                self.terminal.row(&row)?;
                self.terminal.wrapped("     ", &lesson.title, Ink::Plain)?;
            } else {
                self.terminal.row(&row.with(lesson.title, Ink::Plain))?;
            }
        }
        Ok(self.terminal.flush()?)
    }

    /// The lessons as one JSON array.
    ///
    /// # Errors
    /// [`Failure`], see there.
    pub fn list_json(&mut self) -> Result<(), Failure> {
        let all: Vec<_> = course::lessons()?
            .iter()
            .map(|lesson| {
                let experiments: Vec<_> = lesson.shows().map(|show| show.experiment.name.as_str()).collect();
                serde_json::json!({ "number": lesson.number, "slug": lesson.slug, "title": lesson.title, "experiments": experiments })
            })
            .collect();
        self.terminal.line(&serde_json::to_string_pretty(&all).map_err(io::Error::from)?, Ink::Plain)?;
        Ok(self.terminal.flush()?)
    }

    /// The experiments, and what can be set in each.
    ///
    /// # Errors
    /// [`Failure`], see there.
    pub fn list_experiments(&mut self) -> Result<(), Failure> {
        for experiment in experiments::all() {
            self.terminal.line(experiment.name, Ink::Strong)?;
            for parameter in experiment.parameters {
                let text = format!("{}={}: {} ({})", parameter.name, parameter.default, parameter.help, parameter.kind.takes());
                self.terminal.wrapped("    --set ", &text, Ink::Plain)?;
            }
        }
        let deadline = &parameter::DEADLINE;
        self.terminal.wrapped(
            "",
            &format!("Each also takes --set {}={}: {}.", deadline.name, deadline.default, deadline.help),
            Ink::Faint,
        )?;
        Ok(self.terminal.flush()?)
    }

    /// Plays a lesson, by number, slug or file.
    ///
    /// # Errors
    /// [`Failure`], see there.
    pub fn lesson(&mut self, which: &str) -> Result<Counts, Failure> {
        let lesson = find_lesson(which)?;
        check::lesson(&lesson)?;
        self.terminal.wrapped("", &words::lesson_title(lesson.number, &lesson.title), Ink::Strong)?;
        self.terminal.wrapped("", &lesson.question, Ink::Warn)?;
        self.terminal.blank()?;
        match self.steps(&lesson)? {
            None => {
                self.terminal.wrapped("", words::LEFT, Ink::Faint)?;
                self.terminal.flush()?;
                Ok(Counts::default())
            }
            Some(counts) => {
                self.close(&lesson, counts)?;
                Ok(counts)
            }
        }
    }

    /// Plays the steps; `None` if the learner left.
    fn steps(&mut self, lesson: &Lesson) -> Result<Option<Counts>, Failure> {
        let mut counts = Counts::default();
        let mut open: Option<(&Prediction, Option<usize>)> = None;
        for (index, step) in lesson.steps.iter().enumerate() {
            match step {
                Step::Prose(markdown) => {
                    for (part, section) in sections(markdown).into_iter().enumerate() {
                        // A new heading begins a new screen; right after a run Enter has just been pressed.
                        if part > 0 && !self.go_on(words::ENTER_GOES_ON)? {
                            return Ok(None);
                        }
                        self.terminal.prose(section)?;
                        self.terminal.blank()?;
                    }
                }
                Step::Predict(prediction) => match self.predict(prediction)? {
                    Answer::Left => return Ok(None),
                    Answer::Option(choice) => open = Some((prediction, choice)),
                },
                Step::Experiment(show) => {
                    let Some(experiment) = experiments::find(&show.experiment.name) else { continue };
                    if show.code {
                        self.code(experiment)?;
                    }
                    if !self.go_on(words::ENTER_RUNS)? {
                        return Ok(None);
                    }
                    let settings = settle(experiment, &show.settings.iter().map(|setting| setting.name.clone()).collect::<Vec<_>>())?;
                    let judged = self.perform(show, experiment, &settings)?.1;
                    if let Some((prediction, choice)) = open.take() {
                        self.compare(prediction, choice)?;
                    }
                    let one = report::count(&judged);
                    counts = Counts {
                        held: counts.held + one.held,
                        broken: counts.broken + one.broken,
                        not_checked: counts.not_checked + one.not_checked,
                    };
                    if index + 1 < lesson.steps.len() && !self.go_on(words::ENTER_GOES_ON)? {
                        return Ok(None);
                    }
                }
            }
        }
        Ok(Some(counts))
    }

    /// The end of a lesson: what was checked, and what comes next.
    fn close(&mut self, lesson: &Lesson, counts: Counts) -> Result<(), Failure> {
        let ink = if counts.broken > 0 { Ink::Bad } else { Ink::Good };
        self.terminal.wrapped("", &words::counts(counts), ink)?;
        if counts.broken > 0 {
            self.terminal.wrapped("", words::KERNEL_IS_RIGHT, Ink::Bad)?;
        }
        if let Some(number) = lesson.number {
            let next = course::lessons()?.into_iter().filter_map(|other| other.number).find(|other| *other > number);
            let text = next.map_or_else(|| words::THE_END.to_owned(), |next| words::type_next(&format!("explore lesson {next}")));
            self.terminal.wrapped("", &text, Ink::Strong)?;
        }
        Ok(self.terminal.flush()?)
    }

    /// Runs one experiment alone.
    ///
    /// # Errors
    /// [`Failure`], see there.
    pub fn run(&mut self, name: &str, set: &[String]) -> Result<Counts, Failure> {
        let experiment = experiments::find(name).ok_or_else(|| {
            let near = check::did_you_mean(name, experiments::all().map(|experiment| experiment.name));
            Failure::Usage(
                format!("there is no experiment `{name}`{near} `explore run --list` shows all").replace("` `explore", "`; `explore"),
            )
        })?;
        let show = shown_in_course(name)?;
        let in_lesson: Vec<_> = show.settings.iter().map(|setting| setting.name.clone()).chain(set.iter().cloned()).collect();
        let settings = settle(experiment, &in_lesson)?;
        let (ending, judged) = self.perform(&show, experiment, &settings)?;
        let counts = report::count(&judged);
        self.terminal.flush()?;
        match ending {
            Some(Ending::Unavailable { why }) if counts.broken == 0 => Err(Failure::Unable(format!("{name}: {why}"))),
            Some(Ending::Failed { why }) if judged.is_empty() => Err(Failure::Unable(format!("{name}: {why}"))),
            _ => Ok(counts),
        }
    }

    /// Shows a file of recordings through the views of the lessons.
    ///
    /// # Errors
    /// [`Failure::Usage`] if the file is not a recording, or is damaged; what it holds is shown first.
    pub fn replay(&mut self, path: &Path) -> Result<(), Failure> {
        let unreadable = |error: io::Error| Failure::Usage(format!("{}: {error}: name a file that `--record` wrote", path.display()));
        let contents = if path == Path::new("-") {
            recording::read(io::stdin().lock())
        } else {
            recording::read(io::BufReader::new(File::open(path).map_err(unreadable)?))
        };
        for recording in &contents.recordings {
            let header = &recording.header;
            self.terminal.line(&header.experiment, Ink::Strong)?;
            self.terminal.wrapped("", &words::recorded_on(&header.kernel, &header.date), Ink::Warn)?;
            self.trace_recorded(recording)?;
            let show = shown_in_course(&header.experiment)?;
            self.pictures(&show, recording)?;
            self.claims(&report::judge(&show, recording, "the recording is cut off"), words::RECORDED, false)?;
        }
        self.terminal.flush()?;
        match contents.damage {
            None => Ok(()),
            Some((line, what)) => Err(Failure::Usage(format!("{}:{line}: {what}{}", path.display(), kept(contents.recordings.len())))),
        }
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
        experiment: &Experiment,
        settings: &BTreeMap<String, String>,
    ) -> Result<(Option<Ending>, Vec<Judged>), Failure> {
        let Done { recording, aftermath } = self.run_live(experiment, settings)?;
        let judged = report::judge(show, &recording, &aftermath);
        let ending = recording.ending().cloned();
        let shipped = match &ending {
            Some(Ending::Unavailable { why }) => shipped::recording(experiment.name).map(|shipped| (why, shipped)),
            _ => None,
        };
        if let Some((why, shipped)) = shipped {
            let notice = words::played_instead(why, &shipped.header.kernel, &shipped.header.date);
            self.terminal.wrapped("", &notice, Ink::Warn)?;
            self.terminal.blank()?;
            self.trace_recorded(&shipped)?;
            self.pictures(show, &shipped)?;
            self.claims(&report::judge(show, &shipped, ""), words::NOT_CHECKED_HERE, false)?;
        } else {
            self.pictures(show, &recording)?;
            self.claims(&judged, words::CHECKED, true)?;
        }
        Ok((ending, judged))
    }

    /// The trace of a recording, if one was asked for.
    fn trace_recorded(&mut self, recording: &Recording) -> Result<(), Failure> {
        let Some(mut trace) = self.trace() else { return Ok(()) };
        let mut events: Vec<_> = recording.events.iter().collect();
        events.sort_by_key(|event| event.at_ns);
        let told = events.into_iter().flat_map(|event| trace.push(event)).collect::<Vec<_>>();
        for row in told.into_iter().chain(trace.pause()) {
            self.terminal.row(&row)?;
        }
        Ok(self.terminal.blank()?)
    }

    /// Runs an experiment and shows the trace as it comes.
    fn run_live(&mut self, experiment: &Experiment, settings: &BTreeMap<String, String>) -> Result<Done, Failure> {
        self.terminal.flush()?;
        let cannot = |error: io::Error| {
            let hint = if kernel::is_shortage(&error) { "; raise the limit with `ulimit -n 256`" } else { "" };
            Failure::Unable(format!("{}: its process cannot be started: {error}{hint}", experiment.name))
        };
        let mut bench = Bench::start(experiment, settings).map_err(cannot)?;
        let header = Header::now(kernel::name(), experiment.name, settings.clone());
        let mut recording = Recording { header, events: Vec::new() };
        let mut trace = self.trace();
        loop {
            let rows = match bench.next(PATIENCE) {
                Came::Over => break,
                Came::Quiet => trace.as_mut().map(Trace::pause).unwrap_or_default(),
                Came::Line(text) => {
                    self.keep(&text)?;
                    match recording::parse_line(&text) {
                        Ok(Line::Header(header)) => {
                            recording.header = header;
                            Vec::new()
                        }
                        Ok(Line::Event(event)) => {
                            let rows = trace.as_mut().map(|trace| trace.push(&event)).unwrap_or_default();
                            recording.events.push(*event);
                            rows
                        }
                        Err(_) => Vec::new(),
                    }
                }
            };
            if !rows.is_empty() {
                rows.iter().try_for_each(|row| self.terminal.row_at_once(row))?;
                self.terminal.flush()?;
            }
        }
        let aftermath = bench.finish();
        recording.events.sort_by_key(|event| event.at_ns);
        self.keep_frames(&recording)?;
        if let Some(code) = bench::interruption() {
            return Err(Failure::Interrupted(code));
        }
        if let Some(trace) = &mut trace {
            trace.pause().iter().try_for_each(|row| self.terminal.row_at_once(row))?;
            self.terminal.blank()?;
        }
        Ok(Done { recording, aftermath })
    }

    fn keep(&mut self, line: &[u8]) -> Result<(), Failure> {
        self.sink.as_mut().map_or(Ok(()), |sink| sink.write(|to| to.write_all(line).and_then(|()| to.write_all(b"\n"))))
    }

    /// A run is over: its frames are written, each run a section of its own, and all is on disk.
    fn keep_frames(&mut self, recording: &Recording) -> Result<(), Failure> {
        if let Some(sink) = &mut self.sink {
            sink.write(|to| to.flush())?;
        }
        let Some(frames) = &mut self.frames else { return Ok(()) };
        frames.write(|to| pcapng::write(to, [recording]).and_then(|_| to.flush()))
    }

    fn code(&mut self, experiment: &Experiment) -> Result<(), Failure> {
        let Some((first, lines)) = experiment.source() else { return Ok(()) };
        self.terminal.wrapped("", &words::code_at(experiment.file.path, first), Ink::Faint)?;
        self.terminal.code(first, &lines)?;
        Ok(self.terminal.blank()?)
    }

    fn pictures(&mut self, show: &Show, recording: &Recording) -> Result<(), Failure> {
        for name in &show.views {
            let Some(view) = View::find(&name.name) else { continue };
            let picture = view.draw(recording, self.terminal.width());
            self.terminal.picture(&picture)?;
            self.terminal.blank()?;
        }
        let blocked = recording.events.iter().find_map(|event| match &event.what {
            What::Deadline { limit_ns, blocked } => Some((*limit_ns, blocked)),
            _ => None,
        });
        if let Some((limit_ns, blocked)) = blocked {
            for line in words::deadline(limit_ns, blocked) {
                self.terminal.wrapped("", &line, Ink::Bad)?;
            }
            self.terminal.blank()?;
        }
        Ok(())
    }

    fn claims(&mut self, judged: &[Judged], heading: &str, live: bool) -> Result<(), Failure> {
        if judged.is_empty() {
            return Ok(());
        }
        self.terminal.wrapped("", heading, Ink::Faint)?;
        for one in judged {
            report::show(&mut self.terminal, one, live, self.verbose > 0)?;
        }
        Ok(self.terminal.blank()?)
    }

    fn predict(&mut self, prediction: &Prediction) -> Result<Answer, Failure> {
        self.terminal.wrapped("", words::PREDICT, Ink::Warn)?;
        self.terminal.wrapped("", &prediction.question, Ink::Strong)?;
        for (letter, option) in ('a'..).zip(&prediction.options) {
            self.terminal.wrapped(&format!("  {letter}) "), option, Ink::Plain)?;
        }
        loop {
            let Typed::Line(typed) = self.terminal.ask(words::TYPE_A_LETTER)? else {
                self.terminal.blank()?;
                return Ok(Answer::Option(None));
            };
            let letter = typed.trim_end_matches(')').to_lowercase();
            let choice = ('a'..).zip(0..prediction.options.len()).find(|(letter_of, _)| letter == letter_of.to_string());
            match (letter.as_str(), choice) {
                (_, Some((_, choice))) => {
                    self.terminal.blank()?;
                    return Ok(Answer::Option(Some(choice)));
                }
                ("", _) => return Ok(Answer::Option(None)),
                ("q", _) => return Ok(Answer::Left),
                _ => self.terminal.wrapped("", words::NO_SUCH_OPTION, Ink::Warn)?,
            }
        }
    }

    fn compare(&mut self, prediction: &Prediction, choice: Option<usize>) -> Result<(), Failure> {
        let right = &prediction.options[prediction.right];
        let as_predicted = choice == Some(prediction.right);
        let said = choice.map(|choice| prediction.options[choice].as_str());
        let ink = if as_predicted { Ink::Good } else { Ink::Warn };
        self.terminal.wrapped("", &words::compared(said, right, as_predicted), ink)?;
        Ok(self.terminal.blank()?)
    }

    /// Waits for Enter, at a terminal; false if the learner wants to leave.
    fn go_on(&mut self, prompt: &str) -> Result<bool, Failure> {
        let typed = self.terminal.ask(prompt)?;
        if self.terminal.is_interactive() {
            self.terminal.blank()?;
        }
        Ok(!matches!(typed, Typed::Line(line) if line.eq_ignore_ascii_case("q")))
    }
}

/// Prose, cut before each of its headings.
fn sections(markdown: &str) -> Vec<&str> {
    let mut cuts: Vec<_> = markdown.match_indices("\n## ").map(|(at, _)| at + 1).collect();
    cuts.insert(0, 0);
    cuts.push(markdown.len());
    cuts.windows(2).map(|cut| markdown[cut[0]..cut[1]].trim()).filter(|section| !section.is_empty()).collect()
}

/// What was answered to a prediction.
enum Answer {
    /// One of the options, or none.
    Option(Option<usize>),
    /// The learner wants to leave.
    Left,
}

fn kept(recordings: usize) -> &'static str {
    if recordings == 0 { "" } else { "; what stands before it has been shown" }
}

fn settle(experiment: &Experiment, set: &[String]) -> Result<BTreeMap<String, String>, Failure> {
    parameter::settle(experiment.name, experiment.parameters, set).map_err(|error| Failure::Usage(error.to_string()))
}

/// The lesson of that number, slug or file.
fn find_lesson(which: &str) -> Result<Lesson, Failure> {
    let lessons = course::lessons()?;
    if let Some(lesson) =
        lessons.iter().find(|lesson| lesson.slug == which || lesson.number.is_some_and(|number| number.to_string() == which))
    {
        return Ok(lesson.clone());
    }
    if which.contains(['/', '\\']) || which.ends_with(".md") || Path::new(which).is_file() {
        return Ok(course::from_file(Path::new(which))?);
    }
    let near = check::did_you_mean(which, lessons.iter().map(|lesson| lesson.slug.as_str()));
    Err(Failure::Usage(format!("there is no lesson `{which}`{near} (`explore list` shows all; a file of your own is ./NAME.md)")))
}

/// How the course shows this experiment: its views, and the sentences of its claims.
fn shown_in_course(name: &str) -> Result<Show, Failure> {
    let lessons = course::lessons()?;
    let found = lessons.iter().flat_map(Lesson::shows).find(|show| show.experiment.name == name).cloned();
    Ok(found.unwrap_or_else(|| Show::plain(name, "ladder")))
}
