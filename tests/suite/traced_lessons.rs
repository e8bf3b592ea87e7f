//! What the lessons say of `explore trace`: the commands that they give, typed as they stand, for the whole programs in Python and
//! in C, and for the notes' own program.

use std::fs;
use std::process::Stdio;
use std::sync::atomic::{AtomicU32, Ordering};

use socket_explorer::analysis::Analysis;
use socket_explorer::analysis::findings::RuleKind;
use socket_explorer::trace::SyscallKind::{
    self, Accept, Bind, Close, Connect, Listen, Poll, Recv, Send, Shutdown, Socket,
};
use socket_explorer::trace::recording::Recording;
use socket_explorer::trace::{EventKind, ExitStatus, Outcome};
use tempfile::TempDir;

use crate::support::{ended, explore, file, folder, for_each, recordings, require, told, utf8};

/// What each lesson's program does: the one that ends by itself, with its exit code, and who makes which calls.
type Program =
    (&'static str, (&'static str, i32), &'static [(&'static str, &'static [SyscallKind])]);

const PROGRAMS: [Program; 12] = [
    (
        "socket",
        ("client", 0),
        &[
            ("server", &[Socket, Bind, Listen, Accept, Recv, Send, Close]),
            ("client", &[Socket, Connect, Send, Recv, Close]),
        ],
    ),
    ("layers", ("program", 0), &[("program", &[Socket, Send, Recv])]),
    (
        "families",
        ("program", 0),
        &[("program", &[Socket, Bind, Listen, Accept, Connect, Send, Recv])],
    ),
    ("tcp-udp", ("server", 0), &[("server", &[Accept, Recv]), ("client", &[Connect, Send])]),
    (
        "process",
        ("client", 0),
        &[
            ("server", &[Accept, Close]),
            ("server child", &[Send, Recv]),
            ("client", &[Connect, Send, Recv]),
        ],
    ),
    (
        "handshake",
        ("client", 0),
        &[("server", &[Accept, Recv, Send, Close]), ("client", &[Connect, Send, Shutdown, Recv])],
    ),
    (
        "timeouts",
        ("client", 0),
        &[("server", &[Accept, Recv, Send]), ("client", &[Connect, Send, Recv, Close])],
    ),
    ("blocking", ("client", 0), &[("server", &[Accept, Send]), ("client", &[Connect, Recv])]),
    (
        "nonblocking",
        ("client", 0),
        &[("server", &[Accept, Recv, Send]), ("client", &[Connect, Send, Recv])],
    ),
    (
        "timeout-mode",
        ("client", 1),
        &[("server", &[Accept, Send]), ("client", &[Connect, Poll, Recv])],
    ),
    (
        "turns",
        ("client", 0),
        &[("server", &[Accept, Recv, Send]), ("client", &[Connect, Send, Recv])],
    ),
    // Whoever hears the other leave first need not have sent.
    (
        "chat",
        ("client", 0),
        &[
            ("server", &[Accept, Recv, Shutdown]),
            ("client", &[Connect, Recv, Shutdown]),
            ("", &[Send]),
        ],
    ),
];

/// The text of a lesson in this language.
fn text(slug: &str, language: &str) -> String {
    let lessons = fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/lessons")).expect("lessons");
    let mut folders = lessons.map(|entry| entry.expect("an entry").path());
    let folder = folders.find(|path| path.to_string_lossy().ends_with(&format!("-{slug}")));
    let path = folder.expect("the lesson's folder").join(language).with_extension("md");
    fs::read_to_string(path).expect("a text")
}

