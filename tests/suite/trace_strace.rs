//! `explore trace` records the calls on sockets that strace sees, thread by thread, call by call, result by result, of programs in
//! several languages, each of which makes them in its own way.
//!
//! The programs run twice, once under strace and once under `explore trace`. No two runs are quite the same, so some things are
//! compared with care:
//!
//! - Threads have other TIDs: they are matched by what they called.
//! - Whether bytes are there already when a program asks that does not block, and into how many pieces TCP cut them: calls that
//!   failed with `EAGAIN` are left out, and receives that follow each other on one socket are added up.
//! - How often a program waits, and in which of its threads a runtime does so: of select(2), poll(2) and epoll_wait(2) only the
//!   names are compared.
//! - Which descriptor is free in node, Java and Go, whose other threads open files meanwhile: that is not compared.

mod seen;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use socket_explorer::trace::recording::Recording;
use socket_explorer::trace::{EventKind, Outcome, Role};
use socket2::{Domain, Socket, Type};
use tempfile::TempDir;

use crate::strace::NETWORK;
use crate::support::{ChildGuard, folder, isolated, require, utf8};
use crate::trace::trace;

/// Calls that wait for several sockets.
const WAITS: &[&str] =
    &["poll", "ppoll", "select", "pselect6", "epoll_wait", "epoll_pwait", "epoll_pwait2"];

/// Other calls that may be on sockets, besides those of the network.
const OTHERS: &[&str] = &[
    "read",
    "readv",
    "write",
    "writev",
    "sendfile",
    "splice",
    "close",
    "dup",
    "dup2",
    "dup3",
    "fcntl",
    "ioctl",
    "epoll_create",
    "epoll_create1",
    "epoll_ctl",
];

/// Calls that return a descriptor. Which one is free depends on what the other threads of a runtime have open.
const OPENING: &[&str] = &["socket", "accept", "accept4", "epoll_create1"];

/// A call that has returned.
struct Call {
    thread: u32,
    name: String,
    /// What it was made on, or made: both sockets of a pair.
    on: Vec<String>,
    result: String,
}

/// What is compared: the calls of each thread with their results, and the names of the calls in which the programs waited.
#[derive(Debug, PartialEq)]
struct Compared {
    threads: Vec<Vec<(String, String)>>,
    waits: BTreeSet<String>,
}

impl Compared {
    fn of(calls: impl Iterator<Item = Call>) -> Compared {
        let (mut threads, mut waits) = (BTreeMap::<u32, Vec<Call>>::new(), BTreeSet::new());
        for call in calls {
            if WAITS.contains(&&*call.name) {
                waits.insert(call.name);
                continue;
            }
            if call.result == "-1 EAGAIN" {
                continue;
            }
            let thread = threads.entry(call.thread).or_default();
            match thread.last_mut() {
                Some(last) if let Some(bytes) = bytes_of_both(last, &call) => last.result = bytes,
                _ => thread.push(call),
            }
        }
        let told = |calls: Vec<Call>| calls.into_iter().map(|it| (it.name, it.result)).collect();
        let mut threads: Vec<Vec<_>> = threads.into_values().map(told).collect();
        threads.sort();
        Compared { threads, waits }
    }
}

/// The bytes of two calls that received from one socket.
fn bytes_of_both(one: &Call, other: &Call) -> Option<String> {
    let receives = ["recvfrom", "recvmsg", "read", "readv"].contains(&&*one.name);
    if !receives || (&one.name, &one.on) != (&other.name, &other.on) {
        return None;
    }
    let bytes = |call: &Call| call.result.parse::<u64>().ok().filter(|bytes| *bytes > 0);
    Some((bytes(one)? + bytes(other)?).to_string())
}

/// Runs these programs under strace, each once the one before listens, and gives what it saw of each.
fn under_strace(programs: &[&str]) -> Option<Vec<String>> {
    let folder = folder();
    let listed = NETWORK.iter().chain(WAITS).chain(OTHERS).map(|name| format!("?{name}"));
    let traced = format!("trace={}", listed.collect::<Vec<_>>().join(","));
    let mut running = Vec::new();
    for (index, program) in programs.iter().enumerate() {
        let log = folder.path().join(format!("{index}.strace"));
        let mut strace = require("strace")?;
        strace.args(["-f", "-qq", "-y", "-e", &traced, "-e", "signal=none", "-o", utf8(&log)]);
        strace.args(shlex::split(program).expect("words")).current_dir(folder.path());
        isolated(&mut strace).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut started = ChildGuard::spawn(&mut strace);
        while index + 1 < programs.len() && !listens(&log) {
            assert!(started.try_wait().expect("a child").is_none(), "{program} listens");
            std::thread::sleep(Duration::from_millis(1));
        }
        running.push((log, started));
    }
    let ended = running.into_iter().map(|(log, started)| {
        let status = started.output().status;
        assert!(status.success(), "{}: {status}", log.display());
        fs::read_to_string(log).expect("what strace saw")
    });
    Some(ended.collect())
}

