//! One thread a side, by turns, the client first: the notes' first chat. While one types, the other waits in recv and cannot
//! say a word; that is what the other two styles are there to mend.

use std::net::Shutdown;

use super::ear::{Ear, Heard};
use super::keyboard::Typed;
use super::{Parted, Side, Talk};
use crate::capture::{self, Socket};

/// Talks by turns until both have said all.
///
/// # Errors
/// None: a connection that breaks is a [`Parted`].
pub fn talk(side: Side, talk: Talk<'_>) -> capture::Result<Parted> {
    let Talk { socket, mut keyboard, screen, inbox, buffer } = talk;
    let stopper = keyboard.stopper();
    let mut ear = Ear::new(socket, screen, inbox, buffer);
    let (mut speaking, mut listening) = (true, true);
    let mut my_turn = side == Side::Client;
    let mut parted = Parted::Ended;
    while speaking || listening {
        if my_turn && speaking {
            // A person is not left typing to somebody who has gone.
            let watched = (screen.is_terminal() && listening).then_some(socket);
            let said = match keyboard.line(watched.map(peer_of)) {
                Ok(Typed::Bytes(line)) => socket.send_all(line).map_err(Parted::broken("send")),
                Ok(Typed::End) => {
                    speaking = false;
                    socket.shutdown(Shutdown::Write).map_err(Parted::broken("shutdown"))
                }
                Ok(Typed::Stop) if stopper.is_stopped() => return Ok(Parted::Ended),
                Ok(Typed::Stop) => Ok(()), // the peer has hung up: its last words are heard now
                Err(error) => return Ok(Parted::Broken("read", error)),
            };
            if let Err(broken) = said {
                // The peer takes no more; what it still has to say is heard.
                (speaking, parted) = (false, broken);
            }
        } else if listening {
            match hear_one(&mut ear) {
                Ok(true) => {}
                Ok(false) if screen.is_terminal() => return Ok(Parted::PeerLeft),
                Ok(false) => listening = false,
                Err(broken) => return Ok(broken),
            }
        }
        my_turn = !my_turn;
    }
    Ok(parted)
}

/// Waits for the peer's word; false if it has none left.
fn hear_one(ear: &mut Ear<'_>) -> Result<bool, Parted> {
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
