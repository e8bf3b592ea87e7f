//! The course at home: how far one has come is kept, a lesson that was left goes on, and nothing is lost on the way.

use std::fs;
use std::process::Command;

use socket_explorer::lesson;
use tempfile::TempDir;

use crate::person::{LETTER, PROMPTS, Person, letter_of};
use crate::support::{self, ended, executable_copy, file, folder, require, utf8};

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
    let asked = learner.enters_until(&PROMPTS[..2], LETTER);
    let lesson = lesson::lessons().expect("well formed").swap_remove(0);
    let (prediction, _) = lesson.predictions().next().expect("it has predictions");
    learner.types(&letter_of(&prediction.options[prediction.right], &asked).to_string());
    learner.enters_until(&PROMPTS[..2], LETTER);
    learner.types("q");
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
    learner.sees("You left this lesson in this section:");
    learner.sees("Address, port, protocol");
    learner.sees(PROMPTS[0]);
    // The last experiment belongs to the section before: no key leads to it.
    let bar = learner.screen().rows(0, 80).last().expect("a row");
    assert!(["p", "c", "r"].iter().all(|key| !keys_of(&bar).contains(key)), "{bar}");
    for (key, answer) in [
        ("p", "There has been no picture yet."),
        ("c", "No code has been shown yet."),
        ("r", "This experiment has not run yet."),
    ] {
        learner.types(key);
        learner.sees(answer);
        learner.sees(PROMPTS[0]);
    }
    learner.types("\n");
    let seen = learner.enters_until(&PROMPTS, "Next: explore lesson 2");
    let claims = seen.split("Since you resumed this lesson:").nth(1);
    assert!(claims.is_some_and(|it| it.contains(" claims: ")), "not those of the whole: {seen}");
    assert!(!seen.contains("two-processes"), "what has been seen is not shown again: {seen}");
    assert!(seen.contains("Exercise: explore exercise 1 (An echo, by hand)"), "{seen}");
    assert_eq!(learner.leaves().0, Some(0));
    assert_eq!(progress(&state)["lessons"][0]["finished"], true);
    let overview = explore(&state, &[]).output().expect("explore runs").stdout;
    let overview = String::from_utf8_lossy(&overview).into_owned();
    assert!(
        overview.contains("✓  1")
            && overview.contains("explore lesson 2")
            && overview.contains("1 of 1 right")
            && overview.contains("Exercises: 1, 2, 3, ")
            && overview.contains("Next exercise: explore exercise 1 (An echo, by hand)"),
        "{overview}"
    );
}

