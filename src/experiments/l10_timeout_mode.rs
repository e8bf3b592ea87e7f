//! Lesson 10: timeout mode, and the three modes side by side.

use std::io;
use std::sync::Barrier;
use std::time::{Duration, Instant};

use socket2::SockAddr;

use super::kit::{connected, listening, mode_is};
use super::{Stepping, Why, experiment};
use crate::capture::{
    Actor, Interest, Kind, Lab, Measured, Parameter, Proof, Result, Sampler, Seen, Socket,
    TIMED_OUT, at_least, at_least_duration, before, eq, eq_duration, errno_here, failed_with,
    in_ticks, less, ne_between, waited_at_least,
};
use crate::i18n::Text;
use crate::trace::{Data, Feature, Label, Lack, Return, SyscallKind, Value, label};

const fn asked(name: &'static str, default: &'static str) -> Parameter {
    Parameter {
        name,
        default,
        kind: Kind::Span(1, 60_000),
        help: Text("one of the three timeouts that are asked for"),
    }
}

const fn span(name: &'static str, default: &'static str, help: Text) -> Parameter {
    Parameter { name, default, kind: Kind::Span(1, 60_000), help }
}

experiment!(
    asked_and_measured,
    parameters = &[
        asked("first", "50ms"),
        asked("second", "200ms"),
        asked("third", "1s"),
        Parameter {
            name: "times",
            default: "1",
            kind: Kind::Count(1, 1000),
            help: Text("how many times each is measured"),
        },
    ]
);
fn asked_and_measured(lab: &Lab) -> Result<()> {
    let (client, _silent_peer) = connection(lab, "client")?;
    let (mut keeping, mut lasting) = (vec![], vec![]);
    let mut gave_up = vec![];
    for name in ["first", "second", "third"] {
        let asked = lab.span(name)?;
        client.set_read_timeout(Some(asked))?;
        let kept = client.read_timeout()?.unwrap_or_default();
        keeping.push(at_least_duration(name, kept, "asked", asked));

        for _ in 0..lab.count("times")? {
            let answer = client.recv(&mut [0; 8]);
            let recv = lab.last_call("client", SyscallKind::Recv)?;
            gave_up.push(failed_with(name, &answer, TIMED_OUT));
            lasting.push(waited_at_least(name, recv.took_in_ticks(), asked));
            show_bars(lab, asked, kept, recv.took());
        }
    }
    lab.claim("each-gives-up", all(gave_up));
    lab.claim("never-sooner-than-asked", all(lasting));
    lab.claim("kept-in-ticks", all(keeping));
    Ok(())
}

/// What was asked for, what the kernel made of it, and what was measured: three bars.
fn show_bars(lab: &Lab, asked: Duration, kept: Duration, took: Duration) {
    for (label, value) in [("asked", asked), ("kept by the kernel", kept), ("measured", took)] {
        lab.measure(label!("timeout of {span}", span = format!("{asked:?}")), label, value);
    }
}

/// All of these hold.
fn all(proofs: Vec<Proof>) -> Proof {
    let number = at_least("comparisons", proofs.len(), 3);
    proofs.into_iter().reduce(Proof::and).unwrap_or(number)
}

experiment!(
    long_timeouts,
    stepping = Stepping::Whole(Why::Many),
    parameters = &[span("timeout", "2500ms", Text("how long each of the eight may wait"))]
);
fn long_timeouts(lab: &Lab) -> Result<()> {
    let timeout = lab.span("timeout")?;
    let (listener, address) = listening(lab, &lab.actor("peer"))?;
    let with_option = |me: Actor| -> Result<Waited<io::Result<usize>>> {
        let socket = connected(&me, &address)?;
        socket.set_read_timeout(Some(timeout))?;
        let began = Instant::now();
        let answer = socket.recv(&mut [0; 8]);
        Ok((began.elapsed(), answer))
    };
    let with_poll = |me: Actor| -> Result<Waited<usize>> {
        let socket = connected(&me, &address)?;
        let watched = [(&socket, Interest::Read)];
        let began = Instant::now();
        let ready = me.poll(&watched, Some(timeout))?;
        Ok((began.elapsed(), ready.count()))
    };
    let mut silent = vec![]; // the peer's ends stay open
    let waits = lab.scope(|stage| {
        let mut pairs = vec![];
        for _ in 0..4 {
            let option = stage.actor("option", with_option)?;
            let poll = stage.actor("poll", with_poll)?;
            silent.extend([listener.accept()?.0, listener.accept()?.0]);
            pairs.push((option, poll));
            lab.wait(APART, "the next two begin a little later");
        }
        let ends = pairs.into_iter();
        ends.map(|(one, other)| Ok((one.finish()?, other.finish()?))).collect::<Result<Vec<_>>>()
    })?;
    check_long(lab, timeout, &waits);
    Ok(())
}

