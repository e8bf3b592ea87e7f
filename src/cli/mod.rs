//! The command line: arguments, help and errors.

use std::ffi::OsString;

use clap::error::ErrorKind;
use clap::{CommandFactory, FromArgMatches};

use crate::i18n::{self, Language};

mod args;
pub mod manual;
mod translation;

pub use args::*;

/// Parses the command line and sets the language, from `--lang` or the environment. Exits on an error, and after help or version.
pub fn parse() -> Cli {
    let words: Vec<OsString> = std::env::args_os().collect();
    i18n::speak(asked_language(&words).unwrap_or_else(Language::of_environment));
    // As wide as clap wraps its own help.
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

/// The language of `--lang`, found before clap parses: its help and errors need it.
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
