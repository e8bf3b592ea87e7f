//! Windows: select and WSAPoll, thin wrappers each of which makes exactly the call that it names.

use std::io;
use std::os::windows::io::{AsRawSocket, AsSocket};
use std::time::Duration;

use windows_sys::Win32::Networking::WinSock as winsock;

use super::{microseconds, milliseconds};

/// The function that [`select`] calls.
pub const SELECT: &str = "select";
/// The function that [`poll`] calls.
pub const POLL: &str = "WSAPoll";

/// Data can be read, or the end of the stream.
pub const READABLE: i16 = winsock::POLLRDNORM;
/// Data can be written.
pub const WRITABLE: i16 = winsock::POLLWRNORM;
/// An error is pending.
pub const ERROR: i16 = winsock::POLLERR;
/// The other end has closed.
pub const HANG_UP: i16 = winsock::POLLHUP;

/// What poll is asked for to learn of an error that is pending on a datagram socket: only recv() is told of it, and so it can be read.
pub const DATAGRAM_ERROR: i16 = READABLE;

/// How many sockets [`select`] takes in each of its sets: winsock2.h leaves the number to the program, and has 64 for those that do
/// not choose.
const MOST: usize = 1024;

/// A set of sockets, laid out as `fd_set` in winsock2.h.
#[repr(C)]
struct Set {
    count: u32,
    sockets: [winsock::SOCKET; MOST],
}

impl Set {
    fn of(sockets: &[i32]) -> io::Result<Box<Set>> {
        if sockets.len() > MOST {
            return Err(io::Error::from_raw_os_error(winsock::WSAEINVAL));
        }
        let mut set = Box::new(Set { count: sockets.len() as u32, sockets: [0; MOST] });
        for (to, from) in set.sockets.iter_mut().zip(sockets) {
            *to = *from as winsock::SOCKET;
        }
        Ok(set)
    }

    /// Null stands for an empty one.
    fn pointer(&mut self) -> *mut winsock::FD_SET {
        if self.count == 0 { std::ptr::null_mut() } else { std::ptr::from_mut(self).cast() }
    }

    fn has(&self, socket: i32) -> bool {
        let known = self.sockets.iter().take(self.count as usize);
        known.into_iter().any(|one| *one == socket as winsock::SOCKET)
    }
}

/// select(): leaves in `read` and `write` the sockets that are ready, and returns how many. A connect that has failed is in neither
/// set but in the third, and counts as writable here, as it does on Unix.
pub fn select(
    read: &mut Vec<i32>,
    write: &mut Vec<i32>,
    timeout: Option<Duration>,
) -> io::Result<usize> {
    let (mut reading, mut writing, mut failing) =
        (Set::of(read)?, Set::of(write)?, Set::of(write)?);
    let span = timeout.map(|timeout| {
        let all = microseconds(timeout);
        winsock::TIMEVAL {
            tv_sec: i32::try_from(all / 1_000_000).unwrap_or(i32::MAX),
            tv_usec: (all % 1_000_000) as i32,
        }
    });
    let span = span.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
    // SAFETY: each set is a count and so many sockets, or null; the time span may be null.
    let answer = unsafe {
        winsock::select(0, reading.pointer(), writing.pointer(), failing.pointer(), span)
    };
    if answer == winsock::SOCKET_ERROR {
        return Err(last_error());
    }
    read.retain(|socket| reading.has(*socket));
    write.retain(|socket| writing.has(*socket) || failing.has(*socket));
    Ok(usize::try_from(answer).unwrap_or(0))
}

/// WSAPoll(): takes sockets with [`READABLE`] and [`WRITABLE`], and returns the events of each; 0 for none.
pub fn poll(asked: &[(impl AsSocket, i16)], timeout: Option<Duration>) -> io::Result<Vec<i16>> {
    let one = |(socket, events): &(_, i16)| winsock::WSAPOLLFD {
        fd: AsSocket::as_socket(socket).as_raw_socket() as winsock::SOCKET,
        events: *events,
        revents: 0,
    };
    let mut all: Vec<_> = asked.iter().map(one).collect();
    let count = u32::try_from(all.len()).unwrap_or(u32::MAX);
    // SAFETY: there are so many entries.
    let answer = unsafe { winsock::WSAPoll(all.as_mut_ptr(), count, milliseconds(timeout)) };
    if answer == winsock::SOCKET_ERROR {
        return Err(last_error());
    }
    Ok(all.iter().map(|one| one.revents).collect())
}

fn last_error() -> io::Error {
    // SAFETY: it has no conditions.
    io::Error::from_raw_os_error(unsafe { winsock::WSAGetLastError() })
}

/// Windows has no such limit.
pub fn raise_descriptor_limit() -> Option<(u64, u64)> {
    None
}

/// Windows has no such limit.
pub fn limit_descriptors(_: u64) -> io::Result<()> {
    super::unsupported(crate::trace::Feature::DescriptorLimit)
}
