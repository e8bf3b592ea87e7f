//! Exercise 4: messages on a stream, and a question by UDP that may be lost.

use std::net::Shutdown;
use std::time::Duration;

use socket2::{Domain, SockAddr, Type};

use super::kit::{
    LOOK, answer, at_end, client, exit_value, has_printed, judge_role, receive_from, received,
    received_whole, require, require_answer, require_end, start_server, until_asleep,
};
use crate::capture::{
    Actor, Lab, PATIENCE, Program, Proof, Result, Socket, at_least_duration, eq, yes_or_no,
};
use crate::experiments::judge;
use crate::trace::recording::is_of;
use crate::trace::{Data, Event, EventKind, Syscall, label};

/// A length of two bytes that are not 0: whoever takes the first byte of it for all is wrong by more than chance can mend.
const TWO_BYTES_LONG: usize = 258;
/// So many bytes no single recv() of a usual size takes.
const LONG: usize = 100_000;

/// The greatest length of a message.
const MOST: u32 = 1_000_000;

/// So often the asker sends a question that nobody answers.
const TIMES: usize = 5;
/// So long it waits for an answer. Of two sends in a row the first may be recorded later than it was made.
const TO_ANSWER: Duration = Duration::from_millis(300);

judge!(messages_and_questions);
/// The learner's server with several clients, then the learner's asker.
fn messages_and_questions(lab: &Lab) -> Result<()> {
    let served = judge_role(lab, "server", &OF_THE_SERVER, serves);
    let asked = judge_role(lab, "asker", &OF_THE_ASKER, asks);
    served.and(asked)
}

const OF_THE_SERVER: [&str; 12] = [
    "listens-at-the-port",
    "answers-a-message",
    "answers-an-empty-message",
    "ends-when-the-client-does",
    "takes-a-message-in-pieces",
    "takes-a-length-in-pieces",
    "takes-messages-together",
    "takes-a-long-message",
    "waits-for-the-longest-message",
    "drops-a-message-that-is-cut",
    "refuses-a-lying-length",
    "serves-the-next",
];

const OF_THE_ASKER: [&str; 7] = [
    "asks-with-a-number",
    "asks-again",
    "ignores-late-answers",
    "ignores-strangers",
    "gives-up",
    "waits-before-it-asks-again",
    "prints-the-answers",
];

/// Clients send messages to the learner's server, each in another way.
fn serves(lab: &Lab) -> Result<()> {
    let (server, at) = start_server(lab, "listens-at-the-port")?;

    lab.part("a message");
    let alice = client(lab, "alice", &at)?;
    alice.send_all(&message(b"hello"))?;
    let olleh = message(b"olleh");
    require_answer(lab, &server, "answers-a-message", "alice", &alice, &olleh)?;

    lab.part("an empty message");
    let empty = message(b"");
    alice.send_all(&empty)?;
    require_answer(lab, &server, "answers-an-empty-message", "alice", &alice, &empty)?;

    lab.part("the end");
    alice.shutdown(Shutdown::Write)?;
    require_end(lab, &server, "ends-when-the-client-does", "alice", &alice)?;
    drop(alice);

    lab.part("a message in two pieces");
    let carol = client(lab, "carol", &at)?;
    let whole = message(b"hello");
    let (one, two) = whole.split_at(6);
    carol.send_all(one)?;
    until_asleep(&server);
    carol.send_all(two)?;
    require_answer(lab, &server, "takes-a-message-in-pieces", "carol", &carol, &olleh)?;
    drop(carol);

    lab.part("a length byte by byte");
    let dora = client(lab, "dora", &at)?;
    let text: Vec<u8> = (b'a'..=b'z').cycle().take(TWO_BYTES_LONG).collect();
    let whole = message(&text);
    let (length, rest) = whole.split_at(4);
    for byte in length.chunks(1) {
        dora.send_all(byte)?;
        until_asleep(&server);
    }
    dora.send_all(rest)?;
    let back = message(&text.into_iter().rev().collect::<Vec<u8>>());
    require_answer(lab, &server, "takes-a-length-in-pieces", "dora", &dora, &back)?;
    drop(dora);

    lab.part("messages that come together");
    let erin = client(lab, "erin", &at)?;
    let [one, two, three] = [&b"one"[..], b"two", b"three"].map(message);
    let in_the_second = one.len() + 5;
    let together = [one, two, three].concat();
    let (first, rest) = together.split_at(in_the_second);
    erin.send_all(first)?;
    until_asleep(&server);
    erin.send_all(rest)?;
    let answers = [&b"eno"[..], b"owt", b"eerht"].map(message).concat();
    require_answer(lab, &server, "takes-messages-together", "erin", &erin, &answers)?;
    drop(erin);

    serves_after(lab, &server, &at)
}

