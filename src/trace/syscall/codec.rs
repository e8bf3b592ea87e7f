//! How calls and their outputs are written down: as names with values. Only this file knows those names.
//!
//! [`Syscall::args`] and [`Output::args`] encode, [`Syscall::decode`] and [`Output::decode`] decode. What has no shape is kept
//! with its names as [`Syscall::Other`] and [`Output::Other`].

use std::borrow::Cow;

use strum::IntoEnumIterator;

use super::names::{
    Domain, EpollOperation, FlagsCommand, How, MsgFlags, Protocol, SockOpt, SocketFlags, SocketType,
};
use super::{FdList, Output, PollList, Syscall, SyscallKind, TcpInfo, Text};
use crate::trace::{Args, SocketId, Value};

macro_rules! args {
    ($($name:ident: $value:expr),* $(,)?) => {
        Args(vec![$((Cow::Borrowed(stringify!($name)), Value::from($value))),*])
    };
}

impl Syscall {
    /// The arguments by name, in the order of the call.
    pub fn args(&self) -> Args {
        match self {
            Syscall::Socket { domain, kind, protocol, flags }
            | Syscall::SocketPair { domain, kind, protocol, flags } => {
                args! { domain: domain, type: kind, protocol: protocol }.with_flags(&flags.0)
            }
            Syscall::Bind { address } | Syscall::Connect { address, length: None } => {
                args! { address: address.clone() }
            }
            Syscall::Connect { address, length: Some(length) } => {
                args! { address: address.clone(), length: *length }
            }
            Syscall::Listen { backlog } => args! { backlog: *backlog },
            Syscall::Send { data, to: None, flags } => {
                args! { data: data.clone() }.with_flags(&flags.0)
            }
            Syscall::Send { data, to: Some(to), flags } => {
                args! { data: data.clone(), address: to.clone() }.with_flags(&flags.0)
            }
            Syscall::Recv { size, flags } => args! { size: *size }.with_flags(&flags.0),
            Syscall::Shutdown { how } => args! { how: how },
            Syscall::GetOption { option } => {
                args! { level: option.level(), option: option.name() }
            }
            Syscall::SetOption { option, value } => {
                args! { level: option.level(), option: option.name(), value: value.clone() }
            }
            Syscall::GetFlags => args! { command: "F_GETFL" },
            Syscall::SetFlags { nonblocking, command } => {
                args! { command: command, flags: if *nonblocking { "O_NONBLOCK" } else { "0" } }
            }
            Syscall::Dup { command, onto } => {
                let mut args = Args::default();
                args.0
                    .extend(command.iter().map(|it| (Cow::Borrowed("command"), it.clone().into())));
                args.0.extend(onto.iter().map(|it| (Cow::Borrowed("newfd"), (*it).into())));
                args
            }
            Syscall::Select { nfds, read, write, except, timeout_us } => {
                let timeout =
                    timeout_us.map_or(Cow::Borrowed("NULL"), |us| format!("{us} us").into());
                args! { nfds: *nfds, readfds: read.value(), writefds: write.value(), exceptfds: except.value(), timeout: timeout }
            }
            Syscall::Poll { watched, timeout_ms } => {
                args! { fds: watched.to_string(), nfds: watched.count, timeout: *timeout_ms }
            }
            Syscall::EpollCtl { operation, watched, events } => {
                let mut args = args! { op: operation, fd: *watched };
                args.0.extend(events.iter().map(|it| (Cow::Borrowed("events"), it.clone().into())));
                args
            }
            Syscall::EpollWait { max_events, timeout_ms } => {
                args! { maxevents: *max_events, timeout: *timeout_ms }
            }
            Syscall::Sleep { asked_ns } => args! { request_ns: *asked_ns },
            Syscall::Other { args } => args.clone(),
            Syscall::Accept { flags } | Syscall::EpollCreate { flags } => {
                Args::default().with_flags(&flags.0)
            }
            Syscall::Close | Syscall::GetSockName | Syscall::GetPeerName => Args::default(),
        }
    }

