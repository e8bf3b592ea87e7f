//! Lesson 4, on the wire: what loss and distance make of TCP and UDP.

use std::collections::HashSet;
use std::io;
use std::time::Duration;

use socket2::{Domain, SockAddr, Type};

use super::experiment;
use crate::capture::link::{
    Ack, Anything, CapturedFrame, Client, Data, Syn, Udp, every, first, share,
};
use crate::capture::{Kind, Lab, Network, Parameter, Result, Socket, eq, waited_at_least};
use crate::i18n::Text;
use crate::trace::SyscallKind;

/// The length of one numbered message, in bytes: 100 of them fill some twenty TCP segments, enough to lose several.
const LENGTH: usize = 300;

experiment!(
    lossy_wire,
    network = Network::Wire,
    parameters = &[
        Parameter {
            name: "loss",
            default: "20%",
            kind: Kind::Percent(0, 40),
            help: Text("how many packets the wire drops"),
        },
        Parameter {
            name: "messages",
            default: "100",
            kind: Kind::Count(1, 150),
            help: Text("how many messages each protocol carries"),
        },
        Parameter {
            name: "seed",
            default: "39",
            kind: Kind::Count(0, 1_000_000),
            help: Text("which packets those are: another seed, others"),
        },
    ]
);
/// Numbered messages over a wire that drops some of its packets.
fn lossy_wire(lab: &Lab) -> Result<()> {
    let (wire, messages) = (lab.wire()?, lab.count("messages")?);
    let (tcp, tcp_server) = pair(lab, Type::STREAM)?;
    let (udp, udp_server) = pair(lab, Type::DGRAM)?;
    // Nothing was lost so far. From now on:
    let (loss, seed) = (lab.count("loss")?, lab.count("seed")? as u64);
    wire.drop(share(loss, Anything, seed));

    lab.part("UDP");
    let failed = send_numbered(&udp, messages);
    wire.settle(); // the wire has seen all that was sent
    let sent = wire.seen(Udp);
    let lost = dropped(&sent);
    let arrived = receive_datagrams(&udp_server, sent.len() - lost.len())?;
    let missing = eq("missing", messages - arrived, lost.len());
    lab.claim("udp-loses-what-the-wire-drops", missing);
    lab.claim("udp-tells-nobody", eq("sends that failed", failed, 0));
    show(lab, &sent, &lost, arrived);

    lab.part("TCP");
    send_numbered(&tcp, messages);
    let arrived = receive_in_order(&tcp_server, messages)?;
    let in_order = eq("messages in order", arrived, messages);
    lab.claim("tcp-delivers-every-message", in_order);
    wire.settle(); // the wire has seen all that was sent
    let sent = wire.seen(Data.from(Client));
    let lost = dropped(&sent);
    let crossed: HashSet<u32> =
        sent.iter().filter(|frame| !frame.is_lost()).flat_map(sequence_numbers).collect();
    let dropped: HashSet<u32> = lost.iter().flat_map(sequence_numbers).collect();
    let again = eq(
        "bytes dropped that crossed in another packet",
        dropped.intersection(&crossed).count(),
        dropped.len(),
    );
    lab.claim("tcp-sends-again", again);
    show(lab, &sent, &lost, arrived);
    Ok(())
}

experiment!(
    first_answer,
    network = Network::Wire,
    parameters = &[Parameter {
        name: "delay",
        default: "50ms",
        kind: Kind::Span(1, 400),
        help: Text("how long a packet takes each way"),
    }]
);
/// A question and its answer, over a wire on which packets take time.
fn first_answer(lab: &Lab) -> Result<()> {
    let (wire, delay) = (lab.wire()?, lab.span("delay")?);
    let (round_trip, mut buffer) = (2 * delay, [0; 1024]);
    wire.delay(every(Anything), delay); // there, and back

    lab.part("UDP");
    let (server, at) = server_for(lab, Type::DGRAM)?;
    let client = client_for(lab, Type::DGRAM)?;
    client.send_to(b"the time?", &at)?;
    let (_, from) = server.recv_from(&mut buffer)?;
    server.send_to(b"noon", &from)?;
    client.recv(&mut buffer)?;
    let took = until_answer(lab, "UDP", SyscallKind::Send)?;
    let crossed = eq("packets that crossed", wire.seen(Udp).len(), 2);
    let one = crossed.and(waited_at_least("the answer", took, round_trip));
    lab.claim("udp-answer-one-round-trip", one);

    lab.part("TCP");
    let (listener, at) = server_for(lab, Type::STREAM)?;
    let client = client_for(lab, Type::STREAM)?;
    client.connect(&at)?;
    client.send(b"the time?")?;
    let (server, _) = listener.accept()?;
    server.recv(&mut buffer)?;
    server.send(b"noon")?;
    client.recv(&mut buffer)?;
    let took = until_answer(lab, "TCP", SyscallKind::Connect)?;
    let connect = lab.last_call("client", SyscallKind::Connect)?.took();
    let connect = waited_at_least("connect", connect, round_trip);
    lab.claim("connect-costs-a-round-trip", connect);
    let syn = wire.until(first(Syn)).at_ns;
    let gap = Duration::from_nanos(wire.until(first(Data)).at_ns - syn);
    let later = waited_at_least("SYN to question", gap, round_trip);
    lab.claim("the-question-leaves-only-then", later);
    let two = waited_at_least("the answer", took, 2 * round_trip);
    lab.claim("tcp-answer-two-round-trips", two);
    Ok(())
}

