//! Frames on the ladder: an arrow for each, what it says on it; a cross where it was lost.

use unicode_width::UnicodeWidthStr;

use super::Ladder;
use super::diagram::{KnownBy, SegmentRow, Shape, Step, Transit};
use crate::i18n::tr;
use crate::picture::Ink;
use crate::picture::phrase::{Phrase, fitted, fitting};
use crate::text::wrap;
use crate::views::wording::tcp_state;

impl Ladder {
    /// Draws a frame's row. Returns how many of the steps after it were drawn with it.
    pub(super) fn segment(
        &mut self,
        step: &Step,
        segment_row: &SegmentRow,
        after: &[Step],
    ) -> usize {
        self.lanes(step);
        let (from, to) = (self.columns[segment_row.from], self.columns[segment_row.to]);
        let mut unsaid = None;
        if from == to {
            let (start, end) = self.words_area(segment_row.from);
            self.canvas.write(
                self.row,
                start,
                end,
                &format!("→ {}", fitted(&segment_row.words, end - start - 2)),
                segment_row.ink,
            );
        } else {
            // How late it comes stands beside the lane where it arrives; or on its line, where that place is taken.
            let states = after.iter().map_while(|step| match &step.shape {
                Shape::State { lane, known_by: KnownBy::Segments, .. } => Some(*lane),
                _ => None,
            });
            let outside = self.outward && states.into_iter().all(|lane| lane != segment_row.to);
            if let (true, Some(note)) = (outside, segment_row.notes().first()) {
                self.words(segment_row.to, note, Ink::Faint);
            }
            unsaid = self.draw_segment(segment_row, from, to, !outside);
        }
        let taken = self.states(after);
        self.row += 1;
        if let Some(why) = unsaid {
            let (left, right) = self.beside(segment_row.from, from < to);
            for line in wrap(why, right.saturating_sub(left + 3).max(1)) {
                self.bare_lanes(step, '│');
                self.canvas.write(self.row, left + 2, right, &line, Ink::Bad);
                self.row += 1;
            }
        }
        taken
    }

    /// The columns between this lane and the next one on that side.
    fn beside(&self, lane: usize, on_its_right: bool) -> (usize, usize) {
        if on_its_right {
            (self.columns[lane] + 1, self.columns.get(lane + 1).copied().unwrap_or(self.end))
        } else {
            (
                lane.checked_sub(1).map_or(self.time, |before| self.columns[before] + 1),
                self.columns[lane],
            )
        }
    }

