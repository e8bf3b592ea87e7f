//! Traces of recordings made by hand.

use insta::assert_snapshot;

use super::*;
use crate::analysis::script::{Script, data, fits_everywhere, here};
use crate::trace::{Blocked, Fact, Outcome, TcpInfo, Value};

fn talk() -> Script {
    let mut script = Script::new();
    script.socket("server", 1, "AF_INET", "SOCK_STREAM").fails(
        "client",
        2,
        "connect",
        &[("address", here(4000))],
        "ECONNREFUSED",
    );
    let recv = script.enter("server", 1, "recv", &[("size", Value::Number(1024))]);
    script.observed("lab", 9, Fact::TcpInfo(TcpInfo::default()));
    script.pass(100_000_000).sends("client", 2, "你好\n");
    script.leave("server", &recv, Outcome::Result(7), &[("data", data("你好\n"))]);
    script
}

#[test]
fn a_call_that_is_interrupted_is_shown_as_blocked_and_again_when_it_returns() {
    assert_snapshot!(drawn(&talk(), 90));
}

fn draw(analysis: &Analysis, width: usize) -> Picture {
    super::draw(analysis, width, DrawOptions::default())
}

fn drawn(script: &Script, width: usize) -> String {
    draw(&Analysis::of(&script.recording()), width).text()
}

#[test]
fn zero_bytes_of_a_stream_are_its_end_and_of_a_datagram_an_empty_message() {
    for (kind, words) in [("SOCK_STREAM", "= 0 (end)"), ("SOCK_DGRAM", "= 0 (empty)")] {
        let mut script = Script::new();
        script.socket("bob", 1, "AF_INET", kind).receives("bob", 1, 8, "");
        let text = drawn(&script, 90);
        assert!(text.contains(words), "{text}");
    }
}

#[test]
fn an_address_in_more_bytes_than_its_family_takes_says_so() {
    let mut script = Script::new();
    for more in [None, Some(28)] {
        let length = more.map(|bytes: i64| ("length", bytes.into()));
        let args: Vec<_> = [("address", here(4000))].into_iter().chain(length).collect();
        script.fails("bob", 1, "connect", &args, "EINVAL");
    }
    let text = drawn(&script, 90);
    for words in ["127.0.0.1:4000) = EINVAL", "127.0.0.1:4000, 28 bytes) = EINVAL"] {
        assert!(text.contains(words), "{text}");
    }
}

#[test]
fn a_pause_shows_who_is_blocked_once() {
    let mut script = Script::new();
    script.enter("bob", 1, "accept", &[]);
    let mut trace = Trace::new(Detail::Calls, 80);
    assert_eq!(trace.push(&script.events[0]), []);
    let rows: Vec<String> = trace.pause().iter().map(Row::text).collect();
    assert_eq!(rows, ["      1.000 ms  bob  accept4(3) …"]);
    assert_eq!(trace.pause(), []);
}

#[test]
fn what_the_instrument_saw_is_told_only_to_those_who_ask() {
    let mut script = Script::new();
    let (state, rtt_us) = ("ESTABLISHED".into(), Some(35));
    let info = TcpInfo { state, rtt_us, ..TcpInfo::default() };
    script.observed("bob", 1, Fact::TcpInfo(info));
    let traced = |detail| {
        let mut trace = Trace::new(detail, 120);
        script
            .events
            .iter()
            .flat_map(|event| trace.push(event))
            .map(|row| row.text())
            .collect::<Vec<_>>()
    };
    assert_eq!(traced(Detail::Calls), [""; 0]);
    let line = "      1.010 ms  bob     307  fd 3: its state is ESTABLISHED rtt 35 µs (TCP_INFO)";
    assert_eq!(traced(Detail::Kernel), [line]);
}

#[test]
fn a_narrow_trace_keeps_the_outcome() {
    let mut script = Script::new();
    script.sends("client", 2, &"x".repeat(100)).fails(
        "client",
        2,
        "connect",
        &[("address", here(4000))],
        "ECONNREFUSED",
    );
    assert_snapshot!(drawn(&script, 38));
}

