//! Case 30: a signal interrupts a call.

use std::io::{self, ErrorKind};

use super::kit::{connection, count_calls, no_answer, transferred};
use super::{Need, Stepping, Why, experiment};
use crate::capture::{Actor, ActorThread, Interest, Lab, Result, eq, failed_with, sys};
use crate::trace::{Lack, SyscallKind, label};

experiment!(interrupted, needs = &[Need::Proc], stepping = Stepping::Whole(Why::Sleep));
fn interrupted(lab: &Lab) -> Result<()> {
    let main = lab.actor("main");
    let (client, server) = connection(lab)?;
    let recv = |_: Actor| Ok(server.recv(&mut [0; 64]));
    let send = || client.send_all(b"hello");

    lab.part("caught without SA_RESTART");
    main.deed("sigaction SIGUSR1", || sys::catch_sigusr1(false))?;
    let answer = lab.scope(|stage| {
        let thread = stage.actor("server", recv)?;
        interrupt(&main, &thread, SyscallKind::Recv)?;
        thread.finish()
    })?;
    lab.claim("recv-is-interrupted", failed_with("recv", &answer, "EINTR"));
    match caught_signals(lab)? {
        Some(mask) => lab.claim("the-signal-is-caught", eq("10th bit of SigCgt", mask >> 9 & 1, 1)),
        None => lab.not_checked("the-signal-is-caught", no_answer("grep")),
    }

    lab.part("called again");
    let again = |_: Actor| {
        Ok(loop {
            match server.recv(&mut [0; 64]) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                answer => break answer,
            }
        })
    };
    let before = count_calls(lab, "server", SyscallKind::Recv);
    let answer = answered_after_a_signal(lab, again, send)?;
    let calls = count_calls(lab, "server", SyscallKind::Recv) - before;
    let bytes = transferred("recv", &answer, 5);
    lab.claim("the-loop-gets-the-bytes", bytes.and(eq("calls", calls, 2)));

    lab.part("caught with SA_RESTART");
    let restart = label!("sigaction SIGUSR1, SA_RESTART");
    main.deed(restart, || sys::catch_sigusr1(true))?;
    let before = count_calls(lab, "server", SyscallKind::Recv);
    let answer = answered_after_a_signal(lab, recv, send)?;
    let calls = count_calls(lab, "server", SyscallKind::Recv) - before;
    let bytes = transferred("recv", &answer, 5);
    lab.claim("the-kernel-goes-on", bytes.and(eq("calls", calls, 1)));
    let answer = lab.scope(|stage| {
        let watched = [(&server, Interest::Read)];
        let poll = move |me: Actor| Ok(me.poll(&watched, None));
        let thread = stage.actor("server", poll)?;
        interrupt(&main, &thread, SyscallKind::Poll)?;
        thread.finish()
    })?;
    lab.claim("poll-is-interrupted-all-the-same", failed_with("poll", &answer, "EINTR"));
    Ok(())
}

/// A thread receives; a signal comes in between, and after it five bytes. Gives what the thread got.
fn answered_after_a_signal(
    lab: &Lab,
    receive: impl FnOnce(Actor) -> Result<io::Result<usize>> + Send,
    send: impl FnOnce() -> io::Result<()>,
) -> Result<io::Result<usize>> {
    lab.scope(|stage| {
        let thread = stage.actor("server", receive)?;
        interrupt(&lab.actor("main"), &thread, SyscallKind::Recv)?;
        thread.until_blocked_in(SyscallKind::Recv)?; // again, or still
        send()?;
        thread.finish()
    })
}

/// Sends the signal to a thread that is blocked in this function, and waits until its handler has run.
fn interrupt<T>(main: &Actor, thread: &ActorThread<'_, T>, kind: SyscallKind) -> Result<()> {
    thread.until_blocked_in(kind)?;
    if thread.observe().is_none_or(|seen| seen.state.is_none()) {
        return Err(Lack::ThreadStates.into()); // it may not be in the call yet
    }
    let before = sys::times_caught();
    main.deed("tgkill SIGUSR1", || sys::send_sigusr1(thread.id()))?;
    sys::look_until(|| (sys::times_caught() > before).then_some(()));
    Ok(())
}

/// The signals that this process catches, as a mask: SIGUSR1 has the number 10, so its bit is the tenth.
fn caught_signals(lab: &Lab) -> Result<Option<u64>> {
    let status = format!("/proc/{}/status", std::process::id());
    let row = lab.ask("grep", &["SigCgt", &status])?;
    Ok(row.split_whitespace().nth(1).and_then(|mask| u64::from_str_radix(mask, 16).ok()))
}
