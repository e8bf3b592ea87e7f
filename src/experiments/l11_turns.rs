//! Lesson 11: a chat with one thread per side. It runs the chat's own code, `src/chat/turns.rs`, between two puppets.

use std::time::Duration;

use socket2::{Domain, Type};

use super::kit::{connection, count_calls};
use super::{Need, experiment};
use crate::capture::{
    self, ActorThread, Error, Kind, Lab, Parameter, Result, Sampler, Seen, Stage,
};
use crate::capture::{at_least, at_least_duration, before, eq, waited_at_least};
use crate::chat::connect::connect;
use crate::chat::message_decoder::MessageDecoder;
use crate::chat::puppet::{PuppetPeer, connect_to, puppets, until_last_event};
use crate::chat::screen::Plain;
use crate::chat::{Address, Side, turns};
use crate::i18n::Text;
use crate::trace::{EventKind, Failure, Label, Lack, Name, Outcome, Sample, SyscallKind, label};

const SILENCE: Parameter = Parameter {
    name: "silence",
    default: "200ms",
    kind: Kind::Span(1, 60_000),
    help: Text("how long nothing is typed any more"),
};

const TYPING: Parameter = Parameter {
    name: "typing",
    default: "60ms",
    kind: Kind::Span(1, 60_000),
    help: Text("how long each user takes to type a line"),
};

experiment!(by_turns, parameters = &[TYPING]);
fn by_turns(lab: &Lab) -> Result<()> {
    let (client, server) = puppets(lab)?;
    let typing = lab.span("typing")?;
    lab.sample_while(Sampler::PERIOD, || {
        lab.scope(|stage| {
            let hers = talks(stage, "client", &client, Side::Client)?;
            let his = talks(stage, "server", &server, Side::Server)?;
            his.until_blocked_in(SyscallKind::Recv)?; // it is her turn
            lab.wait(typing, "the client's user types");
            client.type_lines("你好\n")?;
            hers.until_blocked_in(SyscallKind::Recv)?; // it is his turn
            lab.wait(typing, "the server's user types");
            server.type_lines("你也好啊\n")?;
            his.until_blocked_in(SyscallKind::Recv)?;
            client.press_ctrl_d()?;
            server.press_ctrl_d()?;
            hers.finish()?;
            his.finish()
        })
    })?;

    let his = eq("server's screen", server.screen(), "Jack: 你好");
    let hers = eq("client's", client.screen(), "Jack: 你也好啊");
    lab.claim("words-arrive", his.and(hers));
    check_order(lab, typing)
}

/// The client spoke first, each side was in recv() while the other one's user typed, and only the lines were sent.
fn check_order(lab: &Lab, typing: Duration) -> Result<()> {
    let hello = call(lab, "client", SyscallKind::Send, 0)?.entered_ns;
    let answer = call(lab, "server", SyscallKind::Send, 0)?.entered_ns;
    let order = before("client's send", hello, "server's", answer);
    lab.claim("client-speaks-first", order);
    let recv = call(lab, "server", SyscallKind::Recv, 0)?;
    let first = before("recv begins", recv.entered_ns, "send", hello);
    let long = waited_at_least("server's recv", recv.took(), typing);
    let recv = call(lab, "client", SyscallKind::Recv, 0)?;
    let hers = waited_at_least("client's recv", recv.took(), typing);
    lab.claim("one-types-one-waits", first.and(long).and(hers));
    let hers = eq("client's bytes", bytes_sent(lab, "client"), "你好\n".len());
    let his = eq("server's", bytes_sent(lab, "server"), "你也好啊\n".len());
    lab.claim("only-the-lines-are-sent", hers.and(his));
    Ok(())
}

/// Lets this side talk by turns, with the chat's own code, on a thread of its own.
fn talks<'scope>(
    stage: &Stage<'scope, '_>,
    name: &'static str,
    puppet: &'scope PuppetPeer,
    side: Side,
) -> Result<ActorThread<'scope, ()>> {
    stage.actor(name, move |me| turns::talk(side, puppet.connect(&me)?).map(drop))
}

