//! `explore trace`: processes that come and go in unusual ways, and signals that they ignore.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::process::Stdio;

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;
use socket_explorer::analysis::Analysis;
use socket_explorer::trace::recording::Recording;
use socket_explorer::trace::{
    Call, Event, EventKind, ExitStatus, Outcome, Output, Role, SyscallKind,
};

use crate::support::{ChildGuard, Ended, explore, file, folder, python_itself, require, utf8};
use crate::trace::{group, start, trace};

/// Compiles a program in C, and traces it.
fn traced(name: &str, options: &[&str], arguments: &[&str]) -> Option<(Recording, Ended)> {
    let mut cc = require("cc")?;
    let folder = folder();
    let program = folder.path().join("program");
    let source = format!("{}/tests/data/trace/{name}.c", env!("CARGO_MANIFEST_DIR"));
    cc.args(["-g", "-pthread", "-o", utf8(&program), &source]).args(options);
    assert!(cc.status().expect("cc runs").success());
    let command = [&["--view", "findings", "--", utf8(&program)], arguments].concat();
    Some(trace(&folder, &command))
}

/// The actors, in the order in which they first did something.
fn actors(recording: &Recording) -> Vec<String> {
    Analysis::of(recording).threads.iter().map(|it| it.actor.to_string()).collect()
}

/// The bytes that one socket sent and another received.
fn delivered(recording: &Recording) -> usize {
    let analysis = Analysis::of(recording);
    let whole = analysis.messages.iter().filter(|it| it.send.is_some() && it.receive.is_some());
    whole.map(|it| it.bytes).sum()
}

/// What closed sockets without a call of the program's, each time it did: `execve`, `exit`.
fn closed_by(recording: &Recording) -> Vec<String> {
    let cause = |what: &EventKind| match what {
        EventKind::Return(back) if back.call.role == Role::Kernel => {
            matches!(back.out, Output::Closed { .. }).then(|| back.call.api.clone())?
        }
        _ => None,
    };
    recording.events().iter().filter_map(|event| Some(cause(&event.what)?.to_string())).collect()
}

/// Who ran another program.
fn execed(recording: &Recording) -> Vec<String> {
    let is_exec = |what: &EventKind| matches!(what, EventKind::Execed { .. });
    let events = recording.events().iter().filter(|event| is_exec(&event.what));
    events.map(|event| event.actor.to_string()).collect()
}

#[test]
fn a_child_of_vfork_that_runs_another_program_is_followed() {
    let Some((recording, (out, error, code))) = traced("processes", &[], &["vfork"]) else {
        return;
    };
    assert_eq!(code, Some(0), "{out}{error}");
    assert_eq!(actors(&recording), ["program", "program 2"]);
    assert_eq!(delivered(&recording), 5);
}

#[test]
fn a_thread_that_runs_another_program_ends_the_others() {
    let Some((recording, (out, error, code))) = traced("processes", &[], &["thread"]) else {
        return;
    };
    assert_eq!(code, Some(0), "{out}{error}");
    assert_eq!(actors(&recording), ["program", "program thread"]);
    assert_eq!(execed(&recording), ["program thread"]);
    assert_eq!(closed_by(&recording), ["execve", "execve", "exit", "exit"]);
    assert_eq!(delivered(&recording), 5, "what it runs now talks to itself");
    let exited: Vec<_> = recording
        .events()
        .iter()
        .filter_map(|event| match &event.what {
            EventKind::Exited { status, .. } => Some((&*event.actor, status.clone())),
            _ => None,
        })
        .collect();
    let process = Some(ExitStatus::Code(0));
    assert_eq!(exited, [("program", None), ("program thread", process)]);
    let blocked = recording.events().iter().any(|event| {
        matches!(&event.what, EventKind::Enter(call) if call.kind() == SyscallKind::Recv)
            && &*event.actor == "program"
    });
    assert!(blocked, "the first thread was in recv()");
}

#[test]
fn a_process_that_shares_its_descriptors_closes_none_when_it_ends() {
    let Some((recording, (out, error, code))) = traced("processes", &[], &["files"]) else {
        return;
    };
    assert_eq!(code, Some(0), "{out}{error}");
    assert_eq!(delivered(&recording), 10);
    // Both ends of the pair that was used, when the last process ends.
    assert_eq!(closed_by(&recording), ["exit"; 2], "{out}");
}

#[test]
fn a_static_server_with_children_that_accept_on_one_listener_is_followed() {
    let Some((recording, (out, error, code))) = traced("processes", &["-static"], &["prefork"])
    else {
        return;
    };
    assert_eq!(code, Some(0), "{out}{error}");
    let mut actors = actors(&recording);
    actors.sort();
    assert_eq!(actors, ["program", "program child", "program child 2"]);
    assert_eq!(delivered(&recording), 2 * (5 + 5));
    let analysis = Analysis::of(&recording);
    assert_eq!(analysis.connections.len(), 2);
    assert!(analysis.sockets.iter().all(|socket| socket.closed_ns.is_some()));
}

