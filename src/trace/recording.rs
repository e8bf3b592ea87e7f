//! A run's events in order, to and from JSON Lines: a header line, then one event a line.
//!
//! `docs/recording.md` documents every field.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::{self, BufRead, Read, Write};

use serde::de::IgnoredAny;
use serde::ser::SerializeStruct;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::error::Category;
use thiserror::Error;

use crate::i18n::{self, error_text, tr};
use crate::trace::axis::Start;
use crate::trace::{Claim, Ending, Event, EventKind, Name, Note, Shown, Site, format_1};

/// The format's name in the first line of a recording.
pub const FORMAT: &str = "socket-explorer recording";
/// The version of the format that this program writes, and the newest that it reads.
pub const VERSION: u32 = 2;

/// The length from which a line counts as damaged.
pub const LONGEST_LINE: u64 = 1 << 20;

/// The first line of a recording: where and when it was made, and of what.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Header {
    /// The kernel it was made on: `Linux 6.18.44 x86_64`.
    pub kernel: String,
    /// When the run began, in UTC (RFC 3339).
    pub date: String,
    /// What was recorded.
    pub origin: Origin,
    /// When it began by the machine's clock; `None` where nobody compares it with another run, and in older recordings.
    #[serde(default)]
    pub start: Option<Start>,
}

/// What was recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// An experiment of the course.
    Experiment {
        /// Its name.
        name: String,
        /// Its parameters, defaults included.
        parameters: BTreeMap<String, String>,
    },
    /// Somebody's programs, in the order in which they were started.
    Programs(Vec<Program>),
    /// A chat.
    Chat,
}

/// A program that was traced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Program {
    /// What it is called: the name of its first actor. Those of its other threads and processes begin with it and a space.
    pub name: String,
    /// Its command line.
    pub argv: Vec<String>,
}

/// True if an actor is the one of this name, or a thread or child process of it: their names begin with its name and a space.
pub fn is_of(actor: &str, name: &str) -> bool {
    actor.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
}

impl Serialize for Header {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Header { kernel, date, origin, start } = self;
        let mut line = serializer.serialize_struct("Header", 6)?;
        line.serialize_field("format", FORMAT)?;
        line.serialize_field("version", &VERSION)?;
        line.serialize_field("kernel", kernel)?;
        line.serialize_field("date", date)?;
        line.serialize_field("origin", origin)?;
        if let Some(start) = start {
            line.serialize_field("start", start)?;
        }
        line.end()
    }
}

impl Header {
    /// The header of a run that begins now.
    #[must_use]
    pub fn now(kernel: String, origin: Origin) -> Header {
        let date = humantime::format_rfc3339_nanos(std::time::SystemTime::now()).to_string();
        Header { kernel, date, origin, start: None }
    }

    /// The day and the time to the second, for a reader.
    pub fn date_to_the_second(&self) -> String {
        match self.date.split_once('.') {
            Some((seconds, _)) => format!("{seconds}Z"),
            None => self.date.clone(),
        }
    }

    /// The name of what was recorded: an experiment's, `chat`, or the command lines of programs.
    pub fn name(&self) -> String {
        match &self.origin {
            Origin::Experiment { name, .. } => name.clone(),
            Origin::Programs(programs) => {
                programs.iter().map(|it| it.argv.join(" ")).collect::<Vec<_>>().join(" · ")
            }
            Origin::Chat => "chat".to_owned(),
        }
    }

    /// The parameter of that name, if an experiment was recorded that has it.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// An experiment's parameters; none for any other origin.
    pub fn parameters(&self) -> impl Iterator<Item = (&str, &str)> {
        let all = match &self.origin {
            Origin::Experiment { parameters, .. } => Some(parameters),
            Origin::Programs(_) | Origin::Chat => None,
        };
        all.into_iter().flatten().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// One run: where it comes from, and its events in the order in which they happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Recording {
    /// Where, when, of what.
    pub header: Header,
    /// By time; events of the same time in the order in which they were recorded.
    events: Vec<Event>,
    /// The text of the cited source lines when it was made.
    sources: HashMap<Site, String>,
    /// What pictures show of it; `None` for all.
    shown: Option<Shown>,
}

impl Recording {
    /// A recording of these events, in whatever order they come.
    pub fn new(header: Header, mut events: Vec<Event>) -> Recording {
        events.sort_by_key(|event| event.at_ns);
        Recording { header, events, sources: HashMap::new(), shown: None }
    }

