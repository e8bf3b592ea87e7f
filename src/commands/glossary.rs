//! `glossary`: terms in every language, their meanings, and the lessons that explain them.

use super::{Failure, Session};
use crate::cli;
use crate::i18n::tr;
use crate::lesson::{
    self,
    glossary::{self, Term},
};
use crate::picture::Ink;

/// Shows the terms that match the argument, or all.
pub fn run(args: &cli::Glossary, session: &mut Session) -> Result<(), Failure> {
    let asked = args.term.join(" ");
    let found =
        if asked.trim().is_empty() { glossary::terms().collect() } else { glossary::find(&asked) };
    if found.is_empty() {
        return Err(Failure::NoTerm(asked));
    }
    show(&found, session)?;
    Ok(session.terminal.flush()?)
}

/// Shows these terms.
pub(super) fn show(terms: &[Term], session: &mut Session) -> Result<(), Failure> {
    let terminal = &mut session.terminal;
    let lessons = lesson::contents();
    for term in terms {
        terminal.wrapped("", &term.all_names(), Ink::Strong)?;
        terminal.wrapped("  ", term.sentence(), Ink::Plain)?;
        if let Some(lesson) = lessons.iter().find(|lesson| lesson.slug == term.lesson) {
            let text =
                tr!("lesson {number}, {title}", number = lesson.number, title = lesson.title);
            terminal.wrapped("  ", &text, Ink::Faint)?;
        }
    }
    Ok(())
}
