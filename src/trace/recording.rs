//! A run's events in order, to and from JSON Lines: a header line, then one event a line.
//!
//! This is the only place that knows the file format; `docs/recording.md` documents every field.
//! What an event means is `event`'s business, and how it looks is `views`'.

use std::collections::BTreeMap;
use std::io::{self, BufRead, Read, Write};

use serde::{Deserialize, Serialize};
use serde_json::error::Category;
use thiserror::Error;

use crate::i18n::{self, error_text, tr};
use crate::trace::{Claim, Ending, Event, EventKind};

/// What the first line of a recording calls its format.
pub const FORMAT: &str = "socket-explorer recording";
/// The version of the format that this program writes, and the newest that it reads.
pub const VERSION: u32 = 1;

/// No line of ours is longer; a longer one is not a recording.
const LONGEST_LINE: u64 = 1 << 20;

/// The first line of a recording: where and when it was made, and of what.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// Always [`FORMAT`].
    pub format: String,
    /// The format's version.
    pub version: u32,
    /// The kernel it was made on: `Linux 6.18.44 x86_64`.
    pub kernel: String,
    /// When it was made, in UTC (RFC 3339).
    pub date: String,
    /// The experiment that was run.
    pub experiment: String,
    /// Its parameters, defaults included.
    #[serde(default)]
    pub parameters: BTreeMap<String, String>,
}

impl Header {
    /// The header of a run that begins now.
    #[must_use]
    pub fn now(kernel: String, experiment: &str, parameters: BTreeMap<String, String>) -> Header {
        let date = humantime::format_rfc3339_seconds(std::time::SystemTime::now()).to_string();
        Header {
            format: FORMAT.to_owned(),
            version: VERSION,
            kernel,
            date,
            experiment: experiment.to_owned(),
            parameters,
        }
    }
}

/// One run: where it comes from, and its events in the order in which they happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Recording {
    /// Where, when, of what.
    pub header: Header,
    /// By time; events of one moment stand as they were recorded.
    events: Vec<Event>,
}

impl Recording {
    /// A recording of these events, in whatever order they come.
    pub fn new(header: Header, mut events: Vec<Event>) -> Recording {
        events.sort_by_key(|event| event.at_ns);
        Recording { header, events }
    }

    /// What happened, in order.
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// Adds an event at its place: a child process's events arrive a little late.
    pub fn push(&mut self, event: Event) {
        let later = self.events.iter().rev().take_while(|other| other.at_ns > event.at_ns).count();
        self.events.insert(self.events.len() - later, event);
    }

    /// The claims that were checked, in order.
    pub fn claims(&self) -> impl Iterator<Item = &Claim> {
        self.events.iter().filter_map(|event| match &event.what {
            EventKind::Claim(claim) => Some(claim),
            _ => None,
        })
    }

    /// How it ended; `None` if it was cut off.
    #[must_use]
    pub fn ending(&self) -> Option<&Ending> {
        self.events.iter().rev().find_map(|event| match &event.what {
            EventKind::End { ending } => Some(ending),
            _ => None,
        })
    }
}

/// One line of a recording.
#[derive(Clone, Debug, PartialEq)]
pub enum Line {
    /// A new run begins.
    Header(Header),
    /// Something happened in it.
    Event(Box<Event>),
}

/// Why a line is not one of ours.
#[derive(Debug, Error)]
pub enum LineError {
    /// Reading failed.
    #[error("{}", tr!("it could not be read: {error}", error = error_text(.0)))]
    Io(#[from] io::Error),
    /// It is no JSON, or not of our shape.
    #[error("{}", tr!("it is not a line of a recording ({why})", why = .0))]
    Foreign(String),
    /// It comes from a later program.
    #[error("{}", tr!("it is of version {version}, and this program reads up to version {VERSION}: get a newer `explore`", version = .0, VERSION))]
    Newer(u32),
}

/// Understands one line.
///
/// # Errors
/// [`LineError`] if it is not one of ours.
pub fn parse_line(text: &[u8]) -> Result<Line, LineError> {
    let foreign = |error: serde_json::Error| LineError::Foreign(foreign_text(&error));
    #[derive(Deserialize)]
    struct Peek {
        format: Option<String>,
        version: Option<u32>,
    }
    let peek: Peek = serde_json::from_slice(text).map_err(foreign)?;
    match (peek.format.as_deref(), peek.version) {
        (Some(FORMAT), Some(version)) if version > VERSION => Err(LineError::Newer(version)),
        (Some(FORMAT), _) => serde_json::from_slice(text).map(Line::Header).map_err(foreign),
        (Some(other), _) => {
            Err(LineError::Foreign(tr!("its format is `{other}`", other = other.escape_debug())))
        }
        (None, _) => {
            serde_json::from_slice(text).map(|event| Line::Event(Box::new(event))).map_err(foreign)
        }
    }
}

/// What is wrong with a line that is no JSON of ours.
fn foreign_text(error: &serde_json::Error) -> String {
    let what = match error.classify() {
        Category::Eof => "the JSON is not finished",
        Category::Data => "column {column}: a field is missing, or is of another type",
        Category::Io | Category::Syntax => "column {column}: this is no JSON",
    };
    i18n::find(Some("JSON"), what).map_or_else(
        || error.to_string(), // which says more, in English
        |template| i18n::catalogue::fill(template, &[("column", &error.column())]),
    )
}

/// Writes one line.
///
/// # Errors
/// Whatever the writer says.
pub fn write_line(to: &mut dyn Write, line: &impl Serialize) -> io::Result<()> {
    let mut text = serde_json::to_vec(line)?;
    text.push(b'\n');
    to.write_all(&text)
}

/// What a file held.
#[derive(Debug)]
pub struct Contents {
    /// The runs in it, the last perhaps cut short.
    pub recordings: Vec<Recording>,
    /// Where it stopped making sense, and why.
    pub damage: Option<(u64, String)>,
}

/// Reads a file of recordings as far as it makes sense; what is damaged is said, not thrown away.
#[must_use]
pub fn read(mut from: impl BufRead) -> Contents {
    let mut recordings: Vec<Recording> = Vec::new();
    let mut number = 0;
    let mut text = Vec::new();
    let damage = loop {
        text.clear();
        match (&mut from).take(LONGEST_LINE).read_until(b'\n', &mut text) {
            Ok(0) => break None,
            Ok(_) => number += 1,
            Err(error) => break Some((number + 1, LineError::Io(error).to_string())),
        }
        if text.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        if text.len() as u64 == LONGEST_LINE {
            break Some((
                number,
                tr!(
                    "the line is longer than {LONGEST_LINE} bytes, and no line of ours is",
                    LONGEST_LINE
                ),
            ));
        }
        match (parse_line(&text), recordings.last_mut()) {
            (Ok(Line::Header(header)), _) => recordings.push(Recording::new(header, Vec::new())),
            (Ok(Line::Event(event)), Some(recording)) => recording.push(*event),
            (Ok(Line::Event(_)), None) => {
                break Some((number, tr!("an event stands before any header line").to_owned()));
            }
            (Err(_), Some(_)) if !text.ends_with(b"\n") => {
                break Some((number, tr!("the line is cut off").to_owned()));
            }
            (Err(error), _) => break Some((number, error.to_string())),
        }
    };
    let cut = match recordings.last() {
        Some(last) if last.ending().is_none() => Some((
            number,
            tr!("the run has no last line (`end`): the file is cut off here").to_owned(),
        )),
        Some(_) => None,
        None => Some((number, tr!("there is no recording in it").to_owned())),
    };
    Contents { recordings, damage: damage.or(cut) }
}
