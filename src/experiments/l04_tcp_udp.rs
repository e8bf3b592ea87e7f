//! Lesson 4: TCP's stream and UDP's datagrams, on the loopback interface.
//!
//! What a wire that loses and delays makes of them is not in this file.

use std::io;

use socket2::{Domain, Protocol, Type};

use super::kit::{
    connection, count_calls, receive_exactly, recv_gave, state, tcp_socket, transferred, udp_pair,
};
use super::{Need, child_process, experiment};
use crate::capture::{
    Kind, Lab, MSG_TRUNC, Parameter, Proof, Result, Socket, TIMED_OUT, at_least, eq, failed_with,
    less, succeeded, waited_at_least,
};
use crate::i18n::Text;
use crate::trace::{Feature, Label, SyscallKind, label};

experiment!(stream_has_no_boundaries);
fn stream_has_no_boundaries(lab: &Lab) -> Result<()> {
    let (client, server) = connection(lab)?;
    let mut buffer = [0; 1024];

    for word in ["one", "two", "three"] {
        client.send_all(word.as_bytes())?;
    }
    // Wait until 11 bytes are there, and take none of them yet.
    server.peek_all(&mut [0; 11])?;
    let n = server.recv(&mut buffer)?;
    let mut all = buffer[..n].to_vec();
    let sends = eq("client's sends", count_calls(lab, "client", SyscallKind::Send), 3);
    let recvs = eq("server's recvs", count_calls(lab, "server", SyscallKind::Recv), 1);
    let gave = recv_gave(&all, b"onetwothree");
    lab.claim("three-sends-one-recv", gave.and(recvs).and(sends));

    client.send_all(b"four five six")?;
    while all.len() < 11 + 13 {
        // Room for four bytes.
        match server.recv(&mut buffer[..4])? {
            0 => break, // the client will send no more
            n => all.extend(&buffer[..n]),
        }
    }
    let recvs = count_calls(lab, "server", SyscallKind::Recv) - 1;
    lab.claim("one-send-many-recvs", at_least("recvs of it", recvs, 4));

    let gave = recv_gave(&all, b"onetwothreefour five six");
    lab.claim("every-byte-in-order", gave);
    Ok(())
}

experiment!(datagrams_keep_boundaries);
fn datagrams_keep_boundaries(lab: &Lab) -> Result<()> {
    let (client, server) = udp_pair(lab, &lab.here(0))?;
    let to = server.local_addr()?;
    let mut buffer = [0; 1024];

    let words = [b"one".as_slice(), b"two", b"three"];
    for word in words {
        client.send_to(word, &to)?;
    }
    let mut whole = 0;
    for _ in words {
        let n = server.recv(&mut buffer)?;
        whole += usize::from(words.contains(&&buffer[..n]));
    }
    lab.claim("three-sends-three-recvs", eq("whole words", whole, 3));

    client.send_to(b"four five six", &to)?;
    let n = server.recv(&mut buffer[..4]); // room for four bytes
    lab.claim("short-buffer-cuts", cut_to(&n, &buffer, b"four"));

    client.send_to(b"seven", &to)?;
    let n = server.recv(&mut buffer)?;
    lab.claim("what-was-cut-is-gone", recv_gave(&buffer[..n], b"seven"));

    client.send_to(b"eight nine ten", &to)?;
    let n = server.recv_with_flags(&mut buffer[..5], MSG_TRUNC);
    lab.claim("the-true-length", transferred("recv with MSG_TRUNC", &n, 14));
    Ok(())
}

/// What came of a datagram that was longer than the buffer. Winsock calls that an error, and the bytes are there all the same ("recv
/// function (winsock2.h)", WSAEMSGSIZE).
fn cut_to(answer: &io::Result<usize>, buffer: &[u8], wanted: &[u8]) -> Proof {
    match answer {
        Ok(n) => recv_gave(&buffer[..*n], wanted),
        Err(_) if cfg!(windows) => {
            failed_with("recv", answer, "EMSGSIZE").and(recv_gave(&buffer[..wanted.len()], wanted))
        }
        Err(_) => succeeded("recv", answer),
    }
}

