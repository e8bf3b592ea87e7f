//! System calls and /proc: the same functions for every system. `linux` implements all of them; `elsewhere` returns `None` or an
//! error for those that the system lacks.

use std::borrow::Cow;
use std::io;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::errno;
use crate::trace::{Feature, Lack, Need, SetupStep, SocketId};

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
pub use linux::*;

#[cfg(target_os = "linux")]
mod network;
#[cfg(target_os = "linux")]
pub use network::*;

#[cfg(unix)]
mod caught;
#[cfg(unix)]
pub use caught::*;

#[cfg(target_os = "linux")]
mod task;
#[cfg(target_os = "linux")]
pub use task::*;

mod memory;
pub use memory::*;

#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
pub mod ptrace;

#[cfg(target_os = "linux")]
mod unix_peer;
#[cfg(target_os = "linux")]
pub use unix_peer::*;

#[cfg(target_os = "linux")]
mod listeners;
#[cfg(target_os = "linux")]
pub use listeners::*;

#[cfg(target_os = "linux")]
mod privileges;
#[cfg(target_os = "linux")]
pub use privileges::*;

#[cfg(unix)]
mod unix;
#[cfg(unix)]
pub use unix::*;

#[cfg(unix)]
mod ready;
#[cfg(unix)]
pub use ready::*;

#[cfg(target_os = "linux")]
mod epoll;
#[cfg(target_os = "linux")]
pub use epoll::*;

#[cfg(any(target_os = "macos", target_os = "freebsd"))]
mod kqueue;
#[cfg(any(target_os = "macos", target_os = "freebsd"))]
pub use kqueue::*;

#[cfg(not(any(target_os = "linux", target_os = "macos", target_os = "freebsd")))]
mod no_epoll;
#[cfg(not(any(target_os = "linux", target_os = "macos", target_os = "freebsd")))]
pub use no_epoll::*;

#[cfg(unix)]
mod input;
#[cfg(unix)]
pub use input::*;

#[cfg(target_os = "macos")]
mod darwin;
#[cfg(target_os = "macos")]
pub use darwin::*;

#[cfg(any(target_os = "macos", test))]
mod darwin_answers;

#[cfg(windows)]
mod windows;
#[cfg(windows)]
pub use windows::*;

#[cfg(windows)]
mod windows_tcp;
#[cfg(windows)]
pub use windows_tcp::*;

#[cfg(windows)]
mod winsock;
#[cfg(windows)]
pub use winsock::*;

#[cfg(windows)]
mod windows_input;
#[cfg(windows)]
pub use windows_input::*;

#[cfg(not(target_os = "linux"))]
mod elsewhere;
#[cfg(not(target_os = "linux"))]
pub use elsewhere::*;

/// The names of poll(2) for these bits; those of epoll(7) are the same with an E before them.
pub fn poll_events(bits: i16) -> String {
    let names =
        [(READABLE, "POLLIN"), (WRITABLE, "POLLOUT"), (ERROR, "POLLERR"), (HANG_UP, "POLLHUP")];
    let known = names.iter().filter(|(bit, _)| bits & bit != 0);
    let known = known.map(|(_, name)| *name).collect::<Vec<_>>().join("|");
    if known.is_empty() { format!("{bits:#x}") } else { known }
}

/// A time span in milliseconds as poll(2), epoll_wait(2) and WSAPoll take it: rounded up, so that no wait is shorter than asked; -1 for no limit.
pub fn milliseconds(timeout: Option<Duration>) -> i32 {
    timeout
        .map_or(-1, |span| i32::try_from(span.as_nanos().div_ceil(1_000_000)).unwrap_or(i32::MAX))
}

/// A time span in microseconds as select(2) takes it: rounded up.
pub fn microseconds(timeout: Duration) -> i64 {
    i64::try_from(timeout.as_nanos().div_ceil(1_000)).unwrap_or(i64::MAX)
}

/// TCP_INFO of a connection (tcp(7)). Times are in microseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TcpInfo {
    /// The state of RFC 9293, section 3.3.2, in the kernel's spelling: `ESTABLISHED`, `CLOSE_WAIT`.
    pub state: &'static str,
    /// Smoothed round-trip time, where it is known.
    pub rtt_us: Option<u32>,
    /// Retransmission timeout (RFC 6298), where the system tells it.
    pub rto_us: Option<u32>,
    /// Segments retransmitted so far, where the system counts them.
    pub total_retrans: Option<u32>,
    /// Largest segment that this end sends, in bytes.
    pub snd_mss: u32,
    /// Segments sent and not acknowledged, where the system counts them.
    pub unacked: Option<u32>,
}