/// True once a call of listen(2) has returned.
fn listens(log: &Path) -> bool {
    let text = fs::read_to_string(log).unwrap_or_default();
    text.lines().any(|line| line.contains("listen") && line.ends_with("= 0"))
}

/// What the programs themselves called.
fn recorded(recording: &Recording) -> impl Iterator<Item = Call> {
    recording.events().iter().filter_map(|event| {
        let EventKind::Return(back) = &event.what else { return None };
        let name = &*back.call.name;
        let is_compared = [NETWORK, WAITS, OTHERS].iter().any(|names| names.contains(&name));
        // Which of them are on sockets and epolls, and not on files.
        let is_on_one = back.call.socket.is_some()
            || ["socket", "epoll", "close"].iter().any(|it| name.starts_with(it))
            || WAITS.contains(&name);
        if back.call.role != Role::Program || !is_compared || !is_on_one {
            return None;
        }
        let result = match &back.outcome {
            Outcome::Result(value) => value.to_string(),
            Outcome::Errno(errno) => format!("-1 {errno}"),
        };
        let on = back.call.socket.iter().map(|socket| socket.0.to_string()).collect();
        Some(Call { thread: event.thread, name: name.to_owned(), on, result })
    })
}

/// Runs the programs both ways, compares, and gives the recording.
fn compare(programs: &[&str]) -> Option<Recording> {
    compare_without(programs, &[])
}

/// The same, where it is not compared which descriptors these calls opened.
fn compare_without(programs: &[&str], unsure: &[&str]) -> Option<Recording> {
    let logs = under_strace(programs)?;
    let folder = folder();
    // A name makes a program of one word.
    let named: Vec<String> = programs
        .iter()
        .enumerate()
        .map(|(index, program)| format!("program{index}={program}"))
        .collect();
    let mut arguments = vec!["--view", "findings"];
    arguments.extend(named.iter().map(String::as_str));
    let (recording, (out, error, code)) = trace(&folder, &arguments);
    assert_eq!(code, Some(0), "{out}{error}");
    let sure = |mut call: Call| {
        if unsure.contains(&&*call.name) && call.result.parse::<u32>().is_ok() {
            call.result = "a descriptor".to_owned();
        }
        call
    };
    let seen = Compared::of(logs.iter().flat_map(|log| seen::recorded(log)).map(sure));
    let recorded = Compared::of(recorded(&recording).map(sure));
    assert!(!recorded.threads.is_empty(), "{out}");
    assert_eq!(recorded, seen, "recorded, and seen by strace");
    Some(recording)
}

