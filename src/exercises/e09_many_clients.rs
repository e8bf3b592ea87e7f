//! Exercise 9: a server with one thread for two hundred clients.

use std::io;
use std::net::Shutdown;
use std::time::Duration;

use socket2::SockAddr;

use super::kit::{
    ASLEEP, LOOK, answer, calls_so_far, client, is_end, offer, receive, received, received_whole,
    require, require_answer, socket, start_server, threads_on_sockets,
};
use crate::capture::{Lab, Program, Proof, Result, Socket, at_least, eq, less};
use crate::experiments::judge;
use crate::trace::label;

/// How many clients there are in the end.
const MANY: usize = 200;
/// A line of the client that never reads, with its newline.
const LINE: usize = 1000;
/// A server that takes so many bytes of her keeps them: the buffers of the kernel hold 4 to 6 MB here.
const MOST_TAKEN: usize = 12_000_000;
/// For how many seconds nobody sends anything, at most, and how often the server is looked at in each.
const SECONDS: u32 = 5;
const LOOKS: u32 = 10;
/// More calls in a second are a server that asks again and again.
const MOST_CALLS: usize = 50;

judge!(many_clients);
/// The learner's server with two hundred clients, of which one never reads and one dribbles.
fn many_clients(lab: &Lab) -> Result<()> {
    let (server, at) = start_server(lab, "listens-at-the-port")?;
    one_client(lab, &server, &at)?;

    lab.part("half a line");
    let dan = client(lab, "dan", &at)?;
    for byte in b"slo" {
        dan.send_all(&[*byte])?;
        lab.wait(Duration::from_millis(20), "between two bytes");
    }
    let eve = client(lab, "eve", &at)?;
    eve.send_all(b"quick\n")?;
    require_answer(lab, &server, "half-a-line-stops-nobody", "eve", &eve, b"kciuq\n")?;

    lab.part("one who never reads");
    let nora = one_who_never_reads(lab, &at)?;
    let lines = long_lines();
    let taken = offer(&server, &nora, &lines, (LOOK, ASLEEP));
    eve.send_all(b"still there?\n")?;
    let name = "one-who-never-reads-stops-nobody";
    require_answer(lab, &server, name, "eve", &eve, b"?ereht llits\n")?;

    let crowd = many(lab, &server, &at)?;
    match server.untraced() {
        Some(why) => lab.not_checked("one-thread", why.clone()),
        None => lab.claim("one-thread", has_one_thread(lab)),
    }
    silence(lab, &server)?;

    lab.part("the rest of the line");
    dan.send_all(b"w\n")?;
    require_answer(lab, &server, "answers-the-rest", "dan", &dan, b"wols\n")?;

    lab.part("she reads");
    let wanted = backwards(&lines[..taken]);
    let back = answer(&server, &nora, wanted.len());
    lab.claim("loses-nothing", received_whole("nora", &back, &wanted));
    let explanation = label!(
        "nora did not read, so the server should have stopped receiving from her; it took {taken} bytes",
        taken
    );
    let kept = less("bytes that the server took meanwhile", taken, "all that she has", MOST_TAKEN);
    lab.claim("keeps-little", kept.explained(explanation));

    lab.part("one breaks off");
    breaks_off(crowd)?;
    eve.send_all(b"and now?\n")?;
    require_answer(lab, &server, "survives-a-reset", "eve", &eve, b"?won dna\n")?;

    lab.part("the end");
    eve.send_all(b"bye\n")?;
    eve.shutdown(Shutdown::Write)?;
    let last = answer(&server, &eve, 4);
    let end = receive(&server, &eve, &mut [0; 64]);
    let proof = received("eve", &last, b"eyb\n");
    lab.claim("ends-when-the-client-does", proof.and(is_end("eve", &end)));
    Ok(())
}

/// One thread of the server has made all calls on sockets.
fn has_one_thread(lab: &Lab) -> Proof {
    let threads = threads_on_sockets(lab, "server");
    let explanation =
        label!("one thread should have made all calls on sockets; {threads} threads did", threads);
    eq("threads that made calls on sockets", threads, 1).explained(explanation)
}

