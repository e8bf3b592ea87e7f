//! The course: the list of lessons, and the parser of their Markdown.

use std::fs;
use std::io;
use std::path::Path;

use thiserror::Error;

use crate::experiments::{self, Experiment};
use crate::i18n::{Language, command, error_text, tr};

pub mod cases;
mod catalogue;
mod exercise;
mod gist;
pub mod glossary;
mod names;
mod options;
mod parse;
mod program;

pub use catalogue::recording;
pub use exercise::{Exercise, exercises};
pub use gist::gist;
pub use names::{did_you_mean, nearest, no_experiment};
pub use options::NOBODYS_SEED;
pub use parse::{ClaimLine, Further, Lesson, Prediction, Show, Step};
pub use program::ProgramName;

/// Why a lesson cannot be played.
#[derive(Debug, Error)]
pub enum CourseError {
    /// The file cannot be read.
    #[error("{}", tr!("{file}: {error}", file, error = error_text(error)))]
    Unreadable { file: String, error: io::Error },
    /// The lesson of this number has no such program.
    #[error("{}", tr!("lesson {number} has no program `{name}`; `{notes}` prints the notes' chat", number, name, notes = command("lesson 12 --program notes")))]
    NoProgram { number: u32, name: &'static str },
    /// A line is not valid in a lesson.
    #[error("{file}:{line}: {what}")]
    Line {
        file: String,
        /// The line, from 1.
        line: usize,
        /// What is wrong, and what would be right.
        what: String,
    },
}

/// A line of the table of contents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The lesson's number.
    pub number: u32,
    /// Its short name.
    pub slug: &'static str,
    /// Its title.
    pub title: &'static str,
}

/// The table of contents, in the order of the course. Reads only the titles.
pub fn contents() -> Vec<Entry> {
    catalogue::folders()
        .iter()
        .map(|folder| {
            let (_, text) = folder.text();
            let title =
                text.lines().find_map(|line| line.strip_prefix("# ")).unwrap_or(folder.slug);
            Entry { number: folder.number, slug: folder.slug, title: title.trim() }
        })
        .collect()
}

/// The numbers of the lessons in whose text this word stands.
pub fn numbers_that_name(word: &str) -> impl Iterator<Item = u32> {
    let folders = catalogue::folders().into_iter();
    folders.filter(move |folder| folder.text().1.contains(word)).map(|folder| folder.number)
}

/// All lessons that are part of the program, in the order of the course.
pub fn lessons() -> Result<Vec<Lesson>, CourseError> {
    catalogue::folders()
        .iter()
        .map(|folder| {
            let (path, text) = folder.text();
            Lesson::parse(&path, text, Some(folder.number), folder.slug)
        })
        .collect()
}

/// How the course shows this experiment; `None` if no lesson has it.
pub fn show_of(experiment: &Experiment) -> Result<Option<Show>, CourseError> {
    let lessons = lessons_and_cases()?;
    let mut shows = lessons.iter().flat_map(Lesson::shows);
    Ok(shows.find(|show| show.experiment.name == experiment.name).cloned())
}

/// The lessons, and after them the cases.
pub fn lessons_and_cases() -> Result<Vec<Lesson>, CourseError> {
    let mut all = lessons()?;
    all.extend(cases::cases()?.into_iter().map(|case| case.lesson));
    Ok(all)
}

/// All experiments, in the order of the course and the cases, each once; those that are shown nowhere come last.
pub fn experiments() -> Result<Vec<&'static Experiment>, CourseError> {
    let lessons = lessons_and_cases()?;
    let mut all: Vec<&'static Experiment> = Vec::new();
    for show in lessons.iter().flat_map(Lesson::shows) {
        if !all.iter().any(|listed| listed.name == show.experiment.name) {
            all.push(show.experiment);
        }
    }
    for experiment in experiments::all() {
        if !all.iter().any(|listed| listed.name == experiment.name) {
            all.push(experiment);
        }
    }
    Ok(all)
}

/// The folder of the lesson that shows this experiment, below `lessons/`.
pub fn folder_of(experiment: &Experiment) -> Result<Option<String>, CourseError> {
    let shows =
        |lesson: &Lesson| lesson.shows().any(|show| show.experiment.name == experiment.name);
    let slug = lessons_and_cases()?.into_iter().find(shows).map(|lesson| lesson.slug);
    let mut folders = catalogue::folders().into_iter().chain(catalogue::cases());
    Ok(folders.find(|folder| Some(folder.slug) == slug.as_deref()).map(|folder| folder.name()))
}

/// The largest lesson file, in bytes.
const LONGEST: u64 = 1 << 20;

/// A lesson from a file outside the program.
pub fn from_file(path: &Path) -> Result<Lesson, CourseError> {
    let file = path.display().to_string();
    let unreadable = |error| CourseError::Unreadable { file: file.clone(), error };
    let about = fs::metadata(path).map_err(unreadable)?;
    if !about.is_file() || about.len() > LONGEST {
        let what = tr!("a lesson is a file of at most {LONGEST} bytes", LONGEST);
        return Err(unreadable(io::Error::new(io::ErrorKind::InvalidInput, what)));
    }
    let bytes = fs::read(path).map_err(unreadable)?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..good].iter().filter(|byte| **byte == b'\n').count() + 1;
        CourseError::Line {
            file: file.clone(),
            line,
            what: tr!("this is not UTF-8: save the lesson as UTF-8").to_owned(),
        }
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let lesson = Lesson::parse(&file, text, None, &slug_of(path))?;
    lesson.shows().try_for_each(|show| leaves_out_no_claim(&file, show))?;
    Ok(lesson)
}

/// Checks that a lesson from outside names every claim that the course names for this experiment.
fn leaves_out_no_claim(file: &str, show: &Show) -> Result<(), CourseError> {
    let in_course = show_of(show.experiment)?.map_or_else(Vec::new, |show| show.claims);
    let left_out =
        in_course.iter().find(|claim| !show.claims.iter().any(|other| other.name == claim.name));
    left_out.map_or(Ok(()), |claim| {
        let what = names::claim_left_out(show.experiment, &claim.name);
        Err(CourseError::Line { file: file.to_owned(), line: show.line, what })
    })
}

/// The slug of a lesson file: its name, or its folder's if the name is only a language.
fn slug_of(path: &Path) -> String {
    let in_folder = Language::all()
        .any(|language| path.file_name() == Some(catalogue::file_name(language).as_ref()));
    let named = if in_folder { path.parent().and_then(Path::file_name) } else { path.file_stem() };
    named.map_or_else(|| "lesson".to_owned(), |name| name.to_string_lossy().into_owned())
}