/// How long a wait took, and what it brought.
type Waited<T> = (Duration, T);

/// How far apart the pairs begin. The granules of the kernel's timers (32, 64, 80, 256 ms) are no multiples of it, so the
/// four begin at different places in one.
const APART: Duration = Duration::from_millis(37);

fn check_long(lab: &Lab, timeout: Duration, waits: &[(Waited<io::Result<usize>>, Waited<usize>)]) {
    let late = |took: Duration| took.saturating_sub(timeout);
    let mut by_option: Vec<_> = waits.iter().map(|(option, _)| late(option.0)).collect();
    let mut by_poll: Vec<_> = waits.iter().map(|(_, poll)| late(poll.0)).collect();
    for (number, late) in (1..).zip(&by_option) {
        lab.measure("later than asked", label!("recv {number}", number), *late);
    }
    for (number, late) in (1..).zip(&by_poll) {
        lab.measure("later than asked", label!("poll {number}", number), *late);
    }
    let gave_up = waits.iter().map(|(option, poll)| {
        failed_with("recv", &option.1, TIMED_OUT).and(eq("poll's ready", poll.1, 0))
    });
    lab.claim("all-eight-give-up", all(gave_up.collect()));

    let latest = by_option.iter().copied().max().unwrap_or_default();
    let coarse = at_least_duration("latest recv", latest, "several ticks", COARSE);
    let (option, poll) = (median(&mut by_option), median(&mut by_poll));
    if poll >= COARSE {
        // Late for want of a processor, as the recv() calls may be.
        let late_ns = u64::try_from(poll.as_nanos()).unwrap_or(u64::MAX);
        return lab.not_checked("the-option-is-coarse", Lack::LatePoll { late_ns });
    }
    let finer = at_least_duration("recv's median", option, "poll's", poll);
    lab.claim("the-option-is-coarse", coarse.and(finer));
}

/// The middle one; of an even number the upper of the two in the middle.
fn median(spans: &mut [Duration]) -> Duration {
    spans.sort();
    spans.get(spans.len() / 2).copied().unwrap_or_default()
}

/// What the latest of four waits of 2.5 s is late by, or more, whatever a tick is long (1, 3.3, 4 or 10 ms).
const COARSE: Duration = Duration::from_millis(30);

experiment!(
    two_ways_to_wait,
    parameters = &[span("timeout", "100ms", Text("how long each may wait"),)]
);
fn two_ways_to_wait(lab: &Lab) -> Result<()> {
    let timeout = lab.span("timeout")?;
    let (listener, address) = listening(lab, &lab.actor("peer"))?;
    let mut buffer = [0; 1024];

    // The socket keeps the time.
    let option = connected(&lab.actor("option"), &address)?;
    let (peer, _) = listener.accept()?;
    option.set_read_timeout(Some(timeout))?;
    let first = option.recv(&mut buffer); // the peer is silent
    peer.send_all(b"at last")?;
    let first_got = option.recv(&mut buffer)?;

    // poll() keeps the time, and recv() never waits.
    let me = lab.actor("poll");
    let socket = connected(&me, &address)?;
    let (peer, _) = listener.accept()?;
    socket.set_nonblocking(true)?;
    let second = recv_within(&me, &socket, timeout, &mut buffer);
    peer.send_all(b"at last")?;
    let second_got = recv_within(&me, &socket, timeout, &mut buffer)?;

    both_gave_up(lab, (&first, &second), timeout)?;
    let bytes = eq("option's recv", first_got, 7);
    let same = eq("poll's recv", second_got, 7);
    lab.claim("both-take-the-bytes", bytes.and(same));
    what_differs(lab, &option, &socket)
}

/// What Python does for a socket with a timeout: wait in poll(), then call recv().
fn recv_within(
    me: &Actor,
    socket: &Socket,
    timeout: Duration,
    buffer: &mut [u8],
) -> io::Result<usize> {
    let ready = me.poll(&[(socket, Interest::Read)], Some(timeout))?;
    if ready.is_empty() {
        return Err(io::ErrorKind::TimedOut.into()); // Python: TimeoutError
    }
    socket.recv(buffer)
}

