//! `why`: the case that an error's message, or what a person sees, leads to.

use std::collections::BTreeSet;

use super::lesson::play_case;
use super::{Failure, Session, page};
use crate::cli;
use crate::i18n::{self, tr};
use crate::lesson::cases::messages::{self, Message};
use crate::lesson::cases::{self, Case, Hit, Index};
use crate::picture::Ink;

/// Plays the case that fits best, after telling of all that may; or lists them all.
pub fn run(args: &cli::Why, session: &mut Session) -> Result<(), Failure> {
    let cases = cases::cases()?;
    let words = args.words.join(" ");
    if words.trim().is_empty() {
        list(&cases, session)?;
        return Ok(session.terminal.flush()?);
    }
    let called = cases.iter().find(|case| case.is_called(words.trim()));
    let index = Index::of(&cases);
    let found = match called {
        Some(case) => vec![Hit { case, score: 1.0 }],
        None => index.hits(&words),
    };
    if args.list_texts {
        return list_texts(&words, &found, session);
    }
    let Some(best) = found.first() else {
        return Err(match index.error_without_case(&words) {
            Some(error) => Failure::NoCaseOf(error),
            None => Failure::NoCase(words),
        });
    };
    if args.list {
        found.iter().try_for_each(|hit| show(hit.case, session))?;
        return Ok(session.terminal.flush()?);
    }
    if let Some(file) = &args.html {
        return page::case(&best.case.lesson, file, session);
    }
    play_case(best.case, &found, session)
}

/// All cases, a row or two each.
fn list(cases: &[Case], session: &mut Session) -> Result<(), Failure> {
    let text = tr!("What do you see? Type the message of the error, or what happens:");
    session.terminal.wrapped("", text, Ink::Plain)?;
    session.terminal.wrapped("  ", &i18n::command("why 'Address already in use'"), Ink::Code)?;
    session.terminal.blank()?;
    for case in cases {
        title(case, session)?;
    }
    Ok(())
}

/// The number of a case, its errors and its title.
fn title(case: &Case, session: &mut Session) -> Result<(), Failure> {
    let errors = case.errors.join(" ");
    let title = if errors.is_empty() {
        case.lesson.title.clone()
    } else {
        tr!("{title} ({errors})", title = case.lesson.title, errors)
    };
    session.terminal.wrapped(&format!("{:>3}  ", case.number), &title, Ink::Strong)?;
    Ok(())
}

/// A hit: its title, and what sets it apart.
pub(super) fn show(case: &Case, session: &mut Session) -> Result<(), Failure> {
    title(case, session)?;
    session.terminal.wrapped("     ", &case.tells, Ink::Plain)?;
    Ok(())
}

/// How languages and systems word the errors that are named, or those of the case that was found.
fn list_texts(words: &str, found: &[Hit<'_>], session: &mut Session) -> Result<(), Failure> {
    let named = |message: &Message| {
        words.split_whitespace().any(|word| word.eq_ignore_ascii_case(message.error))
    };
    let mut errors: BTreeSet<&str> =
        messages::all().filter(named).map(|message| message.error).collect();
    if errors.is_empty() {
        let of_case = found.first().map_or(&[][..], |hit| &hit.case.errors);
        errors.extend(of_case.iter().map(String::as_str));
    }
    if errors.is_empty() {
        return Err(Failure::NoCase(words.to_owned()));
    }
    for error in errors {
        session.terminal.wrapped("", error, Ink::Strong)?;
        let mut last = "";
        for Message { place, text, source, .. } in messages::all().filter(|it| it.error == error) {
            if place != std::mem::replace(&mut last, place) {
                session.terminal.wrapped("  ", place, Ink::Faint)?;
            }
            session.terminal.wrapped("    ", &format!("{text}  {source}"), Ink::Plain)?;
        }
    }
    Ok(session.terminal.flush()?)
}

/// Says which cases there may be, if there are several, the best first, and how to see another.
pub(super) fn say_hits(hits: &[Hit<'_>], session: &mut Session) -> Result<(), Failure> {
    if hits.len() < 2 {
        return Ok(());
    }
    session.terminal.wrapped("", tr!("What it may be, the likeliest first:"), Ink::Plain)?;
    hits.iter().try_for_each(|hit| show(hit.case, session))?;
    let command = i18n::command(&format!("why {}", tr!("NUMBER")));
    let text = tr!("Here is the first; {command} plays another.", command);
    session.terminal.wrapped("", &text, Ink::Faint)?;
    Ok(session.terminal.blank()?)
}
