//! The terminal: how wide it is, whether it has colours, what is typed, and how pictures and prose are laid on it.
//!
//! Everything a person reads goes through [`Terminal`]; a closed pipe comes back as an error and is no panic.

use std::io::{self, BufRead, IsTerminal, Write};

use colored::{Color, Colorize};
use thiserror::Error;

use crate::i18n::tr;
use crate::picture::{Ink, Picture, Row};
use crate::signals::{self, Cleanup};
use crate::text::{half_width, safe, wrap_code};

pub mod keys;
mod prose;

/// How output is to look.
#[derive(Clone, Copy, Debug, Default)]
pub struct Look {
    /// Colours: yes, no, or as the terminal says.
    pub color: Option<bool>,
    /// ASCII characters alone.
    pub ascii: bool,
    /// Columns, if the terminal is not to say.
    pub width: Option<u16>,
    /// In half of the columns, so that the letters can be made twice as large.
    pub big: bool,
    /// Ask nothing and wait for nothing.
    pub auto: bool,
}

/// Where a person reads, and perhaps types.
pub struct Terminal {
    out: Box<dyn Write>,
    width: usize,
    /// The width does not follow the terminal's.
    fixed_width: bool,
    big: bool,
    ascii: bool,
    interactive: bool,
    /// Whether the terminal takes the cursor back when it is told to.
    erases: bool,
    /// Rows of the screen, where a person sits before one.
    height: Option<usize>,
    /// Rows shown since a person last pressed Enter.
    shown: usize,
    /// The rows, where they are kept instead of shown.
    kept: Option<Picture>,
}

/// The answer to a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// A line, without its end.
    Line(String),
    /// Nobody is there to be asked.
    NotInteractive,
}

