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
use crate::lesson::{
    self, Further, Lesson, NOBODYS_SEED, Prediction, ProgramName, Show, Step, gist,
};
use crate::output::messages::say;
use crate::output::sentences;
use crate::output::terminal::{Answer, Terminal};
use crate::picture::Ink;
use crate::picture::code::Language;
use crate::progress::{self, Progress, Trouble};
use crate::trace::Counts;

/// Plays a lesson, by number, slug or file, or the next one; or writes it as a page; or prints one of its programs.
pub fn run(args: &cli::Lesson, session: &mut Session) -> Result<(), Failure> {
    if let Some(name) = args.program {
        let name = match name {
            cli::ProgramName::Python => ProgramName::Python,
            cli::ProgramName::C => ProgramName::C,
            cli::ProgramName::Notes => ProgramName::Notes,
        };
        let text = chosen(args.which.as_deref())?.program(name)?;
        let language = if name == ProgramName::C { Language::C } else { Language::Python };
        session.terminal.program(&text, language)?;
        return Ok(session.terminal.flush()?);
    }
    match &args.html {
        Some(file) => page::run(args.which.as_deref(), file, session),
        None => play(args, session),
    }
}

fn play(args: &cli::Lesson, session: &mut Session) -> Result<(), Failure> {
    let lesson = chosen(args.which.as_deref())?;
    let further = args.further.map(|which| sections_of(&lesson, which)).transpose()?;
    session.open_files()?;
    // Progress is noted only for lessons of the course, and only if a person plays them.
    let noted = lesson.number.is_some() && session.terminal.is_interactive();
    let slug = noted.then(|| lesson.slug.clone());
    let mut notes = Notes { slug };
    let seed = notes.seed(&mut session.terminal);
    let mut playing = Playing { notes, seed, counts: Counts::default(), session };
    match further {
        Some(further) => playing.only_further(&lesson, further)?,
        None => playing.lesson(&lesson)?,
    }
    playing.session.terminal.flush()?;
    report::outcome(playing.counts)
}

/// The further sections that were asked for.
fn sections_of(lesson: &Lesson, which: cli::Further) -> Result<&[Further], Failure> {
    match which {
        cli::Further::All => Ok(&lesson.further),
        cli::Further::One(number) => lesson.further.get(number - 1..number).ok_or_else(|| {
            let lesson_name = lesson.slug.clone();
            Failure::NoFurther { lesson: lesson_name, number, all: lesson.further.len() }
        }),
    }
}

/// The lesson of this number, slug or file; without one, or with `next`, the next one, which is then named.
pub(super) fn chosen(which: Option<&str>) -> Result<Lesson, Failure> {
    if let Some(which) = which.filter(|which| *which != "next") {
        return find(which);
    }
    let lessons = lesson::contents();
    let next = home::next_lesson(&lessons, &saved()).ok_or(Failure::CourseFinished)?;
    say(tr!("the next lesson is {number}, {slug}", number = next.number, slug = next.slug));
    find(next.slug)
}

/// The lesson of this number, slug or file.
pub(super) fn find(which: &str) -> Result<Lesson, Failure> {
    if let Some(lesson) = lesson::lessons()?.into_iter().find(|lesson| lesson.is_called(which)) {
        return Ok(lesson);
    }
    if which.contains(['/', '\\']) || which.ends_with(".md") || Path::new(which).is_file() {
        return Ok(lesson::from_file(Path::new(which))?);
    }
    Err(Failure::NoLesson(which.to_owned()))
}

/// The lessons of these numbers or slugs; all, if none is named.
pub(super) fn these_or_all(which: &[String]) -> Result<Vec<Lesson>, Failure> {
    if which.is_empty() {
        Ok(lesson::lessons()?)
    } else {
        which.iter().map(|it| find(it)).collect()
    }
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

    /// The seed of whoever sits at the terminal.
    fn seed(&mut self, terminal: &mut Terminal) -> u64 {
        if !terminal.is_interactive() {
            return NOBODYS_SEED;
        }
        if let Some(seed) = self.read(terminal).seed {
            return seed;
        }
        let mut drawn = None;
        match progress::change(|progress| drawn = Some(progress.seed())) {
            Err(trouble) if self.slug.is_some() => self.failed(&trouble, terminal),
            _ => {}
        }
        drawn.unwrap_or_else(progress::random_seed)
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
        say(trouble);
    }
}

/// A lesson that is being played.
struct Playing<'a> {
    session: &'a mut Session,
    notes: Notes,
    /// What the order of options is drawn from.
    seed: u64,
    counts: Counts,
}

