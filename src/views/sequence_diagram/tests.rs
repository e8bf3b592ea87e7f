//! Ladders of recordings made by hand, pinned as text.

use insta::assert_snapshot;
use serde_json::json;
use unicode_width::UnicodeWidthStr;

use super::draw;
use crate::analysis::Analysis;
use crate::analysis::script::{Script, at, data, here};
use crate::trace::recording::{Origin, Program, Recording};
use crate::trace::{Blocked, Data, EventKind, Outcome, Value};
use crate::views::DrawOptions;

/// One line there and back; then the client says that it is done.
fn echo(times: usize) -> Recording {
    let mut script = Script::unhurried();
    script.process("client", 2).tcp_connection(("client", 3), ("server", 1, 2));
    for _ in 0..times {
        script.sends("client", 3, "hello").receives("server", 2, 1024, "hello");
        script.sends("server", 2, "hello").receives("client", 3, 1024, "hello");
    }
    let recv = script.enter("server", 2, "recv", &[("size", 1024.into())]);
    script
        .json("lab", json!({"event": "wait", "asked_ns": 200_000_000, "purpose": "silence"}))
        .pass(200_000_000);
    script.call("client", 3, "shutdown", &[("how", "SHUT_WR".into())], 0);
    script.leave("server", &recv, Outcome::Result(0), &[("data", data(""))]);
    script.recording()
}

/// Four actors: datagrams in Chinese over two lanes, one lost, one to nobody; a refused connect; a receive for ever.
fn datagrams() -> Recording {
    let mut script = Script::unhurried();
    script.json("lab", json!({"event": "part", "part": "datagrams"}));
    script.udp("alice", 1, 5001).udp("bob", 2, 5002).udp("carol", 3, 5003).socket(
        "dave",
        4,
        "AF_INET",
        "SOCK_STREAM",
    );
    script.sends_to("alice", 1, "你好", 5003).receives_from("carol", 3, 64, "你好", 5001);
    script.sends_to("carol", 3, "你也好啊", 5001).receives_from("alice", 1, 64, "你也好啊", 5003);
    script.sends_to("alice", 1, "lost", 5002).sends_to("bob", 2, "void", 5009);
    script.fails("dave", 4, "connect", &[("address", here(9))], "ECONNREFUSED");
    script.enter("bob", 2, "recv", &[("size", 1024.into())]);
    script.pass(3_000_000).sends_to("carol", 3, "late\u{202e}\n", 5001);
    script.json("lab", json!({"event": "deadline", "limit_ns": 5_000_000_000_u64, "blocked": []}));
    script.recording()
}

/// Three sends and one receive; one send and several receives.
fn stream() -> Recording {
    let mut script = Script::unhurried();
    script.tcp_connection(("client", 1), ("server", 2, 3));
    script.sends("client", 1, "one").sends("client", 1, "two").sends("client", 1, "three");
    script.receives("server", 3, 64, "onetwothree");
    script
        .sends("client", 1, "four five")
        .receives("server", 3, 4, "four")
        .receives("server", 3, 4, " fiv");
    script.recording()
}

fn drawn(recording: &Recording, width: usize) -> String {
    draw(&Analysis::of(recording), width, DrawOptions::default()).text()
}

#[test]
fn an_echo_in_80_columns() {
    assert_snapshot!(drawn(&echo(1), 80));
}

#[test]
fn an_echo_in_40_columns() {
    assert_snapshot!(drawn(&echo(1), 40));
}

#[test]
fn an_echo_in_20_columns() {
    assert_snapshot!(drawn(&echo(1), 20));
}

#[test]
fn datagrams_among_four_in_80_columns() {
    assert_snapshot!(drawn(&datagrams(), 80));
}

#[test]
fn datagrams_among_four_in_40_columns() {
    assert_snapshot!(drawn(&datagrams(), 40));
}

#[test]
fn a_stream_in_80_columns() {
    assert_snapshot!(drawn(&stream(), 80));
}

