//! System calls as values: which call was made with which arguments, and what it filled in.
//!
//! Only this file knows how a call is written down: [`Syscall::args`] and [`Output::args`] encode, [`Syscall::decode`] and
//! [`Output::decode`] decode. What has no shape here is [`Syscall::Other`] and [`Output::Other`], which keep names as they are.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};
use strum::{EnumDiscriminants, IntoEnumIterator};

use super::{Address, Args, Data, SocketId, Value};

type Text = Cow<'static, str>;

/// A system call on sockets, with its arguments (the descriptor stands in [`Call::fd`](super::Call::fd)).
#[derive(Clone, Debug, PartialEq, EnumDiscriminants)]
#[strum_discriminants(
    name(SyscallKind),
    doc = "Which system call, without its arguments; displayed as `recv`.",
    derive(strum::EnumIter)
)]
pub enum Syscall {
    /// socket(2).
    Socket { domain: Domain, kind: SocketType, protocol: Protocol },
    /// bind(2).
    Bind { address: Address },
    /// listen(2).
    Listen { backlog: i64 },
    /// accept(2) or accept4(2).
    Accept,
    /// connect(2).
    Connect { address: Address },
    /// send(2), sendto(2), write(2).
    Send { data: Data, to: Option<Address> },
    /// recv(2), recvfrom(2), read(2).
    Recv {
        /// Room in the buffer, in bytes.
        size: u64,
        flags: MsgFlags,
    },
    /// shutdown(2).
    Shutdown { how: How },
    /// close(2).
    Close,
    /// getsockname(2).
    GetSockName,
    /// getpeername(2).
    GetPeerName,
    /// getsockopt(2).
    GetOption { option: SockOpt },
    /// setsockopt(2).
    SetOption { option: SockOpt, value: Value },
    /// fcntl(2) with `F_GETFL`.
    GetFlags,
    /// fcntl(2) with `F_SETFL`: whether `O_NONBLOCK` is set from now on.
    SetFlags { nonblocking: bool },
    /// select(2) or pselect(2).
    Select {
        nfds: i64,
        read: FdList,
        write: FdList,
        /// In microseconds; `None` for ever.
        timeout_us: Option<u64>,
    },
    /// poll(2) or ppoll(2).
    Poll {
        watched: PollList,
        /// In milliseconds; -1 for ever.
        timeout_ms: i64,
    },
    /// epoll_create1(2).
    EpollCreate,
    /// epoll_ctl(2).
    EpollCtl {
        operation: EpollOperation,
        /// The descriptor that is watched.
        watched: i64,
        /// For what; `None` where it is no longer watched.
        events: Option<Text>,
    },
    /// epoll_wait(2) or epoll_pwait(2).
    EpollWait {
        max_events: u64,
        /// In milliseconds; -1 for ever.
        timeout_ms: i64,
    },
    /// Any other call.
    Other { args: Args },
}

/// What a call does to its socket and its thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    /// Makes, names, configures or closes a socket, and returns at once.
    Setup,
    /// Only asks for something that the kernel knows, and changes nothing.
    Query,
    /// On a blocking socket, may wait for the peer or for room.
    Transfer,
    /// Waits for many sockets at once.
    Readiness,
    /// Anything else that returns at once.
    Other,
}

