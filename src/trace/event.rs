//! Events: what happened in a run, when, and in which actor.
//!
//! An [`Event`] is written once, by the instruments in `capture`, and read by everything else.
//! Times are nanoseconds of the system's monotonic clock since the run began.

use std::borrow::Cow;
use std::net::Ipv4Addr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::recording::Program;
use super::{
    Address, Call, Claim, Failure, Frame, Label, Lack, Observation, Return, Sample, Site, Value,
    bounded,
};

/// How many times a stepped run pauses each actor before the same call on the same source line. After that it no longer pauses there:
/// nobody wants to press Enter for every iteration of a loop.
pub const PAUSES_PER_LINE: u32 = 3;

/// A name that many events share: an actor's.
pub type Name = Arc<str>;

/// A socket's number: unique in a recording, and the same in every process that has a descriptor for it. On Linux it is the
/// number of its inode (proc_pid_fd(5) shows it as `socket:[…]`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SocketId(pub u64);

impl SocketId {
    /// The number of a socket that is only numbered within its process.
    #[must_use]
    pub fn within(process: u32, number: u32) -> SocketId {
        SocketId(u64::from(process) << 32 | u64::from(number))
    }
}

impl From<SocketId> for Value {
    fn from(socket: SocketId) -> Value {
        Value::from(socket.0)
    }
}

/// One thing that happened, as one line of a recording.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Nanoseconds since the run began (`CLOCK_MONOTONIC`, see clock_gettime(2)).
    #[serde(deserialize_with = "bounded::number")]
    pub at_ns: u64,
    /// Who did it: `server`, `client`, `alice`.
    pub actor: Name,
    /// The process that did it (its PID).
    pub process: u32,
    /// The thread that did it (on Linux its TID, see gettid(2)).
    pub thread: u32,
    /// What it was.
    #[serde(flatten)]
    pub what: EventKind,
}

/// The actor of events that belong to the experiment itself, between its actors' calls.
pub const LAB: &str = "lab";
/// The actor of the link's frames.
pub const LINK: &str = "wire";

impl Event {
    /// The source line of a call, where it has one.
    #[must_use]
    pub fn site(&self) -> Option<&Site> {
        match &self.what {
            EventKind::Held(call) | EventKind::Enter(call) => call.site.as_ref(),
            EventKind::Return(back) => back.call.site.as_ref(),
            _ => None,
        }
    }

    /// True if with this event ends what the thread of the other one was doing: the thread has ended, its whole process has, or the
    /// process runs another program.
    #[must_use]
    pub fn ends(&self, other: &Event) -> bool {
        let is_whole = match &self.what {
            EventKind::Execed { .. } => true,
            EventKind::Exited { status, .. } => status.is_some(),
            _ => return false,
        };
        other.process == self.process && (is_whole || other.thread == self.thread)
    }

    /// False for events of the experiment itself.
    #[must_use]
    pub fn is_by_actor(&self) -> bool {
        &*self.actor != LAB
    }
}

