//! Two programs that were traced apart, each in its own terminal, seen as one run.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixStream};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;
use socket_explorer::analysis::Analysis;
use socket_explorer::trace::recording::Origin;
use socket_explorer::trace::{EventKind, ExitStatus, axis};
use tempfile::TempDir;

use crate::support::{
    ChildGuard, Ended, ended, executable_copy, explore, file, folder, isolated, recordings,
    require, told, utf8,
};

/// Takes five bytes, and answers.
const SERVER: &str = "
import socket
with socket.socket() as listener:
    listener.bind(('127.0.0.1', 0))
    listener.listen()
    with open('port', 'w') as port:
        port.write(str(listener.getsockname()[1]))
    print('listening', flush=True)
    conn, _ = listener.accept()
    with conn:
        conn.sendall(conn.recv(5))
";

/// Wants the server's address too: who has it can tell only who sees both.
const CLIENT: &str = "
import socket
address = ('127.0.0.1', int(open('port').read()))
with socket.create_connection(address) as one, socket.socket() as other:
    try:
        other.bind(address)
    except OSError as error:
        print(error)
    one.sendall(b'hello world')
    one.recv(100)
";

/// Both recorded, the client while the server runs.
fn record_both(folder: &TempDir) -> [PathBuf; 2] {
    file(folder, "server.py", SERVER);
    file(folder, "client.py", CLIENT);
    let [server, client] = ["server.jsonl", "client.jsonl"].map(|name| folder.path().join(name));
    let args = ["trace", "--record", utf8(&server), "--", "python3", "server.py"];
    let mut first = explore(&args);
    let mut first = ChildGuard::spawn(first.current_dir(folder.path()).stdout(Stdio::piped()));
    let mut line = String::new();
    let output = first.stdout.as_mut().expect("a pipe");
    BufReader::new(output).read_line(&mut line).expect("it listens");
    assert_eq!(line, "listening\n");
    let args = ["trace", "--record", utf8(&client), "--", "python3", "client.py"];
    let (out, error, code) = ended(explore(&args).current_dir(folder.path()));
    assert_eq!(code, Some(0), "{out}{error}");
    assert!(first.output().status.success());
    [server, client]
}

/// The same recording with another first line.
fn with_header(path: &Path, to: &Path, change: impl FnOnce(&mut Value)) {
    let text = std::fs::read_to_string(path).expect("recorded");
    let (header, rest) = text.split_once('\n').expect("a header");
    let mut header: Value = serde_json::from_str(header).expect("JSON");
    change(&mut header);
    std::fs::write(to, format!("{header}\n{rest}")).expect("written");
}

#[test]
fn recordings_of_one_machine_are_one_picture_with_one_connection() {
    if require("python3").is_none() {
        return;
    }
    let folder = folder();
    let both = record_both(&folder);
    let all: Vec<_> = both.iter().flat_map(|path| recordings(path)).collect();
    assert!(all.iter().all(|one| Analysis::of(one).connections.is_empty()));
    let joined = axis::join(all).expect("one machine");
    let analysis = Analysis::of(&joined);
    assert_eq!(analysis.connections.len(), 1);
    let ends = [analysis.connections[0].client, analysis.connections[0].server];
    let owners = ends.map(|end| analysis.sockets[end].owner.to_string());
    assert_eq!(owners, ["client", "server"]);
    let received = analysis.messages.iter().filter(|message| message.receive.is_some());
    let received: Vec<_> = received.map(|it| (it.send.is_some(), it.bytes)).collect();
    assert_eq!(received, [(true, 5), (true, 5)], "what came has a sender");

    let [server, client] = both.each_ref().map(|path| utf8(path));
    let (out, error, code) = told(&["replay", client, server, "--width", "100"]);
    assert_eq!((code, error.as_str()), (Some(0), ""));
    let arrow = out.lines().find(|line| line.contains("\"hello world\" 11 B"));
    assert!(arrow.is_some_and(|line| line.contains("send ─") && line.contains("─▶")), "{out}");
    let owner = "is in use: server has a socket there";
    assert!(out.contains(owner), "{out}");
    assert!(out.contains("↔"), "the table has both ends: {out}");
    let (alone, ..) = told(&["replay", client, "--width", "100"]);
    assert!(!alone.contains(owner), "{alone}");
}

