//! Where a lesson goes on: the place is kept when the lesson is left, by a key or by a signal, and found again the next time.

use std::rc::Rc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::playing::Playing;
use super::position::{Position, parts};
use super::stops::{Seen, Stop};
use crate::commands::{Failure, parting};
use crate::i18n::tr;
use crate::lesson::Step;
use crate::output::terminal::Place;
use crate::output::terminal::keys::Key;
use crate::picture::Ink;
use crate::progress::{self, LeftAt, Record};
use crate::signals::{self, Cleanup};

/// The place of a lesson that is being played. It is noted when this is dropped, and if a signal ends the program.
pub(super) struct Bookmark {
    open: Arc<Mutex<Option<Kept>>>,
    _at_end: Cleanup,
}

#[derive(Default)]
struct Kept {
    /// The lesson; `None` if nothing is noted.
    slug: Option<String>,
    at: Option<LeftAt>,
}

impl Bookmark {
    pub(super) fn new() -> Bookmark {
        let open = Arc::new(Mutex::new(Some(Kept::default())));
        let at_end = open.clone();
        let at_end = signals::at_end(move || {
            if let Some(kept) = lock(&at_end).take() {
                parting::tell(kept.note());
            }
        });
        Bookmark { open, _at_end: at_end }
    }

    fn set(&self, kept: Kept) {
        if let Some(open) = &mut *lock(&self.open) {
            *open = kept;
        }
    }

    /// Nothing is to be noted any more.
    pub(super) fn close(&self) {
        lock(&self.open).take();
    }
}

fn lock(kept: &Mutex<Option<Kept>>) -> MutexGuard<'_, Option<Kept>> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Kept {
    /// Notes the place, and gives the words for it.
    fn note(self) -> &'static str {
        let Kept { slug, at } = self;
        let mut goes_on = false;
        let noted = slug.map(|slug| {
            progress::change(|progress| {
                progress.leave(&slug, at);
                goes_on = progress.of(&slug).is_some_and(Record::goes_on);
            })
        });
        if goes_on && matches!(noted, Some(Ok(()))) {
            tr!("Quit. The same command continues from here.")
        } else {
            tr!("Quit. The same command starts over.")
        }
    }
}

