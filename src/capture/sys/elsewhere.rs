//! The same functions on systems other than Linux. Most are not available there and return `None` or an error, which views
//! and claims report as such.

use std::borrow::Cow;
use std::io;
use std::net::Ipv4Addr;
#[cfg(not(windows))]
use std::net::SocketAddrV4;
use std::time::Duration;

#[cfg(not(windows))]
use super::TcpEntry;
use super::{Missing, unsupported};
use crate::trace::{Feature, Lack, SetupStep};

/// What this system calls send(3).
pub const SEND: &str = if cfg!(windows) { "send" } else { "sendto" };
/// What this system calls recv(3).
pub const RECV: &str = if cfg!(windows) { "recv" } else { "recvfrom" };
/// What this system calls accept(3).
pub const ACCEPT: &str = "accept";

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

/// A run as other runs of this machine can be compared with it: not known here.
pub fn start(_: u64) -> Option<crate::trace::axis::Start> {
    None
}

/// Nanoseconds of the clock by which the kernel counts the timeouts of sockets: not known here.
pub fn tick_clock_ns() -> Option<u64> {
    None
}

/// Defines functions that this system has no answer for.
macro_rules! unavailable {
    ($($name:ident($($argument:ty),*) -> $answer:ty = $value:expr;)*) => {
        $(pub fn $name($(_: $argument),*) -> $answer { $value })*
    };
}

fn missing<T>(step: SetupStep) -> Result<T, Missing> {
    Err(Missing { step, errno: Cow::Borrowed("unsupported") })
}

unavailable! {
    sysctl(&str) -> Option<u64> = None;
    waits_for_a_lock(u32, u32) -> Option<bool> = None;
    frames_sent(&str) -> Option<u64> = None;
    frames_without_room(&str) -> Option<u64> = None;
    enter_private_network() -> Result<(), Missing> = missing(SetupStep::Unshare);
    raise_interface(&socket2::Socket, &str) -> io::Result<()> = unsupported(Feature::PrivateNetwork);
    open_tap(&str) -> Result<std::fs::File, Missing> = missing(SetupStep::OpenTun);
    set_address(&socket2::Socket, &str, Ipv4Addr) -> io::Result<()> = unsupported(Feature::PrivateNetwork);
    set_mac(&socket2::Socket, &str, [u8; 6]) -> io::Result<()> = unsupported(Feature::PrivateNetwork);
    open_network() -> io::Result<std::fs::File> = unsupported(Feature::PrivateNetwork);
    enter_network(&std::fs::File) -> io::Result<()> = unsupported(Feature::PrivateNetwork);
    cover_file(&str, &str) -> io::Result<()> = unsupported(Feature::PrivateNetwork);
    set_queue(&socket2::Socket, &str, i32) -> io::Result<()> = unsupported(Feature::PrivateNetwork);
    silence_ipv6(&str) -> bool = false;
    privilege_of(&std::path::Path) -> Option<crate::trace::Privilege> = None;
    file_of_command(&str) -> Option<std::path::PathBuf> = None;
    close_inherited_descriptors() -> () = ();
    drop_capabilities() -> io::Result<()> = Ok(());
    pin_to_one_processor() -> Result<Pinned, Lack> = Err(Feature::Affinity.lack());
}

#[cfg(windows)]
unavailable! {
    catch_sigusr1(bool) -> io::Result<()> = unsupported(Feature::Signals);
    times_caught() -> usize = 0;
    send_sigusr1(u32) -> io::Result<()> = unsupported(Feature::Signals);
}

#[cfg(not(windows))]
unavailable! {
    tcp_table(SocketAddrV4, SocketAddrV4) -> io::Result<Option<TcpEntry>> = unsupported(Feature::TcpTable);
}

#[cfg(not(any(windows, target_os = "macos")))]
unavailable! {
    tcp_info(&socket2::Socket) -> io::Result<Option<super::TcpInfo>> = Ok(None);
    cpu_time_of_thread(u32) -> Option<Duration> = None;
    cpu_time_of_process(u32) -> Option<Duration> = None;
    memory(u32) -> Option<u64> = None;
}

#[cfg(not(target_os = "macos"))]
unavailable! {
    is_asleep(u32, u32) -> Option<bool> = None;
}

pub fn wait_readable<A, B>(_: &[A], _: &B, _: Option<Duration>) -> io::Result<bool> {
    unsupported(Feature::PrivateNetwork)
}

#[derive(Debug)]
pub struct Pinned;

/// A thread to look at: [`Probe::open`] finds none.
#[cfg(not(target_os = "macos"))]
#[derive(Debug)]
pub struct Probe;

#[cfg(not(target_os = "macos"))]
impl Probe {
    pub fn open(_: u32, _: u32) -> Option<Probe> {
        None
    }

    pub fn look(&mut self) -> crate::trace::Sample {
        crate::trace::Sample::default()
    }
}