#[test]
fn how_long_a_call_took_is_told_at_every_width() {
    let mut script = Script::new();
    for letters in 1..60 {
        let path = Value::Address(crate::trace::Address::Unix(Some("x".repeat(letters))));
        script.fails("client", 2, "connect", &[("address", path)], "ENOENT");
    }
    for width in 20..=120 {
        let drawn = drawn(&script, width);
        assert_eq!(drawn.matches(" µs\n").count(), 59, "at {width}:\n{drawn}");
    }
}

#[test]
fn a_call_that_is_wider_than_its_row_goes_on_below() {
    let mut script = Script::new();
    let path = "/run/a-folder-with-a-long-name/and-another/door";
    let path = Value::Address(crate::trace::Address::Unix(Some(path.into())));
    script.fails("client", 2, "connect", &[("address", path)], "ENOENT");
    for width in 20..80 {
        let drawn = drawn(&script, width);
        let text: String = drawn.split_whitespace().collect();
        assert!(text.contains("a-folder-with-a-long-name/and-another/door)=ENOENT"), "{drawn}");
    }
}

#[test]
fn what_is_no_call_is_a_line_of_its_own() {
    let mut script = Script::new();
    script.event("bob", EventKind::Deed { deed: "chmod 000 …/door".into(), errno: None });
    script
        .event("bob", EventKind::Deed { deed: "open …/door".into(), errno: Some("ENXIO".into()) });
    let expected =
        "      1.000 ms  bob  chmod 000 …/door\n      1.010 ms  bob  open …/door = ENXIO\n";
    assert_eq!(drawn(&script, 80), expected);
}

#[test]
fn the_deadline_says_who_was_blocked_where() {
    let mut script = Script::new();
    let call = script.enter("bob", 1, "accept", &[]);
    let blocked = vec![Blocked { actor: "bob".into(), call, for_ns: 5_000_000_000 }];
    script
        .event("lab", EventKind::Deadline { limit_ns: 5_000_000_000, interrupted: false, blocked });
    script.event("lab", EventKind::End { ending: Ending::Deadline });
    assert_snapshot!(drawn(&script, 70));
}

#[test]
fn frames_are_told_in_one_line_and_in_hex_to_those_who_ask_three_times() {
    let frame = serde_json::json!({"event": "frame", "frame": 3, "sent_by": "client",
        "ip": {"src": "10.9.0.1", "dst": "10.9.0.2", "header_bytes": 20, "total_bytes": 60, "ttl": 64, "protocol": 6},
        "tcp": {"src_port": 40123, "dst_port": 8080, "flags": "SYN,ACK", "seq": 1_234_567, "ack": 8, "window": 64240, "header_bytes": 40,
            "options": [{"mss": 1460}]},
        "payload_bytes": 0, "fate": "dropped", "rules": ["drop the first SYN"], "raw": "02000a090002fec647f4438b080041ff7e"});
    let mut script = Script::new();
    let call = script.enter("client", 2, "connect", &[("address", here(4000))]);
    script
        .event("wire", serde_json::from_value(frame).expect("a frame"))
        .event("wire", EventKind::Delivered { frame: 2 });
    script.leave("client", &call, Outcome::Result(0), &[]);
    let traced = |detail, width| {
        let mut trace = Trace::new(detail, width);
        script
            .events
            .iter()
            .flat_map(|event| trace.push(event))
            .map(|row| row.text() + "\n")
            .collect::<String>()
    };
    assert_snapshot!(traced(Detail::Frames, 80));
    let calls_alone =
        "      1.000 ms  client  connect(4, 127.0.0.1:4000) = 0                     30 µs\n";
    assert_eq!(traced(Detail::Kernel, 80), calls_alone, "what is not told interrupts nothing");
    for width in 20..=200 {
        assert!(
            traced(Detail::Frames, width).lines().all(|line| line.width() <= width),
            "{}",
            traced(Detail::Frames, width)
        );
    }
}

