//! What is said beside the output, on standard error: errors, hints, what was written. It ends no run: if standard error cannot be
//! written nobody is told, and the exit code still says how it went.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};

use crate::text::{safe, wrap};

/// Says this as the program, wrapped at words to the terminal.
pub fn say(text: impl Display) {
    let text = format!("explore: {text}");
    let lines: Vec<_> = text.lines().map(safe).collect();
    say_lines(&lines.join("\n"));
}

/// Says these lines as they are, each wrapped at words to the terminal. They may have colours.
pub fn say_lines(text: &str) {
    let mut stderr = io::stderr().lock();
    let _ = stderr.write_all(wrapped(text, columns()).as_bytes()).and_then(|()| stderr.flush());
}

/// The columns of the terminal; `None` if standard error is none.
fn columns() -> Option<usize> {
    let stderr = io::stderr();
    let size = terminal_size::terminal_size_of(&stderr).filter(|_| stderr.is_terminal());
    size.map(|(width, _)| usize::from(width.0)).filter(|width| *width > 0)
}

fn wrapped(text: &str, columns: Option<usize>) -> String {
    let row = |line: &str| match columns {
        Some(columns) => wrap(line, columns).join("\n") + "\n",
        None => format!("{line}\n"),
    };
    text.lines().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_breaks_at_words_where_there_is_a_terminal() {
        let text = "explore: there is no lesson `famlies`\n\n  --set  one";
        assert_eq!(
            wrapped(text, Some(20)),
            "explore: there is no\nlesson `famlies`\n\n  --set  one\n"
        );
        assert_eq!(wrapped(text, None), format!("{text}\n"));
        let coloured = "\u{1b}[1m\u{1b}[31merror:\u{1b}[0m four words";
        assert_eq!(
            wrapped(coloured, Some(17)),
            "\u{1b}[1m\u{1b}[31merror:\u{1b}[0m four words\n",
            "colours take no room"
        );
    }
}
