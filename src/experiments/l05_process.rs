//! Lesson 5: the life of a server process, created, ready, running, blocked, terminated, as the kernel reports it; and what
//! becomes of its sockets.

use std::hint::spin_loop;
use std::io;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use socket2::{Domain, Protocol, SockAddr, Type};

use super::kit::{connected, receive_exactly, transferred};
use super::{Need, Stepping, Why, child_process, experiment};
use crate::capture::{
    Actor, ActorThread, Error, Kind, Lab, Parameter, Process, Proof, Result, Sampler, Socket,
    TIMED_OUT, at_least, at_least_duration, before, eq, eq_between, eq_duration, failed_with,
    ne_between, succeeded, sys,
};
use crate::i18n::Text;
use crate::trace::{Address, EventKind, Failure, Label, Lack, Sample, SyscallKind, Value, label};

const TCP: Option<Protocol> = Some(Protocol::TCP);

experiment!(
    server_life,
    needs = &[Need::Proc],
    parameters = &[
        Parameter {
            name: "pause",
            default: "150ms",
            kind: Kind::Span(1, 60_000),
            help: Text("how long nobody comes, each time"),
        },
        Parameter {
            name: "work",
            default: "40ms",
            kind: Kind::Span(1, 10_000),
            help: Text("processor time that a request takes"),
        },
    ]
);
/// One server process from its creation to its end; nobody comes, twice.
fn server_life(lab: &Lab) -> Result<()> {
    let pause = lab.span("pause")?;
    let client = lab.actor("client");
    let seen = lab.sample_while(Sampler::PERIOD, || {
        let server = start_server(lab)?; // created, ready, running
        server.until_blocked_in(SyscallKind::Accept)?; // blocked: nobody comes
        let asleep = server.observe();
        lab.wait(pause, "nobody comes");
        let still_asleep = server.observe();

        let address = address_of_server(lab)?;
        ask(&client, &address, b"work")?; // woken: ready, running
        server.until_blocked_in(SyscallKind::Accept)?; // blocked again
        let asleep_again = server.observe();
        lab.wait(pause, "nobody comes");

        ask(&client, &address, b"stop")?; // running, terminated
        server.until_ended();
        let ended = server.observe();
        server.finish()?;
        Ok(Seen { asleep, still_asleep, asleep_again, ended })
    })?;
    check_life(lab, &seen)?;
    let late = client.socket(Domain::IPV4, Type::STREAM, TCP)?;
    let answer = late.connect(&address_of_server(lab)?);
    let refused = failed_with("connect", &answer, "ECONNREFUSED");
    lab.claim("the-service-is-closed", refused);
    Ok(())
}

child_process!(server_life_server);
/// The server of [`server_life`], in a process of its own: its main thread does all of this.
fn server_life_server(lab: &Lab) -> Result<()> {
    let listener = lab.played().socket(Domain::IPV4, Type::STREAM, TCP)?;
    listener.bind(&lab.here(0))?;
    listener.listen(5)?;
    listener.local_addr()?; // recorded, and so the client learns the port
    loop {
        let (connection, _) = listener.accept()?; // no client: blocked
        let mut request = [0; 4];
        receive_exactly(&connection, &mut request)?;
        if &request == b"stop" {
            return Ok(()); // the sockets are closed, the process ends
        }
        compute(lab)?;
        connection.send_all(b"done")?;
    }
}

/// Uses so much processor time as `work` says.
fn compute(lab: &Lab) -> Result<()> {
    let work = lab.text("work")?.parse().map_err(|_| Failure::Parameter { name: "work".into() })?;
    let Some(start) = lab.cpu_time() else {
        return Ok(());
    };
    while lab.cpu_time().is_some_and(|now| now - start < Duration::from_millis(work)) {}
    Ok(())
}

fn start_server(lab: &Lab) -> Result<Process> {
    let work = lab.span("work")?.as_millis().to_string();
    lab.process("server", "server-life-server", &[("work", work)])
}

