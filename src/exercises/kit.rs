//! What judges have in common: peers that wait for an answer with patience, and requirements.

use std::collections::BTreeSet;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use memchr::memmem;
use socket2::{Domain, SockAddr, Type};

use crate::capture::{
    Actor, Lab, PATIENCE, Program, Proof, Result, Socket, TO_START, address, at_least, eq, less,
    succeeded, sys, yes_or_no,
};
use crate::trace::recording::is_of;
use crate::trace::{
    Data, Event, EventKind, ExitStatus, Failure, Label, Lack, Role, Syscall, Value, label,
};

/// How often a peer that waits looks at the program.
pub(super) const LOOK: Duration = Duration::from_millis(500);
/// How often a program is looked at otherwise.
const A_MOMENT: Duration = Duration::from_millis(5);
/// A program that has been asleep for so long waits for something, and not for a processor.
pub(super) const ASLEEP: Duration = Duration::from_secs(3);
/// A program that is idle is found asleep within half a second.
const TO_REST: Duration = Duration::from_secs(5);

/// Checks a requirement without which the next ones cannot be tried.
pub(super) fn require(lab: &Lab, name: &'static str, proof: Proof) -> Result<()> {
    let holds = proof.holds();
    lab.claim(name, proof);
    if holds { Ok(()) } else { Err(Failure::NotMet.into()) }
}

/// Starts the server at a port that is free, and returns it and where it can be reached. It is required to listen there.
pub(super) fn start_server(lab: &Lab, name: &'static str) -> Result<(Program, SockAddr)> {
    let port = free_port(lab)?;
    let server = lab.program("server", &[port.to_string()])?;
    let at = listens_at(lab, name, &server, port)?;
    Ok((server, at))
}

/// Where this server can be reached: it is required to listen at this port. An address that stands for all of the machine's will do.
pub(super) fn listens_at(
    lab: &Lab,
    name: &'static str,
    server: &Program,
    port: u16,
) -> Result<SockAddr> {
    let (listens, wanted) = (server.until_listening()?, SocketAddr::from(([127, 0, 0, 1], port)));
    let is_everywhere = listens.ip().is_unspecified() && listens.port() == port;
    let wanted = if is_everywhere { listens } else { wanted };
    let [listens, wanted] = [listens, wanted].map(|at| address(&at.into()));
    let explanation = label!(
        "server should have listened at {wanted}; it listens at {listens}",
        wanted = wanted.clone(),
        listens = listens.clone()
    );
    require(lab, name, eq("address of server", listens, wanted).explained(explanation))?;
    Ok(lab.here(port))
}

/// What comes back to this client from the program is this.
pub(super) fn require_answer(
    lab: &Lab,
    program: &Program,
    name: &'static str,
    who: &'static str,
    socket: &Socket,
    wanted: &[u8],
) -> Result<()> {
    let back = answer(program, socket, wanted.len());
    require(lab, name, received(who, &back, wanted))
}

/// The program has closed the connection: a recv() gets its end, or a reset if the program had left something unread.
pub(super) fn require_end(
    lab: &Lab,
    program: &Program,
    name: &'static str,
    who: &'static str,
    socket: &Socket,
) -> Result<()> {
    let end = receive(program, socket, &mut [0; 64]);
    let reset = Value::from("ECONNRESET");
    let proof = match returned(&end) {
        end if end == reset => eq(label!("{who}.recv", who = Label::from(who)), end, reset),
        _ => is_end(who, &end),
    };
    require(lab, name, proof)
}

// ---- what is compared, and what is said if it is not so ----

/// What came to this peer is this.
pub(super) fn received(who: impl Into<Label>, got: &[u8], wanted: &[u8]) -> Proof {
    let who = who.into();
    let (got_all, (got, wanted)) = (wanted.starts_with(got), (Data::of(got), Data::of(wanted)));
    let explanation = {
        let (who, got, wanted) = (who.clone(), got.clone(), wanted.clone());
        match got.bytes {
            0 => label!("{who} waited for {wanted}; nothing came", who, wanted),
            _ if got_all => label!("{who} waited for {wanted}; only {got} came", who, wanted, got),
            _ if wanted.bytes == 0 => {
                label!("{who} should have received nothing; {got} came", who, got)
            }
            _ => label!("{who} waited for {wanted}; {got} came", who, wanted, got),
        }
    };
    eq(label!("{who} received", who), got, wanted).explained(explanation)
}

