//! Linux: TCP_INFO, /proc, namespaces, capabilities. Most of the program's `unsafe` is here.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::mem::{self, MaybeUninit};
use std::net::{IpAddr, SocketAddr, SocketAddrV4};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::MetadataExt;
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::time::TimeSpec;
use nix::time::ClockId;

use super::{Descendant, TcpEntry, TcpInfo, tcp_state_name};
use crate::trace::Address;
use crate::trace::axis::{Namespaces, Start};

/// The system call behind send(3) without flags or address.
pub const SEND: &str = "sendto";
/// The system call behind recv(3).
pub const RECV: &str = "recvfrom";
/// The system call behind accept(3) as socket2 calls it.
pub const ACCEPT: &str = "accept4";

/// A run that began at this time of [`monotonic_ns`], as other runs of this machine can be compared with it.
pub fn start(monotonic_ns: u64) -> Option<Start> {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?.trim().to_owned();
    let number = |name| Some(fs::metadata(format!("/proc/self/ns/{name}")).ok()?.ino());
    let namespaces = Namespaces { net: number("net")?, pid: number("pid")?, time: number("time")? };
    Some(Start { boot, namespaces, monotonic_ns })
}

/// Nanoseconds of the clock of ticks, by which the kernel counts the timeouts of sockets: `CLOCK_MONOTONIC_COARSE`, which is
/// `CLOCK_MONOTONIC` as of the last tick (clock_gettime(2)).
pub fn tick_clock_ns() -> Option<u64> {
    super::unix::clock_ns(ClockId::CLOCK_MONOTONIC_COARSE)
}

/// A socket's TCP_INFO (tcp(7)); `None` if the kernel's answer is too short to hold the state. `EOPNOTSUPP` for a socket that
/// is not TCP.
pub fn tcp_info(socket: &socket2::Socket) -> io::Result<Option<TcpInfo>> {
    let mut info = MaybeUninit::<libc::tcp_info>::zeroed();
    let mut length = mem::size_of::<libc::tcp_info>() as libc::socklen_t;
    // SAFETY: the pointer is to `length` writable bytes, and an all-zero tcp_info is a valid one.
    let info = unsafe {
        if libc::getsockopt(
            socket.as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_INFO,
            info.as_mut_ptr().cast(),
            &raw mut length,
        ) != 0
        {
            return Err(io::Error::last_os_error());
        }
        info.assume_init()
    };
    Ok((length >= 1).then(|| TcpInfo {
        state: tcp_state_name(info.tcpi_state),
        rtt_us: Some(info.tcpi_rtt),
        rto_us: Some(info.tcpi_rto),
        total_retrans: Some(info.tcpi_total_retrans),
        snd_mss: info.tcpi_snd_mss,
        unacked: Some(info.tcpi_unacked),
    }))
}

/// Whether a thread is asleep; `None` where /proc cannot be read (proc_pid_stat(5)).
pub fn is_asleep(process: u32, thread: u32) -> Option<bool> {
    let stat = fs::read(format!("/proc/{process}/task/{thread}/stat")).ok()?;
    // A thread's name is cut after 15 bytes, perhaps within a character.
    Some(matches!(super::task::state_of(&String::from_utf8_lossy(&stat))?, 'S' | 'D'))
}

/// Whether a thread is asleep on a lock (futex(2)), which no call on a socket uses; no where /proc does not tell.
pub fn waits_for_a_lock(process: u32, thread: u32) -> Option<bool> {
    let call =
        fs::read_to_string(format!("/proc/{process}/task/{thread}/syscall")).unwrap_or_default();
    let number = call.split_whitespace().next().and_then(|number| number.parse().ok());
    Some(number == Some(libc::SYS_futex))
}

/// The processes that this one has started and that are not collected, and those of theirs.
pub fn descendants(of: u32) -> Vec<Descendant> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let all: Vec<(u32, Descendant)> = numbers.filter_map(parent_and_process).collect();
    let mut known = BTreeSet::from([of]);
    let mut found = Vec::new();
    loop {
        let next = all
            .iter()
            .filter(|(parent, one)| known.contains(parent) && !known.contains(&one.process));
        let next: Vec<Descendant> = next.map(|(_, one)| one.clone()).collect();
        if next.is_empty() {
            return found;
        }
        known.extend(next.iter().map(|one| one.process));
        found.extend(next);
    }
}

/// The threads of a process; none if it has ended.
pub fn threads_of(process: u32) -> Vec<u32> {
    let entries = fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

/// From now on the processes whose parent ends are ours, if we or a child of ours had started them (PR_SET_CHILD_SUBREAPER).
pub fn adopt_orphans() {
    // SAFETY: sets a flag of this process.
    unsafe { libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) };
}

/// Whether a process is there and has not ended.
pub fn is_running(process: u32) -> bool {
    parent_and_process(process).is_some_and(|(_, one)| !one.is_zombie())
}

