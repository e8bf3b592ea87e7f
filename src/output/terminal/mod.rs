//! The terminal: its size and colours, input from it, and the output of pictures and prose.
//!
//! All output for people goes through [`Terminal`]; a closed pipe is an error, not a panic.

use std::collections::VecDeque;
use std::io::{self, BufRead, IsTerminal, Write};
use std::rc::Rc;
use std::time::Duration;

use thiserror::Error;
use unicode_width::UnicodeWidthStr;

use self::palette::colored_text;
use self::prose::Emphasis;
use crate::i18n::tr;
use crate::picture::code::{self, Language};
use crate::picture::{Ink, Picture, Row};
use crate::signals::{self, Cleanup};
use crate::text::{half_width, safe};

mod bar;
pub mod keys;
mod pages;
mod palette;
mod piece;
pub mod progress_line;
mod prose;

pub use bar::Bar;

use keys::Key;
pub use pages::Place;
use pages::{Block, Pages};
use piece::{Layout, Piece};

/// The options for how output looks.
#[derive(Clone, Copy, Debug, Default)]
pub struct Look {
    /// Colours: yes, no, or as the terminal says.
    pub color: Option<bool>,
    /// ASCII characters alone.
    pub ascii: bool,
    /// Columns, instead of the terminal's own.
    pub width: Option<u16>,
    /// Use half of the columns, so that the font can be twice as large.
    pub big: bool,
    /// Do not ask or wait.
    pub auto: bool,
}

/// Where a person reads, and perhaps types.
pub struct Terminal {
    out: Box<dyn Write>,
    width: usize,
    /// The width does not change with the window's.
    fixed_width: bool,
    big: bool,
    ascii: bool,
    interactive: bool,
    /// Whether the terminal understands control sequences for the cursor.
    erases: bool,
    /// Rows of the screen, if the terminal is interactive.
    height: Option<usize>,
    /// What is to be shown page by page, if the terminal is interactive.
    pages: Option<Pages>,
    /// What will be shown together, while it is gathered.
    gathered: Option<Vec<Piece>>,
    /// The rows, if they are collected instead of shown.
    kept: Option<Picture>,
}

/// What is still to be shown, while something else is.
pub struct Aside((VecDeque<Block>, Option<Place>));

/// The answer to a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// A line, without its end.
    Line(String),
    /// There is no one to ask.
    NotInteractive,
}

/// Why output ends early.
#[derive(Debug, Error)]
pub enum Error {
    /// The reader asked to leave: with `q` at a question, or Ctrl-D.
    #[error("the reader left")]
    Quit,
    /// The terminal cannot be written or read.
    #[error(transparent)]
    Io(#[from] io::Error),
}

pub type Result<T> = std::result::Result<T, Error>;

/// Switches to the alternate screen, clears it and hides the cursor (xterm's control sequences, ctlseqs).
const ALTERNATE_SCREEN_ON: &str = "\x1b[?1049h\x1b[?25l\x1b[2J";
/// Shows the cursor and switches back.
const ALTERNATE_SCREEN_OFF: &str = "\x1b[?25h\x1b[?1049l";
/// Clears the screen, with the cursor in its first row (ECMA-48).
const CLEAR: &str = "\x1b[H\x1b[2J";
/// How often it is looked whether the window has another size while a key is waited for.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// The smallest width that anything is drawn for.
pub const MIN_WIDTH: usize = 20;
/// The smallest width with [`Look::big`].
const MIN_BIG_WIDTH: usize = 40;
/// The width where the system does not tell.
const DEFAULT_WIDTH: usize = 80;
/// The height where the system does not tell.
const DEFAULT_HEIGHT: usize = 24;

impl Terminal {
    /// Standard output; whether it has colours is decided here, once.
    pub fn standard(look: Look) -> Terminal {
        let stdout = io::stdout();
        let at_terminal = stdout.is_terminal();
        colored::control::set_override(look.color.unwrap_or_else(|| wants_color(at_terminal)));
        let size = terminal_size::terminal_size_of(&stdout);
        let measured = || size.map(|(width, _)| columns(usize::from(width.0), look.big));
        let width = look
            .width
            .map(usize::from)
            .or_else(measured)
            .filter(|width| *width > 0)
            .unwrap_or_else(|| columns(DEFAULT_WIDTH, look.big))
            .max(MIN_WIDTH);
        let interactive = !look.auto && at_terminal && io::stdin().is_terminal();
        let height = size
            .map(|(_, height)| usize::from(height.0))
            .filter(|height| interactive && *height > 4);
        Terminal {
            out: Box::new(io::BufWriter::new(stdout)),
            width,
            fixed_width: look.width.is_some(),
            big: look.big,
            ascii: look.ascii,
            interactive,
            erases: interactive && std::env::var_os("TERM").is_some_and(|term| term != "dumb"),
            height,
            pages: height.map(|_| Pages::default()),
            gathered: None,
            kept: None,
        }
    }

