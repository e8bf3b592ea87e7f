//! A lesson as a page, or a recording: a lesson's experiments are run as by `lesson` without a terminal, and their recordings go on the page.

use std::path::Path;

use super::live::FinishedRun;
use super::page_file::PageFile;
use super::report::{self, Judged, Playback};
use super::{Failure, Session, lesson, live, shipped, show};
use crate::analysis::Analysis;
use crate::capture::sys;
use crate::cli;
use crate::experiments::{Listing, Part};
use crate::i18n::tr;
use crate::lesson::{Lesson, NOBODYS_SEED, Prediction, Show, Step};
use crate::output::html::{
    self, Checked, Code, CodePart, Drawn, Page, Place, Provenance, Recorded, RecordingPage,
    Replayed, Run,
};
use crate::output::sentences;
use crate::picture::{Ink, Picture};
use crate::reasons;
use crate::trace::recording::{Header, Origin, Recording, SourceLine};
use crate::trace::{Counts, Ending};
use crate::views::trace::Trace;
use crate::views::{DrawOptions, Explained, View};

/// How many lines of a trace go on a page at most.
const MAX_TRACE_LINES: usize = 400;

/// Runs a lesson and writes it to this file as a page; `-` is standard output. If the file cannot be written nothing runs.
pub(super) fn run(which: Option<&str>, file: &Path, session: &mut Session) -> Result<(), Failure> {
    case(&lesson::chosen(which)?, file, session)
}

/// The same for this lesson or case.
pub(super) fn case(lesson: &Lesson, file: &Path, session: &mut Session) -> Result<(), Failure> {
    let page_file = PageFile::to(file)?;
    session.open_files()?;
    let page = make(session, lesson, None)?;
    page_file.write(&page.html())?;
    say_written(session, &page_file)?;
    report::outcome(page.counts)
}

/// Writes a page of recordings, and says so.
pub(super) fn write(
    session: &mut Session,
    file: &PageFile,
    recordings: Vec<Replayed>,
) -> Result<(), Failure> {
    file.write(&RecordingPage { recordings }.html())?;
    say_written(session, file)
}

fn say_written(session: &mut Session, file: &PageFile) -> Result<(), Failure> {
    let written = tr!("Written: {path}", path = file.path().display());
    session.terminal.wrapped("", &written, Ink::Strong)?;
    Ok(session.terminal.flush()?)
}

/// Runs a lesson, with a line on the terminal for each experiment, and returns its page.
pub(super) fn make(
    session: &mut Session,
    lesson: &Lesson,
    place: Option<Place>,
) -> Result<Page, Failure> {
    let title = sentences::lesson_title(lesson.number, &lesson.title);
    session.terminal.wrapped("", &title, Ink::Strong)?;
    let mut page = Page {
        number: lesson.number,
        title: lesson.title.clone(),
        question: lesson.question.clone(),
        provenance: this_machine(),
        sections: Vec::new(),
        counts: Counts::default(),
        place,
    };
    let explained = [Explained::default(), Explained::default()];
    let mut answer = None;
    for (part, steps) in lesson.parts().enumerate() {
        if part == 1 {
            page.sections.push(html::Section::Further);
        }
        for step in steps {
            page.sections.push(match step {
                Step::Prose(markdown) => html::Section::Prose(markdown.clone()),
                Step::Predict(prediction) => {
                    answer = Some(prediction.options[prediction.right].clone());
                    let Prediction { question, options, .. } = prediction.shuffled(NOBODYS_SEED);
                    html::Section::Predict { question, options }
                }
                Step::Experiment(show) => {
                    let (run, counts) = run_for_page(session, show, answer.take(), &explained)?;
                    page.counts += counts;
                    html::Section::Run(Box::new(run))
                }
            });
        }
    }
    Ok(page)
}

/// Runs an experiment. If this machine cannot run it, its shipped recording goes on the page, marked as one.
fn run_for_page(
    session: &mut Session,
    show: &Show,
    answer: Option<String>,
    explained: &[Explained; 2],
) -> Result<(Run, Counts), Failure> {
    let experiment = show.experiment;
    let FinishedRun { recording, exit } = live::run(session, experiment, &show.settings)?;
    let instead = match recording.ending() {
        Some(Ending::Unavailable { why }) => {
            shipped::recording(experiment.name).map(|shipped| (why.clone(), shipped))
        }
        _ => None,
    };
    let (recording, judged, recorded) = match instead {
        Some((why, shipped)) => {
            let judged = report::judge(&show.claims, &shipped, Playback::Recorded);
            let recorded =
                Recorded { why: reasons::lack(&why), provenance: machine_of(&shipped.header) };
            (shipped, judged, Some(recorded))
        }
        None => {
            let judged = report::judge(&show.claims, &recording, Playback::Live { exit: &exit });
            (recording, judged, None)
        }
    };
    let counts = report::count(&judged);
    let (mark, ink) = match counts {
        Counts { broken: 1.., .. } => ("  ✗ ", Ink::Bad),
        Counts { not_checked: 1.., .. } => ("  ○ ", Ink::Warn),
        _ => ("  ✓ ", Ink::Plain),
    };
    let (experiment_name, counts_text) = (experiment.name, sentences::counts(counts));
    let line = match recorded {
        Some(_) => tr!(
            "{experiment}: a recording; {counts}",
            experiment = experiment_name,
            counts = counts_text
        ),
        None => tr!("{experiment}: {counts}", experiment = experiment_name, counts = counts_text),
    };
    session.terminal.wrapped(mark, &line, ink)?;
    session.terminal.flush()?;
    let (trace, trace_more) = whole_trace(session, &recording);
    let run = Run {
        experiment: experiment.name.to_owned(),
        command: format!("explore run {} -v", experiment.name),
        code: code(session, show),
        recorded,
        troubles: show::deadline_text(&recording),
        trace,
        trace_more,
        pictures: drawn(session, &show.views, &Analysis::of(&recording), explained),
        claims: judged.into_iter().map(checked).collect(),
        answer,
    };
    Ok((run, counts))
}

