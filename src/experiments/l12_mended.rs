//! Lesson 12: what a first chat with threads gets wrong, beside the chat's own code, which gets it right.

use std::hint::spin_loop;
use std::io::{PipeReader, Read, pipe};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use socket2::{Domain, Type};

use super::l05_process::{claim_if_told, no_turn_between};
use super::{Need, experiment};
use crate::capture::{
    self, ActorThread, Error, Kind, Lab, Parameter, Result, Sampler, Socket, at_least_duration,
    before, eq, eq_between, failed_with,
};
use crate::chat::puppet::{connect_to, puppet_at_terminal, puppets_at, until_last_event};
use crate::chat::{EndReason, Side, threads};
use crate::i18n::Text;
use crate::trace::{Event, EventKind, Label, Sample, Syscall, SyscallKind, label};

experiment!(
    peer_leaves,
    needs = &[Need::Proc],
    parameters = &[Parameter {
        name: "pause",
        default: "60ms",
        kind: Kind::Span(1, 60_000),
        help: Text("how long nothing happens"),
    }]
);
fn peer_leaves(lab: &Lab) -> Result<()> {
    let (peer, pause) = (lab.actor("peer"), lab.span("pause")?);
    let listener = peer.socket(Domain::IPV4, Type::STREAM, None)?;
    listener.bind(&lab.here(0))?;
    listener.listen(5)?;
    let address = listener.local_addr()?;
    let puppet = puppet_at_terminal(lab, listener.local_addr()?, &peer)?;
    let ((keyboard, keys), over) = (pipe()?, AtomicBool::new(false));
    let ((calls, called), (tells, told), (ours_calls, ours_called)) =
        (channel(), channel(), channel());

    let found = lab.sample_while(Sampler::PERIOD, || {
        lab.scope(|stage| {
            let over = EndsTheLoop(&over);
            // The naive program: two threads, and a main thread that waits in a loop.
            let naive = stage.actor("naive", {
                let over = over.0;
                move |me| {
                    let socket = connect_to(&me, &address)?;
                    let _ = calls.send(());
                    lab.scope(|stage| {
                        let sender =
                            stage.actor("naive sends", |_| naive_sends(&socket, keyboard))?;
                        stage.actor("naive receives", |_| naive_receives(&socket))?;
                        let start = lab.cpu_time();
                        while !over.load(Relaxed) {
                            spin_loop(); // while True: pass
                        }
                        sender.until_asleep();
                        let _ = tells.send(sender.observe());
                        Ok(start.zip(lab.cpu_time()).map(|(start, end)| end - start))
                    })
                }
            })?;
            let naive = has_called(naive, &called)?;
            let (one, _) = listener.accept()?;
            until_last_event(lab, "naive receives", in_recv);
            // The chat's own code, as at a terminal.
            let ours = stage.actor("client", move |me| {
                let session = puppet.connect(&me)?;
                let _ = ours_calls.send(());
                threads::talk(lab, Side::Client, session)
            })?;
            let ours = has_called(ours, &ours_called)?;
            let (other, _) = listener.accept()?;
            until_last_event(lab, "client receives", in_recv);
            ours.until_asleep();
            let earlier = ours.observe();
            lab.wait(pause, "nobody speaks");
            let later = ours.observe();

            one.close()?; // the peer leaves both
            other.close()?;
            until_last_event(lab, "naive receives", has_left);
            let ended = ours.finish()?; // without a key
            lab.wait(pause, "nobody types");
            let left = left(lab, ["naive", "naive sends", "naive receives"]);
            drop(over);
            let sender = told.recv().unwrap_or_default();
            peer.deed("types Ctrl-D", || {
                drop(keys);
                Ok(())
            })?;
            Ok(Found { ended, left, sender, main: earlier.zip(later), spun: naive.finish()? })
        })
    })?;
    check_leaving(lab, &found, pause)
}

/// Ends the naive main thread's loop when it is dropped, also after an error.
struct EndsTheLoop<'a>(&'a AtomicBool);

impl Drop for EndsTheLoop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
    }
}

