//! Lesson 9: non-blocking mode, and how a program learns that a socket is ready. All of it plays on loopback.
//!
//! What it costs to serve thousands of connections is in `many_connections`.

use std::io::{self, ErrorKind};
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use socket2::{Domain, Protocol, SockAddr, Type};

use super::kit::count_calls;
use super::{Stepping, Why, experiment};
use crate::capture::{
    Actor, Error, Interest, Kind, Lab, Parameter, Proof, Ready, Result, Socket, at_least, eq,
    failed_with, less, ok, succeeded, sys,
};
use crate::i18n::Text;
use crate::trace::{Feature, Lack, Syscall, SyscallKind, Value};

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
    let listener = listening(lab, &server)?;
    let mode = eq("non-blocking", listener.nonblocking()?, false);
    lab.claim("starts-out-blocking", mode);

    listener.set_nonblocking(true)?;
    let nobody = listener.accept(); // no client has come yet
    lab.claim("nobody-waits", failed_with("accept", &nobody, "EAGAIN"));

    let socket = non_blocking(&client)?;
    connect(&client, &socket, &listener.local_addr()?)?;
    let mut buffer = [0; 1024];
    let nothing = socket.recv(&mut buffer); // nobody has sent yet
    let failed = failed_with("recv", &nothing, "EAGAIN");
    lab.claim("nothing-to-read", failed);
    let seen = number(&nothing);
    claim_number(lab, "number-of-eagain", seen, |it| it.would_block);

    until_readable(&server, &listener)?;
    let (connection, _) = listener.accept()?;
    let mode = eq("non-blocking", connection.nonblocking()?, false);
    lab.claim("accepted-starts-out-blocking", mode);

    connection.send(b"hello")?;
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
    let listener = listening(lab, &lab.actor("server"))?;
    let (_keeper, nobody) = lab.nobody(Type::STREAM)?;

    let me = lab.actor("to a listener");
    let lucky = non_blocking(&me)?;
    let first = lucky.connect(&listener.local_addr()?);
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
    let writable = eq("first writable", ready.writable(&lucky), true);
    let also = eq("second", also_ready.writable(&unlucky), true);
    lab.claim("writable-either-way", writable.and(also));
    let peer = succeeded("peer_addr", &lucky.peer_addr());
    lab.claim("no-error-is-success", held(&error, ok()).and(peer));
    lab.claim("so-error-says-why", held(&refused, "ECONNREFUSED"));
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
    let same = eq("the same bytes", got == message, true);
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

/// How often the loop has asked before the peer's silence begins; a machine with much to do may give it no turn for long.
const OFTEN: usize = 1_000;

experiment!(
    busy_loop,
    stepping = Stepping::Whole(Why::Many),
    parameters = &[Parameter {
        name: "silence",
        default: "20ms",
        // Each call is recorded: a second of them would be a million events.
        kind: Kind::Span(1, 200),
        help: Text("how long the peer says nothing"),
    }]
);
fn busy_loop(lab: &Lab) -> Result<()> {
    let silence = lab.span("silence")?;
    let listener = listening(lab, &lab.actor("peer"))?;
    let to = listener.local_addr()?;
    let (tell, asked_often) = channel();
    let (by_hand, select) = lab.scope(|stage| {
        let select = stage.actor("select", |me| waits(lab, &me, &to))?;
        let one = listener.accept()?.0;
        select.until_blocked_in(SyscallKind::Select)?;
        let ask = |me: Actor| asks(lab, &me, &to, &tell);
        let by_hand = stage.actor("by hand", ask)?;
        let other = listener.accept()?.0;
        asked_often.recv().map_err(|_| gone())?; // a thousand times

        lab.wait(silence, "the peer is silent");
        other.send(b"at last")?;
        one.send(b"at last")?;
        Ok((by_hand.finish()?, select.finish()?))
    })?;
    let in_vain = count_calls(lab, "by hand", SyscallKind::Recv) - 1;
    lab.claim("asked-in-vain", at_least("EAGAINs", in_vain, OFTEN));
    let selects = eq("selects", count_calls(lab, "select", SyscallKind::Select), 1);
    let recvs = eq("recvs", count_calls(lab, "select", SyscallKind::Recv), 1);
    lab.claim("select-asks-once", selects.and(recvs));
    let bytes = eq("by hand", by_hand.0, 7);
    let same = eq("with select", select.0, 7);
    lab.claim("both-got-the-bytes", bytes.and(same));
    claim_cpu(lab, "the-loop-burns-time", select.1, by_hand.1);
    Ok(())
}

