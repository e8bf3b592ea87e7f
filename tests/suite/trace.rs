//! `explore trace`: programs that are not ours, seen from outside.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use socket_explorer::analysis::{Analysis, Fate};
use socket_explorer::trace::recording::Recording;
use socket_explorer::trace::{EventKind, ExitStatus, Note, Output, Role, Syscall, SyscallKind};
use tempfile::TempDir;

use crate::support::{
    ChildGuard, Ended, by_a_limit, ended, executable_copy, explore, file, folder, python_itself,
    recordings, require, told, utf8,
};

/// An echo server for two clients, a thread each. It writes its port before it listens.
const SERVER: &str = "
import os, socket, threading
def serve(conn):
    with conn:
        while data := conn.recv(1024):
            conn.sendall(data)
with socket.socket() as listener:
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(('127.0.0.1', 0))
    with open('port', 'w') as port:
        port.write(str(listener.getsockname()[1]))
    listener.listen()
    print('listening', flush=True)
    conn, _ = listener.accept()
    thread = threading.Thread(target=serve, args=[conn])
    thread.start()
    thread.join()
";

const CLIENT: &str = "
import socket
with socket.create_connection(('127.0.0.1', int(open('port').read()))) as one:
    for word in [b'hello', b'world']:
        one.sendall(word)
        got = b''
        while len(got) < len(word):
            got += one.recv(1024)
    one.sendmsg([b'a', b'bc'])
    one.recvmsg(3)
    one.shutdown(socket.SHUT_WR)
    assert one.recv(10) == b''
    print('done')
";

/// Runs `explore trace` with these arguments in this folder.
pub fn trace(folder: &TempDir, args: &[&str]) -> (Recording, Ended) {
    let path = folder.path().join("trace.jsonl");
    let mut all = vec!["trace", "--record", utf8(&path)];
    all.extend(args);
    let ended = ended(explore(&all).current_dir(folder.path()));
    let recording = recordings(&path).pop().expect("one run");
    (recording, ended)
}

/// Traces one Python program.
fn python(text: &str) -> Option<(Recording, Ended)> {
    require("python3")?;
    let folder = folder();
    file(&folder, "program.py", text);
    Some(trace(&folder, &["--", "python3", "program.py"]))
}

#[test]
fn every_byte_between_two_programs_has_a_sender_and_a_receiver() {
    if require("python3").is_none() {
        return;
    }
    let folder = folder();
    file(&folder, "server.py", SERVER);
    file(&folder, "client.py", CLIENT);
    let (recording, (out, error, code)) =
        trace(&folder, &["python3 server.py", "python3 client.py", "--view", "ladder"]);
    assert_eq!((code, error.as_str()), (Some(0), ""), "{out}");
    assert!(out.starts_with("listening\ndone\n") && out.contains("\"hello\" 5 B"), "{out}");
    let analysis = Analysis::of(&recording);
    assert_eq!(analysis.connections.len(), 1);
    let bytes: usize =
        analysis.messages.iter().filter(|it| it.receive.is_some()).map(|it| it.bytes).sum();
    assert_eq!(bytes, 2 * (5 + 5 + 3), "every byte has a sender and a receiver");
    assert!(analysis.directions.iter().all(|direction| direction.sound && direction.end.is_some()));
    assert!(analysis.sockets.iter().all(|socket| socket.closed_ns.is_some()));
    let actors: Vec<&str> = analysis.threads.iter().map(|it| &*it.actor).collect();
    assert_eq!(actors, ["server", "client", "server serve"]);
}

#[test]
fn each_call_has_its_line_and_the_recording_has_the_text() {
    let Some((recording, (_, error, _))) = python(
        "import socket\nwith socket.socket() as one:\n    one.bind(('127.0.0.1', 0))\n    one.listen(1)\n",
    ) else {
        return;
    };
    let site = |kind| {
        recording.events().iter().find_map(|event| match &event.what {
            EventKind::Enter(call) if call.kind() == kind => call.site.clone(),
            _ => None,
        })
    };
    let site = site(SyscallKind::Listen).unwrap_or_else(|| panic!("no line; {error}"));
    assert_eq!(site.to_string(), "program.py:4");
    assert_eq!(recording.source_line(&site), Some("one.listen(1)"));
}

