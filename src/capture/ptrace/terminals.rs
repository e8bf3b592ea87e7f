//! Terminals of the programs' own (pty(7)), in a run whose terminal belongs to the step view: what they print becomes events, and what is
//! typed for them in the step view is typed there.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl};
use nix::pty::{Winsize, openpty};
use nix::sys::termios::{LocalFlags, OutputFlags, SetArg, tcgetattr, tcsetattr};

use super::tracer::Tracer;
use crate::trace::{Event, EventKind, LAB, Name, Note};

/// So many bytes of what the programs print are recorded; what comes later is only counted.
const MOST_PRINTED: u64 = 1 << 20;

/// More than this is not recorded at once, in bytes.
const LONGEST: usize = 1 << 14;

/// A program's terminal.
#[derive(Debug)]
pub struct Terminal {
    /// Where we type, and read what is printed.
    outside: OwnedFd,
    /// Where the program prints, and reads what we type. As long as we have it open too, the terminal stays.
    inside: OwnedFd,
    /// The beginning of a line whose end has not come.
    unfinished: Vec<u8>,
    /// Its size, if there is one to be like.
    size: Option<Winsize>,
}

fn size_of(terminal: impl AsFd) -> Option<Winsize> {
    let (width, height) = terminal_size::terminal_size_of(terminal)?;
    Some(Winsize { ws_row: height.0, ws_col: width.0, ws_xpixel: 0, ws_ypixel: 0 })
}

nix::ioctl_write_ptr_bad!(set_size, nix::libc::TIOCSWINSZ, Winsize);

impl Terminal {
    /// A terminal of the same size as this one.
    pub fn like(other: impl AsFd) -> io::Result<Terminal> {
        let size = size_of(other);
        let pty = openpty(size.as_ref(), None)?;
        for end in [&pty.master, &pty.slave] {
            fcntl(end, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))?;
        }
        fcntl(&pty.master, FcntlArg::F_SETFL(OFlag::O_RDWR | OFlag::O_NONBLOCK))?;
        // Lines end as the program ends them, and what is typed is no output of the program's.
        let mut modes = tcgetattr(&pty.slave)?;
        modes.local_flags.remove(LocalFlags::ECHO);
        modes.output_flags.remove(OutputFlags::OPOST);
        tcsetattr(&pty.slave, SetArg::TCSANOW, &modes)?;
        Ok(Terminal { outside: pty.master, inside: pty.slave, unfinished: Vec::new(), size })
    }

    /// The program's end.
    pub fn inside(&self) -> BorrowedFd<'_> {
        self.inside.as_fd()
    }

    /// Takes the size that the other terminal has now; true if it has changed.
    pub fn resize_like(&mut self, other: impl AsFd) -> bool {
        let size = size_of(other);
        let Some(to) = size.as_ref().filter(|_| size != self.size) else { return false };
        // SAFETY: ioctl_tty(2) reads the size and nothing else.
        let is_set = unsafe { set_size(self.outside.as_raw_fd(), to) }.is_ok();
        self.size = size;
        is_set
    }

    /// The lines that have been printed since, and the beginning of one if it is wanted `now`, or if nothing has come after it since it
    /// was last looked: it may ask for something.
    fn read(&mut self, now: bool) -> String {
        let mut room = [0; 4096];
        let had = self.unfinished.len();
        while self.unfinished.len() < LONGEST
            && let Ok(got @ 1..) = nix::unistd::read(&self.outside, &mut room)
        {
            self.unfinished.extend(&room[..got]);
        }
        let all = now || self.unfinished.len() == had || self.unfinished.len() >= LONGEST;
        let lines =
            self.unfinished.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let whole = if all { self.unfinished.len() } else { lines };
        let text: Vec<u8> = self.unfinished.drain(..whole).collect();
        String::from_utf8_lossy(&text).into_owned()
    }

    /// Types this. What the terminal has no room for is lost, as at any terminal.
    fn type_text(&self, text: &str) {
        let _ = nix::unistd::write(&self.outside, text.as_bytes());
    }
}

