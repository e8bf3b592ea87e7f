//! `explore trace --wire`: programs in networks of their own, and the link between them.

use std::net::Ipv4Addr;
use std::process::Command;

use socket_explorer::reasons;
use socket_explorer::trace::packet::LinkAction;
use socket_explorer::trace::recording::Recording;
use socket_explorer::trace::{Ending, EventKind};
use tempfile::TempDir;

use crate::support::{
    Ended, ended, explore, file, folder, frames, isolated, recordings, require, utf8,
};

const SERVER: &str = "
import socket
with socket.socket() as listener:
    listener.bind(('', 5000))
    listener.listen()
    conn, _ = listener.accept()
    with conn:
        while data := conn.recv(1024):
            conn.sendall(data.upper())
";

const CLIENT: &str = "
import socket, sys
with socket.create_connection((sys.argv[1], 5000)) as one:
    one.sendall(b'hello')
    print(one.recv(1024))
";

fn programs() -> TempDir {
    let folder = folder();
    file(&folder, "server.py", SERVER);
    file(&folder, "client.py", CLIENT);
    folder
}

/// Traces the two on a wire with these options; `None`, and a word about it, where there is no wire or no Python.
fn on_the_wire(options: &[&str], address: &str) -> Option<(Recording, Ended)> {
    require("python3")?;
    let folder = programs();
    let path = folder.path().join("trace.jsonl");
    let client = format!("python3 client.py {address}");
    let mut args = vec!["trace", "--wire", "--record", utf8(&path)];
    args.extend(options);
    args.extend(["python3 server.py", &client]);
    let ended = ended(explore(&args).current_dir(folder.path()));
    let recording = recordings(&path).pop().expect("one run");
    if let Some(Ending::Unavailable { why }) = recording.ending() {
        eprintln!("skipped: {}", reasons::lack(why));
        return None;
    }
    Some((recording, ended))
}

#[test]
fn two_programs_talk_across_the_wire_and_a_lost_syn_is_sent_again() {
    let found = on_the_wire(&["--drop", "first SYN", "--view", "ladder"], "server");
    let Some((recording, (out, err, code))) = found else { return };
    assert_eq!((err.as_str(), code), ("", Some(0)), "{out}");
    assert!(out.starts_with("b'HELLO'\n"), "{out}");
    assert!(out.contains("drop the first SYN") && out.contains(", again "), "{out}");
    let networks: Vec<_> = recording
        .events()
        .iter()
        .filter_map(|event| match &event.what {
            EventKind::Network { address } => Some((event.actor.to_string(), *address)),
            _ => None,
        })
        .collect();
    let at = |host| Ipv4Addr::new(10, 9, 0, host);
    assert_eq!(networks, [("server".to_owned(), at(2)), ("client".to_owned(), at(3))]);
    let frames = frames(&recording);
    let dropped = frames.iter().filter(|frame| frame.action() == Some(LinkAction::Dropped)).count();
    assert_eq!(dropped, 1);
    assert!(frames.iter().all(|frame| !frame.by_lab && frame.sender.is_some()), "{frames:#?}");
}

#[test]
fn the_frames_are_written_as_pcapng_and_drawn_with_only_one_end() {
    let Some(_) = require("python3") else { return };
    let folder = programs();
    let options = ["trace", "--pcap", "frames.pcapng", "--only", "client", "--view", "ladder"];
    let words = [&options[..], &["python3 server.py", "python3 client.py server"]].concat();
    let (out, err, code) = ended(explore(&words).current_dir(folder.path()));
    if code == Some(3) {
        eprintln!("skipped: {err}");
        return;
    }
    assert_eq!((err.as_str(), code), ("", Some(0)));
    assert!(out.contains("SYN,ACK"), "{out}");
    let frames = std::fs::read(folder.path().join("frames.pcapng")).expect("a file");
    let hello = frames.windows(5).filter(|bytes| bytes == b"hello").count();
    assert_eq!(hello, 1, "{} bytes", frames.len());
}

#[test]
fn without_privileges_it_is_the_same() {
    let Some(mut command) = require("setpriv") else { return };
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "--no-new-privs"]);
    if !nix::unistd::geteuid().is_root() || require("python3").is_none() {
        return;
    }
    let folder = programs();
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(folder.path(), open).expect("a folder of ours");
    command.args([env!("CARGO_BIN_EXE_explore"), "trace", "--delay", "20ms"]);
    command.args(["python3 server.py", "python3 client.py server"]).current_dir(folder.path());
    let (out, err, code) = ended(isolated(&mut command));
    if code == Some(3) {
        eprintln!("skipped: {err}");
        return;
    }
    assert_eq!((err.as_str(), code), ("", Some(0)), "{out}");
    assert!(out.starts_with("b'HELLO'\n"), "{out}");
    let took = out.split("took ").skip(1).filter_map(|rest| rest.split(' ').next()?.parse().ok());
    let took: Vec<f64> = took.collect();
    assert!(!took.is_empty() && took.iter().all(|ms| *ms >= 20.0), "{took:?}: {out}");
}

