//! kqueue(2) of macOS and FreeBSD, behind the face of epoll(7): one call, kevent(2), changes what is watched and asks who is ready.
//! Written by its manual pages and by xnu (bsd/kern/kern_event.c, bsd/kern/uipc_socket.c); nobody has tried it on those systems yet.
//!
//! Unlike epoll_ctl(2), kevent(2) may add what is watched already, and it watches reading and writing as two things, which it reports
//! one by one.

use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::time::Duration;

use nix::libc::timespec;
use nix::sys::event::{EvFlags, EventFilter, FilterFlag, KEvent, Kqueue};

use super::{ERROR, HANG_UP, READABLE, WRITABLE, milliseconds};
use crate::trace::EpollOperation;

/// What keeps a list of sockets for the kernel to watch.
pub const EPOLL: &str = "kqueue";
/// Whether this system has it.
pub const HAS_EPOLL: bool = true;
/// The function that makes one, and the system call behind it.
pub const EPOLL_CREATE: (&str, &str) = ("kqueue", "kqueue");
/// The flags that it is made with.
pub const EPOLL_FLAGS: &str = "";
/// The function that changes its list, and the system call behind it.
pub const EPOLL_CTL: (&str, &str) = ("kevent", "kevent");
/// The function that asks who is ready, and the system call behind it.
pub const EPOLL_WAIT: (&str, &str) = ("kevent", "kevent");

/// A queue of events.
#[derive(Debug)]
pub struct Epoll(Kqueue);

impl Epoll {
    /// kqueue(2). No child inherits it.
    pub fn new() -> io::Result<Epoll> {
        Ok(Epoll(Kqueue::new()?))
    }

    pub fn descriptor(&self) -> i64 {
        self.0.as_fd().as_raw_fd().into()
    }

    /// kevent(2) that changes what is watched; `edge`: with `EV_CLEAR`. Returns what the call returned.
    pub fn control(
        &self,
        operation: &EpollOperation,
        socket: &socket2::Socket,
        wanted: i16,
        edge: bool,
    ) -> io::Result<i64> {
        let number = usize::try_from(socket.as_raw_fd()).map_err(io::Error::other)?;
        let change = |(filter, flags)| event(number, filter, flags);
        let changes: Vec<_> = changes(operation, wanted, edge).into_iter().map(change).collect();
        if *operation != EpollOperation::Delete {
            return Ok(count(self.0.kevent(&changes, &mut [], None)?));
        }
        // Which of the two are watched the kernel knows: it answers to each change, with an error or 0.
        let mut answers = changes.clone();
        let answered = self.0.kevent(&changes, &mut answers, None)?;
        let errors: Vec<_> = answers.iter().take(answered).map(KEvent::data).collect();
        match errors.iter().find(|error| **error != 0) {
            Some(error) if !errors.contains(&0) => {
                Err(io::Error::from_raw_os_error(i32::try_from(*error).unwrap_or(0)))
            }
            _ => Ok(count(answered)),
        }
    }

    /// kevent(2) that asks: what it returned, and of at most `most` events the descriptors, each with all that it is ready for.
    pub fn wait(
        &self,
        most: usize,
        timeout: Option<Duration>,
    ) -> io::Result<(i64, Vec<(i64, i16)>)> {
        let mut room = vec![event(0, EventFilter::EVFILT_READ, EvFlags::empty()); most.max(1)];
        let milliseconds = milliseconds(timeout);
        let span = (milliseconds >= 0).then(|| timespec {
            tv_sec: (milliseconds / 1000).into(),
            tv_nsec: (milliseconds % 1000 * 1_000_000).into(),
        });
        let ready = self.0.kevent(&[], &mut room, span)?;
        let mut found: Vec<(i64, i16)> = Vec::new();
        for one in room.iter().take(ready) {
            let fd = i64::try_from(one.ident()).unwrap_or(-1);
            let bits = readiness(one);
            match found.iter_mut().find(|(known, _)| *known == fd) {
                Some((_, all)) => *all |= bits,
                None => found.push((fd, bits)),
            }
        }
        Ok((count(ready), found))
    }
}

fn count(of: usize) -> i64 {
    i64::try_from(of).unwrap_or(i64::MAX)
}

fn event(number: usize, filter: EventFilter, flags: EvFlags) -> KEvent {
    KEvent::new(number, filter, flags, FilterFlag::empty(), 0, 0)
}

/// What one call of kevent(2) changes.
fn changes(operation: &EpollOperation, wanted: i16, edge: bool) -> Vec<(EventFilter, EvFlags)> {
    let filters = [(READABLE, EventFilter::EVFILT_READ), (WRITABLE, EventFilter::EVFILT_WRITE)];
    let change = |(bit, filter)| {
        let is_wanted = wanted & bit != 0;
        let flags = match operation {
            EpollOperation::Add if is_wanted && edge => EvFlags::EV_ADD | EvFlags::EV_CLEAR,
            EpollOperation::Add if is_wanted => EvFlags::EV_ADD,
            // Adding what is there already leaves it as it is.
            EpollOperation::Modify if is_wanted => EvFlags::EV_ADD | EvFlags::EV_ENABLE,
            EpollOperation::Modify => EvFlags::EV_ADD | EvFlags::EV_DISABLE,
            EpollOperation::Delete => EvFlags::EV_DELETE | EvFlags::EV_RECEIPT,
            EpollOperation::Add | EpollOperation::Other(_) => return None,
        };
        Some((filter, flags))
    };
    filters.into_iter().filter_map(change).collect()
}

