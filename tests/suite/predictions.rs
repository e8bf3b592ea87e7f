//! Predictions: each learner sees the options in an order of their own, which stays.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::person::{LETTER, PROMPTS, Person, letter_of};
use crate::support::{experiment_block, explore, file, folder, told, utf8};

const OPTIONS: [&str; 4] = ["one", "two", "three", "four"];

fn lesson(folder: &Path, info: &str) -> PathBuf {
    let options = OPTIONS.map(|option| {
        format!("- [{}] the number {option}\n", if option == "three" { "x" } else { " " })
    });
    let (options, block) = (options.concat(), experiment_block("two-processes"));
    let text = format!("# T\n> Q?\n\n```{info}\nHow many?\n{options}```\n\n{block}");
    let path = folder.join("mine.md");
    fs::write(&path, text).expect("written");
    path
}

/// The numbers in the order in which they are shown.
fn order(shown: &str) -> Vec<&'static str> {
    let mut shown_at: Vec<_> = OPTIONS
        .iter()
        .map(|option| (letter_of(&format!("the number {option}"), shown), *option))
        .collect();
    shown_at.sort_unstable();
    let letters: String = shown_at.iter().map(|(letter, _)| letter).collect();
    assert_eq!(letters, "abcd");
    shown_at.into_iter().map(|(_, option)| option).collect()
}

/// The order in which a learner with this seed sees the options, who then gives this answer; and what is said to it.
fn asked(mine: &Path, seed: Option<u64>, answer: &str) -> (Vec<&'static str>, String) {
    let state = folder();
    if let Some(seed) = seed {
        let kept = format!(r#"{{"format":"socket-explorer progress","version":2,"seed":{seed}}}"#);
        fs::create_dir_all(state.path().join("explore")).expect("a folder");
        fs::write(state.path().join("explore/progress.json"), kept).expect("written");
    }
    let mut orders = Vec::new();
    let mut said = String::new();
    for _ in 0..2 {
        let mut command = explore(&["--color", "never", "lesson", utf8(mine)]);
        command.env("XDG_STATE_HOME", state.path());
        let mut learner = Person::sits_down(80, 2000, &mut command);
        let shown = learner.enters_until(&PROMPTS[..2], LETTER);
        orders.push(order(&shown));
        learner.types(&letter_of(&format!("the number {answer}"), &shown).to_string());
        said = learner.enters_until(&PROMPTS[..2], "4 claims: ");
        assert_eq!(learner.leaves().0, Some(0));
    }
    assert_eq!(orders[0], orders[1], "it stays when the question is asked again");
    (orders.swap_remove(0), said)
}

/// Whether the right option stands behind these words, with a letter.
fn names_the_right_one(said: &str, words: &str) -> bool {
    ('a'..='d').any(|letter| said.contains(&format!("{words}{letter}) the number three")))
}

#[test]
fn each_learner_has_an_order_which_stays() {
    let folder = folder();
    let mine = lesson(folder.path(), "predict");
    let orders: BTreeSet<_> = (1..6).map(|seed| asked(&mine, Some(seed), "two").0).collect();
    assert!(orders.len() > 1, "{orders:?}");
    asked(&mine, None, "two"); // the seed is drawn, and kept
}

#[test]
fn a_letter_means_the_option_that_it_stood_before() {
    let folder = folder();
    let mine = lesson(folder.path(), "predict");
    for seed in 1..4 {
        let (_, said) = asked(&mine, Some(seed), "three");
        assert!(names_the_right_one(&said, "✓ Your prediction was right: "), "{said}");
        let (_, said) = asked(&mine, Some(seed), "two");
        assert!(said.contains("✗ You predicted: ") && said.contains(") the number two"), "{said}");
        assert!(names_the_right_one(&said, "✓ The answer: "), "{said}");
        assert!(said.contains("Your predictions in this lesson: 0 of 1 right."), "{said}");
    }
}

#[test]
fn options_with_a_natural_order_keep_it() {
    let folder = folder();
    let mine = lesson(folder.path(), "predict in-order");
    for seed in 1..6 {
        assert_eq!(asked(&mine, Some(seed), "two").0, OPTIONS);
    }
}

#[test]
fn where_nobody_answers_the_order_is_always_the_same() {
    let folder = folder();
    let mine = lesson(folder.path(), "predict");
    let piped = || order(&told(&["lesson", utf8(&mine)]).0);
    assert_eq!(piped(), piped());
    let page = told(&["lesson", utf8(&mine), "--html", "-"]).0;
    let mut on_page = OPTIONS;
    on_page.sort_by_key(|option| page.find(&format!("<li>the number {option}</li>")));
    assert_eq!(piped(), on_page);
    let strange = file(
        &folder,
        "strange.md",
        fs::read_to_string(&mine).expect("read").replace("```predict", "```predict sorted"),
    );
    let (_, err, code) = told(&["lesson", utf8(&strange)]);
    assert!(code == Some(2) && err.contains("strange.md:4: `predict` may be followed"), "{err}");
}
