//! Exercise 5: a server that starts processes, collects them, hands no socket on, and ends with a word to its clients.

use std::net::Shutdown;
use std::thread;
use std::time::{Duration, Instant};

use super::kit::{
    client, exits_with_0, is_end, receive, received, require, require_answer, start_server,
    until_at_rest,
};
use crate::capture::sys::{self, Descendant};
use crate::capture::{Lab, Program, Result, Socket, at_least, eq};
use crate::experiments::judge;
use crate::trace::label;

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
    require_answer(lab, &server, "runs-a-job", "alice", &alice, b"done\n")?;

    lab.part("a long job and a short one");
    let carol = client(lab, "carol", &at)?;
    carol.send_all(b"0\n")?;
    require_answer(lab, &server, "runs-jobs-at-once", "carol", &carol, b"done\n")?;
    alice.send_all(format!("{LONG}\n").as_bytes())?;
    let running = until(|| helpers(&server).len(), |running| running > 0);
    let explanation =
        label!("the server should have run the job of alice as a process `sleep`; it has none");
    let runs = at_least("processes `sleep` of server", running, 1).explained(explanation);
    require(lab, "runs-jobs-at-once", runs)?;
    let bob = client(lab, "bob", &at)?;
    bob.send_all(b"0\n")?;
    require_answer(lab, &server, "runs-jobs-at-once", "bob", &bob, b"done\n")?;
    bob.close()?;

    lab.part("the processes");
    until_at_rest(&server); // whoever served Bob may end now
    let count = || server.descendants().iter().filter(|it| it.is_zombie()).count();
    let zombies = until(count, |zombies| zombies == 0);
    let explanation = label!(
        "the server should have collected each process that has ended; {zombies} are left, in state Z",
        zombies
    );
    let none = eq("processes of server in state Z", zombies, 0_usize);
    lab.claim("leaves-no-zombie", none.explained(explanation));

    lab.part("a connection that is older than a job");
    carol.shutdown(Shutdown::Write)?;
    let mut alone = is_end("carol", &receive(&server, &carol, &mut [0; 64]));
    for sockets in helpers(&server).iter().filter_map(|it| sys::sockets_of(it.process)) {
        let explanation = label!(
            "`sleep` should have no socket of the server; it has inherited {sockets}",
            sockets
        );
        let none = eq("sockets that `sleep` has", sockets, 0_usize);
        alone = alone.and(none.explained(explanation));
    }
    lab.claim("hands-no-socket-on", alone);
    drop(carol);

    lab.part("SIGTERM");
    let dora = client(lab, "dora", &at)?;
    dora.send_all(b"0\n")?;
    require_answer(lab, &server, "runs-jobs-at-once", "dora", &dora, b"done\n")?;
    let helpers: Vec<u32> = helpers(&server).iter().map(|it| it.process).collect();
    server.terminate()?;
    let exit = server.until_ended(TO_END);
    require(lab, "ends-at-sigterm", exits_with_0("server", exit.as_ref()))?;
    for (who, client) in [("alice", &alice), ("dora", &dora)] {
        let told = rest(&server, client);
        lab.claim("tells-its-clients", received(who, &told, b"goodbye\n"));
    }
    let left =
        until(|| helpers.iter().filter(|it| sys::is_running(**it)).count(), |left| left == 0);
    let explanation =
        label!("the jobs should have ended with the server; {left} of them run on", left);
    let none = eq("processes `sleep` that run on", left, 0_usize);
    lab.claim("ends-its-jobs", none.explained(explanation));
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
