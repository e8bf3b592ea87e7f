//! `lesson`: prose, predictions, and runs, in the lesson's order.

use std::borrow::Cow;
use std::path::Path;

use super::prediction::{compare, predict};
use super::progress::saved;
use super::report;
use super::run::perform;
use super::vote_input::Vote;
use super::{Failure, Session, chat, home, page};
use crate::cli;
use crate::i18n::tr;
use crate::lesson::{self, Lesson, Prediction, Show, Step, gist};
use crate::output::sentences;
use crate::output::terminal::{Answer, Terminal};
use crate::picture::Ink;
use crate::progress::{self, Progress, Trouble};
use crate::trace::Counts;

/// Plays a lesson, by number, slug or file, or the next one; or writes it as a page.
pub fn run(args: &cli::Lesson, session: &mut Session) -> Result<(), Failure> {
    match &args.html {
        Some(file) => page::run(&args.which, file, session),
        None => play(&args.which, session),
    }
}

fn play(which: &str, session: &mut Session) -> Result<(), Failure> {
    let lesson = chosen(which)?;
    session.open_files()?;
    // Progress is noted only for lessons of the course, and only if a person plays them.
    let noted = lesson.number.is_some() && session.terminal.is_interactive();
    let slug = noted.then(|| lesson.slug.clone());
    let mut playing = Playing { notes: Notes { slug }, counts: Counts::default(), session };
    playing.lesson(&lesson)?;
    playing.session.terminal.flush()?;
    report::outcome(playing.counts)
}

/// The lesson of this number, slug or file, or with `next` the next one.
pub(super) fn chosen(which: &str) -> Result<Lesson, Failure> {
    if which != "next" {
        return find(which);
    }
    let lessons = lesson::contents();
    let next = home::next_lesson(&lessons, &saved()).ok_or(Failure::CourseFinished)?;
    find(next.slug)
}

/// The lesson of this number, slug or file.
pub(super) fn find(which: &str) -> Result<Lesson, Failure> {
    let is_it = |lesson: &Lesson| {
        lesson.slug == which || lesson.number.is_some_and(|number| number.to_string() == which)
    };
    if let Some(lesson) = lesson::lessons()?.into_iter().find(is_it) {
        return Ok(lesson);
    }
    if which.contains(['/', '\\']) || which.ends_with(".md") || Path::new(which).is_file() {
        return Ok(lesson::from_file(Path::new(which))?);
    }
    Err(Failure::NoLesson(which.to_owned()))
}

/// Notes the learner's progress in the lesson that is being played.
struct Notes {
    /// The lesson; `None` if nothing is noted.
    slug: Option<String>,
}

impl Notes {
    fn read(&mut self, terminal: &mut Terminal) -> Progress {
        progress::read().unwrap_or_else(|trouble| {
            self.failed(&trouble, terminal);
            Progress::default()
        })
    }

    fn change(&mut self, terminal: &mut Terminal, how: impl FnOnce(&mut Progress, &str)) {
        let Some(slug) = &self.slug else { return };
        if let Err(trouble) = progress::change(|progress| how(progress, slug)) {
            self.failed(&trouble, terminal);
        }
    }

    /// Reports why progress cannot be noted, once.
    fn failed(&mut self, trouble: &Trouble, terminal: &mut Terminal) {
        if !trouble.begun_anew {
            self.slug = None;
        }
        let _ = terminal.flush();
        eprintln!("explore: {trouble}");
    }
}

/// A lesson that is being played.
struct Playing<'a> {
    session: &'a mut Session,
    notes: Notes,
    counts: Counts,
}

