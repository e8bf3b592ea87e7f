//! One thread per side: the two sides take turns, and the client types first. This is the first chat of the notes.
//!
//! A thread that waits for the keyboard is not in recv, and a thread that waits in recv does not read the keyboard. So while one
//! side types, the other can only listen. [`threads`](super::threads) and [`poll`](super::poll) are two ways out.

use std::net::Shutdown;

use super::EndReason::PeerLeft;
use super::keyboard::{Input, Keyboard};
use super::receiver::{Received, Receiver};
use super::{EndReason, Session, Side};
use crate::capture::{self, Socket, sys};

/// How a turn went, ours or the peer's.
enum Turn {
    /// One line was sent or received. Now it is the other side's turn.
    Over,
    /// Nothing more will go in this direction.
    Last(EndReason),
    /// The chat ends now.
    Leave(EndReason),
}

/// Talks by turns until both sides have finished. A broken connection is not an error here: it is one of the [`EndReason`]s.
pub fn talk(side: Side, session: Session<'_>) -> capture::Result<EndReason> {
    let Session { socket, mut keyboard, screen, decoder, buffer, signs } = session;
    let mut receiver = Receiver::new(socket, screen, decoder, buffer, signs);
    let mut my_turn = side == Side::Client;
    let (mut sending, mut receiving) = (true, true);
    let mut reason = EndReason::Ended;
    while sending || receiving {
        if my_turn && sending {
            // A person should not go on typing to a peer that has left.
            let peer = (screen.is_terminal() && receiving).then_some(socket);
            match send_line(socket, &mut keyboard, peer) {
                Turn::Over => {}
                // The peer may still have something to say, so go on receiving.
                Turn::Last(why) => (sending, reason) = (false, why),
                Turn::Leave(why) => return Ok(why),
            }
        } else if receiving {
            match receive_message(&mut receiver) {
                Turn::Over => {}
                // At a terminal the chat is over when the peer has left.
                Turn::Last(PeerLeft) if screen.is_terminal() => {
                    return Ok(PeerLeft);
                }
                Turn::Last(_) => receiving = false,
                Turn::Leave(why) => return Ok(why),
            }
        }
        my_turn = !my_turn;
    }
    Ok(reason)
}

/// Our turn: waits for the keyboard, and sends one line. `peer` is the connection, if a hang-up should end the wait.
fn send_line(socket: &Socket, keyboard: &mut Keyboard, peer: Option<&Socket>) -> Turn {
    let stop = keyboard.stop_handle();
    match keyboard.read_line(peer.map(descriptor)) {
        Ok(Input::Bytes(line)) => match socket.send_all(line) {
            Ok(()) => Turn::Over,
            Err(error) => Turn::Last(EndReason::Broken("send", error)),
        },
        // Ctrl-D: close our half of the connection. The peer's recv returns 0.
        Ok(Input::End) => match socket.shutdown(Shutdown::Write) {
            Ok(()) => Turn::Last(EndReason::Ended),
            Err(error) => Turn::Last(EndReason::Broken("shutdown", error)),
        },
        Ok(Input::Stop) if stop.is_stopped() => Turn::Leave(EndReason::Ended),
        // The peer has hung up. Receive its last words.
        Ok(Input::Stop) => Turn::Over,
        Err(error) => Turn::Leave(EndReason::Broken("read", error)),
    }
}

/// The peer's turn: waits in recv until a whole message has come, and has been shown.
fn receive_message(receiver: &mut Receiver<'_>) -> Turn {
    loop {
        match receiver.receive() {
            Ok(Received::Messages) => return Turn::Over,
            // Not a whole message yet: it may come in several pieces.
            Ok(Received::Bytes) => {}
            Ok(Received::End) => return Turn::Last(PeerLeft),
            Ok(Received::Finished) => return Turn::Last(EndReason::Ended),
            Err(broken) => return Turn::Leave(broken),
        }
    }
}

fn descriptor(socket: &Socket) -> sys::BorrowedInput<'_> {
    sys::borrow_socket(socket.bare())
}
