//! The end of a lesson: how the predictions and the claims came out, and what can come next.

use super::playing::Playing;
use super::resume::Bookmark;
use super::stops::Stop;
use crate::cli;
use crate::commands::parting::Parting;
use crate::commands::progress::saved;
use crate::commands::{Failure, chat, home, report};
use crate::i18n::{self, tr};
use crate::lesson::{self, Lesson};
use crate::output::sentences;
use crate::output::terminal::keys::Key;
use crate::picture::Ink;
use crate::progress;
use crate::trace::Counts;

impl Playing<'_> {
    /// Ends a lesson: counts its predictions and claims, notes that it is finished, offers its further experiments, and names its exercises and the next lesson.
    pub(super) fn end(&mut self) -> Result<(), Failure> {
        self.show_predictions()?;
        self.show_counts()?;
        self.read()?;
        self.bookmark.take().inspect(Bookmark::close);
        self.notes.change(&mut self.session.terminal, |progress, slug| progress.finish(slug));
        let parting = Parting::with(tr!("Quit. The lesson itself is finished."), self.session);
        let offered = self.offer_further();
        if !parting.end(offered, self.session)? {
            return Ok(());
        }
        let Some(number) = self.lesson.number else {
            return Ok(());
        };
        self.name_exercises(number)?;
        let next = lesson::contents().into_iter().find(|other| other.number > number);
        let text = match &next {
            Some(next) => tr!("Next: {command}", command = home::lesson_command(next)),
            None => tr!(
                "That was the last lesson. Now chat: type {chat} here, and have the other person type it in a second terminal. /quit ends it.",
                chat = i18n::command("chat")
            ),
        };
        self.session.terminal.wrapped("", &text, Ink::Strong)?;
        if next.is_none() { self.offer_the_chat() } else { Ok(()) }
    }

    /// Names the exercises of this lesson, those that are done with a mark.
    fn name_exercises(&mut self, lesson: u32) -> Result<(), Failure> {
        let noted = self.notes.slug.is_some();
        let progress = progress::read().ok().filter(|_| noted).unwrap_or_default();
        for exercise in lesson::exercises()?.iter().filter(|it| it.lesson == lesson) {
            let command = i18n::command(&format!("exercise {}", exercise.which()));
            let text = tr!("Exercise: {command} ({title})", command, title = exercise.title);
            let mark = if progress.has_done(exercise.slug) { "✓ " } else { "" };
            self.session.terminal.wrapped(mark, &text, Ink::Strong)?;
        }
        Ok(())
    }

    /// How many of the learner's predictions in this lesson were right, which were not, and how many questions were skipped: in this play,
    /// and in earlier ones.
    fn show_predictions(&mut self) -> Result<(), Failure> {
        let noted = self.notes.slug.as_deref().and_then(|slug| saved().of(slug).cloned());
        let noted = noted.unwrap_or_default().predictions;
        let outcomes = self.lesson.predictions().filter_map(|(prediction, show)| {
            let name = show.experiment.name;
            let right = self.answers.get(name).or_else(|| noted.get(name));
            right.map(|right| (prediction, *right))
        });
        let outcomes: Vec<_> = outcomes.collect();
        let (all, right) = (outcomes.len(), outcomes.iter().filter(|(_, right)| *right).count());
        let skipped =
            self.skipped(|name| self.answers.contains_key(name) || noted.contains_key(name));
        let text = match (all, skipped) {
            (0, 0) => return Ok(()),
            (_, 0) => tr!("Your predictions in this lesson: {right} of {all} right.", right, all),
            (0, _) => tr!(
                "You have predicted nothing in this lesson; questions skipped: {skipped}.",
                skipped
            ),
            _ => tr!(
                "Your predictions in this lesson: {right} of {all} right; questions skipped: {skipped}.",
                right,
                all,
                skipped
            ),
        };
        self.session.terminal.together(|terminal| {
            terminal.wrapped("", &text, Ink::Strong)?;
            for (prediction, _) in outcomes.iter().filter(|(_, right)| !right) {
                terminal.wrapped("✗ ", &prediction.question, Ink::Plain)?;
                let right = sentences::answer(&prediction.options[prediction.right]);
                terminal.wrapped("  ", &right, Ink::Faint)?;
            }
            terminal.blank()
        })?;
        Ok(())
    }

    /// How many questions of the core a learner has passed without an answer. A class answers by hands.
    fn skipped(&self, is_answered: impl Fn(&str) -> bool) -> usize {
        if !self.session.terminal.is_interactive() || self.session.class.is_present() {
            return 0;
        }
        self.lesson.core_questions().filter(|name| !is_answered(name)).count()
    }

    pub(super) fn show_counts(&mut self) -> Result<(), Failure> {
        let terminal = &mut self.session.terminal;
        if self.counts != Counts::default() {
            if self.counts_from_here {
                let text = tr!("Since you resumed this lesson:");
                terminal.wrapped("", text, Ink::Plain)?;
                terminal.keep_with_next();
            }
            report::show_counts(terminal, self.counts)?;
        }
        if self.counts.broken > 0 {
            terminal.wrapped("", sentences::kernel_is_right(), Ink::Bad)?;
        }
        Ok(())
    }

    /// Lists the further experiments. A learner plays those whose numbers they type, until they press Enter.
    fn offer_further(&mut self) -> Result<(), Failure> {
        let lesson = self.lesson;
        if lesson.further.is_empty() {
            return Ok(());
        }
        let mut seen = vec![false; lesson.further.len()];
        loop {
            self.list_further(&seen)?;
            self.read()?;
            let Some(index) = self.further_chosen()? else { return Ok(()) };
            self.session.terminal.blank()?;
            self.further(&lesson.further[index])?;
            seen[index] = true;
        }
    }

    /// The further experiment whose number is typed. Where a second digit may follow, Enter ends the number.
    fn further_chosen(&mut self) -> Result<Option<usize>, Failure> {
        let all = self.lesson.further.len();
        let mut number = 0;
        loop {
            match self.stop(Stop::Further { all, number })? {
                Key::Letter(digit) => {
                    number = number * 10 + digit.to_digit(10).unwrap_or(0) as usize;
                }
                _ if number == 0 => return Ok(None),
                _ => return Ok(Some(number - 1)),
            }
            if number == 0 || number > all {
                let text = tr!("There is no further experiment `{typed}`.", typed = number);
                self.say(&text)?;
                number = 0;
            } else if number * 10 > all {
                return Ok(Some(number - 1));
            }
        }
    }

    /// The further experiments with their numbers, those just seen faint; where nobody can be asked, with the command for each.
    fn list_further(&mut self, seen: &[bool]) -> Result<(), Failure> {
        let lesson = self.lesson;
        let terminal = &mut self.session.terminal;
        terminal.blank()?;
        terminal.wrapped("", sentences::further(), Ink::Strong)?;
        terminal.keep_with_next();
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

    /// After the last lesson offers to start the chat.
    fn offer_the_chat(&mut self) -> Result<(), Failure> {
        self.read()?;
        if !self.session.terminal.is_interactive() {
            return Ok(());
        }
        match self.stop(Stop::Chat) {
            Ok(Key::On) => {}
            Ok(_) | Err(Failure::Quit) => return Ok(()),
            Err(other) => return Err(other),
        }
        self.session.terminal.flush()?;
        chat::run(&cli::Chat::default(), self.session)
    }
}

/// How further experiments of a lesson are played alone.
fn further_command(lesson: &Lesson, which: &str) -> String {
    let lesson = lesson.number.map_or_else(|| lesson.file.clone(), |number| number.to_string());
    i18n::command(&format!("lesson {lesson} --further {which}"))
}
