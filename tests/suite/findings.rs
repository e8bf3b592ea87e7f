//! Small programs, right and wrong, as learners write them: traced, and judged by the rules.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use socket_explorer::analysis::Analysis;
use socket_explorer::analysis::findings::RuleKind::{self, *};

use crate::support::{by_a_limit, ended, explore, folder, for_each, recordings, require, utf8};

fn program(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/traced").join(name)
}

/// What is found in these programs, traced together until they end or the time is over.
fn found(limit: &str, programs: &[(&str, String)]) -> Vec<RuleKind> {
    let folder = folder();
    let path = folder.path().join("trace.jsonl");
    let lines: Vec<String> = programs.iter().map(|(name, line)| format!("{name}={line}")).collect();
    let mut args = vec!["trace", "--for", limit, "--view", "findings", "--record", utf8(&path)];
    args.extend(lines.iter().map(String::as_str));
    let mut command = explore(&args);
    command.env("PYTHONDONTWRITEBYTECODE", "1");
    let (_, err, _) = ended(&mut command);
    let recording = recordings(&path).pop().unwrap_or_else(|| panic!("{programs:?}: {err}"));
    Analysis::of(&recording).findings().iter().map(|one| RuleKind::from(&one.rule)).collect()
}

/// A file of Python that plays a server and a client.
fn pair(name: &str, limit: &str) -> Vec<RuleKind> {
    let folder = folder();
    let port = folder.path().join("port");
    let line = |role: &str| {
        format!("python3 {} {role} {}", program(&format!("{name}.py")).display(), port.display())
    };
    found(limit, &[("server", line("server")), ("client", line("client"))])
}

/// A file of Python that needs nobody else.
fn alone(name: &str, limit: &str) -> Vec<RuleKind> {
    found(limit, &[("program", format!("python3 {}", program(&format!("{name}.py")).display()))])
}

/// No program that ends by itself takes so long.
const LONG: &str = "60s";

/// What is found in programs that never end, once they all wait.
fn found_in_the_end(faults: &[RuleKind], found: impl Fn(&str) -> Vec<RuleKind>) -> Vec<RuleKind> {
    by_a_limit(found, |all| all == faults)
}

#[test]
fn the_faults_of_a_server_and_its_client_are_found_and_right_ones_left_alone() {
    if require("python3").is_none() {
        return;
    }
    let programs = [
        ("answered_part", &[AnsweredPart][..]),
        ("part_of_stream", &[AnsweredPart]),
        ("left_rest", &[LeftRest]),
        ("echo_part", &[LeftRest]),
        ("short_read", &[ShortRead]),
        ("datagram_cut", &[DatagramCut]),
        ("rest_not_sent", &[RestNotSent]),
        ("rest_not_sent_next", &[RestNotSent]),
        ("read_past_end", &[ReadPastEnd]),
        ("spin", &[Spin]),
        ("ready_ignored", &[ReadyIgnored]),
        ("always_writable", &[ReadyIgnored]),
        ("not_ready", &[NotReady]),
        ("closed_unread", &[ClosedUnread]),
        ("closed_while_sending", &[ClosedWhileSending]),
        ("no_reuse", &[NoReuseAddress]),
        ("sigpipe", &[BrokenPipe]),
        ("not_closed", &[NotClosed]),
        ("one_client_blocks", &[OneClientBlocks]),
        ("sleeps", &[SleepBlocks]),
        ("full_backlog", &[FullBacklog]),
        ("full_backlog_asyncio", &[FullBacklog]),
        ("delayed_ack", &[DelayedAck]),
        ("delayed_ack_bytes", &[DelayedAck]),
        ("other_family", &[NobodyListens]),
        ("closed_while_blocked", &[ClosedWhileBlocked]),
        ("not_listening", &[NotListening]),
        ("listener_used", &[ListenerUsed]),
        ("used_after_close", &[UsedAfterClose]),
    ];
    for_each(&programs, |(name, faults)| {
        assert_eq!(pair(&format!("{name}_wrong"), LONG), *faults, "{name}");
        assert_eq!(pair(&format!("{name}_right"), LONG), [], "{name}");
    });
    assert_eq!(pair("each_part_right", LONG), []);
}

