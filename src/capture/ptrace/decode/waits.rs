//! Calls that wait: for many descriptors, or for a time.

use std::borrow::Cow;

use super::{Made, names};
use crate::capture::sys::Memory;
use crate::trace::{FdList, Listed, PollList, Syscall};

/// So many descriptors of a list are looked at.
const MOST_WATCHED: usize = 1024;
/// `struct epoll_event` is packed on x86-64 alone.
const EPOLL_EVENT: usize = if cfg!(target_arch = "x86_64") { 12 } else { 16 };

const SECOND: u64 = 1_000_000_000;

/// A `struct timespec`, or with units of 1000 ns a `struct timeval`; `None` for a null pointer.
fn span_at(memory: Memory, address: u64, unit_ns: u64) -> Option<u64> {
    if address == 0 {
        return None;
    }
    let parts = memory.u64(address)?.checked_mul(SECOND);
    let rest = memory.u64(address.wrapping_add(8))?.checked_mul(unit_ns);
    Some(parts.zip(rest).and_then(|(one, other)| one.checked_add(other)).unwrap_or(u64::MAX))
}

/// As poll(2) has it: a part of a millisecond counts as a whole one, and -1 is no limit.
fn milliseconds(ns: Option<u64>) -> i64 {
    ns.map_or(-1, |ns| i64::try_from(ns.div_ceil(1_000_000)).unwrap_or(i64::MAX))
}

pub fn sleep_ns(made: &Made, memory: Memory) -> u64 {
    let [first, _, third, ..] = made.args;
    let at = if made.name == "nanosleep" { first } else { third };
    let asked_ns = span_at(memory, at, 1).unwrap_or(0);
    let until = made.name == "clock_nanosleep" && made.int(1) & libc::TIMER_ABSTIME != 0;
    // Until a time: how long that is from now, by the clock that it names.
    let now_ns = if until { clock_ns(made.int(0)) } else { 0 };
    asked_ns.saturating_sub(now_ns)
}

fn clock_ns(clock: i32) -> u64 {
    let now = nix::time::clock_gettime(nix::time::ClockId::from_raw(clock));
    now.map_or(0, |now| {
        u64::try_from(now.tv_sec()).unwrap_or(0) * SECOND
            + u64::try_from(now.tv_nsec()).unwrap_or(0)
    })
}

pub fn select(made: &Made, memory: Memory) -> Syscall {
    let [_, read, write, except, timeout, _] = made.args;
    let list = |at| {
        let fds = set_at(memory, at, made.int(0));
        FdList { count: fds.len(), shown: fds.into_iter().take(FdList::SHOWN).collect() }
    };
    let unit_ns = if made.name == "select" { 1_000 } else { 1 };
    Syscall::Select {
        nfds: made.fd(0),
        read: list(read),
        write: list(write),
        except: list(except),
        timeout_us: span_at(memory, timeout, unit_ns).map(|ns| ns.div_ceil(1_000)),
    }
}

pub fn poll(made: &Made, memory: Memory) -> Syscall {
    let [fds, count, timeout, ..] = made.args;
    let all = polled(memory, fds, count).into_iter();
    let all = all.map(|(fd, events, _)| (fd, Cow::Owned(names::poll_events(events))));
    let mut watched = PollList::of(all.collect::<Vec<_>>().into_iter());
    watched.count = usize::try_from(count).unwrap_or(usize::MAX);
    let timeout_ms =
        if made.name == "poll" { made.fd(2) } else { milliseconds(span_at(memory, timeout, 1)) };
    Syscall::Poll { watched, timeout_ms }
}

pub fn epoll_wait(made: &Made, memory: Memory) -> Syscall {
    let timeout_ms = if made.name == "epoll_pwait2" {
        milliseconds(span_at(memory, made.args[3], 1))
    } else {
        made.fd(3)
    };
    Syscall::EpollWait { max_events: made.args[2] & 0xffff_ffff, timeout_ms }
}

/// The word that epoll_ctl(2) gives with a descriptor, and that epoll_wait(2) gives back.
pub fn word_of_interest(made: &Made, memory: Memory) -> Option<u64> {
    memory.u64(made.args[3].wrapping_add(EPOLL_EVENT as u64 - 8))
}

