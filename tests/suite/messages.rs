//! The table of messages, `lessons/cases/messages.md`: it is whole, and whatever runs here words errors as the table says.
//! `messages/` has a program for each language, which makes the errors happen and prints each: `ERROR`, a tab, the text.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::{Error, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, ToSocketAddrs};
use std::path::PathBuf;
use std::process::Command;
use std::thread;
use std::time::Duration;

use socket_explorer::citations::citations;
use socket2::{Domain, SockRef, Socket, Type};

use crate::support::{Ended, ended, file, folder, isolated, require};

const TABLE: &str = include_str!("../../lessons/cases/messages.md");

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Row {
    error: &'static str,
    /// The language, library or program that says it; `glibc, musl` where several say the same.
    place: &'static str,
    text: &'static str,
    source: &'static str,
}

fn rows() -> Vec<Row> {
    let lines = TABLE.lines().filter(|line| line.starts_with('|')).skip(2);
    let row = |line: &'static str| {
        let cells: Vec<_> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let [error, place, text, source] = cells[..] else { panic!("not four cells: {line}") };
        Row { error, place, text, source }
    };
    lines.map(row).collect()
}

impl Row {
    /// Whether this is how the error is worded there: `…` in the table stands for whatever varies.
    fn is(&self, error: &str, place: &str, said: &str) -> bool {
        self.error == error
            && self.place.split(", ").any(|one| one == place)
            && is_worded(self.text, said)
    }
}

fn is_worded(pattern: &str, said: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('…') else { return pattern == said };
    let Some(mut said) = said.strip_prefix(start) else { return false };
    let mut parts: Vec<_> = rest.split('…').collect();
    let end = parts.pop().unwrap_or_default();
    for part in parts {
        let Some((_, after)) = said.split_once(part) else { return false };
        said = after;
    }
    said.ends_with(end)
}

#[test]
fn a_wording_has_gaps() {
    for (pattern, said) in [
        ("EOF", "EOF"),
        ("dial tcp …: i/o timeout", "dial tcp [::1]:80: i/o timeout"),
        ("read tcp …->…: i/o timeout", "read tcp 127.0.0.1:1->127.0.0.1:2: i/o timeout"),
        ("connect ECONNREFUSED …", "connect ECONNREFUSED ::1:3000"),
    ] {
        assert!(is_worded(pattern, said), "{said}");
    }
    for (pattern, said) in [
        ("EOF", "unexpected EOF"),
        ("dial tcp …: i/o timeout", "dial tcp [::1]:80: connection refused"),
        ("read tcp …->…: EOF", "read tcp 127.0.0.1:1: EOF"),
    ] {
        assert!(!is_worded(pattern, said), "{said}");
    }
}

macro_rules! numbers {
    ($($name:ident)*) => { [$((stringify!($name), libc::$name)),*] };
}

/// The errors of the system that concern sockets.
const NUMBERS: [(&str, i32); 33] = numbers![
    EACCES EADDRINUSE EADDRNOTAVAIL EAFNOSUPPORT EAGAIN EALREADY EBADF ECONNABORTED ECONNREFUSED ECONNRESET EDESTADDRREQ
    EHOSTUNREACH EINPROGRESS EINTR EINVAL EISCONN EMFILE EMSGSIZE ENETDOWN ENETRESET ENETUNREACH ENFILE ENOBUFS ENOENT
    ENOPROTOOPT ENOTCONN ENOTSOCK EOPNOTSUPP EPERM EPIPE EPROTONOSUPPORT ESHUTDOWN ETIMEDOUT
];

/// The errors of getaddrinfo().
const OF_THE_RESOLVER: [&str; 5] =
    ["EAI_ADDRFAMILY", "EAI_AGAIN", "EAI_NODATA", "EAI_NONAME", "EAI_SERVICE"];

#[test]
fn the_table_is_whole() {
    let rows = rows();
    assert!(rows.len() >= 300, "{} rows", rows.len());
    for pair in rows.windows(2) {
        let key = |row: &Row| (row.error, row.place, row.text);
        assert!(key(&pair[0]) < key(&pair[1]), "out of order, or twice: {:?}", pair[1]);
    }
    for row in &rows {
        assert!([row.error, row.place, row.text].iter().all(|cell| !cell.is_empty()), "{row:?}");
        let cited = citations(row.source).next();
        assert_eq!(cited, Some(0..row.source.len()), "is no citation: {row:?}");
    }
    let known: BTreeSet<_> = NUMBERS.iter().map(|(name, _)| *name).chain(OF_THE_RESOLVER).collect();
    let named: BTreeSet<_> = rows.iter().map(|row| row.error).collect();
    let of_the_system: BTreeSet<_> =
        named.iter().copied().filter(|name| name.starts_with('E')).collect();
    assert_eq!(of_the_system, known);
    for error in known {
        for place in ["number", "glibc", "glibc 中文", "macOS", "Python"] {
            let has = rows.iter().any(|row| row.error == error && row.place.contains(place));
            assert!(has, "{error}: nothing for {place}");
        }
    }
    let above = TABLE.split("| error").next().expect("a text above the table");
    for name in named.iter().filter(|name| !name.starts_with('E')) {
        assert!(above.contains(&format!("`{name}`")), "{name} is not explained above the table");
    }
}

