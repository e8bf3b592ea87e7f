//! Ground floor: what happened in a run: when, to whom, and how we know it.
//!
//! An [`Event`] is written once, by the instruments in `lab`, and read by everything else. It knows
//! nothing of sockets as the program holds them (that is `lab`), nor of files (that is `recording`).
//! Times are nanoseconds of the system's monotonic clock since the run began.

use std::borrow::Cow;
use std::fmt;
use std::net::{SocketAddrV4, SocketAddrV6};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::text::{is_safe_to_show, safe};

use super::label::{Composed, Label};
use super::packet::Frame;
use super::reason::{Failure, Lack};
use super::syscall::{Output, Syscall, SyscallKind, TcpInfo};

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
    #[serde(alias = "actor")]
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
    #[serde(alias = "left")]
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
    #[serde(alias = "state")]
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

/// What the kernel says of a thread at one moment. Linux tells it in /proc/PID/task/TID (proc_pid_stat(5), proc_pid_wchan(5),
/// proc_pid_syscall(5), and `schedstat`: Documentation/scheduler/sched-stats.rst); what it does not tell is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    /// The state's letter: `R` running or ready (the kernel has one letter for both), `S` asleep, `D` asleep and not to be
    /// interrupted, `T` stopped, `Z` ended and not yet collected by its parent. `None` once the kernel knows it no more.
    pub state: Option<char>,
    /// The kernel's function that the thread sleeps in: `inet_csk_accept`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub wait_channel: Option<Cow<'static, str>>,
    /// The system call that it sleeps in: `accept4`; the number where the lab has no name for it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub syscall: Option<Cow<'static, str>>,
    /// That system call's number on this machine.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub syscall_number: Option<i64>,
    /// Time on a processor so far, in nanoseconds. For a thread that runs it may lag by a scheduler's tick.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cpu_ns: Option<u64>,
    /// Time ready so far, waiting for a processor, in nanoseconds; counted when the wait is over.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ready_ns: Option<u64>,
    /// How often it was given a processor so far.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub turns: Option<u64>,
}

/// What the kernel said of a socket, or of one end of a TCP connection that need not be a socket of any process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "ObservationLine")]
pub struct Observation {
    /// The socket, if it was asked by a descriptor.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub socket: Option<SocketId>,
    /// That descriptor.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub fd: Option<i64>,
    /// What was said.
    #[serde(flatten)]
    pub fact: Fact,
}

/// An observation as it is written down. Format 1 had rows of the kernel's table only, as fields of the event.
#[derive(Deserialize)]
struct ObservationLine {
    #[serde(default)]
    socket: Option<SocketId>,
    #[serde(default)]
    fd: Option<i64>,
    #[serde(flatten)]
    fact: Option<Fact>,
    local: Option<Address>,
    peer: Option<Address>,
    state: Option<Cow<'static, str>>,
}

impl TryFrom<ObservationLine> for Observation {
    type Error = &'static str;

    fn try_from(line: ObservationLine) -> Result<Self, Self::Error> {
        let ObservationLine { socket, fd, fact, local, peer, state } = line;
        let fact = match (fact, local, peer, state) {
            (Some(fact), ..) => fact,
            (None, Some(local), Some(peer), Some(state)) => Fact::TcpTable { local, peer, state },
            _ => return Err("an observation of what?"),
        };
        Ok(Observation { socket, fd, fact })
    }
}

/// What the kernel can be asked, named after whom it is asked of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fact {
    /// The socket's own address: getsockname(2).
    Getsockname(Address),
    /// The address of the other end: getpeername(2).
    Getpeername(Address),
    /// `TCP_INFO` (tcp(7)).
    TcpInfo(TcpInfo),
    /// A row of the kernel's table of TCP connections, /proc/net/tcp (proc_pid_net(5)).
    TcpTable {
        /// The end's own address.
        local: Address,
        /// The other end's.
        peer: Address,
        /// Its TCP state, in the spelling of TCP_INFO, or `none` if there is no such row.
        state: Cow<'static, str>,
    },
}

