//! What the kernel said of a thread corrects what its calls say.

use super::{Interval, Sleep, ThreadState, push};
use crate::trace::Sample;

/// The same intervals, cut where the kernel said otherwise.
pub(super) fn refined(intervals: Vec<Interval>, samples: &[(u64, &Sample)]) -> Vec<Interval> {
    let mut all = Vec::new();
    for interval in intervals {
        let mut at = interval.from_ns;
        // What was true when the interval began is not known: the sample before it was of another interval.
        let mut doing = interval.doing.clone();
        for (index, (when, sample)) in samples.iter().enumerate() {
            if *when <= interval.from_ns || *when >= interval.to_ns {
                continue;
            }
            let before = index.checked_sub(1).map(|index| samples[index].1);
            let next = state_from(&interval.doing, sample, before);
            // A look that came late: it cannot have been awake for longer than it used a processor or was ready for one, and
            // after that it slept.
            let since = |part: fn(&Sample) -> Option<u64>| {
                Some(part(sample)?.saturating_sub(before.and_then(part).unwrap_or(0)))
            };
            let awake_ns = since(|sample| sample.cpu_ns)
                .map(|ran_ns| ran_ns + since(|sample| sample.ready_ns).unwrap_or(0));
            if let (ThreadState::Running, ThreadState::Asleep(_), Some(awake_ns)) =
                (&doing, &next, awake_ns)
                && awake_ns < (*when - at) / 2
            {
                push(&mut all, at, at + awake_ns, doing);
                at += awake_ns;
                doing = next.clone();
            }
            push(&mut all, at, *when, doing);
            at = *when;
            doing = next;
        }
        push(&mut all, at, interval.to_ns, doing);
    }
    all
}

/// What a sample says of someone of whom the calls say this.
fn state_from(calls: &ThreadState, sample: &Sample, before: Option<&Sample>) -> ThreadState {
    // Awake, and not once given a processor since it was last seen asleep: ready.
    let waits_for_processor = |before: &Sample| {
        before.state == Some('S') && before.turns.is_some() && before.turns == sample.turns
    };
    match (sample.state, calls) {
        (Some('R'), _) if before.is_some_and(waits_for_processor) => ThreadState::Ready,
        (Some('R'), _) => ThreadState::Running,
        (None, _) => ThreadState::Away,
        (Some('S' | 'D'), ThreadState::Running) => {
            ThreadState::Asleep(Sleep::InCall(sample.syscall.as_ref().map(ToString::to_string)))
        }
        _ => calls.clone(),
    }
}
