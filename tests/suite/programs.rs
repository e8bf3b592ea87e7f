//! The whole programs of the lessons: those in Python and those in C do the same, talk to each other, and keep their promises to peers
//! that dribble, break off, never read or leave.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use socket_explorer::lesson;
use socket2::{Domain, Socket, Type};
use tempfile::TempDir;

use crate::support::{Ended, ended, for_each, require, told};

/// When a test gives up.
const PATIENCE: Duration = Duration::from_secs(300);

/// A lesson's program in one language, ready to be run.
#[derive(Clone, Debug)]
struct Version {
    command: Vec<OsString>,
}

fn source(slug: &str, name: &str) -> PathBuf {
    let lessons = fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/lessons")).expect("lessons");
    let mut folders = lessons.map(|entry| entry.expect("an entry").path());
    let is_it = |path: &PathBuf| path.to_string_lossy().ends_with(&format!("-{slug}"));
    folders.find(is_it).expect("the lesson's folder").join(name)
}

/// The program of this lesson in each language that can be run here.
fn versions(slug: &'static str) -> Vec<Version> {
    static ALL: Mutex<BTreeMap<&str, Vec<Version>>> = Mutex::new(BTreeMap::new());
    let mut all = ALL.lock().unwrap_or_else(PoisonError::into_inner);
    all.entry(slug).or_insert_with(|| made(slug)).clone()
}

fn made(slug: &str) -> Vec<Version> {
    static COMPILED: LazyLock<TempDir> = LazyLock::new(|| {
        tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a scratch folder")
    });
    let mut versions = Vec::new();
    if require("python3").is_some() {
        // -u: what it prints is not held back.
        let command = vec!["python3".into(), "-u".into(), source(slug, "program.py").into()];
        versions.push(Version { command });
    }
    if let Some(mut cc) = require("cc") {
        let program = COMPILED.path().join(slug);
        cc.args(["-std=c11", "-Wall", "-Wextra", "-Werror", "-pthread", "-o"]).arg(&program);
        let (_, err, code) = ended(cc.arg(source(slug, "program.c")));
        assert_eq!((err.as_str(), code), ("", Some(0)), "{slug}: {err}");
        versions.push(Version { command: vec![program.into()] });
    }
    versions
}

/// Each version as a server, with each as its client.
fn pairs(slug: &'static str, talk: impl Fn(&Version, &Version) + Sync) {
    let versions = versions(slug);
    let pairs: Vec<_> = versions
        .iter()
        .flat_map(|server| versions.iter().map(move |client| (server, client)))
        .collect();
    for_each(&pairs, |(server, client)| talk(server, client));
}

impl Version {
    fn with(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.command[0]);
        command.args(&self.command[1..]).args(args);
        command
    }

    /// Runs it to its end, with nothing at its keyboard.
    fn ended(&self, args: &[&str]) -> Ended {
        ended(self.with(args).stdin(Stdio::null()))
    }

    fn start(&self, args: &[&str]) -> Running {
        let mut command = self.with(args);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("it starts");
        let keyboard = child.stdin.take();
        let output = BufReader::new(child.stdout.take().expect("a pipe"));
        let (running, ended) = mpsc::channel();
        let pid = Pid::from_raw(child.id().cast_signed());
        thread::spawn(move || {
            if ended.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                let _ = kill(pid, Signal::SIGKILL);
            }
        });
        Running { child, keyboard, output, _running: running }
    }

    /// Starts a server at a free port, and returns it with the port.
    fn serve(&self, args: &[&str]) -> (Running, String) {
        let mut server = self.start(&[args, &["0"]].concat());
        let line = server.line();
        let port = line.rsplit(' ').next().expect("a word").to_owned();
        assert!(port.parse::<u16>().is_ok_and(|port| port > 0), "{self:?}: {line}");
        (server, port)
    }
}

/// A program that runs; killed when it is dropped, or has run for too long.
struct Running {
    child: Child,
    keyboard: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    _running: Sender<()>,
}

