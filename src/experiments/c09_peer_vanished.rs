//! Case 9: a client is gone, and its server is not told.

use std::io;
use std::time::Duration;

use super::experiment;
use super::kit::{at_port_of, connected, lines_with, listening_on_the_wire, transferred};
use crate::capture::{
    Lab, Network, Result, Socket, at_least_duration, before, eq, failed_with, in_ticks,
};
use crate::trace::SyscallKind;

const SECOND: Duration = Duration::from_secs(1);

experiment!(client_gone_unnoticed, network = Network::Wire);
fn client_gone_unnoticed(lab: &Lab) -> Result<()> {
    let gone = client_vanishes(lab, false, |_| Ok(()))?;
    let waiting = before("ss has shown it", gone.asked_ns, "end of recv", gone.returned_ns);
    let open = eq("lines of ss with ESTAB", lines_with(&gone.shown, "ESTAB"), 1);
    let timers = eq("of them with a timer", lines_with(&gone.shown, "timer:"), 0);
    lab.claim("still-established", open.and(timers).and(waiting));
    lab.claim("told-when-it-can-be", transferred("recv", &gone.answer, 0));
    Ok(())
}

experiment!(keepalive_finds_it_gone, network = Network::Wire);
fn keepalive_finds_it_gone(lab: &Lab) -> Result<()> {
    let gone = client_vanishes(lab, true, |server| {
        server.set_keepalive(true)?;
        server.set_keepalive_time(SECOND)?; // before the first probe
        server.set_keepalive_interval(SECOND)?; // between two probes
        server.set_keepalive_retries(2) // unanswered probes
    })?;
    let timers = eq("lines of ss with a timer", lines_with(&gone.shown, "timer:(keepalive"), 1);
    lab.claim("ss-shows-the-timer", timers);
    let accept = lab.last_call("server", SyscallKind::Accept)?;
    let silent = Duration::from_nanos(gone.returned_ns - accept.entered_ns);
    let slow = in_ticks(&accept.back, silent);
    let slow = at_least_duration("accept to error", slow, "by the settings", SECOND * 3);
    let found = failed_with("recv", &gone.answer, "ETIMEDOUT");
    lab.claim("the-wait-has-an-end", found.and(slow));
    Ok(())
}

/// What became of a server's recv().
struct Waited {
    /// What `ss` showed of the server's end meanwhile, and when.
    shown: String,
    asked_ns: u64,
    answer: io::Result<usize>,
    returned_ns: u64,
}

/// A client vanishes, and its server waits in recv(): for good, or until the wire is whole again.
fn client_vanishes(
    lab: &Lab,
    for_good: bool,
    prepare: impl Fn(&Socket) -> io::Result<()>,
) -> Result<Waited> {
    let wire = lab.wire()?;
    let (listener, address) = listening_on_the_wire(lab)?;
    let client = connected(&lab.actor("client"), &address)?;
    let (server, _) = listener.accept()?;
    prepare(&server)?;
    wire.settle(); // all that was sent has arrived
    wire.cut(); // a cable, a battery, a lid that was closed
    client.close()?; // its FIN gets nowhere

    let (shown, asked_ns, answer) = lab.scope(|stage| {
        let waiting = stage.actor("server", |_| {
            Ok(server.recv(&mut [0; 16])) // without a limit
        })?;
        waiting.until_blocked_in(SyscallKind::Recv)?;
        let shown = lab.ask("ss", &["-tno", &at_port_of(&address)])?;
        let asked_ns = lab.recorder().now_ns();
        if !for_good {
            wire.plug_in(); // or it would wait on
        }
        Ok((shown, asked_ns, waiting.finish()?))
    })?;
    let recv = lab.last_call("server", SyscallKind::Recv)?;
    Ok(Waited { shown, asked_ns, answer, returned_ns: recv.returned_ns })
}
