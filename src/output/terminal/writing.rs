//! What is written: rows, text, code and pictures. With pages it waits for its page.

use std::io::{self, Write};
use std::rc::Rc;

use super::block::Block;
use super::pages::Pages;
use super::palette::colored_text;
use super::piece::{Drawn, Layout, Piece};
use super::prose::{self, Emphasis};
use super::rendering::{render, to_ascii};
use super::{Error, Result, Terminal, can_erase};
use crate::picture::code::{self, Language};
use crate::picture::{Ink, Picture, Row};
use crate::text::safe;

impl Terminal {
    /// Shows a row. With pages it is shown when its page is: see [`Terminal::show_page`].
    pub fn row(&mut self, row: &Row) -> Result<()> {
        self.piece(Piece::Row(row.clone()))
    }

    /// Shows this. It is laid out when its page is shown: until then the window may change.
    fn piece(&mut self, piece: Piece) -> Result<()> {
        let layout = self.layout();
        match (&mut self.gathered, &mut self.pages) {
            (Some(gathered), _) => gathered.push(piece),
            (None, Some(pages)) => pages.add(Block::of(vec![piece])),
            (None, None) => piece.rows(layout).iter().try_for_each(|row| self.write_row(row))?,
        }
        Ok(())
    }

    pub(super) fn layout(&self) -> Layout {
        Layout { width: self.width, emphasis: self.emphasis(), fits: self.pages.is_some() }
    }

    /// Shows what this writes on one page, if a page can have so much.
    pub fn together<E: From<Error>>(
        &mut self,
        write: impl FnOnce(&mut Terminal) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        if self.gathered.is_some() {
            return write(self); // a part of what is together already
        }
        self.gathered = self.pages.is_some().then(Vec::new);
        let written = write(self);
        let pieces = self.gathered.take();
        if let (Some(pages), Some(pieces)) = (&mut self.pages, pieces) {
            pages.add(Block::of(pieces));
        }
        written
    }

    /// Keeps what was written last on one page with what follows.
    pub fn keep_with_next(&mut self) {
        self.pages.iter_mut().for_each(Pages::keep_with_next);
    }

    /// Shows a row at once, whatever is on the screen.
    pub fn row_at_once(&mut self, row: &Row) -> Result<()> {
        self.write_row(row)?;
        self.pages.iter_mut().for_each(|pages| pages.note(row.clone()));
        Ok(())
    }

    /// Shows a row at once if its page has room; otherwise it waits for its page.
    pub fn live_row(&mut self, row: &Row) -> Result<()> {
        let height = self.page_height();
        match &self.pages {
            Some(pages) if !pages.has_room(1, height) => self.row(row),
            _ => self.row_at_once(row),
        }
    }

    pub(super) fn write_row(&mut self, row: &Row) -> Result<()> {
        if let Some(kept) = &mut self.kept {
            kept.0.push(row.clone());
            return Ok(());
        }
        for (index, span) in row.0.iter().enumerate() {
            let text = if index + 1 == row.0.len() { span.text.trim_end() } else { &span.text };
            let text = safe(text);
            let text = if self.ascii { to_ascii(&text).into() } else { text };
            write!(self.out, "{}", colored_text(&text, span.ink))?;
        }
        Ok(writeln!(self.out)?)
    }

    /// Shows a row in one ink.
    pub fn line(&mut self, text: &str, ink: Ink) -> Result<()> {
        self.row(&Row::new().with(text, ink))
    }

    /// Shows a short text in one ink, with `code` in another, wrapped; lines after the first are indented by the width of `first`.
    pub fn wrapped(&mut self, first: &str, text: &str, ink: Ink) -> Result<()> {
        self.marked(first, ink, text, ink)
    }

    /// The same, with the mark before it in an ink of its own.
    pub fn marked(&mut self, mark: &str, mark_ink: Ink, text: &str, ink: Ink) -> Result<()> {
        self.piece(Piece::Text { mark: mark.to_owned(), mark_ink, text: text.to_owned(), ink })
    }

    fn emphasis(&self) -> Emphasis {
        if self.has_colours() || self.kept.is_some() { Emphasis::ByInk } else { Emphasis::BySigns }
    }

    /// Shows the source of an experiment with line numbers.
    pub fn code(&mut self, first: u32, lines: &[&str]) -> Result<()> {
        let rows = code::rows(Some(Language::Rust), lines.iter().copied());
        (first..).zip(rows).try_for_each(|(number, row)| self.piece(Piece::Code { number, row }))
    }

    /// Shows this text in the place of lines of code.
    pub fn folded(&mut self, text: &str) -> Result<()> {
        self.piece(Piece::Folded(text.to_owned()))
    }

    /// Writes a program as it stands: with colours for people, without for what it is piped to.
    pub fn program(&mut self, text: &str, language: Language) -> Result<()> {
        if !self.has_colours() {
            return Ok(write!(self.out, "{text}")?);
        }
        let rows = code::rows(Some(language), text.lines());
        Ok(rows.iter().try_for_each(|row| write!(self.out, "{}", render(row, false)))?)
    }

    /// Writes text for other programs, unchanged.
    pub fn verbatim(&mut self, text: &str) -> Result<()> {
        Ok(writeln!(self.out, "{text}")?)
    }

    /// Goes to the start of a line: the next one, if another program has left the cursor within a line. Spaces to the last column but
    /// one run over the edge then, and else do not.
    pub fn begin_line(&mut self) -> Result<()> {
        let size = terminal_size::terminal_size_of(io::stdout()).filter(|_| can_erase());
        if let Some((width, _)) = size {
            let spaces = usize::from(width.0).saturating_sub(1);
            write!(self.out, "{:spaces$}\r\x1b[K", "")?;
        }
        Ok(())
    }

    pub fn blank(&mut self) -> Result<()> {
        self.row(&Row::new())
    }

    /// Shows a picture, on one page if a page can have so much. It is drawn when its page is shown, and anew for another width.
    pub fn drawn(&mut self, draw: impl Fn(usize) -> Picture + 'static) -> Result<()> {
        self.drawn_of(&(), move |(), width| draw(width))
    }

    /// The same of something that is kept as long as the page is, if there are pages.
    pub fn drawn_of<T: Clone + 'static>(
        &mut self,
        what: &T,
        draw: impl Fn(&T, usize) -> Picture + 'static,
    ) -> Result<()> {
        if self.pages.is_none() {
            return draw(what, self.width).0.iter().try_for_each(|row| self.write_row(row));
        }
        let what = what.clone();
        self.piece(Piece::Drawn(Drawn::new(move |width| draw(&what, width))))
    }

    /// Shows CommonMark, wrapped.
    pub fn prose(&mut self, markdown: &str) -> Result<()> {
        self.prose_from(markdown, 0)
    }

    /// Shows CommonMark without its first passages, so many.
    pub fn prose_from(&mut self, markdown: &str, first: usize) -> Result<()> {
        let markdown: Rc<str> = markdown.into();
        let passages = prose::lay_out(&markdown, self.width, self.emphasis());
        for (number, passage) in passages.iter().enumerate().skip(first) {
            let markdown = markdown.clone();
            self.piece(Piece::Passage { markdown, number })?;
            if passage.keeps_next {
                self.keep_with_next();
            }
        }
        Ok(())
    }

    /// How many passages CommonMark has: paragraphs, items of a list, tables.
    pub fn passages(&self, markdown: &str) -> usize {
        prose::lay_out(markdown, self.width, self.emphasis()).len()
    }
}
