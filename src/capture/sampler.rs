//! The sampler: asks the kernel again and again what the actors' threads are doing, and records what has changed.
//!
//! It disturbs little: it makes no call in the watched thread, holds no lock while it looks, keeps its files open between
//! looks, and a thread that goes on sleeping costs it two reads. A look at one thread takes some 15 µs, waking up for it
//! included, so that with four actors and the usual period it uses about 3 % of one processor; [`Cost`] says what it was. A
//! ping-pong of two threads took 1.02 times as long with it as without. What is shorter than the
//! period may fall between two looks: the totals of processor time and of turns in the next sample still tell of it.

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

/// No more threads than this are watched: each takes four descriptors.
const MOST: usize = 32;

/// Looks at the actors' threads until it is stopped or dropped. Made by [`Lab::sampler`].
#[derive(Debug)]
pub struct Sampler {
    stop: Arc<(Mutex<bool>, Condvar)>,
    looker: Option<thread::JoinHandle<Cost>>,
}

/// What the sampler took.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cost {
    /// How often it looked at a thread.
    pub looks: u64,
    /// Processor time that it used; `None` where it is not to be had.
    pub cpu: Option<Duration>,
    /// How long it was at it.
    pub lasted: Duration,
}

impl Sampler {
    /// The usual period.
    pub const PERIOD: Duration = Duration::from_millis(2);

    pub(super) fn start(lab: &Lab, period: Duration) -> Result<Sampler> {
        let stop = Arc::new((Mutex::new(false), Condvar::new()));
        let (lab, told) = (lab.clone(), stop.clone());
        let looker = thread::Builder::new()
            .name("sampler".to_owned())
            .spawn(move || look_until(&lab, period, &told))?;
        Ok(Sampler { stop, looker: Some(looker) })
    }

    /// Looks a last time, at every thread, and ends.
    pub fn stop(mut self) -> Cost {
        self.halt()
    }

    fn halt(&mut self) -> Cost {
        *self.stop.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.stop.1.notify_all();
        self.looker.take().and_then(|looker| looker.join().ok()).unwrap_or_default()
    }
}

impl Drop for Sampler {
    fn drop(&mut self) {
        self.halt();
    }
}

struct Look {
    watched: Watched,
    probe: sys::Probe,
    last: Option<Sample>,
}

fn look_until(lab: &Lab, period: Duration, (stop, told): &(Mutex<bool>, Condvar)) -> Cost {
    let began = lab.recorder().now_ns();
    let (mut known, mut looks) = (0, Vec::<Look>::new());
    let mut count = 0;
    loop {
        let stopped = stop.lock().unwrap_or_else(PoisonError::into_inner);
        let (stopped, _) = told
            .wait_timeout_while(stopped, period, |stopped| !*stopped)
            .unwrap_or_else(PoisonError::into_inner);
        let last_time = *stopped;
        drop(stopped);
        for watched in lab.watched_since(&mut known) {
            let new = looks.len() < MOST
                && looks.iter().all(|look| look.watched.thread != watched.thread);
            if let Some(probe) =
                new.then(|| sys::Probe::open(watched.process, watched.thread)).flatten()
            {
                looks.push(Look { watched, probe, last: None });
            }
        }
        for look in &mut looks {
            let sample = look.probe.look();
            count += 1;
            if last_time || look.last.as_ref().is_none_or(|last| differs(last, &sample)) {
                lab.record_sample(&look.watched, sample.clone());
                look.last = Some(sample);
            }
        }
        // Of a thread that has ended there is nothing more to learn.
        looks.retain(|look| look.last.as_ref().is_some_and(|last| last.state.is_some()));
        if last_time {
            let lasted = Duration::from_nanos(lab.recorder().now_ns().saturating_sub(began));
            return Cost { looks: count, cpu: sys::cpu_time(), lasted };
        }
    }
}

fn differs(one: &Sample, other: &Sample) -> bool {
    one.state != other.state
        || one.wait_channel != other.wait_channel
        || one.syscall_number != other.syscall_number
}

impl Lab {
    /// Starts to sample what the actors' threads are doing (those that come on later too), every `period`; see
    /// [`Sampler::PERIOD`]. Where there is no /proc nothing is sampled, and views say so.
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

    /// What the kernel was seen to say of an actor so far: when, in nanoseconds since the run began, and what.
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
        // Several roles may share a thread: it is the one that last did something.
        let actor = self.recorder().look(|events| {
            let did = |event: &&Event| {
                event.thread == of.thread && event.process == of.process && &*event.actor != "lab"
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
        let (told, hear) = std::sync::mpsc::channel();
        let sampler = lab.sampler(Duration::from_millis(1)).expect("a thread");
        lab.scope(|stage| {
            let sleeper = stage.actor("sleeper", |me| {
                let socket = me.socket(Domain::IPV4, Type::DGRAM, None)?;
                socket.bind(&lab.here(0))?;
                let _ = told.send(socket.local_addr()?);
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
            let to = hear.recv().expect("the sleeper's address");
            waker.send_to(b"up", &to)?;
            sleeper.finish()
        })
        .expect("no error");
        while samples(&lab, "sleeper").last().is_none_or(|sample| sample.state.is_some()) {
            thread::yield_now();
        }
        let cost = sampler.stop();
        assert!(cost.looks > 0 && cost.cpu.is_some_and(|cpu| cpu <= cost.lasted), "{cost:?}");
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
