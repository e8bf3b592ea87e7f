//! `progress`: shows the learner's progress in each lesson, exports it as JSON, or resets it.

use std::io;

use super::list::{TITLE_AT, row_start};
use super::{Failure, Session};
use crate::cli;
use crate::i18n::tr;
use crate::lesson::{self, Lesson};
use crate::output::terminal::Terminal;
use crate::picture::Ink;
use crate::progress::{self, Progress};

/// Shows the learner's progress, or resets it.
pub fn run(args: &cli::Progress, session: &mut Session) -> Result<(), Failure> {
    let terminal = &mut session.terminal;
    if args.reset {
        reset(terminal)?;
    } else if args.json {
        let report = report(&lesson::lessons()?, &saved());
        terminal.verbatim(&serde_json::to_string_pretty(&report).map_err(io::Error::from)?)?;
    } else {
        show(terminal, &lesson::lessons()?, &saved())?;
    }
    Ok(terminal.flush()?)
}

/// The learner's saved progress. If it cannot be read, a warning is printed once and the progress starts empty.
pub(super) fn saved() -> Progress {
    progress::read().unwrap_or_else(|trouble| {
        eprintln!("explore: {trouble}");
        Progress::default()
    })
}

fn reset(terminal: &mut Terminal) -> Result<(), Failure> {
    let text = match progress::reset().map_err(Failure::Progress)? {
        Some(aside) => tr!(
            "Your progress has been reset. The old record is now {aside}.",
            aside = aside.display()
        ),
        None => tr!("There was no progress to reset.").to_owned(),
    };
    Ok(terminal.wrapped("", &text, Ink::Plain)?)
}

fn show(terminal: &mut Terminal, lessons: &[Lesson], progress: &Progress) -> Result<(), Failure> {
    for lesson in lessons {
        let record = progress.of(&lesson.slug).cloned().unwrap_or_default();
        let state = match (record.finished, &record.left_after) {
            (true, _) => tr!("finished").to_owned(),
            (false, Some(experiment)) => tr!("left after {experiment}", experiment),
            (false, None) => String::new(),
        };
        let mut row = row_start(lesson.number.unwrap_or_default(), &lesson.slug, progress);
        row.pad_to(TITLE_AT);
        if !record.predictions.is_empty() {
            let (right, answered) = (record.right(), record.predictions.len());
            let all = lesson.predictions().count();
            let text =
                tr!("{answered} of {all} predictions made, {right} right", right, answered, all);
            row.push(text, Ink::Plain);
            row.push("  ", Ink::Plain);
        }
        terminal.row(&row.with(state, Ink::Faint))?;
    }
    terminal.blank()?;
    let text = tr!(
        "{finished} of {all} lessons finished. Only the first answer to a prediction counts.",
        finished = finished(lessons, progress),
        all = lessons.len()
    );
    terminal.wrapped("", &text, Ink::Strong)?;
    if let Some(path) = progress::path().filter(|path| path.exists()) {
        let text = tr!("Kept in {path} (--reset starts over)", path = path.display());
        terminal.wrapped("", &text, Ink::Faint)?;
    }
    Ok(())
}

fn finished(lessons: &[Lesson], progress: &Progress) -> usize {
    lessons.iter().filter(|lesson| progress.has(&lesson.slug)).count()
}

fn report(lessons: &[Lesson], progress: &Progress) -> serde_json::Value {
    let each: Vec<_> = lessons
        .iter()
        .map(|lesson| {
            let record = progress.of(&lesson.slug).cloned().unwrap_or_default();
            let answers: Vec<_> = lesson.predictions()
                .map(|(_, show)| show.experiment.name)
                .filter_map(|name| Some(serde_json::json!({ "experiment": name, "right": record.predictions.get(name)? })))
                .collect();
            serde_json::json!({
                "number": lesson.number,
                "slug": lesson.slug,
                "title": lesson.title,
                "finished": record.finished,
                "left_after": record.left_after,
                "predictions": {
                    "in_lesson": lesson.predictions().count(),
                    "answered": record.predictions.len(),
                    "right": record.right(),
                    "wrong": record.predictions.len() - record.right(),
                    "first_answers": answers,
                },
            })
        })
        .collect();
    serde_json::json!({
        "format": "socket-explorer progress report",
        "version": 1,
        "program": env!("CARGO_PKG_VERSION"),
        "finished": finished(lessons, progress),
        "lessons": each,
    })
}
