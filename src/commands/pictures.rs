//! The README's pictures: drawn by the program from real runs. `explore __pictures docs/pictures` remakes them from the recordings that are
//! kept (those that ship, and the others beside the pictures); `--run` runs the latter anew.

use std::fs::{self, File};
use std::io::BufReader;
use std::path::{Path, PathBuf};

use super::atomic_file::AtomicFile;
use super::output_file::unwritable;
use super::report::{self, Told};
use super::vote_input::Guess;
use super::{Failure, Player, shipped, shown_in_course};
use crate::experiments;
use crate::i18n::{Language, speaking};
use crate::lesson::{self, Prediction, Step};
use crate::output::html;
use crate::output::svg;
use crate::output::terminal::Terminal;
use crate::picture::{Ink, Picture, Row};
use crate::trace::Ending;
use crate::trace::recording::{self, Recording};
use crate::views::View;
use crate::words;

/// A picture of the README.
struct Shot {
    /// Its file's name, without its ending.
    name: &'static str,
    /// What was run.
    experiment: &'static str,
    /// What is drawn of it.
    what: What,
}

enum What {
    /// One view.
    View(View),
    /// What a learner sees who types this letter: the prediction, the pictures, the claims.
    Screen(char),
}

static SHOTS: [Shot; 4] = [
    Shot { name: "prediction", experiment: "stream-has-no-boundaries", what: What::Screen('a') },
    Shot { name: "handshake", experiment: "three-way-handshake", what: What::View(View::Ladder) },
    Shot { name: "modes", experiment: "three-modes", what: What::View(View::Timeline) },
    Shot { name: "chat", experiment: "by-turns", what: What::View(View::Ladder) },
];

/// Remakes the pictures in this folder; what has no recording there, or all of it if asked for, is run first.
///
/// # Errors
/// [`Failure::Unable`] if a run did not finish, or a file cannot be written.
pub fn remake(folder: &Path, run: bool) -> Result<(), Failure> {
    fs::create_dir_all(folder).map_err(|error| unwritable(folder, &error))?;
    for shot in SHOTS.iter().filter(|shot| !shipped::has(shot.experiment)) {
        let path = kept(folder, shot.experiment);
        if run || !path.exists() {
            let experiment =
                experiments::find(shot.experiment).ok_or_else(|| missing(shot.experiment))?;
            let settings = shown_in_course(experiment)?.settings;
            let recording = Player::new(Terminal::nowhere(), 0, None, None)
                .run_live(experiment, &settings)?
                .recording;
            if recording.ending() != Some(&Ending::Finished) {
                return Err(Failure::Unable(format!(
                    "{}: it did not finish: {:?}",
                    shot.experiment,
                    recording.ending()
                )));
            }
            shipped::write(&path, &recording).map_err(|error| unwritable(&path, &error))?;
        }
    }
    drawn(folder)?
        .into_iter()
        .try_for_each(|(file, svg)| AtomicFile::to(&folder.join(file))?.write(&svg))
}

/// Each picture's file, and what is in it, from the recordings that are kept.
///
/// # Errors
/// [`Failure`] if a recording is missing.
pub fn drawn(folder: &Path) -> Result<Vec<(String, String)>, Failure> {
    let draw = |shot: &Shot| {
        Ok((format!("{}.svg", shot.name), shot.draw(&recorded(folder, shot.experiment)?)?))
    };
    speaking(Language::ENGLISH, || SHOTS.iter().map(draw).collect())
}

fn kept(folder: &Path, experiment: &str) -> PathBuf {
    folder.join(format!("{experiment}.jsonl"))
}

fn missing(experiment: &str) -> Failure {
    Failure::Unable(format!("{experiment}: there is no recording of it"))
}

fn recorded(folder: &Path, experiment: &str) -> Result<Recording, Failure> {
    let from_file = || {
        let recording = recording::read(BufReader::new(File::open(kept(folder, experiment)).ok()?))
            .recordings
            .into_iter()
            .next()?;
        Some(recording)
    };
    shipped::recording(experiment).or_else(from_file).ok_or_else(|| missing(experiment))
}

impl Shot {
    fn draw(&self, recording: &Recording) -> Result<String, Failure> {
        let (command, mut picture) = match self.what {
            What::View(view) => {
                let command = format!("explore run {}", self.experiment);
                (command, view.draw(recording, html::WIDE))
            }
            What::Screen(letter) => screen(self.experiment, letter, recording)?,
        };
        let mut rows =
            vec![Row::new().with("$ ", Ink::Faint).with(command, Ink::Strong), Row::new()];
        rows.append(&mut picture.0);
        while rows.last().is_some_and(|row| row.width() == 0) {
            rows.pop();
        }
        let day = recording.header.date.split('T').next().unwrap_or_default();
        let whence = format!("drawn by explore from a run on {}, {day}", recording.header.kernel);
        rows.extend([Row::new(), Row::new().with(whence, Ink::Faint)]);
        Ok(svg::file(&Picture(rows), &format!("explore: {}", self.name)))
    }
}

/// What the player shows of a lesson between a prediction and its comparison, and the command that plays the lesson.
fn screen(
    experiment: &str,
    letter: char,
    recording: &Recording,
) -> Result<(String, Picture), Failure> {
    let lessons = lesson::lessons()?;
    let asked_before = |steps: &[Step]| match steps {
        [Step::Predict(prediction), Step::Experiment(show)]
            if show.experiment.name == experiment =>
        {
            Some((prediction.clone(), show.clone()))
        }
        _ => None,
    };
    let (number, prediction, show) = lessons
        .iter()
        .find_map(|lesson| {
            let (prediction, show) = lesson.steps.windows(2).find_map(asked_before)?;
            Some((lesson.number.unwrap_or_default(), prediction, show))
        })
        .ok_or_else(|| missing(experiment))?;
    let choice = ('a'..).take(prediction.options.len()).position(|one| one == letter);
    let mut player = Player::new(Terminal::kept(html::WIDE), 0, None, None);
    player.ask_on_screen(&prediction, letter)?;
    player.pictures(&show.views, recording)?;
    player.claims(&report::judge(&show.claims, recording, Told::Live("")), words::checked())?;
    player.compare(&prediction, &choice.map_or(Guess::Skipped, Guess::One))?;
    Ok((format!("explore lesson {number}"), player.terminal.taken()))
}

impl Player {
    fn ask_on_screen(&mut self, prediction: &Prediction, letter: char) -> Result<(), Failure> {
        self.pose(prediction)?;
        self.terminal.wrapped("", &format!("{}{letter}", words::type_a_letter()), Ink::Warn)?;
        Ok(self.terminal.blank()?)
    }
}
