//! Threads and processes from birth to end, and what they are called.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use super::decode::Made;
use super::looks::Look;
use super::rewrite::Rewritten;
use super::stage::{Object, Stage};
use super::tracer::Tracer;
use super::widening::{Extension, Widening};
use crate::capture::sys::privilege_of;
use crate::capture::sys::ptrace::{share_descriptors, signal_name};
use crate::trace::{
    ActorKind, Call, Event, EventKind, ExitStatus, Name, Note, Outcome, Output, Return, Role,
    SocketId, Syscall,
};

/// A traced thread.
#[derive(Debug)]
pub struct Thread {
    pub process: u32,
    /// Whom it plays, once that is known.
    pub actor: Option<Name>,
    /// It is called as its process is.
    is_namesake: bool,
    /// The call that it has entered, or that is held before it is made.
    pub open: Option<Open>,
    /// A call that a signal has cut short: the kernel may go on with it.
    pub cut: Option<Cut>,
    /// It has called io_uring_setup(2).
    pub asks_for_ring: bool,
    /// It makes another call before its own.
    pub widening: Option<Widening>,
    /// Its call is held: it waits for an order.
    pub is_held: bool,
    pub look: Option<Look>,
    /// It is no actor, and when it was looked at last only another thread could make it go on.
    pub is_at_rest: bool,
    /// The function that it was started with.
    pub function: Option<String>,
}

/// A call that has been entered.
#[derive(Clone, Debug)]
pub struct Open {
    pub made: Made,
    pub call: Arc<Call>,
    pub at_ns: u64,
    /// Where the instruction is.
    pub instruction: u64,
    /// What it is made on, if that may never be used.
    pub object: Option<Object>,
    /// A socket that the call closes besides: dup2(2) onto its descriptor, close_range(2).
    pub closes: Vec<(i64, SocketId)>,
    /// Its address, if that has been changed in the thread's memory.
    pub rewritten: Option<Rewritten>,
    /// Nothing is known of it yet, so its entry is not recorded yet either: socket(2), epoll_create1(2).
    pub is_unsaid: bool,
    /// A library makes it for itself.
    pub is_librarys_own: bool,
    /// It was held, and its entry was recorded when it was let go.
    pub was_held: bool,
}

/// A call that a signal has cut short.
#[derive(Clone, Debug)]
pub struct Cut {
    pub open: Open,
    pub at_ns: u64,
    /// It has returned `EINTR`, which the kernel does not repeat by itself.
    pub is_eintr: bool,
    /// The signal that has cut it short, until that is recorded.
    pub by: Option<i32>,
}

/// A traced process.
#[derive(Debug)]
pub struct Process {
    /// What it was started or born as.
    name: String,
    /// What its threads are called after, once one of them has a name.
    called: Option<String>,
    /// The program that it, or an ancestor of it, was started as.
    pub program: Option<usize>,
    next_call: u64,
    /// Its threads that have not begun to end.
    alive: usize,
    /// How often it has begun another program.
    execs: u32,
    /// Its sockets before it begins another program.
    pub before_exec: Vec<(i64, SocketId)>,
    /// The file of that program.
    pub next_file: Option<PathBuf>,
    /// Processor time of its threads that have ended.
    cpu_ns: u64,
    /// A recorded thread of it has ended.
    took_part: bool,
    /// The recorded thread that was called as the process is, if it has ended: what becomes of the process is recorded as its.
    namesake: Option<(Name, u32)>,
    pub extension: Extension,
    /// It has been said that it runs code of another architecture.
    pub is_foreign: bool,
    /// It has been said that it may not be looked into.
    pub is_told_closed: bool,
}

impl Thread {
    /// True if something of this thread has been recorded.
    pub fn is_actor(&self, stage: &Stage) -> bool {
        self.actor.as_ref().is_some_and(|actor| stage.is_present(actor))
    }

    pub fn new(process: u32) -> Thread {
        Thread {
            process,
            actor: None,
            is_namesake: false,
            open: None,
            cut: None,
            asks_for_ring: false,
            widening: None,
            is_held: false,
            look: None,
            is_at_rest: false,
            function: None,
        }
    }
}

impl Process {
    /// The first process of a program.
    pub fn of_program(name: String, program: usize) -> Process {
        Process { program: Some(program), ..Process::unknown(name) }
    }

