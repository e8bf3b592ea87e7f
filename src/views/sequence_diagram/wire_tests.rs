//! Ladders of what went over the wire, of recordings made by hand, pinned as text.

use insta::assert_snapshot;
use serde_json::{Value as Json, json};
use unicode_width::UnicodeWidthStr;

use super::draw;
use crate::analysis::Analysis;
use crate::analysis::script::{Script, at};
use crate::i18n::{chinese, speaking, tr};
use crate::trace::recording::Recording;
use crate::trace::{Fact, Outcome, TcpInfo};
use crate::views::{DrawOptions, SeqNumbers, View, all_tests};

const CLIENT: u16 = 40001;
const SERVER: u16 = 5000;

/// A wire between `client` and `server`; time goes on with every frame.
struct Wire {
    script: Script,
    frames: u64,
    ends: Ends,
}

/// What the client and the server call their own address and their peer's.
#[derive(Clone, Copy)]
struct Ends {
    client: (&'static str, &'static str),
    server: (&'static str, &'static str),
}

/// Both ends in one network, as in the lessons.
const ONE_NETWORK: Ends =
    Ends { client: ("10.9.0.1", "10.9.0.2"), server: ("10.9.0.1", "10.9.0.2") };
/// Two networks, and a switch between them.
const TWO_NETWORKS: Ends =
    Ends { client: ("10.9.0.3", "10.9.0.2"), server: ("10.9.0.2", "10.9.0.3") };

impl Wire {
    /// A listening server, and a client that is about to connect.
    fn listening() -> Wire {
        Wire::between(ONE_NETWORK)
    }

    fn between(ends: Ends) -> Wire {
        let mut script = Script::unhurried();
        script.socket("server", 1, "AF_INET", "SOCK_STREAM");
        let own = at(&format!("{}:5000", ends.server.0));
        script.call("server", 1, "bind", &[("address", own)], 0);
        script.call("server", 1, "listen", &[("backlog", 5.into())], 0);
        script.socket("client", 3, "AF_INET", "SOCK_STREAM");
        Wire { script, frames: 0, ends }
    }

    /// A frame; `more` is whatever else its JSON has: fate, rule, delay.
    fn frame(&mut self, sent_by: &str, what: Json, payload: &str, more: Json) -> u64 {
        self.frames += 1;
        let is_client = sent_by == "client";
        let (from, to) = if is_client { (CLIENT, SERVER) } else { (SERVER, CLIENT) };
        let (own, peer) = if is_client { self.ends.client } else { self.ends.server };
        let raw: String = payload.bytes().map(|byte| format!("{byte:02x}")).collect();
        let mut frame = json!({"event": "frame", "frame": self.frames, "sent_by": sent_by, "fate": "passed", "raw": raw,
            "flow": 1, "local": {"inet": format!("{own}:{from}")}, "peer": {"inet": format!("{peer}:{to}")},
            "payload_bytes": payload.len()});
        for extra in [what, more] {
            for (name, value) in extra.as_object().expect("the test's own JSON") {
                frame[name] = value.clone();
            }
        }
        self.script.json("wire", frame);
        self.frames
    }

    /// A TCP segment; numbers are counted from each end's start, which is 1000 for the client and 5000 for the server.
    fn tcp(
        &mut self,
        sent_by: &str,
        flags: &str,
        (seq, ack): (u32, u32),
        payload: &str,
        more: Json,
    ) -> u64 {
        let (from, to, own, other) = if sent_by == "client" {
            (CLIENT, SERVER, 1000, 5000)
        } else {
            (SERVER, CLIENT, 5000, 1000)
        };
        let ack = if flags.contains("ACK") { ack + other } else { 0 };
        let tcp = json!({"src_port": from, "dst_port": to, "flags": flags, "seq": seq + own, "ack": ack, "window": 64, "header_bytes": 20});
        self.frame(sent_by, json!({"tcp": tcp}), payload, more)
    }

    fn arrives(&mut self, frame: u64) {
        self.script.json("wire", json!({"event": "delivered", "frame": frame}));
    }

    fn state(&mut self, actor: &str, socket: u32, state: &str) {
        let info = TcpInfo { state: state.to_owned().into(), ..TcpInfo::default() };
        self.script.observed(actor, socket, Fact::TcpInfo(info));
    }

