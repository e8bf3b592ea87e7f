//! From a recording to steps: which calls are shown, which arrows, who was blocked meanwhile.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::diagram::{Arrow, ArrowLikeness, Lane, Likeness, Line, Shape, Step};
use super::phrases::{after, connect_words, under_way};
use crate::analysis::{Analysis, CallSpan, Fate};
use crate::i18n::tr;
use crate::labels;
use crate::picture::Ink;
use crate::trace::{Name, Role, Syscall, SyscallKind};
use crate::views::SeqNumbers;

/// From here on a call is shown as blocked even if nobody else did anything meanwhile.
const NOTICEABLE_NS: u64 = 1_000_000;
/// A receive that was blocked when the send was made, and returned within this, is drawn at the send's arrow.
const AT_ONCE_NS: u64 = 10_000_000;
/// Where a call's arrow goes.
pub(super) struct ArrowTarget {
    pub(super) to: Option<usize>,
    pub(super) line: Line,
    /// The receiving calls, in order.
    pub(super) partners: Vec<usize>,
    stops: Option<String>,
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
                let made = &analysis.calls[*index];
                lane_of.contains_key(&made.actor) && is_shown(made, ends.contains(index))
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
        self.made(index).socket.is_some_and(|socket| self.wired.contains(&socket))
    }

    /// True if what this call does begins when it is entered: segments may leave before it returns.
    fn begins(&self, index: usize) -> bool {
        let made = self.made(index);
        let tells = matches!(
            made.call.syscall,
            Syscall::Send { .. } | Syscall::Shutdown { .. } | Syscall::Close
        );
        tells && self.is_wired(index) && made.errno().is_none()
    }

    pub(super) fn made(&self, index: usize) -> &'a CallSpan {
        &self.analysis.calls[index]
    }

    fn lane(&self, index: usize) -> usize {
        self.lane_of[&self.made(index).actor]
    }

    fn owner_lane(&self, socket: usize) -> Option<usize> {
        self.lane_of.get(&self.analysis.sockets[socket].owner).copied()
    }

    /// Which calls have an arrow, and where it goes. An arrow to one's own lane is none.
    fn plan_arrows(&mut self) {
        let analysis = self.analysis;
        let shown: HashSet<usize> = self.shown.iter().copied().collect();
        let mut targets: BTreeMap<usize, ArrowTarget> = BTreeMap::new();
        for message in &analysis.messages {
            let Some(send) = message
                .send
                .filter(|send| shown.contains(send) && analysis.calls[*send].exit.is_some())
            else {
                continue;
            };
            let to = message
                .receive
                .map(|receive| self.lane(receive))
                .or_else(|| message.to.and_then(|to| self.owner_lane(to)));
            let stops = match message.fate {
                // What a stream delivered lies there unread: it is not lost.
                Fate::NeverReceived if self.is_stream(send) => None,
                Fate::NeverReceived => Some(tr!("never received").to_owned()),
                Fate::NobodyThere => Some(tr!("nobody there").to_owned()),
                Fate::Unknown | Fate::Unsent => continue,
                Fate::Received | Fate::Cut(_) => None,
            };
            let target = targets.entry(send).or_insert_with(|| ArrowTarget {
                to,
                line: Line::Data,
                partners: Vec::new(),
                stops: stops.clone(),
            });
            target.partners.extend(message.receive.filter(|receive| shown.contains(receive)));
            if stops.is_none() {
                (target.to, target.stops) = (to, None);
            }
        }
        let accepted: HashMap<usize, usize> =
            analysis.connections.iter().map(|both| (both.connect, both.accept)).collect();
        for &index in &self.shown {
            let made = self.made(index);
            let is_stream = made.socket.is_some_and(|socket| analysis.sockets[socket].is_stream());
            if !made.is(SyscallKind::Connect)
                || !is_stream
                || (made.result().is_none() && !under_way(made))
            {
                continue;
            }
            let accept = accepted.get(&index).copied();
            let listener = made
                .call
                .syscall
                .address()
                .and_then(|address| analysis.listener_at(address, index));
            let to = accept
                .map(|accept| self.lane(accept))
                .or_else(|| listener.and_then(|listener| self.owner_lane(listener)));
            if to.is_some() {
                targets.insert(
                    index,
                    ArrowTarget {
                        to,
                        line: Line::Control,
                        partners: accept.into_iter().collect(),
                        stops: None,
                    },
                );
            }
        }
        for (told, heard) in analysis.directions.iter().filter_map(|direction| direction.end) {
            if shown.contains(&told) && shown.contains(&heard) {
                let to = Some(self.lane(heard));
                targets.insert(
                    told,
                    ArrowTarget { to, line: Line::Control, partners: vec![heard], stops: None },
                );
            }
        }
        targets
            .retain(|index, target| target.to != Some(self.lane(*index)) && !self.is_wired(*index));
        self.targets = targets;
    }

    /// When a call has its row: an arrow when it begins, anything else when it returns.
    fn row_ns(&self, index: usize) -> u64 {
        let made = self.made(index);
        match (self.met.get(&index), &made.exit) {
            (Some(&arrow), _) => self.made(arrow).entered_ns,
            (None, Some(back)) if !self.targets.contains_key(&index) && !self.begins(index) => {
                back.at_ns
            }
            _ => made.entered_ns,
        }
    }

    /// Which receives are drawn at the head of the arrow that they got: those that follow it at once.
    fn meet(&mut self) {
        let mut times: Vec<u64> = self.shown.iter().map(|&index| self.row_ns(index)).collect();
        times.sort_unstable();
        let mut sources: HashMap<usize, Vec<usize>> = HashMap::new();
        for (&send, target) in &self.targets {
            target
                .partners
                .iter()
                .for_each(|&receive| sources.entry(receive).or_default().push(send));
        }
        for (&send, target) in &self.targets {
            let Some(&receive) = target.partners.first() else {
                continue;
            };
            let (sent, got) = (self.made(send).entered_ns, self.made(receive));
            let from = &sources[&receive];
            if from.last() != Some(&send) || got.returned_ns() < sent {
                continue;
            }
            let between = times.partition_point(|at| *at < got.returned_ns())
                - times.partition_point(|at| *at <= sent);
            let was_waiting =
                from.len() == 1 && got.entered_ns <= sent && got.returned_ns() - sent < AT_ONCE_NS;
            if between == 0 || was_waiting {
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
            let (made, lane, at_ns) = (self.made(index), self.lane(index), self.row_ns(index));
            let took_ns = made.returned_ns().saturating_sub(made.entered_ns);
            let long = took_ns >= NOTICEABLE_NS;
            let has_arrow = self.targets.contains_key(&index);
            let waited = made.call.syscall.may_block() && !has_arrow && at_ns > made.entered_ns;
            let wired_connect =
                made.is(SyscallKind::Connect) && self.is_stream(index) && self.is_wired(index);
            let waited =
                waited && (long || wired_connect || others_between(lane, made.entered_ns, at_ns));
            if made.exit.is_none() && made.call.syscall.may_block() {
                steps.push(self.entry(index, false));
                blocked.push((lane, made.entered_ns, u64::MAX));
                continue;
            }
            if waited {
                steps.push(self.entry(index, !long && !wired_connect));
                blocked.push((lane, made.entered_ns, at_ns));
            }
            if self.met.contains_key(&index) {
                continue;
            }
            let (mut words, ink) = self.words(index, waited && long);
            if waited && wired_connect && made.errno().is_none() {
                let text =
                    tr!("connect returns {result}", result = made.result().unwrap_or_default());
                words = vec![
                    text.clone() + &after(made, true),
                    text,
                    format!("connect = {}", made.result().unwrap_or_default()),
                ];
            }
            let likeness = |arrow| Likeness::Call {
                lane,
                function: made.call.function().to_string(),
                errno: made.errno().map(str::to_owned),
                arrow,
            };
            let Some(target) = self.targets.get(&index) else {
                let stops = made.errno().filter(|_| {
                    made.is(SyscallKind::Connect) && self.is_stream(index) && !wired_connect
                });
                let shape = match stops {
                    Some(errno) => Shape::Arrow(Arrow {
                        from: lane,
                        to: None,
                        line: Line::Control,
                        tail: connect_words(made),
                        data: None,
                        head: Vec::new(),
                        head_ink: Ink::Plain,
                        head_matters: false,
                        stops: Some(errno.to_owned() + &after(made, waited && long)),
                    }),
                    None => Shape::Call { lane, words, ink, joins: joins(made) },
                };
                let transfers = (made.sending().is_some() || made.receives())
                    && made.result().is_some_and(|bytes| bytes > 0);
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
                head: head.map(|head| self.made(head).call.function().to_string()),
                stops: target.stops.clone(),
            };
            steps.push(Step::new(at_ns, Shape::Arrow(arrow), likeness(Some(alike))));
            // A send or a connect that itself took its time.
            if long && others_between(lane, made.entered_ns, made.returned_ns()) {
                blocked.push((lane, made.entered_ns, made.returned_ns()));
                let result =
                    made.exit.as_ref().map_or_else(String::new, |back| back.outcome.to_string());
                let text = format!("{} = {result}", made.call.function());
                let words = vec![text.clone() + &after(made, true), text];
                let shape = Shape::Call { lane, words, ink: Ink::Plain, joins: false };
                steps.push(Step::new(
                    made.returned_ns(),
                    shape,
                    Likeness::Return { lane, function: made.call.function().to_string() },
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
        self.made(index).socket.is_some_and(|socket| self.analysis.sockets[socket].is_stream())
    }

    /// A call is entered, and is blocked.
    fn entry(&self, index: usize, minor: bool) -> Step {
        let uneventful = self.made(index).receives() && !self.analysis.wire.is_empty();
        let (made, lane) = (self.made(index), self.lane(index));
        let short = format!("{} …", made.call.function());
        let mut words = vec![tr!("{short} blocked", short), short.clone()];
        if let Some(address) = made.call.syscall.address().filter(|_| made.is(SyscallKind::Connect))
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
                made.entered_ns,
                shape,
                Likeness::Enter { lane, function: made.call.function().to_string() },
            )
        }
    }

    fn arrow(&self, index: usize, target: &ArrowTarget, head: Option<usize>) -> Arrow {
        let (made, from) = (self.made(index), self.lane(index));
        let took = head.is_some_and(|head| {
            let back = self.made(head);
            back.returned_ns().saturating_sub(back.entered_ns) >= NOTICEABLE_NS
                && back.entered_ns < made.entered_ns
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
        let data = made.sending().map(|data| {
            let sent =
                made.result().and_then(|sent| usize::try_from(sent).ok()).unwrap_or(data.bytes);
            (data.to_string(), sent)
        });
        let tail = match target.line {
            Line::Data => {
                let function = made.call.function().to_string();
                let given = made.sending().map_or(0, |data| data.bytes);
                let sent = data.as_ref().map_or(0, |(_, sent)| *sent);
                if sent < given {
                    vec![tr!("{function} = {sent} of {given}", function, sent, given), function]
                } else {
                    vec![function]
                }
            }
            Line::Control if made.is(SyscallKind::Connect) => connect_words(made),
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
fn is_shown(made: &CallSpan, is_end: bool) -> bool {
    let quiet = made.call.syscall.only_asks() || made.call.role == Role::ScopeEnd;
    !made.call.is_instrument() && (!quiet || is_end || made.errno().is_some())
}

/// True for short calls that may share a row.
fn joins(made: &CallSpan) -> bool {
    made.errno().is_none() && made.call.syscall.sets_up()
}
