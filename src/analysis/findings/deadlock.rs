//! Everybody waits for everybody.

use std::collections::BTreeSet;

use super::facts::{Facts, Stuck, ThreadId};
use super::{Finding, Rule};
use crate::analysis::Fate;
use crate::trace::{SocketType, SyscallKind};

pub(super) fn find(facts: &Facts) -> Vec<Finding> {
    let stuck = facts.stuck();
    let mut all = circles(facts, &stuck);
    all.extend(accepts(facts, &stuck));
    all.extend(datagrams(facts, &stuck));
    all.extend(instead_of_recv(facts, &stuck));
    all
}

/// Groups of threads each of which waits for a socket of which the other end is in the hands of the group alone.
fn circles(facts: &Facts, stuck: &[Stuck]) -> Vec<Finding> {
    let wakers = |one: &Stuck| -> Option<BTreeSet<ThreadId>> {
        let ends = one.sockets.iter().map(|&at| facts.analysis.sockets[at].other_end);
        let threads = ends.map(|end| Some(users(facts, end?)));
        let all: BTreeSet<ThreadId> =
            threads.collect::<Option<Vec<_>>>()?.into_iter().flatten().collect();
        (!all.is_empty()).then_some(all)
    };
    let mut waiting: Vec<(&Stuck, BTreeSet<ThreadId>)> =
        stuck.iter().filter_map(|one| Some((one, wakers(one)?))).collect();
    loop {
        let members: BTreeSet<ThreadId> = waiting.iter().map(|(one, _)| one.thread).collect();
        let before = waiting.len();
        waiting.retain(|(_, wakers)| wakers.is_subset(&members));
        if waiting.len() == before {
            break;
        }
    }
    let mut all = Vec::new();
    while let Some((first, wakers)) = waiting.pop() {
        let mut group = vec![first];
        let mut threads = wakers;
        threads.insert(first.thread);
        loop {
            let (near, far): (Vec<_>, Vec<_>) = waiting.into_iter().partition(|(one, wakers)| {
                threads.contains(&one.thread) || !threads.is_disjoint(wakers)
            });
            waiting = far;
            if near.is_empty() {
                break;
            }
            for (one, wakers) in near {
                threads.insert(one.thread);
                threads.extend(wakers);
                group.push(one);
            }
        }
        all.extend(circle(facts, &group));
    }
    all
}

/// The threads that were alive when the run was stopped and have used this socket, and not only asked for its address as an accept() in
/// Python does, but for those of processes that had closed it; if nobody has, those of the process that accepted it.
fn users(facts: &Facts, socket: usize) -> Vec<ThreadId> {
    let stopped_ns = facts.stopped_ns.unwrap_or(facts.end_ns);
    let alive: Vec<ThreadId> = facts.alive(stopped_ns).collect();
    let used = |thread: &ThreadId| {
        facts.on(socket).any(|(_, span)| {
            (span.process, span.thread) == *thread
                && span.entered_ns <= stopped_ns
                && !span.call.syscall.only_asks()
        }) && facts.closes(socket, thread.0).is_none()
    };
    let users: Vec<ThreadId> = alive.iter().copied().filter(used).collect();
    if !users.is_empty() {
        return users;
    }
    let mut calls = facts.analysis.calls.iter().enumerate();
    let process = calls.find(|(index, _)| facts.analysis.accepted_by(*index) == Some(socket));
    let accepted = process.map(|(_, span)| span.process);
    alive.into_iter().filter(|thread| Some(thread.0) == accepted).collect()
}

fn circle(facts: &Facts, group: &[&Stuck]) -> Option<Finding> {
    let mut calls: Vec<usize> = group.iter().map(|one| one.call).collect();
    calls.sort_by_key(|&index| facts.call(index).entered_ns);
    let is = |kind| calls.iter().all(|&index| facts.call(index).is(kind));
    let waiting = calls.len();
    let rule = if is(SyscallKind::Send) {
        Rule::AllSend { waiting }
    } else if calls.iter().any(|&index| facts.call(index).is(SyscallKind::Send)) {
        Rule::AllWait { waiting }
    } else {
        Rule::AllReceive { waiting }
    };
    // Bytes that have come end a recv(); and a thread of the same programs that waits elsewhere may yet send something, unless
    // one of the group is waiting for an answer to what the other has read.
    let receiving = group.iter().filter(|one| !facts.call(one.call).is(SyscallKind::Send));
    let certain = receiving.flat_map(|one| &one.sockets).all(|&socket| !has_unread(facts, socket));
    let alone = !others(facts, group);
    let asked = group.iter().flat_map(|one| &one.sockets).any(|&socket| was_asked(facts, socket));
    let sends = !matches!(rule, Rule::AllReceive { .. });
    (waiting > 1 && certain && (alone || asked || sends)).then(|| Finding::new(facts, rule, calls))
}

/// True if something was sent to this socket that it has not read.
fn has_unread(facts: &Facts, socket: usize) -> bool {
    let mut to = facts.analysis.directions.iter().filter(|it| it.to == socket);
    to.any(|it| !it.sound || it.sent() > it.received() || it.end.is_some())
}

