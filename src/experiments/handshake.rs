//! Lesson 6: how TCP opens a connection and closes it, as the wire, the calls and the kernel's own table saw it.
//!
//! What needs no wire plays on the loopback interface, so that it works where no wire can be had.

use std::io;
use std::net::Shutdown;
use std::time::{Duration, Instant};

use socket2::{Domain, SockAddr, Type};

use super::{Chapter, Experiment, SourceFile};
use crate::event::Data;
use crate::lab::wire::{Ack, Data as WithData, Fin, Rst, Server, Sighting, Syn, SynAck, Tcp, every, first};
use crate::lab::{
    Entry, Error, Kind, Lab, Network, Parameter, Proof, Result, Socket, Wire, before, equal, failed_with, is, lasted, succeeded,
};

const FILE: SourceFile = SourceFile { path: file!(), text: include_str!("handshake.rs") };

pub(super) static CHAPTER: Chapter = Chapter {
    experiments: &[
        Experiment {
            name: "three-way-handshake",
            play: three_way_handshake,
            claims: &[
                "three-segments-without-data",
                "each-acknowledges-the-other",
                "connect-takes-a-round-trip",
                "numbers-count-bytes",
                "both-are-established",
            ],
            parameters: &[Parameter {
                name: "rtt",
                default: "20ms",
                kind: Kind::Span(0, 2000),
                help: "how long a segment and its answer take, there and back",
            }],
            network: Network::Wire,
            file: FILE,
        },
        Experiment {
            name: "one-segment-at-a-time",
            play: one_segment_at_a_time,
            claims: &["syn-sent", "syn-received", "connect-returns-before-the-ack-arrives", "established-at-last"],
            parameters: &[],
            network: Network::Wire,
            file: FILE,
        },
        Experiment {
            name: "accept-is-not-the-handshake",
            play: accept_is_not_the_handshake,
            claims: &["connected-before-accept", "sends-before-accept", "bytes-waited-for-accept", "accepted-though-gone"],
            parameters: &[],
            network: Network::Host,
            file: FILE,
        },
        Experiment {
            name: "four-way-close",
            play: four_way_close,
            claims: &["half-closed-in-between", "four-segments", "fin-takes-a-number", "who-closes-first-waits"],
            parameters: &[],
            network: Network::Wire,
            file: FILE,
        },
        Experiment {
            name: "three-segment-close",
            play: three_segment_close,
            claims: &["three-segments", "one-segment-does-both", "same-end-as-with-four"],
            parameters: &[],
            network: Network::Wire,
            file: FILE,
        },
        Experiment {
            name: "half-closed",
            play: half_closed,
            claims: &["recv-returns-zero", "the-other-way-stays-open", "half-closed-states", "shut-is-shut"],
            parameters: &[],
            network: Network::Host,
            file: FILE,
        },
        Experiment {
            name: "reset",
            play: reset,
            claims: &["rst-instead-of-fin", "peer-gets-econnreset", "nobody-waits-after-a-reset"],
            parameters: &[],
            network: Network::Wire,
            file: FILE,
        },
        Experiment {
            name: "read-or-reset",
            play: read_or_reset,
            claims: &["read-all-ends-in-order", "left-unread-resets", "linger-zero-resets", "after-the-reset-epipe"],
            parameters: &[],
            network: Network::Host,
            file: FILE,
        },
        Experiment {
            name: "time-wait",
            play: time_wait,
            claims: &["only-the-first-to-close", "two-truths", "port-is-held", "for-a-minute"],
            parameters: &[],
            network: Network::Host,
            file: FILE,
        },
        Experiment {
            name: "reuse-address",
            play: reuse_address,
            claims: &["new-one-alone-is-too-late", "both-have-set-it", "never-beside-a-listener"],
            parameters: &[],
            network: Network::Host,
            file: FILE,
        },
    ],
    parts: &[],
};