impl SyscallKind {
    /// The names that systems have for it, the one that people use first. fcntl(2) is two calls here: its arguments tell.
    fn names(self) -> &'static [&'static str] {
        match self {
            SyscallKind::Socket => &["socket"],
            SyscallKind::Bind => &["bind"],
            SyscallKind::Listen => &["listen"],
            SyscallKind::Accept => &["accept", "accept4"],
            SyscallKind::Connect => &["connect"],
            SyscallKind::Send => &["send", "sendto", "write"],
            SyscallKind::Recv => &["recv", "recvfrom", "read"],
            SyscallKind::Shutdown => &["shutdown"],
            SyscallKind::Close => &["close", "closesocket"],
            SyscallKind::GetSockName => &["getsockname"],
            SyscallKind::GetPeerName => &["getpeername"],
            SyscallKind::GetOption => &["getsockopt"],
            SyscallKind::SetOption => &["setsockopt"],
            SyscallKind::GetFlags | SyscallKind::SetFlags => &["fcntl"],
            SyscallKind::Select => &["select", "pselect6", "_newselect"],
            SyscallKind::Poll => &["poll", "ppoll", "WSAPoll"],
            SyscallKind::EpollCreate => &["epoll_create1"],
            SyscallKind::EpollCtl => &["epoll_ctl"],
            SyscallKind::EpollWait => &["epoll_wait", "epoll_pwait"],
            SyscallKind::Other => &[],
        }
    }

    fn class(self) -> Class {
        match self {
            SyscallKind::Socket
            | SyscallKind::Bind
            | SyscallKind::Listen
            | SyscallKind::Close
            | SyscallKind::SetOption
            | SyscallKind::SetFlags => Class::Setup,
            SyscallKind::GetSockName
            | SyscallKind::GetPeerName
            | SyscallKind::GetOption
            | SyscallKind::GetFlags => Class::Query,
            SyscallKind::Accept | SyscallKind::Connect | SyscallKind::Send | SyscallKind::Recv => {
                Class::Transfer
            }
            SyscallKind::Select | SyscallKind::Poll | SyscallKind::EpollWait => Class::Readiness,
            SyscallKind::Shutdown
            | SyscallKind::EpollCreate
            | SyscallKind::EpollCtl
            | SyscallKind::Other => Class::Other,
        }
    }
}

impl fmt::Display for SyscallKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.names().first().unwrap_or(&"other"))
    }
}

/// Declares an enum whose values are known by the names of the manual pages, with room for any other name.
macro_rules! names {
    ($(#[$doc:meta])* $enum:ident { $($variant:ident = $name:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub enum $enum { $($variant,)* Other(Text) }

        impl $enum {
            fn parse(text: Text) -> $enum {
                match &*text { $($name => $enum::$variant,)* _ => $enum::Other(text) }
            }
        }

        impl fmt::Display for $enum {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $($enum::$variant => $name,)* $enum::Other(name) => name })
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
    /// What epoll_ctl(2) does.
    EpollOperation { Add = "EPOLL_CTL_ADD", Modify = "EPOLL_CTL_MOD", Delete = "EPOLL_CTL_DEL" }
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
            fn parse(level: Text, name: Text) -> SockOpt {
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
    RecvBuffer = "SOL_SOCKET" "SO_RCVBUF",
    SendBuffer = "SOL_SOCKET" "SO_SNDBUF",
    RecvTimeout = "SOL_SOCKET" "SO_RCVTIMEO",
    SendTimeout = "SOL_SOCKET" "SO_SNDTIMEO",
    Protocol = "SOL_SOCKET" "SO_PROTOCOL",
    Error = "SOL_SOCKET" "SO_ERROR",
    NoDelay = "IPPROTO_TCP" "TCP_NODELAY",
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

/// Flags of a receiving call (recv(2)).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MsgFlags(Text);

impl MsgFlags {
    /// From their names, joined by `|`; empty for none.
    pub fn named(names: impl Into<Text>) -> MsgFlags {
        MsgFlags(names.into())
    }

    /// True if the call leaves in the socket what it reads (`MSG_PEEK`).
    pub fn peek(&self) -> bool {
        self.0.split('|').any(|flag| flag == "MSG_PEEK")
    }

    /// True if there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Some items of a list, and how many there are: a call may watch thousands of descriptors.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listed<T> {
    /// The first of them, at most [`Listed::SHOWN`].
    pub shown: Vec<T>,
    /// How many there are.
    pub count: usize,
}

/// Descriptors, as select(2) has them; none stands for a null pointer.
pub type FdList = Listed<i64>;
/// Descriptors with their events, as poll(2) has them.
pub type PollList = Listed<(i64, Text)>;

impl<T> Listed<T> {
    /// So many items are kept.
    pub const SHOWN: usize = 8;

    /// Keeps the start of these.
    pub fn of(all: impl ExactSizeIterator<Item = T>) -> Listed<T> {
        let count = all.len();
        Listed { shown: all.take(Self::SHOWN).collect(), count }
    }

    fn written(&self, one: impl Fn(&T) -> String) -> String {
        let shown = self.shown.iter().map(one).collect::<Vec<_>>().join(", ");
        if self.count > self.shown.len() {
            format!("[{shown}, … {} in all]", self.count)
        } else {
            format!("[{shown}]")
        }
    }

    fn read(text: &str, one: impl Fn(&str) -> Option<T>) -> Option<Listed<T>> {
        let inside = text.strip_prefix('[')?.strip_suffix(']')?;
        let (items, count) = match inside.rsplit_once("… ") {
            Some((items, count)) => (items, Some(count.strip_suffix(" in all")?.parse().ok()?)),
            None => (inside, None),
        };
        let items = items.split(", ").filter(|item| !item.is_empty());
        let shown: Vec<T> = items.map(one).collect::<Option<_>>()?;
        let count = count.unwrap_or(shown.len());
        Some(Listed { shown, count })
    }
}

impl FdList {
    fn value(&self) -> Value {
        match self.count {
            0 => "NULL".into(),
            _ => self.written(i64::to_string).into(),
        }
    }

    fn parse(text: &str) -> Option<FdList> {
        if text == "NULL" {
            return Some(FdList::default());
        }
        FdList::read(text, |fd| fd.parse().ok())
    }
}

impl fmt::Display for FdList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.value())
    }
}

