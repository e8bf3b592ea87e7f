//! A wrapper around socket2's [`Socket`](socket2::Socket) with the same methods and errors, which records each call when it is
//! entered and when it returns.
//!
//! After bind, connect and accept the instrument asks the kernel for the addresses and the TCP state. The answers are
//! recorded as observations that name the call made, so a recording still accounts for every call that strace would see.

use std::io;
use std::mem::ManuallyDrop;
use std::net::Shutdown;
use std::panic::Location;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use socket2::{Domain, Protocol, SockAddr, Type};

mod epoll;
mod mode;
mod names;
mod options;
mod questions;
mod readiness;
mod transfer;

pub use epoll::Epoll;
#[cfg(unix)]
pub use names::{MSG_DONTWAIT, PEEK_NOW};
pub use names::{MSG_NOSIGNAL, MSG_TRUNC, address};
pub use readiness::{Interest, Ready};

use super::Actor;
use super::actor;
use super::recorder::Recorder;
use super::sys;
use crate::trace::{Call, How, Name, Outcome, Output, Role, Site, SocketFlags, SocketId, Syscall};

/// A socket that records every call on it.
#[derive(Debug)]
pub struct Socket {
    /// `None` only once it is closed.
    inner: Option<socket2::Socket>,
    recorder: Arc<Recorder>,
    defaults: Arc<Defaults>,
    owner: Name,
    id: SocketId,
    domain: Domain,
    kind: Type,
    /// Whether it belongs to the lab; then every call on it counts as the instrument's.
    instrument: bool,
    /// Whether the instrument has asked for the local address.
    located: AtomicBool,
    /// Whether [`Socket::close_shared`] has closed its descriptor.
    closed: AtomicBool,
}

/// Defaults for sockets that are made from now on.
#[derive(Debug, Default)]
pub(super) struct Defaults {
    timeout: Mutex<Option<Duration>>,
    /// Whether the instrument's own queries are off.
    no_questions: AtomicBool,
}

impl Defaults {
    pub(super) fn timeout(&self) -> Option<Duration> {
        *self.timeout.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set_timeout(&self, timeout: Option<Duration>) {
        *self.timeout.lock().unwrap_or_else(PoisonError::into_inner) = timeout;
    }

    pub(super) fn set_questions(&self, asked: bool) -> bool {
        !self.no_questions.swap(!asked, Ordering::Relaxed)
    }
}

/// Records that the call is entered, makes it, and records that it returned. `tell` gives the return value and the output.
pub(super) fn record<T>(
    recorder: &Recorder,
    owner: &Name,
    call: Call,
    perform: impl FnOnce() -> io::Result<T>,
    tell: impl FnOnce(&T) -> (i64, Output),
) -> io::Result<T> {
    if recorder.is_off() {
        return perform();
    }
    let actor = actor::current().unwrap_or_else(|| owner.clone());
    let entered = recorder.enter(&actor, call);
    let answer = perform();
    let (outcome, out) = match &answer {
        Ok(value) => {
            let (result, out) = tell(value);
            (Outcome::Result(result), out)
        }
        Err(error) => (Outcome::Errno(sys::error_name(error)), Output::None),
    };
    recorder.leave(&actor, entered, outcome, out);
    answer
}

fn done<T>(_: &T) -> (i64, Output) {
    (0, Output::None)
}

impl Actor {
    /// The socket that this descriptor stands for at the moment, whoever opened it: for a program that has kept only the number.
    /// It stays open when this is dropped.
    pub fn socket_of(
        &self,
        descriptor: i64,
        domain: Domain,
        kind: Type,
    ) -> io::Result<ManuallyDrop<Socket>> {
        let (id, inner) = numbered(sys::socket_of(descriptor)?);
        Ok(ManuallyDrop::new(Socket {
            inner: Some(inner),
            recorder: self.lab().recorder_arc().clone(),
            defaults: self.lab().defaults().clone(),
            owner: self.event_name().clone(),
            id,
            domain,
            kind,
            instrument: false,
            located: AtomicBool::new(true),
            closed: AtomicBool::new(false),
        }))
    }
}

/// A new socket with its number, which is asked for once: not every system gives the same one again.
fn numbered(socket: socket2::Socket) -> (SocketId, socket2::Socket) {
    (sys::socket_id(&socket), socket)
}

fn descriptor(of: &socket2::Socket) -> i64 {
    #[cfg(unix)]
    return std::os::fd::AsRawFd::as_raw_fd(of).into();
    #[cfg(not(unix))]
    return std::os::windows::io::AsRawSocket::as_raw_socket(of).cast_signed();
}

impl Socket {
    #[track_caller]
    pub(super) fn open(
        recorder: &Arc<Recorder>,
        defaults: &Arc<Defaults>,
        owner: &Name,
        instrument: bool,
        domain: Domain,
        kind: Type,
        protocol: Option<Protocol>,
    ) -> io::Result<Socket> {
        let call = Call {
            id: recorder.number(),
            syscall: Syscall::Socket {
                domain: names::domain(domain),
                kind: names::kind(kind),
                protocol: names::protocol(protocol),
                flags: SocketFlags::default(),
            },
            name: "socket".into(),
            api: Some("socket".into()),
            fd: None,
            socket: None,
            site: Some(Location::caller().into()),
            role: if instrument { Role::Instrument } else { Role::Program },
        };
        let (id, inner) = record(
            recorder,
            owner,
            call,
            || socket2::Socket::new(domain, kind, protocol).map(numbered),
            |(id, socket)| (descriptor(socket), Output::Opened { socket: *id }),
        )?;
        let (recorder, defaults, owner) = (recorder.clone(), defaults.clone(), owner.clone());
        let socket = Socket {
            inner: Some(inner),
            recorder,
            defaults,
            owner,
            id,
            domain,
            kind,
            instrument,
            located: AtomicBool::new(false),
            closed: AtomicBool::new(false),
        };
        if !instrument {
            socket.set_defaults(Location::caller())?;
        }
        Ok(socket)
    }

