//! Blocking or not: a mode that Unix keeps among the status flags of a descriptor, and that Windows takes and does not tell.

use std::io;
use std::panic::Location;

use super::{Socket, done};
use crate::trace::{FlagsCommand, Syscall};

#[cfg(unix)]
impl Socket {
    /// Whether it is non-blocking: `O_NONBLOCK` among its status flags (fcntl(2)).
    #[track_caller]
    pub fn nonblocking(&self) -> io::Result<bool> {
        Ok(self.status_flags(Location::caller())? & libc::O_NONBLOCK != 0)
    }

    fn status_flags(&self, source: &'static Location<'static>) -> io::Result<i32> {
        let tell = |flags: &i32| (i64::from(*flags), crate::trace::Output::None);
        let names = ("nonblocking", "fcntl");
        self.call(names, Syscall::GetFlags, source, super::sys::status_flags, tell)
    }

    /// Makes it non-blocking, or blocking: reads the status flags, and sets them with or without `O_NONBLOCK` (fcntl(2)).
    #[track_caller]
    pub fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        let source = Location::caller();
        let now = self.status_flags(source)?;
        let wanted = if nonblocking { now | libc::O_NONBLOCK } else { now & !libc::O_NONBLOCK };
        if wanted == now {
            return Ok(());
        }
        let syscall = Syscall::SetFlags { nonblocking, command: FlagsCommand::Fcntl };
        let set = |socket: &socket2::Socket| super::sys::set_status_flags(socket, wanted).map(drop);
        self.call(("set_nonblocking", "fcntl"), syscall, source, set, done)
    }
}

#[cfg(windows)]
impl Socket {
    /// Whether it is non-blocking: Windows does not tell.
    pub fn nonblocking(&self) -> io::Result<bool> {
        super::sys::unsupported(crate::trace::Feature::Mode)
    }

    /// Makes it non-blocking, or blocking: ioctlsocket() with `FIONBIO`.
    #[track_caller]
    pub fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        let syscall = Syscall::SetFlags { nonblocking, command: FlagsCommand::Ioctl };
        let set = |socket: &socket2::Socket| socket.set_nonblocking(nonblocking);
        let names = ("set_nonblocking", "ioctlsocket");
        self.call(names, syscall, Location::caller(), set, done)
    }
}