/// How many other descriptors each close left open, in order: whose close, by whom.
fn closes(recording: &Recording) -> Vec<(String, &'static str, u32)> {
    let close = |back: &socket_explorer::trace::Return| match (back.call.kind(), &back.out) {
        (SyscallKind::Close, Output::Closed { still_open }) => Some(*still_open),
        _ => None,
    };
    let all = recording.events().iter().filter_map(|event| match &event.what {
        EventKind::Return(back) => {
            let by = if back.call.role == Role::Kernel { "kernel" } else { "program" };
            Some((event.actor.to_string(), by, close(back)?))
        }
        _ => None,
    });
    all.collect()
}

#[test]
fn a_socket_is_closed_with_its_last_descriptor_wherever_that_is() {
    let Some((recording, (out, _, code))) = python(
        "
import os, socket
one, other = socket.socketpair()
copy = os.dup(one.fileno())
one.close()
child = os.fork()
if child == 0:
    other.recv(1)
    other.close()
    os._exit(0)
other.close()
os.write(copy, b'x')
os.waitpid(child, 0)
os.close(copy)
",
    ) else {
        return;
    };
    assert_eq!(code, Some(0), "{out}");
    let mut closes = closes(&recording);
    closes.sort();
    let expected = [
        ("program", "program", 0),       // copy
        ("program", "program", 1),       // one, which has a copy
        ("program", "program", 1),       // other, which the child has too
        ("program child", "kernel", 1),  // copy, which the parent has too
        ("program child", "program", 0), // other
    ];
    let expected = expected.map(|(who, by, left)| (who.to_owned(), by, left));
    assert_eq!(closes, expected);
    let analysis = Analysis::of(&recording);
    assert_eq!(analysis.connections.len(), 1);
    assert!(analysis.messages.iter().any(|it| it.send.is_some() && it.receive.is_some()));
}

#[test]
fn a_program_that_is_killed_has_its_sockets_closed_and_its_signal_recorded() {
    let Some((recording, (_, _, code))) = python(
        "
import os, signal, socket
one = socket.socket()
one.bind(('127.0.0.1', 0))
os.kill(os.getpid(), signal.SIGSEGV)
",
    ) else {
        return;
    };
    assert_eq!(code, Some(139));
    assert_eq!(closes(&recording), [("program".to_owned(), "kernel", 0)]);
    let status = recording.events().iter().find_map(|event| match &event.what {
        EventKind::Exited { status, .. } => status.clone(),
        _ => None,
    });
    assert_eq!(status, Some(ExitStatus::Signal("SIGSEGV".into())));
}

#[test]
fn the_exit_code_is_the_worst_of_the_programs() {
    if require("sh").is_none() {
        return;
    }
    let (out, error, code) = told(&["trace", "sh -c 'exit 3'", "sh -c 'exit 7'", "sh -c 'exit 0'"]);
    assert_eq!((code, error.as_str()), (Some(7), ""));
    assert!(out.contains("No program made a call on a socket."), "{out}");
}

/// It calls the server in a thread of its own, and polls for an answer that comes when a third program has called too.
const POLLER: &str = "
import select, socket, sys, threading
def ask():
    with socket.create_connection(('127.0.0.1', int(open('port').read()))) as one:
        while not select.select([one], [], [], 0.02)[0]:
            pass
        one.recv(10)
asking = threading.Thread(target=ask)
asking.start()
asking.join()
sys.exit(3)
";

#[test]
fn a_program_that_polls_holds_nobody_up_and_its_exit_is_known_without_its_first_thread() {
    if require("python3").is_none() {
        return;
    }
    let folder = folder();
    let server = SERVER.replace("conn, _ =", "first, _ = listener.accept()\n    conn, _ =");
    file(
        &folder,
        "server.py",
        server.replace("thread.join()", "thread.join()\n    first.send(b'x')"),
    );
    file(&folder, "poller.py", POLLER);
    file(&folder, "client.py", CLIENT);
    let programs = ["python3 server.py", "python3 poller.py", "python3 client.py"];
    let (recording, (out, error, code)) = trace(&folder, &programs);
    assert_eq!(code, Some(3), "{out}\n{error}");
    let exits = recording.events().iter().filter_map(|event| match &event.what {
        EventKind::Exited { status: Some(status), .. } => Some((&*event.actor, status.clone())),
        _ => None,
    });
    let exits: BTreeMap<_, _> = exits.collect();
    assert_eq!(exits.len(), 3, "{exits:?}");
    assert_eq!(exits["poller"], ExitStatus::Code(3));
    let ends_of_thread = recording.events().iter().filter(|event| {
        matches!(event.what, EventKind::Exited { .. }) && &*event.actor == "poller ask"
    });
    assert_eq!(ends_of_thread.count(), 1);
}

