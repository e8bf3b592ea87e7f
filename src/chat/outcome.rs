//! How a chat came out: why the two did not meet, how their talk ended, and what is said of either.

use std::fmt;
use std::io;
use std::time::Duration;

use super::address::{Address, is_socket};
use crate::capture::sys;
use crate::i18n::{self, error_text, tr};

/// Why the two did not meet: what was tried, where, and what the kernel answered.
#[derive(Debug)]
pub struct Missed {
    /// What was tried.
    pub doing: Doing,
    /// Where.
    pub address: Address,
    /// The kernel's answer.
    pub error: io::Error,
    /// Whether something stands at the path that is no socket.
    pub not_a_socket: bool,
}

/// What was tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doing {
    /// Finding the kernel's address for what was written.
    LookUp,
    /// Listening.
    Listen,
    /// Taking a call.
    Accept,
    /// Calling.
    Connect,
}

impl Missed {
    /// Says where: `.map_err(Missed::when(Doing::Connect, address))`.
    pub fn when(doing: Doing, address: &Address) -> impl FnOnce(io::Error) -> Missed {
        move |error| {
            let not_a_socket =
                matches!(address, Address::Unix(path) if path.exists() && !is_socket(path));
            Missed { doing, address: address.clone(), error, not_a_socket }
        }
    }

    /// Whether nobody listens there; in AF_UNIX perhaps not even the file is there.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        matches!(self.error.kind(), io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound)
            && !self.not_a_socket
    }
}

impl fmt::Display for Missed {
    /// What failed, where, and what would help.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&missed(self))
    }
}

/// An attempt to connect has failed, and there will be another.
#[must_use]
pub fn again(missed: &Missed, pause: Duration) -> String {
    // What would help is said once, when there are no more attempts.
    let what_failed = what_failed(missed);
    tr!("{what_failed}; again in {pause} s", what_failed, pause = pause.as_secs_f32())
}

/// Why the two did not meet.
fn missed(missed: &Missed) -> String {
    let what_failed = what_failed(missed);
    match remedy(missed) {
        Some(remedy) => tr!("{what_failed}: {remedy}", what_failed, remedy),
        None => what_failed,
    }
}

/// What was tried, where, and the kernel's answer.
fn what_failed(missed: &Missed) -> String {
    let Missed { doing, address, error, .. } = missed;
    let says = kernel_says(error);
    match doing {
        Doing::LookUp => tr!("look up {address}: {says}", address, says),
        Doing::Listen => tr!("listen at {address}: {says}", address, says),
        Doing::Accept => {
            tr!("accept a call at {address}: {says}", address, says)
        }
        Doing::Connect => tr!("connect to {address}: {says}", address, says),
    }
}

