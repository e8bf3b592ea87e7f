//! How the two come together: the server listens and takes one call; the client calls, and calls again.

use std::fs::File;
use std::io;
use std::path::Path;
use std::time::Duration;

use socket2::{Domain, Protocol, SockAddr, Type};

use super::address::{Address, is_local, is_socket};
use super::outcome::{Doing, Missed, again};
use super::phrases;
use super::screen::Screen;
use crate::capture::{Actor, Interest, Lab, Socket, sys};
use crate::signals;

/// How many connections may wait before they are accepted; the kernel refuses or ignores the rest.
const BACKLOG: i32 = 5;
/// The first pause between two attempts; each is twice the one before, up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// The protocol of a stream in this family: TCP, or none in AF_UNIX.
fn protocol(domain: Domain) -> Option<Protocol> {
    (domain != Domain::UNIX).then_some(Protocol::TCP)
}

// ---- the server ----

/// A listening socket.
pub struct Listener {
    socket: Socket,
    file: Option<signals::Cleanup>,
}

/// Opens a listening socket at the address.
///
/// # Errors
/// [`Missed`]; its error is `EADDRINUSE` if somebody listens there.
pub fn listen(actor: &Actor, address: &Address, screen: &dyn Screen) -> Result<Listener, Missed> {
    let at = address.resolve().map_err(Missed::when(Doing::LookUp, address))?.swap_remove(0);
    if !is_local(&at) {
        screen.note(&phrases::not_only_here(address));
    }
    let busy = || Missed::when(Doing::Listen, address);
    let socket = actor.socket(at.domain(), Type::STREAM, protocol(at.domain())).map_err(busy())?;
    if at.domain() != Domain::UNIX {
        // A server that has just ended left its connection in TIME_WAIT, and must not be kept from its port by that.
        socket.set_reuse_address(true).map_err(busy())?;
    }
    match socket.bind(&at) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse && is_stale(actor, address, &at) => {
            replace_stale(actor, address, &at, &socket).map_err(busy())?;
        }
        answer => answer.map_err(busy())?,
    }
    let file = match address {
        Address::Unix(path) => {
            let path = path.clone();
            Some(signals::at_end(move || {
                let _ = std::fs::remove_file(path);
            }))
        }
        _ => None,
    };
    socket.listen(BACKLOG).map_err(busy())?;
    Ok(Listener { socket, file })
}

/// Whether the socket's file has been left behind by a process that is gone. connect(2) knows, and a datagram socket may ask
/// without being taken for a caller: `ECONNREFUSED` if nobody has the file, `EPROTOTYPE` if a stream socket has it.
fn is_stale(actor: &Actor, address: &Address, at: &SockAddr) -> bool {
    let Address::Unix(path) = address else {
        return false;
    };
    if !is_socket(path) {
        return false;
    }
    let asked = actor.socket(Domain::UNIX, Type::DGRAM, None).and_then(|probe| probe.connect(at));
    asked.is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
}

/// Puts this socket in the place of a file that was left behind. Two who find the same one do so one after the other, and the
/// second finds the first's: the folder is locked meanwhile (flock(2)), which leaves nothing behind.
fn replace_stale(
    actor: &Actor,
    address: &Address,
    at: &SockAddr,
    socket: &Socket,
) -> io::Result<()> {
    if let Address::Unix(path) = address {
        let folder =
            path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        // A folder that we may write and not read cannot be locked; it is a rare one.
        let folder = File::open(folder).ok();
        if let Some(folder) = &folder {
            folder.lock()?;
        }
        if is_stale(actor, address, at) {
            std::fs::remove_file(path)?;
        }
        return socket.bind(at);
    }
    socket.bind(at)
}

impl Listener {
    /// Where it listens: the port too, if the kernel chose it.
    ///
    /// # Errors
    /// What getsockname(2) answers.
    pub fn address(&self) -> io::Result<SockAddr> {
        self.socket.local_addr()
    }

    /// Takes the first caller. The listening socket is closed then: whoever calls next is refused at once by the kernel,
    /// and is not left waiting in a backlog that nobody empties.
    ///
    /// # Errors
    /// What accept(2) answers.
    pub fn accept(self) -> io::Result<(Socket, SockAddr)> {
        let (socket, peer) = loop {
            match self.socket.accept() {
                // The caller was gone again before it was taken (accept(2)).
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                answer => break answer?,
            }
        };
        // First the file: one that nobody listens at might be replaced by somebody else's, and that one is not ours to remove.
        drop(self.file);
        self.socket.close()?;
        without_delay(&socket)?;
        Ok((socket, peer))
    }
}

/// A line typed is sent at once, and does not wait until the line before it is acknowledged (Nagle's algorithm, tcp(7)).
fn without_delay(socket: &Socket) -> io::Result<()> {
    if socket.local_addr()?.domain() == Domain::UNIX {
        Ok(())
    } else {
        socket.set_tcp_nodelay(true)
    }
}

// ---- the client ----

/// Calls, and if nobody answers calls again as often as `retries`, with pauses that grow.
///
/// # Errors
/// [`Missed`], for the last attempt.
pub fn call(
    lab: &Lab,
    actor: &Actor,
    address: &Address,
    patience: Duration,
    retries: u32,
    screen: &dyn Screen,
) -> Result<Socket, Missed> {
    let mut pause = FIRST_PAUSE;
    for left in (0..=retries).rev() {
        match connect(actor, address, patience) {
            Err(missed) if left > 0 => {
                screen.note(&again(&missed, pause));
                lab.wait(pause, "before calling again");
                pause = LONGEST_PAUSE.min(pause * 2);
            }
            answer => return answer,
        }
    }
    unreachable!("the last attempt is answered")
}

/// One attempt, at each of the name's addresses in turn.
fn connect(actor: &Actor, address: &Address, patience: Duration) -> Result<Socket, Missed> {
    let mut last = None;
    for to in address.resolve().map_err(Missed::when(Doing::LookUp, address))? {
        match connect_to(actor, &to, patience) {
            Ok(socket) => return Ok(socket),
            Err(error) => last = Some(error),
        }
    }
    Err(Missed::when(Doing::Connect, address)(
        last.unwrap_or_else(|| io::ErrorKind::NotFound.into()),
    ))
}

/// Connects with a limit of time: the call is started without blocking, and poll waits for its end (lesson 9).
fn connect_to(actor: &Actor, to: &SockAddr, patience: Duration) -> io::Result<Socket> {
    let socket = actor.socket(to.domain(), Type::STREAM, protocol(to.domain()))?;
    socket.set_nonblocking(true)?;
    match socket.connect(to) {
        Err(error)
            if sys::error_name(&error) == "EINPROGRESS"
                || error.kind() == io::ErrorKind::WouldBlock =>
        {
            if to.domain() == Domain::UNIX {
                return Err(error); // EAGAIN: its backlog is full (unix(7))
            }
            if actor.poll(&[(&socket, Interest::Write)], Some(patience))?.is_empty() {
                return Err(io::Error::new(io::ErrorKind::TimedOut, phrases::no_answer(patience)));
            }
            if let Some(error) = socket.take_error()? {
                return Err(error);
            }
        }
        answer => answer?,
    }
    socket.set_nonblocking(false)?;
    without_delay(&socket)?;
    Ok(socket)
}
