//! What each actor's thread did from beginning to end: ran, was ready, was blocked in which call, and what ended the wait.
//!
//! From call events alone a thread runs where it is in no call, and is blocked where a call that can wait took its time.
//! Where the kernel was asked as well (`Sample` events) its answer decides: ready is told from running, and a thread that
//! sleeps in no recorded call is known to sleep.

use std::collections::{HashMap, HashSet};

use super::{Analysis, CallSpan};
use crate::trace::{
    ActorKind, Event, EventKind, Label, Name, Outcome, Sample, SocketId, Syscall, SyscallKind,
};

/// A call that took longer than this is taken to have been blocked, in nanoseconds; no other call takes as long.
const BLOCKED_NS: u64 = 1_000_000;

/// What a thread is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ThreadState {
    /// Running, as far as is known.
    Running,
    /// Ready: it would run, and has no processor. Only samples tell.
    Ready,
    /// Blocked in a call of this name.
    Blocked(String),
    /// Asleep elsewhere.
    Asleep(Sleep),
    /// Not seen: the role's thread is playing another role, or it has ended.
    Away,
}

/// Why a thread sleeps that is blocked in no recorded call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sleep {
    /// A deliberate wait, for this purpose.
    Waiting(Label),
    /// A stepped run holds its next call.
    Held,
    /// In this system call, as the kernel reports; `None` where it does not say which.
    InCall(Option<String>),
}

/// From when to when a thread did what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interval {
    /// From when, in nanoseconds since the run began.
    pub from_ns: u64,
    /// Until when.
    pub to_ns: u64,
    /// What it did.
    pub doing: ThreadState,
}

/// What a returned call came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MarkKind {
    /// It sent so many bytes.
    Sent(usize),
    /// It received so many bytes, from this actor if that is known; 0 is the end of the stream.
    Received(usize, Option<Name>),
    /// It accepted a connection, of this actor if that is known.
    Accepted(Option<Name>),
    /// Its own timeout was over.
    TimedOut,
    /// It failed after it had been blocked.
    FailedLate(String),
    /// It failed at once.
    FailedAtOnce(String),
    /// It goes on in the background: no failure yet (connect(2)).
    InProgress,
    /// It waited for several sockets, and so many are ready; 0 if its time was over.
    Ready(i64),
    /// Anything else.
    Other,
}

/// A call, as a mark on its thread's time: when it returned, and what it came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// When it returned.
    pub at_ns: u64,
    /// What people call it: `recv`.
    pub call: String,
    /// What it came to.
    pub kind: MarkKind,
}

/// What one actor's thread did.
#[derive(Clone, Debug)]
pub struct ThreadTimeline {
    pub actor: Name,
    pub kind: ActorKind,
    pub began_ns: u64,
    /// When it ended; the run's end if it was there until then.
    pub ended_ns: u64,
    /// True if it is recorded that it left.
    pub left: bool,
    pub intervals: Vec<Interval>,
    pub marks: Vec<Mark>,
    /// Processor time; time ready; how often it was given a processor: as the kernel last told.
    pub cpu_ns: Option<u64>,
    pub ready_ns: Option<u64>,
    pub turns: Option<u64>,
    /// How many samples there are of it.
    pub samples: usize,
}

impl ThreadTimeline {
    /// Each time that it was blocked: from falling asleep to being woken, and in which call. What samples cut is one.
    pub fn blocked_spans(&self) -> Vec<(u64, u64, &str)> {
        let mut all: Vec<(u64, u64, &str)> = Vec::new();
        for interval in &self.intervals {
            let ThreadState::Blocked(call) = &interval.doing else { continue };
            match all.last_mut() {
                Some((_, to, known)) if *to == interval.from_ns && known == call => {
                    *to = interval.to_ns;
                }
                _ => all.push((interval.from_ns, interval.to_ns, call)),
            }
        }
        all
    }

