//! The models of seven, four and five layers side by side.

use unicode_width::UnicodeWidthStr;

use super::parts::{Part, ink};
use crate::i18n::{Text, tr};
use crate::picture::{Ink, Row, fit};

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
    // Where the second and the third column begin, and where the numbers do; what has no room is left out.
    const FOUR: usize = 17;
    const FIVE: usize = 38;
    let (models, bytes) = match width {
        60.. => (3, 52),
        44.. => (2, FIVE),
        36.. => (2, 31),
        _ => (1, 15),
    };
    let line = |texts: [(&str, Ink); 3], count: (String, Ink), words: (String, Ink)| {
        let mut row = Row::new().with(texts[0].0, texts[0].1);
        if models >= 2 {
            row.pad_to(FOUR);
            row.push(fit(texts[1].0, bytes.min(FIVE) - FOUR - 1), texts[1].1);
        }
        if models == 3 {
            row.pad_to(FIVE);
            row.push(texts[2].0, texts[2].1);
        }
        row.pad_to(bytes + 5 - count.0.width().min(5));
        row.push(count.0, count.1);
        let room = width.saturating_sub(row.width() + 2);
        if room >= 12 {
            row.push("  ", Ink::Plain);
            row.push(fit(&words.0, room), words.1);
        }
        row
    };
    let head = Ink::Strong;
    rows.push(line(
        [("OSI", head), ("  TCP/IP", head), (tr!("  as taught"), head)],
        (tr!("bytes").into(), head),
        (String::new(), head),
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
            (count.to_string(), weight),
            (words, weight),
        ));
    }
}
