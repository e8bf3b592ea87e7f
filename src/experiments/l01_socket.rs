//! Lesson 1: what a socket is: one end of a conversation between two processes, named by address, port and protocol.

use std::io;

use socket2::{Domain, Protocol, SockAddr, Type};

use super::{child_process, experiment};
use crate::capture::{
    Error, Lab, Process, Proof, Result, Socket, address, eq, eq_between, failed_with, ne_between,
    succeeded,
};
use crate::trace::{Data, Failure, Feature, Outcome, Output, SyscallKind, Value, label};

const TCP: Option<Protocol> = Some(Protocol::TCP);
const UDP: Option<Protocol> = Some(Protocol::UDP);

experiment!(two_processes);
/// A server and a client, each a process of its own, exchange one line.
fn two_processes(lab: &Lab) -> Result<()> {
    let server = lab.actor("server");
    let listener = server.socket(Domain::IPV4, Type::STREAM, TCP)?;
    listener.bind(&lab.here(0))?; // 127.0.0.1; port 0: any that is free
    listener.listen(5)?;
    let at = listener.local_addr()?;

    // This program, once more, as the client: it connects to `at`, sends
    // a line, receives the answer, and leaves.
    let client = start_client(lab, &at)?;
    let (connection, peer) = listener.accept()?;
    let mut buffer = [0; 64];
    let n = connection.recv(&mut buffer)?;
    connection.send(&buffer[..n])?;
    client.finish()?;

    let (mine, its) = (pid_of(lab, "server")?, pid_of(lab, "client")?);
    lab.claim("two-pids", ne_between("server PID", mine, "client PID", its));
    compare_ends(lab, &listener, &connection, &peer)
}

child_process!(two_processes_client);
/// The client's side of [`two_processes`], in a process of its own.
fn two_processes_client(lab: &Lab) -> Result<()> {
    let client = lab.played();
    let port = lab.text("port")?.parse().map_err(|_| Failure::Parameter { name: "port".into() })?;
    let socket = client.socket(Domain::IPV4, Type::STREAM, TCP)?;
    socket.connect(&lab.here(port))?;
    socket.local_addr()?;
    socket.peer_addr()?;
    socket.send(b"hello\n")?;
    socket.recv(&mut [0; 64])?;
    socket.close()?;
    Ok(())
}

/// Sets what the server saw beside what the client's process recorded.
fn compare_ends(lab: &Lab, listener: &Socket, connection: &Socket, peer: &SockAddr) -> Result<()> {
    let told = |kind| -> Result<Value> {
        let out = lab.last_call("client", kind)?.back.out;
        out.address()
            .cloned()
            .map(Value::Address)
            .ok_or_else(|| Error::assertion("the client's address is known"))
    };
    let Output::Received { data, .. } = lab.last_call("client", SyscallKind::Recv)?.back.out else {
        return Err(Error::assertion("the client received bytes"));
    };
    lab.claim("the-line-came-back", eq("client received", data, Data::of(b"hello\n")));

    let local = told(SyscallKind::GetSockName)?;
    let there = eq_between("client.local", local.clone(), "server.peer", peer);
    let here = eq_between(
        "server.local",
        connection.local_addr()?,
        "client.peer",
        told(SyscallKind::GetPeerName)?,
    );
    let binds = lab
        .calls("client")
        .iter()
        .filter(|(_, back)| back.call.kind() == SyscallKind::Bind)
        .count();
    let unasked = eq("client's calls of bind()", binds, 0);
    lab.claim("each-end-is-the-others-peer", there.and(here).and(unasked));

    // Both processes have opened one socket; both got the lowest number that was free to them.
    let Outcome::Result(number) = lab.last_call("client", SyscallKind::Socket)?.back.outcome else {
        return Err(Error::assertion("the client opened no socket"));
    };
    let same_number =
        eq_between("server's descriptor", listener.descriptor(), "client's descriptor", number);
    let behind = |number: i64, at: Value| label!("fd {number} at {place}", number, place = at);
    let mine = behind(listener.descriptor(), address(&listener.local_addr()?).into());
    let other_socket = ne_between("server's", mine, "client's", behind(number, local));
    lab.claim("same-number-other-socket", same_number.and(other_socket));
    Ok(())
}