/// Why nothing more is shown.
#[derive(Debug, Error)]
pub enum Error {
    /// The reader asked to leave: with `q` at a question, or Ctrl-D.
    #[error("the reader left")]
    Quit,
    /// The terminal cannot be written or read.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// What showing something comes to.
pub type Result<T> = std::result::Result<T, Error>;

/// Another screen, without a cursor (xterm's control sequences, ctlseqs).
const ALTERNATE_SCREEN_ON: &str = "\x1b[?1049h\x1b[?25l\x1b[2J";
/// The screen that was there before, with its cursor.
const ALTERNATE_SCREEN_OFF: &str = "\x1b[?25h\x1b[?1049l";

/// The narrowest that anything is drawn for.
pub const NARROWEST: usize = 20;
/// Where letters are to be large, pictures still get so many columns.
const LEAST_BIG: usize = 40;
/// Prose is not wider than this: longer lines are hard to read.
const PROSE: usize = 88;
/// Below this, source code has no line numbers: it needs the room.
const NO_GUTTER: usize = 50;
/// What is assumed where nobody says.
const USUAL: usize = 80;
/// The same of rows.
const USUAL_ROWS: usize = 24;

impl Terminal {
    /// Standard output, looked at once: colours and width do not change later.
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
            .unwrap_or_else(|| columns(USUAL, look.big))
            .max(NARROWEST);
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
            shown: 0,
            kept: None,
        }
    }

    /// Shows nothing: for when standard output is taken by a recording.
    pub fn nowhere() -> Terminal {
        Terminal {
            out: Box::new(io::sink()),
            width: USUAL,
            fixed_width: true,
            big: false,
            ascii: false,
            interactive: false,
            erases: false,
            height: None,
            shown: 0,
            kept: None,
        }
    }

    /// Keeps what it is given, in this many columns, for [`Terminal::take_kept`].
    pub fn kept(width: usize) -> Terminal {
        Terminal { width, kept: Some(Picture::default()), ..Terminal::nowhere() }
    }

    /// What a [`Terminal::kept`] was given, as a picture.
    pub fn take_kept(&mut self) -> Picture {
        self.kept.take().unwrap_or_default()
    }

    /// Columns to draw in.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Rows of the screen, where a person sits before one.
    pub fn height(&self) -> Option<usize> {
        self.height
    }

    /// Whether there are colours.
    pub fn has_colours(&self) -> bool {
        colored::control::SHOULD_COLORIZE.should_colorize()
    }

    /// Whether only ASCII characters are drawn.
    pub fn is_ascii(&self) -> bool {
        self.ascii
    }

    /// True if a person is there who can be asked.
    pub fn is_interactive(&self) -> bool {
        self.interactive
    }

    /// One row. If the screen is full of what nobody has had time to read, it waits for Enter first.
    pub fn row(&mut self, row: &Row) -> Result<()> {
        // An empty row can wait for what follows it.
        if row.width() > 0 && self.height.is_some_and(|height| self.shown + 3 > height) {
            self.ask(tr!("Enter shows more "))?;
        }
        self.row_at_once(row)
    }

    /// One row, without waiting for anyone: for what is happening now.
    pub fn row_at_once(&mut self, row: &Row) -> Result<()> {
        self.shown += 1;
        if let Some(kept) = &mut self.kept {
            kept.0.push(row.clone());
            return Ok(());
        }
        for (index, span) in row.0.iter().enumerate() {
            let text = if index + 1 == row.0.len() { span.text.trim_end() } else { &span.text };
            let text = safe(text);
            let text = if self.ascii { to_ascii(&text).into() } else { text };
            write!(self.out, "{}", inked(&text, span.ink))?;
        }
        Ok(writeln!(self.out)?)
    }

    /// One row in one ink.
    pub fn line(&mut self, text: &str, ink: Ink) -> Result<()> {
        self.row(&Row::new().with(text, ink))
    }

    /// A short text in one ink, with `code` in another, wrapped; its lines after the first are indented.
    pub fn wrapped(&mut self, first: &str, text: &str, ink: Ink) -> Result<()> {
        let indent = unicode_width::UnicodeWidthStr::width(first);
        for (index, row) in prose::inline(text, ink, self.measure().saturating_sub(indent).max(8))
            .into_iter()
            .enumerate()
        {
            let head = if index == 0 { first.to_owned() } else { " ".repeat(indent) };
            let mut whole = Row::new().with(head, ink);
            row.0.into_iter().for_each(|span| whole.push(span.text, span.ink));
            self.row(&whole)?;
        }
        Ok(())
    }

    /// Source code with the numbers of its lines; comments are fainter.
    pub fn code(&mut self, first: u32, lines: &[&str]) -> Result<()> {
        for (number, line) in (first..).zip(lines) {
            let ink = if line.trim_start().starts_with("//") { Ink::Faint } else { Ink::Plain };
            let gutter = if self.width < NO_GUTTER { 0 } else { 6 };
            for (index, part) in wrap_code(line, self.width - gutter).iter().enumerate() {
                let number = match (gutter, index) {
                    (0, _) => String::new(),
                    (_, 0) => format!("{number:>4}  "),
                    _ => " ".repeat(gutter),
                };
                self.row(&Row::new().with(number, Ink::Faint).with(part.as_str(), ink))?;
            }
        }
        Ok(())
    }

    /// Text for programs to read, as it is.
    pub fn verbatim(&mut self, text: &str) -> Result<()> {
        Ok(writeln!(self.out, "{text}")?)
    }

    /// An empty line.
    pub fn blank(&mut self) -> Result<()> {
        self.row(&Row::new())
    }

    /// A picture, on a new screen if it fits on one and not below what is there. One that fits on none is shown in the parts
    /// that stand between its empty rows, each like a picture of its own.
    pub fn picture(&mut self, picture: &Picture) -> Result<()> {
        let fits = self.height.is_none_or(|height| picture.0.len() + 2 <= height);
        let empty = |row: &Row| !fits && row.width() == 0;
        picture.0.split_inclusive(empty).try_for_each(|part| self.part(part))
    }

    fn part(&mut self, part: &[Row]) -> Result<()> {
        let rows = part.len();
        if self.height.is_some_and(|height| {
            self.shown > 0 && rows + 2 <= height && self.shown + rows + 2 > height
        }) {
            self.ask(tr!("Enter shows more "))?;
        }
        part.iter().try_for_each(|row| self.row(row))
    }

    /// CommonMark, laid out and wrapped.
    pub fn prose(&mut self, markdown: &str) -> Result<()> {
        prose::lay_out(markdown, self.measure()).0.iter().try_for_each(|row| self.row(row))
    }

    /// Columns for prose.
    fn measure(&self) -> usize {
        self.width.min(PROSE)
    }

    /// Sees to it that all is shown that was written.
    pub fn flush(&mut self) -> Result<()> {
        Ok(self.out.flush()?)
    }

    /// Asks, and waits for a line, if anyone is there. `q` and Ctrl-D are [`Error::Quit`].
    pub fn ask(&mut self, prompt: &str) -> Result<Answer> {
        if !self.interactive {
            return Ok(Answer::NotInteractive);
        }
        self.forget_what_was_typed();
        let prompt = if self.ascii { to_ascii(prompt) } else { prompt.to_owned() };
        write!(self.out, "{}", inked(&prompt, Ink::Warn))?;
        self.out.flush()?;
        self.shown = 0;
        let mut typed = Vec::new();
        if io::stdin().lock().read_until(b'\n', &mut typed)? == 0 {
            // Ctrl-D, the end of what a person says: as `q`, on a row of its own.
            self.row_at_once(&Row::new())?;
            return Err(Error::Quit);
        }
        self.measure_again();
        let echoed = String::from_utf8_lossy(&typed).trim_end_matches(['\n', '\r']).to_owned();
        let typed: String = echoed.trim().chars().map(half_width).collect();
        if self.erases && typed.is_empty() {
            // The prompt has served: cursor up, line away (ECMA-48), for each row that it took.
            let columns = terminal_size::terminal_size_of(io::stdout())
                .map_or(self.width, |(width, _)| usize::from(width.0));
            let rows = rows_of(&format!("{prompt}{echoed}"), columns);
            write!(self.out, "{}", "\x1b[1A\x1b[2K".repeat(rows))?;
        }
        if typed.eq_ignore_ascii_case("q") { Err(Error::Quit) } else { Ok(Answer::Line(typed)) }
    }

    /// Whether one picture can be shown in the place of another.
    pub fn erases(&self) -> bool {
        self.erases && self.height.is_some()
    }

    /// Switches to a screen of its own; dropping the guard gives back the one that was there, and so does a signal.
    pub fn alternate_screen(&mut self) -> io::Result<Cleanup> {
        self.shown = 0;
        write!(self.out, "{ALTERNATE_SCREEN_ON}")?;
        self.out.flush()?;
        Ok(signals::at_end(|| {
            let mut stdout = io::stdout();
            let _ = write!(stdout, "{ALTERNATE_SCREEN_OFF}").and_then(|()| stdout.flush());
        }))
    }

    /// This picture, in the place of what is on the screen.
    pub fn whole_screen(&mut self, picture: &Picture) -> Result<()> {
        write!(self.out, "\x1b[H")?;
        for (index, row) in picture.0.iter().enumerate() {
            let text = shown(row, self.ascii);
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

    /// Columns and rows for a [`Terminal::whole_screen`] at this moment: all that the window has, for it is measured at each.
    /// What is drawn next is drawn for the window as it is now.
    pub fn measure_now(&mut self) -> (usize, usize) {
        let window =
            terminal_size::terminal_size_of(io::stdout()).map(|(width, _)| usize::from(width.0));
        if self.interactive {
            self.measure_again();
        }
        let width = window
            .filter(|_| self.interactive && !self.fixed_width)
            .map_or(self.width, |width| width.max(NARROWEST));
        (width, self.height.unwrap_or(USUAL_ROWS))
    }

    /// A window may have been resized while its reader thought.
    fn measure_again(&mut self) {
        let Some((width, height)) = terminal_size::terminal_size_of(io::stdout()) else {
            return;
        };
        if !self.fixed_width {
            self.width = columns(usize::from(width.0), self.big).max(NARROWEST);
        }
        self.height = Some(usize::from(height.0)).filter(|height| *height > 4);
    }

    /// Forgets what was typed before it was asked for: it cannot be the answer.
    fn forget_what_was_typed(&self) {
        #[cfg(unix)]
        if self.interactive {
            let _ = nix::sys::termios::tcflush(io::stdin(), nix::sys::termios::FlushArg::TCIFLUSH);
        }
    }
}

/// How many of the window's columns are drawn in: all, or for a projector half, but no fewer than [`LEAST_BIG`] that there are.
fn columns(window: usize, big: bool) -> usize {
    if big { (window / 2).max(LEAST_BIG.min(window)) } else { window }
}

/// The rows of a terminal that this text takes: a wide character that has one column left begins a new row.
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

/// What the environment says of colours: NO_COLOR, CLICOLOR_FORCE, TERM (no-color.org, bixense.com/clicolors).
fn wants_color(at_terminal: bool) -> bool {
    let set =
        |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty() && value != "0");
    let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    !no_color && (set("CLICOLOR_FORCE") || (at_terminal && !dumb))
}

