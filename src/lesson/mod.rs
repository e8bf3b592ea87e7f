//! The course: which lessons there are, and what a lesson's Markdown says. It runs nothing and draws nothing.

use std::fs;
use std::io;
use std::path::Path;

use thiserror::Error;

use crate::i18n::{self, either, error_text, said};

mod gist;
pub mod glossary;
mod parse;

pub use gist::gist;
pub use parse::{ClaimLine, Lesson, Named, Prediction, Show, Step};

/// Why a lesson cannot be played; always with the file, and the line where one can be named.
#[derive(Debug, Error)]
pub enum CourseError {
    /// The file cannot be read.
    #[error("{}", said!("{file}: {error}", "{file}：{error}", error = error_text(error)))]
    Unreadable {
        /// The file.
        file: String,
        /// Why.
        error: io::Error,
    },
    /// A line says something that a lesson cannot say.
    #[error("{file}:{line}: {what}")]
    Line {
        /// The file.
        file: String,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it, and what would be right.
        what: String,
    },
}

/// A lesson that is part of the program.
struct Embedded {
    number: u32,
    slug: &'static str,
    file: &'static str,
    english: &'static str,
    chinese: &'static str,
}

impl Embedded {
    /// Its text in the language that is spoken.
    fn text(&self) -> &'static str {
        either(self.english, self.chinese)
    }

    /// Where that text stands, from the project's root.
    fn path(&self) -> String {
        format!("lessons/{}/{}", i18n::spoken().tag(), self.file)
    }
}

macro_rules! embedded {
    ($($number:literal $slug:literal $file:literal;)*) => {
        [$(Embedded {
            number: $number,
            slug: $slug,
            file: $file,
            english: include_str!(concat!("../../lessons/en/", $file)),
            chinese: include_str!(concat!("../../lessons/zh/", $file)),
        }),*]
    };
}

/// The lessons, in the order of the course.
static COURSE: [Embedded; 12] = embedded! {
    1 "socket" "01-socket.md";
    2 "layers" "02-layers.md";
    3 "families" "03-families.md";
    4 "tcp-udp" "04-tcp-udp.md";
    5 "process" "05-process.md";
    6 "handshake" "06-handshake.md";
    7 "timeouts" "07-timeouts.md";
    8 "blocking" "08-blocking.md";
    9 "nonblocking" "09-nonblocking.md";
    10 "timeout-mode" "10-timeout-mode.md";
    11 "turns" "11-turns.md";
    12 "chat" "12-chat.md";
};

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

/// The table of contents, in the order of the course. No lesson is read further than its title.
#[must_use]
pub fn contents() -> Vec<Entry> {
    COURSE
        .iter()
        .map(|lesson| {
            let title = lesson
                .text()
                .lines()
                .find_map(|line| line.strip_prefix("# "))
                .unwrap_or(lesson.slug);
            Entry { number: lesson.number, slug: lesson.slug, title: title.trim() }
        })
        .collect()
}

/// All lessons that are part of the program, in the order of the course.
///
/// # Errors
/// [`CourseError::Line`] if one of them is not well formed; a test sees to it that none is.
pub fn lessons() -> Result<Vec<Lesson>, CourseError> {
    COURSE
        .iter()
        .map(|lesson| {
            Lesson::parse(&lesson.path(), lesson.text(), Some(lesson.number), lesson.slug)
        })
        .collect()
}

/// No lesson is longer, in bytes.
const LONGEST: u64 = 1 << 20;

/// A lesson from a file outside the program.
///
/// # Errors
/// [`CourseError`] if it cannot be read, is not UTF-8, or is not well formed.
pub fn from_file(path: &Path) -> Result<Lesson, CourseError> {
    let file = path.display().to_string();
    let unreadable = |error| CourseError::Unreadable { file: file.clone(), error };
    let about = fs::metadata(path).map_err(unreadable)?;
    if !about.is_file() || about.len() > LONGEST {
        let what = said!(
            "a lesson is a file of at most {LONGEST} bytes",
            "课文应是一个不超过 {LONGEST} 字节的文件"
        );
        return Err(unreadable(io::Error::new(io::ErrorKind::InvalidInput, what)));
    }
    let bytes = fs::read(path).map_err(unreadable)?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..good].iter().filter(|byte| **byte == b'\n').count() + 1;
        CourseError::Line {
            file: file.clone(),
            line,
            what: either(
                "this is not UTF-8: save the lesson as UTF-8",
                "这里不是 UTF-8：请把课文存为 UTF-8",
            )
            .to_owned(),
        }
    })?;
    let slug = path
        .file_stem()
        .map_or_else(|| "lesson".to_owned(), |stem| stem.to_string_lossy().into_owned());
    Lesson::parse(&file, text.strip_prefix('\u{feff}').unwrap_or(&text), None, &slug)
}
