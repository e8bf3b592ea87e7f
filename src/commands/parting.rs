//! What is said to a reader who leaves.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{Failure, Session};
use crate::output::messages::say_lines;
use crate::picture::Ink;
use crate::signals::{self, Cleanup};

/// Something that a reader may leave by a key, or by a signal that ends the program: either way they are told what that means.
pub(super) struct Parting {
    text: &'static str,
    is_open: Arc<AtomicBool>,
    _at_end: Cleanup,
}

impl Parting {
    /// Begins it, with the words for its end. Where nobody sits at the terminal nobody is told.
    pub(super) fn with(text: &'static str, session: &Session) -> Parting {
        let is_open = Arc::new(AtomicBool::new(session.terminal.is_interactive()));
        let at_end = is_open.clone();
        let at_end = signals::at_end(move || {
            if at_end.load(Ordering::SeqCst) {
                tell(text);
            }
        });
        Parting { text, is_open, _at_end: at_end }
    }

    /// Ends it as it came out; says whether it was seen to its end.
    pub(super) fn end(
        self,
        came_out: Result<(), Failure>,
        session: &mut Session,
    ) -> Result<bool, Failure> {
        match came_out {
            Err(Failure::Quit) => {
                session.terminal.wrapped("", self.text, Ink::Faint)?;
                Ok(false)
            }
            came_out => came_out.map(|()| true),
        }
    }
}

/// Says this when a signal ends the program.
pub(super) fn tell(text: &str) {
    // Another program may have the terminal by now.
    if signals::is_foreground() {
        say_lines(text);
    }
}

impl Drop for Parting {
    fn drop(&mut self) {
        self.is_open.store(false, Ordering::SeqCst);
    }
}
