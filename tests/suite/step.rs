//! A run call by call, as a class is shown it: at a terminal (openpty(3)) with keys, and by itself with a pace.

use std::collections::HashMap;
use std::path::Path;

use socket_explorer::experiments::{self, Stepping};
use socket_explorer::trace::recording::Recording;
use socket_explorer::trace::{Ending, EventKind, PAUSES_PER_LINE, SyscallKind};
use vt100::Screen;

use crate::person::Person;
use crate::support::{ended, explore, folder, for_each, recordings, told, utf8};

/// A teacher sits down before `explore`; nobody has begun any lesson.
fn teacher(args: &[&str]) -> Person {
    let mut command = explore(args);
    Person::sits_down(80, 24, command.args(["--color", "never"]))
}

/// True if one row of the screen ends so.
fn has_row(screen: &Screen, ends: &str) -> bool {
    screen.rows(0, screen.size().1).any(|row| row.trim_end().ends_with(ends))
}

/// Goes on, screen after screen, until this is on one.
fn goes_on_until(teacher: &mut Person, text: &str) {
    while teacher.sees_one_of(&[text, "Enter on · "]).0 > 0 {
        teacher.types("\r");
    }
}

pub fn recorded(path: &Path) -> Recording {
    recordings(path).into_iter().next().expect("a run")
}

/// Every call that was held was made after it was let go: its `enter` follows its `held`.
pub fn held_before_made(recording: &Recording) -> usize {
    let events = recording.events();
    let mut held = 0;
    for (at, event) in events.iter().enumerate() {
        let EventKind::Held(call) = &event.what else { continue };
        held += 1;
        let made = events.iter().position(|other| {
            other.process == event.process
                && matches!(&other.what, EventKind::Enter(entered) if entered.id == call.id)
        });
        assert!(made.is_none_or(|made| made > at), "{event:?}");
    }
    held
}

#[test]
fn keys_of_lessons_that_have_nothing_to_do_are_answered_with_why() {
    for key in ["?", "p", "c", "r"] {
        let mut teacher = teacher(&["run", "recv-waits", "--step"]);
        teacher.sees("Enter makes this call");
        teacher.types(key);
        teacher.sees_screen(|screen| {
            let text = screen.contents();
            text.contains("p c r")
                && text.contains("have nothing to do here")
                && text.contains("stops until fg")
                && text.contains("Enter goes back to the step")
        });
        // The next key goes back, and makes no call.
        teacher.types("\r");
        teacher.sees_screen(|screen| {
            has_row(screen, "q quit") && screen.contents().contains("step 1")
        });
        teacher.types("q");
        teacher.leaves();
    }
}

#[test]
fn enter_makes_the_call_and_not_before() {
    let folder = folder();
    let file = folder.path().join("run.jsonl");
    let mut teacher = teacher(&["run", "recv-waits", "--step", "--record", utf8(&file)]);
    teacher.sees("recv-waits · step 1");
    teacher.sees("▶ peer");
    teacher.sees("next: peer calls socket(AF_INET");
    teacher.sees("Enter makes this call");
    // The cursor stands: whatever time passes, the call is not made. It is made when Enter is pressed.
    teacher.types("\r");
    teacher.sees("recv-waits · step 2");
    teacher.sees("socket(AF_INET, SOCK_STREAM, 0) = ");
    teacher.sees("next: peer calls bind(");
    teacher.types("b");
    teacher.sees("step 1 again");
    teacher.sees("next: peer calls socket(AF_INET");
    // Back at the present nothing has been made meanwhile.
    teacher.types("\r");
    teacher.sees("recv-waits · step 2");
    let screen = teacher.sees("next: peer calls bind(");
    assert!(
        screen.contains(", SOCK_STREAM, 0) = ") && !screen.contains("127.0.0.1:0) = 0"),
        "{screen}"
    );
    // The peer accepts before the client has called: it is blocked, and the client's turn comes all the same. A presenter's
    // remote does as well as Enter.
    let mut step = 2;
    let mut blocked = false;
    for key in [" ", "\x1b[6~", "\x1b[C", "\r", "\r"] {
        teacher.types(key);
        step += 1;
        teacher.sees(&format!("· step {step}"));
        teacher.sees("Enter makes this call");
        assert!(has_row(teacher.screen(), &format!("· step {step}")));
        let screen = teacher.screen().contents();
        blocked |= screen.contains("blocked: peer in accept()")
            && screen.contains("next: client calls connect(");
    }
    assert!(blocked);
    teacher.types("e");
    goes_on_until(&mut teacher, "✓ recv() took as long as the peer kept silent");
    goes_on_until(&mut teacher, "This run was stepped");
    assert_eq!(teacher.leaves().0, Some(0));
    let recording = recorded(&file);
    assert!(held_before_made(&recording) >= step, "as many as were shown");
    assert_eq!(recording.ending(), Some(&Ending::Finished));
}

