//! A stepped run on the terminal: one picture after the other on a screen of its own, or line below line.

use std::borrow::Cow;

use unicode_width::UnicodeWidthStr;

use super::stepper::Stepper;
use super::{Failure, Session};
use crate::experiments;
use crate::i18n::tr;
use crate::output::terminal;
use crate::picture::{Ink, Picture, Row, fit};
use crate::signals::Cleanup;
use crate::views::step::Shot;
use crate::views::trace::Trace;

pub(super) struct Display<'a> {
    name: &'a str,
    how: How,
}

enum How {
    Screen(#[allow(dead_code, reason = "gives the screen back when it is dropped")] Cleanup),
    Lines {
        trace: Box<Trace>,
        /// How many events have been shown.
        events: usize,
        /// How many stops have been shown.
        stops: usize,
    },
}

impl<'a> Display<'a> {
    pub(super) fn new(session: &mut Session, name: &'a str) -> Result<Display<'a>, Failure> {
        let how = if session.terminal.erases() {
            How::Screen(session.terminal.alternate_screen()?)
        } else {
            let trace = Trace::new(session.detail(), session.terminal.width());
            How::Lines { trace: Box::new(trace), events: 0, stops: 0 }
        };
        Ok(Display { name, how })
    }

    /// Whether pictures replace each other.
    pub(super) fn is_screen(&self) -> bool {
        matches!(self.how, How::Screen(_))
    }

    /// Shows the current step in this many columns and rows; `closed` when the run is over.
    pub(super) fn draw(
        &mut self,
        session: &mut Session,
        stepper: &Stepper,
        (width, height): (usize, usize),
        closed: bool,
    ) -> terminal::Result<()> {
        let (experiment, step) = (self.name, stepper.step());
        let title = match (stepper.is_looking_back(), closed) {
            (true, _) => {
                tr!("{experiment} · step {step} again (Enter goes forward)", experiment, step)
            }
            (false, true) => tr!("{experiment} · the run is over", experiment),
            (false, false) => tr!("{experiment} · step {step}", experiment, step),
        };
        let (all_events, cursor) = stepper.in_view();
        let shot = Shot {
            events: all_events,
            cursor,
            text_of: &text_of,
            title: &title,
            detail: session.detail(),
        };
        let terminal = &mut session.terminal;
        match &mut self.how {
            How::Screen(_) => {
                let Picture(mut rows) = shot.draw(width, height.saturating_sub(1));
                let keys = match (closed && !stepper.is_looking_back(), session.class.pace) {
                    _ if stepper.runs_through => tr!("Running to the end · q quits"),
                    (true, _) => tr!("Enter shows the results · q quits"),
                    (false, Some(_)) => {
                        tr!("Enter continues at once · b back · c to the end · q quits")
                    }
                    (false, None) => step_keys(),
                };
                let short = tr!("Enter · b back · c end · q quits");
                let keys = if keys.width() <= width { keys } else { short };
                rows.push(Row::new().with(fit(keys, width), Ink::Warn));
                terminal.whole_screen(&Picture(rows))
            }
            How::Lines { trace, events, stops } => {
                let new = all_events.iter().skip(*events);
                let mut rows: Vec<Row> = new.flat_map(|event| trace.push(event)).collect();
                *events = all_events.len().max(*events);
                if *stops == 0 && stepper.stops() > 0 && terminal.is_interactive() {
                    rows.push(Row::new().with(step_keys(), Ink::Warn));
                }
                if stepper.stops() > *stops || closed {
                    *stops = stepper.stops();
                    rows.extend(trace.pause());
                    rows.extend(shot.line(width));
                }
                rows.iter().try_for_each(|row| terminal.row_at_once(row))?;
                terminal.flush()
            }
        }
    }
}

/// The text of a source file: of this program's own, or of the learner's.
fn text_of(path: &str) -> Option<Cow<'static, str>> {
    let own = experiments::text_of(path).map(Cow::Borrowed);
    own.or_else(|| std::fs::read_to_string(path).ok().map(Cow::Owned))
}

/// The keys of a run that waits for them.
fn step_keys() -> &'static str {
    tr!("Enter makes this call · b back · c to the end · q quits")
}