#[test]
fn a_send_is_over_when_its_receiver_has_all_of_it() {
    // More than there is room for at once.
    let drawn_if_received = |bytes: usize| {
        let mut script = Script::unhurried();
        script.tcp_connection(("client", 1), ("server", 2, 3));
        let recv = script.enter("server", 3, "recv", &[("size", 100_000.into())]);
        let send = script.enter("client", 1, "send", &[("data", data(&"a".repeat(100_000)))]);
        let got = bytes.try_into().expect("a count");
        script.leave("server", &recv, Outcome::Result(got), &[("data", data(&"a".repeat(bytes)))]);
        script.call("server", 3, "shutdown", &[("how", "SHUT_WR".into())], 0);
        script.pass(40_000_000).leave("client", &send, Outcome::Result(100_000), &[]);
        drawn(&script.recording(), 80)
    };
    let (all, part) = (drawn_if_received(100_000), drawn_if_received(2));
    assert!(!all.contains("send = 100000"), "{all}");
    assert!(part.contains("send = 100000 after 40"), "{part}");
}

#[test]
fn what_is_no_call_stands_at_its_lane() {
    let mut script = Script::unhurried();
    script.socket("server", 1, "AF_UNIX", "SOCK_STREAM").socket(
        "client",
        2,
        "AF_UNIX",
        "SOCK_STREAM",
    );
    script.json("server", json!({"event": "deed", "deed": "unlink …/door"}));
    script.json("client", json!({"event": "deed", "deed": "open …/door", "errno": "ENOENT"}));
    let drawn = draw(&Analysis::of(&script.recording()), 80, DrawOptions::default()).text();
    let row =
        |text: &str| drawn.lines().find(|row| row.contains(text)).and_then(|row| row.find(text));
    let (server, client) = (row("unlink …/door"), row("open …/door ✗ ENOENT"));
    assert!(server.is_some() && server < client, "{drawn}");
}

/// Clients come and are not accepted yet; the server, a process of its own, is killed while it waits.
fn killed() -> Recording {
    let mut script = Script::unhurried();
    script
        .process("server", 2)
        .process("client", 3)
        .tcp_connection(("client", 3), ("server", 1, 2));
    script.enter("server", 2, "recv", &[("size", 1024.into())]);
    script.json("server", json!({"event": "signalled", "signal": "SIGKILL"}));
    script.receives("client", 3, 1024, "");
    script.json("server", json!({"event": "exited", "cpu_ns": 1, "status": {"signal": "SIGKILL"}}));
    script.call("client", 3, "close", &[], 0);
    script.json("client", json!({"event": "exited", "cpu_ns": 1, "status": {"code": 0}}));
    script.recording()
}

#[test]
fn who_is_killed_waits_no_longer() {
    assert_snapshot!(drawn(&killed(), 100));
}

#[test]
fn a_signal_that_a_call_raised_is_nobody_elses() {
    let mut script = Script::unhurried();
    script.process("sender", 2).socket("sender", 2, "AF_INET", "SOCK_STREAM");
    // One that it got before, and survived, has no part in it.
    script.json("sender", json!({"event": "signalled", "signal": "SIGUSR1"}));
    script.enter("sender", 2, "send", &[("data", data("hi"))]);
    let status = json!({"signal": "SIGPIPE"});
    script.json("sender", json!({"event": "exited", "cpu_ns": 1, "status": status}));
    let drawn = drawn(&script.recording(), 80);
    assert!(drawn.contains("│ send …\n") && drawn.contains("✗ SIGPIPE\n"), "{drawn}");
    assert!(!drawn.contains("blocked"), "{drawn}");
}

