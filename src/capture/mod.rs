//! [`Lab`]: the context in which an experiment runs, and the instruments that record what it does.
//!
//! An experiment is a function that takes a [`Lab`]. The lab opens sockets that record every call, starts actors, checks
//! claims and enforces a deadline. It does not depend on lessons or views.
//!
//! [`perform`] runs one experiment in this process and streams its events; then the process exits. Because every experiment
//! has its own process, no thread, child or private network outlives it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

use thiserror::Error;

use crate::trace::{ActorKind, Event, EventKind, Failure, LAB, Name, Return, SyscallKind};

pub mod actor;
pub mod breakpoints;
pub mod child;
pub mod claim;
mod error;
pub mod join;
pub mod link;
mod notes;
pub mod parameter;
mod place;
pub mod probe;
mod process;
mod program;
// Registers are read by name: of these processors.
#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
pub mod ptrace;
pub mod recorder;
mod run;
pub mod sampler;
pub mod sockets;
pub mod sys;
pub(crate) mod systems;
pub mod tcp_table;

pub use crate::errno::here as errno_here;
pub use actor::{Actor, ActorThread, Stage};
pub use breakpoints::Breakpoints;
pub use claim::{
    Measured, Proof, TIMED_OUT, at_least, at_least_duration, before, eq, eq_between, eq_duration,
    failed_with, in_ticks, less, ne_between, ok, succeeded, waited_at_least, yes_or_no,
};
pub use error::{Error, Result};
pub use link::Wire;
pub use parameter::{Kind, Parameter};
pub use process::Process;
pub use program::{MOST_EVENTS, PATIENCE, Program, TO_START, source_line};
pub use recorder::{Keep, Recorder};
pub use run::{Run, perform};
pub use sampler::Sampler;
pub use sockets::{Epoll, Interest, MSG_NOSIGNAL, MSG_TRUNC, Ready, Socket, address};
#[cfg(unix)]
pub use sockets::{MSG_DONTWAIT, PEEK_NOW};
pub use sys::TcpInfo;
pub use tcp_table::TcpTableEntry;

/// The context of one run. Clones are cheap and share the same state.
#[derive(Clone, Debug)]
pub struct Lab {
    inner: Arc<LabInner>,
}

#[derive(Debug)]
struct LabInner {
    recorder: Arc<Recorder>,
    myself: Name,
    experiment: String,
    parameters: &'static [Parameter],
    settings: BTreeMap<String, String>,
    folder: Mutex<Option<PathBuf>>,
    children: process::Children,
    watched: Mutex<Vec<sampler::Watched>>,
    defaults: Arc<sockets::Defaults>,
    network: Network,
    wire: OnceLock<Wire>,
    /// True for [`perform`]: the process belongs to the run, and ends with it.
    owns_process: bool,
    /// True in a child process that plays one part of the experiment.
    is_part: bool,
    ended: Mutex<bool>,
    over: Condvar,
}

/// The network in which an experiment runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Network {
    /// The machine's own.
    #[default]
    Host,
    /// A private one that has only `lo`.
    Private,
    /// A private one with `lo` and a link whose frames the lab sees and can drop ([`Lab::wire`]).
    Wire,
}

impl Lab {
    /// A lab in this process that keeps its events in memory: for benchmarks and tests of the instruments.
    #[must_use]
    pub fn in_memory() -> Lab {
        Lab::new(&Run::default(), LAB, false, Keep::All)
    }

    /// A lab in this process for a program that is not an experiment, such as the chat. `name` is the actor of its main
    /// thread, `keep` says which events stay in memory. A lab that keeps nothing does not query the kernel by itself either.
    #[must_use]
    pub fn at_work(name: &str, keep: Keep) -> Lab {
        let lab = Lab::new(&Run::default(), name, false, keep);
        lab.inner.defaults.set_questions(keep != Keep::Nothing);
        lab
    }

    fn new(run: &Run, actor: &str, owns_process: bool, keep: Keep) -> Lab {
        let Run { job, parameters, network, .. } = run;
        let epoch_ns = job.part.as_ref().map_or_else(sys::monotonic_ns, |part| part.epoch_ns);
        let mut recorder = Recorder::with_keep(keep, epoch_ns);
        if job.stepped {
            recorder.hold_calls();
        }
        Lab {
            inner: Arc::new(LabInner {
                recorder: Arc::new(recorder),
                myself: Name::from(actor),
                experiment: job.name.clone(),
                parameters,
                settings: job.settings.clone(),
                folder: Mutex::default(),
                children: process::Children::default(),
                watched: Mutex::default(),
                defaults: Arc::default(),
                network: *network,
                wire: OnceLock::new(),
                owns_process,
                is_part: job.part.is_some(),
                ended: Mutex::new(false),
                over: Condvar::new(),
            }),
        }
    }

