//! The glossary: each term in both languages, a sentence in each, and the lesson that shows it. Its text is
//! `lessons/glossary.md`, a table that reads well wherever Markdown is shown.

use super::catalogue;
use crate::i18n::{self, Language};

/// One term.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// In English.
    pub english: &'static str,
    /// In Chinese.
    pub chinese: &'static str,
    in_english: &'static str,
    in_chinese: &'static str,
    /// The lesson that shows it, by its slug.
    pub lesson: &'static str,
}

impl Term {
    /// What it is, in one sentence, in the language that is spoken.
    #[must_use]
    pub fn sentence(&self) -> &'static str {
        if i18n::spoken() == Language::ENGLISH { self.in_english } else { self.in_chinese }
    }

    /// The term in the language that is spoken, then in the other.
    #[must_use]
    pub fn names(&self) -> (&'static str, &'static str) {
        if i18n::spoken() == Language::ENGLISH {
            (self.english, self.chinese)
        } else {
            (self.chinese, self.english)
        }
    }
}

/// Every term, in the order of the file: that of the course.
pub fn terms() -> impl Iterator<Item = Term> {
    catalogue::glossary().lines().skip_while(|line| !line.starts_with("| ---")).skip(1).filter_map(
        |line| {
            let mut cells =
                line.trim().strip_prefix('|')?.strip_suffix('|')?.split('|').map(str::trim);
            Some(Term {
                english: cells.next()?,
                chinese: cells.next()?,
                in_english: cells.next()?,
                in_chinese: cells.next()?,
                lesson: cells.next()?,
            })
        },
    )
}

/// The terms that somebody may mean: those of that name; else those that begin with it; else those that contain it.
#[must_use]
pub fn find(asked: &str) -> Vec<Term> {
    let asked = asked.trim().to_lowercase();
    let tests: [fn(&str, &str) -> bool; 3] = [
        |name, asked| name == asked,
        |name, asked| name.starts_with(asked),
        |name, asked| name.contains(asked),
    ];
    let found = tests.iter().map(|test| {
        let is_it = |term: &Term| {
            [term.english, term.chinese].iter().any(|name| test(&name.to_lowercase(), &asked))
        };
        terms().filter(is_it).collect::<Vec<_>>()
    });
    found.into_iter().find(|found| !found.is_empty()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lesson;

    #[test]
    fn a_term_is_found_in_either_language_however_it_is_typed() {
        for asked in ["socket", "SOCKET", " \u{5957}\u{63a5}\u{5b57} "] {
            assert_eq!(
                find(asked).iter().map(|term| term.english).collect::<Vec<_>>(),
                ["socket"],
                "{asked}"
            );
        }
        assert!(
            find("three-way").iter().any(|term| term.chinese == "\u{4e09}\u{6b21}\u{63e1}\u{624b}")
        );
        assert!(find("no such thing").is_empty());
    }

    #[test]
    fn every_term_is_whole_and_its_lesson_speaks_of_it() {
        let text = |lesson: &lesson::Lesson| format!("{lesson:?}").to_lowercase();
        for language in Language::all() {
            i18n::speaking(language, || {
                let lessons = lesson::lessons().expect("well formed");
                for term in terms() {
                    let lesson = lessons.iter().find(|lesson| lesson.slug == term.lesson);
                    let lesson = lesson.unwrap_or_else(|| {
                        panic!("`{}` names no lesson: `{}`", term.english, term.lesson)
                    });
                    let first = |name: &str| {
                        name.split([' ', '（', '('])
                            .next()
                            .unwrap_or_default()
                            .trim_end_matches('s')
                            .to_lowercase()
                    };
                    let name = first(term.names().0);
                    assert!(
                        text(lesson).contains(&name),
                        "{}: lesson `{}` does not say `{name}`",
                        language.tag(),
                        term.lesson
                    );
                    assert!(term.sentence().ends_with(['.', '。']), "{}", term.english);
                }
            });
        }
        let rows = catalogue::glossary()
            .lines()
            .filter(|line| line.starts_with("| ") && !line.starts_with("| ---"))
            .count();
        assert_eq!(terms().count() + 1, rows, "a row of the table is not whole");
        let mut names: Vec<_> = terms().map(|term| term.english.to_lowercase()).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), terms().count(), "a term stands there twice");
    }
}
