//! Pages that were shown: laid out again for another window, and shown again.

use super::super::block::joined;
use super::{Page, Pages, Room, without_blank_end};
use crate::picture::Row;

impl Pages {
    /// The page on the screen, laid out for this room. It begins as it did. What has no room on it is on pages behind it, as if that
    /// had been looked back from; what waits for a page comes on it if it has room.
    pub(in crate::output::terminal) fn lay_out_again(&mut self, room: Room) -> Vec<Row> {
        let Some(on_screen) = self.on_screen() else { return Vec::new() };
        if self.goes_on && self.again.is_none() {
            self.shown.truncate(on_screen + 1);
            let page = self.shown.pop().unwrap_or_default();
            let waiting = std::mem::take(&mut self.waiting);
            self.waiting = joined(page.blocks.into_iter().chain(waiting));
            (self.goes_on, self.owes_gap) = (page.continues, false);
            let apart = std::mem::replace(&mut self.apart, page.is_apart);
            self.turn();
            self.take(room);
            self.apart = apart;
        } else {
            self.fit_with_next(on_screen, room);
            self.again = Some(on_screen).filter(|page| Some(*page) != self.last());
            if self.again.is_none() && self.has_room_for_run(on_screen, room) {
                self.fit(self.begins(on_screen), on_screen + 1, room);
            }
        }
        self.on_screen().map_or_else(Vec::new, |page| self.below_others(page, room))
    }

    /// The end of what has been shown since a key was pressed that turned no page, laid out for this room.
    pub(in crate::output::terminal) fn lay_out_end(&mut self, room: Room) -> Vec<Row> {
        self.again = None;
        let Some(last) = self.last() else { return Vec::new() };
        let last = self.fit_with_before(last, room);
        self.below_others(last, room)
    }

    /// The rows of a page, below the pages before it for which there is room above.
    fn below_others(&mut self, page: usize, room: Room) -> Vec<Row> {
        let (mut rows, mut top) = (self.shown[page].rows.clone(), page);
        while let Some(before) = self.before(top) {
            let fitted = self.fit_with_before(before, room);
            self.again = self.again.map(|again| again + fitted - before);
            let above = &self.shown[fitted].rows;
            let above = &above[..without_blank_end(above)];
            let gap = rows.first().is_some_and(|row| row.width() > 0).then(Row::new);
            if above.len() + gap.iter().len() + rows.len() > room.height {
                break;
            }
            rows.splice(0..0, above.iter().cloned().chain(gap));
            top = fitted;
        }
        rows
    }

    /// Lays a page out for this room, unless it is, with those behind it that continue it.
    fn fit_with_next(&mut self, page: usize, room: Room) {
        let mut behind = page + 1..self.shown.len();
        let end = behind.find(|behind| !self.shown[*behind].continues);
        if !self.is_fit(page, room) {
            self.fit(page, end.unwrap_or(self.shown.len()), room);
        }
    }

    /// The same with those before it that it continues; gives the last of them.
    fn fit_with_before(&mut self, page: usize, room: Room) -> usize {
        if self.is_fit(page, room) {
            return page;
        }
        let first = self.begins(page);
        first + self.fit(first, page + 1, room) - 1
    }

    /// The page that this one continues, or those before it.
    fn begins(&self, page: usize) -> usize {
        (0..=page).rev().find(|before| !self.shown[*before].continues).unwrap_or(0)
    }

    fn is_fit(&self, page: usize, room: Room) -> bool {
        self.shown[page].size == (room.height, room.layout.width)
    }

    /// Whether a page and those that it continues fit on one.
    fn has_room_for_run(&self, page: usize, room: Room) -> bool {
        let pages = &self.shown[self.begins(page)..=page];
        let blocks = joined(pages.iter().flat_map(|page| page.blocks.clone()));
        let rows = blocks.into_iter().map(|block| block.laid_out(room.layout).height());
        pages.len() > 1 && rows.sum::<usize>() <= room.height
    }

    /// Lays these pages out for this room; gives how many there are now, at least one.
    fn fit(&mut self, first: usize, end: usize, room: Room) -> usize {
        let pages: Vec<Page> = self.shown.drain(first..end).collect();
        let (apart, goes_on) =
            pages.first().map_or((false, false), |it| (it.is_apart, it.continues));
        let waiting = joined(pages.into_iter().flat_map(|page| page.blocks));
        let mut anew = Pages { waiting, apart, goes_on, ..Pages::default() };
        anew.take(room);
        while anew.is_full() {
            anew.turn();
            anew.take(room);
        }
        if anew.shown.is_empty() {
            anew.shown.push(Page::default());
        }
        let count = anew.shown.len();
        self.shown.splice(first..first, anew.shown);
        count
    }
}

