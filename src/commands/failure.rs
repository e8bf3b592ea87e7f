//! Why the program ends early: what it says about it, and its exit code.

use std::fmt;
use std::io;
use std::path::PathBuf;

use crate::capture::child::ProbeError;
use crate::capture::parameter::SetError;
use crate::capture::sys;
use crate::chat::{Address, AddressError, ChatError};
use crate::i18n::{error_text, tr};
use crate::lesson::{self, CourseError, did_you_mean, glossary};
use crate::output::terminal;
use crate::progress::Trouble;
use crate::reasons;
use crate::trace::{self, Lack};

/// Why the program ends early.
#[derive(Debug)]
pub enum Failure {
    /// There is no experiment of that name.
    NoExperiment(String),
    /// There is no lesson of that number or name.
    NoLesson(String),
    /// There is no such term in the glossary.
    NoTerm(String),
    /// `lesson next`, with every lesson finished.
    CourseFinished,
    /// A lesson is not well formed.
    Course(CourseError),
    /// A parameter that was set does not exist, or does not take that value.
    Setting(SetError),
    /// `--step`, and nobody is there to press Enter.
    StepNeedsTerminal,
    /// The events and the frames were both to go to standard output.
    TwoOnStandardOutput,
    /// The events and the frames were both to go to one file.
    TwoInOneFile,
    /// A page was to go where the events or the frames go.
    PageNeedsItsOwnFile,
    /// A recording cannot be opened.
    NoRecording(PathBuf, io::Error),
    /// A recording is damaged; `shown` if recordings before the damage were shown.
    Damaged {
        /// Its file.
        path: PathBuf,
        /// The line.
        line: u64,
        /// What is wrong with it.
        what: String,
        /// Something was shown.
        shown: bool,
    },
    /// The manual's folder cannot be written.
    NoManual(PathBuf, io::Error),
    /// A chat's address makes no sense.
    ChatAddress(AddressError),
    /// A chat's client was to connect to port 0.
    ChatPortZero(Address),
    /// A chat's events were to go to standard output.
    ChatRecordOnStdout,
    /// An experiment did not run to its end.
    Incomplete(String, Incomplete),
    /// An experiment's process cannot be started.
    NotStarted(String, io::Error),
    /// The machine was not probed.
    NoProbe(ProbeError),
    /// A file cannot be written.
    Unwritable(PathBuf, io::Error),
    /// A file is to be written in a folder that does not exist.
    NoFolder(PathBuf),
    /// A folder cannot be made.
    NoNewFolder(PathBuf, io::Error),
    /// A file is to be written where there is a folder.
    IsFolder(PathBuf),
    /// The learner's progress cannot be reset.
    Progress(Trouble),
    /// Nobody was met to chat with.
    NoChat(ChatError),
    /// Writing to the terminal, or reading from it, failed.
    Terminal(io::Error),
    /// The reader asked to leave.
    Quit,
    /// A claim was broken, or the chat's connection; what was shown says so.
    Broken,
    /// A signal came; the exit code that goes with it.
    Interrupted(u8),
}

/// Why an experiment did not run to its end.
#[derive(Debug)]
pub enum Incomplete {
    /// This machine cannot run it: a recording was shown.
    RecordingShown,
    /// This machine cannot run it.
    Unavailable(Lack),
    /// It failed.
    Failed(trace::Failure),
    /// Its deadline passed.
    Deadline,
}

impl Failure {
    /// The exit code: 1 a claim was broken, or a chat's connection; 2 usage or unreadable input; 3 cannot be done here;
    /// 130 interrupted; 0 for a reader that has read enough.
    pub fn code(&self) -> u8 {
        match self {
            Failure::Broken => 1,
            Failure::NoExperiment(_)
            | Failure::NoLesson(_)
            | Failure::NoTerm(_)
            | Failure::CourseFinished
            | Failure::Course(_)
            | Failure::Setting(_)
            | Failure::StepNeedsTerminal
            | Failure::TwoOnStandardOutput
            | Failure::TwoInOneFile
            | Failure::PageNeedsItsOwnFile
            | Failure::NoRecording(..)
            | Failure::Damaged { .. }
            | Failure::NoManual(..)
            | Failure::ChatAddress(_)
            | Failure::ChatPortZero(_)
            | Failure::ChatRecordOnStdout => 2,
            Failure::Quit => 0,
            Failure::Terminal(error) if error.kind() == io::ErrorKind::BrokenPipe => 0,
            Failure::Incomplete(..)
            | Failure::NotStarted(..)
            | Failure::NoProbe(_)
            | Failure::Unwritable(..)
            | Failure::NoFolder(_)
            | Failure::NoNewFolder(..)
            | Failure::IsFolder(_)
            | Failure::Progress(_)
            | Failure::NoChat(_)
            | Failure::Terminal(_) => 3,
            Failure::Interrupted(code) => *code,
        }
    }

