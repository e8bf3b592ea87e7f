//! Lesson 9: select, poll and epoll name the sockets that are ready; and what a program does without them.

use std::io::{self, ErrorKind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::time::Duration;

use socket2::{Domain, Type};

use super::kit::{
    connected, connection, count_calls, epoll_or_kqueue, listening, says_readable, until_full,
};
use super::l09_echo::serve_with_poll;
use super::{Need, Stepping, Why, experiment};
use crate::capture::{
    Actor, ActorThread, Error, Interest, Kind, Lab, Parameter, Ready, Result, Socket, TIMED_OUT,
    at_least, eq, failed_with, less, waited_at_least,
};
use crate::i18n::Text;
use crate::trace::{Event, EventKind, Feature, Outcome, Syscall, SyscallKind, label};

/// The time is over at once: the call asks, and does not wait.
const NO_WAIT: Option<Duration> = Some(Duration::ZERO);

// ---- the three calls ----

experiment!(select_poll_epoll, needs = &[Need::Has(Feature::Epoll)]);
fn select_poll_epoll(lab: &Lab) -> Result<()> {
    with_three_clients(lab, |server, ann, ben, cy| {
        let mut buffer = [0; 64];
        for one in [ann, ben, cy] {
            one.set_nonblocking(true)?; // no call on them waits
        }

        let ready = server.select(&[ann, ben, cy], &[], None)?;
        let select = ready_ones(&ready, ann, ben, cy);
        ben.recv(&mut buffer)?;

        let watched = [ann, ben, cy].map(|one| (one, Interest::Read));
        let ready = server.poll(&watched, None)?;
        let poll = ready_ones(&ready, ann, ben, cy);
        ann.recv(&mut buffer)?;
        claim_handed_over(lab);

        let epoll = server.epoll()?;
        for one in [ann, ben, cy] {
            epoll.epoll_ctl_add(one, Interest::Read)?; // told once
        }
        let ready = epoll.epoll_wait(8, None)?; // at most 8 in one answer
        claim_who(lab, &select, &poll, ready.readable(cy));
        cy.recv(&mut buffer)?;

        server.poll(&[(ann, Interest::Read)], None)?; // until both
        server.poll(&[(ben, Interest::Read)], None)?; // have sent
        let ready = epoll.epoll_wait(8, None)?;
        let names = ready_ones(&ready, ann, ben, cy);
        let both = eq("named by epoll", names, "ann ben");
        lab.claim("two-in-one-answer", both);
        let ready = epoll.epoll_wait(8, None)?; // and nobody called recv
        let names = ready_ones(&ready, ann, ben, cy);
        let both = eq("named by epoll", names, "ann ben");
        lab.claim("unread-is-still-ready", both);
        ann.recv(&mut buffer)?;
        ben.recv(&mut buffer)?;
        let ready = epoll.epoll_wait(8, NO_WAIT)?;
        lab.claim("read-is-ready-no-more", eq("named by epoll", ready.count(), 0));
        claim_kept(lab);
        Ok(())
    })
}

/// Three clients; each sends when the server is blocked in the call that is to notice it. `play` is the server, on a
/// thread of its own, with the three connections.
fn with_three_clients(
    lab: &Lab,
    play: impl FnOnce(&Actor, &Socket, &Socket, &Socket) -> Result<()> + Send,
) -> Result<()> {
    let (tell, address) = channel();
    lab.scope(|stage| {
        let server = stage.actor("server", |me| {
            let (listener, at) = listening(lab, &me)?;
            let takes_one = || {
                let _ = tell.send(at.clone()); // one at a time, so that each connection is known
                listener.accept().map(|(connection, _)| connection)
            };
            play(&me, &takes_one()?, &takes_one()?, &takes_one()?)
        })?;
        let arrives = |name| -> Result<Socket> {
            let at = address.recv().map_err(|_| gone())?;
            Ok(connected(&lab.actor(name), &at)?)
        };
        let (ann, ben, cy) = (arrives("ann")?, arrives("ben")?, arrives("cy")?);

        server.until_blocked_in(SyscallKind::Select)?;
        ben.send_all(b"to select")?;
        server.until_blocked_in(SyscallKind::Poll)?;
        ann.send_all(b"to poll")?;
        server.until_blocked_in(SyscallKind::EpollWait)?; // epoll's own call
        cy.send_all(b"to epoll")?;
        ann.send_all(b"one")?;
        ben.send_all(b"two")?;
        server.finish()
    })
}

/// The names of those that are ready to be read.
fn ready_ones(ready: &Ready, ann: &Socket, ben: &Socket, cy: &Socket) -> String {
    let all = [("ann", ann), ("ben", ben), ("cy", cy)];
    let names = all.into_iter().filter(|(_, socket)| ready.readable(socket)).map(|(name, _)| name);
    names.collect::<Vec<_>>().join(" ")
}

/// Whom each of the three calls named.
fn claim_who(lab: &Lab, select: &str, poll: &str, epoll_names_cy: bool) {
    // After cy the other two may send at any moment, so of epoll it is asked whether cy is among the ready.
    let three = eq("select", select.to_owned(), "ben").and(eq("poll", poll.to_owned(), "ann"));
    let third = epoll_or_kqueue("epoll, of Cy", "kqueue, of Cy");
    lab.claim("all-three-say-who", three.and(says_readable(third, epoll_names_cy)));
}

/// Whom select and poll were handed, from the recorded calls.
fn claim_handed_over(lab: &Lab) {
    let lists: Vec<_> = lab
        .calls("server")
        .into_iter()
        .filter_map(|(_, back)| match &back.call.syscall {
            Syscall::Select { read, .. } => Some(read.count),
            Syscall::Poll { watched, .. } => Some(watched.count),
            _ => None,
        })
        .collect();
    let [in_set, in_list, ..] = lists[..] else { return };
    lab.claim(
        "the-list-goes-along",
        eq("sockets handed to select", in_set, 3).and(eq("sockets handed to poll", in_list, 3)),
    );
}

/// How often epoll was told of a socket, from the recorded calls.
fn claim_kept(lab: &Lab) {
    let [told, waits] = [SyscallKind::EpollCtl, SyscallKind::EpollWait]
        .map(|kind| count_calls(lab, "server", kind));
    let told = eq(epoll_or_kqueue("calls of epoll_ctl", "calls of kevent that add"), told, 3);
    let waits = eq(epoll_or_kqueue("calls of epoll_wait", "calls of kevent that ask"), waits, 4);
    lab.claim("epoll-keeps-the-list", told.and(waits));
}

experiment!(edge_triggered, needs = &[Need::Has(Feature::Epoll)]);
fn edge_triggered(lab: &Lab) -> Result<()> {
    let (client, server) = connection(lab)?;
    server.set_nonblocking(true)?;
    let me = lab.actor("server");
    let level = me.epoll()?;
    level.epoll_ctl_add(&server, Interest::Read)?;
    let edge = me.epoll()?;
    edge.epoll_ctl_add_edge_triggered(&server, Interest::Read)?;

    let ask = |timeout| -> io::Result<(usize, usize)> {
        let level = level.epoll_wait(8, timeout)?;
        let edge = edge.epoll_wait(8, timeout)?;
        Ok((level.count(), edge.count()))
    };

    client.send_all(b"hello world")?;
    let first = ask(None)?;
    server.recv(&mut [0; 5])?; // " world" stays unread
    let second = ask(NO_WAIT)?;
    let left = read_until_eagain(&server)?;
    client.send_all(b"again")?;
    let third = ask(None)?;

    let named = |(level, edge): (usize, usize), by_edge| {
        let level = eq("sockets that epoll names, level-triggered", level, 1);
        level.and(eq("edge-triggered", edge, by_edge))
    };
    let both = |answers| named(answers, 1);
    lab.claim("both-name-what-is-new", both(first).and(both(third)));
    let unread = eq("bytes left", left, 6);
    lab.claim("edge-is-silent-on-the-rest", named(second, 0).and(unread));
    Ok(())
}

/// Reads all that is there, and says how many bytes that were.
fn read_until_eagain(socket: &Socket) -> io::Result<usize> {
    let (mut got, mut buffer) = (0, [0; 5]);
    loop {
        match socket.recv(&mut buffer) {
            Ok(0) => return Ok(got), // the peer will send no more
            Ok(n) => got += n,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                return Ok(got);
            }
            Err(error) => return Err(error),
        }
    }
}

