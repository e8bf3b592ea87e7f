//! Case 27: two programs that both send before they receive, with more than the buffers hold.

use std::net::Shutdown;
use std::time::Duration;

use socket2::SockAddr;

use super::experiment;
use super::kit::{claim_shown, connected, count_calls, listening, receive_exactly};
use crate::capture::{Lab, Result, Socket, at_least, eq};
use crate::trace::{Lack, SyscallKind};

/// More than the buffers of a connection hold, in both directions together.
const MUCH: usize = 20_000_000;

experiment!(full_both_ways);
/// Alice and Bob have 20 MB for each other: each sends first; and then each sends on one thread and receives on another.
fn full_both_ways(lab: &Lab) -> Result<()> {
    let much = vec![b'x'; MUCH];
    lab.part("send, and then receive");
    let (alice, bob) = alice_and_bob(lab)?;
    let (returned, queues) = lab.scope(|stage| {
        let first = stage.actor("alice", |_| Ok(alice.send_all(&much)))?;
        let second = stage.actor("bob", |_| Ok(bob.send_all(&much)))?;
        first.until_blocked_in(SyscallKind::Send)?;
        second.until_blocked_in(SyscallKind::Send)?;
        lab.wait(Duration::from_millis(200), "nothing happens");
        let seen = (sends_returned(lab), queues(lab, &alice.local_addr()?));
        // Nothing else would end it.
        alice.shutdown(Shutdown::Both)?;
        bob.shutdown(Shutdown::Both)?;
        let _ = (first.finish()?, second.finish()?);
        Ok(seen)
    })?;
    lab.claim("neither-send-returns", eq("returns of send", returned, 0));
    let full = queues.map(|queues| at_least("queues with bytes", queues, 4));
    claim_shown(lab, "all-four-queues-are-full", full);

    lab.part("send on one thread, receive on another");
    let (alice, bob) = alice_and_bob(lab)?;
    let (first, second) = lab.scope(|stage| {
        stage.actor("alice sends", |_| Ok(alice.send_all(&much)?))?;
        stage.actor("bob sends", |_| Ok(bob.send_all(&much)?))?;
        let first = stage.actor("alice receives", |_| receive_much(&alice))?;
        let second = stage.actor("bob receives", |_| receive_much(&bob))?;
        Ok((first.finish()?, second.finish()?))
    })?;
    let both = eq("alice received", first, MUCH).and(eq("bob received", second, MUCH));
    lab.claim("both-have-it-all", both);
    Ok(())
}

/// Receives as much as was sent, and says how much that was.
fn receive_much(from: &Socket) -> Result<usize> {
    Ok(receive_exactly(from, &mut vec![0; MUCH])?)
}

/// How many calls of send() have returned, of both.
fn sends_returned(lab: &Lab) -> usize {
    ["alice", "bob"].iter().map(|who| count_calls(lab, who, SyscallKind::Send)).sum()
}

/// The two ends of a connection.
fn alice_and_bob(lab: &Lab) -> Result<(Socket, Socket)> {
    let (listener, address) = listening(lab, &lab.actor("bob"))?;
    let alice = connected(&lab.actor("alice"), &address)?;
    let (bob, _) = listener.accept()?;
    Ok((alice, bob))
}

/// How many of the four queues of this connection hold bytes, by ss: the received and the unacknowledged ones of either end.
fn queues(lab: &Lab, end: &SockAddr) -> Result<usize, Lack> {
    let port = end.as_socket().map_or(0, |at| at.port());
    let table = lab.ask("ss", &["-tn", &format!("sport = :{port} or dport = :{port}")])?;
    let ends = table.lines().filter(|line| line.starts_with("ESTAB"));
    let queues = ends.flat_map(|line| line.split_whitespace().skip(1).take(2));
    Ok(queues.filter(|bytes| bytes.parse::<u64>().is_ok_and(|bytes| bytes > 0)).count())
}
