//! What wraps your bytes: one frame, byte by byte, each layer in its own rows and colour, with the fields that matter named
//! under their bytes and explained; and below it the three ways to count layers, with how many bytes of this frame belong to each.
//!
//! The frame is the first that carries payload: one of TCP and one of UDP where both are there. Every frame fits with its
//! explanations on a screen of 80 by 24.

use std::ops::Range;

use unicode_width::UnicodeWidthStr;

use self::models::{LAYERS, models};
use self::parts::{APPLICATION, Part, ink, key, parts, payload_name, protocol};
use super::view;
use super::wording::{self, end, safe};
use crate::analysis::Analysis;
use crate::i18n::tr;
use crate::picture::table::{self, Column};
use crate::picture::{Ink, Picture, Row, fit, paragraph};
use crate::text::wrap;
use crate::trace::EventKind;
use crate::trace::packet::Frame;

mod models;
mod parts;

/// Columns left of the bytes, for the layer's name.
const MARGIN: usize = 9;
/// Columns that the reading of a header needs right of its bytes.
const READING: usize = 20;
/// Rows that a frame may take: a screen of 24, less the prompt below it.
const SCREEN: usize = 22;

/// How the frame is laid out: bytes in a row, and whether their reading stands right of them.
fn layout(width: usize) -> (usize, bool) {
    let needed = |row: usize| MARGIN + row * 3 - 1;
    let row = [16, 8, 4].into_iter().find(|row| needed(*row) <= width).unwrap_or(3);
    (row, width >= needed(16) + 2 + READING)
}

/// The name of a field, `columns` wide under its bytes; bracketed where there is room, open where it goes on in another row. What is
/// opened in one row is closed in another.
fn label(name: &str, columns: usize, begins: bool, ends: bool) -> String {
    let (left, right) = (if begins { '└' } else { '─' }, if ends { '┘' } else { '─' });
    let bracketed =
        |name: &str| format!("{left}{}{right}", centred(name, columns.saturating_sub(2), "─"));
    match columns {
        wide if wide >= name.width() + 2 => bracketed(name),
        _ if !(begins && ends) => bracketed(""),
        enough if enough >= name.width() => centred(name, enough, " "),
        _ => " ".repeat(columns),
    }
}

/// Where the widest of the pieces begins in which rows of so many bytes cut a field: there its name stands.
fn widest_piece(field: &Range<usize>, per_row: usize) -> usize {
    let row = |start: usize| start - start % per_row..start - start % per_row + per_row;
    let begins = std::iter::successors(Some(field.start), |start| {
        Some(row(*start).end).filter(|next| *next < field.end)
    });
    let piece = |start: &usize| row(*start).end.min(field.end) - start;
    let mut widest = (field.start, 0);
    for start in begins {
        if piece(&start) > widest.1 {
            widest = (start, piece(&start));
        }
    }
    widest.0
}

/// The name in the middle of so many columns, filled up with this.
fn centred(name: &str, columns: usize, filling: &str) -> String {
    let spare = columns.saturating_sub(name.width());
    format!("{}{name}{}", filling.repeat(spare / 2), filling.repeat(spare - spare / 2))
}

impl Part {
    /// The bytes, and under them what they are; at most this many rows of bytes.
    fn rows(&self, raw: &[u8], per_row: usize, most: usize) -> Vec<Row> {
        let bytes = &raw[self.bytes.clone()];
        let mut rows = Vec::new();
        for (index, chunk) in bytes.chunks(per_row).take(most).enumerate() {
            let from = index * per_row;
            let hex: Vec<String> = chunk.iter().map(|byte| format!("{byte:02x}")).collect();
            rows.push(Row::new().with(hex.join(" "), ink(self.osi)));
            let mut below = Row::new();
            let mut named = false;
            if self.name == payload_name() {
                let shown: Vec<String> = chunk
                    .iter()
                    .map(|byte| {
                        if byte.is_ascii_graphic() { char::from(*byte) } else { '·' }.to_string()
                    })
                    .collect();
                below.push(shown.join("  "), ink(self.osi));
                named = true;
            }
            for (field, name) in &self.fields {
                let (start, end) = (field.start.max(from), field.end.min(from + chunk.len()));
                if start < end {
                    below.pad_to((start - from) * 3);
                    let (begins, ends) = (start == field.start, end == field.end);
                    let shown = field.start..field.end.min(bytes.len());
                    let name = if widest_piece(&shown, per_row) == start { name } else { "" };
                    named |= begins || ends || !name.is_empty();
                    below.push(label(name, (end - start) * 3 - 1, begins, ends), ink(self.osi));
                }
            }
            if named {
                rows.push(below);
            }
        }
        rows
    }

