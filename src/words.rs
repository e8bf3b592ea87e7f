//! What the program itself says to a learner, in one place, so that it can be said in another language.
//!
//! Sentences about sockets are not here: they stand in `lessons/`.

use std::fmt::Display;
use std::io;
use std::ops::AddAssign;
use std::path::Path;
use std::process::ExitStatus;

use crate::i18n::{error_text, tr};
use crate::lesson::Entry;
use crate::lexicon::shown;
use crate::picture::span_of;
use crate::trace::{Blocked, Verdict};

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
#[must_use]
pub fn tagline() -> &'static str {
    tr!("A course on network sockets in which your own kernel proves every sentence.")
}
/// Asks for a prediction.
#[must_use]
pub fn predict() -> &'static str {
    tr!("What do you predict?")
}
/// Before the prompt for a letter.
#[must_use]
pub fn type_a_letter() -> &'static str {
    tr!("your letter (Enter skips, q leaves): ")
}
/// The same, before a class.
#[must_use]
pub fn type_a_letter_or_hands() -> &'static str {
    tr!("letter, or hands 5 12 3 (q leaves): ")
}
/// The answer was none of the options.
#[must_use]
pub fn no_such_option() -> &'static str {
    tr!("That is none of the letters above.")
}
/// Goes on to the run.
#[must_use]
pub fn enter_runs() -> &'static str {
    tr!("Enter runs it on this machine (q leaves) ")
}
/// Goes on with the lesson.
#[must_use]
pub fn enter_goes_on() -> &'static str {
    tr!("Enter goes on (q leaves) ")
}
/// The screen is full.
#[must_use]
pub fn enter_shows_more() -> &'static str {
    tr!("Enter shows more ")
}
/// What was just checked.
#[must_use]
pub fn checked() -> &'static str {
    tr!("Checked on this machine, just now")
}
/// What a recording says.
#[must_use]
pub fn recorded() -> &'static str {
    tr!("What the recording holds (not checked here)")
}
/// The lesson was left.
#[must_use]
pub fn left() -> &'static str {
    tr!("Left. The same command begins this lesson again.")
}

/// The lesson was left, and where is noted.
#[must_use]
pub fn left_noted() -> &'static str {
    tr!("Left. The same command goes on from here.")
}

/// The lesson was left after this experiment.
#[must_use]
pub fn go_on_after(experiment: &str) -> String {
    tr!("You left this lesson after {experiment}.", experiment)
}

/// Asks where to begin a lesson that was left.
#[must_use]
pub fn enter_goes_on_there() -> &'static str {
    tr!("Enter goes on there (b begins again, q leaves) ")
}

/// How the predictions went.
#[must_use]
pub fn predictions_right(right: usize, asked: usize) -> String {
    tr!("Predictions: {right} of {asked} right, each at the first try.", right, asked)
}

/// Who is speaking: the lesson's number and title.
#[must_use]
pub fn lesson_title(number: Option<u32>, title: &str) -> String {
    number
        .map_or_else(|| title.to_owned(), |number| tr!("Lesson {number} · {title}", number, title))
}

/// Where the code shown stands.
#[must_use]
pub fn code_at(path: &str, line: u32) -> String {
    tr!("The code that runs ({path}, line {line})", path, line)
}

/// The prediction beside what happened.
#[must_use]
pub fn compared(predicted: Option<&str>, right: &str, as_predicted: bool) -> String {
    match predicted {
        Some(_) if as_predicted => tr!("You predicted it: {right}", right),
        Some(said) => {
            tr!("You predicted: {said}. It was: {right}", said, right)
        }
        None => tr!("The answer: {right}", right),
    }
}

/// A claim's standing, in one word or two.
#[must_use]
pub fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Held => tr!("held"),
        Verdict::Broken => tr!("BROKEN"),
        Verdict::NotChecked => tr!("not checked here"),
    }
}

/// What came of a claim when it was recorded.
#[must_use]
pub fn when_recorded(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Held => tr!("held when it was recorded"),
        Verdict::Broken => tr!("broken when it was recorded"),
        Verdict::NotChecked => tr!("nor when it was recorded"),
    }
}