    fn unknown(name: String) -> Process {
        Process {
            name,
            called: None,
            program: None,
            next_call: 1,
            alive: 1,
            execs: 0,
            before_exec: Vec::new(),
            next_file: None,
            cpu_ns: 0,
            took_part: false,
            namesake: None,
            extension: Extension::default(),
            is_foreign: false,
            is_told_closed: false,
        }
    }

    fn child_of(parent: &Process) -> Process {
        let name = format!("{} child", parent.name.trim_end_matches(" child"));
        Process { program: parent.program, ..Process::unknown(name) }
    }

    /// The threads that were widening its filter, or waited for that, are gone.
    fn widening_ends(&mut self) {
        if matches!(self.extension, Extension::Begun { .. }) {
            self.extension = Extension::None;
        }
    }

    pub fn number_call(&mut self) -> u64 {
        self.next_call += 1;
        self.next_call - 1
    }
}

/// A number in /proc/TID/status (proc_pid_status(5)).
pub(super) fn status_number(thread: u32, key: &str) -> Option<u32> {
    let text = fs::read_to_string(format!("/proc/{thread}/status")).ok()?;
    text.lines().find_map(|line| line.strip_prefix(key)?.trim().parse().ok())
}

impl Tracer {
    /// A new thread or process. Its own first stop may come before its parent tells of it.
    pub(super) fn adopt(&mut self, id: u32, parent: Option<u32>) {
        let parent = parent.and_then(|parent| self.threads.get(&parent)).map(|it| it.process);
        if self.threads.contains_key(&id) {
            // Now its parent is known.
            if let Some(parent) = parent
                && self.processes.get(&id).is_some_and(|process| process.program.is_none())
            {
                self.name_child(id, parent);
            }
            return;
        }
        // It may have ended before its parent could tell of it.
        let Some(process) = status_number(id, "Tgid:") else { return };
        self.threads.insert(id, Thread::new(process));
        if let Some(known) = self.processes.get_mut(&process) {
            known.alive += 1;
            return;
        }
        self.sockets.share_all();
        self.processes.insert(process, Process::unknown("?".to_owned()));
        if let Some(parent) = parent.or_else(|| status_number(id, "PPid:")) {
            self.name_child(process, parent);
        }
    }

    fn name_child(&mut self, child: u32, parent: u32) {
        self.sockets.inherit(child, parent);
        if let Some(parent) = self.processes.get(&parent) {
            let named = Process::child_of(parent);
            if let Some(child) = self.processes.get_mut(&child) {
                (child.name, child.program) = (named.name, named.program);
            }
        }
    }

    /// The process runs another program: its other threads are gone, and the one that called execve(2) is the first.
    pub(super) fn execed(&mut self, id: u32, former: u32) {
        if former != id
            && let Some(mut caller) = self.threads.remove(&former)
        {
            if self.is_actor(id) {
                let (at_ns, what) =
                    (self.stage.now_ns(), EventKind::Exited { cpu_ns: None, status: None });
                self.tell(id, at_ns, what, None);
            }
            (caller.open, caller.is_held) = (None, false);
            self.threads.insert(id, caller);
        }
        let is_gone = |other: &u32, thread: &mut Thread| thread.process == id && *other != id;
        for (gone, _) in self.threads.extract_if(is_gone) {
            self.descriptors.forget(gone);
        }
        self.descriptors.forget(id);
        self.lines.forget(id);
        self.sockets.forget_process(id);
        let closed = self.closed_by_exec(id);
        for (fd, socket) in closed {
            self.closes_unasked(id, "execve", fd, socket);
        }
        let mut is_start = false;
        if let Some(process) = self.processes.get_mut(&id) {
            (process.alive, process.execs) = (1, process.execs + 1);
            process.widening_ends();
            is_start = process.execs == 1;
        }
        let is_actor =
            self.is_actor(id) || (self.from_start && is_start && self.programs.is_first(id));
        if is_actor {
            let (at_ns, argv) = (self.stage.now_ns(), command_line(id));
            self.tell(id, at_ns, EventKind::Execed { argv }, None);
        }
        if let Some(thread) = self.threads.get_mut(&id) {
            (thread.open, thread.cut, thread.look) = (None, None, None);
            if !is_actor {
                if let Some(actor) = thread.actor.take() {
                    self.stage.expect_no_more(&actor);
                }
                if let Some(process) = self.processes.get_mut(&id) {
                    process.called = None;
                }
            }
        }
        let file = self.processes.get_mut(&id).and_then(|process| process.next_file.take());
        let here = PathBuf::from(format!("/proc/{id}/cwd"));
        let privileged = file.and_then(|file| Some((privilege_of(&here.join(&file))?, file)));
        if let Some((privilege, file)) = privileged {
            let (at_ns, file) = (self.stage.now_ns(), file.to_string_lossy().into_owned());
            let note = Note::Unprivileged { file, privilege };
            self.tell(id, at_ns, EventKind::Note { note }, None);
        }
    }

