//! The chat with files and pipes instead of people, and with peers that mean no good. Peers are plain sockets, so that they
//! can misbehave. Nothing here waits a fixed time for something to be ready, or asks that something be fast.
#![cfg(unix)]

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::Shutdown;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Output, Stdio};
use std::time::Duration;

use socket2::{Domain, SockAddr, Socket, Type};

const STYLES: [&str; 3] = ["threads", "turns", "poll"];

/// One side, with pipes for keyboard and screen.
struct Side {
    child: Child,
    notes: BufReader<std::process::ChildStderr>,
}

impl Side {
    fn start(args: &[&str]) -> Side {
        let mut command = Command::new(env!("CARGO_BIN_EXE_explore"));
        command.arg("chat").args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("explore starts");
        let notes = BufReader::new(child.stderr.take().expect("piped"));
        Side { child, notes }
    }

    /// A server that listens, and where.
    fn server(address: &str, args: &[&str]) -> (Side, String) {
        let mut side = Side::start(&[&["server", "--address", address], args].concat());
        let mut at = address.to_owned();
        loop {
            let note = side.note();
            if let Some(told) = note.strip_prefix("listening at: ") {
                told.clone_into(&mut at);
            } else if note == "waiting for connection..." {
                return (side, at);
            }
        }
    }

    fn client(address: &str, args: &[&str]) -> Side {
        Side::start(&[&["client", "--address", address], args].concat())
    }

    /// The next line that the chat says itself.
    fn note(&mut self) -> String {
        let mut line = String::new();
        assert!(self.notes.read_line(&mut line).expect("UTF-8") > 0, "it has ended without a word");
        line.trim_end().to_owned()
    }

    fn stdin(&mut self) -> &mut ChildStdin {
        self.child.stdin.as_mut().expect("piped")
    }

    fn stdout(&mut self) -> &mut ChildStdout {
        self.child.stdout.as_mut().expect("piped")
    }

    fn types(&mut self, text: &str) {
        self.stdin().write_all(text.as_bytes()).expect("it reads");
    }

    /// Reads until this has been shown.
    fn shows(&mut self, text: &str) {
        let mut seen = Vec::new();
        let mut byte = [0];
        while !seen.ends_with(text.as_bytes()) {
            assert_eq!(self.stdout().read(&mut byte).expect("read"), 1, "it ended after {:?}", String::from_utf8_lossy(&seen));
            seen.push(byte[0]);
        }
    }

    /// Ends what it types; then what it showed and said, and its exit code.
    fn end(mut self) -> (String, String, Option<i32>) {
        drop(self.child.stdin.take());
        self.wait()
    }

    fn wait(mut self) -> (String, String, Option<i32>) {
        let input = self.child.stdin.take();
        let mut notes = String::new();
        let reading = std::thread::spawn(move || {
            let _ = self.notes.read_to_string(&mut notes);
            notes
        });
        let Output { status, stdout, .. } = self.child.wait_with_output().expect("it ends");
        drop(input);
        (String::from_utf8(stdout).expect("UTF-8"), reading.join().expect("notes"), status.code())
    }
}

type Ended = (String, String, Option<i32>);

/// Neither types any more; each goes on listening until the other has ended.
fn end_both(mut one: Side, mut other: Side) -> (Ended, Ended) {
    drop(one.child.stdin.take());
    drop(other.child.stdin.take());
    (one.wait(), other.wait())
}

fn path(name: &str) -> PathBuf {
    let path = PathBuf::from("/tmp").join(format!("explore-test-{}-{name}", std::process::id()));
    let _ = std::fs::remove_file(&path);
    path
}

/// A plain socket, connected to a server of ours.
fn peer(at: &str) -> Socket {
    let to: SockAddr = match at.strip_prefix("unix:") {
        Some(path) => SockAddr::unix(path).expect("short"),
        None => at.parse::<std::net::SocketAddr>().expect("an address").into(),
    };
    let socket = Socket::new(to.domain(), Type::STREAM, None).expect("socket");
    socket.connect(&to).expect("it listens");
    socket
}

fn has_ipv6() -> bool {
    let any: std::net::SocketAddr = "[::1]:0".parse().expect("an address");
    Socket::new(Domain::IPV6, Type::STREAM, None).and_then(|socket| socket.bind(&any.into())).is_ok()
}