/// The call of this function that an actor made, counted from 0.
fn call(lab: &Lab, actor: &str, kind: SyscallKind, which: usize) -> Result<Seen> {
    let calls = lab.calls(actor).into_iter().filter(|(_, back)| back.call.kind() == kind);
    let (event, back) = calls.into_iter().nth(which).ok_or_else(|| {
        let (actor, function) = (Name::from(actor), kind.to_string().into());
        Error::from(Failure::TooFewCalls { actor, function, least: which as u64 + 1 })
    })?;
    Ok(Seen {
        entered_ns: event.at_ns - back.took_ns.min(event.at_ns),
        returned_ns: event.at_ns,
        back,
    })
}

fn sends(lab: &Lab, actor: &str) -> usize {
    count_calls(lab, actor, SyscallKind::Send)
}

fn bytes_sent(lab: &Lab, actor: &str) -> usize {
    let sent = lab.calls(actor).into_iter().filter_map(|(_, back)| match back.outcome {
        Outcome::Result(bytes) if back.call.kind() == SyscallKind::Send => Some(bytes),
        _ => None,
    });
    sent.sum::<i64>().try_into().unwrap_or(usize::MAX)
}

experiment!(out_of_turn, parameters = &[SILENCE]);
fn out_of_turn(lab: &Lab) -> Result<()> {
    let (client, server) = puppets(lab)?;
    let silence = lab.span("silence")?;
    let sent = lab.sample_while(Sampler::PERIOD, || {
        lab.scope(|stage| {
            let hers = talks(stage, "client", &client, Side::Client)?;
            let his = talks(stage, "server", &server, Side::Server)?;
            client.type_lines("你好\n")?;
            hers.until_blocked_in(SyscallKind::Recv)?; // it is his turn,
            client.type_lines("在吗？\n")?; // and she types all the same
            lab.wait(silence, "the server types nothing");
            let sent = sends(lab, "client");
            server.type_lines("你也好啊\n")?;
            server.until_shown(2);
            client.press_ctrl_d()?;
            server.press_ctrl_d()?;
            hers.finish()?;
            his.finish()?;
            Ok(sent)
        })
    })?;

    let once = eq("client's sends by then", sent, 1);
    lab.claim("typed-but-not-sent", once);
    let recv = call(lab, "client", SyscallKind::Recv, 0)?;
    let long = waited_at_least("client's recv", recv.took(), silence);
    lab.claim("blocked-meanwhile", long);
    let answer = call(lab, "server", SyscallKind::Send, 0)?.entered_ns;
    let second = call(lab, "client", SyscallKind::Send, 1)?.entered_ns;
    let order = before("server's send", answer, "client's second", second);
    lab.claim("sent-after-the-answer", order);
    Ok(())
}

experiment!(both_waiting, needs = &[Need::Proc], parameters = &[SILENCE]);
fn both_waiting(lab: &Lab) -> Result<()> {
    let (client, server) = puppets(lab)?;
    let silence = lab.span("silence")?;
    let seen = lab.scope(|stage| {
        // The mistake: both believe that the other side begins.
        let hers = talks(stage, "client", &client, Side::Server)?;
        let his = talks(stage, "server", &server, Side::Server)?;
        let seen = both_type(lab, (&client, &hers), (&server, &his), silence);
        client.stop(); // also after an error, or they would wait forever
        server.stop();
        client.socket()?.shutdown(std::net::Shutdown::Both)?; // from outside
        hers.finish()?;
        his.finish()?;
        seen
    })?;

    let hers = eq("client's sends", sends(lab, "client"), 0);
    let his = eq("server's", sends(lab, "server"), 0);
    lab.claim("nobody-speaks", hers.and(his));
    check_end(lab, silence)?;
    check_sleep(lab, seen);
    Ok(())
}

/// Both were in recv() for as long as the lab watched, and it returned 0 when the connection was shut down.
fn check_end(lab: &Lab, silence: Duration) -> Result<()> {
    let (hers, his) =
        (lab.last_call("client", SyscallKind::Recv)?, lab.last_call("server", SyscallKind::Recv)?);
    let long = waited_at_least("client's recv", hers.took(), silence).and(waited_at_least(
        "server's",
        his.took(),
        silence,
    ));
    let ends = eq("client's gave", hers.back.outcome.to_string(), "0").and(eq(
        "server's",
        his.back.outcome.to_string(),
        "0",
    ));
    lab.claim("only-the-end-wakes-them", long.and(ends));
    Ok(())
}

/// A puppet, and the thread that talks for it.
type Talking<'a> = (&'a PuppetPeer, &'a ActorThread<'a, ()>);