impl Tracer {
    /// Records what the programs have printed: whole lines, and the beginning of one `now`, or when nothing has come after it. True if
    /// there was something.
    pub(super) fn read_terminals(&mut self, now: bool) -> bool {
        self.programs.resize_terminals();
        let before = self.printed;
        for (program, terminal) in self.programs.terminals() {
            let text = terminal.read(now);
            self.printed += text.len() as u64;
            if self.printed <= MOST_PRINTED && !text.is_empty() {
                let what = EventKind::Printed { program: Name::from(program), text };
                self.stage.tell(of_lab(self.stage.now_ns(), what), None);
            }
        }
        self.printed > before
    }

    /// Types at the terminal of the program to which this process belongs.
    pub(super) fn type_at_terminal(&mut self, process: u32, text: &str) {
        let program = self.processes.get(&process).and_then(|process| process.program);
        let Some((name, terminal)) = program.and_then(|index| self.programs.terminal(index)) else {
            return;
        };
        let what = EventKind::Typed { program: Name::from(name), text: text.to_owned() };
        terminal.type_text(text);
        self.stage.tell(of_lab(self.stage.now_ns(), what), None);
    }

    /// Says how much of what the programs printed is not in the recording.
    pub(super) fn note_output_left_out(&mut self) {
        if let Some(bytes @ 1..) = self.printed.checked_sub(MOST_PRINTED) {
            let note = Note::OutputLeftOut { bytes };
            self.stage.tell(of_lab(self.stage.now_ns(), EventKind::Note { note }), None);
        }
    }
}

/// What none of the programs' threads did.
fn of_lab(at_ns: u64, what: EventKind) -> Event {
    let process = std::process::id();
    Event { at_ns, actor: Name::from(LAB), process, thread: process, what }
}

#[cfg(test)]
mod tests {
    use std::io::IsTerminal;

    use super::*;

    #[test]
    fn a_terminal_takes_the_size_of_ours_again_when_that_changes() {
        let ours = openpty(None, None).expect("a terminal");
        let resize = |columns| {
            let size = Winsize { ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
            // SAFETY: as above.
            unsafe { set_size(ours.master.as_raw_fd(), &size) }.expect("resized");
        };
        resize(80);
        let mut terminal = Terminal::like(&ours.slave).expect("a terminal");
        assert!(!terminal.resize_like(&ours.slave), "nothing has changed");
        resize(41);
        assert!(terminal.resize_like(&ours.slave));
        assert_eq!(size_of(&terminal.inside).map(|size| size.ws_col), Some(41));
        assert!(!terminal.resize_like(&ours.slave), "once is enough");
    }

    #[test]
    fn what_is_printed_comes_out_as_it_was_and_what_is_typed_goes_in() {
        let file = std::fs::File::open("/dev/null").expect("a file");
        let mut terminal = Terminal::like(file).expect("a terminal");
        assert!(terminal.inside().is_terminal());
        let inside = terminal.inside.try_clone().expect("a copy");
        let print = |bytes: &[u8]| nix::unistd::write(&inside, bytes).expect("printed");
        print("one\ntwo\n你".as_bytes());
        print(&"好".as_bytes()[..1]);
        assert_eq!(terminal.read(false), "one\ntwo\n");
        print(&"好".as_bytes()[1..]);
        assert_eq!(terminal.read(false), "", "more may come");
        assert_eq!(terminal.read(false), "你好", "nothing has come");
        print(b"at once");
        assert_eq!(terminal.read(true), "at once");
        terminal.type_text("hello\n");
        let mut room = [0; 64];
        let got = nix::unistd::read(&inside, &mut room).expect("typed");
        assert_eq!(&room[..got], b"hello\n");
        assert_eq!(terminal.read(true), "", "it is no output");
    }
}
