//! A picture is rows of inked text: views make them, outputs show them. The widgets that views share stand here too.
//!
//! Ink says what a piece of text *means*; each output decides which colour that is.

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use crate::text::wrap;

pub mod axis;
mod canvas;
pub mod code;
#[cfg(test)]
pub(crate) mod contrast;
pub mod fold;
pub mod phrase;
mod span;
pub mod table;

pub use canvas::Canvas;
pub use span::{exact_span, span_of};

/// What a piece of text means. A colour has one meaning, whatever the picture, and nothing is told by colour alone: a mark, a
/// shape or a word says it too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ink {
    /// Ordinary text.
    #[default]
    Plain,
    /// Matters less: lanes, times, frames of boxes, comments.
    Faint,
    /// Matters more: headings, the point of the picture, the socket calls in code.
    Strong,
    /// As it should be: held, succeeded, right.
    Good,
    /// Failed: an error, a refusal, something broken or lost.
    Bad,
    /// Waits, or is not settled: a blocked call, a claim that was not checked, a warning.
    Warn,
    /// To be typed or pressed as it stands: a key, a command, code within a sentence.
    Code,
    /// Who or what it is about: the n-th actor, family, layer or series.
    Of(usize),
    /// In a listing of code: a word of the language.
    Keyword,
    /// In a listing of code: a string or a number.
    Literal,
}

/// A run of text in one ink.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// The text; no control characters.
    pub text: String,
    /// Its ink.
    pub ink: Ink,
}

/// One row of a picture.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row(pub Vec<Span>);

impl Row {
    /// An empty row.
    #[must_use]
    pub fn new() -> Row {
        Row::default()
    }

    /// A row that begins with so many spaces.
    #[must_use]
    pub fn indented(columns: usize) -> Row {
        Row::new().with(" ".repeat(columns), Ink::Plain)
    }

    /// The row, so many columns further right.
    #[must_use]
    pub fn moved(self, columns: usize) -> Row {
        let mut row = Row::indented(columns);
        row.extend(self);
        row
    }

    /// Adds text in an ink.
    #[must_use]
    pub fn with(mut self, text: impl Into<String>, ink: Ink) -> Row {
        self.push(text, ink);
        self
    }

    /// Adds text in an ink.
    pub fn push(&mut self, text: impl Into<String>, ink: Ink) {
        let text = text.into();
        match self.0.last_mut() {
            _ if text.is_empty() => {}
            Some(last) if last.ink == ink => last.text.push_str(&text),
            _ => self.0.push(Span { text, ink }),
        }
    }

    /// Adds spaces up to this column.
    pub fn pad_to(&mut self, column: usize) {
        let width = self.width();
        if width < column {
            self.push(" ".repeat(column - width), Ink::Plain);
        }
    }

    /// Adds another row's text after its own.
    pub fn extend(&mut self, more: Row) {
        more.0.into_iter().for_each(|span| self.push(span.text, span.ink));
    }

    /// The row, cut with `…` where it is wider than this.
    #[must_use]
    pub fn cut(self, width: usize) -> Row {
        let mut shown = Row::new();
        for span in self.0 {
            let room = width.saturating_sub(shown.width());
            let fits = span.text.width() <= room;
            shown.push(fit(&span.text, room), span.ink);
            if !fits {
                break;
            }
        }
        shown
    }

    /// The row in as many of this width as it needs. It breaks after spaces and Chinese commas: a word goes on in the next span,
    /// so that a comma stays with what it follows. A word that is wider breaks where the row is full.
    #[must_use]
    pub fn wrap(self, width: usize) -> Vec<Row> {
        let mut words: Vec<Row> = Vec::new();
        let mut ended = true;
        for span in self.0 {
            for piece in span.text.split_inclusive([' ', '，']) {
                match words.last_mut().filter(|_| !ended) {
                    Some(word) => word.push(piece, span.ink),
                    None => words.push(Row::new().with(piece, span.ink)),
                }
                ended = piece.ends_with([' ', '，']);
            }
        }
        let mut rows = Vec::new();
        let mut row = Row::new();
        for word in words {
            let used = row.width();
            if used > 0 && used + word.text().trim_end().width() > width {
                rows.push(std::mem::take(&mut row));
            }
            for span in word.0 {
                let text = if row.width() + span.text.width() > width {
                    span.text.trim_end()
                } else {
                    &span.text
                };
                for sign in text.graphemes(true) {
                    if row.width() > 0 && row.width() + sign.width() > width {
                        rows.push(std::mem::take(&mut row));
                    }
                    row.push(sign, span.ink);
                }
            }
        }
        rows.push(row);
        rows
    }

    /// Its characters, each in its ink.
    pub fn characters(&self) -> impl Iterator<Item = (char, Ink)> {
        self.0.iter().flat_map(|span| span.text.chars().map(|character| (character, span.ink)))
    }

