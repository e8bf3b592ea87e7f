//! Lesson 7: a peer that is there no more, and an address where nobody ever was.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use socket2::SockAddr;

use super::experiment;
use super::kit::{connected, count_calls, listening_on_the_wire, tcp_socket, transferred};
use crate::capture::link::{Arp, CapturedFrame, Syn, Tcp, Wire};
use crate::capture::{
    Lab, Network, Result, at_least, at_least_duration, before, eq, failed_with, in_ticks,
};
use crate::trace::SyscallKind;

const SECOND: Duration = Duration::from_secs(1);

experiment!(vanished_peer, network = Network::Wire);
fn vanished_peer(lab: &Lab) -> Result<()> {
    let wire = lab.wire()?;
    let (listener, address) = listening_on_the_wire(lab)?;
    let (answer, end) = lab.scope(|stage| {
        let plain = stage.actor("plain", |me| {
            let socket = connected(&me, &address)?;
            Ok(socket.recv(&mut [0; 1024])) // without any limit
        })?;
        let (first, its_address) = listener.accept()?;
        let probing = stage.actor("keepalive", |me| {
            let socket = connected(&me, &address)?;
            socket.set_keepalive(true)?;
            socket.set_keepalive_time(SECOND)?; // silence before the first probe
            socket.set_keepalive_interval(SECOND)?; // between two probes
            socket.set_keepalive_retries(2)?; // unanswered probes
            Ok(socket.recv(&mut [0; 1024]))
        })?;
        let (_second, _) = listener.accept()?;
        plain.until_blocked_in(SyscallKind::Recv)?;
        probing.until_blocked_in(SyscallKind::Recv)?;
        wire.settle(); // the wire has seen all that was sent
        let before = frames_of(wire, &its_address);
        wire.cut(); // and nobody has anything to send

        let answer = probing.finish()?;
        let frames = frames_of(wire, &its_address) - before;
        lab.claim("silence-on-the-wire", eq("plain's frames", frames, 0));
        wire.plug_in();
        first.close()?; // or the plain one would wait on
        Ok((answer, plain.finish()?))
    })?;
    check_vanished(lab, &answer, &end)
}

/// How many frames the wire has seen of the connection of this client.
fn frames_of(wire: &Wire, client: &SockAddr) -> usize {
    let port = client.as_socket().map_or(0, |at| at.port());
    let of_it = |frame: &&CapturedFrame| {
        frame.layers.tcp.as_ref().is_some_and(|tcp| [tcp.src_port, tcp.dst_port].contains(&port))
    };
    wire.seen(Tcp).iter().filter(of_it).count()
}

fn check_vanished(lab: &Lab, answer: &io::Result<usize>, end: &io::Result<usize>) -> Result<()> {
    let plain = lab.last_call("plain", SyscallKind::Recv)?;
    let other = lab.last_call("keepalive", SyscallKind::Recv)?;
    let (error, later) = (other.returned_ns, plain.returned_ns);
    let waits = before("the other's error", error, "end of plain's recv", later);
    lab.claim("silence-is-no-error", waits.and(transferred("plain's recv", end, 0)));

    let connect = lab.last_call("keepalive", SyscallKind::Connect)?;
    let silent = Duration::from_nanos(error - connect.entered_ns);
    let silent = in_ticks(&connect.back, silent);
    let sends = ["plain", "keepalive"].map(|it| count_calls(lab, it, SyscallKind::Send));
    let nothing = eq("calls of send", sends[0] + sends[1], 0);
    let found = failed_with("keepalive's recv", answer, "ETIMEDOUT");
    let slow = at_least_duration("connect to error", silent, "by the settings", SECOND * 3);
    lab.claim("keepalive-finds-out", nothing.and(found).and(slow));
    Ok(())
}

experiment!(no_way_there, network = Network::Wire);
fn no_way_there(lab: &Lab) -> Result<()> {
    let wire = lab.wire()?;
    let answer = tcp_socket(lab, "client")?.connect(&at(10, 9, 0, 3));
    wire.settle(); // the wire has seen all that was sent
    let unreachable = failed_with("connect to 10.9.0.3", &answer, "EHOSTUNREACH");
    let questions = at_least("ARP questions", wire.seen(Arp).len(), 1);
    let no_syn = eq("SYNs", wire.seen(Syn).len(), 0);
    lab.claim("nobody-has-that-address", unreachable.and(questions).and(no_syn));

    let so_far = wire.seen(Arp).len();
    let answer = tcp_socket(lab, "client")?.connect(&at(192, 0, 2, 1));
    wire.settle();
    let unreachable = failed_with("connect to 192.0.2.1", &answer, "ENETUNREACH");
    let silent = eq("more frames", wire.seen(Arp).len() + wire.seen(Syn).len() - so_far, 0);
    lab.claim("no-route-at-all", unreachable.and(silent));
    Ok(())
}

/// An address, and a port that does not matter.
pub(super) fn at(a: u8, b: u8, c: u8, d: u8) -> SockAddr {
    SocketAddr::from((Ipv4Addr::new(a, b, c, d), 9)).into()
}
