//! Case 28: a text where bytes are asked for, and a number whose bytes are in the wrong order.

use super::experiment;
use super::kit::{claim_shown, connection, receive_exactly, tcp_socket};
use crate::capture::{Lab, Network, Result, eq, failed_with, succeeded};
use crate::trace::Feature;

experiment!(str_is_not_bytes);
/// What Python says of a text; and a text of two characters as bytes.
fn str_is_not_bytes(lab: &Lab) -> Result<()> {
    let program = "import socket, sys; sys.stderr = sys.stdout; socket.socket().sendall('hello')";
    let said = lab.ask("python3", &["-c", program]);
    let last = said.map(|said| said.lines().last().unwrap_or_default().to_owned());
    let wanted = "TypeError: a bytes-like object is required, not 'str'";
    claim_shown(lab, "python-refuses-text", last.map(|last| eq("its last line", last, wanted)));

    let (client, server) = connection(lab)?;
    let (text, mut buffer) = ("你好", [0; 6]);
    client.send_all(text.as_bytes())?; // in Python: text.encode()
    let n = receive_exactly(&server, &mut buffer)?;
    let lengths = eq("characters", text.chars().count(), 2).and(eq("bytes received", n, 6));
    lab.claim("characters-are-not-bytes", lengths);
    let back = String::from_utf8_lossy(&buffer[..n]).into_owned(); // in Python: data.decode()
    lab.claim("decoded-it-is-the-text", eq("decoded", back, text));
    Ok(())
}

experiment!(without_htons, network = Network::Private);
/// A server that forgets htons(), and one that does not; and a length of four bytes in either order.
fn without_htons(lab: &Lab) -> Result<()> {
    needs_swapping()?;
    lab.part("sin_port = 8080");
    let server = tcp_socket(lab, "server")?;
    // What the kernel reads where 8080 stands as the processor stores it.
    server.bind(&lab.here(u16::from_be(8080)))?;
    server.listen(5)?;
    let port = server.local_addr()?.as_socket().map_or(0, |at| at.port());
    let answer = tcp_socket(lab, "client")?.connect(&lab.here(8080));
    let _ = lab.ask("ss", &["-tln"]); // for the reader alone
    lab.claim("another-port", eq("port by getsockname", usize::from(port), 36895));
    lab.claim("nobody-at-8080", failed_with("connect", &answer, "ECONNREFUSED"));

    lab.part("sin_port = htons(8080)");
    let server = tcp_socket(lab, "server")?;
    server.bind(&lab.here(8080))?;
    server.listen(5)?;
    let client = tcp_socket(lab, "client")?;
    let answer = client.connect(&lab.here(8080));
    lab.claim("with-htons", succeeded("connect", &answer));

    lab.part("a length of 5");
    let (server, _) = server.accept()?;
    let mut length = [0; 4];
    client.send_all(&5_u32.to_ne_bytes())?; // as this processor stores it
    receive_exactly(&server, &mut length)?;
    let wrong = u32::from_be_bytes(length) as usize;
    client.send_all(&5_u32.to_be_bytes())?; // in network order
    receive_exactly(&server, &mut length)?;
    let right = u32::from_be_bytes(length) as usize;
    lab.claim("five-becomes-millions", eq("read in network order", wrong, 83_886_080));
    lab.claim("in-network-order-five", eq("read in network order", right, 5));
    Ok(())
}

/// Where the processor stores numbers in network order there is nothing to see.
fn needs_swapping() -> Result<()> {
    if cfg!(target_endian = "big") {
        return Err(Feature::LittleEndian.lack().into());
    }
    Ok(())
}
