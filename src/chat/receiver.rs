//! The receiving half of a side, for all three styles: calls recv, decodes what it got, and shows the messages.
//!
//! A message is to be seen as soon as it is there. But when a peer sends megabytes, showing each line by itself would take
//! one write per line. So the receiver shows what it has as soon as recv has emptied the socket, and goes on receiving while
//! recv fills the whole buffer, for then there is probably more.

use std::io;
use std::time::Duration;

use super::message_decoder::MessageDecoder;
use super::screen::Screen;
use super::{Buffer, EndReason};
use crate::capture::Socket;

/// After this long without a byte, an unfinished line is taken for a whole message.
pub const IDLE_TIMEOUT: Duration = Duration::from_millis(200);
/// A buffer that may grow stops growing at this size, in bytes.
const MAX_BUFFER: usize = 256 * 1024;
/// Text is shown when there is this much of it, even if the socket has more.
const MAX_PENDING_TEXT: usize = 256 * 1024;

/// Receives from a socket, and shows what came on a screen.
pub struct Receiver<'a> {
    socket: &'a Socket,
    screen: &'a dyn Screen,
    decoder: MessageDecoder,
    buffer: Vec<u8>,
    may_grow: bool,
    /// Decoded, and not yet shown.
    text: String,
    /// The read timeout that the socket has now.
    timeout: Option<Duration>,
}

/// The outcome of one attempt to receive.
#[derive(Debug, PartialEq, Eq)]
pub enum Received {
    /// Perhaps some bytes, but nothing has been shown yet.
    Bytes,
    /// At least one message has been shown.
    Messages,
    /// The peer has shut its stream: recv returned 0.
    End,
}

impl<'a> Receiver<'a> {
    /// A receiver whose buffer has this size to begin with.
    #[must_use]
    pub fn new(
        socket: &'a Socket,
        screen: &'a dyn Screen,
        decoder: MessageDecoder,
        Buffer { size, may_grow }: Buffer,
    ) -> Receiver<'a> {
        Receiver {
            socket,
            screen,
            decoder,
            buffer: vec![0; size],
            may_grow,
            text: String::new(),
            timeout: None,
        }
    }

    /// Receives once, for a blocking socket: waits until something comes, and shows the messages that are complete.
    pub fn receive(&mut self) -> Result<Received, EndReason> {
        if !self.text.is_empty() {
            // The last recv filled the buffer, so the socket may have more. Look without waiting (MSG_DONTWAIT): if it
            // has none, what we hold back must be shown now.
            return match receive_now(self.socket, &mut self.buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.show(),
                received => self.handle(received),
            };
        }
        // With half a message in hand, recv must not wait for ever: SO_RCVTIMEO makes it give up with EAGAIN (lesson 10).
        // Otherwise it may. The option is set only when that changes, which saves a system call per message.
        let timeout = self.decoder.has_partial_message().then_some(IDLE_TIMEOUT);
        if timeout != self.timeout {
            self.socket.set_read_timeout(timeout).map_err(EndReason::broken("setsockopt"))?;
            self.timeout = timeout;
        }
        match self.socket.recv(&mut self.buffer) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.show_partial_message(),
            received => self.handle(received),
        }
    }

    /// Receives all that is there, for a socket in non-blocking mode: EAGAIN says that it is empty.
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

    /// Whether a line has begun that should be shown if its end does not come within [`IDLE_TIMEOUT`].
    #[must_use]
    pub fn has_partial_message(&self) -> bool {
        self.decoder.has_partial_message()
    }

    /// Nothing has come for [`IDLE_TIMEOUT`]: shows the unfinished line as a message.
    pub fn show_partial_message(&mut self) -> Result<Received, EndReason> {
        self.decoder.idle(&mut self.text);
        self.show()
    }

    /// Deals with recv's answer: bytes, the end of the stream, or an error.
    fn handle(&mut self, received: io::Result<usize>) -> Result<Received, EndReason> {
        let length = match received {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(Received::Bytes),
            Ok(length) if length > 0 => length,
            end_or_error => {
                // Either way nothing more will come. Show what came before, even if the connection broke.
                self.decoder.finish(&mut self.text);
                self.show()?;
                return end_or_error.map(|_| Received::End).map_err(EndReason::broken("recv"));
            }
        };
        self.decoder.push(&self.buffer[..length], &mut self.text);
        // A full buffer means that there is probably more: fetch it with fewer, larger calls from now on.
        let filled = length == self.buffer.len();
        if filled && self.may_grow && length < MAX_BUFFER {
            self.buffer.resize(length * 2, 0);
        }
        if filled && self.text.len() < MAX_PENDING_TEXT { Ok(Received::Bytes) } else { self.show() }
    }

    /// Shows the text that has been held back, in one write.
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
