//! Actors that are played by threads: roles of the experiment's own thread, and threads of their own. `process` has the others.
//!
//! A call is recorded under the actor of the calling thread, or under the socket's owner if that thread has no actor.

use std::borrow::Cow;
use std::cell::RefCell;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;
use std::time::Duration;

use socket2::{Domain, Protocol, Type};

use super::{Error, Lab, Result, Socket, sys};
use crate::trace::{
    ActorKind, Event, EventKind, Failure, LAB, Label, Lack, Name, Sample, SyscallKind,
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

/// What a thread did last.
fn last_of(events: &[Event], (process, thread): (u32, u32)) -> Option<&Event> {
    let is_its = |event: &&Event| {
        event.thread == thread
            && event.process == process
            && !matches!(event.what, EventKind::Sample(_))
    };
    events.iter().rev().find(is_its)
}

/// Whether a call that was entered at this time, and has not returned, counts as blocked where the kernel does not report what a thread
/// is doing, or on what it sleeps: the call is old, and so is all that this thread has done, which may just have woken the other.
fn has_settled(lab: &Lab, entered_ns: u64) -> bool {
    const LONG_ENOUGH: Duration = Duration::from_millis(5);
    let here = (std::process::id(), sys::thread_id());
    let own_ns = lab.recorder().look(|events| last_of(events, here).map(|event| event.at_ns));
    let since_ns = own_ns.unwrap_or(0).max(entered_ns);
    lab.recorder().now_ns().saturating_sub(since_ns) >= nanoseconds(LONG_ENOUGH)
}

/// Waits until a thread has entered this call, has not returned, and sleeps.
pub(super) fn until_blocked_in(
    lab: &Lab,
    name: &str,
    (process, thread): (u32, u32),
    kind: SyscallKind,
    has_left: impl Fn() -> bool,
) -> Result<()> {
    sys::look_until(|| {
        let left = has_left();
        let pending = lab.recorder().look(|events| {
            let last = last_of(events, (process, thread))?;
            matches!(&last.what, EventKind::Enter(call) if call.kind() == kind && !call.peeks())
                .then_some(last.at_ns)
        });
        // Events of a process arrive late, so its thread may have gone on and sleep on one of the lab's locks.
        let is_blocked = |entered_ns| match sys::is_asleep(process, thread) {
            Some(false) => false,
            asleep => match asleep.and(sys::waits_for_a_lock(process, thread)) {
                Some(waits) => !waits,
                None => has_settled(lab, entered_ns),
            },
        };
        if pending.is_some_and(is_blocked) {
            return Some(Ok(()));
        }
        if left {
            let function = Cow::Owned(kind.to_string());
            return Some(Err(Failure::NotBlocked { actor: Name::from(name), function }.into()));
        }
        None
    })
}

pub(super) fn nanoseconds(span: Duration) -> u64 {
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
