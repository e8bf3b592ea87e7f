//! Two threads per side: one sends, one receives, and neither waits for the other. This is the notes' own second chat.
//!
//! The notes' program has two faults. Its main thread spins in an empty loop, and when the peer leaves, one thread notices and
//! the other sleeps forever. Here the main thread sleeps until both threads have ended ([`Lab::scope`]), and whichever thread
//! ends first makes sure that the other can end too.

use std::io;
use std::net::Shutdown;

use super::keyboard::{Input, Keyboard, StopHandle};
use super::receiver::{IDLE_TIMEOUT, Received, Receiver};
use super::screen::Screen;
use super::{EndReason, Session, Side};
use crate::capture::{self, Lab, Socket, sys};

/// Talks until both streams have ended. A broken connection is not an error here: it is one of the [`EndReason`]s.
pub fn talk(lab: &Lab, side: Side, session: Session<'_>) -> capture::Result<EndReason> {
    let Session { socket, mut keyboard, screen, decoder, buffer, signs } = session;
    let stop = keyboard.stop_handle();
    let keyboard = &mut keyboard;
    if screen.is_terminal() {
        // If the peer reads nothing, send blocks. With a timeout it returns now and then, so that the user can leave (lesson 10).
        socket.set_write_timeout(Some(IDLE_TIMEOUT))?;
    }
    lab.scope(|stage| {
        let sender = stage.actor(side.sender_name(), move |_| Ok(send(socket, keyboard)))?;
        let receiver = stage.actor(side.receiver_name(), move |_| {
            Ok(receive(
                Receiver::new(socket, screen, decoder, buffer, signs),
                socket,
                screen,
                &stop,
            ))
        })?;
        let (sent, received) = (sender.finish()?, receiver.finish()?);
        // A send often fails because the peer has left, and the receiver saw that. So its reason comes first.
        Ok(if matches!(received, EndReason::Ended) { sent } else { received })
    })
}

/// The sending thread: sends what is typed, until the input ends or the chat is over.
fn send(socket: &Socket, keyboard: &mut Keyboard) -> EndReason {
    let stop = keyboard.stop_handle();
    let reason = loop {
        match keyboard.read() {
            Ok(Input::Bytes(bytes)) => match send_all(socket, bytes, &stop) {
                Ok(()) => {}
                Err(_) if stop.is_stopped() => break EndReason::Ended,
                Err(error) => return EndReason::Broken("send", error),
            },
            // We have finished, but the peer may not have: close our half of
            // the connection, and let the receiver go on.
            Ok(Input::End) => match socket.shutdown(Shutdown::Write) {
                Ok(()) => return EndReason::Ended,
                Err(error) => return EndReason::Broken("shutdown", error),
            },
            Ok(Input::Stop) => break EndReason::Ended,
            Err(error) => break EndReason::Broken("read", error),
        }
    };
    // The receiver may be blocked in recv, which now returns 0. This fails if the connection is shut down already.
    let _ = socket.shutdown(Shutdown::Both);
    reason
}

/// Sends all the bytes, however long that takes. Fails with `EAGAIN` if the chat ends first.
fn send_all(socket: &Socket, mut bytes: &[u8], stop: &StopHandle) -> io::Result<()> {
    while !bytes.is_empty() {
        match socket.send(bytes) {
            // The write timeout has passed, and nothing was sent.
            Err(error) if sys::is_timeout(&error) && !stop.is_stopped() => {}
            // send may take only some of the bytes.
            sent => bytes = &bytes[sent?..],
        }
    }
    Ok(())
}

/// The receiving thread: shows messages until the peer's stream ends.
fn receive(
    mut receiver: Receiver<'_>,
    socket: &Socket,
    screen: &dyn Screen,
    stop: &StopHandle,
) -> EndReason {
    while !stop.is_stopped() {
        match receiver.receive() {
            Ok(Received::Bytes | Received::Messages) => {}
            Ok(Received::End) => break,
            // The peer's user has finished, and still listens.
            Ok(Received::Finished) => return EndReason::Ended,
            // The user is leaving while the peer talks. We have shut the socket
            // down, so what the peer sends resets the connection.
            Err(_) if stop.is_stopped() => break,
            Err(broken) => {
                // Nothing more can be received or shown. Wake the sender.
                stop.stop();
                let _ = socket.shutdown(Shutdown::Both);
                return broken;
            }
        }
    }
    if screen.is_terminal() && !stop.is_stopped() {
        // The peer has left. The sender may be waiting for the keyboard: the
        // stop handle wakes it. Or it may be in send: shutdown wakes it.
        stop.stop();
        let _ = socket.shutdown(Shutdown::Both);
        return EndReason::PeerLeft;
    }
    EndReason::Ended
}
