//! Receiving: recv, and what it takes to show each message at once and yet many together when many come.

use std::io;
use std::time::Duration;

use super::message::Inbox;
use super::screen::Screen;
use super::{Buffer, Parted};
use crate::capture::Socket;

/// When nothing has come for so long, the line has gone quiet.
pub const QUIET: Duration = Duration::from_millis(200);
/// A buffer that may grow becomes no larger than this, in bytes.
const LARGEST: usize = 256 * 1024;
/// So much text is shown at once.
const FULL: usize = 256 * 1024;

/// The receiving half of one side.
pub struct Ear<'a> {
    socket: &'a Socket,
    screen: &'a dyn Screen,
    inbox: Inbox,
    buffer: Vec<u8>,
    may_grow: bool,
    /// What can be shown and has not been.
    text: String,
    /// The timeout that the socket has now.
    timeout: Option<Duration>,
}

/// What came of listening.
#[derive(Debug, PartialEq, Eq)]
pub enum Heard {
    /// Something was received.
    Bytes,
    /// Something was shown.
    Messages,
    /// The peer will send no more.
    End,
}

impl<'a> Ear<'a> {
    /// An ear with a buffer of this size.
    #[must_use]
    pub fn new(
        socket: &'a Socket,
        screen: &'a dyn Screen,
        inbox: Inbox,
        Buffer { size, may_grow }: Buffer,
    ) -> Ear<'a> {
        Ear {
            socket,
            screen,
            inbox,
            buffer: vec![0; size],
            may_grow,
            text: String::new(),
            timeout: None,
        }
    }

    /// Receives once, waiting as long as there is nothing; shows what is complete.
    ///
    /// # Errors
    /// [`Parted`]: the connection broke, or what was heard cannot be shown.
    pub fn listen(&mut self) -> Result<Heard, Parted> {
        if !self.text.is_empty() {
            // The buffer was full: perhaps there is more. Only if there is not, it is time to show.
            return match receive_now(self.socket, &mut self.buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.show(),
                got => self.take(got),
            };
        }
        // Half a message in hand is not waited for any longer than QUIET: timeout mode (lesson 10).
        let timeout = self.inbox.is_waiting().then_some(QUIET);
        if timeout != self.timeout {
            self.socket.set_read_timeout(timeout).map_err(Parted::broken("setsockopt"))?;
            self.timeout = timeout;
        }
        match self.socket.recv(&mut self.buffer) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.quiet(),
            got => self.take(got),
        }
    }

    /// Receives what is there, without waiting: for a socket in non-blocking mode.
    ///
    /// # Errors
    /// Those of [`Ear::listen`].
    pub fn listen_without_waiting(&mut self) -> Result<Heard, Parted> {
        loop {
            match self.socket.recv(&mut self.buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return self.show(),
                got => match self.take(got)? {
                    Heard::Bytes => {}
                    heard => return Ok(heard),
                },
            }
        }
    }

    /// Whether half a message is in hand.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        self.inbox.is_waiting()
    }

    /// The line has gone quiet: half a message is a message.
    ///
    /// # Errors
    /// What was heard cannot be shown.
    pub fn quiet(&mut self) -> Result<Heard, Parted> {
        self.inbox.quiet(&mut self.text);
        self.show()
    }

    /// What recv answered: bytes, the end, or an error.
    fn take(&mut self, got: io::Result<usize>) -> Result<Heard, Parted> {
        let got = match got {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(Heard::Bytes),
            Ok(got) if got > 0 => got,
            end => {
                // What came before the connection ended, or broke, is shown.
                self.inbox.end(&mut self.text);
                self.show()?;
                return end.map(|_| Heard::End).map_err(Parted::broken("recv"));
            }
        };
        self.inbox.push(&self.buffer[..got], &mut self.text);
        let filled = got == self.buffer.len();
        if filled && self.may_grow && got < LARGEST {
            self.buffer.resize(got * 2, 0);
        }
        if filled && self.text.len() < FULL { Ok(Heard::Bytes) } else { self.show() }
    }

    fn show(&mut self) -> Result<Heard, Parted> {
        if self.text.is_empty() {
            return Ok(Heard::Bytes);
        }
        let shown = self.screen.show(&self.text);
        self.text.clear();
        match shown {
            Ok(()) => Ok(Heard::Messages),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(Parted::Unread),
            Err(error) => Err(Parted::Broken("write", error)),
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
