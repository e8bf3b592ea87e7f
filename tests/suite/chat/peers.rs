//! Difficult peers, and peers that are other programs.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};

use super::{STYLES, Side, peak, peer};
use crate::support::require;

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
fn control_characters_are_escaped() {
    let (mut server, at) = Side::server("127.0.0.1:0", &[]);
    let socket = peer(&at);
    // At once, for silence would end the message.
    let controls = "\u{1b}[2J\u{9b}31m\u{7}\u{202e}\u{200b}\rJack\u{feff}".as_bytes();
    let message = [controls, b"\xff\xc3\xed\xa0\x80\0\r\n"].concat();
    assert_eq!(socket.send(&message).expect("send"), message.len());
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
    let before = peak(&server);
    let sending = std::thread::spawn(move || {
        let block = "长".repeat(100_000);
        (0..100).try_for_each(|_| socket.write_all(block.as_bytes()))
    });
    // On a busy machine the sender may be silent for so long that its line is shown as several.
    let (mut shown, mut block) = (0, vec![0; 1 << 16]);
    while shown < 10_000_000 {
        let came = server.stdout().read(&mut block).expect("read");
        assert_ne!(came, 0, "{style}: it ended after {shown} characters");
        shown += block[..came].iter().filter(|byte| **byte == "长".as_bytes()[0]).count();
    }
    assert_eq!(shown, 10_000_000, "{style}");
    let more = peak(&server).zip(before).map(|(now, before)| now - before);
    assert!(
        more.is_none_or(|kilobytes| kilobytes < 15_000),
        "{style}: 30 MB have come, and {more:?} kB more are in use"
    );
    sending.join().expect("joined").expect("sent");
    let (_, _, code) = server.wait();
    assert_eq!(code, Some(0), "{style}");
}

#[test]
fn a_silent_peer_is_waited_for_and_still_receives() {
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
fn a_peer_that_never_reads_is_still_heard() {
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
            peak(&server).is_none_or(|kilobytes| kilobytes < 15_000),
            "{style}: {:?} kB are in use",
            peak(&server)
        );
        drop(socket);
        assert_eq!(server.wait().2, Some(1), "{style}");
        assert!(typing.join().expect("joined").is_err());
    }
}
