//! What each call of a thread came to.

use std::collections::HashMap;

use crate::analysis::{Analysis, CallSpan};
use crate::trace::{Name, Outcome, Syscall, SyscallKind};

/// What a returned call came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MarkKind {
    /// It sent so many bytes.
    Sent(usize),
    /// It received so many bytes, from this actor if that is known; 0 is an empty message.
    Received(usize, Option<Name>),
    /// It looked at so many bytes, and left them there.
    Peeked(usize),
    /// It received the end of the stream, or of the input.
    End,
    /// It accepted a connection, of this actor if that is known.
    Accepted(Option<Name>),
    /// Its own timeout was over.
    TimedOut,
    /// It failed after it had been blocked.
    FailedLate(String),
    /// This signal cut it short, which another process or a key sent.
    Interrupted(String),
    /// It failed at once.
    FailedAtOnce(String),
    /// It goes on in the background: no failure yet (connect(2)).
    InProgress,
    /// It waited for several sockets, and so many are ready; 0 if its time was over.
    Ready(i64),
    /// It asked which of several sockets are ready, without waiting: none was.
    NoneReady,
    /// Anything else.
    Other,
}

/// A call, as a mark on its thread's time: when it returned, and what it came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// When it returned.
    pub at_ns: u64,
    /// What people call it: `recv`.
    pub call: String,
    /// What it came to.
    pub kind: MarkKind,
}

/// Who ended the wait of which call: by index into the calls.
pub(super) fn senders(analysis: &Analysis) -> HashMap<usize, Name> {
    let said = analysis.messages.iter().filter_map(|message| {
        Some((message.receive?, analysis.calls[message.send?].actor.clone()))
    });
    let came = analysis
        .connections
        .iter()
        .map(|connection| (connection.accept, analysis.calls[connection.connect].actor.clone()));
    said.chain(came).collect()
}

/// What people call it: `recv`, and for epoll's `wait` what the kernel calls it.
pub(super) fn name_of(span: &CallSpan) -> &str {
    match span.call.syscall {
        Syscall::EpollCreate { .. } | Syscall::EpollCtl { .. } | Syscall::EpollWait { .. } => {
            &span.call.name
        }
        _ => span.call.function(),
    }
}

/// What the call came to. `waited`: it had been blocked; `by`: who ended its wait.
pub(super) fn mark(analysis: &Analysis, span: &CallSpan, waited: bool, by: Option<&Name>) -> Mark {
    let count = |result: i64| usize::try_from(result).unwrap_or(0);
    let outcome = span.exit.as_ref().filter(|_| !analysis.only_looks_for_a_peer(span));
    let kind = match outcome.map(|back| &back.outcome) {
        Some(Outcome::Errno(errno)) => match span.error().unwrap_or(errno) {
            _ if let Some(signal) = analysis.signal_that_cut(span) => {
                MarkKind::Interrupted(signal.to_owned())
            }
            "EAGAIN" if waited => MarkKind::TimedOut,
            _ if waited => MarkKind::FailedLate(errno.to_string()),
            "EINPROGRESS" => MarkKind::InProgress,
            // It asked whether the descriptor is watched.
            "EEXIST" if span.call.syscall.asks_by("EEXIST") => MarkKind::Other,
            _ => MarkKind::FailedAtOnce(errno.to_string()),
        },
        Some(Outcome::Result(result)) => match span.call.kind() {
            _ if span.received().is_some() && span.peeks() && *result > 0 => {
                MarkKind::Peeked(count(*result))
            }
            _ if span.received().is_some() && *result == 0 && !analysis.is_empty_message(span) => {
                MarkKind::End
            }
            _ if span.received().is_some() => MarkKind::Received(count(*result), by.cloned()),
            SyscallKind::Send => MarkKind::Sent(count(*result)),
            SyscallKind::Accept => MarkKind::Accepted(by.cloned()),
            _ if *result == 0 && span.call.syscall.only_looks() => MarkKind::NoneReady,
            _ if span.call.syscall.waits_for_many() => MarkKind::Ready(*result),
            _ => MarkKind::Other,
        },
        None => MarkKind::Other,
    };
    Mark { at_ns: span.returned_ns(), call: name_of(span).to_owned(), kind }
}
