//! `completions`: a shell's completions, to standard output. They ask the program itself, which knows lessons, experiments and terms.

use std::ffi::OsStr;
use std::fmt::Display;
use std::io::{self, Write};

use clap::Command;
use clap::builder::StyledStr;
use clap_complete::Shell;
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate};
use clap_complete::env::{Bash, CompleteEnv, Elvish, EnvCompleter, Fish, Powershell, Zsh};

use super::Failure;
use crate::capture::parameter::DEADLINE;
use crate::cli;
use crate::experiments;
use crate::i18n::{self, Language};
use crate::lesson::{self, Lesson, glossary};
use crate::views;

/// The variable with which a shell asks: its value is the shell's name.
const ASKS: &str = "EXPLORE_COMPLETE";

/// What `_explore` does when zsh has just read it as a function of its own: the first time it has to answer as well.
const ZSH_FIRST_TIME: &str = "
if [[ ${funcstack[1]} == _explore ]]; then
    _clap_dynamic_completer_explore
fi
";

/// Writes the completions of a shell.
pub fn run(args: &cli::Completions) -> Result<(), Failure> {
    let shell: &dyn EnvCompleter = match args.shell {
        Shell::Bash => &Bash,
        Shell::Elvish => &Elvish,
        Shell::Fish => &Fish,
        Shell::PowerShell => &Powershell,
        _ => &Zsh,
    };
    let mut script = Vec::new();
    shell.write_registration(ASKS, "explore", "explore", "explore", &mut script)?;
    if args.shell == Shell::Zsh {
        script.extend(ZSH_FIRST_TIME.bytes());
    }
    let mut stdout = io::stdout();
    Ok(stdout.write_all(&script).and_then(|()| stdout.flush())?)
}

/// Answers a shell that asks what the word at its cursor may become, and ends the program then.
pub fn answer_shell() {
    CompleteEnv::with_factory(command).var(ASKS).complete();
}

/// The command line, each argument that takes a name with the names that there are.
fn command() -> Command {
    i18n::speak(Language::of_environment());
    let offered = [
        ("lesson", "which", ArgValueCompleter::new(lessons)),
        ("verify", "lessons", ArgValueCompleter::new(lessons)),
        ("quiz", "lessons", ArgValueCompleter::new(lessons)),
        ("exercise", "which", ArgValueCompleter::new(exercises)),
        ("check", "which", ArgValueCompleter::new(exercises)),
        ("run", "experiment", ArgValueCompleter::new(all_experiments)),
        ("run", "set", ArgValueCompleter::new(knobs)),
        ("help", "topic", ArgValueCompleter::new(topics)),
        ("glossary", "term", ArgValueCompleter::new(terms)),
        ("replay", "views", ArgValueCompleter::new(all_views)),
        ("trace", "views", ArgValueCompleter::new(all_views)),
    ];
    offered.into_iter().fold(cli::command(usize::MAX), |all, (command, argument, names)| {
        all.mut_subcommand(command, |one| one.mut_arg(argument, |it| it.add(names)))
    })
}

/// The candidates that begin as the word does, each with a few words about it.
fn beginning<N: AsRef<str>, H: Into<StyledStr>>(
    word: &OsStr,
    all: impl IntoIterator<Item = (N, H)>,
) -> Vec<CompletionCandidate> {
    let word = word.to_string_lossy().to_lowercase();
    let begins = |name: &str| name.to_lowercase().starts_with(&word);
    let all = all.into_iter().filter(|(name, _)| begins(name.as_ref()));
    all.map(|(name, help)| CompletionCandidate::new(name.as_ref()).help(Some(help.into())))
        .collect()
}

fn lessons(word: &OsStr) -> Vec<CompletionCandidate> {
    numbered(word, lesson::contents().into_iter().map(|it| (Some(it.number), it.slug, it.title)))
}

fn exercises(word: &OsStr) -> Vec<CompletionCandidate> {
    let all = lesson::exercises().unwrap_or_default().into_iter();
    numbered(word, all.map(|it| (it.number, it.slug, it.title)))
}

/// By number where a digit is typed, else by name.
fn numbered<T: Display>(
    word: &OsStr,
    all: impl Iterator<Item = (Option<u32>, &'static str, T)>,
) -> Vec<CompletionCandidate> {
    let by_number = word.as_encoded_bytes().first().is_some_and(u8::is_ascii_digit);
    let named = all.map(|(number, slug, title)| match number {
        Some(number) if by_number => (number.to_string(), format!("{number}: {title}")),
        Some(number) => (slug.to_owned(), format!("{number}: {title}")),
        None => (slug.to_owned(), title.to_string()),
    });
    beginning(word, named)
}

fn all_experiments(word: &OsStr) -> Vec<CompletionCandidate> {
    let lessons = lesson::lessons_and_cases().unwrap_or_default();
    let shows = lessons.iter().flat_map(Lesson::headed_shows);
    beginning(word, shows.map(|(heading, show)| (show.experiment.name, heading)))
}

/// What can be set in the experiment that stands before it.
fn knobs(word: &OsStr) -> Vec<CompletionCandidate> {
    let named = std::env::args().find_map(|word| experiments::find(&word));
    let own = named.map_or(&[][..], |experiment| experiment.parameters).iter();
    beginning(word, own.chain([&DEADLINE]).map(|it| (format!("{}=", it.name), it.help.spoken())))
}

fn topics(word: &OsStr) -> Vec<CompletionCandidate> {
    let all = cli::command(usize::MAX);
    let commands = all.get_subcommands().filter(|it| !it.is_hide_set());
    let commands = commands.map(|it| (it.get_name(), it.get_about().cloned().unwrap_or_default()));
    let all = [beginning(word, commands), lessons(word), all_experiments(word), terms(word)];
    all.into_iter().flatten().collect()
}

fn terms(word: &OsStr) -> Vec<CompletionCandidate> {
    let each = glossary::terms().flat_map(|term| {
        let sentence = term.sentence();
        term.names.into_iter().map(move |name| (name, sentence))
    });
    beginning(word, each)
}

fn all_views(word: &OsStr) -> Vec<CompletionCandidate> {
    beginning(word, views::all().map(|view| (view.name(), "")))
}