    /// A new socket gets the timeout that is the default now.
    fn set_defaults(&self, source: &'static Location<'static>) -> io::Result<()> {
        let Some(timeout) = self.defaults.timeout() else {
            return Ok(());
        };
        self.set_read_timeout_at(Some(timeout), source)?;
        self.set_write_timeout_at(Some(timeout), source)
    }

    /// The socket2 socket, for calls that the lab does not wrap. Calls on it are not recorded.
    #[must_use]
    pub fn bare(&self) -> &socket2::Socket {
        self.inner.as_ref().expect("a socket is open until it is closed, and closing takes it")
    }

    /// The descriptor's number.
    #[must_use]
    pub fn descriptor(&self) -> i64 {
        descriptor(self.bare())
    }

    /// Makes a call on it. `names` are its name in the source and its name in the kernel.
    fn call<T>(
        &self,
        names: (&'static str, &'static str),
        syscall: Syscall,
        site: &'static Location<'static>,
        perform: impl FnOnce(&socket2::Socket) -> io::Result<T>,
        tell: impl FnOnce(&T) -> (i64, Output),
    ) -> io::Result<T> {
        let role = if self.instrument { Role::Instrument } else { Role::Program };
        let call = Call {
            id: self.recorder.number(),
            syscall,
            name: names.1.into(),
            api: Some(names.0.into()),
            fd: Some(self.descriptor()),
            socket: Some(self.id),
            site: Some(site.into()),
            role,
        };
        record(&self.recorder, &self.owner, call, || perform(self.bare()), tell)
    }

    // ---- the life of a socket ----

    /// Gives it a local address: bind(2).
    ///
    /// # Errors
    /// `EADDRINUSE` if the address is taken, `EADDRNOTAVAIL` if it is not this machine's, `EACCES` if it is not for you.
    #[track_caller]
    pub fn bind(&self, to: &SockAddr) -> io::Result<()> {
        self.call(
            ("bind", "bind"),
            Syscall::Bind { address: address(to) },
            Location::caller(),
            |socket| socket.bind(to),
            done,
        )?;
        self.locate();
        Ok(())
    }

    /// Makes it a listening socket, with room for `backlog` connections that have not been accepted yet: listen(2).
    ///
    /// # Errors
    /// `EOPNOTSUPP` if its type has no connections.
    #[track_caller]
    pub fn listen(&self, backlog: i32) -> io::Result<()> {
        self.call(
            ("listen", "listen"),
            Syscall::Listen { backlog: backlog.into() },
            Location::caller(),
            |socket| socket.listen(backlog),
            done,
        )
    }

