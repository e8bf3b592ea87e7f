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
mod holders;
mod holding;
pub mod lines;
mod looks;
mod order;
mod programs;
mod returns;
mod rewrite;
mod signals;
mod stage;
mod terminals;
mod threads;
mod tracer;
mod untraced;
mod widening;

pub use holders::peer_process;

use std::fs::File;
use std::io;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;

use nix::sched::CloneFlags;

use self::control::Control;
use self::programs::{Programs, Streams};
use self::stage::Stage;
use self::tracer::Tracer;
use super::child::TraceJob;
use super::link::{Host, Networks, Wire};
use super::sys::ptrace::{self, Refusal, Ticks};
use super::sys::{self, Missing};
use super::{Keep, Recorder, source_line};
use crate::trace::recording::{Header, Origin, Program, write_line};
use crate::trace::rule::Rule;
use crate::trace::{
    Ending, EventKind, FailedCall, Failure, LAB, LINK, Lack, Name, Need, Note, TraceStep,
};

/// Traces programs in this process, by the protocol of [`super::child`]. Call it before the process has started any thread.
pub fn perform(job: TraceJob) -> ExitCode {
    ptrace::block_ticks();
    crate::signals::block();
    ptrace::leave_keys_to_programs();
    let programs =
        job.programs.iter().map(|it| Program { name: it.name.clone(), argv: it.argv.clone() });
    let epoch_ns = job.epoch_ns.unwrap_or_else(sys::monotonic_ns);
    let header = Header::now(sys::name(), Origin::Programs(programs.collect()));
    let header = Header { start: sys::start(epoch_ns), ..header };
    if write_line(&mut io::stdout(), &header).is_err() {
        return ExitCode::FAILURE; // nobody listens
    }
    let networks = networks(&job);
    let may_trace = may_trace();
    let recorder = Arc::new(Recorder::with_keep(Keep::UntilWritten, epoch_ns));
    let writing = recorder.clone();
    recorder.expect_writer();
    let writer = thread::Builder::new().name("writer".to_owned()).spawn(move || {
        writing.write_to(&mut io::BufWriter::new(io::stdout()), source_line);
    });
    let end = |ending| {
        recorder.push(&Name::from(LAB), EventKind::End { ending });
        recorder.close();
        recorder.drain();
    };
    if let Err(error) = writer {
        recorder.expect_no_writer();
        end(Ending::Unavailable { why: Lack::Threads { errno: sys::error_name(&error) } });
        recorder.write_to(&mut io::stdout(), source_line);
        return ExitCode::FAILURE;
    }
    let prepared = networks.and_then(|networks| {
        may_trace?;
        let connected = connect(networks, job.wire.clone().unwrap_or_default(), &recorder)?;
        let ticks = Ticks::every(tracer::TICK).map_err(|error| refused(TraceStep::Fork, &error))?;
        Ok((connected, ticks))
    });
    let ((wire, hosts), ticks) = match prepared {
        Ok(prepared) => prepared,
        Err(why) => {
            let program = job.programs.first().filter(|_| job.or_untraced).cloned();
            end(match program {
                Some(program) => untraced::run(program, streams(&job), why, &recorder),
                None => Ending::Unavailable { why },
            });
            return ExitCode::FAILURE;
        }
    };
    let [input, output] = streams(&job);
    let streams = Streams { input, output, own_terminals: job.own_terminals };
    let most = job.most_events.unwrap_or(stage::MOST_EVENTS);
    let programs = Programs::new(job.programs, streams, hosts);
    let mut tracer = Tracer::new(Stage::new(recorder.clone(), most), programs, job.stepped);
    tracer.rewriting.is_on = job.rewrite;
    tracer.from_start = job.from_start;
    let ending = tracer.run(&ticks, &mut Control::new(), job.limit_ns);
    let worst = tracer.worst_exit();
    if let Some(wire) = &wire {
        finish(wire, tracer.frames_without_room(), &recorder);
    }
    end(ending);
    ExitCode::from(worst)
}

/// The programs' standard input and output.
fn streams(job: &TraceJob) -> [File; 2] {
    [job.input, job.output].map(ptrace::inherited)
}

/// A network for each program, if they are to have some.
fn networks(job: &TraceJob) -> Result<Option<Networks>, Lack> {
    if job.wire.is_none() {
        return Ok(None);
    }
    let names: Vec<Name> = job.programs.iter().map(|it| Name::from(it.name.as_str())).collect();
    Networks::lay(&names).map(Some).map_err(|missing| missing.lack(Need::Link))
}

/// Starts the link between the networks. If it fails, so does the run.
fn connect(
    networks: Option<Networks>,
    rules: Vec<Rule>,
    recorder: &Arc<Recorder>,
) -> Result<(Option<Wire>, Vec<Host>), Lack> {
    let Some(mut networks) = networks else { return Ok((None, Vec::new())) };
    if let Some(Missing { errno, .. }) = networks.unnamed.take() {
        let note = Note::NoNames { errno };
        recorder.push(&Name::from(LINK), EventKind::Note { note });
    }
    let failing = recorder.clone();
    let fail = move |error: &io::Error| {
        let call = FailedCall::unknown(&Name::from(LINK), sys::error_name(error));
        let ending = Ending::Failed { why: Failure::Call(call) };
        failing.push(&Name::from(LAB), EventKind::End { ending });
        failing.close();
        failing.drain();
        std::process::exit(1); // the programs end with their tracer
    };
    let wire = networks
        .connect(recorder, rules.into_iter().collect(), fail)
        .map_err(|error| Lack::Threads { errno: sys::error_name(&error) })?;
    Ok((Some(wire), networks.hosts))
}

/// Waits for what is still on its way, and records what of the link is not in the recording.
fn finish(wire: &Wire, without_room: u64, recorder: &Recorder) {
    wire.settle();
    if without_room > 0 {
        let label = "frames that the wire's device had no room for".into();
        let (count, source) = (without_room, "/proc/net/dev".into());
        recorder.push(&Name::from(LINK), EventKind::Count { label, count, source });
    }
    if let events @ 1.. = wire.left_out() {
        let note = Note::LeftOut { events };
        recorder.push(&Name::from(LINK), EventKind::Note { note });
    }
}

/// Tries to trace. Where Yama reserves that for those who have the capability, a user namespace of our own gives it.
fn may_trace() -> Result<(), Lack> {
    match ptrace::probe() {
        Err(Refusal::Seize(error)) if error.kind() == io::ErrorKind::PermissionDenied => {
            let lack = refused(TraceStep::Seize, &error);
            sys::enter_user_namespace(CloneFlags::empty()).map_err(|_| lack.clone())?;
            ptrace::probe().map_err(|_| lack)
        }
        tried => tried.map_err(|refusal| match refusal {
            Refusal::Fork(error) => refused(TraceStep::Fork, &error),
            Refusal::Seize(error) => refused(TraceStep::Seize, &error),
            Refusal::TooOld(error) => {
                Lack::TracingOldKernel { kernel: sys::name(), errno: sys::error_name(&error) }
            }
        }),
    }
}

fn refused(step: TraceStep, error: &io::Error) -> Lack {
    Lack::Tracing { step, errno: sys::error_name(error) }
}
