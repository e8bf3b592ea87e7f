//! What went between two lanes as a call told it: an arrow, the call's words and its data on it.

use unicode_width::UnicodeWidthStr;

use super::diagram::{Arrow, Line, Step};
use super::{Ladder, in_rows};
use crate::picture::phrase::{Phrase, fitted, fitting};
use crate::picture::{Ink, fit};
use crate::text::wrap;

impl Ladder {
    pub(super) fn arrow(&mut self, step: &Step, arrow: &Arrow) {
        self.lanes(step);
        let from = arrow.from;
        // One that goes nowhere goes to the right, as far as the words at its lane may go.
        let right_edge = self.columns.get(from + 1).copied().unwrap_or(self.end);
        let to_column = arrow.to.map_or(right_edge, |to| self.columns[to]);
        let rightwards = to_column > self.columns[from];
        let (left, right) = if rightwards {
            (self.columns[from], to_column)
        } else {
            (to_column, self.columns[from])
        };
        let ink = Ink::Of(from);
        let line = if arrow.line == Line::Data { '─' } else { '╌' };
        for column in left + 1..right {
            if !self.columns.contains(&column) {
                self.canvas.put(self.row, column, line, ink);
            }
        }
        self.canvas.put(self.row, self.columns[from], if rightwards { '├' } else { '┤' }, ink);
        let head = if rightwards { right - 1 } else { left + 1 };
        self.canvas.put(self.row, head, if rightwards { '▶' } else { '◀' }, ink);

        // The words of the left end stand on the arrow, those of the right end beside the right lane.
        let nothing = Phrase::new();
        let below = !rightwards && arrow.head_matters;
        let head_words = if below { &nothing } else { &arrow.head };
        let (on, beside) =
            if rightwards { (&arrow.tail, head_words) } else { (head_words, &arrow.tail) };
        let (on_ink, beside_ink) =
            if rightwards { (Ink::Plain, arrow.head_ink) } else { (arrow.head_ink, Ink::Plain) };
        let written = self.on_the_line(left, right, on, arrow, on_ink);
        let unsaid =
            if arrow.stops.is_some() { self.stop(arrow, (left, right), written) } else { None };
        let mut further = None;
        if let Some(lane) = self.columns.iter().position(|column| *column == right) {
            let (start, end) = (right + 2, self.words_end(lane));
            let mut texts = in_rows(beside, end - start).into_iter();
            let first = texts.next().unwrap_or_default();
            self.canvas.write(self.row, start, end, &first, beside_ink);
            further = Some((lane, texts));
        }
        self.row += 1;
        for (lane, text) in
            further.into_iter().flat_map(|(lane, texts)| texts.map(move |it| (lane, it)))
        {
            self.below(step, lane, &text, beside_ink);
        }
        if let Some(to) = arrow.to.filter(|_| below) {
            self.below(
                step,
                to,
                &fitted(&arrow.head, self.words_end(to) - self.columns[to] - 2),
                arrow.head_ink,
            );
        }
        if let Some(why) = unsaid {
            self.below(step, from, why, Ink::Bad);
        }
    }

    /// Rows for what had no room on the arrow's.
    fn below(&mut self, step: &Step, lane: usize, text: &str, ink: Ink) {
        let (start, end) = (self.columns[lane] + 2, self.words_end(lane));
        for line in wrap(text, end.saturating_sub(start).max(1)) {
            self.bare_lanes(step, '│');
            self.canvas.write(self.row, start, end, &line, ink);
            self.row += 1;
        }
    }

    /// Writes the words and the data on an arrow's line. Returns the columns they take.
    fn on_the_line(
        &mut self,
        left: usize,
        right: usize,
        words: &Phrase,
        arrow: &Arrow,
        ink: Ink,
    ) -> (usize, usize) {
        // They keep to the parts of the line between lanes. If it stops, the cross comes after them.
        let mut lanes =
            self.columns.iter().copied().filter(|column| (left + 1..=right).contains(column));
        let segment_end = lanes.next().unwrap_or(right);
        let last_segment = self
            .columns
            .iter()
            .copied()
            .rfind(|column| (left..right).contains(column))
            .unwrap_or(left);
        let start = left + 3;
        let end =
            segment_end.saturating_sub(2 + if arrow.stops.is_some() { 2 } else { 0 }).max(start);
        let data = arrow.data.as_ref();
        let (word, mut text) = share(words, data, end - start, arrow.head_counts);
        let crossing = last_segment != left && arrow.stops.is_none();
        let apart = crossing
            && data
                .is_some_and(|(text, bytes)| !both_fit(words.first(), text, *bytes, end - start));
        let word =
            if apart { fitting(words, end - start).cloned().unwrap_or_default() } else { word };
        let mut column = start;
        if !word.is_empty() {
            self.canvas.put(self.row, column - 1, ' ', Ink::Plain);
            column = self.canvas.write(self.row, column, end, &word, ink);
            self.canvas.put(self.row, column, ' ', Ink::Plain);
            column += 1;
        }
        let mut end = end;
        if apart {
            (column, end) = (last_segment + 3, right - 2);
            text = data.map_or_else(String::new, |(text, bytes)| {
                label(text, *bytes, end.saturating_sub(column))
            });
        }
        if text.is_empty() {
            return (start - 1, column);
        }
        // In the middle of what is left, if there is some line to be seen on both sides of it.
        let spare = end.saturating_sub(column + text.width());
        let at = match spare {
            4.. if arrow.stops.is_none() => column + spare / 2,
            2.. => column + 2,
            _ => column,
        };
        self.canvas.put(self.row, at - 1, ' ', Ink::Plain);
        let after = self.canvas.write(self.row, at, end, &text, Ink::Strong);
        self.canvas.put(self.row, after, ' ', Ink::Plain);
        (start - 1, after + 1)
    }

