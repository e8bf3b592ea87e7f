//! Windows: clocks, threads and processes, errors and options of Winsock.

use std::io;
use std::mem;
use std::os::windows::io::{AsRawSocket, IntoRawSocket};
use std::time::Duration;

use windows_sys::Win32::Foundation::{CloseHandle, FILETIME, HANDLE};
use windows_sys::Win32::Networking::WinSock as winsock;
use windows_sys::Win32::System::LibraryLoader::{GetModuleHandleA, GetProcAddress};
use windows_sys::Win32::System::Performance::{QueryPerformanceCounter, QueryPerformanceFrequency};
use windows_sys::Win32::System::ProcessStatus::{K32GetProcessMemoryInfo, PROCESS_MEMORY_COUNTERS};
use windows_sys::Win32::System::Threading as threading;

use crate::trace::ExitStatus;

/// The system's name and machine.
pub fn name() -> String {
    let wine = if is_wine() { " (Wine)" } else { "" };
    format!("Windows{wine} {}", std::env::consts::ARCH)
}

/// Whether this is not Windows but Wine, which has this function besides those of Windows (Wine Developer's Guide).
pub fn is_wine() -> bool {
    // SAFETY: both names end with a zero byte, and the library is always loaded.
    unsafe {
        let library = GetModuleHandleA(c"ntdll.dll".as_ptr().cast());
        !library.is_null() && GetProcAddress(library, c"wine_get_version".as_ptr().cast()).is_some()
    }
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

/// Whether a call gave up because its timeout (SO_RCVTIMEO, SO_SNDTIMEO) was over; Winsock has an error of its own for that.
pub fn is_timeout(error: &io::Error) -> bool {
    error.raw_os_error() == Some(winsock::WSAETIMEDOUT)
}

/// Whether shutdown() ends a recv() in which another thread waits: Microsoft does not say ("shutdown function (winsock2.h)").
pub const SHUTDOWN_WAKES: bool = false;

/// Whether a connect that does not block goes on ("connect function (winsock2.h)").
pub fn is_in_progress(error: &io::Error) -> bool {
    error.raw_os_error() == Some(winsock::WSAEWOULDBLOCK)
}

/// The option that a server sets before bind. TIME_WAIT is in no server's way here, and `SO_REUSEADDR` would let any program take its
/// port from it; with this option none can ("Using SO_REUSEADDR and SO_EXCLUSIVEADDRUSE").
pub const SERVER_OPTION: &str = "SO_EXCLUSIVEADDRUSE";

/// Sets [`SERVER_OPTION`].
pub fn set_server_option(socket: &socket2::Socket) -> io::Result<()> {
    let on = 1_i32;
    // SAFETY: the pointer is to an int, and the length is an int's.
    let answer = unsafe {
        winsock::setsockopt(
            handle(socket),
            winsock::SOL_SOCKET,
            winsock::SO_EXCLUSIVEADDRUSE,
            (&raw const on).cast(),
            mem::size_of_val(&on) as i32,
        )
    };
    if answer == 0 { Ok(()) } else { Err(last_error()) }
}

/// The path in an address of AF_UNIX; `None` for one without.
pub fn unix_path(address: &socket2::SockAddr) -> Option<String> {
    let length = usize::try_from(address.len()).ok().filter(|_| address.is_unix())?;
    // SAFETY: there are as many bytes as the address is long.
    let bytes = unsafe { std::slice::from_raw_parts(address.as_ptr().cast::<u8>(), length) };
    let path = bytes.get(mem::size_of::<winsock::ADDRESS_FAMILY>()..)?;
    let path = path.split(|byte| *byte == 0).next().filter(|path| !path.is_empty())?;
    Some(String::from_utf8_lossy(path).into_owned())
}

/// Whether the file at this path is a socket: a reparse point that leads nowhere else.
pub fn is_socket_file(path: &std::path::Path) -> bool {
    use std::os::windows::fs::MetadataExt;
    use windows_sys::Win32::Storage::FileSystem::FILE_ATTRIBUTE_REPARSE_POINT;
    std::fs::symlink_metadata(path).is_ok_and(|file| {
        file.file_attributes() & FILE_ATTRIBUTE_REPARSE_POINT != 0 && !file.file_type().is_symlink()
    })
}

fn last_error() -> io::Error {
    // SAFETY: it has no conditions.
    io::Error::from_raw_os_error(unsafe { winsock::WSAGetLastError() })
}

pub(super) fn handle(socket: &socket2::Socket) -> winsock::SOCKET {
    socket.as_raw_socket() as winsock::SOCKET
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

/// TerminateProcess, with the code that a killed process has.
pub(super) fn end_process(process: u32) -> io::Result<()> {
    let process = Handle::process(process, threading::PROCESS_TERMINATE)
        .ok_or_else(io::Error::last_os_error)?;
    // SAFETY: the handle is open.
    match unsafe { threading::TerminateProcess(process.0, 1) } {
        0 => Err(io::Error::last_os_error()),
        _ => Ok(()),
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
