//! Unix: the modes of a terminal (termios(3)), and SIGINT, which gets a thread out of its read.

use std::io::{self, Write};
use std::os::unix::thread::{JoinHandleExt, RawPthread};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use nix::sys::pthread::{Pthread, pthread_kill};
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
use nix::sys::termios::{LocalFlags, Termios, tcgetattr};
use rustyline::error::ReadlineError;
use rustyline::{Cmd, EventHandler, ExternalPrinter, KeyEvent};

use crate::chat::line_editor::Rustyline;
use crate::signals;

/// Whether the terminal edits lines between those that the editor reads, and keeps them.
pub const EDITS_LINES: bool = true;

/// The terminal edits lines itself, and echoes them.
const BY_LINE: LocalFlags = LocalFlags::ICANON.union(LocalFlags::ECHO);

fn resized() -> SigSet {
    SigSet::from(Signal::SIGWINCH)
}

fn interrupted() -> SigSet {
    SigSet::from(Signal::SIGINT)
}

/// Call this before any thread is started.
pub fn prepare() -> io::Result<()> {
    // Threads inherit blocked signals. A resized window must not interrupt a send: the editor's thread unblocks this one again.
    resized().thread_block()?;
    let action = SigAction::new(
        SigHandler::SigAction(forward_interrupt),
        SaFlags::SA_SIGINFO,
        SigSet::empty(),
    );
    // SAFETY: the handler calls getpid and kill, which signal-safety(7) allows.
    unsafe { sigaction(Signal::SIGINT, &action)? };
    Ok(())
}

/// The calling thread minds a resized window.
pub fn mind_resizing() {
    let _ = resized().thread_unblock();
}

/// Whether the terminal can draw a line anew; `dumb` and no name at all say that it cannot (terminfo(5)).
pub fn can_redraw() -> bool {
    std::env::var_os("TERM").is_some_and(|term| !term.is_empty() && term != "dumb")
}

/// How the terminal treats what is typed.
#[derive(Clone)]
pub struct Mode(Termios);

impl Mode {
    pub fn now() -> io::Result<Mode> {
        Ok(Mode(tcgetattr(io::stdin())?))
    }

    pub fn set(&self) -> io::Result<()> {
        signals::set_terminal_mode(&self.0)
    }
}

/// Says whether the terminal edits lines itself.
pub fn edit_lines(itself: bool) -> io::Result<()> {
    let mut mode = tcgetattr(io::stdin())?;
    mode.local_flags.set(BY_LINE, itself);
    signals::set_terminal_mode(&mode)
}

/// Undoes what rustyline would undo unless a signal cuts that short.
pub fn end_editing() {
    // Bracketed paste.
    let _ = io::stdout().write_all(b"\x1b[?2004l").and_then(|()| io::stdout().flush());
}

/// What keys do that rustyline does not know from elsewhere.
pub fn keys() -> Vec<(KeyEvent, EventHandler)> {
    vec![
        // It waits for another key, and meanwhile no message could appear.
        (KeyEvent::ctrl('V'), Cmd::Noop.into()),
        // Ctrl-D that was typed by turns before the line was read: the kernel kept it as the end of its own line (N_TTY), which is
        // this byte.
        (KeyEvent::ctrl('@'), Cmd::EndOfFile.into()),
    ]
}

/// Goes up a row and down again, which is invisible.
const REDRAW: &str = "\x1b[A\n";

/// Makes the editor redraw its line, by its printer: blocks until the editor has taken the previous request, and fails once the editor
/// is gone.
pub fn redraws(
    editor: &mut Rustyline,
) -> rustyline::Result<impl FnMut() -> rustyline::Result<()> + Send + use<>> {
    let mut printer = editor.create_external_printer()?;
    Ok(move || printer.print(REDRAW.to_owned()))
}

/// Does what Ctrl-C does. That is for the thread that waits for signals, not for rustyline.
pub fn interrupt() {
    let _ = interrupted().thread_block();
    signals::interrupt();
}

/// Reads, so that [`Caller::call_out`] gets the thread out.
pub fn interruptible<T>(read: impl FnOnce() -> T) -> T {
    let _ = interrupted().thread_unblock();
    let answer = read();
    let _ = interrupted().thread_block();
    answer
}

/// Reads a line, which the terminal itself edits, without its end. A signal interrupts that, unlike with [`io::Stdin::read_line`].
pub fn read_line() -> rustyline::Result<String> {
    let (mut line, mut block) = (Vec::new(), [0; 4096]);
    loop {
        match nix::unistd::read(io::stdin(), &mut block).map_err(io::Error::from) {
            Ok(0) if line.is_empty() => return Err(ReadlineError::Eof),
            Ok(0) => break,
            Ok(length) => line.extend_from_slice(&block[..length]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                return Err(ReadlineError::Interrupted);
            }
            Err(error) => return Err(error.into()),
        }
        if line.pop_if(|last| *last == b'\n').is_some() {
            break;
        }
    }
    Ok(String::from_utf8_lossy(&line).into_owned())
}

// ---- getting a thread out of its line ----

/// Whether somebody has asked the thread to come out of its line, and it has not yet.
static COME_OUT: AtomicBool = AtomicBool::new(false);

/// Gets the editor's thread out of its line.
#[derive(Clone, Copy)]
pub struct Caller(RawPthread);

impl Caller {
    pub fn of<T>(thread: &JoinHandle<T>) -> Caller {
        Caller(thread.as_pthread_t())
    }

    /// SIGINT interrupts the thread's read. If it arrives just before the read it is lost, and the start of the read cannot be observed:
    /// call again until the thread is out.
    pub fn call_out(self) {
        COME_OUT.store(true, Ordering::Relaxed);
        let _ = pthread_kill(self.0 as Pthread, Signal::SIGINT);
    }
}

/// The thread is out of its line; true if it was called.
pub fn was_called_out() -> bool {
    let was_called = COME_OUT.load(Ordering::Relaxed);
    if was_called {
        // Takes a last SIGINT that may be on its way.
        interruptible(|| ());
        COME_OUT.store(false, Ordering::Relaxed);
    }
    was_called
}

/// Handles a SIGINT that reaches the editor's thread while rustyline, which has its own handler, is not reading. If it is a Ctrl-C, the
/// signal is sent again, to the thread that waits for signals: in this thread it is blocked while the handler runs. If it was sent to this
/// thread, that was to get it out of its line.
extern "C" fn forward_interrupt(_: i32, about: *mut libc::siginfo_t, _: *mut libc::c_void) {
    if !was_sent_to_thread(about) {
        signals::interrupt();
    }
}

/// Linux marks a signal to a thread (sigaction(2)).
#[cfg(target_os = "linux")]
fn was_sent_to_thread(about: *mut libc::siginfo_t) -> bool {
    // SAFETY: the kernel passes a handler with SA_SIGINFO what it knows of the signal.
    unsafe { (*about).si_code == libc::SI_TKILL }
}

/// Other systems do not. A Ctrl-C of the moment in which the thread is asked is taken for that.
#[cfg(not(target_os = "linux"))]
fn was_sent_to_thread(_: *mut libc::siginfo_t) -> bool {
    COME_OUT.load(Ordering::Relaxed)
}
