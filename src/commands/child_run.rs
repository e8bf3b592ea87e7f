//! Runs one experiment in a process of its own, and hands out what it records as it comes.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, IsTerminal, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use crate::capture;
use crate::experiments::Experiment;
use crate::i18n;
use crate::signals;
use crate::stepping::Go;
use crate::words;

/// An experiment that is running.
#[derive(Debug)]
pub struct ChildRun {
    child: Child,
    lines: Receiver<Vec<u8>>,
}

/// What came.
#[derive(Debug, PartialEq, Eq)]
pub enum Came {
    /// A line of the recording.
    Line(Vec<u8>),
    /// Nothing, for as long as one wanted to wait.
    Quiet,
    /// The process has ended and said all.
    Over,
}

/// Which experiment an interruption has to end.
static RUNNING: Mutex<Option<Leash>> = Mutex::new(None);
/// The exit code of the signal that came; 0 for none.
static INTERRUPTED: AtomicU8 = AtomicU8::new(0);

/// So long an experiment that was told to end may take for its last words.
pub const FAREWELL: Duration = Duration::from_secs(2);

/// The pipe whose closing tells an experiment to end, and the process to kill if it does not.
struct Leash {
    pipe: Option<ChildStdin>,
    process: u32,
}

fn running() -> MutexGuard<'static, Option<Leash>> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Tells the experiment that runs, if it is stepped, which call may go.
pub fn tell(go: Go) {
    // One that has just ended needs no telling.
    let _ =
        running().as_mut().and_then(|leash| leash.pipe.as_mut()).map(|pipe| writeln!(pipe, "{go}"));
}

/// Tells the experiment that runs to end.
pub fn let_loose() {
    if let Some(leash) = running().as_mut() {
        leash.pipe = None;
    }
}

/// The exit code that an interruption asks for, if there was one.
#[must_use]
pub fn interruption() -> Option<u8> {
    Some(INTERRUPTED.load(Ordering::Relaxed)).filter(|code| *code != 0)
}

/// From here on a signal ends the experiment that runs, and then this program; with none running, this program at once.
pub fn watch_for_interruptions() {
    signals::block();
    let watching = thread::Builder::new().name("signals".to_owned()).spawn(|| {
        let code = signals::wait();
        INTERRUPTED.store(code, Ordering::Relaxed);
        let leash = running().take();
        if let Some(Leash { pipe, process }) = leash {
            // An experiment whose leash is gone ends, and this program after it, before these seconds are over.
            drop(pipe);
            thread::sleep(FAREWELL);
            kill(process);
        } else if io::stderr().is_terminal() {
            eprintln!();
        }
        signals::clean_up();
        std::process::exit(code.into());
    });
    if watching.is_err() {
        signals::unblock(); // then a signal ends the program in the system's own way
    }
}

#[cfg(unix)]
fn kill(process: u32) {
    use nix::sys::signal::{Signal, kill};
    if let Ok(process) = process.try_into() {
        let _ = kill(nix::unistd::Pid::from_raw(process), Signal::SIGKILL);
    }
}

#[cfg(not(unix))]
fn kill(_: u32) {}

impl ChildRun {
    /// Starts the experiment; a stepped one waits before each call for [`tell`].
    ///
    /// # Errors
    /// What starting a process or a thread answers.
    pub fn start(
        experiment: &Experiment,
        settings: &BTreeMap<String, String>,
        stepped: bool,
    ) -> io::Result<ChildRun> {
        let mut command = Command::new(capture::program());
        // What it says of its troubles is for this reader.
        command.arg("__experiment").arg(experiment.name).args(["--lang", i18n::spoken().tag()]);
        if stepped {
            command.arg("--step");
        }
        for (name, value) in settings {
            command.arg("--set").arg(format!("{name}={value}"));
        }
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        *running() = Some(Leash { pipe: child.stdin.take(), process: child.id() });
        let output =
            child.stdout.take().ok_or_else(|| io::Error::other("the experiment has no output"))?;
        let (told, lines) = channel();
        thread::Builder::new().name("hears".to_owned()).spawn(move || {
            for line in BufReader::new(output).split(b'\n') {
                let Ok(line) = line else { return };
                if told.send(line).is_err() {
                    return;
                }
            }
        })?;
        Ok(ChildRun { child, lines })
    }

    /// The next line, if it comes within `patience`.
    pub fn next(&mut self, patience: Duration) -> Came {
        match self.lines.recv_timeout(patience) {
            Ok(line) => Came::Line(line),
            Err(RecvTimeoutError::Timeout) => Came::Quiet,
            Err(RecvTimeoutError::Disconnected) => Came::Over,
        }
    }

    /// Waits for the process to be gone, and says how it went.
    pub fn finish(mut self) -> String {
        self.let_go()
    }

    fn let_go(&mut self) -> String {
        running().take();
        self.child.wait().map_or_else(|error| i18n::error_text(&error), words::ended)
    }
}

impl Drop for ChildRun {
    /// Left before its end (a closed pipe, say): it is told to go.
    fn drop(&mut self) {
        self.let_go();
    }
}
