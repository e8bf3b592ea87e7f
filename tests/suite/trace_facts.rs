//! What a trace learns besides calls: who has an address, what runs on in the background, which programs lose their privileges.
#![allow(clippy::disallowed_methods)] // sockets of others: nothing of them is recorded

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read};
use std::net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Command, Stdio};

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;
use socket_explorer::analysis::Analysis;
use socket_explorer::trace::recording::Recording;
use socket_explorer::trace::{Address, Event, EventKind, Note, Privilege, Role, Syscall};
use tempfile::TempDir;

use crate::person::Person;
use crate::support::{
    ChildGuard, Ended, by_a_limit, ended, executable_copy, explore, file, folder, isolated,
    recordings, require, utf8,
};
use crate::trace::{group, runs, start, trace};

/// Binds and listens at an address of this family, given as Python.
fn server(address: &str) -> String {
    let family = if address.starts_with('(') { "AF_INET" } else { "AF_UNIX" };
    format!(
        "
import socket, sys
with socket.socket(socket.{family}) as one:
    if 'reuse' in sys.argv:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    one.bind({address})
    one.listen()
"
    )
}

/// Traces `python3 program.py` with these arguments in this folder, and shows what was found.
fn findings(folder: &TempDir, text: &str, args: &[&str]) -> Option<(String, Option<i32>)> {
    require("python3")?;
    file(folder, "program.py", text);
    let mut all = vec!["--view", "sockets", "--view", "findings", "--", "python3", "program.py"];
    all.extend(args);
    let (_, (out, _, code)) = trace(folder, &all);
    Some((out.split_whitespace().collect::<Vec<_>>().join(" "), code))
}

#[track_caller]
fn finds(folder: &TempDir, text: &str, said: &[&str]) {
    let Some((out, code)) = findings(folder, text, &[]) else { return };
    assert_eq!(code, Some(1), "{out}");
    for words in said {
        assert!(out.contains(words), "no {words:?}: {out}");
    }
}

#[test]
fn a_port_that_another_process_has_is_told_with_its_number_and_command() {
    let folder = folder();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let me = format!("(PID {})", std::process::id());
    finds(&folder, &server(&format!("('127.0.0.1', {port})")), &["which is in use by", &me]);
    finds(&folder, &server(&format!("('', {port})")), &["which is in use by", &me]);
    drop(listener);
    let Some((out, code)) =
        findings(&folder, &server(&format!("('127.0.0.1', {port})")), &["reuse"])
    else {
        return;
    };
    assert_eq!(code, Some(0), "{out}");
    assert!(out.contains("no fault was found"), "{out}");
}

#[test]
fn a_udp_port_that_another_process_has_is_told_and_a_tcp_port_of_that_number_is_another() {
    let folder = folder();
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let port = socket.local_addr().expect("an address").port();
    let udp = "import socket\none = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n";
    let text = format!("{udp}one.bind(('127.0.0.1', {port}))\n");
    let me = format!("(PID {})", std::process::id());
    finds(&folder, &text, &["which is in use by", &me]);
    drop(socket);
    let Some((out, code)) = findings(&folder, &text, &[]) else { return };
    assert_eq!(code, Some(0), "{out}");
}

#[test]
fn a_port_of_another_user_is_told_with_the_users_number() {
    let Some(mut setpriv) = require("setpriv") else { return };
    if !nix::unistd::geteuid().is_root() || require("python3").is_none() {
        return; // there is no other user
    }
    let folder = tempfile::tempdir_in("/tmp").expect("a folder");
    std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o777)).expect("set");
    let copy = folder.path().join("explore");
    executable_copy(env!("CARGO_BIN_EXE_explore"), &copy);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let python = ["/usr/bin/python3", "python3"].into_iter().find(|it| Path::new(it).exists());
    setpriv.args(["--reuid", "65534", "--regid", "65534", "--clear-groups", "--bounding-set=-all"]);
    let command = setpriv.arg(&copy).args(["trace", "--view", "findings", "--"]);
    command.args([python.unwrap_or("python3"), "-c", &server(&format!("('127.0.0.1', {port})"))]);
    let (out, ..) = ended(isolated(command).current_dir(folder.path()));
    let words = out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("in use by a process of user 0, which cannot be looked into"), "{out}");
}

