//! socket2's [`Socket`](socket2::Socket), call by call, with an instrument in between: same names, same errors,
//! each call recorded when it is entered and when it returns.
//!
//! After bind, connect and accept the instrument asks the kernel for the addresses and the TCP state. What it answers is
//! recorded as an observation that names the call, so that a recording still accounts for every call that strace would see.

use std::borrow::Cow;
use std::cell::RefCell;
use std::io;
use std::mem::MaybeUninit;
use std::net::Shutdown;
use std::panic::Location;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use socket2::{Domain, Protocol, SockAddr, Type};

mod names;
mod options;
pub mod readiness;

pub use names::{MSG_DONTWAIT, MSG_TRUNC, address};

use names::MSG_PEEK;
use options::value_of;

use super::actor;
use super::recorder::Recorder;
use super::sys::{self, TcpInfo};
use crate::trace::{
    Call, Data, EventKind, Fact, Feature, How, MsgFlags, Name, Observation, Outcome, Output, Role,
    Site, SockOpt, SocketId, Syscall, Value,
};

/// A socket that records what is done with it.
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
    /// Whether it is the lab's own, so that every call on it is the instrument's.
    instrument: bool,
    /// Whether the instrument has asked for the local address.
    located: AtomicBool,
}

/// The call that is about to be made.
pub(super) struct Calling {
    pub(super) syscall: Syscall,
    /// What the kernel calls it.
    pub(super) name: &'static str,
    /// What the source calls it.
    pub(super) api: &'static str,
    pub(super) fd: Option<i64>,
    pub(super) socket: Option<SocketId>,
    pub(super) site: Option<&'static Location<'static>>,
    pub(super) role: Role,
}