#[test]
fn q_leaves_at_once_and_what_was_recorded_is_whole() {
    let folder = folder();
    let file = folder.path().join("run.jsonl");
    let mut teacher = teacher(&["run", "recv-waits", "--step", "--record", utf8(&file)]);
    teacher.sees("next: peer calls socket");
    teacher.types("\r");
    teacher.sees("next: peer calls bind");
    teacher.types("q");
    assert_eq!(teacher.leaves().0, Some(0));
    let recording = recorded(&file);
    assert_eq!(recording.ending(), Some(&Ending::Interrupted));
    let made = |kind| {
        let entered =
            |what: &EventKind| matches!(what, EventKind::Enter(call) if call.kind() == kind);
        recording.events().iter().any(|event| entered(&event.what))
    };
    assert!(made(SyscallKind::Socket) && !made(SyscallKind::Bind), "only socket was made");
}

#[test]
fn ctrl_c_interrupts_and_gives_the_terminal_back() {
    let mut teacher = teacher(&["run", "by-turns", "--step"]);
    teacher.sees("Enter makes this call");
    teacher.types("\u{3}");
    assert_eq!(teacher.leaves().0, Some(130));
}

#[test]
fn a_window_is_measured_at_each_step() {
    let mut teacher = teacher(&["run", "recv-waits", "--step"]);
    teacher.sees("Enter makes this call");
    assert!(has_row(teacher.screen(), &"─".repeat(80)));
    teacher.resizes(60, 20);
    // A rule that is too long goes on in the next row, as in a picture that was drawn just before the window changed.
    teacher.sees_screen(|screen| {
        let mut rules = screen.rows(0, 60).filter(|row| row.starts_with('─')).peekable();
        rules.peek().is_some() && rules.all(|rule| rule == "─".repeat(60))
    });
    teacher.types("q");
    assert_eq!(teacher.leaves().0, Some(0));
}

#[test]
fn the_chats_own_source_is_shown_where_it_calls() {
    let mut teacher = teacher(&["run", "by-turns", "--step"]);
    let mut seen = String::new();
    while !seen.contains("is over") {
        seen += &teacher.sees("next: ");
        // src/chat/turns.rs and receiver.rs: the lines themselves are on the screen.
        teacher.types("\r");
        if seen.contains("talk.socket")
            || seen.contains("socket.send_all(")
            || seen.contains("socket.recv(")
        {
            break;
        }
    }
    teacher.types("e");
    goes_on_until(&mut teacher, "This run was stepped");
    assert_eq!(teacher.leaves().0, Some(0));
    assert!(!seen.contains("(at src/"), "every line's source is part of the program: {seen}");
}