/// A long message, one that is cut off, and a length that is a lie.
fn serves_after(lab: &Lab, server: &Program, at: &SockAddr) -> Result<()> {
    lab.part("100,000 bytes");
    let frank = client(lab, "frank", at)?;
    let long: Vec<u8> = (0..LONG).map(|at| b'a' + (at % 26) as u8).collect();
    let _ = frank.send_all(&message(&long)); // what does not come back tells of a failure
    let wanted = message(&long.into_iter().rev().collect::<Vec<u8>>());
    let back = answer(server, &frank, wanted.len());
    require(lab, "takes-a-long-message", received_whole("frank", &back, &wanted))?;
    drop(frank);

    lab.part("the greatest length");
    let heidi = client(lab, "heidi", at)?;
    heidi.send_all(&MOST.to_be_bytes())?;
    until_asleep(server);
    let explanation = label!(
        "heidi announced {most} bytes, which is allowed; the server did not wait for them",
        most = MOST
    );
    let waits = yes_or_no("heidi's connection has ended", at_end(&heidi, Duration::ZERO), false);
    require(lab, "waits-for-the-longest-message", waits.explained(explanation))?;
    drop(heidi);

    lab.part("a message that is cut off");
    let grace = client(lab, "grace", at)?;
    grace.send_all(&[0, 0, 0, 10])?;
    grace.send_all(b"half")?;
    grace.shutdown(Shutdown::Write)?;
    require_end(lab, server, "drops-a-message-that-is-cut", "grace", &grace)?;
    drop(grace);

    lab.part("a length that is a lie");
    for length in [u32::MAX, MOST + 1] {
        let mallory = client(lab, "mallory", at)?;
        mallory.send_all(&length.to_be_bytes())?;
        require_end(lab, server, "refuses-a-lying-length", "mallory", &mallory)?;
    }

    lab.part("the next client");
    let bob = client(lab, "bob", at)?;
    bob.send_all(&message(b"next"))?;
    let answer = message(b"txen");
    require_answer(lab, server, "serves-the-next", "bob", &bob, &answer)
}

/// A message as it stands on the stream.
fn message(bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    [&length.to_be_bytes(), bytes].concat()
}

/// The learner's asker asks our server five questions, each of which meets another fate.
fn asks(lab: &Lab) -> Result<()> {
    lab.part("a question");
    let us = datagram_socket(lab, &lab.actor("our server"))?;
    let stranger = datagram_socket(lab, &lab.actor("a stranger"))?;
    let port = us.local_addr()?.as_socket().map_or(0, |at| at.port());
    let mut asker = lab.program("asker", &[port.to_string()])?;
    asker.type_line("alpha\nbeta\ngamma ray\ndelta\nepsilon\n");
    asker.end_input();
    let next = |before: &[u8]| next_question(lab, &asker, &us, before);
    let comes = |question: &[u8], wanted: &[u8]| received("our server", question, wanted);

    let (question, from) = next(b"");
    require(lab, "asks-with-a-number", comes(&question, b"1 alpha"))?;
    us.send_to(b"1 ahpla", &from)?;

    lab.part("a question that is lost");
    let (question, _) = next(b"1 alpha");
    require(lab, "asks-with-a-number", comes(&question, b"2 beta"))?;
    let (question, from) = next(b"1 alpha");
    require(lab, "asks-again", comes(&question, b"2 beta"))?;
    us.send_to(b"2 ateb", &from)?;

    lab.part("an answer that comes late");
    let (question, from) = next(b"2 beta");
    require(lab, "asks-with-a-number", comes(&question, b"3 gamma ray"))?;
    us.send_to(b"2 ateb", &from)?;
    let (question, _) = next(b"2 beta");
    require(lab, "ignores-late-answers", comes(&question, b"3 gamma ray"))?;
    us.send_to(b"3 yar ammag", &from)?;

    lab.part("an answer from another address");
    let (question, from) = next(b"3 gamma ray");
    require(lab, "asks-with-a-number", comes(&question, b"4 delta"))?;
    stranger.send_to(b"4 wrong", &from)?;
    let (question, _) = next(b"3 gamma ray");
    require(lab, "ignores-strangers", comes(&question, b"4 delta"))?;
    us.send_to(b"4 atled", &from)?;

    lab.part("no answer");
    let (mut question, _) = next(b"4 delta");
    let mut times = 0;
    while question == b"5 epsilon" && times <= TIMES {
        times += 1;
        (question, _) = next(b"4 delta");
    }
    let exit = if times > TIMES { None } else { asker.until_ended(PATIENCE) };
    let explanation =
        label!("asker should have sent `5 epsilon` {all} times; {times} came", all = TIMES, times);
    let given_up = eq("times that our server received `5 epsilon`", times, TIMES);
    let how = exit_value(exit.as_ref());
    let explanation_of_exit = label!(
        "nobody answered, so asker should have exited with 1; instead: {how}",
        how = how.clone()
    );
    let exited = eq("exit status of asker", how, 1_i64).explained(explanation_of_exit);
    require(lab, "gives-up", given_up.explained(explanation).and(exited))?;
    match asker.untraced() {
        Some(why) => lab.not_checked("waits-before-it-asks-again", why.clone()),
        None => lab.claim("waits-before-it-asks-again", waits(lab)),
    }
    let printed = Data::of(&asker.finish());
    lab.claim(
        "prints-the-answers",
        has_printed("asker", printed, b"ahpla\nateb\nyar ammag\natled\n"),
    );
    Ok(())
}

