//! `explore` alone: where a learner is in the course and in its exercises, and what to type next.

use super::failure::course_finished;
use super::progress::saved;
use super::quiz::missed;
use super::{Failure, Session, list};
use crate::i18n::{command, tr, tr_n};
use crate::lesson::{self, Entry, Exercise};
use crate::picture::Ink;
use crate::progress::Progress;

/// Shows the lessons with the learner's progress, and what to type next.
pub fn run(session: &mut Session) -> Result<(), Failure> {
    let tagline = tr!(
        "A course on network sockets, with experiments that run on your own kernel and claims that are checked there."
    );
    session.terminal.wrapped("", tagline, Ink::Strong)?;
    session.terminal.blank()?;
    let progress = saved();
    list::lessons(session, &progress)?;
    session.terminal.blank()?;
    let text = match next_lesson(&lesson::contents(), &progress) {
        Some(lesson) if progress.is_empty() => {
            tr!("Start with: {command}", command = lesson_command(lesson))
        }
        Some(lesson) => {
            let (command, title) = (lesson_command(lesson), lesson.title);
            tr!("Continue with: {command} ({title})", command, title)
        }
        None => course_finished().to_owned(),
    };
    session.terminal.wrapped("", &text, Ink::Good)?;
    let answers = || progress.lessons.values().flat_map(|record| record.predictions.values());
    let asked = answers().count();
    if asked > 0 {
        let right = answers().filter(|right| **right).count();
        let text =
            tr!("Predictions: {right} of {asked} right, each at the first try.", right, asked);
        session.terminal.wrapped("", &text, Ink::Plain)?;
    }
    let missed = missed(&lesson::lessons()?, &progress).len();
    if missed > 0 {
        let quiz = command("quiz");
        let text = tr_n!(
            missed,
            "{quiz} asks again {missed} question that you got wrong.",
            "{quiz} asks again {missed} questions that you got wrong.",
            quiz,
            missed
        );
        session.terminal.wrapped("", &text, Ink::Plain)?;
    }
    exercises(session, &progress)?;
    Ok(session.terminal.flush()?)
}

/// The exercises, those that are done with a mark, and how the next one is shown.
fn exercises(session: &mut Session, progress: &Progress) -> Result<(), Failure> {
    let exercises = lesson::exercises()?;
    let is_done = |it: &&Exercise| progress.has_done(it.slug);
    let marked = exercises.iter().map(|it| {
        let mark = if is_done(&it) { "✓ " } else { "" };
        format!("{mark}{}", it.which())
    });
    let all = marked.collect::<Vec<_>>().join(tr!(context "list", ", "));
    session.terminal.wrapped("", &tr!("Exercises: {all}", all), Ink::Plain)?;
    if let Some(next) = exercises.iter().find(|it| !is_done(it)) {
        let command = command(&format!("exercise {}", next.which()));
        let text = tr!("Next exercise: {command} ({title})", command, title = next.title);
        session.terminal.wrapped("", &text, Ink::Plain)?;
    }
    Ok(())
}

/// The lesson to go on with: the one left last of those that are begun and not finished, or else the first that is not finished.
pub(super) fn next_lesson<'a>(lessons: &'a [Entry], progress: &Progress) -> Option<&'a Entry> {
    let left = progress.left_last();
    let left = left.and_then(|slug| lessons.iter().find(|lesson| lesson.slug == slug));
    left.or_else(|| lessons.iter().find(|lesson| !progress.has(lesson.slug)))
}

/// How a lesson is started.
pub(super) fn lesson_command(lesson: &Entry) -> String {
    command(&format!("lesson {}", lesson.number))
}
