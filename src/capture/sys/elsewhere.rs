//! The same functions on systems other than Linux. Most are not available there and return `None` or an error, which views
//! and claims report as such.

use std::borrow::Cow;
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use super::{Missing, TcpEntry, TcpInfo};
use crate::trace::{Lack, SetupStep};

/// What this system calls send(3).
pub const SEND: &str = if cfg!(windows) { "send" } else { "sendto" };
/// What this system calls recv(3).
pub const RECV: &str = if cfg!(windows) { "recv" } else { "recvfrom" };
/// What this system calls accept(3).
pub const ACCEPT: &str = "accept";
/// `O_NONBLOCK`, as a status flag.
pub const O_NONBLOCK: i32 = 1;

/// Whether this process may run the file: not asked where no program is traced.
pub fn may_execute(_: &std::path::Path) -> bool {
    false
}

/// The processes that this one has started: not known here.
pub fn descendants(_: u32) -> Vec<super::Descendant> {
    Vec::new()
}

/// Where processes listen: not known here.
pub fn listeners(_: &[u32]) -> Vec<super::Listener> {
    Vec::new()
}

/// The threads of a process: not known here.
pub fn threads_of(_: u32) -> Vec<u32> {
    Vec::new()
}

/// How many descriptors of a process are sockets: not known here.
pub fn sockets_of(_: u32) -> Option<usize> {
    None
}

/// Whether a process is there: not known here.
pub fn is_running(_: u32) -> bool {
    false
}

/// The system's name and machine.
pub fn name() -> String {
    format!("{} {}", std::env::consts::OS, std::env::consts::ARCH)
}

/// Nanoseconds since this process first asked.
pub fn monotonic_ns() -> u64 {
    static START: OnceLock<Instant> = OnceLock::new();
    u64::try_from(START.get_or_init(Instant::now).elapsed().as_nanos()).unwrap_or(u64::MAX)
}

/// A run as other runs of this machine can be compared with it: not known here.
pub fn start(_: u64) -> Option<crate::trace::axis::Start> {
    None
}

/// Nanoseconds of the clock by which the kernel counts the timeouts of sockets: not known here.
pub fn tick_clock_ns() -> Option<u64> {
    None
}

/// A number for the calling thread, counted from 1 (the system's own is not asked).
pub fn thread_id() -> u32 {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(1);
    thread_local!(static ID: u32 = NEXT.fetch_add(1, Ordering::Relaxed));
    ID.with(|id| *id)
}

/// The name of an error number.
#[cfg(unix)]
pub fn errno_name(code: i32) -> Cow<'static, str> {
    match nix::errno::Errno::from_raw(code) {
        nix::errno::Errno::UnknownErrno => Cow::Owned(format!("errno {code}")),
        known => Cow::Owned(format!("{known:?}")),
    }
}

/// The name of an error number: on Windows the WSA number itself, after its kind.
#[cfg(not(unix))]
pub fn errno_name(code: i32) -> Cow<'static, str> {
    Cow::Owned(format!("{:?} ({code})", io::Error::from_raw_os_error(code).kind()))
}

/// True if the error means that this machine lacks memory; other shortages are not told apart here.
pub fn is_shortage(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::OutOfMemory
}

/// True if the error means that the address family is missing.
pub fn is_family_missing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::AddrNotAvailable | io::ErrorKind::Unsupported)
}

pub fn tcp_info(_: &socket2::Socket) -> io::Result<Option<TcpInfo>> {
    Ok(None)
}

/// [`O_NONBLOCK`] if the socket is non-blocking, else 0.
pub fn status_flags(socket: &socket2::Socket) -> io::Result<i32> {
    #[cfg(unix)]
    return Ok(if socket.nonblocking()? { O_NONBLOCK } else { 0 });
    #[cfg(not(unix))]
    {
        let _ = socket;
        Ok(0)
    }
}

pub fn set_status_flags(socket: &socket2::Socket, flags: i32) -> io::Result<i32> {
    socket.set_nonblocking(flags & O_NONBLOCK != 0).map(|()| 0)
}

/// Closes the descriptor; errors of close(2) are lost here.
pub fn close(socket: socket2::Socket) -> io::Result<()> {
    drop(socket);
    Ok(())
}

/// Closes the descriptor of a socket that another thread may be using; what that does to its call differs from system to system.
pub fn close_shared(_: &socket2::Socket) -> io::Result<()> {
    unsupported()
}

/// Defines functions that this system has no answer for.
macro_rules! unavailable {
    ($($name:ident($($argument:ty),*) -> $answer:ty = $value:expr;)*) => {
        $(pub fn $name($(_: $argument),*) -> $answer { $value })*
    };
}

fn unsupported<T>() -> io::Result<T> {
    Err(io::ErrorKind::Unsupported.into())
}

fn missing<T>(step: SetupStep) -> Result<T, Missing> {
    Err(Missing { step, errno: Cow::Borrowed("ENOSYS") })
}