/// A recording ends before the claim.
#[must_use]
pub fn beyond_the_recording() -> &'static str {
    tr!("the recording ends before it")
}
/// A run was interrupted before the claim.
#[must_use]
pub fn interrupted() -> &'static str {
    tr!("the run was interrupted")
}
/// The deadline that was set struck before the claim.
#[must_use]
pub fn your_deadline() -> &'static str {
    tr!("the deadline that you set struck first")
}
/// What ended a run that was asked for alone.
#[must_use]
pub fn deadline_struck() -> &'static str {
    tr!("the deadline struck before its end: --set deadline=… gives it longer")
}
/// The usual deadline struck before the claim.
#[must_use]
pub fn the_deadline() -> &'static str {
    tr!("the deadline struck first")
}
/// A claim that the lesson has and the experiment forgot.
#[must_use]
pub fn never_checked() -> &'static str {
    tr!("the experiment never checked it")
}

/// How a process ended.
#[must_use]
pub fn ended(status: io::Result<ExitStatus>) -> String {
    let status = match status {
        Ok(status) => status,
        Err(error) => return error_text(&error),
    };
    match status.code() {
        Some(code) => tr!("exit status: {code}", code),
        // On Unix: `signal: 9 (SIGKILL)`.
        None => tr!("{status}", status),
    }
}

/// An experiment's process is gone before its end.
#[must_use]
pub fn without_a_word(aftermath: &str) -> String {
    tr!("the experiment's process ended without a word ({aftermath})", aftermath)
}

/// A comparison that did not come out.
#[must_use]
pub fn expected(what: &str, saw: &str, relation: &str, with: &str) -> String {
    tr!("{what}: {saw} (expected {relation} {with})", what, saw, relation, with)
}

/// More evidence than is shown.
#[must_use]
pub fn more_evidence(more: usize) -> String {
    tr!("{more} more (-v shows all)", more)
}

/// The last line of a lesson, of `verify`.
#[must_use]
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

/// What a broken claim means.
#[must_use]
pub fn kernel_is_right() -> &'static str {
    tr!(
        "This kernel did otherwise than the lesson says. The kernel is right: believe what you saw, and tell the authors."
    )
}

/// Where a recording was made.
#[must_use]
pub fn recorded_on(kernel: &str, date: &str) -> String {
    tr!("Recorded on {kernel}, {date}. Nothing of this happened just now.", kernel, date)
}

/// What a command is called here: as it was started, by `cargo run` or by its name.
fn command(words: &str) -> String {
    if std::env::var_os("CARGO").is_some() {
        format!("cargo run -- {words}")
    } else {
        format!("explore {words}")
    }
}

/// What to type next.
#[must_use]
pub fn type_next(lesson: &Entry) -> String {
    tr!("Next: {command}", command = lesson_command(lesson))
}

/// How to begin.
#[must_use]
pub fn begin(lesson: &Entry) -> String {
    tr!("Begin with: {command}", command = lesson_command(lesson))
}

/// How to go on after some lessons.
#[must_use]
pub fn go_on_with(lesson: &Entry) -> String {
    tr!("Go on with: {command} ({title})", command = lesson_command(lesson), title = lesson.title)
}

fn lesson_command(lesson: &Entry) -> String {
    command(&format!("lesson {}", lesson.number))
}

/// Every lesson is finished.
#[must_use]
pub fn all_done() -> &'static str {
    tr!("You have finished every lesson there is. Any of them can be played again.")
}

/// What every experiment takes besides.
#[must_use]
pub fn each_also_takes(name: &str, default: &str, help: &str) -> String {
    tr!("Each also takes --set {name}={default}: {help}.", name, default, help)
}

/// The course is done.
#[must_use]
pub fn the_end() -> String {
    tr!(
        "That was the last lesson. Now talk: type {chat} here, and the other person types it in a second terminal. /quit ends it.",
        chat = command("chat")
    )
}
/// Offers the chat.
#[must_use]
pub fn enter_starts_the_chat() -> &'static str {
    tr!("Enter starts it here and now (q leaves) ")
}

/// The deadline struck: who was blocked in which call, since when, at which line.
#[must_use]
pub fn deadline(limit_ns: u64, blocked: &[Blocked]) -> Vec<String> {
    let limit = span_of(limit_ns);
    let mut lines =
        vec![tr!("The deadline of {limit} struck, and the lab ended the experiment.", limit)];
    if blocked.is_empty() {
        lines.push(tr!("Nobody was blocked in a call: an actor was busy elsewhere.").to_owned());
    }
    lines.extend(blocked.iter().map(|one| {
        let at =
            one.call.site.as_ref().map_or_else(String::new, |source| tr!(", at {source}", source));
        let (actor, function, span) = (shown(&one.actor), one.call.function(), span_of(one.for_ns));
        tr!("{actor} had been blocked in {function}() for {span}{at}.", actor, function, span, at)
    }));
    lines
}

// ---- files ----

