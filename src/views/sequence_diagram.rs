//! The ladder: a lane for each actor, time running down, and what went between them as arrows.
//!
//! Whole lines carry data, broken ones are about the connection (it opens, it ends). A thick lane is blocked in a call.
//! What went over the wire is shown frame by frame, with the ends' TCP states; then the two ends' calls stand outside, as in
//! the books. `builder`, `calls`, `segments` and `arp` choose what is shown, `fold` what is not; here it is drawn. With too few
//! columns for lanes it is told as a list.

use super::view;
use crate::analysis::Analysis;
use crate::analysis::grouping::{Grouped, ThreadNames, by_program, one_connection_of_each_kind};
use std::collections::HashSet;

use unicode_width::UnicodeWidthStr;

use self::diagram::{Diagram, Lane, Shape, Step};
use self::layout::{Opening, diagram, diagram_with};
use self::legend::Addresses;
use crate::i18n::tr;
use crate::labels;
use crate::picture::phrase::{Phrase, fitted, fitting};
use crate::picture::{Canvas, Ink, Picture, fit_middle, span_of};
use crate::text::wrap;
use crate::trace::recording::Origin;
use crate::views::DrawOptions;
use crate::views::legend::lines;

mod annotations;
mod arp;
mod arrow;
mod builder;
mod calls;
mod diagram;
mod ends;
mod fold;
mod layout;
mod legend;
mod list;
mod phrases;
mod segments;
mod states;
mod wire;
mod words;

/// The fewest columns of a lane that can still be read.
const NARROWEST: usize = 16;
/// The most columns of a lane: arrows that are longer are hard to follow.
const WIDEST: usize = 60;
/// Columns for the time: `99.9 ms` and a space.
const TIME: usize = 8;
/// The fewest columns in which two ends have their words outside.
const OUTWARD: usize = 72;
/// The most rows in which all connections of traced programs are shown: two screens.
const MOST_ROWS: usize = 48;
/// The most columns of two ends.
const TWO_ENDS: usize = 112;

view!("ladder", draw);
fn draw(analysis: &Analysis, width: usize, options: DrawOptions) -> Picture {
    let whole = diagram(analysis, options.numbers, Opening::Shown);
    match &analysis.recording.header.origin {
        Origin::Programs(_) => draw_programs(analysis, whole, width, options),
        Origin::Experiment { .. } | Origin::Chat => draw_diagram(&whole, width, options),
    }
}

/// Programs have as many threads and connections as they like. Where there are no columns for so many lanes, a program is one; there
/// and where there would be too many rows, one connection of each kind is shown.
fn draw_programs(
    analysis: &Analysis,
    whole: Diagram,
    width: usize,
    options: DrawOptions,
) -> Picture {
    let shown = |analysis: &Analysis, threads: Option<&ThreadNames>, left_out| Diagram {
        grouped: threads.is_some(),
        connections_left_out: left_out,
        ..diagram_with(
            analysis,
            threads.unwrap_or(&ThreadNames::new()),
            options.numbers,
            Opening::Shown,
        )
    };
    if layout(&whole, width).is_none() {
        let Grouped { recording, threads } = by_program(analysis.recording);
        let worded = threads.iter().map(|(id, name)| (*id, labels::part(name).into_owned()));
        let threads: ThreadNames = worded.collect();
        let analysis = Analysis::of(&recording);
        let picture = match one_connection_of_each_kind(&analysis) {
            Some((short, left_out)) => shown(&Analysis::of(&short), Some(&threads), left_out),
            None => shown(&analysis, Some(&threads), 0),
        };
        return draw_diagram(&picture, width, options);
    }
    // A drawing that nobody sees explains nothing to anybody.
    let unseen = DrawOptions { explained: None, ..options };
    if draw_diagram(&whole, width, unseen).0.len() > MOST_ROWS
        && let Some((short, left_out)) = one_connection_of_each_kind(analysis)
    {
        return draw_diagram(&shown(&Analysis::of(&short), None, left_out), width, options);
    }
    draw_diagram(&whole, width, options)
}

/// The ladder of what happens once a connection is open.
mod once_open {
    use super::{Opening, diagram, draw_diagram};
    use crate::views::view;

