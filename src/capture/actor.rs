//! Actors: roles that the experiment's own thread plays, threads, and child processes.
//!
//! A call is recorded under the actor of the calling thread, or under the socket's owner if that thread has no actor.

use std::borrow::Cow;
use std::cell::RefCell;
use std::io::{self, BufRead};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use socket2::{Domain, Protocol, Type};

use super::child::{self, Control, Resume, Started};
use super::{Error, Lab, Result, Socket, sys};
use crate::trace::recording::{Line, parse_line};
use crate::trace::{
    ActorKind, Ending, Event, EventKind, Failure, LAB, Label, Lack, Name, Sample, SyscallKind,
};

thread_local!(static CURRENT: RefCell<Option<Name>> = const { RefCell::new(None) });

/// The actor of this thread, if it has one.
pub(super) fn current() -> Option<Name> {
    CURRENT.with_borrow(Clone::clone)
}

/// Someone who opens sockets and makes calls: `server`, `client`, `alice`.
#[derive(Clone, Debug)]
pub struct Actor {
    lab: Lab,
    name: Name,
    instrument: bool,
}

impl Actor {
    pub(super) fn new(lab: &Lab, name: &str, kind: ActorKind) -> Actor {
        let actor = Actor { lab: lab.clone(), name: Name::from(name), instrument: false };
        lab.recorder().push(&actor.name, EventKind::Started { kind });
        if kind != ActorKind::Process {
            lab.watch_thread(&actor.name, std::process::id(), sys::thread_id());
        }
        actor
    }

    /// The lab itself, whose calls are recorded as the instrument's.
    pub(super) fn instrument(lab: &Lab) -> Actor {
        Actor { lab: lab.clone(), name: Name::from(LAB), instrument: true }
    }

    pub(super) fn lab(&self) -> &Lab {
        &self.lab
    }

    pub(super) fn event_name(&self) -> &Name {
        &self.name
    }

    /// The actor's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the kernel reports about the calling thread now, which is recorded as a sample too; `None` without /proc.
    #[must_use]
    pub fn observe(&self) -> Option<Sample> {
        self.lab.observe(&self.name, std::process::id(), sys::thread_id())
    }

    /// Opens a socket: socket(2).
    ///
    /// # Errors
    /// `EAFNOSUPPORT` for a family that this kernel lacks, `EMFILE` with no descriptor left.
    #[track_caller]
    pub fn socket(
        &self,
        domain: Domain,
        kind: Type,
        protocol: Option<Protocol>,
    ) -> io::Result<Socket> {
        Socket::open(
            self.lab.recorder_arc(),
            self.lab.defaults(),
            &self.name,
            self.instrument,
            domain,
            kind,
            protocol,
        )
    }

    /// Does something that is not a call on a socket, and records it under the name of its system call: `unlink …/door`. An
    /// error is recorded too.
    pub fn deed<T>(
        &self,
        deed: impl Into<Label>,
        perform: impl FnOnce() -> io::Result<T>,
    ) -> io::Result<T> {
        let answer = perform();
        let errno = answer.as_ref().err().map(sys::error_name);
        let actor = current().unwrap_or_else(|| self.name.clone());
        self.lab.recorder().push(&actor, EventKind::Deed { deed: deed.into(), errno });
        answer
    }
}

/// Starts actors that have threads of their own. Made by [`Lab::scope`], which returns when all those threads have ended.
#[derive(Debug)]
pub struct Stage<'scope, 'env: 'scope> {
    lab: &'env Lab,
    scope: &'scope thread::Scope<'scope, 'env>,
}

/// An actor that has a thread of its own.
#[derive(Debug)]
pub struct ActorThread<'scope, T> {
    lab: Lab,
    name: Name,
    thread: u32,
    handle: thread::ScopedJoinHandle<'scope, Result<T>>,
}

impl<'scope, 'env> Stage<'scope, 'env> {
    pub(super) fn new(lab: &'env Lab, scope: &'scope thread::Scope<'scope, 'env>) -> Self {
        Stage { lab, scope }
    }

