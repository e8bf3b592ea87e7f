//! Clients that wait: for another client, in a full queue, for a peer that says nothing.

use std::collections::HashMap;

use super::facts::{Facts, ThreadId};
use super::{Finding, Lost, Rule, by_length};
use crate::analysis::{CallSpan, Fate, Message, Origin};
use crate::trace::{SockOpt, Syscall, SyscallKind};

/// Whoever waited longer than this because of another client was made to wait, in nanoseconds.
const BLOCKED_NS: u64 = 200_000_000;
/// A SYN that finds the queue full is sent again after a second (RFC 6298, 2.1).
const SYN_AGAIN_NS: u64 = 900_000_000;
/// A wait for an answer so long calls for a limit, in nanoseconds.
const LONG_NS: u64 = 3_000_000_000;

pub(super) fn find(facts: &Facts) -> Vec<Finding> {
    let accepted = facts.analysis.connections.iter();
    let accepted = accepted.map(|it| (it.connect, facts.call(it.accept).returned_ns())).collect();
    let mut all = one_client_blocks(facts, &accepted);
    all.extend(full_backlog(facts, &accepted));
    all.extend(no_timeout(facts));
    all
}

/// When each connect() to a listening socket was accepted, if it ever was.
type Accepted = HashMap<usize, u64>;

/// The connects of streams, each with the listening socket that it reached.
fn connects<'f>(facts: &'f Facts) -> impl Iterator<Item = (usize, &'f CallSpan, usize)> {
    facts.analysis.calls.iter().enumerate().filter_map(|(index, span)| {
        let is_stream = span.socket.is_some_and(|at| facts.analysis.sockets[at].is_stream());
        let Syscall::Connect { address, .. } = &span.call.syscall else { return None };
        let listener = facts.analysis.listener_at(address, index)?;
        (is_stream && !span.call.is_instrument()).then_some((index, span, listener))
    })
}

/// How long a receive or send on a stream lasted between these times.
fn waited_ns(facts: &Facts, call: usize, from_ns: u64, until_ns: u64) -> u64 {
    let span = facts.call(call);
    let transfers = span.receives() || span.is(SyscallKind::Send);
    let on_stream = span.socket.is_some_and(|at| facts.analysis.sockets[at].is_stream());
    if !transfers || !on_stream {
        return 0;
    }
    span.returned_ns().min(until_ns).saturating_sub(span.entered_ns.max(from_ns))
}

/// The wait of the one thread that serves the only client, while the thread that accepts waits in a join for that thread.
fn joined(
    facts: &Facts,
    accepting: ThreadId,
    listener: usize,
    from_ns: u64,
    until_ns: u64,
) -> Option<(usize, u64)> {
    let sockets = facts.analysis.sockets.iter().enumerate();
    let mut open = sockets.filter(|(_, socket)| {
        socket.origin == Origin::Accept(Some(listener))
            && socket.opened_ns <= from_ns
            && socket.closed_ns.is_none_or(|at_ns| at_ns > from_ns)
    });
    let ((client, _), None) = (open.next()?, open.next()) else { return None };
    let waits = facts.on(client).map(|(index, _)| index);
    let longest = waits
        .map(|index| (index, waited_ns(facts, index, from_ns, until_ns)))
        .max_by_key(|(_, waited_ns)| *waited_ns)?;
    let (call, waited_ns) = longest;
    let ended_ns = from_ns + waited_ns;
    let is_called = facts.by(accepting).any(|index| {
        let span = facts.call(index);
        span.entered_ns < ended_ns && span.returned_ns() > from_ns
    });
    let serving = facts.call(call);
    let serves = serving.process == accepting.0 && serving.thread != accepting.1;
    let waits = serves && !is_called && facts.waits_for_threads(accepting, ended_ns);
    (waits && waited_ns >= BLOCKED_NS && serving.entered_ns <= from_ns).then_some(longest)
}

/// The only thread that accepts was blocked in a receive or send on one connection while another was waiting to be accepted.
fn one_client_blocks(facts: &Facts, accepted: &Accepted) -> Vec<Finding> {
    let mut all = Vec::new();
    for (connect, connecting, listener) in connects(facts) {
        let from_ns = connecting.returned_ns();
        let until_ns = accepted.get(&connect).copied();
        let until_ns = until_ns.unwrap_or(facts.stopped_ns.unwrap_or(facts.end_ns));
        if !connecting.connected() || until_ns.saturating_sub(from_ns) < BLOCKED_NS {
            continue;
        }
        let mut accepting: Vec<(u32, u32)> = facts
            .on(listener)
            .filter(|(_, span)| span.is(SyscallKind::Accept))
            .map(|(_, span)| (span.process, span.thread))
            .collect();
        accepting.sort_unstable();
        accepting.dedup();
        let [thread] = accepting[..] else { continue };
        let mut waits: Vec<(usize, u64)> = facts
            .by(thread)
            .map(|index| (index, waited_ns(facts, index, from_ns, until_ns)))
            .filter(|&(index, waited_ns)| {
                let on_itself = facts.call(index).socket == connecting.socket;
                waited_ns >= BLOCKED_NS && !on_itself
            })
            .collect();
        waits.extend(joined(facts, thread, listener, from_ns, until_ns));
        by_length(&mut waits, |(_, waited_ns)| *waited_ns);
        if let Some(&(call, waited_ns)) = waits.first() {
            let rule = Rule::OneClientBlocks { waited_ns };
            all.push(Finding::new(facts, rule, vec![call, connect]));
        }
    }
    all
}

