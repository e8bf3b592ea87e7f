//! The command line: arguments, help and errors.

use std::ffi::OsString;
use std::sync::LazyLock;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, FromArgMatches};

use crate::i18n::{self, Language};

mod args;
pub mod manual;
mod translation;

pub use args::*;

/// Why there is no command to run.
#[derive(Debug)]
pub enum Unparsed {
    /// There is no command of this name.
    NoCommand(String),
    /// Help or the version was asked for.
    Answer(clap::Error),
    /// The command line is wrong.
    Wrong(clap::Error),
}

/// Parses the command line and sets the language, from `--lang` or the environment.
pub fn parse() -> Result<Cli, Unparsed> {
    let words: Vec<OsString> = std::env::args_os().collect();
    i18n::speak(asked_language(&words).unwrap_or_else(Language::of_environment));
    // As wide as clap wraps its own help.
    let columns =
        terminal_size::terminal_size().map_or(100, |(width, _)| usize::from(width.0)).min(100);
    let mut command = command(columns);
    match parsed(&mut command, &words) {
        Err(Unparsed::NoCommand(name)) if name.parse::<u32>().is_ok() => {
            parsed(&mut command, &with_lesson(words, &name))
        }
        parsed => parsed,
    }
}

fn parsed(command: &mut clap::Command, words: &[OsString]) -> Result<Cli, Unparsed> {
    let read = command.try_get_matches_from_mut(words).and_then(|it| Cli::from_arg_matches(&it));
    let error = read.map_err(|error| error.format(command));
    error.map_err(|error| match (error.kind(), error.get(ContextKind::InvalidSubcommand)) {
        (ErrorKind::InvalidSubcommand, Some(ContextValue::String(name))) => {
            Unparsed::NoCommand(name.clone())
        }
        _ if error.use_stderr() => Unparsed::Wrong(error),
        _ => Unparsed::Answer(error),
    })
}

/// The command line with `lesson` before this number: `explore 3` takes lesson 3.
fn with_lesson(mut words: Vec<OsString>, number: &str) -> Vec<OsString> {
    let is_value = |at: usize| {
        let option = words[at - 1].to_str();
        option.is_some_and(|word| matches!(word, "--lang" | "--color" | "--width"))
    };
    let at = (1..words.len()).find(|at| words[*at] == number && !is_value(*at));
    at.into_iter().for_each(|at| words.insert(at, "lesson".into()));
    words
}

/// What clap has to say, in the language that is spoken.
pub fn text(error: &clap::Error, coloured: bool) -> String {
    if i18n::spoken() != Language::ENGLISH && error.use_stderr() {
        translation::error(error)
    } else if coloured {
        error.render().ansi().to_string()
    } else {
        error.render().to_string()
    }
}

/// The command line, its help in the language that is spoken: where that is not English, in this many columns.
pub fn command(columns: usize) -> clap::Command {
    if i18n::spoken() == Language::ENGLISH {
        return Cli::command();
    }
    translation::translated(Cli::command(), columns)
}

/// The names of the commands.
pub fn names() -> Vec<&'static str> {
    static ALL: LazyLock<Vec<String>> = LazyLock::new(|| {
        Cli::command().get_subcommands().map(|one| one.get_name().to_owned()).collect()
    });
    ALL.iter().map(String::as_str).collect()
}

/// The language of `--lang`, found before clap parses: its help and errors need it.
fn asked_language(words: &[OsString]) -> Option<Language> {
    let named = |tag: &str| Language::all().find(|language| tag == language.tag());
    values(words, "--lang").filter_map(named).last()
}

/// Whether `--color` asks for colours, for what is said where clap has parsed nothing.
pub fn asked_color() -> Option<bool> {
    let words: Vec<OsString> = std::env::args_os().collect();
    values(&words, "--color").last().and_then(|when| match when {
        "always" => Some(true),
        "never" => Some(false),
        _ => None,
    })
}

/// The values that an option has in these words.
fn values<'w>(words: &'w [OsString], option: &'w str) -> impl Iterator<Item = &'w str> {
    let mut words = words.iter().map_while(|word| word.to_str()).take_while(|word| *word != "--");
    std::iter::from_fn(move || {
        loop {
            let word = words.next()?;
            if word == option {
                return words.next();
            }
            let value = word.strip_prefix(option).and_then(|rest| rest.strip_prefix('='));
            if value.is_some() {
                return value;
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_is_known_before_anything_is_understood() {
        let asked =
            |line: &str| asked_language(&line.split(' ').map(OsString::from).collect::<Vec<_>>());
        for line in [
            "explore --lang zh lessn",
            "explore lesson --help --lang=zh",
            "explore --lang en --lang zh",
        ] {
            assert_eq!(asked(line), Some(i18n::chinese()), "{line}");
        }
        for line in
            ["explore", "explore --lang", "explore --lang fr", "explore lesson -- --lang zh"]
        {
            assert_eq!(asked(line), None, "{line}");
        }
    }

    #[test]
    fn a_number_alone_is_a_lesson() {
        let words = |line: &str| line.split(' ').map(OsString::from).collect::<Vec<_>>();
        for (typed, meant) in [
            ("explore 3", "explore lesson 3"),
            ("explore --width 30 30 -v", "explore --width 30 lesson 30 -v"),
        ] {
            let number = if typed.contains("30") { "30" } else { "3" };
            assert_eq!(with_lesson(words(typed), number), words(meant));
            let command = parsed(&mut command(100), &words(meant)).expect("valid").command;
            assert!(matches!(command, Some(Command::Lesson(_))));
        }
    }
}
