//! `progress`: shows the learner's progress in each lesson, exports it as JSON, or resets it.

use std::io;

use super::list::mark;
use super::quiz::{Missed, missed};
use super::{Failure, Session, exercise};
use crate::cli;
use crate::i18n::{command, tr};
use crate::lesson::{self, Exercise, Lesson};
use crate::output::messages::say;
use crate::output::sentences;
use crate::output::terminal::Terminal;
use crate::picture::Ink;
use crate::progress::{self, Progress, Record};

/// Shows the learner's progress, or resets it.
pub fn run(args: &cli::Progress, session: &mut Session) -> Result<(), Failure> {
    let terminal = &mut session.terminal;
    if args.reset {
        reset(terminal)?;
    } else if args.json {
        let report = report(&lesson::lessons()?, &lesson::exercises()?, &saved());
        terminal.verbatim(&serde_json::to_string_pretty(&report).map_err(io::Error::from)?)?;
    } else {
        show(terminal, &lesson::lessons()?, &lesson::exercises()?, &saved())?;
    }
    Ok(terminal.flush()?)
}

/// The learner's saved progress. If it cannot be read, a warning is printed once and the progress starts empty.
pub(super) fn saved() -> Progress {
    progress::read().unwrap_or_else(|trouble| {
        say(trouble);
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

fn show(
    terminal: &mut Terminal,
    lessons: &[Lesson],
    exercises: &[Exercise],
    progress: &Progress,
) -> Result<(), Failure> {
    for lesson in lessons {
        let record = progress.of(&lesson.slug).cloned().unwrap_or_default();
        let mark = mark(progress, &lesson.slug);
        let title = sentences::lesson_title(lesson.number, &lesson.title);
        terminal.wrapped(&format!("{mark} "), &title, Ink::Strong)?;
        if let Some(text) = told(lesson, &record) {
            terminal.wrapped("    ", &text, Ink::Plain)?;
        }
    }
    let done: Vec<_> = exercises.iter().filter(|it| progress.has_done(it.slug)).collect();
    for exercise in &done {
        let title = sentences::exercise_title(exercise.number, &exercise.title);
        terminal.wrapped("✓ ", &title, Ink::Strong)?;
    }
    terminal.blank()?;
    show_missed(terminal, &missed(lessons, progress))?;
    let text = tr!(
        "{finished} of {all} lessons finished. Only the first answer to a prediction counts.",
        finished = finished(lessons, progress),
        all = lessons.len()
    );
    terminal.wrapped("", &text, Ink::Strong)?;
    let (done, all) = (done.len(), exercises.len());
    terminal.wrapped("", &tr!("{done} of {all} exercises done.", done, all), Ink::Strong)?;
    if let Some(path) = progress::path().filter(|path| path.exists()) {
        let text = tr!("Kept in {path} (--reset starts over)", path = path.display());
        terminal.wrapped("", &text, Ink::Faint)?;
    }
    Ok(())
}

/// How far a lesson has come, in a sentence; `None` if it has not begun.
fn told(lesson: &Lesson, record: &Record) -> Option<String> {
    let heading_of = |name: &str| {
        let shows = lesson.headed_shows().into_iter();
        let mut headings = shows.filter(|(_, show)| show.experiment.name == name);
        headings.next().map(|(heading, _)| heading)
    };
    let state = match record.left_after.as_deref().map(heading_of) {
        _ if record.finished => tr!("Finished.").to_owned(),
        Some(Some(heading)) => tr!("Begun, and left after “{heading}”.", heading),
        Some(None) => tr!("Begun.").to_owned(),
        None if record.predictions.is_empty() && !record.goes_on() => return None,
        None => tr!("Begun.").to_owned(),
    };
    let (right, answered) = (record.right(), record.predictions.len());
    if answered == 0 {
        return Some(state);
    }
    let predicted = tr!("{right} of {answered} predictions right", right, answered);
    let unanswered = lesson.core_questions();
    let unanswered = unanswered.filter(|name| !record.predictions.contains_key(*name)).count();
    Some(match unanswered {
        0 => tr!("{state} {predicted}.", state, predicted),
        _ => tr!("{state} {predicted}; {unanswered} not made.", state, predicted, unanswered),
    })
}

/// What was missed, question by question, and how to see it again.
fn show_missed(terminal: &mut Terminal, missed: &[Missed<'_>]) -> Result<(), Failure> {
    if missed.is_empty() {
        return Ok(());
    }
    terminal.wrapped("", tr!("What you got wrong:"), Ink::Strong)?;
    for Missed { lesson, prediction, show } in missed {
        let number = lesson.number.unwrap_or_default();
        let text = tr!("lesson {number}: {question}", number, question = prediction.question);
        terminal.wrapped("  - ", &text, Ink::Plain)?;
        let again = command(&format!("run {}", show.experiment.name));
        terminal.wrapped("    ", &tr!("see it again: {again}", again), Ink::Faint)?;
    }
    let quiz = command("quiz");
    terminal.wrapped("", &tr!("{quiz} asks these questions again.", quiz), Ink::Plain)?;
    Ok(terminal.blank()?)
}

fn finished(lessons: &[Lesson], progress: &Progress) -> usize {
    lessons.iter().filter(|lesson| progress.has(&lesson.slug)).count()
}

fn report(lessons: &[Lesson], exercises: &[Exercise], progress: &Progress) -> serde_json::Value {
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
                    "put_right": record.put_right.len(),
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
        "exercises_done": exercises.iter().filter(|it| progress.has_done(it.slug)).count(),
        "exercises": exercise::rows(exercises, progress),
    })
}
