//! The steps of calls: when each is drawn, as what, and who was blocked meanwhile.

use super::builder::{ArrowTarget, Builder};
use super::diagram::{Arrow, ArrowLikeness, Likeness, Line, Shape, Step};
use super::phrases::{after, connect_words};
use super::words::function_of;
use crate::analysis::{BLOCKED_NS, CallSpan};
use crate::i18n::tr;
use crate::picture::Ink;
use crate::trace::SyscallKind;

/// The steps of all calls, and which lanes were blocked from when to when.
#[derive(Default)]
pub(super) struct CallSteps {
    pub(super) steps: Vec<Step>,
    pub(super) blocked: Vec<(usize, u64, u64)>,
}

/// When something is drawn, and in which lane; a frame's is no one's.
struct RowTimes(Vec<(u64, usize)>);

impl RowTimes {
    /// True if something is drawn between these times that is not in this lane.
    fn others_between(&self, lane: usize, from_ns: u64, to_ns: u64) -> bool {
        let start = self.0.partition_point(|(at_ns, _)| *at_ns <= from_ns);
        let between = self.0[start..].iter().take_while(|(at_ns, _)| *at_ns < to_ns);
        between.into_iter().any(|(_, row_lane)| *row_lane != lane)
    }
}

impl Builder<'_> {
    pub(super) fn call_steps(&self) -> CallSteps {
        let rows = self.row_times();
        let mut all = CallSteps::default();
        self.shown.iter().for_each(|&index| self.add_call(index, &rows, &mut all));
        all
    }

    fn row_times(&self) -> RowTimes {
        let calls = self.shown.iter().filter(|index| !self.drawn_at.contains_key(index));
        let calls = calls.map(|&index| (self.row_ns(index), self.lane(index)));
        let frames = self.analysis.shown_wire().filter(|it| it.frame.layers.arp.is_none());
        let frames = frames
            .flat_map(|segment| segment.arrived_ns.iter().copied().chain([segment.left_ns]))
            .map(|at_ns| (at_ns, usize::MAX));
        let mut rows: Vec<(u64, usize)> = calls.chain(frames).collect();
        rows.sort_unstable();
        RowTimes(rows)
    }

    fn add_call(&self, index: usize, rows: &RowTimes, all: &mut CallSteps) {
        let (span, lane, at_ns) = (self.span(index), self.lane(index), self.row_ns(index));
        let may_block = span.may_have_blocked();
        if span.exit.is_none() && self.ended_its_process(span) {
            let words = self.by_thread(index, vec![format!("{} …", span.call.function())]);
            let ink = Ink::Plain;
            let shape = Shape::Call { lane, words, ink, joins: false };
            all.steps.push(Step::new(span.entered_ns, shape, self.likeness(index, None)));
            return;
        }
        if span.exit.is_none() && may_block {
            all.steps.push(self.entry(index, false));
            all.blocked.push((lane, span.entered_ns, u64::MAX));
            return;
        }
        if span.call.syscall.sleeps() {
            let until_ns = span.exit.as_ref().map_or(u64::MAX, |back| back.at_ns);
            all.blocked.push((lane, span.entered_ns, until_ns));
            if !self.begins(index) {
                let words = self.by_thread(index, vec![format!("{} …", function_of(span))]);
                let shape = Shape::Call { lane, words, ink: Ink::Plain, joins: false };
                let function = span.call.function().to_owned();
                let likeness = Likeness::Enter { lane, function };
                all.steps.push(Step::new(span.entered_ns, shape, likeness));
            }
        }
        let targets = self.targets.get(&index);
        let (long, wired_connect) = (is_long(span), self.is_wired_connect(index));
        let waited = may_block
            && targets.is_none()
            && at_ns > span.entered_ns
            && (long || wired_connect || rows.others_between(lane, span.entered_ns, at_ns));
        if waited {
            all.steps.push(self.entry(index, !long && !wired_connect));
            all.blocked.push((lane, span.entered_ns, at_ns));
        }
        match targets {
            _ if self.drawn_at.contains_key(&index) => {}
            Some(targets) => self.add_arrows(index, targets, rows, all),
            None => all.steps.push(self.call_without_arrow(index, waited)),
        }
    }

    /// A call that opens a connection of which the segments are shown.
    fn is_wired_connect(&self, index: usize) -> bool {
        self.span(index).is(SyscallKind::Connect) && self.is_stream(index) && self.is_wired(index)
    }

    /// What a call has in common with others like it.
    fn likeness(&self, index: usize, arrow: Option<ArrowLikeness>) -> Likeness {
        let span = self.span(index);
        Likeness::Call {
            lane: self.lane(index),
            function: span.call.function().to_owned(),
            errno: span.errno().map(str::to_owned),
            arrow,
        }
    }

    /// A call at its lane, or a connection that was refused.
    fn call_without_arrow(&self, index: usize, waited: bool) -> Step {
        let (span, lane) = (self.span(index), self.lane(index));
        let wired_connect = self.is_wired_connect(index);
        let took = waited && is_long(span);
        let refused = span.is(SyscallKind::Connect)
            && self.is_stream(index)
            && !wired_connect
            && !span.is_under_way();
        let shape = if let Some(errno) = span.errno().filter(|_| refused) {
            Shape::Arrow(Arrow {
                from: lane,
                to: None,
                line: Line::Control,
                tail: connect_words(span),
                data: None,
                head: Vec::new(),
                head_ink: Ink::Plain,
                head_counts: false,
                head_matters: false,
                stops: Some(errno.to_owned() + &after(span, took)),
            })
        } else {
            let (mut words, ink) = self.words(index, took);
            if waited && wired_connect && span.errno().is_none() {
                let result = span.result().unwrap_or_default();
                let text = tr!("connect returns {result}", result);
                words =
                    vec![text.clone() + &after(span, true), text, format!("connect = {result}")];
            }
            Shape::Call { lane, words: self.by_thread(index, words), ink, joins: joins(span) }
        };
        let transfers = (span.sending().is_some() || span.receives())
            && span.result().is_some_and(|bytes| bytes > 0);
        Step {
            uneventful: transfers && !self.analysis.wire.is_empty(),
            opens: opens(span),
            named: self.named(index),
            ..Step::new(self.row_ns(index), shape, self.likeness(index, None))
        }
    }

    fn add_arrows(
        &self,
        index: usize,
        targets: &[ArrowTarget],
        rows: &RowTimes,
        all: &mut CallSteps,
    ) {
        let (span, lane) = (self.span(index), self.lane(index));
        for target in targets {
            let arrow = Shape::Arrow(self.arrow(index, target));
            let alike = ArrowLikeness {
                to: target.to,
                head: target.head.map(|head| self.span(head).call.function().to_owned()),
                stops: target.stops.clone(),
            };
            let likeness = self.likeness(index, Some(alike));
            let named = self.named(index).filter(|_| span.is(SyscallKind::Connect));
            let step = Step::new(self.row_ns(index), arrow, likeness).opening(opens(span));
            all.steps.push(Step { named, ..step });
        }
        // A send or a connect that itself took its time.
        let done = targets.iter().map(|target| self.done_ns(index, target));
        let done_ns = done.min().unwrap_or_else(|| span.returned_ns());
        let long = done_ns.saturating_sub(span.entered_ns) >= BLOCKED_NS && !span.found_ready;
        if long && rows.others_between(lane, span.entered_ns, done_ns) {
            all.blocked.push((lane, span.entered_ns, done_ns));
            let function = span.call.function().to_owned();
            let result =
                span.exit.as_ref().map_or_else(String::new, |back| back.outcome.to_string());
            let text = format!("{function} = {result}");
            let words = self.by_thread(index, vec![text.clone() + &after(span, true), text]);
            let shape = Shape::Call { lane, words, ink: Ink::Plain, joins: false };
            let likeness = Likeness::Return { lane, function };
            all.steps.push(Step::new(done_ns, shape, likeness).opening(opens(span)));
        }
    }

    /// When a call has done its work. A send has when its receiver has all of it; if it returns later, its thread waited for a
    /// processor.
    fn done_ns(&self, index: usize, target: &ArrowTarget) -> u64 {
        let span = self.span(index);
        let sent = span.result().and_then(|sent| usize::try_from(sent).ok());
        let taken = target.partners.iter().filter_map(|taker| self.span(*taker).received());
        let has_all = target.line == Line::Data
            && sent.is_some_and(|sent| taken.map(|data| data.bytes).sum::<usize>() >= sent);
        let last_ns = target.partners.iter().map(|taker| self.span(*taker).returned_ns()).max();
        last_ns.filter(|_| has_all).map_or(span.returned_ns(), |last_ns| {
            span.returned_ns().min(last_ns.max(span.entered_ns))
        })
    }

    /// A call is entered, and is blocked.
    fn entry(&self, index: usize, minor: bool) -> Step {
        let uneventful = self.span(index).receives() && !self.analysis.wire.is_empty();
        let (span, lane) = (self.span(index), self.lane(index));
        let short = format!("{} …", function_of(span));
        let mut words = vec![tr!("{short} blocked", short), short.clone()];
        if let Some(address) = span.call.syscall.address().filter(|_| span.is(SyscallKind::Connect))
        {
            let port = address.port().map(|port| format!("connect :{port} …"));
            let full =
                [tr!("connect {address} … blocked", address), format!("connect {address} …")];
            words = full.into_iter().chain(port).chain([short]).collect();
        }
        let words = self.by_thread(index, words);
        let shape = Shape::Call { lane, words, ink: Ink::Warn, joins: false };
        Step {
            minor,
            uneventful,
            opens: opens(span),
            named: self.named(index).filter(|_| span.is(SyscallKind::Connect)),
            ..Step::new(
                span.entered_ns,
                shape,
                Likeness::Enter { lane, function: span.call.function().to_string() },
            )
        }
    }

    fn arrow(&self, index: usize, target: &ArrowTarget) -> Arrow {
        let (span, from) = (self.span(index), self.lane(index));
        let took = target.head.is_some_and(|head| {
            let back = self.span(head);
            back.took_ns() >= BLOCKED_NS && back.may_have_blocked()
        });
        let mut head_matters = false;
        let (head, head_ink) = match target.head {
            Some(head) => {
                let whole = target.partners.len() == 1 && self.took_only(head, index);
                head_matters = !whole && target.line == Line::Data;
                let (words, ink) = if whole {
                    (self.short_receive(head, took), Ink::Plain)
                } else {
                    self.words(head, took)
                };
                (self.by_thread(head, words), ink)
            }
            None if target.stops.is_some() => (Vec::new(), Ink::Faint),
            None => (self.meanwhile(index, target), Ink::Faint),
        };
        let data = span.sending().map(|data| {
            let sent =
                span.result().and_then(|sent| usize::try_from(sent).ok()).unwrap_or(data.bytes);
            let text = if data.kept.is_empty() { String::new() } else { data.to_string() };
            (text, sent)
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
            head_counts: target.head.is_none() && target.unread.is_some(),
            head_matters,
            stops: target.stops.clone(),
        }
    }
}

/// True if a call took so long that it is said, even if nobody else did anything meanwhile.
fn is_long(span: &CallSpan) -> bool {
    span.took_ns() >= BLOCKED_NS
}

/// True for a call that any connection needs to open, if it succeeded.
fn opens(span: &CallSpan) -> bool {
    use SyscallKind::{Accept, Bind, Connect, Listen, Socket};
    span.result().is_some()
        && [Socket, Bind, Listen, Connect, Accept].iter().any(|kind| span.is(*kind))
}

/// True for short calls that may share a row.
fn joins(span: &CallSpan) -> bool {
    span.errno().is_none() && span.call.syscall.sets_up()
}
