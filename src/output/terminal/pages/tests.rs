use super::*;
use crate::output::terminal::prose::Emphasis;
use crate::picture::Ink;

const LAYOUT: Layout = Layout { width: 80, emphasis: Emphasis::ByInk, fits: true };

fn room(height: usize) -> Room {
    Room { height, layout: LAYOUT }
}

fn narrow(height: usize, width: usize) -> Room {
    Room { height, layout: Layout { width, ..LAYOUT } }
}

fn text_of(rows: &[Row]) -> String {
    rows.iter().map(Row::text).collect::<Vec<_>>().join("|")
}

fn rows(text: &str) -> Vec<Row> {
    text.lines().map(|line| Row::new().with(line, Ink::Plain)).collect()
}

fn block(text: &str, keeps_next: bool) -> Block {
    let mut block = Block::of(rows(text).into_iter().map(Piece::Row).collect());
    block.keeps_next = keeps_next;
    block
}

/// A text that goes on in further rows where it has to.
fn text(text: &str) -> Block {
    let mark = "- ".to_owned();
    let ink = Ink::Plain;
    Block::of(vec![Piece::Text { mark, mark_ink: ink, text: text.to_owned(), ink }])
}

fn pages_of(blocks: &[(&str, bool)], height: usize) -> Vec<String> {
    let mut pages = Pages::default();
    for (text, keeps_next) in blocks {
        pages.add(block(text, *keeps_next));
    }
    let mut all = Vec::new();
    loop {
        let taken = pages.take(room(height));
        assert!(taken.len() <= height);
        all.push(taken.iter().map(Row::text).collect::<Vec<_>>().join("|"));
        if !pages.is_full() {
            return all;
        }
        assert!(!taken.is_empty() || all.len() < 99, "it goes on");
        pages.turn();
    }
}

#[test]
fn a_page_ends_between_blocks() {
    let blocks = [("a1\na2", false), ("", false), ("b1\nb2", false), ("c", false)];
    assert_eq!(pages_of(&blocks, 5), ["a1|a2|b1|b2|c"]);
    assert_eq!(pages_of(&[("a1\na2", false), ("b1\nb2", false)], 3), ["a1|a2", "b1|b2"]);
    assert_eq!(pages_of(&[("a\nb\nc", false)], 3), ["a|b|c"]);
}

#[test]
fn space_stands_between_blocks_also_where_a_page_ends() {
    let gap = ("\n", false);
    let blocks = [gap, ("a1\na2", false), gap, ("b1\nb2", false), gap];
    assert_eq!(pages_of(&blocks, 5), ["a1|a2||b1|b2"]);
    assert_eq!(pages_of(&blocks, 4), ["a1|a2|", "b1|b2|"]);
    assert_eq!(pages_of(&blocks, 2), ["a1|a2", "b1|b2"], "a page that is full has no room");
    let blocks = [("a1\na2\na3", false), gap, ("b1", false), gap, ("c1", false)];
    assert_eq!(pages_of(&blocks, 3), ["a1|a2|a3", "|b1|", "c1"]);
    assert_eq!(pages_of(&blocks, 4), ["a1|a2|a3|", "b1||c1"]);
    // As prose has it: with the space behind a paragraph in its block.
    let blocks = [("a1\na2\na3\n\n", false), ("b1\n\n", false), ("c1", false)];
    assert_eq!(pages_of(&blocks, 3), ["a1|a2|a3", "|b1|", "c1"]);
    let mut pages = Pages::default();
    pages.add(block("a", false));
    assert_eq!(pages.take(room(9)), rows("a"));
    pages.turn();
    pages.add(block("\n", false));
    pages.add(block("b", false));
    assert_eq!(
        pages.take(room(9)),
        rows("\nb"),
        "it stands between what was typed and what follows"
    );
}

#[test]
fn a_heading_stays_with_what_it_is_above() {
    let blocks = [("a1\na2", false), ("head", true), ("\n", false), ("b1\nb2", false)];
    assert_eq!(pages_of(&blocks, 5), ["a1|a2", "head||b1|b2"]);
    let mut pages = Pages::default();
    pages.add(block("a", false));
    pages.add(block("head", false));
    pages.add(block("\n", false));
    pages.keep_with_next();
    pages.add(block("b1\nb2", false));
    assert_eq!((pages.take(room(4)), pages.is_full()), (rows("a"), true));
    assert_eq!(
        pages_of(&[("head", true), ("\n", false), ("1\n2\n3\n4", false)], 5),
        ["head||1|2", "3|4"]
    );
}