/// The asker has waited before it sent a question again, and after the last. A single wait may be recorded as a shorter one: half of it counts.
/// All five of the last question together may not.
fn waits(lab: &Lab) -> Proof {
    let sends = lab.recorder().look(|events| sends_of(events, "asker"));
    let ended_ns = lab.recorder().look(|events| end_of(events, "asker"));
    let span = |from: u64, to: u64| Duration::from_nanos(to.saturating_sub(from));
    let again = sends.windows(2).filter(|pair| pair[0].0 == pair[1].0);
    let shortest = again.map(|pair| span(pair[0].1, pair[1].1)).min().unwrap_or(TO_ANSWER);
    let last = sends.iter().filter(|(question, _)| question.starts_with(b"5 "));
    let first_ns = last.map(|(_, at_ns)| *at_ns).min();
    let all = first_ns.zip(ended_ns).map_or(Duration::ZERO, |(from, to)| span(from, to));
    let times = u32::try_from(TIMES).unwrap_or(u32::MAX);
    let explanation = label!(
        "asker should have waited 300 ms for each answer; once it waited only {waited} ms",
        waited = milliseconds(shortest)
    );
    let each =
        at_least_duration("shortest wait", shortest, label!("half of 300 ms"), TO_ANSWER / 2)
            .explained(explanation);
    let explanation = label!(
        "asker should have waited 5 times 300 ms for the last answer; it waited {waited} ms in all",
        waited = milliseconds(all)
    );
    let limit = label!("nine tenths of 5 times 300 ms");
    each.and(
        at_least_duration("all waits for the last answer", all, limit, TO_ANSWER * times * 9 / 10)
            .explained(explanation),
    )
}

fn milliseconds(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

/// The datagrams that this program has sent, and when.
fn sends_of(events: &[Event], role: &str) -> Vec<(Vec<u8>, u64)> {
    let its = events.iter().filter(|event| is_of(&event.actor, role));
    its.filter_map(|event| match &event.what {
        EventKind::Enter(call) => match &call.syscall {
            Syscall::Send { data, .. } if call.socket.is_some() => {
                Some((data.kept.clone(), event.at_ns))
            }
            _ => None,
        },
        _ => None,
    })
    .collect()
}

/// When this program ended.
fn end_of(events: &[Event], role: &str) -> Option<u64> {
    let its = events.iter().filter(|event| is_of(&event.actor, role));
    its.filter(|event| matches!(event.what, EventKind::Exited { .. }))
        .map(|event| event.at_ns)
        .max()
}

fn datagram_socket(lab: &Lab, actor: &Actor) -> Result<Socket> {
    let socket = actor.socket(Domain::IPV4, Type::DGRAM, None)?;
    socket.set_read_timeout(Some(LOOK))?;
    socket.bind(&lab.here(0))?;
    Ok(socket)
}

/// The next datagram, and where it came from: no bytes if none comes. The question before may come again, for its answer may
/// have been late.
fn next_question(lab: &Lab, asker: &Program, us: &Socket, before: &[u8]) -> (Vec<u8>, SockAddr) {
    let mut question = (Vec::new(), lab.here(0));
    for _ in 0..=TIMES {
        let mut buffer = [0; 1024];
        let Ok((got, from)) = receive_from(asker, us, &mut buffer) else { break };
        question = (buffer[..got].to_vec(), from);
        if question.0 != before {
            break;
        }
    }
    question
}
