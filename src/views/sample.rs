//! Recordings made by hand, for the tests of the views.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::event::{Address, Args, Call, Data, Event, Name, Outcome, Return, Source, Value, What};
use crate::recording::{FORMAT, Header, Recording, VERSION};

/// A recording that is being made by hand. Time goes on by 10 µs with every event.
#[derive(Clone)]
pub(super) struct Sample {
    pub events: Vec<Event>,
    now_ns: u64,
    next: u64,
}

/// An IPv4 address on this machine.
pub(super) fn here(port: u16) -> Value {
    Value::Address(Address::Inet(std::net::SocketAddrV4::new(std::net::Ipv4Addr::LOCALHOST, port)))
}

/// Data.
pub(super) fn data(text: &str) -> Value {
    Value::Data(Data::of(text.as_bytes()))
}

fn named(values: &[(&'static str, Value)]) -> Args {
    Args(values.iter().map(|(name, value)| (Cow::Borrowed(*name), value.clone())).collect())
}

impl Sample {
    pub fn new() -> Sample {
        Sample { events: Vec::new(), now_ns: 1_000_000, next: 1 }
    }

    /// Time goes by.
    pub fn pass(&mut self, ns: u64) -> &mut Sample {
        self.now_ns += ns;
        self
    }

    /// Something happens.
    pub fn event(&mut self, actor: &str, what: What) -> &mut Sample {
        let number = actor.bytes().map(u32::from).sum();
        self.events.push(Event { at_ns: self.now_ns, actor: Name::from(actor), process: 1, thread: number, what });
        self.pass(10_000)
    }

    /// A call is entered: `socket` is the lab's number for it, and the descriptor is two more.
    pub fn enter(&mut self, actor: &str, socket: u32, function: &'static str, args: &[(&'static str, Value)]) -> Arc<Call> {
        let syscall = match function {
            "accept" => "accept4",
            "send" | "send_to" => "sendto",
            "recv" | "recv_from" => "recvfrom",
            "local_addr" => "getsockname",
            "tcp_info" => "getsockopt",
            other => other,
        };
        let mut all = named(args);
        if function != "socket" {
            all.0.insert(0, (Cow::Borrowed("fd"), Value::from(socket + 2)));
        }
        let call = Arc::new(Call {
            id: self.next,
            function: function.into(),
            syscall: syscall.into(),
            socket,
            args: all,
            source: Some(Source { file: "src/experiments/sample.rs".into(), line: 7 }),
            instrument: function == "tcp_info" || function == "local_addr",
        });
        self.next += 1;
        self.event(actor, What::Enter(call.clone()));
        call
    }

    /// The call returns.
    pub fn leave(&mut self, actor: &str, call: &Arc<Call>, outcome: Outcome, out: &[(&'static str, Value)]) -> &mut Sample {
        let entered = self.events.iter().find(|event| matches!(&event.what, What::Enter(other) if other.id == call.id));
        let took_ns = self.now_ns - entered.map_or(self.now_ns, |event| event.at_ns);
        self.event(actor, What::Return(Return { call: call.clone(), outcome, out: named(out), took_ns }))
    }

    /// A call that returns at once.
    pub fn call(&mut self, actor: &str, socket: u32, function: &'static str, args: &[(&'static str, Value)], result: i64) -> &mut Sample {
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
    pub fn socket(&mut self, actor: &str, socket: u32, domain: &'static str, kind: &'static str) -> &mut Sample {
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
        let call = self.enter(actor, socket, "local_addr", &[]);
        self.leave(actor, &call, Outcome::Result(0), &[("address", at)])
    }

    /// A connection is accepted as socket `new`.
    pub fn accepts(&mut self, actor: &str, socket: u32, new: u32, from: Value) -> &mut Sample {
        let call = self.enter(actor, socket, "accept", &[]);
        self.leave(actor, &call, Outcome::Result(i64::from(new) + 2), &[("address", from), ("socket", Value::from(new))])
    }

    /// Data is sent, all of it.
    pub fn sends(&mut self, actor: &str, socket: u32, text: &str) -> &mut Sample {
        let length = i64::try_from(text.len()).unwrap_or(0);
        self.call(actor, socket, "send", &[("data", data(text))], length)
    }

    /// Data is received.
    pub fn receives(&mut self, actor: &str, socket: u32, size: i64, text: &str) -> &mut Sample {
        let call = self.enter(actor, socket, "recv", &[("size", Value::Number(size))]);
        self.leave(actor, &call, Outcome::Result(i64::try_from(text.len()).unwrap_or(0)), &[("data", data(text))])
    }

    /// A new part begins.
    pub fn part(&mut self, part: &'static str) -> &mut Sample {
        self.event("lab", What::Part { part: part.into() })
    }

    /// The recording.
    pub fn recording(&self) -> Recording {
        let header = Header {
            format: FORMAT.to_owned(),
            version: VERSION,
            kernel: "Linux".to_owned(),
            date: String::new(),
            experiment: "sample".to_owned(),
            parameters: BTreeMap::new(),
        };
        Recording { header, events: self.events.clone() }
    }
}

/// Draws at every width that must do, and sees that nothing sticks out.
pub(super) fn fits_everywhere(recording: &Recording, draw: fn(&Recording, usize) -> crate::picture::Picture) {
    for width in 20..=200 {
        for row in draw(recording, width).0 {
            assert!(row.width() <= width, "{} columns in {width}: {}", row.width(), row.text());
        }
    }
}
