//! Unix: what a thread waits for together with sockets, and then reads: standard input, or a pipe of our own. A descriptor either way.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

/// What [`super::poll`] takes besides sockets, and [`read_input`] reads.
pub type Input = OwnedFd;
/// It, or a socket, lent to [`super::poll`].
pub type BorrowedInput<'a> = BorrowedFd<'a>;
/// The other end of [`input_pipe`].
pub type InputWriter = io::PipeWriter;

/// The event of [`super::poll`] for a peer that has shut its sending side; elsewhere than on Linux only one that has closed is told.
#[cfg(target_os = "linux")]
pub const PEER_HANGUP: i16 = libc::POLLRDHUP;
#[cfg(not(target_os = "linux"))]
pub const PEER_HANGUP: i16 = 0;

/// A pipe whose end to read can be waited for (pipe(2)).
pub fn input_pipe() -> io::Result<(Input, InputWriter)> {
    let (read, write) = io::pipe()?;
    Ok((read.into(), write))
}

/// Standard input.
pub fn standard_input() -> io::Result<Input> {
    io::stdin().as_fd().try_clone_to_owned()
}

/// read(2).
pub fn read_input(from: &Input, buffer: &mut [u8]) -> io::Result<usize> {
    Ok(nix::unistd::read(from, buffer)?)
}

pub fn borrow_input(input: &Input) -> BorrowedInput<'_> {
    input.as_fd()
}

pub fn borrow_socket(socket: &socket2::Socket) -> BorrowedInput<'_> {
    socket.as_fd()
}

/// The number by which a call names it.
pub fn input_number(input: BorrowedInput<'_>) -> i64 {
    input.as_raw_fd().into()
}
