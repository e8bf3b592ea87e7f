//! Pages: what fits on a screen at once, and ends between blocks.

use std::collections::VecDeque;

use super::piece::{Layout, Piece};
use crate::picture::Row;

/// What belongs together: a paragraph, a picture, a claim with its evidence.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Block {
    pieces: Vec<Piece>,
    /// Nothing comes between it and the next block, as with a heading.
    keeps_next: bool,
    /// The rest of lines of source, whose beginning has been shown.
    is_rest_of_code: bool,
    place: Option<Place>,
}

/// Where something stands in what is played: a step of it, and the number of the block in that, without the blank ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub step: usize,
    pub block: usize,
}

impl Block {
    pub(super) fn of(pieces: Vec<Piece>) -> Block {
        Block { pieces, ..Block::default() }
    }

    fn is_code(&self) -> bool {
        self.is_rest_of_code || self.pieces.iter().any(|piece| matches!(piece, Piece::Code { .. }))
    }

    fn is_blank(&self) -> bool {
        self.pieces.iter().all(Piece::is_blank)
    }
}

/// Blocks that stay together, and their rows.
struct Group {
    blocks: Vec<Block>,
    rows: Vec<Row>,
}

impl Group {
    fn place(&self) -> Option<Place> {
        self.blocks.iter().find_map(|block| block.place)
    }
}

/// A block that is higher than a page begins on the same page as what is before it if that many rows of it find room there, and leaves
/// at least two for the last page.
const LEAST_PART: usize = 4;

/// A page that has been shown.
#[derive(Debug, Default)]
struct Page {
    rows: Vec<Row>,
    /// It is not one of those that are shown again: help, or a notice.
    is_apart: bool,
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
    /// The last page ended where space belongs.
    owes_gap: bool,
    /// The place of the next block.
    next_place: Option<Place>,
}

