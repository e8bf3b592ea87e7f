//! Explanations of marks, laid out below a picture.

use unicode_width::UnicodeWidthStr;

use crate::text::wrap;

/// Columns between two explanations.
const GAP: usize = 3;

/// The explanations in lines of this width, each in one piece where it fits.
pub(super) fn lines(explanations: Vec<&str>, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for explanation in explanations {
        match lines.last_mut() {
            Some(line) if line.width() + GAP + explanation.width() <= width => {
                line.extend([" ".repeat(GAP).as_str(), explanation]);
            }
            _ => lines.extend(wrap(explanation, width)),
        }
    }
    lines
}
