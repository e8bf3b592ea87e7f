//! A lesson, told: prose, prediction, run, comparison, explanation, in that order.

use std::borrow::Cow;
use std::path::Path;

use super::vote_input::Guess;
use super::{Failure, Player, chat, home, report};
use crate::lesson::{self, Lesson, Prediction, Show, Step, gist};
use crate::output::terminal::Typed;
use crate::picture::Ink;
use crate::progress;
use crate::views::poll_chart;
use crate::words::{self, Counts};

impl Player {
    /// Plays a lesson, by number, slug or file, or the next one.
    ///
    /// # Errors
    /// [`Failure`], see there.
    pub fn lesson(&mut self, which: &str) -> Result<Counts, Failure> {
        let lesson = self.chosen(which)?;
        self.open_sinks()?;
        // A lesson of the course is noted while a person plays it; one from a file, or into a pipe, is not.
        self.noted = Some(lesson.slug.clone())
            .filter(|_| lesson.number.is_some() && self.terminal.is_interactive());
        self.terminal.wrapped(
            "",
            &words::lesson_title(lesson.number, &lesson.title),
            Ink::Strong,
        )?;
        self.terminal.wrapped("", &lesson.question, Ink::Warn)?;
        self.terminal.blank()?;
        let mut counts = Counts::default();
        let told = self.resume(&lesson).and_then(|from| self.steps(&lesson, from, &mut counts));
        match told {
            Ok(()) => {
                self.close(&lesson, counts)?;
                if is_last(&lesson) {
                    self.offer_the_chat()?;
                }
            }
            Err(Failure::Left) => {
                let noted = self.noted.as_deref().filter(|_| !self.unnoted);
                let goes_on = noted.is_some_and(|slug| {
                    self.progress().of(slug).is_some_and(|record| record.left_after.is_some())
                });
                self.terminal.wrapped(
                    "",
                    if goes_on { words::left_noted() } else { words::left() },
                    Ink::Faint,
                )?;
            }
            Err(other) => return Err(other),
        }
        self.terminal.flush()?;
        Ok(counts)
    }

    /// The lesson of that number, slug or file, or the next one.
    pub(super) fn chosen(&self, which: &str) -> Result<Lesson, Failure> {
        if which == "next" { self.next_lesson() } else { find(which) }
    }

    /// The step to begin with: where the lesson was left, if its reader wants to go on there.
    fn resume(&mut self, lesson: &Lesson) -> Result<usize, Failure> {
        let Some(slug) = self.noted.clone() else {
            return Ok(0);
        };
        let progress = progress::read().unwrap_or_else(|trouble| {
            self.unnoted(&trouble);
            progress::Progress::default()
        });
        let Some(after) = progress.of(&slug).and_then(|record| record.left_after.as_deref()) else {
            return Ok(0);
        };
        let seen = lesson.steps.iter().position(
            |step| matches!(step, Step::Experiment(show) if show.experiment.name == after),
        );
        let Some(seen) = seen.filter(|seen| seen + 1 < lesson.steps.len()) else {
            return Ok(0);
        };
        self.terminal.wrapped("", &words::go_on_after(after), Ink::Plain)?;
        let typed = self.terminal.ask(words::enter_goes_on_there())?;
        Ok(if matches!(typed, Typed::Line(line) if line.eq_ignore_ascii_case("b")) {
            0
        } else {
            seen + 1
        })
    }

    /// Notes something of the lesson that is being played. Why it cannot is said once.
    fn note(&mut self, how: impl FnOnce(&mut progress::Progress, &str)) {
        let Some(slug) = self.noted.as_deref().filter(|_| !self.unnoted) else {
            return;
        };
        if let Err(trouble) = progress::change(|progress| how(progress, slug)) {
            self.unnoted(&trouble);
        }
    }

    fn unnoted(&mut self, trouble: &progress::Trouble) {
        self.unnoted = !trouble.begun_anew;
        let _ = self.terminal.flush();
        eprintln!("explore: {trouble}");
    }

    fn next_lesson(&self) -> Result<Lesson, Failure> {
        match home::next(&lesson::contents(), &self.progress()) {
            Some(next) => find(next.slug),
            None => Err(Failure::Usage(words::all_done().to_owned())),
        }
    }

