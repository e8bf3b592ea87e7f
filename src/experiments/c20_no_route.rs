//! Case 20: no neighbour answers, or no route leads there; no SYN was sent in either case.

use super::experiment;
use super::kit::{lines_with, listening_on_the_wire, tcp_socket};
use super::l07_nobody_there::at;
use crate::capture::link::Syn;
use crate::capture::{Lab, Network, Result, eq, failed_with, succeeded};

experiment!(unreachable_for_two_reasons, network = Network::Wire);
fn unreachable_for_two_reasons(lab: &Lab) -> Result<()> {
    let wire = lab.wire()?;
    lab.part("no neighbour");
    let answer = tcp_socket(lab, "client")?.connect(&at(10, 9, 0, 3));
    let shown = lab.ask("ip", &["neigh"])?;
    wire.settle(); // the wire has seen all that was sent
    let unreachable = failed_with("connect to 10.9.0.3", &answer, "EHOSTUNREACH");
    let lines = shown.lines().filter(|line| line.starts_with("10.9.0.3 ")).collect::<String>();
    let failed = eq("lines of ip with FAILED", lines_with(&lines, "FAILED"), 1);
    let no_syn = eq("SYNs", wire.seen(Syn).len(), 0);
    lab.claim("no-neighbour-answers", unreachable.and(failed).and(no_syn));

    lab.part("no route");
    let answer = tcp_socket(lab, "client")?.connect(&at(192, 0, 2, 1));
    let shown = lab.ask("ip", &["route"])?;
    wire.settle();
    let unreachable = failed_with("connect to 192.0.2.1", &answer, "ENETUNREACH");
    let default = eq("lines of ip with default", lines_with(&shown, "default"), 0);
    let no_syn = eq("SYNs", wire.seen(Syn).len(), 0);
    lab.claim("no-route-leads-there", unreachable.and(default).and(no_syn));
    Ok(())
}

experiment!(a_neighbour_that_answers, network = Network::Wire);
fn a_neighbour_that_answers(lab: &Lab) -> Result<()> {
    let (_server, address) = listening_on_the_wire(lab)?; // 10.9.0.2
    let answer = tcp_socket(lab, "client")?.connect(&address);
    let shown = lab.ask("ip", &["neigh"])?;
    let lines = shown.lines().filter(|line| line.starts_with("10.9.0.2 ")).collect::<String>();
    let found = eq("lines of ip with lladdr", lines_with(&lines, "lladdr"), 1);
    lab.claim("the-neighbour-is-there", succeeded("connect", &answer).and(found));
    Ok(())
}