    /// Starts an actor on a thread of its own. An error or a panic in it ends the experiment and is reported with its name.
    pub fn actor<T: Send + 'scope>(
        &self,
        name: &'static str,
        play: impl FnOnce(Actor) -> Result<T> + Send + 'scope,
    ) -> Result<ActorThread<'scope, T>> {
        let (lab, event_name) = (self.lab.clone(), Name::from(name));
        let (id_sender, id_receiver) = std::sync::mpsc::channel();
        let (inner, inner_name) = (lab.clone(), event_name.clone());
        let run = move || {
            CURRENT.set(Some(inner_name.clone()));
            let actor = Actor::new(&inner, name, ActorKind::Thread);
            let _ = id_sender.send(sys::thread_id());
            let answer = catch_unwind(AssertUnwindSafe(|| play(actor)))
                .unwrap_or_else(|panic| Err(panicked(panic.as_ref())));
            inner.recorder().push(
                &inner_name,
                EventKind::Exited { cpu_ns: sys::cpu_time().map(nanoseconds), status: None },
            );
            answer.map_err(|error| {
                let error = error.at(&inner, &inner_name);
                inner.fail_now(&error);
                error
            })
        };
        let handle = thread::Builder::new()
            .name(name.to_owned())
            .spawn_scoped(self.scope, run)
            .map_err(no_more)?;
        let thread = id_receiver.recv().map_err(|_| Failure::Panic {
            actor: Some(event_name.clone()),
            message: String::new(),
        })?;
        Ok(ActorThread { lab, name: event_name, thread, handle })
    }
}

impl<T> ActorThread<'_, T> {
    /// Waits until the actor has ended, and returns its result.
    pub fn finish(self) -> Result<T> {
        self.handle.join().unwrap_or_else(|panic| Err(panicked(panic.as_ref())))
    }

    /// Waits until the actor is blocked in this call: it has entered the call and not returned, and where the kernel
    /// reports thread states, its thread sleeps.
    pub fn until_blocked_in(&self, kind: SyscallKind) -> Result<()> {
        until_blocked_in(&self.lab, &self.name, (std::process::id(), self.thread), kind, || {
            self.handle.is_finished()
        })
    }

    /// Waits until its thread sleeps in any call, where the kernel reports thread states. A thread that is paused at a
    /// breakpoint ([`Breakpoints`](super::Breakpoints)) does not count.
    pub fn until_asleep(&self) {
        let asleep =
            || sys::is_asleep(std::process::id(), self.thread) != Some(false) && !self.is_held();
        sys::look_until(|| (self.handle.is_finished() || asleep()).then_some(()));
    }

    fn is_held(&self) -> bool {
        self.lab.recorder().look(|events| {
            let mine = |event: &&Event| {
                event.thread == self.thread && !matches!(event.what, EventKind::Sample(_))
            };
            matches!(
                events.iter().rev().find(mine).map(|event| &event.what),
                Some(EventKind::Held(_))
            )
        })
    }

    /// Its TID.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.thread
    }

    /// What the kernel reports about its thread now, which is recorded as a sample too; `None` without /proc.
    #[must_use]
    pub fn observe(&self) -> Option<Sample> {
        self.lab.observe(&self.name, std::process::id(), self.thread)
    }

    /// Processor time that its thread has used so far; `None` where the system does not report it, and after the thread
    /// has ended.
    #[must_use]
    pub fn cpu_time(&self) -> Option<Duration> {
        sys::cpu_time_of_thread(self.thread)
    }
}

/// Waits until a thread has entered this call, has not returned, and sleeps.
fn until_blocked_in(
    lab: &Lab,
    name: &str,
    (process, thread): (u32, u32),
    kind: SyscallKind,
    has_left: impl Fn() -> bool,
) -> Result<()> {
    sys::look_until(|| {
        let left = has_left();
        let pending = lab.recorder().look(|events| {
            let mine = |event: &&Event| event.thread == thread && event.process == process && !matches!(event.what, EventKind::Sample(_));
            let last = events.iter().rev().find(mine);
            matches!(last.map(|event| &event.what), Some(EventKind::Enter(call)) if call.kind() == kind && !call.peeks())
        });
        // Events of a process arrive late, so its thread may have gone on and sleep on one of the lab's locks.
        if pending
            && sys::is_asleep(process, thread).unwrap_or(true)
            && !sys::waits_for_a_lock(process, thread)
        {
            return Some(Ok(()));
        }
        if left {
            let function = Cow::Owned(kind.to_string());
            return Some(Err(Failure::NotBlocked { actor: Name::from(name), function }.into()));
        }
        None
    })
}

