//! Windows: what a thread waits for together with sockets. WSAPoll takes sockets alone, so that what is typed goes through a TCP connection
//! of this process with itself, and the end of it that is read is a socket.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::os::windows::io::{AsRawSocket, AsSocket, BorrowedSocket};
use std::thread;

/// How much is read at once, in bytes.
const BLOCK_SIZE: usize = 64 * 1024;

/// What [`super::poll`] takes besides sockets, and [`read_input`] reads.
pub type Input = TcpStream;
/// It, or a socket, lent to [`super::poll`].
pub type BorrowedInput<'a> = BorrowedSocket<'a>;
/// The other end of [`input_pipe`].
pub type InputWriter = TcpStream;

/// A peer that has closed is told unasked.
pub const PEER_HANGUP: i16 = 0;

/// A connection, to write to at one end and to read from at the other.
pub fn input_pipe() -> io::Result<(Input, InputWriter)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let writer = TcpStream::connect(listener.local_addr()?)?;
    loop {
        let (reader, from) = listener.accept()?;
        // Any program of this machine can connect meanwhile.
        if from == writer.local_addr()? {
            writer.set_nodelay(true)?;
            return Ok((reader, writer));
        }
    }
}

/// Standard input, by way of a thread that reads ahead. It ends with the input or with the process: nothing else wakes a thread that
/// waits for a console.
pub fn standard_input() -> io::Result<Input> {
    let (reader, mut writer) = input_pipe()?;
    thread::Builder::new().name("standard input".to_owned()).spawn(move || {
        let mut block = vec![0; BLOCK_SIZE];
        // An error looks like the end: that of a pipe whose writer has gone is the end.
        while let Ok(length @ 1..) = io::stdin().read(&mut block) {
            if writer.write_all(&block[..length]).is_err() {
                return;
            }
        }
        let _ = writer.shutdown(Shutdown::Write);
    })?;
    Ok(reader)
}

/// recv().
pub fn read_input(mut from: &Input, buffer: &mut [u8]) -> io::Result<usize> {
    from.read(buffer)
}

pub fn borrow_input(input: &Input) -> BorrowedInput<'_> {
    input.as_socket()
}

pub fn borrow_socket(socket: &socket2::Socket) -> BorrowedInput<'_> {
    socket.as_socket()
}

/// The number by which a call names it.
pub fn input_number(input: BorrowedInput<'_>) -> i64 {
    input.as_raw_socket().cast_signed()
}
