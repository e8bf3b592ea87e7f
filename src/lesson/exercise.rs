//! Exercises: the folder `exercise/` of a lesson, or `bonus/` of an exercise beside those of the lessons, with the task in each language (`en.md`), and programs in some languages, to
//! begin with (`start/python/`) and to compare with (`solution/python/`).
//!
//! A task is written as a lesson is (`docs/writing-an-exercise.md`). It has one fenced block, `judge NAME ROLE…`, with the
//! requirements: the judge's claims, each with its sentence. Below that block stand the hints, a paragraph each.

use std::path::Path;

use super::catalogue::{self, Folder};
use super::{CourseError, Lesson, Show, Step};
use crate::i18n::tr;

/// An exercise.
#[derive(Clone, Debug)]
pub struct Exercise {
    /// The number of its lesson, which is its own too; a bonus has none.
    pub number: Option<u32>,
    /// The short name of its lesson, or `bonus`.
    pub slug: &'static str,
    /// The number of the lesson that it belongs to.
    pub lesson: u32,
    /// Its title.
    pub title: String,
    /// What is to be built, in one sentence.
    pub summary: String,
    /// The task, in Markdown.
    pub task: String,
    /// Which programs the learner writes, in the order of the command line: `server`, `client`.
    pub roles: Vec<String>,
    /// The judge, with the requirements.
    pub judge: Show,
    /// Hints, in Markdown, in the order in which they help.
    pub hints: Vec<String>,
    lesson_folder: Folder,
    /// Its folder in that of the lesson.
    folder: &'static str,
}

/// The folder of an exercise beside those of the lessons, and its name.
const BONUS: &str = "bonus";

impl Exercise {
    fn parse(
        lesson_folder: Folder,
        folder: &'static str,
        file: &str,
        text: &str,
    ) -> Result<Exercise, CourseError> {
        let Folder { number: lesson, slug, .. } = lesson_folder;
        let (number, slug) = if folder == BONUS { (None, BONUS) } else { (Some(lesson), slug) };
        let Lesson { title, question, steps, .. } = Lesson::parse(file, text, number, slug)?;
        let wrong = || CourseError::Line {
            file: file.to_owned(),
            line: 1,
            what: tr!("a task is prose, one block `judge NAME ROLE…`, and hints below it")
                .to_owned(),
        };
        let mut steps = steps.into_iter();
        let (Some(Step::Prose(task)), Some(Step::Experiment(judge))) = (steps.next(), steps.next())
        else {
            return Err(wrong());
        };
        let hints = match (steps.next(), steps.next()) {
            (None, _) => Vec::new(),
            (Some(Step::Prose(hints)), None) => {
                hints.split("\n\n").map(str::trim).map(str::to_owned).collect()
            }
            _ => return Err(wrong()),
        };
        let fence =
            text.lines().find_map(|line| line.strip_prefix("```judge ")).unwrap_or_default();
        let roles: Vec<String> = fence.split_whitespace().skip(1).map(str::to_owned).collect();
        if roles.is_empty() {
            return Err(wrong());
        }
        Ok(Exercise {
            number,
            slug,
            lesson,
            title,
            summary: question,
            task,
            roles,
            judge,
            hints,
            lesson_folder,
            folder,
        })
    }

    /// What it is called on the command line: its number, or `bonus`.
    #[must_use]
    pub fn which(&self) -> String {
        self.number.map_or_else(|| self.slug.to_owned(), |number| number.to_string())
    }

    /// The files to begin with in this language, each with its name; none if there are none.
    #[must_use]
    pub fn start(&self, language: &str) -> Vec<(String, &'static str)> {
        self.lesson_folder.files(&Path::new(self.folder).join("start").join(language))
    }

    /// The files of our solution in this language.
    #[must_use]
    pub fn solution(&self, language: &str) -> Vec<(String, &'static str)> {
        self.lesson_folder.files(&Path::new(self.folder).join("solution").join(language))
    }
}

/// All exercises, in the order of the course.
pub fn exercises() -> Result<Vec<Exercise>, CourseError> {
    let folders = catalogue::folders().into_iter();
    let all = folders.flat_map(|lesson| ["exercise", BONUS].map(|folder| (lesson, folder)));
    let tasks = all.filter_map(|(lesson, folder)| Some((lesson, folder, lesson.task(folder)?)));
    tasks
        .map(|(lesson, folder, (file, text))| Exercise::parse(lesson, folder, &file, text))
        .collect()
}
