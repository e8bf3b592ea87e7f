//! Exercise 6: close so that nothing is lost and nobody hangs, and start again at once.

use std::time::Duration;

use socket2::SockAddr;

use super::kit::{
    answer, caller, client, exits_with_0, free_port, has_not_crashed, has_printed, is_end,
    judge_role, listening, listens_at, receive, received, received_whole, require, require_answer,
    until_asleep,
};
use crate::capture::{Lab, PATIENCE, Program, Result, Socket};
use crate::experiments::judge;
use crate::trace::Data;

/// So many dots do not fit into the receive buffer of a client that does not read, and into the server's send buffer they do.
const MANY: usize = 1_000_000;
/// So many bytes no single recv() of a usual size takes.
const MORE: usize = 300_000;

judge!(close_in_order);
/// The learner's server with several clients, killed and started again; and the learner's client.
fn close_in_order(lab: &Lab) -> Result<()> {
    let of_server = [
        "listens-at-the-port",
        "sends-the-answer",
        "ends-the-answer",
        "leaves-nothing-unread",
        "waits-for-the-client",
        "holds-up-nobody",
        "starts-again",
    ];
    let answered = judge_role(lab, "server", &of_server, answers);
    let of_client = [
        "sends-its-input",
        "says-that-this-is-all",
        "prints-the-answer",
        "exits-with-0",
        "prints-what-it-got",
    ];
    let asked = judge_role(lab, "client", &of_client, asks);
    answered.and(asked)
}

/// The learner's server answers, is killed, and answers again.
fn answers(lab: &Lab) -> Result<()> {
    let port = free_port(lab)?;
    let mut server = lab.program("server", &[port.to_string()])?;
    let at = listens_at(lab, "listens-at-the-port", &server, port)?;
    serves(lab, &server, &at)?;

    lab.part("killed and started again");
    let _judy = client(lab, "judy", &at)?; // she is connected when it is killed
    let _ = server.finish();
    let again = lab.program("server", &[port.to_string()])?;
    again.until_listening()?;
    let kim = client(lab, "kim", &at)?;
    kim.send_all(b"3\n")?;
    require_answer(lab, &again, "starts-again", "kim", &kim, b"...")
}

/// Clients of the learner's server, one after the other.
fn serves(lab: &Lab, server: &Program, at: &SockAddr) -> Result<()> {
    lab.part("five dots");
    let alice = client(lab, "alice", at)?;
    alice.send_all(b"5\n")?;
    require_answer(lab, server, "sends-the-answer", "alice", &alice, b".....")?;
    let end = receive(server, &alice, &mut [0; 64]);
    require(lab, "ends-the-answer", is_end("alice", &end))?;
    alice.close()?;

    lab.part("more than a line");
    let bob = client(lab, "bob", at)?;
    bob.send_all(format!("{MANY}\n{}", "x".repeat(MORE)).as_bytes())?;
    until_asleep(server);
    all_dots(lab, server, &bob, "leaves-nothing-unread", "bob")?;
    bob.close()?;

    lab.part("more behind the line");
    let carol = client(lab, "carol", at)?;
    carol.send_all(format!("{MANY}\n").as_bytes())?;
    until_asleep(server);
    lab.wait(Duration::from_millis(500), "what she says comes late");
    let _ = carol.send_all(b"one word more\n"); // an error comes with her next recv() too
    until_asleep(server);
    all_dots(lab, server, &carol, "waits-for-the-client", "carol")?;
    carol.close()?;

    lab.part("a client that stays");
    let hank = client(lab, "hank", at)?;
    hank.send_all(b"4\n")?;
    let _ = answer(server, &hank, 4);
    let _ = receive(server, &hank, &mut [0; 64]); // the end; he does not close
    let ivan = client(lab, "ivan", at)?;
    ivan.send_all(b"2\n")?;
    ivan.set_read_timeout(Some(PATIENCE))?; // the server may wait for Hank, but not for ever
    let mut dots = [0; 2];
    let got = ivan.recv(&mut dots).unwrap_or(0);
    require(lab, "holds-up-nobody", received("ivan", &dots[..got], b".."))
}

/// This client now reads, and gets all its dots, and then the end.
fn all_dots(
    lab: &Lab,
    server: &Program,
    client: &Socket,
    name: &'static str,
    who: &'static str,
) -> Result<()> {
    let back = answer(server, client, MANY);
    let proof = received_whole(who, &back, &vec![b'.'; MANY]);
    let last = receive(server, client, &mut [0; 64]);
    require(lab, name, proof.and(is_end(who, &last)))
}

/// The learner's client asks our server, which answers in two pieces, and the second time breaks off behind its answer.
fn asks(lab: &Lab) -> Result<()> {
    lab.part("the client");
    let (mut client, connection) = called(lab, "one\ntwo\n", "sends-its-input")?;
    let heard = answer(&client, &connection, 8);
    require(lab, "sends-its-input", received("our server", &heard, b"one\ntwo\n"))?;
    let end = receive(&client, &connection, &mut [0; 64]);
    let said = is_end("our server", &end).and(has_not_crashed("client", &client));
    require(lab, "says-that-this-is-all", said)?;
    let _ = connection.send_all(b"thank ");
    until_asleep(&client);
    let _ = connection.send_all(b"you\n");
    connection.close()?;
    let exit = client.until_ended(PATIENCE);
    let printed = Data::of(&client.finish());
    lab.claim("prints-the-answer", has_printed("client", printed, b"thank you\n"));
    lab.claim("exits-with-0", exits_with_0("client", exit.as_ref()));

    lab.part("a server that breaks off");
    let letters = "x".repeat(50_000);
    let (mut client, connection) = called(lab, &letters, "prints-what-it-got")?;
    let _ = receive(&client, &connection, &mut [0; 10]);
    until_asleep(&client);
    connection.send_all(b"too long\n")?;
    connection.close()?; // the rest is unread: an RST
    let _ = client.until_ended(PATIENCE);
    let printed = Data::of(&client.finish());
    lab.claim("prints-what-it-got", has_printed("client", printed, b"too long\n"));
    Ok(())
}

/// The learner's client, with this input, and its connection to our server.
fn called(lab: &Lab, input: &str, requirement: &'static str) -> Result<(Program, Socket)> {
    let (listener, port) = listening(lab, "our server")?;
    let mut client = lab.program("client", &[port.to_string()])?;
    client.type_line(input);
    client.end_input();
    let connection = caller(lab, &client, &listener, requirement)?;
    Ok((client, connection))
}
