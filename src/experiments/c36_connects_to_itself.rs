//! Case 36: a client that connects to itself.

use std::time::Duration;

use super::experiment;
use super::kit::{claim_shown, connected, receive, recv_gave, ss, tcp_socket};
use crate::capture::{Lab, Result, eq, eq_between, failed_with, ne_between, succeeded};

experiment!(connects_to_itself);
/// A client calls a port of its own machine at which no server runs. The kernel has given the client that same port.
fn connects_to_itself(lab: &Lab) -> Result<()> {
    let client = tcp_socket(lab, "client")?;
    client.bind(&lab.here(0))?; // as connect() would do; so the number is known
    let at = client.local_addr()?;
    let answer = client.connect(&at); // nobody listens there
    let peer = client.peer_addr()?;
    let same = eq_between("client.peer", peer, "client.local", &at);
    lab.claim("connects-to-itself", succeeded("connect", &answer).and(same));

    client.send_all(b"hello")?;
    let echo = recv_gave(&receive(&client, 5)?, b"hello");
    lab.claim("hears-its-own-words", echo);
    let server = tcp_socket(lab, "server")?;
    server.set_reuse_address(true)?;
    let refused = failed_with("bind", &server.bind(&at), "EADDRINUSE");
    lab.claim("the-server-cannot-start", refused);

    let one = ss(lab, "-tan", &at).map(|rows| {
        let state = rows.first().map_or_else(String::new, |row| row.state.clone());
        eq("ss: state", state, "ESTAB").and(eq("rows of ss", rows.len(), 1))
    });
    claim_shown(lab, "ss-shows-one-end", one);
    Ok(())
}

experiment!(itself_noticed);
/// The client compares the two addresses, and gives the port back.
fn itself_noticed(lab: &Lab) -> Result<()> {
    let client = tcp_socket(lab, "client")?;
    client.bind(&lab.here(0))?;
    let at = client.local_addr()?;
    client.connect(&at)?;
    if client.peer_addr()? == client.local_addr()? {
        client.set_linger(Some(Duration::ZERO))?; // or TIME_WAIT keeps the port
        client.close()?; // nobody listens: try again later
    }

    let server = tcp_socket(lab, "server")?;
    let bound = succeeded("bind", &server.bind(&at));
    lab.claim("the-port-is-free-again", bound);
    server.listen(5)?;
    let again = connected(&lab.actor("client"), &at)?;
    let (ours, its) = (again.local_addr()?, again.peer_addr()?);
    lab.claim("then-it-is-the-server", ne_between("client.local", ours, "client.peer", its));
    Ok(())
}
