//! Servers that sleep before they answer one client, while others wait.

use std::collections::BTreeSet;

use super::facts::{Facts, ThreadId};
use super::{Finding, Rule};
use crate::analysis::{CallSpan, Direction, Origin};
use crate::trace::SyscallKind;

/// Whoever waited longer than this because of another client was made to wait, in nanoseconds.
const BLOCKED_NS: u64 = 200_000_000;

pub(super) fn find(facts: &Facts) -> Vec<Finding> {
    facts.threads().flat_map(|(thread, calls)| of_thread(facts, thread, calls)).collect()
}

/// The sleeps of one thread between what a client sent and its answer. A thread that has slept more often than it has received does not
/// sleep for a client: it looks from time to time what is there.
fn of_thread(facts: &Facts, thread: ThreadId, calls: &[usize]) -> Vec<Finding> {
    let mut all = Vec::new();
    let (mut received, mut slept) = (0, 0);
    // The clients that it has received from since it last waited for all of them, and not answered yet.
    let mut unanswered: BTreeSet<usize> = BTreeSet::new();
    for (at, &index) in calls.iter().enumerate() {
        let span = facts.call(index);
        if span.call.syscall.sleeps() {
            slept += 1;
            if slept > received {
                return Vec::new();
            }
            all.extend(sleeps(facts, thread, &calls[at..], &unanswered));
        } else if span.receives() && span.result().is_some_and(|bytes| bytes > 0) {
            received += 1;
            unanswered.extend(span.socket.filter(|&at| is_client(facts, at)));
        } else if span.is(SyscallKind::Send) && span.socket.is_some_and(|at| is_client(facts, at)) {
            unanswered.retain(|at| Some(*at) != span.socket);
        } else if goes_on(span) && !span.is(SyscallKind::Accept) && !span.receives() {
            unanswered.clear();
        }
    }
    all
}

fn is_client(facts: &Facts, at: usize) -> bool {
    let socket = &facts.analysis.sockets[at];
    socket.is_stream() && socket.is_accepted()
}

/// True for a call by which a thread goes on to something else.
fn goes_on(span: &CallSpan) -> bool {
    use SyscallKind::{Accept, Connect, Recv, Send};
    let kind = span.call.kind();
    let waits = span.call.syscall.waits_for_many() && !span.call.syscall.only_looks();
    waits || [Accept, Connect, Recv, Send].contains(&kind)
}

/// The first of these calls of a thread, a sleep, if the thread answered one of these clients alone after it, and another had waited.
fn sleeps(
    facts: &Facts,
    thread: ThreadId,
    calls: &[usize],
    unanswered: &BTreeSet<usize>,
) -> Option<Finding> {
    let (&index, later) = calls.split_first()?;
    let sleep = facts.call(index);
    let (slept_ns, until_ns) = (sleep.took_ns(), sleep.returned_ns());
    if slept_ns < BLOCKED_NS || !facts.is_before_stop(until_ns) {
        return None;
    }
    let later = later.iter().map(|&index| facts.call(index));
    let later = later.take_while(|span| !span.call.syscall.sleeps()).filter(|span| goes_on(span));
    let mut answers = later.take_while(|span| span.is(SyscallKind::Send)).take(2);
    let client = answers.next()?.socket.filter(|at| unanswered.contains(at))?;
    if answers.any(|it| it.socket != Some(client)) {
        return None;
    }
    let is_alone = !shares_clients(facts, thread, client);
    let sent = facts.analysis.directions.iter().find_map(|direction| {
        let was_read = unanswered.contains(&direction.to);
        let is_other = direction.to != client && direction.sound && (was_read || is_alone);
        is_other.then(|| waited(facts, thread, sleep, direction, was_read)).flatten()
    });
    let rule = Rule::SleepBlocks { slept_ns };
    sent.map(|sent| Finding::new(facts, rule, vec![index, sent]))
}

/// True if another thread, or another process, receives from clients of the same listening socket: then a client waits for any of them.
fn shares_clients(facts: &Facts, thread: ThreadId, client: usize) -> bool {
    let sockets = &facts.analysis.sockets;
    let of_listener = |at: &usize| sockets[*at].origin == sockets[client].origin;
    (0..sockets.len()).filter(of_listener).any(|at| {
        facts.on(at).any(|(_, span)| span.receives() && (span.process, span.thread) != thread)
    })
}

/// What had come by this direction before the sleep was over, for this thread and nobody else to read, from a client that waited for
/// the answer: the first that was still to be read, or the last that the thread had read before it slept.
fn waited(
    facts: &Facts,
    thread: ThreadId,
    sleep: &CallSpan,
    direction: &Direction,
    was_read: bool,
) -> Option<usize> {
    let until_ns = sleep.returned_ns();
    let sockets = &facts.analysis.sockets;
    let is_client = matches!(sockets[direction.to].origin, Origin::Accept(Some(_)))
        && sockets[direction.from].process != thread.0;
    let sends = direction.sends.iter().zip(&direction.arrived).filter(|_| is_client);
    let mut waits = sends.filter_map(|(send, arrived_ns)| {
        let taker = direction.receives.iter().find(|piece| piece.end() > send.start)?;
        let taker = facts.call(taker.call);
        let is_due = if was_read {
            taker.entered_ns < sleep.entered_ns
        } else {
            taker.entered_ns >= until_ns
        };
        let is_own = (taker.process, taker.thread) == thread && is_due;
        if !is_own || *arrived_ns >= until_ns {
            return None;
        }
        let meanwhile = facts.entered(*arrived_ns, until_ns).iter();
        let waits_ns = meanwhile
            .filter(|span| span.process == sockets[direction.from].process)
            .filter(|span| span.returned_ns() >= until_ns)
            .filter(|span| span.receives() || span.call.syscall.waits_for_many())
            .find(|span| facts.waits_also_for(span).any(|at| at == direction.from))?
            .entered_ns;
        let since_ns = sleep.entered_ns.max(waits_ns);
        (until_ns - since_ns >= BLOCKED_NS).then_some(send.call)
    });
    if was_read { waits.next_back() } else { waits.next() }
}
