//! The protocol between this program and a run in a process of its own.
//!
//! - **Start.** The child is this program, started again with a [`Request`] as its arguments: an experiment, one part of
//!   an experiment (`experiment/part`), or a probe of the machine.
//! - **Standard output** carries the recording, an event a line, and closes when the child ends.
//! - **Standard input** is the control channel. Each line is an [`Order`]: which paused calls of a stepped run may be made.
//!   When the channel closes, because its [`Control`] was dropped or its owner is gone, the child stops. An experiment
//!   owns the processes that play its parts: it forwards what concerns them, and stops them when it stops.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io::{self, BufReader, Write};
#[cfg(unix)]
use std::os::fd::{AsFd, AsRawFd};
use std::path::Path;
use std::process::{ChildStdin, ChildStdout, Command, ExitStatus, Stdio};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::probe::Probe;
use crate::trace::Lack;
use crate::trace::rule::Rule;

mod experiment;

pub use experiment::{
    ExperimentRun, Output, interrupted, leave_ctrl_c, programs_ended_by, stop_on_signals,
    was_ctrl_c_left,
};

/// The first argument of a child; its second is the request.
const CHILD: &str = "__child";

/// What a child process is started for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// Run an experiment, or a part of one.
    Run(Job),
    /// Trace programs.
    Trace(TraceJob),
    /// Try what experiments need from this machine, and print a [`Probe`].
    Probe,
}

/// An experiment, or a part of one, to be run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// The experiment's name, or `experiment/part`.
    pub name: String,
    /// Parameters; for a part, what the experiment passes to it.
    pub settings: BTreeMap<String, String>,
    /// Whether calls are paused until the control channel resumes them.
    pub stepped: bool,
    /// Set for a part.
    pub part: Option<Part>,
    /// What the host's network lacks that every experiment on it needs.
    pub lack: Option<Lack>,
}

/// Programs to be traced.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TraceJob {
    /// The programs, in the order in which they are started.
    pub programs: Vec<TracedProgram>,
    /// When the trace ends at the latest, in nanoseconds since it began.
    pub limit_ns: Option<u64>,
    /// When the run began that this trace is a part of, by the monotonic clock that all processes share.
    pub epoch_ns: Option<u64>,
    /// Whether calls are paused until the control channel resumes them.
    pub stepped: bool,
    /// The rules of the link, if each program is to have a network of its own.
    pub wire: Option<Vec<Rule>>,
    /// Whether calls to 127.0.0.1 are led over the link.
    pub rewrite: bool,
    /// Whether each program gets a terminal of its own, because the step view has this one.
    pub own_terminals: bool,
    /// So many events are recorded at most; what comes later is only counted.
    pub most_events: Option<u64>,
    /// Whether programs are recorded from their start on, even if they never make a call on a socket.
    pub from_start: bool,
    /// Whether what the programs print goes to standard error.
    pub prints_to_stderr: bool,
    /// Whether the only program runs untraced where programs may not be traced.
    pub or_untraced: bool,
    /// Inherited descriptors that are the programs' standard input and output; [`start_trace_with`] fills them in.
    pub input: i32,
    pub output: i32,
}

/// A program to be traced.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TracedProgram {
    /// What it is called.
    pub name: String,
    /// Whether somebody has chosen that name.
    pub is_named: bool,
    /// Its command line.
    pub argv: Vec<String>,
    /// The file that is its standard input, if it has one of its own.
    pub input: Option<String>,
}

