//! The programs that stand beside a lesson's text: the whole program that it ends with, once in each of two languages
//! (`program.py`, `program.c`), and in one lesson the program of the study notes (`notes.py`).

use std::fs;
use std::path::Path;

use super::{CourseError, catalogue};

/// Which of a lesson's programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProgramName {
    /// The whole program in Python.
    Python,
    /// The same in C.
    C,
    /// The program of the study notes, with its faults, in Python.
    Notes,
}

impl ProgramName {
    /// The languages of whole programs.
    pub const LANGUAGES: [ProgramName; 2] = [ProgramName::Python, ProgramName::C];

    /// What it is called on the command line and in a lesson.
    pub fn name(self) -> &'static str {
        match self {
            ProgramName::Python => "python",
            ProgramName::C => "c",
            ProgramName::Notes => "notes",
        }
    }

    /// The whole program in the language of this name.
    pub fn in_language(name: &str) -> Option<ProgramName> {
        Self::LANGUAGES.into_iter().find(|program| program.name() == name)
    }

    fn file_name(self) -> &'static str {
        match self {
            ProgramName::Python => "program.py",
            ProgramName::C => "program.c",
            ProgramName::Notes => "notes.py",
        }
    }
}

/// The program of the lesson that was read from this file: the embedded one if it is a lesson of the course (`number`), else the
/// file beside it.
pub(super) fn program(
    lesson: &str,
    number: Option<u32>,
    name: ProgramName,
) -> Result<String, CourseError> {
    match number {
        None => {
            let path = Path::new(lesson).with_file_name(name.file_name());
            let file = path.display().to_string();
            fs::read_to_string(&path).map_err(|error| CourseError::Unreadable { file, error })
        }
        Some(number) => catalogue::folders()
            .into_iter()
            .find(|folder| folder.number == number)
            .and_then(|folder| folder.file(name.file_name()))
            .map(str::to_owned)
            .ok_or(CourseError::NoProgram { number, name: name.name() }),
    }
}
