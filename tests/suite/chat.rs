//! The chat with files and pipes instead of people, and with peers that mean no good. Peers are plain sockets, so that they
//! can misbehave. Nothing here waits a fixed time for something to be ready, or asks that something be fast.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::Shutdown;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Output, Stdio};
use std::time::Duration;

use socket2::{Domain, SockAddr, Socket, Type};

use crate::support::require;

const STYLES: [&str; 3] = ["threads", "turns", "poll"];

/// One side, with pipes for keyboard and screen.
struct Side {
    child: Child,
    notes: BufReader<std::process::ChildStderr>,
}

impl Side {
    fn start(args: &[&str]) -> Side {
        let mut command = Command::new(env!("CARGO_BIN_EXE_explore"));
        command
            .arg("chat")
            .args(args)
            .env("LC_ALL", "C.UTF-8")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
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
            assert_eq!(
                self.stdout().read(&mut byte).expect("read"),
                1,
                "it ended after {:?}",
                String::from_utf8_lossy(&seen)
            );
            seen.push(byte[0]);
        }
    }

    fn kill(mut self) {
        self.child.kill().expect("SIGKILL");
        self.wait();
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

/// An address of each family that this machine has; the kernel chooses the ports.
fn addresses(name: &str) -> Vec<String> {
    let mut addresses = vec!["127.0.0.1:0".to_owned(), format!("unix:{}", path(name).display())];
    if has_ipv6() {
        addresses.push("[::1]:0".to_owned());
    } else {
        println!("not tried: [::1], which this machine does not have");
    }
    if cfg!(target_os = "linux") {
        addresses.push(format!("unix:@explore-test-{}-{name}", std::process::id()));
    }
    addresses
}

/// The most memory that this process has ever had, in kB; `None` where the system does not tell.
fn peak(side: &Side) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", side.child.id())).ok()?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    peak.trim().trim_end_matches(" kB").parse().ok()
}

/// A plain socket, connected to a server of ours.
fn peer(at: &str) -> Socket {
    let to: SockAddr = match at.strip_prefix("unix:") {
        Some(name) => SockAddr::unix(name.replace('@', "\0")).expect("short"),
        None => at.parse::<std::net::SocketAddr>().expect("an address").into(),
    };
    let socket = Socket::new(to.domain(), Type::STREAM, None).expect("socket");
    socket.connect(&to).expect("it listens");
    socket
}

fn has_ipv6() -> bool {
    let any: std::net::SocketAddr = "[::1]:0".parse().expect("an address");
    Socket::new(Domain::IPV6, Type::STREAM, None)
        .and_then(|socket| socket.bind(&any.into()))
        .is_ok()
}

/// The lines of a piece of code, without the indentation that all of them share.
fn unindented(code: &str) -> Vec<&str> {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let shared = code.lines().filter(|line| !line.trim().is_empty()).map(indent).min();
    code.lines().map(|line| line.get(shared.unwrap_or(0)..).unwrap_or_default()).collect()
}

#[test]
fn the_code_in_lessons_11_and_12_is_the_chats_own() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &str| std::fs::read_to_string(root.join(path)).expect("a source file");
    let sources = [
        read("src/chat/turns.rs"),
        read("src/chat/threads.rs"),
        read("src/chat/message_decoder.rs"),
        read("src/experiments/l12_mended.rs"),
    ];
    for lesson in ["11-turns", "12-chat"] {
        for language in ["en", "zh"] {
            let text = read(&format!("lessons/{lesson}/{language}.md"));
            let shown: Vec<&str> = text
                .split("```rust\n")
                .skip(1)
                .map(|rest| rest.split_once("```").expect("the end of the code").0)
                .collect();
            assert!(shown.len() > 3, "{lesson}/{language}.md shows {} pieces", shown.len());
            for code in shown {
                let lines: Vec<&str> = code.lines().collect();
                let is_there = sources.iter().any(|source| {
                    let source: Vec<&str> = source.lines().collect();
                    source.windows(lines.len()).any(|part| unindented(&part.join("\n")) == lines)
                });
                assert!(
                    is_there,
                    "{lesson}/{language}.md shows what is not in the source:\n{code}"
                );
                // Prose indents code by four columns, and cuts what does not fit into 80.
                let widest = lines.iter().map(|line| line.chars().count()).max();
                assert!(widest <= Some(76), "{lesson}/{language}.md: {widest:?} columns\n{code}");
            }
        }
    }
}