/// One end of a TCP connection in the kernel's table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TcpEntry {
    /// Its state, spelled as in [`TcpInfo::state`].
    pub state: &'static str,
    /// Time until its timer fires, zero without one; in TIME_WAIT, until the entry is deleted. `None` where the system does not tell.
    pub left: Option<Duration>,
}

impl From<&TcpInfo> for crate::trace::TcpInfo {
    fn from(info: &TcpInfo) -> crate::trace::TcpInfo {
        crate::trace::TcpInfo {
            state: info.state.into(),
            rtt_us: info.rtt_us,
            rto_us: info.rto_us,
            total_retrans: info.total_retrans,
            snd_mss: Some(info.snd_mss),
        }
    }
}

/// The name of a TCP state by its number (Linux `include/net/tcp_states.h`).
pub fn tcp_state_name(number: u8) -> &'static str {
    const NAMES: [&str; 13] = [
        "UNKNOWN",
        "ESTABLISHED",
        "SYN_SENT",
        "SYN_RECV",
        "FIN_WAIT1",
        "FIN_WAIT2",
        "TIME_WAIT",
        "CLOSE",
        "CLOSE_WAIT",
        "LAST_ACK",
        "LISTEN",
        "CLOSING",
        "NEW_SYN_RECV",
    ];
    NAMES.get(usize::from(number)).copied().unwrap_or("UNKNOWN")
}

/// Why there is no private network, or no link in it: the step that failed, and its error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    pub step: SetupStep,
    /// The error's name: `EPERM`.
    pub errno: Cow<'static, str>,
}

impl Missing {
    pub fn lack(self, need: Need) -> Lack {
        Lack::Network { need, step: self.step, errno: self.errno }
    }
}

/// Polls until there is an answer. For facts in /proc (a thread sleeps, a connection changes state), of which the kernel sends
/// no notification.
pub fn look_until<T>(mut look: impl FnMut() -> Option<T>) -> T {
    loop {
        if let Some(answer) = look() {
            return answer;
        }
        std::thread::sleep(Duration::from_micros(200));
    }
}

/// Whether this is Wine, and not Windows.
#[cfg(not(windows))]
pub fn is_wine() -> bool {
    false
}

/// The signal that ended a process, if one did.
pub fn signal_of(status: std::process::ExitStatus) -> Option<i32> {
    #[cfg(unix)]
    return std::os::unix::process::ExitStatusExt::signal(&status);
    #[cfg(not(unix))]
    {
        let _ = status;
        None
    }
}

/// Whether the system killed a process for a call that it forbids (`SIGSYS`, seccomp(2)).
pub fn was_forbidden(status: std::process::ExitStatus) -> bool {
    #[cfg(target_os = "linux")]
    return signal_of(status) == Some(nix::libc::SIGSYS);
    #[cfg(not(target_os = "linux"))]
    {
        let _ = status;
        false
    }
}

/// Whether programs are traced on this system.
pub const CAN_TRACE: bool =
    cfg!(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")));

/// Whether this system has what not every one has.
pub const fn has(feature: Feature) -> bool {
    if cfg!(target_os = "linux") {
        return true; // but for what the processor decides
    }
    match feature {
        Feature::FileTypes
        | Feature::FilePermissions
        | Feature::CloseOnExec
        | Feature::DescriptorLimit
        | Feature::Signals
        | Feature::Mode => cfg!(unix),
        Feature::Refusals => true,
        Feature::Epoll => HAS_EPOLL,
        Feature::LoopbackRange | Feature::Protocol | Feature::TcpTable => cfg!(windows),
        Feature::TcpInfo => cfg!(any(windows, target_os = "macos")),
        Feature::ThreadStates => cfg!(target_os = "macos"),
        _ => false,
    }
}

/// A listening socket: its number, and its address if that is one of IPv4 or IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listener {
    pub inode: u64,
    pub at: Option<std::net::SocketAddr>,
}

/// A process that another has started, or one of its.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Descendant {
    /// Its number.
    pub process: u32,
    /// The name of its program.
    pub name: String,
    /// The state of its first thread, as /proc has it: `S`.
    pub state: char,
}