    fn steps(&mut self, lesson: &Lesson, from: usize, counts: &mut Counts) -> Result<(), Failure> {
        let mut predicted: Option<(&Prediction, Guess)> = None;
        for (index, step) in lesson.steps.iter().enumerate().skip(from) {
            match step {
                Step::Prose(markdown) => self.prose(markdown)?,
                Step::Predict(prediction) => {
                    predicted = Some((prediction, self.predict(prediction)?))
                }
                Step::Experiment(show) => {
                    *counts += self.experiment(show)?;
                    let name = show.experiment.name;
                    let mut right = None;
                    if let Some((prediction, guess)) = predicted.take() {
                        self.compare(prediction, &guess)?;
                        // A room's hands are nobody's own prediction.
                        if let Guess::One(choice) = guess {
                            right = Some(choice == prediction.right);
                        }
                    }
                    self.note(|progress, slug| {
                        if let Some(right) = right {
                            progress.predict(slug, name, right);
                        }
                        progress.reach(slug, name);
                    });
                    if index + 1 < lesson.steps.len() {
                        self.go_on(words::enter_goes_on())?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Something to read. A heading begins a new screen, except right after a run, where Enter has just been pressed.
    fn prose(&mut self, markdown: &str) -> Result<(), Failure> {
        for (part, section) in sections(markdown).into_iter().enumerate() {
            if part > 0 {
                self.go_on(words::enter_goes_on())?;
            }
            self.terminal.prose(&if self.class.big {
                gist(section).into()
            } else {
                Cow::Borrowed(section)
            })?;
            self.terminal.blank()?;
        }
        Ok(())
    }

    /// Something to run: its code first, then what came of it.
    fn experiment(&mut self, show: &Show) -> Result<Counts, Failure> {
        let experiment = show.experiment;
        if let Some((first, lines)) = experiment.source().filter(|_| show.code) {
            self.terminal.wrapped("", &words::code_at(experiment.file, first), Ink::Faint)?;
            // On a projector --step shows it, line by line.
            if !self.class.big {
                self.terminal.code(first, &lines)?;
            }
            self.terminal.blank()?;
        }
        self.go_on(words::enter_runs())?;
        let (_, judged) = self.perform(show, &show.settings)?;
        Ok(report::count(&judged))
    }

    /// The question and what may happen.
    pub(super) fn pose(&mut self, prediction: &Prediction) -> Result<(), Failure> {
        self.terminal.wrapped("", words::predict(), Ink::Warn)?;
        self.terminal.wrapped("", &prediction.question, Ink::Strong)?;
        for (letter, option) in ('a'..).zip(&prediction.options) {
            if self.class.big {
                self.terminal.blank()?;
            }
            self.terminal.wrapped(&format!("  {letter}) "), option, Ink::Plain)?;
        }
        Ok(())
    }

    fn predict(&mut self, prediction: &Prediction) -> Result<Guess, Failure> {
        self.pose(prediction)?;
        loop {
            let prompt = if self.class.is_one() {
                words::type_a_letter_or_hands()
            } else {
                words::type_a_letter()
            };
            let guess = match self.terminal.ask(prompt)? {
                Typed::Line(typed) => Guess::parse(&typed, prediction.options.len()),
                Typed::Nothing => Ok(Guess::Skipped),
            };
            match guess {
                Ok(guess) => {
                    self.terminal.blank()?;
                    return Ok(guess);
                }
                Err(wrong) => self.terminal.wrapped("", &wrong, Ink::Warn)?,
            }
        }
    }

    /// What a room predicted, beside what happened.
    fn compare_hands(&mut self, prediction: &Prediction, raised: &[u32]) -> Result<(), Failure> {
        let picture =
            poll_chart::draw(&prediction.options, raised, prediction.right, self.terminal.width());
        self.terminal.picture(&picture)?;
        self.terminal.blank()?;
        let most = raised.iter().copied().max().filter(|most| *most > 0);
        let first: Vec<_> =
            (0..raised.len()).filter(|place| Some(raised[*place]) == most).collect();
        let options: Vec<_> =
            first.iter().map(|place| prediction.options[*place].as_str()).collect();
        let as_predicted = first == [prediction.right];
        let said = words::room_compared(
            &options,
            most.unwrap_or(0),
            raised.iter().sum(),
            &prediction.options[prediction.right],
            as_predicted,
        );
        self.terminal.wrapped("", &said, if as_predicted { Ink::Good } else { Ink::Warn })?;
        Ok(self.terminal.blank()?)
    }

    pub(super) fn compare(
        &mut self,
        prediction: &Prediction,
        guess: &Guess,
    ) -> Result<(), Failure> {
        let choice = match guess {
            Guess::Skipped => None,
            Guess::One(choice) => Some(*choice),
            Guess::Hands(raised) => return self.compare_hands(prediction, raised),
        };
        let right = &prediction.options[prediction.right];
        let as_predicted = choice == Some(prediction.right);
        let said = choice.map(|choice| prediction.options[choice].as_str());
        let ink = if as_predicted { Ink::Good } else { Ink::Warn };
        self.terminal.wrapped("", &words::compared(said, right, as_predicted), ink)?;
        Ok(self.terminal.blank()?)
    }

    /// Waits for Enter, if anyone is there to press it.
    fn go_on(&mut self, prompt: &str) -> Result<(), Failure> {
        self.terminal.ask(prompt)?;
        Ok(())
    }

    /// The end of a lesson: what was checked, and what comes next.
    fn close(&mut self, lesson: &Lesson, counts: Counts) -> Result<(), Failure> {
        if counts != Counts::default() {
            self.terminal.wrapped(
                "",
                &words::counts(counts),
                if counts.broken > 0 { Ink::Bad } else { Ink::Good },
            )?;
        }
        if counts.broken > 0 {
            self.terminal.wrapped("", words::kernel_is_right(), Ink::Bad)?;
        }
        let Some(number) = lesson.number else {
            return Ok(());
        };
        self.note(|progress, slug| progress.finish(slug));
        let next = lesson::contents().into_iter().find(|other| other.number > number);
        Ok(self.terminal.wrapped(
            "",
            &next.as_ref().map_or_else(words::the_end, words::type_next),
            Ink::Strong,
        )?)
    }

    /// The course ends in a talk: here and now, if somebody is there who wants it.
    fn offer_the_chat(&mut self) -> Result<(), Failure> {
        loop {
            let typed =
                match self.terminal.ask(words::enter_starts_the_chat()).map_err(Failure::from) {
                    Ok(Typed::Line(typed)) => typed.to_lowercase(),
                    Ok(Typed::Nothing) | Err(Failure::Left) => return Ok(()),
                    Err(other) => return Err(other),
                };
            match typed.as_str() {
                // The last: what the words above tell a person to type.
                "" | "y" | "yes" | "explore chat" => break,
                "n" | "no" => return Ok(()),
                _ => {}
            }
        }
        self.terminal.flush()?;
        chat::chat(&self.terminal, &chat::Asked::plain())
    }
}

/// Whether no lesson of the course comes after this one.
fn is_last(lesson: &Lesson) -> bool {
    lesson.number.is_some()
        && lesson::contents().iter().map(|other| other.number).max() == lesson.number
}

/// Prose, cut before each of its headings.
fn sections(markdown: &str) -> Vec<&str> {
    let mut cuts: Vec<_> = markdown.match_indices("\n## ").map(|(at, _)| at + 1).collect();
    cuts.insert(0, 0);
    cuts.push(markdown.len());
    cuts.windows(2)
        .map(|cut| markdown[cut[0]..cut[1]].trim())
        .filter(|section| !section.is_empty())
        .collect()
}

/// The lesson of that number, slug or file.
pub(super) fn find(which: &str) -> Result<Lesson, Failure> {
    let lessons = lesson::lessons()?;
    let is_it = |lesson: &&Lesson| {
        lesson.slug == which || lesson.number.is_some_and(|number| number.to_string() == which)
    };
    if let Some(lesson) = lessons.iter().find(is_it) {
        return Ok(lesson.clone());
    }
    if which.contains(['/', '\\']) || which.ends_with(".md") || Path::new(which).is_file() {
        return Ok(lesson::from_file(Path::new(which))?);
    }
    let near = lesson::did_you_mean(which, lessons.iter().map(|lesson| lesson.slug.as_str()));
    Err(Failure::Usage(words::no_lesson(which, &near)))
}
