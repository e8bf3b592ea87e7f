//! What pictures show of a recording, where that is not all of it. What they say of it still comes from the whole recording.

use std::collections::HashSet;

use super::{Event, EventKind, Name};

/// What is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    /// Whose events.
    pub actors: HashSet<Name>,
    /// Which frames, by their numbers.
    pub frames: HashSet<u64>,
}

impl Shown {
    /// True if it is shown: what the experiment itself did is.
    #[must_use]
    pub fn has(&self, event: &Event) -> bool {
        match &event.what {
            EventKind::Frame(frame) => self.frames.contains(&frame.frame),
            EventKind::Delivered { frame } => self.frames.contains(frame),
            _ => !event.is_by_actor() || self.actors.contains(&event.actor),
        }
    }
}
