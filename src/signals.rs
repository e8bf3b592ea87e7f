//! Signals, and clean-up when the program ends. A thread of its own waits for the signals; there are no handlers.
//!
//! Child processes start with no signal blocked: the standard library takes care of that.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// The exit code for Ctrl-C.
pub const CTRL_C: u8 = 130;

/// The signals of Ctrl-C, `kill` and a closing terminal. The exit code is 128 plus the signal's number (bash(1)).
#[cfg(unix)]
mod unix {
    use nix::sys::signal::{SigSet, Signal};

    fn ours() -> SigSet {
        [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP].into_iter().collect()
    }

    /// Blocks the signals in this thread and all that it starts. Call before the first thread is started.
    pub fn block() {
        let _ = ours().thread_block();
    }

    /// Unblocks them in this thread.
    pub fn unblock() {
        let _ = ours().thread_unblock();
    }

    /// Does what Ctrl-C does, for a terminal in raw mode.
    pub fn interrupt() {
        let _ = nix::sys::signal::kill(nix::unistd::Pid::this(), Signal::SIGINT);
    }

    /// Does what Ctrl-Z does, for a terminal in raw mode: returns when the program goes on.
    pub fn suspend() {
        let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(0), Signal::SIGTSTP);
    }

    /// Waits for a signal, and returns its exit code.
    pub fn wait() -> u8 {
        // Another thread is stopped first (Ctrl-Z): see the chat's editor.
        let _ = SigSet::from(Signal::SIGTSTP).thread_block();
        loop {
            if let Ok(signal) = ours().wait() {
                return 128 + u8::try_from(signal as i32).unwrap_or(2);
            }
        }
    }
}

#[cfg(unix)]
pub use unix::{block, interrupt, suspend, unblock, wait};

/// Other systems end the program by themselves.
#[cfg(not(unix))]
pub fn block() {}

/// Does what Ctrl-C does, for a terminal in raw mode.
#[cfg(not(unix))]
pub fn interrupt() {
    clean_up();
    std::process::exit(130);
}

/// Other systems do not suspend programs.
#[cfg(not(unix))]
pub fn suspend() {}

#[cfg(not(unix))]
pub fn unblock() {}

/// Never returns: other systems end the program by themselves.
#[cfg(not(unix))]
pub fn wait() -> u8 {
    loop {
        std::thread::park();
    }
}

// ---- clean-up however the program ends ----

type Action = Box<dyn FnOnce() + Send>;

static AT_END: Mutex<Vec<(u64, Action)>> = Mutex::new(Vec::new());
static NEXT: AtomicU64 = AtomicU64::new(0);

/// A clean-up, such as removing a file or restoring the terminal. It runs when this is dropped.
#[derive(Debug)]
pub struct Cleanup(u64);

/// Registers a clean-up that also runs if a signal ends the program.
pub fn at_end(action: impl FnOnce() + Send + 'static) -> Cleanup {
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    AT_END.lock().unwrap_or_else(PoisonError::into_inner).push((number, Box::new(action)));
    Cleanup(number)
}

/// Runs all registered clean-ups, the last one first.
pub fn clean_up() {
    while let Some((_, action)) = { AT_END.lock().unwrap_or_else(PoisonError::into_inner).pop() } {
        action();
    }
}

impl Drop for Cleanup {
    fn drop(&mut self) {
        let mut actions = AT_END.lock().unwrap_or_else(PoisonError::into_inner);
        let mine =
            actions.iter().position(|(number, _)| *number == self.0).map(|at| actions.remove(at));
        drop(actions);
        if let Some((_, action)) = mine {
            action();
        }
    }
}
