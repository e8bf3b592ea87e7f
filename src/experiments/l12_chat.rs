//! Lesson 12: the chat with two threads per side, and what the three styles can do. It runs the chat's own code,
//! `src/chat/{threads,turns,poll}.rs`, between two puppets.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use super::experiment;
use crate::capture::{
    ActorThread, Error, Kind, Lab, Parameter, Result, Sampler, Seen, Stage, before, eq,
    waited_at_least,
};
use crate::chat::puppet::{PuppetPeer, puppets};
use crate::chat::{EndReason, Style, poll, threads, turns};
use crate::i18n::Text;
use crate::trace::{Event, EventKind, SyscallKind};

pub(super) const PAUSE: Parameter = Parameter {
    name: "pause",
    default: "60ms",
    kind: Kind::Span(1, 60_000),
    help: Text("how long nobody types in between"),
};

const FOUR: [&str; 4] = ["client sends", "client receives", "server sends", "server receives"];

experiment!(four_threads, parameters = &[PAUSE]);
fn four_threads(lab: &Lab) -> Result<()> {
    let (client, server) = puppets(lab)?;
    let pause = lab.span("pause")?;
    lab.sample_while(Sampler::PERIOD, || {
        lab.scope(|stage| {
            let hers = talks(lab, stage, &client, Style::Threads)?;
            let his = talks(lab, stage, &server, Style::Threads)?;
            client.until_in_recv("client receives");
            lab.wait(pause, "nobody types");
            client.type_lines("你好\n")?;
            server.until_shown(1);
            client.type_lines("在吗？\n")?; // nobody has answered
            server.until_shown(2);
            lab.wait(pause, "nobody types");
            server.type_lines("你也好啊\n在！\n")?;
            client.until_shown(2);
            client.press_ctrl_d()?;
            server.press_ctrl_d()?;
            hers.finish()?;
            his.finish()
        })
    })?;

    check_threads(lab);
    check_order(lab, pause)
}

/// There are four threads with a name each, and none of them both sends and receives.
fn check_threads(lab: &Lab) {
    let each = FOUR.map(|name| threads_of(lab, &[name], 0).len() == 1);
    let one = eq("names with one thread each", each.iter().filter(|one| **one).count(), 4);
    lab.claim("four-threads-call", eq("threads", threads_of(lab, &FOUR, 0).len(), 4).and(one));
    let strays =
        |kind, who: [&str; 2]| who.iter().map(|name| of(lab, name, kind).len()).sum::<usize>();
    let recvs = eq("recvs of the senders", strays(SyscallKind::Recv, [FOUR[0], FOUR[2]]), 0);
    let sends = eq("sends of the receivers", strays(SyscallKind::Send, [FOUR[1], FOUR[3]]), 0);
    lab.claim("senders-send-receivers-receive", recvs.and(sends));
}

/// The client sent twice in a row without waiting for its turn, and its other thread was in recv() all the time.
fn check_order(lab: &Lab, pause: Duration) -> Result<()> {
    let (sends, answer) =
        (of(lab, "client sends", SyscallKind::Send), of(lab, "server sends", SyscallKind::Send));
    let heard = of(lab, "client receives", SyscallKind::Recv);
    let ([first, second, ..], [answer, ..], [heard, ..]) = (&sends[..], &answer[..], &heard[..])
    else {
        return Err(Error::assertion("each of them sends or receives"));
    };
    let row =
        before("client's second send", second.entered_ns, "server's first", answer.entered_ns);
    lab.claim("no-turns-any-more", row);
    let begins = before("recv begins", heard.entered_ns, "first send", first.entered_ns);
    let ends = before("second send", second.entered_ns, "recv ends", heard.returned_ns);
    lab.claim(
        "waiting-and-sending-at-once",
        begins.and(ends).and(waited_at_least("recv", heard.took(), pause)),
    );
    Ok(())
}

experiment!(goodbye, parameters = &[PAUSE]);
fn goodbye(lab: &Lab) -> Result<()> {
    let (client, server) = puppets(lab)?;
    let pause = lab.span("pause")?;
    let reasons = lab.sample_while(Sampler::PERIOD, || {
        lab.scope(|stage| {
            let hers = talks(lab, stage, &client, Style::Threads)?;
            let his = talks(lab, stage, &server, Style::Threads)?;
            client.type_lines("再见\n")?;
            server.until_shown(1);
            client.press_ctrl_d()?;
            server.until_left("server receives"); // recv() gave 0
            lab.wait(pause, "the server's user types");
            server.type_lines("再见！\n")?;
            client.until_shown(1);
            server.press_ctrl_d()?;
            Ok([hers.finish()?, his.finish()?])
        })
    })?;

    let heard = eq("client's screen", client.screen(), "Jack: 再见！");
    lab.claim("the-other-half-still-speaks", heard);
    check_ends(lab, &reasons)
}

