//! Lesson 2: what wraps five bytes on their way, seen in the frames that this kernel sends.

use std::net::{IpAddr, Ipv4Addr, Shutdown, SocketAddr};

use socket2::{Domain, SockAddr, Type};

use super::experiment;
use super::kit::{receive, udp_pair};
use crate::capture::link::{Ack, Arp, CapturedFrame, Client, Data, Fin, Tcp, Udp, first, nth};
use crate::capture::{
    Kind, Lab, Network, Parameter, Result, Socket, at_least, before, eq, less, succeeded,
};
use crate::i18n::Text;
use crate::trace;
use crate::trace::packet::Ethernet;

/// The MAC address that every interface listens to.
const EVERYBODY: &str = "ff:ff:ff:ff:ff:ff";

experiment!(peel, network = Network::Wire);
/// One frame, from its last bytes to its first.
fn peel(lab: &Lab) -> Result<()> {
    let wire = lab.wire()?;
    let (client, server) = tcp_pair(lab)?;
    client.send_all(b"hello")?;
    receive(&server, 5)?;

    // The frame as the wire saw it, and its three headers.
    let frame = wire.until(first(Data));
    let bytes = &frame.raw.0;
    let (ethernet, ip) = (frame.ethernet()?, frame.ip()?);
    let tcp = frame.tcp()?;
    let (front, end) = bytes.split_at(bytes.len().saturating_sub(5));
    let hello = eq("the frame ends with", text(end), text(b"hello"));
    lab.claim("your-bytes-come-last", hello);

    let headers = Ethernet::BYTES + ip.header_bytes + tcp.header_bytes;
    let sum = eq("Ethernet + IP + TCP", headers, front.len());
    let frame = at_least("bytes in the frame", bytes.len(), 41);
    lab.claim("headers-fill-the-rest", sum.and(frame));

    let inner = eq("Ethernet: type", hex(ethernet.ether_type), "0x0800");
    let inner = inner.and(eq("IP: protocol", i32::from(ip.protocol), 6));
    let port = i32::from(port_of(&server)?);
    let to_port = eq("TCP: to port", i32::from(tcp.dst_port), port);
    lab.claim("each-layer-names-the-next", inner.and(to_port));

    let from = both(ip.src, tcp.src_port);
    let own = eq("IP and TCP: from", from, client.local_addr()?);
    let to = both(ip.dst, tcp.dst_port);
    let peer = eq("IP and TCP: to", to, client.peer_addr()?);
    lab.claim("a-socket-is-in-two-headers", own.and(peer));
    Ok(())
}

experiment!(
    overhead,
    network = Network::Wire,
    parameters = &[Parameter {
        name: "bytes",
        default: "5",
        kind: Kind::Count(1, 1400),
        help: Text("how many bytes the application sends"),
    }]
);
/// What goes over the wire for the same bytes, by UDP and by TCP.
fn overhead(lab: &Lab) -> Result<()> {
    let message = vec![b'x'; lab.count("bytes")?];
    let by_udp = carry_by_udp(lab, &message)?; // send, receive
    let by_tcp = carry_by_tcp(lab, &message)?; // connect, ..., close
    let by_udp = eq("UDP delivered", by_udp, message.len());
    let by_tcp = eq("TCP delivered", by_tcp, message.len());
    lab.claim("both-deliver", by_udp.and(by_tcp));

    let wire = lab.wire()?;
    let (udp, tcp) = (wire.seen(Udp), wire.seen(Tcp));
    lab.claim("one-frame-for-udp", eq("frames of UDP", udp.len(), 1));
    let seven = at_least("frames of TCP", tcp.len(), 7);
    let no_data = at_least("of them without data", no_data(&tcp), 6);
    lab.claim("many-frames-for-tcp", seven.and(no_data));

    let datagram = wire.until(first(Udp));
    let segment = wire.until(first(Data));
    let ip = eq("IP header", ip_header(&datagram)?, ip_header(&segment)?);
    let udp_header = udp_header(&datagram)?;
    let tcp_header = segment.tcp()?.header_bytes;
    let shorter = less("UDP header", udp_header, "TCP header", tcp_header);
    lab.claim("only-the-transport-differs", ip.and(shorter));

    lab.tally("your bytes", message.len() as u64, "your program");
    lab.tally("UDP: bytes of its one frame", total(&udp), "the wire");
    lab.tally("TCP: bytes of the frame with them", total(&[segment]), "the wire");
    lab.tally("TCP: bytes of all its frames", total(&tcp), "the wire");
    Ok(())
}

