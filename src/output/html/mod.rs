//! A lesson that was run, as one page of HTML: what the player found, in the order in which it is told, and what becomes of it.
//!
//! It runs nothing and asks nobody: [`Page`] is what the player made, and [`Page::html`] shows it. The pictures are those of the
//! terminal, drawn twice, wide and narrow, from one recording; a style sheet shows the one that fits. No script, nothing fetched.

use crate::picture::Picture;
use crate::trace::{Counts, Verdict};

mod markup;
mod prose;

/// Columns of the pictures for wide windows and for paper.
pub const WIDE: usize = 80;
/// Columns of the pictures for a telephone: 380 pixels, margins off.
pub const NARROW: usize = 43;

/// A lesson, told.
#[derive(Clone, Debug)]
pub struct Page {
    /// Its number in the course; `None` for a file from outside.
    pub number: Option<u32>,
    /// Its title.
    pub title: String,
    /// The question it answers.
    pub question: String,
    /// Where and when it was run.
    pub made: Made,
    /// What it tells, in order.
    pub steps: Vec<Step>,
    /// How its claims came out.
    pub counts: Counts,
    /// Its neighbours, if it stands in a book.
    pub place: Option<Place>,
}

/// Where and when a page was made.
#[derive(Clone, Debug)]
pub struct Made {
    /// The kernel: `Linux 6.18.44 x86_64`.
    pub kernel: String,
    /// The time, in UTC (RFC 3339).
    pub date: String,
}

/// A page's place in a book.
#[derive(Clone, Debug, Default)]
pub struct Place {
    /// The lesson before it.
    pub previous: Option<Link>,
    /// The lesson after it.
    pub next: Option<Link>,
}

/// Another page of the book.
#[derive(Clone, Debug)]
pub struct Link {
    /// Its file, in the same folder.
    pub file: String,
    /// Its number in the course.
    pub number: Option<u32>,
    /// What it is called.
    pub title: String,
}

/// One step of a lesson.
#[derive(Clone, Debug)]
pub enum Step {
    /// Something to read: CommonMark.
    Prose(String),
    /// Something to predict.
    Predict {
        /// The question.
        question: String,
        /// What may happen.
        options: Vec<String>,
    },
    /// What was run, and what came of it.
    Run(Box<Run>),
}

/// What was run, and what came of it.
#[derive(Clone, Debug)]
pub struct Run {
    /// The experiment.
    pub experiment: String,
    /// Its source, if it is shown.
    pub code: Option<Code>,
    /// Set if this is not a run but a recording of one.
    pub recorded: Option<Recorded>,
    /// What went wrong with it: a deadline that struck.
    pub troubles: Vec<String>,
    /// Every call, a line each.
    pub trace: Picture,
    /// How many lines the trace has more than are shown.
    pub trace_more: usize,
    /// Its pictures.
    pub pictures: Vec<Drawn>,
    /// Its claims.
    pub claims: Vec<Checked>,
    /// What the prediction before it should have been.
    pub answer: Option<String>,
}

/// Why a recording is shown, and whose it is.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// Why it did not run.
    pub why: String,
    /// Where and when it was recorded.
    pub made: Made,
}

/// Source code.
#[derive(Clone, Debug)]
pub struct Code {
    /// The file, from the project's root.
    pub path: String,
    /// The first line's number.
    pub first: u32,
    /// The lines.
    pub lines: Vec<String>,
}

/// One view of one recording, twice.
#[derive(Clone, Debug)]
pub struct Drawn {
    /// The view's name.
    pub view: String,
    /// In [`WIDE`] columns.
    pub wide: Picture,
    /// In [`NARROW`] columns.
    pub narrow: Picture,
}

/// A claim, and what came of it.
#[derive(Clone, Debug)]
pub struct Checked {
    /// Its sentence.
    pub sentence: String,
    /// What came of it.
    pub verdict: Verdict,
    /// What was compared with what, and whether it came out, the worst first.
    pub evidence: Vec<(bool, String)>,
    /// Why it was not checked, or how it broke.
    pub why: Option<String>,
}

/// All lessons of a language: the page that leads to the others.
#[derive(Clone, Debug)]
pub struct Index {
    /// Where and when the book was made.
    pub made: Made,
    /// Its lessons, in order.
    pub lessons: Vec<Chapter>,
}

/// A line of the index.
#[derive(Clone, Debug)]
pub struct Chapter {
    /// Where it is, and its title.
    pub link: Link,
    /// The question it answers.
    pub question: String,
    /// How its claims came out.
    pub counts: Counts,
}
