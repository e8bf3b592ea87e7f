//! Recordings made by hand, for the tests of analysis and views.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::sync::Arc;

use super::Analysis;
use crate::trace::recording::{Header, Origin, Recording};
use crate::trace::{
    Address, Args, Call, Data, Event, EventKind, Fact, Name, Observation, Outcome, Output, Return,
    Role, Site, SocketId, Syscall, Value,
};

/// A recording that is being written. An actor is a thread of process 1, if it is not said to be a process.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    pub events: Vec<Event>,
    now_ns: u64,
    /// How far time goes on before an event, and after it.
    pace_ns: (u64, u64),
    next_call: u64,
    processes: HashMap<String, u32>,
}

/// An IPv4 address on this machine.
pub(crate) fn here(port: u16) -> Value {
    Value::Address(Address::Inet(SocketAddrV4::new(Ipv4Addr::LOCALHOST, port)))
}

/// An address as a recording has it: `10.9.0.1:5000`, `[::1]:80`, or the path of an AF_UNIX socket.
pub(crate) fn at(text: &str) -> Value {
    Value::Address(match text.parse() {
        Ok(SocketAddr::V4(address)) => Address::Inet(address),
        Ok(SocketAddr::V6(address)) => Address::Inet6(address),
        Err(_) => Address::Unix(Some(text.to_owned())),
    })
}

/// Data.
pub(crate) fn data(text: &str) -> Value {
    Value::Data(Data::of(text.as_bytes()))
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned().into())
}

fn length(text: &str) -> i64 {
    i64::try_from(text.len()).unwrap_or(0)
}