impl Running {
    /// The next line it prints.
    fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("UTF-8");
        assert!(line.ends_with('\n'), "its output ends with {line:?}");
        line.trim_end().to_owned()
    }

    fn expect(&mut self, lines: &[&str]) {
        for line in lines {
            assert_eq!(self.line(), *line);
        }
    }

    fn type_in(&mut self, text: &str) {
        let keyboard = self.keyboard.as_mut().expect("a keyboard");
        keyboard.write_all(text.as_bytes()).expect("it reads its keyboard");
    }

    /// What else it prints until it ends by itself, and its exit code.
    fn rest(mut self) -> (String, Option<i32>) {
        let mut rest = String::new();
        self.output.read_to_string(&mut rest).expect("UTF-8");
        (rest, self.child.wait().expect("it ends").code())
    }

    /// Ends what is typed at it, and sees it end.
    fn leave(mut self) -> (String, Option<i32>) {
        drop(self.keyboard.take());
        self.rest()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn connect(port: &str) -> io::Result<TcpStream> {
    let port = port.parse().expect("a port");
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.connect(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)).into())?;
    Ok(socket.into())
}

fn connected(port: &str) -> TcpStream {
    connect(port).expect("the server listens")
}

/// A socket with a name at this host, and its port.
fn bound(host: impl Into<IpAddr>) -> io::Result<(Socket, String)> {
    let address = SocketAddr::from((host.into(), 0));
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.bind(&address.into())?;
    let port = socket.local_addr()?.as_socket().map(|address| address.port().to_string());
    Ok((socket, port.expect("an internet address")))
}

/// A connection that is reset when it is dropped.
fn breaks_off(port: &str) {
    let socket = Socket::from(connected(port));
    socket.send(b"half a li").expect("sent");
    socket.set_linger(Some(Duration::ZERO)).expect("set");
}

/// A port at which nobody listens: it is taken, so that nobody else can.
fn closed_port() -> (Socket, String) {
    bound(Ipv4Addr::LOCALHOST).expect("a name")
}

#[test]
fn every_lesson_prints_its_program_and_nothing_else() {
    for entry in lesson::contents() {
        for (language, name) in [("python", "program.py"), ("c", "program.c")] {
            let (out, err, code) = told(&["lesson", entry.slug, "--program", language]);
            assert_eq!((err.as_str(), code), ("", Some(0)));
            let file = fs::read_to_string(source(entry.slug, name)).expect("a program");
            assert!(out == file, "{} {language}", entry.slug);
            // A terminal of 80 columns shows the Python ones whole, which stand in the lesson.
            let widest = file.lines().map(|line| line.chars().count()).max().unwrap_or(0);
            assert!(widest <= 76 || name != "program.py", "{}: {widest} columns", entry.slug);
        }
    }
    let (out, err, code) = told(&["lesson", "1", "--program", "pascal"]);
    assert_eq!((out.as_str(), code), ("", Some(2)));
    assert!(err.contains("python, c"), "{err}");
}

#[test]
fn usage_is_told_to_whoever_names_no_role() {
    for slug in [
        "socket",
        "tcp-udp",
        "process",
        "handshake",
        "timeouts",
        "blocking",
        "nonblocking",
        "timeout-mode",
        "turns",
        "chat",
    ] {
        for version in versions(slug) {
            for args in [&[][..], &["sever"]] {
                let (out, err, code) = version.ended(args);
                assert!(err.contains("usage: program"), "{version:?}: {err}");
                assert!(
                    out.is_empty() && code.is_some_and(|code| code > 0),
                    "{version:?}: {code:?}"
                );
            }
        }
    }
}

#[test]
fn a_client_that_nobody_answers_says_where_and_why() {
    for slug in [
        "socket",
        "process",
        "handshake",
        "blocking",
        "nonblocking",
        "timeout-mode",
        "turns",
        "chat",
    ] {
        let (_bound, port) = closed_port();
        for version in versions(slug) {
            let (_, err, code) = version.ended(&["client", &port]);
            let expected = err.contains("Connection refused")
                && err.contains(&format!("127.0.0.1 port {port}"));
            assert!(expected && code == Some(1), "{version:?}: {err}");
        }
    }
}