#[test]
fn a_crash_of_one_thread_closes_the_sockets_of_all() {
    let Some((recording, (out, error, code))) = traced("processes", &[], &["crash"]) else {
        return;
    };
    assert_eq!(code, Some(139), "{out}{error}");
    assert_eq!(closed_by(&recording), ["exit"; 4]);
    let ends = recording.events().iter().rev().find_map(|event| match &event.what {
        EventKind::Exited { status, .. } => status.clone(),
        _ => None,
    });
    assert_eq!(ends, Some(ExitStatus::Signal("SIGSEGV".into())));
}

#[test]
fn a_signal_that_is_ignored_cuts_no_call_short() {
    let Some((recording, (out, error, code))) = traced("ignored_signals", &[], &[]) else {
        return;
    };
    assert_eq!(code, Some(0), "{out}{error}");
    let results = recording.events().iter().filter_map(|event| match &event.what {
        EventKind::Return(back) if &*event.actor != "program" => Some(back),
        _ => None,
    });
    let failed: Vec<_> = results.filter(|it| matches!(it.outcome, Outcome::Errno(_))).collect();
    assert!(failed.is_empty(), "{failed:?}");
}

/// Its thread is there before the first socket, and it has a filter of its own, under which it may take no other.
const READS: &str = r#"import ctypes, os, socket, struct, threading
ready, ends = threading.Event(), []
def reader():
    ready.wait()
    ends.append(os.read(two.fileno(), 5))
thread = threading.Thread(target=reader)
thread.start()
code = [(0x20, 0, 0, 0), (0x15, 0, 1, SECCOMP), (6, 0, 0, 0x50001), (6, 0, 0, 0x7fff0000)]
lines = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *one) for one in code))
program = struct.pack("@HP", len(code), ctypes.addressof(lines))
libc = ctypes.CDLL(None, use_errno=True)
if FORBIDS:
    assert libc.prctl(38, 1, 0, 0, 0) == 0 and libc.prctl(22, 2, program, 0, 0) == 0
one, two = socket.socketpair()
one.send(b"hello")
ready.set()
thread.join()
os.close(one.detach())
assert os.read(two.fileno(), 5) == b""
"#;

#[test]
fn reads_and_closes_are_seen_of_all_threads_from_the_first_socket_on() {
    if require("python3").is_none() {
        return;
    }
    for forbids in ["True", "False"] {
        let folder = folder();
        let number = nix::libc::SYS_seccomp.to_string();
        file(&folder, "reads.py", READS.replace("FORBIDS", forbids).replace("SECCOMP", &number));
        let (recording, (out, error, code)) = trace(&folder, &["--", "python3", "reads.py"]);
        assert_eq!(code, Some(0), "{out}{error}");
        assert_eq!((made(&recording, "read"), made(&recording, "close")), (2, 2), "{out}");
        let has_note = |event: &Event| matches!(event.what, EventKind::Note { .. });
        assert!(!recording.events().iter().any(has_note), "{out}");
    }
}

/// How often this call was made on a socket by the program itself.
fn made(recording: &Recording, name: &str) -> usize {
    let analysis = Analysis::of(recording);
    let its = |call: &Call| &*call.name == name && call.role == Role::Program;
    analysis.calls.iter().filter(|span| its(&span.call) && span.call.socket.is_some()).count()
}

#[test]
fn no_read_and_no_close_is_lost_of_threads_that_make_their_first_sockets_at_once() {
    for threads in [2, 8, 8, 32] {
        let arguments = [&*threads.to_string()];
        let Some((recording, (out, error, code))) = traced("first_sockets", &[], &arguments) else {
            return;
        };
        assert_eq!(code, Some(0), "{out}{error}");
        assert_eq!(made(&recording, "read"), threads, "{out}");
        assert_eq!(made(&recording, "close"), 2 * threads, "{out}");
    }
}

/// It says that it runs, and computes before it listens; started with a word, it leaves a file.
const EARLY: &str = "
import os, sys
if sys.argv[1:]:
    open('started', 'w').close()
else:
    print(os.getpid(), flush=True)
    while True:
        pass
";

#[test]
fn after_ctrl_c_no_other_program_is_started() {
    let Some(python) = python_itself() else { return };
    let folder = folder();
    file(&folder, "early.py", EARLY);
    let (first, second) = (format!("{python} early.py"), format!("second={python} early.py on"));
    let mut command = explore(&["trace", &first, &second]);
    let command = command.current_dir(folder.path()).process_group(0);
    let mut trace = ChildGuard::spawn(command.stdout(Stdio::piped()).stderr(Stdio::piped()));
    let mut output = BufReader::new(trace.stdout.take().expect("a pipe"));
    let mut line = String::new();
    output.read_line(&mut line).expect("a line");
    killpg(group(&trace), Signal::SIGINT).expect("sent");
    let mut shown = String::new();
    output.read_to_string(&mut shown).expect("the rest");
    let ended = trace.output();
    assert_eq!(ended.status.code(), Some(130), "Python ends by the signal");
    let said = shown + &String::from_utf8_lossy(&ended.stderr);
    assert!(said.contains("second was not started: "), "{said}");
    assert!(!folder.path().join("started").exists(), "{said}");
}