/// What is said there is in the table.
fn assert_said(place: &str, said: &[(&str, &str)]) {
    let rows = rows();
    assert!(!said.is_empty(), "{place} says nothing");
    let other: Vec<_> = said
        .iter()
        .filter(|(error, text)| !rows.iter().any(|row| row.is(error, place, text)))
        .collect();
    assert!(other.is_empty(), "{place} has other words than the table: {other:#?}");
}

/// What this program of `messages/` printed is in the table.
fn assert_printed(place: &str, (out, err, code): &Ended) {
    assert_eq!(*code, Some(0), "{place}: {out}{err}");
    let said: Vec<_> = out.lines().filter_map(|line| line.split_once('\t')).collect();
    assert_eq!(said.len(), out.lines().count(), "{place}: a line without a tab: {out}");
    assert_said(place, &said);
}

fn program(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests/suite/messages", name].iter().collect()
}

#[test]
fn the_c_library_words_errors_so_and_numbers_them_so() {
    let Some(mut cc) = require("cc") else { return };
    let mut source = "#define _GNU_SOURCE\n#include <errno.h>\n#include <netdb.h>\n#include <stdio.h>\n\
        #include <string.h>\n#ifdef __GLIBC__\n#define PLACE \"glibc\"\n#else\n#define PLACE \"musl\"\n\
        #endif\nint main(void)\n{\n    puts(PLACE);\n"
        .to_owned();
    let system = NUMBERS.iter().map(|(name, _)| (*name, "strerror"));
    for (name, function) in system.chain(OF_THE_RESOLVER.map(|name| (name, "gai_strerror"))) {
        let _ = writeln!(
            source,
            "#ifdef {name}\n    printf(\"%s\\t%s\\t%d\\n\", \"{name}\", {function}({name}), {name});\n#endif"
        );
    }
    source += "}\n";
    let folder = folder();
    let source = file(&folder, "messages.c", source);
    let built = folder.path().join("messages");
    let (_, err, code) = ended(cc.arg("-o").arg(&built).arg(source));
    assert_eq!(code, Some(0), "{err}");
    let (out, _, _) = ended(isolated(&mut Command::new(built)));
    let (place, lines) = out.split_once('\n').expect("a first line");
    let rows = rows();
    let mut said = Vec::new();
    for line in lines.lines() {
        let [error, text, number] = line.split('\t').collect::<Vec<_>>()[..] else {
            panic!("{line}")
        };
        let number = format!("{number} on Linux");
        let has = |row: &Row| {
            row.error == error && row.place == "number" && row.text.starts_with(&number)
        };
        // musl has only some of the errors of the resolver.
        if place == "glibc"
            || rows.iter().any(|row| row.error == error && row.place.contains("musl"))
        {
            said.push((error, text));
        }
        assert!(rows.iter().any(has), "{error} is {number}");
    }
    assert!(said.len() >= NUMBERS.len(), "{out}");
    assert_said(place, &said);
}

#[test]
fn python_words_errors_so() {
    let Some(mut python) = require("python3") else { return };
    python.arg(program("messages.py")).args(NUMBERS.map(|(name, _)| name));
    assert_printed("Python", &ended(isolated(&mut python)));
}

#[test]
fn node_words_errors_so() {
    let Some(mut node) = require("node") else { return };
    // Those for which the table has libuv's own words.
    let rows = rows();
    let has = |name: &str| {
        rows.iter().any(|row| {
            row.error == name
                && row.place == "Node.js"
                && row.text.starts_with(&format!("{name}: "))
        })
    };
    let names = NUMBERS.iter().map(|(name, _)| name).filter(|name| has(name));
    node.arg(program("messages.mjs")).args(names);
    assert_printed("Node.js", &ended(isolated(&mut node)));
}

#[test]
fn java_words_errors_so() {
    if require("javac").and(require("java")).is_none() {
        return;
    }
    let mut java = Command::new("sh"); // with a limit that is soon reached
    java.args(["-c", "ulimit -n 512 && exec java \"$0\""]).arg(program("Messages.java"));
    assert_printed("Java", &ended(isolated(&mut java)));
}

#[test]
fn go_words_errors_so() {
    let Some(mut go) = require("go") else { return };
    let folder = folder();
    go.env("GOCACHE", folder.path().join("cache")); // where there is no HOME
    go.arg("run").arg(program("messages.go"));
    assert_printed("Go", &ended(isolated(&mut go)));
}

