//! What a system that is not Linux can answer. `None` and [`Missing`] are honest answers: views and claims say so.

use std::borrow::Cow;
use std::io;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use super::{Missing, TcpEntry, TcpInfo};
use crate::i18n::tr;
use crate::trace::{Lack, Step};

/// What this system calls send(3).
pub const SEND: &str = if cfg!(windows) { "send" } else { "sendto" };
/// What this system calls recv(3).
pub const RECV: &str = if cfg!(windows) { "recv" } else { "recvfrom" };
/// What this system calls accept(3).
pub const ACCEPT: &str = "accept";
/// `O_NONBLOCK`, as a status flag.
pub const O_NONBLOCK: i32 = 1;

/// The system's name and machine.
#[must_use]
pub fn name() -> String {
    format!("{} {}", std::env::consts::OS, std::env::consts::ARCH)
}

/// Nanoseconds since this process first asked.
#[must_use]
pub fn monotonic_ns() -> u64 {
    static START: OnceLock<Instant> = OnceLock::new();
    u64::try_from(START.get_or_init(Instant::now).elapsed().as_nanos()).unwrap_or(u64::MAX)
}

/// Nanoseconds of the clock by which the kernel counts the timeouts of sockets: not known here.
#[must_use]
pub fn tick_clock_ns() -> Option<u64> {
    None
}

/// A number for the calling thread, counted from 1 (the system's own is not asked).
#[must_use]
pub fn thread_id() -> u32 {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(1);
    thread_local!(static ID: u32 = NEXT.fetch_add(1, Ordering::Relaxed));
    ID.with(|id| *id)
}

/// The name of an error number.
#[must_use]
#[cfg(unix)]
pub fn errno_name(code: i32) -> Cow<'static, str> {
    match nix::errno::Errno::from_raw(code) {
        nix::errno::Errno::UnknownErrno => Cow::Owned(format!("errno {code}")),
        known => Cow::Owned(format!("{known:?}")),
    }
}

/// The name of an error number: on Windows the WSA number itself, after its kind.
#[must_use]
#[cfg(not(unix))]
pub fn errno_name(code: i32) -> Cow<'static, str> {
    Cow::Owned(format!("{:?} ({code})", io::Error::from_raw_os_error(code).kind()))
}

/// True if the error means that this machine lacks memory; more is not known here.
#[must_use]
pub fn is_shortage(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::OutOfMemory
}

/// True if the error means that the family is not to be had.
#[must_use]
pub fn is_family_missing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::AddrNotAvailable | io::ErrorKind::Unsupported)
}

/// Not to be had here.
#[must_use]
pub fn sysctl(_: &str) -> Option<u64> {
    None
}

/// Not to be had here.
///
/// # Errors
/// Never.
pub fn tcp_info(_: &socket2::Socket) -> io::Result<Option<TcpInfo>> {
    Ok(None)
}

/// Whether the socket is non-blocking, as [`O_NONBLOCK`] or 0.
///
/// # Errors
/// What the system answers.
pub fn status_flags(socket: &socket2::Socket) -> io::Result<i32> {
    #[cfg(unix)]
    return Ok(if socket.nonblocking()? { O_NONBLOCK } else { 0 });
    #[cfg(not(unix))]
    {
        let _ = socket;
        Ok(0)
    }
}

/// Makes the socket non-blocking, or blocking.
///
/// # Errors
/// What the system answers.
pub fn set_status_flags(socket: &socket2::Socket, flags: i32) -> io::Result<i32> {
    socket.set_nonblocking(flags & O_NONBLOCK != 0).map(|()| 0)
}

/// Closes the descriptor.
///
/// # Errors
/// Never: what the system answers is not told here.
pub fn close(socket: socket2::Socket) -> io::Result<()> {
    drop(socket);
    Ok(())
}

/// Not to be had here.
#[must_use]
pub fn is_asleep(_: u32, _: u32) -> Option<bool> {
    None
}

/// Not to be had here.
#[must_use]
pub fn frames_sent(_: &str) -> Option<u64> {
    None
}

/// Not to be had here.
///
/// # Errors
/// Always.
pub fn tcp_table(
    _: std::net::SocketAddrV4,
    _: std::net::SocketAddrV4,
) -> io::Result<Option<TcpEntry>> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Not to be had here.
///
/// # Errors
/// Always: only Linux has network namespaces.
pub fn enter_private_network() -> Result<(), Missing> {
    Err(Missing { step: Step::Unshare, errno: Cow::Borrowed("ENOSYS") })
}

/// Not to be had here.
///
/// # Errors
/// Always.
pub fn raise_interface(_: &socket2::Socket, _: &str) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Not to be had here.
///
/// # Errors
/// Always: this program knows only Linux's TAP devices.
pub fn open_tap(_: &str) -> Result<std::fs::File, Missing> {
    Err(Missing { step: Step::OpenTun, errno: Cow::Borrowed("ENOSYS") })
}

