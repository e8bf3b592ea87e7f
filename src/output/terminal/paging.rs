//! Pages: shown, turned, and shown again.

use unicode_width::UnicodeWidthStr;

use super::keys::Key;
use super::pages::{Pages, Room};
use super::{Aside, Bar, Place, Result, Terminal};
use crate::i18n::tr;
use crate::picture::{Ink, Row};

impl Terminal {
    /// Shows all that was written. With pages, waits for a key between them.
    pub fn flush(&mut self) -> Result<()> {
        while self.show_page()? {
            self.turn_page()?;
        }
        Ok(self.out.flush()?)
    }

    /// Fills the page on the screen with what waits for it; true if the page is full and more waits.
    pub fn show_page(&mut self) -> Result<bool> {
        let room = self.room();
        let taken = self.pages.as_mut().map(|pages| (pages.take(room), pages.is_full()));
        let (rows, is_full) = taken.unwrap_or_default();
        rows.iter().try_for_each(|row| self.write_row(row))?;
        self.out.flush()?;
        Ok(is_full)
    }

    /// Writes the rows of a page, apart from what is above it on the screen.
    fn write_page(&mut self, rows: Vec<Row>) -> Result<()> {
        let gap = rows.first().is_some_and(|row| row.width() > 0).then(Row::new);
        gap.iter().chain(&rows).try_for_each(|row| self.write_row(row))
    }

    /// How many rows a page has: the bar stands below them.
    pub(super) fn page_height(&self) -> usize {
        self.height.map_or(usize::MAX, |height| height - 1)
    }

    pub(super) fn room(&self) -> Room {
        Room { height: self.page_height(), layout: self.layout() }
    }

    /// Waits below the page until it is to be turned.
    pub fn turn_page(&mut self) -> Result<()> {
        self.wait(&Bar::of(tr!("Enter on")), tr!("goes on"), &[], &[]).map(|_| ())
    }

    /// Waits below the page for Enter, or for one of these letters, which answer; other keys move among the pages. `enter` says what Enter does,
    /// and `more` what the letters do.
    pub fn wait(
        &mut self,
        asked: &Bar,
        enter: &str,
        answers: &[char],
        more: &[(&str, &str)],
    ) -> Result<Key> {
        loop {
            let looks_back = self.is_looking_back();
            let is_answer = |letter| !looks_back && answers.contains(&letter);
            let back = if is_answer('b') { tr!("← back") } else { tr!("b back") };
            let others = self.can_look_back().then(|| back.to_owned()).into_iter().collect();
            let bar = if looks_back { Bar::of(tr!("Enter forward")) } else { asked.clone() };
            match self.press(&Bar { others, ..bar })? {
                Some(Key::On) if !self.look_forward()? => return Ok(Key::On),
                Some(key @ Key::Letter(letter)) if is_answer(letter) => return Ok(key),
                Some(Key::Back | Key::Letter('b')) => self.look_back()?,
                Some(Key::Letter('?')) => {
                    self.return_to_present()?;
                    let waiting = self.set_aside();
                    self.explain_keys(enter, more, answers)?;
                    self.bring_back(waiting);
                }
                Some(Key::Letter(_)) => self.return_to_present()?,
                _ => {}
            }
        }
    }

    /// Shows what the keys do: Enter, those that are the same everywhere, but for these letters, which answer, and those that are only here,
    /// each with its words.
    pub fn explain_keys(
        &mut self,
        enter: &str,
        more: &[(&str, &str)],
        answers: &[char],
    ) -> Result<()> {
        let answers_with = |key: &str| answers.iter().any(|answer| key.chars().eq([*answer]));
        let enter = tr!("{does}; so do the space bar, → and Page Down", does = enter);
        let (rows, height) = (4 + more.len(), self.page_height());
        let will_have = |pages: &Pages| pages.will_have_before(rows, height);
        let has_before = self.pages.as_ref().is_some_and(will_have);
        let enter = [(tr!("Enter"), enter.as_str())];
        let back = match answers_with("b") {
            true => ("←", tr!("shows the page before again; so does Page Up")),
            false => ("b", tr!("shows the page before again; so do ← and Page Up")),
        };
        let back = [back].into_iter().filter(|_| has_before);
        let last =
            [("q", tr!("quits; so do Ctrl-D and Ctrl-C")), ("Ctrl-Z", tr!("stops until fg"))];
        self.together(|terminal| {
            terminal.blank()?;
            let last = last.into_iter().filter(|it| !answers_with(it.0));
            let more = more.iter().copied();
            for (key, words) in enter.into_iter().chain(back).chain(more).chain(last) {
                let space = " ".repeat(8_usize.saturating_sub(key.width()));
                terminal.marked(&format!("{space}{key}  "), Ink::Code, words, Ink::Plain)?;
            }
            terminal.blank()
        })?;
        self.show_apart()
    }

