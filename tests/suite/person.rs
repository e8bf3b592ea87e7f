//! A person at a terminal of their own (openpty(3)): types, and sees what is on the screen.
//!
//! Nothing here waits a fixed time or asks that something be fast; what never comes is given up after [`PATIENCE`].

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use memchr::memmem;
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::pty::{Winsize, openpty};
use nix::sys::signal::{Signal, kill};
use nix::sys::termios::{Termios, tcgetattr};
use nix::unistd::Pid;
use vt100::Screen;

/// When a test gives up.
const PATIENCE: Duration = Duration::from_secs(600);

/// After so long a silence a person who has pressed Ctrl-Z presses it again.
const SILENCE: Duration = Duration::from_secs(20);

/// How often it is looked whether the program has ended, in milliseconds.
const LOOK_AGAIN_MS: u16 = 100;

/// Typed when a program has ended.
const END: &str = "#the end#";

/// What the bar of a lesson says that Enter does: where it goes on, at a prediction, and at the further experiments.
pub const PROMPTS: [&str; 4] = ["Enter on · ", "Enter runs it · ", LETTER, "Enter skips them · "];

/// What the bar says at a prediction.
pub const LETTER: &str = "Enter skips · ";

/// What each thread of a process does, and the signals that wait for it, where /proc tells.
fn threads_of(process: Pid) -> String {
    let tasks = std::fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
    let told = tasks.map(|task| {
        let part = |name: &str| std::fs::read_to_string(task.path().join(name)).unwrap_or_default();
        let status = part("status");
        let keys = ["State:", "SigPnd:", "ShdPnd:"];
        let lines = status.lines().filter(|line| keys.iter().any(|key| line.starts_with(key)));
        let lines = lines.collect::<Vec<_>>().join(" ");
        format!("{} {} {} {lines}\n", part("comm").trim(), part("wchan"), part("syscall").trim())
    });
    told.collect()
}

/// A person at a terminal, before a program.
pub struct Person {
    terminal: File,
    inside: OwnedFd,
    before: Termios,
    child: Child,
    /// What has been written to the terminal and has not been looked at.
    unseen: Vec<u8>,
    /// The screen as it was when all before that had been written.
    emulator: vt100::Parser,
}

