//! A lesson's claims after a run: each with its sentence, its verdict, and its evidence.

use std::collections::BTreeSet;

use super::Failure;
use crate::capture::parameter::DEADLINE;
use crate::i18n::tr;
use crate::labels;
use crate::lesson::ClaimLine;
use crate::output::sentences;
use crate::output::terminal::{self, Terminal};
use crate::picture::{Ink, span_of};
use crate::reasons;
use crate::text::joint;
use crate::trace::recording::Recording;
use crate::trace::{Claim, Counts, Ending, Event, EventKind, Evidence, Relation, Value, Verdict};
use crate::views::wording::{self, with_lag};

/// A claim of a lesson with its verdict.
#[derive(Clone, Debug)]
pub struct Judged {
    pub claim: String,
    pub sentence: String,
    pub verdict: Verdict,
    pub evidence: Vec<Evidence>,
    /// Why it was not checked, or how it broke without evidence.
    pub why: Option<String>,
}

/// Whether a recording was made just now, or is replayed.
#[derive(Clone, Copy, Debug)]
pub enum Playback<'a> {
    Live {
        /// How its process ended, in words.
        exit: &'a str,
    },
    /// None of its claims counts as checked here.
    Recorded,
}

/// Judges the lesson's claims by what the run recorded. A claim that the run did not reach never counts as held. Claims without
/// a sentence in the lesson come last, by name.
pub fn judge(claims: &[ClaimLine], recording: &Recording, playback: Playback<'_>) -> Vec<Judged> {
    let mut lines = claims.to_vec();
    for claim in recording.claims() {
        if !lines.iter().any(|line| line.name == claim.claim) {
            let name = claim.claim.to_string();
            lines.push(ClaimLine { sentence: name.clone(), name });
        }
    }
    if recording.events().iter().any(is_of_kqueue) {
        // The lessons speak of Linux's epoll.
        lines.iter_mut().for_each(|line| line.sentence = line.sentence.replace("epoll", "kqueue"));
    }
    let mut judged: Vec<_> =
        lines.iter().map(|line| judge_one(line, recording, playback)).collect();
    // A claim broken in a stepped run may be the pause's fault, so it counts as not checked; a lost process is still broken.
    if recording.is_stepped() && recording.ending().is_some() {
        for one in judged.iter_mut().filter(|one| one.verdict == Verdict::Broken) {
            one.verdict = Verdict::NotChecked;
            let before = one.why.take().map_or_else(String::new, |why| format!(" ({why})"));
            one.why = Some(format!(
                "{}{before}",
                tr!(
                    "it did not hold in this stepped run, perhaps because of a pause; run it without --step and --pace"
                )
            ));
        }
    }
    judged
}

fn is_of_kqueue(event: &Event) -> bool {
    matches!(&event.what, EventKind::Return(back) if back.call.name == "kqueue")
}

fn judge_one(line: &ClaimLine, recording: &Recording, playback: Playback<'_>) -> Judged {
    let checked = recording.claims().filter(|claim| claim.claim == line.name);
    // If a claim was checked more than once the worst verdict counts.
    let worst: Option<&Claim> = checked.max_by_key(|claim| match claim.verdict {
        Verdict::Held => 0,
        Verdict::NotChecked => 1,
        Verdict::Broken => 2,
    });
    let (claim, sentence) = (line.name.clone(), line.sentence.clone());
    let exit = match playback {
        Playback::Live { exit } => exit,
        Playback::Recorded => {
            let why = match worst {
                Some(Claim { verdict: Verdict::Held, .. }) => tr!("held when it was recorded"),
                Some(Claim { verdict: Verdict::Broken, .. }) => tr!("broken when it was recorded"),
                Some(Claim { verdict: Verdict::NotChecked, .. }) => {
                    tr!("it was not checked in the recording either")
                }
                None => tr!("the recording ends before this claim"),
            };
            let evidence = worst.map(|found| found.evidence.clone()).unwrap_or_default();
            return Judged {
                claim,
                sentence,
                verdict: Verdict::NotChecked,
                evidence,
                why: Some(why.to_owned()),
            };
        }
    };
    if let Some(found) = worst {
        return Judged {
            claim,
            sentence,
            verdict: found.verdict,
            evidence: found.evidence.clone(),
            why: found.why.as_ref().map(reasons::lack),
        };
    }
    let own_deadline =
        recording.header.parameter(DEADLINE.name).is_some_and(|set| set != DEADLINE.default);
    let (verdict, why) = match recording.ending() {
        Some(Ending::Unavailable { why }) => (Verdict::NotChecked, reasons::lack(why)),
        Some(Ending::Interrupted) => {
            (Verdict::NotChecked, tr!("the run was interrupted").to_owned())
        }
        Some(Ending::Failed { why }) => (Verdict::Broken, reasons::failure(why)),
        Some(Ending::Deadline) if own_deadline => {
            (Verdict::NotChecked, tr!("the deadline that you set passed first").to_owned())
        }
        Some(Ending::Deadline) => (Verdict::Broken, tr!("the deadline passed first").to_owned()),
        Some(Ending::Finished) => {
            (Verdict::Broken, tr!("the experiment never checked it").to_owned())
        }
        None => (
            Verdict::Broken,
            tr!("the experiment's process ended unexpectedly ({aftermath})", aftermath = exit),
        ),
    };
    Judged { claim, sentence, verdict, evidence: Vec::new(), why: Some(why) }
}

