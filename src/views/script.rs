//! Recordings made by hand, for the tests of the views: a call is entered, and returns some time later.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value as Json, json};

use crate::event::{Event, What};
use crate::recording::{Header, Recording};

/// A recording that is being written. Time goes on by a tenth of a millisecond with every event.
#[derive(Debug, Default)]
pub(super) struct Script {
    events: Vec<Event>,
    at_ns: u64,
    calls: u64,
}

/// A call that has been entered.
pub(super) type Entered = (u64, Json);

#[allow(dead_code)] // not every view uses all of it
impl Script {
    pub(super) fn new() -> Script {
        Script::default()
    }

    pub(super) fn recording(&self) -> Recording {
        let header = Header::now("Linux 6.18 x86_64".to_owned(), "by-hand", BTreeMap::new());
        Recording { header, events: self.events.clone() }
    }

    /// Lets time go by, in microseconds.
    pub(super) fn pass(&mut self, us: u64) -> &mut Script {
        self.at_ns += us * 1000;
        self
    }

    fn push(&mut self, actor: &str, process: u32, what: What) -> &mut Script {
        self.at_ns += 100_000;
        self.events.push(Event { at_ns: self.at_ns, actor: actor.into(), process, thread: process, what });
        self
    }

    /// Anything else, as its JSON.
    pub(super) fn event(&mut self, actor: &str, what: Json) -> &mut Script {
        let what = serde_json::from_value(what).expect("the test's own JSON");
        self.push(actor, 1, what)
    }

    /// A call is entered.
    pub(super) fn enter(&mut self, actor: &str, process: u32, socket: u32, function: &str, args: Json) -> Entered {
        self.calls += 1;
        let instrument = function == "local_addr" || function == "tcp_info";
        let syscall = match function {
            "local_addr" => "getsockname",
            "send" | "send_to" => "sendto",
            "recv" | "recv_from" => "recvfrom",
            "tcp_info" => "getsockopt",
            other => other,
        };
        let source = if instrument { Json::Null } else { json!(format!("src/experiments/by_hand.rs:{}", self.calls)) };
        let call = json!({"call": self.calls, "function": function, "syscall": syscall, "socket": socket, "args": args,
            "source": source, "instrument": instrument});
        let what = What::Enter(Arc::new(serde_json::from_value(call.clone()).expect("the test's own JSON")));
        self.push(actor, process, what);
        (self.at_ns, call)
    }

    /// It returns: a number, or the name of an error.
    pub(super) fn leave(&mut self, actor: &str, process: u32, entered: Entered, result: impl Into<Json>, out: Json) -> &mut Script {
        let (since, mut call) = entered;
        let result = result.into();
        let key = if result.is_string() { "errno" } else { "result" };
        call[key] = result;
        call["out"] = out;
        call["took_ns"] = json!(self.at_ns + 100_000 - since);
        let back = serde_json::from_value(call).expect("the test's own JSON");
        self.push(actor, process, What::Return(back))
    }

    /// Both at once.
    #[allow(clippy::too_many_arguments)] // a call has that many sides
    pub(super) fn call(
        &mut self,
        actor: &str,
        process: u32,
        socket: u32,
        function: &str,
        args: Json,
        result: impl Into<Json>,
        out: Json,
    ) -> &mut Script {
        let entered = self.enter(actor, process, socket, function, args);
        self.leave(actor, process, entered, result, out)
    }

    pub(super) fn socket(&mut self, actor: &str, process: u32, socket: u32, domain: &str, kind: &str) -> &mut Script {
        self.call(actor, process, socket, "socket", json!({"domain": domain, "type": kind, "protocol": 0}), socket + 2, json!({}))
    }

    fn located(&mut self, actor: &str, process: u32, socket: u32, address: Json) -> &mut Script {
        self.call(actor, process, socket, "local_addr", json!({}), 0, json!({"address": address}))
    }

