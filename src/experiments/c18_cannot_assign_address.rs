//! Case 18: an address that cannot be assigned: one of another machine, or one whose ports are all taken.

use std::net::SocketAddr;
use std::ops::RangeInclusive;

use socket2::{Domain, SockAddr, Type};

use super::experiment;
use super::kit::{receive, tcp_socket};
use super::l01_socket::every_address;
use crate::capture::{Actor, Lab, Network, Result, Socket, eq, failed_with, succeeded, sys};
use crate::trace::Feature;

// In a private network no other program has addresses or ports.
experiment!(cannot_assign_address, network = Network::Private);
/// A server asks for an address that this machine does not have.
fn cannot_assign_address(lab: &Lab) -> Result<()> {
    let server = tcp_socket(lab, "server")?;
    let answer = server.bind(&SocketAddr::from(([192, 0, 2, 1], 8000)).into());
    lab.claim("not-an-address-of-this-machine", failed_with("bind", &answer, "EADDRNOTAVAIL"));
    let answer = server.bind(&every_address(8000)); // 0.0.0.0
    lab.claim("every-address-always-works", succeeded("bind", &answer));
    lab.ask("ip", &["-brief", "address"])?;
    Ok(())
}

/// The ports that the client of [`no_port_left`] may use. A whole machine has some 28,000.
const PORTS: RangeInclusive<u16> = 40_001..=40_004;

experiment!(no_port_left, network = Network::Private);
/// A client opens one connection after another to the same server, and closes none.
fn no_port_left(lab: &Lab) -> Result<()> {
    let (_server, at) = listening_at(lab, "server", 8000)?;
    let (_other, other_at) = listening_at(lab, "other server", 8001)?;
    let client = lab.actor("client");
    let mut connections = Vec::new();
    let failed = loop {
        let socket = with_few_ports(&client)?;
        match socket.connect(&at) {
            Ok(()) => connections.push(socket),
            answer => break answer,
        }
    };
    let four = eq("connections", connections.len(), PORTS.count());
    lab.claim("as-many-as-ports", four.and(failed_with("connect", &failed, "EADDRNOTAVAIL")));

    let other = with_few_ports(&client)?.connect(&other_at);
    lab.claim("another-server-can-be-reached", succeeded("connect", &other));
    lab.ask("ss", &["-tan", "dport = :8000"])?;
    Ok(())
}

experiment!(one_connection_kept, network = Network::Private);
/// The client with four ports sends ten requests over one connection.
fn one_connection_kept(lab: &Lab) -> Result<()> {
    let (listener, at) = listening_at(lab, "server", 8000)?;
    let client = with_few_ports(&lab.actor("client"))?;
    client.connect(&at)?;
    let (server, _) = listener.accept()?;
    let mut answers = 0;
    for _ in 0..10 {
        client.send_all(b"ping")?;
        server.send_all(&receive(&server, 4)?)?;
        answers += usize::from(receive(&client, 4)? == b"ping");
    }
    lab.claim("one-port-ten-requests", eq("answers", answers, 10));
    Ok(())
}

/// A server that listens at this port, which is none of those that the kernel chooses from.
fn listening_at(lab: &Lab, server: &str, port: u16) -> Result<(Socket, SockAddr)> {
    let (listener, at) = (tcp_socket(lab, server)?, lab.here(port));
    listener.bind(&at)?;
    listener.listen(5)?;
    Ok((listener, at))
}

/// A socket that connects from one of [`PORTS`].
fn with_few_ports(client: &Actor) -> Result<Socket> {
    let socket = client.socket(Domain::IPV4, Type::STREAM, None)?;
    match socket.set_local_port_range(PORTS) {
        Err(error) if sys::error_name(&error) == "ENOPROTOOPT" => {
            Err(Feature::LocalPortRange.lack().into())
        }
        answer => Ok(answer.map(|()| socket)?),
    }
}
