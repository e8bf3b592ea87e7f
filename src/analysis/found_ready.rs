//! Calls that had nothing to wait for: the bytes, the end or the connection was there before they were entered, or there was room.
//! However long such a call took, it was not blocked: it had no processor, or the tracer had its time.

use std::collections::{HashMap, HashSet};

use super::address::plain;
use super::arrivals::LITTLE;
use super::findings::facts::Facts;
use super::{Analysis, CallSpan, Fate};
use crate::trace::{Address, EventKind, Output, SockOpt, Syscall, SyscallKind, Value};

/// A thread that makes more calls than these after select(), poll() or epoll does not heed what that said.
const SINCE_REPORT: usize = 32;

/// So many sends have, too: each takes more room than its bytes.
const FEW: usize = 64;
/// A SYN that is not answered is sent again after a second (RFC 6298, 2.1), in nanoseconds.
pub(super) const SYN_AGAIN_NS: u64 = 900_000_000;

/// Errors that tell of the call itself, and of nothing that happened since it was entered.
const AT_ONCE: [&str; 11] = [
    "EBADF",
    "ENOTSOCK",
    "ENOTCONN",
    "EISCONN",
    "EDESTADDRREQ",
    "EMSGSIZE",
    "EOPNOTSUPP",
    "EAFNOSUPPORT",
    "EADDRNOTAVAIL",
    "EFAULT",
    "EACCES",
];

/// From when to when each socket had something to receive or to accept.
struct Readable(HashMap<usize, Vec<(u64, u64)>>);

impl Readable {
    fn of(analysis: &Analysis) -> Readable {
        let calls = &analysis.calls;
        let mut all: HashMap<usize, Vec<(u64, u64)>> = HashMap::new();
        let mut is = |socket: usize, from_ns: u64, to_ns: u64| {
            all.entry(socket).or_default().push((from_ns, to_ns));
        };
        for direction in analysis.directions.iter().filter(|direction| direction.sound) {
            for (send, arrived_ns) in direction.sends.iter().zip(&direction.arrived) {
                is(direction.to, *arrived_ns, analysis.taken_ns(direction, send));
            }
            if let Some((ended, _)) = direction.end {
                is(direction.to, calls[ended].returned_ns(), u64::MAX);
            }
        }
        for span in calls.iter().filter(|span| span.receives() && span.result() == Some(0)) {
            let asked = !matches!(&span.call.syscall, Syscall::Recv { size: 0, .. });
            let stream = span.socket.filter(|&at| asked && analysis.sockets[at].is_stream());
            if let Some(ended) = stream {
                is(ended, span.returned_ns(), u64::MAX);
            }
        }
        for message in &analysis.messages {
            let arrived = matches!(message.fate, Fate::Received | Fate::Cut(_));
            if let (Some(to), Some(send), Some(receive), true) =
                (message.to, message.send, message.receive, arrived)
                && !analysis.sockets[to].is_stream()
            {
                is(to, calls[send].returned_ns(), calls[receive].returned_ns());
            }
        }
        for connection in &analysis.connections {
            let (connect, accept) = (&calls[connection.connect], &calls[connection.accept]);
            let is_there = connect.result().is_some() || connect.is_under_way();
            if let Some(listener) = accept.socket.filter(|_| is_there) {
                is(listener, connect.returned_ns(), accept.returned_ns());
            }
        }
        for spans in all.values_mut() {
            spans.sort_unstable();
            // Of those that began by then, the one that ends last decides.
            let mut last_ns = 0;
            for (_, to_ns) in spans {
                last_ns = last_ns.max(*to_ns);
                *to_ns = last_ns;
            }
        }
        Readable(all)
    }

    fn is(&self, socket: usize, at_ns: u64) -> bool {
        let Some(spans) = self.0.get(&socket) else { return false };
        let begun = spans.partition_point(|(from_ns, _)| *from_ns <= at_ns);
        begun.checked_sub(1).is_some_and(|last| at_ns < spans[last].1)
    }
}

/// From when to when each socket is a connection on which every send so far was taken whole.
struct Roomy(HashMap<usize, (u64, u64)>);

