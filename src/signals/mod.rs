//! Signals, and what is put in order when the program is stopped or ends. A thread of its own waits for the signals; there are no
//! handlers.
//!
//! Child processes start with no signal blocked: the standard library takes care of that.

mod cleanup;
#[cfg(unix)]
mod job_control;
#[cfg(unix)]
mod keys;

pub use cleanup::{Cleanup, at_end, at_terminal, clean_up, give_terminal_back};
#[cfg(unix)]
pub use job_control::{
    discard_typed, is_foreground, set_terminal_mode, times_resumed, until_foreground,
    wait_at_terminal,
};
#[cfg(unix)]
pub use keys::{raw_mode, take_escapes, takes_escapes, typed};

/// The exit code for Ctrl-C.
pub const CTRL_C: u8 = 130;
/// The exit code for SIGTERM.
pub const TERMINATED: u8 = 143;

/// The signals of Ctrl-C, Ctrl-\, `kill` and a closing terminal. The exit code is 128 plus the signal's number (bash(1)).
#[cfg(unix)]
mod unix {
    use nix::sys::signal::{SigSet, Signal};

    use super::job_control;

    pub(super) fn fatal() -> SigSet {
        [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGQUIT].into_iter().collect()
    }

    /// Blocks the signals in this thread and all that it starts. Call before the first thread is started.
    pub fn block() {
        let _ = fatal().thread_block();
    }

    /// [`block`], and the signals of job control as well, for [`super::wait_at_terminal`].
    pub fn block_at_terminal() {
        block();
        let _ = job_control::signals().thread_block();
        job_control::will_be_minded();
    }

    /// Unblocks all of them in this thread.
    pub fn unblock() {
        let _ = fatal().thread_unblock();
        let _ = job_control::signals().thread_unblock();
    }

    /// Does what Ctrl-C does, for a terminal in raw mode.
    pub fn interrupt() {
        let _ = nix::sys::signal::kill(nix::unistd::Pid::this(), Signal::SIGINT);
    }

    /// Waits for a signal that ends the program, and returns its exit code.
    pub fn wait() -> u8 {
        loop {
            if let Ok(signal) = fatal().wait() {
                return exit_code(signal);
            }
        }
    }

    pub(super) fn exit_code(signal: Signal) -> u8 {
        128 + u8::try_from(signal as i32).unwrap_or(2)
    }
}

#[cfg(unix)]
pub use unix::{block, block_at_terminal, interrupt, unblock, wait};

#[cfg(windows)]
mod windows;
#[cfg(windows)]
pub use windows::{
    block, block_at_terminal, discard_typed, input_mode, interrupt, is_foreground, press_key,
    raw_mode, set_input_mode, take_escapes, takes_escapes, times_resumed, typed, unblock,
    until_foreground, wait, wait_at_terminal,
};
