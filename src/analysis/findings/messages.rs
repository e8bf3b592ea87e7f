//! One recv() taken for one message, and a datagram that its buffer cut.

use super::facts::Facts;
use super::{Finding, Rule};
use crate::analysis::{CallSpan, Direction, Piece};
use crate::trace::{Data, Syscall, SyscallKind};

/// Whoever asks for fewer bytes than these, and gets them, has read a field of known length.
const FIELD: u64 = 64;
/// Whoever asks for fewer bytes than these may want one line; whoever asks for more wants all that there is.
const PAGE: u64 = 8192;

/// A message's head may have so many bytes before the length.
const HEAD: usize = 8;

pub(super) fn find(facts: &Facts) -> Vec<Finding> {
    let mut all = Vec::new();
    for direction in facts.analysis.directions.iter().filter(|direction| direction.sound) {
        all.extend(messages(facts, direction).iter().filter_map(|message| {
            answered_part(facts, direction, message)
                .or_else(|| left_rest(facts, direction, message))
        }));
        all.extend(joined(facts, direction));
    }
    for socket in 0..facts.analysis.sockets.len() {
        if facts.analysis.sockets[socket].is_stream() {
            all.extend(short_reads(facts, socket));
        }
    }
    all.extend(facts.analysis.messages.iter().filter_map(|message| {
        let rule = Rule::DatagramCut { got: message.bytes - message.cut(), of: message.bytes };
        let calls = [message.receive?, message.send?];
        (message.cut() > 0).then(|| Finding::new(facts, rule, calls.to_vec()))
    }));
    all
}

/// What was sent without waiting for an answer, by one send() or by several of which each sent the rest of the one before.
struct Message {
    first: usize,
    last: usize,
    start: usize,
    end: usize,
}

impl Message {
    fn bytes(&self) -> usize {
        self.end - self.start
    }

    /// The receive that got its beginning and nothing else, and not its end.
    fn beginning<'d>(&self, direction: &'d Direction) -> Option<&'d Piece> {
        let at = direction.receives.partition_point(|piece| piece.start < self.start);
        let is = |piece: &&Piece| piece.start == self.start && piece.end() < self.end;
        direction.receives.get(at).filter(is)
    }
}

/// The messages that went this way: before and after each its sender received, or said nothing more.
fn messages(facts: &Facts, direction: &Direction) -> Vec<Message> {
    // What came too early neither sent nor received.
    let transfers: Vec<(usize, &CallSpan)> = facts
        .on(direction.from)
        .filter(|(_, span)| span.receives() || span.is(SyscallKind::Send))
        .filter(|(_, span)| !span.fails_for_now())
        .collect();
    let is_send = |at: Option<usize>| {
        at.and_then(|at| transfers.get(at)).is_some_and(|(_, span)| span.is(SyscallKind::Send))
    };
    let mut all: Vec<Message> = Vec::new();
    let mut at = 0;
    while at < transfers.len() {
        let begins = at;
        let mut message: Option<Message> = None;
        // What took a part goes on with the next.
        while let Some((index, span)) = transfers.get(at) {
            let sent = direction.sends.binary_search_by_key(index, |piece| piece.call);
            at += 1;
            let (Ok(sent), Some(data)) = (sent, span.sending()) else { break };
            let piece = direction.sends[sent];
            let (first, start) =
                message.as_ref().map_or((*index, piece.start), |known| (known.first, known.start));
            message = Some(Message { first, last: *index, start, end: piece.end() });
            if piece.bytes == data.bytes {
                break;
            }
        }
        // Two sends in a row may be one message or two: of these nothing is said.
        let alone = !is_send(begins.checked_sub(1)) && !is_send(Some(at));
        all.extend(message.filter(|message| alone && message.bytes() > 0));
    }
    all
}

/// It got a part of the message, and the next thing that its thread did was to answer, with something of another length: no
/// program that passes on whatever comes, and none that has read a whole line, or of a long message the first line or the head of a
/// request.
fn answered_part(facts: &Facts, direction: &Direction, message: &Message) -> Option<Finding> {
    let piece = message.beginning(direction)?;
    let (answer, span) = answer(facts, direction, message, piece)?;
    let receiving = facts.call(piece.call);
    let got = receiving.received()?;
    let asks_again = facts.next_on(direction.from, message.last)?.1.receives();
    let wants_all = matches!(receiving.call.syscall, Syscall::Recv { size, .. } if size >= PAGE);
    let is_answer = span.socket == Some(direction.to)
        && span
            .sending()
            .is_some_and(|data| data.bytes != got.bytes && !data.kept.starts_with(b"HTTP/"))
        && !got.kept.contains(&b'\n')
        && (got.kept.len() == got.bytes || wants_all);
    let rule = Rule::AnsweredPart { got: piece.bytes, of: message.bytes() };
    (asks_again && is_answer)
        .then(|| Finding::new(facts, rule, vec![piece.call, message.first, answer]))
}

