//! The glossary: a term in every language, what it is, and the lesson that shows it.

use super::{Failure, Player};
use crate::lesson::{self, glossary};
use crate::picture::Ink;
use crate::words;

impl Player {
    /// Shows one term, or all.
    ///
    /// # Errors
    /// [`Failure::Usage`] if there is no such term.
    pub fn glossary(&mut self, asked: Option<&str>) -> Result<(), Failure> {
        let found = asked.map_or_else(|| glossary::terms().collect(), glossary::find);
        if let (true, Some(asked)) = (found.is_empty(), asked) {
            let known: Vec<_> = glossary::terms().flat_map(|term| term.names).collect();
            return Err(Failure::Usage(words::no_such_term(
                asked,
                &lesson::did_you_mean(asked, known),
            )));
        }
        let lessons = lesson::contents();
        for term in &found {
            self.terminal.wrapped("", &term.all_names(), Ink::Strong)?;
            self.terminal.wrapped("  ", term.sentence(), Ink::Plain)?;
            if let Some(lesson) = lessons.iter().find(|lesson| lesson.slug == term.lesson) {
                self.terminal.wrapped("  ", &words::shown_in(lesson), Ink::Faint)?;
            }
        }
        Ok(self.terminal.flush()?)
    }
}