fn code(session: &Session, show: &Show) -> Vec<Code> {
    if session.code == cli::Code::None {
        return Vec::new();
    }
    let part = |part: Part| {
        let folded = part.folded && session.code == cli::Code::Calls;
        CodePart {
            first: part.first,
            folded: folded.then(|| sentences::folded(part.statements())),
            lines: part.lines.into_iter().map(str::to_owned).collect(),
        }
    };
    let listing = |listing: Listing| Code {
        parts: listing.parts.into_iter().map(part).collect(),
        path: listing.file,
    };
    show.listings().map(listing).collect()
}

/// A recording for a page of recordings: these views of it, what else is to be said of it, and the lines of source that it cites.
pub(super) fn replayed(
    session: &Session,
    recording: &Recording,
    views: &[View],
    troubles: Vec<String>,
    claims: Vec<Judged>,
    command: String,
) -> Replayed {
    let explained = [Explained::default(), Explained::default()];
    let (trace, trace_more) = whole_trace(session, recording);
    let run = Run {
        experiment: recording.header.name(),
        command,
        code: Vec::new(),
        recorded: None,
        troubles,
        trace,
        trace_more,
        pictures: drawn(session, views, &Analysis::of(recording), &explained),
        claims: claims.into_iter().map(checked).collect(),
        answer: None,
    };
    let sources = cited(recording);
    Replayed { provenance: machine_of(&recording.header), run, sources }
}

/// The lines of source that a recording cites, file by file.
fn cited(recording: &Recording) -> Vec<Code> {
    let mut lines: Vec<SourceLine> = recording.sources().collect();
    lines.sort_by(|one, other| {
        (&one.source.file, one.source.line).cmp(&(&other.source.file, other.source.line))
    });
    let mut files: Vec<Code> = Vec::new();
    for SourceLine { source, text } in lines {
        if files.last().is_none_or(|file| file.path != source.file) {
            files.push(Code { path: source.file.clone().into_owned(), parts: Vec::new() });
        }
        let Some(file) = files.last_mut() else { continue };
        match file.parts.last_mut() {
            Some(part) if part.first as usize + part.lines.len() == source.line as usize => {
                part.lines.push(text);
            }
            _ => file.parts.push(CodePart { first: source.line, lines: vec![text], folded: None }),
        }
    }
    files
}

/// The pictures of a run, wide and narrow; a page explains a mark once in each.
fn drawn(
    session: &Session,
    views: &[View],
    analysis: &Analysis,
    [wide, narrow]: &[Explained; 2],
) -> Vec<Drawn> {
    let numbers = session.numbers();
    let options = |explained| DrawOptions { numbers, explained: Some(explained) };
    let draw = |view: &View| Drawn {
        view: view.name().to_owned(),
        wide: view.draw_with(analysis, html::WIDE, options(wide)),
        narrow: view.draw_with(analysis, html::NARROW, options(narrow)),
    };
    views.iter().map(draw).collect()
}

/// The first [`MAX_TRACE_LINES`] lines of the trace, and the number of the others.
fn whole_trace(session: &Session, recording: &Recording) -> (Picture, usize) {
    let mut trace = Trace::new(session.detail(), html::WIDE).of(&recording.header.origin);
    let events = recording.shown_events();
    let mut rows: Vec<_> = events.flat_map(|event| trace.push(event)).collect();
    rows.extend(trace.pause());
    let more = rows.len().saturating_sub(MAX_TRACE_LINES);
    rows.truncate(MAX_TRACE_LINES);
    (Picture(rows), more)
}

/// This machine and the time, for a page that is made now.
pub(super) fn this_machine() -> Provenance {
    machine_of(&Header::now(sys::name(), Origin::Programs(Vec::new())))
}

fn machine_of(header: &Header) -> Provenance {
    Provenance { kernel: header.kernel.clone(), date: header.date_to_the_second() }
}

fn checked(judged: Judged) -> Checked {
    let mut evidence: Vec<_> =
        judged.evidence.iter().map(|one| (one.held, report::comparison(one))).collect();
    evidence.sort_by_key(|(held, _)| *held);
    Checked { sentence: judged.sentence, verdict: judged.verdict, evidence, why: judged.why }
}
