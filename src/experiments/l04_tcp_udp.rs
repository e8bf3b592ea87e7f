//! Lesson 4: TCP's stream and UDP's datagrams, on the loopback interface.
//!
//! What a wire that loses and delays makes of them is not in this file.

use socket2::{Domain, Protocol, Type};

use super::experiment;
use super::kit::{connection, count_calls, recv_gave, transferred, udp_pair};
use crate::capture::{
    Kind, Lab, MSG_TRUNC, Parameter, Result, Socket, at_least, eq, failed_with, succeeded,
    waited_at_least,
};
use crate::i18n::Text;
use crate::trace::SyscallKind;

experiment!(stream_has_no_boundaries);
fn stream_has_no_boundaries(lab: &Lab) -> Result<()> {
    let (client, server) = connection(lab)?;
    let mut buffer = [0; 1024];

    for word in ["one", "two", "three"] {
        client.send(word.as_bytes())?;
    }
    // peek looks and takes nothing: wait until all 11 bytes are there.
    while server.peek(&mut buffer)? < 11 {}
    let n = server.recv(&mut buffer)?;
    let mut all = buffer[..n].to_vec();
    let sends = eq("client's sends", count_calls(lab, "client", SyscallKind::Send), 3);
    let recvs = eq("server's recvs", count_calls(lab, "server", SyscallKind::Recv), 1);
    let gave = recv_gave(&all, b"onetwothree");
    lab.claim("three-sends-one-recv", sends.and(recvs).and(gave));

    client.send(b"four five six")?;
    while all.len() < 11 + 13 {
        let n = server.recv(&mut buffer[..4])?; // room for four bytes
        all.extend(&buffer[..n]);
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
    let n = server.recv(&mut buffer[..4])?; // room for four bytes
    lab.claim("short-buffer-cuts", recv_gave(&buffer[..n], b"four"));

    client.send_to(b"seven", &to)?;
    let n = server.recv(&mut buffer)?;
    lab.claim("what-was-cut-is-gone", recv_gave(&buffer[..n], b"seven"));

    client.send_to(b"eight nine ten", &to)?;
    let n = server.recv_with_flags(&mut buffer[..5], MSG_TRUNC)?;
    lab.claim("the-true-length", eq("recv with MSG_TRUNC", n, 14));
    Ok(())
}

experiment!(connect_first);
fn connect_first(lab: &Lab) -> Result<()> {
    // Only the type; protocol None (0 in C) means: the type's usual one.
    let tcp = lab.actor("tcp").socket(Domain::IPV4, Type::STREAM, None)?;
    let udp = lab.actor("udp").socket(Domain::IPV4, Type::DGRAM, None)?;
    let stream = eq("SOCK_STREAM", tcp.protocol()?, Some(Protocol::TCP));
    let dgram = eq("SOCK_DGRAM", udp.protocol()?, Some(Protocol::UDP));
    lab.claim("type-picks-protocol", stream.and(dgram));

    let (listener, receiver) = tcp_and_udp_server(lab)?;
    let mut buffer = [0; 1024];

    let early = tcp.send(b"hello");
    let refused = failed_with("send", &early, "EPIPE");
    lab.claim("tcp-connects-first", refused);
    tcp.connect(&listener.local_addr()?)?;
    tcp.send(b"hello")?; // the same call once more
    let n = listener.accept()?.0.recv(&mut buffer)?;
    lab.claim("connected-tcp-sends", recv_gave(&buffer[..n], b"hello"));

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
        help: Text("how long the UDP client listens for an answer"),
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
    let gave_up = failed_with("recv", &udp.recv(&mut buffer), "EAGAIN");
    let waited = lab.last_call("udp", SyscallKind::Recv)?.took();
    let waited = waited_at_least("recv", waited, silence);
    lab.claim("udp-hears-nothing", gave_up.and(waited));

    let connected = lab.actor("connected-udp");
    let udp = connected.socket(Domain::IPV4, Type::DGRAM, None)?;
    let connect = succeeded("connect", &udp.connect(&nobody));
    lab.claim("udp-connect-asks-nobody", connect);
    let sent = transferred("send", &udp.send(b"hello"), 5);
    let answer = udp.recv(&mut buffer);
    let told = failed_with("recv", &answer, "ECONNREFUSED");
    lab.claim("connected-udp-hears-later", sent.and(told));
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