    /// A terminal that shows nothing, for when a recording goes to standard output.
    pub fn nowhere() -> Terminal {
        Terminal {
            out: Box::new(io::sink()),
            width: DEFAULT_WIDTH,
            fixed_width: true,
            big: false,
            ascii: false,
            interactive: false,
            erases: false,
            height: None,
            pages: None,
            gathered: None,
            kept: None,
        }
    }

    /// A terminal of this width that collects its rows for [`Terminal::take_kept`].
    pub fn kept(width: usize) -> Terminal {
        Terminal { width, kept: Some(Picture::default()), ..Terminal::nowhere() }
    }

    /// The rows that a [`Terminal::kept`] has collected.
    pub fn take_kept(&mut self) -> Picture {
        self.kept.take().unwrap_or_default()
    }

    pub fn width(&self) -> usize {
        self.width
    }

    /// Rows of the screen, if the terminal is interactive.
    pub fn height(&self) -> Option<usize> {
        self.height
    }

    pub fn has_colours(&self) -> bool {
        colored::control::SHOULD_COLORIZE.should_colorize()
    }

    /// Whether only ASCII characters are drawn.
    pub fn is_ascii(&self) -> bool {
        self.ascii
    }

    /// Whether someone is there to ask.
    pub fn is_interactive(&self) -> bool {
        self.interactive
    }

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

