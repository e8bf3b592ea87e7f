//! The command line as a user meets it: what is said, and with which exit code, when something is wrong.

use std::fs;
use std::io::Read;
#[cfg(target_os = "linux")]
use std::process::Command;
use std::process::Stdio;

use crate::support::{explore, folder, told, utf8};

/// The greatest time or count that a recording may have.
const GREATEST: u64 = (1 << 53) - 1;

#[test]
fn alone_it_says_what_to_type_next() {
    let (out, err, code) = told(&[]);
    assert!(out.contains("explore lesson 1") && out.contains("families"), "{out}");
    assert_eq!((err.as_str(), code), ("", Some(0)));
}

#[test]
fn the_list_has_the_lessons_and_the_exercises() {
    for (language, heading) in [("en", "Exercises"), ("zh", "练习")] {
        let (out, ..) = told(&["list", "--lang", language]);
        let (lessons, exercises) = out.split_once(&format!("\n\n{heading}\n")).expect("both");
        assert!(lessons.contains("  1  socket") && exercises.contains("  1  socket"), "{out}");
        assert!(exercises.contains("     bonus"), "{out}");
    }
}

#[test]
fn list_as_json_names_every_lesson_and_its_experiments() {
    let (out, _, code) = told(&["list", "--json"]);
    let all: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(code, Some(0), "{out}");
    assert_eq!(all[0]["number"], 1);
    assert_eq!(all[0]["slug"], "socket");
    assert!(all[0]["title"].is_string());
    assert!(all[0]["experiments"].as_array().expect("an array").contains(&"two-processes".into()));
}

#[test]
fn what_there_is_not_is_answered_with_what_is_near() {
    for (args, near) in [
        (&["lesson", "famlies"][..], "did you mean `families`?"),
        (&["run", "two-proceses"][..], "did you mean `two-processes`?"),
        (&["verify", "tcp"][..], "did you mean `tcp-udp`?"),
        (&["famlies"], "did you mean `explore lesson families`?"),
        (&["two-proceses"], "did you mean `explore run two-processes`?"),
        (&["lessn"], "did you mean `explore lesson`?"),
        (&["help", "two-proceses"], "did you mean `two-processes`?"),
        (&["help", "datagrm"], "did you mean `datagram`?"),
        (&["99"], "there is no lesson `99`"),
        (&["run", "nobody-home", "--set", "silense=1s"][..], "it has `silence`, `deadline`"),
        (&["run", "nobody-home", "--set", "silence=5"][..], "with a unit"),
        (&["run", "nobody-home", "--set", "silence"][..], "--set NAME=VALUE"),
        (&["lesson", "./nowhere.md"][..], "./nowhere.md: No such file"),
        (&["replay", "/nowhere.jsonl"][..], "/nowhere.jsonl: No such file"),
    ] {
        let (_, err, code) = told(args);
        assert!(err.contains(near), "{args:?}: {err}");
        assert_eq!(code, Some(2), "{args:?}: {err}");
    }
}

#[test]
fn what_is_left_out_is_what_was_meant() {
    let plain = |args: &[&str]| told(args).0;
    assert_eq!(plain(&["3", "--program", "c"]), plain(&["lesson", "3", "--program", "c"]));
    let (out, err, code) = told(&["lesson", "--program", "c"]);
    assert_eq!(out, plain(&["lesson", "1", "--program", "c"]));
    assert_eq!((err.as_str(), code), ("explore: the next lesson is 1, socket\n", Some(0)));
    assert_eq!(plain(&["run"]), plain(&["run", "--list"]));
    assert_eq!(plain(&["help", "run"]), plain(&["run", "--help"]));
    assert_eq!(plain(&["help"]), plain(&["--help"]));
}

#[test]
fn the_experiments_are_listed_below_their_lessons_one_in_a_row() {
    for width in ["30", "80", "200"] {
        let (out, _, code) = told(&["run", "--width", width]);
        assert_eq!(code, Some(0), "{out}");
        let rows: Vec<&str> = out.lines().collect();
        for name in socket_explorer::experiments::all().map(|experiment| experiment.name) {
            let named = rows.iter().filter(|row| row.trim().split(' ').next() == Some(name));
            assert_eq!(named.count(), 1, "{name}: {out}");
        }
        let lesson = rows.iter().position(|row| row.contains("Lesson 4")).expect("a heading");
        let row = rows.iter().position(|row| row.contains("nobody-home")).expect("a row");
        assert!(lesson < row, "{out}");
        assert!(width == "30" || rows[row].contains("A port that nobody uses  silence="), "{out}");
    }
}