    fn closed_by_exec(&mut self, id: u32) -> Vec<(i64, SocketId)> {
        let Some(process) = self.processes.get_mut(&id) else { return Vec::new() };
        let mut before = std::mem::take(&mut process.before_exec);
        if !before.is_empty() {
            let now = self.sockets.of_thread(id, id);
            before.retain(|socket| !now.contains(socket));
        }
        before
    }

    /// A thread is about to end; if it is the last of its process, the kernel is about to close what that has open.
    pub(super) fn about_to_end(&mut self, id: u32) {
        self.cut_short(id);
        let Some(thread) = self.threads.get_mut(&id) else { return };
        (thread.open, thread.is_held) = (None, false);
        let used_ns = fs::read_to_string(format!("/proc/{id}/schedstat"))
            .ok()
            .and_then(|text| text.split_whitespace().next()?.parse::<u64>().ok());
        let process_id = thread.process;
        self.remember_ended_actor(id);
        let Some(process) = self.processes.get_mut(&process_id) else { return };
        process.cpu_ns += used_ns.unwrap_or(0);
        process.alive = process.alive.saturating_sub(1);
        if process.alive == 0 {
            let sockets = self.sockets.of_thread(id, process_id);
            // What another process has by the same table stays open. The thread still has its table; the process's first one may
            // have ended, and threads that have ended seem to share theirs.
            let mut others = self.processes.keys().filter(|other| **other != process_id);
            let is_shared =
                !sockets.is_empty() && others.any(|other| share_descriptors(id, *other));
            for (fd, socket) in sockets.into_iter().filter(|_| !is_shared) {
                self.closes_unasked(id, "exit", fd, socket);
            }
            self.stage.forget_epolls(process_id);
        }
        if id != process_id && self.is_actor(id) {
            let at_ns = self.stage.now_ns();
            self.tell(id, at_ns, EventKind::Exited { cpu_ns: used_ns, status: None }, None);
        }
    }

    /// True if something of this thread has been recorded.
    pub(super) fn is_actor(&self, id: u32) -> bool {
        self.threads.get(&id).is_some_and(|thread| thread.is_actor(&self.stage))
    }

    /// The kernel closes a descriptor for which nobody has called close(2).
    pub(super) fn closes_unasked(
        &mut self,
        id: u32,
        cause: &'static str,
        fd: i64,
        socket: SocketId,
    ) {
        let Some(process) = self.threads.get(&id).map(|thread| thread.process) else { return };
        let others = self.processes.keys().copied().filter(|other| *other != process);
        let still_open = self.sockets.descriptors(socket, others);
        // Who has taken no part loses its copies silently.
        if self.stage.is_hidden(socket) || (still_open > 0 && !self.process_takes_part(process)) {
            return;
        }
        let Some(number) = self.processes.get_mut(&process).map(Process::number_call) else {
            return;
        };
        let call = Arc::new(Call {
            id: number,
            syscall: Syscall::Close,
            name: "close".into(),
            api: Some(cause.into()),
            fd: Some(fd),
            socket: Some(socket),
            site: None,
            role: Role::Kernel,
        });
        let (at_ns, object) = (self.stage.now_ns(), Some(Object::Socket(socket)));
        let (actor, thread) = self.speaker(id, process);
        let event = |what| Event { at_ns, actor: actor.clone(), process, thread, what };
        self.stage.tell(event(EventKind::Enter(call.clone())), object);
        let (outcome, out) = (Outcome::Result(0), Output::Closed { still_open });
        let back = Return { call, outcome, out, took_ns: 0, lag_ns: None };
        self.stage.tell(event(EventKind::Return(back)), object);
        if still_open == 0 {
            self.stage.forget(Object::Socket(socket));
        } else {
            self.left_open(socket, process, cause == "exit");
        }
    }