impl fmt::Display for PollList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written(|(fd, events)| format!("{fd}: {events}")))
    }
}

impl PollList {
    fn parse(text: &str) -> Option<PollList> {
        PollList::read(text, |item| {
            let (fd, events) = item.split_once(": ")?;
            Some((fd.parse().ok()?, Cow::Owned(events.to_owned())))
        })
    }
}

macro_rules! args {
    ($($name:ident: $value:expr),* $(,)?) => {
        Args(vec![$((Cow::Borrowed(stringify!($name)), Value::from($value))),*])
    };
}

impl Syscall {
    /// The arguments by name, in the order of the call.
    pub fn args(&self) -> Args {
        match self {
            Syscall::Socket { domain, kind, protocol } => {
                args! { domain: domain, type: kind, protocol: protocol }
            }
            Syscall::Bind { address } | Syscall::Connect { address } => {
                args! { address: address.clone() }
            }
            Syscall::Listen { backlog } => args! { backlog: *backlog },
            Syscall::Send { data, to: None } => args! { data: data.clone() },
            Syscall::Send { data, to: Some(to) } => {
                args! { data: data.clone(), address: to.clone() }
            }
            Syscall::Recv { size, flags } if flags.is_empty() => args! { size: *size },
            Syscall::Recv { size, flags } => {
                args! { size: *size, flags: number_or_text(&flags.0) }
            }
            Syscall::Shutdown { how } => args! { how: how },
            Syscall::GetOption { option } => {
                args! { level: option.level(), option: option.name() }
            }
            Syscall::SetOption { option, value } => {
                args! { level: option.level(), option: option.name(), value: value.clone() }
            }
            Syscall::GetFlags => args! { command: "F_GETFL" },
            Syscall::SetFlags { nonblocking } => {
                args! { command: "F_SETFL", flags: if *nonblocking { "O_NONBLOCK" } else { "0" } }
            }
            Syscall::Select { nfds, read, write, timeout_us } => {
                let timeout =
                    timeout_us.map_or(Cow::Borrowed("NULL"), |us| format!("{us} us").into());
                args! { nfds: *nfds, readfds: read.value(), writefds: write.value(), exceptfds: "NULL", timeout: timeout }
            }
            Syscall::Poll { watched, timeout_ms } => {
                args! { fds: watched.to_string(), nfds: watched.count, timeout: *timeout_ms }
            }
            Syscall::EpollCreate => args! { flags: "EPOLL_CLOEXEC" },
            Syscall::EpollCtl { operation, watched, events } => {
                let mut args = args! { op: operation, fd: *watched };
                args.0.extend(events.iter().map(|it| (Cow::Borrowed("events"), it.clone().into())));
                args
            }
            Syscall::EpollWait { max_events, timeout_ms } => {
                args! { maxevents: *max_events, timeout: *timeout_ms }
            }
            Syscall::Other { args } => args.clone(),
            Syscall::Accept | Syscall::Close | Syscall::GetSockName | Syscall::GetPeerName => {
                Args::default()
            }
        }
    }