#[test]
fn help_explains_a_lesson_an_experiment_and_a_term() {
    for (topic, expected) in [
        ("families", "explore lesson 3 plays it"),
        ("3", "one-conversation-three-families"),
        ("nobody-home", "--set silence="),
        ("nobody-home", "A port that nobody uses"),
        ("datagram", "lesson 4"),
    ] {
        let (out, err, code) = told(&["help", topic]);
        assert!(out.contains(expected), "{topic}: {out}");
        assert_eq!((err.as_str(), code), ("", Some(0)), "{topic}");
    }
}

#[test]
fn a_lesson_that_names_what_there_is_not_is_told_by_file_and_line() {
    let folder = folder();
    let good = "# T\n> Q?\n\n```experiment address-port-protocol\nview: sockets\nsome-claim: Words.\n```\n";
    for (text, expected) in [
        (
            good.replace("address-port-protocol", "adress-port-protocol"),
            ":4: there is no experiment `adress-port-protocol`; did you mean",
        ),
        (
            good.replace("view: sockets", "view: socket"),
            ":5: there is no view `socket`; did you mean `sockets`?",
        ),
        (good.to_owned(), ":6: `address-port-protocol` checks no claim `some-claim`"),
        (
            good.replace("some-claim: Words.\n", ""),
            ":4: `address-port-protocol` also checks the claim",
        ),
        ("nothing".to_owned(), ":1: a lesson begins with its title"),
    ] {
        let file = folder.path().join("mine.md");
        fs::write(&file, text).expect("written");
        let path = utf8(&file);
        let (_, err, code) = told(&["lesson", path]);
        assert!(err.contains(&format!("{path}{expected}")), "{err}");
        assert_eq!(code, Some(2));
    }
    let file = folder.path().join("latin1.md");
    fs::write(&file, b"# T\n> Q?\n\ncaf\xe9\n").expect("written");
    let (_, err, code) = told(&["lesson", utf8(&file)]);
    assert!(err.contains("latin1.md:4: this is not UTF-8"), "{err}");
    assert_eq!(code, Some(2));
}

#[test]
fn a_lesson_without_the_notes_program_names_the_one_with_it() {
    let (out, err, code) = told(&["lesson", "3", "--program", "notes"]);
    assert_eq!((out.as_str(), code), ("", Some(2)), "{err}");
    assert!(err.contains("explore lesson 12 --program notes"), "{err}");
}

/// Events moved, repeated, and with times that overflow: these made a ladder panic, a timeline overflow, and -vvv run without end.
#[test]
fn a_damaged_recording_is_drawn_or_refused_in_every_view() {
    for name in ["hang", "ladder-overflow", "timeline-overflow"] {
        let file = format!("{}/tests/data/damaged/{name}.jsonl", env!("CARGO_MANIFEST_DIR"));
        for how in [&["-vvv", "--ascii"][..], &["--view", "ladder"], &["--view", "timeline"]] {
            let (out, err, code) = told(&[&["replay", &file][..], how].concat());
            assert_eq!(code, Some(2), "{name} {how:?}: {out}{err}");
            assert!(err.contains(&format!("{name}.jsonl:")), "{name} {how:?}: {err}");
        }
    }
}