/// Counts the claims by verdict.
pub fn count<'a>(judged: impl IntoIterator<Item = &'a Judged>) -> Counts {
    let mut counts = Counts::default();
    judged.into_iter().for_each(|one| counts.add(one.verdict));
    counts
}

pub fn show_counts(terminal: &mut Terminal, counts: Counts) -> terminal::Result<()> {
    let ink = if counts.broken > 0 { Ink::Bad } else { Ink::Good };
    terminal.wrapped("", &sentences::counts(counts), ink)
}

/// The command fails if a claim is broken.
pub fn outcome(counts: Counts) -> Result<(), Failure> {
    if counts.broken > 0 { Err(Failure::Broken) } else { Ok(()) }
}

/// A value in evidence: numbers with their unit.
fn format_value(value: &Value, unit: Option<&str>) -> String {
    match (value, unit) {
        (Value::Number(number), Some("ns")) => span_of(u64::try_from(*number).unwrap_or(0)),
        (Value::Number(number), Some(unit)) => format!("{number} {unit}"),
        (Value::Address(at), _) => wording::address(at),
        (Value::Label(label), _) => labels::label(label).into_owned(),
        _ => value.to_string(),
    }
}

/// One comparison in one row: `client.local 127.0.0.1:4000 = server.peer 127.0.0.1:4000`.
pub fn comparison(evidence: &Evidence) -> String {
    let unit = evidence.unit.as_deref();
    let saw = with_lag(format_value(&evidence.saw, unit), evidence.lag_ns);
    let with = format_value(&evidence.with, unit);
    let (what, relation) = (labels::label(&evidence.what), wording::relation(evidence.relation));
    match (evidence.with_what.as_ref().map(labels::label), evidence.held) {
        (Some(with_what), true) if evidence.relation == Relation::Before && unit == Some("ns") => {
            time_before(evidence, &what, &with_what)
        }
        (Some(with_what), _) => joined(&[&what, &saw, &relation, &with_what, &with]),
        (None, true) if saw == with => tr!("{what}: {saw}", what, saw),
        (None, true) => tr!("{what}: {saw} {relation} {with}", what, saw, relation, with),
        (None, _) => tr!("{what}: {saw} (expected {relation} {with})", what, saw, relation, with),
    }
}

/// How long one moment was before another: rounded to the time since the start, the two would often look the same.
fn time_before(evidence: &Evidence, what: &str, with_what: &str) -> String {
    let ns = |value: &Value| {
        if let Value::Number(ns) = value { u64::try_from(*ns).unwrap_or(0) } else { 0 }
    };
    let by = span_of(ns(&evidence.with).saturating_sub(ns(&evidence.saw)));
    tr!("{what}: {by} before {with_what}", what, by, with_what)
}

/// Joins words by spaces, except between Chinese characters.
fn joined(words: &[&str]) -> String {
    words.iter().fold(String::new(), |row, word| format!("{row}{}{word}", joint(&row, word)))
}

/// Which comparisons are shown below a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShownEvidence {
    Broken,
    /// Those that broke; else one.
    First,
    All,
}

