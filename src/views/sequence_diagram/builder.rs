//! From a recording to steps: which calls are shown, which arrows, who was blocked meanwhile.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::diagram::{Arrow, ArrowLikeness, Lane, Likeness, Line, Shape, Step};
use super::phrases::{after, connect_words};
use crate::analysis::{Analysis, BLOCKED_NS, CallSpan, Delivered, Loss, Unread};
use crate::i18n::tr;
use crate::labels;
use crate::picture::Ink;
use crate::trace::{Name, Role, Syscall, SyscallKind};
use crate::views::SeqNumbers;

/// Where a call's arrow goes.
pub(super) struct ArrowTarget {
    pub(super) to: Option<usize>,
    pub(super) line: Line,
    /// The receiving calls, in order.
    pub(super) partners: Vec<usize>,
    /// Why it does not arrive, in words.
    stops: Option<String>,
    /// The call that is drawn at its head if nothing is drawn in between.
    completes: Option<usize>,
    /// True if that call is drawn there in any case: it was waiting for this.
    wakes: bool,
    pub(super) unread: Option<Unread>,
}

pub(super) struct Builder<'a> {
    pub(super) analysis: &'a Analysis<'a>,
    lanes: Vec<Lane>,
    pub(super) lane_of: HashMap<Name, usize>,
    /// The sockets whose segments are shown.
    wired: HashSet<usize>,
    /// The calls that are shown, by index into the analysis.
    pub(super) shown: Vec<usize>,
    targets: BTreeMap<usize, ArrowTarget>,
    /// Receiving calls that are drawn at the head of this call's arrow.
    met: HashMap<usize, usize>,
    steps: Vec<Step>,
}