experiment!(address_port_protocol);
/// Address, port, protocol: what two sockets may share, and what not.
fn address_port_protocol(lab: &Lab) -> Result<()> {
    let tcp = listener_where_udp_is_free(lab, "tcp")?;
    let at = tcp.local_addr()?; // address and port

    // Another protocol, with the same address and port.
    let udp = lab.actor("udp").socket(Domain::IPV4, Type::DGRAM, UDP)?;
    let bound = succeeded("udp.bind", &udp.bind(&at));
    let same = eq_between("udp.local", udp.local_addr()?, "tcp.local", &at);
    lab.claim("tcp-and-udp-share-a-port", bound.and(same));

    // A client sends "by TCP" and "by UDP" to that one address and port.
    let _client = send_by_each(lab, &at)?;
    let (connection, _) = tcp.accept()?;
    let by_tcp = hears("tcp received", &connection, b"by TCP")?;
    let by_udp = hears("udp received", &udp, b"by UDP")?;
    lab.claim("each-protocol-gets-its-own", by_tcp.and(by_udp));

    // All three the same: the kernel refuses.
    let twin = lab.actor("twin").socket(Domain::IPV4, Type::STREAM, TCP)?;
    let refused = failed_with("twin.bind", &twin.bind(&at), "EADDRINUSE");
    lab.claim("second-tcp-is-refused", refused);

    // Another address, 127.0.0.2, with the same port and protocol.
    let bound = twin.bind(&with_another_address(&at)?);
    lab.claim("another-address-is-free", succeeded("twin.bind", &bound));
    Ok(())
}

experiment!(many_on_one_port);
/// One listening socket, three clients: who uses up what?
fn many_on_one_port(lab: &Lab) -> Result<()> {
    let server = listener(lab, "server")?;
    let at = server.local_addr()?;
    let alice = connected(lab, "alice", &at)?;
    let (to_alice, alice_at) = server.accept()?;
    let bob = connected(lab, "bob", &at)?;
    let (to_bob, bob_at) = server.accept()?;

    // The server's ends carry the port it listens on. Their peers differ.
    let one = eq_between("to_alice", to_alice.local_addr()?, "server", &at);
    let two = eq_between("to_bob", to_bob.local_addr()?, "server", &at);
    lab.claim("one-port-for-all", one.and(two));
    lab.claim("peers-differ", ne_between("alice", alice_at, "bob", bob_at));

    bob.send(b"I am Bob")?;
    alice.send(b"I am Alice")?;
    let one = hears("to_alice", &to_alice, b"I am Alice")?;
    let two = hears("to_bob", &to_bob, b"I am Bob")?;
    lab.claim("bytes-find-their-socket", one.and(two));

    // Two clients are in. Does a third still find a listening socket?
    let carol = connected(lab, "carol", &at);
    let third = succeeded("carol.connect", &carol);
    let (to_carol, _) = server.accept()?;
    let three = eq_between("to_carol", to_carol.local_addr()?, "server", &at);
    lab.claim("still-listening", and_listens(third.and(three), &server)?);
    Ok(())
}

experiment!(by_hand_and_by_framework);
/// One echo service, twice: each call by hand, and a handler in a framework.
fn by_hand_and_by_framework(lab: &Lab) -> Result<()> {
    lab.part("by-hand");
    let by_hand = lab.actor("by-hand");
    let server = by_hand.socket(Domain::IPV4, Type::STREAM, TCP)?;
    server.bind(&lab.here(0))?;
    server.listen(5)?;
    let alice = greet(lab, "alice", &server.local_addr()?)?;
    let (connection, _) = server.accept()?;
    let mut buffer = [0; 64];
    let n = connection.recv(&mut buffer)?;
    connection.send(&buffer[..n])?;
    connection.close()?;
    server.close()?;
    let one = hears("alice received", &alice, b"hello\n")?;

    lab.part("by-framework");
    let server = Framework::listen(lab, "by-framework")?;
    let bob = greet(lab, "bob", &server.address()?)?;
    server.serve(1, |connection| {
        let n = connection.recv(&mut buffer)?;
        connection.send(&buffer[..n])
    })?;
    let two = hears("bob received", &bob, b"hello\n")?;

    lab.claim("both-echo", one.and(two));
    let (one, two) = (calls(lab, "by-hand"), calls(lab, "by-framework"));
    lab.claim("same-calls", eq_between("by-hand", one, "by-framework", two));
    Ok(())
}

/// A framework for servers, as small as one can be; Python's is called `socketserver`. It makes every call but those
/// that say something to the client. Those are the handler's, and the handler is yours.
struct Framework {
    listener: Socket,
}

impl Framework {
    /// Opens the service, on a port that the kernel chooses.
    fn listen(lab: &Lab, name: &str) -> Result<Framework> {
        Ok(Framework { listener: listener(lab, name)? })
    }