fn both_gave_up(
    lab: &Lab,
    (first, second): (&io::Result<usize>, &io::Result<usize>),
    timeout: Duration,
) -> Result<()> {
    let gave_up = failed_with("option's recv", first, TIMED_OUT);
    let said = second.as_ref().map_or_else(|error| error.kind().to_string(), |n| n.to_string());
    let poll = eq("poll's way", Label::from(said), label!("timed out"));
    let option = first_wait(lab, "option", SyscallKind::Recv)?;
    let waited = first_wait(lab, "poll", SyscallKind::Poll)?;
    lab.claim(
        "both-give-up",
        gave_up
            .and(waited_at_least("recv", in_ticks(&option, option.took()), timeout))
            .and(poll)
            .and(waited_at_least("poll", waited.took(), timeout)),
    );
    Ok(())
}

/// The first call of this function.
fn first_wait(lab: &Lab, actor: &str, kind: SyscallKind) -> Result<Return> {
    let last = lab.last_call(actor, kind)?.back;
    let mut calls = lab.calls(actor).into_iter().filter(|(_, back)| back.call.kind() == kind);
    Ok(calls.next().map_or(last, |(_, first)| first))
}

/// The system calls of the two, connecting left out; and the modes that the two sockets are in.
fn what_differs(lab: &Lab, option: &Socket, poll: &Socket) -> Result<()> {
    let made = |actor: &str| {
        let calls = lab.calls(actor).into_iter().map(|(_, back)| back.call.name.to_string());
        calls.skip_while(|name| name != "connect").skip(1).collect::<Vec<_>>().join(", ")
    };
    lab.claim(
        "different-calls",
        ne_between("option's calls", made("option"), "poll's calls", made("poll")),
    );
    let modes = || {
        let first = mode_is("option's O_NONBLOCK", option.nonblocking()?, false);
        Ok(first.and(mode_is("poll's O_NONBLOCK", poll.nonblocking()?, true)))
    };
    lab.claim_if_had("one-is-non-blocking", modes())
}

experiment!(
    timeout_of_zero,
    parameters = &[span("silence", "200ms", Text("how long the peer sends nothing"),)]
);
fn timeout_of_zero(lab: &Lab) -> Result<()> {
    let (silence, zero) = (lab.span("silence")?, Some(Duration::ZERO));
    let peer = lab.actor("peer");
    let (listener, address) = listening(lab, &peer)?;
    let (kept, found) = lab.scope(|stage| {
        let option = stage.actor("option", |me| {
            let socket = connected(&me, &address)?;
            socket.set_read_timeout(zero)?;
            let kept = socket.read_timeout()?;
            socket.recv(&mut [0; 1024])?;
            Ok(kept)
        })?;
        let (connection, _) = listener.accept()?;
        option.until_blocked_in(SyscallKind::Recv)?;
        let poll = stage.actor("poll", |me| {
            let socket = connected(&me, &address)?;
            Ok(me.poll(&[(&socket, Interest::Read)], zero)?.count())
        })?;
        let found = poll.finish()?;
        lab.wait(silence, "the peer is silent");
        connection.send_all(b"at last")?;
        Ok((option.finish()?, found))
    })?;

    let none = eq("the kernel keeps", shown(kept), shown(None));
    lab.claim("zero-is-none", none);
    let recv = lab.last_call("option", SyscallKind::Recv)?;
    let got = eq("option's recv", recv.back.outcome.to_string(), "7");
    let waited = waited_at_least("recv", recv.took(), silence);
    lab.claim("recv-with-zero-waits", got.and(waited));
    let poll = lab.last_call("poll", SyscallKind::Poll)?.returned_ns;
    let end = recv.returned_ns;
    let early = before("end of poll", poll, "end of recv", end);
    let nothing = eq("sockets ready", found, 0);
    lab.claim("poll-with-zero-does-not", nothing.and(early));
    Ok(())
}

/// A timeout in words.
fn shown(timeout: Option<Duration>) -> Value {
    timeout.map_or_else(|| label!("none").into(), |span| format!("{span:?}").into())
}

