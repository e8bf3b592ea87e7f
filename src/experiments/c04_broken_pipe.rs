//! Case 4: a program that sends after its peer has closed is ended by SIGPIPE, or gets EPIPE.

use socket2::{Domain, SockAddr, Type};

use super::kit::{count_calls, listening};
use super::{Need, child_process, experiment};
use crate::capture::{Interest, Lab, MSG_NOSIGNAL, Result, eq, errno_here};
use crate::trace::{Failure, Feature, Label, SyscallKind, label};

experiment!(sent_after_the_peer_closed, needs = &[Need::Has(Feature::Signals)]);
fn sent_after_the_peer_closed(lab: &Lab) -> Result<()> {
    let how = send_twice(lab, "no")?;
    let ended = eq("it ended by", how, label!("signal: 13 (SIGPIPE)"));
    let returned = eq("returns of send", count_calls(lab, "sender", SyscallKind::Send), 1);
    let first = lab.last_call("sender", SyscallKind::Send)?.back.outcome;
    lab.claim("the-first-send-succeeds", eq("first send", first.to_string(), "5").and(returned));
    lab.claim("the-second-ends-the-program", ended);
    Ok(())
}

experiment!(sent_without_the_signal, needs = &[Need::Has(Feature::NoSignal)]);
fn sent_without_the_signal(lab: &Lab) -> Result<()> {
    let how = send_twice(lab, "yes")?;
    let second = lab.last_call("sender", SyscallKind::Send)?.back.outcome;
    let returned = eq("returns of send", count_calls(lab, "sender", SyscallKind::Send), 2);
    lab.claim(
        "the-second-send-fails",
        eq("second send", second.to_string(), errno_here("EPIPE")).and(returned),
    );
    lab.claim("the-program-goes-on", eq("it ended by", how, label!("exit status: 0")));
    Ok(())
}

/// A program sends twice to a peer that has closed: how it ended.
fn send_twice(lab: &Lab, nosignal: &str) -> Result<Label> {
    let (listener, address) = listening(lab, &lab.actor("peer"))?;
    let port = address.as_socket().map_or(0, |at| at.port()).to_string();
    let settings = [("port", port), ("nosignal", nosignal.to_owned())];
    let sender = lab.process("sender", "sends-twice", &settings)?;
    listener.accept()?.0.close()?; // the peer takes the connection, and closes it
    sender.until_ended();
    Ok(Label::from(sender.collect()?))
}

child_process!(sends_twice);
/// The sender, in a process of its own.
fn sends_twice(lab: &Lab) -> Result<()> {
    let (me, to) = (lab.played(), address(lab)?);
    let flags = match lab.text("nosignal")? {
        "yes" => MSG_NOSIGNAL.ok_or(Feature::NoSignal.lack())?,
        _ => 0,
    };
    let socket = me.socket(Domain::IPV4, Type::STREAM, None)?;
    socket.connect(&to)?;
    lab.default_sigpipe()?; // as a C program has it
    me.poll(&[(&socket, Interest::Read)], None)?; // the peer closes

    socket.send_with_flags(b"hello", flags)?; // taken; an RST comes
    socket.until_error()?; // it is there
    let answer = socket.send_with_flags(b"hello", flags);
    if answer.is_err() {
        socket.close()?; // the connection is over, the program is not
    }
    Ok(())
}

/// The address of the peer, from the settings.
fn address(lab: &Lab) -> Result<SockAddr> {
    let port = lab.text("port")?.parse();
    Ok(lab.here(port.map_err(|_| Failure::Parameter { name: "port".into() })?))
}
