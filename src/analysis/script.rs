//! Recordings made by hand whose actors may be processes of their own, told as in a file: a layer on [`Sample`].

use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::sample::Sample;
use crate::trace::recording::{Origin, Recording};
use crate::trace::{Call, EventKind, Observation, Outcome, Site, SocketId};

/// A recording that is being written. Time goes on by a tenth of a millisecond before every event.
#[derive(Debug)]
pub(crate) struct Script(Sample);

/// A call that has been entered.
pub(crate) type Entered = Arc<Call>;

fn of<T: serde::de::DeserializeOwned>(json: Json) -> T {
    serde_json::from_value(json).expect("the test's own JSON")
}

#[allow(dead_code)] // not every view uses all of it
impl Script {
    pub(crate) fn new() -> Script {
        Script(Sample::at_pace(0, (100_000, 0)))
    }

    pub(crate) fn recording(&self) -> Recording {
        let mut recording = self.0.recording();
        recording.header.origin =
            Origin::Experiment { name: "by-hand".to_owned(), parameters: Default::default() };
        recording
    }

    /// Lets time go by, in microseconds.
    pub(crate) fn pass(&mut self, us: u64) -> &mut Script {
        self.0.pass(us * 1000);
        self
    }

    fn push(&mut self, actor: &str, process: u32, what: EventKind) -> &mut Script {
        self.0.happens((actor, process, process), what);
        self
    }

    /// Anything else, as its JSON.
    pub(crate) fn event(&mut self, actor: &str, what: Json) -> &mut Script {
        self.push(actor, 1, of(what))
    }

    /// A call is entered.
    pub(crate) fn enter(
        &mut self,
        actor: &str,
        process: u32,
        socket: u32,
        function: &str,
        args: Json,
    ) -> Entered {
        let site = Site {
            file: "src/experiments/by_hand.rs".into(),
            line: u32::try_from(self.0.events.len()).unwrap_or(0) + 1,
        };
        let call = self.0.made(socket, function, of(args), Some(site));
        self.push(actor, process, EventKind::Enter(call.clone()));
        call
    }

    /// It returns: a number, or the name of an error.
    pub(crate) fn leave(
        &mut self,
        actor: &str,
        process: u32,
        entered: Entered,
        result: impl Into<Json>,
        out: Json,
    ) -> &mut Script {
        let outcome = match result.into() {
            Json::String(errno) => Outcome::Errno(errno.into()),
            number => Outcome::Result(of(number)),
        };
        let back = self.0.back(&entered, outcome, of(out));
        self.push(actor, process, back)
    }