impl Fact {
    /// Whom it was asked of, as a reader knows it: `TCP_INFO`, `/proc/net/tcp`.
    #[must_use]
    pub fn source(&self) -> &'static str {
        match self {
            Fact::Getsockname(_) => "getsockname",
            Fact::Getpeername(_) => "getpeername",
            Fact::TcpInfo(_) => "TCP_INFO",
            Fact::TcpTable { .. } => "/proc/net/tcp",
        }
    }
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

/// A system call, as it was made.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// The call's number, unique within its process.
    pub id: u64,
    /// Which call, with its arguments.
    pub syscall: Syscall,
    /// What the kernel calls it here, as strace shows it: `recvfrom` for a recv.
    pub name: Cow<'static, str>,
    /// What the source calls it, where that is known: `recv`, `set_read_timeout`.
    pub api: Option<Cow<'static, str>>,
    /// The descriptor that it was made on.
    pub fd: Option<i64>,
    /// The socket it was made on; `None` for a call that makes one (socket) or is not made on one (poll, select, epoll).
    pub socket: Option<SocketId>,
    /// The source line it was made from, where that is known.
    pub site: Option<Site>,
    /// Why it was made.
    pub role: Role,
}

/// Why a call was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// The program made it.
    #[default]
    Program,
    /// The instrument made it, to look at the kernel's side or to set up the run.
    Instrument,
    /// A socket went out of scope and was closed: no line of the program says so.
    ScopeEnd,
}

impl Call {
    /// What the source calls it, or else what the kernel does.
    pub fn function(&self) -> &str {
        self.api.as_ref().unwrap_or(&self.name)
    }

    /// Which call it is, without its arguments.
    pub fn kind(&self) -> SyscallKind {
        SyscallKind::from(&self.syscall)
    }

    /// True if it leaves in the socket what it reads (`MSG_PEEK`).
    pub fn peeks(&self) -> bool {
        matches!(&self.syscall, Syscall::Recv { flags, .. } if flags.peek())
    }

    /// All arguments by name, the descriptor among them.
    pub fn args(&self) -> Args {
        let mut args = self.syscall.args();
        if let Some(fd) = self.fd {
            args.0.insert(0, (Cow::Borrowed(self.syscall.descriptor_arg()), Value::Number(fd)));
        }
        args
    }

    /// True if the instrument made it.
    pub fn is_instrument(&self) -> bool {
        self.role == Role::Instrument
    }
}

/// A call as it is written down.
#[derive(Serialize, Deserialize)]
struct CallLine {
    call: u64,
    #[serde(alias = "function", skip_serializing_if = "Option::is_none", default)]
    api: Option<Cow<'static, str>>,
    syscall: Cow<'static, str>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    socket: Option<SocketId>,
    args: Args,
    #[serde(alias = "source", skip_serializing_if = "Option::is_none", default)]
    site: Option<Site>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    role: Option<Role>,
    /// Format 1.
    #[serde(skip_serializing, default)]
    instrument: bool,
}

impl Serialize for Call {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let line = CallLine {
            call: self.id,
            api: self.api.clone(),
            syscall: self.name.clone(),
            socket: self.socket,
            args: self.args(),
            site: self.site.clone(),
            role: Some(self.role),
            instrument: false,
        };
        line.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Call {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let line = CallLine::deserialize(deserializer)?;
        let (fd, syscall) = Syscall::decode(&line.syscall, line.args);
        // Format 1 marked the instrument's calls, and left a scope's end without a line.
        let role = line.role.unwrap_or(match (line.instrument, &line.site) {
            (true, _) => Role::Instrument,
            (false, Some(_)) => Role::Program,
            (false, None) => Role::ScopeEnd,
        });
        Ok(Call {
            id: line.call,
            syscall,
            name: line.syscall,
            api: line.api,
            fd,
            socket: line.socket.filter(|socket| *socket != SocketId(0)),
            site: line.site,
            role,
        })
    }
}

