//! Each rule finds its fault, and leaves a right program alone.

use std::sync::Arc;

use serde_json::json;

use super::{Holder, Process, Readiness, Relation, Rule, RuleKind};
use crate::analysis::Analysis;
use crate::analysis::script::{Script, at, data, here};
use crate::trace::recording::{Origin, Program, SourceLine};
use crate::trace::{Call, Data, EventKind, ExitStatus, FileType, Outcome, Site, Value};

const MS: u64 = 1_000_000;

fn found(script: &Script) -> Vec<Rule> {
    let recording = script.recording();
    Analysis::of(&recording).findings().into_iter().map(|finding| finding.rule).collect()
}

#[track_caller]
fn finds(script: &Script, rule: Rule) {
    assert_eq!(found(script), [rule]);
}

#[track_caller]
fn finds_nothing(script: &Script) {
    assert_eq!(found(script), []);
}

/// The same run, stepped: its first call was held. What went by time is no finding then.
fn stepped(script: &Script) -> Script {
    let mut stepped = script.clone();
    let first = stepped.events.iter().position(|event| matches!(event.what, EventKind::Enter(_)));
    let first = first.expect("a call");
    let mut held = stepped.events[first].clone();
    if let EventKind::Enter(call) = held.what {
        held.what = EventKind::Held(call);
    }
    stepped.events.insert(first, held);
    stepped
}

/// A client (socket 1 of process 1) and a server (socket 3 of process 2), connected.
fn pair() -> Script {
    let mut script = Script::new();
    script.process("client", 1).process("server", 2);
    script.tcp_connection(("client", 1), ("server", 2, 3));
    script
}

/// These actors are threads of that process.
fn threads_of(script: &mut Script, process: u32, actors: &[&str]) {
    for event in script.events.iter_mut().filter(|event| actors.contains(&&*event.actor)) {
        event.process = process;
    }
}

/// The run is stopped by its deadline, after everybody has had time to get stuck.
fn stop(script: &mut Script) {
    script.pass(5_000 * MS);
    script.json("lab", json!({"event": "deadline", "limit_ns": 5_000_000_000_u64, "blocked": []}));
}

fn close(script: &mut Script, who: &str, socket: u32) {
    script.call(who, socket, "close", &[], 0);
}

/// Both close, the client first; the server reads to the end.
fn part(script: &mut Script) {
    close(script, "client", 1);
    script.receives("server", 3, 1024, "");
    close(script, "server", 3);
}

#[test]
fn an_answer_to_a_part_of_a_message() {
    let ask = |pieces: &[&str], answer: &str| {
        let mut script = pair();
        script.sends("client", 1, "hello world");
        for piece in pieces {
            script.receives("server", 3, 5, piece);
        }
        script.sends("server", 3, answer).receives("client", 1, 1024, answer);
        script
    };
    finds(&ask(&["hello"], "ok"), Rule::AnsweredPart { got: 5, of: 11 });
    let mut whole = ask(&["hello", " worl", "d"], "ok");
    part(&mut whole);
    finds_nothing(&whole);
    // Whoever passes on what comes takes no message.
    finds_nothing(&ask(&["hello"], "HELLO"));
}

/// A server that says how far it has come, and a client that hears all of it, take no message of a part.
#[test]
fn an_answer_to_each_part_of_a_stream() {
    let serves = |answers: [&str; 3], heard: &[&str], next: &str| {
        let mut script = pair();
        script.sends("client", 1, "hello world");
        for (part, answer) in ["hello", " worl", "d"].iter().zip(answers) {
            script.receives("server", 3, 5, part);
            if !answer.is_empty() {
                script.sends("server", 3, answer);
            }
        }
        for text in heard {
            script.receives("client", 1, 1024, text);
        }
        if !next.is_empty() {
            script.sends("client", 1, next).receives("server", 3, 5, next);
        }
        part(&mut script);
        script
    };
    let each = ["5", "10", "11"];
    finds_nothing(&serves(each, &["5", "1011"], ""));
    finds_nothing(&serves(each, &["5", "1011"], "bye"));
    let wrong = [
        // The client takes the first for its answer, or all that it got.
        serves(each, &["5"], "bye"),
        serves(each, &["51011"], ""),
        serves(each, &["5", "10"], ""),
        // The other parts are not answered.
        serves(["5", "", "11"], &["5", "11"], ""),
    ];
    for script in wrong {
        assert_eq!(kinds(&script)[0], RuleKind::AnsweredPart);
    }
}

/// Of a long message the recording keeps the beginning only, and its sender may have to wait for room.
#[test]
fn an_answer_to_a_part_of_a_long_message() {
    const LONG: usize = 3_000_000;
    let ask = |kept: &'static str, size: i64, answer: &str| {
        let long = |bytes: usize| {
            Value::Data(Data { bytes, kept: kept.as_bytes()[..kept.len().min(bytes)].to_vec() })
        };
        let count = |bytes: usize| i64::try_from(bytes).expect("a count");
        let mut script = pair();
        let taken = 2_500_000;
        script.call("client", 1, "send", &[("data", long(LONG))], count(taken));
        script.fails("client", 1, "send", &[("data", long(LONG - taken))], "EAGAIN");
        let receive = script.enter("server", 3, "recv", &[("size", size.into())]);
        let got = Outcome::Result(128_000);
        script.leave("server", &receive, got, &[("data", long(128_000))]);
        script.call("client", 1, "send", &[("data", long(LONG - taken))], count(LONG - taken));
        script.sends("server", 3, answer).receives("client", 1, 1024, answer);
        script
    };
    let rule = Rule::AnsweredPart { got: 128_000, of: LONG };
    finds(&ask("aaaa", 1 << 20, "128000"), rule);
    // The first line, or the head of a request, may be all that it wanted.
    finds_nothing(&ask("put\n", 1 << 20, "no"));
    finds_nothing(&ask("POST", 1 << 20, "HTTP/1.1 413"));
}

/// A program that works out of a buffer of its own, as asyncio's streams do: it looks what else is ready before it answers.
#[test]
fn an_answer_out_of_a_buffer_to_a_part_of_a_message() {
    let looks = |script: &mut Script, ready: &'static str, count: i64| {
        let args = [("epfd", 9.into()), ("maxevents", 2.into()), ("timeout", 0.into())];
        let call = script.enter("server", 0, "epoll_wait", &args);
        script.leave("server", &call, Outcome::Result(count), &[("ready", ready.into())]);
    };
    let long = |start: &str, bytes: usize| {
        Value::Data(Data { bytes, kept: start.as_bytes()[..start.len().min(bytes)].to_vec() })
    };
    let answers = |start: &str, parts: &[&str], then: &dyn Fn(&mut Script)| {
        let mut script = pair();
        script.call("client", 1, "send", &[("data", long(start, 200_000))], 200_000);
        let receive = script.enter("server", 3, "recv", &[("size", 262_144.into())]);
        let got = [("data", long(start, 128_000))];
        script.leave("server", &receive, Outcome::Result(128_000), &got);
        looks(&mut script, "[5: EPOLLIN]", 1);
        for part in parts {
            script.sends("server", 3, part).receives("client", 1, 1024, part);
        }
        then(&mut script);
        script
    };
    let closes = |script: &mut Script| close(script, "server", 3);
    let rule = Rule::AnsweredPart { got: 128_000, of: 200_000 };
    finds(&answers("aaaa", &["got 65536"], &closes), rule);
    // It may go on with the rest, or with more answers; the message may say how long it is, and be refused for that.
    finds_nothing(&answers("aaaa", &["AAAA", "AAAA"], &closes));
    for head in ["\0\x03\r<", "Q\0\x03\r?", "199993:", "199992\0"] {
        finds_nothing(&answers(head, &["too long"], &closes));
    }
    finds_nothing(&answers("put\n", &["no"], &closes));
    finds_nothing(&answers("aaaa", &["AAAA"], &|_| ()));
    finds_nothing(&answers("aaaa", &["AAAA"], &|script| {
        let receive = script.enter("server", 3, "recv", &[("size", 262_144.into())]);
        let rest = [("data", long("aaaa", 72_000))];
        script.leave("server", &receive, Outcome::Result(72_000), &rest);
        closes(script);
    }));
}

#[test]
fn a_program_that_failed_before_it_listened() {
    let status = |status: ExitStatus, listens: bool| {
        let mut script = Script::new();
        script.process("server", 3).process("client", 1);
        if listens {
            script.socket("server", 7, "AF_INET", "SOCK_STREAM");
            script.call("server", 7, "bind", &[("address", here(6000))], 0);
        }
        script.event("server", EventKind::Exited { cpu_ns: None, status: Some(status) });
        script.socket("client", 1, "AF_INET", "SOCK_STREAM");
        script.fails("client", 1, "connect", &[("address", here(5000))], "ECONNREFUSED");
        let failed = ExitStatus::Code(1);
        script.event("client", EventKind::Exited { cpu_ns: None, status: Some(failed) });
        let mut recording = script.recording();
        let program = |name: &str| Program { name: name.to_owned(), argv: Vec::new() };
        recording.header.origin = Origin::Programs(vec![program("server"), program("client")]);
        let found = Analysis::of(&recording).findings();
        let [finding] = &found[..] else { panic!("{found:?}") };
        finding.rule.clone()
    };
    let Value::Address(address) = here(5000) else { panic!("an address") };
    for ended in [ExitStatus::Code(2), ExitStatus::Signal("SIGSEGV".into())] {
        let server = "server".into();
        let rule = Rule::ServerEnded { address: address.clone(), server, status: ended.clone() };
        assert_eq!(status(ended, false), rule);
    }
    let nobody = Rule::NobodyListens { address, nearby: None };
    assert_eq!(status(ExitStatus::Code(0), false), nobody);
    assert_eq!(status(ExitStatus::Code(2), true), nobody);
}

/// What is found where all calls stand at this line of source.
fn found_at(script: &Script, line: &str) -> Vec<Rule> {
    let mut recording = script.recording();
    let source = Site { file: "src/experiments/sample.rs".into(), line: 7 };
    recording.cite(SourceLine { source, text: line.to_owned() });
    Analysis::of(&recording).findings().into_iter().map(|finding| finding.rule).collect()
}

