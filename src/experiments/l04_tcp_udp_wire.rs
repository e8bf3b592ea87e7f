//! Lesson 4, on the wire: what loss and distance make of TCP and UDP.

use std::collections::HashSet;
use std::io;
use std::time::Duration;

use socket2::{Domain, SockAddr, Type};

use super::experiment;
use super::kit::{each_once, receive_exactly};
use crate::capture::link::{
    Ack, Anything, CapturedFrame, Client, Data, End, Server, Tcp, Udp, every, first, nth, share,
};
use crate::capture::{
    Kind, Lab, Network, Parameter, Result, Socket, at_least, eq, eq_between, waited_at_least,
};
use crate::i18n::Text;
use crate::trace::SyscallKind;

/// A packet of the wire carries so many bytes of a stream: an Ethernet frame's 1500, less the headers of IP and TCP.
const PACKET: usize = 1448;

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
            help: Text("the seed of the random choice of those packets"),
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
    let lost: Vec<_> = dropped(&sent).iter().filter_map(number_in).collect();
    let arrived = receive_datagrams(&udp_server, sent.len() - lost.len())?;
    let missing: Vec<_> = (1..=messages).filter(|number| !arrived.contains(number)).collect();
    let same = eq_between("missing", list(&missing), "dropped", list(&lost));
    lab.claim("udp-loses-what-the-wire-drops", same);
    lab.claim("udp-tells-nobody", eq("sends that failed", failed, 0));
    show(lab, &sent, arrived.len());

    lab.part("TCP");
    let before = wire.seen(Tcp).len(); // those that opened the connection
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
    show(lab, &wire.seen(Tcp)[before..], arrived); // acknowledgments too
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
    let crossed = eq("crossings in turn", in_turn(&wire.seen(Udp)), 2);
    let one = crossed.and(waited_at_least("the answer", took, round_trip));
    lab.claim("udp-answer-one-round-trip", one);

    lab.part("TCP");
    let (listener, at) = server_for(lab, Type::STREAM)?;
    let client = client_for(lab, Type::STREAM)?;
    client.connect(&at)?;
    client.send_all(b"the time?")?;
    let (server, _) = listener.accept()?;
    receive_exactly(&server, &mut buffer[..9])?;
    server.send_all(b"noon")?;
    receive_exactly(&client, &mut buffer[..4])?;
    let took = until_answer(lab, "TCP", SyscallKind::Connect)?;
    let connect = lab.last_call("client", SyscallKind::Connect)?.took();
    let connect = waited_at_least("connect", connect, round_trip);
    lab.claim("connect-costs-a-round-trip", connect);
    let start = wire.until(first(Tcp)).at_ns;
    let gap = Duration::from_nanos(wire.until(first(Data)).at_ns - start);
    let later = waited_at_least("first packet to question", gap, round_trip);
    lab.claim("the-question-leaves-only-then", later);
    let answer = wire.until(first(Data.from(Server))).at_ns;
    let mut until = each_once(wire.seen(Tcp))?;
    until.retain(|frame| frame.at_ns <= answer);
    let crossed = eq("crossings in turn", in_turn(&until), 4);
    let two = crossed.and(waited_at_least("the answer", took, 2 * round_trip));
    lab.claim("tcp-answer-two-round-trips", two);
    Ok(())
}