#[test]
fn lesson_1_echoes_all_and_outlives_a_client_that_breaks_off() {
    pairs("socket", |server, client| {
        let (mut server, port) = server.serve(&["server"]);
        assert_eq!(
            client.ended(&["client", &port]),
            ("answer: hello\n".into(), String::new(), Some(0))
        );
        server.expect(&["a client has left"]);
        breaks_off(&port);
        // More than the buffers hold: send() takes it in parts.
        let sent = vec![b'x'; 8 << 20];
        let mut socket = connected(&port);
        let mut writer = socket.try_clone().expect("a second descriptor");
        thread::scope(|scope| {
            scope.spawn(|| {
                writer.write_all(&sent).expect("sent");
                writer.shutdown(Shutdown::Write).expect("shut down");
            });
            let mut echo = Vec::new();
            socket.read_to_end(&mut echo).expect("received");
            assert!(echo == sent, "{} of {} bytes", echo.len(), sent.len());
        });
    });
}

#[test]
fn lesson_2_reads_what_each_layer_says() {
    for version in versions("layers") {
        let (out, err, code) = version.ended(&[]);
        assert_eq!((err.as_str(), code), ("", Some(0)), "{version:?}");
        let lines: Vec<_> = out.lines().collect();
        let [link, network, transport, application] = lines[..] else { panic!("{out}") };
        assert_eq!(link, "data link:   came in by the interface lo");
        assert_eq!(network, "network:     from 127.0.0.1 to 127.0.0.1, time to live 42");
        assert!(transport.starts_with("transport:   UDP, from port "), "{transport}");
        assert_eq!(application, "application: 5 bytes: hello");
    }
}

#[test]
fn lesson_3_has_the_same_conversation_over_each_family() {
    let inet6 = bound(Ipv6Addr::LOCALHOST).is_ok();
    let families = [("AF_INET", "127.0.0.1"), ("AF_UNIX", "/door"), ("AF_INET6", "::1")];
    for version in versions("families") {
        let (out, err, code) = version.ended(&[]);
        let expected = families.iter().filter(|(family, _)| inet6 || *family != "AF_INET6");
        assert_eq!(out.lines().count(), expected.clone().count(), "{version:?}: {out}{err}");
        for (line, (family, address)) in out.lines().zip(expected) {
            let begins = line.starts_with(&format!("{family}: hello -> HELLO, at "));
            assert!(begins && line.contains(address), "{version:?}: {line}");
        }
        assert_eq!((err.is_empty(), code), (inet6, Some(i32::from(!inet6))), "{version:?}: {err}");
    }
}

#[test]
fn lesson_4_keeps_the_boundaries_of_messages_over_both_transports() {
    let messages = ["3 bytes: one", "0 bytes:", "16 bytes: three words here"];
    pairs("tcp-udp", |server, client| {
        for transport in ["tcp", "udp"] {
            let (mut server, port) = server.serve(&["server", transport]);
            let sent = client.ended(&["client", transport, &port]);
            assert_eq!(sent, (String::new(), String::new(), Some(0)));
            server.expect(&messages);
            if transport == "tcp" {
                assert_eq!(server.rest(), (String::new(), Some(0)));
            }
        }
    });
}

#[test]
fn lesson_4_sends_datagrams_that_nobody_receives_and_hears_nothing_of_it() {
    // A port that is taken, and that takes only what its peer sends: to everybody else it answers that nobody is there.
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, None).expect("a socket");
    let at = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port)).into();
    socket.bind(&at(0)).expect("a name");
    socket.connect(&at(9)).expect("a peer");
    let name = socket.local_addr().expect("its name").as_socket();
    let port = name.expect("an internet address").port().to_string();
    for version in versions("tcp-udp") {
        for _ in 0..5 {
            let sent = version.ended(&["client", "udp", &port]);
            assert_eq!(sent, (String::new(), String::new(), Some(0)), "{version:?}");
        }
    }
}

