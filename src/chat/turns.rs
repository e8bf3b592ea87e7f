//! One thread a side, by turns, the client first: the notes' first chat. While one types, the other waits in recv and cannot
//! say a word; that is what the other two styles are there to mend.

use std::io;
use std::net::Shutdown;

use super::ear::{Ear, Heard};
use super::keyboard::Typed;
use super::{Parted, Side, Talk};
use crate::lab::{self, Socket};

/// Talks by turns until both have said all.
///
/// # Errors
/// None: a connection that breaks is a [`Parted`].
pub fn talk(side: Side, talk: Talk<'_>) -> lab::Result<Parted> {
    let Talk { socket, mut keyboard, screen, inbox, buffer } = talk;
    let stopper = keyboard.stopper();
    let mut ear = Ear::new(socket, screen, inbox, buffer);
    let (mut speaking, mut listening) = (true, true);
    let mut my_turn = side == Side::Client;
    while speaking || listening {
        if my_turn && speaking {
            // A person is not left typing to somebody who has gone.
            let watched = (screen.is_terminal() && listening).then_some(socket);
            match keyboard.line(watched.map(peer_of)) {
                Ok(Typed::Bytes(line)) => {
                    if let Err(error) = socket.send_all(line) {
                        return Ok(Parted::Broken("send", error));
                    }
                }
                Ok(Typed::End) => {
                    speaking = false;
                    let _ = socket.shutdown(Shutdown::Write);
                }
                Ok(Typed::Stop) if stopper.is_stopped() => return Ok(Parted::Ended),
                Ok(Typed::Stop) => {} // the peer has hung up: its last words are heard now
                Err(error) => return Ok(Parted::Broken("read", error)),
            }
        } else if listening {
            match hear_one(&mut ear) {
                Ok(true) => {}
                Ok(false) if screen.is_terminal() => return Ok(Parted::PeerLeft),
                Ok(false) => listening = false,
                Err(error) => return Ok(Parted::from_receiving(error)),
            }
        }
        my_turn = !my_turn;
    }
    Ok(Parted::Ended)
}

/// Waits for the peer's word; false if it has none left.
fn hear_one(ear: &mut Ear<'_>) -> io::Result<bool> {
    loop {
        match ear.listen()? {
            Heard::Messages => return Ok(true),
            Heard::Bytes => {}
            Heard::End => return Ok(false),
        }
    }
}

#[cfg(unix)]
fn peer_of(socket: &Socket) -> std::os::fd::BorrowedFd<'_> {
    std::os::fd::AsFd::as_fd(socket.bare())
}

#[cfg(not(unix))]
fn peer_of(_: &Socket) {}
