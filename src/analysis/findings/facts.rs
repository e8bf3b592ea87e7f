//! What several rules ask: the calls on a socket and of a thread, whose socket a descriptor was, who was waiting when the run
//! was stopped.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use crate::analysis::{Analysis, CallSpan};
use crate::trace::{
    Ending, EpollOperation, EventKind, ExitStatus, LINK, Name, Role, Sample, SockOpt, Syscall,
    SyscallKind,
};

/// A process and its thread.
pub(super) type ThreadId = (u32, u32);

/// A thread that had been in a call for less than this when the run was stopped may have been about to go on, in nanoseconds.
pub(super) const STUCK_NS: u64 = 100_000_000;

/// From when on a descriptor was which socket; `None` for closed.
type Descriptor = Vec<(u64, Option<usize>)>;

/// What is looked up again and again.
pub(in crate::analysis) struct Facts<'a> {
    pub analysis: &'a Analysis<'a>,
    /// The program's calls on each socket, in the order of entry.
    on: Vec<Vec<usize>>,
    /// The program's calls by each thread, in the order of entry.
    by: BTreeMap<ThreadId, Vec<usize>>,
    /// Threads, with the time of their first event, and of their end.
    lives: BTreeMap<ThreadId, (u64, Option<u64>)>,
    /// How and when processes ended.
    exits: HashMap<u32, (u64, &'a ExitStatus)>,
    samples: HashMap<ThreadId, Vec<(u64, &'a Sample)>>,
    /// When threads slept on purpose.
    sleeps: HashMap<ThreadId, Vec<u64>>,
    descriptors: HashMap<(u32, i64), Descriptor>,
    /// Processes that may have gone on by themselves when the run was stopped, although all their recorded threads waited.
    busy: HashSet<u32>,
    stuck: OnceCell<Vec<Stuck>>,
    /// When the run was stopped from outside: by its deadline, by Ctrl-C.
    pub stopped_ns: Option<u64>,
    pub end_ns: u64,
    /// Calls were held before they were made: whatever took long may have done so because of that.
    pub is_stepped: bool,
}

/// A thread that was waiting when the run was stopped.
pub(in crate::analysis) struct Stuck {
    pub call: usize,
    pub thread: ThreadId,
    /// The sockets of which one could end its wait.
    pub sockets: Vec<usize>,
    pub since_ns: u64,
}

impl<'a> Facts<'a> {
    pub fn of(analysis: &'a Analysis<'a>) -> Facts<'a> {
        let mut facts = Facts {
            analysis,
            on: vec![Vec::new(); analysis.sockets.len()],
            by: BTreeMap::new(),
            lives: BTreeMap::new(),
            exits: HashMap::new(),
            samples: HashMap::new(),
            sleeps: HashMap::new(),
            descriptors: HashMap::new(),
            busy: HashSet::new(),
            stuck: OnceCell::new(),
            stopped_ns: None,
            end_ns: analysis.recording.events().last().map_or(0, |event| event.at_ns),
            is_stepped: analysis.recording.is_stepped(),
        };
        facts.learn_from_events();
        facts.learn_from_calls();
        facts.stop_before_what_was_cut();
        facts
    }

    fn learn_from_events(&mut self) {
        let recording = self.analysis.recording;
        for event in recording.events() {
            let thread = (event.process, event.thread);
            if event.is_by_actor() && *event.actor != *LINK {
                self.lives.entry(thread).or_insert((event.at_ns, None));
            }
            match &event.what {
                EventKind::Exited { status, .. } => {
                    if let Some(life) = self.lives.get_mut(&thread) {
                        life.1 = Some(event.at_ns);
                    }
                    if let Some(status) = status {
                        self.exits.insert(event.process, (event.at_ns, status));
                    }
                }
                EventKind::Sample(sample) => {
                    self.samples.entry(thread).or_default().push((event.at_ns, sample));
                }
                EventKind::Wait { .. } => {
                    self.sleeps.entry(thread).or_default().push(event.at_ns);
                }
                EventKind::Busy { processes } => self.busy.extend(processes),
                EventKind::Deadline { .. } | EventKind::End { ending: Ending::Interrupted } => {
                    self.stopped_ns.get_or_insert(event.at_ns);
                }
                what if is_ctrl_c(what) => {
                    self.stopped_ns.get_or_insert(event.at_ns);
                }
                _ => {}
            }
        }
    }

    fn learn_from_calls(&mut self) {
        let analysis = self.analysis;
        for (index, span) in analysis.calls.iter().enumerate() {
            if span.call.is_instrument() {
                continue;
            }
            self.by.entry((span.process, span.thread)).or_default().push(index);
            if let Some(socket) = span.socket {
                self.on[socket].push(index);
            }
            let mut is = |fd: Option<i64>, at_ns: u64, socket: Option<usize>| {
                if let Some(fd) = fd {
                    self.descriptors.entry((span.process, fd)).or_default().push((at_ns, socket));
                }
            };
            match span.call.kind() {
                SyscallKind::Socket => is(span.result(), span.returned_ns(), span.socket),
                SyscallKind::Close => is(span.call.fd, span.entered_ns, None),
                kind => {
                    if kind == SyscallKind::Accept {
                        is(span.result(), span.returned_ns(), analysis.accepted_by(index));
                    }
                    if span.socket.is_some() && span.errno() != Some("EBADF") {
                        is(span.call.fd, span.entered_ns, span.socket);
                    }
                }
            }
        }
        self.descriptors.values_mut().for_each(|is| is.sort_by_key(|(at_ns, _)| *at_ns));
    }

    /// Ctrl-C cuts short the calls in which threads wait a moment before it is recorded that they got it: they had been waiting.
    fn stop_before_what_was_cut(&mut self) {
        let events = self.analysis.recording.events().iter();
        let signalled = events.filter(|event| is_ctrl_c(&event.what));
        let cut = signalled.filter_map(|event| {
            let calls = self.by.get(&(event.process, event.thread))?;
            let entered =
                calls.partition_point(|&index| self.call(index).entered_ns <= event.at_ns);
            let span = self.call(*calls[..entered].last()?);
            (span.errno() == Some("EINTR") && span.returned_ns() <= event.at_ns)
                .then(|| span.returned_ns().saturating_sub(1))
        });
        self.stopped_ns = self.stopped_ns.into_iter().chain(cut).min();
    }

    pub fn call(&self, index: usize) -> &'a CallSpan {
        &self.analysis.calls[index]
    }

    /// The calls that were entered from one time on, and before the other.
    pub fn entered(&self, from_ns: u64, to_ns: u64) -> &'a [CallSpan] {
        let calls = &self.analysis.calls;
        let at = |at_ns| calls.partition_point(|span| span.entered_ns < at_ns);
        &calls[at(from_ns)..at(to_ns).max(at(from_ns))]
    }

    /// The program's calls on this socket.
    pub fn on(&self, socket: usize) -> impl DoubleEndedIterator<Item = (usize, &'a CallSpan)> {
        self.on[socket].iter().map(|&index| (index, self.call(index)))
    }

    /// The first call on the socket that was entered after this one returned, and does more than ask or configure.
    pub fn next_on(&self, socket: usize, after: usize) -> Option<(usize, &'a CallSpan)> {
        let since_ns = self.call(after).returned_ns();
        self.on(socket)
            .find(|(index, span)| *index != after && span.entered_ns >= since_ns && acts(span))
    }

    /// The program's calls, thread by thread.
    pub fn threads(&self) -> impl Iterator<Item = (ThreadId, &[usize])> {
        self.by.iter().map(|(thread, calls)| (*thread, calls.as_slice()))
    }

    /// The calls of one thread.
    pub fn by(&self, thread: ThreadId) -> impl Iterator<Item = usize> {
        self.by.get(&thread).into_iter().flatten().copied()
    }

    /// The calls of that thread after this one that do more than ask or configure.
    pub fn after_by_thread(&self, after: usize) -> impl Iterator<Item = (usize, &'a CallSpan)> {
        let span = self.call(after);
        let calls = &self.by[&(span.process, span.thread)];
        let at = calls.partition_point(|index| *index <= after);
        calls[at..].iter().map(|&index| (index, self.call(index))).filter(|(_, span)| acts(span))
    }

    /// The calls of that thread before this one, the last first.
    pub fn before_by_thread(&self, index: usize) -> impl Iterator<Item = usize> {
        let span = self.call(index);
        let calls = &self.by[&(span.process, span.thread)];
        calls[..calls.partition_point(|other| *other < index)].iter().rev().copied()
    }

    /// The socket that this descriptor of a process was then.
    pub fn socket_of(&self, process: u32, fd: i64, at_ns: u64) -> Option<usize> {
        let is = self.descriptors.get(&(process, fd))?;
        is[..is.partition_point(|(since_ns, _)| *since_ns <= at_ns)].last()?.1
    }

    /// True if the thread slept on purpose between these times.
    pub fn slept(&self, thread: ThreadId, from_ns: u64, to_ns: u64) -> bool {
        let sleeps = self.sleeps.get(&thread).map_or(&[][..], Vec::as_slice);
        let next = sleeps.partition_point(|at_ns| *at_ns < from_ns);
        sleeps.get(next).is_some_and(|at_ns| *at_ns <= to_ns)
    }

    /// How this process ended, and when.
    pub fn exit(&self, process: u32) -> Option<(u64, &'a ExitStatus)> {
        self.exits.get(&process).copied()
    }

    /// True if the process ended with an error code of its own.
    pub fn complains(&self, process: u32) -> bool {
        self.exit(process).is_some_and(|(_, status)| {
            !matches!(status, ExitStatus::Code(0) | ExitStatus::Signal(_))
        })
    }

    /// When who of this name ended, and how: the first process of a program.
    pub fn exit_of(&self, name: &str) -> Option<(u64, &'a Name, &'a ExitStatus)> {
        self.analysis.recording.events().iter().find_map(|event| match &event.what {
            EventKind::Exited { status: Some(status), .. } if &*event.actor == name => {
                Some((event.at_ns, &event.actor, status))
            }
            _ => None,
        })
    }

    /// The threads that were there then.
    pub fn alive(&self, at_ns: u64) -> impl Iterator<Item = ThreadId> {
        let ended = move |thread: &ThreadId, own: Option<u64>| {
            let all = self.exits.get(&thread.0).map(|(at_ns, _)| *at_ns);
            own.into_iter().chain(all).any(|ended_ns| ended_ns <= at_ns)
        };
        let there = move |(thread, (began, own)): (&ThreadId, &(u64, Option<u64>))| {
            (*began <= at_ns && !ended(thread, *own)).then_some(*thread)
        };
        self.lives.iter().filter_map(there)
    }

    /// What the kernel had said of the thread by then, the last two times.
    pub fn last_looks(&self, thread: ThreadId, at_ns: u64) -> Option<[(u64, &'a Sample); 2]> {
        let all = self.samples.get(&thread)?;
        let [.., before, last] = all[..all.partition_point(|(when, _)| *when <= at_ns)] else {
            return None;
        };
        Some([before, last])
    }

    /// True if the process may have gone on by itself when the run was stopped, although all its recorded threads waited.
    pub fn is_busy(&self, process: u32) -> bool {
        self.busy.contains(&process)
    }

    /// True if the thread slept on a lock or in a join then, without a limit: it waits for other threads of its process.
    pub fn waits_for_threads(&self, thread: ThreadId, at_ns: u64) -> bool {
        let all = self.samples.get(&thread).map_or(&[][..], Vec::as_slice);
        let last = all.iter().rfind(|(when, _)| *when <= at_ns);
        last.is_some_and(|(_, sample)| {
            let on_lock = sample.syscall.as_deref() == Some("futex");
            sample.state == Some('S') && on_lock && !sample.has_limit
        })
    }

    /// The call in which the thread was when the run was stopped.
    pub fn current(&self, thread: ThreadId) -> Option<usize> {
        let stopped_ns = self.stopped_ns?;
        let calls = self.by.get(&thread)?;
        let entered = calls.partition_point(|&index| self.call(index).entered_ns <= stopped_ns);
        let call = *calls[..entered].last()?;
        (self.call(call).returned_ns() > stopped_ns).then_some(call)
    }

    /// The threads that waited in a call when the run was stopped, with no limit to their wait.
    pub fn stuck(&self) -> &[Stuck] {
        self.stuck.get_or_init(|| self.find_stuck())
    }

    fn find_stuck(&self) -> Vec<Stuck> {
        let Some(stopped_ns) = self.stopped_ns else { return Vec::new() };
        let stuck = |thread: ThreadId| {
            let call = self.current(thread)?;
            let span = self.call(call);
            let waits = stopped_ns - span.entered_ns >= STUCK_NS && self.waits_without_limit(span);
            waits.then(|| Stuck {
                call,
                thread,
                sockets: self.waits_for(span),
                since_ns: span.entered_ns,
            })
        };
        self.alive(stopped_ns).filter_map(stuck).collect()
    }

    /// True for a call that can wait, on a socket in blocking mode, and to which no time limit is set.
    pub fn waits_without_limit(&self, span: &CallSpan) -> bool {
        if !span.call.syscall.may_block() || span.nonblocking {
            return false;
        }
        match &span.call.syscall {
            Syscall::Select { timeout_us, .. } => timeout_us.is_none(),
            Syscall::Poll { timeout_ms, .. } | Syscall::EpollWait { timeout_ms, .. } => {
                *timeout_ms < 0
            }
            _ => span.socket.is_none_or(|socket| !self.has_timeout(socket, span)),
        }
    }

    /// True if something was received on the socket, or the end of the stream.
    pub fn has_heard(&self, socket: usize) -> bool {
        self.on(socket).any(|(_, span)| span.receives() && span.result().is_some())
    }

    /// True if SO_LINGER was set on the socket: what its close() throws away may be thrown away on purpose.
    pub fn sets_linger(&self, socket: usize) -> bool {
        self.on(socket).any(|(_, span)| {
            matches!(span.call.syscall, Syscall::SetOption { option: SockOpt::Linger, .. })
        })
    }

    /// True if a time limit for such a call was set on the socket before.
    fn has_timeout(&self, socket: usize, waiting: &CallSpan) -> bool {
        use crate::trace::SockOpt::{RecvTimeout, SendTimeout, UserTimeout};
        self.on(socket).any(|(_, span)| {
            span.entered_ns < waiting.entered_ns
                && span.result().is_some()
                && matches!(
                    span.call.syscall,
                    Syscall::SetOption { option: RecvTimeout | SendTimeout | UserTimeout, .. }
                )
        })
    }

    /// The sockets that this call waits for: its own, or all that it watches; none if it watches something else too, such as a
    /// keyboard.
    pub fn waits_for(&self, span: &CallSpan) -> Vec<usize> {
        self.awaited(span).into_iter().collect::<Option<_>>().unwrap_or_default()
    }

    /// The sockets that this call waits for, whatever else it waits for.
    pub fn waits_also_for(&self, span: &CallSpan) -> impl Iterator<Item = usize> {
        self.awaited(span).into_iter().flatten()
    }

    /// What this call waits for; `None` for what is no socket.
    fn awaited(&self, span: &CallSpan) -> Vec<Option<usize>> {
        let watched: Vec<i64> = match &span.call.syscall {
            Syscall::Select { read, write, .. } => {
                read.shown.iter().chain(&write.shown).copied().collect()
            }
            Syscall::Poll { watched, .. } => watched.shown.iter().map(|(fd, _)| *fd).collect(),
            Syscall::EpollWait { .. } => self.watched_by_epoll(span),
            _ => return span.socket.map(Some).into_iter().collect(),
        };
        watched.into_iter().map(|fd| self.socket_of(span.process, fd, span.entered_ns)).collect()
    }

    /// The descriptors that this epoll_wait() watches.
    fn watched_by_epoll(&self, waiting: &CallSpan) -> Vec<i64> {
        let mut watched = BTreeSet::new();
        let before = self.entered(0, waiting.entered_ns).iter();
        for span in before.filter(|span| span.process == waiting.process) {
            match &span.call.syscall {
                Syscall::EpollCtl { operation, watched: fd, .. }
                    if span.call.fd == waiting.call.fd && span.result().is_some() =>
                {
                    if *operation == EpollOperation::Delete {
                        watched.remove(fd);
                    } else {
                        watched.insert(*fd);
                    }
                }
                Syscall::Close => {
                    span.call.fd.map(|fd| watched.remove(&fd));
                }
                _ => {}
            }
        }
        watched.into_iter().collect()
    }

    /// When the process closed the socket itself, before the run was stopped.
    pub fn closes(&self, socket: usize, process: u32) -> Option<u64> {
        let mut closes = self.on(socket).filter(|(_, span)| {
            let by_itself = span.call.role != Role::Kernel && span.process == process;
            span.is(SyscallKind::Close) && by_itself && self.is_before_stop(span.entered_ns)
        });
        closes.next().map(|(_, span)| span.entered_ns)
    }

    /// True if the close() of a socket was its program's own doing: not the end of a run that was stopped.
    pub fn is_before_stop(&self, at_ns: u64) -> bool {
        self.stopped_ns.is_none_or(|stopped_ns| at_ns < stopped_ns)
    }

    /// When and by which call the socket was closed for good: by close(), or by a program that ended by itself.
    pub fn closed(&self, socket: usize) -> Option<(u64, Option<usize>)> {
        let closed_ns = self.analysis.sockets[socket].closed_ns?;
        if !self.is_before_stop(closed_ns) {
            return None;
        }
        let by = self
            .on(socket)
            .rev()
            .find(|(_, span)| span.is(SyscallKind::Close) && span.returned_ns() == closed_ns);
        if let Some((call, span)) = by {
            let ended = self.exit(span.process).map(|(_, status)| status);
            let killed =
                span.call.role == Role::Kernel && matches!(ended, Some(ExitStatus::Signal(_)));
            return (!killed).then_some((span.entered_ns, Some(call)));
        }
        let by_itself = self
            .exits
            .values()
            .any(|(at_ns, status)| *at_ns == closed_ns && matches!(status, ExitStatus::Code(_)));
        by_itself.then_some((closed_ns, None))
    }
}

fn is_ctrl_c(what: &EventKind) -> bool {
    matches!(what, EventKind::Signalled { signal } if signal == "SIGINT")
}

/// True for a call by which a program goes on: no question, no setting, no pause.
fn acts(span: &CallSpan) -> bool {
    let sets = matches!(
        span.call.kind(),
        SyscallKind::SetOption | SyscallKind::SetFlags | SyscallKind::Other
    );
    let syscall = &span.call.syscall;
    !sets && !syscall.only_asks() && !syscall.sleeps() && span.call.role != Role::Instrument
}
