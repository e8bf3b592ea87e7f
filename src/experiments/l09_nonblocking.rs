//! Lesson 9: non-blocking mode, and how a program learns that a socket is ready. All of it plays on loopback.
//!
//! Who is ready, and what comes of asking by hand, is in `l09_readiness`; what thousands of connections cost, in
//! `l09_many_connections`.

use std::io::{self, ErrorKind};
use std::time::Duration;

use socket2::{Domain, Protocol, SockAddr, Type};

use super::experiment;
use super::kit::{connection, listening, mode_is, says_writable};
use crate::capture::{
    Actor, Interest, Kind, Lab, Parameter, Proof, Result, Socket, eq, errno_here, failed_with,
    less, ok, succeeded, sys,
};
use crate::i18n::Text;
use crate::trace::{Lack, Value};

const TCP: Option<Protocol> = Some(Protocol::TCP);

/// What a system answers when a non-blocking call cannot be done at once: the error's name and number.
struct System {
    /// As `std::env::consts::OS` has it.
    name: &'static str,
    /// recv, send, accept: it would block.
    would_block: (&'static str, i32),
    /// connect: the handshake is under way.
    in_progress: (&'static str, i32),
    /// The handshake failed: nobody listens there.
    refused: (&'static str, i32),
}

/// The lesson's table. Sources: Linux: include/uapi/asm-generic/errno-base.h and errno.h (some processors have numbers of
/// their own: see `own_numbers`). macOS: xnu, bsd/sys/errno.h. Windows: Windows Sockets Error Codes, and the page on
/// connect(), learn.microsoft.com/windows/win32/winsock and /api/winsock2.
const SYSTEMS: [System; 3] = [
    System {
        name: "linux",
        would_block: ("EAGAIN", 11),
        in_progress: ("EINPROGRESS", 115),
        refused: ("ECONNREFUSED", 111),
    },
    System {
        name: "macos",
        would_block: ("EAGAIN", 35),
        in_progress: ("EINPROGRESS", 36),
        refused: ("ECONNREFUSED", 61),
    },
    System {
        name: "windows",
        would_block: ("WSAEWOULDBLOCK", 10035),
        in_progress: ("WSAEWOULDBLOCK", 10035),
        refused: ("WSAECONNREFUSED", 10061),
    },
];

/// Linux on these processors took its numbers over from another Unix.
fn own_numbers() -> bool {
    ["mips", "sparc", "alpha", "hppa"]
        .iter()
        .any(|family| std::env::consts::ARCH.starts_with(family))
}

/// Checks that an error's number is the one in this system's row.
fn claim_number(
    lab: &Lab,
    name: &'static str,
    seen: Option<i32>,
    column: fn(&System) -> (&'static str, i32),
) {
    let Some(row) =
        SYSTEMS.iter().find(|system| system.name == std::env::consts::OS && !own_numbers())
    else {
        lab.not_checked(name, Lack::ErrorNumbers);
        return;
    };
    let (errno, wanted) = column(row);
    lab.claim(name, eq(errno, seen.map_or("no number".into(), Value::from), wanted));
}

/// The number of the error that a call failed with, if it did.
fn number<T>(answer: &io::Result<T>) -> Option<i32> {
    answer.as_ref().err().and_then(io::Error::raw_os_error)
}

experiment!(would_block);
fn would_block(lab: &Lab) -> Result<()> {
    let (server, client) = (lab.actor("server"), lab.actor("client"));
    let (listener, address) = listening(lab, &server)?;
    let mode = listener.nonblocking().map(|it| mode_is("O_NONBLOCK", it, false));
    lab.claim_if_had("starts-out-blocking", mode)?;

    listener.set_nonblocking(true)?;
    let nobody = listener.accept(); // no client has come yet
    lab.claim("nobody-waits", failed_with("accept", &nobody, "EAGAIN"));

    let socket = non_blocking(&client)?;
    connect(&client, &socket, &address)?;
    let mut buffer = [0; 1024];
    let nothing = socket.recv(&mut buffer); // nobody has sent yet
    let failed = failed_with("recv", &nothing, "EAGAIN");
    lab.claim("nothing-to-read", failed);
    let seen = number(&nothing);
    claim_number(lab, "number-of-eagain", seen, |it| it.would_block);

    until_readable(&server, &listener)?;
    let (connection, _) = listener.accept()?;
    let mode = connection.nonblocking();
    let mode = mode.map(|it| mode_is("the accepted one's O_NONBLOCK", it, false));
    lab.claim_if_had("accepted-starts-out-blocking", mode)?;

    connection.send_all(b"hello")?;
    until_readable(&client, &socket)?;
    let n = socket.recv(&mut buffer)?;
    lab.claim("same-call-gets-the-bytes", eq("recv", n, 5));

    connection.close()?;
    until_readable(&client, &socket)?;
    let n = socket.recv(&mut buffer)?;
    lab.claim("the-end-is-no-error", eq("recv", n, 0));
    Ok(())
}

experiment!(connect_in_progress);
fn connect_in_progress(lab: &Lab) -> Result<()> {
    let (_listener, address) = listening(lab, &lab.actor("server"))?;
    let (_keeper, nobody) = lab.nobody(Type::STREAM)?;

    let me = lab.actor("to a listener");
    let lucky = non_blocking(&me)?;
    let first = lucky.connect(&address);
    let ready = me.select(&[], &[&lucky], None)?;
    let error = lucky.take_error()?; // SO_ERROR

    let me = lab.actor("to nobody");
    let unlucky = non_blocking(&me)?;
    let second = unlucky.connect(&nobody);
    let also_ready = me.select(&[], &[&unlucky], None)?;
    let refused = unlucky.take_error()?;
    let once_more = unlucky.take_error()?;

    let says = failed_with("first connect", &first, "EINPROGRESS");
    let same = failed_with("second connect", &second, "EINPROGRESS");
    lab.claim("connect-says-in-progress", says.and(same));
    let writable = says_writable("select, to a listener", ready.writable(&lucky));
    let also = says_writable("select, to nobody", also_ready.writable(&unlucky));
    lab.claim("writable-either-way", writable.and(also));
    let peer = succeeded("peer_addr", &lucky.peer_addr());
    lab.claim("no-error-is-success", held(&error, ok()).and(peer));
    lab.claim("so-error-says-why", held(&refused, errno_here("ECONNREFUSED")));
    lab.claim("told-once", held(&once_more, ok()));
    let reason = refused.and_then(|error| error.raw_os_error());
    let saw = number(&first);
    claim_number(lab, "number-of-einprogress", saw, |it| it.in_progress);
    claim_number(lab, "number-of-econnrefused", reason, |it| it.refused);
    Ok(())
}

experiment!(
    short_send,
    parameters = &[Parameter {
        name: "bytes",
        default: "1000000",
        kind: Kind::Count(1_000_000, 50_000_000),
        help: Text("how long the message is"),
    }]
);
fn short_send(lab: &Lab) -> Result<()> {
    let message = alphabet(lab.count("bytes")?);

    lab.part("what send returned is ignored");
    let (client, server) = small_buffers(lab)?;
    client.set_nonblocking(true)?;
    let taken = client.send(&message)?;
    client.close()?; // and the client believes it is done
    let got = receive_all(&server)?;
    let part = less("send took", taken, "of", message.len());
    lab.claim("send-takes-a-part", part);
    let arrived = eq("arrived", got.len(), taken);
    lab.claim("the-rest-was-never-sent", arrived);

    lab.part("the rest is sent");
    let (client, server) = small_buffers(lab)?;
    client.set_nonblocking(true)?;
    let mut taken = client.send(&message)?;
    let full = loop {
        match client.send(&message[taken..]) {
            Ok(more) => taken += more,
            failed => break failed,
        }
    };
    let full = failed_with("send", &full, "EAGAIN");
    lab.claim("then-it-would-block", full);
    let got = lab.scope(|stage| {
        let reader = stage.actor("server", |_| receive_all(&server))?;
        send_whole(&lab.actor("client"), client, &message[taken..])?;
        reader.finish()
    })?;
    let all = eq("arrived", got.len(), message.len());
    let right = got.iter().zip(&message).take_while(|(got, sent)| got == sent).count();
    let same = eq("of them as they were sent", right, message.len());
    lab.claim("sending-the-rest", all.and(same));
    Ok(())
}

/// Sends all of it over a non-blocking socket: what send did not take is offered again, once there is room. Then
/// it closes the socket.
fn send_whole(client: &Actor, socket: Socket, mut left: &[u8]) -> Result<()> {
    while !left.is_empty() {
        match socket.send(left) {
            Ok(taken) => left = &left[taken..],
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                client.poll(&[(&socket, Interest::Write)], None)?;
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(socket.close()?)
}

experiment!(an_error_in_store);
fn an_error_in_store(lab: &Lab) -> Result<()> {
    let (client, server) = connection(lab)?;
    client.set_nonblocking(true)?;
    server.set_linger(Some(Duration::ZERO))?; // close() is to reset
    server.close()?;

    let me = lab.actor("client");
    me.poll(&[(&client, Interest::Read)], None)?; // until the reset is here
    let ready = me.poll(&[(&client, Interest::Write)], None)?;
    let first = client.send(b"hello");
    let second = client.send(b"hello");
    let end = client.recv(&mut [0; 1024]);

    let writable = says_writable("poll", ready.writable(&client));
    lab.claim("writable-with-an-error", writable);
    lab.claim("send-fails-with-it", failed_with("first send", &first, "ECONNRESET"));
    let pipe = failed_with("second send", &second, "EPIPE");
    let end = eq("recv", end.unwrap_or(usize::MAX), 0);
    lab.claim("told-to-one-call-alone", pipe.and(end));
    Ok(())
}

// ---- what the experiments share ----

fn non_blocking(actor: &Actor) -> Result<Socket> {
    let socket = actor.socket(Domain::IPV4, Type::STREAM, TCP)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// Connects, and waits until the handshake is over; see `connect_in_progress`.
#[track_caller]
fn connect(actor: &Actor, socket: &Socket, to: &SockAddr) -> Result<()> {
    match socket.connect(to) {
        Err(error) if sys::is_in_progress(&error) => {
            actor.select(&[], &[socket], None)?;
            socket.take_error()?.map_or(Ok(()), |error| Err(error.into()))
        }
        answer => Ok(answer?),
    }
}

#[track_caller]
fn until_readable(actor: &Actor, socket: &Socket) -> Result<()> {
    actor.select(&[socket], &[], None)?;
    Ok(())
}

/// Two ends whose kernels hold little: what is not received soon stops the sender.
fn small_buffers(lab: &Lab) -> Result<(Socket, Socket)> {
    let listener = lab.actor("server").socket(Domain::IPV4, Type::STREAM, TCP)?;
    listener.set_recv_buffer_size(128 * 1024)?; // an accepted socket gets the same
    listener.bind(&lab.here(0))?;
    listener.listen(5)?;
    let client = lab.actor("client").socket(Domain::IPV4, Type::STREAM, TCP)?;
    client.set_send_buffer_size(128 * 1024)?;
    client.connect(&listener.local_addr()?)?;
    Ok((client, listener.accept()?.0))
}

fn receive_all(socket: &Socket) -> Result<Vec<u8>> {
    let (mut all, mut buffer) = (Vec::new(), vec![0; 128 * 1024]);
    loop {
        match socket.recv(&mut buffer)? {
            0 => return Ok(all),
            n => all.extend(&buffer[..n]),
        }
    }
}

/// So many bytes: the alphabet again and again.
fn alphabet(length: usize) -> Vec<u8> {
    (b'a'..=b'z').cycle().take(length).collect()
}

/// What SO_ERROR held is this error; `ok` for none.
fn held(error: &Option<io::Error>, wanted: impl Into<Value>) -> Proof {
    eq("SO_ERROR", error.as_ref().map_or_else(ok, |error| sys::error_name(error).into()), wanted)
}

#[cfg(test)]
mod tests {
    use super::SYSTEMS;

    /// The lesson shows the table that the program checks itself against.
    #[test]
    fn the_lessons_table_is_this_one() {
        let lesson = include_str!("../../lessons/09-nonblocking/en.md");
        for system in SYSTEMS {
            let cell = |(name, number): (&str, i32)| format!("`{name}` {number}");
            let cells =
                [system.would_block, system.in_progress, system.refused].map(cell).join(" | ");
            let row = lesson
                .lines()
                .find(|line| line.to_lowercase().starts_with(&format!("| {} ", system.name)));
            assert!(
                row.is_some_and(|row| row.ends_with(&format!("| {cells} |"))),
                "{}: {row:?}, and not {cells}",
                system.name
            );
        }
    }

    #[cfg(unix)]
    #[test]
    fn this_systems_row_is_what_its_headers_say() {
        let Some(row) = SYSTEMS
            .iter()
            .find(|system| system.name == std::env::consts::OS && !super::own_numbers())
        else {
            return;
        };
        let numbers = [row.would_block.1, row.in_progress.1, row.refused.1];
        assert_eq!(numbers, [libc::EWOULDBLOCK, libc::EINPROGRESS, libc::ECONNREFUSED]);
    }
}
