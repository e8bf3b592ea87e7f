//! Pictures of what was recorded. A view is a function of a recording and a width; it draws nothing that is not there.
//!
//! Views know events and pictures, and neither the lab that recorded nor the terminal that shows.

use crate::analysis::Analysis;
use crate::picture::Picture;
use crate::trace::recording::Recording;

#[cfg(test)]
mod all_tests;
mod bars;
mod boundaries;
mod layers;
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

/// A way to look at a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// Who called what, and what went between them, top to bottom.
    Ladder,
    /// The same calls by several actors or in several parts, a column each.
    SideBySide,
    /// Which sockets there are: protocol, own address, peer's address, what became of them.
    Sockets,
    /// Where the sends began and ended in the bytes, and where the receives did.
    Boundaries,
    /// Measured times, a bar each.
    Bars,
    /// One frame byte by byte, layer by layer, beside the models of seven, four and five.
    Layers,
    /// What was sent again on a time axis: when, what was lost, and what ended it.
    Retries,
    /// A band an actor, time along the bottom: running, ready, blocked in which call.
    Timeline,
    /// The textbook's states of a process, with this run's counts and times.
    States,
    /// Measured values against a number, on logarithmic axes.
    Plot,
    /// Every call, a line each.
    Trace,
}

/// How sequence and acknowledgment numbers are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SeqNumbers {
    /// Counted from the connection's start: the SYN's is 0.
    #[default]
    Relative,
    /// As they stand in the header.
    Raw,
}

/// Every view, by the name that lessons use.
pub const NAMES: [(&str, View); 11] = [
    ("ladder", View::Ladder),
    ("side-by-side", View::SideBySide),
    ("sockets", View::Sockets),
    ("boundaries", View::Boundaries),
    ("bars", View::Bars),
    ("layers", View::Layers),
    ("retries", View::Retries),
    ("timeline", View::Timeline),
    ("states", View::States),
    ("plot", View::Plot),
    ("trace", View::Trace),
];

impl View {
    /// The view of that name.
    #[must_use]
    pub fn find(name: &str) -> Option<View> {
        NAMES.iter().find(|(known, _)| *known == name).map(|(_, view)| *view)
    }

    /// The name that lessons use.
    #[must_use]
    pub fn name(self) -> &'static str {
        NAMES.iter().find(|(_, view)| *view == self).map_or("", |(name, _)| name)
    }

    /// Draws the recording in this many columns, with sequence numbers from the connection's start.
    #[must_use]
    pub fn draw(self, recording: &Recording, width: usize) -> Picture {
        self.draw_with(&Analysis::of(recording), width, SeqNumbers::Relative)
    }

    /// Draws the analysis of a recording in this many columns, with such sequence numbers where there are any.
    #[must_use]
    pub fn draw_with(self, analysis: &Analysis, width: usize, numbers: SeqNumbers) -> Picture {
        match self {
            View::Ladder => sequence_diagram::draw(analysis, width, numbers),
            View::SideBySide => side_by_side::draw(analysis, width),
            View::Sockets => sockets::draw(analysis, width),
            View::Boundaries => boundaries::draw(analysis, width),
            View::Bars => bars::draw(analysis, width),
            View::Layers => layers::draw(analysis, width),
            View::Retries => retries::draw(analysis, width),
            View::Timeline => timeline::draw(analysis, width),
            View::States => states::draw(analysis, width),
            View::Plot => plot::draw(analysis, width),
            View::Trace => trace::draw(analysis, width),
        }
    }
}
