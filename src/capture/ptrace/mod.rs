//! Programs that are not ours, traced with ptrace(2): what they do with sockets becomes events of a recording.
//!
//! A filter (`filter`) stops each thread where it is about to make a call on a socket; the tracer (`tracer`) decodes the call
//! (`entry`, `decode`), lets it be made, and records what it returned (`returns`). Sockets are told apart by their inode
//! (`descriptors`); `stage` decides what is worth recording.

mod calls;
mod control;
mod decode;
mod descriptors;
mod entry;
mod filter;
pub mod lines;
mod looks;
mod programs;
mod returns;
mod signals;
mod stage;
mod threads;
mod tracer;

use std::io;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;

use self::control::Control;
use self::programs::{Programs, Streams};
use self::stage::Stage;
use self::tracer::Tracer;
use super::child::TraceJob;
use super::sys::{self, ptrace};
use super::{Keep, Recorder};
use crate::trace::recording::{Header, Origin, Program, write_line};
use crate::trace::{Ending, EventKind, LAB, Lack, Name, Site, TraceStep};

/// Traces programs in this process, by the protocol of [`super::child`]. Call it before the process has started any thread.
pub fn perform(job: TraceJob) -> ExitCode {
    let signals = ptrace::stop_signals();
    crate::signals::block();
    ptrace::leave_keys_to_programs();
    let programs =
        job.programs.iter().map(|it| Program { name: it.name.clone(), argv: it.argv.clone() });
    let header = Header::now(sys::name(), Origin::Programs(programs.collect()));
    if write_line(&mut io::stdout(), &header).is_err() {
        return ExitCode::FAILURE; // nobody listens
    }
    let may_trace = may_trace();
    let recorder = Arc::new(Recorder::with_keep(Keep::UntilWritten, sys::monotonic_ns()));
    let writing = recorder.clone();
    recorder.expect_writer();
    let writer = thread::Builder::new().name("writer".to_owned()).spawn(move || {
        writing.write_to(&mut io::BufWriter::new(io::stdout()), line_of);
    });
    let end = |ending| {
        recorder.push(&Name::from(LAB), EventKind::End { ending });
        recorder.close();
        recorder.drain();
    };
    if let Err(error) = writer {
        recorder.expect_no_writer();
        end(Ending::Unavailable { why: Lack::Threads { errno: sys::error_name(&error) } });
        recorder.write_to(&mut io::stdout(), line_of);
        return ExitCode::FAILURE;
    }
    let signals =
        match may_trace.and_then(|()| signals.map_err(|error| refused(TraceStep::Fork, &error))) {
            Ok(signals) => signals,
            Err(why) => {
                end(Ending::Unavailable { why });
                return ExitCode::FAILURE;
            }
        };
    let [input, output] = [job.input, job.output].map(ptrace::inherited);
    let programs = Programs::new(job.programs, Streams { input, output });
    let mut tracer = Tracer::new(Stage::new(recorder.clone()), programs, job.stepped);
    let ending = tracer.run(&signals, &mut Control::new(), job.limit_ns);
    let worst = tracer.worst_exit();
    end(ending);
    ExitCode::from(worst)
}

/// Tries to trace. Where Yama reserves that for those who have the capability, a user namespace of our own gives it.
fn may_trace() -> Result<(), Lack> {
    let first = ptrace::probe();
    match first {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            let lack = refused(TraceStep::Seize, &error);
            ptrace::enter_user_namespace().map_err(|_| lack.clone())?;
            ptrace::probe().map_err(|_| lack)
        }
        tried => tried.map_err(|error| refused(TraceStep::Seize, &error)),
    }
}

fn refused(step: TraceStep, error: &io::Error) -> Lack {
    Lack::Tracing { step, errno: sys::error_name(error) }
}

/// The line of the program's own file, as it is now.
fn line_of(site: &Site) -> Option<String> {
    let text = std::fs::read_to_string(&*site.file).ok()?;
    let index = usize::try_from(site.line.checked_sub(1)?).ok()?;
    text.lines().nth(index).map(|line| line.trim().to_owned())
}
