//! The program's language, and translation.
//!
//! Sentences are written in English in the code, and the English is the key: `tr!("{n} claims held", n)`, or `Text("yes")` in a
//! table. Every other language is a catalogue in `src/i18n/po/`; a sentence without an entry there stays English.

use std::cell::Cell;
use std::fmt;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};

pub mod catalogue;
mod system;

use catalogue::{CATALOGUES, Catalogue};

/// A language of the program: English, or one that has a catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Language(usize);

impl Language {
    /// The default, and the language of the code.
    pub const ENGLISH: Language = Language(0);

    /// Every language there is, English first.
    pub fn all() -> impl Iterator<Item = Language> {
        (0..=CATALOGUES.len()).map(Language)
    }

    /// The language of this tag.
    pub fn tagged(tag: &str) -> Option<Language> {
        Language::all().find(|language| language.tag().eq_ignore_ascii_case(tag))
    }

    /// `None` for English.
    fn catalogue(self) -> Option<&'static Catalogue> {
        CATALOGUES.get(self.0.checked_sub(1)?)
    }

    /// Its tag, which also names a lesson's text in it (`zh.md`): `en`, `zh`.
    pub fn tag(self) -> &'static str {
        self.catalogue().map_or("en", |catalogue| catalogue.tag)
    }

    /// Its tag as HTML and BCP 47 write it, with the region if the catalogue names one: `en`, `zh-CN`.
    pub fn full_tag(self) -> String {
        let named = self.catalogue().and_then(|catalogue| catalogue.header("Language"));
        named.unwrap_or_else(|| self.tag().to_owned()).replace('_', "-")
    }

    /// Its own name for itself.
    pub fn name(self) -> String {
        let named = |catalogue: &Catalogue| catalogue.header("X-Language-Name");
        let tag = || self.tag().to_owned();
        self.catalogue().map_or_else(|| "English".to_owned(), |it| named(it).unwrap_or_else(tag))
    }

    /// The language of a locale's name, `zh_CN.UTF-8` (locale(7)).
    pub fn of_locale(name: &str) -> Language {
        Language::named_in(name).unwrap_or(Language::ENGLISH)
    }

    /// The language that a locale's name says, if there is a catalogue for it or it is English.
    fn named_in(locale: &str) -> Option<Language> {
        let with_region = locale.split(['.', '@']).next().unwrap_or_default();
        let language = with_region.split(['_', '-']).next().unwrap_or_default();
        [with_region, language].into_iter().find_map(Language::tagged)
    }

    /// The language of the environment, as gettext finds it: of the variables for messages the first that is set names the locale,
    /// and unless that is C, the list in LANGUAGE comes before it (gettext(1), locale(7)). Without any, that of the system.
    pub fn of_environment() -> Language {
        let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        match ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().find_map(set) {
            None => Language::first_of(system::languages()),
            locale => Language::of_variables(locale.as_deref(), set("LANGUAGE").as_deref()),
        }
    }

    /// The first of these locales for which there is a language.
    fn first_of(locales: impl IntoIterator<Item = impl AsRef<str>>) -> Language {
        let mut known = locales.into_iter().filter_map(|it| Language::named_in(it.as_ref()));
        known.next().unwrap_or(Language::ENGLISH)
    }

    fn of_variables(locale: Option<&str>, list: Option<&str>) -> Language {
        match (locale, list) {
            (None | Some("C" | "POSIX"), _) => Language::ENGLISH,
            (Some(_), Some(list)) => Language::first_of(list.split(':')),
            (Some(locale), None) => Language::of_locale(locale),
        }
    }
}

/// Set once, at the start.
static SPOKEN: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static HERE: Cell<Option<Language>> = const { Cell::new(None) };
}

/// Sets the language of the whole program.
pub fn speak(language: Language) {
    SPOKEN.store(language.0, Ordering::Relaxed);
}

