//! Addresses: taken, or nobody's, or one's own.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::net::{IpAddr, SocketAddrV4, SocketAddrV6};

use super::facts::{Facts, STUCK_NS, ThreadId};
use super::{Finding, Holder, Nearby, Process, Relation, Rule, by_length};
use crate::analysis::address::plain;
use crate::analysis::{CallSpan, Fate, Socket};
use crate::trace::recording::{Origin, is_of};
use crate::trace::{
    Address, AddressHolder, EventKind, ExitStatus, Fact, HolderProcess, Name, Observation, Syscall,
    SyscallKind,
};

/// Who tries so many addresses looks for one: that nobody is there is an answer.
const SEARCH: usize = 4;

pub(super) fn find(facts: &Facts) -> Vec<Finding> {
    let mut all = in_use(facts);
    let (servers, ended) = (servers(facts), ended(facts));
    all.extend(nobody_listens(facts, &all, &servers, &ended));
    all.extend(unanswered(facts, &servers));
    all.extend(answered_elsewhere(facts));
    all.extend(connected_elsewhere(facts, &all));
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
    let kind = |span: &CallSpan| {
        let socket = &facts.analysis.sockets[span.socket?];
        Some((span.process, span.call.kind(), socket.kind.as_ref()))
    };
    // The last call of this kind that succeeded.
    let succeeded = facts.analysis.calls.iter().enumerate();
    let succeeded: HashMap<_, usize> = succeeded
        .filter(|(_, span)| span.result().is_some())
        .filter_map(|(index, span)| Some((kind(span)?, index)))
        .collect();
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
            Syscall::Listen { .. } | Syscall::Connect { .. } => socket.local.as_ref(),
            _ => None,
        };
        let Some(address) = own else { continue };
        let last = kind(span).and_then(|kind| succeeded.get(&kind));
        if last.is_none_or(|last| *last < index) {
            let holder = match holder(facts, at, address, span) {
                Holder::Open(owner) if owner == span.actor => Holder::Itself,
                other => other,
            };
            let rule = Rule::AddressInUse { address: address.clone(), holder };
            all.push(Finding::new(facts, rule, vec![index]));
        }
    }
    all
}

/// Who holds the address that this call was refused.
fn holder(facts: &Facts, own: usize, address: &Address, span: &CallSpan) -> Holder {
    let told = facts.analysis.recording.events().iter().find_map(|event| match &event.what {
        EventKind::Observed(Observation {
            socket,
            fact: Fact::AddressInUse { argv, holders, file, .. },
            ..
        }) if event.at_ns >= span.returned_ns() && *socket == span.call.socket => {
            Some((argv, holders, *file))
        }
        _ => None,
    });
    let in_recording = holder_in_recording(facts, own, address, span);
    let Some((argv, holders, file)) = told else { return in_recording };
    let has_process = |holder: &&AddressHolder| holder.socket.is_some();
    match (holders.iter().find(has_process), holders.first(), file) {
        (Some(holder), ..) => holder_by_table(facts, holder, argv),
        (None, Some(row), _) => match in_recording {
            Holder::Closed(_) => in_recording,
            _ => {
                let state = row.state.as_deref().unwrap_or_default().to_owned();
                Holder::Lingering { state, left_ns: row.left_ns }
            }
        },
        (None, None, Some(file)) => Holder::File(file),
        (None, None, None) => in_recording,
    }
}

/// Who has the socket of this row of the kernel's tables.
fn holder_by_table(facts: &Facts, row: &AddressHolder, refused: &[String]) -> Holder {
    let analysis = facts.analysis;
    let socket = row.socket.and_then(|id| analysis.socket(id)).map(|at| &analysis.sockets[at]);
    let named = |it: &HolderProcess| Process {
        actor: analysis.recording.actor_of(it.process).cloned(),
        number: it.process,
        command: it.argv.join(" "),
    };
    if let Some(socket) = socket {
        let (from, maker) = (socket.owner.clone(), socket.process);
        return match row.processes.iter().find(|it| it.process != maker) {
            Some(heir) if row.processes.iter().all(|it| it.process != maker) => {
                Holder::Inherited { from, by: named(heir) }
            }
            _ => Holder::Open(from),
        };
    }
    let Some(first) = row.processes.first() else { return Holder::Hidden(row.user) };
    if let Some(actor) = analysis.recording.actor_of(first.process) {
        return Holder::Open(actor.clone());
    }
    let relation = if first.argv == refused {
        Relation::Same
    } else if first.parent_argv == refused {
        Relation::ChildOfSame
    } else {
        Relation::None
    };
    Holder::Outside { process: named(first), relation }
}

