//! Exercise 8: 20 MB both ways at once, without a deadlock.

use std::net::Shutdown;

use super::kit::{
    ASLEEP, LOOK, answer, caller, exits_with_0, is_end, listening, offer, receive, received_whole,
    require, rests,
};
use crate::capture::{Lab, PATIENCE, Program, Proof, Result, Socket, at_least};
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
    require(lab, "receives-while-it-sends", takes("paul", taken))?;
    paul.shutdown(Shutdown::Write)?;
    let back = answer(&client, &paul, ALL);
    require(lab, "sends-all", received_whole("paul", &back, &bytes))?;
    paul.close()?;
    ends(lab, &mut client);

    lab.part("one who receives first");
    let (mut client, rita) = called(lab, listening(lab, "rita")?, "sends-while-nothing-comes")?;
    let back = answer(&client, &rita, ALL);
    require(lab, "sends-while-nothing-comes", received_whole("rita", &back, &bytes))?;
    let end = receive(&client, &rita, &mut [0; 64]);
    require(lab, "says-that-this-is-all", is_end("rita", &end))?;
    require(lab, "sleeps-till-something-comes", rests(&client))?;
    let taken = offer(&client, &rita, &bytes, (ASLEEP, PATIENCE));
    require(lab, "receives-after-it-has-sent", takes("rita", taken))?;
    rita.close()?;
    let _ = client.finish();

    lab.part("one who has nothing to send");
    let (client, sam) = called(lab, listening(lab, "sam")?, "sleeps-till-there-is-room")?;
    sam.shutdown(Shutdown::Write)?;
    require(lab, "sleeps-till-there-is-room", rests(&client))?;
    let back = answer(&client, &sam, ALL);
    lab.claim("sends-on-after-the-end", received_whole("sam", &back, &bytes));
    Ok(())
}

/// What is sent each way.
fn bytes() -> Vec<u8> {
    (0..=250).cycle().take(ALL).collect()
}

/// The client has taken all that this peer has to send.
fn takes(who: &'static str, taken: usize) -> Proof {
    let who = Label::from(who);
    let explanation = label!(
        "{who} had {all} bytes to send; client took {taken} and then no more",
        who = who.clone(),
        all = ALL,
        taken
    );
    at_least(label!("bytes that {who} sent", who), taken, ALL).explained(explanation)
}

/// The client has received everything too, and ends.
fn ends(lab: &Lab, client: &mut Program) {
    let exit = client.until_ended(PATIENCE);
    let printed = String::from_utf8_lossy(&client.finish()).trim().parse().unwrap_or(0);
    let explanation =
        label!("client should have printed {all}; it printed {printed}", all = ALL, printed);
    let says = at_least("the number that client printed", printed, ALL).explained(explanation);
    lab.claim("says-how-much-came", says);
    lab.claim("exits-with-0", exits_with_0("client", exit.as_ref()));
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