#[test]
fn the_rest_of_a_message_left_unread() {
    let rule = Rule::LeftRest { got: 5, of: 11 };
    let closes = |who: &str, socket: u32, asked: i64| {
        let mut script = pair();
        let (other, theirs) = if who == "server" { ("client", 1) } else { ("server", 3) };
        script.sends(other, theirs, "hello world").receives(who, socket, asked, "hello");
        close(&mut script, who, socket);
        script
    };
    for (who, socket) in [("server", 3), ("client", 1)] {
        let wrong = closes(who, socket, 1024);
        let lines = [
            "data = conn.recv(1024)",
            "n = read(fd, buffer, 1024);",
            "s.read(&mut b)?;",
            "n, err := c.Read(buf)",
        ];
        for line in lines {
            assert_eq!(found_at(&wrong, line), std::slice::from_ref(&rule), "{line}");
        }
        // What a library has asked for, nobody may have wanted; and a loop may have ended at a mark.
        for line in [
            "print(urlopen(url).status)",
            "head = answer.read(20)",
            "line, err := reader.ReadString('\\n')",
            "x = sock_recv(s, 9)",
            "while mark not in got: got += s.recv(1024)",
        ] {
            assert_eq!(found_at(&wrong, line), [], "{line}");
        }
        // A field of known length.
        assert_eq!(found_at(&closes(who, socket, 5), "magic = conn.recv(5)"), []);
    }
    // The first line of an answer may be enough; but who asks for so much wants all.
    for (asked, expected) in [(500, 0), (65536, 1)] {
        let mut line = pair();
        line.sends("server", 3, "200 OK\r\nhello").receives("client", 1, asked, "200 OK\r\n");
        close(&mut line, "client", 1);
        assert_eq!(found_at(&line, "data = s.recv(500)").len(), expected);
    }
    // The sender may be gone by then.
    let mut gone = pair();
    gone.sends("client", 1, "hello world").receives("server", 3, 1024, "hello");
    close(&mut gone, "client", 1);
    close(&mut gone, "server", 3);
    assert_eq!(found_at(&gone, "conn.recv(1024)"), [rule]);
    let mut right = pair();
    right.sends("client", 1, "hello world").receives("server", 3, 5, "hello");
    right.receives("server", 3, 6, " world");
    part(&mut right);
    assert_eq!(found_at(&right, "conn.recv(1024)"), []);
}

/// It asks for as many bytes as a field may have, and sends them back.
#[test]
fn the_rest_of_a_message_left_unread_by_an_echo() {
    let answers = |answer: &str| {
        let mut script = pair();
        script.sends("client", 1, "hello world").receives("server", 3, 5, "hello");
        script.sends("server", 3, answer).receives("client", 1, 1024, answer);
        close(&mut script, "server", 3);
        found_at(&script, "data = conn.recv(5)").contains(&Rule::LeftRest { got: 5, of: 11 })
    };
    assert!(answers("HELLO") && answers("olleh"));
    assert!(!answers("WRONG"));
}

/// Its sender was still sending: whatever of the message was on its way by then, the rest of it was lost.
#[test]
fn the_rest_of_a_message_left_while_it_was_sent() {
    let closes = |lingers: bool, reads_on: bool| {
        let mut script = pair();
        if lingers {
            let args = [
                ("level", "SOL_SOCKET".into()),
                ("option", "SO_LINGER".into()),
                ("value", "on, 0 s".into()),
            ];
            script.call("server", 3, "set_linger", &args, 0);
        }
        let send = script.enter("client", 1, "send", &[("data", data("hello world"))]);
        script.receives("server", 3, 1024, "hello").sends("server", 3, "got 5");
        if reads_on {
            script.receives("server", 3, 1024, " world");
        }
        close(&mut script, "server", 3);
        script.leave("client", &send, Outcome::Result(11), &[]);
        script.receives("client", 1, 1024, "got 5");
        found_at(&script, "n, err := c.Read(buf)").contains(&Rule::LeftRest { got: 5, of: 11 })
    };
    assert!(closes(false, false));
    assert!(!closes(true, false));
    assert!(!closes(false, true));
}

#[test]
fn a_process_that_ends_while_another_thread_serves() {
    let mut script = pair();
    script.sends("client", 1, "hello world").receives("server", 3, 1024, "hello");
    script.event("server", EventKind::Exited { cpu_ns: None, status: Some(ExitStatus::Code(0)) });
    script.fails("client", 1, "recv", &[("size", 9.into())], "ECONNRESET");
    let all = found_at(&script, "conn.recv(1024)");
    assert_eq!(all, [Rule::LeftRest { got: 5, of: 11 }]);
    for event in &mut script.events {
        let is_recv = matches!(&event.what, EventKind::Enter(call) if call.function() == "recv")
            || matches!(&event.what, EventKind::Return(back) if back.call.function() == "recv");
        if is_recv && event.process == 2 {
            event.thread = 7;
        }
    }
    assert_eq!(found_at(&script, "conn.recv(1024)"), []);
}

#[test]
fn a_length_read_and_fewer_bytes_taken_for_all() {
    let body = |rest: &[(i64, &str)]| {
        let mut script = pair();
        script
            .sends("client", 1, "0011")
            .sends("client", 1, "hello world")
            .sends("client", 1, "0002ok");
        script.receives("server", 3, 4, "0011").receives("server", 3, 11, "hello");
        for (size, text) in rest {
            script.receives("server", 3, *size, text);
        }
        script
    };
    finds(&body(&[(4, " wor")]), Rule::ShortRead { got: 5, asked: 11 });
    let mut right = body(&[(6, " world"), (4, "0002"), (2, "ok")]);
    part(&mut right);
    finds_nothing(&right);
    // The sender had no time to send all.
    let mut broken = pair();
    broken.sends("client", 1, "0011").receives("server", 3, 4, "0011");
    broken.sends("client", 1, "hello").receives("server", 3, 11, "hello");
    broken.sends("server", 3, "ok");
    close(&mut broken, "server", 3);
    broken.fails("client", 1, "send", &[("data", data(" world"))], "EPIPE");
    finds(&broken, Rule::ShortRead { got: 5, asked: 11 });
    // A number that is no length, though recv() is asked for as many.
    let mut version = pair();
    version.sends("client", 1, "1024").receives("server", 3, 4, "1024");
    version.sends("client", 1, "hello").receives("server", 3, 1024, "hello");
    version.sends("server", 3, "ok").receives("client", 1, 1024, "ok");
    part(&mut version);
    finds_nothing(&version);
}

#[test]
fn messages_that_came_together_and_a_wait_for_the_next() {
    let asks = |before: &[(&str, &str)], answers: &[&str], ends: bool| {
        let mut script = pair();
        for (question, answer) in before {
            script.sends("client", 1, question).receives("server", 3, 1024, question);
            if !answer.is_empty() {
                script.sends("server", 3, answer).receives("client", 1, 1024, answer);
            }
        }
        script.sends("client", 1, "one").sends("client", 1, "two");
        script.receives("server", 3, 1024, "onetwo");
        for answer in answers {
            script.sends("server", 3, answer).receives("client", 1, 1024, answer);
        }
        if ends {
            part(&mut script);
        } else {
            script.enter("client", 1, "recv", &[("size", 1024.into())]);
            script.enter("server", 3, "recv", &[("size", 1024.into())]);
            stop(&mut script);
        }
        found(&script).contains(&Rule::JoinedMessages { messages: 2, bytes: 6 })
    };
    // Each was answered, and these were answered as one; or they stand in one answer.
    assert!(asks(&[("zero", "ok")], &["ok"], false));
    assert!(asks(&[("zero", "ok")], &[], false));
    assert!(asks(&[], &["Hello, onetwo"], false));
    // Nobody says that each is answered: it may have found their ends, and want no more.
    assert!(!asks(&[], &[], false));
    assert!(!asks(&[], &["ok"], false));
    assert!(!asks(&[("zero", "")], &[], false));
    assert!(!asks(&[("zero", "ok"), ("nil", "")], &["ok"], false));
    assert!(!asks(&[("zero", "ok")], &["ok", "ok"], false));
    assert!(!asks(&[("zero", "ok")], &["ok"], true));
    // A chat in which each says lines without their ends; with ends, a length in front, or one length, they can be told apart.
    for (first, second, is_found) in [
        ("hello", "how are you", true),
        ("hello\n", "how are you\n", false),
        ("hello;", "how are you;", false),
        ("5hello", "3bye", false),
        ("hello", "aloha", false),
    ] {
        let mut chat = pair();
        chat.sends("client", 1, first).sends("client", 1, second);
        chat.receives("server", 3, 1024, &format!("{first}{second}"));
        for (who, socket) in [("client", 1), ("server", 3)] {
            chat.enter(who, socket, "recv", &[("size", 1024.into())]);
        }
        stop(&mut chat);
        let is_joined = kinds(&chat).contains(&RuleKind::JoinedMessages);
        assert_eq!(is_joined, is_found, "{first:?} {second:?}");
    }
    // The next came alone.
    let mut alone = pair();
    alone.sends("client", 1, "hello").sends("client", 1, "how are you");
    alone.receives("server", 3, 1024, "hellohow are you");
    alone.sends("client", 1, "bye").receives("server", 3, 1024, "bye");
    for (who, socket) in [("client", 1), ("server", 3)] {
        alone.enter(who, socket, "recv", &[("size", 1024.into())]);
    }
    stop(&mut alone);
    assert!(kinds(&alone).contains(&RuleKind::JoinedMessages));
}

#[test]
fn a_datagram_that_its_buffer_cut() {
    let room = |size: i64, text: &str| {
        let mut script = Script::new();
        script.udp("server", 1, 5000).udp("client", 2, 5001).sends_to("client", 2, "hello", 5000);
        script.receives_from("server", 1, size, text, 5001);
        script
    };
    finds(&room(3, "hel"), Rule::DatagramCut { got: 3, of: 5 });
    finds_nothing(&room(1024, "hello"));
}

#[test]
fn a_send_that_took_a_part() {
    let send = |rest: Option<&str>| {
        let mut script = pair();
        script.call("client", 1, "send", &[("data", data("hello world"))], 5);
        script.receives("server", 3, 1024, "hello");
        if let Some(rest) = rest {
            script.sends("client", 1, rest).receives("server", 3, 1024, rest);
        }
        part(&mut script);
        script
    };
    finds(&send(None), Rule::RestNotSent { taken: 5, of: 11 });
    finds(&send(Some("goodbye")), Rule::RestNotSent { taken: 5, of: 11 });
    finds_nothing(&send(Some(" world")));
    finds_nothing(&send(Some(" world, and more")));
}

#[test]
fn a_send_that_took_a_part_and_others_that_came_too_early() {
    let sends = |tries: &[&str], last: Option<&str>| {
        let mut script = pair();
        // Of the rest nothing is known: it is not kept.
        let call = script.enter("client", 1, "send", &[("data", data(&"a".repeat(1_000)))]);
        script.leave("client", &call, Outcome::Result(900), &[]);
        for text in tries {
            script.fails("client", 1, "send", &[("data", data(text))], "EAGAIN");
        }
        last.map(|text| script.sends("client", 1, text));
        close(&mut script, "client", 1);
        script
    };
    let rule = Rule::RestNotSent { taken: 900, of: 1_000 };
    finds(&sends(&["1aaa", "2aaa"], None), rule.clone());
    finds(&sends(&["1aaa"], Some("2aaa")), rule.clone());
    let [rest, more, most] = [99, 102, 105].map(|length| format!("1{}", "a".repeat(length)));
    finds_nothing(&sends(&[&rest, &more], Some(&most)));
    // Nothing was sent after it; but what is no shorter than the rest may have been the rest.
    finds(&sends(&["1aaa"], None), rule.clone());
    finds_nothing(&sends(&[&rest], None));
    finds(&sends(&[], Some("aaaa")), rule);
    finds_nothing(&sends(&[], Some(&rest)));
}

