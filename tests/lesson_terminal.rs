//! The last lesson as one has it at a terminal (openpty(3)): at its end it offers the chat, and starts it in place.
#![cfg(unix)]

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use clap::Parser;
use nix::pty::{Winsize, openpty};
use nix::sys::termios::{LocalFlags, tcgetattr};
use socket_explorer::chat::Style;
use socket_explorer::cli::{self, Cli};
use socket_explorer::player::chat::Asked;
use socket2::{Domain, Socket, Type};

/// What asks whether the chat is to be started.
const OFFER: &str = "Enter starts it here and now";

/// A learner at a terminal, with a state folder of his own.
struct Learner {
    terminal: File,
    inside: OwnedFd,
    child: Child,
    state: PathBuf,
    /// What has been on the screen and has not been looked for.
    seen: Vec<u8>,
}

impl Learner {
    fn begins(name: &str, lesson: &str) -> Learner {
        let state = std::env::temp_dir().join(format!("explore-lesson-{}-{name}", std::process::id()));
        // Tall, so that no screen is ever full: each Enter is for a prompt of the lesson's.
        let pty = openpty(Some(&Winsize { ws_row: 2000, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 }), None).expect("a terminal");
        let mut command = Command::new(env!("CARGO_BIN_EXE_explore"));
        command.args(["lesson", lesson, "--lang", "en"]).env("TERM", "xterm").env("XDG_STATE_HOME", &state).env_remove("CARGO");
        let end = || pty.slave.try_clone().expect("dup");
        command.stdin(end()).stdout(end()).stderr(end());
        // SAFETY: setsid(2) and ioctl(2) are safe between fork and exec (signal-safety(7)).
        unsafe {
            command.pre_exec(|| {
                nix::unistd::setsid()?;
                if nix::libc::ioctl(0, nix::libc::TIOCSCTTY, 0) != 0 {
                    return Err(std::io::Error::last_os_error());
                }
                Ok(())
            });
        }
        let child = command.spawn().expect("explore starts");
        Learner { terminal: File::from(pty.master), inside: pty.slave, child, state, seen: Vec::new() }
    }

    fn types(&mut self, keys: &str) {
        self.terminal.write_all(keys.as_bytes()).expect("it reads");
    }

    /// Waits until one of these is on the screen, and says which and what came before it.
    fn sees_one_of(&mut self, texts: &[&str]) -> (usize, String) {
        loop {
            let places = texts.iter().enumerate().filter_map(|(which, text)| {
                let at = self.seen.windows(text.len()).position(|window| window == text.as_bytes())?;
                Some((at, which))
            });
            if let Some((at, which)) = places.min() {
                let before = String::from_utf8_lossy(&self.seen[..at]).into_owned();
                self.seen.drain(..at + texts[which].len());
                return (which, before);
            }
            let mut block = [0; 4096];
            let got = self.terminal.read(&mut block).expect("the screen");
            self.seen.extend_from_slice(&block[..got]);
        }
    }

    fn sees(&mut self, text: &str) -> String {
        self.sees_one_of(&[text]).1
    }

    /// Plays to the offer: Enter at every prompt.
    fn plays_to_the_end(&mut self) {
        while self.sees_one_of(&["q leaves): ", "Enter runs it on this machine (q leaves) ", "Enter goes on (q leaves) ", OFFER]).0 < 3 {
            self.types("\n");
        }
        self.sees("(q leaves) ");
    }

    fn has_finished(&self, slug: &str) -> bool {
        let record = fs::read_to_string(self.state.join("explore/progress.json")).unwrap_or_default();
        record.contains(&format!("\"{slug}\""))
    }

    /// Waits for the end of the program, looks whether the terminal is as it was, and gives the exit code.
    fn leaves(mut self) -> Option<i32> {
        let status = self.child.wait().expect("it ends");
        let flags = tcgetattr(self.inside.as_fd()).expect("termios").local_flags;
        assert!(flags.contains(LocalFlags::ICANON | LocalFlags::ECHO | LocalFlags::ISIG), "the terminal is as it was");
        let _ = fs::remove_dir_all(&self.state);
        status.code()
    }
}

#[test]
fn the_last_lesson_ends_in_a_chat() {
    let mut learner = Learner::begins("chats", "12");
    learner.plays_to_the_end();
    assert!(learner.has_finished("chat"), "it is noted before the chat starts");
    learner.types("perhaps\n");
    learner.sees(OFFER); // neither yes nor no: asked again
    // Another program of this machine may have the one port that everybody knows.
    let at = Asked::plain().address.parse::<SocketAddr>().expect("an address").into();
    let tcp = || Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    let is_free = || {
        let probe = tcp();
        probe.set_reuse_address(true).and_then(|()| probe.bind(&at)).is_ok()
    };
    while !is_free() {
        std::thread::sleep(Duration::from_millis(10));
    }
    learner.types("y\n");
    learner.sees("waiting for connection...");
    let mut other = tcp();
    other.connect(&at).expect("the learner listens");
    learner.sees("connected from: ");
    learner.sees("send message> ");
    learner.types("你好\r");
    let mut heard = [0; 7];
    other.read_exact(&mut heard).expect("a line");
    assert_eq!(heard, "你好\n".as_bytes());
    other.write_all("你也好啊\n".as_bytes()).expect("an answer");
    learner.sees("Jack: 你也好啊\r\n");
    drop(other);
    learner.sees("the peer has left");
    assert_eq!(learner.leaves(), Some(0));
}

#[test]
fn who_does_not_want_to_talk_leaves() {
    for answer in ["q\n", "n\n", "\x04"] {
        let mut learner = Learner::begins("leaves", "12");
        learner.plays_to_the_end();
        learner.types(answer);
        assert!(learner.has_finished("chat"));
        assert_eq!(learner.leaves(), Some(0), "{answer:?}");
    }
}

#[test]
fn no_other_lesson_offers_it_and_nobody_is_asked_who_is_not_there() {
    let quiet = |lesson: &str, state: &Path| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_explore"));
        command.args(["lesson", lesson, "--auto", "--lang", "en"]).env("XDG_STATE_HOME", state).stdin(Stdio::null());
        let output = command.output().expect("explore runs");
        assert_eq!(output.status.code(), Some(0));
        String::from_utf8(output.stdout).expect("text")
    };
    let state = std::env::temp_dir().join(format!("explore-lesson-{}-auto", std::process::id()));
    let last = quiet("12", &state);
    assert!(last.contains("Now talk: ") && !last.contains(OFFER), "{last}");
    assert!(!quiet("11", &state).contains("Now talk: "));
}

#[test]
fn the_chat_of_the_lesson_is_what_the_command_line_has_without_options() {
    let Some(cli::Command::Chat(typed)) = Cli::parse_from(["explore", "chat"]).command else { panic!("a chat") };
    let plain = Asked::plain();
    assert!(typed.side.is_none() && plain.side.is_none());
    assert_eq!((typed.style, plain.style), (cli::Style::Threads, Style::Threads));
    assert_eq!((typed.address.as_str(), typed.timeout, typed.retries), (plain.address, plain.timeout, plain.retries));
    assert_eq!((typed.peer_name.as_str(), typed.buffer, typed.verbose), (plain.peer_name, plain.buffer, plain.verbose));
    assert_eq!(typed.record.as_deref(), plain.record);
}
