//! Pages: what fits on a screen at once, and ends between blocks. A page keeps what is on it, and is laid out again for another window.

use std::collections::VecDeque;

use super::block::{Block, Group, Place};
use super::piece::{Layout, Piece};
use crate::picture::Row;

mod again;
#[cfg(test)]
mod tests;

/// A block that is higher than a page begins on the same page as what is before it if that many rows of it find room there, and leaves
/// at least two for the last page.
const LEAST_PART: usize = 4;

/// The room that a page has: so many rows, and how they are laid out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    pub(super) height: usize,
    pub(super) layout: Layout,
}

/// A page that has been shown.
#[derive(Debug, Default)]
struct Page {
    blocks: Vec<Block>,
    rows: Vec<Row>,
    /// The rows and columns that it was laid out for.
    size: (usize, usize),
    /// It is not one of those that are shown again: help, or a notice. It is gone when one of them follows.
    is_apart: bool,
    /// It holds what the page before it had no room for.
    continues: bool,
    /// Where the first block on it that has a place stands.
    place: Option<Place>,
}

/// What is still to be shown, and the pages that were.
#[derive(Debug, Default)]
pub(super) struct Pages {
    waiting: VecDeque<Block>,
    /// The pages shown, the last of which is not full yet.
    shown: Vec<Page>,
    /// The page that is shown again, if it is not the last one.
    again: Option<usize>,
    /// The pages shown now are not to be shown again.
    apart: bool,
    /// What is waiting had no room on the last page.
    goes_on: bool,
    /// The last page ended where space belongs.
    owes_gap: bool,
    /// The place of the next block.
    next_place: Option<Place>,
}

impl Pages {
    /// Puts a block behind what is waiting.
    pub(super) fn add(&mut self, mut block: Block) {
        if !block.is_empty() {
            if !block.is_blank() {
                block.place = self.next_place;
                self.next_place.iter_mut().for_each(|place| place.block += 1);
            }
            self.waiting.push_back(block);
        }
    }

    /// What is added from now on stands here.
    pub(super) fn begin(&mut self, at: Option<Place>) {
        self.next_place = at;
    }

    /// Where the page begins that was shown last, of those that stand somewhere.
    pub(super) fn place(&self) -> Option<Place> {
        self.shown.iter().rev().find_map(|page| page.place)
    }

    /// Keeps the block added last together with the next one.
    pub(super) fn keep_with_next(&mut self) {
        if let Some(last) = self.waiting.iter_mut().rev().find(|block| !block.is_blank()) {
            last.keeps_next = true;
        }
    }

    /// Takes what is waiting, so that something else can come before it, which stands nowhere.
    pub(super) fn set_aside(&mut self) -> (VecDeque<Block>, Option<Place>) {
        self.goes_on = false;
        (std::mem::take(&mut self.waiting), self.next_place.take())
    }

    /// Puts it behind what is waiting now.
    pub(super) fn bring_back(&mut self, (waiting, next_place): (VecDeque<Block>, Option<Place>)) {
        self.goes_on = false;
        self.waiting.extend(waiting);
        self.next_place = next_place;
    }

    /// Whether something does not fit on the page.
    pub(super) fn is_full(&self) -> bool {
        self.waiting.iter().any(|block| !block.is_blank())
    }

    /// Drops the rest of lines of source that have begun, and further ones behind it; says whether there was one.
    pub(super) fn drop_rest_of_code(&mut self) -> bool {
        let has_begun = self.waiting.front().is_some_and(|it| it.is_code() && it.has_begun());
        if has_begun {
            self.waiting.retain(|block| !block.is_code());
        }
        has_begun
    }

    /// Whether so many rows find room on the page below what is there.
    pub(super) fn has_room(&self, rows: usize, height: usize) -> bool {
        self.waiting.is_empty() && self.used() + rows <= height
    }

    fn used(&self) -> usize {
        self.shown.last().map_or(0, |page| page.rows.len())
    }

    /// Takes down a row that has been shown.
    pub(super) fn note(&mut self, row: Row) {
        let block = Block::of(vec![Piece::Row(row.clone())]);
        self.put(vec![block], vec![row], (0, 0), None);
    }

    /// Begins a page.
    pub(super) fn turn(&mut self) {
        if self.used() > 0 {
            self.shown.push(Page::default());
        }
    }

    /// Whether the pages shown from now on are apart from those that are shown again; gives what was before.
    pub(super) fn set_apart(&mut self, apart: bool) -> bool {
        self.turn();
        self.owes_gap |= self.apart && self.ends_in_text();
        std::mem::replace(&mut self.apart, apart)
    }

