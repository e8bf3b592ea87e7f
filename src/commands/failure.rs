//! Why the program ends early: what it says about it, and its exit code.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::capture::child::ProbeError;
use crate::capture::join::{JoinError, Refusal, Running};
use crate::capture::parameter::SetError;
use crate::capture::sys;
use crate::chat::{Address, AddressError, ChatError};
use crate::cli;
use crate::experiments;
use crate::i18n::{self, error_text, tr};
use crate::lesson::{self, CourseError, did_you_mean, glossary, nearest};
use crate::output::terminal;
use crate::progress::Trouble;
use crate::reasons;
use crate::text::safe;
use crate::trace::axis::Mismatch;
use crate::trace::rule::words::NotUnderstood;
use crate::trace::{self, Lack};
use crate::views;

/// Why the program ends early, and what it says about it.
#[derive(Debug, Error)]
pub enum Failure {
    #[error("{}", no_command(.0))]
    NoCommand(String),
    /// `help`, about what is no command, lesson, experiment or term.
    #[error("{}", no_topic(.0))]
    NoTopic(String),
    #[error("{}", lesson::no_experiment(.0))]
    NoExperiment(String),
    #[error("{}", tr!(
        "there is no lesson `{name}`{near} (`{list}` shows all; a file of your own is ./NAME.md)",
        name = .0,
        near = did_you_mean(.0, lesson::contents().iter().map(|entry| entry.slug)),
        list = i18n::command("list")
    ))]
    NoLesson(String),
    /// `lesson N --further M`, and it has not so many.
    #[error("{}", tr!(
        "`{lesson}` has no further experiment {number}: it has {all}",
        lesson = .lesson,
        number = .number,
        all = .all
    ))]
    NoFurther { lesson: String, number: usize, all: usize },
    #[error("{}", tr!(
        "there is no term `{asked}` in the glossary{near} (`{glossary}` shows all)",
        asked = .0,
        near = did_you_mean(.0, glossary::terms().flat_map(|term| term.names)),
        glossary = i18n::command("glossary")
    ))]
    NoTerm(String),
    #[error("{}", tr!(
        "there is no view `{name}`: it is one of {all}",
        name = .0,
        all = views::all().map(|view| view.name()).collect::<Vec<_>>().join(tr!(context "list", ", "))
    ))]
    NoView(String),
    /// `why`, about what no case fits.
    #[error("{}", tr!("no case fits `{words}` (`{why}` lists all); try the name of the error (ECONNRESET), its text in English or Chinese, or what happens, in few words", words = shortened(.0), why = i18n::command("why")))]
    NoCase(String),
    /// `why`, about an error that no case shows.
    #[error("{}", no_case_of(.0))]
    NoCaseOf(&'static str),
    #[error("{}", tr!("there is no exercise `{name}` (`{list}` shows all)", name = .0, list = i18n::command("exercise")))]
    NoExercise(String),
    /// `check` with more programs than the exercise has roles, or a role that it has not.
    #[error("{}", tr!("this exercise has {roles}: give at most one program for each", roles = .0))]
    NoRole(String),
    /// The command that `check --build` was given.
    #[error("{}", tr!("`{command}` failed ({how}): nothing was checked", command = .0, how = .1))]
    NotBuilt(String, String),
    /// The exercise has no program in this language.
    #[error("{}", tr!("this exercise has no files in {language}: {all}", language = .0, all = .1))]
    NoLanguage(String, String),
    #[error("{}", tr!(
        "the folder {folder} is there already: nothing was written; rename it, or go on in it",
        folder = .0
    ))]
    FolderExists(String),
    #[error("{}", tr!(
        "our solution is for those who have one: `{check}` first, or add --give-up",
        check = i18n::command(&format!("check {}", .0))
    ))]
    NotDone(String),
    /// `trace` with quotation marks that do not close.
    #[error("{}", tr!("`{line}` is no command line: a quotation mark is not closed, or there is no word in it", line = .0))]
    NoCommandLine(String),
    #[error("{}", no_such_program(.name, .known))]
    NoSuchProgram { name: String, known: Vec<String> },
    /// A rule of the wire between traced programs.
    #[error(transparent)]
    Rule(#[from] NotUnderstood),
    #[error("{}", tr!("the wire can connect {most} programs: trace fewer of them", most = .0))]
    TooManyPrograms(usize),
    /// No trace was joined.
    #[error("{}", not_joined(.0))]
    NotJoined(JoinError),
    /// A traced program failed: its exit code.
    #[error("")]
    Program(u8),
    /// `lesson next`, with every lesson finished.
    #[error("{}", course_finished())]
    CourseFinished,
    #[error(transparent)]
    Course(#[from] CourseError),
    #[error(transparent)]
    Setting(#[from] SetError),
    #[error("{}", tr!(
        "--step waits for keys, but this is not a terminal: use --pace 700ms instead"
    ))]
    StepNeedsTerminal,
    #[error("{}", tr!(
        "--record and --pcap cannot both go to standard output: name a file for one"
    ))]
    TwoOnStandardOutput,
    #[error("{}", tr!("--record and --pcap cannot both go to the same file: name two files"))]
    TwoInOneFile,
    #[error("{}", tr!(
        "--pcap writes bytes that no terminal can show: name a file, or send standard output to a program: --pcap - | tshark -r -"
    ))]
    FramesToTerminal,
    #[error("{}", tr!(
        "--html, --record and --pcap cannot share one output: name a file for all but one"
    ))]
    PageNeedsItsOwnFile,
    #[error("{}", tr!(
        "{path}: {error}: name a file that `--record` wrote",
        path = .0.display(),
        error = error_text(.1)
    ))]
    NoRecording(PathBuf, io::Error),
    #[error("{path}:{line}: {what}{}", kept(*.shown))]
    Damaged {
        path: PathBuf,
        line: u64,
        what: String,
        /// Recordings before the damage were shown.
        shown: bool,
    },
    /// Of several recordings that were to be drawn as one, this file has no single one.
    #[error("{}", tr!("{path} has {runs} runs: replay it alone", path = .0.display(), runs = .1))]
    SeveralRuns(PathBuf, usize),
    #[error("{}", mismatch(.path, .first, *.why))]
    Mismatch { path: PathBuf, first: PathBuf, why: Mismatch },
    /// The manual's folder, or one of its files.
    #[error("{}", unwritable(.0, .1))]
    NoManual(PathBuf, io::Error),
    #[error("{}", unwritable(.0, .1))]
    Unwritable(PathBuf, io::Error),
    #[error(transparent)]
    ChatAddress(AddressError),
    #[error("{}", tr!(
        "`{address}`: a client cannot connect to port 0; name the port that the server listens on",
        address = .0
    ))]
    ChatPortZero(Address),
    #[error("{}", tr!(
        "--record -: standard output carries the peer's messages; name a file to record to"
    ))]
    ChatRecordOnStdout,
    #[error("{}", tr!("{name}: {what}", name = .0, what = .1))]
    Incomplete(String, Incomplete),
    /// The process of this experiment.
    #[error("{}", tr!(
        "{experiment}: its process cannot be started: {error}; {remedy}",
        experiment = .0,
        error = error_text(.1),
        remedy = reasons::shortage_remedy(&sys::error_name(.1))
    ))]
    NotStarted(String, io::Error),
    #[error("{}", no_probe(.0))]
    NoProbe(ProbeError),
    #[error("{}", tr!(
        "there is no folder {folder}: create it first, or write to another place",
        folder = .0.display()
    ))]
    NoFolder(PathBuf),
    #[error("{}", tr!(
        "the folder {folder} cannot be created: {error}: choose another",
        folder = .0.display(),
        error = error_text(.1)
    ))]
    NoNewFolder(PathBuf, io::Error),
    #[error("{}", tr!("{path} is a folder: name a file in it", path = .0.display()))]
    IsFolder(PathBuf),
    /// The learner's progress cannot be reset.
    #[error(transparent)]
    Progress(Trouble),
    #[error(transparent)]
    NoChat(ChatError),
    /// Writing to the terminal, or reading from it, failed.
    #[error("{}", unwritten(.0))]
    Terminal(#[from] io::Error),
    /// The reader asked to leave.
    #[error("")]
    Quit,
    /// A claim was broken, or the chat's connection; this has been shown.
    #[error("")]
    Broken,
    /// A signal came; the exit code that goes with it.
    #[error("")]
    Interrupted(u8),
}

