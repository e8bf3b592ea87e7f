//! Case 3: a server closes with bytes unread, and its client gets ECONNRESET.

use std::net::Shutdown;
use std::time::Duration;

use super::kit::{
    claim_shown, connection, receive_exactly, receive_to_the_end, recv_gave, transferred,
};
use super::{Need, experiment};
use crate::capture::{Lab, Result, eq, failed_with, less};
use crate::trace::Lack;

/// The kernel's counter of connections that were closed with bytes unread (`TCPAbortOnClose`).
const COUNTER: &str = "TcpExtTCPAbortOnClose";

experiment!(reset_by_peer, needs = &[Need::Proc]);
/// A server refuses a request before it has read all of it.
fn reset_by_peer(lab: &Lab) -> Result<()> {
    let (client, server) = connection(lab)?;
    let earlier = count(lab);
    client.send_all(&[b'x'; 1000])?; // a long request
    server.peek_all(&mut [0; 1000])?; // all of it is there,
    receive_exactly(&server, &mut [0; 100])?; // the server reads a part,
    server.close()?; // and leaves the rest unread
    let answer = client.recv(&mut [0; 16]);
    let later = count(lab);
    let again = client.recv(&mut [0; 16]);
    lab.claim("recv-is-reset", failed_with("recv", &answer, "ECONNRESET"));
    let more = earlier.and_then(|earlier| Ok(less("counted before", earlier, "after", later?)));
    claim_shown(lab, "the-kernel-counts-it", more);
    lab.claim("told-once", transferred("next recv", &again, 0));
    Ok(())
}

/// What the counter says now; not every system has it.
fn count(lab: &Lab) -> Result<usize, Lack> {
    let shown = lab.ask("nstat", &["-asz", COUNTER])?;
    let line = shown.lines().find_map(|line| line.strip_prefix(COUNTER));
    let number = line.and_then(|rest| rest.split_whitespace().next()?.parse().ok());
    number.ok_or_else(|| Lack::Command { name: "nstat".into(), why: COUNTER.into() })
}

experiment!(reads_on_before_it_closes);
/// The same request, and a server that says first that it will send no more.
fn reads_on_before_it_closes(lab: &Lab) -> Result<()> {
    let (client, server) = connection(lab)?;
    client.send_all(&[b'x'; 1000])?; // the same long request
    receive_exactly(&server, &mut [0; 100])?; // the server reads a part,
    server.send_all(b"too long")?; // refuses,
    server.shutdown(Shutdown::Write)?; // will send no more, and reads on

    let answer = receive_to_the_end(&client)?;
    let sent = client.send(b"the rest");
    client.close()?;
    let sent = transferred("send", &sent, 8);
    lab.claim("the-answer-and-the-end", recv_gave(&answer, b"too long").and(sent));

    server.set_read_timeout(Some(Duration::from_secs(2)))?;
    let rest = receive_to_the_end(&server)?;
    server.close()?;
    lab.claim("nothing-is-left-unread", eq("bytes left", rest.len(), 908));
    Ok(())
}
