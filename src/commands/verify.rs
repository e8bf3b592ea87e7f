//! `verify`: checks the claims of lessons without their prose.

use std::collections::BTreeSet;
use std::io;

use serde::Serialize;

use super::lesson::lessons_and_cases;
use super::report::{self, Judged, Playback, ShownEvidence};
use super::{Failure, Session, live};
use crate::capture::sys;
use crate::cli;
use crate::i18n::tr;
use crate::lesson::Lesson;
use crate::output::sentences;
use crate::picture::Ink;
use crate::trace::{Counts, Verdict};

/// The output of `verify --json`.
#[derive(Debug, Serialize)]
struct Report {
    kernel: String,
    claims: Vec<Row>,
    held: usize,
    broken: usize,
    not_checked: usize,
}

#[derive(Debug, Serialize)]
struct Row {
    lesson: String,
    experiment: String,
    claim: String,
    verdict: Verdict,
    why: Option<String>,
}

/// Checks every claim of these lessons, or of all.
pub fn run(args: &cli::Verify, session: &mut Session) -> Result<(), Failure> {
    let lessons = lessons_and_cases(&args.lessons)?;
    session.running.expect(lessons.iter().flat_map(Lesson::shows).count());
    let mut rows = Vec::new();
    let mut counts = Counts::default();
    let mut last_reason = None;
    for lesson in &lessons {
        if !args.json {
            let title = sentences::lesson_title(lesson.number, &lesson.title);
            session.terminal.wrapped("", &title, Ink::Strong)?;
        }
        for show in lesson.shows() {
            let finished = live::run(session, show.experiment, &show.settings)?;
            let playback = Playback::Live { exit: &finished.exit };
            for judged in report::judge(&show.claims, &finished.recording, playback) {
                counts.add(judged.verdict);
                if args.json {
                    rows.push(row(&lesson.slug, show.experiment.name, judged));
                } else {
                    show_claim(session, judged, &mut last_reason)?;
                }
            }
        }
    }
    if args.json {
        let Counts { held, broken, not_checked } = counts;
        let report = Report { kernel: sys::name(), claims: rows, held, broken, not_checked };
        let text = serde_json::to_string_pretty(&report).map_err(io::Error::from)?;
        session.terminal.verbatim(&text)?;
    } else {
        report::show_counts(&mut session.terminal, counts)?;
    }
    session.terminal.flush()?;
    report::outcome(counts)
}

fn row(lesson: &str, experiment: &str, judged: Judged) -> Row {
    let why = match judged.verdict {
        Verdict::Broken if judged.why.is_none() => {
            let broken = judged.evidence.iter().find(|evidence| !evidence.held);
            broken.map(report::comparison)
        }
        _ => judged.why,
    };
    Row {
        lesson: lesson.to_owned(),
        experiment: experiment.to_owned(),
        claim: judged.claim,
        verdict: judged.verdict,
        why,
    }
}

/// Shows a claim. One missing device leaves many claims unchecked, so a reason that repeats is shown as "as above".
fn show_claim(
    session: &mut Session,
    mut judged: Judged,
    last_reason: &mut Option<String>,
) -> Result<(), Failure> {
    if judged.verdict == Verdict::Held {
        return Ok(session.terminal.wrapped("  ✓ ", &judged.sentence, Ink::Plain)?);
    }
    if judged.why.is_some() && judged.why == *last_reason {
        judged.why = Some(tr!("as above").to_owned());
    } else {
        last_reason.clone_from(&judged.why);
    }
    Ok(report::show(&mut session.terminal, &judged, ShownEvidence::All, &mut BTreeSet::new())?)
}
