//! An experiment or a trace in a child process, as the main program sees it. There is one at a time, and a signal to the program
//! stops it.

use std::collections::BTreeMap;
use std::io::{self, BufRead, IsTerminal, Write};
use std::process::{Child, ExitStatus};
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use super::{Control, Job, Order, Started, TraceJob, start, start_trace};
use crate::capture::{probe, sys};
use crate::signals;

/// The time that an experiment has to end its recording after it was told to stop.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(2);

/// The experiment that a signal must stop.
static RUNNING: Mutex<Option<Running>> = Mutex::new(None);
/// The exit code for the signal that arrived; 0 for none.
static INTERRUPTED: AtomicU8 = AtomicU8::new(0);

/// The next Ctrl-C is for the programs that are traced: the terminal sends it to them as well.
static LEAVE_ONE: AtomicBool = AtomicBool::new(false);
/// A Ctrl-C was left.
static LEFT: AtomicBool = AtomicBool::new(false);
/// The next Ctrl-C after that, or SIGTERM, ends the programs that are traced, and not this one: it shows what happened.
static ENDS_PROGRAMS: AtomicBool = AtomicBool::new(false);
/// The exit code for the signal that ended them.
static ENDED_BY: AtomicU8 = AtomicU8::new(0);

struct Running {
    /// `None` after it was told to stop.
    control: Option<Control>,
    /// Killed if it does not stop by itself.
    process: u32,
}

fn running() -> MutexGuard<'static, Option<Running>> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The exit code to leave with, if a signal arrived.
#[must_use]
pub fn interrupted() -> Option<u8> {
    Some(INTERRUPTED.load(Ordering::Relaxed)).filter(|code| *code != 0)
}

/// Lets the next Ctrl-C not stop anything: whoever waits asks [`was_ctrl_c_left`].
pub fn leave_ctrl_c() {
    LEFT.store(false, Ordering::Relaxed);
    LEAVE_ONE.store(true, Ordering::Relaxed);
}

/// True if Ctrl-C came since [`leave_ctrl_c`].
pub fn was_ctrl_c_left() -> bool {
    LEFT.load(Ordering::Relaxed)
}

/// The exit code to leave with, if a second Ctrl-C or SIGTERM ended the programs that were traced.
#[must_use]
pub fn programs_ended_by() -> Option<u8> {
    Some(ENDED_BY.load(Ordering::Relaxed)).filter(|code| *code != 0)
}

/// From here on a signal stops the running experiment, and then this program; without one, it ends the program at once. The program's
/// terminal is minded while it is stopped.
/// Call it before the process starts any thread.
pub fn stop_on_signals() {
    signals::block_at_terminal();
    let waiting = thread::Builder::new().name("signals".to_owned()).spawn(|| {
        let mut code = signals::wait_at_terminal();
        while [signals::CTRL_C, signals::TERMINATED].contains(&code) {
            let is_left = LEAVE_ONE.swap(false, Ordering::Relaxed) && code == signals::CTRL_C;
            if is_left {
                LEFT.store(true, Ordering::Relaxed);
            } else if ENDS_PROGRAMS.swap(false, Ordering::Relaxed) && end_programs() {
                ENDED_BY.store(code, Ordering::Relaxed);
            } else {
                break;
            }
            code = signals::wait_at_terminal();
        }
        INTERRUPTED.store(code, Ordering::Relaxed);
        let stopped = running().take();
        if let Some(Running { control, process }) = stopped {
            // The main thread exits the program when the experiment has ended, usually long before the kill.
            drop(control);
            thread::sleep(SHUTDOWN_GRACE);
            let _ = sys::kill(process);
        } else if io::stderr().is_terminal() {
            // A newline in the last row would move what stands there out of reach.
            signals::give_terminal_back();
            let _ = writeln!(io::stderr());
        }
        signals::clean_up();
        std::process::exit(code.into());
    });
    if waiting.is_err() {
        signals::unblock(); // a signal then has its default effect
    }
}

/// Tells the trace to end its programs, and kills it if it does not end; false if none runs.
fn end_programs() -> bool {
    let Some(process) = running().as_mut().map(|running| {
        running.control = None;
        running.process
    }) else {
        return false;
    };
    let waiting = thread::Builder::new().name("grace".to_owned()).spawn(move || {
        thread::sleep(SHUTDOWN_GRACE);
        if running().as_ref().is_some_and(|running| running.process == process) {
            let _ = sys::kill(process);
        }
    });
    waiting.is_ok()
}

/// An experiment that is running. Dropping it stops it.
#[derive(Debug)]
pub struct ExperimentRun {
    process: Child,
    lines: Receiver<Vec<u8>>,
}

/// What [`ExperimentRun::next`] received.
#[derive(Debug, PartialEq, Eq)]
pub enum Output {
    /// A line of the recording.
    Line(Vec<u8>),
    /// Nothing within the timeout.
    TimedOut,
    /// The process has ended, and all that it wrote has been received.
    Closed,
}

impl ExperimentRun {
    /// Starts an experiment. A stepped one pauses before each call, until [`ExperimentRun::order`].
    pub fn start(
        experiment: &str,
        settings: &BTreeMap<String, String>,
        stepped: bool,
    ) -> io::Result<ExperimentRun> {
        let job = Job {
            name: experiment.to_owned(),
            settings: settings.clone(),
            stepped,
            part: None,
            lack: probe::loopback(),
        };
        ExperimentRun::of(start(job)?)
    }

    /// Starts a trace of programs. The first Ctrl-C is theirs, and the second ends them.
    pub fn trace(job: TraceJob) -> io::Result<ExperimentRun> {
        let run = ExperimentRun::of(start_trace(job)?)?;
        leave_ctrl_c();
        ENDS_PROGRAMS.store(true, Ordering::Relaxed);
        Ok(run)
    }

    fn of(started: Started) -> io::Result<ExperimentRun> {
        let Started { process, control, output, .. } = started;
        *running() = Some(Running { control: Some(control), process: process.id() });
        let (sender, lines) = channel();
        let run = ExperimentRun { process, lines };
        thread::Builder::new().name("output".to_owned()).spawn(move || {
            for line in output.split(b'\n').map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        })?;
        Ok(run)
    }

    /// Gives an order to the run.
    pub fn order(&self, order: &Order) {
        if let Some(control) = running().as_mut().and_then(|running| running.control.as_mut()) {
            control.give(order);
        }
    }

    /// Tells the experiment to stop, and gives the rest of its recording to `line`.
    pub fn stop<E>(&mut self, mut line: impl FnMut(Vec<u8>) -> Result<(), E>) -> Result<(), E> {
        if let Some(running) = running().as_mut() {
            running.control = None;
        }
        while let Output::Line(text) = self.next(SHUTDOWN_GRACE) {
            line(text)?;
        }
        Ok(())
    }

    /// The next line, if it arrives within the timeout.
    pub fn next(&mut self, timeout: Duration) -> Output {
        match self.lines.recv_timeout(timeout) {
            Ok(line) => Output::Line(line),
            Err(RecvTimeoutError::Timeout) => Output::TimedOut,
            Err(RecvTimeoutError::Disconnected) => Output::Closed,
        }
    }

    /// Waits for the process to end.
    pub fn finish(mut self) -> io::Result<ExitStatus> {
        self.wait()
    }

    fn wait(&mut self) -> io::Result<ExitStatus> {
        running().take();
        self.process.wait()
    }
}

impl Drop for ExperimentRun {
    fn drop(&mut self) {
        let _ = self.wait();
    }
}
