//! The recordings that ship with the program: what an experiment looked like on a real kernel, for machines that cannot run it.

use crate::capture::Network;
use crate::experiments::{self, Experiment};
use crate::lesson;
use crate::trace::recording::{self, Recording};

/// Whether there is a recording of this experiment.
pub fn has(name: &str) -> bool {
    lesson::recording(name).is_some()
}

/// The recording of this experiment, where it needs more than every machine has.
pub fn recording(name: &str) -> Option<Recording> {
    recording::read(lesson::recording(name)?).recordings.into_iter().next()
}

/// The experiments that a machine may be unable to run, and that ship a recording.
pub fn needed() -> impl Iterator<Item = &'static Experiment> {
    experiments::all().filter(|experiment| experiment.network != Network::Host)
}
