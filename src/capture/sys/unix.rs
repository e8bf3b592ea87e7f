//! What every Unix has, Linux too: clocks, numbers of threads, names of errors, the mode of a descriptor.

use std::borrow::Cow;
use std::cell::Cell;
use std::io;
use std::mem;
use std::os::fd::{AsRawFd, IntoRawFd};
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::time::{ClockId, clock_gettime};

use crate::trace::ExitStatus;

/// Whether this process may run the file.
pub fn may_execute(file: &std::path::Path) -> bool {
    nix::unistd::access(file, nix::unistd::AccessFlags::X_OK).is_ok()
}

/// The kernel's name, release and machine: `Linux 6.18.44 x86_64` (uname(2)).
pub fn name() -> String {
    match nix::sys::utsname::uname() {
        Ok(name) => [name.sysname(), name.release(), name.machine()]
            .map(std::ffi::OsStr::to_string_lossy)
            .join(" "),
        Err(error) => format!("{} (uname: {error})", std::env::consts::OS),
    }
}

/// Nanoseconds of a clock that is the same for every process of the machine (clock_gettime(2)).
pub fn monotonic_ns() -> u64 {
    clock_ns(MONOTONIC).unwrap_or(0)
}

/// macOS counts `CLOCK_MONOTONIC` in microseconds, in which two calls may fall; this one is as fine as its processor's.
#[cfg(target_vendor = "apple")]
const MONOTONIC: ClockId = ClockId::from_raw(libc::CLOCK_UPTIME_RAW);
#[cfg(not(target_vendor = "apple"))]
const MONOTONIC: ClockId = ClockId::CLOCK_MONOTONIC;

pub(super) fn clock_ns(clock: ClockId) -> Option<u64> {
    let now = clock_gettime(clock).ok()?;
    Some(u64::try_from(now.tv_sec()).ok()? * 1_000_000_000 + u64::try_from(now.tv_nsec()).ok()?)
}

/// Processor time of the calling thread (`CLOCK_THREAD_CPUTIME_ID`, clock_gettime(2)).
pub fn cpu_time() -> Option<Duration> {
    clock_ns(ClockId::from_raw(libc::CLOCK_THREAD_CPUTIME_ID)).map(Duration::from_nanos)
}

/// The calling thread's number, cached for each thread. The first thread of a process has the number of its process.
pub fn thread_id() -> u32 {
    thread_local!(static ID: Cell<Option<u32>> = const { Cell::new(None) });
    ID.with(|id| {
        let known = id.get().unwrap_or_else(own_number);
        id.set(Some(known));
        known
    })
}

/// gettid(2).
#[cfg(target_os = "linux")]
fn own_number() -> u32 {
    nix::unistd::gettid().as_raw().unsigned_abs()
}

/// pthread_threadid_np(3). That of the first thread is not the number of its process there, by which others know it.
#[cfg(target_vendor = "apple")]
fn own_number() -> u32 {
    // SAFETY: it has no conditions.
    if unsafe { libc::pthread_main_np() } == 1 {
        return std::process::id();
    }
    let mut number = 0_u64;
    // SAFETY: 0 is the calling thread, and the number is a u64.
    unsafe { libc::pthread_threadid_np(0, &raw mut number) };
    number as u32 // they are counted from the system's start
}

/// The C library of other systems tells no number that all of them have: threads are counted.
#[cfg(not(any(target_os = "linux", target_vendor = "apple")))]
fn own_number() -> u32 {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(1);
    match std::thread::current().name() {
        Some("main") => std::process::id(),
        _ => std::process::id().wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)),
    }
}

/// Whether the error means that this machine lacks something (descriptors, memory, a loopback interface that is up).
pub fn is_shortage(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(libc::EMFILE | libc::ENFILE | libc::ENOBUFS | libc::ENOMEM | libc::ENETUNREACH)
    )
}

/// Whether the error means that the address family is not available: switched off, or without an address.
pub fn is_family_missing(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(libc::EAFNOSUPPORT | libc::EADDRNOTAVAIL | libc::ENETUNREACH)
    )
}

