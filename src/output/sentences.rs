//! Sentences that a lesson has both at a terminal and on a page.

use crate::i18n::{tr, tr_n};
use crate::trace::{Counts, Verdict};

/// A lesson's number and title.
pub fn lesson_title(number: Option<u32>, title: &str) -> String {
    match number {
        Some(number) => tr!("Lesson {number} · {title}", number, title),
        None => title.to_owned(),
    }
}

/// The title of an exercise; a bonus has no number.
pub fn exercise_title(number: Option<u32>, title: &str) -> String {
    match number {
        Some(number) => tr!("Exercise {number} · {title}", number, title),
        None => tr!("Bonus exercise · {title}", title),
    }
}

/// Above the code of an experiment.
pub fn code_at(path: &str, line: u32) -> String {
    tr!("The code that runs ({path}, line {line})", path, line)
}

/// In the place of so many lines of an experiment's code.
pub fn folded(lines: usize) -> String {
    tr_n!(lines, "… {lines} line that only checks", "… {lines} lines that only check", lines)
}

/// Above the further experiments of a lesson.
pub fn further() -> &'static str {
    tr!("Further experiments")
}

/// Above a prediction.
pub fn predict() -> &'static str {
    tr!("What do you predict?")
}

/// Below a prediction, once the experiment has run.
pub fn answer(right: &str) -> String {
    tr!("The answer: {right}", right)
}

/// A claim's verdict, in a word or two.
pub fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Held => tr!("held"),
        Verdict::Broken => tr!("BROKEN"),
        Verdict::NotChecked => tr!("not checked here"),
    }
}

/// What came of a requirement of an exercise.
pub fn requirement(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Held => tr!("met"),
        Verdict::Broken => tr!("not met"),
        Verdict::NotChecked => tr!("not checked"),
    }
}

/// How many claims came out how.
pub fn counts(counts: Counts) -> String {
    let Counts { held, broken, not_checked } = counts;
    let all = held + broken + not_checked;
    let mut text = tr!("{all} claims: {held} held", all, held);
    if broken > 0 {
        text += &tr!(", {broken} BROKEN", broken);
    }
    if not_checked > 0 {
        text += &tr!(", {not_checked} not checked here", not_checked);
    }
    text
}

/// The meaning of a broken claim.
pub fn kernel_is_right() -> &'static str {
    tr!(
        "This kernel does not behave as the lesson says. The kernel is right: trust what you saw, and please tell the authors."
    )
}

/// Above the claims of a shipped recording.
pub fn not_checked_here() -> &'static str {
    tr!("Held when it was recorded; not checked here")
}
