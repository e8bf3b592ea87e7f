//! Case 34: a UDP socket is told "connection refused", though UDP has no connections.

use socket2::{Domain, Type};

use super::experiment;
use super::kit::{at_port_of, claim_shown, lines_with, recv_gave, transferred};
use crate::capture::{self, Lab, Result, eq, failed_with};

experiment!(datagram_to_nobody);
fn datagram_to_nobody(lab: &Lab) -> Result<()> {
    let (_kept, nobody) = lab.nobody(Type::DGRAM)?;
    let client = lab.actor("client").socket(Domain::IPV4, Type::DGRAM, None)?;
    client.connect(&nobody)?; // notes the address, and asks nobody
    let sent = client.send(b"hello");
    let answer = client.recv(&mut [0; 16]);
    let shown = lab.ask("ss", &["-lun", &at_port_of(&nobody)]);
    let sent = transferred("send", &sent, 5);
    lab.claim("the-next-call-fails", failed_with("recv", &answer, "ECONNREFUSED").and(sent));
    let address = capture::address(&nobody).to_string();
    let none = shown.map(|shown| eq("lines of ss", lines_with(&shown, &address), 0));
    claim_shown(lab, "nobody-has-the-port", none);
    Ok(())
}

experiment!(the_socket_asks_again);
fn the_socket_asks_again(lab: &Lab) -> Result<()> {
    let (kept, nobody) = lab.nobody(Type::DGRAM)?;
    let client = lab.actor("client").socket(Domain::IPV4, Type::DGRAM, None)?;
    client.connect(&nobody)?;
    client.send(b"hello")?;
    let refused = client.recv(&mut [0; 16]); // news of that `hello`

    kept.close()?;
    let server = lab.actor("server").socket(Domain::IPV4, Type::DGRAM, None)?;
    server.bind(&nobody)?; // now there is somebody
    client.send(b"hello")?; // again, on the same socket
    let mut buffer = [0; 16];
    let (n, from) = server.recv_from(&mut buffer)?;
    server.send_to(&buffer[..n], &from)?;
    let n = client.recv(&mut buffer)?;
    let refused = failed_with("recv", &refused, "ECONNREFUSED");
    lab.claim("the-socket-is-whole", refused.and(recv_gave(&buffer[..n], b"hello")));
    Ok(())
}
