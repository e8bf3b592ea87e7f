//! Recordings made by hand, for the tests of the views.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::Analysis;
use crate::trace::recording::{Header, Origin, Recording};
use crate::trace::{
    Address, Args, Call, Data, Event, EventKind, Fact, Name, Observation, Outcome, Output, Return,
    Role, Site, SocketId, Syscall, Value,
};

/// A recording that is being made by hand: each actor a thread of one process.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    pub events: Vec<Event>,
    now_ns: u64,
    /// How far time goes on before an event, and after it.
    pub(super) pace_ns: (u64, u64),
    next: u64,
}

/// An IPv4 address on this machine.
pub(crate) fn here(port: u16) -> Value {
    Value::Address(Address::Inet(std::net::SocketAddrV4::new(std::net::Ipv4Addr::LOCALHOST, port)))
}

/// Data.
pub(crate) fn data(text: &str) -> Value {
    Value::Data(Data::of(text.as_bytes()))
}

fn named(values: &[(&'static str, Value)]) -> Args {
    Args(values.iter().map(|(name, value)| (Cow::Borrowed(*name), value.clone())).collect())
}

impl Sample {
    /// It begins at 1 ms, and time goes on by 10 µs after every event.
    pub fn new() -> Sample {
        Sample::at_pace(1_000_000, (0, 10_000))
    }

    /// A TCP server (socket 1, port 4000) and a client (socket 2, port 53546) of which it has accepted socket 3.
    pub fn connected() -> Sample {
        let mut sample = Sample::new();
        sample.socket("server", 1, "AF_INET", "SOCK_STREAM").call(
            "server",
            1,
            "bind",
            &[("address", here(0))],
            0,
        );
        sample.located("server", 1, here(4000)).call(
            "server",
            1,
            "listen",
            &[("backlog", 5.into())],
            0,
        );
        sample.socket("client", 2, "AF_INET", "SOCK_STREAM").call(
            "client",
            2,
            "connect",
            &[("address", here(4000))],
            0,
        );
        sample.located("client", 2, here(53546)).accepts("server", 1, 3, here(53546)).located(
            "server",
            3,
            here(4000),
        );
        sample
    }

    /// It begins then, and time goes on by so much before and after every event.
    pub fn at_pace(now_ns: u64, pace_ns: (u64, u64)) -> Sample {
        Sample { events: Vec::new(), now_ns, pace_ns, next: 1 }
    }

    /// Time goes by.
    pub fn pass(&mut self, ns: u64) -> &mut Sample {
        self.now_ns += ns;
        self
    }

    /// Something happens, in this process and thread.
    pub fn happens(
        &mut self,
        (actor, process, thread): (&str, u32, u32),
        what: EventKind,
    ) -> &mut Sample {
        self.now_ns += self.pace_ns.0;
        self.events.push(Event {
            at_ns: self.now_ns,
            actor: Name::from(actor),
            process,
            thread,
            what,
        });
        self.pass(self.pace_ns.1)
    }

    /// Something happens.
    pub fn event(&mut self, actor: &str, what: EventKind) -> &mut Sample {
        let thread = actor.bytes().map(u32::from).sum();
        self.happens((actor, 1, thread), what)
    }

    /// A call, as it would be entered.
    pub fn made(
        &mut self,
        socket: u32,
        function: &str,
        args: Args,
        site: Option<Site>,
    ) -> Arc<Call> {
        let name = match function {
            "accept" => "accept4",
            "send" | "send_to" => "sendto",
            "recv" | "recv_from" | "peek" => "recvfrom",
            "local_addr" => "getsockname",
            "peer_addr" => "getpeername",
            "tcp_info" => "getsockopt",
            "nonblocking" | "set_nonblocking" => "fcntl",
            "wait" => "epoll_wait",
            setter if setter.starts_with("set_") => "setsockopt",
            other => other,
        };
        let role = match (function, &site) {
            (_, Some(_)) => Role::Program,
            (_, None) => Role::ScopeEnd,
        };
        let (fd, syscall) = Syscall::decode(name, args);
        self.next += 1;
        Arc::new(Call {
            id: self.next - 1,
            syscall,
            name: Cow::Owned(name.to_owned()),
            api: Some(Cow::Owned(function.to_owned())),
            fd,
            socket: Some(SocketId(socket.into())).filter(|id| id.0 != 0 && function != "socket"),
            site,
            role,
        })
    }

    /// What the call gave back, if it returned with the next event.
    pub fn back(&self, call: &Arc<Call>, outcome: Outcome, out: Args) -> EventKind {
        let entered = self
            .events
            .iter()
            .find(|event| matches!(&event.what, EventKind::Enter(other) if other.id == call.id));
        let now_ns = self.now_ns + self.pace_ns.0;
        let out = match (&call.syscall, &outcome) {
            (Syscall::Socket { .. }, Outcome::Result(fd)) => {
                Output::Opened { socket: SocketId(fd.unsigned_abs() - 2) }
            }
            _ => Output::decode(out),
        };
        EventKind::Return(Return {
            call: call.clone(),
            outcome,
            out,
            took_ns: entered.map_or(0, |event| now_ns - event.at_ns),
            lag_ns: None,
        })
    }

    /// A call is entered: `socket` is the lab's number for it, and the descriptor is two more.
    pub fn enter(
        &mut self,
        actor: &str,
        socket: u32,
        function: &'static str,
        args: &[(&'static str, Value)],
    ) -> Arc<Call> {
        let mut all = named(args);
        if function != "socket" {
            all.0.insert(0, (Cow::Borrowed("fd"), Value::from(socket + 2)));
        }
        let call = self.made(
            socket,
            function,
            all,
            Some(Site { file: "src/experiments/sample.rs".into(), line: 7 }),
        );
        self.event(actor, EventKind::Enter(call.clone()));
        call
    }

    /// The call returns.
    pub fn leave(
        &mut self,
        actor: &str,
        call: &Arc<Call>,
        outcome: Outcome,
        out: &[(&'static str, Value)],
    ) -> &mut Sample {
        let back = self.back(call, outcome, named(out));
        self.event(actor, back)
    }

    /// A call that returns at once.
    pub fn call(
        &mut self,
        actor: &str,
        socket: u32,
        function: &'static str,
        args: &[(&'static str, Value)],
        result: i64,
    ) -> &mut Sample {
        let call = self.enter(actor, socket, function, args);
        self.leave(actor, &call, Outcome::Result(result), &[])
    }

    /// A call that fails at once.
    pub fn fails(
        &mut self,
        actor: &str,
        socket: u32,
        function: &'static str,
        args: &[(&'static str, Value)],
        errno: &'static str,
    ) -> &mut Sample {
        let call = self.enter(actor, socket, function, args);
        self.leave(actor, &call, Outcome::Errno(errno.into()), &[])
    }

    /// A socket is opened.
    pub fn socket(
        &mut self,
        actor: &str,
        socket: u32,
        domain: &'static str,
        kind: &'static str,
    ) -> &mut Sample {
        let protocol = match (domain, kind) {
            ("AF_UNIX", _) => Value::Number(0),
            (_, "SOCK_STREAM") => "IPPROTO_TCP".into(),
            _ => "IPPROTO_UDP".into(),
        };
        let args = [("domain", domain.into()), ("type", kind.into()), ("protocol", protocol)];
        self.call(actor, socket, "socket", &args, i64::from(socket) + 2)
    }

    /// The instrument asks for the local address.
    pub fn located(&mut self, actor: &str, socket: u32, at: Value) -> &mut Sample {
        let Value::Address(at) = at else { panic!("an address") };
        self.observed(actor, socket, Fact::Getsockname(at))
    }

    /// The instrument asks the kernel.
    pub fn observed(&mut self, actor: &str, socket: u32, fact: Fact) -> &mut Sample {
        let (socket, fd) = (Some(SocketId(socket.into())), Some(i64::from(socket) + 2));
        self.pass(self.pace_ns.0 + self.pace_ns.1);
        self.event(actor, EventKind::Observed(Observation { socket, fd, fact }))
    }

    /// A connection is accepted as socket `new`.
    pub fn accepts(&mut self, actor: &str, socket: u32, new: u32, from: Value) -> &mut Sample {
        let call = self.enter(actor, socket, "accept", &[]);
        self.leave(
            actor,
            &call,
            Outcome::Result(i64::from(new) + 2),
            &[("address", from), ("socket", Value::from(new))],
        )
    }

    /// Data is sent, all of it.
    pub fn sends(&mut self, actor: &str, socket: u32, text: &str) -> &mut Sample {
        let length = i64::try_from(text.len()).unwrap_or(0);
        self.call(actor, socket, "send", &[("data", data(text))], length)
    }

    /// Data is received.
    pub fn receives(&mut self, actor: &str, socket: u32, size: i64, text: &str) -> &mut Sample {
        let call = self.enter(actor, socket, "recv", &[("size", Value::Number(size))]);
        self.leave(
            actor,
            &call,
            Outcome::Result(i64::try_from(text.len()).unwrap_or(0)),
            &[("data", data(text))],
        )
    }

    /// A new part begins.
    pub fn part(&mut self, part: &'static str) -> &mut Sample {
        self.event("lab", EventKind::Part { part: part.into() })
    }

    /// The recording.
    pub fn recording(&self) -> Recording {
        let header = Header {
            kernel: "Linux".to_owned(),
            date: String::new(),
            origin: Origin::Experiment { name: "sample".to_owned(), parameters: BTreeMap::new() },
        };
        Recording::new(header, self.events.clone())
    }
}

/// Draws at every width that must do, and sees that nothing sticks out.
pub(crate) fn fits_everywhere(
    recording: &Recording,
    draw: fn(&Analysis, usize) -> crate::picture::Picture,
) {
    let analysis = Analysis::of(recording);
    for width in 20..=200 {
        for row in draw(&analysis, width).0 {
            assert!(row.width() <= width, "{} columns in {width}: {}", row.width(), row.text());
        }
    }
}
