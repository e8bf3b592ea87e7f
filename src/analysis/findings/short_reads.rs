//! A length, and a recv() that got fewer bytes.

use super::facts::Facts;
use super::{Finding, Rule};
use crate::analysis::CallSpan;
use crate::trace::{Data, Syscall, SyscallKind};

pub(super) fn find(facts: &Facts) -> Vec<Finding> {
    let streams = 0..facts.analysis.sockets.len();
    let streams = streams.filter(|&socket| facts.analysis.sockets[socket].is_stream());
    streams.flat_map(|socket| short_reads(facts, socket)).collect()
}

/// It read a number, asked for so many bytes, which had been sent up to just there (or could not be, for it
/// closed first), got fewer, and did not ask for the others.
fn short_reads(facts: &Facts, socket: usize) -> Vec<Finding> {
    let receives: Vec<(usize, usize, &Data)> = facts
        .on(socket)
        .filter(|(_, span)| !span.peeks())
        .filter_map(|(index, span)| {
            let Syscall::Recv { size, .. } = &span.call.syscall else { return None };
            Some((index, usize::try_from(*size).ok()?, span.received()?))
        })
        .collect();
    let asked_after = |call: usize| {
        let mut later = facts.on(socket).filter(|(index, span)| *index > call && span.receives());
        later.next().and_then(|(_, span)| match &span.call.syscall {
            Syscall::Recv { size, .. } => usize::try_from(*size).ok(),
            _ => None,
        })
    };
    let directions = &facts.analysis.directions;
    let Some(direction) = directions.iter().find(|it| it.to == socket && it.sound) else {
        return Vec::new(); // of what its peer sent nothing is known
    };
    let is_broken = |span: &CallSpan| {
        span.is(SyscallKind::Send)
            && (span.exit.is_none() || matches!(span.errno(), Some("EPIPE" | "ECONNRESET")))
    };
    let had_more = facts.on(direction.from).any(|(_, span)| is_broken(span));
    let ends_a_send = |body: usize, asked: usize| {
        let piece = direction.receives.iter().find(|piece| piece.call == body);
        let end = piece.map(|piece| piece.start + asked);
        direction.sends.iter().any(|send| Some(send.end()) == end)
    };
    let mut all = Vec::new();
    for pair in receives.windows(2) {
        let ((head, head_size, number), (body, asked, data)) = (pair[0], pair[1]);
        let announces = number.bytes == head_size && lengths(&number.kept).contains(&asked);
        let is_short = data.bytes > 0 && data.bytes < asked;
        if !announces || !is_short || !(had_more || ends_a_send(body, asked)) {
            continue;
        }
        let rest = asked - data.bytes;
        // It may be over: the stream has ended, or the run was stopped.
        let goes_on = match asked_after(body) {
            Some(next) => next != rest,
            None => facts.next_on(socket, body).is_some_and(|(_, next)| next.is(SyscallKind::Send)),
        };
        if goes_on {
            let rule = Rule::ShortRead { got: data.bytes, asked };
            all.push(Finding::new(facts, rule, vec![body, head]));
        }
    }
    all
}

/// The lengths that these bytes may stand for: a number in binary, in either order, or in digits.
pub(super) fn lengths(bytes: &[u8]) -> Vec<usize> {
    let number = |sum: Option<usize>, byte: &u8| sum?.checked_mul(256)?.checked_add((*byte).into());
    let digits = || str::from_utf8(bytes).ok()?.trim().parse().ok();
    if !matches!(bytes.len(), 2 | 4 | 8) {
        return digits().into_iter().collect();
    }
    let (big, little) =
        (bytes.iter().fold(Some(0), number), bytes.iter().rev().fold(Some(0), number));
    [big, little, digits()].into_iter().flatten().collect()
}
