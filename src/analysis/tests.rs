//! Matching, on recordings made by hand.

use super::{Analysis, Asker, CallSpan, Delivered, Fate, Loss, Side, SocketUse, Unread};
use crate::analysis::script::{Script, at, data};
use crate::trace::{Address, Domain, Fact, Outcome, SocketId, SocketType, TcpInfo, Value};

fn unnamed() -> Value {
    Value::Address(Address::Unix(None))
}

fn said(flows: &Analysis) -> Vec<String> {
    let who = |socket: Option<usize>| {
        socket.map_or("?".to_owned(), |socket| flows.sockets[socket].owner.to_string())
    };
    flows
        .messages
        .iter()
        .map(|m| format!("{} -> {}: {} {:?}", who(m.from), who(m.to), m.data, m.fate))
        .collect()
}

#[test]
fn a_stream_is_matched_byte_by_byte() {
    let mut script = Script::unhurried();
    script.process("server", 2).tcp_connection(("client", 3), ("server", 1, 2));
    script
        .sends("client", 3, "hello ")
        .sends("client", 3, "world")
        .receives("server", 2, 8, "hello wo");
    let recording = script.recording();
    let flows = Analysis::of(&recording);
    assert_eq!(flows.connections.len(), 1);
    assert_eq!(
        said(&flows),
        [
            "client -> server: \"hello \" Received",
            "client -> server: \"wo\" Received",
            "client -> server: \"rld\" NeverReceived"
        ]
    );
    assert_eq!(flows.messages[2].skip, 2);
}

#[test]
fn a_call_on_many_sockets_is_no_socket() {
    let mut script = Script::unhurried();
    script.udp("server", 1, 5000);
    script.call("server", 0, "poll", &[("fds", "[3: POLLIN]".into())], 0);
    let recording = script.recording();
    let flows = Analysis::of(&recording);
    assert_eq!((flows.sockets.len(), flows.calls.len(), flows.calls[2].socket), (1, 3, None));
}

#[test]
fn what_was_not_sent_is_not_matched() {
    let mut script = Script::unhurried();
    script.process("server", 2).tcp_connection(("client", 3), ("server", 1, 2));
    script.sends("client", 3, "hello").receives("server", 2, 8, "HELLO");
    let recording = script.recording();
    let flows = Analysis::of(&recording);
    assert_eq!(said(&flows), ["client -> ?: \"hello\" Unknown", "? -> server: \"HELLO\" Unsent"]);
}

#[test]
fn unix_connections_are_paired_in_turn() {
    let mut script = Script::unhurried();
    script.unix_listener("server", 1);
    script
        .unix_connect("alice", 7)
        .unix_connect("bob", 8)
        .accepts("server", 1, 2, unnamed())
        .accepts("server", 1, 3, unnamed());
    script
        .sends("bob", 8, "b")
        .sends("alice", 7, "a")
        .receives("server", 2, 9, "a")
        .receives("server", 3, 9, "b");
    let recording = script.recording();
    let flows = Analysis::of(&recording);
    assert_eq!(said(&flows), ["bob -> server: \"b\" Received", "alice -> server: \"a\" Received"]);
    assert_eq!(
        flows.messages[0].receive.map(|call| flows.calls[call].call.socket),
        Some(Some(SocketId(3)))
    );
}

/// Two clients whose connections two threads accept at the same time, the second client's first; `told`: the kernel has said
/// which is whose. Each client sends its name and closes.
fn accepted_out_of_turn(kind: &str, told: bool) -> Script {
    let mut script = Script::unhurried();
    script.socket("server", 1, "AF_UNIX", kind);
    script.call("server", 1, "bind", &[("address", at("/tmp/talk"))], 0);
    script.call("server", 1, "listen", &[("backlog", 5.into())], 0);
    let accepts = ["one", "two"].map(|who| script.enter(who, 1, "accept", &[]));
    for (who, socket) in [("alice", 7), ("bob", 8)] {
        script.socket(who, socket, "AF_UNIX", kind);
        script.call(who, socket, "connect", &[("address", at("/tmp/talk"))], 0);
    }
    for ((who, accept), (new, client)) in ["one", "two"].iter().zip(&accepts).zip([(2, 8), (3, 7)])
    {
        let out = [("address", unnamed()), ("socket", Value::from(new))];
        script.leave(who, accept, Outcome::Result(i64::from(new) + 2), &out);
        if told {
            script.observed(who, new, Fact::UnixPeer(SocketId(client)));
        }
    }
    script.sends("alice", 7, "alice").sends("bob", 8, "bob");
    script.call("alice", 7, "close", &[], 0);
    script.receives("two", 3, 9, "alice").receives("two", 3, 9, "");
    script.receives("one", 2, 9, "bob");
    script
}