#[test]
fn recordings_that_do_not_belong_together_are_refused_with_a_reason() {
    if require("python3").is_none() {
        return;
    }
    let folder = folder();
    let [server, client] = record_both(&folder);
    let other = folder.path().join("other.jsonl");
    let refused = |second: &Path, said: &str| {
        let (out, error, code) = told(&["replay", utf8(&server), utf8(second)]);
        assert_eq!((code, out.as_str()), (Some(2), ""), "{error}");
        assert!(error.contains(utf8(second)) && error.contains(said), "{error}");
    };
    with_header(&client, &other, |header| {
        header.as_object_mut().expect("an object").remove("start");
    });
    refused(&other, "older");
    with_header(&client, &other, |header| header["start"]["boot"] = "another".into());
    refused(&other, "different machines");
    with_header(&client, &other, |header| header["start"]["namespaces"]["net"] = 1.into());
    refused(&other, "different containers");
    refused(&server, "leave one of them out");
    let (_, _, code) = told(&["run", "address-port-protocol", "--record", utf8(&other)]);
    assert_eq!(code, Some(0));
    refused(&other, "`explore trace`");
    std::fs::copy(&client, &other).expect("copied");
    let mut both = File::options().append(true).open(&other).expect("opened");
    std::io::copy(&mut File::open(&server).expect("recorded"), &mut both).expect("copied");
    refused(&other, "2 runs");
    std::fs::write(&other, "{\n").expect("written");
    refused(&other, "not a line of a recording");
}

/// A server for so many clients, one after the other.
const SERVES: &str = "
import socket, sys
with socket.socket() as listener:
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(('127.0.0.1', 0))
    listener.listen()
    with open('port', 'w') as port:
        port.write(str(listener.getsockname()[1]))
    print('listening', flush=True)
    for _ in range(int(sys.argv[1])):
        conn, _ = listener.accept()
        with conn:
            while data := conn.recv(100):
                conn.sendall(data.upper())
";

/// Sends what is typed, prints the answer.
const SAYS: &str = "
import socket, sys
with socket.create_connection(('127.0.0.1', int(open('port').read()))) as one:
    print('connected', flush=True)
    one.sendall(sys.stdin.readline().encode())
    print(one.recv(100).decode())
sys.exit(7)
";

/// A trace that others can join, which listens. It is stopped when it is dropped.
struct First {
    trace: ChildGuard,
    output: BufReader<std::process::ChildStdout>,
}

impl First {
    fn start(folder: &TempDir, args: &[&str]) -> First {
        file(folder, "serves.py", SERVES);
        file(folder, "says.py", SAYS);
        let mut command = explore(&[&["trace"], args].concat());
        let command = command.current_dir(folder.path()).stdout(Stdio::piped());
        let mut trace = ChildGuard::spawn(command.stderr(Stdio::piped()));
        let mut output = BufReader::new(trace.stdout.take().expect("a pipe"));
        let mut line = String::new();
        output.read_line(&mut line).expect("it listens");
        assert_eq!(line, "listening\n");
        First { trace, output }
    }

    fn joins(&self) -> String {
        format!("--join={}", self.trace.id())
    }

    /// Waits for its end: all that it printed, and its exit code.
    fn end(mut self) -> (String, Option<i32>) {
        let mut text = String::new();
        self.output.read_to_string(&mut text).expect("UTF-8");
        (text, self.trace.output().status.code())
    }
}

/// Runs a command that joins, with this as its keyboard.
fn joined(folder: &TempDir, args: &[&str], typed: &str) -> Ended {
    let mut command = explore(&[&["trace"], args].concat());
    let command = command.current_dir(folder.path());
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it runs");
    child.stdin.take().expect("a pipe").write_all(typed.as_bytes()).expect("typed");
    let output = child.wait_with_output().expect("it ends");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (text(output.stdout), text(output.stderr), output.status.code())
}

