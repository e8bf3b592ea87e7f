//! What is kept of a learner who plays a lesson.

use crate::lesson::NOBODYS_SEED;
use crate::output::messages::say;
use crate::output::terminal::Terminal;
use crate::progress::{self, Progress, Trouble};

/// Notes the learner's progress in the lesson that is being played.
pub(super) struct Notes {
    /// The lesson; `None` if nothing is noted.
    pub(super) slug: Option<String>,
}

impl Notes {
    pub(super) fn read(&mut self, terminal: &mut Terminal) -> Progress {
        progress::read().unwrap_or_else(|trouble| {
            self.failed(&trouble, terminal);
            Progress::default()
        })
    }

    /// The seed of whoever sits at the terminal.
    pub(super) fn seed(&mut self, terminal: &mut Terminal) -> u64 {
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

    pub(super) fn change(
        &mut self,
        terminal: &mut Terminal,
        how: impl FnOnce(&mut Progress, &str),
    ) {
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