/// connect() that waited while as many connections as the queue holds were waiting to be accepted.
fn full_backlog(facts: &Facts, accepted: &Accepted) -> Vec<Finding> {
    let all: Vec<_> = connects(facts).collect();
    let full = all.iter().filter_map(|(index, span, listener)| {
        let backlog = facts.analysis.sockets[*listener].backlog?;
        let until_ns = span.returned_ns().min(facts.stopped_ns.unwrap_or(facts.end_ns));
        let waited_ns = until_ns.saturating_sub(span.entered_ns);
        if waited_ns < SYN_AGAIN_NS || span.nonblocking {
            return None;
        }
        let waiting = all.iter().filter(|(other, connecting, at)| {
            at == listener
                && other != index
                && connecting.result().is_some()
                && connecting.returned_ns() <= span.entered_ns
                && accepted.get(other).is_none_or(|at_ns| *at_ns > span.entered_ns)
        });
        let (_, listen) = facts.on(*listener).find(|(_, span)| span.is(SyscallKind::Listen))?;
        // The queue holds one more than it was asked for (Linux `include/net/sock.h`).
        let is_full =
            i64::try_from(waiting.count()).ok()? > backlog && listen.entered_ns < span.entered_ns;
        let rule = Rule::FullBacklog { backlog, waited_ns };
        is_full.then(|| Finding::new(facts, rule, vec![*index]))
    });
    full.collect()
}

/// A thread that had asked, or was connecting, and waited without limit for an answer when the run was stopped.
fn no_timeout(facts: &Facts) -> Vec<Finding> {
    let Some(stopped_ns) = facts.stopped_ns else { return Vec::new() };
    let mut all = Vec::new();
    for one in facts.stuck() {
        let (span, [socket]) = (facts.call(one.call), &one.sockets[..]) else { continue };
        let waited_ns = stopped_ns - one.since_ns;
        let connects = span.is(SyscallKind::Connect);
        let before = facts.on(*socket).rfind(|(index, span)| {
            *index < one.call && (span.receives() || span.is(SyscallKind::Send))
        });
        let asked = span.receives()
            && !facts.analysis.sockets[*socket].connects.is_empty()
            && before.is_some_and(|(_, before)| {
                before.is(SyscallKind::Send) && (before.process, before.thread) == one.thread
            });
        // Of a peer in the recording other rules tell why it is silent; and people take their time.
        let known = facts.analysis.sockets[*socket].other_end.is_some()
            || span
                .call
                .syscall
                .address()
                .is_some_and(|to| facts.analysis.listener_at(to, one.call).is_some());
        let keeps_alive = facts.on(*socket).any(|(_, span)| {
            matches!(span.call.syscall, Syscall::SetOption { option: SockOpt::KeepAlive, .. })
        });
        if (connects || asked)
            && waited_ns >= LONG_NS
            && !known
            && !keeps_alive
            && !reads_keyboard(facts, span.process)
        {
            let lost = lost(facts, *socket);
            all.push(Finding::new(facts, Rule::NoTimeout { waited_ns, lost }, vec![one.call]));
        }
    }
    all
}

/// What this socket waits for, if it was lost on the wire.
fn lost(facts: &Facts, socket: usize) -> Lost {
    let is_lost = |message: &&Message| {
        let mut frames = facts.analysis.wire.iter().filter(|it| it.socket == message.from);
        message.fate == Fate::NeverReceived && frames.any(|it| it.frame.is_lost())
    };
    let lost = || facts.analysis.messages.iter().filter(is_lost);
    if lost().any(|message| message.to == Some(socket)) {
        Lost::Answer
    } else if lost().any(|message| message.from == Some(socket)) {
        Lost::Question
    } else {
        Lost::Nothing
    }
}

/// True if the process reads what is no socket: a keyboard.
fn reads_keyboard(facts: &Facts, process: u32) -> bool {
    facts
        .analysis
        .calls
        .iter()
        .any(|span| span.process == process && span.receives() && span.socket.is_none())
}
