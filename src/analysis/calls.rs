//! Calls, each from entry to return.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::Analysis;
use crate::trace::recording::Origin;
use crate::trace::{
    Call, Data, Event, EventKind, ExitStatus, Name, Outcome, Output, PAUSES_PER_LINE, Role,
    SocketId, SocketType, Syscall, SyscallKind,
};

/// A call that took longer than this is taken to have been blocked, in nanoseconds; no other call takes as long.
pub const BLOCKED_NS: u64 = 1_000_000;

/// A signal that cuts a call short is recorded so long after the call's return at most, if not before it, in nanoseconds.
const SIGNAL_NS: u64 = 100_000_000;

/// A system call from entry to return.
#[derive(Clone, Debug)]
pub struct CallSpan {
    /// Who made it.
    pub actor: Name,
    /// In which process.
    pub process: u32,
    /// By which thread.
    pub thread: u32,
    /// The call.
    pub call: Arc<Call>,
    /// The socket it was made on, as an index into [`Analysis::sockets`].
    pub socket: Option<usize>,
    /// True if that socket was in non-blocking mode: however long the call took, it waited for nothing but a processor.
    pub nonblocking: bool,
    /// True if there was something to receive, to accept or to report, or room to send, before it was entered, or if it was no
    /// call for that socket: it waited for nothing but a processor.
    pub found_ready: bool,
    /// When it was entered, in nanoseconds since the run began.
    pub entered_ns: u64,
    /// How and when it returned; `None` if it never did.
    pub exit: Option<Exit>,
    /// For a connect() that returned EINPROGRESS: how it ended, as far as something tells.
    pub(super) ended: Option<Outcome>,
}

/// The return of a call.
#[derive(Clone, Debug)]
pub struct Exit {
    /// When.
    pub at_ns: u64,
    /// With what.
    pub outcome: Outcome,
    /// What the kernel filled in.
    pub out: Output,
}

/// What Linux calls an error that was recorded by the name that its system has for it: what reads recordings knows Linux's names.
pub(super) fn of_linux(name: &str, is_connect: bool) -> &str {
    let Some(bare) = name.strip_prefix("WSA").filter(|bare| bare.starts_with('E')) else {
        return name;
    };
    match bare {
        "EWOULDBLOCK" if is_connect => "EINPROGRESS",
        // Winsock tells the two apart.
        "EWOULDBLOCK" => "EAGAIN",
        "ETIMEDOUT" if !is_connect => "EAGAIN",
        "ESHUTDOWN" => "EPIPE",
        _ => bare,
    }
}

impl CallSpan {
    /// The return value, if it returned without an error.
    pub fn result(&self) -> Option<i64> {
        match self.exit.as_ref()?.outcome {
            Outcome::Result(result) => Some(result),
            Outcome::Errno(_) => None,
        }
    }

    /// The name of the error it returned with.
    pub fn errno(&self) -> Option<&str> {
        match &self.exit.as_ref()?.outcome {
            Outcome::Result(_) => None,
            Outcome::Errno(name) => Some(name),
        }
    }

    /// That error by the name that Linux has for it, whatever system it was recorded on.
    pub fn error(&self) -> Option<&str> {
        Some(of_linux(self.errno()?, self.is(SyscallKind::Connect)))
    }

    /// When it returned; the end of time if it never did.
    pub fn returned_ns(&self) -> u64 {
        self.exit.as_ref().map_or(u64::MAX, |back| back.at_ns)
    }

    /// How long it took; to the end of time if it never returned.
    pub fn took_ns(&self) -> u64 {
        self.returned_ns().saturating_sub(self.entered_ns)
    }

    /// True if it failed only because what it waits for is not there yet.
    pub fn fails_for_now(&self) -> bool {
        matches!(self.error(), Some("EAGAIN" | "EWOULDBLOCK" | "EINPROGRESS" | "EALREADY"))
    }

    /// True if it is a connect that goes on after it has returned.
    pub fn is_under_way(&self) -> bool {
        self.is(SyscallKind::Connect) && self.error() == Some("EINPROGRESS")
    }

    /// True if it is a connect that succeeded, at once or later.
    pub fn connected(&self) -> bool {
        let later = matches!(self.ended, Some(Outcome::Result(_)));
        self.is(SyscallKind::Connect) && (self.result().is_some() || later)
    }

    /// The name of the error with which it failed: at once, or for a connect that was under way, later.
    pub fn failure(&self) -> Option<&str> {
        match &self.ended {
            Some(Outcome::Errno(name)) => Some(name),
            _ => self.errno(),
        }
    }

    /// What it handed to the kernel, if it is a sending call.
    pub fn sending(&self) -> Option<&Data> {
        match &self.call.syscall {
            Syscall::Send { data, .. } => Some(data),
            _ => None,
        }
    }