#[test]
fn programs_that_join_keep_their_terminal_and_are_shown_in_that_of_the_first() {
    if require("python3").is_none() {
        return;
    }
    let folder = folder();
    let record = folder.path().join("all.jsonl");
    let args = ["--record", utf8(&record), "python3 serves.py 2"];
    let first = First::start(&folder, &args);
    for word in ["hello", "again"] {
        let args = [&first.joins(), "--", "python3", "says.py"];
        let (out, error, code) = joined(&folder, &args, &format!("{word}\n"));
        assert_eq!((code, error.as_str()), (Some(7), ""), "its own exit code: {out}");
        let begins = format!("connected\n{}\n", word.to_uppercase());
        assert!(out.starts_with(&begins) && out.contains("in the other terminal"), "{out}");
        assert!(!out.contains("accept"), "no picture: {out}");
    }
    let (out, code) = first.end();
    assert_eq!(code, Some(0), "{out}");
    assert!(out.contains("\"hello\\n\" 6 B") && out.contains("says 2"), "{out}");

    let all = recordings(&record).pop().expect("one run");
    let Origin::Programs(programs) = &all.header.origin else { panic!("programs") };
    let names: Vec<_> = programs.iter().map(|program| program.name.as_str()).collect();
    assert_eq!(names, ["serves", "says", "says 2"]);
    let analysis = Analysis::of(&all);
    assert_eq!(analysis.connections.len(), 2);
    let received = analysis.messages.iter().filter(|it| it.receive.is_some());
    let received: Vec<_> = received.map(|it| (it.send.is_some(), it.bytes)).collect();
    assert_eq!(received, [(true, 6); 4], "each way, of each client");
    let exits = all.events().iter().filter(|event| {
        matches!(event.what, EventKind::Exited { status: Some(ExitStatus::Code(7)), .. })
    });
    assert_eq!(exits.count(), 2);
}

#[test]
fn who_joins_a_trace_that_is_killed_sees_its_own_part() {
    if require("python3").is_none() {
        return;
    }
    let folder = folder();
    let mut first = First::start(&folder, &["--", "python3", "serves.py", "1"]);
    let join = first.joins();
    let mut second = explore(&["trace", &join, "--", "python3", "says.py"]);
    let second = second.current_dir(folder.path()).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut second = ChildGuard::spawn(second);
    let mut output = BufReader::new(second.stdout.take().expect("a pipe"));
    let mut line = String::new();
    output.read_line(&mut line).expect("a line");
    assert_eq!(line, "connected\n");
    first.trace.kill().expect("killed");
    first.trace.wait().expect("collected");
    second.stdin.take().expect("a pipe").write_all(b"hello\n").expect("typed");
    let mut out = String::new();
    output.read_to_string(&mut out).expect("UTF-8");
    second.output();
    assert!(out.contains("has ended before") && out.contains("connect 127.0.0.1:"), "{out}");
}

#[test]
fn a_trace_that_cannot_be_joined_says_why() {
    let Some(mut unshare) = require("unshare") else { return };
    // Abstract names are seen in their own network alone: in this one no trace runs.
    unshare.args(["--user", "--map-root-user", "--net", env!("CARGO_BIN_EXE_explore")]);
    let (out, error, code) = ended(isolated(&mut unshare).args(["trace", "--join", "--", "true"]));
    if !error.starts_with("unshare:") {
        assert_eq!((code, out.as_str()), (Some(3), ""));
        assert!(
            error.contains("no trace runs") && error.contains("explore trace 'python3"),
            "{error}"
        );
    }
    let (_, error, code) = told(&["trace", "--join=1", "--", "true"]);
    assert_eq!(code, Some(2));
    assert!(error.contains("process 1 is no trace"), "{error}");
    for option in ["--wire", "--html=x", "--view=ladder", "--loss=1%"] {
        let (_, error, code) = told(&["trace", "--join", option, "--", "true"]);
        assert_eq!(code, Some(2));
        assert!(error.contains("cannot be used with"), "{error}");
    }
    if require("python3").is_none() {
        return;
    }
    let folder = folder();
    let first = First::start(&folder, &["--", "python3", "serves.py", "1"]);
    if nix::unistd::geteuid().is_root() && require("setpriv").is_some() {
        let own = tempfile::tempdir_in("/tmp").expect("a folder");
        let copy = own.path().join("explore");
        executable_copy(env!("CARGO_BIN_EXE_explore"), &copy);
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(own.path(), mode).expect("set");
        let mut other = std::process::Command::new("setpriv");
        other.args(["--reuid=65534", "--regid=65534", "--clear-groups", "--no-new-privs"]);
        other.arg(&copy).args(["trace", &first.joins(), "--", "true"]);
        let (_, error, code) = ended(isolated(&mut other).current_dir("/"));
        assert_eq!(code, Some(3), "{error}");
        assert!(error.contains("another user's"), "{error}");
    }
    let (_, _, code) = joined(&folder, &[&first.joins(), "--", "python3", "says.py"], "bye\n");
    assert_eq!(code, Some(7), "it can still be joined");
}