    /// The same with these events alone.
    pub fn with_events(&self, events: Vec<Event>) -> Recording {
        let (sources, shown) = (self.sources.clone(), self.shown.clone());
        Recording { sources, shown, ..Recording::new(self.header.clone(), events) }
    }

    /// The same, of which pictures show this.
    #[must_use]
    pub fn showing(self, shown: Shown) -> Recording {
        Recording { shown: Some(shown), ..self }
    }

    /// What pictures show of it; `None` for all.
    #[must_use]
    pub fn shown(&self) -> Option<&Shown> {
        self.shown.as_ref()
    }

    /// The events that pictures show, in order.
    pub fn shown_events(&self) -> impl Iterator<Item = &Event> + Clone {
        self.events.iter().filter(|event| self.shown.as_ref().is_none_or(|shown| shown.has(event)))
    }

    /// True if pictures show what this actor did.
    #[must_use]
    pub fn shows_actor(&self, actor: &Name) -> bool {
        self.shown.as_ref().is_none_or(|shown| shown.actors.contains(actor))
    }

    /// True if pictures show the frame of this number.
    #[must_use]
    pub fn shows_frame(&self, frame: u64) -> bool {
        self.shown.as_ref().is_none_or(|shown| shown.frames.contains(&frame))
    }

    /// The events, in order.
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// The events, in order, without the rest.
    pub fn into_events(self) -> Vec<Event> {
        self.events
    }

    /// The source lines that are known, in no order.
    pub fn sources(&self) -> impl Iterator<Item = SourceLine> {
        let line = |(site, text): (&Site, &String)| SourceLine {
            source: site.clone(),
            text: text.clone(),
        };
        self.sources.iter().map(line)
    }

    /// The text of this source line when the recording was made.
    pub fn source_line(&self, site: &Site) -> Option<&str> {
        self.sources.get(site).map(String::as_str)
    }

    /// The actor of this process's first thread, or if that has done nothing, of another.
    pub fn actor_of(&self, process: u32) -> Option<&Name> {
        let mut of =
            self.events.iter().filter(|event| event.process == process && event.is_by_actor());
        let first = of.clone().find(|event| event.thread == process);
        first.or_else(|| of.next()).map(|event| &event.actor)
    }

    /// Adds a line of the source.
    pub fn cite(&mut self, line: SourceLine) {
        self.sources.insert(line.source, line.text);
    }

    /// Writes the whole recording.
    pub fn write(&self, to: &mut dyn Write) -> io::Result<()> {
        write_line(to, &self.header)?;
        let mut writer = EventWriter::new(|site: &Site| self.sources.get(site).cloned());
        self.events.iter().try_for_each(|event| writer.write(to, event))
    }

    /// Adds an event at its place: a child process's events arrive a little late.
    pub fn push(&mut self, event: Event) {
        let later = self.events.iter().rev().take_while(|other| other.at_ns > event.at_ns).count();
        if let (EventKind::Joined { programs }, Origin::Programs(all)) =
            (&event.what, &mut self.header.origin)
        {
            all.extend(programs.clone());
        }
        self.events.insert(self.events.len() - later, event);
    }

    /// Adds events at their places.
    pub fn extend(&mut self, events: Vec<Event>) {
        self.events.extend(events);
        self.events.sort_by_key(|event| event.at_ns);
    }

    /// The claims that were checked, in order.
    pub fn claims(&self) -> impl Iterator<Item = &Claim> {
        self.events.iter().filter_map(|event| match &event.what {
            EventKind::Claim(claim) => Some(claim),
            _ => None,
        })
    }

    /// Whether calls are known to be missing that programs made on sockets: the kernel refused the filter by which they are seen.
    #[must_use]
    pub fn has_unseen_calls(&self) -> bool {
        let is_unseen =
            |what: &EventKind| matches!(what, EventKind::Note { note: Note::ReadsUnseen { .. } });
        self.events().iter().any(|event| is_unseen(&event.what))
    }