impl Roomy {
    fn of(analysis: &Analysis) -> Roomy {
        let mut all: HashMap<usize, (u64, u64)> = HashMap::new();
        for (at, socket) in analysis.sockets.iter().enumerate() {
            if socket.is_accepted() {
                all.insert(at, (socket.opened_ns, u64::MAX));
            }
        }
        for span in &analysis.calls {
            let Some(socket) = span.socket else { continue };
            if span.is(SyscallKind::Connect) && span.result().is_some() {
                all.insert(socket, (span.returned_ns(), u64::MAX));
            }
            let is_whole = span.sending().is_none_or(|data| span.sent() == Some(data.bytes));
            if let Some((_, until_ns)) = all.get_mut(&socket).filter(|_| !is_whole) {
                *until_ns = (*until_ns).min(span.entered_ns);
            }
        }
        Roomy(all)
    }

    fn is(&self, socket: usize, at_ns: u64) -> bool {
        self.0.get(&socket).is_some_and(|(from_ns, to_ns)| (*from_ns..*to_ns).contains(&at_ns))
    }
}

/// The sends that found so much room that none waits for it: they carry little, and little was unread.
struct Small(HashSet<usize>);

impl Small {
    fn of(analysis: &Analysis) -> Small {
        let calls = &analysis.calls;
        let sized = analysis.sized();
        let mut all = HashSet::new();
        let usual = |at: usize| analysis.with_listener(at).all(|at| !sized.contains(&at));
        for direction in analysis.directions.iter().filter(|it| it.sound && usual(it.from)) {
            for (number, send) in direction.sends.iter().enumerate() {
                let now_ns = calls[send.call].entered_ns;
                let received = direction
                    .receives
                    .partition_point(|piece| calls[piece.call].returned_ns() <= now_ns);
                let got = received.checked_sub(1).map_or(0, |last| direction.receives[last].end());
                let unread = direction.sends[..number].partition_point(|it| it.end() <= got);
                let has_returned = calls[send.call].exit.is_some();
                let is_small = send.end().saturating_sub(got) <= LITTLE && number - unread < FEW;
                if is_small && has_returned && usual(direction.to) {
                    all.insert(send.call);
                }
            }
        }
        let datagrams = analysis.messages.iter().filter(|message| {
            let from = message.from.filter(|from| usual(*from));
            from.is_some_and(|from| analysis.sockets[from].protocol_name() == "UDP")
                && message.bytes <= LITTLE
        });
        all.extend(datagrams.filter_map(|message| message.send));
        Small(all)
    }
}

impl Analysis<'_> {
    /// Marks them. On a wire what was sent has not arrived yet, so of such runs only what failed at once is known.
    pub(super) fn find_ready_calls(&mut self) {
        let failed: Vec<usize> =
            (0..self.calls.len()).filter(|index| self.fails_at_once(&self.calls[*index])).collect();
        failed.into_iter().for_each(|index| self.calls[index].found_ready = true);
        let mut events = self.recording.events().iter();
        if !self.wire.is_empty() || events.any(|it| matches!(it.what, EventKind::Network { .. })) {
            return;
        }
        let (facts, readable, roomy) = (Facts::of(self), Readable::of(self), Roomy::of(self));
        let small = Small::of(self);
        let is_ready =
            |index: &usize| small.0.contains(index) || is_ready(&facts, &readable, &roomy, *index);
        let ready: Vec<usize> = (0..self.calls.len()).filter(is_ready).collect();
        ready.into_iter().for_each(|index| self.calls[index].found_ready = true);
    }

    /// True if it failed because it was no call for that socket, with those arguments: then the kernel waits for nobody.
    fn fails_at_once(&self, span: &CallSpan) -> bool {
        let listens = || span.socket.is_some_and(|at| self.sockets[at].backlog.is_some());
        match span.errno() {
            // A listening socket that another thread shuts down ends an accept() with it too.
            Some("EINVAL") => !span.is(SyscallKind::Accept) || !listens(),
            Some(errno) => AT_ONCE.contains(&errno),
            None => false,
        }
    }
}