#[test]
fn a_recv_after_the_end() {
    let reads = |times: usize| {
        let mut script = pair();
        close(&mut script, "client", 1);
        for _ in 0..times {
            script.receives("server", 3, 1024, "");
        }
        close(&mut script, "server", 3);
        script
    };
    finds(&reads(10), Rule::ReadPastEnd { times: 10 });
    finds_nothing(&reads(1));
    // As a library does that reads lines.
    finds_nothing(&reads(4));
}

#[test]
fn a_loop_that_spins_on_eagain() {
    let asks = |wait: &dyn Fn(&mut Script)| {
        let mut script = pair();
        script.call(
            "server",
            3,
            "set_nonblocking",
            &[("command", "F_SETFL".into()), ("flags", "O_NONBLOCK".into())],
            0,
        );
        for _ in 0..200 {
            script.fails("server", 3, "recv", &[("size", 1024.into())], "EAGAIN");
            wait(&mut script);
        }
        script
    };
    assert_eq!(kinds(&asks(&|_| ())), [RuleKind::Spin]);
    finds_nothing(&stepped(&asks(&|_| ())));
    // What comes in between ends one loop, and the next is told of with it.
    let mut twice = asks(&|_| ());
    twice.sends("client", 1, "hi").receives("server", 3, 1024, "hi");
    for _ in 0..150 {
        twice.fails("server", 3, "recv", &[("size", 1024.into())], "EAGAIN");
    }
    let [Rule::Spin { times, span_ns }] = found(&twice)[..] else { panic!("one finding") };
    assert_eq!((times, span_ns), (350, (199 + 149) * 20_000));
    let poll = |script: &mut Script| {
        let args = [("fds", "[5: POLLIN]".into()), ("nfds", 1.into()), ("timeout", 1.into())];
        let call = script.enter("server", 0, "poll", &args);
        script.pass(MS).leave("server", &call, Outcome::Result(0), &[]);
    };
    finds_nothing(&asks(&poll));
    finds_nothing(&asks(&|script| {
        script.json("server", json!({"event": "wait", "asked_ns": 100, "purpose": "a pause"}));
    }));
}

#[test]
fn a_thread_that_works_and_looks_in_between() {
    let looks = |work_ns: u64| {
        let mut script = pair();
        for _ in 0..200 {
            let args = [("fds", "[5: POLLIN]".into()), ("nfds", 1.into()), ("timeout", 0.into())];
            let call = script.enter("server", 0, "poll", &args);
            script.leave("server", &call, Outcome::Result(0), &[]).pass(work_ns);
        }
        script
    };
    assert_eq!(kinds(&looks(0)), [RuleKind::Spin]);
    assert_eq!(kinds(&looks(100_000)), [RuleKind::Spin], "a traced loop of Python");
    finds_nothing(&looks(MS));
}

fn kinds(script: &Script) -> Vec<RuleKind> {
    found(script).iter().map(RuleKind::from).collect()
}

#[test]
fn a_thread_that_runs_without_a_call() {
    let looked = |cpu_ns: u64| {
        let mut script = pair();
        script.json("server", json!({"event": "sample", "state": "R", "cpu_ns": 1000}));
        script.call("server", 3, "close", &[], 0);
        script.json("server", json!({"event": "sample", "state": "R", "cpu_ns": 2000}));
        script.pass(4_000 * MS);
        script.json("server", json!({"event": "sample", "state": "R", "cpu_ns": cpu_ns}));
        stop(&mut script);
        script
    };
    assert_eq!(kinds(&looked(3_900_001_000)), [RuleKind::BusyWithoutCall]);
    finds_nothing(&stepped(&looked(3_900_001_000)));
    finds_nothing(&looked(20_000_000));
}

#[test]
fn a_connection_closed_with_bytes_unread() {
    let closes = |reads: bool| {
        let mut script = pair();
        script.sends("client", 1, "one");
        script.receives("server", 3, 1024, "one").sends("client", 1, "two");
        if reads {
            script.receives("server", 3, 1024, "two");
        }
        close(&mut script, "server", 3);
        script
    };
    let reset = |script: &mut Script, who: &str, socket: u32, function: &str| {
        let args = [("size", 9.into()), ("data", data("x"))];
        let args = if function == "recv" { &args[..1] } else { &args[1..] };
        script.fails(who, socket, function, args, "ECONNRESET");
    };
    let mut wrong = closes(false);
    reset(&mut wrong, "client", 1, "recv");
    finds(&wrong, Rule::ClosedUnread { unread: 3 });
    // A client that would end the connection, which is no more.
    for is_lost in [true, false] {
        let mut ends = pair();
        ends.sends("client", 1, "one").sends("client", 1, "two").receives("server", 3, 3, "one");
        ends.sends("server", 3, "bye");
        if !is_lost {
            ends.receives("client", 1, 1024, "bye");
        }
        close(&mut ends, "server", 3);
        ends.fails("client", 1, "shutdown", &[("how", "SHUT_WR".into())], "ENOTCONN");
        let expected = is_lost.then_some(Rule::ClosedUnread { unread: 3 });
        assert_eq!(found(&ends), expected.into_iter().collect::<Vec<_>>());
    }
    finds_nothing(&closes(true));
    // Nobody notices.
    finds_nothing(&closes(false));
    let mut late = pair();
    late.sends("client", 1, "bye");
    close(&mut late, "client", 1);
    close(&mut late, "server", 3);
    finds_nothing(&late);
    // A client that wants no more of a stream takes nothing away from the server; but what it has said may be lost.
    for (says, is_lost) in [("", false), ("quit", true)] {
        let mut client = pair();
        client.sends("server", 3, "one").sends("server", 3, "two").receives("client", 1, 3, "one");
        if !says.is_empty() {
            client.sends("client", 1, says);
        }
        close(&mut client, "client", 1);
        reset(&mut client, "server", 3, "recv");
        reset(&mut client, "server", 3, "send");
        let expected = is_lost.then_some(Rule::ClosedUnread { unread: 3 });
        assert_eq!(found(&client), expected.into_iter().collect::<Vec<_>>());
    }
}

/// A server that has read a part of a long request, answers and closes; what is sent then is lost.
#[test]
fn an_answer_and_a_close_while_the_client_is_still_sending() {
    let closes = |drains: bool, hears: bool| {
        let mut script = pair();
        script.sends("client", 1, "head").receives("server", 3, 1024, "head");
        script.sends("server", 3, "too long");
        if drains {
            script.sends("client", 1, "body").receives("server", 3, 1024, "body");
        }
        close(&mut script, "server", 3);
        if hears {
            script.receives("client", 1, 1024, "too long");
        }
        script.sends("client", 1, "more");
        script.fails("client", 1, "send", &[("data", data("more"))], "EPIPE");
        script
    };
    finds(&closes(false, false), Rule::ClosedWhileSending { lost: 8 });
    finds_nothing(&closes(true, false));
    finds_nothing(&closes(false, true));
}

#[test]
fn an_address_in_use_and_who_holds_it() {
    let mut wrong = pair();
    wrong.socket("second", 9, "AF_INET", "SOCK_STREAM");
    wrong.fails("second", 9, "bind", &[("address", here(5000))], "EADDRINUSE");
    finds(&wrong, in_use(Holder::Open("server".into())));
    // Whoever takes another then has chosen.
    wrong.call("second", 9, "bind", &[("address", here(5001))], 0);
    finds_nothing(&wrong);

    let mut own = pair();
    own.socket("server", 9, "AF_INET", "SOCK_STREAM");
    own.fails("server", 9, "bind", &[("address", here(5000))], "EADDRINUSE");
    finds(&own, in_use(Holder::Itself));

    let mut again = pair();
    close(&mut again, "server", 3);
    close(&mut again, "server", 2);
    again.receives("client", 1, 1024, "");
    close(&mut again, "client", 1);
    again.socket("second", 9, "AF_INET", "SOCK_STREAM");
    again.fails("second", 9, "bind", &[("address", here(5000))], "EADDRINUSE");
    finds(&again, in_use(Holder::Closed("server".into())));

    let mut alone = Script::new();
    alone.socket("server", 1, "AF_INET", "SOCK_STREAM");
    alone.fails("server", 1, "bind", &[("address", here(5000))], "EADDRINUSE");
    finds(&alone, in_use(Holder::Unknown));
}

/// `server` (process 2) is refused port 5000, and the kernel's tables say who has it.
fn refused(script: &mut Script, holders: &serde_json::Value, file: Option<&str>) {
    script.process("server", 2).socket("server", 9, "AF_INET", "SOCK_STREAM");
    script.fails("server", 9, "bind", &[("address", here(5000))], "EADDRINUSE");
    let mut fact = json!({
        "address": {"inet": "127.0.0.1:5000"}, "argv": ["python3", "server.py"], "holders": holders,
    });
    if let Some(file) = file {
        fact["file"] = file.into();
    }
    let observed = json!({"event": "observed", "socket": 9, "fd": 11, "address_in_use": fact});
    script.json("server", observed);
}

#[test]
fn who_has_an_address_is_told_by_the_tables_of_the_kernel() {
    let row = |rest: serde_json::Value| {
        let mut row = json!({"local": {"inet": "127.0.0.1:5000"}, "state": "LISTEN"});
        let fields = rest.as_object().cloned().unwrap_or_default();
        row.as_object_mut().expect("an object").extend(fields);
        json!([row])
    };
    let process = |argv: [&str; 2], parent_argv: [&str; 2]| {
        let one = json!({"process": 77, "argv": argv, "parent": 1, "parent_argv": parent_argv});
        row(json!({"socket": 50, "user": 0, "processes": [one]}))
    };
    let outside = |relation, command: &str| {
        let process = Process { actor: None, number: 77, command: command.to_owned() };
        Holder::Outside { process, relation }
    };
    let (server, other) = (["python3", "server.py"], ["sleep", "600"]);
    let lingering = |state: &str, left_ns| Holder::Lingering { state: state.to_owned(), left_ns };
    for (holders, file, expected) in [
        (process(other, ["sh", "x"]), None, outside(Relation::None, "sleep 600")),
        (process(server, ["init", ""]), None, outside(Relation::Same, "python3 server.py")),
        (process(other, server), None, outside(Relation::ChildOfSame, "sleep 600")),
        (row(json!({"socket": 50, "user": 1000})), None, Holder::Hidden(Some(1000))),
        (row(json!({"state": "TIME_WAIT", "left_ns": 5})), None, lingering("TIME_WAIT", Some(5))),
        (row(json!({"state": "LAST_ACK"})), None, lingering("LAST_ACK", None)),
        (json!([]), Some("socket"), Holder::File(FileType::Socket)),
        (json!([]), Some("other"), Holder::File(FileType::Other)),
        (json!([]), None, Holder::Unknown),
    ] {
        let mut script = Script::new();
        refused(&mut script, &holders, file);
        finds(&script, in_use(expected));
    }
}

