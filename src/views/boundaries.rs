//! Where the sends cut the bytes, and below where the receives did: a stream forgets the first, datagrams keep them.
//!
//! Both rows share their columns: every cut has a column of its own, and a row that is not cut there shows `·`.

use super::wording::{self, ActorColors, bytes};
use super::{DrawOptions, legend, view};
use crate::analysis::{self, Analysis, DatagramFlow, Direction, Message, part_of};
use crate::i18n::{tr, tr_n};
use crate::picture::{Ink, Picture, Row};
use crate::trace::{Data, SocketType};

mod draw;
mod scale;

/// Stands for a space, which would not be seen.
const SPACE: char = '␣';

/// What a box in a row holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Holds {
    /// Bytes that were sent, or arrived.
    Bytes,
    /// Bytes that were cut off a datagram, and are gone.
    Gone,
    /// Bytes that nobody received.
    Missing,
}

/// Bytes `start` to `end` of a flow, as one call handled them.
#[derive(Clone, Debug)]
struct Piece {
    start: usize,
    end: usize,
    data: Data,
    holds: Holds,
}

/// What went from one socket to another.
struct Flow {
    heading: String,
    remarks: Vec<(String, Ink)>,
    sender: (String, Ink),
    receiver: (String, Ink),
    sent: Vec<Piece>,
    got: Vec<Piece>,
}

view!("boundaries", draw);
fn draw(analysis: &Analysis, width: usize, options: DrawOptions) -> Picture {
    let colors = ActorColors::of(analysis.recording.shown_events());
    let mut rows = Vec::new();
    let shown = analysis.shown_sockets();
    let is_shown = |from: usize, to: usize| shown.contains(&from) && shown.contains(&to);
    let carries = |direction: &&Direction| {
        (!direction.sends.is_empty() || !direction.receives.is_empty())
            && is_shown(direction.from, direction.to)
    };
    let streams = analysis.directions.iter().filter(carries);
    let streams = streams.map(|direction| stream(analysis, &colors, direction));
    let flows = analysis.datagram_flows.iter();
    let flows = flows.filter(|flow| is_shown(flow.from, flow.to.unwrap_or(flow.from)));
    let datagrams = flows.map(|flow| datagrams(analysis, &colors, flow));
    for flow in streams.chain(datagrams) {
        if !rows.is_empty() {
            rows.push(Row::new());
        }
        flow.draw(width, &mut rows);
    }
    let shows = |character: char| {
        rows.iter().flat_map(|row| &row.0).any(|span| span.text.contains(character))
    };
    let key = [
        (shows('│'), tr!("│ here a call ended")),
        (shows('·'), tr!("· here a call ended on the other side only")),
        (shows(SPACE), tr!("␣ a space")),
    ];
    let key = legend::lines(options.explanations(key), width);
    rows.extend(key.into_iter().map(|line| Row::new().with(line, Ink::Faint)));
    Picture(rows)
}

fn person(
    analysis: &Analysis,
    colors: &ActorColors,
    socket: Option<usize>,
    call: Option<usize>,
) -> (String, Ink) {
    let by_call = call.and_then(|at| analysis.calls.get(at)).map(|span| &span.actor);
    let actor = by_call
        .or_else(|| socket.and_then(|at| analysis.sockets.get(at)).map(|socket| &socket.owner));
    actor.map_or_else(
        || (tr!("nobody").to_owned(), Ink::Faint),
        |actor| (wording::actor(actor), colors.ink(actor)),
    )
}

/// Calls that send.
fn sends(count: usize) -> String {
    tr_n!(count, "{count} send", "{count} sends", count)
}

/// Calls that receive.
fn receives(count: usize) -> String {
    tr_n!(count, "{count} receive", "{count} receives", count)
}

fn count_of_datagrams(count: usize) -> String {
    tr_n!(count, "{count} datagram", "{count} datagrams", count)
}

