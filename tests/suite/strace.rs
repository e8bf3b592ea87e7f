//! What a recording says a thread called is what strace says it called: the same network calls, in the same order,
//! with the same results.

use std::collections::BTreeMap;

use socket_explorer::trace::recording::Recording;
use socket_explorer::trace::{EventKind, Fact, Observation, Outcome};

use crate::course_run;

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

/// All calls but those of the program's first thread: before each run, which is a process of its own, it asks whether
/// 127.0.0.1 can be reached.
fn from_strace(text: &str) -> Calls {
    let mut calls = Calls::new();
    let first = text.split_whitespace().next().and_then(|thread| thread.parse::<u32>().ok());
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
    if let Some(thread) = first {
        calls.remove(&thread);
    }
    calls
}

fn from_recordings(recordings: &[Recording]) -> Calls {
    let mut calls = Calls::new();
    for event in recordings.iter().flat_map(|recording| recording.events()) {
        let call = match &event.what {
            EventKind::Return(back) if NETWORK.contains(&&*back.call.name) => {
                let result = match &back.outcome {
                    Outcome::Result(value) => value.to_string(),
                    Outcome::Errno(errno) => format!("-1 {errno}"),
                };
                (back.call.name.to_string(), result)
            }
            // The instrument's own question; what was not answered is not recorded, and none of ours goes without an answer.
            EventKind::Observed(Observation { fact, .. }) => match fact {
                Fact::Getsockname(_) | Fact::Getpeername(_) => {
                    (fact.source().to_owned(), "0".to_owned())
                }
                Fact::TcpInfo(_) => ("getsockopt".to_owned(), "0".to_owned()),
                Fact::TcpTable { .. } => continue,
            },
            _ => continue,
        };
        calls.entry(event.thread).or_default().push(call);
    }
    calls
}

/// The network calls that were entered and never returned, with their threads.
fn unreturned(recordings: &[Recording]) -> BTreeMap<u32, String> {
    let mut calls = BTreeMap::new();
    for event in recordings.iter().flat_map(|recording| recording.events()) {
        match &event.what {
            EventKind::Enter(call) if NETWORK.contains(&&*call.name) => {
                calls.insert(event.thread, call.name.to_string());
            }
            EventKind::Return(_) => {
                calls.remove(&event.thread);
            }
            _ => {}
        }
    }
    calls
}

#[test]
fn the_recording_says_what_strace_says() {
    for lesson in course_run::english() {
        let Some(strace) = &lesson.strace else { return };
        let recorded = from_recordings(&lesson.recordings);
        let mut seen = from_strace(strace);
        assert!(!recorded.is_empty(), "lesson {} made no call", lesson.number);
        for (thread, name) in unreturned(&lesson.recordings) {
            // A call that raised a deadly signal: strace has its result, and no one to whom it returned.
            let (seen, recorded) = (seen.get_mut(&thread), recorded.get(&thread));
            if let Some(seen) = seen.filter(|seen| seen.len() > recorded.map_or(0, Vec::len)) {
                assert_eq!(seen.pop(), Some((name, "-1 EPIPE".to_owned())), "thread {thread}");
            }
        }
        for thread in seen.keys().chain(recorded.keys()) {
            assert_eq!(
                recorded.get(thread),
                seen.get(thread),
                "lesson {}: thread {thread}: recorded, and seen by strace",
                lesson.number
            );
        }
    }
}