#[test]
fn a_new_process_of_the_same_name_goes_on_in_the_lane() {
    let mut script = Script::unhurried();
    for process in [2, 3] {
        script.process("server", process).socket("server", process, "AF_INET", "SOCK_STREAM");
        script.enter("server", process, "accept", &[]);
        script.json("server", json!({"event": "signalled", "signal": "SIGKILL"}));
        let status = json!({"signal": "SIGKILL"});
        script.json("server", json!({"event": "exited", "cpu_ns": 1, "status": status}));
        script.socket("client", 9 + process, "AF_INET", "SOCK_STREAM");
    }
    let drawn = drawn(&script.recording(), 80);
    let rows = |text: &str| drawn.lines().filter(|row| row.contains(text)).count();
    assert_eq!((rows("┃ accept …"), rows("┃ ✗ SIGKILL")), (2, 2), "{drawn}");
    let is_alone = |row: &&str| !row.starts_with('┃') && row.matches(['│', '┃']).count() == 1;
    assert_eq!(drawn.lines().filter(is_alone).count(), 2, "the rows below a kill: {drawn}");
}

#[test]
fn what_close_on_exec_is_set_to_is_told() {
    let mut script = Script::unhurried();
    script.socket("server", 1, "AF_INET", "SOCK_STREAM");
    for flags in ["0", "FD_CLOEXEC"] {
        let args = [("command", "F_SETFD".into()), ("flags", flags.into())];
        script.call("server", 1, "set_cloexec", &args, 0);
    }
    let drawn = drawn(&script.recording(), 80);
    let [off, on] = ["set_cloexec 0", "set_cloexec 1"].map(|words| drawn.find(words));
    assert!(off.is_some() && off < on, "{drawn}");
}

#[test]
fn no_arrow_goes_from_connect_to_accept() {
    let drawn = drawn(&stream(), 80);
    let row = |text: &str| drawn.lines().find(|row| row.contains(text)).unwrap_or_default();
    assert!(row("connect").contains("▶┃ into the queue"), "{drawn}");
    assert!(!row("accept →").contains('╌'), "{drawn}");
}

#[test]
fn a_connect_that_waited_is_in_the_queue_only_then() {
    for (waited_ns, said) in
        [(0, "▶│ into the queue\n"), (1_030_000_000, "▶│ into the queue 1.03 s later")]
    {
        let mut script = Script::unhurried();
        script.socket("server", 1, "AF_INET", "SOCK_STREAM");
        script.call("server", 1, "bind", &[("address", here(5000))], 0);
        script.call("server", 1, "listen", &[("backlog", 0.into())], 0);
        script.socket("client", 2, "AF_INET", "SOCK_STREAM");
        let connect = script.enter("client", 2, "connect", &[("address", here(5000))]);
        script.pass(waited_ns).leave("client", &connect, Outcome::Result(0), &[]);
        script.located("client", 2, here(53546)).accepts("server", 1, 3, here(53546));
        let drawn = drawn(&script.recording(), 100);
        assert!(drawn.contains(said), "{drawn}");
    }
}

#[test]
fn what_repeats_is_folded() {
    let drawn = draw(&Analysis::of(&echo(500)), 80, DrawOptions::default()).text();
    assert!(drawn.contains("… 498 more like this"), "{drawn}");
    assert!(drawn.lines().count() < 40, "{drawn}");
}

#[test]
fn no_width_is_too_narrow_and_no_row_too_wide() {
    let mut hostile = Script::unhurried();
    let client = "a\u{1b}[2J\u{202e}你好也啊你你好也啊你";
    hostile.process(client, 2).tcp_connection((client, 3), ("server", 1, 2));
    hostile.json("server", json!({"event": "part", "part": "你好也啊你 ".repeat(40)}));
    hostile.json(
        "nobody",
        json!({"event": "wait", "asked_ns": 1, "purpose": "你好也啊你 ".repeat(40)}),
    );
    hostile.json("lab", json!({"event": "end", "ending": "failed", "why": "word ".repeat(60)}));
    hostile.sends("server", 2, &"好".repeat(42));
    let empty = Script::unhurried().recording();
    for recording in [echo(1), echo(60), datagrams(), stream(), hostile.recording(), empty] {
        let analysis = Analysis::of(&recording);
        for width in 20..=200 {
            for row in draw(&analysis, width, DrawOptions::default()).0 {
                assert!(row.width() <= width, "{} columns of {width}: {}", row.width(), row.text());
                assert!(row.text().chars().all(|shown| !shown.is_control()), "{:?}", row.text());
                assert_eq!(row.width(), row.text().width());
            }
        }
    }
}

