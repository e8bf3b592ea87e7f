//! A grid of characters.

use unicode_width::UnicodeWidthChar;

use super::{Ink, Picture, Row, Span, fit};

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

    /// The text of these rows, a line a row.
    #[must_use]
    pub fn text(&self, rows: std::ops::Range<usize>) -> String {
        let rows = self.rows.get(rows.start..rows.end.min(self.rows.len())).unwrap_or(&[]);
        let text = |cells: &Vec<(char, Ink)>| -> String {
            let shown = cells.iter().map(|(character, _)| *character);
            shown.filter(|character| *character != TAIL).chain(['\n']).collect()
        };
        rows.iter().map(text).collect()
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
