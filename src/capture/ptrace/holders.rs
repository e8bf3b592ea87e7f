//! Who has a socket besides the one whose call tells: an address that is in use, a socket that another process has inherited.

use std::fs;
use std::net::IpAddr;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use nix::sys::socket::{getsockopt, sockopt};

use super::descriptors::{End, sockets_of};
use super::stage::Object;
use super::threads::{Open, command_line, status_number};
use super::tracer::Tracer;
use crate::capture::sockets::address;
use crate::capture::sys::{TCP_TABLES, TableRow, UDP_TABLES, table_rows, unix_rows};
use crate::trace::{
    Address, AddressHolder, EventKind, Fact, FileType, HolderProcess, Observation, SocketId,
    Syscall,
};

/// So many of those who have one address are recorded.
const MOST_HOLDERS: usize = 4;
/// So often it is looked who has the other end of a connection.
const LOOKS_AT_PEER: u32 = 10;
/// So often all processes are looked through: who tries a thousand ports is not kept waiting.
const MOST_SEARCHES: u32 = 16;

impl Tracer {
    /// A call has failed because its address is in use: records who has it.
    pub(super) fn find_holders(&mut self, id: u32, process: u32, open: &Open) {
        let Some(socket) = open.call.socket.filter(|_| self.searches < MOST_SEARCHES) else {
            return;
        };
        let fd = open.made.fd(0);
        let address = match &open.call.syscall {
            Syscall::Bind { address } => Some(address.clone()),
            Syscall::Listen { .. } | Syscall::Connect { .. } => {
                self.sockets.address(process, fd, socket, End::Own)
            }
            _ => None,
        };
        let Some(address) = address else { return };
        self.searches += 1;
        let known = self.sockets.get(socket);
        let (mut holders, file) = match &address {
            Address::Unix(Some(name)) => (holders_of_name(process, name), file_at(process, name)),
            Address::Unix(None) => return,
            _ if known.is_tcp => (holders_of_port(process, socket, &address, TCP_TABLES), None),
            _ if known.is_udp => (holders_of_port(process, socket, &address, UDP_TABLES), None),
            _ => return,
        };
        find_processes(&mut holders);
        let argv = command_line(process);
        self.observe(id, socket, fd, Fact::AddressInUse { address, argv, holders, file });
    }

    /// A process has closed a descriptor for a socket, or ends and still has it, and others have more. If it is the last one of that
    /// process, and the socket listens, that is recorded at once: its port stays taken.
    pub(super) fn left_open(&mut self, socket: SocketId, by: u32, is_ending: bool) {
        if !is_ending && has(by, socket).is_some() {
            return;
        }
        let known = self.sockets.get(socket);
        known.closed_by = Some(by);
        if known.listener == Some(by) {
            self.tell_holders(socket, by);
        }
    }

    /// Records which processes still have a socket that this one has closed.
    pub(super) fn tell_holders(&mut self, socket: SocketId, closed_by: u32) {
        if self.stage.is_hidden(socket) {
            return;
        }
        let others: Vec<u32> =
            self.processes.keys().copied().filter(|it| *it != closed_by).collect();
        for process in others {
            let Some(fd) = has(process, socket) else { continue };
            let told = &mut self.sockets.get(socket).told;
            if told.contains(&process) || !self.threads.contains_key(&process) {
                continue;
            }
            told.push(process);
            let at_ns = self.stage.now_ns();
            let fact = Fact::StillOpen { closed_by };
            let what =
                EventKind::Observed(Observation { socket: Some(socket), fd: Some(fd), fact });
            self.tell(process, at_ns, what, Some(Object::Socket(socket)));
        }
    }
}

/// The descriptor that a process has for a socket.
fn has(process: u32, socket: SocketId) -> Option<i64> {
    sockets_of(process).into_iter().find(|(_, other)| *other == socket).map(|(fd, _)| fd)
}

