//! A lesson that is being played, step by step.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::rc::Rc;

use super::notes::Notes;
use super::position::{Position, parts};
use super::stops::{Seen, Stop};
use crate::cli;
use crate::commands::prediction::{compare, pose, vote_of};
use crate::commands::run::perform;
use crate::commands::vote_input::Vote;
use crate::commands::{Failure, Session, prediction, report};
use crate::i18n::tr;
use crate::lesson::{Further, Lesson, Prediction, Show, Step, gist};
use crate::output::sentences;
use crate::output::terminal::keys::Key;
use crate::picture::Ink;
use crate::trace::Counts;

pub(super) struct Playing<'a> {
    pub(super) lesson: &'a Lesson,
    pub(super) session: &'a mut Session,
    pub(super) notes: Notes,
    /// What the order of options is drawn from.
    seed: u64,
    pub(super) counts: Counts,
    pub(super) position: Position,
    /// Whether the predictions of this play were right, by the experiment that answers them.
    pub(super) answers: BTreeMap<&'static str, bool>,
    /// The experiment whose code was shown last.
    pub(super) code_of: Option<&'a Show>,
    /// The run that was seen last.
    pub(super) last: Option<Rc<Seen<'a>>>,
}

impl<'a> Playing<'a> {
    pub(super) fn new(
        lesson: &'a Lesson,
        session: &'a mut Session,
        notes: Notes,
        seed: u64,
    ) -> Playing<'a> {
        Playing {
            lesson,
            session,
            notes,
            seed,
            counts: Counts::default(),
            position: Position::default(),
            answers: BTreeMap::new(),
            code_of: None,
            last: None,
        }
    }

    /// Plays the core, which finishes the lesson, and offers the further experiments.
    pub(super) fn lesson(&mut self) -> Result<(), Failure> {
        self.title()?;
        self.session.terminal.wrapped("", &self.lesson.question, Ink::Plain)?;
        self.session.terminal.blank()?;
        self.position = Position::before(&self.lesson.steps, self.session.code);
        let lesson = self.lesson;
        match self.first_step().and_then(|first| self.steps(&lesson.steps, first, true)) {
            Ok(()) => self.end(),
            Err(Failure::Quit) => self.left(),
            Err(other) => Err(other),
        }
    }

    /// Plays these further experiments alone.
    pub(super) fn only_further(&mut self, further: &'a [Further]) -> Result<(), Failure> {
        self.title()?;
        self.session.terminal.blank()?;
        for section in further {
            match self.further(section) {
                Err(Failure::Quit) => return Ok(()),
                played => played?,
            }
        }
        self.show_counts()
    }

    /// Plays a further experiment.
    pub(super) fn further(&mut self, section: &'a Further) -> Result<(), Failure> {
        self.position = Position::before(&section.steps, self.session.code);
        self.steps(&section.steps, 0, false)
    }

    fn title(&mut self) -> Result<(), Failure> {
        let title = sentences::lesson_title(self.lesson.number, &self.lesson.title);
        Ok(self.session.terminal.wrapped("", &title, Ink::Strong)?)
    }

    /// The step to begin with: after the last one seen, if the learner wants to resume there.
    fn first_step(&mut self) -> Result<usize, Failure> {
        let Some(slug) = self.notes.slug.clone() else {
            return Ok(0);
        };
        let progress = self.notes.read(&mut self.session.terminal);
        let Some(left_after) = progress.of(&slug).and_then(|record| record.left_after.as_deref())
        else {
            return Ok(0);
        };
        let steps = &self.lesson.steps;
        let seen = steps.iter().enumerate().find_map(|(index, step)| match step {
            Step::Experiment(show) if show.experiment.name == left_after => Some((index, show)),
            _ => None,
        });
        let Some((index, show)) = seen.filter(|(index, _)| index + 1 < steps.len()) else {
            return Ok(0);
        };
        let from_the_start = std::mem::replace(
            &mut self.position,
            Position::after(steps, index + 1, self.session.code),
        );
        (self.code_of, self.last) = (Some(show), Some(Rc::new(Seen::before_this(show))));
        let heading = self.position.heading().unwrap_or(&self.lesson.title).to_owned();
        let text = tr!("You left this lesson after the experiment of this section:");
        let terminal = &mut self.session.terminal;
        terminal.together(|terminal| {
            terminal.wrapped("", text, Ink::Plain)?;
            terminal.blank()?;
            terminal.wrapped("", &heading, Ink::Strong)?;
            terminal.blank()
        })?;
        self.read()?;
        if self.stop(Stop::Resume)? == Key::Letter('s') {
            (self.code_of, self.last) = (None, None);
            self.position = from_the_start;
            return Ok(0);
        }
        Ok(index + 1)
    }

    /// Plays steps from the one of this index on. Those of the core are a way to go on along.
    fn steps(&mut self, steps: &'a [Step], first: usize, core: bool) -> Result<(), Failure> {
        let mut predicted: Option<(Prediction, Vote)> = None;
        for (index, step) in steps.iter().enumerate().skip(first) {
            match step {
                Step::Prose(markdown) => self.prose(markdown)?,
                Step::Predict(prediction) => {
                    let shown = prediction.shuffled(self.seed);
                    let vote = self.predict(&shown)?;
                    predicted = Some((shown, vote));
                }
                Step::Experiment(show) => {
                    self.experiment(show)?;
                    let right = match predicted.take() {
                        Some((prediction, vote)) => self.compare(&prediction, &vote)?,
                        None => None,
                    };
                    self.read()?;
                    let name = show.experiment.name;
                    self.answers.extend(right.map(|right| (name, right)));
                    self.notes.change(&mut self.session.terminal, |progress, slug| {
                        if let Some(right) = right {
                            progress.predict(slug, name, right);
                        }
                        if core {
                            progress.reach(slug, name);
                        }
                    });
                    if index + 1 < steps.len() {
                        self.stop(Stop::Section)?;
                    }
                }
            }
        }
        self.read()
    }

    /// Shows prose. A heading waits for a key, except right after a run, where one has just been pressed.
    fn prose(&mut self, markdown: &str) -> Result<(), Failure> {
        for (number, part) in parts(markdown).into_iter().enumerate() {
            if number > 0 {
                self.read()?;
                self.stop(Stop::Section)?;
            }
            self.position.pass(part);
            let text: Cow<'_, str> =
                if self.session.class.big { gist(part).into() } else { part.into() };
            self.session.terminal.prose(&text)?;
            self.session.terminal.blank()?;
        }
        Ok(())
    }

    /// Asks for a prediction until there is one, or none is wanted.
    fn predict(&mut self, prediction: &Prediction) -> Result<Vote, Failure> {
        pose(self.session, prediction)?;
        self.read()?;
        if self.session.class.is_present() {
            return prediction::ask_a_class(self.session, prediction);
        }
        let key = self.stop(Stop::Predict(prediction.options.len()))?;
        let vote = vote_of(key, prediction.options.len());
        prediction::confirm(self.session, prediction, &vote)?;
        Ok(vote)
    }

    /// Shows a prediction beside what happened; says whether it was right, if it was this learner's.
    fn compare(&mut self, prediction: &Prediction, vote: &Vote) -> Result<Option<bool>, Failure> {
        compare(self.session, prediction, vote)?;
        // A show of hands is not this learner's prediction.
        Ok(if let Vote::One(choice) = vote { Some(*choice == prediction.right) } else { None })
    }

    /// Shows an experiment's code, runs it, and shows the results.
    fn experiment(&mut self, show: &'a Show) -> Result<(), Failure> {
        let folds = self.code(show, self.session.code)?;
        self.code_of = Some(show);
        self.read()?;
        self.stop(Stop::Run { folds })?;
        let performed = perform(self.session, show, &show.settings)?;
        self.counts += report::count(&performed.judged);
        self.last = Some(Rc::new(Seen::now(show, show.settings.clone(), performed)));
        Ok(())
    }

    /// Shows so much of an experiment's code; says whether some of it is folded.
    pub(super) fn code(&mut self, show: &Show, which: cli::Code) -> Result<bool, Failure> {
        let mut folds = false;
        if which == cli::Code::None {
            return Ok(true);
        }
        let terminal = &mut self.session.terminal;
        for listing in show.listings() {
            let text = sentences::code_at(&listing.file, listing.first());
            // On a projector --step shows the code line by line.
            let parts = || listing.parts.iter().filter(|_| !self.session.class.big);
            terminal.together(|terminal| {
                terminal.wrapped("", &text, Ink::Faint)?;
                for part in parts() {
                    if part.folded && which == cli::Code::Calls {
                        terminal.folded(&sentences::folded(part.statements()))?;
                        folds = true;
                    } else {
                        terminal.code(part.first, &part.lines)?;
                    }
                }
                Ok::<(), Failure>(())
            })?;
            terminal.blank()?;
        }
        Ok(folds)
    }
}
