//! Ground floor: being interrupted. Signals are not handled, they are waited for, by a thread of their own.
//!
//! Child processes start with no signal blocked: the standard library sees to that.

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

    /// Waits for one, and gives the exit code that goes with it.
    pub fn wait() -> u8 {
        loop {
            if let Ok(signal) = ours().wait() {
                return 128 + u8::try_from(signal as i32).unwrap_or(2);
            }
        }
    }
}

#[cfg(unix)]
pub use unix::{block, unblock, wait};

/// Elsewhere the system ends the program by itself.
#[cfg(not(unix))]
pub fn block() {}

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