/// Three threads wait in accept() on one AF_UNIX socket, all clients connect, and then each is served.
const UNIX: &str = "import os, socket, sys, threading
kind, path = getattr(socket, sys.argv[1]), sys.argv[1]
listener = socket.socket(socket.AF_UNIX, kind)
listener.bind(path)
listener.listen()
def serve():
    conn, _ = listener.accept()
    conn.send(conn.recv(100))
    assert conn.recv(100) == b''
    conn.close()
threads = [threading.Thread(target=serve) for _ in range(3)]
for thread in threads:
    thread.start()
clients = [socket.socket(socket.AF_UNIX, kind) for _ in range(3)]
for client in clients:
    client.connect(path)
for number, client in enumerate(clients):
    client.send(b'hello %d' % number)
for number, client in enumerate(clients):
    assert client.recv(100) == b'hello %d' % number
    client.close()
for thread in threads:
    thread.join()
";

#[test]
fn unix_connections_are_known_whoever_accepts_them_and_when() {
    if require("python3").is_none() {
        return;
    }
    for kind in ["SOCK_STREAM", "SOCK_SEQPACKET"] {
        let folder = folder();
        file(&folder, "program.py", UNIX);
        let (recording, (out, error, code)) =
            trace(&folder, &["--", "python3", "program.py", kind]);
        assert_eq!(code, Some(0), "{out}\n{error}");
        let analysis = Analysis::of(&recording);
        assert_eq!(analysis.connections.len(), 3, "{kind}");
        let fates: Vec<_> = analysis.messages.iter().map(|it| it.fate).collect();
        assert_eq!(fates, [Fate::Received; 6], "{kind}");
        assert_eq!(analysis.findings(), [], "{kind}");
    }
}

#[test]
fn a_program_that_was_never_started_is_named() {
    if require("sh").is_none() {
        return;
    }
    let reads = "sh -c 'while :; do read x </dev/null; done'";
    let (out, ..) = told(&["trace", "--for", "1s", reads, "late=cat x"]);
    assert!(out.contains("\nlate was not started"), "{out}");
}

#[test]
fn what_cannot_be_run_is_named_with_a_remedy() {
    let folder = folder();
    let script = file(&folder, "script.py", "print('hello')\n");
    let words = file(&folder, "words", "hello\n");
    let set_mode = |path: &Path| {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).expect("set");
    };
    set_mode(&words);
    let other = |program: &str| told(&["trace", "--", program]);
    for (program, said) in [
        ("no-such-program", "there is no such program"),
        (utf8(&script), "write its interpreter first, 'python3 "),
        (utf8(folder.path()), "it may not be executed"),
    ] {
        let (out, error, code) = other(program);
        assert_eq!((code, out.as_str()), (Some(3), ""), "{error}");
        assert!(error.contains(said) && error.contains(program), "{error}");
    }
    let (_, error, code) = told(&["trace", "cat x", "--stdin", "cat=/no/such/file"]);
    assert_eq!(code, Some(3));
    assert!(error.contains("/no/such/file"), "{error}");
    let (_, error, code) = told(&["trace", "cat x", "--stdin", "dog=x"]);
    assert_eq!(code, Some(2));
    assert!(error.contains("`dog`"), "{error}");
}

#[test]
fn at_the_deadline_it_says_who_is_blocked_in_what() {
    if require("python3").is_none() {
        return;
    }
    let folder = folder();
    let text = "import socket\none = socket.socket()\none.bind(('127.0.0.1', 0))\none.listen()\none.accept()\n";
    file(&folder, "waits.py", text);
    let (recording, (out, _, code)) = by_a_limit(
        |limit| trace(&folder, &["--for", limit, "--", "python3", "waits.py"]),
        |(_, (out, ..))| out.contains("had been blocked in accept()"),
    );
    assert_eq!(code, Some(124), "{out}");
    assert!(out.contains("waits had been blocked in accept()"), "{out}");
    assert!(out.contains("waits.py:5.\n    one.accept()\n"), "{out}");
    let leaves =
        recording.events().iter().any(|event| matches!(event.what, EventKind::Exited { .. }));
    assert!(!leaves, "it was us who ended it");
}

