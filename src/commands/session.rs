//! What commands share: the terminal, the level of detail, and the output files of a run.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use super::Failure;
use super::output_file::{Content, OutputFile};
use super::running::Running;
use crate::cli::{self, Cli, Command};
use crate::output::messages::say;
use crate::output::terminal::{Look, Terminal};
use crate::reasons;
use crate::trace::Event;
use crate::trace::pcapng;
use crate::trace::recording::{Header, Recording};
use crate::views::trace::{Detail, Trace};
use crate::views::{Explained, SeqNumbers};

pub struct Session {
    pub terminal: Terminal,
    /// How often `-v` was given.
    pub verbose: u8,
    pub class: Class,
    /// How much of an experiment's code is shown.
    pub code: cli::Code,
    /// What the pictures have explained so far.
    pub explained: Explained,
    /// What is told while an experiment runs.
    pub(super) running: Running,
    /// Output for the events.
    record: Option<OutputFile>,
    /// Whether the run that is being recorded has written its header.
    has_header: bool,
    /// Output for the frames, as pcapng.
    pcap: Option<OutputFile>,
    /// Whether an output file takes standard output.
    takes_stdout: bool,
}

/// How a run is presented to a class.
#[derive(Clone, Copy, Debug, Default)]
pub struct Class {
    /// Each call waits for Enter.
    pub step: bool,
    /// Each call waits this long.
    pub pace: Option<Duration>,
    /// For a projector: less text, more space.
    pub big: bool,
}

impl Class {
    /// Whether a class is watching, which may vote by show of hands.
    pub fn is_present(&self) -> bool {
        self.big || self.is_stepped()
    }

    /// Whether calls are paused.
    pub fn is_stepped(&self) -> bool {
        self.step || self.pace.is_some()
    }
}

/// The command line's options for a session.
#[derive(Clone, Debug, Default)]
pub struct Options {
    look: Look,
    verbose: u8,
    class: Class,
    code: cli::Code,
    record: Option<PathBuf>,
    pcap: Option<PathBuf>,
    /// Where a page goes: `-` takes standard output.
    page: Option<PathBuf>,
}

impl From<&Cli> for Options {
    fn from(cli: &Cli) -> Options {
        let options = Options { look: Look::from(&cli.shared), ..Options::default() };
        match &cli.command {
            Some(Command::Lesson(lesson)) => {
                let options = options.presented(&lesson.presentation);
                Options { page: lesson.html.clone(), code: lesson.code, ..options }
            }
            Some(Command::Why(why)) => {
                let options = options.presented(&why.presentation);
                Options { page: why.html.clone(), code: why.code, ..options }
            }
            Some(Command::Run(run)) => options.presented(&run.presentation),
            Some(Command::Replay(replay)) => {
                Options { page: replay.html.clone(), ..options.played(&replay.play) }
            }
            Some(Command::Trace(trace)) => {
                let class = Class { step: trace.step, pace: trace.pace, big: false };
                // Without steps the keyboard is the programs'.
                let play = cli::Play { verbose: trace.verbose, auto: !class.is_stepped() };
                let (record, pcap) = (trace.record.clone(), trace.pcap.clone());
                let page = trace.html.clone();
                Options { record, pcap, page, class, ..options.played(&play) }
            }
            Some(Command::Quiz(_)) => options.played(&cli::Play { verbose: 0, auto: false }),
            Some(Command::Check(check)) => {
                // With --watch nobody is waited for.
                let play = cli::Play { verbose: check.verbose, auto: check.json || check.watch };
                Options { record: check.record.clone(), ..options.played(&play) }
            }
            Some(Command::Exercise(exercise)) => {
                let auto = exercise.json || exercise.solution.is_some();
                options.played(&cli::Play { verbose: 0, auto })
            }
            _ => options.played(&cli::Play { verbose: 0, auto: true }),
        }
    }
}

impl Options {
    fn played(mut self, play: &cli::Play) -> Options {
        (self.verbose, self.look.auto) = (play.verbose, play.auto);
        self
    }

    fn presented(self, presentation: &cli::Presentation) -> Options {
        let cli::Presentation { play, step, pace, big, record, pcap } = presentation;
        let mut options = self.played(play);
        options.look.big = *big;
        options.class = Class { step: *step, pace: *pace, big: *big };
        (options.record, options.pcap) = (record.clone(), pcap.clone());
        options
    }
}

impl From<&cli::Shared> for Look {
    fn from(shared: &cli::Shared) -> Look {
        let color = match shared.color {
            cli::When::Auto => None,
            cli::When::Always => Some(true),
            cli::When::Never => Some(false),
        };
        Look { color, ascii: shared.ascii, width: shared.width, big: false, auto: false }
    }
}

