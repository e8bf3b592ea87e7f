//! macOS: what its kernel tells of a TCP connection. Written by Apple's headers (xnu: bsd/netinet/tcp.h, tcp_fsm.h); nobody has tried it on
//! a Mac yet.

use std::io;
use std::mem;
use std::os::fd::AsRawFd;

use super::TcpInfo;

/// A socket's `TCP_CONNECTION_INFO`; `None` if the kernel's answer is too short to hold it. An error for a socket that is not TCP.
pub fn tcp_info(socket: &socket2::Socket) -> io::Result<Option<TcpInfo>> {
    const WHOLE: libc::socklen_t = mem::size_of::<libc::tcp_connection_info>() as libc::socklen_t;
    let mut length = WHOLE;
    // SAFETY: the pointer is to `length` writable bytes, and an all-zero tcp_connection_info is a valid one.
    let info = unsafe {
        let mut info: libc::tcp_connection_info = mem::zeroed();
        let answer = libc::getsockopt(
            socket.as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_CONNECTION_INFO,
            (&raw mut info).cast(),
            &raw mut length,
        );
        if answer != 0 {
            return Err(io::Error::last_os_error());
        }
        info
    };
    let microseconds = |milliseconds: u32| milliseconds.saturating_mul(1000);
    Ok((length >= WHOLE).then(|| TcpInfo {
        state: state_name(info.tcpi_state),
        rtt_us: microseconds(info.tcpi_srtt),
        rto_us: Some(microseconds(info.tcpi_rto)),
        total_retrans: None,
        snd_mss: info.tcpi_maxseg,
        unacked: None,
    }))
}

/// A state as BSD counts them, in Linux's spelling.
fn state_name(state: u8) -> &'static str {
    const NAMES: [&str; 11] = [
        "CLOSE",
        "LISTEN",
        "SYN_SENT",
        "SYN_RECV",
        "ESTABLISHED",
        "CLOSE_WAIT",
        "FIN_WAIT1",
        "CLOSING",
        "LAST_ACK",
        "FIN_WAIT2",
        "TIME_WAIT",
    ];
    NAMES.get(usize::from(state)).copied().unwrap_or("UNKNOWN")
}
