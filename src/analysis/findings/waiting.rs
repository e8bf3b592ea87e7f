//! Clients that wait: for another client, for a peer that says nothing.

use std::collections::HashMap;

use super::facts::{Facts, ThreadId};
use super::{Finding, Lost, Rule, backlog, by_length};
use crate::analysis::{CallSpan, Fate, Message, Origin};
use crate::trace::{SockOpt, Syscall, SyscallKind};

/// Whoever waited longer than this because of another client was made to wait, in nanoseconds.
const BLOCKED_NS: u64 = 200_000_000;
/// What a thread does within this time after something else it does at once, in nanoseconds.
const AT_ONCE_NS: u64 = 10_000_000;
/// A wait for an answer so long calls for a limit, in nanoseconds.
const LONG_NS: u64 = 3_000_000_000;

pub(super) fn find(facts: &Facts) -> Vec<Finding> {
    let accepted = facts.analysis.connections.iter().map(|it| (it.connect, it.accept)).collect();
    let mut all = one_client_blocks(facts, &accepted);
    all.extend(backlog::full(facts, &accepted));
    all.extend(no_timeout(facts));
    all
}

/// The accept() of each connect() to a listening socket, if there was one.
pub(super) type Accepted = HashMap<usize, usize>;

/// The connects of streams, each with the listening socket that it reached.
pub(super) fn connects<'f>(facts: &'f Facts) -> impl Iterator<Item = (usize, &'f CallSpan, usize)> {
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

/// The only connection that was open at this time of those that this socket had accepted before.
fn only_client(facts: &Facts, listener: usize, at_ns: u64) -> Option<usize> {
    let sockets = facts.analysis.sockets.iter().enumerate();
    let mut open = sockets.filter(|(_, socket)| {
        socket.origin == Origin::Accept(Some(listener))
            && socket.opened_ns <= at_ns
            && socket.closed_ns.is_none_or(|closed_ns| closed_ns > at_ns)
    });
    let ((client, _), None) = (open.next()?, open.next()) else { return None };
    Some(client)
}

/// The wait for the only client where a runtime waits in one call for all sockets (that of Go does): a receive that had failed for now,
/// on the connection that was closed right before this accept(), by the same thread. So whoever accepts is who served it.
fn served(facts: &Facts, accept: usize, listener: usize, from_ns: u64) -> Option<(usize, u64)> {
    use SyscallKind::{Accept, Close, EpollCtl, Other, Recv, Send, SetFlags, SetOption};
    let client = only_client(facts, listener, from_ns)?;
    let before = facts.before_by_thread(accept).map(|index| facts.call(index));
    let mut before = before.filter(|span| {
        let syscall = &span.call.syscall;
        let prepares = matches!(span.call.kind(), Accept | EpollCtl | Other | SetFlags | SetOption);
        !prepares && !syscall.only_asks() && !syscall.only_looks()
    });
    let closing = before.next().filter(|span| span.is(Close) && span.socket == Some(client))?;
    let at_once = facts.call(accept).entered_ns.saturating_sub(closing.returned_ns()) < AT_ONCE_NS;
    let uses = facts.on(client);
    let uses: Vec<_> =
        uses.filter(|(_, span)| matches!(span.call.kind(), Recv | Send | Close)).collect();
    let waits = uses.windows(2).filter_map(|two| {
        let [(index, asked), (_, next)] = two else { return None };
        let waited_ns = next.entered_ns.saturating_sub(asked.returned_ns().max(from_ns));
        (asked.receives() && asked.fails_for_now()).then_some((*index, waited_ns))
    });
    let longest = waits.max_by_key(|(_, waited_ns)| *waited_ns)?;
    (at_once && longest.1 >= BLOCKED_NS).then_some(longest)
}

/// The wait of the one thread that serves the only client, while the thread that accepts waits in a join for that thread.
fn joined(
    facts: &Facts,
    accepting: ThreadId,
    listener: usize,
    from_ns: u64,
    until_ns: u64,
) -> Option<(usize, u64)> {
    let client = only_client(facts, listener, from_ns)?;
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
        let accept = accepted.get(&connect).copied();
        let stopped_ns = facts.stopped_ns.unwrap_or(facts.end_ns);
        let until_ns = accept.map_or(stopped_ns, |accept| facts.call(accept).returned_ns());
        if !connecting.connected() || until_ns.saturating_sub(from_ns) < BLOCKED_NS {
            continue;
        }
        let under_runtime = accept.and_then(|accept| served(facts, accept, listener, from_ns));
        if let Some((call, waited_ns)) = under_runtime {
            let rule = Rule::OneClientBlocks { waited_ns };
            all.push(Finding::new(facts, rule, vec![call, connect]));
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
