//! The trace that joins another.

use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixStream};
use std::sync::mpsc::{Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};

use super::{Greeting, JoinError, Running};
use crate::capture::sys;
use crate::trace::recording::{Header, LONGEST_LINE};

/// A trace that says nothing for so long is taken to be stopped (Ctrl-Z).
const PATIENCE: Duration = Duration::from_secs(5);
/// What the names of all traces begin with.
const PREFIX: &str = "explore-trace";
/// The flag of a socket that listens, in /proc/net/unix (`__SO_ACCEPTCON`).
const LISTENS: &str = "00010000";

/// The answer to a recording that has come whole.
pub(super) const TAKEN: &[u8] = b"taken\n";

/// The name at which a trace listens.
pub(super) fn name_of(user: u32, process: u32) -> String {
    format!("{PREFIX}/{user}/{process}")
}

/// True if the other end was opened by a process of our own user.
pub(super) fn is_same_user(stream: &UnixStream) -> bool {
    let user = nix::unistd::geteuid().as_raw();
    getsockopt(stream, PeerCredentials).is_ok_and(|peer| peer.uid() == user)
}

/// Reads a line of at most [`LONGEST_LINE`] bytes, and returns it without its end; `None` after the last.
pub(super) fn read_line(from: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    from.take(LONGEST_LINE).read_until(b'\n', &mut line)?;
    match line.pop() {
        Some(b'\n') => Ok(Some(line)),
        None => Ok(None),
        Some(_) => Err(io::ErrorKind::InvalidData.into()), // too long, or cut off
    }
}

/// A connection to the trace that was joined. Lines wait here until it takes them: the program that is traced does not.
#[derive(Debug)]
pub struct Connection {
    process: u32,
    from: BufReader<UnixStream>,
    lines: Sender<Vec<u8>>,
    writer: JoinHandle<io::Result<()>>,
}

impl Connection {
    /// Joins the trace in this process, or the only one that runs. Returns the header of its recording too.
    pub fn open(which: Option<u32>) -> Result<(Connection, Header), JoinError> {
        let (process, stream) = find(which)?;
        let mut from = BufReader::new(stream.try_clone().map_err(JoinError::Io)?);
        stream.set_read_timeout(Some(PATIENCE)).map_err(JoinError::Io)?;
        let line = read_line(&mut from).map_err(|error| match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => JoinError::NoAnswer(process),
            io::ErrorKind::InvalidData => JoinError::OtherVersion(process),
            _ => JoinError::Io(error),
        })?;
        let line = line.ok_or(JoinError::NoTrace)?; // it has just ended
        stream.set_read_timeout(None).map_err(JoinError::Io)?;
        let header = match serde_json::from_slice(&line) {
            Ok(Greeting::Header(header)) => header,
            Ok(Greeting::Refused(why)) => return Err(JoinError::Refused(process, why)),
            Err(_) => return Err(JoinError::OtherVersion(process)),
        };
        let (Some(ours), Some(theirs)) = (sys::start(0), &header.start) else {
            return Err(JoinError::OtherVersion(process));
        };
        ours.compare(theirs).map_err(|why| JoinError::Mismatch(process, why))?;
        let (lines, waiting) = channel::<Vec<u8>>();
        let write = move || {
            let mut to = io::BufWriter::new(stream);
            for line in waiting {
                to.write_all(&line)?;
                to.write_all(b"\n")?;
                to.flush()?;
            }
            Ok(())
        };
        let writer = thread::Builder::new().name("join".to_owned()).spawn(write);
        let writer = writer.map_err(JoinError::Io)?;
        Ok((Connection { process, from, lines, writer }, header))
    }

    /// The process of the trace that was joined.
    pub fn process(&self) -> u32 {
        self.process
    }

    /// Sends a line of our recording. One that nobody takes any more is lost, as [`Connection::finish`] tells.
    pub fn send(&self, line: Vec<u8>) {
        let _ = self.lines.send(line);
    }

    /// Waits until all lines have been taken; false if the other trace ended before.
    pub fn finish(self) -> bool {
        let Connection { mut from, lines, writer, .. } = self;
        drop(lines);
        let is_written = writer.join().is_ok_and(|written| written.is_ok());
        let answer = read_line(&mut from).ok().flatten();
        is_written && answer.is_some_and(|line| TAKEN.strip_suffix(b"\n") == Some(&line))
    }
}

/// A connection to the trace in this process, or to the only one that runs.
fn find(which: Option<u32>) -> Result<(u32, UnixStream), JoinError> {
    let user = nix::unistd::geteuid().as_raw();
    let table = fs::read_to_string("/proc/net/unix").map_err(JoinError::Io)?;
    let all = traces(&table);
    let wanted = |process: u32| which.is_none_or(|which| which == process);
    let mut own: Vec<(u32, UnixStream)> = all
        .iter()
        .filter(|(owner, process)| *owner == user && wanted(*process))
        .filter_map(|(owner, process)| {
            let address = SocketAddr::from_abstract_name(name_of(*owner, *process)).ok()?;
            let stream = UnixStream::connect_addr(&address).ok()?;
            is_same_user(&stream).then_some((*process, stream))
        })
        .collect();
    match (own.pop(), own.as_slice()) {
        (Some(only), []) => Ok(only),
        (Some(last), _) => {
            let mut processes: Vec<u32> = own.iter().map(|(process, _)| *process).collect();
            processes.push(last.0);
            processes.sort_unstable();
            Err(JoinError::Several(processes.into_iter().map(running).collect()))
        }
        (None, _) => Err(match (which, all.iter().find(|(_, process)| wanted(*process))) {
            (_, Some((owner, process))) if *owner != user => JoinError::OtherUser(*process),
            (Some(process), _) => JoinError::NotThis(process),
            (None, _) => JoinError::NoTrace,
        }),
    }
}

/// The traces in a table of Unix sockets (proc_net(5)): user and process of each.
fn traces(table: &str) -> Vec<(u32, u32)> {
    let parsed = table.lines().filter_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [_, _, _, LISTENS, .., name] = words.as_slice() else { return None };
        let (user, process) =
            name.strip_prefix('@')?.strip_prefix(PREFIX)?.strip_prefix('/')?.split_once('/')?;
        Some((user.parse().ok()?, process.parse().ok()?))
    });
    parsed.collect()
}

/// A trace, with what was typed to start it.
fn running(process: u32) -> Running {
    let text = fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
    let words = text.split(|byte| *byte == 0).filter(|word| !word.is_empty());
    let words: Vec<_> = words.skip(1).map(String::from_utf8_lossy).collect();
    Running { process, command: words.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traces_are_found_among_all_unix_sockets() {
        let table = "Num       RefCount Protocol Flags    Type St Inode Path
0000000000000000: 00000002 00000000 00010000 0001 01 31415 @explore-trace/1000/77
0000000000000000: 00000003 00000000 00000000 0001 03 31416 @explore-trace/1000/77
0000000000000000: 00000002 00000000 00010000 0001 01 31417 @explore-trace/1000/x
0000000000000000: 00000002 00000000 00010000 0001 01 31418 @explore-trace/0/8
0000000000000000: 00000002 00000000 00010000 0001 01 31419 /run/explore-trace/0/9
0000000000000000: 00000003 00000000 00000000 0001 03 31420
";
        assert_eq!(traces(table), [(1000, 77), (0, 8)]);
    }
}