experiment!(connect_first, needs = &[Need::Has(Feature::Protocol)]);
fn connect_first(lab: &Lab) -> Result<()> {
    // Only the type; protocol None (0 in C) means: the type's usual one.
    let tcp = lab.actor("tcp").socket(Domain::IPV4, Type::STREAM, None)?;
    let udp = lab.actor("udp").socket(Domain::IPV4, Type::DGRAM, None)?;
    let protocols = || {
        let stream = eq("SOCK_STREAM", tcp.protocol()?, Some(Protocol::TCP));
        Ok(stream.and(eq("SOCK_DGRAM", udp.protocol()?, Some(Protocol::UDP))))
    };
    lab.claim_if_had("type-picks-protocol", protocols())?;

    let (listener, receiver) = tcp_and_udp_server(lab)?;
    let mut buffer = [0; 1024];

    let early = tcp.send(b"hello");
    let refused = failed_with("send", &early, "EPIPE");
    lab.claim("tcp-connects-first", refused);
    tcp.connect(&listener.local_addr()?)?;
    let sent = transferred("send", &tcp.send(b"hello"), 5); // the same call
    let (server, _) = listener.accept()?;
    let n = receive_exactly(&server, &mut buffer[..5])?;
    let gave = recv_gave(&buffer[..n], b"hello");
    lab.claim("connected-tcp-sends", gave.and(sent));

    let early = udp.send(b"hello");
    let where_to = failed_with("send", &early, "EDESTADDRREQ");
    lab.claim("udp-needs-an-address", where_to);
    udp.send_to(b"hello", &receiver.local_addr()?)?;
    let n = receiver.recv(&mut buffer)?;
    let gave = recv_gave(&buffer[..n], b"hello");
    let no_peer = failed_with("peer_addr", &udp.peer_addr(), "ENOTCONN");
    lab.claim("udp-needs-no-connection", gave.and(no_peer));
    Ok(())
}

experiment!(
    nobody_home,
    parameters = &[Parameter {
        name: "silence",
        default: "200ms",
        kind: Kind::Span(1, 60_000),
        help: Text("how long the UDP client waits for an answer"),
    }]
);
fn nobody_home(lab: &Lab) -> Result<()> {
    let mut buffer = [0; 1024];

    let (_kept, nobody) = lab.nobody(Type::STREAM)?; // no listener there
    let tcp = lab.actor("tcp").socket(Domain::IPV4, Type::STREAM, None)?;
    let answer = tcp.connect(&nobody);
    let refused = failed_with("connect", &answer, "ECONNREFUSED");
    lab.claim("tcp-is-refused", refused);

    let (_kept, nobody) = lab.nobody(Type::DGRAM)?;
    let udp = lab.actor("udp").socket(Domain::IPV4, Type::DGRAM, None)?;
    let sent = udp.send_to(b"hello", &nobody);
    lab.claim("udp-send-succeeds", transferred("send_to", &sent, 5));
    let silence = lab.span("silence")?;
    udp.set_read_timeout(Some(silence))?; // recv gives up after this
    let gave_up = failed_with("recv", &udp.recv(&mut buffer), TIMED_OUT);
    let waited = lab.last_call("udp", SyscallKind::Recv)?.took();
    let waited = waited_at_least("recv", waited, silence);
    lab.claim("udp-hears-nothing", gave_up.and(waited));

    let connected = lab.actor("connected-udp");
    let udp = connected.socket(Domain::IPV4, Type::DGRAM, None)?;
    let connect = succeeded("connect", &udp.connect(&nobody));
    lab.claim("udp-connect-asks-nobody", connect);
    let sent = transferred("send", &udp.send(b"hello"), 5);
    lab.need(Feature::Refusals)?;
    let answer = udp.recv(&mut buffer);
    let told = failed_with("recv", &answer, "ECONNREFUSED");
    lab.claim("connected-udp-hears-later", told.and(sent));

    udp.send_all(b"again")?;
    udp.until_error()?; // the ICMP message is there
    let next = failed_with("next send", &udp.send(b"again"), "ECONNREFUSED");
    let after = transferred("send after it", &udp.send(b"again"), 5);
    lab.claim("the-next-call-is-told", next.and(after));
    Ok(())
}

