//! The experiments. An experiment is plain Rust on instrumented sockets, written to be read by learners: its own source is
//! what a lesson shows as code. It is declared by [`experiment!`] directly above its function.
//!
//! It knows the lab, and the chat that the last two lessons run. Its claims have names; their sentences stand in `lessons/`.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;
use std::sync::LazyLock;

use include_dir::{Dir, include_dir};
use linkme::distributed_slice;

use crate::capture::child::{Job, Request};
use crate::capture::parameter::{self, SetError};
use crate::capture::{self, Lab, Network, Parameter, Result, Run, probe, source_line};
use crate::trace::recording::LookUp;
use crate::trace::{Feature, Site};

mod c01_address_in_use;
mod c02_connection_refused;
mod c03_connection_reset;
mod c04_broken_pipe;
mod c05_part_of_a_message;
mod c06_recv_returns_empty;
mod c07_connect_hangs;
mod c08_only_on_localhost;
mod c09_peer_vanished;
mod c10_close_in_another_thread;
mod c13_forty_milliseconds;
mod c14_udp_lost;
mod c15_too_many_open_files;
mod c16_inherited_port;
mod c17_close_wait;
mod c18_cannot_assign_address;
mod c20_no_route;
mod c21_backlog_full;
mod c22_reuseaddr_reuseport;
mod c23_not_connected;
mod c24_message_too_long;
mod c26_two_addresses;
mod c27_both_hang_in_send;
mod c28_bytes_and_byte_order;
mod c29_select_fd_setsize;
mod c30_interrupted;
mod c31_select_and_buffering;
mod c32_linger_zero;
mod c33_permission_denied_port;
mod c34_udp_refused;
mod c35_wrong_descriptor;
mod c36_connects_to_itself;
mod c37_sends_mixed;
mod c38_unix_socket_missing;
mod kit;
mod l01_socket;
mod l02_layers;
mod l03_families;
mod l04_tcp_udp;
mod l04_tcp_udp_wire;
mod l05_process;
mod l06_endings;
mod l06_handshake;
mod l07_nobody_there;
mod l07_requests;
mod l07_timeouts;
mod l08_blocking;
mod l09_echo;
mod l09_many_connections;
mod l09_nonblocking;
mod l09_readiness;
mod l10_timeout_mode;
mod l11_turns;
mod l12_chat;
mod l12_mended;
mod l12_one_socket;
mod listing;

pub use listing::{Listing, Part};

/// An experiment, as [`experiment!`] declares it.
#[derive(Debug)]
pub struct Experiment {
    /// Its name, as lessons and the command line have it: the function's name with hyphens.
    pub name: &'static str,
    /// What it does.
    pub play: fn(&Lab) -> Result<()>,
    /// What can be set with `--set`, besides the deadline.
    pub parameters: &'static [Parameter],
    /// Where it plays.
    pub network: Network,
    /// What else it needs of the machine, for all of its claims to be checked.
    pub needs: &'static [Need],
    /// Whether each call can be held before it is made.
    pub stepping: Stepping,
    /// The source file that it stands in, from the project's root.
    pub file: &'static str,
    /// The line of its declaration.
    pub line: u32,
}

/// Declares the function below it as an experiment:
///
/// `experiment!(three_way_handshake, network = Network::Wire, parameters = &[RTT]);`
///
/// It plays on the host's own network, needs nothing else, has no parameters and can be stepped, unless the declaration says otherwise.
macro_rules! experiment {
    ($($declaration:tt)*) => {
        $crate::experiments::declare!(DECLARED, $($declaration)*);
    };
}

/// Declares the function below it as the judge of an exercise: an experiment with the learner's program in it.
macro_rules! judge {
    ($($declaration:tt)*) => {
        $crate::experiments::declare!(JUDGES, $($declaration)*);
    };
}

/// Puts an experiment into this list.
macro_rules! declare {
    ($list:ident, $function:ident $(, $field:ident = $value:expr)* $(,)?) => {
        const _: () = {
            #[::linkme::distributed_slice($crate::experiments::$list)]
            static DECLARED: $crate::experiments::Experiment = $crate::experiments::Experiment {
                $($field: $value,)*
                ..$crate::experiments::Experiment::new(
                    $crate::experiments::hyphenated!($function),
                    $function,
                    $crate::trace::from_root(file!()),
                    line!(),
                )
            };
        };
    };
}

