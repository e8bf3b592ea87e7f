//! The pictures of README.md and docs/usage.md, drawn by the program from the recordings that are kept: those that ship, and the
//! others beside the pictures. `echo.jsonl` is a recording of `explore trace --record`.

use std::error::Error;
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use socket_explorer::commands::report::{self, Playback};
use socket_explorer::commands::vote_input::Vote;
use socket_explorer::commands::{Session, prediction, shipped, show};
use socket_explorer::lesson::{self, Prediction, Show};
use socket_explorer::output::terminal::Terminal;
use socket_explorer::output::{html, svg};
use socket_explorer::picture::{self, Ink, Row};
use socket_explorer::trace::recording::{self, Recording};
use socket_explorer::views::View;

/// A picture of the documents.
struct Picture {
    /// Its file's name, without its ending.
    name: &'static str,
    /// What was recorded: an experiment, or traced programs.
    recording: &'static str,
    /// The part of it that is drawn.
    content: Content,
}

enum Content {
    /// The view of this name.
    View(&'static str),
    /// This view of programs that were traced by this command.
    Trace(&'static str, &'static str),
    /// What a learner sees who types this letter: the prediction, the pictures, the claims.
    Screen(char),
}

static PICTURES: [Picture; 5] = [
    Picture {
        name: "prediction",
        recording: "stream-has-no-boundaries",
        content: Content::Screen('a'),
    },
    Picture {
        name: "handshake",
        recording: "three-way-handshake",
        content: Content::View("ladder"),
    },
    Picture { name: "modes", recording: "three-modes", content: Content::View("timeline") },
    Picture { name: "chat", recording: "by-turns", content: Content::View("ladder") },
    Picture {
        name: "trace",
        recording: "echo",
        content: Content::Trace("explore trace 'python3 server.py' 'python3 client.py'", "ladder"),
    },
];

/// The experiments whose recordings are kept beside the pictures, and the file of each.
#[allow(dead_code, reason = "a test draws the pictures and makes no recordings")]
pub fn recorded_here(folder: &Path) -> impl Iterator<Item = (&'static str, PathBuf)> {
    let is_experiment = |picture: &&Picture| !matches!(picture.content, Content::Trace(..));
    let here = PICTURES.iter().filter(is_experiment).map(|picture| picture.recording);
    let here = here.filter(|experiment| !shipped::has(experiment));
    here.map(move |experiment| (experiment, file_of(folder, experiment)))
}

/// Each picture's file, and its SVG.
pub fn draw_all(folder: &Path) -> Result<Vec<(String, String)>, Box<dyn Error>> {
    PICTURES
        .iter()
        .map(|picture| {
            let svg = picture.draw(&recording_of(folder, picture.recording)?)?;
            Ok((format!("{}.svg", picture.name), svg))
        })
        .collect()
}

fn file_of(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.jsonl"))
}

fn recording_of(folder: &Path, name: &str) -> Result<Recording, Box<dyn Error>> {
    if let Some(recording) = shipped::recording(name) {
        return Ok(recording);
    }
    let path = file_of(folder, name);
    let contents = recording::read(BufReader::new(File::open(&path)?));
    let first = contents.recordings.into_iter().next();
    first.ok_or_else(|| format!("{}: no recording", path.display()).into())
}

impl Picture {
    fn draw(&self, recording: &Recording) -> Result<String, Box<dyn Error>> {
        let (command, picture) = match self.content {
            Content::View(name) => {
                (format!("explore run {}", self.recording), drawn(name, recording)?)
            }
            Content::Trace(command, name) => (command.to_owned(), drawn(name, recording)?),
            Content::Screen(letter) => screen(self.recording, letter, recording)?,
        };
        let mut rows =
            vec![Row::new().with("$ ", Ink::Faint).with(command, Ink::Strong), Row::new()];
        rows.extend(picture.0);
        while rows.last().is_some_and(|row| row.width() == 0) {
            rows.pop();
        }
        let day = recording.header.date.split('T').next().unwrap_or_default();
        let origin = format!("drawn by explore from a run on {}, {day}", recording.header.kernel);
        rows.extend([Row::new(), Row::new().with(origin, Ink::Faint)]);
        Ok(svg::file(&picture::Picture(rows), &format!("explore: {}", self.name)))
    }
}

fn drawn(view: &str, recording: &Recording) -> Result<picture::Picture, Box<dyn Error>> {
    let view = View::find(view).ok_or_else(|| format!("there is no view {view}"))?;
    Ok(view.draw(recording, html::WIDE))
}

/// What a lesson shows between a prediction and its comparison, and the command that plays the lesson.
fn screen(
    experiment: &str,
    letter: char,
    recording: &Recording,
) -> Result<(String, picture::Picture), Box<dyn Error>> {
    let lessons = lesson::lessons()?;
    let answers = |(_, show): &(&Prediction, &Show)| show.experiment.name == experiment;
    let (number, prediction, show) = lessons
        .iter()
        .find_map(|lesson| {
            let (prediction, show) = lesson.predictions().find(answers)?;
            Some((lesson.number.unwrap_or_default(), prediction, show))
        })
        .ok_or_else(|| format!("{experiment}: no lesson asks for a prediction of it"))?;
    let vote = Vote::parse(&letter.to_string(), prediction.options.len())?;
    let session = &mut Session::on(Terminal::kept(html::WIDE));
    prediction::pose(session, prediction)?;
    prediction::confirm(session, prediction, &vote)?;
    show::pictures(session, &show.views, recording)?;
    let judged = report::judge(&show.claims, recording, Playback::Live { exit: "" });
    let heading = show::checked_now(session);
    show::claims(session, &judged, &heading)?;
    prediction::compare(session, prediction, &vote)?;
    Ok((format!("explore lesson {number}"), session.terminal.take_kept()))
}