    view!("ladder-once-open", |analysis, width, options| {
        draw_diagram(&diagram(analysis, options.numbers, Opening::Folded), width, options)
    });
}

fn draw_diagram(diagram: &Diagram, width: usize, options: DrawOptions) -> Picture {
    let Some(Layout { time, columns, end, outward }) = layout(diagram, width) else {
        return list::draw(diagram, width, options);
    };
    let (canvas, end) = (Canvas::new(width), end.min(width));
    let mut ladder = Ladder {
        canvas,
        columns,
        end,
        time,
        outward,
        row: 0,
        last_time: String::new(),
        reasons: HashSet::new(),
        addresses: Addresses::default(),
    };
    ladder.head(diagram);
    ladder.steps(&diagram.steps);
    ladder.legend(diagram, options);
    ladder.canvas.picture()
}

/// Where everything stands.
struct Layout {
    time: usize,
    columns: Vec<usize>,
    end: usize,
    outward: bool,
}

/// `None` if there is no room for lanes.
fn layout(diagram: &Diagram, width: usize) -> Option<Layout> {
    let lanes = diagram.lanes.len().max(1);
    let (time, spacing) = match (width.saturating_sub(TIME) / lanes, width / lanes) {
        (with_time, _) if with_time >= NARROWEST => (TIME, with_time.min(WIDEST)),
        (_, without) if without >= NARROWEST => (0, without),
        _ => return None,
    };
    let mut columns: Vec<usize> = (0..lanes).map(|lane| time + lane * spacing).collect();
    let mut end = time + lanes * spacing;
    let outward = diagram.two_ends && width >= OUTWARD;
    if outward {
        end = width.min(TWO_ENDS);
        let side = (end - TIME) * 28 / 100;
        columns = vec![TIME + side, end - side - 2];
    }
    Some(Layout { time, columns, end, outward })
}

/// The columns of the lanes, where there are any.
#[cfg(test)]
pub(super) fn lanes_at(analysis: &Analysis, width: usize) -> Option<Vec<usize>> {
    layout(&diagram(analysis, crate::views::SeqNumbers::Relative, Opening::Shown), width)
        .map(|layout| layout.columns)
}

/// The words in as few rows of so many columns as they need: in one by any wording, else in two by the longest that has room there.
/// A number keeps its unit.
fn in_rows(words: &[String], room: usize) -> Vec<String> {
    if let Some(text) = fitting(words, room) {
        return vec![text.clone()];
    }
    let fits = |(first, rest): &(&str, &str)| {
        let has_unit_below = first.ends_with(|last: char| last.is_ascii_digit());
        first.width() <= room && rest.trim_start().width() <= room && !has_unit_below
    };
    let in_two = |text: &String| {
        let (first, rest) = text.match_indices(' ').map(|(at, _)| text.split_at(at)).find(fits)?;
        Some(vec![first.to_owned(), rest.trim_start().to_owned()])
    };
    let in_two = words.iter().find_map(in_two);
    in_two.unwrap_or_else(|| words.last().map_or_else(Vec::new, |text| wrap(text, room)))
}

struct Ladder {
    canvas: Canvas,
    /// Where each lane is.
    columns: Vec<usize>,
    /// Where the last lane's words end.
    end: usize,
    /// Columns for the time; 0 if there is no room for it.
    time: usize,
    /// True if the first lane's words stand on its left.
    outward: bool,
    row: usize,
    /// The time that was shown last.
    last_time: String,
    /// Why frames were lost, as far as it was said.
    reasons: HashSet<String>,
    addresses: Addresses,
}

impl Ladder {
    fn head(&mut self, diagram: &Diagram) {
        let process = |lane: usize| match &diagram.lanes[lane] {
            Lane { is_alone: false, .. } => tr!(" and its children").to_owned(),
            Lane { process, .. } => tr!(" process {pid}", pid = process),
        };
        let several = diagram.lanes.iter().any(|lane| lane.process != diagram.lanes[0].process);
        let fits = |lane: usize| {
            self.columns[lane] + diagram.lanes[lane].name.width() + process(lane).width()
                <= self.words_end(lane)
        };
        let several = several && (0..diagram.lanes.len()).all(fits);
        if self.time > 0 {
            self.canvas.write(0, self.time - 5, self.time, tr!("time"), Ink::Faint);
        }
        for (lane, who) in diagram.lanes.iter().enumerate() {
            let end = self.words_end(lane);
            let start = self.columns[lane]
                - if self.outward { (who.name.width() / 2).min(self.columns[lane]) } else { 0 };
            let name = fit_middle(&who.name, end.saturating_sub(start));
            let at = self.canvas.write(0, start, end, &name, Ink::Of(lane));
            if several {
                self.canvas.write(0, at, end, &process(lane), Ink::Faint);
            }
        }
        self.row = 1;
    }

