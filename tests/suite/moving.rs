//! Moving through a lesson: the same keys at every stop, the bar that names them, and pages that end between blocks.

use std::path::PathBuf;
use std::process::Command;

use socket_explorer::lesson::{self, Step};
use tempfile::TempDir;
use vt100::Screen;

use crate::person::{LETTER, PROMPTS, Person};
use crate::support::{experiment_block, explore, file, folder, told, utf8};

/// A learner at a terminal of this size, with nothing noted yet.
fn learner(state: &TempDir, columns: u16, rows: u16, args: &[&str]) -> Person {
    let mut command = explore(&[&["--color", "never"], args].concat());
    Person::sits_down(columns, rows, command.env("XDG_STATE_HOME", state.path()))
}

/// The rows above the bar, and the bar.
fn page(screen: &Screen) -> (Vec<String>, String) {
    let mut rows: Vec<String> = screen.rows(0, screen.size().1).collect();
    let bar = rows.pop().expect("a screen has rows");
    (rows, bar)
}

/// Goes on, stop after stop, without an answer, until this is written; gives each screen on the way.
fn screens_until(person: &mut Person, end: &str) -> Vec<(Vec<String>, String)> {
    // A narrow bar has room for the answers alone.
    let stops = [&[end], &PROMPTS[..], &["answer · ? keys", "plays one · ? keys"]].concat();
    let mut all = Vec::new();
    while person.sees_one_of(&stops).0 > 0 {
        person.sees_one_of(&["q quit", "? · q"]);
        all.push(page(person.screen()));
        person.types(" ");
    }
    all
}

/// A lesson with a run that takes as long as its knob says.
fn lesson_with_a_knob(folder: &TempDir) -> PathBuf {
    let block = experiment_block("recv-waits");
    file(folder, "mine.md", format!("# Mine\n> Why?\n\nFirst.\n\n{block}\n\nBehind it.\n"))
}

/// Leaves the lesson, which ends well.
fn quits(learner: &mut Person) {
    learner.types("q");
    assert_eq!(learner.leaves().0, Some(0));
}

#[test]
fn the_bar_says_where_one_is_and_is_gone_with_its_key() {
    let state = folder();
    let mut learner = learner(&state, 80, 24, &["lesson", "1"]);
    learner.sees("q quit");
    let (_, bar) = page(learner.screen());
    assert!(
        bar.starts_with("Lesson 1 · 1 of 9 · ") && bar.contains(" min · Enter on · ? keys"),
        "there is nothing to go back to: {bar}"
    );
    learner.types(" ");
    learner.sees("q quit");
    let (rows, bar) = page(learner.screen());
    assert!(bar.starts_with("Lesson 1 · ") && bar.contains("Enter on · b back"), "{bar}");
    assert!(!rows.concat().contains("quit"), "the first bar is gone: {rows:#?}");
    quits(&mut learner);
    assert!(!learner.screen().contents().contains("q quit"), "{}", learner.screen().contents());
}

#[test]
fn no_page_ends_with_a_heading_nor_a_claim_without_its_evidence() {
    let state = folder();
    let lesson = lesson::lessons().expect("well formed").swap_remove(0);
    let prose = lesson.steps.iter().filter_map(|step| match step {
        Step::Prose(text) => Some(text.lines().filter_map(|line| line.strip_prefix("## "))),
        _ => None,
    });
    let mut headings: Vec<&str> = prose.flatten().collect();
    headings.extend(["What do you predict?", "Checked on this machine, just now"]);
    for (columns, rows) in [(80, 24), (40, 20), (200, 50)] {
        let mut learner = learner(&state, columns, rows, &["lesson", "1"]);
        let screens = screens_until(&mut learner, "Next: explore lesson 2");
        assert!(screens.len() > 12, "{}", screens.len());
        for (page, bar) in &screens {
            let last = page.iter().rfind(|row| !row.trim().is_empty()).expect("a page has text");
            assert!(!headings.iter().any(|heading| last.trim() == *heading), "{page:#?}");
            let is_claim_alone = last.starts_with("✓ ") && !last.starts_with("✓ The answer");
            assert!(!is_claim_alone, "{page:#?}");
            assert!(bar.contains("q quit") || bar.trim_end().ends_with("? · q"), "{bar}");
        }
        assert_eq!(learner.leaves().0, Some(0));
    }
}