/// A client that comes, asks, and stays until the server has closed its end.
fn ask(client: &Actor, at: &SockAddr, what: &[u8]) -> Result<()> {
    let socket = client.socket(Domain::IPV4, Type::STREAM, TCP)?;
    socket.connect(at)?;
    socket.send_all(what)?;
    while socket.recv(&mut [0; 64])? > 0 {}
    Ok(())
}

/// Where the server process listens, by its own record.
pub(super) fn address_of_server(lab: &Lab) -> Result<SockAddr> {
    match lab.last_call("server", SyscallKind::GetSockName)?.back.out.address() {
        Some(Address::Inet(at)) => Ok((*at).into()),
        _ => Err(Error::assertion("the server listens at no IPv4 address")),
    }
}

/// What the kernel said of the server at four moments; `None` where it cannot be asked.
struct Seen {
    asleep: Option<Sample>,
    still_asleep: Option<Sample>,
    asleep_again: Option<Sample>,
    ended: Option<Sample>,
}

fn check_life(lab: &Lab, seen: &Seen) -> Result<()> {
    let (asleep, still, again) =
        (seen.asleep.as_ref(), seen.still_asleep.as_ref(), seen.asleep_again.as_ref());
    claim_if_told(
        lab,
        "created-ready-running",
        asleep.and_then(|asleep| was_given_a_processor(lab, asleep)),
    );
    claim_if_told(lab, "blocked-in-accept", asleep.and_then(in_accept));
    claim_if_told(lab, "the-place-has-a-name", asleep.and_then(in_accept_of_tcp));
    claim_if_told(
        lab,
        "blocked-gets-no-turn",
        asleep.zip(still).and_then(|(asleep, still)| no_turn_between(asleep, still)),
    );

    let work = lab.span("work")?;
    let woken = still.zip(again).and_then(|(still, again)| ran_between(still, again, work));
    let comes = first_entered(lab, "client", SyscallKind::Connect);
    let came_first = before(
        "the client comes",
        comes,
        "accept returns",
        first_returned(lab, "server", SyscallKind::Accept),
    );
    claim_if_told(lab, "woken-ready-running", woken.map(|woken| came_first.and(woken)));

    let answering = comes..first_entered(lab, "server", SyscallKind::Send);
    let at_work =
        |(at_ns, sample): &(u64, Sample)| answering.contains(at_ns) && sample.state == Some('R');
    match lab.samples("server").iter().filter(|seen| at_work(seen)).count() {
        0 if asleep.is_none() => lab.not_checked("seen-at-work", Lack::ThreadDetails),
        0 => lab.not_checked("seen-at-work", Lack::BetweenLooks),
        times => lab.claim("seen-at-work", at_least("times seen in R", times, 1)),
    }
    claim_if_told(lab, "blocked-again", again.and_then(in_accept));

    let last = lab
        .samples("server")
        .pop()
        .map(|(_, sample)| sample.state.map_or_else(|| label!("gone").into(), Value::from));
    let ended = seen.ended.as_ref().and_then(|ended| ended.state).zip(last);
    claim_if_told(
        lab,
        "ended-not-yet-gone",
        ended.map(|(ended, last)| {
            eq("it has ended", ended, 'Z').and(eq("collected", last, label!("gone")))
        }),
    );
    Ok(())
}
/// Claims what could be proven; of what the kernel does not tell, says so.
pub(super) fn claim_if_told(lab: &Lab, name: &'static str, proof: Option<Proof>) {
    match proof {
        Some(proof) => lab.claim(name, proof),
        None => lab.not_checked(name, Lack::ThreadDetails),
    }
}

/// It has a PID of its own, and has been given a processor. How long it was ready before is no proof: on an idle processor that
/// may be less than the kernel's clock tells apart, 0 ns.
fn was_given_a_processor(lab: &Lab, sample: &Sample) -> Option<Proof> {
    let (pid, _) = lab.calls("server").first().map(|(event, _)| (event.process, event.at_ns))?;
    let own = ne_between("its PID", pid, "ours", std::process::id());
    Some(own.and(at_least("turns on a processor", number(turns(sample)?), 1)))
}