#[test]
fn what_is_higher_than_a_page_is_broken_at_gaps_and_leaves_no_single_row() {
    assert_eq!(pages_of(&[("a\nb\nc\nd\ne", false)], 4), ["a|b|c", "d|e"]);
    assert_eq!(pages_of(&[("a\nb\nc\n\nd\ne", false)], 5), ["a|b|c", "|d|e"]);
    let blocks = [("0", false), ("a\nb\nc\nd\ne\nf", false)];
    assert_eq!(pages_of(&blocks, 5), ["0|a|b|c|d", "e|f"]);
    assert_eq!(pages_of(&blocks, 4), ["0", "a|b|c|d", "e|f"]);
}

#[test]
fn what_waits_is_laid_out_for_the_window_as_it_is_then() {
    let mut pages = Pages::default();
    pages.add(text("one two three four"));
    pages.add(text("five six seven eight"));
    assert_eq!(pages.take(narrow(2, 12)), rows("- one two\n  three four"));
    pages.turn();
    assert_eq!(pages.take(room(2)), rows("- five six seven eight"));
}

#[test]
fn pages_are_shown_again_one_by_one() {
    let mut pages = Pages::default();
    for text in ["one", "two", "three"] {
        pages.turn();
        pages.add(block(text, false));
        pages.take(room(9));
    }
    pages.turn();
    let text = |rows: Option<&[Row]>| rows.map(|rows| rows[0].text());
    assert_eq!(text(pages.forward(room(9))), None);
    assert_eq!(text(pages.back(room(9))).as_deref(), Some("two"));
    assert_eq!(text(pages.back(room(9))).as_deref(), Some("one"));
    assert_eq!(text(pages.back(room(9))), None);
    assert_eq!(pages.lay_out_again(room(9)), rows("one"));
    assert_eq!(text(pages.forward(room(9))).as_deref(), Some("two"));
    assert!(pages.is_looking_back());
    assert_eq!(text(pages.forward(room(9))).as_deref(), Some("three"));
    assert!(!pages.is_looking_back());
    assert_eq!(pages.lay_out_again(room(9)), rows("one\n\ntwo\n\nthree"), "what was above it");
    pages.back(room(9));
    pages.back(room(9));
    assert!(!pages.has_before(9));
    assert_eq!(text(pages.return_to_present(room(9))).as_deref(), Some("three"));
    assert!(!pages.is_looking_back());
    assert_eq!(text(pages.return_to_present(room(9))), None, "it is on the screen");
}

#[test]
fn help_is_no_page_that_is_shown_again() {
    let mut pages = Pages::default();
    let show = |pages: &mut Pages, text: &str| {
        pages.turn();
        pages.add(block(text, false));
        pages.take(room(9));
    };
    let text = |rows: Option<&[Row]>| rows.map(|rows| rows[0].text());
    show(&mut pages, "one");
    assert!(!pages.has_before(9));
    let before = pages.set_apart(true);
    show(&mut pages, "help");
    pages.set_apart(before);
    assert!(!pages.has_before(9), "it is on the screen, above the help");
    assert_eq!(text(pages.back(room(9))), None);
    assert_eq!(text(pages.back(room(2))).as_deref(), Some("one"), "it was moved off the screen");
    assert!(!pages.is_looking_back() && !pages.has_before(9));
    show(&mut pages, "two");
    pages.set_apart(true);
    show(&mut pages, "help");
    pages.set_apart(false);
    assert!(pages.has_before(9));
    assert_eq!(text(pages.back(room(9))).as_deref(), Some("one"), "what was before `two`");
    assert_eq!(pages.forward(room(9)).map(text_of).as_deref(), Some("|two"));
    pages.set_apart(true);
    show(&mut pages, "a notice");
    pages.set_apart(false);
    pages.add(block("three", false));
    assert_eq!(pages.take(room(9)), rows("\nthree"), "it stands apart from the notice");
    assert_eq!(pages.back(room(9)).map(text_of).as_deref(), Some("|two"));
    assert_eq!(pages.forward(room(9)).map(text_of).as_deref(), Some("|three"));
    assert!(!pages.is_looking_back());
}