/// What a program is called: its file, or if that is an interpreter, the script that it runs; without folder and ending.
pub fn program_name(argv: &[String]) -> String {
    const INTERPRETERS: [&str; 11] =
        ["python", "pypy", "node", "java", "bash", "sh", "dash", "ruby", "perl", "php", "env"];
    /// Options of theirs whose value is a word of its own.
    const WITH_VALUE: [&str; 6] = ["-cp", "-classpath", "--class-path", "-W", "-X", "-r"];
    let base = |word: &String| {
        let path = Path::new(word);
        let name = path.file_stem().unwrap_or(path.as_os_str());
        name.to_string_lossy().into_owned()
    };
    let Some(first) = argv.first().map(base) else { return "program".to_owned() };
    let versionless = first.trim_end_matches(|it: char| it.is_ascii_digit() || it == '.');
    if !INTERPRETERS.contains(&versionless) {
        return first;
    }
    let is_value = |at: usize| WITH_VALUE.contains(&argv[at - 1].as_str());
    let mut words = (1..argv.len()).filter(|at| !is_value(*at)).map(|at| &argv[at]);
    match words.find(|word| !word.starts_with('-') || matches!(word.as_str(), "-c" | "-m")) {
        Some(option) if option == "-m" => words.next().cloned().unwrap_or(first),
        Some(script) if script != "-c" => base(script),
        _ => first,
    }
}

/// Which part of a run a child process plays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Its actor.
    pub actor: String,
    /// When the run began, by the monotonic clock that all processes share.
    pub epoch_ns: u64,
}

impl Request {
    /// The arguments that ask a child for this.
    #[must_use]
    pub fn to_args(&self) -> [String; 2] {
        // Strings, numbers and maps with string keys: JSON holds them all.
        [CHILD.to_owned(), serde_json::to_string(self).unwrap_or_default()]
    }

    /// The request in this process's arguments, if it was started as a child.
    #[must_use]
    pub fn from_args(
        args: impl IntoIterator<Item = String>,
    ) -> Option<Result<Request, serde_json::Error>> {
        let mut args = args.into_iter().skip(1);
        if args.next()? != CHILD {
            return None;
        }
        Some(serde_json::from_str(&args.next().unwrap_or_default()))
    }
}

/// A message on the control channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// Make one paused call, by its process (a PID) and its number in that process.
    Resume {
        /// The PID.
        process: u32,
        /// The call's number.
        call: u64,
    },
    /// Make all paused calls, and pause none any more.
    ResumeAll,
    /// Type this at the terminal of the traced program to which the process belongs.
    Type {
        /// The PID.
        process: u32,
        /// The text, with the newline if there is one.
        text: String,
    },
}

/// What arrives on this process's control channel, until it closes.
pub(super) fn orders() -> impl Iterator<Item = Order> {
    let lines = io::stdin().lines().map_while(Result::ok);
    lines.filter_map(|line| serde_json::from_str(&line).ok())
}

/// The parent's end of a control channel. Dropping it tells the child to stop.
#[derive(Debug)]
pub struct Control(ChildStdin);

impl Control {
    /// Gives an order. A child that has ended no longer needs it, so that is no error.
    pub fn give(&mut self, order: &Order) {
        let _ = serde_json::to_string(order).map(|line| writeln!(self.0, "{line}"));
    }
}

/// A child that was started.
#[derive(Debug)]
pub struct Started {
    /// The process.
    pub process: std::process::Child,
    /// Its command line.
    pub argv: Vec<String>,
    /// Its control channel.
    pub control: Control,
    /// Its recording, line by line.
    pub output: BufReader<ChildStdout>,
}

/// Starts a child for a run.
pub fn start(job: Job) -> io::Result<Started> {
    start_with(command(&Request::Run(job)))
}

/// Starts a child for a trace, whose programs get our standard streams: what they print goes where ours goes, or to standard error
/// where a recording takes our standard output.
#[cfg(unix)]
fn start_trace(job: TraceJob) -> io::Result<Started> {
    match job.prints_to_stderr {
        true => start_trace_with(job, io::stdin(), io::stderr(), Stdio::inherit()),
        false => start_trace_with(job, io::stdin(), io::stdout(), Stdio::inherit()),
    }
}

/// Starts a child for a trace, whose programs get these standard streams.
#[cfg(unix)]
pub fn start_trace_with(
    job: TraceJob,
    input: impl AsFd,
    output: impl AsFd,
    error: Stdio,
) -> io::Result<Started> {
    // The copies are inherited, for dup(2) does not set FD_CLOEXEC.
    let [input, output] = [nix::unistd::dup(input)?, nix::unistd::dup(output)?];
    let job = TraceJob { input: input.as_raw_fd(), output: output.as_raw_fd(), ..job };
    let mut command = command(&Request::Trace(job));
    command.stderr(error);
    start_with(command)
}

