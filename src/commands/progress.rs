//! How far the learner has come, lesson by lesson: to read, to hand in, to begin anew.

use std::io;

use super::{Failure, Player, home};
use crate::lesson::{self, Lesson, Step};
use crate::picture::Ink;
use crate::progress::{self, Progress};
use crate::words;

impl Player {
    /// Lesson by lesson: finished or not, and how many predictions were right.
    ///
    /// # Errors
    /// [`Failure`], see there.
    pub fn standing(&mut self) -> Result<(), Failure> {
        let progress = self.progress();
        let lessons = lesson::lessons()?;
        for lesson in &lessons {
            let asked = predictions(lesson).count();
            let record = progress.of(&lesson.slug).cloned().unwrap_or_default();
            let state = match (record.finished, &record.left_after) {
                (true, _) => words::finished().to_owned(),
                (false, Some(after)) => words::left_after(after),
                (false, None) => String::new(),
            };
            let mut row =
                home::beginning(lesson.number.unwrap_or_default(), &lesson.slug, &progress);
            row.pad_to(home::TITLE_AT);
            if !record.predictions.is_empty() {
                row.push(
                    words::right_of(record.right(), record.predictions.len(), asked),
                    Ink::Plain,
                );
                row.push("  ", Ink::Plain);
            }
            self.terminal.row(&row.with(state, Ink::Faint))?;
        }
        let finished = lessons.iter().filter(|lesson| progress.has(&lesson.slug)).count();
        self.terminal.blank()?;
        self.terminal.wrapped(
            "",
            &words::lessons_finished(finished, lessons.len()),
            Ink::Strong,
        )?;
        if let Some(path) = progress::path().filter(|path| path.exists()) {
            self.terminal.wrapped("", &words::kept_in(&path), Ink::Faint)?;
        }
        Ok(self.terminal.flush()?)
    }

    /// The same as one JSON object, for a teacher who collects.
    ///
    /// # Errors
    /// [`Failure`], see there.
    pub fn standing_json(&mut self) -> Result<(), Failure> {
        let report = report(&lesson::lessons()?, &self.progress());
        self.terminal.verbatim(&serde_json::to_string_pretty(&report).map_err(io::Error::from)?)?;
        Ok(self.terminal.flush()?)
    }

    /// Begins anew; what was noted is set aside.
    ///
    /// # Errors
    /// [`Failure::Unable`] if it cannot be.
    pub fn begin_anew(&mut self) -> Result<(), Failure> {
        let aside = progress::reset().map_err(|trouble| Failure::Unable(trouble.to_string()))?;
        self.terminal.wrapped("", &words::begun_anew(aside.as_deref()), Ink::Plain)?;
        Ok(self.terminal.flush()?)
    }
}

/// The experiments that answer a lesson's predictions.
fn predictions(lesson: &Lesson) -> impl Iterator<Item = &str> {
    lesson.steps.windows(2).filter_map(|pair| match pair {
        [Step::Predict(_), Step::Experiment(show)] => Some(show.experiment.name),
        _ => None,
    })
}

fn report(lessons: &[Lesson], progress: &Progress) -> serde_json::Value {
    let each: Vec<_> = lessons
        .iter()
        .map(|lesson| {
            let record = progress.of(&lesson.slug).cloned().unwrap_or_default();
            let answers: Vec<_> = predictions(lesson)
                .filter_map(|name| Some(serde_json::json!({ "experiment": name, "right": record.predictions.get(name)? })))
                .collect();
            serde_json::json!({
                "number": lesson.number,
                "slug": lesson.slug,
                "title": lesson.title,
                "finished": record.finished,
                "left_after": record.left_after,
                "predictions": {
                    "in_lesson": predictions(lesson).count(),
                    "answered": record.predictions.len(),
                    "right": record.right(),
                    "wrong": record.predictions.len() - record.right(),
                    "first_answers": answers,
                },
            })
        })
        .collect();
    serde_json::json!({
        "format": "socket-explorer progress report",
        "version": 1,
        "program": env!("CARGO_PKG_VERSION"),
        "finished": lessons.iter().filter(|lesson| progress.has(&lesson.slug)).count(),
        "lessons": each,
    })
}