#[test]
fn a_page_stands_where_its_first_block_does() {
    let mut pages = Pages::default();
    let place = |step, block| Some(Place { step, block });
    pages.add(block("title", false));
    pages.begin(place(3, 1));
    for text in ["a\n", "\n", "b1\nb2\nb3\nb4\nb5", "c"] {
        pages.add(block(text, false));
    }
    let mut seen = Vec::new();
    while pages.is_full() {
        pages.turn();
        pages.take(room(4));
        seen.push(pages.place());
    }
    assert_eq!(seen, [place(3, 1), place(3, 2), place(3, 2)], "what is broken begins anew");
    pages.begin(None);
    pages.turn();
    pages.add(block("aside", false));
    pages.take(room(4));
    assert_eq!(pages.place(), place(3, 2));
}

#[test]
fn the_rest_of_a_listing_is_dropped_only_when_it_has_begun() {
    let mut pages = Pages::default();
    let line = |number| Piece::Code { number, row: Row::new().with("x", Ink::Plain) };
    pages.add(block("a", false));
    pages.add(Block::of((1..12).map(line).collect()));
    pages.add(Block::of((12..15).map(line).collect()));
    pages.add(block("z", false));
    assert!(!pages.drop_rest_of_code(), "nothing of it has been shown");
    pages.take(room(9));
    assert!(pages.drop_rest_of_code() && !pages.drop_rest_of_code());
    pages.turn();
    assert_eq!(pages.take(room(9)), rows("z"));
}

/// Pages that wait for an answer: all that was written is on them.
fn asking(texts: &[&str]) -> Pages {
    let mut pages = Pages::default();
    texts.iter().for_each(|it| pages.add(text(it)));
    pages.take(room(9));
    assert!(!pages.is_full());
    pages
}

#[test]
fn a_page_that_has_become_too_high_is_several_and_is_one_again() {
    let mut pages = asking(&["one two three four", "five six", "a seven", "b eight"]);
    assert_eq!(text_of(&pages.lay_out_again(narrow(3, 12))), "- one two|  three four|- five six");
    assert!(pages.is_looking_back() && !pages.is_full(), "the question is not on the screen");
    assert_eq!(pages.forward(narrow(3, 12)).map(text_of).as_deref(), Some("- a seven|- b eight"));
    assert!(!pages.is_looking_back() && pages.has_before(9));
    // It stays at its beginning, until all of it has room again.
    assert_eq!(text_of(&pages.lay_out_again(room(3))), "- a seven|- b eight");
    let whole = "- one two three four|- five six";
    assert_eq!(pages.back(room(3)).map(text_of).as_deref(), Some(whole));
    pages.forward(room(3));
    let whole = "- one two three four|- five six|- a seven|- b eight";
    assert_eq!(text_of(&pages.lay_out_again(narrow(9, 60))), whole);
    assert!(!pages.is_looking_back());
}

#[test]
fn a_page_keeps_its_beginning_whatever_the_window_does_and_loses_nothing() {
    let words: Vec<String> = (0..40).map(|number| format!("word{number}")).collect();
    let mut pages = Pages::default();
    words.chunks(8).for_each(|some| pages.add(text(&some.join(" "))));
    pages.take(room(2));
    pages.turn();
    let begins = "- word16";
    assert!(text_of(&pages.take(room(2))).starts_with(begins));
    for (height, width) in [(3, 30), (2, 12), (4, 80), (4, 20), (2, 80)] {
        let shown = text_of(&pages.lay_out_again(narrow(height, width)));
        assert!(shown.starts_with(begins), "{width}x{height}: {shown}");
        assert!(pages.shown.iter().all(|page| page.rows.len() <= height.max(2)), "{shown}");
    }
    let mut all = text_of(&pages.lay_out_again(narrow(3, 22)));
    while let Some(rows) = pages.forward(narrow(3, 22)) {
        all += &format!("|{}", text_of(rows));
    }
    while pages.is_full() {
        pages.turn();
        all += &format!("|{}", text_of(&pages.take(narrow(3, 22))));
    }
    let all: Vec<&str> = all.split(['|', ' ']).filter(|it| it.starts_with("word")).collect();
    assert_eq!(all, words[16..], "each once");
    let mut before = text_of(pages.back(narrow(3, 22)).expect("there are pages before"));
    while let Some(rows) = pages.back(narrow(3, 22)) {
        before = format!("{}|{before}", text_of(rows));
    }
    let first: Vec<&str> = before.split(['|', ' ']).filter(|it| it.starts_with("word")).collect();
    assert!(words.iter().zip(&first).all(|(one, other)| one == other), "{first:?}");
}

