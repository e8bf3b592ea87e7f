//! Where the sends cut the bytes, and below where the receives did: a stream forgets the first, datagrams keep them.
//!
//! Both rows share their columns: every cut has a column of its own, and a row that is not cut there shows `·`.

use unicode_width::UnicodeWidthStr;

use super::view;
use super::wording::{self, ActorColors, bytes};
use crate::analysis::{Analysis, Fate, part_of};
use crate::i18n::{tr, tr_n};
use crate::picture::{Canvas, Ink, Picture, Row, paragraph};
use crate::trace::Data;
use crate::trace::SocketType;

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

view!("boundaries", |analysis, width, _| draw(analysis, width));
fn draw(analysis: &Analysis, width: usize) -> Picture {
    let colors = ActorColors::of(analysis.recording.events());
    let mut rows = Vec::new();
    for flow in streams(analysis, &colors).into_iter().chain(datagrams(analysis, &colors)) {
        if !rows.is_empty() {
            rows.push(Row::new());
        }
        flow.draw(width, &mut rows);
    }
    Picture(rows)
}

fn person(
    analysis: &Analysis,
    colors: &ActorColors,
    socket: Option<usize>,
    call: Option<usize>,
) -> (String, Ink) {
    let by_call = call.and_then(|at| analysis.calls.get(at)).map(|made| &made.actor);
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

fn streams(analysis: &Analysis, colors: &ActorColors) -> Vec<Flow> {
    let drawn = analysis
        .directions
        .iter()
        .filter(|direction| !direction.sends.is_empty() || !direction.receives.is_empty());
    drawn
        .map(|direction| {
            let piece = |&(call, start, bytes): &(usize, usize, usize), data: Option<&Data>| Piece {
                start,
                end: start + bytes,
                data: data.map_or_else(|| part_of(&Data::of(b""), 0, bytes), |data| part_of(data, 0, bytes)),
                holds: if call == usize::MAX { Holds::Missing } else { Holds::Bytes },
            };
            let sent: Vec<Piece> = direction.sends.iter().map(|one| piece(one, analysis.calls[one.0].sending())).collect();
            let mut got: Vec<Piece> = direction.receives.iter().map(|one| piece(one, analysis.calls[one.0].received())).collect();
            let (all_sent, all_got) = (sent.last().map_or(0, |last| last.end), got.last().map_or(0, |last| last.end));
            let mut remarks = Vec::new();
            if all_got < all_sent {
                got.push(piece(&(usize::MAX, all_got, all_sent - all_got), None));
                let words = tr!("░ {bytes} were not received", bytes = bytes(all_sent - all_got));
                remarks.push((words, Ink::Warn));
            }
            if !direction.sound {
                let words = tr!("≠ what was received is not what was sent: the rows are set by their lengths alone");
                remarks.push((words.to_owned(), Ink::Warn));
            }
            let (sender, receiver) = (
                person(analysis, colors, Some(direction.from), direction.sends.first().map(|one| one.0)),
                person(analysis, colors, Some(direction.to), direction.receives.first().map(|one| one.0)),
            );
            let counts = [sends(direction.sends.len()), receives(direction.receives.len())].join(tr!(", "));
            let heading = heading(
                analysis,
                direction.from,
                &sender.0,
                &receiver.0,
                &tr!("{bytes}: {counts}", bytes = bytes(all_sent), counts),
            );
            Flow { heading, remarks, sender, receiver, sent, got }
        })
        .collect()
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

fn datagrams(analysis: &Analysis, colors: &ActorColors) -> Vec<Flow> {
    let is_datagram =
        |at: usize| analysis.sockets.get(at).is_some_and(|socket| !socket.is_stream());
    let mut pairs: Vec<(usize, Option<usize>)> = Vec::new();
    for message in &analysis.messages {
        if let Some(from) = message.from.filter(|&from| is_datagram(from) && message.send.is_some())
            && !pairs.contains(&(from, message.to))
        {
            pairs.push((from, message.to));
        }
    }
    pairs.into_iter().map(|(from, to)| datagrams_between(analysis, colors, from, to)).collect()
}

fn datagrams_between(
    analysis: &Analysis,
    colors: &ActorColors,
    from: usize,
    to: Option<usize>,
) -> Flow {
    let (mut sent, mut got, mut at) = (Vec::new(), Vec::new(), 0);
    let (mut sent_by, mut received_by, mut gone, mut missing, mut empty) = (0, 0, 0, 0, 0);
    let (mut sender, mut receiver) = (None, None);
    for message in analysis
        .messages
        .iter()
        .filter(|message| (message.from, message.to) == (Some(from), to) && message.send.is_some())
    {
        let (start, end) = (at, at + message.bytes);
        at = end;
        sent_by += 1;
        received_by += usize::from(message.receive.is_some());
        empty += usize::from(message.bytes == 0);
        sender = sender.or(message.send);
        receiver = receiver.or(message.receive);
        sent.push(Piece { start, end, data: message.data.clone(), holds: Holds::Bytes });
        let cut = match message.fate {
            Fate::Cut(cut) => cut.min(message.bytes),
            _ => 0,
        };
        if message.receive.is_none() {
            missing += 1;
            got.push(Piece { start, end, data: message.data.clone(), holds: Holds::Missing });
            continue;
        }
        let arrived = message.bytes - cut;
        got.push(Piece {
            start,
            end: start + arrived,
            data: part_of(&message.data, 0, arrived),
            holds: Holds::Bytes,
        });
        if cut > 0 {
            gone += cut;
            got.push(Piece {
                start: start + arrived,
                end,
                data: part_of(&message.data, arrived, cut),
                holds: Holds::Gone,
            });
        }
    }
    let mut remarks = Vec::new();
    if gone > 0 {
        let words =
            tr!("▒ {bytes} gone: the buffer was shorter than the datagram", bytes = bytes(gone));
        remarks.push((words, Ink::Warn));
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
    let (sender, receiver) =
        (person(analysis, colors, Some(from), sender), person(analysis, colors, to, receiver));
    let counts = tr!(
        "{bytes}: {sends}, {receives}",
        bytes = bytes(at),
        sends = sends(sent_by),
        receives = receives(received_by)
    );
    let heading = heading(analysis, from, &sender.0, &receiver.0, &counts);
    let seen =
        |pieces: Vec<Piece>| pieces.into_iter().filter(|piece| piece.start < piece.end).collect();
    Flow { heading, remarks, sender, receiver, sent: seen(sent), got: seen(got) }
}

/// The bytes from `start` to `end` of a piece, as they are shown.
fn text(piece: &Piece, start: usize, end: usize) -> String {
    let quoted = part_of(&piece.data, start - piece.start, end - start).to_string();
    let (inner, more) =
        quoted.strip_suffix('…').map_or((quoted.as_str(), ""), |inner| (inner, "…"));
    format!("{}{more}", inner.trim_start_matches('"').strip_suffix('"').unwrap_or(""))
}

/// Where each stretch between two cuts is drawn.
struct Scale {
    /// The cuts, in bytes.
    cuts: Vec<usize>,
    /// The column of each cut.
    columns: Vec<usize>,
    /// False if the stretches are narrower than their text.
    natural: bool,
}

impl Scale {
    /// Every stretch as wide as its text if that fits, else in proportion; what does not fit at all is left out.
    fn new(flow: &Flow, room: usize) -> Scale {
        let pieces = || flow.sent.iter().chain(&flow.got);
        let mut cuts: Vec<usize> = pieces().flat_map(|piece| [piece.start, piece.end]).collect();
        cuts.sort_unstable();
        cuts.dedup();
        // The shortest stretch is a byte: one character in four columns with the cut and a count of up to three digits.
        let most = (room.saturating_sub(1) / 4).max(1);
        cuts.truncate(most + 1);
        let stretches: Vec<(usize, usize)> =
            cuts.windows(2).map(|pair| (pair[0], pair[1])).collect();
        let digits = |&(start, end): &(usize, usize)| (end - start).to_string().len();
        let widest_text = |&(start, end): &(usize, usize)| {
            let inside = pieces().filter(|piece| {
                piece.start <= start && end <= piece.end && piece.holds == Holds::Bytes
            });
            inside.map(|piece| text(piece, start, end).width()).max().unwrap_or(0)
        };
        let mut widths: Vec<usize> =
            stretches.iter().map(|one| widest_text(one).max(digits(one)).max(1)).collect();
        // A box over several stretches must hold its text and its count, too.
        for piece in pieces() {
            let inside: Vec<usize> = (0..stretches.len())
                .filter(|&at| piece.start <= stretches[at].0 && stretches[at].1 <= piece.end)
                .collect();
            let Some(&last) = inside.last() else { continue };
            let has = inside.iter().map(|&at| widths[at]).sum::<usize>() + inside.len() - 1;
            widths[last] += (piece.end - piece.start).to_string().len().saturating_sub(has);
        }
        let natural = widths.iter().sum::<usize>() + widths.len() < room;
        let total = |widths: &[usize]| widths.iter().sum::<usize>() + widths.len() + 1;
        if !natural && total(&widths) > 2 * room {
            let free = room.saturating_sub(1 + 4 * stretches.len());
            let all: usize = stretches.iter().map(|(start, end)| end - start).sum();
            widths = stretches
                .iter()
                .map(|(start, end)| 3 + free.saturating_mul(end - start) / all.max(1))
                .collect();
        }
        // A little too wide: the widest give way.
        while total(&widths) > room
            && let Some(widest) = widths.iter_mut().max().filter(|wide| **wide > 1)
        {
            *widest -= 1;
        }
        let mut columns = vec![0];
        for wide in widths {
            columns.push(columns.last().copied().unwrap_or(0) + wide + 1);
        }
        columns.truncate(cuts.len());
        Scale { cuts, columns, natural }
    }

    fn place(&self, cut: usize) -> Option<usize> {
        self.cuts.iter().position(|known| *known == cut)
    }
}

impl Flow {
    fn draw(&self, width: usize, rows: &mut Vec<Row>) {
        rows.extend(paragraph(&self.heading, width, Ink::Strong));
        let labels =
            [tr!("{who} sends", who = self.sender.0), tr!("{who} receives", who = self.receiver.0)];
        let label = labels.iter().map(|label| label.width() + 2).max().unwrap_or(0);
        let aside = label <= width / 4;
        let left = if aside { label } else { 0 };
        let scale = Scale::new(self, width.saturating_sub(left));
        let mut canvas = Canvas::new(width);
        let mut at = 0;
        for ((label, pieces), ink) in
            labels.iter().zip([&self.sent, &self.got]).zip([self.sender.1, self.receiver.1])
        {
            canvas.grow(at + 1);
            canvas.write(at, 0, if aside { left } else { width }, label, ink);
            at += usize::from(!aside);
            for piece in pieces {
                band(&mut canvas, (at, left), &scale, piece, ink);
            }
            counts(&mut canvas, (at + 1, left), &scale, pieces);
            at += 2;
        }
        let mut picture = canvas.picture();
        while picture.0.last().is_some_and(|row| row.width() == 0) {
            picture.0.pop();
        }
        rows.append(&mut picture.0);
        let end = scale.cuts.last().copied().unwrap_or(0);
        let beyond = |pieces: &[Piece]| {
            pieces.iter().filter(|piece| piece.end > end && piece.holds == Holds::Bytes).count()
        };
        let all = self.sent.iter().chain(&self.got).map(|piece| piece.end).max().unwrap_or(0);
        let mut remarks = self.remarks.clone();
        if all > end {
            let of =
                [(beyond(&self.sent), sends as fn(usize) -> String), (beyond(&self.got), receives)];
            let of: Vec<String> = of
                .into_iter()
                .filter(|(count, _)| *count > 0)
                .map(|(count, said)| said(count))
                .collect();
            let (bytes, of) = (bytes(all - end), of.join(tr!(" and ")));
            remarks.insert(0, (tr!("… {bytes} more, of {of}", bytes, of), Ink::Faint));
        }
        for (remark, ink) in remarks {
            rows.extend(paragraph(&remark, width, ink));
        }
    }
}

/// From which cut to which the piece is drawn, if it is, and whether it ends there.
fn extent(scale: &Scale, piece: &Piece) -> Option<(usize, usize, bool)> {
    let first = scale.place(piece.start).filter(|first| first + 1 < scale.cuts.len())?;
    let closed = scale.place(piece.end);
    Some((first, closed.unwrap_or(scale.cuts.len() - 1), closed.is_some()))
}

/// The bytes in each box, spelt out if that fits below all of them.
fn counts(canvas: &mut Canvas, (row, left): (usize, usize), scale: &Scale, pieces: &[Piece]) {
    let shown: Vec<(usize, usize, &Piece)> = pieces
        .iter()
        .filter_map(|piece| {
            let (first, last, _) = extent(scale, piece)?;
            Some((left + scale.columns[first] + 1, left + scale.columns[last], piece))
        })
        .collect();
    let spelt = |piece: &Piece| {
        let count = bytes(piece.end - piece.start);
        match piece.holds {
            Holds::Bytes => count,
            Holds::Gone => tr!("{count} gone", count),
            Holds::Missing => tr!("{count} not received", count),
        }
    };
    let all_spelt = shown.iter().all(|(start, end, piece)| spelt(piece).width() <= end - start);
    for (start, end, piece) in shown {
        let words = if all_spelt { spelt(piece) } else { (piece.end - piece.start).to_string() };
        if words.width() <= end - start {
            let ink = if piece.holds == Holds::Bytes { Ink::Faint } else { Ink::Warn };
            canvas.write(row, start + (end - start - words.width()) / 2, end, &words, ink);
        }
    }
}

/// One box; one that goes on beyond the scale is left open.
fn band(canvas: &mut Canvas, (row, left): (usize, usize), scale: &Scale, piece: &Piece, ink: Ink) {
    let Some((first, last, closed)) = extent(scale, piece) else {
        return;
    };
    let (start, end) = (left + scale.columns[first], left + scale.columns[last]);
    match piece.holds {
        Holds::Gone => canvas.fill(row, start + 1, end, '▒', Ink::Warn),
        Holds::Missing => canvas.fill(row, start + 1, end, '░', Ink::Warn),
        Holds::Bytes => {
            let upto = scale.cuts[last];
            let whole = text(piece, piece.start, upto);
            let stretches: Vec<(usize, usize, usize)> = (first..last)
                .map(|at| (scale.columns[at], scale.cuts[at], scale.cuts[at + 1]))
                .collect();
            let parts: Vec<String> =
                stretches.iter().map(|&(_, start, end)| text(piece, start, end)).collect();
            // A character that only the other row cuts is whole here.
            if parts.concat() == whole && scale.natural {
                for column in &scale.columns[first + 1..last] {
                    canvas.put(row, left + column, '·', Ink::Faint);
                }
                for (part, (column, ..)) in parts.iter().zip(&stretches) {
                    canvas.write(row, left + column + 1, end, part, ink);
                }
            } else {
                canvas.write(row, start + 1, end, &whole, ink);
            }
        }
    }
    canvas.put(row, start, '│', Ink::Strong);
    canvas.put(row, end, if closed { '│' } else { '…' }, Ink::Strong);
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;
    use crate::analysis::sample::{Sample, data, fits_everywhere, here};
    use crate::trace::{Outcome, Value};

    #[test]
    fn a_stream_keeps_the_bytes_and_forgets_the_cuts() {
        let mut sample = Sample::connected();
        sample
            .sends("client", 2, "one")
            .sends("client", 2, "two")
            .sends("client", 2, "three")
            .receives("server", 3, 99, "onetwothree");
        assert_snapshot!(draw(&Analysis::of(&sample.recording()), 80).text());
        fits_everywhere(&sample.recording(), draw);
    }

    #[test]
    fn a_character_that_a_receive_cuts_is_whole_where_it_was_sent() {
        let mut sample = Sample::connected();
        sample.sends("client", 2, "a你");
        for kept in [&b"a\xe4"[..], b"\xbd\xa0"] {
            let call = sample.enter("server", 3, "recv", &[("size", 2.into())]);
            sample.leave(
                "server",
                &call,
                Outcome::Result(2),
                &[("data", Value::Data(Data::of(kept)))],
            );
        }
        assert_snapshot!(draw(&Analysis::of(&sample.recording()), 80).text());
    }

    fn cut_datagrams() -> Sample {
        let mut sample = Sample::new();
        sample.socket("bob", 1, "AF_INET", "SOCK_DGRAM").call(
            "bob",
            1,
            "bind",
            &[("address", here(0))],
            0,
        );
        sample.located("bob", 1, here(4000)).socket("ann", 2, "AF_INET", "SOCK_DGRAM");
        for text in ["hi", "hello, world", "lost"] {
            let length = i64::try_from(text.len()).unwrap_or(0);
            sample.call(
                "ann",
                2,
                "send_to",
                &[("data", data(text)), ("address", here(4000))],
                length,
            );
        }
        sample
            .located("ann", 2, here(5000))
            .receives("bob", 1, 5, "hi")
            .receives("bob", 1, 5, "hello");
        sample
    }

    #[test]
    fn what_is_cut_off_a_datagram_is_gone() {
        assert_snapshot!(draw(&Analysis::of(&cut_datagrams().recording()), 80).text());
        fits_everywhere(&cut_datagrams().recording(), draw);
    }

    #[test]
    fn a_long_flow_is_drawn_in_proportion_and_folded() {
        let mut sample = Sample::connected();
        for _ in 0..4 {
            sample.sends("client", 2, &"x".repeat(100));
        }
        sample.receives("server", 3, 300, &"x".repeat(300));
        assert_snapshot!(draw(&Analysis::of(&sample.recording()), 40).text());
        for _ in 0..400 {
            sample.sends("client", 2, "y");
        }
        let text = draw(&Analysis::of(&sample.recording()), 40).text();
        assert!(text.contains("\n… 395 bytes more, of 395 sends\n"), "{text}");
        fits_everywhere(&sample.recording(), draw);
    }
}
