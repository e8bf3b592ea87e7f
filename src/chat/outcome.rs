//! How a chat ends: why there was no connection, or why the talk ended, with the sentences for both.

use std::fmt;
use std::io;
use std::time::Duration;

use super::address::Address;
use crate::capture::sys;
use crate::i18n::{self, command, error_text, tr};

/// Why there is no connection: what failed, at which address, and what the kernel answered.
#[derive(Debug)]
pub struct ConnectError {
    /// What failed.
    pub phase: Phase,
    /// The address that the user gave.
    pub address: Address,
    /// The kernel's error.
    pub error: io::Error,
    /// Whether the address is the path of a file that is not a socket.
    pub not_a_socket: bool,
}

/// The steps on the way to a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Turning the address into one that the kernel takes.
    LookUp,
    /// socket, bind and listen.
    Listen,
    /// accept.
    Accept,
    /// connect.
    Connect,
}

impl ConnectError {
    /// For `map_err`: `.map_err(ConnectError::during(Phase::Connect, address))`.
    pub fn during(phase: Phase, address: &Address) -> impl FnOnce(io::Error) -> ConnectError {
        move |error| {
            let not_a_socket = matches!(address, Address::Unix(path) if path.exists() && !sys::is_socket_file(path));
            ConnectError { phase, address: address.clone(), error, not_a_socket }
        }
    }

    /// Whether nobody listens there. In AF_UNIX the file may be missing altogether.
    pub fn is_refusal(&self) -> bool {
        matches!(self.error.kind(), io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound)
            && !self.not_a_socket
    }
}

impl std::error::Error for ConnectError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}

impl fmt::Display for ConnectError {
    /// What failed, where, and what would help.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what_failed = what_failed(self);
        f.write_str(&match remedy(self) {
            Some(remedy) => tr!("{what_failed}: {remedy}", what_failed, remedy),
            None => what_failed,
        })
    }
}

/// The sentence for a failed attempt to connect that will be retried. It has no remedy: that follows after the last attempt.
pub fn retrying(error: &ConnectError, pause: Duration) -> String {
    let what_failed = what_failed(error);
    tr!("{what_failed}; again in {pause} s", what_failed, pause = pause.as_secs_f32())
}

/// What failed, at which address, and the kernel's error.
fn what_failed(error: &ConnectError) -> String {
    let ConnectError { phase, address, error, .. } = error;
    let says = kernel_says(error);
    match phase {
        Phase::LookUp => tr!("look up {address}: {says}", address, says),
        Phase::Listen => tr!("listen at {address}: {says}", address, says),
        Phase::Accept => {
            tr!("accept a connection at {address}: {says}", address, says)
        }
        Phase::Connect => tr!("connect to {address}: {says}", address, says),
    }
}

