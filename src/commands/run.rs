//! `run`: one experiment alone, and the list of them.

use std::collections::BTreeMap;

use unicode_width::UnicodeWidthStr;

use super::report::{self, Judged, Playback};
use super::{Failure, Incomplete, Session, live, shipped, show, step};
use crate::capture::parameter::DEADLINE;
use crate::cli;
use crate::experiments::{self, Experiment, Stepping, Why};
use crate::i18n::{self, tr};
use crate::lesson::cases::cases;
use crate::lesson::{self, Lesson, Show};
use crate::output::sentences;
use crate::picture::{Ink, Picture, Row, fit};
use crate::reasons;
use crate::trace::recording::Recording;
use crate::trace::{Ending, Lack};
use crate::views;

/// The column at which a list of experiments has what each is about.
const HEADING_AT: usize = 36;

/// Runs one experiment alone, or lists them.
pub fn run(args: &cli::Run, session: &mut Session) -> Result<(), Failure> {
    let Some(name) = args.experiment.as_deref().filter(|_| !args.list) else {
        return list(session);
    };
    let experiment =
        experiments::find(name).ok_or_else(|| Failure::NoExperiment(name.to_owned()))?;
    let show = shown_in_course(experiment)?;
    let mut settings = show.settings.clone();
    for pair in &args.set {
        experiment.set(&mut settings, pair)?;
    }
    session.open_files()?;
    let Performed { ending, judged, .. } = perform(session, &show, &settings)?;
    let counts = report::count(&judged);
    session.terminal.flush()?;
    if counts.broken > 0 {
        return Err(Failure::Broken);
    }
    let why = match ending {
        Some(Ending::Unavailable { .. }) if shipped::has(name) => Incomplete::RecordingShown,
        Some(Ending::Unavailable { why }) => Incomplete::Unavailable(why),
        Some(Ending::Deadline) => Incomplete::Deadline,
        Some(Ending::Failed { why }) if judged.is_empty() => Incomplete::Failed(why),
        _ => return Ok(()),
    };
    Err(Failure::Incomplete(name.to_owned(), why))
}

/// The experiments, lesson by lesson.
fn list(session: &mut Session) -> Result<(), Failure> {
    let lessons = lesson::lessons()?;
    for lesson in &lessons {
        let title = sentences::lesson_title(lesson.number, &lesson.title);
        session.terminal.wrapped("", &title, Ink::Strong)?;
        rows(lesson, session)?;
    }
    session.terminal.wrapped("", tr!("Cases (explore why)"), Ink::Strong)?;
    let is_in_course = |show: &Show| {
        lessons.iter().flat_map(Lesson::shows).any(|it| it.experiment.name == show.experiment.name)
    };
    for case in &cases()? {
        let shows = case.lesson.shows().filter(|show| !is_in_course(show));
        shows.map(|show| (case.lesson.title.clone(), show)).try_for_each(|it| row(&it, session))?;
    }
    let [one, set] = ["run", "help"].map(|it| i18n::command(&format!("{it} {}", tr!("NAME"))));
    let text = tr!("{one} runs one; {set} tells what it shows, and what can be set.", one, set);
    session.terminal.blank()?;
    session.terminal.wrapped("", &text, Ink::Faint)?;
    Ok(session.terminal.flush()?)
}

/// The experiments of a lesson, each in one row: its name, what it stands below in the lesson, and what can be set.
pub(super) fn rows(lesson: &Lesson, session: &mut Session) -> Result<(), Failure> {
    lesson.headed_shows().iter().try_for_each(|headed| row(headed, session))
}

fn row((heading, show): &(String, &Show), session: &mut Session) -> Result<(), Failure> {
    let (heading, experiment) = (heading.clone(), show.experiment);
    Ok(session.terminal.drawn(move |width| Picture(vec![row_of(experiment, &heading, width)]))?)
}

fn row_of(experiment: &Experiment, heading: &str, width: usize) -> Row {
    let mut row = Row::indented(2).with(experiment.name, Ink::Code);
    row.push("  ", Ink::Plain);
    if width >= 2 * HEADING_AT {
        row.pad_to(HEADING_AT);
    }
    let knobs = experiment.parameters.iter();
    let knobs: Vec<_> = knobs.map(|knob| format!("{}={}", knob.name, knob.default)).collect();
    let room = width.saturating_sub(row.width());
    row.push(fit(heading, room), Ink::Plain);
    let room = width.saturating_sub(row.width() + 2);
    let knobs = knobs.join(" ");
    if !knobs.is_empty() && knobs.width() <= room {
        row.push(format!("  {knobs}"), Ink::Faint);
    }
    row
}