/// A file is to be written where there is no folder.
#[must_use]
pub fn no_folder(folder: &Path) -> String {
    tr!(
        "there is no folder {folder}: make it first, or name a file elsewhere",
        folder = folder.display()
    )
}

/// A folder cannot be made.
#[must_use]
pub fn no_new_folder(folder: &Path, error: &io::Error) -> String {
    let (folder, error) = (folder.display(), error_text(error));
    tr!("the folder {folder} cannot be made: {error}: name another", folder, error)
}

/// A file is to be written where there is a folder.
#[must_use]
pub fn is_a_folder(path: &Path) -> String {
    tr!("{path} is a folder: name a file in it", path = path.display())
}

/// A page and the events or the frames are to go to one place.
#[must_use]
pub fn page_elsewhere() -> &'static str {
    tr!("--html, --record and --pcap cannot go to one place: name a file for each but one")
}

// ---- how far a learner has come ----

/// A lesson was played to its end.
#[must_use]
pub fn finished() -> &'static str {
    tr!("finished")
}

/// A lesson was left.
#[must_use]
pub fn left_after(experiment: &str) -> String {
    tr!("left after {experiment}", experiment)
}

/// A lesson's predictions: right ones, those that were made, all.
#[must_use]
pub fn right_of(right: usize, answered: usize, all: usize) -> String {
    tr!("{right} of {answered} predictions right, of {all}", right, answered, all)
}

/// How many lessons are finished.
#[must_use]
pub fn lessons_finished(finished: usize, all: usize) -> String {
    tr!(
        "{finished} of {all} lessons finished. A prediction counts as it was first made.",
        finished,
        all
    )
}

/// Where it is kept.
#[must_use]
pub fn kept_in(path: &Path) -> String {
    tr!("Kept in {path} (--reset begins anew)", path = path.display())
}

/// What was noted is forgotten, or there was nothing.
#[must_use]
pub fn begun_anew(aside: Option<&Path>) -> String {
    match aside.map(Path::display) {
        Some(aside) => tr!("Your progress begins anew. What there was is now {aside}.", aside),
        None => tr!("Nothing had been noted yet.").to_owned(),
    }
}

// ---- glossary ----

/// No term is called so.
#[must_use]
pub fn no_such_term(asked: &str, near: &str) -> String {
    tr!(
        "there is no term `{asked}` in the glossary{near} (`explore glossary` shows all)",
        asked,
        near
    )
}

/// The lesson that shows a term.
#[must_use]
pub fn shown_in(lesson: &Entry) -> String {
    let (number, title) = (lesson.number, lesson.title);
    tr!("lesson {number}, {title}", number, title)
}

// ---- doctor ----

/// What is tried: a network namespace, and as a user a user namespace around it.
#[must_use]
pub fn private_network() -> &'static str {
    tr!("a private network (user and network namespaces)")
}
/// What it serves for.
#[must_use]
pub fn private_network_serves() -> &'static str {
    tr!("yes: experiments can count every frame, for nobody else sends there")
}
/// What is tried: a TAP device.
#[must_use]
pub fn device() -> &'static str {
    tr!("the wire (/dev/net/tun)")
}
/// What it serves for.
#[must_use]
pub fn device_serves() -> &'static str {
    tr!("yes: experiments see every frame, and can drop, delay or cut")
}
/// What is tried: a route to 127.0.0.1.
#[must_use]
pub fn loopback() -> &'static str {
    tr!("loopback")
}
/// What it serves for.
#[must_use]
pub fn loopback_serves() -> &'static str {
    tr!("yes: 127.0.0.1 can be reached")
}
/// What is tried: an IPv6 socket on ::1.
#[must_use]
pub fn ipv6() -> &'static str {
    tr!("IPv6")
}
/// What it serves for.
#[must_use]
pub fn ipv6_serves() -> &'static str {
    tr!("yes: ::1 can be bound")
}
/// What is tried: /proc/PID/task.
#[must_use]
pub fn threads() -> &'static str {
    tr!("thread states (/proc)")
}
/// What they serve for.
#[must_use]
pub fn threads_serves() -> &'static str {
    tr!("yes: the kernel says who sleeps, and in what")
}
/// What is looked at.
#[must_use]
pub fn terminal() -> &'static str {
    tr!("the terminal")
}

/// What the terminal is like.
#[must_use]
pub fn terminal_is(width: usize, height: Option<usize>, colours: bool) -> String {
    let size = match height {
        Some(height) => tr!("{width} columns, {height} rows", width, height),
        None => tr!("{width} columns", width),
    };
    let advice = if width < 80 { tr!("; 80 columns show the pictures best") } else { "" };
    let colours = if colours { tr!("colours") } else { tr!("no colours") };
    tr!("{size}, {colours}{advice}", size, colours, advice)
}

