//! Makes the diagram: what the builder makes of the recording, shortened, on the lanes that are used.

use std::collections::{HashMap, HashSet};

use super::builder::Builder;
use super::diagram::{Diagram, Lane, Shape, Step};
use super::fold::{fold_opening, shorten};
use crate::analysis::Analysis;
use crate::analysis::grouping::ThreadNames;
use crate::views::SeqNumbers;

/// Whether a ladder shows how connections open.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Opening {
    Shown,
    Folded,
}

/// Makes the diagram of a recording, with the opening of its connections or without.
pub(super) fn diagram(analysis: &Analysis, numbers: SeqNumbers, opening: Opening) -> Diagram {
    diagram_with(analysis, &ThreadNames::new(), numbers, opening)
}

/// The same, where threads of these names share lanes.
pub(super) fn diagram_with(
    analysis: &Analysis,
    threads: &ThreadNames,
    numbers: SeqNumbers,
    opening: Opening,
) -> Diagram {
    let (mut all, lanes) = Builder::new(analysis, threads).build(numbers);
    if opening == Opening::Folded {
        all = fold_opening(all);
    }
    let mut steps = shorten(all);
    let used: HashSet<usize> = steps.iter().flat_map(Step::lanes).collect();
    let mut kept: Vec<usize> = (0..lanes.len()).filter(|lane| used.contains(lane)).collect();
    // Clients stand on the left, servers on the right, as in the books.
    kept.sort_by_key(|lane| lanes[*lane].side);
    let new: HashMap<usize, usize> =
        kept.iter().enumerate().map(|(new, old)| (*old, new)).collect();
    steps.iter_mut().for_each(|step| step.renumber(&new));
    let mut lanes: Vec<Option<Lane>> = lanes.into_iter().map(Some).collect();
    let lanes: Vec<Lane> =
        kept.into_iter().filter_map(|lane| lanes.get_mut(lane).and_then(Option::take)).collect();
    let wired = steps.iter().any(|step| matches!(step.shape, Shape::Segment(_)));
    let two_ends = lanes.len() == 2 && wired;
    Diagram { lanes, steps, two_ends, grouped: false, connections_left_out: 0 }
}
