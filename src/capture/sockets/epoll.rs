//! epoll: the list of watched sockets that the kernel keeps, each call on it recorded. macOS and FreeBSD have kqueue, whose calls are then
//! made, and recorded under their own names.

use std::io;
use std::panic::Location;
use std::time::Duration;

use super::{Interest, Ready, Socket, record};
use crate::capture::{Actor, sys};
use crate::trace::{Call, EpollOperation, Output, Role, SocketFlags, Syscall};

impl Actor {
    /// An epoll instance, which keeps the list of what is watched: epoll_create1(2).
    ///
    /// # Errors
    /// `EMFILE` with no descriptor left; [`io::ErrorKind::Unsupported`] where the system has none.
    #[track_caller]
    pub fn epoll(&self) -> io::Result<Epoll> {
        let tell = |epoll: &sys::Epoll| (epoll.descriptor(), Output::None);
        let syscall = Syscall::EpollCreate { flags: SocketFlags::named(sys::EPOLL_FLAGS) };
        let (call, site) = ((None, syscall), Location::caller());
        let inner = self.ask(sys::EPOLL_CREATE, call, site, sys::Epoll::new, tell)?;
        Ok(Epoll { inner: Some(inner), actor: self.clone() })
    }
}

/// A list of sockets that the kernel watches (epoll(7)). It is closed when dropped.
#[derive(Debug)]
pub struct Epoll {
    /// `None` only once it is closed.
    inner: Option<sys::Epoll>,
    actor: Actor,
}

impl Drop for Epoll {
    fn drop(&mut self) {
        let Some(inner) = self.inner.take() else {
            return;
        };
        let (recorder, owner) = (self.actor.lab().recorder(), self.actor.event_name());
        let call = Call {
            id: recorder.number(),
            syscall: Syscall::Close,
            name: "close".into(),
            api: Some("close".into()),
            fd: Some(inner.descriptor()),
            socket: None,
            site: None,
            role: Role::ScopeEnd,
        };
        let perform = || {
            drop(inner);
            Ok(())
        };
        let _ = record(recorder, owner, call, perform, |()| (0, Output::None));
    }
}

impl Epoll {
    fn inner(&self) -> &sys::Epoll {
        self.inner.as_ref().expect("an epoll instance is open until it is dropped")
    }

    /// The descriptor's number.
    #[must_use]
    pub fn descriptor(&self) -> i64 {
        self.inner().descriptor()
    }

    #[track_caller]
    fn control(
        &self,
        operation: EpollOperation,
        socket: &Socket,
        wanted: i16,
        edge: bool,
    ) -> io::Result<()> {
        let perform = || self.inner().control(&operation, socket.bare(), wanted, edge);
        let (told, events) = sys::epoll_words(operation.clone(), wanted, edge);
        let syscall = Syscall::EpollCtl {
            operation: told,
            watched: socket.descriptor(),
            events: events.map(Into::into),
        };
        let (call, site) = ((Some(self.descriptor()), syscall), Location::caller());
        let tell = |answer: &i64| (*answer, Output::None);
        self.actor.ask(sys::EPOLL_CTL, call, site, perform, tell).map(drop)
    }

    /// Watches one more socket: epoll_ctl(2). It is watched until it is removed or closed.
    ///
    /// # Errors
    /// `EEXIST` if it is watched already; kqueue has no such error.
    #[track_caller]
    pub fn epoll_ctl_add(&self, socket: &Socket, interest: Interest) -> io::Result<()> {
        self.control(EpollOperation::Add, socket, interest.bits(), false)
    }

    /// [`Epoll::epoll_ctl_add`] with `EPOLLET` (epoll(7)): a wait names the socket when something new has happened to it since the last
    /// one, and not for as long as it is ready.
    ///
    /// # Errors
    /// As [`Epoll::epoll_ctl_add`].
    #[track_caller]
    pub fn epoll_ctl_add_edge_triggered(
        &self,
        socket: &Socket,
        interest: Interest,
    ) -> io::Result<()> {
        self.control(EpollOperation::Add, socket, interest.bits(), true)
    }

    /// Watches it for something else: epoll_ctl(2).
    ///
    /// # Errors
    /// `ENOENT` if it is not watched; kqueue has no such error.
    #[track_caller]
    pub fn epoll_ctl_modify(&self, socket: &Socket, interest: Interest) -> io::Result<()> {
        self.control(EpollOperation::Modify, socket, interest.bits(), false)
    }

    /// Stops watching it: epoll_ctl(2). Closing the socket does the same.
    ///
    /// # Errors
    /// `ENOENT` if it is not watched.
    #[track_caller]
    pub fn epoll_ctl_delete(&self, socket: &Socket) -> io::Result<()> {
        self.control(EpollOperation::Delete, socket, 0, false)
    }

    /// Waits until a watched socket is ready, or until the timeout (`None`: indefinitely): epoll_wait(2). It returns only the
    /// ready ones, at most `most`.
    ///
    /// # Errors
    /// `EINTR` if a signal came.
    #[track_caller]
    pub fn epoll_wait(&self, most: usize, timeout: Option<Duration>) -> io::Result<Ready> {
        let syscall = Syscall::EpollWait {
            max_events: most as u64,
            timeout_ms: i64::from(sys::milliseconds(timeout)),
        };
        let call = (Some(self.descriptor()), syscall);
        let perform = || {
            let (answer, found) = self.inner().wait(most, timeout)?;
            Ok((answer, Ready { found }))
        };
        let tell = |(answer, ready): &(i64, Ready)| (*answer, ready.output(sys::epoll_events).1);
        let answer = self.actor.ask(sys::EPOLL_WAIT, call, Location::caller(), perform, tell)?;
        Ok(answer.1)
    }
}
