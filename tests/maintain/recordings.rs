//! The recordings that ship: made by running every experiment that a machine may be unable to run.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use socket_explorer::commands::{Session, live, shipped};
use socket_explorer::experiments::Experiment;
use socket_explorer::lesson;
use socket_explorer::output::terminal::Terminal;
use socket_explorer::trace::Ending;
use socket_explorer::trace::recording::Recording;

/// Runs every experiment that needs a recording, and writes it to the folder of its lesson below this one.
pub fn make(lessons: &Path) -> Result<(), Box<dyn Error>> {
    for experiment in shipped::needed() {
        let lesson = lesson::folder_of(experiment)?
            .ok_or_else(|| format!("{}: no lesson shows it", experiment.name))?;
        let folder = lessons.join(lesson).join("recordings");
        fs::create_dir_all(&folder)?;
        let recording = record(experiment, &experiment.defaults())?;
        write(&folder.join(format!("{}.jsonl", experiment.name)), &recording)?;
    }
    Ok(())
}

/// Runs an experiment to its end.
pub fn record(
    experiment: &Experiment,
    settings: &BTreeMap<String, String>,
) -> Result<Recording, Box<dyn Error>> {
    let mut session = Session::on(Terminal::nowhere());
    let recording = live::run(&mut session, experiment, settings)?.recording;
    match recording.ending() {
        Some(Ending::Finished) => Ok(recording),
        other => Err(format!("{}: it did not finish: {other:?}", experiment.name).into()),
    }
}

pub fn write(path: &Path, recording: &Recording) -> io::Result<()> {
    let mut to = BufWriter::new(File::create(path)?);
    recording.write(&mut to)?;
    to.flush()
}
