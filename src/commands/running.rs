//! What a person is told while an experiment runs, once it takes longer than a moment.

use std::time::Duration;

use super::shipped;
use crate::output::terminal::Terminal;
use crate::output::terminal::progress_line::{Length, ProgressLine};

/// The line about the run, or about all runs of a command that makes several.
#[derive(Default)]
pub(super) struct Running {
    line: Option<ProgressLine>,
    /// How long a run of this experiment took when it was recorded; `None` if nobody has asked yet.
    length: Option<Length>,
    /// The runs that are over, and all, if the command makes several.
    runs: Option<(usize, usize)>,
}

impl Running {
    /// So many runs follow: one line tells how many of them are over.
    pub(super) fn expect(&mut self, all: usize) {
        self.runs = Some((0, all));
    }

    /// A run begins.
    pub(super) fn begin(&mut self, terminal: &Terminal) {
        self.length = None;
        if self.runs.is_none() || self.line.is_none() {
            self.line = Some(ProgressLine::new(terminal));
        }
    }

    /// Time passes in a run of this experiment.
    pub(super) fn tick(&mut self, experiment: &str) {
        let (length, runs) = (&mut self.length, self.runs);
        if let Some(line) = &mut self.line {
            line.tick(|| match runs {
                Some((done, all)) => Length::Pieces { done, all },
                None => *length.get_or_insert_with(|| length_of(experiment)),
            });
        }
    }

    /// Something else is about to be written.
    pub(super) fn pause(&mut self) {
        self.line.iter_mut().for_each(ProgressLine::erase);
    }

    /// The run is over.
    pub(super) fn end(&mut self) {
        self.pause();
        match &mut self.runs {
            Some((done, _)) => *done += 1,
            None => self.line = None,
        }
    }
}

/// How long the run took that ships with the program.
fn length_of(experiment: &str) -> Length {
    let last = shipped::recording(experiment)
        .and_then(|shipped| shipped.events().iter().map(|event| event.at_ns).max());
    last.map_or(Length::Unknown, |at_ns| Length::About(Duration::from_nanos(at_ns)))
}
