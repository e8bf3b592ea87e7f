//! `replay`: shows a recording in the views of the lessons. Nothing is run, and its claims do not count as checked.

use std::fs::File;
use std::io;
use std::path::Path;

use super::report::{self, Playback};
use super::run::shown_in_course;
use super::{Failure, Session, show, trace};
use crate::cli;
use crate::experiments;
use crate::i18n::tr;
use crate::picture::Ink;
use crate::trace::recording::{self, Origin, Recording};
use crate::views::{self, View};

/// Shows a file of recordings. The intact recordings of a damaged file are shown before the failure.
pub fn run(args: &cli::Replay, session: &mut Session) -> Result<(), Failure> {
    let wanted = show::views_named(&args.views)?;
    let path = args.file.as_path();
    let contents = if path == Path::new("-") {
        recording::read(io::stdin().lock())
    } else {
        let file =
            File::open(path).map_err(|error| Failure::NoRecording(path.to_owned(), error))?;
        recording::read(io::BufReader::new(file))
    };
    contents.recordings.iter().try_for_each(|recording| replay(session, recording, &wanted))?;
    session.terminal.flush()?;
    match contents.damage {
        None => Ok(()),
        Some((line, what)) => Err(Failure::Damaged {
            path: path.to_owned(),
            line,
            what,
            shown: !contents.recordings.is_empty(),
        }),
    }
}

fn replay(session: &mut Session, recording: &Recording, wanted: &[View]) -> Result<(), Failure> {
    let header = &recording.header;
    session.terminal.wrapped("", &header.name(), Ink::Strong)?;
    let text = tr!(
        "Recorded on {kernel}, {date}. None of this happened just now.",
        kernel = header.kernel,
        date = header.date_to_the_second()
    );
    session.terminal.wrapped("", &text, Ink::Warn)?;
    session.terminal.blank()?;
    show::trace(session, recording)?;
    // The recording may come from another version of the program, with other experiments.
    let (views, claims) = match experiments::find(&header.name()) {
        Some(experiment) => {
            let show = shown_in_course(experiment)?;
            (show.views, show.claims)
        }
        None if matches!(header.origin, Origin::Programs(_)) => (trace::views(), Vec::new()),
        None => (vec![views::LADDER], Vec::new()),
    };
    let views = if wanted.is_empty() { &views } else { wanted };
    show::pictures(session, views, recording)?;
    let judged = report::judge(&claims, recording, Playback::Recorded);
    show::claims(session, &judged, tr!("Verdicts in the recording (not checked here)"))
}
