//! What threads do that are in no call that is recorded: they run, or sleep on a lock. Calls do not tell, so the kernel is asked now
//! and then.

use crate::capture::sys;
use crate::trace::Sample;

use super::threads::Thread;

/// So many threads are looked at at most: each takes four descriptors.
const MOST_THREADS: usize = 64;

/// The looks at all threads.
#[derive(Debug, Default)]
pub struct Looks {
    watched: usize,
}

/// What is known of one thread by looking.
#[derive(Debug)]
pub struct Look {
    probe: sys::Probe,
    last: Sample,
}

impl Looks {
    /// Looks at a thread, and returns what has changed.
    pub fn look(&mut self, id: u32, thread: &mut Thread) -> Option<Sample> {
        if !is_elsewhere(thread) {
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
    /// What it does while it is in a recorded call, that call tells.
    pub fn last(thread: &mut Thread) -> Option<Sample> {
        let is_elsewhere = is_elsewhere(thread);
        let sample = thread.look.as_mut()?.probe.look();
        if is_elsewhere {
            return Some(sample);
        }
        let Sample { cpu_ns, ready_ns, turns, .. } = sample;
        Some(Sample { cpu_ns, ready_ns, turns, ..Sample::default() })
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