#[test]
fn b_shows_the_page_before_and_enter_goes_forward_again() {
    let state = folder();
    let mut learner = learner(&state, 80, 24, &["lesson", "1"]);
    learner.sees(PROMPTS[0]);
    learner.types(" ");
    let second = learner.sees(PROMPTS[0]);
    assert!(!second.contains("A process is a running program"), "{second}");
    learner.types("b");
    let again = learner.sees("Enter forward");
    assert!(again.contains("A process is a running program"), "{again}");
    learner.types("b"); // there is none before
    learner.sees("Enter forward");
    learner.types(" ");
    let forward = learner.sees(PROMPTS[0]);
    assert!(forward.contains("two such names"), "{forward}");
    learner.types("\x1b[D"); // ← does the same
    learner.sees("Enter forward");
    quits(&mut learner);
}

#[test]
fn help_and_notices_are_no_pages_to_go_back_to() {
    let state = folder();
    let mut learner = learner(&state, 80, 24, &["lesson", "1"]);
    learner.sees(PROMPTS[0]);
    learner.types(" ");
    learner.sees(PROMPTS[0]);
    for (key, shown) in
        [("?", "quits; so do Ctrl-D and Ctrl-C"), ("p", "There has been no picture")]
    {
        learner.types(key);
        learner.sees(shown);
        learner.sees(PROMPTS[0]);
        learner.types("b");
        let first = learner.sees("Enter forward");
        assert!(first.contains("A process is a running program"), "{key}: {first}");
        assert!(!first.contains("two such names"), "{key}: {first}");
        learner.types(" ");
        let forward = learner.sees(PROMPTS[0]);
        assert!(forward.contains("two such names") && !forward.contains(shown), "{forward}");
    }
    quits(&mut learner);
}

#[test]
fn on_the_first_page_help_offers_no_page_before() {
    let state = folder();
    // So high that the page and the help are both on the screen.
    let mut learner = learner(&state, 80, 60, &["lesson", "1"]);
    learner.sees(PROMPTS[0]);
    learner.types("?");
    let help = learner.sees(PROMPTS[0]);
    assert!(help.contains("quits; so do Ctrl-D and Ctrl-C"), "{help}");
    assert!(!help.contains("shows the page before") && !help.contains("b back"), "{help}");
    quits(&mut learner);
}

#[test]
fn the_same_notice_is_not_shown_twice() {
    let state = folder();
    let mut learner = learner(&state, 80, 24, &["lesson", "1"]);
    learner.enters_until(&PROMPTS[..2], LETTER);
    learner.sees("q quit");
    for key in ["x", "x", "z", "x"] {
        learner.types(key);
        learner.sees("q quit");
    }
    let shown = learner.screen().contents();
    assert_eq!(shown.matches("That letter is no answer.").count(), 1, "{shown}");
    assert!(shown.contains("What do you predict?"), "{shown}");
    learner.types("a");
    learner.sees("You predict: a) ");
    learner.sees("q quit");
    quits(&mut learner);
}

#[test]
fn a_key_on_an_older_page_answers_no_question_and_shows_the_last_page_first() {
    let state = folder();
    let mut learner = learner(&state, 80, 24, &["lesson", "1"]);
    learner.enters_until(&PROMPTS[..2], LETTER);
    learner.sees("q quit");
    // A letter, which would answer; `b`, which would too; and one that does something anywhere.
    for key in ["a", "x", "p"] {
        learner.types("\x1b[D");
        learner.sees("Enter forward");
        learner.types("b");
        learner.sees("Enter forward");
        learner.types(key);
        let present = learner.sees(LETTER);
        assert!(present.contains("What do you predict?"), "{key}: {present}");
        assert!(!present.contains("You predict:"), "{key}: {present}");
        assert_eq!(present.contains("There has been no picture"), key == "p", "{present}");
        assert_eq!(present.contains("That letter is no answer."), key == "x", "{present}");
    }
    // Enter once too often skips nothing.
    learner.types("\x1b[D");
    let mut stops = vec![learner.sees_one_of(&["Enter forward", LETTER]).0];
    while stops.last() == Some(&0) {
        learner.types(" ");
        stops.push(learner.sees_one_of(&["Enter forward", LETTER]).0);
    }
    learner.types(" ");
    learner.sees("or Enter again to skip this question");
    learner.sees(LETTER);
    learner.types("b");
    learner.sees("You predict: b) ");
    learner.sees("q quit");
    quits(&mut learner);
}

