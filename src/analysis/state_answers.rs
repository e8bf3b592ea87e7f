//! The TCP states that an experiment itself asked for: of a descriptor (TCP_INFO), or of an end in the kernel's table.

use super::{Analysis, CallSpan};
use crate::trace::{Address, EventKind, Fact, Name, Observation, Output, Role, SockOpt, Syscall};

/// What the kernel said of one end at one time, and had not said before.
#[derive(Clone, Debug)]
pub struct StateAnswer {
    /// When.
    pub at_ns: u64,
    /// Who had asked.
    pub actor: Name,
    /// The state.
    pub state: String,
    /// What was asked: TCP_INFO, or the table's name.
    pub source: &'static str,
    /// True if another source says otherwise of the same end, and nothing happened in between.
    pub is_contradicted: bool,
    /// The end's own address and its peer's, where they are known.
    end: Option<(Address, Address)>,
}

impl Analysis<'_> {
    pub(super) fn find_state_answers(&mut self) {
        let mut all: Vec<StateAnswer> =
            self.calls.iter().filter_map(|span| self.answer(span)).collect();
        for event in self.recording.events() {
            let EventKind::Observed(Observation { fact, .. }) = &event.what else { continue };
            let Fact::TcpTable { local, peer, state } = fact else { continue };
            all.push(StateAnswer {
                at_ns: event.at_ns,
                actor: event.actor.clone(),
                state: state.to_string(),
                source: fact.source(),
                is_contradicted: false,
                end: Some((local.clone(), peer.clone())),
            });
        }
        all.sort_by_key(|answer| answer.at_ns);
        for (index, answer) in all.iter().enumerate() {
            let of_same_end =
                |other: &&StateAnswer| (&other.actor, &other.end) == (&answer.actor, &answer.end);
            let before = all[..index].iter().rev().filter(of_same_end);
            let last = before.clone().find(|other| other.source == answer.source);
            if last.is_some_and(|last| last.state == answer.state) {
                continue;
            }
            let contradicts = |other: &StateAnswer| {
                other.source != answer.source
                    && other.state != answer.state
                    && !self.acts_between(answer.at_ns, other.at_ns)
            };
            self.state_answers.push(StateAnswer {
                is_contradicted: answer.end.is_some()
                    && all.iter().filter(of_same_end).any(contradicts),
                ..answer.clone()
            });
        }
    }

    /// What TCP_INFO answered, if the program asked.
    fn answer(&self, span: &CallSpan) -> Option<StateAnswer> {
        let asks = matches!(span.call.syscall, Syscall::GetOption { option: SockOpt::TcpInfo });
        let back = span.exit.as_ref().filter(|_| asks && span.call.role == Role::Program)?;
        let Output::TcpInfo(info) = &back.out else { return None };
        let socket = &self.sockets[span.socket?];
        Some(StateAnswer {
            at_ns: back.at_ns,
            actor: span.actor.clone(),
            state: info.state.to_string(),
            source: "TCP_INFO",
            is_contradicted: false,
            end: socket.local.clone().zip(socket.peer.clone()),
        })
    }

    /// True if somebody entered a call between these two times that does more than ask.
    fn acts_between(&self, one_ns: u64, other_ns: u64) -> bool {
        let between = one_ns.min(other_ns)..one_ns.max(other_ns);
        self.calls.iter().any(|span| {
            !span.call.is_instrument()
                && !span.call.syscall.only_asks()
                && between.contains(&span.entered_ns)
        })
    }
}
