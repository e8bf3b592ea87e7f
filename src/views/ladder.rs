//! The ladder: a lane for each actor, time running down, and what went between them as arrows.
//!
//! Whole lines carry data, broken ones are about the connection (it opens, it ends). A thick lane is blocked in a call.
//! `steps` decides what is shown; here it is drawn. With too few columns for lanes it is told as a list.

use unicode_width::UnicodeWidthStr;

use self::steps::{Arrow, Line, Shape, Step, Story, Words, story};
use crate::picture::{Canvas, Ink, Picture, fit, span_of};
use crate::recording::Recording;

mod steps;
mod words;

/// The fewest columns of a lane that can still be read.
const NARROWEST: usize = 16;
/// The most columns of a lane: arrows that are longer are hard to follow.
const WIDEST: usize = 60;
/// Columns for the time: `99.9 ms` and a space.
const TIME: usize = 8;

pub(super) fn draw(recording: &Recording, width: usize) -> Picture {
    let story = story(recording);
    let lanes = story.lanes.len().max(1);
    let (time, spacing) = match (width.saturating_sub(TIME) / lanes, width / lanes) {
        (with_time, _) if with_time >= NARROWEST => (TIME, with_time.min(WIDEST)),
        (_, without) if without >= NARROWEST => (0, without),
        _ => return list(&story, width),
    };
    let columns: Vec<usize> = (0..story.lanes.len()).map(|lane| time + lane * spacing).collect();
    let end = time + lanes * spacing;
    let mut ladder = Ladder { canvas: Canvas::new(width), columns, end: end.min(width), time, row: 0, told: String::new() };
    ladder.head(&story);
    ladder.steps(&story.steps);
    ladder.canvas.picture()
}

struct Ladder {
    canvas: Canvas,
    /// Where each lane is.
    columns: Vec<usize>,
    /// Where the last lane's words end.
    end: usize,
    /// Columns for the time; 0 if there is no room for it.
    time: usize,
    row: usize,
    /// The time that was shown last.
    told: String,
}

