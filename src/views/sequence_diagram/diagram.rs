//! What a ladder shows, step by step, before it is drawn.

use std::collections::HashMap;

use crate::analysis::Side;
use crate::picture::Ink;
use crate::picture::phrase::Phrase;
use crate::trace::packet::{Flags, LinkAction};

/// An actor's lane.
#[derive(Debug)]
pub(super) struct Lane {
    /// What the actor is called.
    pub(super) name: String,
    /// The first process in it.
    pub(super) process: u32,
    /// There is no other process in it: children of that one.
    pub(super) is_alone: bool,
    pub(super) side: Side,
}

/// What an arrow is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// Bytes.
    Data,
    /// About the connection: it opens, it ends.
    Control,
}

/// What one step shows.
#[derive(Clone, Debug)]
pub(super) enum Shape {
    /// A heading across all lanes.
    Part(String),
    /// A remark across all lanes.
    Note(String, Ink),
    /// A faint remark, between the first two lanes.
    Aside(Phrase),
    /// A call at its lane; those that `join` may share a row.
    Call { lane: usize, words: Phrase, ink: Ink, joins: bool },
    /// Something goes from lane to lane.
    Arrow(Arrow),
    /// A frame between two lanes.
    Segment(SegmentRow),
    /// An end's TCP state, beside its lane.
    State { lane: usize, state: String, known_by: KnownBy },
    /// Steps like those before it are left out.
    Fold(String),
}

/// How a TCP state is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KnownBy {
    /// It follows from the segments, and stands where it came about.
    Segments,
    /// The kernel was asked, and it stands where that was; it may have been so for long.
    Asking,
}

/// Which part of a frame's transit a row shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Transit {
    /// All of it, and how long it took if that is worth saying.
    Whole(Option<Phrase>),
    /// It leaves; something else happens before it arrives.
    Leaves,
    /// It arrives, so long after it left.
    Arrives(Phrase),
    /// It is lost, for this reason.
    Stops(Phrase),
}

/// A frame between two lanes.
#[derive(Clone, Debug)]
pub(super) struct SegmentRow {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) words: Phrase,
    pub(super) ink: Ink,
    pub(super) transit: Transit,
    /// How many bytes of data it carries.
    pub(super) bytes: usize,
}

/// An arrow between two lanes.
#[derive(Clone, Debug)]
pub(super) struct Arrow {
    pub(super) from: usize,
    /// The lane it is meant for; `None` if there is none.
    pub(super) to: Option<usize>,
    pub(super) line: Line,
    /// Phrase at its start: the sending call.
    pub(super) tail: Phrase,
    /// The data on it, and how many bytes.
    pub(super) data: Option<(String, usize)>,
    /// Phrase at its head: the receiving call, or what is there meanwhile.
    pub(super) head: Phrase,
    pub(super) head_ink: Ink,
    /// True if the words at its head give a number of bytes: then the data's own must stand beside it.
    pub(super) head_counts: bool,
    /// True if the words at its head say what the data on it does not.
    pub(super) head_matters: bool,
    /// Why it does not arrive, if it does not.
    pub(super) stops: Option<String>,
}

/// What steps have in common that look alike, and may be folded: all but times, addresses and data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Likeness {
    Part(String),
    Wait {
        lane: Option<usize>,
        purpose: String,
    },
    Deed {
        lane: usize,
        deed: String,
    },
    Enter {
        lane: usize,
        function: String,
    },
    Return {
        lane: usize,
        function: String,
    },
    Call {
        lane: usize,
        function: String,
        errno: Option<String>,
        arrow: Option<ArrowLikeness>,
    },
    State {
        lane: usize,
        state: String,
        source: Option<String>,
    },
    Segment {
        from: usize,
        to: usize,
        flags: Option<Flags>,
        again: bool,
        action: Option<LinkAction>,
        leaves: bool,
    },
    Arp,
    ArpFrame {
        from: usize,
        asks: bool,
    },
    Unanswered,
    Other,
}

