//! epoll(7): a thin wrapper, each function of which makes exactly one system call.

use std::io;
use std::os::fd::AsRawFd;
use std::time::Duration;

use nix::sys::epoll::{EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};

use super::{milliseconds, poll_events};
use crate::trace::EpollOperation;

/// What keeps a list of sockets for the kernel to watch.
pub const EPOLL: &str = "epoll";
/// Whether this system has it.
pub const HAS_EPOLL: bool = true;
/// The function that makes one, and the system call behind it.
pub const EPOLL_CREATE: (&str, &str) = ("epoll", "epoll_create1");
/// The flags that it is made with.
pub const EPOLL_FLAGS: &str = "EPOLL_CLOEXEC";
/// The function that changes its list, and the system call behind it.
pub const EPOLL_CTL: (&str, &str) = ("epoll_ctl", "epoll_ctl");
/// The function that asks who is ready, and the system call behind it.
pub const EPOLL_WAIT: (&str, &str) =
    ("epoll_wait", if cfg!(target_arch = "x86_64") { "epoll_wait" } else { "epoll_pwait" });

/// An epoll instance.
#[derive(Debug)]
pub struct Epoll(nix::sys::epoll::Epoll);

impl Epoll {
    /// epoll_create1(2).
    pub fn new() -> io::Result<Epoll> {
        Ok(Epoll(nix::sys::epoll::Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?))
    }

    pub fn descriptor(&self) -> i64 {
        self.0.0.as_raw_fd().into()
    }

    /// epoll_ctl(2); `edge`: with `EPOLLET`. Returns what the call returned.
    pub fn control(
        &self,
        operation: &EpollOperation,
        socket: &socket2::Socket,
        wanted: i16,
        edge: bool,
    ) -> io::Result<i64> {
        let mut flags = EpollFlags::from_bits_retain(wanted.into());
        flags.set(EpollFlags::EPOLLET, edge);
        let number = u64::try_from(socket.as_raw_fd()).unwrap_or(0);
        let mut event = EpollEvent::new(flags, number);
        match operation {
            EpollOperation::Add => self.0.add(socket, event)?,
            EpollOperation::Modify => self.0.modify(socket, &mut event)?,
            EpollOperation::Delete => self.0.delete(socket)?,
            EpollOperation::Other(_) => return Err(io::ErrorKind::InvalidInput.into()),
        }
        Ok(0)
    }

    /// epoll_wait(2): what it returned, and at most `most` ready descriptors, each with its events.
    pub fn wait(
        &self,
        most: usize,
        timeout: Option<Duration>,
    ) -> io::Result<(i64, Vec<(i64, i16)>)> {
        let mut room = vec![EpollEvent::empty(); most.max(1)];
        let ready = self.0.wait(
            &mut room,
            EpollTimeout::try_from(milliseconds(timeout)).unwrap_or(EpollTimeout::MAX),
        )?;
        room.truncate(ready);
        // The bits of EPOLLIN, EPOLLOUT, EPOLLERR and EPOLLHUP are those of poll(2) (linux/eventpoll.h).
        let found = room
            .iter()
            .map(|one| (one.data().cast_signed(), (one.events().bits() & 0x7fff) as i16))
            .collect();
        Ok((i64::try_from(ready).unwrap_or(i64::MAX), found))
    }
}

/// How the call that [`Epoll::control`] makes names what it does, and the events.
pub fn epoll_words(
    operation: EpollOperation,
    wanted: i16,
    edge: bool,
) -> (EpollOperation, Option<String>) {
    let events = (operation != EpollOperation::Delete)
        .then(|| epoll_events(wanted) + if edge { "|EPOLLET" } else { "" });
    (operation, events)
}

/// The names of these events.
pub fn epoll_events(bits: i16) -> String {
    poll_events(bits).replace("POLL", "EPOLL")
}