    /// A TCP client (actor, process, socket) and a server (… and the accepted socket), connected, from port 40001 to port 5000.
    pub(super) fn tcp_connection(&mut self, client: (&str, u32, u32), server: (&str, u32, u32, u32)) -> &mut Script {
        let (there, here) = (json!({"inet": "127.0.0.1:5000"}), json!({"inet": "127.0.0.1:40001"}));
        self.socket(server.0, server.1, server.2, "AF_INET", "SOCK_STREAM");
        self.call(server.0, server.1, server.2, "bind", json!({"address": {"inet": "127.0.0.1:0"}}), 0, json!({}));
        self.located(server.0, server.1, server.2, there.clone());
        self.call(server.0, server.1, server.2, "listen", json!({"backlog": 5}), 0, json!({}));
        let accept = self.enter(server.0, server.1, server.2, "accept", json!({"fd": 3}));
        self.pass(2000);
        self.socket(client.0, client.1, client.2, "AF_INET", "SOCK_STREAM");
        let connect = self.enter(client.0, client.1, client.2, "connect", json!({"address": there}));
        self.leave(server.0, server.1, accept, 4, json!({"address": here, "socket": server.3}));
        self.leave(client.0, client.1, connect, 0, json!({}));
        self.located(server.0, server.1, server.3, there);
        self.located(client.0, client.1, client.2, here)
    }

    pub(super) fn send(&mut self, actor: &str, process: u32, socket: u32, text: &str) -> &mut Script {
        self.call(actor, process, socket, "send", json!({"data": {"bytes": text.len(), "text": text}}), text.len(), json!({}))
    }

    pub(super) fn recv(&mut self, actor: &str, process: u32, socket: u32, size: u32, text: &str) -> &mut Script {
        let out = json!({"data": {"bytes": text.len(), "text": text}});
        self.call(actor, process, socket, "recv", json!({"size": size}), text.len(), out)
    }

    pub(super) fn udp(&mut self, actor: &str, process: u32, socket: u32, port: u16) -> &mut Script {
        self.socket(actor, process, socket, "AF_INET", "SOCK_DGRAM");
        self.call(actor, process, socket, "bind", json!({"address": {"inet": format!("127.0.0.1:{port}")}}), 0, json!({}))
    }

    pub(super) fn send_to(&mut self, actor: &str, process: u32, socket: u32, text: &str, port: u16) -> &mut Script {
        let args = json!({"data": {"bytes": text.len(), "text": text}, "address": {"inet": format!("127.0.0.1:{port}")}});
        self.call(actor, process, socket, "send_to", args, text.len(), json!({}))
    }

    pub(super) fn recv_from(&mut self, actor: &str, process: u32, socket: u32, size: u32, text: &str, port: u16) -> &mut Script {
        let out = json!({"data": {"bytes": text.len(), "text": text}, "address": {"inet": format!("127.0.0.1:{port}")}});
        self.call(actor, process, socket, "recv_from", json!({"size": size}), text.len(), out)
    }

    pub(super) fn unix_listener(&mut self, actor: &str, process: u32, socket: u32) -> &mut Script {
        self.socket(actor, process, socket, "AF_UNIX", "SOCK_STREAM");
        self.call(actor, process, socket, "bind", json!({"address": {"unix": "/tmp/talk"}}), 0, json!({}));
        self.call(actor, process, socket, "listen", json!({"backlog": 5}), 0, json!({}))
    }

    pub(super) fn unix_connect(&mut self, actor: &str, process: u32, socket: u32) -> &mut Script {
        self.socket(actor, process, socket, "AF_UNIX", "SOCK_STREAM");
        self.call(actor, process, socket, "connect", json!({"address": {"unix": "/tmp/talk"}}), 0, json!({}))
    }

    pub(super) fn unix_accept(&mut self, actor: &str, process: u32, socket: u32, accepted: u32) -> &mut Script {
        let out = json!({"address": {"unix": null}, "socket": accepted});
        self.call(actor, process, socket, "accept", json!({}), accepted + 2, out)
    }
}