#[test]
fn programs_on_a_wire_cannot_be_joined() {
    if require("python3").is_none() {
        return;
    }
    let folder = folder();
    file(&folder, "waits.py", "print('listening', flush=True)\ninput()\n");
    let mut first = explore(&["trace", "--wire", "--", "python3", "waits.py"]);
    let first = first.current_dir(folder.path()).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut first = ChildGuard::spawn(first);
    let mut line = String::new();
    let output = first.stdout.as_mut().expect("a pipe");
    BufReader::new(output).read_line(&mut line).expect("a line, or the end");
    if line.is_empty() {
        return eprintln!("skipped: there is no wire here");
    }
    let (_, error, code) = told(&["trace", &format!("--join={}", first.id()), "--", "true"]);
    assert_eq!(code, Some(3));
    assert!(error.contains("has a wire"), "{error}");
    first.stdin.take().expect("a pipe").write_all(b"\n").expect("typed");
    assert!(first.output().status.success());
}

#[test]
fn bytes_of_anybody_do_no_harm_to_a_trace() {
    if require("python3").is_none() {
        return;
    }
    let folder = folder();
    let first = First::start(&folder, &["--view", "sockets", "--", "python3", "serves.py", "1"]);
    let name = format!("explore-trace/{}/{}", nix::unistd::geteuid(), first.trace.id());
    let address = SocketAddr::from_abstract_name(name).expect("a name");
    let send = |lines: &[&str]| {
        let mut stream = UnixStream::connect_addr(&address).expect("it listens");
        let mut greeting = String::new();
        BufReader::new(&stream).read_line(&mut greeting).expect("a greeting");
        let header: Value = serde_json::from_str(&greeting).expect("JSON");
        let header = header["header"].to_string();
        for line in lines {
            // It may have been cut off before.
            let _ = writeln!(stream, "{}", line.replace("HEADER", &header));
        }
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest);
        rest
    };
    let long = "x".repeat(3 << 20);
    let end =
        r#"{"at_ns":1,"actor":"lab","process":1,"thread":1,"event":"end","ending":"deadline"}"#;
    let late = r#"{"at_ns":18446744073709551615,"actor":"\u001b[2J","process":4294967295,"thread":0,"event":"started","kind":"process"}"#;
    let blocked = r#"{"at_ns":0,"actor":"says","process":1,"thread":1,"event":"enter","call":1,"syscall":"recvfrom","socket":7,"args":{"fd":-1,"room":0},"role":"program"}"#;
    let joins =
        r#"{"at_ns":0,"actor":"lab","process":1,"thread":1,"event":"joined","programs":[]}"#;
    for lines in [
        &[][..],
        &["", "\0\u{7f}{"],
        &[long.as_str()],
        &["HEADER"],
        &["HEADER", "HEADER", &long],
        &["HEADER", late, joins, blocked],
        &[r#"{"format":"socket-explorer recording","version":2}"#],
        &[end, end],
    ] {
        let answer = send(lines);
        assert_eq!(String::from_utf8_lossy(&answer), "", "{:.40}", lines.concat());
    }
    assert_eq!(send(&["HEADER", blocked, end, end]), b"taken\n");
    let (_, error, code) =
        joined(&folder, &[&first.joins(), "--", "python3", "says.py"], "hello\n");
    assert_eq!((code, error.as_str()), (Some(7), ""));
    let (out, code) = first.end();
    assert_eq!(code, Some(0), "{out}");
    assert!(!out.contains('\u{1b}') && out.contains("1 accepted"), "{out}");
}
