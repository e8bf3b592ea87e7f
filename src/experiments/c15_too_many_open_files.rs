//! Case 15: accept() fails for want of a descriptor, and the loop spins.

use std::fs::File;
use std::time::Duration;

use super::kit::{connected, listening, no_answer, receive_queues, sockets_at};
use super::l05_process::address_of_server;
use super::{Need, Stepping, Why, child_process, experiment};
use crate::capture::{Interest, Lab, Result, eq};
use crate::trace::{Outcome, SyscallKind};

/// The loop would not end by itself: after so many rounds it is stopped.
const ROUNDS: usize = 100;

experiment!(too_many_open_files, needs = &[Need::Proc], stepping = Stepping::Whole(Why::Many));
/// A server has as many files open as it may, and one more client comes.
fn too_many_open_files(lab: &Lab) -> Result<()> {
    lab.part("no descriptor is left");
    let part = "too-many-open-files-server";
    let server = lab.process("server", part, &[])?;
    server.until_blocked_in(SyscallKind::Accept)?;
    let address = address_of_server(lab)?;
    let first = connected(&lab.actor("first"), &address)?;
    server.until_blocked_in(SyscallKind::Poll)?;
    let second = connected(&lab.actor("second"), &address)?;
    server.until_blocked_in(SyscallKind::Recv)?; // after its rounds
    let limits = format!("/proc/{}/limits", server.id());
    let limit = lab.ask("grep", &["open files", &limits])?;
    let table = sockets_at(lab, "-tan", &[&address])?;

    lab.part("with a spare descriptor");
    first.send_all(b"go on")?;
    let end = second.recv(&mut [0; 64])?;
    server.finish()?;

    let polls = outcomes(lab, SyscallKind::Poll);
    let accepts = outcomes(lab, SyscallKind::Accept);
    let count = |all: &[Outcome], wanted: &Outcome| all.iter().filter(|it| *it == wanted).count();
    let ready = eq("polls: 1 is ready", count(&polls, &Outcome::Result(1)), ROUNDS);
    let failed = eq("accepts: EMFILE", count(&accepts, &Outcome::Errno("EMFILE".into())), ROUNDS);
    lab.claim("ready-and-refused", ready.and(failed));
    let queue = eq("Recv-Q in LISTEN", receive_queues(&table, "LISTEN"), "1");
    lab.claim("the-client-waits", queue);
    let highest = accepts.first().map_or_else(String::new, Outcome::to_string);
    let below = highest.parse().map_or(0, |highest: i64| highest + 1);
    match limit.split_whitespace().nth(3).and_then(|it| it.parse::<i64>().ok()) {
        Some(soft) => lab.claim("the-limit-is-told", eq("soft limit", soft, below)),
        None => lab.not_checked("the-limit-is-told", no_answer("grep")),
    }
    let accepted = eq("accepts that succeeded", accepts.len() - ROUNDS, 2);
    let told = eq("second's recv", end, 0);
    let quiet =
        eq("last poll: ready", polls.last().map_or_else(String::new, Outcome::to_string), "0");
    lab.claim("the-spare-lets-it-in", accepted.and(told).and(quiet));
    Ok(())
}

/// What the server's calls of this function returned.
fn outcomes(lab: &Lab, kind: SyscallKind) -> Vec<Outcome> {
    let calls = lab.calls("server").into_iter().map(|(_, back)| back);
    calls.filter(|back| back.call.kind() == kind).map(|back| back.outcome).collect()
}

child_process!(too_many_open_files_server);
/// The server of [`too_many_open_files`], in a process of its own.
fn too_many_open_files_server(lab: &Lab) -> Result<()> {
    let me = lab.played();
    let (listener, _) = listening(lab, &me)?;
    let spare = File::open("/dev/null")?;
    let (first, _) = listener.accept()?;
    let next = u64::try_from(first.descriptor()).unwrap_or_default() + 1;
    lab.limit_descriptors(next)?; // no number is free
    let watched = [(&listener, Interest::Read)];
    for _ in 0..ROUNDS {
        me.poll(&watched, None)?; // a client waits
        let _ = listener.accept(); // EMFILE, and it still waits
    }
    first.recv(&mut [0; 64])?; // until the other side has looked

    me.deed("close the spare descriptor", || {
        drop(spare);
        Ok(())
    })?;
    let (second, _) = listener.accept()?;
    second.close()?; // it is told at once
    let _spare = me.deed("open /dev/null", || File::open("/dev/null"))?;
    me.poll(&watched, Some(Duration::ZERO))?; // nobody waits
    Ok(())
}