impl Playing<'_> {
    /// Plays the core, which finishes the lesson, and offers the further experiments.
    fn lesson(&mut self, lesson: &Lesson) -> Result<(), Failure> {
        self.title(lesson)?;
        self.session.terminal.wrapped("", &lesson.question, Ink::Plain)?;
        self.session.terminal.blank()?;
        match self.first_step(lesson).and_then(|first| self.steps(&lesson.steps, first, true)) {
            Ok(()) => self.end(lesson),
            Err(Failure::Quit) => self.left(),
            Err(other) => Err(other),
        }
    }

    /// Plays these further experiments alone.
    fn only_further(&mut self, lesson: &Lesson, further: &[Further]) -> Result<(), Failure> {
        self.title(lesson)?;
        self.session.terminal.blank()?;
        for section in further {
            match self.steps(&section.steps, 0, false) {
                Err(Failure::Quit) => return Ok(()),
                played => played?,
            }
        }
        self.show_counts()
    }

    fn title(&mut self, lesson: &Lesson) -> Result<(), Failure> {
        let title = sentences::lesson_title(lesson.number, &lesson.title);
        Ok(self.session.terminal.wrapped("", &title, Ink::Strong)?)
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
        let answer = terminal.ask(tr!("Enter continues there (b starts over, q quits) "))?;
        let again = matches!(answer, Answer::Line(line) if line.eq_ignore_ascii_case("b"));
        Ok(if again { 0 } else { seen + 1 })
    }

    /// Plays steps from the one of this index on. Those of the core are a way to go on along.
    fn steps(&mut self, steps: &[Step], first: usize, core: bool) -> Result<(), Failure> {
        let mut predicted: Option<(Prediction, Vote)> = None;
        for (index, step) in steps.iter().enumerate().skip(first) {
            match step {
                Step::Prose(markdown) => self.prose(markdown)?,
                Step::Predict(prediction) => {
                    let shown = prediction.shuffled(self.seed);
                    let vote = predict(self.session, &shown)?;
                    predicted = Some((shown, vote));
                }
                Step::Experiment(show) => {
                    self.experiment(show)?;
                    let name = show.experiment.name;
                    let mut right = None;
                    if let Some((prediction, vote)) = predicted.take() {
                        compare(self.session, &prediction, &vote)?;
                        // A show of hands is not this learner's prediction.
                        if let Vote::One(choice) = vote {
                            right = Some(choice == prediction.right);
                        }
                    }
                    self.notes.change(&mut self.session.terminal, |progress, slug| {
                        if let Some(right) = right {
                            progress.predict(slug, name, right);
                        }
                        if core {
                            progress.reach(slug, name);
                        }
                    });
                    if index + 1 < steps.len() {
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
        let folds = self.code(show, self.session.code)?;
        let terminal = &mut self.session.terminal;
        let prompt = tr!("Enter runs it on this machine (q quits) ");
        if folds {
            let unfold = tr!("Enter runs it on this machine (c unfolds the code, q quits) ");
            if matches!(terminal.ask(unfold)?, Answer::Line(typed) if typed.eq_ignore_ascii_case("c"))
            {
                self.code(show, cli::Code::All)?;
                self.session.terminal.ask(prompt)?;
            }
        } else {
            terminal.ask(prompt)?;
        }
        let (_, judged) = perform(self.session, show, &show.settings)?;
        self.counts += report::count(&judged);
        Ok(())
    }

    /// Shows so much of an experiment's code; says whether some of it is folded.
    fn code(&mut self, show: &Show, which: cli::Code) -> Result<bool, Failure> {
        let mut folds = false;
        if which == cli::Code::None {
            return Ok(false);
        }
        let terminal = &mut self.session.terminal;
        for listing in show.listings() {
            let text = sentences::code_at(&listing.file, listing.first());
            terminal.wrapped("", &text, Ink::Faint)?;
            // On a projector --step shows the code line by line.
            let parts = listing.parts.iter().filter(|_| !self.session.class.big);
            for part in parts {
                if part.folded && which == cli::Code::Calls {
                    terminal.folded(&sentences::folded(part.statements()))?;
                    folds = true;
                } else {
                    terminal.code(part.first, &part.lines)?;
                }
            }
            terminal.blank()?;
        }
        Ok(folds)
    }

    /// Waits for Enter, at an interactive terminal.
    fn wait_for_enter(&mut self) -> Result<(), Failure> {
        self.session.terminal.ask(tr!("Enter continues (q quits) "))?;
        Ok(())
    }

    fn show_counts(&mut self) -> Result<(), Failure> {
        let terminal = &mut self.session.terminal;
        if self.counts != Counts::default() {
            report::show_counts(terminal, self.counts)?;
        }
        if self.counts.broken > 0 {
            terminal.wrapped("", sentences::kernel_is_right(), Ink::Bad)?;
        }
        Ok(())
    }

    /// Ends a lesson: counts its claims, notes that it is finished, offers its further experiments, and names the next one.
    fn end(&mut self, lesson: &Lesson) -> Result<(), Failure> {
        self.show_counts()?;
        self.notes.change(&mut self.session.terminal, |progress, slug| progress.finish(slug));
        match self.offer_further(lesson) {
            Err(Failure::Quit) => return Ok(()),
            offered => offered?,
        }
        let Some(number) = lesson.number else {
            return Ok(());
        };
        let next = lesson::contents().into_iter().find(|other| other.number > number);
        let text = match &next {
            Some(next) => tr!("Next: {command}", command = home::lesson_command(next)),
            None => tr!(
                "That was the last lesson. Now chat: type {chat} here, and have the other person type it in a second terminal. /quit ends it.",
                chat = home::command("chat")
            ),
        };
        self.session.terminal.wrapped("", &text, Ink::Strong)?;
        if next.is_none() { offer_the_chat(self.session) } else { Ok(()) }
    }

    /// Lists the further experiments. A learner plays those whose numbers they type, until they press Enter.
    fn offer_further(&mut self, lesson: &Lesson) -> Result<(), Failure> {
        if lesson.further.is_empty() {
            return Ok(());
        }
        let mut seen = vec![false; lesson.further.len()];
        loop {
            self.list_further(lesson, &seen)?;
            let prompt = tr!("number of a further experiment (Enter skips them, q quits): ");
            let Answer::Line(typed) = self.session.terminal.ask(prompt)? else {
                return Ok(());
            };
            if typed.is_empty() {
                return Ok(());
            }
            let index = typed.parse().ok().and_then(|number: usize| number.checked_sub(1));
            let Some((index, section)) =
                index.and_then(|index| Some((index, lesson.further.get(index)?)))
            else {
                let text = tr!("There is no further experiment `{typed}`.", typed);
                self.session.terminal.wrapped("", &text, Ink::Warn)?;
                continue;
            };
            self.session.terminal.blank()?;
            self.steps(&section.steps, 0, false)?;
            seen[index] = true;
        }
    }

    /// The further experiments with their numbers, those just seen faint; where nobody can be asked, with the command for each.
    fn list_further(&mut self, lesson: &Lesson, seen: &[bool]) -> Result<(), Failure> {
        let terminal = &mut self.session.terminal;
        terminal.blank()?;
        terminal.wrapped("", sentences::further(), Ink::Strong)?;
        for (number, (section, seen)) in (1..).zip(lesson.further.iter().zip(seen)) {
            let ink = if *seen { Ink::Faint } else { Ink::Plain };
            terminal.wrapped(&format!("{number:>3}  "), &section.title, ink)?;
            if !terminal.is_interactive() {
                let command = further_command(lesson, &number.to_string());
                terminal.wrapped("     ", &command, Ink::Faint)?;
            }
        }
        if !terminal.is_interactive() {
            let text = tr!("All of them: {command}", command = further_command(lesson, "all"));
            terminal.wrapped("", &text, Ink::Plain)?;
        }
        Ok(terminal.blank()?)
    }

    fn left(&mut self) -> Result<(), Failure> {
        let goes_on =
            self.notes.slug.as_deref().is_some_and(|slug| {
                saved().of(slug).is_some_and(|record| record.left_after.is_some())
            });
        let text = if goes_on {
            tr!("Quit. The same command continues from here.")
        } else {
            tr!("Quit. The same command starts this lesson over.")
        };
        Ok(self.session.terminal.wrapped("", text, Ink::Faint)?)
    }
}

/// After the last lesson offers to start the chat.
fn offer_the_chat(session: &mut Session) -> Result<(), Failure> {
    loop {
        let prompt = tr!("Enter starts it here and now (q quits) ");
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

/// How further experiments of a lesson are played alone.
fn further_command(lesson: &Lesson, which: &str) -> String {
    let lesson = lesson.number.map_or_else(|| lesson.file.clone(), |number| number.to_string());
    home::command(&format!("lesson {lesson} --further {which}"))
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
