//! Exercise 8: 20 MB both ways at once, without a deadlock.

use std::net::Shutdown;

use super::kit::{
    ASLEEP, LOOK, answer, caller, exit_value, listening, offer, receive, require, rests, returned,
};
use crate::capture::{Lab, PATIENCE, Program, Proof, Result, Socket, at_least, eq};
use crate::experiments::judge;
use crate::trace::{Label, label};

/// How much goes each way: more than the buffers of both ends hold.
const ALL: usize = 20_000_000;

judge!(both_ways);
/// The learner's client, with a peer that first sends, one that first receives, and one that has nothing to send.
fn both_ways(lab: &Lab) -> Result<()> {
    let bytes = bytes();

    lab.part("one who sends first");
    let (mut client, paul) = called(lab, listening(lab, "paul")?, "receives-while-it-sends")?;
    let taken = offer(&client, &paul, &bytes, (ASLEEP, PATIENCE));
    require(lab, "receives-while-it-sends", at_least("bytes that paul sent", taken, ALL))?;
    paul.shutdown(Shutdown::Write)?;
    let back = answer(&client, &paul, ALL);
    require(lab, "sends-all", all(label!("bytes that paul received"), &back, &bytes))?;
    paul.close()?;
    ends(lab, &mut client);

    lab.part("one who receives first");
    let (mut client, rita) = called(lab, listening(lab, "rita")?, "sends-while-nothing-comes")?;
    let back = answer(&client, &rita, ALL);
    let what = label!("bytes that rita received");
    require(lab, "sends-while-nothing-comes", all(what, &back, &bytes))?;
    let end = receive(&client, &rita, &mut [0; 64]);
    require(lab, "says-that-this-is-all", eq("rita.recv", returned(&end), 0_i64))?;
    require(lab, "sleeps-till-something-comes", rests(&client))?;
    let taken = offer(&client, &rita, &bytes, (ASLEEP, PATIENCE));
    let what = label!("bytes that rita sent");
    require(lab, "receives-after-it-has-sent", at_least(what, taken, ALL))?;
    rita.close()?;
    let _ = client.finish();

    lab.part("one who has nothing to send");
    let (client, sam) = called(lab, listening(lab, "sam")?, "sleeps-till-there-is-room")?;
    sam.shutdown(Shutdown::Write)?;
    require(lab, "sleeps-till-there-is-room", rests(&client))?;
    let back = answer(&client, &sam, ALL);
    lab.claim("sends-on-after-the-end", all(label!("bytes that sam received"), &back, &bytes));
    Ok(())
}

/// What is sent each way.
fn bytes() -> Vec<u8> {
    (0..=250).cycle().take(ALL).collect()
}

/// All have come, in order.
fn all(what: Label, back: &[u8], sent: &[u8]) -> Proof {
    at_least(what, back.len(), ALL).and(eq("the bytes", back == sent, true))
}

/// The client has received everything too, and ends.
fn ends(lab: &Lab, client: &mut Program) {
    let exit = client.until_ended(PATIENCE);
    let printed = String::from_utf8_lossy(&client.finish()).trim().parse().unwrap_or(0);
    lab.claim("says-how-much-came", at_least("the number that client printed", printed, ALL));
    lab.claim("exits-with-0", eq("exit status of client", exit_value(exit.as_ref()), 0_i64));
}

/// The learner's client, and the connection that the peer who listens has to it.
fn called(
    lab: &Lab,
    (listener, port): (Socket, u16),
    requirement: &'static str,
) -> Result<(Program, Socket)> {
    let client = lab.program("client", &[port.to_string()])?;
    let connection = caller(lab, &client, &listener, requirement)?;
    connection.set_write_timeout(Some(LOOK))?;
    Ok((client, connection))
}