#[test]
fn a_socket_of_this_run_that_only_a_child_still_has_was_inherited() {
    let held_by = |process: u32| {
        let mut script = Script::new();
        script.process("server", 2).process("server child", 3);
        script.socket("server", 1, "AF_INET", "SOCK_STREAM");
        script.call("server", 1, "bind", &[("address", here(5000))], 0);
        script.call("server", 1, "listen", &[("backlog", 5.into())], 0);
        let kept =
            json!({"event": "observed", "socket": 1, "fd": 3, "still_open": {"closed_by": 2}});
        script.json("server child", kept);
        let one = json!({"process": process, "argv": ["x"], "parent": 1, "parent_argv": []});
        let row = json!([{"local": {"inet": "127.0.0.1:5000"}, "socket": 1, "processes": [one]}]);
        refused(&mut script, &row, None);
        script
    };
    let by = Process { actor: Some("server child".into()), number: 3, command: "x".to_owned() };
    finds(&held_by(3), in_use(Holder::Inherited { from: "server".into(), by }));
    finds(&held_by(2), in_use(Holder::Itself));
    let recording = held_by(3).recording();
    let analysis = Analysis::of(&recording);
    let keepers: Vec<_> = analysis.sockets[0].keepers().map(|it| &**it).collect();
    assert_eq!(keepers, ["server child"]);
}

fn in_use(holder: Holder) -> Rule {
    let Value::Address(address) = here(5000) else { panic!("an address") };
    Rule::AddressInUse { address, holder }
}

#[test]
fn a_client_of_a_server_whose_bind_failed() {
    let client = |holders: serde_json::Value, errno: Option<&'static str>| {
        let mut script = Script::new();
        refused(&mut script, &holders, None);
        script.process("client", 3).socket("client", 1, "AF_INET", "SOCK_STREAM");
        let args = [("address", here(5000))];
        match errno {
            Some(errno) => script.fails("client", 1, "connect", &args, errno),
            None => script.call("client", 1, "connect", &args, 0),
        };
        script
    };
    let lingers = json!([{"local": {"inet": "127.0.0.1:5000"}, "state": "TIME_WAIT"}]);
    let alone = client(lingers, Some("ECONNREFUSED"));
    assert_eq!(kinds(&alone), [RuleKind::AddressInUse, RuleKind::ServerFailed]);
    let one = json!({"process": 77, "argv": ["x"], "parent": 1, "parent_argv": []});
    let row = json!({"local": {"inet": "127.0.0.1:5000"}, "state": "LISTEN", "socket": 50,
        "processes": [one]});
    let elsewhere = client(json!([row]), None);
    let [Rule::AddressInUse { .. }, Rule::ConnectedElsewhere { holder, server, .. }] =
        &found(&elsewhere)[..]
    else {
        panic!("{:?}", found(&elsewhere));
    };
    assert!(matches!(holder, Holder::Outside { process, .. } if process.number == 77));
    assert_eq!(&**server, "server");
}

/// A server on a port that it chose; with or without SO_REUSEADDR.
fn server_at(port: u16, reuse: bool) -> Script {
    let mut script = Script::new();
    script.process("client", 1).process("server", 2);
    script.socket("server", 2, "AF_INET", "SOCK_STREAM");
    if reuse {
        let args = [
            ("level", "SOL_SOCKET".into()),
            ("option", "SO_REUSEADDR".into()),
            ("value", 1.into()),
        ];
        script.call("server", 2, "set_reuse_address", &args, 0);
    }
    script.call("server", 2, "bind", &[("address", here(port))], 0);
    script.located("server", 2, here(5000));
    script.call("server", 2, "listen", &[("backlog", 5.into())], 0);
    script.socket("client", 1, "AF_INET", "SOCK_STREAM");
    script.call("client", 1, "connect", &[("address", here(5000))], 0);
    script.located("client", 1, here(40001)).accepts("server", 2, 3, here(40001));
    script.located("server", 3, here(5000));
    script
}

#[test]
fn a_server_that_closes_first_without_so_reuseaddr() {
    let closes = |port: u16, reuse: bool, first: bool| {
        let mut script = server_at(port, reuse);
        if first {
            close(&mut script, "server", 3);
            script.receives("client", 1, 1024, "");
            close(&mut script, "client", 1);
        } else {
            part(&mut script);
        }
        script
    };
    let Value::Address(address) = here(5000) else { panic!("an address") };
    let found = Rule::NoReuseAddress { address };
    finds(&closes(5000, false, true), found.clone());
    // On a busy machine the client has closed, too, when the server's close() returns.
    let mut script = server_at(5000, false);
    let closing = script.enter("server", 3, "close", &[]);
    script.receives("client", 1, 1024, "");
    close(&mut script, "client", 1);
    script.leave("server", &closing, Outcome::Result(0), &[]);
    finds(&script, found);
    finds_nothing(&closes(5000, true, true));
    finds_nothing(&closes(5000, false, false));
    finds_nothing(&closes(0, false, true));
}

#[test]
fn a_program_that_sigpipe_ended() {
    let ended = |signal: &str| {
        let mut script = pair();
        close(&mut script, "server", 3);
        script.fails("client", 1, "send", &[("data", data("x"))], "EPIPE");
        script.json(
            "client",
            json!({"event": "exited", "cpu_ns": null, "status": {"signal": signal}}),
        );
        script
    };
    finds(&ended("SIGPIPE"), Rule::BrokenPipe);
    finds_nothing(&ended("SIGTERM"));
    // It was writing to a pipe.
    let mut piped = pair();
    part(&mut piped);
    piped.json(
        "client",
        json!({"event": "exited", "cpu_ns": null, "status": {"signal": "SIGPIPE"}}),
    );
    finds_nothing(&piped);
}

#[test]
fn both_wait_in_recv() {
    let mut wrong = pair();
    wrong.enter("client", 1, "recv", &[("size", 1024.into())]);
    wrong.enter("server", 3, "recv", &[("size", 1024.into())]);
    stop(&mut wrong);
    finds(&wrong, Rule::AllReceive { waiting: 2 });
    // In a chat each has a thread at the keyboard.
    let mut chat = pair();
    chat.sends("client sends", 1, "hi").receives("server", 3, 1024, "hi");
    chat.enter("client", 1, "recv", &[("size", 1024.into())]);
    chat.enter("server", 3, "recv", &[("size", 1024.into())]);
    chat.enter("client sends", 0, "read", &[("fd", 0.into()), ("size", 1024.into())]);
    stop(&mut chat);
    finds_nothing(&chat);
    // Or waits for the keyboard and the peer at once.
    let mut select = pair();
    for (who, peer) in [("client", "[0: POLLIN, 3: POLLIN]"), ("server", "[0: POLLIN, 5: POLLIN]")]
    {
        let args = [("fds", peer.into()), ("nfds", 2.into()), ("timeout", (-1).into())];
        select.enter(who, 0, "poll", &args);
    }
    stop(&mut select);
    finds_nothing(&select);
    // What is on its way will be received.
    let mut late = pair();
    late.enter("client", 1, "recv", &[("size", 1024.into())]);
    late.enter("server", 3, "recv", &[("size", 1024.into())]);
    late.sends("client sends", 1, "hi");
    stop(&mut late);
    finds_nothing(&late);
}

/// A server with a thread for its client, and one that accepts; the client has its answer, or waits for it.
#[test]
fn a_server_with_threads_of_which_one_waits_for_what_its_client_does_not_send() {
    let receives = [("size", 1024.into())];
    let waits = |answers: bool, third: &dyn Fn(&mut Script)| {
        let mut script = pair();
        script.sends("client", 1, "no newline").receives("server h", 3, 1024, "no newline");
        if answers {
            script.sends("server h", 3, "OK").receives("client", 1, 1024, "OK");
        }
        script.enter("client", 1, "recv", &receives);
        script.enter("server h", 3, "recv", &receives);
        script.enter("server", 2, "accept", &[]);
        third(&mut script);
        stop(&mut script);
        threads_of(&mut script, 2, &["server h", "server w"]);
        script
    };
    let sleeps = |has_limit: bool| {
        move |script: &mut Script| {
            let sleep = json!({"event": "sample", "state": "S", "syscall": "futex", "has_limit": has_limit});
            script.json("server w", sleep);
        }
    };
    let found = Rule::AllReceive { waiting: 2 };
    finds(&waits(false, &|_| ()), found.clone());
    finds(&waits(false, &sleeps(false)), found.clone());
    // Another looks from time to time for the next client, as socketserver does.
    finds(
        &waits(false, &|script| {
            let args =
                [("fds", "[4: POLLIN]".into()), ("nfds", 1.into()), ("timeout", 7_000.into())];
            script.enter("server w", 0, "poll", &args);
        }),
        found,
    );
    // Of so many messages it may want to hear nothing.
    let mut log = pair();
    for _ in 0..2 {
        log.sends("client", 1, "entry").receives("server h", 3, 1024, "entry");
    }
    log.enter("client", 1, "recv", &receives);
    log.enter("server h", 3, "recv", &receives);
    log.enter("server", 2, "accept", &[]);
    stop(&mut log);
    threads_of(&mut log, 2, &["server h"]);
    finds_nothing(&log);
    // Whoever comes next may make it send something.
    finds_nothing(&waits(true, &|_| ()));
    // A worker looks from time to time, runs, or waits for somebody else; or the kernel tells that the process is not at rest.
    finds_nothing(&waits(false, &sleeps(true)));
    finds_nothing(&waits(false, &|script| {
        script.json("server w", json!({"event": "sample", "state": "R"}));
    }));
    finds_nothing(&waits(false, &|script| {
        script.socket("server w", 9, "AF_INET", "SOCK_STREAM");
        script.enter("server w", 9, "recv", &receives);
    }));
    finds_nothing(&waits(false, &|script| {
        script.json("lab", json!({"event": "busy", "processes": [2]}));
    }));
}

/// Ctrl-C, for both: what they waited in is cut short before it is recorded that they got it.
fn ctrl_c(script: &mut Script, waiting: &[(&str, Arc<Call>)]) {
    script.pass(5_000 * MS);
    for (who, call) in waiting {
        script.leave(who, call, Outcome::Errno("EINTR".into()), &[]);
        script.pass(MS);
        script.json(who, json!({"event": "signalled", "signal": "SIGINT"}));
    }
    script.json("lab", json!({"event": "end", "ending": "finished"}));
}

#[test]
fn what_both_waited_in_until_ctrl_c() {
    let receives = [("size", 1024.into())];
    let mut wrong = pair();
    let client = wrong.enter("client", 1, "recv", &receives);
    let server = wrong.enter("server", 3, "recv", &receives);
    ctrl_c(&mut wrong, &[("client", client), ("server", server)]);
    finds(&wrong, Rule::AllReceive { waiting: 2 });
    // One had got what it waited for.
    let mut right = pair();
    let client = right.enter("client", 1, "recv", &receives);
    right.sends("server", 3, "hi");
    right.leave("client", &client, Outcome::Result(2), &[("data", data("hi"))]);
    let server = right.enter("server", 3, "recv", &receives);
    ctrl_c(&mut right, &[("server", server)]);
    finds_nothing(&right);
}

