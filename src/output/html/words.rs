//! What a page says of itself, in both languages. What it says of sockets stands in `lessons/`.

use std::path::Path;

use super::Made;
use crate::i18n::tr;
use crate::words::{self, Counts};

/// Where and when the page was made, and whether all of it was run there.
pub(super) fn made(made: &Made, all_run: bool) -> String {
    let (kernel, date, version) = (&made.kernel, when(&made.date), env!("CARGO_PKG_VERSION"));
    let but = if all_run { "" } else { tr!(", but for the recordings, which are marked") };
    tr!(
        "Run on {kernel}, {date}, by explore {version}. Pictures, traces and claims are from that run{but}.",
        kernel,
        date,
        version,
        but
    )
}

/// `2026-11-23T15:04:48Z` as a person reads it.
fn when(date: &str) -> String {
    date.replacen('T', " ", 1).replacen('Z', " UTC", 1)
}

/// Above the code.
pub(super) fn code_at(path: &str, line: u32) -> String {
    words::code_at(path, line)
}

/// What opens the trace.
pub(super) fn trace(lines: usize) -> String {
    match lines {
        1 => tr!("Every call, in order (1 line)").to_owned(),
        _ => tr!("Every call, in order ({lines} lines)", lines),
    }
}

/// Below a trace that was cut.
pub(super) fn trace_goes_on(more: usize, experiment: &str) -> String {
    tr!("{more} more lines: explore run {experiment} -v shows all of them.", more, experiment)
}

/// What a picture is, to whoever cannot see it: before the words in it.
pub(super) fn picture(view: &str, experiment: &str) -> String {
    tr!("{experiment}, as the view {view}", experiment, view)
}

/// A claim's verdict, behind its sentence.
pub(super) fn verdict(verdict: &str, why: Option<&str>) -> String {
    match why {
        Some(why) => tr!("({verdict}: {why})", verdict, why),
        None => tr!("({verdict})", verdict),
    }
}

/// Below the picture of a recording.
pub(super) fn recorded(made: &Made) -> String {
    let (kernel, date) = (&made.kernel, when(&made.date));
    tr!("Recorded on {kernel}, {date}; not run for this page.", kernel, date)
}

/// Above a recording: why.
pub(super) fn not_run(why: &str) -> String {
    tr!("This could not run where the page was made: {why}.", why)
}

/// Above the claims of a run.
pub(super) fn checked() -> &'static str {
    tr!("Checked by this run")
}

/// More evidence than is shown at once.
pub(super) fn more_evidence(more: usize) -> String {
    tr!("{more} more", more)
}

/// The lesson's number.
pub(super) fn lesson(number: u32) -> String {
    tr!("Lesson {number}", number)
}

/// The title of the book.
pub(super) fn book() -> &'static str {
    tr!("Network sockets, proven by a kernel")
}

/// What the book is.
pub(super) fn about() -> &'static str {
    tr!(
        "Each page is a lesson that was played on a real kernel: what it asks, what was run, what was seen, and what follows. \
         On your own machine, `explore lesson 1` does it live."
    )
}

/// The way back to the index.
pub(super) fn contents() -> &'static str {
    tr!("All lessons")
}

/// Held of all, in the index.
pub(super) fn counts(counts: Counts) -> String {
    words::counts(counts)
}

/// To whoever waits: an experiment is done.
#[must_use]
pub fn run_told(experiment: &str, counts: Counts, recorded: bool) -> String {
    let counts = words::counts(counts);
    if recorded {
        tr!("{experiment}: a recording; {counts}", experiment, counts)
    } else {
        tr!("{experiment}: {counts}", experiment, counts)
    }
}

/// To whoever waits: a page is written.
#[must_use]
pub fn page_written(path: &Path) -> String {
    tr!("Written: {path}", path = path.display())
}
