//! Windows: clocks, threads, errors of Winsock, its tables of connections.

use std::io;
use std::mem;
use std::net::SocketAddrV4;
use std::os::windows::io::{AsRawSocket, IntoRawSocket};
use std::time::Duration;

use windows_sys::Win32::Foundation::{
    CloseHandle, ERROR_INSUFFICIENT_BUFFER, FILETIME, HANDLE, NO_ERROR,
};
use windows_sys::Win32::NetworkManagement::IpHelper::{
    GetExtendedTcpTable, MIB_TCPROW_OWNER_PID, TCP_TABLE_OWNER_PID_ALL,
};
use windows_sys::Win32::Networking::WinSock as winsock;
use windows_sys::Win32::System::Performance::{QueryPerformanceCounter, QueryPerformanceFrequency};
use windows_sys::Win32::System::ProcessStatus::{K32GetProcessMemoryInfo, PROCESS_MEMORY_COUNTERS};
use windows_sys::Win32::System::Threading as threading;

use super::{TcpEntry, TcpInfo};
use crate::trace::ExitStatus;

/// The system's name and machine.
pub fn name() -> String {
    format!("Windows {}", std::env::consts::ARCH)
}

/// No program is traced here.
pub fn may_execute(_: &std::path::Path) -> bool {
    false
}

/// Nanoseconds of the performance counter, the same for every process of the machine (QueryPerformanceCounter).
pub fn monotonic_ns() -> u64 {
    let (mut count, mut a_second) = (0, 1);
    // SAFETY: each writes one i64.
    unsafe {
        QueryPerformanceCounter(&raw mut count);
        QueryPerformanceFrequency(&raw mut a_second);
    }
    u64::try_from(i128::from(count) * 1_000_000_000 / i128::from(a_second.max(1))).unwrap_or(0)
}

/// The calling thread's number (GetCurrentThreadId). The first thread of a process has that of its process, by which others know it:
/// Windows gives no number to both a process and a thread.
pub fn thread_id() -> u32 {
    match std::thread::current().name() {
        Some("main") => std::process::id(),
        // SAFETY: it has no conditions.
        _ => unsafe { threading::GetCurrentThreadId() },
    }
}

/// Whether the error means that this machine lacks something (sockets, memory).
pub fn is_shortage(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::OutOfMemory
        || matches!(
            error.raw_os_error(),
            Some(winsock::WSAEMFILE | winsock::WSAENOBUFS | winsock::WSAENETUNREACH)
        )
}

/// Whether the error means that the address family is not available: not there, or without an address.
pub fn is_family_missing(error: &io::Error) -> bool {
    use winsock::{WSAEADDRNOTAVAIL, WSAEAFNOSUPPORT, WSAENETUNREACH};
    matches!(error.raw_os_error(), Some(WSAEAFNOSUPPORT | WSAEADDRNOTAVAIL | WSAENETUNREACH))
}

fn last_error() -> io::Error {
    // SAFETY: it has no conditions.
    io::Error::from_raw_os_error(unsafe { winsock::WSAGetLastError() })
}

