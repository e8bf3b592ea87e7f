//! Lesson 9, its last experiment: one server that talks to one of its clients, while all the others are silent.
//!
//! Three servers do it, each a process of its own, so that its memory can be told apart: with a thread for each
//! connection, with poll, and with epoll, or kqueue where the system has that. Each network call is recorded, of thousands of connections too.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use socket2::{Domain, Protocol, SockAddr, Type};

use super::kit::{epoll_or_kqueue, receive_exactly};
use super::l09_echo::{EchoClient, serve_with_poll};
use super::{Need, Stepping, Why, child_process, experiment};
use crate::capture::{Actor, Error, Kind, Lab, Parameter, Proof, Result, Socket, eq, sys};
use crate::i18n::Text;
use crate::trace::{
    Address, Event, EventKind, Failure, Feature, Lack, Outcome, Return, Syscall, SyscallKind,
};

const TCP: Option<Protocol> = Some(Protocol::TCP);

/// The three ways to serve them all; two where there is no epoll.
const STYLES: &[&str] =
    if sys::has(Feature::Epoll) { &["threads", "poll", sys::EPOLL] } else { &["threads", "poll"] };

/// Descriptors that a process needs besides its connections: the usual three, the listener, epoll, the pipes to its child.
const SPARE: u64 = 10;

experiment!(
    many_connections,
    needs = &[Need::Has(Feature::Epoll)],
    stepping = Stepping::Whole(Why::Many),
    parameters = &[
        Parameter {
            name: "connections",
            default: "200",
            kind: Kind::Count(1, 5_000),
            help: Text("how many connections at most, one of them busy"),
        },
        Parameter {
            name: "messages",
            default: "20",
            kind: Kind::Count(1, 1_000),
            help: Text("how many messages the busy one sends"),
        },
    ]
);
fn many_connections(lab: &Lab) -> Result<()> {
    let (most, messages) = (allowed(lab)?, lab.count("messages")?);
    let client = lab.actor("client");
    let mut came_back = 0;
    let mut runs = Vec::new();
    for style in STYLES.iter().copied() {
        for connections in steps(most) {
            let run = Run::of(lab, style, connections)?;
            let idle = run.connect(&client, connections - 1)?;
            let busy = run.connect(&client, 1)?;
            exchange(&busy[0])?; // answered: all are served now
            run.until_recorded();
            let mut times = Vec::new();
            for _ in 0..messages {
                times.push(exchange(&busy[0])?);
            }
            came_back += times.len();
            run.plot(lab, times);
            drop(busy); // the server is to go
            drop(idle);
            runs.push(run.ends()?);
        }
    }
    let wanted = messages * STYLES.len() * steps(most).len();
    let answers = eq("answers", came_back, wanted);
    lab.claim("every-message-came-back", answers);
    claim_accepted(lab, &runs, most)?;
    claim_threads(lab, &runs, most);
    claim_lists(lab, &runs, most, messages);
    Ok(())
}

/// Sends a message, and waits for it to come back: how long that took.
fn exchange(busy: &Socket) -> Result<Duration> {
    let began = Instant::now();
    busy.send_all(b"ping")?;
    match receive_exactly(busy, &mut [0; 4])? {
        4 => Ok(began.elapsed()),
        n => Err(Failure::TooFew { what: "bytes".into(), count: n as u64 }.into()),
    }
}

child_process!(many_connections_server);
/// The server's process: takes so many connections, and serves them until the busy one is closed.
fn many_connections_server(lab: &Lab) -> Result<()> {
    let me = lab.played();
    let listener = me.socket(Domain::IPV4, Type::STREAM, TCP)?;
    listener.bind(&lab.here(0))?;
    listener.listen(4096)?;
    listener.local_addr()?; // the clients learn the port from the recording
    let count: usize = lab
        .text("connections")?
        .parse()
        .map_err(|_| Failure::Parameter { name: "connections".into() })?;
    let connections = lab.without_questions(|| {
        (0..count).map(|_| Ok(listener.accept()?.0)).collect::<io::Result<Vec<_>>>()
    })?;
    match lab.text("style")? {
        "threads" => with_threads(lab, connections),
        "poll" => Ok(serve_with_poll(&me, connections)?),
        _ => with_epoll(&me, connections),
    }
}