fn stream(analysis: &Analysis, colors: &ActorColors, direction: &Direction) -> Flow {
    let unknown = Data::of(b"");
    let piece = |piece: &analysis::Piece, data: Option<&Data>| Piece {
        start: piece.start,
        end: piece.end(),
        data: part_of(data.unwrap_or(&unknown), 0, piece.bytes),
        holds: Holds::Bytes,
    };
    let span = |piece: &analysis::Piece| &analysis.calls[piece.call];
    let sent = direction.sends.iter().map(|send| piece(send, span(send).sending())).collect();
    let mut got: Vec<Piece> =
        direction.receives.iter().map(|receive| piece(receive, span(receive).received())).collect();
    let (all_sent, all_got) = (direction.sent(), direction.received());
    let mut remarks = Vec::new();
    if all_got < all_sent {
        let (start, end) = (all_got, all_sent);
        got.push(Piece { start, end, data: unknown, holds: Holds::Missing });
        let words = tr!("░ {bytes} were not received", bytes = bytes(all_sent - all_got));
        remarks.push((words, Ink::Warn));
    }
    if !direction.sound {
        let words = tr!("≠ received and sent differ: the rows are aligned by their lengths only");
        remarks.push((words.to_owned(), Ink::Warn));
    }
    let first = |pieces: &[analysis::Piece]| pieces.first().map(|piece| piece.call);
    let sender = person(analysis, colors, Some(direction.from), first(&direction.sends));
    let receiver = person(analysis, colors, Some(direction.to), first(&direction.receives));
    let counts = [sends(direction.sends.len()), receives(direction.receives.len())].join(tr!(", "));
    let counts = tr!("{bytes}: {counts}", bytes = bytes(all_sent), counts);
    let heading = heading(analysis, direction.from, &sender.0, &receiver.0, &counts);
    Flow { heading, remarks, sender, receiver, sent, got }
}

fn heading(analysis: &Analysis, socket: usize, from: &str, to: &str, counts: &str) -> String {
    let socket = &analysis.sockets[socket];
    let kind = match (socket.protocol_name(), &socket.kind) {
        ("", Some(SocketType::Stream)) => tr!("stream, "),
        ("", Some(SocketType::Datagram)) => tr!("datagrams, "),
        ("TCP", _) => tr!("TCP, "),
        ("UDP", _) => tr!("UDP, "),
        _ => "",
    };
    format!("{from} → {to}  {kind}{counts}")
}

fn datagrams(analysis: &Analysis, colors: &ActorColors, flow: &DatagramFlow) -> Flow {
    let (mut sent, mut got, mut all_bytes) = (Vec::new(), Vec::new(), 0);
    let messages: Vec<&Message> = flow.messages.iter().map(|at| &analysis.messages[*at]).collect();
    for message in &messages {
        let (start, end) = (all_bytes, all_bytes + message.bytes);
        all_bytes = end;
        let piece = |from: usize, to: usize, holds: Holds| {
            let data = part_of(&message.data, from, to - from);
            Piece { start: start + from, end: start + to, data, holds }
        };
        sent.push(piece(0, message.bytes, Holds::Bytes));
        let arrived = message.bytes - message.cut();
        if message.receive.is_none() {
            got.push(piece(0, message.bytes, Holds::Missing));
        } else {
            got.push(piece(0, arrived, Holds::Bytes));
            got.push(piece(arrived, message.bytes, Holds::Gone));
        }
    }
    let gone: usize = messages.iter().map(|message| message.cut()).sum();
    let received = messages.iter().filter(|message| message.receive.is_some()).count();
    let missing = messages.len() - received;
    let empty = messages.iter().filter(|message| message.bytes == 0).count();
    let sender = messages.iter().find_map(|message| message.send);
    let receiver = messages.iter().find_map(|message| message.receive);
    let mut remarks = Vec::new();
    if gone > 0 {
        let words =
            tr!("▒ {bytes} gone: the buffer was shorter than the datagram", bytes = bytes(gone));
        remarks.push((words, Ink::Bad));
    }
    if missing > 0 {
        let words = tr!("░ {datagrams} not received", datagrams = count_of_datagrams(missing));
        remarks.push((words, Ink::Warn));
    }
    if empty > 0 {
        let datagrams = count_of_datagrams(empty);
        let words = tr!("· {datagrams} of 0 bytes, too short to be drawn", datagrams);
        remarks.push((words, Ink::Faint));
    }
    let sender = person(analysis, colors, Some(flow.from), sender);
    let receiver = person(analysis, colors, flow.to, receiver);
    let counts = tr!(
        "{bytes}: {sends}, {receives}",
        bytes = bytes(all_bytes),
        sends = sends(messages.len()),
        receives = receives(received)
    );
    let heading = heading(analysis, flow.from, &sender.0, &receiver.0, &counts);
    let seen =
        |pieces: Vec<Piece>| pieces.into_iter().filter(|piece| piece.start < piece.end).collect();
    Flow { heading, remarks, sender, receiver, sent: seen(sent), got: seen(got) }
}

