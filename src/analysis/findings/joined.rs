//! Several messages that one recv() got, and that were taken for one.

use super::facts::Facts;
use super::{Finding, Rule};
use crate::analysis::{Direction, Piece};
use crate::trace::SyscallKind;

pub(super) fn find(facts: &Facts) -> Vec<Finding> {
    let directions = facts.analysis.directions.iter().filter(|direction| direction.sound);
    directions.flat_map(|direction| joined(facts, direction)).collect()
}

/// One recv() got what several send()s of one source line had sent, and it was answered as one message, or nothing in it tells where one
/// message ends; and both ends were waiting for more when the run was stopped.
fn joined(facts: &Facts, direction: &Direction) -> Vec<Finding> {
    let last = direction.receives.last().filter(|last| last.end() == direction.sent());
    let Some(last) = last else { return Vec::new() };
    let stuck = facts.stuck();
    let waits = |socket: usize| {
        stuck.iter().any(|one| facts.call(one.call).receives() && one.sockets == [socket])
    };
    if !waits(direction.from) || !waits(direction.to) {
        return Vec::new();
    }
    let found = direction.receives.iter().filter_map(|receive| {
        let together = together(facts, direction, receive)?;
        let is_last = receive.call == last.call;
        let is_fault = has_no_ends(facts, &together)
            || (is_last && is_answered_once(facts, direction, receive))
            || (is_last && is_answered_less(facts, direction, receive, together.len()));
        let rule = Rule::JoinedMessages { messages: together.len(), bytes: receive.bytes };
        let sends = together.iter().map(|piece| piece.call);
        is_fault
            .then(|| Finding::new(facts, rule, [receive.call].into_iter().chain(sends).collect()))
    });
    found.collect()
}

/// The sends of one source line, two or more, that this receive got whole.
fn together<'d>(
    facts: &Facts,
    direction: &'d Direction,
    receive: &Piece,
) -> Option<Vec<&'d Piece>> {
    let begin = direction.sends.partition_point(|send| send.start < receive.start);
    let whole = direction.sends[begin..].iter().take_while(|send| send.end() <= receive.end());
    let together: Vec<&Piece> = whole.filter(|send| send.bytes > 0).collect();
    let site = |piece: &&Piece| facts.call(piece.call).call.site.clone();
    let first = together.first().and_then(site)?;
    let alike = together.iter().all(|piece| site(piece).as_ref() == Some(&first));
    (alike && together.len() > 1).then_some(together)
}

/// True if these messages are text of which nothing tells where one ends: no mark at the end of each, no number in front, no common
/// length.
fn has_no_ends(facts: &Facts, messages: &[&Piece]) -> bool {
    let text = |piece: &&Piece| {
        let data = facts.call(piece.call).sending().filter(|data| data.kept.len() == data.bytes)?;
        let text = str::from_utf8(&data.kept).ok()?;
        let is_marked = text.starts_with(|first: char| first.is_ascii_digit())
            || text.contains(|letter: char| letter.is_control());
        (!is_marked).then(|| text.chars().rev())
    };
    let Some(texts) = messages.iter().map(text).collect::<Option<Vec<_>>>() else { return false };
    let ends: Vec<Option<char>> = texts.into_iter().map(|mut text| text.next()).collect();
    let is_mark = |end: &Option<char>| end.is_some_and(|end| !end.is_alphanumeric());
    let common_mark = ends.iter().all(|end| *end == ends[0] && is_mark(end));
    let common_length = messages.iter().all(|piece| piece.bytes == messages[0].bytes);
    !common_mark && !common_length
}

/// The sends by which the receiver answered a receive, before its next.
fn answers(facts: &Facts, direction: &Direction, receive: &Piece) -> Vec<usize> {
    let later = facts.on(direction.to).filter(|(index, _)| *index > receive.call);
    let until = later.take_while(|(_, span)| !span.receives() || span.fails_for_now());
    until.filter(|(_, span)| span.is(SyscallKind::Send)).map(|(index, _)| index).collect()
}

/// True if its one answer has in it all that it had received, as it was, and something else: it was taken for one message.
fn is_answered_once(facts: &Facts, direction: &Direction, receive: &Piece) -> bool {
    let [answer] = answers(facts, direction, receive)[..] else { return false };
    let (Some(answer), Some(got)) =
        (facts.call(answer).sending(), facts.call(receive.call).received())
    else {
        return false;
    };
    let is_kept = got.kept.len() == got.bytes && !got.kept.is_empty();
    let mut places = answer.kept.windows(got.kept.len().max(1));
    is_kept && answer.bytes > got.bytes && places.any(|place| place == got.kept)
}

/// True if the receiver had answered each message before, all of which had come alone, by as many sends; and these by fewer.
fn is_answered_less(
    facts: &Facts,
    direction: &Direction,
    receive: &Piece,
    messages: usize,
) -> bool {
    let is_alone = |piece: &Piece| {
        let place = (piece.start, piece.bytes);
        direction.sends.iter().any(|send| (send.start, send.bytes) == place)
    };
    let before = || direction.receives.iter().take_while(|piece| piece.call != receive.call);
    let counts: Vec<usize> = before().map(|piece| answers(facts, direction, piece).len()).collect();
    let Some(&each) = counts.first().filter(|each| **each > 0) else { return false };
    before().all(is_alone)
        && counts.iter().all(|count| *count == each)
        && answers(facts, direction, receive).len() < each * messages
}