/// A traced server with a thread for each connection, and a client with as many.
fn threads(count: u32) -> Recording {
    let mut script = Script::unhurried();
    script.tcp_connection(("client talk", 2), ("server", 1, 3));
    for number in 1..=count {
        let (mine, theirs) = (format!("client talk {number}"), format!("server serve {number}"));
        let (socket, port) = (number * 10, u16::try_from(41_000 + number).expect("a port"));
        script.socket(&mine, socket, "AF_INET", "SOCK_STREAM");
        script.call(&mine, socket, "connect", &[("address", here(5000))], 0);
        script.located(&mine, socket, here(port)).accepts("server", 1, socket + 1, here(port));
        script.located("server", socket + 1, here(5000));
        script.sends(&mine, socket, "hello").receives(&theirs, socket + 1, 10, "hello");
        script.sends(&theirs, socket + 1, "HELLO").receives(&mine, socket, 10, "HELLO");
        script.call(&mine, socket, "close", &[], 0).call(&theirs, socket + 1, "close", &[], 0);
    }
    of_programs(&script)
}

/// The recording as that of two programs.
fn of_programs(script: &Script) -> Recording {
    let mut recording = script.recording();
    let program = |name: &str| Program { name: name.to_owned(), argv: vec![name.to_owned()] };
    recording.header.origin = Origin::Programs(vec![program("server"), program("client")]);
    recording
}

#[test]
fn children_end_as_children_a_sleep_begins_where_it_begins_and_nobody_counts_what_waits_for_room() {
    let mut script = Script::unhurried();
    script.process("client", 9).tcp_connection(("client", 2), ("server", 1, 3));
    let sleep = script.enter("client", 2, "nanosleep", &[("request_ns", 50_000_000.into())]);
    let file = Value::Data(Data { bytes: 9_000_000, kept: Vec::new() });
    let send = script.enter("server", 3, "sendfile", &[("data", file)]);
    script.pass(60_000_000).leave("client", &sleep, Outcome::Result(0), &[]);
    script.receives("client", 2, 10, "0123456789");
    script.leave("server", &send, Outcome::Result(9_000_000), &[]);
    let exited = json!({"event": "exited", "cpu_ns": 1, "status": {"code": 0}});
    script.process("server child", 5).call("server child", 3, "close", &[], 0);
    script.json("server child", exited.clone()).json("server", exited);
    let recording = crate::analysis::grouping::by_program(&of_programs(&script)).recording;
    let text = draw(&Analysis::of(&recording), 80, DrawOptions::default()).text();
    let row = |words: &str| text.lines().position(|row| row.contains(words)).expect(words);
    assert!(row("sleep 50.0 ms") < row("sendfile"), "{text}");
    assert!(row("server and its children") == 0 && text.contains("9000000 B"), "{text}");
    assert!(!text.contains("unread") && !text.contains("\"\""), "{text}");
    assert!(row("│ a child exits with 0") < row("│ exits with 0"), "{text}");
}

#[test]
fn programs_of_many_threads_have_a_lane_each_and_one_connection_stands_for_all() {
    let recording = threads(30);
    let text = draw(&Analysis::of(&recording), 80, DrawOptions::default()).text();
    assert!(text.lines().count() <= 30, "{text}");
    assert!(text.contains("30 more connections between the same two are not shown"), "{text}");
    let head = text.lines().next().unwrap_or_default();
    assert!(head.contains("client") && head.contains("server") && !head.contains("talk"), "{text}");

    let few = threads(1);
    let text = draw(&Analysis::of(&few), 80, DrawOptions::default()).text();
    assert!(text.contains("client talk 1") && !text.contains("more connection"), "{text}");
}

