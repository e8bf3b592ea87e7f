//! What judges have in common: peers that wait for an answer with patience, and requirements.

use std::io;
use std::mem::MaybeUninit;
use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use socket2::{Domain, SockAddr, Type};

use crate::capture::{Actor, Lab, PATIENCE, Program, Proof, Result, Socket, address, eq, sys};
use crate::trace::{Data, ExitStatus, Failure, Lack, Value, label};

/// How often a peer that waits looks at the program.
pub(super) const LOOK: Duration = Duration::from_millis(500);
/// How often a program is looked at otherwise.
const A_MOMENT: Duration = Duration::from_millis(5);
/// A program that has been asleep for so long waits for something, and not for a processor.
const ASLEEP: Duration = Duration::from_secs(3);

/// Checks a requirement without which the next ones cannot be tried.
pub(super) fn require(lab: &Lab, name: &'static str, proof: Proof) -> Result<()> {
    let holds = proof.holds();
    lab.claim(name, proof);
    if holds { Ok(()) } else { Err(Failure::NotMet.into()) }
}

/// Starts the server at a port that is free, and returns it and where it can be reached. It is required to listen
/// there; an address that stands for all of the machine's will do.
pub(super) fn start_server(lab: &Lab, name: &'static str) -> Result<(Program, SockAddr)> {
    let port = free_port(lab)?;
    let server = lab.program("server", &[port.to_string()])?;
    let (listens, wanted) = (server.until_listening()?, SocketAddr::from(([127, 0, 0, 1], port)));
    let is_everywhere = listens.ip().is_unspecified() && listens.port() == port;
    let wanted = if is_everywhere { listens } else { wanted };
    let [listens, wanted] = [listens, wanted].map(|at| address(&at.into()));
    require(lab, name, eq("address of server", listens, wanted))?;
    Ok((server, lab.here(port)))
}

/// What comes back from the program is this.
pub(super) fn require_answer(
    lab: &Lab,
    program: &Program,
    name: &'static str,
    what: &'static str,
    socket: &Socket,
    wanted: &[u8],
) -> Result<()> {
    let back = answer(program, socket, wanted.len());
    require(lab, name, eq(what, Data::of(&back), Data::of(wanted)))
}

/// The program has closed the connection: a recv() gets its end, or a reset if the program had left something unread.
pub(super) fn require_end(
    lab: &Lab,
    program: &Program,
    name: &'static str,
    what: &'static str,
    socket: &Socket,
) -> Result<()> {
    let end = returned(&receive(program, socket, &mut [0; 64]));
    let reset = Value::from("ECONNRESET");
    let wanted = if end == reset { reset } else { Value::from(0_i64) };
    require(lab, name, eq(what, end, wanted))
}

/// Judges the program for this role if the learner has given one; if not, its requirements are not checked.
pub(super) fn judge_role(
    lab: &Lab,
    role: &'static str,
    requirements: &[&'static str],
    judge: fn(&Lab) -> Result<()>,
) -> Result<()> {
    if lab.has_program(role) {
        return judge(lab);
    }
    for requirement in requirements {
        lab.not_checked(requirement, Lack::NoProgram { role: role.into() });
    }
    Ok(())
}

/// The result of a call, or the name of its error.
pub(super) fn returned(answer: &io::Result<usize>) -> Value {
    match answer {
        Ok(got) => Value::from(*got),
        Err(error) => sys::error_name(error).into(),
    }
}

/// An exit status, or the signal that ended the program.
pub(super) fn exit_value(exit: Option<&ExitStatus>) -> Value {
    match exit {
        Some(ExitStatus::Code(code)) => Value::from(i64::from(*code)),
        Some(ExitStatus::Signal(name)) => label!("{signal}", signal = name.to_string()).into(),
        None => label!("it runs on").into(),
    }
}

/// A port that is free now, for the learner's server.
pub(super) fn free_port(lab: &Lab) -> Result<u16> {
    let (socket, at) = lab.nobody(Type::STREAM)?;
    let port = at.as_socket().map_or(0, |at| at.port());
    socket.close()?;
    Ok(port)
}

/// A client, connected.
pub(super) fn client(lab: &Lab, name: &str, to: &SockAddr) -> Result<Socket> {
    let socket = socket(&lab.actor(name))?;
    socket.connect(to)?;
    Ok(socket)
}

/// A TCP socket whose calls do not wait for a program that does nothing any more.
pub(super) fn socket(actor: &Actor) -> io::Result<Socket> {
    let socket = actor.socket(Domain::IPV4, Type::STREAM, None)?;
    socket.set_read_timeout(Some(LOOK))?;
    socket.set_write_timeout(Some(PATIENCE))?;
    Ok(socket)
}

/// What comes from this program: so many bytes, or fewer if it ends or breaks the connection, or has nothing more to send: it has
/// been asleep for as long as [`ASLEEP`], or has had its time.
pub(super) fn answer(program: &Program, socket: &Socket, wanted: usize) -> Vec<u8> {
    let mut all = Vec::new();
    while all.len() < wanted {
        let mut buffer = vec![0; 65_536.min(wanted - all.len())];
        match receive(program, socket, &mut buffer) {
            Ok(got @ 1..) => all.extend_from_slice(&buffer[..got]),
            Ok(_) | Err(_) => break,
        }
    }
    all
}

/// One recv() from this program, made when something has come, or when nothing will: see [`answer`].
pub(super) fn receive(program: &Program, socket: &Socket, buffer: &mut [u8]) -> io::Result<usize> {
    until_something_comes(program, socket);
    socket.recv(buffer)
}

/// The same for a datagram, with where it came from.
pub(super) fn receive_from(
    program: &Program,
    socket: &Socket,
    buffer: &mut [u8],
) -> io::Result<(usize, SockAddr)> {
    until_something_comes(program, socket);
    socket.recv_from(buffer)
}

/// Waits until something has come from this program, or until nothing will: it has ended, has been asleep for as long as
/// [`ASLEEP`], or has had its time.
fn until_something_comes(program: &Program, socket: &Socket) {
    let began = Instant::now();
    let mut asleep = Duration::ZERO;
    while asleep < ASLEEP && began.elapsed() < PATIENCE && !has_come(socket) {
        if program.has_ended() {
            return;
        }
        asleep = if program.is_asleep() { asleep + LOOK } else { Duration::ZERO };
    }
}

/// Waits until the program listens on so many sockets, or will not: it is asleep, or has ended.
pub(super) fn until_listening_on(program: &Program, sockets: usize) -> Result<()> {
    program.until_it_listens()?;
    let mut asleep = Duration::ZERO;
    while program.listening() < sockets && asleep < ASLEEP && !program.has_ended() {
        thread::sleep(A_MOMENT);
        asleep = if program.is_asleep() { asleep + A_MOMENT } else { Duration::ZERO };
    }
    Ok(())
}

/// Waits until the program has taken what was sent to it: it is asleep again. One that never sleeps is not waited for long.
pub(super) fn until_asleep(program: &Program) {
    let began = Instant::now();
    let mut times = 0;
    while times < 2 && began.elapsed() < ASLEEP {
        thread::sleep(A_MOMENT);
        times = if program.is_asleep() { times + 1 } else { 0 };
    }
}

/// Waits for a while, and says whether a recv() would not have to wait. (It is no call of the peer's, and not recorded.)
fn has_come(socket: &Socket) -> bool {
    let looked = socket.bare().peek(&mut [MaybeUninit::uninit()]);
    !looked.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
}