/// How the call that [`Epoll::control`] makes names what it does, and the filters: each list in the order of the changes.
pub fn epoll_words(
    operation: EpollOperation,
    wanted: i16,
    edge: bool,
) -> (EpollOperation, Option<String>) {
    let changes = changes(&operation, wanted, edge);
    let flags =
        |flags: EvFlags| flags.iter_names().map(|(name, _)| name).collect::<Vec<_>>().join("|");
    let (operations, filters): (Vec<_>, Vec<_>) =
        changes.into_iter().map(|(filter, what)| (flags(what), format!("{filter:?}"))).unzip();
    (EpollOperation::Other(operations.join(", ").into()), Some(filters.join(", ")))
}

/// What an event says, as poll(2) would: what EV_EOF says of reading is that recv() will return, and of writing, that send() will fail.
fn readiness(event: &KEvent) -> i16 {
    let ready =
        if matches!(event.filter(), Ok(EventFilter::EVFILT_WRITE)) { WRITABLE } else { READABLE };
    let at_end = event.flags().contains(EvFlags::EV_EOF);
    // A socket's pending error (`SO_ERROR`).
    let failed = at_end && !event.fflags().is_empty();
    ready | if at_end { HANG_UP } else { 0 } | if failed { ERROR } else { 0 }
}

/// The names of these events.
pub fn epoll_events(bits: i16) -> String {
    let names = [(READABLE, "EVFILT_READ"), (WRITABLE, "EVFILT_WRITE"), (HANG_UP, "EV_EOF")];
    let known = names.iter().filter(|(bit, _)| bits & bit != 0);
    known.map(|(_, name)| *name).collect::<Vec<_>>().join("|")
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use socket2::{Domain, Socket, Type};

    use super::*;

    const AT_ONCE: Option<Duration> = Some(Duration::ZERO);

    #[test]
    fn it_names_who_is_ready_for_as_long_as_that_is_so() {
        let queue = Epoll::new().expect("a queue");
        let (here, there) = Socket::pair(Domain::UNIX, Type::STREAM, None).expect("a pair");
        let fd = i64::from(here.as_raw_fd());
        let control = |operation, wanted, edge| queue.control(&operation, &here, wanted, edge);
        assert_eq!(control(EpollOperation::Add, READABLE, false).ok(), Some(0));
        assert_eq!(control(EpollOperation::Add, READABLE, false).ok(), Some(0), "and again");
        assert_eq!(queue.wait(8, AT_ONCE).ok(), Some((0, vec![])));
        (&there).write_all(b"hello").expect("sent");
        for _ in 0..2 {
            assert_eq!(queue.wait(8, None).ok(), Some((1, vec![(fd, READABLE)])));
        }
        control(EpollOperation::Modify, READABLE | WRITABLE, false).expect("modified");
        let both = Some((2, vec![(fd, READABLE | WRITABLE)]));
        assert_eq!(queue.wait(8, None).ok(), both);
        control(EpollOperation::Modify, WRITABLE, false).expect("modified");
        assert_eq!(queue.wait(8, None).ok(), Some((1, vec![(fd, WRITABLE)])));
        assert_eq!(control(EpollOperation::Delete, 0, false).ok(), Some(2));
        assert_eq!(queue.wait(8, AT_ONCE).ok(), Some((0, vec![])));
        let error = control(EpollOperation::Delete, 0, false).expect_err("it is not watched");
        assert_eq!(error.raw_os_error(), Some(libc::ENOENT));

        control(EpollOperation::Add, READABLE, true).expect("added");
        let is_named = || queue.wait(8, AT_ONCE).is_ok_and(|(_, found)| !found.is_empty());
        assert!(is_named() && !is_named(), "once for what has come");
        (&here).read_exact(&mut [0; 2]).expect("read");
        assert!(!is_named(), "what is left brings nothing");
        (&there).write_all(b"!").expect("sent");
        assert!(is_named(), "but more does");
        drop(there);
        let (_, found) = queue.wait(8, None).expect("told");
        assert_eq!(found, [(fd, READABLE | HANG_UP)]);
    }

    #[test]
    fn no_wait_is_shorter_than_asked() {
        let queue = Epoll::new().expect("a queue");
        let (asked, began) = (Duration::from_micros(2_300), std::time::Instant::now());
        assert_eq!(queue.wait(1, Some(asked)).ok(), Some((0, vec![])));
        assert!(began.elapsed() >= asked);
    }

    #[test]
    fn changes_are_named_as_they_are_made() {
        let words = |operation, wanted, edge| {
            let (flags, filters) = epoll_words(operation, wanted, edge);
            (flags.to_string(), filters.unwrap_or_default())
        };
        let pair = |one: &str, other: &str| (one.to_owned(), other.to_owned());
        assert_eq!(words(EpollOperation::Add, READABLE, false), pair("EV_ADD", "EVFILT_READ"));
        let edge = words(EpollOperation::Add, READABLE, true);
        assert_eq!(edge, pair("EV_ADD|EV_CLEAR", "EVFILT_READ"));
        assert_eq!(
            words(EpollOperation::Modify, WRITABLE, false),
            pair("EV_ADD|EV_DISABLE, EV_ADD|EV_ENABLE", "EVFILT_READ, EVFILT_WRITE")
        );
        assert_eq!(epoll_events(READABLE | HANG_UP), "EVFILT_READ|EV_EOF");
    }
}