    /// The argument that holds the descriptor.
    pub fn descriptor_arg(&self) -> &'static str {
        match self {
            Syscall::EpollCreate | Syscall::EpollCtl { .. } | Syscall::EpollWait { .. } => "epfd",
            _ => "fd",
        }
    }

    /// The call of this name with these arguments, and its descriptor; a call that lacks what it must have is [`Syscall::Other`].
    pub fn decode(name: &str, mut args: Args) -> (Option<i64>, Syscall) {
        let descriptor = if name.starts_with("epoll_") { "epfd" } else { "fd" };
        let fd = match args.get(descriptor) {
            Some(Value::Number(fd)) => Some(*fd),
            _ => None,
        };
        let mut kinds = SyscallKind::iter().filter(|kind| kind.names().contains(&name));
        match kinds.find_map(|kind| Syscall::shaped(kind, &args)) {
            Some(syscall) => (fd, syscall),
            None => {
                args.0.retain(|(name, _)| fd.is_none() || name != descriptor);
                (fd, Syscall::Other { args })
            }
        }
    }

    /// The call of this kind with these arguments; `None` if it lacks what it must have.
    fn shaped(kind: SyscallKind, args: &Args) -> Option<Syscall> {
        let number = |name: &str| match args.get(name) {
            Some(Value::Number(number)) => Some(*number),
            _ => None,
        };
        let text = |name: &str| {
            args.get(name).map(|value| match value {
                Value::Text(text) => text.clone(),
                other => Cow::Owned(other.to_string()),
            })
        };
        let option = || Some(SockOpt::parse(text("level")?, text("option")?));
        Some(match kind {
            SyscallKind::Socket => Syscall::Socket {
                domain: Domain::parse(text("domain")?),
                kind: SocketType::parse(text("type")?),
                protocol: Protocol::parse(text("protocol")?),
            },
            SyscallKind::Bind => Syscall::Bind { address: args.address("address")?.clone() },
            SyscallKind::Listen => Syscall::Listen { backlog: number("backlog")? },
            SyscallKind::Accept => Syscall::Accept,
            SyscallKind::Connect => Syscall::Connect { address: args.address("address")?.clone() },
            SyscallKind::Send => Syscall::Send {
                data: args.data("data")?.clone(),
                to: args.address("address").cloned(),
            },
            SyscallKind::Recv => Syscall::Recv {
                size: number("size")?.try_into().ok()?,
                flags: MsgFlags(text("flags").unwrap_or_default()),
            },
            SyscallKind::Shutdown => Syscall::Shutdown { how: How::parse(text("how")?) },
            SyscallKind::Close => Syscall::Close,
            SyscallKind::GetSockName => Syscall::GetSockName,
            SyscallKind::GetPeerName => Syscall::GetPeerName,
            SyscallKind::GetOption => Syscall::GetOption { option: option()? },
            SyscallKind::SetOption => {
                Syscall::SetOption { option: option()?, value: args.get("value")?.clone() }
            }
            SyscallKind::GetFlags if *text("command")? == *"F_GETFL" => Syscall::GetFlags,
            SyscallKind::SetFlags if *text("command")? == *"F_SETFL" => Syscall::SetFlags {
                nonblocking: match &*text("flags")? {
                    "O_NONBLOCK" => true,
                    "0" => false,
                    _ => return None,
                },
            },
            SyscallKind::Select => Syscall::Select {
                nfds: number("nfds")?,
                read: FdList::parse(&text("readfds")?)?,
                write: FdList::parse(&text("writefds")?)?,
                timeout_us: match &*text("timeout")? {
                    "NULL" => None,
                    span => Some(span.strip_suffix(" us")?.parse().ok()?),
                },
            },
            SyscallKind::Poll => Syscall::Poll {
                watched: PollList::parse(&text("fds")?)?,
                timeout_ms: number("timeout")?,
            },
            SyscallKind::EpollCreate => Syscall::EpollCreate,
            SyscallKind::EpollCtl => Syscall::EpollCtl {
                operation: EpollOperation::parse(text("op")?),
                watched: number("fd")?,
                events: text("events"),
            },
            SyscallKind::EpollWait => Syscall::EpollWait {
                max_events: number("maxevents")?.try_into().ok()?,
                timeout_ms: number("timeout")?,
            },
            SyscallKind::GetFlags | SyscallKind::SetFlags | SyscallKind::Other => return None,
        })
    }

    /// The address that the call names: where to bind, connect or send.
    pub fn address(&self) -> Option<&Address> {
        match self {
            Syscall::Bind { address } | Syscall::Connect { address } => Some(address),
            Syscall::Send { to, .. } => to.as_ref(),
            _ => None,
        }
    }

    fn class(&self) -> Class {
        SyscallKind::from(self).class()
    }

    /// True if the call makes, names, configures or closes a socket, and returns at once.
    pub fn sets_up(&self) -> bool {
        self.class() == Class::Setup
    }

    /// True if the call only asks for something that the kernel knows, and changes nothing.
    pub fn only_asks(&self) -> bool {
        self.class() == Class::Query
    }

    /// True for select, poll and epoll_wait: calls that wait for many sockets at once.
    pub fn waits_for_many(&self) -> bool {
        self.class() == Class::Readiness
    }

    /// True if the call may block: a blocking socket makes it wait for the peer or for room.
    pub fn may_block(&self) -> bool {
        matches!(self.class(), Class::Transfer | Class::Readiness)
    }
}

