//! Descriptors that are never closed.

use std::collections::BTreeMap;

use super::facts::Facts;
use super::{Finding, Rule};
use crate::analysis::Origin;

/// One connection that stays open may be an oversight without consequence; so many are a leak.
const LEAK: usize = 3;
/// Who closes a connection so long after its end does so because the program ends, in nanoseconds.
const LATE_NS: u64 = 1_000_000_000;

/// A connection that a process did not close, although its peer had closed it.
struct Forgotten {
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
    let leaks = by_process
        .into_values()
        .filter(|all| all.iter().filter(|forgotten| forgotten.went_on).count() >= LEAK);
    leaks
        .map(|all| {
            let mut accepts: Vec<usize> = all.iter().map(|forgotten| forgotten.accept).collect();
            accepts.sort_unstable();
            Finding::new(facts, Rule::NotClosed { sockets: accepts.len() }, accepts)
        })
        .collect()
}

/// Whether this connection was not closed before its process accepted the next, or had had time enough.
fn forgotten(facts: &Facts, at: usize, listener: usize) -> Option<Forgotten> {
    let socket = &facts.analysis.sockets[at];
    let accepts =
        || facts.on(listener).filter(|(index, _)| facts.analysis.accepted_by(*index).is_some());
    let (accept, accepting) =
        accepts().find(|(index, _)| facts.analysis.accepted_by(*index) == Some(at))?;
    let heard = facts.on(at).find(|(_, span)| span.receives() && span.result() == Some(0));
    let peer_closed_ns = socket.other_end.and_then(|peer| facts.analysis.sockets[peer].closed_ns);
    let ended_ns = heard.map(|(_, span)| span.returned_ns()).or(peer_closed_ns)?;
    let process = accepting.process;
    let went_on =
        accepts().any(|(_, span)| span.process == process && span.returned_ns() > ended_ns);
    let left_ns = facts.exit(process).map_or(facts.end_ns, |(at_ns, _)| at_ns);
    let had_time =
        !facts.is_stepped && left_ns.min(facts.stopped_ns.unwrap_or(left_ns)) > ended_ns + LATE_NS;
    let in_time = facts
        .closes(at, process)
        .is_some_and(|at_ns| facts.is_stepped || at_ns < ended_ns + LATE_NS);
    ((went_on || had_time) && !in_time).then_some(Forgotten { accept, went_on })
}