/// A thread for each connection, blocked in recv() nearly always.
fn with_threads(lab: &Lab, connections: Vec<Socket>) -> Result<()> {
    lab.scope(|stage| {
        for connection in connections {
            stage.actor("thread", move |_| {
                let mut buffer = [0; 64];
                loop {
                    match connection.recv(&mut buffer)? {
                        0 => return Ok(()), // the client has closed
                        n => connection.send_all(&buffer[..n])?,
                    }
                }
            })?;
        }
        Ok(())
    })
}

/// One thread. The kernel keeps the list, and reports those that are
/// ready.
fn with_epoll(me: &Actor, connections: Vec<Socket>) -> Result<()> {
    let epoll = me.epoll()?;
    let mut clients = BTreeMap::new();
    for connection in connections {
        let client = EchoClient::new(connection)?;
        epoll.epoll_ctl_add(&client.socket, client.interest())?;
        clients.insert(client.socket.descriptor(), client);
    }
    loop {
        for number in epoll.epoll_wait(64, None)?.descriptors() {
            let Some(client) = clients.get_mut(&number) else { continue };
            let before = client.interest();
            if !client.serve()? {
                return Ok(()); // the busy client has closed
            }
            if client.interest() != before {
                epoll.epoll_ctl_modify(&client.socket, client.interest())?;
            }
        }
    }
}

// ---- how many, and which ----

/// As many connections as were asked for, or as the limit of descriptors allows.
fn allowed(lab: &Lab) -> Result<usize> {
    let asked = lab.count("connections")?;
    let limit = lab.raise_descriptor_limit().map_or(u64::MAX, |(_, limit)| limit);
    let room = usize::try_from(limit.saturating_sub(SPARE)).unwrap_or(usize::MAX).max(1);
    let reached = asked.min(room);
    if reached < asked {
        let why = Lack::Descriptors { limit, reached: reached as u64, asked: asked as u64 };
        lab.not_checked("as-many-as-asked", why);
    }
    Ok(reached)
}

/// The powers of ten below the most, and the most.
fn steps(most: usize) -> Vec<usize> {
    let powers = std::iter::successors(Some(1_usize), |power| power.checked_mul(10));
    powers.take_while(|power| *power < most).chain([most]).collect()
}

/// One server of one style with so many clients.
struct Run {
    style: &'static str,
    connections: usize,
    process: crate::capture::Process,
    to: SockAddr,
    lab: Lab,
}

/// A run that is over: the process that served it.
struct Over {
    style: &'static str,
    connections: usize,
    process: u32,
}

impl Run {
    fn of(lab: &Lab, style: &'static str, connections: usize) -> Result<Run> {
        let settings = [("style", style.to_owned()), ("connections", connections.to_string())];
        let process = lab.process(style, "many-connections-server", &settings)?;
        process.until_blocked_in(SyscallKind::Accept)?;
        let told = lab.last_call(style, SyscallKind::GetSockName)?.back;
        let Some(Address::Inet(at)) = told.out.address() else {
            return Err(Error::assertion("the server has no address"));
        };
        Ok(Run { style, connections, process, to: SocketAddr::V4(*at).into(), lab: lab.clone() })
    }

    fn connect(&self, client: &Actor, count: usize) -> Result<Vec<Socket>> {
        let one = |_| {
            let socket = client.socket(Domain::IPV4, Type::STREAM, TCP)?;
            socket.connect(&self.to)?;
            Ok(socket)
        };
        self.lab.without_questions(|| (0..count).map(one).collect())
    }

    /// Waits until the server's answer is in the recording, and all before it is written: writing down thousands of calls
    /// takes processor time, which the messages are not to be charged for.
    fn until_recorded(&self) {
        let answered = |event: &Event| {
            let sent = matches!(&event.what, EventKind::Return(back) if back.call.kind() == SyscallKind::Send);
            sent && event.process == self.process.id()
        };
        self.lab.recorder().until(|events| events.iter().rev().any(answered));
        self.lab.recorder().until_written();
    }

    /// Two points: the median time of a message, and the memory of the server while all are connected.
    fn plot(&self, lab: &Lab, mut times: Vec<Duration>) {
        let at = ("connections", u64::try_from(self.connections).unwrap_or(u64::MAX));
        times.sort();
        if let Some(median) = times.get(times.len() / 2) {
            lab.plot_time("time a message", self.style, at, *median);
        }
        if let Some(bytes) = self.process.memory() {
            lab.plot_bytes("memory of the server, its recording included", self.style, at, bytes);
        }
    }