impl Person {
    /// Starts the program at a terminal of this many columns and rows.
    pub fn sits_down(columns: u16, rows: u16, command: &mut Command) -> Person {
        let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        let pty = openpty(Some(&size), None).expect("a terminal");
        // A program that another test starts must not keep this terminal.
        for end in [&pty.master, &pty.slave] {
            fcntl(end, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC)).expect("fcntl");
        }
        let before = tcgetattr(&pty.slave).expect("termios");
        command
            .env("LC_ALL", "C.UTF-8")
            .env("TERM", "xterm")
            .env_remove("NO_COLOR")
            .env_remove("CARGO");
        let end = || pty.slave.try_clone().expect("dup");
        command.stdin(end()).stdout(end()).stderr(end());
        // SAFETY: setsid(2), ioctl(2) and signal(2) are safe between fork and exec (signal-safety(7)).
        unsafe {
            command.pre_exec(|| {
                // Tests that run in the background of a script have inherited that these are ignored.
                for ignored in [Signal::SIGINT, Signal::SIGQUIT, Signal::SIGHUP] {
                    nix::sys::signal::signal(ignored, nix::sys::signal::SigHandler::SigDfl)?;
                }
                nix::unistd::setsid()?;
                if nix::libc::ioctl(0, nix::libc::TIOCSCTTY as _, 0) != 0 {
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
            unseen: Vec::new(),
            emulator: vt100::Parser::new(rows, columns, 0),
        }
    }

    /// Types these keys.
    pub fn types(&mut self, keys: &str) {
        self.terminal.write_all(keys.as_bytes()).expect("it reads");
    }

    /// Waits until this is written to the screen, and gives what came before it.
    pub fn sees(&mut self, text: &str) -> String {
        self.sees_one_of(&[text]).1
    }

    /// Waits until one of these is written to the screen, the first of them counts; says which, and what came before it.
    pub fn sees_one_of(&mut self, texts: &[&str]) -> (usize, String) {
        let longest = texts.iter().map(|text| text.len()).max().unwrap_or_default();
        let mut searched = 0;
        loop {
            let places = texts.iter().enumerate().filter_map(|(which, text)| {
                let at = memmem::find(&self.unseen[searched..], text.as_bytes())?;
                Some((searched + at, which))
            });
            if let Some((at, which)) = places.min() {
                let before = String::from_utf8_lossy(&self.unseen[..at]).into_owned();
                self.look_at(at + texts[which].len());
                return (which, before);
            }
            // A text may begin in what is here and end in what is to come.
            searched = self.unseen.len().saturating_sub(longest);
            self.reads(&format!("never seen: {texts:?}"));
        }
    }

    /// Types this line at each prompt until the program has ended: a shell may refuse the first time, and lose what was typed after it.
    pub fn types_until_it_ends(&mut self, line: &str, prompt: &str) {
        self.types(line);
        let began = Instant::now();
        while self.child.try_wait().expect("a child").is_none() {
            assert!(began.elapsed() < PATIENCE, "it goes on:\n{}", self.screen().contents());
            if !self.reads_what_has_come() {
                continue;
            }
            if let Some(at) = memmem::find(&self.unseen, prompt.as_bytes()) {
                self.look_at(at + prompt.len());
                self.types(line);
            }
        }
    }

    /// Waits until the screen is so.
    pub fn sees_screen(&mut self, is_so: impl Fn(&Screen) -> bool) {
        loop {
            self.look_at(self.unseen.len());
            if is_so(self.screen()) {
                return;
            }
            self.reads("the screen never was so");
        }
    }

    /// The screen as it was when the last that was looked for had been written.
    pub fn screen(&self) -> &Screen {
        self.emulator.screen()
    }

    /// Waits for more, and reads it. Gives up when the program has ended and there is no more.
    fn reads(&mut self, complaint: &str) {
        let began = Instant::now();
        loop {
            let has_ended = self.child.try_wait().expect("a child").is_some();
            if self.reads_what_has_come() {
                return;
            }
            let why = if has_ended { "the program has ended" } else { "nothing more came" };
            assert!(
                !has_ended && began.elapsed() < PATIENCE,
                "{complaint}: {why}, but {:?}, and on the screen is\n{}",
                String::from_utf8_lossy(&self.unseen),
                self.screen().contents()
            );
        }
    }

    /// Presses Ctrl-Z, and waits until this is written. A shell may send SIGCONT more than once, and the kernel forgets the stop when one
    /// comes behind it (signal(7)): so the key is pressed again when nothing comes of it.
    pub fn stops_until(&mut self, text: &str) {
        self.types("\x1a");
        let began = Instant::now();
        let mut since = began;
        loop {
            if let Some(at) = memmem::find(&self.unseen, text.as_bytes()) {
                return self.look_at(at + text.len());
            }
            assert!(began.elapsed() < PATIENCE, "it does not stop:\n{}", self.screen().contents());
            if self.reads_what_has_come() {
                since = Instant::now();
            } else if since.elapsed() > SILENCE {
                self.types("\x1a");
                since = Instant::now();
            }
        }
    }

    /// Reads what comes within [`LOOK_AGAIN_MS`]; false if nothing does.
    fn reads_what_has_come(&mut self) -> bool {
        let mut screen = [PollFd::new(self.terminal.as_fd(), PollFlags::POLLIN)];
        if poll(&mut screen, PollTimeout::from(LOOK_AGAIN_MS)).expect("poll") == 0 {
            return false;
        }
        let mut block = [0; 1 << 16];
        let got = self.terminal.read(&mut block).expect("the screen");
        self.unseen.extend_from_slice(&block[..got]);
        true
    }

    fn look_at(&mut self, bytes: usize) {
        self.emulator.process(&self.unseen[..bytes]);
        self.unseen.drain(..bytes);
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
    pub fn resizes(&mut self, columns: u16, rows: u16) {
        let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        nix::ioctl_write_ptr_bad!(set_size, nix::libc::TIOCSWINSZ, Winsize);
        // SAFETY: the descriptor is a terminal's, and `size` lives through the call.
        unsafe { set_size(self.terminal.as_raw_fd(), &raw const size) }.expect("TIOCSWINSZ");
        self.emulator.screen_mut().set_size(rows, columns);
    }

    /// Waits for the end of the program, looks whether the terminal is as it was; gives the exit code and the rest of the screen.
    pub fn leaves(&mut self) -> (Option<i32>, String) {
        // What is on the screen is read while it ends: a full terminal would keep it from ending.
        let mut reader = self.terminal.try_clone().expect("dup");
        let mut unseen = std::mem::take(&mut self.unseen);
        let reading = std::thread::spawn(move || {
            let (mut block, mut searched) = ([0; 1 << 16], 0);
            while memmem::find(&unseen[searched..], END.as_bytes()).is_none() {
                searched = unseen.len().saturating_sub(END.len());
                let got = reader.read(&mut block).expect("the screen");
                unseen.extend_from_slice(&block[..got]);
            }
            unseen
        });
        let (gone, is_gone) = channel::<()>();
        let process = self.pid();
        let watching = std::thread::spawn(move || {
            if is_gone.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                eprintln!("it does not end:\n{}", threads_of(process));
                let _ = kill(process, Signal::SIGKILL);
            }
        });
        let status = self.child.wait().expect("it ends");
        drop(gone);
        watching.join().expect("joined");
        assert!(self.mode() == self.before, "the terminal is as it was");
        // What is typed now comes back: nothing else is on the screen after that. A terminal that is full shows it only when more is typed.
        while !reading.is_finished() {
            self.types(END);
            std::thread::sleep(Duration::from_millis(LOOK_AGAIN_MS.into()));
        }
        self.unseen = reading.join().expect("no panic");
        let last = String::from_utf8_lossy(&self.unseen).into_owned();
        self.look_at(self.unseen.len());
        assert!(!self.screen().bracketed_paste(), "pasting is as it was: {last:?}");
        assert!(!self.screen().alternate_screen(), "the screen is as it was: {last:?}");
        (status.code(), last)
    }

    /// The terminal's mode now.
    pub fn mode(&self) -> Termios {
        tcgetattr(&self.inside).expect("termios")
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

/// The letter of this option in what was shown of a prediction, with or without colours.
pub fn letter_of(option: &str, shown: &str) -> char {
    let plain = shown.split("\x1b[").enumerate().map(|(index, piece)| {
        if index == 0 { piece } else { piece.split_once('m').map_or("", |(_, rest)| rest) }
    });
    let shown: String = plain.collect();
    let start: String = option.chars().take(30).collect();
    let mut lines = shown.lines().rev();
    let line = lines.find(|line| line.contains(&format!(") {start}")));
    let line = line.unwrap_or_else(|| panic!("no option `{start}` in {shown}"));
    line[..line.find(") ").expect("it is there")].chars().last().expect("a letter")
}