/// The call by which the thread went on after it had received this beginning. If it looked in between what else is ready, without
/// waiting, it works out of a buffer of its own (asyncio's streams do): what it got there it may have answered in parts, or by the
/// length that the message begins with. So then this must have been its last word on the connection, and no such message.
fn answer<'a>(
    facts: &Facts<'a>,
    direction: &Direction,
    message: &Message,
    piece: &Piece,
) -> Option<(usize, &'a CallSpan)> {
    let looks = |span: &CallSpan| span.call.syscall.only_looks() || span.is(SyscallKind::EpollCtl);
    let mut later = facts.after_by_thread(piece.call).peekable();
    let has_looked = later.peek().is_some_and(|(_, span)| looks(span));
    let (answer, span) = later.find(|(_, span)| !looks(span))?;
    if !has_looked {
        return Some((answer, span));
    }
    let goes_on = facts
        .on(direction.to)
        .any(|(index, span)| index > answer && (span.receives() || span.is(SyscallKind::Send)));
    let is_last = !goes_on && facts.closed(direction.to).is_some();
    let beginning = &facts.call(piece.call).received()?.kept;
    (is_last && !announces(beginning, message.bytes())).then_some((answer, span))
}

/// True if a message that begins so and has so many bytes in all may say how long it is, after a few bytes of its head: with its head
/// or without.
fn announces(beginning: &[u8], all: usize) -> bool {
    let is_digit = |byte: &&u8| byte.is_ascii_digit();
    let digits = beginning.iter().take_while(is_digit).count();
    let in_digits = lengths(&beginning[..digits]);
    let in_binary = (0..=HEAD).flat_map(|from| {
        let fields = [2, 4, 8].map(|size| beginning.get(from..from + size));
        fields.into_iter().flatten().flat_map(lengths)
    });
    let may_be = |length: usize| all.checked_sub(length).is_some_and(|head| head <= 4 * HEAD);
    in_digits.into_iter().chain(in_binary).any(may_be)
}

/// It got a part of the message by a recv() that its own line calls, and closed the connection without reading on. (What a
/// library left unread, nobody may have wanted: an HTTP client reads the status, and closes.)
fn left_rest(facts: &Facts, direction: &Direction, message: &Message) -> Option<Finding> {
    let piece = message.beginning(direction)?;
    let span = facts.call(piece.call);
    let is_last = direction.receives.last().is_some_and(|last| last.call == piece.call);
    let unread = super::closing::unread_at_close(facts, direction)?;
    let is_part = wants_part(span)?;
    let calls = [piece.call, message.first].into_iter().chain(unread.close).collect();
    let rule = Rule::LeftRest { got: piece.bytes, of: message.bytes() };
    // All that is unread is the rest of this message.
    (is_last && message.end == direction.sent() && !is_part && is_called_by_line(facts, span))
        .then(|| Finding::new(facts, rule, calls))
}

/// True if it may have got all that it wanted: a field of known length, or a line.
fn wants_part(span: &CallSpan) -> Option<bool> {
    let Syscall::Recv { size, .. } = span.call.syscall else { return None };
    let got = span.received()?;
    let is_field = size < FIELD && size == got.bytes as u64;
    Some(is_field || (size < PAGE && got.kept.contains(&b'\n')))
}

/// True if the line of source calls this receiving function itself: `recv(`, `recv_into(`, `read(` in C, `.read(&mut` in Rust;
/// a `read(` of something else is a library's. What it appends to, it reads in a loop, which ends when enough has come.
fn is_called_by_line(facts: &Facts, span: &CallSpan) -> bool {
    let site = span.call.site.as_ref();
    let Some(line) = site.and_then(|site| facts.analysis.recording.source_line(site)) else {
        return false;
    };
    let calls = |name: &str, but_not_after: &[char]| {
        line.match_indices(name).any(|(at, _)| {
            let before = line[..at].chars().next_back();
            let after = line[at + name.len()..]
                .trim_start_matches(|c: char| c.is_alphanumeric() || c == '_');
            let is_part = before
                .is_some_and(|c| c.is_alphanumeric() || c == '_' || but_not_after.contains(&c));
            !is_part && after.starts_with('(')
        })
    };
    if ["while", "+=", "extend", "append"].iter().any(|word| line.contains(word)) {
        return false;
    }
    calls("recv", &[]) || calls("read", &['.']) || line.contains(".read(&mut ")
}

/// One recv() got what several send()s of one source line had sent, and both ends were waiting for more when the run was
/// stopped.
fn joined(facts: &Facts, direction: &Direction) -> Option<Finding> {
    let last = direction.receives.last().filter(|last| last.end() == direction.sent())?;
    let together: Vec<&Piece> = direction
        .sends
        .iter()
        .filter(|send| send.bytes > 0 && send.start >= last.start && send.end() <= last.end())
        .collect();
    let site = |piece: &&Piece| facts.call(piece.call).call.site.clone();
    let first = together.first().and_then(site)?;
    let alike = together.iter().all(|piece| site(piece).as_ref() == Some(&first));
    if !alike || together.len() < 2 {
        return None;
    }
    let stuck = facts.stuck();
    let waits = |socket: usize| {
        stuck.iter().any(|one| facts.call(one.call).receives() && one.sockets == [socket])
    };
    let rule = Rule::JoinedMessages { messages: together.len(), bytes: last.bytes };
    (waits(direction.from) && waits(direction.to)).then(|| {
        let sends = together.iter().map(|piece| piece.call);
        Finding::new(facts, rule, [last.call].into_iter().chain(sends).collect())
    })
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
fn lengths(bytes: &[u8]) -> Vec<usize> {
    let number = |sum: Option<usize>, byte: &u8| sum?.checked_mul(256)?.checked_add((*byte).into());
    let digits = || str::from_utf8(bytes).ok()?.trim().parse().ok();
    if !matches!(bytes.len(), 2 | 4 | 8) {
        return digits().into_iter().collect();
    }
    let (big, little) =
        (bytes.iter().fold(Some(0), number), bytes.iter().rev().fold(Some(0), number));
    [big, little, digits()].into_iter().flatten().collect()
}