/// Asleep, in the system call that accept() is.
fn in_accept(sample: &Sample) -> Option<Proof> {
    Some(eq("state", sample.state?, 'S').and(eq("system call", sample.syscall.clone()?, "accept4")))
}

/// Asleep in the function of the kernel that is TCP's accept(), or in the one that it waits in, whichever this kernel names.
fn in_accept_of_tcp(sample: &Sample) -> Option<Proof> {
    let name = sample.wait_channel.clone()?;
    let expected = if name == "inet_csk_wait_for_connect" {
        "inet_csk_wait_for_connect"
    } else {
        "inet_csk_accept"
    };
    Some(eq("wait channel", name, expected))
}

/// Not once given a processor, not a nanosecond used.
pub(super) fn no_turn_between(earlier: &Sample, later: &Sample) -> Option<Proof> {
    let turns = eq_between("turns before", turns(earlier)?, "turns after", turns(later)?);
    Some(turns.and(eq_duration(
        "processor time before",
        span(earlier.cpu_ns?),
        "after",
        span(later.cpu_ns?),
    )))
}

/// Given a processor, and used it for so long.
fn ran_between(earlier: &Sample, later: &Sample, work: Duration) -> Option<Proof> {
    let given = at_least("turns since", number(turns(later)?.checked_sub(turns(earlier)?)?), 1);
    Some(given.and(at_least_duration(
        "running since",
        used_between(earlier, later)?,
        "asked",
        work,
    )))
}

/// How often it was given a processor; a kernel that does not count says 0.
fn turns(sample: &Sample) -> Option<u64> {
    sample.turns.filter(|turns| *turns > 0)
}

fn used_between(earlier: &Sample, later: &Sample) -> Option<Duration> {
    Some(span(later.cpu_ns?.checked_sub(earlier.cpu_ns?)?))
}

fn span(ns: u64) -> Duration {
    Duration::from_nanos(ns)
}

fn number(of: u64) -> usize {
    usize::try_from(of).unwrap_or(usize::MAX)
}

fn first_returned(lab: &Lab, actor: &str, kind: SyscallKind) -> u64 {
    lab.calls(actor)
        .iter()
        .find(|(_, back)| back.call.kind() == kind)
        .map_or(0, |(event, _)| event.at_ns)
}

fn first_entered(lab: &Lab, actor: &str, kind: SyscallKind) -> u64 {
    let calls = lab.calls(actor);
    calls
        .iter()
        .find(|(_, back)| back.call.kind() == kind)
        .map_or(0, |(event, back)| event.at_ns - back.took_ns)
}

experiment!(ready_or_running, needs = &[Need::Proc], stepping = Stepping::Whole(Why::Sleep));
/// What does the kernel say of one that runs, and of one that only would?
fn ready_or_running(lab: &Lab) -> Result<()> {
    let looker = lab.actor("looker");
    let over = AtomicBool::new(false);
    // One processor for two: this thread, and one that spins.
    lab.on_one_processor(|| {
        lab.scope(|stage| {
            let spinner = stage.actor("spinner", |_| {
                while !over.load(Relaxed) {
                    spin_loop(); // wants to run, always
                }
                Ok(())
            })?;
            // We run, so it does not, for we have the processor.
            let myself = looker.observe();
            let other = spinner.observe();
            let_it_run(&spinner);
            let later = spinner.observe(); // ready once more

            over.store(true, Relaxed);
            spinner.finish()?;
            check_letters(lab, [&myself, &other, &later]);
            Ok(())
        })
    })
}

/// Gives the processor away until the other has used 10 ms of it.
fn let_it_run(other: &ActorThread<()>) {
    let Some(start) = other.cpu_time() else {
        return;
    };
    while other.cpu_time().is_some_and(|now| now < start + Duration::from_millis(10)) {
        std::thread::yield_now();
    }
}

