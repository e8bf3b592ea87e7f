//! Timelines of recordings made by hand.

use super::super::script::{Script, data};
use super::*;
use crate::trace::{Call, Outcome, Value};
use std::sync::Arc;

const MS: u64 = 1_000_000;

fn comes(script: &mut Script, actor: &str) {
    script.event(actor, EventKind::Started { kind: ActorKind::Thread });
}

fn enters_recv(script: &mut Script, actor: &str, socket: u32) -> Arc<Call> {
    script.enter(actor, socket, "recv", &[("size", Value::Number(1024))])
}

/// One silent peer, and three who call recv, each in its own mode; nobody asked the kernel.
pub(crate) fn modes() -> Script {
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
    script.leave("blocking", &blocking, Outcome::Result(7), &[("data", data("at last"))]);
    script.event("blocking", EventKind::Exited { cpu_ns: Some(220_000), status: None });
    script.pass(20 * MS).event("peer", EventKind::Exited { cpu_ns: Some(2 * MS), status: None });
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
        let timeline = &Analysis::of(&recording).threads[0];
        let blocked = usize::from(flags == "0");
        assert_eq!(timeline.blocked().len(), blocked, "{flags}");
        assert_eq!(
            timeline.marks.last().map(|mark| mark.kind == MarkKind::TimedOut),
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
pub(crate) fn asked() -> Script {
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

fn spans(timeline: &ThreadTimeline) -> Vec<(ThreadState, u64)> {
    timeline
        .intervals
        .iter()
        .map(|one| (one.doing.clone(), (one.to_ns - one.from_ns) / MS))
        .collect()
}

#[test]
fn from_calls_alone_a_call_that_waits_is_blocked() {
    let recording = modes().recording();
    let all = Analysis::of(&recording).threads;
    let names: Vec<_> = all.iter().map(|timeline| &*timeline.actor).collect();
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
            .flat_map(|timeline| &timeline.intervals)
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
    assert_eq!(refined(vec![runs.clone()], &[(30 * MS, &busy)]), [until(30 * MS), asleep(30 * MS)]);
    // It was awake all the time, and had the processor for a part of it.
    let crowded = Sample { ready_ns: Some(20 * MS), ..sleeps(9 * MS) };
    assert_eq!(refined(vec![runs], &[(30 * MS, &crowded)]), [until(30 * MS), asleep(30 * MS)]);
}

#[test]
fn who_was_never_woken_is_not_counted_as_woken() {
    let mut script = Script::new();
    script.enter("server", 1, "accept", &[]);
    script.pass(5_000_000).sends("client", 2, "x");
    let recording = script.recording();
    let analysis = Analysis::of(&recording);
    let totals = ThreadTotals::of(&analysis.threads.iter().collect::<Vec<_>>());
    assert_eq!((totals.slept, totals.woken), (vec![("accept".to_owned(), 1)], 0));
}

#[test]
fn what_is_looked_at_is_received_once() {
    let mut script = Script::new();
    for flags in ["MSG_PEEK", "0"] {
        let args = [("size", Value::Number(64)), ("flags", flags.into())];
        let recv = script.enter("server", 3, "recv", &args);
        script.leave("server", &recv, Outcome::Result(5), &[("data", data("hello"))]);
    }
    let recording = script.recording();
    let marks = &Analysis::of(&recording).threads[0].marks;
    let kinds: Vec<_> = marks.iter().map(|mark| mark.kind.clone()).collect();
    assert_eq!(kinds, [MarkKind::Peeked(5), MarkKind::Received(5, None)]);
}
