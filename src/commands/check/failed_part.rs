//! The part of a run in which a requirement was not met: its picture, what looks wrong in it, and who was blocked.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use crate::analysis::Analysis;
use crate::capture::MOST_EVENTS;
use crate::commands::show::{self, Sentence};
use crate::commands::{Failure, Session};
use crate::i18n::tr;
use crate::labels;
use crate::lesson::Exercise;
use crate::picture::span_of;
use crate::trace::recording::{Recording, is_of};
use crate::trace::{
    self, Blocked, Call, Ending, Event, EventKind, ExitStatus, Note, Outcome, Return, SocketId,
    Syscall, Verdict,
};
use crate::views::{View, findings};

/// A program that was in one call for so long, in nanoseconds, did not answer because of that.
const LONG_NS: u64 = 2_000_000_000;

/// The events of a run from the beginning of a part to where a requirement was not met.
pub(super) struct FailedPart<'r> {
    recording: &'r Recording,
    start: usize,
    end: usize,
}

impl FailedPart<'_> {
    /// Where this requirement was not met, or where the run ended before it was tried.
    pub(super) fn of<'r>(recording: &'r Recording, claim: &str) -> FailedPart<'r> {
        let events = recording.events();
        let is_it = |event: &Event| matches!(&event.what, EventKind::Claim(it) if it.claim == claim && it.verdict == Verdict::Broken);
        let is_over = |event: &Event| matches!(event.what, EventKind::Deadline { .. });
        let end = events.iter().position(is_it).or_else(|| end_of_silent(recording));
        let end = end.or_else(|| events.iter().position(is_over)).unwrap_or(events.len());
        let is_part = |event: &Event| matches!(event.what, EventKind::Part { .. });
        let start = events[..end].iter().rposition(is_part).unwrap_or(0);
        FailedPart { recording, start, end }
    }

    /// The pictures of it, and what looks wrong in it.
    pub(super) fn show(&self, session: &mut Session, exercise: &Exercise) -> Result<(), Failure> {
        let is_findings = |view: &View| *view == findings::VIEW;
        let (of_findings, pictures): (Vec<View>, Vec<View>) =
            exercise.judge.views.iter().copied().partition(is_findings);
        show::pictures(session, &pictures, &self.events())?;
        let roles = self.own_roles(&exercise.roles);
        let blocked = self.blocked(&roles);
        show::sentences(session, &blocked)?;
        let is_found = !of_findings.is_empty() && self.findings(session, &roles)?;
        if blocked.is_empty() && !is_found {
            show::sentences(session, &self.last_calls(&roles))?;
        }
        Ok(())
    }

    /// Where the learner's programs hung, or what they did last.
    pub(super) fn sentences(&self, roles: &[String]) -> Vec<Sentence> {
        let roles = self.own_roles(roles);
        let blocked = self.blocked(&roles);
        if blocked.is_empty() { self.last_calls(&roles) } else { blocked }
    }

    /// The roles that it is about: that of the program that made calls in it, or all if none did.
    fn own_roles(&self, roles: &[String]) -> Vec<String> {
        self.role(roles).map_or_else(|| roles.to_vec(), |role| vec![role.to_owned()])
    }

    /// The role whose program made calls in it.
    pub(super) fn role<'e>(&self, roles: &'e [String]) -> Option<&'e str> {
        let calls = self.calls();
        let has_called = |role: &&String| calls.clone().any(|event| is_of(&event.actor, role));
        roles.iter().find(has_called).map(String::as_str)
    }

    /// Who else made calls in it, by the names that are shown.
    pub(super) fn peers(&self, roles: &[String]) -> BTreeSet<String> {
        let is_peer = |event: &&Event| !roles.iter().any(|role| is_of(&event.actor, role));
        let name = |event: &Event| labels::actor(&event.actor).into_owned();
        self.calls().filter(is_peer).map(name).collect()
    }

    /// The calls that were made in it.
    fn calls(&self) -> impl Iterator<Item = &Event> + Clone {
        let part = self.recording.events()[self.start..self.end].iter();
        part.filter(|event| matches!(event.what, EventKind::Enter(_)))
    }

    /// What happened in it, how its sockets came about before, and the calls that were under way when it began.
    fn events(&self) -> Recording {
        let (before, part) = self.recording.events()[..self.end].split_at(self.start);
        let sockets: HashSet<SocketId> = part.iter().flat_map(sockets_of).collect();
        // By process and number, the calls before that are about these sockets alone.
        let opens: HashSet<(u32, u64)> = before
            .iter()
            .filter_map(|event| match &event.what {
                EventKind::Return(back) if is_opening(&back.call.syscall) => {
                    let made = back.out.new_sockets().first().copied();
                    let socket = made.or(back.call.socket)?;
                    sockets.contains(&socket).then_some((event.process, back.call.id))
                }
                _ => None,
            })
            .collect();
        let under_way: HashSet<(u32, u64)> = pending(before)
            .filter(|(_, call)| !matches!(call.syscall, Syscall::Send { .. }))
            .map(|(event, call)| (event.process, call.id))
            .collect();
        let is_shown = |event: &&Event| match &event.what {
            EventKind::Enter(call) => {
                let call = (event.process, call.id);
                opens.contains(&call) || under_way.contains(&call)
            }
            EventKind::Return(back) => opens.contains(&(event.process, back.call.id)),
            EventKind::Claim(_) | EventKind::Part { .. } | EventKind::Wait { .. } => false,
            _ if is_end_of_another(event) => false,
            _ => true,
        };
        let entered: HashSet<(u32, u64)> = part
            .iter()
            .filter_map(|event| match &event.what {
                EventKind::Enter(call) => Some((event.process, call.id)),
                _ => None,
            })
            .collect();
        // What was sent before the part has been received before it, though the send returned later.
        let is_of_part = |event: &&Event| match &event.what {
            _ if is_end_of_another(event) => false,
            EventKind::Return(back) => {
                !matches!(back.call.syscall, Syscall::Send { .. })
                    || entered.contains(&(event.process, back.call.id))
            }
            _ => true,
        };
        let shown = before.iter().filter(is_shown).chain(part.iter().filter(is_of_part));
        self.recording.with_events(shown.cloned().collect())
    }

    /// What the learner's programs did wrong in it, by all that had happened before; false if nothing is known.
    fn findings(&self, session: &mut Session, roles: &[String]) -> Result<bool, Failure> {
        let events = self.recording.events()[..self.end].to_vec();
        let began_ns = events.get(self.start).map_or(0, |event| event.at_ns);
        let recording = self.recording.with_events(events);
        let found = {
            let analysis = Analysis::of(&recording);
            analysis.findings_where(|finding| {
                roles.iter().any(|role| is_of(&finding.who, role))
                    && analysis.calls[finding.calls[0]].entered_ns >= began_ns
            })
        };
        let is_known = !found.is_empty();
        if is_known {
            session.terminal.drawn(move |width| {
                findings::draw_these(&found, &Analysis::of(&recording), width)
            })?;
            session.terminal.blank()?;
        }
        Ok(is_known)
    }

    /// Where the learner's programs received, sent and closed last in it, or failed to; and what else failed last.
    fn last_calls(&self, roles: &[String]) -> Vec<Sentence> {
        let part = &self.recording.events()[self.start..self.end];
        let last = |is_it: fn(&Syscall, &Outcome) -> bool| {
            part.iter().rev().find_map(|event| match &event.what {
                EventKind::Return(Return { call, outcome, .. })
                    if is_it(&call.syscall, outcome)
                        && !is_try_again(outcome)
                        && call.socket.is_some()
                        && roles.iter().any(|role| is_of(&event.actor, role)) =>
                {
                    self.last_call(&event.actor, call, outcome)
                }
                _ => None,
            })
        };
        let failed = last(|call, outcome| is_opening(call) && matches!(outcome, Outcome::Errno(_)));
        let received = last(|call, _| matches!(call, Syscall::Recv { .. }));
        let sent = last(|call, _| matches!(call, Syscall::Send { .. }));
        let ended = last(|call, _| matches!(call, Syscall::Close | Syscall::Shutdown { .. }));
        [failed, received, sent, ended].into_iter().flatten().collect()
    }

    /// What came of this call, the last of its kind, if it is known where it was made.
    fn last_call(&self, actor: &str, call: &Call, outcome: &Outcome) -> Option<Sentence> {
        let source = call.site.as_ref()?;
        let (actor, function) = (labels::actor(actor), call.function());
        let text = match outcome {
            Outcome::Result(result) => tr!(
                "{actor}: its last {function}() in this part returned {result}, at {source}.",
                actor,
                function,
                result,
                source
            ),
            Outcome::Errno(error) => tr!(
                "{actor}: its last {function}() in this part failed with {error}, at {source}.",
                actor,
                function,
                error,
                source
            ),
        };
        Some(Sentence::at(text, self.recording, Some(source)))
    }

    /// Whether it ended with a program that had ended before it listened.
    fn is_not_listening(&self) -> bool {
        matches!(
            self.recording.ending(),
            Some(Ending::Failed { why: trace::Failure::NotListening { ended: Some(_), .. } })
        )
    }

    /// In which calls the learner's programs were for long when it ended; of a program that was in none, for how long it had
    /// made none.
    fn blocked(&self, roles: &[String]) -> Vec<Sentence> {
        let events = self.recording.events();
        let Some(now_ns) = events.get(self.end).or(events.last()).map(|event| event.at_ns) else {
            return Vec::new();
        };
        let mut told = Vec::new();
        for role in roles {
            let child = format!("{role} child");
            let its: Vec<&Event> =
                events[..self.end].iter().filter(|event| is_of(&event.actor, role)).collect();
            if let Some(sentence) = self.too_many(role, &its) {
                told.push(sentence);
                continue;
            }
            let is_over = its.iter().any(|event| matches!(event.what, EventKind::Exited { .. }));
            let in_calls: Vec<Blocked> = pending(its.iter().copied())
                .map(|(event, call)| {
                    let for_ns = now_ns.saturating_sub(event.at_ns);
                    Blocked { actor: event.actor.clone(), call: call.clone(), for_ns }
                })
                .collect();
            let is_in_none = in_calls.is_empty() && !is_over;
            let long = in_calls.iter().filter(|one| one.for_ns >= LONG_NS);
            told.extend(long.clone().map(|one| show::blocked(self.recording, one)));
            if long.clone().any(|one| one.call.fd == Some(0) && one.call.name == "read") {
                told.push(Sentence::plain(
                    tr!("That is its standard input: nothing more comes there. What it needs to know stands in its command line.").to_owned(),
                ));
            }
            if self.is_not_listening() && its.iter().any(|event| is_of(&event.actor, &child)) {
                let actor = labels::actor(role);
                told.push(Sentence::plain(tr!(
                    "{actor} has ended, and a child of it runs on. Only what the program itself does is judged: let it stay in the foreground.",
                    actor
                )));
            }
            let idle_ns = its.last().map_or(0, |event| now_ns.saturating_sub(event.at_ns));
            if is_in_none && idle_ns >= LONG_NS {
                let (actor, span) = (labels::actor(role), span_of(idle_ns));
                told.push(Sentence::plain(tr!(
                    "{actor} had made no call on a socket for {span}: it was busy, or waited for something else.",
                    actor,
                    span
                )));
            }
        }
        told
    }

    /// What is told of a program that made so many calls that not all are recorded, by the last of those that are.
    fn too_many(&self, actor: &str, its: &[&Event]) -> Option<Sentence> {
        let is_left_out =
            |event: &Event| matches!(event.what, EventKind::Note { note: Note::LeftOut { .. } });
        let start = its.iter().rposition(|event| matches!(event.what, EventKind::Execed { .. }))?;
        let is_full = (its.len() - start) as u64 > MOST_EVENTS / 10 * 9;
        if !is_full || !self.recording.events().iter().any(is_left_out) {
            return None;
        }
        let last = its.iter().rev().find_map(|event| match &event.what {
            EventKind::Enter(call) => Some(call),
            _ => None,
        })?;
        let source = last.site.as_ref();
        let at = show::at_source(source);
        let (actor, function) = (labels::actor(actor), last.function());
        let text = tr!(
            "{actor} made so many calls that only the first are recorded: it asks again and again, and does not wait. The last of those was {function}(){at}.",
            actor,
            function,
            at
        );
        Some(Sentence::at(text, self.recording, source))
    }
}

