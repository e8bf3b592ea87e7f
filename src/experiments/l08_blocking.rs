//! Lesson 8: blocking mode. A call that cannot be completed yet sends its thread to sleep, and the kernel wakes it.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use socket2::{Domain, Type};

use super::kit::{
    connected, count_calls, listening, mode_is, receive_exactly, transferred, until_full,
};
use super::{Need, experiment};
use crate::capture::{
    Interest, Kind, Lab, Parameter, Proof, Result, Sampler, Socket, TIMED_OUT, at_least, before,
    eq, eq_between, eq_duration, errno_here, failed_with, ne_between, waited_at_least,
};
use crate::i18n::Text;
use crate::trace::{Lack, Sample, SyscallKind, Value, label};

const fn silence(help: Text) -> Parameter {
    Parameter { name: "silence", default: "200ms", kind: Kind::Span(1, 60_000), help }
}

experiment!(new_sockets_block);
fn new_sockets_block(lab: &Lab) -> Result<()> {
    let kinds = [("tcp", Type::STREAM), ("udp", Type::DGRAM)];
    let [tcp, udp] = kinds.map(|(name, kind)| -> Result<Fresh> {
        let me = lab.actor(name);
        let socket = me.socket(Domain::IPV4, kind, None)?;
        let timeouts = (socket.read_timeout()?, socket.write_timeout()?);
        Ok((socket.nonblocking(), timeouts)) // O_NONBLOCK?
    });
    let ((tcp, tcps), (udp, udps)) = (tcp?, udp?);

    let modes = || {
        let other = mode_is("udp's O_NONBLOCK", udp?, false);
        Ok(mode_is("tcp's O_NONBLOCK", tcp?, false).and(other))
    };
    lab.claim_if_had("born-blocking", modes())?;
    lab.claim("born-without-timeouts", none(tcps).and(none(udps)));
    Ok(())
}

/// What a new socket says of itself: is it non-blocking, and its two timeouts.
type Fresh = (io::Result<bool>, (Option<Duration>, Option<Duration>));

/// `SO_RCVTIMEO` and `SO_SNDTIMEO` are both 0, which means none.
fn none((receive, send): (Option<Duration>, Option<Duration>)) -> Proof {
    let none = || Value::from(label!("none"));
    let said = |it: Option<Duration>| it.map_or_else(none, |span| format!("{span:?}").into());
    eq("SO_RCVTIMEO", said(receive), none()).and(eq("SO_SNDTIMEO", said(send), none()))
}

experiment!(accept_makes_a_new_one);
fn accept_makes_a_new_one(lab: &Lab) -> Result<()> {
    let server = lab.actor("server");
    let (listener, address) = listening(lab, &server)?;
    listener.set_nonblocking(true)?;
    listener.set_read_timeout(Some(Duration::from_secs(1)))?;
    let client = connected(&lab.actor("client"), &address)?;
    // accept() will not wait, so poll() waits until a client is there.
    server.poll(&[(&listener, Interest::Read)], None)?;
    let (connection, _) = listener.accept()?;

    let listens = listener.nonblocking();
    let accepted = connection.nonblocking();
    let modes = || {
        let listens = mode_is("the listener's O_NONBLOCK", listens?, true);
        Ok(listens.and(mode_is("the accepted one's O_NONBLOCK", accepted?, false)))
    };
    lab.claim_if_had("accept-makes-a-blocking-one", modes())?;
    let timeout = connection.read_timeout()?.unwrap_or_default();
    let same = eq_duration("its timeout", timeout, "set", Duration::from_secs(1));
    lab.claim("yet-it-takes-over-the-timeout", same);
    Ok(client.close()?)
}

experiment!(
    recv_waits,
    needs = &[Need::Proc],
    parameters = &[silence(Text("how long the peer sends nothing"))]
);
fn recv_waits(lab: &Lab) -> Result<()> {
    let silence = lab.span("silence")?;
    let peer = lab.actor("peer");
    let (listener, address) = listening(lab, &peer)?;

    let seen = lab.sample_while(Sampler::PERIOD, || {
        lab.scope(|stage| {
            let client = stage.actor("client", |me| {
                let socket = connected(&me, &address)?;
                socket.recv(&mut [0; 1024])?; // it waits here
                Ok(())
            })?;
            let (connection, _) = listener.accept()?;
            client.until_blocked_in(SyscallKind::Recv)?;
            let seen = client.observe(); // the kernel's word on it
            lab.wait(silence, "the peer says nothing");
            connection.send_all(b"at last")?;
            client.finish()?;
            Ok(seen)
        })
    })?;

    let recv = lab.last_call("client", SyscallKind::Recv)?;
    let waited = waited_at_least("recv", recv.took(), silence);
    lab.claim("waits-as-long-as-the-silence", waited);
    let got = eq("recv gave", recv.back.outcome.to_string(), "7");
    let send = lab.last_call("peer", SyscallKind::Send)?.entered_ns;
    let woken = before("send", send, "end of recv", recv.returned_ns);
    lab.claim("woken-by-the-bytes", woken.and(got));
    check_sleep(lab, seen);
    Ok(())
}

