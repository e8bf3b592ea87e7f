//! `help`: the help of a command, or what there is to know of a lesson, an experiment or a term.

use super::run::rows;
use super::{Failure, Session, glossary};
use crate::capture::parameter::DEADLINE;
use crate::cli;
use crate::experiments::{self, Experiment};
use crate::i18n::{command, tr};
use crate::lesson::{self, Lesson};
use crate::output::sentences;
use crate::picture::Ink;

/// Explains the topic, or the program.
pub fn run(args: &cli::Help, session: &mut Session) -> Result<(), Failure> {
    let topic = args.topic.join(" ");
    let lessons = lesson::lessons_and_cases()?;
    if let Some(help) = help_of(&topic, session) {
        session.terminal.verbatim(help.trim_end())?;
    } else if let Some(lesson) = lessons.iter().find(|lesson| lesson.is_called(&topic)) {
        about_lesson(lesson, session)?;
    } else if let Some(experiment) = experiments::find(&topic) {
        about_experiment(experiment, &lessons, session)?;
    } else if !lesson::glossary::find(&topic).is_empty() {
        glossary::show(&lesson::glossary::find(&topic), session)?;
    } else {
        return Err(Failure::NoTopic(topic));
    }
    Ok(session.terminal.flush()?)
}

/// What clap tells about a command; about the program, if none is named.
fn help_of(name: &str, session: &Session) -> Option<String> {
    let mut all = cli::command(session.terminal.width().min(100));
    all.build();
    let asked = if name.is_empty() { &mut all } else { all.find_subcommand_mut(name)? };
    let help = asked.render_long_help();
    let coloured = session.terminal.has_colours();
    Some(if coloured { help.ansi().to_string() } else { help.to_string() })
}

fn about_lesson(lesson: &Lesson, session: &mut Session) -> Result<(), Failure> {
    let title = sentences::lesson_title(lesson.number, &lesson.title);
    session.terminal.wrapped("", &title, Ink::Strong)?;
    session.terminal.wrapped("", &lesson.question, Ink::Plain)?;
    session.terminal.blank()?;
    rows(lesson, session)?;
    session.terminal.blank()?;
    let play = command(&match lesson.number {
        Some(number) => format!("lesson {number}"),
        None => format!("why {}", lesson.slug),
    });
    session.terminal.wrapped("", &tr!("{play} plays it.", play), Ink::Plain)?;
    Ok(())
}

fn about_experiment(
    experiment: &Experiment,
    lessons: &[Lesson],
    session: &mut Session,
) -> Result<(), Failure> {
    let shows = lessons.iter().flat_map(|lesson| {
        let shows = lesson.headed_shows().into_iter();
        shows.map(move |(heading, show)| (lesson, heading, show))
    });
    let shown = shows.into_iter().find(|(_, _, show)| show.experiment.name == experiment.name);
    let terminal = &mut session.terminal;
    terminal.wrapped("", experiment.name, Ink::Strong)?;
    if let Some((lesson, heading, show)) = &shown {
        let title = sentences::lesson_title(lesson.number, &lesson.title);
        let place = tr!("{name}: {what}", name = title, what = heading);
        terminal.wrapped("", &place, Ink::Plain)?;
        terminal.blank()?;
        for claim in &show.claims {
            terminal.wrapped("  - ", &claim.sentence, Ink::Plain)?;
        }
    }
    terminal.blank()?;
    let start = command(&format!("run {}", experiment.name));
    terminal.wrapped("", &tr!("{start} runs it. What can be set:", start), Ink::Plain)?;
    for parameter in experiment.parameters.iter().chain([&DEADLINE]) {
        let text = tr!(
            "{name}={default}: {help} ({takes})",
            name = parameter.name,
            default = parameter.default,
            help = parameter.help,
            takes = parameter.kind.takes()
        );
        terminal.wrapped("  --set ", &text, Ink::Plain)?;
    }
    Ok(())
}