    /// Waits until the server's process has ended.
    fn ends(self) -> Result<Over> {
        let process = self.process.id();
        self.process.finish()?;
        Ok(Over { style: self.style, connections: self.connections, process })
    }
}

// ---- what was recorded of the largest runs ----

/// Looks at each call of the largest run of a style.
fn calls_of<T>(
    lab: &Lab,
    runs: &[Over],
    style: &str,
    most: usize,
    look: impl Fn(&Event, &Return) -> Option<T>,
) -> Vec<T> {
    let run = runs.iter().find(|run| run.style == style && run.connections == most);
    lab.recorder().look(|events| {
        let mine =
            events.iter().filter(|event| run.is_some_and(|run| run.process == event.process));
        mine.filter_map(|event| match &event.what {
            EventKind::Return(back) => look(event, back),
            _ => None,
        })
        .collect()
    })
}

/// Each server had accepted all that were asked for when it first received anything.
fn claim_accepted(lab: &Lab, runs: &[Over], most: usize) -> Result<()> {
    let asked = lab.count("connections")?;
    if most < asked {
        return Ok(()); // and why was said
    }
    let accepted = |style| {
        let kind = |kind| {
            calls_of(lab, runs, style, most, move |event, back| {
                let began_ns = event.at_ns - back.took_ns.min(event.at_ns);
                (back.call.kind() == kind).then_some((began_ns, event.at_ns, back.outcome.clone()))
            })
        };
        let first_recv = kind(SyscallKind::Recv).iter().map(|(began_ns, ..)| *began_ns).min();
        let before = kind(SyscallKind::Accept).into_iter().filter(|(_, ended_ns, outcome)| {
            matches!(outcome, Outcome::Result(_)) && first_recv.is_some_and(|at| *ended_ns <= at)
        });
        eq(style, before.count(), asked)
    };
    let all = STYLES.iter().copied().map(accepted).reduce(Proof::and);
    if let Some(all) = all {
        lab.claim("as-many-as-asked", all);
    }
    Ok(())
}

fn claim_threads(lab: &Lab, runs: &[Over], most: usize) {
    let receiving = |style| {
        let threads = calls_of(lab, runs, style, most, |event, back| {
            (back.call.kind() == SyscallKind::Recv).then_some(event.thread)
        });
        threads.into_iter().collect::<BTreeSet<_>>().len()
    };
    lab.claim("a-thread-each", eq("threads that received", receiving("threads"), most));
    let one = |what, style| eq(what, receiving(style), 1);
    claim_of_epoll(lab, "one-thread-for-all", || {
        let third = one(epoll_or_kqueue("with epoll", "with kqueue"), sys::EPOLL);
        one("with poll", "poll").and(third)
    });
}

/// Claims something of epoll too, if there is one.
fn claim_of_epoll(lab: &Lab, name: &'static str, proof: impl FnOnce() -> Proof) {
    if sys::has(Feature::Epoll) {
        lab.claim(name, proof());
    } else {
        lab.not_checked(name, Feature::Epoll.lack());
    }
}

fn claim_lists(lab: &Lab, runs: &[Over], most: usize, messages: usize) {
    let asked = messages + 2; // one before the clock runs, and the goodbye
    let handed = calls_of(lab, runs, "poll", most, |_, back| match &back.call.syscall {
        Syscall::Poll { watched, .. } => Some(watched.count),
        _ => None,
    });
    let each = eq("calls of poll", handed.len(), asked).and(eq(
        "sockets handed over in all",
        handed.iter().sum::<usize>(),
        asked * most,
    ));
    lab.claim("poll-is-handed-all", each);
    let count = |kind| {
        let is_it = |_: &Event, back: &Return| (back.call.kind() == kind).then_some(());
        calls_of(lab, runs, sys::EPOLL, most, is_it).len()
    };
    claim_of_epoll(lab, "epoll-is-told-once", || {
        let name = epoll_or_kqueue("calls of epoll_wait", "calls of kevent that ask");
        let waits = eq(name, count(SyscallKind::EpollWait), asked);
        waits.and(eq("sockets handed over in all", count(SyscallKind::EpollCtl), most))
    });
}
