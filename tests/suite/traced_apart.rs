//! Two programs that were traced apart, each in its own terminal, seen as one run.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;
use socket_explorer::analysis::Analysis;
use socket_explorer::trace::axis;
use tempfile::TempDir;

use crate::support::{ChildGuard, ended, explore, file, folder, recordings, require, told, utf8};

/// Takes a part for the message, which only who sees both sides can tell.
const SERVER: &str = "
import socket
with socket.socket() as listener:
    listener.bind(('127.0.0.1', 0))
    listener.listen()
    with open('port', 'w') as port:
        port.write(str(listener.getsockname()[1]))
    print('listening', flush=True)
    conn, _ = listener.accept()
    with conn:
        conn.sendall(conn.recv(5))
";

const CLIENT: &str = "
import socket
with socket.create_connection(('127.0.0.1', int(open('port').read()))) as one:
    one.sendall(b'hello world')
    one.recv(100)
";

/// Both recorded, the client while the server runs.
fn record_both(folder: &TempDir) -> [PathBuf; 2] {
    file(folder, "server.py", SERVER);
    file(folder, "client.py", CLIENT);
    let [server, client] = ["server.jsonl", "client.jsonl"].map(|name| folder.path().join(name));
    let args = ["trace", "--record", utf8(&server), "--", "python3", "server.py"];
    let mut first = explore(&args);
    let mut first = ChildGuard::spawn(first.current_dir(folder.path()).stdout(Stdio::piped()));
    let mut line = String::new();
    let output = first.stdout.as_mut().expect("a pipe");
    BufReader::new(output).read_line(&mut line).expect("it listens");
    assert_eq!(line, "listening\n");
    let args = ["trace", "--record", utf8(&client), "--", "python3", "client.py"];
    let (out, error, code) = ended(explore(&args).current_dir(folder.path()));
    assert_eq!(code, Some(0), "{out}{error}");
    assert!(first.output().status.success());
    [server, client]
}

/// The same recording with another first line.
fn with_header(path: &Path, to: &Path, change: impl FnOnce(&mut Value)) {
    let text = std::fs::read_to_string(path).expect("recorded");
    let (header, rest) = text.split_once('\n').expect("a header");
    let mut header: Value = serde_json::from_str(header).expect("JSON");
    change(&mut header);
    std::fs::write(to, format!("{header}\n{rest}")).expect("written");
}

#[test]
fn recordings_of_one_machine_are_one_picture_with_one_connection() {
    if require("python3").is_none() {
        return;
    }
    let folder = folder();
    let both = record_both(&folder);
    let all: Vec<_> = both.iter().flat_map(|path| recordings(path)).collect();
    assert!(all.iter().all(|one| Analysis::of(one).connections.is_empty()));
    let joined = axis::join(all).expect("one machine");
    let analysis = Analysis::of(&joined);
    assert_eq!(analysis.connections.len(), 1);
    let ends = [analysis.connections[0].client, analysis.connections[0].server];
    let owners = ends.map(|end| analysis.sockets[end].owner.to_string());
    assert_eq!(owners, ["client", "server"]);
    let received = analysis.messages.iter().filter(|message| message.receive.is_some());
    let received: Vec<_> = received.map(|it| (it.send.is_some(), it.bytes)).collect();
    assert_eq!(received, [(true, 5), (true, 5)], "what came has a sender");

    let [server, client] = both.each_ref().map(|path| utf8(path));
    let (out, error, code) = told(&["replay", client, server, "--width", "100"]);
    assert_eq!((code, error.as_str()), (Some(0), ""));
    let arrow = out.lines().find(|line| line.contains("\"hello world\" 11 B"));
    assert!(arrow.is_some_and(|line| line.contains("send ─") && line.contains("─▶")), "{out}");
    assert!(out.contains("recv() that had got 5 of the 11 bytes of a message"), "{out}");
    assert!(out.contains("↔"), "the table has both ends: {out}");
    let (alone, ..) = told(&["replay", server, "--width", "100"]);
    assert!(!alone.contains("5 of the 11 bytes"), "{alone}");
}

#[test]
fn recordings_that_do_not_belong_together_are_refused_with_a_reason() {
    if require("python3").is_none() {
        return;
    }
    let folder = folder();
    let [server, client] = record_both(&folder);
    let other = folder.path().join("other.jsonl");
    let refused = |second: &Path, said: &str| {
        let (out, error, code) = told(&["replay", utf8(&server), utf8(second)]);
        assert_eq!((code, out.as_str()), (Some(2), ""), "{error}");
        assert!(error.contains(utf8(second)) && error.contains(said), "{error}");
    };
    with_header(&client, &other, |header| {
        header.as_object_mut().expect("an object").remove("start");
    });
    refused(&other, "older");
    with_header(&client, &other, |header| header["start"]["boot"] = "another".into());
    refused(&other, "different machines");
    with_header(&client, &other, |header| header["start"]["namespaces"]["net"] = 1.into());
    refused(&other, "different containers");
    refused(&server, "leave one of them out");
    let (_, _, code) = told(&["run", "address-port-protocol", "--record", utf8(&other)]);
    assert_eq!(code, Some(0));
    refused(&other, "`explore trace`");
    std::fs::copy(&client, &other).expect("copied");
    let mut both = File::options().append(true).open(&other).expect("opened");
    std::io::copy(&mut File::open(&server).expect("recorded"), &mut both).expect("copied");
    refused(&other, "2 runs");
    std::fs::write(&other, "{\n").expect("written");
    refused(&other, "not a line of a recording");
}
