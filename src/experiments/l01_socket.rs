//! Lesson 1: what a socket is: one end of a conversation between two processes, named by address, port and protocol.

use std::io;
use std::net::{Ipv4Addr, Shutdown, SocketAddr};

use socket2::{Domain, Protocol, SockAddr, Type};

use super::kit::{echo, receive};
use super::{Need, child_process, experiment};
use crate::capture::{
    Error, Interest, Lab, Process, Proof, Result, Socket, address, eq, eq_between, failed_with,
    ne_between, succeeded, sys,
};
use crate::trace::{Data, Failure, Feature, Outcome, Output, SyscallKind, Value, label};

const TCP: Option<Protocol> = Some(Protocol::TCP);
const UDP: Option<Protocol> = Some(Protocol::UDP);

experiment!(two_processes);
/// A server and a client, each a process of its own. The server is an echo: it sends back what it receives.
fn two_processes(lab: &Lab) -> Result<()> {
    let server = lab.actor("server");
    let listener = server.socket(Domain::IPV4, Type::STREAM, TCP)?;
    listener.bind(&lab.here(0))?; // 127.0.0.1; port 0: any that is free
    listener.listen(5)?;
    let at = listener.local_addr()?;

    // This program, once more, as the client: it connects to `at`, sends
    // a line, receives the echo, and closes its socket.
    let client = start_client(lab, &at)?;
    let (connection, peer) = listener.accept()?;
    let mut buffer = [0; 1024];
    loop {
        let n = connection.recv(&mut buffer)?;
        if n == 0 {
            break; // the client will send no more
        }
        connection.send_all(&buffer[..n])?;
    }
    client.finish()?;

    let (mine, its) = (pid_of(lab, "server")?, pid_of(lab, "client")?);
    let two = ne_between("server PID", mine, "client PID", its);
    lab.claim("two-pids", two);
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
    socket.send_all(b"hello\n")?;
    receive(&socket, 6)?; // as many as were sent
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
    let calls = lab.calls("client");
    let received: Vec<u8> = calls
        .iter()
        .filter_map(|(_, back)| match &back.out {
            Output::Received { data, .. } => Some(data.kept.clone()),
            _ => None,
        })
        .flatten()
        .collect();
    lab.claim(
        "the-line-came-back",
        eq("client received", Data::of(&received), Data::of(b"hello\n")),
    );

    let local = told(SyscallKind::GetSockName)?;
    let there = eq_between("client.local", local.clone(), "server.peer", peer);
    let here = eq_between(
        "server.local",
        connection.local_addr()?,
        "client.peer",
        told(SyscallKind::GetPeerName)?,
    );
    let binds = calls.iter().filter(|(_, back)| back.call.kind() == SyscallKind::Bind).count();
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

experiment!(address_port_protocol, needs = &[Need::Has(Feature::LoopbackRange)]);
/// Address, port, protocol: what two sockets may share, and what not.
fn address_port_protocol(lab: &Lab) -> Result<()> {
    let tcp = listener_where_udp_is_free(lab, "tcp")?;
    let at = tcp.local_addr()?; // address and port

    // Another protocol, with the same address and port.
    let udp = lab.actor("udp").socket(Domain::IPV4, Type::DGRAM, UDP)?;
    let answer = udp.bind(&at);
    let bound = succeeded("udp.bind", &answer);
    let same = eq_between("udp.local", udp.local_addr()?, "tcp.local", &at);
    lab.claim("tcp-and-udp-share-a-port", bound.and(same));

    // A client sends "by TCP" and "by UDP" to that one address and port.
    let _client = send_by_each(lab, &at)?;
    let (connection, _) = tcp.accept()?;
    let by_tcp = hears("tcp received", &connection, b"by TCP")?;
    let by_udp = hears("udp received", &udp, b"by UDP")?;
    lab.claim("each-protocol-gets-its-own", by_tcp.and(by_udp));

    // A second TCP socket, with the same address and port.
    let twin = lab.actor("twin").socket(Domain::IPV4, Type::STREAM, TCP)?;
    let answer = twin.bind(&at);
    let refused = failed_with("twin.bind", &answer, "EADDRINUSE");
    lab.claim("second-tcp-is-refused", refused);

    // Then the same port at another address, 127.0.0.2.
    let answer = twin.bind(&other(&at)?);
    lab.claim("another-address-is-free", succeeded("twin.bind", &answer));
    Ok(())
}

experiment!(many_on_one_port);
/// One listening socket, three clients.
fn many_on_one_port(lab: &Lab) -> Result<()> {
    let server = listener(lab, "server")?;
    let at = server.local_addr()?;
    let alice = connected(lab, "alice", &at)?;
    let (to_alice, alice_at) = server.accept()?;
    let bob = connected(lab, "bob", &at)?;
    let (to_bob, bob_at) = server.accept()?;

    // Where is the server's end of each connection, and where its peer?
    let one = eq_between("to_alice", to_alice.local_addr()?, "server", &at);
    let two = eq_between("to_bob", to_bob.local_addr()?, "server", &at);
    lab.claim("one-port-for-all", one.and(two));
    lab.claim("peers-differ", ne_between("alice", alice_at, "bob", bob_at));

    bob.send_all(b"I am Bob")?;
    alice.send_all(b"I am Alice")?;
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
    let at = server.local_addr()?;
    server.listen(5)?;
    let alice = greet(lab, "alice", &at)?; // sends hello, and no more
    let (connection, _) = server.accept()?;
    echo(&connection)?; // recv and send, until recv returns 0
    connection.close()?;
    server.close()?;
    let one = hears("alice received", &alice, b"hello\n")?;

    lab.part("by-framework");
    let server = Framework::listen(lab, "by-framework")?;
    let bob = greet(lab, "bob", &server.address)?;
    server.serve(1, echo)?; // one client; `echo` is the handler
    let two = hears("bob received", &bob, b"hello\n")?;

    lab.claim("both-echo", one.and(two));
    let (missing, added) = compare(lab, "by-hand", "by-framework");
    let none = eq("calls left out by the framework", missing, 0);
    lab.claim("every-call-by-hand", none);
    let two = eq("calls added by the framework", added, "poll shutdown");
    lab.claim("and-two-more", two);
    Ok(())
}

/// A framework for servers, as small as one can be, with the calls of Python's `socketserver.TCPServer`, in its order
/// (a test compares them). It makes every call but those that exchange bytes with the client: those are the handler's.
struct Framework {
    lab: Lab,
    name: &'static str,
    listener: Socket,
    /// Where clients find it.
    address: SockAddr,
}

impl Framework {
    /// Opens the service, on a port that the kernel chooses: `TCPServer(address, handler)`.
    fn listen(lab: &Lab, name: &'static str) -> Result<Framework> {
        let listener = lab.actor(name).socket(Domain::IPV4, Type::STREAM, TCP)?;
        listener.bind(&lab.here(0))?;
        let address = listener.local_addr()?;
        listener.listen(5)?; // TCPServer.request_queue_size
        Ok(Framework { lab: lab.clone(), name, listener, address })
    }

    /// Serves so many clients, one after another, and closes the service: `handle_request()`.
    fn serve(
        self,
        clients: usize,
        mut handler: impl FnMut(&Socket) -> io::Result<()>,
    ) -> io::Result<()> {
        for _ in 0..clients {
            // Waits until a client is there. Here a real framework can also be told to stop.
            self.lab.actor(self.name).poll(&[(&self.listener, Interest::Read)], None)?;
            let (connection, _) = self.listener.accept()?;
            handler(&connection)?;
            connection.shutdown(Shutdown::Write)?; // "I will send no more"
            connection.close()?;
        }
        self.listener.close()
    }
}

experiment!(one_address_or_every, needs = &[Need::Has(Feature::LoopbackRange)]);
/// 127.0.0.1 is one address of this machine; 0.0.0.0 stands for all of them.
fn one_address_or_every(lab: &Lab) -> Result<()> {
    let every = listener_at(lab, "at-every", &every_address(0))?;
    let every_at = lab.here(port(&every.local_addr()?));
    let one = listener_at(lab, "at-one", &lab.here(0))?;
    let one_at = one.local_addr()?;

    // A client tries each of them at 127.0.0.1 and at 127.0.0.2.
    let near = connected(lab, "client", &every_at);
    let next = connected(lab, "client", &other(&every_at)?);
    let reached = succeeded("at 127.0.0.1", &near);
    let reached = reached.and(succeeded("at 127.0.0.2", &next));
    lab.claim("every-address-leads-to-it", reached);
    let (connection, _) = every.accept()?;
    let local = connection.local_addr()?;
    let called = eq_between("accepted.local", local, "called", &every_at);
    lab.claim("accepted-at-the-address-called", called);

    let near = connected(lab, "client", &one_at);
    let next = connected(lab, "client", &other(&one_at)?);
    let reached = succeeded("at 127.0.0.1", &near);
    let refused = failed_with("at 127.0.0.2", &next, "ECONNREFUSED");
    lab.claim("one-address-alone-leads-to-it", reached.and(refused));

    // A newcomer takes the port of each, at the address of the other.
    let newcomer = lab.actor("newcomer");
    let newcomer = newcomer.socket(Domain::IPV4, Type::STREAM, TCP)?;
    let answer = newcomer.bind(&every_at); // 127.0.0.1
    let refused = failed_with("bind 127.0.0.1", &answer, "EADDRINUSE");
    lab.claim("every-address-blocks-each", refused);
    let answer = newcomer.bind(&every_address(port(&one_at))); // 0.0.0.0
    let refused = failed_with("bind 0.0.0.0", &answer, "EADDRINUSE");
    lab.claim("one-address-blocks-every", refused);
    Ok(())
}

/// A listening TCP socket of this actor, on a port that the kernel chooses.
fn listener(lab: &Lab, name: &str) -> Result<Socket> {
    listener_at(lab, name, &lab.here(0))
}

/// A listening TCP socket of this actor, at this address.
fn listener_at(lab: &Lab, name: &str, at: &SockAddr) -> Result<Socket> {
    let socket = lab.actor(name).socket(Domain::IPV4, Type::STREAM, TCP)?;
    socket.bind(at)?;
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

/// A client that has connected to `at`, has sent hello, and will send no more.
fn greet(lab: &Lab, name: &str, at: &SockAddr) -> Result<Socket> {
    let socket = connected(lab, name, at)?;
    socket.send_all(b"hello\n")?;
    socket.shutdown(Shutdown::Write)?;
    Ok(socket)
}

/// Sends `by TCP` over TCP and `by UDP` over UDP, both to the same address and port.
fn send_by_each(lab: &Lab, at: &SockAddr) -> Result<(Socket, Socket)> {
    let client = lab.actor("client");
    let stream = client.socket(Domain::IPV4, Type::STREAM, TCP)?;
    stream.connect(at)?;
    stream.send_all(b"by TCP")?;
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

/// Receives as many bytes; proof that they are these.
#[track_caller]
fn hears(what: &'static str, socket: &Socket, wanted: &[u8]) -> io::Result<Proof> {
    Ok(eq(what, Data::of(&receive(socket, wanted.len())?), Data::of(wanted)))
}

/// The port of an internet address.
pub(super) fn port(of: &SockAddr) -> u16 {
    of.as_socket().map_or(0, |at| at.port())
}

/// The same port at 127.0.0.2. All of 127.0.0.0/8 is the machine itself (RFC 1122, section 3.2.1.3), but not every system
/// lets one bind to it unasked.
fn other(at: &SockAddr) -> Result<SockAddr> {
    if !sys::has(Feature::LoopbackRange) {
        return Err(Feature::LoopbackRange.lack().into());
    }
    Ok(SocketAddr::from(([127, 0, 0, 2], port(at))).into())
}

/// 0.0.0.0, every IPv4 address of this machine, and this port.
pub(super) fn every_address(port: u16) -> SockAddr {
    SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)).into()
}

/// The proof, and that the kernel counts this socket as listening, where it tells (TCP_INFO).
fn and_listens(proof: Proof, socket: &Socket) -> io::Result<Proof> {
    Ok(match socket.tcp_info()? {
        Some(info) => proof.and(eq("server's TCP state", info.state, "LISTEN")),
        None => proof,
    })
}

/// The names of the calls that an actor made, in order.
fn calls(lab: &Lab, actor: &str) -> Vec<String> {
    lab.calls(actor).into_iter().map(|(_, back)| back.call.function().to_string()).collect()
}

/// How many calls of the first actor are not found, in order, among those of the second, and which the second has besides.
fn compare(lab: &Lab, first: &str, second: &str) -> (usize, String) {
    let (mut missing, mut from) = (0, 0);
    let mut added = calls(lab, second);
    for call in calls(lab, first) {
        match added[from..].iter().position(|other| *other == call) {
            Some(at) => {
                from += at;
                added.remove(from);
            }
            None => missing += 1,
        }
    }
    (missing, added.join(" "))
}