/// The calls among these events that have not returned, of threads that have not ended. One that the judge has ended, as it gave up, was
/// in its call till then.
fn pending<'e>(
    events: impl IntoIterator<Item = &'e Event, IntoIter: Clone>,
) -> impl Iterator<Item = (&'e Event, &'e Arc<Call>)> {
    let events = events.into_iter();
    let (mut returned, mut over) = (HashSet::new(), HashSet::new());
    let (mut signalled, mut killed) = (HashSet::new(), HashSet::new());
    for event in events.clone() {
        match &event.what {
            EventKind::Return(back) => {
                returned.insert((event.process, back.call.id));
            }
            EventKind::Signalled { .. } => {
                signalled.insert(event.process);
            }
            EventKind::Exited { status, .. } => {
                over.insert((event.process, event.thread));
                if matches!(status, Some(ExitStatus::Signal(signal)) if signal == "SIGKILL") {
                    killed.insert(event.process);
                }
            }
            _ => {}
        }
    }
    over.retain(|(process, _)| !killed.contains(process) || signalled.contains(process));
    events.filter_map(move |event| match &event.what {
        EventKind::Enter(call)
            if !returned.contains(&(event.process, call.id))
                && !over.contains(&(event.process, event.thread)) =>
        {
            Some((event, call))
        }
        _ => None,
    })
}