fn three_way_handshake(lab: &Lab) -> Result<()> {
    let (wire, rtt) = (lab.wire()?, lab.span("rtt")?);
    wire.delay(every(Tcp), rtt / 2);
    let (listener, port) = listen_on_the_wire(lab)?;
    let client = lab.actor("client").socket(Domain::IPV4, Type::STREAM, None)?;

    client.connect(&lab.far(port))?;
    let (server, _) = listener.accept()?;
    let syn = wire.until(first(Syn));
    let syn_ack = wire.until(first(SynAck));
    let ack = wire.until(first(Ack));
    check_handshake(lab, &syn, &syn_ack, &ack)?;
    let connect = lab.last_call("client", "connect")?;
    lab.claim("connect-takes-a-round-trip", lasted("connect", connect.took(), rtt));

    client.send(b"hello")?;
    let data = wire.until(first(WithData));
    let answer = wire.until(first(Ack.from(Server)));
    // The SYN has taken one number, and the five bytes take five.
    let from = equal("hello's seq", data.tcp()?.seq, "SYN's seq + 1", after(&syn, 1)?);
    let to = equal("the answer's ack", answer.tcp()?.ack, "SYN's seq + 6", after(&syn, 6)?);
    lab.claim("numbers-count-bytes", from.and(to));

    let states = is("client", client.tcp_state()?, "ESTABLISHED");
    lab.claim("both-are-established", states.and(is("server", server.tcp_state()?, "ESTABLISHED")));
    Ok(())
}

/// Three segments, none with data, and what each acknowledges.
fn check_handshake(lab: &Lab, syn: &Sighting, syn_ack: &Sighting, ack: &Sighting) -> Result<()> {
    let bytes: usize = [syn, syn_ack, ack].map(|segment| segment.layers.payload_bytes).iter().sum();
    let segments = vec![syn.clone(), syn_ack.clone(), ack.clone()];
    let flags = is("segments", words(&segments)?, "client SYN · server SYN,ACK · client ACK");
    lab.claim("three-segments-without-data", flags.and(is("bytes of data", bytes, 0)));
    // A SYN takes up one sequence number, as if it were a byte (RFC 9293, section 3.4).
    let client = equal("SYN-ACK's ack", syn_ack.tcp()?.ack, "SYN's seq + 1", after(syn, 1)?);
    let server = equal("ACK's ack", ack.tcp()?.ack, "SYN-ACK's seq + 1", after(syn_ack, 1)?);
    lab.claim("each-acknowledges-the-other", client.and(server));
    Ok(())
}

fn one_segment_at_a_time(lab: &Lab) -> Result<()> {
    let wire = lab.wire()?;
    wire.hold(first(Syn)); // each stops halfway,
    wire.hold(first(SynAck)); // and goes on
    wire.hold(first(Ack)); // when we let it go
    let (listener, port) = listen_on_the_wire(lab)?;
    lab.scope(|stage| {
        let connecting = stage.actor("client", |client| {
            let socket = client.socket(Domain::IPV4, Type::STREAM, None)?;
            socket.connect(&lab.far(port))?;
            Ok(socket)
        })?;
        let syn = wire.until(first(Syn));
        let client = lab.entry_of_sender("client", &syn)?;
        let server = client.other("server");
        let listens = is("listening socket", listener.tcp_state()?, "LISTEN");
        lab.claim("syn-sent", now("client", &client, "SYN_SENT")?.and(now("server", &server, "none")?).and(listens));

        wire.let_go(); // the SYN arrives
        let _ = wire.until(first(SynAck));
        lab.claim("syn-received", now("client", &client, "SYN_SENT")?.and(now("server", &server, "SYN_RECV")?));

        wire.let_go(); // the SYN-ACK arrives
        let _socket = connecting.finish()?; // and connect() returns
        let _ = wire.until(first(Ack));
        lab.claim(
            "connect-returns-before-the-ack-arrives",
            now("client", &client, "ESTABLISHED")?.and(now("server", &server, "SYN_RECV")?),
        );

        wire.let_go(); // the ACK arrives
        let _accepted = listener.accept()?;
        lab.claim("established-at-last", now("client", &client, "ESTABLISHED")?.and(now("server", &server, "ESTABLISHED")?));
        Ok(())
    })
}

