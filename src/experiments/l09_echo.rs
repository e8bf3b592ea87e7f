//! Lesson 9: an echo server with one thread and poll, and a client of it, served without ever waiting for it.

use std::io::{self, ErrorKind};

use crate::capture::{Actor, Interest, Socket};

/// A connection in non-blocking mode, and what is still to be sent on it.
pub(super) struct EchoClient {
    pub(super) socket: Socket,
    unsent: Vec<u8>,
}

impl EchoClient {
    pub(super) fn new(socket: Socket) -> io::Result<EchoClient> {
        socket.set_nonblocking(true)?;
        Ok(EchoClient { socket, unsent: Vec::new() })
    }

    /// What to wait for: room, as long as something is unsent. More is
    /// read only when all has been sent, so a client that does not
    /// receive cannot fill the server's memory.
    pub(super) fn interest(&self) -> Interest {
        let nothing_to_send = self.unsent.is_empty();
        if nothing_to_send { Interest::Read } else { Interest::Write }
    }

    /// Does what can be done now; false once the client will send no
    /// more.
    pub(super) fn serve(&mut self) -> io::Result<bool> {
        if self.unsent.is_empty() {
            let mut buffer = [0; 64 * 1024];
            match self.socket.recv(&mut buffer) {
                Ok(0) => return Ok(false),
                Ok(n) => self.unsent.extend_from_slice(&buffer[..n]),
                Err(error) => return is_not_yet(error),
            }
        }
        match self.socket.send(&self.unsent) {
            Ok(taken) => self.unsent = self.unsent.split_off(taken),
            Err(error) => return is_not_yet(error),
        }
        Ok(true) // and the rest is kept
    }
}

/// EAGAIN is no failure here: the client stays.
fn is_not_yet(error: io::Error) -> io::Result<bool> {
    if error.kind() == ErrorKind::WouldBlock { Ok(true) } else { Err(error) }
}

/// One thread. The kernel is handed the whole list each time, and
/// reports of each socket whether it is ready.
pub(super) fn serve_with_poll(me: &Actor, connections: Vec<Socket>) -> io::Result<()> {
    let clients = connections.into_iter().map(EchoClient::new);
    let mut clients = clients.collect::<io::Result<Vec<_>>>()?;
    loop {
        let all = clients.iter().map(|it| (&it.socket, it.interest()));
        let ready = me.poll(&all.collect::<Vec<_>>(), None)?;
        for client in &mut clients {
            let is_ready = ready.has_socket(&client.socket);
            if is_ready && !client.serve()? {
                return Ok(()); // a client has closed
            }
        }
    }
}
