//! What was on the wire, as tcpdump tells it.

use super::Trace;
use crate::i18n::tr;
use crate::picture::{Ink, Row, fit, span_of};
use crate::reasons;
use crate::text::wrap;
use crate::trace::Event;
use crate::trace::packet::{Disposition, Frame, LinkAction};
use crate::views::wording::{self, end, safe};

impl Trace {
    /// The frame as tcpdump tells it, what the wire did with it, and its bytes.
    pub(super) fn frame(&self, event: &Event, frame: &Frame) -> Vec<Row> {
        let from = if frame.by_lab { tr!("the lab").to_owned() } else { end(frame.sent_by) };
        let mut rows = self.prose(
            event,
            &tr!(
                "frame {number} from {from}: {layers}",
                number = frame.frame,
                from,
                layers = safe(&frame.layers.to_string())
            ),
            Ink::Plain,
        );
        let indent = self.head(event).width();
        if let Some(disposition) = &frame.disposition {
            let (verdict, ink) = treated(disposition);
            for line in wrap(&verdict, self.width.saturating_sub(indent).max(8)) {
                rows.push(
                    Row::indented(indent).with(fit(&line, self.width.saturating_sub(indent)), ink),
                );
            }
        }
        rows.extend(hex_rows(&frame.raw.0, indent, self.width));
        rows
    }
}

/// Bytes as tcpdump -xx shows them: where the row begins, pairs of bytes, and the characters where there is room.
fn hex_rows(bytes: &[u8], indent: usize, width: usize) -> Vec<Row> {
    let room = width.saturating_sub(indent);
    let wide = |per_row: usize| 8 + per_row / 2 * 5;
    let per_row = [16, 8, 4].into_iter().find(|per_row| wide(*per_row) <= room + 1).unwrap_or(2);
    let with_text = room >= wide(per_row) + 1 + per_row;
    let row = |(number, chunk): (usize, &[u8])| {
        let pairs: Vec<String> = chunk
            .chunks(2)
            .map(|pair| pair.iter().map(|byte| format!("{byte:02x}")).collect())
            .collect();
        let mut line = format!("0x{:04x}: {}", number * per_row, pairs.join(" "));
        if with_text {
            let text: String = chunk
                .iter()
                .map(|byte| if byte.is_ascii_graphic() { char::from(*byte) } else { '.' })
                .collect();
            line = format!("{line:<0$} {text}", wide(per_row));
        }
        let mut row = Row::new();
        row.pad_to(indent);
        row.with(fit(&line, room), Ink::Faint)
    };
    bytes.chunks(per_row).enumerate().map(row).collect()
}

/// What the link did with a frame.
fn treated(disposition: &Disposition) -> (String, Ink) {
    let mark = if disposition.action.arrives() { "▶" } else { "✗" };
    let delay = if disposition.delay_ns > 0 {
        tr!(", {span} later", span = span_of(disposition.delay_ns))
    } else {
        String::new()
    };
    let ink = match disposition.action {
        LinkAction::Passed => Ink::Good,
        LinkAction::Dropped | LinkAction::Cut => Ink::Bad,
        _ => Ink::Warn,
    };
    let rule = reasons::rules(&disposition.rules)
        .map_or(String::new(), |rule| tr!(": {rule}", rule = safe(&rule)));
    (format!("{mark} {}{rule}{delay}", wording::link_action(disposition.action)), ink)
}