/// How many descriptors of a process are sockets, its standard input, output and error excepted; `None` where it may not be
/// asked: a program that root runs has rights that an experiment has not.
pub fn sockets_of(process: u32) -> Option<usize> {
    let descriptors = fs::read_dir(format!("/proc/{process}/fd")).ok()?.flatten();
    let is_own =
        |entry: &fs::DirEntry| !matches!(entry.file_name().to_str(), Some("0" | "1" | "2"));
    let links = descriptors.filter(is_own).filter_map(|entry| fs::read_link(entry.path()).ok());
    Some(links.filter(|link| link.to_string_lossy().starts_with("socket:")).count())
}

fn parent_and_process(process: u32) -> Option<(u32, Descendant)> {
    let stat = fs::read(format!("/proc/{process}/stat")).ok()?;
    let stat = String::from_utf8_lossy(&stat);
    let (name, rest) = stat.rsplit_once(')')?;
    let name = name.split_once('(')?.1.to_owned();
    let mut fields = rest.split_whitespace();
    let (state, parent) = (fields.next()?, fields.next()?.parse().ok()?);
    let state = state.chars().next()?;
    Some((parent, Descendant { process, name, state }))
}

/// Frames that an interface of this network has sent so far (the `tx_packets` column of /proc/net/dev, proc_pid_net(5)).
pub fn frames_sent(interface: &str) -> Option<u64> {
    interface_counter(interface, 9)
}

/// Frames that an interface of this network dropped when its queue was full (the `tx_dropped` column of /proc/net/dev).
pub fn frames_without_room(interface: &str) -> Option<u64> {
    interface_counter(interface, 11)
}

fn interface_counter(interface: &str, column: usize) -> Option<u64> {
    let table = fs::read_to_string("/proc/thread-self/net/dev").ok()?;
    let row = table
        .lines()
        .find_map(|line| line.trim_start().strip_prefix(interface)?.strip_prefix(':'))?;
    row.split_whitespace().nth(column)?.parse().ok()
}

/// The entry with these addresses in this network's table of IPv4 TCP sockets. Connections are in it before accept(2), and after
/// close(2) in TIME_WAIT.
pub fn tcp_table(local: SocketAddrV4, peer: SocketAddrV4) -> io::Result<Option<TcpEntry>> {
    let table = fs::read_to_string("/proc/thread-self/net/tcp")?;
    let ends = [local, peer].map(Address::Inet);
    let found = table.lines().filter_map(table_row).find(|row| row.ends == ends);
    Ok(found.map(|row| TcpEntry { state: row.state, left: Some(row.left) }))
}

/// The kernel's tables of TCP sockets.
pub const TCP_TABLES: &[&str] = &["tcp", "tcp6"];
/// The kernel's tables of UDP sockets.
pub const UDP_TABLES: &[&str] = &["udp", "udp6"];

/// What these tables say of the network of this process.
pub fn table_rows(process: u32, tables: &[&str]) -> Vec<TableRow> {
    let table = |name| {
        let text = fs::read_to_string(format!("/proc/{process}/net/{name}"));
        text.unwrap_or_default().lines().filter_map(table_row).collect::<Vec<_>>()
    };
    tables.iter().flat_map(table).collect()
}

/// An AF_UNIX socket that has an address and no peer, in the kernel's table (proc_pid_net(5)).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnixRow {
    pub listens: bool,
    pub inode: u64,
    /// The path, or after `@` the abstract name.
    pub name: String,
}

/// The AF_UNIX sockets in the network of this process that others can reach by a name.
pub fn unix_rows(process: u32) -> Vec<UnixRow> {
    let text = fs::read_to_string(format!("/proc/{process}/net/unix"));
    text.unwrap_or_default().lines().filter_map(unix_row).collect()
}

/// `0000000000000000: 00000002 00000000 00010000 0001 01 25394 /tmp/door`; `None` for the heading, and for who has a peer: what was
/// accepted has its listener's name.
fn unix_row(line: &str) -> Option<UnixRow> {
    const LISTENS: u32 = 0x1_0000; // __SO_ACCEPTCON
    const STREAM: &str = "0001";
    const CONNECTED: &str = "03";
    let mut rest = line;
    let mut column = || {
        let (one, after) = rest.trim_start().split_once(' ')?;
        rest = after;
        Some(one)
    };
    let [_, _, _, flags, kind, state, inode] = std::array::from_fn(|_| column());
    let listens = u32::from_str_radix(flags?, 16).ok()? & LISTENS != 0;
    let is_reached = (kind?, state?) != (STREAM, CONNECTED);
    let inode = inode?.parse().ok()?;
    is_reached.then(|| UnixRow { listens, inode, name: rest.to_owned() })
}

/// A socket in one of the kernel's tables: /proc/net/tcp and the like (Linux `Documentation/networking/proc_net_tcp.rst`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableRow {
    /// Its own address, and its peer's.
    pub ends: [Address; 2],
    /// Spelled as in `TCP_INFO`.
    pub state: &'static str,
    /// Time until its timer fires, zero without one.
    pub left: Duration,
    /// The user whose it is.
    pub user: u32,
    /// 0 if it is no process's any more.
    pub inode: u64,
}

