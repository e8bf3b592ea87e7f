//! What the manual pages call things: families, types, protocols, flags, and addresses as events have them.

use socket2::{Domain, Protocol, SockAddr, Type};

use crate::trace::{self, Address, MsgFlags, Value};

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
    let path = from.as_pathname().map(|path| path.to_string_lossy().into_owned());
    #[cfg(not(unix))]
    let path = super::sys::unix_path(from);
    Address::Unix(path)
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

/// The event's view of a family.
pub(super) fn domain(domain: Domain) -> trace::Domain {
    match domain {
        Domain::IPV4 => trace::Domain::Inet,
        Domain::IPV6 => trace::Domain::Inet6,
        Domain::UNIX => trace::Domain::Unix,
        other => trace::Domain::Other(i32::from(other).to_string().into()),
    }
}

/// The event's view of a socket's type.
pub(super) fn kind(kind: Type) -> trace::SocketType {
    match kind {
        Type::STREAM => trace::SocketType::Stream,
        Type::DGRAM => trace::SocketType::Datagram,
        Type::SEQPACKET => trace::SocketType::SeqPacket,
        other => trace::SocketType::Other(i32::from(other).to_string().into()),
    }
}

/// The event's view of a protocol.
pub(super) fn protocol(protocol: Option<Protocol>) -> trace::Protocol {
    match protocol {
        None => trace::Protocol::Default,
        Some(Protocol::TCP) => trace::Protocol::Tcp,
        Some(Protocol::UDP) => trace::Protocol::Udp,
        Some(other) => trace::Protocol::Other(i32::from(other).to_string().into()),
    }
}

impl From<Option<Protocol>> for Value {
    fn from(from: Option<Protocol>) -> Value {
        Value::from(&protocol(from))
    }
}

/// The event's view of the flags of a call that sends or receives.
pub(super) fn flags(flags: i32) -> MsgFlags {
    match flags {
        0 => MsgFlags::default(),
        MSG_PEEK => MsgFlags::named("MSG_PEEK"),
        MSG_TRUNC => MsgFlags::named("MSG_TRUNC"),
        PEEK_ALL => MsgFlags::named("MSG_PEEK|MSG_WAITALL"),
        #[cfg(unix)]
        libc::MSG_DONTWAIT => MsgFlags::named("MSG_DONTWAIT"),
        #[cfg(unix)]
        PEEK_NOW => MsgFlags::named("MSG_PEEK|MSG_DONTWAIT"),
        #[cfg(target_os = "linux")]
        libc::MSG_NOSIGNAL => MsgFlags::named("MSG_NOSIGNAL"),
        other => MsgFlags::named(other.to_string()),
    }
}

#[cfg(unix)]
pub(super) const MSG_PEEK: i32 = libc::MSG_PEEK;
#[cfg(not(unix))]
pub(super) const MSG_PEEK: i32 = 2;
/// Looks at what is there, without waiting, and takes nothing (recv(2)).
#[cfg(unix)]
pub const PEEK_NOW: i32 = libc::MSG_PEEK | libc::MSG_DONTWAIT;
/// Waits until the buffer is full, and takes nothing (recv(2)).
#[cfg(unix)]
pub(super) const PEEK_ALL: i32 = libc::MSG_PEEK | libc::MSG_WAITALL;
#[cfg(not(unix))]
pub(super) const PEEK_ALL: i32 = 2 | 8;

/// Asks a receiving call for a datagram's true length, even if the buffer is shorter (recv(2)).
#[cfg(unix)]
pub const MSG_TRUNC: i32 = libc::MSG_TRUNC;
/// Asks a call not to block, whatever mode the socket is in (recv(2)).
#[cfg(unix)]
pub const MSG_DONTWAIT: i32 = libc::MSG_DONTWAIT;
/// Asks a sending call not to raise SIGPIPE (send(2)). Other systems have other ways, or no SIGPIPE.
#[cfg(target_os = "linux")]
pub const MSG_NOSIGNAL: Option<i32> = Some(libc::MSG_NOSIGNAL);
#[cfg(not(target_os = "linux"))]
pub const MSG_NOSIGNAL: Option<i32> = None;
/// Windows has the flag's name and answers `WSAEMSGSIZE` unasked.
#[cfg(not(unix))]
pub const MSG_TRUNC: i32 = 0x100;
