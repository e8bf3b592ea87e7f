//! select(), poll() and epoll: what they said was not heeded.

use std::collections::HashMap;

use super::facts::{Facts, STUCK_NS, ThreadId};
use super::spinning::usual_gap;
use super::{Finding, Readiness, Rule};
use crate::analysis::CallSpan;
use crate::trace::{Output, Syscall, SyscallKind};

/// So often in a row, and no less often than this, is a loop that nobody meant.
const TIMES: usize = 20;
const GAP_NS: u64 = 5_000_000;
/// A call that took longer than this waited for something that was not ready, in nanoseconds.
const WAITED_NS: u64 = 10_000_000;

pub(super) fn find(facts: &Facts) -> Vec<Finding> {
    let threads = facts.threads();
    let mut found: Vec<Finding> = threads
        .flat_map(|(thread, calls)| {
            let mut all = ignored(facts, thread, calls);
            all.extend(not_ready(facts, calls));
            all
        })
        .collect();
    found.extend(edges(facts));
    found
}

/// Sockets watched with EPOLLET by a thread that was waiting in epoll_wait() when the run was stopped, though bytes were unread on them:
/// it took a part, and only what comes later will wake it.
fn edges(facts: &Facts) -> Vec<Finding> {
    let Some(stopped_ns) = facts.stopped_ns else { return Vec::new() };
    let mut all = Vec::new();
    for one in facts.stuck() {
        let waiting = facts.call(one.call);
        if !matches!(waiting.call.syscall, Syscall::EpollWait { .. }) {
            continue;
        }
        for &socket in &one.sockets {
            let mut to = facts.analysis.directions.iter();
            let Some(direction) = to.find(|it| it.to == socket && it.sound) else { continue };
            let sent = direction.sends.iter().rfind(|send| {
                facts.call(send.call).returned_ns().saturating_add(STUCK_NS) <= stopped_ns
            });
            let unread = sent.map_or(0, |it| it.end()).saturating_sub(direction.received());
            let receives = || facts.on(socket).filter(|(_, span)| span.receives());
            let last = receives().next_back();
            let by_it = receives().all(|(_, span)| (span.process, span.thread) == one.thread);
            let took = last.filter(|(_, span)| span.taken().is_some_and(|bytes| bytes > 0));
            if let Some((last, _)) = took
                && unread > 0
                && by_it
                && is_edge_triggered(facts, waiting, socket)
            {
                let rule = Rule::EdgeLeftUnread { unread };
                all.push(Finding::new(facts, rule, vec![last, one.call]));
            }
        }
    }
    all
}

/// True if the epoll that this call waits for was last told to watch the socket with EPOLLET.
fn is_edge_triggered(facts: &Facts, waiting: &CallSpan, socket: usize) -> bool {
    let before = facts.entered(0, waiting.entered_ns).iter().rev();
    let mut told = before.filter_map(|span| match &span.call.syscall {
        Syscall::EpollCtl { watched, events: Some(events), .. }
            if (span.process, span.call.fd) == (waiting.process, waiting.call.fd)
                && facts.socket_of(span.process, *watched, span.entered_ns) == Some(socket) =>
        {
            Some(events.contains("EPOLLET"))
        }
        _ => None,
    });
    told.next() == Some(true)
}

/// One descriptor that was said to be ready each time, and that nobody touched.
struct Untouched {
    calls: Vec<usize>,
    events: Readiness,
}

fn ignored(facts: &Facts, (process, _): ThreadId, calls: &[usize]) -> Vec<Finding> {
    let mut all = Vec::new();
    let mut rows: HashMap<i64, Untouched> = HashMap::new();
    let mut before_ns = 0;
    for &index in calls.iter().filter(|&&index| facts.call(index).call.syscall.waits_for_many()) {
        let span = facts.call(index);
        let ready: Vec<(i64, Readiness)> = ready(span).collect();
        let touched = |fd: i64| {
            let meanwhile = facts.entered(before_ns, span.returned_ns());
            meanwhile.iter().any(|other| other.process == process && touches(facts, other, fd))
        };
        rows.retain(|fd, row| {
            let again = ready.iter().any(|(other, events)| other == fd && *events == row.events);
            let goes_on = again && !touched(*fd);
            if !goes_on {
                all.extend(row.finding(facts));
            }
            goes_on
        });
        for (fd, events) in ready {
            let row = rows.entry(fd).or_insert_with(|| Untouched { calls: Vec::new(), events });
            row.calls.push(index);
        }
        before_ns = span.returned_ns();
    }
    all.extend(rows.values().filter_map(|row| row.finding(facts)));
    all
}

