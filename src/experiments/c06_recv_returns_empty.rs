//! Case 6: recv() returns 0, and the loop goes on.

use std::time::Duration;

use socket2::SockAddr;

use super::kit::{
    claim_shown, connected, listening, receive_queues, says_readable, sockets_at, state,
};
use super::{Need, Stepping, Why, experiment};
use crate::capture::{Interest, Lab, Result, Socket, eq, less};
use crate::trace::{Feature, Outcome, SyscallKind};

/// The loop would not end by itself: after so many calls it is stopped.
const CALLS: usize = 100;

experiment!(end_not_tested, needs = &[Need::Proc], stepping = Stepping::Whole(Why::Many));
fn end_not_tested(lab: &Lab) -> Result<()> {
    lab.part("0 is not tested");
    let (server, listener) = half_a_message(lab)?;
    let (mut message, mut buffer, mut calls) = (vec![], [0; 64], 0);
    let before = lab.cpu_time();
    while message.len() < 9 && calls < CALLS {
        let n = server.recv(&mut buffer)?; // 0: the client has closed
        message.extend_from_slice(&buffer[..n]);
        calls += 1;
    }
    let burnt = used_since(lab, before);
    let watched = [(&server, Interest::Read)];
    let ready = lab.actor("server").poll(&watched, Some(Duration::ZERO))?;
    let zeros = zeros(lab);
    lab.claim("zero-again-and-again", eq("recvs that returned 0", zeros, CALLS - 1));
    lab.claim("poll-says-readable", says_readable("poll", ready.readable(&server)));
    let end = sockets_at(lab, "-tan", &[&listener.1])
        .map(|table| eq("Recv-Q in CLOSE-WAIT", receive_queues(&table, "CLOSE-WAIT"), "0"));
    claim_shown(lab, "seen-in-close-wait", end);
    server.close()?;

    lab.part("0 ends the loop");
    let (server, _) = half_a_message(lab)?;
    message.clear();
    let before = lab.cpu_time();
    while message.len() < 9 {
        let n = server.recv(&mut buffer)?;
        if n == 0 {
            break; // the client will send no more
        }
        message.extend_from_slice(&buffer[..n]);
    }
    let used = used_since(lab, before);
    let end = lab.entry(&server)?;
    server.close()?;
    let once = eq("recvs that returned 0", self::zeros(lab) - zeros, 1);
    let gone = eq("server's end", state(end.until("none")?), state("none"));
    lab.claim("one-zero-is-enough", once.and(gone));
    match burnt.zip(used) {
        Some((burnt, used)) => {
            let less = less("with the test, ns", used, "without it", burnt);
            lab.claim("the-loop-burns-time", less);
        }
        None => lab.not_checked("the-loop-burns-time", Feature::ThreadTime.lack()),
    }
    Ok(())
}

/// A client sends five bytes of nine and closes. Gives the server's end, and where it listens.
fn half_a_message(lab: &Lab) -> Result<(Socket, (Socket, SockAddr))> {
    let (listener, address) = listening(lab, &lab.actor("server"))?;
    let client = connected(&lab.actor("client"), &address)?;
    let (server, _) = listener.accept()?;
    client.send_all(b"hello")?;
    client.close()?;
    Ok((server, (listener, address)))
}

/// How often the server's recv() has returned 0.
fn zeros(lab: &Lab) -> usize {
    let calls = lab.calls("server").into_iter().map(|(_, back)| back);
    let recvs = calls.filter(|it| it.call.kind() == SyscallKind::Recv);
    recvs.filter(|it| it.outcome == Outcome::Result(0)).count()
}

/// Processor time since then, in nanoseconds.
fn used_since(lab: &Lab, before: Option<Duration>) -> Option<usize> {
    let used = lab.cpu_time()?.saturating_sub(before?);
    usize::try_from(used.as_nanos()).ok()
}
