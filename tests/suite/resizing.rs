//! The window changes while a key is waited for: the page is laid out for it, and nothing is lost.

use tempfile::TempDir;
use unicode_width::UnicodeWidthStr;

use crate::person::{LETTER, PROMPTS, Person};
use crate::support::{experiment_block, explore, file, folder, utf8};

/// A learner at a terminal of this size, with nothing noted yet.
fn learner(state: &TempDir, (columns, rows): (u16, u16), args: &[&str]) -> Person {
    let mut command = explore(&[&["--color", "never"], args].concat());
    Person::sits_down(columns, rows, command.env("XDG_STATE_HOME", state.path()))
}

/// The rows on the screen without the bar, their ends without spaces.
fn rows(learner: &Person) -> Vec<String> {
    let screen = learner.screen();
    let mut rows: Vec<String> =
        screen.rows(0, screen.size().1).map(|row| row.trim_end().to_owned()).collect();
    rows.pop();
    rows
}

/// Changes the window, and waits until all is drawn for it: the bar, which comes last, says this.
fn resizes(learner: &mut Person, (columns, rows): (u16, u16), bar: &str) {
    learner.resizes(columns, rows);
    learner.sees("\x1b[2J");
    learner.sees_screen(|screen| {
        let last = screen.rows(0, columns).last().unwrap_or_default();
        last.contains(bar) && last.trim_end().width() < usize::from(columns)
    });
}

/// A text whose paragraphs have one row in a wide window.
fn paragraphs(word: &str, count: usize) -> Vec<String> {
    let text =
        |number| format!("{word}{number:02} and what follows goes on for sixty columns or so.");
    (0..count).map(text).collect()
}

#[test]
fn a_page_of_text_begins_where_it_did_and_no_line_is_torn_or_lost() {
    let (state, folder) = (folder(), folder());
    let wide = "\u{5b57}".repeat(30);
    for (word, language) in [("w", "en"), (wide.as_str(), "zh")] {
        let all = paragraphs(word, 40);
        let block = experiment_block("two-processes");
        let text = format!("# Mine\n> Why?\n\n{}\n\n{block}", all.join("\n\n"));
        let mine = file(&folder, &format!("{language}.md"), text);
        let args = ["--lang", language, "lesson", utf8(&mine)];
        let mut learner = learner(&state, (100, 24), &args);
        let keys = if language == "en" { "? keys" } else { "? \u{6309}\u{952e}" };
        learner.sees(keys);
        learner.types(" ");
        learner.sees(keys);
        let begins = |learner: &Person| {
            let text = rows(learner).concat();
            let number =
                text.split_once(word).and_then(|(_, it)| it.get(..2)?.parse::<usize>().ok());
            number.unwrap_or_else(|| panic!("no paragraph begins: {text}"))
        };
        let first = begins(&learner);
        for size in [(60, 20), (40, 20), (120, 30), (80, 24)] {
            resizes(&mut learner, size, keys);
            assert_eq!(begins(&learner), first, "{size:?}");
            let shown = rows(&learner);
            let columns = usize::from(size.0);
            assert!(shown.iter().all(|row| row.width() <= columns), "{shown:#?}");
            // A row ends only where the next word has no room.
            let text: Vec<&String> = shown
                .iter()
                .skip_while(|row| row.is_empty())
                .take_while(|row| !row.is_empty())
                .collect();
            let most = text.iter().map(|row| row.width()).max().unwrap_or(0);
            let whole = all[first].width();
            assert!(most + 10 > columns.min(88).min(whole), "{size:?}: {shown:#?}");
        }
        let mut seen = Vec::new();
        loop {
            seen.extend(rows(&learner).concat().split(word).skip(1).map(|it| it[..2].to_owned()));
            learner.types(" ");
            let run = if language == "en" { PROMPTS[1] } else { "\u{8fd0}\u{884c} \u{b7} " };
            if learner.sees_one_of(&[run, keys]).0 == 0 {
                break;
            }
        }
        learner.sees(keys);
        seen.extend(rows(&learner).concat().split(word).skip(1).map(|it| it[..2].to_owned()));
        seen.dedup();
        let expected: Vec<String> =
            (first..all.len()).map(|number| format!("{number:02}")).collect();
        assert!(expected.iter().all(|number| seen.contains(number)), "{seen:?}");
        learner.types("q");
        assert_eq!(learner.leaves().0, Some(0));
    }
}