#[test]
fn lesson_4_waits_for_the_rest_of_a_message_and_says_when_it_does_not_come() {
    for version in versions("tcp-udp") {
        let (mut server, port) = version.serve(&["server", "tcp"]);
        let mut socket = connected(&port);
        socket.set_nodelay(true).expect("set");
        for byte in *b"\0\0\0\x03one\0\0\0\x03two" {
            socket.write_all(&[byte]).expect("sent");
        }
        server.expect(&["3 bytes: one", "3 bytes: two"]);
        drop(socket);
        assert_eq!(server.rest(), (String::new(), Some(0)), "{version:?}");

        for cut in [&b"\0\0\0\x09cut"[..], b"\0\0"] {
            let (server, port) = version.serve(&["server", "tcp"]);
            connected(&port).write_all(cut).expect("sent");
            assert_eq!(server.rest(), (String::new(), Some(1)), "{version:?}: {cut:?}");
        }

        let (server, port) = version.serve(&["server", "tcp"]);
        let mut socket = connected(&port);
        socket.write_all(&[0xff; 4]).expect("sent");
        assert_eq!(server.rest(), (String::new(), Some(1)), "{version:?}: a message of 4 GiB");
    }
}

#[test]
fn lesson_5_gives_each_client_a_process_and_reaps_it() {
    pairs("process", |server, client| {
        let (server, port) = server.serve(&["server"]);
        let pid = server.child.id();
        let children = format!("/proc/{pid}/task/{pid}/children");
        let mut clients = [client.start(&["client", &port]), client.start(&["client", &port])];
        let serving = clients.each_mut().map(Running::line);
        assert!(serving.iter().all(|line| line.ends_with(" serves you")), "{serving:?}");
        assert_ne!(serving[0], serving[1], "one process serves both");
        for (number, client) in clients.iter_mut().enumerate().rev() {
            client.type_in(&format!("client {number}\n"));
            client.expect(&[&format!("client {number}")]);
        }
        let [first, second] = clients;
        assert_eq!(first.leave(), (String::new(), Some(0)));
        let alive = || fs::read_to_string(&children).expect("the kernel lists children");
        let began = Instant::now();
        while alive().split_whitespace().count() > 1 {
            assert!(began.elapsed() < PATIENCE, "a child that has ended is not reaped");
            thread::yield_now();
        }
        // The child that still serves holds the connection, and not the port.
        drop(server);
        assert_eq!(
            connect(&port).map_err(|error| error.kind()).err(),
            Some(ErrorKind::ConnectionRefused)
        );
        assert_eq!(second.leave(), (String::new(), Some(0)));
    });
}

#[test]
fn lesson_6_answers_over_the_half_that_is_still_open() {
    pairs("handshake", |server, client| {
        let (mut server, port) = server.serve(&["server"]);
        breaks_off(&port);
        let answer = "answer: 1000000 bytes have come, then the end\n";
        assert_eq!(client.ended(&["client", &port]), (answer.into(), String::new(), Some(0)));
        while server.line() != "1000000 bytes, answered" {}
    });
}

#[test]
fn lesson_7_tries_again_and_the_work_is_done_once() {
    pairs("timeouts", |server, client| {
        let (mut server, port) = server.serve(&["server"]);
        let (out, err, code) = client.ended(&["client", &port]);
        assert_eq!((err.as_str(), code), ("", Some(0)), "{out}");
        // On a busy machine the second attempt may be too slow as well.
        assert!(out.starts_with("attempt 1: timed out\n") && out.ends_with(": done\n"), "{out}");
        server.expect(&["a new request: done, but no answer", "the same request again: answered"]);
    });
    let (_bound, port) = closed_port();
    for version in versions("timeouts") {
        let (out, err, code) = version.ended(&["client", &port]);
        assert_eq!(out.matches("Connection refused").count(), 3, "{version:?}: {out}");
        assert!(err.contains("no answer in three attempts") && code == Some(1), "{err}");
    }
}

