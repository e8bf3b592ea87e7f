//! The trace: every call as a line, as it is made.
//!
//! A call that does not return before somebody else does something is shown as blocked, and again when it returns,
//! as strace does with `<unfinished ...>`.

use crate::event::Event;
use crate::picture::{Picture, Row};
use crate::recording::Recording;

/// How much the trace tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Detail {
    /// The experiment's own calls.
    Calls,
    /// Also the instrument's questions to the kernel: addresses, TCP_INFO.
    Kernel,
}

/// A trace that is being written as the events come.
#[derive(Debug)]
pub struct Trace {
    detail: Detail,
}

impl Trace {
    /// A trace of this detail.
    #[must_use]
    pub fn new(detail: Detail) -> Trace {
        Trace { detail }
    }

    /// The rows that this event adds.
    pub fn push(&mut self, _event: &Event) -> Vec<Row> {
        let _ = self.detail;
        Vec::new()
    }

    /// The rows for calls that have not returned so far, when nothing has happened for a while, or at the end.
    pub fn pause(&mut self) -> Vec<Row> {
        Vec::new()
    }
}

pub(super) fn draw(_recording: &Recording, _width: usize) -> Picture {
    Picture::default()
}
