//! Whatever an experiment records in English has its Chinese: every experiment is run, and every shipped recording is read.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::BufReader;
use std::process::{Command, Stdio};

use socket_explorer::commands::shipped;
use socket_explorer::lesson;
use socket_explorer::lexicon;
use socket_explorer::trace::recording::{self, Recording};
use socket_explorer::trace::{EventKind, Value};

/// What stays as it is in every language: people and those whom the lessons call so, and what programs and kernels say.
const STAYS: &[&str] = &[
    // actors
    "early",
    "naive",
    "plain",
    "alice",
    "ann",
    "ben",
    "bob",
    "carol",
    "cy",
    "ipv4",
    "ipv6",
    "lab",
    "looker",
    "new",
    "old",
    "spinner",
    "tcp",
    "twin",
    "udp",
    "unix",
    "wire",
    "epoll",
    "poll",
    "select",
    // calls, options, errors, families, protocols
    "accept",
    "bind",
    "connect",
    "listen",
    "open",
    "peer_addr",
    "recv",
    "send",
    "send_to",
    "set_only_v6",
    "shutdown",
    "AF_INET",
    "AF_INET6",
    "AF_UNIX",
    "SOCK_DGRAM",
    "SOCK_STREAM",
    "SO_ERROR",
    "SO_RCVTIMEO",
    "SO_SNDTIMEO",
    "EAGAIN",
    "ECONNREFUSED",
    "EINPROGRESS",
    "TCP",
    "UDP",
    "ARP",
    "TCP_INFO",
    "U+FFFD",
    // what was sent
    "hello",
    // where the kernel says it
    "/proc/net/dev",
    "/proc/net/tcp",
    "sysctl",
    "getrlimit(RLIMIT_NOFILE)",
    "net.ipv4.tcp_rto_max_ms",
    "net.ipv4.tcp_syn_linear_timeouts",
    "net.ipv4.tcp_syn_retries",
];

/// Deeds that are calls on files: `chmod 000 …/door`.
const FILE_CALLS: &[&str] = &["chmod ", "open ", "unlink "];

fn run_all() -> Vec<Recording> {
    let folder = tempfile_folder();
    let mut all = Vec::new();
    for number in lesson::contents().iter().map(|lesson| lesson.number) {
        let file = folder.join(format!("{number}.jsonl"));
        let mut explore = Command::new(env!("CARGO_BIN_EXE_explore"));
        explore
            .args(["lesson", &number.to_string(), "--auto", "--lang", "en", "--record"])
            .arg(&file);
        // The learner's own progress is none of this test's business.
        explore
            .env("XDG_STATE_HOME", &folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        explore.status().expect("explore runs");
        all.extend(
            recording::read(BufReader::new(File::open(&file).expect("a recording"))).recordings,
        );
    }
    let _ = fs::remove_dir_all(folder);
    all
}

fn tempfile_folder() -> std::path::PathBuf {
    let folder = std::env::temp_dir().join(format!("explore-lexicon-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder for the recordings");
    folder
}

fn all_shipped() -> Vec<Recording> {
    shipped::needed().filter_map(|experiment| shipped::recording(experiment.name)).collect()
}

fn labels(recordings: &[Recording]) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for event in recordings.iter().flat_map(|recording| &recording.events) {
        let mut add = |label: &str| {
            all.insert(label.to_owned());
        };
        add(&event.actor);
        match &event.what {
            EventKind::Wait { purpose, .. } => add(purpose),
            EventKind::Deed { deed, .. }
                if !FILE_CALLS.iter().any(|call| deed.starts_with(call)) =>
            {
                add(deed)
            }
            EventKind::Part { part } => add(part),
            EventKind::Measure { series, label, .. } => {
                [series, label].into_iter().for_each(|one| add(one))
            }
            EventKind::Point { plot, series, against, .. } => {
                [plot, series, against].into_iter().for_each(|one| add(one))
            }
            EventKind::Count { label, source, .. } => {
                [label, source].into_iter().for_each(|one| add(one))
            }
            EventKind::Frame(frame) => frame.treatment.rule.iter().for_each(|rule| add(rule)),
            EventKind::Claim(claim) => {
                claim.evidence.iter().for_each(|one| add(&one.what));
                claim
                    .evidence
                    .iter()
                    .filter_map(|one| one.with_what.as_ref())
                    .for_each(|what| add(what));
                // Why it could not be checked here, except what the lab itself says of this machine.
                let values = claim.evidence.iter().flat_map(|one| [&one.saw, &one.with]);
                let words = values.filter_map(|value| {
                    if let Value::Text(text) = value { Some(text) } else { None }
                });
                words
                    .filter(|text| ["ok", "none", "gone", "timed out"].contains(&&***text))
                    .for_each(|text| add(text));
            }
            _ => {}
        }
    }
    all
}

#[test]
fn whatever_is_recorded_in_english_has_its_chinese() {
    let live = run_all();
    let names: BTreeSet<&str> =
        live.iter().map(|recording| recording.header.experiment.as_str()).collect();
    assert!(names.len() >= 30, "only these were run: {names:?}");
    let all = labels(&[live, all_shipped()].concat());
    assert!(all.len() > 250, "only {} labels", all.len());
    let stays =
        |label: &str| label.split('.').all(|word| STAYS.contains(&word)) || STAYS.contains(&label);
    let missing: Vec<&String> =
        all.iter().filter(|label| lexicon::chinese(label).is_none() && !stays(label)).collect();
    assert!(missing.is_empty(), "src/lexicon/ lacks these: {missing:#?}");
    let idle: Vec<_> = STAYS.iter().filter(|word| lexicon::chinese(word).is_some()).collect();
    assert!(idle.is_empty(), "these are said to stay, and have an entry: {idle:?}");
}
