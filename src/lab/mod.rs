//! The bench: what an experiment works with, and the instruments that watch it.
//!
//! An experiment is a function of a [`Lab`]. The lab opens sockets that record themselves, brings actors on stage,
//! checks claims and keeps a deadline. It knows nothing of lessons and draws nothing.
//!
//! [`perform`] runs one experiment in this process and streams its events; the process is then over. A process for each
//! experiment means that nothing can be left behind: no thread, no child, no private network.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::io::{self, Read};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

use socket2::{Domain, SockAddr, Type};
use thiserror::Error;

use crate::event::{ActorKind, Claim, Ending, Event, Name, Return, Verdict, What};
use crate::recording::{Header, write_line};
use crate::signals;

pub mod actor;
pub mod claim;
pub mod entry;
pub mod kernel;
pub mod parameter;
pub mod probe;
pub mod ready;
pub mod recorder;
pub mod sampler;
pub mod socket;
pub mod wire;

pub use actor::{Actor, ActorThread, Process, Stage};
pub use claim::{Proof, as_long, at_least, before, differ, equal, failed_with, is, lasted, less, no_sooner, succeeded};
pub use entry::Entry;
pub use kernel::TcpInfo;
pub use parameter::{Kind, Parameter};
pub use ready::{Epoll, Interest, Ready};
pub use recorder::Recorder;
pub use sampler::Sampler;
pub use socket::{Buffer, MSG_TRUNC, Socket, address};
pub use wire::Wire;

/// What an experiment answers.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why an experiment did not run to its end.
#[derive(Debug, Error)]
pub enum Error {
    /// This machine lacks what it needs. The claims it has not reached are not checked here.
    #[error("{0}")]
    Unavailable(String),
    /// A call failed that the experiment took for granted.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// Something else was not as it must be.
    #[error("{0}")]
    Unexpected(String),
    /// An actor panicked.
    #[error("panic: {0}")]
    Panic(String),
}

impl Error {
    /// The same error with who and what: the call that failed, on which address, at which line.
    fn at(self, lab: &Lab, actor: &Name) -> Error {
        let Error::Io(error) = &self else {
            return match self {
                Error::Panic(text) => Error::Panic(format!("{actor}: {text}")),
                other => other,
            };
        };
        let errno = kernel::error_name(error);
        let failed = |whose: Option<&Name>| {
            lab.recorder().look(|events| {
                events.iter().rev().find_map(|event| match &event.what {
                    What::Return(back) if back.outcome.to_string() == errno && whose.is_none_or(|whose| *whose == event.actor) => {
                        Some((event.actor.clone(), back.call.clone()))
                    }
                    _ => None,
                })
            })
        };
        let call = failed(Some(actor)).or_else(|| failed(None));
        let text = match call {
            Some((who, call)) => {
                let on = call.args.address("address").map_or_else(String::new, |address| format!(" {address}"));
                let at = call.source.as_ref().map_or_else(String::new, |source| format!(", at {source}"));
                format!("{who}: {}{on}: {error} [{errno}]{at}", call.function)
            }
            None => format!("{actor}: {error} [{errno}]"),
        };
        if kernel::is_shortage(error) { Error::Unavailable(format!("{text}; {}", remedy(&errno))) } else { Error::Unexpected(text) }
    }

    fn ending(&self) -> Ending {
        match self {
            Error::Unavailable(why) => Ending::Unavailable { why: why.clone() },
            other => Ending::Failed { why: other.to_string() },
        }
    }
}

/// What would help against a shortage, by its error.
#[must_use]
pub fn remedy(errno: &str) -> &'static str {
    match errno {
        "EMFILE" => "this process may open no more files: raise the limit with `ulimit -n 256`",
        "ENFILE" => "the whole system may open no more files: close some programs",
        "EAGAIN" => "this user may start no more processes and threads: raise the limit with `ulimit -u`",
        "ENETUNREACH" => "the loopback interface is down: `sudo ip link set lo up` raises it",
        _ => "the system is out of memory for sockets: close some programs",
    }
}