#[test]
fn a_port_in_time_wait_is_told_with_the_time_that_is_left() {
    let folder = folder();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let at = listener.local_addr().expect("an address");
    let mut client = TcpStream::connect(at).expect("connected");
    drop(listener.accept().expect("accepted"));
    drop(listener);
    assert_eq!(client.read(&mut [0]).expect("the end"), 0);
    drop(client);
    let text = server(&format!("('127.0.0.1', {})", at.port()));
    finds(&folder, &text, &["stays in TIME_WAIT for", "or set SO_REUSEADDR before bind()"]);
    let Some((out, code)) = findings(&folder, &text, &["reuse"]) else { return };
    assert_eq!(code, Some(0), "{out}");
    assert!(out.contains("no fault was found"), "{out}");
}

/// A server that leaves a child behind, which has inherited its socket and ends with its keyboard.
const LEAVES_A_CHILD: &str = "
import os, socket, sys
with socket.socket() as one:
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    port = int(open('port').read()) if os.path.exists('port') else 0
    one.bind(('127.0.0.1', port))
    one.listen()
    with open('port', 'w') as file:
        file.write(str(one.getsockname()[1]))
    if os.fork() == 0:
        print(os.getpid(), flush=True)
        sys.stdin.read()
";

#[test]
fn a_child_that_an_earlier_run_left_behind_is_known_by_its_command_line() {
    let Some(mut python) = require("python3") else { return };
    let folder = folder();
    file(&folder, "program.py", LEAVES_A_CHILD);
    let python = isolated(&mut python).arg("program.py").current_dir(folder.path());
    let mut earlier = ChildGuard::spawn(python.stdin(Stdio::piped()).stdout(Stdio::piped()));
    let mut line = String::new();
    let output = earlier.stdout.take().expect("a pipe");
    BufReader::new(output).read_line(&mut line).expect("the child's PID");
    let keyboard = earlier.stdin.take();
    earlier.wait().expect("the server has ended");
    let said = format!("in use by PID {}, which has the same command line", line.trim());
    finds(&folder, LEAVES_A_CHILD, &[&said]);
    drop(keyboard);
}

/// A server whose child inherits its socket; it closes it, and takes the same address again.
fn inherits(close: &str) -> String {
    format!(
        "
import os, socket
ready, go = os.pipe(), os.pipe()
one = socket.socket()
one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
one.bind(('127.0.0.1', 0))
one.listen()
child = os.fork()
if child == 0:
    {close}
    os.write(ready[1], b'x')
    os.read(go[0], 1)
    os._exit(0)
os.read(ready[0], 1)
at = one.getsockname()
one.close()
try:
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(at)
        other.listen()
finally:
    os.write(go[1], b'x')
    os.waitpid(child, 0)
"
    )
}

#[test]
fn a_child_that_keeps_an_inherited_socket_is_named_and_one_that_closes_it_is_not() {
    let folder = folder();
    let said = "program child inherited the socket that program had there, and has not closed it";
    finds(&folder, &inherits("pass"), &[said]);
    let Some((out, code)) = findings(&folder, &inherits("one.close()"), &[]) else { return };
    assert_eq!(code, Some(0), "{out}");
    assert!(out.contains("no fault was found") && !out.contains("still open in"), "{out}");
}

#[test]
fn a_listening_socket_that_a_child_keeps_is_in_the_table_as_open() {
    let folder = folder();
    let text = inherits("pass").replace("other.bind(at)", "os.read(ready[0], 1)");
    if require("python3").is_none() {
        return;
    }
    file(&folder, "program.py", &text);
    let run = |limit: &str| {
        let args = ["--for", limit, "--view", "sockets", "--", "python3", "program.py"];
        let (_, (out, _, code)) = trace(&folder, &args);
        (out.split_whitespace().collect::<Vec<_>>().join(" "), code)
    };
    let is_told = |words: &str| words.contains("still open in program child");
    let (words, code) = by_a_limit(run, |(words, _)| is_told(words));
    assert!(is_told(&words), "{words}");
    assert_eq!(code, Some(124), "{words}");
}

