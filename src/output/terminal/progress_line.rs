//! A line that says how long something has been running: rewritten in place, and erased before anything else is written.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use super::Terminal;
use super::rendering::to_ascii;
use crate::i18n::tr;
use crate::picture::fit;
use crate::signals::{self, Cleanup};

/// What is over sooner than this needs no line.
const APPEARS_AFTER: Duration = Duration::from_millis(300);
/// How often it is rewritten: seldom, for what is running may measure time.
const REWRITTEN_AFTER: Duration = Duration::from_millis(200);
/// Erases the cursor's row from its beginning (ECMA-48).
const ERASE: &str = "\r\x1b[K";

/// How far something has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    Unknown,
    /// It took so long before.
    About(Duration),
    /// Of so many pieces, so many are done.
    Pieces {
        done: usize,
        all: usize,
    },
}

/// The line, at a terminal; elsewhere it is never shown.
pub struct ProgressLine {
    is_seen: bool,
    ascii: bool,
    since: Instant,
    written: Option<Instant>,
    /// Erases it, also if a signal ends the program.
    shown: Option<Cleanup>,
}

impl ProgressLine {
    /// A line for what begins now. It goes to standard error, beside whatever goes to standard output.
    pub fn new(terminal: &Terminal) -> ProgressLine {
        let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
        ProgressLine {
            is_seen: !dumb && io::stderr().is_terminal() && io::stdout().is_terminal(),
            ascii: terminal.is_ascii(),
            since: Instant::now(),
            written: None,
            shown: None,
        }
    }

    /// Writes the line if it is time to; what was written to the terminal before must be flushed.
    pub fn tick(&mut self, length: impl FnOnce() -> Length) {
        let passed = self.since.elapsed();
        let is_fresh = self.written.is_some_and(|at| at.elapsed() < REWRITTEN_AFTER);
        if !self.is_seen || passed < APPEARS_AFTER || is_fresh {
            return;
        }
        self.written = Some(Instant::now());
        let window = terminal_size::terminal_size_of(io::stderr());
        let columns = window.map_or(80, |(width, _)| usize::from(width.0)).saturating_sub(1);
        let text = fit(&words(passed, length(), columns), columns);
        let text = if self.ascii { to_ascii(&text) } else { text };
        write(&format!("{ERASE}{text}"));
        self.shown.get_or_insert_with(|| signals::at_end(|| write(ERASE)));
    }

    /// Removes the line until the next tick.
    pub fn erase(&mut self) {
        self.shown = None;
        self.written = None;
    }
}

fn write(text: &str) {
    let mut stderr = io::stderr();
    let _ = stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush());
}

fn words(passed: Duration, length: Length, columns: usize) -> String {
    let seconds = format!("{:.1}", passed.as_secs_f64());
    match length {
        Length::Unknown => tr!("running … {seconds} s (Ctrl-C stops)", seconds),
        Length::About(length) => {
            let about = rounded(length);
            tr!("running … {seconds} s of about {about} (Ctrl-C stops)", seconds, about)
        }
        Length::Pieces { done, all } => {
            let words = tr!("{done} of {all} · {seconds} s (Ctrl-C stops)", done, all, seconds);
            format!("{} {words}", bar(done, all, columns.saturating_sub(50).clamp(8, 30)))
        }
    }
}

/// Seconds, with a digit behind the point only where it says something.
fn rounded(length: Duration) -> String {
    let seconds = length.as_secs_f64();
    if seconds < 2.95 { format!("{seconds:.1}").replace(".0", "") } else { format!("{seconds:.0}") }
}

/// A bar of so many columns, filled as far as the pieces are done.
fn bar(done: usize, all: usize, columns: usize) -> String {
    let filled = (columns * done.min(all)).checked_div(all).unwrap_or(0);
    "█".repeat(filled) + &"░".repeat(columns - filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_how_long_and_how_far() {
        let after = |ms: u64, length| words(Duration::from_millis(ms), length, 60);
        assert_eq!(after(2_140, Length::Unknown), "running … 2.1 s (Ctrl-C stops)");
        let about = Length::About(Duration::from_millis(3_020));
        assert_eq!(after(2_140, about), "running … 2.1 s of about 3 (Ctrl-C stops)");
        let about = Length::About(Duration::from_millis(640));
        assert_eq!(after(400, about), "running … 0.4 s of about 0.6 (Ctrl-C stops)");
        let pieces = Length::Pieces { done: 3, all: 12 };
        assert_eq!(after(8_000, pieces), "██░░░░░░░░ 3 of 12 · 8.0 s (Ctrl-C stops)");
        assert_eq!(bar(12, 12, 4), "████");
        assert_eq!(bar(0, 0, 4), "░░░░");
    }
}