    /// Shows all that waits, but not as pages that can be shown again: help, or a notice.
    pub fn show_apart(&mut self) -> Result<()> {
        let before = self.pages.as_mut().is_some_and(|pages| pages.set_apart(true));
        let mut shown = self.show_page();
        while let Ok(true) = shown {
            // Another window may have room for all of it.
            shown = self.press(&Bar::of(tr!("Enter on"))).and_then(|_| self.show_page());
        }
        self.pages.iter_mut().for_each(|pages| {
            pages.set_apart(before);
        });
        shown.map(|_| ())
    }

    /// Whether this text stands on the screen in a notice, below all pages.
    pub fn has_noticed(&self, text: &str) -> bool {
        let height = self.page_height();
        self.pages.as_ref().is_some_and(|pages| pages.has_noticed(text, height))
    }

    /// Shows the page before the one on the screen again, if there is one.
    pub fn look_back(&mut self) -> Result<()> {
        let room = self.room();
        let page = self.pages.as_mut().and_then(|pages| pages.back(room).map(<[Row]>::to_vec));
        self.write_page(page.unwrap_or_default())
    }

    /// After looking back shows the page after the one on the screen; false if none is shown again.
    pub fn look_forward(&mut self) -> Result<bool> {
        let room = self.room();
        let page = self.pages.as_mut().and_then(|pages| pages.forward(room).map(<[Row]>::to_vec));
        let is_there = page.is_some();
        self.write_page(page.unwrap_or_default())?;
        Ok(is_there)
    }

    /// After looking back shows the last page again.
    pub fn return_to_present(&mut self) -> Result<()> {
        let room = self.room();
        let pages = self.pages.as_mut();
        let page = pages.and_then(|pages| pages.return_to_present(room).map(<[Row]>::to_vec));
        self.write_page(page.unwrap_or_default())
    }

    /// Whether a page is shown again, and not the last one.
    pub fn is_looking_back(&self) -> bool {
        self.pages.as_ref().is_some_and(Pages::is_looking_back)
    }

    /// Whether there is a page before the one on the screen.
    pub fn can_look_back(&self) -> bool {
        let height = self.page_height();
        self.pages.as_ref().is_some_and(|pages| pages.has_before(height))
    }

    /// Whether something waits for a page.
    pub fn has_more(&self) -> bool {
        self.pages.as_ref().is_some_and(Pages::is_full)
    }

    /// What is written from now on stands here.
    pub fn begin(&mut self, at: Option<Place>) {
        self.pages.iter_mut().for_each(|pages| pages.begin(at));
    }

    /// Where the page begins that was shown last, of those that stand somewhere.
    pub fn place(&self) -> Option<Place> {
        self.pages.as_ref().and_then(Pages::place)
    }

    /// Drops the rest of a listing whose beginning has been shown, and those behind it; says whether there was one.
    pub fn drop_rest_of_code(&mut self) -> bool {
        self.pages.as_mut().is_some_and(Pages::drop_rest_of_code)
    }

    /// Takes what is still to be shown, so that something else can be shown before: see [`Terminal::bring_back`].
    pub fn set_aside(&mut self) -> Aside {
        Aside(self.pages.as_mut().map(Pages::set_aside).unwrap_or_default())
    }

    pub fn bring_back(&mut self, Aside(waiting): Aside) {
        if let Some(pages) = &mut self.pages {
            pages.bring_back(waiting);
        }
    }
}