#[test]
fn unix_connections_are_those_that_the_kernel_has_said() {
    for kind in ["SOCK_STREAM", "SOCK_SEQPACKET"] {
        let recording = accepted_out_of_turn(kind, true).recording();
        let flows = Analysis::of(&recording);
        let both = ["alice -> two: \"alice\" Received", "bob -> one: \"bob\" Received"];
        assert_eq!(said(&flows), both, "{kind}");
        let brought = |what: Delivered| {
            let all = flows.deliveries.iter().filter(move |it| it.what == what);
            all.map(|it| it.to.as_deref().unwrap_or_default()).collect::<Vec<_>>()
        };
        assert_eq!(brought(Delivered::Connection), ["two", "one"], "{kind}");
        assert_eq!(brought(Delivered::End), ["two"], "{kind}");
    }
}

#[test]
fn of_unix_connections_that_cannot_be_told_apart_nothing_is_said() {
    for kind in ["SOCK_STREAM", "SOCK_SEQPACKET"] {
        let recording = accepted_out_of_turn(kind, false).recording();
        let flows = Analysis::of(&recording);
        assert!(flows.connections.is_empty() && flows.deliveries.is_empty(), "{kind}");
        let fates: Vec<_> = flows.messages.iter().map(|it| it.fate).collect();
        assert_eq!(fates, [Fate::Unknown, Fate::Unknown, Fate::Unsent, Fate::Unsent], "{kind}");
    }
}

#[test]
fn a_connection_that_nobody_accepted_waits_in_the_queue() {
    let mut script = Script::unhurried();
    script.unix_listener("server", 1).unix_connect("alice", 7);
    let recording = script.recording();
    let flows = Analysis::of(&recording);
    let delivery = &flows.deliveries[0];
    assert_eq!((delivery.what, delivery.taken_by.len()), (Delivered::Connection, 0));
}

#[test]
fn what_is_unread_of_a_stream_is_told_in_bytes_or_not_at_all() {
    let mut script = Script::unhurried();
    script.process("server", 2).tcp_connection(("client", 3), ("server", 1, 2));
    script.sends("client", 3, "hello ");
    let long = script.enter("client", 3, "send", &[("data", data("world"))]);
    script.pass(2 * crate::analysis::BLOCKED_NS).leave("client", &long, Outcome::Result(5), &[]);
    script.receives("server", 2, 64, "hello world");
    let recording = script.recording();
    let flows = Analysis::of(&recording);
    let data = flows.deliveries.iter().filter(|it| matches!(it.what, Delivered::Data(_)));
    let unread: Vec<_> = data.map(|it| it.what).collect();
    assert_eq!(unread, [Delivered::Data(Some(Unread::Bytes(6))), Delivered::Data(None)]);
}

#[test]
fn datagrams_are_matched_by_address_and_lost_ones_are_said() {
    let mut script = Script::unhurried();
    script.udp("a", 1, 5001).udp("b", 2, 5002);
    script
        .sends_to("a", 1, "one", 5002)
        .sends_to("a", 1, "two", 5002)
        .sends_to("a", 1, "three", 5002)
        .sends_to("a", 1, "x", 5009);
    script.receives_from("b", 2, 64, "one", 5001).receives_from("b", 2, 2, "th", 5001);
    let recording = script.recording();
    let flows = Analysis::of(&recording);
    assert_eq!(
        said(&flows),
        [
            "a -> b: \"one\" Received",
            "a -> b: \"two\" NeverReceived",
            "a -> b: \"three\" Cut(3)",
            "a -> ?: \"x\" NobodyThere"
        ]
    );
    assert_eq!(flows.messages[2].fate, Fate::Cut(3));
}

/// Which of these calls (process, function, descriptor), counted from the socket() before them, closed the socket.
fn closed_by(calls: &[(u32, &str, i64)]) -> Option<usize> {
    let mut script = Script::unhurried();
    script.process("child", 2).socket("server", 1, "AF_INET", "SOCK_DGRAM");
    for &(process, function, fd) in calls {
        let actor = if process == 1 { "server" } else { "child" };
        script.call(actor, 1, function, &[("fd", fd.into()), ("size", 16.into())], 0);
    }
    let recording = script.recording();
    let analysis = Analysis::of(&recording);
    let closed_ns = analysis.sockets[0].closed_ns?;
    analysis.calls.iter().position(|span| span.returned_ns() == closed_ns)
}