/// A run that has been shown.
pub(super) struct Performed {
    pub(super) ending: Option<Ending>,
    pub(super) judged: Vec<Judged>,
    /// What its pictures were drawn from.
    pub(super) recording: Recording,
    /// That this is the recording that ships with the program, if it is.
    pub(super) notice: Option<String>,
}

/// Runs an experiment and shows the results. If this machine cannot run it, shows its shipped recording in the same views,
/// marked as one; its claims stay unchecked.
pub(super) fn perform(
    session: &mut Session,
    show: &Show,
    settings: &BTreeMap<String, String>,
) -> Result<Performed, Failure> {
    let experiment = show.experiment;
    let finished = match experiment.stepping {
        Stepping::Steps if session.class.is_stepped() => {
            let finished = step::run(session, experiment, settings)?;
            show::trace(session, &finished.recording)?;
            finished
        }
        Stepping::Whole(why) if session.class.is_stepped() => {
            let text = tr!("This experiment runs without pauses: {why}.", why = why_whole(why));
            session.terminal.wrapped("", &text, Ink::Warn)?;
            live::run(session, experiment, settings)?
        }
        _ => live::run(session, experiment, settings)?,
    };
    session.terminal.refresh_size();
    let recording = finished.recording;
    let judged = report::judge(&show.claims, &recording, Playback::Live { exit: &finished.exit });
    let ending = recording.ending().cloned();
    if let Some(Ending::Unavailable { why }) = &ending
        && let Some(shipped) = shipped::recording(experiment.name)
    {
        let notice = show_shipped(session, show, &shipped, why, settings)?;
        return Ok(Performed { ending, judged, recording: shipped, notice: Some(notice) });
    }
    show::pictures(session, &show.views, &recording)?;
    let heading = show::checked_now(session);
    show::claims(session, &judged, &heading)?;
    if recording.is_stepped() {
        let is_whole = show::views_for(&recording, &show.views).len() == show.views.len();
        let text = if is_whole {
            tr!("This run was stepped: its times include the pauses.")
        } else {
            tr!(
                "This run was stepped: its times include the pauses, so what compares times is not drawn."
            )
        };
        session.terminal.wrapped("", text, Ink::Warn)?;
        session.terminal.blank()?;
    }
    Ok(Performed { ending, judged, recording, notice: None })
}

/// Shows the shipped recording of an experiment that did not run here; returns what marks it as one.
fn show_shipped(
    session: &mut Session,
    show: &Show,
    shipped: &Recording,
    why: &Lack,
    settings: &BTreeMap<String, String>,
) -> Result<String, Failure> {
    let (kernel, date) = (&shipped.header.kernel, shipped.header.date_to_the_second());
    let notice = tr!(
        "This did not run here: {why}. What follows was recorded on {kernel}, {date}: none of it happened just now.",
        why = reasons::lack(why),
        kernel,
        date
    );
    session.terminal.wrapped("", &notice, Ink::Warn)?;
    let recorded_with: Vec<_> = shipped
        .header
        .parameters()
        .filter(|(name, value)| {
            *name != DEADLINE.name && settings.get(*name).is_none_or(|set| set != value)
        })
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    if !recorded_with.is_empty() {
        let text = tr!(
            "Your settings have no effect on a recording: it was made with {parameters}.",
            parameters = recorded_with.join(tr!(context "list", ", "))
        );
        session.terminal.wrapped("", &text, Ink::Warn)?;
    }
    session.terminal.blank()?;
    show::trace(session, shipped)?;
    show::pictures(session, &show.views, shipped)?;
    let judged = report::judge(&show.claims, shipped, Playback::Recorded);
    show::claims(session, &judged, sentences::not_checked_here())?;
    Ok(notice)
}

fn why_whole(why: Why) -> &'static str {
    match why {
        Why::Race => {
            tr!("it is about which of two comes first, and a pause would decide that")
        }
        Why::Sleep => {
            tr!("it observes what threads do by themselves, and a paused thread does nothing")
        }
        Why::SharedChannel => {
            tr!("the server's helper program inherits the channel that ends a pause")
        }
        Why::Many => tr!("it makes hundreds of calls or more, and measures them"),
    }
}

/// How the course shows this experiment, or the default if no lesson has it.
pub fn shown_in_course(experiment: &'static Experiment) -> Result<Show, Failure> {
    Ok(lesson::show_of(experiment)?.unwrap_or_else(|| Show::plain(experiment, views::LADDER)))
}