fn check_letters(lab: &Lab, seen: [&Option<Sample>; 3]) {
    let [myself, other, later] = seen.map(Option::as_ref);
    let says_r = |what, sample: &Sample| Some(eq(what, sample.state?, 'R'));
    claim_if_told(lab, "running-says-r", myself.and_then(|sample| says_r("the looker", sample)));
    let both = other.zip(later).and_then(|(first, second)| {
        Some(says_r("the other", first)?.and(says_r("once more", second)?))
    });
    claim_if_told(lab, "ready-says-r", both);
    let counted = other.zip(later).and_then(|(earlier, later)| {
        // It shares its only processor with us, and so it was ready for as long as we looked at it.
        let ready = span(later.ready_ns?.checked_sub(earlier.ready_ns?)?);
        let ran = ran_between(earlier, later, Duration::from_millis(10))?;
        Some(at_least_duration("ready since", ready, "some time", span(1)).and(ran))
    });
    claim_if_told(lab, "two-clocks-tell-them-apart", counted);
}

experiment!(
    blocked_is_free,
    needs = &[Need::Proc],
    parameters = &[Parameter {
        name: "time",
        default: "300ms",
        kind: Kind::Span(50, 60_000),
        help: Text("how long nothing happens"),
    }]
);
/// Three ways to let time pass: recv, an empty loop, and join.
fn blocked_is_free(lab: &Lab) -> Result<()> {
    let (time, over) = (lab.span("time")?, AtomicBool::new(false));
    let (socket, peer) = connection(lab)?;
    let used = lab.sample_while(Sampler::PERIOD, || {
        lab.scope(|stage| {
            let blocked = stage.actor("blocked", |_| {
                Ok(socket.recv(&mut [0; 64])?) // nothing comes
            })?;
            let spinning = stage.actor("spinning", |_| {
                while !over.load(Relaxed) {
                    spin_loop(); // as the notes' main thread
                }
                Ok(lab.cpu_time())
            })?;
            let joining = stage.actor("joining", |_| spinning.finish())?;
            blocked.until_blocked_in(SyscallKind::Recv)?;
            joining.until_asleep();

            let earlier = [blocked.observe(), joining.observe()];
            lab.wait(time, "nothing happens");
            let later = [blocked.observe(), joining.observe()];

            over.store(true, Relaxed);
            peer.send_all(b"!")?;
            blocked.finish()?;
            Ok(Used { earlier, later, spinning: joining.finish()? })
        })
    })?;
    check_used(lab, &used, time);
    Ok(())
}

/// What the blocked and the joining thread had used before and after, and the spinning one in its whole life.
struct Used {
    earlier: [Option<Sample>; 2],
    later: [Option<Sample>; 2],
    spinning: Option<Duration>,
}

fn check_used(lab: &Lab, used: &Used, time: Duration) {
    let [blocked, joining] =
        [0, 1].map(|which| used.earlier[which].as_ref().zip(used.later[which].as_ref()));
    let measure = |label, used: Option<Duration>| {
        if let Some(used) = used {
            lab.measure("processor time", label, used);
        }
    };
    measure("blocked", blocked.and_then(|(earlier, later)| used_between(earlier, later)));
    measure("spinning", used.spinning);
    measure("joining", joining.and_then(|(earlier, later)| used_between(earlier, later)));

    claim_if_told(
        lab,
        "blocked-uses-nothing",
        blocked.and_then(|(earlier, later)| no_turn_between(earlier, later)),
    );
    let spun = used.spinning.map(|spun| {
        at_least_duration("processor time", spun, "a hundredth of the time", time / 100)
    });
    claim_if_told(lab, "spinning-uses-a-processor", spun);
    let asleep = joining.and_then(|(_, later)| {
        Some(eq("state", later.state?, 'S').and(eq("system call", later.syscall.clone()?, "futex")))
    });
    let unused = joining.and_then(|(earlier, later)| no_turn_between(earlier, later));
    claim_if_told(
        lab,
        "join-blocks-too",
        asleep.zip(unused).map(|(asleep, unused)| asleep.and(unused)),
    );
}