    /// With its name in the margin, its reading to the right or below.
    fn draw(&self, raw: &[u8], width: usize, most: usize, rows: &mut Vec<Row>) {
        let (per_row, beside) = layout(width);
        let mut drawn = self.rows(raw, per_row, most);
        let left_out = self.bytes.len().saturating_sub(per_row.saturating_mul(most));
        let mut reading = self.reading.clone();
        if left_out > 0 {
            reading.push(tr!("… {left_out} more bytes", left_out));
        }
        let margin = [(self.name.to_owned(), Ink::Strong), (counted(self.bytes.len()), Ink::Plain)];
        if drawn.len() < 2 {
            drawn.push(Row::new());
        }
        let mut reading = reading.into_iter();
        for (index, body) in drawn.into_iter().enumerate() {
            let mut row = Row::new();
            if let Some((text, weight)) = margin.get(index) {
                row.push(
                    fit(text, MARGIN - 1),
                    if *weight == Ink::Strong { ink(self.osi) } else { Ink::Faint },
                );
            }
            row.pad_to(MARGIN);
            row.extend(body);
            if let Some(said) = Some(MARGIN + 16 * 3 + 1)
                .filter(|_| beside)
                .and_then(|at| Some((at, reading.next()?)))
            {
                row.pad_to(said.0);
                row.push(fit(&said.1, width - said.0), Ink::Plain);
            }
            rows.push(row);
        }
        let rest: Vec<String> = reading.collect();
        if !rest.is_empty() && !beside {
            for line in wrap(&rest.join(tr!(", ")), width.saturating_sub(MARGIN).max(8)) {
                rows.push(
                    Row::indented(MARGIN)
                        .with(fit(&line, width.saturating_sub(MARGIN)), Ink::Plain),
                );
            }
        }
    }
}

/// `14 bytes`; where that is too long for the margin, `1448 B`.
fn counted(bytes: usize) -> String {
    match bytes {
        0..=99 => wording::bytes(bytes),
        _ => format!("{bytes} B"),
    }
}

/// A number that says which: 1st, 2nd, 11th.
fn ordinal(number: u64) -> String {
    match (number % 100, number % 10) {
        (11..=13, _) => tr!("{number}th", number),
        (_, 1) => tr!("{number}st", number),
        (_, 2) => tr!("{number}nd", number),
        (_, 3) => tr!("{number}rd", number),
        _ => tr!("{number}th", number),
    }
}

/// One frame, on one screen.
fn frame_rows(frame: &Frame, width: usize) -> Vec<Row> {
    let (raw, parts) = (&frame.raw.0, parts(frame));
    let payload: usize =
        parts.iter().filter(|part| part.osi == APPLICATION).map(|part| part.bytes.len()).sum();
    let kind = protocol(frame);
    let [from, to] = [frame.sent_by, frame.sent_by.other()].map(end);
    let nth = ordinal(frame.frame);
    let heading = tr!("{nth} frame on the wire, {from} → {to}, {kind}: ", nth, from, to, kind);
    let (all, headers) = (raw.len(), raw.len() - payload);
    let sum = tr!("{all} bytes = {headers} headers + {payload} payload", all, headers, payload);
    let mut rows = Vec::new();
    if heading.width() + sum.width() <= width {
        rows.push(Row::new().with(heading, Ink::Strong).with(sum, Ink::Strong));
    } else {
        rows.extend(paragraph(heading.trim_end(), width, Ink::Strong));
        rows.extend(paragraph(&sum, width, Ink::Strong));
    }
    let (per_row, _) = layout(width);
    let taken: usize = parts
        .iter()
        .filter(|part| part.name != payload_name())
        .map(|part| part.rows(raw, per_row, usize::MAX).len().max(2))
        .sum();
    let room = (SCREEN.saturating_sub(rows.len() + taken + 1 + LAYERS.len()) / 2)
        .clamp((16 / per_row).max(1), 4.max(16 / per_row));
    for part in &parts {
        let most = if part.name == payload_name() { room } else { usize::MAX };
        part.draw(raw, width, most, &mut rows);
    }
    if let Some(why) = &frame.layers.malformed {
        rows.extend(paragraph(&format!("✗ {}", safe(why)), width, Ink::Bad));
    }
    let key = key(&parts);
    if !key.is_empty() {
        let words = tr!("(two hexadecimal digits are a byte; {key})", key);
        rows.extend(paragraph(&words, width, Ink::Faint));
    }
    rows.push(Row::new());
    models(&parts, width, &mut rows);
    rows
}

