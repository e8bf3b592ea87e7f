//! What each actor's thread did from beginning to end: ran, was ready, was blocked in which call, and what ended the wait.
//! Views draw from it; it draws nothing.
//!
//! From call events alone a thread runs where it is in no call, and is blocked where a call that can wait took its time.
//! Where the kernel was asked as well (`Sample` events) it has the last word: ready is told from running, and a thread that
//! sleeps in no recorded call is seen to.

use std::collections::{HashMap, HashSet};

use super::{Analysis, Made};
use crate::i18n::tr;
use crate::picture::span_of;
use crate::trace::recording::Recording;
use crate::trace::{ActorKind, Event, EventKind, Name, Outcome, Sample, Syscall, SyscallKind};
use crate::views::wording::{bytes, safe};

/// A call that took longer than this is taken to have been blocked, in nanoseconds; no other call takes as long.
const BLOCKED_NS: u64 = 1_000_000;

/// What a thread is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Doing {
    /// Running, as far as is known.
    Runs,
    /// Ready: it would run, and has no processor. Only samples tell.
    Ready,
    /// Blocked in a call of this name.
    Blocked(String),
    /// Asleep elsewhere: a deliberate wait, a lock, a step that is waited for; in words.
    Asleep(String),
    /// Not seen: the role's thread is playing another role, or it has ended.
    Away,
}

/// From when to when it did what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stretch {
    pub from_ns: u64,
    pub to_ns: u64,
    pub doing: Doing,
}

/// What a call did that is worth a mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sign {
    Sends,
    Gets,
    Fails,
    Other,
}

/// A call, as a mark: when it returned, and in words with what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    pub at_ns: u64,
    pub sign: Sign,
    /// `recv: EAGAIN at once`, `7 bytes from peer`.
    pub words: String,
}

/// One actor's life.
#[derive(Clone, Debug)]
pub(crate) struct Life {
    pub actor: Name,
    pub kind: ActorKind,
    pub began_ns: u64,
    /// When it ended; the run's end if it was there until then.
    pub ended_ns: u64,
    /// True if it is recorded that it left.
    pub left: bool,
    pub stretches: Vec<Stretch>,
    pub marks: Vec<Mark>,
    /// Processor time; time ready; how often it was given a processor: as the kernel last told.
    pub cpu_ns: Option<u64>,
    pub ready_ns: Option<u64>,
    pub turns: Option<u64>,
    /// How many samples there are of it.
    pub samples: usize,
}

impl Life {
    /// How often it was blocked, and for how long together, call by call.
    pub fn blocked(&self) -> Vec<(String, usize, u64)> {
        let mut all: Vec<(String, usize, u64)> = Vec::new();
        let mut before = None;
        for stretch in &self.stretches {
            let Doing::Blocked(call) = &stretch.doing else {
                continue;
            };
            let goes_on = before == Some(stretch.from_ns);
            before = Some(stretch.to_ns);
            let span = stretch.to_ns - stretch.from_ns;
            match all.iter_mut().find(|(known, ..)| known == call) {
                Some((_, times, sum)) => {
                    *times += usize::from(!goes_on);
                    *sum += span;
                }
                None => all.push((call.clone(), 1, span)),
            }
        }
        all
    }
}

/// Everyone's life, in the order in which they came.
pub(crate) fn lives(recording: &Recording) -> Vec<Life> {
    let events = super::in_order(recording);
    let flows = super::flows(recording);
    let end_ns = events.last().map_or(0, |event| event.at_ns);
    let mut lives: Vec<(Life, (u32, u32))> = Vec::new();
    for event in events.iter().filter(|event| &*event.actor != "lab") {
        if lives.iter().any(|(life, _)| life.actor == event.actor) {
            continue;
        }
        let kind = if let EventKind::Actor { kind } = event.what { kind } else { ActorKind::Role };
        lives.push((
            Life {
                actor: event.actor.clone(),
                kind,
                began_ns: event.at_ns,
                ended_ns: end_ns,
                left: false,
                stretches: Vec::new(),
                marks: Vec::new(),
                cpu_ns: None,
                ready_ns: None,
                turns: None,
                samples: 0,
            },
            (event.process, event.thread),
        ));
    }
    let threads: Vec<(u32, u32)> = lives.iter().map(|(_, thread)| *thread).collect();
    let (senders, at_once) = (senders(&flows), never_wait(&flows));
    lives
        .into_iter()
        .map(|(life, thread)| {
            let shared = threads.iter().filter(|other| **other == thread).count() > 1;
            live(life, thread, shared, &events, &flows, (&senders, &at_once))
        })
        .collect()
}