    /// The call of this name with these arguments, and its descriptor; a call that lacks what it must have is [`Syscall::Other`].
    pub fn decode(name: &str, mut args: Args) -> (Option<i64>, Syscall) {
        let descriptor = Syscall::descriptor_arg(name);
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
        let flags = || text("flags").unwrap_or_default();
        Some(match kind {
            SyscallKind::Socket => Syscall::Socket {
                domain: Domain::parse(text("domain")?),
                kind: SocketType::parse(text("type")?),
                protocol: Protocol::parse(text("protocol")?),
                flags: SocketFlags(flags()),
            },
            SyscallKind::SocketPair => Syscall::SocketPair {
                domain: Domain::parse(text("domain")?),
                kind: SocketType::parse(text("type")?),
                protocol: Protocol::parse(text("protocol")?),
                flags: SocketFlags(flags()),
            },
            SyscallKind::Bind => Syscall::Bind { address: args.address("address")?.clone() },
            SyscallKind::Listen => Syscall::Listen { backlog: number("backlog")? },
            SyscallKind::Accept => Syscall::Accept { flags: SocketFlags(flags()) },
            SyscallKind::Connect => Syscall::Connect {
                address: args.address("address")?.clone(),
                length: number("length").and_then(|length| length.try_into().ok()),
            },
            SyscallKind::Send => Syscall::Send {
                data: args.data("data")?.clone(),
                to: args.address("address").cloned(),
                flags: MsgFlags(flags()),
            },
            SyscallKind::Recv => {
                Syscall::Recv { size: number("size")?.try_into().ok()?, flags: MsgFlags(flags()) }
            }
            SyscallKind::Shutdown => Syscall::Shutdown { how: How::parse(text("how")?) },
            SyscallKind::Close => Syscall::Close,
            SyscallKind::GetSockName => Syscall::GetSockName,
            SyscallKind::GetPeerName => Syscall::GetPeerName,
            SyscallKind::GetOption => Syscall::GetOption { option: option()? },
            SyscallKind::SetOption => {
                Syscall::SetOption { option: option()?, value: args.get("value")?.clone() }
            }
            SyscallKind::GetFlags if *text("command")? == *"F_GETFL" => Syscall::GetFlags,
            SyscallKind::SetFlags => Syscall::SetFlags {
                nonblocking: match &*text("flags")? {
                    "O_NONBLOCK" => true,
                    "0" => false,
                    _ => return None,
                },
                command: match FlagsCommand::parse(text("command")?) {
                    FlagsCommand::Other(_) => return None,
                    known => known,
                },
            },
            SyscallKind::Dup => Syscall::Dup {
                command: match text("command") {
                    Some(command) if !command.starts_with("F_DUPFD") => return None,
                    None if args.get("flags").is_some() => return None,
                    command => command,
                },
                onto: number("newfd"),
            },
            SyscallKind::Select => Syscall::Select {
                nfds: number("nfds")?,
                read: FdList::parse(&text("readfds")?)?,
                write: FdList::parse(&text("writefds")?)?,
                except: FdList::parse(&text("exceptfds")?)?,
                timeout_us: match &*text("timeout")? {
                    "NULL" => None,
                    span => Some(span.strip_suffix(" us")?.parse().ok()?),
                },
            },
            SyscallKind::Poll => Syscall::Poll {
                watched: PollList::parse(&text("fds")?)?,
                timeout_ms: number("timeout")?,
            },
            SyscallKind::EpollCreate => Syscall::EpollCreate { flags: SocketFlags(flags()) },
            SyscallKind::EpollCtl => Syscall::EpollCtl {
                operation: EpollOperation::parse(text("op")?),
                watched: number("fd")?,
                events: text("events"),
            },
            SyscallKind::EpollWait => Syscall::EpollWait {
                max_events: number("maxevents")?.try_into().ok()?,
                timeout_ms: number("timeout")?,
            },
            SyscallKind::Sleep => {
                Syscall::Sleep { asked_ns: number("request_ns")?.try_into().ok()? }
            }
            SyscallKind::GetFlags | SyscallKind::Other => return None,
        })
    }
}

fn number_or_text(text: &Text) -> Value {
    text.parse().map_or_else(|_| Value::Text(text.clone()), Value::Number)
}

impl Args {
    /// The same with these flags, if there are any.
    fn with_flags(mut self, flags: &Text) -> Args {
        if !flags.is_empty() {
            self.0.push((Cow::Borrowed("flags"), number_or_text(flags)));
        }
        self
    }
}