    /// Takes the rows for which the page has room.
    pub(super) fn take(&mut self, Room { height, layout }: Room) -> Vec<Row> {
        let (mut taken, size) = (Vec::new(), (height, layout.width));
        while let Some(group) = self.next_group(layout) {
            let (place, mut rows) = (group.place(), group.rows());
            let used = self.used();
            let room = height.saturating_sub(used);
            let is_new_page = used == 0;
            if is_blank(&rows) {
                self.owes_gap |= (is_new_page || room == 0) && self.ends_in_text();
                rows.truncate(if is_new_page { 0 } else { room });
                taken.extend(rows.clone());
                self.put(group.blocks(), rows, size, None);
                continue;
            }
            let needed = without_blank_end(&rows);
            let wants_gap = is_new_page && std::mem::take(&mut self.owes_gap);
            let gap = wants_gap && rows[0].width() > 0 && (needed < room || needed > height);
            if gap {
                rows.insert(0, Row::new());
            }
            let needed = without_blank_end(&rows);
            if needed <= room {
                self.owes_gap = rows.len() > room.max(needed);
                rows.truncate(room);
                taken.extend(rows.clone());
                self.put(group.blocks(), rows, size, place);
                continue;
            }
            let part = part_of(&rows[..needed], room, height, is_new_page);
            if part == 0 {
                group.blocks().into_iter().rev().for_each(|block| self.waiting.push_front(block));
            } else {
                let space = rows[part..].iter().take_while(|row| row.width() == 0).count();
                self.owes_gap |= space > 0;
                let end = part.saturating_sub(gap.into());
                let (here, rest) = group.split(end, end + space);
                rest.into_iter().rev().for_each(|block| self.waiting.push_front(block));
                rows.truncate(part);
                taken.extend(rows.clone());
                self.put(here, rows, size, place);
            }
            self.goes_on = true;
            return taken;
        }
        self.goes_on = false;
        taken
    }

    /// Puts these on the last page.
    fn put(&mut self, here: Vec<Block>, rows: Vec<Row>, size: (usize, usize), at: Option<Place>) {
        if self.used() == 0 {
            self.shown.pop_if(|page| page.rows.is_empty());
            if !self.apart {
                self.shown.retain(|page| !page.is_apart);
            }
            let (is_apart, continues) = (self.apart, self.goes_on);
            self.shown.push(Page { size, is_apart, continues, ..Page::default() });
        }
        if let Some(page) = self.shown.last_mut() {
            page.blocks.extend(here);
            page.rows.extend(rows);
            page.place = page.place.or(at);
        }
    }

    /// Whether the last page has text in its last row.
    fn ends_in_text(&self) -> bool {
        let last = self.shown.iter().rev().find_map(|page| page.rows.last());
        last.is_some_and(|row| row.width() > 0)
    }

    /// The next block, with those that it keeps together.
    fn next_group(&mut self, layout: Layout) -> Option<Group> {
        let (mut laid, mut is_above) = (Vec::new(), false);
        while let Some(block) = self.waiting.pop_front() {
            let goes_on = block.keeps_next || block.is_blank() && is_above;
            laid.push(block.laid_out(layout));
            is_above = true;
            if !goes_on {
                break;
            }
        }
        is_above.then_some(Group(laid))
    }
}

fn is_blank(rows: &[Row]) -> bool {
    rows.iter().all(|row| row.width() == 0)
}

/// The number of rows without the empty ones at the end.
fn without_blank_end(rows: &[Row]) -> usize {
    rows.iter().rposition(|row| row.width() > 0).map_or(0, |last| last + 1)
}

/// How many rows of a block that does not fit stand on this page. One that would fit on a page begins there. A higher one ends at an
/// empty row if it can, and leaves more than one row.
fn part_of(rows: &[Row], room: usize, height: usize, is_new_page: bool) -> usize {
    if rows.len() <= height {
        return 0;
    }
    let most = room.min(rows.len().saturating_sub(2));
    // Not right below a heading.
    match (LEAST_PART - 1..=most).rev().find(|end| rows[*end].width() == 0) {
        Some(end) => end,
        None if is_new_page => most.max(1),
        // Its first part fits on a page: it begins there.
        None if (LEAST_PART - 1..=height).any(|end| rows[end].width() == 0) => 0,
        None if most >= LEAST_PART => most,
        None => 0,
    }
}