/// Whether a call gave up because its timeout (SO_RCVTIMEO, SO_SNDTIMEO) was over (socket(7)).
pub fn is_timeout(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock
}

/// Whether shutdown() ends a recv() in which another thread waits.
pub const SHUTDOWN_WAKES: bool = true;

/// Whether a connect that does not block goes on (connect(2)).
pub fn is_in_progress(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::EINPROGRESS)
}

/// The option that a server sets before bind, so that it has its port again as soon as it has ended.
pub const SERVER_OPTION: &str = "SO_REUSEADDR";

/// Sets [`SERVER_OPTION`].
pub fn set_server_option(socket: &socket2::Socket) -> io::Result<()> {
    socket.set_reuse_address(true)
}

/// Sets an option whose value is a number: of TCP (tcp(7)), or of IP (ip(7)).
pub fn set_option(socket: &socket2::Socket, level: i32, option: i32, value: i32) -> io::Result<()> {
    // SAFETY: the pointer is to an int, and the length is an int's.
    let answer = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            level,
            option,
            (&raw const value).cast(),
            mem::size_of::<i32>() as libc::socklen_t,
        )
    };
    if answer == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// The file status flags of a descriptor (`F_GETFL`, fcntl(2)).
pub fn status_flags(socket: &socket2::Socket) -> io::Result<i32> {
    Ok(fcntl(socket, FcntlArg::F_GETFL)?)
}

/// Sets the file status flags of a descriptor (`F_SETFL`, fcntl(2)).
pub fn set_status_flags(socket: &socket2::Socket, flags: i32) -> io::Result<i32> {
    Ok(fcntl(socket, FcntlArg::F_SETFL(OFlag::from_bits_retain(flags)))?)
}

/// Whether the file at this path is a socket (unix(7)).
pub fn is_socket_file(path: &std::path::Path) -> bool {
    use std::os::unix::fs::FileTypeExt;
    std::fs::symlink_metadata(path).is_ok_and(|file| file.file_type().is_socket())
}

/// Closes the descriptor; unlike dropping the socket, reports errors.
pub fn close(socket: socket2::Socket) -> io::Result<()> {
    Ok(nix::unistd::close(socket.into_raw_fd())?)
}

/// Closes the descriptor of a socket that another thread may be using; the caller must use it no more.
pub fn close_shared(socket: &socket2::Socket) -> io::Result<()> {
    Ok(nix::unistd::close(socket.as_raw_fd())?)
}

/// Waits until all threads of a child process have ended, without reaping it (waitid(2) with `WNOWAIT`).
pub fn until_ended(process: u32) {
    let _ = ended(process);
}

/// Waits until a child process has ended, without reaping it, and says how it ended (waitid(2)).
pub fn exit_status(process: u32) -> Option<ExitStatus> {
    let info = ended(process).ok()?;
    // SAFETY: it is about a child that has ended.
    let status = unsafe { info.si_status() };
    match info.si_code {
        libc::CLD_EXITED => Some(ExitStatus::Code(status)),
        libc::CLD_KILLED | libc::CLD_DUMPED => {
            let signal = nix::sys::signal::Signal::try_from(status).ok()?;
            Some(ExitStatus::Signal(Cow::Borrowed(signal.as_str())))
        }
        _ => None,
    }
}

fn ended(process: u32) -> nix::Result<libc::siginfo_t> {
    loop {
        // SAFETY: an all-zero siginfo_t is a valid one, and the call writes nothing else.
        let (answer, info) = unsafe {
            let mut info: libc::siginfo_t = mem::zeroed();
            let flags = libc::WEXITED | libc::WNOWAIT;
            (libc::waitid(libc::P_PID, process as libc::id_t, &raw mut info, flags), info)
        };
        match Errno::result(answer) {
            Err(Errno::EINTR) => {}
            answer => return answer.map(|_| info),
        }
    }
}
