//! Case 38: an AF_UNIX socket that is missing, stale, or in the way.

use std::fs;
use std::io;

use socket2::{Domain, SockAddr, Type};

use super::{Need, experiment};
use crate::capture::{Actor, Lab, Result, Socket, eq, failed_with, succeeded};
use crate::trace::Feature;

experiment!(unix_socket_missing, needs = &[Need::Folder]);
/// A client calls a server's file before it is there, while the server runs, and after it has ended.
fn unix_socket_missing(lab: &Lab) -> Result<()> {
    let (server, client) = (lab.actor("server"), lab.actor("client"));
    let at = lab.here_unix("service")?;
    let path = lab.path("service")?.display().to_string();
    lab.claim("no-file", failed_with("connect", &call(&client, &at), "ENOENT"));

    let listener = listening_at(&server, &at)?;
    let while_it_runs = lab.ask("ss", &["-xl", "src", &path]);
    listener.close()?; // as when it ends, however it ends
    lab.claim("a-file-and-nobody", failed_with("connect", &call(&client, &at), "ECONNREFUSED"));
    let again = server.socket(Domain::UNIX, Type::STREAM, None)?;
    again.set_reuse_address(true)?;
    lab.claim("the-file-is-in-the-way", failed_with("bind", &again.bind(&at), "EADDRINUSE"));
    let afterwards = lab.ask("ss", &["-xl", "src", &path])?;

    let rows = |answer: &str| answer.lines().skip(1).count();
    let listens = eq("rows of ss while it runs", rows(&while_it_runs?), 1);
    lab.claim("ss-tells", listens.and(eq("rows of ss afterwards", rows(&afterwards), 0)));
    Ok(())
}

experiment!(unix_socket_replaced, needs = &[Need::Folder]);
/// A server finds a file at its path, and asks who is behind it before it removes the file.
fn unix_socket_replaced(lab: &Lab) -> Result<()> {
    let (server, client) = (lab.actor("server"), lab.actor("client"));
    let (at, path) = (lab.here_unix("service")?, lab.path("service")?);
    listening_at(&server, &at)?.close()?; // leaves its file behind

    let next = lab.actor("next server");
    if call(&next, &at).is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused) {
        next.deed("unlink …/service", || fs::remove_file(&path))?;
    }
    let _listener = listening_at(&next, &at)?;
    lab.claim("served-again", succeeded("connect", &call(&client, &at)));

    let third = call(&lab.actor("third server"), &at); // finds a server, and leaves its file alone
    lab.claim("one-that-runs-is-found", succeeded("connect", &third));
    Ok(())
}

experiment!(abstract_name, needs = &[Need::Has(Feature::AbstractNames)]);
/// A server takes a name that begins with a zero byte: no file.
fn abstract_name(lab: &Lab) -> Result<()> {
    if !cfg!(target_os = "linux") {
        return Err(Feature::AbstractNames.lack().into());
    }
    let (server, client) = (lab.actor("server"), lab.actor("client"));
    let at = SockAddr::unix(format!("\0explore-case-{}", std::process::id()))?;
    let listener = listening_at(&server, &at)?;
    lab.claim("served-without-a-file", succeeded("connect", &call(&client, &at)));
    listener.close()?;
    lab.claim("gone-with-the-socket", failed_with("connect", &call(&client, &at), "ECONNREFUSED"));
    let again = server.socket(Domain::UNIX, Type::STREAM, None)?;
    lab.claim("free-at-once", succeeded("bind", &again.bind(&at)));
    Ok(())
}

/// A server's socket that listens at this address.
fn listening_at(server: &Actor, at: &SockAddr) -> Result<Socket> {
    let listener = server.socket(Domain::UNIX, Type::STREAM, None)?;
    listener.bind(at)?;
    listener.listen(5)?;
    Ok(listener)
}

/// What connect() answers a new client there.
fn call(client: &Actor, at: &SockAddr) -> io::Result<()> {
    client.socket(Domain::UNIX, Type::STREAM, None)?.connect(at)
}
