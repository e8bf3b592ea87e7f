//! `quiz`: the questions that a learner got wrong, asked again, each with what is seen then.

use super::parting::Parting;
use super::prediction::{compare, predict};
use super::progress::saved;
use super::run::perform;
use super::vote_input::Vote;
use super::{Failure, Session, lesson, replay, report, shipped, show};
use crate::cli;
use crate::i18n::{self, tr, tr_n};
use crate::lesson::{Lesson, NOBODYS_SEED, Prediction, Show};
use crate::output::messages::say;
use crate::output::sentences;
use crate::picture::Ink;
use crate::progress::{self, Progress};

/// A question that a learner got wrong, and has not put right yet.
pub(super) struct Missed<'a> {
    pub lesson: &'a Lesson,
    pub prediction: &'a Prediction,
    pub show: &'a Show,
}

/// The questions of these lessons that were missed, in the order of the course.
pub(super) fn missed<'a>(lessons: &'a [Lesson], progress: &Progress) -> Vec<Missed<'a>> {
    let mut all = Vec::new();
    for lesson in lessons {
        let Some(record) = progress.of(&lesson.slug) else { continue };
        let asked = lesson.predictions();
        let asked = asked.filter(|(_, show)| record.is_missed(show.experiment.name));
        all.extend(asked.map(|(prediction, show)| Missed { lesson, prediction, show }));
    }
    all
}

/// Asks the questions again.
pub fn run(args: &cli::Quiz, session: &mut Session) -> Result<(), Failure> {
    let lessons = lesson::these_or_all(&args.lessons)?;
    let progress = saved();
    let missed = missed(&lessons, &progress);
    if missed.is_empty() {
        nothing_missed(session, &progress)?;
    } else if session.terminal.is_interactive() {
        let text = tr!("Quit. The questions that are open stay on the list.");
        let parting = Parting::with(text, session);
        let asked = ask_all(session, &missed, progress.seed.unwrap_or(NOBODYS_SEED));
        parting.end(asked, session)?;
    } else {
        list(session, &missed)?;
    }
    Ok(session.terminal.flush()?)
}

fn nothing_missed(session: &mut Session, progress: &Progress) -> Result<(), Failure> {
    let has_answered = progress.lessons.values().any(|record| !record.predictions.is_empty());
    let text = if has_answered {
        tr!("There is nothing to ask again: no question is open that you got wrong.").to_owned()
    } else {
        let command = i18n::command("lesson");
        tr!(
            "There is nothing to ask yet: the quiz asks again what you got wrong in a lesson. Start with {command}.",
            command
        )
    };
    Ok(session.terminal.wrapped("", &text, Ink::Plain)?)
}

/// The questions alone, where nobody can be asked.
fn list(session: &mut Session, missed: &[Missed<'_>]) -> Result<(), Failure> {
    let text = tr!("These questions are open. At a terminal the quiz asks them:");
    session.terminal.wrapped("", text, Ink::Strong)?;
    for Missed { lesson, prediction, .. } in missed {
        let number = lesson.number.unwrap_or_default();
        let text = tr!("lesson {number}: {question}", number, question = prediction.question);
        session.terminal.wrapped("  - ", &text, Ink::Plain)?;
    }
    Ok(())
}

fn ask_all(session: &mut Session, missed: &[Missed<'_>], seed: u64) -> Result<(), Failure> {
    let all = missed.len();
    let (mut right, mut skipped) = (0, 0);
    for (number, one) in (1..).zip(missed) {
        let title = sentences::lesson_title(one.lesson.number, &one.lesson.title);
        let heading = tr!("Question {number} of {all}, from {title}", number, all, title);
        session.terminal.wrapped("", &heading, Ink::Strong)?;
        session.terminal.blank()?;
        match ask(session, one, seed)? {
            Some(is_right) => right += usize::from(is_right),
            None => skipped += 1,
        }
        if number < all {
            session.terminal.flush()?;
            session.terminal.turn_page()?;
        }
    }
    let left = all - right;
    let text = if left == 0 {
        tr!("All of them were right: the list is empty.").to_owned()
    } else if skipped > 0 {
        tr_n!(
            left,
            "{right} of {all} were right, and {skipped} skipped; {left} stays on the list for another day.",
            "{right} of {all} were right, and {skipped} skipped; {left} stay on the list for another day.",
            right,
            all,
            skipped,
            left
        )
    } else {
        tr_n!(
            left,
            "{right} of {all} were right; {left} stays on the list for another day.",
            "{right} of {all} were right; {left} stay on the list for another day.",
            right,
            all,
            left
        )
    };
    Ok(session.terminal.wrapped("", &text, Ink::Strong)?)
}

/// Asks one question, and shows what answers it; says whether the answer was right, and notes it then; `None` if it was skipped.
fn ask(session: &mut Session, one: &Missed<'_>, seed: u64) -> Result<Option<bool>, Failure> {
    let prediction = one.prediction.shuffled(seed);
    let vote = predict(session, &prediction)?;
    if vote == Vote::Skipped {
        return Ok(None);
    }
    show_again(session, one.show)?;
    compare(session, &prediction, &vote)?;
    let is_right = vote == Vote::One(prediction.right);
    if is_right {
        let (slug, name) = (&one.lesson.slug, one.show.experiment.name);
        if let Err(trouble) = progress::change(|progress| progress.put_right(slug, name)) {
            say(trouble);
        }
    }
    Ok(Some(is_right))
}

/// The shipped recording of the experiment, marked as one; where there is none, the experiment is run.
fn show_again(session: &mut Session, show: &Show) -> Result<(), Failure> {
    let Some(recording) = shipped::recording(show.experiment.name) else {
        perform(session, show, &show.settings)?;
        return Ok(());
    };
    session.terminal.wrapped("", &replay::recorded_on(&recording.header), Ink::Warn)?;
    session.terminal.blank()?;
    show::pictures(session, &show.views, &recording)?;
    let judged = report::judge(&show.claims, &recording, report::Playback::Recorded);
    show::claims(session, &judged, sentences::not_checked_here())
}