experiment!(
    head_of_line,
    network = Network::Wire,
    parameters = &[Parameter {
        name: "delay",
        default: "25ms",
        kind: Kind::Span(1, 100),
        help: Text("how long a packet takes each way"),
    }]
);
/// Five messages, a packet each; the wire drops the first packet.
fn head_of_line(lab: &Lab) -> Result<()> {
    let (wire, delay) = (lab.wire()?, lab.span("delay")?);
    wire.delay(every(Anything), delay);
    let (tcp, tcp_server) = pair(lab, Type::STREAM)?;
    let (udp, udp_server) = pair(lab, Type::DGRAM)?;
    wire.drop(first(Udp));
    wire.drop(first(Data));
    let mut buffer = [0; 5 * PACKET];
    let messages: Vec<u8> = (b'1'..=b'5').flat_map(|digit| [digit; PACKET]).collect();

    lab.part("UDP");
    for message in messages.chunks(PACKET) {
        udp.send_all(message)?;
    }
    let n = udp_server.recv(&mut buffer)?;
    let second = eq("recv gave message", message_in(&buffer[..n]), '2');
    lab.claim("udp-goes-on-without-it", second);
    until_first_message(lab, "UDP")?;

    lab.part("TCP");
    tcp.send_all(&messages)?; // one call, five packets
    let n = tcp_server.recv(&mut buffer)?;
    let one = eq("recv began with message", message_in(&buffer[..n]), '1');
    let lost = eq("packets dropped", dropped(&wire.seen(Data)).len(), 1);
    lab.claim("tcp-waits-for-it", one.and(lost));
    let returned = until_first_message(lab, "TCP")?;
    let second = Duration::from_nanos(wire.until(nth(2, Data)).at_ns) + delay;
    let waited = Duration::from_nanos(returned).saturating_sub(second);
    let behind = waited_at_least("message 2 waited", waited, 2 * delay);
    lab.claim("the-others-wait-behind-it", behind);

    let start = wire.until(first(Data)).tcp()?.seq;
    let mut ones = wire.seen(Data); // the original, and the copy
    ones.retain(|segment| segment.layers.tcp.as_ref().is_some_and(|tcp| tcp.seq == start));
    let copied = at_least("packets with message 1", ones.len(), 2);
    let mut reports = wire.seen(Ack.from(Server));
    reports.retain(|ack| ones.get(1).is_some_and(|copy| ack.at_ns < copy.at_ns));
    let told = at_least("acknowledgments before the copy", reports.len(), 1);
    lab.claim("acknowledgments-tell-of-the-gap", told.and(copied));
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

/// The number of a message, which begins with it.
fn number(message: &[u8]) -> Option<usize> {
    std::str::from_utf8(message.get(8..11)?).ok()?.parse().ok()
}

/// The number of the message that a packet carries.
fn number_in(packet: &CapturedFrame) -> Option<usize> {
    let bytes = &packet.raw.0;
    number(&bytes[bytes.len().checked_sub(packet.layers.payload_bytes)?..])
}

fn list(numbers: &[usize]) -> String {
    numbers.iter().map(usize::to_string).collect::<Vec<_>>().join(", ")
}

/// Sends the messages, one after another, and says how many sends failed, or took a part.
fn send_numbered(socket: &Socket, messages: usize) -> usize {
    let is_taken = |number: usize| matches!(socket.send(message(number).as_bytes()), Ok(sent) if sent == LENGTH);
    (1..=messages).filter(|number| !is_taken(*number)).count()
}

/// Receives datagrams until none has come for a while: the numbers of those that are whole. A machine that is busy may be slow to
/// hand on the last ones, so a short pause ends it only when as many have come as crossed.
fn receive_datagrams(socket: &Socket, crossed: usize) -> Result<Vec<usize>> {
    let (mut buffer, mut arrived, mut pauses) = ([0; 1024], Vec::new(), 0);
    socket.set_read_timeout(Some(Duration::from_millis(50)))?;
    while pauses == 0 || (arrived.len() < crossed && pauses < 100) {
        match socket.recv(&mut buffer) {
            Ok(n) => arrived.extend(number(&buffer[..n]).filter(|_| n == LENGTH)),
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

/// Notes the numbers for the picture: all packets, both ways.
fn show(lab: &Lab, packets: &[CapturedFrame], arrived: usize) {
    lab.tally("packets on the wire", packets.len() as u64, "the wire");
    lab.tally("of them dropped", dropped(packets).len() as u64, "the wire");
    lab.tally("messages that arrived", arrived as u64, "the server");
}

/// How often packets crossed in turn: one way, then the other.
fn in_turn(packets: &[CapturedFrame]) -> usize {
    let mut senders: Vec<End> = packets.iter().map(|packet| packet.sent_by).collect();
    senders.dedup();
    senders.len()
}

/// Which message these bytes begin with.
fn message_in(bytes: &[u8]) -> char {
    bytes.first().map_or(' ', |digit| char::from(*digit))
}

/// From the client's last send until the server's recv has returned, measured; and when that was.
fn until_first_message(lab: &Lab, protocol: &'static str) -> Result<u64> {
    let (sent, received) =
        (lab.last_call("client", SyscallKind::Send)?, lab.last_call("server", SyscallKind::Recv)?);
    let took = Duration::from_nanos(received.returned_ns.saturating_sub(sent.entered_ns));
    lab.measure("until the first recv returns", protocol, took);
    Ok(received.returned_ns)
}

/// From this call of the client's until its last recv has returned: measured, and noted for the picture.
fn until_answer(lab: &Lab, protocol: &'static str, kind: SyscallKind) -> Result<Duration> {
    let (asked, answered) =
        (lab.last_call("client", kind)?, lab.last_call("client", SyscallKind::Recv)?);
    let took = Duration::from_nanos(answered.returned_ns - asked.entered_ns);
    lab.measure("until the answer is there", protocol, took);
    Ok(took)
}
