//! What judges have in common: peers that wait for an answer with patience, and requirements.

use std::io;

use socket2::{Domain, SockAddr, Type};

use crate::capture::{Actor, Lab, PATIENCE, Proof, Result, Socket};
use crate::trace::Failure;

/// Checks a requirement without which the next ones cannot be tried.
pub(super) fn require(lab: &Lab, name: &'static str, proof: Proof) -> Result<()> {
    let holds = proof.holds();
    lab.claim(name, proof);
    if holds { Ok(()) } else { Err(Failure::NotMet.into()) }
}

/// A port that is free now, for the learner's server.
pub(super) fn free_port(lab: &Lab) -> Result<u16> {
    let (socket, at) = lab.nobody(Type::STREAM)?;
    let port = at.as_socket().map_or(0, |at| at.port());
    socket.close()?;
    Ok(port)
}

/// A client, connected, whose calls wait no longer than a program's patience is tried.
pub(super) fn client(lab: &Lab, name: &str, to: &SockAddr) -> Result<Socket> {
    let socket = socket(&lab.actor(name))?;
    socket.connect(to)?;
    Ok(socket)
}

/// A TCP socket with these timeouts.
pub(super) fn socket(actor: &Actor) -> io::Result<Socket> {
    let socket = actor.socket(Domain::IPV4, Type::STREAM, None)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.set_write_timeout(Some(PATIENCE))?;
    Ok(socket)
}

/// What comes: so many bytes, or fewer if the peer ends, breaks the connection, or says nothing for too long.
pub(super) fn answer(socket: &Socket, wanted: usize) -> Vec<u8> {
    let (mut all, mut buffer) = (Vec::new(), [0; 8192]);
    while all.len() < wanted {
        let room = buffer.len().min(wanted - all.len());
        match socket.recv(&mut buffer[..room]) {
            Ok(got @ 1..) => all.extend_from_slice(&buffer[..got]),
            Ok(_) | Err(_) => break,
        }
    }
    all
}
