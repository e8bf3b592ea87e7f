//! Exercise 3: one server that serves AF_UNIX, IPv4 and IPv6, and leaves nothing behind.

use std::io;
use std::path::Path;

use socket2::{SockAddr, Type};

use super::kit::{
    LOOK, answer, exit_value, exits_with_0, free_port, require, require_answer, until_listening_on,
};
use crate::capture::{Lab, PATIENCE, Program, Proof, Result, Socket, eq, succeeded, yes_or_no};
use crate::experiments::{Need, judge};
use crate::trace::{ExitStatus, Value, label};

/// The server listens once for each family.
const FAMILIES: usize = 3;

judge!(one_server_three_families, needs = &[Need::Ipv6, Need::Folder]);
/// Clients of each family, one after the other and all at once; then the server is ended, started, killed, and started again.
fn one_server_three_families(lab: &Lab) -> Result<()> {
    lab.need_ipv6()?;
    let (port, path) = (free_port_of_both(lab)?, lab.path("door")?);
    let words = [port.to_string(), path.display().to_string()];
    let at =
        Addresses { ipv4: lab.here(port), ipv6: lab.here_v6(port), unix: lab.here_unix("door")? };
    let server = lab.program("server", &words)?;
    until_listening_on(&server, FAMILIES)?;

    lab.part("AF_INET");
    let alice = client(lab, "alice", &at.ipv4)?;
    require_answer(lab, &server, "serves-ipv4", "alice", &alice, b"AF_INET\n")?;
    drop(alice);

    lab.part("AF_UNIX");
    let carol = client(lab, "carol", &at.unix)?;
    require_answer(lab, &server, "serves-unix", "carol", &carol, b"AF_UNIX\n")?;
    drop(carol);

    lab.part("AF_INET6");
    let bob = client(lab, "bob", &at.ipv6)?;
    require_answer(lab, &server, "serves-ipv6", "bob", &bob, b"AF_INET6\n")?;
    drop(bob);

    lab.part("clients of all families at once");
    serves_all(lab, &server, &at)?;

    lab.part("a second server");
    second_server(lab, &server, &words, &at)?;

    lab.part("SIGTERM");
    server.terminate()?;
    let exit = server.until_ended(PATIENCE);
    require(lab, "ends-at-sigterm", exits_with_0("server", exit.as_ref()))?;
    lab.claim("leaves-no-file", leaves_no_file(&path));
    drop(server);

    starts_again(lab, &words, &path, &at)
}

struct Addresses {
    ipv4: SockAddr,
    ipv6: SockAddr,
    unix: SockAddr,
}

/// The server has taken its file away.
fn leaves_no_file(path: &Path) -> Proof {
    let explanation =
        label!("the server should have removed the file at its path; it is still there");
    yes_or_no("the file is there", path.exists(), false).explained(explanation)
}

/// A port that is free for IPv4 and for IPv6.
fn free_port_of_both(lab: &Lab) -> Result<u16> {
    loop {
        let port = free_port(lab)?;
        if lab.is_free(Type::STREAM, &lab.here_v6(port))? {
            return Ok(port);
        }
    }
}

/// A client of the family of this address, connected.
fn client(lab: &Lab, name: &str, to: &SockAddr) -> io::Result<Socket> {
    let socket = lab.actor(name).socket(to.domain(), Type::STREAM, None)?;
    socket.set_read_timeout(Some(LOOK))?;
    socket.set_write_timeout(Some(PATIENCE))?;
    socket.connect(to)?;
    Ok(socket)
}

/// Clients of all families have connected before the first of them says something; the last says it first.
fn serves_all(lab: &Lab, server: &Program, at: &Addresses) -> Result<()> {
    let clients = [
        ("alice", client(lab, "alice", &at.ipv4)?, &b"AF_INET\nhello\n"[..]),
        ("bob", client(lab, "bob", &at.ipv6)?, b"AF_INET6\nhello\n"),
        ("carol", client(lab, "carol", &at.unix)?, b"AF_UNIX\nhello\n"),
    ];
    for (who, client, wanted) in clients.iter().rev() {
        client.send_all(b"hello\n")?;
        require_answer(lab, server, "serves-all-at-once", who, client, wanted)?;
    }
    Ok(())
}

/// Somebody starts the server once more while it runs.
fn second_server(lab: &Lab, server: &Program, words: &[String], at: &Addresses) -> Result<()> {
    let second = lab.program("server", words)?;
    let exit = second.until_ended(PATIENCE);
    drop(second);
    let has_failed = matches!(exit, Some(ExitStatus::Code(code)) if code != 0);
    let exit = exit_value(exit.as_ref());
    let wanted = if has_failed { exit.clone() } else { Value::from(1_i64) };
    let name = "leaves-a-running-server-alone";
    let explanation = label!(
        "a second server should have failed, because the first one is running; instead: {exit}",
        exit = exit.clone()
    );
    let fails = eq("exit status of server 2", exit, wanted).explained(explanation);
    require(lab, name, fails)?;
    let dora = client(lab, "dora", &at.unix);
    let explanation = label!("the first server should go on; dora cannot connect to its path");
    require(lab, name, succeeded("dora.connect", &dora).explained(explanation))?;
    require_answer(lab, server, name, "dora", &dora?, b"AF_UNIX\n")
}

/// A server is killed while clients are connected, and started again.
fn starts_again(lab: &Lab, words: &[String], path: &Path, at: &Addresses) -> Result<()> {
    lab.part("SIGKILL");
    let server = lab.program("server", words)?;
    until_listening_on(&server, FAMILIES)?;
    let alice = client(lab, "alice", &at.ipv4)?;
    let _ = answer(&server, &alice, b"AF_INET\n".len()); // it serves her now
    server.kill()?;
    drop(server);
    drop(alice);
    let server = lab.program("server", words)?;
    until_listening_on(&server, FAMILIES)?;
    let alice = client(lab, "alice", &at.ipv4)?;
    require_answer(lab, &server, "starts-again", "alice", &alice, b"AF_INET\n")?;
    let carol = client(lab, "carol", &at.unix)?;
    require_answer(lab, &server, "starts-again", "carol", &carol, b"AF_UNIX\n")?;
    drop((alice, carol));
    server.terminate()?;
    let _ = server.until_ended(PATIENCE);
    lab.claim("leaves-no-file", leaves_no_file(path));
    Ok(())
}
