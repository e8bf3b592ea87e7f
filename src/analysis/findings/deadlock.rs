//! Everybody waits for everybody.

use std::collections::BTreeSet;

use super::facts::{Facts, Stuck, ThreadId};
use super::{Finding, Rule};
use crate::analysis::{Fate, Message, Piece};
use crate::trace::{SocketType, SyscallKind};

pub(super) fn find(facts: &Facts) -> Vec<Finding> {
    let stuck = facts.stuck();
    let mut all = circles(facts, stuck);
    all.extend(accepts(facts, stuck));
    all.extend(datagrams(facts, stuck));
    all.extend(instead_of_recv(facts, stuck));
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
    // Bytes that have come end a recv(); and another thread of the same programs may yet send something.
    let receiving = group.iter().filter(|one| !facts.call(one.call).is(SyscallKind::Send));
    let certain = receiving.flat_map(|one| &one.sockets).all(|&socket| !has_unread(facts, socket));
    let sends = !matches!(rule, Rule::AllReceive { .. });
    let asked = group.iter().any(|one| was_asked(facts, one));
    let others = others(facts, group);
    let nobody_else = others.iter().all(|other| match other {
        Other::Serves => sends || asked,
        Other::Waits => sends,
        Other::GoesOn => false,
    });
    (waiting > 1 && certain && nobody_else).then(|| Finding::new(facts, rule, calls))
}

/// True if something was sent to this socket that it has not read.
fn has_unread(facts: &Facts, socket: usize) -> bool {
    let mut to = facts.analysis.directions.iter().filter(|it| it.to == socket);
    to.any(|it| !it.sound || it.sent() > it.received() || it.end.is_some())
}

/// True if this is a client that waits for an answer: the last that went over its connection is what it sent, and whoever has read that
/// has sent nothing since, to anybody. If one line of it has sent several messages since the last answer, it may want none for them.
fn was_asked(facts: &Facts, one: &Stuck) -> bool {
    let [client] = one.sockets[..] else { return false };
    let directions = || facts.analysis.directions.iter();
    let question = directions().find(|it| it.from == client);
    let Some((sent, read)) = question.and_then(|it| it.sends.last().zip(it.receives.last())) else {
        return false;
    };
    let back = directions().find(|it| it.to == client).and_then(|it| it.sends.last());
    let answered_ns = back.map_or(0, |back| facts.call(back.call).entered_ns);
    let call = |piece: &Piece| facts.call(piece.call);
    let since = question.into_iter().flat_map(|it| it.sends.iter().rev());
    let mut since = since.map(call).take_while(|span| span.entered_ns > answered_ns);
    let is_last = call(sent).entered_ns > answered_ns;
    let is_one = !since.any(|span| {
        let is_other = span.entered_ns < call(sent).entered_ns;
        is_other && span.call.site == call(sent).call.site
    });
    let connected = !facts.analysis.sockets[client].is_accepted();
    connected && is_last && is_one && !sent_after(facts, read.call)
}

/// True if the thread that made this call has sent something since.
fn sent_after(facts: &Facts, read: usize) -> bool {
    let mut later = facts.after_by_thread(read);
    later.any(|(_, span)| span.is(SyscallKind::Send) && span.result().is_some())
}

/// A thread of the same programs that is not among those who wait for each other.
enum Other {
    /// It waits for the next client, or for another one's question: nothing that a client waits for comes of that.
    Serves,
    /// It waits for something else, without a limit.
    Waits,
    /// It runs, or may go on by itself.
    GoesOn,
}

/// Those of them that no thread of theirs keeps waiting.
fn others(facts: &Facts, group: &[&Stuck]) -> Vec<Other> {
    let stopped_ns = facts.stopped_ns.unwrap_or(facts.end_ns);
    let stuck = facts.stuck();
    let processes: BTreeSet<u32> = group.iter().map(|one| one.thread.0).collect();
    let is_other = |thread: &ThreadId| {
        processes.contains(&thread.0)
            && group.iter().all(|one| one.thread != *thread)
            && !facts.waits_for_threads(*thread, stopped_ns)
    };
    let other = |thread| match facts.current(thread) {
        Some(call) if serves_others(facts, call) => Other::Serves,
        Some(call) if stuck.iter().any(|one| one.call == call) => Other::Waits,
        _ => Other::GoesOn,
    };
    let recorded = facts.alive(stopped_ns).filter(is_other).map(other);
    let busy = processes.iter().filter(|it| facts.is_busy(**it)).map(|_| Other::GoesOn);
    recorded.chain(busy).collect()
}