/// How much of the course can be live here.
#[must_use]
pub fn experiments_here(live: usize, all: usize) -> String {
    if live == all {
        tr!("All {all} experiments run live on this machine.", all)
    } else {
        tr!(
            "{live} of {all} experiments run live on this machine; the others play recordings, marked as such.",
            live,
            all
        )
    }
}

// ---- where the wire cannot be had ----

/// Why a recording is played, and whose it is.
#[must_use]
pub fn played_instead(why: &str, kernel: &str, date: &str) -> String {
    tr!(
        "This did not run here: {why}. What follows was recorded on {kernel}, {date}: none of it happened just now.",
        why,
        kernel,
        date
    )
}

/// After a run that could not be: exit code 3.
#[must_use]
pub fn a_recording_was_shown() -> &'static str {
    tr!(
        "this machine cannot run it: a recording was shown instead (`explore doctor` says what would help)"
    )
}

/// What was set, where a recording was made with something else.
#[must_use]
pub fn recorded_with(parameters: &str) -> String {
    tr!("What you set has no effect on a recording: it was made with {parameters}.", parameters)
}

/// A run without frames, where they were to be written.
#[must_use]
pub fn no_frames(experiment: &str) -> String {
    tr!("{experiment}: no frame went over a wire of ours, so none was written", experiment)
}

/// A reason that has just been told.
#[must_use]
pub fn as_above() -> &'static str {
    tr!("as above")
}

/// What a shipped recording's claims are here.
#[must_use]
pub fn not_checked_here() -> &'static str {
    tr!("Held when it was recorded; not checked here")
}

// ---- what is asked for, and is not there ----

/// A name that is near a wrong one, behind what is said of the wrong one.
/// Two sentences in one: a name, and what is said of it.
#[must_use]
pub fn said_of(name: impl Display, what: impl Display) -> String {
    tr!("{name}: {what}", name, what)
}

/// No lesson has that name.
#[must_use]
pub fn no_lesson(name: &str, near: &str) -> String {
    tr!(
        "there is no lesson `{name}`{near} (`explore list` shows all; a file of your own is ./NAME.md)",
        name,
        near
    )
}

/// A file is not for us to write.
#[must_use]
pub fn unwritable(path: impl Display, error: &io::Error) -> String {
    let error = error_text(error);
    tr!(
        "{path} cannot be written: {error}: name a file in a folder that you may write to",
        path,
        error
    )
}

/// A recording cannot be opened.
#[must_use]
pub fn no_recording(path: impl Display, error: &io::Error) -> String {
    let error = error_text(error);
    tr!("{path}: {error}: name a file that `--record` wrote", path, error)
}

/// A damaged recording has been shown as far as it goes.
#[must_use]
pub fn shown_so_far() -> &'static str {
    tr!("; what stands before it has been shown")
}

/// The events and the frames were both to go to standard output.
#[must_use]
pub fn one_standard_output() -> &'static str {
    tr!("--record and --pcap cannot both go to standard output: name a file for one")
}

/// The events and the frames were both to go to one file.
#[must_use]
pub fn one_file() -> &'static str {
    tr!("--record and --pcap cannot both go to one file: name two")
}

/// An experiment's process cannot be started.
#[must_use]
pub fn not_started(experiment: &str, error: &io::Error, remedy: &str) -> String {
    let error = error_text(error);
    tr!("{experiment}: its process cannot be started: {error}; {remedy}", experiment, error, remedy)
}

/// What doctor asks of a process of its own cannot be asked.
#[must_use]
pub fn no_probe(error: &io::Error) -> String {
    let error = error_text(error);
    tr!("doctor: its probe cannot be started: {error}", error)
}

/// What doctor asked has no answer.
#[must_use]
pub fn no_answer(error: impl Display, status: impl Display) -> String {
    tr!("doctor: its probe did not answer: {error} ({status})", error, status)
}

/// The terminal cannot be read or written.
#[must_use]
pub fn terminal_failed(error: &io::Error) -> String {
    let error = error_text(error);
    tr!("the terminal: {error}", error)
}

/// What can be set in an experiment.
#[must_use]
pub fn knob(name: &str, default: &str, help: &str, takes: &str) -> String {
    tr!("{name}={default}: {help} ({takes})", name, default, help, takes)
}

// ---- in class ----

/// Above a run that is stepped.
#[must_use]
pub fn step_title(experiment: &str, step: usize, back: bool) -> String {
    if back {
        tr!("{experiment} · step {step} again (Enter goes forward)", experiment, step)
    } else {
        tr!("{experiment} · step {step}", experiment, step)
    }
}

