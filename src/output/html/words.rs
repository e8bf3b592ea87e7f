//! What a page says of itself, in both languages. What it says of sockets stands in `lessons/`.

use std::path::Path;

use super::Made;
use crate::i18n::{either, said};
use crate::words::{self, Counts};

/// Where and when the page was made, and whether all of it was run there.
pub(super) fn made(made: &Made, all_run: bool) -> String {
    let (kernel, date, version) = (&made.kernel, when(&made.date), env!("CARGO_PKG_VERSION"));
    let but = if all_run {
        ""
    } else {
        either(", but for the recordings, which are marked", "（注明为录制的除外）")
    };
    said!(
        "Run on {kernel}, {date}, by explore {version}. Pictures, traces and claims are from that run{but}.",
        "由 explore {version} 于 {date} 在 {kernel} 上运行。图、调用记录和论断都出自那次运行{but}。"
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
        1 => either("Every call, in order (1 line)", "按顺序列出每一次调用（1 行）").to_owned(),
        _ => said!("Every call, in order ({lines} lines)", "按顺序列出每一次调用（{lines} 行）"),
    }
}

/// Below a trace that was cut.
pub(super) fn trace_goes_on(more: usize, experiment: &str) -> String {
    said!(
        "{more} more lines: explore run {experiment} -v shows all of them.",
        "还有 {more} 行：explore run {experiment} -v 会全部显示。"
    )
}

/// What a picture is, to whoever cannot see it: before the words in it.
pub(super) fn picture(view: &str, experiment: &str) -> String {
    said!("{experiment}, as the view {view}", "{experiment}，视图 {view}")
}

/// A claim's verdict, behind its sentence.
pub(super) fn verdict(verdict: &str, why: Option<&str>) -> String {
    match why {
        Some(why) => said!("({verdict}: {why})", "（{verdict}：{why}）"),
        None => said!("({verdict})", "（{verdict}）"),
    }
}

/// Below the picture of a recording.
pub(super) fn recorded(made: &Made) -> String {
    let (kernel, date) = (&made.kernel, when(&made.date));
    said!(
        "Recorded on {kernel}, {date}; not run for this page.",
        "录制于 {kernel}，{date}；制作本页时没有运行。"
    )
}

/// Above a recording: why.
pub(super) fn not_run(why: &str) -> String {
    said!(
        "This could not run where the page was made: {why}.",
        "制作本页的机器运行不了这个实验：{why}。"
    )
}

/// Above the claims of a run.
pub(super) fn checked() -> &'static str {
    either("Checked by this run", "由这次运行检验")
}

/// More evidence than is shown at once.
pub(super) fn more_evidence(more: usize) -> String {
    said!("{more} more", "还有 {more} 条")
}

/// The lesson's number.
pub(super) fn lesson(number: u32) -> String {
    said!("Lesson {number}", "第 {number} 课")
}

/// The title of the book.
pub(super) fn book() -> &'static str {
    either("Network sockets, proven by a kernel", "由内核证明的网络套接字")
}

/// What the book is.
pub(super) fn about() -> &'static str {
    either(
        "Each page is a lesson that was played on a real kernel: what it asks, what was run, what was seen, and what follows. \
         On your own machine, `explore lesson 1` does it live.",
        "每一页都是在真实内核上运行过的一课：提出的问题、运行的代码、看到的结果，以及由此得出的道理。在你自己的机器上，用 `explore lesson 1` 就能实际运行。",
    )
}

/// The way back to the index.
pub(super) fn contents() -> &'static str {
    either("All lessons", "全部课程")
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
        said!("{experiment}: a recording; {counts}", "{experiment}：录制；{counts}")
    } else {
        said!("{experiment}: {counts}", "{experiment}：{counts}")
    }
}

/// To whoever waits: a page is written.
#[must_use]
pub fn page_written(path: &Path) -> String {
    said!("Written: {path}", "已写入：{path}", path = path.display())
}