fn is_ready(facts: &Facts, readable: &Readable, roomy: &Roomy, index: usize) -> bool {
    let span = facts.call(index);
    if span.call.is_instrument() {
        return false;
    }
    let is_readable = |socket| readable.is(socket, span.entered_ns);
    match &span.call.syscall {
        Syscall::Recv { flags, .. } if flags.wants_all() => false,
        Syscall::Recv { .. } | Syscall::Accept { .. } => {
            span.socket.is_some_and(is_readable) || was_reported(facts, index)
        }
        Syscall::Connect { address, .. } => is_answered_at_once(facts, span, address),
        Syscall::Close => !lingers(facts, span),
        Syscall::Poll { .. } | Syscall::Select { .. } | Syscall::EpollWait { .. } => reported(span)
            .any(|(fd, events)| {
                let socket = facts.socket_of(span.process, fd, span.entered_ns);
                let is = |socket| {
                    (is_reading(events) && is_readable(socket))
                        || (events.contains("OUT") && roomy.is(socket, span.entered_ns))
                };
                socket.is_some_and(is)
            }),
        _ => false,
    }
}

/// True for a connect() by TCP to this machine itself, which answers at once, or where its queue is full not at all: then the call lasts
/// until the SYN is sent again.
fn is_answered_at_once(facts: &Facts, span: &CallSpan, address: &Address) -> bool {
    let is_tcp = span.socket.is_some_and(|at| facts.analysis.sockets[at].protocol_name() == "TCP");
    let is_here = plain(address).is_some_and(|to| to.ip().is_loopback());
    let took_ns = span.took_ns();
    is_tcp && is_here && took_ns < SYN_AGAIN_NS
}

/// What a call said of descriptors that are ready.
fn reported(span: &CallSpan) -> impl Iterator<Item = (i64, &str)> {
    let list = span.exit.iter().filter_map(|exit| match &exit.out {
        Output::Ready(list) => Some(&list.shown),
        _ => None,
    });
    list.flatten().map(|(fd, events)| (*fd, &**events))
}

fn is_reading(events: &str) -> bool {
    ["IN", "HUP", "ERR"].iter().any(|event| events.contains(event))
}

/// True if the thread had been told by select(), poll() or epoll that this descriptor is ready, and nobody has used it since.
fn was_reported(facts: &Facts, index: usize) -> bool {
    let span = facts.call(index);
    let mut before = facts.before_by_thread(index);
    let waits = |other: &usize| facts.call(*other).call.syscall.waits_for_many();
    let Some(told) = before.by_ref().take(SINCE_REPORT).find(waits) else {
        return false;
    };
    let told = facts.call(told);
    let is_it = |(fd, events): (i64, &str)| Some(fd) == span.call.fd && is_reading(events);
    let meanwhile = facts.entered(told.returned_ns(), span.entered_ns);
    let uses = |other: &CallSpan| {
        other.socket == span.socket && (other.receives() || other.is(SyscallKind::Accept))
    };
    span.socket.is_some() && reported(told).any(is_it) && !meanwhile.iter().any(uses)
}

/// True if close() waits on this socket until all has been sent.
fn lingers(facts: &Facts, span: &CallSpan) -> bool {
    let sets = |other: &CallSpan| {
        matches!(&other.call.syscall, Syscall::SetOption { option: SockOpt::Linger, value }
            if *value != Value::Number(0))
    };
    span.socket.is_some_and(|socket| facts.on(socket).any(|(_, other)| sets(other)))
}

#[cfg(test)]
mod tests {
    use super::super::Analysis;
    use super::super::script::{Script, at, data, here};
    use crate::trace::{Outcome, Value};

    const MS: u64 = 1_000_000;

    #[test]
    fn who_receives_what_is_there_already_was_not_blocked() {
        for (first, ready) in [(true, true), (false, false)] {
            let mut script = Script::new();
            script.tcp_connection(("client", 2), ("server", 1, 3));
            if first {
                script.sends("client", 2, "hello");
            }
            let recv = script.enter("server", 3, "recv", &[("size", Value::Number(1024))]);
            if !first {
                script.pass(MS).sends("client", 2, "hello");
            }
            script.pass(4 * MS);
            script.leave("server", &recv, Outcome::Result(5), &[("data", data("hello"))]);
            let recording = script.recording();
            let analysis = Analysis::of(&recording);
            let receive = analysis.calls.iter().find(|span| span.receives()).expect("a receive");
            assert_eq!(receive.found_ready, ready);
            let server = analysis.threads.iter().find(|it| &*it.actor == "server");
            let blocked = server.expect("a server").blocked();
            assert_eq!(blocked.iter().any(|(call, ..)| *call == "recv"), !ready, "{blocked:?}");
        }
    }

