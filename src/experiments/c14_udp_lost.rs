//! Case 14: datagrams that are lost on one machine, because the receiver's buffer is full.

use std::time::Duration;

use socket2::SockAddr;

use super::experiment;
use super::kit::{at_port_of, claim_shown, udp_pair};
use crate::capture::{Lab, Result, Socket, eq, less};
use crate::trace::Lack;

/// How many datagrams are sent, of a thousand bytes each.
const DATAGRAMS: usize = 100;

experiment!(lost_on_localhost);
/// A hundred datagrams over the loopback interface: at once into a small buffer, at once into a larger one, and five at a time.
fn lost_on_localhost(lab: &Lab) -> Result<()> {
    lab.part("a small buffer");
    let (client, server) = udp_pair(lab, &lab.here(0))?;
    server.set_recv_buffer_size(16 * 1024)?;
    let taken = send_burst(&client, &server.local_addr()?)?;
    let dropped = dropped(lab, &server.local_addr()?); // before the server receives
    let small = receive_until_silent(&server)?;
    lab.claim("no-send-fails", eq("sends of 1000 bytes", taken, DATAGRAMS));
    lab.claim("the-small-one-drops", less("received", small, "sent", DATAGRAMS));
    let counted = dropped.map(|dropped| eq("received and dropped", small + dropped, DATAGRAMS));
    claim_shown(lab, "the-socket-counts-them", counted);

    lab.part("a larger buffer");
    let (client, server) = udp_pair(lab, &lab.here(0))?;
    server.set_recv_buffer_size(64 * 1024)?;
    send_burst(&client, &server.local_addr()?)?;
    let larger = receive_until_silent(&server)?;
    let more = less("received with 16 KiB", small, "with 64 KiB", larger);
    lab.claim("a-larger-buffer-holds-more", more);

    lab.part("five at a time");
    let (client, server) = udp_pair(lab, &lab.here(0))?;
    server.set_recv_buffer_size(16 * 1024)?;
    let in_step = send_in_step(&client, &server)?;
    lab.claim("in-step-none-is-lost", eq("received", in_step, DATAGRAMS));

    lab.part("received, of a hundred");
    for (how, received) in
        [("a small buffer", small), ("a larger buffer", larger), ("five at a time", in_step)]
    {
        lab.tally(how, received as u64, "the server");
    }
    Ok(())
}

/// Sends all datagrams, one right after another. Says how many sends took theirs.
fn send_burst(client: &Socket, to: &SockAddr) -> Result<usize> {
    let mut taken = 0;
    for _ in 0..DATAGRAMS {
        taken += usize::from(client.send_to(&[b'x'; 1000], to)? == 1000);
    }
    Ok(taken)
}

/// Sends five datagrams, and waits until the server has them: its word for it is a datagram too. Says how many it received.
fn send_in_step(client: &Socket, server: &Socket) -> Result<usize> {
    let (to, mut received) = (server.local_addr()?, 0);
    for _ in 0..DATAGRAMS / 5 {
        for _ in 0..5 {
            client.send_to(&[b'x'; 1000], &to)?;
        }
        let mut from = to.clone();
        for _ in 0..5 {
            (_, from) = server.recv_from(&mut [0; 1024])?;
            received += 1;
        }
        server.send_to(b"go on", &from)?;
        client.recv(&mut [0; 8])?;
    }
    Ok(received)
}

/// Receives until nothing has come for a while, and counts the datagrams.
fn receive_until_silent(server: &Socket) -> Result<usize> {
    server.set_read_timeout(Some(Duration::from_millis(50)))?;
    let mut received = 0;
    while server.recv(&mut [0; 1024]).is_ok() {
        received += 1;
    }
    Ok(received)
}

/// How many datagrams the socket's buffer had no room for: the number behind `d` in what ss calls skmem.
fn dropped(lab: &Lab, at: &SockAddr) -> Result<usize, Lack> {
    let table = lab.ask("ss", &["-uanm", &at_port_of(at)])?;
    let behind = table.rsplit_once(",d").map_or("", |(_, rest)| rest);
    Ok(behind.split(')').next().and_then(|number| number.parse().ok()).unwrap_or(0))
}