#[test]
fn programs_that_wait_for_each_other_are_found_and_right_ones_left_alone() {
    if require("python3").is_none() {
        return;
    }
    for (name, faults) in [
        ("joined", &[JoinedMessages, AllReceive][..]),
        ("both_receive", &[AllReceive]),
        ("both_send", &[AllSend]),
        ("accept_instead", &[AcceptInsteadOfRecv]),
        ("no_datagram", &[NoDatagram]),
    ] {
        let wrong = format!("{name}_wrong");
        assert_eq!(found_in_the_end(faults, |limit| pair(&wrong, limit)), faults, "{name}");
        assert_eq!(pair(&format!("{name}_right"), LONG), [], "{name}");
    }
    // Another thread, or process, which makes no call, will answer.
    assert_eq!(pair("worker_right", "3s"), []);
    assert_eq!(pair("forked_right", "3s"), []);
    let line = format!("python3 {}", program("all_accept_wrong.py").display());
    let both = [("one", line.clone()), ("other", line)];
    assert_eq!(found_in_the_end(&[AllAccept], |limit| found(limit, &both)), [AllAccept]);
}

#[test]
fn the_faults_of_one_program_are_found_and_right_ones_left_alone() {
    if require("python3").is_none() {
        return;
    }
    assert_eq!(alone("in_use_wrong", LONG), [AddressInUse]);
    assert_eq!(alone("in_use_right", LONG), []);
    assert_eq!(alone("self_connect_wrong", LONG), [SelfConnect]);
    assert_eq!(alone("refused_later_wrong", LONG), [NobodyListens]);
    assert_eq!(alone("refused_later_right", LONG), []);
    let busy = found_in_the_end(&[BusyWithoutCall], |limit| alone("busy_wrong", limit));
    assert_eq!(busy, [BusyWithoutCall]);
    assert_eq!(alone("busy_right", "4s"), []);
}

#[test]
fn a_client_of_a_server_outside_of_the_trace_needs_a_limit() {
    if require("python3").is_none() {
        return;
    }
    let found = |name: &str, limit: &str| {
        let folder = folder();
        let port = folder.path().join("port");
        let mut python = Command::new("python3");
        python.arg(program("silent.py")).arg(&port).stdin(Stdio::piped());
        let mut silent = python.spawn().expect("it starts");
        let line =
            format!("python3 {} {}", program(&format!("{name}.py")).display(), port.display());
        let all = found(limit, &[("client", line)]);
        // It waits for a client, if that was ended before it called.
        silent.kill().and_then(|()| silent.wait()).expect("it ends");
        all
    };
    let wrong = found_in_the_end(&[NoTimeout], |limit| found("no_timeout_wrong", limit));
    assert_eq!(wrong, [NoTimeout]);
    assert_eq!(found("no_timeout_right", LONG), []);
}

#[test]
fn programs_in_c_are_judged_alike() {
    if require("python3").is_none() {
        return;
    }
    let folder = folder();
    for (name, faults) in [
        ("fork_wrong", &[NotClosed][..]),
        ("fork_right", &[]),
        ("pipe_wrong", &[BrokenPipe]),
        ("pipe_right", &[]),
    ] {
        let Some(mut cc) = require("cc") else { return };
        let built = folder.path().join(name);
        let status = cc.arg("-o").arg(&built).arg(program(&format!("{name}.c"))).status();
        assert!(status.is_ok_and(|status| status.success()), "{name}");
        let port = folder.path().join(format!("{name}.port"));
        let own = format!("{} {}", built.display(), port.display());
        let other = |file: &str, role: &str| {
            format!("python3 {} {role} {}", program(file).display(), port.display())
        };
        let programs = if name.starts_with("fork") {
            [("server", own), ("client", other("not_closed_right.py", "client"))]
        } else {
            [("server", other("sigpipe_right.py", "server")), ("client", own)]
        };
        assert_eq!(found(LONG, &programs), faults, "{name}");
    }
}