impl Playing<'_> {
    fn lesson(&mut self, lesson: &Lesson) -> Result<(), Failure> {
        let terminal = &mut self.session.terminal;
        let title = sentences::lesson_title(lesson.number, &lesson.title);
        terminal.wrapped("", &title, Ink::Strong)?;
        terminal.wrapped("", &lesson.question, Ink::Warn)?;
        terminal.blank()?;
        match self.first_step(lesson).and_then(|first| self.steps(lesson, first)) {
            Ok(()) => {
                self.end(lesson)?;
                if is_last(lesson) { offer_the_chat(self.session) } else { Ok(()) }
            }
            Err(Failure::Quit) => self.left(),
            Err(other) => Err(other),
        }
    }

    /// The step to begin with: after the last one seen, if the learner wants to resume there.
    fn first_step(&mut self, lesson: &Lesson) -> Result<usize, Failure> {
        let Some(slug) = self.notes.slug.clone() else {
            return Ok(0);
        };
        let terminal = &mut self.session.terminal;
        let progress = self.notes.read(terminal);
        let Some(left_after) = progress.of(&slug).and_then(|record| record.left_after.as_deref())
        else {
            return Ok(0);
        };
        let seen = lesson.steps.iter().position(
            |step| matches!(step, Step::Experiment(show) if show.experiment.name == left_after),
        );
        let Some(seen) = seen.filter(|seen| seen + 1 < lesson.steps.len()) else {
            return Ok(0);
        };
        let text = tr!("You left this lesson after {experiment}.", experiment = left_after);
        terminal.wrapped("", &text, Ink::Plain)?;
        let answer = terminal.ask(tr!("Enter goes on there (b begins again, q leaves) "))?;
        let again = matches!(answer, Answer::Line(line) if line.eq_ignore_ascii_case("b"));
        Ok(if again { 0 } else { seen + 1 })
    }

    fn steps(&mut self, lesson: &Lesson, first: usize) -> Result<(), Failure> {
        let mut predicted: Option<(&Prediction, Vote)> = None;
        for (index, step) in lesson.steps.iter().enumerate().skip(first) {
            match step {
                Step::Prose(markdown) => self.prose(markdown)?,
                Step::Predict(prediction) => {
                    predicted = Some((prediction, predict(self.session, prediction)?));
                }
                Step::Experiment(show) => {
                    self.experiment(show)?;
                    let name = show.experiment.name;
                    let mut right = None;
                    if let Some((prediction, vote)) = predicted.take() {
                        compare(self.session, prediction, &vote)?;
                        // A show of hands is not this learner's prediction.
                        if let Vote::One(choice) = vote {
                            right = Some(choice == prediction.right);
                        }
                    }
                    self.notes.change(&mut self.session.terminal, |progress, slug| {
                        if let Some(right) = right {
                            progress.predict(slug, name, right);
                        }
                        progress.reach(slug, name);
                    });
                    if index + 1 < lesson.steps.len() {
                        self.wait_for_enter()?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Shows prose. A heading waits for Enter, except right after a run, where Enter has just been pressed.
    fn prose(&mut self, markdown: &str) -> Result<(), Failure> {
        for (part, section) in sections(markdown).into_iter().enumerate() {
            if part > 0 {
                self.wait_for_enter()?;
            }
            let text: Cow<'_, str> =
                if self.session.class.big { gist(section).into() } else { section.into() };
            self.session.terminal.prose(&text)?;
            self.session.terminal.blank()?;
        }
        Ok(())
    }

    /// Shows an experiment's code, runs it, and shows the results.
    fn experiment(&mut self, show: &Show) -> Result<(), Failure> {
        let experiment = show.experiment;
        let terminal = &mut self.session.terminal;
        if let Some((first, lines)) = experiment.source().filter(|_| show.code) {
            let text = sentences::code_at(experiment.file, first);
            terminal.wrapped("", &text, Ink::Faint)?;
            // On a projector --step shows the code line by line.
            if !self.session.class.big {
                terminal.code(first, &lines)?;
            }
            terminal.blank()?;
        }
        terminal.ask(tr!("Enter runs it on this machine (q leaves) "))?;
        let (_, judged) = perform(self.session, show, &show.settings)?;
        self.counts += report::count(&judged);
        Ok(())
    }

    /// Waits for Enter, at an interactive terminal.
    fn wait_for_enter(&mut self) -> Result<(), Failure> {
        self.session.terminal.ask(tr!("Enter goes on (q leaves) "))?;
        Ok(())
    }

    /// Ends a lesson: counts its claims, notes that it is finished, and names the next one.
    fn end(&mut self, lesson: &Lesson) -> Result<(), Failure> {
        let terminal = &mut self.session.terminal;
        if self.counts != Counts::default() {
            report::show_counts(terminal, self.counts)?;
        }
        if self.counts.broken > 0 {
            terminal.wrapped("", sentences::kernel_is_right(), Ink::Bad)?;
        }
        let Some(number) = lesson.number else {
            return Ok(());
        };
        self.notes.change(terminal, |progress, slug| progress.finish(slug));
        let next = lesson::contents().into_iter().find(|other| other.number > number);
        let text = match &next {
            Some(next) => tr!("Next: {command}", command = home::lesson_command(next)),
            None => tr!(
                "That was the last lesson. Now talk: type {chat} here, and the other person types it in a second terminal. /quit ends it.",
                chat = home::command("chat")
            ),
        };
        Ok(terminal.wrapped("", &text, Ink::Strong)?)
    }

    fn left(&mut self) -> Result<(), Failure> {
        let goes_on =
            self.notes.slug.as_deref().is_some_and(|slug| {
                saved().of(slug).is_some_and(|record| record.left_after.is_some())
            });
        let text = if goes_on {
            tr!("Left. The same command goes on from here.")
        } else {
            tr!("Left. The same command begins this lesson again.")
        };
        Ok(self.session.terminal.wrapped("", text, Ink::Faint)?)
    }
}

/// After the last lesson offers to start the chat.
fn offer_the_chat(session: &mut Session) -> Result<(), Failure> {
    loop {
        let prompt = tr!("Enter starts it here and now (q leaves) ");
        let typed = match session.terminal.ask(prompt).map_err(Failure::from) {
            Ok(Answer::Line(typed)) => typed.to_lowercase(),
            Ok(Answer::NotInteractive) | Err(Failure::Quit) => return Ok(()),
            Err(other) => return Err(other),
        };
        match typed.as_str() {
            // The command that the text above names is an answer too.
            "" | "y" | "yes" | "explore chat" => break,
            "n" | "no" => return Ok(()),
            _ => {}
        }
    }
    session.terminal.flush()?;
    chat::run(&cli::Chat::default(), session)
}

/// Whether no lesson of the course comes after this one.
fn is_last(lesson: &Lesson) -> bool {
    lesson.number.is_some()
        && lesson::contents().iter().map(|other| other.number).max() == lesson.number
}

/// Splits prose before each of its headings.
fn sections(markdown: &str) -> Vec<&str> {
    let mut cuts: Vec<_> = markdown.match_indices("\n## ").map(|(at, _)| at + 1).collect();
    cuts.insert(0, 0);
    cuts.push(markdown.len());
    cuts.windows(2)
        .map(|cut| markdown[cut[0]..cut[1]].trim())
        .filter(|section| !section.is_empty())
        .collect()
}
