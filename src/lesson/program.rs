//! The whole program that a lesson ends with, once in each of two languages: `program.py` and `program.c`, beside its text.

use std::fs;
use std::io;
use std::path::Path;

use super::{CourseError, catalogue};

/// A language in which a lesson has a whole program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProgramLanguage {
    Python,
    C,
}

impl ProgramLanguage {
    pub const ALL: [ProgramLanguage; 2] = [ProgramLanguage::Python, ProgramLanguage::C];

    /// What it is called on the command line and in a lesson.
    pub fn name(self) -> &'static str {
        match self {
            ProgramLanguage::Python => "python",
            ProgramLanguage::C => "c",
        }
    }

    /// The language of this name.
    pub fn named(name: &str) -> Option<ProgramLanguage> {
        Self::ALL.into_iter().find(|language| language.name() == name)
    }

    fn file_name(self) -> &'static str {
        match self {
            ProgramLanguage::Python => "program.py",
            ProgramLanguage::C => "program.c",
        }
    }
}

/// The program of the lesson that was read from this file: the embedded one if it is a lesson of the course (`number`), else the
/// file beside it.
pub(super) fn program(
    lesson: &str,
    number: Option<u32>,
    language: ProgramLanguage,
) -> Result<String, CourseError> {
    let path = Path::new(lesson).with_file_name(language.file_name());
    let unreadable = |error| CourseError::Unreadable { file: path.display().to_string(), error };
    match number {
        None => fs::read_to_string(&path).map_err(unreadable),
        Some(number) => catalogue::folders()
            .into_iter()
            .find(|folder| folder.number == number)
            .and_then(|folder| folder.file(language.file_name()))
            .map(str::to_owned)
            .ok_or_else(|| unreadable(io::ErrorKind::NotFound.into())),
    }
}