/// Who holds it, by the calls in the recording alone.
fn holder_in_recording(facts: &Facts, own: usize, address: &Address, span: &CallSpan) -> Holder {
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

/// Who had been refused that address, and got no other, before this call of another process.
fn refused_server(
    facts: &Facts,
    refused: &[Finding],
    address: &Address,
    span: &CallSpan,
) -> Option<Name> {
    refused.iter().find_map(|finding| {
        let Rule::AddressInUse { address: refused, .. } = &finding.rule else { return None };
        let bind = facts.call(finding.calls[0]);
        let is_there = bind.process != span.process && bind.entered_ns <= span.entered_ns;
        (is_there && refused.port() == address.port() && refused.family() == address.family())
            .then(|| finding.who.clone())
    })
}

/// A program of the command line that failed, and neither had an address nor called anybody.
struct Ended<'a> {
    /// Its place in the command line.
    place: usize,
    actor: &'a Name,
    at_ns: u64,
    status: &'a ExitStatus,
}

fn ended<'a>(facts: &Facts<'a>) -> Vec<Ended<'a>> {
    let recording = facts.analysis.recording;
    let Origin::Programs(programs) = &recording.header.origin else { return Vec::new() };
    let ended = programs.iter().enumerate().filter_map(|(place, program)| {
        let (at_ns, actor, status) = facts.exit_of(&program.name)?;
        let failed = !matches!(status, ExitStatus::Code(0));
        let mut calls = facts.analysis.calls.iter().filter(|it| is_of(&it.actor, &program.name));
        let takes_part = calls.any(|it| {
            it.is(SyscallKind::Connect) || (it.is(SyscallKind::Bind) && it.result().is_some())
        });
        (failed && !takes_part).then_some(Ended { place, actor, at_ns, status })
    });
    ended.collect()
}

/// Which of them had ended by this call of a later program: if there is one such, that was to be the server.
fn ended_server<'a>(
    facts: &Facts,
    ended: &[Ended<'a>],
    span: &CallSpan,
) -> Option<(Name, &'a ExitStatus)> {
    let Origin::Programs(programs) = &facts.analysis.recording.header.origin else { return None };
    let own = programs.iter().position(|it| is_of(&span.actor, &it.name));
    let is_before =
        |it: &&Ended| it.at_ns <= span.entered_ns && it.place < own.unwrap_or(programs.len());
    let mut before = ended.iter().filter(is_before);
    let (one, None) = (before.next()?, before.next()) else { return None };
    Some((one.actor.clone(), one.status))
}

/// Connections to a process outside of the recording that has the address which a program in it was refused.
fn connected_elsewhere(facts: &Facts, found: &[Finding]) -> Vec<Finding> {
    let mut all = Vec::new();
    for refused in found {
        let Rule::AddressInUse {
            address,
            holder: holder @ (Holder::Outside { .. } | Holder::Hidden(_)),
        } = &refused.rule
        else {
            continue;
        };
        for socket in &facts.analysis.sockets {
            let Some((connect, to)) = socket.connects.last() else { continue };
            let span = facts.call(*connect);
            let is_there = to.port() == address.port() && to.family() == address.family();
            let is_other = span.process != facts.call(refused.calls[0]).process;
            if is_there && is_other && span.connected() && socket.other_end.is_none() {
                let (address, holder) = (to.clone(), holder.clone());
                let rule =
                    Rule::ConnectedElsewhere { address, server: refused.who.clone(), holder };
                all.push(Finding::new(facts, rule, vec![*connect]));
            }
        }
    }
    all
}

