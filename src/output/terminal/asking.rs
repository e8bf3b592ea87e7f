//! What is asked for: a key, or a line.

use std::io::{self, BufRead, Write};
use std::time::Duration;

use super::keys::{self, Key};
use super::line::{Edited, Line};
use super::pages::{Pages, Room};
use super::palette::colored_text;
use super::rendering::to_ascii;
use super::{Answer, Bar, Error, Result, Terminal, Window};
use crate::picture::{Ink, Row};
use crate::signals;

/// Clears the screen, with the cursor in its first row (ECMA-48).
const CLEAR: &str = "\x1b[H\x1b[2J";
/// How often it is looked whether the window has another size while a key is waited for.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

impl Terminal {
    /// Waits for a key, with this bar below the page, if anyone is there to press one. `q` and Ctrl-D are [`Error::Quit`]. What is shown next
    /// is on a new page. When the window changes the page is laid out again. `None` if then other pages are before it or behind it, so that
    /// the bar is another; but what waited for the page to be turned, and has room now, waits no more.
    pub fn press(&mut self, bar: &Bar) -> Result<Option<Key>> {
        if !self.interactive {
            return Ok(Some(Key::On));
        }
        self.out.flush()?;
        let had_more = self.has_more();
        let key = if self.erases { self.key(bar)? } else { Some(self.line_as_key(bar)?) };
        let Some(key) = key else {
            return Ok((had_more && !self.has_more()).then_some(Key::On));
        };
        self.pages.iter_mut().for_each(Pages::turn);
        if matches!(key, Key::End | Key::Letter('q')) {
            self.set_aside();
            return Err(Error::Quit);
        }
        Ok(Some(key))
    }

    fn key(&mut self, bar: &Bar) -> Result<Option<Key>> {
        // What was typed before cannot be the answer, and is discarded: so the bar comes after it.
        let _raw_mode = keys::raw_mode()?;
        let place = |it: &Terminal| (it.is_looking_back(), it.can_look_back(), it.has_more());
        let before = place(self);
        while place(self) == before {
            let drawn = self.draw_bar(bar)?;
            while self.drawn_in == Window::now() {
                let typed = keys::typed(LOOK_AGAIN)?;
                // A key that comes together with others was not meant for what comes next.
                if let Some(key) = typed.and_then(|typed| keys::parse(&typed).first().copied()) {
                    return Ok(Some(key));
                }
            }
            drop(drawn);
            self.redraw(Pages::lay_out_again)?;
        }
        Ok(None)
    }

    /// Draws the page on the screen anew, laid out so for the window as it is now.
    fn redraw(&mut self, lay_out: fn(&mut Pages, Room) -> Vec<Row>) -> Result<()> {
        self.drawn_in = Window::now();
        self.refresh_size();
        let room = self.room();
        let Some(pages) = &mut self.pages else { return Ok(()) };
        let rows = lay_out(pages, room);
        write!(self.out, "{CLEAR}")?;
        rows.iter().try_for_each(|row| self.write_row(row))
    }

    /// A line as a key, where the bar cannot be erased: an empty one is Enter.
    fn line_as_key(&mut self, bar: &Bar) -> Result<Key> {
        let Answer::Line(typed) = self.ask(&[self.bar_as_prompt(bar)])? else { return Ok(Key::On) };
        let key = keys::parse(typed.as_bytes()).first().copied();
        Ok(key.filter(|_| !typed.is_empty()).unwrap_or(Key::On))
    }

    /// Asks, and waits for a line, if anyone is there. `q` and Ctrl-D are [`Error::Quit`]. Of these wordings the first is taken that leaves
    /// room for the line.
    pub fn ask(&mut self, prompts: &[String]) -> Result<Answer> {
        if !self.interactive {
            return Ok(Answer::NotInteractive);
        }
        let typed = if self.erases { self.edit(prompts)? } else { self.read(prompts)? };
        self.pages.iter_mut().for_each(Pages::turn);
        let typed = typed.ok_or(Error::Quit)?.meant();
        if typed.eq_ignore_ascii_case("q") { Err(Error::Quit) } else { Ok(Answer::Line(typed)) }
    }

    /// The line that is typed in the last row, which then stands below the page, if it has anything in it; `None` at the end of input.
    fn edit(&mut self, prompts: &[String]) -> Result<Option<Line>> {
        let _raw_mode = keys::raw_mode()?;
        let mut line = Line::default();
        let mut edited = Edited::Unfinished;
        while edited == Edited::Unfinished {
            let shown = line.shown(prompts, self.window_width().saturating_sub(1));
            let shown = if self.ascii { to_ascii(&shown) } else { shown };
            let drawn = self.draw_last_row(colored_text(&shown, Ink::Code).to_string())?;
            let typed = loop {
                if self.drawn_in != Window::now() {
                    break None;
                }
                if let Some(typed) = keys::typed(LOOK_AGAIN)? {
                    break Some(typed);
                }
            };
            drop(drawn);
            match typed {
                Some(typed) => edited = line.take(&typed, || ()),
                None => self.redraw(Pages::lay_out_end)?,
            }
            if edited == Edited::Cancelled {
                (line, edited) = (Line::default(), Edited::Unfinished);
            }
        }
        if line.meant().is_empty() {
            return Ok(Some(line).filter(|_| edited == Edited::Finished));
        }
        let shown = line.shown(prompts, self.width);
        self.write_row(&Row::new().with(shown.trim_end_matches('▏'), Ink::Code))?;
        Ok(Some(line))
    }

    /// A line that the terminal edits, where nothing can be erased.
    fn read(&mut self, prompts: &[String]) -> Result<Option<Line>> {
        let _ = signals::discard_typed(); // it cannot be the answer
        let prompt = prompts.first().map_or("", String::as_str);
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
        let typed = read_line()?;
        drop(asking);
        self.refresh_size();
        if typed.is_empty() {
            // The prompt's row has no newline yet.
            self.row_at_once(&Row::new())?;
            return Ok(None);
        }
        let mut line = Line::default();
        line.take(&typed, || ());
        Ok(Some(line))
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
