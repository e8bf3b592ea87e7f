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

/// Columns for a number of bytes.
const COUNT: usize = 5;

/// Why a layer has no bytes in this frame.
fn why_none(osi: usize) -> &'static str {
    match osi {
        1 => tr!("signals, not bytes"),
        5 | 6 => tr!("left to programs"),
        7 => tr!("no payload here"),
        _ => tr!("not needed here"),
    }
}

/// The three models, and whose bytes these are. Those that have no room beside OSI's stand in a table below.
pub(super) fn models(parts: &[Part], width: usize, rows: &mut Vec<Row>) {
    let tables: &[&[usize]] = match width {
        60.. => &[&[0, 1, 2]],
        40.. => &[&[0, 1], &[0, 2]],
        _ => &[&[0], &[1], &[2]],
    };
    for (index, shown) in tables.iter().enumerate() {
        if index > 0 {
            rows.push(Row::new());
        }
        table_of(shown, parts, width, rows);
    }
}

/// The columns for these models, for the number of bytes, and for words where there is room.
fn columns(shown: &[usize], width: usize) -> Vec<Column> {
    let widths = if width >= 44 { [16, 20, 14] } else { [14, 19, 14] };
    let gap = if shown.len() == widths.len() { "" } else { " " };
    let mut columns: Vec<Column> = shown
        .iter()
        .map(|model| widths[*model].min(width.saturating_sub(COUNT + 1)))
        .zip((1..shown.len()).map(|_| " ").chain([gap]))
        .map(|(wide, gap)| Column::left(wide, gap))
        .collect();
    let room = width.saturating_sub(table::width(&columns) + COUNT + 2);
    if room >= 12 {
        columns.extend([Column::right(COUNT, "  "), Column::left(room, "")]);
    } else {
        columns.push(Column::right(COUNT, ""));
    }
    columns
}

/// These models side by side.
fn table_of(shown: &[usize], parts: &[Part], width: usize, rows: &mut Vec<Row>) {
    let columns = columns(shown, width);
    let line = |names: [(&str, Ink); 3], bytes: [(&str, Ink); 2]| {
        let cells = shown.iter().map(|model| names[*model]).chain(bytes);
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
