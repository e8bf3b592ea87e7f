//! Descriptors that are never closed.

use std::collections::BTreeMap;

use super::facts::Facts;
use super::{Finding, Rule};
use crate::analysis::Origin;

/// One connection that stays open may be an oversight without consequence; so many are a leak.
const LEAK: usize = 3;
/// Who closes a connection so long after its end does so because the program ends, in nanoseconds.
const LATE_NS: u64 = 1_000_000_000;

pub(super) fn find(facts: &Facts) -> Vec<Finding> {
    let mut by_process: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for (at, socket) in facts.analysis.sockets.iter().enumerate() {
        let Origin::Accept(Some(listener)) = socket.origin else { continue };
        if let Some((process, accept)) = forgotten(facts, at, listener) {
            by_process.entry(process).or_default().push(accept);
        }
    }
    let leaks = by_process.into_values().filter(|accepts| accepts.len() >= LEAK);
    leaks
        .map(|mut accepts| {
            accepts.sort_unstable();
            Finding::new(facts, Rule::NotClosed { sockets: accepts.len() }, accepts)
        })
        .collect()
}

/// The process and the accept() of a connection that it did not close, although the peer had closed it before the process
/// accepted its next.
fn forgotten(facts: &Facts, at: usize, listener: usize) -> Option<(u32, usize)> {
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
    let in_time = facts.closes(at, process).is_some_and(|at_ns| at_ns < ended_ns + LATE_NS);
    (went_on && !in_time).then_some((process, accept))
}