/// What the kernel said of the client's thread: that it sleeps, in which call, and in which function of its own.
fn check_sleep(lab: &Lab, seen: Option<Sample>) {
    let Some(Sample { state: Some(state), wait_channel, syscall: Some(syscall), .. }) = seen else {
        lab.not_checked("asleep-in-recvfrom", Lack::ThreadStates);
        return;
    };
    let proof = eq("state", state, 'S').and(eq("system call", syscall, "recvfrom"));
    // Its name is a matter of the kernel's version, and some kernels keep it to themselves.
    lab.claim(
        "asleep-in-recvfrom",
        match wait_channel {
            Some(function) => proof.and(ne_between("kernel function", function, "when awake", "0")),
            None => proof,
        },
    );
}

experiment!(
    send_blocks_too,
    parameters =
        &[silence(Text("how long the server goes on receiving nothing, once send() is blocked"))]
);
fn send_blocks_too(lab: &Lab) -> Result<()> {
    let silence = lab.span("silence")?;
    let server = lab.actor("server");
    let (listener, address) = listening(lab, &server)?;
    let enough = AtomicBool::new(false);

    let (taken, received) = lab.scope(|stage| {
        let client = stage.actor("client", |me| {
            let socket = connected(&me, &address)?;
            while !enough.load(Ordering::Relaxed) {
                socket.send_all(&[b'x'; CHUNK])?;
            }
            Ok(())
        })?;
        let (connection, _) = listener.accept()?;
        until_full(lab, &client, "client", silence, label!("the server receives nothing"))?;
        let taken = sent(lab);
        enough.store(true, Ordering::Relaxed); // this send() is the last
        let received = count_to_the_end(&connection)?;
        client.finish()?;
        Ok((taken, received))
    })?;

    let (early, first_recv) = recvs(lab)?;
    let unread = eq("server's recvs by then", early, 0);
    let much = at_least("bytes taken", taken, CHUNK);
    lab.claim("taken-but-not-received", much.and(unread));
    let last = lab.last_call("client", SyscallKind::Send)?;
    let waited = waited_at_least("last send", last.took(), silence);
    lab.claim("full-buffers-block", waited);
    let end = last.returned_ns;
    let woken = before("recv", first_recv, "end of send", end);
    lab.claim("room-ends-the-wait", woken);
    let whole = eq_between("received", received, "sent", sent(lab));
    lab.claim("nothing-is-lost", whole);
    Ok(())
}

/// How much the client hands over with each send().
const CHUNK: usize = 16 * 1024;

/// Receives until the peer has closed, and counts the bytes.
fn count_to_the_end(connection: &Socket) -> Result<usize> {
    let (mut received, mut buffer) = (0, vec![0; 1 << 20]);
    loop {
        match connection.recv(&mut buffer[..])? {
            0 => return Ok(received),
            n => received += n,
        }
    }
}

/// How many bytes the client's send() calls took, those that have returned.
fn sent(lab: &Lab) -> usize {
    let sends =
        lab.calls("client").into_iter().filter(|(_, back)| back.call.kind() == SyscallKind::Send);
    sends.filter_map(|(_, back)| back.outcome.to_string().parse::<usize>().ok()).sum()
}

/// How often the server had called recv() when the client entered the send() that was blocked; and when it first did.
fn recvs(lab: &Lab) -> Result<(usize, u64)> {
    let blocked = lab.last_call("client", SyscallKind::Send)?.entered_ns;
    let recvs =
        lab.calls("server").into_iter().filter(|(_, back)| back.call.kind() == SyscallKind::Recv);
    let entered: Vec<u64> =
        recvs.map(|(event, back)| event.at_ns.saturating_sub(back.took_ns)).collect();
    let early = entered.iter().filter(|at| **at < blocked).count();
    Ok((early, entered.first().copied().unwrap_or(0)))
}

experiment!(
    both_send_first,
    parameters = &[Parameter {
        name: "timeout",
        default: "300ms",
        kind: Kind::Span(1, 60_000),
        help: Text("how long each send() may wait"),
    }]
);
fn both_send_first(lab: &Lab) -> Result<()> {
    let sends_first = |socket: &Socket, bytes| {
        socket.send_all(&vec![b'x'; bytes])?;
        receive_exactly(socket, &mut vec![0; bytes])
    };
    let receives_first = |socket: &Socket, bytes| {
        let received = receive_exactly(socket, &mut vec![0; bytes])?;
        socket.send_all(&vec![b'x'; bytes])?;
        Ok(received)
    };
    lab.part("both send 1000 bytes first");
    let (alice, bob) = two_programs(lab, 1_000, None, [&sends_first, &sends_first])?;
    lab.claim("a-little-fits", both_received(&alice, &bob, 1_000));

    lab.part("both send 20 MB first");
    let so_far = recvs_of_both(lab);
    let limit = Some(lab.span("timeout")?);
    let (alice, bob) = two_programs(lab, MUCH, limit, [&sends_first, &sends_first])?;
    let unread = eq("calls of recv", recvs_of_both(lab) - so_far, 0);
    let stuck = gave_up(lab, "alice", &alice)?.and(gave_up(lab, "bob", &bob)?);
    lab.claim("much-blocks-both", stuck.and(unread));

    lab.part("bob receives first");
    let (alice, bob) = two_programs(lab, MUCH, None, [&sends_first, &receives_first])?;
    let received = both_received(&alice, &bob, MUCH);
    lab.claim("one-that-receives-is-enough", received);
    Ok(())
}