/// One thread closes a socket, and another goes on with its number: while nothing has it, and when a file does.
const CLOSED: &str = "
import asyncio, os, socket, threading
one, other = socket.socketpair()
number = one.fileno()
other.send(b'x')
def attempt(call, *arguments):
    try:
        call(*arguments)
    except OSError as error:
        print(error)
def goes_on():
    os.read(number, 1)
    closing.start()
    closing.join()
    attempt(os.read, number, 1)
    attempt(os.write, number, b'x')
    attempt(os.readv, number, [bytearray(1)])
    attempt(os.writev, number, [b'x'])
    attempt(os.read, 900, 1)
    file = os.open('/dev/zero', os.O_RDWR)
    assert file == number
    os.read(number, 1)
    os.write(number, b'x')
closing = threading.Thread(target=one.close)
going_on = threading.Thread(target=goes_on)
going_on.start()
going_on.join()
";

#[test]
fn read_and_write_on_a_socket_that_another_thread_has_closed_are_recorded_and_on_no_other_number() {
    let Some(python) = python_itself() else { return };
    let folder = folder();
    file(&folder, "closed.py", CLOSED);
    let (recording, (text, _, code)) =
        trace(&folder, &["--view", "findings", "--", &python, "closed.py"]);
    assert_eq!(code, Some(0), "{text}");
    assert_eq!(text.matches("Bad file descriptor").count(), 5, "{text}");
    assert!(text.contains("went on using a socket that"), "{text}");
    let calls = recording.events().iter().filter_map(|event| match &event.what {
        EventKind::Return(back) if back.call.fd.is_some() && back.call.socket.is_none() => {
            Some((&*back.call.name, back.outcome.clone()))
        }
        _ => None,
    });
    let fails = |name| (name, Outcome::Errno("EBADF".into()));
    let expected = ["read", "write", "readv", "writev"].map(fails);
    assert_eq!(calls.collect::<Vec<_>>(), expected);
}

/// It ignores SIGINT. SIGTERM ends its receive, and an alarm its poll, until that has something to tell.
const INTERRUPTED: &str = "
import os, select, signal, socket
class Over(Exception):
    pass
def over(*_):
    raise Over
rang = 0
def rings(*_):
    global rang
    rang += 1
    if rang == 5:
        other.send(b'x')
signal.signal(signal.SIGINT, signal.SIG_IGN)
signal.signal(signal.SIGTERM, over)
signal.signal(signal.SIGALRM, rings)
one, other = socket.socketpair()
waiting = select.poll()
waiting.register(one, select.POLLIN)
try:
    print(os.getpid(), flush=True)
    one.recv(1)
except Over:
    signal.setitimer(signal.ITIMER_REAL, 0.02, 0.02)
    waiting.poll(60_000)
    signal.setitimer(signal.ITIMER_REAL, 0)
";

#[test]
fn a_call_was_interrupted_by_the_signal_that_did_it_and_not_by_one_that_is_ignored() {
    let folder = folder();
    let Some((mut trace, mut output, program)) = start(&folder, INTERRUPTED) else { return };
    let process = Pid::from_raw(program.cast_signed());
    // The number of its system call, then the arguments (proc_pid_syscall(5)).
    let receives = || {
        let call = std::fs::read_to_string(format!("/proc/{program}/syscall")).unwrap_or_default();
        call.starts_with(&format!("{} ", libc::SYS_recvfrom))
    };
    while !receives() {
        std::thread::yield_now();
    }
    kill(process, Signal::SIGINT).expect("it runs");
    let is_pending = || {
        let status = std::fs::read_to_string(format!("/proc/{program}/status")).expect("it runs");
        status.lines().any(|line| line.contains("Pnd:") && !line.ends_with("0000000000000000"))
    };
    while is_pending() {
        std::thread::yield_now();
    }
    kill(process, Signal::SIGTERM).expect("it runs");
    let mut text = String::new();
    output.read_to_string(&mut text).expect("the pictures");
    assert_eq!(trace.wait().expect("it is ours").code(), Some(0), "{text}");
    for interrupted in ["recv: interrupted by SIGTERM", "poll: interrupted by SIGALRM"] {
        assert!(text.contains(interrupted), "{interrupted}: {text}");
    }
    assert!(!text.contains("SIGINT"), "{text}");
}
