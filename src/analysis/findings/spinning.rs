//! Threads that use a processor to wait.

use super::facts::{Facts, ThreadId};
use super::{Finding, Rule};
use crate::analysis::{BLOCKED_NS, CallSpan, percentile};
use crate::trace::{Sample, Syscall};

/// So many vain calls in a row, and no less often than this, are a loop that spins.
const CALLS: usize = 100;
const GAP_NS: u64 = 10_000_000;
/// Whoever spends more than so many times as long between such calls as in them, and so long at least, does something else
/// meanwhile. (The tracer makes both longer.)
const WORK: u64 = 4;
const WORK_NS: u64 = 500_000;
/// A thread that has run, or been ready to, for so long since its last call, and most of that time, is busy.
const BUSY_NS: u64 = 1_000_000_000;

pub(super) fn find(facts: &Facts) -> Vec<Finding> {
    let spins = facts.threads().flat_map(|(thread, calls)| spins(facts, thread, calls));
    spins.chain(busy(facts)).collect()
}

/// Rows of calls that each failed because it was too early, with nothing between them that waits or gets on.
fn spins(facts: &Facts, thread: ThreadId, calls: &[usize]) -> Vec<Finding> {
    let mut all = Vec::new();
    let mut run: Vec<usize> = Vec::new();
    for &index in calls {
        let span = facts.call(index);
        let slept = run.last().is_some_and(|last| {
            facts.slept(thread, facts.call(*last).returned_ns(), span.entered_ns)
        });
        if slept {
            all.extend(spin(facts, &run));
            run.clear();
        }
        if is_vain(span) {
            run.push(index);
        } else if !span.call.syscall.only_asks() && !span.call.syscall.sets_up() {
            all.extend(spin(facts, &run));
            run.clear();
        }
    }
    all.extend(spin(facts, &run));
    all
}

/// True for a call that found nothing and did not wait for it.
fn is_vain(span: &CallSpan) -> bool {
    let at_once = span.took_ns() < BLOCKED_NS;
    let looks = matches!(
        span.call.syscall,
        Syscall::Poll { timeout_ms: 0, .. }
            | Syscall::EpollWait { timeout_ms: 0, .. }
            | Syscall::Select { timeout_us: Some(0), .. }
    );
    let too_early = matches!(span.errno(), Some("EAGAIN" | "EWOULDBLOCK"));
    (too_early && (at_once || span.nonblocking)) || (looks && span.result() == Some(0))
}

fn spin(facts: &Facts, run: &[usize]) -> Option<Finding> {
    let (first, last) = (facts.call(*run.first()?), facts.call(*run.last()?));
    let span_ns = last.entered_ns - first.entered_ns;
    let rule = Rule::Spin { times: run.len(), span_ns };
    let spins = run.len() >= CALLS && usual_gap(facts, run) <= GAP_NS;
    (spins && !works(facts, run)).then(|| Finding::new(facts, rule, vec![run[0]]))
}

/// True if the thread did something else between most of these calls.
fn works(facts: &Facts, run: &[usize]) -> bool {
    let calls = || run.iter().map(|&index| facts.call(index));
    let pairs = calls().zip(calls().skip(1));
    let between = pairs.map(|(one, next)| next.entered_ns.saturating_sub(one.returned_ns()));
    let within = calls().map(|span| span.returned_ns() - span.entered_ns);
    median(between) > (median(within) * WORK).max(WORK_NS)
}

/// The median of the times from one of these calls to the next, in nanoseconds: on a busy machine some come late.
pub(super) fn usual_gap(facts: &Facts, calls: &[usize]) -> u64 {
    let entered = |index: usize| facts.call(index).entered_ns;
    median(calls.windows(2).map(|pair| entered(pair[1]).saturating_sub(entered(pair[0]))))
}

fn median(all: impl Iterator<Item = u64>) -> u64 {
    let mut all: Vec<u64> = all.collect();
    all.sort_unstable();
    percentile(&all, 50)
}

/// Threads that ran when the run was stopped, and had been running since their last call.
fn busy(facts: &Facts) -> Vec<Finding> {
    let Some(stopped_ns) = facts.stopped_ns else { return Vec::new() };
    let threads = facts.threads().filter_map(|(thread, calls)| {
        let called = calls.partition_point(|&index| facts.call(index).entered_ns < stopped_ns);
        let last = *calls[..called].last()?;
        let [(before_ns, before), (now_ns, now)] = facts.last_looks(thread, stopped_ns)?;
        let used =
            |part: fn(&Sample) -> Option<u64>| Some(part(now)?.saturating_sub(part(before)?));
        let cpu_ns = used(|look| look.cpu_ns)?;
        // On a busy machine it waits for a processor too.
        let awake_ns = cpu_ns + used(|look| look.ready_ns).unwrap_or(0);
        let is_busy = facts.call(last).returned_ns() <= before_ns
            && now.state == Some('R')
            && awake_ns >= BUSY_NS
            && awake_ns >= (now_ns - before_ns) / 4 * 3;
        is_busy.then(|| Finding::new(facts, Rule::BusyWithoutCall { cpu_ns }, vec![last]))
    });
    threads.collect()
}