/// Why an experiment did not run to its end.
#[derive(Debug, Error)]
pub enum Incomplete {
    #[error("{}", tr!(
        "this machine cannot run it: a recording was shown instead (`{doctor}` says what would help)",
        doctor = i18n::command("doctor")
    ))]
    RecordingShown,
    /// This machine cannot run it, and there is no recording.
    #[error("{}", reasons::lack(.0))]
    Unavailable(Lack),
    #[error("{}", reasons::failure(.0))]
    Failed(trace::Failure),
    #[error("{}", tr!("the deadline passed before its end: --set deadline=… gives it longer"))]
    Deadline,
}

impl Failure {
    /// The exit code: 1 a claim was broken, or a chat's connection; 2 usage or unreadable input; 3 cannot be done here;
    /// 130 interrupted; 0 for a reader that has read enough.
    pub fn code(&self) -> u8 {
        match self {
            Failure::Broken => 1,
            Failure::NoCommand(_)
            | Failure::NoTopic(_)
            | Failure::NotJoined(JoinError::Several(_) | JoinError::NotThis(_))
            | Failure::NoExperiment(_)
            | Failure::NoLesson(_)
            | Failure::NoFurther { .. }
            | Failure::NoTerm(_)
            | Failure::NoCase(_)
            | Failure::NoCaseOf(_)
            | Failure::NoExercise(_)
            | Failure::NoRole(_)
            | Failure::NoLanguage(..)
            | Failure::FolderExists(_)
            | Failure::NotDone(_)
            | Failure::NoView(_)
            | Failure::NoCommandLine(_)
            | Failure::Rule(_)
            | Failure::TooManyPrograms(_)
            | Failure::NoSuchProgram { .. }
            | Failure::CourseFinished
            | Failure::Course(_)
            | Failure::Setting(_)
            | Failure::StepNeedsTerminal
            | Failure::TwoOnStandardOutput
            | Failure::TwoInOneFile
            | Failure::FramesToTerminal
            | Failure::PageNeedsItsOwnFile
            | Failure::NoRecording(..)
            | Failure::Damaged { .. }
            | Failure::SeveralRuns(..)
            | Failure::Mismatch { .. }
            | Failure::NoManual(..)
            | Failure::ChatAddress(_)
            | Failure::ChatPortZero(_)
            | Failure::ChatRecordOnStdout => 2,
            Failure::Quit => 0,
            Failure::Terminal(error) if error.kind() == io::ErrorKind::BrokenPipe => 0,
            Failure::Incomplete(..)
            | Failure::NotStarted(..)
            | Failure::NotJoined(_)
            | Failure::NoProbe(_)
            | Failure::NotBuilt(..)
            | Failure::Unwritable(..)
            | Failure::NoFolder(_)
            | Failure::NoNewFolder(..)
            | Failure::IsFolder(_)
            | Failure::Progress(_)
            | Failure::NoChat(_)
            | Failure::Terminal(_) => 3,
            Failure::Interrupted(code) | Failure::Program(code) => *code,
        }
    }