fn both_received(alice: &io::Result<usize>, bob: &io::Result<usize>, bytes: usize) -> Proof {
    transferred("alice received", alice, bytes).and(transferred("bob received", bob, bytes))
}

fn recvs_of_both(lab: &Lab) -> usize {
    ["alice", "bob"].iter().map(|who| count_calls(lab, who, SyscallKind::Recv)).sum()
}

/// More than the buffers of a connection hold, in both directions together.
const MUCH: usize = 20_000_000;

/// What a program does with its end of a connection: it sends so many bytes and receives as many. Gives how many came.
type Program = dyn Fn(&Socket, usize) -> io::Result<usize> + Sync;

/// Alice and Bob, each on a thread, with a connection between them. No send() waits longer than the limit, if there is one.
fn two_programs(
    lab: &Lab,
    bytes: usize,
    limit: Option<Duration>,
    [alice, bob]: [&Program; 2],
) -> Result<(io::Result<usize>, io::Result<usize>)> {
    let (listener, address) = listening(lab, &lab.actor("bob"))?;
    let one = connected(&lab.actor("alice"), &address)?;
    let (other, _) = listener.accept()?;
    if limit.is_some() {
        one.set_write_timeout(limit)?;
        other.set_write_timeout(limit)?;
    }
    lab.scope(|stage| {
        let alice = stage.actor("alice", |_| Ok(alice(&one, bytes)))?;
        let bob = stage.actor("bob", |_| Ok(bob(&other, bytes)))?;
        Ok((alice.finish()?, bob.finish()?)) // only then do the ends close
    })
}

/// The last send() of this program found no room until its timeout was over.
fn gave_up(lab: &Lab, who: &'static str, answer: &io::Result<usize>) -> Result<Proof> {
    let send = lab.last_call(who, SyscallKind::Send)?;
    let waited = waited_at_least("send", send.took_in_ticks(), lab.span("timeout")?);
    Ok(failed_with(who, answer, TIMED_OUT).and(waited))
}

experiment!(
    an_error_ends_it,
    parameters = &[silence(Text("how long each recv() is blocked before it ends"))]
);
fn an_error_ends_it(lab: &Lab) -> Result<()> {
    // Nobody listens there.
    let (_kept, nobody) = lab.nobody(Type::STREAM)?;
    let answer = lab.scope(|stage| {
        let alice = stage.actor("alice", |me| {
            let socket = me.socket(Domain::IPV4, Type::STREAM, None)?;
            Ok(socket.connect(&nobody))
        })?;
        alice.finish()
    })?;
    let refused = failed_with("connect", &answer, "ECONNREFUSED");
    lab.claim("refused-connect", refused);

    // A linger time of 0 makes close() reset the connection.
    let how = |socket: &Socket| socket.set_linger(Some(Duration::ZERO));
    let proof = closed_during_recv(lab, "bob", how, errno_here("ECONNRESET"))?;
    lab.claim("reset-while-in-recv", proof);

    // Plain close() ends it in good order.
    let proof = closed_during_recv(lab, "carol", |_| Ok(()), "0")?;
    lab.claim("a-close-is-no-error", proof);
    Ok(())
}

/// Lets someone block in recv(), closes the server's end, and checks what recv() then returned.
fn closed_during_recv(
    lab: &Lab,
    who: &'static str,
    before_close: impl FnOnce(&Socket) -> io::Result<()>,
    returns: impl Into<Value>,
) -> Result<Proof> {
    let silence = lab.span("silence")?;
    let server = lab.actor("server");
    let (listener, address) = listening(lab, &server)?;
    lab.scope(|stage| {
        let client = stage.actor(who, |me| {
            let socket = connected(&me, &address)?;
            let _ = socket.recv(&mut [0; 1024]); // an error is what we wait for
            Ok(())
        })?;
        let (connection, _) = listener.accept()?;
        client.until_blocked_in(SyscallKind::Recv)?;
        lab.wait(silence, "nothing happens");
        before_close(&connection)?;
        connection.close()?;
        client.finish()
    })?;
    let recv = lab.last_call(who, SyscallKind::Recv)?;
    Ok(eq("recv", recv.back.outcome.to_string(), returns).and(waited_at_least(
        "recv",
        recv.took(),
        silence,
    )))
}
