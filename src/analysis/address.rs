//! When two addresses are the same.

use std::net::{IpAddr, SocketAddr};

use crate::trace::Address;

/// An address without the two ways to write it: IPv4 in IPv6's clothes is IPv4 (RFC 4291, 2.5.5.2).
pub(super) fn plain(address: &Address) -> Option<SocketAddr> {
    match address {
        Address::Inet(address) => Some(SocketAddr::from(*address)),
        Address::Inet6(address) => {
            Some(SocketAddr::new(IpAddr::V6(*address.ip()).to_canonical(), address.port()))
        }
        Address::Unix(_) => None,
    }
}

/// True if a socket whose own address is `local` is at this address; a wildcard is at all of the machine's.
pub(super) fn is_at(address: &Address, local: &Address) -> bool {
    match (plain(address), plain(local)) {
        (Some(there), Some(here)) => {
            there == here || (here.ip().is_unspecified() && here.port() == there.port())
        }
        _ => address == local,
    }
}