/// The rows of these tables that keep others from an address: of the same port, at the same address or at every one. Listening sockets
/// come first, then those that somebody has, then the connections that will be there longest.
fn holders_of_port(
    process: u32,
    own: SocketId,
    address: &Address,
    tables: &[&str],
) -> Vec<AddressHolder> {
    let mut rows = table_rows(process, tables);
    rows.retain(|row| row.inode != own.0 && conflict(&row.ends[0], address));
    rows.sort_by_key(|row| (row.state != "LISTEN", row.inode == 0, std::cmp::Reverse(row.left)));
    rows.truncate(MOST_HOLDERS);
    let is_tcp = tables == TCP_TABLES;
    let holder = |TableRow { ends: [local, _], state, left, user, inode }| {
        let left_ns = u64::try_from(left.as_nanos()).ok();
        AddressHolder {
            local,
            state: is_tcp.then(|| state.into()),
            left_ns: left_ns.filter(|_| state == "TIME_WAIT"),
            socket: (inode != 0).then_some(SocketId(inode)),
            user: (inode != 0).then_some(user),
            processes: Vec::new(),
        }
    };
    rows.into_iter().map(holder).collect()
}

/// True if two sockets that do not share addresses cannot both have theirs.
fn conflict(one: &Address, other: &Address) -> bool {
    let ip = |address: &Address| match address {
        Address::Inet(at) => Some(IpAddr::from(*at.ip())),
        Address::Inet6(at) => Some(at.ip().to_canonical()),
        Address::Unix(_) => None,
    };
    let (Some(own), Some(others)) = (ip(one), ip(other)) else { return false };
    // `::` stands for the addresses of both families, if IPV6_V6ONLY is not set.
    let covers =
        |all: IpAddr, one: IpAddr| all.is_unspecified() && (all.is_ipv6() || one.is_ipv4());
    one.port() == other.port() && (own == others || covers(own, others) || covers(others, own))
}

/// The AF_UNIX sockets of this name. A path that does not begin at the root is another file for a process in another folder.
fn holders_of_name(process: u32, name: &str) -> Vec<AddressHolder> {
    let mut rows = unix_rows(process);
    rows.retain(|row| row.name == name);
    rows.sort_by_key(|row| !row.listens);
    rows.truncate(MOST_HOLDERS);
    let holder = |row: crate::capture::sys::UnixRow| AddressHolder {
        local: Address::Unix(Some(row.name)),
        state: row.listens.then(|| "LISTEN".into()),
        left_ns: None,
        socket: Some(SocketId(row.inode)),
        user: None,
        processes: Vec::new(),
    };
    rows.into_iter().map(holder).collect()
}

/// What a path of this process names; `None` for an abstract name.
fn file_at(process: u32, name: &str) -> Option<FileType> {
    let root = PathBuf::from(format!("/proc/{process}/root"));
    let path = match name.strip_prefix('/') {
        Some(below) => root.join(below),
        None if name.starts_with('@') => return None,
        None => Path::new(&format!("/proc/{process}/cwd")).join(name),
    };
    let kind = fs::symlink_metadata(path).ok()?.file_type();
    Some(if kind.is_socket() { FileType::Socket } else { FileType::Other })
}

/// Finds the processes that have a descriptor for one of these sockets, among those that may be looked into (proc_pid_fd(5)).
fn find_processes(holders: &mut [AddressHolder]) {
    if holders.iter().all(|holder| holder.socket.is_none()) {
        return;
    }
    let all = fs::read_dir("/proc").into_iter().flatten();
    let mut all: Vec<u32> =
        all.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).collect();
    all.sort_unstable();
    for process in all.into_iter().filter(|process| *process != std::process::id()) {
        let sockets = sockets_of(process);
        for holder in &mut *holders {
            if sockets.iter().any(|(_, socket)| Some(*socket) == holder.socket) {
                let parent = status_number(process, "PPid:").unwrap_or(0);
                let (argv, parent_argv) = (command_line(process), command_line(parent));
                holder.processes.push(HolderProcess { process, argv, parent, parent_argv });
            }
        }
    }
    holders.iter_mut().for_each(|holder| parents_first(&mut holder.processes));
}

/// Puts a process before those of its children that have the same socket: a child may have it only until it calls execve(2).
fn parents_first(processes: &mut [HolderProcess]) {
    let all: Vec<u32> = processes.iter().map(|one| one.process).collect();
    processes.sort_by_key(|one| all.contains(&one.parent));
}

