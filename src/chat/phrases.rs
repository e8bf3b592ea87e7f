//! What the chat says: every word of it that somebody reads, in one place. The first four are the notes' own.

use std::fmt::Display;
use std::io;
use std::time::Duration;

use super::Parted;
use super::address::Address;
use super::meeting::{Doing, Missed};
use crate::lab::kernel;

// ---- the notes' words ----

/// The server listens.
#[must_use]
pub fn waiting() -> String {
    "waiting for connection...".to_owned()
}

/// The server has taken a call.
#[must_use]
pub fn connected_from(address: &impl Display) -> String {
    format!("connected from: {address}")
}

/// What a person is asked with.
#[must_use]
pub fn prompt() -> &'static str {
    "send message> "
}

/// What stands before a message: who said it.
#[must_use]
pub fn label(peer: &str) -> String {
    format!("{peer}: ")
}

// ---- on the way to a talk ----

/// The client has been taken.
#[must_use]
pub fn connected_to(address: &Address) -> String {
    format!("connected to: {address}")
}

/// The kernel chose the port.
#[must_use]
pub fn listening_at(address: &impl Display) -> String {
    format!("listening at: {address}")
}

/// The server can be reached from elsewhere.
#[must_use]
pub fn not_only_here(address: &Address) -> String {
    format!(
        "warning: {address} can be reached from other machines, and this chat is neither encrypted nor authenticated: \
         anyone on the way can read it and write into it"
    )
}

/// An attempt to connect has failed, and there will be another.
#[must_use]
pub fn again(missed: &Missed, pause: Duration) -> String {
    format!("{missed}; again in {} s", pause.as_secs_f32())
}

/// What the trace says about the pause.
#[must_use]
pub fn before_calling_again() -> &'static str {
    "before calling again"
}

// ---- errors: what failed, on which address, and what to do ----

/// An address is written in one of four ways.
#[must_use]
pub fn no_address(text: &str) -> String {
    format!("`{text}` is no address: write HOST:PORT, [::1]:PORT, unix:/path or unix:@name")
}

/// Colons would be ambiguous.
#[must_use]
pub fn without_brackets(text: &str) -> String {
    format!("`{text}`: an IPv6 address stands in brackets, as in [::1]:21567")
}

/// Abstract names are Linux's.
#[must_use]
pub fn only_on_linux(text: &str) -> String {
    format!("`{text}`: only Linux has such names; write unix:/path")
}

/// Port 0 lets the kernel choose, and so nobody can call it.
#[must_use]
pub fn port_zero(address: &Address) -> String {
    format!("`{address}`: nobody can be called at port 0; name the port that the server listens at")
}

/// What the peer says goes to standard output, and nothing else does.
#[must_use]
pub fn record_to_a_file() -> String {
    "--record -: a chat's standard output is what the peer says; name a file to record to".to_owned()
}

/// Nothing has come of an attempt to connect.
#[must_use]
pub fn no_answer(patience: Duration) -> String {
    format!("no answer in {} s", patience.as_secs_f32())
}

/// The terminal does not do as it is told.
#[must_use]
pub fn terminal(error: &io::Error) -> String {
    format!("the terminal: {}; without one, as in `explore chat | cat`, the chat reads lines and prints lines", kernel_says(error))
}

/// The system has no poll(2).
#[must_use]
pub fn no_poll() -> String {
    "this system cannot wait for a keyboard and a socket at once; choose --style threads".to_owned()
}

/// Why the two did not meet.
#[must_use]
pub fn missed(missed: &Missed) -> String {
    let Missed { doing, address, error, .. } = missed;
    let doing = match doing {
        Doing::LookUp => "look up",
        Doing::Listen => "listen at",
        Doing::Accept => "accept a call at",
        Doing::Connect => "connect to",
    };
    let what_failed = format!("{doing} {address}: {}", kernel_says(error));
    match remedy(missed) {
        Some(remedy) => format!("{what_failed}: {remedy}"),
        None => what_failed,
    }
}

/// What would help.
fn remedy(missed: &Missed) -> Option<String> {
    let Missed { doing, address, error, not_a_socket } = missed;
    let in_files = matches!(address, Address::Unix(_));
    let remedy = match (doing, &*kernel::error_name(error)) {
        (_, "EADDRINUSE" | "ECONNREFUSED") if *not_a_socket => "what is there is no socket; choose another path",
        (Doing::LookUp, _) if matches!(address, Address::Inet(_)) => "check the name, or write the number",
        (Doing::LookUp, _) => "choose a shorter name: about 100 bytes are all that an address has room for (unix(7))",
        (Doing::Listen, "EADDRINUSE") => {
            return Some(format!("somebody listens there; join with `explore chat client --address {address}`, or choose another address"));
        }
        (Doing::Listen, "EADDRNOTAVAIL") => "this machine has no such address; listen at one of its own",
        (Doing::Listen, "EACCES") if !in_files => "ports below 1024 are for privileged programs; choose a higher one",
        (Doing::Listen, "EACCES" | "EPERM" | "EROFS") if in_files => "no file may be made there; choose another folder",
        (Doing::Listen, "ENOENT") => "the folder is not there; make it first",
        (_, "ENOTDIR") => "a part of the path is no folder; choose another path",
        (Doing::Connect, "ECONNREFUSED" | "ENOENT") => {
            return Some(format!(
                "nobody takes calls there (any more); start `explore chat server --address {address}` first, \
                 or try for longer with --retries"
            ));
        }
        (Doing::Connect, "EAGAIN") => "too many others are waiting there already; try again with --retries",
        (Doing::Connect, "EACCES" | "EPERM") if in_files => "the file's owner lets nobody else in; ask for write permission",
        (Doing::Connect, "EPROTOTYPE") => "a socket of another type is there; choose another path",
        (Doing::Connect, "ENETUNREACH" | "EHOSTUNREACH") => "no way leads there from this machine; check the address and the network",
        (Doing::Connect, _) if error.kind() == io::ErrorKind::TimedOut => {
            "check the address, and whether a firewall is in the way; or wait longer with --timeout"
        }
        (_, "EAFNOSUPPORT" | "EADDRNOTAVAIL") => "this machine cannot use such an address; choose another, as 127.0.0.1:21567",
        (_, "EMFILE" | "ENFILE") => "too many files are open; raise the limit with `ulimit -n`, or close some programs",
        _ => return None,
    };
    Some(remedy.to_owned())
}

/// The kernel's answer in words, and by its name.
fn kernel_says(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(_) => format!("{error} [{}]", kernel::error_name(error)),
        // It is somebody else's answer: getaddrinfo(3)'s, or ours.
        None => error.to_string(),
    }
}

// ---- the end ----

/// How a talk ended.
#[must_use]
pub fn parted(parted: &Parted, address: &Address) -> String {
    let Parted::Broken(call, error) = parted else {
        return match parted {
            Parted::PeerLeft => "the peer has left, and the chat has ended",
            _ => "the chat has ended",
        }
        .to_owned();
    };
    let (what, remedy) = match (*call, error.kind()) {
        ("read", _) => ("what is typed cannot be read", "check standard input"),
        ("write", _) => ("what the peer says cannot be shown", "check standard output"),
        (_, io::ErrorKind::ConnectionReset) => ("the peer has broken the connection", "to go on talking, meet again"),
        (_, io::ErrorKind::BrokenPipe) => ("the peer takes no more", "to go on talking, meet again"),
        _ => ("the connection has failed", "check the network, and meet again"),
    };
    format!("{what}: {call}, {address}: {}; {remedy}", kernel_says(error))
}