/// Asks again and again. Brings how many bytes came, and the processor time it took.
fn asks(
    lab: &Lab,
    me: &Actor,
    to: &SockAddr,
    tell: &Sender<()>,
) -> Result<(usize, Option<Duration>)> {
    let socket = me.socket(Domain::IPV4, Type::STREAM, TCP)?;
    socket.connect(to)?;
    socket.set_nonblocking(true)?;
    let (mut buffer, mut in_vain) = ([0; 1024], 0);
    let before = lab.cpu_time();
    let answer = loop {
        match socket.recv(&mut buffer) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => in_vain += 1,
            answer => break answer?,
        }
        if in_vain == OFTEN {
            let _ = tell.send(());
        }
    };
    Ok((answer, used_since(lab, before)))
}

/// Asks select, which sleeps until there is something; then receives. Brings the same.
fn waits(lab: &Lab, me: &Actor, to: &SockAddr) -> Result<(usize, Option<Duration>)> {
    let socket = me.socket(Domain::IPV4, Type::STREAM, TCP)?;
    socket.connect(to)?;
    socket.set_nonblocking(true)?;
    let before = lab.cpu_time();
    me.select(&[&socket], &[], None)?;
    let answer = socket.recv(&mut [0; 1024])?;
    Ok((answer, used_since(lab, before)))
}

experiment!(select_poll_epoll);
fn select_poll_epoll(lab: &Lab) -> Result<()> {
    with_three_clients(lab, |server, ann, ben, cy| {
        let mut buffer = [0; 64];

        let ready = server.select(&[ann, ben, cy], &[], None)?;
        let select = ready_ones(&ready, ann, ben, cy);
        ben.recv(&mut buffer)?;

        let watched = [ann, ben, cy].map(|one| (one, Interest::Read));
        let ready = server.poll(&watched, None)?;
        let poll = ready_ones(&ready, ann, ben, cy);
        ann.recv(&mut buffer)?;

        let epoll = server.epoll()?;
        for one in [ann, ben, cy] {
            epoll.add(one, Interest::Read)?; // told once
        }
        let ready = epoll.wait(8, None)?; // at most 8 in one answer
        claim_who(lab, &select, &poll, ready.readable(cy));
        cy.recv(&mut buffer)?;

        ann.peek(&mut buffer)?; // peek waits, and takes nothing:
        ben.peek(&mut buffer)?; // now both have spoken
        let ready = epoll.wait(8, None)?;
        let names = ready_ones(&ready, ann, ben, cy);
        let both = eq("ready", names, "ann ben");
        lab.claim("two-in-one-answer", both);
        let ready = epoll.wait(8, None)?; // and nobody called recv
        let names = ready_ones(&ready, ann, ben, cy);
        let both = eq("ready", names, "ann ben");
        lab.claim("unread-is-still-ready", both);
        ann.recv(&mut buffer)?;
        ben.recv(&mut buffer)?;
        let ready = epoll.wait(8, Some(Duration::ZERO))?; // no wait
        lab.claim("read-is-ready-no-more", eq("ready", ready.count(), 0));
        claim_lists(lab)
    })
}

/// Three clients; each speaks when the server is blocked in the call that is to notice it. `play` is the server, on a
/// thread of its own, with the three connections.
fn with_three_clients(
    lab: &Lab,
    play: impl FnOnce(&Actor, &Socket, &Socket, &Socket) -> Result<()> + Send,
) -> Result<()> {
    let (tell, address) = channel();
    lab.scope(|stage| {
        let server = stage.actor("server", |me| {
            let listener = listening(lab, &me)?;
            let at = listener.local_addr()?;
            let takes_one = || {
                let _ = tell.send(at.clone()); // one at a time, so that each connection is known
                listener.accept().map(|(connection, _)| connection)
            };
            play(&me, &takes_one()?, &takes_one()?, &takes_one()?)
        })?;
        let [ann, ben, cy] = ["ann", "ben", "cy"]
            .map(|name| arrives(&lab.actor(name), &address.recv().map_err(|_| gone())?));
        let (ann, ben, cy) = (ann?, ben?, cy?);

        server.until_blocked_in(SyscallKind::Select)?;
        ben.send(b"to select")?;
        server.until_blocked_in(SyscallKind::Poll)?;
        ann.send(b"to poll")?;
        server.until_blocked_in(SyscallKind::EpollWait)?; // epoll's own call
        cy.send(b"to epoll")?;
        ann.send(b"one")?;
        ben.send(b"two")?;
        server.finish()
    })
}

