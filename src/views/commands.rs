//! What was asked with a command of the system, and what it answered: what a reader will see who types the same.

use unicode_width::UnicodeWidthStr;

use super::view;
use super::wording::{command_line, safe};
use crate::analysis::Analysis;
use crate::i18n::tr;
use crate::picture::{Ink, Picture, Row, fit};
use crate::text::wrap_code;
use crate::trace::{EventKind, Fact, Label};
use crate::{labels, trace};

/// So many lines of an answer are shown.
const MOST: usize = 12;

view!("commands", |analysis, width, _| draw(analysis, width));
fn draw(analysis: &Analysis, width: usize) -> Picture {
    let mut rows = Vec::new();
    let mut part: Option<&Label> = None;
    for event in analysis.recording.events() {
        match &event.what {
            EventKind::Part { part: begun } => part = Some(begun),
            EventKind::Observed(trace::Observation {
                fact: Fact::CommandOutput { argv, lines },
                ..
            }) => {
                if !rows.is_empty() {
                    rows.push(Row::new());
                }
                if let Some(part) = part.take() {
                    rows.push(Row::new().with(fit(&labels::label(part), width), Ink::Faint));
                }
                answer(argv, lines, width, &mut rows);
            }
            _ => {}
        }
    }
    Picture(rows)
}

/// One command with its answer.
fn answer(argv: &[String], lines: &[String], width: usize, rows: &mut Vec<Row>) {
    let command = format!("$ {}", safe(&command_line(argv)));
    rows.extend(
        wrap_code(&command, width).into_iter().map(|line| Row::new().with(line, Ink::Code)),
    );
    if lines.is_empty() {
        rows.push(
            Row::indented(2).with(fit(tr!("(nothing)"), width.saturating_sub(2)), Ink::Faint),
        );
    }
    for line in lines.iter().take(MOST) {
        let line = safe(&line.replace('\t', "        "));
        let line = fit(&narrowed(&line, width), width);
        rows.push(Row::new().with(line, Ink::Plain));
    }
    if lines.len() > MOST {
        let text = tr!("… {more} more lines", more = lines.len() - MOST);
        rows.push(Row::new().with(fit(&text, width), Ink::Faint));
    }
}

/// The line, with less space between its columns where it would not fit.
fn narrowed(line: &str, width: usize) -> String {
    let line = line.trim_end();
    if line.width() <= width {
        return line.to_owned();
    }
    line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect::<Vec<_>>().join("  ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wide_line_keeps_its_words() {
        let line = "LISTEN    0      5      127.0.0.1:8000      0.0.0.0:*";
        assert_eq!(narrowed(line, 80), line);
        assert_eq!(narrowed(line, 40), "LISTEN  0  5  127.0.0.1:8000  0.0.0.0:*");
    }

    #[test]
    fn a_command_stands_above_its_answer() {
        let argv = ["ss", "-tan", "sport = :8000"].map(str::to_owned);
        let mut rows = Vec::new();
        answer(&argv, &["one".to_owned()], 60, &mut rows);
        answer(&argv, &[], 60, &mut rows);
        let texts: Vec<_> = rows.iter().map(Row::text).collect();
        let asked = "$ ss -tan 'sport = :8000'";
        assert_eq!(texts, [asked, "one", asked, "  (nothing)"]);
    }
}