/// A system call that has returned.
#[derive(Clone, Debug, PartialEq)]
pub struct Return {
    /// The call, as it was entered.
    pub call: Arc<Call>,
    /// What came back.
    pub outcome: Outcome,
    /// What the kernel filled in.
    pub out: Output,
    /// How long the call took, in nanoseconds: entry to return.
    pub took_ns: u64,
    /// How far the kernel's clock of ticks was behind the monotonic clock at entry, in nanoseconds; `None` where that is not
    /// known. By the clock of ticks a timeout that began then may end sooner by so much.
    pub lag_ns: Option<u64>,
}

impl Return {
    /// How long the call took.
    #[must_use]
    pub fn took(&self) -> Duration {
        Duration::from_nanos(self.took_ns)
    }
}

/// A return as it is written down.
#[derive(Serialize, Deserialize)]
struct ReturnLine {
    #[serde(flatten)]
    call: Arc<Call>,
    #[serde(flatten)]
    outcome: Outcome,
    #[serde(skip_serializing_if = "Args::is_empty", default)]
    out: Args,
    took_ns: u64,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    lag_ns: Option<u64>,
}

impl Serialize for Return {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Return { call, outcome, out, took_ns, lag_ns } = self.clone();
        ReturnLine { call, outcome, out: out.args(), took_ns, lag_ns }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Return {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let ReturnLine { call, outcome, out, took_ns, lag_ns } =
            ReturnLine::deserialize(deserializer)?;
        Ok(Return { call, outcome, out: Output::decode(out), took_ns, lag_ns })
    }
}

/// What a system call gave back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Outcome {
    /// The call's return value: bytes, a descriptor, or 0.
    #[serde(rename = "result")]
    Result(i64),
    /// The name of the error, as errno(3) has it: `ECONNREFUSED`.
    #[serde(rename = "errno")]
    Errno(Cow<'static, str>),
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Outcome::Result(value) => write!(f, "{value}"),
            Outcome::Errno(name) => f.write_str(name),
        }
    }
}

/// A line of the source.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Site {
    /// The file, from the project's root.
    pub file: Cow<'static, str>,
    /// The line, from 1.
    pub line: u32,
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

impl Serialize for Site {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Site {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let (file, line) = text
            .rsplit_once(':')
            .and_then(|(file, line)| Some((file.to_owned(), line.parse().ok()?)))
            .ok_or_else(|| de::Error::custom("a source is FILE:LINE"))?;
        Ok(Site { file: Cow::Owned(file), line })
    }
}

/// Named values in order: a call's arguments, or what it filled in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Args(pub Vec<(Cow<'static, str>, Value)>);

impl Args {
    /// True if there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// The address of that name.
    #[must_use]
    pub fn address(&self, name: &str) -> Option<&Address> {
        match self.get(name) {
            Some(Value::Address(address)) => Some(address),
            _ => None,
        }
    }

    /// The data of that name.
    #[must_use]
    pub fn data(&self, name: &str) -> Option<&Data> {
        match self.get(name) {
            Some(Value::Data(data)) => Some(data),
            _ => None,
        }
    }
}

impl Serialize for Args {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

impl<'de> Deserialize<'de> for Args {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> de::Visitor<'de> for InOrder {
            type Value = Args;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of named values")
            }
            fn visit_map<M: de::MapAccess<'de>>(self, mut map: M) -> Result<Args, M::Error> {
                let mut all = Vec::new();
                while let Some((name, value)) = map.next_entry::<String, Value>()? {
                    all.push((Cow::Owned(name), value));
                }
                Ok(Args(all))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

/// A value in a recording.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// A number: a descriptor, a count of bytes, a flag (0 or 1).
    Number(i64),
    /// A name: `AF_INET`, `SOCK_STREAM`, `ESTABLISHED`.
    Text(Cow<'static, str>),
    /// Bytes that were sent or received.
    Data(Data),
    /// The address of a socket.
    Address(Address),
    /// A word of some language: `gone`, `none`.
    #[serde(with = "composed")]
    Label(Label),
}

/// A label as a value: an object even without arguments, for a string is a name.
mod composed {
    use super::{Composed, Deserialize, Deserializer, Label, Serialize, Serializer};

