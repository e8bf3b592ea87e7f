//! What several experiments need before they begin, and what they compare when it is over.

use std::io;
use std::time::Duration;

use socket2::{Domain, SockAddr, Type};

use crate::capture::link::CapturedFrame;
use crate::capture::{Actor, ActorThread, Lab, Proof, Result, Socket, eq, succeeded, sys};
use crate::trace::{Data, Label, Lack, SyscallKind, Value, label};

// ---- sockets ----

/// A TCP socket of this actor.
#[track_caller]
pub(super) fn tcp_socket(lab: &Lab, actor: &str) -> io::Result<Socket> {
    lab.actor(actor).socket(Domain::IPV4, Type::STREAM, None)
}

/// A server that listens on the loopback interface, and its address.
pub(super) fn listening(lab: &Lab, server: &Actor) -> Result<(Socket, SockAddr)> {
    let listener = server.socket(Domain::IPV4, Type::STREAM, None)?;
    listener.bind(&lab.here(0))?;
    listener.listen(5)?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

/// A server that listens at the near end of the wire, and the address at which a client finds it, at the far end.
pub(super) fn listening_on_the_wire(lab: &Lab) -> Result<(Socket, SockAddr)> {
    let listener = tcp_socket(lab, "server")?;
    listener.bind(&lab.near(0))?;
    listener.listen(5)?;
    let port = listener.local_addr()?.as_socket().map_or(0, |at| at.port());
    Ok((listener, lab.far(port)))
}

/// A TCP client, connected.
pub(super) fn connected(client: &Actor, to: &SockAddr) -> io::Result<Socket> {
    let socket = client.socket(Domain::IPV4, Type::STREAM, None)?;
    socket.connect(to)?;
    Ok(socket)
}

/// A TCP connection over loopback: the client's end and the server's end of it.
pub(super) fn connection(lab: &Lab) -> Result<(Socket, Socket)> {
    let (listener, address) = listening(lab, &lab.actor("server"))?;
    let client = connected(&lab.actor("client"), &address)?;
    let (server, _) = listener.accept()?;
    Ok((client, server))
}

/// Two UDP sockets: a client, and a server that is bound to this address.
pub(super) fn udp_pair(lab: &Lab, address: &SockAddr) -> Result<(Socket, Socket)> {
    let server = lab.actor("server").socket(Domain::IPV4, Type::DGRAM, None)?;
    server.bind(address)?;
    let client = lab.actor("client").socket(Domain::IPV4, Type::DGRAM, None)?;
    Ok((client, server))
}

// ---- bytes ----

/// Receives until the buffer is full, or the peer will send no more, and says how many bytes that were.
#[track_caller]
pub(super) fn receive_exactly(socket: &Socket, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match socket.recv(&mut buffer[filled..])? {
            0 => break,
            n => filled += n,
        }
    }
    Ok(filled)
}

/// Receives until recv() returns 0: the peer will send no more.
#[track_caller]
pub(super) fn receive_to_the_end(socket: &Socket) -> io::Result<Vec<u8>> {
    let (mut all, mut buffer) = (Vec::new(), [0; 1024]);
    loop {
        match socket.recv(&mut buffer)? {
            0 => return Ok(all),
            n => all.extend_from_slice(&buffer[..n]),
        }
    }
}

/// Receives this many bytes; fewer only if the peer will send no more.
#[track_caller]
pub(super) fn receive(socket: &Socket, wanted: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; wanted];
    let filled = receive_exactly(socket, &mut bytes)?;
    bytes.truncate(filled);
    Ok(bytes)
}

/// Sends back whatever comes, until the peer will send no more.
#[track_caller]
pub(super) fn echo(connection: &Socket) -> io::Result<()> {
    let mut buffer = [0; 1024];
    loop {
        let n = connection.recv(&mut buffer)?;
        if n == 0 {
            return Ok(());
        }
        connection.send_all(&buffer[..n])?;
    }
}

