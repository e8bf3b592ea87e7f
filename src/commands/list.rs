//! `list`: the lessons and the exercises, one per line, or the lessons as JSON.

use std::io;

use super::progress::saved;
use super::{Failure, Session};
use crate::cli;
use crate::i18n::tr;
use crate::lesson;
use crate::output::terminal::Terminal;
use crate::picture::{Ink, Row, paragraph};
use crate::progress::Progress;

/// The column at which titles start, if they have so many.
const TITLE_AT: usize = 20;
const LEAST_TITLE: usize = 30;

/// Lists the lessons and the exercises, with the learner's progress.
pub fn run(args: &cli::List, session: &mut Session) -> Result<(), Failure> {
    if args.json {
        let text = serde_json::to_string_pretty(&json()?).map_err(io::Error::from)?;
        session.terminal.verbatim(&text)?;
    } else {
        let progress = saved();
        lessons(session, &progress)?;
        session.terminal.blank()?;
        session.terminal.wrapped("", tr!("Exercises"), Ink::Strong)?;
        exercises(session, &progress)?;
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
    let lessons = lesson::contents();
    for lesson in &lessons {
        let (mark, number) = (mark(progress, lesson.slug), lesson.number.to_string());
        entry(&mut session.terminal, mark, &number, lesson.slug, lesson.title)?;
    }
    if lessons.iter().any(|lesson| progress.is_open(lesson.slug)) {
        session.terminal.wrapped("… ", tr!("begun, and not finished yet"), Ink::Faint)?;
    }
    Ok(())
}

/// Shows the exercises, and which of them are done.
pub(super) fn exercises(session: &mut Session, progress: &Progress) -> Result<(), Failure> {
    for exercise in lesson::exercises()? {
        let mark = if progress.has_done(exercise.slug) { "✓" } else { " " };
        let number = exercise.number.map(|number| number.to_string()).unwrap_or_default();
        entry(&mut session.terminal, mark, &number, exercise.slug, &exercise.title)?;
    }
    Ok(())
}

/// A row of the list: a mark, a number, a slug and a title, which stands below them in a narrow terminal.
fn entry(
    terminal: &mut Terminal,
    mark: &str,
    number: &str,
    slug: &str,
    title: &str,
) -> Result<(), Failure> {
    let mut row = Row::new().with(mark, Ink::Good);
    row.push(format!("{number:>3}  "), Ink::Code);
    row.push(slug, Ink::Strong);
    if terminal.width() < TITLE_AT + LEAST_TITLE {
        terminal.row(&row)?;
        return Ok(terminal.wrapped("      ", title, Ink::Plain)?);
    }
    for line in paragraph(title, terminal.width() - TITLE_AT, Ink::Plain) {
        row.pad_to(TITLE_AT);
        row.extend(line);
        terminal.row(&std::mem::take(&mut row))?;
    }
    Ok(())
}

/// The mark of a lesson that is finished, or begun.
pub(super) fn mark(progress: &Progress, slug: &str) -> &'static str {
    match progress.of(slug) {
        Some(record) if record.finished => "✓",
        Some(_) if progress.is_open(slug) => "…",
        _ => " ",
    }
}