/// A server's socket, and its address as a client across the wire has it.
fn server_for(lab: &Lab, kind: Type) -> Result<(Socket, SockAddr)> {
    let server = lab.actor("server").socket(Domain::IPV4, kind, None)?;
    server.bind(&lab.near(0))?;
    if kind == Type::STREAM {
        server.listen(5)?;
    }
    let port = server.local_addr()?.as_socket().map_or(0, |at| at.port());
    Ok((server, lab.far(port)))
}

fn client_for(lab: &Lab, kind: Type) -> Result<Socket> {
    Ok(lab.actor("client").socket(Domain::IPV4, kind, None)?)
}

/// A client that is connected to a server: for UDP, that knows its address.
fn pair(lab: &Lab, kind: Type) -> Result<(Socket, Socket)> {
    let (server, at) = server_for(lab, kind)?;
    let client = client_for(lab, kind)?;
    client.connect(&at)?;
    if kind == Type::DGRAM {
        server.set_recv_buffer_size(1 << 20)?; // room for all of them
        return Ok((client, server));
    }
    let _ = lab.wire()?.until(first(Ack)); // the handshake is over
    Ok((client, server.accept()?.0))
}

fn message(number: usize) -> String {
    format!("{:.<LENGTH$}", format!("message {number:03} "))
}

/// Sends the messages, one after another, and says how many sends failed.
fn send_numbered(socket: &Socket, messages: usize) -> usize {
    (1..=messages).filter(|number| socket.send(message(*number).as_bytes()).is_err()).count()
}

/// Receives datagrams until none has come for a while, and counts those that are whole. A machine that is busy may be slow to
/// hand on the last ones, so a short pause ends it only when as many have come as crossed.
fn receive_datagrams(socket: &Socket, crossed: usize) -> Result<usize> {
    let (mut buffer, mut arrived, mut pauses) = ([0; 1024], 0, 0);
    socket.set_read_timeout(Some(Duration::from_millis(50)))?;
    while pauses == 0 || (arrived < crossed && pauses < 100) {
        match socket.recv(&mut buffer) {
            Ok(n) => arrived += usize::from(n == LENGTH),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => pauses += 1,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(arrived)
}

/// Receives as many bytes as the messages have, and counts those messages that are in their place.
fn receive_in_order(socket: &Socket, messages: usize) -> Result<usize> {
    let (mut buffer, mut all) = ([0; 4096], Vec::new());
    while all.len() < messages * LENGTH {
        match socket.recv(&mut buffer)? {
            0 => break,
            n => all.extend_from_slice(&buffer[..n]),
        }
    }
    let in_place = |(number, bytes): &(usize, &[u8])| *bytes == message(*number).as_bytes();
    Ok((1..).zip(all.chunks(LENGTH)).filter(in_place).count())
}

/// Those of the frames that the wire dropped.
fn dropped(frames: &[CapturedFrame]) -> Vec<CapturedFrame> {
    frames.iter().filter(|frame| frame.is_lost()).cloned().collect()
}

/// The sequence numbers of the bytes that this frame carries.
fn sequence_numbers(frame: &CapturedFrame) -> impl Iterator<Item = u32> + use<> {
    let first = frame.tcp().map_or(0, |tcp| tcp.seq);
    let bytes = u32::try_from(frame.layers.payload_bytes).unwrap_or(0);
    (0..bytes).map(move |byte| first.wrapping_add(byte))
}

/// Notes the numbers for the picture.
fn show(lab: &Lab, sent: &[CapturedFrame], lost: &[CapturedFrame], arrived: usize) {
    lab.tally("packets with messages", sent.len() as u64, "the wire");
    lab.tally("of them dropped", lost.len() as u64, "the wire");
    lab.tally("messages that arrived", arrived as u64, "the server");
}

/// From this call of the client's until its last recv has returned: measured, and noted for the picture.
fn until_answer(lab: &Lab, protocol: &'static str, kind: SyscallKind) -> Result<Duration> {
    let (asked, answered) =
        (lab.last_call("client", kind)?, lab.last_call("client", SyscallKind::Recv)?);
    let took = Duration::from_nanos(answered.returned_ns - asked.entered_ns);
    lab.measure("until the answer is there", protocol, took);
    Ok(took)
}
