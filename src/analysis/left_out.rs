//! From when on a recording lacks what the programs did.

use super::Analysis;
use crate::trace::{EventKind, LAB, Note};

impl Analysis<'_> {
    /// When the recording had grown to its bound; `None` if it has not. Of what the programs did later only how they ended is recorded.
    pub fn left_out_since_ns(&self) -> Option<u64> {
        let events = self.recording.events();
        let is_cut = events.iter().any(|event| {
            &*event.actor == LAB
                && matches!(event.what, EventKind::Note { note: Note::LeftOut { .. } })
        });
        let is_ordinary = |what: &EventKind| !matches!(what, EventKind::Exited { .. });
        let last = events.iter().rev().find(|it| it.is_by_actor() && is_ordinary(&it.what));
        last.map(|event| event.at_ns).filter(|_| is_cut)
    }
}
