//! Lesson 6: how TCP opens a connection and closes it, as the wire, the calls and the kernel's own table saw it.
//!
//! What needs no wire plays on the loopback interface, so that it works where no wire can be had. Servers here bind port 0, a
//! port that nobody has; a server with a port of its own sets SO_REUSEADDR first, as [`reuse_address`] shows.
//!
//! How a connection ends otherwise than by two FINs in turn is in `l06_endings.rs`.

use std::io;
use std::net::Shutdown;
use std::time::Duration;

use socket2::{Domain, SockAddr, Type};

use super::kit::{
    connection, count_calls, each_once, listening_on_the_wire, receive_exactly, receive_to_the_end,
    recv_gave, state, tcp_socket, transferred,
};
use super::{Need, experiment};
use crate::capture::link::{
    Ack, CapturedFrame, Data as WithData, Server, Syn, SynAck, Tcp, every, first,
};
use crate::capture::{
    Kind, Lab, Network, Parameter, Proof, Result, Socket, TIMED_OUT, TcpTableEntry, Wire, before,
    eq, eq_between, failed_with, in_ticks, less, succeeded, waited_at_least,
};
use crate::i18n::Text;
use crate::trace::{Args, Failure, Feature, Label, SyscallKind, Value};

experiment!(
    three_way_handshake,
    network = Network::Wire,
    parameters = &[Parameter {
        name: "rtt",
        default: "20ms",
        kind: Kind::Span(0, 2000),
        help: Text("how long a segment and its answer take, there and back"),
    }]
);
fn three_way_handshake(lab: &Lab) -> Result<()> {
    let (wire, rtt) = (lab.wire()?, lab.span("rtt")?);
    wire.delay(every(Tcp), rtt / 2);
    let (listener, address) = listening_on_the_wire(lab)?;
    let client = tcp_socket(lab, "client")?;

    client.connect(&address)?;
    let (server, _) = listener.accept()?;
    let syn = wire.until(first(Syn));
    let syn_ack = wire.until(first(SynAck));
    let ack = wire.until(first(Ack));
    check_handshake(lab, &syn, &syn_ack, &ack)?;
    let took = lab.last_call("client", SyscallKind::Connect)?.took();
    let long = waited_at_least("connect", took, rtt);
    lab.claim("connect-takes-a-round-trip", long);

    client.send_all(b"hello")?;
    receive_exactly(&server, &mut [0; 5])?;
    let data = wire.until(first(WithData));
    let answer = wire.until(first(Ack.from(Server)));
    check_numbers(lab, &syn, &data, &answer)?;

    let states = eq("client", client.tcp_state()?, "ESTABLISHED");
    let server = eq("server", server.tcp_state()?, "ESTABLISHED");
    lab.claim("both-are-established", states.and(server));
    Ok(())
}

/// Three segments, none with data, and what each acknowledges.
fn check_handshake(
    lab: &Lab,
    syn: &CapturedFrame,
    syn_ack: &CapturedFrame,
    ack: &CapturedFrame,
) -> Result<()> {
    let bytes: usize = [syn, syn_ack, ack].map(|segment| segment.layers.payload_bytes).iter().sum();
    let segments = vec![syn.clone(), syn_ack.clone(), ack.clone()];
    let flags = segments_are(&segments, "client SYN · server SYN,ACK · client ACK")?;
    lab.claim("three-segments-without-data", flags.and(eq("bytes of data", bytes, 0)));
    // A SYN takes up one sequence number, as if it were a byte (RFC 9293, section 3.4).
    let client = eq_between("SYN-ACK's ack", syn_ack.tcp()?.ack, "SYN's seq + 1", after(syn, 1)?);
    let server = eq_between("ACK's ack", ack.tcp()?.ack, "SYN-ACK's seq + 1", after(syn_ack, 1)?);
    lab.claim("each-acknowledges-the-other", client.and(server));
    Ok(())
}

/// The SYN has taken one number, and the five bytes take five.
fn check_numbers(
    lab: &Lab,
    syn: &CapturedFrame,
    data: &CapturedFrame,
    answer: &CapturedFrame,
) -> Result<()> {
    let from = eq_between("hello's seq", data.tcp()?.seq, "SYN's seq + 1", after(syn, 1)?);
    let to = eq_between("the answer's ack", answer.tcp()?.ack, "SYN's seq + 6", after(syn, 6)?);
    lab.claim("numbers-count-bytes", from.and(to));
    Ok(())
}