/// Above a stepped run that is over.
#[must_use]
pub fn step_over(experiment: &str) -> String {
    tr!("{experiment} · the run is over", experiment)
}

/// Which keys there are.
#[must_use]
pub fn step_keys() -> &'static str {
    tr!("Enter makes this call · b back · c to the end · q leaves")
}

/// The same, where there is little room.
#[must_use]
pub fn step_keys_short() -> &'static str {
    tr!("Enter · b back · c end · q leaves")
}

/// Which keys there are while the run goes by itself.
#[must_use]
pub fn pace_keys() -> &'static str {
    tr!("Enter goes on at once · b back · c to the end · q leaves")
}

/// Nothing is held any more, and somebody waits for the end.
#[must_use]
pub fn step_runs_on() -> &'static str {
    tr!("It runs to its end · q leaves")
}

/// A stepped run is over.
#[must_use]
pub fn step_enter_ends() -> &'static str {
    tr!("Enter shows what came of it · q leaves")
}

/// Nobody is there to press Enter.
#[must_use]
pub fn step_needs_a_terminal() -> &'static str {
    tr!(
        "--step waits for keys, and there is no terminal to press them at: --pace 700ms steps by itself"
    )
}

/// What a stepped run's times are worth.
#[must_use]
pub fn was_stepped() -> &'static str {
    tr!("This run was stepped: its times have the pauses in them.")
}

/// What did not come out in a stepped run.
#[must_use]
pub fn perhaps_the_pause() -> &'static str {
    tr!(
        "it did not come out in a run that was stepped, and a pause may be why; run it without --step and --pace"
    )
}

/// An experiment is not stepped: which of two comes first is what it is about.
#[must_use]
pub fn whole_race() -> &'static str {
    tr!("which of two comes first is what it is about, and a pause would decide it")
}

/// An experiment is not stepped: what a thread does when nothing happens is what it is about.
#[must_use]
pub fn whole_sleep() -> &'static str {
    tr!("it looks at what threads do by themselves, and one that is held does nothing")
}

/// An experiment is not stepped: there are too many calls.
#[must_use]
pub fn whole_many() -> &'static str {
    tr!("it makes hundreds of calls or more, and measures them")
}

/// An experiment is not stepped, and why.
#[must_use]
pub fn runs_whole(why: &str) -> String {
    tr!("This one is not stepped but run whole: {why}.", why)
}

// ---- a room's predictions ----

/// Numbers for the raised hands, but not as many as there are options.
#[must_use]
pub fn tally_numbers(given: usize, options: usize) -> String {
    tr!(
        "There are {options} options, and that was {given}: type one letter, or the raised hands for each (a5 b12).",
        options,
        given
    )
}

/// Numbers with letters and numbers without.
#[must_use]
pub fn tally_mixed() -> &'static str {
    tr!("Type either a letter before each number (a5 b12 c3) or before none (5 12 3).")
}

/// A letter of no option.
#[must_use]
pub fn tally_letter(letter: char) -> String {
    tr!("There is no option `{letter}`.", letter)
}

/// A letter that comes again.
#[must_use]
pub fn tally_twice(letter: char) -> String {
    tr!("`{letter}` is there twice.", letter)
}

/// A letter without a number.
#[must_use]
pub fn tally_no_number(letter: char) -> String {
    tr!("There is no number after `{letter}`.", letter)
}

/// What belongs to no tally.
#[must_use]
pub fn tally_strange(what: char) -> String {
    tr!("`{what}` does not belong there: type 5 12 3, or a5 b12 c3.", what)
}

/// More hands than any room has.
#[must_use]
pub fn tally_large(most: u32) -> String {
    tr!("No room has more than {most} hands up.", most)
}

/// What most of a room predicted, beside what happened.
#[must_use]
pub fn room_compared(
    most_for: &[&str],
    most: u32,
    all: u32,
    right: &str,
    as_predicted: bool,
) -> String {
    match most_for {
        _ if most == 0 => {
            tr!("No hand was raised. It was: {right}", right)
        }
        [one] if as_predicted => {
            tr!("Most predicted it, {most} of {all}: {one}", most, all, one)
        }
        [one] => {
            tr!("Most predicted, {most} of {all}: {one}. It was: {right}", most, all, one, right)
        }
        several => {
            let each = several.join(tr!("; "));
            tr!(
                "As many hands, {most} of {all}, for each of these: {each}. It was: {right}",
                most,
                all,
                each,
                right
            )
        }
    }
}
