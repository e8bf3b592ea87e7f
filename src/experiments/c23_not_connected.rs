//! Case 23: a socket that has no other end: one that listens, and one whose connection was reset.

use std::net::Shutdown;
use std::time::Duration;

use super::experiment;
use super::kit::{
    at_port_of, claim_shown, connected, lines_with, listening, receive_exactly, recv_gave,
    tcp_socket,
};
use crate::capture::{self, Lab, Result, eq, failed_with, succeeded};

experiment!(no_other_end);
fn no_other_end(lab: &Lab) -> Result<()> {
    lab.part("the listening socket");
    let (listener, address) = listening(lab, &lab.actor("server"))?;
    let client = connected(&lab.actor("client"), &address)?;
    let (server, peer) = listener.accept()?;
    client.send_all(b"hello")?;
    let answer = listener.recv(&mut [0; 16]); // the wrong one
    let its_peer = listener.peer_addr();
    let shown = lab.ask("ss", &["-tan", &at_port_of(&address)]);
    let none = failed_with("recv", &answer, "ENOTCONN");
    let none = none.and(failed_with("peer_addr", &its_peer, "ENOTCONN"));
    lab.claim("the-listener-has-no-peer", none);
    let client_at = capture::address(&peer).to_string();
    let two = shown.map(|shown| {
        let listens = eq("lines of ss with LISTEN", lines_with(&shown, "LISTEN"), 1);
        listens.and(eq("of ss with the client", lines_with(&shown, &client_at), 1))
    });
    claim_shown(lab, "ss-shows-two-sockets", two);

    lab.part("after a reset");
    client.set_linger(Some(Duration::ZERO))?;
    client.close()?; // an RST
    server.until_error()?; // it has arrived
    let answer = server.shutdown(Shutdown::Both);
    let its_peer = server.peer_addr();
    let none = failed_with("shutdown", &answer, "ENOTCONN");
    let none = none.and(failed_with("peer_addr", &its_peer, "ENOTCONN"));
    lab.claim("a-reset-leaves-no-peer", none);
    Ok(())
}

experiment!(the_accepted_one);
fn the_accepted_one(lab: &Lab) -> Result<()> {
    lab.part("accept's socket");
    let (listener, address) = listening(lab, &lab.actor("server"))?;
    let client = tcp_socket(lab, "client")?;
    client.connect(&address)?;
    let (server, _) = listener.accept()?; // this one has the client
    client.send_all(b"hello")?;
    let mut buffer = [0; 5];
    let n = receive_exactly(&server, &mut buffer)?;
    let peer = succeeded("peer_addr", &server.peer_addr());
    lab.claim("the-accepted-one-has-a-peer", recv_gave(&buffer[..n], b"hello").and(peer));

    lab.part("after a reset");
    client.set_linger(Some(Duration::ZERO))?;
    client.close()?; // an RST
    server.until_error()?;
    let over = server.shutdown(Shutdown::Both); // it is over already,
    let closed = server.close(); // and all that is left to do is this
    let over = failed_with("shutdown", &over, "ENOTCONN");
    lab.claim("close-is-enough", over.and(succeeded("close", &closed)));
    Ok(())
}