/// True if the last that went over this socket's connection was what it sent, and that has been read.
fn was_asked(facts: &Facts, socket: usize) -> bool {
    let last = |from: bool| {
        let direction = facts
            .analysis
            .directions
            .iter()
            .find(|it| if from { it.from } else { it.to } == socket);
        direction.and_then(|it| it.sends.last()).map(|send| facts.call(send.call).entered_ns)
    };
    last(true).is_some() && last(true) > last(false)
}

/// True if these threads' processes have other threads that were alive and wait for no thread of theirs.
fn others(facts: &Facts, group: &[&Stuck]) -> bool {
    let stopped_ns = facts.stopped_ns.unwrap_or(facts.end_ns);
    let in_group = |thread: &ThreadId| group.iter().any(|one| one.thread == *thread);
    let processes: BTreeSet<u32> = group.iter().map(|one| one.thread.0).collect();
    let mut alive = facts.alive(stopped_ns);
    alive.any(|thread| {
        processes.contains(&thread.0)
            && !in_group(&thread)
            && !facts.waits_for_threads(thread, stopped_ns)
    })
}

/// Several processes, and every thread of each waits in accept(): nobody connects.
fn accepts(facts: &Facts, stuck: &[Stuck]) -> Option<Finding> {
    let stopped_ns = facts.stopped_ns?;
    let waits = |thread: ThreadId| {
        stuck.iter().any(|one| one.thread == thread && facts.call(one.call).is(SyscallKind::Accept))
    };
    let all = facts
        .alive(stopped_ns)
        .all(|thread| waits(thread) || facts.waits_for_threads(thread, stopped_ns));
    let processes: BTreeSet<u32> = stuck.iter().map(|one| one.thread.0).collect();
    let tried = facts
        .analysis
        .calls
        .iter()
        .any(|span| span.is(SyscallKind::Connect) && !span.call.is_instrument());
    let calls: Vec<usize> = stuck.iter().map(|one| one.call).collect();
    let rule = Rule::AllAccept { waiting: processes.len() };
    (all && processes.len() > 1 && !tried).then(|| Finding::new(facts, rule, calls))
}

/// Several processes, and every thread of each waits for a datagram: all that were sent have been received.
fn datagrams(facts: &Facts, stuck: &[Stuck]) -> Option<Finding> {
    let stopped_ns = facts.stopped_ns?;
    let is_datagram = |at: &usize| {
        let socket = &facts.analysis.sockets[*at];
        socket.kind == Some(SocketType::Datagram) && socket.other_end.is_none()
    };
    let waits = |thread: ThreadId| {
        let mut own = stuck.iter().filter(|one| one.thread == thread);
        own.any(|one| {
            let is_sending = facts.call(one.call).is(SyscallKind::Send);
            !is_sending && !one.sockets.is_empty() && one.sockets.iter().all(is_datagram)
        })
    };
    let all = facts
        .alive(stopped_ns)
        .all(|thread| waits(thread) || facts.waits_for_threads(thread, stopped_ns));
    let processes: BTreeSet<u32> = stuck.iter().map(|one| one.thread.0).collect();
    let nothing_under_way = facts.analysis.messages.iter().all(|message| {
        message.send.is_some() && matches!(message.fate, Fate::Received | Fate::Cut(_))
    });
    let mut calls: Vec<usize> = stuck.iter().map(|one| one.call).collect();
    calls.sort_by_key(|&index| facts.call(index).entered_ns);
    let rule = Rule::NoDatagram { waiting: processes.len() };
    (all && processes.len() > 1 && nothing_under_way).then(|| Finding::new(facts, rule, calls))
}

/// accept() while a client waits whose question lies unread: all threads of the server wait for the next client.
fn instead_of_recv(facts: &Facts, stuck: &[Stuck]) -> Vec<Finding> {
    let Some(stopped_ns) = facts.stopped_ns else { return Vec::new() };
    let mut all = Vec::new();
    for one in stuck.iter().filter(|one| facts.call(one.call).receives()) {
        let [client] = one.sockets[..] else { continue };
        let Some(server) = facts.analysis.sockets[client].other_end else { continue };
        let unread = facts.analysis.directions.iter().find(|it| it.to == server && it.sound);
        let unread = unread.map_or(0, |it| it.sent().saturating_sub(it.received()));
        let accept =
            facts.analysis.connections.iter().find(|it| it.server == server).map(|it| it.accept);
        let Some(accept) = accept.filter(|_| unread > 0) else { continue };
        let process = facts.call(accept).process;
        let is_open =
            facts.analysis.sockets[server].closed_ns.is_none_or(|at_ns| at_ns > stopped_ns);
        let threads: Vec<ThreadId> = facts
            .alive(stopped_ns)
            .filter(|thread| thread.0 == process && !facts.waits_for_threads(*thread, stopped_ns))
            .collect();
        let waiting: Vec<usize> = threads
            .iter()
            .filter_map(|thread| stuck.iter().find(|other| other.thread == *thread))
            .map(|other| other.call)
            .filter(|&call| facts.call(call).is(SyscallKind::Accept))
            .collect();
        if is_open && !threads.is_empty() && waiting.len() == threads.len() {
            let rule = Rule::AcceptInsteadOfRecv { unread };
            let calls = waiting.into_iter().chain([one.call]).collect();
            all.push(Finding::new(facts, rule, calls));
        }
    }
    all
}