fn accept_is_not_the_handshake(lab: &Lab) -> Result<()> {
    let (listener, at) = listen(lab, false)?; // and no accept() yet
    let client = lab.actor("client").socket(Domain::IPV4, Type::STREAM, None)?;
    client.connect(&at)?;
    let entry = lab.entry(&client)?; // in the kernel's table
    let both = is("client's end", entry.state()?, "ESTABLISHED")
        .and(is("server's end", entry.other("server").until("ESTABLISHED")?, "ESTABLISHED"))
        .and(is("calls of accept()", calls(lab, "server", "accept"), 0));
    lab.claim("connected-before-accept", both);

    let sent = client.send(b"hello");
    lab.claim("sends-before-accept", took("send", &sent, 5).and(is("calls of accept()", calls(lab, "server", "accept"), 0)));
    client.close()?; // it does not even wait to be accepted

    let (server, _) = listener.accept()?;
    let mut buffer = [0; 1024];
    let n = server.recv(&mut buffer)?;
    let (closed, accept) = (lab.last_call("client", "close")?, lab.last_call("server", "accept")?);
    let order = before("close() returned", closed.returned_ns, "accept() was called", accept.entered_ns);
    lab.claim("bytes-waited-for-accept", order.and(gave(&buffer[..n], b"hello")));
    let end = is("next recv", server.recv(&mut buffer)?, 0);
    lab.claim("accepted-though-gone", end.and(is("server's end", server.tcp_state()?, "CLOSE_WAIT")));
    Ok(())
}

fn four_way_close(lab: &Lab) -> Result<()> {
    let wire = lab.wire()?;
    let (client, server) = connect_on_the_wire(lab)?;
    let client_end = lab.entry(&client)?;
    let server_end = client_end.other("server");

    client.close()?; // the client closes first
    server.recv(&mut [0; 16])?; // returns 0: the end
    let _ = wire.until(first(Ack.from(Server)));
    let client_half = is("client's end", client_end.until("FIN_WAIT2")?, "FIN_WAIT2");
    let server_half = is("server's end", server_end.state()?, "CLOSE_WAIT");
    lab.claim("half-closed-in-between", client_half.and(server_half));

    server.close()?; // whenever it likes: here, after the ACK
    let waits = is("client's end", client_end.until("TIME_WAIT")?, "TIME_WAIT");
    let gone = is("server's end", server_end.until("none")?, "none");
    let close = closing(wire)?;
    lab.claim("four-segments", is("segments", words(&close)?, "client FIN,ACK · server ACK · server FIN,ACK · client ACK"));
    // A FIN takes up one sequence number, as a SYN does.
    let one = acknowledges("2nd's ack", &close, 1, 0)?;
    lab.claim("fin-takes-a-number", one.and(acknowledges("4th's ack", &close, 3, 2)?));
    lab.claim("who-closes-first-waits", waits.and(gone));
    Ok(())
}

fn three_segment_close(lab: &Lab) -> Result<()> {
    let (mut close, mut ends) = both_close_at_once(lab)?;
    // A busy machine may keep the server waiting, so that its kernel
    // sends the ACK alone: then there are four, and we try again.
    for _ in 0..9 {
        if close.len() > 3 {
            (close, ends) = both_close_at_once(lab)?;
        }
    }
    lab.claim("three-segments", is("segments", words(&close)?, "client FIN,ACK · server FIN,ACK · client ACK"));
    let one = acknowledges("2nd's ack", &close, 1, 0)?;
    lab.claim("one-segment-does-both", one.and(acknowledges("3rd's ack", &close, 2, 1)?));
    lab.claim("same-end-as-with-four", ends);
    Ok(())
}