/// What would help.
fn remedy(missed: &Missed) -> Option<String> {
    let Missed { doing, address, error, not_a_socket } = missed;
    let in_files = matches!(address, Address::Unix(_));
    let remedy = match (doing, &*sys::error_name(error)) {
        (_, "EADDRINUSE" | "ECONNREFUSED") if *not_a_socket => {
            tr!("what is there is no socket; choose another path")
        }
        (Doing::LookUp, _) if matches!(address, Address::Inet(_)) => {
            tr!("check the name, or write the number")
        }
        (Doing::LookUp, _) => tr!(
            "choose a shorter name: about 100 bytes are all that an address has room for (unix(7))"
        ),
        (Doing::Listen, "EADDRINUSE") => {
            return Some(tr!(
                "somebody listens there; join with `explore chat client --address {address}`, or choose another address",
                address
            ));
        }
        (Doing::Listen, "EADDRNOTAVAIL") => {
            tr!("this machine has no such address; listen at one of its own")
        }
        (Doing::Listen, "EACCES") if !in_files => {
            tr!("ports below 1024 are for privileged programs; choose a higher one")
        }
        (Doing::Listen, "EACCES" | "EPERM" | "EROFS") if in_files => {
            tr!("no file may be made there; choose another folder")
        }
        (Doing::Listen, "ENOENT") => {
            tr!("the folder is not there; make it first")
        }
        (_, "ENOTDIR") => tr!("a part of the path is no folder; choose another path"),
        (Doing::Connect, "ECONNREFUSED" | "ENOENT") => {
            return Some(tr!(
                "nobody takes calls there (any more); start `explore chat server --address {address}` first, \
                 or try for longer with --retries",
                address
            ));
        }
        (Doing::Connect, "EAGAIN") => {
            tr!("too many others are waiting there already; try again with --retries")
        }
        (Doing::Connect, "EACCES" | "EPERM") if in_files => {
            tr!("the file's owner lets nobody else in; ask for write permission")
        }
        (Doing::Connect, "EPROTOTYPE") => {
            tr!("a socket of another type is there; choose another path")
        }
        (Doing::Connect, "ENETUNREACH" | "EHOSTUNREACH") => {
            tr!("no way leads there from this machine; check the address and the network")
        }
        (Doing::Connect, _) if error.kind() == io::ErrorKind::TimedOut => tr!(
            "check the address, and whether a firewall is in the way; or wait longer with --timeout"
        ),
        (_, "EAFNOSUPPORT" | "EADDRNOTAVAIL") => {
            tr!("this machine cannot use such an address; choose another, as 127.0.0.1:21567")
        }
        (_, "EMFILE" | "ENFILE") => {
            tr!("too many files are open; raise the limit with `ulimit -n`, or close some programs")
        }
        _ => return None,
    };
    Some(remedy.to_owned())
}

/// How a talk ended.
#[derive(Debug)]
pub enum Parted {
    /// Both have said all; or we left.
    Ended,
    /// The peer ended its stream, and with that the chat.
    PeerLeft,
    /// Nobody reads what we show (`| head`).
    Unread,
    /// The connection broke, or the keyboard or the screen did: which call failed, and what the kernel answered.
    Broken(&'static str, io::Error),
}

impl Parted {
    /// The call that failed: `.map_err(Parted::broken("send"))`.
    pub fn broken(call: &'static str) -> impl FnOnce(io::Error) -> Parted {
        move |error| Parted::Broken(call, error)
    }
}

/// How a talk ended.
#[must_use]
pub fn parted(parted: &Parted, address: &Address) -> String {
    let Parted::Broken(call, error) = parted else {
        return match parted {
            Parted::PeerLeft => {
                tr!("the peer has left, and the chat has ended")
            }
            _ => tr!("the chat has ended"),
        }
        .to_owned();
    };
    let (what, remedy) = match (*call, error.kind()) {
        ("read", _) => (tr!("what is typed cannot be read"), tr!("check standard input")),
        ("write", _) => (tr!("what the peer says cannot be shown"), tr!("check standard output")),
        (_, io::ErrorKind::ConnectionReset) => {
            (tr!("the peer has broken the connection"), tr!("to go on talking, meet again"))
        }
        (_, io::ErrorKind::BrokenPipe) => {
            (tr!("the peer takes no more"), tr!("to go on talking, meet again"))
        }
        _ => (tr!("the connection has failed"), tr!("check the network, and meet again")),
    };
    let says = kernel_says(error);
    tr!("{what}: {call}, {address}: {says}; {remedy}", what, call, address, says, remedy)
}

/// The kernel's answer in words, and by its name.
pub(super) fn kernel_says(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(_) => format!("{} [{}]", error_text(error), sys::error_name(error)),
        // It is ours, or the standard library's: `failed to lookup address information: ` and what getaddrinfo(3) says.
        None => {
            let text = error_text(error);
            let known =
                text.split_once(": ").and_then(|(what, _)| i18n::find(Some("system"), what));
            known.map_or(text, str::to_owned)
        }
    }
}