/// Whom each of the three calls named.
fn claim_who(lab: &Lab, select: &str, poll: &str, epoll_says_cy: bool) {
    // After cy the other two may speak at any moment, so of epoll it is asked whether cy is among the ready.
    let three = eq("select", select.to_owned(), "ben").and(eq("poll", poll.to_owned(), "ann"));
    lab.claim("all-three-say-who", three.and(eq("epoll: cy", epoll_says_cy, true)));
}

/// Who handed over which list how often, from the recorded calls.
fn claim_lists(lab: &Lab) -> Result<()> {
    let select = lab.last_call("server", SyscallKind::Select)?.back.call.clone();
    let in_set = match &select.syscall {
        Syscall::Select { read, .. } => read.count,
        _ => 0,
    };
    let poll = lab.last_call("server", SyscallKind::Poll)?.back.call.clone();
    let in_list = match &poll.syscall {
        Syscall::Poll { watched, .. } => watched.count,
        _ => 0,
    };
    lab.claim(
        "the-list-goes-along",
        eq("sockets handed to select", in_set, 3).and(eq("sockets handed to poll", in_list, 3)),
    );
    let told = eq("calls of epoll_ctl", count_calls(lab, "server", SyscallKind::EpollCtl), 3);
    let waits = eq("calls of epoll_wait", count_calls(lab, "server", SyscallKind::EpollWait), 4);
    lab.claim("epoll-keeps-the-list", told.and(waits));
    Ok(())
}

// ---- what the experiments share ----

fn listening(lab: &Lab, actor: &Actor) -> Result<Socket> {
    let listener = actor.socket(Domain::IPV4, Type::STREAM, TCP)?;
    listener.bind(&lab.here(0))?;
    listener.listen(5)?;
    Ok(listener)
}

fn non_blocking(actor: &Actor) -> Result<Socket> {
    let socket = actor.socket(Domain::IPV4, Type::STREAM, TCP)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// Connects, and waits until the handshake is over; see `connect_in_progress`.
#[track_caller]
fn connect(actor: &Actor, socket: &Socket, to: &SockAddr) -> Result<()> {
    match socket.connect(to) {
        Err(error) if sys::error_name(&error) == "EINPROGRESS" => {
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

fn arrives(client: &Actor, to: &SockAddr) -> Result<Socket> {
    let socket = client.socket(Domain::IPV4, Type::STREAM, TCP)?;
    socket.connect(to)?;
    Ok(socket)
}

/// The names of those that are ready to be read.
fn ready_ones(ready: &Ready, ann: &Socket, ben: &Socket, cy: &Socket) -> String {
    let all = [("ann", ann), ("ben", ben), ("cy", cy)];
    let names = all.into_iter().filter(|(_, socket)| ready.readable(socket)).map(|(name, _)| name);
    names.collect::<Vec<_>>().join(" ")
}

/// Two ends whose kernels hold little: what is not received soon stops the sender.
fn small_buffers(lab: &Lab) -> Result<(Socket, Socket)> {
    let listener = lab.actor("server").socket(Domain::IPV4, Type::STREAM, TCP)?;
    listener.set_recv_buffer_size(64 * 1024)?; // an accepted socket gets the same
    listener.bind(&lab.here(0))?;
    listener.listen(5)?;
    let client = lab.actor("client").socket(Domain::IPV4, Type::STREAM, TCP)?;
    client.set_send_buffer_size(64 * 1024)?;
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

fn used_since(lab: &Lab, before: Option<Duration>) -> Option<Duration> {
    Some(lab.cpu_time()?.saturating_sub(before?))
}

fn claim_cpu(lab: &Lab, name: &'static str, select: Option<Duration>, by_hand: Option<Duration>) {
    let (Some(select), Some(by_hand)) = (select, by_hand) else {
        lab.not_checked(name, Feature::ThreadTime.lack());
        return;
    };
    lab.measure("processor time", "by hand", by_hand);
    lab.measure("processor time", "select", select);
    let nanoseconds = |span: Duration| usize::try_from(span.as_nanos()).unwrap_or(usize::MAX);
    lab.claim(
        name,
        less("select's processor time, ns", nanoseconds(select), "by hand", nanoseconds(by_hand)),
    );
}

fn gone() -> Error {
    Error::assertion("the other thread left without a word")
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
