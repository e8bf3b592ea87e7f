//! Long times in which nobody does anything: cut, so that there is room for the rest.

use crate::analysis::{ThreadState, ThreadTimeline};

/// Less than this is never cut, in nanoseconds: a wait of a second may be what the picture is about.
const LONG_NS: u64 = 1_000_000_000;
/// Idle time is cut if it is so many times as long as all the rest: that would have a tenth of the columns at most.
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
    gaps.truncate(MOST);
    let length = |(from, to): &(u64, u64)| to - from;
    // The fewest that together are so long; then each that is by itself.
    let all_ns = to_ns - from_ns;
    let together = |count: &usize| {
        let cut_ns: u64 = gaps[..*count].iter().map(length).sum();
        leaves_little(cut_ns, all_ns - cut_ns)
    };
    let Some(count) = (1..=gaps.len()).find(together) else { return Vec::new() };
    let mut cuts = gaps[..count].to_vec();
    let mut rest_ns = all_ns - cuts.iter().map(length).sum::<u64>();
    for gap in &gaps[count..] {
        if !leaves_little(length(gap), rest_ns - length(gap)) {
            break;
        }
        rest_ns -= length(gap);
        cuts.push(*gap);
    }
    cuts.sort_unstable();
    cuts
}

/// Whether this much idle time is worth cutting, where so much is left.
fn leaves_little(idle_ns: u64, rest_ns: u64) -> bool {
    rest_ns > 0 && idle_ns / TIMES_THE_REST >= rest_ns
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::Analysis;
    use crate::analysis::script::Script;
    use crate::trace::Outcome;

    /// What is cut of calls that wait so many milliseconds each, with a millisecond of work after each.
    fn cut_of(waits_ms: &[u64]) -> Vec<u64> {
        let mut script = Script::new();
        for wait_ms in waits_ms {
            let accepts = script.enter("server", 3, "accept", &[]);
            script.pass(wait_ms * 1_000_000).leave("server", &accepts, Outcome::Result(4), &[]);
            script.pass(1_000_000);
        }
        let recording = script.recording();
        let threads = &Analysis::of(&recording).threads;
        let (from_ns, to_ns) = (threads[0].began_ns, threads[0].ended_ns);
        let cuts = cuts(threads, from_ns, to_ns).into_iter();
        cuts.map(|(from, to)| (to - from) / 1_000_000).collect()
    }

    #[test]
    fn idle_time_is_cut_where_it_leaves_the_rest_less_than_a_tenth() {
        assert_eq!(cut_of(&[10, 9_200, 20]), [9_200]);
        assert_eq!(cut_of(&[1_900, 4_000]), [1_900, 4_000], "together");
        assert_eq!(cut_of(&[1_000, 20_000, 5]), [1_000, 20_000], "one after the other");
        assert_eq!(cut_of(&[900, 50]), [0; 0], "a wait of less than a second may be the point");
        assert_eq!(cut_of(&[1_500, 400]), [0; 0], "the rest has room");
        assert_eq!(cut_of(&[2_000; 5]), [0; 0], "nothing is left but waits");
    }
}
