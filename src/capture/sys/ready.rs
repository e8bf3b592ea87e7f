//! Thin wrappers of select and poll: each makes exactly the system call that it names.

use std::io;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::time::Duration;

use nix::sys::time::{TimeVal, TimeValLike};

use super::{microseconds, milliseconds};

/// The system call that [`select`] makes.
pub const SELECT: &str =
    if cfg!(all(target_os = "linux", not(target_arch = "x86_64"))) { "pselect6" } else { "select" };
/// The system call that [`poll`] makes.
pub const POLL: &str =
    if cfg!(all(target_os = "linux", not(target_arch = "x86_64"))) { "ppoll" } else { "poll" };

/// select(2) takes only descriptors below this: its sets are bitmaps of this size (`FD_SETSIZE`).
pub const SELECT_LIMIT: usize = libc::FD_SETSIZE;

/// Data can be read, or the end of the stream.
pub const READABLE: i16 = libc::POLLIN;
/// Data can be written.
pub const WRITABLE: i16 = libc::POLLOUT;
/// An error is pending.
pub const ERROR: i16 = libc::POLLERR;
/// The other end has closed.
pub const HANG_UP: i16 = libc::POLLHUP;

/// What poll is asked for to learn of an error that is pending on a datagram socket: nothing, for it tells of errors unasked.
pub const DATAGRAM_ERROR: i16 = 0;

/// select(2): leaves in `read` and `write` the descriptors that are ready, and returns how many. `EINVAL` for a descriptor
/// from [`SELECT_LIMIT`] on, which select(2) cannot take.
pub fn select(
    read: &mut Vec<RawFd>,
    write: &mut Vec<RawFd>,
    timeout: Option<Duration>,
) -> io::Result<usize> {
    let (mut reading, mut writing) = (bitmap(read)?, bitmap(write)?);
    let highest = read.iter().chain(&*write).max().map_or(0, |fd| fd + 1);
    let mut span = timeout.map(|timeout| *TimeVal::microseconds(microseconds(timeout)).as_ref());
    let span = span.as_mut().map_or(std::ptr::null_mut(), std::ptr::from_mut);
    let answer = raw_select(highest, &mut reading, &mut writing, span);
    if answer < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: every descriptor is below FD_SETSIZE, as bitmap() made sure.
    read.retain(|fd| unsafe { libc::FD_ISSET(*fd, &raw const reading) });
    // SAFETY: as above.
    write.retain(|fd| unsafe { libc::FD_ISSET(*fd, &raw const writing) });
    Ok(usize::try_from(answer).unwrap_or(0))
}

/// The raw system call: the C library may substitute another (glibc calls pselect6 for select).
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn raw_select(
    highest: i32,
    reading: &mut libc::fd_set,
    writing: &mut libc::fd_set,
    span: *mut libc::timeval,
) -> i64 {
    let none = std::ptr::null_mut::<libc::fd_set>();
    // SAFETY: the sets hold FD_SETSIZE bits, and no descriptor in them is above that; the time span may be null.
    unsafe {
        libc::syscall(
            libc::SYS_select,
            highest,
            std::ptr::from_mut(reading),
            std::ptr::from_mut(writing),
            none,
            span,
        )
    }
}

#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
fn raw_select(
    highest: i32,
    reading: &mut libc::fd_set,
    writing: &mut libc::fd_set,
    span: *mut libc::timeval,
) -> i64 {
    // SAFETY: the sets hold FD_SETSIZE bits, and no descriptor in them is above that; the time span may be null.
    unsafe { libc::select(highest, reading, writing, std::ptr::null_mut(), span) }.into()
}

fn bitmap(of: &[RawFd]) -> io::Result<libc::fd_set> {
    // SAFETY: an all-zero fd_set is the empty one.
    let mut set: libc::fd_set = unsafe { std::mem::zeroed() };
    for fd in of {
        if usize::try_from(*fd).is_ok_and(|fd| fd < SELECT_LIMIT) {
            // SAFETY: it is below FD_SETSIZE.
            unsafe { libc::FD_SET(*fd, &raw mut set) };
        } else {
            return Err(io::Error::from_raw_os_error(libc::EINVAL));
        }
    }
    Ok(set)
}

/// poll(2): takes descriptors with [`READABLE`] and [`WRITABLE`], and returns the events of each; 0 for none.
pub fn poll(asked: &[(impl AsFd, i16)], timeout: Option<Duration>) -> io::Result<Vec<i16>> {
    let one = |(one, events): &(_, i16)| libc::pollfd {
        fd: AsFd::as_fd(one).as_raw_fd(),
        events: *events,
        revents: 0,
    };
    let mut all: Vec<_> = asked.iter().map(one).collect();
    // SAFETY: there are so many entries. A Vec's length fits in what counts them (`nfds_t`).
    let answer = unsafe { libc::poll(all.as_mut_ptr(), all.len() as _, milliseconds(timeout)) };
    if answer < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(all.iter().map(|one| one.revents).collect())
}

/// Raises the soft limit of open descriptors to the hard one (`RLIMIT_NOFILE`, getrlimit(2)); returns the old and new limit.
pub fn raise_descriptor_limit() -> Option<(u64, u64)> {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    /// What macOS takes at most, whatever the hard limit is (setrlimit(2), `OPEN_MAX`).
    const OPEN_MAX: libc::rlim_t = 10_240;
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).ok()?;
    let highest = if cfg!(target_os = "macos") { hard.min(OPEN_MAX) } else { hard };
    let _ = setrlimit(Resource::RLIMIT_NOFILE, highest, hard);
    let (now, _) = getrlimit(Resource::RLIMIT_NOFILE).ok()?;
    Some((whole(soft), whole(now)))
}

/// Sets the soft limit of open descriptors (`RLIMIT_NOFILE`, setrlimit(2)): their numbers are below it.
pub fn limit_descriptors(limit: u64) -> io::Result<()> {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    Ok(setrlimit(Resource::RLIMIT_NOFILE, limit as libc::rlim_t, hard)?)
}

/// A limit, which some systems count with a sign.
fn whole(limit: impl TryInto<u64>) -> u64 {
    limit.try_into().unwrap_or(u64::MAX)
}
