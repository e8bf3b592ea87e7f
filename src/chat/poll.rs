//! One thread, and nobody waits for a turn: the socket does not block, and poll waits for the keyboard and the socket at once.

use std::io;
use std::net::Shutdown;

use super::ear::{Ear, Heard, QUIET};
use super::keyboard::Typed;
use super::{Parted, Talk};
use crate::lab::{self, Actor, Interest};

/// Talks until both streams have ended.
///
/// # Errors
/// What poll(2) answers. A connection that breaks is no error but a [`Parted`].
pub fn talk(actor: &Actor, talk: Talk<'_>) -> lab::Result<Parted> {
    let Talk { socket, mut keyboard, screen, inbox, buffer } = talk;
    let stopper = keyboard.stopper();
    let mut ear = Ear::new(socket, screen, inbox, buffer);
    socket.set_nonblocking(true)?;
    // What was typed and the kernel has not taken yet. While there is some, no more is read from the keyboard.
    let mut outgoing: Vec<u8> = Vec::new();
    let (mut speaking, mut listening) = (true, true);
    while speaking || listening {
        let watched = match (listening, !outgoing.is_empty()) {
            (true, true) => &[(socket, Interest::ReadWrite)][..],
            (true, false) => &[(socket, Interest::Read)],
            (false, true) => &[(socket, Interest::Write)],
            (false, false) => &[],
        };
        let keys = keyboard.descriptors();
        let also = if speaking && outgoing.is_empty() { &keys[..] } else { &keys[1..] };
        let timeout = ear.is_waiting().then_some(QUIET);
        let ready = match actor.poll_also(watched, also, timeout) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            ready => ready?,
        };
        if ready.is_empty() {
            ear.quiet()?;
        }
        if stopper.is_stopped() {
            return Ok(Parted::Ended);
        }
        if listening && ready.readable(socket) {
            match ear.listen_without_waiting() {
                Ok(Heard::End) if screen.is_terminal() => return Ok(Parted::PeerLeft),
                Ok(Heard::End) => listening = false,
                Ok(Heard::Bytes | Heard::Messages) => {}
                Err(error) => return Ok(Parted::from_receiving(error)),
            }
        }
        if speaking && outgoing.is_empty() && ready.has(keyboard.descriptors()[0]) {
            match keyboard.some()? {
                Typed::Bytes(bytes) => outgoing.extend_from_slice(bytes),
                Typed::End => {
                    speaking = false;
                    let _ = socket.shutdown(Shutdown::Write);
                }
                Typed::Stop => return Ok(Parted::Ended),
            }
        }
        while !outgoing.is_empty() {
            match socket.send(&outgoing) {
                Ok(sent) => drop(outgoing.drain(..sent)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Ok(Parted::Broken("send", error)),
            }
        }
    }
    Ok(Parted::Ended)
}
