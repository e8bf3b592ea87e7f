//! Two threads a side: one sends, one receives, and neither waits for the other. Of the three styles this is the notes' own.
//!
//! What the notes' program gets wrong and this one does not: its main thread spins in an empty loop, and when the peer
//! leaves, one thread notices and the other sleeps on for ever. Here the main thread waits for both ([`Lab::scope`]), and
//! whichever ends first sees to it that the other can end.

use std::io;
use std::net::Shutdown;

use super::ear::{Ear, Heard, QUIET};
use super::keyboard::{Keyboard, Stopper, Typed};
use super::screen::Screen;
use super::{Parted, Side, Talk};
use crate::capture::{self, Lab, Socket};

/// Talks until both streams have ended.
///
/// # Errors
/// What starting a thread answers. A connection that breaks is no error but a [`Parted`].
pub fn talk(lab: &Lab, side: Side, talk: Talk<'_>) -> capture::Result<Parted> {
    let Talk { socket, mut keyboard, screen, inbox, buffer } = talk;
    let stopper = keyboard.stopper();
    let keyboard = &mut keyboard;
    if screen.is_terminal() {
        // A person can leave though the peer reads nothing: now and then a send that is blocked looks up (lesson 10).
        socket.set_write_timeout(Some(QUIET))?;
    }
    lab.scope(|stage| {
        let sender = stage.actor(side.sends(), move |_| Ok(send(socket, keyboard)))?;
        let receiver = stage.actor(side.receives(), move |_| {
            Ok(receive(Ear::new(socket, screen, inbox, buffer), socket, screen, &stopper))
        })?;
        let (sent, received) = (sender.finish()?, receiver.finish()?);
        // The receiver's word counts first: a send that fails has often been refused by a peer that the receiver has seen leave.
        Ok(if matches!(received, Parted::Ended) { sent } else { received })
    })
}

/// The sending thread: a line is typed, a line is sent.
fn send(socket: &Socket, keyboard: &mut Keyboard) -> Parted {
    let stopper = keyboard.stopper();
    let parted = loop {
        match keyboard.some() {
            Ok(Typed::Bytes(bytes)) => match send_all(socket, bytes, &stopper) {
                Ok(()) => {}
                Err(_) if stopper.is_stopped() => break Parted::Ended,
                Err(error) => return Parted::Broken("send", error),
            },
            Ok(Typed::End) => {
                return socket
                    .shutdown(Shutdown::Write)
                    .map_or_else(Parted::broken("shutdown"), |()| Parted::Ended);
            }
            Ok(Typed::Stop) => break Parted::Ended,
            Err(error) => break Parted::Broken("read", error),
        }
    };
    // This wakes the receiver. If the peer is gone already, nothing is left to be shut.
    let _ = socket.shutdown(Shutdown::Both);
    parted
}

/// Sends all of it, however long that takes; `EAGAIN` if the chat is over first.
fn send_all(socket: &Socket, mut bytes: &[u8], stopper: &Stopper) -> io::Result<()> {
    while !bytes.is_empty() {
        match socket.send(bytes) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock && !stopper.is_stopped() => {}
            sent => bytes = &bytes[sent?..],
        }
    }
    Ok(())
}

/// The receiving thread: what comes is shown, until nothing more will come.
fn receive(mut ear: Ear<'_>, socket: &Socket, screen: &dyn Screen, stopper: &Stopper) -> Parted {
    while !stopper.is_stopped() {
        match ear.listen() {
            Ok(Heard::End) => break,
            Ok(Heard::Bytes | Heard::Messages) => {}
            // We leave while the peer talks. What it says to a socket that we have shut resets the connection.
            Err(_) if stopper.is_stopped() => break,
            Err(broken) => {
                // There is nobody left to send to, or nobody to show it to.
                stopper.stop();
                let _ = socket.shutdown(Shutdown::Both);
                return broken;
            }
        }
    }
    if screen.is_terminal() && !stopper.is_stopped() {
        stopper.stop();
        // A sender that is blocked in send wakes, too.
        let _ = socket.shutdown(Shutdown::Both);
        return Parted::PeerLeft;
    }
    Parted::Ended
}
