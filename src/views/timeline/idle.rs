//! Long times in which nobody does anything: cut, so that there is room for the rest.

use crate::analysis::{ThreadState, ThreadTimeline};

/// Less than this is never cut, in nanoseconds: a wait of a second may be what the picture is about.
const LONG_NS: u64 = 1_000_000_000;
/// A time is cut if it is so many times as long as all the rest: that would have less than a tenth of the columns.
const TIMES_THE_REST: u64 = 9;
/// No more than these are cut.
const MOST: usize = 3;

/// What is cut between these moments: from when to when, in order.
pub(super) fn cuts(timelines: &[ThreadTimeline], from_ns: u64, to_ns: u64) -> Vec<(u64, u64)> {
    let intervals = || timelines.iter().flat_map(|timeline| &timeline.intervals);
    let marks = timelines.iter().flat_map(|timeline| &timeline.marks).map(|mark| mark.at_ns);
    let ends = timelines.iter().flat_map(|timeline| [timeline.began_ns, timeline.ended_ns]);
    let changes = intervals().flat_map(|interval| [interval.from_ns, interval.to_ns]);
    let all = marks.chain(ends).chain(changes).chain([from_ns, to_ns]);
    let mut moments: Vec<u64> = all.map(|at_ns| at_ns.clamp(from_ns, to_ns)).collect();
    moments.sort_unstable();
    moments.dedup();
    let works = |from: u64, to: u64| {
        intervals().any(|interval| {
            let works = matches!(interval.doing, ThreadState::Running | ThreadState::Ready);
            works && interval.from_ns < to && interval.to_ns > from
        })
    };
    let mut gaps: Vec<(u64, u64)> = moments
        .windows(2)
        .map(|pair| (pair[0], pair[1]))
        .filter(|(from, to)| to - from >= LONG_NS && !works(*from, *to))
        .collect();
    gaps.sort_by_key(|(from, to)| std::cmp::Reverse(to - from));
    let mut left = to_ns - from_ns;
    let mut cuts = Vec::new();
    for (from, to) in gaps.into_iter().take(MOST) {
        let rest = left - (to - from);
        if rest == 0 || (to - from) / TIMES_THE_REST < rest {
            break;
        }
        left = rest;
        cuts.push((from, to));
    }
    cuts.sort_unstable();
    cuts
}
