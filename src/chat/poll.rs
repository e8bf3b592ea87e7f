//! One thread, and nobody waits for a turn: the socket does not block, and poll waits for the keyboard and the socket at once.

use std::io;
use std::net::Shutdown;

use super::ear::{Ear, Heard, QUIET};
use super::keyboard::Typed;
use super::{Parted, Talk};
use crate::capture::{self, Actor, Interest, Socket};

/// Talks until both streams have ended.
///
/// # Errors
/// What poll(2) answers. A connection that breaks is no error but a [`Parted`].
pub fn talk(actor: &Actor, talk: Talk<'_>) -> capture::Result<Parted> {
    let Talk { socket, mut keyboard, screen, inbox, buffer } = talk;
    let stopper = keyboard.stopper();
    let mut ear = Ear::new(socket, screen, inbox, buffer);
    socket.set_nonblocking(true)?;
    // What was typed and the kernel has not taken yet. While there is some, no more is read from the keyboard.
    let mut outgoing: Vec<u8> = Vec::new();
    let (mut speaking, mut listening) = (true, true);
    let mut parted = Parted::Ended;
    while speaking || listening {
        // `/quit`, and something is left to be sent: nothing else counts, and the bell, which goes on ringing, is not watched.
        let leaving = stopper.is_stopped() && !outgoing.is_empty();
        let interest = match (listening && !leaving, outgoing.is_empty()) {
            (true, true) => Some(Interest::Read),
            (true, false) => Some(Interest::ReadWrite),
            (false, false) => Some(Interest::Write),
            (false, true) => None,
        };
        let watched = interest.map(|interest| (socket, interest));
        let [keys, bell] = keyboard.descriptors();
        let wants_keys = speaking && outgoing.is_empty();
        let also = match (wants_keys, leaving) {
            (true, _) => &[bell, keys][..],
            (false, true) => &[],
            (false, false) => &[bell],
        };
        let patience = (leaving || ear.is_waiting()).then_some(QUIET);
        let ready = match actor.poll_also(watched.as_slice(), also, patience) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            ready => ready?,
        };
        // A peer that takes nothing is not waited for any longer than QUIET.
        if stopper.is_stopped() && !ready.has(keys) && (outgoing.is_empty() || ready.is_empty()) {
            return Ok(Parted::Ended);
        }
        let heard = if ready.is_empty() {
            ear.quiet()
        } else if listening && ready.readable(socket) {
            ear.listen_without_waiting()
        } else {
            Ok(Heard::Bytes)
        };
        match heard {
            Ok(Heard::End) if screen.is_terminal() => return Ok(Parted::PeerLeft),
            Ok(Heard::End) => listening = false,
            Ok(Heard::Bytes | Heard::Messages) => {}
            Err(broken) => return Ok(broken),
        }
        let mut said = Ok(());
        if wants_keys && ready.has(keys) {
            match keyboard.some() {
                Ok(Typed::Bytes(bytes)) => outgoing.extend_from_slice(bytes),
                Ok(Typed::End) => {
                    speaking = false;
                    said = socket.shutdown(Shutdown::Write).map_err(Parted::broken("shutdown"));
                }
                Ok(Typed::Stop) => return Ok(Parted::Ended),
                Err(error) => return Ok(Parted::Broken("read", error)),
            }
        }
        if let Err(broken) = said.and_then(|()| send_some(socket, &mut outgoing)) {
            // The peer takes no more; what it still has to say is heard.
            outgoing.clear();
            (speaking, parted) = (false, broken);
        }
    }
    Ok(parted)
}

/// Sends as much as the kernel takes at once, and keeps the rest.
fn send_some(socket: &Socket, outgoing: &mut Vec<u8>) -> Result<(), Parted> {
    while !outgoing.is_empty() {
        match socket.send(outgoing) {
            Ok(sent) => drop(outgoing.drain(..sent)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
            Err(error) => return Err(Parted::Broken("send", error)),
        }
    }
    Ok(())
}
