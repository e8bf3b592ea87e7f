//! Actors that are processes of their own, and the list of a run's child processes.

use std::borrow::Cow;
use std::io::{self, BufRead};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::actor::{nanoseconds, no_more, panicked, until_blocked_in};
use super::child::{self, Control, Order, Started};
use super::{Error, Lab, Result, sys};
use crate::trace::recording::{Line, parse_line};
use crate::trace::{
    Ending, Event, EventKind, ExitStatus, Failure, Lack, Name, Sample, SyscallKind,
};

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

/// Forwards an order to the child process that it concerns, or to all of them.
pub(super) fn forward(children: &Children, order: &Order) {
    for (child, control) in children.lock().unwrap_or_else(PoisonError::into_inner).iter_mut() {
        match order {
            Order::Resume { process, .. } if *process != child.id() => {}
            order => control.give(order),
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
            if status == Some(ExitStatus::Signal("SIGSYS".into())) {
                into.fail_now(&Lack::Forbidden.into());
            }
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

    /// Waits until its main thread is blocked in this function; see [`ActorThread::until_blocked_in`](super::ActorThread::until_blocked_in).
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

pub(super) fn take(lab: &Lab, id: u32) -> Option<(std::process::Child, Control)> {
    let mut children = lab.children().lock().unwrap_or_else(PoisonError::into_inner);
    let at = children.iter().position(|(child, _)| child.id() == id)?;
    Some(children.remove(at))
}