/// What arrows have in common that look alike: where they go, which call takes what they bring, why they stop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ArrowLikeness {
    pub(super) to: Option<usize>,
    pub(super) head: Option<String>,
    pub(super) stops: Option<String>,
}

/// An address that a call names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Named {
    /// In full.
    pub(super) address: String,
    /// Of a connection that was accepted, the address's host and its port with the colon: of a host that is known the port is enough.
    pub(super) accepted: Option<(String, String)>,
    /// Who named it with which call: `server: accept → 127.0.0.1:4000`.
    pub(super) words: String,
}

/// One row of the ladder, or a little more.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) at_ns: u64,
    pub(super) shape: Shape,
    pub(super) likeness: Likeness,
    /// The address that its words name, where they do; with too few columns for all of it, it is told below.
    pub(super) named: Option<Named>,
    /// True if it can be spared when there are many.
    pub(super) minor: bool,
    /// True if it went as it should, and many like it can be told in one.
    pub(super) uneventful: bool,
    /// True if it is how any connection opens.
    pub(super) opens: bool,
    /// The lanes that are blocked meanwhile.
    pub(super) blocked: Vec<usize>,
    /// The lanes whose processes have ended.
    pub(super) ended: Vec<usize>,
}

/// All of it.
#[derive(Debug)]
pub(super) struct Diagram {
    pub(super) lanes: Vec<Lane>,
    pub(super) steps: Vec<Step>,
    /// True if it is about two ends of a wire: the first lane's words may stand on its left.
    pub(super) two_ends: bool,
    /// True if a lane is a program with all its threads and child processes.
    pub(super) grouped: bool,
    /// So many connections are like one that is shown.
    pub(super) connections_left_out: usize,
}

impl Step {
    pub(super) fn new(at_ns: u64, shape: Shape, likeness: Likeness) -> Step {
        Step {
            at_ns,
            shape,
            likeness,
            named: None,
            minor: false,
            uneventful: false,
            opens: false,
            blocked: Vec::new(),
            ended: Vec::new(),
        }
    }

    /// The same step, marked if it is how any connection opens.
    pub(super) fn opening(self, opens: bool) -> Step {
        Step { opens, ..self }
    }

    pub(super) fn lanes(&self) -> Vec<usize> {
        match &self.shape {
            Shape::Call { lane, .. } | Shape::State { lane, .. } => vec![*lane],
            Shape::Segment(segment_row) => vec![segment_row.from, segment_row.to],
            Shape::Arrow(arrow) => [Some(arrow.from), arrow.to].into_iter().flatten().collect(),
            Shape::Part(_) | Shape::Aside(_) | Shape::Note(..) | Shape::Fold(_) => Vec::new(),
        }
    }

    pub(super) fn renumber(&mut self, new: &HashMap<usize, usize>) {
        match &mut self.shape {
            Shape::Call { lane, .. } | Shape::State { lane, .. } => *lane = new[lane],
            Shape::Segment(segment_row) => {
                (segment_row.from, segment_row.to) = (new[&segment_row.from], new[&segment_row.to])
            }
            Shape::Arrow(arrow) => {
                arrow.from = new[&arrow.from];
                arrow.to = arrow.to.map(|to| new[&to]);
            }
            Shape::Part(_) | Shape::Aside(_) | Shape::Note(..) | Shape::Fold(_) => {}
        }
        for lanes in [&mut self.blocked, &mut self.ended] {
            *lanes = lanes.iter().filter_map(|lane| new.get(lane).copied()).collect();
        }
    }
}

impl SegmentRow {
    /// True if the row before this one of it has told that it left.
    pub(super) fn is_arrival(&self) -> bool {
        matches!(self.transit, Transit::Arrives(_))
    }

    /// What is to be said of its arrival.
    pub(super) fn notes(&self) -> &[String] {
        match &self.transit {
            Transit::Whole(Some(notes)) | Transit::Arrives(notes) => notes,
            Transit::Whole(None) | Transit::Leaves | Transit::Stops(_) => &[],
        }
    }
}