#[test]
fn lesson_8_shows_what_each_recv_waited_for() {
    pairs("blocking", |server, client| {
        let (mut server, port) = server.serve(&["server"]);
        let mut client = client.start(&["client", &port]);
        server.expect(&["a client is here: type"]);
        for line in ["hello\n", "你好\n"] {
            server.type_in(line);
            let told = client.line();
            assert!(told.ends_with(&format!(" s: {} bytes", line.len())), "{told}");
        }
        assert_eq!(server.leave(), (String::new(), Some(0)));
        let (end, code) = client.rest();
        let ends = end.ends_with(" s: 0 bytes\nthe end\n");
        assert!(end.starts_with("recv() waited ") && ends, "{end}");
        assert_eq!(code, Some(0));
    });
}

#[test]
fn lesson_8_says_that_the_client_has_left_and_does_not_die_of_it() {
    for version in versions("blocking") {
        let (mut server, port) = version.serve(&["server"]);
        drop(connected(&port));
        server.expect(&["a client is here: type"]);
        // The first line is answered by a reset, the next one fails: in C with SIGPIPE, unless that is kept away.
        while server.child.try_wait().expect("a child").is_none() {
            let _ = server.keyboard.as_mut().expect("a keyboard").write_all(b"hello\n");
        }
        assert_eq!(server.rest(), (String::new(), Some(1)), "{version:?}");
    }
}

#[test]
fn lesson_9_serves_others_while_one_client_does_not_read() {
    pairs("nonblocking", |server, client| {
        let (_server, port) = server.serve(&["server"]);
        breaks_off(&port);
        let mut greedy = connected(&port);
        greedy.set_write_timeout(Some(Duration::from_millis(300))).expect("set");
        let mut sent = 0;
        let full = loop {
            match greedy.write(&[b'x'; 65536]) {
                Ok(count) => sent += count,
                Err(error) => break error,
            }
        };
        assert_eq!(full.kind(), ErrorKind::WouldBlock, "{sent} bytes");
        let mut other = client.start(&["client", &port]);
        other.type_in("hello\nagain\n");
        other.expect(&["hello", "again"]);
        assert_eq!(other.leave(), (String::new(), Some(0)));
        // What was kept for the other comes when it reads, also after it has sent all.
        greedy.shutdown(Shutdown::Write).expect("shut down");
        let mut echo = Vec::new();
        greedy.read_to_end(&mut echo).expect("received");
        assert_eq!(echo.len(), sent);
    });
}

