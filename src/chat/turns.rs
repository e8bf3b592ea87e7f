//! One thread on each side, by turns, and the client begins: the notes' first chat. While one side types, the other waits in
//! recv and cannot say a word. The other two styles mend that.

use std::net::Shutdown;

use super::keyboard::Input;
use super::receiver::{Received, Receiver};
use super::{EndReason, Session, Side};
use crate::capture::{self, Socket};

/// Talks by turns until both have said all. A connection that breaks is no error but a [`EndReason`].
pub fn talk(side: Side, session: Session<'_>) -> capture::Result<EndReason> {
    let Session { socket, mut keyboard, screen, decoder, buffer } = session;
    let stop = keyboard.stop_handle();
    let mut receiver = Receiver::new(socket, screen, decoder, buffer);
    let (mut sending, mut receiving) = (true, true);
    let mut my_turn = side == Side::Client;
    let mut reason = EndReason::Ended;
    while sending || receiving {
        if my_turn && sending {
            // A person should not go on typing to a peer that has left, so the keyboard watches the connection too.
            let watched = (screen.is_terminal() && receiving).then_some(socket);
            let sent = match keyboard.read_line(watched.map(descriptor)) {
                Ok(Input::Bytes(line)) => socket.send_all(line).map_err(EndReason::broken("send")),
                Ok(Input::End) => {
                    sending = false;
                    socket.shutdown(Shutdown::Write).map_err(EndReason::broken("shutdown"))
                }
                Ok(Input::Stop) if stop.is_stopped() => return Ok(EndReason::Ended),
                Ok(Input::Stop) => Ok(()), // the peer has hung up: now receive its last words
                Err(error) => return Ok(EndReason::Broken("read", error)),
            };
            if let Err(broken) = sent {
                // The peer receives no more, but it may still have something to say.
                (sending, reason) = (false, broken);
            }
        } else if receiving {
            match receive_message(&mut receiver) {
                Ok(true) => {}
                Ok(false) if screen.is_terminal() => return Ok(EndReason::PeerLeft),
                Ok(false) => receiving = false,
                Err(broken) => return Ok(broken),
            }
        }
        my_turn = !my_turn;
    }
    Ok(reason)
}

/// Waits until the peer has said something. False if its stream has ended instead.
fn receive_message(receiver: &mut Receiver<'_>) -> Result<bool, EndReason> {
    loop {
        match receiver.receive()? {
            Received::Messages => return Ok(true),
            Received::Bytes => {}
            Received::End => return Ok(false),
        }
    }
}

#[cfg(unix)]
fn descriptor(socket: &Socket) -> std::os::fd::BorrowedFd<'_> {
    std::os::fd::AsFd::as_fd(socket.bare())
}

#[cfg(not(unix))]
fn descriptor(_: &Socket) {}