/// The client closes, and the server does as soon as it hears of it: the closing segments, and the ends' states after.
fn both_close_at_once(lab: &Lab) -> Result<(Vec<Sighting>, Proof)> {
    let (client, server) = connect_on_the_wire(lab)?;
    let client_end = lab.entry(&client)?;
    let server_end = client_end.other("server");
    client.close()?;
    server.recv(&mut [0; 16])?; // returns 0: the end
    server.close()?;
    let waits = is("client's end", client_end.until("TIME_WAIT")?, "TIME_WAIT");
    let gone = is("server's end", server_end.until("none")?, "none");
    Ok((closing(lab.wire()?)?, waits.and(gone)))
}

fn half_closed(lab: &Lab) -> Result<()> {
    let (client, server) = connect(lab)?;
    let mut buffer = [0; 1024];

    client.send(b"any news?")?;
    client.shutdown(Shutdown::Write)?; // I have said it all
    let n = server.recv(&mut buffer)?;
    let said = gave(&buffer[..n], b"any news?");
    let end = is("next recv", server.recv(&mut buffer)?, 0);
    lab.claim("recv-returns-zero", said.and(end));

    server.send(b"none")?; // but I have not
    let n = client.recv(&mut buffer)?;
    lab.claim("the-other-way-stays-open", gave(&buffer[..n], b"none"));
    let client_half = is("client", client.tcp_state()?, "FIN_WAIT2");
    lab.claim("half-closed-states", client_half.and(is("server", server.tcp_state()?, "CLOSE_WAIT")));

    let more = client.send(b"sure?");
    lab.claim("shut-is-shut", failed_with("client's send", &more, "EPIPE"));
    Ok(())
}

fn reset(lab: &Lab) -> Result<()> {
    let wire = lab.wire()?;
    let (client, server) = connect_on_the_wire(lab)?;
    let client_end = lab.entry(&client)?;
    let server_end = client_end.other("server");

    client.send(b"hello")?;
    server.peek(&mut [0; 16])?; // it is there; peek leaves it there
    server.close()?; // and nobody has read it
    let rst = wire.until(first(Rst));
    let answer = client.recv(&mut [0; 16]);
    let sender = is("RST sent by", rst.frame.sent_by.to_string(), "server");
    lab.claim("rst-instead-of-fin", sender.and(is("FINs", wire.seen(Fin).len(), 0)));
    lab.claim("peer-gets-econnreset", failed_with("client's recv", &answer, "ECONNRESET"));
    let client_gone = is("client's end", client_end.until("none")?, "none");
    lab.claim("nobody-waits-after-a-reset", client_gone.and(is("server's end", server_end.until("none")?, "none")));
    Ok(())
}

fn read_or_reset(lab: &Lab) -> Result<()> {
    let mut buffer = [0; 16];

    lab.part("read, close");
    let (client, server) = connect(lab)?;
    client.send(b"hello")?;
    server.recv(&mut buffer)?;
    server.close()?;
    let ended = client.recv(&mut buffer);
    lab.claim("read-all-ends-in-order", took("client's recv", &ended, 0));

    lab.part("close unread");
    let (reset_client, server) = connect(lab)?;
    reset_client.send(b"hello")?;
    server.peek(&mut buffer)?; // there, and left there
    server.close()?;
    let ended = reset_client.recv(&mut buffer);
    lab.claim("left-unread-resets", failed_with("client's recv", &ended, "ECONNRESET"));

    lab.part("linger 0, close");
    let (client, server) = connect(lab)?;
    client.send(b"hello")?;
    server.recv(&mut buffer)?;
    server.set_linger(Some(Duration::ZERO))?;
    server.close()?;
    let ended = client.recv(&mut buffer);
    lab.claim("linger-zero-resets", failed_with("client's recv", &ended, "ECONNRESET"));

    let more = reset_client.send(b"hello?");
    lab.claim("after-the-reset-epipe", failed_with("send after ECONNRESET", &more, "EPIPE"));
    Ok(())
}