#[test]
fn nothing_sticks_out_or_reaches_the_terminal() {
    let mut script = talk();
    script.part("by \u{1b}[31mhand").event(
        "eve\u{1b}[2J",
        EventKind::Wait { asked_ns: 200_000_000, purpose: "\u{202e}silence".into() },
    );
    script.event(
        "lab",
        EventKind::End {
            ending: Ending::Failed { why: crate::trace::Failure::Text("no\nway ".repeat(40)) },
        },
    );
    fits_everywhere(&script.recording(), draw);
    assert!(drawn(&script, 80).chars().all(|c| c == '\n' || crate::text::is_safe_to_show(c)));
}

#[test]
fn an_observation_without_a_descriptor_names_none() {
    let mut script = Script::new();
    let fact = Fact::Getsockname(crate::trace::Address::Unix(None));
    let socket = Some(crate::trace::SocketId(9));
    let observation = crate::trace::Observation { socket, fd: None, fact };
    script.event("bob", EventKind::Observed(observation));
    let mut trace = Trace::new(Detail::Kernel, 120);
    let rows = trace.push(&script.events[0]);
    assert_eq!(
        rows.iter().map(Row::text).collect::<String>(),
        "      1.000 ms  bob     307  a socket: its own address is (no name) (getsockname)"
    );
}

#[test]
fn an_error_by_which_a_program_asks_is_no_failure() {
    let ink = |function, args: &[_], errno: &str| {
        let mut script = Script::new();
        script.fails("bob", 1, function, args, errno);
        let mut trace = Trace::new(Detail::Calls, 120);
        let rows: Vec<Row> = script.events.iter().flat_map(|event| trace.push(event)).collect();
        let mut spans = rows.iter().flat_map(|row| &row.0);
        spans.find(|span| span.text.contains(errno)).expect("it is told").ink
    };
    let add = [("op", "EPOLL_CTL_ADD".into()), ("fd", 5.into()), ("events", "EPOLLIN".into())];
    assert_eq!(ink("epoll_ctl", &add, "EEXIST"), Ink::Warn);
    assert_eq!(ink("epoll_ctl", &add, "EPERM"), Ink::Bad);
    assert_eq!(ink("bind", &[("address", here(80))], "EEXIST"), Ink::Bad);
}

#[test]
fn a_call_on_a_non_blocking_socket_was_not_blocked() {
    for (flags, was_blocked) in [("O_NONBLOCK", false), ("0", true)] {
        let mut script = Script::new();
        let args = [("command", "F_SETFL".into()), ("flags", flags.into())];
        script.call("bob", 1, "set_nonblocking", &args, 0);
        let recv = script.enter("bob", 1, "recv", &[("size", Value::Number(16))]);
        script.pass(15_000_000).sends("ann", 2, "x");
        script.leave("bob", &recv, Outcome::Errno("EAGAIN".into()), &[]);
        let text = drawn(&script, 100);
        assert_eq!(text.contains("blocked 15.0 ms"), was_blocked, "{text}");
    }
}

#[test]
fn a_call_is_blocked_by_how_long_it_took_and_not_by_what_happened_around_it() {
    for (sent_before, words) in [(false, "blocked 5.0"), (true, "5.0")] {
        let mut script = Script::new();
        script.tcp_connection(("client", 2), ("server", 1, 3));
        if sent_before {
            script.sends("client", 2, "hello");
        }
        let recv = script.enter("server", 3, "recv", &[("size", Value::Number(9))]);
        if sent_before {
            // Somebody does something meanwhile, which is nothing to it.
            script.call("client", 2, "shutdown", &[("how", "SHUT_WR".into())], 0);
        }
        script.pass(5_000_000);
        script.leave("server", &recv, Outcome::Result(5), &[("data", data("hello"))]);
        let recording = script.recording();
        let text = super::draw(&Analysis::of(&recording), 120, DrawOptions::default()).text();
        let mut rows = text.lines().filter(|row| row.contains("recvfrom") && row.contains("= 5"));
        let row = rows.next().expect("the receive");
        assert!(row.contains(words) && row.contains("blocked") != sent_before, "{text}");
    }
}
