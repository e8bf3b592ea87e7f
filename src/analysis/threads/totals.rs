//! What several threads did, together.

use super::ThreadTimeline;

/// What several threads did, together.
#[derive(Debug, Default)]
pub struct ThreadTotals {
    /// How many there were, and how many have ended.
    pub created: usize,
    pub ended: usize,
    /// How often one was given a processor; `None` if the kernel was not asked.
    pub turns: Option<u64>,
    pub cpu_ns: Option<u64>,
    pub ready_ns: Option<u64>,
    /// Times that one fell asleep in a call, by call.
    pub slept: Vec<(String, usize)>,
    pub blocked_ns: u64,
    /// Those of them that ended.
    pub woken: usize,
}

impl ThreadTotals {
    /// How often a processor was taken from one, at most: a turn that did not follow a recorded sleep followed that, or a
    /// sleep too short to be known.
    pub fn taken_away_at_most(&self) -> Option<u64> {
        Some(self.turns?.saturating_sub(self.woken as u64))
    }
}

impl ThreadTotals {
    /// Those of these threads.
    pub fn of(timelines: &[&ThreadTimeline]) -> ThreadTotals {
        let mut totals = ThreadTotals::default();
        for timeline in timelines {
            totals.created += 1;
            totals.ended += usize::from(timeline.left);
            for (sum, one) in [
                (&mut totals.turns, timeline.turns),
                (&mut totals.cpu_ns, timeline.cpu_ns),
                (&mut totals.ready_ns, timeline.ready_ns),
            ] {
                *sum = one.map_or(*sum, |one| Some(sum.unwrap_or(0) + one));
            }
            for (call, times, ns) in timeline.blocked() {
                totals.blocked_ns += ns;
                totals.woken += times;
                match totals.slept.iter_mut().find(|(known, _)| *known == call) {
                    Some((_, sum)) => *sum += times,
                    None => totals.slept.push((call.to_owned(), times)),
                }
            }
            // Blocked to the very end: nothing woke it.
            let last = timeline.intervals.last();
            if last.is_some_and(|last| last.doing.blocking_call().is_some()) {
                totals.woken -= 1;
            }
        }
        totals.slept.sort_by_key(|(_, times)| std::cmp::Reverse(*times));
        totals
    }
}
