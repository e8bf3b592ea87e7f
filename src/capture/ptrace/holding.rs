//! Calls that are held before they are made: the run is stepped. The thread stays in the stop at which the tracer has met it; all others
//! go on.

use std::collections::HashMap;

use super::stage::Object;
use super::tracer::Tracer;
use crate::capture::sys::ptrace::{GoOn, go_on};
use crate::trace::{Call, Domain, EventKind, Name, PAUSES_PER_LINE, Site, Syscall, SyscallKind};

/// What is held, and for how long.
#[derive(Debug, Default)]
pub struct Holding {
    pub is_on: bool,
    /// How many times each actor has come to each line, to make this call.
    visits: HashMap<(Name, Site, SyscallKind), u32>,
    /// Since when at least one call has been held.
    since_ns: Option<u64>,
    /// How long at least one was, before that.
    before_ns: u64,
}

impl Holding {
    pub fn new(is_on: bool) -> Holding {
        Holding { is_on, ..Holding::default() }
    }

    /// Takes account of whether any call is held from now on.
    pub fn is_any(&mut self, now_ns: u64, is_any: bool) {
        match self.since_ns {
            None if is_any => self.since_ns = Some(now_ns),
            Some(since_ns) if !is_any => {
                self.before_ns += now_ns.saturating_sub(since_ns);
                self.since_ns = None;
            }
            _ => {}
        }
    }
}

impl Tracer {
    /// Whether this call is held before it is made: the run is stepped, and a line of the learner's own makes the call. A call
    /// that has been held there often enough is not held again, nor is what would not be recorded now.
    pub(super) fn is_to_be_held(&mut self, id: u32, call: &Call, object: Option<Object>) -> bool {
        let Some(site) = call.site.clone().filter(|_| self.holding.is_on) else { return false };
        let is_recorded = match &call.syscall {
            // Of other new objects it is not known yet whether they will be used.
            Syscall::Socket { domain, .. } => matches!(domain, Domain::Inet | Domain::Inet6),
            Syscall::SocketPair { .. } | Syscall::EpollCreate { .. } => false,
            _ => object.is_none_or(|object| !self.stage.is_held_back(object)),
        };
        if !is_recorded || self.stage.is_full() {
            return false;
        }
        let actor = self.actor(id);
        let visits = self.holding.visits.entry((actor, site, call.kind())).or_default();
        *visits += 1;
        *visits <= PAUSES_PER_LINE
    }

    /// How long the programs have been held so far.
    pub(super) fn held_ns(&mut self, now_ns: u64) -> u64 {
        let is_any = self.holding.is_on && self.threads.values().any(|thread| thread.is_held);
        self.holding.is_any(now_ns, is_any);
        let since_ns = self.holding.since_ns.unwrap_or(now_ns);
        self.holding.before_ns + now_ns.saturating_sub(since_ns)
    }

    /// Whether any call was held when [`Tracer::held_ns`] was last asked.
    pub(super) fn is_any_held(&self) -> bool {
        self.holding.since_ns.is_some()
    }

    /// Makes the held calls, by process and number, that are meant.
    pub(super) fn resume_held(&mut self, is_meant: impl Fn((u32, u64)) -> bool) {
        let held = self.threads.iter().filter(|(_, thread)| thread.is_held);
        let held: Vec<u32> = held
            .filter(|(_, thread)| {
                thread.open.as_ref().is_some_and(|open| is_meant((thread.process, open.call.id)))
            })
            .map(|(id, _)| *id)
            .collect();
        for id in held {
            let at_ns = self.stage.now_ns();
            self.before.called(at_ns);
            let Some(thread) = self.threads.get_mut(&id) else { continue };
            thread.is_held = false;
            let is_any = self.threads.values().any(|thread| thread.is_held);
            self.holding.is_any(at_ns, is_any);
            let Some(thread) = self.threads.get_mut(&id) else { continue };
            if let Some(open) = &mut thread.open {
                open.at_ns = at_ns;
                let (call, object) = (open.call.clone(), open.object);
                self.tell(id, at_ns, EventKind::Enter(call), object);
            }
            go_on(id, GoOn::ToReturn, 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_counts_as_held_while_at_least_one_call_is() {
        let mut holding = Holding::default();
        for (now_ns, is_any) in [(5, false), (10, true), (20, true), (30, false), (40, true)] {
            holding.is_any(now_ns, is_any);
        }
        assert_eq!((holding.before_ns, holding.since_ns), (20, Some(40)));
    }
}