    /// Whether calls were held before they were made.
    #[must_use]
    pub fn is_stepped(&self) -> bool {
        self.events.iter().any(|event| matches!(event.what, EventKind::Held(_)))
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

/// The text of a line of the source, written before the first event that cites it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceLine {
    /// Its file and line.
    pub source: Site,
    /// Its text, trimmed.
    pub text: String,
}

/// Returns the text of a source line, where that is known.
pub type LookUp = fn(&Site) -> Option<String>;

/// Writes events, and before each the source lines that it is the first to cite.
#[derive(Debug)]
pub struct EventWriter<L> {
    look_up: L,
    cited: HashSet<Site>,
}

impl<L: Fn(&Site) -> Option<String>> EventWriter<L> {
    /// Source lines come from this function.
    pub fn new(look_up: L) -> EventWriter<L> {
        EventWriter { look_up, cited: HashSet::new() }
    }

    /// Writes one event.
    pub fn write(&mut self, to: &mut dyn Write, event: &Event) -> io::Result<()> {
        if let Some(site) = event.site()
            && !self.cited.contains(site)
        {
            self.cited.insert(site.clone());
            if let Some(text) = (self.look_up)(site) {
                write_line(to, &SourceLine { source: site.clone(), text })?;
            }
        }
        write_line(to, event)
    }
}

/// One line of a recording.
#[derive(Clone, Debug, PartialEq)]
pub enum Line {
    /// A new run begins.
    Header(Header),
    /// What a line of the source says.
    Source(SourceLine),
    /// Something happened in it.
    Event(Box<Event>),
}

impl Line {
    /// As it stands in a recording, without its end.
    pub fn text(&self) -> io::Result<Vec<u8>> {
        Ok(match self {
            Line::Header(header) => serde_json::to_vec(header)?,
            Line::Source(line) => serde_json::to_vec(line)?,
            Line::Event(event) => serde_json::to_vec(event)?,
        })
    }
}

/// Why a line cannot be parsed.
#[derive(Debug, Error)]
pub enum LineError {
    /// Reading failed.
    #[error("{}", tr!("it could not be read: {error}", error = error_text(.0)))]
    Io(#[from] io::Error),
    /// It is not JSON, or not a line of a recording.
    #[error("{}", tr!("it is not a line of a recording ({why})", why = .0))]
    Foreign(String),
    /// It was written by a later version of the program.
    #[error("{}", tr!("it is of version {version}, and this program reads up to version {VERSION}: get a newer `explore`", version = .0, VERSION))]
    Newer(u32),
}

/// The kind of a line, which its fields tell.
#[derive(Clone, Copy)]
enum LineKind {
    Header { version: u32 },
    Source,
    Event,
}

fn kind_of(text: &[u8]) -> Result<LineKind, LineError> {
    #[derive(Deserialize)]
    struct Fields {
        format: Option<String>,
        version: Option<u32>,
        event: Option<IgnoredAny>,
    }
    let fields: Fields = serde_json::from_slice(text)?;
    match (fields.format.as_deref(), fields.version.unwrap_or(VERSION), fields.event) {
        (Some(FORMAT), version, _) if version > VERSION => Err(LineError::Newer(version)),
        (Some(FORMAT), version, _) => Ok(LineKind::Header { version }),
        (Some(other), ..) => {
            Err(LineError::Foreign(tr!("its format is `{other}`", other = other.escape_debug())))
        }
        (None, _, None) => Ok(LineKind::Source),
        (None, _, Some(_)) => Ok(LineKind::Event),
    }
}

/// Parses one line of the current version.
pub fn parse_line(text: &[u8]) -> Result<Line, LineError> {
    parse(kind_of(text)?, text)
}

fn parse(kind: LineKind, text: &[u8]) -> Result<Line, LineError> {
    Ok(match kind {
        LineKind::Header { .. } => Line::Header(serde_json::from_slice(text)?),
        LineKind::Source => Line::Source(serde_json::from_slice(text)?),
        LineKind::Event => Line::Event(Box::new(serde_json::from_slice(text)?)),
    })
}

/// Parses one line of a file. A header says which version it and the lines after it are of. `None` for an event that has no
/// equivalent in the current version.
fn parse_in_file(text: &[u8], version: &mut u32) -> Result<Option<Line>, LineError> {
    let kind = kind_of(text)?;
    if let LineKind::Header { version: stated } = kind {
        *version = stated;
    }
    Ok(match (kind, *version) {
        (LineKind::Header { .. }, 1) => Some(Line::Header(format_1::header(text)?)),
        (LineKind::Event, 1) => format_1::event(text)?.map(|event| Line::Event(Box::new(event))),
        _ => Some(parse(kind, text)?),
    })
}

impl From<serde_json::Error> for LineError {
    fn from(error: serde_json::Error) -> LineError {
        LineError::Foreign(foreign_text(&error))
    }
}

/// A message for a line that cannot be parsed.
fn foreign_text(error: &serde_json::Error) -> String {
    let what = match error.classify() {
        Category::Eof => "the JSON is incomplete",
        Category::Data => "column {column}: a field is missing or has the wrong type",
        Category::Io | Category::Syntax => "column {column}: not valid JSON",
    };
    i18n::find(Some("JSON"), what).map_or_else(
        || error.to_string(), // which says more, in English
        |template| i18n::catalogue::fill(template, &[("column", &error.column())]),
    )
}

/// Writes one line.
pub fn write_line(to: &mut dyn Write, line: &impl Serialize) -> io::Result<()> {
    let mut text = serde_json::to_vec(line)?;
    text.push(b'\n');
    to.write_all(&text)
}

/// The contents of a file.
#[derive(Debug)]
pub struct Contents {
    /// The runs in it, the last perhaps cut short.
    pub recordings: Vec<Recording>,
    /// The first line that could not be read, and why.
    pub damage: Option<(u64, String)>,
}

/// Reads a file of recordings up to the first damaged line, which is reported.
#[must_use]
pub fn read(mut from: impl BufRead) -> Contents {
    let mut recordings: Vec<Recording> = Vec::new();
    let (mut number, mut version) = (0, VERSION);
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
                    "the line is longer than {LONGEST_LINE} bytes, the most that a recording's line can have",
                    LONGEST_LINE
                ),
            ));
        }
        match (parse_in_file(&text, &mut version), recordings.last_mut()) {
            (Ok(Some(Line::Header(header))), _) => {
                recordings.push(Recording::new(header, Vec::new()));
            }
            (Ok(Some(Line::Source(source))), Some(recording)) => recording.cite(source),
            (Ok(Some(Line::Event(event))), Some(recording)) => recording.push(*event),
            (Ok(None), Some(_)) => {}
            (Ok(_), None) => {
                break Some((
                    number,
                    tr!("there is an event before the first header line").to_owned(),
                ));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::{Role, SyscallKind};

    #[test]
    fn format_1_is_read_and_written_again_as_format_2() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/format-1");
        let mut kinds = std::collections::BTreeSet::new();
        for entry in std::fs::read_dir(folder).expect("the folder") {
            let path = entry.expect("an entry").path();
            let file = std::fs::File::open(&path).expect("the file");
            let Contents { recordings, damage } = read(io::BufReader::new(file));
            assert_eq!(damage, None, "{}", path.display());
            let recording = recordings.first().expect("one run");
            let Origin::Experiment { name, .. } = &recording.header.origin else {
                panic!("{}: no experiment", path.display());
            };
            assert_eq!(path.file_stem().and_then(|stem| stem.to_str()), Some(name.as_str()));
            let mut again = Vec::new();
            recording.write(&mut again).expect("written");
            for event in recording.events() {
                if let EventKind::Return(back) = &event.what {
                    kinds.insert((back.call.kind().to_string(), back.call.role == Role::Program));
                }
            }
            let second = read(&*again);
            assert!(
                String::from_utf8_lossy(&again)
                    .starts_with(r#"{"format":"socket-explorer recording","version":2"#)
            );
            assert_eq!(second.recordings, recordings, "{}", path.display());
        }
        let other = SyscallKind::Other.to_string();
        assert!(kinds.len() > 10 && kinds.iter().all(|(kind, _)| *kind != other), "{kinds:?}");
    }
}
