//! What belongs together on a page: a paragraph, a picture, a claim with its evidence. It is laid out when its page is.

use std::collections::VecDeque;
use std::rc::Rc;

use super::piece::{Layout, Piece};
use crate::picture::Row;

/// Where something stands in what is played: a step of it, and the number of the block in that, without the blank ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub step: usize,
    pub block: usize,
}

/// Where a block is cut that is higher than a page: after so many rows of so many. Laid out for another window it has other rows, and is
/// cut after about as much.
#[derive(Clone, Copy, Debug, Default)]
struct Cut {
    rows: usize,
    of: usize,
}

impl Cut {
    fn among(self, rows: usize) -> usize {
        (self.rows * rows).checked_div(self.of).unwrap_or(0)
    }
}

#[derive(Clone, Debug, Default)]
pub(super) struct Block {
    pieces: Rc<[Piece]>,
    /// Nothing comes between it and the next block, as with a heading.
    pub(super) keeps_next: bool,
    pub(super) place: Option<Place>,
    /// Where it begins, and where it ends, if other pages have the rest of it.
    from: Cut,
    to: Option<Cut>,
}

impl Block {
    pub(super) fn of(pieces: Vec<Piece>) -> Block {
        Block { pieces: pieces.into(), ..Block::default() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Whether it is this text.
    pub(super) fn says(&self, words: &str) -> bool {
        self.pieces.iter().any(|piece| matches!(piece, Piece::Text { text, .. } if text == words))
    }

    pub(super) fn is_code(&self) -> bool {
        self.pieces.iter().any(|piece| matches!(piece, Piece::Code { .. }))
    }

    /// Whether its beginning is on another page.
    pub(super) fn has_begun(&self) -> bool {
        self.from.rows > 0
    }

    pub(super) fn is_blank(&self) -> bool {
        self.pieces.iter().all(Piece::is_blank)
    }

    pub(super) fn laid_out(self, layout: Layout) -> Laid {
        let mut rows: Vec<Row> = self.pieces.iter().flat_map(|piece| piece.rows(layout)).collect();
        let all = rows.len();
        let first = self.from.among(all);
        let end = self.to.map_or(all, |to| to.among(all).max(first + 1));
        rows.truncate(end);
        rows.drain(..first.min(rows.len()));
        Laid { block: self, rows, first, all }
    }
}

/// These blocks, those whole again that were on several pages.
pub(super) fn joined(blocks: impl IntoIterator<Item = Block>) -> VecDeque<Block> {
    let mut all: VecDeque<Block> = VecDeque::new();
    for block in blocks {
        match all.back_mut().filter(|last| Rc::ptr_eq(&last.pieces, &block.pieces)) {
            Some(last) => last.to = block.to,
            None => all.push_back(block),
        }
    }
    all
}

/// A block with its rows: those of its part, which begins after so many of all.
pub(super) struct Laid {
    block: Block,
    rows: Vec<Row>,
    first: usize,
    all: usize,
}

impl Laid {
    pub(super) fn height(&self) -> usize {
        self.rows.len()
    }
}

/// Blocks that stay together.
pub(super) struct Group(pub(super) Vec<Laid>);

impl Group {
    pub(super) fn place(&self) -> Option<Place> {
        self.0.iter().find_map(|laid| laid.block.place)
    }

    pub(super) fn rows(&self) -> Vec<Row> {
        self.0.iter().flat_map(|laid| laid.rows.iter().cloned()).collect()
    }

    pub(super) fn blocks(self) -> Vec<Block> {
        self.0.into_iter().map(|laid| laid.block).collect()
    }

    /// What has its rows before `end`, and what has them from `begin` on.
    pub(super) fn split(self, end: usize, begin: usize) -> (Vec<Block>, Vec<Block>) {
        let (mut here, mut rest, mut above) = (Vec::new(), Vec::new(), 0);
        for Laid { block, rows, first, all } in self.0 {
            let cut = |at: usize| Cut { rows: first + (at - above), of: all };
            let below = above + rows.len();
            if above < end {
                let to = if below <= end { block.to } else { Some(cut(end)) };
                here.push(Block { to, ..block.clone() });
            }
            if begin < below {
                let from = if begin <= above { block.from } else { cut(begin) };
                rest.push(Block { from, ..block });
            }
            above = below;
        }
        (here, rest)
    }
}
