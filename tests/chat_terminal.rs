//! The chat as two people have it, each at a terminal of their own (openpty(3)).
#![cfg(unix)]

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};

use nix::pty::{Winsize, openpty};
use nix::sys::termios::{LocalFlags, tcgetattr};

/// A person at a terminal, in a chat.
struct Person {
    terminal: File,
    inside: OwnedFd,
    child: Child,
    /// What has been on the screen and has not been looked for.
    seen: Vec<u8>,
}

impl Person {
    fn sits_down(args: &[&str]) -> Person {
        let size = Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
        let pty = openpty(Some(&size), None).expect("a terminal");
        let mut command = Command::new(env!("CARGO_BIN_EXE_explore"));
        command.arg("chat").args(args).env("TERM", "xterm").env_remove("NO_COLOR");
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
        drop(command);
        Person { terminal: File::from(pty.master), inside: pty.slave, child, seen: Vec::new() }
    }

    fn types(&mut self, keys: &str) {
        self.terminal.write_all(keys.as_bytes()).expect("it reads");
    }

    /// Waits until this is on the screen, and gives what came before it.
    fn sees(&mut self, text: &str) -> String {
        loop {
            if let Some(at) = self.seen.windows(text.len()).position(|window| window == text.as_bytes()) {
                let before = String::from_utf8_lossy(&self.seen[..at]).into_owned();
                self.seen.drain(..at + text.len());
                return before;
            }
            let mut block = [0; 4096];
            let got = self.terminal.read(&mut block).expect("the screen");
            self.seen.extend_from_slice(&block[..got]);
        }
    }

    /// Waits for the end of the program, looks whether the terminal is as it was, and gives the exit code.
    fn leaves(mut self) -> Option<i32> {
        let status = self.child.wait().expect("it ends");
        let flags = tcgetattr(self.inside.as_fd()).expect("termios").local_flags;
        assert!(flags.contains(LocalFlags::ICANON | LocalFlags::ECHO | LocalFlags::ISIG), "the terminal is as it was");
        // What is typed now comes back: nothing else is on the screen after that.
        self.types("#the end#");
        let last = self.sees("#the end#");
        let (on, off) = (last.rfind("\x1b[?2004h"), last.rfind("\x1b[?2004l"));
        assert!(on <= off, "pasting is as it was: {last:?}");
        status.code()
    }
}

fn address(name: &str) -> String {
    format!("unix:/tmp/explore-terminal-{}-{name}", std::process::id())
}

/// Two people who have met; the second has called the first.
fn two(name: &str, style: &str, family: &str) -> (Person, Person) {
    let mut at = if family == "unix" { address(name) } else { format!("{family}:0") };
    let mut one = Person::sits_down(&["server", "--address", &at, "--style", style]);
    if family != "unix" {
        one.sees("listening at: ");
        at = one.sees("\r\n");
    }
    one.sees("waiting for connection...");
    let mut other = Person::sits_down(&["client", "--address", &at, "--style", style]);
    one.sees("connected from: ");
    other.sees("connected to: ");
    (one, other)
}

#[test]
fn two_people_talk_in_every_style_and_family() {
    for style in ["threads", "turns", "poll"] {
        for family in ["unix", "127.0.0.1"] {
            let (mut one, mut other) = two(&format!("talk-{style}"), style, family);
            other.sees("send message> ");
            other.types("你好\r");
            one.sees("Jack: 你好\r\n");
            one.sees("send message> ");
            one.types("你也好啊\r");
            other.sees("Jack: 你也好啊\r\n");
            other.sees("send message> ");
            other.types("/quit\r");
            one.sees("the peer has left");
            assert_eq!((one.leaves(), other.leaves()), (Some(0), Some(0)), "{style} {family}");
        }
    }
}

#[test]
fn what_is_typed_is_whole_though_messages_arrive_meanwhile() {
    for style in ["threads", "poll"] {
        let (mut one, mut other) = two(&format!("meanwhile-{style}"), style, "unix");
        one.sees("send message> ");
        other.sees("send message> ");
        for (number, part) in ["我正在", "写一句", "很长的", "话"].iter().enumerate() {
            one.types(part);
            other.types(&format!("message {number}\r"));
            one.sees(&format!("Jack: message {number}\r\n"));
            // The line being typed is drawn anew below it.
            one.sees("send message> 我正在");
        }
        one.types("\r");
        other.sees("Jack: 我正在写一句很长的话\r\n");
        other.types("two lines\rin one go\r");
        one.sees("Jack: two lines\r\n");
        one.sees("Jack: in one go\r\n");
        other.types("/quit\r");
        assert_eq!((one.leaves(), other.leaves()), (Some(0), Some(0)), "{style}");
    }
}

#[test]
fn ctrl_d_ends_speaking_and_with_it_the_others_chat() {
    for style in ["threads", "turns", "poll"] {
        let (one, mut other) = two(&format!("ctrl-d-{style}"), style, "unix");
        other.sees("send message> ");
        other.types("\u{4}");
        assert_eq!((one.leaves(), other.leaves()), (Some(0), Some(0)), "{style}");
    }
}

#[test]
fn ctrl_c_leaves() {
    for style in ["threads", "turns", "poll"] {
        let (mut one, mut other) = two(&format!("ctrl-c-{style}"), style, "unix");
        other.sees("send message> ");
        other.types("half a li\u{3}");
        one.sees("the peer has left");
        assert_eq!((one.leaves(), other.leaves()), (Some(0), Some(130)), "{style}");
    }
    // While the other types, one waits in recv: Ctrl-C still leaves.
    let (mut one, mut other) = two("ctrl-c-waiting", "turns", "unix");
    other.sees("send message> ");
    one.types("\u{3}");
    other.sees("the peer has left");
    assert_eq!((one.leaves(), other.leaves()), (Some(130), Some(0)));
    let mut alone = Person::sits_down(&["server", "--address", &address("alone")]);
    alone.sees("waiting for connection...");
    alone.types("\u{3}");
    assert_eq!(alone.leaves(), Some(130));
    assert!(!std::path::Path::new(address("alone").trim_start_matches("unix:")).exists(), "our file is removed");
}

#[test]
fn when_the_peer_is_killed_the_chat_ends_without_a_key() {
    for style in ["threads", "turns", "poll"] {
        let (mut one, mut other) = two(&format!("killed-{style}"), style, "unix");
        other.sees("send message> ");
        other.types("hello\r");
        one.sees("Jack: hello\r\n");
        one.sees("send message> ");
        one.types("never finis");
        other.child.kill().expect("kill");
        one.sees("the peer has left");
        assert_eq!(one.leaves(), Some(0), "{style}");
        other.child.wait().expect("it is gone");
    }
}

#[test]
fn a_trace_does_not_disturb_the_line_being_typed() {
    let mut one = Person::sits_down(&["server", "--address", &address("trace"), "-v"]);
    one.sees("waiting for connection...");
    let mut other = Person::sits_down(&["client", "--address", &address("trace")]);
    one.sees("connected from: ");
    other.sees("send message> ");
    one.sees("send message> ");
    one.types("打字");
    other.types("hello\r");
    one.sees("recvfrom(");
    one.types("中\r");
    other.sees("Jack: 打字中\r\n");
    other.types("/quit\r");
    assert_eq!((one.leaves(), other.leaves()), (Some(0), Some(0)));
}