    /// Returns the reason why it was lost, if there was no room for it.
    fn draw_segment<'a>(
        &mut self,
        segment_row: &'a SegmentRow,
        from: usize,
        to: usize,
        note_here: bool,
    ) -> Option<&'a str> {
        let rightwards = to > from;
        let (left, right) = (from.min(to) + 1, from.max(to));
        let line = Ink::Of(segment_row.from);
        // Its words stand where it leaves; where it arrives if that is all that this row shows.
        let (near_start, words_at) = match segment_row.transit {
            Transit::Arrives(_) => (false, self.beside(segment_row.to, !rightwards)),
            _ => (true, self.beside(segment_row.from, rightwards)),
        };
        let spare = match &segment_row.transit {
            Transit::Stops(_) => 6,
            Transit::Whole(_) => 4,
            Transit::Leaves | Transit::Arrives(_) => 5,
        };
        let room = (words_at.1 - words_at.0).saturating_sub(spare);
        let mut text = fitted(&segment_row.words, room);
        let fits = |note: &&String| {
            note_here && text.width() + note.width() + 5 <= room && self.same_gap(left, right)
        };
        let mut note = segment_row.notes().iter().find(fits);
        let is_whole = matches!(segment_row.transit, Transit::Whole(_));
        if let (None, true, Some(short)) = (note, note_here && is_whole, segment_row.notes().last())
        {
            let rest = room.saturating_sub(short.width() + 5);
            if let Some(shorter) = fitting(&segment_row.words, rest)
                && self.same_gap(left, right)
            {
                (text, note) = (shorter.clone(), Some(short));
            }
        }
        let width = text.width();
        let at_left = near_start == rightwards;
        let start = match (&segment_row.transit, at_left) {
            (Transit::Whole(_), _) if note.is_none() => {
                words_at.0 + (words_at.1 - words_at.0).saturating_sub(width) / 2
            }
            (_, true) => words_at.0 + 2 + usize::from(segment_row.is_arrival()),
            (_, false) => {
                words_at.1.saturating_sub(width + 2 + usize::from(segment_row.is_arrival()))
            }
        }
        .max(words_at.0 + 1);
        let end = start + width;
        let (first, last) = match &segment_row.transit {
            Transit::Whole(_) => (left, right),
            _ if at_left => (left, (end + 3).min(right)),
            _ => (start.saturating_sub(3).max(left), right),
        };
        for column in (first..last).filter(|column| !self.columns.contains(column)) {
            self.canvas.put(self.row, column, '─', line);
        }
        if !segment_row.is_arrival() {
            self.canvas.put(self.row, from, if rightwards { '├' } else { '┤' }, line);
        }
        if matches!(segment_row.transit, Transit::Whole(_) | Transit::Arrives(_)) {
            let (head, glyph) = if rightwards { (right - 1, '▶') } else { (left, '◀') };
            self.canvas.put(self.row, head, glyph, line);
        }
        self.label(start, &text, segment_row.ink);
        if let Some(note) = note {
            // Where it arrives; or, if its words are there, where it came from.
            let at = match (segment_row.is_arrival(), at_left) {
                (false, true) => right.saturating_sub(note.width() + 3),
                (false, false) => left + 3,
                (true, true) => (end + 5).min(right.saturating_sub(note.width() + 1)),
                (true, false) => start.saturating_sub(note.width() + 5).max(left + 1),
            };
            self.label(at, note, Ink::Faint);
        }
        match &segment_row.transit {
            // The open end of a line that goes on later, or that began before.
            Transit::Leaves | Transit::Arrives(_) => {
                for (column, open) in [
                    (end + 1, at_left),
                    (end + 2, at_left),
                    (start.wrapping_sub(2), !at_left),
                    (start.wrapping_sub(3), !at_left),
                ] {
                    if open && (left..right).contains(&column) && !self.columns.contains(&column) {
                        self.canvas.put(self.row, column, '╌', line);
                    }
                }
                None
            }
            Transit::Stops(why) => {
                let cross = if rightwards {
                    (end + 2).min(right - 1)
                } else {
                    start.saturating_sub(3).max(left)
                };
                self.canvas.put(self.row, cross, '✗', Ink::Bad);
                let room = if rightwards {
                    words_at.1.saturating_sub(cross + 3)
                } else {
                    cross.saturating_sub(words_at.0 + 2)
                };
                let full = why.first()?;
                // A reason that has been told in full is told in short.
                let known = !self.reasons.insert(full.clone());
                let Some(said) =
                    why.iter().find(|why| why.width() <= room && (known || *why == full))
                else {
                    return (!known).then_some(full.as_str());
                };
                let at = if rightwards { cross + 2 } else { cross - 1 - said.width() };
                self.canvas.write(self.row, at, right, said, Ink::Bad);
                None
            }
            Transit::Whole(_) => None,
        }
    }

    fn same_gap(&self, left: usize, right: usize) -> bool {
        !self.columns.iter().any(|column| (left..right).contains(column))
    }

    /// Text on a line, a blank on either side.
    fn label(&mut self, start: usize, text: &str, ink: Ink) {
        if text.is_empty() {
            return;
        }
        self.canvas.put(self.row, start - 1, ' ', Ink::Plain);
        let after = self.canvas.write(self.row, start, self.end, text, ink);
        if !self.columns.contains(&after) {
            self.canvas.put(self.row, after, ' ', Ink::Plain);
        }
    }

    /// Writes the states that follow beside their lanes, where nothing stands in this row. Returns how many.
    fn states(&mut self, after: &[Step]) -> usize {
        let mut taken: Vec<usize> = Vec::new();
        for step in after {
            let Shape::State { lane, state, known_by: KnownBy::Segments } = &step.shape else {
                break;
            };
            let free = self.outward || *lane + 1 == self.columns.len();
            if !free || taken.contains(lane) {
                break;
            }
            self.state(*lane, state, KnownBy::Segments);
            taken.push(*lane);
        }
        taken.len()
    }

    /// Writes a state beside its lane.
    pub(super) fn state(&mut self, lane: usize, state: &str, known_by: KnownBy) {
        let (start, end) = self.words_area(lane);
        let text = fitted(&state_words(state, known_by), end.saturating_sub(start));
        self.words(lane, &text, state_ink(state, known_by));
    }
}

pub(super) fn state_words(state: &str, known_by: KnownBy) -> Phrase {
    match known_by {
        KnownBy::Segments => vec![format!("({state})")],
        KnownBy::Asking => {
            let state = tcp_state(state);
            vec![tr!("asked: {state}", state), state]
        }
    }
}

pub(super) fn state_ink(state: &str, known_by: KnownBy) -> Ink {
    match state {
        _ if known_by == KnownBy::Segments => Ink::Faint,
        "ESTABLISHED" => Ink::Good,
        "TIME_WAIT" => Ink::Warn,
        _ => Ink::Strong,
    }
}