    /// connect(), with so many SYNs lost before one gets through; then accept().
    fn connect(&mut self, lost: usize) {
        let Ends { client: (own, peer), server } = self.ends;
        let address = [("address", at(&format!("{peer}:5000")))];
        let connect = self.script.enter("client", 3, "connect", &address);
        self.frame(
            "client",
            json!({"arp": {"operation": 1, "sender_mac": "02:00:00:00:00:01", "sender_ip": own,
            "target_mac": "00:00:00:00:00:00", "target_ip": peer}, "flow": null, "local": null, "peer": null}),
            "",
            json!({}),
        );
        // In one network the lab answers; on a switch the server's kernel does.
        let by_lab = server.0 != peer;
        self.frame(
            "server",
            json!({"arp": {"operation": 2, "sender_mac": "02:00:0a:09:00:02", "sender_ip": peer,
            "target_mac": "02:00:00:00:00:01", "target_ip": own}, "flow": null, "local": null, "peer": null, "by_lab": by_lab}),
            "",
            json!({}),
        );
        for _ in 0..lost {
            self.tcp(
                "client",
                "SYN",
                (0, 0),
                "",
                json!({"fate": "dropped", "rules": ["drop the first SYN"]}),
            );
            self.script.pass(1_000_000_000);
        }
        self.tcp("client", "SYN", (0, 0), "", json!({}));
        self.tcp("server", "SYN,ACK", (0, 1), "", json!({}));
        self.tcp("client", "ACK", (1, 1), "", json!({}));
        self.script.leave("client", &connect, Outcome::Result(0), &[]);
        self.script.located("client", 3, at(&format!("{own}:40001")));
        self.state("client", 3, "ESTABLISHED");
        self.script.accepts("server", 1, 2, at(&format!("{}:40001", server.1)));
        self.script.located("server", 2, at(&format!("{}:5000", server.0)));
    }

    fn recording(&self) -> Recording {
        self.script.recording()
    }
}

/// But for the addresses, and for who answers ARP.
#[test]
fn two_networks_are_drawn_as_one_is() {
    let two = text(&close_between(TWO_NETWORKS), 100);
    let two = two.replace("accept → 10.9.0.3", "accept → 10.9.0.2");
    let two = two.replace("ARP: 10.9.0.2? answered   ", "ARP: 10.9.0.2? lab answers");
    // Where the server's is told depends on whether its client knows it by another.
    assert_eq!(two, text(&close(), 100).replace("server: bind 10.9.0.1:5000\n", ""));
}

fn handshake(lost: usize) -> Recording {
    let mut wire = Wire::listening();
    wire.connect(lost);
    wire.recording()
}

/// After the handshake: data, and the client closes first. Its FIN is late, the answer comes twice, the last ACK is lost.
fn close() -> Recording {
    close_between(ONE_NETWORK)
}

fn close_between(ends: Ends) -> Recording {
    let mut wire = Wire::between(ends);
    wire.connect(0);
    wire.script.sends("client", 3, "hello");
    wire.tcp("client", "PSH,ACK", (1, 1), "hello", json!({}));
    wire.tcp("server", "ACK", (1, 6), "", json!({}));
    wire.script.receives("server", 2, 64, "hello");
    wire.script.call("client", 3, "close", &[], 0);
    let fin = wire.tcp(
        "client",
        "FIN,ACK",
        (6, 1),
        "",
        json!({"fate": "delayed", "delay_ns": 20_000_000, "rules": ["delay"]}),
    );
    wire.script.pass(20_000_000);
    wire.arrives(fin);
    let ack = wire.tcp(
        "server",
        "ACK",
        (1, 7),
        "",
        json!({"fate": "duplicated", "rules": ["duplicate"]}),
    );
    wire.arrives(ack);
    wire.arrives(ack);
    wire.script.receives("server", 2, 64, "");
    wire.script.call("server", 2, "close", &[], 0);
    wire.tcp("server", "FIN,ACK", (1, 7), "", json!({}));
    wire.tcp(
        "client",
        "ACK",
        (7, 2),
        "",
        json!({"fate": "dropped", "rules": ["drop the last ACK"]}),
    );
    wire.recording()
}