experiment!(one_segment_at_a_time, needs = &[Need::Proc], network = Network::Wire);
fn one_segment_at_a_time(lab: &Lab) -> Result<()> {
    let wire = lab.wire()?;
    wire.hold(first(Syn)); // each stops halfway,
    wire.hold(first(SynAck)); // and goes on
    wire.hold(first(Ack)); // when we let it go
    let (listener, address) = listening_on_the_wire(lab)?;
    lab.scope(|stage| {
        let connecting = stage.actor("client", |_| {
            let client = tcp_socket(lab, "client")?;
            client.connect(&address)?;
            Ok(client)
        })?;
        let syn = wire.until(first(Syn));
        let ends = Ends::of_sender(lab, &syn)?;
        let waits = eq("listening", listener.tcp_state()?, "LISTEN");
        lab.claim_while_held(wire, "syn-sent", ends.are("SYN_SENT", "none")?.and(waits));

        wire.let_go(); // the SYN arrives
        let _ = wire.until(first(SynAck));
        lab.claim_while_held(wire, "syn-received", ends.are("SYN_SENT", "SYN_RECV")?);

        wire.let_go(); // the SYN-ACK arrives
        let _client = connecting.finish()?; // connect() has returned
        let _ = wire.until(first(Ack));
        let states = ends.are("ESTABLISHED", "SYN_RECV")?;
        lab.claim_while_held(wire, "connect-returns-before-the-ack-arrives", states);

        wire.let_go(); // the ACK arrives
        let _server = listener.accept()?;
        let states = ends.are("ESTABLISHED", "ESTABLISHED")?;
        lab.claim("established-at-last", states);
        Ok(())
    })
}

experiment!(accept_is_not_the_handshake, needs = &[Need::Proc]);
fn accept_is_not_the_handshake(lab: &Lab) -> Result<()> {
    let (listener, at) = listen(lab, false)?; // and no accept() yet
    let client = tcp_socket(lab, "client")?;
    client.connect(&at)?;
    let ends = Ends::of_client(lab, &client)?;
    let both = ends.are("ESTABLISHED", "ESTABLISHED")?;
    let not_yet = eq("accepts", count_calls(lab, "server", SyscallKind::Accept), 0);
    lab.claim("connected-before-accept", both.and(not_yet));

    let sent = transferred("send", &client.send(b"hello"), 5);
    let not_yet = eq("accepts", count_calls(lab, "server", SyscallKind::Accept), 0);
    lab.claim("sends-before-accept", sent.and(not_yet));
    client.close()?; // it does not wait to be accepted
    let closed = eq("server's end", ends.server.until("CLOSE_WAIT")?, "CLOSE_WAIT");
    let not_yet = eq("accepts", count_calls(lab, "server", SyscallKind::Accept), 0);
    lab.claim("close-wait-before-accept", closed.and(not_yet));

    let (server, _) = listener.accept()?;
    let mut buffer = [0; 5];
    let n = receive_exactly(&server, &mut buffer)?;
    let hello = recv_gave(&buffer[..n], b"hello");
    let order = closed_before_accept(lab)?;
    lab.claim("bytes-waited-for-accept", order.and(hello));
    let end = eq("next recv", server.recv(&mut buffer)?, 0);
    let state = eq("server", server.tcp_state()?, "CLOSE_WAIT");
    lab.claim("accepted-though-gone", end.and(state));
    Ok(())
}

experiment!(four_way_close, needs = &[Need::Proc], network = Network::Wire);
fn four_way_close(lab: &Lab) -> Result<()> {
    let wire = lab.wire()?;
    let (client, server) = connect_on_the_wire(lab)?;
    let ends = Ends::of_client(lab, &client)?;

    client.close()?; // the client closes first
    server.recv(&mut [0; 16])?; // returns 0: the end
    let _ = wire.until(first(Ack.from(Server)));
    let states = ends.are("FIN_WAIT2", "CLOSE_WAIT")?;
    lab.claim("half-closed-in-between", states);

    server.close()?; // whenever it likes: here, after the ACK
    let states = ends.are("TIME_WAIT", "none")?;
    let close = closing(wire)?;
    let four = "client FIN,ACK · server ACK \
        · server FIN,ACK · client ACK";
    lab.claim("four-segments", segments_are(&close, four)?);
    // A FIN takes up one sequence number, as a SYN does.
    let one = acknowledges("2nd's ack", &close, 1, 0)?;
    let two = acknowledges("4th's ack", &close, 3, 2)?;
    lab.claim("fin-takes-a-number", one.and(two));
    lab.claim("who-closes-first-waits", states);
    Ok(())
}