/// The server's user spoke after the client's shutdown, and in the end all four threads had exited.
fn check_ends(lab: &Lab, reasons: &[EndReason]) -> Result<()> {
    let shut = lab.last_call("client sends", SyscallKind::Shutdown)?.entered_ns;
    let his = lab.last_call("server receives", SyscallKind::Recv)?.back;
    let end = eq("server's last recv", his.outcome.to_string(), "0");
    let word = lab.last_call("server sends", SyscallKind::Send)?.entered_ns;
    let sooner = before("shutdown", shut, "server's send", word);
    lab.claim("one-half-is-closed", end.and(sooner));
    let hers = lab.last_call("client receives", SyscallKind::Recv)?.back;
    let end = eq("client's last recv", hers.outcome.to_string(), "0");
    let well = |reason: &&EndReason| matches!(reason, EndReason::Ended);
    let ended = reasons.iter().filter(well).count();
    let ended = eq("talks ended in good order", ended, 2);
    lab.claim("both-see-the-end", end.and(ended));
    let gone = eq("threads that have left", left(lab), 4);
    lab.claim("no-thread-is-left", gone);
    Ok(())
}

/// How many of the four threads have ended.
fn left(lab: &Lab) -> usize {
    let left = |event: &&Event| {
        matches!(event.what, EventKind::Exited { .. }) && FOUR.contains(&&*event.actor)
    };
    lab.recorder().look(|events| events.iter().filter(left).count())
}

experiment!(three_styles, parameters = &[PAUSE]);
fn three_styles(lab: &Lab) -> Result<()> {
    let turns = two_lines_in_a_row(lab, "turns", Style::Turns)?;
    let threads = two_lines_in_a_row(lab, "threads", Style::Threads)?;
    let poll = two_lines_in_a_row(lab, "poll", Style::Poll)?;

    let long = waited_at_least("second line", turns.took, lab.span("pause")?);
    let one = eq("lines shown", turns.shown, 1);
    lab.claim("turns-let-one-line-through", one.and(long));
    lab.claim("threads-let-both", eq("lines shown", threads.shown, 2));
    lab.claim("poll-lets-both", eq("lines shown", poll.shown, 2));
    let one = eq("threads by turns", turns.threads, 1);
    let one = one.and(eq("with poll", poll.threads, 1));
    let two = eq("with threads", threads.threads, 2);
    lab.claim("threads-a-side", one.and(two));
    Ok(())
}

/// What two lines in a row led to.
struct TwoLines {
    /// How many were shown before the server's user typed anything.
    shown: usize,
    /// How long the second took from keyboard to screen.
    took: Duration,
    /// How many of the client's threads sent or received.
    threads: usize,
}

/// The client's user types two lines in a row. If the second does not get through, the server's user then types one.
fn two_lines_in_a_row(lab: &Lab, name: &'static str, style: Style) -> Result<TwoLines> {
    let began = lab.recorder().look(|events| events.last().map_or(0, |event| event.at_ns));
    let (client, server) = puppets(lab)?;
    let (shown, took) = lab.scope(|stage| {
        let hers = talks(lab, stage, &client, style)?;
        let his = talks(lab, stage, &server, style)?;
        client.type_lines("one\n")?;
        server.until_shown(1);
        let typed = Instant::now();
        client.type_lines("two\n")?;
        if style == Style::Turns {
            hers.until_blocked_in(SyscallKind::Recv)?; // it is his turn
            lab.wait(lab.span("pause")?, "the server's user thinks");
        } else {
            server.until_shown(2);
        }
        let shown = server.screen().lines().count();
        if shown < 2 {
            server.type_lines("at last\n")?;
            server.until_shown(2);
        }
        let took = typed.elapsed();
        client.press_ctrl_d()?;
        server.press_ctrl_d()?;
        hers.finish()?;
        his.finish()?;
        Ok((shown, took))
    })?;
    lab.measure("the second line, keyboard to screen", name, took);
    Ok(TwoLines {
        shown,
        took,
        threads: threads_of(lab, &["client", FOUR[0], FOUR[1]], began).len(),
    })
}

/// Starts this puppet's side in this style, with the chat's own code.
fn talks<'scope, 'env>(
    lab: &'env Lab,
    stage: &Stage<'scope, 'env>,
    puppet: &'scope PuppetPeer,
    style: Style,
) -> Result<ActorThread<'scope, EndReason>>
where
    'env: 'scope,
{
    let side = puppet.side;
    stage.actor(side.name(), move |me| match style {
        Style::Turns => turns::talk(side, puppet.connect(&me)?),
        Style::Threads => threads::talk(lab, side, puppet.connect(&me)?),
        Style::Poll => poll::talk(&me, puppet.connect(&me)?),
    })
}

/// The threads in which these actors sent or received since then.
fn threads_of(lab: &Lab, actors: &[&str], since_ns: u64) -> BTreeSet<u32> {
    let calls = actors.iter().flat_map(|actor| lab.calls(actor));
    let talk = calls.filter(|(event, back)| {
        event.at_ns > since_ns && matches!(back.call.kind(), SyscallKind::Send | SyscallKind::Recv)
    });
    talk.map(|(event, _)| event.thread).collect()
}

/// The calls of this function that an actor made, in order.
fn of(lab: &Lab, actor: &str, kind: SyscallKind) -> Vec<Seen> {
    let calls = lab.calls(actor).into_iter().filter(|(_, back)| back.call.kind() == kind);
    let seen = |(event, back): (Event, crate::trace::Return)| Seen {
        entered_ns: event.at_ns - back.took_ns.min(event.at_ns),
        returned_ns: event.at_ns,
        back,
    };
    calls.map(seen).collect()
}
