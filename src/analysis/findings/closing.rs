//! How connections are closed.

use super::facts::Facts;
use super::{Finding, Rule};
use crate::analysis::{CallSpan, Direction, Origin};
use crate::trace::{EventKind, ExitStatus, How, Role, SockOpt, Syscall, SyscallKind, Value};

/// A call that was blocked for so long after its socket was closed was not ended by that, in nanoseconds.
const STILL_BLOCKED_NS: u64 = 100_000_000;

pub(super) fn find(facts: &Facts) -> Vec<Finding> {
    let mut all: Vec<Finding> =
        facts.analysis.directions.iter().filter_map(|it| closed_unread(facts, it)).collect();
    all.extend(facts.analysis.directions.iter().filter_map(|it| closed_while_sending(facts, it)));
    all.extend((0..facts.analysis.sockets.len()).filter_map(|it| no_reuse_address(facts, it)));
    all.extend((0..facts.analysis.sockets.len()).filter_map(|it| reuse_address_late(facts, it)));
    all.extend(broken_pipes(facts));
    all.extend(closed_while_blocked(facts));
    all.extend(used_after_close(facts, &all));
    all
}

/// A connection that was closed before everything was read.
pub(super) struct Unread {
    pub bytes: usize,
    /// When.
    at_ns: u64,
    /// The close(); `None` if the program ended.
    pub close: Option<usize>,
}

/// Bytes that had come by TCP when the receiving end was closed, and that nobody had read; `None` if there were none, or if
/// the reset was meant.
pub(super) fn unread_at_close(facts: &Facts, direction: &Direction) -> Option<Unread> {
    let to = &facts.analysis.sockets[direction.to];
    let (closed_ns, close) = facts.closed(direction.to)?;
    let arrived =
        direction.sends.iter().rfind(|send| facts.call(send.call).returned_ns() <= closed_ns);
    let bytes = arrived?.end().saturating_sub(direction.received());
    // Where the wire was watched, the reset must have been seen.
    let mut segments = facts
        .analysis
        .wire
        .iter()
        .filter(|segment| segment.socket == Some(direction.to))
        .peekable();
    let reset = segments.peek().is_none()
        || segments.any(|segment| segment.tcp().is_some_and(|tcp| tcp.flags.rst()));
    let counts = bytes > 0
        && to.protocol_name() == "TCP"
        && !facts.sets_linger(direction.to)
        && reset
        && !ended_meanwhile(facts, direction.to, close);
    counts.then_some(Unread { bytes, at_ns: closed_ns, close })
}

/// True if the process ended, and closed the socket so, while a thread other than its first was at work with it: nobody left
/// anything unread on purpose.
fn ended_meanwhile(facts: &Facts, socket: usize, close: Option<usize>) -> bool {
    let by_end = close.is_none_or(|close| facts.call(close).call.role == Role::Kernel);
    let mut own = facts.on(socket).rev().filter(|(_, span)| span.call.role != Role::Kernel);
    by_end && own.next().is_some_and(|(_, span)| span.thread != span.process)
}

/// A close with bytes unread, by which the other end lost something: what had been sent to it, or the end of the stream that a
/// server owes its client. (A client that does not want the rest takes nothing away from its server.)
fn closed_unread(facts: &Facts, direction: &Direction) -> Option<Finding> {
    let unread = unread_at_close(facts, direction)?;
    let lost = lost(facts, direction.to, direction.from) > 0;
    let is_server = facts.analysis.sockets[direction.to].is_accepted();
    let mut resets = resets(facts, direction.from).map(|index| facts.call(index));
    let noticed = resets
        .any(|span| span.returned_ns() >= unread.at_ns && (lost || (is_server && span.receives())));
    if !noticed {
        return None;
    }
    let last = facts.on(direction.to).next_back().map(|(index, _)| index);
    let rule = Rule::ClosedUnread { unread: unread.bytes };
    Some(Finding::new(facts, rule, vec![unread.close.or(last)?]))
}

/// How many bytes of what one socket sent to the other never were received.
fn lost(facts: &Facts, from: usize, to: usize) -> usize {
    let mut sent = facts.analysis.directions.iter().filter(|it| (it.from, it.to) == (from, to));
    sent.find(|it| it.sound).map_or(0, |it| it.sent() - it.received().min(it.sent()))
}

/// The calls by which a program was told that its connection had been reset. Of one that it had ended itself, only a receive tells.
fn resets(facts: &Facts, socket: usize) -> impl Iterator<Item = usize> {
    let ended = facts.on(socket).find(|(_, span)| {
        let ends = matches!(&span.call.syscall, Syscall::Shutdown { how } if *how != How::Read);
        ends && span.result().is_some()
    });
    let ended_ns = ended.map_or(u64::MAX, |(_, span)| span.entered_ns);
    let told = facts.on(socket).filter(move |(_, span)| match span.errno() {
        Some("ECONNRESET") if span.receives() => true,
        Some("ECONNRESET" | "EPIPE") if span.is(SyscallKind::Send) => span.entered_ns < ended_ns,
        // No connection any more.
        Some("ENOTCONN") if span.is(SyscallKind::Shutdown) => span.entered_ns < ended_ns,
        _ => false,
    });
    told.map(|(index, _)| index)
}