#[test]
fn a_child_and_its_client_wait_and_the_parent_has_closed_the_connection() {
    let waits = |closes: bool| {
        let mut script = pair();
        script.process("child", 3);
        script.sends("client", 1, "no newline").receives("child", 3, 1024, "no newline");
        if closes {
            let call = script.enter("server", 3, "close", &[]);
            let out = [("still_open", Value::Number(1))];
            script.leave("server", &call, Outcome::Result(0), &out);
        } else {
            script.call("server", 3, "setsockopt", &[], 0);
        }
        script.enter("client", 1, "recv", &[("size", 1024.into())]);
        script.enter("child", 3, "recv", &[("size", 1024.into())]);
        script.call("server", 3, "local_addr", &[], 0);
        script.enter("server", 2, "accept", &[]);
        stop(&mut script);
        script
    };
    finds(&waits(true), Rule::AllReceive { waiting: 2 });
    finds_nothing(&waits(false));
}

#[test]
fn both_wait_in_epoll() {
    let waits = |watches_more: bool| {
        let mut script = pair();
        for (who, fd) in [("client", 3), ("server", 5)] {
            let epfd = ("epfd", 9.into());
            let watch = |fd: i64| {
                [
                    epfd.clone(),
                    ("op", "EPOLL_CTL_ADD".into()),
                    ("fd", fd.into()),
                    ("events", "EPOLLIN".into()),
                ]
            };
            script.call(who, 0, "epoll_ctl", &watch(fd), 0);
            if watches_more {
                script.call(who, 0, "epoll_ctl", &watch(8), 0);
            }
            script.enter(
                who,
                0,
                "epoll_wait",
                &[epfd, ("maxevents", 2.into()), ("timeout", (-1).into())],
            );
        }
        stop(&mut script);
        script
    };
    finds(&waits(false), Rule::AllReceive { waiting: 2 });
    // Nobody knows what else may wake them.
    finds_nothing(&waits(true));
}

#[test]
fn both_wait_in_send() {
    let mut wrong = pair();
    wrong.enter("client", 1, "send", &[("data", data("x"))]);
    wrong.enter("server", 3, "send", &[("data", data("y"))]);
    stop(&mut wrong);
    finds(&wrong, Rule::AllSend { waiting: 2 });
    let mut right = pair();
    right.enter("client", 1, "send", &[("data", data("x"))]);
    right.enter("server", 3, "send", &[("data", data("y"))]);
    right.receives("server receives", 3, 1024, "x");
    stop(&mut right);
    finds_nothing(&right);
}

#[test]
fn everybody_waits_in_accept() {
    let listens = |script: &mut Script, who: &str, socket: u32, port: u16| {
        script.process(who, socket);
        script.socket(who, socket, "AF_INET", "SOCK_STREAM");
        script.call(who, socket, "bind", &[("address", here(port))], 0);
        script.call(who, socket, "listen", &[("backlog", 5.into())], 0);
        script.enter(who, socket, "accept", &[]);
    };
    let mut wrong = Script::new();
    listens(&mut wrong, "alice", 1, 5000);
    listens(&mut wrong, "bob", 2, 5001);
    stop(&mut wrong);
    finds(&wrong, Rule::AllAccept { waiting: 2 });
    let mut right = Script::new();
    listens(&mut right, "server", 1, 5000);
    stop(&mut right);
    finds_nothing(&right);
}

#[test]
fn accept_where_recv_was_due() {
    let asks = |text: &str| {
        let mut script = pair();
        script.sends("client", 1, "one").receives("server", 3, 1024, "one");
        script.sends("server", 3, "1").receives("client", 1, 1024, "1");
        if !text.is_empty() {
            script.sends("client", 1, text);
        }
        script.enter("client", 1, "recv", &[("size", 1024.into())]);
        script.enter("server", 2, "accept", &[]);
        stop(&mut script);
        script
    };
    finds(&asks("two"), Rule::AcceptInsteadOfRecv { unread: 3 });
    // The first of two players waits for the second; its name is read when that one is there.
    finds_nothing(&asks(""));
    let mut lobby = pair();
    lobby.sends("client", 1, "ann");
    lobby.enter("client", 1, "recv", &[("size", 1024.into())]);
    lobby.enter("server", 2, "accept", &[]);
    stop(&mut lobby);
    finds_nothing(&lobby);
}

#[test]
fn a_client_that_keeps_another_from_being_accepted() {
    let second = |server: &str| {
        let mut script = pair();
        script.process(server, 2);
        let recv = script.enter(server, 3, "recv", &[("size", 1024.into())]);
        script.process("late", 7).socket("late", 4, "AF_INET", "SOCK_STREAM");
        script.call("late", 4, "connect", &[("address", here(5000))], 0);
        script.located("late", 4, here(40002));
        if server != "server" {
            script.accepts("server", 2, 5, here(40002));
        }
        script.pass(900 * MS).sends("client", 1, "hi");
        script.leave(server, &recv, Outcome::Result(2), &[("data", data("hi"))]);
        if server == "server" {
            script.accepts("server", 2, 5, here(40002));
        }
        script
    };
    assert_eq!(kinds(&second("server")), [RuleKind::OneClientBlocks]);
    finds_nothing(&stepped(&second("server")));
    finds_nothing(&second("server's thread"));
}

/// A server of one thread that sleeps before it answers, and a client with two connections.
#[test]
fn a_sleep_between_a_question_and_its_answer_while_another_client_waits() {
    let serves = |other_sends: bool, reads_both: bool, idle_before: bool, answers_both: bool| {
        let mut script = pair();
        let other = script.process("other", 7).socket("other", 4, "AF_INET", "SOCK_STREAM");
        other.call("other", 4, "connect", &[("address", here(5000))], 0);
        script.located("other", 4, here(40002)).accepts("server", 2, 5, here(40002));
        script.located("server", 5, here(5000));
        let sleeps = |script: &mut Script, ms: u64| {
            let asked = Value::Number((ms * MS).cast_signed());
            let sleep = script.enter("server", 0, "clock_nanosleep", &[("request_ns", asked)]);
            script.pass(ms * MS).leave("server", &sleep, Outcome::Result(0), &[]);
        };
        if idle_before {
            sleeps(&mut script, 300);
        }
        script.sends("client", 1, "one").receives("server", 3, 1024, "one");
        let waits = other_sends.then(|| {
            script.sends("other", 4, "two");
            script.enter("other", 4, "recv", &[("size", 1024.into())])
        });
        if reads_both {
            script.receives("server", 5, 1024, "two");
        }
        script.fails("server", 2, "accept", &[], "EAGAIN");
        sleeps(&mut script, 1_000);
        script.sends("server", 3, "first");
        if answers_both {
            script.sends("server", 5, "first");
        }
        if let Some(waits) = waits {
            if reads_both {
                sleeps(&mut script, 1_000);
            } else {
                script.receives("server", 5, 1024, "two");
            }
            script.sends("server", 5, "again");
            let out = [("data", data("again"))];
            script.leave("other", &waits, Outcome::Result(5), &out);
        }
        script
    };
    let wrong = serves(true, false, false, false);
    assert_eq!(kinds(&wrong), [RuleKind::SleepBlocks]);
    finds_nothing(&stepped(&wrong));
    assert_eq!(kinds(&serves(true, true, false, false)), [RuleKind::SleepBlocks]);
    // Another worker of the pool serves the same listening socket's clients.
    let mut pool = serves(true, false, false, false);
    pool.accepts("server", 2, 6, here(40003)).receives("server w", 6, 9, "three");
    threads_of(&mut pool, 2, &["server w"]);
    finds_nothing(&pool);
    // Nobody waits; a loop that looks from time to time; a round in which all hear something.
    finds_nothing(&serves(false, false, false, false));
    finds_nothing(&serves(true, false, true, false));
    assert!(!kinds(&serves(true, true, false, true)).contains(&RuleKind::SleepBlocks));
    assert!(!kinds(&serves(true, false, false, true)).contains(&RuleKind::SleepBlocks));
}

#[test]
fn a_thread_for_each_client_that_is_joined_at_once() {
    let serves = |joins: bool| {
        let mut script = pair();
        let recv = script.enter("server h", 3, "recv", &[("size", 1024.into())]);
        if joins {
            script.json("server", json!({"event": "sample", "state": "S", "syscall": "futex"}));
        }
        script.process("late", 7).socket("late", 4, "AF_INET", "SOCK_STREAM");
        script.call("late", 4, "connect", &[("address", here(5000))], 0);
        script.located("late", 4, here(40002)).pass(900 * MS).sends("client", 1, "hi");
        script.leave("server h", &recv, Outcome::Result(2), &[("data", data("hi"))]);
        script.accepts("server", 2, 5, here(40002));
        threads_of(&mut script, 2, &["server h"]);
        script
    };
    assert_eq!(kinds(&serves(true)), [RuleKind::OneClientBlocks]);
    finds_nothing(&serves(false));
}

/// As Go's runtime does: all is non-blocking, and each thread takes up what is ready.
#[test]
fn a_client_that_keeps_another_waiting_under_a_runtime() {
    let serves = |then: &dyn Fn(&mut Script)| {
        let mut script = pair();
        script.fails("server", 3, "recv", &[("size", 1024.into())], "EAGAIN");
        script.process("late", 7).socket("late", 4, "AF_INET", "SOCK_STREAM");
        script.call("late", 4, "connect", &[("address", here(5000))], 0);
        script.located("late", 4, here(40002)).pass(900 * MS);
        close(&mut script, "client", 1);
        script.receives("server", 3, 1024, "");
        then(&mut script);
        script.accepts("server", 2, 5, here(40002));
        script
    };
    let wrong = serves(&|script| close(script, "server", 3));
    assert_eq!(kinds(&wrong), [RuleKind::OneClientBlocks]);
    finds_nothing(&stepped(&wrong));
    // It does not accept because it has closed: it waited for something else.
    finds_nothing(&serves(&|script| {
        close(script, "server", 3);
        script.pass(20 * MS);
    }));
    finds_nothing(&serves(&|script| {
        let args = [("epfd", 9.into()), ("maxevents", 2.into()), ("timeout", 1.into())];
        close(script, "server", 3);
        script.call("server", 0, "epoll_wait", &args, 0);
    }));
}

#[test]
fn a_full_backlog() {
    let queue = |backlog: i64| {
        let mut script = Script::new();
        script.socket("server", 1, "AF_INET", "SOCK_STREAM");
        script.call("server", 1, "bind", &[("address", here(5000))], 0);
        script.call("server", 1, "listen", &[("backlog", backlog.into())], 0);
        for socket in [2, 3] {
            script.socket("client", socket, "AF_INET", "SOCK_STREAM");
            let connect = script.enter("client", socket, "connect", &[("address", here(5000))]);
            if socket == 3 {
                script.pass(1_020 * MS);
            }
            script.leave("client", &connect, Outcome::Result(0), &[]);
        }
        script
    };
    assert_eq!(kinds(&queue(0)), [RuleKind::FullBacklog]);
    finds_nothing(&stepped(&queue(0)));
    finds_nothing(&queue(5));
}

