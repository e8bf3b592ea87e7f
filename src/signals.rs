//! Ground floor: being interrupted. Signals are not handled, they are waited for, by a thread of their own.
//!
//! Child processes start with no signal blocked: the standard library sees to that.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// What Ctrl-C, `kill` and a closing terminal send, as exit codes: 128 and the signal's number (bash(1)).
#[cfg(unix)]
mod unix {
    use nix::sys::signal::{SigSet, Signal};

    fn ours() -> SigSet {
        [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP].into_iter().collect()
    }

    /// Keeps the signals waiting, in this thread and all that it starts. Call it before the first.
    pub fn block() {
        let _ = ours().thread_block();
    }

    /// Lets them through again, in this thread.
    pub fn unblock() {
        let _ = ours().thread_unblock();
    }

    /// Does what Ctrl-C does where the terminal does not do it.
    pub fn interrupt() {
        let _ = nix::sys::signal::kill(nix::unistd::Pid::this(), Signal::SIGINT);
    }

    /// Waits for one, and gives the exit code that goes with it.
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
pub use unix::{block, interrupt, unblock, wait};

/// Elsewhere the system ends the program by itself.
#[cfg(not(unix))]
pub fn block() {}

/// Does what Ctrl-C does where the terminal does not do it.
#[cfg(not(unix))]
pub fn interrupt() {
    clean_up();
    std::process::exit(130);
}

/// Elsewhere nothing was blocked.
#[cfg(not(unix))]
pub fn unblock() {}

/// Elsewhere the system ends the program by itself: this never returns.
#[cfg(not(unix))]
pub fn wait() -> u8 {
    loop {
        std::thread::park();
    }
}

// ---- what must be undone however the program ends ----

type Action = Box<dyn FnOnce() + Send>;

static AT_END: Mutex<Vec<(u64, Action)>> = Mutex::new(Vec::new());
static NEXT: AtomicU64 = AtomicU64::new(0);

/// Something to be undone: a file to be removed, a terminal to be given back. Dropping this undoes it.
#[derive(Debug)]
pub struct Cleanup(u64);

/// From here on a signal undoes this before the program ends.
pub fn at_end(action: impl FnOnce() + Send + 'static) -> Cleanup {
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    AT_END.lock().unwrap_or_else(PoisonError::into_inner).push((number, Box::new(action)));
    Cleanup(number)
}

/// Undoes all that is to be undone, the last first.
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
