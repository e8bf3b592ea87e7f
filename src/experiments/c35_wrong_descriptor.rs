//! Case 35: a descriptor's number is given out again, and somebody still uses it.

use std::io;
use std::net::Shutdown;
use std::sync::mpsc::channel;

use socket2::{Domain, Type};

use super::kit::{connected, listening, no_answer, receive_to_the_end, transferred};
use super::{Need, experiment};
use crate::capture::{Lab, Result, Socket, eq, eq_between, failed_with, ne_between};
use crate::trace::Data;

experiment!(wrong_descriptor, needs = &[Need::Proc]);
fn wrong_descriptor(lab: &Lab) -> Result<()> {
    lab.part("closed while a worker has its number");
    let ([ann, ben], listener) = two_clients(lab)?;
    let (for_ann, _) = listener.accept()?;
    let number = for_ann.descriptor();
    let before = socket_behind(lab, number)?;
    let (sent, for_ben) = while_a_worker_has(lab, number, || {
        for_ann.close()?; // Ann was silent for too long
        Ok(listener.accept()?.0) // gets the lowest free number
    })?;
    let after = socket_behind(lab, for_ben.descriptor())?;
    let again = eq_between("Ben's descriptor", for_ben.descriptor(), "Ann's", number);
    let other = ne_between("the socket behind it", after, "Ann's socket", before);
    lab.claim("the-number-is-given-out-again", again.and(other));
    for_ben.close()?;
    let bens = receive_to_the_end(&ben)?;
    let anns = receive_to_the_end(&ann)?;
    let got = eq("Ben got", Data::of(&bens), Data::of(FOR_ANN));
    let nothing = eq("Ann got", Data::of(&anns), Data::of(b""));
    let took = transferred("worker's send", &sent, FOR_ANN.len());
    lab.claim("bytes-go-to-the-wrong-peer", took.and(got).and(nothing));

    lab.part("shut down, and closed when the worker has ended");
    let ([_ann, ben], listener) = two_clients(lab)?;
    let (for_ann, _) = listener.accept()?;
    let number = for_ann.descriptor();
    let (sent, for_ben) = while_a_worker_has(lab, number, || {
        for_ann.shutdown(Shutdown::Both)?; // the number stays
        Ok(listener.accept()?.0)
    })?;
    for_ann.close()?; // the worker has ended
    let other = ne_between("Ben's descriptor", for_ben.descriptor(), "Ann's", number);
    lab.claim("the-number-stays-taken", other);
    lab.claim("the-worker-is-told", failed_with("worker's send", &sent, "EPIPE"));
    for_ben.close()?;
    let bens = receive_to_the_end(&ben)?;
    lab.claim("ben-gets-nothing", eq("Ben got", Data::of(&bens), Data::of(b"")));
    Ok(())
}

/// Ann and Ben, who are connected and wait to be accepted, and the server's listening socket.
fn two_clients(lab: &Lab) -> Result<([Socket; 2], Socket)> {
    let (listener, address) = listening(lab, &lab.actor("server"))?;
    let ann = connected(&lab.actor("ann"), &address)?;
    let ben = connected(&lab.actor("ben"), &address)?;
    Ok(([ann, ben], listener))
}

/// What the worker has computed for Ann.
const FOR_ANN: &[u8] = b"Ann's balance: 42";

/// A worker that has kept the number of Ann's descriptor sends her what it has computed, after this has happened. Gives
/// what its send() answered.
fn while_a_worker_has<T>(
    lab: &Lab,
    number: i64,
    happens: impl FnOnce() -> Result<T>,
) -> Result<(io::Result<usize>, T)> {
    let (tell, told) = channel();
    lab.scope(|stage| {
        let worker = stage.actor("worker", move |me| {
            let _ = told.recv(); // it computes
            let socket = me.socket_of(number, Domain::IPV4, Type::STREAM)?;
            Ok(socket.send(FOR_ANN))
        })?;
        let seen = happens()?;
        let _ = tell.send(());
        Ok((worker.finish()?, seen))
    })
}

/// What the number stands for: `socket:[12345]`.
fn socket_behind(lab: &Lab, number: i64) -> Result<String> {
    let link = format!("/proc/{}/fd/{number}", std::process::id());
    let socket = lab.ask("readlink", &[&link])?.trim().to_owned();
    if socket.is_empty() { Err(no_answer("readlink").into()) } else { Ok(socket) }
}
