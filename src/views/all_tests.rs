//! Every view over every shipped recording and others made by hand, in both languages and at every width: columns are kept.

use std::fs::{self, File};
use std::io::BufReader;
use std::path::PathBuf;

use unicode_width::UnicodeWidthChar;

use super::{DrawOptions, LADDER, View, all, sequence_diagram};
use crate::analysis::Analysis;
use crate::analysis::script::Script;
use crate::analysis::threads;
use crate::i18n::{Language, chinese, speaking, tr};
use crate::picture::{Picture, Row};
use crate::trace::recording::{self, Recording};

/// The files of recordings that the lessons ship.
pub(super) fn shipped_files() -> Vec<PathBuf> {
    let lessons =
        fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/lessons")).expect("the lessons");
    let mut files: Vec<_> = lessons
        .filter_map(|lesson| fs::read_dir(lesson.expect("a lesson").path().join("recordings")).ok())
        .flat_map(|folder| folder.map(|entry| entry.expect("a recording").path()))
        .collect();
    files.sort();
    files
}

/// The files of recordings of format 1.
pub(super) fn format_1_files() -> Vec<PathBuf> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/format-1");
    let entries = fs::read_dir(folder).expect("the folder");
    let mut files: Vec<_> = entries.map(|entry| entry.expect("a recording").path()).collect();
    files.sort();
    files
}

/// The recordings that the lessons ship.
pub(super) fn shipped() -> Vec<Recording> {
    let read = |file| recording::read(BufReader::new(File::open(file).expect("a recording")));
    shipped_files().iter().flat_map(|file| read(file).recordings).collect()
}

#[test]
fn recordings_of_format_1_are_still_drawn() {
    let mut drawn = 0;
    for path in format_1_files() {
        let file = BufReader::new(File::open(&path).expect("a recording"));
        let recording = recording::read(file).recordings.remove(0);
        let analysis = Analysis::of(&recording);
        // The instrument's questions were calls then; what they answered is known all the same.
        assert!(analysis.sockets.iter().any(|socket| socket.local.is_some()), "{path:?}");
        for view in all() {
            let picture = view.draw_with(&analysis, 80, DrawOptions::default());
            assert!(picture.0.iter().all(|row| row.width() <= 80), "{path:?}: {}", view.name());
            drawn += usize::from(!picture.0.is_empty());
        }
        let ladder = LADDER.draw(&recording, 80).text();
        let segments = analysis.wire.iter().filter(|segment| segment.tcp().is_some()).count();
        assert!(segments == 0 || ladder.contains("SYN"), "{path:?}:\n{ladder}");
    }
    assert!(drawn > 60, "only {drawn} pictures");
}

/// The recordings that ship, and some that show what those do not.
fn recordings() -> Vec<Recording> {
    let mut all = shipped();
    assert!(all.len() >= 15, "the shipped recordings are gone");
    all.extend([
        threads::tests::modes().recording(),
        threads::tests::asked().recording(),
        Script::new().recording(),
        wide(),
        threads(),
    ]);
    all
}

/// Every width there may be; of a long recording some of them, for it takes its time.
fn widths(recording: &Recording) -> impl Iterator<Item = usize> {
    (20..=120).step_by(if recording.events().len() > 500 { 10 } else { 1 })
}

/// Wide characters wherever a recording can have them.
fn wide() -> Recording {
    let mut script = Script::unhurried();
    script.process("server", 2).tcp_connection(("你好也", 1), ("server", 2, 3));
    for text in ["你好", "a你b好c", "啊你好也啊你好也啊你啊你好也啊你好也啊你", "x"]
    {
        script.sends("你好也", 1, text).receives("server", 3, 1024, text);
    }
    script.json("server", serde_json::json!({"event": "deed", "deed": "shows Jack: 你也好啊"}));
    script.json(
        "server",
        serde_json::json!({"event": "wait", "asked_ns": 5_000_000, "purpose": "nobody types"}),
    );
    script.json("lab", serde_json::json!({"event": "part", "part": "好你也啊 by hand"}));
    for (series, label) in [("round trip", "你好"), ("round trip", "AF_INET"), ("啊", "你")] {
        script.json("lab", serde_json::json!({"event": "measure", "series": series, "label": label, "value_ns": 1234}));
    }
    for x in [1, 10, 1000] {
        let point = serde_json::json!({"event": "point", "plot": "time a message", "series": "也啊", "against": "connections", "x": x, "y": x * 999, "unit": "ns"});
        script.json("lab", point);
    }
    script
        .udp("udp", 5, 4000)
        .udp("client", 6, 4001)
        .sends_to("client", 6, "你好你", 4000)
        .receives_from("udp", 5, 4, "你", 4001);
    script.recording()
}

/// Actors by every name that the experiments give.
fn threads() -> Recording {
    let mut script = Script::unhurried();
    for (number, name) in (1..).zip([
        "client sends",
        "client receives",
        "people",
        "non-blocking",
        "each call",
        "spinner",
        "lab",
    ]) {
        script.json(name, serde_json::json!({"event": "started", "kind": "thread"}));
        script.socket(name, number, "AF_INET", "SOCK_STREAM").pass(20_000_000);
    }
    script.recording()
}