unavailable! {
    sysctl(&str) -> Option<u64> = None;
    is_asleep(u32, u32) -> Option<bool> = None;
    waits_for_a_lock(u32, u32) -> bool = false;
    until_ended(u32) -> () = ();
    frames_sent(&str) -> Option<u64> = None;
    frames_without_room(&str) -> Option<u64> = None;
    tcp_table(SocketAddrV4, SocketAddrV4) -> io::Result<Option<TcpEntry>> = unsupported();
    enter_private_network() -> Result<(), Missing> = missing(SetupStep::Unshare);
    raise_interface(&socket2::Socket, &str) -> io::Result<()> = unsupported();
    open_tap(&str) -> Result<std::fs::File, Missing> = missing(SetupStep::OpenTun);
    set_address(&socket2::Socket, &str, Ipv4Addr) -> io::Result<()> = unsupported();
    set_mac(&socket2::Socket, &str, [u8; 6]) -> io::Result<()> = unsupported();
    open_network() -> io::Result<std::fs::File> = unsupported();
    enter_network(&std::fs::File) -> io::Result<()> = unsupported();
    cover_file(&str, &str) -> io::Result<()> = unsupported();
    set_queue(&socket2::Socket, &str, i32) -> io::Result<()> = unsupported();
    silence_ipv6(&str) -> bool = false;
    privilege_of(&std::path::Path) -> Option<crate::trace::Privilege> = None;
    file_of_command(&str) -> Option<std::path::PathBuf> = None;
    close_inherited_descriptors() -> () = ();
    drop_capabilities() -> io::Result<()> = Ok(());
    catch_sigusr1(bool) -> io::Result<()> = unsupported();
    times_caught() -> usize = 0;
    send_sigusr1(u32) -> io::Result<()> = unsupported();
    cpu_time() -> Option<Duration> = None;
    cpu_time_of_thread(u32) -> Option<Duration> = None;
    cpu_time_of_process(u32) -> Option<Duration> = None;
    memory(u32) -> Option<u64> = None;
    pin_to_one_processor() -> Result<Pinned, Lack> = Err(Lack::OneProcessor {
        call: Cow::Borrowed("sched_setaffinity"),
        errno: Cow::Borrowed("ENOSYS"),
    });
}

pub fn wait_readable<A, B>(_: &[A], _: &B, _: Option<Duration>) -> io::Result<bool> {
    unsupported()
}

#[derive(Debug)]
pub struct Pinned;

/// A thread to look at: [`Probe::open`] finds none.
#[derive(Debug)]
pub struct Probe;

impl Probe {
    pub fn open(_: u32, _: u32) -> Option<Probe> {
        None
    }

    pub fn look(&mut self) -> crate::trace::Sample {
        crate::trace::Sample::default()
    }
}

/// An epoll instance, which only Linux has: [`Epoll::new`] fails.
#[derive(Debug)]
pub struct Epoll;

impl Epoll {
    pub fn new() -> io::Result<Epoll> {
        unsupported()
    }

    pub fn descriptor(&self) -> i64 {
        -1
    }

    pub fn add(&self, _: &socket2::Socket, _: i16) -> io::Result<()> {
        unsupported()
    }

    pub fn add_edge_triggered(&self, _: &socket2::Socket, _: i16) -> io::Result<()> {
        unsupported()
    }

    pub fn modify(&self, _: &socket2::Socket, _: i16) -> io::Result<()> {
        unsupported()
    }

    pub fn remove(&self, _: &socket2::Socket) -> io::Result<()> {
        unsupported()
    }

    pub fn wait(&self, _: usize, _: Option<Duration>) -> io::Result<Vec<(i64, i16)>> {
        unsupported()
    }
}

/// What `ready` has on Unix: select, poll and the descriptor limit.
#[cfg(not(unix))]
mod not_unix {
    use super::*;

    pub const SELECT: &str = "select";
    pub const POLL: &str = "poll";
    pub const EPOLL_WAIT: &str = "epoll_wait";
    pub const READABLE: i16 = 1;
    pub const WRITABLE: i16 = 4;
    pub const ERROR: i16 = 8;
    pub const HANG_UP: i16 = 16;

    /// A time span in milliseconds, rounded up; -1 for no limit.
    pub fn milliseconds(timeout: Option<Duration>) -> i32 {
        timeout.map_or(-1, |span| {
            i32::try_from(span.as_nanos().div_ceil(1_000_000)).unwrap_or(i32::MAX)
        })
    }

    /// A time span in microseconds, rounded up.
    pub fn microseconds(timeout: Duration) -> i64 {
        i64::try_from(timeout.as_nanos().div_ceil(1_000)).unwrap_or(i64::MAX)
    }

    unavailable! {
        select(&mut Vec<i32>, &mut Vec<i32>, Option<Duration>) -> io::Result<usize> = unsupported();
        poll(&[(&socket2::Socket, i16)], Option<Duration>) -> io::Result<Vec<i16>> = unsupported();
        raise_descriptor_limit() -> Option<(u64, u64)> = None;
        limit_descriptors(u64) -> io::Result<()> = unsupported();
    }
}

#[cfg(not(unix))]
pub use not_unix::*;