/// What each protocol put on the wire in all, where there are several.
fn overhead(frames: &[&Frame], width: usize, rows: &mut Vec<Row>) {
    let of = |kind: &'static str| frames.iter().filter(move |frame| protocol(frame) == kind);
    if of("TCP").next().is_none() || of("UDP").next().is_none() {
        return;
    }
    rows.push(Row::new());
    let number = Column::right(9, "");
    let columns = [Column::left(5, ""), number, number, number, number];
    let mut push = |texts: [String; 5], ink: Ink| {
        let cells = texts.map(|text| Row::new().with(text, ink));
        rows.push(table::row(cells, &columns).cut(width));
    };
    let heading = ["", tr!("frames"), tr!("bytes"), tr!("payload"), tr!("overhead")];
    push(heading.map(str::to_owned), Ink::Strong);
    for kind in ["TCP", "UDP", "ICMP", "ARP"].into_iter().filter(|kind| of(kind).next().is_some()) {
        let bytes: usize = of(kind).map(|frame| frame.raw.0.len()).sum();
        let payload = of(kind)
            .filter(|_| matches!(kind, "TCP" | "UDP"))
            .map(|frame| frame.layers.payload_bytes.min(frame.raw.0.len()));
        let payload: usize = payload.sum();
        let numbers =
            [of(kind).count(), bytes, payload, bytes - payload].map(|number| number.to_string());
        let [frames, bytes, payload, rest] = numbers;
        push([kind.to_owned(), frames, bytes, payload, rest], Ink::Plain);
    }
}

