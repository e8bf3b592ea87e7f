//! A lesson that was run, as one HTML page: [`Page`] is its content, and [`Page::html`] renders it. [`RecordingPage`] is that of
//! recordings alone.
//!
//! The pictures are those of the terminal, drawn twice, wide and narrow, from one recording; the style sheet shows the one that
//! fits. No script, nothing fetched.

use crate::picture::Picture;
use crate::trace::{Counts, Verdict};

mod markup;
mod prose;
mod recording;

pub use recording::{RecordingPage, Replayed};

/// Columns of the pictures for wide windows and for paper.
pub const WIDE: usize = 80;
/// Columns of the pictures for a telephone: 380 pixels, margins off.
pub const NARROW: usize = 43;

#[derive(Clone, Debug)]
pub struct Page {
    pub number: Option<u32>,
    pub title: String,
    pub question: String,
    pub provenance: Provenance,
    pub sections: Vec<Section>,
    pub counts: Counts,
    /// Its neighbours, if it stands in a book.
    pub place: Option<Place>,
}

/// Where and when a page was made.
#[derive(Clone, Debug)]
pub struct Provenance {
    /// The kernel: `Linux 6.18.44 x86_64`.
    pub kernel: String,
    /// The time, in UTC (RFC 3339).
    pub date: String,
}

/// A page's place in a book.
#[derive(Clone, Debug, Default)]
pub struct Place {
    pub previous: Option<Link>,
    pub next: Option<Link>,
}

/// Another page of the book.
#[derive(Clone, Debug)]
pub struct Link {
    /// Its file, in the same folder.
    pub file: String,
    pub number: Option<u32>,
    pub title: String,
}

#[derive(Clone, Debug)]
pub enum Section {
    /// CommonMark.
    Prose(String),
    Predict {
        question: String,
        options: Vec<String>,
    },
    Run(Box<Run>),
    /// The core ends here, and the further experiments begin.
    Further,
}

/// A run and its results.
#[derive(Clone, Debug)]
pub struct Run {
    pub experiment: String,
    /// The command that shows all of its trace.
    pub command: String,
    /// The functions that are shown.
    pub code: Vec<Code>,
    /// Set if this is not a run but a recording of one.
    pub recorded: Option<Recorded>,
    /// Sentences about a deadline that passed.
    pub troubles: Vec<String>,
    /// Every call, a line each.
    pub trace: Picture,
    /// How many lines of the trace are left out.
    pub trace_more: usize,
    pub pictures: Vec<Drawn>,
    pub claims: Vec<Checked>,
    /// The right answer of the prediction before it.
    pub answer: Option<String>,
}

/// Why a recording is shown, and where it was made.
#[derive(Clone, Debug)]
pub struct Recorded {
    pub why: String,
    pub provenance: Provenance,
}

#[derive(Clone, Debug)]
pub struct Code {
    /// The file, from the project's root.
    pub path: String,
    pub parts: Vec<CodePart>,
}

/// Neighbouring lines of code.
#[derive(Clone, Debug)]
pub struct CodePart {
    /// The first line's number.
    pub first: u32,
    pub lines: Vec<String>,
    /// What is shown instead, until a reader opens it.
    pub folded: Option<String>,
}

/// One view of one recording, twice.
#[derive(Clone, Debug)]
pub struct Drawn {
    pub view: String,
    /// In [`WIDE`] columns.
    pub wide: Picture,
    /// In [`NARROW`] columns.
    pub narrow: Picture,
}

/// A claim with its verdict.
#[derive(Clone, Debug)]
pub struct Checked {
    pub sentence: String,
    pub verdict: Verdict,
    /// The comparisons, each with whether it held; those that did not come first.
    pub evidence: Vec<(bool, String)>,
    /// Why it was not checked, or how it broke.
    pub why: Option<String>,
}

/// The page that links to all lessons.
#[derive(Clone, Debug)]
pub struct Index {
    pub provenance: Provenance,
    pub lessons: Vec<Chapter>,
}

#[derive(Clone, Debug)]
pub struct Chapter {
    /// Where it is, and its title.
    pub link: Link,
    pub question: String,
    pub counts: Counts,
}
