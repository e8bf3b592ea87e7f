//! Nagle's algorithm against delayed acknowledgments: two small sends, then a recv().

use super::facts::Facts;
use super::{Finding, Rule};
use crate::trace::{SockOpt, Syscall, SyscallKind};

/// Linux delays an acknowledgment by 40 ms at least; what took longer than the most of this waited for something else.
const DELAY_NS: std::ops::Range<u64> = 35_000_000..60_000_000;
/// How often it must have happened: once may be chance.
const OFTEN: usize = 2;

pub(super) fn find(facts: &Facts) -> Vec<Finding> {
    let mut all = Vec::new();
    for (at, socket) in facts.analysis.sockets.iter().enumerate() {
        let nodelay = facts.on(at).any(|(_, span)| {
            matches!(
                span.call.syscall,
                Syscall::SetOption { option: SockOpt::NoDelay | SockOpt::Cork, .. }
            )
        });
        if socket.protocol_name() != "TCP" || nodelay {
            continue;
        }
        let late: Vec<(usize, usize, u64)> = late(facts, at);
        if late.len() >= OFTEN {
            let waited_ns = late.iter().map(|(.., waited_ns)| waited_ns).sum();
            let (first, second, _) = late[0];
            let rule = Rule::DelayedAck { times: late.len(), waited_ns };
            all.push(Finding::new(facts, rule, vec![second, first]));
        }
    }
    all
}

/// Each second send() of two in a row that reached a waiting receiver only after such a delay, and was followed by a recv().
fn late(facts: &Facts, socket: usize) -> Vec<(usize, usize, u64)> {
    let Some(direction) = facts.analysis.directions.iter().find(|it| it.from == socket && it.sound)
    else {
        return Vec::new();
    };
    let transfers: Vec<usize> = facts
        .on(socket)
        .filter(|(_, span)| span.receives() || span.is(SyscallKind::Send))
        .map(|(index, _)| index)
        .collect();
    let receives = |send: usize| {
        let sent = direction.sends.binary_search_by_key(&send, |piece| piece.call).ok()?;
        let sent = direction.sends[sent];
        let from = direction.receives.partition_point(|it| it.end() <= sent.start);
        let to = direction.receives.partition_point(|it| it.start < sent.end());
        direction.receives.get(from..to).filter(|some| !some.is_empty())
    };
    let mut all = Vec::new();
    for row in transfers.windows(3) {
        let [first, second, recv] = [row[0], row[1], row[2]];
        let [sends, sends_again] =
            [first, second].map(|index| facts.call(index).is(SyscallKind::Send));
        if !sends || !sends_again || !facts.call(recv).receives() {
            continue;
        }
        let (Some(before), Some(receives)) = (receives(first), receives(second)) else { continue };
        let taken_by = before.last().map(|it| it.call);
        let sent_ns = facts.call(second).entered_ns;
        // The receiver was there all the time: what it waited for was on its way. It may take it byte by byte.
        let late = receives.iter().filter(|it| Some(it.call) != taken_by).find_map(|it| {
            let got = facts.call(it.call);
            let waited_ns = got.returned_ns().saturating_sub(sent_ns);
            let was_waiting = got.entered_ns <= sent_ns + DELAY_NS.start / 7;
            (DELAY_NS.contains(&waited_ns) && was_waiting).then_some(waited_ns)
        });
        all.extend(late.map(|waited_ns| (first, second, waited_ns)));
    }
    all
}
