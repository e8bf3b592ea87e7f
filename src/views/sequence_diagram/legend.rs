//! What the lines and marks of a ladder mean: those that occur in it.

use std::collections::HashSet;

use super::diagram::{Diagram, KnownBy, Line, Named, Shape, Step, Transit};
use crate::i18n::{tr, tr_n};

/// The addresses that a ladder's calls name: with few columns some are drawn in short, or not at all, and are told below.
#[derive(Default)]
pub(super) struct Addresses {
    drawn: HashSet<String>,
    shortened: Vec<Named>,
    /// Accepted connections of which the port is drawn.
    by_port: Vec<Named>,
}

impl Addresses {
    /// Notes what these steps name, as they were drawn.
    pub(super) fn note(&mut self, steps: &[Step], drawn: &str) {
        let is_folded = |step: &&Step| matches!(step.shape, Shape::Fold(_));
        let shown = steps.iter().filter(|step| !is_folded(step));
        for named in shown.filter_map(|step| step.named.as_ref()) {
            let ends = |at: usize| !drawn[at..].starts_with(|next: char| next.is_ascii_digit());
            let mut found = drawn.match_indices(&named.address);
            if found.any(|(at, address)| ends(at + address.len())) {
                self.drawn.insert(named.address.clone());
            } else if named.accepted.as_ref().is_some_and(|(_, port)| drawn.contains(port)) {
                self.by_port.push(named.clone());
            } else {
                self.shortened.push(named.clone());
            }
        }
    }

    /// The first call that names each address which is nowhere drawn in full.
    pub(super) fn untold(mut self) -> Vec<String> {
        let mut untold = std::mem::take(&mut self.shortened);
        let told: Vec<&String> =
            self.drawn.iter().chain(untold.iter().map(|named| &named.address)).collect();
        let is_known = |named: &Named| {
            let host = named.accepted.as_ref().map(|(host, _)| host);
            host.is_some_and(|host| told.iter().any(|address| address.starts_with(host)))
        };
        let (_, of_other_hosts): (Vec<Named>, Vec<Named>) =
            self.by_port.iter().cloned().partition(is_known);
        untold.extend(of_other_hosts);
        untold.retain(|named| self.drawn.insert(named.address.clone()));
        untold.into_iter().map(|named| named.words).collect()
    }
}

/// The marks, and whether they occur.
pub(super) fn of(diagram: &Diagram) -> impl Iterator<Item = (bool, &'static str)> {
    let has = |is: fn(&Step) -> bool| diagram.steps.iter().any(is);
    let has_arrow = |line: Line| {
        diagram.steps.iter().any(
            |step| matches!(&step.shape, Shape::Arrow(arrow) if arrow.line == line && arrow.to.is_some()),
        )
    };
    let waits = has(|step| !step.blocked.is_empty());
    let marks = [
        (waits && !diagram.grouped, tr!("┃ waits in a call")),
        (waits && diagram.grouped, tr!("┃ one of its threads waits; the others go on")),
        (has(|step| matches!(step.shape, Shape::Segment(_))), tr!("─▶ a frame on the wire")),
        (has(is_half), tr!("─╌ on its way: it arrives in a later row")),
        (has_arrow(Line::Data), tr!("─▶ bytes")),
        (has_arrow(Line::Control), tr!("╌▶ a connection begins or ends")),
        (has(is_lost), tr!("✗ does not arrive")),
        (has(is_refused), tr!("✗ fails")),
    ];
    marks.into_iter().chain(of_states(diagram))
}

/// What is said of the connections that are not shown.
pub(super) fn connections_left_out(diagram: &Diagram) -> Option<String> {
    let count = diagram.connections_left_out;
    (count > 0).then(|| {
        tr_n!(
            count,
            "{count} more connection between the same two is not shown (--view sockets has all)",
            "{count} more connections between the same two are not shown (--view sockets has all)",
            count
        )
    })
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

fn is_lost(step: &Step) -> bool {
    match &step.shape {
        Shape::Segment(row) => matches!(row.transit, Transit::Stops(_)),
        Shape::Arrow(arrow) => arrow.stops.is_some() && arrow.line == Line::Data,
        _ => false,
    }
}

/// True for a connect() that failed: its SYN may have arrived, and been answered with a reset.
fn is_refused(step: &Step) -> bool {
    matches!(&step.shape, Shape::Arrow(arrow) if arrow.stops.is_some() && arrow.line == Line::Control)
}
