//! Makes the connection: a server listens and accepts one client; a client connects, and retries if it cannot.

use std::fs::File;
use std::io;
use std::path::Path;
use std::time::Duration;

use socket2::{Domain, Protocol, SockAddr, Type};

use super::address::{Address, is_local};
use super::keyboard::Wake;
use super::outcome::{ConnectError, Phase, retrying};
use super::screen::Screen;
use crate::capture::{self, Actor, Interest, Lab, Socket, sys};
use crate::i18n::tr;
use crate::signals;

/// How many connections may wait to be accepted. Beyond that, Linux ignores new ones, and clients try again (listen(2)).
const BACKLOG: i32 = 5;
/// The pause between two attempts to connect. It doubles each time, up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// The protocol of a stream socket in this family: TCP, or none in AF_UNIX.
fn protocol(domain: Domain) -> Option<Protocol> {
    (domain != Domain::UNIX).then_some(Protocol::TCP)
}

// ---- the server ----

/// A listening socket. In AF_UNIX it has a file, which is removed with it.
struct Listener {
    socket: Socket,
    file: Option<signals::Cleanup>,
}

/// Listens at the address, accepts the first client, and tells the user about both. `None` if `leave` wakes it first.
pub fn accept_one(
    lab: &Lab,
    address: &Address,
    screen: &dyn Screen,
    leave: Option<Wake<'_>>,
) -> Result<Option<Socket>, ConnectError> {
    let actor = lab.actor("server");
    let listener = listen(&actor, address, screen)?;
    if address.leaves_the_port_open() {
        // The kernel has chosen the port; the user needs to know it.
        let at = listener.address().map_err(ConnectError::during(Phase::Listen, address))?;
        screen.note(&tr!("listening at: {address}", address = capture::address(&at)));
    }
    // Learners compare these lines with their notes, so they are the same in every language, like the prompt.
    screen.note("waiting for connection...");
    let failed = || ConnectError::during(Phase::Accept, address);
    let came = until_ready(&actor, (&listener.socket, Interest::Read), leave, None);
    if came.map_err(failed())? == Came::Leave {
        return Ok(None);
    }
    let (socket, peer) = listener.accept().map_err(failed())?;
    let from = match capture::address(&peer) {
        // A client in AF_UNIX has no address of its own, unless it has called bind.
        crate::trace::Address::Unix(None) => address.to_string(),
        from => from.to_string(),
    };
    // Before it is said: who reads it may type.
    screen.connected();
    screen.note(&format!("connected from: {from}"));
    Ok(Some(socket))
}

/// What came first.
#[derive(Debug, PartialEq, Eq)]
enum Came {
    Ready,
    Timeout,
    /// The user leaves.
    Leave,
}

/// Waits for a socket, or for the user to leave. Without anyone who could leave, and without a timeout, the next call may wait itself.
fn until_ready(
    actor: &Actor,
    socket: (&Socket, Interest),
    leave: Option<Wake<'_>>,
    timeout: Option<Duration>,
) -> io::Result<Came> {
    if leave.is_none() && timeout.is_none() {
        return Ok(Came::Ready);
    }
    loop {
        match actor.poll_also(&[socket], leave.as_slice(), timeout) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Ok(ready) if leave.is_some_and(|leave| ready.has(leave)) => return Ok(Came::Leave),
            ready => {
                return Ok(if ready?.is_empty() { Came::Timeout } else { Came::Ready });
            }
        }
    }
}

/// Waits so long; true if the user leaves first.
fn pause_before_retry(
    lab: &Lab,
    actor: &Actor,
    leave: Option<Wake<'_>>,
    pause: Duration,
) -> io::Result<bool> {
    let Some(leave) = leave else {
        lab.wait(pause, "before trying again");
        return Ok(false);
    };
    Ok(!actor.poll_also(&[], &[leave], Some(pause))?.is_empty())
}

/// Opens a listening socket at the address.
fn listen(actor: &Actor, address: &Address, screen: &dyn Screen) -> Result<Listener, ConnectError> {
    let at =
        address.resolve().map_err(ConnectError::during(Phase::LookUp, address))?.swap_remove(0);
    if !is_local(&at) {
        screen.note(&tr!(
            "warning: {address} can be reached from other machines, and this chat is neither encrypted nor authenticated: \
             anyone on the path can read and change it",
            address
        ));
    }
    let failed = || ConnectError::during(Phase::Listen, address);
    let socket = actor.socket(at.domain(), Type::STREAM, protocol(at.domain())).map_err(failed())?;
    if at.domain() != Domain::UNIX {
        // A server that ended a moment ago may have left a connection in TIME_WAIT, which must not block the port (lesson 6).
        socket.set_server_address().map_err(failed())?;
    }
    match socket.bind(&at) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse && is_stale(actor, address, &at) => {
            replace_stale(actor, address, &at, &socket).map_err(failed())?;
        }
        answer => answer.map_err(failed())?,
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
    socket.listen(BACKLOG).map_err(failed())?;
    Ok(Listener { socket, file })
}

/// Whether the socket's file was left behind by a process that is gone. connect tells: `ECONNREFUSED` if no process has the
/// file open, `EPROTOTYPE` if a stream socket has it. The probe is a datagram socket, so that a server there never sees a client.
fn is_stale(actor: &Actor, address: &Address, at: &SockAddr) -> bool {
    let Address::Unix(path) = address else {
        return false;
    };
    if !sys::is_socket_file(path) {
        return false;
    }
    let asked = actor.socket(Domain::UNIX, Type::DGRAM, None).and_then(|probe| probe.connect(at));
    asked.is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
}

