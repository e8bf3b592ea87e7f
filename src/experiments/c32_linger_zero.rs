//! Case 32: close() throws away what send() had taken.

use std::io;
use std::time::Duration;

use socket2::{Domain, Type};

use super::kit::{claim_shown, no_answer};
use super::{Need, experiment};
use crate::capture::{Lab, Result, Socket, eq, eq_between, failed_with, less};
use crate::trace::Lack;

/// The message is far longer than what the receiver's kernel keeps for it.
static MESSAGE: [u8; 40_000] = [b'x'; 40_000];

/// The kernel's counter of connections that close() has reset for SO_LINGER with 0.
const ABORTS: &str = "TcpExtTCPAbortOnData";

experiment!(linger_zero, needs = &[Need::Proc]);
fn linger_zero(lab: &Lab) -> Result<()> {
    lab.part("SO_LINGER with 0");
    let before = resets_by_linger(lab);
    let (client, server) = slow_receiver(lab)?;
    let taken = client.send(&MESSAGE)?;
    client.set_linger(Some(Duration::ZERO))?; // on, 0 seconds
    client.close()?;
    let (got, end) = receive_all(&server);
    let after = resets_by_linger(lab);
    lab.claim("taken-is-thrown-away", less("received", got, "taken by send", taken));
    lab.claim("the-peer-is-reset", failed_with("recv", &end, "ECONNRESET"));
    let more =
        before.and_then(|before| Ok(less("counted before", before, "counted after", after?)));
    claim_shown(lab, "the-kernel-counts-it", more);

    lab.part("without it");
    let (client, server) = slow_receiver(lab)?;
    let taken = client.send(&MESSAGE)?;
    client.close()?; // and the kernel goes on sending
    let (got, end) = receive_all(&server);
    let all = eq_between("received", got, "taken by send", taken);
    lab.claim("all-of-it-arrives", all.and(eq("recv", end?, 0)));
    Ok(())
}

/// Two ends: the client's kernel takes much at once, the server's has room for little.
fn slow_receiver(lab: &Lab) -> Result<(Socket, Socket)> {
    let listener = lab.actor("server").socket(Domain::IPV4, Type::STREAM, None)?;
    listener.set_recv_buffer_size(8 * 1024)?; // accepted sockets get the same
    listener.bind(&lab.here(0))?;
    listener.listen(5)?;
    let client = lab.actor("client").socket(Domain::IPV4, Type::STREAM, None)?;
    client.set_send_buffer_size(200 * 1024)?;
    client.connect(&listener.local_addr()?)?;
    client.set_nonblocking(true)?; // what has no room is not taken
    Ok((client, listener.accept()?.0))
}

/// Receives all that comes: how many bytes, and how it ended.
fn receive_all(socket: &Socket) -> (usize, io::Result<usize>) {
    let (mut got, mut buffer) = (0, [0; 16 * 1024]);
    loop {
        match socket.recv(&mut buffer) {
            Ok(n @ 1..) => got += n,
            end => return (got, end),
        }
    }
}

/// How many connections this network's kernel has reset for SO_LINGER with 0.
fn resets_by_linger(lab: &Lab) -> Result<usize, Lack> {
    let counters = lab.ask("nstat", &["-asz", ABORTS])?;
    let row = counters.lines().find_map(|line| line.strip_prefix(ABORTS));
    let number = row.and_then(|row| row.split_whitespace().next()?.parse().ok());
    number.ok_or(no_answer("nstat"))
}
