//! The cases of `explore why`: troubles as people meet them, each a folder in `lessons/cases/`, written as a lesson is
//! (`docs/writing-a-case.md`). Beside the lesson a case has a fenced block `finds`, which says what leads to it.

use super::catalogue::{self, Folder};
use super::{CourseError, Lesson};
use crate::i18n::{Language, tr};

pub mod messages;
mod search;

pub use search::{Hit, Index};

/// A trouble, reproduced, explained and cured.
#[derive(Clone, Debug)]
pub struct Case {
    /// Its place in the list: the most searched trouble is the first.
    pub number: u32,
    /// Its text, with its experiments.
    pub lesson: Lesson,
    /// The errors by which it shows itself: `EADDRINUSE`.
    pub errors: Vec<String>,
    /// What sets it apart from its neighbours in a list of hits.
    pub tells: String,
    /// What people type who look for it, in every language.
    pub phrases: Vec<String>,
    /// Its title and its question, in every language.
    pub openings: Vec<String>,
}

/// The block `finds` of a text.
#[derive(Debug, Default, PartialEq, Eq)]
struct Finds {
    errors: Vec<String>,
    tells: String,
    phrases: Vec<String>,
}

/// The opening of the block.
const FENCE: &str = "```finds";

impl Case {
    fn read(folder: Folder) -> Result<Case, CourseError> {
        let (file, text) = folder.text();
        let (finds, rest) = finds_of(&file, text)?;
        let mut lesson = Lesson::parse(&file, &rest, None, folder.slug)?;
        if lesson.shows().next().is_none() || !lesson.further.is_empty() {
            let what = tr!("a case has one experiment or more, and no further part").to_owned();
            return Err(CourseError::Line { file, line: 1, what });
        }
        lesson.file = file;
        let (mut phrases, mut openings) = (Vec::new(), Vec::new());
        for (file, text) in Language::all().filter_map(|language| folder.text_in(language)) {
            let (finds, rest) = finds_of(&file, text)?;
            phrases.extend(finds.phrases);
            openings.extend(opening_of(&rest));
        }
        let Finds { errors, tells, .. } = finds;
        Ok(Case { number: folder.number, lesson, errors, tells, phrases, openings })
    }

    /// Whether this is its number or its slug.
    #[must_use]
    pub fn is_called(&self, name: &str) -> bool {
        self.lesson.slug == name || name.parse() == Ok(self.number)
    }
}

/// All cases, in the order of their numbers.
pub fn cases() -> Result<Vec<Case>, CourseError> {
    catalogue::cases().into_iter().map(Case::read).collect()
}

/// The block `finds` of this text, and the text with empty lines in its place.
fn finds_of(file: &str, text: &str) -> Result<(Finds, String), CourseError> {
    let wrong = |line: usize, what: &str| CourseError::Line {
        file: file.to_owned(),
        line,
        what: what.to_owned(),
    };
    let mut finds = Finds::default();
    let mut rest = String::with_capacity(text.len());
    let mut began = None;
    let mut inside = false;
    for (number, line) in (1..).zip(text.lines()) {
        match line.trim() {
            FENCE if began.is_none() => (began, inside) = (Some(number), true),
            "```" if inside => inside = false,
            "" if inside => {}
            line if inside => finds.take(line),
            _ => rest.push_str(line),
        }
        rest.push('\n');
    }
    let Some(began) = began.filter(|_| !inside) else {
        return Err(wrong(1, tr!("a case has a block ```finds, which says what leads to it")));
    };
    if finds.tells.is_empty() || finds.phrases.is_empty() {
        let what = tr!("a block `finds` has a line `tells: …`, and phrases as people type them");
        return Err(wrong(began, what));
    }
    Ok((finds, rest))
}

/// The title of a text, and the question below it.
fn opening_of(text: &str) -> [String; 2] {
    let title = text.lines().next().unwrap_or_default().trim_start_matches(['#', ' ']);
    let below = text.lines().skip(1).skip_while(|line| line.is_empty());
    let question: Vec<_> = below.map_while(|line| line.strip_prefix('>')).map(str::trim).collect();
    [title.to_owned(), question.join(" ")]
}