    /// Where the words at this lane must end: before the next lane.
    fn words_end(&self, lane: usize) -> usize {
        self.columns.get(lane + 1).map_or(self.end, |next| next - 1)
    }

    /// Where the words of a call at this lane stand: from, to.
    fn words_area(&self, lane: usize) -> (usize, usize) {
        if self.outward && lane == 0 {
            (self.time, self.columns[0] - 1)
        } else {
            (self.columns[lane] + 2, self.words_end(lane))
        }
    }

    /// Writes words of a call beside this lane: on its outer side if they stand outside.
    fn words(&mut self, lane: usize, text: &str, ink: Ink) {
        let (mut start, end) = self.words_area(lane);
        if self.outward && lane == 0 {
            start = end.saturating_sub(text.width()).max(start);
        }
        self.canvas.write(self.row, start, end, text, ink);
    }

    fn steps(&mut self, steps: &[Step]) {
        let mut at = 0;
        while at < steps.len() {
            let (first, first_row) = (at, self.row);
            let step = &steps[at];
            at += 1;
            match &step.shape {
                Shape::Part(part) => self.part(part),
                Shape::Aside(words) => {
                    self.lanes(step);
                    let (start, end) = (self.columns[0] + 2, self.words_end(0).saturating_sub(1));
                    let text = fitted(words, end - start);
                    self.canvas.write(self.row, start, end, &text, Ink::Faint);
                    self.row += 1;
                }
                Shape::Note(text, ink) => self.note(step, text, *ink),
                Shape::Fold(text) => self.fold(step, text),
                Shape::Arrow(arrow) => self.arrow(step, arrow),
                Shape::Segment(segment_row) => at += self.segment(step, segment_row, &steps[at..]),
                Shape::State { lane, state, known_by } => {
                    self.lanes(step);
                    self.state(*lane, state, *known_by);
                    self.row += 1;
                }
                Shape::Call { .. } => at += self.calls(step, &steps[at..]),
            }
            self.addresses.note(&steps[first..at], &self.canvas.text(first_row..self.row));
        }
    }

    /// A call's row. Returns how many of the steps after it were drawn with it: short calls of one actor share a row.
    fn calls(&mut self, step: &Step, after: &[Step]) -> usize {
        let Shape::Call { lane, words, ink, joins } = &step.shape else {
            return 0;
        };
        self.lanes(step);
        let (start, end) = self.words_area(*lane);
        let room = end - start;
        if let Some((text, taken)) = self.names_alone(step, after, room) {
            self.words(*lane, &text, *ink);
            self.row += 1;
            return taken;
        }
        let mut texts = in_rows(words, room);
        // A failure without its call says little: the call has a row above it.
        let calls: Phrase =
            words.iter().filter_map(|said| Some(said.split_once(" ✗ ")?.0.to_owned())).collect();
        if texts.first().is_some_and(|text| text.starts_with('✗')) && !calls.is_empty() {
            texts = [fitted(&calls, room)].into_iter().chain(texts).collect();
        }
        let in_several_rows = texts.len() > 1;
        let last = texts.pop().unwrap_or_default();
        for text in texts {
            self.words(*lane, &text, *ink);
            self.row += 1;
            self.bare_lanes(step, '│');
        }
        let mut used = last.width();
        let mut spans = vec![(last, *ink)];
        let mut taken = 0;
        for next in after.iter().take_while(|_| !in_several_rows) {
            let Shape::Call { lane: next, words, ink, joins: true } = &next.shape else { break };
            // A number that a row of its own would say is not left out.
            let has_number = |text: &String| text.contains(|it: char| it.is_ascii_digit());
            let says = fitting(words, room).is_some_and(has_number);
            let found = fitting(words, room.saturating_sub(used + 2));
            let found = found.filter(|text| *joins && next == lane && (!says || has_number(text)));
            let Some(text) = found else { break };
            used += 2 + text.width();
            spans.extend([(", ".to_owned(), Ink::Faint), (text.clone(), *ink)]);
            taken += 1;
        }
        let mut column = if self.outward && *lane == 0 { end - used } else { start };
        for (text, ink) in spans {
            column = self.canvas.write(self.row, column, end, &text, ink);
        }
        self.row += 1;
        taken
    }

