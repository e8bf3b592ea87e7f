//! Threads on Linux: /proc/PID/task/TID, processor time, memory.

use std::borrow::Cow;
use std::fs::{self, File};
use std::os::fd::{AsRawFd, FromRawFd};
use std::os::unix::fs::FileExt;
use std::time::Duration;

use nix::errno::Errno;
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;

use crate::trace::{Lack, Sample};

/// A thread to sample repeatedly. Its files stay open, so that a sample is a few reads and opens nothing.
#[derive(Debug)]
pub struct Probe {
    stat: File,
    wchan: Option<File>,
    syscall: Option<File>,
    schedstat: Option<File>,
    last: Option<(Sample, String)>,
}

/// The descriptors of probes begin here, so that an experiment's descriptors have the same numbers with and without probes.
const FIRST_DESCRIPTOR: i32 = 500;

impl Probe {
    /// Opens the files of a thread; `None` if there is no such thread, or no /proc.
    pub fn open(process: u32, thread: u32) -> Option<Probe> {
        let open = |name: &str| {
            let file = File::open(format!("/proc/{process}/task/{thread}/{name}")).ok()?;
            // SAFETY: F_DUPFD_CLOEXEC returns a new descriptor that nothing else owns, or -1.
            let moved =
                unsafe { libc::fcntl(file.as_raw_fd(), libc::F_DUPFD_CLOEXEC, FIRST_DESCRIPTOR) };
            // SAFETY: as above.
            Some(if moved < 0 { file } else { unsafe { File::from_raw_fd(moved) } })
        };
        Some(Probe {
            stat: open("stat")?,
            wchan: open("wchan"),
            syscall: open("syscall"),
            schedstat: open("schedstat"),
            last: None,
        })
    }

    /// Takes a sample. For a thread still asleep in the same call, two reads are enough.
    pub fn look(&mut self) -> Sample {
        let mut room = [0_u8; 1024];
        let mut sample = Sample::default();
        if let Some(text) = self.schedstat.as_ref().and_then(|file| read(file, &mut room)) {
            let mut numbers = text.split_whitespace().map(|number| number.parse().ok());
            (sample.cpu_ns, sample.ready_ns) = (numbers.next().flatten(), numbers.next().flatten());
            sample.turns = numbers.next().flatten();
        }
        let call = self
            .syscall
            .as_ref()
            .and_then(|file| read(file, &mut room))
            .unwrap_or_default()
            .to_owned();
        if let Some((last, last_call)) = &self.last
            && last.turns.is_some()
            && (last.turns, last_call) == (sample.turns, &call)
            && matches!(last.state, Some('S' | 'D'))
            && call.starts_with(|first: char| first.is_ascii_digit() || first == '-')
        {
            return last.clone();
        }
        sample.state = read(&self.stat, &mut room).and_then(state_of);
        if matches!(sample.state, Some('S' | 'D')) {
            sample.syscall_number =
                call.split_whitespace().next().and_then(|number| number.parse().ok());
            sample.syscall = sample.syscall_number.map(syscall_name);
            sample.has_limit = waits_on_futex(&call) == Some(true);
            let channel = self
                .wchan
                .as_ref()
                .and_then(|file| read(file, &mut room))
                .filter(|name| !name.is_empty() && *name != "0");
            sample.wait_channel = channel.map(|name| Cow::Owned(name.to_owned()));
        }
        if sample.state.is_none() {
            // It has ended: keep the totals of the last sample.
            let last = self.last.as_ref().map(|(last, _)| last.clone()).unwrap_or_default();
            sample = Sample {
                cpu_ns: last.cpu_ns,
                ready_ns: last.ready_ns,
                turns: last.turns,
                ..Sample::default()
            };
        }
        self.last = Some((sample.clone(), call));
        sample
    }
}

/// Whether the futex(2) in which a thread sleeps, by its /proc/PID/task/TID/syscall, has a timeout; `None` if it is in another call, or in
/// none.
fn waits_on_futex(call: &str) -> Option<bool> {
    let mut fields = call.split_whitespace();
    let number: i64 = fields.next()?.parse().ok()?;
    let mut argument = |at| u64::from_str_radix(fields.nth(at)?.trim_start_matches("0x"), 16).ok();
    let (operation, timeout) = (argument(1)?, argument(1)?);
    let command = i32::try_from(operation).ok()? & libc::FUTEX_CMD_MASK;
    let waits = [
        libc::FUTEX_WAIT,
        libc::FUTEX_WAIT_BITSET,
        libc::FUTEX_LOCK_PI,
        libc::FUTEX_LOCK_PI2,
        libc::FUTEX_WAIT_REQUEUE_PI,
    ];
    (number == libc::SYS_futex && waits.contains(&command)).then_some(timeout != 0)
}

