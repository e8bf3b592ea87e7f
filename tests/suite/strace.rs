//! What a recording says a thread called is what strace says it called: the same network calls, in the same order,
//! with the same results. Needs strace; without it the test says so and checks nothing.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

const NETWORK: &[&str] = &[
    "socket",
    "bind",
    "listen",
    "accept",
    "accept4",
    "connect",
    "sendto",
    "recvfrom",
    "sendmsg",
    "recvmsg",
    "shutdown",
    "getsockname",
    "getpeername",
    "setsockopt",
    "getsockopt",
    "socketpair",
    "sendmmsg",
    "recvmmsg",
];

/// For each thread, its calls with their results (`-1 ERRNO` for errors).
type Calls = BTreeMap<u32, Vec<(String, String)>>;

fn from_strace(text: &str) -> Calls {
    let mut calls = Calls::new();
    for line in text.lines() {
        let (thread, rest) =
            line.split_once(char::is_whitespace).expect("a line begins with a TID");
        let rest = rest.trim_start();
        let (name, result) = if let Some(resumed) = rest.strip_prefix("<... ") {
            let (name, _) = resumed.split_once(' ').expect("a name");
            (name, rest)
        } else if rest.ends_with("<unfinished ...>")
            || rest.starts_with("+++")
            || rest.starts_with("---")
            || rest.starts_with("???(")
        {
            // Not returned; an exit; a signal; a thread that was gone before strace could ask what it called.
            continue;
        } else {
            (rest.split_once('(').expect("a call").0, rest)
        };
        let result = result.rsplit_once(" = ").expect("a result").1;
        if result.starts_with('?') {
            continue;
        }
        let short: Vec<_> =
            result.split_whitespace().take(if result.starts_with('-') { 2 } else { 1 }).collect();
        calls
            .entry(thread.parse().expect("a TID"))
            .or_default()
            .push((name.to_owned(), short.join(" ")));
    }
    calls
}

fn from_recording(text: &str) -> Calls {
    let mut calls = Calls::new();
    for line in text.lines() {
        let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
        let Some(name) = line["syscall"]
            .as_str()
            .filter(|name| line["event"] == "return" && NETWORK.contains(name))
        else {
            continue;
        };
        let result = line["errno"]
            .as_str()
            .map_or_else(|| line["result"].to_string(), |errno| format!("-1 {errno}"));
        let thread =
            line["thread"].as_u64().and_then(|thread| thread.try_into().ok()).expect("a TID");
        calls.entry(thread).or_default().push((name.to_owned(), result));
    }
    calls
}

#[test]
fn the_recording_says_what_strace_says() {
    if Command::new("strace").arg("-V").stdout(Stdio::null()).status().is_err() {
        eprintln!("strace is not installed: nothing was compared");
        return;
    }
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let mut compared = 0;
    for experiment in socket_explorer::experiments::all() {
        let (trace, record) = (folder.join("strace.txt"), folder.join("strace.jsonl"));
        let status = Command::new("strace")
            .args(["-f", "-qq", "-e", "trace=network", "-e", "signal=none", "-o"])
            .arg(&trace)
            .arg(env!("CARGO_BIN_EXE_explore"))
            .args(["run", experiment.name, "--record"])
            .arg(&record)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .expect("strace runs");
        assert!(
            status.code().is_some_and(|code| code == 0 || code == 3),
            "{}: {status}",
            experiment.name
        );
        let seen = from_strace(&fs::read_to_string(&trace).expect("strace wrote"));
        let recorded = from_recording(&fs::read_to_string(&record).expect("explore wrote"));
        for thread in seen.keys().chain(recorded.keys()) {
            assert_eq!(
                recorded.get(thread),
                seen.get(thread),
                "{}: thread {thread}: recorded, and seen by strace",
                experiment.name
            );
        }
        compared += recorded.values().map(Vec::len).sum::<usize>();
    }
    assert!(compared > 0, "there was nothing to compare");
}