impl Pages {
    /// Puts a block behind what is waiting.
    pub(super) fn add(&mut self, mut block: Block) {
        if !block.pieces.is_empty() {
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
        (std::mem::take(&mut self.waiting), self.next_place.take())
    }

    /// Puts it behind what is waiting now.
    pub(super) fn bring_back(&mut self, (waiting, next_place): (VecDeque<Block>, Option<Place>)) {
        self.waiting.extend(waiting);
        self.next_place = next_place;
    }

    /// Whether something does not fit on the page.
    pub(super) fn is_full(&self) -> bool {
        self.waiting.iter().any(|block| !block.is_blank())
    }

    /// Drops the rest of lines of source that have begun, and further ones behind it; says whether there was one.
    pub(super) fn drop_rest_of_code(&mut self) -> bool {
        let has_begun = self.waiting.front().is_some_and(|block| block.is_rest_of_code);
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
        if self.shown.is_empty() {
            self.shown.push(Page::default());
        }
        if let Some(page) = self.shown.last_mut() {
            page.is_apart = self.apart;
            page.rows.push(row);
        }
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
        std::mem::replace(&mut self.apart, apart)
    }

    /// Takes the rows for which the page has room, of a screen with so many.
    pub(super) fn take(&mut self, height: usize, layout: Layout) -> Vec<Row> {
        let mut taken = Vec::new();
        while let Some(group) = self.next_group(layout) {
            let place = group.place();
            let Group { blocks, mut rows } = group;
            let used = self.used();
            let room = height.saturating_sub(used);
            let is_new_page = used == 0;
            if is_blank(&rows) {
                self.owes_gap |= (is_new_page || room == 0) && self.ends_in_text();
                rows.truncate(if is_new_page { 0 } else { room });
                self.emit(rows, &mut taken);
                continue;
            }
            let needed = without_blank_end(&rows);
            let wants_gap = is_new_page && std::mem::take(&mut self.owes_gap);
            if wants_gap && rows[0].width() > 0 && (needed < room || needed > height) {
                rows.insert(0, Row::new());
            }
            let needed = without_blank_end(&rows);
            if needed <= room {
                self.owes_gap = rows.len() > room.max(needed);
                rows.truncate(room);
                self.emit(rows, &mut taken);
                self.stands(place);
                continue;
            }
            let part = part_of(&rows[..needed], room, height, is_new_page);
            if part == 0 {
                blocks.into_iter().rev().for_each(|block| self.waiting.push_front(block));
                break;
            }
            let mut rest = rows.split_off(part);
            let gap = rest.iter().take_while(|row| row.width() == 0).count();
            self.owes_gap |= gap > 0;
            rest.drain(..gap);
            let pieces = rest.into_iter().map(Piece::Row).collect();
            let is_rest_of_code = blocks.iter().any(Block::is_code);
            self.waiting.push_front(Block { is_rest_of_code, place, ..Block::of(pieces) });
            self.emit(rows, &mut taken);
            self.stands(place);
            break;
        }
        taken
    }

    /// Something that stands here is on the last page.
    fn stands(&mut self, place: Option<Place>) {
        if let Some(page) = self.shown.last_mut() {
            page.place = page.place.or(place);
        }
    }

    /// Whether the last page has text in its last row.
    fn ends_in_text(&self) -> bool {
        let last = self.shown.iter().rev().find_map(|page| page.rows.last());
        last.is_some_and(|row| row.width() > 0)
    }

    fn emit(&mut self, rows: Vec<Row>, taken: &mut Vec<Row>) {
        for row in rows {
            self.note(row.clone());
            taken.push(row);
        }
    }

    /// The next block, with those that it keeps together.
    fn next_group(&mut self, layout: Layout) -> Option<Group> {
        let (mut blocks, mut rows) = (Vec::new(), Vec::new());
        while let Some(block) = self.waiting.pop_front() {
            let goes_on = block.keeps_next || block.is_blank() && !rows.is_empty();
            rows.extend(block.pieces.iter().flat_map(|piece| piece.rows(layout)));
            blocks.push(block);
            if !goes_on {
                break;
            }
        }
        (!rows.is_empty()).then_some(Group { blocks, rows })
    }

    // ---- looking back ----

    /// The page before the one on the screen, to be shown again: behind a page that is apart, the last one of the others.
    pub(super) fn back(&mut self) -> Option<&[Row]> {
        let before = self.before()?;
        let present = self.present();
        self.again = Some(before).filter(|page| Some(*page) != present);
        self.forget_apart();
        Some(&self.shown[before].rows)
    }

    /// Whether there is a page to go back to.
    pub(super) fn has_before(&self) -> bool {
        self.before().is_some()
    }

    /// The page after the one that is shown again; `None` if no page is.
    pub(super) fn forward(&mut self) -> Option<&[Row]> {
        let again = self.again?;
        let after = (again + 1..self.shown.len()).find(|page| self.is_of_them(*page))?;
        self.again = Some(after).filter(|page| Some(*page) != self.present());
        Some(&self.shown[after].rows)
    }

    pub(super) fn is_looking_back(&self) -> bool {
        self.again.is_some()
    }

    /// The last page, if another one is shown again: that is over.
    pub(super) fn return_to_present(&mut self) -> Option<&[Row]> {
        self.again.take()?;
        self.present().map(|page| &*self.shown[page].rows)
    }

    fn before(&self) -> Option<usize> {
        let last = self.shown.iter().rposition(|page| !page.rows.is_empty())?;
        let on_screen = self.again.unwrap_or(last);
        (0..=on_screen)
            .rev()
            .filter(|page| *page < on_screen || self.shown[*page].is_apart)
            .find(|page| self.is_of_them(*page))
    }

    /// The last of the pages that are shown again.
    fn present(&self) -> Option<usize> {
        (0..self.shown.len()).rev().find(|page| self.is_of_them(*page))
    }

    fn is_of_them(&self, page: usize) -> bool {
        let page = &self.shown[page];
        !page.is_apart && !page.rows.is_empty()
    }

    /// Pages that are apart are gone once another one is on the screen.
    fn forget_apart(&mut self) {
        while self.shown.last().is_some_and(|page| page.is_apart || page.rows.is_empty()) {
            self.shown.pop();
        }
        self.turn();
    }

    /// The last rows shown, at most so many; of a page that is shown again its own.
    pub(super) fn last_rows(&self, most: usize) -> Vec<Row> {
        let rows: Vec<Row> = match self.again.and_then(|page| self.shown.get(page)) {
            Some(page) => page.rows.clone(),
            None => self.shown.iter().flat_map(|page| page.rows.clone()).collect(),
        };
        rows[rows.len().saturating_sub(most)..].to_vec()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::terminal::prose::Emphasis;
    use crate::picture::Ink;

    const LAYOUT: Layout = Layout { width: 80, emphasis: Emphasis::ByInk, fits: true };

    fn rows(text: &str) -> Vec<Row> {
        text.lines().map(|line| Row::new().with(line, Ink::Plain)).collect()
    }

    fn block(text: &str, keeps_next: bool) -> Block {
        Block { keeps_next, ..Block::of(rows(text).into_iter().map(Piece::Row).collect()) }
    }

    fn pages_of(blocks: &[(&str, bool)], height: usize) -> Vec<String> {
        let mut pages = Pages::default();
        for (text, keeps_next) in blocks {
            pages.add(block(text, *keeps_next));
        }
        let mut all = Vec::new();
        loop {
            let taken = pages.take(height, LAYOUT);
            assert!(taken.len() <= height);
            all.push(taken.iter().map(Row::text).collect::<Vec<_>>().join("|"));
            if !pages.is_full() {
                return all;
            }
            assert!(!taken.is_empty() || all.len() < 99, "it goes on");
            pages.turn();
        }
    }

    #[test]
    fn a_page_ends_between_blocks() {
        let blocks = [("a1\na2", false), ("", false), ("b1\nb2", false), ("c", false)];
        assert_eq!(pages_of(&blocks, 5), ["a1|a2|b1|b2|c"]);
        assert_eq!(pages_of(&[("a1\na2", false), ("b1\nb2", false)], 3), ["a1|a2", "b1|b2"]);
        assert_eq!(pages_of(&[("a\nb\nc", false)], 3), ["a|b|c"]);
    }

    #[test]
    fn space_stands_between_blocks_also_where_a_page_ends() {
        let gap = ("\n", false);
        let blocks = [gap, ("a1\na2", false), gap, ("b1\nb2", false), gap];
        assert_eq!(pages_of(&blocks, 5), ["a1|a2||b1|b2"]);
        assert_eq!(pages_of(&blocks, 4), ["a1|a2|", "b1|b2|"]);
        assert_eq!(pages_of(&blocks, 2), ["a1|a2", "b1|b2"], "a page that is full has no room");
        let blocks = [("a1\na2\na3", false), gap, ("b1", false), gap, ("c1", false)];
        assert_eq!(pages_of(&blocks, 3), ["a1|a2|a3", "|b1|", "c1"]);
        assert_eq!(pages_of(&blocks, 4), ["a1|a2|a3|", "b1||c1"]);
        // As prose has it: with the space behind a paragraph in its block.
        let blocks = [("a1\na2\na3\n\n", false), ("b1\n\n", false), ("c1", false)];
        assert_eq!(pages_of(&blocks, 3), ["a1|a2|a3", "|b1|", "c1"]);
        let mut pages = Pages::default();
        pages.add(block("a", false));
        assert_eq!(pages.take(9, LAYOUT), rows("a"));
        pages.turn();
        pages.add(block("\n", false));
        pages.add(block("b", false));
        assert_eq!(
            pages.take(9, LAYOUT),
            rows("\nb"),
            "it stands between what was typed and what follows"
        );
    }

    #[test]
    fn a_heading_stays_with_what_it_is_above() {
        let blocks = [("a1\na2", false), ("head", true), ("\n", false), ("b1\nb2", false)];
        assert_eq!(pages_of(&blocks, 5), ["a1|a2", "head||b1|b2"]);
        let mut pages = Pages::default();
        pages.add(block("a", false));
        pages.add(block("head", false));
        pages.add(block("\n", false));
        pages.keep_with_next();
        pages.add(block("b1\nb2", false));
        assert_eq!((pages.take(4, LAYOUT), pages.is_full()), (rows("a"), true));
        assert_eq!(
            pages_of(&[("head", true), ("\n", false), ("1\n2\n3\n4", false)], 5),
            ["head||1|2", "3|4"]
        );
    }

    #[test]
    fn what_is_higher_than_a_page_is_broken_at_gaps_and_leaves_no_single_row() {
        assert_eq!(pages_of(&[("a\nb\nc\nd\ne", false)], 4), ["a|b|c", "d|e"]);
        assert_eq!(pages_of(&[("a\nb\nc\n\nd\ne", false)], 5), ["a|b|c", "|d|e"]);
        let blocks = [("0", false), ("a\nb\nc\nd\ne\nf", false)];
        assert_eq!(pages_of(&blocks, 5), ["0|a|b|c|d", "e|f"]);
        assert_eq!(pages_of(&blocks, 4), ["0", "a|b|c|d", "e|f"]);
    }

    #[test]
    fn what_waits_is_laid_out_for_the_window_as_it_is_then() {
        let mut pages = Pages::default();
        let text = |text: &str| Piece::Text {
            mark: "- ".to_owned(),
            mark_ink: Ink::Plain,
            text: text.to_owned(),
            ink: Ink::Plain,
        };
        pages.add(Block::of(vec![text("one two three four")]));
        pages.add(Block::of(vec![text("five six seven eight")]));
        assert_eq!(pages.take(2, Layout { width: 12, ..LAYOUT }), rows("- one two\n  three four"));
        pages.turn();
        assert_eq!(pages.take(2, LAYOUT), rows("- five six seven eight"));
    }

    #[test]
    fn pages_are_shown_again_one_by_one() {
        let mut pages = Pages::default();
        for text in ["one", "two", "three"] {
            pages.turn();
            pages.add(block(text, false));
            pages.take(9, LAYOUT);
        }
        pages.turn();
        let text = |rows: Option<&[Row]>| rows.map(|rows| rows[0].text());
        assert_eq!(text(pages.forward()), None);
        assert_eq!(text(pages.back()).as_deref(), Some("two"));
        assert_eq!(text(pages.back()).as_deref(), Some("one"));
        assert_eq!(text(pages.back()), None);
        assert_eq!(pages.last_rows(9), rows("one"));
        assert_eq!(text(pages.forward()).as_deref(), Some("two"));
        assert!(pages.is_looking_back());
        assert_eq!(text(pages.forward()).as_deref(), Some("three"));
        assert!(!pages.is_looking_back());
        assert_eq!(pages.last_rows(2), rows("two\nthree"));
        pages.back();
        pages.back();
        assert!(!pages.has_before());
        assert_eq!(text(pages.return_to_present()).as_deref(), Some("three"));
        assert!(!pages.is_looking_back());
        assert_eq!(text(pages.return_to_present()), None, "it is on the screen");
    }

    #[test]
    fn help_is_no_page_that_is_shown_again() {
        let mut pages = Pages::default();
        let show = |pages: &mut Pages, text: &str| {
            pages.turn();
            pages.add(block(text, false));
            pages.take(9, LAYOUT);
        };
        let text = |rows: Option<&[Row]>| rows.map(|rows| rows[0].text());
        show(&mut pages, "one");
        assert!(!pages.has_before());
        let before = pages.set_apart(true);
        show(&mut pages, "help");
        pages.set_apart(before);
        assert_eq!(text(pages.back()).as_deref(), Some("one"), "it was below the help");
        assert!(!pages.is_looking_back() && !pages.has_before());
        show(&mut pages, "two");
        pages.set_apart(true);
        show(&mut pages, "help");
        pages.set_apart(false);
        show(&mut pages, "three");
        assert_eq!(text(pages.back()).as_deref(), Some("two"));
        assert_eq!(text(pages.forward()).as_deref(), Some("three"));
        assert!(!pages.is_looking_back());
    }

    #[test]
    fn a_page_stands_where_its_first_block_does() {
        let mut pages = Pages::default();
        let place = |step, block| Some(Place { step, block });
        pages.add(block("title", false));
        pages.begin(place(3, 1));
        for text in ["a\n", "\n", "b1\nb2\nb3\nb4\nb5", "c"] {
            pages.add(block(text, false));
        }
        let mut seen = Vec::new();
        while pages.is_full() {
            pages.turn();
            pages.take(4, LAYOUT);
            seen.push(pages.place());
        }
        assert_eq!(seen, [place(3, 1), place(3, 2), place(3, 2)], "what is broken begins anew");
        pages.begin(None);
        pages.turn();
        pages.add(block("aside", false));
        pages.take(4, LAYOUT);
        assert_eq!(pages.place(), place(3, 2));
    }

    #[test]
    fn the_rest_of_a_listing_is_dropped_only_when_it_has_begun() {
        let mut pages = Pages::default();
        let line = |number| Piece::Code { number, row: Row::new().with("x", Ink::Plain) };
        pages.add(block("a", false));
        pages.add(Block::of((1..12).map(line).collect()));
        pages.add(Block::of((12..15).map(line).collect()));
        pages.add(block("z", false));
        assert!(!pages.drop_rest_of_code(), "nothing of it has been shown");
        pages.take(9, LAYOUT);
        assert!(pages.drop_rest_of_code() && !pages.drop_rest_of_code());
        pages.turn();
        assert_eq!(pages.take(9, LAYOUT), rows("z"));
    }
}