/// The descriptors that select(2) or poll(2) has found ready.
pub fn ready(made: &Made, memory: Memory) -> PollList {
    let [first, second, third, fourth, ..] = made.args;
    let all: Vec<(i64, Cow<'static, str>)> = if made.sys == super::Sys::Select {
        let sets = [(second, "POLLIN"), (third, "POLLOUT"), (fourth, "POLLPRI")];
        let set = |(at, event): (u64, &'static str)| {
            let fds = set_at(memory, at, made.int(0)).into_iter();
            fds.map(move |fd| (fd, Cow::Borrowed(event)))
        };
        sets.into_iter().flat_map(set).collect()
    } else {
        let all = polled(memory, first, second).into_iter().filter(|(.., events)| *events != 0);
        all.map(|(fd, _, events)| (fd, Cow::Owned(names::poll_events(events)))).collect()
    };
    Listed::of(all.into_iter())
}

/// What epoll_wait(2) has found: the words of the descriptors, with their events.
pub fn ready_words(made: &Made, memory: Memory, count: usize) -> Vec<(u64, String)> {
    let bytes = memory.read(made.args[1], EPOLL_EVENT * count.min(MOST_WATCHED));
    let one = |bytes: &[u8]| {
        let (events, word) = (bytes.first_chunk()?, bytes.last_chunk()?);
        let events = names::epoll_events(u32::from_ne_bytes(*events));
        Some((u64::from_ne_bytes(*word), events))
    };
    bytes.chunks_exact(EPOLL_EVENT).filter_map(one).collect()
}

/// An array of `struct pollfd`: descriptors, what they are watched for, what was found.
fn polled(memory: Memory, address: u64, count: u64) -> Vec<(i64, i16, i16)> {
    let count = usize::try_from(count).unwrap_or(usize::MAX).min(MOST_WATCHED);
    let bytes = memory.read(address, 8 * count);
    let one = |bytes: &[u8]| {
        let [a, b, c, d, e, f, g, h] = *bytes.first_chunk()?;
        let fd = i32::from_ne_bytes([a, b, c, d]);
        Some((fd.into(), i16::from_ne_bytes([e, f]), i16::from_ne_bytes([g, h])))
    };
    bytes.chunks_exact(8).filter_map(one).collect()
}

/// The members of an `fd_set`.
fn set_at(memory: Memory, address: u64, nfds: i32) -> Vec<i64> {
    let count = usize::try_from(nfds).unwrap_or(0).min(MOST_WATCHED);
    if address == 0 {
        return Vec::new();
    }
    let bytes = memory.read(address, count.div_ceil(64) * 8);
    let is_member = |fd: &usize| bytes.get(fd / 8).is_some_and(|byte| byte >> (fd % 8) & 1 == 1);
    (0..count).filter(is_member).filter_map(|fd| i64::try_from(fd).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::ptrace::calls::Sys;

    #[test]
    fn sets_lists_and_times_are_read_from_memory() {
        let memory = Memory::of(std::process::id());
        let set = [0b1000_1000_u64];
        assert_eq!(set_at(memory, set.as_ptr() as u64, 8), [3, 7]);
        assert_eq!(set_at(memory, set.as_ptr() as u64, 4), [3]);
        let span = [1_u64, 500_001];
        assert_eq!(milliseconds(span_at(memory, span.as_ptr() as u64, 1)), 1001);
        assert_eq!(milliseconds(span_at(memory, 0, 1)), -1);
        let fds = [libc::pollfd { fd: 5, events: libc::POLLIN, revents: libc::POLLHUP }];
        let args = [fds.as_ptr() as u64, 1, u64::MAX, 0, 0, 0];
        let made = Made { sys: Sys::Poll, name: "poll", args };
        let watched = Listed::of([(5, "POLLIN".into())].into_iter());
        assert_eq!(poll(&made, memory), Syscall::Poll { watched, timeout_ms: -1 });
        assert_eq!(ready(&made, memory), Listed::of([(5, "POLLHUP".into())].into_iter()));
    }
}
