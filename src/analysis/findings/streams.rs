//! What a stream demands of its readers and writers: send() may take a part, and recv() says when it is over.

use std::collections::HashMap;

use super::facts::{Facts, ThreadId};
use super::{Finding, Rule};
use crate::analysis::CallSpan;
use crate::trace::{EpollOperation, Syscall, SyscallKind};

/// Whoever asks so often after the end has not noticed it. (A library may ask several times, once for each that reads a line.)
const READS_PAST_END: usize = 10;

pub(super) fn find(facts: &Facts) -> Vec<Finding> {
    let streams = 0..facts.analysis.sockets.len();
    let mut all = Vec::new();
    for socket in streams.filter(|&socket| facts.analysis.sockets[socket].is_stream()) {
        all.extend(rest_not_sent(facts, socket));
        all.extend(read_past_end(facts, socket));
    }
    all
}

/// Sends that took a part, after which something else was sent, or nothing at all.
fn rest_not_sent(facts: &Facts, socket: usize) -> Vec<Finding> {
    let mut all = Vec::new();
    for (index, span) in facts.on(socket) {
        let (Some(data), Some(taken)) = (span.sending(), span.sent()) else { continue };
        if taken >= data.bytes || taken == 0 {
            continue;
        }
        let tries: Vec<&CallSpan> = later_sends(facts, socket, index);
        // Only the start of what was sent is known. What is known of the rest, and of all that was tried next, must agree.
        let rest = data.kept.get(taken..).unwrap_or_default();
        let kept = || tries.iter().filter_map(|span| Some(&*span.sending()?.kept));
        let starts = || [rest].into_iter().chain(kept()).filter(|start| !start.is_empty());
        let differ = |one: &[u8], other: &[u8]| one.iter().zip(other).any(|(a, b)| a != b);
        let is_fault = starts().zip(starts().skip(1)).any(|(one, other)| differ(one, other))
            || (!tries_all(facts, socket, index, data.bytes - taken)
                && gives_up(facts, socket, index));
        if is_fault {
            let rule = Rule::RestNotSent { taken, of: data.bytes };
            all.push(Finding::new(facts, rule, vec![index]));
        }
    }
    all
}

/// The sends after this one, up to the first that took something: each should have tried to send the rest.
fn later_sends<'f>(facts: &'f Facts, socket: usize, after: usize) -> Vec<&'f CallSpan> {
    let mut all = Vec::new();
    for (_, span) in facts.on(socket).filter(|(index, _)| *index > after) {
        if span.is(SyscallKind::Send) {
            all.push(span);
            if !span.fails_for_now() {
                break;
            }
        }
    }
    all
}

/// True if a later send had as many bytes as were left to send then, of so many: it may have been the rest, as what is shorter was not.
fn tries_all(facts: &Facts, socket: usize, send: usize, rest: usize) -> bool {
    let mut left = rest;
    facts.on(socket).filter(|(index, _)| *index > send).any(|(_, span)| {
        let tried = span.sending().map_or(0, |data| data.bytes);
        let is_all = tried >= left;
        left = left.saturating_sub(span.sent().unwrap_or(0));
        is_all
    })
}

/// True if the program ended the stream itself after this send, without waiting to send on, and with nothing to stop it.
fn gives_up(facts: &Facts, socket: usize, send: usize) -> bool {
    let since_ns = facts.call(send).returned_ns();
    for (_, span) in facts.on(socket).filter(|(_, span)| span.entered_ns >= since_ns) {
        match &span.call.syscall {
            Syscall::Close | Syscall::Shutdown { .. } => {
                let process = span.process;
                let waited = facts.analysis.calls.iter().any(|other| {
                    let meanwhile = (since_ns..span.entered_ns).contains(&other.entered_ns);
                    let waits = |fd| facts.socket_of(process, fd, other.entered_ns) == Some(socket);
                    meanwhile
                        && other.process == process
                        && waits_to_send(other).into_iter().any(waits)
                });
                return !waited && facts.is_before_stop(span.entered_ns);
            }
            Syscall::Recv { .. } if span.result() == Some(0) => return false,
            _ if span.errno().is_some() && !span.fails_for_now() => return false,
            _ => {}
        }
    }
    false
}

/// The descriptors of which this call says that it waits to send on them.
fn waits_to_send(span: &CallSpan) -> Vec<i64> {
    match &span.call.syscall {
        Syscall::Select { write, .. } => write.shown.clone(),
        Syscall::Poll { watched, .. } => watched
            .shown
            .iter()
            .filter(|(_, events)| events.contains("OUT"))
            .map(|it| it.0)
            .collect(),
        Syscall::EpollCtl { operation, watched, events: Some(events) }
            if *operation != EpollOperation::Delete && events.contains("OUT") =>
        {
            vec![*watched]
        }
        _ => Vec::new(),
    }
}

/// recv() that returned 0, and was called by the same thread again and again.
fn read_past_end(facts: &Facts, socket: usize) -> Vec<Finding> {
    let mut by_thread: HashMap<ThreadId, Vec<usize>> = HashMap::new();
    for (index, span) in facts.on(socket) {
        let asks = matches!(span.call.syscall, Syscall::Recv { size, .. } if size > 0);
        if asks && span.result() == Some(0) {
            by_thread.entry((span.process, span.thread)).or_default().push(index);
        }
    }
    let often = by_thread.into_values().filter(|calls| calls.len() >= READS_PAST_END);
    often
        .map(|calls| {
            let rule = Rule::ReadPastEnd { times: calls.len() };
            // The second is the first that was in vain.
            Finding::new(facts, rule, vec![calls[1], calls[0]])
        })
        .collect()
}
