//! Two threads a side: one sends, one receives, and neither waits for the other. Of the three styles this is the notes' own.
//!
//! What the notes' program gets wrong and this one does not: its main thread spins in an empty loop, and when the peer
//! leaves, one thread notices and the other sleeps on for ever. Here the main thread waits for both ([`Lab::scope`]), and
//! whichever ends first sees to it that the other can end.

use std::io;
use std::net::Shutdown;

use super::ear::{Ear, Heard};
use super::keyboard::{Keyboard, Stopper, Typed};
use super::screen::Screen;
use super::{Parted, Side, Talk};
use crate::lab::{self, Lab, Socket};

/// Talks until both streams have ended.
///
/// # Errors
/// What starting a thread answers. A connection that breaks is no error but a [`Parted`].
pub fn talk(lab: &Lab, side: Side, talk: Talk<'_>) -> lab::Result<Parted> {
    let Talk { socket, mut keyboard, screen, inbox, buffer } = talk;
    let stopper = keyboard.stopper();
    let keyboard = &mut keyboard;
    lab.scope(|stage| {
        let sender = stage.actor(side.sends(), move |_| Ok(Parted::from_sending(send(socket, keyboard))))?;
        let receiver =
            stage.actor(side.receives(), move |_| Ok(receive(Ear::new(socket, screen, inbox, buffer), socket, screen, &stopper)))?;
        Ok(sender.finish()?.and(receiver.finish()?))
    })
}

/// The sending thread: a line is typed, a line is sent.
fn send(socket: &Socket, keyboard: &mut Keyboard) -> io::Result<()> {
    loop {
        match keyboard.some()? {
            Typed::Bytes(bytes) => socket.send_all(bytes)?,
            Typed::End => return socket.shutdown(Shutdown::Write),
            Typed::Stop => {
                // Shutting down wakes the receiver. If the peer is gone already, nothing is left to be shut.
                let _ = socket.shutdown(Shutdown::Both);
                return Ok(());
            }
        }
    }
}

/// The receiving thread: what comes is shown, until nothing more will come.
fn receive(mut ear: Ear<'_>, socket: &Socket, screen: &dyn Screen, stopper: &Stopper) -> Parted {
    loop {
        match ear.listen() {
            Ok(Heard::End) => break,
            Ok(Heard::Bytes | Heard::Messages) => {}
            Err(error) => {
                // There is nobody left to send to, or nobody to show it to.
                stopper.stop();
                let _ = socket.shutdown(Shutdown::Both);
                return Parted::from_receiving(error);
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