    /// How often it was blocked, and for how long together, call by call.
    pub fn blocked(&self) -> Vec<(&str, usize, u64)> {
        let mut all: Vec<(&str, usize, u64)> = Vec::new();
        for (from_ns, to_ns, call) in self.blocked_spans() {
            match all.iter_mut().find(|(known, ..)| *known == call) {
                Some((_, times, sum)) => {
                    *times += 1;
                    *sum += to_ns - from_ns;
                }
                None => all.push((call, 1, to_ns - from_ns)),
            }
        }
        all
    }
}

/// What everyone's thread did, in the order in which the actors came.
pub(super) fn timelines(analysis: &Analysis) -> Vec<ThreadTimeline> {
    let events = analysis.recording.events();
    let end_ns = events.last().map_or(0, |event| event.at_ns);
    let mut timelines: Vec<(ThreadTimeline, (u32, u32))> = Vec::new();
    for event in events.iter().filter(|event| event.is_by_actor()) {
        if timelines.iter().any(|(life, _)| life.actor == event.actor) {
            continue;
        }
        let kind =
            if let EventKind::Started { kind } = event.what { kind } else { ActorKind::Role };
        timelines.push((
            ThreadTimeline {
                actor: event.actor.clone(),
                kind,
                began_ns: event.at_ns,
                ended_ns: end_ns,
                left: false,
                intervals: Vec::new(),
                marks: Vec::new(),
                cpu_ns: None,
                ready_ns: None,
                turns: None,
                samples: 0,
            },
            (event.process, event.thread),
        ));
    }
    let threads: Vec<(u32, u32)> = timelines.iter().map(|(_, thread)| *thread).collect();
    let (senders, at_once) = (senders(analysis), never_wait(analysis));
    timelines
        .into_iter()
        .map(|(life, thread)| {
            let shared = threads.iter().filter(|other| **other == thread).count() > 1;
            timeline(life, thread, shared, events, analysis, (&senders, &at_once))
        })
        .collect()
}

/// Who ended the wait of which call: by index into the calls.
fn senders(analysis: &Analysis) -> HashMap<usize, Name> {
    let said = analysis.messages.iter().filter_map(|message| {
        Some((message.receive?, analysis.calls[message.send?].actor.clone()))
    });
    let came = analysis
        .connections
        .iter()
        .map(|connection| (connection.accept, analysis.calls[connection.connect].actor.clone()));
    said.chain(came).collect()
}

/// Which calls were made on a socket in non-blocking mode, by index: however long one took, it did not wait for anything but
/// a processor.
fn never_wait(analysis: &Analysis) -> HashSet<usize> {
    let mut sockets: HashSet<SocketId> = HashSet::new();
    let mut calls = HashSet::new();
    for (index, made) in analysis.calls.iter().enumerate() {
        let Some(socket) = made.call.socket else { continue };
        match made.call.syscall {
            Syscall::SetFlags { nonblocking: true } => {
                sockets.insert(socket);
            }
            Syscall::SetFlags { nonblocking: false } => {
                sockets.remove(&socket);
            }
            _ if sockets.contains(&socket) => {
                calls.insert(index);
            }
            _ => {}
        }
    }
    calls
}

