//! Descriptors that are never closed.

use std::collections::{BTreeMap, BTreeSet};

use super::facts::Facts;
use super::{Finding, Rule};
use crate::analysis::{CallSpan, Origin};
use crate::trace::SyscallKind;

/// One connection that stays open may be an oversight without consequence; so many are a leak.
const LEAK: usize = 3;
/// Who closes a connection so long after its end, and then does nothing else, does so because the program ends, in nanoseconds.
const LATE_NS: u64 = 1_000_000_000;

/// A connection that a process did not close, although its peer had closed it.
struct Forgotten {
    socket: usize,
    accept: usize,
    /// True if the process accepted another connection afterwards.
    went_on: bool,
}

pub(super) fn find(facts: &Facts) -> Vec<Finding> {
    let mut by_process: BTreeMap<u32, Vec<Forgotten>> = BTreeMap::new();
    for (at, socket) in facts.analysis.sockets.iter().enumerate() {
        let Origin::Accept(Some(listener)) = socket.origin else { continue };
        if let Some(forgotten) = forgotten(facts, at, listener) {
            let process = facts.call(forgotten.accept).process;
            by_process.entry(process).or_default().push(forgotten);
        }
    }
    let mut all = kept_open(facts);
    let leaks = by_process
        .into_values()
        .filter(|all| all.iter().filter(|forgotten| forgotten.went_on).count() >= LEAK);
    all.extend(leaks.map(|all| {
        let mut accepts: Vec<usize> = all.iter().map(|forgotten| forgotten.accept).collect();
        accepts.sort_unstable();
        let is_shared = all.iter().any(|forgotten| {
            let process = facts.call(forgotten.accept).process;
            facts.on(forgotten.socket).any(|(_, span)| span.process != process)
        });
        Finding::new(facts, Rule::NotClosed { sockets: accepts.len(), is_shared }, accepts)
    }));
    all
}

/// Clients that waited, with all read that had been sent to them, for the end of a connection when the run was stopped: a child of the
/// process that accepted it has used it and closed it, and that process has it still, and never used it.
fn kept_open(facts: &Facts) -> Vec<Finding> {
    let Some(stopped_ns) = facts.stopped_ns else { return Vec::new() };
    let analysis = facts.analysis;
    let mut all = Vec::new();
    for one in facts.stuck().iter().filter(|one| facts.call(one.call).receives()) {
        let [client] = one.sockets[..] else { continue };
        let connection = analysis.connections.iter().find(|it| it.client == client);
        let direction = analysis.directions.iter().find(|it| it.to == client && it.sound);
        let (Some(connection), Some(direction)) = (connection, direction) else { continue };
        let parent = facts.call(connection.accept).process;
        let server = connection.server;
        let before = || facts.on(server).filter(|(_, span)| span.entered_ns < stopped_ns);
        let uses = |span: &CallSpan| span.receives() || span.is(SyscallKind::Send);
        let closes = |process: u32| {
            before().any(|(_, span)| span.is(SyscallKind::Close) && span.process == process)
        };
        let users: BTreeSet<u32> =
            before().filter(|(_, span)| uses(span)).map(|(_, span)| span.process).collect();
        let children_closed = !users.is_empty() && users.iter().all(|user| closes(*user));
        let is_read = direction.sent() == direction.received() && direction.end.is_none();
        let has_parent = facts.exit(parent).is_none_or(|(at_ns, _)| at_ns > stopped_ns);
        let keeps = has_parent && !users.contains(&parent) && !closes(parent);
        if children_closed && is_read && keeps {
            all.push(Finding::new(facts, Rule::KeptOpen, vec![connection.accept, one.call]));
        }
    }
    all
}

/// True if the process did something else than to close sockets after this time, before the run was stopped.
fn goes_on_after(facts: &Facts, process: u32, at_ns: u64) -> bool {
    use SyscallKind::{Accept, Connect, Recv, Send};
    facts.entered(at_ns, facts.stopped_ns.unwrap_or(u64::MAX)).iter().any(|span| {
        span.process == process && [Accept, Connect, Recv, Send].contains(&span.call.kind())
    })
}

/// When the peer of this socket closed the connection. A peer that only says that it sends no more (shutdown(), which looks the same
/// from here) may want to hear an answer: one that is not in the recording has closed if none was sent since.
fn peer_closed_ns(facts: &Facts, at: usize, peer: Option<usize>) -> Option<u64> {
    if let Some(peer) = peer {
        return facts.analysis.sockets[peer].closed_ns;
    }
    let heard = facts.on(at).find(|(_, span)| span.receives() && span.result() == Some(0));
    let ended_ns = heard?.1.returned_ns();
    let answered =
        facts.on(at).any(|(_, span)| span.is(SyscallKind::Send) && span.returned_ns() > ended_ns);
    (!answered).then_some(ended_ns)
}

/// Whether this connection was not closed before its process accepted the next, or had had time enough.
fn forgotten(facts: &Facts, at: usize, listener: usize) -> Option<Forgotten> {
    let socket = &facts.analysis.sockets[at];
    let accepts =
        || facts.on(listener).filter(|(index, _)| facts.analysis.accepted_by(*index).is_some());
    let (accept, accepting) =
        accepts().find(|(index, _)| facts.analysis.accepted_by(*index) == Some(at))?;
    let ended_ns = peer_closed_ns(facts, at, socket.other_end)?;
    let process = accepting.process;
    let went_on =
        accepts().any(|(_, span)| span.process == process && span.returned_ns() > ended_ns);
    let left_ns = facts.exit(process).map_or(facts.end_ns, |(at_ns, _)| at_ns);
    let had_time =
        !facts.is_stepped && left_ns.min(facts.stopped_ns.unwrap_or(left_ns)) > ended_ns + LATE_NS;
    let in_time = facts.closes(at, process).is_some_and(|at_ns| {
        facts.is_stepped || at_ns < ended_ns + LATE_NS || goes_on_after(facts, process, at_ns)
    });
    ((went_on || had_time) && !in_time).then_some(Forgotten { socket: at, accept, went_on })
}
