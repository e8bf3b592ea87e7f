//! The terminal: its size and colours, input from it, and the output of pictures and prose.
//!
//! All output for people goes through [`Terminal`]; a closed pipe is an error, not a panic.

use std::io::{self, BufRead, IsTerminal, Write};

use thiserror::Error;

use self::palette::colored_text;
use self::prose::Emphasis;
use crate::i18n::tr;
use crate::picture::code::{self, Language};
use crate::picture::{Ink, Picture, Row, inked_again};
use crate::signals::{self, Cleanup};
use crate::text::{half_width, safe, wrap_code};

pub mod keys;
mod palette;
pub mod progress_line;
mod prose;

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
    /// Rows shown since Enter was last pressed.
    rows_shown: usize,
    /// The rows, if they are collected instead of shown.
    kept: Option<Picture>,
}

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

/// The smallest width that anything is drawn for.
pub const MIN_WIDTH: usize = 20;
/// The smallest width with [`Look::big`].
const MIN_BIG_WIDTH: usize = 40;
/// The largest width of prose: longer lines are hard to read.
const MAX_PROSE_WIDTH: usize = 88;
/// The smallest width at which source code has line numbers.
const MIN_GUTTER_WIDTH: usize = 50;
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
            rows_shown: 0,
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
            rows_shown: 0,
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

    /// Shows a row; on a full screen waits for Enter first.
    pub fn row(&mut self, row: &Row) -> Result<()> {
        // Before an empty row there is no need to wait: the next row does.
        if row.width() > 0 && self.height.is_some_and(|height| self.rows_shown + 3 > height) {
            self.ask(tr!("Enter shows more "))?;
        }
        self.row_at_once(row)
    }

    /// Shows a row without waiting for Enter, for live output.
    pub fn row_at_once(&mut self, row: &Row) -> Result<()> {
        self.rows_shown += 1;
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
        let indent = unicode_width::UnicodeWidthStr::width(mark);
        let room = self.prose_width().saturating_sub(indent).max(8);
        for (index, row) in prose::inline(text, ink, room, self.emphasis()).into_iter().enumerate()
        {
            let mut whole =
                if index == 0 { Row::new().with(mark, mark_ink) } else { Row::indented(indent) };
            whole.extend(row);
            self.row(&whole)?;
        }
        Ok(())
    }

    fn emphasis(&self) -> Emphasis {
        if self.has_colours() || self.kept.is_some() { Emphasis::ByInk } else { Emphasis::BySigns }
    }

    /// Shows the source of an experiment with line numbers.
    pub fn code(&mut self, first: u32, lines: &[&str]) -> Result<()> {
        let rows = code::rows(Some(Language::Rust), lines.iter().copied());
        for (number, row) in (first..).zip(rows) {
            let gutter = self.gutter();
            let parts = wrap_code(&row.text(), self.width - gutter);
            for (index, part) in inked_again(row.characters(), &parts).into_iter().enumerate() {
                let number = match (gutter, index) {
                    (0, _) => String::new(),
                    (_, 0) => format!("{number:>4}  "),
                    _ => " ".repeat(gutter),
                };
                let mut whole = Row::new().with(number, Ink::Faint);
                whole.extend(part);
                self.row(&whole)?;
            }
        }
        Ok(())
    }

    /// Shows this text in the place of lines of code.
    pub fn folded(&mut self, text: &str) -> Result<()> {
        self.wrapped(&" ".repeat(self.gutter() + 4), text, Ink::Faint)
    }

    /// The width of the line numbers beside code.
    fn gutter(&self) -> usize {
        if self.width < MIN_GUTTER_WIDTH { 0 } else { 6 }
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

    /// Shows a picture. If it fits on one screen but not below what is there, waits for Enter first. A picture that is higher
    /// than the screen is split at its empty rows, and each part treated as a picture.
    pub fn picture(&mut self, picture: &Picture) -> Result<()> {
        let fits = self.height.is_none_or(|height| picture.0.len() + 2 <= height);
        let empty = |row: &Row| !fits && row.width() == 0;
        picture.0.split_inclusive(empty).try_for_each(|part| self.part(part))
    }

    fn part(&mut self, part: &[Row]) -> Result<()> {
        let rows = part.len();
        if self.height.is_some_and(|height| {
            self.rows_shown > 0 && rows + 2 <= height && self.rows_shown + rows + 2 > height
        }) {
            self.ask(tr!("Enter shows more "))?;
        }
        part.iter().try_for_each(|row| self.row(row))
    }

    /// Shows CommonMark, wrapped.
    pub fn prose(&mut self, markdown: &str) -> Result<()> {
        prose::lay_out(markdown, self.prose_width(), self.emphasis())
            .0
            .iter()
            .try_for_each(|row| self.row(row))
    }

    fn prose_width(&self) -> usize {
        self.width.min(MAX_PROSE_WIDTH)
    }

    pub fn flush(&mut self) -> Result<()> {
        Ok(self.out.flush()?)
    }

    /// Asks, and waits for a line, if anyone is there. `q` and Ctrl-D are [`Error::Quit`].
    pub fn ask(&mut self, prompt: &str) -> Result<Answer> {
        if !self.interactive {
            return Ok(Answer::NotInteractive);
        }
        self.discard_typeahead();
        let prompt = if self.ascii { to_ascii(prompt) } else { prompt.to_owned() };
        write!(self.out, "{}", colored_text(&prompt, Ink::Code))?;
        self.out.flush()?;
        self.rows_shown = 0;
        let mut typed = Vec::new();
        if io::stdin().lock().read_until(b'\n', &mut typed)? == 0 {
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
        self.rows_shown = 0;
        write!(self.out, "{ALTERNATE_SCREEN_ON}")?;
        self.out.flush()?;
        Ok(signals::at_end(|| {
            let mut stdout = io::stdout();
            let _ = write!(stdout, "{ALTERNATE_SCREEN_OFF}").and_then(|()| stdout.flush());
        }))
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
        self.height = Some(usize::from(height.0)).filter(|height| *height > 4);
    }

    /// Discards input typed before the question: it cannot be the answer.
    fn discard_typeahead(&self) {
        #[cfg(unix)]
        if self.interactive {
            let _ = nix::sys::termios::tcflush(io::stdin(), nix::sys::termios::FlushArg::TCIFLUSH);
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
