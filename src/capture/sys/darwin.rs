//! macOS: what its kernel tells of a TCP connection, of threads and of processes. Written by Apple's headers and by xnu
//! (bsd/kern/proc_info.c, bsd/netinet/tcp_usrreq.c); nobody has tried it on a Mac yet.
//!
//! proc_pidinfo(2) answers about processes of the same user, and tells neither in which call a thread sleeps nor how often it ran.

use std::io;
use std::mem::offset_of;
use std::os::fd::AsRawFd;
use std::time::Duration;

use super::{TcpInfo, darwin_answers as answers};
use crate::trace::Sample;

// In which libc agrees with the headers. Of tcp_connection_info it makes each bit of a bit field a number.
const _: () = {
    assert!(size_of::<libc::proc_threadinfo>() == answers::THREAD_INFO);
    assert!(offset_of!(libc::proc_threadinfo, pth_run_state) == 24);
    assert!(size_of::<libc::proc_bsdshortinfo>() == answers::SHORT_INFO);
    assert!(offset_of!(libc::proc_bsdshortinfo, pbsi_status) == 12);
    assert!(size_of::<libc::rusage_info_v0>() == answers::USAGE);
    assert!(offset_of!(libc::rusage_info_v0, ri_user_time) == 16);
    assert!(offset_of!(libc::rusage_info_v0, ri_resident_size) == 64);
    assert!(offset_of!(libc::tcp_connection_info, tcpi_srtt) == 44);
};

/// A socket's `TCP_CONNECTION_INFO`; `None` if the kernel's answer is too short. An error for a socket that is not TCP.
pub fn tcp_info(socket: &socket2::Socket) -> io::Result<Option<TcpInfo>> {
    let mut bytes = [0_u8; answers::TCP_CONNECTION_INFO];
    let mut length = bytes.len() as libc::socklen_t;
    // SAFETY: the pointer is to `length` writable bytes.
    let answer = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_CONNECTION_INFO,
            bytes.as_mut_ptr().cast(),
            &raw mut length,
        )
    };
    if answer != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(bytes.get(..length as usize).and_then(answers::tcp_info))
}

/// What proc_pidinfo(2) says of a process: as many bytes as are asked for, or none.
fn told<const LENGTH: usize>(process: u32, flavor: i32, about: u64) -> Option<[u8; LENGTH]> {
    let process = i32::try_from(process).ok()?;
    let mut bytes = [0_u8; LENGTH];
    let length = LENGTH as libc::c_int;
    // SAFETY: the pointer is to `length` writable bytes.
    let answer =
        unsafe { libc::proc_pidinfo(process, flavor, about, bytes.as_mut_ptr().cast(), length) };
    (answer == length).then_some(bytes)
}

/// What a thread does, with Linux's letter, and the processor time that it has used.
fn thread(process: u32, thread: u32) -> Option<(Option<char>, Duration)> {
    const LIST_THREADS: i32 = 6; // PROC_PIDLISTTHREADS
    const BY_NUMBER: i32 = 15; // PROC_PIDTHREADID64INFO
    let bytes = if thread == process {
        // The first of the list is the oldest. It has the number of its process here: see `thread_id`.
        let first = u64::from_ne_bytes(told(process, LIST_THREADS, 0)?);
        told::<{ answers::THREAD_INFO }>(process, libc::PROC_PIDTHREADINFO, first)
    } else {
        told(process, BY_NUMBER, thread.into())
    };
    answers::thread(&bytes?)
}

/// The letter of a thread, or that of a process that is not collected yet; `None` if it is gone, or nobody tells.
fn state(process: u32, number: u32) -> Option<(char, Option<Duration>)> {
    const SHORT_INFO: i32 = 13; // PROC_PIDT_SHORTBSDINFO
    const ZOMBIES_TOO: u64 = 1;
    if let Some((state, used)) = thread(process, number) {
        return Some((state?, Some(used)));
    }
    let told = told::<{ answers::SHORT_INFO }>(process, SHORT_INFO, ZOMBIES_TOO);
    let is_zombie = number == process && answers::is_zombie(&told?)?;
    is_zombie.then_some(('Z', None))
}

/// Whether a thread is asleep; `None` if it is gone, or nobody tells.
pub fn is_asleep(process: u32, thread: u32) -> Option<bool> {
    Some(matches!(state(process, thread)?.0, 'S' | 'D'))
}

/// Processor time of a thread of this process, to the microsecond; `None` once it has ended.
pub fn cpu_time_of_thread(number: u32) -> Option<Duration> {
    Some(thread(std::process::id(), number)?.1)
}

/// A thread to sample repeatedly.
#[derive(Debug)]
pub struct Probe {
    process: u32,
    thread: u32,
    used: Option<Duration>,
}

impl Probe {
    /// `None` if there is no such thread, or nobody tells of it.
    pub fn open(process: u32, thread: u32) -> Option<Probe> {
        let (_, used) = state(process, thread)?;
        Some(Probe { process, thread, used })
    }

    /// Takes a sample.
    pub fn look(&mut self) -> Sample {
        let state = state(self.process, self.thread);
        self.used = state.and_then(|(_, used)| used).or(self.used);
        let nanoseconds = |used: Duration| u64::try_from(used.as_nanos()).unwrap_or(u64::MAX);
        Sample {
            state: state.map(|(letter, _)| letter),
            cpu_ns: self.used.map(nanoseconds),
            ..Sample::default()
        }
    }
}

fn usage(process: u32) -> Option<answers::Usage> {
    const FIRST_VERSION: i32 = 0; // RUSAGE_INFO_V0
    let process = i32::try_from(process).ok()?;
    let mut bytes = [0_u8; answers::USAGE];
    // SAFETY: the first version writes so many bytes. That the pointer is to another pointer is an error in the declaration.
    let answer =
        unsafe { libc::proc_pid_rusage(process, FIRST_VERSION, bytes.as_mut_ptr().cast()) };
    if answer == 0 { answers::usage(&bytes) } else { None }
}

/// Processor time of all threads of a process (proc_pid_rusage); `None` once it has been reaped.
pub fn cpu_time_of_process(process: u32) -> Option<Duration> {
    let ticks = usage(process)?.ticks;
    #[allow(deprecated)] // another crate for one call
    let (numerator, denominator) = {
        let mut base = libc::mach_timebase_info { numer: 0, denom: 0 };
        // SAFETY: the pointer is to such a structure.
        unsafe { libc::mach_timebase_info(&raw mut base) };
        (u128::from(base.numer), u128::from(base.denom))
    };
    let nanoseconds = (u128::from(ticks) * numerator).checked_div(denominator)?;
    Some(Duration::from_nanos(u64::try_from(nanoseconds).ok()?))
}

/// Bytes of a process's memory that are in RAM.
pub fn memory(process: u32) -> Option<u64> {
    Some(usage(process)?.resident)
}