/// Where a program that did not listen did something for the last time, if that is why the run ended.
fn end_of_silent(recording: &Recording) -> Option<usize> {
    let Some(Ending::Failed { why: trace::Failure::NotListening { actor, .. } }) =
        recording.ending()
    else {
        return None;
    };
    let last = recording.events().iter().rposition(|event| is_of(&event.actor, actor));
    last.map(|at| at + 1)
}

/// Whether this tells that the judge has ended a program that it needed no more.
fn is_end_of_another(event: &Event) -> bool {
    matches!(event.what, EventKind::Deadline { interrupted: true, .. })
}

/// Whether a call has failed only because nothing was there yet: it is made again.
fn is_try_again(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Errno(name)
        if ["EAGAIN", "EWOULDBLOCK", "EINPROGRESS", "EINTR"].contains(&&**name))
}

/// The sockets that a call is about.
fn sockets_of(event: &Event) -> Vec<SocketId> {
    match &event.what {
        EventKind::Enter(call) => call.socket.into_iter().collect(),
        EventKind::Return(back) => {
            let made = back.out.new_sockets().iter().copied();
            back.call.socket.into_iter().chain(made).collect()
        }
        _ => Vec::new(),
    }
}

/// A call by which a socket or a connection comes about.
fn is_opening(call: &Syscall) -> bool {
    matches!(
        call,
        Syscall::Socket { .. }
            | Syscall::Bind { .. }
            | Syscall::Listen { .. }
            | Syscall::Accept { .. }
            | Syscall::Connect { .. }
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::script::{Script, here};
    use crate::trace::Value;

    /// What is told of a server that asked so often, if so many events were left out.
    fn told(asks: u64, left_out: Option<u64>) -> String {
        let mut script = Script::new();
        script.event("server", EventKind::Execed { argv: vec!["./server".to_owned()] });
        for _ in 0..asks {
            script.receives("server", 1, 64, "");
        }
        if let Some(events) = left_out {
            script.event("lab", EventKind::Note { note: Note::LeftOut { events } });
        }
        let recording = script.recording();
        let end = recording.events().len();
        let part = FailedPart { recording: &recording, start: 0, end };
        let sentences = part.blocked(&["server".to_owned()]);
        sentences.iter().map(Sentence::text).collect()
    }

    /// What is told of the last calls of the server in this script.
    fn last_calls(script: &Script) -> Vec<String> {
        let recording = script.recording();
        let end = recording.events().len();
        let part = FailedPart { recording: &recording, start: 0, end };
        let sentences = part.last_calls(&["server".to_owned()]);
        sentences.iter().map(|sentence| sentence.text().to_owned()).collect()
    }

    #[test]
    fn of_a_call_that_failed_it_is_told_that_it_did_and_not_what_the_one_before_returned() {
        let mut script = Script::new();
        script.receives("server", 1, 64, "hello");
        script.fails("server", 1, "recv", &[("size", Value::Number(64))], "ECONNRESET");
        let failed = "server: its last recv() in this part failed with ECONNRESET, at src/experiments/sample.rs:7.";
        assert_eq!(last_calls(&script), [failed]);
        script.fails("server", 1, "recv", &[("size", Value::Number(64))], "EAGAIN");
        assert_eq!(last_calls(&script), [failed], "to be asked again is no failure");
        let mut script = Script::new();
        script.call("server", 1, "listen", &[("backlog", Value::Number(5))], 0);
        assert_eq!(last_calls(&script), [""; 0]);
        script.fails("server", 1, "bind", &[("address", here(4000))], "EADDRINUSE");
        let [told] = &last_calls(&script)[..] else { panic!("one sentence") };
        assert!(told.starts_with("server: its last bind() in this part failed with EADDRINUSE"));
    }

    #[test]
    fn a_program_whose_calls_were_only_counted_is_not_said_to_have_made_none() {
        let asks = MOST_EVENTS / 2;
        assert!(
            told(asks, Some(7)).starts_with("server made so many calls"),
            "{}",
            told(asks, Some(7))
        );
        assert_eq!(told(asks, None), "");
        assert_eq!(told(10, Some(7)), "", "another program made too many");
    }
}