// ---- what `ss` shows ----

/// A socket in a table that `ss` prints (ss(8)).
#[derive(Debug)]
pub(super) struct SsRow {
    /// Its state as `ss` spells it: `TIME-WAIT`.
    pub(super) state: String,
    /// Its own address and port.
    pub(super) local: String,
    /// The process that has a descriptor for it, if `ss` names one.
    pub(super) pid: Option<u32>,
}

/// What `ss` shows, with these options, of the TCP sockets with this port of their own: at least one.
pub(super) fn ss(lab: &Lab, options: &str, at: &SockAddr) -> Result<Vec<SsRow>, Lack> {
    let answer = lab.ask("ss", &[options, &at_port_of(at)])?;
    let row = |line: &str| {
        let mut columns = line.split_whitespace();
        let digits = line.split_once("pid=").and_then(|(_, rest)| rest.split(',').next());
        Some(SsRow {
            state: columns.next()?.to_owned(),
            local: columns.nth(2)?.to_owned(),
            pid: digits.and_then(|digits| digits.parse().ok()),
        })
    };
    let rows: Vec<SsRow> = answer.lines().skip(1).filter_map(row).collect(); // the first line is the heading
    if rows.is_empty() { Err(no_answer("ss")) } else { Ok(rows) }
}

/// `ss` names this process in one of these rows. It may name none, for it cannot see those of every user. Connections of other
/// programs may have the same port of their own, to other peers.
pub(super) fn names_process(rows: &[SsRow], process: u32) -> Result<Proof, Lack> {
    let mut pids = rows.iter().filter_map(|row| row.pid);
    let first = pids.clone().next().ok_or(no_answer("ss"))?;
    let pid = pids.find(|pid| *pid == process).unwrap_or(first);
    Ok(eq("ss: PID", pid, process))
}

/// `ss` shows a row with this state, and no process in it.
pub(super) fn names_nobody(rows: &[SsRow], state: &'static str) -> Result<Proof, Lack> {
    let row = rows.iter().find(|row| row.state == state).or(rows.first());
    let row = row.ok_or(no_answer("ss"))?;
    let nobody = eq("processes that ss names", usize::from(row.pid.is_some()), 0);
    Ok(eq("ss: state", row.state.clone(), state).and(nobody))
}

// ---- what was seen ----

/// These segments, each once: what a busy machine made the kernel send again is the same segment.
pub(super) fn each_once(segments: Vec<CapturedFrame>) -> Result<Vec<CapturedFrame>> {
    let mut once: Vec<CapturedFrame> = Vec::new();
    for segment in segments {
        let tcp = segment.tcp()?;
        let same = |other: &CapturedFrame| {
            (other.sent_by, other.layers.payload_bytes)
                == (segment.sent_by, segment.layers.payload_bytes)
                && other.layers.tcp.as_ref().is_some_and(|other| {
                    (other.seq, other.ack, other.flags) == (tcp.seq, tcp.ack, tcp.flags)
                })
        };
        if !once.iter().any(same) {
            once.push(segment);
        }
    }
    Ok(once)
}

/// The label of something of epoll's, or of what this system has in its place.
pub(super) fn epoll_or_kqueue(epoll: &'static str, kqueue: &'static str) -> &'static str {
    if sys::EPOLL == "kqueue" { kqueue } else { epoll }
}

/// How many calls of this kind an actor has made; to peek is not to receive.
pub(super) fn count_calls(lab: &Lab, actor: &str, kind: SyscallKind) -> usize {
    lab.calls(actor)
        .iter()
        .filter(|(_, back)| back.call.kind() == kind && !back.call.peeks())
        .count()
}

