//! Windows: what its kernel tells of TCP connections, by a socket and in its table.

use std::io;
use std::mem;
use std::net::SocketAddrV4;

use windows_sys::Win32::Foundation::{ERROR_INSUFFICIENT_BUFFER, NO_ERROR};
use windows_sys::Win32::NetworkManagement::IpHelper::{
    GetExtendedTcpTable, MIB_TCPROW_LH, TCP_TABLE_BASIC_ALL,
};
use windows_sys::Win32::Networking::WinSock as winsock;

use super::windows::handle;
use super::{TcpEntry, TcpInfo};

/// What SIO_TCP_INFO says of a connection, since Windows 10 1703; `None` before that, and of a socket that is not TCP.
pub fn tcp_info(socket: &socket2::Socket) -> io::Result<Option<TcpInfo>> {
    let (version, mut info, mut length) = (0_u32, winsock::TCP_INFO_v0::default(), 0_u32);
    // SAFETY: the pointers are to what their lengths say, and nothing is overlapped.
    let answer = unsafe {
        winsock::WSAIoctl(
            handle(socket),
            winsock::SIO_TCP_INFO,
            (&raw const version).cast(),
            mem::size_of_val(&version) as u32,
            (&raw mut info).cast(),
            mem::size_of_val(&info) as u32,
            &raw mut length,
            std::ptr::null_mut(),
            None,
        )
    };
    if answer != 0 {
        return Ok(None);
    }
    Ok(Some(TcpInfo {
        state: state_name(info.State),
        rtt_us: Some(info.RttUs),
        rto_us: None,
        total_retrans: None,
        snd_mss: info.Mss,
        unacked: None,
    }))
}

/// A state as SIO_TCP_INFO counts them (mstcpip.h), in Linux's spelling.
fn state_name(state: winsock::TCPSTATE) -> &'static str {
    const NAMES: [&str; 11] = [
        "CLOSE",
        "LISTEN",
        "SYN_SENT",
        "SYN_RECV",
        "ESTABLISHED",
        "FIN_WAIT1",
        "FIN_WAIT2",
        "CLOSE_WAIT",
        "CLOSING",
        "LAST_ACK",
        "TIME_WAIT",
    ];
    usize::try_from(state).ok().and_then(|at| NAMES.get(at)).copied().unwrap_or("UNKNOWN")
}

/// The entry with these addresses in the system's table of IPv4 TCP sockets (GetExtendedTcpTable), which names no timers.
pub fn tcp_table(local: SocketAddrV4, peer: SocketAddrV4) -> io::Result<Option<TcpEntry>> {
    const IPV4: u32 = winsock::AF_INET as u32;
    let mut size = 64 * 1024_u32;
    loop {
        let mut table = vec![0_u32; size as usize / mem::size_of::<u32>() + 1];
        let to = table.as_mut_ptr().cast();
        // SAFETY: the table is as long as is said.
        let answer =
            unsafe { GetExtendedTcpTable(to, &raw mut size, 0, IPV4, TCP_TABLE_BASIC_ALL, 0) };
        match answer {
            ERROR_INSUFFICIENT_BUFFER => {
                size += size / 4; // more sockets may come meanwhile
                continue;
            }
            NO_ERROR => {}
            error => return Err(io::Error::from_raw_os_error(error.cast_signed())),
        }
        let Some((count, rows)) = table.split_first() else { return Ok(None) };
        let words = mem::size_of::<MIB_TCPROW_LH>() / mem::size_of::<u32>();
        let found = rows.chunks_exact(words).take(*count as usize).find_map(|row| {
            // state, local address and port, remote address and port (tcpmib.h)
            let [state, from, from_port, to, to_port] = *row else { return None };
            (is_at(local, from, from_port) && is_at(peer, to, to_port)).then_some(state)
        });
        // MIB_TCP_STATE counts the same states, from 1.
        return Ok(found.map(|state| TcpEntry {
            state: state_name(state.wrapping_sub(1).cast_signed()),
            left: None,
        }));
    }
}

/// Whether this address and port of a table, both in network order, are these.
fn is_at(wanted: SocketAddrV4, address: u32, port: u32) -> bool {
    address.to_ne_bytes() == wanted.ip().octets() && u16::from_be(port as u16) == wanted.port()
}