/// Shows one claim: mark, sentence, and the evidence below it; of what held, first what was not yet `said` below another claim.
pub fn show(
    terminal: &mut Terminal,
    judged: &Judged,
    which: ShownEvidence,
    said: &mut BTreeSet<String>,
) -> terminal::Result<()> {
    terminal.together(|terminal| show_one(terminal, judged, which, said))
}

fn show_one(
    terminal: &mut Terminal,
    judged: &Judged,
    which: ShownEvidence,
    said: &mut BTreeSet<String>,
) -> terminal::Result<()> {
    let (mark, ink) = match judged.verdict {
        Verdict::Held => ("✓ ", Ink::Good),
        Verdict::Broken => ("✗ ", Ink::Bad),
        Verdict::NotChecked => ("○ ", Ink::Warn),
    };
    terminal.marked(mark, ink, &judged.sentence, Ink::Plain)?;
    let mut evidence: Vec<_> = judged.evidence.iter().collect();
    evidence.sort_by_key(|one| one.held); // broken ones first
    let new = evidence.iter().position(|one| !said.contains(&comparison(one))).unwrap_or(0);
    for (index, one) in evidence.into_iter().enumerate() {
        let text = comparison(one);
        let shown = match which {
            _ if !one.held => true,
            ShownEvidence::Broken => false,
            ShownEvidence::First => index == new,
            ShownEvidence::All => true,
        };
        if shown {
            let (mark, ink) = if one.held { ("    ", Ink::Faint) } else { ("  ✗ ", Ink::Plain) };
            terminal.marked(mark, Ink::Bad, &text, ink)?;
            said.insert(text);
        }
    }
    if judged.verdict != Verdict::Held {
        let verdict = sentences::verdict(judged.verdict);
        let text = match judged.why.as_deref() {
            Some(why) => tr!("{name}: {what}", name = verdict, what = why),
            None => verdict.to_owned(),
        };
        terminal.wrapped("    ", &text, ink)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::script::Script;
    use crate::picture::Row;

    #[test]
    fn of_a_run_with_kqueue_the_sentences_do_not_say_epoll() {
        let lines = [ClaimLine { name: "one".into(), sentence: "epoll named both".into() }];
        let said = |script: &Script| {
            judge(&lines, &script.recording(), Playback::Recorded)[0].sentence.clone()
        };
        let mut script = Script::new();
        script.call("server", 0, "epoll_create1", &[], 4);
        assert_eq!(said(&script), "epoll named both");
        script.call("server", 0, "kqueue", &[], 5);
        assert_eq!(said(&script), "kqueue named both");
    }

    fn seen(what: &'static str, saw: &'static str) -> Evidence {
        Evidence {
            what: what.into(),
            saw: saw.into(),
            relation: Relation::Equal,
            with: saw.into(),
            with_what: None,
            unit: None,
            lag_ns: None,
            held: true,
            explanation: None,
        }
    }

    #[test]
    fn no_claim_stands_without_what_was_seen_and_what_is_new_goes_first() {
        let (mut terminal, mut said) = (Terminal::kept(60), BTreeSet::new());
        let failed = || seen("bind", "EADDRINUSE");
        let claims = [vec![failed()], vec![failed(), seen("calls", "3")], vec![failed()]];
        for evidence in claims {
            let (claim, sentence) = ("a".to_owned(), "A claim.".to_owned());
            let judged = Judged { claim, sentence, verdict: Verdict::Held, evidence, why: None };
            show(&mut terminal, &judged, ShownEvidence::First, &mut said).expect("it is kept");
        }
        let rows: Vec<String> = terminal.take_kept().0.iter().map(Row::text).collect();
        let claim = "✓ A claim.";
        let bind = "    bind: EADDRINUSE";
        assert_eq!(rows, [claim, bind, claim, "    calls: 3", claim, bind]);
    }

    #[test]
    fn a_space_stands_beside_latin_letters_and_digits_alone() {
        assert_eq!(
            joined(&["server's", "fd 3", "=", "client's", "fd 3"]),
            "server's fd 3 = client's fd 3"
        );
        assert_eq!(
            joined(&["你好也啊", "你好也 3", "啊你", "好也啊啊", "3 ms"]),
            "你好也啊你好也 3 啊你好也啊啊 3 ms"
        );
    }
}
