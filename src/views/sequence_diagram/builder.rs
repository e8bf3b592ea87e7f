//! From a recording to steps: which calls are shown, and where their arrows go.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;

use super::calls::CallSteps;
use super::diagram::{Lane, Line, Step};
use super::ends::ProcessEnd;
use crate::analysis::grouping::ThreadNames;
use crate::analysis::{AT_ONCE_NS, Analysis, BLOCKED_NS, CallSpan, Delivered, Loss, Unread};
use crate::i18n::tr;
use crate::labels;
use crate::trace::{Name, Role, SockOpt, Syscall};
use crate::views::SeqNumbers;

/// A receive that is entered so long after what it gets was sent has a row of its own, in nanoseconds.
const LATE_NS: u64 = 100_000_000;

/// Where a call's arrow goes.
pub(super) struct ArrowTarget {
    pub(super) to: Option<usize>,
    pub(super) line: Line,
    /// The receiving calls, in order.
    pub(super) partners: Vec<usize>,
    /// Why it does not arrive, in words.
    pub(super) stops: Option<String>,
    /// The call that is drawn at its head if nothing is drawn in between.
    completes: Option<usize>,
    /// True if that call is drawn there in any case: it was waiting for this.
    wakes: bool,
    pub(super) unread: Option<Unread>,
    /// The receive that is drawn at its head.
    pub(super) head: Option<usize>,
}

pub(super) struct Builder<'a> {
    pub(super) analysis: &'a Analysis<'a>,
    pub(super) lanes: Vec<Lane>,
    pub(super) lane_of: HashMap<Name, usize>,
    /// What threads are called, by process and thread, where a lane may be that of several.
    pub(super) threads: &'a ThreadNames,
    /// The lanes in which several threads make calls.
    pub(super) shared_lanes: HashSet<usize>,
    /// The sockets whose segments are shown.
    wired: HashSet<usize>,
    /// The calls that are shown, by index into the analysis.
    pub(super) shown: Vec<usize>,
    /// The arrows of each call: several if what it sent went to many.
    pub(super) targets: BTreeMap<usize, Vec<ArrowTarget>>,
    /// The calls that are drawn at the head of another's arrow, each with that one.
    pub(super) drawn_at: HashMap<usize, usize>,
    steps: Vec<Step>,
}

impl<'a> Builder<'a> {
    pub(super) fn new(analysis: &'a Analysis<'a>, threads: &'a ThreadNames) -> Builder<'a> {
        let (mut lanes, mut lane_of) = (Vec::new(), HashMap::new());
        for event in analysis.recording.shown_events().filter(|event| event.is_by_actor()) {
            let lane = *lane_of.entry(event.actor.clone()).or_insert_with(|| {
                lanes.push(Lane {
                    name: labels::actor(&event.actor).into_owned(),
                    process: event.process,
                    is_alone: true,
                    side: analysis.side(&event.actor),
                });
                lanes.len() - 1
            });
            lanes[lane].is_alone &= lanes[lane].process == event.process;
        }
        // An end of the wire that is nobody's has a lane all the same.
        let process = lanes.first().map_or(0, |lane| lane.process);
        let frames = analysis.shown_wire().filter(|it| it.frame.layers.arp.is_none());
        for name in frames.flat_map(|segment| {
            let to = Some(&segment.to).filter(|_| segment.to_many().is_none());
            [Some(&segment.from), to].into_iter().flatten()
        }) {
            lane_of.entry(name.clone()).or_insert_with(|| {
                let side = analysis.side(name);
                lanes.push(Lane {
                    name: labels::actor(name).into_owned(),
                    process,
                    is_alone: true,
                    side,
                });
                lanes.len() - 1
            });
        }
        let wired = analysis.shown_wire().filter_map(|segment| segment.socket).collect();
        let ends: HashSet<usize> = analysis
            .directions
            .iter()
            .filter_map(|direction| direction.end)
            .map(|(ended, _)| ended)
            .collect();
        let shown: Vec<usize> = (0..analysis.calls.len())
            .filter(|index| {
                let span = &analysis.calls[*index];
                let matters = ends.contains(index) || learns_of_connect(analysis, *index);
                lane_of.contains_key(&span.actor)
                    && is_shown(span, matters)
                    && !analysis.only_looks_for_a_peer(span)
            })
            .collect();
        let mut callers: HashMap<usize, HashSet<(u32, u32)>> = HashMap::new();
        for span in shown.iter().map(|&index| &analysis.calls[index]) {
            callers.entry(lane_of[&span.actor]).or_default().insert((span.process, span.thread));
        }
        let shared = callers.into_iter().filter(|(_, threads)| threads.len() > 1);
        Builder {
            analysis,
            lanes,
            lane_of,
            threads,
            shared_lanes: shared.map(|(lane, _)| lane).collect(),
            wired,
            shown,
            targets: BTreeMap::new(),
            drawn_at: HashMap::new(),
            steps: Vec::new(),
        }
    }

    /// The steps, in order, and the lanes.
    pub(super) fn build(mut self, numbers: SeqNumbers) -> (Vec<Step>, Vec<Lane>) {
        self.plan_arrows();
        self.place_receives();
        self.add_steps(numbers);
        (self.steps, self.lanes)
    }

    /// True if what this call does is seen in segments.
    pub(super) fn is_wired(&self, index: usize) -> bool {
        self.span(index).socket.is_some_and(|socket| self.wired.contains(&socket))
    }

    /// True if what this call does begins when it is entered: segments may leave before it returns, or the thread sleeps, and nothing
    /// cuts that short.
    pub(super) fn begins(&self, index: usize) -> bool {
        let span = self.span(index);
        let tells = matches!(
            span.call.syscall,
            Syscall::Send { .. } | Syscall::Shutdown { .. } | Syscall::Close
        );
        let sleeps = span.call.syscall.sleeps() && self.analysis.signal_that_cut(span).is_none();
        sleeps || (tells && self.is_wired(index) && span.errno().is_none())
    }

    pub(super) fn span(&self, index: usize) -> &'a CallSpan {
        &self.analysis.calls[index]
    }