/// As node and asyncio do: connect() returns at once, and epoll tells when there is a connection.
#[test]
fn a_full_backlog_of_a_client_that_waits_for_many() {
    let epoll = |script: &mut Script, timeout: i64, waited_ns: u64, ready: &'static str| {
        let args = [("epfd", 9.into()), ("maxevents", 8.into()), ("timeout", timeout.into())];
        let call = script.enter("client", 0, "epoll_wait", &args);
        let count = i64::from(!ready.is_empty());
        let out = [("ready", if ready.is_empty() { "[]" } else { ready }.into())];
        script.pass(waited_ns).leave("client", &call, Outcome::Result(count), &out);
    };
    let connects = |backlog: i64, late: &dyn Fn(&mut Script)| {
        let mut script = Script::new();
        script.socket("server", 1, "AF_INET", "SOCK_STREAM");
        script.call("server", 1, "bind", &[("address", here(5000))], 0);
        script.call("server", 1, "listen", &[("backlog", backlog.into())], 0);
        for socket in [2_u32, 3] {
            script.socket("client", socket, "AF_INET", "SOCK_STREAM");
            let flags = [("command", "F_SETFL".into()), ("flags", "O_NONBLOCK".into())];
            script.call("client", socket, "set_nonblocking", &flags, 0);
            script.fails("client", socket, "connect", &[("address", here(5000))], "EINPROGRESS");
            let args = [
                ("epfd", Value::from(9)),
                ("op", "EPOLL_CTL_ADD".into()),
                ("fd", Value::from(socket + 2)),
                ("events", "EPOLLOUT".into()),
            ];
            script.call("client", 0, "epoll_ctl", &args, 0);
            if socket == 2 {
                epoll(&mut script, -1, 0, "[4: EPOLLOUT]");
                script.call("client", 2, "peer_addr", &[], 0).sends("client", 2, "one");
            }
        }
        late(&mut script);
        script.sends("client", 3, "two");
        script
    };
    let wrong = |script: &mut Script| {
        epoll(script, 0, 0, "");
        epoll(script, -1, 1_020 * MS, "[5: EPOLLOUT]");
    };
    assert_eq!(kinds(&connects(0, &wrong)), [RuleKind::FullBacklog]);
    finds_nothing(&connects(5, &wrong));
    // It looks late, or does something else, and nobody knows when there was a connection.
    finds_nothing(&connects(0, &|script| {
        script.pass(1_020 * MS);
        epoll(script, -1, 0, "[5: EPOLLOUT]");
    }));
    finds_nothing(&connects(0, &|script| {
        epoll(script, -1, 10 * MS, "[5: EPOLLOUT]");
        script.pass(1_020 * MS);
    }));
}

#[test]
fn a_wait_without_limit_for_a_silent_peer() {
    let waits = |limit: bool, keyboard: bool| {
        let mut script = Script::new();
        script.socket("client", 1, "AF_INET", "SOCK_STREAM");
        if limit {
            let args = [
                ("level", "SOL_SOCKET".into()),
                ("option", "SO_RCVTIMEO".into()),
                ("value", 9_000_000.into()),
            ];
            script.call("client", 1, "set_read_timeout", &args, 0);
        }
        script.call("client", 1, "connect", &[("address", at("192.0.2.1:80"))], 0);
        if keyboard {
            script.call("client", 0, "read", &[("fd", 0.into()), ("size", 80.into())], 0);
        }
        script.sends("client", 1, "hello").enter("client", 1, "recv", &[("size", 1024.into())]);
        stop(&mut script);
        script
    };
    assert_eq!(kinds(&waits(false, false)), [RuleKind::NoTimeout]);
    finds_nothing(&stepped(&waits(false, false)));
    finds_nothing(&waits(true, false));
    finds_nothing(&waits(false, true));
}

#[test]
fn small_pieces_and_delayed_acknowledgments() {
    let asks = |delay_ns: u64, nodelay: bool| {
        let mut script = pair();
        if nodelay {
            let args = [
                ("level", "IPPROTO_TCP".into()),
                ("option", "TCP_NODELAY".into()),
                ("value", 1.into()),
            ];
            script.call("client", 1, "set_tcp_nodelay", &args, 0);
        }
        for _ in 0..3 {
            script.sends("client", 1, "head").receives("server", 3, 4, "head");
            let recv = script.enter("server", 3, "recv", &[("size", 4.into())]);
            script.sends("client", 1, "body");
            let answer = script.enter("client", 1, "recv", &[("size", 2.into())]);
            script.pass(delay_ns).leave(
                "server",
                &recv,
                Outcome::Result(4),
                &[("data", data("body"))],
            );
            script.sends("server", 3, "ok");
            script.leave("client", &answer, Outcome::Result(2), &[("data", data("ok"))]);
        }
        part(&mut script);
        script
    };
    assert_eq!(kinds(&asks(41 * MS, false)), [RuleKind::DelayedAck]);
    finds_nothing(&stepped(&asks(41 * MS, false)));
    finds_nothing(&asks(41 * MS, true));
    finds_nothing(&asks(MS / 10, false));
}

/// As a server does that reads a line byte by byte.
#[test]
fn delayed_acknowledgments_and_a_receiver_of_single_bytes() {
    let asks = |delay_ns: u64, work_ns: u64| {
        let mut script = pair();
        for _ in 0..3 {
            script.sends("client", 1, "a\n").receives("server", 3, 1, "a");
            script.receives("server", 3, 1, "\n").sends("client", 1, "b\n");
            let answer = script.enter("client", 1, "recv", &[("size", 2.into())]);
            let recv = script.pass(work_ns).enter("server", 3, "recv", &[("size", 1.into())]);
            script.pass(delay_ns);
            script.leave("server", &recv, Outcome::Result(1), &[("data", data("b"))]);
            script.receives("server", 3, 1, "\n").sends("server", 3, "ok");
            script.leave("client", &answer, Outcome::Result(2), &[("data", data("ok"))]);
        }
        part(&mut script);
        script
    };
    assert_eq!(kinds(&asks(41 * MS, 0)), [RuleKind::DelayedAck]);
    finds_nothing(&asks(0, 0));
    finds_nothing(&asks(0, 41 * MS));
}

/// A server that listens.
fn listening_server() -> Script {
    let mut script = Script::new();
    script.process("server", 2);
    script.socket("server", 1, "AF_INET", "SOCK_STREAM");
    script.call("server", 1, "bind", &[("address", here(5000))], 0);
    script.call("server", 1, "listen", &[("backlog", 5.into())], 0);
    script
}

/// A client of it, by its number: its socket, and the server's for it.
fn comes(script: &mut Script, number: u32) -> (u32, u32) {
    let (own, theirs, port) = (10 + number, 20 + number, 40_000 + number as u16);
    script.socket("client", own, "AF_INET", "SOCK_STREAM");
    script.call("client", own, "connect", &[("address", here(5000))], 0);
    script.located("client", own, here(port)).accepts("server", 1, theirs, here(port));
    (own, theirs)
}

/// Five clients say that they send no more, or give up at once, and are served meanwhile: each is answered and closed later, one after
/// the other.
fn served_late(ends_by: &str) -> Script {
    let mut script = listening_server();
    for number in 0..5 {
        let (own, theirs) = comes(&mut script, number);
        if ends_by == "shutdown" {
            script.call("client", own, "shutdown", &[("how", "SHUT_WR".into())], 0);
        } else {
            close(&mut script, "client", own);
        }
        script.receives("server", theirs, 1024, "");
    }
    script.pass(1_500 * MS);
    for number in 0..5 {
        let (own, theirs) = (10 + number, 20 + number);
        script.sends("server", theirs, "done");
        close(&mut script, "server", theirs);
        if ends_by == "shutdown" {
            script.receives("client", own, 1024, "done").receives("client", own, 1024, "");
            close(&mut script, "client", own);
        }
    }
    script
}

#[test]
fn connections_that_are_never_closed() {
    let serves = |closes: bool| {
        let mut script = listening_server();
        for number in 0..5 {
            let (own, theirs) = comes(&mut script, number);
            close(&mut script, "client", own);
            script.receives("server", theirs, 1024, "");
            if closes {
                close(&mut script, "server", theirs);
            }
        }
        script
    };
    finds(&serves(false), Rule::NotClosed { sockets: 4, is_shared: false });
    for ends_by in ["shutdown", "close"] {
        finds_nothing(&served_late(ends_by));
    }
    let mut later = serves(false);
    stop(&mut later);
    finds(&later, Rule::NotClosed { sockets: 5, is_shared: false });
    finds(&stepped(&serves(false)), Rule::NotClosed { sockets: 4, is_shared: false });
    let mut forked = serves(false);
    forked.process("child", 9);
    close(&mut forked, "child", 20);
    finds(&forked, Rule::NotClosed { sockets: 4, is_shared: true });
    finds_nothing(&serves(true));
}

#[test]
fn readiness_that_nobody_heeds() {
    let loops = |events: &'static str, reads: bool, late_ns: u64| {
        let mut script = pair();
        for round in 0..40 {
            if round % 10 == 9 {
                script.pass(late_ns);
            }
            let args = [
                ("fds", format!("[5: {events}]").into()),
                ("nfds", 1.into()),
                ("timeout", (-1).into()),
            ];
            let call = script.enter("server", 0, "poll", &args);
            script.leave(
                "server",
                &call,
                Outcome::Result(1),
                &[("ready", format!("[5: {events}]").into())],
            );
            if reads {
                script.sends("client", 1, "x").receives("server", 3, 1, "x");
            }
        }
        script
    };
    finds(&loops("POLLIN", false, 0), Rule::ReadyIgnored { times: 40, events: Readiness::Reading });
    finds(
        &loops("POLLOUT", false, 0),
        Rule::ReadyIgnored { times: 40, events: Readiness::Writing },
    );
    // On a busy machine the loop comes to a stand now and then.
    finds(
        &loops("POLLIN", false, 900_000_000),
        Rule::ReadyIgnored { times: 40, events: Readiness::Reading },
    );
    finds_nothing(&stepped(&loops("POLLIN", false, 0)));
    finds_nothing(&loops("POLLIN", true, 0));
}

#[test]
fn a_recv_on_a_socket_that_was_not_ready() {
    let asks = |ready: &'static str| {
        let mut script = pair();
        let args = [
            ("fds", "[4: POLLIN, 5: POLLIN]".into()),
            ("nfds", 2.into()),
            ("timeout", (-1).into()),
        ];
        let call = script.enter("server", 0, "poll", &args);
        script.leave("server", &call, Outcome::Result(1), &[("ready", ready.into())]);
        let recv = script.enter("server", 3, "recv", &[("size", 9.into())]);
        script.pass(30 * MS).sends("client", 1, "x");
        script.leave("server", &recv, Outcome::Result(1), &[("data", data("x"))]);
        script
    };
    assert_eq!(kinds(&asks("[4: POLLIN]")), [RuleKind::NotReady]);
    finds_nothing(&stepped(&asks("[4: POLLIN]")));
    finds_nothing(&asks("[5: POLLIN]"));
}