/// Both sides wait in recv() while their users type. Returns what the kernel reports of both threads.
fn both_type(
    lab: &Lab,
    (client, hers): Talking<'_>,
    (server, his): Talking<'_>,
    silence: Duration,
) -> Result<[Option<Sample>; 2]> {
    hers.until_blocked_in(SyscallKind::Recv)?;
    his.until_blocked_in(SyscallKind::Recv)?;
    client.type_lines("喂？\n")?;
    client.press_ctrl_d()?; // all of it typed, none of it read
    server.type_lines("喂？\n")?;
    server.press_ctrl_d()?;
    lab.wait(silence, "nothing happens");
    Ok([hers.observe(), his.observe()])
}

/// What the kernel reported of both threads: that they sleep, and in which call.
fn check_sleep(lab: &Lab, seen: [Option<Sample>; 2]) {
    let said =
        |sample: Option<Sample>| sample.and_then(|sample| Some((sample.state?, sample.syscall?)));
    let [Some(hers), Some(his)] = seen.map(said) else {
        lab.not_checked("both-asleep-in-recvfrom", Lack::ThreadStates);
        return;
    };
    let hers = eq("client's state", hers.0, 'S').and(eq("its system call", hers.1, "recvfrom"));
    let his = eq("server's state", his.0, 'S').and(eq("its system call", his.1, "recvfrom"));
    lab.claim("both-asleep-in-recvfrom", hers.and(his));
}

experiment!(cut_character);
fn cut_character(lab: &Lab) -> Result<()> {
    let (client, server) = connection(lab)?;
    client.send_all("你好\n".as_bytes())?; // 3 + 3 + 1 bytes
    client.close()?;

    let mut buffer = [0; 4]; // small, so that it cuts a character
    let (mut lengths, mut cuts) = (Vec::new(), 0);
    let mut pieces = String::new(); // decoded piece by piece
    let mut stream = String::new(); // decoded by the chat's own code
    let mut decoder = MessageDecoder::new("", false);
    loop {
        let n = server.recv(&mut buffer)?;
        if n == 0 {
            break; // the client will send no more
        }
        let piece = &buffer[..n];
        lengths.push(n);
        cuts += usize::from(std::str::from_utf8(piece).is_err());
        pieces += &String::from_utf8_lossy(piece); // U+FFFD if broken
        decoder.push(piece, &mut stream);
    }
    decoder.finish(&mut stream);

    let bytes = lengths.iter().sum::<usize>();
    lab.claim("all-bytes-came", eq("bytes received", bytes, 7));
    let cut = at_least("pieces that are not UTF-8", cuts, 2);
    lab.claim("cut-inside-a-character", cut);
    let broken = pieces.matches('\u{fffd}').count();
    let broken = at_least("U+FFFD", broken, 1);
    let first: String = pieces.chars().take(1).collect();
    let first = eq("first character", first, "你");
    lab.claim("broken-piece-by-piece", broken.and(first));
    let text = stream.trim_end().to_owned();
    lab.claim("whole-as-a-stream", eq("text", text, "你好"));
    let kilobyte = first_kilobyte(lab)?;
    let whole = kilobyte.utf8_chunks().next().map_or("", |chunk| chunk.valid());
    let (count, rest) = (whole.chars().count(), kilobyte.len() - whole.len());
    let cut = eq("whole characters", count, 341).and(eq("bytes of the next", rest, 1));
    lab.claim("the-notes-buffer-cuts-too", cut);
    Ok(())
}

/// What one recv() with the notes' buffer gives of a long line.
fn first_kilobyte(lab: &Lab) -> Result<Vec<u8>> {
    let (client, server) = connection(lab)?;
    let line = "好".repeat(400) + "\n"; // 1201 bytes
    client.send_all(line.as_bytes())?;
    // Wait until 1024 are there. This only looks: it takes nothing.
    server.peek_all(&mut [0; 1024])?;
    let mut buffer = [0; 1024];
    let n = server.recv(&mut buffer)?;
    Ok(buffer[..n].to_vec())
}

