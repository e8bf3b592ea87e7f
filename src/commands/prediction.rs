//! Predictions: the question, the vote, and the comparison with what happened.

use super::vote_input::Vote;
use super::{Failure, Session};
use crate::i18n::tr;
use crate::lesson::Prediction;
use crate::output::sentences;
use crate::output::terminal::Answer;
use crate::picture::Ink;
use crate::views::poll_chart;

/// The prompt for one learner.
pub fn type_a_letter() -> &'static str {
    tr!("your letter (Enter skips, q quits): ")
}

/// Shows the question and its options.
pub fn pose(session: &mut Session, prediction: &Prediction) -> Result<(), Failure> {
    let terminal = &mut session.terminal;
    terminal.wrapped("", sentences::predict(), Ink::Code)?;
    terminal.wrapped("", &prediction.question, Ink::Strong)?;
    for (letter, option) in ('a'..).zip(&prediction.options) {
        if session.class.big {
            terminal.blank()?;
        }
        terminal.marked(&format!("  {letter}) "), Ink::Code, option, Ink::Plain)?;
    }
    Ok(())
}

/// Asks for a prediction until there is one, or none is wanted.
pub(super) fn predict(session: &mut Session, prediction: &Prediction) -> Result<Vote, Failure> {
    pose(session, prediction)?;
    let prompt = if session.class.is_present() {
        tr!("letter, or hands 5 12 3 (q quits): ")
    } else {
        type_a_letter()
    };
    loop {
        let vote = match session.terminal.ask(prompt)? {
            Answer::Line(typed) => Vote::parse(&typed, prediction.options.len()),
            Answer::NotInteractive => Ok(Vote::Skipped),
        };
        match vote {
            Ok(vote) => {
                session.terminal.blank()?;
                return Ok(vote);
            }
            Err(error) => session.terminal.wrapped("", &error.to_string(), Ink::Warn)?,
        }
    }
}

/// Shows a prediction beside what happened.
pub fn compare(session: &mut Session, prediction: &Prediction, vote: &Vote) -> Result<(), Failure> {
    let right = &prediction.options[prediction.right];
    let (text, as_predicted) = match vote {
        Vote::Skipped => (sentences::answer(right), false),
        Vote::One(choice) if *choice == prediction.right => {
            (tr!("Your prediction was right.").to_owned(), true)
        }
        Vote::One(choice) => {
            let said = &prediction.options[*choice];
            (tr!("You predicted: {said}. The answer: {right}", said, right), false)
        }
        Vote::Hands(raised) => {
            let width = session.terminal.width();
            let chart = poll_chart::draw(&prediction.options, raised, prediction.right, width);
            session.terminal.picture(&chart)?;
            session.terminal.blank()?;
            compare_hands(prediction, raised)
        }
    };
    let ink = if as_predicted { Ink::Good } else { Ink::Warn };
    session.terminal.wrapped("", &text, ink)?;
    Ok(session.terminal.blank()?)
}

/// Compares the option with the most hands with what happened; also whether they are the same.
fn compare_hands(prediction: &Prediction, raised: &[u32]) -> (String, bool) {
    let right = &prediction.options[prediction.right];
    let (most, all) = (raised.iter().copied().max().unwrap_or(0), raised.iter().sum::<u32>());
    let first: Vec<_> = (0..raised.len()).filter(|place| raised[*place] == most).collect();
    let text = match first.as_slice() {
        _ if most == 0 => tr!("No hand was raised. The answer: {right}", right),
        [place] if *place == prediction.right => {
            tr!("Most predicted it, {most} of {all}: {one}", most, all, one = right)
        }
        [place] => {
            let one = &prediction.options[*place];
            tr!(
                "Most predicted, {most} of {all}: {one}. The answer: {right}",
                most,
                all,
                one,
                right
            )
        }
        several => {
            let options: Vec<_> =
                several.iter().map(|place| prediction.options[*place].as_str()).collect();
            let each = options.join(tr!("; "));
            tr!(
                "A tie, with {most} of {all} hands each: {each}. The answer: {right}",
                most,
                all,
                each,
                right
            )
        }
    };
    (text, most > 0 && first == [prediction.right])
}