fn timeline(
    mut life: ThreadTimeline,
    (process, thread): (u32, u32),
    shared: bool,
    events: &[Event],
    analysis: &Analysis,
    (senders, at_once): (&HashMap<usize, Name>, &HashSet<usize>),
) -> ThreadTimeline {
    let mut samples: Vec<(u64, &Sample)> = Vec::new();
    let mut pauses: Vec<(u64, u64, Sleep)> = Vec::new();
    let entered = |id| {
        analysis
            .calls
            .iter()
            .find(|made| (made.process, made.call.id) == (process, id))
            .map(|made| made.entered_ns)
    };
    for event in events.iter().filter(|event| (event.process, event.thread) == (process, thread)) {
        match &event.what {
            EventKind::Sample(sample) if event.actor == life.actor || !shared => {
                samples.push((event.at_ns, sample))
            }
            EventKind::Exited { cpu_ns, .. } if event.actor == life.actor => {
                (life.left, life.ended_ns, life.cpu_ns) = (true, event.at_ns, *cpu_ns);
            }
            EventKind::Wait { asked_ns, purpose } => {
                let until_ns = event.at_ns.saturating_add(*asked_ns);
                pauses.push((event.at_ns, until_ns, Sleep::Waiting(purpose.clone())));
            }
            EventKind::Held(call) if event.actor == life.actor => {
                pauses.push((event.at_ns, entered(call.id).unwrap_or(life.ended_ns), Sleep::Held));
            }
            EventKind::Started { kind } if event.actor == life.actor => life.kind = *kind,
            _ => {}
        }
    }
    life.samples = samples.len();
    let known = |part: fn(&Sample) -> Option<u64>| {
        samples.iter().rev().find_map(|(_, sample)| part(sample))
    };
    (life.ready_ns, life.turns) = (known(|sample| sample.ready_ns), known(|sample| sample.turns));
    life.cpu_ns = life.cpu_ns.or_else(|| known(|sample| sample.cpu_ns));

    let mine: Vec<(usize, &CallSpan)> = analysis
        .calls
        .iter()
        .enumerate()
        .filter(|(_, made)| made.actor == life.actor && !made.call.is_instrument())
        .collect();
    let mut waits: Vec<(u64, u64, ThreadState)> =
        pauses.into_iter().map(|(from, to, why)| (from, to, ThreadState::Asleep(why))).collect();
    for (index, made) in &mine {
        let to = made.returned_ns().min(life.ended_ns);
        let took = to.saturating_sub(made.entered_ns);
        let waited = can_wait(&made.call.syscall) && took >= BLOCKED_NS && !at_once.contains(index);
        if waited {
            waits.push((made.entered_ns, to, ThreadState::Blocked(name_of(made).to_owned())));
        }
        if made.exit.is_some() {
            life.marks.push(mark(made, waited, senders.get(index)));
        }
    }
    waits.sort_by_key(|(from, ..)| *from);
    let idle = if shared { ThreadState::Away } else { ThreadState::Running };
    let mut at = life.began_ns;
    let mut intervals = Vec::new();
    for (from, to, doing) in waits {
        let (from, to) = (from.max(at), to.min(life.ended_ns));
        if from < to {
            push(&mut intervals, at, from, idle.clone());
            push(&mut intervals, from, to, doing);
            at = to;
        }
    }
    push(&mut intervals, at, life.ended_ns, idle);
    life.intervals = refined(intervals, &samples);
    life
}

fn push(intervals: &mut Vec<Interval>, from_ns: u64, to_ns: u64, doing: ThreadState) {
    if from_ns >= to_ns {
        return;
    }
    match intervals.last_mut() {
        Some(last) if last.doing == doing && last.to_ns == from_ns => last.to_ns = to_ns,
        _ => intervals.push(Interval { from_ns, to_ns, doing }),
    }
}

/// The same intervals, cut where the kernel said otherwise.
fn refined(intervals: Vec<Interval>, samples: &[(u64, &Sample)]) -> Vec<Interval> {
    let mut all = Vec::new();
    for interval in intervals {
        let mut at = interval.from_ns;
        // What was true when the interval began is not known: the sample before it was of another interval.
        let mut doing = interval.doing.clone();
        for (index, (when, sample)) in samples.iter().enumerate() {
            if *when <= interval.from_ns || *when >= interval.to_ns {
                continue;
            }
            let before = index.checked_sub(1).map(|index| samples[index].1);
            let next = state_from(&interval.doing, sample, before);
            // A look that came late: it cannot have been awake for longer than it used a processor or was ready for one, and
            // after that it slept.
            let since = |part: fn(&Sample) -> Option<u64>| {
                Some(part(sample)?.saturating_sub(before.and_then(part).unwrap_or(0)))
            };
            let awake_ns = since(|sample| sample.cpu_ns)
                .map(|ran_ns| ran_ns + since(|sample| sample.ready_ns).unwrap_or(0));
            if let (ThreadState::Running, ThreadState::Asleep(_), Some(awake_ns)) =
                (&doing, &next, awake_ns)
                && awake_ns < (*when - at) / 2
            {
                push(&mut all, at, at + awake_ns, doing);
                at += awake_ns;
                doing = next.clone();
            }
            push(&mut all, at, *when, doing);
            at = *when;
            doing = next;
        }
        push(&mut all, at, interval.to_ns, doing);
    }
    all
}