#[test]
fn a_recording_replays_and_a_damaged_one_is_shown_as_far_as_it_goes() {
    let folder = folder();
    let whole = folder.path().join("whole.jsonl");
    let path = utf8(&whole);
    let (out, err, code) = told(&["run", "address-port-protocol", "--record", path]);
    assert_eq!(code, Some(0), "{out}{err}");
    let (out, err, code) = told(&["replay", path]);
    assert!(out.contains("Recorded on") && out.contains("not checked here"), "{out}");
    assert_eq!(code, Some(0), "{err}");

    let text = fs::read_to_string(&whole).expect("a recording");
    let cut = folder.path().join("cut.jsonl");
    fs::write(&cut, &text[..text.len() / 2]).expect("written");
    let (out, err, code) = told(&["replay", utf8(&cut), "-v"]);
    assert!(out.contains("socket("), "{out}");
    assert!(err.contains("cut off") && err.contains("cut.jsonl:"), "{err}");
    assert_eq!(code, Some(2));

    for (name, content, expected) in [
        ("foreign.jsonl", "{\"hello\":1}\n", "foreign.jsonl:1: an event stands before"),
        ("picture.png", "\u{89}PNG\n", "picture.png:1: it is not a line of a recording"),
        ("empty.jsonl", "", "there is no recording in it"),
        (
            "later.jsonl",
            "{\"format\":\"socket-explorer recording\",\"version\":99}\n",
            "get a newer `explore`",
        ),
    ] {
        let file = folder.path().join(name);
        fs::write(&file, content).expect("written");
        let (_, err, code) = told(&["replay", utf8(&file)]);
        // An object without a header is foreign whichever way it is told.
        let told = err.contains(expected)
            || (name == "foreign.jsonl" && err.contains("foreign.jsonl:1: it is not a line"));
        assert!(told, "{name}: {err}");
        assert_eq!(code, Some(2), "{name}");
    }
}

