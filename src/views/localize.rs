//! A recording in the words of the language that is spoken: actors, parts, purposes, deeds, what was measured and counted, and
//! what claims compare. Calls, errors, addresses and data stay. Every view draws what this gives; none translates a label itself.

use std::borrow::Cow;
use std::sync::Arc;

use crate::i18n::{Language, spoken};
use crate::lexicon::translated;
use crate::trace::recording::Recording;
use crate::trace::{Claim, Event, EventKind, Evidence, Frame, Name, Value};

/// The recording as it is told. In English that is the recording itself.
pub fn recording(recording: &Recording) -> Cow<'_, Recording> {
    if spoken() == Language::ENGLISH {
        return Cow::Borrowed(recording);
    }
    let events = recording.events().iter().map(|one| event(one).into_owned()).collect();
    Cow::Owned(Recording::new(recording.header.clone(), events))
}

/// One event as it is told.
pub(super) fn event(event: &Event) -> Cow<'_, Event> {
    if spoken() == Language::ENGLISH {
        return Cow::Borrowed(event);
    }
    let mut told = event.clone();
    name(&mut told.actor);
    match &mut told.what {
        EventKind::Wait { purpose, .. } => label(purpose),
        EventKind::Deed { deed, .. } => label(deed),
        EventKind::Part { part } => label(part),
        EventKind::Measure { series, label: what, .. } => {
            [series, what].into_iter().for_each(label)
        }
        EventKind::Point { plot, series, against, .. } => {
            [plot, series, against].into_iter().for_each(label)
        }
        EventKind::Count { label: what, source, .. } => [what, source].into_iter().for_each(label),
        EventKind::Claim(claim) => tell(claim),
        EventKind::Deadline { blocked, .. } => {
            blocked.iter_mut().for_each(|one| name(&mut one.actor))
        }
        EventKind::Frame(frame) => {
            let Frame { sender, receiver, .. } = Arc::make_mut(frame);
            [sender, receiver].into_iter().flatten().for_each(name);
        }
        _ => {}
    }
    Cow::Owned(told)
}

fn tell(claim: &mut Claim) {
    for Evidence { what, with_what, saw, with, .. } in &mut claim.evidence {
        label(what);
        with_what.iter_mut().for_each(label);
        for value in [saw, with] {
            if let Value::Text(text) = value {
                label(text);
            }
        }
    }
}

fn label(label: &mut Cow<'static, str>) {
    if let Some(known) = translated(label) {
        *label = known;
    }
}

fn name(name: &mut Name) {
    if let Some(known) = translated(name) {
        *name = known.as_ref().into();
    }
}