view!("layers", |analysis, width, _| draw(analysis, width));
fn draw(analysis: &Analysis, width: usize) -> Picture {
    let events = analysis.recording.shown_events();
    let frames: Vec<&Frame> = events
        .filter_map(|event| match &event.what {
            EventKind::Frame(frame) => Some(&**frame),
            _ => None,
        })
        .collect();
    let first = |kind: &str, payload: bool| {
        frames
            .iter()
            .find(|frame| protocol(frame) == kind && (!payload || frame.layers.payload_bytes > 0))
            .copied()
    };
    let mut chosen: Vec<&Frame> =
        ["TCP", "UDP"].into_iter().filter_map(|kind| first(kind, true)).collect();
    if chosen.is_empty() {
        chosen.extend(
            ["TCP", "UDP", "ICMP", "ARP", tr!("other")]
                .into_iter()
                .find_map(|kind| first(kind, false)),
        );
    }
    if chosen.is_empty() {
        return Picture(vec![
            Row::new().with(fit(tr!("(no frame was on the wire)"), width), Ink::Faint),
        ]);
    }
    let mut rows = Vec::new();
    for frame in chosen {
        if !rows.is_empty() {
            rows.push(Row::new());
        }
        rows.extend(frame_rows(frame, width));
    }
    overhead(&frames, width, &mut rows);
    Picture(rows)
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use serde_json::{Value as Json, json};

    use super::*;
    use crate::analysis::script::{Script, fits_everywhere};

    const HELLO: &str = "02000a0900023e66179edf44080045000039b6a14000400670090a0900010a090002a832c48d4a08da80beb3cc758018003ff1f40000\
                         0101080acb7bfc4a6d69daf268656c6c6f";

    /// A frame that was recorded: five bytes over TCP.
    fn tcp() -> Json {
        json!({"event": "frame", "frame": 6, "sent_by": "client", "flow": 1,
            "local": {"inet": "10.9.0.1:43058"}, "peer": {"inet": "10.9.0.2:50317"}, "sender": "client", "receiver": "server",
            "ethernet": {"src": "3e:66:17:9e:df:44", "dst": "02:00:0a:09:00:02", "ether_type": 2048},
            "ip": {"src": "10.9.0.1", "dst": "10.9.0.2", "header_bytes": 20, "total_bytes": 57, "ttl": 64, "protocol": 6, "id": 46753},
            "tcp": {"src_port": 43058, "dst_port": 50317, "flags": "PSH,ACK", "seq": 1_242_094_208, "ack": 3_199_454_325_u32,
                "window": 63, "header_bytes": 32, "options": [{"timestamps": [3_413_900_362_u32, 1_835_653_874]}]},
            "payload_bytes": 5, "fate": "passed", "raw": HELLO})
    }

    fn udp() -> Json {
        let mut frame = tcp();
        let raw =
            HELLO.get(..68).unwrap_or_default().to_owned() + "997bb197000d37bb" + "68656c6c6f";
        let fields = frame.as_object_mut().expect("an object");
        fields.remove("tcp");
        fields.insert("udp".into(), json!({"src_port": 39291, "dst_port": 45463}));
        fields.insert("raw".into(), raw.into());
        frame
    }

    /// Rows above the models.
    fn frame_height(picture: &Picture) -> usize {
        picture.0.iter().position(|row| row.width() == 0).expect("an empty row before the models")
    }

    #[test]
    fn a_frame_of_five_bytes_fits_on_a_screen_with_its_layers_and_its_models() {
        let mut script = Script::new();
        script.json("wire", tcp());
        let picture = draw(&Analysis::of(&script.recording()), 80);
        assert_snapshot!(picture.text());
        assert!(frame_height(&picture) <= SCREEN);
        fits_everywhere(&script.recording(), draw);
    }

    #[test]
    fn every_field_that_is_opened_is_closed_and_every_model_is_drawn_at_each_width() {
        for frame in [tcp(), udp()] {
            let mut script = Script::new();
            script.json("wire", frame);
            for width in 20..=120 {
                let picture = draw(&Analysis::of(&script.recording()), width);
                let drawn = picture.text();
                let frame: Vec<_> = drawn.lines().take(frame_height(&picture)).collect();
                let [opened, closed] = ['└', '┘'].map(|sign| frame.join("").matches(sign).count());
                assert!(opened > 0 && opened == closed, "at {width}:\n{drawn}");
                for model in ["OSI", "TCP/IP", "as taught"] {
                    assert!(drawn.contains(model), "{model} at {width}:\n{drawn}");
                }
            }
        }
    }

    #[test]
    fn each_layer_has_its_own_ink_in_the_bytes_and_in_the_models() {
        let mut script = Script::new();
        script.json("wire", tcp());
        let picture = draw(&Analysis::of(&script.recording()), 80);
        for (text, expected) in [
            ("3e 66", ink(2)),
            ("45 00", ink(3)),
            ("a8 32", ink(4)),
            ("68 65", ink(7)),
            ("4 transport", ink(4)),
            ("1 physical", Ink::Plain),
        ] {
            let span =
                picture.0.iter().flat_map(|row| &row.0).find(|span| span.text.contains(text));
            assert_eq!(span.map(|span| span.ink), Some(expected), "{text}");
        }
    }

    #[test]
    fn of_two_protocols_each_has_a_frame_and_they_are_counted_side_by_side() {
        let mut script = Script::new();
        script.json("wire", tcp()).json("wire", udp()).json("wire", tcp());
        assert_snapshot!(draw(&Analysis::of(&script.recording()), 80).text());
        fits_everywhere(&script.recording(), draw);
    }

    #[test]
    fn a_long_payload_is_cut_so_that_the_frame_stays_on_its_screen() {
        let mut frame = tcp();
        frame["payload_bytes"] = json!(1448);
        frame["raw"] = json!(HELLO.get(..132).unwrap_or_default().to_owned() + &"c3".repeat(1448));
        let mut script = Script::new();
        script.json("wire", frame);
        let picture = draw(&Analysis::of(&script.recording()), 80);
        assert!(frame_height(&picture) <= SCREEN, "{}", picture.text());
        assert!(
            picture.text().contains("1448 B") && picture.text().contains("… 1432 more bytes"),
            "{}",
            picture.text()
        );
    }

    #[test]
    fn a_recording_that_lies_about_its_layers_is_drawn_as_far_as_its_bytes_go() {
        let mut script = Script::new();
        let huge = usize::MAX;
        let mut all = vec![tcp(), tcp(), udp(), tcp()];
        all[0]["ip"]["header_bytes"] = json!(huge);
        all[1]["tcp"]["header_bytes"] = json!(3);
        all[1]["raw"] = json!("");
        all[2]["payload_bytes"] = json!(huge);
        all[3]["ip"]["src"] = json!("fe80::1");
        all[3]["malformed"] = json!("\u{1b}[2J no sense");
        for frame in all {
            let mut one = Script::new();
            one.json("wire", frame.clone());
            fits_everywhere(&one.recording(), draw);
            assert!(
                draw(&Analysis::of(&one.recording()), 80)
                    .text()
                    .chars()
                    .all(|c| c == '\n' || crate::text::is_safe_to_show(c))
            );
            script.json("wire", frame);
        }
        fits_everywhere(&script.recording(), draw);
        assert_eq!(
            draw(&Analysis::of(&Script::new().recording()), 80).text(),
            "(no frame was on the wire)\n"
        );
    }
}
