//! How systems and languages word the errors of sockets: `lessons/cases/messages.md`, a table of error, place, text and source
//! that reads well wherever Markdown is shown.

use super::search::{Words, tokens};
use crate::lesson::catalogue;
use crate::lesson::glossary::cells;

/// One wording of an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message {
    /// The error: `EPIPE`.
    pub error: &'static str,
    /// Which language or system words it so.
    pub place: &'static str,
    /// The text, as it is shown to a user.
    pub text: &'static str,
    /// Where that stands, in brackets.
    pub source: &'static str,
}

/// Every row, in the order of the file.
pub fn all() -> impl Iterator<Item = Message> {
    let rows = catalogue::messages().lines().filter_map(cells);
    rows.skip(2).filter_map(|cells| match cells[..] {
        [error, place, text, source] => {
            Some(Message { error, place, text: text.trim_matches('`'), source })
        }
        _ => None,
    })
}

/// A wording of fewer words than this, among others, fits too much to name an error.
const FEWEST_WORDS: usize = 3;
/// The digits of a Windows error number: 10035.
const WINDOWS_NUMBER: usize = 5;

/// The errors that have a name, with the words by which each is known.
pub(super) struct Wordings(Vec<Wording>);

struct Wording {
    error: &'static str,
    name: Words,
    text: Words,
    /// Whether the text tells the numbers that systems give to the error.
    tells_numbers: bool,
    /// Whether it says the error and nothing else: not also who was doing what.
    is_plain: bool,
}

/// What says an error and nothing else: C libraries, Windows, and this program.
const PLAIN: [&str; 5] = ["glibc", "musl", "macOS", "Windows", "explore"];

impl Wordings {
    pub(super) fn of_all() -> Wordings {
        let named = all().filter(|it| it.error.starts_with('E'));
        let wordings = named.map(|Message { error, place, text, .. }| Wording {
            error,
            name: tokens(error),
            text: tokens(text),
            tells_numbers: place == "number",
            is_plain: PLAIN.iter().any(|plain| place.starts_with(plain)),
        });
        Wordings(wordings.collect())
    }

    /// The error that these words name, by its name, by its number on Windows, or by a whole wording of it: the longest that fits.
    pub(super) fn error_in(&self, asked: &Words) -> Option<&'static str> {
        let fitting = self.0.iter().filter(|wording| wording.fits(asked));
        fitting.max_by_key(|wording| wording.text.len()).map(|wording| wording.error)
    }

    /// Every plain way to say the error that these words are, and nothing else: its name, and how C libraries, Windows and this program
    /// word it. None for any other words.
    pub(super) fn said_otherwise(&self, asked: &Words) -> Vec<&Words> {
        let is_it = |wording: &&Wording| wording.name == *asked || wording.text == *asked;
        let Some(error) = self.0.iter().find(is_it).map(|wording| wording.error) else {
            return Vec::new();
        };
        let of_it = self.0.iter().filter(|wording| wording.error == error);
        let names = of_it.clone().take(1).map(|wording| &wording.name);
        names.chain(of_it.filter(|it| it.is_plain).map(|wording| &wording.text)).collect()
    }
}

impl Wording {
    fn fits(&self, asked: &Words) -> bool {
        let is_number = |word: &String| word.len() == WINDOWS_NUMBER && word.parse::<u32>().is_ok();
        self.name.is_subset(asked)
            || (self.tells_numbers && self.text.intersection(asked).any(is_number))
            || (self.text.len() >= FEWEST_WORDS && self.text.is_subset(asked))
            || self.text == *asked
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::i18n::Language;

    /// Whether the table has this text for the error.
    fn has(error: &str, text: &str) -> bool {
        all().any(|row| row.error == error && row.text.eq_ignore_ascii_case(text))
    }

    fn is_in_table(error: &str) -> bool {
        all().any(|row| row.error == error)
    }

    #[test]
    fn an_error_is_known_by_its_name_its_number_and_any_of_its_wordings() {
        let wordings = Wordings::of_all();
        let error_in = |words: &str| wordings.error_in(&tokens(words));
        for error in all().filter(|it| it.error.starts_with('E')).map(|it| it.error) {
            assert_eq!(error_in(error), Some(error));
        }
        for words in [
            "wsaeisconn",
            "[WinError 10056]",
            "OSError: [Errno 106] Transport endpoint is already connected",
        ] {
            assert_eq!(error_in(words), Some("EISCONN"), "{words}");
        }
        assert_eq!(error_in("Address family not supported by protocol"), Some("EAFNOSUPPORT"));
        assert_eq!(error_in("Invalid argument"), Some("EINVAL"));
        assert_eq!(error_in("it is already connected"), None);
        assert_eq!(error_in("Read timed out"), None);
    }

    #[test]
    #[cfg(target_os = "linux")] // elsewhere the numbers and the texts are others
    fn what_this_program_calls_an_error_of_the_system_is_in_the_table() {
        use std::io::Error;

        use crate::i18n::{error_text, speaking};

        // The catalogue words a kind of error, which may be several: EACCES and EPERM.
        let kind = |number| Error::from_raw_os_error(number).kind();
        let name = |number| format!("{:?}", nix::errno::Errno::from_raw(number));
        for number in (1..134).filter(|number| is_in_table(&name(*number))) {
            for language in Language::all() {
                let text = speaking(language, || error_text(&Error::from_raw_os_error(number)));
                let mut alike = (1..134).filter(|other| kind(*other) == kind(number));
                assert!(alike.any(|other| has(&name(other), &text)), "{}: {text}", name(number));
            }
        }
    }

    /// What the options of questions call an error: `- [ ] EACCES: permission denied`.
    #[test]
    fn what_a_lesson_calls_an_error_is_in_the_table() {
        let texts = catalogue::folders().into_iter().flat_map(|folder| {
            Language::all().filter_map(|language| folder.text_in(language)).collect::<Vec<_>>()
        });
        let mut worded = BTreeSet::new();
        for (file, text) in texts {
            let options =
                text.lines().filter_map(|line| line.strip_prefix("- [")?.split_once("] "));
            for (error, text) in options.filter_map(|(_, it)| it.split_once([':', '\u{ff1a}'])) {
                if is_in_table(error) {
                    worded.insert((error, text.trim()));
                    assert!(has(error, text.trim()), "{file}: {error}: {text}");
                }
            }
        }
        assert!(worded.len() >= 6, "{worded:?}");
    }
}