    /// Whether there is nothing to say about it.
    pub fn is_quiet(&self) -> bool {
        matches!(self, Failure::Interrupted(_) | Failure::Broken) || self.code() == 0
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&match self {
            Failure::NoExperiment(name) => lesson::no_experiment(name),
            Failure::NoLesson(name) => {
                let near = did_you_mean(name, lesson::contents().iter().map(|entry| entry.slug));
                tr!(
                    "there is no lesson `{name}`{near} (`explore list` shows all; a file of your own is ./NAME.md)",
                    name,
                    near
                )
            }
            Failure::NoTerm(asked) => {
                let known = glossary::terms().flat_map(|term| term.names);
                let near = did_you_mean(asked, known);
                tr!(
                    "there is no term `{asked}` in the glossary{near} (`explore glossary` shows all)",
                    asked,
                    near
                )
            }
            Failure::CourseFinished => course_finished().to_owned(),
            Failure::Course(error) => error.to_string(),
            Failure::Setting(error) => error.to_string(),
            Failure::StepNeedsTerminal => {
                tr!(
                    "--step waits for keys, and there is no terminal to press them at: --pace 700ms steps by itself"
                )
                .to_owned()
            }
            Failure::TwoOnStandardOutput => {
                tr!("--record and --pcap cannot both go to standard output: name a file for one")
                    .to_owned()
            }
            Failure::TwoInOneFile => {
                tr!("--record and --pcap cannot both go to one file: name two").to_owned()
            }
            Failure::PageNeedsItsOwnFile => {
                tr!(
                    "--html, --record and --pcap cannot go to one place: name a file for each but one"
                )
                .to_owned()
            }
            Failure::NoRecording(path, error) => {
                let (path, error) = (path.display(), error_text(error));
                tr!("{path}: {error}: name a file that `--record` wrote", path, error)
            }
            Failure::Damaged { path, line, what, shown } => {
                let kept = if *shown { tr!("; what stands before it has been shown") } else { "" };
                format!("{}:{line}: {what}{kept}", path.display())
            }
            Failure::NoManual(path, error) | Failure::Unwritable(path, error) => {
                let (path, error) = (path.display(), error_text(error));
                tr!(
                    "{path} cannot be written: {error}: name a file in a folder that you may write to",
                    path,
                    error
                )
            }
            Failure::ChatAddress(error) => error.to_string(),
            Failure::ChatPortZero(address) => tr!(
                "`{address}`: nobody can be called at port 0; name the port that the server listens at",
                address
            ),
            Failure::ChatRecordOnStdout => tr!(
                "--record -: a chat's standard output is what the peer says; name a file to record to"
            )
            .to_owned(),
            Failure::Incomplete(name, why) => tr!("{name}: {what}", name, what = why),
            Failure::NotStarted(experiment, error) => {
                let remedy = reasons::shortage_remedy(&sys::error_name(error));
                let error = error_text(error);
                tr!(
                    "{experiment}: its process cannot be started: {error}; {remedy}",
                    experiment,
                    error,
                    remedy
                )
            }
            Failure::NoProbe(ProbeError::Start(error)) => {
                tr!("doctor: its probe cannot be started: {error}", error = error_text(error))
            }
            Failure::NoProbe(ProbeError::Answer(error, status)) => {
                tr!("doctor: its probe did not answer: {error} ({status})", error, status)
            }
            Failure::NoFolder(folder) => {
                let folder = folder.display();
                tr!("there is no folder {folder}: make it first, or name a file elsewhere", folder)
            }
            Failure::NoNewFolder(folder, error) => {
                let (folder, error) = (folder.display(), error_text(error));
                tr!("the folder {folder} cannot be made: {error}: name another", folder, error)
            }
            Failure::IsFolder(path) => {
                tr!("{path} is a folder: name a file in it", path = path.display())
            }
            Failure::Progress(trouble) => trouble.to_string(),
            Failure::NoChat(why) => why.to_string(),
            Failure::Terminal(error) => tr!("the terminal: {error}", error = error_text(error)),
            // Quiet: whoever caused them knows.
            Failure::Quit | Failure::Broken | Failure::Interrupted(_) => String::new(),
        })
    }
}

impl std::error::Error for Failure {}

impl fmt::Display for Incomplete {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&match self {
            Incomplete::RecordingShown => tr!(
                "this machine cannot run it: a recording was shown instead (`explore doctor` says what would help)"
            )
            .to_owned(),
            Incomplete::Unavailable(why) => reasons::lack(why),
            Incomplete::Failed(why) => reasons::failure(why),
            Incomplete::Deadline => {
                tr!("the deadline struck before its end: --set deadline=… gives it longer").to_owned()
            }
        })
    }
}

/// Every lesson is finished: an answer to `explore` and a failure of `explore lesson next`.
pub(super) fn course_finished() -> &'static str {
    tr!("You have finished every lesson there is. Any of them can be played again.")
}

impl From<CourseError> for Failure {
    fn from(error: CourseError) -> Failure {
        Failure::Course(error)
    }
}

impl From<SetError> for Failure {
    fn from(error: SetError) -> Failure {
        Failure::Setting(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        Failure::Terminal(error)
    }
}

impl From<terminal::Error> for Failure {
    fn from(error: terminal::Error) -> Failure {
        match error {
            terminal::Error::Quit => Failure::Quit,
            terminal::Error::Io(error) => Failure::Terminal(error),
        }
    }
}
