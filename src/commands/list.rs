//! `list`: the lessons, one per line or as JSON.

use std::io;

use super::{Failure, Session};
use crate::cli;
use crate::lesson;
use crate::picture::{Ink, Row};
use crate::progress::Progress;

/// The column at which titles start.
pub(super) const TITLE_AT: usize = 20;

/// Lists the lessons, without the learner's progress.
pub fn run(args: &cli::List, session: &mut Session) -> Result<(), Failure> {
    if args.json {
        let text = serde_json::to_string_pretty(&json()?).map_err(io::Error::from)?;
        session.terminal.verbatim(&text)?;
    } else {
        lessons(session, &Progress::default())?;
    }
    Ok(session.terminal.flush()?)
}

fn json() -> Result<Vec<serde_json::Value>, Failure> {
    let lessons = lesson::lessons()?;
    let json = lessons.iter().map(|lesson| {
        let experiments: Vec<_> = lesson.shows().map(|show| show.experiment.name).collect();
        serde_json::json!({
            "number": lesson.number,
            "slug": lesson.slug,
            "title": lesson.title,
            "experiments": experiments,
        })
    });
    Ok(json.collect())
}

/// Shows the lessons and the learner's progress in each.
pub(super) fn lessons(session: &mut Session, progress: &Progress) -> Result<(), Failure> {
    let terminal = &mut session.terminal;
    for lesson in lesson::contents() {
        let mut row = row_start(lesson.number, lesson.slug, progress);
        if terminal.width() < TITLE_AT + 20 {
            terminal.row(&row)?;
            terminal.wrapped("      ", lesson.title, Ink::Plain)?;
        } else {
            row.pad_to(TITLE_AT);
            terminal.row(&row.with(lesson.title, Ink::Plain))?;
        }
    }
    Ok(())
}

/// The start of a lesson's row: a mark for finished or begun, its number and its slug.
fn row_start(number: u32, slug: &str, progress: &Progress) -> Row {
    let mut row = Row::new().with(mark(progress, slug), Ink::Good);
    row.push(format!("{number:>3}  "), Ink::Code);
    row.push(slug, Ink::Strong);
    row
}

/// The mark of a lesson that is finished, or begun.
pub(super) fn mark(progress: &Progress, slug: &str) -> &'static str {
    match progress.of(slug) {
        Some(record) if record.finished => "✓",
        Some(record) if record.left_after.is_some() => "…",
        _ => " ",
    }
}
