//! A stepped run on the terminal: one picture after the other on a screen of its own, or line below line.

use std::borrow::Cow;

use unicode_width::UnicodeWidthStr;

use super::stepper::Stepper;
use super::typing::{Reader, Typing, readers};
use super::{Failure, Session, is_traced};
use crate::experiments;
use crate::i18n::tr;
use crate::output::terminal::{self, Bar};
use crate::picture::{Ink, Picture, Row, fit, paragraph};
use crate::signals::Cleanup;
use crate::trace::recording::{Header, Origin};
use crate::views::step::Shot;
use crate::views::trace::Trace;
use crate::views::wording;

pub(super) struct Display {
    how: How,
}

enum How {
    /// `None` once the screen is given back.
    Screen(Option<Cleanup>),
    Lines {
        trace: Box<Trace>,
        /// How many events have been shown.
        events: usize,
        /// How many stops have been shown.
        stops: usize,
    },
}

impl Display {
    pub(super) fn new(session: &mut Session, origin: &Origin) -> Result<Display, Failure> {
        let how = if session.terminal.erases() {
            How::Screen(Some(session.terminal.alternate_screen()?))
        } else {
            let trace = Trace::new(session.detail(), session.terminal.width()).of(origin);
            How::Lines { trace: Box::new(trace), events: 0, stops: 0 }
        };
        Ok(Display { how })
    }

    /// Gives the screen back.
    pub(super) fn give_back(&mut self) {
        if let How::Screen(screen) = &mut self.how {
            *screen = None;
        }
    }

    /// Whether pictures replace each other.
    pub(super) fn is_screen(&self) -> bool {
        matches!(self.how, How::Screen(_))
    }

    /// Shows the current step in this many columns and rows, or what the keys do; `closed` when the run is over.
    pub(super) fn draw(
        &mut self,
        session: &mut Session,
        stepper: &Stepper,
        typing: Option<&Typing>,
        helps: bool,
        (width, height): (usize, usize),
        closed: bool,
    ) -> terminal::Result<()> {
        let (experiment, step) = (name_of(&stepper.recording.header), stepper.step());
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
            origin: &stepper.recording.header.origin,
            detail: session.detail(),
        };
        let terminal = &mut session.terminal;
        match &mut self.how {
            How::Screen(_) => {
                let Picture(mut rows) = match helps {
                    true => explained(is_traced(&stepper.recording), width),
                    false => shot.draw(width, height.saturating_sub(1)),
                };
                let is_over = closed && !stepper.is_looking_back();
                let keys = match typing {
                    Some(typing) => typed_line(typing, width),
                    None if helps => Bar::of(tr!("Enter goes back to the step")).text(width),
                    None => bar(stepper, is_over, session.class.pace.is_some()).text(width),
                };
                rows.push(Row::new().with(fit(&keys, width), Ink::Code));
                terminal.whole_screen(&Picture(rows))
            }
            How::Lines { trace, events, stops } => {
                let new = all_events.iter().skip(*events);
                let mut rows: Vec<Row> = new.flat_map(|event| trace.push(event)).collect();
                *events = all_events.len().max(*events);
                if *stops == 0 && stepper.stops() > 0 && terminal.is_interactive() {
                    let keys = bar(stepper, false, false).text(width);
                    rows.push(Row::new().with(keys, Ink::Code));
                }
                if let Some(typing) = typing {
                    rows.push(Row::new().with(typed_line(typing, width), Ink::Code));
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

/// The experiment's name, or those of the programs: their command lines would leave no room for anything else.
fn name_of(header: &Header) -> String {
    match &header.origin {
        Origin::Programs(programs) => {
            let names = programs.iter().map(|program| wording::actor(&program.name));
            names.collect::<Vec<_>>().join(tr!(context "list", ", "))
        }
        _ => header.name(),
    }
}

/// The text of a source file: of this program's own, or of the learner's.
fn text_of(path: &str) -> Option<Cow<'static, str>> {
    let own = experiments::text_of(path).map(Cow::Borrowed);
    own.or_else(|| std::fs::read_to_string(path).ok().map(Cow::Owned))
}

/// What keys do now.
fn bar(stepper: &Stepper, is_over: bool, is_paced: bool) -> Bar {
    let (events, cursor) = stepper.in_view();
    let is_traced = is_traced(&stepper.recording);
    let waiting = if is_traced && !is_over { readers(events, cursor) } else { Vec::new() };
    let typing = waiting.first().map(|Reader { name, .. }| tr!("i types for {name}", name));
    let (main, others): (&str, &[&str]) = if stepper.is_looking_back() {
        (tr!("Enter forward"), &[tr!("b back")])
    } else if stepper.runs_through && !is_over {
        (tr!("Running to the end"), &[])
    } else if is_over {
        (tr!("Enter shows the results"), &[tr!("b back")])
    } else if is_traced && cursor.is_none() {
        (tr!("No call is held"), &[tr!("Ctrl-C is for the programs"), tr!("b back")])
    } else if is_paced {
        (tr!("Enter continues at once"), &[tr!("b back"), tr!("e to the end")])
    } else {
        (makes_this_call(), &[tr!("b back"), tr!("e to the end")])
    };
    let typing = typing.filter(|_| !stepper.is_looking_back());
    let others = typing.into_iter().chain(others.iter().map(|&key| key.to_owned())).collect();
    Bar { others, ..Bar::of(main) }
}

fn makes_this_call() -> &'static str {
    tr!("Enter makes this call")
}

/// What all keys do.
fn explained(is_traced: bool, width: usize) -> Picture {
    let mut keys = vec![
        (tr!("Enter"), tr!("makes the call at the cursor; so do the space bar, → and Page Down")),
        ("b", tr!("shows the step before again; so do ← and Page Up")),
        ("e", tr!("runs to the end without further pauses")),
    ];
    if is_traced {
        keys.push(("i", tr!("types a line for a program that reads its keyboard")));
    }
    keys.push(("q", tr!("quits")));
    keys.push(("Ctrl-Z", tr!("stops until fg")));
    keys.push((
        "p c r",
        tr!("have nothing to do here: picture and code are in view, and a run is begun again when it is over"),
    ));
    let rows = keys.iter().flat_map(|(key, words)| {
        let mut rows = paragraph(words, width.saturating_sub(10).max(8), Ink::Plain);
        for (number, row) in rows.iter_mut().enumerate() {
            let key = if number == 0 { *key } else { "" };
            let space = " ".repeat(8_usize.saturating_sub(key.width()));
            let mut whole = Row::new().with(format!("{space}{key}  "), Ink::Code);
            whole.extend(std::mem::take(row));
            *row = whole;
        }
        rows
    });
    Picture(rows.collect())
}

/// The line that is being typed for a program: its end, if it is too long.
fn typed_line(typing: &Typing, width: usize) -> String {
    let who = &typing.reader().name;
    let short = tr!("a line for {who}: ", who);
    if !typing.line.text.is_empty() {
        return typing.line.shown(&[short], width);
    }
    let keys = if typing.has_choice() {
        tr!(
            "type a line for {who} (Enter sends, Tab: for another, Ctrl-D ends its input, Esc cancels): ",
            who
        )
    } else {
        tr!("type a line for {who} (Enter sends, Ctrl-D ends its input, Esc cancels): ", who)
    };
    typing.line.shown(&[keys, short], width)
}