/// The bench of one run; cheap to clone, all clones are one.
#[derive(Clone, Debug)]
pub struct Lab {
    bench: Arc<Bench>,
}

#[derive(Debug)]
struct Bench {
    recorder: Arc<Recorder>,
    myself: Name,
    parameters: &'static [Parameter],
    settings: BTreeMap<String, String>,
    folder: Mutex<Option<PathBuf>>,
    children: actor::Children,
    watched: Mutex<Vec<sampler::Watched>>,
    defaults: Arc<socket::Defaults>,
    network: Network,
    wire: OnceLock<Wire>,
    /// True for [`perform`]: the process belongs to the run, and ends with it.
    owns_process: bool,
    ended: Mutex<bool>,
    over: Condvar,
}

/// In which network an experiment plays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Network {
    /// The machine's own.
    #[default]
    Host,
    /// One of its own, with `lo` alone in it.
    Private,
    /// One of its own, with `lo` and a wire whose frames the lab sees, and may lose ([`Lab::wire`]).
    Wire,
}

/// What a run is about: everything [`perform`] needs besides the function.
#[derive(Debug)]
pub struct Run {
    /// The experiment's name, or `experiment/part` for a child process.
    pub name: String,
    /// Who plays it, for a child process; `lab` for the run itself.
    pub actor: String,
    /// What can be set.
    pub parameters: &'static [Parameter],
    /// What is set.
    pub settings: BTreeMap<String, String>,
    /// Where it plays; a child process is already there, and says [`Network::Host`].
    pub network: Network,
    /// When the run began, for a child process: a reading of [`kernel::monotonic_ns`].
    pub epoch_ns: Option<u64>,
}

impl Lab {
    /// A lab that keeps its events in memory, in this process: for benches and tests of the instruments.
    #[must_use]
    pub fn in_memory() -> Lab {
        let run = Run {
            name: String::new(),
            actor: "lab".to_owned(),
            parameters: &[],
            settings: BTreeMap::new(),
            network: Network::Host,
            epoch_ns: None,
        };
        Lab::new(&run, false)
    }

    fn new(run: &Run, owns_process: bool) -> Lab {
        let epoch_ns = run.epoch_ns.unwrap_or_else(kernel::monotonic_ns);
        Lab {
            bench: Arc::new(Bench {
                recorder: Arc::new(Recorder::new(epoch_ns)),
                myself: Name::from(run.actor.as_str()),
                parameters: run.parameters,
                settings: run.settings.clone(),
                folder: Mutex::default(),
                children: actor::Children::default(),
                watched: Mutex::default(),
                defaults: Arc::default(),
                network: run.network,
                wire: OnceLock::new(),
                owns_process,
                ended: Mutex::new(false),
                over: Condvar::new(),
            }),
        }
    }

    /// The recorder of this run.
    #[must_use]
    pub fn recorder(&self) -> &Recorder {
        &self.bench.recorder
    }

    fn recorder_arc(&self) -> &Arc<Recorder> {
        &self.bench.recorder
    }

    fn children(&self) -> &actor::Children {
        &self.bench.children
    }

    fn defaults(&self) -> &Arc<socket::Defaults> {
        &self.bench.defaults
    }

    /// The sampler is to look at this thread too.
    fn watch_thread(&self, actor: &Name, process: u32, thread: u32) {
        let watched = sampler::Watched { actor: actor.clone(), process, thread };
        self.bench.watched.lock().unwrap_or_else(PoisonError::into_inner).push(watched);
    }

    /// The threads to look at that have come since the last time; `known` counts them.
    fn watched_since(&self, known: &mut usize) -> Vec<sampler::Watched> {
        let watched = self.bench.watched.lock().unwrap_or_else(PoisonError::into_inner);
        let new = watched.get(*known..).unwrap_or_default().to_vec();
        *known = watched.len();
        new
    }

    fn myself(&self) -> Name {
        actor::current().unwrap_or_else(|| self.bench.myself.clone())
    }

    // ---- who plays ----