/// Lines of one client.
fn one_client(lab: &Lab, server: &Program, at: &SockAddr) -> Result<()> {
    lab.part("a line");
    let alice = client(lab, "alice", at)?;
    alice.send_all(b"hello\n")?;
    require_answer(lab, server, "answers-a-line", "alice", &alice, b"olleh\n")?;

    lab.part("two lines and a half");
    alice.send_all(b"one\ntwo\nthr")?;
    let mut back = answer(server, &alice, 8);
    alice.send_all(b"ee\n")?;
    back.extend(answer(server, &alice, 6));
    require(lab, "answers-each-line", received("alice", &back, b"eno\nowt\neerht\n"))
}

/// A client with a small send buffer, so that it is the server's receive buffer that fills. It stays small too: how fast it is
/// filled decides how large the kernel makes it.
fn one_who_never_reads(lab: &Lab, at: &SockAddr) -> io::Result<Socket> {
    let nora = socket(&lab.actor("nora"))?;
    nora.set_send_buffer_size(16_384)?;
    nora.connect(at)?;
    nora.set_write_timeout(Some(LOOK))?;
    Ok(nora)
}

/// More than a server may take, each line another.
fn long_lines() -> Vec<u8> {
    let line = |number| format!("{number:->width$}\n", width = LINE - 1);
    (0..MOST_TAKEN / LINE).flat_map(|number| line(number).into_bytes()).collect()
}

/// The answers to all lines that are complete.
fn backwards(lines: &[u8]) -> Vec<u8> {
    let complete = lines.len() / LINE * LINE;
    let back =
        |line: &[u8]| line[..LINE - 1].iter().rev().chain(b"\n").copied().collect::<Vec<_>>();
    lines[..complete].chunks(LINE).flat_map(back).collect()
}

/// So many more clients that there are [`MANY`]: all connect, then each sends a line and has its answer.
fn many(lab: &Lab, server: &Program, at: &SockAddr) -> Result<Vec<Socket>> {
    lab.part("two hundred clients");
    let actor = lab.actor("crowd");
    let connect = || {
        let socket = socket(&actor)?;
        socket.connect(at).map(|()| socket)
    };
    let more = MANY - 3; // with those that are connected
    let crowd: Vec<Socket> =
        lab.without_questions(|| (0..more).map(|_| connect()).collect::<io::Result<_>>())?;
    let mut served = 0;
    for one in &crowd {
        lab.part(label!("client {number}", number = served + 4));
        one.send_all(b"me too\n")?;
        if answer(server, one, 7) != b"oot em\n" {
            break;
        }
        served += 1;
    }
    let explanation =
        label!("{more} more clients waited for an answer; {served} of them got one", more, served);
    let all = eq("clients more that were answered", served, more);
    require(lab, "serves-200", all.explained(explanation))?;
    Ok(crowd)
}

/// Nobody sends anything: the server sleeps, though one client does not read and one line is not complete. It may have something
/// left to do at first: one quiet second is enough.
fn silence(lab: &Lab, server: &Program) -> Result<()> {
    lab.part("silence");
    for second in 1..=SECONDS {
        let before = calls_so_far(lab, "server");
        let mut asleep = 0;
        for _ in 0..LOOKS {
            lab.wait(Duration::from_secs(1) / LOOKS, "nobody sends anything");
            asleep += usize::from(server.is_asleep());
        }
        let calls = calls_so_far(lab, "server") - before;
        let explanation = label!(
            "the server should have slept while nobody sends; {asleep} of 10 looks found it asleep",
            asleep
        );
        let sleeps = at_least("looks of ten that found it asleep", asleep, 5);
        let sleeps = sleeps.explained(explanation);
        let explanation = label!(
            "the server should have slept while nobody sends; it made {calls} calls in a second",
            calls
        );
        let quiet = less("calls in a second of silence", calls, "allowed", MOST_CALLS);
        let quiet = quiet.explained(explanation);
        // Of one that spins not all calls are recorded, of one that is not traced none.
        let is_known = server.untraced().is_none();
        let proof = if sleeps.holds() && is_known { quiet.and(sleeps) } else { sleeps };
        if proof.holds() || second == SECONDS {
            require(lab, "sleeps-in-silence", proof)?;
            break;
        }
        lab.part("silence");
    }
    Ok(())
}

/// One of them breaks its connection off, the others close theirs.
fn breaks_off(mut crowd: Vec<Socket>) -> io::Result<()> {
    if let Some(one) = crowd.pop() {
        one.send_all(b"I break off\n")?;
        one.set_linger(Some(Duration::ZERO))?; // close() sends an RST
        one.close()?;
    }
    Ok(())
}