/// True if only another thread can make this one go on: it waits in futex(2), without a timeout.
pub fn waits_for_threads(process: u32, thread: u32) -> bool {
    let path = format!("/proc/{process}/task/{thread}/syscall");
    let call = fs::read_to_string(path).unwrap_or_default();
    waits_on_futex(&call) == Some(false)
}

fn read<'a>(file: &File, room: &'a mut [u8]) -> Option<&'a str> {
    let length = file.read_at(room, 0).ok()?;
    // A thread's name is cut after 15 bytes, perhaps within a character.
    room[..length].iter_mut().filter(|byte| !byte.is_ascii()).for_each(|byte| *byte = b'?');
    str::from_utf8(&room[..length]).ok().map(str::trim_end)
}

/// The state in a line of /proc/PID/task/TID/stat; `None` for a thread that has ended.
pub(super) fn state_of(stat: &str) -> Option<char> {
    // The name before it may contain anything, even a `)`: the state follows the last one.
    let state = stat.rsplit_once(')')?.1.trim_start().chars().next()?;
    (!matches!(state, 'X' | 'x')).then_some(state)
}

/// The name of a system call that a thread can block in, or its number.
pub fn syscall_name(number: i64) -> Cow<'static, str> {
    macro_rules! known {
        ($($(#[$only:meta])* $name:ident,)*) => {
            $($(#[$only])* if number == libc::$name { return Cow::Borrowed(stringify!($name).trim_start_matches("SYS_")); })*
        };
    }
    known! {
        SYS_accept, SYS_accept4, SYS_connect, SYS_recvfrom, SYS_recvmsg, SYS_recvmmsg, SYS_sendto, SYS_sendmsg, SYS_sendmmsg,
        SYS_read, SYS_readv, SYS_write, SYS_writev, SYS_close, SYS_shutdown, SYS_ppoll, SYS_pselect6, SYS_epoll_pwait,
        SYS_futex, SYS_nanosleep, SYS_clock_nanosleep, SYS_wait4, SYS_waitid, SYS_restart_syscall, SYS_rt_sigtimedwait,
        SYS_exit, SYS_exit_group, SYS_munmap, SYS_mmap, SYS_mprotect, SYS_sched_yield, SYS_getsockopt, SYS_setsockopt, SYS_fsync,
        #[cfg(target_arch = "x86_64")] SYS_poll, #[cfg(target_arch = "x86_64")] SYS_select,
        #[cfg(target_arch = "x86_64")] SYS_epoll_wait, #[cfg(target_arch = "x86_64")] SYS_pause,
    }
    Cow::Owned(number.to_string())
}

/// The calling thread's affinity mask, restored when this is dropped.
#[derive(Debug)]
pub struct Pinned(CpuSet);

/// Restricts the calling thread, and those that it starts from now on, to the first processor of its affinity mask
/// (sched_setaffinity(2)).
pub fn pin_to_one_processor() -> Result<Pinned, Lack> {
    let myself = Pid::from_raw(0);
    let missing = |call: &'static str, error: Errno| Lack::OneProcessor {
        call: Cow::Borrowed(call),
        errno: crate::errno::name(error as i32),
    };
    let all = sched_getaffinity(myself).map_err(|error| missing("sched_getaffinity", error))?;
    let mut one = CpuSet::new();
    let first =
        (0..CpuSet::count()).find(|processor| all.is_set(*processor).unwrap_or(false)).unwrap_or(0);
    one.set(first)
        .and_then(|()| sched_setaffinity(myself, &one))
        .map_err(|error| missing("sched_setaffinity", error))?;
    Ok(Pinned(all))
}

impl Drop for Pinned {
    fn drop(&mut self) {
        let _ = sched_setaffinity(Pid::from_raw(0), &self.0);
    }
}

/// Processor time of a thread of this process (pthread_getcpuclockid(3)), to the nanosecond; `None` once it has ended.
pub fn cpu_time_of_thread(thread: u32) -> Option<Duration> {
    // The kernel's encoding of such a clock's number: linux/posix-timers_types.h.
    clock(!thread.cast_signed() << 3 | 6)
}

/// Processor time of all threads of a process (clock_getcpuclockid(3)); `None` once it has been reaped.
pub fn cpu_time_of_process(process: u32) -> Option<Duration> {
    clock(!process.cast_signed() << 3 | 2)
}

fn clock(id: libc::clockid_t) -> Option<Duration> {
    let time = nix::time::clock_gettime(nix::time::ClockId::from_raw(id)).ok()?;
    Some(Duration::new(u64::try_from(time.tv_sec()).ok()?, u32::try_from(time.tv_nsec()).ok()?))
}

/// Resident memory of a process in bytes (`VmRSS`, proc_pid_status(5)), without the kernel's memory for its sockets.
pub fn memory(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let row = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(row.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()? * 1024)
}
