//! What a ladder says of events that are no calls and no frames: parts, deliberate waits, a bad end.

use super::builder::Builder;
use super::diagram::{Likeness, Shape, Step};
use crate::i18n::tr;
use crate::labels;
use crate::picture::{Ink, span_of};
use crate::reasons;
use crate::trace::{Ending, EventKind};
use crate::views::wording;

impl Builder<'_> {
    /// The steps of all of them.
    pub(super) fn annotations(&self) -> Vec<Step> {
        let (mut steps, mut is_told) = (Vec::new(), false);
        for event in self.analysis.recording.shown_events() {
            let lane = self.lane_of.get(&event.actor).copied();
            let (shape, likeness) = match &event.what {
                EventKind::Part { part } => (
                    Shape::Part(labels::label(part).into_owned()),
                    Likeness::Part(part.to_string()),
                ),
                EventKind::Wait { asked_ns, purpose } => {
                    let text = tr!("waits {span}", span = span_of(*asked_ns));
                    let shape = match lane {
                        Some(lane) => {
                            let words = vec![
                                tr!("{text}: {purpose}", text, purpose = labels::label(purpose)),
                                text,
                            ];
                            Shape::Call { lane, words, ink: Ink::Warn, joins: false }
                        }
                        None => Shape::Note(
                            tr!(
                                "{span} pass: {purpose}",
                                span = span_of(*asked_ns),
                                purpose = labels::label(purpose)
                            ),
                            Ink::Warn,
                        ),
                    };
                    (shape, Likeness::Wait { lane, purpose: purpose.to_string() })
                }
                EventKind::Deed { deed, errno } => {
                    let Some(lane) = lane else { continue };
                    let (failed, ink) = match errno {
                        Some(errno) => (format!(" ✗ {errno}"), Ink::Bad),
                        None => (String::new(), Ink::Plain),
                    };
                    // Where there is no room for the file's name, the call alone.
                    let words = labels::label(deed);
                    let brief = words.rsplit_once(" …/").map(|(call, _)| format!("{call}{failed}"));
                    let words = [format!("{words}{failed}")].into_iter().chain(brief).collect();
                    (
                        Shape::Call { lane, words, ink, joins: false },
                        Likeness::Deed { lane, deed: deed.to_string() },
                    )
                }
                EventKind::Deadline { limit_ns, interrupted, blocked } => {
                    is_told = true;
                    let who: Vec<String> = blocked
                        .iter()
                        .map(|who| {
                            tr!(
                                "{actor} in {call}",
                                actor = labels::actor(&who.actor),
                                call = who.call.function()
                            )
                        })
                        .collect();
                    let who = if who.is_empty() {
                        String::new()
                    } else {
                        tr!(": {who}", who = who.join(tr!(context "list", ", ")))
                    };
                    let recording = self.analysis.recording;
                    let limit = wording::time_limit(recording, *limit_ns, *interrupted);
                    let words = if *interrupted {
                        tr!("the programs are ended, {limit}{who}", limit, who)
                    } else {
                        tr!("deadline, {limit}{who}", limit, who)
                    };
                    (Shape::Note(words, Ink::Bad), Likeness::Other)
                }
                EventKind::End { ending: Ending::Failed { why } } => {
                    (Shape::Note(reasons::failure(why), Ink::Bad), Likeness::Other)
                }
                EventKind::End { ending: Ending::Unavailable { why } } => {
                    (Shape::Note(reasons::lack(why), Ink::Bad), Likeness::Other)
                }
                EventKind::End { ending: Ending::Interrupted } if !is_told => {
                    (Shape::Note(tr!("interrupted").to_owned(), Ink::Bad), Likeness::Other)
                }
                _ => continue,
            };
            steps.push(Step::new(event.at_ns, shape, likeness));
        }
        steps
    }
}