experiment!(three_segment_close, needs = &[Need::Proc], network = Network::Wire);
fn three_segment_close(lab: &Lab) -> Result<()> {
    let (mut close, mut states) = close_both_at_once(lab)?;
    // A busy machine may keep the server waiting, so that its
    // kernel sends the ACK alone: then there are four. Try again.
    for _ in 0..9 {
        if close.len() > 3 {
            (close, states) = close_both_at_once(lab)?;
        }
    }
    let three = "client FIN,ACK · server FIN,ACK · client ACK";
    lab.claim("three-segments", segments_are(&close, three)?);
    let one = acknowledges("2nd's ack", &close, 1, 0)?;
    let two = acknowledges("3rd's ack", &close, 2, 1)?;
    lab.claim("one-segment-does-both", one.and(two));
    lab.claim("same-end-as-with-four", states);
    Ok(())
}

/// The client closes, and the server does as soon as it hears of it: the closing segments, and the ends' states after.
fn close_both_at_once(lab: &Lab) -> Result<(Vec<CapturedFrame>, Proof)> {
    let (client, server) = connect_on_the_wire(lab)?;
    let ends = Ends::of_client(lab, &client)?;
    client.close()?;
    server.recv(&mut [0; 16])?; // returns 0: the end
    server.close()?;
    let states = ends.are("TIME_WAIT", "none")?;
    Ok((closing(lab.wire()?)?, states))
}

experiment!(half_closed, needs = &[Need::Has(Feature::TcpInfo)]);
fn half_closed(lab: &Lab) -> Result<()> {
    let (client, server) = connection(lab)?;
    let mut buffer = [0; 4];

    client.send_all(b"any news?")?;
    client.shutdown(Shutdown::Write)?; // there is no more to send
    let question = receive_to_the_end(&server)?; // until recv() returns 0
    let asked = recv_gave(&question, b"any news?");
    let last = lab.last_call("server", SyscallKind::Recv)?.back.outcome;
    lab.claim("recv-returns-zero", eq("last recv", last.to_string(), "0").and(asked));

    server.send_all(b"none")?; // the other direction
    let n = receive_exactly(&client, &mut buffer)?;
    let answer = recv_gave(&buffer[..n], b"none");
    lab.claim("the-other-way-stays-open", answer);
    let one = eq("client", client.tcp_state()?, "FIN_WAIT2");
    let other = eq("server", server.tcp_state()?, "CLOSE_WAIT");
    lab.claim("half-closed-states", one.and(other));

    let more = client.send(b"sure?");
    lab.claim("shut-is-shut", failed_with("send", &more, "EPIPE"));
    Ok(())
}

experiment!(time_wait, needs = &[Need::Proc]);
fn time_wait(lab: &Lab) -> Result<()> {
    let (listener, at) = listen(lab, false)?;
    let (client, server) = connect_to(lab, &listener, &at)?;
    let ends = Ends::of_client(lab, &client)?;
    server.shutdown(Shutdown::Write)?; // the server is first
    client.recv(&mut [0; 16])?; // returns 0: the end
    client.close()?;
    server.recv(&mut [0; 16])?; // the end here too
    let states = ends.are("none", "TIME_WAIT")?;
    lab.claim("only-the-first-to-close", states);

    // The descriptor is still open. Ask it, and ask the table.
    let info = eq("TCP_INFO", server.tcp_state()?, "CLOSE");
    let table = ends.server.state()?;
    let table = eq("/proc/net/tcp", table, "TIME_WAIT");
    lab.claim("two-truths", info.and(table));

    server.close()?;
    listener.close()?; // nobody has a socket there any more
    let answer = tcp_socket(lab, "server")?.bind(&at);
    let error = failed_with("bind", &answer, "EADDRINUSE");
    lab.claim("port-is-held", error);
    // The table tells how long its timer still runs, in whole 1/100 s.
    let left = ends.server.left()?.ok_or(Feature::Timers.lack())?;
    let at_most = less("left, in ms", milliseconds(left), "a minute and a tick", 60_011);
    let left = left + Duration::from_millis(10);
    let begun = lab.last_call("server", SyscallKind::Shutdown)?;
    let now = lab.recorder().now_ns();
    let so_far = Duration::from_nanos(now - begun.entered_ns);
    let all = in_ticks(&begun.back, so_far + left);
    let minute = Duration::from_secs(60);
    let at_least = waited_at_least("so far, and left", all, minute);
    lab.claim("for-a-minute", at_least.and(at_most));
    Ok(())
}