    /// Both at once.
    #[allow(clippy::too_many_arguments)] // a call has that many sides
    pub(crate) fn call(
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

    pub(crate) fn socket(
        &mut self,
        actor: &str,
        process: u32,
        socket: u32,
        domain: &str,
        kind: &str,
    ) -> &mut Script {
        self.call(
            actor,
            process,
            socket,
            "socket",
            json!({"domain": domain, "type": kind, "protocol": 0}),
            socket + 2,
            json!({}),
        )
    }

    fn located(&mut self, actor: &str, process: u32, socket: u32, address: Json) -> &mut Script {
        self.observed(actor, process, socket, json!({"getsockname": address}))
    }

    /// The instrument asks the kernel about a socket.
    pub(crate) fn observed(
        &mut self,
        actor: &str,
        process: u32,
        socket: u32,
        fact: Json,
    ) -> &mut Script {
        let (fd, fact) = (Some(i64::from(socket) + 2), of(fact));
        let socket = Some(SocketId(socket.into()));
        self.0.pass(self.0.pace_ns.0 + self.0.pace_ns.1);
        self.push(actor, process, EventKind::Observed(Observation { socket, fd, fact }))
    }

    /// A TCP client (actor, process, socket) and a server (… and the accepted socket), connected, from port 40001 to port 5000.
    pub(crate) fn tcp_connection(
        &mut self,
        client: (&str, u32, u32),
        server: (&str, u32, u32, u32),
    ) -> &mut Script {
        let (there, here) = (json!({"inet": "127.0.0.1:5000"}), json!({"inet": "127.0.0.1:40001"}));
        self.socket(server.0, server.1, server.2, "AF_INET", "SOCK_STREAM");
        self.call(
            server.0,
            server.1,
            server.2,
            "bind",
            json!({"address": {"inet": "127.0.0.1:0"}}),
            0,
            json!({}),
        );
        self.located(server.0, server.1, server.2, there.clone());
        self.call(server.0, server.1, server.2, "listen", json!({"backlog": 5}), 0, json!({}));
        let accept = self.enter(server.0, server.1, server.2, "accept", json!({"fd": 3}));
        self.pass(2000);
        self.socket(client.0, client.1, client.2, "AF_INET", "SOCK_STREAM");
        let connect =
            self.enter(client.0, client.1, client.2, "connect", json!({"address": there}));
        self.leave(server.0, server.1, accept, 4, json!({"address": here, "socket": server.3}));
        self.leave(client.0, client.1, connect, 0, json!({}));
        self.located(server.0, server.1, server.3, there);
        self.located(client.0, client.1, client.2, here)
    }

    pub(crate) fn send(
        &mut self,
        actor: &str,
        process: u32,
        socket: u32,
        text: &str,
    ) -> &mut Script {
        self.call(
            actor,
            process,
            socket,
            "send",
            json!({"data": {"bytes": text.len(), "text": text}}),
            text.len(),
            json!({}),
        )
    }

    pub(crate) fn recv(
        &mut self,
        actor: &str,
        process: u32,
        socket: u32,
        size: u32,
        text: &str,
    ) -> &mut Script {
        let out = json!({"data": {"bytes": text.len(), "text": text}});
        self.call(actor, process, socket, "recv", json!({"size": size}), text.len(), out)
    }

    pub(crate) fn udp(&mut self, actor: &str, process: u32, socket: u32, port: u16) -> &mut Script {
        self.socket(actor, process, socket, "AF_INET", "SOCK_DGRAM");
        self.call(
            actor,
            process,
            socket,
            "bind",
            json!({"address": {"inet": format!("127.0.0.1:{port}")}}),
            0,
            json!({}),
        )
    }

    pub(crate) fn send_to(
        &mut self,
        actor: &str,
        process: u32,
        socket: u32,
        text: &str,
        port: u16,
    ) -> &mut Script {
        let args = json!({"data": {"bytes": text.len(), "text": text}, "address": {"inet": format!("127.0.0.1:{port}")}});
        self.call(actor, process, socket, "send_to", args, text.len(), json!({}))
    }

    pub(crate) fn recv_from(
        &mut self,
        actor: &str,
        process: u32,
        socket: u32,
        size: u32,
        text: &str,
        port: u16,
    ) -> &mut Script {
        let out = json!({"data": {"bytes": text.len(), "text": text}, "address": {"inet": format!("127.0.0.1:{port}")}});
        self.call(actor, process, socket, "recv_from", json!({"size": size}), text.len(), out)
    }

    pub(crate) fn unix_listener(&mut self, actor: &str, process: u32, socket: u32) -> &mut Script {
        self.socket(actor, process, socket, "AF_UNIX", "SOCK_STREAM");
        self.call(
            actor,
            process,
            socket,
            "bind",
            json!({"address": {"unix": "/tmp/talk"}}),
            0,
            json!({}),
        );
        self.call(actor, process, socket, "listen", json!({"backlog": 5}), 0, json!({}))
    }

    pub(crate) fn unix_connect(&mut self, actor: &str, process: u32, socket: u32) -> &mut Script {
        self.socket(actor, process, socket, "AF_UNIX", "SOCK_STREAM");
        self.call(
            actor,
            process,
            socket,
            "connect",
            json!({"address": {"unix": "/tmp/talk"}}),
            0,
            json!({}),
        )
    }

    pub(crate) fn unix_accept(
        &mut self,
        actor: &str,
        process: u32,
        socket: u32,
        accepted: u32,
    ) -> &mut Script {
        let out = json!({"address": {"unix": null}, "socket": accepted});
        self.call(actor, process, socket, "accept", json!({}), accepted + 2, out)
    }
}
