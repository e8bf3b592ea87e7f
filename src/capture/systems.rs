//! What other systems do by rules of their own, where a lesson says what Linux does: the claims that are concerned, and where the rule is
//! documented. Microsoft's pages are named by their titles (learn.microsoft.com).
//!
//! An error that is the same under another name is not in here: [`crate::errno::here`] knows those.

use super::{Proof, sys};
use crate::trace::Lack;

/// Where a rule is another one. Wine puts Winsock on top of Linux's TCP and UDP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Windows,
    Wine,
    Both,
    MacOs,
}

impl Place {
    fn is_here(self) -> bool {
        match self {
            Place::Windows => cfg!(windows) && !sys::is_wine(),
            Place::Wine => sys::is_wine(),
            Place::Both => cfg!(windows),
            Place::MacOs => cfg!(target_vendor = "apple"),
        }
    }
}

/// What holds in place of what the lesson says.
#[derive(Clone, Copy, Debug)]
enum Rule {
    /// The call fails with another error: Linux's, and this system's, both by Linux's names.
    Fails(&'static str, &'static str),
    /// Nothing is left of the claim.
    Other,
}

use Place::{Both, MacOs, Windows, Wine};
use Rule::{Fails, Other};

/// An experiment, a claim of it or [`ALL`], and what is otherwise there, by which source.
type Difference = (&'static str, &'static str, Place, Rule, &'static str);

/// The experiment is about nothing else, or would wait for ever.
const ALL: &str = "";

const BSD: &str = "accept(2): the canonical BSD sockets implementation";
const CLOSE: &str =
    "closesocket function (winsock2.h): blocking calls of other threads are canceled";
const CONNECT: &str = "connect function (winsock2.h)";
const DRAIN: &str =
    "xnu, bsd/kern/uipc_socket2.c, sbwait: EBADF when another thread closes the descriptor";
const NO_PEER: &str =
    "xnu, bsd/kern/uipc_socket.c, soshutdown: ENOTCONN for a socket without a peer";
const FULL: &str = "listen function (winsock2.h): a client that finds the queue full is refused";
const REUSE: &str = "Using SO_REUSEADDR and SO_EXCLUSIVEADDRUSE";
const RESET: &str = "send function (winsock2.h), WSAECONNRESET: the socket is no longer usable";
const SHUTDOWN: &str = "shutdown function (winsock2.h): WSAENOTCONN for a socket without a peer, WSAECONNRESET after a reset, \
                        and nothing of calls that wait";
const TICKS: &str = "GetThreadTimes function: counted in ticks of the clock, 15.6 ms";
const UDP: &str =
    "recv function (winsock2.h), WSAECONNRESET: a previous send was answered with Port Unreachable";
const WHEEL: &str = "coarse timers are Linux's (kernel/time/timer.c)";
const WINE: &str = "";

#[rustfmt::skip] // a row a line
const DIFFERENCES: &[Difference] = &[
    // Lesson 1
    ("two-processes", "same-number-other-socket", Both, Other, "Socket Data Type: a handle may be any number"),
    // Lesson 3
    ("an-address-of-another-family", "ipv4-takes-no-ipv6", Wine, Other, WINE),
    ("an-address-of-another-family", "ipv4-takes-no-path", Wine, Other, WINE),
    ("an-address-of-another-family", "unix-takes-no-ipv4", Windows, Fails("EINVAL", "EAFNOSUPPORT"), CONNECT),
    ("an-address-of-another-family", "ipv6-takes-no-ipv4", Windows, Fails("EINVAL", "EFAULT"), CONNECT),
    ("ipv6-client-ipv4-server", "ipv6-udp-takes-ipv4", Both, Other, CONNECT),
    // Lesson 4
    ("datagrams-keep-boundaries", "the-true-length", Both, Other, "recv function (winsock2.h): WSAEMSGSIZE"),
    ("datagrams-keep-boundaries", "the-true-length", MacOs, Other, "recv(2): MSG_TRUNC is no flag of it"),
    ("connect-first", "tcp-connects-first", Windows, Fails("EPIPE", "ENOTCONN"), "send function (winsock2.h)"),
    ("connect-first", "tcp-connects-first", Wine, Other, WINE),
    ("connect-first", "tcp-connects-first", MacOs, Fails("EPIPE", "ENOTCONN"), "send(2)"),
    ("connect-first", "udp-needs-an-address", Windows, Fails("EDESTADDRREQ", "ENOTCONN"), "send function (winsock2.h)"),
    ("connect-first", "udp-needs-an-address", Wine, Other, WINE),
    ("nobody-home", "connected-udp-hears-later", Both, Fails("ECONNREFUSED", "ECONNRESET"), UDP),
    ("nobody-home", "the-next-call-is-told", Both, Other, UDP),
    // Lesson 5
    ("closed-with-its-process", "killed-in-recv", Both, Other, "TerminateProcess function: an exit code, and no signal"),
    // Lesson 6
    ("reuse-address", "new-one-alone-is-too-late", Both, Other, REUSE),
    ("reuse-address", "both-have-set-it", Both, Other, REUSE),
    ("reuse-address", "never-beside-a-listener", Both, Other, REUSE),
    ("read-or-reset", "left-unread-resets", Wine, Other, WINE),
    ("read-or-reset", "after-the-reset-zero", Both, Other, RESET),
    ("read-or-reset", "after-the-reset-epipe", Both, Fails("EPIPE", "ECONNRESET"), RESET),
    ("read-or-reset", "linger-zero-resets", Wine, Other, WINE),
    ("answer-before-the-reset", "then-the-error-then-zero", Both, Other, RESET),
    ("answer-before-the-reset", "send-gets-the-error", Both, Fails("EPIPE", "ECONNRESET"), RESET),
    ("time-wait", "port-is-held", Both, Other, REUSE),
    // Lessons 8 to 10
    ("accept-makes-a-new-one", "accept-makes-a-blocking-one", MacOs, Other, BSD),
    ("would-block", "accepted-starts-out-blocking", MacOs, Other, BSD),
    ("connect-in-progress", "told-once", Wine, Other, WINE),
    ("an-error-in-store", "told-to-one-call-alone", Both, Other, RESET),
    ("long-timeouts", "the-option-is-coarse", Both, Other, WHEEL),
    ("long-timeouts", "the-option-is-coarse", MacOs, Other, WHEEL),
    // Lessons 11 and 12
    ("nobody-answers", ALL, Windows, Other, FULL),
    ("both-waiting", ALL, Both, Other, SHUTDOWN),
    ("two-senders", "the-lines-are-mixed", Wine, Other, WINE),
    ("every-family", "ipv4-socket-stays-in-ipv4", Wine, Other, WINE),
    ("close-or-shutdown", ALL, Both, Other, CLOSE),
    ("close-or-shutdown", ALL, MacOs, Other, DRAIN),
    // Cases
    ("reset-by-peer", "recv-is-reset", Wine, Other, WINE),
    ("reset-by-peer", "told-once", Both, Other, RESET),
    ("end-not-tested", "the-loop-burns-time", Both, Other, TICKS),
    ("linger-zero", "the-peer-is-reset", Wine, Other, WINE),
    ("address-in-use", "nobody-has-it", Both, Other, REUSE),
    ("close-in-another-thread", ALL, MacOs, Other, DRAIN),
    ("shutdown-in-another-thread", ALL, Both, Other, SHUTDOWN),
    ("shutdown-in-another-thread", ALL, MacOs, Other, NO_PEER),
    ("queue-without-accept", ALL, Windows, Other, FULL),
    ("full-both-ways", ALL, Both, Other, SHUTDOWN),
    ("one-server-one-port", "the-second-is-refused", Both, Other, REUSE),
    ("no-other-end", ALL, Wine, Other, WINE),
    ("no-other-end", "a-reset-leaves-no-peer", Windows, Other, SHUTDOWN),
    ("the-accepted-one", "close-is-enough", Windows, Fails("ENOTCONN", "ECONNRESET"), SHUTDOWN),
    ("the-accepted-one", "close-is-enough", Wine, Other, WINE),
    ("datagram-to-nobody", ALL, Wine, Other, WINE),
    ("datagram-to-nobody", "the-next-call-fails", Both, Fails("ECONNREFUSED", "ECONNRESET"), UDP),
    ("the-socket-asks-again", ALL, Wine, Other, WINE),
    ("the-socket-asks-again", "the-socket-is-whole", Both, Fails("ECONNREFUSED", "ECONNRESET"), UDP),
    ("connects-to-itself", "the-server-cannot-start", Both, Other, REUSE),
    ("unix-socket-missing", "no-file", Wine, Other, WINE),
];

fn lack((.., place, _, source): &Difference) -> Lack {
    match place {
        Wine => Lack::Wine,
        _ => Lack::OtherRule { source: (*source).into() },
    }
}

fn here(experiment: &str, claim: &str) -> Option<&'static Difference> {
    DIFFERENCES.iter().find(|it| (it.0, it.1) == (experiment, claim) && it.2.is_here())
}

/// Why nothing of the experiment is to be seen on this system, if that is so.
pub(super) fn nothing_left(experiment: &str) -> Option<Lack> {
    here(experiment, ALL).map(lack)
}

/// The claim as it stands on this system: what is compared, or why there is nothing to compare.
pub(super) fn on_this_system(experiment: &str, claim: &str, proof: Proof) -> Result<Proof, Lack> {
    match here(experiment, claim) {
        None => Ok(proof),
        Some((_, _, _, Fails(linux, other), _)) => Ok(proof.with_error(linux, other)),
        Some(difference) => Err(lack(difference)),
    }
}

/// The names in the table, each experiment with its claim, for a test.
#[cfg(test)]
pub(crate) fn names() -> impl Iterator<Item = (&'static str, &'static str)> {
    DIFFERENCES.iter().map(|it| (it.0, it.1))
}
