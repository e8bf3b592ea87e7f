//! Exercise 1: an echo server and its client, by hand.

use std::net::Shutdown;
use std::time::Duration;

use super::kit::{
    answer, caller, client, exits_with_0, has_closed, has_printed, is_end, judge_role, listening,
    receive, received, received_whole, require, require_answer, start_server,
};
use crate::capture::{Lab, PATIENCE, Program, Result, Socket, yes_or_no};
use crate::experiments::judge;
use crate::trace::{Data, ExitStatus, label};

/// So many bytes no single recv() of a usual size takes: the server has to read and write in turn.
const LONG: usize = 100_000;

judge!(echo_by_hand);
/// The learner's server with several clients, then the learner's client.
fn echo_by_hand(lab: &Lab) -> Result<()> {
    let served = judge_role(lab, "server", &OF_THE_SERVER, serves);
    let talked = judge_role(lab, "client", &OF_THE_CLIENT, talks);
    served.and(talked)
}

const OF_THE_SERVER: [&str; 7] = [
    "listens-at-the-port",
    "echoes-a-line",
    "echoes-any-bytes",
    "echoes-a-lot",
    "ends-when-the-client-does",
    "serves-the-next",
    "survives-a-reset",
];

const OF_THE_CLIENT: [&str; 4] =
    ["sends-the-lines", "prints-the-echo", "ends-the-connection", "exits-with-0"];

/// Clients talk to the learner's server, one after the other.
fn serves(lab: &Lab) -> Result<()> {
    let (server, at) = start_server(lab, "listens-at-the-port")?;

    lab.part("a line");
    let alice = client(lab, "alice", &at)?;
    alice.send_all(b"hello\n")?;
    require_answer(lab, &server, "echoes-a-line", "alice", &alice, b"hello\n")?;

    lab.part("bytes without a newline");
    alice.send_all(b"no newline")?;
    require_answer(lab, &server, "echoes-any-bytes", "alice", &alice, b"no newline")?;

    lab.part("100,000 bytes");
    let long: Vec<u8> = (0..LONG).map(|at| b'a' + (at % 26) as u8).collect();
    let back = lab.scope(|stage| {
        let reader = stage.actor("alice reads", |_| Ok(answer(&server, &alice, LONG)))?;
        let _ = alice.send_all(&long); // what does not come back tells of a failure
        reader.finish()
    })?;
    require(lab, "echoes-a-lot", received_whole("alice", &back, &long))?;

    lab.part("the end");
    alice.shutdown(Shutdown::Write)?;
    let end = receive(&server, &alice, &mut [0; 64]);
    require(lab, "ends-when-the-client-does", is_end("alice", &end))?;
    drop(alice);

    lab.part("the next client");
    let bob = client(lab, "bob", &at)?;
    bob.send_all(b"next\n")?;
    require_answer(lab, &server, "serves-the-next", "bob", &bob, b"next\n")?;
    drop(bob);

    lab.part("a client that breaks off");
    let carol = client(lab, "carol", &at)?;
    carol.send_all(b"I break off\n")?;
    carol.set_linger(Some(Duration::ZERO))?; // close() sends an RST
    carol.close()?;
    let dora = client(lab, "dora", &at)?;
    dora.send_all(b"still there?\n")?;
    require_answer(lab, &server, "survives-a-reset", "dora", &dora, b"still there?\n")?;
    drop(dora);
    Ok(())
}

/// The learner's client talks to our server, which sends each echo in two pieces.
fn talks(lab: &Lab) -> Result<()> {
    lab.part("the client");
    let (listener, port) = listening(lab, "our server")?;
    let mut client = lab.program("client", &[port.to_string()])?;
    let lines = "hello\n你好\n";
    client.type_line(lines);
    client.end_input();
    let connection = caller(lab, &client, &listener, "sends-the-lines")?;
    let (heard, is_ended) = echo_in_pieces(lab, &client, &connection);
    connection.close()?;
    let exit = client.until_ended(PATIENCE);
    require(lab, "sends-the-lines", received("our server", &heard, lines.as_bytes()))?;
    let printed = Data::of(&client.finish());
    lab.claim("prints-the-echo", has_printed("client", printed, lines.as_bytes()));
    let has_crashed = exit != Some(ExitStatus::Code(0)) && !has_closed(lab, &client);
    let explanation = match is_ended {
        true => {
            label!("client should have ended the connection; it crashed, and the system ended it")
        }
        false => {
            label!("client should have ended the connection at the end of its input; it did not")
        }
    };
    let ended = yes_or_no("our recv returned 0", is_ended, true).and(yes_or_no(
        label!("{who} has crashed", who = label!("client")),
        has_crashed,
        false,
    ));
    lab.claim("ends-the-connection", ended.explained(explanation));
    lab.claim("exits-with-0", exits_with_0("client", exit.as_ref()));
    Ok(())
}

/// Echoes what comes, each time in two pieces with a pause between them; says what came, and whether the client ended.
fn echo_in_pieces(lab: &Lab, client: &Program, connection: &Socket) -> (Vec<u8>, bool) {
    let (mut heard, mut buffer) = (Vec::new(), [0; 1024]);
    loop {
        let got = match receive(client, connection, &mut buffer) {
            Ok(0) => return (heard, true),
            Ok(got) => got,
            Err(_) => return (heard, false),
        };
        heard.extend_from_slice(&buffer[..got]);
        let (one, two) = buffer[..got].split_at(got / 2);
        let _ = connection.send_all(one);
        lab.wait(Duration::from_millis(50), "between two pieces");
        let _ = connection.send_all(two);
    }
}