// ---- one client that does not receive ----

experiment!(
    one_does_not_receive,
    parameters = &[Parameter {
        name: "timeout",
        default: "300ms",
        kind: Kind::Span(1, 60_000),
        help: Text("how long Ben waits for his echo from the blocking server"),
    }]
);
fn one_does_not_receive(lab: &Lab) -> Result<()> {
    lab.part("blocking sockets");
    // The sockets block: to send to one client, the others wait.
    let limit = Some(lab.span("timeout")?);
    let answer = ben_beside_ann(
        lab,
        limit,
        |it| until_full(lab, it, "server", QUIET, label!("a pause")),
        |me, clients| {
            let mut buffer = [0; SMALL];
            loop {
                let all = clients.iter().map(|it| (it, Interest::Read));
                let ready = me.poll(&all.collect::<Vec<_>>(), None)?;
                for one in clients.iter().filter(|it| ready.readable(it)) {
                    match one.recv(&mut buffer)? {
                        0 => return Ok(()),
                        n => one.send_all(&buffer[..n])?, // it may wait here
                    }
                }
            }
        },
    )?;
    claim_blocked(lab, &answer)?;

    lab.part("non-blocking sockets");
    // None blocks, and what is not sent yet is kept for each client.
    let so_far = short_sends(lab);
    let short = |_: &Server| {
        until_short_send(lab, so_far + 1)?;
        lab.wait(QUIET, label!("a pause"));
        Ok(())
    };
    let answer = ben_beside_ann(lab, None, short, serve_with_poll)?;
    let short = short_sends(lab) - so_far;
    let kept = at_least("sends that took a part", short, 1);
    let echo = eq("ben's recv", answer.unwrap_or(0), 5);
    lab.claim("ben-has-his-echo", echo.and(kept));
    Ok(())
}