/// So many numbered messages, of which every seventh segment is lost and sent again.
fn lossy(messages: u32) -> Recording {
    let mut wire = Wire::listening();
    wire.connect(0);
    let mut seq = 1;
    for number in 0..messages {
        let text = format!("message {number}");
        wire.script.sends("client", 3, &text);
        if number % 7 == 3 {
            wire.tcp(
                "client",
                "PSH,ACK",
                (seq, 1),
                &text,
                json!({"fate": "dropped", "rules": ["drop every 7th"]}),
            );
            wire.script.pass(200_000_000);
        }
        wire.tcp("client", "PSH,ACK", (seq, 1), &text, json!({}));
        seq += u32::try_from(text.len()).expect("short");
        wire.tcp("server", "ACK", (1, seq), "", json!({}));
        wire.script.receives("server", 2, 64, &text);
    }
    wire.recording()
}

fn text(recording: &Recording, width: usize) -> String {
    draw(&Analysis::of(recording), width, DrawOptions::default()).text()
}

#[test]
fn a_handshake_in_80_columns() {
    assert_snapshot!(text(&handshake(0), 80));
}

#[test]
fn a_handshake_in_40_columns() {
    assert_snapshot!(text(&handshake(0), 40));
}

#[test]
fn a_lost_syn_in_80_columns() {
    assert_snapshot!(text(&handshake(1), 80));
}

#[test]
fn a_lost_syn_in_20_columns() {
    assert_snapshot!(text(&handshake(1), 20));
}

#[test]
fn late_twice_and_never_in_80_columns() {
    assert_snapshot!(text(&close(), 80));
}

#[test]
fn the_true_numbers_are_those_of_the_header() {
    let options = DrawOptions { numbers: SeqNumbers::Raw, ..DrawOptions::default() };
    let drawn = draw(&Analysis::of(&handshake(0)), 80, options).text();
    for said in ["SYN seq 1000 ", "SYN,ACK seq 5000 ack 1001 ", "ACK seq 1001 ack 5001 "] {
        assert!(drawn.contains(said), "{said}: {drawn}");
    }
}

#[test]
fn what_segments_tell_no_call_tells_again() {
    let drawn = text(&close(), 100);
    assert_eq!(
        drawn.matches("├").count() + drawn.matches("┤").count(),
        9,
        "one arrow for each of 9 segments: {drawn}"
    );
    assert!(!drawn.contains("unread") && !drawn.contains("never"), "{drawn}");
}

#[test]
fn what_is_lost_or_sent_again_is_never_folded() {
    let drawn = text(&lossy(100), 80);
    assert_eq!(drawn.matches("─✗").count(), 14, "{drawn}");
    assert_eq!(drawn.matches("again").count(), 14, "{drawn}");
    assert!(drawn.contains("none lost") && drawn.lines().count() < 80, "{drawn}");
}

#[test]
fn sockets_closed_at_the_end_are_told_in_one_row() {
    let mut wire = Wire::listening();
    wire.connect(0);
    wire.script
        .json("lab", json!({"event": "claim", "claim": "c", "verdict": "held", "evidence": []}));
    let close = json!({"event": "enter", "call": 99, "role": "scope-end", "api": "close", "syscall": "close", "socket": 3, "args": {}});
    wire.script.json("client", close);
    wire.tcp("client", "FIN,ACK", (1, 1), "", json!({}));
    let drawn = text(&wire.recording(), 80);
    assert!(drawn.contains("end: 1 closing segment") && !drawn.contains("FIN"), "{drawn}");
}