/// The characters that stand in these columns; the second cell of a wide one is its own.
fn cells(row: &Row) -> Vec<char> {
    row.text()
        .chars()
        .flat_map(|character| std::iter::repeat_n(character, character.width().unwrap_or(0)))
        .collect()
}

fn rows_fit(picture: &Picture, width: usize, what: &str) {
    for row in &picture.0 {
        assert!(row.width() <= width, "{what}: {} columns in {width}: {}", row.width(), row.text());
        // A wide character that was cut in half would leave what has no width, or half of the cells.
        let odd = row.text().chars().find(|character| character.width().unwrap_or(0) == 0);
        assert_eq!(odd, None, "{what} at {width}: {}", row.text());
    }
}

fn every_picture_keeps_to_its_columns_in(language: Language) {
    for recording in recordings() {
        speaking(language, || {
            let analysis = Analysis::of(&recording);
            for view in all() {
                let name = view.name();
                let what = format!("{} {name} {}", recording.header.name(), language.tag());
                for width in widths(&recording) {
                    rows_fit(
                        &view.draw_with(&analysis, width, DrawOptions::default()),
                        width,
                        &what,
                    );
                }
            }
        });
    }
}

#[test]
fn every_picture_keeps_to_its_columns_in_english() {
    every_picture_keeps_to_its_columns_in(Language::ENGLISH);
}

#[test]
fn every_picture_keeps_to_its_columns_in_chinese() {
    every_picture_keeps_to_its_columns_in(chinese());
}

#[test]
fn lanes_stand_in_the_same_columns_in_every_row() {
    let (mut whole, mut all) = (0, 0);
    for recording in recordings() {
        for language in Language::all() {
            speaking(language, || {
                let analysis = Analysis::of(&recording);
                for width in widths(&recording) {
                    let Some(columns) = sequence_diagram::lanes_at(&analysis, width) else {
                        continue;
                    };
                    let picture = LADDER.draw_with(&analysis, width, DrawOptions::default());
                    for row in picture.0.iter().skip(1) {
                        if row.text().starts_with(tr!("┃ waits in a call")) {
                            continue; // the legend
                        }
                        let cells = cells(row);
                        let mut lanes = (0..cells.len()).filter(|at| "│┃".contains(cells[*at]));
                        // A row without all of its lanes is a heading, a remark across them, an arrow's beginning or end.
                        let here = |column: &usize| {
                            cells.get(*column).is_some_and(|cell| "│┃├┤".contains(*cell))
                        };
                        whole += usize::from(columns.iter().all(here));
                        all += usize::from(lanes.clone().next().is_some());
                        assert!(
                            lanes.all(|column| columns.contains(&column)),
                            "{} {} at {width}: {}",
                            recording.header.name(),
                            language.tag(),
                            row.text()
                        );
                    }
                }
            });
        }
    }
    assert!(
        all > 10_000 && whole > all * 9 / 10,
        "only {whole} rows of {all} have all of their lanes"
    );
}

#[test]
fn both_languages_draw_the_same_frames() {
    // What stands in boxes, columns and bands is the same in number: words may take more rows, a frame is a frame.
    for recording in recordings() {
        for (name, corner) in
            [("states", '┌'), ("retries", '✗'), ("plot", '└'), ("side-by-side", '┼')]
        {
            let view = View::find(name).expect("a view");
            for width in [80, 120] {
                let count = |language| {
                    speaking(language, || {
                        view.draw(&recording, width).text().matches(corner).count()
                    })
                };
                let [english, chinese] = [Language::ENGLISH, chinese()].map(count);
                assert_eq!(english, chinese, "{} {name} at {width}", recording.header.name());
            }
        }
    }
}

#[test]
fn a_picture_in_chinese_has_no_english_words_of_its_own() {
    // What is left in Latin letters is named by the program, the kernel or the recording: calls, constants, states, units.
    let words = [
        "blocked", "unread", "waits", "running", "protocol", "received", "sends", "bytes", "time",
        "again", "later", "lost",
    ];
    for recording in recordings() {
        for view in all() {
            let name = view.name();
            let text = speaking(chinese(), || view.draw(&recording, 100).text());
            for word in words {
                // Neither data nor the names of claims are words of a picture.
                let its_own = |part: &str| {
                    part.split_whitespace()
                        .any(|token| token.trim_matches(|c: char| !c.is_alphanumeric()) == word)
                };
                let boxed = |line: &&str| name == "boundaries" && line.contains('│');
                let said = text
                    .lines()
                    .filter(|line| !boxed(line))
                    .find(|line| line.split('"').step_by(2).any(its_own));
                assert_eq!(said, None, "{} {name}: {word}", recording.header.name());
            }
        }
    }
}

#[test]
fn every_view_has_a_name_of_its_own_that_authors_are_told() {
    let names: Vec<_> = all().map(View::name).collect();
    assert!(names.len() > 10 && names.windows(2).all(|pair| pair[0] < pair[1]), "{names:?}");
    let docs = include_str!("../../docs/writing-a-lesson.md");
    let untold: Vec<_> =
        names.iter().filter(|name| !docs.contains(&format!("`{name}` ("))).collect();
    assert!(untold.is_empty(), "docs/writing-a-lesson.md does not tell of {untold:?}");
}
