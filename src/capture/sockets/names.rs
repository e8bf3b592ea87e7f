//! What the manual pages call things: families, types, protocols, flags, and addresses as events have them.

use socket2::{Domain, Protocol, SockAddr, Type};

use crate::trace::{Address, Value};

/// The event's view of a socket2 address.
#[must_use]
pub fn address(from: &SockAddr) -> Address {
    if let Some(inet) = from.as_socket_ipv4() {
        return Address::Inet(inet);
    }
    if let Some(inet6) = from.as_socket_ipv6() {
        return Address::Inet6(inet6);
    }
    #[cfg(any(target_os = "linux", target_os = "android"))]
    if let Some(name) = from.as_abstract_namespace() {
        return Address::Unix(Some(format!("@{}", String::from_utf8_lossy(name))));
    }
    #[cfg(unix)]
    if let Some(path) = from.as_pathname() {
        return Address::Unix(Some(path.to_string_lossy().into_owned()));
    }
    Address::Unix(None)
}

impl From<&SockAddr> for Value {
    fn from(from: &SockAddr) -> Value {
        Value::Address(address(from))
    }
}

impl From<SockAddr> for Value {
    fn from(from: SockAddr) -> Value {
        Value::Address(address(&from))
    }
}

/// The name of a family: `AF_INET`.
#[must_use]
pub fn domain_name(domain: Domain) -> &'static str {
    match domain {
        Domain::IPV4 => "AF_INET",
        Domain::IPV6 => "AF_INET6",
        Domain::UNIX => "AF_UNIX",
        _ => "AF_?",
    }
}

/// The name of a type: `SOCK_STREAM`.
#[must_use]
pub fn type_name(kind: Type) -> &'static str {
    match kind {
        Type::STREAM => "SOCK_STREAM",
        Type::DGRAM => "SOCK_DGRAM",
        Type::SEQPACKET => "SOCK_SEQPACKET",
        _ => "SOCK_?",
    }
}

pub(super) fn protocol_name(protocol: Option<Protocol>) -> Value {
    match protocol {
        None => Value::Number(0),
        Some(Protocol::TCP) => "IPPROTO_TCP".into(),
        Some(Protocol::UDP) => "IPPROTO_UDP".into(),
        Some(other) => i32::from(other).into(),
    }
}

impl From<Option<Protocol>> for Value {
    fn from(protocol: Option<Protocol>) -> Value {
        protocol_name(protocol)
    }
}

pub(super) fn flags_name(flags: i32) -> Value {
    match flags {
        MSG_PEEK => "MSG_PEEK".into(),
        MSG_TRUNC => "MSG_TRUNC".into(),
        #[cfg(unix)]
        libc::MSG_DONTWAIT => "MSG_DONTWAIT".into(),
        other => other.into(),
    }
}

#[cfg(unix)]
pub(super) const MSG_PEEK: i32 = libc::MSG_PEEK;
#[cfg(not(unix))]
pub(super) const MSG_PEEK: i32 = 2;

/// Asks a receiving call for a datagram's true length, even if the buffer is shorter (recv(2)).
#[cfg(unix)]
pub const MSG_TRUNC: i32 = libc::MSG_TRUNC;
/// Asks a call not to block, whatever mode the socket is in (recv(2)).
#[cfg(unix)]
pub const MSG_DONTWAIT: i32 = libc::MSG_DONTWAIT;
/// Windows has the flag's name and answers `WSAEMSGSIZE` unasked.
#[cfg(not(unix))]
pub const MSG_TRUNC: i32 = 0x100;
