//! The chat with files and pipes instead of people. Some peers are plain sockets, so that they can misbehave. No test waits a fixed
//! time for something to be ready, or expects something to be fast.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{ChildStdin, ChildStdout, Output, Stdio};

use socket2::{Domain, SockAddr, Socket, Type};

use crate::support::{self, ChildGuard};

mod connect;
mod ends;
mod peers;
mod talk;

const STYLES: [&str; 3] = ["threads", "turns", "poll"];

/// One side, with pipes for keyboard and screen.
struct Side {
    child: ChildGuard,
    notes: BufReader<std::process::ChildStderr>,
}

impl Side {
    fn start(args: &[&str]) -> Side {
        let mut command = support::explore(&["chat"]);
        command
            .args(args)
            .env("LC_ALL", "C.UTF-8")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = ChildGuard::spawn(&mut command);
        let notes = BufReader::new(child.stderr.take().expect("piped"));
        Side { child, notes }
    }

    /// A server that listens, and where.
    fn server(address: &str, args: &[&str]) -> (Side, String) {
        let mut side = Side::start(&[&["server", "--address", address], args].concat());
        let mut at = address.to_owned();
        loop {
            let note = side.note();
            if let Some(told) = note.strip_prefix("listening at: ") {
                told.clone_into(&mut at);
            } else if note == "waiting for connection..." {
                return (side, at);
            }
        }
    }

    fn client(address: &str, args: &[&str]) -> Side {
        Side::start(&[&["client", "--address", address], args].concat())
    }

    /// The next line that the chat says itself.
    fn note(&mut self) -> String {
        let mut line = String::new();
        assert!(self.notes.read_line(&mut line).expect("UTF-8") > 0, "it has ended without a word");
        line.trim_end().to_owned()
    }

    fn stdin(&mut self) -> &mut ChildStdin {
        self.child.stdin.as_mut().expect("piped")
    }

    fn stdout(&mut self) -> &mut ChildStdout {
        self.child.stdout.as_mut().expect("piped")
    }

    fn types(&mut self, text: &str) {
        self.stdin().write_all(text.as_bytes()).expect("it reads");
    }

    /// Reads until this has been shown.
    fn shows(&mut self, text: &str) {
        let mut seen = Vec::new();
        let mut byte = [0];
        while !seen.ends_with(text.as_bytes()) {
            assert_eq!(
                self.stdout().read(&mut byte).expect("read"),
                1,
                "it ended after {:?}",
                String::from_utf8_lossy(&seen)
            );
            seen.push(byte[0]);
        }
    }

    fn kill(mut self) {
        self.child.kill().expect("SIGKILL");
        self.wait();
    }

    /// Ends what it types; then what it showed and said, and its exit code.
    fn end(mut self) -> (String, String, Option<i32>) {
        drop(self.child.stdin.take());
        self.wait()
    }

    fn wait(mut self) -> (String, String, Option<i32>) {
        let input = self.child.stdin.take();
        let mut notes = String::new();
        let reading = std::thread::spawn(move || {
            let _ = self.notes.read_to_string(&mut notes);
            notes
        });
        let Output { status, stdout, .. } = self.child.output();
        drop(input);
        (String::from_utf8(stdout).expect("UTF-8"), reading.join().expect("notes"), status.code())
    }
}

type Ended = (String, String, Option<i32>);

/// Neither types any more; each goes on listening until the other has ended.
fn end_both(mut one: Side, mut other: Side) -> (Ended, Ended) {
    drop(one.child.stdin.take());
    drop(other.child.stdin.take());
    (one.wait(), other.wait())
}

fn path(name: &str) -> PathBuf {
    let path = PathBuf::from("/tmp").join(format!("explore-test-{}-{name}", std::process::id()));
    let _ = std::fs::remove_file(&path);
    path
}

/// An address of each family that this machine has; the kernel chooses the ports.
fn addresses(name: &str) -> Vec<String> {
    let mut addresses = vec!["127.0.0.1:0".to_owned(), format!("unix:{}", path(name).display())];
    if has_ipv6() {
        addresses.push("[::1]:0".to_owned());
    } else {
        println!("not tried: [::1], which this machine does not have");
    }
    if cfg!(target_os = "linux") {
        addresses.push(format!("unix:@explore-test-{}-{name}", std::process::id()));
    }
    addresses
}

/// The most memory that the chat has had at once, in kB, without the pages of its program file: how many of those the
/// kernel maps differs from machine to machine, and a debug build has more than 40 MB of them (proc_pid_status(5)).
fn peak(side: &Side) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", side.child.id())).ok()?;
    let kilobytes = |name| {
        let row = status.lines().find_map(|line| line.strip_prefix(name))?;
        row.trim().trim_end_matches(" kB").parse::<u64>().ok()
    };
    Some(kilobytes("VmHWM:")?.saturating_sub(kilobytes("RssFile:")?))
}

/// A plain socket, connected to a server of ours.
fn peer(at: &str) -> Socket {
    let to: SockAddr = match at.strip_prefix("unix:") {
        Some(name) => SockAddr::unix(name.replace('@', "\0")).expect("short"),
        None => at.parse::<std::net::SocketAddr>().expect("an address").into(),
    };
    let socket = Socket::new(to.domain(), Type::STREAM, None).expect("socket");
    socket.connect(&to).expect("it listens");
    socket
}

fn has_ipv6() -> bool {
    let any: std::net::SocketAddr = "[::1]:0".parse().expect("an address");
    Socket::new(Domain::IPV6, Type::STREAM, None)
        .and_then(|socket| socket.bind(&any.into()))
        .is_ok()
}