/// Writes this record of the lessons.
fn with_lessons(state: &TempDir, lessons: &str) {
    fs::create_dir_all(state.path().join("explore")).expect("a folder");
    let record =
        format!(r#"{{"format":"socket-explorer progress","version":4,"lessons":{{{lessons}}}}}"#);
    fs::write(state.path().join("explore/progress.json"), record).expect("written");
}

#[test]
fn the_lesson_that_was_left_last_is_the_one_to_continue_with() {
    let state = folder();
    let overview = || {
        let output = explore(&state, &[]).output().expect("explore runs");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    assert!(!overview().contains("not finished yet"), "no lesson has that mark");
    let mut learner = Person::sits_down(80, 24, &mut explore(&state, &["lesson", "2"]));
    learner.sees("q quit");
    learner.types(" ");
    learner.sees("b back");
    learner.sees("q quit");
    learner.types("q");
    learner.leaves();
    let shown = overview();
    assert!(shown.contains("Continue with: explore lesson 2 ("), "{shown}");
    assert!(shown.contains("…  2") && shown.contains("… begun, and not finished yet"), "{shown}");
    let mut learner = Person::sits_down(80, 24, &mut explore(&state, &["lesson"]));
    learner.sees("the next lesson is 2, layers");
    learner.sees("s restarts");
    learner.sees("q quit");
    learner.types("q");
    learner.leaves();
}

/// The letters that a bar names as keys.
fn keys_of(bar: &str) -> Vec<&str> {
    let parts = bar.split(" · ").map(|part| part.split(' ').next().unwrap_or_default());
    let is_letter = |key: &&str| key.len() == 1 && key.chars().all(char::is_alphabetic);
    parts.filter(is_letter).collect()
}

#[test]
fn where_a_lesson_goes_on_s_begins_it_anew_and_help_tells_every_key() {
    let state = folder();
    with_lessons(&state, r#""socket":{"left_after":"two-processes"}"#);
    let resumed = || Person::sits_down(100, 16, &mut explore(&state, &["lesson", "1"]));
    let bar_of = |learner: &mut Person| {
        learner.sees("q quit");
        learner.screen().rows(0, 100).last().expect("a row")
    };
    let mut learner = resumed();
    learner.sees("Pages before this one are not kept: s begins from the start.");
    let bar = bar_of(&mut learner);
    assert!(["s", "c", "r", "q"].iter().all(|key| keys_of(&bar).contains(key)), "{bar}");
    learner.types("?");
    let help = learner.sees("stops until fg");
    for key in keys_of(&bar) {
        assert!(help.contains(&format!("       {key}  ")), "{key} of {bar}: {help}");
    }
    learner.sees("q quit");
    // The code has more than one page, and on each s begins anew.
    learner.types("c");
    learner.sees("q quit");
    let begun = learner.screen().contents();
    assert!(begun.contains("Enter on") && begun.contains("s restarts"), "{begun}");
    learner.types("s");
    learner.sees("q quit");
    let anew = learner.screen().contents();
    assert!(anew.contains("Lesson 1 · ") && !anew.contains("lab.claim("), "{anew}");
    learner.types("q");
    assert!(learner.leaves().1.contains("The same command starts over."));

    with_lessons(&state, r#""socket":{"left_at":{"steps":0,"blocks":3}}"#);
    let mut learner = resumed();
    learner.sees("s restarts");
    learner.sees("q quit");
    learner.types("c");
    learner.sees("No code has been shown yet.");
    learner.sees("s restarts");
    learner.sees("q quit");
    learner.types("s");
    learner.sees("q quit");
    let rows: Vec<String> = learner.screen().rows(0, 100).collect();
    let title = rows.iter().rposition(|row| row.starts_with("Lesson 1 · What"));
    let title = title.unwrap_or_else(|| panic!("the title again: {rows:#?}"));
    assert!(title == 0 || rows[title - 1].trim().is_empty(), "{rows:#?}");
    learner.types("q");
    learner.leaves();
}

#[test]
fn further_experiments_are_not_counted_as_questions_that_were_left_out() {
    let state = folder();
    let lessons = lesson::lessons().expect("well formed");
    let has_further = |it: &&lesson::Lesson| it.predictions().count() > it.core_questions().count();
    let lesson = lessons.iter().find(has_further).expect("one asks in a further experiment");
    let answered = |names: &[&str]| {
        let answers = names.iter().map(|name| format!(r#""{name}":true"#));
        let answers = answers.collect::<Vec<_>>().join(",");
        let record =
            format!(r#""{}":{{"finished":true,"predictions":{{{answers}}}}}"#, lesson.slug);
        with_lessons(&state, &record);
        let output = explore(&state, &["progress"]).output().expect("explore runs");
        in_one_line(&String::from_utf8_lossy(&output.stdout))
    };
    let core: Vec<&str> = lesson.core_questions().collect();
    let count = core.len();
    let said = answered(&core);
    assert!(said.contains(&format!("Finished. {count} of {count} predictions right.")), "{said}");
    let said = answered(&core[1..]);
    assert!(said.contains("predictions right; 1 not made."), "{said}");
}

/// The first row of text that was shown, without the sequences that move the cursor (ECMA-48, and DECSC and DECRC).
fn first_row(shown: &str) -> String {
    let mut parts = shown.split('\u{1b}');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let last = match part.strip_prefix('[') {
            Some(sequence) => {
                2 + sequence.find(|it: char| it.is_ascii_alphabetic()).expect("whole")
            }
            None => 1,
        };
        text += &part[last..];
    }
    text.lines().map(str::trim).find(|row| !row.is_empty()).expect("it has text").to_owned()
}

#[test]
fn a_lesson_goes_on_at_the_page_where_it_was_left_also_after_ctrl_c() {
    let lesson = |state: &TempDir, columns, rows| {
        let args = ["--color", "never", "lesson", "1"];
        Person::sits_down(columns, rows, &mut explore(state, &args))
    };
    for (key, code) in [("q", 0), ("\u{4}", 0), ("\u{3}", 130)] {
        let state = folder();
        let mut learner = lesson(&state, 80, 24);
        learner.sees("q quit");
        learner.types(" ");
        let second = first_row(&learner.sees(PROMPTS[0]));
        learner.types(key);
        let (left, said) = learner.leaves();
        assert_eq!(left, Some(code), "{said}");
        assert!(said.contains("The same command continues from here."), "{said}");

        // At another size the pages are others, and the paragraph is the same.
        let mut learner = lesson(&state, 60, 20);
        learner.sees("You left this lesson in this section:");
        learner.sees("What a socket is");
        learner.sees("q quit");
        learner.types("\n");
        let again = first_row(&learner.sees(PROMPTS[0]));
        let start = |row: &str| row.chars().take(40).collect::<String>();
        assert_eq!(start(&again), start(&second));
        learner.types("q");
        learner.leaves();

        // Whoever leaves again at once is still there.
        let mut learner = lesson(&state, 80, 24);
        learner.sees("s restarts");
        learner.types("q");
        assert!(learner.leaves().1.contains("The same command continues from here."));

        // From the start, if one wants to.
        let mut learner = lesson(&state, 80, 24);
        learner.sees("s restarts");
        learner.types("s");
        assert!(learner.sees(PROMPTS[0]).contains("A process is a running program"));
        learner.types(key);
        let (_, said) = learner.leaves();
        assert!(said.contains("The same command starts over."), "nothing has been read: {said}");
    }
}

#[test]
fn a_lesson_that_was_left_behind_an_experiment_says_so() {
    let state = folder();
    // As an older program has kept it, which knew no other places.
    fs::create_dir_all(state.path().join("explore")).expect("a folder");
    let record = r#"{"format":"socket-explorer progress","version":3,"lessons":{"socket":{"left_after":"two-processes"}}}"#;
    fs::write(state.path().join("explore/progress.json"), record).expect("written");
    let mut learner = Person::sits_down(80, 24, &mut explore(&state, &["lesson", "1"]));
    learner.sees("You left this lesson after the experiment of this section:");
    learner.sees("Two processes, one conversation");
    learner.sees(PROMPTS[0]);
    learner.types("\n");
    let shown = learner.sees(PROMPTS[0]);
    assert!(!shown.contains("Checked on this machine"), "{shown}");
    learner.types("q");
    assert!(learner.leaves().1.contains("The same command continues from here."));
}

#[test]
fn what_was_predicted_before_the_lesson_was_left_is_not_asked_again() {
    let state = folder();
    let lesson = || {
        let args = ["--color", "never", "lesson", "1"];
        Person::sits_down(80, 24, &mut explore(&state, &args))
    };
    let (prediction, _) = {
        let lesson = lesson::lessons().expect("well formed").swap_remove(0);
        lesson.predictions().next().map(|(one, show)| (one.clone(), show.clone())).expect("one")
    };
    let mut learner = lesson();
    let asked = learner.enters_until(&PROMPTS[..1], LETTER);
    let letter = letter_of(&prediction.options[prediction.right], &asked);
    learner.types(&letter.to_string());
    learner.sees("You predict: ");
    learner.sees("q quit");
    learner.types("q");
    learner.leaves();

    // Left once more, on the way to the run.
    for _ in 0..2 {
        let mut learner = lesson();
        learner.sees("You left this lesson in this section:");
        let mut seen = String::new();
        let stops = ["Enter runs it · ", PROMPTS[0], LETTER];
        loop {
            let (which, before) = learner.sees_one_of(&stops);
            seen += &before;
            match which {
                0 => break,
                1 => learner.types("\n"),
                _ => panic!("asked again: {seen}"),
            }
        }
        assert!(seen.contains(&format!("You predict: {letter}) ")), "{seen}");
        assert!(!seen.contains("A process is a running program"), "not from the start: {seen}");
        learner.types("q");
        learner.leaves();
    }
    let mut learner = lesson();
    learner.enters_until(&PROMPTS[..2], "Your prediction was right: ");
    learner.sees("q quit");
    learner.types("q");
    learner.leaves();
    let predictions = progress(&state)["lessons"][0]["predictions"].clone();
    assert_eq!(predictions["right"].as_u64(), Some(1), "{predictions}");
}

#[test]
fn the_score_counts_the_questions_that_were_skipped() {
    let state = folder();
    let mut learner = Person::sits_down(80, 24, &mut explore(&state, &["lesson", "1"]));
    let asked = learner.enters_until(&PROMPTS[..2], LETTER);
    let lesson = lesson::lessons().expect("well formed").swap_remove(0);
    let questions: Vec<_> = lesson.predictions().map(|(prediction, _)| prediction).collect();
    let right = questions[0].options[questions[0].right].replace('`', "");
    learner.types(&letter_of(&right, &asked).to_string());
    learner.sees("You predict: ");
    let asked_in_core = 1 + learner
        .enters_until(
            &PROMPTS,
            "Your predictions in this lesson: 1 of 1 right; questions skipped: ",
        )
        .matches("What do you predict?")
        .count();
    assert!(asked_in_core > 1, "lesson 1 has more than one question");
    learner.sees(&format!("{}.", asked_in_core - 1));
    let rows: Vec<String> = learner.screen().rows(0, 80).collect();
    let above = rows.iter().take_while(|row| !row.starts_with("Your predictions in this lesson"));
    let empty =
        above.collect::<Vec<_>>().iter().rev().take_while(|row| row.trim().is_empty()).count();
    assert!(empty < 2, "{rows:#?}");
    learner.enters_until(&PROMPTS, "Next: explore lesson 2");
    assert_eq!(learner.leaves().0, Some(0));
}

#[test]
fn a_narrow_terminal_breaks_the_list_of_lessons_at_words() {
    let state = folder();
    for columns in [40, 49, 50, 60] {
        let mut list = Person::sits_down(columns, 100, &mut explore(&state, &["--color", "never"]));
        assert_eq!(list.leaves().0, Some(0));
        let screen = list.screen();
        let words: Vec<String> = screen
            .rows(0, columns)
            .flat_map(|row| row.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
            .collect();
        for entry in lesson::contents() {
            let title: Vec<_> = entry.title.split_whitespace().collect();
            assert!(
                title.iter().all(|word| words.iter().any(|shown| shown == word)),
                "{columns}: {title:?} in\n{}",
                screen.contents()
            );
        }
    }
}

#[test]
fn a_lesson_that_was_left_finishes_nothing() {
    let state = folder();
    let mut learner = Person::sits_down(80, 24, &mut explore(&state, &["lesson", "1"]));
    learner.enters_until(&PROMPTS[..2], LETTER);
    learner.types("q");
    let (code, last) = learner.leaves();
    assert!(code == Some(0) && last.contains("The same command continues"), "{code:?} {last}");
    let noted = progress(&state)["lessons"].to_string();
    assert!(!noted.contains("\"finished\":true"), "{noted}");
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
fn every_command_has_a_manual_page_and_every_shell_its_completions() {
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
        assert!(text.contains("EXPLORE_COMPLETE"), "{shell}: {text}");
    }
    let nowhere =
        explore(&folder, &["man", "--out", "/dev/null/x"]).output().expect("explore runs");
    assert!(String::from_utf8_lossy(&nowhere.stderr).contains("/dev/null/x cannot be written"));
    assert_eq!(nowhere.status.code(), Some(2));
}

/// Writes a record in which the first prediction of each of these lessons was answered so.
fn with_answers(state: &TempDir, answers: &[(&str, &str, bool)]) {
    let lesson = |(slug, experiment, right): &(&str, &str, bool)| {
        format!(r#""{slug}":{{"finished":true,"predictions":{{"{experiment}":{right}}}}}"#)
    };
    let lessons: Vec<String> = answers.iter().map(lesson).collect();
    let lessons = lessons.join(",");
    let record =
        format!(r#"{{"format":"socket-explorer progress","version":2,"lessons":{{{lessons}}}}}"#);
    fs::create_dir_all(state.path().join("explore")).expect("a folder");
    fs::write(state.path().join("explore/progress.json"), record).expect("written");
}

/// The prediction that this experiment answers.
fn prediction_of(experiment: &str) -> lesson::Prediction {
    let lessons = lesson::lessons().expect("well formed");
    let mut all = lessons.iter().flat_map(|lesson| lesson.predictions());
    let found = all.find(|(_, show)| show.experiment.name == experiment);
    found.expect("it is predicted").0.clone()
}

/// The text without the sequences that colour it.
fn without_colours(text: &str) -> String {
    let mut parts = text.split('\u{1b}');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + part.split_once('m').map_or("", |(_, rest)| rest))
}

/// The text without its breaks between lines.
fn in_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn the_quiz_asks_what_was_wrong_until_it_is_right() {
    let state = folder();
    // One ships a recording, one has none and is run.
    let [recorded, run] = ["three-way-handshake", "stream-has-no-boundaries"];
    with_answers(
        &state,
        &[
            ("handshake", recorded, false),
            ("tcp-udp", run, false),
            ("socket", "two-processes", true),
        ],
    );
    let quiz = || explore(&state, &["quiz"]);
    let listed = |expected: &[&str]| {
        let output = quiz().output().expect("explore runs");
        let out = in_one_line(&String::from_utf8_lossy(&output.stdout));
        for experiment in [recorded, run] {
            let question = in_one_line(&prediction_of(experiment).question);
            assert_eq!(out.contains(&question), expected.contains(&experiment), "{out}");
        }
        assert!(output.status.success());
    };
    listed(&[recorded, run]);
    let overview = explore(&state, &[]).output().expect("explore runs").stdout;
    let overview = in_one_line(&String::from_utf8_lossy(&overview));
    assert!(
        overview.contains("explore quiz asks again 2 questions that you got wrong."),
        "{overview}"
    );

    let mut learner = Person::sits_down(80, 60, &mut quiz());
    for (experiment, is_right) in [(run, false), (recorded, true)] {
        let asked = learner.enters_until(&PROMPTS[..2], LETTER);
        let prediction = prediction_of(experiment);
        let right = &prediction.options[prediction.right];
        let wrong = prediction.options.iter().find(|it| *it != right).expect("another");
        let option = if is_right { right } else { wrong }.replace('`', "");
        let typed = letter_of(&option, &without_colours(&asked));
        learner.types(&typed.to_string());
        if is_right {
            learner.sees("Recorded on ");
        }
    }
    learner.enters_until(&PROMPTS[..2], "1 of 2 were right; 1 stays on the list");
    assert_eq!(learner.leaves().0, Some(0));
    listed(&[run]);
    let lesson = progress(&state)["lessons"][5]["predictions"].clone();
    assert_eq!((lesson["wrong"].as_u64(), lesson["put_right"].as_u64()), (Some(1), Some(1)));
}

#[test]
fn a_quiz_says_what_was_skipped_and_what_is_left_whichever_way_it_ends() {
    let state = folder();
    with_answers(
        &state,
        &[("handshake", "three-way-handshake", false), ("socket", "two-processes", false)],
    );
    let quiz = || Person::sits_down(80, 24, &mut explore(&state, &["quiz"]));
    for (key, code) in [("q", 0), ("\u{4}", 0), ("\u{3}", 130)] {
        let mut learner = quiz();
        learner.sees("q quit");
        learner.types(key);
        let (left, said) = learner.leaves();
        assert_eq!(left, Some(code), "{said}");
        assert!(said.contains("Quit. The questions that are open stay on the list."), "{said}");
    }
    let mut learner = quiz();
    learner.sees(LETTER);
    learner.types("?");
    let help = learner.sees("stops until fg");
    assert!(help.contains("of the options answer"), "{help}");
    learner.enters_until(
        &PROMPTS[..3],
        "0 of 2 were right, and 2 skipped; 2 stay on the list for another day.",
    );
    assert_eq!(learner.leaves().0, Some(0));
}

#[test]
fn a_quiz_without_questions_says_what_to_do() {
    let state = folder();
    let said = || {
        let output = explore(&state, &["quiz"]).output().expect("explore runs");
        assert!(output.status.success());
        in_one_line(&String::from_utf8_lossy(&output.stdout))
    };
    assert!(said().contains("Start with explore lesson."), "{}", said());
    with_answers(&state, &[("socket", "two-processes", true)]);
    assert!(said().contains("There is nothing to ask again"), "{}", said());
}

#[test]
fn progress_is_told_in_sentences_with_what_was_missed() {
    let state = folder();
    with_answers(&state, &[("handshake", "three-way-handshake", false)]);
    let output = explore(&state, &["progress"]).output().expect("explore runs");
    let out = in_one_line(&String::from_utf8_lossy(&output.stdout));
    let question = in_one_line(&prediction_of("three-way-handshake").question);
    for expected in [
        "✓ Lesson 6 · Opening and closing a connection Finished. 0 of 1 predictions right;",
        &format!("lesson 6: {question}"),
        "see it again: explore run three-way-handshake",
        "explore quiz asks these questions again.",
        "1 of 12 lessons finished.",
    ] {
        assert!(out.contains(expected), "not `{expected}`: {out}");
    }
}

#[test]
fn the_record_of_a_newer_program_is_told_and_left_alone() {
    let state = folder();
    let file = state.path().join("explore/progress.json");
    let record = r#"{"format":"socket-explorer progress","version":99,"lessons":[]}"#;
    fs::create_dir_all(state.path().join("explore")).expect("a folder");
    fs::write(&file, record).expect("written");
    for args in [&["progress"][..], &[], &["quiz"]] {
        let output = explore(&state, args).output().expect("explore runs");
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(error.contains("a newer `explore` wrote this file"), "{args:?}: {error}");
        assert_eq!(fs::read_to_string(&file).expect("there"), record);
    }
    let mut learner = Person::sits_down(80, 24, &mut explore(&state, &["lesson", "2"]));
    let seen = learner.enters_until(&PROMPTS, "Next: explore lesson 3");
    assert!(in_one_line(&seen).contains("a newer `explore` wrote"), "{seen}");
    assert_eq!(learner.leaves().0, Some(0));
    assert_eq!(fs::read_to_string(&file).expect("there"), record);
}

#[test]
fn the_manual_has_nothing_that_mandoc_would_mend() {
    let Some(mut mandoc) = require("mandoc") else { return };
    let folder = folder();
    let output =
        explore(&folder, &["man", "--out", utf8(folder.path())]).output().expect("explore runs");
    assert!(output.status.success());
    let pages =
        fs::read_dir(folder.path()).expect("pages").map(|page| page.expect("a page").path());
    let pages: Vec<_> = pages.filter(|page| page.extension().is_some_and(|it| it == "1")).collect();
    assert!(pages.len() > 10);
    let (out, error, code) = ended(mandoc.args(["-T", "lint"]).args(&pages));
    assert_eq!((out.as_str(), error.as_str(), code), ("", "", Some(0)));
    let printed = explore(&folder, &["man"]).output().expect("explore runs").stdout;
    assert_eq!(printed, fs::read(folder.path().join("explore.1")).expect("a page"));
}

#[test]
fn at_a_terminal_the_manual_is_shown_by_man_and_else_printed() {
    let state = folder();
    let with_path = |path: &std::path::Path| {
        let mut command = explore(&state, &["man"]);
        command.env("PATH", path).env("PAGER", "cat").env("MANPAGER", "cat");
        Person::sits_down(80, 24, &mut command).leaves()
    };
    // A reader of its own, for what man(1) draws is its own affair.
    let bin = folder();
    let reader = bin.path().join("man");
    let script = file(&bin, "script", "#!/bin/sh\necho \"$*\"; /bin/grep -c '^.SH'; exit 7\n");
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(&script, executable).expect("ours");
    executable_copy(&script, &reader);
    let (code, seen) = with_path(bin.path());
    assert!(seen.contains("-l -\r\n") && code == Some(7), "{code:?} {seen}");
    let (code, seen) = with_path(&bin.path().join("none"));
    assert!(seen.contains(".SH NAME") && code == Some(0), "{code:?} {seen}");
}
