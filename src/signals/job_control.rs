//! Job control (credentials(7), termios(3)): the program is stopped and goes on, in the foreground or in the background.
//!
//! Its signals are blocked in every thread, and the thread that waits for signals does what their default would. So the terminal is given
//! back before the program stops, nothing takes it again before the program goes on, and a `kill` of a stopped program, which wakes it,
//! is heard before anything could stop it again.

use std::cell::Cell;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};

use nix::sys::signal::{SigSet, SigmaskHow, Signal, kill, pthread_sigmask, raise};
use nix::sys::termios::{FlushArg, SetArg, Termios, tcflush, tcsetattr};
use nix::unistd::{Pid, getpgrp, tcgetpgrp};

use super::cleanup::Terminal;
use super::unix::{exit_code, fatal};

pub(super) fn signals() -> SigSet {
    let job_control = [Signal::SIGTSTP, Signal::SIGTTIN, Signal::SIGTTOU, Signal::SIGCONT];
    job_control.into_iter().chain([WANTED]).collect()
}

/// Sent by a thread that waits for the foreground. It is none of job control's: the kernel forgets a SIGCONT when one that stops comes.
const WANTED: Signal = Signal::SIGURG;

/// Whether a thread waits for these signals, or soon will: a program that takes the terminal may be quicker.
static IS_MINDED: AtomicBool = AtomicBool::new(false);

/// What has become of the program so far.
#[derive(Clone, Copy, Default)]
struct Course {
    /// How often it was to be stopped.
    stops: u64,
    /// How often nothing came of it: in a process group without a shell that could let it go on, the kernel stops nobody.
    vain: u64,
}

static COURSE: Mutex<Course> = Mutex::new(Course { stops: 0, vain: 0 });
static CHANGED: Condvar = Condvar::new();

thread_local! {
    /// Whether this thread sets up the terminal again because the program goes on.
    static IS_RESUMING: Cell<bool> = const { Cell::new(false) };
}

/// A thread will call [`wait_at_terminal`].
pub(super) fn will_be_minded() {
    IS_MINDED.store(true, Ordering::SeqCst);
}

/// Waits for a signal that ends the program, and returns its exit code. Meanwhile the program stops and goes on as its signals say.
/// Call [`super::block_at_terminal`] before any thread is started.
pub fn wait_at_terminal() -> u8 {
    let all: SigSet = fatal().iter().chain(signals().iter()).collect();
    loop {
        // Of several the kernel gives the one with the lowest number, which is one that ends the program.
        match all.wait() {
            Ok(Signal::SIGCONT) => go_on(),
            Ok(signal @ Signal::SIGTSTP) => stop(signal),
            Ok(Signal::SIGTTIN | Signal::SIGTTOU | WANTED) if !is_foreground() => {
                stop(Signal::SIGTTIN);
            }
            Ok(Signal::SIGTTIN | Signal::SIGTTOU | WANTED) => note(false),
            Ok(signal) => return exit_code(signal),
            Err(_) => {}
        }
    }
}

/// Gives the terminal back, and stops the program until it goes on.
fn stop(signal: Signal) {
    let mut terminal = Terminal::lock();
    terminal.give();
    let alone = SigSet::from(signal);
    let _ = alone.thread_unblock();
    let _ = raise(signal); // returns when the program goes on
    let _ = alone.thread_block();
    // Then `go_on` follows, unless it is to be stopped once more.
    let has_stopped = is_pending(Signal::SIGCONT) || is_pending(Signal::SIGTSTP);
    if !has_stopped {
        if is_foreground() {
            terminal.take();
        }
        note(true);
    }
}

/// Takes the terminal again. In the background that has to wait: there the program stops again.
fn go_on() {
    let mut terminal = Terminal::lock();
    if terminal.is_in_use() && !is_foreground() {
        drop(terminal);
        return stop(Signal::SIGTTOU);
    }
    // Whoever stopped it without its doing (SIGSTOP) may have changed the terminal.
    IS_RESUMING.set(true);
    terminal.give();
    terminal.take();
    IS_RESUMING.set(false);
    drop(terminal);
    note(false);
}

fn note(in_vain: bool) {
    let mut course = COURSE.lock().unwrap_or_else(PoisonError::into_inner);
    course.stops += 1;
    course.vain += u64::from(in_vain);
    CHANGED.notify_all();
}

fn is_pending(signal: Signal) -> bool {
    let mut set = std::mem::MaybeUninit::uninit();
    // SAFETY: sigpending(2) fills in the set, or fails, and then it is not looked at.
    unsafe {
        libc::sigpending(set.as_mut_ptr()) == 0
            && libc::sigismember(set.as_ptr(), signal as i32) == 1
    }
}

/// How often the program has gone on after it was stopped, or may have: what it had shown at its terminal is to be drawn again.
pub fn times_resumed() -> u64 {
    COURSE.lock().unwrap_or_else(PoisonError::into_inner).stops
}

/// Whether the terminal on standard input is this program's to read and to change, as far as there is job control.
pub fn is_foreground() -> bool {
    tcgetpgrp(io::stdin()).map_or(true, |group| group == getpgrp())
}

/// Waits until the program is in the foreground: it stops, as by reading the terminal in the background.
pub fn until_foreground() -> io::Result<()> {
    while IS_MINDED.load(Ordering::SeqCst) && !is_foreground() {
        let course = COURSE.lock().unwrap_or_else(PoisonError::into_inner);
        let before = *course;
        kill(Pid::this(), WANTED)?;
        let since = CHANGED.wait_while(course, |course| course.stops == before.stops);
        if since.unwrap_or_else(PoisonError::into_inner).vain > before.vain {
            return Err(io::Error::from_raw_os_error(libc::EIO));
        }
    }
    Ok(())
}

/// Sets the mode of the terminal on standard input, unless another job has it.
pub fn set_terminal_mode(mode: &Termios) -> io::Result<()> {
    in_foreground(|| tcsetattr(io::stdin(), SetArg::TCSANOW, mode))
}

/// Discards what has been typed and not read, unless another job has the terminal. A program that goes on keeps it: shells send more
/// than one SIGCONT, and what is typed between two of them is for this program.
pub fn discard_typed() -> io::Result<()> {
    if IS_RESUMING.get() {
        return Ok(());
    }
    in_foreground(|| tcflush(io::stdin(), FlushArg::TCIFLUSH))
}

/// Changes the terminal if it is this program's. It may become another's between the look and the call: that must not stop the program.
fn in_foreground(change: impl Fn() -> nix::Result<()>) -> io::Result<()> {
    if !is_foreground() {
        return Ok(());
    }
    let mut before = SigSet::empty();
    let blocked = SigSet::from(Signal::SIGTTOU);
    pthread_sigmask(SigmaskHow::SIG_BLOCK, Some(&blocked), Some(&mut before))?;
    let changed = change();
    pthread_sigmask(SigmaskHow::SIG_SETMASK, Some(&before), None)?;
    Ok(changed?)
}