/// Not to be had here.
///
/// # Errors
/// Always.
pub fn set_address(_: &socket2::Socket, _: &str, _: std::net::Ipv4Addr) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Not to be had here.
///
/// # Errors
/// Always.
pub fn set_queue(_: &socket2::Socket, _: &str, _: i32) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Not to be had here.
#[must_use]
pub fn frames_without_room(_: &str) -> Option<u64> {
    None
}

/// Not to be had here.
#[must_use]
pub fn silence_ipv6(_: &str) -> bool {
    false
}

/// Not to be had here.
///
/// # Errors
/// Always.
pub fn wait_readable<A, B>(
    _: &A,
    _: &B,
    _: Option<std::time::Duration>,
) -> io::Result<(bool, bool)> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Left open here.
pub fn close_inherited_descriptors() {}

/// Nothing to give up here.
///
/// # Errors
/// Never.
pub fn drop_capabilities() -> io::Result<()> {
    Ok(())
}

/// Nobody to look at here.
#[derive(Debug)]
pub struct Probe;

impl Probe {
    /// Not to be had here.
    #[must_use]
    pub fn open(_: u32, _: u32) -> Option<Probe> {
        None
    }

    /// Says nothing.
    pub fn look(&mut self) -> crate::trace::Sample {
        crate::trace::Sample::default()
    }
}

/// Not to be had here.
#[must_use]
pub fn cpu_time() -> Option<Duration> {
    None
}

/// Not to be had here.
#[must_use]
pub fn cpu_time_of_thread(_: u32) -> Option<Duration> {
    None
}

/// Not to be had here.
#[must_use]
pub fn cpu_time_of_process(_: u32) -> Option<Duration> {
    None
}

/// Not to be had here.
#[must_use]
pub fn memory(_: u32) -> Option<u64> {
    None
}

/// Not to be known here.
#[must_use]
pub fn waits_for_a_lock(_: u32, _: u32) -> bool {
    false
}

/// Nothing to wait for here: that its output was closed has to do.
pub fn until_ended(_: u32) {}

/// The calling thread's processors, to be given back to it when this is dropped.
#[derive(Debug)]
pub struct Pinned;

/// Not to be had here.
///
/// # Errors
/// Always.
pub fn pin_to_one_processor() -> Result<Pinned, Lack> {
    let (call, errno) = (Cow::Borrowed("sched_setaffinity"), Cow::Borrowed("ENOSYS"));
    Err(Lack::OneProcessor { call, errno })
}

/// An epoll instance, which only Linux has.
#[derive(Debug)]
pub struct Epoll;

impl Epoll {
    /// Not to be had here.
    ///
    /// # Errors
    /// Always.
    pub fn new() -> io::Result<Epoll> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// There is none.
    #[must_use]
    pub fn descriptor(&self) -> i64 {
        -1
    }

    /// Not to be had here.
    ///
    /// # Errors
    /// Always.
    pub fn add(&self, _: &socket2::Socket, _: i16) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Not to be had here.
    ///
    /// # Errors
    /// Always.
    pub fn modify(&self, _: &socket2::Socket, _: i16) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Not to be had here.
    ///
    /// # Errors
    /// Always.
    pub fn remove(&self, _: &socket2::Socket) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Not to be had here.
    ///
    /// # Errors
    /// Always.
    pub fn wait(&self, _: usize, _: Option<Duration>) -> io::Result<Vec<(i64, i16)>> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// select, poll and the limit of descriptors, where the system is no Unix at all.
#[cfg(not(unix))]
mod not_unix {
    use std::io;
    use std::time::Duration;

    /// Its name, which nobody asks.
    pub const SELECT: &str = "select";
    /// Its name, which nobody asks.
    pub const POLL: &str = "poll";
    /// Its name, which nobody asks.
    pub const EPOLL_WAIT: &str = "epoll_wait";
    /// Something is there to be read.
    pub const READABLE: i16 = 1;
    /// Something can be written.
    pub const WRITABLE: i16 = 4;
    /// An error waits on it.
    pub const ERROR: i16 = 8;
    /// The other end is gone.
    pub const HANG_UP: i16 = 16;

    /// A time span in milliseconds, rounded up; -1 for ever.
    #[must_use]
    pub fn milliseconds(timeout: Option<Duration>) -> i32 {
        timeout.map_or(-1, |span| {
            i32::try_from(span.as_nanos().div_ceil(1_000_000)).unwrap_or(i32::MAX)
        })
    }

    /// A time span in microseconds, rounded up.
    #[must_use]
    pub fn microseconds(timeout: Duration) -> i64 {
        i64::try_from(timeout.as_nanos().div_ceil(1_000)).unwrap_or(i64::MAX)
    }

    /// Not to be had here.
    ///
    /// # Errors
    /// Always.
    pub fn select(_: &mut Vec<i32>, _: &mut Vec<i32>, _: Option<Duration>) -> io::Result<usize> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Not to be had here.
    ///
    /// # Errors
    /// Always.
    pub fn poll(_: &[(&socket2::Socket, i16)], _: Option<Duration>) -> io::Result<Vec<i16>> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Not to be had here.
    #[must_use]
    pub fn raise_descriptor_limit() -> Option<(u64, u64)> {
        None
    }
}

#[cfg(not(unix))]
pub use not_unix::*;
