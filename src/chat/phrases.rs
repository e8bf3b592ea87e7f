//! What the chat says: every word of it that somebody reads, but for how it ended (`outcome.rs`). The first four are the notes' own, and stay as they are
//! in every language, for learners compare them with their notes.

use std::fmt::Display;
use std::io;
use std::time::Duration;

use crate::capture::sys;
use crate::i18n::{self, error_text, tr};

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
pub fn connected_to(address: &impl Display) -> String {
    tr!("connected to: {address}", address)
}

/// The kernel chose the port.
#[must_use]
pub fn listening_at(address: &impl Display) -> String {
    tr!("listening at: {address}", address)
}

/// The server can be reached from elsewhere.
#[must_use]
pub fn not_only_here(address: &impl Display) -> String {
    tr!(
        "warning: {address} can be reached from other machines, and this chat is neither encrypted nor authenticated: \
         anyone on the way can read it and write into it",
        address
    )
}

// ---- errors: what failed, on which address, and what to do ----

/// An address is written in one of four ways.
#[must_use]
pub fn no_address(text: &str) -> String {
    tr!("`{text}` is no address: write HOST:PORT, [::1]:PORT, unix:/path or unix:@name", text)
}

/// Colons would be ambiguous.
#[must_use]
pub fn without_brackets(text: &str) -> String {
    tr!("`{text}`: an IPv6 address stands in brackets, as in [::1]:21567", text)
}

/// Abstract names are Linux's.
#[must_use]
pub fn only_on_linux(text: &str) -> String {
    tr!("`{text}`: only Linux has such names; write unix:/path", text)
}

/// Port 0 lets the kernel choose, and so nobody can call it.
#[must_use]
pub fn port_zero(address: &impl Display) -> String {
    tr!(
        "`{address}`: nobody can be called at port 0; name the port that the server listens at",
        address
    )
}

/// What the peer says goes to standard output, and nothing else does.
#[must_use]
pub fn record_to_a_file() -> String {
    tr!("--record -: a chat's standard output is what the peer says; name a file to record to")
        .to_owned()
}

/// A name was found, and nothing behind it.
#[must_use]
pub fn name_without_address() -> &'static str {
    tr!("the name has no address")
}

/// Nothing has come of an attempt to connect.
#[must_use]
pub fn no_answer(patience: Duration) -> String {
    tr!("no answer in {patience} s", patience = patience.as_secs_f32())
}

/// The terminal does not do as it is told.
#[must_use]
pub fn terminal(error: &io::Error) -> String {
    tr!(
        "the terminal: {says}; without one, as in `explore chat | cat`, the chat reads lines and prints lines",
        says = kernel_says(error)
    )
}

/// The system has no poll(2).
#[must_use]
pub fn no_poll() -> String {
    tr!("this system cannot wait for a keyboard and a socket at once; choose --style threads")
        .to_owned()
}

/// The kernel's answer in words, and by its name.
#[must_use]
pub fn kernel_says(error: &io::Error) -> String {
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
