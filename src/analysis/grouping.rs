//! A recording of many threads and connections, made small enough for a picture: one actor a program, one connection of each
//! kind.

use std::collections::{HashMap, HashSet};

use super::findings::facts::Facts;
use super::{Analysis, CallSpan, Connection};
use crate::trace::recording::{Origin, Recording, is_of};
use crate::trace::{ActorKind, Call, Event, EventKind, Name, Output, SocketId, Syscall};

/// From so many connections of one kind on, one stands for all.
const ALIKE: usize = 3;

/// What threads are called within their program, by process and thread: `receive`, `child 2`. The one that is called as the program
/// is has none.
pub type ThreadNames = HashMap<(u32, u32), String>;

/// A recording with one actor a program.
#[derive(Debug)]
pub struct Grouped {
    pub recording: Recording,
    pub threads: ThreadNames,
}

/// The same recording with one actor a program: what its threads and child processes did, it did.
pub fn by_program(recording: &Recording) -> Grouped {
    let mut threads = ThreadNames::new();
    let Origin::Programs(programs) = &recording.header.origin else {
        return Grouped { recording: recording.clone(), threads };
    };
    let names: Vec<Name> = programs.iter().map(|program| program.name.as_str().into()).collect();
    let program_of = |actor: &Name| {
        let is_its = |name: &&Name| is_of(actor, name);
        names.iter().filter(is_its).max_by_key(|name| name.len())
    };
    // All threads of a process are of one program, that of its first, whatever they are called.
    let mut of_process: HashMap<u32, Name> = HashMap::new();
    for event in recording.events() {
        if let (EventKind::Started { kind: ActorKind::Process }, Some(program)) =
            (&event.what, program_of(&event.actor))
        {
            of_process.entry(event.process).or_insert_with(|| program.clone());
        }
    }
    let mut renamed = Vec::new();
    let mut shown = recording.shown().cloned();
    for event in recording.events() {
        let of_name = || program_of(&event.actor);
        let program = of_process.get(&event.process).or_else(of_name);
        // Who is not shown is no part of what is shown of the program.
        let is_shown = event.is_by_actor() && recording.shows_actor(&event.actor);
        let actor = program.filter(|_| is_shown).unwrap_or(&event.actor).clone();
        if actor != event.actor {
            let own = event.actor.strip_prefix(&*actor).unwrap_or(&event.actor).trim_start();
            threads.insert((event.process, event.thread), own.to_owned());
            shown.iter_mut().for_each(|shown| _ = shown.actors.insert(actor.clone()));
        }
        renamed.push(Event { actor, ..event.clone() });
    }
    let grouped = recording.with_events(renamed);
    let recording = match shown {
        Some(shown) => grouped.showing(shown),
        None => grouped,
    };
    Grouped { recording, threads }
}

/// The same recording with one connection of each kind, and how many were left out; `None` if all are to be shown. Connections are
/// of one kind if the same two actors made and accepted them.
pub fn one_connection_of_each_kind(analysis: &Analysis) -> Option<(Recording, usize)> {
    let mut kinds: HashMap<(&Name, &Name), Vec<(SocketId, SocketId)>> = HashMap::new();
    let shown = analysis.shown_sockets();
    let is_shown = |it: &&Connection| shown.contains(&it.client) && shown.contains(&it.server);
    for connection in analysis.connections.iter().filter(is_shown) {
        let (client, server) =
            (&analysis.sockets[connection.client], &analysis.sockets[connection.server]);
        if let (Some(one), Some(other)) = (client.id, server.id) {
            kinds.entry((&client.owner, &server.owner)).or_default().push((one, other));
        }
    }
    let alike = kinds.into_values().filter(|ends| ends.len() >= ALIKE);
    let spare: Vec<(SocketId, SocketId)> =
        alike.flat_map(|ends| ends.into_iter().skip(1)).collect();
    if spare.is_empty() {
        return None;
    }
    let sockets: HashSet<SocketId> = spare.iter().flat_map(|(one, other)| [*one, *other]).collect();
    let events = analysis.recording.events();
    // The calls that made them, whose entry does not say so.
    let makers: HashSet<(u32, u64)> = events
        .iter()
        .filter_map(|event| match &event.what {
            EventKind::Return(back) => {
                made(&back.out).filter(|made| sockets.contains(made))?;
                Some((event.process, back.call.id))
            }
            _ => None,
        })
        .collect();
    let waits = waits_for_none_but(analysis, &sockets);
    let is_spare = |event: &Event, call: &Call| {
        let number = (event.process, call.id);
        call.socket.is_some_and(|socket| sockets.contains(&socket))
            || makers.contains(&number)
            || waits.contains(&number)
    };
    let kept = events.iter().filter(|event| match &event.what {
        EventKind::Held(call) | EventKind::Enter(call) => !is_spare(event, call),
        EventKind::Return(back) => !is_spare(event, &back.call),
        EventKind::Observed(observation) => {
            !observation.socket.is_some_and(|socket| sockets.contains(&socket))
        }
        _ => true,
    });
    Some((analysis.recording.with_events(kept.cloned().collect()), spare.len()))
}

