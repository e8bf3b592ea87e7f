//! Lesson 6, endings: RST, two ends that wait for each other, two that close at once.

use std::io;
use std::net::Shutdown;
use std::time::Duration;

use super::kit::{
    connection, each_once, receive_exactly, receive_to_the_end, recv_gave, state, tcp_socket,
    transferred,
};
use super::l06_handshake::{Ends, after, connect_on_the_wire, segments_are};
use super::{Need, Stepping, Why, experiment};
use crate::capture::link::{Client, Fin, Rst, Server, Syn, Tcp, first};
use crate::capture::{
    Kind, Lab, Network, Parameter, Proof, Result, Socket, TIMED_OUT, eq, eq_between, failed_with,
};
use crate::i18n::Text;
use crate::trace::{Label, label};

experiment!(reset, needs = &[Need::Proc], network = Network::Wire);
fn reset(lab: &Lab) -> Result<()> {
    let wire = lab.wire()?;
    let (client, server) = connect_on_the_wire(lab)?;
    let ends = Ends::of_client(lab, &client)?;

    client.send_all(b"hello")?;
    server.peek_all(&mut [0; 5])?; // it is there, and stays there
    server.close()?; // and nobody has read it
    let rst = wire.until(first(Rst));
    let answer = client.recv(&mut [0; 16]);
    let gone = ends.are_gone()?;

    let sender = eq("RST sent by", Label::from(rst.sent_by.to_string()), label!("server"));
    let fins = eq("FINs", wire.seen(Fin).len(), 0);
    lab.claim("rst-instead-of-fin", sender.and(fins));
    let error = failed_with("recv", &answer, "ECONNRESET");
    lab.claim("peer-gets-econnreset", error);
    lab.claim("nobody-waits-after-a-reset", gone);
    Ok(())
}

experiment!(closed_port, network = Network::Wire);
fn closed_port(lab: &Lab) -> Result<()> {
    let wire = lab.wire()?;
    let idle = tcp_socket(lab, "server")?;
    idle.bind(&lab.near(0))?; // a port, and no listen()
    let port = idle.local_addr()?.as_socket().map_or(0, |at| at.port());

    let client = tcp_socket(lab, "client")?;
    let answer = client.connect(&lab.far(port));
    let (syn, rst) = (wire.until(first(Syn)), wire.until(first(Rst)));
    let two = segments_are(&each_once(wire.seen(Tcp))?, "client SYN · server RST,ACK")?;
    lab.claim("an-rst-answers-the-syn", two);
    let same = eq_between("RST's ack", rst.tcp()?.ack, "SYN's seq + 1", after(&syn, 1)?);
    lab.claim("the-rst-is-for-that-syn", same);
    let error = failed_with("connect", &answer, "ECONNREFUSED");
    lab.claim("connect-is-refused", error);
    Ok(())
}

experiment!(
    both_read_first,
    stepping = Stepping::Whole(Why::Race),
    parameters = &[Parameter {
        name: "limit",
        default: "300ms",
        kind: Kind::Span(1, 60_000),
        help: Text("how long each end waits for the other's end of stream"),
    }]
);
/// Both ends follow the same rule: send, read to the end, close.
fn both_read_first(lab: &Lab) -> Result<()> {
    let limit = lab.span("limit")?;
    lab.part("read to the end");
    let [client, server] = at_both_ends(lab, |end| {
        end.send_all(b"my word")?;
        end.set_read_timeout(Some(limit))?; // or they would wait for ever
        receive_to_the_end(end) // close would come after it
    })?;
    let both = failed_with("client", &client, TIMED_OUT);
    lab.claim("each-waits-for-the-other", both.and(failed_with("server", &server, TIMED_OUT)));

    lab.part("shutdown, then read");
    let [client, server] = at_both_ends(lab, |end| {
        end.send_all(b"my word")?;
        end.shutdown(Shutdown::Write)?; // there is no more to send
        receive_to_the_end(end)
    })?;
    let both = recv_gave(&client?, b"my word").and(recv_gave(&server?, b"my word"));
    lab.claim("both-come-to-the-end", both);
    Ok(())
}

/// Does the same at both ends of a connection at the same time, and closes them.
fn at_both_ends(
    lab: &Lab,
    act: impl Fn(&Socket) -> io::Result<Vec<u8>> + Sync,
) -> Result<[io::Result<Vec<u8>>; 2]> {
    let (client, server) = connection(lab)?;
    let act = &act;
    lab.scope(|stage| {
        let one = stage.actor("client", |_| Ok(act(&client)))?;
        let other = stage.actor("server", |_| Ok(act(&server)))?;
        Ok([one.finish()?, other.finish()?])
    })
}

