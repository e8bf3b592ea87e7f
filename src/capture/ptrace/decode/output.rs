//! What the kernel has filled in when a call returns.

use super::message::{Message, address_filled_in};
use super::{Made, names, short, waits};
use crate::capture::ptrace::calls::Sys;
use crate::capture::sys::Memory;
use crate::capture::sys::tcp_state_name;
use crate::errno;
use crate::trace::{Output, SockOpt, TcpInfo, Value};

/// What a call that has returned this has filled in. What takes more than memory to know (new sockets, the descriptors of epoll)
/// the tracer adds.
pub fn output(made: &Made, memory: Memory, result: i64) -> Output {
    let a = made.args;
    let count = usize::try_from(result).unwrap_or(0);
    match made.sys {
        Sys::RecvFrom => Output::Received {
            data: made.buffer(memory).data(memory, count),
            from: address_filled_in(memory, a[4], a[5]),
        },
        Sys::Read | Sys::ReadV => {
            Output::Received { data: made.buffer(memory).data(memory, count), from: None }
        }
        Sys::RecvMsg => received(&Message::at(memory, a[1]), memory, count),
        Sys::GetSockName | Sys::GetPeerName => {
            address_filled_in(memory, a[1], a[2]).map_or(Output::None, Output::Name)
        }
        Sys::GetSockOpt => {
            let length = memory.u32(a[4]).unwrap_or(0);
            let bytes = memory.read(a[3], short(length.into()));
            if bytes.is_empty() {
                return Output::None;
            }
            match names::option(made.int(1), made.int(2)) {
                SockOpt::TcpInfo => Output::TcpInfo(tcp_info(&bytes)),
                option => Output::Value(option_value(&option, &bytes)),
            }
        }
        Sys::Fcntl if made.int(1) == libc::F_GETFL => Output::None,
        Sys::Poll | Sys::Select if count > 0 => Output::Ready(waits::ready(made, memory)),
        _ => Output::None,
    }
}

/// What a message brought, whose length is known.
pub fn received(message: &Message, memory: Memory, bytes: usize) -> Output {
    Output::Received { data: message.buffer.data(memory, bytes), from: message.address(memory) }
}

fn int(bytes: &[u8], at: usize) -> Option<i32> {
    bytes.get(at..at + 4).and_then(|it| it.try_into().ok()).map(i32::from_ne_bytes)
}

/// The value of an option, in the units of the recording: microseconds for times, the error's name for `SO_ERROR`.
pub fn option_value(option: &SockOpt, bytes: &[u8]) -> Value {
    let long = |at: usize| {
        bytes.get(at..at + 8).and_then(|it| it.try_into().ok()).map_or(0, i64::from_ne_bytes)
    };
    match option {
        SockOpt::RecvTimeout | SockOpt::SendTimeout => {
            Value::Number(long(0).saturating_mul(1_000_000).saturating_add(long(8)))
        }
        SockOpt::Linger => {
            let (on, seconds) = (int(bytes, 0).unwrap_or(0), int(bytes, 4).unwrap_or(0));
            Value::Number(if on == 0 { -1 } else { i64::from(seconds) * 1_000_000 })
        }
        SockOpt::UserTimeout => Value::Number(i64::from(int(bytes, 0).unwrap_or(0)) * 1_000),
        SockOpt::Error => match int(bytes, 0) {
            Some(0) | None => Value::Number(0),
            Some(code) => Value::Text(errno::name(code)),
        },
        _ => match (int(bytes, 0), bytes.first()) {
            (Some(number), _) => number.into(),
            (None, Some(byte)) => Value::Number((*byte).into()),
            (None, None) => Value::Number(0),
        },
    }
}

/// The parts of `struct tcp_info` that a recording has, at their places (linux/tcp.h).
fn tcp_info(bytes: &[u8]) -> TcpInfo {
    let word = |at: usize| int(bytes, at).map(i32::cast_unsigned);
    TcpInfo {
        state: tcp_state_name(bytes.first().copied().unwrap_or(0)).into(),
        rtt_us: word(68),
        rto_us: word(8),
        total_retrans: word(100),
        snd_mss: word(16),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_have_the_units_of_a_recording() {
        let span = [2_i64, 500_000].map(i64::to_ne_bytes).concat();
        assert_eq!(option_value(&SockOpt::RecvTimeout, &span), Value::Number(2_500_000));
        let linger = [1_i32, 3].map(i32::to_ne_bytes).concat();
        assert_eq!(option_value(&SockOpt::Linger, &linger), Value::Number(3_000_000));
        let refused = libc::ECONNREFUSED.to_ne_bytes();
        assert_eq!(option_value(&SockOpt::Error, &refused), Value::from("ECONNREFUSED"));
        assert_eq!(option_value(&SockOpt::NoDelay, &[1]), Value::Number(1));
        assert_eq!(option_value(&SockOpt::NoDelay, &[]), Value::Number(0));
    }

    #[test]
    fn the_parts_of_tcp_info_are_where_the_kernel_puts_them() {
        assert_eq!(std::mem::offset_of!(libc::tcp_info, tcpi_rto), 8);
        assert_eq!(std::mem::offset_of!(libc::tcp_info, tcpi_snd_mss), 16);
        assert_eq!(std::mem::offset_of!(libc::tcp_info, tcpi_rtt), 68);
        assert_eq!(std::mem::offset_of!(libc::tcp_info, tcpi_total_retrans), 100);
        assert_eq!(tcp_info(&[1]).state, "ESTABLISHED");
        assert_eq!(tcp_info(&[]).rtt_us, None);
    }
}
