//! Lesson 7: a request whose answer comes too late, and is sent again.

use std::collections::BTreeSet;

use super::experiment;
use super::kit::{connection, count_calls, receive_exactly, recv_gave};
use crate::capture::{Kind, Lab, Parameter, Result, TIMED_OUT, eq, failed_with};
use crate::i18n::Text;
use crate::trace::SyscallKind;

const PATIENCE: Parameter = Parameter {
    name: "timeout",
    default: "100ms",
    kind: Kind::Span(1, 60_000),
    help: Text("how long the client waits for an answer"),
};

experiment!(late_is_not_never, parameters = &[PATIENCE]);
fn late_is_not_never(lab: &Lab) -> Result<()> {
    let (client, server) = connection(lab)?;
    client.set_read_timeout(Some(lab.span("timeout")?))?;
    let mut payments = 0;
    // All requests are of one length here, and all answers.
    let (mut request, mut answer) = ([0; 6], [0; 16]);

    client.send_all(b"pay 10")?;
    let nothing = client.recv(&mut answer); // the server is busy
    let gave_up = failed_with("recv", &nothing, TIMED_OUT);
    lab.claim("the-client-gives-up", gave_up);

    // Now the server comes to it.
    receive_exactly(&server, &mut request)?;
    payments += usize::from(&request == b"pay 10");
    server.send_all(b"paid, balance 90")?;
    lab.claim("the-work-is-done-late", eq("payments", payments, 1));

    client.send_all(b"pay 10")?; // the client tries again
    receive_exactly(&client, &mut answer)?; // and has its answer, it thinks
    let recvs = count_calls(lab, "server", SyscallKind::Recv);
    let unread = eq("server's recvs", recvs, 1);
    let first = recv_gave(&answer, b"paid, balance 90");
    lab.claim("the-late-answer-comes-first", first.and(unread));

    receive_exactly(&server, &mut request)?;
    payments += usize::from(&request == b"pay 10");
    server.send_all(b"paid, balance 80")?;
    lab.claim("retrying-pays-twice", eq("payments", payments, 2));
    Ok(())
}

experiment!(numbered_requests, parameters = &[PATIENCE]);
fn numbered_requests(lab: &Lab) -> Result<()> {
    let (client, server) = connection(lab)?;
    client.set_read_timeout(Some(lab.span("timeout")?))?;
    let (mut requests, mut payments) = (0, 0);
    let (mut request, mut answer) = ([0; 15], [0; 15]);
    let mut done = BTreeSet::new(); // the orders that are paid

    client.send_all(b"pay 10, order 7")?;
    let _nothing = client.recv(&mut answer); // no answer in time
    client.send_all(b"pay 10, order 7")?; // the same number again

    // Now the server comes to them.
    for _ in 1..=2 {
        receive_exactly(&server, &mut request)?;
        requests += 1;
        if done.insert(request) {
            payments += 1; // insert() says that it is new
        }
    }
    lab.claim("both-requests-arrive", eq("requests", requests, 2));

    server.send_all(b"order 7 is paid")?;
    receive_exactly(&client, &mut answer)?;
    let told = recv_gave(&answer, b"order 7 is paid");
    lab.claim("one-payment", eq("payments", payments, 1).and(told));
    Ok(())
}
