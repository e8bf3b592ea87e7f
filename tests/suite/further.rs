//! Further experiments: a lesson offers them at its end, and each can be played alone.

use std::path::PathBuf;

use tempfile::TempDir;

use crate::person::{PROMPTS, Person};
use crate::support::{experiment_block, explore, file, folder, told, utf8};

const NUMBER: &str = "Enter skips them · ";

/// A lesson with two further experiments.
fn lesson(folder: &TempDir) -> PathBuf {
    let [core, first, second] =
        ["two-processes", "address-port-protocol", "many-on-one-port"].map(experiment_block);
    let text = format!(
        "# Mine\n> Why?\n\nThe core.\n\n{core}\n---\n\n## Three binds\n\nBound.\n\n{first}\n## Many clients\n\nMany.\n\n{second}"
    );
    file(folder, "mine.md", text)
}

#[test]
fn a_learner_chooses_among_them_until_enter() {
    let folder = folder();
    let mine = lesson(&folder);
    let mut learner = Person::sits_down(80, 2000, &mut explore(&["lesson", utf8(&mine)]));
    let core = learner.enters_until(&PROMPTS[..3], NUMBER);
    assert!(core.contains("1  Three binds") && core.contains("2  Many clients"), "{core}");
    assert!(!core.contains("--further") && !core.contains("Many."), "{core}");
    learner.types("?");
    let help = learner.sees(NUMBER);
    assert!(help.contains("1 to 2  "), "{help}");
    assert!(help.contains("plays that experiment"), "{help}");
    learner.types("9");
    learner.sees("There is no further experiment ");
    learner.sees(NUMBER);
    learner.types("2");
    let second = learner.enters_until(&PROMPTS[..3], NUMBER);
    assert!(second.contains("Many.") && second.contains("2  Many clients"), "{second}");
    assert!(!second.contains("Bound."), "{second}");
    learner.types("\n");
    assert_eq!(learner.leaves().0, Some(0));
}

#[test]
fn they_are_left_at_the_list_and_inside() {
    let folder = folder();
    let mine = lesson(&folder);
    for (choice, key, left) in [("", "q", 0), ("1", "q", 0), ("1", "\u{3}", 130)] {
        let mut learner = Person::sits_down(80, 2000, &mut explore(&["lesson", utf8(&mine)]));
        learner.enters_until(&PROMPTS[..3], NUMBER);
        learner.types(choice);
        if !choice.is_empty() {
            learner.sees("Enter runs it · ");
        }
        learner.types(key);
        let (code, last) = learner.leaves();
        assert_eq!(code, Some(left), "{last}");
        assert!(last.contains("Quit. The lesson itself is finished."), "{last}");
    }
}

#[test]
fn without_a_terminal_they_are_named_and_each_can_be_played_alone() {
    let folder = folder();
    let mine = lesson(&folder);
    let play = |further: &[&str]| {
        let (out, err, code) = told(&[&["lesson", utf8(&mine)], further].concat());
        assert_eq!((err.as_str(), code), ("", Some(0)), "{out}");
        ["The core.", "Bound.", "Many.", "--further 1", "4 claims: "].map(|text| out.contains(text))
    };
    assert_eq!(play(&[]), [true, false, false, true, true]);
    assert_eq!(play(&["--further", "2"]), [false, false, true, false, true]);
    assert_eq!(play(&["--further", "all"]), [false, true, true, false, false]);
    let (out, err, code) = told(&["lesson", utf8(&mine), "--further", "3"]);
    assert_eq!((out.as_str(), code), ("", Some(2)));
    assert!(err.contains("has no further experiment 3: it has 2"), "{err}");
    for wrong in ["0", "x"] {
        let (_, err, code) = told(&["lesson", utf8(&mine), "--further", wrong]);
        assert!(code == Some(2) && err.contains("`all`"), "{err}");
    }
}

#[test]
fn a_page_has_all_of_them() {
    let folder = folder();
    let (out, err, code) = told(&["lesson", utf8(&lesson(&folder)), "--html", "-"]);
    assert_eq!((err.as_str(), code), ("", Some(0)));
    for text in ["The core.", "<p class=\"kicker\">Further experiments</p>", "Bound.", "Many."] {
        assert!(out.contains(text), "{text}");
    }
    for name in ["two-processes", "address-port-protocol", "many-on-one-port"] {
        assert!(out.contains(&format!("<section class=\"run\" id=\"{name}\">")), "{name}");
    }
}