fn number_or_text(text: &Text) -> Value {
    text.parse().map_or_else(|_| Value::Text(text.clone()), Value::Number)
}

/// What the kernel filled in when a call returned.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Output {
    /// Nothing.
    #[default]
    None,
    /// socket(2): the new socket.
    Opened { socket: SocketId },
    /// accept(2): the new socket, and the peer's address.
    Accepted { socket: SocketId, peer: Address },
    /// recv(2): the bytes, and for a datagram who sent it.
    Received { data: Data, from: Option<Address> },
    /// getsockname(2), getpeername(2).
    Name(Address),
    /// An option's value.
    Value(Value),
    /// `TCP_INFO` (tcp(7)).
    TcpInfo(TcpInfo),
    /// select(2), poll(2), epoll_wait(2): the descriptors that are ready, and for what.
    Ready(PollList),
    /// Anything else, by name.
    Other(Args),
}

/// A part of `TCP_INFO` (tcp(7)).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TcpInfo {
    /// The TCP state: `ESTABLISHED`.
    pub state: Text,
    /// The smoothed round-trip time, in microseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rtt_us: Option<u32>,
    /// The retransmission timeout, in microseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rto_us: Option<u32>,
    /// Segments retransmitted so far.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_retrans: Option<u32>,
    /// The largest segment that it sends, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snd_mss: Option<u32>,
}

impl TcpInfo {
    /// The numbers that are known, by name.
    pub fn numbers(&self) -> impl Iterator<Item = (&'static str, u32)> {
        let all = [
            ("rtt_us", self.rtt_us),
            ("rto_us", self.rto_us),
            ("total_retrans", self.total_retrans),
            ("snd_mss", self.snd_mss),
        ];
        all.into_iter().filter_map(|(name, number)| Some((name, number?)))
    }
}

impl Output {
    /// What was filled in, by name.
    pub fn args(&self) -> Args {
        match self {
            Output::None => Args::default(),
            Output::Opened { socket } => args! { socket: *socket },
            Output::Accepted { socket, peer } => args! { address: peer.clone(), socket: *socket },
            Output::Received { data, from: None } => args! { data: data.clone() },
            Output::Received { data, from: Some(from) } => {
                args! { data: data.clone(), address: from.clone() }
            }
            Output::Name(address) => args! { address: address.clone() },
            Output::Value(value) => args! { value: value.clone() },
            Output::TcpInfo(info) => {
                let mut args = args! { state: info.state.clone() };
                args.0.extend(info.numbers().map(|(name, number)| (name.into(), number.into())));
                args
            }
            Output::Ready(list) => args! { ready: list.to_string() },
            Output::Other(args) => args.clone(),
        }
    }

    /// What these names and values say.
    pub fn decode(args: Args) -> Output {
        if args.is_empty() {
            return Output::None;
        }
        Output::shaped(&args).unwrap_or(Output::Other(args))
    }