fn nanoseconds(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

/// The error for a system that cannot start more threads or processes.
pub(super) fn no_more(error: io::Error) -> Error {
    Lack::Threads { errno: sys::error_name(&error) }.into()
}

/// A panic as an error; [`Error::at`] adds the actor.
pub(super) fn panicked(panic: &(dyn std::any::Any + Send)) -> Error {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let message = text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
    Failure::Panic { actor: None, message }.into()
}

/// The child processes of a run, each with its control channel.
pub(super) type Children = Mutex<Vec<(std::process::Child, Control)>>;

/// Stops every child process, and waits until it has ended.
pub(super) fn stop_all(children: &Children) {
    for (mut child, control) in children.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
        drop(control);
        let _ = child.kill();
        let _ = child.wait();
    }
}

/// Forwards a message to the child process that it concerns, or to all of them.
pub(super) fn forward(children: &Children, resume: Resume) {
    for (child, control) in children.lock().unwrap_or_else(PoisonError::into_inner).iter_mut() {
        match resume {
            Resume::Call { process, .. } if process != child.id() => {}
            Resume::Call { .. } | Resume::All => control.resume(resume),
        }
    }
}

/// An actor that is a process of its own: this program, run once more to play one part of the experiment.
#[derive(Debug)]
pub struct Process {
    lab: Lab,
    name: Name,
    id: u32,
    reader: thread::JoinHandle<Option<Ending>>,
}

impl Process {
    /// Starts the program again to play `part` of this experiment as actor `name`, which reads `settings` with [`Lab::text`].
    pub(super) fn start(
        lab: &Lab,
        name: &str,
        part: &str,
        settings: &[(&str, String)],
    ) -> Result<Process> {
        let job = child::Job {
            name: part.to_owned(),
            settings: settings
                .iter()
                .map(|(key, value)| ((*key).to_owned(), value.clone()))
                .collect(),
            stepped: lab
                .recorder()
                .breakpoints()
                .is_some_and(|breakpoints| breakpoints.are_enabled()),
            lack: None,
            part: Some(child::Part { actor: name.to_owned(), epoch_ns: lab.recorder().epoch_ns() }),
        };
        let Started { process, argv, control, output } = child::start(job).map_err(no_more)?;
        let id = process.id();
        lab.recorder().push_of(&Name::from(name), id, id, EventKind::Execed { argv });
        lab.children().lock().unwrap_or_else(PoisonError::into_inner).push((process, control));
        lab.watch_thread(&Name::from(name), id, id);
        let (into, who) = (lab.clone(), Name::from(name));
        let read_output = move || {
            let mut ending = None;
            for line in output.split(b'\n').map_while(io::Result::ok) {
                let Ok(Line::Event(event)) = parse_line(&line) else {
                    continue;
                };
                match event.what {
                    EventKind::End { ending: how } => {
                        // Other actors may be waiting for something that will no longer happen.
                        match &how {
                            Ending::Unavailable { why } => into.fail_now(&why.clone().into()),
                            Ending::Failed { why } => into.fail_now(&why.clone().into()),
                            _ => {}
                        }
                        ending = Some(how);
                    }
                    _ => {
                        into.recorder()
                            .breakpoints()
                            .into_iter()
                            .for_each(|breakpoints| breakpoints.observe(&event));
                        into.recorder().merge(*event);
                    }
                }
            }
            // Its output is closed, so it has ended or is about to.
            into.recorder()
                .breakpoints()
                .into_iter()
                .for_each(|breakpoints| breakpoints.process_ended(id));
            let cpu_ns = sys::cpu_time_of_process(id).map(nanoseconds);
            let status = sys::exit_status(id);
            into.recorder().push_of(&who, id, id, EventKind::Exited { cpu_ns, status });
            ending
        };
        let reader = thread::Builder::new()
            .name(format!("output of {name}"))
            .spawn(read_output)
            .map_err(no_more)?;
        Ok(Process { lab: lab.clone(), name: Name::from(name), id, reader })
    }

