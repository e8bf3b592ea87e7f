//! What is to be shown, before it is laid out in rows: the window may have another width by then.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

use super::prose::{self, Emphasis};
use crate::picture::code::wrapped;
use crate::picture::{Ink, Picture, Row};

/// The largest width of prose: longer lines are hard to read.
const MAX_PROSE_WIDTH: usize = 88;
/// The smallest width at which source code has line numbers.
const MIN_GUTTER_WIDTH: usize = 50;

/// How far the rest of a row is indented at most.
const MAX_INDENT: usize = 8;

/// How things are laid out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    pub(super) width: usize,
    pub(super) emphasis: Emphasis,
    /// Rows that are wider are wrapped; where nobody looks on they are left as they are.
    pub(super) fits: bool,
}

/// A part of a block.
#[derive(Clone, Debug)]
pub(super) enum Piece {
    Row(Row),
    Drawn(Drawn),
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

/// A picture that is drawn for the width that the window has.
#[derive(Clone)]
pub(super) struct Drawn(Rc<Drawing>);

struct Drawing {
    draw: Box<dyn Fn(usize) -> Picture>,
    /// What was drawn last, and for which width.
    last: RefCell<Option<(usize, Picture)>>,
}

impl Drawn {
    pub(super) fn new(draw: impl Fn(usize) -> Picture + 'static) -> Drawn {
        Drawn(Rc::new(Drawing { draw: Box::new(draw), last: RefCell::default() }))
    }

    fn picture(&self, width: usize) -> Picture {
        let Drawing { draw, last } = &*self.0;
        let mut last = last.borrow_mut();
        match &*last {
            Some((drawn_for, picture)) if *drawn_for == width => picture.clone(),
            _ => last.insert((width, draw(width))).1.clone(),
        }
    }
}

impl fmt::Debug for Drawn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a picture")
    }
}

impl Piece {
    pub(super) fn is_blank(&self) -> bool {
        matches!(self, Piece::Row(row) if row.width() == 0)
    }

    pub(super) fn rows(&self, layout: Layout) -> Vec<Row> {
        match self {
            Piece::Row(row) if layout.fits && row.width() > layout.width => layout.narrow(row),
            Piece::Row(row) => vec![row.clone()],
            Piece::Drawn(drawn) => drawn.picture(layout.width).0,
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

    /// A row that was made for a wider window, in several: those after the first are indented.
    fn narrow(self, row: &Row) -> Vec<Row> {
        let indent = (self.width / 4).min(MAX_INDENT);
        let mut rows = row.clone().wrap(self.width - indent);
        for row in rows.iter_mut().skip(1) {
            let rest = std::mem::replace(row, Row::indented(indent));
            row.extend(rest);
        }
        rows
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