impl Playing<'_> {
    /// Keeps the place of what is on the screen, in case that the lesson is left now.
    pub(super) fn keep_place(&self) {
        let Some(bookmark) = &self.bookmark else { return };
        // What belongs to the last experiment is behind, once that has been seen to its end.
        let place = self.session.terminal.place().filter(|place| place.step >= self.seen);
        let at =
            place.map(|Place { step, block }| LeftAt { steps: step - self.seen, blocks: block });
        let at = at.filter(|at| *at != LeftAt { steps: 0, blocks: 0 });
        bookmark.set(Kept { slug: self.notes.slug.clone(), at });
    }

    /// Says how to go on with a lesson that is left.
    pub(super) fn left(&mut self) -> Result<(), Failure> {
        let kept = self.bookmark.take().and_then(|bookmark| lock(&bookmark.open).take());
        let text = kept.unwrap_or_default().note();
        Ok(self.session.terminal.wrapped("", text, Ink::Faint)?)
    }

    /// The place to begin at: where the lesson was left, if the learner wants to go on there.
    pub(super) fn first_place(&mut self) -> Result<Place, Failure> {
        let Some(slug) = self.notes.slug.clone() else {
            return Ok(Place::default());
        };
        let progress = self.notes.read(&mut self.session.terminal);
        let Some(record) = progress.of(&slug).filter(|record| record.goes_on()) else {
            return Ok(Place::default());
        };
        let steps = &self.lesson.steps;
        let from_the_start = self.position.clone();
        if let Some(left_after) = &record.left_after {
            let mut seen = steps.iter().enumerate().filter_map(|(index, step)| match step {
                Step::Experiment(show) => Some((index, show)),
                _ => None,
            });
            // An experiment that this lesson no longer has is no place.
            let Some((index, show)) = seen.find(|(_, show)| show.experiment.name == left_after)
            else {
                return Ok(Place::default());
            };
            self.seen = index + 1;
            (self.code_of, self.last) = (Some(show), Some(Rc::new(Seen::before_this(show))));
        }
        self.chosen = record.answers.clone();
        let place = self.with_its_text(place_of(record.left_at, self.seen, steps));
        self.position = Position::after(steps, place.step, self.session.code);
        let before = self.position.clone();
        self.say_where(place, record.left_at.is_none())?;
        let of_the_last = Position::after(steps, self.seen, self.session.code);
        if self.position.heading() != of_the_last.heading() {
            // The keys would show an experiment of another section than the one that has just been named.
            (self.code_of, self.last) = (None, None);
        }
        self.read()?;
        let key = self.stop(Stop::Resume)?;
        self.position = before;
        if key != Key::Letter('s') {
            self.counts_from_here = self.seen > 0;
            return Ok(place);
        }
        self.notes.change(&mut self.session.terminal, |progress, slug| progress.start_over(slug));
        (self.code_of, self.last, self.seen) = (None, None, 0);
        self.chosen.clear();
        self.position = from_the_start;
        self.session.terminal.begin(None);
        self.session.terminal.blank()?;
        self.head()?;
        Ok(Place::default())
    }

    /// A question goes on with the text before it. The heading of a section is not shown again: it is in the words that say where one is.
    fn with_its_text(&self, place: Place) -> Place {
        let before = place.step.checked_sub(1).and_then(|before| self.lesson.steps.get(before));
        let (place, markdown) = match (self.lesson.steps.get(place.step), before) {
            (Some(Step::Predict(_)), Some(Step::Prose(markdown))) => {
                let block = self.begins(markdown).last().map_or(0, |(block, _)| *block);
                (Place { step: place.step - 1, block }, markdown)
            }
            (Some(Step::Prose(markdown)), _) => (place, markdown),
            _ => return place,
        };
        let is_heading =
            |(begins, part): &(usize, &str)| *begins == place.block && part.starts_with("## ");
        match self.begins(markdown).iter().any(is_heading) {
            true => Place { block: place.block + 1, ..place },
            false => place,
        }
    }

    /// The parts of this prose, each with the number of its first passage.
    fn begins<'p>(&self, markdown: &'p str) -> Vec<(usize, &'p str)> {
        let number = |next: &mut usize, part| {
            let begins = *next;
            *next += self.session.terminal.passages(part);
            Some((begins, part))
        };
        parts(markdown).into_iter().scan(0, number).collect()
    }

    /// Says in which section the lesson was left.
    fn say_where(&mut self, place: Place, behind_an_experiment: bool) -> Result<(), Failure> {
        if let Some(Step::Prose(markdown)) =
            self.lesson.steps.get(place.step).filter(|_| !behind_an_experiment)
        {
            let begun = self.begins(markdown).into_iter();
            for (_, part) in begun.take_while(|(begins, _)| *begins <= place.block) {
                self.position.pass(part);
            }
        }
        let heading = self.position.heading().unwrap_or(&self.lesson.title).to_owned();
        let text = if behind_an_experiment {
            tr!("You left this lesson after the experiment of this section:")
        } else {
            tr!("You left this lesson in this section:")
        };
        let terminal = &mut self.session.terminal;
        terminal.begin(Some(place)); // for a learner who leaves again at once
        terminal.together(|terminal| {
            terminal.wrapped("", text, Ink::Plain)?;
            terminal.blank()?;
            terminal.wrapped("", &heading, Ink::Strong)?;
            if behind_an_experiment {
                terminal.blank()?;
                let text = tr!("The text goes on about its picture: r runs it again.");
                terminal.wrapped("", text, Ink::Plain)?;
            }
            terminal.blank()?;
            let text = tr!("Pages before this one are not kept: s begins from the start.");
            terminal.wrapped("", text, Ink::Faint)?;
            terminal.blank()
        })?;
        Ok(())
    }
}

/// Where a lesson goes on that was left there, behind so many steps. An experiment goes on with the question before it, which is shown with its
/// answer.
fn place_of(left_at: Option<LeftAt>, seen: usize, steps: &[Step]) -> Place {
    let LeftAt { steps: further, blocks } = left_at.unwrap_or(LeftAt { steps: 0, blocks: 0 });
    let step = seen.saturating_add(further).min(steps.len());
    match (steps.get(step), step.checked_sub(1).and_then(|before| steps.get(before))) {
        (Some(Step::Experiment(_)), Some(Step::Predict(_))) if step > seen => {
            Place { step: step - 1, block: 0 }
        }
        _ => Place { step, block: blocks },
    }
}
