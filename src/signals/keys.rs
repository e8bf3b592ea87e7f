//! The terminal's keys, and what is written to it.

use std::io;
use std::os::fd::AsFd;
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::termios::{LocalFlags, tcgetattr};

use super::cleanup::{Cleanup, at_end, at_terminal};
use super::job_control::{discard_typed, set_terminal_mode, until_foreground};

/// Turns line editing and echo off. Ctrl-C, Ctrl-\ and Ctrl-Z do what they always do. Dropping the guard restores the terminal, and so
/// does a signal, and being stopped: see [`at_terminal`]. Whoever waits for keys draws again when [`super::times_resumed`] grows.
pub fn raw_mode() -> io::Result<Cleanup> {
    until_foreground()?;
    let before = tcgetattr(io::stdin())?;
    let mut raw = before.clone();
    raw.local_flags.remove(LocalFlags::ICANON | LocalFlags::ECHO);
    at_terminal(
        move || {
            set_terminal_mode(&raw)?;
            discard_typed()
        },
        move || {
            // What was typed for this program is not for the shell.
            let _ = set_terminal_mode(&before).and_then(|()| discard_typed());
        },
    )
}

/// The bytes typed within this time, in [`raw_mode`]: `None` if there are none, empty at the end of input.
pub fn typed(within: Duration) -> io::Result<Option<Vec<u8>>> {
    until_foreground()?;
    let stdin = io::stdin();
    let mut watched = [PollFd::new(stdin.as_fd(), PollFlags::POLLIN)];
    match poll(&mut watched, PollTimeout::try_from(within).unwrap_or(PollTimeout::ZERO)) {
        Ok(0) | Err(Errno::EINTR) => return Ok(None),
        other => other?,
    };
    let mut block = [0; 64];
    // Not through the standard library's buffer, which could keep bytes that poll then does not see.
    let got = nix::unistd::read(stdin.as_fd(), &mut block)?;
    Ok(Some(block[..got].to_vec()))
}

/// A terminal does what escape sequences say unasked.
pub fn take_escapes() -> Cleanup {
    at_end(|| ())
}

/// Whether the terminal does what escape sequences say.
pub fn takes_escapes() -> bool {
    true
}