#[test]
fn every_style_talks_over_every_family() {
    for style in STYLES {
        let file = path(style);
        let mut addresses = vec!["127.0.0.1:0".to_owned(), format!("unix:{}", file.display())];
        if has_ipv6() {
            addresses.push("[::1]:0".to_owned());
        }
        if cfg!(target_os = "linux") {
            addresses.push(format!("unix:@explore-test-{}-{style}", std::process::id()));
        }
        for address in addresses {
            let (mut server, at) = Side::server(&address, &["--style", style]);
            let mut client = Side::client(&at, &["--style", style, "--peer-name", "Rose"]);
            assert!(server.note().starts_with("connected from: "));
            client.types("你好\n");
            server.shows("Jack: 你好\n");
            server.types("你也好啊\n");
            client.shows("Rose: 你也好啊\n");
            let (client, server) = end_both(client, server);
            assert_eq!((client.0.as_str(), client.2), ("", Some(0)), "{style} {address}");
            assert_eq!((server.0.as_str(), server.2), ("", Some(0)), "{style} {address}");
            assert!(!file.exists(), "our file is removed");
        }
    }
}

#[test]
fn nothing_is_lost_and_nothing_added() {
    let mut text = String::new();
    for number in 0..20_000 {
        let _ = writeln!(text, "{number} 一行\t又一行 {}", "长".repeat(number % 97));
    }
    text.push_str("the last line has no end");
    for style in ["threads", "poll"] {
        let (mut server, at) = Side::server("127.0.0.1:0", &["--style", style]);
        let mut client = Side::client(&at, &["--style", style]);
        drop(server.child.stdin.take());
        let (mut input, sent) = (client.child.stdin.take().expect("piped"), text.clone());
        let typing = std::thread::spawn(move || input.write_all(sent.as_bytes()));
        let (shown, _, code) = server.wait();
        typing.join().expect("joined").expect("all is read");
        let unlabelled: String = shown.split_inclusive('\n').map(|line| line.strip_prefix("Jack: ").expect("a label")).collect();
        assert!(unlabelled == text, "{style}");
        assert_eq!((code, client.wait().2), (Some(0), Some(0)));
    }
}

#[test]
fn what_is_left_to_say_is_said_after_the_peer_has_ended() {
    for style in STYLES {
        let (mut server, at) = Side::server("127.0.0.1:0", &["--style", style]);
        let socket = peer(&at);
        socket.shutdown(Shutdown::Write).expect("shutdown");
        let mut heard = BufReader::new(socket);
        for line in ["one\n", "two\n", "three\n"] {
            server.types(line);
            let mut got = String::new();
            heard.read_line(&mut got).expect("read");
            assert_eq!(got, line);
        }
        assert_eq!(server.end().2, Some(0));
    }
}

#[test]
fn a_send_that_fails_is_said_and_exits_with_1() {
    for style in ["threads", "poll"] {
        let (mut server, at) = Side::server("127.0.0.1:0", &["--style", style]);
        drop(peer(&at));
        let _ = server.note();
        // Sooner or later the kernel says that nobody is there.
        while server.stdin().write_all(b"hello\n").is_ok() {}
        let (_, notes, code) = server.wait();
        assert!(notes.contains("EPIPE") || notes.contains("ECONNRESET"), "{notes}");
        assert_eq!(code, Some(1), "{style}");
    }
}

#[test]
fn a_reset_is_said_and_ends_it_with_1() {
    for style in STYLES {
        let (server, at) = Side::server("127.0.0.1:0", &["--style", style]);
        let socket = peer(&at);
        socket.send(b"half a mess").expect("send");
        socket.set_linger(Some(Duration::ZERO)).expect("linger");
        drop(socket);
        let (_, notes, code) = server.wait();
        assert!(notes.contains("ECONNRESET"), "{style}: {notes}");
        assert_eq!(code, Some(1), "{style}");
    }
}

#[test]
fn without_newlines_silence_ends_a_message() {
    for style in STYLES {
        let (mut server, at) = Side::server("127.0.0.1:0", &["--style", style]);
        let socket = peer(&at);
        for said in ["你好", "在吗"] {
            socket.send(said.as_bytes()).expect("send");
            server.shows(&format!("Jack: {said}\n"));
            server.types("嗯\n");
            let mut answer = [0; 4];
            (&socket).read_exact(&mut answer).expect("read");
            assert_eq!(answer, "嗯\n".as_bytes());
        }
        drop(socket);
        assert_eq!(server.end().2, Some(0), "{style}");
    }
}

#[test]
fn what_a_peer_sends_is_never_obeyed() {
    let (mut server, at) = Side::server("127.0.0.1:0", &[]);
    let socket = peer(&at);
    socket.send("\u{1b}[2J\u{9b}31m\u{7}\u{202e}\u{200b}\rJack\u{feff}".as_bytes()).expect("send");
    socket.send(b"\xff\xc3\xed\xa0\x80\0\r\n").expect("send");
    let shown = r"Jack: \u{1b}[2J\u{9b}31m\u{7}\u{202e}\u{200b}\u{d}Jack\u{feff}\xff\xc3\xed\xa0\x80\u{0}";
    server.shows(&format!("{shown}\n"));
    drop(socket);
    assert_eq!(server.end().2, Some(0));
}

