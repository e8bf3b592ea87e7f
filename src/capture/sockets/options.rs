//! The options whose value is a flag, a number or a time: one row each, and the two methods that go with it.

use std::io;
use std::panic::Location;
use std::time::Duration;

use super::Socket;
use crate::trace::{SockOpt, Value};

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
    /// Does an IPv6 socket refuse IPv4 peers: `IPV6_V6ONLY` (ipv6(7)).
    only_v6, set_only_v6: bool, V6Only;
    /// Size of the receive buffer in bytes; Linux doubles what is set: `SO_RCVBUF` (socket(7)).
    recv_buffer_size, set_recv_buffer_size: usize, RecvBuffer;
    /// Size of the send buffer in bytes; Linux doubles what is set: `SO_SNDBUF` (socket(7)).
    send_buffer_size, set_send_buffer_size: usize, SendBuffer;
    /// How long a receiving call may block, `None` for ever: `SO_RCVTIMEO` (socket(7)).
    read_timeout, set_read_timeout: Option<Duration>, RecvTimeout;
    /// How long a sending call may block, `None` for ever: `SO_SNDTIMEO` (socket(7)).
    write_timeout, set_write_timeout: Option<Duration>, SendTimeout;
}

#[cfg(target_os = "linux")]
options! {
    /// How long sent data may stay unacknowledged before the connection fails: `TCP_USER_TIMEOUT` (tcp(7)).
    tcp_user_timeout, set_tcp_user_timeout: Option<Duration>, UserTimeout;
}

#[cfg(not(target_os = "linux"))]
impl Socket {
    /// How long sent data may stay unacknowledged before the connection fails: this system has no `TCP_USER_TIMEOUT`.
    pub fn set_tcp_user_timeout(&self, _: Option<Duration>) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// An option's value as it is recorded; a time span in microseconds, none as 0, as the kernel keeps it.
pub(super) trait OptionValue {
    fn value(self) -> Value;
}

impl OptionValue for bool {
    fn value(self) -> Value {
        self.into()
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

pub(super) fn value_of(value: impl OptionValue) -> Value {
    value.value()
}
