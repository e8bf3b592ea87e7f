//! A run call by call, as a class is shown it: at a terminal (openpty(3)) with keys, and by itself with a pace.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;
use socket_explorer::experiments::{self, Stepping};
use socket_explorer::trace::PAUSES_PER_LINE;

use crate::person::Person;

/// A teacher sits down before `explore`; nobody has begun any lesson.
fn teacher(args: &[&str]) -> Person {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let state = PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
        .join(format!("step-state-{}", NEXT.fetch_add(1, Ordering::Relaxed)));
    let _ = fs::remove_dir_all(&state);
    let mut command = Command::new(env!("CARGO_BIN_EXE_explore"));
    Person::sits_down(
        80,
        24,
        command.args(args).args(["--color", "never"]).env("XDG_STATE_HOME", state),
    )
}

/// Goes on, screen after screen, until this is on one.
fn goes_on_until(teacher: &mut Person, text: &str) {
    while teacher.sees_one_of(&[text, "Enter shows more"]).0 > 0 {
        teacher.types("\r");
    }
}

fn scratch(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("step-{name}.jsonl"))
}

fn recorded(path: &PathBuf) -> Vec<Value> {
    fs::read_to_string(path)
        .expect("recorded")
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

/// Every call that was held was made after it was let go: its `enter` follows its `held`.
fn held_before_made(events: &[Value]) -> usize {
    let key = |event: &Value| (event["process"].clone(), event["call"].clone());
    let held: Vec<_> =
        events.iter().enumerate().filter(|(_, event)| event["event"] == "held").collect();
    for (at, event) in &held {
        let made =
            events.iter().position(|other| other["event"] == "enter" && key(other) == key(event));
        assert!(made.is_none_or(|made| made > *at), "{event}");
    }
    held.len()
}

#[test]
fn enter_makes_the_call_and_not_before() {
    let file = scratch("enter");
    let mut teacher =
        teacher(&["run", "recv-waits", "--step", "--record", file.to_str().expect("UTF-8")]);
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
        teacher.sees(&format!("· step {step}\x1b[K"));
        let screen = teacher.sees("Enter makes this call");
        blocked |= screen.contains("blocked: peer in accept()")
            && screen.contains("next: client calls connect(");
    }
    assert!(blocked);
    teacher.types("c");
    goes_on_until(&mut teacher, "✓ recv() took as long as the peer kept silent");
    goes_on_until(&mut teacher, "This run was stepped");
    assert_eq!(teacher.leaves().0, Some(0));
    let events = recorded(&file);
    assert!(held_before_made(&events) >= step, "as many as were shown");
    assert_eq!(events.last().map(|end| end["ending"].clone()), Some("finished".into()));
}

#[test]
fn q_leaves_at_once_and_what_was_recorded_is_whole() {
    let file = scratch("quit");
    let mut teacher =
        teacher(&["run", "recv-waits", "--step", "--record", file.to_str().expect("UTF-8")]);
    teacher.sees("next: peer calls socket");
    teacher.types("\r");
    teacher.sees("next: peer calls bind");
    teacher.types("q");
    assert_eq!(teacher.leaves().0, Some(0));
    let events = recorded(&file);
    assert_eq!(events.last().map(|end| end["ending"].clone()), Some("interrupted".into()));
    let made = |call| events.iter().any(|event| event["event"] == "enter" && event["api"] == call);
    assert!(made("socket") && !made("bind"), "only socket was made");
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
    teacher.sees(&format!("{}\x1b[K", "─".repeat(80)));
    teacher.sees("Enter makes this call");
    teacher.resizes(60, 20);
    teacher.sees(&format!("\n{}\x1b[K", "─".repeat(60)));
    teacher.sees("next: peer calls socket");
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
    teacher.types("c");
    goes_on_until(&mut teacher, "This run was stepped");
    assert_eq!(teacher.leaves().0, Some(0));
    assert!(!seen.contains("(at src/"), "every line's source is part of the program: {seen}");
}