fn named(values: &[(&'static str, Value)]) -> Args {
    Args(values.iter().map(|(name, value)| (Cow::Borrowed(*name), value.clone())).collect())
}

impl Script {
    /// It begins at 1 ms, and time goes on by 10 µs after every event.
    pub fn new() -> Script {
        Script::at_pace(1_000_000, (0, 10_000))
    }

    /// It begins at 0, and time goes on by 100 µs before every event.
    pub fn unhurried() -> Script {
        Script::at_pace(0, (100_000, 0))
    }

    fn at_pace(now_ns: u64, pace_ns: (u64, u64)) -> Script {
        Script { events: Vec::new(), now_ns, pace_ns, next_call: 1, processes: HashMap::new() }
    }

    /// Time goes by.
    pub fn pass(&mut self, ns: u64) -> &mut Script {
        self.now_ns += ns;
        self
    }

    /// This actor is a process of its own, of this number.
    pub fn process(&mut self, actor: &str, number: u32) -> &mut Script {
        self.processes.insert(actor.to_owned(), number);
        self
    }

    /// Something happens.
    pub fn event(&mut self, actor: &str, what: EventKind) -> &mut Script {
        let thread = actor.bytes().map(u32::from).sum();
        let (process, thread) =
            self.processes.get(actor).map_or((1, thread), |number| (*number, *number));
        self.now_ns += self.pace_ns.0;
        let (at_ns, actor) = (self.now_ns, Name::from(actor));
        self.events.push(Event { at_ns, actor, process, thread, what });
        self.pass(self.pace_ns.1)
    }

    /// Something happens, as a recording has it in JSON.
    pub fn json(&mut self, actor: &str, what: serde_json::Value) -> &mut Script {
        self.event(actor, serde_json::from_value(what).expect("the test's own JSON"))
    }

    /// A call, as it would be entered.
    fn new_call(&mut self, socket: u32, function: &str, args: Args) -> Arc<Call> {
        let name = match function {
            "accept" => "accept4",
            "send" | "send_to" => "sendto",
            "recv" | "recv_from" | "peek" => "recvfrom",
            "local_addr" => "getsockname",
            "peer_addr" => "getpeername",
            "tcp_info" => "getsockopt",
            "nonblocking" | "set_nonblocking" | "set_cloexec" => "fcntl",
            "wait" => "epoll_wait",
            setter if setter.starts_with("set_") => "setsockopt",
            other => other,
        };
        let (fd, syscall) = Syscall::decode(name, args);
        self.next_call += 1;
        Arc::new(Call {
            id: self.next_call - 1,
            syscall,
            name: Cow::Owned(name.to_owned()),
            api: Some(Cow::Owned(function.to_owned())),
            fd,
            socket: Some(SocketId(socket.into())).filter(|id| id.0 != 0 && function != "socket"),
            site: Some(Site { file: "src/experiments/sample.rs".into(), line: 7 }),
            role: Role::Program,
        })
    }

    /// What the call gave back, if it returned with the next event.
    fn back(&self, call: &Arc<Call>, outcome: Outcome, out: Args) -> EventKind {
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

    /// A call is entered: `socket` is the socket's number, and its descriptor is two more if the arguments do not say another
    /// `fd`. Socket 0 is none.
    pub fn enter(
        &mut self,
        actor: &str,
        socket: u32,
        function: &str,
        args: &[(&'static str, Value)],
    ) -> Arc<Call> {
        let mut all = named(args);
        if socket != 0 && function != "socket" && all.get("fd").is_none() {
            all.0.insert(0, (Cow::Borrowed("fd"), Value::from(socket + 2)));
        }
        let call = self.new_call(socket, function, all);
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
    ) -> &mut Script {
        let back = self.back(call, outcome, named(out));
        self.event(actor, back)
    }

    /// A call that returns at once.
    pub fn call(
        &mut self,
        actor: &str,
        socket: u32,
        function: &str,
        args: &[(&'static str, Value)],
        result: i64,
    ) -> &mut Script {
        let call = self.enter(actor, socket, function, args);
        self.leave(actor, &call, Outcome::Result(result), &[])
    }

    /// A call that fails at once.
    pub fn fails(
        &mut self,
        actor: &str,
        socket: u32,
        function: &str,
        args: &[(&'static str, Value)],
        errno: &str,
    ) -> &mut Script {
        let call = self.enter(actor, socket, function, args);
        self.leave(actor, &call, Outcome::Errno(errno.to_owned().into()), &[])
    }

    /// A socket is opened.
    pub fn socket(&mut self, actor: &str, socket: u32, domain: &str, kind: &str) -> &mut Script {
        let protocol = match (domain, kind) {
            ("AF_UNIX", _) => Value::Number(0),
            (_, "SOCK_STREAM") => "IPPROTO_TCP".into(),
            _ => "IPPROTO_UDP".into(),
        };
        let args = [("domain", text(domain)), ("type", text(kind)), ("protocol", protocol)];
        self.call(actor, socket, "socket", &args, i64::from(socket) + 2)
    }

    /// The instrument asks for the local address.
    pub fn located(&mut self, actor: &str, socket: u32, at: Value) -> &mut Script {
        let Value::Address(at) = at else { panic!("an address") };
        self.observed(actor, socket, Fact::Getsockname(at))
    }

    /// The instrument asks the kernel.
    pub fn observed(&mut self, actor: &str, socket: u32, fact: Fact) -> &mut Script {
        let (socket, fd) = (Some(SocketId(socket.into())), Some(i64::from(socket) + 2));
        self.pass(self.pace_ns.0 + self.pace_ns.1);
        self.event(actor, EventKind::Observed(Observation { socket, fd, fact }))
    }

    /// A connection is accepted as socket `new`.
    pub fn accepts(&mut self, actor: &str, socket: u32, new: u32, from: Value) -> &mut Script {
        let call = self.enter(actor, socket, "accept", &[]);
        self.leave(
            actor,
            &call,
            Outcome::Result(i64::from(new) + 2),
            &[("address", from), ("socket", Value::from(new))],
        )
    }

    /// Data is sent, all of it.
    pub fn sends(&mut self, actor: &str, socket: u32, text: &str) -> &mut Script {
        self.call(actor, socket, "send", &[("data", data(text))], length(text))
    }

    /// Data is received.
    pub fn receives(&mut self, actor: &str, socket: u32, size: i64, text: &str) -> &mut Script {
        let call = self.enter(actor, socket, "recv", &[("size", Value::Number(size))]);
        self.leave(actor, &call, Outcome::Result(length(text)), &[("data", data(text))])
    }

    /// Data is sent to that port of this machine, all of it.
    pub fn sends_to(&mut self, actor: &str, socket: u32, text: &str, port: u16) -> &mut Script {
        let args = [("data", data(text)), ("address", here(port))];
        self.call(actor, socket, "send_to", &args, length(text))
    }

    /// Data is received that came from that port of this machine.
    pub fn receives_from(
        &mut self,
        actor: &str,
        socket: u32,
        size: i64,
        text: &str,
        port: u16,
    ) -> &mut Script {
        let call = self.enter(actor, socket, "recv_from", &[("size", Value::Number(size))]);
        let out = [("data", data(text)), ("address", here(port))];
        self.leave(actor, &call, Outcome::Result(length(text)), &out)
    }

    /// A UDP socket is opened and bound to this port of this machine.
    pub fn udp(&mut self, actor: &str, socket: u32, port: u16) -> &mut Script {
        self.socket(actor, socket, "AF_INET", "SOCK_DGRAM");
        self.call(actor, socket, "bind", &[("address", here(port))], 0)
    }

    /// A TCP client (actor, socket) connects from port 40001 to a server (actor, socket, and the accepted socket) at port 5000.
    pub fn tcp_connection(&mut self, client: (&str, u32), server: (&str, u32, u32)) -> &mut Script {
        let (from, to) = (here(40001), here(5000));
        self.socket(server.0, server.1, "AF_INET", "SOCK_STREAM");
        self.call(server.0, server.1, "bind", &[("address", here(0))], 0);
        self.located(server.0, server.1, to.clone());
        self.call(server.0, server.1, "listen", &[("backlog", 5.into())], 0);
        let accept = self.enter(server.0, server.1, "accept", &[]);
        self.pass(2_000_000).socket(client.0, client.1, "AF_INET", "SOCK_STREAM");
        let connect = self.enter(client.0, client.1, "connect", &[("address", to.clone())]);
        let out = [("address", from.clone()), ("socket", Value::from(server.2))];
        self.leave(server.0, &accept, Outcome::Result(i64::from(server.2) + 2), &out);
        self.leave(client.0, &connect, Outcome::Result(0), &[]);
        self.located(server.0, server.2, to).located(client.0, client.1, from)
    }

    /// An AF_UNIX socket listens at a path.
    pub fn unix_listener(&mut self, actor: &str, socket: u32) -> &mut Script {
        self.socket(actor, socket, "AF_UNIX", "SOCK_STREAM");
        self.call(actor, socket, "bind", &[("address", at("/tmp/talk"))], 0);
        self.call(actor, socket, "listen", &[("backlog", 5.into())], 0)
    }

    /// Another connects to it.
    pub fn unix_connect(&mut self, actor: &str, socket: u32) -> &mut Script {
        self.socket(actor, socket, "AF_UNIX", "SOCK_STREAM");
        self.call(actor, socket, "connect", &[("address", at("/tmp/talk"))], 0)
    }

    /// A TCP server (socket 1, port 4000) and a client (socket 2, port 53546) of which it has accepted socket 3.
    pub fn connected() -> Script {
        let mut script = Script::new();
        script.socket("server", 1, "AF_INET", "SOCK_STREAM");
        script.call("server", 1, "bind", &[("address", here(0))], 0).located(
            "server",
            1,
            here(4000),
        );
        script.call("server", 1, "listen", &[("backlog", 5.into())], 0);
        script.socket("client", 2, "AF_INET", "SOCK_STREAM");
        script.call("client", 2, "connect", &[("address", here(4000))], 0);
        script.located("client", 2, here(53546)).accepts("server", 1, 3, here(53546));
        script.located("server", 3, here(4000));
        script
    }

    /// A new part begins.
    pub fn part(&mut self, part: &str) -> &mut Script {
        self.event("lab", EventKind::Part { part: part.to_owned().into() })
    }

    /// The recording.
    pub fn recording(&self) -> Recording {
        let header = Header {
            kernel: "Linux".to_owned(),
            date: String::new(),
            origin: Origin::Experiment { name: "by-hand".to_owned(), parameters: BTreeMap::new() },
            start: None,
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
