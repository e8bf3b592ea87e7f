//! TCP states where no wire is shown: on loopback the kernel's word is all there is. What the experiment itself asked of a
//! descriptor (TCP_INFO), and what it looked up in the kernel's table of sockets, is told when it was said.

use super::builder::Builder;
use super::diagram::{Likeness, Shape, Step};
use super::wire::state_ink;
use crate::analysis::CallSpan;
use crate::i18n::tr;
use crate::trace::{Address, EventKind, Fact, Observation, Output, Role, SockOpt, Syscall};

/// What the kernel said of one end at one time.
struct Said {
    at_ns: u64,
    lane: usize,
    /// The end's own address and its peer's, where they are known.
    end: Option<(Address, Address)>,
    state: String,
    /// TCP_INFO, or the table's name.
    source: String,
}

impl Builder<'_> {
    /// The steps of the states that the experiment asked for.
    pub(super) fn asked_states(&self) -> Vec<Step> {
        if self.analysis.wire.iter().any(|segment| segment.tcp().is_some()) {
            return Vec::new(); // these stand with the segments
        }
        let mut all: Vec<Said> =
            self.analysis.calls.iter().filter_map(|made| self.answer(made)).collect();
        for event in self.analysis.recording.events() {
            let EventKind::Observed(Observation { fact, .. }) = &event.what else {
                continue;
            };
            let Fact::TcpTable { local, peer, state } = fact else {
                continue;
            };
            let Some(&lane) = self.lane_of.get(&event.actor) else {
                continue;
            };
            let end = Some((local.clone(), peer.clone()));
            all.push(Said {
                at_ns: event.at_ns,
                lane,
                end,
                state: state.to_string(),
                source: fact.source().to_owned(),
            });
        }
        all.sort_by_key(|said| said.at_ns);
        let mut steps = Vec::new();
        for (index, said) in all.iter().enumerate() {
            let same_end = |other: &&Said| other.lane == said.lane && other.end == said.end;
            let known = all[..index]
                .iter()
                .rev()
                .filter(same_end)
                .find(|other| other.source == said.source);
            if known.is_some_and(|known| known.state == said.state) {
                continue;
            }
            // Two sources that do not agree on one end, when nothing happened meanwhile, are named.
            let nothing_between = |other: &Said| {
                let (from, to) = (said.at_ns.min(other.at_ns), said.at_ns.max(other.at_ns));
                !self.shown.iter().any(|call| (from..to).contains(&self.made(*call).entered_ns))
            };
            let contradicts = |other: &&Said| {
                other.source != said.source && other.state != said.state && nothing_between(other)
            };
            let two_truths =
                said.end.is_some() && all.iter().filter(same_end).any(|other| contradicts(&other));
            let shape = match said.state.as_str() {
                state if two_truths => {
                    let words = vec![
                        tr!("{source} says {state}", source = said.source, state),
                        state.to_owned(),
                    ];
                    Shape::Call {
                        lane: said.lane,
                        words,
                        ink: state_ink(state, false),
                        joins: false,
                    }
                }
                state => Shape::State { lane: said.lane, state: state.to_owned(), derived: false },
            };
            steps.push(Step::new(
                said.at_ns,
                shape,
                Likeness::State {
                    lane: said.lane,
                    state: said.state.clone(),
                    source: Some(said.source.clone()),
                },
            ));
        }
        steps
    }

    /// What TCP_INFO answered, if the experiment itself asked.
    fn answer(&self, made: &CallSpan) -> Option<Said> {
        let back = made.exit.as_ref().filter(|_| is_asked(made))?;
        let Output::TcpInfo(info) = &back.out else {
            return None;
        };
        let socket = &self.analysis.sockets[made.socket?];
        let end = socket.local.clone().zip(socket.peer.clone());
        let lane = *self.lane_of.get(&made.actor)?;
        Some(Said {
            at_ns: back.at_ns,
            lane,
            end,
            state: info.state.to_string(),
            source: "TCP_INFO".to_owned(),
        })
    }

    /// True if the experiment itself asks later in which state this call's socket is: then what was seen just after the
    /// call would be taken for the answer.
    pub(super) fn is_asked_later(&self, index: usize) -> bool {
        let socket = self.made(index).socket;
        self.analysis.calls[index + 1..]
            .iter()
            .any(|later| later.socket == socket && is_asked(later))
    }
}

fn is_asked(made: &CallSpan) -> bool {
    made.call.role == Role::Program
        && matches!(made.call.syscall, Syscall::GetOption { option: SockOpt::TcpInfo })
}
