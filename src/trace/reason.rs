//! Why an experiment did not run or a claim was not checked: a lack of this machine, or a failure. `reasons` puts them into words.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::{Address, ExitStatus, Label, Name, Site};

/// The name of an error, as errno(3) has it: `ECONNREFUSED`.
pub type ErrorName = Cow<'static, str>;

/// Why something is missing on this machine, or cannot be learnt from this run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "lack", rename_all = "kebab-case")]
pub enum Lack {
    /// The learner has given no program for this role of an exercise.
    NoProgram { role: Cow<'static, str> },
    /// The system refused a step on the way to a private network, or to the link in it.
    Network { need: Need, step: SetupStep, errno: ErrorName },
    /// Not tried, because it needs a private network and there is none.
    NeedsPrivateNetwork,
    /// 127.0.0.1 cannot be reached: the loopback interface is down.
    Loopback { errno: ErrorName },
    /// Not tried, because it needs the loopback interface, and that is down.
    NeedsLoopback,
    /// There is no IPv6, by this call: `socket(AF_INET6)`.
    Ipv6 { call: Cow<'static, str>, errno: ErrorName },
    /// IPv6 is on, and the loopback interface has no ::1.
    Ipv6Loopback { errno: ErrorName },
    /// No folder can be made for the run's files.
    TempFolder { path: String, errno: ErrorName },
    /// A path in the run's folder does not fit into an AF_UNIX address.
    PathTooLong { path: String },
    /// The system starts no more threads or processes.
    Threads { errno: ErrorName },
    /// A call failed for lack of descriptors, memory, or a loopback interface that is up.
    Shortage(Box<FailedCall>),
    /// Threads cannot be kept to one processor: this call failed.
    OneProcessor { call: Cow<'static, str>, errno: ErrorName },
    /// Frames can only be counted in a private network, by /proc.
    FrameCounters,
    /// A command did not tell what was asked: `ss`, where the kernel's tables cannot be read.
    NoAnswer { command: Cow<'static, str> },
    /// The kernel's table of TCP sockets cannot be read.
    TcpTable { errno: ErrorName },
    /// There is no such command here, or it does not work: `ss`. Why is the name of an error, or what the command said.
    Command { name: Cow<'static, str>, why: Cow<'static, str> },
    /// A setting of the kernel cannot be read: `net.ipv4.tcp_syn_retries`.
    Sysctl { name: Cow<'static, str> },
    /// The system does not have this feature.
    Feature { feature: Feature },
    /// The system does not know what this call asks for: a family, an option.
    Unsupported(Box<FailedCall>),
    /// The process's limit of open files allowed only some of the connections.
    Descriptors { limit: u64, reached: u64, asked: u64 },
    /// The kernel's time limit ended before the program's.
    KernelWasFirst,
    /// The claim is about what Linux does, and this system has a rule of its own, which is documented there.
    OtherRule { source: Cow<'static, str> },
    /// The claim is about Windows, and this is Wine, which does otherwise.
    Wine,
    /// The event happened between two samples.
    BetweenLooks,
    /// /proc does not show what a thread is doing.
    ThreadStates,
    /// /proc does not show everything that is compared, or no descriptor is left to read it.
    ThreadDetails,
    /// The lesson's table of error numbers has no row for this system and processor.
    ErrorNumbers,
    /// The machine was too busy: a byte came this late after the one before.
    Busy { gap_ns: u64 },
    /// The machine was too busy: poll() returned so long after its timeout.
    LatePoll { late_ns: u64 },
    /// The machine was too busy: while a segment was held the kernel sent it again, and that one arrived.
    SentAgain,
    /// The timeout is not between one pause and all of them together.
    TimeoutOutside { timeout_ns: u64, pause_ns: u64, whole_ns: u64 },
    /// A silence was too short to compare.
    ShortSilence { silence_ns: u64, least_ns: u64 },
    /// The system forbids a call that the experiment makes, and killed its process for it (`SIGSYS`, seccomp(2)).
    Forbidden,
    /// The system refused a step on the way to tracing a program.
    Tracing { step: TraceStep, errno: ErrorName },
    /// The kernel is older than what tracing programs takes.
    TracingOldKernel { kernel: String, errno: ErrorName },
    /// Only Linux has what tracing programs takes.
    TracingElsewhere,
    /// The sentence that a recording of format 1 has.
    #[serde(untagged)]
    Text(String),
}

/// A step on the way to a program that is traced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TraceStep {
    /// Giving it a terminal of its own: openpty(3).
    Terminal,
    /// Starting a process: fork(2), and giving it its standard streams.
    Fork,
    /// Tracing it: `PTRACE_SEIZE`.
    Seize,
    /// Picking the calls that are looked at: seccomp(2).
    Seccomp,
    /// Running the program: execve(2).
    Exec,
}

/// What an experiment needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Need {
    /// A network that nobody else uses.
    PrivateNetwork,
    /// The link in it.
    Link,
}

/// A step on the way to a private network and the link in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SetupStep {
    Unshare,
    WriteSetgroups,
    WriteUidMap,
    WriteGidMap,
    OpenSocket,
    RaiseLoopback,
    OpenTun,
    CreateTap,
    AddressTap,
    RaiseTap,
    OpenNetwork,
    CoverHosts,
}

/// A feature that not every system has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Feature {
    /// `TCP_INFO`.
    TcpInfo,
    /// 127.0.0.2 can be bound without setting it up.
    LoopbackRange,
    /// The file types of a Unix system.
    FileTypes,
    /// The file permissions of a Unix system.
    FilePermissions,
    /// The processor time of a thread.
    ThreadTime,
    /// How long the timer of a TCP connection still runs.
    Timers,
    /// `IP_LOCAL_PORT_RANGE`.
    LocalPortRange,
    /// AF_UNIX names without a file.
    AbstractNames,
    /// A processor that stores the least significant byte of a number first.
    LittleEndian,
    /// A network of one's own, in which nobody else sends.
    PrivateNetwork,
    /// A wire in such a network.
    Wire,
    /// What a thread is doing: whether it sleeps.
    ThreadStates,
    /// In which call a thread sleeps, and how often it was given a processor.
    ThreadDetails,
    /// A signal to one thread of a process, by the thread's number.
    ThreadSignal,
    /// The kernel's table of TCP sockets.
    TcpTable,
    /// The kernel's settings.
    Settings,
    /// The mode of a socket, as an answer.
    Mode,
    /// Several servers that listen at one port.
    SharedPort,
    /// epoll(7).
    Epoll,
    /// `SO_PROTOCOL`.
    Protocol,
    /// `TCP_QUICKACK`.
    QuickAck,
    /// `TCP_CORK`.
    Cork,
    /// `TCP_USER_TIMEOUT`.
    UserTimeout,
    /// `TCP_KEEPIDLE` and its like.
    KeepIdle,
    /// `FD_CLOEXEC`.
    CloseOnExec,
    /// `MSG_NOSIGNAL`.
    NoSignal,
    /// sigaction(2).
    Signals,
    /// `RLIMIT_NOFILE`.
    DescriptorLimit,
    /// sched_setaffinity(2).
    Affinity,
    /// A timeout of a socket ends accept() and connect() too.
    ConnectTimeout,
    /// A UDP socket is told that its datagram was refused.
    Refusals,
}

impl Feature {
    /// The lack of this feature.
    #[must_use]
    pub fn lack(self) -> Lack {
        Lack::Feature { feature: self }
    }
}

/// Something failed that an experiment relied on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "failure", rename_all = "kebab-case")]
pub enum Failure {
    /// A system call.
    Call(Box<FailedCall>),
    /// A thread panicked with this message.
    Panic { actor: Option<Name>, message: String },
    /// An actor ended without having been blocked in this function.
    NotBlocked { actor: Name, function: Cow<'static, str> },
    /// An actor made fewer calls of this function than this.
    TooFewCalls { actor: Name, function: Cow<'static, str>, least: u64 },
    /// There were too few of something to compare.
    TooFew { what: Label, count: u64 },
    /// A child process ended before its part was over: with this exit code, or by this signal.
    EndedEarly { actor: Name, code: Option<i32>, signal: Option<i32> },
    /// The learner's program did not listen: it ended before, or had not after this time, in nanoseconds.
    NotListening { actor: Name, ended: Option<ExitStatus>, waited_ns: u64 },
    /// The learner's program does not meet a requirement without which the next ones cannot be tried.
    NotMet,
    /// A child process was collected already.
    Collected { actor: Name },
    /// A frame has no such header.
    NoHeader { frame: u64, header: Cow<'static, str> },
    /// A frame belongs to no connection.
    NoConnection { frame: u64 },
    /// The experiment has no such parameter, or its value cannot be read.
    Parameter { name: Cow<'static, str> },
    /// A program that was to be traced cannot be run.
    Program { name: Name, file: String, errno: ErrorName },
    /// The standard input that a program was to get cannot be opened.
    Input { name: Name, path: String, errno: ErrorName },
    /// A bug in an experiment, in its author's words.
    Assertion { message: Cow<'static, str> },
    /// The sentence that a recording of format 1 has.
    #[serde(untagged)]
    Text(String),
}

/// A system call that failed: who made it, on which address, from which line, where that is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedCall {
    pub actor: Name,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub function: Option<Cow<'static, str>>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub address: Option<Address>,
    pub errno: ErrorName,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub site: Option<Site>,
}

impl FailedCall {
    /// A call of which only the actor and the error are known.
    #[must_use]
    pub fn unknown(actor: &Name, errno: ErrorName) -> Box<FailedCall> {
        Box::new(FailedCall {
            actor: actor.clone(),
            function: None,
            address: None,
            errno,
            site: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::{Claim, Ending, Verdict};

    #[test]
    fn reasons_are_recorded_as_values_and_read_again() {
        let call = FailedCall::unknown(&Name::from("server"), "EMFILE".into());
        let step =
            Lack::Network { need: Need::Link, step: SetupStep::OpenTun, errno: "ENOENT".into() };
        for (why, text) in [
            (step, r#"{"lack":"network","need":"link","step":"open-tun","errno":"ENOENT"}"#),
            (Lack::KernelWasFirst, r#"{"lack":"kernel-was-first"}"#),
            (Lack::SentAgain, r#"{"lack":"sent-again"}"#),
            (
                Lack::Shortage(call.clone()),
                r#"{"lack":"shortage","actor":"server","errno":"EMFILE"}"#,
            ),
        ] {
            let ending = Ending::Unavailable { why };
            let line = serde_json::to_string(&ending).expect("JSON");
            assert_eq!(line, format!(r#"{{"ending":"unavailable","why":{text}}}"#));
            assert_eq!(serde_json::from_str::<Ending>(&line).expect("the same"), ending);
        }
        let ending = Ending::Failed { why: Failure::Call(call) };
        let line = serde_json::to_string(&ending).expect("JSON");
        assert_eq!(serde_json::from_str::<Ending>(&line).expect("the same"), ending);
    }

    #[test]
    fn the_sentences_of_format_1_are_read_as_they_stand() {
        let claim = r#"{"claim":"x","verdict":"not-checked","why":"no folder can be made"}"#;
        let claim: Claim = serde_json::from_str(claim).expect("a claim");
        assert_eq!(claim.verdict, Verdict::NotChecked);
        assert_eq!(claim.why, Some(Lack::Text("no folder can be made".to_owned())));
        let ending = r#"{"ending":"failed","why":"panic: at the disco"}"#;
        let ending: Ending = serde_json::from_str(ending).expect("an ending");
        assert_eq!(ending, Ending::Failed { why: Failure::Text("panic: at the disco".to_owned()) });
    }
}
