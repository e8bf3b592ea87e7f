//! What is asked for: a key, or a line.

use std::io::{self, BufRead, Write};
use std::time::Duration;

use super::keys::{self, Key};
use super::pages::Pages;
use super::palette::colored_text;
use super::rendering::to_ascii;
use super::{Answer, Bar, Error, Result, Terminal};
use crate::picture::{Ink, Row};
use crate::signals;
use crate::text::{half_width, rows_of};

/// Clears the screen, with the cursor in its first row (ECMA-48).
const CLEAR: &str = "\x1b[H\x1b[2J";
/// How often it is looked whether the window has another size while a key is waited for.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

impl Terminal {
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
        let typed: String = without_keys(&echoed).trim().chars().map(half_width).collect();
        if self.erases && typed.is_empty() {
            // Remove the prompt: cursor up and erase line (ECMA-48), for each row that it took.
            let rows = rows_of(&format!("{prompt}{echoed}"), self.window_width());
            write!(self.out, "{}", "\x1b[1A\x1b[2K".repeat(rows))?;
        }
        if typed.eq_ignore_ascii_case("q") { Err(Error::Quit) } else { Ok(Answer::Line(typed)) }
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

/// A typed line without what keys have left in it that type nothing: Esc, and sequences such as `ESC [ A` of an arrow (ECMA-48, section 5.4).
fn without_keys(typed: &str) -> String {
    let (mut text, mut characters) = (String::new(), typed.chars().peekable());
    while let Some(character) = characters.next() {
        if character == '\u{1b}' && characters.next_if(|next| "[O".contains(*next)).is_some() {
            characters.by_ref().find(|next| ('@'..='~').contains(next));
        } else if !character.is_control() {
            text.push(character);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::without_keys;

    #[test]
    fn keys_that_type_nothing_leave_nothing() {
        assert_eq!(without_keys("\u{1b}[A1\u{1b}[1;5D000\u{1b}OP\u{1b}"), "1000");
        assert_eq!(without_keys("\u{5b57} [A]\u{7f}\t"), "\u{5b57} [A]");
        assert_eq!(without_keys("\u{1b}["), "");
    }
}
