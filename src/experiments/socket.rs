//! Lesson 1: what a socket is.

use socket2::{Domain, Protocol, Type};

use super::{Chapter, Experiment, Part, SourceFile};
use crate::lab::{Lab, Network, Result, equal, failed_with, succeeded};

const FILE: SourceFile = SourceFile { path: file!(), text: include_str!("socket.rs") };

pub(super) static CHAPTER: Chapter = Chapter {
    experiments: &[
        Experiment {
            name: "two-processes",
            play: two_processes,
            claims: &["each-end-is-the-others-peer"],
            parameters: &[],
            network: Network::Host,
            file: FILE,
        },
        Experiment {
            name: "address-port-protocol",
            play: address_port_protocol,
            claims: &["tcp-and-udp-share-a-port", "second-tcp-is-refused"],
            parameters: &[],
            network: Network::Host,
            file: FILE,
        },
    ],
    parts: &[Part { name: "two-processes/client", play: two_processes_client }],
};

fn two_processes(lab: &Lab) -> Result<()> {
    let server = lab.actor("server");
    let listener = server.socket(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
    listener.bind(&lab.here(0))?;
    listener.listen(5)?;
    let port = listener.local_addr()?.as_socket().map_or(0, |at| at.port());
    let child = lab.process("client", "two-processes/client", &[("port", port.to_string())])?;
    let (connection, peer) = listener.accept()?;
    let mut buffer = [0; 1024];
    let n = connection.recv(&mut buffer)?;
    connection.send(&buffer[..n])?;
    child.finish()?;
    let client = lab.last_call("client", "local_addr")?;
    let local = client.back.out.address("address").cloned().unwrap_or(crate::event::Address::Unix(None));
    lab.claim("each-end-is-the-others-peer", equal("client.local", local, "server.peer", &peer));
    Ok(())
}

fn two_processes_client(lab: &Lab) -> Result<()> {
    let client = lab.played();
    let socket = client.socket(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
    let port = lab.text("port")?.parse().unwrap_or(0);
    socket.connect(&lab.here(port))?;
    socket.local_addr()?;
    socket.send(b"hello")?;
    socket.recv(&mut [0; 1024])?;
    Ok(())
}

fn address_port_protocol(lab: &Lab) -> Result<()> {
    let tcp = lab.actor("tcp").socket(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
    tcp.bind(&lab.here(0))?;
    let udp = lab.actor("udp").socket(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
    let also = udp.bind(&tcp.local_addr()?);
    lab.claim(
        "tcp-and-udp-share-a-port",
        succeeded("udp.bind", &also).and(equal("udp.local", &udp.local_addr()?, "tcp.local", &tcp.local_addr()?)),
    );
    let second = lab.actor("second-tcp").socket(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
    lab.claim("second-tcp-is-refused", failed_with("second.bind", &second.bind(&tcp.local_addr()?), "EADDRINUSE"));
    Ok(())
}