#[test]
fn a_line_without_end_costs_no_memory() {
    let (mut server, at) = Side::server("127.0.0.1:0", &[]);
    let mut socket = peer(&at);
    let sending = std::thread::spawn(move || {
        let block = "长".repeat(100_000);
        (0..100).try_for_each(|_| socket.write_all(block.as_bytes()))
    });
    let mut shown = 0;
    let mut block = vec![0; 1 << 16];
    let label = "Jack: ".len();
    while shown < 30_000_000 + label {
        shown += server.stdout().read(&mut block).expect("read");
    }
    assert_eq!(shown, 30_000_000 + label);
    sending.join().expect("joined").expect("sent");
    if let Ok(status) = std::fs::read_to_string(format!("/proc/{}/status", server.child.id())) {
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("VmHWM");
        let kilobytes: u64 = peak.trim().trim_end_matches(" kB").parse().expect("a number");
        assert!(kilobytes < 24_000, "30 MB have come, and {kilobytes} kB are in use");
    }
    assert_eq!(server.end().2, Some(0));
}

#[test]
fn a_second_client_is_refused() {
    let file = path("second");
    for address in ["127.0.0.1:0".to_owned(), format!("unix:{}", file.display())] {
        let (mut server, at) = Side::server(&address, &[]);
        let first = peer(&at);
        assert!(server.note().starts_with("connected from: "));
        let (_, notes, code) = Side::client(&at, &[]).wait();
        assert!(notes.contains("nobody takes calls there"), "{notes}");
        assert_eq!(code, Some(3));
        first.send(b"still here\n").expect("send");
        server.shows("Jack: still here\n");
        drop(first);
        assert_eq!(server.end().2, Some(0));
    }
}

#[test]
fn ten_thousand_connections_are_one_chat_and_refusals() {
    let (mut server, at) = Side::server("127.0.0.1:0", &[]);
    let first = peer(&at);
    assert!(server.note().starts_with("connected from: "));
    let to: SockAddr = at.parse::<std::net::SocketAddr>().expect("an address").into();
    for _ in 0..10_000 {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("socket");
        let error = socket.connect(&to).expect_err("nobody listens any more");
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionRefused);
    }
    first.send("还在\n".as_bytes()).expect("send");
    server.shows("Jack: 还在\n");
    drop(first);
    assert_eq!(server.end().2, Some(0));
}

#[test]
fn whoever_comes_first_serves() {
    let file = path("first");
    let address = format!("unix:{}", file.display());
    let mut one = Side::start(&["--address", &address]);
    assert_eq!(one.note(), "waiting for connection...");
    let mut other = Side::start(&["--address", &address]);
    assert!(other.note().starts_with("connected to: "));
    other.types("hello\n");
    one.shows("Jack: hello\n");
    let (one, other) = end_both(one, other);
    assert_eq!((one.2, other.2), (Some(0), Some(0)));
}

#[test]
fn a_stale_file_is_replaced_and_one_in_use_is_not() {
    let file = path("stale");
    let address = format!("unix:{}", file.display());
    let left = Socket::new(Domain::UNIX, Type::STREAM, None).expect("socket");
    left.bind(&SockAddr::unix(&file).expect("short")).expect("bind");
    drop(left);
    let (mut server, at) = Side::server(&address, &[]);
    let (_, notes, code) = Side::start(&["server", "--address", &address]).wait();
    assert!(notes.contains("EADDRINUSE"), "{notes}");
    assert_eq!(code, Some(3));
    // Having been asked about, the first still waits for its caller.
    let socket = peer(&at);
    socket.send(b"hello\n").expect("send");
    server.shows("Jack: hello\n");
    drop(socket);
    assert_eq!(server.end().2, Some(0));

    std::fs::write(&file, "a file that is no socket").expect("written");
    assert_eq!(Side::start(&["server", "--address", &address]).wait().2, Some(3));
    assert!(file.exists(), "what is not ours is left alone");
    std::fs::remove_file(&file).expect("removed");
}

#[test]
fn a_signal_removes_the_file() {
    let file = path("signal");
    let (server, _) = Side::server(&format!("unix:{}", file.display()), &[]);
    assert!(file.exists());
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(server.child.id().cast_signed()), nix::sys::signal::Signal::SIGTERM).expect("kill");
    assert_eq!(server.wait().2, Some(143));
    assert!(!file.exists());
}

#[test]
fn nobody_there_is_said_after_all_retries() {
    let (_, notes, code) = Side::client(&format!("unix:{}", path("nobody").display()), &["--retries", "2"]).wait();
    assert_eq!(notes.matches("again in").count(), 2, "{notes}");
    assert!(notes.contains("0.2 s") && notes.contains("0.4 s") && notes.contains("nobody takes calls"), "{notes}");
    assert_eq!(code, Some(3));
    for wrong in ["localhost", "1.2.3.4:99999", "::1:5", "unix:", "unix:@"] {
        assert_eq!(Side::client(wrong, &[]).wait().2, Some(2), "{wrong}");
    }
}

