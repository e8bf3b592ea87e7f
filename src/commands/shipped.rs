//! The recordings that ship with the program, for machines that cannot run an experiment.

use crate::capture::Network;
use crate::experiments::{self, Experiment};
use crate::lesson;
use crate::trace::recording::{self, Recording};

/// Whether there is a recording of this experiment.
pub fn has(name: &str) -> bool {
    lesson::recording(name).is_some()
}

/// The shipped recording of this experiment, if there is one.
pub fn recording(name: &str) -> Option<Recording> {
    recording::read(lesson::recording(name)?).recordings.into_iter().next()
}

/// The experiments that some machines cannot run, each of which must ship a recording.
pub fn needed() -> impl Iterator<Item = &'static Experiment> {
    experiments::all().filter(|experiment| experiment.network != Network::Host)
}