#[test]
fn rust_words_errors_so() {
    let rows = rows();
    let mut said = Vec::new();
    for (name, number) in NUMBERS {
        let error = Error::from_raw_os_error(number);
        said.push((name, error.to_string()));
        if rows.iter().any(|row| row.error == name && row.text.starts_with("Os {")) {
            said.push((name, format!("{error:?}")));
        }
    }
    let address =
        |text: &str| text.to_socket_addrs().map(drop).expect_err("no address").to_string();
    said.push((
        "address-form",
        "127.0.0.1".parse::<SocketAddr>().expect_err("no port").to_string(),
    ));
    said.push(("address-form", address("localhost")));
    said.push(("address-form", address("localhost:70000")));
    let ends = (&b"ab"[..]).read_exact(&mut [0; 4]).expect_err("it ends");
    said.push(("end-of-stream", ends.to_string()));
    let cut = &"你".as_bytes()[..2];
    let read = { cut }.read_to_string(&mut String::new()).expect_err("it is cut");
    said.push(("cut-character", read.to_string()));
    said.push(("cut-character", std::str::from_utf8(cut).expect_err("it is cut").to_string()));
    let said: Vec<_> = said.iter().map(|(error, text)| (*error, text.as_str())).collect();
    assert_said("Rust", &said);
}

/// A socket that has an address of its own, and does not listen there.
fn silent() -> (Socket, u16) {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).expect("an address");
    let address = socket.local_addr().expect("it is bound").as_socket();
    (socket, address.expect("IPv4").port())
}

/// Each line that this program writes to standard error is in the table.
fn assert_complains(error: &str, program: &str, arguments: &[&str]) {
    let Some(mut command) = require(program) else { return };
    let (out, err, code) = ended(isolated(&mut command).args(arguments));
    assert_ne!(code, Some(0), "{program}: {out}");
    let said: Vec<_> = err.lines().map(|line| (error, line)).collect();
    assert_said(program, &said);
}

#[test]
fn tools_word_errors_so() {
    let (_nobody, port) = silent();
    let port = port.to_string();
    let url = format!("http://127.0.0.1:{port}/");
    assert_complains("ECONNREFUSED", "curl", &["-sS", "--noproxy", "*", &url]);
    assert_complains("ECONNREFUSED", "nc", &["-v", "127.0.0.1", &port]);
    assert_complains("ECONNREFUSED", "ncat", &["127.0.0.1", &port]);
    assert_complains("ECONNREFUSED", "socat", &["-", &format!("TCP:127.0.0.1:{port}")]);
    assert_complains(
        "ECONNREFUSED",
        "bash",
        &["-c", &format!("exec 3<>/dev/tcp/127.0.0.1/{port}")],
    );

    let (taken, port) = silent();
    taken.listen(1).expect("it listens");
    let port = port.to_string();
    assert_complains("EADDRINUSE", "nc", &["-l", "127.0.0.1", &port]);
    assert_complains("EADDRINUSE", "ncat", &["-l", "127.0.0.1", &port]);
    let address = format!("TCP-LISTEN:{port},bind=127.0.0.1");
    assert_complains("EADDRINUSE", "socat", &["-", &address]);
}

#[test]
fn curl_words_the_end_of_a_connection_so() {
    let (listener, port) = silent();
    listener.listen(8).expect("it listens");
    listener.set_read_timeout(Some(Duration::from_secs(60))).expect("SO_RCVTIMEO"); // where curl never calls
    let listener = TcpListener::from(listener);
    let url = format!("http://127.0.0.1:{port}/");
    let get = ["-sS", "--noproxy", "*", &url];
    // A server that answers one request with these bytes and closes, or resets, the connection.
    let served = |error, answer: &[u8], resets: bool| {
        thread::scope(|scope| {
            scope.spawn(|| {
                let (mut client, _) = listener.accept().expect("curl calls");
                let mut request = Vec::new();
                while !request.ends_with(b"\r\n\r\n") {
                    let mut byte = [0];
                    client.read_exact(&mut byte).expect("a request");
                    request.extend(byte);
                }
                client.write_all(answer).expect("curl reads");
                if resets {
                    SockRef::from(&client).set_linger(Some(Duration::ZERO)).expect("SO_LINGER");
                } else {
                    client.shutdown(Shutdown::Both).expect("it is connected");
                }
            });
            assert_complains(error, "curl", &get);
        });
    };
    if require("curl").is_none() {
        return;
    }
    served("end-of-stream", b"", false);
    served("end-of-stream", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", false);
    served("ECONNRESET", b"", true);
    assert_complains("timed-out", "curl", &["-m", "0.1", "-sS", "--noproxy", "*", &url]);
}