#[test]
fn lesson_9_lets_clients_wait_while_no_descriptor_is_free() {
    for version in versions("nonblocking") {
        let limited = ["sh", "-c", r#"ulimit -n 12 && exec "$@""#, "sh"].map(OsString::from);
        let limited = Version { command: [&limited[..], &version.command].concat() };
        let (mut server, port) = limited.serve(&["server"]);
        // Three descriptors are taken, and one or two by the server itself; nobody here is refused, since six fit in the queue.
        let clients: Vec<_> = (0..10).map(|_| connected(&port)).collect();
        assert!(server.line().starts_with("accept: "), "{version:?}");
        for mut client in clients {
            client.write_all(b"hello").expect("sent");
            let mut echo = [0; 5];
            client.read_exact(&mut echo).expect("received");
            assert_eq!(&echo, b"hello");
        }
        // Once more at most for each that has left: it does not ask again and again.
        let Running { child, output, .. } = &mut server;
        child.kill().expect("killed");
        let lines = output.lines().map(|line| line.expect("UTF-8"));
        let told = lines.filter(|line| line.starts_with("accept: ")).count();
        assert!(told <= 10, "{version:?}: {told}");
    }
}

#[test]
fn lesson_10_has_one_deadline_for_all_that_is_to_come() {
    pairs("timeout-mode", |server, client| {
        let (_server, port) = server.serve(&["server"]);
        let (out, err, code) = client.ended(&["client", &port]);
        assert_eq!((out.as_str(), code), ("", Some(1)));
        assert!(err.contains(" of 100 bytes came within 2 s"), "{err}");
        // The server has outlived the client.
        connected(&port).read_exact(&mut [0]).expect("a byte");
    });
    for version in versions("timeout-mode") {
        for length in [100, 99] {
            let (listener, port) = bound(Ipv4Addr::LOCALHOST).expect("a name");
            listener.listen(1).expect("listening");
            let client = version.start(&["client", &port]);
            let (mut socket, _) = listener.accept().expect("it connects");
            for piece in vec![b'.'; length].chunks(30) {
                socket.write_all(piece).expect("sent");
            }
            drop(socket);
            let expected = if length == 100 {
                (".".repeat(100) + "\n", Some(0))
            } else {
                (String::new(), Some(1))
            };
            assert_eq!(client.rest(), expected, "{version:?}");
        }
    }
}

#[test]
fn lesson_11_talks_by_turns_until_one_leaves() {
    pairs("turns", |server, client| {
        let (mut server, port) = server.serve(&["server"]);
        server.expect(&["waiting for connection..."]);
        let mut client = client.start(&["client", &port]);
        let met = server.line();
        assert!(met.starts_with("connected from: 127.0.0.1 port "), "{met}");
        client.type_in("你好\n");
        server.expect(&["Jack: 你好"]);
        server.type_in("你也好啊\n");
        client.expect(&["send message> Jack: 你也好啊"]);
        assert_eq!(client.leave(), ("send message> ".into(), Some(0)));
        server.expect(&["send message> the other has left"]);
        assert_eq!(server.rest(), (String::new(), Some(0)));
    });
}

#[test]
fn lesson_11_makes_lines_of_a_stream() {
    for version in versions("turns") {
        let (mut server, port) = version.serve(&["server"]);
        let mut socket = connected(&port);
        socket.set_nodelay(true).expect("set");
        // A byte at a time, so that characters are cut; then two lines at once.
        for byte in "你好\n一\n二\n".bytes().take(8) {
            socket.write_all(&[byte]).expect("sent");
        }
        socket.write_all(&"你好\n一\n二\n".as_bytes()[8..]).expect("sent");
        server.line();
        server.line();
        server.expect(&["Jack: 你好"]);
        server.type_in("a\nb\n");
        server.expect(&["send message> Jack: 一", "send message> Jack: 二"]);
        assert_eq!(server.leave(), ("send message> ".into(), Some(0)));
        let mut heard = String::new();
        socket.read_to_string(&mut heard).expect("received");
        assert_eq!(heard, "a\nb\n");
    }
}

#[test]
fn lesson_12_talks_at_any_time_and_ends_with_both_threads() {
    pairs("chat", |server, client| {
        for is_killed in [false, true] {
            let (mut server, port) = server.serve(&["server"]);
            server.expect(&["waiting for connection..."]);
            let mut client = client.start(&["client", &port]);
            server.line();
            server.type_in("一\n二\n");
            client.expect(&["Jack: 一", "Jack: 二"]);
            client.type_in("你好\n");
            server.expect(&["Jack: 你好"]);
            // The server's keyboard stays open: nothing but the peer's end can end it.
            if is_killed {
                drop(client);
                assert_eq!(server.rest().1, Some(0));
            } else {
                assert_eq!(client.leave(), ("the other has left\n".into(), Some(0)));
                assert_eq!(server.rest(), ("the other has left\n".into(), Some(0)));
            }
        }
    });
}

#[test]
fn a_program_is_printed_with_colours_that_change_nothing_else() {
    let print = |color| told(&["lesson", "1", "--program", "c", "--color", color]).0;
    let coloured = print("always");
    let pieces = coloured.split("\x1b[").enumerate().map(|(index, piece)| {
        if index == 0 { piece } else { piece.split_once('m').expect("a colour").1 }
    });
    assert_eq!(pieces.collect::<String>(), print("auto"));
    // One of the calls.
    assert!(coloured.contains("\x1b[1maccept\x1b[0m("), "{coloured}");
}
