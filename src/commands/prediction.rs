//! Predictions: the question, the vote, and the comparison with what happened.

use std::ops::RangeInclusive;

use super::vote_input::Vote;
use super::{Failure, Session};
use crate::i18n::tr;
use crate::lesson::Prediction;
use crate::output::sentences;
use crate::output::terminal::keys::Key;
use crate::output::terminal::{Answer, Bar};
use crate::picture::Ink;
use crate::views::poll_chart;

/// Shows the question and its options.
pub fn pose(session: &mut Session, prediction: &Prediction) -> Result<(), Failure> {
    let is_big = session.class.big;
    session.terminal.together(|terminal| {
        terminal.wrapped("", sentences::predict(), Ink::Code)?;
        terminal.wrapped("", &prediction.question, Ink::Strong)?;
        for (letter, option) in ('a'..).zip(&prediction.options) {
            if is_big {
                terminal.blank()?;
            }
            terminal.marked(&format!("  {letter}) "), Ink::Code, option, Ink::Plain)?;
        }
        Ok(())
    })
}

/// The letters of so many options.
pub(super) fn letters(options: usize) -> RangeInclusive<char> {
    let last = u8::try_from(options).ok().and_then(|options| b'a'.checked_add(options - 1));
    'a'..=last.map_or('z', char::from)
}

/// What a key says of so many options: its letter, or nothing.
pub(super) fn vote_of(key: Key, options: usize) -> Vote {
    let Key::Letter(letter) = key else { return Vote::Skipped };
    letters(options).position(|one| one == letter).map_or(Vote::Skipped, Vote::One)
}

/// Says which option was chosen: the key that chose it left no trace.
pub fn confirm(session: &mut Session, prediction: &Prediction, vote: &Vote) -> Result<(), Failure> {
    if let Vote::One(choice) = vote {
        let text = tr!("You predict: {option}", option = lettered(prediction, *choice));
        session.terminal.blank()?;
        session.terminal.wrapped("", &text, Ink::Code)?;
    }
    Ok(session.terminal.blank()?)
}

/// Asks for a prediction by a key, where no lesson is around it.
pub(super) fn predict(session: &mut Session, prediction: &Prediction) -> Result<Vote, Failure> {
    pose(session, prediction)?;
    session.terminal.flush()?;
    let options = prediction.options.len();
    let bar = Bar { answers: Some(your_answer(options)), ..Bar::of(tr!("Enter skips")) };
    let answers: Vec<char> = letters(options).collect();
    let more = [(tr!("letters"), tr!("of the options answer"))];
    let key = session.terminal.wait(&bar, tr!("skips the question"), &answers, &more)?;
    let vote = vote_of(key, options);
    confirm(session, prediction, &vote)?;
    Ok(vote)
}

/// The letters of so many options, in a bar.
pub(super) fn your_answer(options: usize) -> String {
    let letters: String = letters(options).map(|letter| format!("{letter} ")).collect();
    tr!("{letters}answer", letters)
}

/// Asks for the raised hands, or for one letter, in a line.
pub(super) fn ask_a_class(session: &mut Session, prediction: &Prediction) -> Result<Vote, Failure> {
    loop {
        session.terminal.flush()?;
        let prompts = [tr!("letter, or hands 5 12 3 (q quits): "), tr!("letter, or hands: ")];
        let vote = match session.terminal.ask(&prompts.map(str::to_owned))? {
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

/// An option with its letter.
fn lettered(prediction: &Prediction, choice: usize) -> String {
    let letter = letters(prediction.options.len()).nth(choice).unwrap_or('?');
    format!("{letter}) {}", prediction.options[choice])
}

/// Shows a prediction beside what happened.
pub fn compare(session: &mut Session, prediction: &Prediction, vote: &Vote) -> Result<(), Failure> {
    let right = lettered(prediction, prediction.right);
    session.terminal.together(|terminal| {
        match vote {
            Vote::Skipped => terminal.wrapped("", &sentences::answer(&right), Ink::Warn)?,
            Vote::One(choice) if *choice == prediction.right => {
                let text = tr!("Your prediction was right: {right}", right);
                terminal.marked("✓ ", Ink::Good, &text, Ink::Strong)?;
            }
            Vote::One(choice) => {
                let text = tr!("You predicted: {said}", said = lettered(prediction, *choice));
                terminal.marked("✗ ", Ink::Bad, &text, Ink::Plain)?;
                terminal.marked("✓ ", Ink::Good, &sentences::answer(&right), Ink::Strong)?;
            }
            Vote::Hands(raised) => {
                let (options, hands) = (prediction.options.clone(), raised.clone());
                let right = prediction.right;
                terminal.drawn(move |width| poll_chart::draw(&options, &hands, right, width))?;
                terminal.blank()?;
                let (text, as_predicted) = compare_hands(prediction, raised);
                let ink = if as_predicted { Ink::Good } else { Ink::Warn };
                terminal.wrapped("", &text, ink)?;
            }
        }
        Ok(terminal.blank()?)
    })
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