/// The two ends of a TCP connection.
fn connection(lab: &Lab) -> Result<(Socket, Socket)> {
    let peer = lab.actor("peer");
    let listener = peer.socket(Domain::IPV4, Type::STREAM, TCP)?;
    listener.bind(&lab.here(0))?;
    listener.listen(5)?;
    let client = peer.socket(Domain::IPV4, Type::STREAM, TCP)?;
    client.connect(&listener.local_addr()?)?;
    Ok((client, listener.accept()?.0))
}

experiment!(closed_with_its_process, needs = &[Need::Proc]);
/// A server is killed while it waits for a client: who closes its sockets?
fn closed_with_its_process(lab: &Lab) -> Result<()> {
    let server = lab.process("server", "closed-with-its-process-server", &[])?;
    server.until_blocked_in(SyscallKind::Accept)?;
    let address = address_of_server(lab)?;
    let alice = connected(&lab.actor("alice"), &address)?;
    server.until_blocked_in(SyscallKind::Recv)?; // from Alice, who is silent

    server.kill()?; // SIGKILL: it cannot do one thing more
    let alices = alice.recv(&mut [0; 64]);
    server.until_ended();
    let carols = connected(&lab.actor("carol"), &address);
    let dead = server.observe(); // ended, and not collected
    let how = server.collect()?;

    let killed = eq("it ended by", Label::from(how), label!("signal: 9 (SIGKILL)"));
    let never = eq("returns of recv", returns(lab, SyscallKind::Recv), 0);
    lab.claim("killed-in-recv", killed.and(never));
    let closes = eq("calls of close", returns(lab, SyscallKind::Close), 0);
    let shutdowns = eq("of shutdown", returns(lab, SyscallKind::Shutdown), 0);
    lab.claim("it-closed-nothing", closes.and(shutdowns));

    let end = transferred("alice.recv", &alices, 0);
    lab.claim("the-peer-reads-the-end", end);
    let refused = failed_with("carol.connect", &carols, "ECONNREFUSED");
    let state = dead.and_then(|dead| dead.state);
    let both = state.map(|it| refused.and(eq("the server", it, 'Z')));
    claim_if_told(lab, "closed-before-collected", both);
    Ok(())
}

/// How many of the server's calls of this function have returned.
fn returns(lab: &Lab, kind: SyscallKind) -> usize {
    lab.calls("server").iter().filter(|(_, back)| back.call.kind() == kind).count()
}

child_process!(closed_with_its_process_server);
/// The server of [`closed_with_its_process`], in a process of its own.
fn closed_with_its_process_server(lab: &Lab) -> Result<()> {
    let listener = lab.played().socket(Domain::IPV4, Type::STREAM, TCP)?;
    listener.bind(&lab.here(0))?;
    listener.listen(5)?;
    listener.local_addr()?;
    let (alice, _) = listener.accept()?;
    alice.recv(&mut [0; 64])?; // blocked when it is killed
    Ok(())
}

experiment!(
    inherited_socket,
    needs = &[Need::Proc],
    stepping = Stepping::Whole(Why::SharedChannel),
    parameters = &[Parameter {
        name: "limit",
        default: "200ms",
        kind: Kind::Span(1, 60_000),
        help: Text("how long Alice waits for the end"),
    }]
);
/// A server that has started a helper program is killed. The helper lives on.
fn inherited_socket(lab: &Lab) -> Result<()> {
    let limit = lab.span("limit")?;

    lab.part("the helper inherits");
    let (server, at, alice) = killed_beside_its_helper(lab, "inherited")?;
    let taken = failed_with("bind", &bind_again(lab, &at)?, "EADDRINUSE");
    claim_if_told(lab, "the-port-stays-taken", helper_runs(lab).map(|runs| taken.and(runs)));
    let carol = connected(&lab.actor("carol"), &at);
    lab.claim("clients-still-connect", succeeded("carol.connect", &carol));
    alice.set_read_timeout(Some(limit))?; // or she would wait for ever
    let heard = failed_with("alice.recv", &alice.recv(&mut [0; 64]), TIMED_OUT);
    lab.claim("the-peer-hears-nothing", heard);
    server.collect()?; // with its standard input the helper ends too
    alice.set_read_timeout(None)?;
    let end = eq("alice.recv", alice.recv(&mut [0; 64])?, 0);
    lab.claim("the-last-descriptor-closes-it", end);

    lab.part("close on exec");
    let (server, at, alice) = killed_beside_its_helper(lab, "close on exec")?;
    let end = eq("alice.recv", alice.recv(&mut [0; 64])?, 0);
    let both = helper_runs(lab).map(|runs| end.and(runs));
    claim_if_told(lab, "close-on-exec-tells-the-peer", both);
    let carol = connected(&lab.actor("carol"), &at);
    let refused = failed_with("carol.connect", &carol, "ECONNREFUSED");
    let bound = succeeded("bind", &bind_again(lab, &at)?);
    lab.claim("close-on-exec-frees-the-port", refused.and(bound));
    server.collect()?;
    Ok(())
}

