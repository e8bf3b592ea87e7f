//! `check`: the learner's program for an exercise, judged by what it did.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::process::Command;

use super::exercise::find;
use super::report::{self, Judged, Playback};
use super::show::Sentence;
use super::trace::{split_name, words_of};
use super::{Failure, Incomplete, Session, live};
use crate::capture::parameter::DEADLINE;
use crate::cli;
use crate::i18n::{self, tr, tr_n};
use crate::labels;
use crate::lesson::Exercise;
use crate::output::{messages, sentences};
use crate::picture::Ink;
use crate::progress;
use crate::reasons;
use crate::text::safe;
use crate::trace::recording::Recording;
use crate::trace::{self, Ending, EventKind, Name, Note, Verdict};

mod failed_part;
mod requirements;
mod watch;

use failed_part::FailedPart;
use watch::Files;

/// Each wait of a judge has its own limit; together they take less than this.
const LONGEST: &str = "1h";
/// So many lines of what a program printed are shown.
const MOST_LINES: usize = 20;
/// So many characters of each of them.
const MOST_OF_LINE: usize = 400;

/// Checks the programs, and shows which requirements they meet; with `--watch` again whenever a file of theirs is saved.
pub fn run(args: &cli::Check, session: &mut Session) -> Result<(), Failure> {
    let exercise = find(&args.which)?;
    let programs = programs_of(args, &exercise)?;
    if !args.watch {
        build(args)?;
        return check(args, &exercise, &programs, session);
    }
    let words = || programs.values().flatten();
    loop {
        let built = build(args);
        let files = Files::of(words());
        let checked = built.and_then(|()| check(args, &exercise, &programs, session));
        match checked {
            Err(Failure::Interrupted(code)) => return Err(Failure::Interrupted(code)),
            Err(failure) if !failure.is_quiet() => messages::say(&failure),
            _ => {}
        }
        let names = files.names().join(tr!(context "list", ", "));
        session.terminal.blank()?;
        let waits = tr!("Checked again when a file is saved: {names}. Ctrl-C ends.", names);
        session.terminal.wrapped("", &waits, Ink::Faint)?;
        session.terminal.flush()?;
        let file = files.until_saved(words().collect::<Vec<_>>());
        session.terminal.blank()?;
        session.terminal.wrapped("", &tr!("{file} has changed.", file), Ink::Faint)?;
        session.terminal.blank()?;
    }
}

/// Checks the programs once.
fn check(
    args: &cli::Check,
    exercise: &Exercise,
    programs: &BTreeMap<String, Vec<String>>,
    session: &mut Session,
) -> Result<(), Failure> {
    let mut settings = exercise.judge.experiment.defaults();
    settings.insert(DEADLINE.name.to_owned(), LONGEST.to_owned());
    for (role, words) in programs {
        let words = serde_json::to_string(words).map_err(io::Error::from)?;
        settings.insert(role.clone(), words);
    }
    session.open_files()?;
    let finished = live::run(session, exercise.judge.experiment, &settings)?;
    let playback = Playback::Live { exit: &finished.exit };
    let mut judged = report::judge(&exercise.judge.claims, &finished.recording, playback);
    leave_untried(&mut judged, &finished.recording);
    let counts = report::count(&judged);
    if counts.broken + counts.not_checked == 0
        && let Err(trouble) = progress::change(|progress| progress.solve(exercise.slug))
    {
        messages::say(&trouble);
    }
    match show(args, exercise, &judged, &finished.recording, session) {
        Err(Failure::Quit) => {} // the reader has seen enough
        shown => shown?,
    }
    if counts.broken == 0
        && let Some(Ending::Unavailable { why }) = finished.recording.ending()
    {
        let what = sentences::exercise_title(exercise.number, &exercise.title);
        return Err(Failure::Incomplete(what, Incomplete::Unavailable(why.clone())));
    }
    if counts.broken + counts.not_checked > 0 { Err(Failure::Broken) } else { Ok(()) }
}

fn show(
    args: &cli::Check,
    exercise: &Exercise,
    judged: &[Judged],
    recording: &Recording,
    session: &mut Session,
) -> Result<(), Failure> {
    if args.json {
        json(session, exercise, judged, recording)?;
    } else {
        verdict(session, exercise, judged, recording)?;
    }
    Ok(session.terminal.flush()?)
}