#[test]
fn a_path_where_something_stands_is_told_with_what_that_is() {
    let folder = folder();
    let path = folder.path().join("door");
    let text = server(&format!("'{}'", utf8(&path)));
    let listener = UnixListener::bind(&path).expect("bound");
    let me = format!("(PID {})", std::process::id());
    finds(&folder, &text, &["which is in use by", &me]);
    drop(listener);
    finds(&folder, &text, &["a socket has left behind", "with unlink()", "explore lesson 3"]);
    std::fs::remove_file(&path).expect("removed");
    std::fs::write(&path, "words").expect("written");
    finds(&folder, &text, &["a file of that name is there already, which is no socket"]);
    std::fs::remove_file(&path).expect("removed");
    let Some((out, code)) = findings(&folder, &text, &[]) else { return };
    assert_eq!(code, Some(0), "{out}");
    assert!(out.contains("no fault was found"), "{out}");
}

#[test]
fn a_set_user_id_program_is_told_of_before_it_starts_and_when_a_child_begins_it() {
    if !nix::unistd::geteuid().is_root() {
        return; // only root can give a file away
    }
    let folder = folder();
    let path = folder.path().join("tool");
    executable_copy("/bin/sh", &path);
    std::os::unix::fs::chown(&path, Some(12_345), None).expect("given away");
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o4755)).expect("set");
    let own = "tool: ./tool is to run with its owner's rights (set-user-ID)";
    let (recording, (out, _, code)) =
        trace(&folder, &["--", "./tool", "-c", "echo it runs; exit 5"]);
    assert_eq!(code, Some(5), "{out}");
    let words = out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.starts_with(own) && words.matches("set-user-ID").count() == 1, "{out}");
    let it_runs = out.find("it runs").expect("it was started all the same");
    assert!(it_runs > out.find("set-user-ID").expect("told"), "{out}");
    let noted = |note: &EventKind| {
        let note = match note {
            EventKind::Note { note } => note,
            _ => return false,
        };
        matches!(note, Note::Unprivileged { privilege: Privilege::SetId, file } if file == "./tool")
    };
    assert!(recording.events().iter().any(|event| noted(&event.what)));
    let (recording, (out, ..)) =
        trace(&folder, &["--", "sh", "-c", "./tool -c 'echo it runs'; true"]);
    assert!(recording.events().iter().any(|event| noted(&event.what)));
    let told = out.find("set-user-ID").expect("told");
    assert!(out.find("it runs").is_some_and(|it_runs| it_runs < told), "at the end: {out}");
    let (_, (out, ..)) = trace(&folder, &["--", "sh", "-c", "true"]);
    assert!(!out.contains("set-user-ID"), "{out}");
}

