//! The experiments: one table, name to function. An experiment is plain Rust on instrumented sockets, written to be
//! read by learners, for its own source is what a lesson shows as code.
//!
//! It knows the lab, and the chat that the last two lessons run. Claims have names here; their sentences stand in `lessons/`.

use std::process::ExitCode;

use crate::capture::child::{Job, Request};
use crate::capture::{self, Lab, Network, Parameter, Result, Run, probe};

mod blocking;
mod chat;
mod desks;
mod families;
mod handshake;
mod layers;
mod many_connections;
mod mended;
mod nonblocking;
mod process;
mod socket;
mod sources;
mod tcp_udp;
mod tcp_udp_wire;
mod timeout_mode;
mod timeouts;
mod turns;

pub use sources::text_of;

/// One row of the table.
#[derive(Debug)]
pub struct Experiment {
    /// Its name, as lessons and the command line have it: the function's name with hyphens.
    pub name: &'static str,
    /// What it does.
    pub play: fn(&Lab) -> Result<()>,
    /// The claims it checks, in order.
    pub claims: &'static [&'static str],
    /// What can be set with `--set`, besides the deadline.
    pub parameters: &'static [Parameter],
    /// Where it plays.
    pub network: Network,
    /// Where its source is.
    pub file: SourceFile,
    /// Whether each call can be held before it is made.
    pub stepping: Stepping,
}

/// Whether a class can be shown an experiment call by call. Held before each call, actors meet later than they would by
/// themselves; where that would change what the experiment is about, it is run whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stepping {
    /// It means the same when its calls are held.
    Steps,
    /// It does not.
    Whole(Why),
}

/// Why an experiment is run whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// It is about which of two comes first: a timeout, or what is waited for.
    Race,
    /// It is about what a thread does while nothing happens: a held one sleeps in the lab, and not where it should.
    Sleep,
    /// It makes more calls than anybody wants to see one by one.
    Many,
}

/// A source file that is part of the program, so that what is shown is what ran.
#[derive(Clone, Copy, Debug)]
pub struct SourceFile {
    /// The file, from the project's root.
    pub path: &'static str,
    /// All of it.
    pub text: &'static str,
}

/// A part of an experiment that a child process plays: its name is `experiment/part`.
#[derive(Debug)]
pub struct Part {
    /// Its name.
    pub name: &'static str,
    /// What it does.
    pub play: fn(&Lab) -> Result<()>,
}

/// One file's experiments and parts.
#[derive(Debug)]
pub struct Chapter {
    /// The experiments, in the lesson's order.
    pub experiments: &'static [Experiment],
    /// What child processes play in them.
    pub parts: &'static [Part],
}

/// All chapters, in the order of the course.
pub static CHAPTERS: &[&Chapter] = &[
    &socket::CHAPTER,
    &layers::CHAPTER,
    &families::CHAPTER,
    &tcp_udp::CHAPTER,
    &tcp_udp_wire::CHAPTER,
    &process::CHAPTER,
    &handshake::CHAPTER,
    &timeouts::CHAPTER,
    &blocking::CHAPTER,
    &nonblocking::CHAPTER,
    &many_connections::CHAPTER,
    &timeout_mode::CHAPTER,
    &turns::CHAPTER,
    &chat::CHAPTER,
    &mended::CHAPTER,
];

/// All experiments, in the order of the course.
pub fn all() -> impl Iterator<Item = &'static Experiment> {
    CHAPTERS.iter().flat_map(|chapter| chapter.experiments)
}

/// The experiment of that name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Experiment> {
    all().find(|experiment| experiment.name == name)
}

impl Experiment {
    /// The lines of its function, and the number of the first; what a lesson shows as code.
    #[must_use]
    pub fn source(&self) -> Option<(u32, Vec<&'static str>)> {
        let opening = format!("fn {}(", self.name.replace('-', "_"));
        let lines: Vec<_> = self.file.text.lines().collect();
        let first =
            lines.iter().position(|line| line.trim_start_matches("pub ").starts_with(&opening))?;
        let length = lines[first..].iter().position(|line| *line == "}")? + 1;
        Some((u32::try_from(first).ok()? + 1, lines[first..first + length].to_vec()))
    }

    /// True if it needs the wire.
    #[must_use]
    pub fn needs_wire(&self) -> bool {
        self.network == Network::Wire
    }
}

/// Serves the request that this process was started for; the process is then over.
#[must_use]
pub fn serve(request: Request) -> ExitCode {
    match request {
        Request::Probe => match serde_json::to_string(&probe::probe()) {
            Ok(answer) => {
                println!("{answer}");
                ExitCode::SUCCESS
            }
            Err(_) => ExitCode::FAILURE,
        },
        Request::Run(job) => perform(job).unwrap_or(ExitCode::from(2)),
    }
}

/// Runs an experiment or a part; `None` if there is none of that name.
fn perform(job: Job) -> Option<ExitCode> {
    if job.part.is_some() {
        let mut parts = CHAPTERS.iter().flat_map(|chapter| chapter.parts);
        let part = parts.find(|part| part.name == job.name)?;
        return Some(capture::perform(&Run { job, ..Run::default() }, part.play));
    }
    let experiment = find(&job.name)?;
    let run = Run { job, parameters: experiment.parameters, network: experiment.network };
    Some(capture::perform(&run, experiment.play))
}