#[test]
fn no_width_is_too_narrow_and_no_row_too_wide() {
    let mut odd = Wire::listening();
    odd.connect(2);
    odd.tcp(
        "client",
        "",
        (1, 1),
        "\u{1b}[2J你你",
        json!({"fate": "held", "rules": ["你好 ".repeat(40)]}),
    );
    odd.tcp(
        "server",
        "RST",
        (4_000_000_000, 9),
        "",
        json!({"fate": "cut", "rules": ["the wire is cut"]}),
    );
    odd.frame(
        "server",
        json!({"icmp": {"type": 3, "code": 3}, "sender": "dave", "flow": 2}),
        "",
        json!({}),
    );
    odd.frame("client", json!({"udp": {"src_port": 1, "dst_port": 2}, "flow": 3, "sender": "alice", "receiver": "bob"}), "hi", json!({}));
    odd.frame("client", json!({"udp": {"src_port": 1, "dst_port": 2}, "flow": 4, "sender": "alice", "receiver": "alice"}), "hi", json!({}));
    odd.frame(
        "client",
        json!({"flow": null, "malformed": "cut short", "payload_bytes": 9999}),
        "x",
        json!({"fate": "dropped"}),
    );
    odd.arrives(999);
    for recording in [handshake(0), handshake(6), close(), lossy(3), lossy(40), odd.recording()] {
        let analysis = Analysis::of(&recording);
        for numbers in [SeqNumbers::Relative, SeqNumbers::Raw] {
            let options = DrawOptions { numbers, ..DrawOptions::default() };
            let step = if numbers == SeqNumbers::Raw { 9 } else { 1 };
            for width in (20..=200).step_by(step) {
                for row in draw(&analysis, width, options).0 {
                    assert!(
                        row.width() <= width,
                        "{} columns of {width}: {}",
                        row.width(),
                        row.text()
                    );
                    assert_eq!(row.width(), row.text().width());
                    // Others than these might have no counterpart in ASCII.
                    let known = |shown: char| {
                        !shown.is_control()
                            && (shown.is_ascii() || "│┃╎─╌├┤▶◀✗…·→µ你好".contains(shown))
                    };
                    assert!(row.text().chars().all(known), "{:?}", row.text());
                }
            }
        }
    }
}

/// A recording that the course ships.
fn recorded(name: &str) -> Recording {
    let mut all = all_tests::shipped().into_iter();
    all.find(|recording| recording.header.name() == name).expect("it is shipped")
}

fn shipped(name: &str) -> String {
    draw(&Analysis::of(&recorded(name)), 80, DrawOptions::default()).text()
}

#[test]
fn each_part_of_a_comparison_shows_its_answer() {
    let drawn = shipped("first-answer");
    assert_eq!(drawn.matches("recv = 4 \"noon\"").count(), 2, "{drawn}");
}

#[test]
fn where_arp_is_the_point_it_is_drawn_frame_by_frame() {
    let drawn = shipped("who-has");
    for row in [
        "who has 10.9.0.2? ──▶",
        " broadcast",
        "the lab answers │◀─ is at 02:00:0a:09:00:02",
        "who has 10.9.0.3? ─✗",
        "\"anyone?\"",
    ] {
        assert!(drawn.contains(row), "{row}:\n{drawn}");
    }
}

#[test]
fn arp_finds_its_lanes_under_their_chinese_names_too() {
    let (drawn, rows) = speaking(chinese(), || {
        let picture = draw(&Analysis::of(&recorded("who-has")), 80, DrawOptions::default());
        let who_has = |asked: &str| tr!("who has {asked}?", asked);
        let at = tr!("at {mac}", mac = "02:00:0a:09:00:02");
        (picture.text(), [who_has("10.9.0.2"), at, who_has("10.9.0.3")])
    });
    for row in rows {
        assert!(!row.is_ascii() && drawn.contains(&row), "{row}:\n{drawn}");
    }
}

#[test]
fn a_state_stands_where_it_came_about_and_an_answer_where_the_kernel_was_asked() {
    let drawn = shipped("four-way-close");
    let row = |text: &str| {
        drawn.lines().find(|row| row.contains(text)).unwrap_or_else(|| panic!("{text}: {drawn}"))
    };
    assert!(row("(CLOSE_WAIT)").contains("─▶"), "at the FIN: {drawn}");
    for asked in ["asked: FIN_WAIT2", "asked: CLOSE_WAIT", "asked: TIME_WAIT"] {
        assert!(!row(asked).contains('─'), "on no segment's row: {drawn}");
    }
}

#[test]
fn the_opening_of_a_connection_is_folded_where_it_is_not_the_point() {
    let view = View::find("ladder-once-open").expect("a view");
    let drawn = view.draw(&recorded("four-way-close"), 80).text();
    assert!(drawn.contains("steps: a connection opens"), "{drawn}");
    assert!(!drawn.contains("SYN") && !drawn.contains("accept"), "{drawn}");
    assert_eq!(drawn.matches("FIN,ACK").count(), 2, "{drawn}");
    // A lost SYN is no opening like any other.
    assert!(view.draw(&recorded("lost-syn"), 80).text().contains("✗"));
}

#[test]
fn what_is_none_was_so_when_the_kernel_was_asked() {
    let drawn = shipped("reset");
    assert_eq!(drawn.matches("asked: no record").count(), 2, "{drawn}");
}