impl Ladder {
    fn head(&mut self, story: &Story) {
        let process = |lane: usize| format!(" process {}", story.lanes[lane].process);
        let several = story.lanes.iter().any(|lane| lane.process != story.lanes[0].process);
        let fits = |lane: usize| self.columns[lane] + story.lanes[lane].name.width() + process(lane).width() <= self.words_end(lane);
        let several = several && (0..story.lanes.len()).all(fits);
        if self.time > 0 {
            self.canvas.write(0, self.time - 5, self.time, "time", Ink::Faint);
        }
        for (lane, who) in story.lanes.iter().enumerate() {
            let end = self.words_end(lane);
            let at = self.canvas.write(0, self.columns[lane], end, &who.name, Ink::Of(lane));
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

    fn steps(&mut self, steps: &[Step]) {
        let mut at = 0;
        while at < steps.len() {
            let step = &steps[at];
            at += 1;
            match &step.shape {
                Shape::Part(part) => self.part(part),
                Shape::Note(text, ink) => self.note(step, text, *ink),
                Shape::Fold(text) => self.fold(step, text),
                Shape::Arrow(arrow) => self.arrow(step, arrow),
                Shape::Call { lane, words, ink, joins } => {
                    self.lanes(step);
                    let (start, end) = (self.columns[*lane] + 2, self.words_end(*lane));
                    let text = first_fit(words, end - start);
                    let mut column = self.canvas.write(self.row, start, end, &text, *ink);
                    // Short calls of one actor share a row.
                    while let Some(Shape::Call { lane: next, words, ink, joins: true }) = steps.get(at).map(|step| &step.shape)
                        && *joins
                        && next == lane
                        && let Some(text) = words.iter().find(|text| column + 2 + text.width() <= end)
                    {
                        column = self.canvas.write(self.row, column, end, ", ", Ink::Faint);
                        column = self.canvas.write(self.row, column, end, text, *ink);
                        at += 1;
                    }
                    self.row += 1;
                }
            }
        }
    }

    /// A row of lanes, with its time.
    fn lanes(&mut self, step: &Step) {
        let now = span_of(step.at_ns);
        if self.time > 0 && now != self.told {
            let start = (self.time - 1).saturating_sub(now.width());
            self.canvas.write(self.row, start, self.time - 1, &now, Ink::Faint);
            self.told = now;
        }
        self.bare_lanes(step, '│');
    }

    fn bare_lanes(&mut self, step: &Step, line: char) {
        for lane in 0..self.columns.len() {
            let (line, ink) = if step.blocked.contains(&lane) { ('┃', Ink::Warn) } else { (line, Ink::Of(lane)) };
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
        let room = self.end.saturating_sub(start).max(1);
        for (index, line) in textwrap::wrap(text, room).into_iter().enumerate() {
            if index == 0 {
                self.lanes(step)
            } else {
                self.bare_lanes(step, '│')
            }
            self.canvas.write(self.row, start, self.end, &line, ink);
            self.row += 1;
        }
    }

    fn fold(&mut self, step: &Step, text: &str) {
        self.bare_lanes(step, '╎');
        let start = self.columns.first().map_or(self.time, |column| column + 2);
        self.canvas.write(self.row, start, self.end, &format!("… {text}"), Ink::Strong);
        self.row += 1;
    }

    fn arrow(&mut self, step: &Step, arrow: &Arrow) {
        self.lanes(step);
        let from = arrow.from;
        // One that goes nowhere goes to the right, as far as the words at its lane may go.
        let right_edge = self.columns.get(from + 1).copied().unwrap_or(self.end);
        let to_column = arrow.to.map_or(right_edge, |to| self.columns[to]);
        let rightwards = to_column > self.columns[from];
        let (left, right) = if rightwards { (self.columns[from], to_column) } else { (to_column, self.columns[from]) };
        let ink = Ink::Of(from);
        let line = if arrow.line == Line::Data { '─' } else { '╌' };
        for column in left + 1..right {
            if !self.columns.contains(&column) {
                self.canvas.put(self.row, column, line, ink);
            }
        }
        self.canvas.put(self.row, self.columns[from], if rightwards { '├' } else { '┤' }, ink);
        let head = if rightwards { right - 1 } else { left + 1 };
        self.canvas.put(self.row, head, if rightwards { '▶' } else { '◀' }, ink);

        // The words of the left end stand on the arrow, those of the right end beside the right lane.
        let nothing = Words::new();
        let below = !rightwards && arrow.head_matters;
        let head_words = if below { &nothing } else { &arrow.head };
        let (on, beside) = if rightwards { (&arrow.tail, head_words) } else { (head_words, &arrow.tail) };
        let (on_ink, beside_ink) = if rightwards { (Ink::Plain, arrow.head_ink) } else { (arrow.head_ink, Ink::Plain) };
        let written = self.on_the_line(left, right, on, arrow, on_ink);
        let unsaid = if arrow.stops.is_some() { self.stop(arrow, (left, right), written) } else { None };
        if let Some(lane) = self.columns.iter().position(|column| *column == right) {
            let (start, end) = (right + 2, self.words_end(lane));
            self.canvas.write(self.row, start, end, &first_fit(beside, end - start), beside_ink);
        }
        self.row += 1;
        if let Some(to) = arrow.to.filter(|_| below) {
            self.below(step, to, &first_fit(&arrow.head, self.words_end(to) - self.columns[to] - 2), arrow.head_ink);
        }
        if let Some(why) = unsaid {
            self.below(step, from, why, Ink::Bad);
        }
    }

    /// A row for what had no room on the arrow's.
    fn below(&mut self, step: &Step, lane: usize, text: &str, ink: Ink) {
        self.bare_lanes(step, '│');
        self.canvas.write(self.row, self.columns[lane] + 2, self.words_end(lane), text, ink);
        self.row += 1;
    }

    /// Writes the words and the data on an arrow's line. Returns the columns they take.
    fn on_the_line(&mut self, left: usize, right: usize, words: &Words, arrow: &Arrow, ink: Ink) -> (usize, usize) {
        // They keep to the parts of the line between lanes. If it stops, the cross comes after them.
        let mut lanes = self.columns.iter().copied().filter(|column| (left + 1..=right).contains(column));
        let segment_end = lanes.next().unwrap_or(right);
        let last_segment = self.columns.iter().copied().rfind(|column| (left..right).contains(column)).unwrap_or(left);
        let start = left + 3;
        let end = segment_end.saturating_sub(2 + if arrow.stops.is_some() { 2 } else { 0 }).max(start);
        let data = arrow.data.as_ref();
        let (word, mut text) = share(words, data, end - start);
        let crossing = last_segment != left && arrow.stops.is_none();
        let apart = crossing && data.is_some_and(|(text, bytes)| !both_fit(words.first(), text, *bytes, end - start));
        let fits = |word: &&String| word.width() <= end - start;
        let word = if apart { words.iter().find(fits).cloned().unwrap_or_default() } else { word };
        let mut column = start;
        if !word.is_empty() {
            self.canvas.put(self.row, column - 1, ' ', Ink::Plain);
            column = self.canvas.write(self.row, column, end, &word, ink);
            self.canvas.put(self.row, column, ' ', Ink::Plain);
            column += 1;
        }
        let mut end = end;
        if apart {
            (column, end) = (last_segment + 3, right - 2);
            text = data.map_or_else(String::new, |(text, bytes)| label(text, *bytes, end.saturating_sub(column)));
        }
        if text.is_empty() {
            return (start - 1, column);
        }
        // In the middle of what is left, if there is some line to be seen on both sides of it.
        let spare = end.saturating_sub(column + text.width());
        let at = match spare {
            4.. if arrow.stops.is_none() => column + spare / 2,
            2.. => column + 2,
            _ => column,
        };
        self.canvas.put(self.row, at - 1, ' ', Ink::Plain);
        let after = self.canvas.write(self.row, at, end, &text, Ink::Strong);
        self.canvas.put(self.row, after, ' ', Ink::Plain);
        (start - 1, after + 1)
    }

    /// Ends an arrow in the open, after what is written on it. Returns the reason if there is no room for it.
    fn stop<'a>(&mut self, arrow: &'a Arrow, (left, right): (usize, usize), (start, end): (usize, usize)) -> Option<&'a str> {
        let why = arrow.stops.as_deref()?;
        let leftwards = arrow.to.is_some_and(|to| to < arrow.from);
        let (cross, blank) = if leftwards {
            let at = start.saturating_sub(2).max(left + 1);
            (at, left + 1..at)
        } else {
            let at = (end + 1).min(right - 1);
            (at, at + 1..right)
        };
        for column in blank {
            if !self.columns.contains(&column) {
                self.canvas.put(self.row, column, ' ', Ink::Plain);
            }
        }
        self.canvas.put(self.row, cross, '✗', Ink::Bad);
        let (from, room) = if leftwards { (end + 1, right.saturating_sub(end + 3)) } else { (cross + 2, right.saturating_sub(cross + 3)) };
        let before_lane = !self.columns.iter().any(|column| (from..from + why.width()).contains(column));
        if why.width() > room || !before_lane {
            return Some(why);
        }
        self.canvas.put(self.row, from - 1, ' ', Ink::Plain);
        let after = self.canvas.write(self.row, from, right, why, Ink::Bad);
        self.canvas.put(self.row, after, ' ', Ink::Plain);
        None
    }
}

/// True if the first of the words and all of the data fit on a line together.
fn both_fit(word: Option<&String>, text: &str, bytes: usize, room: usize) -> bool {
    word.map_or(0, |word| word.width()) + 3 + text.width() + format!(" {bytes} B").width() <= room
}

/// The first of these words that fits, or the last of them cut.
fn first_fit(words: &Words, room: usize) -> String {
    let fits = words.iter().find(|word| word.width() <= room);
    fits.or(words.last()).map_or_else(String::new, |word| fit(word, room))
}

/// The words and the data that a line of this many columns has room for. Rather than the data, the words are left out.
fn share(words: &Words, data: Option<&(String, usize)>, room: usize) -> (String, String) {
    let Some((text, bytes)) = data else { return (first_fit(words, room), String::new()) };
    let whole = format!("{text} {bytes} B");
    let none = String::new();
    let both = [&whole, text].into_iter().flat_map(|label| words.iter().map(move |word| (word, label)));
    let alone = [(&none, &whole), (&none, text)];
    let fits = |(word, label): &(&String, &String)| word.width() + usize::from(!word.is_empty()) + label.width() <= room;
    if let Some((word, label)) = both.chain(alone).find(fits) {
        return (word.clone(), label.clone());
    }
    match words.last().map(|word| (word, room.saturating_sub(word.width() + 1))) {
        Some((word, left)) if left >= 12 => (word.clone(), label(text, *bytes, left)),
        _ => (none, label(text, *bytes, room)),
    }
}

/// Data and its length in this many columns: the length goes last.
fn label(data: &str, bytes: usize, room: usize) -> String {
    let count = format!("{bytes} B");
    let whole = format!("{data} {count}");
    if whole.width() <= room {
        whole
    } else if data.width() <= room {
        data.to_owned()
    } else if room >= count.width() + 7 {
        format!("{} {count}", fit(data, room - count.width() - 1))
    } else if count.width() <= room {
        count
    } else {
        String::new()
    }
}

/// The same without lanes, for narrow terminals.
fn list(story: &Story, width: usize) -> Picture {
    let mut canvas = Canvas::new(width);
    let mut row = 0;
    let name = |lane: usize| &*story.lanes[lane].name;
    for step in &story.steps {
        let (who, what, ink, what_ink) = match &step.shape {
            Shape::Part(part) => (String::new(), format!("── {part} ──"), Ink::Plain, Ink::Strong),
            Shape::Note(text, ink) => (String::new(), text.clone(), Ink::Plain, *ink),
            Shape::Fold(text) => (String::new(), format!("… {text}"), Ink::Plain, Ink::Strong),
            Shape::Call { lane, words, ink, .. } => {
                let who = format!("{}:", name(*lane));
                let room = width.saturating_sub(who.width() + 1);
                let beside = words.iter().find(|word| word.width() <= room).cloned();
                let what = beside.unwrap_or_else(|| first_fit(words, width.saturating_sub(2)));
                (who, what, Ink::Of(*lane), *ink)
            }
            Shape::Arrow(arrow) => {
                let who = match arrow.to {
                    Some(to) => format!("{} → {}", name(arrow.from), name(to)),
                    None => format!("{}:", name(arrow.from)),
                };
                let why = arrow.stops.as_ref().map_or_else(String::new, |why| format!(" ✗ {why}"));
                let what = match &arrow.data {
                    Some((text, bytes)) => label(text, *bytes, width.saturating_sub(2)),
                    None => first_fit(&arrow.tail, width.saturating_sub(2 + why.width())),
                };
                let ink = if arrow.stops.is_some() { Ink::Bad } else { Ink::Strong };
                (who, what + &why, Ink::Of(arrow.from), ink)
            }
        };
        let mut column = canvas.write(row, 0, width, &who, ink);
        if column > 0 && column + 1 + what.width() > width {
            row += 1;
            column = 1;
        }
        column += usize::from(!who.is_empty());
        let room = width.saturating_sub(column).max(1);
        for line in textwrap::wrap(&what, room) {
            canvas.write(row, column, width, &line, what_ink);
            row += 1;
        }
        if let Shape::Arrow(Arrow { to: Some(to), head, head_matters: true, .. }) = &step.shape {
            let who = format!("{}:", name(*to));
            let column = canvas.write(row, 0, width, &who, Ink::Of(*to)) + 1;
            canvas.write(row, column, width, &first_fit(head, width.saturating_sub(column).max(1)), Ink::Plain);
            row += 1;
        }
    }
    canvas.picture()
}

#[cfg(test)]
mod tests;