pub(super) fn handle(socket: &socket2::Socket) -> winsock::SOCKET {
    socket.as_raw_socket() as winsock::SOCKET
}

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
        rtt_us: info.RttUs,
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
            unsafe { GetExtendedTcpTable(to, &raw mut size, 0, IPV4, TCP_TABLE_OWNER_PID_ALL, 0) };
        match answer {
            ERROR_INSUFFICIENT_BUFFER => continue,
            NO_ERROR => {}
            error => return Err(io::Error::from_raw_os_error(error.cast_signed())),
        }
        let Some((count, rows)) = table.split_first() else { return Ok(None) };
        let words = mem::size_of::<MIB_TCPROW_OWNER_PID>() / mem::size_of::<u32>();
        let found = rows.chunks_exact(words).take(*count as usize).find_map(|row| {
            // state, local address and port, remote address and port (tcpmib.h)
            let [state, from, from_port, to, to_port, ..] = *row else { return None };
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

/// Closes the socket; unlike dropping it, reports errors.
pub fn close(socket: socket2::Socket) -> io::Result<()> {
    // SAFETY: the socket is given up, so nobody else closes it.
    match unsafe { winsock::closesocket(socket.into_raw_socket() as winsock::SOCKET) } {
        0 => Ok(()),
        _ => Err(last_error()),
    }
}

/// Closes a socket that another thread may be using; the caller must use it no more.
pub fn close_shared(socket: &socket2::Socket) -> io::Result<()> {
    // SAFETY: the caller uses it no more.
    match unsafe { winsock::closesocket(handle(socket)) } {
        0 => Ok(()),
        _ => Err(last_error()),
    }
}

/// A handle, closed when dropped.
struct Handle(HANDLE);

impl Handle {
    fn of(handle: HANDLE) -> Option<Handle> {
        (!handle.is_null()).then_some(Handle(handle))
    }

    fn process(process: u32, rights: u32) -> Option<Handle> {
        // SAFETY: it has no conditions.
        Handle::of(unsafe { threading::OpenProcess(rights, 0, process) })
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: it is open, and ours.
        unsafe { CloseHandle(self.0) };
    }
}

/// Waits until a child process has ended.
pub fn until_ended(process: u32) {
    let _ = exit_status(process);
}

/// Waits until a child process has ended, and says with which code.
pub fn exit_status(process: u32) -> Option<ExitStatus> {
    use threading::{
        GetExitCodeProcess, INFINITE, PROCESS_QUERY_LIMITED_INFORMATION, PROCESS_SYNCHRONIZE,
        WaitForSingleObject,
    };
    let process =
        Handle::process(process, PROCESS_QUERY_LIMITED_INFORMATION | PROCESS_SYNCHRONIZE)?;
    let mut code = 0_u32;
    // SAFETY: the handle is open, and the code is a u32.
    let told = unsafe {
        WaitForSingleObject(process.0, INFINITE);
        GetExitCodeProcess(process.0, &raw mut code)
    };
    (told != 0).then_some(ExitStatus::Code(code.cast_signed()))
}

/// Processor time: of a thread or of a process, by the function that tells it.
fn time_used(
    of: HANDLE,
    ask: unsafe extern "system" fn(
        HANDLE,
        *mut FILETIME,
        *mut FILETIME,
        *mut FILETIME,
        *mut FILETIME,
    ) -> i32,
) -> Option<Duration> {
    let mut times = [FILETIME::default(); 4];
    let [begun, ended, kernel, user] = &mut times;
    // SAFETY: the handle is open, and four times are written.
    let told = unsafe { ask(of, begun, ended, kernel, user) };
    let span = |time: &FILETIME| {
        // in 100 ns (FILETIME)
        (u64::from(time.dwHighDateTime) << 32 | u64::from(time.dwLowDateTime)) * 100
    };
    (told != 0).then(|| Duration::from_nanos(span(&times[2]) + span(&times[3])))
}

/// Processor time of the calling thread (GetThreadTimes), counted in ticks of the clock, 15.6 ms.
pub fn cpu_time() -> Option<Duration> {
    // SAFETY: it has no conditions, and gives a handle that need not be closed.
    time_used(unsafe { threading::GetCurrentThread() }, threading::GetThreadTimes)
}

/// Processor time of a thread; `None` once it has ended, and of the first of a process, whose own number is not known.
pub fn cpu_time_of_thread(thread: u32) -> Option<Duration> {
    use threading::{OpenThread, THREAD_QUERY_LIMITED_INFORMATION};
    // SAFETY: it has no conditions.
    let handle = unsafe { OpenThread(THREAD_QUERY_LIMITED_INFORMATION, 0, thread) };
    time_used(Handle::of(handle)?.0, threading::GetThreadTimes)
}

/// Processor time of all threads of a process (GetProcessTimes).
pub fn cpu_time_of_process(process: u32) -> Option<Duration> {
    let process = Handle::process(process, threading::PROCESS_QUERY_LIMITED_INFORMATION)?;
    time_used(process.0, threading::GetProcessTimes)
}

/// Bytes of a process's memory that are in RAM (the working set).
pub fn memory(process: u32) -> Option<u64> {
    let process = Handle::process(process, threading::PROCESS_QUERY_LIMITED_INFORMATION)?;
    let mut counters = PROCESS_MEMORY_COUNTERS::default();
    let size = u32::try_from(mem::size_of_val(&counters)).ok()?;
    // SAFETY: the handle is open, and the counters are as long as is said.
    let told = unsafe { K32GetProcessMemoryInfo(process.0, &raw mut counters, size) };
    (told != 0).then_some(counters.WorkingSetSize as u64)
}