    pub(super) fn lane(&self, index: usize) -> usize {
        self.lane_of[&self.span(index).actor]
    }

    /// Which calls have an arrow, and where it goes. An arrow to one's own lane is none.
    fn plan_arrows(&mut self) {
        let shown: HashSet<usize> = self.shown.iter().copied().collect();
        for delivery in &self.analysis.deliveries {
            let taken_by = || delivery.taken_by.iter().copied().filter(|call| shown.contains(call));
            let is_shown = shown.contains(&delivery.call)
                && (delivery.what != Delivered::End || taken_by().next().is_some());
            if !is_shown || self.is_wired(delivery.call) {
                continue;
            }
            let to = delivery.to.as_ref().and_then(|to| self.lane_of.get(to)).copied();
            // Where it went is not shown.
            let is_hidden = to.is_none() && delivery.to.is_some() && delivery.lost.is_none();
            if is_hidden || to == Some(self.lane(delivery.call)) {
                continue;
            }
            let (line, unread) = match delivery.what {
                Delivered::Data(unread) => (Line::Data, unread),
                Delivered::Connection | Delivered::End => (Line::Control, None),
            };
            let stops = delivery.lost.map(|loss| match loss {
                Loss::NeverReceived => tr!("never received").to_owned(),
                Loss::NobodyThere => tr!("no socket there").to_owned(),
                Loss::Closed => tr!("closed: RST").to_owned(),
            });
            // A connection waits in the listening socket's queue: no call takes it from connect() itself.
            let is_queued = delivery.what == Delivered::Connection;
            let target = ArrowTarget {
                to,
                line,
                partners: taken_by().collect(),
                stops,
                completes: delivery.completes.filter(|call| !is_queued && shown.contains(call)),
                wakes: !is_queued && delivery.wakes,
                unread,
                head: None,
            };
            self.targets.entry(delivery.call).or_default().push(target);
        }
    }

    /// When a call has its row: an arrow when it begins, anything else when it returns.
    pub(super) fn row_ns(&self, index: usize) -> u64 {
        let span = self.span(index);
        match (self.drawn_at.get(&index), &span.exit) {
            (Some(&arrow), _) => self.span(arrow).entered_ns,
            (None, Some(back)) if !self.targets.contains_key(&index) && !self.begins(index) => {
                back.at_ns
            }
            _ => span.entered_ns,
        }
    }

    /// Which receives are drawn at the head of the arrow that they got: those that follow it at once.
    fn place_receives(&mut self) {
        let mut rows: Vec<(u64, usize)> =
            self.shown.iter().map(|&index| (self.row_ns(index), index)).collect();
        rows.sort_unstable();
        let sleeps = self.sleeps();
        let targets = &self.targets;
        let all = targets.iter().flat_map(|(&send, all)| (0..all.len()).map(move |at| (send, at)));
        let mut drawn: Vec<(usize, usize, usize)> = Vec::new();
        for (send, at) in all {
            let target = &targets[&send][at];
            let Some(receive) = target.completes else { continue };
            let (sent_ns, got_ns) = (self.span(send).entered_ns, self.span(receive).returned_ns());
            // Of the messages of one recvmmsg() all have the same time.
            let between = rows.partition_point(|row| *row < (got_ns, receive))
                > rows.partition_point(|(at_ns, _)| *at_ns <= sent_ns);
            let slept = sleeps.get(&self.thread(receive)).is_some_and(|all| {
                // A thread's sleeps follow one another.
                let next = all.partition_point(|slept| slept.start <= sent_ns);
                next.checked_sub(1).is_some_and(|last| all[last].contains(&sent_ns))
            });
            let late = self.span(receive).entered_ns.saturating_sub(sent_ns) >= LATE_NS;
            let follows = !between && !slept && !late;
            if target.wakes || (follows && !self.waited_longer(receive, sent_ns)) {
                drawn.push((send, at, receive));
            }
        }
        for (send, at, receive) in drawn {
            self.drawn_at.insert(receive, send);
            if let Some(targets) = self.targets.get_mut(&send) {
                targets[at].head = Some(receive);
            }
        }
    }

