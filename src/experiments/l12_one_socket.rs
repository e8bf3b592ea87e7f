//! Lesson 12: one socket, several threads. What wakes a thread that waits in recv(), and what two threads that send do to each other.

use std::io;
use std::mem::ManuallyDrop;
use std::net::Shutdown;
use std::time::Duration;

use socket2::{Domain, Type};

use super::kit::{connected, listening};
use super::l12_chat::PAUSE;
use super::{Need, experiment};
use crate::capture::{
    Error, Lab, Result, Sampler, Socket, at_least, before, eq, failed_with, sys, waited_at_least,
};
use crate::trace::{Lack, Sample, SyscallKind};

experiment!(close_or_shutdown, needs = &[Need::Proc], parameters = &[PAUSE]);
fn close_or_shutdown(lab: &Lab) -> Result<()> {
    let (main, peer) = (lab.actor("main"), lab.actor("peer"));
    let (listener, address) = listening(lab, &peer)?;
    // Rust closes a socket when it is dropped. Here it is closed before.
    let first = ManuallyDrop::new(connected(&main, &address)?);
    let (peers_first, _) = listener.accept()?;
    let second = connected(&main, &address)?;
    let (_peers_second, _) = listener.accept()?;
    peers_first.set_nonblocking(true)?;
    let pause = lab.span("pause")?;

    let seen = lab.sample_while(Sampler::PERIOD, || {
        lab.scope(|stage| {
            // Two threads, each blocked in recv() on a socket of its own.
            let in_first = stage.actor("thread 1", |_| recv(&first))?;
            let in_second = stage.actor("thread 2", |_| recv(&second))?;
            in_first.until_blocked_in(SyscallKind::Recv)?;
            in_second.until_blocked_in(SyscallKind::Recv)?;

            main.deed("closes socket 1", || close_descriptor(&first))?;
            second.shutdown(Shutdown::Both)?;
            let woken = in_second.finish()?;
            lab.wait(pause, "thread 1 still waits");
            let asleep = in_first.observe();
            let heard = peers_first.recv(&mut [0; 1024]);
            peers_first.send_all(b"still here?")?;
            let got = in_first.finish()?;
            peers_first.set_nonblocking(false)?;
            let end = recv(&peers_first)?;
            Ok(Seen { woken, asleep, heard, got, end })
        })
    })?;
    check_waking(lab, seen, pause)
}

fn recv(socket: &Socket) -> Result<usize> {
    Ok(socket.recv(&mut [0; 1024])?)
}

/// What was seen of two threads in recv(), one of whose sockets was closed, the other one shut down.
struct Seen {
    /// What the second recv() returned after the shutdown.
    woken: usize,
    /// What the kernel reported of the first thread, a pause after the close.
    asleep: Option<Sample>,
    /// What the first thread's peer got from its own recv() then.
    heard: io::Result<usize>,
    /// What the first recv() returned in the end.
    got: usize,
    /// What its peer's recv() returned after that.
    end: usize,
}

fn check_waking(lab: &Lab, seen: Seen, pause: Duration) -> Result<()> {
    lab.claim("shutdown-wakes-recv", eq("thread 2's recv", seen.woken, 0));
    lab.claim("close-tells-the-peer-nothing", failed_with("peer's recv", &seen.heard, "EAGAIN"));
    check_first(lab, pause, seen.got)?;
    lab.claim("only-then-is-the-peer-told", eq("peer's recv", seen.end, 0));
    check_asleep(lab, seen.asleep);
    Ok(())
}

/// Closes the descriptor while another thread is in a call on it. Safe Rust cannot close a socket that is in use.
fn close_descriptor(socket: &Socket) -> io::Result<()> {
    sys::close_shared(socket.bare())
}

/// Thread 1's recv() went on after its socket was closed, until the peer sent something.
fn check_first(lab: &Lab, pause: Duration, got: usize) -> Result<()> {
    let recv = lab.last_call("thread 1", SyscallKind::Recv)?;
    let send = lab.last_call("peer", SyscallKind::Send)?;
    let bytes = eq("thread 1's recv", got, "still here?".len());
    let long = waited_at_least("thread 1's recv", recv.took(), pause);
    let order =
        before("peer's send", send.entered_ns, "thread 1's recv returned", recv.returned_ns);
    lab.claim("close-wakes-nobody", bytes.and(long).and(order));
    Ok(())
}