/// The commands with `explore trace` that a lesson gives, the same in both languages.
fn commands(slug: &str) -> Vec<String> {
    let of = |language| {
        let text = text(slug, language).replace("\\\n", "");
        let lines = text.lines().filter(|line| line.starts_with("explore trace "));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(of("en"), of("zh"), "{slug}");
    of("en")
}

/// The words of a command, as a shell reads them.
fn words(command: &str) -> Vec<String> {
    let (mut words, mut is_quoted) = (vec![String::new()], false);
    for character in command.chars() {
        match character {
            '\'' => is_quoted = !is_quoted,
            ' ' if !is_quoted => words.push(String::new()),
            other => words.last_mut().expect("a word").push(other),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// An address of this machine that no other test uses, so that the lessons' port is free there.
fn address() -> [u8; 4] {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let [_, b, c, d] =
        (std::process::id() << 7).wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)).to_be_bytes();
    [127, b, c, d]
}

/// A program as `explore lesson` prints it, to run at this address.
fn printed(slug: &str, name: &str, [a, b, c, d]: [u8; 4]) -> String {
    let (text, err, code) = told(&["lesson", slug, "--program", name]);
    assert_eq!((err.as_str(), code), ("", Some(0)), "{slug} {name}");
    text.replace("127.0.0.1", &format!("{a}.{b}.{c}.{d}"))
        .replace("INADDR_LOOPBACK", &format!("0x{a:02x}{b:02x}{c:02x}{d:02x}"))
}

/// Runs a lesson's command with this limit in place of its own, if it has one, and with this keyboard.
fn trace(folder: &TempDir, command: &str, limit: &str, keyboard: impl Into<Stdio>) -> Recording {
    let path = folder.path().join("trace.jsonl");
    let mut words = words(command);
    match words.iter().position(|word| word == "--for") {
        Some(at) => words[at + 1] = limit.to_owned(),
        None => words.insert(2, format!("--for={limit}")),
    }
    let mut all = vec!["trace", "--view", "findings", "--record", utf8(&path)];
    all.extend(words[2..].iter().map(String::as_str));
    let (out, err, _) = ended(explore(&all).current_dir(folder.path()).stdin(keyboard));
    recordings(&path).pop().unwrap_or_else(|| panic!("{command}: {out}{err}"))
}

/// How this program or thread ended by itself, if it did; of a thread that is not known.
fn end(recording: &Recording, actor: &str) -> Option<Option<ExitStatus>> {
    recording.events().iter().find_map(|event| match &event.what {
        EventKind::Exited { status, .. } if *event.actor == *actor => Some(status.clone()),
        _ => None,
    })
}

fn found(recording: &Recording) -> Vec<RuleKind> {
    let analysis = Analysis::of(recording);
    analysis.findings().iter().map(|finding| RuleKind::from(&finding.rule)).collect()
}

/// What such calls of this program and its threads returned, in order.
fn results(recording: &Recording, actor: &str, kind: SyscallKind) -> Vec<Outcome> {
    let results = recording.events().iter().filter_map(|event| match &event.what {
        EventKind::Return(back) if event.actor.starts_with(actor) && back.call.kind() == kind => {
            Some(back.outcome.clone())
        }
        _ => None,
    });
    results.collect()
}

/// The call in which this thread was at the end.
fn blocked_in(recording: &Recording, actor: &str) -> Option<SyscallKind> {
    let mut events = recording.events().iter().rev().filter(|event| *event.actor == *actor);
    events.find_map(|event| match &event.what {
        EventKind::Enter(call) => Some(Some(call.kind())),
        EventKind::Return(_) => Some(None),
        _ => None,
    })?
}
/// Python or C, as `--program` and the machine know it.
const LANGUAGES: [(&str, &str); 2] = [("python", "python3"), ("c", "cc")];

#[test]
fn the_whole_programs_make_the_calls_of_their_lessons_and_nothing_is_found() {
    let all: Vec<_> =
        PROGRAMS.iter().flat_map(|program| LANGUAGES.map(|language| (program, language))).collect();
    for_each(&all, |((slug, (last, code), calls), (language, tool))| {
        let Some(mut compiler) = require(tool) else { return };
        let folder = folder();
        let line = file(&folder, "hello.txt", "你好\n");
        let mut commands = commands(slug).into_iter();
        let command = commands.find(|command| !command.contains("notes.py"));
        let mut command = command.unwrap_or_else(|| panic!("{slug} traces its program"));
        let text = printed(slug, language, address());
        if *language == "c" {
            let source = file(&folder, "program.c", text);
            compiler.args(["-std=c11", "-pthread", "-o"]).arg(folder.path().join("program"));
            let (_, err, code) = ended(compiler.arg(source));
            assert_eq!((err.as_str(), code), ("", Some(0)), "{slug}");
            command = command.replace("python3 program.py", "./program");
        } else {
            file(&folder, "program.py", text);
        }
        // On a busy machine it takes longer until they have begun.
        let runs = ["5s", "20s", "90s", "300s"]
            .into_iter()
            .map(|limit| trace(&folder, &command, limit, fs::File::open(&line).expect("a line")));
        let recording = { runs }.find(|recording| end(recording, last).is_some());
        let recording = recording.unwrap_or_else(|| panic!("{slug} {language}: {last} ends"));
        assert_eq!(end(&recording, last), Some(Some(ExitStatus::Code(*code))), "{slug} {language}");
        let mut found = found(&recording);
        // A byte that comes between its deadline and close() stays unread, and that is so.
        found.retain(|rule| *slug != "timeout-mode" || *rule != RuleKind::ClosedUnread);
        assert_eq!(found, [], "{slug} {language}");
        for (actor, kinds) in *calls {
            for kind in *kinds {
                let results = results(&recording, actor, *kind);
                assert!(!results.is_empty(), "{slug} {language}: {actor} {kind:?}");
            }
        }
    });
}

#[test]
fn the_notes_program_has_the_faults_that_lesson_12_names() {
    if require("python3").is_none() {
        return;
    }
    let folder = folder();
    file(&folder, "hello.txt", "你好\n\n");
    let commands = commands("chat");
    let [_, own, mended] = &commands[..] else { panic!("{commands:?}") };
    let traced = |command: &str, faults: &[RuleKind]| {
        let runs = ["8s", "30s", "120s", "300s"].into_iter().map(|limit| {
            // The server sets no SO_REUSEADDR: the address of the run before may be in TIME_WAIT.
            let address = address();
            file(&folder, "notes.py", printed("chat", "notes", address));
            file(&folder, "program.py", printed("chat", "python", address));
            let (silent, _nobody_types) = std::io::pipe().expect("a pipe");
            trace(&folder, command, limit, silent)
        });
        let recording = { runs }.find(|recording| {
            let found = found(recording);
            if found != faults {
                eprintln!("{command}: {found:?}, {:?}", recording.events().last());
            }
            found == faults
        });
        recording.unwrap_or_else(|| panic!("{command}: {faults:?} are found"))
    };

    let recording = traced(own, &[RuleKind::BusyWithoutCall, RuleKind::BusyWithoutCall]);
    assert_eq!(results(&recording, "server receive", Recv), [Outcome::Result(6)]);
    assert!(end(&recording, "client send").is_some());
    assert!(results(&recording, "client", Shutdown).is_empty());
    for (thread, call) in
        [("server receive", Recv), ("client receive", Recv), ("server send", Recv)]
    {
        assert_eq!(blocked_in(&recording, thread), Some(call), "{thread}");
    }

    let recording = traced(mended, &[RuleKind::BusyWithoutCall]);
    assert_eq!(results(&recording, "server receive", Recv).last(), Some(&Outcome::Result(0)));
    assert!(end(&recording, "server receive").is_some());
    for (thread, call) in [("server send", Recv), ("client", Recv)] {
        assert_eq!(blocked_in(&recording, thread), Some(call), "{thread}");
    }
}