impl<'a> Builder<'a> {
    pub(super) fn new(analysis: &'a Analysis<'a>) -> Builder<'a> {
        let (mut lanes, mut lane_of) = (Vec::new(), HashMap::new());
        for event in analysis.recording.events().iter().filter(|event| event.is_by_actor()) {
            lane_of.entry(event.actor.clone()).or_insert_with(|| {
                lanes.push(Lane {
                    name: labels::actor(&event.actor).into_owned(),
                    process: event.process,
                });
                lanes.len() - 1
            });
        }
        // An end of the wire that is nobody's has a lane all the same.
        let process = lanes.first().map_or(0, |lane| lane.process);
        for name in analysis
            .wire
            .iter()
            .filter(|segment| segment.frame.layers.arp.is_none())
            .flat_map(|segment| [&segment.from, &segment.to])
        {
            lane_of.entry(name.clone()).or_insert_with(|| {
                lanes.push(Lane { name: labels::actor(name).into_owned(), process });
                lanes.len() - 1
            });
        }
        let wired = analysis.wire.iter().filter_map(|segment| segment.socket).collect();
        let ends: HashSet<usize> = analysis
            .directions
            .iter()
            .filter_map(|direction| direction.end)
            .map(|(told, _)| told)
            .collect();
        let shown = (0..analysis.calls.len())
            .filter(|index| {
                let span = &analysis.calls[*index];
                lane_of.contains_key(&span.actor) && is_shown(span, ends.contains(index))
            })
            .collect();
        Builder {
            analysis,
            lanes,
            lane_of,
            wired,
            shown,
            targets: BTreeMap::new(),
            met: HashMap::new(),
            steps: Vec::new(),
        }
    }

    /// The steps, in order, and the lanes.
    pub(super) fn build(mut self, numbers: SeqNumbers) -> (Vec<Step>, Vec<Lane>) {
        self.plan_arrows();
        self.meet();
        self.add_steps(numbers);
        (self.steps, self.lanes)
    }

    /// True if what this call does is seen in segments.
    pub(super) fn is_wired(&self, index: usize) -> bool {
        self.span(index).socket.is_some_and(|socket| self.wired.contains(&socket))
    }

    /// True if what this call does begins when it is entered: segments may leave before it returns.
    fn begins(&self, index: usize) -> bool {
        let span = self.span(index);
        let tells = matches!(
            span.call.syscall,
            Syscall::Send { .. } | Syscall::Shutdown { .. } | Syscall::Close
        );
        tells && self.is_wired(index) && span.errno().is_none()
    }

    pub(super) fn span(&self, index: usize) -> &'a CallSpan {
        &self.analysis.calls[index]
    }

    fn lane(&self, index: usize) -> usize {
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
            if to == Some(self.lane(delivery.call)) {
                continue;
            }
            let (line, unread) = match delivery.what {
                Delivered::Data(unread) => (Line::Data, unread),
                Delivered::Connection | Delivered::End => (Line::Control, None),
            };
            let stops = delivery.lost.map(|loss| match loss {
                Loss::NeverReceived => tr!("never received").to_owned(),
                Loss::NobodyThere => tr!("nobody there").to_owned(),
            });
            let target = ArrowTarget {
                to,
                line,
                partners: taken_by().collect(),
                stops,
                completes: delivery.completes.filter(|call| shown.contains(call)),
                wakes: delivery.wakes,
                unread,
            };
            self.targets.insert(delivery.call, target);
        }
    }

    /// When a call has its row: an arrow when it begins, anything else when it returns.
    fn row_ns(&self, index: usize) -> u64 {
        let span = self.span(index);
        match (self.met.get(&index), &span.exit) {
            (Some(&arrow), _) => self.span(arrow).entered_ns,
            (None, Some(back)) if !self.targets.contains_key(&index) && !self.begins(index) => {
                back.at_ns
            }
            _ => span.entered_ns,
        }
    }

    /// Which receives are drawn at the head of the arrow that they got: those that follow it at once.
    fn meet(&mut self) {
        let mut times: Vec<u64> = self.shown.iter().map(|&index| self.row_ns(index)).collect();
        times.sort_unstable();
        for (&send, target) in &self.targets {
            let Some(receive) = target.completes else { continue };
            let (sent_ns, got_ns) = (self.span(send).entered_ns, self.span(receive).returned_ns());
            let between = times.partition_point(|at_ns| *at_ns < got_ns)
                > times.partition_point(|at_ns| *at_ns <= sent_ns);
            if target.wakes || !between {
                self.met.insert(receive, send);
            }
        }
    }

    fn add_steps(&mut self, numbers: SeqNumbers) {
        let heads: HashMap<usize, usize> =
            self.met.iter().map(|(receive, send)| (*send, *receive)).collect();
        let mut rows: Vec<(u64, usize)> = Vec::new();
        for &index in &self.shown {
            if !self.met.contains_key(&index) {
                rows.push((self.row_ns(index), self.lane(index)));
            }
        }
        let sightings =
            self.analysis.wire.iter().filter(|segment| segment.frame.layers.arp.is_none());
        rows.extend(
            sightings
                .flat_map(|segment| segment.arrived_ns.iter().copied().chain([segment.left_ns]))
                .map(|at| (at, usize::MAX)),
        );
        rows.sort_unstable();
        let others_between = |lane: usize, from: u64, to: u64| {
            let start = rows.partition_point(|(at, _)| *at <= from);
            rows[start..]
                .iter()
                .take_while(|(at, _)| *at < to)
                .any(|(_, row_lane)| *row_lane != lane)
        };
        let mut steps = Vec::new();
        let mut blocked: Vec<(usize, u64, u64)> = Vec::new();
        for &index in &self.shown {
            let (span, lane, at_ns) = (self.span(index), self.lane(index), self.row_ns(index));
            let took_ns = span.returned_ns().saturating_sub(span.entered_ns);
            let long = took_ns >= BLOCKED_NS;
            let has_arrow = self.targets.contains_key(&index);
            let may_block = span.call.syscall.may_block() && !span.nonblocking;
            let waited = may_block && !has_arrow && at_ns > span.entered_ns;
            let wired_connect =
                span.is(SyscallKind::Connect) && self.is_stream(index) && self.is_wired(index);
            let waited =
                waited && (long || wired_connect || others_between(lane, span.entered_ns, at_ns));
            if span.exit.is_none() && may_block {
                steps.push(self.entry(index, false));
                blocked.push((lane, span.entered_ns, u64::MAX));
                continue;
            }
            if waited {
                steps.push(self.entry(index, !long && !wired_connect));
                blocked.push((lane, span.entered_ns, at_ns));
            }
            if self.met.contains_key(&index) {
                continue;
            }
            let (mut words, ink) = self.words(index, waited && long);
            if waited && wired_connect && span.errno().is_none() {
                let text =
                    tr!("connect returns {result}", result = span.result().unwrap_or_default());
                words = vec![
                    text.clone() + &after(span, true),
                    text,
                    format!("connect = {}", span.result().unwrap_or_default()),
                ];
            }
            let likeness = |arrow| Likeness::Call {
                lane,
                function: span.call.function().to_string(),
                errno: span.errno().map(str::to_owned),
                arrow,
            };
            let Some(target) = self.targets.get(&index) else {
                let stops = span.errno().filter(|_| {
                    span.is(SyscallKind::Connect) && self.is_stream(index) && !wired_connect
                });
                let shape = match stops {
                    Some(errno) => Shape::Arrow(Arrow {
                        from: lane,
                        to: None,
                        line: Line::Control,
                        tail: connect_words(span),
                        data: None,
                        head: Vec::new(),
                        head_ink: Ink::Plain,
                        head_matters: false,
                        stops: Some(errno.to_owned() + &after(span, waited && long)),
                    }),
                    None => Shape::Call { lane, words, ink, joins: joins(span) },
                };
                let transfers = (span.sending().is_some() || span.receives())
                    && span.result().is_some_and(|bytes| bytes > 0);
                steps.push(Step {
                    uneventful: transfers && !self.analysis.wire.is_empty(),
                    ..Step::new(at_ns, shape, likeness(None))
                });
                continue;
            };
            let head = heads.get(&index).copied();
            let arrow = self.arrow(index, target, head);
            let alike = ArrowLikeness {
                to: target.to,
                head: head.map(|head| self.span(head).call.function().to_string()),
                stops: target.stops.clone(),
            };
            steps.push(Step::new(at_ns, Shape::Arrow(arrow), likeness(Some(alike))));
            // A send or a connect that itself took its time.
            if long && others_between(lane, span.entered_ns, span.returned_ns()) {
                blocked.push((lane, span.entered_ns, span.returned_ns()));
                let result =
                    span.exit.as_ref().map_or_else(String::new, |back| back.outcome.to_string());
                let text = format!("{} = {result}", span.call.function());
                let words = vec![text.clone() + &after(span, true), text];
                let shape = Shape::Call { lane, words, ink: Ink::Plain, joins: false };
                steps.push(Step::new(
                    span.returned_ns(),
                    shape,
                    Likeness::Return { lane, function: span.call.function().to_string() },
                ));
            }
        }
        let mut annotations = self.annotations();
        annotations.extend(self.asked_states());
        let others: Vec<u64> = steps.iter().chain(&annotations).map(|step| step.at_ns).collect();
        steps.extend(annotations);
        steps.extend(self.segments(others, numbers));
        steps.sort_by_key(|step| step.at_ns);
        for (lane, from, to) in blocked {
            let start = steps.partition_point(|step| step.at_ns < from);
            steps[start..]
                .iter_mut()
                .take_while(|step| step.at_ns < to)
                .for_each(|step| step.blocked.push(lane));
        }
        self.steps = steps;
    }

    pub(super) fn is_stream(&self, index: usize) -> bool {
        self.span(index).socket.is_some_and(|socket| self.analysis.sockets[socket].is_stream())
    }

    /// A call is entered, and is blocked.
    fn entry(&self, index: usize, minor: bool) -> Step {
        let uneventful = self.span(index).receives() && !self.analysis.wire.is_empty();
        let (span, lane) = (self.span(index), self.lane(index));
        let short = format!("{} …", span.call.function());
        let mut words = vec![tr!("{short} blocked", short), short.clone()];
        if let Some(address) = span.call.syscall.address().filter(|_| span.is(SyscallKind::Connect))
        {
            let port = address.port().map(|port| format!("connect :{port} …"));
            let full =
                [tr!("connect {address} … blocked", address), format!("connect {address} …")];
            words = full.into_iter().chain(port).chain([short]).collect();
        }
        let shape = Shape::Call { lane, words, ink: Ink::Warn, joins: false };
        Step {
            minor,
            uneventful,
            ..Step::new(
                span.entered_ns,
                shape,
                Likeness::Enter { lane, function: span.call.function().to_string() },
            )
        }
    }

    fn arrow(&self, index: usize, target: &ArrowTarget, head: Option<usize>) -> Arrow {
        let (span, from) = (self.span(index), self.lane(index));
        let took = head.is_some_and(|head| {
            let back = self.span(head);
            back.returned_ns().saturating_sub(back.entered_ns) >= BLOCKED_NS
                && back.entered_ns < span.entered_ns
        });
        let mut head_matters = false;
        let (head, head_ink) = match head {
            Some(head) => {
                let whole = target.partners.len() == 1 && self.took_only(head, index);
                head_matters = !whole && target.line == Line::Data;
                if whole {
                    (self.short_receive(head, took), Ink::Plain)
                } else {
                    self.words(head, took)
                }
            }
            None if target.stops.is_some() => (Vec::new(), Ink::Faint),
            None => (self.meanwhile(index, target), Ink::Faint),
        };
        let data = span.sending().map(|data| {
            let sent =
                span.result().and_then(|sent| usize::try_from(sent).ok()).unwrap_or(data.bytes);
            (data.to_string(), sent)
        });
        let tail = match target.line {
            Line::Data => {
                let function = span.call.function().to_string();
                let given = span.sending().map_or(0, |data| data.bytes);
                let sent = data.as_ref().map_or(0, |(_, sent)| *sent);
                if sent < given {
                    vec![tr!("{function} = {sent} of {given}", function, sent, given), function]
                } else {
                    vec![function]
                }
            }
            Line::Control if span.is(SyscallKind::Connect) => connect_words(span),
            Line::Control => self.words(index, false).0,
        };
        Arrow {
            from,
            to: target.to,
            line: target.line,
            tail,
            data,
            head,
            head_ink,
            head_matters,
            stops: target.stops.clone(),
        }
    }
}

/// Calls that a ladder shows: those that the experiment made, but not the questions it asked the kernel.
fn is_shown(span: &CallSpan, is_end: bool) -> bool {
    let quiet = span.call.syscall.only_asks() || span.call.role == Role::ScopeEnd;
    !span.call.is_instrument() && (!quiet || is_end || span.errno().is_some())
}

/// True for short calls that may share a row.
fn joins(span: &CallSpan) -> bool {
    span.errno().is_none() && span.call.syscall.sets_up()
}