experiment!(
    default_timeout,
    parameters = &[span("timeout", "100ms", Text("the default that is set"),)]
);
fn default_timeout(lab: &Lab) -> Result<()> {
    let timeout = lab.span("timeout")?;
    let (listener, address) = listening(lab, &lab.actor("server"))?;
    let old = connected(&lab.actor("old"), &address)?;
    let _its_other_end = listener.accept()?;

    lab.set_default_timeout(Some(timeout)); // from here on
    let new = connected(&lab.actor("new"), &address)?;
    let (accepted, _) = listener.accept()?;
    let kept = eq("old has", shown(old.read_timeout()?), shown(None));
    lab.claim("existing-sockets-keep-theirs", kept);
    lab.claim("new-sockets-get-it", has("new", &new, timeout)?);
    let gets = has("accepted", &accepted, timeout)?;
    lab.claim("accepted-ones-too", gets);

    let answer = new.recv(&mut [0; 8]); // nobody speaks
    let took = lab.last_call("new", SyscallKind::Recv)?.took_in_ticks();
    let gave_up = failed_with("recv", &answer, TIMED_OUT);
    lab.claim("it-counts", gave_up.and(waited_at_least("recv", took, timeout)));
    Ok(())
}

/// It has this timeout, to receive and to send, as the kernel keeps it: rounded up.
fn has(what: &'static str, socket: &Socket, timeout: Duration) -> Result<Proof> {
    let (receive, send) =
        (socket.read_timeout()?.unwrap_or_default(), socket.write_timeout()?.unwrap_or_default());
    Ok(at_least_duration(what, receive, "the default", timeout).and(eq_duration(
        "to send",
        send,
        "to receive",
        receive,
    )))
}

experiment!(
    drip_feed,
    stepping = Stepping::Whole(Why::Race),
    parameters = &[
        span("pause", "100ms", Text("how long the peer waits before each byte"),),
        span(
            "timeout",
            "250ms",
            Text("the timeout of each recv(), and the deadline of the other client"),
        ),
    ]
);
fn drip_feed(lab: &Lab) -> Result<()> {
    let (pause, timeout) = (lab.span("pause")?, lab.span("timeout")?);
    let peer = lab.actor("peer");
    let (listener, address) = listening(lab, &peer)?;
    let (word, cut) = lab.scope(|stage| {
        let each_call = stage.actor("each call", |me| {
            let socket = connected(&me, &address)?;
            socket.set_read_timeout(Some(timeout))?;
            let word = read_word(&socket, || Ok(true));
            Ok((word, socket))
        })?;
        let (first, _) = listener.accept()?;
        each_call.until_blocked_in(SyscallKind::Recv)?;
        let deadline = stage.actor("deadline", |me| {
            let socket = connected(&me, &address)?;
            let began = Instant::now();
            let word = read_word(&socket, || {
                let left = timeout.saturating_sub(began.elapsed());
                let watched = [(&socket, Interest::Read)];
                let ready = me.poll(&watched, Some(left))?;
                Ok(!left.is_zero() && !ready.is_empty())
            });
            Ok((word, began.elapsed(), socket))
        })?;
        let (second, _) = listener.accept()?;
        deadline.until_blocked_in(SyscallKind::Poll)?;
        for byte in WORD {
            lab.wait(pause, "a pause");
            first.send_all(&[*byte])?;
            second.send_all(&[*byte])?;
        }
        Ok((each_call.finish()?, deadline.finish()?))
    })?;
    check_drip(lab, word.0, (cut.0, cut.1))
}

/// What drips.
const WORD: &[u8] = b"hello";

/// Receives until the word is whole, or the time is over; gives what it has. `go_on` is asked before each recv().
fn read_word(socket: &Socket, go_on: impl Fn() -> io::Result<bool>) -> io::Result<Vec<u8>> {
    let (mut word, mut buffer) = (Vec::new(), [0; 8]);
    while word.len() < WORD.len() && go_on()? {
        match socket.recv(&mut buffer)? {
            0 => break, // the peer will send no more
            n => word.extend_from_slice(&buffer[..n]),
        }
    }
    Ok(word)
}