    /// What it got, if it is a receiving call that has returned without an error.
    pub fn received(&self) -> Option<&Data> {
        match &self.exit.as_ref()?.out {
            Output::Received { data, .. } => Some(data),
            _ => None,
        }
    }

    /// True if it is a receiving call, returned or not.
    pub fn receives(&self) -> bool {
        self.is(SyscallKind::Recv)
    }

    /// True if it may have waited for its peer, for room or for a time: it is of such a kind, and nothing tells otherwise.
    pub fn may_have_blocked(&self) -> bool {
        let syscall = &self.call.syscall;
        syscall.may_block() && !syscall.only_looks() && !self.nonblocking && !self.found_ready
    }

    /// True if it looks at what is there and leaves it there.
    pub fn peeks(&self) -> bool {
        matches!(&self.call.syscall, Syscall::Recv { flags, .. } if flags.peek())
    }

    /// Bytes that it took out of the socket (a datagram that was cut counts as what was delivered of it).
    pub fn taken(&self) -> Option<usize> {
        self.received().filter(|_| !self.peeks()).map(|data| data.bytes)
    }

    pub(super) fn sent(&self) -> Option<usize> {
        self.sending()?;
        usize::try_from(self.result()?).ok()
    }

    /// True for a call of this kind.
    pub fn is(&self, kind: SyscallKind) -> bool {
        self.call.kind() == kind
    }
}

/// Which sockets are in non-blocking mode, and which take messages that may be empty, as the calls come.
#[derive(Debug, Default)]
pub struct SocketModes {
    nonblocking: HashSet<SocketId>,
    datagram: HashSet<SocketId>,
}

impl SocketModes {
    /// True if this call, which comes next, is made on a socket in non-blocking mode.
    pub fn is_nonblocking(&mut self, call: &Call) -> bool {
        let Some(socket) = call.socket else { return false };
        match &call.syscall {
            Syscall::Send { flags, .. } | Syscall::Recv { flags, .. } if flags.dont_wait() => true,
            Syscall::SetFlags { nonblocking: true, .. } => {
                self.nonblocking.insert(socket);
                false
            }
            Syscall::SetFlags { nonblocking: false, .. } => {
                self.nonblocking.remove(&socket);
                false
            }
            _ => self.nonblocking.contains(&socket),
        }
    }

    /// This call has filled in this: sockets may be in non-blocking mode from the start.
    pub fn learn(&mut self, call: &Call, out: &Output) {
        if let Syscall::Socket { flags, .. }
        | Syscall::SocketPair { flags, .. }
        | Syscall::Accept { flags } = &call.syscall
            && flags.nonblocking()
        {
            self.nonblocking.extend(out.new_sockets());
        }
        if let Syscall::Socket { kind, .. } | Syscall::SocketPair { kind, .. } = &call.syscall
            && *kind == SocketType::Datagram
        {
            self.datagram.extend(out.new_sockets());
        }
    }

    /// True if this call is made on a socket of datagrams: one of 0 bytes is no end.
    pub fn has_empty_messages(&self, call: &Call) -> bool {
        call.socket.is_some_and(|socket| self.datagram.contains(&socket))
    }
}

/// The calls that have not returned so far, and those that a stepped run holds before they are made.
#[derive(Debug)]
pub struct OpenCalls<'e> {
    /// Those that the program has entered, each with the event that says so.
    pub entered: Vec<(&'e Event, &'e Call)>,
    /// Those that are held.
    pub held: Vec<(&'e Event, &'e Call)>,
}

impl<'e> OpenCalls<'e> {
    /// Those of a run of which this has happened so far.
    pub fn after(events: &'e [Event]) -> OpenCalls<'e> {
        let (mut entered, mut held) = (Vec::new(), Vec::new());
        let end = |open: &mut Vec<(&Event, &Call)>, process: u32, id: u64| {
            open.retain(|(event, call)| (event.process, call.id) != (process, id));
        };
        for event in events {
            match &event.what {
                EventKind::Held(call) => held.push((event, &**call)),
                EventKind::Enter(call) => {
                    end(&mut held, event.process, call.id);
                    if call.role == Role::Program {
                        entered.push((event, &**call));
                    }
                }
                EventKind::Return(back) => end(&mut entered, event.process, back.call.id),
                // Who was killed, or whose program was replaced, returns from no call, and makes none.
                EventKind::Exited { .. } | EventKind::Execed { .. } => {
                    for open in [&mut entered, &mut held] {
                        open.retain(|(other, _)| !event.ends(other));
                    }
                }
                _ => {}
            }
        }
        OpenCalls { entered, held }
    }
}

/// True if the actor has been held before this call at this line so often that it is not held there again.
pub fn is_run_through(events: &[Event], held: &Event) -> bool {
    let kind = |event: &Event| match &event.what {
        EventKind::Held(call) => Some(call.kind()),
        _ => None,
    };
    let of = kind(held);
    let same = |event: &&Event| {
        of.is_some()
            && kind(event) == of
            && event.actor == held.actor
            && event.site() == held.site()
    };
    events.iter().filter(same).count() >= PAUSES_PER_LINE as usize
}

impl Analysis<'_> {
    /// True if a program asked for a peer and there is none: libraries do, to see what kind of socket they were given, and that it fails
    /// is no fault.
    pub fn only_looks_for_a_peer(&self, span: &CallSpan) -> bool {
        matches!(self.recording.header.origin, Origin::Programs(_))
            && span.is(SyscallKind::GetPeerName)
            && span.error() == Some("ENOTCONN")
    }

