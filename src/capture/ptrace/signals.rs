//! Signals, and the calls that they cut short.
//!
//! A signal wakes a traced thread even if the program ignores it, and a call that answers that with `EINTR` would then fail as it never
//! does without a tracer: the kernel is told to repeat it.

use std::fs;

use super::tracer::Tracer;
use crate::capture::sys::ptrace::{Sender, repeat_call, sender_of_signal, signal_name};
use crate::trace::{EventKind, Outcome, Output, Return};

impl Tracer {
    /// A thread is about to get a signal.
    pub(super) fn signalled(&mut self, id: u32, signal: i32) {
        let Some(process) = self.threads.get(&id).map(|thread| thread.process) else { return };
        let sender = sender_of_signal(id);
        let is_own = |process| self.processes.contains_key(&process);
        let from_outside = match &sender {
            Some(Sender::Process(sender)) => !is_own(*sender),
            Some(Sender::Kernel) => true,
            None => false,
        };
        if signal == libc::SIGINT && from_outside {
            self.programs.start_no_more();
            self.tell_who_is_busy(self.stage.now_ns());
        }
        let has_effect = !has_no_effect(id, signal);
        let mut is_eintr = false;
        if let Some(cut) = self.threads.get_mut(&id).and_then(|thread| thread.cut.as_mut()) {
            is_eintr = cut.is_eintr;
            if has_effect {
                cut.by.get_or_insert(signal);
            } else if is_eintr {
                repeat_call(id);
            }
        }
        let from_another = match sender {
            Some(Sender::Process(sender)) => sender != process,
            // Ctrl-C, Ctrl-\.
            Some(Sender::Kernel) => matches!(signal, libc::SIGINT | libc::SIGQUIT),
            None => false,
        };
        if has_effect && from_another && !is_ignored_by_default(signal) {
            self.tell_signal(id, signal);
        }
        if has_effect && is_eintr {
            self.cut_short(id);
        }
    }

    /// Records that a thread got a signal: no later than the end of the call that was cut short by it.
    fn tell_signal(&mut self, id: u32, signal: i32) {
        if !self.is_actor(id) {
            return;
        }
        let cut = self.threads.get_mut(&id).and_then(|thread| thread.cut.as_mut());
        let cut = cut.filter(|cut| cut.by == Some(signal));
        let at_ns = cut.map(|cut| {
            cut.by = None;
            cut.at_ns
        });
        let at_ns = at_ns.unwrap_or_else(|| self.stage.now_ns());
        self.tell(id, at_ns, EventKind::Signalled { signal: signal_name(signal) }, None);
    }

    /// Whether Ctrl-C has been pressed and a program does not know it yet: one that is held, or has just gone on.
    pub(super) fn is_interrupted(&self) -> bool {
        self.processes.keys().any(|process| {
            let status = status_of(*process);
            ["SigPnd:", "ShdPnd:"].iter().any(|key| is_in(&status, key, libc::SIGINT))
        })
    }

    /// A call that a signal has cut short does not go on: it has returned `EINTR`.
    pub(super) fn cut_short(&mut self, id: u32) {
        let cut = self.threads.get(&id).and_then(|thread| thread.cut.as_ref());
        if let Some(signal) = cut.and_then(|cut| cut.by) {
            self.tell_signal(id, signal);
        }
        let Some(cut) = self.threads.get_mut(&id).and_then(|thread| thread.cut.take()) else {
            return;
        };
        let took_ns = cut.at_ns.saturating_sub(cut.open.at_ns);
        let outcome = Outcome::Errno("EINTR".into());
        let back =
            Return { call: cut.open.call, outcome, out: Output::None, took_ns, lag_ns: None };
        self.tell(id, cut.at_ns, EventKind::Return(back), cut.open.object);
    }
}

/// True if the process catches a signal that programs are woken by (`SigCgt`, proc_pid_status(5)), in whatever call: a timer's, that of a
/// descriptor that is ready, or one that has no other use than the program's own.
pub(super) fn may_be_signalled(process: u32) -> bool {
    let own = [
        libc::SIGALRM,
        libc::SIGVTALRM,
        libc::SIGPROF,
        libc::SIGIO,
        libc::SIGHUP,
        libc::SIGUSR1,
        libc::SIGUSR2,
        libc::SIGWINCH,
    ];
    let status = status_of(process);
    // Those of the C library stand before the program's real-time signals (nptl(7)).
    let mut wakes = own.into_iter().chain(libc::SIGRTMIN()..=libc::SIGRTMAX());
    wakes.any(|signal| is_in(&status, "SigCgt:", signal))
}

/// Signals whose default is to do nothing.
fn is_ignored_by_default(signal: i32) -> bool {
    matches!(signal, libc::SIGCHLD | libc::SIGURG | libc::SIGWINCH | libc::SIGCONT)
}

/// True if the process does nothing when it gets this signal (proc_pid_status(5)).
fn has_no_effect(thread: u32, signal: i32) -> bool {
    let status = status_of(thread);
    let is_in = |key: &str| is_in(&status, key, signal);
    is_in("SigIgn:") || (is_ignored_by_default(signal) && !is_in("SigCgt:"))
}

fn status_of(thread: u32) -> String {
    fs::read_to_string(format!("/proc/{thread}/status")).unwrap_or_default()
}

/// True if this mask of a thread's status has the signal.
fn is_in(status: &str, key: &str, signal: i32) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix(key));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}