/// Waits until this actor's thread is blocked in send(), and until no send() of it has returned for so long. (TCP tries again after
/// 200 ms what a full buffer refused, and on a busy machine a send() may be blocked for a moment, though there is room.)
pub(super) fn until_full(
    lab: &Lab,
    thread: &ActorThread<'_, ()>,
    actor: &str,
    quiet: Duration,
    purpose: Label,
) -> Result<()> {
    let sends = || count_calls(lab, actor, SyscallKind::Send);
    loop {
        thread.until_blocked_in(SyscallKind::Send)?;
        let before = sends();
        lab.wait(quiet, purpose.clone());
        if sends() == before {
            return Ok(());
        }
    }
}

/// The call transferred this number of bytes.
pub(super) fn transferred(call: &'static str, answer: &io::Result<usize>, wanted: usize) -> Proof {
    match answer {
        Ok(bytes) => eq(call, *bytes, wanted),
        Err(_) => succeeded(call, answer),
    }
}

/// These bytes were received, and no others.
pub(super) fn recv_gave(got: &[u8], wanted: &[u8]) -> Proof {
    eq("recv gave", Data::of(got), Data::of(wanted))
}

/// A call that waits for several sockets said of this one that it can be read.
pub(super) fn says_readable(call: impl Into<Label>, is_readable: bool) -> Proof {
    let words = |is: bool| if is { label!("readable") } else { label!("not readable") };
    eq(call, words(is_readable), words(true))
}

/// A call that waits for several sockets said of this one that it can be written.
pub(super) fn says_writable(call: impl Into<Label>, is_writable: bool) -> Proof {
    let words = |is: bool| if is { label!("writable") } else { label!("not writable") };
    eq(call, words(is_writable), words(true))
}

/// A socket's mode, as fcntl(2) told it.
pub(super) fn mode_is(flag: impl Into<Label>, nonblocking: bool, wanted: bool) -> Proof {
    let words = |is: bool| if is { label!("on") } else { label!("off") };
    eq(flag, words(nonblocking), words(wanted))
}

/// How many lines of a command's answer have this in them.
pub(super) fn lines_with(answer: &str, text: &str) -> usize {
    answer.lines().filter(|line| line.contains(text)).count()
}

/// `sport = :8000`: how `ss` is asked for the sockets that have this address's port.
pub(super) fn at_port_of(address: &SockAddr) -> String {
    format!("sport = :{}", address.as_socket().map_or(0, |at| at.port()))
}

/// A state of the kernel's table of connections, as a value; that there is none is a word.
pub(super) fn state(state: &'static str) -> Value {
    if state == "none" { label!("none").into() } else { state.into() }
}

// ---- what a command answers ----

/// What `ss` tells, with these options, of the sockets that have the port of one of the addresses. One of them listens.
pub(super) fn sockets_at(
    lab: &Lab,
    options: &'static str,
    addresses: &[&SockAddr],
) -> Result<String, Lack> {
    let filters = addresses.iter().map(|address| at_port_of(address));
    let table = lab.ask("ss", &[options, &filters.collect::<Vec<_>>().join(" or ")])?;
    if table.contains("LISTEN") { Ok(table) } else { Err(no_answer("ss")) }
}

/// `Recv-Q` of each socket in this state, in a table of `ss -tan`: `0 0 3`.
pub(super) fn receive_queues(table: &str, state: &str) -> String {
    let rows = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let queues = rows.filter_map(|row| match row[..] {
        [of, queue, ..] if of == state => Some(queue.to_owned()),
        _ => None,
    });
    queues.collect::<Vec<_>>().join(" ")
}

/// Claims what the answer of a command shows. Where it has not answered, this claim alone is not checked.
pub(super) fn claim_shown(lab: &Lab, name: &'static str, proof: Result<Proof, Lack>) {
    match proof {
        Ok(proof) => lab.claim(name, proof),
        Err(lack) => lab.not_checked(name, lack),
    }
}

/// The command did not tell what was asked.
pub(super) fn no_answer(command: &'static str) -> Lack {
    Lack::NoAnswer { command: command.into() }
}