    fn process_takes_part(&self, process: u32) -> bool {
        self.processes.get(&process).is_some_and(|it| it.took_part)
            || self.threads.iter().any(|(id, it)| it.process == process && self.is_actor(*id))
    }

    /// The thread for which something of its process is recorded: itself, or one that is in the recording already.
    fn speaker(&mut self, id: u32, process: u32) -> (Name, u32) {
        let has_name = self.threads.get(&id).is_none_or(|it| it.actor.is_some());
        if self.is_actor(id) || has_name {
            return (self.actor(id), id);
        }
        let mut others = self.threads.iter().filter(|(_, thread)| thread.process == process);
        let alive = others.find(|(other, _)| self.is_actor(**other));
        let alive = alive.and_then(|(other, thread)| Some((thread.actor.clone()?, *other)));
        let ended = || self.processes.get(&process).and_then(|it| it.namesake.clone());
        alive.or_else(ended).unwrap_or_else(|| (self.actor(id), id))
    }

    /// A thread ends. If it was recorded, its process took part.
    fn remember_ended_actor(&mut self, id: u32) {
        let Some(thread) = self.threads.get(&id).filter(|_| self.is_actor(id)) else { return };
        let (actor, is_namesake) = (thread.actor.clone(), thread.is_namesake);
        let Some(process) = self.processes.get_mut(&thread.process) else { return };
        process.took_part = true;
        if is_namesake {
            process.namesake = actor.map(|actor| (actor, id));
        }
    }

    /// Who says how a process has ended whose first thread this is: that thread, even if it made no call, for those that did may have
    /// ended long before. `None` if nothing of the process was recorded.
    fn speaker_at_end(&mut self, id: u32) -> Option<(Name, u32)> {
        let takes_part = self.processes.contains_key(&id) && self.process_takes_part(id);
        let own = takes_part.then(|| self.threads.get(&id).and_then(|it| it.actor.clone()))?;
        match own.filter(|_| self.is_actor(id)) {
            Some(actor) => Some((actor, id)),
            None => {
                let namesake = self.processes.get(&id).and_then(|it| it.namesake.clone());
                Some(namesake.unwrap_or_else(|| (self.actor(id), id)))
            }
        }
    }

    /// The first process of a program that has failed before it made a call that is recorded: the next one may have needed it.
    fn failed_silently(&mut self, id: u32, how: &Result<i32, i32>) -> Option<(Name, u32)> {
        let program = self.processes.get(&id)?.program?;
        let has_failed = *how != Ok(0) && self.ending.is_none() && self.programs.is_first(id);
        let is_waited_for = self.programs.next() == Some(program + 1);
        (has_failed && is_waited_for).then(|| (self.actor(id), id))
    }

    /// A thread has ended: with this code, or by this signal.
    pub(super) fn ended(&mut self, id: u32, how: &Result<i32, i32>) {
        self.remember_ended_actor(id);
        let speaker = self.speaker_at_end(id).or_else(|| self.failed_silently(id, how));
        let Some(thread) = self.threads.remove(&id) else { return };
        self.descriptors.forget(id);
        self.looks.forget(&thread);
        if id != thread.process {
            return; // told when it was about to end
        }
        self.lines.forget(id);
        self.sockets.forget_process(id);
        let process = self.processes.remove(&id);
        let (cpu_ns, program) = process.map_or((None, None), |it| (Some(it.cpu_ns), it.program));
        let status = match how {
            Ok(code) => ExitStatus::Code(*code),
            Err(signal) => ExitStatus::Signal(signal_name(*signal)),
        };
        if let Some((actor, thread)) = speaker {
            let at_ns = self.stage.now_ns();
            let what = EventKind::Exited { cpu_ns, status: Some(status.clone()) };
            self.stage.tell(Event { at_ns, actor, process: id, thread, what }, None);
        }
        // Whom we have ended has no status of its own.
        if self.ending.is_some() {
            self.kill_next();
        } else {
            let at_ns = self.stage.now_ns();
            if let Some(ending) = self.programs.ended(id, status, at_ns) {
                return self.fail(ending);
            }
        }
        let goes_on = |program| self.processes.values().any(|it| it.program == Some(program));
        if program.is_some_and(|it| self.programs.next() == Some(it + 1) && !goes_on(it)) {
            self.start_next(); // it has nothing more to start
        }
    }