    /// Whether nothing is printed about it.
    pub fn is_quiet(&self) -> bool {
        matches!(self, Failure::Interrupted(_) | Failure::Broken | Failure::Program(_))
            || self.code() == 0
    }
}

/// The beginning of what somebody typed, which may be a whole log.
fn shortened(words: &str) -> String {
    const CHARACTERS: usize = 200;
    match words.char_indices().nth(CHARACTERS) {
        Some((end, _)) => format!("{}…", &words[..end]),
        None => words.to_owned(),
    }
}

fn no_such_program(name: &str, known: &[String]) -> String {
    let all = known.join(tr!(context "list", ", "));
    tr!(
        "`{name}` is none of the programs' names ({all}): use one of these, or name a program with {name}='COMMAND'",
        name,
        all
    )
}

/// Why no trace was joined, and what to do.
fn not_joined(error: &JoinError) -> String {
    match error {
        JoinError::NoTrace => tr!(
            "no trace runs that could be joined: start one in another terminal first, such as explore trace 'python3 server.py'"
        )
        .to_owned(),
        JoinError::NotThis(process) => tr!(
            "process {process} is no trace that could be joined: --join alone joins the one that runs",
            process
        ),
        JoinError::OtherUser(process) => tr!(
            "the trace that runs (process {process}) is another user's: only who has started it can join it",
            process
        ),
        JoinError::Several(running) => {
            let one = |it: &Running| format!("--join={} ({})", it.process, safe(&it.command));
            let all: Vec<String> = running.iter().map(one).collect();
            let all = all.join(tr!(context "list", ", "));
            tr!("several traces run: say which, {all}", all)
        }
        JoinError::NoAnswer(process) => tr!(
            "the trace that runs (process {process}) does not answer: if it was stopped with Ctrl-Z, type fg there",
            process
        ),
        JoinError::OtherVersion(process) => tr!(
            "the trace that runs (process {process}) is of another version of `explore`: use the same for both",
            process
        ),
        JoinError::Refused(process, why) => refusal(*process, *why),
        JoinError::Mismatch(process, _) => tr!(
            "the trace that runs (process {process}) is in another container, where addresses and processes are not the same: start both in one",
            process
        ),
        JoinError::Io(error) => {
            tr!("the trace cannot be joined: {error}", error = error_text(error))
        }
    }
}

fn refusal(process: u32, why: Refusal) -> String {
    match why {
        Refusal::OwnNetworks => tr!(
            "the trace that runs (process {process}) has a wire: its programs have networks of their own, in which they meet nobody else; give all programs to that one command, or start it without --wire",
            process
        ),
        Refusal::Full => tr!(
            "the trace that runs (process {process}) has been joined as often as can be: wait until one of the others has ended",
            process
        ),
        Refusal::Ended => tr!(
            "the programs of the trace that runs (process {process}) have ended: start it again first",
            process
        ),
    }
}

