//! One recv() taken for one message, and a datagram that its buffer cut.

use super::facts::Facts;
use super::short_reads::lengths;
use super::{Finding, Rule};
use crate::analysis::{CallSpan, Direction, Piece};
use crate::trace::{Data, Role, Syscall, SyscallKind};

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
    (asks_again && is_answer && !answers_each_part(facts, direction, message))
        .then(|| Finding::new(facts, rule, vec![piece.call, message.first, answer]))
}

/// True if both ends take the message for a stream: it was received to its end, by one line in turn with another that answered each
/// part, and its sender received all these answers, by several calls or up to the end, before it sent anything else.
fn answers_each_part(facts: &Facts, direction: &Direction, message: &Message) -> bool {
    let parts = direction.receives.iter();
    let parts: Vec<usize> = parts
        .filter(|part| part.end() > message.start && part.start < message.end)
        .map(|part| part.call)
        .collect();
    let answers: Vec<usize> = parts
        .iter()
        .filter_map(|part| facts.next_on(direction.to, *part))
        .filter(|(_, span)| span.is(SyscallKind::Send))
        .map(|(index, _)| index)
        .collect();
    let alike = |calls: &[usize]| {
        let site = |index: usize| &facts.call(index).call.site;
        calls.windows(2).all(|two| site(two[0]) == site(two[1]))
    };
    let is_whole = direction.received() >= message.end;
    if !is_whole || parts.len() < 2 || answers.len() != parts.len() {
        return false;
    }
    let sends_again_ns = facts
        .on(direction.from)
        .find(|(index, span)| *index > message.last && span.is(SyscallKind::Send))
        .map_or(u64::MAX, |(_, span)| span.entered_ns);
    let answered_ns = facts.call(answers[0]).entered_ns;
    let heard = facts.on(direction.from).filter(|(_, span)| {
        let at_ns = span.returned_ns();
        span.receives() && span.result().is_some() && (answered_ns..sends_again_ns).contains(&at_ns)
    });
    let back = facts.analysis.directions.iter();
    let mut back = back.filter(|it| it.from == direction.to && it.sound);
    let all_heard = back.any(|back| {
        let last = back.sends.iter().rfind(|send| answers.contains(&send.call));
        let taken =
            back.receives.iter().rfind(|it| facts.call(it.call).returned_ns() < sends_again_ns);
        last.zip(taken).is_some_and(|(last, taken)| taken.end() >= last.end())
    });
    alike(&parts) && alike(&answers) && all_heard && heard.count() >= 2
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
    let close = match super::closing::unread_at_close(facts, direction) {
        Some(unread) => unread.close,
        None => Some(close_meanwhile(facts, direction, message)?),
    };
    let is_part = wants_part(span)? && !is_sent_back(facts, piece.call);
    let calls = [piece.call, message.first].into_iter().chain(close).collect();
    let rule = Rule::LeftRest { got: piece.bytes, of: message.bytes() };
    // All that is unread is the rest of this message.
    (is_last && message.end == direction.sent() && !is_part && is_called_by_line(facts, span))
        .then(|| Finding::new(facts, rule, calls))
}

/// The close() of the receiving end of a TCP connection while the last of the message was being sent: what of it was on its way by then
/// nobody can say, but it was lost. (With SO_LINGER that may be meant.)
fn close_meanwhile(facts: &Facts, direction: &Direction, message: &Message) -> Option<usize> {
    let close = facts.closed(direction.to)?.1?;
    let (closing, last) = (facts.call(close), facts.call(message.last));
    let is_tcp = facts.analysis.sockets[direction.to].protocol_name() == "TCP";
    let meanwhile = (last.entered_ns..last.returned_ns()).contains(&closing.entered_ns);
    (is_tcp && meanwhile && !facts.sets_linger(direction.to) && closing.call.role != Role::Kernel)
        .then_some(close)
}

/// True if it may have got all that it wanted: a field of known length, or a line.
fn wants_part(span: &CallSpan) -> Option<bool> {
    let Syscall::Recv { size, .. } = span.call.syscall else { return None };
    let got = span.received()?;
    let is_field = size < FIELD && size == got.bytes as u64;
    Some(is_field || (size < PAGE && got.kept.contains(&b'\n')))
}

/// True if the thread answered with the letters that this call had got, as an echo does that turns them to capitals or round: a field
/// is not answered with itself.
fn is_sent_back(facts: &Facts, receive: usize) -> bool {
    let span = facts.call(receive);
    let letters = |data: &Data| {
        let mut kept = data.kept.to_ascii_lowercase();
        kept.sort_unstable();
        (data.bytes, kept)
    };
    let mut next = facts
        .after_by_thread(receive)
        .filter(|(_, next)| !next.call.syscall.only_looks() && !next.is(SyscallKind::EpollCtl));
    let answer = next.next().filter(|(_, next)| next.socket == span.socket);
    let answer = answer.and_then(|(_, next)| next.sending());
    answer.zip(span.received()).is_some_and(|(answer, got)| letters(answer) == letters(got))
}

/// True if the line of source calls this receiving function itself: `recv(`, `recv_into(`, `read(` in C, `.read(&mut` in Rust, `.Read(`
/// in Go; a `read(` of something else is a library's. What it appends to, it reads in a loop, which ends when enough has come.
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
    let methods = [".read(&mut ", ".Read("];
    calls("recv", &[]) || calls("read", &['.']) || methods.iter().any(|it| line.contains(it))
}