fn time_wait(lab: &Lab) -> Result<()> {
    let (listener, at) = listen(lab, false)?;
    let (client, server) = connect_to(lab, &listener, &at)?;
    let server_end = lab.entry(&server)?;
    let client_end = server_end.other("client");

    let begun = Instant::now();
    server.shutdown(Shutdown::Write)?; // the server is first
    client.recv(&mut [0; 16])?; // returns 0: the end
    client.close()?;
    server.recv(&mut [0; 16])?; // the end here too
    let waits = is("server's end", server_end.until("TIME_WAIT")?, "TIME_WAIT");
    lab.claim("only-the-first-to-close", waits.and(is("client's end", client_end.until("none")?, "none")));

    // The descriptor is still open. Ask it, and ask the table.
    let info = is("TCP_INFO", server.tcp_state()?, "CLOSE");
    lab.claim("two-truths", info.and(is("/proc/net/tcp", server_end.state()?, "TIME_WAIT")));

    server.close()?;
    listener.close()?; // nobody has a socket there any more
    let again = lab.actor("server").socket(Domain::IPV4, Type::STREAM, None)?;
    lab.claim("port-is-held", failed_with("bind", &again.bind(&at), "EADDRINUSE"));
    // The table says how long its timer still runs, in 1/100 s.
    let left = server_end.left()?;
    let whole = begun.elapsed() + left + Duration::from_millis(10);
    lab.claim("for-a-minute", lasted("waited and still to wait", whole, Duration::from_secs(60)));
    Ok(())
}

fn reuse_address(lab: &Lab) -> Result<()> {
    lab.part("new one sets it");
    let (at, _) = leave_in_time_wait(lab, false)?;
    let (_new, bound) = bind_with_reuse(lab, &at)?;
    lab.claim("new-one-alone-is-too-late", failed_with("bind", &bound, "EADDRINUSE"));

    lab.part("old one did too");
    let (at, waiting) = leave_in_time_wait(lab, true)?;
    let (_new, bound) = bind_with_reuse(lab, &at)?;
    let still = is("old end", waiting.state()?, "TIME_WAIT");
    lab.claim("both-have-set-it", succeeded("bind", &bound).and(still));

    lab.part("old one listens");
    let (_old, at) = listen(lab, true)?;
    let (_new, bound) = bind_with_reuse(lab, &at)?;
    lab.claim("never-beside-a-listener", failed_with("bind", &bound, "EADDRINUSE"));
    Ok(())
}

/// A server that has gone, and whose connection is in TIME_WAIT: its address, and that end.
fn leave_in_time_wait(lab: &Lab, reuse: bool) -> Result<(SockAddr, Entry)> {
    let (listener, at) = listen(lab, reuse)?;
    let (client, server) = connect_to(lab, &listener, &at)?;
    let end = lab.entry(&server)?;
    server.close()?; // first
    client.recv(&mut [0; 16])?;
    client.close()?;
    listener.close()?;
    end.until("TIME_WAIT")?;
    Ok((at, end))
}

/// The server once more, with SO_REUSEADDR set before it binds.
fn bind_with_reuse(lab: &Lab, at: &SockAddr) -> Result<(Socket, io::Result<()>)> {
    let again = lab.actor("server").socket(Domain::IPV4, Type::STREAM, None)?;
    again.set_reuse_address(true)?;
    let bound = again.bind(at);
    Ok((again, bound))
}

// ---- what several of them begin with ----

/// A server that listens on the loopback interface, and its address.
fn listen(lab: &Lab, reuse: bool) -> Result<(Socket, SockAddr)> {
    let listener = lab.actor("server").socket(Domain::IPV4, Type::STREAM, None)?;
    if reuse {
        listener.set_reuse_address(true)?;
    }
    listener.bind(&lab.here(0))?;
    listener.listen(5)?;
    let at = listener.local_addr()?;
    Ok((listener, at))
}