/// Why two recordings cannot be drawn as one, and what to do.
fn mismatch(path: &Path, first: &Path, why: Mismatch) -> String {
    let (path, first) = (path.display(), first.display());
    match why {
        Mismatch::NotPrograms => tr!(
            "{path} is no recording of `explore trace`: only such recordings are drawn as one; replay it alone",
            path
        ),
        Mismatch::NoStart => tr!(
            "{path} does not say when it began by the machine's clock, because an older `explore` wrote it: record it again, or replay it alone",
            path
        ),
        Mismatch::OtherBoot => tr!(
            "{path} and {first} were recorded on different machines, or one of them before the machine was restarted: they have no clock in common; replay each alone",
            path,
            first
        ),
        Mismatch::OtherNamespaces => tr!(
            "{path} and {first} were recorded in different containers, where the same address is not the same place: record both in one, or replay each alone",
            path,
            first
        ),
        Mismatch::OwnNetworks => tr!(
            "{path} was recorded with --wire: its programs had a network of their own, and met nobody else; trace all of them in one command, or replay it alone",
            path
        ),
        Mismatch::SameProcess(process) => tr!(
            "{path} and {first} both have process {process}: one run was recorded in both; leave one of them out",
            path,
            first,
            process
        ),
    }
}

fn kept(shown: bool) -> &'static str {
    if shown { tr!("; everything before it has been shown") } else { "" }
}

fn unwritable(path: &Path, error: &io::Error) -> String {
    let (path, text) = (path.display(), error_text(error));
    if is_full(error) {
        tr!("{path} cannot be written: {text}: free some, or name a file elsewhere", path, text)
    } else {
        tr!(
            "{path} cannot be written: {error}: name a file in a folder that you may write to",
            path,
            error = text
        )
    }
}

/// What failed is standard output, or the keyboard.
fn unwritten(error: &io::Error) -> String {
    let text = error_text(error);
    if is_full(error) {
        tr!("standard output cannot be written: {text}: free some, or write elsewhere", text)
    } else {
        tr!("the terminal: {error}", error = text)
    }
}

fn is_full(error: &io::Error) -> bool {
    use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge)
}

/// There is no such command. What is near may be a command, or a lesson or an experiment whose command was left out.
fn no_command(name: &str) -> String {
    let is_lesson = |near: &str| lesson::contents().iter().any(|entry| entry.slug == near);
    let near = nearest(name, names()).map(|near| match near {
        _ if cli::names().contains(&near) => i18n::command(near),
        _ if is_lesson(near) => i18n::command(&format!("lesson {near}")),
        _ if experiments::find(near).is_some() => i18n::command(&format!("run {near}")),
        _ => i18n::command(near),
    });
    let near = near.map_or_else(String::new, |near| tr!("; did you mean `{near}`?", near));
    let help = i18n::command("help");
    tr!("there is no command `{name}`{near} (`{help}` shows all)", name, near, help)
}

fn no_topic(name: &str) -> String {
    let terms = glossary::terms().flat_map(|term| term.names);
    let near = did_you_mean(name, names().chain(terms));
    tr!(
        "there is no command, lesson, experiment or term `{name}`{near} (`{help}` shows the commands)",
        name,
        near,
        help = i18n::command("help")
    )
}

fn no_case_of(error: &str) -> String {
    let texts = i18n::command(&format!("why {error} --list-texts"));
    let mut said = tr!("no case is about {error}; `{texts}` shows how it is worded", error, texts);
    for number in lesson::numbers_that_name(error) {
        let command = i18n::command(&format!("lesson {number}"));
        said += &tr!("; `{command}` shows it", command);
    }
    said
}

/// The commands, lessons and experiments.
fn names() -> impl Iterator<Item = &'static str> {
    let lessons = lesson::contents().into_iter().map(|entry| entry.slug);
    let experiments = experiments::all().map(|experiment| experiment.name);
    cli::names().into_iter().chain(lessons).chain(experiments)
}

fn no_probe(error: &ProbeError) -> String {
    match error {
        ProbeError::Start(error) => {
            tr!("doctor: the probe cannot be started: {error}", error = error_text(error))
        }
        ProbeError::Answer(_, status) if sys::was_forbidden(*status) => {
            tr!("doctor: {what}", what = reasons::lack(&Lack::Forbidden))
        }
        ProbeError::Answer(error, status) => {
            tr!("doctor: the probe gave no answer: {error} ({status})", error, status)
        }
    }
}

/// Said by `explore`, and by `explore lesson next` as a failure.
pub(super) fn course_finished() -> &'static str {
    tr!("You have finished every lesson. You can take any of them again.")
}

impl From<terminal::Error> for Failure {
    fn from(error: terminal::Error) -> Failure {
        match error {
            terminal::Error::Quit => Failure::Quit,
            terminal::Error::Io(error) => Failure::Terminal(error),
        }
    }
}