/// The kinds of events.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum EventKind {
    /// An actor started: a thread, a process, or a role that the experiment's own thread plays.
    Started {
        /// What runs it.
        kind: ActorKind,
    },
    /// The process runs another program from here on: execve(2).
    Execed {
        /// Its command line.
        argv: Vec<String>,
    },
    /// A signal was sent to the process: kill(2).
    Signalled {
        /// The signal's name, as signal(7) has it: `SIGKILL`.
        signal: Cow<'static, str>,
    },
    /// The actor's thread or process ended.
    Exited {
        /// Processor time that its thread (a process: all its threads) used, in nanoseconds; `None` where the system does not report it.
        #[serde(deserialize_with = "bounded::number", default)]
        cpu_ns: Option<u64>,
        /// How a process ended; `None` for a thread, and where the system does not report it.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        status: Option<ExitStatus>,
    },
    /// Another trace joined this one (`explore trace --join`): its programs, whose events follow.
    Joined {
        /// By the names that they have in this recording.
        programs: Vec<Program>,
    },
    /// The process is in a private network (network_namespaces(7)) with others only across the link, where this is its address.
    Network {
        /// The address of its interface on the link.
        address: Ipv4Addr,
    },
    /// In a stepped run, this call is paused before it is made; its [`EventKind::Enter`] follows when it is resumed.
    Held(Arc<Call>),
    /// A system call was entered. Until its [`EventKind::Return`] it is in progress, perhaps blocked.
    Enter(Arc<Call>),
    /// A system call returned.
    Return(Return),
    /// The experiment waited deliberately.
    Wait {
        /// How long it asked to wait, in nanoseconds.
        #[serde(deserialize_with = "bounded::number")]
        asked_ns: u64,
        /// The purpose, in one or two words.
        purpose: Label,
    },
    /// An actor did something that is not a call on a socket, such as removing a file or setting its permissions.
    Deed {
        /// The system call, with what it was made on: `unlink …/door`.
        deed: Label,
        /// The name of the error, if it failed.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        errno: Option<Cow<'static, str>>,
    },
    /// A traced program has printed this: in a stepped run at its terminal, in an exercise on its standard output or error. The
    /// actor is [`LAB`].
    Printed {
        /// The program.
        program: Name,
        /// In a stepped run whole lines, or the beginning of one after which nothing came for a while; else as it was written.
        text: String,
    },
    /// In a stepped run, this was typed at the terminal of a traced program. The actor is [`LAB`].
    Typed {
        /// The program.
        program: Name,
        /// A line; or what stands before a Ctrl-D (U+0004), with that.
        text: String,
    },
    /// What the instrument cannot see of a traced program, or left out.
    Note {
        /// What.
        note: Note,
    },
    /// A new part of the experiment begins; views may give it a column or a heading.
    Part {
        /// The part's name: `by-hand`, `AF_UNIX`.
        part: Label,
    },
    /// Something was measured.
    Measure {
        /// What was measured: `round trip`.
        series: Label,
        /// Of what: `AF_UNIX`.
        label: Label,
        /// The value in nanoseconds.
        #[serde(deserialize_with = "bounded::number")]
        value_ns: u64,
    },
    /// The state of the event's thread according to the kernel; recorded when it has changed.
    Sample(Sample),
    /// One point of a plot.
    Point {
        /// The plot: `time a message`.
        plot: Label,
        /// The series that it belongs to: `epoll`.
        series: Label,
        /// The label of the horizontal axis: `connections`.
        against: Label,
        /// The position on the horizontal axis.
        #[serde(deserialize_with = "bounded::number")]
        x: u64,
        /// The position on the vertical axis.
        #[serde(deserialize_with = "bounded::number")]
        y: u64,
        /// The unit of `y`: `ns`, `bytes`.
        unit: Cow<'static, str>,
    },
    /// A number that the kernel or the experiment counted: frames, bytes, processes.
    Count {
        /// What was counted.
        label: Label,
        /// How many.
        #[serde(deserialize_with = "bounded::number")]
        count: u64,
        /// Where the number comes from: `/proc/net/dev`, `counted by the experiment`.
        source: Label,
    },
    /// The kernel's answer to the instrument about a socket.
    Observed(Observation),
    /// A frame left one end of the wire (`event: "frame"`, fields of [`Frame`]).
    Frame(Arc<Frame>),
    /// A frame that was delayed, held or duplicated has come out at the other end.
    Delivered {
        /// Its number: [`Frame::frame`].
        #[serde(deserialize_with = "bounded::number")]
        frame: u64,
    },
    /// A claim was checked, or could not be.
    Claim(Claim),
    /// Seen when traced programs were stopped: processes that may go on by themselves although all their recorded threads wait. Another
    /// thread of theirs runs, or sleeps until some time or in a call that is not recorded; or another process has a connection of theirs
    /// too; or they catch a signal that programs are woken by (a timer's, SIGIO, SIGHUP, SIGUSR1).
    Busy {
        /// Their PIDs.
        processes: Vec<u32>,
    },
    /// The deadline struck while these calls were blocked, or somebody ended the programs of a trace (Ctrl-C twice).
    Deadline {
        /// The deadline, or when the programs were ended, in nanoseconds since the run began.
        #[serde(deserialize_with = "bounded::number")]
        limit_ns: u64,
        /// True if somebody ended them.
        #[serde(skip_serializing_if = "std::ops::Not::not", default)]
        interrupted: bool,
        /// The calls that had been entered and had not returned.
        blocked: Vec<Blocked>,
    },
    /// The run is over: the last line of a recording.
    End {
        /// How it ended.
        #[serde(flatten)]
        ending: Ending,
    },
}

