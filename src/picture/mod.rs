//! Ground floor: a picture is rows of inked text. Views make them; the terminal (and any later output) shows them.
//!
//! Ink says what a piece of text *means*; which colour that is, is the output's decision.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// What a piece of text means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ink {
    /// Ordinary text.
    #[default]
    Plain,
    /// Matters less: lanes, times, frames of boxes.
    Faint,
    /// Matters more: headings, the point of the picture.
    Strong,
    /// As it should be: held, succeeded.
    Good,
    /// An error, a refusal, something broken.
    Bad,
    /// Look here: blocked, cut, waiting.
    Warn,
    /// Belongs to the n-th actor, family or layer: one colour each.
    Of(usize),
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

/// A grid of characters to draw on, each cell with its ink; wide characters take two cells.
#[derive(Clone, Debug)]
pub struct Canvas {
    width: usize,
    rows: Vec<Vec<(char, Ink)>>,
}

/// The second cell of a wide character.
const TAIL: char = '\0';

impl Canvas {
    /// An empty canvas of this many columns; rows are added as they are drawn on.
    #[must_use]
    pub fn new(width: usize) -> Canvas {
        Canvas { width, rows: Vec::new() }
    }

    /// How many columns it has.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// How many rows have been drawn on.
    #[must_use]
    pub fn height(&self) -> usize {
        self.rows.len()
    }

    /// Puts one character; what lies outside is left out.
    pub fn put(&mut self, row: usize, column: usize, character: char, ink: Ink) {
        let wide = character.width().unwrap_or(0);
        if wide == 0 || column + wide > self.width {
            return;
        }
        while self.rows.len() <= row {
            self.rows.push(vec![(' ', Ink::Plain); self.width]);
        }
        let cells = &mut self.rows[row];
        if cells[column].0 == TAIL && column > 0 {
            cells[column - 1] = (' ', Ink::Plain);
        }
        let after = column + wide;
        if after < self.width && cells[after].0 == TAIL {
            cells[after] = (' ', Ink::Plain);
        }
        cells[column] = (character, ink);
        if wide == 2 {
            cells[column + 1] = (TAIL, ink);
        }
    }

    /// Writes text from this column on; what does not fit before `end` is cut with `…`. Returns the column after it.
    pub fn write(&mut self, row: usize, column: usize, end: usize, text: &str, ink: Ink) -> usize {
        let end = end.min(self.width);
        let shown = fit(text, end.saturating_sub(column));
        let mut at = column;
        for character in shown.chars() {
            self.put(row, at, character, ink);
            at += character.width().unwrap_or(0);
        }
        at
    }

    /// Fills from `column` up to, not including, `end`.
    pub fn fill(&mut self, row: usize, column: usize, end: usize, character: char, ink: Ink) {
        for at in column..end.min(self.width) {
            self.put(row, at, character, ink);
        }
    }

    /// Makes sure that there are this many rows.
    pub fn grow(&mut self, rows: usize) {
        while self.rows.len() < rows {
            self.rows.push(vec![(' ', Ink::Plain); self.width]);
        }
    }

    /// The finished picture.
    #[must_use]
    pub fn picture(self) -> Picture {
        Picture(
            self.rows
                .into_iter()
                .map(|cells| {
                    let mut row = Row::new();
                    let last = cells
                        .iter()
                        .rposition(|(character, _)| *character != ' ')
                        .map_or(0, |at| at + 1);
                    for (character, ink) in
                        cells.into_iter().take(last).filter(|(character, _)| *character != TAIL)
                    {
                        let ink = if character == ' ' {
                            row.0.last().map_or(ink, |span: &Span| span.ink)
                        } else {
                            ink
                        };
                        row.push(character, ink);
                    }
                    row
                })
                .collect(),
        )
    }
}

/// The text, cut to this many columns with `…` at its end if it is longer.
#[must_use]
pub fn fit(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    let mut shown = String::new();
    let mut used = 0;
    for character in text.chars() {
        let wide = character.width().unwrap_or(0);
        if used + wide + 1 > columns {
            break;
        }
        shown.push(character);
        used += wide;
    }
    if columns > 0 {
        shown.push('…');
    }
    shown
}

/// A time span as a person says it: `340 ns`, `52 µs`, `1.2 ms`, `200 ms`, `1.50 s`.
#[must_use]
pub fn span_of(nanoseconds: u64) -> String {
    #[allow(clippy::cast_precision_loss)] // three digits are shown
    let value = nanoseconds as f64;
    match nanoseconds {
        0..1_000 => format!("{nanoseconds} ns"),
        1_000..10_000 => format!("{:.1} µs", value / 1e3),
        10_000..1_000_000 => format!("{:.0} µs", value / 1e3),
        1_000_000..100_000_000 => format!("{:.1} ms", value / 1e6),
        100_000_000..1_000_000_000 => format!("{:.0} ms", value / 1e6),
        _ => format!("{:.2} s", value / 1e9),
    }
}
