//! Matching, on recordings made by hand.

use super::{Analysis, Fate};
use crate::analysis::script::Script;
use crate::trace::SocketId;

fn said(flows: &Analysis) -> Vec<String> {
    let who = |socket: Option<usize>| {
        socket.map_or("?".to_owned(), |socket| flows.sockets[socket].owner.to_string())
    };
    flows
        .messages
        .iter()
        .map(|m| format!("{} -> {}: {} {:?}", who(m.from), who(m.to), m.data, m.fate))
        .collect()
}

#[test]
fn a_stream_is_matched_byte_by_byte() {
    let mut script = Script::new();
    script.tcp_connection(("client", 1, 3), ("server", 2, 1, 2));
    script
        .send("client", 1, 3, "hello ")
        .send("client", 1, 3, "world")
        .recv("server", 2, 2, 8, "hello wo");
    let recording = script.recording();
    let flows = Analysis::of(&recording);
    assert_eq!(flows.connections.len(), 1);
    assert_eq!(
        said(&flows),
        [
            "client -> server: \"hello \" Received",
            "client -> server: \"wo\" Received",
            "client -> server: \"rld\" NeverReceived"
        ]
    );
    assert_eq!(flows.messages[2].skip, 2);
}

#[test]
fn a_call_on_many_sockets_is_no_socket() {
    let mut script = Script::new();
    script.udp("server", 1, 1, 5000);
    script.call(
        "server",
        1,
        0,
        "poll",
        serde_json::json!({"fds": "[3: POLLIN]"}),
        0,
        serde_json::json!({}),
    );
    let recording = script.recording();
    let flows = Analysis::of(&recording);
    assert_eq!((flows.sockets.len(), flows.calls.len(), flows.calls[2].socket), (1, 3, None));
}

#[test]
fn what_was_not_sent_is_not_matched() {
    let mut script = Script::new();
    script.tcp_connection(("client", 1, 3), ("server", 2, 1, 2));
    script.send("client", 1, 3, "hello").recv("server", 2, 2, 8, "HELLO");
    let recording = script.recording();
    let flows = Analysis::of(&recording);
    assert_eq!(said(&flows), ["client -> ?: \"hello\" Unknown", "? -> server: \"HELLO\" Unsent"]);
}

#[test]
fn unix_connections_are_paired_in_turn() {
    let mut script = Script::new();
    script.unix_listener("server", 1, 1);
    script
        .unix_connect("alice", 1, 7)
        .unix_connect("bob", 1, 8)
        .unix_accept("server", 1, 1, 2)
        .unix_accept("server", 1, 1, 3);
    script
        .send("bob", 1, 8, "b")
        .send("alice", 1, 7, "a")
        .recv("server", 1, 2, 9, "a")
        .recv("server", 1, 3, 9, "b");
    let recording = script.recording();
    let flows = Analysis::of(&recording);
    assert_eq!(said(&flows), ["bob -> server: \"b\" Received", "alice -> server: \"a\" Received"]);
    assert_eq!(
        flows.messages[0].receive.map(|call| flows.calls[call].call.socket),
        Some(Some(SocketId(3)))
    );
}

#[test]
fn datagrams_are_matched_by_address_and_lost_ones_are_said() {
    let mut script = Script::new();
    script.udp("a", 1, 1, 5001).udp("b", 1, 2, 5002);
    script
        .send_to("a", 1, 1, "one", 5002)
        .send_to("a", 1, 1, "two", 5002)
        .send_to("a", 1, 1, "three", 5002)
        .send_to("a", 1, 1, "x", 5009);
    script.recv_from("b", 1, 2, 64, "one", 5001).recv_from("b", 1, 2, 2, "th", 5001);
    let recording = script.recording();
    let flows = Analysis::of(&recording);
    assert_eq!(
        said(&flows),
        [
            "a -> b: \"one\" Received",
            "a -> b: \"two\" NeverReceived",
            "a -> b: \"three\" Cut(3)",
            "a -> ?: \"x\" NobodyThere"
        ]
    );
    assert_eq!(flows.messages[2].fate, Fate::Cut(3));
}