experiment!(read_or_reset);
fn read_or_reset(lab: &Lab) -> Result<()> {
    lab.part("read, close");
    let (client, server) = connection(lab)?;
    client.send_all(b"hello")?;
    receive_exactly(&server, &mut [0; 5])?;
    server.close()?;
    let end = transferred("recv", &client.recv(&mut [0; 16]), 0);
    lab.claim("read-all-ends-in-order", end);

    lab.part("close unread");
    let (client, server) = connection(lab)?;
    client.send_all(b"hello")?;
    server.peek_all(&mut [0; 5])?; // there, and left there
    server.close()?;
    let answer = client.recv(&mut [0; 16]);
    let error = failed_with("recv", &answer, "ECONNRESET");
    lab.claim("left-unread-resets", error);
    let next = transferred("next recv", &client.recv(&mut [0; 16]), 0);
    lab.claim("after-the-reset-zero", next);
    let error = failed_with("send", &client.send(b"?"), "EPIPE");
    lab.claim("after-the-reset-epipe", error);

    lab.part("linger 0, close");
    let (client, server) = connection(lab)?;
    client.send_all(b"hello")?;
    receive_exactly(&server, &mut [0; 5])?;
    server.set_linger(Some(Duration::ZERO))?;
    server.close()?;
    let answer = client.recv(&mut [0; 16]);
    let error = failed_with("recv", &answer, "ECONNRESET");
    lab.claim("linger-zero-resets", error);
    Ok(())
}

experiment!(answer_before_the_reset, needs = &[Need::Proc]);
/// A server answers a request that it has not read to the end, and closes. Two clients.
fn answer_before_the_reset(lab: &Lab) -> Result<()> {
    let mut buffer = [0; 8];
    lab.part("recv first");
    let (client, gone) = refused_request(lab)?;
    let n = receive_exactly(&client, &mut buffer)?;
    let answer = recv_gave(&buffer[..n], b"too long");
    lab.claim("the-answer-survives", answer.and(gone));
    let error = failed_with("next recv", &client.recv(&mut buffer), "ECONNRESET");
    let end = transferred("recv after it", &client.recv(&mut buffer), 0);
    lab.claim("then-the-error-then-zero", error.and(end));

    lab.part("send first");
    let (client, gone) = refused_request(lab)?;
    let error = failed_with("send", &client.send(b"the rest"), "ECONNRESET");
    let after = failed_with("next send", &client.send(b"the rest"), "EPIPE");
    lab.claim("send-gets-the-error", error.and(after).and(gone));
    let n = receive_exactly(&client, &mut buffer)?;
    let answer = recv_gave(&buffer[..n], b"too long");
    let end = transferred("recv after it", &client.recv(&mut buffer), 0);
    lab.claim("the-answer-is-there-even-so", answer.and(end));
    Ok(())
}

/// A client whose request was refused: the answer has arrived, and behind it the RST.
fn refused_request(lab: &Lab) -> Result<(Socket, Proof)> {
    let (client, server) = connection(lab)?;
    let end = lab.entry(&client)?;
    client.send_all(&[b'x'; 1000])?; // a long request
    server.peek_all(&mut [0; 1000])?;
    receive_exactly(&server, &mut [0; 100])?; // the server reads a part,
    server.send_all(b"too long")?; // refuses,
    server.close()?; // and leaves the rest unread
    Ok((client, eq("client's end", state(end.until("none")?), state("none"))))
}

experiment!(both_close_at_once, needs = &[Need::Proc], network = Network::Wire);
fn both_close_at_once(lab: &Lab) -> Result<()> {
    let wire = lab.wire()?;
    let (client, server) = connect_on_the_wire(lab)?;
    let ends = Ends::of_client(lab, &client)?;
    wire.hold(Fin.from(Client)); // the FINs stop halfway,
    wire.hold(Fin.from(Server)); // until both are on their way

    client.close()?;
    server.close()?; // knows nothing of the other's FIN
    let _ = (wire.until(first(Fin.from(Client))), wire.until(first(Fin.from(Server))));
    let both = ends.are("FIN_WAIT1", "FIN_WAIT1")?;
    lab.claim_while_held(wire, "neither-has-heard-of-the-other", both);

    wire.let_go(); // they pass each other
    let both = ends.are("TIME_WAIT", "TIME_WAIT")?;
    lab.claim_while_held(wire, "both-are-in-time-wait", both);
    Ok(())
}
