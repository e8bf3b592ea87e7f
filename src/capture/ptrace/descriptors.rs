//! What descriptors of traced processes are: sockets by the number of their inode, which every process that has one sees alike.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io;
use std::os::fd::OwnedFd;

use super::decode;
use super::tracer::Tracer;
use crate::capture::sys::ptrace::socket_address;
use crate::capture::sys::ptrace::{borrow_descriptor, process_handle};
use crate::capture::sys::{TCP_TABLES, TableRow, UDP_TABLES, UnixPeers, table_rows, tcp_info};
use crate::trace::{Address, Domain, Fact, SocketId, SocketType, TcpInfo};

/// What a descriptor is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opened {
    Socket(SocketId),
    Epoll,
    /// A file on a disk.
    File,
    /// A terminal, a pipe, or anything else that a read may wait for.
    Stream,
}

/// What the descriptors of threads are for. To ask the kernel for each call would be slow, so sockets are remembered: a descriptor
/// stays that of the same socket until it is closed, and a call that closes one is seen before it is made. Then all are forgotten,
/// and none is remembered until that call has been made. Files are not remembered, for their closing is not followed.
#[derive(Debug, Default)]
pub struct Descriptors {
    /// By thread, for threads of one process may have descriptors of their own (unshare(2)).
    sockets: HashMap<(u32, i64), SocketId>,
    /// The threads that are in a call that closes a descriptor of a socket.
    closing: HashSet<u32>,
    /// Descriptors may be closed without a call that is seen.
    is_blind: bool,
    /// The threads whose descriptors may not be looked at: their program may be executed and not read, for example.
    refused: HashSet<u32>,
}

impl Descriptors {
    /// What this descriptor of a stopped thread is for; `None` if it is not open.
    pub fn opened(&mut self, thread: u32, fd: i64) -> Option<Opened> {
        if let Some(socket) = self.sockets.get(&(thread, fd)) {
            return Some(Opened::Socket(*socket));
        }
        let opened = match opened(thread, fd) {
            Ok(opened) => opened,
            Err(error) => {
                if error.kind() == io::ErrorKind::PermissionDenied {
                    self.refused.insert(thread);
                } else {
                    self.refused.remove(&thread);
                }
                if error.kind() != io::ErrorKind::NotFound {
                    self.remember_none(); // what cannot be asked for may be closed unseen
                }
                return None;
            }
        };
        if let Opened::Socket(socket) = opened
            && self.closing.is_empty()
            && !self.is_blind
        {
            self.sockets.insert((thread, fd), socket);
        }
        Some(opened)
    }

    /// The socket that this descriptor of a stopped thread is for.
    pub fn socket(&mut self, thread: u32, fd: i64) -> Option<SocketId> {
        match self.opened(thread, fd)? {
            Opened::Socket(id) => Some(id),
            _ => None,
        }
    }

    /// The thread is about to close a descriptor of a socket.
    pub fn close_begins(&mut self, thread: u32) {
        self.sockets.clear();
        self.closing.insert(thread);
    }

    /// The thread has stopped again: what it was about to close is closed.
    pub fn close_is_over(&mut self, thread: u32) {
        self.closing.remove(&thread);
    }

    /// The thread has ended, or runs another program: its number may become another's, its descriptors may have been closed.
    pub fn forget(&mut self, thread: u32) {
        self.sockets.clear();
        self.closing.remove(&thread);
        self.refused.remove(&thread);
    }

    /// From here on descriptors may be closed unseen.
    pub fn remember_none(&mut self) {
        self.sockets.clear();
        self.is_blind = true;
    }
}

/// What this descriptor of a thread is for now (proc_pid_fd(5)).
fn opened(thread: u32, fd: i64) -> io::Result<Opened> {
    let link = fs::read_link(format!("/proc/{thread}/fd/{fd}"))?;
    let link = link.to_str().unwrap_or_default();
    let inode = link.strip_prefix("socket:[").and_then(|rest| rest.strip_suffix(']'));
    Ok(match (inode.and_then(|inode| inode.parse().ok()), link) {
        (Some(inode), _) => Opened::Socket(SocketId(inode)),
        (None, "anon_inode:[eventpoll]") => Opened::Epoll,
        (None, path) if path.starts_with("/dev/") || !path.starts_with('/') => Opened::Stream,
        (None, _) => Opened::File,
    })
}

