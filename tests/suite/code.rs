//! The code of an experiment in a lesson: its calls and comments are shown, and what only checks is folded.

use socket_explorer::experiments;

use crate::person::Person;
use crate::support::{experiment_block, explore, file, folder, told, utf8};

const CAPTION: &str = "The code that runs (src/experiments/l01_socket.rs";
const FOLDED: &str = "lines that only check";

fn lesson(line: &str) -> String {
    let block = experiment_block("many-on-one-port");
    format!("# T\n> Q?\n\n{}", block.replace("view: ladder\n", &format!("view: sockets\n{line}")))
}

/// Whether there is code, whether it has a fold, and whether it has the statements that check.
fn shown(line: &str, args: &[&str]) -> [bool; 3] {
    let folder = folder();
    let mine = file(&folder, "mine.md", lesson(line));
    let (out, err, code) = told(&[&["lesson", utf8(&mine)], args].concat());
    assert_eq!((err.as_str(), code), ("", Some(0)), "{out}");
    assert!(out.contains("4 held"), "{out}");
    [CAPTION, FOLDED, "lab.claim("].map(|text| out.contains(text))
}

#[test]
fn how_much_is_shown_can_be_chosen() {
    assert_eq!(shown("", &[]), [true, true, false]);
    assert_eq!(shown("", &["--code", "calls"]), [true, true, false]);
    assert_eq!(shown("", &["--code", "all"]), [true, false, true]);
    assert_eq!(shown("", &["--code", "none"]), [false, false, false]);
    assert_eq!(shown("code: no\n", &[]), [false, false, false]);
    assert_eq!(shown("code: no\n", &["--code", "all"]), [false, false, false]);
}

#[test]
fn a_lesson_shows_other_functions_too() {
    let folder = folder();
    let with = lesson("code: no\ncode: connected\ncode: src/chat/turns.rs receive_message\n");
    let mine = file(&folder, "mine.md", with);
    let (out, err, code) = told(&["lesson", utf8(&mine)]);
    assert_eq!((err.as_str(), code), ("", Some(0)), "{out}");
    assert!(!out.contains("fn many_on_one_port"), "{out}");
    for text in [
        CAPTION,
        "fn connected(",
        "socket.connect(at)?;",
        "(src/chat/turns.rs",
        "fn receive_message",
    ] {
        assert!(out.contains(text), "{text}: {out}");
    }
    let mine = file(&folder, "mine.md", lesson("code: nowhere\n"));
    let (_, err, code) = told(&["lesson", utf8(&mine)]);
    assert!(
        code == Some(2) && err.contains("no function `nowhere` in src/experiments/l01_socket.rs"),
        "{err}"
    );
}

#[test]
fn c_unfolds_it_before_the_run() {
    let folder = folder();
    let mine = file(&folder, "mine.md", lesson(""));
    let mut learner = Person::sits_down(80, 2000, &mut explore(&["lesson", utf8(&mine)]));
    let before = learner.sees("Enter runs it · c whole code");
    assert!(before.contains(FOLDED) && !before.contains("lab.claim("), "{before}");
    learner.types("c");
    let whole = learner.sees("Enter runs it · ");
    assert!(whole.contains("lab.claim(") && !whole.contains(FOLDED), "{whole}");
    learner.types("\n");
    learner.sees("4 held");
    assert_eq!(learner.leaves().0, Some(0));
}

#[test]
fn a_page_folds_it_too() {
    let folder = folder();
    let mine = file(&folder, "mine.md", lesson(""));
    for (args, folds, code) in [
        (&[][..], true, true),
        (&["--code", "all"], false, true),
        (&["--code", "none"], false, false),
    ] {
        let (page, _, _) = told(&[&["lesson", utf8(&mine), "--html", "-"], args].concat());
        assert_eq!(page.contains("<details class=\"fold\"><summary>…"), folds, "{args:?}");
        assert_eq!(page.contains("lab.claim("), code, "what is folded is on the page: {args:?}");
    }
}

#[test]
fn no_line_is_lost_and_no_call_is_folded() {
    let calls = [
        ".bind(",
        ".listen(",
        ".accept(",
        ".connect(",
        ".send(",
        ".recv(",
        ".send_to(",
        ".poll(",
        ".close(",
    ];
    let (mut folded_lines, mut all_lines) = (0, 0);
    for experiment in experiments::all() {
        let (first, lines) = experiment.source().expect("it has a source");
        let parts = experiment.listing().expect("it has a listing").parts;
        let listed: Vec<_> = parts.iter().flat_map(|part| part.lines.clone()).collect();
        assert_eq!((parts[0].first, listed), (first, lines), "{}", experiment.name);
        for part in &parts {
            all_lines += part.statements();
            for line in part.lines.iter().filter(|_| part.folded) {
                folded_lines += usize::from(!line.trim().is_empty());
                let code = line.split("//").next().unwrap_or_default();
                let call = calls.iter().find(|call| code.contains(**call));
                assert_eq!(call, None, "{}: {line}", experiment.name);
            }
        }
    }
    assert!(folded_lines * 10 > all_lines, "{folded_lines} of {all_lines} lines are folded");
}
