//! Addresses: taken, or nobody's, or one's own.

use std::collections::{BTreeMap, BTreeSet};

use super::facts::Facts;
use super::{Finding, Holder, Nearby, Rule, by_length};
use crate::analysis::address::plain;
use crate::analysis::{CallSpan, Socket};
use crate::trace::{Address, ExitStatus, Syscall, SyscallKind};

/// Who tries so many addresses looks for one: that nobody is there is an answer.
const SEARCH: usize = 4;

pub(super) fn find(facts: &Facts) -> Vec<Finding> {
    let mut all = in_use(facts);
    all.extend(nobody_listens(facts));
    all.extend(facts.analysis.sockets.iter().filter_map(|socket| {
        let (connect, _) = *socket.connects.last().as_ref()?;
        let local = socket.local.as_ref().filter(|local| plain(local).is_some())?;
        let itself = socket.is_stream() && socket.peer.as_ref() == Some(local);
        let rule = Rule::SelfConnect { address: local.clone() };
        itself.then(|| Finding::new(facts, rule, vec![*connect]))
    }));
    all
}

/// bind() and listen() that failed because the address is in use, by processes that found no other.
fn in_use(facts: &Facts) -> Vec<Finding> {
    let mut all = Vec::new();
    for (index, span) in facts.analysis.calls.iter().enumerate() {
        let (Some("EADDRINUSE"), Some(at), false) =
            (span.errno(), span.socket, span.call.is_instrument())
        else {
            continue;
        };
        let socket = &facts.analysis.sockets[at];
        let own = match &span.call.syscall {
            Syscall::Bind { address } => Some(address),
            Syscall::Listen { .. } => socket.local.as_ref(),
            _ => None,
        };
        let Some(address) = own else { continue };
        let found_another = facts.analysis.calls[index..].iter().any(|later| {
            let same = |other: usize| facts.analysis.sockets[other].kind == socket.kind;
            later.process == span.process
                && later.is(span.call.kind())
                && later.result().is_some()
                && later.socket.is_some_and(same)
        });
        if !found_another {
            let holder = holder(facts, at, address, span);
            let rule = Rule::AddressInUse { address: address.clone(), holder };
            all.push(Finding::new(facts, rule, vec![index]));
        }
    }
    all
}

fn holder(facts: &Facts, own: usize, address: &Address, span: &CallSpan) -> Holder {
    let own_socket = &facts.analysis.sockets[own];
    let others: Vec<&Socket> = facts
        .analysis
        .sockets
        .iter()
        .enumerate()
        .filter(|(at, other)| {
            let is_there =
                other.local.as_ref().is_some_and(|local| match (plain(local), plain(address)) {
                    (Some(local), Some(asked)) => local.port() == asked.port(),
                    _ => local == address,
                });
            *at != own
                && is_there
                && (&other.kind, other.host) == (&own_socket.kind, own_socket.host)
                && other.opened_ns <= span.entered_ns
        })
        .map(|(_, other)| other)
        .collect();
    let is_open = |closed: Option<u64>| closed.is_none_or(|at_ns| at_ns > span.entered_ns);
    let open = others.iter().rfind(|other| is_open(other.closed_ns));
    let closed = others.iter().rfind(|other| other.is_stream() && other.peer.is_some());
    match (open, closed) {
        (Some(open), _) => Holder::Open(open.owner.clone()),
        (None, Some(closed)) => Holder::Closed(closed.owner.clone()),
        (None, None) => Holder::Unknown,
    }
}

/// Attempts to reach an address at which nobody listened, by processes that reached nobody at that port later.
fn nobody_listens(facts: &Facts) -> Vec<Finding> {
    let mut refused: BTreeMap<u32, Vec<(usize, &Address)>> = BTreeMap::new();
    for (index, span) in facts.analysis.calls.iter().enumerate() {
        let at = span.socket.filter(|_| !span.call.is_instrument());
        let was_refused = span.errno() == Some("ECONNREFUSED");
        if let Some(asked) = at.filter(|_| was_refused).and_then(|at| asked(facts, at, index)) {
            refused.entry(span.process).or_default().push((index, asked));
        }
    }
    let mut all = Vec::new();
    for attempts in refused.values() {
        let places: BTreeSet<String> = attempts.iter().map(|(_, to)| to.to_string()).collect();
        if places.len() >= SEARCH {
            continue;
        }
        for (index, asked) in attempts {
            let span = facts.call(*index);
            let reached = facts.analysis.calls[*index..].iter().any(|later| {
                let connects = matches!(&later.call.syscall, Syscall::Connect { address } if address.port() == asked.port());
                later.process == span.process && connects && later.result().is_some()
            });
            let nearby = nearby(facts, asked, span);
            let failed = facts.exit(span.process).is_some_and(|(_, status)| {
                !matches!(status, ExitStatus::Code(0) | ExitStatus::Signal(_))
            });
            if !reached && (nearby.is_some() || failed) {
                let rule = Rule::NobodyListens { address: (*asked).clone(), nearby };
                all.push(Finding::new(facts, rule, vec![*index]));
            }
        }
    }
    all
}

/// The address that was asked for in vain when this call failed.
fn asked<'a>(facts: &Facts<'a>, socket: usize, failed: usize) -> Option<&'a Address> {
    let mut before = facts.on(socket).filter(|(index, _)| *index <= failed);
    let connect = before.rfind(|(_, span)| span.is(SyscallKind::Connect))?;
    connect.1.call.syscall.address()
}

/// Who listens at that port under another address, at that address in another port, or there a little later.
fn nearby(facts: &Facts, asked: &Address, span: &CallSpan) -> Option<Nearby> {
    let own = span.socket.map(|at| &facts.analysis.sockets[at]);
    let kind = own.and_then(|own| own.kind.clone());
    let mut found: Vec<(u64, Nearby)> = Vec::new();
    for (at, socket) in facts.analysis.sockets.iter().enumerate() {
        let serves =
            if socket.is_stream() { socket.backlog.is_some() } else { socket.peer.is_none() };
        let Some(local) = socket.local.as_ref().filter(|_| serves && socket.kind == kind) else {
            continue;
        };
        let begins =
            |kind| facts.on(at).find(|(_, span)| span.is(kind)).map(|(_, span)| span.returned_ns());
        let Some(since_ns) = begins(SyscallKind::Listen).or_else(|| begins(SyscallKind::Bind))
        else {
            continue;
        };
        let gone = socket.closed_ns.is_some_and(|closed_ns| closed_ns <= span.entered_ns);
        let here = own.is_some_and(|own| socket.is_reached(asked, own));
        let same_port = asked.port() == local.port() && asked.port().is_some();
        let closeness = match (here, same_port) {
            (true, _) => 3,
            (false, true) => 2,
            (false, false) => 1,
        };
        // Whoever begins elsewhere later is no neighbour.
        let later_ns = since_ns.saturating_sub(span.entered_ns);
        if gone || here != (later_ns > 0) {
            continue;
        }
        found.push((
            closeness,
            Nearby { who: socket.owner.clone(), address: local.clone(), later_ns },
        ));
    }
    by_length(&mut found, |(closeness, _)| *closeness);
    found.into_iter().next().map(|(_, nearby)| nearby)
}
