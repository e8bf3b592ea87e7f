//! Where output goes: to a device that is full, to a terminal, to files, and what is said about it.

use std::fs::{self, File};
use std::process::{Command, Stdio};

use crate::person::Person;
use crate::support::{Ended, ended, explore, folder, isolated, require, told, utf8};

fn full() -> Stdio {
    File::options().write(true).open("/dev/full").expect("full(4)").into()
}

#[test]
fn a_full_device_is_named_and_nothing_panics() {
    for args in [
        &[][..],
        &["--help"],
        &["--version"],
        &["lesson", "--help"],
        &["--lang", "zh", "--help"],
        &["help"],
        &["help", "nobody-home"],
        &["list"],
        &["list", "--json"],
        &["run"],
        &["run", "address-port-protocol"],
        &["run", "address-port-protocol", "--record", "-"],
        &["run", "address-port-protocol", "--pcap", "-"],
        &["lesson", "1", "--program", "c"],
        &["lesson", "1"],
        &["progress"],
        &["progress", "--json"],
        &["quiz"],
        &["glossary"],
        &["doctor"],
        &["verify", "1", "--json"],
        &["completions", "bash"],
        &["completions", "fish"],
        &["man"],
    ] {
        let output = explore(args).stdout(full()).output().expect("it runs");
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        let is_told = error.contains("No space left on device")
            || error.contains('\u{6ee1}')
            || error.contains('\u{7a7a}');
        assert!(is_told && !error.contains("panic"), "{args:?}: {error}");
        assert_eq!(output.status.code(), Some(3), "{args:?}: {error}");
    }
}

/// The options that name a file to write, with every command that has them.
const FILES: &[(&[&str], &[&str])] = &[
    (&["run", "address-port-protocol", "--auto"], &["--record", "--json"]),
    (&["run", "closed-port", "--auto"], &["--pcap"]),
    (&["lesson", "1", "--auto"], &["--record", "--json", "--html"]),
    (&["lesson", "6", "--auto"], &["--pcap"]),
    (&["check", "1", "true", "true"], &["--record"]),
    (
        &["trace", "--", "python3", "-c", "import socket; socket.socket().bind(('127.0.0.1', 0))"],
        &["--record", "--json", "--html"],
    ),
    (
        &[
            "trace",
            "--wire",
            "python3 -c 'import socket; socket.socket().connect_ex((\"10.9.0.2\", 9))'",
        ],
        &["--pcap"],
    ),
    (&["replay", "tests/data/format-1/by-turns.jsonl"], &["--html"]),
    (&["chat", "server", "--address", "127.0.0.1:0"], &["--record", "--json"]),
];

#[test]
fn a_file_on_a_full_device_is_named_in_one_sentence() {
    if require("python3").is_none() {
        return;
    }
    for (args, options) in FILES {
        for option in *options {
            let mut command = explore(&[&args[..1], &[*option, "/dev/full"], &args[1..]].concat());
            let output = command.stdin(Stdio::null()).output().expect("it runs");
            let error = String::from_utf8_lossy(&output.stderr).into_owned();
            let told = "explore: /dev/full cannot be written: No space left on device";
            assert_eq!(error.matches(told).count(), 1, "{args:?} {option}: {error}");
            assert_eq!(error.matches("No space left").count(), 1, "{args:?} {option}: {error}");
            assert!(!error.contains("written (") && !error.contains("panic"), "{args:?}: {error}");
            assert_eq!(output.status.code(), Some(3), "{args:?} {option}: {error}");
        }
    }
}

#[test]
fn no_option_that_names_a_file_is_forgotten() {
    for command in
        ["run", "lesson", "check", "trace", "replay", "chat", "verify", "book", "exercise"]
    {
        let (help, _, _) = told(&[command, "--help"]);
        let given = FILES.iter().filter(|(args, _)| args[0] == command);
        let tried: Vec<&str> = given.flat_map(|(_, options)| *options).copied().collect();
        for option in ["--record", "--pcap", "--html", "--json"] {
            let names_a_file = help.lines().any(|line| {
                line.contains(&format!("{option} <FILE>"))
                    || line.contains(&format!("alias: {option}]"))
            });
            assert_eq!(tried.contains(&option), names_a_file, "{command} {option}\n{help}");
        }
    }
}

#[test]
fn where_errors_cannot_be_told_the_exit_code_tells() {
    for (args, expected) in [
        (&["run", "no-such-experiment"][..], 2),
        (&["no-such-command"], 2),
        (&["list", "--no-such-option"], 2),
        (&["lesson"], 0),
        (&["run", "two-processes", "--pcap", "/dev/null"], 0),
    ] {
        let output =
            explore(args).arg("--width").arg("80").stderr(full()).output().expect("it runs");
        assert_eq!(output.status.code(), Some(expected), "{args:?}");
    }
}

#[test]
fn what_was_written_is_said() {
    let folder = folder();
    let [events, frames] = ["run.jsonl", "run.pcapng"].map(|name| folder.path().join(name));
    let args = ["--record", utf8(&events), "--pcap", utf8(&frames)];
    let output = explore(&[&["run", "address-port-protocol"][..], &args].concat()).output();
    let output = output.expect("it runs");
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{error}");
    let text = fs::read_to_string(&events).expect("written");
    let count = text.lines().filter(|line| line.contains("\"event\":")).count();
    let said =
        format!("explore: {}: {count} events written ({} bytes)\n", events.display(), text.len());
    assert!(error.contains(&said), "{said} is not in {error}");
    let said = format!("{}: no frame written, for none crossed the wire", frames.display());
    assert!(error.contains(&said), "{said} is not in {error}");
}

