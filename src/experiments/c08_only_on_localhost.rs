//! Case 8: a server that works on its own machine, and cannot be reached from another.

use socket2::SockAddr;

use super::experiment;
use super::kit::{SsRow, claim_shown, connected, receive, recv_gave, ss, tcp_socket};
use super::l01_socket::{every_address, port};
use crate::capture::{Lab, Network, Result, Socket, eq, failed_with, succeeded};

experiment!(only_on_localhost, network = Network::Wire);
/// A server at 127.0.0.1. One client runs on the same machine, another is beyond the wire.
fn only_on_localhost(lab: &Lab) -> Result<()> {
    let (_server, at) = server_at(lab, &lab.here(0))?; // 127.0.0.1

    let near = connected(&lab.actor("client here"), &at);
    lab.claim("reached-on-its-machine", succeeded("connect", &near));
    let far = connected(&lab.actor("client elsewhere"), &lab.far(port(&at)));
    lab.claim("refused-from-elsewhere", failed_with("connect", &far, "ECONNREFUSED"));

    let rows = ss(lab, "-ltn", &at);
    let wanted = format!("127.0.0.1:{}", port(&at));
    let shown = rows.map(|rows| eq("ss: local address", local(&rows), wanted));
    claim_shown(lab, "ss-shows-127-0-0-1", shown);
    Ok(())
}

experiment!(on_every_address, network = Network::Wire);
/// The same server at 0.0.0.0, and the same two clients.
fn on_every_address(lab: &Lab) -> Result<()> {
    let (server, at) = server_at(lab, &every_address(0))?; // 0.0.0.0

    let far = connected(&lab.actor("client elsewhere"), &lab.far(port(&at)))?;
    let (connection, from) = server.accept()?;
    far.send_all(b"hello")?;
    let came = recv_gave(&receive(&connection, 5)?, b"hello");
    let outside = eq("accept() gave", from.clone(), lab.far(port(&from)));
    lab.claim("reached-from-elsewhere", outside.and(came));
    let near = connected(&lab.actor("client here"), &lab.here(port(&at)));
    lab.claim("still-reached-on-its-machine", succeeded("connect", &near));

    let rows = ss(lab, "-ltn", &at);
    let wanted = format!("0.0.0.0:{}", port(&at));
    let shown = rows.map(|rows| eq("ss: local address", local(&rows), wanted));
    claim_shown(lab, "ss-shows-0-0-0-0", shown);
    Ok(())
}

/// A server that listens at this address, and where that is.
fn server_at(lab: &Lab, address: &SockAddr) -> Result<(Socket, SockAddr)> {
    let server = tcp_socket(lab, "server")?;
    server.bind(address)?;
    server.listen(5)?;
    let at = server.local_addr()?;
    Ok((server, at))
}

/// Where the first socket of these is, by `ss`.
fn local(rows: &[SsRow]) -> String {
    rows.first().map_or_else(String::new, |row| row.local.clone())
}