/// Removes a stale file and binds the socket in its place. If two servers find the same file, the second must not remove the
/// file of the first. So the folder is locked meanwhile (flock(2)), and the file is checked once more.
fn replace_stale(
    actor: &Actor,
    address: &Address,
    at: &SockAddr,
    socket: &Socket,
) -> io::Result<()> {
    if let Address::Unix(path) = address {
        let folder =
            path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        // A folder that can be written but not read cannot be locked. That is rare; then there is no lock.
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
    /// Where it listens, with the port if the kernel chose it.
    fn address(&self) -> io::Result<SockAddr> {
        self.socket.local_addr()
    }

    /// Accepts the first client and closes the listening socket. So the kernel refuses the next client at once, instead of
    /// leaving it in a queue that nobody empties.
    fn accept(self) -> io::Result<(Socket, SockAddr)> {
        let (socket, peer) = loop {
            match self.socket.accept() {
                // This client left before it could be accepted (accept(2)).
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                answer => break answer?,
            }
        };
        // The file goes first. Once the socket is closed, another server may replace the file, and we must not remove that one.
        drop(self.file);
        self.socket.close()?;
        set_nodelay(&socket)?;
        Ok((socket, peer))
    }
}

/// Sends each line at once. By default TCP holds a small segment back while earlier data is unacknowledged (Nagle's algorithm,
/// tcp(7)).
fn set_nodelay(socket: &Socket) -> io::Result<()> {
    if socket.local_addr()?.domain() == Domain::UNIX {
        Ok(())
    } else {
        socket.set_tcp_nodelay(true)
    }
}

// ---- the client ----

/// Connects. If that fails, retries up to `retries` times, after growing pauses.
pub fn connect(
    lab: &Lab,
    actor: &Actor,
    address: &Address,
    timeout: Duration,
    retries: u32,
    screen: &dyn Screen,
) -> Result<Socket, ConnectError> {
    let socket = connect_or_leave(lab, actor, address, (timeout, retries), screen, None)?;
    Ok(socket.expect("only with `leave` there may be none"))
}

/// [`connect`], with its timeout and its retries. `None` if `leave` wakes it first.
pub fn connect_or_leave(
    lab: &Lab,
    actor: &Actor,
    address: &Address,
    (timeout, retries): (Duration, u32),
    screen: &dyn Screen,
    leave: Option<Wake<'_>>,
) -> Result<Option<Socket>, ConnectError> {
    let mut pause = FIRST_PAUSE;
    for left in (0..=retries).rev() {
        match try_once(actor, address, timeout, leave) {
            Err(error) if left > 0 => {
                screen.note(&retrying(&error, pause));
                let left = pause_before_retry(lab, actor, leave, pause);
                if left.map_err(ConnectError::during(Phase::Connect, address))? {
                    return Ok(None);
                }
                pause = LONGEST_PAUSE.min(pause * 2);
            }
            answer => return answer,
        }
    }
    unreachable!("the last attempt always returns")
}

/// One attempt. A host may have several addresses; they are tried in order.
fn try_once(
    actor: &Actor,
    address: &Address,
    timeout: Duration,
    leave: Option<Wake<'_>>,
) -> Result<Option<Socket>, ConnectError> {
    let mut last = None;
    for to in address.resolve().map_err(ConnectError::during(Phase::LookUp, address))? {
        match connect_to(actor, &to, timeout, leave) {
            Ok(socket) => return Ok(socket),
            Err(error) => last = Some(error),
        }
    }
    Err(ConnectError::during(Phase::Connect, address)(
        last.unwrap_or_else(|| io::ErrorKind::NotFound.into()),
    ))
}

/// Connects with a time limit (lesson 9). A blocking connect takes as long as the kernel keeps trying: minutes, by default on
/// Linux (tcp(7), `tcp_syn_retries`). So it is started in non-blocking mode, and poll waits for it.
fn connect_to(
    actor: &Actor,
    to: &SockAddr,
    timeout: Duration,
    leave: Option<Wake<'_>>,
) -> io::Result<Option<Socket>> {
    let socket = actor.socket(to.domain(), Type::STREAM, protocol(to.domain()))?;
    socket.set_nonblocking(true)?;
    match socket.connect(to) {
        Err(error) if sys::is_in_progress(&error) || error.kind() == io::ErrorKind::WouldBlock => {
            if to.domain() == Domain::UNIX {
                return Err(error); // EAGAIN: its backlog is full (unix(7))
            }
            // The socket becomes writable when the handshake has succeeded or failed; SO_ERROR tells which.
            match until_ready(actor, (&socket, Interest::Write), leave, Some(timeout))? {
                Came::Ready => {}
                Came::Leave => return Ok(None),
                Came::Timeout => {
                    return Err(io::Error::new(
                        io::ErrorKind::TimedOut,
                        tr!("no answer in {patience} s", patience = timeout.as_secs_f32()),
                    ));
                }
            }
            if let Some(error) = socket.take_error()? {
                return Err(error);
            }
        }
        answer => answer?,
    }
    if is_to_itself(&socket, to.domain())? {
        // Without TIME_WAIT, the port is free again at once for a server.
        socket.set_linger(Some(Duration::ZERO))?;
        return Err(io::Error::new(
            io::ErrorKind::ConnectionRefused,
            tr!(
                "nobody listens there: the kernel chose that very port for this end, and connected it to itself"
            ),
        ));
    }
    socket.set_nonblocking(false)?;
    set_nodelay(&socket)?;
    Ok(Some(socket))
}

/// Whether both ends are this one socket. The port of a client may be any that is free, even that to which it connects, and then the
/// handshake succeeds without a server (RFC 9293, section 3.5: simultaneous open).
fn is_to_itself(socket: &Socket, domain: Domain) -> io::Result<bool> {
    Ok(domain != Domain::UNIX && socket.local_addr()? == socket.peer_addr()?)
}