/// True if all that the call said is known: a long list is cut.
pub(super) fn all_shown(span: &CallSpan) -> bool {
    span.exit.is_none() || span.result() == i64::try_from(ready(span).count()).ok()
}

/// The sockets that the call said are ready.
pub(super) fn ready(span: &CallSpan) -> impl Iterator<Item = (i64, Readiness)> {
    let listed = span.exit.iter().filter_map(|exit| match &exit.out {
        Output::Ready(list) => Some(&list.shown),
        _ => None,
    });
    listed.flatten().filter_map(|(fd, events)| {
        let reading = ["IN", "HUP", "ERR", "PRI"].iter().any(|event| events.contains(event));
        let writing = events.contains("OUT");
        (reading || writing)
            .then_some((*fd, if reading { Readiness::Reading } else { Readiness::Writing }))
    })
}

/// True if the call does something with that descriptor, or changes what it is watched for.
fn touches(facts: &Facts, span: &CallSpan, fd: i64) -> bool {
    let same = |other: i64| {
        let now = |fd| facts.socket_of(span.process, fd, span.entered_ns);
        other == fd || (now(fd).is_some() && now(fd) == now(other))
    };
    match &span.call.syscall {
        Syscall::EpollCtl { watched, .. } => same(*watched),
        syscall if syscall.waits_for_many() || syscall.only_asks() => false,
        _ => span.call.fd.is_some_and(same),
    }
}

impl Untouched {
    fn finding(&self, facts: &Facts) -> Option<Finding> {
        let times = self.calls.len();
        let rule = Rule::ReadyIgnored { times, events: self.events };
        let is_loop = times >= TIMES && usual_gap(facts, &self.calls) <= GAP_NS;
        is_loop.then(|| Finding::new(facts, rule, vec![self.calls[0]]))
    }
}

/// Calls that blocked on a socket which the readiness call before them had watched, and had not said to be ready.
fn not_ready(facts: &Facts, calls: &[usize]) -> Vec<Finding> {
    let mut all = Vec::new();
    let mut asked: Option<usize> = None;
    for &index in calls {
        let span = facts.call(index);
        if span.call.syscall.waits_for_many() {
            asked = Some(index).filter(|_| span.result().is_some_and(|count| count > 0));
            continue;
        }
        let (Some(asked), Some(socket)) = (asked, span.socket) else { continue };
        let waits = matches!(span.call.kind(), SyscallKind::Recv | SyscallKind::Accept);
        let until_ns = span.returned_ns().min(facts.stopped_ns.unwrap_or(facts.end_ns));
        let waited_ns = until_ns.saturating_sub(span.entered_ns);
        let asking = facts.call(asked);
        let is_ready = ready(asking)
            .any(|(fd, _)| facts.socket_of(asking.process, fd, asking.entered_ns) == Some(socket));
        if waits
            && !span.nonblocking
            && waited_ns >= WAITED_NS
            && all_shown(asking)
            && !is_ready
            && reads(facts, asking).contains(&socket)
        {
            let rule = Rule::NotReady { waited_ns };
            all.push(Finding::new(facts, rule, vec![index, asked]));
        }
    }
    all
}

/// The sockets that this call watches to read from them.
fn reads(facts: &Facts, asking: &CallSpan) -> Vec<usize> {
    let watched: Vec<i64> = match &asking.call.syscall {
        Syscall::Select { read, .. } => read.shown.clone(),
        Syscall::Poll { watched, .. } => watched
            .shown
            .iter()
            .filter(|(_, events)| events.contains("IN"))
            .map(|it| it.0)
            .collect(),
        _ => Vec::new(),
    };
    let socket = |fd| facts.socket_of(asking.process, fd, asking.entered_ns);
    watched.into_iter().filter_map(socket).collect()
}