/// Waits until this actor has connected, so that accept() will return. Returns its error if it could not.
fn has_called<'scope, T>(
    caller: ActorThread<'scope, T>,
    called: &Receiver<()>,
) -> Result<ActorThread<'scope, T>> {
    if called.recv().is_ok() {
        return Ok(caller);
    }
    caller.finish()?;
    Err(Error::assertion("it ended without connecting"))
}

/// Reads the keyboard and sends. Nothing but the keyboard wakes it.
fn naive_sends(socket: &Socket, mut keyboard: PipeReader) -> Result<()> {
    let mut line = [0; 1024];
    loop {
        match keyboard.read(&mut line)? {
            0 => return Ok(()),
            n => socket.send_all(&line[..n])?,
        }
    }
}

/// Receives until recv() returns 0.
fn naive_receives(socket: &Socket) -> Result<()> {
    while socket.recv(&mut [0; 1024])? > 0 {}
    Ok(())
}

fn in_recv(what: &EventKind) -> bool {
    matches!(what, EventKind::Enter(call) if call.kind() == SyscallKind::Recv)
}

fn has_left(what: &EventKind) -> bool {
    matches!(what, EventKind::Exited { .. })
}

/// What was seen of the two programs.
struct Found {
    /// How the chat ended.
    ended: EndReason,
    /// How many of the naive program's threads had exited, some time after the peer had left.
    left: usize,
    /// What the kernel reported of its sender then.
    sender: Option<Sample>,
    /// What the kernel reported of the chat's main thread, before and after a pause.
    main: Option<(Sample, Sample)>,
    /// Processor time that the naive main thread used in its loop.
    spun: Option<Duration>,
}

fn check_leaving(lab: &Lab, found: &Found, pause: Duration) -> Result<()> {
    let end = eq(
        "its last recv",
        lab.last_call("naive receives", SyscallKind::Recv)?.back.outcome.to_string(),
        "0",
    );
    lab.claim("one-thread-notices", end.and(eq("naive threads that left", found.left, 1)));
    let sleeps = |sender: &Sample| {
        Some(eq("its sender", sender.state?, 'S').and(eq(
            "its system call",
            sender.syscall.clone()?,
            "read",
        )))
    };
    claim_if_told(lab, "the-sender-sleeps-on", found.sender.as_ref().and_then(sleeps));

    let gone =
        eq("our talk ended with", Label::from(format!("{:?}", found.ended)), label!("PeerLeft"));
    let all =
        eq("our threads that left", left(lab, ["client", "client sends", "client receives"]), 3);
    let first = before(
        "our sender",
        left_at(lab, "client sends"),
        "the naive one, after Ctrl-D",
        left_at(lab, "naive sends"),
    );
    lab.claim("ours-ends-by-itself", gone.and(all).and(first));

    let spun = found.spun.map(|spun| {
        at_least_duration("naive main thread used", spun, "a hundredth of the pause", pause / 100)
    });
    claim_if_told(lab, "an-empty-loop-burns", spun);
    let idle = |(earlier, later): &(Sample, Sample)| no_turn_between(earlier, later);
    claim_if_told(lab, "join-uses-nothing", found.main.as_ref().and_then(idle));
    Ok(())
}

/// How many of these have exited so far.
fn left(lab: &Lab, actors: [&str; 3]) -> usize {
    let left = |event: &&Event| has_left(&event.what) && actors.contains(&&*event.actor);
    lab.recorder().look(|events| events.iter().filter(left).count())
}

/// When this actor exited.
fn left_at(lab: &Lab, actor: &str) -> u64 {
    let left = |event: &&Event| has_left(&event.what) && &*event.actor == actor;
    lab.recorder().look(|events| events.iter().find(left).map_or(u64::MAX, |event| event.at_ns))
}

