//! One thread per side, and no turns: the socket is non-blocking, and poll waits for the keyboard and the socket at once.

use std::io;
use std::net::Shutdown;

use super::keyboard::Input;
use super::receiver::{IDLE_TIMEOUT, Received, Receiver};
use super::{EndReason, Session};
use crate::capture::{self, Actor, Interest, Socket};

/// Talks until both streams have ended. A broken connection is not an error here: it is one of the [`EndReason`]s.
pub fn talk(actor: &Actor, session: Session<'_>) -> capture::Result<EndReason> {
    let Session { socket, mut keyboard, screen, decoder, buffer, signs } = session;
    let stop = keyboard.stop_handle();
    let mut receiver = Receiver::new(socket, screen, decoder, buffer, signs);
    socket.set_nonblocking(true)?;
    // Typed, but not yet taken by the kernel. The keyboard is read again only when this is empty.
    let mut unsent: Vec<u8> = Vec::new();
    let (mut sending, mut receiving) = (true, true);
    let mut reason = EndReason::Ended;
    while sending || receiving {
        // After `/quit` the chat only sends what is left. The wake-up pipe stays readable then, so it must no longer be watched:
        // poll would return at once, again and again.
        let leaving = stop.is_stopped() && !unsent.is_empty();
        let interest = match (receiving && !leaving, unsent.is_empty()) {
            (true, true) => Some(Interest::Read),
            (true, false) => Some(Interest::ReadWrite),
            (false, false) => Some(Interest::Write),
            (false, true) => None,
        };
        let sockets = interest.map(|interest| (socket, interest));
        let [keys, wake] = keyboard.descriptors();
        let wants_keys = sending && unsent.is_empty();
        let others = match (wants_keys, leaving) {
            (true, _) => &[wake, keys][..],
            (false, true) => &[],
            (false, false) => &[wake],
        };
        let timeout = (leaving || receiver.has_partial_message()).then_some(IDLE_TIMEOUT);
        let ready = match actor.poll_also(sockets.as_slice(), others, timeout) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            ready => ready?,
        };
        // After `/quit` the chat waits for the peer to take what was typed, but not for a peer that takes nothing until the timeout.
        if stop.is_stopped() && !ready.has(keys) && (unsent.is_empty() || ready.is_empty()) {
            return Ok(EndReason::Ended);
        }

        // The socket: receive what is there. If the timeout has passed, show an unfinished message as it is.
        let received = if ready.is_empty() {
            receiver.show_partial_message()
        } else if receiving && ready.readable(socket) {
            receiver.receive_available()
        } else {
            Ok(Received::Bytes)
        };
        match received {
            Ok(Received::End) if screen.is_terminal() => return Ok(EndReason::PeerLeft),
            Ok(Received::End | Received::Finished) => receiving = false,
            Ok(Received::Bytes | Received::Messages) => {}
            Err(broken) => return Ok(broken),
        }

        // The keyboard: read what was typed.
        let mut sent = Ok(());
        if wants_keys && ready.has(keys) {
            match keyboard.read() {
                Ok(Input::Bytes(bytes)) => unsent.extend_from_slice(bytes),
                Ok(Input::End) => {
                    sending = false;
                    sent = socket.shutdown(Shutdown::Write).map_err(EndReason::broken("shutdown"));
                }
                Ok(Input::Stop) => return Ok(EndReason::Ended),
                Err(error) => return Ok(EndReason::Broken("read", error)),
            }
        }

        // The socket again: send as much as the kernel takes now.
        if let Err(broken) = sent.and_then(|()| send_some(socket, &mut unsent)) {
            // The peer receives no more, but it may still have something to say.
            unsent.clear();
            (sending, reason) = (false, broken);
        }
    }
    Ok(reason)
}

/// Sends as much as the kernel takes at once, and keeps the rest.
fn send_some(socket: &Socket, unsent: &mut Vec<u8>) -> Result<(), EndReason> {
    while !unsent.is_empty() {
        match socket.send(unsent) {
            Ok(sent) => drop(unsent.drain(..sent)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
            Err(error) => return Err(EndReason::Broken("send", error)),
        }
    }
    Ok(())
}
