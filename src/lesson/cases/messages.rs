//! How systems and languages word the errors of sockets: `lessons/cases/messages.md`, a table of error, place, text and source
//! that reads well wherever Markdown is shown.

use crate::lesson::catalogue;
use crate::lesson::glossary::cells;

/// One wording of an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message {
    /// The error: `EPIPE`.
    pub error: &'static str,
    /// Which language or system words it so.
    pub place: &'static str,
    /// The text, as it is shown to a user.
    pub text: &'static str,
    /// Where that stands, in brackets.
    pub source: &'static str,
}

/// Every row, in the order of the file.
pub fn all() -> impl Iterator<Item = Message> {
    let rows = catalogue::messages().lines().filter_map(cells);
    rows.skip(2).filter_map(|cells| match cells[..] {
        [error, place, text, source] => {
            Some(Message { error, place, text: text.trim_matches('`'), source })
        }
        _ => None,
    })
}
