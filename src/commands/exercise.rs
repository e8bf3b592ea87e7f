//! `exercise`: the list of exercises, a task, files to begin with, hints, our solution.

use std::fs;
use std::io;
use std::path::Path;

use super::progress::saved;
use super::{Failure, Session, list};
use crate::cli::{self, LANGUAGES};
use crate::i18n::{self, tr};
use crate::lesson::{self, Exercise};
use crate::output::sentences;
use crate::picture::Ink;
use crate::progress::Progress;

/// Lists the exercises, or shows one.
pub fn run(args: &cli::Exercise, session: &mut Session) -> Result<(), Failure> {
    let Some(which) = &args.which else {
        return if args.json { json(session) } else { all(session) };
    };
    let exercise = find(which)?;
    match (&args.start, &args.solution) {
        (Some(language), _) => start(&exercise, language, session),
        (_, Some(language)) => solution(&exercise, language, args.give_up, session),
        _ if args.hint => hints(&exercise, session),
        _ => task(&exercise, session),
    }
}

/// The exercise of this number, or of the lesson of this name.
pub(super) fn find(which: &str) -> Result<Exercise, Failure> {
    let is_it = |it: &Exercise| it.slug == which || it.which() == which;
    let found = lesson::exercises()?.into_iter().find(is_it);
    found.ok_or_else(|| Failure::NoExercise(which.to_owned()))
}

fn json(session: &mut Session) -> Result<(), Failure> {
    let rows = rows(&lesson::exercises()?, &saved());
    let text = serde_json::to_string_pretty(&rows).map_err(io::Error::from)?;
    session.terminal.verbatim(&text)?;
    Ok(session.terminal.flush()?)
}

/// The exercises, as a program reads them.
pub(super) fn rows(exercises: &[Exercise], progress: &Progress) -> Vec<serde_json::Value> {
    let rows = exercises.iter().map(|it| {
        let done = progress.has_done(it.slug);
        serde_json::json!({"number": it.number, "slug": it.slug, "title": it.title, "done": done})
    });
    rows.collect()
}

fn all(session: &mut Session) -> Result<(), Failure> {
    list::exercises(session, &saved())?;
    session.terminal.blank()?;
    let text = tr!("A task: {command}", command = i18n::command("exercise 1"));
    session.terminal.wrapped("", &text, Ink::Plain)?;
    Ok(session.terminal.flush()?)
}

/// The task, its requirements, and what to type next.
fn task(exercise: &Exercise, session: &mut Session) -> Result<(), Failure> {
    let terminal = &mut session.terminal;
    terminal.wrapped(
        "",
        &sentences::exercise_title(exercise.number, &exercise.title),
        Ink::Strong,
    )?;
    terminal.wrapped("", &exercise.summary, Ink::Warn)?;
    terminal.blank()?;
    terminal.prose(&exercise.task)?;
    terminal.blank()?;
    terminal.wrapped("", tr!("What is checked"), Ink::Strong)?;
    for requirement in &exercise.judge.claims {
        terminal.wrapped("- ", &requirement.sentence, Ink::Plain)?;
    }
    terminal.blank()?;
    let which = exercise.which();
    let written = |language: &&str| !exercise.start(language).is_empty();
    let languages: Vec<_> = LANGUAGES.into_iter().filter(written).collect();
    let first = languages.first().copied().unwrap_or("python");
    for (what, words) in [
        (tr!("Files to begin with:"), format!("exercise {which} --start {first}")),
        (tr!("Hints:"), format!("exercise {which} --hint")),
        (tr!("Check it:"), format!("check {which} {}", example(exercise))),
    ] {
        terminal.wrapped("", &format!("{what} {}", i18n::command(&words)), Ink::Plain)?;
    }
    Ok(terminal.flush()?)
}

/// How the programs of an exercise are given to `check`.
fn example(exercise: &Exercise) -> String {
    let all: Vec<_> = exercise.roles.iter().map(|role| format!("'python3 {role}.py'")).collect();
    all.join(" ")
}

fn hints(exercise: &Exercise, session: &mut Session) -> Result<(), Failure> {
    for hint in &exercise.hints {
        session.terminal.prose(hint)?;
        session.terminal.blank()?;
    }
    Ok(session.terminal.flush()?)
}

fn no_language(language: &str, has: impl Fn(&str) -> bool) -> Failure {
    let all: Vec<_> = LANGUAGES.into_iter().filter(|language| has(language)).collect();
    Failure::NoLanguage(language.to_owned(), all.join(tr!(context "list", ", ")))
}

/// Writes the files to begin with to a new folder.
fn start(exercise: &Exercise, language: &str, session: &mut Session) -> Result<(), Failure> {
    let files = exercise.start(language);
    if files.is_empty() {
        return Err(no_language(language, |language| !exercise.start(language).is_empty()));
    }
    let folder = format!("exercise-{}", exercise.which());
    let path = Path::new(&folder);
    fs::create_dir(path).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => Failure::FolderExists(folder.clone()),
        _ => Failure::NoNewFolder(path.to_owned(), error),
    })?;
    for (name, text) in &files {
        let file = path.join(name);
        fs::write(&file, text).map_err(|error| Failure::Unwritable(file.clone(), error))?;
    }
    let names: Vec<_> = files.iter().map(|(name, _)| format!("{folder}/{name}")).collect();
    let text = tr!("Written: {files}", files = names.join(tr!(context "list", ", ")));
    session.terminal.wrapped("", &text, Ink::Plain)?;
    let text = tr!("Go there: {command}", command = format!("cd {folder}"));
    session.terminal.wrapped("", &text, Ink::Plain)?;
    Ok(session.terminal.flush()?)
}

fn solution(
    exercise: &Exercise,
    language: &str,
    gives_up: bool,
    session: &mut Session,
) -> Result<(), Failure> {
    if !gives_up && !saved().has_done(exercise.slug) {
        return Err(Failure::NotDone(exercise.which()));
    }
    let files = exercise.solution(language);
    if files.is_empty() {
        return Err(no_language(language, |language| !exercise.solution(language).is_empty()));
    }
    for (name, text) in files {
        session.terminal.wrapped("", &name, Ink::Strong)?;
        session.terminal.verbatim(text)?;
        session.terminal.blank()?;
    }
    Ok(session.terminal.flush()?)
}