/// What a sample says of someone of whom the calls say this.
fn state_from(calls: &ThreadState, sample: &Sample, before: Option<&Sample>) -> ThreadState {
    // Awake, and not once given a processor since it was last seen asleep: ready.
    let waits_for_processor = |before: &Sample| {
        before.state == Some('S') && before.turns.is_some() && before.turns == sample.turns
    };
    match (sample.state, calls) {
        (Some('R'), _) if before.is_some_and(waits_for_processor) => ThreadState::Ready,
        (Some('R'), _) => ThreadState::Running,
        (None, _) => ThreadState::Away,
        (Some('S' | 'D'), ThreadState::Running) => {
            ThreadState::Asleep(Sleep::InCall(sample.syscall.as_ref().map(ToString::to_string)))
        }
        _ => calls.clone(),
    }
}

/// A lingering close waits too (`SO_LINGER`, socket(7)).
fn can_wait(syscall: &Syscall) -> bool {
    syscall.may_block() || *syscall == Syscall::Close
}

/// What people call it: `recv`, and for epoll's `wait` what the kernel calls it.
fn name_of(made: &CallSpan) -> &str {
    match made.call.syscall {
        Syscall::EpollCreate | Syscall::EpollCtl { .. } | Syscall::EpollWait { .. } => {
            &made.call.name
        }
        _ => made.call.function(),
    }
}