#[test]
fn listening_beyond_this_machine_is_warned_of() {
    let mut server = Side::start(&["server", "--address", "0.0.0.0:0"]);
    assert!(server.note().contains("neither encrypted nor authenticated"));
    server.child.kill().expect("kill");
    server.wait();
}

#[test]
fn calls_are_traced_with_their_threads_and_recorded() {
    let file = path("record");
    let recording = file.to_str().expect("UTF-8");
    let (mut server, at) = Side::server("127.0.0.1:0", &["-v", "--record", recording]);
    let mut socket = peer(&at);
    socket.write_all("你好\n".as_bytes()).expect("send");
    server.shows("Jack: 你好\n");
    drop(socket);
    let (_, notes, code) = server.end();
    assert!(notes.contains("server receives") && notes.contains("recvfrom("), "{notes}");
    assert!(notes.contains("server sends") && notes.contains("shutdown("), "{notes}");
    assert_eq!(code, Some(0));
    let text = std::fs::read_to_string(&file).expect("a recording");
    let _ = std::fs::remove_file(&file);
    assert!(text.lines().count() > 10 && text.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()));
}

/// The program, or `None` with a word about it if it is not installed.
fn installed(name: &str) -> Option<Command> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).any(|folder| folder.join(name).exists());
    if !found {
        eprintln!("skipped: {name} is not installed");
    }
    found.then(|| Command::new(name))
}

/// The notes' client in today's Python: what it sends has no newline.
const NOTES_CLIENT: &str = "
import socket, sys
client = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
client.connect(('127.0.0.1', int(sys.argv[1])))
for said in ('你好', '在吗'):
    client.sendall(said.encode())
    print('Jack:' + client.recv(1024).decode(), flush=True)
client.close()
";

#[test]
fn the_notes_own_program_is_understood() {
    if installed("python3").is_none() {
        return;
    }
    for style in STYLES {
        let (mut server, at) = Side::server("127.0.0.1:0", &["--style", style]);
        let port = at.rsplit_once(':').expect("a port").1;
        let mut python = Command::new("python3");
        python.env("PYTHONIOENCODING", "utf-8");
        let client = python.args(["-c", NOTES_CLIENT, port]).stdout(Stdio::piped()).spawn().expect("python3 starts");
        for (said, answer) in [("你好", "你也好啊\n"), ("在吗", "在\n")] {
            server.shows(&format!("Jack: {said}\n"));
            server.types(answer);
        }
        let told = client.wait_with_output().expect("it ends");
        assert_eq!(String::from_utf8_lossy(&told.stdout), "Jack:你也好啊\n\nJack:在\n\n", "{style}");
        assert_eq!(server.end().2, Some(0));
    }
}

#[test]
fn nc_and_socat_are_understood() {
    for (name, args) in [("nc", &["-N", "127.0.0.1", "PORT"][..]), ("socat", &["-", "TCP:127.0.0.1:PORT"])] {
        let Some(mut command) = installed(name) else { continue };
        let (mut server, at) = Side::server("127.0.0.1:0", &[]);
        let port = at.rsplit_once(':').expect("a port").1;
        command.args(args.iter().map(|arg| arg.replace("PORT", port))).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut peer = command.spawn().expect("it starts");
        let mut keys = peer.stdin.take().expect("piped");
        keys.write_all("你好\r\n".as_bytes()).expect("it reads");
        server.shows("Jack: 你好\n");
        server.types("你也好啊\n");
        let mut shown = String::new();
        BufReader::new(peer.stdout.take().expect("piped")).read_line(&mut shown).expect("UTF-8");
        assert_eq!(shown, "你也好啊\n", "{name}");
        drop(keys);
        assert_eq!(server.end().2, Some(0), "{name}");
        peer.wait().expect("it ends");
    }
}

#[test]
fn a_peer_that_never_reads_keeps_nobody_from_hearing_it() {
    for style in ["threads", "poll"] {
        let (mut server, at) = Side::server("127.0.0.1:0", &["--style", style]);
        let socket = peer(&at);
        let mut input = server.child.stdin.take().expect("piped");
        // More than all buffers on the way hold: this thread stays blocked until the chat is over.
        let typing = std::thread::spawn(move || input.write_all(&vec![b'x'; 64 << 20]));
        for number in 0..100 {
            socket.send(format!("line {number}\n").as_bytes()).expect("send");
            server.shows(&format!("Jack: line {number}\n"));
        }
        drop(socket);
        assert_eq!(server.wait().2, Some(1), "{style}");
        assert!(typing.join().expect("joined").is_err());
    }
}