/// Declares the function below it as what a child process of an experiment does; [`Lab::process`] takes its name, with
/// hyphens.
macro_rules! child_process {
    ($function:ident) => {
        const _: () = {
            #[::linkme::distributed_slice($crate::experiments::CHILD_PROCESSES)]
            static DECLARED: $crate::experiments::ChildProcess =
                $crate::experiments::ChildProcess {
                    name: $crate::experiments::hyphenated!($function),
                    play: $function,
                };
        };
    };
}

/// The name of a function with hyphens for underscores.
macro_rules! hyphenated {
    ($function:ident) => {{
        const BYTES: [u8; stringify!($function).len()] =
            $crate::experiments::with_hyphens(stringify!($function));
        match ::std::str::from_utf8(&BYTES) {
            Ok(name) => name,
            Err(_) => unreachable!(),
        }
    }};
}

use {child_process, experiment};
pub(crate) use {declare, hyphenated, judge};

pub(crate) const fn with_hyphens<const LENGTH: usize>(name: &str) -> [u8; LENGTH] {
    let mut bytes = [0; LENGTH];
    let mut at = 0;
    while at < LENGTH {
        let byte = name.as_bytes()[at];
        bytes[at] = if byte == b'_' { b'-' } else { byte };
        at += 1;
    }
    bytes
}

/// The experiments, in the order in which the linker found them.
#[distributed_slice]
static DECLARED: [Experiment];

/// The judges of exercises.
#[distributed_slice]
pub(crate) static JUDGES: [Experiment];

#[distributed_slice]
static CHILD_PROCESSES: [ChildProcess];

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
    /// A program in it reads the channel by which the calls of an experiment's process are held and let go.
    SharedChannel,
    /// It makes more calls than anybody wants to see one by one.
    Many,
}

/// What an experiment needs of a machine besides its network: without it, some of its claims cannot be checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// IPv6, with ::1.
    Ipv6,
    /// A folder for files, and for sockets that have a path.
    Folder,
    /// What /proc tells of threads, of TCP sockets and of settings.
    Proc,
    /// What not every system has.
    Has(Feature),
}

/// What a child process of an experiment does.
#[derive(Debug)]
struct ChildProcess {
    name: &'static str,
    play: fn(&Lab) -> Result<()>,
}

/// All experiments, ordered by file and line.
pub fn all() -> impl Iterator<Item = &'static Experiment> {
    static SORTED: LazyLock<Vec<&Experiment>> = LazyLock::new(|| {
        let mut all: Vec<_> = DECLARED.iter().collect();
        all.sort_by_key(|experiment| (experiment.file, experiment.line));
        all
    });
    SORTED.iter().copied()
}

/// The experiment of that name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Experiment> {
    DECLARED.iter().find(|experiment| experiment.name == name)
}

/// The judge of that name.
#[must_use]
pub fn find_judge(name: &str) -> Option<&'static Experiment> {
    JUDGES.iter().find(|judge| judge.name == name)
}

/// The folders that an experiment's calls can come from, so that what is shown is what ran.
static SOURCES: [(&str, Dir<'_>); 3] = [
    ("src/experiments", include_dir!("$CARGO_MANIFEST_DIR/src/experiments")),
    ("src/exercises", include_dir!("$CARGO_MANIFEST_DIR/src/exercises")),
    ("src/chat", include_dir!("$CARGO_MANIFEST_DIR/src/chat")),
];

/// The text of this source file (by its path from the project's root), if an experiment's calls can come from it.
#[must_use]
pub fn text_of(path: &str) -> Option<&'static str> {
    // A path has the separators of the system that the program was compiled on.
    let path = path.replace('\\', "/");
    SOURCES.iter().find_map(|(folder, dir)| {
        let inside = Path::new(&path).strip_prefix(folder).ok()?;
        dir.get_file(inside)?.contents_utf8()
    })
}

/// The text of this line of the source, without the blanks around it, if an experiment's calls can come from it.
#[must_use]
pub fn line_of(site: &Site) -> Option<String> {
    let index = usize::try_from(site.line).ok()?.checked_sub(1)?;
    Some(text_of(&site.file)?.lines().nth(index)?.trim().to_owned())
}

