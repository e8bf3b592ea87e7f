//! Why an experiment did not run to its end: who failed in which call, on which address, and what would help.

use std::fmt::Debug;
use std::io;

use thiserror::Error;

use super::{Lab, sys};
use crate::i18n::{either, error_text, said};
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
    #[error("{}", said!("panic: {what}", "程序出错中止（panic）：{what}", what = .0))]
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
                let at = call
                    .site
                    .as_ref()
                    .map_or_else(String::new, |source| said!(", at {source}", "，位置 {source}"));
                let function = &call.function();
                said!(
                    "{who}: {function}{on}: {told} [{errno}]{at}",
                    "{who}：{function}{on}：{told} [{errno}]{at}"
                )
            }
            None => said!("{actor}: {told} [{errno}]", "{actor}：{told} [{errno}]"),
        };
        if sys::is_shortage(error) {
            Error::Unavailable(said!(
                "{text}; {remedy}",
                "{text}；{remedy}",
                remedy = remedy(&errno)
            ))
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
        "EMFILE" => either(
            "this process may open no more files: raise the limit with `ulimit -n 256`",
            "这个进程不能再打开文件了：用 `ulimit -n 256` 提高限额",
        ),
        "ENFILE" => either(
            "the whole system may open no more files: close some programs",
            "整个系统不能再打开文件了：请关掉一些程序",
        ),
        "EAGAIN" => either(
            "this user may start no more processes and threads: raise the limit with `ulimit -u`",
            "这个用户不能再启动进程和线程了：用 `ulimit -u` 提高限额",
        ),
        "ENOENT" => either(
            "a file of the program's own is gone: start explore anew",
            "程序自己的文件不在了：请重新启动 explore",
        ),
        "ENETUNREACH" => either(
            "the loopback interface is down: `sudo ip link set lo up` raises it",
            "回环接口没有启用：用 `sudo ip link set lo up` 启用它",
        ),
        _ => either(
            "the system is out of memory for sockets: close some programs",
            "系统没有内存再给套接字用了：请关掉一些程序",
        ),
    }
}