/// A daemon: its first process ends, and a descendant in a session of its own waits.
const DAEMON: &str = "
import os, signal, socket, sys
with socket.socket() as one:
    one.bind(('127.0.0.1', 0))
    one.listen()
    if os.fork():
        os._exit(0)
    os.setsid()
    if os.fork():
        os._exit(0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    print(os.getpid(), flush=True)
    one.accept()
";

/// Presses Ctrl-C until the trace has ended, and returns its exit code.
fn interrupt_until_it_ends(trace: &mut ChildGuard) -> Option<i32> {
    loop {
        if let Some(status) = trace.try_wait().expect("it is ours") {
            return status.code();
        }
        let _ = killpg(group(trace), Signal::SIGINT);
        std::thread::yield_now();
    }
}

#[test]
fn a_daemon_that_is_left_behind_is_named_and_ends_with_the_second_ctrl_c() {
    let folder = folder();
    let Some((mut trace, _output, daemon)) = start(&folder, DAEMON) else { return };
    let mut errors = BufReader::new(trace.stderr.take().expect("a pipe"));
    let mut said = String::new();
    errors.read_line(&mut said).expect("a line");
    assert!(said.starts_with("explore: program runs on in the background: "), "{said}");
    let rest = format!("python3 program.py (PID {daemon}); Ctrl-C twice ends it\n");
    assert!(said.ends_with(&rest), "{said}");
    assert!(runs(daemon));
    assert_eq!(interrupt_until_it_ends(&mut trace), Some(130));
    let mut rest = String::new();
    errors.read_to_string(&mut rest).expect("read");
    assert!(!rest.contains("in the background"), "it is said once: {rest}");
    while runs(daemon) {
        std::thread::yield_now();
    }
}

/// It says that it got a signal, and goes on. (By write(2): a second print() inside the first raises an error.)
const DEAF: &str = "
import os, signal, socket
signal.signal(signal.SIGINT, lambda *_: os.write(1, b'no\\n'))
one, other = socket.socketpair()
print(os.getpid(), flush=True)
one.recv(1)
";

#[test]
fn the_first_ctrl_c_is_for_the_program_and_the_second_ends_it() {
    let folder = folder();
    let Some((mut trace, mut output, program)) = start(&folder, DEAF) else { return };
    killpg(group(&trace), Signal::SIGINT).expect("sent");
    let mut line = String::new();
    output.read_line(&mut line).expect("a line");
    assert_eq!(line, "no\n");
    assert!(runs(program) && trace.try_wait().expect("it is ours").is_none());
    assert_eq!(interrupt_until_it_ends(&mut trace), Some(130));
    while runs(program) {
        std::thread::yield_now();
    }
}

#[test]
fn after_the_second_ctrl_c_it_shows_what_happened_and_in_which_calls_everybody_was_blocked() {
    let folder = folder();
    let Some((mut trace, mut output, program)) = start(&folder, DEAF) else { return };
    killpg(group(&trace), Signal::SIGINT).expect("sent");
    let mut line = String::new();
    output.read_line(&mut line).expect("a line");
    // A second one that comes before the first is taken would be one with it.
    let is_pending = || {
        let status = std::fs::read_to_string(format!("/proc/{}/status", trace.id())).expect("ours");
        let mask = status.lines().find_map(|line| line.strip_prefix("ShdPnd:")).expect("a mask");
        u64::from_str_radix(mask.trim(), 16).expect("hex") >> (Signal::SIGINT as i32 - 1) & 1 == 1
    };
    while is_pending() {
        std::thread::yield_now();
    }
    kill(Pid::from_raw(trace.id().cast_signed()), Signal::SIGINT).expect("sent");
    let mut text = String::new();
    output.read_to_string(&mut text).expect("the rest");
    assert_eq!(trace.wait().expect("it is ours").code(), Some(130));
    assert!(text.contains(": program in recv"), "{text}");
    assert!(text.contains("the programs are ended, "), "the ladder says so: {text}");
    assert!(!runs(program));
}

#[test]
fn sigterm_ends_the_programs_and_shows_what_happened() {
    let folder = folder();
    let Some((mut trace, mut output, program)) = start(&folder, DEAF) else { return };
    kill(Pid::from_raw(trace.id().cast_signed()), Signal::SIGTERM).expect("sent");
    let mut text = String::new();
    output.read_to_string(&mut text).expect("the rest");
    assert_eq!(trace.wait().expect("it is ours").code(), Some(143));
    assert!(text.contains("the programs are ended, "), "{text}");
    assert!(!runs(program));
}

#[test]
fn the_pictures_begin_in_a_line_of_their_own() {
    for (printed, row) in [("a prompt: ", 1), ("a line\\n", 1), ("", 0)] {
        let print = format!("printf '{printed}'");
        let mut person =
            Person::sits_down(80, 24, &mut explore(&["trace", "--", "sh", "-c", &print]));
        assert_eq!(person.leaves().0, Some(0), "{print}");
        let rows: Vec<String> = person.screen().rows(0, 80).collect();
        assert_eq!(rows[row], "No program made a call on a socket.", "{rows:?}");
    }
}

#[test]
fn when_the_time_is_over_the_exit_code_is_that_of_timeout_unless_a_program_had_failed() {
    if require("sh").is_none() {
        return;
    }
    for (programs, code) in [
        (&["sh -c 'exec sleep 600'"][..], 124),
        (&["sh -c 'exit 0'", "sh -c 'exec sleep 600'"], 124),
        (&["sh -c 'exit 3'", "sh -c 'exec sleep 600'"], 3),
        (&["sh -c 'exit 0'", "sh -c 'exit 0'"], 0),
    ] {
        let run = |limit: &str| -> Ended {
            let mut args = vec!["--for", limit, "--view", "sockets"];
            args.extend(programs);
            trace(&folder(), &args).1
        };
        let (out, _, ended) = by_a_limit(run, |(.., ended)| *ended == Some(code));
        assert_eq!(ended, Some(code), "{programs:?}: {out}");
    }
}

#[test]
fn what_a_signal_from_elsewhere_ends_is_no_daemon() {
    let folder = folder();
    let Some((mut trace, _output, program)) = start(&folder, DEAF) else { return };
    kill(Pid::from_raw(i32::try_from(program).expect("a PID")), Signal::SIGKILL).expect("sent");
    let mut said = String::new();
    trace.stderr.take().expect("a pipe").read_to_string(&mut said).expect("read");
    assert_eq!(trace.wait().expect("it ends").code(), Some(137));
    assert!(!said.contains("background"), "{said}");
}

/// Builds a program of `tests/data/trace`.
pub fn built(folder: &TempDir, name: &str) -> Option<std::path::PathBuf> {
    let source = format!("{}/tests/data/trace/{name}.c", env!("CARGO_MANIFEST_DIR"));
    let path = folder.path().join(name);
    let mut cc = require("cc")?;
    let status = Command::status(cc.args(["-g", "-pthread", "-o"]).arg(&path).arg(source));
    assert!(status.expect("cc runs").success(), "{name}");
    Some(path)
}

/// A program that makes a connection to itself, and sends on it.
const TO_ITSELF: &str = r"
#include <sys/socket.h>
#include <netinet/in.h>
#include <unistd.h>
int main(void) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof at;
    char bytes[8];
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(listener, (void *)&at, length) || listen(listener, 1)) return 1;
    getsockname(listener, (void *)&at, &length);
    int one = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(one, (void *)&at, length)) return 2;
    int other = accept(listener, 0, 0);
    if (write(one, bytes, 5) != 5 || read(other, bytes, 8) != 5) return 3;
    close(one);
    close(other);
    return 0;
}
";

