//! Why an experiment did not run to its end: who failed in which call, on which address, and what would help.

use std::fmt::Debug;
use std::io;

use thiserror::Error;

use super::{Lab, sys};
use crate::i18n::{error_text, tr};
use crate::trace::{Ending, EventKind, Name};

/// What an experiment answers.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why an experiment did not run to its end.
#[derive(Debug, Error)]
pub enum Error {
    /// This machine lacks what it needs. The claims it has not reached are not checked here.
    #[error("{0}")]
    Unavailable(String),
    /// A call failed that the experiment took for granted.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// Something else was not as it must be.
    #[error("{0}")]
    Unexpected(String),
    /// An actor panicked.
    #[error("{}", tr!("panic: {what}", what = .0))]
    Panic(String),
}

impl Error {
    /// The same error with who and what: the call that failed, on which address, at which line.
    pub(super) fn at(self, lab: &Lab, actor: &Name) -> Error {
        let Error::Io(error) = &self else {
            return match self {
                Error::Panic(text) => Error::Panic(format!("{actor}: {text}")),
                other => other,
            };
        };
        let (errno, told) = (sys::error_name(error), error_text(error));
        let failed = |whose: Option<&Name>| {
            lab.recorder().look(|events| {
                events.iter().rev().find_map(|event| match &event.what {
                    EventKind::Return(back)
                        if back.outcome.to_string() == errno
                            && whose.is_none_or(|whose| *whose == event.actor) =>
                    {
                        Some((event.actor.clone(), back.call.clone()))
                    }
                    _ => None,
                })
            })
        };
        let call = failed(Some(actor)).or_else(|| failed(None));
        let text = match call {
            Some((who, call)) => {
                let on = call
                    .syscall
                    .address()
                    .map_or_else(String::new, |address| format!(" {address}"));
                let at = call.site.as_ref().map_or_else(
                    String::new,
                    |source| tr!(context "error", ", at {source}", source),
                );
                let function = &call.function();
                tr!(
                    "{who}: {function}{on}: {told} [{errno}]{at}",
                    who,
                    function,
                    on,
                    told,
                    errno,
                    at
                )
            }
            None => tr!("{actor}: {told} [{errno}]", actor, told, errno),
        };
        if sys::is_shortage(error) {
            Error::Unavailable(tr!("{text}; {remedy}", text, remedy = remedy(&errno)))
        } else {
            Error::Unexpected(text)
        }
    }

    pub(super) fn ending(&self) -> Ending {
        match self {
            Error::Unavailable(why) => Ending::Unavailable { why: why.clone() },
            other => Ending::Failed { why: other.to_string() },
        }
    }
}

/// What would help against a shortage, by its error.
#[must_use]
pub fn remedy(errno: &str) -> &'static str {
    match errno {
        "EMFILE" => {
            tr!("this process may open no more files: raise the limit with `ulimit -n 256`")
        }
        "ENFILE" => tr!("the whole system may open no more files: close some programs"),
        "EAGAIN" => tr!(
            "this user may start no more processes and threads: raise the limit with `ulimit -u`"
        ),
        "ENOENT" => tr!("a file of the program's own is gone: start explore anew"),
        "ENETUNREACH" => tr!("the loopback interface is down: `sudo ip link set lo up` raises it"),
        _ => tr!("the system is out of memory for sockets: close some programs"),
    }
}
