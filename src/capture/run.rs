//! One run, from its first event to its last: its process, its deadline, and the cleanup.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::PoisonError;
use std::thread;
use std::time::{Duration, Instant};

use super::child::{self, Job, Order};
use super::{
    Breakpoints, Error, Keep, Lab, Network, Parameter, Result, Wire, actor, error, link, process,
    sys, systems,
};
use crate::signals;
use crate::trace::recording::{Header, LookUp, Origin, write_line};
use crate::trace::{Blocked, Ending, EventKind, LAB};

/// The shortest wait between two checks of the deadline.
const DEADLINE_POLL: Duration = Duration::from_millis(10);

/// Everything that [`perform`] needs besides the function.
#[derive(Debug)]
pub struct Run {
    /// What this process was asked to run.
    pub job: Job,
    /// The parameters that can be set.
    pub parameters: &'static [Parameter],
    /// The network it runs in. The process of a part inherits its network, and says [`Network::Host`].
    pub network: Network,
    /// Gives the text of the source lines that its calls are made from.
    pub look_up: LookUp,
}

impl Default for Run {
    fn default() -> Run {
        Run { job: Job::default(), parameters: &[], network: Network::default(), look_up: |_| None }
    }
}

/// Runs one experiment, or one part of it, in this process, by the protocol of [`child`]. Call it before the process has
/// started any thread.
pub fn perform(run: &Run, play: fn(&Lab) -> Result<()>) -> ExitCode {
    std::panic::set_hook(Box::new(|_| {}));
    sys::close_inherited_descriptors();
    signals::block();
    let actor = run.job.part.as_ref().map_or(LAB, |part| &part.actor);
    let lab = Lab::new(run, actor, true, Keep::All);
    let lack = run.job.lack.clone().filter(|_| run.network == Network::Host);
    let network = match lack.or_else(|| systems::nothing_left(&run.job.name)) {
        Some(lack) => Err(lack.into()),
        None => link::enter(&lab, run.network),
    };
    let _ = sys::drop_capabilities();

    let header = run.job.part.is_none().then(|| {
        let (name, parameters) = (run.job.name.clone(), run.job.settings.clone());
        Header::now(sys::name(), Origin::Experiment { name, parameters })
    });
    if header.is_some_and(|header| write_line(&mut io::stdout(), &header).is_err()) {
        return ExitCode::FAILURE; // nobody listens
    }
    if let Err(error) = lab.start_threads(run.look_up) {
        // Without a writer thread, this thread writes.
        lab.end(actor::no_more(error).ending(), None);
        lab.recorder().write_to(&mut io::stdout(), run.look_up);
        return ExitCode::SUCCESS;
    }
    let outcome = network.and_then(|tap| {
        if let Some(tap) = tap {
            let _ = lab.inner.wire.set(Wire::start(&lab, tap)?);
        }
        catch_unwind(AssertUnwindSafe(|| play(&lab)))
            .unwrap_or_else(|panic| Err(actor::panicked(panic.as_ref())))
    });
    if let Some(wire) = lab.inner.wire.get() {
        wire.settle_now();
        if let Some(unseen @ 1..) = sys::frames_without_room(link::INTERFACE) {
            lab.tally("frames that the wire's device had no room for", unseen, "/proc/net/dev");
        }
    }
    let ending = outcome
        .map_err(|error| error.at(&lab, &lab.inner.myself).ending())
        .map_or_else(|ending| ending, |()| Ending::Finished);
    lab.end(ending, None);
    lab.recorder().drain();
    ExitCode::SUCCESS
}