/// A server that answered the last that it had read, and closed the connection, while the client was still sending: what came then
/// was answered with a reset. The client failed in a call by that, and never received the answer.
fn closed_while_sending(facts: &Facts, direction: &Direction) -> Option<Finding> {
    let (client, server) = (direction.from, direction.to);
    let (closed_ns, close) = facts.closed(server)?;
    let failed =
        resets(facts, client).find(|&index| facts.call(index).returned_ns() >= closed_ns)?;
    let lost = lost(facts, server, client);
    let socket = &facts.analysis.sockets[server];
    let is_server = socket.is_accepted() && socket.protocol_name() == "TCP";
    let is_meant = facts.sets_linger(server);
    if lost == 0 || !is_server || is_meant || unread_at_close(facts, direction).is_some() {
        return None;
    }
    let mut own = facts.on(server).rev();
    let (last, answer) = own.find(|(_, span)| span.receives() || span.is(SyscallKind::Send))?;
    let answers = answer.is(SyscallKind::Send)
        && facts.on(server).any(|(_, span)| span.receives() && span.result() > Some(0));
    let rule = Rule::ClosedWhileSending { lost };
    answers.then(|| Finding::new(facts, rule, vec![close.unwrap_or(last), failed]))
}

/// A listening TCP socket on a port that the program chose, without SO_REUSEADDR, of which one connection was closed by the
/// server first: its end stays in TIME_WAIT.
fn no_reuse_address(facts: &Facts, listener: usize) -> Option<Finding> {
    let socket = &facts.analysis.sockets[listener];
    if socket.backlog.is_none() || socket.protocol_name() != "TCP" {
        return None;
    }
    let (bind, address) =
        facts.on(listener).find_map(|(index, span)| match &span.call.syscall {
            Syscall::Bind { address } if span.result().is_some() => Some((index, address)),
            _ => None,
        })?;
    let allows = facts.on(listener).any(|(_, span)| {
        let Syscall::SetOption { option, value } = &span.call.syscall else { return false };
        matches!(option, SockOpt::ReuseAddr | SockOpt::ReusePort) && *value != Value::Number(0)
    });
    if address.port() == Some(0) || allows {
        return None;
    }
    let sockets = facts.analysis.sockets.iter().enumerate();
    let accepted = sockets.filter(|(_, other)| other.origin == Origin::Accept(Some(listener)));
    let closed = accepted.filter_map(|(at, other)| Some((at, other.other_end?)));
    let first = closed.filter_map(|(at, peer)| closed_first(facts, at, peer)).min()?;
    let rule = Rule::NoReuseAddress { address: address.clone() };
    Some(Finding::new(facts, rule, vec![bind, first]))
}

/// SO_REUSEADDR that was set on a TCP socket after its bind(), and not before.
fn reuse_address_late(facts: &Facts, socket: usize) -> Option<Finding> {
    let is_tcp = facts.analysis.sockets[socket].protocol_name() == "TCP";
    let (bind, address) =
        facts.on(socket).filter(|_| is_tcp).find_map(|(index, span)| match &span.call.syscall {
            Syscall::Bind { address } if span.result().is_some() => Some((index, address)),
            _ => None,
        })?;
    let sets = |span: &CallSpan| {
        let Syscall::SetOption { option, value } = &span.call.syscall else { return false };
        *option == SockOpt::ReuseAddr && *value != Value::Number(0) && span.result().is_some()
    };
    let (set, _) = facts.on(socket).find(|(_, span)| sets(span))?;
    let rule = Rule::ReuseAddressLate { address: address.clone() };
    (set > bind).then(|| Finding::new(facts, rule, vec![set, bind]))
}

/// The call by which this end of a connection ended it, if it did so before the other and everything had been read.
fn closed_first(facts: &Facts, own: usize, peer: usize) -> Option<usize> {
    let ends = |socket: usize| {
        facts.on(socket).find(|(_, span)| match &span.call.syscall {
            Syscall::Shutdown { how } => *how != How::Read,
            Syscall::Close => facts.analysis.sockets[socket].closed_ns == Some(span.returned_ns()),
            _ => false,
        })
    };
    let (call, span) = ends(own)?;
    let directions = facts.analysis.directions.iter();
    let mut both =
        directions.filter(|it| [it.from, it.to] == [own, peer] || [it.from, it.to] == [peer, own]);
    // A close() works before it returns: the peer may have received the end, and closed, by then.
    let heard = both.clone().find_map(|it| it.end.filter(|(end, _)| *end == call));
    let later = ends(peer).is_some_and(|(_, by)| {
        let after_end = |(_, heard)| facts.call(heard).returned_ns() <= by.entered_ns;
        by.entered_ns > span.returned_ns() || heard.is_some_and(after_end)
    });
    let all_read = both.all(|it| it.sound && it.sent() == it.received());
    (later && all_read && facts.is_before_stop(span.entered_ns)).then_some(call)
}