#[test]
fn a_connection_that_is_begun_in_the_background_is_no_failure_and_its_outcome_is_drawn() {
    let background = |error: crate::trace::Value| {
        let mut script = Script::new();
        script.socket("client", 1, "AF_INET", "SOCK_STREAM");
        script.fails("client", 1, "connect", &[("address", here(9))], "EINPROGRESS");
        let args = [("level", "SOL_SOCKET".into()), ("option", "SO_ERROR".into())];
        for _ in 0..2 {
            let ask = script.enter("client", 1, "getsockopt", &args);
            script.leave("client", &ask, Outcome::Result(0), &[("value", error.clone())]);
        }
        script.recording()
    };
    for width in [80, 40] {
        let said = |error| drawn(&background(error), width);
        let refused = said("ECONNREFUSED".into());
        assert!(refused.contains(":9 = EINPROGRESS"), "{refused}");
        assert_eq!(refused.matches('✗').count(), 1, "the outcome, once: {refused}");
        assert!(refused.contains("SO_ERROR ✗ ECONNREFUSED"), "{refused}");
        assert!(said(0.into()).contains("SO_ERROR = 0: connected"));
    }
    // Whoever asks without such a connection learns nothing of one.
    let mut script = Script::new();
    script.socket("client", 1, "AF_INET", "SOCK_STREAM");
    let args = [("level", "SOL_SOCKET".into()), ("option", "SO_ERROR".into())];
    let ask = script.enter("client", 1, "getsockopt", &args);
    script.leave("client", &ask, Outcome::Result(0), &[("value", 0.into())]);
    let recording = script.recording();
    let drawn = drawn(&recording, 80);
    assert!(!drawn.contains("SO_ERROR"), "{drawn}");
}

/// The rows in which this text stands, without what is left and right of them.
fn rows_with(recording: &Recording, text: &str) -> Vec<String> {
    let drawn = drawn(recording, 100);
    drawn.lines().filter(|row| row.contains(text)).map(str::to_owned).collect()
}

#[test]
fn a_receive_that_only_looks_says_so() {
    let mut script = Script::unhurried();
    script.tcp_connection(("client", 1), ("server", 2, 3));
    script.sends("client", 1, "hello");
    let args = [("size", Value::Number(64)), ("flags", "MSG_PEEK".into())];
    let recv = script.enter("server", 3, "recv", &args);
    script.leave("server", &recv, Outcome::Result(5), &[("data", data("hello"))]);
    let rows = rows_with(&script.recording(), "MSG_PEEK");
    assert_eq!(rows.len(), 1);
    assert!(rows[0].ends_with("recv MSG_PEEK = 5 \"hello\""), "{rows:?}");
}

#[test]
fn messages_that_one_call_received_are_drawn_in_order_and_not_while_its_thread_slept() {
    for sleeps in [false, true] {
        let mut script = Script::unhurried();
        script.process("client", 2).udp("server", 1, 5000).udp("client", 2, 5001);
        let sleep = sleeps
            .then(|| script.enter("server", 0, "clock_nanosleep", &[("request_ns", 9.into())]));
        script.sends_to("client", 2, "one", 5000).sends_to("client", 2, "two", 5000);
        if let Some(sleep) = sleep {
            script.leave("server", &sleep, Outcome::Result(0), &[]);
        }
        // As recvmmsg() is recorded: the first has an entry, and all return at the same time.
        script.receives_from("server", 1, 64, "one", 5001);
        let returned_ns = script.events.last().expect("an event").at_ns;
        script.receives_from("server", 1, 64, "two", 5001);
        let entry = script.events.len() - 2;
        script.events.remove(entry);
        if let Some(EventKind::Return(back)) = script.events.last_mut().map(|it| &mut it.what) {
            back.took_ns = 0;
        }
        script.events.last_mut().expect("an event").at_ns = returned_ns;
        let rows = rows_with(&script.recording(), "recv_from");
        assert!(rows.len() == 2 && rows.iter().all(|row| !row.contains('▶')), "{rows:#?}");
        assert!(rows[0].contains("one") && rows[1].contains("two"), "{rows:#?}");
    }
}