    #[test]
    fn who_sends_a_little_or_connects_to_this_machine_was_not_blocked() {
        for (bytes, is_blocked) in [(1_000, false), (1_000_000, true)] {
            let mut script = Script::new();
            script.socket("server", 1, "AF_INET", "SOCK_STREAM");
            script.call("server", 1, "bind", &[("address", here(5000))], 0);
            script.call("server", 1, "listen", &[("backlog", Value::Number(5))], 0);
            script.socket("client", 2, "AF_INET", "SOCK_STREAM");
            let connect = script.enter("client", 2, "connect", &[("address", here(5000))]);
            script.pass(5 * MS).leave("client", &connect, Outcome::Result(0), &[]);
            script.located("client", 2, here(40_000)).accepts("server", 1, 3, here(40_000));
            script.located("server", 3, here(5000));
            let text = "a".repeat(bytes);
            let send = script.enter("client", 2, "send", &[("data", data(&text))]);
            let count = i64::try_from(bytes).expect("a count");
            script.pass(5 * MS).leave("client", &send, Outcome::Result(count), &[]);
            let recording = script.recording();
            let analysis = Analysis::of(&recording);
            let client = analysis.threads.iter().find(|it| &*it.actor == "client");
            let blocked = client.expect("a client").blocked();
            let calls: Vec<&str> = blocked.iter().map(|(call, ..)| *call).collect();
            assert_eq!(calls, if is_blocked { vec!["send"] } else { Vec::new() });
        }
    }

    #[test]
    fn who_accepts_a_connection_that_waits_was_not_blocked_and_no_close_is() {
        let mut script = Script::new();
        script.socket("server", 1, "AF_INET", "SOCK_STREAM");
        script.call("server", 1, "bind", &[("address", here(5000))], 0);
        script.located("server", 1, here(5000));
        script.call("server", 1, "listen", &[("backlog", Value::Number(5))], 0);
        script.socket("client", 2, "AF_INET", "SOCK_STREAM");
        script.call("client", 2, "connect", &[("address", here(5000))], 0);
        script.located("client", 2, here(40_000));
        let accept = script.enter("server", 1, "accept", &[]);
        let out = [("address", here(40_000)), ("socket", Value::from(3))];
        script.pass(5 * MS).leave("server", &accept, Outcome::Result(5), &out);
        script.located("server", 3, here(5000));
        let close = script.enter("client", 2, "close", &[]);
        script.pass(5 * MS).leave("client", &close, Outcome::Result(0), &[]);
        let recording = script.recording();
        let analysis = Analysis::of(&recording);
        assert_eq!(analysis.connections.len(), 1);
        for timeline in &analysis.threads {
            assert_eq!(timeline.blocked(), [], "{}", timeline.actor);
        }
    }

    #[test]
    fn who_fails_by_the_call_itself_or_only_looks_was_not_blocked() {
        for (function, errno, may_block) in [
            ("recv", "ENOTCONN", false),
            ("accept", "EINVAL", false),
            ("recv", "ECONNRESET", true),
            ("connect", "ETIMEDOUT", true),
        ] {
            let mut script = Script::new();
            script.socket("server", 1, "AF_INET", "SOCK_STREAM");
            let far = at("192.0.2.1:80");
            let args: &[_] = match function {
                "connect" => &[("address", far)],
                "recv" => &[("size", Value::Number(9))],
                _ => &[],
            };
            let call = script.enter("server", 1, function, args);
            script.pass(5 * MS).leave("server", &call, Outcome::Errno(errno.into()), &[]);
            let recording = script.recording();
            let analysis = Analysis::of(&recording);
            let last = analysis.calls.last().expect("a call");
            assert_eq!(last.may_have_blocked(), may_block, "{function}: {errno}");
        }
        for (timeout, may_block) in [(0, false), (7, true)] {
            let mut script = Script::new();
            let args = [("epfd", 9.into()), ("maxevents", 2.into()), ("timeout", timeout.into())];
            let call = script.enter("server", 0, "epoll_wait", &args);
            script.pass(5 * MS).leave("server", &call, Outcome::Result(0), &[]);
            let recording = script.recording();
            let analysis = Analysis::of(&recording);
            assert_eq!(analysis.calls[0].may_have_blocked(), may_block);
            let blocked = analysis.threads[0].blocked();
            assert_eq!(blocked.is_empty(), !may_block, "{blocked:?}");
        }
    }
}