/// A server with two sockets: one that listens for TCP, one that is bound for UDP.
fn tcp_and_udp_server(lab: &Lab) -> Result<(Socket, Socket)> {
    let server = lab.actor("server");
    let listener = server.socket(Domain::IPV4, Type::STREAM, None)?;
    listener.bind(&lab.here(0))?;
    listener.listen(5)?;
    let receiver = server.socket(Domain::IPV4, Type::DGRAM, None)?;
    receiver.bind(&lab.here(0))?;
    Ok((listener, receiver))
}

experiment!(taken_is_not_received, needs = &[Need::Proc]);
/// The same nine bytes twice: once nobody reads them, once the server answers.
fn taken_is_not_received(lab: &Lab) -> Result<()> {
    lab.part("never read");
    let (client, server) = connection(lab)?;
    let end = lab.entry(&client)?;
    let sent = transferred("send", &client.send(b"important"), 9);
    server.peek_all(&mut [0; 9])?; // the server's kernel has all nine,
    server.close()?; // and its program never reads them
    let gone = eq("client's end", state(end.until("none")?), state("none"));
    let closed = succeeded("close", &client.close());
    let read = eq("server's recvs", count_calls(lab, "server", SyscallKind::Recv), 0);
    lab.claim("no-call-tells-the-sender", sent.and(read).and(gone).and(closed));

    lab.part("answered");
    let (client, server) = connection(lab)?;
    let mut buffer = [0; 9];
    client.send_all(b"important")?;
    receive_exactly(&server, &mut buffer)?;
    server.send_all(b"got it")?;
    let n = receive_exactly(&client, &mut buffer[..6])?;
    lab.claim("an-answer-tells", recv_gave(&buffer[..n], b"got it"));
    Ok(())
}

experiment!(full_buffer);
/// A burst of datagrams on the loopback interface; the receiver reads only afterwards.
fn full_buffer(lab: &Lab) -> Result<()> {
    let (client, server) = udp_pair(lab, &lab.here(0))?;
    server.set_recv_buffer_size(8 * 1024)?; // room for a few of them
    let to = server.local_addr()?;
    let mut taken = 0;
    for _ in 0..100 {
        taken += usize::from(client.send_to(&[b'x'; 1000], &to)? == 1000);
    }
    server.set_read_timeout(Some(std::time::Duration::from_millis(50)))?;
    let mut received = 0;
    while server.recv(&mut [0; 1024]).is_ok() {
        received += 1;
    }
    lab.claim("every-send-succeeded", eq("sends of 1000 bytes", taken, 100));
    lab.claim("a-full-buffer-drops", less("received", received, "sent", taken));
    lab.tally("datagrams sent", taken as u64, "the client");
    lab.tally("datagrams received", received as u64, "the server");
    Ok(())
}

experiment!(sigpipe);
/// The send that fails with EPIPE, in a process that leaves SIGPIPE alone.
fn sigpipe(lab: &Lab) -> Result<()> {
    lab.part("as it comes");
    let sender = lab.process("sender", "sigpipe-sender", &[])?;
    sender.until_ended();
    let how = Label::from(sender.collect()?);
    let ended = eq("it ended by", how, label!("signal: 13 (SIGPIPE)"));
    let returned = count_calls(lab, "sender", SyscallKind::Send);
    lab.claim("the-signal-ends-it", ended.and(eq("returns of send", returned, 0)));

    lab.part("ignored");
    let socket = tcp_socket(lab, "client")?; // Rust ignores SIGPIPE
    let error = failed_with("send", &socket.send(b"hello"), "EPIPE");
    lab.claim("ignored-the-error-is-left", error);
    Ok(())
}

child_process!(sigpipe_sender);
/// The sender of [`sigpipe`], in a process of its own.
fn sigpipe_sender(lab: &Lab) -> Result<()> {
    lab.default_sigpipe()?; // as a C program has it
    let socket = lab.played().socket(Domain::IPV4, Type::STREAM, None)?;
    socket.send_all(b"hello")?; // not connected: EPIPE, and SIGPIPE first
    Ok(())
}