#[test]
fn every_style_talks_over_every_family() {
    for style in STYLES {
        for address in addresses(style) {
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
            assert!(
                !std::path::Path::new(at.trim_start_matches("unix:")).exists(),
                "our file is removed"
            );
        }
    }
}

#[test]
fn nothing_is_lost_and_nothing_added() {
    let mut text = String::new();
    for number in 0..20_000 {
        let _ = writeln!(text, "{number} 一行\t又一行 {}", "长".repeat(number % 97));
    }
    text.push_str("a line of another system\r\n\r\nthe last line has no end");
    for style in ["threads", "poll"] {
        let (mut server, at) = Side::server("127.0.0.1:0", &["--style", style]);
        let mut client = Side::client(&at, &["--style", style]);
        drop(server.child.stdin.take());
        let (mut input, sent) = (client.child.stdin.take().expect("piped"), text.clone());
        let typing = std::thread::spawn(move || input.write_all(sent.as_bytes()));
        let (shown, _, code) = server.wait();
        typing.join().expect("joined").expect("all is read");
        let unlabelled: String = shown
            .split_inclusive('\n')
            .map(|line| line.strip_prefix("Jack: ").expect("a label"))
            .collect();
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
    let shown =
        r"Jack: \u{1b}[2J\u{9b}31m\u{7}\u{202e}\u{200b}\u{d}Jack\u{feff}\xff\xc3\xed\xa0\x80\u{0}";
    server.shows(&format!("{shown}\r\n"));
    drop(socket);
    assert_eq!(server.end().2, Some(0));
}

#[test]
fn a_line_without_end_costs_no_memory() {
    STYLES.into_iter().for_each(a_line_without_end);
}

fn a_line_without_end(style: &str) {
    let (mut server, at) = Side::server("127.0.0.1:0", &["--style", style]);
    // By turns it would wait for its own, and the peer with it.
    drop(server.child.stdin.take());
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
    assert_eq!(shown, 30_000_000 + label, "{style}");
    assert!(
        peak(&server).is_none_or(|kilobytes| kilobytes < 24_000),
        "{style}: 30 MB have come, and in use are {:?} kB",
        peak(&server)
    );
    sending.join().expect("joined").expect("sent");
    let (_, _, code) = server.wait();
    assert_eq!(code, Some(0), "{style}");
}

#[test]
fn a_second_client_is_refused() {
    for (style, address) in STYLES
        .into_iter()
        .flat_map(|style| addresses("second").into_iter().map(move |address| (style, address)))
    {
        let (mut server, at) = Side::server(&address, &["--style", style]);
        let first = peer(&at);
        assert!(server.note().starts_with("connected from: "));
        let (_, notes, code) = Side::client(&at, &[]).wait();
        assert!(notes.contains("no server listens there"), "{notes}");
        assert_eq!(code, Some(3));
        first.send(b"still here\n").expect("send");
        server.shows("Jack: still here\n");
        drop(first);
        assert_eq!(server.end().2, Some(0));
    }
}

#[test]
fn one_that_waited_in_the_backlog_is_sent_away_when_another_is_taken() {
    for (style, address) in STYLES
        .into_iter()
        .flat_map(|style| addresses("backlog").into_iter().map(move |address| (style, address)))
    {
        let (mut server, at) = Side::server(&address, &["--style", style]);
        let process = nix::unistd::Pid::from_raw(server.child.id().cast_signed());
        // While it is stopped, the kernel takes both calls for it.
        nix::sys::signal::kill(process, nix::sys::signal::Signal::SIGSTOP).expect("kill");
        let first = peer(&at);
        let mut second = Side::client(&at, &[]);
        assert!(second.note().starts_with("connected to: "));
        nix::sys::signal::kill(process, nix::sys::signal::Signal::SIGCONT).expect("kill");
        assert!(server.note().starts_with("connected from: "));
        let (_, notes, code) = second.wait();
        assert!(
            notes.contains("the peer has broken the connection") && notes.contains("ECONNRESET"),
            "{address}: {notes}"
        );
        assert_eq!(code, Some(1), "{address}");
        first.send(b"still here\n").expect("send");
        server.shows("Jack: still here\n");
        drop(first);
        assert_eq!(server.end().2, Some(0), "{address}");
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
fn a_silent_peer_is_waited_for_and_talked_to() {
    for style in ["threads", "poll"] {
        let (mut server, at) = Side::server("127.0.0.1:0", &["--style", style]);
        let mut heard = BufReader::new(peer(&at));
        for number in 0..100 {
            server.types(&format!("line {number}\n"));
            let mut line = String::new();
            heard.read_line(&mut line).expect("read");
            assert_eq!(line, format!("line {number}\n"), "{style}");
        }
        drop(server.child.stdin.take());
        let mut line = String::new();
        assert_eq!(heard.read_line(&mut line).expect("the end"), 0, "{style}");
        drop(heard);
        assert_eq!(server.wait().2, Some(0), "{style}");
    }
}

#[test]
fn lines_that_end_with_cr_lf_are_lines() {
    for style in STYLES {
        let (server, at) = Side::server("127.0.0.1:0", &["--style", style]);
        let socket = peer(&at);
        // The end of the first line is cut.
        for piece in ["你好\r", "\n", "在吗\r\n", "\r\n", "a\rb\r\n"] {
            socket.send(piece.as_bytes()).expect("send");
        }
        socket.shutdown(Shutdown::Write).expect("shutdown");
        let (shown, _, code) = server.end();
        assert_eq!(
            shown, "Jack: 你好\r\nJack: 在吗\r\nJack: \r\nJack: a\\u{d}b\r\n",
            "{style}: as they came"
        );
        assert_eq!(code, Some(0), "{style}");
    }
}

#[test]
fn what_cannot_be_read_or_shown_is_said() {
    for style in STYLES {
        let mut command = Command::new(env!("CARGO_BIN_EXE_explore"));
        let (server, at) = Side::server("127.0.0.1:0", &[]);
        command
            .args(["chat", "client", "--lang", "en", "--address", &at, "--style", style])
            .stdin(std::fs::File::open("/tmp").expect("a folder"));
        let told = command.output().expect("it ends");
        let notes = String::from_utf8_lossy(&told.stderr);
        assert!(
            notes.contains("the input cannot be read: read") && notes.contains("EISDIR"),
            "{style}: {notes}"
        );
        assert_eq!(told.status.code(), Some(1), "{style}");
        // It has hung up, in an orderly way.
        assert_eq!(server.end().2, Some(0), "{style}");
    }
    for style in STYLES.into_iter().filter(|_| cfg!(target_os = "linux")) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_explore"));
        let (mut server, at) = Side::server("127.0.0.1:0", &[]);
        server.types("你好\n");
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("full(4)");
        command
            .args(["chat", "client", "--lang", "en", "--address", &at, "--style", style])
            .stdin(Stdio::null())
            .stdout(full);
        let told = command.output().expect("it ends");
        let notes = String::from_utf8_lossy(&told.stderr);
        assert!(
            notes.contains("the output cannot be written: write") && notes.contains("ENOSPC"),
            "{style}: {notes}"
        );
        assert_eq!(told.status.code(), Some(1), "{style}");
        server.end();
    }
}

#[test]
fn when_nobody_reads_what_is_shown_the_chat_ends() {
    for style in STYLES {
        let (mut server, at) = Side::server("127.0.0.1:0", &["--style", style]);
        drop(server.child.stdout.take());
        let socket = peer(&at);
        socket.send("你好\n".as_bytes()).expect("send");
        // Its keyboard stays open.
        assert_eq!(server.wait().2, Some(0), "{style}");
    }
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
fn of_many_that_find_one_stale_file_one_listens_and_the_others_leave_it_alone() {
    for round in 0..5 {
        let file = path(&format!("stale-for-all-{round}"));
        let left = Socket::new(Domain::UNIX, Type::STREAM, None).expect("socket");
        left.bind(&SockAddr::unix(&file).expect("short")).expect("bind");
        drop(left);
        let address = format!("unix:{}", file.display());
        let mut servers: Vec<Side> =
            (0..8).map(|_| Side::start(&["server", "--address", &address])).collect();
        let notes: Vec<String> = servers.iter_mut().map(Side::note).collect();
        assert_eq!(
            notes.iter().filter(|note| *note == "waiting for connection...").count(),
            1,
            "{notes:?}"
        );
        assert_eq!(notes.iter().filter(|note| note.contains("EADDRINUSE")).count(), 7, "{notes:?}");
        drop(peer(&address));
        let mut codes: Vec<_> = servers.into_iter().map(|server| server.end().2).collect();
        codes.sort_unstable();
        assert_eq!(codes, [&[Some(0)][..], &[Some(3); 7]].concat());
        assert!(!file.exists());
    }
}

#[test]
fn an_output_that_does_not_block_is_waited_for() {
    let (mut out, into) = std::io::pipe().expect("pipe");
    let flags = nix::fcntl::OFlag::O_WRONLY | nix::fcntl::OFlag::O_NONBLOCK;
    nix::fcntl::fcntl(&into, nix::fcntl::FcntlArg::F_SETFL(flags)).expect("fcntl");
    let at = format!("unix:{}", path("non-blocking").display());
    let mut command = Command::new(env!("CARGO_BIN_EXE_explore"));
    command
        .args(["chat", "server", "--address", &at])
        .stdin(Stdio::null())
        .stdout(into)
        .stderr(Stdio::piped());
    let mut child = command.spawn().expect("explore starts");
    drop(command);
    let mut notes = BufReader::new(child.stderr.take().expect("piped"));
    notes.read_line(&mut String::new()).expect("it waits");
    let mut socket = peer(&at);
    // Several times what the pipe holds, and nobody reads it before all is sent but what the kernel holds.
    let sending = std::thread::spawn(move || {
        (0..100_000).try_for_each(|number| socket.write_all(format!("{number}\n").as_bytes()))
    });
    let mut shown = String::new();
    out.read_to_string(&mut shown).expect("UTF-8");
    assert!(
        shown == (0..100_000).fold(String::new(), |all, number| all + &format!("Jack: {number}\n"))
    );
    sending.join().expect("joined").expect("sent");
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
}

#[test]
fn a_signal_removes_the_file() {
    use nix::sys::signal::Signal;
    for (signal, code) in [(Signal::SIGTERM, 143), (Signal::SIGHUP, 129), (Signal::SIGINT, 130)] {
        let file = path(signal.as_str());
        let (server, _) = Side::server(&format!("unix:{}", file.display()), &[]);
        assert!(file.exists());
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(server.child.id().cast_signed()), signal)
            .expect("kill");
        assert_eq!(server.wait().2, Some(code), "{signal}");
        assert!(!file.exists(), "{signal}");
    }
}

#[test]
fn nobody_there_is_said_after_all_retries() {
    let (_, notes, code) =
        Side::client(&format!("unix:{}", path("nobody").display()), &["--retries", "2"]).wait();
    assert_eq!(notes.matches("again in").count(), 2, "{notes}");
    assert!(notes.contains("0.2 s") && notes.contains("0.4 s"), "{notes}");
    assert_eq!(
        notes.matches("no server listens").count(),
        1,
        "what would help is said once, at the end: {notes}"
    );
    assert_eq!(code, Some(3));
}

#[test]
fn one_who_comes_too_early_calls_again() {
    let address = format!("unix:{}", path("early").display());
    let mut client = Side::client(&address, &["--retries", "30"]);
    assert!(client.note().contains("again in 0.2 s"));
    let (mut server, _) = Side::server(&address, &[]);
    while !client.note().starts_with("connected to: ") {}
    client.types("hello\n");
    server.shows("Jack: hello\n");
    let (client, server) = end_both(client, server);
    assert_eq!((client.2, server.2), (Some(0), Some(0)));
}

/// Others drop a call that finds the backlog full, too, but count what it holds in other ways.
#[test]
#[cfg(target_os = "linux")]
fn a_call_that_nobody_answers_ends_at_its_timeout() {
    let full = std::net::Ipv4Addr::LOCALHOST;
    let listener = Socket::new(Domain::IPV4, Type::STREAM, None).expect("socket");
    listener.bind(&std::net::SocketAddr::from((full, 0)).into()).expect("bind");
    listener.listen(0).expect("listen");
    let at = listener.local_addr().expect("an address").as_socket().expect("IPv4").to_string();
    let _first = peer(&at);
    let (_, notes, code) = Side::client(&at, &["--timeout", "300ms", "--retries", "1"]).wait();
    assert_eq!(notes.matches("no answer in 0.3 s").count(), 2, "{notes}");
    assert!(notes.contains(&format!("connect to {at}")) && notes.contains("--timeout"), "{notes}");
    assert_eq!(code, Some(3));
}

#[test]
fn every_error_says_what_failed_where_and_what_to_do() {
    let long = "x".repeat(200);
    let folder = std::env::temp_dir();
    let (in_use, at) = Side::server("127.0.0.1:0", &[]);
    let told = |side: &str, address: &str| {
        let (shown, notes, code) =
            Side::start(&[side, "--address", address, "--timeout", "1s"]).wait();
        assert_eq!(shown, "");
        (notes, code)
    };
    for (side, address, remedy, code) in [
        ("client", "nonsense", "write HOST:PORT", 2),
        ("client", "127.0.0.1:99999", "write HOST:PORT", 2),
        ("client", "::1:5", "needs brackets", 2),
        ("server", "unix:", "unix:/path", 2),
        ("server", "unix:@", "unix:/path", 2),
        ("client", "127.0.0.1:0", "name the port", 2),
        ("client", "[zz]:5", "check the name", 3),
        ("server", &format!("unix:/{long}"), "choose a shorter name", 3),
        (
            "client",
            &format!("unix:@{long}"),
            if cfg!(target_os = "linux") { "choose a shorter name" } else { "only Linux" },
            if cfg!(target_os = "linux") { 3 } else { 2 },
        ),
        ("server", "unix:/tmp/no-such-folder/x", "create it first", 3),
        ("server", "unix:/etc/passwd/x", "choose another path", 3),
        ("server", &format!("unix:{}", folder.display()), "not a socket; choose another path", 3),
        ("client", &format!("unix:{}", folder.display()), "not a socket; choose another path", 3),
        ("client", "unix:/tmp/no-such-socket", "start `explore chat server", 3),
        ("server", &at, &format!("join it with `explore chat client --address {at}`"), 3),
        ("server", "192.0.2.1:21567", "listen at one of its own", 3),
    ] {
        let (notes, ended) = told(side, address);
        assert!(notes.contains(address) && notes.contains(remedy), "{side} {address}: {notes}");
        assert_eq!(ended, Some(code), "{side} {address}: {notes}");
    }
    // Root may listen at any port, and on some machines everybody may.
    let first = std::net::SocketAddr::from((std::net::Ipv4Addr::LOCALHOST, 1));
    let (notes, code) = match Socket::new(Domain::IPV4, Type::STREAM, None)
        .and_then(|socket| socket.bind(&first.into()))
    {
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
            told("server", "127.0.0.1:1")
        }
        _ => return in_use.kill(),
    };
    assert!(notes.contains("EACCES") && notes.contains("choose a higher one"), "{notes}");
    assert_eq!(code, Some(3));
    in_use.kill();
}

#[test]
fn listening_beyond_this_machine_is_warned_of() {
    let mut server = Side::start(&["server", "--address", "0.0.0.0:0"]);
    assert!(server.note().contains("neither encrypted nor authenticated"));
    server.kill();
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
    assert_eq!(code, Some(0), "{notes}");
    let text = std::fs::read_to_string(&file).expect("a recording");
    let _ = std::fs::remove_file(&file);
    assert!(
        text.lines().count() > 10
            && text.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok())
    );
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
    if require("python3").is_none() {
        return;
    }
    for style in STYLES {
        let (mut server, at) = Side::server("127.0.0.1:0", &["--style", style]);
        let port = at.rsplit_once(':').expect("a port").1;
        let mut python = Command::new("python3");
        python.env("PYTHONIOENCODING", "utf-8");
        let client = python
            .args(["-c", NOTES_CLIENT, port])
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 starts");
        for (said, answer) in [("你好", "你也好啊\n"), ("在吗", "在\n")] {
            server.shows(&format!("Jack: {said}\n"));
            server.types(answer);
        }
        let told = client.wait_with_output().expect("it ends");
        assert_eq!(
            String::from_utf8_lossy(&told.stdout),
            "Jack:你也好啊\n\nJack:在\n\n",
            "{style}"
        );
        assert_eq!(server.end().2, Some(0));
    }
}

#[test]
fn nc_ncat_and_socat_are_understood() {
    for (name, args) in [
        ("nc", &["-N", "127.0.0.1", "PORT"][..]),
        ("ncat", &["127.0.0.1", "PORT"]),
        ("socat", &["-", "TCP:127.0.0.1:PORT"]),
    ] {
        let Some(mut command) = require(name) else {
            continue;
        };
        let (mut server, at) = Side::server("127.0.0.1:0", &[]);
        let port = at.rsplit_once(':').expect("a port").1;
        command
            .args(args.iter().map(|arg| arg.replace("PORT", port)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut peer = command.spawn().expect("it starts");
        let mut keys = peer.stdin.take().expect("piped");
        keys.write_all("你好\r\n".as_bytes()).expect("it reads");
        server.shows("Jack: 你好\r\n");
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
        assert!(
            peak(&server).is_none_or(|kilobytes| kilobytes < 24_000),
            "{style}: {:?} kB are in use",
            peak(&server)
        );
        drop(socket);
        assert_eq!(server.wait().2, Some(1), "{style}");
        assert!(typing.join().expect("joined").is_err());
    }
}