/// The sockets that a process has open, by descriptor.
pub fn sockets_of(process: u32) -> Vec<(i64, SocketId)> {
    let entries = fs::read_dir(format!("/proc/{process}/fd")).into_iter().flatten();
    let fds = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let sockets = fds.filter_map(|fd| match opened(process, fd) {
        Ok(Opened::Socket(id)) => Some((fd, id)),
        _ => None,
    });
    let mut all: Vec<_> = sockets.collect();
    all.sort_unstable();
    all
}

/// What is known of a socket.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// Another descriptor may be for the same one: after dup(2), fork(2), `SCM_RIGHTS`.
    pub shared: bool,
    /// An IPv4 or IPv6 stream.
    pub is_tcp: bool,
    /// A datagram socket that is not `AF_UNIX`.
    pub is_udp: bool,
    /// A library has made it for itself.
    pub is_librarys_own: bool,
    /// It is known how it came to be, or the kernel has been asked what it is.
    pub is_introduced: bool,
    /// Its own address has been recorded.
    pub is_located: bool,
    /// The process that has called listen(2) on it.
    pub listener: Option<u32>,
    /// A process that has closed it, though another still has a descriptor for it.
    pub closed_by: Option<u32>,
    /// The processes of which it has been recorded that they still have it.
    pub told: Vec<u32>,
}

/// The sockets of all traced processes, and handles to those processes.
#[derive(Debug, Default)]
pub struct Sockets {
    known: HashMap<SocketId, Known>,
    handles: HashMap<u32, Option<OwnedFd>>,
    /// Descriptors by what calls have returned, for processes that may not be looked into.
    returned: HashMap<(u32, i64), SocketId>,
    /// Those processes.
    closed_to_us: HashSet<u32>,
    /// Descriptors that were for sockets until they were closed, by process: they may be for something else by now.
    former: HashSet<(u32, i64)>,
    /// So many sockets have a number of ours, because their inode is not known.
    numbered: u32,
    /// Where to ask for the other ends of AF_UNIX connections, once that has been tried.
    unix_peers: Option<Option<UnixPeers>>,
}

impl Sockets {
    pub fn get(&mut self, id: SocketId) -> &mut Known {
        self.known.entry(id).or_default()
    }

    /// The process has another descriptor for this socket.
    pub fn add_descriptor(&mut self, process: u32, fd: i64, socket: SocketId) {
        self.returned.insert((process, fd), socket);
    }

    /// The process has closed a descriptor.
    pub fn remove_descriptor(&mut self, process: u32, fd: i64) {
        self.returned.remove(&(process, fd));
    }

    /// The process is about to close these descriptors of sockets.
    pub fn closing(&mut self, process: u32, fds: impl Iterator<Item = i64>) {
        self.former.extend(fds.map(|fd| (process, fd)));
    }

    /// A new process has the descriptors of its parent.
    pub fn inherit(&mut self, child: u32, parent: u32) {
        let of_parent = self.returned.iter().filter(|((process, _), _)| *process == parent);
        let inherited: Vec<_> = of_parent.map(|((_, fd), id)| ((child, *fd), *id)).collect();
        self.returned.extend(inherited);
    }

    /// True if the process may not be looked into.
    pub fn is_closed_to_us(&self, process: u32) -> bool {
        self.closed_to_us.contains(&process)
    }

    /// The sockets that this thread of a process has open, by descriptor. (The first thread of a process may have ended before others,
    /// and has none then.)
    pub fn of_thread(&self, thread: u32, process: u32) -> Vec<(i64, SocketId)> {
        if !self.is_closed_to_us(process) {
            return sockets_of(thread);
        }
        let mut all: Vec<_> = self
            .returned
            .iter()
            .filter(|((of, _), _)| *of == process)
            .map(|((_, fd), socket)| (*fd, *socket))
            .collect();
        all.sort_unstable();
        all
    }

    /// The sockets that a process has closed and another has not, each with the process that has.
    pub fn left_open(&self) -> Vec<(SocketId, u32)> {
        self.known.iter().filter_map(|(id, known)| Some((*id, known.closed_by?))).collect()
    }

    /// True for a socket that is known, and on which nobody has called listen(2).
    pub fn is_no_listener(&self, socket: SocketId) -> bool {
        self.known.get(&socket).is_some_and(|known| known.listener.is_none())
    }