/// What came to this peer is as long as this, and the same.
pub(super) fn received_whole(who: impl Into<Label>, got: &[u8], wanted: &[u8]) -> Proof {
    let who = who.into();
    let differs = got.iter().zip(wanted).position(|(got, wanted)| got != wanted);
    let all = wanted.len();
    let explanation = match differs {
        Some(at) => label!(
            "{who} waited for {all} bytes; what came differs from byte {at} on",
            who = who.clone(),
            all,
            at
        ),
        None => {
            let came = got.len();
            label!("{who} waited for {all} bytes; {came} came", who = who.clone(), all, came)
        }
    };
    at_least(label!("bytes that {who} received", who), got.len(), all)
        .and(yes_or_no("they are those that were sent", differs.is_none(), true))
        .explained(explanation)
}

/// This peer's recv() has returned 0: the connection has ended.
pub(super) fn is_end(who: impl Into<Label>, end: &io::Result<usize>) -> Proof {
    let who = who.into();
    let explanation = {
        let who = who.clone();
        match end {
            Ok(more) => label!(
                "{who} waited for the end of the connection; {more} more bytes came",
                who,
                more = *more
            ),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                label!("{who} waited for the end of the connection; it did not come", who)
            }
            Err(_) => label!(
                "{who} waited for the end of the connection; its recv() failed with {error}",
                who,
                error = returned(end)
            ),
        }
    };
    eq(label!("{who}.recv", who), returned(end), 0_i64).explained(explanation)
}

/// This program has ended with exit status 0.
pub(super) fn exits_with_0(who: impl Into<Label>, exit: Option<&ExitStatus>) -> Proof {
    exits(who, exit_value(exit))
}

/// The same, by how it has ended in words: see [`exit_value`] and [`end`].
pub(super) fn exits(who: impl Into<Label>, how: Value) -> Proof {
    let who = who.into();
    let explanation = {
        let (who, how) = (who.clone(), how.clone());
        match how {
            Value::Number(_) => {
                label!("{who} should have exited with 0; it exited with {how}", who, how)
            }
            _ => label!("{who} should have exited with 0; instead: {how}", who, how),
        }
    };
    eq(label!("exit status of {who}", who), how, 0_i64).explained(explanation)
}

/// This program, whose connection has just ended, has not ended it by a crash: the system closes the sockets of one that does.
pub(super) fn has_not_crashed(who: impl Into<Label>, program: &Program) -> Proof {
    let who = who.into();
    let exit = program.until_ended(LOOK);
    let has_crashed = exit.is_some_and(|exit| exit != ExitStatus::Code(0));
    let explanation = label!(
        "{who} should have said itself that this is all; it crashed, and the system closed its connection",
        who = who.clone()
    );
    yes_or_no(label!("{who} has crashed", who), has_crashed, false).explained(explanation)
}

/// This program has shown this text.
pub(super) fn has_shown(who: impl Into<Label>, shown: Data, wanted: &str) -> Proof {
    let (who, wanted) = (who.into(), Data::of(wanted.as_bytes()));
    let explanation = {
        let (who, shown, wanted) = (who.clone(), shown.clone(), wanted.clone());
        match shown.bytes {
            0 => label!("{who} should have shown {wanted}; it showed nothing", who, wanted),
            _ => label!("{who} should have shown {wanted}; it showed {shown}", who, wanted, shown),
        }
    };
    eq(label!("{who} showed", who), shown, wanted).explained(explanation)
}

