//! Exercise 2: a client that says all that it has to say in one frame.

use std::collections::BTreeSet;

use super::kit::{LOOK, exits_with_0, has_printed, receive, require, socket};
use crate::capture::link::{CapturedFrame, Client, Data as Bytes, FAR, Tcp};
use crate::capture::{Lab, Network, PATIENCE, Program, Result, Socket, TO_START, eq, succeeded};
use crate::experiments::judge;
use crate::trace::{Data, label};

/// What the client says, and what it is to print.
const LINES: &str = "one\ntwo\nthree\nfour\nfive\nsix\n";
const ANSWERS: &str = "eno\nowt\neerht\nruof\nevif\nxis\n";

judge!(lines_in_one_frame, network = Network::Wire);
/// The learner's client talks to our server across the wire.
fn lines_in_one_frame(lab: &Lab) -> Result<()> {
    let wire = lab.wire()?;
    let us = lab.actor("our server");
    let listener = socket(&us)?;
    listener.set_read_timeout(Some(TO_START))?;
    listener.bind(&lab.near(0))?;
    listener.listen(5)?;
    let port = listener.local_addr()?.as_socket().map_or(0, |at| at.port());

    lab.part("the conversation");
    let mut client = lab.program("client", &[FAR.to_string(), port.to_string()])?;
    client.type_line(LINES);
    client.end_input();
    let accepted = listener.accept();
    let explanation =
        label!("client should have connected to the port that it was given; it did not");
    let accepts = succeeded("our accept", &accepted).explained(explanation);
    require(lab, "prints-the-answers", accepts)?;
    answer_lines(&client, &accepted?.0)?;
    let mut connections = 1;
    listener.set_read_timeout(Some(LOOK))?;
    while !client.has_ended() && connections <= LINES.len() {
        match listener.accept() {
            Ok((connection, _)) => {
                connections += 1;
                answer_lines(&client, &connection)?;
            }
            Err(_) if client.is_asleep() => break,
            Err(_) => {}
        }
    }
    let exit = client.until_ended(PATIENCE);
    let printed = Data::of(&client.finish());
    require(lab, "prints-the-answers", has_printed("client", printed, ANSWERS.as_bytes()))?;
    lab.claim("exits-with-0", exits_with_0("client", exit.as_ref()));
    let explanation =
        label!("client should have used one connection; it made {connections}", connections);
    let one = eq("connections of client", connections, 1_usize);
    lab.claim("one-connection", one.explained(explanation));
    wire.settle();
    lab.tally("frames of the conversation", wire.seen(Tcp).len() as u64, "the wire");
    let frames = distinct(&wire.seen(Bytes.from(Client)));
    let explanation =
        label!("all lines should have crossed the wire in one frame; they took {frames}", frames);
    let one = eq("frames with data from client", frames, 1_usize);
    lab.claim("lines-in-one-frame", one.explained(explanation));
    Ok(())
}

/// Answers each whole line with its characters in reverse order, in a send of its own, until the client ends.
fn answer_lines(client: &Program, connection: &Socket) -> Result<()> {
    connection.set_read_timeout(Some(LOOK))?;
    let (mut heard, mut buffer) = (Vec::new(), [0; 1024]);
    while let Ok(got @ 1..) = receive(client, connection, &mut buffer) {
        heard.extend_from_slice(&buffer[..got]);
        while let Some(end) = heard.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = heard.drain(..=end).collect();
            let answer: Vec<u8> = line[..end].iter().rev().copied().chain([b'\n']).collect();
            let _ = connection.send_all(&answer);
        }
    }
    Ok(())
}

/// How many frames there were, without those that were sent once more.
fn distinct(frames: &[CapturedFrame]) -> usize {
    let of = |frame: &CapturedFrame| frame.tcp().ok().map(|tcp| (tcp.src_port, tcp.seq));
    frames.iter().filter_map(of).collect::<BTreeSet<_>>().len()
}