experiment!(reuse_address, needs = &[Need::Proc]);
fn reuse_address(lab: &Lab) -> Result<()> {
    lab.part("new one sets it");
    let (at, old) = leave_in_time_wait(lab, false)?;
    let answer = bind_with_reuse(lab, &at)?;
    let error = failed_with("bind", &answer, "EADDRINUSE");
    lab.claim("new-one-alone-is-too-late", error.and(waits(&old)?));

    lab.part("old one did too");
    let (at, old) = leave_in_time_wait(lab, true)?;
    let bound = succeeded("bind", &bind_with_reuse(lab, &at)?);
    lab.claim("both-have-set-it", bound.and(waits(&old)?));

    lab.part("old one listens");
    let (_old, at) = listen(lab, true)?;
    let answer = bind_with_reuse(lab, &at)?;
    let error = failed_with("bind", &answer, "EADDRINUSE");
    lab.claim("never-beside-a-listener", error);
    Ok(())
}

/// A server that has gone, and whose connection is in TIME_WAIT: its address, and that end.
pub(super) fn leave_in_time_wait(lab: &Lab, reuse: bool) -> Result<(SockAddr, TcpTableEntry)> {
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

/// What bind() answers to the server once more, with SO_REUSEADDR set before.
fn bind_with_reuse(lab: &Lab, at: &SockAddr) -> Result<io::Result<()>> {
    let again = tcp_socket(lab, "server")?;
    again.set_reuse_address(true)?;
    Ok(again.bind(at))
}

experiment!(reuse_address_shares);
/// Two cases in which SO_REUSEADDR lets a second socket have the port of a first.
fn reuse_address_shares(lab: &Lab) -> Result<()> {
    let (client, mut buffer) = (lab.actor("client"), [0; 16]);
    let socket = |actor: &str, kind| -> Result<Socket> {
        let socket = lab.actor(actor).socket(Domain::IPV4, kind, None)?;
        socket.set_reuse_address(true)?;
        Ok(socket)
    };
    lab.part("UDP");
    let old = socket("old", Type::DGRAM)?;
    old.bind(&lab.here(0))?;
    let at = old.local_addr()?;
    let new = socket("new", Type::DGRAM)?;
    let bound = succeeded("new.bind", &new.bind(&at));
    lab.claim("udp-shares-the-port", bound);
    let sender = client.socket(Domain::IPV4, Type::DGRAM, None)?;
    sender.send_to(b"for the old one", &at)?;
    let n = new.recv(&mut buffer)?;
    let gave = recv_gave(&buffer[..n], b"for the old one");
    old.set_read_timeout(Some(Duration::from_millis(10)))?;
    let nothing = failed_with("old.recv", &old.recv(&mut buffer), TIMED_OUT);
    lab.claim("the-new-one-gets-it", gave.and(nothing));

    lab.part("TCP, before listen()");
    let old = socket("old", Type::STREAM)?;
    old.bind(&lab.here(0))?;
    let at = old.local_addr()?;
    let new = socket("new", Type::STREAM)?;
    let bound = succeeded("new.bind", &new.bind(&at));
    let listens = succeeded("new.listen", &new.listen(5));
    lab.claim("bound-alone-keeps-no-port", bound.and(listens));
    let too_late = failed_with("old.listen", &old.listen(5), "EADDRINUSE");
    lab.claim("the-old-one-cannot-listen", too_late);
    Ok(())
}

experiment!(one_port_two_servers, needs = &[Need::Proc]);
/// A client closes first. What does TIME_WAIT keep it from?
fn one_port_two_servers(lab: &Lab) -> Result<()> {
    let (one, at_one) = listen(lab, false)?;
    let (_other, at_other) = listen(lab, false)?;
    let client = tcp_socket(lab, "client")?;
    client.set_reuse_address(true)?;
    client.bind(&lab.here(0))?; // a port that we can name
    let port = client.local_addr()?;
    client.connect(&at_one)?;
    let (server, _) = one.accept()?;
    let end = lab.entry(&client)?;
    client.close()?; // first
    server.recv(&mut [0; 16])?; // returns 0: the end
    server.close()?;
    end.until("TIME_WAIT")?;

    let again = tcp_socket(lab, "client")?;
    again.set_reuse_address(true)?;
    again.bind(&port)?; // the same port
    let connected = succeeded("connect", &again.connect(&at_other));
    lab.claim("the-port-serves-another-server", connected.and(waits(&end)?));
    Ok(())
}

/// The old end is still there.
fn waits(old: &TcpTableEntry) -> Result<Proof> {
    Ok(eq("old end", old.state()?, "TIME_WAIT"))
}

// ---- what several of them begin with ----

/// A server that listens on the loopback interface, and its address.
fn listen(lab: &Lab, reuse: bool) -> Result<(Socket, SockAddr)> {
    let listener = tcp_socket(lab, "server")?;
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
    let client = tcp_socket(lab, "client")?;
    client.connect(at)?;
    let (server, _) = listener.accept()?;
    Ok((client, server))
}

/// A connection across the wire: the client's end and the server's.
pub(super) fn connect_on_the_wire(lab: &Lab) -> Result<(Socket, Socket)> {
    let (listener, address) = listening_on_the_wire(lab)?;
    connect_to(lab, &listener, &address)
}

// ---- what was seen ----

/// Both ends of a connection, in the kernel's table of sockets.
pub(super) struct Ends {
    client: TcpTableEntry,
    server: TcpTableEntry,
}

impl Ends {
    /// Of a connection whose client has a socket.
    pub(super) fn of_client(lab: &Lab, client: &Socket) -> Result<Ends> {
        let client = lab.entry(client)?;
        Ok(Ends { server: client.other("server"), client })
    }

    /// Of a connection of which a segment from the client was seen.
    fn of_sender(lab: &Lab, segment: &CapturedFrame) -> Result<Ends> {
        let client = lab.entry_of_sender("client", segment)?;
        Ok(Ends { server: client.other("server"), client })
    }

    /// They are in these states, or come to be: what is on its way in this kernel is waited for. `none` is no such end.
    pub(super) fn are(&self, client: &'static str, server: &'static str) -> Result<Proof> {
        let one = eq("client's end", state(self.client.until(client)?), state(client));
        Ok(one.and(eq("server's end", state(self.server.until(server)?), state(server))))
    }

    /// They are gone now: nothing is waited for.
    pub(super) fn are_gone(&self) -> Result<Proof> {
        let one = eq("client's end", state(self.client.state()?), state("none"));
        Ok(one.and(eq("server's end", state(self.server.state()?), state("none"))))
    }
}

/// The client's close() had returned when the server called accept().
fn closed_before_accept(lab: &Lab) -> Result<Proof> {
    let (close, accept) = (
        lab.last_call("client", SyscallKind::Close)?,
        lab.last_call("server", SyscallKind::Accept)?,
    );
    Ok(before("close() returned", close.returned_ns, "accept() was called", accept.entered_ns))
}

/// The segments of the newest connection from its first FIN on, each once.
fn closing(wire: &Wire) -> Result<Vec<CapturedFrame>> {
    let mut all = wire.seen(Tcp);
    let flow = all.last().and_then(|segment| segment.flow);
    all.retain(|segment| segment.flow == flow);
    let first = all
        .iter()
        .position(|segment| segment.layers.tcp.as_ref().is_some_and(|tcp| tcp.flags.fin()));
    each_once(all.split_off(first.unwrap_or(all.len())))
}

/// The sequence number that is so many after this segment's own.
pub(super) fn after(segment: &CapturedFrame, numbers: u32) -> Result<u32> {
    Ok(segment.tcp()?.seq.wrapping_add(numbers))
}

/// One closing segment acknowledges another, a FIN: its number and the one that the FIN itself takes.
fn acknowledges(
    what: &'static str,
    close: &[CapturedFrame],
    by: usize,
    fin: usize,
) -> Result<Proof> {
    match (close.get(by), close.get(fin)) {
        (Some(by), Some(fin)) => {
            Ok(eq_between(what, by.tcp()?.ack, "FIN's seq + 1", after(fin, 1)?))
        }
        _ => Err(Failure::TooFew { what: "segments".into(), count: close.len() as u64 }.into()),
    }
}

/// Who sent which segments: `client SYN · server SYN,ACK`.
pub(super) fn segments_are(segments: &[CapturedFrame], wanted: &str) -> Result<Proof> {
    let all: Result<Vec<_>> = segments
        .iter()
        .map(|segment| Ok(format!("{} {}", segment.sent_by, segment.tcp()?.flags)))
        .collect();
    Ok(eq("segments", in_turn(&all?.join(" · ")), in_turn(wanted)))
}

/// The ends are words, the flags are not.
fn in_turn(segments: &str) -> Label {
    let (mut text, mut args) = (segments.to_owned(), Vec::new());
    for end in ["client", "server"].into_iter().filter(|end| segments.contains(end)) {
        text = text.replace(end, &format!("{{{end}}}"));
        args.push((end.into(), Value::from(Label::from(end))));
    }
    Label { text: text.into(), args: Args(args) }
}

fn milliseconds(span: Duration) -> usize {
    usize::try_from(span.as_millis()).unwrap_or(usize::MAX)
}