#[test]
fn a_chat_and_a_check_say_what_they_have_written() {
    let folder = folder();
    for (number, args) in [
        &["chat", "client", "--address", "127.0.0.1:1"][..],
        &["check", "1", "true", "true"],
        &["check", "1", "true", "true", "--json"],
    ]
    .iter()
    .enumerate()
    {
        let path = folder.path().join(format!("{number}.jsonl"));
        let output = explore(&[*args, &["--record", utf8(&path)]].concat()).output();
        let output = output.expect("it runs");
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        let text = fs::read_to_string(&path).expect("written");
        let count = text.lines().filter(|line| line.contains("\"event\":")).count();
        let said =
            format!("explore: {}: {count} events written ({} bytes)\n", path.display(), text.len());
        assert!(error.contains(&said), "{args:?}: {said} is not in {error}");
    }
}

#[test]
fn frames_are_not_sent_to_a_terminal() {
    for path in ["-", "/dev/tty"] {
        let mut command = explore(&["run", "address-port-protocol", "--pcap", path]);
        let mut person = Person::sits_down(60, 24, &mut command);
        let (code, seen) = person.leaves();
        assert!(seen.contains("no terminal can show"), "{seen:?}");
        assert!(!seen.contains('\u{fffd}') && !seen.contains('\0'), "{seen:?}");
        assert_eq!(code, Some(2), "{path}");
    }
}

#[test]
fn errors_break_at_words() {
    for (args, whole) in [
        (&["lesson", "famlies"][..], "`explore list` shows all"),
        (&["lesson", "--no-such-option"], "--no-such-option"),
    ] {
        let mut person = Person::sits_down(30, 24, &mut explore(args));
        let (code, seen) = person.leaves();
        let seen: String = seen.replace("\r\n", "\n");
        let words = seen.split("#the end#").next().unwrap_or_default();
        let flat = words.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(flat.contains(whole), "{seen:?}");
        assert_eq!(code, Some(2));
        let plain = strip_colours(words);
        assert!(plain.lines().all(|line| line.chars().count() <= 30), "{plain:?}");
    }
}

/// The text without the sequences that colour it.
fn strip_colours(text: &str) -> String {
    let parts = text.split('\u{1b}').enumerate();
    parts
        .map(|(at, part)| if at == 0 { part } else { part.split_once('m').map_or("", |it| it.1) })
        .collect()
}

#[test]
fn colours_can_be_declined_as_in_other_programs() {
    for (variable, value, coloured) in
        [("CLICOLOR", "0", false), ("NO_COLOR", "1", false), ("CLICOLOR", "1", true)]
    {
        for args in [&["list"][..], &["--help"], &["--no-such-option"]] {
            let mut command = Command::new("env");
            isolated(&mut command).arg(format!("{variable}={value}"));
            command.arg(env!("CARGO_BIN_EXE_explore")).args(args);
            let (_, seen) = Person::sits_down(80, 24, &mut command).leaves();
            assert_eq!(seen.contains("\u{1b}["), coloured, "{variable}={value} {args:?}: {seen:?}");
        }
    }
    for args in [&["--help"][..], &["--no-such-option"]] {
        let always = [args, &["--color", "always"]].concat();
        let output = explore(&always).output().expect("it runs");
        let told = [output.stdout, output.stderr].concat();
        assert!(told.contains(&0x1b), "{args:?}");
        let (out, error, _) = told_plain(args);
        assert!(!out.contains('\u{1b}') && !error.contains('\u{1b}'), "{args:?}");
    }
}

fn told_plain(args: &[&str]) -> Ended {
    ended(explore(args).args(["--color", "never"]))
}

#[test]
fn the_languages_that_a_person_prefers_come_in_their_order() {
    let said = |list: &str| {
        let mut command = explore(&["--help"]);
        command.env("LC_ALL", "en_US.UTF-8").env("LANGUAGE", list);
        ended(&mut command).0
    };
    for list in ["en:zh", "fr"] {
        assert!(said(list).contains("Usage: "), "{list}");
    }
    for list in ["zh:en", "fr:zh_CN:en"] {
        assert!(said(list).contains("\u{7528}\u{6cd5}\u{ff1a}"), "{list}");
    }
}

/// tshark(1) warns of nothing, and capinfos(1) finds the times in order.
#[test]
fn the_frames_of_a_whole_lesson_are_one_capture() {
    let (Some(mut tshark), Some(mut capinfos)) = (require("tshark"), require("capinfos")) else {
        return;
    };
    let folder = folder();
    let frames = folder.path().join("lesson.pcapng");
    let (_, error, code) = told(&["lesson", "6", "--pcap", utf8(&frames)]);
    assert_eq!(code, Some(0), "{error}");
    if fs::metadata(&frames).expect("written").len() < 2000 {
        eprintln!("skipped: there is no wire here");
        return;
    }
    let (out, error, code) = ended(capinfos.args(["-o", "-M", utf8(&frames)]));
    assert_eq!((error.as_str(), code), ("", Some(0)), "{out}");
    assert!(out.contains("Strict time order:   True"), "{out}");
    let columns = [
        "-T",
        "fields",
        "-e",
        "_ws.expert.message",
        "-Y",
        "_ws.expert.severity >= 6291456 && !tcp.flags.reset",
    ];
    let (out, error, code) = ended(tshark.args(["-r", utf8(&frames)]).args(columns));
    assert_eq!((out.as_str(), code), ("", Some(0)), "{error}");
}