/// Processes that SIGPIPE ended, while they sent on a socket.
fn broken_pipes(facts: &Facts) -> Vec<Finding> {
    let events = facts.analysis.recording.events().iter();
    let killed = events.filter(|event| {
        let EventKind::Exited { status: Some(status), .. } = &event.what else { return false };
        matches!(status, ExitStatus::Signal(signal) if signal == "SIGPIPE")
    });
    killed
        .filter_map(|event| {
            let calls = facts.analysis.calls.iter().enumerate();
            let last = calls.rev().find(|(_, span)| {
                let sends = span.is(SyscallKind::Send) && span.socket.is_some();
                let broke = span.exit.is_none() || span.errno() == Some("EPIPE");
                span.process == event.process && sends && broke
            });
            Some(Finding::new(facts, Rule::BrokenPipe, vec![last?.0]))
        })
        .collect()
}

/// close() of a socket on which another thread of the process was blocked, and remained so.
fn closed_while_blocked(facts: &Facts) -> Vec<Finding> {
    let mut all = Vec::new();
    for (close, closing) in facts.analysis.calls.iter().enumerate() {
        let (Some(socket), true) = (closing.socket, closing.is(SyscallKind::Close)) else {
            continue;
        };
        if closing.result().is_none() || closing.call.role == Role::Kernel {
            continue;
        }
        let woken = is_shut_down(facts, socket, closing.entered_ns);
        let left_ns = facts.exit(closing.process).map_or(facts.end_ns, |(at_ns, _)| at_ns);
        let blocked = facts.on(socket).find(|(_, span)| {
            let meanwhile = span.entered_ns < closing.entered_ns
                && span.returned_ns().min(left_ns) >= closing.returned_ns() + STILL_BLOCKED_NS;
            let waits = matches!(span.call.kind(), SyscallKind::Recv | SyscallKind::Accept);
            let same = (span.process, span.call.fd) == (closing.process, closing.call.fd);
            waits && meanwhile && same && span.thread != closing.thread
        });
        if let Some((call, span)) = blocked.filter(|_| !woken) {
            let blocked_ns = span.returned_ns().min(left_ns) - closing.returned_ns();
            let rule = Rule::ClosedWhileBlocked { blocked_ns };
            all.push(Finding::new(facts, rule, vec![close, call]));
        }
    }
    all
}

/// True if the reading side of the socket was shut down before this time, which wakes whoever is blocked on it.
fn is_shut_down(facts: &Facts, socket: usize, at_ns: u64) -> bool {
    facts.on(socket).any(|(_, span)| {
        let ends = matches!(&span.call.syscall, Syscall::Shutdown { how } if *how != How::Write);
        ends && span.result().is_some() && span.entered_ns <= at_ns
    })
}

/// The first call of each thread that failed with EBADF because another thread had closed the socket; but not where that is told
/// already.
fn used_after_close(facts: &Facts, told: &[Finding]) -> Vec<Finding> {
    let first = facts.threads().filter_map(|(_, calls)| {
        let used = calls.iter().copied().find(|&index| {
            let span = facts.call(index);
            let uses =
                span.receives() || span.is(SyscallKind::Send) || span.is(SyscallKind::Accept);
            uses && span.errno() == Some("EBADF") && facts.is_before_stop(span.entered_ns)
        })?;
        let span = facts.call(used);
        let (close, socket) = closed_by_another(facts, used)?;
        let is_told = told.iter().any(|finding| {
            matches!(finding.rule, Rule::ClosedWhileBlocked { .. }) && finding.calls[0] == close
        });
        let woken = is_shut_down(facts, socket, span.entered_ns);
        let rule = Rule::UsedAfterClose { function: span.call.function().to_owned() };
        (!is_told && !woken).then(|| Finding::new(facts, rule, vec![used, close]))
    });
    first.collect()
}

/// The close(), by another thread, of the socket that this call was to be made on. A language that puts -1 in the place of the
/// descriptor that it has closed does not say which that was: it is the one on which the thread made such calls before.
fn closed_by_another(facts: &Facts, used: usize) -> Option<(usize, usize)> {
    let span = facts.call(used);
    let own = span.call.fd.filter(|fd| *fd >= 0);
    let before = facts.before_by_thread(used).find(|&index| {
        let other = facts.call(index);
        other.socket.is_some() && other.call.kind() == span.call.kind()
    });
    let known = before.map(|index| facts.call(index));
    let (fd, since_ns) = match (own, known) {
        (Some(fd), _) => (fd, 0),
        (None, Some(known)) => (known.call.fd?, known.entered_ns),
        (None, None) => return None,
    };
    let mut calls = facts.analysis.calls.iter().enumerate().rev();
    let (close, closing) = calls.find(|(index, closing)| {
        *index < used
            && closing.is(SyscallKind::Close)
            && (closing.process, closing.call.fd) == (span.process, Some(fd))
            && closing.entered_ns >= since_ns
    })?;
    let by_program = closing.call.role != Role::Kernel && closing.result().is_some();
    (by_program && closing.thread != span.thread).then_some((close, closing.socket?))
}