/// What the instrument cannot see of a traced program, or left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Note {
    /// It uses io_uring(7): what goes through its rings is no system call, and is not recorded.
    IoUring,
    /// It runs code of another architecture (i386, x32), whose calls are not recorded.
    OtherArchitecture,
    /// A call to a loopback address is led over the link to another one; what is recorded of it has the latter.
    Rewritten {
        /// The address that the program has given.
        from: Address,
        /// The address that the kernel got.
        to: Address,
    },
    /// The programs cannot find each other by name, because /etc/hosts could not be covered with one of theirs.
    NoNames {
        /// The error's name.
        errno: Cow<'static, str>,
    },
    /// It was compiled without debug information: its calls have no source lines.
    NoDebugInformation,
    /// It is a Python whose structures are not known: its calls have no source lines.
    UnknownPython,
    /// A program was not started, because the trace ended or Ctrl-C was pressed before its turn.
    NotStarted {
        /// Its name.
        program: Name,
    },
    /// No program may be traced here: of what it does only its start and its end are known.
    Untraced {
        /// Why not.
        why: Lack,
    },
    /// It may not be looked into: of its calls neither addresses nor data are known.
    NotReadable,
    /// The file that it runs would give it privileges, which it does not get under a tracer.
    Unprivileged {
        /// The file.
        file: String,
        /// What would give them.
        privilege: Privilege,
    },
    /// It reads the keyboard that another program reads too.
    SharedKeyboard {
        /// That program.
        with: Name,
    },
    /// The kernel did not give it the io_uring(7) that it asked for.
    IoUringRefused {
        /// The error's name.
        errno: Cow<'static, str>,
    },
    /// The kernel did not take the filter by which its calls of read(2) and close(2) on sockets are picked: those are not seen.
    ReadsUnseen {
        /// The error's name.
        errno: Cow<'static, str>,
    },
    /// The first process of a program has ended, and these of its processes run on.
    RunsOn {
        /// What it is called.
        program: Name,
        /// Which.
        processes: Vec<RunningProcess>,
    },
    /// The recording has grown to its bound: so many events after this one are left out.
    LeftOut {
        /// How many.
        #[serde(deserialize_with = "bounded::number")]
        events: u64,
    },
    /// The programs have printed so many bytes more than are kept.
    OutputLeftOut {
        /// How many.
        bytes: u64,
    },
}

/// What gives a program more rights than whoever starts it has (execve(2)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Privilege {
    /// The set-user-ID or set-group-ID bit of its file's mode (inode(7)).
    SetId,
    /// Capabilities of the file (capabilities(7)).
    Capabilities,
}

/// A process that runs, by its number and its command line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunningProcess {
    /// Its PID.
    pub process: u32,
    /// Its command line.
    pub argv: Vec<String>,
}

/// How a process ended (wait(2)).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExitStatus {
    /// It exited with this code.
    Code(i32),
    /// This signal ended it.
    Signal(Cow<'static, str>),
}

/// What runs an actor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ActorKind {
    /// A part played by the experiment's own thread.
    Role,
    /// A thread of its own.
    Thread,
    /// A process of its own.
    Process,
}

/// A call that had not returned when the deadline struck.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Blocked {
    /// Who was blocked.
    pub actor: Name,
    /// In which call.
    #[serde(flatten)]
    pub call: Arc<Call>,
    /// For how long, in nanoseconds.
    #[serde(deserialize_with = "bounded::number")]
    pub for_ns: u64,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ending", rename_all = "kebab-case")]
pub enum Ending {
    /// It ran to its end.
    Finished,
    /// Something that it needs is missing on this machine.
    Unavailable {
        /// What is missing.
        why: Lack,
    },
    /// It failed.
    Failed {
        /// The failure: which actor, which call, on what.
        why: Failure,
    },
    /// The deadline struck; the event before says who was blocked.
    Deadline,
    /// It was interrupted.
    Interrupted,
}
