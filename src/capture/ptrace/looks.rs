//! What threads do that are in no call that is recorded: they run, or sleep on a lock. Calls do not tell, so the kernel is asked now
//! and then.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::descriptors::sockets_of;
use super::signals::may_be_signalled;
use super::threads::Thread;
use super::tracer::Tracer;
use crate::capture::sys;
use crate::trace::{Event, EventKind, LAB, Name, Sample, SocketId};

/// So many threads are looked at at most: each takes four descriptors.
const MOST_THREADS: usize = 64;
/// How often threads are looked at that are no actors.
const LOOK_AT_OTHERS: Duration = Duration::from_millis(100);

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
        let known = |it: &Sample| (it.state, it.syscall_number, it.has_limit);
        let changed = known(&sample) != known(last);
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

impl Tracer {
    /// Asks the kernel what threads do that are in no call of theirs that is recorded.
    pub(super) fn look_around(&mut self, now_ns: u64) {
        for (id, thread) in &mut self.threads {
            let Some(actor) = thread.actor.clone().filter(|it| self.stage.is_present(it)) else {
                continue;
            };
            if let Some(sample) = self.looks.look(*id, thread) {
                let (process, what) = (thread.process, EventKind::Sample(sample));
                let event = Event { at_ns: now_ns, actor, process, thread: *id, what };
                self.stage.tell(event, None);
            }
        }
    }

    /// The same of threads of theirs that make no such call, but now and then, and without recording it.
    pub(super) fn look_at_others(&mut self, now_ns: u64) {
        if now_ns < self.others_ns {
            return;
        }
        self.others_ns = now_ns + LOOK_AT_OTHERS.as_nanos() as u64;
        let stage = &self.stage;
        let others = self.threads.iter_mut().filter(|(_, thread)| !thread.is_actor(stage));
        for (id, thread) in others.take(MOST_THREADS) {
            thread.is_at_rest = sys::waits_for_threads(thread.process, *id);
        }
    }

    /// The processes that have a connection, or a socket for datagrams, which another has too: that one may send on it.
    fn sharing(&self) -> BTreeSet<u32> {
        let mut holders: BTreeMap<SocketId, BTreeSet<u32>> = BTreeMap::new();
        for process in self.processes.keys() {
            for (_, socket) in sockets_of(*process) {
                if self.sockets.is_no_listener(socket) {
                    holders.entry(socket).or_default().insert(*process);
                }
            }
        }
        holders.into_values().filter(|processes| processes.len() > 1).flatten().collect()
    }

    /// The programs are being stopped: tells, once, which processes may go on by themselves.
    pub(super) fn tell_who_is_busy(&mut self, now_ns: u64) {
        if std::mem::replace(&mut self.is_told_who_is_busy, true) {
            return;
        }
        let is_actor = |thread: &Thread| thread.is_actor(&self.stage);
        let threads = || self.threads.values();
        let shares = self.sharing();
        let is_busy = |process: u32| {
            threads().any(|it| it.process == process && !is_actor(it) && !it.is_at_rest)
                || shares.contains(&process)
                || may_be_signalled(process)
        };
        let playing: BTreeSet<u32> =
            threads().filter(|it| is_actor(it)).map(|it| it.process).collect();
        let processes: Vec<u32> = playing.into_iter().filter(|it| is_busy(*it)).collect();
        if processes.is_empty() {
            return;
        }
        let (actor, process) = (Name::from(LAB), std::process::id());
        let what = EventKind::Busy { processes };
        self.stage.tell(Event { at_ns: now_ns, actor, process, thread: process, what }, None);
    }
}