    /// What a thread is called.
    pub(super) fn actor(&mut self, id: u32) -> Name {
        let Some(thread) = self.threads.get(&id) else { return Name::from("?") };
        if let Some(actor) = &thread.actor {
            return actor.clone();
        }
        let (process, function) = (thread.process, thread.function.clone());
        let (mut name, mut kind) = (self.called(process), ActorKind::Process);
        let mut is_namesake = id == process;
        if id != process {
            kind = ActorKind::Thread;
            let given = function.or_else(|| given_name(process, id));
            let is_first =
                self.threads.values().all(|it| it.process != process || it.actor.is_none());
            is_namesake = given.is_none() && is_first; // a JVM runs the program in its second thread
            name = match given {
                Some(given) => format!("{name} {given}"),
                None if is_namesake => name,
                None => format!("{name} thread"),
            };
        }
        let name = (1_u32..)
            .map(|number| if number == 1 { name.clone() } else { format!("{name} {number}") })
            .find(|name| !self.stage.knows(name))
            .unwrap_or(name);
        let name = Name::from(name.as_str());
        let program = self.processes.get(&process).and_then(|process| process.program);
        let network = program.and_then(|index| self.programs.address(index));
        self.stage.expect(&name, kind, network);
        if let Some(thread) = self.threads.get_mut(&id) {
            (thread.actor, thread.is_namesake) = (Some(name.clone()), is_namesake);
        }
        name
    }

    /// What the threads of a process are called after: its name, and a number if another process has that.
    fn called(&mut self, id: u32) -> String {
        let Some(process) = self.processes.get(&id) else { return "?".to_owned() };
        if let Some(called) = &process.called {
            return called.clone();
        }
        let (name, program) = (self.process_name(id, process), process.program);
        let is_taken = |name: &str| {
            let others = self.processes.iter().filter(|(other, _)| **other != id);
            let mut called = others.filter_map(|(_, other)| other.called.as_deref());
            called.any(|other| other == name)
                || self.stage.knows(name)
                || self.programs.index_of(name).is_some_and(|index| Some(index) != program)
        };
        let called = (1_u32..)
            .map(|number| if number == 1 { name.clone() } else { format!("{name} {number}") })
            .find(|name| !is_taken(name))
            .unwrap_or(name);
        if let Some(process) = self.processes.get_mut(&id) {
            process.called = Some(called.clone());
        }
        called
    }

    /// The name of a process: as it was named on the command line, or else by what it runs now, which may be another program
    /// than it was started as (a shell's).
    fn process_name(&self, id: u32, process: &Process) -> String {
        let is_named = process.program.is_some_and(|index| self.programs.is_named(index, id));
        if process.execs > 0 && !is_named {
            let argv = command_line(id);
            let runs = |index| self.programs.is_run_by(index, &argv);
            match process.program {
                // A program that is there twice has a name that tells the two apart.
                Some(index) if runs(index) => return self.programs.name(index).to_owned(),
                _ if !argv.is_empty() => return crate::capture::child::program_name(&argv),
                _ => {}
            }
        }
        process.name.clone()
    }
}

/// The command line of a process.
pub(super) fn command_line(process: u32) -> Vec<String> {
    let text = fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
    let words = text.split(|byte| *byte == 0).filter(|word| !word.is_empty());
    words.map(|word| String::from_utf8_lossy(word).into_owned()).collect()
}

/// The name that a program has given to a thread, if it is another than the first thread's.
fn given_name(process: u32, thread: u32) -> Option<String> {
    let name = |id| fs::read_to_string(format!("/proc/{process}/task/{id}/comm")).ok();
    let given = name(thread)?;
    (Some(&given) != name(process).as_ref() && !given.trim().is_empty())
        .then(|| given.trim().to_owned())
}
