//! Case 31: select() is asked of a socket whose bytes have been read already.

use std::io::{self, BufRead, BufReader, Read};
use std::time::Duration;

use super::experiment;
use super::kit::{
    claim_shown, connected, count_calls, listening, receive_queues, recv_gave, sockets_at,
};
use crate::capture::{Lab, Result, Socket, eq};
use crate::trace::SyscallKind;

/// select() asks, and does not wait.
const NO_WAIT: Option<Duration> = Some(Duration::ZERO);

experiment!(read_ahead);
fn read_ahead(lab: &Lab) -> Result<()> {
    let me = lab.actor("server");
    let (listener, address) = listening(lab, &me)?;
    let client = connected(&lab.actor("client"), &address)?;
    let (server, _) = listener.accept()?;
    let recvs = || count_calls(lab, "server", SyscallKind::Recv);

    lab.part("lines of a buffered file object");
    client.send_all(b"one\ntwo\n")?;
    let mut file = BufReader::new(File(&server)); // Python: s.makefile()
    let (mut first, mut second) = (String::new(), String::new());
    me.select(&[&server], &[], None)?;
    file.read_line(&mut first)?;
    let ready = me.select(&[&server], &[], NO_WAIT)?;
    let table = sockets_at(lab, "-tan", &[&address]);
    let before = recvs();
    file.read_line(&mut second)?;
    let read = recv_gave(first.as_bytes(), b"one\n").and(eq("calls of recv", before, 1));
    lab.claim("select-says-nothing", read.and(eq("ready", ready.count(), 0)));
    let queue = table.map(|table| eq("Recv-Q in ESTAB", receive_queues(&table, "ESTAB"), "0"));
    claim_shown(lab, "the-kernel-has-nothing", queue);
    let more = recv_gave(second.as_bytes(), b"two\n").and(eq("more calls", recvs() - before, 0));
    lab.claim("the-line-was-in-the-buffer", more);

    lab.part("recv() and a buffer of one's own");
    client.send_all(b"one\ntwo\n")?;
    let (mut bytes, mut room, mut lines) = (vec![], [0; 4096], vec![]);
    me.select(&[&server], &[], None)?;
    let n = server.recv(&mut room)?;
    bytes.extend_from_slice(&room[..n]);
    // Each whole line is taken out, before select() is asked again.
    while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
        lines.push(bytes.drain(..=end).collect::<Vec<u8>>());
    }
    let ready = me.select(&[&server], &[], NO_WAIT)?;
    let both = eq("lines", lines.len(), 2).and(eq("bytes left", bytes.len(), 0));
    lab.claim("both-lines-before-select", both.and(eq("ready", ready.count(), 0)));
    Ok(())
}

/// The socket as a file object reads it.
struct File<'a>(&'a Socket);

impl Read for File<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.recv(buffer)
    }
}
