//! What Linux tells of a thread while it runs: /proc/PID/task/TID, its processor time, its memory.

use std::borrow::Cow;
use std::fs::{self, File};
use std::os::fd::{AsRawFd, FromRawFd};
use std::os::unix::fs::FileExt;
use std::time::Duration;

use nix::errno::Errno;
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;

use crate::trace::{Lack, Sample};

/// A thread that is looked at again and again: its files stay open, so that a look is a few reads and opens nothing.
#[derive(Debug)]
pub struct Probe {
    stat: File,
    wchan: Option<File>,
    syscall: Option<File>,
    schedstat: Option<File>,
    last: Option<(Sample, String)>,
}

/// Descriptors of probes are moved up to here, so that an experiment's own keep the numbers that they have without probes.
const OUT_OF_THE_WAY: i32 = 500;

impl Probe {
    /// Begins to look at a thread; `None` if it is not there, or /proc is not.
    pub fn open(process: u32, thread: u32) -> Option<Probe> {
        let open = |name: &str| {
            let file = File::open(format!("/proc/{process}/task/{thread}/{name}")).ok()?;
            // SAFETY: F_DUPFD_CLOEXEC gives a new descriptor that nobody else owns, or -1.
            let moved =
                unsafe { libc::fcntl(file.as_raw_fd(), libc::F_DUPFD_CLOEXEC, OUT_OF_THE_WAY) };
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

    /// What the kernel says now. A thread that sleeps in the same call, and has had no processor since, costs two reads.
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
            let channel = self
                .wchan
                .as_ref()
                .and_then(|file| read(file, &mut room))
                .filter(|name| !name.is_empty() && *name != "0");
            sample.wait_channel = channel.map(|name| Cow::Owned(name.to_owned()));
        }
        if sample.state.is_none() {
            // It has ended; what it had used is known from the look before.
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

fn read<'a>(file: &File, room: &'a mut [u8]) -> Option<&'a str> {
    let length = file.read_at(room, 0).ok()?;
    str::from_utf8(&room[..length]).ok().map(str::trim_end)
}

fn state_of(stat: &str) -> Option<char> {
    // The name before it may hold anything, a `)` too: the state follows the last one.
    let state = stat.rsplit_once(')')?.1.trim_start().chars().next()?;
    (!matches!(state, 'X' | 'x')).then_some(state)
}

/// The name of a system call that a thread can wait in.
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

/// The calling thread's processors, to be given back to it when this is dropped.
#[derive(Debug)]
pub struct Pinned(CpuSet);

/// Lets the calling thread, and those that it starts from now on, use one processor alone: the first of those that it may
/// use (sched_setaffinity(2)).
pub fn pin_to_one_processor() -> Result<Pinned, Lack> {
    let myself = Pid::from_raw(0);
    let missing = |call: &'static str, error: Errno| Lack::OneProcessor {
        call: Cow::Borrowed(call),
        errno: super::errno_name(error as i32),
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

/// Processor time of the calling thread (`CLOCK_THREAD_CPUTIME_ID`, clock_gettime(2)).
pub fn cpu_time() -> Option<Duration> {
    clock(libc::CLOCK_THREAD_CPUTIME_ID)
}

/// Processor time of a thread of this process (pthread_getcpuclockid(3)), to the nanosecond; `None` once it has ended.
pub fn cpu_time_of_thread(thread: u32) -> Option<Duration> {
    // How the kernel builds such a clock's number: linux/posix-timers_types.h.
    clock(!thread.cast_signed() << 3 | 6)
}

/// Processor time of a process, all its threads together (clock_getcpuclockid(3)); `None` once it is gone.
pub fn cpu_time_of_process(process: u32) -> Option<Duration> {
    clock(!process.cast_signed() << 3 | 2)
}

fn clock(id: libc::clockid_t) -> Option<Duration> {
    let time = nix::time::clock_gettime(nix::time::ClockId::from_raw(id)).ok()?;
    Some(Duration::new(u64::try_from(time.tv_sec()).ok()?, u32::try_from(time.tv_nsec()).ok()?))
}

/// Bytes of a process's memory that are in RAM (`VmRSS`, proc_pid_status(5)); the kernel's own for its sockets are not in it.
pub fn memory(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let row = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(row.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()? * 1024)
}