impl Session {
    /// Opens a session. If a file goes to standard output the terminal shows nothing, and making a page asks nothing.
    pub fn new(options: Options) -> Result<Session, Failure> {
        let Options { mut look, verbose, class, code, record, pcap, page } = options;
        let is_stdout = |path: &&PathBuf| path.as_os_str() == "-";
        if page.is_some() && (page == record || page == pcap) {
            return Err(Failure::PageNeedsItsOwnFile);
        }
        if record.is_some() && record == pcap {
            return Err(match record.as_ref().filter(is_stdout) {
                Some(_) => Failure::TwoOnStandardOutput,
                None => Failure::TwoInOneFile,
            });
        }
        look.auto |= page.is_some();
        let takes_stdout =
            [&page, &record, &pcap].into_iter().flatten().any(|path| is_stdout(&path));
        let terminal = if takes_stdout { Terminal::nowhere() } else { Terminal::standard(look) };
        if class.step && !terminal.is_interactive() {
            return Err(Failure::StepNeedsTerminal);
        }
        let file = |path: Option<PathBuf>, content| {
            path.as_deref().map(|path| OutputFile::to(path, content))
        };
        Ok(Session {
            terminal,
            verbose,
            class,
            code,
            explained: Explained::default(),
            running: Running::default(),
            record: file(record, Content::Events),
            has_header: false,
            pcap: file(pcap, Content::Frames),
            takes_stdout,
        })
    }

    /// A session on this terminal, without output files.
    pub fn on(terminal: Terminal) -> Session {
        Session {
            terminal,
            verbose: 0,
            class: Class::default(),
            code: cli::Code::default(),
            explained: Explained::default(),
            running: Running::default(),
            record: None,
            has_header: false,
            pcap: None,
            takes_stdout: false,
        }
    }

    pub fn detail(&self) -> Detail {
        match self.verbose {
            0 | 1 => Detail::Calls,
            2 => Detail::Kernel,
            _ => Detail::Frames,
        }
    }

    /// A trace for the terminal, with `-v`.
    pub(super) fn trace(&self) -> Option<Trace> {
        (self.verbose > 0).then(|| Trace::new(self.detail(), self.terminal.width()))
    }

    /// Whether an output file takes standard output.
    pub(super) fn takes_stdout(&self) -> bool {
        self.takes_stdout
    }

    pub(super) fn numbers(&self) -> SeqNumbers {
        if self.verbose > 2 { SeqNumbers::Raw } else { SeqNumbers::Relative }
    }

    // ---- output files ----

    /// Opens the files, before anything runs.
    pub(super) fn open_files(&mut self) -> Result<(), Failure> {
        self.record.iter_mut().chain(&mut self.pcap).try_for_each(OutputFile::open)
    }

    /// Writes one line of a recording.
    pub(super) fn write_line(&mut self, line: &[u8]) -> Result<(), Failure> {
        let Some(record) = &mut self.record else {
            return Ok(());
        };
        self.has_header |= line.starts_with(b"{\"format\":");
        let is_event = memchr::memmem::find(line, b"\"event\":").is_some();
        record.write(|to| {
            to.write_all(line).and_then(|()| to.write_all(b"\n"))?;
            Ok(is_event.into())
        })
    }

    /// Writes the end of a run that could not write it itself, nor its header perhaps.
    pub(super) fn write_end(&mut self, header: &Header, end: &Event) -> Result<(), Failure> {
        if !self.has_header {
            self.write_line(&serde_json::to_vec(header).map_err(io::Error::from)?)?;
        }
        self.write_line(&serde_json::to_vec(end).map_err(io::Error::from)?)
    }

    /// Ends a run: writes its frames, in a section of their own, and flushes both files.
    pub(super) fn finish_run(&mut self, recording: &Recording) -> Result<(), Failure> {
        self.has_header = false;
        if let Some(record) = &mut self.record {
            record.write(|to| to.flush().map(|()| 0))?;
        }
        let Some(pcap) = &mut self.pcap else {
            return Ok(());
        };
        pcap.write(|to| {
            let frames = pcapng::write(to, [recording], reasons::comment)?;
            to.flush().map(|()| frames)
        })
    }

    /// Says which files were written, and how much is in them.
    pub(super) fn say_written(&self) {
        let files = self.record.iter().chain(&self.pcap);
        files.filter_map(OutputFile::written).for_each(say);
    }
}
