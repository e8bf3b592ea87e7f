//! What the lines and marks of a ladder mean: those that occur in it.

use super::diagram::{Diagram, KnownBy, Line, Shape, Step, Transit};
use crate::i18n::tr;

/// The marks, and whether they occur.
pub(super) fn of(diagram: &Diagram) -> impl Iterator<Item = (bool, &'static str)> {
    let has = |is: fn(&Step) -> bool| diagram.steps.iter().any(is);
    let has_arrow = |line: Line| {
        diagram.steps.iter().any(
            |step| matches!(&step.shape, Shape::Arrow(arrow) if arrow.line == line && arrow.to.is_some()),
        )
    };
    let marks = [
        (has(|step| !step.blocked.is_empty()), tr!("┃ waits in a call")),
        (has(|step| matches!(step.shape, Shape::Segment(_))), tr!("─▶ a frame on the wire")),
        (has(is_half), tr!("─╌ on its way: it arrives in a later row")),
        (has_arrow(Line::Data), tr!("─▶ bytes")),
        (has_arrow(Line::Control), tr!("╌▶ a connection begins or ends")),
        (has(is_stopped), tr!("✗ does not arrive")),
    ];
    marks.into_iter().chain(of_states(diagram))
}

/// Those of TCP states.
pub(super) fn of_states(diagram: &Diagram) -> impl Iterator<Item = (bool, &'static str)> {
    let has = |by: KnownBy| {
        diagram
            .steps
            .iter()
            .any(|step| matches!(step.shape, Shape::State { known_by, .. } if known_by == by))
    };
    [
        (has(KnownBy::Segments), tr!("(STATE) follows from the segments")),
        (has(KnownBy::Asking), tr!("asked: the kernel's answer then")),
    ]
    .into_iter()
}

/// True for a frame that leaves in one row and arrives in another.
fn is_half(step: &Step) -> bool {
    matches!(&step.shape, Shape::Segment(row) if matches!(row.transit, Transit::Leaves | Transit::Arrives(_)))
}

fn is_stopped(step: &Step) -> bool {
    match &step.shape {
        Shape::Segment(row) => matches!(row.transit, Transit::Stops(_)),
        Shape::Arrow(arrow) => arrow.stops.is_some(),
        _ => false,
    }
}
