//! Sending and receiving.

use std::cell::RefCell;
use std::io;
use std::mem::MaybeUninit;
use std::panic::Location;

use socket2::SockAddr;

use super::names::{self, MSG_PEEK, PEEK_ALL, address};
use super::{Socket, sys};
use crate::trace::{Data, MsgFlags, Output, Syscall};

impl Socket {
    /// Passes bytes to the kernel, and returns how many it took: send(2).
    ///
    /// # Errors
    /// `EPIPE` if the connection's own sending side is shut, `ECONNRESET`, `ENOTCONN`, `EAGAIN`.
    #[track_caller]
    pub fn send(&self, bytes: &[u8]) -> io::Result<usize> {
        self.pass("send", bytes, 0, Location::caller())
    }

    /// [`Socket::send`] with flags, such as `MSG_NOSIGNAL`.
    #[track_caller]
    pub fn send_with_flags(&self, bytes: &[u8], flags: i32) -> io::Result<usize> {
        self.pass("send_with_flags", bytes, flags, Location::caller())
    }

    fn pass(
        &self,
        function: &'static str,
        bytes: &[u8],
        flags: i32,
        source: &'static Location<'static>,
    ) -> io::Result<usize> {
        self.call(
            (function, sys::SEND),
            Syscall::Send { data: Data::of(bytes), to: None, flags: names::flags(flags) },
            source,
            |socket| socket.send_with_flags(bytes, flags),
            |sent| (length(*sent), Output::None),
        )
    }

    /// Sends one byte as urgent data, which peers that do not ask for it never find in their stream: send(2) with `MSG_OOB`.
    ///
    /// # Errors
    /// `EOPNOTSUPP` if the family has no such data; those of [`Socket::send`].
    #[track_caller]
    pub fn send_urgent(&self, byte: u8) -> io::Result<()> {
        self.call(
            ("send_out_of_band", sys::SEND),
            Syscall::Send { data: Data::of(&[byte]), to: None, flags: MsgFlags::named("MSG_OOB") },
            Location::caller(),
            |socket| socket.send_out_of_band(&[byte]),
            |sent| (length(*sent), Output::None),
        )
        .map(|_| ())
    }

    /// Sends all bytes, with as many calls of [`Socket::send`] as that takes.
    #[track_caller]
    pub fn send_all(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            bytes = &bytes[self.send(bytes)?..];
        }
        Ok(())
    }

    /// Receives available bytes, or waits for some: recv(2). 0 means that the peer will send no more.
    ///
    /// # Errors
    /// `ECONNRESET`, `ECONNREFUSED` (UDP, from an earlier send), `EAGAIN`.
    #[track_caller]
    pub fn recv(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.receive("recv", buffer, 0, Location::caller())
    }

    /// [`Socket::recv`] with flags, such as `MSG_TRUNC`.
    #[track_caller]
    pub fn recv_with_flags(&self, buffer: &mut [u8], flags: i32) -> io::Result<usize> {
        self.receive("recv_with_flags", buffer, flags, Location::caller())
    }

    /// Reads available bytes without removing them: recv(2) with `MSG_PEEK`.
    #[track_caller]
    pub fn peek(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.receive("peek", buffer, MSG_PEEK, Location::caller())
    }

    /// Waits until as many bytes are there as the buffer has room for, without taking them: recv(2) with `MSG_PEEK` and
    /// `MSG_WAITALL`. Fewer if the peer will send no more.
    #[track_caller]
    pub fn peek_all(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.receive("peek_all", buffer, PEEK_ALL, Location::caller())
    }

    fn receive(
        &self,
        function: &'static str,
        buffer: &mut [u8],
        flags: i32,
        source: &'static Location<'static>,
    ) -> io::Result<usize> {
        let syscall = Syscall::Recv { size: buffer.len() as u64, flags: names::flags(flags) };
        let cell = RefCell::new(buffer);
        self.call(
            (function, sys::RECV),
            syscall,
            source,
            |socket| {
                let mut buffer = cell.borrow_mut();
                // SAFETY: recv(2) writes received bytes and nothing else.
                let room = unsafe { uninitialised(&mut buffer) };
                socket.recv_with_flags(room, flags)
            },
            |got| {
                let data = received(&cell.borrow(), *got);
                (length(*got), Output::Received { data, from: None })
            },
        )
    }

    /// Sends one datagram to an address: sendto(2).
    ///
    /// # Errors
    /// `EMSGSIZE` if it is too long; `ECONNREFUSED` (connected sockets) from an earlier one; `EACCES` for a broadcast.
    #[track_caller]
    pub fn send_to(&self, bytes: &[u8], to: &SockAddr) -> io::Result<usize> {
        let syscall = Syscall::Send {
            data: Data::of(bytes),
            to: Some(address(to)),
            flags: MsgFlags::default(),
        };
        let source = Location::caller();
        let sent = self.call(
            ("send_to", "sendto"),
            syscall,
            source,
            |socket| socket.send_to(bytes, to),
            |sent| (length(*sent), Output::None),
        )?;
        self.locate();
        Ok(sent)
    }

    /// Receives one datagram, and who sent it: recvfrom(2).
    #[track_caller]
    pub fn recv_from(&self, buffer: &mut [u8]) -> io::Result<(usize, SockAddr)> {
        let cell = RefCell::new(buffer);
        let size = cell.borrow().len();
        self.call(
            ("recv_from", "recvfrom"),
            Syscall::Recv { size: size as u64, flags: MsgFlags::default() },
            Location::caller(),
            |socket| {
                let mut buffer = cell.borrow_mut();
                // SAFETY: recvfrom(2) writes received bytes and nothing else.
                let room = unsafe { uninitialised(&mut buffer) };
                socket.recv_from(room)
            },
            |(got, from)| {
                let data = received(&cell.borrow(), *got);
                (length(*got), Output::Received { data, from: Some(address(from)) })
            },
        )
    }
}

fn length(of: usize) -> i64 {
    i64::try_from(of).unwrap_or(i64::MAX)
}

/// A receive buffer as socket2 takes it.
///
/// # Safety
/// Nothing uninitialised may be written through it: the caller goes on to read the same bytes as `u8`.
unsafe fn uninitialised(buffer: &mut [u8]) -> &mut [MaybeUninit<u8>] {
    // SAFETY: `MaybeUninit<u8>` has the layout of `u8`, and the caller keeps every byte initialised.
    unsafe { &mut *(std::ptr::from_mut(buffer) as *mut [MaybeUninit<u8>]) }
}

/// The received bytes, to be recorded. A length beyond the buffer's (`MSG_TRUNC`) counts as the whole buffer.
fn received(buffer: &[u8], length: usize) -> Data {
    Data::of(&buffer[..length.min(buffer.len())])
}