/// Compiles `itself.c`, gives it this mode, and traces it without root, or a script that it runs; it may not be looked into.
fn traced_by_nobody(text: &str, mode: u32, command_line: &str) -> Option<Recording> {
    let (mut cc, mut setpriv) = (require("cc")?, require("setpriv")?);
    let folder = tempfile::tempdir_in("/tmp").expect("a folder");
    let source = file(&folder, "itself.c", text);
    let program = folder.path().join("itself");
    assert!(cc.arg("-o").arg(&program).arg(source).status().expect("cc runs").success());
    let set_mode = |path: &std::path::Path, mode| {
        std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).expect("set");
    };
    set_mode(&program, mode);
    let script = file(&folder, "script", format!("#! {} -x\n", utf8(&program)));
    set_mode(&script, 0o755);
    set_mode(folder.path(), 0o777);
    let copy = folder.path().join("explore");
    executable_copy(env!("CARGO_BIN_EXE_explore"), &copy);
    let mut command = Command::new(&copy);
    if nix::unistd::geteuid().is_root() {
        setpriv.args(["--reuid", "65534", "--regid", "65534", "--clear-groups"]);
        setpriv.arg("--bounding-set=-all").arg(&copy);
        command = setpriv;
    }
    let path = folder.path().join("trace.jsonl");
    command.args(["trace", "--record", utf8(&path), "--", command_line]);
    let (out, error, code) = ended(isolated(&mut command).current_dir(folder.path()));
    assert_eq!(code, Some(0), "{error}");
    assert!(out.contains(": may not be looked into"), "{out}");
    Some(recordings(&path).pop().expect("one run"))
}

#[test]
fn a_program_that_may_not_be_looked_into_is_seen_by_what_its_calls_return() {
    for command_line in ["./itself", "./script"] {
        let Some(recording) = traced_by_nobody(TO_ITSELF, 0o111, command_line) else { return };
        is_seen_by_what_its_calls_return(&recording);
    }
}

#[track_caller]
fn is_seen_by_what_its_calls_return(recording: &Recording) {
    let mut names: Vec<(String, bool)> = Vec::new();
    for event in recording.events() {
        if let EventKind::Return(back) = &event.what {
            names.push((back.call.name.to_string(), back.call.role == Role::Kernel));
        }
    }
    for (name, by_kernel, times) in [
        ("socket", false, 2),
        ("accept", false, 1),
        ("write", false, 1),
        ("read", false, 1),
        ("close", false, 2),
        ("close", true, 1),
    ] {
        let seen = names.iter().filter(|it| **it == (name.to_owned(), by_kernel)).count();
        assert_eq!(seen, times, "{name}: {names:?}");
    }
}

/// Sets an option when its memory may not be read any more.
const SETS_UNSEEN: &str = "
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>
int main(void) {
    int one = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
    prctl(PR_SET_DUMPABLE, 0);
    return setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) || listen(fd, 1) || close(fd);
}
";