/// The learner's command line for each role.
fn programs_of(
    args: &cli::Check,
    exercise: &Exercise,
) -> Result<BTreeMap<String, Vec<String>>, Failure> {
    let mut given: Vec<(Option<&str>, Vec<String>)> = Vec::new();
    if !args.command.is_empty() {
        given.push((None, args.command.clone()));
    }
    for line in &args.programs {
        let (role, line) = split_name(line);
        given.push((role, words_of(line)?));
    }
    let roles = exercise.roles.join(tr!(context "list", ", "));
    let mut programs = BTreeMap::new();
    for (role, words) in given {
        let is_free = |role: &&String| !programs.contains_key(*role);
        let chosen = match role {
            Some(role) => exercise.roles.iter().filter(is_free).find(|known| *known == role),
            None => exercise.roles.iter().find(is_free),
        };
        let role = chosen.ok_or_else(|| Failure::NoRole(roles.clone()))?;
        programs.insert(role.clone(), words);
    }
    Ok(programs)
}

/// Runs the command that builds the programs, if there is one.
fn build(args: &cli::Check) -> Result<(), Failure> {
    let Some(command) = &args.build else { return Ok(()) };
    let failed = |how: String| Failure::NotBuilt(command.clone(), how);
    let words = words_of(command)?;
    match Command::new(&words[0]).args(&words[1..]).status() {
        Ok(status) if status.success() => Ok(()),
        other => Err(failed(live::exit_text(other))),
    }
}

/// What was not tried because of what failed before is neither met nor broken.
fn leave_untried(judged: &mut [Judged], recording: &Recording) {
    let Some(Ending::Failed { why }) = recording.ending() else { return };
    let tried: BTreeSet<&str> = recording.claims().map(|claim| &*claim.claim).collect();
    let mut is_first = *why != trace::Failure::NotMet;
    for one in judged.iter_mut().filter(|one| !tried.contains(one.claim.as_str())) {
        if is_first {
            is_first = false; // this is where the program failed
            one.why = Some(failure_text(why));
            continue;
        }
        one.verdict = Verdict::NotChecked;
        one.why = None;
    }
    // It failed after a requirement had been tried, in what that one needs too.
    if judged.iter().all(|one| one.verdict != Verdict::Broken)
        && let Some(last) = recording.claims().last().map(|claim| &claim.claim)
        && let Some(one) = judged.iter_mut().find(|one| one.claim == *last)
    {
        one.verdict = Verdict::Broken;
        one.why = Some(failure_text(why));
    }
}

/// Why the run failed: most often a call of a peer's that the program should have let succeed.
fn failure_text(why: &trace::Failure) -> String {
    match why {
        trace::Failure::Call(call) if call.function.is_some() => {
            let (actor, function) = (labels::actor(&call.actor), call.function.as_ref());
            tr!(
                "{actor} called {function}(), which should have succeeded; it failed with {error}",
                actor,
                function = function.map_or("", |function| &**function),
                error = call.errno
            )
        }
        _ => reasons::failure(why),
    }
}