#[test]
fn a_rooms_hands_are_shown_beside_the_answer() {
    let mut teacher = teacher(&["lesson", "1", "--big"]);
    let asks = ["hands 5 12 3", "Enter on · ", "Enter runs it"];
    while teacher.sees_one_of(&asks).0 > 0 {
        teacher.types("\r");
    }
    teacher.types("5\r");
    teacher.sees("1 typed for");
    teacher.sees(asks[0]);
    teacher.types("a5 b12\r");
    let mut seen = String::new();
    // Wherever the lines are broken.
    while !seen.replace("\r\n", " ").contains("12 of 17") {
        let (which, before) = teacher.sees_one_of(&asks);
        assert_ne!(which, 0, "no second prediction before the first one's answer");
        seen += &before;
        teacher.types("\r");
    }
    assert!(seen.contains(" 12\r\n") && seen.contains('█'), "{seen}");
    teacher.sees_one_of(&asks);
    teacher.types("q");
    assert_eq!(teacher.leaves().0, Some(0));
}

#[test]
fn without_a_terminal_step_is_refused_and_pace_goes_by_itself() {
    let (_, err, code) = told(&["run", "recv-waits", "--step"]);
    assert!(err.contains("--pace"), "{err}");
    assert_eq!(code, Some(2));
    assert_eq!(told(&["run", "recv-waits", "--step", "--pace", "1ms"]).2, Some(2));
    let (text, err, code) = told(&["run", "recv-waits", "--pace", "1ms"]);
    assert_eq!(code, Some(0), "{text}{err}");
    let (next, back) = (text.find("next: peer calls bind("), text.find(", 127.0.0.1:0) = 0"));
    assert!(
        next.is_some() && next < back,
        "first what is about to be made, then its result: {text}"
    );
    let (busy, ..) = told(&["run", "busy-loop", "--pace", "1ms"]);
    assert!(busy.contains("runs without pauses"), "{busy}");
}

#[test]
fn every_experiment_can_be_stepped_or_says_why_not_and_no_claim_is_broken() {
    let folder = folder();
    let all: Vec<_> = experiments::all().collect();
    for_each(&all, |experiment| {
        let name = experiment.name;
        let file = folder.path().join(name);
        let mut run = explore(&["run", name, "--pace", "1ms", "--record", utf8(&file)]);
        let (out, err, code) = ended(&mut run);
        let recording = recorded(&file);
        match recording.ending() {
            Some(Ending::Finished) => assert_eq!(code, Some(0), "{name}: {out}{err}"),
            Some(Ending::Unavailable { .. }) => assert_eq!(code, Some(3), "{name}: {out}{err}"),
            other => panic!("{name}: {other:?}"),
        }
        let held = held_before_made(&recording);
        match experiment.stepping {
            Stepping::Whole(_) => assert_eq!(held, 0, "{name}"),
            Stepping::Steps => assert!(held > 0 || code == Some(3), "{name}: nothing was held"),
        }
        let mut lines = HashMap::new();
        for event in recording.events() {
            if let EventKind::Held(call) = &event.what {
                let key = (&event.actor, &call.site, call.kind(), event.process);
                *lines.entry(key).or_insert(0) += 1;
            }
        }
        assert!(
            lines.values().all(|times| *times <= PAUSES_PER_LINE),
            "{name}: a loop is run through"
        );
    });
    assert!(all.iter().filter(|one| matches!(one.stepping, Stepping::Steps)).count() > 20);
}

#[test]
fn the_deadline_does_not_come_nearer_while_a_call_is_held() {
    let folder = folder();
    let file = folder.path().join("run.jsonl");
    let args = ["run", "recv-waits", "--pace", "200ms", "--set", "deadline=1s", "--record"];
    assert_eq!(ended(explore(&args).arg(&file)).2, Some(0));
    let recording = recorded(&file);
    assert_eq!(recording.ending(), Some(&Ending::Finished));
    let lasted = recording.events().iter().map(|event| event.at_ns).max();
    assert!(
        lasted > Some(1_000_000_000),
        "it took longer than its deadline, held as it was: {lasted:?}"
    );
}