#[test]
fn the_code_in_the_middle_of_a_listing_is_shown_once() {
    let (state, folder) = (folder(), folder());
    let mine = lesson_with_a_knob(&folder);
    let mut learner = learner(&state, 80, 16, &["lesson", utf8(&mine)]);
    let begun = learner.sees(PROMPTS[0]);
    assert!(begun.contains("fn recv_waits(") && !begun.contains("at last"), "{begun}");
    learner.types("c");
    let code = learner.enters_until(&PROMPTS[..1], "Enter runs it · ");
    assert_eq!(code.matches("b\"at last\"").count(), 1, "{code}");
    assert_eq!(code.matches("check_sleep(lab, seen);").count(), 1, "the whole code: {code}");
    quits(&mut learner);
}

#[test]
fn what_comes_after_a_resize_has_the_new_width() {
    let (state, folder) = (folder(), folder());
    let text = |word: &str| format!("{word} and what follows goes on for more than forty columns.");
    let paragraphs: Vec<String> = (0..30).map(|number| text(&format!("w{number}"))).collect();
    let block = experiment_block("two-processes");
    let text = format!("# Mine\n> Why?\n\n{}\n\n{block}", paragraphs.join("\n\n"));
    let mine = file(&folder, "mine.md", text);
    let mut learner = learner(&state, 40, 20, &["lesson", utf8(&mine)]);
    learner.sees("q quit");
    let (narrow, _) = page(learner.screen());
    assert!(narrow.iter().all(|row| row.chars().count() <= 40), "{narrow:#?}");
    learner.resizes(200, 20);
    learner.sees("\x1b[2J"); // the screen is drawn anew
    learner.sees("q quit");
    learner.types(" ");
    learner.sees(PROMPTS[0]);
    let (wide, _) = page(learner.screen());
    let next: Vec<&String> = wide.iter().filter(|row| row.contains("forty columns.")).collect();
    assert!(next.len() > 5 && next.iter().all(|row| row.starts_with('w')), "{wide:#?}");
    // Between the last paragraph of a page and the first of the next one there is space too.
    let rows = wide.iter().map(|row| row.trim_end());
    let rows: Vec<&str> = rows.skip_while(|row| !row.contains("forty columns.")).collect();
    assert!(rows.windows(2).all(|pair| pair[0].is_empty() || pair[1].is_empty()), "{wide:#?}");
    quits(&mut learner);
}

#[test]
fn a_prediction_takes_b_as_an_answer() {
    let state = folder();
    let mut learner = learner(&state, 80, 24, &["lesson", "1"]);
    learner.enters_until(&PROMPTS[..2], LETTER);
    learner.sees("q quit");
    let (_, bar) = page(learner.screen());
    assert!(bar.contains("a b c answer") && !bar.contains("b back"), "{bar}");
    learner.types("b");
    learner.sees("You predict: b) ");
    learner.sees("q quit");
    quits(&mut learner);
}

#[test]
fn the_picture_the_code_and_another_run_are_a_key_away() {
    let (state, folder) = (folder(), folder());
    let mine = lesson_with_a_knob(&folder);
    let mut learner = learner(&state, 80, 100, &["lesson", utf8(&mine)]);
    learner.sees("Enter runs it · ");
    learner.types("p");
    learner.sees("There has been no picture yet.");
    learner.sees("Enter runs it · ");
    learner.types("\r");
    learner.sees("recv = 7");
    learner.sees(PROMPTS[0]);
    learner.types("p");
    let picture = learner.sees(PROMPTS[0]);
    assert!(picture.contains("recv = 7") && !picture.contains("Checked on"), "{picture}");
    learner.types("c");
    let code = learner.sees(PROMPTS[0]);
    assert!(code.contains("fn recv_waits(") && code.contains("lab.claim("), "{code}");
    learner.types("r");
    let knobs = learner.sees("knob=value (");
    assert!(knobs.contains("silence=200ms: "), "{knobs}");
    learner.types("silence=fast\r");
    learner.sees("`silence` cannot be `fast`");
    learner.sees("knob=value (");
    // There is one knob: its value says enough, and an arrow types nothing.
    learner.types("\x1b[A450ms\r");
    let again = learner.sees(PROMPTS[0]);
    assert!(again.contains("recv = 7") && again.contains("450 ms"), "{again}");
    learner.types("?");
    let keys = learner.sees(PROMPTS[0]);
    assert!(keys.contains("shows the last picture again"), "{keys}");
    learner.types("\r");
    // The lesson goes on where it was, and counts its own run alone.
    let rest = learner.sees("claims: ");
    assert!(rest.contains("Behind it."), "{rest}");
    assert_eq!(learner.leaves().0, Some(0));
}