#[test]
fn what_an_option_is_set_to_in_memory_that_may_not_be_read_is_not_said() {
    let Some(recording) = traced_by_nobody(SETS_UNSEEN, 0o755, "./itself") else { return };
    let analysis = Analysis::of(&recording);
    let mut sets = analysis.calls.iter().filter(|span| span.call.name == "setsockopt");
    let (Some(set), None) = (sets.next(), sets.next()) else { panic!("one") };
    assert!(matches!(set.call.syscall, Syscall::Other { .. }), "{:?}", set.call);
}

/// Prints lines that it reads.
const READS_ITS_KEYBOARD: &str = "
import sys
for line in sys.stdin:
    print(line)
";

#[test]
fn two_readers_of_one_keyboard_are_told_of_before_anything_is_typed() {
    if require("python3").is_none() {
        return;
    }
    let folder = folder();
    file(&folder, "reads.py", READS_ITS_KEYBOARD);
    let args = ["trace", "--for", "60s", "one=python3 reads.py", "other=python3 reads.py"];
    let mut command = explore(&args);
    command.current_dir(folder.path()).stdin(Stdio::piped());
    let mut trace = ChildGuard::spawn(command.stdout(Stdio::piped()).stderr(Stdio::piped()));
    let mut lines = BufReader::new(trace.stderr.take().expect("a pipe")).lines();
    let mut told = String::new();
    while !told.contains("--stdin")
        && let Some(Ok(line)) = lines.next()
    {
        told += &(line + " ");
    }
    drop(trace.stdin.take());
    let output = trace.output();
    assert!(told.contains("other reads the keyboard, and so does one"), "{told}");
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn a_socket_that_was_there_before_is_asked_what_it_is() {
    if require("python3").is_none() {
        return;
    }
    let folder = folder();
    file(&folder, "heir.py", "import os\nos.write(0, b'hello')\n");
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let own = TcpStream::connect(listener.local_addr().expect("an address")).expect("connected");
    let path = folder.path().join("trace.jsonl");
    let mut command = explore(&["trace", "--record", utf8(&path), "--", "python3", "heir.py"]);
    command.current_dir(folder.path()).stdin(OwnedFd::from(own));
    let (out, error, code) = ended(&mut command);
    assert_eq!(code, Some(0), "{out}{error}");
    let recording = recordings(&path).pop().expect("one run");
    let analysis = Analysis::of(&recording);
    let [socket] = &analysis.sockets[..] else { panic!("{out}") };
    assert_eq!(socket.protocol_name(), "TCP", "{out}");
    let port = socket.peer.as_ref().and_then(Address::port);
    assert_eq!(port, listener.local_addr().ok().map(|at| at.port()), "{out}");
}

/// A server of one client, or its client, each with a thread that receives.
const CHAT: &str = "
import socket, sys, threading
role, port = sys.argv[-2], int(sys.argv[-1])
s = socket.socket()
if role.startswith('s'):
    s.bind(('127.0.0.1', port))
    s.listen()
    s = s.accept()[0]
else:
    s.connect(('127.0.0.1', port))
def receive(s):
    s.recv(100)
thread = threading.Thread(target=receive, args=[s])
thread.start()
s.sendall(b'hello')
thread.join()
";

#[test]
fn threads_of_two_runs_of_one_file_are_called_after_their_own() {
    if require("python3").is_none() {
        return;
    }
    let folder = folder();
    file(&folder, "chat.py", CHAT);
    for (words, names) in
        [(["server", "client"], ["server", "client"]), (["s", "-"], ["chat", "chat 2"])]
    {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let port = listener.local_addr().expect("an address").port();
        drop(listener);
        let lines = words.map(|word| format!("python3 chat.py {word} {port}"));
        let (recording, (out, err, code)) = trace(&folder, &[&lines[0], &lines[1]]);
        assert_eq!(code, Some(0), "{out}{err}");
        for name in names {
            let is_first = |event: &&Event| {
                &*event.actor == name && matches!(event.what, EventKind::Started { .. })
            };
            let process = recording.events().iter().find(is_first).expect("it started").process;
            let own = recording.events().iter().filter(|event| event.process == process);
            let actors: BTreeSet<&str> = own.map(|event| &*event.actor).collect();
            let receive = format!("{name} receive");
            assert_eq!(actors, BTreeSet::from([name, receive.as_str()]), "{out}");
        }
    }
}