experiment!(run_together);
fn run_together(lab: &Lab) -> Result<()> {
    let (client, server) = connection(lab)?;
    let mut buffer = [0; 1024];
    let mut pieces = Vec::new(); // the mistake: one recv(), one message
    let mut messages = String::new(); // the chat's own code
    let mut decoder = MessageDecoder::new("Jack: ", false);
    let mut receive = || -> Result<usize> {
        let n = server.recv(&mut buffer)?;
        let piece = String::from_utf8_lossy(&buffer[..n]);
        pieces.push(format!("Jack: {piece}"));
        decoder.push(&buffer[..n], &mut messages);
        Ok(n)
    };

    client.send_all("你好\n".as_bytes())?; // 7 bytes
    client.send_all("在吗？\n".as_bytes())?; // 10 bytes
    // Wait until all 17 are there. This only looks: it takes nothing.
    server.peek_all(&mut [0; 17])?;
    let both = receive()?;

    client.send_all("吃了".as_bytes())?;
    let half = receive()?;
    client.send_all("吗？\n".as_bytes())?;
    let rest = receive()?;

    let both = eq("bytes of the first recv", both, 17);
    lab.claim("two-sends-one-recv", both);
    let halves = eq("bytes of the second", half, 6);
    let halves = halves.and(eq("of the third", rest, 7));
    lab.claim("one-line-two-recvs", halves);
    let shown = pieces.join(" | ").replace('\n', "\\n");
    let cut = "Jack: 你好\\n在吗？\\n | Jack: 吃了 | Jack: 吗？\\n";
    lab.claim("cut-where-recv-cuts", eq("shown", shown, cut));
    let shown = messages.trim_end().replace('\n', " | ");
    let whole = "Jack: 你好 | Jack: 在吗？ | Jack: 吃了吗？";
    lab.claim("newlines-make-messages", eq("shown", shown, whole));
    Ok(())
}

experiment!(
    nobody_answers,
    parameters = &[Parameter {
        name: "timeout",
        default: "200ms",
        kind: Kind::Span(20, 800), // the kernel sends the SYN again after a second
        help: Text("the chat's time limit for each connect()"),
    }]
);
fn nobody_answers(lab: &Lab) -> Result<()> {
    let (server, limit) = (lab.actor("server"), lab.span("timeout")?);
    let listener = server.socket(Domain::IPV4, Type::STREAM, None)?;
    listener.bind(&lab.here(0))?;
    listener.listen(0)?; // on Linux room for one,
    let address = listener.local_addr()?;
    let call = |me| connect_to(&me, &address);
    let _early = lab.scope(|stage| {
        stage.actor("early", call)?.finish() // and it takes that
    })?;

    let met = lab.sample_while(Sampler::PERIOD, || {
        lab.scope(|stage| {
            // A client that just calls connect().
            let plain = stage.actor("plain", call)?;
            plain.until_blocked_in(SyscallKind::Connect)?;
            // The chat's own, as with --timeout 200ms --retries 20.
            let ours = stage.actor("client", |me| {
                let to = capture::address(&address).to_string();
                let to = Address::Inet(to);
                let met = connect(lab, &me, &to, limit, 20, &Plain);
                Ok(met.map(drop))
            })?;
            let pauses = |what: &EventKind| matches!(what, EventKind::Wait { .. });
            until_last_event(lab, "client", pauses);
            for _ in ["early", "client", "plain"] {
                listener.accept()?; // makes room
            }
            plain.finish()?;
            ours.finish()
        })
    })?;

    let how = match met {
        Ok(()) => "connected".to_owned(),
        Err(error) => error.to_string(),
    };
    check_calls(lab, limit, how)
}

/// The chat gave up at its limit and connected again; plain's connect() went on waiting.
fn check_calls(lab: &Lab, limit: Duration, how: String) -> Result<()> {
    let (poll, plain) =
        (call(lab, "client", SyscallKind::Poll, 0)?, call(lab, "plain", SyscallKind::Connect, 0)?);
    let waited = waited_at_least("plain connect", plain.took(), limit);
    let still =
        before("ours gave up", poll.returned_ns, "plain connect returned", plain.returned_ns);
    lab.claim("plain-connect-waits-on", waited.and(still));
    let nobody = eq("poll: sockets ready", poll.back.outcome.to_string(), "0");
    lab.claim(
        "ours-gives-up-in-time",
        nobody.and(at_least_duration("ours gave up after", poll.took(), "the limit", limit)),
    );
    let again = at_least("calls of connect", count_calls(lab, "client", SyscallKind::Connect), 2);
    lab.claim(
        "then-it-calls-again",
        again.and(eq("in the end it was", Label::from(how), label!("connected"))),
    );
    Ok(())
}
