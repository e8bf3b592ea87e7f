//! `verify`: every claim, without the prose: held, broken, or not checked here.

use std::io;

use serde::Serialize;

use super::report::Told;
use super::{Failure, Player, find_lesson, report};
use crate::capture::sys;
use crate::lesson::{self, Lesson};
use crate::picture::Ink;
use crate::trace::Verdict;
use crate::words::{self, Counts};

/// What `verify --json` prints.
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
///
/// # Errors
/// [`Failure`], see there. A broken claim is no error here: it is in the counts.
pub fn verify(player: &mut Player, which: &[String], json: bool) -> Result<Counts, Failure> {
    let lessons: Vec<Lesson> = if which.is_empty() {
        lesson::lessons()?
    } else {
        which.iter().map(|one| find_lesson(one)).collect::<Result<_, _>>()?
    };
    let mut all =
        Report { kernel: sys::name(), claims: Vec::new(), held: 0, broken: 0, not_checked: 0 };
    let mut counts = Counts::default();
    let mut told = None;
    for lesson in &lessons {
        if !json {
            player.terminal.wrapped(
                "",
                &words::lesson_title(lesson.number, &lesson.title),
                Ink::Strong,
            )?;
        }
        for show in lesson.shows() {
            let done = player.run_live(show.experiment, &show.settings)?;
            for mut judged in
                report::judge(&show.claims, &done.recording, Told::Live(&done.aftermath))
            {
                counts.add(judged.verdict);
                if json {
                    let (lesson, experiment) =
                        (lesson.slug.clone(), show.experiment.name.to_owned());
                    let why = match judged.verdict {
                        Verdict::Broken if judged.why.is_none() => judged
                            .evidence
                            .iter()
                            .find(|evidence| !evidence.held)
                            .map(report::comparison),
                        _ => judged.why,
                    };
                    all.claims.push(Row {
                        lesson,
                        experiment,
                        claim: judged.claim,
                        verdict: judged.verdict,
                        why,
                    });
                } else if judged.verdict == Verdict::Held {
                    player.terminal.wrapped("  ✓ ", &judged.sentence, Ink::Plain)?;
                } else {
                    // One missing device un-checks many claims: its reason and remedy are told once.
                    if judged.why.is_some() && judged.why == told {
                        judged.why = Some(words::as_above().to_owned());
                    } else {
                        told.clone_from(&judged.why);
                    }
                    report::show(&mut player.terminal, &judged, report::Shown::All)?;
                }
            }
        }
    }
    if json {
        (all.held, all.broken, all.not_checked) = (counts.held, counts.broken, counts.not_checked);
        player.terminal.verbatim(&serde_json::to_string_pretty(&all).map_err(io::Error::from)?)?;
    } else {
        player.terminal.wrapped(
            "",
            &words::counts(counts),
            if counts.broken > 0 { Ink::Bad } else { Ink::Good },
        )?;
    }
    player.terminal.flush()?;
    Ok(counts)
}