#[test]
fn an_address_where_nobody_listens_and_who_does_nearby() {
    let asks = |server: &str, client: &str, again: bool| {
        let mut script = Script::new();
        script.process("client", 1).process("server", 2);
        let family = |address: &str| if address.starts_with('[') { "AF_INET6" } else { "AF_INET" };
        script.socket("server", 2, family(server), "SOCK_STREAM");
        script.call("server", 2, "bind", &[("address", at(server))], 0);
        script.call("server", 2, "listen", &[("backlog", 5.into())], 0);
        script.socket("client", 1, family(client), "SOCK_STREAM");
        script.fails("client", 1, "connect", &[("address", at(client))], "ECONNREFUSED");
        if again {
            script.socket("client", 3, family(server), "SOCK_STREAM");
            script.call("client", 3, "connect", &[("address", at(server))], 0);
        }
        script
    };
    for (server, client) in [
        ("[::1]:5000", "127.0.0.1:5000"),
        ("127.0.0.1:5000", "[::1]:5000"),
        ("127.0.0.1:5000", "127.0.0.1:5001"),
    ] {
        let all = found(&asks(server, client, false));
        let [Rule::NobodyListens { nearby: Some(nearby), .. }] = &all[..] else {
            panic!("{all:?}")
        };
        assert_eq!((nearby.address.to_string(), nearby.later_ns), (server.to_owned(), 0));
    }
    // A client that tries one family after the other finds the server.
    finds_nothing(&asks("127.0.0.1:5000", "[::1]:5000", true));
}

#[test]
fn a_connect_that_was_refused_later() {
    let asks = |errno: &'static str| {
        let mut script = pair();
        script.process("late", 7).socket("late", 9, "AF_INET", "SOCK_STREAM");
        script.fails("late", 9, "connect", &[("address", here(5001))], "EINPROGRESS");
        let args = [("level", "SOL_SOCKET".into()), ("option", "SO_ERROR".into())];
        let call = script.enter("late", 9, "getsockopt", &args);
        script.leave("late", &call, Outcome::Result(0), &[("value", errno.into())]);
        script
    };
    assert_eq!(kinds(&asks("ECONNREFUSED")), [RuleKind::NobodyListens]);
    finds_nothing(&asks("ETIMEDOUT"));
}

#[test]
fn a_client_that_looks_which_of_two_ports_is_open() {
    let mut script = pair();
    script.process("probe", 7).socket("probe", 8, "AF_INET", "SOCK_STREAM");
    script.fails("probe", 8, "connect", &[("address", here(4999))], "ECONNREFUSED");
    script.socket("probe", 9, "AF_INET", "SOCK_STREAM");
    script.call("probe", 9, "connect", &[("address", here(5000))], 0);
    finds_nothing(&script);
}

#[test]
fn a_loopback_address_on_a_wire_of_which_a_note_tells() {
    let mut script = Script::new();
    for (who, process, host) in [("client", 1, 3), ("server", 2, 2)] {
        script.process(who, process);
        script.event(who, EventKind::Network { address: [10, 9, 0, host].into() });
    }
    script.socket("server", 2, "AF_INET", "SOCK_STREAM");
    script.call("server", 2, "bind", &[("address", at("0.0.0.0:5000"))], 0);
    script.call("server", 2, "listen", &[("backlog", 5.into())], 0);
    script.socket("client", 1, "AF_INET", "SOCK_STREAM");
    script.fails("client", 1, "connect", &[("address", here(5000))], "ECONNREFUSED");
    finds_nothing(&script);
}

#[test]
fn a_datagram_to_nobody_and_a_wait_for_the_answer() {
    let asks = |port: u16, watches: Option<&'static str>| {
        let mut script = Script::new();
        script.process("client", 1).process("server", 2).udp("server", 2, 5000);
        script.socket("client", 1, "AF_INET", "SOCK_DGRAM").sends_to("client", 1, "hi", port);
        script.located("client", 1, here(40001));
        match watches {
            None => script.enter("client", 1, "recv", &[("size", 10.into())]),
            Some(fds) => {
                let args = [("nfds", 2.into()), ("fds", fds.into()), ("timeout", (-1).into())];
                script.enter("client", 0, "poll", &args)
            }
        };
        stop(&mut script);
        script
    };
    assert_eq!(kinds(&asks(5001, None)), [RuleKind::NobodyListens]);
    finds_nothing(&asks(5000, None));
    // It waits for a keyboard too, or for that alone.
    let also = asks(5001, Some("[0: POLLIN, 3: POLLIN]"));
    assert_eq!(kinds(&also), [RuleKind::NobodyListens]);
    finds_nothing(&asks(5001, Some("[0: POLLIN]")));
}

#[test]
fn a_datagram_to_nobody_and_a_limit_that_passed() {
    let asks = |waits: bool, elsewhere: bool| {
        let mut script = Script::new();
        script.process("client", 1).process("server", 2).udp("server", 2, 5000);
        script.socket("client", 1, "AF_INET", "SOCK_DGRAM").sends_to("client", 1, "hi", 5001);
        script.located("client", 1, here(40001));
        if waits {
            let recv = script.enter("client", 1, "recv", &[("size", 10.into())]);
            script.pass(1_000 * MS);
            script.leave("client", &recv, Outcome::Errno("EAGAIN".into()), &[]);
        }
        if elsewhere {
            script.sends_to("client", 1, "hi", 5000).receives("server", 2, 64, "hi");
        }
        script.json("client", json!({"event": "exited", "cpu_ns": 1, "status": {"code": 0}}));
        script
    };
    assert_eq!(kinds(&asks(true, false)), [RuleKind::NobodyListens]);
    // One's own socket is not where one wanted to go.
    let mut own = Script::new();
    own.process("game", 1).udp("game", 2, 5000).socket("game", 1, "AF_INET", "SOCK_DGRAM");
    own.sends_to("game", 1, "hi", 5001).located("game", 1, here(40001));
    let recv = own.enter("game", 1, "recv", &[("size", 10.into())]);
    own.pass(1_000 * MS).leave("game", &recv, Outcome::Errno("EAGAIN".into()), &[]);
    finds_nothing(&own);
    // It wanted no answer, or tried one after the other.
    finds_nothing(&asks(false, false));
    finds_nothing(&asks(true, true));
}

#[test]
fn a_datagram_to_nobody_and_an_end_with_an_error() {
    let asks = |port: u16, status| {
        let mut script = Script::new();
        script.process("client", 1).process("server", 2).udp("server", 2, 5000);
        script.socket("client", 1, "AF_INET", "SOCK_DGRAM").sends_to("client", 1, "hi", port);
        script.located("client", 1, here(40001));
        script.event("client", EventKind::Exited { cpu_ns: None, status: Some(status) });
        script
    };
    assert_eq!(kinds(&asks(5001, ExitStatus::Code(1))), [RuleKind::NobodyListens]);
    finds_nothing(&asks(5001, ExitStatus::Code(0)));
    finds_nothing(&asks(5000, ExitStatus::Code(1)));
}

#[test]
fn a_wildcard_of_ipv6_alone_is_not_there_for_ipv4() {
    let asks = |only: i64| {
        let mut script = Script::new();
        script.process("client", 1).process("server", 2);
        script.socket("server", 2, "AF_INET6", "SOCK_DGRAM");
        let option = [
            ("level", "IPPROTO_IPV6".into()),
            ("option", "IPV6_V6ONLY".into()),
            ("value", only.into()),
        ];
        script.call("server", 2, "set_only_v6", &option, 0);
        script.call("server", 2, "bind", &[("address", at("[::]:5000"))], 0);
        script.socket("client", 1, "AF_INET", "SOCK_DGRAM").sends_to("client", 1, "hi", 5000);
        script.located("client", 1, here(40001));
        script.enter("client", 1, "recv", &[("size", 10.into())]);
        stop(&mut script);
        script
    };
    let all = found(&asks(1));
    let [Rule::NobodyListens { nearby: Some(nearby), .. }] = &all[..] else { panic!("{all:?}") };
    assert_eq!(nearby.address.to_string(), "[::]:5000");
    finds_nothing(&asks(0));
}

#[test]
fn a_server_that_listens_later() {
    let mut script = Script::new();
    script.process("client", 1).process("server", 2);
    script.socket("client", 1, "AF_INET", "SOCK_STREAM");
    script.fails("client", 1, "connect", &[("address", here(5000))], "ECONNREFUSED");
    script.socket("server", 2, "AF_INET", "SOCK_STREAM");
    script.call("server", 2, "bind", &[("address", here(5000))], 0);
    script.call("server", 2, "listen", &[("backlog", 5.into())], 0);
    let all = found(&script);
    let [Rule::NobodyListens { nearby: Some(nearby), .. }] = &all[..] else { panic!("{all:?}") };
    assert!(nearby.later_ns > 0);
}

#[test]
fn a_close_that_does_not_wake_the_thread_that_is_blocked() {
    let closes = |shutdown: bool| {
        let mut script = pair();
        let recv = script.enter("client reads", 1, "recv", &[("size", 9.into())]);
        if shutdown {
            script.call("client", 1, "shutdown", &[("how", "SHUT_RDWR".into())], 0);
            script.leave("client reads", &recv, Outcome::Result(0), &[("data", data(""))]);
        }
        close(&mut script, "client", 1);
        script.pass(3_000 * MS).receives("server", 3, 9, "");
        script
    };
    let mut script = closes(false);
    for event in &mut script.events {
        event.process = if &*event.actor == "server" { 2 } else { 1 };
    }
    assert_eq!(kinds(&script), [RuleKind::ClosedWhileBlocked]);
    finds_nothing(&stepped(&script));
    let mut script = closes(true);
    for event in &mut script.events {
        event.process = if &*event.actor == "server" { 2 } else { 1 };
    }
    finds_nothing(&script);
}

#[test]
fn a_socket_connected_to_itself() {
    let connects = |own: u16| {
        let mut script = Script::new();
        script.socket("client", 1, "AF_INET", "SOCK_STREAM");
        script.call("client", 1, "connect", &[("address", here(40_000))], 0);
        script.located("client", 1, here(own));
        script
    };
    let Value::Address(address) = here(40_000) else { panic!("an address") };
    finds(&connects(40_000), Rule::SelfConnect { address });
    finds_nothing(&connects(40_001));
}

#[test]
fn an_address_that_is_to_be_reused_is_so_before_bind() {
    let binds = |late: bool| {
        let mut script = Script::new();
        let args = [
            ("level", Value::from("SOL_SOCKET")),
            ("option", "SO_REUSEADDR".into()),
            ("value", 1.into()),
        ];
        script.socket("server", 1, "AF_INET", "SOCK_STREAM");
        if !late {
            script.call("server", 1, "set_reuse_address", &args, 0);
        }
        script.call("server", 1, "bind", &[("address", here(5000))], 0);
        script.call("server", 1, "set_reuse_address", &args, 0);
        script
    };
    assert_eq!(kinds(&binds(true)), [RuleKind::ReuseAddressLate]);
    finds_nothing(&binds(false));
}

