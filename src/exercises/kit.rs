//! What judges have in common: peers that wait for an answer with patience, and requirements.

use std::io;
use std::mem::MaybeUninit;
use std::time::{Duration, Instant};

use socket2::{Domain, SockAddr, Type};

use crate::capture::{Actor, Lab, PATIENCE, Program, Proof, Result, Socket};
use crate::trace::Failure;

/// How often a peer that waits looks at the program.
pub(super) const LOOK: Duration = Duration::from_millis(500);
/// A program that has been asleep for so long waits for something, and not for a processor.
const ASLEEP: Duration = Duration::from_secs(3);

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

/// A client, connected.
pub(super) fn client(lab: &Lab, name: &str, to: &SockAddr) -> Result<Socket> {
    let socket = socket(&lab.actor(name))?;
    socket.connect(to)?;
    Ok(socket)
}

/// A TCP socket whose calls do not wait for a program that does nothing any more.
pub(super) fn socket(actor: &Actor) -> io::Result<Socket> {
    let socket = actor.socket(Domain::IPV4, Type::STREAM, None)?;
    socket.set_read_timeout(Some(LOOK))?;
    socket.set_write_timeout(Some(PATIENCE))?;
    Ok(socket)
}

/// What comes from this program: so many bytes, or fewer if it ends or breaks the connection, or has nothing more to send: it has
/// been asleep for as long as [`ASLEEP`], or has had its time.
pub(super) fn answer(program: &Program, socket: &Socket, wanted: usize) -> Vec<u8> {
    let mut all = Vec::new();
    while all.len() < wanted {
        let mut buffer = vec![0; 65_536.min(wanted - all.len())];
        match receive(program, socket, &mut buffer) {
            Ok(got @ 1..) => all.extend_from_slice(&buffer[..got]),
            Ok(_) | Err(_) => break,
        }
    }
    all
}

/// One recv() from this program, made when something has come, or when nothing will: see [`answer`].
pub(super) fn receive(program: &Program, socket: &Socket, buffer: &mut [u8]) -> io::Result<usize> {
    let began = Instant::now();
    let mut asleep = Duration::ZERO;
    while asleep < ASLEEP && began.elapsed() < PATIENCE && !has_come(socket) {
        asleep = if program.is_asleep() { asleep + LOOK } else { Duration::ZERO };
    }
    socket.recv(buffer)
}

/// Waits for a while, and says whether a recv() would not have to wait. (It is no call of the peer's, and not recorded.)
fn has_come(socket: &Socket) -> bool {
    let looked = socket.bare().peek(&mut [MaybeUninit::uninit()]);
    !looked.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
}
