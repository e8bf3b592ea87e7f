//! Case 2: connect() is refused, because nobody listens there, or somebody does at another address.

use std::net::{Ipv4Addr, SocketAddr};

use socket2::{SockAddr, Type};

use super::kit::{at_port_of, lines_with, tcp_socket};
use super::{Need, experiment};
use crate::capture::{self, Lab, Result, eq, failed_with, succeeded, sys};
use crate::trace::Feature;

experiment!(refused_for_two_reasons, needs = &[Need::Has(Feature::LoopbackRange)]);
fn refused_for_two_reasons(lab: &Lab) -> Result<()> {
    lab.part("nobody listens");
    let (_kept, address) = lab.nobody(Type::STREAM)?; // no listener
    let answer = tcp_socket(lab, "client")?.connect(&address);
    let shown = lab.ask("ss", &["-ltn", &at_port_of(&address)])?;
    let refused = failed_with("connect", &answer, "ECONNREFUSED");
    let none = eq("lines of ss", listeners(&shown, &address), 0);
    lab.claim("nobody-listens-there", refused.and(none));

    lab.part("at another address");
    let (_kept, address) = lab.nobody(Type::STREAM)?;
    let server = tcp_socket(lab, "server")?;
    let elsewhere = other(&address)?; // 127.0.0.2, and the same port
    server.bind(&elsewhere)?;
    server.listen(5)?;
    let answer = tcp_socket(lab, "client")?.connect(&address);
    let shown = lab.ask("ss", &["-ltn", &at_port_of(&address)])?;
    let refused = failed_with("connect", &answer, "ECONNREFUSED");
    let there = eq("lines of ss", listeners(&shown, &elsewhere), 1);
    let here = eq("of them for 127.0.0.1", listeners(&shown, &address), 0);
    lab.claim("the-listener-is-elsewhere", refused.and(there).and(here));
    Ok(())
}

experiment!(listens_at_every_address, needs = &[Need::Has(Feature::LoopbackRange)]);
fn listens_at_every_address(lab: &Lab) -> Result<()> {
    let server = tcp_socket(lab, "server")?;
    server.bind(&every_address())?; // 0.0.0.0
    server.listen(5)?; // and only now the clients
    let every = server.local_addr()?;
    let near = lab.here(every.as_socket().map_or(0, |at| at.port()));

    let one = tcp_socket(lab, "client")?.connect(&near);
    let two = tcp_socket(lab, "client")?.connect(&other(&near)?);
    let shown = lab.ask("ss", &["-ltn", &at_port_of(&every)])?;
    let both = succeeded("at 127.0.0.1", &one).and(succeeded("at 127.0.0.2", &two));
    let there = eq("lines of ss", listeners(&shown, &every), 1);
    lab.claim("both-addresses-answer", both.and(there));
    Ok(())
}

/// Every IPv4 address of this machine, and a port that the kernel chooses.
fn every_address() -> SockAddr {
    SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)).into()
}

/// How many listeners at this address `ss` has shown.
fn listeners(shown: &str, address: &SockAddr) -> usize {
    lines_with(shown, &format!("{} ", capture::address(address)))
}

/// The same port at 127.0.0.2, which is this machine as well.
fn other(address: &SockAddr) -> Result<SockAddr> {
    if !sys::has(Feature::LoopbackRange) {
        return Err(Feature::LoopbackRange.lack().into());
    }
    let port = address.as_socket().map_or(0, |at| at.port());
    Ok(SocketAddr::from(([127, 0, 0, 2], port)).into())
}