/// A server that tells its process and waits.
const WAITS: &str = "
import os, socket
one = socket.socket()
one.bind(('127.0.0.1', 0))
one.listen()
print(os.getpid(), flush=True)
one.accept()
";

/// Starts a trace of this program in a process group of its own, and returns once the program has printed a PID and the process with
/// that PID sleeps. Python would answer a signal that came just before a call that blocks when that call returns.
pub fn start(
    folder: &TempDir,
    text: &str,
) -> Option<(ChildGuard, BufReader<std::process::ChildStdout>, u32)> {
    let python = python_itself()?; // a shell in between would have a part in the signals
    file(folder, "program.py", text);
    let mut command = explore(&["trace", "--", &python, "program.py"]);
    let command = command.current_dir(folder.path()).process_group(0);
    let mut trace = ChildGuard::spawn(command.stdout(Stdio::piped()).stderr(Stdio::piped()));
    let mut output = BufReader::new(trace.stdout.take().expect("a pipe"));
    let mut line = String::new();
    output.read_line(&mut line).expect("a line");
    let process = line.trim().parse().expect("a PID");
    while state(process) != Some('S') {
        std::thread::yield_now();
    }
    Some((trace, output, process))
}

/// Its process group.
pub fn group(trace: &ChildGuard) -> Pid {
    Pid::from_raw(i32::try_from(trace.id()).expect("a PID"))
}

/// The state of a process, if it is there (proc_pid_stat(5)).
fn state(process: u32) -> Option<char> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    stat.rsplit_once(')')?.1.trim_start().chars().next()
}

/// True if the process runs: it is there, and no zombie.
pub fn runs(process: u32) -> bool {
    state(process).is_some_and(|state| !matches!(state, 'Z' | 'X'))
}

#[test]
fn nothing_is_left_when_explore_is_killed() {
    let folder = folder();
    let Some((mut trace, _output, process)) = start(&folder, WAITS) else { return };
    assert!(runs(process));
    trace.kill().expect("killed");
    trace.wait().expect("collected");
    while runs(process) {
        std::thread::yield_now();
    }
}

#[test]
fn ctrl_c_is_for_the_programs() {
    let folder = folder();
    let Some((trace, mut output, _)) = start(&folder, WAITS) else { return };
    killpg(group(&trace), Signal::SIGINT).expect("sent");
    let mut text = String::new();
    std::io::Read::read_to_string(&mut output, &mut text).expect("read");
    let ended = trace.output();
    assert_eq!(ended.status.code(), Some(130), "Python ends by the signal: {text}");
    assert!(text.contains("SIGINT"), "the pictures follow: {text}");
}

#[test]
fn calls_in_every_form_are_understood() {
    let Some(mut cc) = require("cc") else { return };
    let folder = folder();
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/trace/forms.c");
    let built = cc.args(["-g", "-o"]).arg(folder.path().join("forms")).arg(source).status();
    assert!(built.expect("cc runs").success());
    let (recording, (out, error, code)) = trace(&folder, &["--", "./forms"]);
    assert_eq!(code, Some(0), "{out}{error}");
    let mut names: BTreeMap<String, Vec<SyscallKind>> = BTreeMap::new();
    for event in recording.events() {
        if let EventKind::Return(back) = &event.what {
            let role = if back.call.role == Role::Kernel { "by the kernel " } else { "" };
            let name = format!("{role}{}", back.call.name);
            names.entry(name).or_default().push(back.call.kind());
        }
    }
    let kinds = |name: &str| names.get(name).map(Vec::as_slice).unwrap_or_default();
    for (name, kind, times) in [
        ("writev", SyscallKind::Send, 1),
        ("readv", SyscallKind::Recv, 1),
        ("pwritev2", SyscallKind::Send, 1),
        ("preadv2", SyscallKind::Recv, 1),
        ("sendmsg", SyscallKind::Send, 1),
        ("recvmsg", SyscallKind::Recv, 1),
        ("sendmmsg", SyscallKind::Send, 2),
        ("recvmmsg", SyscallKind::Recv, 2),
        ("sendfile", SyscallKind::Send, 1),
        ("ioctl", SyscallKind::SetFlags, 1),
        ("dup2", SyscallKind::Dup, 1),
        ("by the kernel close", SyscallKind::Close, 3),
    ] {
        assert_eq!(kinds(name), vec![kind; times], "{name}: {names:?}");
    }
    assert_eq!(kinds("splice"), [SyscallKind::Recv, SyscallKind::Send]);
    let analysis = Analysis::of(&recording);
    let nonblocking = |kind| {
        analysis
            .calls
            .iter()
            .filter(|span| span.is(kind))
            .map(|span| span.nonblocking)
            .collect::<Vec<_>>()
    };
    assert!(nonblocking(SyscallKind::Recv).contains(&true), "FIONBIO, MSG_DONTWAIT");
    let sleeps = recording.events().iter().any(|event| {
        matches!(&event.what, EventKind::Return(back) if back.call.syscall == Syscall::Sleep { asked_ns: 1_000_000 })
    });
    assert!(sleeps);
    let io_uring = EventKind::Note { note: Note::IoUring };
    assert!(recording.events().iter().any(|event| event.what == io_uring));
}