/// The first requirement of each role that is not met, with the part of the run in which it was tried.
fn failed_parts<'j, 'r>(
    exercise: &Exercise,
    judged: &'j [Judged],
    recording: &'r Recording,
) -> Vec<(&'j Judged, FailedPart<'r>)> {
    let broken = judged.iter().filter(|one| one.verdict == Verdict::Broken);
    let mut parts: Vec<(&Judged, FailedPart<'_>)> = Vec::new();
    let mut roles = BTreeSet::new();
    for one in broken {
        let part = FailedPart::of(recording, &one.claim);
        let role = part.role(&exercise.roles);
        if parts.is_empty() || role.is_some_and(|role| !roles.contains(role)) {
            parts.push((one, part));
        }
        roles.extend(role);
    }
    parts
}

/// The requirements, and of the first of each role that is not met the picture and what looks wrong.
fn verdict(
    session: &mut Session,
    exercise: &Exercise,
    judged: &[Judged],
    recording: &Recording,
) -> Result<(), Failure> {
    let title = sentences::exercise_title(exercise.number, &exercise.title);
    session.terminal.wrapped("", &title, Ink::Strong)?;
    let parts = failed_parts(exercise, judged, recording);
    introduce_peers(session, exercise, &parts)?;
    tell_of_untraced(session, recording)?;
    let with_evidence = session.verbose > 0;
    let (unchecked, tried): (Vec<&Judged>, Vec<&Judged>) =
        judged.iter().partition(|one| one.verdict == Verdict::NotChecked);
    for one in tried {
        requirements::show(&mut session.terminal, one, with_evidence)?;
    }
    for group in unchecked.chunk_by(|one, other| one.why == other.why) {
        requirements::show_unchecked(&mut session.terminal, group)?;
    }
    session.terminal.blank()?;
    printed(session, recording)?;
    if parts.is_empty() {
        let counts = report::count(judged);
        return report_success(session, exercise, counts.not_checked);
    }
    for (broken, part) in &parts {
        let heading = tr!("What happened, up to: {requirement}", requirement = broken.sentence);
        session.terminal.wrapped("", &heading, Ink::Strong)?;
        session.terminal.keep_with_next();
        session.terminal.blank()?;
        part.show(session, exercise)?;
    }
    let lesson = i18n::command(&format!("lesson {}", exercise.lesson));
    let hints = i18n::command(&format!("exercise {} --hint", exercise.which()));
    let text = tr!("The lesson on it: {lesson}; hints: {hints}", lesson, hints);
    Ok(session.terminal.wrapped("", &text, Ink::Plain)?)
}

/// Says that the programs were not traced, if that is so, and why.
fn tell_of_untraced(session: &mut Session, recording: &Recording) -> Result<(), Failure> {
    let untraced = recording.events().iter().find_map(|event| match &event.what {
        EventKind::Note { note: Note::Untraced { why } } => Some(why),
        _ => None,
    });
    let Some(why) = untraced else { return Ok(()) };
    let text = tr!(
        "Your program is judged by what can be seen from outside, and the rest is not checked: {why}",
        why = reasons::lacking(why)
    );
    Ok(session.terminal.wrapped("", &text, Ink::Warn)?)
}

/// Says who those are that the explanations name.
fn introduce_peers(
    session: &mut Session,
    exercise: &Exercise,
    parts: &[(&Judged, FailedPart<'_>)],
) -> Result<(), Failure> {
    let peers = parts.iter().flat_map(|(_, part)| part.peers(&exercise.roles));
    let peers: BTreeSet<String> = peers.collect();
    if peers.is_empty() {
        return Ok(());
    }
    let count = peers.len();
    let names = peers.into_iter().collect::<Vec<_>>().join(tr!(context "list", ", "));
    let text = tr_n!(
        count,
        "({names} is a peer of your program, played by `explore check`.)",
        "({names} are peers of your program, played by `explore check`.)",
        names
    );
    Ok(session.terminal.wrapped("", &text, Ink::Faint)?)
}

fn report_success(
    session: &mut Session,
    exercise: &Exercise,
    unchecked: usize,
) -> Result<(), Failure> {
    let text = if unchecked > 0 {
        tr!("What was checked is right.").to_owned()
    } else {
        let command = i18n::command(&format!("exercise {} --solution python", exercise.which()));
        tr!("All requirements are met. Ours, to compare: {command}", command)
    };
    Ok(session.terminal.wrapped("", &text, Ink::Good)?)
}

/// The last lines of what each program printed.
fn printed(session: &mut Session, recording: &Recording) -> Result<(), Failure> {
    let mut texts: BTreeMap<Name, String> = BTreeMap::new();
    for event in recording.events() {
        if let EventKind::Printed { program, text } = &event.what {
            texts.entry(program.clone()).or_default().push_str(text);
        }
    }
    for (program, text) in texts {
        let name = labels::actor(&program);
        session.terminal.wrapped("", &tr!("{name} printed:", name), Ink::Faint)?;
        let lines: Vec<&str> = text.lines().collect();
        for line in &lines[lines.len().saturating_sub(MOST_LINES)..] {
            let line: String = line.chars().take(MOST_OF_LINE).collect();
            session.terminal.wrapped("    ", &safe(&line), Ink::Plain)?;
        }
        session.terminal.blank()?;
    }
    Ok(())
}

fn json(
    session: &mut Session,
    exercise: &Exercise,
    judged: &[Judged],
    recording: &Recording,
) -> Result<(), Failure> {
    let requirements: Vec<_> = judged
        .iter()
        .map(|one| {
            let evidence: Vec<_> = one.evidence.iter().map(report::comparison).collect();
            serde_json::json!({
                "name": one.claim,
                "sentence": one.sentence,
                "verdict": one.verdict,
                "evidence": evidence,
                "why": one.why,
                "explanations": requirements::explanations(one),
            })
        })
        .collect();
    let parts = failed_parts(exercise, judged, recording);
    let failures: Vec<_> = parts
        .iter()
        .map(|(one, part)| {
            let sentences = part.sentences(&exercise.roles);
            let happened: Vec<_> = sentences.iter().map(Sentence::json).collect();
            serde_json::json!({"requirement": one.claim, "happened": happened})
        })
        .collect();
    let is_met = judged.iter().all(|one| one.verdict == Verdict::Held);
    let object = serde_json::json!({
        "exercise": exercise.number,
        "slug": exercise.slug,
        "met": is_met,
        "requirements": requirements,
        "failures": failures,
    });
    let text = serde_json::to_string_pretty(&object).map_err(io::Error::from)?;
    Ok(session.terminal.verbatim(&text)?)
}