// ---- looking back ----

impl Pages {
    /// The page before the one on the screen, to be shown again. A page that is apart stands below the last one of the others, which is
    /// on the screen too; where none is before that, it is shown again if it has been moved off the screen.
    pub(in crate::output::terminal) fn back(&mut self, room: Room) -> Option<&[Row]> {
        let on_screen = self.on_screen()?;
        let before = self.to_go_back_to(on_screen, room.height)?;
        self.forget_apart();
        let before = self.fit_with_before(before, room);
        self.again = Some(before).filter(|page| Some(*page) != self.last());
        Some(&self.shown[before].rows)
    }

    /// Whether there is a page to go back to, on a screen of so many rows.
    pub(in crate::output::terminal) fn has_before(&self, height: usize) -> bool {
        self.on_screen().is_some_and(|page| self.to_go_back_to(page, height).is_some())
    }

    /// Whether there will be one below so many more rows, which are apart.
    pub(in crate::output::terminal) fn will_have_before(&self, more: usize, height: usize) -> bool {
        let last = self.before(self.shown.len());
        last.is_some_and(|last| {
            self.before(last).is_some() || self.rows_from(last) + 1 + more > height
        })
    }

    /// The page before this one on the screen.
    fn to_go_back_to(&self, on_screen: usize, height: usize) -> Option<usize> {
        let before = self.before(on_screen)?;
        if !self.shown[on_screen].is_apart {
            return Some(before);
        }
        // The first page of all is not worth going back to as long as the whole of it is on the screen.
        let is_on_screen = || self.rows_from(before) <= height;
        self.before(before).or_else(|| Some(before).filter(|_| !is_on_screen()))
    }

    /// How many rows the pages from this one on have, with an empty one between two.
    fn rows_from(&self, page: usize) -> usize {
        let pages = self.shown[page..].iter().filter(|page| !page.rows.is_empty());
        pages.map(|page| without_blank_end(&page.rows) + 1).sum::<usize>().saturating_sub(1)
    }

    /// Whether this text stands on a screen of so many rows, in a notice below all other pages.
    pub(in crate::output::terminal) fn has_noticed(&self, text: &str, height: usize) -> bool {
        let notices = self.shown.iter().enumerate().rev();
        let mut notices = notices.take_while(|(_, page)| page.is_apart || page.rows.is_empty());
        self.again.is_none()
            && notices.any(|(at, page)| {
                page.blocks.iter().any(|block| block.says(text)) && self.rows_from(at) <= height
            })
    }

    /// The page after the one that is shown again; `None` if no page is.
    pub(in crate::output::terminal) fn forward(&mut self, room: Room) -> Option<&[Row]> {
        let after = self.again? + 1;
        self.fit_with_next(after, room);
        self.again = Some(after).filter(|page| Some(*page) != self.last());
        Some(&self.shown[after].rows)
    }

    pub(in crate::output::terminal) fn is_looking_back(&self) -> bool {
        self.again.is_some()
    }

    /// The last page, if another one is shown again: that is over.
    pub(in crate::output::terminal) fn return_to_present(&mut self, room: Room) -> Option<&[Row]> {
        self.again.take()?;
        let last = self.last()?;
        let last = self.fit_with_before(last, room);
        Some(&self.shown[last].rows)
    }

    /// The page before this one, of those that are shown again.
    fn before(&self, page: usize) -> Option<usize> {
        let is_one = |page: &Page| !page.is_apart && !page.rows.is_empty();
        (0..page).rev().find(|before| is_one(&self.shown[*before]))
    }

    fn on_screen(&self) -> Option<usize> {
        self.again.or(self.last())
    }

    /// The last page with something on it.
    fn last(&self) -> Option<usize> {
        self.shown.iter().rposition(|page| !page.rows.is_empty())
    }

    /// Pages that are apart are gone once another one is on the screen.
    fn forget_apart(&mut self) {
        while self.shown.pop_if(|page| page.is_apart || page.rows.is_empty()).is_some() {}
        self.turn();
    }
}
