//! How a trace takes what others record that join it: `explore trace --join` in a second terminal.
//!
//! - **Where.** A trace listens on a Unix stream socket with the abstract name `explore-trace/UID/PID` (unix(7)). Such a name
//!   needs no folder, ends with its process, and is seen only from the same network, whose addresses are the same.
//! - **Who.** Each end asks the kernel who the other is (`SO_PEERCRED`) and talks with its own user alone.
//! - **What.** The trace says a [`Greeting`], one line. The one that joins sends its recording as it comes, header first. When the
//!   last line (`end`) has come the trace answers `taken`, and what was sent is in its pictures. If the connection
//!   closes before, it is not.
//!
//! What comes is read with bounds: on a line, on all lines together, on connections.

use std::io;

use serde::{Deserialize, Serialize};

use crate::trace::axis::Mismatch;
use crate::trace::recording::{Header, Line};

#[cfg(target_os = "linux")]
mod connection;
#[cfg(target_os = "linux")]
mod listener;
#[cfg(target_os = "linux")]
pub use {connection::Connection, listener::Acknowledge, listener::Listener};

#[cfg(not(target_os = "linux"))]
mod elsewhere;
#[cfg(not(target_os = "linux"))]
pub use elsewhere::{Acknowledge, Connection, Listener};

/// What a trace says to whoever wants to join it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Greeting {
    /// Welcome: this is its recording so far.
    Header(Header),
    /// It cannot be joined.
    Refused(Refusal),
}

/// Why a trace cannot be joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Refusal {
    /// Its programs are in networks of their own.
    OwnNetworks,
    /// As many have joined as can.
    Full,
    /// Its programs have ended.
    Ended,
}

/// What comes from those that have joined, each with its number.
#[derive(Debug)]
pub enum Message {
    /// One has joined.
    Joined(usize, Box<Header>, Acknowledge),
    /// A line of its recording.
    Line(usize, Line),
    /// It sends nothing more, because it is gone, or because we take no more.
    Gone { number: usize, by_itself: bool },
}

/// A trace that runs: its process, and its command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Running {
    pub process: u32,
    pub command: String,
}

/// Why no trace is joined.
#[derive(Debug)]
pub enum JoinError {
    /// None runs.
    NoTrace,
    /// None runs in this process.
    NotThis(u32),
    /// Those that run are another user's, such as this one.
    OtherUser(u32),
    /// Which one of these?
    Several(Vec<Running>),
    /// The trace in this process does not answer.
    NoAnswer(u32),
    /// What it said is not understood: it is another version of this program.
    OtherVersion(u32),
    /// It cannot be joined.
    Refused(u32, Refusal),
    /// Its recording and ours have no axis in common.
    Mismatch(u32, Mismatch),
    Io(io::Error),
}