    /// Takes the first connection that waits, or waits for one: accept(2). The listening socket stays as it is.
    ///
    /// # Errors
    /// `EAGAIN` in non-blocking mode with none waiting, or when a timeout is over; `EMFILE` with no descriptor left.
    #[track_caller]
    pub fn accept(&self) -> io::Result<(Socket, SockAddr)> {
        let ((id, inner), peer) = self.call(
            ("accept", sys::ACCEPT),
            Syscall::Accept { flags: SocketFlags::default() },
            Location::caller(),
            |listener| listener.accept().map(|(socket, peer)| (numbered(socket), peer)),
            |((id, socket), peer)| {
                (descriptor(socket), Output::Accepted { socket: *id, peer: address(peer) })
            },
        )?;
        let socket = Socket {
            inner: Some(inner),
            recorder: self.recorder.clone(),
            defaults: self.defaults.clone(),
            owner: self.owner.clone(),
            id,
            domain: self.domain,
            kind: self.kind,
            instrument: self.instrument,
            located: AtomicBool::new(false),
            closed: AtomicBool::new(false),
        };
        socket.locate();
        socket.ask_state();
        socket.set_defaults(Location::caller())?;
        Ok((socket, peer))
    }

    /// Connects to an address: connect(2). TCP shakes hands; UDP only notes the address.
    ///
    /// # Errors
    /// `EINPROGRESS` in non-blocking mode while TCP shakes hands: it has come to an end once the socket is writable, and
    /// [`Socket::take_error`] then says which. `ECONNREFUSED` if nobody listens there, `ETIMEDOUT` if nobody answers, `EAFNOSUPPORT` for another family's address.
    #[track_caller]
    pub fn connect(&self, to: &SockAddr) -> io::Result<()> {
        let answer = self.call(
            ("connect", "connect"),
            Syscall::connect(address(to), usize::try_from(to.len()).unwrap_or(0)),
            Location::caller(),
            |socket| socket.connect(to),
            done,
        );
        // A non-blocking connect that is under way has its address already.
        if answer.as_ref().err().is_none_or(sys::is_in_progress) {
            self.locate();
            self.ask_state();
        }
        answer
    }

    /// Shuts down sending, receiving, or both: shutdown(2).
    ///
    /// # Errors
    /// `ENOTCONN` if it is not connected.
    #[track_caller]
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        let half = match how {
            Shutdown::Read => How::Read,
            Shutdown::Write => How::Write,
            Shutdown::Both => How::Both,
        };
        self.call(
            ("shutdown", "shutdown"),
            Syscall::Shutdown { how: half },
            Location::caller(),
            |socket| socket.shutdown(how),
            done,
        )?;
        self.ask_state();
        Ok(())
    }

    /// Closes it: close(2). Going out of scope does the same, without a source line.
    ///
    /// # Errors
    /// What close(2) answers; the descriptor is gone all the same.
    #[track_caller]
    pub fn close(mut self) -> io::Result<()> {
        self.close_at(Some(Location::caller()))
    }

    /// Closes its descriptor, though another thread may be in a call on it: close(2). The number is free from then on, so no call may
    /// be made on this socket any more.
    #[track_caller]
    pub fn close_shared(&self) -> io::Result<()> {
        self.closed.store(true, Ordering::Relaxed);
        let site = Location::caller();
        self.call(("close", "close"), Syscall::Close, site, sys::close_shared, done)
    }

    fn close_at(&mut self, site: Option<&'static Location<'static>>) -> io::Result<()> {
        let Some(inner) = self.inner.take() else {
            return Ok(());
        };
        if self.closed.load(Ordering::Relaxed) {
            std::mem::forget(inner); // its number may be another socket's by now
            return Ok(());
        }
        let role = match (self.instrument, site) {
            (true, _) => Role::Instrument,
            (false, Some(_)) => Role::Program,
            (false, None) => Role::ScopeEnd,
        };
        let call = Call {
            id: self.recorder.number(),
            syscall: Syscall::Close,
            name: "close".into(),
            api: Some("close".into()),
            fd: Some(descriptor(&inner)),
            socket: Some(self.id),
            site: site.map(Site::from),
            role,
        };
        record(&self.recorder, &self.owner, call, || sys::close(inner), done)
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let _ = self.close_at(None);
    }
}