/// A program of the tests, or what is made of it.
fn source(name: &str) -> String {
    format!("{}/tests/data/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn python(name: &str) -> String {
    format!("python3 {}", source(&format!("strace/{name}.py")))
}

/// Compiles a program in C.
fn compiled(name: &str, options: &[&str]) -> Option<(TempDir, String)> {
    let mut cc = require("cc")?;
    let folder = folder();
    let program = utf8(&folder.path().join("program")).to_owned();
    cc.args(["-g", "-pthread", "-o", &program, &source(name)]).args(options);
    assert!(cc.status().expect("cc runs").success());
    Some((folder, program))
}

/// The calls of the programs with the lines from which they were made: `connect at client.py:4`.
fn lines(recording: &Recording) -> BTreeSet<String> {
    let line = |what: &EventKind| match what {
        EventKind::Return(back) if back.call.role == Role::Program => {
            let site = back.call.site.as_ref()?;
            let file = Path::new(&*site.file).file_name()?.to_string_lossy().into_owned();
            Some(format!("{} at {file}:{}", back.call.name, site.line))
        }
        _ => None,
    };
    recording.events().iter().filter_map(|event| line(&event.what)).collect()
}

#[test]
fn python_with_threads() {
    if require("python3").is_some() {
        compare(&[&python("threads_server"), &python("client")]);
    }
}

#[test]
fn python_with_selectors() {
    if require("python3").is_some() {
        compare(&[&python("selectors_server"), &python("client")]);
        compare(&[&python("pair")]);
    }
}

#[test]
fn python_with_asyncio() {
    if require("python3").is_some() {
        compare(&[&python("asyncio_server"), &python("asyncio_client")]);
    }
}

#[test]
fn pythons_http_server_with_curl() {
    if require("python3").is_some() && require("curl").is_some() {
        // The file that it serves is the one with its port.
        let curl = "sh -c 'exec curl --silent --fail http://127.0.0.1:$(cat port)/port'";
        compare(&[&python("http_server"), curl]);
    }
}

#[test]
fn node() {
    if require("node").is_none() {
        return;
    }
    let [server, client] = ["server", "client"].map(|name| source(&format!("strace/{name}.js")));
    let programs = [&*format!("node {server}"), &*format!("node {client}")];
    if let Some(recording) = compare_without(&programs, OPENING) {
        assert_eq!(lines(&recording), [].into(), "lines of JavaScript are not known");
    }
}

#[test]
fn java_with_a_selector() {
    let (Some(_), Some(mut javac)) = (require("java"), require("javac")) else { return };
    let folder = folder();
    let classes = utf8(folder.path());
    javac
        .args(["-d", classes])
        .args(["Server", "Client"].map(|name| source(&format!("strace/{name}.java"))));
    assert!(javac.status().expect("javac runs").success());
    let [server, client] = ["Server", "Client"].map(|name| format!("java -cp {classes} {name}"));
    if let Some(recording) = compare_without(&[&server, &client], OPENING) {
        assert_eq!(lines(&recording), [].into(), "lines of Java are not known");
    }
}

#[test]
fn a_static_program_in_go() {
    let Some(mut go) = require("go") else { return };
    let folder = folder();
    let (program, text) = (utf8(&folder.path().join("echo")).to_owned(), source("strace/echo.go"));
    go.args(["build", "-o", &program, &text]).env("CGO_ENABLED", "0");
    go.env("GOCACHE", folder.path().join("cache")); // where there is no HOME
    assert!(go.status().expect("go runs").success());
    let programs = ["server", "client"].map(|role| format!("{program} {role}"));
    let programs = programs.each_ref().map(String::as_str);
    let Some(recording) = compare_without(&programs, OPENING) else { return };
    let (text, lines) = (fs::read_to_string(&text).expect("read"), lines(&recording));
    for (name, mark) in
        [("accept4", "// accepts"), ("connect", "// connects"), ("write", "// echoes")]
    {
        let line = text.lines().position(|line| line.ends_with(mark)).expect(mark) + 1;
        assert!(lines.contains(&format!("{name} at echo.go:{line}")), "{name}: {lines:?}");
    }
    // Its scheduler sleeps, and the program does not.
    let is_sleep =
        |what: &EventKind| matches!(what, EventKind::Enter(call) if call.syscall.sleeps());
    assert!(!recording.events().iter().any(|event| is_sleep(&event.what)));
}

#[test]
fn c_with_fork_and_vfork() {
    if let Some((_folder, program)) = compiled("strace/fork.c", &[]) {
        compare(&[&program]);
    }
    if let Some((_folder, program)) = compiled("trace/processes.c", &["-static"]) {
        for what in ["vfork", "thread", "prefork", "files"] {
            compare(&[&format!("{program} {what}")]);
        }
    }
}

#[test]
fn nc_with_ncat() {
    if require("nc").is_none() || require("ncat").is_none() {
        return;
    }
    // nc cannot choose a port, so a socket that does not listen keeps one for it.
    let keeps = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    keeps.set_reuse_address(true).expect("set");
    keeps.bind(&std::net::SocketAddr::from(([127, 0, 0, 1], 0)).into()).expect("bound");
    let port = keeps.local_addr().expect("an address").as_socket().expect("of IP").port();
    let folder = folder();
    let word = crate::support::file(&folder, "word", "hello\n");
    let ncat = format!("sh -c 'exec ncat 127.0.0.1 {port} < {}'", utf8(&word));
    compare(&[&format!("nc -l 127.0.0.1 {port}"), &ncat]);
}
