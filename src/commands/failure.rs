//! Why the program ends early, and with which exit code.

use std::io;

use thiserror::Error;

use crate::lesson::CourseError;
use crate::output::terminal::Left;
use crate::words;

/// Why the program ends early. [`Failure::code`] is its exit code.
#[derive(Debug, Error)]
pub enum Failure {
    /// What was asked for is not understood, or not there.
    #[error("{0}")]
    Usage(String),
    /// A lesson file is not well formed.
    #[error(transparent)]
    Course(#[from] CourseError),
    /// What was asked cannot be done on this machine.
    #[error("{0}")]
    Unable(String),
    /// Writing to the terminal, or reading from it, failed.
    #[error("{}", words::terminal_failed(.0))]
    Terminal(io::Error),
    /// The reader asked to leave.
    #[error("left")]
    Left,
    /// The chat's connection broke; the chat has said so.
    #[error("the connection broke")]
    Broken,
    /// A signal came; the exit code that goes with it.
    #[error("interrupted")]
    Interrupted(u8),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        if error.get_ref().is_some_and(|inner| inner.is::<Left>()) {
            Failure::Left
        } else {
            Failure::Terminal(error)
        }
    }
}

impl Failure {
    /// The exit code: 1 a chat's connection broke, 2 usage, 3 cannot be done here, 130 interrupted, 0 for a reader that has read enough.
    #[must_use]
    pub fn code(&self) -> u8 {
        match self {
            Failure::Usage(_) | Failure::Course(_) => 2,
            Failure::Left => 0,
            Failure::Terminal(error) if error.kind() == io::ErrorKind::BrokenPipe => 0,
            Failure::Unable(_) | Failure::Terminal(_) => 3,
            Failure::Broken => 1,
            Failure::Interrupted(code) => *code,
        }
    }

    /// Whether there is something to say about it.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        matches!(self, Failure::Interrupted(_) | Failure::Broken) || self.code() == 0
    }
}