#[test]
fn an_experiment_without_a_knob_runs_again_at_once() {
    let (state, folder) = (folder(), folder());
    let block = experiment_block("two-processes");
    let mine =
        file(&folder, "mine.md", format!("# Mine\n> Why?\n\nFirst.\n\n{block}\n\nBehind it.\n"));
    let mut learner = learner(&state, 80, 100, &["lesson", utf8(&mine)]);
    learner.sees("Enter runs it · ");
    learner.types("\r");
    learner.sees(PROMPTS[0]);
    learner.types("r");
    let again = learner.sees(PROMPTS[0]);
    assert!(again.contains("recv = 6") && !again.contains("knob"), "{again}");
    quits(&mut learner);
}

#[test]
fn on_a_narrow_screen_the_bar_still_says_where_one_is() {
    let state = folder();
    for (columns, expected) in
        [(40, "1 of 9 · Enter on · ? keys · q quit"), (30, "Enter on · ? keys · q quit")]
    {
        let mut learner = learner(&state, columns, 20, &["lesson", "1"]);
        learner.sees("q quit");
        let (_, bar) = page(learner.screen());
        assert_eq!(bar.trim_end(), expected);
        learner.types("q");
        assert_eq!(learner.leaves().0, Some(0));
    }
}

#[test]
fn a_window_that_changes_gets_its_page_and_its_bar_anew() {
    let state = folder();
    let mut learner = learner(&state, 80, 24, &["lesson", "1"]);
    learner.sees("q quit");
    for (columns, rows) in [(60, 20), (100, 40), (40, 12)] {
        learner.resizes(columns, rows);
        learner.sees_screen(|screen| {
            let (page, bar) = page(screen);
            bar.contains("q quit")
                && bar.chars().count() < usize::from(columns)
                && !page.concat().contains("quit")
                && page.concat().contains("What a socket is")
        });
    }
    quits(&mut learner);
}

#[test]
fn ctrl_c_takes_the_bar_away() {
    let state = folder();
    // Below a page that is full the cursor is in the bar's row.
    for pages in 1..4 {
        let mut learner = learner(&state, 40, 20, &["lesson", "2"]);
        for _ in 1..pages {
            learner.sees("q quit");
            learner.types(" ");
        }
        learner.sees("q quit");
        learner.types("\u{3}");
        assert_eq!(learner.leaves().0, Some(130));
        let screen = learner.screen().contents();
        assert!(!screen.contains("q quit"), "{pages}: {screen}");
        assert!(screen.contains("Quit. The same command"), "{pages}: {screen}");
    }
}

#[test]
fn on_a_terminal_that_cannot_erase_a_line_is_read() {
    let state = folder();
    let mut command = Command::new("sh");
    command.args(["-c", "TERM=dumb exec \"$0\" lesson 1"]).arg(env!("CARGO_BIN_EXE_explore"));
    command.env("XDG_STATE_HOME", state.path());
    let mut learner = Person::sits_down(80, 24, &mut command);
    learner.sees("q quit (a letter, then Enter): ");
    learner.types("\n");
    learner.sees("q quit (a letter, then Enter): ");
    learner.types("?\n");
    let keys = learner.sees("(a letter, then Enter): ");
    assert!(keys.contains("shows the page before again") && !keys.contains('\u{1b}'), "{keys}");
    learner.types("q\n");
    assert_eq!(learner.leaves().0, Some(0));
}

#[test]
fn a_run_that_takes_long_says_so_and_its_trace_is_paged() {
    let state = folder();
    let run = ["run", "recv-waits", "--set", "silence=1500ms"];
    let mut learner = learner(&state, 80, 24, &[&run[..], &["-vv"]].concat());
    learner.sees("running … ");
    learner.sees("(Ctrl-C stops)");
    learner.sees(PROMPTS[0]);
    let (rows, _) = page(learner.screen());
    assert!(!rows.concat().contains("running …"), "it is erased: {rows:#?}");
    learner.types(" ");
    while learner.sees_one_of(&["Meanwhile the thread was asleep", PROMPTS[0]]).0 > 0 {
        learner.types(" ");
    }
    assert_eq!(learner.leaves().0, Some(0));
    let (out, err, code) = told(&run);
    assert_eq!((err.as_str(), code), ("", Some(0)), "a pipe gets no such line: {out}");
}

#[test]
fn a_stepped_run_compares_no_times() {
    let (stepped, err, code) = told(&["run", "server-life", "--pace", "1ms"]);
    assert_eq!(code, Some(0), "{stepped}{err}");
    assert!(stepped.contains("so what compares times"), "{stepped}");
}
