//! The terminal: its size and colours, input from it, and the output of pictures and prose.
//!
//! All output for people goes through [`Terminal`]; a closed pipe is an error, not a panic.

use std::collections::VecDeque;
use std::io::{self, IsTerminal, Write};

use thiserror::Error;

mod asking;
mod bar;
mod block;
mod commands;
pub mod keys;
pub mod line;
mod pages;
mod paging;
mod palette;
mod piece;
pub mod progress_line;
mod prose;
mod rendering;
mod writing;

pub use bar::Bar;
pub use block::Place;
pub use palette::wants_color;
pub use rendering::render;

use block::Block;
use pages::Pages;
use piece::Piece;

use crate::picture::Picture;
use crate::signals::{self, Cleanup};

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
    /// What the window was when the page on it was drawn.
    drawn_in: Window,
    /// What is to be shown page by page, if the terminal is interactive.
    pages: Option<Pages>,
    /// What will be shown together, while it is gathered.
    gathered: Option<Vec<Piece>>,
    /// The rows, if they are collected instead of shown.
    kept: Option<Picture>,
}

/// A window: its size, and how often the program has been resumed, which leaves nothing of what was in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Window {
    size: Option<(u16, u16)>,
    times_resumed: u64,
}

impl Window {
    fn now() -> Window {
        let size = terminal_size::terminal_size_of(io::stdout());
        let size = size.map(|(width, height)| (width.0, height.0));
        Window { size, times_resumed: signals::times_resumed() }
    }
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

/// The smallest width that anything is drawn for.
pub const MIN_WIDTH: usize = 20;
/// The smallest width with [`Look::big`].
const MIN_BIG_WIDTH: usize = 40;
/// The width where the system does not tell.
const DEFAULT_WIDTH: usize = 80;
/// The height where the system does not tell.
const DEFAULT_HEIGHT: usize = 24;

/// True if TERM names a terminal that can erase a line.
fn can_erase() -> bool {
    std::env::var_os("TERM").is_some_and(|term| term != "dumb")
}

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
            erases: interactive && can_erase(),
            height,
            drawn_in: Window::now(),
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
            drawn_in: Window { size: None, times_resumed: 0 },
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
        self.refresh_size();
        let follows = self.interactive && !self.fixed_width;
        let width = if follows { self.window_width().max(MIN_WIDTH) } else { self.width };
        (width, self.height.unwrap_or(DEFAULT_HEIGHT))
    }

    /// The columns of the window, however many of them are used; those that are, where the system does not tell.
    fn window_width(&self) -> usize {
        let window = terminal_size::terminal_size_of(io::stdout());
        window.map_or(self.width, |(width, _)| usize::from(width.0))
    }

    /// Takes over the window's size, which may have changed during a question or a run.
    pub fn refresh_size(&mut self) {
        let window = terminal_size::terminal_size_of(io::stdout()).filter(|_| self.interactive);
        let Some((width, height)) = window else { return };
        if !self.fixed_width {
            self.width = columns(usize::from(width.0), self.big).max(MIN_WIDTH);
        }
        self.height = Some(usize::from(height.0)).filter(|height| *height > 4).or(self.height);
    }
}

/// How many of the window's columns to use: all, or half for a projector, but at least [`MIN_BIG_WIDTH`] if there are as many.
fn columns(window: usize, big: bool) -> usize {
    if big { (window / 2).max(MIN_BIG_WIDTH.min(window)) } else { window }
}