    /// Its PID.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.id
    }

    /// Waits until its main thread is blocked in this function; see [`ActorThread::until_blocked_in`].
    pub fn until_blocked_in(&self, kind: SyscallKind) -> Result<()> {
        until_blocked_in(&self.lab, &self.name, (self.id, self.id), kind, || {
            self.reader.is_finished()
        })
    }

    /// What the kernel reports about its main thread now, which is recorded as a sample too; `None` without /proc.
    #[must_use]
    pub fn observe(&self) -> Option<Sample> {
        self.lab.observe(&self.name, self.id, self.id)
    }

    /// Processor time that all its threads have used so far; `None` where the system does not report it.
    #[must_use]
    pub fn cpu_time(&self) -> Option<Duration> {
        sys::cpu_time_of_process(self.id)
    }

    /// Bytes of its memory that are in RAM (`VmRSS`, proc_pid_status(5)); `None` where the system does not report it.
    #[must_use]
    pub fn memory(&self) -> Option<u64> {
        sys::memory(self.id)
    }

    /// Kills it (`SIGKILL`): it ends between two instructions, without running any cleanup of its own. It stays in the
    /// kernel's table (state `Z`) until [`Process::collect`].
    pub fn kill(&self) -> Result<()> {
        let mut children = self.lab.children().lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((child, _)) = children.iter_mut().find(|(child, _)| child.id() == self.id) {
            let signal = Cow::Borrowed("SIGKILL");
            self.lab.recorder().push_of(
                &self.name,
                self.id,
                self.id,
                EventKind::Signalled { signal },
            );
            child.kill()?;
        }
        Ok(())
    }

    /// Waits until it has ended, without collecting it: [`Process::finish`] does that if it ended by itself, and
    /// [`Process::collect`] if it was killed. Until then it stays in the kernel's table (state `Z`).
    pub fn until_ended(&self) {
        self.lab.recorder().until(|events| {
            let left = |event: &&Event| matches!(event.what, EventKind::Exited { .. });
            events.iter().rev().filter(left).any(|event| event.process == self.id)
        });
        sys::until_ended(self.id);
    }

    /// Collects a process that was killed (waitpid(2)), and returns how it ended, in the system's words.
    pub fn collect(self) -> Result<String> {
        let _ = self.reader.join();
        let (mut child, control) = take(&self.lab, self.id)
            .ok_or_else(|| Error::from(Failure::Collected { actor: self.name.clone() }))?;
        let status = child.wait()?;
        drop(control);
        Ok(status.to_string())
    }

    /// Waits until the process has ended and all its events have arrived.
    pub fn finish(self) -> Result<()> {
        let Process { lab, name, id, reader } = self;
        let ending = reader.join().map_err(|panic| panicked(panic.as_ref()))?;
        // Take it out of the list before waiting for it: the deadline needs the list's lock.
        let child = take(&lab, id);
        let status = child.map(|(mut child, control)| {
            drop(control);
            child.wait()
        });
        match ending {
            Some(Ending::Finished) => Ok(()),
            Some(Ending::Unavailable { why }) => Err(why.into()),
            Some(Ending::Failed { why }) => Err(why.into()),
            Some(Ending::Deadline | Ending::Interrupted) | None => {
                let status = status.transpose()?;
                let code = status.and_then(|status| status.code());
                let signal = status.and_then(sys::signal_of);
                Err(Failure::EndedEarly { actor: name, code, signal }.into())
            }
        }
    }
}

fn take(lab: &Lab, id: u32) -> Option<(std::process::Child, Control)> {
    let mut children = lab.children().lock().unwrap_or_else(PoisonError::into_inner);
    let at = children.iter().position(|(child, _)| child.id() == id)?;
    Some(children.remove(at))
}