type Server<'scope> = ActorThread<'scope, ()>;

/// Longer than TCP takes to try again what a full buffer refused: 200 ms.
const QUIET: Duration = Duration::from_millis(400);

/// How much is sent at once, and how large the buffers are: small, so that they are soon full.
const SMALL: usize = 64 * 1024;

/// A server with two clients: Ann sends and sends, and never receives; Ben sends one word and waits for its echo, as long
/// as `limit` says. Gives what Ben's recv() returned.
fn ben_beside_ann(
    lab: &Lab,
    limit: Option<Duration>,
    until_ready: impl FnOnce(&Server) -> Result<()>,
    serve: impl FnOnce(&Actor, Vec<Socket>) -> io::Result<()> + Send,
) -> Result<io::Result<usize>> {
    let listener = lab.actor("server").socket(Domain::IPV4, Type::STREAM, None)?;
    listener.set_recv_buffer_size(SMALL)?; // accepted sockets get the same
    listener.set_send_buffer_size(SMALL)?;
    listener.bind(&lab.here(0))?;
    listener.listen(5)?;
    let address = listener.local_addr()?;
    let ann = lab.actor("ann").socket(Domain::IPV4, Type::STREAM, None)?;
    ann.set_recv_buffer_size(SMALL)?;
    ann.connect(&address)?;
    ann.set_write_timeout(Some(Duration::from_millis(50)))?;
    let ben = connected(&lab.actor("ben"), &address)?;
    ben.set_read_timeout(limit)?;
    let connections = vec![listener.accept()?.0, listener.accept()?.0];

    let enough = AtomicBool::new(false);
    lab.scope(|stage| {
        let server = stage.actor("server", |me| {
            let _ = serve(&me, connections); // it ends when Ann has gone
            Ok(())
        })?;
        let sender = stage.actor("ann", |_| {
            while !enough.load(Ordering::Relaxed) {
                let _ = ann.send(&[b'a'; SMALL]); // no room for a while is no matter
            }
            Ok(ann.close()?)
        })?;
        until_ready(&server)?;
        ben.send_all(b"hello")?;
        let answer = ben.recv(&mut [0; 64]);
        enough.store(true, Ordering::Relaxed);
        sender.finish()?;
        server.finish()?;
        Ok(answer)
    })
}

/// The server waited in a send(), and Ben in vain.
fn claim_blocked(lab: &Lab, answer: &io::Result<usize>) -> Result<()> {
    let limit = lab.span("timeout")?;
    let gave_up = failed_with("ben's recv", answer, TIMED_OUT);
    let recv = lab.last_call("ben", SyscallKind::Recv)?;
    let waited = waited_at_least("ben's recv", recv.took_in_ticks(), limit);
    let sends = lab.calls("server").into_iter();
    let sends = sends.filter(|(_, back)| back.call.kind() == SyscallKind::Send);
    let longest = sends.map(|(_, back)| back.took()).max().unwrap_or_default();
    let stuck = waited_at_least("server's send", longest, limit);
    lab.claim("nobody-is-served", gave_up.and(waited).and(stuck));
    Ok(())
}

/// How many of the server's sends took fewer bytes than they were given.
fn short_sends(lab: &Lab) -> usize {
    lab.recorder().look(|events| events.iter().filter(|event| is_short_send(event)).count())
}