    pub fn serialize<S: Serializer>(label: &Label, serializer: S) -> Result<S::Ok, S::Error> {
        Composed::from(label.clone()).serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Label, D::Error> {
        Composed::deserialize(deserializer).map(Label::from)
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Number(number) => write!(f, "{number}"),
            Value::Text(text) => f.write_str(text),
            Value::Data(data) => write!(f, "{data}"),
            Value::Address(address) => write!(f, "{address}"),
            Value::Label(label) => write!(f, "{label}"),
        }
    }
}

macro_rules! value_from {
    ($($from:ty => |$it:ident| $value:expr;)*) => {
        $(impl From<$from> for Value {
            fn from($it: $from) -> Value { $value }
        })*
    };
}

value_from! {
    i64 => |it| Value::Number(it);
    i32 => |it| Value::Number(it.into());
    u32 => |it| Value::Number(it.into());
    u64 => |it| Value::Number(it.try_into().unwrap_or(i64::MAX));
    char => |it| Value::Text(Cow::Owned(it.to_string()));
    usize => |it| Value::Number(it.try_into().unwrap_or(i64::MAX));
    bool => |it| Value::Number(it.into());
    &'static str => |it| Value::Text(Cow::Borrowed(it));
    String => |it| Value::Text(Cow::Owned(it));
    Cow<'static, str> => |it| Value::Text(it);
    Data => |it| Value::Data(it);
    Address => |it| Value::Address(it);
    Label => |it| Value::Label(it);
}

/// Bytes that a program handed to the kernel, or got from it. At most [`Data::KEPT`] are kept; all are counted.
#[derive(Clone, PartialEq, Eq)]
pub struct Data {
    /// How many there were.
    pub bytes: usize,
    /// The first of them.
    pub kept: Vec<u8>,
}

impl Data {
    /// How many bytes are kept of each call.
    pub const KEPT: usize = 128;

    /// Keeps the start of these bytes, and their number.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Data {
        Data { bytes: bytes.len(), kept: bytes[..bytes.len().min(Data::KEPT)].to_vec() }
    }
}

impl fmt::Debug for Data {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Data({self})")
    }
}

impl fmt::Display for Data {
    /// As a quoted string, in the manner of strace: what is not text is escaped, what was not kept is `…`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"")?;
        for chunk in self.kept.utf8_chunks() {
            for character in chunk.valid().chars() {
                match character {
                    '"' | '\\' | '\n' | '\r' | '\t' => write!(f, "{}", character.escape_default())?,
                    plain if plain.is_ascii_graphic() || plain == ' ' => write!(f, "{plain}")?,
                    other if is_safe_to_show(other) => write!(f, "{other}")?,
                    other => write!(f, "{}", other.escape_unicode())?,
                }
            }
            for byte in chunk.invalid() {
                write!(f, "\\x{byte:02x}")?;
            }
        }
        f.write_str(if self.kept.len() < self.bytes { "\"…" } else { "\"" })
    }
}

#[derive(Serialize, Deserialize)]
struct DataLine {
    bytes: usize,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    hex: Option<String>,
}

