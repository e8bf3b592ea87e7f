//! Tracing where the system forbids a part of it: sandboxes, containers, old kernels. A program that forbids itself the calls in
//! question and then becomes `explore` stands for them (`tests/data/trace/deny.c`).

use std::process::Command;

use socket_explorer::analysis::Analysis;
use socket_explorer::trace::recording::Recording;
use socket_explorer::trace::{Data, Ending, Event, EventKind, Fact, Note, Observation};
use tempfile::TempDir;

use crate::support::{
    Ended, ended, file, folder, isolated, python_itself, recordings, require, utf8,
};
use crate::trace::trace;
use crate::trace_facts::built;

/// A server and its client, in one program.
const PAIR: &str = "
import socket, threading
def serve():
    conn, _ = listener.accept()
    with conn:
        conn.sendall(conn.recv(100).upper())
listener = socket.create_server(('127.0.0.1', 0))
thread = threading.Thread(target=serve)
thread.start()
with socket.create_connection(listener.getsockname()) as client:
    client.sendall(b'hello')
    assert client.recv(100) == b'HELLO'
thread.join()
listener.close()
";

/// `explore trace` where these calls fail.
fn traced_without(
    folder: &TempDir,
    forbidden: &[&str],
    args: &[&str],
) -> Option<(Ended, Option<Recording>)> {
    let deny = built(folder, "deny")?;
    let path = folder.path().join("trace.jsonl");
    let mut command = Command::new(deny);
    command.args(forbidden).args(["--", env!("CARGO_BIN_EXE_explore"), "trace"]);
    command.args(["--record", utf8(&path)]).args(args).current_dir(folder.path());
    let ended = ended(isolated(&mut command));
    let recording = path.metadata().is_ok_and(|it| it.len() > 0).then(|| recordings(&path).pop());
    Some((ended, recording.flatten()))
}

#[test]
fn where_ptrace_is_forbidden_that_is_said_with_what_helps() {
    for forbidden in [&["ptrace=EPERM"][..], &["ptrace=EPERM", "unshare=EPERM"]] {
        let folder = folder();
        let Some(((out, error, code), _)) = traced_without(&folder, forbidden, &["--", "true"])
        else {
            return;
        };
        assert_eq!((code, out.as_str()), (Some(3), ""), "{error}");
        assert!(error.contains("PTRACE_SEIZE: EPERM"), "{error}");
        assert!(
            error.contains("--cap-add SYS_PTRACE") && error.contains("ptrace_scope"),
            "{error}"
        );
    }
    let folder = folder();
    let Some(((_, error, code), _)) = traced_without(&folder, &["ptrace=ENOSYS"], &["--", "true"])
    else {
        return;
    };
    assert_eq!(code, Some(3));
    assert!(error.contains("PTRACE_SEIZE: ENOSYS") && error.contains("sandbox"), "{error}");
    assert!(!error.contains("ptrace_scope"), "it is not a matter of rights: {error}");
}

/// `explore check` where ptrace(2) is forbidden.
fn checked_without_ptrace(folder: &TempDir, args: &[&str]) -> Option<Ended> {
    let mut command = Command::new(built(folder, "deny")?);
    command.args(["ptrace=EPERM", "unshare=EPERM", "--", env!("CARGO_BIN_EXE_explore"), "check"]);
    let state = folder.path().join("state");
    let command = command.args(args).env("XDG_STATE_HOME", state);
    Some(ended(isolated(command)))
}

#[test]
fn where_ptrace_is_forbidden_an_exercise_is_judged_from_outside() {
    let Some(python) = python_itself() else { return };
    let folder = folder();
    let root = env!("CARGO_MANIFEST_DIR");
    let solution = |lesson: &str, role: &str| {
        format!("{role}={python} '{root}/lessons/{lesson}/exercise/solution/python/{role}.py'")
    };
    let echo = ["server", "client"].map(|role| solution("01-socket", role));
    let Some((out, error, code)) = checked_without_ptrace(&folder, &["1", &echo[0], &echo[1]])
    else {
        return;
    };
    assert!(
        code == Some(0) && out.contains("judged by what can be seen from outside"),
        "{out}{error}"
    );
    let wrong = format!("{python} '{root}/tests/data/exercises/01/wrong_waits_for_newline.py'");
    let told = checked_without_ptrace(&folder, &["1", &wrong]);
    let (out, error, code) = told.expect("it is built");
    assert!(code == Some(1) && out.contains("    not met: alice waited for"), "{out}{error}");
    let server = solution("09-nonblocking", "server");
    let told = checked_without_ptrace(&folder, &["9", &server]);
    let (out, error, code) = told.expect("it is built");
    assert!(code == Some(1) && !out.contains("✗"), "{out}{error}");
    assert!(out.contains("What was checked is right."), "{out}{error}");
    assert_eq!(out.matches("○").count(), 1, "who made the calls is all that is not known: {out}");
}