#[test]
fn what_is_higher_than_a_page_goes_on_about_where_it_was() {
    let mut pages = Pages::default();
    let words: Vec<String> = (0..60).map(|number| format!("w{number:02}")).collect();
    pages.add(text(&words.join(" ")));
    for _ in 0..2 {
        pages.turn();
        pages.take(narrow(4, 22)); // five words a row
    }
    let first = |rows: &[Row]| rows[0].text().trim_start_matches([' ', '-'])[..3].to_owned();
    assert_eq!(first(&pages.lay_out_again(narrow(4, 22))), "w20");
    for (width, about) in [(42, 20), (14, 20), (42, 20)] {
        let shown = first(&pages.lay_out_again(narrow(4, width)));
        let number: i32 = shown[1..3].parse().expect("a number");
        assert!((about - 9..=about).contains(&number), "{width}: {shown}");
    }
    assert_eq!(first(pages.back(narrow(4, 42)).expect("a page")), "w00");
}

#[test]
fn where_a_line_is_typed_the_end_stays_on_the_screen() {
    let mut pages = asking(&["one two three four", "five six", "a seven", "b eight"]);
    assert_eq!(text_of(&pages.lay_out_end(narrow(3, 12))), "- a seven|- b eight");
    let whole = "- one two three four|- five six|- a seven|- b eight";
    assert_eq!(text_of(&pages.lay_out_end(room(9))), whole);
    assert!(!pages.has_before(9) && !pages.is_looking_back());
}

#[test]
fn help_that_has_become_too_high_is_shown_in_parts_and_is_gone_afterwards() {
    let mut pages = asking(&["one"]);
    pages.set_apart(true);
    pages.add(text("help one two three"));
    pages.add(text("help four five six"));
    pages.take(room(9));
    pages.set_apart(false);
    assert_eq!(text_of(&pages.lay_out_again(narrow(2, 12))), "- help one|  two three");
    assert_eq!(
        pages.forward(narrow(2, 12)).map(text_of).as_deref(),
        Some("- help four|  five six")
    );
    assert_eq!(pages.forward(narrow(2, 12)), None);
    assert_eq!(pages.back(narrow(2, 12)).map(text_of).as_deref(), Some("- one"));
    assert!(!pages.is_looking_back());
}

#[test]
fn what_was_shown_beside_a_page_does_not_run_into_it() {
    let mut pages = Pages::default();
    ["one", "two", "three", "four"].iter().for_each(|it| pages.add(text(it)));
    pages.take(room(2));
    pages.turn();
    let waiting = pages.set_aside();
    pages.add(text("picture"));
    pages.take(room(2));
    pages.bring_back(waiting);
    assert_eq!(text_of(&pages.lay_out_again(room(9))), "- one|- two||- picture");
    pages.turn();
    assert_eq!(text_of(&pages.take(room(9))), "- three|- four");
    assert_eq!(pages.back(room(9)).map(text_of).as_deref(), Some("- picture"));
    assert_eq!(pages.back(room(9)).map(text_of).as_deref(), Some("- one|- two"));
}

#[test]
fn pages_above_are_laid_out_again_and_forward_leads_where_it_did() {
    let mut pages = Pages::default();
    for it in ["one two three four five six", "seven", "eight"] {
        pages.turn();
        pages.add(text(it));
        while pages.is_full() {
            pages.turn();
            pages.take(narrow(2, 10));
        }
    }
    assert_eq!(pages.back(narrow(2, 10)).map(text_of).as_deref(), Some("- seven"));
    let all = "- one two three four five six||- seven";
    assert_eq!(text_of(&pages.lay_out_again(room(4))), all);
    assert_eq!(pages.forward(room(4)).map(text_of).as_deref(), Some("- eight"));
    assert!(!pages.is_looking_back());
    let first = "- one two three four five six";
    assert_eq!(pages.back(room(4)).map(text_of).as_deref(), Some("- seven"));
    assert_eq!(pages.back(room(4)).map(text_of).as_deref(), Some(first));
}
