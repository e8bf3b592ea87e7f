//! Which two AF_UNIX sockets are connected: the kernel tells by their inodes, of every process (sock_diag(7), `UNIX_DIAG_PEER`).

use std::io::{Read, Write};

use socket2::{Domain, Protocol, Socket, Type};

use crate::trace::SocketId;

const NETLINK_SOCK_DIAG: i32 = 4;
const SOCK_DIAG_BY_FAMILY: u16 = 20;
const UDIAG_SHOW_PEER: u32 = 4;
const UNIX_DIAG_PEER: u16 = 2;
/// The lengths of `struct nlmsghdr` and of `struct unix_diag_msg` behind it.
const HEADER: usize = 16;
const ANSWER: usize = 16;

/// A way to ask for sockets of the network that it was opened in.
#[derive(Debug)]
pub struct UnixPeers(Socket);

impl UnixPeers {
    /// Opens it; `None` where the system has no such question or forbids it.
    pub fn open() -> Option<UnixPeers> {
        let domain = Domain::from(libc::AF_NETLINK);
        let protocol = Protocol::from(NETLINK_SOCK_DIAG);
        let socket = Socket::new(domain, Type::DGRAM, Some(protocol)).ok()?;
        socket.set_nonblocking(true).ok()?; // the kernel answers before send() returns
        Some(UnixPeers(socket))
    }

    /// The socket that this one is connected to; `None` if that has been closed, or has not been accepted yet.
    pub fn of(&mut self, socket: SocketId) -> Option<SocketId> {
        let inode = u32::try_from(socket.0).ok()?;
        self.0.write_all(&question(inode)).ok()?;
        let mut bytes = [0; 1024];
        let length = self.0.read(&mut bytes).ok()?;
        peer_in(bytes.get(..length)?, inode)
    }
}

fn question(inode: u32) -> Vec<u8> {
    const NLM_F_REQUEST: u16 = 1;
    const ANY_COOKIE: u32 = u32::MAX;
    let family = libc::AF_UNIX.unsigned_abs().to_le(); // one byte, then three that are 0
    let body = [family, u32::MAX, inode, UDIAG_SHOW_PEER, ANY_COOKIE, ANY_COOKIE];
    let length = (HEADER + 4 * body.len()) as u32;
    let mut bytes = length.to_ne_bytes().to_vec();
    bytes.extend(SOCK_DIAG_BY_FAMILY.to_ne_bytes());
    bytes.extend(NLM_F_REQUEST.to_ne_bytes());
    bytes.extend([0; 8]); // number and sender
    bytes.extend(body.iter().flat_map(|word| word.to_ne_bytes()));
    bytes
}

/// The peer that this answer about that socket has.
fn peer_in(bytes: &[u8], inode: u32) -> Option<SocketId> {
    let word =
        |bytes: &[u8], at: usize| Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    let half =
        |bytes: &[u8], at: usize| Some(u16::from_ne_bytes(bytes.get(at..at + 2)?.try_into().ok()?));
    let is_answer = half(bytes, 4)? == SOCK_DIAG_BY_FAMILY && word(bytes, HEADER + 4)? == inode;
    let mut attributes = bytes.get(HEADER + ANSWER..).filter(|_| is_answer)?;
    loop {
        let length = usize::from(half(attributes, 0)?);
        if half(attributes, 2)? == UNIX_DIAG_PEER {
            let peer = word(attributes, 4)?;
            return (peer != 0).then(|| SocketId(peer.into()));
        }
        attributes = attributes.get(length.max(4).next_multiple_of(4)..)?;
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;
    use std::os::unix::net::UnixStream;

    use super::*;
    use crate::capture::sys::socket_id;

    #[test]
    fn the_kernel_tells_which_sockets_are_connected() {
        let mut peers = UnixPeers::open().expect("the kernel answers questions about sockets");
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("door");
        let listener = UnixListener::bind(&path).expect("a listener");
        let clients = [0, 1].map(|_| Socket::from(UnixStream::connect(&path).expect("a client")));
        assert_eq!(peers.of(socket_id(&clients[0])), None, "it is not accepted yet");
        for client in &clients {
            let accepted = Socket::from(listener.accept().expect("a connection").0);
            assert_eq!(peers.of(socket_id(&accepted)), Some(socket_id(client)));
            assert_eq!(peers.of(socket_id(client)), Some(socket_id(&accepted)));
        }
        assert_eq!(peers.of(socket_id(&Socket::from(listener))), None);
        assert_eq!(peers.of(SocketId(u64::MAX)), None);
    }
}
