//! What the lines and marks of a ladder mean: those that occur in it.

use unicode_width::UnicodeWidthStr;

use super::diagram::{Diagram, KnownBy, Line, Shape, Step, Transit};
use crate::i18n::tr;
use crate::views::DrawOptions;

/// Columns between two explanations.
const GAP: usize = 3;

/// All that is to be explained.
pub(super) fn of(diagram: &Diagram) -> Vec<&'static str> {
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
    let marks = marks.into_iter().filter_map(|(occurs, says)| occurs.then_some(says));
    marks.chain(of_states(diagram)).collect()
}

/// What is to be explained of TCP states.
pub(super) fn of_states(diagram: &Diagram) -> Vec<&'static str> {
    let has = |by: KnownBy| {
        diagram
            .steps
            .iter()
            .any(|step| matches!(step.shape, Shape::State { known_by, .. } if known_by == by))
    };
    let states = [
        (KnownBy::Segments, tr!("(STATE) follows from the segments")),
        (KnownBy::Asking, tr!("asked: the kernel's answer then")),
    ];
    states.into_iter().filter_map(|(by, says)| has(by).then_some(says)).collect()
}

/// The explanations that are new to the reader, in lines of this width.
pub(super) fn lines(explanations: Vec<&str>, width: usize, options: DrawOptions) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for explanation in explanations.into_iter().filter(|words| options.explains(words)) {
        match lines.last_mut() {
            Some(line) if line.width() + GAP + explanation.width() <= width => {
                line.extend([" ".repeat(GAP).as_str(), explanation]);
            }
            _ => lines.extend(crate::text::wrap(explanation, width)),
        }
    }
    lines
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