/// This program has printed this and nothing else.
pub(super) fn has_printed(who: impl Into<Label>, printed: Data, wanted: &[u8]) -> Proof {
    let (who, wanted) = (who.into(), Data::of(wanted));
    let explanation = {
        let (who, printed, wanted) = (who.clone(), printed.clone(), wanted.clone());
        match printed.bytes {
            0 => label!("{who} should have printed {wanted}; it printed nothing", who, wanted),
            _ => label!(
                "{who} should have printed {wanted}; it printed {printed}",
                who,
                wanted,
                printed
            ),
        }
    };
    eq(label!("{who} printed", who), printed, wanted).explained(explanation)
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

/// A port that is free now, for the learner's server. It is none of those that a kernel gives to clients: another program's could have it before
/// the server does (ip(7), ip_local_port_range; 32768 is the lowest of them on Linux, 49152 elsewhere).
pub(super) fn free_port(lab: &Lab) -> Result<u16> {
    const FROM: u64 = 10_000;
    const BELOW: u64 = 32_768;
    loop {
        let drawn = FROM + RandomState::new().hash_one(()) % (BELOW - FROM);
        let port = u16::try_from(drawn).unwrap_or_default();
        if lab.is_free(Type::STREAM, &lab.here(port))? {
            return Ok(port);
        }
    }
}

/// A client, connected.
pub(super) fn client(lab: &Lab, name: &str, to: &SockAddr) -> Result<Socket> {
    let socket = socket(&lab.actor(name))?;
    socket.connect(to)?;
    Ok(socket)
}

/// A listening socket at a free port, for the learner's client.
pub(super) fn listening(lab: &Lab, name: &str) -> Result<(Socket, u16)> {
    let listener = socket(&lab.actor(name))?;
    listener.bind(&lab.here(0))?;
    listener.listen(5)?;
    let port = listener.local_addr()?.as_socket().map_or(0, |at| at.port());
    Ok((listener, port))
}

/// The connection of the learner's client, which is required to call: for as long as it runs, it has time.
pub(super) fn caller(
    lab: &Lab,
    program: &Program,
    listener: &Socket,
    requirement: &'static str,
) -> Result<Socket> {
    let began = Instant::now();
    while program.exit().is_none() && began.elapsed() < TO_START && !has_come(listener) {}
    let accepted = listener.accept();
    let explanation =
        label!("client should have connected to the port that it was given; it did not");
    require(lab, requirement, succeeded("our accept", &accepted).explained(explanation))?;
    let (connection, _) = accepted?;
    connection.set_read_timeout(Some(LOOK))?;
    connection.set_write_timeout(Some(PATIENCE))?;
    Ok(connection)
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

/// Sends to this program, and says how many bytes were taken: all, or fewer if it takes nothing and is asleep for so long, or takes
/// nothing for as long as the limit, or breaks the connection. The socket has [`LOOK`] for its timeout.
pub(super) fn offer(
    program: &Program,
    socket: &Socket,
    bytes: &[u8],
    (asleep_for, limit): (Duration, Duration),
) -> usize {
    const BLOCK: usize = 1 << 18;
    let (mut taken, mut asleep, mut last) = (0, Duration::ZERO, Instant::now());
    while taken < bytes.len() && asleep < asleep_for && last.elapsed() < limit {
        match socket.send(&bytes[taken..bytes.len().min(taken + BLOCK)]) {
            Ok(more) => (taken, asleep, last) = (taken + more, Duration::ZERO, Instant::now()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                asleep = if program.is_asleep() { asleep + LOOK } else { Duration::ZERO };
            }
            Err(_) => break,
        }
    }
    taken
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

/// Waits until something has come from this program, or until nothing will: see [`until`].
fn until_something_comes(program: &Program, socket: &Socket) {
    until(program, || has_come(socket));
}

/// Waits until something is so, while this program may still bring it about: it has not ended, has not been asleep for as long as [`ASLEEP`],
/// and has not had its time. Each look takes as long as [`LOOK`].
pub(super) fn until(program: &Program, look: impl Fn() -> bool) -> bool {
    let began = Instant::now();
    let mut asleep = Duration::ZERO;
    while !look() {
        if program.has_ended() {
            return look();
        }
        if asleep >= ASLEEP || began.elapsed() >= PATIENCE {
            return false;
        }
        asleep = if program.is_asleep() { asleep + LOOK } else { Duration::ZERO };
    }
    true
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

/// What comes before this program waits for something else. Nothing should.
pub(super) fn silence(program: &Program, socket: &Socket) -> Vec<u8> {
    until_at_rest(program);
    let mut buffer = [0; 1024];
    let got = if has_come(socket) { socket.recv(&mut buffer).unwrap_or(0) } else { 0 };
    buffer[..got].to_vec()
}

/// Sends these pieces, each when the program has received what came before it: so many bytes before the first.
pub(super) fn dribble<'a>(
    program: &Program,
    socket: &Socket,
    before: u64,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> io::Result<()> {
    let (mut sum, mut takes) = (before, true);
    for piece in pieces {
        socket.send_all(piece)?;
        sum += piece.len() as u64;
        if program.untraced().is_some() {
            until_asleep(program);
        } else {
            takes = takes && until(program, || program.until_received(LOOK, sum));
        }
    }
    Ok(())
}

/// Waits for a while, and says whether a recv() would not have to wait.
fn has_come(socket: &Socket) -> bool {
    at_end(socket, LOOK)
}

/// Waits for so long, and says whether the connection has ended meanwhile, or something has come. (It is no call of the peer's,
/// and not recorded. To peek would take an error from the socket.)
pub(super) fn at_end(socket: &Socket, limit: Duration) -> bool {
    let looked = sys::poll(&[(socket.bare(), sys::READABLE)], Some(limit));
    looked.map_or(true, |events| events.iter().any(|events| *events != 0))
}

/// Waits until this program has printed this text, after so many bytes. Returns the text, or what it has printed instead.
pub(super) fn shown(program: &Program, after: usize, text: &str) -> Data {
    let is_there = |printed: &[u8]| memmem::find(&printed[after..], text.as_bytes()).is_some();
    if until(program, || program.until_printed(LOOK, is_there)) {
        Data::of(text.as_bytes())
    } else {
        Data::of(&program.printed()[after..])
    }
}

/// Waits until this program has ended by itself, with all its processes; whether it has.
pub(super) fn until_ended(program: &Program) -> bool {
    until(program, || program.until_all_ended(LOOK))
}

/// Waits until this program has ended by itself, with all its processes; says how, or that it runs on.
pub(super) fn end(program: &Program) -> Value {
    let is_over = until_ended(program);
    match program.exit() {
        Some(_) if !is_over => label!("a process of it runs on").into(),
        exit => exit_value(exit.as_ref()),
    }
}

/// Whether this program sleeps while nothing comes. One that spins never does, however little of the processor it gets.
pub(super) fn rests(program: &Program) -> Proof {
    let (began, before) = (Instant::now(), program.cpu_time());
    let looks = until_at_rest(program);
    let explanation =
        label!("the program should have slept while it had nothing to do; it was awake");
    let proof = at_least("looks in a row that found it asleep", looks, LOOKS);
    let proof = proof.explained(explanation.clone());
    match (before, program.cpu_time()) {
        (Some(before), Some(after)) if looks < LOOKS => {
            let milliseconds = |span: Duration| usize::try_from(span.as_millis()).unwrap_or(0);
            let used = milliseconds(after.saturating_sub(before));
            let tenth = milliseconds(began.elapsed() / 10);
            let what = label!("its processor time meanwhile, in ms");
            let proof_of_time = less(what, used, label!("a tenth of that time"), tenth);
            proof.and(proof_of_time.explained(explanation))
        }
        _ => proof,
    }
}

/// So many looks, 50 ms apart, have to find a program asleep for it to be at rest.
const LOOKS: usize = 10;

/// Waits until this program is asleep at as many looks in a row as [`LOOKS`], for as long as [`TO_REST`]. Returns how many
/// there were in the end.
pub(super) fn until_at_rest(program: &Program) -> usize {
    let (began, mut looks) = (Instant::now(), 0);
    while looks < LOOKS && began.elapsed() < TO_REST {
        thread::sleep(Duration::from_millis(50)); // between two looks
        looks = if program.is_asleep() { looks + 1 } else { 0 };
    }
    looks
}

/// How many calls this program has made so far.
pub(super) fn calls_so_far(lab: &Lab, role: &str) -> usize {
    let is_call =
        |event: &&Event| is_of(&event.actor, role) && matches!(event.what, EventKind::Enter(_));
    lab.recorder().look(|events| events.iter().filter(is_call).count())
}

/// Whether this program has shut down or closed a socket of its; taken to be so of one whose calls are not known.
pub(super) fn has_closed(lab: &Lab, program: &Program) -> bool {
    let role = program.name();
    let closes = |event: &Event| {
        is_of(&event.actor, role)
            && matches!(&event.what, EventKind::Enter(call) if call.socket.is_some()
                && call.role == Role::Program // and not the kernel, at its end
                && matches!(call.syscall, Syscall::Close | Syscall::Shutdown { .. }))
    };
    program.untraced().is_some() || lab.recorder().look(|events| events.iter().any(closes))
}

/// How many threads of this program, in all of its processes, have made calls on sockets.
pub(super) fn threads_on_sockets(lab: &Lab, role: &str) -> usize {
    let on_socket = |event: &&Event| {
        is_of(&event.actor, role)
            && matches!(&event.what, EventKind::Enter(call) if call.socket.is_some())
    };
    lab.recorder().look(|events| {
        let all = events.iter().filter(on_socket).map(|event| (event.process, event.thread));
        all.collect::<BTreeSet<_>>().len()
    })
}
