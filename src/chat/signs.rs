//! What two of these chats, each at a terminal, tell each other besides what is typed: that a user has finished and still listens, and
//! what a user is called.
//!
//! In the stream of bytes a peer that has finished (Ctrl-D) and one that has left look the same: recv returns 0. So before its shutdown a
//! chat sends one byte as urgent data (tcp(7), RFC 9293 section 3.8.5). Another program does not find it in its stream, for recv leaves
//! urgent data out; this one asks for it in its place (`SO_OOBINLINE`). So nobody else shows a byte that was not typed.
//!
//! A name takes more than one byte, and only one can be urgent. So the chat first asks with an urgent byte, and sends a line with the name
//! only to a peer that answers with one. Over AF_UNIX it does not ask: there a reader that was told by poll of an urgent byte, and does not
//! find it, waits in recv for the next.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::message_decoder::MessageDecoder;
use crate::capture::Socket;
#[cfg(not(unix))]
use crate::capture::sys;

/// The first byte of all: I have a name; do you take it?
const ASK: u8 = 0x16;
/// I do.
const ANSWER: u8 = 0x06;
/// The last byte of all: I send nothing more, and still receive.
const FINISHED: u8 = 0x04;
/// What a line with a name begins with.
pub(super) const NAME: u8 = 0x01;

/// The signs of one connection. Those who type and those who receive share them.
pub struct Signs {
    socket: Arc<Socket>,
    /// What the peer is to be told about the user here, and how.
    own: Option<Name>,
    /// Whether the peer's messages are shown under the name that it tells.
    shows_name: bool,
    /// Something has been received.
    heard: AtomicBool,
    /// The peer has asked, and will tell its name.
    peer_tells: AtomicBool,
    /// The user here has finished.
    has_finished: AtomicBool,
    /// The last that was received is [`FINISHED`].
    peer_has_finished: AtomicBool,
}

/// A user's name, and how to tell it.
pub struct OwnName {
    pub name: String,
    /// By turns nobody receives before the first line is sent.
    pub by_turns: bool,
}

struct Name {
    name: OwnName,
    answered: AtomicBool,
    told: AtomicBool,
}

impl Signs {
    /// Begins, before anything else is sent or received: asks, if there is a name.
    pub fn begin(
        socket: Arc<Socket>,
        own: Option<OwnName>,
        shows_name: bool,
    ) -> io::Result<Arc<Signs>> {
        socket.set_out_of_band_inline(true)?;
        if own.is_some() {
            socket.send_urgent(ASK)?;
        }
        let (answered, told) = (AtomicBool::new(false), AtomicBool::new(false));
        Ok(Arc::new(Signs {
            socket,
            own: own.map(|name| Name { name, answered, told }),
            shows_name,
            heard: AtomicBool::new(false),
            peer_tells: AtomicBool::new(false),
            has_finished: AtomicBool::new(false),
            peer_has_finished: AtomicBool::new(false),
        }))
    }

    /// Tells the peer that the user has finished, and still listens. If the peer cannot be told, it takes the user for gone.
    pub fn finish(&self) {
        self.has_finished.store(true, Ordering::SeqCst);
        let _ = self.socket.send_urgent(FINISHED);
    }

    /// What is sent before the next line: the name, once, when the peer has answered.
    pub fn introduction(&self) -> Option<Vec<u8>> {
        let own = self.own.as_ref().filter(|own| !own.told.load(Ordering::SeqCst))?;
        if own.name.by_turns {
            self.look();
        }
        if !own.answered.load(Ordering::SeqCst) {
            return None;
        }
        own.told.store(true, Ordering::SeqCst);
        Some([&[NAME], own.name.name.as_bytes(), b"\n"].concat())
    }

    /// Takes a sign out of what one recv returned; the rest is the peer's words. recv stops before an urgent byte, so that one is the
    /// first.
    pub fn take<'b>(&self, bytes: &'b [u8], decoder: &mut MessageDecoder) -> &'b [u8] {
        let words = match bytes {
            [first, rest @ ..] if self.is_sign(*first) => {
                self.note(*first);
                rest
            }
            _ => bytes,
        };
        self.heard.store(true, Ordering::SeqCst);
        let has_finished = bytes == [FINISHED];
        self.peer_has_finished.store(has_finished, Ordering::SeqCst);
        if self.peer_tells.load(Ordering::SeqCst) {
            decoder.expect_names(self.shows_name);
        }
        if has_finished { &[] } else { words }
    }

    /// Whether the peer has said that it has finished.
    pub fn peer_has_finished(&self) -> bool {
        self.peer_has_finished.load(Ordering::SeqCst)
    }

    /// Whether the user here has said so.
    pub fn has_finished(&self) -> bool {
        self.has_finished.load(Ordering::SeqCst)
    }

    fn is_sign(&self, byte: u8) -> bool {
        match byte {
            ASK => !self.heard.load(Ordering::SeqCst),
            ANSWER => self.own.as_ref().is_some_and(|own| !own.answered.load(Ordering::SeqCst)),
            _ => false,
        }
    }

    fn note(&self, sign: u8) {
        if sign == ASK {
            self.peer_tells.store(true, Ordering::SeqCst);
            // A peer that cannot be answered keeps its name.
            let _ = self.socket.send_urgent(ANSWER);
        } else if let Some(own) = &self.own {
            own.answered.store(true, Ordering::SeqCst);
        }
    }

    /// Takes the signs that have come, without waiting.
    fn look(&self) {
        let mut byte = [0];
        while matches!(self.peek_now(&mut byte), Ok(1))
            && self.is_sign(byte[0])
            && matches!(self.socket.recv(&mut byte), Ok(1))
        {
            self.heard.store(true, Ordering::SeqCst);
            self.note(byte[0]);
        }
    }

    #[cfg(unix)]
    fn peek_now(&self, byte: &mut [u8; 1]) -> io::Result<usize> {
        self.socket.recv_with_flags(byte, crate::capture::PEEK_NOW)
    }

    /// No flag keeps recv from waiting, but this says whether it would.
    #[cfg(not(unix))]
    fn peek_now(&self, byte: &mut [u8; 1]) -> io::Result<usize> {
        let watched = [(sys::borrow_socket(self.socket.bare()), sys::READABLE)];
        match sys::poll(&watched, Some(std::time::Duration::ZERO))?[..] {
            [events] if events != 0 => self.socket.peek(byte),
            _ => Err(io::ErrorKind::WouldBlock.into()),
        }
    }
}