impl Descendant {
    /// It has ended, and nobody has collected it.
    pub fn is_zombie(&self) -> bool {
        self.state == 'Z'
    }

    /// It has ended, or waits for something that is no processor.
    pub fn is_asleep(&self) -> bool {
        matches!(self.state, 'S' | 'D' | 'Z')
    }
}

/// Asks a process to end: SIGTERM (kill(2)).
pub fn terminate(process: u32) -> io::Result<()> {
    send_signal(process, "SIGTERM")
}

/// Kills a process: SIGKILL (kill(2)), on Windows TerminateProcess.
pub fn kill(process: u32) -> io::Result<()> {
    #[cfg(not(windows))]
    return send_signal(process, "SIGKILL");
    #[cfg(windows)]
    windows::end_process(process)
}

fn send_signal(process: u32, signal: &str) -> io::Result<()> {
    #[cfg(unix)]
    {
        let process = i32::try_from(process).map_err(io::Error::other)?;
        let signal: nix::sys::signal::Signal = signal.parse()?;
        Ok(nix::sys::signal::kill(nix::unistd::Pid::from_raw(process), signal)?)
    }
    #[cfg(not(unix))]
    {
        let _ = (process, signal);
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// Gives SIGPIPE its default effect again: it ends the process (signal(7)).
pub fn default_sigpipe() -> io::Result<()> {
    #[cfg(unix)]
    {
        use nix::sys::signal::{SigHandler, Signal, signal};
        // SAFETY: the default effect runs no code of ours.
        unsafe { signal(Signal::SIGPIPE, SigHandler::SigDfl) }?;
        Ok(())
    }
    #[cfg(not(unix))]
    unsupported(Feature::Signals)
}

/// The socket of this descriptor, which others use too: it must not be dropped.
pub fn socket_of(descriptor: i64) -> io::Result<socket2::Socket> {
    #[cfg(unix)]
    {
        let descriptor = i32::try_from(descriptor).map_err(io::Error::other)?;
        // SAFETY: the caller does not drop it, so nothing is closed that is not its own.
        Ok(unsafe { std::os::fd::FromRawFd::from_raw_fd(descriptor) })
    }
    #[cfg(not(unix))]
    {
        let _ = descriptor;
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// A number that is unique to this socket in its run.
pub fn socket_id(socket: &socket2::Socket) -> SocketId {
    #[cfg(target_os = "linux")]
    if let Ok(status) = nix::sys::stat::fstat(socket) {
        return SocketId(status.st_ino);
    }
    // Other systems have no such number, and a descriptor is reused after close.
    static NEXT: AtomicU32 = AtomicU32::new(1);
    #[cfg(not(target_os = "linux"))]
    let _ = socket;
    SocketId::within(std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// The error of a call that this system does not have.
#[derive(Debug, thiserror::Error)]
#[error("unsupported")]
struct Unsupported(Feature);

/// An error that says which feature this system does not have.
pub fn unsupported<T>(feature: Feature) -> io::Result<T> {
    Err(io::Error::new(io::ErrorKind::Unsupported, Unsupported(feature)))
}

/// The feature for want of which a call was not made, if that is the error.
pub fn feature_of(error: &io::Error) -> Option<Feature> {
    error.get_ref()?.downcast_ref::<Unsupported>().map(|unsupported| unsupported.0)
}

/// Whether the error means that the system does not know what a call asked for: a family, a type, an option.
pub fn is_unsupported(error: &io::Error) -> bool {
    const NAMES: [&str; 6] =
        ["AFNOSUPPORT", "PFNOSUPPORT", "PROTONOSUPPORT", "SOCKTNOSUPPORT", "NOPROTOOPT", "NOSYS"];
    let name = error_name(error);
    let name = name.strip_prefix("WSAE").or_else(|| name.strip_prefix('E'));
    name.is_some_and(|name| NAMES.contains(&name))
        || (error.raw_os_error().is_none() && error.kind() == io::ErrorKind::Unsupported)
}

/// The name of an error, or its text if it is not the system's.
pub fn error_name(error: &io::Error) -> Cow<'static, str> {
    match error.raw_os_error() {
        Some(code) => errno::name(code),
        None => Cow::Owned(error.to_string()),
    }
}
