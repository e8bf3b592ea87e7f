//! Case 21: a server that does not come to accept(); its queue fills up, and then clients wait.

use std::time::Duration;

use socket2::SockAddr;

use super::kit::{at_port_of, connected, receive, tcp_socket};
use super::{Need, experiment};
use crate::capture::{self, Lab, Result, TIMED_OUT, before, eq, failed_with, succeeded};
use crate::trace::SyscallKind;

/// How many clients come to the server that accepts them.
const CLIENTS: usize = 5;

experiment!(queue_without_accept, needs = &[Need::Proc]);
fn queue_without_accept(lab: &Lab) -> Result<()> {
    let listener = tcp_socket(lab, "server")?;
    listener.bind(&lab.here(0))?;
    listener.listen(1)?; // on Linux room for two
    let address = listener.local_addr()?;
    let alice = connected(&lab.actor("alice"), &address)?;
    lab.entry(&alice)?.other("server").until("ESTABLISHED")?;
    let bob = connected(&lab.actor("bob"), &address)?;
    lab.entry(&bob)?.other("server").until("ESTABLISHED")?;

    alice.send_all(b"hello")?;
    alice.set_read_timeout(Some(Duration::from_millis(100)))?;
    let silence = alice.recv(&mut [0; 16]);
    lab.claim("connected-and-unanswered", failed_with("alice's recv", &silence, TIMED_OUT));

    let (shown, answer) = lab.scope(|stage| {
        let carol = stage.actor("carol", |me| {
            Ok(connected(&me, &address)) // there is no room for her
        })?;
        carol.until_blocked_in(SyscallKind::Connect)?;
        let shown = lab.ask("ss", &["-ltn", &at_port_of(&address)])?;
        let _taken = [listener.accept()?, listener.accept()?]; // at last
        let _carol = listener.accept()?; // her SYN comes again
        Ok((shown, carol.finish()?))
    })?;
    let [waiting, backlog] = queue(&shown, &address);
    let full = eq("Recv-Q", waiting, "2").and(eq("Send-Q", backlog, "1"));
    lab.claim("one-more-than-the-backlog", full);
    let connect = lab.last_call("carol", SyscallKind::Connect)?.returned_ns;
    let waits = before("first accept", first_accept(lab), "end of carol's connect", connect);
    lab.claim("the-next-one-waits", waits.and(succeeded("carol.connect", &answer)));
    Ok(())
}

/// When the server's first accept() returned.
fn first_accept(lab: &Lab) -> u64 {
    let calls = lab.calls("server").into_iter();
    let mut accepts = calls.filter(|(_, back)| back.call.kind() == SyscallKind::Accept);
    accepts.next().map_or(u64::MAX, |(event, _)| event.at_ns)
}

experiment!(accepts_all_the_time);
fn accepts_all_the_time(lab: &Lab) -> Result<()> {
    let listener = tcp_socket(lab, "server")?;
    listener.bind(&lab.here(0))?;
    listener.listen(128)?; // room for the moments between two calls
    let address = listener.local_addr()?;
    let (answered, shown) = lab.scope(|stage| {
        let server = stage.actor("server", |_| {
            for _ in 0..CLIENTS {
                let (client, _) = listener.accept()?; // all the time
                client.send_all(b"welcome")?;
            }
            Ok(())
        })?;
        let mut answered = 0;
        for _ in 0..CLIENTS {
            let client = connected(&lab.actor("client"), &address)?;
            answered += usize::from(receive(&client, 7)? == b"welcome");
        }
        let shown = lab.ask("ss", &["-ltn", &at_port_of(&address)])?;
        server.finish()?;
        Ok((answered, shown))
    })?;
    lab.claim("every-client-is-answered", eq("clients that were answered", answered, CLIENTS));
    let [waiting, _] = queue(&shown, &address);
    lab.claim("the-queue-is-empty", eq("Recv-Q", waiting, "0"));
    Ok(())
}

/// What `ss -ltn` shows of the listener at this address: Recv-Q and Send-Q.
fn queue(shown: &str, address: &SockAddr) -> [String; 2] {
    let address = capture::address(address).to_string();
    let line = shown.lines().find(|line| line.contains(&address)).unwrap_or_default();
    let mut columns = line.split_whitespace().skip(1).map(str::to_owned);
    [(); 2].map(|()| columns.next().unwrap_or_default())
}
