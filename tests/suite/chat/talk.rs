//! What two sides say to each other: all of it arrives, in every style and family.

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::Shutdown;
use std::path::PathBuf;

use super::{STYLES, Side, addresses, end_both, path, peer};

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

#[test]
fn by_turns_a_typed_line_without_end_is_sent_in_parts_and_not_kept() {
    const PART: usize = 1 << 20;
    const PARTS: usize = 64;
    let (mut server, at) = Side::server("127.0.0.1:0", &["--style", "turns"]);
    let mut socket = peer(&at);
    assert!(server.note().starts_with("connected from: "));
    let mut keyboard = server.child.stdin.take().expect("piped");
    let typing = std::thread::spawn(move || keyboard.write_all(&vec![b'x'; PART * PARTS]));
    let (mut got, mut block) = (0, vec![0; PART]);
    while got < PART * PARTS {
        socket.send(b"go on\n").expect("send");
        // At least so much is one turn.
        let turn = (got + PART).min(PART * PARTS);
        while got < turn {
            let length = socket.read(&mut block).expect("read");
            assert!(length > 0 && block[..length].iter().all(|byte| *byte == b'x'));
            got += length;
        }
        if let Some(peak) = super::peak(&server) {
            assert!(peak < 24_000, "{peak} kB after {got} bytes");
        }
    }
    typing.join().expect("joined").expect("all is read");
    drop(socket);
    server.wait();
}

#[test]
fn a_byte_order_mark_is_not_shown() {
    for style in STYLES {
        let (mut server, at) = Side::server("127.0.0.1:0", &["--style", style]);
        let mut client = Side::client(&at, &["--style", style]);
        client.types("\u{feff}hello\n");
        server.shows("Jack: hello\n");
        let (client, server) = end_both(client, server);
        assert_eq!((client.2, server.2), (Some(0), Some(0)), "{style}");
    }
}
