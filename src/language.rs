//! Ground floor: which language the program speaks. Every sentence of its own stands in both, side by side, where it is said:
//! `said!("{n} claims held", "{n} 条成立")`, or `either("Enter goes on", "按回车继续")`. Whoever changes one has the other before his eyes.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};

/// A language of the course.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// English, where nobody asks for another.
    English,
    /// Chinese, as it is written in mainland China.
    Chinese,
}

impl Language {
    /// Both.
    pub const ALL: [Language; 2] = [Language::English, Language::Chinese];

    /// Its tag (BCP 47), which is also its folder under `lessons/`: `en`, `zh`.
    #[must_use]
    pub fn tag(self) -> &'static str {
        match self {
            Language::English => "en",
            Language::Chinese => "zh",
        }
    }

    /// The language of a locale's name, `zh_CN.UTF-8` (locale(7)).
    #[must_use]
    pub fn of_locale(name: &str) -> Language {
        let language = name.split(['_', '.', '-', '@']).next().unwrap_or_default();
        if language.eq_ignore_ascii_case("zh") { Language::Chinese } else { Language::English }
    }

    /// The language of the environment: of the variables for messages, the first that is set counts (locale(7)).
    #[must_use]
    pub fn of_environment() -> Language {
        let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().find_map(set).map_or(Language::English, |name| Language::of_locale(&name))
    }
}

/// Set once, at the start.
static CHINESE: AtomicBool = AtomicBool::new(false);

thread_local! {
    static HERE: Cell<Option<Language>> = const { Cell::new(None) };
}

/// From here on the whole program speaks this language.
pub fn speak(language: Language) {
    CHINESE.store(language == Language::Chinese, Ordering::Relaxed);
}

/// The language that is spoken.
#[must_use]
pub fn spoken() -> Language {
    HERE.get().unwrap_or(if CHINESE.load(Ordering::Relaxed) { Language::Chinese } else { Language::English })
}

/// Speaks this language while it does that, on this thread alone: for whoever needs both at once.
pub fn speaking<T>(language: Language, act: impl FnOnce() -> T) -> T {
    let before = HERE.replace(Some(language));
    let done = act();
    HERE.set(before);
    done
}

/// The one or the other, as is spoken.
pub fn either<T>(english: T, chinese: T) -> T {
    match spoken() {
        Language::English => english,
        Language::Chinese => chinese,
    }
}

/// As `format!`, in the language that is spoken: `said!("{n} claims", "{n} 条结论")`. Arguments stand by name.
macro_rules! said {
    ($english:literal, $chinese:literal $(, $name:ident = $value:expr)* $(,)?) => {
        match $crate::language::spoken() {
            $crate::language::Language::English => format!($english $(, $name = $value)*),
            $crate::language::Language::Chinese => format!($chinese $(, $name = $value)*),
        }
    };
}
pub(crate) use said;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_locale_names_its_language() {
        for (name, language) in [
            ("zh_CN.UTF-8", Language::Chinese),
            ("zh", Language::Chinese),
            ("zh-Hans", Language::Chinese),
            ("en_GB.UTF-8", Language::English),
            ("C", Language::English),
            ("POSIX", Language::English),
            ("zhx", Language::English),
            ("", Language::English),
        ] {
            assert_eq!(Language::of_locale(name), language, "{name}");
        }
    }

    #[test]
    fn what_is_said_is_said_in_the_language_that_is_spoken() {
        let held = |n: u32| said!("{n} held", "{n} 条成立");
        assert_eq!(speaking(Language::English, || held(3)), "3 held");
        assert_eq!(speaking(Language::Chinese, || (held(3), either("a", "b"))), ("3 条成立".to_owned(), "b"));
    }
}