    /// The recorder of this run.
    #[must_use]
    pub fn recorder(&self) -> &Recorder {
        &self.inner.recorder
    }

    fn recorder_arc(&self) -> &Arc<Recorder> {
        &self.inner.recorder
    }

    fn experiment(&self) -> &str {
        &self.inner.experiment
    }

    fn children(&self) -> &process::Children {
        &self.inner.children
    }

    fn defaults(&self) -> &Arc<sockets::Defaults> {
        &self.inner.defaults
    }

    /// Adds a thread for the sampler to watch.
    fn watch_thread(&self, actor: &Name, process: u32, thread: u32) {
        let watched = sampler::Watched { actor: actor.clone(), process, thread };
        self.inner.watched.lock().unwrap_or_else(PoisonError::into_inner).push(watched);
    }

    /// The watched threads that were added since the last call; `known` counts those already returned.
    fn watched_since(&self, known: &mut usize) -> Vec<sampler::Watched> {
        let watched = self.inner.watched.lock().unwrap_or_else(PoisonError::into_inner);
        let new = watched.get(*known..).unwrap_or_default().to_vec();
        *known = watched.len();
        new
    }

    fn myself(&self) -> Name {
        actor::current().unwrap_or_else(|| self.inner.myself.clone())
    }

    // ---- actors ----

    /// An actor that the calling thread plays.
    #[must_use]
    pub fn actor(&self, name: &str) -> Actor {
        Actor::new(self, name, ActorKind::Role)
    }

    /// A scope in which actors have threads of their own; returns when all those threads have ended.
    pub fn scope<'env, T>(
        &'env self,
        play: impl for<'scope> FnOnce(&Stage<'scope, 'env>) -> Result<T>,
    ) -> Result<T> {
        thread::scope(|scope| {
            let played = catch_unwind(AssertUnwindSafe(|| play(&Stage::new(self, scope))));
            let answer = played.unwrap_or_else(|panic| Err(actor::panicked(panic.as_ref())));
            if let Err(error) = answer {
                // Other actors may be blocked, waiting for something that will no longer happen.
                let error = error.at(self, &self.inner.myself);
                self.fail_now(&error);
                return Err(error);
            }
            answer
        })
    }

    /// Starts a child process that plays a part of this experiment: this same program, with its own PID.
    pub fn process(&self, name: &str, part: &str, settings: &[(&str, String)]) -> Result<Process> {
        Process::start(self, name, part, settings)
    }

    /// The actor that a child process plays.
    #[must_use]
    pub fn played(&self) -> Actor {
        Actor::new(self, &self.inner.myself, ActorKind::Process)
    }

    // ---- parameters ----

    /// The time span that a parameter is set to.
    pub fn span(&self, name: &str) -> Result<Duration> {
        match parameter::value(self.inner.parameters, &self.inner.settings, name) {
            Some(parameter::Setting::Span(span)) => Ok(span),
            _ => Err(no_parameter(name)),
        }
    }

    /// The number that a parameter is set to.
    pub fn count(&self, name: &str) -> Result<usize> {
        match parameter::value(self.inner.parameters, &self.inner.settings, name) {
            Some(parameter::Setting::Number(number)) => {
                usize::try_from(number).map_err(|_| no_parameter(name))
            }
            _ => Err(no_parameter(name)),
        }
    }

    /// A setting that the parent process passed to this part.
    pub fn text(&self, name: &str) -> Result<&str> {
        self.inner.settings.get(name).map(String::as_str).ok_or_else(|| no_parameter(name))
    }

    // ---- calls so far ----

    /// The calls of an actor that have returned, in order, without the instrument's own.
    #[must_use]
    pub fn calls(&self, actor: &str) -> Vec<(Event, Return)> {
        self.recorder().look(|events| {
            let mine = events.iter().filter(|event| &*event.actor == actor);
            mine.filter_map(|event| match &event.what {
                EventKind::Return(back) if !back.call.is_instrument() => {
                    Some((event.clone(), back.clone()))
                }
                _ => None,
            })
            .collect()
        })
    }

    /// The last call of this kind that an actor made and that has returned.
    pub fn last_call(&self, actor: &str, kind: SyscallKind) -> Result<Seen> {
        self.calls(actor)
            .into_iter()
            .rev()
            .find(|(_, back)| back.call.kind() == kind)
            .map(|(event, back)| Seen {
                entered_ns: event.at_ns - back.took_ns.min(event.at_ns),
                returned_ns: event.at_ns,
                back,
            })
            .ok_or_else(|| {
                let (actor, function) = (Name::from(actor), Cow::Owned(kind.to_string()));
                Failure::TooFewCalls { actor, function, least: 1 }.into()
            })
    }

    // ---- the process ----

    /// Sets the timeout of every socket that socket() and accept() return from now on, as Python's setdefaulttimeout() does.
    /// Existing sockets keep theirs. `None`, the initial value, means blocking mode.
    pub fn set_default_timeout(&self, timeout: Option<Duration>) {
        self.inner.defaults.set_timeout(timeout);
    }

    /// The default timeout that was set last.
    #[must_use]
    pub fn default_timeout(&self) -> Option<Duration> {
        self.inner.defaults.timeout()
    }

    /// Runs `play` without the instrument's own queries (addresses, TCP state), so that three calls are recorded for a
    /// connection instead of seven. For experiments with thousands of connections.
    pub fn without_questions<T>(&self, play: impl FnOnce() -> T) -> T {
        let before = self.inner.defaults.set_questions(false);
        let answer = play();
        self.inner.defaults.set_questions(before);
        answer
    }

    /// Runs `play` on a single processor, the calling thread and those it starts meanwhile. While one of these threads looks
    /// at another, the other cannot be running, because the first occupies the processor.
    pub fn on_one_processor<T>(&self, play: impl FnOnce() -> Result<T>) -> Result<T> {
        let _pinned = sys::pin_to_one_processor()?;
        play()
    }

    /// Raises the soft limit of open descriptors to the hard one (`RLIMIT_NOFILE`, getrlimit(2)) and records the new limit.
    /// Returns the limit before and after; `None` where the system has no such limit.
    pub fn raise_descriptor_limit(&self) -> Option<(u64, u64)> {
        let (before, after) = sys::raise_descriptor_limit()?;
        self.tally("open descriptors allowed", after, "getrlimit(RLIMIT_NOFILE)");
        Some((before, after))
    }

    /// Allows this process no descriptor but those below this number (`RLIMIT_NOFILE`, setrlimit(2)). Those that are open stay open.
    pub fn limit_descriptors(&self, limit: u64) -> Result<()> {
        Ok(sys::limit_descriptors(limit)?)
    }

    /// Lets SIGPIPE end this process, as the system does with every program that does not ignore it. Rust ignores it from the
    /// start.
    pub fn default_sigpipe(&self) -> Result<()> {
        self.recorder().write_calls_first(); // one of them may be the last
        Ok(sys::default_sigpipe()?)
    }

    /// Processor time that the calling thread has used so far; `None` where the system does not report it.
    #[must_use]
    pub fn cpu_time(&self) -> Option<Duration> {
        sys::cpu_time()
    }

    /// Bytes of this process's memory that are in RAM (`VmRSS`, proc_pid_status(5)), including the recording so far but not
    /// the kernel's own memory for sockets and threads. `None` where the system does not report it.
    #[must_use]
    pub fn memory(&self) -> Option<u64> {
        sys::memory(std::process::id())
    }
}

