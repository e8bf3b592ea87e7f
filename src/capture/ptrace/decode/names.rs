//! Numbers to the names of the manual pages. A number without a name here is kept as a number.

use crate::trace::{Domain, How, MsgFlags, Protocol, SockOpt, SocketFlags, SocketType};

fn number<T>(number: i32, other: impl FnOnce(std::borrow::Cow<'static, str>) -> T) -> T {
    other(number.to_string().into())
}

pub fn domain(of: i32) -> Domain {
    match of {
        libc::AF_INET => Domain::Inet,
        libc::AF_INET6 => Domain::Inet6,
        libc::AF_UNIX => Domain::Unix,
        libc::AF_NETLINK => Domain::Other("AF_NETLINK".into()),
        libc::AF_PACKET => Domain::Other("AF_PACKET".into()),
        other => number(other, Domain::Other),
    }
}

/// The type in the second argument of socket(2), without its flags.
pub fn kind(of: i32) -> SocketType {
    match of & 0xf {
        libc::SOCK_STREAM => SocketType::Stream,
        libc::SOCK_DGRAM => SocketType::Datagram,
        libc::SOCK_SEQPACKET => SocketType::SeqPacket,
        libc::SOCK_RAW => SocketType::Other("SOCK_RAW".into()),
        other => number(other, SocketType::Other),
    }
}

pub fn protocol(of: i32) -> Protocol {
    match of {
        0 => Protocol::Default,
        libc::IPPROTO_TCP => Protocol::Tcp,
        libc::IPPROTO_UDP => Protocol::Udp,
        libc::IPPROTO_ICMP => Protocol::Other("IPPROTO_ICMP".into()),
        other => number(other, Protocol::Other),
    }
}

pub fn how(of: i32) -> How {
    match of {
        libc::SHUT_RD => How::Read,
        libc::SHUT_WR => How::Write,
        libc::SHUT_RDWR => How::Both,
        other => number(other, How::Other),
    }
}

/// The names of the bits that are set, joined by `|`; bits without a name as one number.
fn bits(set: i32, names: &[(i32, &'static str)]) -> String {
    let mut left = set;
    let mut all: Vec<String> = Vec::new();
    for (bit, name) in names {
        if set & bit == *bit {
            all.push((*name).to_owned());
            left &= !bit;
        }
    }
    if left != 0 {
        all.push(format!("{left:#x}"));
    }
    all.join("|")
}

pub fn epoll_flags(of: i32) -> SocketFlags {
    SocketFlags::named(bits(of, &[(libc::EPOLL_CLOEXEC, "EPOLL_CLOEXEC")]))
}

pub fn socket_flags(of: i32) -> SocketFlags {
    const NAMES: &[(i32, &str)] =
        &[(libc::SOCK_NONBLOCK, "SOCK_NONBLOCK"), (libc::SOCK_CLOEXEC, "SOCK_CLOEXEC")];
    SocketFlags::named(bits(of & !0xf, NAMES))
}

pub fn message_flags(of: i32) -> MsgFlags {
    const NAMES: &[(i32, &str)] = &[
        (libc::MSG_PEEK, "MSG_PEEK"),
        (libc::MSG_TRUNC, "MSG_TRUNC"),
        (libc::MSG_DONTWAIT, "MSG_DONTWAIT"),
        (libc::MSG_NOSIGNAL, "MSG_NOSIGNAL"),
        (libc::MSG_WAITALL, "MSG_WAITALL"),
        (libc::MSG_OOB, "MSG_OOB"),
        (libc::MSG_MORE, "MSG_MORE"),
        (libc::MSG_CMSG_CLOEXEC, "MSG_CMSG_CLOEXEC"),
        (libc::MSG_WAITFORONE, "MSG_WAITFORONE"),
    ];
    MsgFlags::named(bits(of, NAMES))
}

pub fn option(level: i32, name: i32) -> SockOpt {
    let level_name = match level {
        libc::SOL_SOCKET => "SOL_SOCKET",
        libc::IPPROTO_TCP => "IPPROTO_TCP",
        libc::IPPROTO_IP => "IPPROTO_IP",
        libc::IPPROTO_IPV6 => "IPPROTO_IPV6",
        _ => {
            let (level, name) = (level.to_string().into(), name.to_string().into());
            return SockOpt::Other { level, name };
        }
    };
    let other = |name: &'static str| SockOpt::Other { level: level_name.into(), name: name.into() };
    match (level, name) {
        (libc::SOL_SOCKET, libc::SO_REUSEADDR) => SockOpt::ReuseAddr,
        (libc::SOL_SOCKET, libc::SO_REUSEPORT) => SockOpt::ReusePort,
        (libc::SOL_SOCKET, libc::SO_KEEPALIVE) => SockOpt::KeepAlive,
        (libc::SOL_SOCKET, libc::SO_LINGER) => SockOpt::Linger,
        (libc::SOL_SOCKET, libc::SO_OOBINLINE) => SockOpt::OobInline,
        (libc::SOL_SOCKET, libc::SO_RCVBUF) => SockOpt::RecvBuffer,
        (libc::SOL_SOCKET, libc::SO_SNDBUF) => SockOpt::SendBuffer,
        (libc::SOL_SOCKET, libc::SO_RCVTIMEO) => SockOpt::RecvTimeout,
        (libc::SOL_SOCKET, libc::SO_SNDTIMEO) => SockOpt::SendTimeout,
        (libc::SOL_SOCKET, libc::SO_PROTOCOL) => SockOpt::Protocol,
        (libc::SOL_SOCKET, libc::SO_ERROR) => SockOpt::Error,
        (libc::SOL_SOCKET, libc::SO_TYPE) => other("SO_TYPE"),
        (libc::SOL_SOCKET, libc::SO_DOMAIN) => other("SO_DOMAIN"),
        (libc::SOL_SOCKET, libc::SO_ACCEPTCONN) => other("SO_ACCEPTCONN"),
        (libc::SOL_SOCKET, libc::SO_BROADCAST) => other("SO_BROADCAST"),
        (libc::SOL_SOCKET, libc::SO_PASSCRED) => other("SO_PASSCRED"),
        (libc::SOL_SOCKET, libc::SO_PEERCRED) => other("SO_PEERCRED"),
        (libc::SOL_SOCKET, libc::SO_RCVLOWAT) => other("SO_RCVLOWAT"),
        (libc::IPPROTO_TCP, libc::TCP_NODELAY) => SockOpt::NoDelay,
        (libc::IPPROTO_TCP, libc::TCP_CORK) => SockOpt::Cork,
        (libc::IPPROTO_TCP, libc::TCP_QUICKACK) => SockOpt::QuickAck,
        (libc::IPPROTO_TCP, libc::TCP_USER_TIMEOUT) => SockOpt::UserTimeout,
        (libc::IPPROTO_TCP, libc::TCP_SYNCNT) => SockOpt::SynCount,
        (libc::IPPROTO_TCP, libc::TCP_KEEPIDLE) => SockOpt::KeepIdle,
        (libc::IPPROTO_TCP, libc::TCP_KEEPINTVL) => SockOpt::KeepInterval,
        (libc::IPPROTO_TCP, libc::TCP_KEEPCNT) => SockOpt::KeepCount,
        (libc::IPPROTO_TCP, libc::TCP_INFO) => SockOpt::TcpInfo,
        (libc::IPPROTO_TCP, libc::TCP_DEFER_ACCEPT) => other("TCP_DEFER_ACCEPT"),
        (libc::IPPROTO_TCP, libc::TCP_FASTOPEN) => other("TCP_FASTOPEN"),
        (libc::IPPROTO_IPV6, libc::IPV6_V6ONLY) => SockOpt::V6Only,
        (libc::IPPROTO_IPV6, libc::IPV6_RECVERR) => other("IPV6_RECVERR"),
        (libc::IPPROTO_IP, libc::IP_RECVERR) => other("IP_RECVERR"),
        (libc::IPPROTO_IP, libc::IP_MTU_DISCOVER) => other("IP_MTU_DISCOVER"),
        (libc::IPPROTO_IP, libc::IP_TOS) => other("IP_TOS"),
        (libc::IPPROTO_IP, libc::IP_ADD_MEMBERSHIP) => other("IP_ADD_MEMBERSHIP"),
        _ => SockOpt::Other { level: level_name.into(), name: name.to_string().into() },
    }
}

/// What poll(2) calls these events.
pub fn poll_events(of: i16) -> String {
    const NAMES: &[(i32, &str)] = &[
        (libc::POLLIN as i32, "POLLIN"),
        (libc::POLLPRI as i32, "POLLPRI"),
        (libc::POLLOUT as i32, "POLLOUT"),
        (libc::POLLERR as i32, "POLLERR"),
        (libc::POLLHUP as i32, "POLLHUP"),
        (libc::POLLNVAL as i32, "POLLNVAL"),
        (libc::POLLRDHUP as i32, "POLLRDHUP"),
    ];
    named_or_zero(bits(i32::from(of.cast_unsigned()), NAMES))
}

/// What epoll_ctl(2) calls them.
pub fn epoll_events(of: u32) -> String {
    const NAMES: &[(i32, &str)] = &[
        (libc::EPOLLIN, "EPOLLIN"),
        (libc::EPOLLPRI, "EPOLLPRI"),
        (libc::EPOLLOUT, "EPOLLOUT"),
        (libc::EPOLLERR, "EPOLLERR"),
        (libc::EPOLLHUP, "EPOLLHUP"),
        (libc::EPOLLRDHUP, "EPOLLRDHUP"),
        (libc::EPOLLET, "EPOLLET"),
        (libc::EPOLLONESHOT, "EPOLLONESHOT"),
        (libc::EPOLLEXCLUSIVE, "EPOLLEXCLUSIVE"),
    ];
    named_or_zero(bits(of.cast_signed(), NAMES))
}

fn named_or_zero(names: String) -> String {
    if names.is_empty() { "0".to_owned() } else { names }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_named_and_what_has_no_name_is_a_number() {
        assert!(message_flags(libc::MSG_PEEK | libc::MSG_DONTWAIT).dont_wait());
        assert_eq!(message_flags(0), MsgFlags::default());
        assert!(message_flags(0x800_0000).has("0x8000000"));
        assert!(socket_flags(libc::SOCK_STREAM | libc::SOCK_NONBLOCK).nonblocking());
        assert_eq!(poll_events(libc::POLLIN | libc::POLLHUP), "POLLIN|POLLHUP");
        assert_eq!(epoll_events(libc::EPOLLET.cast_unsigned()), "EPOLLET");
    }
}