    /// Where clients find it.
    fn address(&self) -> io::Result<SockAddr> {
        self.listener.local_addr()
    }

    /// The accept loop: takes so many clients, one after another, hands each to the handler, and closes the service.
    fn serve(
        self,
        clients: usize,
        mut handler: impl FnMut(&Socket) -> io::Result<usize>,
    ) -> io::Result<()> {
        for _ in 0..clients {
            let (connection, _) = self.listener.accept()?;
            handler(&connection)?;
            connection.close()?;
        }
        self.listener.close()
    }
}

/// A listening TCP socket of this actor, on a port that the kernel chooses.
fn listener(lab: &Lab, name: &str) -> Result<Socket> {
    let socket = lab.actor(name).socket(Domain::IPV4, Type::STREAM, TCP)?;
    socket.bind(&lab.here(0))?;
    socket.listen(5)?;
    Ok(socket)
}

/// The same, on a port that no UDP socket of this machine holds either.
fn listener_where_udp_is_free(lab: &Lab, name: &str) -> Result<Socket> {
    loop {
        let socket = listener(lab, name)?;
        if lab.is_free(Type::DGRAM, &socket.local_addr()?)? {
            return Ok(socket);
        }
    }
}

/// A TCP socket of this actor, connected to `at`.
fn connected(lab: &Lab, name: &str, at: &SockAddr) -> io::Result<Socket> {
    let socket = lab.actor(name).socket(Domain::IPV4, Type::STREAM, TCP)?;
    socket.connect(at)?;
    Ok(socket)
}

/// A client that has connected to `at` and has said hello.
fn greet(lab: &Lab, name: &str, at: &SockAddr) -> Result<Socket> {
    let socket = connected(lab, name, at)?;
    socket.send(b"hello\n")?;
    Ok(socket)
}

/// Sends `by TCP` over TCP and `by UDP` over UDP, both to the same address and port.
fn send_by_each(lab: &Lab, at: &SockAddr) -> Result<(Socket, Socket)> {
    let client = lab.actor("client");
    let stream = client.socket(Domain::IPV4, Type::STREAM, TCP)?;
    stream.connect(at)?;
    stream.send(b"by TCP")?;
    let datagram = client.socket(Domain::IPV4, Type::DGRAM, UDP)?;
    datagram.send_to(b"by UDP", at)?;
    Ok((stream, datagram))
}

/// Starts the client of [`two_processes`] in a process of its own.
fn start_client(lab: &Lab, at: &SockAddr) -> Result<Process> {
    lab.process("client", "two-processes-client", &[("port", port(at).to_string())])
}

/// The PID of the process in which this actor made its calls, as each of its calls was recorded with it.
fn pid_of(lab: &Lab, actor: &str) -> Result<u32> {
    let missing = || Error::assertion("every actor makes a call");
    lab.calls(actor).first().map(|(event, _)| event.process).ok_or_else(missing)
}

/// Receives once; proof that these bytes came.
#[track_caller]
fn hears(what: &'static str, socket: &Socket, wanted: &[u8]) -> io::Result<Proof> {
    let mut buffer = [0; 64];
    let n = socket.recv(&mut buffer)?;
    Ok(eq(what, Data::of(&buffer[..n]), Data::of(wanted)))
}

/// The port of an internet address.
fn port(of: &SockAddr) -> u16 {
    of.as_socket().map_or(0, |at| at.port())
}

/// The same port at 127.0.0.2. All of 127.0.0.0/8 is the machine itself (RFC 1122, section 3.2.1.3), but not every system
/// lets one bind to it unasked.
fn with_another_address(at: &SockAddr) -> Result<SockAddr> {
    if !cfg!(target_os = "linux") {
        return Err(Feature::LoopbackRange.lack().into());
    }
    Ok(std::net::SocketAddr::from(([127, 0, 0, 2], port(at))).into())
}

/// The proof, and that the kernel counts this socket as listening, where it tells (TCP_INFO).
fn and_listens(proof: Proof, socket: &Socket) -> io::Result<Proof> {
    Ok(match socket.tcp_info()? {
        Some(info) => proof.and(eq("server's TCP state", info.state, "LISTEN")),
        None => proof,
    })
}

/// The system calls that an actor made, by the kernel's names, in order.
fn calls(lab: &Lab, actor: &str) -> String {
    let names: Vec<_> =
        lab.calls(actor).into_iter().map(|(_, back)| back.call.name.clone()).collect();
    names.join(" ")
}