#[test]
fn under_another_tracer_that_is_said() {
    let Some(mut strace) = require("strace") else { return };
    strace.args(["-f", "-qq", "-e", "trace=none", "-o", "/dev/null"]);
    let command = strace.args([env!("CARGO_BIN_EXE_explore"), "trace", "--", "true"]);
    let (out, error, code) = ended(isolated(command));
    assert_eq!((code, out.as_str()), (Some(3), ""), "{error}");
    assert!(
        error.contains("PTRACE_SEIZE: EPERM") && error.contains("under strace, gdb"),
        "{error}"
    );
}

#[test]
fn a_kernel_that_is_too_old_is_told_as_one_with_its_version() {
    let folder = folder();
    let lacks = ["ptrace/16910=EIO"]; // PTRACE_GET_SYSCALL_INFO
    let Some(((out, error, code), _)) = traced_without(&folder, &lacks, &["--", "true"]) else {
        return;
    };
    assert_eq!((code, out.as_str()), (Some(3), ""), "{error}");
    let release = nix::sys::utsname::uname().expect("a name").release().to_owned();
    assert!(error.contains(utf8(release.as_ref())) && error.contains("Linux 5.3"), "{error}");
    assert!(!error.contains("ptrace_scope") && !error.contains("SYS_PTRACE"), "{error}");
}

#[test]
fn where_seccomp_is_missing_that_is_said() {
    let folder = folder();
    let Some(((_, error, code), _)) = traced_without(&folder, &["seccomp=EINVAL"], &["--", "true"])
    else {
        return;
    };
    assert_eq!(code, Some(3));
    assert!(error.contains("seccomp: EINVAL") && error.contains("sandbox"), "{error}");
}

#[test]
fn without_pidfd_getfd_addresses_and_states_come_from_proc() {
    if require("python3").is_none() {
        return;
    }
    for forbidden in ["pidfd_getfd=EPERM", "pidfd_getfd=ENOSYS"] {
        let folder = folder();
        file(&folder, "pair.py", PAIR);
        let args = ["--", "python3", "pair.py"];
        let Some(((out, error, code), recording)) = traced_without(&folder, &[forbidden], &args)
        else {
            return;
        };
        assert_eq!((code, error.as_str()), (Some(0), ""), "{out}");
        let recording = recording.expect("a recording");
        let analysis = Analysis::of(&recording);
        assert_eq!(analysis.connections.len(), 1);
        let sockets = analysis.sockets.iter().filter(|it| it.is_stream());
        assert!(sockets.clone().count() == 3 && sockets.clone().all(|it| it.local.is_some()));
        let state = |observation: &Observation| match &observation.fact {
            Fact::TcpInfo(info) => Some((info.state.to_string(), info.rtt_us)),
            _ => None,
        };
        let states: Vec<_> = recording
            .events()
            .iter()
            .filter_map(|event| match &event.what {
                EventKind::Observed(observation) => state(observation),
                _ => None,
            })
            .collect();
        assert_eq!(states, vec![("ESTABLISHED".to_owned(), None); 2], "{forbidden}");
    }
}

#[test]
fn without_process_vm_readv_memory_is_read_from_proc() {
    if require("python3").is_none() {
        return;
    }
    for forbidden in ["process_vm_readv=EPERM", "process_vm_readv=ENOSYS"] {
        let folder = folder();
        file(&folder, "pair.py", PAIR);
        let args = ["--", "python3", "pair.py"];
        let Some((_, recording)) = traced_without(&folder, &[forbidden], &args) else { return };
        let recording = recording.expect("a recording");
        let analysis = Analysis::of(&recording);
        let mut got: Vec<&Data> = analysis
            .calls
            .iter()
            .filter_map(|span| span.received())
            .filter(|it| it.bytes > 0)
            .collect();
        got.sort_by_key(|data| data.kept.clone());
        assert_eq!(got, [&Data::of(b"HELLO"), &Data::of(b"hello")], "{forbidden}");
        let connect = analysis.calls.iter().find(|span| span.call.function() == "connect");
        let connect = connect.expect("a connect");
        assert!(connect.call.syscall.address().is_some() && connect.call.site.is_some());
    }
}