experiment!(who_has, network = Network::Wire);
/// What the kernel must know before it can send a first packet.
fn who_has(lab: &Lab) -> Result<()> {
    let wire = lab.wire()?;
    let (client, server) = udp_pair(lab, &lab.near(0))?;
    let to = lab.far(port_of(&server)?); // 10.9.0.2
    client.send_to(b"hello", &to)?;
    receive(&server, 5)?;

    let question = wire.until(first(Arp));
    let hello = wire.until(first(Udp));
    let about = eq("ARP: who has", asked_about(&question), "10.9.0.2");
    let to_all = eq("Ethernet: to", goes_to(&question)?, EVERYBODY);
    let sooner = before("ARP", question.at_ns, "hello", hello.at_ns);
    lab.claim("a-question-goes-first", about.and(to_all).and(sooner));

    let kind = eq("Ethernet: type", hex(question.ethernet()?.ether_type), "0x0806");
    let headers = usize::from(question.layers.ip.is_some());
    let no_ip = eq("IP headers in it", headers, 0);
    lab.claim("right-behind-ethernet", kind.and(no_ip));

    let is_at = wire.until(nth(2, Arp)).arp()?.sender_mac.to_string();
    let to_that = eq("hello goes to", goes_to(&hello)?, is_at);
    lab.claim("the-answer-is-a-mac-address", to_that);

    let so_far = questions(lab, "10.9.0.2")?;
    client.send_to(b"again", &to)?;
    receive(&server, 5)?;
    let questions_now = questions(lab, "10.9.0.2")?;
    lab.claim("asked-once", eq("questions", questions_now, so_far));

    let sent = client.send_to(b"anyone?", &nobody()); // 10.9.0.3
    let sent = succeeded("send_to 10.9.0.3", &sent);
    let asked = at_least("questions", questions(lab, "10.9.0.3")?, 1);
    let stayed = eq("datagrams on the wire", wire.seen(Udp).len(), 2);
    lab.claim("no-mac-address-no-frame", sent.and(asked).and(stayed));
    Ok(())
}

experiment!(fewer_frames, network = Network::Wire);
/// The same five bytes over TCP twice: as usual, and so that each frame takes along what it can.
fn fewer_frames(lab: &Lab) -> Result<()> {
    let wire = lab.wire()?;
    lab.part("as usual");
    carry_by_tcp(lab, b"hello")?;
    wire.settle();
    let usual = wire.seen(Tcp).len();

    lab.part("gathered");
    let (listener, client) = tcp_ends(lab)?;
    let at = lab.far(port_of(&listener)?);
    client.set_tcp_quickack(false)?; // acknowledgments may wait for bytes
    client.connect(&at)?;
    client.set_tcp_cork(true)?; // and bytes for what follows them
    client.send_all(b"hello")?;
    client.shutdown(Shutdown::Write)?; // "I will send no more"
    let (server, _) = listener.accept()?;
    let got = receive(&server, 6)?; // five, and then the end
    server.close()?;
    receive(&client, 1)?; // nothing: the server has closed
    client.close()?;
    wire.settle();

    let gathered = wire.seen(Tcp).len() - usual;
    let all = eq("received", text(&got), text(b"hello"));
    lab.claim("gathered-and-complete", all);
    let with_bytes = |frame: &CapturedFrame| frame.layers.payload_bytes > 0;
    let both = wire.seen(Fin).iter().filter(|frame| with_bytes(frame)).count();
    let one = eq("frames with bytes that end the stream", both, 1);
    lab.claim("bytes-and-end-in-one", one);
    let fewer = less("gathered", gathered, "as usual", usual);
    lab.claim("fewer-frames-will-do", fewer);
    Ok(())
}

