//! The command line: its words, its help and its errors. Nothing is run here.

use std::ffi::OsString;

use clap::error::ErrorKind;
use clap::{CommandFactory, FromArgMatches};

use crate::i18n::{self, Language};

mod args;
pub mod manual;
mod translation;

pub use args::*;

/// Reads the command line, and begins to speak the language that it asks for, or the environment. Does not come back where
/// there is something wrong with it, or only help was asked for.
pub fn parse() -> Cli {
    let words: Vec<OsString> = std::env::args_os().collect();
    i18n::speak(asked_language(&words).unwrap_or_else(Language::of_environment));
    // clap's own bounds.
    let columns =
        terminal_size::terminal_size().map_or(100, |(width, _)| usize::from(width.0)).min(100);
    let mut command = command(columns);
    let read = command
        .try_get_matches_from_mut(&words)
        .and_then(|matches| Cli::from_arg_matches(&matches));
    let error = match read {
        Ok(cli) => return cli,
        Err(error) => error.format(&mut command),
    };
    let answers = matches!(
        error.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion | ErrorKind::Io | ErrorKind::Format
    );
    if i18n::spoken() == Language::ENGLISH || answers {
        error.exit()
    }
    eprintln!("{}", translation::error(&error));
    std::process::exit(error.exit_code());
}

/// The command line, its help in the language that is spoken: where that is not English, in this many columns.
pub fn command(columns: usize) -> clap::Command {
    if i18n::spoken() == Language::ENGLISH {
        return Cli::command();
    }
    translation::translated(Cli::command(), columns)
}

/// The language that `--lang` names, wherever it stands: help and errors come before anything is understood.
fn asked_language(words: &[OsString]) -> Option<Language> {
    let mut words = words.iter().map_while(|word| word.to_str()).take_while(|word| *word != "--");
    let mut asked = None;
    while let Some(word) = words.next() {
        let tag = if word == "--lang" { words.next() } else { word.strip_prefix("--lang=") };
        let named = Language::all().find(|language| tag == Some(language.tag()));
        asked = named.or(asked);
    }
    asked
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
}