#[test]
fn what_went_to_many_has_an_arrow_to_each() {
    let mut script = Script::unhurried();
    script.udp("a", 1, 5000).udp("sender", 3, 5001).udp("b", 2, 5000);
    let to = ("address", at("239.1.2.3:5000"));
    for socket in [1, 2] {
        let who = if socket == 1 { "a" } else { "b" };
        script.call(who, socket, "bind", &[("address", at("0.0.0.0:5000"))], 0);
    }
    script.call("sender", 3, "send_to", &[("data", data("hello")), to], 5);
    script.receives("a", 1, 64, "hello").receives("b", 2, 64, "hello");
    let rows = rows_with(&script.recording(), "hello");
    let ends: Vec<bool> = rows.iter().map(|row| row.contains('▶')).collect();
    assert_eq!(ends, [true, true, false], "{rows:#?}");
}

#[test]
fn the_length_of_what_is_sent_stands_beside_what_is_unread() {
    let mut script = Script::unhurried();
    script.process("client", 2).tcp_connection(("client", 3), ("server", 1, 2));
    script.sends("client", 3, "hello world, and more of it");
    script.sends("server", 2, "hello world, and more of it");
    script.pass(5_000_000).receives("client", 3, 64, "hello world, and more of it");
    let recording = script.recording();
    for width in 50..120 {
        let drawn = drawn(&recording, width);
        for row in drawn.lines().filter(|row| row.contains("unread")) {
            assert_eq!(row.matches("27 B").count(), 2, "{drawn}");
        }
    }
}

#[test]
fn every_address_is_told_at_every_width() {
    let mut script = Script::unhurried();
    script.tcp_connection(("client", 1), ("server", 2, 3));
    script.socket("client", 4, "AF_UNIX", "SOCK_STREAM");
    let path = Value::Address(crate::trace::Address::Unix(Some("/run/a folder/door".into())));
    script.fails("client", 4, "connect", &[("address", path)], "ENOENT");
    for (recording, addresses) in [
        (script.recording(), &["127.0.0.1:5000", "127.0.0.1:40001", "/run/a folder/door"][..]),
        (datagrams(), &["127.0.0.1:5001", "127.0.0.1:5003", "127.0.0.1:9", "127.0.0.1:5009"]),
    ] {
        for width in 20..=160 {
            let drawn = drawn(&recording, width);
            let text: String = drawn.split_whitespace().collect();
            for address in addresses.iter().map(|it| it.replace(' ', "")) {
                // An arrow says by where it goes whom it is for; of who is accepted, the port is enough.
                let by_an_arrow = address.ends_with("5009");
                let by_port = address.ends_with("40001") && text.contains("accept→:40001");
                let is_told = by_an_arrow || by_port || text.contains(&address);
                assert!(is_told, "{address} at {width}:\n{drawn}");
            }
        }
    }
}

#[test]
fn what_is_drawn_in_full_is_not_told_again_below() {
    assert!(!drawn(&echo(1), 80).contains("server: bind"), "{}", drawn(&echo(1), 80));
    assert_eq!(drawn(&echo(1), 40).matches("127.0.0.1:5000").count(), 1);
}

