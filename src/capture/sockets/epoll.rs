//! epoll: the list of watched sockets that the kernel keeps, each call on it recorded.

use std::io;
use std::panic::Location;
use std::time::Duration;

use super::readiness::events;
use super::{Interest, Ready, Socket, record};
use crate::capture::{Actor, sys};
use crate::trace::{Call, EpollOperation, Output, Role, Syscall};

impl Actor {
    /// An epoll instance, which keeps the list of what is watched: epoll_create1(2).
    ///
    /// # Errors
    /// `EMFILE` with no descriptor left; [`io::ErrorKind::Unsupported`] where the system is not Linux.
    #[track_caller]
    pub fn epoll(&self) -> io::Result<Epoll> {
        let tell = |epoll: &sys::Epoll| (epoll.descriptor(), Output::None);
        let (names, syscall) = (("epoll", "epoll_create1"), (None, Syscall::EpollCreate));
        let inner = self.ask(names, syscall, Location::caller(), sys::Epoll::new, tell)?;
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

    fn control(
        &self,
        operation: EpollOperation,
        socket: &Socket,
        interest: Option<Interest>,
        site: &'static Location<'static>,
        perform: impl FnOnce() -> io::Result<()>,
    ) -> io::Result<()> {
        let syscall = Syscall::EpollCtl {
            operation,
            watched: socket.descriptor(),
            events: interest.map(|interest| epoll_events(interest.bits()).into()),
        };
        let call = (Some(self.descriptor()), syscall);
        self.actor.ask(("epoll_ctl", "epoll_ctl"), call, site, perform, |()| (0, Output::None))
    }

    /// Watches one more socket: epoll_ctl(2). It is watched until it is removed or closed.
    ///
    /// # Errors
    /// `EEXIST` if it is watched already.
    #[track_caller]
    pub fn epoll_ctl_add(&self, socket: &Socket, interest: Interest) -> io::Result<()> {
        self.control(EpollOperation::Add, socket, Some(interest), Location::caller(), || {
            self.inner().add(socket.bare(), interest.bits())
        })
    }

    /// [`Epoll::epoll_ctl_add`] with `EPOLLET` (epoll(7)): a wait names the socket when something new has happened to it since the last
    /// one, and not for as long as it is ready.
    ///
    /// # Errors
    /// `EEXIST` if it is watched already.
    #[track_caller]
    pub fn epoll_ctl_add_edge_triggered(
        &self,
        socket: &Socket,
        interest: Interest,
    ) -> io::Result<()> {
        let syscall = Syscall::EpollCtl {
            operation: EpollOperation::Add,
            watched: socket.descriptor(),
            events: Some(format!("{}|EPOLLET", epoll_events(interest.bits())).into()),
        };
        let names = ("epoll_ctl", "epoll_ctl");
        let (call, site) = ((Some(self.descriptor()), syscall), Location::caller());
        let perform = || self.inner().add_edge_triggered(socket.bare(), interest.bits());
        self.actor.ask(names, call, site, perform, |()| (0, Output::None))
    }

    /// Watches it for something else: epoll_ctl(2).
    ///
    /// # Errors
    /// `ENOENT` if it is not watched.
    #[track_caller]
    pub fn epoll_ctl_modify(&self, socket: &Socket, interest: Interest) -> io::Result<()> {
        let perform = || self.inner().modify(socket.bare(), interest.bits());
        self.control(EpollOperation::Modify, socket, Some(interest), Location::caller(), perform)
    }

    /// Stops watching it: epoll_ctl(2). Closing the socket does the same.
    ///
    /// # Errors
    /// `ENOENT` if it is not watched.
    #[track_caller]
    pub fn epoll_ctl_delete(&self, socket: &Socket) -> io::Result<()> {
        self.control(EpollOperation::Delete, socket, None, Location::caller(), || {
            self.inner().remove(socket.bare())
        })
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
        let perform = || Ok(Ready { found: self.inner().wait(most, timeout)? });
        let tell = |ready: &Ready| ready.output(epoll_events);
        self.actor.ask(("epoll_wait", sys::EPOLL_WAIT), call, Location::caller(), perform, tell)
    }
}

fn epoll_events(bits: i16) -> String {
    events(bits).replace("POLL", "EPOLL")
}