    /// Ends an arrow in the open, after what is written on it. Returns the reason if there is no room for it.
    fn stop<'a>(
        &mut self,
        arrow: &'a Arrow,
        (left, right): (usize, usize),
        (start, end): (usize, usize),
    ) -> Option<&'a str> {
        let why = arrow.stops.as_deref()?;
        let leftwards = arrow.to.is_some_and(|to| to < arrow.from);
        let (cross, blank) = if leftwards {
            let at = start.saturating_sub(2).max(left + 1);
            (at, left + 1..at)
        } else {
            let at = (end + 1).min(right - 1);
            (at, at + 1..right)
        };
        for column in blank {
            if !self.columns.contains(&column) {
                self.canvas.put(self.row, column, ' ', Ink::Plain);
            }
        }
        self.canvas.put(self.row, cross, '✗', Ink::Bad);
        let (from, room) = if leftwards {
            (end + 1, right.saturating_sub(end + 3))
        } else {
            (cross + 2, right.saturating_sub(cross + 3))
        };
        let before_lane =
            !self.columns.iter().any(|column| (from..from + why.width()).contains(column));
        if why.width() > room || !before_lane {
            return Some(why);
        }
        self.canvas.put(self.row, from - 1, ' ', Ink::Plain);
        let after = self.canvas.write(self.row, from, right, why, Ink::Bad);
        self.canvas.put(self.row, after, ' ', Ink::Plain);
        None
    }
}

/// True if the first of the words and all of the data fit on a line together.
fn both_fit(word: Option<&String>, text: &str, bytes: usize, room: usize) -> bool {
    word.map_or(0, |word| word.width()) + 3 + text.width() + format!(" {bytes} B").width() <= room
}

/// The words and the data that a line of this many columns has room for. Rather than the data, the words are left out, and if the data's
/// length must be there, rather than that.
fn share(
    words: &Phrase,
    data: Option<&(String, usize)>,
    room: usize,
    keeps_length: bool,
) -> (String, String) {
    let Some((text, bytes)) = data else {
        return (fitted(words, room), String::new());
    };
    let whole = counted(text, *bytes);
    let none = String::new();
    let labels = || [Some(&whole), Some(text).filter(|_| !keeps_length)].into_iter().flatten();
    let both = labels().flat_map(|label| words.iter().map(move |word| (word, label)));
    let alone = labels().map(|label| (&none, label));
    let fits = |(word, label): &(&String, &String)| {
        word.width() + usize::from(!word.is_empty()) + label.width() <= room
    };
    if let Some((word, label)) = both.chain(alone).find(fits) {
        return (word.clone(), label.clone());
    }
    let shortened = if keeps_length { with_length } else { label };
    match words.last().map(|word| (word, room.saturating_sub(word.width() + 1))) {
        Some((word, left)) if left >= 12 => (word.clone(), shortened(text, *bytes, left)),
        _ => (none, shortened(text, *bytes, room)),
    }
}

/// Data and its length; of data of which nothing is known, the length.
fn counted(data: &str, bytes: usize) -> String {
    if data.is_empty() { format!("{bytes} B") } else { format!("{data} {bytes} B") }
}

/// Data and its length in this many columns: the length goes last.
pub(super) fn label(data: &str, bytes: usize, room: usize) -> String {
    if data.width() <= room && counted(data, bytes).width() > room {
        data.to_owned()
    } else {
        with_length(data, bytes, room)
    }
}

/// The same; rather than the length, the data is left out.
fn with_length(data: &str, bytes: usize, room: usize) -> String {
    let count = format!("{bytes} B");
    let whole = counted(data, bytes);
    if whole.width() <= room {
        whole
    } else if room >= count.width() + 7 {
        format!("{} {count}", fit(data, room - count.width() - 1))
    } else if count.width() <= room {
        count
    } else {
        String::new()
    }
}
