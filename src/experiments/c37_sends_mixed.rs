//! Case 37: two threads that send on one socket, one after the other.

use std::sync::{Mutex, PoisonError};

use super::experiment;
use super::kit::{listening, receive, tcp_socket};
use crate::capture::{Lab, Result, Socket, before, eq};
use crate::trace::SyscallKind;

/// How long each thread's line is, with its newline: far longer than the buffers between the two ends.
const LENGTH: usize = 1_000_000;

experiment!(senders_with_a_lock);
/// Two threads send a long line each on one socket; whoever sends holds the lock.
fn senders_with_a_lock(lab: &Lab) -> Result<()> {
    let (listener, address) = listening(lab, &lab.actor("server"))?;
    let client = tcp_socket(lab, "client")?;
    client.set_send_buffer_size(16 * 1024)?; // small: each has to wait
    client.connect(&address)?;
    let (server, _) = listener.accept()?;

    let client = Mutex::new(client);
    let received = lab.scope(|stage| {
        let a = stage.actor("sends a", |_| send_line(&client, b'a'))?;
        // The first has the lock, and waits for room; the second for the lock.
        a.until_blocked_in(SyscallKind::Send)?;
        let b = stage.actor("sends b", |_| send_line(&client, b'b'))?;
        b.until_asleep();
        let received = receive(&server, 2 * LENGTH)?;
        a.finish()?;
        b.finish()?;
        Ok(received)
    })?;

    let pieces = received.split_inclusive(|byte| *byte == b'\n').filter(|it| is_whole(it)).count();
    lab.tally("lines sent", 2, "client");
    lab.tally("lines received whole", pieces as u64, "server");
    lab.claim("both-lines-are-whole", eq("lines received whole", pieces, 2));
    let first = lab.last_call("sends a", SyscallKind::Send)?.returned_ns;
    let second = lab.last_call("sends b", SyscallKind::Send)?.entered_ns;
    lab.claim("one-after-the-other", before("a's send returned", first, "b's send", second));
    Ok(())
}

/// Sends a long line, and holds the lock until all of it is sent.
fn send_line(socket: &Mutex<Socket>, letter: u8) -> Result<()> {
    let mut line = vec![letter; LENGTH - 1];
    line.push(b'\n');
    let socket = socket.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(socket.send_all(&line)?)
}

/// Whether these bytes are one of the lines as it was sent.
fn is_whole(line: &[u8]) -> bool {
    line.len() == LENGTH && line[..LENGTH - 1].iter().all(|letter| *letter == line[0])
}
