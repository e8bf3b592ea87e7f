//! Pictures of what was recorded. A view is a function of a recording and a width; it draws nothing that is not there.
//!
//! Views know events and pictures, and neither the lab that recorded nor the terminal that shows.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt;
use std::rc::Rc;
use std::sync::LazyLock;

use linkme::distributed_slice;

use crate::analysis::Analysis;
use crate::picture::Picture;
use crate::trace::recording::Recording;

#[cfg(test)]
mod all_tests;
mod bars;
mod boundaries;
mod commands;
pub mod findings;
mod layers;
mod legend;
#[cfg(test)]
mod mutation_tests;
mod plot;
pub mod poll_chart;
mod retries;
mod sequence_diagram;
mod side_by_side;
mod sockets;
mod states;
pub mod step;
mod timeline;
pub mod trace;
pub(crate) mod wording;

pub use sequence_diagram::VIEW as LADDER;

/// A way to look at a recording, which [`view!`] declares.
#[derive(Clone, Copy)]
pub struct View {
    name: &'static str,
    draw: fn(&Analysis, usize, DrawOptions<'_>) -> Picture,
}

/// Declares the function below it as a view, by the name that lessons use.
macro_rules! view {
    ($name:literal, $draw:expr) => {
        #[::linkme::distributed_slice($crate::views::VIEWS)]
        /// This view.
        pub static VIEW: $crate::views::View = $crate::views::View { name: $name, draw: $draw };
    };
}

use view;

/// The views, in the order in which the linker found them.
#[distributed_slice]
static VIEWS: [View];

/// How sequence and acknowledgment numbers are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SeqNumbers {
    /// Counted from the connection's start: the SYN's is 0.
    #[default]
    Relative,
    /// As they stand in the header.
    Raw,
}

/// How a view draws.
#[derive(Clone, Copy, Debug, Default)]
pub struct DrawOptions<'a> {
    pub numbers: SeqNumbers,
    /// What the reader has been told; `None` if each picture explains all its marks.
    pub explained: Option<&'a Explained>,
}

impl DrawOptions<'_> {
    /// Whether this explanation of a mark is new to the reader.
    fn explains(&self, words: &str) -> bool {
        self.explained.is_none_or(|explained| explained.is_new(words))
    }

    /// The explanations of the marks that occur and that are new to the reader.
    fn explanations<'t>(&self, marks: impl IntoIterator<Item = (bool, &'t str)>) -> Vec<&'t str> {
        let marks = marks.into_iter();
        marks
            .filter_map(|(occurs, words)| (occurs && self.explains(words)).then_some(words))
            .collect()
    }
}

/// The explanations that a reader has been given, each in the first picture that needs it.
#[derive(Debug, Default)]
pub struct Explained {
    all: Rc<RefCell<BTreeSet<String>>>,
    /// Those in this picture, which has them again when it is drawn again.
    here: Option<RefCell<BTreeSet<String>>>,
}

impl Explained {
    /// The same, for one picture.
    #[must_use]
    pub fn for_picture(&self) -> Explained {
        Explained { all: self.all.clone(), here: Some(RefCell::default()) }
    }

    /// True the first time.
    pub fn is_new(&self, words: &str) -> bool {
        let is_first = self.all.borrow_mut().insert(words.to_owned());
        let Some(here) = &self.here else { return is_first };
        if is_first {
            here.borrow_mut().insert(words.to_owned());
        }
        here.borrow().contains(words)
    }
}

/// Every view, ordered by name.
pub fn all() -> impl Iterator<Item = View> {
    static SORTED: LazyLock<Vec<View>> = LazyLock::new(|| {
        let mut all = VIEWS.to_vec();
        all.sort_by_key(|view| view.name);
        all
    });
    SORTED.iter().copied()
}

impl View {
    /// The view of that name.
    #[must_use]
    pub fn find(name: &str) -> Option<View> {
        VIEWS.iter().copied().find(|view| view.name == name)
    }

    /// The name that lessons use.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.name
    }

    /// Draws the recording in this many columns, with every mark explained.
    #[must_use]
    pub fn draw(self, recording: &Recording, width: usize) -> Picture {
        self.draw_with(&Analysis::of(recording), width, DrawOptions::default())
    }

    /// Draws the analysis of a recording in this many columns.
    #[must_use]
    pub fn draw_with(self, analysis: &Analysis, width: usize, options: DrawOptions) -> Picture {
        (self.draw)(analysis, width, options)
    }
}

impl PartialEq for View {
    fn eq(&self, other: &View) -> bool {
        self.name == other.name
    }
}

impl fmt::Debug for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}
