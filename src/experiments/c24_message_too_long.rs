//! Case 24: how long a datagram may be, and what becomes of one that does not fit into a frame.

use socket2::SockAddr;

use super::experiment;
use super::kit::{recv_gave, transferred, udp_pair};
use crate::capture::link::{CapturedFrame, Udp, nth};
use crate::capture::{Lab, Network, Result, Socket, eq, failed_with};

/// The longest datagram of UDP over IPv4: a packet has up to 65535 bytes, 20 of them IP's header, 8 of them UDP's.
const LONGEST: usize = 65_507;

/// A length that fits into one frame nearly everywhere.
const PIECE: usize = 1200;

experiment!(longest_datagram);
/// The longest datagram, one byte more, and the same bytes in pieces.
fn longest_datagram(lab: &Lab) -> Result<()> {
    let (client, server) = udp_pair(lab, &lab.here(0))?;
    // On macOS no datagram may be longer than the send buffer.
    client.set_send_buffer_size(128 * 1024)?;
    let to = server.local_addr()?;
    let (message, mut buffer) = (vec![b'x'; LONGEST + 1], vec![0; 70_000]);

    lab.part("one datagram");
    let sent = client.send_to(&message[..LONGEST], &to);
    let arrived = server.recv(&mut buffer);
    let longer = client.send_to(&message, &to);
    let whole = transferred("send_to", &sent, LONGEST);
    lab.claim("the-longest-arrives", whole.and(transferred("recv", &arrived, LONGEST)));
    lab.claim("one-byte-more-is-refused", failed_with("send_to", &longer, "EMSGSIZE"));

    lab.part("in pieces");
    let mut arrived = 0;
    for piece in message.chunks(PIECE) {
        client.send_to(piece, &to)?;
        arrived += server.recv(&mut buffer)?;
    }
    lab.claim("in-pieces-it-arrives", eq("bytes received", arrived, LONGEST + 1));
    Ok(())
}

experiment!(lost_fragment, network = Network::Wire);
/// A datagram of two frames, of which the wire drops one; and datagrams of a frame each.
fn lost_fragment(lab: &Lab) -> Result<()> {
    let wire = lab.wire()?;
    let (client, server, to) = across_the_wire(lab)?;
    let mut buffer = [0; 4096];

    lab.part("one datagram of 2000 bytes");
    wire.drop(nth(2, Udp)); // its second half
    let sent = client.send_to(&[b'x'; 2000], &to);
    client.send_to(b"next", &to)?;
    let n = server.recv(&mut buffer)?;
    wire.settle(); // the wire has seen all that was sent
    let frames = wire.seen(Udp);
    lab.ask("nstat", &["-asz", "IpFragCreates", "IpReasmReqds", "IpReasmOKs"])?;
    lab.claim("two-fragments", eq("fragments", fragments(&frames), 2));
    lab.claim("the-sender-is-not-told", transferred("send_to", &sent, 2000));
    let half = eq("fragments lost", lost(&frames), 1);
    lab.claim("one-lost-all-lost", recv_gave(&buffer[..n], b"next").and(half));

    lab.part("two datagrams of 1200 bytes");
    wire.drop(nth(2, Udp)); // the second of them
    for _ in 0..2 {
        client.send_to(&[b'x'; PIECE], &to)?;
    }
    client.send_to(b"next", &to)?;
    let first = server.recv(&mut buffer)?;
    let n = server.recv(&mut buffer)?;
    wire.settle();
    let frames = &wire.seen(Udp)[frames.len()..];
    let whole = eq("frames", frames.len(), 3).and(eq("fragments", fragments(frames), 0));
    lab.claim("a-frame-each", whole);
    let one = eq("bytes of the first recv", first, PIECE);
    let dropped = eq("frames lost", lost(frames), 1);
    lab.claim("the-others-arrive", one.and(recv_gave(&buffer[..n], b"next")).and(dropped));
    Ok(())
}

/// Two UDP sockets with a wire between them, and the server's address as the client has it.
fn across_the_wire(lab: &Lab) -> Result<(Socket, Socket, SockAddr)> {
    let (client, server) = udp_pair(lab, &lab.near(0))?;
    let port = server.local_addr()?.as_socket().map_or(0, |at| at.port());
    Ok((client, server, lab.far(port)))
}

/// How many of these frames are fragments of a packet.
fn fragments(frames: &[CapturedFrame]) -> usize {
    let is_fragment = |frame: &&CapturedFrame| {
        frame.layers.ip.as_ref().is_some_and(|ip| ip.fragment_at.is_some())
    };
    frames.iter().filter(is_fragment).count()
}

/// How many of these frames the wire dropped.
fn lost(frames: &[CapturedFrame]) -> usize {
    frames.iter().filter(|frame| frame.is_lost()).count()
}