    /// The processes that have called listen(2).
    pub fn listeners(&self) -> impl Iterator<Item = u32> {
        self.known.values().filter_map(|known| known.listener)
    }

    /// From here on any socket may have several descriptors.
    pub fn share_all(&mut self) {
        self.known.values_mut().for_each(|socket| socket.shared = true);
    }

    /// A process has ended, or runs another program.
    pub fn forget_process(&mut self, process: u32) {
        self.handles.remove(&process);
        self.closed_to_us.remove(&process);
        self.returned.retain(|(of, _), _| *of != process);
        self.former.retain(|(of, _)| *of != process);
    }

    /// How many descriptors these processes have for a socket.
    pub fn descriptors(&self, id: SocketId, processes: impl Iterator<Item = u32>) -> u32 {
        if self.known.get(&id).is_some_and(|socket| !socket.shared) {
            return 0;
        }
        let of = |process| {
            self.of_thread(process, process).iter().filter(|(_, other)| *other == id).count()
        };
        u32::try_from(processes.map(of).sum::<usize>()).unwrap_or(u32::MAX)
    }

    /// A descriptor of ours for a socket of that process, to ask the kernel about it.
    fn borrow(&mut self, process: u32, fd: i64) -> Option<socket2::Socket> {
        let handle = self.handles.entry(process).or_insert_with(|| process_handle(process));
        borrow_descriptor(handle.as_ref()?, fd).map(socket2::Socket::from)
    }

    /// The socket's own address or its peer's, as the kernel knows it: asked on a borrowed descriptor, or where the system
    /// forbids that, from the kernel's table.
    pub fn address(&mut self, process: u32, fd: i64, id: SocketId, of: End) -> Option<Address> {
        if let Some(borrowed) = self.borrow(process, fd) {
            return socket_address(&borrowed, of == End::Peer);
        }
        let [own, peer] = row_of(process, id)?.ends;
        Some(if of == End::Peer { peer } else { own })
    }

    /// The family and the type of a socket, asked on a borrowed descriptor.
    fn kind(&mut self, process: u32, fd: i64) -> Option<(Domain, SocketType)> {
        let socket = self.borrow(process, fd)?;
        let (domain, kind) = (socket.domain().ok()?, socket.r#type().ok()?);
        Some((decode::domain(domain.into()), decode::kind(kind.into())))
    }

    /// The other end of an AF_UNIX connection, if the kernel tells.
    pub fn unix_peer(&mut self, socket: SocketId) -> Option<SocketId> {
        self.unix_peers.get_or_insert_with(UnixPeers::open).as_mut()?.of(socket)
    }

    /// The state of its TCP connection.
    pub fn tcp_info(&mut self, process: u32, fd: i64, id: SocketId) -> Option<TcpInfo> {
        if let Some(borrowed) = self.borrow(process, fd) {
            return tcp_info(&borrowed).ok()?.map(|info| (&info).into());
        }
        let state = row_of(process, id)?.state.into();
        Some(TcpInfo { state, ..TcpInfo::default() })
    }
}

impl Tracer {
    /// What this descriptor of a stopped thread is for; for a process that may not be looked into, by what calls have returned.
    pub(super) fn opened(&mut self, thread: u32, process: u32, fd: i64) -> Option<Opened> {
        let seen = self.descriptors.opened(thread, fd);
        if seen.is_some() || !self.descriptors.refused.contains(&thread) {
            return seen;
        }
        self.sockets.closed_to_us.insert(process);
        self.sockets.returned.get(&(process, fd)).map(|socket| Opened::Socket(*socket))
    }

    /// True if this number, for which nothing is open now, was a socket's in this process. Of a process that may not be looked into
    /// it is not known whether anything is open.
    pub(super) fn was_socket(&self, thread: u32, process: u32, fd: i64) -> bool {
        !self.descriptors.refused.contains(&thread) && self.sockets.former.contains(&(process, fd))
    }

    /// The socket that it is for.
    pub(super) fn socket(&mut self, thread: u32, process: u32, fd: i64) -> Option<SocketId> {
        match self.opened(thread, process, fd)? {
            Opened::Socket(id) => Some(id),
            _ => None,
        }
    }