/// Who ended the wait of which call: by index into the calls.
fn senders(flows: &Analysis) -> HashMap<usize, Name> {
    let said = flows
        .messages
        .iter()
        .filter_map(|message| Some((message.receive?, flows.calls[message.send?].actor.clone())));
    let came = flows
        .connections
        .iter()
        .map(|connection| (connection.accept, flows.calls[connection.connect].actor.clone()));
    said.chain(came).collect()
}

/// Which calls were made on a socket in non-blocking mode, by index: however long one took, it did not wait for anything but
/// a processor.
fn never_wait(flows: &Analysis) -> HashSet<usize> {
    let mut sockets: HashSet<(u32, u32)> = HashSet::new();
    let mut calls = HashSet::new();
    for (index, made) in flows.calls.iter().enumerate() {
        let Some(number) = made.call.socket else { continue };
        let socket = (made.process, number);
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

fn live(
    mut life: Life,
    (process, thread): (u32, u32),
    shared: bool,
    events: &[&Event],
    flows: &Analysis,
    (senders, at_once): (&HashMap<usize, Name>, &HashSet<usize>),
) -> Life {
    let mut samples: Vec<(u64, &Sample)> = Vec::new();
    let mut pauses: Vec<(u64, u64, String)> = Vec::new();
    let entered = |id| {
        flows
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
            EventKind::Left { cpu_ns } if event.actor == life.actor => {
                (life.left, life.ended_ns, life.cpu_ns) = (true, event.at_ns, *cpu_ns);
            }
            EventKind::Wait { asked_ns, purpose } => {
                pauses.push((event.at_ns, event.at_ns.saturating_add(*asked_ns), safe(purpose)));
            }
            EventKind::Held(call) if event.actor == life.actor => {
                pauses.push((
                    event.at_ns,
                    entered(call.id).unwrap_or(life.ended_ns),
                    tr!(context "call", "held").to_owned(),
                ));
            }
            EventKind::Actor { kind } if event.actor == life.actor => life.kind = *kind,
            _ => {}
        }
    }
    life.samples = samples.len();
    let known = |part: fn(&Sample) -> Option<u64>| {
        samples.iter().rev().find_map(|(_, sample)| part(sample))
    };
    (life.ready_ns, life.turns) = (known(|sample| sample.ready_ns), known(|sample| sample.turns));
    life.cpu_ns = life.cpu_ns.or_else(|| known(|sample| sample.cpu_ns));

    let mine: Vec<(usize, &Made)> = flows
        .calls
        .iter()
        .enumerate()
        .filter(|(_, made)| made.actor == life.actor && !made.call.is_instrument())
        .collect();
    let mut waits: Vec<(u64, u64, Doing)> =
        pauses.into_iter().map(|(from, to, words)| (from, to, Doing::Asleep(words))).collect();
    for (index, made) in &mine {
        let to = made.returned_ns().min(life.ended_ns);
        let took = to.saturating_sub(made.entered_ns);
        let waited = can_wait(&made.call.syscall) && took >= BLOCKED_NS && !at_once.contains(index);
        if waited {
            waits.push((made.entered_ns, to, Doing::Blocked(safe(name_of(made)))));
        }
        if made.back.is_some() {
            life.marks.push(mark(made, waited.then_some(took), senders.get(index)));
        }
    }
    waits.sort_by_key(|(from, ..)| *from);
    let idle = if shared { Doing::Away } else { Doing::Runs };
    let mut at = life.began_ns;
    let mut stretches = Vec::new();
    for (from, to, doing) in waits {
        let (from, to) = (from.max(at), to.min(life.ended_ns));
        if from < to {
            push(&mut stretches, at, from, idle.clone());
            push(&mut stretches, from, to, doing);
            at = to;
        }
    }
    push(&mut stretches, at, life.ended_ns, idle);
    life.stretches = refined(stretches, &samples);
    life
}

fn push(stretches: &mut Vec<Stretch>, from_ns: u64, to_ns: u64, doing: Doing) {
    if from_ns >= to_ns {
        return;
    }
    match stretches.last_mut() {
        Some(last) if last.doing == doing && last.to_ns == from_ns => last.to_ns = to_ns,
        _ => stretches.push(Stretch { from_ns, to_ns, doing }),
    }
}

/// The same stretches, cut where the kernel said otherwise.
fn refined(stretches: Vec<Stretch>, samples: &[(u64, &Sample)]) -> Vec<Stretch> {
    let mut all = Vec::new();
    for stretch in stretches {
        let mut at = stretch.from_ns;
        // What was true when the stretch began is not known: the sample before it was of another stretch.
        let mut doing = stretch.doing.clone();
        for (index, (when, sample)) in samples.iter().enumerate() {
            if *when <= stretch.from_ns || *when >= stretch.to_ns {
                continue;
            }
            let before = index.checked_sub(1).map(|index| samples[index].1);
            let next = said(&stretch.doing, sample, before);
            // A look that came late: it cannot have been awake for longer than it used a processor or was ready for one, and
            // after that it slept.
            let since = |part: fn(&Sample) -> Option<u64>| {
                Some(part(sample)?.saturating_sub(before.and_then(part).unwrap_or(0)))
            };
            let awake_ns = since(|sample| sample.cpu_ns)
                .map(|ran_ns| ran_ns + since(|sample| sample.ready_ns).unwrap_or(0));
            if let (Doing::Runs, Doing::Asleep(_), Some(awake_ns)) = (&doing, &next, awake_ns)
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
        push(&mut all, at, stretch.to_ns, doing);
    }
    all
}

/// What a sample says of someone of whom the calls say this.
fn said(calls: &Doing, sample: &Sample, before: Option<&Sample>) -> Doing {
    // Awake, and not once given a processor since it was last seen asleep: ready.
    let waits_for_processor = |before: &Sample| {
        before.state == Some('S') && before.turns.is_some() && before.turns == sample.turns
    };
    match (sample.state, calls) {
        (Some('R'), _) if before.is_some_and(waits_for_processor) => Doing::Ready,
        (Some('R'), _) => Doing::Runs,
        (None, _) => Doing::Away,
        (Some('S' | 'D'), Doing::Runs) => Doing::Asleep(
            sample.syscall.as_ref().map_or(tr!("asleep").to_owned(), |call| safe(call)),
        ),
        _ => calls.clone(),
    }
}

/// A lingering close waits too (`SO_LINGER`, socket(7)).
fn can_wait(syscall: &Syscall) -> bool {
    syscall.may_block() || *syscall == Syscall::Close
}

/// What people call it: `recv`, and for epoll's `wait` what the kernel calls it.
fn name_of(made: &Made) -> &str {
    match made.call.syscall {
        Syscall::EpollCreate | Syscall::EpollCtl { .. } | Syscall::EpollWait { .. } => {
            &made.call.name
        }
        _ => made.call.function(),
    }
}

fn mark(made: &Made, waited: Option<u64>, by: Option<&Name>) -> Mark {
    let name = safe(name_of(made));
    let whose = by.map_or(String::new(), |who| tr!(" from {who}", who = safe(who)));
    let timed = waited.is_some() && made.errno().is_some_and(|errno| errno == "EAGAIN");
    let (sign, words) = match made.back.as_ref().map(|back| &back.outcome) {
        Some(Outcome::Errno(_)) if timed => {
            (Sign::Fails, tr!("EAGAIN: its own timeout was over").to_owned())
        }
        Some(Outcome::Errno(errno)) if waited.is_some() => (Sign::Fails, safe(errno)),
        // It goes on in the background: no failure yet (connect(2)).
        Some(Outcome::Errno(errno)) if errno == "EINPROGRESS" => {
            (Sign::Other, tr!("{name}: EINPROGRESS", name))
        }
        Some(Outcome::Errno(errno)) => {
            (Sign::Fails, tr!("{name}: {errno} at once", name, errno = safe(errno)))
        }
        Some(Outcome::Result(result)) if made.received().is_some() => match result {
            0 => (Sign::Gets, tr!("the end of the stream").to_owned()),
            count => (Sign::Gets, bytes(usize::try_from(*count).unwrap_or(0)) + &whose),
        },
        Some(Outcome::Result(result)) if made.sending().is_some() => (
            Sign::Sends,
            tr!("sends {bytes}", bytes = bytes(usize::try_from(*result).unwrap_or(0))),
        ),
        Some(Outcome::Result(_)) if made.is(SyscallKind::Accept) => {
            (Sign::Gets, tr!("a connection{whose}", whose))
        }
        Some(Outcome::Result(0)) if made.call.syscall.waits_for_many() => {
            (Sign::Other, tr!("{name}: the time was over", name))
        }
        Some(Outcome::Result(ready)) if made.call.syscall.waits_for_many() => {
            (Sign::Other, tr!("{name}: {ready} ready", name, ready))
        }
        _ => (Sign::Other, name),
    };
    Mark { at_ns: made.returned_ns(), sign, words }
}

/// How long, for a person.
pub(crate) fn long(nanoseconds: u64) -> String {
    span_of(nanoseconds)
}

/// What the kernel says of a thread, in words: `asleep in recvfrom (wait_woken)`.
pub(crate) fn doing(sample: &Sample) -> String {
    let state = match sample.state {
        Some('R') => tr!("R: running or ready"),
        Some('S') => tr!("S: asleep"),
        Some('D') => tr!("D: asleep, not to be interrupted"),
        Some('T' | 't') => tr!("T: stopped"),
        Some('Z') => tr!("Z: ended, not yet collected"),
        Some(_) => tr!("another state"),
        None => tr!("gone: the kernel knows it no more"),
    };
    let call =
        sample.syscall.as_ref().map_or(String::new(), |call| tr!(" in {call}", call = safe(call)));
    let place =
        sample.wait_channel.as_ref().map_or(String::new(), |place| format!(" ({})", safe(place)));
    tr!("kernel: {state}{call}{place}", state, call, place)
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
        script.event(actor, EventKind::Actor { kind: ActorKind::Thread });
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
        script.event("non-blocking", EventKind::Left { cpu_ns: Some(150_000) });
        script.event(
            "peer",
            EventKind::Wait { asked_ns: 600 * MS, purpose: "the peer is silent".into() },
        );
        script.pass(250 * MS);
        script.leave("timeout", &timed, Outcome::Errno("EAGAIN".into()), &[]);
        script.event("timeout", EventKind::Left { cpu_ns: None });
        script.pass(350 * MS).sends("peer", 4, "at last");
        script.leave(
            "blocking",
            &blocking,
            Outcome::Result(7),
            &[("data", super::super::sample::data("at last"))],
        );
        script.event("blocking", EventKind::Left { cpu_ns: Some(220_000) });
        script.pass(20 * MS).event("peer", EventKind::Left { cpu_ns: Some(2 * MS) });
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
            let life = &lives(&script.recording())[0];
            let blocked = usize::from(flags == "0");
            assert_eq!(life.blocked().len(), blocked, "{flags}");
            assert_eq!(
                life.marks.last().map(|mark| mark.words.contains("timeout")),
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
        script.event("server", EventKind::Left { cpu_ns: Some(5 * MS) });
        script
    }

    fn spans(life: &Life) -> Vec<(Doing, u64)> {
        life.stretches
            .iter()
            .map(|one| (one.doing.clone(), (one.to_ns - one.from_ns) / MS))
            .collect()
    }

    #[test]
    fn from_calls_alone_a_call_that_waits_is_blocked() {
        let all = lives(&modes().recording());
        let names: Vec<_> = all.iter().map(|life| &*life.actor).collect();
        assert_eq!(names, ["peer", "blocking", "non-blocking", "timeout"]);
        assert_eq!(all[1].blocked(), [("recv".to_owned(), 1, 600_100_000)]);
        assert_eq!(spans(&all[2]), [(Doing::Runs, 9)], "a call that fails at once blocks nobody");
        assert_eq!(spans(&all[3])[1], (Doing::Blocked("recv".into()), 250));
        assert_eq!(all[3].marks[0].words, "EAGAIN: its own timeout was over");
    }

    #[test]
    fn samples_tell_ready_and_asleep() {
        let all = lives(&asked().recording());
        let seen: Vec<_> = spans(&all[0]);
        let accept = || Doing::Blocked("accept".into());
        assert_eq!(
            seen,
            [
                (Doing::Runs, 20),
                (accept(), 100),
                (Doing::Ready, 40),
                (Doing::Runs, 30),
                (Doing::Asleep("futex".into()), 60),
                (Doing::Away, 0)
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
        script.event("client", EventKind::Left { cpu_ns: None });
        let mut recording = script.recording();
        let entered = recording
            .events
            .iter()
            .position(|event| matches!(event.what, EventKind::Enter(_)))
            .expect("just made");
        let held = Event {
            at_ns: recording.events[0].at_ns + MS,
            what: EventKind::Held(connect),
            ..recording.events[entered].clone()
        };
        recording.events.insert(entered, held);
        assert_eq!(
            spans(&lives(&recording)[0]),
            [(Doing::Runs, 1), (Doing::Asleep("held".into()), 500), (Doing::Runs, 2)]
        );
    }

    #[test]
    fn two_roles_of_one_thread_are_away_between_their_calls() {
        let mut script = Script::new();
        for actor in ["server", "client"] {
            script.event(actor, EventKind::Actor { kind: ActorKind::Role });
            script.pass(MS);
        }
        let mut recording = script.recording();
        for event in &mut recording.events {
            event.thread = 7;
        }
        assert!(
            lives(&recording)
                .iter()
                .flat_map(|life| &life.stretches)
                .all(|one| one.doing == Doing::Away)
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
        let runs = Stretch { from_ns: 0, to_ns: 100 * MS, doing: Doing::Runs };
        let (brief, busy) = (sleeps(MS), sleeps(28 * MS));
        let asleep =
            |from_ns| Stretch { from_ns, to_ns: 100 * MS, doing: Doing::Asleep("poll".to_owned()) };
        let until = |to_ns| Stretch { from_ns: 0, to_ns, doing: Doing::Runs };
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
