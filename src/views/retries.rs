//! What was sent again: each time it left on a time axis, the gaps between, what was lost, and the call that ended it.
//!
//! A series is one thing sent once or more: a SYN, a piece of data (same sequence number), a FIN, a keep-alive probe, a
//! datagram. All connections share one axis, so that a program's own retries can be read on it too.

use unicode_width::UnicodeWidthStr;

use self::block::{Line, Stroke, blocks};
use super::{DrawOptions, legend, view};
use crate::analysis::Analysis;
use crate::i18n::tr;
use crate::picture::axis::TimeAxis;
use crate::picture::{Canvas, Ink, Picture, Row, exact_span, fit, span_of};
use crate::text::wrap;

mod block;

/// From this width on there is room for an axis.
const WIDE: usize = 56;
/// At most this many series are drawn, those sent most often and for longest: a bad wire loses many segments, and one is like the other.
const MOST_SERIES: usize = 3;

view!("retries", draw);
fn draw(analysis: &Analysis, width: usize, options: DrawOptions) -> Picture {
    let mut blocks = blocks(analysis);
    let left_out = blocks.len().saturating_sub(MOST_SERIES);
    let mut weights: Vec<(usize, u64)> = blocks.iter().map(|block| block.weight).collect();
    weights.sort_unstable();
    // Of equal ones the first are kept.
    for lightest in weights.into_iter().take(left_out) {
        if let Some(at) = blocks.iter().rposition(|block| block.weight == lightest) {
            blocks.remove(at);
        }
    }
    let lines = || blocks.iter().flat_map(|block| &block.lines);
    if blocks.is_empty() {
        return Picture(vec![
            Row::new().with(fit(tr!("(nothing was sent again)"), width), Ink::Faint),
        ]);
    }
    let zero = lines().map(|line| line.from.unwrap_or(line.at).min(line.at)).min().unwrap_or(0);
    let last = lines().map(|line| line.at).max().unwrap_or(0);
    let labels = lines().map(|line| line.label.width()).max().unwrap_or(0).min(10);
    let outcomes = lines().map(|line| line.outcome.width()).max().unwrap_or(0).min(13);
    let column = labels + 1 + 8 + 2 + outcomes + 2;
    let columns = width.saturating_sub(column).min(100);
    let axis = TimeAxis::new(zero, last, column, columns);
    let mut canvas = Canvas::new(width);
    let mut said = None;
    for block in &blocks {
        let first = canvas.height() == 0;
        let mut row = canvas.height() + usize::from(canvas.height() > 0);
        for line in wrap(&block.heading, width) {
            canvas.write(row, 0, width, &line, Ink::Strong);
            row += 1;
        }
        if width >= WIDE && first {
            for since_ns in ticks(&axis) {
                let text = exact_span(since_ns, axis.span_ns());
                let column = axis.column_of(zero + since_ns);
                if column + text.width() <= width {
                    canvas.write(row, column, width, &text, Ink::Faint);
                }
            }
            row += 1;
        }
        for line in &block.lines {
            line.draw(&mut canvas, row, &axis, labels, outcomes);
            row += 1;
        }
        // The same is said once.
        if !block.notes.is_empty() && said.replace(&block.notes) != Some(&block.notes) {
            for line in wrap(&tr!("({notes})", notes = block.notes.join(tr!(", "))), width) {
                canvas.write(row, 0, width, &line, Ink::Faint);
                row += 1;
            }
        }
    }
    if width >= WIDE {
        let has = |is: fn(&Line) -> bool| lines().any(is);
        let key = [
            (
                has(|line| line.from.is_some() && matches!(line.stroke, Stroke::Gap { .. })),
                tr!("├──▶ time since the one before"),
            ),
            (has(|line| line.stroke == Stroke::Call), tr!("┣━━┫ a call, until it returned")),
            (has(|line| line.stroke == Stroke::Wait), tr!("├╌╌┤ a wait on purpose")),
        ];
        for line in legend::lines(options.explanations(key), width) {
            canvas.write(canvas.height(), 0, width, &line, Ink::Faint);
        }
    }
    if left_out > 0 {
        let row = canvas.height() + 1;
        canvas.write(
            row,
            0,
            width,
            &tr!("… {left_out} more that were sent again", left_out),
            Ink::Faint,
        );
    }
    canvas.picture()
}

/// The times since its beginning that are marked, not too close to each other.
fn ticks(axis: &TimeAxis) -> impl Iterator<Item = u64> + use<> {
    axis.ticks((axis.columns / 9).max(1) + 1, axis.from_ns)
}

