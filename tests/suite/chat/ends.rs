//! How a chat ends, and what it reports then.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::Shutdown;
use std::process::Stdio;
use std::time::Duration;

use super::{STYLES, Side, path, peer};
use crate::support::{ChildGuard, explore};

#[test]
fn the_rest_of_the_input_is_sent_after_the_peer_has_ended() {
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
fn a_failed_send_is_reported_and_exits_with_1() {
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
fn a_reset_is_reported_and_exits_with_1() {
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
fn input_and_output_errors_are_reported() {
    for style in STYLES {
        let mut command = explore(&["chat"]);
        let (server, at) = Side::server("127.0.0.1:0", &[]);
        command
            .args(["client", "--lang", "en", "--address", &at, "--style", style])
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
        let mut command = explore(&["chat"]);
        let (mut server, at) = Side::server("127.0.0.1:0", &[]);
        server.types("你好\n");
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("full(4)");
        command
            .args(["client", "--lang", "en", "--address", &at, "--style", style])
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
fn the_chat_ends_when_its_output_has_no_reader() {
    for style in STYLES {
        let (mut server, at) = Side::server("127.0.0.1:0", &["--style", style]);
        drop(server.child.stdout.take());
        let socket = peer(&at);
        let mut keyboard = server.child.stdin.take().expect("piped");
        // A process that another test is starting may have a copy of the reader until it calls exec. So one line may not be enough, and by
        // turns there is another only after a line of its own.
        while server.child.try_wait().expect("wait").is_none() {
            let _ = socket.send("你好\n".as_bytes());
            let _ = keyboard.write_all(b"hello\n");
            std::thread::yield_now();
        }
        // Its keyboard has stayed open.
        assert_eq!(server.wait().2, Some(0), "{style}");
    }
}

#[test]
fn a_non_blocking_output_is_waited_for() {
    let (mut out, into) = std::io::pipe().expect("pipe");
    let flags = nix::fcntl::OFlag::O_WRONLY | nix::fcntl::OFlag::O_NONBLOCK;
    nix::fcntl::fcntl(&into, nix::fcntl::FcntlArg::F_SETFL(flags)).expect("fcntl");
    let at = format!("unix:{}", path("non-blocking").display());
    let mut command = explore(&["chat"]);
    command
        .args(["server", "--address", &at])
        .stdin(Stdio::null())
        .stdout(into)
        .stderr(Stdio::piped());
    let mut child = ChildGuard::spawn(&mut command);
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
fn a_recording_ends_however_the_chat_does() {
    use nix::sys::signal::{Signal, kill};
    use socket_explorer::trace::Ending;
    let folder = crate::support::folder();
    let file = folder.path().join("chat.jsonl");
    let recorded = crate::support::utf8(&file);
    let ending = || {
        let all = crate::support::recordings(&file);
        assert_eq!(all.len(), 1);
        all[0].ending().cloned()
    };
    for style in STYLES {
        for signal in [Signal::SIGINT, Signal::SIGTERM] {
            let (server, _) =
                Side::server("127.0.0.1:0", &["--style", style, "--record", recorded]);
            let process = nix::unistd::Pid::from_raw(server.child.id().cast_signed());
            kill(process, signal).expect("kill");
            server.wait();
            assert_eq!(ending(), Some(Ending::Interrupted), "{style} {signal}");
        }
        let (server, at) = Side::server("127.0.0.1:0", &["--style", style, "--record", recorded]);
        drop(peer(&at));
        assert_eq!(server.end().2, Some(0));
        assert_eq!(ending(), Some(Ending::Finished), "{style}");
    }
    let nobody = format!("unix:{}", path("nobody-recorded").display());
    assert_eq!(Side::client(&nobody, &["--record", recorded]).wait().2, Some(3));
    assert!(matches!(ending(), Some(Ending::Failed { .. })));
    let (_, _, code) = crate::support::told(&["replay", recorded]);
    assert_eq!(code, Some(0));
}

#[test]
#[cfg(target_os = "linux")]
fn a_recording_that_cannot_be_written_is_said() {
    let at = format!("unix:{}", path("full").display());
    let (_, notes, code) = Side::client(&at, &["--record", "/dev/full"]).wait();
    assert!(notes.contains("/dev/full"), "{notes}");
    assert_eq!(code, Some(3));
}