/// An attempt to reach an address at which nobody listened.
struct Attempt<'a> {
    /// The call that failed.
    failed: usize,
    to: &'a Address,
}

/// Attempts to reach an address at which nobody listened, by processes that reached nobody at that port later.
fn nobody_listens(
    facts: &Facts,
    in_use: &[Finding],
    servers: &[Server],
    ended: &[Ended],
) -> Vec<Finding> {
    let reached = Reached::of(facts);
    let mut refused: BTreeMap<u32, Vec<Attempt>> = BTreeMap::new();
    for (index, span) in facts.analysis.calls.iter().enumerate() {
        let at = span.socket.filter(|_| !span.call.is_instrument());
        let was_refused = span.failure() == Some("ECONNREFUSED");
        if let Some(attempt) = at.filter(|_| was_refused).and_then(|at| attempt(facts, at, index)) {
            refused.entry(span.process).or_default().push(attempt);
        }
    }
    let mut all = Vec::new();
    for attempts in refused.values() {
        let places: BTreeSet<String> = attempts.iter().map(|one| one.to.to_string()).collect();
        if places.len() >= SEARCH {
            continue;
        }
        for Attempt { failed, to } in attempts {
            let span = facts.call(*failed);
            let nearby = nearby(facts, servers, to, span);
            let server = refused_server(facts, in_use, to, span).filter(|_| nearby.is_none());
            let ended =
                ended_server(facts, ended, span).filter(|_| nearby.is_none() && server.is_none());
            let complains = facts.complains(span.process);
            // Whoever tries several places, or finds another server, may have wanted to know which of them answers.
            let is_near = nearby.as_ref().is_some_and(|it| is_near(to, it));
            let found = is_near || (nearby.is_some() && places.len() == 1);
            let is_said = found || complains || server.is_some();
            if is_said && !reached.by(span.process, *failed, to, nearby.as_ref()) {
                let address = (*to).clone();
                let rule = match (server, ended) {
                    (Some(server), _) => Rule::ServerFailed { address, server },
                    (None, Some((server, status))) => {
                        Rule::ServerEnded { address, server, status: status.clone() }
                    }
                    (None, None) => Rule::NobodyListens { address, nearby },
                };
                all.push(Finding::new(facts, rule, vec![*failed]));
            }
        }
    }
    all
}

/// The attempt that this call failed in: its own, or that of the connect() before it. `None` if that one has been told of
/// already, or if it was meant for a program on another host.
fn attempt<'a>(facts: &Facts<'a>, socket: usize, failed: usize) -> Option<Attempt<'a>> {
    let mut before = facts.on(socket).filter(|(index, _)| *index <= failed);
    let (connect, span) = before.rfind(|(index, span)| {
        let began = *index == failed || span.is_under_way() || span.result().is_some();
        span.is(SyscallKind::Connect) && began
    })?;
    let began_before = facts.on(socket).any(|(index, span)| {
        index < failed && span.is_under_way() && span.failure() == Some("ECONNREFUSED")
    });
    let is_stray = facts.analysis.meant(connect).is_some();
    let to = span.call.syscall.address()?;
    (!began_before && !is_stray).then_some(Attempt { failed, to })
}

/// True if it is that very address or port.
fn is_near(asked: &Address, nearby: &Nearby) -> bool {
    nearby.later_ns > 0 || asked.port() == nearby.address.port()
}

/// The ports at which processes reached somebody, each with the last call that did.
struct Reached(HashMap<(u32, Option<u16>), usize>);

impl Reached {
    fn of(facts: &Facts) -> Reached {
        let calls = facts.analysis.calls.iter().enumerate();
        let reached = calls.filter_map(|(index, span)| {
            let Syscall::Connect { address, .. } = &span.call.syscall else { return None };
            let socket = span.socket?;
            // connect() of a datagram socket reaches nobody
            let is_heard = facts.analysis.sockets[socket].is_stream() || facts.has_heard(socket);
            let may_have_connected = span.connected() || span.failure() == Some("EINPROGRESS");
            (is_heard && may_have_connected).then(|| ((span.process, address.port()), index))
        });
        Reached(reached.collect())
    }