impl Output {
    /// What was filled in, by name.
    pub fn args(&self) -> Args {
        match self {
            Output::None => Args::default(),
            Output::Opened { socket } => args! { socket: *socket },
            Output::Pair { sockets: [one, other], fds: [fd, other_fd] } => {
                args! { fd: *fd, other_fd: *other_fd, socket: *one, other_socket: *other }
            }
            Output::Closed { still_open } => args! { still_open: *still_open },
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
        let long = |name: &str| match args.get(name) {
            Some(Value::Number(number)) => Some(*number),
            _ => None,
        };
        let socket_of = |name: &str| u64::try_from(long(name)?).ok().map(SocketId);
        let socket = || socket_of("socket");
        let text = |name: &str| match args.get(name) {
            Some(Value::Text(text)) => Some(text.clone()),
            _ => None,
        };
        let has = |names: &[&str]| {
            args.0.len() == names.len() && names.iter().all(|name| args.get(name).is_some())
        };
        Some(if has(&["address", "socket"]) {
            Output::Accepted { socket: socket()?, peer: args.address("address")?.clone() }
        } else if has(&["fd", "other_fd", "socket", "other_socket"]) {
            Output::Pair {
                sockets: [socket()?, socket_of("other_socket")?],
                fds: [long("fd")?, long("other_fd")?],
            }
        } else if has(&["still_open"]) {
            Output::Closed { still_open: number("still_open")? }
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::{Address, Data, Listed};

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
                flags: SocketFlags::default(),
            },
            Syscall::SocketPair {
                domain: Domain::Unix,
                kind: SocketType::Datagram,
                protocol: Protocol::Default,
                flags: SocketFlags::named("SOCK_NONBLOCK|SOCK_CLOEXEC"),
            },
            Syscall::Bind { address: address() },
            Syscall::Listen { backlog: 5 },
            Syscall::Accept { flags: SocketFlags::named("SOCK_NONBLOCK") },
            Syscall::Connect { address: address(), length: None },
            Syscall::Connect { address: address(), length: Some(28) },
            Syscall::Send {
                data: Data::of(b"hello"),
                to: Some(address()),
                flags: MsgFlags::named("MSG_DONTWAIT"),
            },
            Syscall::Recv { size: 16, flags: MsgFlags::named("MSG_PEEK") },
            Syscall::Shutdown { how: How::Write },
            Syscall::Close,
            Syscall::GetSockName,
            Syscall::GetPeerName,
            Syscall::GetOption { option: option.clone() },
            Syscall::SetOption { option, value },
            Syscall::GetFlags,
            Syscall::SetFlags { nonblocking: true, command: FlagsCommand::Ioctl },
            Syscall::Dup { command: Some("F_DUPFD_CLOEXEC".into()), onto: Some(10) },
            Syscall::Select {
                nfds: 4,
                read: list(),
                write: FdList::default(),
                except: list(),
                timeout_us: None,
            },
            Syscall::Poll { watched: watched(), timeout_ms: -1 },
            Syscall::EpollCreate { flags: SocketFlags("EPOLL_CLOEXEC".into()) },
            Syscall::EpollCtl {
                operation: EpollOperation::Add,
                watched: 3,
                events: Some("EPOLLIN".into()),
            },
            Syscall::EpollWait { max_events: 8, timeout_ms: 0 },
            Syscall::Sleep { asked_ns: 1_500_000_000 },
            Syscall::Other { args: Args::default() },
        ]
    }

    #[test]
    fn every_call_is_read_as_it_is_written_under_each_of_its_names() {
        let examples = examples();
        for syscall in &examples {
            for name in SyscallKind::from(syscall).names() {
                let mut args = syscall.args();
                args.0.insert(0, (Syscall::descriptor_arg(name).into(), 3_i64.into()));
                assert_eq!(Syscall::decode(name, args), (Some(3), syscall.clone()), "{name}");
            }
        }
        let has = |kind: &SyscallKind| examples.iter().any(|one| SyscallKind::from(one) == *kind);
        let missing: Vec<_> = SyscallKind::iter().filter(|kind| !has(kind)).collect();
        assert!(missing.is_empty(), "no example of {missing:?}");
    }

    #[test]
    fn the_length_of_an_address_is_an_argument_only_where_it_is_not_its_familys() {
        let lengths = |address: &Address| {
            [16, 28].map(|bytes| Syscall::connect(address.clone(), bytes).args().0.len())
        };
        let inet6 = Address::Inet6("[::1]:80".parse().expect("an address"));
        assert_eq!(lengths(&address()), [1, 2]);
        assert_eq!(lengths(&inet6), [2, 1]);
        assert_eq!(lengths(&Address::Unix(Some("/tmp/door".to_owned()))), [1, 1]);
    }

    #[test]
    fn an_output_is_read_as_it_is_written() {
        let data = Data::of(b"hello");
        for output in [
            Output::None,
            Output::Opened { socket: SocketId(7) },
            Output::Pair { sockets: [SocketId(7), SocketId(8)], fds: [3, 4] },
            Output::Accepted { socket: SocketId(7), peer: address() },
            Output::Received { data, from: Some(address()) },
            Output::Closed { still_open: 0 },
            Output::Name(address()),
            Output::Value(Value::Number(1)),
            Output::TcpInfo(TcpInfo { state: "LISTEN".into(), ..TcpInfo::default() }),
            Output::Ready(Listed::of([(3, Text::from("POLLIN"))].into_iter())),
        ] {
            assert_eq!(Output::decode(output.args()), output);
        }
    }

    #[test]
    fn a_call_that_lacks_what_it_must_have_keeps_its_arguments() {
        let args = args! { fd: 3_i64, command: "F_SETFD" };
        for name in ["fcntl", "listen", "ioctl"] {
            let (fd, read) = Syscall::decode(name, args.clone());
            assert_eq!(fd, Some(3));
            assert_eq!(read, Syscall::Other { args: args! { command: "F_SETFD" } }, "{name}");
        }
    }
}