#[test]
fn two_hundred_threads_are_followed_to_their_end() {
    let Some(mut cc) = require("cc") else { return };
    let folder = folder();
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/trace/many_threads.c");
    let built = cc.args(["-pthread", "-o"]).arg(folder.path().join("many")).arg(source).status();
    assert!(built.expect("cc runs").success());
    let (recording, (_, error, code)) =
        trace(&folder, &["--view", "sockets", "--", "./many", "100", "5"]);
    assert_eq!((code, error.as_str()), (Some(0), ""));
    let analysis = Analysis::of(&recording);
    assert_eq!(analysis.connections.len(), 100);
    let received = analysis.messages.iter().filter(|it| it.receive.is_some()).count();
    assert!(received >= 100 * 5 * 2, "every round trip has both ways: {received}");
    let one_name_each = analysis.threads.len();
    assert!(one_name_each > 200, "{one_name_each}");
}

#[test]
fn a_number_that_another_socket_gets_is_that_of_the_other_from_then_on() {
    let Some(mut cc) = require("cc") else { return };
    let folder = folder();
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/trace/same_numbers.c");
    let built = cc.args(["-pthread", "-o"]).arg(folder.path().join("same")).arg(source).status();
    assert!(built.expect("cc runs").success());
    let (recording, (_, error, code)) = trace(&folder, &["--view", "sockets", "--", "./same"]);
    assert_eq!((code, error.as_str()), (Some(0), ""));
    let mut sends = 0;
    for event in recording.events() {
        let EventKind::Enter(call) = &event.what else { continue };
        let Syscall::Send { data, .. } = &call.syscall else { continue };
        let inode = call.socket.expect("a socket").0.to_string();
        assert_eq!(String::from_utf8_lossy(&data.kept), inode, "{event:?}");
        sends += 1;
    }
    assert_eq!(sends, 5 * 50 * 3);
}

#[test]
fn nobody_needs_a_privilege() {
    let (Some(mut setpriv), Some(_)) = (require("setpriv"), require("python3")) else { return };
    if !nix::unistd::geteuid().is_root() {
        return; // the other tests have shown it
    }
    let folder = tempfile::tempdir_in("/tmp").expect("a folder");
    let copy = folder.path().join("explore");
    executable_copy(env!("CARGO_BIN_EXE_explore"), &copy);
    let open = |path: &Path| {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o777)).expect("set");
    };
    open(folder.path());
    let python = ["/usr/bin/python3", "python3"].into_iter().find(|it| Path::new(it).exists());
    setpriv.args(["--reuid", "65534", "--regid", "65534", "--clear-groups", "--bounding-set=-all"]);
    let text = "import socket; a, b = socket.socketpair(); a.send(b'x'); print(b.recv(1))";
    let run: &mut Command =
        setpriv.arg(&copy).args(["trace", "-v", "--", python.unwrap_or("python3"), "-c", text]);
    let (out, error, code) = ended(run.current_dir(folder.path()));
    assert_eq!(code, Some(0), "{error}");
    assert!(out.contains("socketpair(") && out.contains("\"x\""), "{out}");
}