    fn thread(&self, call: usize) -> (u32, u32) {
        (self.span(call).process, self.span(call).thread)
    }

    /// When each thread slept on purpose, in order.
    fn sleeps(&self) -> HashMap<(u32, u32), Vec<Range<u64>>> {
        let mut sleeps: HashMap<_, Vec<_>> = HashMap::new();
        for &index in &self.shown {
            let span = self.span(index);
            if span.call.syscall.sleeps() {
                let slept = span.entered_ns..span.returned_ns();
                sleeps.entry(self.thread(index)).or_default().push(slept);
            }
        }
        sleeps
    }

    /// True if this receive went on waiting although the send had been made: TCP may send later what it was handed.
    fn waited_longer(&self, receive: usize, sent_ns: u64) -> bool {
        let span = self.span(receive);
        let least_ns = if span.entered_ns > sent_ns { BLOCKED_NS } else { AT_ONCE_NS };
        let since_ns = span.entered_ns.max(sent_ns);
        span.may_have_blocked() && span.returned_ns().saturating_sub(since_ns) >= least_ns
    }

    fn add_steps(&mut self, numbers: SeqNumbers) {
        let CallSteps { mut steps, blocked } = self.call_steps();
        let mut annotations = self.annotations();
        annotations.extend(self.asked_states());
        let ends = self.ends();
        annotations.extend(ends.iter().filter_map(ProcessEnd::step));
        let others: Vec<u64> = steps.iter().chain(&annotations).map(|step| step.at_ns).collect();
        steps.extend(annotations);
        steps.extend(self.segments(others, numbers));
        steps.sort_by_key(|step| step.at_ns);
        for (lane, from_ns, to_ns) in blocked {
            // Who was killed returns from no call, and waits no longer.
            let killed = ends.iter().find(|end| {
                from_ns < end.at_ns && end.lanes.iter().any(|(ended, _)| *ended == lane)
            });
            let to_ns = killed.map_or(to_ns, |end| to_ns.min(end.at_ns + 1));
            let start = steps.partition_point(|step| step.at_ns < from_ns);
            let meanwhile = steps[start..].iter_mut().take_while(|step| step.at_ns < to_ns);
            meanwhile.for_each(|step| step.blocked.push(lane));
        }
        for end in ends {
            for (lane, goes_on_ns) in end.lanes {
                let is_over = |step: &&mut Step| {
                    step.at_ns > end.at_ns && goes_on_ns.is_none_or(|at_ns| step.at_ns < at_ns)
                };
                for step in steps.iter_mut().filter(is_over) {
                    step.ended.push(lane);
                }
            }
        }
        self.steps = steps;
    }

    pub(super) fn is_stream(&self, index: usize) -> bool {
        self.span(index).socket.is_some_and(|socket| self.analysis.sockets[socket].is_stream())
    }
}

/// True if this call asks for the error of a socket for the first time since a connect() on it went on in the background: it learns
/// what came of that.
fn learns_of_connect(analysis: &Analysis, index: usize) -> bool {
    let asks = |span: &CallSpan| {
        let option = match &span.call.syscall {
            Syscall::GetOption { option } => option,
            _ => return false,
        };
        *option == SockOpt::Error && span.result().is_some() && !span.call.is_instrument()
    };
    let span = &analysis.calls[index];
    if !asks(span) || span.socket.is_none() {
        return false;
    }
    let before = analysis.calls[..index].iter().rev().filter(|other| other.socket == span.socket);
    before.take_while(|other| !asks(other)).any(CallSpan::is_under_way)
}

/// Calls that a ladder shows: those that the experiment made, but of the questions it asked the kernel only those that matter.
fn is_shown(span: &CallSpan, matters: bool) -> bool {
    let quiet =
        span.call.syscall.only_asks() || matches!(span.call.role, Role::ScopeEnd | Role::Kernel);
    !span.call.is_instrument() && (!quiet || matters || span.errno().is_some())
}
