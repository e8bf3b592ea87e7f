//! What the program itself says to a learner, in one place, so that it can be said in another language.
//!
//! Sentences about sockets are not here: they stand in `lessons/`.

use std::ops::AddAssign;

use crate::course::Entry;
use crate::event::{Blocked, Verdict};
use crate::picture::span_of;

/// How many claims came out how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// The kernel bore them out.
    pub held: usize,
    /// The kernel did otherwise.
    pub broken: usize,
    /// They could not be checked here.
    pub not_checked: usize,
}

impl Counts {
    /// Counts one more.
    pub fn add(&mut self, verdict: Verdict) {
        *match verdict {
            Verdict::Held => &mut self.held,
            Verdict::Broken => &mut self.broken,
            Verdict::NotChecked => &mut self.not_checked,
        } += 1;
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Counts) {
        self.held += other.held;
        self.broken += other.broken;
        self.not_checked += other.not_checked;
    }
}

/// What `explore` alone says first.
pub const TAGLINE: &str = "A course on network sockets in which your own kernel proves every sentence.";
/// Asks for a prediction.
pub const PREDICT: &str = "What do you predict?";
/// Before the prompt for a letter.
pub const TYPE_A_LETTER: &str = "your letter (Enter skips, q leaves): ";
/// The answer was none of the options.
pub const NO_SUCH_OPTION: &str = "That is none of the letters above.";
/// Goes on to the run.
pub const ENTER_RUNS: &str = "Enter runs it on this machine (q leaves) ";
/// Goes on with the lesson.
pub const ENTER_GOES_ON: &str = "Enter goes on (q leaves) ";
/// The screen is full.
pub const ENTER_SHOWS_MORE: &str = "Enter shows more ";
/// What was just checked.
pub const CHECKED: &str = "Checked on this machine, just now";
/// What a recording says.
pub const RECORDED: &str = "What the recording holds (not checked here)";
/// The lesson was left.
pub const LEFT: &str = "Left. Type the same to begin this lesson again.";

/// Who is speaking: the lesson's number and title.
#[must_use]
pub fn lesson_title(number: Option<u32>, title: &str) -> String {
    number.map_or_else(|| title.to_owned(), |number| format!("Lesson {number} · {title}"))
}

/// Where the code shown stands.
#[must_use]
pub fn code_at(path: &str, line: u32) -> String {
    format!("The code that runs ({path}, line {line})")
}

/// The prediction beside what happened.
#[must_use]
pub fn compared(predicted: Option<&str>, right: &str, as_predicted: bool) -> String {
    match predicted {
        Some(_) if as_predicted => format!("You predicted it: {right}"),
        Some(said) => format!("You predicted: {said}. It was: {right}"),
        None => format!("The answer: {right}"),
    }
}

/// A claim's standing, in one word or two.
#[must_use]
pub fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Held => "held",
        Verdict::Broken => "BROKEN",
        Verdict::NotChecked => "not checked here",
    }
}

/// What came of a claim when it was recorded.
#[must_use]
pub fn when_recorded(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Held => "held when it was recorded",
        Verdict::Broken => "broken when it was recorded",
        Verdict::NotChecked => "nor when it was recorded",
    }
}

/// A recording ends before the claim.
pub const BEYOND_THE_RECORDING: &str = "the recording ends before it";
/// A run was interrupted before the claim.
pub const INTERRUPTED: &str = "the run was interrupted";
/// The deadline that was set struck before the claim.
pub const YOUR_DEADLINE: &str = "the deadline that you set struck first";
/// What ended a run that was asked for alone.
pub const DEADLINE_STRUCK: &str = "the deadline struck before its end: --set deadline=… gives it longer";
/// The usual deadline struck before the claim.
pub const THE_DEADLINE: &str = "the deadline struck first";
/// A claim that the lesson has and the experiment forgot.
pub const NEVER_CHECKED: &str = "the experiment never checked it";

/// An experiment's process is gone before its end.
#[must_use]
pub fn without_a_word(aftermath: &str) -> String {
    format!("the experiment's process ended without a word ({aftermath})")
}

/// A comparison that did not come out.
#[must_use]
pub fn expected(what: &str, saw: &str, relation: &str, with: &str) -> String {
    format!("{what}: {saw} (expected {relation} {with})")
}

/// More evidence than is shown.
#[must_use]
pub fn more_evidence(more: usize) -> String {
    format!("{more} more (-v shows all)")
}

/// The last line of a lesson, of `verify`.
#[must_use]
pub fn counts(counts: Counts) -> String {
    let Counts { held, broken, not_checked } = counts;
    let mut text = format!("{} claims: {held} held", held + broken + not_checked);
    if broken > 0 {
        text += &format!(", {broken} BROKEN");
    }
    if not_checked > 0 {
        text += &format!(", {not_checked} not checked here");
    }
    text
}

/// What a broken claim means.
pub const KERNEL_IS_RIGHT: &str =
    "This kernel did otherwise than the lesson says. The kernel is right: believe what you saw, and tell the authors.";

