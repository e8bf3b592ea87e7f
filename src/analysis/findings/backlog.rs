//! Connections for which the server's queue had no room.

use super::facts::Facts;
use super::readiness::{all_shown, ready};
use super::waiting::{Accepted, connects};
use super::{Finding, Rule};
use crate::analysis::found_ready::SYN_AGAIN_NS;
use crate::analysis::{BLOCKED_NS, CallSpan};
use crate::trace::{EpollOperation, Syscall, SyscallKind};

/// A connect(), and what is known of when there was a connection.
struct Attempt<'f> {
    index: usize,
    span: &'f CallSpan,
    listener: usize,
    /// Until then there was none.
    until_ns: u64,
    /// By then there was one, or the program had given up.
    by_ns: u64,
}

/// connect() that waited while as many connections as the queue holds were waiting to be accepted.
pub(super) fn full(facts: &Facts, accepted: &Accepted) -> Vec<Finding> {
    let all: Vec<Attempt> = connects(facts)
        .map(|(index, span, listener)| {
            let (until_ns, by_ns) = connected_ns(facts, index, span);
            Attempt { index, span, listener, until_ns, by_ns }
        })
        .collect();
    let full = all.iter().filter_map(|late| {
        let backlog = facts.analysis.sockets[late.listener].backlog?;
        let entered_ns = late.span.entered_ns;
        let waited_ns = late.until_ns.saturating_sub(entered_ns);
        if waited_ns < SYN_AGAIN_NS {
            return None;
        }
        let waiting = all.iter().filter(|other| {
            other.listener == late.listener
                && other.is_in_queue_by(late)
                && accepted
                    .get(&other.index)
                    .is_none_or(|accept| facts.call(*accept).returned_ns() > entered_ns)
        });
        let (_, listen) = facts.on(late.listener).find(|(_, span)| span.is(SyscallKind::Listen))?;
        // The queue holds one more than it was asked for (Linux `include/net/sock.h`).
        let is_full =
            i64::try_from(waiting.count()).ok()? > backlog && listen.entered_ns < entered_ns;
        let rule = Rule::FullBacklog { backlog, waited_ns };
        is_full.then(|| Finding::new(facts, rule, vec![late.index]))
    });
    full.collect()
}

impl Attempt<'_> {
    /// True if there was room for it, and the other was made after that. Where a connect() returns before there is a connection, the
    /// queue had it at once if no SYN had to be sent again.
    fn is_in_queue_by(&self, other: &Attempt) -> bool {
        let entered_ns = self.span.entered_ns;
        if self.span.is_under_way() {
            let at_once = self.by_ns.saturating_sub(entered_ns) < SYN_AGAIN_NS;
            self.span.connected() && at_once && self.index < other.index
        } else {
            self.span.result().is_some() && self.by_ns <= other.span.entered_ns
        }
    }
}

/// Until when there was no connection, and by when there was. One that goes on after connect() has returned is there when a call that
/// waited for it returns, and is not yet when such a call returns with something else.
fn connected_ns(facts: &Facts, index: usize, span: &CallSpan) -> (u64, u64) {
    let stopped_ns = facts.stopped_ns.unwrap_or(facts.end_ns);
    if !span.is_under_way() {
        let returned_ns = span.returned_ns().min(stopped_ns);
        return (returned_ns, returned_ns);
    }
    let Some(socket) = span.socket else { return (0, u64::MAX) };
    let uses = |next: &CallSpan| match next.call.kind() {
        SyscallKind::Send | SyscallKind::Recv => !next.fails_for_now(),
        kind => matches!(kind, SyscallKind::Shutdown | SyscallKind::Close),
    };
    let used = facts.on(socket).find(|(other, next)| *other > index && uses(next));
    let by_ns = used.map_or(u64::MAX, |(_, next)| next.entered_ns).min(stopped_ns);
    if by_ns.saturating_sub(span.entered_ns) < SYN_AGAIN_NS {
        return (0, by_ns);
    }
    let watching = Watching::of(facts, socket, span, by_ns);
    let mut waits: Vec<&CallSpan> = waits(facts, span, by_ns);
    waits.sort_by_key(|wait| wait.returned_ns());
    let mut until_ns = 0;
    for wait in waits.into_iter().filter(|wait| watching.is_by(wait) && all_shown(wait)) {
        if ready(wait).any(|(fd, _)| Some(fd) == span.call.fd) {
            let returned_ns = wait.returned_ns();
            let has_waited = wait.took_ns() >= BLOCKED_NS;
            return (if has_waited { returned_ns } else { until_ns }, returned_ns);
        }
        until_ns = wait.returned_ns().min(by_ns);
    }
    (until_ns, by_ns)
}

/// The calls of this connect()'s process that wait for several sockets, from its return to this time.
fn waits<'f>(facts: &'f Facts, span: &CallSpan, until_ns: u64) -> Vec<&'f CallSpan> {
    let threads = facts.threads().filter(|(thread, _)| thread.0 == span.process);
    let of_thread = threads.flat_map(|(_, calls)| {
        let before = calls.partition_point(|&call| facts.call(call).entered_ns < span.entered_ns);
        let calls = calls[before.saturating_sub(1)..].iter().map(|&call| facts.call(call));
        calls.take_while(|call| call.entered_ns < until_ns)
    });
    of_thread
        .filter(|call| call.call.syscall.waits_for_many())
        .filter(|call| call.returned_ns() > span.returned_ns())
        .collect()
}

/// Since when which epoll watches a socket that is to become writable.
struct Watching<'f> {
    fd: Option<i64>,
    told: Vec<&'f CallSpan>,
}

impl<'f> Watching<'f> {
    fn of(facts: &Facts<'f>, socket: usize, connect: &CallSpan, until_ns: u64) -> Watching<'f> {
        let calls = facts.entered(connect.entered_ns, until_ns).iter();
        let told = calls.filter(|span| {
            let Syscall::EpollCtl { watched, .. } = &span.call.syscall else { return false };
            span.process == connect.process
                && facts.socket_of(span.process, *watched, span.entered_ns) == Some(socket)
        });
        Watching { fd: connect.call.fd, told: told.collect() }
    }

    /// True if this call was told when the socket became writable.
    fn is_by(&self, wait: &CallSpan) -> bool {
        match &wait.call.syscall {
            Syscall::Select { write, .. } => write.shown.iter().any(|fd| Some(*fd) == self.fd),
            Syscall::Poll { watched, .. } => watched
                .shown
                .iter()
                .any(|(fd, events)| Some(*fd) == self.fd && events.contains("OUT")),
            Syscall::EpollWait { .. } => {
                let before = self.told.iter().rev().filter(|told| {
                    told.call.fd == wait.call.fd
                        && told.result().is_some()
                        && told.returned_ns() < wait.returned_ns()
                });
                let last = before.map(|told| &told.call.syscall).next();
                matches!(last, Some(Syscall::EpollCtl { operation, events: Some(events), .. })
                    if *operation != EpollOperation::Delete && events.contains("OUT"))
            }
            _ => false,
        }
    }
}
