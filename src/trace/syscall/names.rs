//! The constants that calls take, by the names of the manual pages. A name that has no variant here is kept as it is.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Text;
use crate::trace::Value;

/// Declares an enum whose values are known by the names of the manual pages, with room for any other name.
macro_rules! names {
    ($(#[$doc:meta])* $enum:ident { $($variant:ident = $name:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub enum $enum { $($variant,)* Other(Text) }

        impl $enum {
            pub(super) fn parse(text: Text) -> $enum {
                match &*text { $($name => $enum::$variant,)* _ => $enum::Other(text) }
            }
        }

        impl fmt::Display for $enum {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $($enum::$variant => $name,)* $enum::Other(name) => name })
            }
        }

        impl Serialize for $enum {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $enum {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<$enum, D::Error> {
                Ok($enum::parse(String::deserialize(deserializer)?.into()))
            }
        }

        impl From<&$enum> for Value {
            fn from(from: &$enum) -> Value {
                match from {
                    $($enum::$variant => Value::Text(Cow::Borrowed($name)),)*
                    $enum::Other(name) => name.parse().map_or_else(|_| Value::Text(name.clone()), Value::Number),
                }
            }
        }
    };
}

names! {
    /// An address family (address_families(7)).
    Domain { Inet = "AF_INET", Inet6 = "AF_INET6", Unix = "AF_UNIX" }
}

names! {
    /// A socket's type (socket(2)).
    SocketType { Stream = "SOCK_STREAM", Datagram = "SOCK_DGRAM", SeqPacket = "SOCK_SEQPACKET" }
}

names! {
    /// A protocol (protocols(5)); 0 leaves it to the kernel.
    Protocol { Default = "0", Tcp = "IPPROTO_TCP", Udp = "IPPROTO_UDP" }
}

names! {
    /// Which half of a connection shutdown(2) closes.
    How { Read = "SHUT_RD", Write = "SHUT_WR", Both = "SHUT_RDWR" }
}

names! {
    /// What epoll_ctl(2) does. What kevent(2) does has its own names: `EV_ADD`.
    EpollOperation { Add = "EPOLL_CTL_ADD", Modify = "EPOLL_CTL_MOD", Delete = "EPOLL_CTL_DEL" }
}

names! {
    /// Which command sets a descriptor's flags: fcntl(2)'s or ioctl(2)'s.
    FlagsCommand { Fcntl = "F_SETFL", Ioctl = "FIONBIO" }
}

/// Declares the socket options that have a meaning here, each with its level.
macro_rules! options {
    ($($variant:ident = $level:literal $name:literal),* $(,)?) => {
        /// A socket option (socket(7), tcp(7), ipv6(7)).
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub enum SockOpt {
            $(#[doc = $name] $variant,)*
            /// Any other.
            Other {
                /// Its level: `SOL_SOCKET`.
                level: Text,
                /// Its name.
                name: Text,
            },
        }

        impl SockOpt {
            pub(super) fn parse(level: Text, name: Text) -> SockOpt {
                match (&*level, &*name) {
                    $(($level, $name) => SockOpt::$variant,)*
                    _ => SockOpt::Other { level, name },
                }
            }

            /// The level that the option belongs to: `SOL_SOCKET`.
            pub fn level(&self) -> Text {
                match self {
                    $(SockOpt::$variant => Cow::Borrowed($level),)*
                    SockOpt::Other { level, .. } => level.clone(),
                }
            }

            /// The option's name: `SO_REUSEADDR`.
            pub fn name(&self) -> Text {
                match self {
                    $(SockOpt::$variant => Cow::Borrowed($name),)*
                    SockOpt::Other { name, .. } => name.clone(),
                }
            }
        }
    };
}

options! {
    ReuseAddr = "SOL_SOCKET" "SO_REUSEADDR",
    ReusePort = "SOL_SOCKET" "SO_REUSEPORT",
    KeepAlive = "SOL_SOCKET" "SO_KEEPALIVE",
    Linger = "SOL_SOCKET" "SO_LINGER",
    OobInline = "SOL_SOCKET" "SO_OOBINLINE",
    RecvBuffer = "SOL_SOCKET" "SO_RCVBUF",
    SendBuffer = "SOL_SOCKET" "SO_SNDBUF",
    RecvTimeout = "SOL_SOCKET" "SO_RCVTIMEO",
    SendTimeout = "SOL_SOCKET" "SO_SNDTIMEO",
    Protocol = "SOL_SOCKET" "SO_PROTOCOL",
    Error = "SOL_SOCKET" "SO_ERROR",
    NoDelay = "IPPROTO_TCP" "TCP_NODELAY",
    Cork = "IPPROTO_TCP" "TCP_CORK",
    QuickAck = "IPPROTO_TCP" "TCP_QUICKACK",
    UserTimeout = "IPPROTO_TCP" "TCP_USER_TIMEOUT",
    SynCount = "IPPROTO_TCP" "TCP_SYNCNT",
    KeepIdle = "IPPROTO_TCP" "TCP_KEEPIDLE",
    KeepInterval = "IPPROTO_TCP" "TCP_KEEPINTVL",
    KeepCount = "IPPROTO_TCP" "TCP_KEEPCNT",
    TcpInfo = "IPPROTO_TCP" "TCP_INFO",
    V6Only = "IPPROTO_IPV6" "IPV6_V6ONLY",
}

impl SockOpt {
    /// The unit in which the value of an option that is a time span is recorded, in nanoseconds: microseconds, save for
    /// keepalive's, which are seconds (tcp(7)).
    pub fn time_unit_ns(&self) -> Option<u64> {
        match self {
            SockOpt::RecvTimeout
            | SockOpt::SendTimeout
            | SockOpt::UserTimeout
            | SockOpt::Linger => Some(1_000),
            SockOpt::KeepIdle | SockOpt::KeepInterval => Some(1_000_000_000),
            _ => None,
        }
    }
}

/// Declares a set of flags, which is kept as their names joined by `|`.
macro_rules! flags {
    ($(#[$doc:meta])* $set:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct $set(pub(super) Text);

        impl $set {
            /// From their names, joined by `|`; empty for none.
            pub fn named(names: impl Into<Text>) -> $set {
                $set(names.into())
            }

            /// True if there are none.
            pub fn is_empty(&self) -> bool {
                self.0.is_empty()
            }

            /// True if this one is among them.
            pub fn has(&self, name: &str) -> bool {
                self.0.split('|').any(|flag| flag == name)
            }
        }
    };
}

flags! {
    /// Flags of a sending or receiving call (send(2), recv(2)).
    MsgFlags
}

flags! {
    /// Flags of a new socket (socket(2), accept4(2)), or of a new epoll instance (epoll_create1(2)).
    SocketFlags
}

impl SocketFlags {
    /// True if the socket is in non-blocking mode from the start.
    pub fn nonblocking(&self) -> bool {
        self.has("SOCK_NONBLOCK")
    }
}

impl MsgFlags {
    /// True if the call does not remove the bytes it reads (`MSG_PEEK`).
    pub fn peek(&self) -> bool {
        self.has("MSG_PEEK")
    }

    /// True if the call waits until as much has come as it has room for (`MSG_WAITALL`).
    pub fn wants_all(&self) -> bool {
        self.has("MSG_WAITALL")
    }

    /// True if the sender says that more will follow (`MSG_MORE`).
    pub fn says_more(&self) -> bool {
        self.has("MSG_MORE")
    }

    /// True if the call does not wait, whatever the socket's mode (`MSG_DONTWAIT`).
    pub fn dont_wait(&self) -> bool {
        self.has("MSG_DONTWAIT")
    }
}
