//! What the actors did, in order, and to which part of the experiment it belongs.

use super::Analysis;
use crate::trace::{EventKind, Fact, Label, Name, Observation, Role, SyscallKind};

/// A part of the experiment.
#[derive(Clone, Copy, Debug)]
pub struct Part<'r> {
    /// When it begins, in nanoseconds since the run began.
    pub begins_ns: u64,
    /// Its name.
    pub name: &'r Label,
}

/// What an actor did.
#[derive(Clone, Debug)]
pub struct Action<'r> {
    /// When, in nanoseconds since the run began; a call, when it was entered.
    pub at_ns: u64,
    /// Who.
    pub actor: Name,
    /// By which thread.
    pub thread: u32,
    /// In which part of the experiment, as an index into [`Analysis::parts`]; `None` before the first.
    pub part: Option<usize>,
    /// What.
    pub what: ActionKind<'r>,
}

/// What an actor can do.
#[derive(Clone, Copy, Debug)]
pub enum ActionKind<'r> {
    /// It makes a call, of this index.
    Call(usize),
    /// It does what is no call on a socket, and the error if that fails.
    Deed(&'r Label, Option<&'r str>),
}

impl Analysis<'_> {
    pub(super) fn find_actions(&mut self) {
        let recording = self.recording;
        let parts = recording.events().iter().filter_map(|event| match &event.what {
            EventKind::Part { part } => Some(Part { begins_ns: event.at_ns, name: part }),
            _ => None,
        });
        self.parts = parts.collect();
        let part_at =
            |at_ns: u64| self.parts.partition_point(|part| part.begins_ns <= at_ns).checked_sub(1);
        let calls = self.calls.iter().enumerate().filter(|(_, span)| !span.call.is_instrument());
        let calls = calls.map(|(index, span)| {
            // What goes out of scope late still belongs to where it was opened.
            let closed = span.socket.filter(|_| span.is(SyscallKind::Close));
            let opened_ns = closed.map(|at| self.sockets[at].opened_ns);
            Action {
                at_ns: span.entered_ns,
                actor: span.actor.clone(),
                thread: span.thread,
                part: opened_ns.and_then(part_at).or_else(|| part_at(span.entered_ns)),
                what: ActionKind::Call(index),
            }
        });
        let deeds = recording.events().iter().filter_map(|event| match &event.what {
            EventKind::Deed { deed, errno } if event.is_by_actor() => Some(Action {
                at_ns: event.at_ns,
                actor: event.actor.clone(),
                thread: event.thread,
                part: part_at(event.at_ns),
                what: ActionKind::Deed(deed, errno.as_deref()),
            }),
            _ => None,
        });
        let mut actions: Vec<Action> = calls.chain(deeds).collect();
        actions.sort_by_key(|action| action.at_ns);
        self.actions = actions;
    }

    /// From when on nothing happens but that the sockets are closed which the experiment left open, in nanoseconds; `None` if
    /// it left none open.
    pub fn cleanup_ns(&self) -> Option<u64> {
        let of = |role: Role| self.calls.iter().filter(move |span| span.call.role == role);
        let last_return = of(Role::Program).map(|span| span.returned_ns()).max();
        let events = self.recording.events().iter().filter(|event| {
            matches!(
                event.what,
                EventKind::Claim(_)
                    | EventKind::Wait { .. }
                    | EventKind::Observed(Observation { fact: Fact::TcpTable { .. }, .. })
            )
        });
        let last_ns = events.map(|event| event.at_ns).max().max(last_return).unwrap_or(0);
        let closes = of(Role::ScopeEnd).filter(|span| span.socket.is_some());
        closes.map(|span| span.entered_ns).filter(|at_ns| *at_ns >= last_ns).min()
    }
}