impl Serialize for Data {
    /// `{"bytes":5,"text":"hello"}`, or `hex` where the kept bytes are not UTF-8.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (text, hex) = match str::from_utf8(&self.kept) {
            Ok(text) => (Some(text.to_owned()), None),
            Err(_) => (None, Some(self.kept.iter().map(|byte| format!("{byte:02x}")).collect())),
        };
        DataLine { bytes: self.bytes, text, hex }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Data {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let line = DataLine::deserialize(deserializer)?;
        let kept = match (line.text, line.hex) {
            (Some(text), None) => text.into_bytes(),
            (None, Some(hex)) if hex.is_ascii() && hex.len() % 2 == 0 => (0..hex.len())
                .step_by(2)
                .map(|at| u8::from_str_radix(&hex[at..at + 2], 16))
                .collect::<Result<_, _>>()
                .map_err(de::Error::custom)?,
            _ => {
                return Err(de::Error::custom("data has either `text` or `hex` (pairs of digits)"));
            }
        };
        if kept.len() > line.bytes {
            return Err(de::Error::custom("data keeps more bytes than there were"));
        }
        Ok(Data { bytes: line.bytes, kept })
    }
}

/// Where a socket is: one shape for each family.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Address {
    /// `AF_INET`: an IPv4 address and a port (ip(7)).
    Inet(SocketAddrV4),
    /// `AF_INET6`: an IPv6 address and a port (ipv6(7)).
    Inet6(SocketAddrV6),
    /// `AF_UNIX`: a path, `@name` for Linux's abstract names, or nothing for a socket without a name (unix(7)).
    Unix(Option<String>),
}

impl Address {
    /// The port, where the family has ports.
    #[must_use]
    pub fn port(&self) -> Option<u16> {
        match self {
            Address::Inet(address) => Some(address.port()),
            Address::Inet6(address) => Some(address.port()),
            Address::Unix(_) => None,
        }
    }

    /// The family's name: `AF_INET`.
    #[must_use]
    pub fn family(&self) -> &'static str {
        match self {
            Address::Inet(_) => "AF_INET",
            Address::Inet6(_) => "AF_INET6",
            Address::Unix(_) => "AF_UNIX",
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Inet(address) => write!(f, "{address}"),
            Address::Inet6(address) => write!(f, "{address}"),
            Address::Unix(Some(path)) => f.write_str(&safe(path)),
            Address::Unix(None) => f.write_str("(no name)"),
        }
    }
}

/// A sentence of the lesson, and whether the kernel bore it out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Claim {
    /// Its name; the sentence stands in the lesson.
    pub claim: Cow<'static, str>,
    /// What came of it.
    pub verdict: Verdict,
    /// What was compared with what; every row must hold for the claim to hold.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub evidence: Vec<Evidence>,
    /// Why it was not checked.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub why: Option<Lack>,
}

/// What came of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The kernel bore it out, a moment ago, on this machine.
    Held,
    /// The kernel did otherwise. The kernel is right.
    Broken,
    /// It could not be checked here; `why` says what was missing.
    NotChecked,
}

/// One comparison: `server.peer = client.local`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// What was looked at: `server.peer`.
    pub what: Label,
    /// What was seen.
    pub saw: Value,
    /// How it is compared.
    pub relation: Relation,
    /// What it is compared with.
    pub with: Value,
    /// What that is, where it was also looked at: `client.local`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub with_what: Option<Label>,
    /// The unit of both numbers: `ns`, `bytes`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub unit: Option<Cow<'static, str>>,
    /// Nanoseconds that count as seen too, where a time fell short by the monotonic clock: how far the kernel's clock of
    /// ticks, which counted it, was behind when it began.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub lag_ns: Option<u64>,
    /// Whether the comparison came out so.
    pub held: bool,
}

/// How evidence is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Relation {
    /// Equal.
    #[serde(rename = "=")]
    Equal,
    /// Different.
    #[serde(rename = "≠")]
    Different,
    /// At least.
    #[serde(rename = "≥")]
    AtLeast,
    /// Less than.
    #[serde(rename = "<")]
    Less,
    /// Happened before (both are times of the run).
    #[serde(rename = "before")]
    Before,
}

impl fmt::Display for Relation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Relation::Equal => "=",
            Relation::Different => "≠",
            Relation::AtLeast => "≥",
            Relation::Less => "<",
            Relation::Before => "before",
        })
    }
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
