//! A person at a terminal of their own (openpty(3)): types, and sees what is on the screen.
//!
//! Nothing here waits a fixed time or asks that something be fast; what never comes is given up after [`PATIENCE`].

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::pty::{Winsize, openpty};
use nix::sys::signal::{Signal, kill};
use nix::sys::termios::{Termios, tcgetattr};
use nix::unistd::Pid;

/// When a test gives up.
const PATIENCE: Duration = Duration::from_secs(600);

/// Typed when a program has ended.
const END: &str = "#the end#";

/// What a lesson asks that Enter answers.
pub const PROMPTS: [&str; 4] = [
    "Enter goes on (q leaves) ",
    "Enter runs it on this machine (q leaves) ",
    "Enter shows more ",
    "(Enter skips, q leaves): ",
];

/// A person at a terminal, before a program.
pub struct Person {
    terminal: File,
    inside: OwnedFd,
    before: Termios,
    child: Child,
    /// What has been on the screen and has not been looked for.
    seen: Vec<u8>,
}

impl Person {
    /// Starts the program at a terminal of this many columns and rows.
    pub fn sits_down(columns: u16, rows: u16, command: &mut Command) -> Person {
        let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        let pty = openpty(Some(&size), None).expect("a terminal");
        let before = tcgetattr(&pty.slave).expect("termios");
        command
            .env("LC_ALL", "C.UTF-8")
            .env("TERM", "xterm")
            .env_remove("NO_COLOR")
            .env_remove("CARGO");
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
        let child = command.spawn().expect("it starts");
        // The command would hold the terminal open.
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Person {
            terminal: File::from(pty.master),
            inside: pty.slave,
            before,
            child,
            seen: Vec::new(),
        }
    }

    /// Types these keys.
    pub fn types(&mut self, keys: &str) {
        self.terminal.write_all(keys.as_bytes()).expect("it reads");
    }

    /// Waits until this is on the screen, and gives what came before it.
    pub fn sees(&mut self, text: &str) -> String {
        self.sees_one_of(&[text]).1
    }

    /// Waits until one of these is on the screen, the first of them counts; says which, and what came before it.
    pub fn sees_one_of(&mut self, texts: &[&str]) -> (usize, String) {
        loop {
            let places = texts.iter().enumerate().filter_map(|(which, text)| {
                let at =
                    self.seen.windows(text.len()).position(|window| window == text.as_bytes())?;
                Some((at, which))
            });
            if let Some((at, which)) = places.min() {
                let before = String::from_utf8_lossy(&self.seen[..at]).into_owned();
                self.seen.drain(..at + texts[which].len());
                return (which, before);
            }
            let mut screen = [PollFd::new(self.terminal.as_fd(), PollFlags::POLLIN)];
            let came =
                poll(&mut screen, PollTimeout::try_from(PATIENCE).expect("less than 24 days"))
                    .expect("poll");
            assert!(
                came > 0,
                "never seen: {texts:?}; but {:?}",
                String::from_utf8_lossy(&self.seen)
            );
            let mut block = [0; 4096];
            let got = self.terminal.read(&mut block).expect("the screen");
            self.seen.extend_from_slice(&block[..got]);
        }
    }

    /// Presses Enter at each of these prompts until the text is on the screen; gives all that came before it.
    pub fn enters_until(&mut self, prompts: &[&str], text: &str) -> String {
        let mut all = String::new();
        let both: Vec<&str> = [&[text], prompts].concat();
        loop {
            let (which, before) = self.sees_one_of(&both);
            all += &before;
            if which == 0 {
                return all;
            }
            all += both[which];
            self.types("\n");
        }
    }

    /// Gives the terminal another size (tty_ioctl(4)).
    pub fn resizes(&self, columns: u16, rows: u16) {
        let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        nix::ioctl_write_ptr_bad!(set_size, nix::libc::TIOCSWINSZ, Winsize);
        // SAFETY: the descriptor is a terminal's, and `size` lives through the call.
        unsafe { set_size(self.terminal.as_raw_fd(), &raw const size) }.expect("TIOCSWINSZ");
    }

    /// Waits for the end of the program, looks whether the terminal is as it was; gives the exit code and the rest of the screen.
    pub fn leaves(&mut self) -> (Option<i32>, String) {
        // What is on the screen is read while it ends: a full terminal would keep it from ending.
        let mut reader = self.terminal.try_clone().expect("dup");
        let mut seen = std::mem::take(&mut self.seen);
        let reading = std::thread::spawn(move || {
            let mut block = [0; 4096];
            while !seen.windows(END.len()).any(|window| window == END.as_bytes()) {
                let got = reader.read(&mut block).expect("the screen");
                seen.extend_from_slice(&block[..got]);
            }
            String::from_utf8_lossy(&seen).into_owned()
        });
        let (gone, is_gone) = channel::<()>();
        let process = self.pid();
        let watching = std::thread::spawn(move || {
            if is_gone.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                let _ = kill(process, Signal::SIGKILL);
            }
        });
        let status = self.child.wait().expect("it ends");
        drop(gone);
        watching.join().expect("joined");
        assert!(
            tcgetattr(&self.inside).expect("termios") == self.before,
            "the terminal is as it was"
        );
        // What is typed now comes back: nothing else is on the screen after that.
        self.types(END);
        let last = reading.join().expect("no panic");
        for (on, off, what) in [
            ("\x1b[?2004h", "\x1b[?2004l", "pasting"),
            ("\x1b[?1049h", "\x1b[?1049l", "the screen"),
        ] {
            assert!(last.rfind(on) <= last.rfind(off), "{what} is as it was: {last:?}");
        }
        (status.code(), last)
    }

    /// Kills the program (SIGKILL).
    pub fn is_killed(&mut self) {
        self.child.kill().expect("SIGKILL");
        self.child.wait().expect("it is gone");
    }

    /// The program's process.
    pub fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id().cast_signed())
    }
}

impl Drop for Person {
    fn drop(&mut self) {
        // Nobody stays behind when a test fails.
        let _ = self.child.kill().and_then(|()| self.child.wait());
    }
}
