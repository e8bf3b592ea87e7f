//! A lesson that is being played, step by step.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::rc::Rc;

use super::notes::Notes;
use super::position::{Position, parts};
use super::resume::Bookmark;
use super::stops::{Seen, Stop};
use crate::cli;
use crate::commands::parting::Parting;
use crate::commands::prediction::{compare, pose, vote_of};
use crate::commands::run::perform;
use crate::commands::vote_input::Vote;
use crate::commands::{Failure, Session, prediction, report};
use crate::i18n::tr;
use crate::lesson::{Further, Lesson, Prediction, Show, Step, gist};
use crate::output::sentences;
use crate::output::terminal::Place;
use crate::picture::Ink;
use crate::progress::Progress;
use crate::trace::Counts;

pub(super) struct Playing<'a> {
    pub(super) lesson: &'a Lesson,
    pub(super) session: &'a mut Session,
    pub(super) notes: Notes,
    /// What the order of options is drawn from.
    seed: u64,
    pub(super) counts: Counts,
    /// Claims were checked before the lesson was left, which are not counted.
    pub(super) counts_from_here: bool,
    pub(super) position: Position,
    /// Whether the predictions of this play were right, by the experiment that answers them.
    pub(super) answers: BTreeMap<&'static str, bool>,
    /// The options chosen before the lesson was left, by the experiment that answers.
    pub(super) chosen: BTreeMap<String, usize>,
    /// How many steps of the core are behind, up to the last experiment seen to its end.
    pub(super) seen: usize,
    /// Keeps the place, if somebody is there who may leave.
    pub(super) bookmark: Option<Bookmark>,
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
            counts_from_here: false,
            position: Position::default(),
            answers: BTreeMap::new(),
            chosen: BTreeMap::new(),
            seen: 0,
            bookmark: None,
            code_of: None,
            last: None,
        }
    }

    /// Plays the core, which finishes the lesson, and offers the further experiments.
    pub(super) fn lesson(&mut self) -> Result<(), Failure> {
        self.head()?;
        self.position = Position::before(&self.lesson.steps, self.session.code);
        self.bookmark = self.session.terminal.is_interactive().then(Bookmark::new);
        let lesson = self.lesson;
        let played = self.first_place().and_then(|first| self.steps(&lesson.steps, first, true));
        match played.and_then(|()| self.end()) {
            Err(Failure::Quit) => self.left(),
            other => other,
        }
    }

    /// Plays these further experiments alone.
    pub(super) fn only_further(&mut self, further: &'a [Further]) -> Result<(), Failure> {
        self.title()?;
        self.session.terminal.blank()?;
        let parting = Parting::with(tr!("Quit. The same command starts over."), self.session);
        let played = further.iter().try_for_each(|section| self.further(section));
        if parting.end(played, self.session)? { self.show_counts() } else { Ok(()) }
    }

    /// Plays a further experiment.
    pub(super) fn further(&mut self, section: &'a Further) -> Result<(), Failure> {
        self.position = Position::before(&section.steps, self.session.code);
        self.steps(&section.steps, Place::default(), false)
    }

    /// What a lesson begins with: its title and its question.
    pub(super) fn head(&mut self) -> Result<(), Failure> {
        self.title()?;
        self.session.terminal.wrapped("", &self.lesson.question, Ink::Plain)?;
        Ok(self.session.terminal.blank()?)
    }

    fn title(&mut self) -> Result<(), Failure> {
        let title = sentences::lesson_title(self.lesson.number, &self.lesson.title);
        Ok(self.session.terminal.wrapped("", &title, Ink::Strong)?)
    }

    /// Plays steps from this place on. Those of the core are a way to go on along.
    fn steps(&mut self, steps: &'a [Step], first: Place, core: bool) -> Result<(), Failure> {
        let mut predicted: Option<(Prediction, Vote)> = None;
        for (index, step) in steps.iter().enumerate().skip(first.step) {
            let block = if index == first.step { first.block } else { 0 };
            self.session.terminal.begin(core.then_some(Place { step: index, block }));
            match step {
                Step::Prose(markdown) => self.prose(markdown, block)?,
                Step::Predict(prediction) => {
                    predicted = Some(self.predict(prediction, core)?);
                }
                Step::Experiment(show) => {
                    self.experiment(show)?;
                    if let Some((prediction, vote)) = predicted.take() {
                        self.compare(&prediction, &vote)?;
                    }
                    self.read()?;
                    if core {
                        let name = show.experiment.name;
                        self.seen = index + 1;
                        let reach =
                            |progress: &mut Progress, slug: &str| progress.reach(slug, name);
                        self.notes.change(&mut self.session.terminal, reach);
                    }
                    if index + 1 < steps.len() {
                        self.stop(Stop::Section)?;
                    }
                }
            }
        }
        self.session.terminal.begin(None);
        self.read()
    }

    /// Shows prose without its first passages, so many. A heading waits for a key, except right after a run, where one has just been pressed.
    fn prose(&mut self, markdown: &str, mut seen: usize) -> Result<(), Failure> {
        let mut waits = false;
        for part in parts(markdown) {
            let text: Cow<'_, str> =
                if self.session.class.big { gist(part).into() } else { part.into() };
            let passages = self.session.terminal.passages(&text);
            if seen > 0 && seen >= passages {
                seen -= passages;
                self.position.pass(part);
                continue;
            }
            if std::mem::replace(&mut waits, true) {
                self.read()?;
                self.stop(Stop::Section)?;
            }
            self.position.pass(part);
            self.session.terminal.prose_from(&text, std::mem::take(&mut seen))?;
            self.session.terminal.blank()?;
        }
        Ok(())
    }

    /// Asks for a prediction until there is one, or none is wanted. One that was made before the lesson was left is shown.
    /// Gives the prediction as it was posed, too.
    fn predict(
        &mut self,
        prediction: &Prediction,
        core: bool,
    ) -> Result<(Prediction, Vote), Failure> {
        let (shown, order) = (prediction.shuffled(self.seed), prediction.order(self.seed));
        pose(self.session, &shown)?;
        if self.session.class.is_present() {
            self.read()?;
            let vote = prediction::ask_a_class(self.session, &shown)?;
            return Ok((shown, vote));
        }
        let experiment = prediction.answered_by;
        let chosen = self.chosen.get(experiment).filter(|_| core);
        let chosen = chosen.and_then(|chosen| order.iter().position(|option| option == chosen));
        let vote = match chosen {
            Some(choice) => Vote::One(choice),
            None => {
                self.read()?;
                vote_of(self.stop(Stop::Predict(&shown))?, order.len())
            }
        };
        if let (Vote::One(choice), true, None) = (&vote, core, chosen) {
            let option = order[*choice];
            self.notes.change(&mut self.session.terminal, |progress, slug| {
                progress.answer(slug, experiment, option);
            });
        }
        prediction::confirm(self.session, &shown, &vote)?;
        Ok((shown, vote))
    }

    /// Shows a prediction beside what happened, and notes whether it was right, if it was this learner's.
    fn compare(&mut self, prediction: &Prediction, vote: &Vote) -> Result<(), Failure> {
        compare(self.session, prediction, vote)?;
        // A show of hands is not this learner's prediction.
        if let Vote::One(choice) = vote {
            let (name, right) = (prediction.answered_by, *choice == prediction.right);
            self.answers.insert(name, right);
            self.notes.change(&mut self.session.terminal, |progress, slug| {
                progress.predict(slug, name, right);
            });
        }
        Ok(())
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