#[test]
fn output_that_is_closed_early_ends_it_quietly() {
    let mut child = explore(&["lesson", "1"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("starts");
    let mut first = [0; 16];
    let mut out = child.stdout.take().expect("piped");
    out.read_exact(&mut first).expect("begins to write");
    drop(out);
    let ended = child.wait_with_output().expect("ends");
    assert_eq!(
        (String::from_utf8_lossy(&ended.stderr).as_ref(), ended.status.code()),
        ("", Some(0))
    );
}

#[test]
fn a_record_file_that_cannot_be_written_is_known_before_anything_runs() {
    let (out, err, code) = told(&["run", "two-processes", "--record", "/nowhere/x.jsonl"]);
    assert!(err.contains("/nowhere/x.jsonl cannot be written"), "{err}");
    assert_eq!((out.as_str(), code), ("", Some(3)));
}

#[test]
fn a_file_for_frames_that_cannot_be_written_is_known_before_anything_runs() {
    let (out, err, code) = told(&["run", "two-processes", "--pcap", "/nowhere/x.pcapng"]);
    assert!(err.contains("/nowhere/x.pcapng cannot be written"), "{err}");
    assert_eq!((out.as_str(), code), ("", Some(3)));
    let (out, err, code) = told(&["lesson", "1", "--pcap", "-", "--record", "-"]);
    assert!(err.contains("name a file for one"), "{err}");
    assert_eq!((out.as_str(), code), ("", Some(2)));
}

#[test]
fn with_json_on_standard_output_nothing_else_is_there() {
    let (out, err, code) = told(&["run", "two-processes", "--json", "-"]);
    assert!(
        out.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()),
        "{out}"
    );
    assert!(out.lines().count() > 10);
    assert_eq!((err.as_str(), code), ("", Some(0)));
}

#[test]
fn every_width_is_kept_and_ascii_is_ascii() {
    for lesson in ["1", "3", "4", "11"] {
        for width in ["20", "40", "80"] {
            let (out, err, code) = told(&["lesson", lesson, "--width", width, "--ascii"]);
            let widest = out.lines().map(|line| line.chars().count()).max().unwrap_or(0);
            assert!(
                widest <= width.parse().expect("a number"),
                "lesson {lesson} at {width}: {widest} columns"
            );
            assert_eq!(code, Some(0), "lesson {lesson}: {err}\n{out}");
            let odd: Vec<_> = out
                .chars()
                .filter(|c| {
                    // What users type in Chinese, with its punctuation.
                    !(c.is_ascii()
                        || ('\u{4e00}'..='\u{9fff}').contains(c)
                        || ('\u{ff00}'..='\u{ffef}').contains(c))
                })
                .collect();
            assert!(odd.is_empty(), "lesson {lesson}: {odd:?}");
        }
    }
    assert_eq!(told(&["list", "--width", "19"]).2, Some(2));
}

/// Where no wire can be had, the shipped recording goes through the same views.
#[test]
fn the_wires_views_keep_every_width_and_are_ascii_when_asked() {
    let folder = folder();
    let file = folder.path().join("mine.md");
    let step = |name: &str| {
        let experiment = socket_explorer::experiments::find(name).expect("an experiment");
        let show = socket_explorer::lesson::show_of(experiment)
            .expect("well formed")
            .expect("it is in the course");
        let claims: String =
            show.claims.iter().map(|claim| format!("{}: Words.\n", claim.name)).collect();
        format!("```experiment {name}\nview: layers\nview: retries\n{claims}```\n")
    };
    let text = format!("# T\n> Q?\n\n{}{}", step("three-way-handshake"), step("lost-syn"));
    fs::write(&file, text).expect("written");
    let file = file.to_string_lossy();
    for width in ["20", "60", "80"] {
        let (out, err, code) = told(&["lesson", &file, "--width", width, "--ascii", "-vvv"]);
        assert_eq!(code, Some(0), "{err}");
        let widest = out.lines().max_by_key(|line| line.chars().count()).unwrap_or_default();
        assert!(widest.chars().count() <= width.parse().expect("a number"), "at {width}: {widest}");
        assert!(out.is_ascii(), "{:?}", out.chars().filter(|c| !c.is_ascii()).collect::<Vec<_>>());
        assert!(out.contains("1 physical") && out.contains("SYN 2"), "{out}");
        assert!(width == "20" || out.contains("Flags [S.]"), "{out}");
    }
}

#[test]
fn colours_are_for_terminals_unless_asked_for() {
    assert!(!told(&["list"]).0.contains('\u{1b}'));
    assert!(told(&["list", "--color", "always"]).0.contains('\u{1b}'));
}

#[test]
fn a_deadline_names_who_was_blocked_and_where() {
    let (out, _, code) =
        told(&["run", "nobody-home", "--set", "silence=9s", "--set", "deadline=300ms"]);
    assert!(out.contains("The deadline of 300 ms passed"), "{out}");
    assert!(
        out.contains("had been blocked in recv") && out.contains("src/experiments/l04_tcp_udp.rs:"),
        "{out}"
    );
    assert_eq!(code, Some(3), "it was the user's own deadline: nothing is broken");
}

#[test]
fn a_run_that_is_refused_leaves_the_file_to_record_to_as_it_was() {
    let folder = folder();
    let file = folder.path().join("keep.jsonl");
    let path = utf8(&file);
    for args in [
        ["run", "no-such-experiment", "--record", path],
        ["lesson", "no-such-lesson", "--record", path],
    ] {
        fs::write(&file, "precious\n").expect("written");
        assert_eq!(told(&args).2, Some(2));
        assert_eq!(fs::read_to_string(&file).expect("still there"), "precious\n", "{args:?}");
    }
}

#[test]
fn what_a_file_says_is_never_obeyed_by_the_terminal() {
    let folder = folder();
    let evil = "\u{1b}]0;owned\u{7}\u{1b}[2J\u{202e}\u{9b}31m";
    let lesson = folder.path().join("evil.md");
    fs::write(
        &lesson,
        format!("# T{evil}\n> Q{evil}\n\nProse {evil} and `code {evil}`.\n\n- item {evil}\n"),
    )
    .expect("written");
    let recording = folder.path().join("evil.jsonl");
    let header = serde_json::json!({ "format": "socket-explorer recording", "version": 1, "kernel": evil, "date": evil, "experiment": evil, "parameters": {} });
    let claim = serde_json::json!({ "at_ns": GREATEST, "actor": evil, "process": 1, "thread": 1, "event": "claim", "claim": evil, "verdict": "held",
        "evidence": [{ "what": evil, "saw": evil, "relation": "=", "with": evil, "held": true }] });
    let call = serde_json::json!({ "at_ns": GREATEST, "actor": evil, "process": 1, "thread": 1, "event": "return", "call": 1, "function": evil,
        "syscall": evil, "socket": 1, "args": { "address": { "unix": evil }, evil: evil }, "result": i64::MIN, "took_ns": GREATEST });
    let end = serde_json::json!({ "at_ns": 0, "actor": "lab", "process": 1, "thread": 1, "event": "end", "ending": "failed", "why": evil });
    fs::write(&recording, format!("{header}\n{claim}\n{call}\n{end}\n")).expect("written");
    let paths = [&lesson, &recording].map(|path| utf8(path));
    for args in [&["lesson", paths[0]][..], &["replay", paths[1]], &["replay", "-vvv", paths[1]]] {
        let (out, err, code) = told(args);
        let obeyed = out
            .chars()
            .chain(err.chars())
            .find(|c| *c != '\n' && !socket_explorer::text::is_safe_to_show(*c));
        assert_eq!((obeyed, code), (None, Some(0)), "{args:?}: {err}");
    }
}

#[test]
fn every_view_survives_extreme_numbers() {
    let folder = folder();
    let file = folder.path().join("extreme.jsonl");
    let path = utf8(&file);
    for experiment in [
        "two-processes",
        "address-port-protocol",
        "stream-has-no-boundaries",
        "family-race",
        "by-hand-and-by-framework",
    ] {
        let (out, err, code) = told(&["run", experiment, "--record", path]);
        assert_eq!(code, Some(0), "{out}{err}");
        let text = fs::read_to_string(&file).expect("a recording");
        for (index, extreme) in [GREATEST, 0].into_iter().enumerate() {
            let changed: Vec<_> = text
                .lines()
                .enumerate()
                .map(|(number, line)| {
                    let mut line: serde_json::Value = serde_json::from_str(line).expect("JSON");
                    for field in ["at_ns", "took_ns", "value_ns", "count"] {
                        if number % 3 == index && line.get(field).is_some() {
                            line[field] = extreme.into();
                        }
                    }
                    line.to_string()
                })
                .collect();
            fs::write(&file, changed.join("\n") + "\n").expect("written");
            let (_, err, code) = told(&["replay", "-vvv", path]);
            assert_eq!((err.as_str(), code), ("", Some(0)), "{experiment} with {extreme}");
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_signal_to_the_program_or_to_the_process_of_its_run_ends_both_and_loses_nothing() {
    let folder = folder();
    for (signal, code) in [("-INT", 130), ("-TERM", 143), ("-HUP", 129), ("-QUIT", 131)] {
        for is_to_run in [false, true] {
            let file = folder.path().join("run.jsonl");
            let args = ["run", "nobody-home", "--set", "silence=50s", "--record", "-"];
            let mut child = explore(&args)
                .stdout(fs::File::create(&file).expect("a file"))
                .spawn()
                .expect("starts");
            // The run has begun once the recording says that somebody waits in recv.
            while !fs::read_to_string(&file).expect("readable").contains("\"api\":\"recv\"") {
                assert_eq!(child.try_wait().expect("known"), None, "it ended before recv");
                std::thread::sleep(std::time::Duration::from_millis(5));
            }
            let program = child.id();
            let children = format!("/proc/{program}/task/{program}/children");
            let to = match is_to_run {
                true => fs::read_to_string(children).expect("a process").trim().to_owned(),
                false => program.to_string(),
            };
            let sent = Command::new("kill").args([signal, &to]).status().expect("kill runs");
            assert!(sent.success());
            assert_eq!(child.wait().expect("ends").code(), Some(code), "{signal} {is_to_run}");
            let text = fs::read_to_string(&file).expect("a recording");
            let last = text.lines().last().expect("a last line");
            assert!(last.contains("\"ending\":\"interrupted\""), "{signal}: {last}");
        }
    }
}

#[test]
fn a_time_that_is_none_is_refused_with_one_that_is() {
    for args in [
        &["trace", "--for", "ten", "x"][..],
        &["trace", "--pace", "7", "x"],
        &["lesson", "1", "--pace", "soon"],
        &["chat", "--timeout", "1x"],
    ] {
        let (_, err, code) = told(args);
        assert!(err.contains("a time with a unit, such as 700ms or 5s"), "{args:?}: {err}");
        assert_eq!(code, Some(2));
    }
}