fn inked(text: &str, ink: Ink) -> colored::ColoredString {
    const OF: [Color; 6] =
        [Color::Cyan, Color::Magenta, Color::Yellow, Color::Blue, Color::Green, Color::BrightRed];
    match ink {
        Ink::Plain => text.normal(),
        Ink::Faint => text.dimmed(),
        Ink::Strong => text.bold(),
        Ink::Good => text.green().bold(),
        Ink::Bad => text.red().bold(),
        Ink::Warn => text.yellow(),
        Ink::Of(which) => text.color(OF[which % OF.len()]),
    }
}

/// One row as a terminal shows it, with its newline: for whoever has the screen instead of a [`Terminal`].
pub fn shown(row: &Row, ascii: bool) -> String {
    let texts = row.0.iter().map(|span| {
        let text = safe(&span.text);
        let text = if ascii { to_ascii(&text).into() } else { text };
        inked(&text, span.ink).to_string()
    });
    texts.chain(["\n".to_owned()]).collect()
}

/// Each character of our pictures as one ASCII character; what is not ours (a learner's 你好) stays as it is. A relation takes
/// the space after it, so that every column stays in its place and `≥` does not become `>`.
fn to_ascii(text: &str) -> String {
    let text = text.replace("≥ ", ">=").replace("≤ ", "<=").replace("≠ ", "!=");
    text.chars()
        .map(|character| match character {
            // A call that waits stands out from the line beside it.
            '┃' => '#',
            '│' | '║' | '╎' | '┆' | '┇' | '┊' | '┋' | '╏' | '▏' | '▎' | '▍' => {
                '|'
            }
            '─' | '━' | '╌' | '┄' | '┅' | '┈' | '┉' | '╍' | '–' | '—' | '‐' | '‑' | '−' | '╴'
            | '╶' => '-',
            '═' | '▀' | '▔' => '=',
            '┌'..='╋' | '╒'..='╬' => '+',
            '▶' | '→' | '›' | '▷' => '>',
            '◀' | '←' | '‹' | '◁' => '<',
            '▲' | '↑' | '△' => '^',
            '▼' | '↓' | '▽' => 'v',
            '↔' => '=',
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
    fn a_prompt_takes_as_many_rows_as_its_wide_characters_need() {
        assert_eq!(rows_of("", 10), 1);
        assert_eq!(rows_of("0123456789", 10), 1);
        assert_eq!(rows_of("0123456789a", 10), 2);
        assert_eq!(rows_of("你好也啊你", 10), 1);
        assert_eq!(rows_of("a你好也啊你", 10), 2);
        assert_eq!(rows_of("你好也，好也啊你好也（q 啊你） ", 16), 2);
    }
}