#[test]
fn a_question_is_answered_when_it_is_on_the_screen() {
    let (state, folder) = (folder(), folder());
    let block = experiment_block("two-processes");
    let options = ["one", "two", "three"].map(|option| {
        let mark = if option == "two" { "x" } else { " " };
        format!("- [{mark}] the number {option}, and words to fill a row of the window\n")
    });
    let before = paragraphs("w", 4).join("\n\n");
    let options = options.concat();
    let text =
        format!("# T\n> Q?\n\n{before}\n\n```predict in-order\nHow many?\n{options}```\n\n{block}");
    let mine = file(&folder, "mine.md", text);
    let mut learner = learner(&state, (80, 24), &["lesson", utf8(&mine)]);
    learner.enters_until(&PROMPTS[..1], LETTER);
    learner.sees("q quit");
    for _ in 0..2 {
        resizes(&mut learner, (40, 12), "Enter forward");
        assert!(!rows(&learner).concat().contains("c) the number three"), "{:#?}", rows(&learner));
        // It answers nothing that is not to be seen, but brings it.
        learner.types("a");
        learner.sees("Enter skips");
        assert!(rows(&learner).concat().contains("c) the number three"), "{:#?}", rows(&learner));
        resizes(&mut learner, (80, 24), LETTER);
        let whole = rows(&learner).concat();
        assert!(whole.contains("w00") && whole.contains("c) the number three"), "{whole}");
        assert!(!whole.contains("You predict"), "{whole}");
    }
    learner.types("b");
    learner.sees("You predict: b) the number two");
    learner.sees("q quit");
    learner.types("q");
    assert_eq!(learner.leaves().0, Some(0));
}

#[test]
fn a_picture_and_a_half_typed_line_have_the_new_width() {
    let (state, folder) = (folder(), folder());
    let block = experiment_block("recv-waits");
    let mine =
        file(&folder, "mine.md", format!("# Mine\n> Why?\n\nFirst.\n\n{block}\n\nBehind it.\n"));
    let mut learner = learner(&state, (80, 50), &["lesson", utf8(&mine)]);
    learner.sees(PROMPTS[1]);
    learner.types("\r");
    learner.sees(PROMPTS[0]);
    learner.types("p");
    learner.sees(PROMPTS[0]);
    resizes(&mut learner, (40, 50), "Enter on");
    let again = rows(&learner);
    learner.types("p");
    learner.sees("Enter on");
    let drawn = rows(&learner);
    let picture = |rows: &[String]| -> Vec<String> {
        let from = rows.iter().rposition(|row| row.contains("time ")).expect("a picture");
        rows[from..].iter().take_while(|row| !row.is_empty()).cloned().collect()
    };
    assert_eq!(picture(&again), picture(&drawn), "as if it had been drawn for this window");
    assert!(picture(&again).len() > 4, "{again:#?}");
    learner.types("r");
    learner.sees("knob=value (");
    learner.types("silence=4");
    learner.sees("silence=4");
    for size in [(60, 20), (40, 20), (120, 30)] {
        resizes(&mut learner, size, "silence=4");
        assert!(rows(&learner).concat().contains("silence=200ms"), "{:#?}", rows(&learner));
    }
    learner.types("\x7f350ms\r");
    let again = learner.sees(PROMPTS[0]);
    assert!(again.contains("350 ms"), "{again}");
    learner.types("q");
    assert_eq!(learner.leaves().0, Some(0));
}

#[test]
fn help_and_a_list_are_laid_out_again_too() {
    let state = folder();
    let mut learner = learner(&state, (80, 24), &["run", "--list"]);
    learner.sees(PROMPTS[0]);
    let first = |learner: &Person| {
        let rows = rows(learner);
        let first = rows.iter().find(|row| !row.is_empty()).expect("a row");
        first.split_whitespace().take(2).map(str::to_owned).collect::<Vec<_>>()
    };
    learner.types(" ");
    learner.sees(PROMPTS[0]);
    let begins = first(&learner);
    for size in [(60, 20), (40, 20), (120, 30)] {
        resizes(&mut learner, size, "Enter on");
        assert_eq!(first(&learner), begins, "{size:?}");
        assert!(rows(&learner).iter().all(|row| row.width() <= size.0.into()));
    }
    learner.types("?");
    learner.sees("Ctrl-Z  stops until fg");
    learner.sees("Enter on");
    resizes(&mut learner, (40, 7), "Enter forward");
    assert!(rows(&learner).concat().contains("Enter  goes on"), "{:#?}", rows(&learner));
    resizes(&mut learner, (80, 24), "Enter on");
    let help = rows(&learner).concat();
    assert!(help.contains("Enter  goes on") && help.contains("stops until fg"), "{help}");
    learner.types("q");
    assert_eq!(learner.leaves().0, Some(0));
}
