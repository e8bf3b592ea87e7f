//! Commands within texts: worded as they are typed here, and laid out so that they can be copied.

use std::borrow::Cow;

use crate::i18n;
use crate::picture::{Ink, Row, code};
use crate::text::wrap_command;

/// What a command of this program ends with, before something else that the shell reads, or another program does.
const ENDS: [&str; 8] = [" -- ", " | ", " > ", " < ", " && ", " ; ", " & ", " # "];

/// A command of this program as a person types it here; anything else as it is.
pub(super) fn as_typed_here(command: &str) -> Cow<'_, str> {
    let Some(words) = command.strip_prefix("explore ").filter(|it| !it.contains("--lang")) else {
        return command.into();
    };
    let is_open = |at: usize| words[..at].matches(['\'', '"']).count() % 2 == 1;
    let ends = ENDS.iter().flat_map(|end| words.match_indices(end)).map(|(at, _)| at);
    let (words, rest) =
        words.split_at(ends.filter(|at| !is_open(*at)).min().unwrap_or(words.len()));
    let typed = i18n::command(words) + rest;
    if typed == command { command.into() } else { typed.into() }
}

/// Lines that are typed in a shell, in rows of this width. A line that is no command of this program's is one at all only if all of them are.
pub(super) fn laid_out(lines: &str, all_are: bool, width: usize) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut lines = lines.lines();
    while let Some(first) = lines.next() {
        let mut as_written = vec![first];
        while as_written.last().is_some_and(|it| it.ends_with('\\'))
            && let Some(next) = lines.next()
        {
            as_written.push(next);
        }
        rows.extend(one(&as_written, all_are, width));
    }
    rows
}

/// A command that was written in these lines.
fn one(as_written: &[&str], is_command: bool, width: usize) -> Vec<Row> {
    let parts = as_written.iter().enumerate().map(|(index, line)| {
        let line = if index == 0 { line } else { line.trim_start() };
        if index + 1 < as_written.len() { line.trim_end_matches('\\').trim_end() } else { line }
    });
    let whole = parts.collect::<Vec<_>>().join(" ");
    let typed = as_typed_here(&whole);
    let in_ink = |line: &str| Row::new().with(line, Ink::Code);
    if typed == whole {
        let rows: Vec<Row> = as_written.iter().map(|line| in_ink(line)).collect();
        if rows.iter().all(|row| row.width() <= width) {
            return rows;
        }
    }
    let is_command = (is_command || whole.starts_with("explore ")) && !whole.starts_with('#');
    match is_command.then(|| wrap_command(&typed, width)).flatten() {
        Some(lines) => lines.iter().map(|line| in_ink(line)).collect(),
        None => code::wrapped(&in_ink(&typed), width),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::i18n::{Language, command, speaking};

    fn texts(lines: &str, width: usize) -> Vec<String> {
        laid_out(lines, true, width).iter().map(Row::text).collect()
    }

    #[test]
    fn a_command_in_several_lines_can_be_copied_at_every_width() {
        let written = "strace --for 5s server='python3 program.py server' \\\n    client='python3 program.py client'\n";
        assert_eq!(texts(written, 80), written.lines().collect::<Vec<_>>(), "as it was written");
        let narrow = texts(written, 36);
        assert_eq!(
            narrow,
            [
                "strace --for 5s \\",
                "server='python3 program.py server' \\",
                "client='python3 program.py client'"
            ]
        );
        for width in 36..80 {
            let copied = texts(written, width).join("\n");
            let copied: Vec<_> = copied.split_whitespace().filter(|word| *word != "\\").collect();
            let words = written.split_whitespace().filter(|word| *word != "\\");
            assert_eq!(copied, words.collect::<Vec<_>>(), "at {width}");
        }
    }

    #[test]
    fn a_command_of_this_program_is_worded_as_a_hint_is() {
        let other = Language::all().find(|it| *it != Language::of_environment());
        let Some(language) = other else { return };
        speaking(language, || {
            let lang = format!("--lang {}", language.tag());
            for (text, words, rest) in [
                ("explore why 16", "why 16", ""),
                ("explore lesson 1 --program c > a.c", "lesson 1 --program c", " > a.c"),
                ("explore trace -- python3 a.py", "trace", " -- python3 a.py"),
                ("explore trace 'a -- b'", "trace 'a -- b'", ""),
            ] {
                let typed = as_typed_here(text);
                assert_eq!(typed, command(words) + rest);
                assert!(typed.contains(&format!("{words} {lang}")), "{typed}");
                assert_eq!(as_typed_here(&typed), typed, "once is enough");
            }
            for other in ["explore", "python3 a.py", "explorer x"] {
                assert_eq!(as_typed_here(other), other);
            }
        });
    }
}
