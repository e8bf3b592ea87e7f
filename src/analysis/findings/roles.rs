//! Sockets that are used as what they are not: to accept without listen(), to send and receive without a connection.

use super::facts::Facts;
use super::{Finding, Rule};
use crate::analysis::{CallSpan, Origin, Socket};
use crate::trace::{ExitStatus, SyscallKind};

pub(super) fn find(facts: &Facts) -> Vec<Finding> {
    let sockets = facts.analysis.sockets.iter().enumerate();
    let streams = sockets.filter(|(_, it)| it.is_stream() && it.origin == Origin::Socket);
    streams.filter_map(|(at, socket)| misused(facts, at, socket)).collect()
}

/// The first call on this socket that it cannot serve for. A library that only asks what kind of socket it was given does so in
/// non-blocking mode.
fn misused(facts: &Facts, at: usize, socket: &Socket) -> Option<Finding> {
    let tried_to_connect = facts.on(at).any(|(_, span)| span.is(SyscallKind::Connect));
    if tried_to_connect {
        return None;
    }
    let has_address =
        facts.on(at).any(|(_, span)| span.is(SyscallKind::Bind) && span.result().is_some());
    facts.on(at).filter(|(_, span)| !span.nonblocking).find_map(|(index, span)| {
        let function = || span.call.function().to_owned();
        let rule = if span.is(SyscallKind::Accept) && span.errno() == Some("EINVAL") {
            (!is_listening(facts, at, span)).then_some(Rule::NotListening)
        } else if !finds_no_connection(facts, span) {
            None
        } else if socket.backlog.is_some() {
            Some(Rule::ListenerUsed { function: function() })
        } else {
            Some(Rule::NotConnected { function: function(), has_address })
        };
        Some(Finding::new(facts, rule?, vec![index]))
    })
}

/// True if listen() had been called on the socket before this call.
fn is_listening(facts: &Facts, at: usize, span: &CallSpan) -> bool {
    facts.on(at).any(|(_, other)| {
        other.is(SyscallKind::Listen)
            && other.result().is_some()
            && other.entered_ns < span.entered_ns
    })
}

/// True for a receive or send that failed because there is no connection: a send on a TCP socket without one says EPIPE, and SIGPIPE
/// may have ended its process; a receive on one of AF_UNIX says EINVAL.
fn finds_no_connection(facts: &Facts, span: &CallSpan) -> bool {
    let sends = span.is(SyscallKind::Send);
    match span.errno() {
        Some("ENOTCONN") => sends || span.receives(),
        Some("EPIPE") => sends,
        Some("EINVAL") => span.receives(),
        Some(_) => false,
        None => {
            let ended = facts.exit(span.process).map(|(_, status)| status);
            let by_signal =
                matches!(ended, Some(ExitStatus::Signal(signal)) if signal == "SIGPIPE");
            sends && span.exit.is_none() && by_signal
        }
    }
}