/// What the lab gives every socket that is made from now on, as setdefaulttimeout() does in Python.
#[derive(Debug, Default)]
pub(super) struct Defaults {
    timeout: Mutex<Option<Duration>>,
    /// Whether the instrument asks questions of its own.
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

/// Records entry, makes the call, records return. `tell` says what the kernel answered: the return value, and what it filled in.
pub(super) fn record<T>(
    recorder: &Recorder,
    owner: &Name,
    calling: Calling,
    perform: impl FnOnce() -> io::Result<T>,
    tell: impl FnOnce(&T) -> (i64, Output),
) -> io::Result<T> {
    if recorder.is_off() {
        return perform();
    }
    let actor = actor::current().unwrap_or_else(|| owner.clone());
    let call = Call {
        id: recorder.number(),
        syscall: calling.syscall,
        name: Cow::Borrowed(calling.name),
        api: Some(Cow::Borrowed(calling.api)),
        fd: calling.fd,
        socket: calling.socket,
        site: calling.site.map(|at| Site { file: Cow::Borrowed(at.file()), line: at.line() }),
        role: calling.role,
    };
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

fn named(name: &SockAddr) -> (i64, Output) {
    (0, Output::Name(address(name)))
}

/// A new socket with its number, which is asked for once: not every system gives the same one again.
fn numbered(socket: socket2::Socket) -> (SocketId, socket2::Socket) {
    (sys::socket_id(&socket), socket)
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

/// What was received, to be recorded. A length beyond the buffer's (`MSG_TRUNC`) counts as the whole buffer.
fn received(buffer: &[u8], length: usize) -> Data {
    Data::of(&buffer[..length.min(buffer.len())])
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
        let calling = Calling {
            syscall: Syscall::Socket {
                domain: names::domain(domain),
                kind: names::kind(kind),
                protocol: names::protocol(protocol),
            },
            name: "socket",
            api: "socket",
            fd: None,
            socket: None,
            site: Some(Location::caller()),
            role: if instrument { Role::Instrument } else { Role::Program },
        };
        let (id, inner) = record(
            recorder,
            owner,
            calling,
            || socket2::Socket::new(domain, kind, protocol).map(numbered),
            |(id, socket)| (descriptor(socket), Output::Opened { socket: *id }),
        )?;
        let (recorder, defaults, owner, located) =
            (recorder.clone(), defaults.clone(), owner.clone(), AtomicBool::new(false));
        let socket = Socket {
            inner: Some(inner),
            recorder,
            defaults,
            owner,
            id,
            domain,
            kind,
            instrument,
            located,
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

    /// Under the instrument: for calls that the lab does not wrap. What is done through it is not recorded.
    #[must_use]
    pub fn bare(&self) -> &socket2::Socket {
        self.inner.as_ref().expect("a socket is open until it is closed, and closing takes it")
    }

    /// The descriptor's number.
    #[must_use]
    pub fn descriptor(&self) -> i64 {
        descriptor(self.bare())
    }

    /// Makes a call on it. `names`: what the source calls it, and what the kernel does.
    fn call<T>(
        &self,
        names: (&'static str, &'static str),
        syscall: Syscall,
        site: &'static Location<'static>,
        perform: impl FnOnce(&socket2::Socket) -> io::Result<T>,
        tell: impl FnOnce(&T) -> (i64, Output),
    ) -> io::Result<T> {
        let role = if self.instrument { Role::Instrument } else { Role::Program };
        let calling = Calling {
            syscall,
            name: names.1,
            api: names.0,
            fd: Some(self.descriptor()),
            socket: Some(self.id),
            site: Some(site),
            role,
        };
        record(&self.recorder, &self.owner, calling, || perform(self.bare()), tell)
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

    /// Makes it a listening socket, with room for `backlog` connections that nobody has accepted yet: listen(2).
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
            Syscall::Accept,
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
            Syscall::Connect { address: address(to) },
            Location::caller(),
            |socket| socket.connect(to),
            done,
        );
        // A non-blocking connect that is under way has its address already.
        if answer.as_ref().err().is_none_or(|error| sys::error_name(error) == "EINPROGRESS") {
            self.locate();
            self.ask_state();
        }
        answer
    }

    /// Says that nothing more will be sent, or is wanted: shutdown(2).
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

    fn close_at(&mut self, site: Option<&'static Location<'static>>) -> io::Result<()> {
        let Some(inner) = self.inner.take() else {
            return Ok(());
        };
        let role = match (self.instrument, site) {
            (true, _) => Role::Instrument,
            (false, Some(_)) => Role::Program,
            (false, None) => Role::ScopeEnd,
        };
        let calling = Calling {
            syscall: Syscall::Close,
            name: "close",
            api: "close",
            fd: Some(descriptor(&inner)),
            socket: Some(self.id),
            site,
            role,
        };
        record(&self.recorder, &self.owner, calling, || sys::close(inner), done)
    }

    // ---- bytes ----

    /// Hands bytes to the kernel, and says how many it took: send(2).
    ///
    /// # Errors
    /// `EPIPE` if the connection's own sending side is shut, `ECONNRESET`, `ENOTCONN`, `EAGAIN`.
    #[track_caller]
    pub fn send(&self, bytes: &[u8]) -> io::Result<usize> {
        self.call(
            ("send", sys::SEND),
            Syscall::Send { data: Data::of(bytes), to: None },
            Location::caller(),
            |socket| socket.send(bytes),
            |sent| (length(*sent), Output::None),
        )
    }

    /// Sends until all is taken, with as many calls of [`Socket::send`] as that needs.
    #[track_caller]
    pub fn send_all(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            bytes = &bytes[self.send(bytes)?..];
        }
        Ok(())
    }

    /// Receives what is there, or waits until something is: recv(2). 0 means that the peer will send no more.
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

    /// Looks at what is there without taking it: recv(2) with `MSG_PEEK`.
    #[track_caller]
    pub fn peek(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.receive("peek", buffer, MSG_PEEK, Location::caller())
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
        let syscall = Syscall::Send { data: Data::of(bytes), to: Some(address(to)) };
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

    // ---- the kernel's view ----

    /// Its own address: getsockname(2).
    #[track_caller]
    pub fn local_addr(&self) -> io::Result<SockAddr> {
        self.located.store(true, Ordering::Relaxed);
        let names = ("local_addr", "getsockname");
        self.call(
            names,
            Syscall::GetSockName,
            Location::caller(),
            socket2::Socket::local_addr,
            named,
        )
    }

    /// The address of the other end: getpeername(2).
    ///
    /// # Errors
    /// `ENOTCONN` if there is no other end.
    #[track_caller]
    pub fn peer_addr(&self) -> io::Result<SockAddr> {
        let names = ("peer_addr", "getpeername");
        self.call(
            names,
            Syscall::GetPeerName,
            Location::caller(),
            socket2::Socket::peer_addr,
            named,
        )
    }

    /// The instrument's own question: whose socket this is, and the two ends of its connection.
    pub(super) fn ends(&self) -> io::Result<(Name, SockAddr, SockAddr)> {
        let local = self.bare().local_addr()?;
        self.observed(Fact::Getsockname(address(&local)));
        let peer = self.bare().peer_addr()?;
        self.observed(Fact::Getpeername(address(&peer)));
        Ok((self.owner.clone(), local, peer))
    }

    /// Records what the kernel said of it when the instrument asked.
    fn observed(&self, fact: Fact) {
        let actor = actor::current().unwrap_or_else(|| self.owner.clone());
        let (socket, fd) = (Some(self.id), Some(self.descriptor()));
        self.recorder.push(&actor, EventKind::Observed(Observation { socket, fd, fact }));
    }

    /// The TCP state that TCP_INFO says (tcp(7)): `ESTABLISHED`.
    ///
    /// # Errors
    /// What getsockopt(2) answers; [`Error::Unavailable`](super::Error::Unavailable) where the system has no TCP_INFO.
    #[track_caller]
    pub fn tcp_state(&self) -> super::Result<&'static str> {
        let info = self.tcp_info()?;
        info.map(|info| info.state).ok_or_else(|| Feature::TcpInfo.lack().into())
    }

    /// What TCP_INFO says (tcp(7)); `None` where the system has none, or the socket is not TCP.
    #[track_caller]
    pub fn tcp_info(&self) -> io::Result<Option<TcpInfo>> {
        if !self.has_tcp_info() {
            return Ok(None);
        }
        let syscall = Syscall::GetOption { option: SockOpt::TcpInfo };
        let site = Location::caller();
        self.call(("tcp_info", "getsockopt"), syscall, site, sys::tcp_info, |info| {
            (0, info.as_ref().map_or(Output::None, |info| Output::TcpInfo(info.into())))
        })
    }

    fn has_tcp_info(&self) -> bool {
        self.kind == Type::STREAM && self.domain != Domain::UNIX && cfg!(target_os = "linux")
    }

    fn is_questioned(&self) -> bool {
        !self.defaults.no_questions.load(Ordering::Relaxed) && !self.recorder.is_off()
    }

    /// The instrument's own question: where is this socket? Once a socket, and not if the experiment asked already.
    fn locate(&self) {
        if self.is_questioned()
            && !self.located.swap(true, Ordering::Relaxed)
            && let Ok(local) = self.bare().local_addr()
        {
            self.observed(Fact::Getsockname(address(&local)));
        }
    }

    /// The instrument's own question: in which TCP state is it?
    fn ask_state(&self) {
        if self.is_questioned()
            && self.has_tcp_info()
            && let Ok(Some(info)) = sys::tcp_info(self.bare())
        {
            self.observed(Fact::TcpInfo((&info).into()));
        }
    }

    // ---- modes and options ----

    /// Whether it is non-blocking: `O_NONBLOCK` among its status flags (fcntl(2)).
    #[track_caller]
    pub fn nonblocking(&self) -> io::Result<bool> {
        Ok(self.status_flags(Location::caller())? & sys::O_NONBLOCK != 0)
    }

    fn status_flags(&self, source: &'static Location<'static>) -> io::Result<i32> {
        let tell = |flags: &i32| (i64::from(*flags), Output::None);
        let names = ("nonblocking", "fcntl");
        self.call(names, Syscall::GetFlags, source, sys::status_flags, tell)
    }

    /// Makes it non-blocking, or blocking: reads the status flags, and sets them with or without `O_NONBLOCK` (fcntl(2)).
    #[track_caller]
    pub fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        let source = Location::caller();
        let now = self.status_flags(source)?;
        let wanted = if nonblocking { now | sys::O_NONBLOCK } else { now & !sys::O_NONBLOCK };
        if wanted == now {
            return Ok(());
        }
        let set = |socket: &socket2::Socket| sys::set_status_flags(socket, wanted).map(drop);
        self.call(
            ("set_nonblocking", "fcntl"),
            Syscall::SetFlags { nonblocking },
            source,
            set,
            done,
        )
    }

    fn set(
        &self,
        setter: &'static str,
        option: SockOpt,
        value: Value,
        site: &'static Location<'static>,
        set: impl FnOnce(&socket2::Socket) -> io::Result<()>,
    ) -> io::Result<()> {
        let syscall = Syscall::SetOption { option, value };
        self.call((setter, "setsockopt"), syscall, site, set, done)
    }

    fn set_read_timeout_at(
        &self,
        timeout: Option<Duration>,
        site: &'static Location<'static>,
    ) -> io::Result<()> {
        let value = value_of(timeout);
        self.set("set_read_timeout", SockOpt::RecvTimeout, value, site, |socket| {
            socket.set_read_timeout(timeout)
        })
    }

    fn set_write_timeout_at(
        &self,
        timeout: Option<Duration>,
        site: &'static Location<'static>,
    ) -> io::Result<()> {
        let value = value_of(timeout);
        self.set("set_write_timeout", SockOpt::SendTimeout, value, site, |socket| {
            socket.set_write_timeout(timeout)
        })
    }

    fn get<T>(
        &self,
        getter: &'static str,
        option: SockOpt,
        site: &'static Location<'static>,
        get: impl FnOnce(&socket2::Socket) -> io::Result<T>,
        value: impl FnOnce(&T) -> Value,
    ) -> io::Result<T> {
        self.call((getter, "getsockopt"), Syscall::GetOption { option }, site, get, |got| {
            (0, Output::Value(value(got)))
        })
    }

    /// The protocol that it speaks: `SO_PROTOCOL` (socket(7)); `None` where the system does not say.
    #[cfg(any(target_os = "linux", windows))]
    #[track_caller]
    pub fn protocol(&self) -> io::Result<Option<Protocol>> {
        let get = socket2::Socket::protocol;
        self.get("protocol", SockOpt::Protocol, Location::caller(), get, |protocol| {
            Value::from(&names::protocol(*protocol))
        })
    }

    /// The protocol that it speaks: this system does not say.
    #[cfg(not(any(target_os = "linux", windows)))]
    pub fn protocol(&self) -> io::Result<Option<Protocol>> {
        Ok(None)
    }

    /// The error that waits on the socket, taken from it: `SO_ERROR` (socket(7)).
    #[track_caller]
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        let take = socket2::Socket::take_error;
        self.get("take_error", SockOpt::Error, Location::caller(), take, |error| {
            error.as_ref().map_or(Value::Number(0), |error| Value::Text(sys::error_name(error)))
        })
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let _ = self.close_at(None);
    }
}