#[test]
fn no_word_of_a_call_is_cut_where_there_are_lanes() {
    let mut script = Script::unhurried();
    script.udp("client", 1, 5000).udp("server", 2, 5001);
    script.fails("client", 1, "recv", &[("size", 64.into())], "ECONNREFUSED");
    script.call(
        "client",
        1,
        "set_read_timeout",
        &[
            ("level", "SOL_SOCKET".into()),
            ("option", "SO_RCVTIMEO".into()),
            ("value", 1_500_000.into()),
        ],
        0,
    );
    script.sends_to("server", 2, &"x".repeat(1_048_576), 5009);
    for width in 34..=80 {
        let drawn = drawn(&script.recording(), width);
        for word in ["✗", "ECONNREFUSED", "1.50 s", "1048576 B"] {
            assert!(drawn.contains(word), "{word} at {width}:\n{drawn}");
        }
    }
}

/// TCP may send the second of two small pieces when the first is acknowledged, 40 ms later.
#[test]
fn who_receives_what_tcp_has_held_back_was_blocked_until_then() {
    for enters_first in [true, false] {
        let mut script = Script::unhurried();
        script.process("client", 2).tcp_connection(("client", 3), ("server", 1, 2));
        script.sends("client", 3, "12").receives("server", 2, 2, "12");
        let size = [("size", Value::Number(64))];
        let early = enters_first.then(|| script.enter("server", 2, "recv", &size));
        script.sends("client", 3, "hello");
        let recv = early.unwrap_or_else(|| script.enter("server", 2, "recv", &size));
        script.pass(40_000_000);
        script.leave("server", &recv, Outcome::Result(5), &[("data", data("hello"))]);
        let drawn = drawn(&script.recording(), 100);
        let row = |words: &str| drawn.lines().position(|row| row.contains(words)).expect(words);
        assert!(row("recv … blocked") < row("recv = 5 \"hello\" after 40."), "{drawn}");
        assert!(row("5 B not received yet") < row("recv = 5 \"hello\""), "{drawn}");
    }
}

#[test]
fn a_signal_that_ends_a_sleep_stands_where_it_came() {
    let mut script = Script::unhurried();
    script.process("client", 2).tcp_connection(("client", 3), ("server", 1, 2));
    let request = [("request_ns", 4_000_000_000_i64.into())];
    let sleep = script.enter("client", 3, "clock_nanosleep", &request);
    script.sends("server", 2, "hello").pass(50_000_000);
    script.leave("client", &sleep, Outcome::Errno("EINTR".into()), &[]);
    script.json("client", json!({"event": "signalled", "signal": "SIGINT"}));
    script.json("client", json!({"event": "exited", "cpu_ns": 1, "status": {"signal": "SIGINT"}}));
    let drawn = drawn(&of_programs(&script), 100);
    let row = |words: &str| drawn.lines().position(|row| row.contains(words)).expect(words);
    assert!(row("sleep …") < row("\"hello\""), "{drawn}");
    assert!(row("\"hello\"") < row("sleep: interrupted by SIGINT"), "{drawn}");
    assert!(drawn.contains("✗ SIGINT") && !drawn.contains("another process"), "{drawn}");
}

#[test]
fn a_note_is_whole_where_a_row_of_it_ends_at_the_last_column() {
    for length in 1..40 {
        let mut script = Script::unhurried();
        script.process("client", 2).tcp_connection(("client", 3), ("server", 1, 2));
        let size = [("size", Value::Number(64))];
        let longer = "x".repeat(length);
        let blocked = [(&*longer, 2), ("client", 3), ("server", 2)].map(|(who, socket)| {
            let call = script.enter(who, socket, "recv", &size);
            Blocked { actor: who.into(), call, for_ns: 1_000 }
        });
        let (limit_ns, blocked) = (4_000_000_000, blocked.into());
        script.event("lab", EventKind::Deadline { limit_ns, interrupted: false, blocked });
        let drawn = drawn(&script.recording(), 80);
        let words = drawn.replace(['│', '┃'], " ");
        let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
        let who = format!("{longer} in recv, client in recv, server in recv");
        assert!(words.contains(&who), "{drawn}");
    }
}
