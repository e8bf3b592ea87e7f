//! The receiving half of each style: calls recv, decodes the bytes, and shows the messages.
//!
//! A message should appear as soon as it has arrived. But when a peer sends megabytes, showing each line by itself would take
//! one write per line. So while recv fills the whole buffer, which means that there is probably more, the receiver keeps
//! receiving. It shows what it has once recv has emptied the socket.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::message_decoder::MessageDecoder;
use super::screen::Screen;
use super::signs::Signs;
use super::{Buffer, EndReason};
use crate::capture::{Socket, sys};
use crate::i18n::tr;

/// After this long without a byte, an unfinished line counts as a whole message.
pub const IDLE_TIMEOUT: Duration = Duration::from_millis(200);
/// A buffer that may grow stops growing at this size, in bytes.
const MAX_BUFFER: usize = 256 * 1024;
/// Text is shown when there is this much of it, even if the socket has more.
const MAX_PENDING_TEXT: usize = 256 * 1024;

/// Receives from a socket, and shows the messages on a screen.
pub struct Receiver<'a> {
    socket: &'a Socket,
    screen: &'a dyn Screen,
    decoder: MessageDecoder,
    buffer: Vec<u8>,
    may_grow: bool,
    /// Decoded, and not yet shown.
    text: String,
    /// The socket's current read timeout.
    timeout: Option<Duration>,
    /// What the peer may tell besides what it types, at a terminal.
    signs: Option<Arc<Signs>>,
}

/// The outcome of one attempt to receive.
#[derive(Debug, PartialEq, Eq)]
pub enum Received {
    /// Perhaps some bytes, but nothing has been shown yet.
    Bytes,
    /// At least one message has been shown.
    Messages,
    /// The peer will send no more: recv returned 0.
    End,
    /// The same, and the peer's user has said so and still listens.
    Finished,
}

impl<'a> Receiver<'a> {
    /// A receiver whose buffer has this size at first.
    #[must_use]
    pub fn new(
        socket: &'a Socket,
        screen: &'a dyn Screen,
        decoder: MessageDecoder,
        Buffer { size, may_grow }: Buffer,
        signs: Option<Arc<Signs>>,
    ) -> Receiver<'a> {
        Receiver {
            socket,
            screen,
            decoder,
            buffer: vec![0; size],
            may_grow,
            text: String::new(),
            timeout: None,
            signs,
        }
    }

    /// Receives once, from a blocking socket: waits until something arrives, and shows the complete messages.
    pub fn receive(&mut self) -> Result<Received, EndReason> {
        if !self.text.is_empty() {
            // The last recv filled the buffer, so the socket may have more. Look without waiting (MSG_DONTWAIT). If there is
            // none, show what we have held back.
            return match receive_now(self.socket, &mut self.buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.show(),
                received => self.handle(received),
            };
        }
        // With half a message in hand, recv must not wait forever: SO_RCVTIMEO makes it give up with EAGAIN (lesson 10).
        // Setting the option only when it changes saves a system call per message.
        // Nor where no shutdown wakes it: at a terminal the chat may end meanwhile.
        let gives_up =
            self.decoder.has_partial_message() || self.screen.is_terminal() && !sys::SHUTDOWN_WAKES;
        let timeout = gives_up.then_some(IDLE_TIMEOUT);
        if timeout != self.timeout {
            self.socket.set_read_timeout(timeout).map_err(EndReason::broken("setsockopt"))?;
            self.timeout = timeout;
        }
        match self.socket.recv(&mut self.buffer) {
            Err(error) if sys::is_timeout(&error) => self.show_partial_message(),
            received => self.handle(received),
        }
    }

    /// Receives everything that is there, from a non-blocking socket: EAGAIN means that it is empty.
    pub fn receive_available(&mut self) -> Result<Received, EndReason> {
        loop {
            match self.socket.recv(&mut self.buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return self.show(),
                received => match self.handle(received)? {
                    Received::Bytes => {}
                    other => return Ok(other),
                },
            }
        }
    }

    /// Whether there is an unfinished line, to be shown if its end does not arrive within [`IDLE_TIMEOUT`].
    #[must_use]
    pub fn has_partial_message(&self) -> bool {
        self.decoder.has_partial_message()
    }

    /// Nothing has arrived for [`IDLE_TIMEOUT`]: shows the unfinished line as a message.
    pub fn show_partial_message(&mut self) -> Result<Received, EndReason> {
        self.decoder.idle(&mut self.text);
        self.show()
    }

    /// Handles what recv returned: bytes, the end of the stream, or an error.
    fn handle(&mut self, received: io::Result<usize>) -> Result<Received, EndReason> {
        let length = match received {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(Received::Bytes),
            Ok(length) if length > 0 => length,
            end_or_error => {
                // Either way nothing more will arrive. Show what came before, even if the connection broke.
                self.decoder.finish(&mut self.text);
                self.show()?;
                end_or_error.map_err(EndReason::broken("recv"))?;
                if let Some(signs) = self.signs.as_ref().filter(|it| it.peer_has_finished()) {
                    if !signs.has_finished() {
                        self.screen.note(tr!(
                            "the peer sends nothing more, but still receives; Ctrl-D or /quit ends the chat"
                        ));
                    }
                    return Ok(Received::Finished);
                }
                return Ok(Received::End);
            }
        };
        let words = match &self.signs {
            Some(signs) => signs.take(&self.buffer[..length], &mut self.decoder),
            None => &self.buffer[..length],
        };
        self.decoder.push(words, &mut self.text);
        // A full buffer means that there is probably more: from now on receive it in fewer, larger pieces.
        let filled = length == self.buffer.len();
        if filled && self.may_grow && length < MAX_BUFFER {
            self.buffer.resize(length * 2, 0);
        }
        if filled && self.text.len() < MAX_PENDING_TEXT { Ok(Received::Bytes) } else { self.show() }
    }

    /// Shows the pending text, in one write.
    fn show(&mut self) -> Result<Received, EndReason> {
        if self.text.is_empty() {
            return Ok(Received::Bytes);
        }
        let shown = self.screen.show(&self.text);
        self.text.clear();
        match shown {
            Ok(()) => Ok(Received::Messages),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(EndReason::OutputClosed),
            Err(error) => Err(EndReason::Broken("write", error)),
        }
    }
}

#[cfg(unix)]
fn receive_now(socket: &Socket, buffer: &mut [u8]) -> io::Result<usize> {
    socket.recv_with_flags(buffer, crate::capture::MSG_DONTWAIT)
}

#[cfg(not(unix))]
fn receive_now(_: &Socket, _: &mut [u8]) -> io::Result<usize> {
    Err(io::ErrorKind::WouldBlock.into())
}