/// A row; `None` for the heading.
fn table_row(line: &str) -> Option<TableRow> {
    let columns: Vec<&str> = line.split_whitespace().collect();
    let (_, ticks) = columns.get(5)?.split_once(':')?;
    let ticks = u64::from_str_radix(ticks, 16).ok()?;
    Some(TableRow {
        ends: [table_address(columns.get(1)?)?, table_address(columns.get(2)?)?],
        state: tcp_state_name(u8::from_str_radix(columns.get(3)?, 16).ok()?),
        left: Duration::from_millis(ticks.saturating_mul(1000 / USER_HZ)),
        user: columns.get(7)?.parse().ok()?,
        inode: columns.get(9)?.parse().ok()?,
    })
}

/// `0100007F:1F90`: an address as numbers in this machine's byte order, four bytes each, and a port.
fn table_address(text: &str) -> Option<Address> {
    let (ip, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let numbers =
        (0..ip.len()).step_by(8).map(|at| u32::from_str_radix(ip.get(at..at + 8)?, 16).ok());
    let bytes: Vec<u8> =
        numbers.collect::<Option<Vec<_>>>()?.into_iter().flat_map(u32::to_ne_bytes).collect();
    let ip = match <[u8; 4]>::try_from(bytes.as_slice()) {
        Ok(four) => IpAddr::from(four),
        Err(_) => IpAddr::from(<[u8; 16]>::try_from(bytes.as_slice()).ok()?),
    };
    Some(match SocketAddr::new(ip, port) {
        SocketAddr::V4(inet) => Address::Inet(inet),
        SocketAddr::V6(inet6) => Address::Inet6(inet6),
    })
}

/// Ticks a second in what Linux tells programs, on every machine it runs on today (time(7)).
const USER_HZ: u64 = 100;

/// An integer setting of the thread's network, such as `net.ipv4.tcp_syn_retries` (proc_sys_net(5), Linux
/// `Documentation/networking/ip-sysctl.rst`). `None` if this kernel has no such setting, or /proc cannot be read.
pub fn sysctl(name: &str) -> Option<u64> {
    fs::read_to_string(format!("/proc/sys/{}", name.replace('.', "/"))).ok()?.trim().parse().ok()
}

/// Waits until one of these is readable, or the time is over; `None` waits without a limit (ppoll(2)). Returns whether the
/// last is.
pub fn wait_readable(
    many: &[impl AsFd],
    last: &impl AsFd,
    timeout: Option<Duration>,
) -> io::Result<bool> {
    let all = many.iter().map(AsFd::as_fd).chain([last.as_fd()]);
    let mut all: Vec<PollFd> = all.map(|one| PollFd::new(one, PollFlags::POLLIN)).collect();
    match ppoll(&mut all, timeout.map(TimeSpec::from_duration), None) {
        Ok(_) => Ok(all.last().and_then(PollFd::any).unwrap_or(true)),
        Err(Errno::EINTR) => Ok(false),
        Err(errno) => Err(errno.into()),
    }
}

/// Closes inherited descriptors other than the standard streams (close_range(2), since Linux 5.9), so that an experiment's
/// descriptors have the same small numbers in every run. Call before the process opens anything.
pub fn close_inherited_descriptors() {
    // SAFETY: nobody in this process owns a descriptor from 3 on yet.
    let _ = unsafe { libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, 0) };
}

/// Drops every capability (capabilities(7)), so that a root shell meets the same file permissions as any other user.
pub fn drop_capabilities() -> io::Result<()> {
    const VERSION_3: u32 = 0x2008_0522; // _LINUX_CAPABILITY_VERSION_3, linux/capability.h
    let header: [u32; 2] = [VERSION_3, 0];
    let none = [0_u32; 6];
    // SAFETY: version 3 takes a header of two words and two sets of three words.
    let answer = unsafe { libc::syscall(libc::SYS_capset, header.as_ptr(), none.as_ptr()) };
    if answer != 0 {
        return Err(io::Error::last_os_error());
    }
    // A child of root gains capabilities by execve(2), which makes it undumpable. Make it dumpable again, so that its parent may
    // read in which call it sleeps (PR_SET_DUMPABLE(2const), ptrace(2)).
    nix::sys::prctl::set_dumpable(true)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_read_as_the_kernel_writes_them() {
        let row = "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4711 1 0000000000000000 100 0 0 10 0";
        let read = table_row(row).expect("a row");
        assert_eq!((read.inode, read.state), (4711, "LISTEN"));
        if cfg!(target_endian = "little") {
            let at = SocketAddrV4::new(std::net::Ipv4Addr::LOCALHOST, 8080);
            assert_eq!(read.ends[0], Address::Inet(at));
        }
        let connected = table_row(&row.replace(" 0A ", " 01 ")).expect("a row");
        assert_ne!(connected.state, "LISTEN");
        assert_eq!(table_row("  sl  local_address rem_address   st tx_queue"), None);
        let row = "0000000000000000: 00000002 00000000 00010000 0001 01 815 /tmp/door";
        let read = unix_row(row).expect("a row");
        assert_eq!((read.inode, read.listens), (815, true));
        let idle = unix_row(&row.replace("00010000", "00000000")).expect("a row");
        assert!(!idle.listens);
    }
}