    fn layout(&self) -> Layout {
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

    fn write_row(&mut self, row: &Row) -> Result<()> {
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

    pub fn blank(&mut self) -> Result<()> {
        self.row(&Row::new())
    }

    /// Shows a picture, on one page if a page can have so much.
    pub fn picture(&mut self, picture: &Picture) -> Result<()> {
        self.together(|terminal| picture.0.iter().try_for_each(|row| terminal.row(row)))
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

    /// Shows all that was written. With pages, waits for a key between them.
    pub fn flush(&mut self) -> Result<()> {
        while self.show_page()? {
            self.turn_page()?;
        }
        Ok(self.out.flush()?)
    }

    /// Fills the page on the screen with what waits for it; true if the page is full and more waits.
    pub fn show_page(&mut self) -> Result<bool> {
        let (height, layout) = (self.page_height(), self.layout());
        let taken = self.pages.as_mut().map(|pages| (pages.take(height, layout), pages.is_full()));
        let (rows, is_full) = taken.unwrap_or_default();
        rows.iter().try_for_each(|row| self.write_row(row))?;
        self.out.flush()?;
        Ok(is_full)
    }

    /// Writes rows, those that have become too wide for the window in several.
    fn write_rows(&mut self, rows: Vec<Row>, width: usize) -> Result<()> {
        let narrow = rows.into_iter().flat_map(|row| match row.width() <= width {
            true => vec![row],
            false => row.wrap(width),
        });
        narrow.collect::<Vec<_>>().iter().try_for_each(|row| self.write_row(row))
    }

    /// How many rows a page has: the bar stands below them.
    fn page_height(&self) -> usize {
        self.height.map_or(usize::MAX, |height| height - 1)
    }

    /// Waits below the page until it is to be turned.
    pub fn turn_page(&mut self) -> Result<()> {
        loop {
            let main = if self.is_looking_back() { tr!("Enter forward") } else { tr!("Enter on") };
            let back = self.can_look_back().then(|| tr!("b back").to_owned());
            let bar = Bar { others: back.into_iter().collect(), ..Bar::of(main) };
            match self.press(&bar)? {
                Key::On if !self.look_forward()? => return Ok(()),
                Key::Back | Key::Letter('b') => self.look_back()?,
                Key::Letter('?') => {
                    self.return_to_present()?;
                    let waiting = self.set_aside();
                    self.explain_keys(&[], &[])?;
                    self.bring_back(waiting);
                }
                Key::Letter(_) => self.return_to_present()?,
                _ => {}
            }
        }
    }

    /// Shows what the keys do that are the same everywhere, and these, each key with its words; but none of these letters, which answer.
    pub fn explain_keys(&mut self, more: &[(&str, &str)], answers: &[char]) -> Result<()> {
        let answers_with = |key: &str| answers.iter().any(|answer| key.chars().eq([*answer]));
        let first = [
            (tr!("Enter"), tr!("goes on; so do the space bar, → and Page Down")),
            ("b", tr!("shows the page before again; so do ← and Page Up")),
        ];
        let arrow = [("←", tr!("shows the page before again; so does Page Up"))];
        let arrow = arrow.iter().filter(|_| answers_with("b"));
        let last = [("q", tr!("quits; so does Ctrl-D")), ("Ctrl-Z", tr!("stops until fg"))];
        self.together(|terminal| {
            terminal.blank()?;
            let all = first.iter().chain(arrow).chain(more).chain(&last);
            for (key, words) in all.filter(|(key, _)| !answers_with(key)) {
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
            shown = self.press(&Bar::of(tr!("Enter on"))).and_then(|_| self.show_page());
        }
        self.pages.iter_mut().for_each(|pages| {
            pages.set_apart(before);
        });
        shown.map(|_| ())
    }

    /// Shows the page before the one on the screen again, if there is one.
    pub fn look_back(&mut self) -> Result<()> {
        let page = self.pages.as_mut().and_then(|pages| pages.back().map(<[Row]>::to_vec));
        self.write_rows(page.unwrap_or_default(), self.width)
    }

    /// After looking back shows the page after the one on the screen; false if none is shown again.
    pub fn look_forward(&mut self) -> Result<bool> {
        let page = self.pages.as_mut().and_then(|pages| pages.forward().map(<[Row]>::to_vec));
        let is_there = page.is_some();
        self.write_rows(page.unwrap_or_default(), self.width)?;
        Ok(is_there)
    }

    /// After looking back shows the last page again.
    pub fn return_to_present(&mut self) -> Result<()> {
        let pages = self.pages.as_mut();
        let page = pages.and_then(|pages| pages.return_to_present().map(<[Row]>::to_vec));
        self.write_rows(page.unwrap_or_default(), self.width)
    }

    /// Whether a page is shown again, and not the last one.
    pub fn is_looking_back(&self) -> bool {
        self.pages.as_ref().is_some_and(Pages::is_looking_back)
    }

    /// Whether there is a page before the one on the screen.
    pub fn can_look_back(&self) -> bool {
        self.pages.as_ref().is_some_and(Pages::has_before)
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

    /// Waits for a key, with this bar below the page, if anyone is there to press one. `q` and Ctrl-D are [`Error::Quit`]. What is shown next
    /// is on a new page.
    pub fn press(&mut self, bar: &Bar) -> Result<Key> {
        if !self.interactive {
            return Ok(Key::On);
        }
        self.out.flush()?;
        let key = if self.erases { self.key(bar)? } else { self.line_as_key(bar)? };
        self.pages.iter_mut().for_each(Pages::turn);
        if matches!(key, Key::End | Key::Letter('q')) {
            self.set_aside();
            return Err(Error::Quit);
        }
        Ok(key)
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

    fn key(&mut self, bar: &Bar) -> Result<Key> {
        let window = || terminal_size::terminal_size_of(io::stdout());
        let look = || (window(), signals::times_resumed());
        // Whoever sees the bar may change the window at once.
        let mut seen = look();
        // What was typed before cannot be the answer, and is discarded: so the bar comes after it.
        let _raw_mode = keys::raw_mode()?;
        let mut drawn = self.draw_bar(bar)?;
        loop {
            let typed = keys::typed(LOOK_AGAIN)?;
            // A key that comes together with others was not meant for what comes next.
            let key = typed.and_then(|typed| keys::parse(&typed).first().copied());
            if look() != seen {
                seen = look();
                drop(drawn);
                self.refresh_size();
                self.redraw()?;
                drawn = self.draw_bar(bar)?;
            }
            if let Some(key) = key {
                return Ok(key);
            }
        }
    }

    /// Draws the screen anew, with as much of what was shown as it has room for.
    fn redraw(&mut self) -> Result<()> {
        let (height, width) = (self.page_height(), self.width);
        let rows = self.pages.as_ref().map(|pages| pages.last_rows(height)).unwrap_or_default();
        let wrapped: Vec<Row> = rows.into_iter().flat_map(|row| row.wrap(width)).collect();
        write!(self.out, "{CLEAR}")?;
        let first = wrapped.len().saturating_sub(height);
        wrapped[first..].iter().try_for_each(|row| self.write_row(row))
    }

    /// A line as a key, where the bar cannot be erased: an empty one is Enter.
    fn line_as_key(&mut self, bar: &Bar) -> Result<Key> {
        let Answer::Line(typed) = self.ask(&self.bar_as_prompt(bar))? else { return Ok(Key::On) };
        let key = keys::parse(typed.as_bytes()).first().copied();
        Ok(key.filter(|_| !typed.is_empty()).unwrap_or(Key::On))
    }

    /// Asks, and waits for a line, if anyone is there. `q` and Ctrl-D are [`Error::Quit`].
    pub fn ask(&mut self, prompt: &str) -> Result<Answer> {
        if !self.interactive {
            return Ok(Answer::NotInteractive);
        }
        self.discard_typeahead();
        let prompt = if self.ascii { to_ascii(prompt) } else { prompt.to_owned() };
        self.out.flush()?;
        let shown = colored_text(&prompt, Ink::Code).to_string();
        // It is shown again when the program has been stopped and goes on.
        let asking = signals::at_terminal(
            move || {
                let mut stdout = io::stdout();
                write!(stdout, "{shown}").and_then(|()| stdout.flush())
            },
            || (),
        )?;
        self.pages.iter_mut().for_each(Pages::turn);
        let typed = read_line()?;
        drop(asking);
        if typed.is_empty() {
            // Ctrl-D means `q`; the prompt's row has no newline yet.
            self.row_at_once(&Row::new())?;
            return Err(Error::Quit);
        }
        self.refresh_size();
        let echoed = String::from_utf8_lossy(&typed).trim_end_matches(['\n', '\r']).to_owned();
        let typed: String = echoed.trim().chars().map(half_width).collect();
        if self.erases && typed.is_empty() {
            // Remove the prompt: cursor up and erase line (ECMA-48), for each row that it took.
            let columns = terminal_size::terminal_size_of(io::stdout())
                .map_or(self.width, |(width, _)| usize::from(width.0));
            let rows = rows_of(&format!("{prompt}{echoed}"), columns);
            write!(self.out, "{}", "\x1b[1A\x1b[2K".repeat(rows))?;
        }
        if typed.eq_ignore_ascii_case("q") { Err(Error::Quit) } else { Ok(Answer::Line(typed)) }
    }

    /// Whether a picture can replace another one on the screen.
    pub fn erases(&self) -> bool {
        self.erases && self.height.is_some()
    }

    /// Switches to the alternate screen; dropping the guard, or a signal, switches back.
    pub fn alternate_screen(&mut self) -> io::Result<Cleanup> {
        self.out.flush()?;
        // From the background the switch could not be undone while the program is stopped.
        signals::until_foreground()?;
        let write = |sequence: &str| {
            let mut stdout = io::stdout();
            write!(stdout, "{sequence}").and_then(|()| stdout.flush())
        };
        signals::at_terminal(
            move || write(ALTERNATE_SCREEN_ON),
            move || drop(write(ALTERNATE_SCREEN_OFF)),
        )
    }

    /// Replaces the content of the screen.
    pub fn whole_screen(&mut self, picture: &Picture) -> Result<()> {
        write!(self.out, "\x1b[H")?;
        for (index, row) in picture.0.iter().enumerate() {
            let text = render(row, self.ascii);
            // No newline after the last row: it would scroll.
            write!(
                self.out,
                "{}{}\x1b[K",
                if index > 0 { "\n" } else { "" },
                text.trim_end_matches('\n')
            )?;
        }
        write!(self.out, "\x1b[J")?;
        Ok(self.out.flush()?)
    }

    /// Measures the window again: columns and rows for [`Terminal::whole_screen`].
    pub fn screen_size(&mut self) -> (usize, usize) {
        let window =
            terminal_size::terminal_size_of(io::stdout()).map(|(width, _)| usize::from(width.0));
        if self.interactive {
            self.refresh_size();
        }
        let width = window
            .filter(|_| self.interactive && !self.fixed_width)
            .map_or(self.width, |width| width.max(MIN_WIDTH));
        (width, self.height.unwrap_or(DEFAULT_HEIGHT))
    }

    /// Takes over the window's size, which may have changed during a question.
    fn refresh_size(&mut self) {
        let Some((width, height)) = terminal_size::terminal_size_of(io::stdout()) else {
            return;
        };
        if !self.fixed_width {
            self.width = columns(usize::from(width.0), self.big).max(MIN_WIDTH);
        }
        self.height = Some(usize::from(height.0)).filter(|height| *height > 4).or(self.height);
    }

    /// Discards input typed before the question: it cannot be the answer.
    fn discard_typeahead(&self) {
        if self.interactive {
            let _ = signals::discard_typed();
        }
    }
}

/// A line from standard input with its end; none at the end of input.
fn read_line() -> io::Result<Vec<u8>> {
    let mut typed = Vec::new();
    loop {
        signals::until_foreground()?;
        let before = signals::times_resumed();
        match io::stdin().lock().read_until(b'\n', &mut typed) {
            // It was read in the background, if only for a moment.
            Err(_) if !signals::is_foreground() || signals::times_resumed() != before => {}
            read => return read.map(|_| typed),
        }
    }
}

/// How many of the window's columns to use: all, or half for a projector, but at least [`MIN_BIG_WIDTH`] if there are as many.
fn columns(window: usize, big: bool) -> usize {
    if big { (window / 2).max(MIN_BIG_WIDTH.min(window)) } else { window }
}

/// How many rows of a terminal a text takes: a wide character does not fit in one last column.
fn rows_of(text: &str, columns: usize) -> usize {
    let (mut rows, mut column) = (1, 0);
    for width in text.chars().filter_map(unicode_width::UnicodeWidthChar::width) {
        if column + width > columns {
            rows += 1;
            column = 0;
        }
        column += width;
    }
    rows
}

/// Whether to use colours, by NO_COLOR, CLICOLOR_FORCE, CLICOLOR and TERM (no-color.org, bixense.com/clicolors).
pub fn wants_color(at_terminal: bool) -> bool {
    let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    wants_color_with(at_terminal && !is_dumb, |name| {
        std::env::var_os(name).filter(|value| !value.is_empty()).map(|value| value != "0")
    })
}

/// The same, by variables that are set: whether the value is another than 0.
fn wants_color_with(at_terminal: bool, variable: impl Fn(&str) -> Option<bool>) -> bool {
    let asked = at_terminal && variable("CLICOLOR") != Some(false);
    variable("NO_COLOR").is_none() && (variable("CLICOLOR_FORCE") == Some(true) || asked)
}

/// A row as text for a terminal, with its newline; for the chat, whose screen is not a [`Terminal`].
pub fn render(row: &Row, ascii: bool) -> String {
    let texts = row.0.iter().map(|span| {
        let text = safe(&span.text);
        let text = if ascii { to_ascii(&text).into() } else { text };
        colored_text(&text, span.ink).to_string()
    });
    texts.chain(["\n".to_owned()]).collect()
}

/// Replaces each character of our pictures by an ASCII one; others (a learner's 你好) stay. A relation uses the space after it,
/// so that `≥` becomes `>=` and the columns stay aligned.
fn to_ascii(text: &str) -> String {
    let text = text.replace("≥ ", ">=").replace("≤ ", "<=").replace("≠ ", "!=");
    text.chars()
        .map(|character| match character {
            // A call that waits stands out from the line beside it.
            '┃' => '#',
            '│' | '║' | '╎' | '┆' | '┇' | '┊' | '┋' | '╏' | '▏' | '▎' | '▍' => {
                '|'
            }
            '─' | '━' | '┄' | '┅' | '┈' | '┉' | '–' | '—' | '‐' | '‑' | '−' | '╴' | '╶' => {
                '-'
            }
            // A broken line is not what a whole one is.
            '╌' | '╍' => '~',
            '═' | '▀' | '▔' => '=',
            '┌'..='╋' | '╒'..='╬' => '+',
            '▶' | '→' | '›' | '▷' => '>',
            '◀' | '←' | '‹' | '◁' => '<',
            '▲' | '↑' | '△' => '^',
            '▼' | '↓' | '▽' => 'v',
            '↔' => '=',
            '◆' => '@',
            '␣' => '_',
            '█' | '▓' | '■' | '▌' | '▋' | '▊' | '▉' | '▐' => '#',
            '▒' | '▪' => '%',
            '░' | '▁'..='▇' => ':',
            '●' | '✓' | '•' => '*',
            '○' | '◌' => 'o',
            '✗' | '×' | '✘' => 'x',
            '…' | '·' => '.',
            'µ' | 'μ' => 'u',
            '≥' => '>',
            '≤' => '<',
            '≠' => '!',
            '≈' => '~',
            '‘' | '’' => '\'',
            '“' | '”' => '"',
            '\u{a0}' => ' ',
            other => other,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_go_by_the_variables_of_other_programs() {
        for (set, at_terminal, elsewhere) in [
            (&[][..], true, false),
            (&["CLICOLOR=1"], true, false),
            (&["CLICOLOR=0"], false, false),
            (&["CLICOLOR=0", "CLICOLOR_FORCE=1"], true, true),
            (&["CLICOLOR_FORCE=0"], true, false),
            (&["NO_COLOR=0"], false, false),
            (&["NO_COLOR=1", "CLICOLOR_FORCE=1"], false, false),
        ] {
            let value = |name: &str| {
                set.iter()
                    .find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
                    .map(|it| it != "0")
            };
            assert_eq!(
                [true, false].map(|at| wants_color_with(at, value)),
                [at_terminal, elsewhere],
                "{set:?}"
            );
        }
    }

    #[test]
    fn a_prompt_takes_as_many_rows_as_its_wide_characters_need() {
        assert_eq!(rows_of("", 10), 1);
        assert_eq!(rows_of("0123456789", 10), 1);
        assert_eq!(rows_of("0123456789a", 10), 2);
        assert_eq!(rows_of("你好也啊你", 10), 1);
        assert_eq!(rows_of("a你好也啊你", 10), 2);
        assert_eq!(rows_of("你好也，好也啊你好也（q 啊你） ", 16), 2);
    }
}
