//! What is to be shown, before it is laid out in rows: the window may have another width by then.

use std::rc::Rc;

use super::prose::{self, Emphasis};
use crate::picture::code::wrapped;
use crate::picture::{Ink, Row};

/// The largest width of prose: longer lines are hard to read.
const MAX_PROSE_WIDTH: usize = 88;
/// The smallest width at which source code has line numbers.
const MIN_GUTTER_WIDTH: usize = 50;

/// How things are laid out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    pub(super) width: usize,
    pub(super) emphasis: Emphasis,
    /// Rows that are wider are wrapped; where nobody looks on they are left as they are.
    pub(super) fits: bool,
}

/// A part of a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    Row(Row),
    /// A short text behind a mark.
    Text {
        mark: String,
        mark_ink: Ink,
        text: String,
        ink: Ink,
    },
    /// The passage of this number in CommonMark.
    Passage {
        markdown: Rc<str>,
        number: usize,
    },
    /// A line of source with its number.
    Code {
        number: u32,
        row: Row,
    },
    /// A text in the place of lines of source.
    Folded(String),
}

impl Piece {
    pub(super) fn is_blank(&self) -> bool {
        matches!(self, Piece::Row(row) if row.width() == 0)
    }

    pub(super) fn rows(&self, layout: Layout) -> Vec<Row> {
        match self {
            Piece::Row(row) if layout.fits && row.width() > layout.width => {
                row.clone().wrap(layout.width)
            }
            Piece::Row(row) => vec![row.clone()],
            Piece::Text { mark, mark_ink, text, ink } => {
                let mark = Row::new().with(mark, *mark_ink);
                layout.text(&mark, text, *ink)
            }
            Piece::Passage { markdown, number } => {
                let passages = prose::lay_out(markdown, layout.prose_width(), layout.emphasis);
                passages.into_iter().nth(*number).map_or_else(Vec::new, |passage| passage.rows)
            }
            Piece::Code { number, row } => layout.code(*number, row),
            Piece::Folded(text) => {
                layout.text(&Row::indented(layout.gutter() + 4), text, Ink::Faint)
            }
        }
    }
}

impl Layout {
    fn prose_width(self) -> usize {
        self.width.min(MAX_PROSE_WIDTH)
    }

    /// The width of the line numbers beside code.
    fn gutter(self) -> usize {
        if self.width < MIN_GUTTER_WIDTH { 0 } else { 6 }
    }

    /// Rows after the first are indented by the width of the mark.
    fn text(self, mark: &Row, text: &str, ink: Ink) -> Vec<Row> {
        let indent = mark.width();
        let room = self.prose_width().saturating_sub(indent).max(8);
        let rows = prose::inline(text, ink, room, self.emphasis);
        let marked = rows.into_iter().enumerate().map(|(index, row)| {
            let mut whole = if index == 0 { mark.clone() } else { Row::indented(indent) };
            whole.extend(row);
            whole
        });
        marked.collect()
    }

    fn code(self, number: u32, row: &Row) -> Vec<Row> {
        let gutter = self.gutter();
        let parts = wrapped(row, self.width - gutter).into_iter().enumerate();
        let numbered = parts.map(|(index, part)| {
            let number = match (gutter, index) {
                (0, _) => String::new(),
                (_, 0) => format!("{number:>4}  "),
                _ => " ".repeat(gutter),
            };
            let mut whole = Row::new().with(number, Ink::Faint);
            whole.extend(part);
            whole
        });
        numbered.collect()
    }
}
