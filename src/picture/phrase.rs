//! The same thing said at several lengths.

use unicode_width::UnicodeWidthStr;

use super::fit;

/// Wordings of one thing, the longest first.
pub type Phrase = Vec<String>;

/// The first wording that fits into so many columns.
#[must_use]
pub fn fitting(wordings: &[String], columns: usize) -> Option<&String> {
    wordings.iter().find(|wording| wording.width() <= columns)
}

/// The first wording that fits into so many columns, or the last of them, cut.
#[must_use]
pub fn fitted(wordings: &[String], columns: usize) -> String {
    fitting(wordings, columns)
        .or(wordings.last())
        .map_or_else(String::new, |wording| fit(wording, columns))
}
