//! What happened in a run: when, to whom, and how we know it.
//!
//! An [`Event`] is written once, by the instruments in `capture`, and read by everything else.
//! Times are nanoseconds of the system's monotonic clock since the run began.

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Call, Claim, Failure, Frame, Label, Lack, Observation, Return, Sample, Site, Value};

/// How many times a stepped run pauses each actor on the same source line. After that the line runs through: nobody wants
/// to press Enter for every turn of a loop.
pub const PAUSES_PER_LINE: u32 = 3;

/// A name that many events share: an actor's.
pub type Name = Arc<str>;

/// A socket's number, the same in a whole recording, whoever holds a descriptor for it, and never used again in it. On Linux it is
/// the number of its inode (proc_pid_fd(5) shows it as `socket:[…]`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SocketId(pub u64);

impl SocketId {
    /// The number of a process's socket, where sockets are only numbered within their process.
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

/// Whose the events are that no actor did: the experiment itself, between its actors' calls.
pub const LAB: &str = "lab";
/// Whose the link's frames are.
pub const LINK: &str = "wire";

impl Event {
    /// The line of the source that it was made from, if it is a call that has one.
    #[must_use]
    pub fn site(&self) -> Option<&Site> {
        match &self.what {
            EventKind::Held(call) | EventKind::Enter(call) => call.site.as_ref(),
            EventKind::Return(back) => back.call.site.as_ref(),
            _ => None,
        }
    }

    /// False for what the experiment itself did.
    #[must_use]
    pub fn is_by_actor(&self) -> bool {
        &*self.actor != LAB
    }
}

/// What can happen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum EventKind {
    /// An actor started: a thread, a process, or a role that the experiment's own thread plays.
    Started {
        /// What runs it.
        kind: ActorKind,
    },
    /// The process runs this program from here on: execve(2).
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
        /// Processor time that its thread (a process: all its threads) used, in nanoseconds; `None` where it is not to be had.
        cpu_ns: Option<u64>,
        /// How a process ended; `None` for a thread, and where it is not to be had.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        status: Option<ExitStatus>,
    },
    /// The run is stepped, and this call is held before it is made: its [`EventKind::Enter`] follows when it is let go.
    Held(Arc<Call>),
    /// A system call was entered. Its [`EventKind::Return`] may be long in coming: until then it is blocked.
    Enter(Arc<Call>),
    /// A system call returned.
    Return(Return),
    /// The experiment waited on purpose.
    Wait {
        /// How long it asked to wait, in nanoseconds.
        asked_ns: u64,
        /// What for, in one or two words.
        purpose: Label,
    },
    /// Somebody did what is no call on a socket: removed a file, set its permissions.
    Deed {
        /// EventKind, by the name of the system call: `unlink …/door`.
        deed: Label,
        /// The name of the error, if it failed.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        errno: Option<Cow<'static, str>>,
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
        value_ns: u64,
    },
    /// What the kernel said of the event's thread when the lab looked; recorded when it had changed.
    Sample(Sample),
    /// One point of a plot.
    Point {
        /// The plot: `time a message`.
        plot: Label,
        /// The series that it belongs to: `epoll`.
        series: Label,
        /// What is along the plot's bottom: `connections`.
        against: Label,
        /// Where along the bottom.
        x: u64,
        /// How high.
        y: u64,
        /// The unit of `y`: `ns`, `bytes`.
        unit: Cow<'static, str>,
    },
    /// A number that the kernel or the experiment counted: frames, bytes, processes.
    Count {
        /// What was counted.
        label: Label,
        /// How many.
        count: u64,
        /// Where the number comes from: `/proc/net/dev`, `counted by the experiment`.
        source: Label,
    },
    /// What the kernel said of a socket when the instrument asked.
    Observed(Observation),
    /// A frame left one end of the wire (`event: "frame"`, fields of [`Frame`]).
    Frame(Arc<Frame>),
    /// A frame that was delayed, held or duplicated has come out at the other end.
    Delivered {
        /// Its number: [`Frame::frame`].
        frame: u64,
    },
    /// A claim was checked, or could not be.
    Claim(Claim),
    /// The deadline struck: who was blocked in what.
    Deadline {
        /// The deadline, in nanoseconds since the run began.
        limit_ns: u64,
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
    pub for_ns: u64,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ending", rename_all = "kebab-case")]
pub enum Ending {
    /// It ran to its end.
    Finished,
    /// Something that it needs is not to be had on this machine.
    Unavailable {
        /// What is missing.
        why: Lack,
    },
    /// It failed.
    Failed {
        /// What failed, in whom, on what.
        why: Failure,
    },
    /// The deadline struck; the event before says who was blocked.
    Deadline,
    /// It was interrupted.
    Interrupted,
}
