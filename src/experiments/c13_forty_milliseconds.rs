//! Case 13: a request that is sent in two parts is answered late. Nagle's algorithm holds the second part back until the first
//! has been acknowledged, and the acknowledgment is delayed.

use std::io;
use std::time::{Duration, Instant};

use super::kit::{connection, receive_exactly};
use super::{Need, Stepping, Why, experiment};
use crate::capture::{Lab, Result, Socket, at_least, less};
use crate::trace::{Feature, SyscallKind};

/// How often the request is made in each way.
const ROUNDS: usize = 10;

/// An acknowledgment is delayed by 40 ms (`TCP_DELACK_MIN`), which the kernel counts in ticks of up to 10 ms.
const DELAYED: Duration = Duration::from_millis(30);

experiment!(
    forty_milliseconds,
    needs = &[Need::Has(Feature::QuickAck)],
    stepping = Stepping::Whole(Why::Race)
);
/// A request of eight bytes, ten times in each of three ways. The server answers as soon as it has all eight.
fn forty_milliseconds(lab: &Lab) -> Result<()> {
    let acks_before = delayed_acks(lab)?;
    lab.part("two sends");
    let two_sends = ask(lab, false, |client| {
        client.send(b"head")?;
        client.send(b"body").map(drop)
    })?;
    let acks = delayed_acks(lab)?.saturating_sub(acks_before);

    lab.part("one send");
    let one_send = ask(lab, false, |client| {
        client.send(b"headbody").map(drop) // both parts
    })?;

    lab.part("two sends, TCP_NODELAY");
    let no_delay = ask(lab, true, |client| {
        client.send(b"head")?;
        client.send(b"body").map(drop)
    })?;
    check_delay(lab, &two_sends, acks);
    check_cures(lab, [&two_sends, &one_send, &no_delay]);
    Ok(())
}

fn check_delay(lab: &Lab, two_sends: &[Round], acks: usize) {
    let late: Vec<_> = two_sends.iter().filter(|round| round.took >= DELAYED).collect();
    lab.claim("the-answer-waits", at_least("rounds of 30 ms or more", late.len(), ROUNDS / 2));
    let held = late.iter().filter(|round| round.segments == 1).count();
    let what = "late rounds with one segment unacknowledged after two sends";
    lab.claim("the-body-is-held-back", at_least(what, held, ROUNDS / 2));
    lab.claim("acks-are-delayed", at_least("delayed acknowledgments", acks, ROUNDS / 2));
}

fn check_cures(lab: &Lab, rounds: [&[Round]; 3]) {
    let [slow, one_send, no_delay] = rounds.map(median);
    let micros = |span: Duration| usize::try_from(span.as_micros()).unwrap_or(usize::MAX);
    let quicker = |what, span| less(what, micros(span), "two sends, in µs", micros(slow));
    lab.claim("one-send-is-quicker", quicker("one send, in µs", one_send));
    let what = "two sends with TCP_NODELAY, in µs";
    lab.claim("no-delay-is-quicker", quicker(what, no_delay));
    lab.measure("median of ten rounds", "two sends", slow);
    lab.measure("median of ten rounds", "one send", one_send);
    lab.measure("median of ten rounds", "two sends, TCP_NODELAY", no_delay);
}

/// One request and its answer.
struct Round {
    /// From the first send() until the answer was there.
    took: Duration,
    /// How many segments were sent and not acknowledged right after the last send().
    segments: u32,
}

/// Sends the request and waits for the answer, ten times.
fn ask(
    lab: &Lab,
    no_delay: bool,
    send_request: impl Fn(&Socket) -> io::Result<()>,
) -> Result<Vec<Round>> {
    let (client, server) = connection(lab)?;
    client.set_tcp_nodelay(no_delay)?;
    lab.scope(|stage| {
        let answering = stage.actor("server", |_| answer(&server))?;
        let mut rounds = Vec::new();
        for _ in 0..ROUNDS {
            answering.until_blocked_in(SyscallKind::Recv)?;
            let began = Instant::now();
            send_request(&client)?;
            let info = client.tcp_info()?.ok_or_else(|| Feature::TcpInfo.lack())?;
            let segments = info.unacked.ok_or_else(|| Feature::TcpInfo.lack())?;
            receive_exactly(&client, &mut [0; 2])?;
            rounds.push(Round { took: began.elapsed(), segments });
        }
        answering.finish()?;
        Ok(rounds)
    })
}

/// Answers each request when all of it is there.
fn answer(client: &Socket) -> Result<()> {
    for _ in 0..ROUNDS {
        // Acknowledge late, as the kernel does by itself in many rounds.
        client.set_tcp_quickack(false)?;
        receive_exactly(client, &mut [0; 8])?;
        client.send_all(b"ok")?;
    }
    Ok(())
}

/// How many acknowledgments the kernel has sent late so far, on all its connections.
fn delayed_acks(lab: &Lab) -> Result<usize> {
    let table = lab.ask("nstat", &["-asz", "TcpExtDelayedACKs"])?;
    let row = table.lines().find_map(|line| line.strip_prefix("TcpExtDelayedACKs"));
    Ok(row.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or(0))
}

fn median(rounds: &[Round]) -> Duration {
    let mut times: Vec<_> = rounds.iter().map(|round| round.took).collect();
    times.sort_unstable();
    times[times.len() / 2]
}