#[test]
fn a_socket_is_closed_when_its_last_descriptor_is() {
    assert_eq!(closed_by(&[(1, "recv", 3), (1, "close", 3)]), Some(2));
    // The second descriptor is known by its use, be it dup()'s or inherited: before the close of the first, or after it.
    assert_eq!(closed_by(&[(1, "recv", 7), (1, "close", 3)]), None);
    assert_eq!(closed_by(&[(1, "close", 3), (1, "recv", 7)]), None);
    assert_eq!(closed_by(&[(1, "close", 3), (2, "recv", 3)]), None);
    assert_eq!(closed_by(&[(1, "close", 3), (2, "recv", 3), (2, "close", 3)]), Some(3));
    assert_eq!(closed_by(&[(1, "close", 7), (1, "close", 3)]), Some(2));
}

#[test]
fn a_process_that_ends_closes_what_it_left_open() {
    let mut script = Script::unhurried();
    script.socket("server", 1, "AF_INET", "SOCK_DGRAM");
    script.socket("server", 2, "AF_INET", "SOCK_DGRAM");
    script.process("child", 2).receives("child", 1, 16, "");
    script.json(
        "server",
        serde_json::json!({"event": "exited", "cpu_ns": null, "status": {"code": 0}}),
    );
    let recording = script.recording();
    let analysis = Analysis::of(&recording);
    let open: Vec<bool> = analysis.sockets.iter().map(|one| one.closed_ns.is_none()).collect();
    assert_eq!(open, [true, false], "the child still holds the first");
}

#[test]
fn closing_one_of_two_descriptors_does_not_end_the_stream() {
    let ended_by = |first: i64| {
        let mut script = Script::unhurried();
        script.process("server", 2).tcp_connection(("client", 3), ("server", 1, 2));
        script.sends("client", 3, "hello");
        for fd in [first, 12 - first] {
            script.call("client", 3, "close", &[("fd", fd.into())], 0);
        }
        script.receives("server", 2, 8, "hello").receives("server", 2, 8, "");
        let recording = script.recording();
        let analysis = Analysis::of(&recording);
        let end = analysis.directions.iter().find_map(|direction| direction.end);
        end.and_then(|(ended, _)| analysis.calls[ended].call.fd)
    };
    assert_eq!((ended_by(5), ended_by(7)), (Some(7), Some(5)));
}

#[test]
fn each_report_of_a_state_says_who_had_asked() {
    let mut script = Script::unhurried();
    script.socket("client", 1, "AF_INET", "SOCK_STREAM");
    let args = [("level", "IPPROTO_TCP".into()), ("option", "TCP_INFO".into())];
    let asks = script.enter("client", 1, "tcp_info", &args);
    script.leave("client", &asks, Outcome::Result(0), &[("state", "CLOSE".into())]);
    for state in ["CLOSE", "ESTABLISHED"] {
        let info = TcpInfo { state: state.into(), ..TcpInfo::default() };
        script.observed("client", 1, Fact::TcpInfo(info));
    }
    let recording = script.recording();
    let analysis = Analysis::of(&recording);
    let socket = &analysis.sockets[0];
    let said = |report: &super::StateReport| (report.state.clone(), report.asked_by);
    assert_eq!(
        socket.tcp_states.iter().map(said).collect::<Vec<_>>(),
        [
            ("CLOSE".to_owned(), Asker::Program),
            ("CLOSE".to_owned(), Asker::Instrument),
            ("ESTABLISHED".to_owned(), Asker::Instrument)
        ]
    );
    assert_eq!(socket.state_changes().count(), 2);
}

#[test]
fn arp_answers_go_to_their_questions() {
    let mut script = Script::unhurried();
    for (operation, sender, target) in [(1, 1, 2), (1, 1, 3), (2, 2, 1), (1, 1, 3), (2, 9, 1)] {
        let ip = |host: u8| format!("10.9.0.{host}");
        let mac = "02:00:00:00:00:01";
        script.json(
            "wire",
            serde_json::json!({"event": "frame", "frame": 1, "sent_by": "client", "raw": "", "payload_bytes": 0,
                "arp": {"operation": operation, "sender_mac": mac, "sender_ip": ip(sender), "target_mac": mac, "target_ip": ip(target)}}),
        );
    }
    let recording = script.recording();
    let found = Analysis::of(&recording).arp;
    let said: Vec<_> =
        found.iter().map(|one| (one.question, one.answer, one.asked_again)).collect();
    assert_eq!(
        said,
        [
            (Some(0), Some(2), false),
            (Some(1), None, true),
            (Some(3), None, false),
            (None, Some(4), false)
        ]
    );
}

