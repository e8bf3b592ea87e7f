//! Lessons 6 and 7: opening a connection, as the wire saw it.

use std::time::Duration;

use socket2::{Domain, Protocol, Type};

use super::{Chapter, Experiment, SourceFile};
use crate::lab::wire::{Ack, Syn, SynAck, first, first_few, nth};
use crate::lab::{Kind, Lab, Network, Parameter, Result, equal, is, lasted};

const FILE: SourceFile = SourceFile { path: file!(), text: include_str!("handshake.rs") };

pub(super) static CHAPTER: Chapter = Chapter {
    experiments: &[
        Experiment {
            name: "three-way-handshake",
            play: three_way_handshake,
            claims: &["three-segments-without-data", "each-end-numbers-its-own-bytes", "both-are-established"],
            parameters: &[],
            network: Network::Wire,
            file: FILE,
        },
        Experiment {
            name: "lost-syn",
            play: lost_syn,
            claims: &["the-kernel-sends-it-again", "connect-waits-for-it"],
            parameters: &[Parameter { name: "drop", default: "1", kind: Kind::Count(1, 6), help: "how many SYNs the wire loses" }],
            network: Network::Wire,
            file: FILE,
        },
    ],
    parts: &[],
};

fn three_way_handshake(lab: &Lab) -> Result<()> {
    let wire = lab.wire()?;
    let server = lab.actor("server").socket(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
    server.bind(&lab.near(0))?;
    server.listen(5)?;
    let port = server.local_addr()?.as_socket().map_or(0, |at| at.port());
    let client = lab.actor("client").socket(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
    client.connect(&lab.far(port))?;
    // connect() returns as the SYN-ACK arrives; the ACK leaves with it, and the wire may see it a moment later.
    let (syn, syn_ack, ack) = (wire.until(first(Syn)), wire.until(first(SynAck)), wire.until(first(Ack)));
    let (connection, _) = server.accept()?;
    lab.claim(
        "three-segments-without-data",
        is("1st flags", syn.tcp()?.flags.to_string(), "SYN")
            .and(is("2nd flags", syn_ack.tcp()?.flags.to_string(), "SYN,ACK"))
            .and(is("3rd flags", ack.tcp()?.flags.to_string(), "ACK"))
            .and(is("bytes of data", syn.layers.payload_bytes + syn_ack.layers.payload_bytes + ack.layers.payload_bytes, 0)),
    );
    // A SYN takes up one sequence number, as if it were a byte (RFC 9293, section 3.4).
    let (client_next, server_next) = (syn.tcp()?.seq.wrapping_add(1), syn_ack.tcp()?.seq.wrapping_add(1));
    lab.claim(
        "each-end-numbers-its-own-bytes",
        equal("SYN-ACK's ack", syn_ack.tcp()?.ack, "SYN's seq + 1", client_next)
            .and(equal("ACK's seq", ack.tcp()?.seq, "SYN's seq + 1", client_next))
            .and(equal("ACK's ack", ack.tcp()?.ack, "SYN-ACK's seq + 1", server_next)),
    );
    let state = |info: Option<crate::lab::TcpInfo>| info.map_or("unknown", |info| info.state);
    lab.claim(
        "both-are-established",
        is("client", state(client.tcp_info()?), "ESTABLISHED").and(is("server", state(connection.tcp_info()?), "ESTABLISHED")),
    );
    Ok(())
}

fn lost_syn(lab: &Lab) -> Result<()> {
    let (wire, lost) = (lab.wire()?, lab.count("drop")?);
    wire.drop(first_few(lost, Syn));
    let server = lab.actor("server").socket(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
    server.bind(&lab.near(0))?;
    server.listen(5)?;
    let port = server.local_addr()?.as_socket().map_or(0, |at| at.port());
    let client = lab.actor("client").socket(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
    client.connect(&lab.far(port))?;
    let _connection = server.accept()?;
    let (lost_one, last) = (wire.until(first(Syn)), wire.until(nth(lost + 1, Syn)));
    lab.claim(
        "the-kernel-sends-it-again",
        is("SYNs sent", wire.seen(Syn).len(), lost + 1)
            .and(equal("the last SYN's seq", last.tcp()?.seq, "the first SYN's seq", lost_one.tcp()?.seq))
            .and(is("calls of connect()", lab.calls("client").iter().filter(|(_, back)| back.call.function == "connect").count(), 1)),
    );
    // The kernel waits about a second before it tries again (RFC 6298, section 2.1); its clock may tick every 10 ms.
    let second = Duration::from_millis(990);
    lab.claim(
        "connect-waits-for-it",
        lasted("connect()", lab.last_call("client", "connect")?.took(), second * u32::try_from(lost).unwrap_or(u32::MAX)),
    );
    Ok(())
}
