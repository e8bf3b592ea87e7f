//! The course at home: how far one has come is kept, a lesson that was left goes on, and nothing is lost on the way.

use std::fs;
use std::process::Command;

use socket_explorer::lesson;
use tempfile::TempDir;

use crate::person::{PROMPTS, Person, letter_of};
use crate::support::{self, folder, utf8};

const LETTER: &str = "(Enter skips, q quits): ";

/// The program for somebody whose state is kept in this folder.
fn explore(state: &TempDir, args: &[&str]) -> Command {
    let mut command = support::explore(args);
    command.env("XDG_STATE_HOME", state.path());
    command
}

fn progress(state: &TempDir) -> serde_json::Value {
    let output = explore(state, &["progress", "--json"]).output().expect("explore runs");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

#[test]
fn a_lesson_that_was_left_goes_on_where_it_was_left() {
    let state = folder();
    let mut learner = Person::sits_down(80, 24, &mut explore(&state, &["lesson", "1"]));
    let asked = learner.enters_until(&PROMPTS[..4], LETTER);
    let lesson = lesson::lessons().expect("well formed").swap_remove(0);
    let (prediction, _) = lesson.predictions().next().expect("it has predictions");
    learner.types(&format!("{}\n", letter_of(&prediction.options[prediction.right], &asked)));
    learner.enters_until(&PROMPTS[..4], LETTER);
    learner.types("q\n");
    let (code, last) = learner.leaves();
    assert!(
        code == Some(0) && last.contains("The same command continues from here."),
        "{code:?} {last}"
    );
    let lesson = progress(&state)["lessons"][0].clone();
    assert_eq!(
        (lesson["left_after"].as_str(), lesson["predictions"]["right"].as_u64()),
        (Some("two-processes"), Some(1)),
        "{lesson}"
    );

    let mut learner = Person::sits_down(80, 24, &mut explore(&state, &["lesson", "next"]));
    learner.sees("You left this lesson after two-processes.");
    learner.sees("Enter continues there");
    learner.types("\n");
    let seen = learner.enters_until(&PROMPTS, "Next: explore lesson 2");
    assert!(!seen.contains("two-processes"), "what has been seen is not shown again: {seen}");
    assert_eq!(learner.leaves().0, Some(0));
    assert_eq!(progress(&state)["lessons"][0]["finished"], true);
    let overview = explore(&state, &[]).output().expect("explore runs").stdout;
    let overview = String::from_utf8_lossy(&overview).into_owned();
    assert!(
        overview.contains("✓  1")
            && overview.contains("explore lesson 2")
            && overview.contains("1 of 1 right"),
        "{overview}"
    );
}

#[test]
fn ctrl_d_leaves_a_lesson_as_q_does_and_finishes_nothing() {
    let state = folder();
    for answer in ["q\n", "\u{4}"] {
        let mut learner = Person::sits_down(80, 24, &mut explore(&state, &["lesson", "1"]));
        learner.enters_until(&PROMPTS[..4], LETTER);
        learner.types(answer);
        let (code, last) = learner.leaves();
        // Nothing has been seen to its end, so there is no place to go on from.
        assert!(
            code == Some(0) && last.contains("The same command starts this lesson over."),
            "{answer:?}: {code:?} {last}"
        );
    }
    assert!(
        !progress(&state)["lessons"].to_string().contains("\"finished\":true"),
        "{}",
        progress(&state)
    );
}

#[test]
fn where_nothing_can_be_kept_the_lesson_plays_and_says_so_once() {
    let state = folder();
    fs::write(state.path().join("explore"), "no folder").expect("written");
    let mut learner = Person::sits_down(80, 24, &mut explore(&state, &["lesson", "2"]));
    let seen = learner.enters_until(&PROMPTS, "Next: explore lesson 3");
    assert_eq!(seen.matches("cannot be").count(), 1, "{seen}");
    assert_eq!(learner.leaves().0, Some(0));
}

#[test]
fn a_reset_keeps_the_old_record() {
    let state = folder();
    let record =
        r#"{"format":"socket-explorer progress","version":1,"finished":["socket","layers"]}"#;
    fs::create_dir_all(state.path().join("explore")).expect("a folder");
    fs::write(state.path().join("explore/progress.json"), record).expect("written");
    assert_eq!(progress(&state)["finished"], 2);
    let output = explore(&state, &["progress", "--reset"]).output().expect("explore runs");
    let said = String::from_utf8_lossy(&output.stdout).replace('\n', " ");
    assert!(said.contains("has been reset") && output.status.success(), "{said}");
    assert_eq!(progress(&state)["finished"], 0);
    let kept =
        fs::read_to_string(state.path().join("explore/progress.set-aside-0.json")).expect("kept");
    assert_eq!(kept, record);
}

#[test]
fn every_command_has_a_manual_page_and_completions_name_no_hidden_word() {
    let folder = folder();
    let output =
        explore(&folder, &["man", "--out", utf8(folder.path())]).output().expect("explore runs");
    assert!(output.status.success());
    for name in ["explore", "explore-lesson", "explore-chat", "explore-progress"] {
        let page = fs::read_to_string(folder.path().join(format!("{name}.1"))).expect("a page");
        assert!(page.contains(".SH NAME") && page.contains("Examples"), "{name}: {page}");
    }
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = explore(&folder, &["completions", shell]).output().expect("explore runs");
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        assert!(text.contains("lesson") && !text.contains("__experiment"), "{shell}");
    }
    let nowhere =
        explore(&folder, &["man", "--out", "/dev/null/x"]).output().expect("explore runs");
    assert!(String::from_utf8_lossy(&nowhere.stderr).contains("/dev/null/x cannot be written"));
    assert_eq!(nowhere.status.code(), Some(2));
}
