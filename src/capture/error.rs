//! Why an experiment did not run to its end: who failed in which call, on which address.

use std::io;

use thiserror::Error;

use super::{Lab, sys};
use crate::reasons;
use crate::trace::{
    Ending, Event, EventKind, FailedCall, Failure, Feature, LAB, Lack, Name, Need, Outcome, Return,
};

/// The result of an experiment.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why an experiment did not run to its end.
#[derive(Debug, Error)]
pub enum Error {
    /// This machine lacks something it needs. Claims that it has not reached count as not checked.
    #[error("{}", reasons::lack(.0))]
    Unavailable(Lack),
    /// A call failed that the experiment relied on.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// Anything else that went wrong.
    #[error("{}", reasons::failure(.0))]
    Failed(Failure),
}

impl From<Lack> for Error {
    fn from(lack: Lack) -> Error {
        Error::Unavailable(lack)
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Error {
        Error::Failed(failure)
    }
}

impl Error {
    /// A bug in an experiment, in its author's words.
    pub fn assertion(message: &'static str) -> Error {
        Failure::Assertion { message: message.into() }.into()
    }

    /// The same error with its context: the actor, the call that failed, its address and source line.
    pub(super) fn at(self, lab: &Lab, actor: &Name) -> Error {
        let error = match self {
            Error::Io(error) => error,
            Error::Failed(Failure::Panic { actor: None, message }) => {
                return Failure::Panic { actor: Some(actor.clone()), message }.into();
            }
            other => return other,
        };
        let errno = sys::error_name(&error);
        let failed = |event: &&Event| matches!(&event.what, EventKind::Return(Return { outcome, .. }) if outcome.to_string() == errno);
        let call = lab.recorder().look(|events| {
            let mut latest = events.iter().rev().filter(failed);
            let own = latest.clone().find(|event| event.actor == *actor);
            failed_call(own.or_else(|| latest.next())?)
        });
        let call = call.unwrap_or_else(|| FailedCall::unknown(actor, errno));
        if let Some(feature) = sys::feature_of(&error) {
            feature.lack().into()
        } else if sys::is_unsupported(&error) {
            Lack::Unsupported(call).into()
        } else if sys::is_shortage(&error) {
            Lack::Shortage(call).into()
        } else {
            Failure::Call(call).into()
        }
    }

    /// The ending of a run that fails with this error; call [`Error::at`] first.
    pub fn ending(&self) -> Ending {
        match self {
            Error::Unavailable(why) => Ending::Unavailable { why: here(why.clone()) },
            Error::Failed(why) => Ending::Failed { why: why.clone() },
            Error::Io(error) => {
                let call = FailedCall::unknown(&Name::from(LAB), sys::error_name(error));
                Ending::Failed { why: Failure::Call(call) }
            }
        }
    }
}

/// What a lack is on this system. Only Linux has /proc and namespaces: elsewhere nothing is missing that could be had.
pub(super) fn here(lack: Lack) -> Lack {
    if cfg!(target_os = "linux") {
        return lack;
    }
    match lack {
        Lack::ThreadStates | Lack::ThreadDetails if sys::has(Feature::ThreadStates) => {
            Feature::ThreadDetails.lack()
        }
        Lack::ThreadStates | Lack::ThreadDetails => Feature::ThreadStates.lack(),
        Lack::Sysctl { .. } => Feature::Settings.lack(),
        Lack::TcpTable { .. } if !cfg!(windows) => Feature::TcpTable.lack(),
        Lack::Network { need: Need::PrivateNetwork, .. } | Lack::FrameCounters => {
            Feature::PrivateNetwork.lack()
        }
        Lack::Network { need: Need::Link, .. } | Lack::NeedsPrivateNetwork => Feature::Wire.lack(),
        other => other,
    }
}

/// The call that failed in this event, if it is the return of one.
fn failed_call(event: &Event) -> Option<Box<FailedCall>> {
    let EventKind::Return(Return { call, outcome: Outcome::Errno(errno), .. }) = &event.what else {
        return None;
    };
    Some(Box::new(FailedCall {
        actor: event.actor.clone(),
        function: Some(call.function().to_owned().into()),
        address: call.syscall.address().cloned(),
        errno: errno.clone(),
        site: call.site.clone(),
    }))
}

/// The first call of the run that failed for lack of descriptors or memory.
pub(super) fn first_shortage(lab: &Lab) -> Option<Lack> {
    let call = lab.recorder().look(|events| {
        let mut failed = events.iter().filter_map(failed_call);
        failed.find(|call| matches!(&*call.errno, "EMFILE" | "ENFILE" | "ENOBUFS" | "ENOMEM"))
    });
    call.map(Lack::Shortage)
}
