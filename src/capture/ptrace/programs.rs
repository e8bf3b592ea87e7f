//! The programs of a trace: what they are called, when each is started, how they ended.

use std::ffi::CString;
use std::fs::File;
use std::io::{self, IsTerminal};
use std::net::Ipv4Addr;
use std::os::fd::{AsFd, BorrowedFd};

use super::descriptors::sockets_of;
use super::filter::{Extent, filter};
use super::terminals::Terminal;
use super::widening;
use crate::capture::child::{TracedProgram, program_name};
use crate::capture::link::Host;
use crate::capture::sys::error_name;
use crate::capture::sys::ptrace::{Launch, LaunchError, Launched, launch};
use crate::trace::{Ending, ExitStatus, Failure, Lack, Name, Need, SetupStep, TraceStep};

/// A process that is about to end too is not taken to run on: it has this time, in nanoseconds.
const SOON_NS: u64 = 300_000_000;

/// A program's standard streams that others do not get.
#[derive(Debug)]
pub struct Streams {
    pub input: File,
    pub output: File,
    /// Each program gets a terminal of its own instead of these, and of standard error if that is a terminal.
    pub own_terminals: bool,
}

/// The programs, in the order of the command line.
#[derive(Debug)]
pub struct Programs {
    all: Vec<Program>,
    streams: Streams,
    /// The network of each, in that order, if they have networks of their own.
    hosts: Vec<Host>,
    /// No more are started: somebody has interrupted those that run.
    are_interrupted: bool,
}

#[derive(Debug)]
struct Program {
    name: String,
    is_named: bool,
    argv: Vec<String>,
    /// The file that is its standard input.
    input: Option<String>,
    terminal: Option<Terminal>,
    launched: Option<Launched>,
    status: Option<ExitStatus>,
    /// When its first process ended, until it has been told which of its others run on.
    ended_ns: Option<u64>,
}

impl Programs {
    pub fn new(all: Vec<TracedProgram>, streams: Streams, hosts: Vec<Host>) -> Programs {
        let program = |TracedProgram { name, is_named, argv, input }| Program {
            name,
            is_named,
            argv,
            input,
            terminal: None,
            launched: None,
            status: None,
            ended_ns: None,
        };
        let all = all.into_iter().map(program).collect();
        Programs { all, streams, hosts, are_interrupted: false }
    }

    /// The one to be started next.
    pub fn next(&self) -> Option<usize> {
        let is_waiting = |program: &Program| program.launched.is_none() && !self.are_interrupted;
        self.all.iter().position(is_waiting)
    }

    /// Whoever presses Ctrl-C before all have been started wants none of the others.
    pub fn start_no_more(&mut self) {
        self.are_interrupted = true;
    }

    /// The names of those that have not been started.
    pub fn not_started(&self) -> impl Iterator<Item = &str> {
        let waiting = self.all.iter().filter(|program| program.launched.is_none());
        waiting.map(|program| program.name.as_str())
    }

    /// What it is called.
    pub fn name(&self, index: usize) -> &str {
        &self.all[index].name
    }

    /// The one of this name.
    pub fn index_of(&self, name: &str) -> Option<usize> {
        self.all.iter().position(|program| program.name == name)
    }

    /// True if this command line runs the same file as the program's own.
    pub fn is_run_by(&self, index: usize, argv: &[String]) -> bool {
        !argv.is_empty() && program_name(argv) == program_name(&self.all[index].argv)
    }

    /// The address of its network, if it has one of its own.
    pub fn address(&self, index: usize) -> Option<Ipv4Addr> {
        self.hosts.get(index).map(|host| host.address)
    }

    /// Frames that their devices had no room for.
    pub fn frames_without_room(&self) -> u64 {
        self.hosts.iter().filter_map(Host::frames_without_room).sum()
    }

    /// Their own terminals, each with the program's name.
    pub fn terminals(&mut self) -> impl Iterator<Item = (&str, &mut Terminal)> {
        let all = self.all.iter_mut();
        all.filter_map(|program| Some((program.name.as_str(), program.terminal.as_mut()?)))
    }

    /// The name of this one, and its terminal, if it has one of its own.
    pub fn terminal(&self, index: usize) -> Option<(&str, &Terminal)> {
        let Program { name, terminal, .. } = &self.all[index];
        Some((name, terminal.as_ref()?))
    }

