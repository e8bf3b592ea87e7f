//! A person at a terminal of their own (openpty(3)): types, and sees what is on the screen.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};

use nix::pty::{Winsize, openpty};
use nix::sys::termios::{LocalFlags, tcgetattr};

/// A person at a terminal, before a program.
pub struct Person {
    terminal: File,
    inside: OwnedFd,
    /// The program.
    pub child: Child,
    /// What has been on the screen and has not been looked for.
    seen: Vec<u8>,
}

impl Person {
    /// Starts the program at a terminal of this many columns and 24 rows.
    pub fn sits_down(columns: u16, command: &mut Command) -> Person {
        let size = Winsize { ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        let pty = openpty(Some(&size), None).expect("a terminal");
        command.env("TERM", "xterm").env("LC_ALL", "C").env_remove("NO_COLOR").env_remove("CARGO");
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
        // The command holds the terminal's other end open.
        command.stdin(std::process::Stdio::null()).stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
        Person { terminal: File::from(pty.master), inside: pty.slave, child, seen: Vec::new() }
    }

    /// Types these keys.
    pub fn types(&mut self, keys: &str) {
        self.terminal.write_all(keys.as_bytes()).expect("it reads");
    }

    /// Waits until this is on the screen, and gives what came before it.
    pub fn sees(&mut self, text: &str) -> String {
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

    /// Presses Enter at each prompt that asks for no more, until this is on the screen; gives all that came before it.
    pub fn enters_until(&mut self, prompts: &[&str], text: &str) -> String {
        let mut all = String::new();
        loop {
            let seen = String::from_utf8_lossy(&self.seen).into_owned();
            let at = |wanted: &str| seen.find(wanted).map(|at| at + wanted.len());
            let prompt = prompts.iter().filter_map(|prompt| at(prompt)).min();
            match (at(text), prompt) {
                (Some(end), prompt) if prompt.is_none_or(|prompt| end <= prompt) => return all + &self.sees(text),
                (_, Some(end)) => {
                    all += &seen[..end];
                    self.seen.drain(..end);
                    self.types("\n");
                }
                _ => {
                    let mut block = [0; 4096];
                    let got = self.terminal.read(&mut block).expect("the screen");
                    self.seen.extend_from_slice(&block[..got]);
                }
            }
        }
    }

    /// Waits for the end of the program, looks whether the terminal is as it was, and gives the exit code and the rest of the screen.
    pub fn leaves(mut self) -> (Option<i32>, String) {
        let status = self.child.wait().expect("it ends");
        let flags = tcgetattr(self.inside.as_fd()).expect("termios").local_flags;
        assert!(flags.contains(LocalFlags::ICANON | LocalFlags::ECHO | LocalFlags::ISIG), "the terminal is as it was");
        // What is typed now comes back: nothing else is on the screen after that.
        self.types("#the end#");
        let last = self.sees("#the end#");
        (status.code(), last)
    }
}
