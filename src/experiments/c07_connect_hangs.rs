//! Case 7: nobody answers the SYNs, and connect() waits until the kernel gives up.

use std::time::Duration;

use socket2::{Domain, Type};

use super::experiment;
use super::kit::{lines_with, listening_on_the_wire, tcp_socket};
use crate::capture::link::{Syn, nth};
use crate::capture::{
    self, Interest, Kind, Lab, Network, Parameter, Result, at_least, before, eq, failed_with,
    waited_at_least,
};
use crate::i18n::Text;
use crate::trace::SyscallKind;

const SECOND: Duration = Duration::from_secs(1);

experiment!(connect_gets_no_answer, network = Network::Wire);
fn connect_gets_no_answer(lab: &Lab) -> Result<()> {
    let wire = lab.wire()?;
    let (_server, address) = listening_on_the_wire(lab)?;
    let server = capture::address(&address).to_string();
    wire.cut(); // as a firewall that drops every segment

    let client = tcp_socket(lab, "client")?;
    let (answer, asked) = lab.scope(|stage| {
        let waiting = stage.actor("client", |_| Ok(client.connect(&address)))?;
        waiting.until_blocked_in(SyscallKind::Connect)?;
        let shown = lab.ask("ss", &["-tno", "state", "syn-sent"])?;
        let lines = lines_with(&shown, &server);
        let asked = (lab.recorder().now_ns(), lines);
        // The kernel would go on for two minutes: let it give up sooner.
        client.set_tcp_user_timeout(Some(SECOND))?;
        Ok((waiting.finish()?, asked))
    })?;
    let call = lab.last_call("client", SyscallKind::Connect)?;
    let still = before("ss has shown it", asked.0, "end of connect", call.returned_ns);
    lab.claim("still-trying", eq("lines of ss", asked.1, 1).and(still));
    let _second = wire.until(nth(2, Syn)); // we may see it late
    lab.claim("the-syn-goes-out-again", at_least("SYNs", wire.seen(Syn).len(), 2));
    let ended = failed_with("connect", &answer, "ETIMEDOUT");
    let took = waited_at_least("connect", call.took_in_ticks(), SECOND);
    lab.claim("the-kernel-gives-up", ended.and(took));
    Ok(())
}

experiment!(
    connect_with_a_limit,
    network = Network::Wire,
    parameters = &[Parameter {
        name: "limit",
        default: "500ms",
        kind: Kind::Span(1, 60_000),
        help: Text("the program's time limit for connect()"),
    }]
);
fn connect_with_a_limit(lab: &Lab) -> Result<()> {
    let (wire, limit) = (lab.wire()?, lab.span("limit")?);
    let (_server, address) = listening_on_the_wire(lab)?;
    let server = capture::address(&address).to_string();
    wire.cut();

    let client = lab.actor("client");
    let socket = client.socket(Domain::IPV4, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    let begun = socket.connect(&address); // only begins it
    let ready = client.poll(&[(&socket, Interest::Write)], Some(limit))?;
    let under_way = lab.ask("ss", &["-tn", "state", "syn-sent"])?;
    socket.close()?; // ends the attempt
    let after = lab.ask("ss", &["-tn", "state", "syn-sent"])?;

    let begun = failed_with("connect", &begun, "EINPROGRESS");
    let vain = eq("sockets ready", ready.count(), 0);
    let poll = lab.last_call("client", SyscallKind::Poll)?;
    let vain = vain.and(waited_at_least("poll", poll.took(), limit));
    lab.claim("poll-keeps-the-limit", begun.and(vain));
    let earlier = eq("lines of ss", lines_with(&under_way, &server), 1);
    let later = eq("after close()", lines_with(&after, &server), 0);
    lab.claim("close-ends-the-attempt", earlier.and(later));
    Ok(())
}