/// The bytes from `start` to `end` of a piece, as they are shown.
fn text(piece: &Piece, start: usize, end: usize) -> String {
    let quoted = part_of(&piece.data, start - piece.start, end - start).to_string();
    let quoted = quoted.replace(' ', &SPACE.to_string());
    let (inner, more) =
        quoted.strip_suffix('…').map_or((quoted.as_str(), ""), |inner| (inner, "…"));
    format!("{}{more}", inner.trim_start_matches('"').strip_suffix('"').unwrap_or(""))
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;
    use crate::analysis::script::{Script, data, fits_everywhere, here};
    use crate::trace::{Outcome, Value};

    fn draw(analysis: &Analysis, width: usize) -> Picture {
        super::draw(analysis, width, DrawOptions::default())
    }

    #[test]
    fn a_stream_keeps_the_bytes_and_forgets_the_cuts() {
        let mut script = Script::connected();
        script
            .sends("client", 2, "one")
            .sends("client", 2, "two")
            .sends("client", 2, "three")
            .receives("server", 3, 99, "onetwothree");
        assert_snapshot!(draw(&Analysis::of(&script.recording()), 80).text());
        fits_everywhere(&script.recording(), draw);
    }

    #[test]
    fn a_character_that_a_receive_cuts_is_whole_where_it_was_sent() {
        let mut script = Script::connected();
        script.sends("client", 2, "a你");
        for kept in [&b"a\xe4"[..], b"\xbd\xa0"] {
            let call = script.enter("server", 3, "recv", &[("size", 2.into())]);
            script.leave(
                "server",
                &call,
                Outcome::Result(2),
                &[("data", Value::Data(Data::of(kept)))],
            );
        }
        assert_snapshot!(draw(&Analysis::of(&script.recording()), 80).text());
    }

    fn cut_datagrams() -> Script {
        let mut script = Script::new();
        script.socket("bob", 1, "AF_INET", "SOCK_DGRAM").call(
            "bob",
            1,
            "bind",
            &[("address", here(0))],
            0,
        );
        script.located("bob", 1, here(4000)).socket("ann", 2, "AF_INET", "SOCK_DGRAM");
        for text in ["hi", "hello, world", "lost"] {
            let length = i64::try_from(text.len()).unwrap_or(0);
            script.call(
                "ann",
                2,
                "send_to",
                &[("data", data(text)), ("address", here(4000))],
                length,
            );
        }
        script
            .located("ann", 2, here(5000))
            .receives("bob", 1, 5, "hi")
            .receives("bob", 1, 5, "hello");
        script
    }

    #[test]
    fn what_is_cut_off_a_datagram_is_gone() {
        assert_snapshot!(draw(&Analysis::of(&cut_datagrams().recording()), 80).text());
        fits_everywhere(&cut_datagrams().recording(), draw);
    }

    #[test]
    fn a_long_flow_is_drawn_in_proportion_and_folded() {
        let mut script = Script::connected();
        for _ in 0..4 {
            script.sends("client", 2, &"x".repeat(100));
        }
        script.receives("server", 3, 300, &"x".repeat(300));
        assert_snapshot!(draw(&Analysis::of(&script.recording()), 40).text());
        for _ in 0..400 {
            script.sends("client", 2, "y");
        }
        let text = draw(&Analysis::of(&script.recording()), 40).text();
        assert!(text.contains("\n… 395 bytes more, of 395 sends\n"), "{text}");
        fits_everywhere(&script.recording(), draw);
    }
}
