//! Case 33: a port for which the permission is missing.

use socket2::SockAddr;

use super::experiment;
use super::kit::{connected, tcp_socket};
use crate::capture::{Lab, Network, Result, failed_with, succeeded};

// In a private network, where the lab has given up every capability, no other program has these ports, and root may do no more
// than others.
experiment!(port_below_1024, network = Network::Private);
/// A server without privileges asks for ports 80, 1023 and 1024.
fn port_below_1024(lab: &Lab) -> Result<()> {
    let server = tcp_socket(lab, "server")?;
    let web = server.bind(&lab.here(80));
    let last = server.bind(&lab.here(1023));
    let refused = failed_with("bind port 80", &web, "EACCES");
    lab.claim("refused-below-1024", refused.and(failed_with("bind port 1023", &last, "EACCES")));
    let free = server.bind(&lab.here(1024));
    lab.claim("allowed-from-1024-on", succeeded("bind port 1024", &free));
    lab.ask("cat", &["/proc/sys/net/ipv4/ip_unprivileged_port_start"])?;
    Ok(())
}

experiment!(port_8080, network = Network::Private);
/// The same server asks for port 8080.
fn port_8080(lab: &Lab) -> Result<()> {
    let server = tcp_socket(lab, "server")?;
    let at: SockAddr = lab.here(8080);
    server.bind(&at)?;
    server.listen(5)?;
    let client = connected(&lab.actor("client"), &at);
    lab.claim("served-at-8080", succeeded("connect", &client));
    Ok(())
}
