//! Exercise 5: a server that starts processes, collects them, hands no socket on, and ends with a word to its clients.

use std::net::Shutdown;
use std::thread;
use std::time::{Duration, Instant};

use super::kit::{
    client, exit_value, receive, require, require_answer, returned, start_server, until_at_rest,
};
use crate::capture::sys::{self, Descendant};
use crate::capture::{Lab, Program, Result, Socket, at_least, eq};
use crate::experiments::judge;
use crate::trace::Data;

/// What the server runs.
const HELPER: &str = "sleep";
/// How long a job takes that is not to end before the server does, in seconds.
const LONG: &str = "300";
/// A server that ends within a second is given ten.
const TO_END: Duration = Duration::from_secs(10);
/// So long a process may take to come, or to go.
const TO_CHANGE: Duration = Duration::from_secs(3);

judge!(a_tidy_server);
/// Clients give jobs to the learner's server; then it gets SIGTERM while one of them runs.
fn a_tidy_server(lab: &Lab) -> Result<()> {
    let (server, at) = start_server(lab, "listens-at-the-port")?;

    lab.part("a job");
    let alice = client(lab, "alice", &at)?;
    alice.send_all(b"0\n")?;
    require_answer(lab, &server, "runs-a-job", "alice received", &alice, b"done\n")?;

    lab.part("a long job and a short one");
    let carol = client(lab, "carol", &at)?;
    carol.send_all(b"0\n")?;
    require_answer(lab, &server, "runs-jobs-at-once", "carol received", &carol, b"done\n")?;
    alice.send_all(format!("{LONG}\n").as_bytes())?;
    let running = until(|| helpers(&server).len(), |running| running > 0);
    require(lab, "runs-jobs-at-once", at_least("processes `sleep` of server", running, 1))?;
    let bob = client(lab, "bob", &at)?;
    bob.send_all(b"0\n")?;
    require_answer(lab, &server, "runs-jobs-at-once", "bob received", &bob, b"done\n")?;
    bob.close()?;

    lab.part("the processes");
    until_at_rest(&server); // whoever served Bob may end now
    let count = || server.descendants().iter().filter(|it| it.is_zombie()).count();
    let zombies = until(count, |zombies| zombies == 0);
    lab.claim("leaves-no-zombie", eq("processes of server in state Z", zombies, 0_usize));

    lab.part("a connection that is older than a job");
    carol.shutdown(Shutdown::Write)?;
    let end = returned(&receive(&server, &carol, &mut [0; 64]));
    let mut alone = eq("carol.recv", end, 0_i64);
    for sockets in helpers(&server).iter().filter_map(|it| sys::sockets_of(it.process)) {
        alone = alone.and(eq("sockets that `sleep` has", sockets, 0_usize));
    }
    lab.claim("hands-no-socket-on", alone);
    drop(carol);

    lab.part("SIGTERM");
    let dora = client(lab, "dora", &at)?;
    dora.send_all(b"0\n")?;
    require_answer(lab, &server, "runs-jobs-at-once", "dora received", &dora, b"done\n")?;
    let helpers: Vec<u32> = helpers(&server).iter().map(|it| it.process).collect();
    server.terminate()?;
    let exit = server.until_ended(TO_END);
    require(lab, "ends-at-sigterm", eq("exit status of server", exit_value(exit.as_ref()), 0_i64))?;
    for (received, client) in [("alice received", &alice), ("dora received", &dora)] {
        let told = rest(&server, client);
        lab.claim("tells-its-clients", eq(received, Data::of(&told), Data::of(b"goodbye\n")));
    }
    let left =
        until(|| helpers.iter().filter(|it| sys::is_running(**it)).count(), |left| left == 0);
    lab.claim("ends-its-jobs", eq("processes `sleep` that run on", left, 0_usize));
    Ok(())
}

/// The processes in which the server's jobs run.
fn helpers(server: &Program) -> Vec<Descendant> {
    server.descendants().into_iter().filter(|it| it.name == HELPER).collect()
}

/// Counts until the count is as wanted, or until it has not become so in time; returns the last.
fn until(count: impl Fn() -> usize, is_wanted: impl Fn(usize) -> bool) -> usize {
    let began = Instant::now();
    loop {
        let now = count();
        if is_wanted(now) || began.elapsed() > TO_CHANGE {
            return now;
        }
        thread::sleep(Duration::from_millis(20));
    }
}

/// All that still comes from the server, until it ends the connection.
fn rest(server: &Program, socket: &Socket) -> Vec<u8> {
    let (mut all, mut buffer) = (Vec::new(), [0; 64]);
    while let Ok(got @ 1..) = receive(server, socket, &mut buffer) {
        all.extend_from_slice(&buffer[..got]);
    }
    all
}