    /// True if the process reached somebody at that port after the call, or whoever listens nearby at any time.
    fn by(&self, process: u32, failed: usize, asked: &Address, nearby: Option<&Nearby>) -> bool {
        let last = |port| self.0.get(&(process, port));
        last(asked.port()).is_some_and(|last| *last >= failed)
            || nearby.is_some_and(|it| last(it.address.port()).is_some())
    }
}

/// Datagrams sent to an address of this machine at which nobody was, by a thread that waited for the answer, or by a process that heard
/// nothing and ended with an error.
fn unanswered(facts: &Facts, servers: &[Server]) -> Vec<Finding> {
    let mut all = Vec::new();
    let awaited = awaited(facts);
    let mut sent: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for message in facts.analysis.messages.iter().filter(|it| it.fate == Fate::NobodyThere) {
        if let (Some(from), Some(send)) = (message.from, message.send) {
            sent.entry(from).or_default().push(send);
        }
    }
    let reached = reached(facts);
    for (from, sends) in sent {
        if facts.has_heard(from) {
            continue;
        }
        let waits = awaited.get(&from).copied();
        let is_missed = waits.is_some() || gave_up(facts, from, sends[0]);
        for send in sends {
            let span = facts.call(send);
            let Some(to) = span.call.syscall.address() else { continue };
            let is_here = plain(to).is_some_and(|to| to.ip().is_loopback());
            let complains = || facts.complains(span.process) && is_last(facts, send);
            if !is_here || facts.analysis.meant(send).is_some() || !(is_missed || complains()) {
                continue;
            }
            let nearby = nearby(facts, servers, to, span);
            if let Some(nearby) =
                nearby.filter(|it| !reached.contains(&(span.process, &it.address)))
            {
                let rule = Rule::NobodyListens { address: to.clone(), nearby: Some(nearby) };
                all.push(Finding::new(facts, rule, [send].into_iter().chain(waits).collect()));
            }
        }
    }
    all
}

/// The sockets that somebody was waiting for when the run was stopped, each with the call.
fn awaited(facts: &Facts) -> HashMap<usize, usize> {
    let waits = |call| facts.waits_also_for(facts.call(call)).map(move |at| (at, call));
    facts.stuck().iter().flat_map(|one| waits(one.call)).collect()
}

/// True if somebody waited on the socket after this call for as long as he would: his limit passed.
fn gave_up(facts: &Facts, socket: usize, send: usize) -> bool {
    let sent = facts.call(send);
    let later = facts.analysis.calls[send + 1..].iter().filter(|it| it.process == sent.process);
    later.filter(|it| it.took_ns() >= STUCK_NS).any(|span| {
        let in_vain = span.receives() && span.errno() == Some("EAGAIN");
        let waited = span.call.syscall.waits_for_many() && span.result() == Some(0);
        (in_vain && span.socket == Some(socket))
            || (waited && facts.waits_also_for(span).any(|at| at == socket))
    })
}

/// The processes, each with the addresses of the sockets that it has sent a datagram to.
fn reached<'a>(facts: &Facts<'a>) -> HashSet<(u32, &'a Address)> {
    let reached = facts.analysis.messages.iter().filter_map(|message| {
        let to = facts.analysis.sockets[message.to?].local.as_ref()?;
        Some((facts.call(message.send?).process, to))
    });
    reached.collect()
}

/// True if the process sent nothing more after this call.
fn is_last(facts: &Facts, send: usize) -> bool {
    let process = facts.call(send).process;
    let later = &facts.analysis.calls[send + 1..];
    !later.iter().any(|span| span.process == process && span.is(SyscallKind::Send))
}

