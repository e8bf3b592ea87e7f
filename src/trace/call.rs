//! A system call, when it is entered and when it has returned.

use std::borrow::Cow;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{Args, Output, SocketId, Syscall, SyscallKind, Value, bounded};

/// A system call, as it was made.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// The call's number, unique within its process.
    pub id: u64,
    /// Which call, with its arguments.
    pub syscall: Syscall,
    /// Its name in this kernel, as strace shows it: `recvfrom` for a recv.
    pub name: Cow<'static, str>,
    /// Its name in the source, where that is known: `recv`, `set_read_timeout`.
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
    /// A socket went out of scope and was closed, without a line of the program that says so.
    ScopeEnd,
    /// Nobody called close(2): the kernel closed the descriptor, because the process ended or ran another program, or because
    /// another call closes it too. The call's `api` is what it was: `exit`, `execve`, `dup2`, `close_range`.
    Kernel,
}

impl Call {
    /// What programmers call it: its name in the source, or else in the kernel. A method that a library has for a call with flags
    /// is called after that call.
    pub fn function(&self) -> &str {
        match (self.api.as_deref(), &self.syscall) {
            (Some("send_with_flags" | "send_out_of_band"), Syscall::Send { .. }) => "send",
            (Some("recv_with_flags" | "peek_all"), Syscall::Recv { .. }) => "recv",
            (api, _) => api.unwrap_or(&self.name),
        }
    }

    /// Which call it is, without its arguments.
    pub fn kind(&self) -> SyscallKind {
        SyscallKind::from(&self.syscall)
    }

    /// True if it does not remove the bytes it reads (`MSG_PEEK`).
    pub fn peeks(&self) -> bool {
        matches!(&self.syscall, Syscall::Recv { flags, .. } if flags.peek())
    }

    /// All arguments by name, including the descriptor.
    pub fn args(&self) -> Args {
        let mut args = self.syscall.args();
        if let Some(fd) = self.fd {
            args.0.insert(0, (Syscall::descriptor_arg(&self.name).into(), Value::Number(fd)));
        }
        args
    }

    /// True if the instrument made it.
    pub fn is_instrument(&self) -> bool {
        self.role == Role::Instrument
    }
}

/// A call in JSON.
#[derive(Serialize, Deserialize)]
struct CallLine {
    call: u64,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    api: Option<Cow<'static, str>>,
    syscall: Cow<'static, str>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    socket: Option<SocketId>,
    args: Args,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    site: Option<Site>,
    #[serde(default)]
    role: Role,
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
            role: self.role,
        };
        line.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Call {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let line = CallLine::deserialize(deserializer)?;
        let (fd, syscall) = Syscall::decode(&line.syscall, line.args);
        Ok(Call {
            id: line.call,
            syscall,
            name: line.syscall,
            api: line.api,
            fd,
            socket: line.socket,
            site: line.site,
            role: line.role,
        })
    }
}

/// A system call that has returned.
#[derive(Clone, Debug, PartialEq)]
pub struct Return {
    /// The call, as it was entered.
    pub call: Arc<Call>,
    /// Its return value or its error.
    pub outcome: Outcome,
    /// What the kernel filled in.
    pub out: Output,
    /// How long the call took, in nanoseconds: entry to return.
    pub took_ns: u64,
    /// How far the kernel's clock of ticks was behind the monotonic clock at entry, in nanoseconds; `None` where that is not
    /// known. A timeout that the kernel counts in ticks may end that much sooner.
    pub lag_ns: Option<u64>,
}

impl Return {
    /// How long the call took.
    #[must_use]
    pub fn took(&self) -> Duration {
        Duration::from_nanos(self.took_ns)
    }
}

/// A return in JSON.
#[derive(Serialize, Deserialize)]
struct ReturnLine {
    #[serde(flatten)]
    call: Arc<Call>,
    #[serde(flatten)]
    outcome: Outcome,
    #[serde(skip_serializing_if = "Args::is_empty", default)]
    out: Args,
    #[serde(deserialize_with = "bounded::number")]
    took_ns: u64,
    #[serde(
        skip_serializing_if = "Option::is_none",
        default,
        deserialize_with = "bounded::number"
    )]
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

/// What a system call returned.
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

impl From<&'static Location<'static>> for Site {
    fn from(location: &'static Location<'static>) -> Site {
        Site { file: Cow::Borrowed(from_root(location.file())), line: location.line() }
    }
}

/// A source file of our own, as the compiler names it, from the project's root. A package that cargo took from a registry is
/// compiled under its whole path.
#[must_use]
pub const fn from_root(file: &'static str) -> &'static str {
    let (path, root) = (file.as_bytes(), env!("CARGO_MANIFEST_DIR").as_bytes());
    if path.len() <= root.len() || !matches!(path[root.len()], b'/' | b'\\') {
        return file;
    }
    let mut at = 0;
    while at < root.len() {
        if path[at] != root[at] {
            return file;
        }
        at += 1;
    }
    file.split_at(root.len() + 1).1
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_with_flags_is_called_as_the_one_without() {
        let named = |api: Option<&'static str>, name: &'static str| Call {
            id: 1,
            syscall: Syscall::Recv { size: 8, flags: crate::trace::MsgFlags::named("MSG_TRUNC") },
            name: name.into(),
            api: api.map(Cow::Borrowed),
            fd: None,
            socket: None,
            site: None,
            role: Role::Program,
        };
        let all = [
            (Some("recv_with_flags"), "recv"),
            (Some("peek_all"), "recv"),
            (Some("peek"), "peek"),
            (None, "recvfrom"),
        ];
        for (api, function) in all {
            assert_eq!(named(api, "recvfrom").function(), function);
        }
    }

    #[test]
    fn our_own_files_are_named_from_the_projects_root() {
        let from_a_registry = concat!(env!("CARGO_MANIFEST_DIR"), "/src/chat/threads.rs");
        assert_eq!(from_root(from_a_registry), "src/chat/threads.rs");
        let beside = concat!(env!("CARGO_MANIFEST_DIR"), "s/src/main.rs");
        for file in ["src/chat/threads.rs", "/elsewhere/src/main.rs", beside, ""] {
            assert_eq!(from_root(file), file);
        }
    }
}
