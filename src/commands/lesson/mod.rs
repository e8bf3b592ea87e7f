//! `lesson`: prose, predictions, and runs, in the lesson's order.

use std::path::Path;

use super::progress::saved;
use super::report;
use super::{Failure, Session, home, page, why};
use crate::cli;
use crate::i18n::tr;
use crate::lesson::cases::{Case, Hit, cases};
use crate::lesson::{self, Further, Lesson, NOBODYS_SEED, ProgramName};
use crate::output::messages::say;
use crate::picture::code::Language;

mod end;
mod notes;
mod playing;
mod position;
mod resume;
mod stops;

use notes::Notes;
use playing::Playing;

/// Plays a lesson, by number, slug or file, or the next one; or writes it as a page; or prints one of its programs.
pub fn run(args: &cli::Lesson, session: &mut Session) -> Result<(), Failure> {
    if let Some(name) = args.program {
        let name = match name {
            cli::ProgramName::Python => ProgramName::Python,
            cli::ProgramName::C => ProgramName::C,
            cli::ProgramName::Notes => ProgramName::Notes,
        };
        let text = chosen(args.which.as_deref())?.program(name)?;
        let language = if name == ProgramName::C { Language::C } else { Language::Python };
        session.terminal.program(&text, language)?;
        return Ok(session.terminal.flush()?);
    }
    match &args.html {
        Some(file) => page::run(args.which.as_deref(), file, session),
        None => play(args, session),
    }
}

fn play(args: &cli::Lesson, session: &mut Session) -> Result<(), Failure> {
    let lesson = chosen(args.which.as_deref())?;
    let further = args.further.map(|which| sections_of(&lesson, which)).transpose()?;
    session.open_files()?;
    // Progress is noted only for lessons of the course, and only if a person plays them.
    let noted = lesson.number.is_some() && session.terminal.is_interactive();
    let slug = noted.then(|| lesson.slug.clone());
    let mut notes = Notes { slug };
    let seed = notes.seed(&mut session.terminal);
    let mut playing = Playing::new(&lesson, session, notes, seed);
    match further {
        Some(further) => playing.only_further(further)?,
        None => playing.lesson()?,
    }
    playing.session.terminal.flush()?;
    report::outcome(playing.counts)
}

/// Plays a case, after telling which ones it may be.
pub(super) fn play_case(
    case: &Case,
    hits: &[Hit<'_>],
    session: &mut Session,
) -> Result<(), Failure> {
    session.open_files()?;
    why::say_hits(hits, session)?;
    let mut playing = Playing::new(&case.lesson, session, Notes { slug: None }, NOBODYS_SEED);
    playing.lesson()?;
    playing.session.terminal.flush()?;
    report::outcome(playing.counts)
}

/// The further sections that were asked for.
fn sections_of(lesson: &Lesson, which: cli::Further) -> Result<&[Further], Failure> {
    match which {
        cli::Further::All => Ok(&lesson.further),
        cli::Further::One(number) => lesson.further.get(number - 1..number).ok_or_else(|| {
            let lesson_name = lesson.slug.clone();
            Failure::NoFurther { lesson: lesson_name, number, all: lesson.further.len() }
        }),
    }
}

/// The lesson of this number, slug or file; without one, or with `next`, the next one, which is then named.
pub(super) fn chosen(which: Option<&str>) -> Result<Lesson, Failure> {
    if let Some(which) = which.filter(|which| *which != "next") {
        return find(which);
    }
    let lessons = lesson::contents();
    let next = home::next_lesson(&lessons, &saved()).ok_or(Failure::CourseFinished)?;
    say(tr!("the next lesson is {number}, {slug}", number = next.number, slug = next.slug));
    find(next.slug)
}

/// The lesson of this number, slug or file.
pub(super) fn find(which: &str) -> Result<Lesson, Failure> {
    if let Some(lesson) = lesson::lessons()?.into_iter().find(|lesson| lesson.is_called(which)) {
        return Ok(lesson);
    }
    if which.contains(['/', '\\']) || which.ends_with(".md") || Path::new(which).is_file() {
        return Ok(lesson::from_file(Path::new(which))?);
    }
    Err(Failure::NoLesson(which.to_owned()))
}

/// The lessons of these numbers or slugs, or cases of these slugs; all, if none is named.
pub(super) fn lessons_and_cases(which: &[String]) -> Result<Vec<Lesson>, Failure> {
    if which.is_empty() {
        return Ok(lesson::lessons_and_cases()?);
    }
    let cases = cases()?;
    let case = |name: &str| cases.iter().find(|case| case.lesson.slug == name);
    which
        .iter()
        .map(|it| case(it).map_or_else(|| find(it), |case| Ok(case.lesson.clone())))
        .collect()
}

/// The lessons of these numbers or slugs; all, if none is named.
pub(super) fn these_or_all(which: &[String]) -> Result<Vec<Lesson>, Failure> {
    if which.is_empty() {
        Ok(lesson::lessons()?)
    } else {
        which.iter().map(|it| find(it)).collect()
    }
}
