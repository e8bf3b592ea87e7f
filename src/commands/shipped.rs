//! The recordings that ship with the program: what an experiment looked like on a real kernel, for machines that cannot
//! run it. `explore __remake lessons` makes them anew.

use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::path::Path;

use super::Failure;
use crate::capture::Network;
use crate::commands::Player;
use crate::experiments::{self, Experiment};
use crate::lesson;
use crate::output::terminal::Terminal;
use crate::trace::Ending;
use crate::trace::recording::{self, Recording};

/// Whether there is a recording of this experiment.
#[must_use]
pub fn has(name: &str) -> bool {
    lesson::recording(name).is_some()
}

/// The recording of this experiment, where it needs more than every machine has.
#[must_use]
pub fn recording(name: &str) -> Option<Recording> {
    let recording = recording::read(lesson::recording(name)?).recordings.into_iter().next()?;
    Some(recording)
}

/// The experiments that a machine may be unable to run, and that ship a recording.
pub fn needed() -> impl Iterator<Item = &'static Experiment> {
    experiments::all().filter(|experiment| experiment.network != Network::Host)
}

/// Runs every experiment that needs one, and writes its recording to the folder of its lesson below this one.
///
/// # Errors
/// [`Failure::Unable`] if one cannot run here, or its file cannot be written.
pub fn remake(folder: &Path) -> Result<(), Failure> {
    let unable =
        |name: &str, why: &dyn std::fmt::Display| Failure::Unable(format!("{name}: {why}"));
    for experiment in needed() {
        let lesson = lesson::folder_of(experiment)?
            .ok_or_else(|| unable(experiment.name, &"no lesson shows it"))?;
        let folder = folder.join(lesson).join("recordings");
        fs::create_dir_all(&folder)
            .map_err(|error| unable(&folder.display().to_string(), &error))?;
        let recording = Player::new(Terminal::nowhere(), 0, None, None)
            .run_live(experiment, &experiment.defaults())?
            .recording;
        if recording.ending() != Some(&Ending::Finished) {
            return Err(unable(
                experiment.name,
                &format!("it did not finish: {:?}", recording.ending()),
            ));
        }
        write(&folder.join(format!("{}.jsonl", experiment.name)), &recording)
            .map_err(|error| unable(experiment.name, &error))?;
    }
    Ok(())
}

pub(super) fn write(path: &Path, recording: &Recording) -> io::Result<()> {
    let mut to = BufWriter::new(File::create(path)?);
    recording::write_line(&mut to, &recording.header)?;
    recording.events().iter().try_for_each(|event| recording::write_line(&mut to, event))?;
    io::Write::flush(&mut to)
}