    /// True if what it received was an empty message: a receive of bytes that returns 0 tells of the end.
    pub fn is_empty_message(&self, span: &CallSpan) -> bool {
        span.socket.is_some_and(|at| self.sockets[at].has_empty_messages())
    }

    /// The signal that cut this call short, if another process or a key sent it (Ctrl-C), or if it ended the process: then the call never
    /// returned to the program.
    pub fn signal_that_cut(&self, span: &CallSpan) -> Option<&str> {
        let back = span.exit.as_ref().filter(|_| span.errno() == Some("EINTR"))?;
        let events = self.recording.events();
        let since = events.partition_point(|event| event.at_ns < span.entered_ns);
        let own = events[since..].iter().filter(|event| event.process == span.process);
        let until_ns = back.at_ns.saturating_add(SIGNAL_NS);
        let soon = own.clone().take_while(|event| event.at_ns <= until_ns);
        let signals = soon.filter_map(|event| match &event.what {
            EventKind::Signalled { signal } => Some((event.at_ns.abs_diff(back.at_ns), &**signal)),
            _ => None,
        });
        // Others may have come meanwhile, whose handlers let the kernel repeat the call.
        let sent = signals.min_by_key(|(apart_ns, _)| *apart_ns).map(|(_, signal)| signal);
        let goes_on = |event: &Event| {
            let is_own = event.thread == span.thread && event.at_ns > back.at_ns;
            is_own && matches!(&event.what, EventKind::Enter(call) if call.role == Role::Program)
        };
        if sent.is_some() || own.clone().any(goes_on) {
            return sent;
        }
        own.clone().find_map(|event| match &event.what {
            EventKind::Exited { status: Some(ExitStatus::Signal(signal)), .. } => Some(&**signal),
            _ => None,
        })
    }

    pub(super) fn pair_returns(&mut self) {
        let mut open: HashMap<(u32, u64), usize> = HashMap::new();
        for event in self.recording.events() {
            let span = |call: &Arc<Call>, entered_ns| CallSpan {
                actor: event.actor.clone(),
                process: event.process,
                thread: event.thread,
                call: call.clone(),
                socket: None,
                nonblocking: false,
                found_ready: false,
                entered_ns,
                exit: None,
                ended: None,
            };
            match &event.what {
                EventKind::Enter(call) => {
                    open.insert((event.process, call.id), self.calls.len());
                    self.calls.push(span(call, event.at_ns));
                }
                EventKind::Return(back) => {
                    let index = open.remove(&(event.process, back.call.id)).unwrap_or_else(|| {
                        self.calls.push(span(&back.call, event.at_ns.saturating_sub(back.took_ns)));
                        self.calls.len() - 1
                    });
                    let (outcome, out) = (back.outcome.clone(), back.out.clone());
                    self.calls[index].exit = Some(Exit { at_ns: event.at_ns, outcome, out });
                }
                _ => {}
            }
        }
        self.calls.sort_by_key(|span| span.entered_ns);
        let mut modes = SocketModes::default();
        for span in &mut self.calls {
            span.nonblocking = modes.is_nonblocking(&span.call);
            span.exit.iter().for_each(|exit| modes.learn(&span.call, &exit.out));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_of_windows_is_known_by_the_name_of_linux() {
        for (recorded, is_connect, known) in [
            ("WSAECONNREFUSED", true, "ECONNREFUSED"),
            ("WSAEWOULDBLOCK", true, "EINPROGRESS"),
            ("WSAEWOULDBLOCK", false, "EAGAIN"),
            ("WSAETIMEDOUT", false, "EAGAIN"),
            ("WSAETIMEDOUT", true, "ETIMEDOUT"),
            ("WSASYSNOTREADY", false, "WSASYSNOTREADY"),
            ("ECONNRESET", false, "ECONNRESET"),
        ] {
            assert_eq!(of_linux(recorded, is_connect), known);
        }
    }
}
