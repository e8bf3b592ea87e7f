//! The models of seven, four and five layers side by side.

use super::parts::{Part, ink};
use crate::i18n::{Text, tr};
use crate::picture::table::{self, Column};
use crate::picture::{Ink, Row};

/// The seven of OSI (ISO/IEC 7498-1) from the top, and beside each what the other two models call it, with the bracket
/// that holds together what is one layer there.
pub(super) const LAYERS: [[Text; 3]; 7] = [
    [Text("7 application"), Text("┐ application"), Text("┐ application")],
    [Text("6 presentation"), Text("│"), Text("│")],
    [Text("5 session"), Text("┘"), Text("┘")],
    [Text("4 transport"), Text("· transport"), Text("· transport")],
    [Text("3 network"), Text("· internet"), Text("· network")],
    [Text("2 data link"), Text("┐ network interface"), Text("· data link")],
    [Text("1 physical"), Text("┘"), Text("· physical")],
];

/// Why a layer has no bytes in this frame.
fn why_none(osi: usize) -> &'static str {
    match osi {
        1 => tr!("signals, not bytes"),
        5 | 6 => tr!("left to programs"),
        7 => tr!("no payload here"),
        _ => tr!("not needed here"),
    }
}

/// The three models side by side, and whose bytes these are.
pub(super) fn models(parts: &[Part], width: usize, rows: &mut Vec<Row>) {
    let count = Column::right(5, "  ");
    // What has no room is left out.
    let mut columns = match width {
        60.. => vec![Column::left(16, " "), Column::left(20, " "), Column::left(14, ""), count],
        44.. => vec![Column::left(16, " "), Column::left(20, " "), count],
        40.. => vec![Column::left(14, " "), Column::left(19, " "), Column::right(5, "")],
        _ => vec![Column::left(14, " "), count],
    };
    let models = columns.len() - 1;
    let room = width.saturating_sub(table::width(&columns));
    columns.extend((room >= 12).then_some(Column::left(room, "")));
    let line = |names: [(&str, Ink); 3], bytes: [(&str, Ink); 2]| {
        let cells = names.into_iter().take(models).chain(bytes);
        table::row(cells.map(|(text, ink)| Row::new().with(text, ink)), &columns)
    };
    let head = Ink::Strong;
    rows.push(line(
        [("OSI", head), ("  TCP/IP", head), (tr!("  as taught"), head)],
        [(tr!("bytes"), head), ("", head)],
    ));
    for (osi, names) in (1..=7).rev().zip(LAYERS) {
        let [seven, four, five] = names.map(Text::spoken);
        let here: Vec<&Part> = parts.iter().filter(|part| part.osi == osi).collect();
        let count: usize = here.iter().map(|part| part.bytes.len()).sum();
        let (weight, words) = if count > 0 {
            let names: Vec<&str> = here.iter().map(|part| part.name).collect();
            (ink(osi), names.join(", "))
        } else {
            (Ink::Faint, why_none(osi).to_owned())
        };
        let plain = if count > 0 { weight } else { Ink::Plain };
        rows.push(line(
            [(seven, plain), (four, Ink::Plain), (five, Ink::Plain)],
            [(&count.to_string(), weight), (&words, weight)],
        ));
    }
}
