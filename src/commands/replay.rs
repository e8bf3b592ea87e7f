//! A recording, through the views of the lessons: nothing of it happens now, and no claim of it is checked.

use std::fs::File;
use std::io;
use std::path::Path;

use super::report::{self, Told};
use super::{Failure, Player, shown_in_course};
use crate::experiments;
use crate::picture::Ink;
use crate::trace::recording;
use crate::views::View;
use crate::words;

impl Player {
    /// Shows a file of recordings.
    ///
    /// # Errors
    /// [`Failure::Usage`] if the file is not a recording, or is damaged; what it holds is shown first.
    pub fn replay(&mut self, path: &Path) -> Result<(), Failure> {
        let unreadable =
            |error: io::Error| Failure::Usage(words::no_recording(path.display(), &error));
        let contents = if path == Path::new("-") {
            recording::read(io::stdin().lock())
        } else {
            recording::read(io::BufReader::new(File::open(path).map_err(unreadable)?))
        };
        for recording in &contents.recordings {
            let header = &recording.header;
            self.terminal.wrapped("", &header.name(), Ink::Strong)?;
            self.terminal.wrapped(
                "",
                &words::recorded_on(&header.kernel, &header.date_to_the_second()),
                Ink::Warn,
            )?;
            self.terminal.blank()?;
            self.trace_recorded(recording)?;
            // It may be of an experiment that another version of the program has.
            let (views, claims) = match experiments::find(&header.name()) {
                Some(experiment) => {
                    let show = shown_in_course(experiment)?;
                    (show.views, show.claims)
                }
                None => (vec![View::Ladder], Vec::new()),
            };
            self.pictures(&views, recording)?;
            self.claims(&report::judge(&claims, recording, Told::Recorded), words::recorded())?;
        }
        self.terminal.flush()?;
        match contents.damage {
            None => Ok(()),
            Some((line, what)) => {
                let kept = if contents.recordings.is_empty() { "" } else { words::shown_so_far() };
                Err(Failure::Usage(format!("{}:{line}: {what}{kept}", path.display())))
            }
        }
    }
}