/// A server that was killed while it waited for Alice; its address, and her end of the connection.
pub(super) fn killed_beside_its_helper(
    lab: &Lab,
    sockets: &str,
) -> Result<(Process, SockAddr, Socket)> {
    let settings = [("sockets", sockets.to_owned())];
    let server = lab.process("server", "inherited-socket-server", &settings)?;
    server.until_blocked_in(SyscallKind::Accept)?;
    let address = address_of_server(lab)?;
    let alice = connected(&lab.actor("alice"), &address)?;
    server.until_blocked_in(SyscallKind::Recv)?; // the helper runs by now
    server.kill()?;
    server.until_ended();
    Ok((server, address, alice))
}

/// The PID of the helper that the server started last.
pub(super) fn helper_pid(lab: &Lab) -> Option<u32> {
    lab.recorder().look(|events| {
        events.iter().rev().find_map(|event| match &event.what {
            EventKind::Deed { deed, .. } => match deed.args.get("pid") {
                Some(Value::Number(pid)) => u32::try_from(*pid).ok(),
                _ => None,
            },
            _ => None,
        })
    })
}

/// The helper that the server started last is in the kernel's table; `None` where that cannot be looked at.
pub(super) fn helper_runs(lab: &Lab) -> Option<Proof> {
    let pid = helper_pid(lab)?;
    let known = |pid| sys::is_asleep(pid, pid).is_some();
    let state = if known(pid) { label!("runs") } else { label!("gone") };
    known(std::process::id()).then(|| eq("the helper", state, label!("runs")))
}

/// What bind() answers a new server; both have set SO_REUSEADDR, so that only a socket that listens is in its way.
pub(super) fn bind_again(lab: &Lab, at: &SockAddr) -> Result<io::Result<()>> {
    let next = lab.actor("next server").socket(Domain::IPV4, Type::STREAM, TCP)?;
    next.set_reuse_address(true)?;
    Ok(next.bind(at))
}

child_process!(inherited_socket_server);
/// The server of [`inherited_socket`], in a process of its own.
fn inherited_socket_server(lab: &Lab) -> Result<()> {
    let close_on_exec = lab.text("sockets")? == "close on exec";
    let server = lab.played();
    let listener = server.socket(Domain::IPV4, Type::STREAM, TCP)?;
    listener.set_cloexec(close_on_exec)?;
    listener.set_reuse_address(true)?;
    listener.bind(&lab.here(0))?;
    listener.listen(5)?;
    listener.local_addr()?;
    let (alice, _) = listener.accept()?;
    alice.set_cloexec(close_on_exec)?;
    // A program that knows nothing of sockets: it reads its standard input, which is ours, to the end.
    let mut helper = Command::new("cat").stdout(Stdio::null()).spawn()?;
    server.deed(label!("cat: PID {pid}", pid = helper.id()), || Ok(()))?;
    alice.recv(&mut [0; 64])?; // blocked when it is killed
    helper.kill()?;
    helper.wait()?;
    Ok(())
}
