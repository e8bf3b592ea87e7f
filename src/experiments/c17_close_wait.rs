//! Case 17: connections that stay in CLOSE_WAIT.

use socket2::SockAddr;

use super::kit::{connected, listening, receive_queues, sockets_at};
use super::{Need, experiment};
use crate::capture::{Lab, Result, Socket, eq};

experiment!(close_wait, needs = &[Need::Proc]);
fn close_wait(lab: &Lab) -> Result<()> {
    let (server, mut buffer) = (lab.actor("server"), [0; 64]);

    lab.part("never closed");
    let (listener, address) = listening(lab, &server)?;
    let (mut kept, mut told) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        let client = connected(&lab.actor("client"), &address)?;
        let (connection, _) = listener.accept()?;
        client.close()?;
        told.push(connection.recv(&mut buffer)?.to_string());
        kept.push(connection); // and nobody closes it
    }
    let table = sockets_at(lab, "-tanp", &[&address])?;
    let zeros = eq("recv", told.join(" "), "0 0 0");
    let waiting = eq("Recv-Q in CLOSE-WAIT", receive_queues(&table, "CLOSE-WAIT"), "0 0 0");
    lab.claim("told-and-not-closed", zeros.and(waiting));
    let queue = eq("Recv-Q in LISTEN", receive_queues(&table, "LISTEN"), "0");
    lab.claim("nobody-waits-for-accept", queue);

    lab.part("never accepted");
    let (stuck, elsewhere) = listening(lab, &server)?;
    for _ in 0..3 {
        leaves_before_accept(lab, &elsewhere)?;
    }
    let table = sockets_at(lab, "-tanp", &[&elsewhere])?;
    let waiting = eq("Recv-Q in CLOSE-WAIT", receive_queues(&table, "CLOSE-WAIT"), "1 1 1");
    let queue = eq("Recv-Q in LISTEN", receive_queues(&table, "LISTEN"), "3");
    let rows = table.lines().filter(|row| row.starts_with("CLOSE-WAIT"));
    let named = eq("with a process", rows.filter(|row| row.contains("users:")).count(), 0);
    lab.claim("no-program-has-them", waiting.and(queue).and(named));

    lab.part("accepted, read to the end, closed");
    for connection in kept {
        close(lab, connection)?;
    }
    for _ in 0..3 {
        let (connection, _) = stuck.accept()?;
        while connection.recv(&mut buffer)? > 0 {} // 0: it has left
        close(lab, connection)?;
    }
    let table = sockets_at(lab, "-tanp", &[&address, &elsewhere])?;
    let none = eq("in CLOSE-WAIT", table.matches("CLOSE-WAIT").count(), 0);
    let queues = eq("Recv-Q in LISTEN", receive_queues(&table, "LISTEN"), "0 0");
    lab.claim("closed-and-gone", none.and(queues));
    Ok(())
}

/// A client comes and leaves, and the server has not called accept().
fn leaves_before_accept(lab: &Lab, address: &SockAddr) -> Result<()> {
    let client = connected(&lab.actor("client"), address)?;
    let servers_end = lab.entry(&client)?.other("server");
    client.close()?;
    servers_end.until("CLOSE_WAIT")?;
    Ok(())
}

/// Closes the server's end, and waits until the kernel has forgotten it.
fn close(lab: &Lab, connection: Socket) -> Result<()> {
    let end = lab.entry(&connection)?;
    connection.close()?;
    end.until("none")?;
    Ok(())
}