/// The calls of select(), poll() and epoll that found ready, or watched, none but these sockets and listening ones that gave no others
/// then; and those that tell an epoll to watch one. By process and number.
fn waits_for_none_but(analysis: &Analysis, sockets: &HashSet<SocketId>) -> HashSet<(u32, u64)> {
    let facts = Facts::of(analysis);
    let is_one = |id: Option<SocketId>| id.is_some_and(|id| sockets.contains(&id));
    let mut all = HashSet::new();
    for (_, calls) in facts.threads() {
        for (place, &index) in calls.iter().enumerate() {
            let span = facts.call(index);
            let is_wait = |other: &&usize| facts.call(**other).call.syscall.waits_for_many();
            let brings_no_other = |listener: usize| {
                let then = calls[place + 1..].iter().take_while(|other| !is_wait(other));
                let own = then.filter(|other| facts.call(**other).socket == Some(listener));
                let mut given = own.filter_map(|other| analysis.accepted_by(*other)).peekable();
                analysis.sockets[listener].backlog.is_some()
                    && given.peek().is_some()
                    && given.all(|new| is_one(analysis.sockets[new].id))
            };
            let fds = watched(span);
            let is_spare = |fd: i64| {
                let at = facts.socket_of(span.process, fd, span.entered_ns);
                at.is_some_and(|at| is_one(analysis.sockets[at].id) || brings_no_other(at))
            };
            if !fds.is_empty() && fds.into_iter().all(is_spare) {
                all.insert((span.process, span.call.id));
            }
        }
    }
    all
}

/// The descriptors that this call found ready; if none, those that it watches. That of epoll_ctl(), which tells to watch one.
fn watched(span: &CallSpan) -> Vec<i64> {
    match (&span.call.syscall, span.exit.as_ref().map(|it| &it.out)) {
        (Syscall::EpollCtl { watched, .. }, _) => vec![*watched],
        (_, Some(Output::Ready(ready))) => ready.shown.iter().map(|(fd, _)| *fd).collect(),
        (Syscall::Poll { watched, .. }, _) => watched.shown.iter().map(|it| it.0).collect(),
        (Syscall::Select { read, write, .. }, _) => {
            read.shown.iter().chain(&write.shown).copied().collect()
        }
        _ => Vec::new(),
    }
}