/// The language that is spoken.
pub fn spoken() -> Language {
    HERE.get().unwrap_or(Language(SPOKEN.load(Ordering::Relaxed)))
}

/// Runs `act` with this language on this thread.
pub fn speaking<T>(language: Language, act: impl FnOnce() -> T) -> T {
    let before = HERE.replace(Some(language));
    let done = act();
    HERE.set(before);
    done
}

/// A command as a person types it here: as the program was started, by `cargo run` or by its name, and in the same language.
pub fn command(words: &str) -> String {
    let program = if std::env::var_os("CARGO").is_some() { "cargo run --" } else { "explore" };
    let spoken = spoken();
    if spoken == Language::of_environment() {
        format!("{program} {words}")
    } else {
        format!("{program} {words} --lang {}", spoken.tag())
    }
}

/// The sentence in the language that is spoken, as its catalogue has it; `None` in English, and where there is no entry.
/// For texts that others wrote: what the program says itself is said with [`tr!`] or [`Text`].
pub fn find(context: Option<&str>, english: &str) -> Option<&'static str> {
    spoken().catalogue()?.get(context, english)
}

/// A sentence in a table or a constant, translated when it is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Text(pub &'static str);

impl Text {
    pub fn spoken(self) -> &'static str {
        find(None, self.0).unwrap_or(self.0)
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.spoken())
    }
}

impl From<Text> for String {
    fn from(text: Text) -> String {
        text.spoken().to_owned()
    }
}

/// The text of an error in the language that is spoken. The catalogue has the system's errors, by the standard library's names of
/// their kinds; our own texts inside an error, and errors without an entry, are unchanged but for the number that the standard
/// library puts behind them.
pub fn error_text(error: &io::Error) -> String {
    let ours = error.get_ref().is_some();
    match find(Some("system"), &error.kind().to_string()) {
        Some(text) if !ours => text.to_owned(),
        _ => {
            let text = error.to_string();
            text.split_once(" (os error ").map_or(&*text, |(text, _)| text).to_owned()
        }
    }
}

/// A sentence in the language that is spoken. `tr!("yes")` is a `&'static str`; with arguments, by name as `format!` takes
/// them, it is a String: `tr!("{n} of {all} held", n, all = held.len())`. What is one sentence in English and two in another
/// language is told apart by a context: `tr!(context "list", ", ")`.
macro_rules! tr {
    (@value $name:ident) => { $name };
    (@value $name:ident $value:expr) => { $value };
    (@find $context:expr, $english:literal) => {
        $crate::i18n::find($context, $english).unwrap_or($english)
    };
    (@find $context:expr, $english:literal, $($name:ident $(= $value:expr)?),+) => {
        match $crate::i18n::find($context, $english) {
            None => format!($english, $($name = $crate::i18n::tr!(@value $name $($value)?)),+),
            Some(template) => $crate::i18n::catalogue::fill(
                template,
                &[$((stringify!($name), &$crate::i18n::tr!(@value $name $($value)?))),+],
            ),
        }
    };
    (context $context:literal, $english:literal $(, $name:ident $(= $value:expr)?)* $(,)?) => {
        $crate::i18n::tr!(@find Some($context), $english $(, $name $(= $value)?)*)
    };
    ($english:literal $(, $name:ident $(= $value:expr)?)* $(,)?) => {
        $crate::i18n::tr!(@find None, $english $(, $name $(= $value)?)*)
    };
}
pub(crate) use tr;

/// One of two sentences, for one and for any other number: `tr_n!(count, "{count} send", "{count} sends", count)`.
macro_rules! tr_n {
    ($count:expr, $one:literal, $many:literal, $($name:ident $(= $value:expr)?),+ $(,)?) => {
        if $count == 1 {
            $crate::i18n::tr!($one, $($name $(= $value)?),+)
        } else {
            $crate::i18n::tr!($many, $($name $(= $value)?),+)
        }
    };
}
pub(crate) use tr_n;