    /// Starts this one, and returns its process. It is born in the network that the calling thread is in.
    pub fn start(&mut self, index: usize) -> Result<u32, Ending> {
        if let Some(host) = self.hosts.get(index) {
            host.enter().map_err(|error| {
                let (need, step) = (Need::Link, SetupStep::OpenNetwork);
                let errno = error_name(&error);
                Ending::Unavailable { why: Lack::Network { need, step, errno } }
            })?;
        }
        let program = &mut self.all[index];
        let name = || Name::from(program.name.as_str());
        let input = match &program.input {
            None => None,
            Some(path) => Some(File::open(path).map_err(|error| {
                let (name, path, errno) = (name(), path.clone(), error_name(&error));
                Ending::Failed { why: Failure::Input { name, path, errno } }
            })?),
        };
        // A zero byte ends a string for the kernel.
        let argv: Result<Vec<CString>, _> =
            program.argv.iter().map(|word| CString::new(word.as_str())).collect();
        let argv = argv.map_err(|_| program.ending(&io::ErrorKind::InvalidInput.into()))?;
        let (streams, stderr) = (&self.streams, io::stderr());
        if streams.own_terminals {
            let terminal =
                Terminal::like(&streams.output).map_err(|error| Ending::Unavailable {
                    why: Lack::Tracing { step: TraceStep::Terminal, errno: error_name(&error) },
                })?;
            program.terminal = Some(terminal);
        }
        let mut standard = [streams.input.as_fd(), streams.output.as_fd(), stderr.as_fd()];
        if let Some(terminal) = &program.terminal {
            let error = if stderr.is_terminal() { terminal.inside() } else { stderr.as_fd() };
            standard = [terminal.inside(), terminal.inside(), error];
        }
        if let Some(input) = &input {
            standard[0] = input.as_fd();
        }
        let extent = match widening::is_possible() && !inherits_socket(standard) {
            true => Extent::UntilSocket,
            false => Extent::All,
        };
        let launched = launch(&Launch { argv: &argv, filter: &filter(extent), standard })
            .map_err(|error| program.failed(&error))?;
        let process = launched.process;
        program.launched = Some(launched);
        Ok(process)
    }

    /// Gives the programs' terminals the size that ours has now. Their processes are told as a terminal tells those in its foreground
    /// (tty_ioctl(4)), which they are not: it does not control them.
    pub fn resize_terminals(&mut self) {
        for program in &mut self.all {
            if let (Some(terminal), Some(launched)) = (&mut program.terminal, &program.launched)
                && program.status.is_none()
                && terminal.resize_like(&self.streams.output)
            {
                let process = nix::unistd::Pid::from_raw(launched.process.cast_signed());
                // It may have ended just now.
                let _ = nix::sys::signal::kill(process, nix::sys::signal::Signal::SIGWINCH);
            }
        }
    }

    /// True if this is the first process of that program, to which somebody has given a name.
    pub fn is_named(&self, index: usize, process: u32) -> bool {
        let program = &self.all[index];
        program.is_named && program.launched.as_ref().is_some_and(|it| it.process == process)
    }

    /// True if this is the first process of one of them.
    pub fn is_first(&self, process: u32) -> bool {
        let is_its = |it: &Program| it.launched.as_ref().is_some_and(|it| it.process == process);
        self.all.iter().any(is_its)
    }

    /// The program whose first process this is.
    fn of(&mut self, process: u32) -> Option<&mut Program> {
        self.all
            .iter_mut()
            .find(|program| program.launched.as_ref().is_some_and(|it| it.process == process))
    }

    /// A process has ended. Tells why its program could not run, if it could not.
    pub fn ended(&mut self, process: u32, status: ExitStatus, at_ns: u64) -> Option<Ending> {
        let program = self.of(process)?;
        (program.status, program.ended_ns) = (Some(status), Some(at_ns));
        let error = program.launched.as_ref()?.failure()?;
        Some(program.failed(&error))
    }

    /// The programs whose first process has ended a while ago, each once.
    pub fn just_ended(&mut self, now_ns: u64) -> Vec<usize> {
        let is_due = |program: &Program| program.ended_ns.is_some_and(|at| at + SOON_NS <= now_ns);
        let due: Vec<usize> = (0..self.all.len()).filter(|it| is_due(&self.all[*it])).collect();
        due.iter().for_each(|index| self.all[*index].ended_ns = None);
        due
    }

    /// The exit code for all: the worst of theirs, where a signal counts as 128 and its number.
    pub fn worst(&self) -> u8 {
        let code = |program: &Program| match program.status.as_ref()? {
            ExitStatus::Code(code) => u8::try_from(*code).ok(),
            ExitStatus::Signal(name) => {
                let signal: nix::sys::signal::Signal = name.parse().ok()?;
                u8::try_from(128 + signal as i32).ok()
            }
        };
        self.all.iter().filter_map(code).max().unwrap_or(0)
    }
}

impl Program {
    fn failed(&self, LaunchError { step, error }: &LaunchError) -> Ending {
        if *step == TraceStep::Exec {
            return self.ending(error);
        }
        let errno = error_name(error);
        Ending::Unavailable { why: Lack::Tracing { step: *step, errno } }
    }

    /// It cannot be run.
    fn ending(&self, error: &io::Error) -> Ending {
        let file = self.argv.first().cloned().unwrap_or_default();
        let (name, errno) = (Name::from(self.name.as_str()), error_name(error));
        Ending::Failed { why: Failure::Program { name, file, errno } }
    }
}

/// True if a program that gets these standard streams has a socket from its start on: one of them, or one that was left open for us.
fn inherits_socket(standard: [BorrowedFd; 3]) -> bool {
    let is_socket = |fd: &BorrowedFd| socket2::SockRef::from(fd).r#type().is_ok();
    let is_left = |fd: i64| {
        // SAFETY: asks for a flag, and touches nothing.
        let flags = unsafe { libc::fcntl(fd as i32, libc::F_GETFD) };
        flags >= 0 && flags & libc::FD_CLOEXEC == 0
    };
    standard.iter().any(is_socket)
        || sockets_of(std::process::id()).into_iter().any(|(fd, _)| is_left(fd))
}