#[test]
fn without_the_device_it_says_what_would_help() {
    let Some(mut command) = require("unshare") else { return };
    let script = "mount -t tmpfs none /dev/net && exec \"$0\" \"$@\"";
    command.args(["-m", "sh", "-c", script]);
    if !command.arg("true").status().is_ok_and(|status| status.success()) {
        eprintln!("skipped: this system allows no mount namespace");
        return;
    }
    let mut command = Command::new("unshare");
    command.args(["-m", "sh", "-c", script, env!("CARGO_BIN_EXE_explore")]);
    command.args(["trace", "--wire", "--", "true"]);
    let (out, err, code) = ended(isolated(&mut command));
    assert_eq!((out.as_str(), code), ("", Some(3)), "{err}");
    assert!(
        err.contains("open /dev/net/tun: ENOENT") && err.contains("sudo modprobe tun"),
        "{err}"
    );
}

#[test]
fn a_rule_that_is_not_understood_is_told_with_what_is() {
    for (option, words, help) in [
        ("--drop", "frist SYN", "`every third datagram`"),
        ("--loss", "20", "with its %"),
        ("--delay", "soon", "`50ms`"),
        ("--cut-after", "2", "`2s`"),
    ] {
        let (out, err, code) = ended(&mut explore(&["trace", option, words, "--", "true"]));
        assert_eq!((out.as_str(), code), ("", Some(2)), "{err}");
        assert!(err.contains(words) && err.contains(help), "{err}");
    }
}

#[test]
fn a_call_that_never_left_its_own_machine_is_told() {
    let Some(_) = require("python3") else { return };
    let folder = programs();
    let server = "
import os, socket
with socket.socket() as listener:
    listener.bind(('', 5000))
    listener.listen()
    listener.settimeout(0.02)
    while not os.path.exists('over'):
        try:
            listener.accept()
        except OSError:
            pass
";
    let client = "
import socket
try:
    socket.create_connection(('127.0.0.1', 5000))
except OSError as error:
    print(type(error).__name__, flush=True)
open('over', 'w').close()
";
    file(&folder, "server.py", server);
    file(&folder, "client.py", client);
    let words = ["trace", "--wire", "python3 server.py", "python3 client.py"];
    let (out, err, code) = ended(explore(&words).current_dir(folder.path()));
    if code == Some(3) {
        eprintln!("skipped: {err}");
        return;
    }
    assert_eq!((err.as_str(), code), ("", Some(0)), "{out}");
    let out = out.replace('\n', " ");
    assert!(out.starts_with("ConnectionRefusedError "), "{out}");
    assert!(out.contains("client called 127.0.0.1:5000, but 127.0.0.1 never leaves"), "{out}");
    assert!(out.contains("server is at 10.9.0.2."), "{out}");
}

/// Both programs have 127.0.0.1 hard-coded, and are led over the wire all the same.
#[test]
fn hard_coded_loopback_addresses_are_led_over_the_wire() {
    let Some(_) = require("python3") else { return };
    let folder = programs();
    file(&folder, "server.py", SERVER.replace("''", "'127.0.0.1'"));
    let path = folder.path().join("trace.jsonl");
    let record = ["trace", "--rewrite", "--record", utf8(&path)];
    let words = [&record[..], &["python3 server.py", "python3 client.py 127.0.0.1"]].concat();
    let (out, err, code) = ended(explore(&words).current_dir(folder.path()));
    if code == Some(3) {
        eprintln!("skipped: {err}");
        return;
    }
    assert_eq!((err.as_str(), code), ("", Some(0)), "{out}");
    let out = out.replace('\n', " ");
    assert!(out.contains("led over the wire: the kernel got 10.9.0.2:5000."), "{out}");
    let recording = recordings(&path).pop().expect("one run");
    let carried = frames(&recording).iter().filter(|one| one.layers.payload_bytes > 0).count();
    assert_eq!(carried, 2, "hello, and HELLO");
}

#[test]
fn a_broadcast_goes_to_all_programs_and_to_no_other() {
    let Some(_) = require("python3") else { return };
    let folder = folder();
    let listen = "import socket
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
    one.bind(('', 5000))
    print(one.recvfrom(100)[0])
";
    let send = "import socket
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
    one.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    one.sendto(b'who is there?', ('10.9.0.255', 5000))
";
    file(&folder, "listen.py", listen);
    file(&folder, "send.py", send);
    let options = ["trace", "--wire", "--view", "ladder", "--width", "120"];
    let programs = ["a=python3 listen.py", "b=python3 listen.py", "asks=python3 send.py"];
    let words = [&options[..], &programs].concat();
    let (out, err, code) = ended(explore(&words).current_dir(folder.path()));
    if code == Some(3) {
        eprintln!("skipped: {err}");
        return;
    }
    assert_eq!((err.as_str(), code), ("", Some(0)), "{out}");
    let heading = out.lines().find(|row| row.contains("process")).expect("the lanes' names");
    assert_eq!(heading.matches("process").count(), 3, "{out}");
    assert!(!heading.contains("server") && !heading.contains("10.9.0.255"), "{out}");
    let frames = out.lines().filter(|row| row.contains("UDP ") && row.contains("who is there?"));
    let arrows: usize = frames.map(|row| row.matches(['▶', '◀']).count()).sum();
    assert_eq!(arrows, 2, "{out}");
}
