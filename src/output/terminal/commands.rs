//! Commands within texts, laid out so that they can be copied.

use crate::picture::{Ink, Row, code};
use crate::text::wrap_command;

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
    let in_ink = |line: &str| Row::new().with(line, Ink::Code);
    let rows: Vec<Row> = as_written.iter().map(|line| in_ink(line)).collect();
    if rows.iter().all(|row| row.width() <= width) {
        return rows;
    }
    let is_command = (is_command || whole.starts_with("explore ")) && !whole.starts_with('#');
    match is_command.then(|| wrap_command(&whole, width)).flatten() {
        Some(lines) => lines.iter().map(|line| in_ink(line)).collect(),
        None => code::wrapped(&in_ink(&whole), width),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