/// The path of this program, to start it again; without /proc, the name it was started by.
#[must_use]
fn program() -> PathBuf {
    std::env::current_exe().unwrap_or_else(|_| {
        std::env::args_os().next().map_or_else(|| PathBuf::from("explore"), PathBuf::from)
    })
}

fn no_parameter(name: &str) -> Error {
    Failure::Parameter { name: Cow::Owned(name.to_owned()) }.into()
}

/// A call that has returned, with its times.
#[derive(Clone, Debug)]
pub struct Seen {
    /// When it was entered, in nanoseconds since the run began.
    pub entered_ns: u64,
    /// When it returned.
    pub returned_ns: u64,
    /// The call and its outcome.
    pub back: Return,
}

impl Seen {
    /// How long it took.
    #[must_use]
    pub fn took(&self) -> Duration {
        self.back.took()
    }

    /// How long it took, where the kernel counts that in ticks.
    #[must_use]
    pub fn took_in_ticks(&self) -> Measured {
        in_ticks(&self.back, self.took())
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn one_processor_and_then_all_again() {
        let lab = Lab::in_memory();
        let allowed = || {
            let all =
                nix::sched::sched_getaffinity(nix::unistd::Pid::from_raw(0)).expect("Linux tells");
            (0..nix::sched::CpuSet::count())
                .filter(|which| all.is_set(*which).unwrap_or(false))
                .count()
        };
        let before = allowed();
        let of_both = lab.on_one_processor(|| {
            lab.scope(|stage| Ok((allowed(), stage.actor("other", |_| Ok(allowed()))?.finish()?)))
        });
        assert_eq!(of_both.expect("no error"), (1, 1), "a thread that it starts is kept there too");
        assert_eq!(allowed(), before);
    }
}
