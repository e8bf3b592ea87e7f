//! Completions in real shells: somebody types, and presses TAB.

use std::collections::BTreeSet;
use std::process::Command;

use crate::person::Person;
use crate::support::{folder, isolated, require, utf8};

/// What is typed, and what the line is after TAB.
const TYPED: [(&str, &str); 9] = [
    ("explore les", "explore lesson"),
    ("explore lesson fam", "explore lesson families"),
    ("explore run nobody-h", "explore run nobody-home"),
    ("explore run nobody-home --set sil", "explore run nobody-home --set silence="),
    ("explore run nobody-home --set dead", "explore run nobody-home --set deadline="),
    ("explore verify timeou", "explore verify timeout"),
    ("explore glossary datag", "explore glossary datagram"),
    ("explore replay x --view bound", "explore replay x --view boundaries"),
    ("explore help two-p", "explore help two-processes"),
];

/// What the shells ask with.
const PROMPT: &str = "go> ";

/// Sits down before a shell that has read the completions; `None` where there is no such shell.
fn at_shell(shell: &str, args: &[&str], setup: &str) -> Option<(Person, tempfile::TempDir)> {
    let mut command = require(shell)?;
    let home = folder();
    let bin = std::path::Path::new(env!("CARGO_BIN_EXE_explore")).parent().expect("a folder");
    let path = format!("{}:{}", utf8(bin), std::env::var("PATH").unwrap_or_default());
    let command: &mut Command = isolated(&mut command);
    command.args(args).env("PATH", path).env("HOME", home.path()).env("ZDOTDIR", home.path());
    command
        .env_remove("XDG_CONFIG_HOME")
        .env_remove("XDG_DATA_HOME")
        .current_dir(home.path())
        .env("PS1", PROMPT);
    let mut person = Person::sits_down(100, 30, command);
    person.types(&format!("{setup}; echo 're''ady'\n"));
    person.sees("ready");
    // With the prompt the shell reads keys itself: a TAB before that would be a TAB.
    person.sees_screen(|screen| {
        screen.contents().lines().last().is_some_and(|line| line.trim_end() == PROMPT.trim_end())
    });
    Some((person, home))
}

fn completes(person: &mut Person) {
    for (typed, completed) in TYPED {
        person.types(typed);
        person.sees_screen(|screen| screen.contents().contains(typed));
        person.types("\t");
        person.sees_screen(|screen| screen.contents().contains(completed));
        person.types("\u{15}"); // Ctrl-U: the line is given up
        person.sees_screen(|screen| !screen.contents().contains(typed));
    }
}

#[test]
fn bash_completes() {
    let setup = "source <(explore completions bash)";
    let Some((mut person, _home)) = at_shell("bash", &["--norc", "--noprofile", "-i"], setup)
    else {
        return;
    };
    completes(&mut person);
}

/// From a folder of functions, where the first TAB reads the file, and sourced.
#[test]
fn zsh_completes() {
    for setup in [
        "mkdir f; explore completions zsh > f/_explore; fpath=($PWD/f $fpath); autoload -U compinit; compinit -u -D",
        "autoload -U compinit; compinit -u -D; source <(explore completions zsh)",
    ] {
        let Some((mut person, _home)) = at_shell("zsh", &["-f", "-i"], setup) else { return };
        completes(&mut person);
    }
}

#[test]
fn fish_completes() {
    let setup = "function fish_prompt; echo -n 'go> '; end; mkdir -p ~/.config/fish/completions; explore completions fish > ~/.config/fish/completions/explore.fish";
    let Some((mut person, _home)) = at_shell("fish", &["-i"], setup) else { return };
    completes(&mut person);
}

/// Each experiment has its own knobs, and a lesson's number is a name as well.
#[test]
fn the_names_are_those_of_what_stands_before() {
    let asked = |words: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_explore"));
        isolated(&mut command).env("EXPLORE_COMPLETE", "bash");
        command.env("_CLAP_COMPLETE_INDEX", (words.len() - 1).to_string()).env("_CLAP_IFS", " ");
        let output = command.arg("--").args(words).output().expect("explore runs");
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    assert_eq!(asked(&["explore", "run", "lost-syn", "--set", "r"]), "");
    assert_eq!(asked(&["explore", "run", "overhead", "--set", ""]), "bytes= deadline=");
    assert_eq!(asked(&["explore", "lesson", "1"]), "1 10 11 12");
    assert_eq!(asked(&["explore", "check", "so"]), "socket");
    let offered = asked(&["explore", "run", ""]);
    let offered: BTreeSet<&str> = offered.split(' ').collect();
    for experiment in socket_explorer::experiments::all() {
        assert!(offered.contains(experiment.name), "{}", experiment.name);
    }
}