/// Datagrams to an address of this machine at which nobody was, by a socket to which one had come from another port: who had sent that
/// was waiting when the run was stopped, and had heard nothing.
fn answered_elsewhere(facts: &Facts) -> Vec<Finding> {
    let (analysis, awaited) = (facts.analysis, awaited(facts));
    let mut all = Vec::new();
    for message in analysis.messages.iter().filter(|it| it.fate == Fate::NobodyThere) {
        let (Some(own), Some(send)) = (message.from, message.send) else { continue };
        let Some(to) = facts.call(send).call.syscall.address() else { continue };
        let before = analysis.messages.iter().rev().find(|it| {
            let got = it
                .receive
                .is_some_and(|at| facts.call(at).returned_ns() <= facts.call(send).entered_ns);
            it.to == Some(own) && got
        });
        let Some(question) = before else { continue };
        let (Some(asker), Some(receive)) = (question.from, question.receive) else { continue };
        let back = facts.call(receive).exit.as_ref();
        // Who calls recv() does not ask whose it is.
        let told = back.and_then(|it| it.out.address()).cloned();
        let Some(from) = told.or_else(|| sent_from(&analysis.sockets[asker], to)) else { continue };
        let is_near = plain(to).zip(plain(&from)).is_some_and(|(to, from)| {
            to.ip() == from.ip() && to.port() != from.port() && to.ip().is_loopback()
        });
        if !is_near || facts.has_heard(asker) {
            continue;
        }
        let waits = awaited.contains_key(&asker)
            || question.send.is_some_and(|send| gave_up(facts, asker, send));
        if waits {
            let rule = Rule::AnsweredElsewhere { to: to.clone(), from };
            all.push(Finding::new(facts, rule, vec![send, receive]));
        }
    }
    all
}

/// The address that a datagram of this socket comes from, to whoever is at an address like this.
fn sent_from(socket: &Socket, like: &Address) -> Option<Address> {
    let (local, like) = (plain(socket.local.as_ref()?)?, plain(like)?);
    let ip = if local.ip().is_unspecified() { like.ip() } else { local.ip() };
    Some(match ip {
        IpAddr::V4(ip) => Address::Inet(SocketAddrV4::new(ip, local.port())),
        IpAddr::V6(ip) => Address::Inet6(SocketAddrV6::new(ip, local.port(), 0, 0)),
    })
}

/// A socket that waits for others to call, and since when.
struct Server<'a> {
    socket: &'a Socket,
    local: &'a Address,
    since_ns: u64,
    /// The process and thread that made it one.
    by: ThreadId,
}

fn servers<'a>(facts: &Facts<'a>) -> Vec<Server<'a>> {
    let sockets = facts.analysis.sockets.iter().enumerate();
    let servers = sockets.filter_map(|(at, socket)| {
        let serves =
            if socket.is_stream() { socket.backlog.is_some() } else { socket.peer.is_none() };
        let local = socket.local.as_ref().filter(|_| serves)?;
        let begins = |kind| facts.on(at).find(|(_, span)| span.is(kind)).map(|(_, span)| span);
        let begin = begins(SyscallKind::Listen).or_else(|| begins(SyscallKind::Bind))?;
        let by = (begin.process, begin.thread);
        Some(Server { socket, local, since_ns: begin.returned_ns(), by })
    });
    servers.collect()
}

/// Who listens at that port under another address, at that address in another port, or there a little later; but not whoever asks.
fn nearby(facts: &Facts, servers: &[Server], asked: &Address, span: &CallSpan) -> Option<Nearby> {
    let own = span.socket.map(|at| &facts.analysis.sockets[at]);
    let mut found: Vec<(u64, Nearby)> = Vec::new();
    for &Server { socket, local, since_ns, by } in servers {
        if by == (span.process, span.thread)
            || socket.kind.as_ref() != own.and_then(|own| own.kind.as_ref())
        {
            continue;
        }
        let is_elsewhere = own.is_some_and(|own| own.host != socket.host)
            && plain(asked).is_some_and(|to| to.ip().is_loopback());
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
        if gone || is_elsewhere || here != (later_ns > 0) {
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
