//! Socket options and modes. An option whose value is a flag, a number or a time is a row of a table, from which its getter and
//! its setter are made.

use std::borrow::Cow;
use std::io;
use std::ops::RangeInclusive;
use std::panic::Location;
use std::time::Duration;

use socket2::Protocol;

use super::{Socket, done, names, sys};
#[cfg(not(target_os = "linux"))]
use crate::trace::Feature;
use crate::trace::{Args, Output, SockOpt, Syscall, Value};

/// Options whose value is a flag or a number: getter, setter, type, option.
macro_rules! options {
    ($($(#[$doc:meta])* $getter:ident, $setter:ident: $type:ty, $option:ident;)*) => {
        impl Socket {
            $(
                $(#[$doc])*
                #[track_caller]
                pub fn $getter(&self) -> io::Result<$type> {
                    self.get(stringify!($getter), SockOpt::$option, Location::caller(), |socket| socket.$getter(), |value| value_of(*value))
                }

                $(#[$doc])*
                #[track_caller]
                pub fn $setter(&self, to: $type) -> io::Result<()> {
                    self.set(stringify!($setter), SockOpt::$option, value_of(to), Location::caller(), |socket| socket.$setter(to))
                }
            )*
        }
    };
}

options! {
    /// May the address be bound while an old connection lingers in TIME_WAIT: `SO_REUSEADDR` (socket(7)).
    reuse_address, set_reuse_address: bool, ReuseAddr;
    /// Are small segments sent at once, without Nagle's wait: `TCP_NODELAY` (tcp(7)).
    tcp_nodelay, set_tcp_nodelay: bool, NoDelay;
    /// Is an idle connection probed: `SO_KEEPALIVE` (socket(7)).
    keepalive, set_keepalive: bool, KeepAlive;
    /// What close does with bytes not yet sent, and how long it waits: `SO_LINGER` (socket(7)).
    linger, set_linger: Option<Duration>, Linger;
    /// Does urgent data come in its place among the rest: `SO_OOBINLINE` (socket(7)).
    out_of_band_inline, set_out_of_band_inline: bool, OobInline;
    /// Does an IPv6 socket refuse IPv4 peers: `IPV6_V6ONLY` (ipv6(7)).
    only_v6, set_only_v6: bool, V6Only;
    /// Size of the receive buffer in bytes; Linux doubles what is set: `SO_RCVBUF` (socket(7)).
    recv_buffer_size, set_recv_buffer_size: usize, RecvBuffer;
    /// Size of the send buffer in bytes; Linux doubles what is set: `SO_SNDBUF` (socket(7)).
    send_buffer_size, set_send_buffer_size: usize, SendBuffer;
    /// How long a receiving call may block, `None` for no limit: `SO_RCVTIMEO` (socket(7)).
    read_timeout, set_read_timeout: Option<Duration>, RecvTimeout;
    /// How long a sending call may block, `None` for no limit: `SO_SNDTIMEO` (socket(7)).
    write_timeout, set_write_timeout: Option<Duration>, SendTimeout;
}

#[cfg(target_os = "linux")]
options! {
    /// How long sent data may stay unacknowledged before the connection fails: `TCP_USER_TIMEOUT` (tcp(7)).
    tcp_user_timeout, set_tcp_user_timeout: Option<Duration>, UserTimeout;
    /// Are bytes held back until a segment is full, or the stream ends: `TCP_CORK` (tcp(7)).
    tcp_cork, set_tcp_cork: bool, Cork;
    /// Is what arrives acknowledged at once: `TCP_QUICKACK` (tcp(7)).
    tcp_quickack, set_tcp_quickack: bool, QuickAck;
    /// May other sockets of the same user that set it too share the address and port: `SO_REUSEPORT` (socket(7)).
    reuse_port, set_reuse_port: bool, ReusePort;
}

/// Options of Linux that are set and not asked for.
#[cfg(target_os = "linux")]
impl Socket {
    /// After how long without traffic the first keepalive probe is sent: `TCP_KEEPIDLE` (tcp(7)), in whole seconds.
    #[track_caller]
    pub fn set_keepalive_time(&self, time: Duration) -> io::Result<()> {
        self.set_seconds("set_keepalive_time", SockOpt::KeepIdle, libc::TCP_KEEPIDLE, time)
    }

    /// How long after a keepalive probe the next one is sent: `TCP_KEEPINTVL` (tcp(7)), in whole seconds.
    #[track_caller]
    pub fn set_keepalive_interval(&self, interval: Duration) -> io::Result<()> {
        let setter = "set_keepalive_interval";
        self.set_seconds(setter, SockOpt::KeepInterval, libc::TCP_KEEPINTVL, interval)
    }

    #[track_caller]
    fn set_seconds(
        &self,
        setter: &'static str,
        option: SockOpt,
        name: i32,
        span: Duration,
    ) -> io::Result<()> {
        let seconds = i32::try_from(span.as_secs()).unwrap_or(i32::MAX);
        self.set(setter, option, i64::from(seconds).into(), Location::caller(), |socket| {
            sys::set_option(socket, libc::IPPROTO_TCP, name, seconds)
        })
    }

    /// How many keepalive probes may stay unanswered before the connection fails: `TCP_KEEPCNT` (tcp(7)).
    #[track_caller]
    pub fn set_keepalive_retries(&self, retries: u32) -> io::Result<()> {
        let (setter, value) = ("set_keepalive_retries", i64::from(retries).into());
        self.set(setter, SockOpt::KeepCount, value, Location::caller(), |socket| {
            let retries = i32::try_from(retries).unwrap_or(i32::MAX);
            sys::set_option(socket, libc::IPPROTO_TCP, libc::TCP_KEEPCNT, retries)
        })
    }

    /// The ports from which the kernel chooses one for this socket, instead of those for every socket of the machine:
    /// `IP_LOCAL_PORT_RANGE` (ip(7)).
    ///
    /// # Errors
    /// `ENOPROTOOPT` before Linux 6.3.
    #[track_caller]
    pub fn set_local_port_range(&self, ports: RangeInclusive<u16>) -> io::Result<()> {
        /// linux/in.h
        const IP_LOCAL_PORT_RANGE: i32 = 51;
        let (level, name) = (Cow::Borrowed("IPPROTO_IP"), Cow::Borrowed("IP_LOCAL_PORT_RANGE"));
        let option = SockOpt::Other { level, name };
        let (first, last) = (*ports.start(), *ports.end());
        let both = u32::from(last) << 16 | u32::from(first);
        let value = format!("{first}-{last}").into();
        self.set("set_local_port_range", option, value, Location::caller(), |socket| {
            sys::set_option(socket, libc::IPPROTO_IP, IP_LOCAL_PORT_RANGE, both.cast_signed())
        })
    }
}

#[cfg(not(target_os = "linux"))]
impl Socket {
    /// This system's keepalive is not set here.
    pub fn set_keepalive_time(&self, _: Duration) -> io::Result<()> {
        sys::unsupported(Feature::KeepIdle)
    }

    /// This system's keepalive is not set here.
    pub fn set_keepalive_interval(&self, _: Duration) -> io::Result<()> {
        sys::unsupported(Feature::KeepIdle)
    }

    /// This system's keepalive is not set here.
    pub fn set_keepalive_retries(&self, _: u32) -> io::Result<()> {
        sys::unsupported(Feature::KeepIdle)
    }

    /// How long sent data may stay unacknowledged before the connection fails: this system has no `TCP_USER_TIMEOUT`.
    pub fn set_tcp_user_timeout(&self, _: Option<Duration>) -> io::Result<()> {
        sys::unsupported(Feature::UserTimeout)
    }

    /// Are bytes held back until a segment is full, or the stream ends: this system has no `TCP_CORK`.
    pub fn set_tcp_cork(&self, _: bool) -> io::Result<()> {
        sys::unsupported(Feature::Cork)
    }

    /// Is what arrives acknowledged at once: this system has no `TCP_QUICKACK`.
    pub fn set_tcp_quickack(&self, _: bool) -> io::Result<()> {
        sys::unsupported(Feature::QuickAck)
    }

    /// May other sockets share the address and port: on other systems this option means something else.
    pub fn set_reuse_port(&self, _: bool) -> io::Result<()> {
        sys::unsupported(Feature::SharedPort)
    }

    /// The ports from which the kernel chooses one: this system has no `IP_LOCAL_PORT_RANGE`.
    pub fn set_local_port_range(&self, _: RangeInclusive<u16>) -> io::Result<()> {
        sys::unsupported(Feature::LocalPortRange)
    }
}

impl Socket {
    /// Whether programs that this process starts do without it: `FD_CLOEXEC`, the descriptor's close-on-exec flag (fcntl(2)).
    /// Rust, like Python, sets it on every socket.
    #[track_caller]
    pub fn set_cloexec(&self, close_on_exec: bool) -> io::Result<()> {
        let flags = if close_on_exec { "FD_CLOEXEC" } else { "0" };
        let args = [("command", "F_SETFD"), ("flags", flags)];
        let args = args.map(|(name, value)| (Cow::Borrowed(name), Value::from(value)));
        let syscall = Syscall::Other { args: Args(args.into()) };
        let names = ("set_cloexec", "fcntl");
        #[cfg(unix)]
        let set = |socket: &socket2::Socket| socket.set_cloexec(close_on_exec);
        #[cfg(not(unix))]
        let set = |_: &socket2::Socket| sys::unsupported(Feature::CloseOnExec);
        self.call(names, syscall, Location::caller(), set, done)
    }

    /// What a server sets before bind, so that it has its port again as soon as it has ended, and nobody else's: `SO_REUSEADDR`
    /// (socket(7)), on Windows `SO_EXCLUSIVEADDRUSE`.
    #[track_caller]
    pub fn set_server_address(&self) -> io::Result<()> {
        let (level, name) = (Cow::Borrowed("SOL_SOCKET"), Cow::Borrowed(sys::SERVER_OPTION));
        let option = match sys::SERVER_OPTION {
            "SO_REUSEADDR" => SockOpt::ReuseAddr,
            _ => SockOpt::Other { level, name },
        };
        let site = Location::caller();
        self.set("set_server_address", option, value_of(true), site, sys::set_server_option)
    }

    fn set(
        &self,
        setter: &'static str,
        option: SockOpt,
        value: Value,
        site: &'static Location<'static>,
        set: impl FnOnce(&socket2::Socket) -> io::Result<()>,
    ) -> io::Result<()> {
        let syscall = Syscall::SetOption { option, value };
        self.call((setter, "setsockopt"), syscall, site, set, done)
    }

    pub(super) fn set_read_timeout_at(
        &self,
        timeout: Option<Duration>,
        site: &'static Location<'static>,
    ) -> io::Result<()> {
        let value = value_of(timeout);
        self.set("set_read_timeout", SockOpt::RecvTimeout, value, site, |socket| {
            socket.set_read_timeout(timeout)
        })
    }

    pub(super) fn set_write_timeout_at(
        &self,
        timeout: Option<Duration>,
        site: &'static Location<'static>,
    ) -> io::Result<()> {
        let value = value_of(timeout);
        self.set("set_write_timeout", SockOpt::SendTimeout, value, site, |socket| {
            socket.set_write_timeout(timeout)
        })
    }

    fn get<T>(
        &self,
        getter: &'static str,
        option: SockOpt,
        site: &'static Location<'static>,
        get: impl FnOnce(&socket2::Socket) -> io::Result<T>,
        value: impl FnOnce(&T) -> Value,
    ) -> io::Result<T> {
        self.call((getter, "getsockopt"), Syscall::GetOption { option }, site, get, |got| {
            (0, Output::Value(value(got)))
        })
    }

    /// The protocol that it speaks: `SO_PROTOCOL` (socket(7)).
    #[track_caller]
    pub fn protocol(&self) -> io::Result<Option<Protocol>> {
        #[cfg(any(target_os = "linux", windows))]
        let get = socket2::Socket::protocol;
        #[cfg(not(any(target_os = "linux", windows)))]
        let get = |_: &socket2::Socket| sys::unsupported(Feature::Protocol);
        self.get("protocol", SockOpt::Protocol, Location::caller(), get, |protocol| {
            Value::from(&names::protocol(*protocol))
        })
    }

    /// The error that waits on the socket, taken from it: `SO_ERROR` (socket(7)).
    #[track_caller]
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        let take = socket2::Socket::take_error;
        self.get("take_error", SockOpt::Error, Location::caller(), take, |error| {
            error.as_ref().map_or(Value::Number(0), |error| Value::Text(sys::error_name(error)))
        })
    }
}

/// An option's value as it is recorded; a time span in microseconds, none as 0, as the kernel keeps it.
trait OptionValue {
    fn value(self) -> Value;
}

impl OptionValue for bool {
    fn value(self) -> Value {
        Value::Number(self.into())
    }
}

impl OptionValue for usize {
    fn value(self) -> Value {
        self.into()
    }
}

impl OptionValue for Option<Duration> {
    fn value(self) -> Value {
        self.map_or(Value::Number(0), |span| {
            Value::Number(i64::try_from(span.as_micros()).unwrap_or(i64::MAX))
        })
    }
}

fn value_of(value: impl OptionValue) -> Value {
    value.value()
}