impl Lab {
    /// Waits for the run's end or its deadline, whichever comes first.
    fn watch(&self) {
        let limit = self.span("deadline").unwrap_or(Duration::from_secs(60));
        let began = Instant::now();
        // Time in which a call is paused does not count.
        let left = || {
            (limit + self.recorder().breakpoints().map_or(Duration::ZERO, Breakpoints::paused_for))
                .saturating_sub(began.elapsed())
        };
        loop {
            let ended = self.inner.ended.lock().unwrap_or_else(PoisonError::into_inner);
            let waited =
                self.inner
                    .over
                    .wait_timeout_while(ended, left().max(DEADLINE_POLL), |ended| !*ended);
            let (ended, _) = waited.unwrap_or_else(PoisonError::into_inner);
            if *ended {
                return;
            }
            drop(ended);
            if left().is_zero() {
                // A call that failed for lack of resources may have left other actors waiting.
                let ending = error::first_shortage(self)
                    .map_or(Ending::Deadline, |why| Ending::Unavailable { why });
                return self.end_now(ending, Some(self.recorder().pending()));
            }
        }
    }

    /// Handles the messages on the control channel until it closes.
    fn handle_control(&self) {
        for order in child::orders() {
            let Some(breakpoints) = self.recorder().breakpoints() else {
                continue;
            };
            match order {
                Order::Resume { process, call } if process == std::process::id() => {
                    breakpoints.resume(call)
                }
                Order::ResumeAll => breakpoints.resume_all(),
                Order::Resume { .. } | Order::Type { .. } => {}
            }
            process::forward(&self.inner.children, &order);
        }
    }

    /// The threads beside the experiment's own: one writes the events, one handles the control channel and stops the run
    /// when it closes, one waits for signals, one watches the deadline.
    fn start_threads(&self, look_up: LookUp) -> io::Result<()> {
        let start = |name: &str, work: Box<dyn FnOnce() + Send>| {
            thread::Builder::new().name(name.to_owned()).spawn(work).map(drop)
        };
        let [controlled, waiting, watching] = [self.clone(), self.clone(), self.clone()];
        start(
            "control",
            Box::new(move || {
                controlled.handle_control();
                controlled.end_now(Ending::Interrupted, None);
            }),
        )?;
        start(
            "signals",
            Box::new(move || {
                let code = signals::wait();
                waiting.exit_now(Ending::Interrupted, None, code);
            }),
        )?;
        // A child process of a stepped run does not know how long calls were paused in other processes, so only the run
        // itself has a deadline; its children end with it.
        if !(self.inner.is_part && self.recorder().breakpoints().is_some()) {
            start("deadline", Box::new(move || watching.watch()))?;
        }
        let writing = self.inner.recorder.clone();
        writing.expect_writer();
        let started = start(
            "writer",
            Box::new(move || writing.write_to(&mut io::BufWriter::new(io::stdout()), look_up)),
        );
        if started.is_err() {
            self.inner.recorder.expect_no_writer();
        }
        started
    }

    /// Records how the run ended. Only the first caller does; nothing is recorded afterwards.
    fn end(&self, ending: Ending, blocked: Option<Vec<Blocked>>) -> bool {
        let mut ended = self.inner.ended.lock().unwrap_or_else(PoisonError::into_inner);
        if *ended {
            return false;
        }
        *ended = true;
        if let Some(blocked) = blocked {
            let limit_ns = self
                .span("deadline")
                .map_or(0, |limit| u64::try_from(limit.as_nanos()).unwrap_or(u64::MAX));
            let what = EventKind::Deadline { limit_ns, interrupted: false, blocked };
            self.recorder().push(&self.inner.myself, what);
        }
        self.recorder().push(&self.inner.myself, EventKind::End { ending });
        self.recorder().close();
        drop(ended);
        self.inner.over.notify_all();
        self.clear_away();
        true
    }

    /// Ends the run and the process, from any thread.
    fn end_now(&self, ending: Ending, blocked: Option<Vec<Blocked>>) {
        self.exit_now(ending, blocked, 1);
    }

    /// The same, with this exit code.
    fn exit_now(&self, ending: Ending, blocked: Option<Vec<Blocked>>, code: u8) {
        if self.inner.owns_process && self.end(ending, blocked) {
            self.recorder().drain();
            std::process::exit(code.into());
        }
    }

    pub(super) fn fail_now(&self, error: &Error) {
        self.end_now(error.ending(), None);
    }

    fn clear_away(&self) {
        process::stop_all(&self.inner.children);
        if let Some(folder) =
            self.inner.folder.lock().unwrap_or_else(PoisonError::into_inner).take()
        {
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}