impl Line {
    fn draw(
        &self,
        canvas: &mut Canvas,
        row: usize,
        axis: &TimeAxis,
        labels: usize,
        outcomes: usize,
    ) {
        let width = canvas.width();
        let gap = self.from.map(|from| span_of(self.at.saturating_sub(from)));
        canvas.write(row, 0, labels, &self.label, Ink::Plain);
        let time = span_of(self.at.saturating_sub(axis.from_ns));
        if width < WIDE {
            // No room for an axis: the gap in digits, and what came of it.
            let gap = gap.map_or(time, |gap| format!("+{gap}"));
            let at = canvas.write(row, labels + 1, width, &format!("{gap:>8}"), Ink::Strong);
            canvas.write(row, at + 1, width, &self.outcome, self.ink);
            return;
        }
        let padded = format!("{time:>8}");
        canvas.write(row, labels + 1, labels + 9, &padded, Ink::Plain);
        canvas.write(row, labels + 11, labels + 11 + outcomes, &self.outcome, self.ink);
        for since_ns in ticks(axis) {
            canvas.put(row, axis.column_of(axis.from_ns + since_ns), '┊', Ink::Faint);
        }
        let here = axis.column_of(self.at);
        let (mark, body, begin, ink) = match self.stroke {
            Stroke::Gap { arrived: true } => ('▶', '─', '├', Ink::Plain),
            Stroke::Gap { arrived: false } => ('✗', '─', '├', Ink::Plain),
            Stroke::Call => ('┫', '━', '┣', Ink::Warn),
            Stroke::Wait => ('┤', '╌', '├', Ink::Faint),
        };
        let Some((from, text)) = self.from.map(|from| axis.column_of(from)).zip(gap) else {
            canvas.put(row, here, mark, self.ink);
            return;
        };
        canvas.fill(row, from, here, body, ink);
        if from < here {
            canvas.put(row, from, begin, ink);
        }
        canvas.put(row, here, mark, if self.stroke == Stroke::Call { ink } else { self.ink });
        // The gap's length stands in it, or beside it.
        let long = text.width();
        let at = if here > from + long + 2 {
            from + 1 + (here - from - 1 - long) / 2
        } else if here + 2 + long <= width {
            here + 2
        } else {
            from.saturating_sub(long + 1).max(axis.column)
        };
        canvas.write(row, at, width, &text, Ink::Strong);
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use serde_json::{Value as Json, json};

    use super::*;
    use crate::analysis::script::{Script, at, fits_everywhere};
    use crate::trace::Outcome;

    fn draw(analysis: &Analysis, width: usize) -> Picture {
        super::draw(analysis, width, DrawOptions::default())
    }

    /// A segment of the client's, from this port.
    fn segment(port: u16, flags: &str, seq: u32, length: usize, fate: &str) -> Json {
        json!({"event": "frame", "frame": 1, "sent_by": "client", "flow": port,
            "local": {"inet": format!("10.9.0.1:{port}")}, "peer": {"inet": "10.9.0.2:80"}, "sender": "client", "receiver": "server",
            "tcp": {"src_port": port, "dst_port": 80, "flags": flags, "seq": seq, "ack": 0, "window": 63, "header_bytes": 20},
            "payload_bytes": length, "fate": fate, "rules": if fate == "passed" { json!([]) } else { json!(["drop the first SYN"]) }, "raw": ""})
    }

    fn limit(script: &mut Script, option: &'static str, micros: i64) {
        let args =
            [("level", "SOL_SOCKET".into()), ("option", option.into()), ("value", micros.into())];
        script.call("client", 1, "setsockopt", &args, 0);
    }

    /// A SYN is lost, and lost again, and connect() gives up.
    fn gives_up() -> Script {
        let mut script = Script::unhurried();
        limit(&mut script, "SO_SNDTIMEO", 2_500_000);
        let connect = script.enter("client", 1, "connect", &[("address", at("10.9.0.2:80"))]);
        script.json("wire", segment(4000, "SYN", 7, 0, "dropped")).pass(1_000_000_000);
        script.json("wire", segment(4000, "SYN", 7, 0, "dropped")).pass(1_400_000_000);
        script.leave("client", &connect, Outcome::Errno("EINPROGRESS".into()), &[]);
        script
    }

    #[test]
    fn each_time_that_it_left_and_the_gaps_and_the_call_that_gave_up() {
        assert_snapshot!(draw(&Analysis::of(&gives_up().recording()), 78).text());
        fits_everywhere(&gives_up().recording(), draw);
    }

    #[test]
    fn where_there_is_no_room_for_an_axis_the_gaps_are_said() {
        assert_snapshot!(draw(&Analysis::of(&gives_up().recording()), 38).text());
    }

    #[test]
    fn a_programs_own_retries_stand_below_each_other_on_one_axis() {
        let mut script = gives_up();
        script
            .json(
                "lab",
                json!({"event": "wait", "asked_ns": 200_000_000, "purpose": "before the next try"}),
            )
            .pass(200_000_000);
        let connect = script.enter("client", 2, "connect", &[("address", at("10.9.0.2:80"))]);
        script.json("wire", segment(4001, "SYN", 9, 0, "passed"));
        script.leave("client", &connect, Outcome::Result(0), &[]);
        let text = draw(&Analysis::of(&script.recording()), 80).text();
        let (first, second) = text.split_once("\n\n").expect("two connections");
        assert!(first.contains("= EINPROGRESS") && first.contains("wait "), "{text}");
        assert!(second.contains("client:4001 → server:80  SYN, sent once, none lost"), "{text}");
        assert!(
            second.contains("▶ passed")
                && second.contains("= 0")
                && !second.contains("EINPROGRESS"),
            "{text}"
        );
        fits_everywhere(&script.recording(), draw);
    }

    #[test]
    fn data_is_known_again_by_its_number_and_the_error_is_the_calls() {
        let mut script = Script::unhurried();
        script.tcp_connection(("client", 1), ("server", 2, 3));
        let of = |flags: &str, seq: u32, length: usize, fate: &str| {
            let mut frame = segment(40001, flags, seq, length, fate);
            frame["local"] = json!({"inet": "127.0.0.1:40001"});
            frame["peer"] = json!({"inet": "127.0.0.1:5000"});
            frame
        };
        script.json("wire", of("SYN", 4_294_967_290, 0, "passed"));
        script.json("wire", of("PSH,ACK", 4_294_967_291, 5, "cut"));
        let recv = script.enter("client", 1, "recv", &[("size", 10.into())]);
        script.pass(200_000_000).json("wire", of("PSH,ACK", 4_294_967_291, 5, "cut"));
        script.pass(400_000_000).json("wire", of("PSH,ACK", 4_294_967_291, 5, "cut"));
        script
            .json("wire", of("ACK", 4_294_967_295, 0, "passed"))
            .json("wire", of("ACK", 4_294_967_295, 0, "passed"));
        script.leave("client", &recv, Outcome::Errno("ETIMEDOUT".into()), &[]);
        let text = draw(&Analysis::of(&script.recording()), 80).text();
        assert!(text.contains("5 bytes, sent 3 times, all lost"), "{text}");
        assert!(text.contains("recv") && text.contains("= ETIMEDOUT"), "{text}");
        assert!(
            text.contains("a probe, sent twice, none lost"),
            "a sequence number that was used before: {text}"
        );
        assert!(!text.contains("SYN 1"), "the SYN went well: {text}");
        fits_everywhere(&script.recording(), draw);
    }

    #[test]
    fn a_datagram_is_sent_again_by_the_program_that_asks_twice() {
        let mut script = Script::unhurried();
        script.udp("client", 1, 4000);
        let datagram = |raw: &str, fate: &str| {
            let mut frame = segment(4000, "", 0, 2, fate);
            let fields = frame.as_object_mut().expect("an object");
            fields.remove("tcp");
            fields.insert("udp".into(), json!({"src_port": 4000, "dst_port": 80}));
            fields.insert("raw".into(), raw.into());
            fields.insert("local".into(), json!({"inet": "127.0.0.1:4000"}));
            fields.insert("peer".into(), json!({"inet": "127.0.0.1:80"}));
            frame
        };
        script.sends_to("client", 1, "hi", 80).json("wire", datagram("6869", "dropped"));
        let recv = script.enter("client", 1, "recv_from", &[("size", 10.into())]);
        script.pass(500_000_000).leave("client", &recv, Outcome::Errno("EAGAIN".into()), &[]);
        script.json("wire", datagram("6a6b", "dropped"));
        script.sends_to("client", 1, "hi", 80).json("wire", datagram("6869", "passed"));
        let text = draw(&Analysis::of(&script.recording()), 80).text();
        assert!(text.contains("a datagram of 2 bytes, sent twice, 1 lost"), "{text}");
        assert!(text.contains("recv_from") && text.contains("= EAGAIN"), "{text}");
        assert!(!text.contains("sent once"), "what nobody sent again is not told: {text}");
        fits_everywhere(&script.recording(), draw);
    }

    #[test]
    fn many_are_shortened_and_none_is_said() {
        let mut script = Script::unhurried();
        for _ in 0..40 {
            script.pass(1_000).json("wire", segment(4000, "PSH,ACK", 7, 9, "dropped"));
        }
        assert_eq!(
            draw(&Analysis::of(&script.recording()), 80)
                .text()
                .lines()
                .filter(|line| line.contains("✗ dropped"))
                .count(),
            block::MOST
        );
        fits_everywhere(&script.recording(), draw);
        for port in 4001..4020 {
            script.json("wire", segment(port, "SYN", 7, 0, "dropped"));
        }
        assert!(
            draw(&Analysis::of(&script.recording()), 80)
                .text()
                .ends_with("\n\n… 17 more that were sent again\n")
        );
        assert_eq!(
            draw(&Analysis::of(&Script::unhurried().recording()), 80).text(),
            "(nothing was sent again)\n"
        );
    }
}
