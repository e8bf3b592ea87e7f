//! Where things stand in the rows of a trace.

use unicode_width::UnicodeWidthStr;

use super::{Detail, Trace};
use crate::picture::{Ink, Row, fit};
use crate::text::wrap;
use crate::trace::Event;

/// Where the times that calls took are aligned on a wide terminal: the eye must find the way to them.
pub(super) const EDGE: usize = 100;

/// Of data that does not fit as a whole, these numbers of bytes are tried.
const BYTES_SHOWN: [usize; 6] = [usize::MAX, 64, 48, 32, 24, 16];

impl Trace {
    /// When and who; where there is no room for the time, who alone.
    pub(super) fn head(&self, event: &Event) -> Row {
        let mut row = Row::new();
        if self.width >= 56 {
            let micros = event.at_ns / 1000;
            row.push(format!("{:>7}.{:03} ms  ", micros / 1000, micros % 1000), Ink::Faint);
        }
        let start = row.width();
        row.push(fit(&self.called(&event.actor), self.actor_width), self.colors.ink(&event.actor));
        row.pad_to(start + self.actor_width);
        if self.detail >= Detail::Kernel && self.width >= 90 {
            row.push(format!(" {:>7}", event.thread), Ink::Faint);
        }
        row.push(if self.width >= 56 { "  " } else { " " }, Ink::Plain);
        row
    }

    /// A call on one row; where it does not fit, what it gave back and how long it took on rows of their own.
    pub(super) fn line(
        &self,
        event: &Event,
        call: &dyn Fn(usize) -> Vec<(String, Ink)>,
        rest: &dyn Fn(usize) -> Vec<(String, Ink)>,
        took: Option<(String, Ink)>,
        source: Option<String>,
    ) -> Vec<Row> {
        let head = self.head(event);
        let room = self.width.saturating_sub(head.width());
        let whole = |bytes| call(bytes).into_iter().chain(rest(bytes)).collect::<Vec<_>>();
        let wide =
            |words: &[(String, Ink)]| words.iter().map(|(text, _)| text.width()).sum::<usize>();
        let add = |row: &mut Row, words: Vec<(String, Ink)>| {
            for (text, ink) in words {
                row.push(fit(&text, self.width.saturating_sub(row.width())), ink);
            }
        };
        let most =
            if room >= 60 { room.min(self.edge().saturating_sub(head.width() + 10)) } else { room };
        let mut rows = vec![head];
        if let Some(words) = BYTES_SHOWN.into_iter().map(whole).find(|words| wide(words) <= most) {
            add(&mut rows[0], words);
        } else if wide(&whole(16)) <= room {
            add(&mut rows[0], whole(16));
        } else {
            let fitting = |words: &dyn Fn(usize) -> Vec<(String, Ink)>, room: usize| {
                BYTES_SHOWN
                    .into_iter()
                    .map(words)
                    .find(|words| wide(words) <= room)
                    .unwrap_or_else(|| words(16))
            };
            let indent = (rows[0].width() + 1).min(self.width.saturating_sub(12));
            let lines = |words: Vec<(String, Ink)>| {
                let words = words.into_iter();
                let row = words.fold(Row::new(), |row, (text, ink)| row.with(text, ink));
                row.wrap(self.width.saturating_sub(indent)).into_iter()
            };
            let words = fitting(call, room);
            if wide(&words) <= room {
                add(&mut rows[0], words);
            } else {
                let mut lines = lines(words);
                if rows[0].width() <= indent {
                    rows[0].extend(lines.next().unwrap_or_default());
                }
                rows.extend(lines.map(|line| line.moved(indent)));
            }
            let rest = lines(fitting(rest, self.width.saturating_sub(indent)));
            rows.extend(rest.map(|line| line.moved(indent)));
        }
        let wider = |(text, _): &(String, Ink)| text.width() + 2;
        let needed = rows.last().map_or(0, Row::width) + took.as_ref().map_or(0, wider);
        if took.is_some() && needed > self.width {
            rows.push(Row::new());
        }
        if let Some(last) = rows.last_mut() {
            self.margin(last, took, source);
        }
        rows
    }

    /// Where the right margin ends.
    fn edge(&self) -> usize {
        if self.detail >= Detail::Kernel { EDGE + 20 } else { EDGE }.min(self.width)
    }

    /// How long it took and where it stands in the source, right of the row; the place only where there is room.
    fn margin(&self, row: &mut Row, took: Option<(String, Ink)>, source: Option<String>) {
        let place = if self.source_width > 0 { self.source_width + 2 } else { 0 };
        let edge = self.edge();
        let with_source = edge.saturating_sub(place);
        let needed = row.width() + took.as_ref().map_or(0, |(text, _)| text.width() + 2);
        let (edge, source) = match source {
            source if needed <= with_source && self.width >= 90 => (with_source, source),
            _ => (if needed <= edge { edge } else { self.width }, None),
        };
        if let Some((text, ink)) = took.filter(|_| needed <= edge) {
            row.pad_to(edge - text.width());
            row.push(text, ink);
        }
        if let Some(source) = source {
            row.pad_to(edge + 2);
            row.push(source, Ink::Faint);
        }
    }

    /// Words that may go on for several rows.
    pub(super) fn prose(&self, event: &Event, words: &str, ink: Ink) -> Vec<Row> {
        let head = self.head(event);
        let indent = head.width();
        let room = self.width.saturating_sub(indent);
        let begin = |number: usize| {
            if number == 0 { head.clone() } else { Row::new() }
        };
        let lines = wrap(words, room.max(8));
        let row = |(number, line): (usize, &String)| {
            let mut row = begin(number);
            row.pad_to(indent);
            row.with(fit(line, room), ink)
        };
        lines.iter().enumerate().map(row).collect()
    }
}