#[test]
fn a_connection_that_only_the_parent_has_open() {
    let serves = |parent_closes: bool| {
        let mut script = pair();
        script.process("child", 3);
        let close = |script: &mut Script, who: &str, still_open: i64| {
            let call = script.enter(who, 3, "close", &[]);
            let out = [("still_open", Value::Number(still_open))];
            script.leave(who, &call, Outcome::Result(0), &out);
        };
        script.sends("client", 1, "hello").receives("child", 3, 1024, "hello");
        script.sends("child", 3, "bye").receives("client", 1, 1024, "bye");
        if parent_closes {
            close(&mut script, "server", 1);
        }
        let end = script.enter("client", 1, "recv", &[("size", 1024.into())]);
        close(&mut script, "child", i64::from(!parent_closes));
        if parent_closes {
            script.leave("client", &end, Outcome::Result(0), &[("data", data(""))]);
        }
        script.enter("server", 2, "accept", &[]);
        stop(&mut script);
        script
    };
    assert_eq!(kinds(&serves(false)), [RuleKind::KeptOpen]);
    finds_nothing(&serves(true));
}

#[test]
fn bytes_that_an_edge_does_not_tell_of_again() {
    let waits = |events: &'static str, got: &str| {
        let mut script = pair();
        let args = [
            ("epfd", Value::from(9)),
            ("op", "EPOLL_CTL_ADD".into()),
            ("fd", 5.into()),
            ("events", events.into()),
        ];
        script.call("server", 0, "epoll_ctl", &args, 0);
        // The send returns last, for its thread had no processor.
        let send = script.enter("client", 1, "send", &[("data", data("hello world"))]);
        script.receives("server", 3, 5, got);
        let args = [("epfd", Value::from(9)), ("maxevents", 8.into()), ("timeout", (-1).into())];
        script.enter("server", 0, "epoll_wait", &args);
        script.leave("client", &send, Outcome::Result(11), &[]);
        script.enter("client", 1, "recv", &[("size", 1024.into())]);
        stop(&mut script);
        script
    };
    assert_eq!(kinds(&waits("EPOLLIN|EPOLLET", "hello")), [RuleKind::EdgeLeftUnread]);
    for (events, got) in [("EPOLLIN", "hello"), ("EPOLLIN|EPOLLET", "hello world")] {
        let found = kinds(&waits(events, got));
        assert!(!found.contains(&RuleKind::EdgeLeftUnread), "{events}: {found:?}");
    }
}

#[test]
fn an_answer_to_another_port_than_the_question_came_from() {
    let answers = |port: u16, waits: bool| {
        let mut script = Script::new();
        script.process("client", 1).process("server", 2).udp("server", 2, 5000);
        script.udp("client", 1, 5001).sends_to("client", 1, "hello", 5000);
        script.receives_from("server", 2, 64, "hello", 5001).sends_to("server", 2, "HI", port);
        if waits {
            script.enter("client", 1, "recv_from", &[("size", 64.into())]);
        }
        stop(&mut script);
        script
    };
    assert_eq!(kinds(&answers(5009, true)), [RuleKind::AnsweredElsewhere]);
    // By recv(), which does not tell who has sent it.
    let mut script = Script::new();
    script.process("client", 1).process("server", 2).udp("server", 2, 5000).udp("client", 1, 5001);
    script.sends_to("client", 1, "hello", 5000).receives("server", 2, 64, "hello");
    script.sends_to("server", 2, "HI", 5009);
    script.enter("client", 1, "recv_from", &[("size", 64.into())]);
    stop(&mut script);
    assert_eq!(kinds(&script), [RuleKind::AnsweredElsewhere]);
    finds_nothing(&answers(5009, false));
    finds_nothing(&answers(5001, false));
}

#[test]
fn a_connected_datagram_socket_that_nobody_hears() {
    let asks = |address: &str| {
        let mut script = Script::new();
        script.process("client", 1).process("server", 2).udp("server", 2, 5000);
        script.socket("client", 1, "AF_INET6", "SOCK_DGRAM");
        script.call("client", 1, "connect", &[("address", at(address))], 0);
        script.sends("client", 1, "hello");
        script.fails("client", 1, "recv", &[("size", 64.into())], "ECONNREFUSED");
        script
            .event("client", EventKind::Exited { cpu_ns: None, status: Some(ExitStatus::Code(1)) });
        script
    };
    assert_eq!(kinds(&asks("[::1]:5000")), [RuleKind::NobodyListens]);
}

#[test]
fn accept_without_listen_and_the_client_is_not_blamed() {
    let serves = |listens: bool| {
        let mut script = Script::new();
        script.process("client", 1).process("server", 2);
        script.socket("server", 2, "AF_INET", "SOCK_STREAM");
        script.call("server", 2, "bind", &[("address", here(5000))], 0);
        if listens {
            script.call("server", 2, "listen", &[("backlog", 5.into())], 0);
            // Another thread has shut it down.
            script.fails("server", 2, "accept", &[], "EINVAL");
        } else {
            script.fails("server", 2, "accept", &[], "EINVAL");
            script.socket("client", 1, "AF_INET", "SOCK_STREAM");
            script.fails("client", 1, "connect", &[("address", here(5000))], "ECONNREFUSED");
            let status = Some(ExitStatus::Code(1));
            script.event("client", EventKind::Exited { cpu_ns: None, status });
        }
        script
    };
    finds(&serves(false), Rule::NotListening);
    finds_nothing(&serves(true));
}

#[test]
fn a_receive_on_the_listening_socket_or_on_none_that_is_connected() {
    let function = || "recv".to_owned();
    let mut listener = pair();
    listener.sends("client", 1, "hello");
    listener.fails("server", 2, "recv", &[("size", 64.into())], "ENOTCONN");
    close(&mut listener, "server", 3);
    listener.fails("client", 1, "recv", &[("size", 64.into())], "ECONNRESET");
    finds(&listener, Rule::ListenerUsed { function: function() });
    for (binds, has_address) in [(true, true), (false, false)] {
        let mut alone = Script::new();
        alone.socket("server", 2, "AF_INET", "SOCK_STREAM");
        if binds {
            alone.call("server", 2, "bind", &[("address", here(5000))], 0);
        }
        alone.fails("server", 2, "recv", &[("size", 64.into())], "ENOTCONN");
        finds(&alone, Rule::NotConnected { function: function(), has_address });
    }
    // As Python's ssl does, to see what it was given.
    let mut asks = Script::new();
    asks.socket("server", 2, "AF_INET", "SOCK_STREAM");
    let args = [("command", "F_SETFL".into()), ("flags", "O_NONBLOCK".into())];
    asks.call("server", 2, "set_nonblocking", &args, 0);
    asks.fails("server", 2, "recv", &[("size", 1.into())], "ENOTCONN");
    finds_nothing(&asks);
    // The connect() that failed is the fault, and another rule tells of it.
    let mut refused = Script::new();
    refused.socket("client", 2, "AF_INET", "SOCK_STREAM");
    refused.fails("client", 2, "connect", &[("address", here(5000))], "ECONNREFUSED");
    refused.fails("client", 2, "recv", &[("size", 64.into())], "ENOTCONN");
    finds_nothing(&refused);
}

#[test]
fn a_send_without_a_connection_that_sigpipe_ends() {
    let mut script = Script::new();
    script.process("client", 1).socket("client", 1, "AF_INET", "SOCK_STREAM");
    script.fails("client", 1, "send", &[("data", data("x"))], "EPIPE");
    let status = Some(ExitStatus::Signal("SIGPIPE".into()));
    script.event("client", EventKind::Exited { cpu_ns: None, status });
    finds(&script, Rule::NotConnected { function: "send".to_owned(), has_address: false });
}

#[test]
fn a_socket_that_another_thread_has_closed() {
    let uses = |fd: i64, shuts_down: bool, closer: &str| {
        let mut script = pair();
        script.sends("client", 1, "hi").receives("server reads", 3, 64, "hi");
        if shuts_down {
            script.call("server", 3, "shutdown", &[("how", "SHUT_RDWR".into())], 0);
        }
        close(&mut script, closer, 3);
        script.fails("server reads", 0, "recv", &[("fd", fd.into()), ("size", 64.into())], "EBADF");
        for event in &mut script.events {
            event.process = if event.actor.starts_with("server") { 2 } else { 1 };
        }
        script
    };
    let rule = Rule::UsedAfterClose { function: "recv".to_owned() };
    finds(&uses(5, false, "server"), rule.clone());
    // As Python says it.
    finds(&uses(-1, false, "server"), rule);
    finds_nothing(&uses(-1, true, "server"));
    finds_nothing(&uses(5, false, "server reads"));
}

#[test]
fn programs_that_each_wait_for_a_datagram() {
    let waits = |asks: bool, answered: bool| {
        let mut script = Script::new();
        script.process("alice", 1).process("bob", 2);
        script.udp("alice", 1, 5000).udp("bob", 2, 5001);
        if asks {
            script.sends_to("bob", 2, "hello", 5000).receives_from("alice", 1, 64, "hello", 5001);
        }
        if answered {
            script.sends_to("alice", 1, "hi", 5001);
        }
        script.enter("alice", 1, "recv_from", &[("size", 64.into())]);
        script.enter("bob", 2, "recv_from", &[("size", 64.into())]);
        stop(&mut script);
        script
    };
    finds(&waits(false, false), Rule::NoDatagram { waiting: 2 });
    finds(&waits(true, false), Rule::NoDatagram { waiting: 2 });
    // It is on its way.
    finds_nothing(&waits(true, true));
    // A server has relayed what one said to another: both may wait for the next.
    let mut relay = Script::new();
    relay.process("server", 1).process("a", 2).process("b", 3);
    relay.udp("server", 1, 5000).udp("a", 2, 5001).udp("b", 3, 5002);
    relay.sends_to("a", 2, "join", 5000).receives_from("server", 1, 64, "join", 5001);
    relay.sends_to("b", 3, "hello", 5000).receives_from("server", 1, 64, "hello", 5002);
    relay.sends_to("server", 1, "hello", 5001).receives_from("a", 2, 64, "hello", 5000);
    close(&mut relay, "b", 3);
    relay.json("b", json!({"event": "exited", "cpu_ns": 1, "status": {"code": 0}}));
    for (who, socket) in [("server", 1), ("a", 2)] {
        relay.enter(who, socket, "recv_from", &[("size", 64.into())]);
    }
    stop(&mut relay);
    finds_nothing(&relay);
    // One server alone waits for whoever comes.
    let mut server = Script::new();
    server.process("server", 1).udp("server", 1, 5000);
    server.enter("server", 1, "recv_from", &[("size", 64.into())]);
    stop(&mut server);
    finds_nothing(&server);
}