fn until_short_send(lab: &Lab, number: usize) -> Result<()> {
    lab.recorder()
        .until(|events| events.iter().filter(|event| is_short_send(event)).count() >= number);
    Ok(())
}

fn is_short_send(event: &Event) -> bool {
    let EventKind::Return(back) = &event.what else { return false };
    let (Syscall::Send { data, .. }, Outcome::Result(taken)) = (&back.call.syscall, &back.outcome)
    else {
        return false;
    };
    &*event.actor == "server" && usize::try_from(*taken).is_ok_and(|taken| taken < data.bytes)
}

// ---- without them ----

/// How much processor time the loop has to have had before the peer speaks: a busy machine may give it no turn for long.
const FAIR: Duration = Duration::from_millis(2);

experiment!(
    busy_loop,
    stepping = Stepping::Whole(Why::Many),
    parameters = &[Parameter {
        name: "silence",
        default: "20ms",
        // Each call is recorded: a second of them would be a million events.
        kind: Kind::Span(1, 200),
        help: Text("how long the peer sends nothing"),
    }]
);
fn busy_loop(lab: &Lab) -> Result<()> {
    let (listener, address) = listening(lab, &lab.actor("peer"))?;
    let (by_hand, select) = lab.scope(|stage| {
        let select = stage.actor("select", |me| {
            let socket = connected(&me, &address)?;
            socket.set_nonblocking(true)?;
            let before = lab.cpu_time();
            me.select(&[&socket], &[], None)?; // sleeps until there is something
            let n = socket.recv(&mut [0; 1024])?;
            Ok((n, used_since(lab, before)))
        })?;
        let (one, _) = listener.accept()?;
        let by_hand = stage.actor("by hand", |me| {
            let socket = connected(&me, &address)?;
            socket.set_nonblocking(true)?;
            let before = lab.cpu_time();
            let n = loop {
                match socket.recv(&mut [0; 1024]) {
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {} // ask again
                    answer => break answer?,
                }
            };
            Ok((n, used_since(lab, before)))
        })?;
        let (other, _) = listener.accept()?;
        select.until_blocked_in(SyscallKind::Select)?;
        lab.wait(lab.span("silence")?, "the peer is silent");
        while by_hand.cpu_time().is_some_and(|used| used < FAIR) {
            lab.wait(Duration::from_millis(1), "the peer is silent");
        }
        one.send_all(b"at last")?;
        other.send_all(b"at last")?;
        Ok((by_hand.finish()?, select.finish()?))
    })?;
    claim_loop(lab, by_hand, select);
    Ok(())
}

/// How many bytes came, and the processor time that was used until then.
type Got = (usize, Option<Duration>);

fn claim_loop(lab: &Lab, by_hand: Got, select: Got) {
    let selects = eq("selects", count_calls(lab, "select", SyscallKind::Select), 1);
    let recvs = eq("recvs", count_calls(lab, "select", SyscallKind::Recv), 1);
    lab.claim("select-asks-once", selects.and(recvs));
    let bytes = eq("by hand", by_hand.0, 7).and(eq("with select", select.0, 7));
    lab.claim("both-got-the-bytes", bytes);

    let (Some(loops), Some(sleeps)) = (by_hand.1, select.1) else {
        for claim in ["asked-in-vain", "the-loop-burns-time"] {
            lab.not_checked(claim, Feature::ThreadTime.lack());
        }
        return;
    };
    lab.measure("processor time", "by hand", loops);
    lab.measure("processor time", "select", sleeps);
    let in_vain = count_calls(lab, "by hand", SyscallKind::Recv) - 1;
    let per_millisecond = in_vain * 1_000_000 / nanoseconds(loops).max(1);
    // Hundreds, as a rule; a debugger that stops the thread at each call leaves a dozen.
    let often = at_least("EAGAINs a millisecond", per_millisecond, 6);
    lab.claim("asked-in-vain", often);
    let more =
        less("select's processor time, ns", nanoseconds(sleeps), "by hand", nanoseconds(loops));
    lab.claim("the-loop-burns-time", more);
}

fn used_since(lab: &Lab, before: Option<Duration>) -> Option<Duration> {
    Some(lab.cpu_time()?.saturating_sub(before?))
}

fn nanoseconds(span: Duration) -> usize {
    usize::try_from(span.as_nanos()).unwrap_or(usize::MAX)
}

fn gone() -> Error {
    Error::assertion("the other thread left without a word")
}