fn check_drip(
    lab: &Lab,
    word: io::Result<Vec<u8>>,
    (cut, cut_took): (io::Result<Vec<u8>>, Duration),
) -> Result<()> {
    let (pause, timeout) = (lab.span("pause")?, lab.span("timeout")?);
    let recvs: Vec<_> = lab
        .calls("each call")
        .into_iter()
        .filter(|(_, back)| back.call.kind() == SyscallKind::Recv)
        .collect();
    let longest =
        recvs.iter().map(|(_, back)| Duration::from_nanos(back.took_ns)).max().unwrap_or_default();
    let all_of_it = pause * u32::try_from(WORD.len()).unwrap_or(u32::MAX);
    let why = if pause >= timeout || all_of_it <= timeout {
        Lack::TimeoutOutside {
            timeout_ns: ns(timeout),
            pause_ns: ns(pause),
            whole_ns: ns(all_of_it),
        }
    } else if word.is_err() && longest >= timeout && longest_gap(lab) >= timeout {
        Lack::Busy { gap_ns: ns(longest_gap(lab)) }
    } else {
        let (word, cut) = (word?, cut?);
        lab.claim("no-call-times-out", eq("each call got", Data::of(&word), Data::of(WORD)));
        let (began, ended) = match (recvs.first(), recvs.last()) {
            (Some((first, back)), Some((last, _))) => {
                (first.at_ns.saturating_sub(back.took_ns), last.at_ns)
            }
            _ => (0, 0),
        };
        lab.claim(
            "the-whole-takes-longer",
            at_least_duration(
                "the word",
                Duration::from_nanos(ended - began),
                "the timeout",
                timeout,
            ),
        );
        lab.claim(
            "a-deadline-holds",
            less("bytes by the deadline", cut.len(), "the word's", WORD.len())
                .and(waited_at_least("all calls", cut_took, timeout)),
        );
        return Ok(());
    };
    for claim in ["no-call-times-out", "the-whole-takes-longer", "a-deadline-holds"] {
        lab.not_checked(claim, why.clone());
    }
    Ok(())
}