/// The process at the other end of a connection within this machine, and its command line. `None` if it may not be looked into.
pub fn peer_process(socket: &socket2::Socket) -> Option<(u32, Vec<String>)> {
    let [own, peer] = [socket.local_addr().ok()?, socket.peer_addr().ok()?];
    if own.is_unix() {
        let credentials = getsockopt(socket, sockopt::PeerCredentials).ok()?;
        let process = u32::try_from(credentials.pid()).ok()?;
        return Some((process, command_line(process)));
    }
    let canonical = |address: &Address| match address {
        Address::Inet(at) => Some((IpAddr::from(*at.ip()), at.port())),
        Address::Inet6(at) => Some((at.ip().to_canonical(), at.port())),
        Address::Unix(_) => None,
    };
    let ends = [&peer, &own].map(|end| canonical(&address(end)));
    // While the connection is being accepted it passes from the listening socket, which may then be closed, to one of its own.
    (0..LOOKS_AT_PEER).find_map(|_| {
        let rows = table_rows(std::process::id(), TCP_TABLES);
        let is_its = |row: &&TableRow| row.inode != 0 && row.ends.each_ref().map(canonical) == ends;
        let listens =
            |row: &&TableRow| row.state == "LISTEN" && conflict(&row.ends[0], &address(&peer));
        let row = rows.iter().find(is_its).or_else(|| rows.iter().find(listens))?;
        let all = fs::read_dir("/proc").ok()?;
        let all = all.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
        let process = all
            .filter(|process| *process != std::process::id())
            .find(|process| has(*process, SocketId(row.inode)).is_some())?;
        Some((process, command_line(process)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inet(text: &str) -> Address {
        match text.parse().expect("an address") {
            std::net::SocketAddr::V4(at) => Address::Inet(at),
            std::net::SocketAddr::V6(at) => Address::Inet6(at),
        }
    }

    #[test]
    fn addresses_of_one_port_conflict_if_one_is_the_other_or_every_one() {
        for (one, other, expected) in [
            ("127.0.0.1:80", "127.0.0.1:80", true),
            ("127.0.0.1:80", "127.0.0.1:81", false),
            ("127.0.0.1:80", "127.0.0.2:80", false),
            ("0.0.0.0:80", "127.0.0.2:80", true),
            ("127.0.0.1:80", "[::]:80", true),
            ("[::1]:80", "127.0.0.1:80", false),
            ("[::1]:80", "0.0.0.0:80", false),
            ("[::ffff:127.0.0.1]:80", "127.0.0.1:80", true),
        ] {
            assert_eq!(conflict(&inet(one), &inet(other)), expected, "{one} {other}");
            assert_eq!(conflict(&inet(other), &inet(one)), expected, "{other} {one}");
        }
    }

    #[test]
    fn the_holder_of_a_port_is_found_with_its_process_and_command() {
        let listener = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None);
        let listener = listener.expect("a socket");
        let here = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
        listener.bind(&here.into()).and_then(|()| listener.listen(1)).expect("a port");
        let address = crate::capture::sys::ptrace::socket_address(&listener, false);
        let address = address.expect("an address");
        let me = std::process::id();
        let holders = holders_of_port(me, SocketId(0), &address, TCP_TABLES);
        let [holder] = holders.as_slice() else { panic!("{holders:?}") };
        assert_eq!(holder.state.as_deref(), Some("LISTEN"));
        assert!(has(me, holder.socket.expect("it is a process's")).is_some());
        assert_eq!(holders_of_port(me, SocketId(0), &address, UDP_TABLES), []);
    }

    #[test]
    fn a_child_that_has_the_same_socket_comes_after_its_parent() {
        let holder =
            |process, parent| HolderProcess { process, parent, ..HolderProcess::default() };
        let mut processes = [holder(5, 7), holder(6, 1), holder(7, 1)];
        parents_first(&mut processes);
        assert_eq!(processes.map(|one| one.process), [6, 7, 5]);
    }

    #[test]
    fn a_path_is_a_socket_with_or_without_somebody_who_has_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("door");
        let name = path.to_str().expect("UTF-8");
        let me = std::process::id();
        assert_eq!(file_at(me, name), None);
        let listener = std::os::unix::net::UnixListener::bind(&path).expect("bound");
        let holders = holders_of_name(me, name);
        assert_eq!(holders.len(), 1);
        assert_eq!(holders[0].state.as_deref(), Some("LISTEN"));
        drop(listener);
        assert_eq!(
            (holders_of_name(me, name), file_at(me, name)),
            (vec![], Some(FileType::Socket))
        );
        let file = folder.path().to_str().expect("UTF-8");
        assert_eq!(file_at(me, file), Some(FileType::Other));
    }
}
