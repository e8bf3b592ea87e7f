//! Where one is in a lesson, and about how long the rest of it takes.

use unicode_width::UnicodeWidthChar;

use crate::cli;
use crate::i18n::tr;
use crate::lesson::{Show, Step};

/// Seconds for a word of prose that is read to be understood: 200 a minute.
const SECONDS_A_WORD: f64 = 0.3;
/// Seconds for a Chinese character: 400 a minute.
const SECONDS_A_CHARACTER: f64 = 0.15;
/// Seconds for a prediction.
const SECONDS_A_PREDICTION: f64 = 20.0;
/// Seconds for an experiment whose code is shown, with its picture and its claims.
const SECONDS_AN_EXPERIMENT: f64 = 60.0;
/// Seconds for a picture.
const SECONDS_A_VIEW: f64 = 10.0;

/// A part of a lesson that begins with a heading, or with the lesson.
#[derive(Clone, Debug, Default, PartialEq)]
struct Section {
    heading: Option<String>,
    seconds: f64,
}

/// The sections of what is played, and the one that is.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Position {
    sections: Vec<Section>,
    /// How many have begun.
    begun: usize,
}

impl Position {
    /// The position before these steps, of which so much code is shown.
    pub(super) fn before(steps: &[Step], code: cli::Code) -> Position {
        let mut sections: Vec<Section> = Vec::new();
        for step in steps {
            let seconds = match step {
                Step::Prose(markdown) => {
                    for part in parts(markdown) {
                        let heading = heading_of(part);
                        if heading.is_some() || sections.is_empty() {
                            sections.push(Section { heading, seconds: 0.0 });
                        }
                        sections.iter_mut().last().into_iter().for_each(|section| {
                            section.seconds += reading_time(part);
                        });
                    }
                    continue;
                }
                Step::Predict(_) => SECONDS_A_PREDICTION,
                Step::Experiment(show) => running_time(show, code),
            };
            match sections.last_mut() {
                Some(section) => section.seconds += seconds,
                None => sections.push(Section { heading: None, seconds }),
            }
        }
        Position { sections, begun: 0 }
    }

    /// The position after the first of these steps, so many.
    pub(super) fn after(steps: &[Step], seen: usize, code: cli::Code) -> Position {
        let begun = Position::before(&steps[..seen], code).sections.len();
        Position { begun, ..Position::before(steps, code) }
    }

    /// A part of prose is shown next, which may begin a section.
    pub(super) fn pass(&mut self, part: &str) {
        if self.begun == 0 || heading_of(part).is_some() {
            self.begun = (self.begun + 1).min(self.sections.len());
        }
    }

    /// The heading of the section that has begun.
    pub(super) fn heading(&self) -> Option<&str> {
        self.sections.get(self.begun.checked_sub(1)?)?.heading.as_deref()
    }

    /// The number of the section among all, and the minutes left.
    pub(super) fn words(&self) -> Vec<String> {
        let (all, number) = (self.sections.len(), self.begun.max(1));
        if all < 2 {
            return Vec::new();
        }
        let left = self.sections.iter().skip(number - 1).map(|section| section.seconds);
        let minutes = (left.sum::<f64>() / 60.0).round().max(1.0);
        let minutes = format!("{minutes:.0}");
        vec![tr!("{number} of {all}", number, all), tr!("{minutes} min", minutes)]
    }
}

/// Splits prose before each of its headings.
pub(super) fn parts(markdown: &str) -> Vec<&str> {
    let mut cuts: Vec<_> = markdown.match_indices("\n## ").map(|(at, _)| at + 1).collect();
    cuts.insert(0, 0);
    cuts.push(markdown.len());
    cuts.windows(2)
        .map(|cut| markdown[cut[0]..cut[1]].trim())
        .filter(|part| !part.is_empty())
        .collect()
}

fn heading_of(part: &str) -> Option<String> {
    part.lines().next()?.strip_prefix("## ").map(str::to_owned)
}

#[allow(clippy::cast_precision_loss)] // an estimate
fn running_time(show: &Show, code: cli::Code) -> f64 {
    if code != cli::Code::None {
        return SECONDS_AN_EXPERIMENT;
    }
    let claims = show.claims.iter().map(|claim| reading_time(&claim.sentence));
    claims.sum::<f64>() + SECONDS_A_VIEW * show.views.len().max(1) as f64
}

#[allow(clippy::cast_precision_loss)] // an estimate
fn reading_time(text: &str) -> f64 {
    let wide = text.chars().filter(|character| character.width() == Some(2)).count();
    let is_word = |word: &&str| word.contains(|c: char| c.is_ascii_alphanumeric());
    let words = text.split_whitespace().filter(is_word).count();
    wide as f64 * SECONDS_A_CHARACTER + words as f64 * SECONDS_A_WORD
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::i18n::{Language, speaking};
    use crate::lesson::cases::cases;

    fn prose(text: &str) -> Step {
        Step::Prose(text.to_owned())
    }

    #[test]
    fn sections_are_counted_and_the_rest_is_estimated() {
        let words = "word ".repeat(400);
        let steps = [
            prose("Before."),
            prose(&format!("More.\n\n## One\n\n{words}")),
            prose(&format!("Behind the run.\n\n## Two\n\n{words}\n\n## Three\n\n\u{5b57}")),
        ];
        let mut position = Position::before(&steps, cli::Code::Calls);
        assert_eq!((position.heading(), position.words()[0].as_str()), (None, "1 of 4"));
        assert_eq!(position.words()[1], "4 min");
        for part in ["Before.", "More.", "## One\n\nText", "Behind the run."] {
            position.pass(part);
        }
        assert_eq!(position.heading(), Some("One"));
        assert_eq!(position.words(), ["2 of 4", "4 min"]);
        assert_eq!(Position::after(&steps, 2, cli::Code::Calls), position);
        position.pass("## Two");
        position.pass("## Three");
        assert_eq!(position.words(), ["4 of 4", "1 min"]);
        assert_eq!(Position::before(&steps[..1], cli::Code::Calls).words(), Vec::<String>::new());
    }

    #[test]
    fn a_case_takes_two_minutes() {
        for language in Language::all() {
            let cases = speaking(language, cases).expect("well formed");
            for case in cases {
                let position = Position::before(&case.lesson.steps, cli::Code::None);
                let seconds: f64 = position.sections.iter().map(|section| section.seconds).sum();
                let tag = language.tag();
                assert!(seconds < 150.0, "case {} takes {seconds:.0} s ({tag})", case.number);
            }
        }
    }
}