/// True for a call that waits for the next client, whether it has a limit or not, or for another client's question.
fn serves_others(facts: &Facts, call: usize) -> bool {
    let span = facts.call(call);
    let sockets = &facts.analysis.sockets;
    let accepted = span.socket.is_some_and(|at| sockets[at].is_accepted());
    let awaited = facts.waits_for(span);
    let listens = awaited.iter().all(|at| sockets[*at].backlog.is_some());
    span.is(SyscallKind::Accept)
        || (span.receives() && accepted && facts.waits_without_limit(span))
        || (span.call.syscall.waits_for_many() && !awaited.is_empty() && listens)
}

/// True if every thread that was alive when the run was stopped waits for good, this way or for other threads.
fn all_wait(facts: &Facts, waits: impl Fn(ThreadId) -> bool) -> bool {
    let Some(stopped_ns) = facts.stopped_ns else { return false };
    facts.alive(stopped_ns).all(|thread| {
        let is_at_rest = waits(thread) || facts.waits_for_threads(thread, stopped_ns);
        is_at_rest && !facts.is_busy(thread.0)
    })
}

/// Several processes, and every thread of each waits in accept(): nobody connects.
fn accepts(facts: &Facts, stuck: &[Stuck]) -> Option<Finding> {
    let waits = |thread: ThreadId| {
        stuck.iter().any(|one| one.thread == thread && facts.call(one.call).is(SyscallKind::Accept))
    };
    let all = all_wait(facts, waits);
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

/// Several processes, and every thread of each waits for a datagram: all that were sent have been received, and there were none, or one
/// waits for the answer to what it sent last. (A server that has answered all may wait for whom it likes.)
fn datagrams(facts: &Facts, stuck: &[Stuck]) -> Option<Finding> {
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
    let all = all_wait(facts, waits);
    let processes: BTreeSet<u32> = stuck.iter().map(|one| one.thread.0).collect();
    let nothing_under_way = facts.analysis.messages.iter().all(|message| {
        message.send.is_some() && matches!(message.fate, Fate::Received | Fate::Cut(_))
    });
    let owed = facts.analysis.messages.is_empty()
        || stuck.iter().flat_map(|one| &one.sockets).any(|&socket| waits_for_answer(facts, socket));
    let mut calls: Vec<usize> = stuck.iter().map(|one| one.call).collect();
    calls.sort_by_key(|&index| facts.call(index).entered_ns);
    let rule = Rule::NoDatagram { waiting: processes.len() };
    let certain = all && processes.len() > 1 && nothing_under_way && owed;
    certain.then(|| Finding::new(facts, rule, calls))
}

/// True if this socket, which began to talk with another, sent the last datagram between both, and whoever has received that has sent
/// nothing since, to anybody.
fn waits_for_answer(facts: &Facts, socket: usize) -> bool {
    let sent_ns = |it: &Message| it.send.map(|send| facts.call(send).entered_ns);
    let messages = || facts.analysis.messages.iter();
    let Some(last) = messages().filter(|it| it.from == Some(socket)).max_by_key(|it| sent_ns(it))
    else {
        return false;
    };
    let both = [last.from, last.to];
    let between = messages().filter(|it| both == [it.from, it.to] || both == [it.to, it.from]);
    let first = between.clone().min_by_key(|it| sent_ns(it));
    let is_last = between.max_by_key(|it| sent_ns(it)).is_some_and(|it| it.from == last.from);
    let began = first.is_some_and(|it| it.from == last.from);
    began && is_last && last.receive.is_some_and(|read| !sent_after(facts, read))
}

/// accept() while a client waits whose next question lies unread: all threads of the server wait for the next client.
fn instead_of_recv(facts: &Facts, stuck: &[Stuck]) -> Vec<Finding> {
    let Some(stopped_ns) = facts.stopped_ns else { return Vec::new() };
    let mut all = Vec::new();
    for one in stuck.iter().filter(|one| facts.call(one.call).receives()) {
        let [client] = one.sockets[..] else { continue };
        let Some(server) = facts.analysis.sockets[client].other_end else { continue };
        let sent = facts.analysis.directions.iter().find(|it| it.to == server && it.sound);
        // Of whom nothing has been read, that may wait for others to come.
        let sent = sent.filter(|it| it.received() > 0);
        let unread = sent.map_or(0, |it| it.sent().saturating_sub(it.received()));
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
        let all_accept = !threads.is_empty() && waiting.len() == threads.len();
        if is_open && all_accept && !facts.is_busy(process) {
            let rule = Rule::AcceptInsteadOfRecv { unread };
            let calls = waiting.into_iter().chain([one.call]).collect();
            all.push(Finding::new(facts, rule, calls));
        }
    }
    all
}