#[test]
fn a_send_meets_the_receive_that_it_completes() {
    let mut script = Script::unhurried();
    script.tcp_connection(("client", 3), ("server", 1, 2));
    script.sends("client", 3, "one").sends("client", 3, "two").receives("server", 2, 8, "onetwo");
    let waiting = script.enter("server", 2, "recv", &[("size", 8.into())]);
    script.pass(50_000_000).sends("client", 3, "three");
    let out = [("data", data("three"))];
    script.leave("server", &waiting, Outcome::Result(5), &out);
    let recording = script.recording();
    let analysis = Analysis::of(&recording);
    let met = |delivery: &super::Delivery| (delivery.what, delivery.completes, delivery.wakes);
    let calls = |function: &str| {
        let of = |span: &super::CallSpan| span.call.function() == function;
        (0..analysis.calls.len()).filter(|at| of(&analysis.calls[*at])).collect::<Vec<_>>()
    };
    let (accept, receives) = (calls("accept")[0], calls("recv"));
    let data = |unread| Delivered::Data(Some(unread));
    assert_eq!(
        analysis.deliveries.iter().map(met).collect::<Vec<_>>(),
        [
            (Delivered::Connection, Some(accept), true),
            (data(Unread::Bytes(3)), None, false),
            (data(Unread::Sent(6)), Some(receives[0]), false),
            (data(Unread::Sent(5)), Some(receives[1]), true)
        ]
    );
}

#[test]
fn a_datagram_to_nobody_is_lost_and_two_wait_unread() {
    let mut script = Script::unhurried();
    script.udp("a", 1, 5001).udp("b", 2, 5002);
    script.sends_to("a", 1, "one", 5002).sends_to("a", 1, "two", 5002).sends_to("a", 1, "x", 5009);
    script.receives_from("b", 2, 64, "one", 5001).receives_from("b", 2, 64, "two", 5001);
    let recording = script.recording();
    let analysis = Analysis::of(&recording);
    let sent = |one: &super::Delivery| (one.what, one.to.as_deref().map(str::to_owned), one.lost);
    let unread = |count| Delivered::Data(Some(Unread::Datagrams(count)));
    assert_eq!(
        analysis.deliveries.iter().map(sent).collect::<Vec<_>>(),
        [
            (unread(1), Some("b".to_owned()), None),
            (unread(2), Some("b".to_owned()), None),
            (unread(0), None, Some(Loss::NobodyThere))
        ]
    );
}

#[test]
fn what_a_socket_is_that_was_there_before_the_kernel_tells() {
    let mut script = Script::new();
    script.sends("heir", 1, "hello");
    let unknown = script.recording();
    assert_eq!(Analysis::of(&unknown).sockets[0].protocol_name(), "");
    let (domain, kind) = (Domain::Inet, SocketType::Stream);
    script.observed("heir", 1, Fact::Kind { domain, kind });
    let recording = script.recording();
    assert_eq!(Analysis::of(&recording).sockets[0].protocol_name(), "TCP");
}

/// What comes before a close() lies there unread; what comes after it lies nowhere.
#[test]
fn bytes_sent_to_a_socket_that_is_closed_are_lost() {
    let mut script = Script::unhurried();
    script.tcp_connection(("client", 1), ("server", 2, 3)).sends("client", 1, "before");
    script.call("server", 3, "close", &[], 0).sends("client", 1, "after");
    let recording = script.recording();
    let analysis = Analysis::of(&recording);
    let sends = analysis.deliveries.iter().filter_map(|it| match it.what {
        Delivered::Data(unread) => Some((unread, it.lost)),
        _ => None,
    });
    let before = (Some(Unread::Bytes(6)), None);
    assert_eq!(sends.collect::<Vec<_>>(), [before, (None, Some(Loss::Closed))]);
}

#[test]
fn who_connects_or_sends_the_first_datagram_is_the_client() {
    let mut script = Script::unhurried();
    script.tcp_connection(("caller", 1), ("called", 2, 3));
    script.udp("answers", 4, 5001).udp("asks", 5, 5002);
    script.sends_to("asks", 5, "?", 5001).receives_from("answers", 4, 9, "?", 5002);
    script.sends_to("answers", 4, "!", 5002).receives_from("asks", 5, 9, "!", 5001);
    let recording = script.recording();
    let analysis = Analysis::of(&recording);
    let sides =
        ["caller", "called", "answers", "asks", "other"].map(|who| analysis.side(&who.into()));
    assert_eq!(sides, [Side::Client, Side::Server, Side::Server, Side::Client, Side::Neither]);
}

