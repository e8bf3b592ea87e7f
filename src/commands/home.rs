//! What there is: the lessons, how far this learner has come, and the experiments with their knobs.

use std::io;

use super::{Failure, Player};
use crate::capture::parameter;
use crate::lesson::{self, Entry};
use crate::picture::{Ink, Row};
use crate::progress::{self, Progress};
use crate::words;

/// The columns that the beginning of a lesson's row takes.
pub(super) const TITLE_AT: usize = 20;

impl Player {
    /// Where you are in the course, and what to type next.
    ///
    /// # Errors
    /// [`Failure`], see there.
    pub fn overview(&mut self) -> Result<(), Failure> {
        self.terminal.wrapped("", words::tagline(), Ink::Strong)?;
        self.terminal.blank()?;
        let progress = self.progress();
        self.lessons(&progress)?;
        self.terminal.blank()?;
        let text = match next(&lesson::contents(), &progress) {
            Some(lesson) if progress.is_empty() => words::begin(lesson),
            Some(lesson) => words::go_on_with(lesson),
            None => words::all_done().to_owned(),
        };
        self.terminal.wrapped("", &text, Ink::Good)?;
        let answers: Vec<_> =
            progress.lessons.values().flat_map(|record| record.predictions.values()).collect();
        if !answers.is_empty() {
            let right = answers.iter().filter(|right| ***right).count();
            self.terminal.wrapped(
                "",
                &words::predictions_right(right, answers.len()),
                Ink::Plain,
            )?;
        }
        Ok(self.terminal.flush()?)
    }

    /// The lessons, a line each; [`Player::overview`] says which are finished.
    ///
    /// # Errors
    /// [`Failure`], see there.
    pub fn list(&mut self) -> Result<(), Failure> {
        self.lessons(&Progress::default())?;
        Ok(self.terminal.flush()?)
    }

    fn lessons(&mut self, progress: &Progress) -> Result<(), Failure> {
        for lesson in lesson::contents() {
            let mut row = beginning(lesson.number, lesson.slug, progress);
            if self.terminal.width() < TITLE_AT + 20 {
                self.terminal.row(&row)?;
                self.terminal.wrapped("      ", lesson.title, Ink::Plain)?;
            } else {
                row.pad_to(TITLE_AT);
                self.terminal.row(&row.with(lesson.title, Ink::Plain))?;
            }
        }
        Ok(())
    }

    /// The lessons as one JSON array.
    ///
    /// # Errors
    /// [`Failure`], see there.
    pub fn list_json(&mut self) -> Result<(), Failure> {
        let all: Vec<_> = lesson::lessons()?
            .iter()
            .map(|lesson| {
                let experiments: Vec<_> = lesson.shows().map(|show| show.experiment.name).collect();
                serde_json::json!({ "number": lesson.number, "slug": lesson.slug, "title": lesson.title, "experiments": experiments })
            })
            .collect();
        self.terminal.verbatim(&serde_json::to_string_pretty(&all).map_err(io::Error::from)?)?;
        Ok(self.terminal.flush()?)
    }

    /// The experiments, and what can be set in each.
    ///
    /// # Errors
    /// [`Failure`], see there.
    pub fn list_experiments(&mut self) -> Result<(), Failure> {
        for experiment in lesson::experiments()? {
            self.terminal.wrapped("", experiment.name, Ink::Strong)?;
            for parameter in experiment.parameters {
                let text = words::knob(
                    parameter.name,
                    parameter.default,
                    parameter.help.spoken(),
                    &parameter.kind.takes(),
                );
                self.terminal.wrapped("    --set ", &text, Ink::Plain)?;
            }
        }
        let deadline = &parameter::DEADLINE;
        self.terminal.wrapped(
            "",
            &words::each_also_takes(deadline.name, deadline.default, deadline.help.spoken()),
            Ink::Faint,
        )?;
        Ok(self.terminal.flush()?)
    }

    /// What this learner has finished. A record that cannot be read is set aside, and said once.
    pub(super) fn progress(&self) -> Progress {
        progress::read().unwrap_or_else(|trouble| {
            eprintln!("explore: {trouble}");
            Progress::default()
        })
    }
}

/// How a lesson's row begins: whether it is finished or was left, its number and its slug.
pub(super) fn beginning(number: u32, slug: &str, progress: &Progress) -> Row {
    let mark = match progress.of(slug) {
        Some(record) if record.finished => "✓",
        Some(record) if record.left_after.is_some() => "…",
        _ => " ",
    };
    let mut row = Row::new().with(mark, Ink::Good);
    row.push(format!("{number:>3}  "), Ink::Of(0));
    row.push(slug, Ink::Strong);
    row
}

/// The lesson to go on with: the first that is not finished.
pub(super) fn next<'a>(lessons: &'a [Entry], progress: &Progress) -> Option<&'a Entry> {
    lessons.iter().find(|lesson| !progress.has(lesson.slug))
}
