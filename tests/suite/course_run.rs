//! One run of the whole course in each language, which all tests read. In English each lesson is a page and a recording, made
//! under strace where that is installed; in Chinese it is the book.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;
use std::sync::{LazyLock, Mutex};

use socket_explorer::lesson;
use socket_explorer::trace::recording::Recording;

use crate::support::{ended, explore, folder, for_each, isolated, recordings, require, utf8};

/// A lesson as it was run in English.
pub struct LessonRun {
    pub number: usize,
    /// Its page, HTML.
    pub page: String,
    /// One recording an experiment.
    pub recordings: Vec<Recording>,
    /// The network calls that strace saw, one a line; `None` where strace is not installed.
    pub strace: Option<String>,
}

/// Every lesson, run in English.
pub fn english() -> &'static [LessonRun] {
    static RUN: LazyLock<Vec<LessonRun>> = LazyLock::new(|| {
        let numbers: Vec<_> = (1..=lesson::contents().len()).collect();
        let lessons = Mutex::new(Vec::new());
        for_each(&numbers, |number| {
            let lesson = run(*number);
            lessons.lock().expect("no panic").push(lesson);
        });
        let mut lessons = lessons.into_inner().expect("no panic");
        lessons.sort_by_key(|lesson| lesson.number);
        lessons
    });
    &RUN
}

fn run(number: usize) -> LessonRun {
    let folder = folder();
    let [page, recorded, seen] =
        ["page.html", "lesson.jsonl", "strace"].map(|name| folder.path().join(name));
    let strace = require("strace");
    let has_strace = strace.is_some();
    let mut command = match strace {
        Some(mut strace) => {
            strace.args(["-f", "-qq", "-e", "trace=network", "-e", "signal=none"]);
            strace.args(["-o", utf8(&seen), env!("CARGO_BIN_EXE_explore")]);
            strace
        }
        None => Command::new(env!("CARGO_BIN_EXE_explore")),
    };
    command.args(["lesson", &number.to_string(), "--lang", "en"]);
    command.args(["--html", utf8(&page), "--record", utf8(&recorded)]);
    let (out, err, code) = ended(isolated(&mut command));
    let broken = || {
        let recorded = fs::read_to_string(&recorded).unwrap_or_default();
        let is_broken = |line: &&str| line.contains("\"verdict\":\"broken\"");
        recorded.lines().filter(is_broken).map(|line| format!("{line}\n")).collect::<String>()
    };
    assert_eq!((err.as_str(), code), ("", Some(0)), "lesson {number}: {out}{}", broken());
    LessonRun {
        number,
        page: fs::read_to_string(&page).expect("a page"),
        recordings: recordings(&recorded),
        strace: has_strace.then(|| fs::read_to_string(&seen).expect("strace wrote")),
    }
}

/// The pages of the book in Chinese by the names of their files, its index among them.
pub fn chinese_book() -> &'static BTreeMap<String, String> {
    static RUN: LazyLock<BTreeMap<String, String>> = LazyLock::new(|| {
        let folder = folder();
        let book = ["book", "--out", utf8(folder.path()), "--lang", "zh"];
        let (out, err, code) = ended(&mut explore(&book));
        assert_eq!((err.as_str(), code), ("", Some(0)), "{out}");
        let pages = fs::read_dir(&folder).expect("the book").map(|entry| {
            let entry = entry.expect("an entry");
            let page = fs::read_to_string(entry.path()).expect("a page");
            (entry.file_name().into_string().expect("UTF-8"), page)
        });
        pages.collect()
    });
    &RUN
}