/// The socket that a call made.
fn made(out: &Output) -> Option<SocketId> {
    match out {
        Output::Opened { socket } | Output::Accepted { socket, .. } => Some(*socket),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::script::{Script, here};
    use super::*;
    use crate::trace::Outcome;

    /// A server that accepts so many connections of one client, on each of which a word comes.
    fn connections(count: u32) -> Recording {
        let mut script = Script::new();
        script.tcp_connection(("client", 2), ("server", 1, 3));
        script.sends("client", 2, "hello").receives("server", 3, 10, "hello");
        for number in 2..=count {
            let (port, socket) = (u16::try_from(40_000 + number).expect("a port"), number * 10);
            script.socket("client", socket, "AF_INET", "SOCK_STREAM");
            let to = super::super::script::here(5000);
            script.call("client", socket, "connect", &[("address", to.clone())], 0);
            let from = super::super::script::here(port);
            script.located("client", socket, from.clone());
            script.accepts("server", 1, socket + 1, from).located("server", socket + 1, to);
            script.sends("client", socket, "again").receives("server", socket + 1, 10, "again");
        }
        script.recording()
    }

    #[test]
    fn one_connection_stands_for_all_that_the_same_two_made() {
        let recording = connections(4);
        let analysis = Analysis::of(&recording);
        assert_eq!(analysis.connections.len(), 4);
        let (short, left_out) = one_connection_of_each_kind(&analysis).expect("many alike");
        assert_eq!(left_out, 3);
        let short = Analysis::of(&short);
        assert_eq!(short.connections.len(), 1);
        let words: Vec<_> = short.messages.iter().map(|message| message.data.to_string()).collect();
        assert_eq!(words.len(), 1, "{words:?}");
        assert!(words[0].contains("hello"), "the first stays: {words:?}");
    }

    #[test]
    fn who_waited_for_connections_that_are_left_out_is_not_shown_to_wait() {
        let mut script = Script::new();
        script.tcp_connection(("client", 2), ("server", 1, 3));
        let poll = |script: &mut Script, fd: u32| {
            let fds = format!("[{fd}: POLLIN]");
            let args = [("fds", fds.clone().into()), ("nfds", 1.into()), ("timeout", (-1).into())];
            let call = script.enter("server", 0, "poll", &args);
            script.leave("server", &call, Outcome::Result(1), &[("ready", fds.into())]);
        };
        poll(&mut script, 5);
        for number in 2..=4 {
            let (port, socket) = (40_000 + number, u32::from(number) * 10);
            script.socket("client", socket, "AF_INET", "SOCK_STREAM");
            script.call("client", socket, "connect", &[("address", here(5000))], 0);
            script.located("client", socket, here(port));
            poll(&mut script, 3);
            script.accepts("server", 1, socket + 1, here(port));
            script.located("server", socket + 1, here(5000));
            poll(&mut script, socket + 3);
        }
        let recording = script.recording();
        let analysis = Analysis::of(&recording);
        let (short, left_out) = one_connection_of_each_kind(&analysis).expect("many alike");
        let short = Analysis::of(&short);
        let polls = short.calls.iter().filter(|span| span.call.syscall.waits_for_many());
        assert_eq!((left_out, polls.count()), (3, 1));
    }

    #[test]
    fn a_few_connections_are_all_shown() {
        let recording = connections(2);
        assert!(one_connection_of_each_kind(&Analysis::of(&recording)).is_none());
    }

    #[test]
    fn threads_and_children_of_a_program_become_one_actor() {
        use crate::trace::recording::Program;
        let mut recording = connections(1);
        let program = |name: &str| Program { name: name.to_owned(), argv: vec![name.to_owned()] };
        recording.header.origin =
            Origin::Programs(vec![program("client"), program("client 2"), program("server")]);
        let named = |actor: &str| Event { actor: actor.into(), ..recording.events()[0].clone() };
        let actors = ["client talk", "client 2 talk", "server child 3", "servers"];
        let Grouped { recording: grouped, .. } =
            by_program(&recording.with_events(actors.map(named).to_vec()));
        let actors: Vec<_> = grouped.events().iter().map(|event| &*event.actor).collect();
        assert_eq!(actors, ["client", "client 2", "server", "servers"]);
    }

    #[test]
    fn threads_of_a_process_are_of_its_program_whatever_they_are_called() {
        use crate::trace::recording::Program;
        let mut script = Script::new();
        script.process("notes 2", 7).process("notes", 8);
        for actor in ["notes", "notes 2"] {
            script.event(actor, EventKind::Started { kind: ActorKind::Process });
        }
        // Of the second program, though its name does not say so.
        script.sends("notes 2", 1, "x");
        let mut recording = script.recording();
        let program = |name: &str| Program { name: name.to_owned(), argv: vec![name.to_owned()] };
        recording.header.origin = Origin::Programs(vec![program("notes"), program("notes 2")]);
        let last = recording.events().last().expect("a send").clone();
        recording.push(Event { actor: "notes receive".into(), thread: 9, ..last });
        let Grouped { recording, threads } = by_program(&recording);
        let actor = recording.events().last().map(|event| event.actor.to_string());
        assert_eq!(actor.as_deref(), Some("notes 2"));
        assert_eq!(threads.get(&(7, 9)).map(String::as_str), Some("notes receive"));
    }
}