/// A client's connection to that server: the client's end and the server's.
fn connect_to(lab: &Lab, listener: &Socket, at: &SockAddr) -> Result<(Socket, Socket)> {
    let client = lab.actor("client").socket(Domain::IPV4, Type::STREAM, None)?;
    client.connect(at)?;
    let (server, _) = listener.accept()?;
    Ok((client, server))
}

/// A connection on the loopback interface.
fn connect(lab: &Lab) -> Result<(Socket, Socket)> {
    let (listener, at) = listen(lab, false)?;
    connect_to(lab, &listener, &at)
}

/// A server that listens at the far end of the wire, and its port.
fn listen_on_the_wire(lab: &Lab) -> Result<(Socket, u16)> {
    let listener = lab.actor("server").socket(Domain::IPV4, Type::STREAM, None)?;
    listener.bind(&lab.near(0))?;
    listener.listen(5)?;
    let port = listener.local_addr()?.as_socket().map_or(0, |at| at.port());
    Ok((listener, port))
}

/// A connection across the wire: the client's end and the server's.
fn connect_on_the_wire(lab: &Lab) -> Result<(Socket, Socket)> {
    let (listener, port) = listen_on_the_wire(lab)?;
    connect_to(lab, &listener, &lab.far(port))
}

// ---- what was seen ----

/// The segments of the newest connection from its first FIN on, each once: what a busy machine made the kernel send again
/// is the same segment.
fn closing(wire: &Wire) -> Result<Vec<Sighting>> {
    let all = wire.seen(Tcp);
    let flow = all.last().and_then(|segment| segment.flow);
    let mut close: Vec<Sighting> = Vec::new();
    for segment in all.into_iter().filter(|segment| segment.flow == flow) {
        let tcp = segment.tcp()?;
        let same = |other: &Sighting| {
            other.sent_by == segment.sent_by
                && other.layers.tcp.as_ref().is_some_and(|other| (other.seq, other.ack, other.flags) == (tcp.seq, tcp.ack, tcp.flags))
        };
        if (tcp.flags.fin() || !close.is_empty()) && !close.iter().any(same) {
            close.push(segment);
        }
    }
    Ok(close)
}

/// Who sent which segments, in words: `client SYN · server SYN,ACK`.
fn words(segments: &[Sighting]) -> Result<String> {
    let all: Result<Vec<_>> = segments.iter().map(|segment| Ok(format!("{} {}", segment.sent_by, segment.tcp()?.flags))).collect();
    Ok(all?.join(" · "))
}

/// The sequence number that is so many after this segment's own.
fn after(segment: &Sighting, numbers: u32) -> Result<u32> {
    Ok(segment.tcp()?.seq.wrapping_add(numbers))
}

/// One closing segment acknowledges another, a FIN: its number and the one that the FIN itself takes.
fn acknowledges(what: &'static str, close: &[Sighting], by: usize, fin: usize) -> Result<Proof> {
    match (close.get(by), close.get(fin)) {
        (Some(by), Some(fin)) => Ok(equal(what, by.tcp()?.ack, "FIN's seq + 1", after(fin, 1)?)),
        _ => Err(Error::Unexpected(format!("the close has {} segments only", close.len()))),
    }
}

/// An end is in this state now, says the kernel's table.
fn now(whose: &'static str, end: &Entry, state: &'static str) -> Result<Proof> {
    Ok(is(whose, end.state()?, state))
}

/// The call gave this number of bytes.
fn took(call: &'static str, answer: &io::Result<usize>, wanted: usize) -> Proof {
    match answer {
        Ok(bytes) => is(call, *bytes, wanted),
        Err(_) => succeeded(call, answer),
    }
}

/// These bytes were received, and no others.
fn gave(got: &[u8], wanted: &[u8]) -> Proof {
    is("recv gave", Data::of(got), Data::of(wanted))
}

/// How many calls of a function an actor has made, as recorded.
fn calls(lab: &Lab, actor: &str, function: &str) -> usize {
    lab.calls(actor).iter().filter(|(_, back)| back.call.function == function).count()
}
