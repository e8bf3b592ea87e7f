//! `replay`: shows a recording in the views of the lessons. Nothing is run, and its claims do not count as checked.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use super::page_file::PageFile;
use super::report::{self, Playback};
use super::run::shown_in_course;
use super::{Failure, Session, page, show, trace};
use crate::cli;
use crate::experiments;
use crate::i18n::tr;
use crate::output::html::Replayed;
use crate::picture::Ink;
use crate::trace::axis;
use crate::trace::recording::{self, Contents, Header, Origin, Recording};
use crate::views::{self, View};

/// Shows a file of recordings, or several recordings as one. What is intact of a damaged file is shown before the failure.
pub fn run(args: &cli::Replay, session: &mut Session) -> Result<(), Failure> {
    let wanted = show::views_named(&args.views)?;
    let page_file = args.html.as_deref().map(PageFile::to).transpose()?;
    let (recordings, damage) = match args.files.as_slice() {
        [path] => {
            let Contents { recordings, damage } = read(path)?;
            let shown = !recordings.is_empty();
            (recordings, damage.map(|damage| damaged(path, damage, shown)))
        }
        paths => joined(paths)?,
    };
    let mut replayed = Vec::new();
    for recording in &recordings {
        replayed.extend(replay(session, recording, args, &wanted)?);
    }
    if let Some(file) = page_file {
        page::write(session, &file, replayed)?;
    }
    session.terminal.flush()?;
    damage.map_or(Ok(()), Err)
}

fn read(path: &Path) -> Result<Contents, Failure> {
    if path == Path::new("-") {
        return Ok(recording::read(io::stdin().lock()));
    }
    let file = File::open(path).map_err(|error| Failure::NoRecording(path.to_owned(), error))?;
    Ok(recording::read(io::BufReader::new(file)))
}

fn damaged(path: &Path, (line, what): (u64, String), shown: bool) -> Failure {
    Failure::Damaged { path: path.to_owned(), line, what, shown }
}

/// The recordings of these files as one, and the first damage in them.
fn joined(paths: &[PathBuf]) -> Result<(Vec<Recording>, Option<Failure>), Failure> {
    let (mut all, mut first_damage) = (Vec::new(), None);
    for path in paths {
        let Contents { mut recordings, damage } = read(path)?;
        match (recordings.pop(), damage) {
            (Some(_), _) if !recordings.is_empty() => {
                return Err(Failure::SeveralRuns(path.clone(), recordings.len() + 1));
            }
            (Some(recording), damage) => {
                all.push(recording);
                first_damage = first_damage.or(damage.map(|damage| damaged(path, damage, true)));
            }
            (None, damage) => return Err(damaged(path, damage.unwrap_or_default(), false)),
        }
    }
    let joined = axis::join(all).map_err(|(index, why)| {
        let (path, first) = (paths[index].clone(), paths[0].clone());
        Failure::Mismatch { path, first, why }
    })?;
    Ok((vec![joined], first_damage))
}

/// Marks what follows as a recording.
pub(super) fn recorded_on(header: &Header) -> String {
    tr!(
        "Recorded on {kernel}, {date}. None of this happened just now.",
        kernel = header.kernel,
        date = header.date_to_the_second()
    )
}

/// Shows a recording, and returns it for a page if there is to be one.
fn replay(
    session: &mut Session,
    recording: &Recording,
    args: &cli::Replay,
    wanted: &[View],
) -> Result<Option<Replayed>, Failure> {
    let header = &recording.header;
    session.terminal.wrapped("", &header.name(), Ink::Strong)?;
    session.terminal.wrapped("", &recorded_on(header), Ink::Warn)?;
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
    if matches!(header.origin, Origin::Programs(_)) {
        let remarks = trace::remarks(recording, false, &[]);
        remarks.iter().try_for_each(|(remark, ink)| session.terminal.wrapped("", remark, *ink))?;
    }
    let judged = report::judge(&claims, recording, Playback::Recorded);
    show::claims(session, &judged, tr!("Verdicts in the recording (not checked here)"))?;
    if args.html.is_none() {
        return Ok(None);
    }
    let files = args.files.iter().map(|file| file.display().to_string());
    let command = format!("explore replay {} -v", files.collect::<Vec<_>>().join(" "));
    let troubles = show::deadline_text(recording);
    Ok(Some(page::replayed(session, recording, views, troubles, judged, command)))
}