/// What could not be seen of a program.
fn notes(recording: &Recording) -> Vec<Note> {
    let note = |event: &Event| match &event.what {
        EventKind::Note { note } => Some(note.clone()),
        _ => None,
    };
    recording.events().iter().filter_map(note).collect()
}

#[test]
fn io_uring_is_noticed_unless_a_sandbox_forbids_it() {
    let folder = folder();
    let Some(forms) = built(&folder, "forms") else { return };
    let args = ["--", utf8(&forms)];
    let forbidden = ["io_uring_setup=EPERM"];
    let Some((_, recording)) = traced_without(&folder, &forbidden, &args) else { return };
    assert_eq!(notes(&recording.expect("a recording")), [], "it has none");
    let Some(((out, ..), recording)) = traced_without(&folder, &[], &args) else { return };
    match notes(&recording.expect("a recording")).as_slice() {
        [Note::IoUring] => assert!(out.contains("forms: uses io_uring"), "{out}"),
        [Note::IoUringRefused { errno }] => assert!(out.contains(&**errno), "{out}"),
        others => panic!("{others:?}"),
    }
}

#[test]
fn io_uring_that_the_kernel_refuses_is_told_as_refused() {
    if require("python3").is_none() {
        return;
    }
    let folder = folder();
    let number = nix::libc::SYS_io_uring_setup;
    // A ring without entries is refused wherever rings are allowed.
    let text = format!(
        "import ctypes, socket\none, other = socket.socketpair()\none.send(b'x')\nctypes.CDLL(None).syscall({number}, 0, 0)\n"
    );
    file(&folder, "ring.py", text);
    let (recording, (out, _, code)) = trace(&folder, &["--", "python3", "ring.py"]);
    assert_eq!(code, Some(0), "{out}");
    assert!(matches!(notes(&recording).as_slice(), [Note::IoUringRefused { .. }]), "{out}");
    assert!(out.contains("ring: asked for io_uring, and did not get it (E"), "{out}");
}

/// Whoever calls listen(2) is killed (SIGSYS): the experiment's own process, or one of its processes.
#[test]
fn what_a_sandbox_kills_for_is_not_checked() {
    let folder = folder();
    let Some(deny) = built(&folder, "deny") else { return };
    let killed = |args: &[&str]| {
        let mut command = Command::new(&deny);
        command.args(["listen=SIGSYS", "--", env!("CARGO_BIN_EXE_explore")]).args(args);
        ended(isolated(&mut command))
    };
    let (out, error, code) = killed(&["verify", "--json", "1"]);
    let report: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!((report["broken"].as_u64(), code), (Some(0), Some(0)), "{out}{error}");
    for experiment in ["two-processes", "many-on-one-port"] {
        let claims = report["claims"].as_array().expect("claims").iter();
        let claims: Vec<_> = claims.filter(|claim| claim["experiment"] == experiment).collect();
        let is_told = |claim: &&serde_json::Value| {
            claim["verdict"] == "not-checked"
                && claim["why"].as_str().is_some_and(|why| why.contains("SIGSYS"))
        };
        assert!(!claims.is_empty() && claims.iter().all(is_told), "{claims:#?}");
    }
    // The doctor's own process has to try what may be forbidden.
    let mut command = Command::new(&deny);
    command.args(["unshare=SIGSYS", "--", env!("CARGO_BIN_EXE_explore"), "doctor"]);
    let (_, error, code) = ended(isolated(&mut command));
    assert!(error.contains("SIGSYS") && error.contains("seccomp"), "{error}");
    assert_eq!(code, Some(3));
    // Its recording has an end, and replays.
    let path = folder.path().join("killed.jsonl");
    let (_, error, code) = killed(&["run", "many-on-one-port", "--record", utf8(&path)]);
    assert_eq!(code, Some(3), "{error}");
    assert!(error.contains("SIGSYS") && error.contains("seccomp"), "{error}");
    let ended = recordings(&path).pop().and_then(|it| it.ending().cloned());
    assert!(matches!(ended, Some(Ending::Unavailable { .. })), "{ended:?}");
    // Nor has this one come to its header.
    let path = folder.path().join("early.jsonl");
    let mut command = Command::new(&deny);
    command.args(["unshare=SIGSYS", "--", env!("CARGO_BIN_EXE_explore"), "run", "closed-port"]);
    let (_, error, code) = crate::support::ended(isolated(command.args(["--record", utf8(&path)])));
    assert_eq!(code, Some(3), "{error}");
    let ended = recordings(&path).pop().and_then(|it| it.ending().cloned());
    assert!(matches!(ended, Some(Ending::Unavailable { .. })), "{ended:?}");
}