/// What would help.
fn remedy(error: &ConnectError) -> Option<String> {
    let ConnectError { phase, address, error, not_a_socket } = error;
    let in_files = matches!(address, Address::Unix(_));
    let name = sys::error_name(error);
    let remedy = match (phase, name.strip_prefix("WSA").unwrap_or(&name)) {
        (_, "EADDRINUSE" | "ECONNREFUSED") if *not_a_socket => {
            tr!("the file there is not a socket; choose another path")
        }
        (Phase::LookUp, _) if matches!(address, Address::Zoned { .. }) => {
            tr!("`ip link` shows the interfaces; write the name of one, or its number")
        }
        (Phase::LookUp, _) if matches!(address, Address::Inet(_)) => {
            tr!("check the name, or write the numeric address")
        }
        (Phase::LookUp, _) => {
            tr!("choose a shorter name: an address has room for about 100 bytes (unix(7))")
        }
        (Phase::Listen, "EADDRINUSE") => {
            return Some(tr!(
                "a server already listens there; join it with `{join}`, or choose another address",
                join = command(&format!("chat client --address {address}"))
            ));
        }
        (Phase::Listen, "EADDRNOTAVAIL") => {
            tr!("this machine has no such address; listen at one of its own")
        }
        // A server there that has set SO_EXCLUSIVEADDRUSE, or a range of ports that Windows keeps for something else.
        (Phase::Listen, "EACCES") if !in_files && cfg!(windows) => {
            tr!("another program holds this port, or Windows keeps it; choose another one")
        }
        (Phase::Listen, "EACCES") if !in_files => {
            tr!("ports below 1024 need privileges; choose a higher one")
        }
        (Phase::Listen, "EACCES" | "EPERM" | "EROFS") if in_files => {
            tr!("files cannot be created there; choose another folder")
        }
        (Phase::Listen, "ENOENT") => {
            tr!("the folder does not exist; create it first")
        }
        (_, "ENOTDIR") => tr!("part of the path is not a folder; choose another path"),
        (Phase::Connect, _)
            if matches!(
                error.kind(),
                io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound
            ) =>
        {
            return Some(no_server(address));
        }
        (Phase::Connect, "EAGAIN") => {
            tr!("the server's queue is full; try again with --retries")
        }
        (Phase::Connect, "EACCES" | "EPERM") if in_files => {
            tr!("the file's permissions forbid it; ask its owner for write permission")
        }
        (Phase::Connect, "EPROTOTYPE") => {
            tr!("a socket of another type is there; choose another path")
        }
        (Phase::Connect, "ENETUNREACH" | "EHOSTUNREACH") => {
            tr!("this machine has no route there; check the address and the network")
        }
        (Phase::Connect, _) if error.kind() == io::ErrorKind::TimedOut => tr!(
            "check the address, and whether a firewall is in the way; or wait longer with --timeout"
        ),
        (_, "EAFNOSUPPORT" | "EADDRNOTAVAIL") => {
            tr!("this machine cannot use such an address; choose another, such as 127.0.0.1:21567")
        }
        (_, "EMFILE" | "ENFILE") => {
            tr!("too many files are open; raise the limit with `ulimit -n`, or close some programs")
        }
        _ => return None,
    };
    Some(remedy.to_owned())
}

fn no_server(address: &Address) -> String {
    tr!(
        "no server listens there; start `{start}` first, or try for longer with --retries",
        start = command(&format!("chat server --address {address}"))
    )
}

/// Why a talk ended.
#[derive(Debug)]
pub enum EndReason {
    /// Both sides have finished, or our user left.
    Ended,
    /// The peer ended its stream. At a terminal that ends the chat.
    PeerLeft,
    /// Our output has no reader (`| head`).
    OutputClosed,
    /// The connection, the keyboard or the screen failed: the call, and the kernel's error.
    Broken(&'static str, io::Error),
}

impl EndReason {
    /// For `map_err`: `.map_err(EndReason::broken("send"))`.
    pub fn broken(call: &'static str) -> impl FnOnce(io::Error) -> EndReason {
        move |error| EndReason::Broken(call, error)
    }
}

/// Says why a talk ended.
pub fn ended(reason: &EndReason, address: &Address) -> String {
    let EndReason::Broken(call, error) = reason else {
        return match reason {
            EndReason::PeerLeft => {
                tr!("the peer has left, and the chat has ended")
            }
            _ => tr!("the chat has ended"),
        }
        .to_owned();
    };
    let (what, remedy) = match (*call, error.kind()) {
        ("read", _) => (tr!("the input cannot be read"), tr!("check standard input")),
        ("write", _) => (tr!("the output cannot be written"), tr!("check standard output")),
        (_, io::ErrorKind::ConnectionReset) => {
            (tr!("the peer has reset the connection"), tr!("to go on, connect again"))
        }
        (_, io::ErrorKind::BrokenPipe) => {
            (tr!("the peer no longer receives"), tr!("to go on, connect again"))
        }
        _ => (tr!("the connection has failed"), tr!("check the network and connect again")),
    };
    let says = kernel_says(error);
    tr!("{what}: {call}, {address}: {says}; {remedy}", what, call, address, says, remedy)
}

/// The kernel's error in words, and its name.
pub(super) fn kernel_says(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(_) => format!("{} [{}]", error_text(error), sys::error_name(error)),
        // An error of our own, or of the standard library: `failed to lookup address information: ` and getaddrinfo(3)'s text.
        None => {
            let text = error_text(error);
            let known =
                text.split_once(": ").and_then(|(what, _)| i18n::find(Some("system"), what));
            known.map_or(text, str::to_owned)
        }
    }
}