/// A server that listens at the near end of the wire, and a client that has not connected yet.
fn tcp_ends(lab: &Lab) -> Result<(Socket, Socket)> {
    let listener = lab.actor("server").socket(Domain::IPV4, Type::STREAM, None)?;
    listener.bind(&lab.near(0))?;
    listener.listen(5)?;
    let client = lab.actor("client").socket(Domain::IPV4, Type::STREAM, None)?;
    Ok((listener, client))
}

/// A TCP connection over the wire: the client's end and the server's end.
fn tcp_pair(lab: &Lab) -> Result<(Socket, Socket)> {
    let (listener, client) = tcp_ends(lab)?;
    client.connect(&lab.far(port_of(&listener)?))?;
    let (server, _) = listener.accept()?;
    Ok((client, server))
}

fn carry_by_udp(lab: &Lab, message: &[u8]) -> Result<usize> {
    let (client, server) = udp_pair(lab, &lab.near(0))?;
    client.send_to(message, &lab.far(port_of(&server)?))?;
    Ok(receive(&server, message.len())?.len())
}

fn carry_by_tcp(lab: &Lab, message: &[u8]) -> Result<usize> {
    let (client, server) = tcp_pair(lab)?;
    client.send_all(message)?;
    let got = receive(&server, message.len())?;
    client.close()?;
    receive(&server, 1)?; // nothing: the client has closed
    server.close()?;
    // The client's second bare ACK, after the handshake's, ends it all.
    let _ = lab.wire()?.until(nth(2, Ack.from(Client)));
    Ok(got.len())
}

/// The port that a socket is bound to.
fn port_of(socket: &Socket) -> Result<u16> {
    Ok(socket.local_addr()?.as_socket().map_or(0, |at| at.port()))
}

fn text(bytes: &[u8]) -> trace::Data {
    trace::Data::of(bytes)
}

fn hex(number: u16) -> String {
    format!("{number:#06x}")
}

/// An IP address from one header, and a port from another.
fn both(ip: IpAddr, port: u16) -> SockAddr {
    SocketAddr::new(ip, port).into()
}

/// The length of a datagram's UDP header: what IP's header and the message leave.
fn udp_header(datagram: &CapturedFrame) -> Result<usize> {
    let ip = datagram.ip()?;
    Ok(ip.total_bytes - ip.header_bytes - datagram.layers.payload_bytes)
}

/// How many of these frames carry nothing that a program sent.
fn no_data(frames: &[CapturedFrame]) -> usize {
    frames.iter().filter(|frame| frame.layers.payload_bytes == 0).count()
}

/// An address where no host is.
fn nobody() -> SockAddr {
    SocketAddr::from((Ipv4Addr::new(10, 9, 0, 3), 9)).into()
}

fn ip_header(frame: &CapturedFrame) -> Result<usize> {
    Ok(frame.ip()?.header_bytes)
}

/// How many bytes these frames have in all.
fn total(frames: &[CapturedFrame]) -> u64 {
    frames.iter().map(|frame| frame.raw.0.len() as u64).sum()
}

/// The MAC address that a frame goes to.
fn goes_to(frame: &CapturedFrame) -> Result<String> {
    Ok(frame.ethernet()?.dst.to_string())
}

/// The IP address that an ARP question asks about; empty for anything else.
fn asked_about(frame: &CapturedFrame) -> String {
    let question = frame.layers.arp.as_ref().filter(|arp| arp.operation == 1);
    question.map_or_else(String::new, |arp| arp.target_ip.to_string())
}

/// How often the kernel has asked for this address so far.
fn questions(lab: &Lab, ip: &str) -> Result<usize> {
    let wire = lab.wire()?;
    wire.settle(); // the wire has seen all that was sent
    Ok(wire.seen(Arp).iter().filter(|frame| asked_about(frame) == ip).count())
}