experiment!(every_family, needs = &[Need::Ipv6]);
fn every_family(lab: &Lab) -> Result<()> {
    // An IPv4 socket, and an address of IPv6: port 9 of this machine.
    let naive = lab.actor("naive").socket(Domain::IPV4, Type::STREAM, None)?;
    let answer = naive.connect(&lab.here_v6(9));
    lab.claim("ipv4-socket-stays-in-ipv4", failed_with("connect", &answer, "EAFNOSUPPORT"));
    let loops = include_str!("../chat/threads.rs");
    let words = ["Domain", "Address", "SockAddr", "IpAddr", "Inet", "Unix", "AF_"];
    let found = words.iter().filter(|word| loops.contains(**word)).count();
    lab.claim("no-family-in-the-loops", eq("words for families or addresses", found, 0));

    let talk = talk_at(lab, "127.0.0.1:0")?;
    claim_whole(lab, "talk-over-ipv4", &talk);
    lab.claim(
        "the-server-says-who-called",
        eq_between("in its note", talk.noted, "the client's address", talk.client),
    );
    claim_numbers(lab)?;

    match unix_address(lab) {
        Ok(address) => claim_whole(lab, "talk-over-unix", &talk_at(lab, &address)?),
        Err(Error::Unavailable(why)) => lab.not_checked("talk-over-unix", why),
        Err(error) => return Err(error),
    }

    lab.need_ipv6()?; // else this machine can show no more
    claim_whole(lab, "talk-over-ipv6", &talk_at(lab, "[::1]:0")?);
    Ok(())
}

/// A name that no other socket has: on Linux one outside the file system, elsewhere a path.
fn unix_address(lab: &Lab) -> Result<String> {
    if cfg!(target_os = "linux") {
        return Ok(format!("unix:@explore-{}", std::process::id()));
    }
    lab.here_unix("chat")?;
    Ok(format!("unix:{}", lab.path("chat")?.display()))
}

/// What a talk left behind.
struct Talked {
    server_saw: String,
    client_saw: String,
    /// The address at the end of the server's note to its user.
    noted: String,
    /// The client's own address.
    client: String,
}

/// Two sides say hello, with the chat's own code from connecting to closing.
fn talk_at(lab: &Lab, address: &str) -> Result<Talked> {
    let (client, server) = puppets_at(lab, address)?;
    lab.scope(|stage| {
        let hers =
            stage.actor("client", |me| threads::talk(lab, Side::Client, client.connect(&me)?))?;
        let his =
            stage.actor("server", |me| threads::talk(lab, Side::Server, server.connect(&me)?))?;
        client.type_lines("你好\n")?;
        server.until_shown(1);
        server.type_lines("你也好啊\n")?;
        client.until_shown(1);
        // The states of a connection that is being closed are not what is shown here.
        lab.without_questions(|| {
            client.press_ctrl_d()?;
            server.press_ctrl_d()?;
            hers.finish()?;
            his.finish()
        })
    })?;
    let own = capture::address(&client.socket()?.local_addr()?).to_string();
    let note = server.last_note(); // connected from: 127.0.0.1:50000
    let noted = note.get(note.len().saturating_sub(own.len())..).unwrap_or_default().to_owned();
    Ok(Talked { server_saw: server.screen(), client_saw: client.screen(), noted, client: own })
}

/// The notes' numbers, as they appear in the calls.
fn claim_numbers(lab: &Lab) -> Result<()> {
    let backlog = match lab.last_call("server", SyscallKind::Listen)?.back.call.syscall {
        Syscall::Listen { backlog } => backlog,
        _ => 0,
    };
    let size = match lab.last_call("server receives", SyscallKind::Recv)?.back.call.syscall {
        Syscall::Recv { size, .. } => size,
        _ => 0,
    };
    let accepts = lab
        .calls("server")
        .iter()
        .filter(|(_, back)| back.call.kind() == SyscallKind::Accept)
        .count();
    lab.claim(
        "backlog-and-buffer",
        eq("backlog", backlog, 5).and(eq("accepted", accepts, 1)).and(eq("buffer", size, 1024)),
    );
    Ok(())
}

fn claim_whole(lab: &Lab, claim: &'static str, talk: &Talked) {
    let his = eq("server's screen", talk.server_saw.clone(), "Jack: 你好");
    lab.claim(claim, his.and(eq("client's", talk.client_saw.clone(), "Jack: 你也好啊")));
}
