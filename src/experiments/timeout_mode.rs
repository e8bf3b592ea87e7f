//! Lesson 10: timeout mode, and the three modes side by side.

use std::sync::Barrier;
use std::time::Duration;

use socket2::{Domain, Protocol, SockAddr, Type};

use super::{Chapter, Experiment, SourceFile};
use crate::event::{Outcome, Value};
use crate::lab::{Actor, Kind, Lab, Network, Parameter, Proof, Result, Sampler, Socket, is, lasted, less};

const FILE: SourceFile = SourceFile { path: file!(), text: include_str!("timeout_mode.rs") };

const SILENCE: Parameter =
    Parameter { name: "silence", default: "600ms", kind: Kind::Span(1, 60_000), help: "how long the peer says nothing" };
const TIMEOUT: Parameter =
    Parameter { name: "timeout", default: "250ms", kind: Kind::Span(1, 60_000), help: "the timeout of the socket in timeout mode" };

pub(super) static CHAPTER: Chapter = Chapter {
    experiments: &[Experiment {
        name: "three-modes",
        play: three_modes,
        claims: &["non-blocking-fails-at-once", "timeout-fails-in-time", "blocking-waits-for-the-bytes"],
        parameters: &[SILENCE, TIMEOUT],
        network: Network::Host,
        file: FILE,
    }],
    parts: &[],
};

fn three_modes(lab: &Lab) -> Result<()> {
    let (silence, timeout) = (lab.span("silence")?, lab.span("timeout")?);
    let peer = lab.actor("peer");
    let listener = peer.socket(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
    listener.bind(&lab.here(0))?;
    listener.listen(5)?;
    let address = listener.local_addr()?;

    // All three are connected before the first of them calls recv().
    let start = Barrier::new(4);
    lab.sample_while(Sampler::PERIOD, || {
        lab.scope(|stage| {
            let blocking = stage.actor("blocking", |me| one_recv(lab, &me, &address, &start, |_| Ok(())))?;
            let first = listener.accept()?.0;
            let non_blocking =
                stage.actor("non-blocking", |me| one_recv(lab, &me, &address, &start, |socket| socket.set_nonblocking(true)))?;
            let second = listener.accept()?.0;
            let timed =
                stage.actor("timeout", |me| one_recv(lab, &me, &address, &start, |socket| socket.set_read_timeout(Some(timeout))))?;
            let third = listener.accept()?.0;

            start.wait();
            blocking.until_blocked_in("recv")?;
            lab.wait(silence, "the peer is silent");
            for connection in [&first, &second, &third] {
                connection.send(b"at last")?;
            }
            blocking.finish()?;
            non_blocking.finish()?;
            timed.finish()
        })
    })?;

    let [blocking, non_blocking, timed] = ["blocking", "non-blocking", "timeout"].map(|name| lab.last_call(name, "recv"));
    let (blocking, non_blocking, timed) = (blocking?, non_blocking?, timed?);
    lab.claim(
        "non-blocking-fails-at-once",
        is("non-blocking", said(&non_blocking.back.outcome), "EAGAIN").and(less(
            "its time",
            nanoseconds(non_blocking.took()),
            "that of blocking",
            nanoseconds(blocking.took()),
        )),
    );
    lab.claim("timeout-fails-in-time", in_time(&timed.back.outcome, timed.took(), timeout, silence));
    lab.claim(
        "blocking-waits-for-the-bytes",
        is("blocking", said(&blocking.back.outcome), "7").and(lasted("recv", blocking.took(), silence)),
    );
    Ok(())
}

/// Connects, sets its mode, and calls recv() once, when all are ready.
fn one_recv(lab: &Lab, me: &Actor, to: &SockAddr, start: &Barrier, set_mode: impl FnOnce(&Socket) -> std::io::Result<()>) -> Result<()> {
    let socket = me.socket(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
    socket.connect(to)?;
    set_mode(&socket)?;
    start.wait();
    let _ = (lab, socket.recv(&mut [0; 1024]));
    Ok(())
}

fn in_time(outcome: &Outcome, took: Duration, timeout: Duration, silence: Duration) -> Proof {
    if timeout < silence {
        is("timeout", said(outcome), "EAGAIN").and(lasted("recv", took, timeout))
    } else {
        is("timeout", said(outcome), "7")
    }
}

fn said(outcome: &Outcome) -> Value {
    outcome.to_string().into()
}

fn nanoseconds(span: Duration) -> usize {
    usize::try_from(span.as_nanos()).unwrap_or(usize::MAX)
}