    /// Columns taken on a terminal.
    #[must_use]
    pub fn width(&self) -> usize {
        self.0.iter().map(|span| span.text.width()).sum()
    }

    /// The text without its inks.
    #[must_use]
    pub fn text(&self) -> String {
        self.0.iter().map(|span| span.text.as_str()).collect()
    }
}

/// Rows, top to bottom.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Picture(pub Vec<Row>);

impl Picture {
    /// The text without its inks, a line a row.
    #[must_use]
    pub fn text(&self) -> String {
        self.0.iter().map(|row| row.text().trim_end().to_owned() + "\n").collect()
    }
}

/// Lines into which text was broken, in the inks that its characters had. Some of its spaces may be gone; spaces before a line
/// after the first are new.
#[must_use]
pub fn inked_again(text: impl IntoIterator<Item = (char, Ink)>, lines: &[String]) -> Vec<Row> {
    let mut text = text.into_iter();
    let inked = |(index, line): (usize, &String)| {
        let new = if index == 0 { 0 } else { line.len() - line.trim_start().len() };
        let mut row = Row::indented(new);
        for character in line[new..].chars() {
            let found = text.find(|(from, _)| *from == character);
            row.push(character, found.map_or(Ink::Plain, |(_, ink)| ink));
        }
        row
    };
    lines.iter().enumerate().map(inked).collect()
}

/// A number that can be read at a glance: `4,434`.
#[must_use]
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let groups = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy);
    groups.collect::<Vec<_>>().join(",")
}

/// Text is no wider than this: the eye loses longer lines.
const WIDEST_TEXT: usize = 100;

/// Text of one ink in as many rows of this width as it needs.
#[must_use]
pub fn paragraph(text: &str, width: usize, ink: Ink) -> Vec<Row> {
    wrap(text, width.min(WIDEST_TEXT))
        .iter()
        .map(|line| Row::new().with(fit(line, width), ink))
        .collect()
}

/// The text, cut to this many columns with `…` at its end if it is longer.
#[must_use]
pub fn fit(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    let mut shown = String::new();
    let mut used = 0;
    for sign in text.graphemes(true) {
        let wide = sign.width();
        if used + wide + 1 > columns {
            break;
        }
        shown.push_str(sign);
        used += wide;
    }
    if columns > 0 {
        shown.push('…');
    }
    shown
}

/// The text, cut to this many columns with `…` in it if it is longer: names are told apart by how they begin and how they end.
#[must_use]
pub fn fit_middle(text: &str, columns: usize) -> String {
    let end_columns = columns.saturating_sub(1) / 2;
    if text.width() <= columns || end_columns == 0 {
        return fit(text, columns);
    }
    let mut used = 0;
    let end = text.grapheme_indices(true).rev().take_while(|(_, sign)| {
        used += sign.width();
        used <= end_columns
    });
    let end = end.last().map_or("", |(at, _)| &text[at..]);
    fit(text, columns - end.width()) + end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_go_on_below_where_the_column_ends() {
        let row = Row::new().with("one two ", Ink::Plain).with("three", Ink::Bad);
        let lines: Vec<String> = row.wrap(7).iter().map(Row::text).collect();
        assert_eq!(lines, ["one two", "three"]);
    }

    #[test]
    fn names_that_begin_alike_are_cut_in_the_middle() {
        assert_eq!(fit_middle("server pool-1-thread-2", 12), "server…ead-2");
        assert_eq!(fit_middle("server", 6), "server");
        assert_eq!(fit_middle("server", 2), "s…");
        assert_eq!(
            fit_middle("\u{670d}\u{52a1}\u{5668}\u{4e4b}\u{4e8c}", 9),
            "\u{670d}\u{52a1}…\u{4e4b}\u{4e8c}"
        );
    }

    #[test]
    fn thousands_are_told_apart() {
        assert_eq!([0, 999, 4_434, 1_000_000].map(grouped), ["0", "999", "4,434", "1,000,000"]);
    }

    #[test]
    fn a_joined_sign_has_its_own_width_and_is_not_cut() {
        let family = "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}";
        let row = Row::new().with(format!("{family} and {family}"), Ink::Plain);
        assert_eq!((row.width(), row.clone().cut(9)), (9, row.clone()));
        assert_eq!(row.cut(8).text(), format!("{family} and …"));
        assert_eq!(
            fit_middle(&format!("{family}abcdef{family}"), 7),
            format!("{family}a…f{family}")
        );
    }

    #[test]
    fn a_row_is_cut_once_and_keeps_its_inks() {
        let row = Row::new().with("one ", Ink::Plain).with("two", Ink::Bad).with("x", Ink::Good);
        let cut = Row::new().with("one ", Ink::Plain).with("t…", Ink::Bad);
        assert_eq!(row.clone().cut(6), cut);
        assert_eq!(row.clone().cut(8), row);
    }
}
