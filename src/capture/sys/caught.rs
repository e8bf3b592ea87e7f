//! A signal that is caught: SIGUSR1, whose handler only counts, and which of the two ways the kernel then goes with the call
//! that it came in between.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};

use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};

static CAUGHT: AtomicUsize = AtomicUsize::new(0);

extern "C" fn count(_: libc::c_int) {
    CAUGHT.fetch_add(1, Ordering::SeqCst);
}

/// Catches SIGUSR1 from now on, with or without `SA_RESTART` (sigaction(2)).
pub fn catch_sigusr1(restart: bool) -> io::Result<()> {
    let flags = if restart { SaFlags::SA_RESTART } else { SaFlags::empty() };
    let action = SigAction::new(SigHandler::Handler(count), flags, SigSet::empty());
    // SAFETY: the handler only adds to an atomic, which a signal handler may do (signal-safety(7)).
    unsafe { sigaction(Signal::SIGUSR1, &action) }?;
    Ok(())
}

/// How often the handler has run.
pub fn times_caught() -> usize {
    CAUGHT.load(Ordering::SeqCst)
}

/// Sends SIGUSR1 to this thread of this process: tgkill(2), by the number that only Linux takes.
#[cfg(target_os = "linux")]
pub fn send_sigusr1(thread: u32) -> io::Result<()> {
    let process = std::process::id();
    // SAFETY: tgkill takes three numbers.
    let answer = unsafe { libc::syscall(libc::SYS_tgkill, process, thread, libc::SIGUSR1) };
    if answer == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

#[cfg(not(target_os = "linux"))]
pub fn send_sigusr1(_: u32) -> io::Result<()> {
    super::unsupported(crate::trace::Feature::ThreadSignal)
}