/// What the call came to. `waited`: it had been blocked; `by`: who ended its wait.
fn mark(made: &CallSpan, waited: bool, by: Option<&Name>) -> Mark {
    let count = |result: i64| usize::try_from(result).unwrap_or(0);
    let kind = match made.exit.as_ref().map(|back| &back.outcome) {
        Some(Outcome::Errno(errno)) => match &**errno {
            "EAGAIN" if waited => MarkKind::TimedOut,
            errno if waited => MarkKind::FailedLate(errno.to_owned()),
            "EINPROGRESS" => MarkKind::InProgress,
            errno => MarkKind::FailedAtOnce(errno.to_owned()),
        },
        Some(Outcome::Result(result)) => match made.call.kind() {
            _ if made.received().is_some() => MarkKind::Received(count(*result), by.cloned()),
            SyscallKind::Send => MarkKind::Sent(count(*result)),
            SyscallKind::Accept => MarkKind::Accepted(by.cloned()),
            _ if made.call.syscall.waits_for_many() => MarkKind::Ready(*result),
            _ => MarkKind::Other,
        },
        None => MarkKind::Other,
    };
    Mark { at_ns: made.returned_ns(), call: name_of(made).to_owned(), kind }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::super::sample::Sample as Script;
    use super::*;
    use crate::trace::Call;
    use crate::trace::Value;
    use std::sync::Arc;

    const MS: u64 = 1_000_000;

    fn comes(script: &mut Script, actor: &str) {
        script.event(actor, EventKind::Started { kind: ActorKind::Thread });
    }

    fn enters_recv(script: &mut Script, actor: &str, socket: u32) -> Arc<Call> {
        script.enter(actor, socket, "recv", &[("size", Value::Number(1024))])
    }

    /// One silent peer, and three who call recv, each in its own mode; nobody asked the kernel.
    pub fn modes() -> Script {
        let mut script = Script::new();
        for actor in ["peer", "blocking", "non-blocking", "timeout"] {
            comes(&mut script, actor);
        }
        script.pass(9 * MS);
        let (blocking, timed) =
            (enters_recv(&mut script, "blocking", 1), enters_recv(&mut script, "timeout", 3));
        let at_once = enters_recv(&mut script, "non-blocking", 2);
        script.leave("non-blocking", &at_once, Outcome::Errno("EAGAIN".into()), &[]);
        script.event("non-blocking", EventKind::Exited { cpu_ns: Some(150_000), status: None });
        script.event(
            "peer",
            EventKind::Wait { asked_ns: 600 * MS, purpose: "the peer is silent".into() },
        );
        script.pass(250 * MS);
        script.leave("timeout", &timed, Outcome::Errno("EAGAIN".into()), &[]);
        script.event("timeout", EventKind::Exited { cpu_ns: None, status: None });
        script.pass(350 * MS).sends("peer", 4, "at last");
        script.leave(
            "blocking",
            &blocking,
            Outcome::Result(7),
            &[("data", super::super::sample::data("at last"))],
        );
        script.event("blocking", EventKind::Exited { cpu_ns: Some(220_000), status: None });
        script
            .pass(20 * MS)
            .event("peer", EventKind::Exited { cpu_ns: Some(2 * MS), status: None });
        script
    }

    #[test]
    fn a_non_blocking_call_that_had_no_processor_was_not_blocked() {
        for flags in ["O_NONBLOCK", "0"] {
            let mut script = Script::new();
            comes(&mut script, "loop");
            script.call(
                "loop",
                1,
                "set_nonblocking",
                &[("command", "F_SETFL".into()), ("flags", flags.into())],
                0,
            );
            let recv = enters_recv(&mut script, "loop", 1);
            script.pass(15 * MS).leave("loop", &recv, Outcome::Errno("EAGAIN".into()), &[]);
            let recording = script.recording();
            let life = &Analysis::of(&recording).threads[0];
            let blocked = usize::from(flags == "0");
            assert_eq!(life.blocked().len(), blocked, "{flags}");
            assert_eq!(
                life.marks.last().map(|mark| mark.kind == MarkKind::TimedOut),
                Some(blocked == 1),
                "{flags}"
            );
        }
    }

    fn sees(
        script: &mut Script,
        actor: &str,
        state: Option<char>,
        call: Option<&'static str>,
        turns: u64,
    ) {
        let (cpu_ns, ready_ns) = (Some(turns * 30 * MS), Some(turns * 10 * MS));
        let syscall = call.map(Into::into);
        script.event(
            actor,
            EventKind::Sample(Sample {
                state,
                syscall,
                cpu_ns,
                ready_ns,
                turns: Some(turns),
                ..Sample::default()
            }),
        );
    }

    /// A server that is blocked, woken, kept waiting for a processor, runs, and sleeps on a lock; the kernel was asked.
    pub fn asked() -> Script {
        let mut script = Script::new();
        comes(&mut script, "server");
        sees(&mut script, "server", Some('R'), None, 1);
        script.pass(20 * MS);
        let accept = script.enter("server", 1, "accept", &[]);
        script.pass(MS);
        sees(&mut script, "server", Some('S'), Some("accept4"), 2);
        script.pass(99 * MS);
        sees(&mut script, "server", Some('R'), None, 2);
        script.pass(40 * MS);
        script.leave("server", &accept, Outcome::Result(4), &[]);
        script.pass(30 * MS);
        sees(&mut script, "server", Some('S'), Some("futex"), 5);
        script.pass(60 * MS);
        sees(&mut script, "server", None, None, 5);
        script.event("server", EventKind::Exited { cpu_ns: Some(5 * MS), status: None });
        script
    }

    fn spans(life: &ThreadTimeline) -> Vec<(ThreadState, u64)> {
        life.intervals
            .iter()
            .map(|one| (one.doing.clone(), (one.to_ns - one.from_ns) / MS))
            .collect()
    }

    #[test]
    fn from_calls_alone_a_call_that_waits_is_blocked() {
        let recording = modes().recording();
        let all = Analysis::of(&recording).threads;
        let names: Vec<_> = all.iter().map(|life| &*life.actor).collect();
        assert_eq!(names, ["peer", "blocking", "non-blocking", "timeout"]);
        assert_eq!(all[1].blocked(), [("recv", 1, 600_100_000)]);
        assert_eq!(
            spans(&all[2]),
            [(ThreadState::Running, 9)],
            "a call that fails at once blocks nobody"
        );
        assert_eq!(spans(&all[3])[1], (ThreadState::Blocked("recv".into()), 250));
        assert_eq!(all[3].marks[0].kind, MarkKind::TimedOut);
    }

    #[test]
    fn samples_tell_ready_and_asleep() {
        let recording = asked().recording();
        let all = Analysis::of(&recording).threads;
        let seen: Vec<_> = spans(&all[0]);
        let accept = || ThreadState::Blocked("accept".into());
        assert_eq!(
            seen,
            [
                (ThreadState::Running, 20),
                (accept(), 100),
                (ThreadState::Ready, 40),
                (ThreadState::Running, 30),
                (ThreadState::Asleep(Sleep::InCall(Some("futex".into()))), 60),
                (ThreadState::Away, 0)
            ]
        );
        assert_eq!((all[0].cpu_ns, all[0].turns, all[0].left), (Some(5 * MS), Some(5), true));
    }

    #[test]
    fn who_is_held_before_a_call_sleeps_and_is_not_said_to_run() {
        let mut script = Script::new();
        comes(&mut script, "client");
        script.pass(MS);
        script.pass(500 * MS);
        let connect = script.enter("client", 1, "connect", &[]);
        script.leave("client", &connect, Outcome::Result(0), &[]);
        script.pass(2 * MS);
        script.event("client", EventKind::Exited { cpu_ns: None, status: None });
        let mut recording = script.recording();
        let events = recording.events();
        let entered = events
            .iter()
            .position(|event| matches!(event.what, EventKind::Enter(_)))
            .expect("just made");
        let held = Event {
            at_ns: events[0].at_ns + MS,
            what: EventKind::Held(connect),
            ..events[entered].clone()
        };
        recording.push(held);
        assert_eq!(
            spans(&Analysis::of(&recording).threads[0]),
            [
                (ThreadState::Running, 1),
                (ThreadState::Asleep(Sleep::Held), 500),
                (ThreadState::Running, 2)
            ]
        );
    }

    #[test]
    fn two_roles_of_one_thread_are_away_between_their_calls() {
        let mut script = Script::new();
        for actor in ["server", "client"] {
            script.event(actor, EventKind::Started { kind: ActorKind::Role });
            script.pass(MS);
        }
        script.events.iter_mut().for_each(|event| event.thread = 7);
        let recording = script.recording();
        assert!(
            Analysis::of(&recording)
                .threads
                .iter()
                .flat_map(|life| &life.intervals)
                .all(|one| one.doing == ThreadState::Away)
        );
    }

    #[test]
    fn a_look_that_came_late_makes_nobody_run_longer_than_it_used_a_processor() {
        let sleeps = |cpu_ns| Sample {
            state: Some('S'),
            syscall: Some("poll".into()),
            cpu_ns: Some(cpu_ns),
            ..Sample::default()
        };
        let runs = Interval { from_ns: 0, to_ns: 100 * MS, doing: ThreadState::Running };
        let (brief, busy) = (sleeps(MS), sleeps(28 * MS));
        let asleep = |from_ns| Interval {
            from_ns,
            to_ns: 100 * MS,
            doing: ThreadState::Asleep(Sleep::InCall(Some("poll".to_owned()))),
        };
        let until = |to_ns| Interval { from_ns: 0, to_ns, doing: ThreadState::Running };
        assert_eq!(refined(vec![runs.clone()], &[(30 * MS, &brief)]), [until(MS), asleep(MS)]);
        assert_eq!(
            refined(vec![runs.clone()], &[(30 * MS, &busy)]),
            [until(30 * MS), asleep(30 * MS)]
        );
        // It was awake all the time, and had the processor for a part of it.
        let crowded = Sample { ready_ns: Some(20 * MS), ..sleeps(9 * MS) };
        assert_eq!(refined(vec![runs], &[(30 * MS, &crowded)]), [until(30 * MS), asleep(30 * MS)]);
    }
}
