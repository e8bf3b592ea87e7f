//! Exercise 10: a deadline for a whole request, against clients that are silent or slow on purpose.

use std::io;
use std::time::{Duration, Instant};

use socket2::SockAddr;

use super::kit::{
    answer, at_end, client, dribble, free_port, listens_at, received, require, require_answer,
    until_at_rest,
};
use crate::capture::{Lab, Program, Proof, Result, Socket, at_least, at_least_duration, eq};
use crate::experiments::judge;
use crate::trace::{Label, label};

/// The time that the learner's server is told to give each client, in seconds.
const SECONDS: u32 = 1;
/// So long it may take for a client to be ended.
const MOST: Duration = Duration::from_secs(10 * SECONDS as u64);
/// How often a slow client sends a byte.
const PACE: Duration = Duration::from_millis(100);

judge!(deadline_for_a_request);
/// Clients that are quick, silent and slow, one after the other.
fn deadline_for_a_request(lab: &Lab) -> Result<()> {
    let port = free_port(lab)?;
    let server = lab.program("server", &[port.to_string(), SECONDS.to_string()])?;
    let at = listens_at(lab, "listens-at-the-port", &server, port)?;

    lab.part("a request");
    let alice = client(lab, "alice", &at)?;
    let sent = b"what time is it?\n";
    alice.send_all(sent)?;
    require_answer(lab, &server, "answers-a-request", "alice", &alice, sent)?;
    drop(alice);
    answers_in_pieces(lab, &server, &at)?;

    lab.part("a silent client");
    let began = Instant::now();
    let carol = client(lab, "carol", &at)?;
    let wait = Wait::until_ended(&server, &carol, || Ok(()));
    lab.claim("sleeps-meanwhile", wait.is_slept());
    require(lab, "ends-the-silent", wait.has_ended("carol"))?;
    require(lab, "not-before-its-time", not_too_soon("carol", began.elapsed()))?;
    drop(carol);
    lab.part("the next client");
    serves(lab, &server, &at, "dora")?;

    lab.part("a slow client");
    let began = Instant::now();
    let erin = client(lab, "erin", &at)?;
    let wait = Wait::until_ended(&server, &erin, || erin.send_all(b"x"));
    require(lab, "ends-the-slow", wait.has_ended("erin"))?;
    require(lab, "not-before-its-time", not_too_soon("erin", began.elapsed()))?;
    drop(erin);
    lab.part("the last client");
    serves(lab, &server, &at, "frank")
}

/// A request in three pieces, in time. Where the machine was too busy for that, it is tried again.
fn answers_in_pieces(lab: &Lab, server: &Program, at: &SockAddr) -> Result<()> {
    let sent = b"what time is it?\n";
    let (mut tries, mut before) = (0..3, sent.len() as u64);
    loop {
        tries.next();
        lab.part("a request in pieces");
        let began = Instant::now();
        let bob = client(lab, "bob", at)?;
        // If it breaks off, what comes back tells.
        let _ = dribble(server, &bob, before, sent.chunks(6));
        let in_time = began.elapsed() < Duration::from_secs(SECONDS.into()) / 2;
        let heard = answer(server, &bob, sent.len());
        if in_time || !heard.is_empty() || tries.is_empty() {
            return require(lab, "answers-in-pieces", received("bob", &heard, sent));
        }
        drop(bob);
        until_at_rest(server);
        before = server.received();
    }
}

fn serves(lab: &Lab, server: &Program, at: &SockAddr, name: &'static str) -> Result<()> {
    let client = client(lab, name, at)?;
    client.send_all(b"and now?\n")?;
    require_answer(lab, server, "serves-the-next", name, &client, b"and now?\n")
}

/// No sooner than it was told; a clock of ticks may be a little behind.
fn not_too_soon(who: &'static str, took: Duration) -> Proof {
    let (who, least) = (Label::from(who), Duration::from_secs(SECONDS.into()) * 9 / 10);
    let explanation = label!(
        "{who} should have had {limit} s; the server ended the connection after {took} ms",
        who = who.clone(),
        limit = SECONDS,
        took = u64::try_from(took.as_millis()).unwrap_or(u64::MAX)
    );
    at_least_duration(
        label!("the time of {who}", who),
        took,
        label!("nine tenths of the limit"),
        least,
    )
    .explained(explanation)
}

/// A client's wait for the server to end the connection.
struct Wait {
    looks: usize,
    /// How many of them found the server asleep.
    asleep: usize,
    ended: bool,
}

impl Wait {
    /// Looks again and again, as often as [`PACE`] says, and does this in between.
    fn until_ended(
        server: &Program,
        socket: &Socket,
        between: impl Fn() -> io::Result<()>,
    ) -> Wait {
        let (began, mut wait) = (Instant::now(), Wait { looks: 0, asleep: 0, ended: false });
        while began.elapsed() < MOST {
            let is_asleep = server.is_asleep();
            // An error of a send is the end as well.
            if at_end(socket, PACE) || between().is_err() {
                wait.ended = true;
                let _ = socket.recv(&mut [0; 64]);
                break;
            }
            wait.looks += 1;
            wait.asleep += usize::from(is_asleep);
        }
        wait
    }

    fn is_slept(&self) -> Proof {
        let (looks, asleep) = (self.looks, self.asleep);
        let explanation = label!(
            "the server should have slept while it waits; {asleep} of {looks} looks found it asleep",
            asleep,
            looks
        );
        at_least(label!("of {looks} looks found it asleep", looks), asleep, looks / 2)
            .explained(explanation)
    }

    fn has_ended(&self, who: &'static str) -> Proof {
        let who = Label::from(who);
        let explanation = label!(
            "the server should have ended the connection of {who} after {limit} s; it is still open after ten times as long",
            who = who.clone(),
            limit = SECONDS
        );
        let saw =
            if self.ended { label!("ended") } else { label!("open after ten times its time") };
        eq(label!("the connection of {who}", who), saw, label!("ended")).explained(explanation)
    }
}