    /// The first call on a socket that was there before the trace: the kernel is asked what no call has told.
    pub(super) fn introduce(&mut self, thread: u32, process: u32, socket: SocketId, fd: i64) {
        if std::mem::replace(&mut self.sockets.get(socket).is_introduced, true) {
            return;
        }
        let Some((domain, kind)) = self.sockets.kind(process, fd) else { return };
        let is_inet = matches!(domain, Domain::Inet | Domain::Inet6);
        let known = self.sockets.get(socket);
        known.is_tcp = is_inet && kind == SocketType::Stream;
        known.is_udp = is_inet && kind == SocketType::Datagram;
        self.observe(thread, socket, fd, Fact::Kind { domain, kind });
        let ends = [End::Own, End::Peer];
        let [own, peer] = ends.map(|end| self.sockets.address(process, fd, socket, end));
        let named = |address: &Address| *address != Address::Unix(None);
        if let Some(own) = own.filter(named) {
            self.sockets.get(socket).is_located = true;
            self.observe(thread, socket, fd, Fact::Getsockname(own));
        }
        if let Some(peer) = peer.filter(named) {
            self.observe(thread, socket, fd, Fact::Getpeername(peer));
        }
    }

    /// The socket that a call has just made with this descriptor.
    pub(super) fn new_socket(&mut self, thread: u32, process: u32, fd: i64) -> Option<SocketId> {
        self.sockets.returned.remove(&(process, fd));
        let seen = self.socket(thread, process, fd);
        let sockets = &mut self.sockets;
        let socket = seen.or_else(|| {
            sockets.closed_to_us.contains(&process).then(|| {
                sockets.numbered += 1;
                SocketId::within(process, sockets.numbered)
            })
        })?;
        self.sockets.returned.insert((process, fd), socket);
        Some(socket)
    }
}

/// What the kernel's tables say of a socket in the network of this process.
fn row_of(process: u32, id: SocketId) -> Option<TableRow> {
    let mut rows = [TCP_TABLES, UDP_TABLES].iter().flat_map(|tables| table_rows(process, tables));
    rows.find(|row| row.inode == id.0)
}

/// An end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Own,
    Peer,
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsRawFd;

    use super::*;

    #[test]
    fn descriptors_of_a_process_are_told_apart() {
        let me = std::process::id();
        let socket = || socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None);
        let listener = socket().expect("a socket");
        let here = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
        listener.bind(&here.into()).and_then(|()| listener.listen(1)).expect("a port");
        let id = crate::capture::sys::socket_id(&listener);
        let fd = i64::from(listener.as_raw_fd());
        let mut descriptors = Descriptors::default();
        assert_eq!(descriptors.socket(me, fd), Some(id));
        assert!(sockets_of(me).contains(&(fd, id)));
        let file = fs::File::open("/proc/self/exe").expect("a file");
        assert_eq!(descriptors.opened(me, file.as_raw_fd().into()), Some(Opened::File));
        assert_eq!([-1, 1 << 20].map(|fd| descriptors.opened(me, fd)), [None, None]);
        let row = row_of(me, id).expect("the listener is in the kernel's table");
        let own = socket_address(&listener, false);
        assert_eq!((Some(row.ends[0].clone()), row.state), (own, "LISTEN"));
    }
    #[test]
    fn a_descriptor_is_asked_for_again_once_any_may_have_been_closed() {
        let me = std::process::id();
        let new = || socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::DGRAM, None);
        let socket = || new().expect("a socket");
        let (mut descriptors, first) = (Descriptors::default(), socket());
        let fd = first.as_raw_fd();
        let is_current = |descriptors: &mut Descriptors, now: &socket2::Socket| {
            descriptors.socket(me, fd.into()) == Some(crate::capture::sys::socket_id(now))
        };
        // dup2 puts another socket under the same number.
        let put = |from: &socket2::Socket| {
            // SAFETY: both numbers are descriptors of this test's.
            assert_eq!(unsafe { libc::dup2(from.as_raw_fd(), fd) }, fd);
        };
        let (second, third) = (socket(), socket());
        assert!(is_current(&mut descriptors, &first));
        descriptors.close_begins(1);
        assert!(is_current(&mut descriptors, &first), "it is not closed yet");
        put(&second);
        assert!(is_current(&mut descriptors, &second), "asked meanwhile");
        descriptors.close_is_over(1);
        assert!(is_current(&mut descriptors, &second));
        put(&third);
        assert!(!is_current(&mut descriptors, &third), "it is remembered");
        descriptors.remember_none();
        assert!(is_current(&mut descriptors, &third));
        put(&second);
        assert!(is_current(&mut descriptors, &second));
    }
}