impl Finds {
    fn take(&mut self, line: &str) {
        if let Some(errors) = line.strip_prefix("errno:") {
            self.errors
                .extend(errors.split([' ', ',']).filter(|it| !it.is_empty()).map(str::to_owned));
        } else if let Some(tells) = line.strip_prefix("tells:") {
            tells.trim().clone_into(&mut self.tells);
        } else {
            self.phrases.push(line.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::i18n::speaking;
    use crate::lesson::Step;

    const TEXT: &str = "# T\n\n> Q?\n\n```finds\nerrno: EPIPE, ECONNRESET\ntells: by this\nbroken pipe\n```\n\nProse.\n";

    #[test]
    fn the_block_is_taken_out_and_no_line_moves() {
        let (finds, rest) = finds_of("case.md", TEXT).expect("parses");
        assert_eq!(finds.errors, ["EPIPE", "ECONNRESET"]);
        assert_eq!((&*finds.tells, &*finds.phrases), ("by this", &["broken pipe".to_owned()][..]));
        assert_eq!(rest.lines().count(), TEXT.lines().count());
        assert_eq!(rest.lines().nth(10), Some("Prose."));
    }

    #[test]
    fn a_text_opens_with_its_title_and_its_question() {
        assert_eq!(opening_of(TEXT), ["T", "Q?"]);
        assert_eq!(opening_of("# T\n> Two\n> lines?\n\n> else\n"), ["T", "Two lines?"]);
    }

    #[test]
    fn a_block_that_is_missing_or_incomplete_is_told_with_its_line() {
        let wrong = |text: &str| finds_of("case.md", text).expect_err("incomplete").to_string();
        assert!(wrong("# T\n").starts_with("case.md:1: "));
        assert!(wrong(&TEXT.replace("tells: by this\n", "")).starts_with("case.md:5: "));
        assert!(wrong(&TEXT.replace("broken pipe\n", "")).starts_with("case.md:5: "));
    }

    /// The headings of a case.
    const HEADINGS: [&str; 6] =
        ["Is it this?", "It happens", "Why", "The cure", "When the cure is wrong", "In the course"];

    fn prose(case: &Case) -> impl Iterator<Item = &str> {
        let prose = case.lesson.steps.iter().filter_map(|step| match step {
            Step::Prose(text) => Some(text),
            _ => None,
        });
        prose.flat_map(|text| text.lines())
    }

    #[test]
    fn every_case_has_its_sections_in_order_and_in_every_language() {
        for language in Language::all() {
            let mut wanted = (language == Language::ENGLISH).then(|| HEADINGS.to_vec());
            let cases = speaking(language, cases).expect("they parse");
            for case in &cases {
                let found: Vec<_> =
                    prose(case).filter_map(|line| line.strip_prefix("## ")).collect();
                let wanted = wanted.get_or_insert_with(|| found.clone());
                assert_eq!((&found, found.len()), (&*wanted, 6), "{}", case.lesson.file);
                for code in ["```python", "```c"] {
                    let shown = prose(case).any(|line| line == code);
                    assert!(shown, "{} has no cure in {code}", case.lesson.file);
                }
            }
        }
    }

    #[test]
    fn both_languages_of_a_case_name_the_same_errors_and_experiments() {
        let read = |language| speaking(language, cases).expect("they parse");
        let facts = |case: &Case| {
            let claims = case.lesson.shows().map(|show| {
                let names: BTreeSet<_> = show.claims.iter().map(|it| it.name.clone()).collect();
                (show.experiment.name, names)
            });
            (case.number, case.errors.clone(), claims.collect::<Vec<_>>())
        };
        let [english, other] = [0, 1].map(|which| {
            let language = Language::all().nth(which).expect("there are two");
            read(language).iter().map(facts).collect::<Vec<_>>()
        });
        for (one, two) in english.iter().zip(&other) {
            assert_eq!(one, two);
        }
        assert_eq!(english.len(), other.len());
    }

    #[test]
    fn no_phrase_stands_twice_and_every_error_has_messages() {
        let cases = cases().expect("they parse");
        let mut seen = BTreeSet::new();
        for case in &cases {
            for phrase in &case.phrases {
                let phrase = phrase.to_lowercase();
                assert!(seen.insert(phrase.clone()), "`{phrase}` stands twice");
            }
            for error in &case.errors {
                let known = messages::all().any(|message| message.error == *error);
                assert!(known, "messages.md has no row for {error} ({})", case.lesson.file);
            }
        }
    }
}
