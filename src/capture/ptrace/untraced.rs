//! A program where none may be traced: it runs, and of what it does only its start and its end are recorded.

use std::fs::File;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, ExitStatus};
use std::thread;

use super::control::Control;
use super::tracer::TICK;
use crate::capture::Recorder;
use crate::capture::child::TracedProgram;
use crate::capture::sys::ptrace::{become_untraced, signal_name};
use crate::capture::sys::{self, Descendant, error_name};
use crate::trace::{self, Ending, EventKind, Failure, Lack, Name, Note};

/// Runs it until it and all processes that it has started have ended, or until nobody waits for them any more.
pub fn run(
    program: TracedProgram,
    [input, output]: [File; 2],
    why: Lack,
    recorder: &Recorder,
) -> Ending {
    let name = Name::from(program.name.as_str());
    let Some((file, words)) = program.argv.split_first() else {
        return Ending::Unavailable { why };
    };
    sys::adopt_orphans();
    let mut command = Command::new(file);
    command.args(words).stdin(input).stdout(output);
    // SAFETY: what it calls is async-signal-safe.
    unsafe { command.pre_exec(become_untraced) };
    let spawned = command.spawn();
    drop(command); // with our ends of its pipes
    let mut child = match spawned {
        Ok(child) => child,
        Err(error) => {
            let (file, errno) = (file.clone(), error_name(&error));
            return Ending::Failed { why: Failure::Program { name, file, errno } };
        }
    };
    let process = child.id();
    let push = |what| recorder.push_of(&name, process, process, what);
    push(EventKind::Note { note: Note::Untraced { why } });
    push(EventKind::Execed { argv: program.argv.clone() });
    let (mut control, mut has_ended, mut is_wanted) = (Control::new(), false, true);
    loop {
        if let Ok(Some(status)) = child.try_wait()
            && !has_ended
        {
            has_ended = true;
            push(EventKind::Exited { cpu_ns: None, status: status_of(status) });
        }
        let others = sys::descendants(std::process::id());
        if has_ended && others.iter().all(Descendant::is_zombie) {
            break;
        }
        is_wanted = is_wanted && control.read().is_some();
        if !is_wanted {
            others.iter().for_each(|other| drop(sys::kill(other.process)));
        }
        thread::sleep(TICK);
    }
    if is_wanted { Ending::Finished } else { Ending::Interrupted }
}

fn status_of(status: ExitStatus) -> Option<trace::ExitStatus> {
    let by_signal = || status.signal().map(|signal| trace::ExitStatus::Signal(signal_name(signal)));
    status.code().map(trace::ExitStatus::Code).or_else(by_signal)
}