/// A function of one of these source files as a lesson shows it; the file is named from the project's root.
#[must_use]
pub fn find_listing(file: &str, function: &str) -> Option<Listing> {
    let (first, lines) = listing::find(text_of(file)?, function)?;
    Some(listing_of(file, first, &lines))
}

fn listing_of(file: &str, first: u32, lines: &[&'static str]) -> Listing {
    let called = [file, "src/experiments/kit.rs"].map(|file| text_of(file).unwrap_or_default());
    Listing { file: file.to_owned(), parts: listing::parts(first, lines, &called) }
}

impl Experiment {
    pub(crate) const fn new(
        name: &'static str,
        play: fn(&Lab) -> Result<()>,
        file: &'static str,
        line: u32,
    ) -> Experiment {
        Experiment {
            name,
            play,
            parameters: &[],
            network: Network::Host,
            needs: &[],
            stepping: Stepping::Steps,
            file,
            line,
        }
    }

    /// The lines of its function, and the number of the first; what a lesson shows as code.
    #[must_use]
    pub fn source(&self) -> Option<(u32, Vec<&'static str>)> {
        let opening = format!("fn {}(", self.name.replace('-', "_"));
        let lines: Vec<_> = text_of(self.file)?.lines().collect();
        let first =
            lines.iter().position(|line| line.trim_start_matches("pub ").starts_with(&opening))?;
        let length = lines[first..].iter().position(|line| *line == "}")? + 1;
        Some((u32::try_from(first).ok()? + 1, lines[first..first + length].to_vec()))
    }

    /// Its function as a lesson shows it.
    #[must_use]
    pub fn listing(&self) -> Option<Listing> {
        let (first, lines) = self.source()?;
        Some(listing_of(self.file, first, &lines))
    }

    /// The literals of its source file that may name a claim: `syn-sent`. An experiment does not list its claims: what they
    /// say, and so which there are, stands in the lesson.
    pub fn claim_names(&self) -> impl Iterator<Item = &'static str> {
        let is_name = |literal: &&str| {
            literal.contains('-')
                && literal
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        };
        text_of(self.file).unwrap_or_default().split('"').filter(is_name)
    }

    /// Its settings, if nobody changes them.
    #[must_use]
    pub fn defaults(&self) -> BTreeMap<String, String> {
        parameter::defaults(self.parameters)
    }

    /// Changes a setting as `pair` says: `silence=2s`.
    pub fn set(&self, settings: &mut BTreeMap<String, String>, pair: &str) -> Result<(), SetError> {
        parameter::set(self.name, self.parameters, settings, pair)
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
        #[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
        Request::Trace(job) => capture::ptrace::perform(job),
        // The command refuses it first.
        #[cfg(not(all(
            target_os = "linux",
            any(target_arch = "x86_64", target_arch = "aarch64")
        )))]
        Request::Trace(_) => ExitCode::FAILURE,
        Request::Run(job) => perform(job).unwrap_or(ExitCode::from(2)),
    }
}

/// Runs an experiment, or what a child process of one does; `None` if there is none of that name.
fn perform(job: Job) -> Option<ExitCode> {
    if job.part.is_some() {
        let process = CHILD_PROCESSES.iter().find(|process| process.name == job.name)?;
        let run = Run { job, look_up: line_of, ..Run::default() };
        return Some(capture::perform(&run, process.play));
    }
    let (experiment, look_up): (_, LookUp) = match find(&job.name) {
        Some(experiment) => (experiment, line_of),
        None => (find_judge(&job.name)?, |site| line_of(site).or_else(|| source_line(site))),
    };
    let (parameters, network) = (experiment.parameters, experiment.network);
    let run = Run { job, parameters, network, look_up };
    Some(capture::perform(&run, experiment.play))
}

#[cfg(test)]
mod tests {
    use super::find;
    use crate::capture::systems;

    #[test]
    fn what_other_systems_do_otherwise_is_said_of_claims_that_there_are() {
        for (experiment, claim) in systems::names() {
            let known = find(experiment).unwrap_or_else(|| panic!("no experiment {experiment}"));
            let is_one = claim.is_empty() || known.claim_names().any(|name| name == claim);
            assert!(is_one, "{experiment} has no claim {claim}");
        }
    }
}
