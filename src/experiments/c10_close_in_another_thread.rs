//! Case 10: one thread closes a socket on which another thread waits.

use std::io;
use std::net::Shutdown;

use super::kit::{
    claim_shown, connected, listening, names_nobody, names_process, recv_gave, ss, transferred,
};
use super::{Need, experiment};
use crate::capture::{Lab, Result, Socket, before, failed_with, succeeded};
use crate::trace::{Lack, SyscallKind};

experiment!(close_in_another_thread, needs = &[Need::Proc]);
/// A program has two threads: `waiter` waits on a socket, `main` closes it.
fn close_in_another_thread(lab: &Lab) -> Result<()> {
    // Where /proc does not tell that `waiter` waits, `main` might close before it does.
    lab.actor("main").observe().ok_or(Lack::ThreadStates)?;
    lab.part("recv");
    let (socket, peer) = connection_of_main(lab)?;
    let at = socket.local_addr()?;
    let open = ss(lab, "-tanp", &at);
    let (n, word, closed) = lab.scope(|stage| {
        let waiter = stage.actor("waiter", |_| {
            let mut buffer = [0; 5];
            Ok((socket.recv(&mut buffer)?, buffer))
        })?;
        waiter.until_blocked_in(SyscallKind::Recv)?;
        socket.close_shared()?; // main's close()
        waiter.until_blocked_in(SyscallKind::Recv)?; // still
        let closed = ss(lab, "-tanp", &at);
        peer.send_all(b"hello")?; // nobody has told the peer
        let (n, buffer) = waiter.finish()?;
        Ok((n, buffer, closed))
    })?;
    let (close, recv) =
        (lab.last_call("main", SyscallKind::Close)?, lab.last_call("waiter", SyscallKind::Recv)?);
    let later = before("close() returned", close.returned_ns, "end of recv", recv.returned_ns);
    lab.claim("recv-waits-on", later.and(recv_gave(&word[..n], b"hello")));

    lab.part("accept");
    let (listener, at) = listening(lab, &lab.actor("main"))?;
    let (first, accepted) = lab.scope(|stage| {
        let waiter = stage.actor("waiter", |_| Ok(listener.accept().map(drop)))?;
        waiter.until_blocked_in(SyscallKind::Accept)?;
        listener.close_shared()?;
        let first = connected(&lab.actor("client"), &at);
        Ok((first, waiter.finish()?))
    })?;
    let connects = succeeded("connect", &first);
    lab.claim("a-client-still-gets-in", connects.and(succeeded("accept", &accepted)));
    let second = connected(&lab.actor("client"), &at);
    lab.claim("closed-when-the-call-is-over", failed_with("next connect", &second, "ECONNREFUSED"));

    let named = open.and_then(|rows| names_process(&rows, std::process::id()));
    let nobody = closed.and_then(|rows| names_nobody(&rows, "ESTAB"));
    let both = named.and_then(|named| Ok(named.and(nobody?)));
    claim_shown(lab, "ss-names-no-process", both);
    Ok(())
}

experiment!(shutdown_in_another_thread);
/// The same two threads. `main` calls shutdown() before it closes.
fn shutdown_in_another_thread(lab: &Lab) -> Result<()> {
    lab.part("recv");
    let (socket, peer) = connection_of_main(lab)?;
    let answer = lab.scope(|stage| {
        let waiter = stage.actor("waiter", |_| Ok(socket.recv(&mut [0; 5])))?;
        waiter.until_blocked_in(SyscallKind::Recv)?;
        socket.shutdown(Shutdown::Both)?; // wakes whoever waits
        waiter.finish() // join the thread,
    })?;
    socket.close()?; // and only then close
    lab.claim("recv-returns-zero", transferred("recv", &answer, 0));
    let end = transferred("peer's recv", &peer.recv(&mut [0; 5]), 0);
    lab.claim("the-peer-is-told", end);

    lab.part("accept");
    let (listener, at) = listening(lab, &lab.actor("main"))?;
    let answer: io::Result<()> = lab.scope(|stage| {
        let waiter = stage.actor("waiter", |_| Ok(listener.accept().map(drop)))?;
        waiter.until_blocked_in(SyscallKind::Accept)?;
        listener.shutdown(Shutdown::Both)?;
        waiter.finish()
    })?;
    listener.close()?;
    lab.claim("accept-fails", failed_with("accept", &answer, "EINVAL"));
    let late = connected(&lab.actor("client"), &at);
    lab.claim("no-client-gets-in", failed_with("connect", &late, "ECONNREFUSED"));
    Ok(())
}

/// A connection of the actor `main`, and its peer's end.
fn connection_of_main(lab: &Lab) -> Result<(Socket, Socket)> {
    let (listener, at) = listening(lab, &lab.actor("peer"))?;
    let socket = connected(&lab.actor("main"), &at)?;
    let (peer, _) = listener.accept()?;
    Ok((socket, peer))
}