/// Where a recording was made.
#[must_use]
pub fn recorded_on(kernel: &str, date: &str) -> String {
    format!("Recorded on {kernel}, {date}. Nothing of this happened just now.")
}

/// What a command is called here: as it was started, by `cargo run` or by its name.
fn command(words: &str) -> String {
    if std::env::var_os("CARGO").is_some() { format!("cargo run -- {words}") } else { format!("explore {words}") }
}

/// What to type next.
#[must_use]
pub fn type_next(lesson: &Entry) -> String {
    format!("Next: {}", lesson_command(lesson))
}

/// How to begin.
#[must_use]
pub fn begin(lesson: &Entry) -> String {
    format!("Begin with: {}", lesson_command(lesson))
}

/// How to go on after some lessons.
#[must_use]
pub fn go_on_with(lesson: &Entry) -> String {
    format!("Go on with: {} ({})", lesson_command(lesson), lesson.title)
}

fn lesson_command(lesson: &Entry) -> String {
    command(&format!("lesson {}", lesson.number))
}

/// Every lesson is finished.
pub const ALL_DONE: &str = "You have finished every lesson there is. Any of them can be played again.";

/// What every experiment takes besides.
#[must_use]
pub fn each_also_takes(name: &str, default: &str, help: &str) -> String {
    format!("Each also takes --set {name}={default}: {help}.")
}

/// The course is done.
#[must_use]
pub fn the_end() -> String {
    format!("That was the last lesson. Now talk: {} in two terminals.", command("chat"))
}

/// The deadline struck: who was blocked in which call, since when, at which line.
#[must_use]
pub fn deadline(limit_ns: u64, blocked: &[Blocked]) -> Vec<String> {
    let mut lines = vec![format!("The deadline of {} struck, and the lab ended the experiment.", span_of(limit_ns))];
    if blocked.is_empty() {
        lines.push("Nobody was blocked in a call: an actor was busy elsewhere.".to_owned());
    }
    lines.extend(blocked.iter().map(|one| {
        let at = one.call.source.as_ref().map_or_else(String::new, |source| format!(", at {source}"));
        format!("{} had been blocked in {}() for {}{at}.", one.actor, one.call.function, span_of(one.for_ns))
    }));
    lines
}

// ---- doctor ----

/// What is tried: a network namespace, and as a user a user namespace around it.
pub const PRIVATE_NETWORK: &str = "a private network (user and network namespaces)";
/// What it serves for.
pub const PRIVATE_NETWORK_SERVES: &str = "yes: experiments can count every frame, for nobody else sends there";
/// What is tried: a TAP device.
pub const DEVICE: &str = "the wire (/dev/net/tun)";
/// What it serves for.
pub const DEVICE_SERVES: &str = "yes: experiments see every frame, and can drop, delay or cut";
/// What is tried: an IPv6 socket on ::1.
pub const IPV6: &str = "IPv6";
/// What it serves for.
pub const IPV6_SERVES: &str = "yes: ::1 can be bound";
/// What is tried: /proc/PID/task.
pub const THREADS: &str = "thread states (/proc)";
/// What they serve for.
pub const THREADS_SERVES: &str = "yes: the kernel says who sleeps, and in what";
/// What is looked at.
pub const TERMINAL: &str = "the terminal";

/// What the terminal is like.
#[must_use]
pub fn terminal_is(width: usize, height: Option<usize>, colours: bool) -> String {
    let size = height.map_or_else(|| format!("{width} columns"), |height| format!("{width} columns, {height} rows"));
    let advice = if width < 80 { "; 80 columns show the pictures best" } else { "" };
    format!("{size}, {}{advice}", if colours { "colours" } else { "no colours" })
}

/// How much of the course can be live here.
#[must_use]
pub fn experiments_here(live: usize, all: usize) -> String {
    if live == all {
        format!("All {all} experiments run live on this machine.")
    } else {
        format!("{live} of {all} experiments run live on this machine; the others play recordings, marked as such.")
    }
}

// ---- where the wire cannot be had ----

/// Why a recording is played, and whose it is.
#[must_use]
pub fn played_instead(why: &str, kernel: &str, date: &str) -> String {
    format!("This did not run here: {why}. What follows was recorded on {kernel}, {date}: none of it happened just now.")
}

/// After a run that could not be: exit code 3.
pub const A_RECORDING_WAS_SHOWN: &str = "this machine cannot run it: a recording was shown instead (`explore doctor` says what would help)";

/// What was set, where a recording was made with something else.
#[must_use]
pub fn recorded_with(parameters: &str) -> String {
    format!("What you set has no effect on a recording: it was made with {parameters}.")
}

/// A run without frames, where they were to be written.
#[must_use]
pub fn no_frames(experiment: &str) -> String {
    format!("{experiment}: no frame went over a wire of ours, so none was written")
}

/// A reason that has just been told.
pub const AS_ABOVE: &str = "as above";

/// What a shipped recording's claims are here.
pub const NOT_CHECKED_HERE: &str = "Held when it was recorded; not checked here";
