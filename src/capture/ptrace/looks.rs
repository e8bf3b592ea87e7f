//! What threads do that are in no call that is recorded: they run, or sleep on a lock. Calls do not tell, so the kernel is asked now
//! and then.

use crate::capture::sys;
use crate::trace::Sample;

use super::threads::Thread;

/// The time between two looks at a thread.
const PERIOD_NS: u64 = 10_000_000;
/// So many threads are looked at at most: each takes four descriptors.
const MOST_THREADS: usize = 64;

/// The looks at all threads.
#[derive(Debug, Default)]
pub struct Looks {
    last_ns: u64,
    watched: usize,
}

/// What is known of one thread by looking.
#[derive(Debug)]
pub struct Look {
    probe: sys::Probe,
    last: Sample,
}

impl Looks {
    /// When the next look is due; `None` while every thread is in a call that is recorded.
    pub fn next_ns<'t>(&self, mut threads: impl Iterator<Item = &'t Thread>) -> Option<u64> {
        threads.any(is_elsewhere).then_some(self.last_ns + PERIOD_NS)
    }

    /// Looks at a thread, if that is due, and returns what has changed.
    pub fn look(&mut self, now_ns: u64, id: u32, thread: &mut Thread) -> Option<Sample> {
        if now_ns < self.last_ns + PERIOD_NS || !is_elsewhere(thread) {
            return None;
        }
        if thread.look.is_none() {
            if self.watched >= MOST_THREADS {
                return None;
            }
            let probe = sys::Probe::open(thread.process, id)?;
            thread.look = Some(Look { probe, last: Sample::default() });
            self.watched += 1;
        }
        let Look { probe, last } = thread.look.as_mut()?;
        let sample = probe.look();
        // Stopped by ourselves, or gone: that is told by events.
        if matches!(sample.state, None | Some('t' | 'Z')) {
            return None;
        }
        let changed = (sample.state, &sample.syscall_number) != (last.state, &last.syscall_number);
        *last = sample.clone();
        changed.then_some(sample)
    }

    /// Looks at a thread for the last time: how much processor time it has used is recorded, whether its state has changed or not.
    pub fn last(thread: &mut Thread) -> Option<Sample> {
        let is_elsewhere = is_elsewhere(thread);
        thread.look.as_mut().filter(|_| is_elsewhere).map(|look| look.probe.look())
    }

    /// All threads have been looked at.
    pub fn done(&mut self, now_ns: u64) {
        if now_ns >= self.last_ns + PERIOD_NS {
            self.last_ns = now_ns;
        }
    }

    /// A thread has ended.
    pub fn forget(&mut self, thread: &Thread) {
        self.watched -= usize::from(thread.look.is_some());
    }
}

/// True for an actor that is in no call that is recorded.
fn is_elsewhere(thread: &Thread) -> bool {
    thread.actor.is_some() && thread.open.is_none() && thread.cut.is_none()
}