/// The language that tests compare with English.
#[cfg(test)]
pub(crate) fn chinese() -> Language {
    Language::tagged("zh").expect("src/i18n/po/zh.po")
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

    use super::*;

    #[test]
    fn a_locale_names_its_language() {
        for (name, language) in [
            ("zh_CN.UTF-8", chinese()),
            ("zh", chinese()),
            ("zh-Hans", chinese()),
            ("en_GB.UTF-8", Language::ENGLISH),
            ("C", Language::ENGLISH),
            ("POSIX", Language::ENGLISH),
            ("zhx", Language::ENGLISH),
            ("", Language::ENGLISH),
        ] {
            assert_eq!(Language::of_locale(name), language, "{name}");
        }
        assert_eq!(Language::all().next(), Some(Language::ENGLISH));
        assert_eq!(Language::ENGLISH.full_tag(), "en");
        assert_eq!((chinese().full_tag().as_str(), chinese().tag()), ("zh-CN", "zh"));
        assert_ne!(chinese().name(), "zh", "its header names it");
    }

    #[test]
    fn a_list_of_languages_comes_before_the_locale_unless_that_is_c() {
        for (locale, list, language) in [
            (Some("en_US.UTF-8"), Some("zh:en"), chinese()),
            (Some("en_US.UTF-8"), Some("fr:zh_CN:en"), chinese()),
            (Some("zh_CN.UTF-8"), Some("en:zh"), Language::ENGLISH),
            (Some("zh_CN.UTF-8"), Some("fr"), Language::ENGLISH),
            (Some("zh_CN.UTF-8"), None, chinese()),
            (Some("C"), Some("zh"), Language::ENGLISH),
            (Some("C.UTF-8"), Some("zh"), chinese()),
            (None, Some("zh"), Language::ENGLISH),
        ] {
            assert_eq!(Language::of_variables(locale, list), language, "{locale:?} {list:?}");
        }
    }

    #[test]
    fn a_sentence_is_said_in_the_language_that_is_spoken() {
        let claims =
            |all: u32| (tr!("{all} claims: {held} held", all, held = all), Text("Finished."));
        let [english, translated] = [Language::ENGLISH, chinese()]
            .map(|language| speaking(language, || (claims(3).0, claims(3).1.to_string())));
        assert_eq!(english, ("3 claims: 3 held".to_owned(), "Finished.".to_owned()));
        assert_eq!(
            translated,
            (
                "\u{5171} 3 \u{6761}\u{7ed3}\u{8bba}\u{ff1a}3 \u{6761}\u{6210}\u{7acb}".to_owned(),
                "\u{5df2}\u{5b66}\u{5b8c}\u{3002}".to_owned()
            )
        );
    }

    #[test]
    fn what_is_one_sentence_in_english_is_told_apart_by_its_context() {
        let both = || [tr!(", "), tr!(context "list", ", ")];
        assert_eq!(both(), [", ", ", "]);
        let [between_clauses, in_a_list] = speaking(chinese(), both);
        assert_ne!(between_clauses, in_a_list);
    }

    #[test]
    fn a_sentence_without_an_entry_is_said_in_english() {
        assert_eq!(speaking(chinese(), || find(None, "nobody says this")), None);
        assert_eq!(
            speaking(chinese(), || Text("nobody says this").to_string()),
            "nobody says this"
        );
    }

    #[test]
    fn an_error_of_the_system_is_told_in_the_language_and_ours_as_we_said_it() {
        let [system, ours] =
            [io::Error::from(ErrorKind::NotFound), io::Error::new(ErrorKind::NotFound, "ours")];
        let both = || (error_text(&system), error_text(&ours));
        assert_eq!(speaking(Language::ENGLISH, both), (system.to_string(), "ours".to_owned()));
        let (told, said) = speaking(chinese(), both);
        assert!(!told.is_ascii(), "{told}");
        assert_eq!(said, "ours");
    }
}