    fn shaped(args: &Args) -> Option<Output> {
        let number = |name: &str| match args.get(name) {
            Some(Value::Number(number)) => u32::try_from(*number).ok(),
            _ => None,
        };
        let socket = || match args.get("socket") {
            Some(Value::Number(number)) => u64::try_from(*number).ok().map(SocketId),
            _ => None,
        };
        let text = |name: &str| match args.get(name) {
            Some(Value::Text(text)) => Some(text.clone()),
            _ => None,
        };
        let has = |names: &[&str]| {
            args.0.len() == names.len() && names.iter().all(|name| args.get(name).is_some())
        };
        Some(if has(&["address", "socket"]) {
            Output::Accepted { socket: socket()?, peer: args.address("address")?.clone() }
        } else if has(&["socket"]) {
            Output::Opened { socket: socket()? }
        } else if has(&["data"]) || has(&["data", "address"]) {
            Output::Received {
                data: args.data("data")?.clone(),
                from: args.address("address").cloned(),
            }
        } else if has(&["address"]) {
            Output::Name(args.address("address")?.clone())
        } else if has(&["value"]) {
            Output::Value(args.get("value")?.clone())
        } else if args.get("state").is_some() {
            Output::TcpInfo(TcpInfo {
                state: text("state")?,
                rtt_us: number("rtt_us"),
                rto_us: number("rto_us"),
                total_retrans: number("total_retrans"),
                snd_mss: number("snd_mss"),
            })
        } else if has(&["ready"]) {
            Output::Ready(PollList::parse(&text("ready")?)?)
        } else {
            return None;
        })
    }

    /// The address that was filled in: a peer's, a sender's, a socket's own.
    pub fn address(&self) -> Option<&Address> {
        match self {
            Output::Accepted { peer, .. } => Some(peer),
            Output::Received { from, .. } => from.as_ref(),
            Output::Name(address) => Some(address),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address() -> Address {
        Address::Inet("127.0.0.1:80".parse().expect("an address"))
    }

    /// One of each kind.
    fn examples() -> Vec<Syscall> {
        let list = || Listed::of([3].into_iter());
        let watched = || Listed::of([(3, Text::from("POLLIN"))].into_iter());
        let (option, value) = (SockOpt::NoDelay, Value::Number(1));
        vec![
            Syscall::Socket {
                domain: Domain::Inet,
                kind: SocketType::Stream,
                protocol: Protocol::Tcp,
            },
            Syscall::Bind { address: address() },
            Syscall::Listen { backlog: 5 },
            Syscall::Accept,
            Syscall::Connect { address: address() },
            Syscall::Send { data: Data::of(b"hello"), to: Some(address()) },
            Syscall::Recv { size: 16, flags: MsgFlags::named("MSG_PEEK") },
            Syscall::Shutdown { how: How::Write },
            Syscall::Close,
            Syscall::GetSockName,
            Syscall::GetPeerName,
            Syscall::GetOption { option: option.clone() },
            Syscall::SetOption { option, value },
            Syscall::GetFlags,
            Syscall::SetFlags { nonblocking: true },
            Syscall::Select { nfds: 4, read: list(), write: FdList::default(), timeout_us: None },
            Syscall::Poll { watched: watched(), timeout_ms: -1 },
            Syscall::EpollCreate,
            Syscall::EpollCtl {
                operation: EpollOperation::Add,
                watched: 3,
                events: Some("EPOLLIN".into()),
            },
            Syscall::EpollWait { max_events: 8, timeout_ms: 0 },
            Syscall::Other { args: Args::default() },
        ]
    }

    #[test]
    fn every_call_is_read_as_it_is_written_under_each_of_its_names() {
        let examples = examples();
        for syscall in &examples {
            for name in SyscallKind::from(syscall).names() {
                let mut args = syscall.args();
                args.0.insert(0, (syscall.descriptor_arg().into(), 3_i64.into()));
                assert_eq!(Syscall::decode(name, args), (Some(3), syscall.clone()), "{name}");
            }
        }
        let has = |kind: &SyscallKind| examples.iter().any(|one| SyscallKind::from(one) == *kind);
        let missing: Vec<_> = SyscallKind::iter().filter(|kind| !has(kind)).collect();
        assert!(missing.is_empty(), "no example of {missing:?}");
    }

    #[test]
    fn a_call_that_lacks_what_it_must_have_keeps_its_arguments() {
        let args = args! { fd: 3_i64, command: "F_DUPFD" };
        for name in ["fcntl", "listen", "ioctl"] {
            let (fd, read) = Syscall::decode(name, args.clone());
            assert_eq!(fd, Some(3));
            assert_eq!(read, Syscall::Other { args: args! { command: "F_DUPFD" } }, "{name}");
        }
    }
}
