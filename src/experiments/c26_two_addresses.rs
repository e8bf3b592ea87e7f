//! Case 26: one name, an address in IPv6 and one in IPv4, and a server at one of them.

use std::io;
use std::time::Duration;

use socket2::{Domain, SockAddr, Type};

use super::kit::{at_port_of, claim_shown, connected, lines_with, listening};
use super::{Need, experiment};
use crate::capture::{
    self, Actor, Interest, Lab, Result, Socket, eq, failed_with, in_ticks, succeeded,
    waited_at_least,
};
use crate::trace::{Feature, SyscallKind};

experiment!(one_name_two_addresses, needs = &[Need::Ipv6]);
fn one_name_two_addresses(lab: &Lab) -> Result<()> {
    lab.need_ipv6()?;
    let (_server, ipv4, ipv6) = listening_in_ipv4(lab)?;
    let client = lab.actor("client");
    let socket = client.socket(Domain::IPV6, Type::STREAM, None)?;
    let first = socket.connect(&ipv6); // ::1, and the same port
    let second = connected(&client, &ipv4);
    let shown = lab.ask("ss", &["-ltn", &at_port_of(&ipv4)]);
    let _ = lab.ask("getent", &["ahosts", "localhost"]); // for the reader alone

    let refused = failed_with("connect to ::1", &first, "ECONNREFUSED");
    lab.claim("refused-at-the-ipv6-address", refused);
    lab.claim("answered-at-the-ipv4-address", succeeded("connect to 127.0.0.1", &second));
    let one = shown.map(|shown| {
        let here = lines_with(&shown, &capture::address(&ipv4).to_string());
        let here = eq("lines of ss with 127.0.0.1", here, 1);
        here.and(eq("lines of ss with [::1]", lines_with(&shown, "[::1]"), 0))
    });
    claim_shown(lab, "ss-shows-one-family", one);
    Ok(())
}

/// A server that listens in IPv4 alone, on a port that nobody has in IPv6: its address, and the same port at ::1.
fn listening_in_ipv4(lab: &Lab) -> Result<(Socket, SockAddr, SockAddr)> {
    loop {
        let (server, ipv4) = listening(lab, &lab.actor("server"))?;
        let ipv6 = lab.here_v6(ipv4.as_socket().map_or(0, |at| at.port()));
        if lab.is_free(Type::STREAM, &ipv6)? {
            return Ok((server, ipv4, ipv6));
        }
    }
}

/// How long each address has.
const LIMIT: Duration = Duration::from_millis(500);

experiment!(each_address_in_turn, needs = &[Need::Ipv6]);
fn each_address_in_turn(lab: &Lab) -> Result<()> {
    lab.need_ipv6()?;
    let client = lab.actor("client");
    let (_server, ipv4, ipv6) = listening_in_ipv4(lab)?;
    lab.part("refused");
    let socket = connect_to_any(&client, &[ipv6, ipv4.clone()])?;
    let peer = eq("client.peer", &socket.peer_addr()?, &ipv4);
    lab.claim("a-refusal-is-not-the-end", peer);

    lab.need(Feature::ConnectTimeout)?;
    lab.part("silent");
    let server = lab.actor("silent");
    let silent = server.socket(Domain::IPV6, Type::STREAM, None)?;
    silent.bind(&lab.here_v6(0))?;
    silent.listen(0)?; // on Linux room for one,
    let ipv6 = silent.local_addr()?;
    let early = lab.actor("early").socket(Domain::IPV6, Type::STREAM, None)?;
    early.connect(&ipv6)?; // and this is the one,
    server.poll(&[(&silent, Interest::Read)], None)?; // in the queue
    let socket = connect_to_any(&client, &[ipv6, ipv4.clone()])?;
    let peer = eq("client.peer", &socket.peer_addr()?, &ipv4);
    let tries = lab.calls("client").into_iter().rev();
    let mut tries = tries.filter(|(_, back)| back.call.kind() == SyscallKind::Connect).skip(1);
    let waited = tries.next().map(|(_, back)| in_ticks(&back, back.took()));
    let waited = waited.unwrap_or_else(|| Duration::ZERO.into());
    let waited = waited_at_least("connect to ::1", waited, LIMIT);
    lab.claim("silence-costs-the-limit", peer.and(waited));
    Ok(())
}

/// Connects to the first of these addresses that answers in time.
fn connect_to_any(client: &Actor, addresses: &[SockAddr]) -> io::Result<Socket> {
    let mut error = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for to in addresses {
        let socket = client.socket(to.domain(), Type::STREAM, None)?;
        socket.set_write_timeout(Some(LIMIT))?; // for connect() too
        match socket.connect(to) {
            Ok(()) => {
                socket.set_write_timeout(None)?;
                return Ok(socket);
            }
            Err(failed) => error = failed, // and the next one
        }
    }
    Err(error)
}
