//! What a recording says a thread called is what strace says it called: the same network calls, in the same order,
//! with the same results.

use std::collections::{BTreeMap, BTreeSet};

use socket_explorer::trace::recording::Recording;
use socket_explorer::trace::{EventKind, Fact, Observation, Outcome};

use crate::course_run;
use crate::support::{folder, require};

pub const NETWORK: &[&str] = &[
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
    let first = text.split_whitespace().next().and_then(|thread| thread.parse::<u32>().ok());
    let mut calls = all_from_strace(text);
    if let Some(thread) = first {
        calls.remove(&thread);
    }
    calls
}

/// All calls but the questions to nscd: libc asks it for users and groups, a shell without HOME as it starts.
fn all_from_strace(text: &str) -> Calls {
    let mut calls = Calls::new();
    let mut asks_nscd = BTreeSet::new();
    for line in text.lines() {
        let (thread, rest) =
            line.split_once(char::is_whitespace).expect("a line begins with a TID");
        let rest = rest.trim_start();
        if rest.contains("\"/var/run/nscd/socket\"") {
            asks_nscd.insert(thread);
        }
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
        if asks_nscd.remove(thread) {
            let thread = thread.parse().expect("a TID");
            let socket = calls.get_mut(&thread).and_then(Vec::pop);
            assert!(socket.is_some_and(|(name, _)| name == "socket"), "{line}");
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
                Fact::TcpTable { .. }
                | Fact::AddressInUse { .. }
                | Fact::CommandOutput { .. }
                | Fact::StillOpen { .. }
                | Fact::Kind { .. }
                | Fact::UnixPeer(_) => {
                    continue;
                }
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

/// An echo server with Python's own framework, which serves one client.
const SOCKETSERVER: &str = "
import socket, socketserver, threading

class Echo(socketserver.BaseRequestHandler):
    def handle(self):
        while data := self.request.recv(1024):
            self.request.sendall(data)

def client(address):
    with socket.create_connection(address) as one:
        one.sendall(b'hello\\n')
        one.shutdown(socket.SHUT_WR)
        one.recv(1024)

with socketserver.TCPServer(('127.0.0.1', 0), Echo) as server:
    threading.Thread(target=client, args=[server.server_address]).start()
    server.handle_request()
";

#[test]
fn the_framework_of_lesson_1_makes_the_calls_of_pythons_socketserver() {
    let (Some(mut strace), Some(_)) = (require("strace"), require("python3")) else { return };
    let folder = folder();
    let seen = folder.path().join("strace");
    strace.args(["-f", "-qq", "-e", "trace=%network,poll,ppoll", "-o"]).arg(&seen);
    let ended = strace.args(["python3", "-c", SOCKETSERVER]).output().expect("strace runs");
    assert!(ended.status.success(), "{ended:?}");
    let text = std::fs::read_to_string(&seen).expect("what strace saw");
    let is_server = |line: &&str| line.contains(" bind(");
    let server = text.lines().find(is_server).and_then(|line| line.split_whitespace().next());
    let server = server.expect("the server binds").parse::<u32>().expect("a TID");

    let recording = &course_run::english()[0].recordings;
    let framework =
        recording.iter().flat_map(|recording| recording.events()).filter_map(|event| match &event
            .what
        {
            EventKind::Return(back) if &*event.actor == "by-framework" => {
                Some(back.call.name.to_string())
            }
            _ => None,
        });
    // Where a socket is bound, each library asks when it likes; strace was not asked for close.
    let told = |name: &String| name != "getsockname" && name != "close";
    let by_framework: Vec<String> = framework.filter(told).collect();
    let python = all_from_strace(&text).remove(&server).expect("the server's calls");
    let python: Vec<String> = python.into_iter().map(|(name, _)| name).collect();
    let python: Vec<String> = python.into_iter().filter(told).collect();
    assert_eq!(by_framework, python);
}