#[test]
fn a_rooms_hands_are_shown_beside_the_answer() {
    let mut teacher = teacher(&["lesson", "1", "--big"]);
    let asks = ["hands 5 12 3", "Enter goes on", "Enter shows more", "Enter runs it"];
    while teacher.sees_one_of(&asks).0 > 0 {
        teacher.types("\r");
    }
    teacher.types("5\r");
    teacher.sees("that was 1");
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
    teacher.types("q\r");
    assert_eq!(teacher.leaves().0, Some(0));
}

#[test]
fn without_a_terminal_step_is_refused_and_pace_goes_by_itself() {
    let run = |args: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_explore"))
            .args(args)
            .stdin(Stdio::null())
            .output()
            .expect("explore runs")
    };
    let refused = run(&["run", "recv-waits", "--step"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("--pace"));
    assert_eq!(run(&["run", "recv-waits", "--step", "--pace", "1ms"]).status.code(), Some(2));
    let paced = run(&["run", "recv-waits", "--pace", "1ms"]);
    assert_eq!(paced.status.code(), Some(0));
    let text = String::from_utf8_lossy(&paced.stdout).into_owned();
    let (next, back) = (text.find("next: peer calls bind("), text.find(", 127.0.0.1:0) = 0"));
    assert!(
        next.is_some() && next < back,
        "first what is about to be made, then its result: {text}"
    );
    let busy = run(&["run", "busy-loop", "--pace", "1ms"]);
    assert!(String::from_utf8_lossy(&busy.stdout).contains("not stepped but run whole"));
}

#[test]
fn every_experiment_can_be_stepped_or_says_why_not_and_no_claim_is_broken() {
    let mut stepped = 0;
    for experiment in experiments::all() {
        let file = scratch(experiment.name);
        let status = Command::new(env!("CARGO_BIN_EXE_explore"))
            .args(["run", experiment.name, "--pace", "1ms", "--record"])
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .expect("explore runs");
        assert!(
            status.code().is_some_and(|code| code == 0 || code == 3),
            "{}: {status}",
            experiment.name
        );
        let events = recorded(&file);
        let ending = events.last().map(|end| end["ending"].clone()).unwrap_or_default();
        assert!(
            ending == "finished" || (ending == "unavailable" && status.code() == Some(3)),
            "{}: {ending}",
            experiment.name
        );
        let held = held_before_made(&events);
        match experiment.stepping {
            Stepping::Whole(_) => assert_eq!(held, 0, "{}", experiment.name),
            Stepping::Steps if ending == "finished" => {
                assert!(held > 0, "{}: nothing was held", experiment.name);
                stepped += 1;
            }
            Stepping::Steps => {}
        }
        let mut lines = std::collections::HashMap::new();
        for event in events.iter().filter(|event| event["event"] == "held") {
            *lines
                .entry((
                    event["actor"].to_string(),
                    event["site"].to_string(),
                    event["process"].to_string(),
                ))
                .or_insert(0) += 1;
        }
        assert!(
            lines.values().all(|times| *times <= PAUSES_PER_LINE),
            "{}: a loop is run through",
            experiment.name
        );
        fs::remove_file(file).expect("it was there");
    }
    assert!(stepped > 20, "{stepped}");
}

#[test]
fn the_deadline_does_not_come_nearer_while_a_call_is_held() {
    let file = scratch("deadline");
    let args = [
        "run",
        "recv-waits",
        "--pace",
        "200ms",
        "--set",
        "deadline=1s",
        "--record",
        file.to_str().expect("UTF-8"),
    ];
    let status = Command::new(env!("CARGO_BIN_EXE_explore"))
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status();
    assert_eq!(status.expect("explore runs").code(), Some(0));
    let events = recorded(&file);
    assert_eq!(events.last().map(|end| end["ending"].clone()), Some("finished".into()));
    let lasted = events.iter().filter_map(|event| event["at_ns"].as_u64()).max();
    assert!(
        lasted > Some(1_000_000_000),
        "it took longer than its deadline, held as it was: {lasted:?}"
    );
}
