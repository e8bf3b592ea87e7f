//! The glossary: each term in every language, a sentence in each, and the lesson that shows it. Its text is
//! `lessons/glossary.md`, a table that reads well wherever Markdown is shown: a column of names for each language, headed with the
//! language's own name, then a column of sentences for each in the same order, then the lesson.

use super::catalogue;
use crate::i18n;

/// One term.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// Its name in each language, English first.
    pub names: Vec<&'static str>,
    sentences: Vec<&'static str>,
    /// The lesson that shows it, by its slug.
    pub lesson: &'static str,
    /// The column of the language that is spoken.
    column: usize,
}

impl Term {
    /// Its name in the language that is spoken.
    pub fn name(&self) -> &'static str {
        self.names[self.column]
    }

    /// Its name in the language that is spoken, then in the others.
    pub fn all_names(&self) -> String {
        let mut names = self.names.clone();
        names[..=self.column].rotate_right(1);
        names.join(" · ")
    }

    /// Its definition, in the language that is spoken.
    pub fn sentence(&self) -> &'static str {
        self.sentences[self.column]
    }
}

/// Every term, in the order of the file: that of the course.
pub fn terms() -> impl Iterator<Item = Term> {
    let mut rows = catalogue::glossary().lines().filter_map(cells);
    let heads = rows.next().unwrap_or_default();
    let languages = heads.len() / 2;
    let spoken = i18n::spoken().name();
    let column = heads.iter().take(languages).position(|head| *head == spoken);
    let term = move |cells: Vec<&'static str>| {
        let (lesson, texts) = cells.split_last()?;
        let (names, sentences) = texts.split_at_checked(languages)?;
        (sentences.len() == languages).then(|| Term {
            names: names.to_vec(),
            sentences: sentences.to_vec(),
            lesson,
            column: column.unwrap_or(0),
        })
    };
    rows.skip(1).filter_map(term) // the line below the heads
}

/// The cells of a row of the table.
pub(super) fn cells(line: &str) -> Option<Vec<&str>> {
    let inner = line.trim().strip_prefix('|')?.strip_suffix('|')?;
    Some(inner.split('|').map(str::trim).collect())
}

/// Finds terms by name: exact matches; else names that begin with the text; else names that contain it.
pub fn find(asked: &str) -> Vec<Term> {
    let asked = asked.trim().to_lowercase();
    let tests: [fn(&str, &str) -> bool; 3] = [
        |name, asked| name == asked,
        |name, asked| name.starts_with(asked),
        |name, asked| name.contains(asked),
    ];
    let found = tests.iter().map(|test| {
        let is_it = |term: &Term| term.names.iter().any(|name| test(&name.to_lowercase(), &asked));
        terms().filter(is_it).collect::<Vec<_>>()
    });
    found.into_iter().find(|found| !found.is_empty()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lesson;

    #[test]
    fn a_term_is_found_in_every_language_however_it_is_typed() {
        for asked in ["socket", "SOCKET", " \u{5957}\u{63a5}\u{5b57} "] {
            assert_eq!(
                find(asked).iter().map(|term| term.names[0]).collect::<Vec<_>>(),
                ["socket"],
                "{asked}"
            );
        }
        assert!(
            find("three-way")
                .iter()
                .any(|term| term.names[1] == "\u{4e09}\u{6b21}\u{63e1}\u{624b}")
        );
        assert!(find("no such thing").is_empty());
    }

    #[test]
    fn every_term_is_whole_and_its_lesson_speaks_of_it() {
        let text = |lesson: &lesson::Lesson| format!("{lesson:?}").to_lowercase();
        for language in i18n::Language::all() {
            i18n::speaking(language, || {
                let lessons = lesson::lessons().expect("well formed");
                let term = terms().next().expect("a term");
                let heads = catalogue::glossary().lines().find_map(cells).expect("a table");
                assert_eq!(heads[term.column], language.name(), "it has no column");
                for term in terms() {
                    let lesson = lessons.iter().find(|lesson| lesson.slug == term.lesson);
                    let lesson = lesson.unwrap_or_else(|| {
                        panic!("`{}` names no lesson: `{}`", term.names[0], term.lesson)
                    });
                    let first = |name: &str| {
                        name.split([' ', '（', '('])
                            .next()
                            .unwrap_or_default()
                            .trim_end_matches('s')
                            .to_lowercase()
                    };
                    let name = first(term.name());
                    assert!(
                        text(lesson).contains(&name),
                        "{}: lesson `{}` does not say `{name}`",
                        language.tag(),
                        term.lesson
                    );
                    assert!(term.sentence().ends_with(['.', '。']), "{}", term.names[0]);
                }
            });
        }
        let rows = catalogue::glossary()
            .lines()
            .filter(|line| line.starts_with("| ") && !line.starts_with("| ---"))
            .count();
        assert_eq!(terms().count() + 1, rows, "a row of the table is not whole");
        let mut names: Vec<_> = terms().map(|term| term.names[0].to_lowercase()).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), terms().count(), "a term stands there twice");
    }
}
