//! Servers that sleep before they answer one client, while others wait.

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
    let mut serves = None;
    for &index in calls {
        let span = facts.call(index);
        if span.call.syscall.sleeps() {
            slept += 1;
            if slept > received {
                return Vec::new();
            }
            all.extend(serves.and_then(|client| sleeps(facts, thread, index, client)));
        } else if span.receives() && span.result().is_some_and(|bytes| bytes > 0) {
            received += 1;
            serves = span.socket.filter(|at| {
                let socket = &facts.analysis.sockets[*at];
                socket.is_stream() && socket.is_accepted()
            });
        } else if goes_on(span) && !span.is(SyscallKind::Accept) {
            serves = None;
        }
    }
    all
}

/// True for a call by which a thread goes on to something else.
fn goes_on(span: &CallSpan) -> bool {
    use SyscallKind::{Accept, Connect, Recv, Send};
    let kind = span.call.kind();
    let waits = span.call.syscall.waits_for_many() && !span.call.syscall.only_looks();
    waits || [Accept, Connect, Recv, Send].contains(&kind)
}

/// This sleep, if the thread answered this client alone after it, and another client had waited.
fn sleeps(facts: &Facts, thread: ThreadId, index: usize, client: usize) -> Option<Finding> {
    let sleep = facts.call(index);
    let (slept_ns, until_ns) = (sleep.took_ns(), sleep.returned_ns());
    if slept_ns < BLOCKED_NS || !facts.is_before_stop(until_ns) {
        return None;
    }
    let later = facts.after_by_thread(index).map(|(_, span)| span).filter(|span| goes_on(span));
    let answers: Vec<&CallSpan> =
        later.take_while(|span| span.is(SyscallKind::Send)).take(2).collect();
    let answers_it = !answers.is_empty() && answers.iter().all(|it| it.socket == Some(client));
    let sent = facts.analysis.directions.iter().find_map(|direction| {
        let is_other = direction.to != client && direction.sound;
        is_other.then(|| waited(facts, thread, sleep, direction)).flatten()
    });
    let rule = Rule::SleepBlocks { slept_ns };
    answers_it.then_some(sent).flatten().map(|sent| Finding::new(facts, rule, vec![index, sent]))
}

/// What had come by this direction before the sleep was over, for this thread and nobody else to read, from a client that waited for
/// the answer.
fn waited(
    facts: &Facts,
    thread: ThreadId,
    sleep: &CallSpan,
    direction: &Direction,
) -> Option<usize> {
    let until_ns = sleep.returned_ns();
    let sockets = &facts.analysis.sockets;
    let is_client = matches!(sockets[direction.to].origin, Origin::Accept(Some(_)))
        && sockets[direction.from].process != thread.0;
    let mut sends = direction.sends.iter().zip(&direction.arrived).filter(|_| is_client);
    sends.find_map(|(send, arrived_ns)| {
        let taker = direction.receives.iter().find(|piece| piece.end() > send.start)?;
        let taker = facts.call(taker.call);
        let is_own = (taker.process, taker.thread) == thread && taker.entered_ns >= until_ns;
        if !is_own || *arrived_ns >= until_ns {
            return None;
        }
        let meanwhile = facts.entered(*arrived_ns, until_ns).iter();
        let waits_ns = meanwhile
            .filter(|span| span.process == sockets[direction.from].process)
            .filter(|span| span.returned_ns() >= until_ns)
            .filter(|span| span.receives() || span.call.syscall.waits_for_many())
            .find(|span| facts.waits_also_for(span, direction.from))?
            .entered_ns;
        let since_ns = sleep.entered_ns.max(waits_ns);
        (until_ns - since_ns >= BLOCKED_NS).then_some(send.call)
    })
}