    /// The bare names of short calls of one actor, where these share a row and more words would not.
    fn names_alone(&self, step: &Step, after: &[Step], room: usize) -> Option<(String, usize)> {
        let Shape::Call { lane, joins: true, .. } = &step.shape else {
            return None;
        };
        let run = std::iter::once(step).chain(after).map_while(|step| match &step.shape {
            Shape::Call { lane: next, words, joins: true, .. } if next == lane => Some(words),
            _ => None,
        });
        let run: Vec<&Phrase> = run.collect();
        let shortest: usize = run
            .iter()
            .map(|words| words.iter().map(|text| text.width()).min().unwrap_or(0) + 2)
            .sum();
        let names: Vec<&str> =
            run.iter().filter_map(|words| words.first()?.split(' ').next()).collect();
        let text = names.join(", ");
        (self.outward && run.len() > 1 && shortest > room + 2 && text.width() <= room)
            .then(|| (text, run.len() - 1))
    }

    /// What its lines and marks mean.
    fn legend(&mut self, diagram: &Diagram, options: DrawOptions) {
        let left_out = legend::connections_left_out(diagram);
        let left_out = left_out.iter().flat_map(|words| wrap(words, self.end));
        let untold = std::mem::take(&mut self.addresses).untold();
        let untold = lines(untold.iter().map(String::as_str).collect(), self.end);
        let marks = lines(options.explanations(legend::of(diagram)), self.end);
        for line in untold.into_iter().chain(marks).chain(left_out) {
            self.canvas.write(self.row, 0, self.end, &line, Ink::Faint);
            self.row += 1;
        }
    }

    /// A row of lanes, with its time.
    fn lanes(&mut self, step: &Step) {
        let now = span_of(step.at_ns);
        if self.time > 0 && now != self.last_time {
            let start = (self.time - 1).saturating_sub(now.width());
            self.canvas.write(self.row, start, self.time - 1, &now, Ink::Faint);
            self.last_time = now;
        }
        self.bare_lanes(step, '│');
    }

    fn bare_lanes(&mut self, step: &Step, line: char) {
        let ended = |lane: &usize| step.ended.contains(lane);
        for lane in (0..self.columns.len()).filter(|lane| !ended(lane)) {
            let (line, ink) = if step.blocked.contains(&lane) {
                ('┃', Ink::Warn)
            } else {
                (line, Ink::Of(lane))
            };
            self.canvas.put(self.row, self.columns[lane], line, ink);
        }
    }

    fn part(&mut self, part: &str) {
        let end = self.end;
        let start = self.canvas.write(self.row, 0, end, "── ", Ink::Faint);
        let after = self.canvas.write(self.row, start, end.saturating_sub(4), part, Ink::Strong);
        self.canvas.fill(self.row, after + 1, end, '─', Ink::Faint);
        self.row += 1;
    }

    fn note(&mut self, step: &Step, text: &str, ink: Ink) {
        let start = self.columns.first().map_or(self.time, |column| column + 2);
        let end = if self.outward { self.columns[1] - 1 } else { self.end };
        let room = end.saturating_sub(start).max(1);
        for (index, line) in wrap(text, room).into_iter().enumerate() {
            if index == 0 {
                self.lanes(step)
            } else {
                self.bare_lanes(step, '│')
            }
            let after = self.canvas.write(self.row, start, end, &line, ink);
            self.canvas.fill(self.row, after, end.min(after + 1), ' ', ink);
            self.row += 1;
        }
    }

    fn fold(&mut self, step: &Step, text: &str) {
        self.bare_lanes(step, '╎');
        let start = self.columns.first().map_or(self.time, |column| column + 2);
        self.canvas.write(self.row, start, self.end, &format!("… {text}"), Ink::Strong);
        self.row += 1;
    }
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod wire_tests;