/// Descriptors that another process or another number holds: the kernel says how many are left.
#[test]
fn a_close_with_other_descriptors_open_closes_nothing() {
    let mut script = Script::new();
    script.socket("one", 1, "AF_INET", "SOCK_STREAM");
    let close = |script: &mut Script, who: &str, fd: i64, still_open: i64| {
        let call = script.enter(who, 1, "close", &[("fd", fd.into())]);
        let still_open = [("still_open", Value::Number(still_open))];
        script.leave(who, &call, Outcome::Result(0), &still_open);
    };
    script.call("one", 1, "dup", &[], 4);
    close(&mut script, "one", 3, 1);
    let recording = script.recording();
    assert_eq!(Analysis::of(&recording).sockets[0].closed_ns, None);
    close(&mut script, "one", 4, 0);
    let recording = script.recording();
    let closed_ns = Analysis::of(&recording).calls.last().map(CallSpan::returned_ns);
    assert_eq!(Analysis::of(&recording).sockets[0].closed_ns, closed_ns);
}

#[test]
fn a_pair_of_sockets_is_one_connection_whose_bytes_are_followed() {
    let mut script = Script::new();
    let unix = [
        ("domain", Value::from("AF_UNIX")),
        ("type", Value::from("SOCK_STREAM")),
        ("protocol", Value::from("0")),
        ("flags", Value::from("SOCK_NONBLOCK")),
    ];
    let call = script.enter("one", 0, "socketpair", &unix);
    let both = [("fd", 3), ("other_fd", 4), ("socket", 1), ("other_socket", 2)];
    let both = both.map(|(name, number)| (name, Value::Number(number)));
    script.leave("one", &call, Outcome::Result(0), &both);
    script.call("one", 1, "send", &[("data", data("hello"))], 5);
    let receive = script.enter("two", 2, "recv", &[("size", 16.into())]);
    script.leave("two", &receive, Outcome::Result(5), &[("data", data("hello"))]);
    let recording = script.recording();
    let analysis = Analysis::of(&recording);
    assert_eq!((analysis.sockets[0].other_end, analysis.sockets[1].other_end), (Some(1), Some(0)));
    assert_eq!(analysis.sockets[1].usage(), SocketUse::Paired);
    assert_eq!(analysis.messages.len(), 1);
    assert_eq!((analysis.messages[0].send, analysis.messages[0].receive), (Some(1), Some(2)));
    assert!(analysis.calls[1].nonblocking && analysis.calls[2].nonblocking);
}

#[test]
fn a_unix_socket_whose_calls_failed_has_no_address() {
    let mut script = Script::new();
    script.socket("server", 1, "AF_UNIX", "SOCK_STREAM");
    script.fails("server", 1, "bind", &[("address", at("/tmp/talk"))], "EADDRINUSE");
    script.located("server", 1, unnamed());
    let recording = script.recording();
    assert_eq!(Analysis::of(&recording).sockets[0].usage(), SocketUse::Unused);
}

#[test]
fn what_is_sent_to_many_is_a_message_to_each_who_received_it() {
    for (group, may_broadcast) in
        [("239.1.2.3:5000", false), ("127.255.255.255:5000", true), ("[ff02::1]:5000", false)]
    {
        let mut script = Script::unhurried();
        let (any, domain) = if group.starts_with('[') {
            ("[::]:5000", "AF_INET6")
        } else {
            ("0.0.0.0:5000", "AF_INET")
        };
        for (who, socket) in [("a", 1), ("b", 2), ("c", 3)] {
            script.socket(who, socket, domain, "SOCK_DGRAM");
            script.call(who, socket, "bind", &[("address", at(any))], 0);
        }
        script.socket("sender", 4, domain, "SOCK_DGRAM");
        if may_broadcast {
            let (level, option) = ("SOL_SOCKET".into(), "SO_BROADCAST".into());
            let args = [("level", level), ("option", option), ("value", 1.into())];
            script.call("sender", 4, "set_broadcast", &args, 0);
        }
        for text in ["hello", "nobody"] {
            let args = [("data", data(text)), ("address", at(group))];
            script.call("sender", 4, "send_to", &args, text.len() as i64);
        }
        script.receives("a", 1, 64, "hello").receives("c", 3, 64, "hello");
        let recording = script.recording();
        let flows = Analysis::of(&recording);
        let expected = [
            "sender -> a: \"hello\" Received",
            "sender -> c: \"hello\" Received",
            "sender -> ?: \"nobody\" Unknown",
        ];
        assert_eq!(said(&flows), expected, "{group}");
        let to: Vec<_> = flows.deliveries.iter().filter_map(|it| it.to.as_deref()).collect();
        assert_eq!(to, ["a", "c"], "{group}");
    }
}