fn ns(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

/// The longest time between two bytes that the peer sent to the first client, or before the first of them.
fn longest_gap(lab: &Lab) -> Duration {
    let began = lab
        .calls("each call")
        .iter()
        .find(|(_, back)| back.call.kind() == SyscallKind::Connect)
        .map_or(0, |(event, _)| event.at_ns);
    let sends = lab
        .calls("peer")
        .into_iter()
        .filter(|(_, back)| back.call.kind() == SyscallKind::Send)
        .map(|(event, _)| event.at_ns);
    let times: Vec<u64> = std::iter::once(began).chain(sends.step_by(2)).collect();
    let longest = times.windows(2).map(|pair| pair[1].saturating_sub(pair[0])).max().unwrap_or(0);
    Duration::from_nanos(longest)
}

experiment!(
    three_modes,
    parameters = &[
        span("silence", "600ms", Text("how long the peer sends nothing")),
        Parameter {
            name: "timeout",
            default: "250ms",
            kind: Kind::Span(0, 60_000),
            help: Text("SO_RCVTIMEO of the socket in timeout mode; try 0s as well"),
        },
    ]
);
fn three_modes(lab: &Lab) -> Result<()> {
    let (silence, timeout) = (lab.span("silence")?, lab.span("timeout")?);
    let peer = lab.actor("peer");
    let (listener, address) = listening(lab, &peer)?;
    let meet = (&address, Barrier::new(4)); // recv() all at once
    let recv = |me: &Actor, mode: Mode| one_recv(lab, me, &meet, mode);
    let born = |_: &Socket| Ok(());
    let never = |it: &Socket| it.set_nonblocking(true);
    let limit = |it: &Socket| it.set_read_timeout(Some(timeout));

    let sampler = lab.sampler(Sampler::PERIOD)?;
    let (cpu, ..) = lab.scope(|stage| {
        let blocking = stage.actor("blocking", |me| recv(&me, &born))?;
        let (first, _) = listener.accept()?;
        let other = stage.actor("non-blocking", |me| recv(&me, &never))?;
        let (second, _) = listener.accept()?;
        let timed = stage.actor("timeout", |me| recv(&me, &limit))?;
        let (third, _) = listener.accept()?;

        meet.1.wait();
        blocking.until_blocked_in(SyscallKind::Recv)?;
        lab.wait(silence, "the peer is silent");
        for connection in [first, second, third] {
            connection.send_all(b"at last")?;
        }
        Ok((blocking.finish()?, other.finish()?, timed.finish()?))
    })?;
    sampler.stop();
    check_modes(lab, silence, timeout, cpu)
}

/// What makes a socket's mode.
type Mode<'a> = &'a dyn Fn(&Socket) -> io::Result<()>;

/// Connects, sets the mode, and calls recv() once, when all are ready. Says how much processor time recv() used.
fn one_recv(
    lab: &Lab,
    me: &Actor,
    (to, start): &(&SockAddr, Barrier),
    mode: Mode,
) -> Result<Option<Duration>> {
    let socket = connected(me, to)?;
    mode(&socket)?;
    start.wait();
    let before = lab.cpu_time();
    let _ = socket.recv(&mut [0; 1024]); // it may fail: that is its mode
    Ok(lab.cpu_time().zip(before).map(|(after, before)| after.saturating_sub(before)))
}

fn check_modes(
    lab: &Lab,
    silence: Duration,
    timeout: Duration,
    cpu: Option<Duration>,
) -> Result<()> {
    let [blocking, non_blocking, timed] =
        ["blocking", "non-blocking", "timeout"].map(|name| lab.last_call(name, SyscallKind::Recv));
    let (blocking, non_blocking, timed) = (blocking?, non_blocking?, timed?);
    let said = |seen: &Seen| seen.back.outcome.to_string();

    let first =
        before("its end", non_blocking.returned_ns, "the end of blocking", blocking.returned_ns);
    lab.claim(
        "non-blocking-fails-at-once",
        eq("non-blocking", said(&non_blocking), errno_here("EAGAIN")).and(first),
    );
    let in_time = nearer_limit(&said(&timed), timed.took_in_ticks(), timeout, silence);
    lab.claim("timeout-fails-in-time", in_time);
    lab.claim(
        "blocking-waits-for-the-bytes",
        eq("blocking", said(&blocking), "7").and(waited_at_least("recv", blocking.took(), silence)),
    );
    match cpu {
        None => lab.not_checked("waiting-costs-nothing", Feature::ThreadTime.lack()),
        Some(_) if silence < CLEAR => {
            lab.not_checked(
                "waiting-costs-nothing",
                Lack::ShortSilence { silence_ns: ns(silence), least_ns: ns(CLEAR) },
            );
        }
        Some(cpu) => lab.claim(
            "waiting-costs-nothing",
            at_least_duration(
                "a tenth of its recv",
                blocking.took() / 10,
                "its processor time",
                cpu,
            ),
        ),
    }
    Ok(())
}

/// Two times that are so far apart are told apart on any machine.
const CLEAR: Duration = Duration::from_millis(100);

/// Whichever comes first ends recv() in timeout mode: the timeout (0 is none) or the bytes. Where the two are close together
/// either may be first.
fn nearer_limit(
    said: &str,
    took: impl Into<Measured>,
    timeout: Duration,
    silence: Duration,
) -> Proof {
    let gave_up = eq("timeout", said.to_owned(), errno_here(TIMED_OUT))
        .and(waited_at_least("recv", took, timeout));
    let got_them = eq("timeout", said.to_owned(), "7");
    let none = timeout.as_micros() == 0; // the option counts microseconds
    let bytes_are_sure = none || timeout >= silence * 2 + CLEAR;
    let timeout_is_sure = silence >= timeout * 2 + CLEAR;
    match said {
        _ if bytes_are_sure => got_them,
        "7" if !timeout_is_sure => got_them,
        _ => gave_up,
    }
}

/// A TCP connection over loopback: this actor's end, and its silent peer's.
fn connection(lab: &Lab, actor: &str) -> Result<(Socket, Socket)> {
    let (listener, address) = listening(lab, &lab.actor("peer"))?;
    let client = connected(&lab.actor(actor), &address)?;
    let (peer, _) = listener.accept()?;
    Ok((client, peer))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearer_limit_is_known_where_the_two_are_far_apart() {
        let ms = Duration::from_millis;
        let holds = |said: &'static str, took, timeout, silence| {
            let said = if said == "EAGAIN" { errno_here(TIMED_OUT) } else { said.into() };
            nearer_limit(&said, ms(took), ms(timeout), ms(silence)).holds()
        };
        assert!(
            holds("EAGAIN", 255, 250, 600)
                && !holds("EAGAIN", 249, 250, 600)
                && !holds("7", 600, 250, 600)
        );
        assert!(
            holds("7", 250, 600, 250) && !holds("EAGAIN", 600, 600, 250),
            "the bytes come first"
        );
        assert!(holds("7", 600, 0, 600) && !holds("EAGAIN", 0, 0, 600), "no timeout");
        assert!(
            holds("7", 600, 600, 600)
                && holds("EAGAIN", 600, 600, 600)
                && !holds("ECONNRESET", 600, 600, 600),
            "either"
        );
    }
}