fn check_asleep(lab: &Lab, sample: Option<Sample>) {
    match sample.and_then(|sample| Some((sample.state?, sample.syscall?))) {
        Some((state, call)) => lab.claim(
            "still-asleep-in-recvfrom",
            eq("thread 1's state", state, 'S').and(eq("its system call", call, "recvfrom")),
        ),
        None => lab.not_checked("still-asleep-in-recvfrom", Lack::ThreadStates),
    }
}

/// How long the lines of [`two_senders`] are, without the newline: far longer than the buffers between the two ends.
const LENGTH: usize = 1_000_000;

experiment!(two_senders);
fn two_senders(lab: &Lab) -> Result<()> {
    let (mut sent, mut received) = both_send(lab)?;
    for _ in 1..ROUNDS {
        if pieces(&received) >= MIXED {
            break;
        }
        (sent, received) = both_send(lab)?;
    }
    check_lines(lab, sent, received);
    Ok(())
}

/// So often at most both send: whom the kernel wakes first is not for a program to choose.
const ROUNDS: usize = 10;
/// So many pieces of a line, and they are mixed.
const MIXED: usize = 3;

/// Two threads send a line each on one socket, at the same time. Gives what each send() took, and what arrived.
fn both_send(lab: &Lab) -> Result<([usize; 2], Vec<u8>)> {
    let (listener, address) = listening(lab, &lab.actor("server"))?;
    let client = lab.actor("client").socket(Domain::IPV4, Type::STREAM, None)?;
    client.set_send_buffer_size(16 * 1024)?; // small: both must wait
    client.connect(&address)?;
    let (server, _) = listener.accept()?;

    lab.scope(|stage| {
        let a = stage.actor("sends a", |_| send_line(&client, b'a'))?;
        let b = stage.actor("sends b", |_| send_line(&client, b'b'))?;
        a.until_blocked_in(SyscallKind::Send)?;
        b.until_blocked_in(SyscallKind::Send)?;
        // Both are in send(). Only now does the server receive.
        let received = receive(&server, 2 * (LENGTH + 1))?;
        Ok(([a.finish()?, b.finish()?], received))
    })
}

/// How many pieces of a line arrived: runs of one letter.
fn pieces(received: &[u8]) -> usize {
    let text: Vec<u8> = received.iter().copied().filter(|byte| *byte != b'\n').collect();
    text.chunk_by(|one, next| one == next).count()
}

/// Each send() took a whole line, all bytes arrived, and neither line arrived in one piece.
fn check_lines(lab: &Lab, sent: [usize; 2], received: Vec<u8>) {
    let calls = sent.map(|bytes| bytes == LENGTH + 1);
    lab.claim("one-send-takes-it-all", eq("sends of 1000001 bytes", count(&calls, &true), 2));
    let all =
        eq("a", count(&received, &b'a'), LENGTH).and(eq("b", count(&received, &b'b'), LENGTH));
    lab.claim("both-lines-arrive", all);
    let pieces = pieces(&received);
    lab.tally("lines sent", 2, "client");
    lab.tally("pieces of a line received", pieces as u64, "server");
    lab.claim("the-lines-are-mixed", at_least("pieces of a or b", pieces, MIXED));
}

/// Sends a long line with one call.
fn send_line(socket: &Socket, letter: u8) -> Result<usize> {
    let mut line = vec![letter; LENGTH];
    line.push(b'\n');
    Ok(socket.send(&line)?)
}

/// Receives this many bytes.
fn receive(socket: &Socket, length: usize) -> Result<Vec<u8>> {
    let (mut all, mut buffer) = (Vec::new(), vec![0; 64 * 1024]);
    while all.len() < length {
        match socket.recv(&mut buffer)? {
            0 => return Err(Error::assertion("both lines come before the end")),
            n => all.extend_from_slice(&buffer[..n]),
        }
    }
    Ok(all)
}

fn count<T: PartialEq>(all: &[T], wanted: &T) -> usize {
    all.iter().filter(|one| *one == wanted).count()
}