    /// Brings on an actor that is played by the calling thread.
    #[must_use]
    pub fn actor(&self, name: &str) -> Actor {
        Actor::new(self, name, ActorKind::Role)
    }

    /// A scope in which actors have threads of their own; returns when all have left.
    ///
    /// # Errors
    /// The first error of the closure itself; an actor's error ends the run at once.
    pub fn scope<'env, T>(&'env self, play: impl for<'scope> FnOnce(&Stage<'scope, 'env>) -> Result<T>) -> Result<T> {
        thread::scope(|scope| {
            let played = catch_unwind(AssertUnwindSafe(|| play(&Stage::new(self, scope))));
            let answer = played.unwrap_or_else(|panic| Err(Error::Panic(actor::panic_text(panic.as_ref()))));
            if let Err(error) = answer {
                // Actors may be blocked for ever, waiting for what now never comes.
                let error = error.at(self, &self.bench.myself);
                self.fail_now(&error);
                return Err(error);
            }
            answer
        })
    }

    /// Starts a child process that plays a part of this experiment: this same program, with its own PID.
    ///
    /// # Errors
    /// What fork(2) and execve(2) answer.
    pub fn process(&self, name: &str, part: &str, settings: &[(&str, String)]) -> Result<Process> {
        Process::start(self, name, part, settings)
    }

    /// The actor that a child process plays.
    #[must_use]
    pub fn played(&self) -> Actor {
        Actor::new(self, &self.bench.myself, ActorKind::Process)
    }

    // ---- what is set ----

    /// The time span that a parameter is set to.
    ///
    /// # Errors
    /// [`Error::Unexpected`] if the experiment's table row has no such parameter.
    pub fn span(&self, name: &str) -> Result<Duration> {
        match parameter::value(self.bench.parameters, &self.bench.settings, name) {
            Some(parameter::Setting::Span(span)) => Ok(span),
            _ => Err(Error::Unexpected(format!("the experiment's table row lacks the time `{name}`"))),
        }
    }

    /// The number that a parameter is set to.
    ///
    /// # Errors
    /// [`Error::Unexpected`] if the experiment's table row has no such parameter.
    pub fn count(&self, name: &str) -> Result<usize> {
        match parameter::value(self.bench.parameters, &self.bench.settings, name) {
            Some(parameter::Setting::Number(number)) => usize::try_from(number).map_err(|error| Error::Unexpected(error.to_string())),
            _ => Err(Error::Unexpected(format!("the experiment's table row lacks the number `{name}`"))),
        }
    }

    /// What the parent process set for this part.
    ///
    /// # Errors
    /// [`Error::Unexpected`] if it did not.
    pub fn text(&self, name: &str) -> Result<&str> {
        self.bench.settings.get(name).map(String::as_str).ok_or_else(|| Error::Unexpected(format!("this part needs --set {name}=…")))
    }

    // ---- where ----

    /// 127.0.0.1 and this port; 0 lets the kernel choose one that is free (ip(7)).
    #[must_use]
    pub fn here(&self, port: u16) -> SockAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, port)).into()
    }

    /// ::1 and this port.
    #[must_use]
    pub fn here_v6(&self, port: u16) -> SockAddr {
        SocketAddr::from((Ipv6Addr::LOCALHOST, port)).into()
    }

    /// 10.9.0.1 and this port: the near end of the wire, where sockets are bound. 0 lets the kernel choose a port.
    #[must_use]
    pub fn near(&self, port: u16) -> SockAddr {
        SocketAddr::from((wire::NEAR, port)).into()
    }

    /// 10.9.0.2 and this port: the far end of the wire. What is sent there crosses the wire, and comes out at whoever has
    /// the port at the near end.
    #[must_use]
    pub fn far(&self, port: u16) -> SockAddr {
        SocketAddr::from((wire::FAR, port)).into()
    }

    /// The wire that the experiment plays on; its table row says `network: Network::Wire`.
    ///
    /// # Errors
    /// [`Error::Unexpected`] if the row does not. Where no wire can be had, the run ends as unavailable before it gets here.
    pub fn wire(&self) -> Result<&Wire> {
        let wire = self.bench.wire.get();
        wire.ok_or_else(|| Error::Unexpected("the experiment's table row does not say `network: Network::Wire`".to_owned()))
    }

    /// A path in a folder that this run alone has, and that goes when it ends.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the folder cannot be made.
    pub fn path(&self, name: &str) -> Result<PathBuf> {
        let mut folder = self.bench.folder.lock().unwrap_or_else(PoisonError::into_inner);
        if folder.is_none() {
            *folder = Some(new_folder()?);
        }
        Ok(folder.as_ref().map(|folder| folder.join(name)).unwrap_or_default())
    }

    /// The AF_UNIX address of a path in the run's own folder.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the folder cannot be made, or the path is longer than an AF_UNIX address may be (unix(7)).
    pub fn here_unix(&self, name: &str) -> Result<SockAddr> {
        let path = self.path(name)?;
        SockAddr::unix(&path).map_err(|error| {
            Error::Unavailable(format!(
                "{} is {} bytes long, too long for an AF_UNIX address ({error}; Linux takes 107): set TMPDIR to a shorter folder",
                path.display(),
                path.as_os_str().len()
            ))
        })
    }

    /// Makes sure that IPv6 can be had, and says why if it cannot.
    ///
    /// # Errors
    /// [`Error::Unavailable`] with the step that failed.
    pub fn need_ipv6(&self) -> Result<()> {
        let missing = |step: &str, error: &io::Error| {
            let errno = kernel::error_name(error);
            Error::Unavailable(format!(
                "IPv6 is switched off on this machine ({step}: {errno}); sysctl net.ipv6.conf.all.disable_ipv6=0 turns it on"
            ))
        };
        let probe = match Actor::instrument(self).socket(Domain::IPV6, Type::DGRAM, None) {
            Err(error) if kernel::is_family_missing(&error) => return Err(missing("socket(AF_INET6)", &error)),
            probe => probe?,
        };
        match probe.bind(&self.here_v6(0)) {
            Err(error) if kernel::is_family_missing(&error) => Err(missing("bind [::1]:0", &error)),
            answer => Ok(answer?),
        }
    }

    /// Whether nobody on this machine holds this address for sockets of this type: the instrument binds one there, and
    /// closes it. A port that the kernel chose for TCP may be a stranger's for UDP.
    ///
    /// # Errors
    /// What socket(2) answers, and what bind(2) answers besides `EADDRINUSE`.
    pub fn is_free(&self, kind: Type, at: &SockAddr) -> Result<bool> {
        match Actor::instrument(self).socket(at.domain(), kind, None)?.bind(at) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => Ok(false),
            answer => Ok(answer.map(|()| true)?),
        }
    }

    /// An address where nobody listens, and the socket that keeps it so: while that is open, nobody else can take the port.
    ///
    /// For TCP it is bound and does not listen; for UDP it is connected to itself, and so hears nobody else (udp(7)).
    ///
    /// # Errors
    /// [`Error::Io`]: what socket(2), bind(2) and connect(2) answer.
    pub fn nobody(&self, kind: Type) -> Result<(Socket, SockAddr)> {
        let keeper = Actor::instrument(self).socket(Domain::IPV4, kind, None)?;
        keeper.bind(&self.here(0))?;
        let address = keeper.local_addr()?;
        if kind == Type::DGRAM {
            keeper.connect(&address)?;
        }
        Ok((keeper, address))
    }

    /// Frames that `lo` of the run's private network has sent so far. In a shared network others would be counted too.
    ///
    /// # Errors
    /// [`Error::Unavailable`] without a private network or /proc.
    pub fn frames_on_lo(&self) -> Result<u64> {
        let frames = kernel::frames_sent("lo").filter(|_| self.bench.network != Network::Host);
        frames.ok_or_else(|| Error::Unavailable("frames can only be counted in a private network with /proc".to_owned()))
    }

    /// A whole number among the kernel's settings for the run's network, `net.ipv4.tcp_syn_retries`, and noted. `None` if
    /// this kernel has no such setting.
    #[must_use]
    pub fn sysctl(&self, name: &'static str) -> Option<u64> {
        let count = kernel::sysctl(name)?;
        self.tally(name, count, "sysctl");
        Some(count)
    }

    // ---- what is recorded ----

    /// Checks a claim: the name stands in the lesson with its sentence, the proof is what was seen.
    pub fn claim(&self, name: &'static str, proof: Proof) {
        let verdict = if proof.holds() { Verdict::Held } else { Verdict::Broken };
        let claim = Claim { claim: Cow::Borrowed(name), verdict, evidence: proof.evidence, why: None };
        self.recorder().push(&self.myself(), What::Claim(claim));
    }

    /// Says that a claim cannot be checked here, and why.
    pub fn not_checked(&self, name: &'static str, why: impl Into<String>) {
        let claim = Claim { claim: Cow::Borrowed(name), verdict: Verdict::NotChecked, evidence: Vec::new(), why: Some(why.into()) };
        self.recorder().push(&self.myself(), What::Claim(claim));
    }

    /// Begins a new part; views may give it a column or a heading.
    pub fn part(&self, part: &'static str) {
        self.recorder().push(&self.myself(), What::Part { part: Cow::Borrowed(part) });
    }

    /// Waits on purpose. For what takes time by its nature; to learn that something is ready, wait for that thing.
    pub fn wait(&self, asked: Duration, purpose: &'static str) {
        let asked_ns = u64::try_from(asked.as_nanos()).unwrap_or(u64::MAX);
        self.recorder().push(&self.myself(), What::Wait { asked_ns, purpose: Cow::Borrowed(purpose) });
        thread::sleep(asked);
    }

    /// Notes a measured time.
    pub fn measure(&self, series: &'static str, label: &'static str, value: Duration) {
        let value_ns = u64::try_from(value.as_nanos()).unwrap_or(u64::MAX);
        self.recorder().push(&self.myself(), What::Measure { series: Cow::Borrowed(series), label: Cow::Borrowed(label), value_ns });
    }

    /// Notes one point of a plot: a time, at this place along the bottom. `plot_time("time a message", "epoll", ("connections", 1000), took)`.
    pub fn plot_time(&self, plot: &'static str, series: &'static str, at: (&'static str, u64), value: Duration) {
        self.point(plot, series, at, u64::try_from(value.as_nanos()).unwrap_or(u64::MAX), "ns");
    }

    /// Notes one point of a plot: a number of bytes, at this place along the bottom.
    pub fn plot_bytes(&self, plot: &'static str, series: &'static str, at: (&'static str, u64), bytes: u64) {
        self.point(plot, series, at, bytes, "bytes");
    }

    fn point(&self, plot: &'static str, series: &'static str, (against, x): (&'static str, u64), y: u64, unit: &'static str) {
        let [plot, series, against, unit] = [plot, series, against, unit].map(Cow::Borrowed);
        self.recorder().push(&self.myself(), What::Point { plot, series, against, x, y, unit });
    }

    /// Notes a number, and where it comes from.
    pub fn tally(&self, label: &'static str, count: u64, source: &'static str) {
        self.recorder().push(&self.myself(), What::Count { label: Cow::Borrowed(label), count, source: Cow::Borrowed(source) });
    }

    /// The calls that an actor has made and that have returned, in order, the instrument's own left out.
    #[must_use]
    pub fn calls(&self, actor: &str) -> Vec<(Event, Return)> {
        self.recorder().look(|events| {
            let mine = events.iter().filter(|event| &*event.actor == actor);
            mine.filter_map(|event| match &event.what {
                What::Return(back) if !back.call.instrument => Some((event.clone(), back.clone())),
                _ => None,
            })
            .collect()
        })
    }

    /// The last call of this function that an actor made, and that has returned.
    ///
    /// # Errors
    /// [`Error::Unexpected`] if there is none.
    pub fn last_call(&self, actor: &str, function: &str) -> Result<Seen> {
        self.calls(actor)
            .into_iter()
            .rev()
            .find(|(_, back)| back.call.function == function)
            .map(|(event, back)| Seen { entered_ns: event.at_ns - back.took_ns.min(event.at_ns), returned_ns: event.at_ns, back })
            .ok_or_else(|| Error::Unexpected(format!("{actor} made no call of {function}()")))
    }

    // ---- what the process has ----

    /// The timeout that every socket made from now on gets, by socket() and by accept(): our setdefaulttimeout(). Sockets
    /// that are there keep what they have. `None`, the default of the default, is blocking mode.
    pub fn set_default_timeout(&self, timeout: Option<Duration>) {
        self.bench.defaults.set_timeout(timeout);
    }

    /// The default timeout, as it was last set.
    #[must_use]
    pub fn default_timeout(&self) -> Option<Duration> {
        self.bench.defaults.timeout()
    }

    /// Runs `play` without the instrument's own questions (where is this socket? in which TCP state?): of seven recorded
    /// calls a connection three remain. For thousands of connections.
    pub fn without_questions<T>(&self, play: impl FnOnce() -> T) -> T {
        let before = self.bench.defaults.set_questions(false);
        let answer = play();
        self.bench.defaults.set_questions(before);
        answer
    }

    /// Raises the soft limit of open descriptors to the hard one (`RLIMIT_NOFILE`, getrlimit(2)), records what was reached,
    /// and says what the limit was and what it is; `None` where the system has no such limit.
    pub fn raise_descriptor_limit(&self) -> Option<(u64, u64)> {
        let (before, after) = kernel::raise_descriptor_limit()?;
        self.tally("open descriptors allowed", after, "getrlimit(RLIMIT_NOFILE)");
        Some((before, after))
    }

    /// Processor time that the calling thread has used so far; `None` where it is not to be had.
    #[must_use]
    pub fn cpu_time(&self) -> Option<Duration> {
        kernel::cpu_time()
    }

    /// Bytes of this process's memory that are in RAM (`VmRSS`, proc_pid_status(5)), the recording so far among them. What the
    /// kernel itself holds for sockets and threads is not in it. `None` where it is not to be had.
    #[must_use]
    pub fn memory(&self) -> Option<u64> {
        kernel::memory(std::process::id())
    }

    // ---- how it ends ----

    /// The first to say how the run ended decides it; nothing is recorded after.
    fn end(&self, ending: Ending, blocked: Option<Vec<crate::event::Blocked>>) -> bool {
        let mut ended = self.bench.ended.lock().unwrap_or_else(PoisonError::into_inner);
        if *ended {
            return false;
        }
        *ended = true;
        if let Some(blocked) = blocked {
            let limit_ns = self.span("deadline").map_or(0, |limit| u64::try_from(limit.as_nanos()).unwrap_or(u64::MAX));
            self.recorder().push(&self.bench.myself, What::Deadline { limit_ns, blocked });
        }
        self.recorder().push(&self.bench.myself, What::End { ending });
        self.recorder().close();
        drop(ended);
        self.bench.over.notify_all();
        self.clear_away();
        true
    }

    /// Ends the run, and the process with it, from whichever thread notices that it must.
    fn end_now(&self, ending: Ending, blocked: Option<Vec<crate::event::Blocked>>) {
        if self.bench.owns_process && self.end(ending, blocked) {
            self.recorder().drain();
            std::process::exit(1);
        }
    }

    fn fail_now(&self, error: &Error) {
        self.end_now(error.ending(), None);
    }

    fn clear_away(&self) {
        actor::dismiss(&self.bench.children);
        if let Some(folder) = self.bench.folder.lock().unwrap_or_else(PoisonError::into_inner).take() {
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}

/// This program, to be run once more: by its path, or without /proc by the name it was called by.
#[must_use]
pub fn program() -> PathBuf {
    std::env::current_exe().unwrap_or_else(|_| std::env::args_os().next().map_or_else(|| PathBuf::from("explore"), PathBuf::from))
}

/// A call that was made, as the recorder saw it.
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
        Duration::from_nanos(self.back.took_ns)
    }
}

fn new_folder() -> Result<PathBuf> {
    let parent = std::env::temp_dir();
    let mut attempt = 0;
    loop {
        let folder = parent.join(format!("explore-{}-{attempt}", std::process::id()));
        match std::fs::create_dir(&folder) {
            Ok(()) => return Ok(folder),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && attempt < 1000 => attempt += 1,
            Err(error) => {
                let errno = kernel::error_name(&error);
                let text = format!("no folder can be made in {} ({errno}): set TMPDIR to a folder that you may write to", parent.display());
                return Err(Error::Unavailable(text));
            }
        }
    }
}

/// Runs one experiment, or one part of it, in this process: events go to standard output as JSON Lines; the end of
/// standard input, or the deadline, ends it. Call it before the process has started any thread.
pub fn perform(run: &Run, play: fn(&Lab) -> Result<()>) -> ExitCode {
    static LEASH: OnceLock<()> = OnceLock::new();
    std::panic::set_hook(Box::new(|_| {}));
    signals::block();
    let lab = Lab::new(run, true);
    let network = wire::enter(&lab, run.network);
    let _ = kernel::drop_capabilities();

    let header = run.epoch_ns.is_none().then(|| Header::now(kernel::name(), &run.name, run.settings.clone()));
    if header.is_some_and(|header| write_line(&mut io::stdout(), &header).is_err()) {
        return ExitCode::FAILURE; // nobody listens
    }
    let writing = lab.bench.recorder.clone();
    writing.expect_writer();
    thread::spawn(move || writing.write_to(&mut io::BufWriter::new(io::stdout())));
    if LEASH.set(()).is_ok() {
        let lab = lab.clone();
        thread::spawn(move || {
            let _ = io::stdin().lock().read_to_end(&mut Vec::new());
            lab.end_now(Ending::Interrupted, None);
        });
    }
    let interrupted = lab.clone();
    thread::spawn(move || {
        signals::wait();
        interrupted.end_now(Ending::Interrupted, None);
    });
    let watching = lab.clone();
    thread::spawn(move || watching.watch());

    let outcome = network.and_then(|tap| {
        if let Some(tap) = tap {
            let _ = lab.bench.wire.set(Wire::start(&lab, tap)?);
        }
        catch_unwind(AssertUnwindSafe(|| play(&lab))).unwrap_or_else(|panic| Err(Error::Panic(actor::panic_text(panic.as_ref()))))
    });
    if let Some(wire) = lab.bench.wire.get() {
        wire.settle_now();
        if let Some(unseen @ 1..) = kernel::frames_without_room(wire::INTERFACE) {
            lab.tally("frames that the wire's device had no room for", unseen, "/proc/net/dev");
        }
    }
    let ending = outcome.map_err(|error| error.at(&lab, &lab.bench.myself).ending()).map_or_else(|ending| ending, |()| Ending::Finished);
    lab.end(ending, None);
    lab.recorder().drain();
    ExitCode::SUCCESS
}

impl Lab {
    /// Waits for the run's end or its deadline, whichever comes first.
    fn watch(&self) {
        let limit = self.span("deadline").unwrap_or(Duration::from_secs(60));
        let ended = self.bench.ended.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.bench.over.wait_timeout_while(ended, limit, |ended| !*ended);
        let (ended, _) = waited.unwrap_or_else(PoisonError::into_inner);
        if !*ended {
            drop(ended);
            self.end_now(Ending::Deadline, Some(self.recorder().pending()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_can_take_the_port_where_nobody_listens() {
        let lab = Lab::in_memory();
        for kind in [Type::STREAM, Type::DGRAM] {
            let (_kept, address) = lab.nobody(kind).expect("a port");
            let thief = lab.actor("thief").socket(Domain::IPV4, kind, None).expect("a socket");
            assert!(failed_with("bind", &thief.bind(&address), "EADDRINUSE").holds());
        }
        assert_eq!(lab.calls("lab").len(), 0, "keeping the port is the instrument's doing");
    }
}