/// Other systems do not trace.
#[cfg(not(unix))]
fn start_trace(_: TraceJob) -> io::Result<Started> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Other systems do not trace.
#[cfg(not(unix))]
pub fn start_trace_with<I, O>(_: TraceJob, _: I, _: O, _: Stdio) -> io::Result<Started> {
    Err(io::ErrorKind::Unsupported.into())
}

fn start_with(mut command: Command) -> io::Result<Started> {
    let program = Path::new(command.get_program()).file_name().map(OsStr::to_os_string);
    let argv = program.iter().map(OsString::as_os_str).chain(command.get_args());
    let argv = argv.map(|word| word.to_string_lossy().into_owned()).collect();
    let mut process = command.stdin(Stdio::piped()).spawn()?;
    match (process.stdin.take(), process.stdout.take()) {
        (Some(input), Some(output)) => {
            Ok(Started { process, argv, control: Control(input), output: BufReader::new(output) })
        }
        _ => Err(io::Error::other("a child process without pipes")),
    }
}

fn command(request: &Request) -> Command {
    let mut command = Command::new(super::program());
    command.args(request.to_args()).stdout(Stdio::piped()).stderr(Stdio::null());
    command
}

/// Why there is no answer from a probe.
#[derive(Debug, Error)]
pub enum ProbeError {
    /// The process was not started.
    #[error("{0}")]
    Start(#[from] io::Error),
    /// It printed something else, or nothing.
    #[error("{0} ({1})")]
    Answer(serde_json::Error, ExitStatus),
}

/// Probes this machine in a process of its own: what is tried cannot be undone.
pub fn probe() -> Result<Probe, ProbeError> {
    let output = command(&Request::Probe).stdin(Stdio::null()).output()?;
    serde_json::from_slice(&output.stdout).map_err(|error| ProbeError::Answer(error, output.status))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(words: &[&str]) -> Option<Result<Request, serde_json::Error>> {
        Request::from_args(words.iter().map(|word| (*word).to_owned()))
    }

    #[test]
    fn a_request_comes_back_from_its_arguments() {
        let part = Part { actor: "server".to_owned(), epoch_ns: u64::MAX };
        let settings = BTreeMap::from([("port".to_owned(), "a=b \"c\" 你好".to_owned())]);
        let job = Job {
            name: "two-processes/server".to_owned(),
            settings,
            stepped: true,
            part: Some(part),
            lack: Some(Lack::KernelWasFirst),
        };
        let program =
            TracedProgram { argv: vec!["./server".to_owned()], ..TracedProgram::default() };
        let trace = TraceJob { programs: vec![program], ..TraceJob::default() };
        for request in [Request::Run(job), Request::Trace(trace), Request::Probe] {
            let [child, text] = request.to_args();
            let parsed = args(&["explore", &child, &text]).expect("a child").expect("well formed");
            assert_eq!(parsed, request);
        }
    }

    #[test]
    fn a_program_is_called_by_what_a_person_wrote() {
        for (line, name) in [
            ("python3 -u /home/li/server.py 4000", "server"),
            ("python3.11 client.py", "client"),
            ("./echo_server", "echo_server"),
            ("node app/chat.js", "chat"),
            ("python3 -c import", "python3"),
            ("python3 -m http.server 0", "http.server"),
            ("curl http://127.0.0.1:80/a.html", "curl"),
            ("python3", "python3"),
            ("java -cp classes Chat 4000", "Chat"),
            ("java -jar chat.jar", "chat"),
        ] {
            let argv: Vec<String> = line.split(' ').map(str::to_owned).collect();
            assert_eq!(program_name(&argv), name, "{line}");
        }
    }

    #[test]
    fn a_command_of_a_person_is_no_request_and_a_malformed_one_is_an_error() {
        assert!(args(&["explore"]).is_none() && args(&["explore", "list"]).is_none());
        for text in ["", "{}", "three-way-handshake"] {
            assert!(args(&["explore", CHILD, text]).expect("a child").is_err(), "{text}");
        }
    }
}
