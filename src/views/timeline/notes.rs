//! The words below a band: what its marks mean, each below its mark as far as there is room.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use unicode_width::UnicodeWidthStr;

use super::super::wording::{bytes, safe};
use super::marks::{shown_marks, sign_of, words_of};
use crate::analysis::{Mark, MarkKind, ThreadTimeline};
use crate::i18n::tr;
use crate::picture::axis::TimeAxis;
use crate::picture::{Canvas, Ink, grouped};
use crate::text::wrap;

/// Of the notes below a band, at most this many rows stand below their marks.
const NOTES: usize = 4;

/// What is said of marks that stand together: below the first of them, its sign and the words.
#[derive(Clone)]
struct Note {
    column: usize,
    sign: char,
    ink: Ink,
    words: String,
    /// True if other signs stand in the words: then they go on to the right of the first.
    mixed: bool,
}

/// The marks on the band, and their words below it. Returns how many rows of words there are.
pub(super) fn notes(
    canvas: &mut Canvas,
    row: usize,
    timeline: &ThreadTimeline,
    scale: &TimeAxis,
) -> usize {
    let marks = shown_marks(timeline);
    // Where several fall on one column, the rarest is seen: so each is seen somewhere.
    let mut drawn: Vec<(usize, char, Ink)> = marks
        .iter()
        .map(|mark| {
            let (sign, ink) = sign_of(mark);
            (scale.column_of(mark.at_ns), sign, ink)
        })
        .collect();
    let mut times: BTreeMap<char, usize> = BTreeMap::new();
    for (_, sign, _) in &drawn {
        *times.entry(*sign).or_default() += 1;
    }
    drawn.sort_by_key(|(_, sign, _)| Reverse(times[sign]));
    for (column, sign, ink) in drawn {
        canvas.put(row, column, sign, ink);
    }
    let of_place =
        |one: &Mark, other: &Mark| scale.column_of(one.at_ns) == scale.column_of(other.at_ns);
    let exact = runs(&marks, |one, other| of_place(one, other) && is_equal(one, other));
    let (mut below, mut others) = Below::of(&joined(&exact, scale), scale);
    // Where not all have room, calls of a kind that follow each other are one note, wherever they stand; then all of a kind.
    if !others.is_empty() {
        (below, others) = Below::of(&joined(&runs(&marks, is_alike), scale), scale);
    }
    if !others.is_empty() {
        (below, others) = Below::of(&joined(&kinds(&marks), scale), scale);
    }
    let rows = below.draw(canvas, row + 1);
    if others.is_empty() {
        return rows;
    }
    // A sign and a number are not parted from what they belong to.
    let said =
        |note: &Note| format!("{} {}", note.sign, note.words.replacen(" × ", "\u{a0}×\u{a0}", 1));
    let others: Vec<String> =
        others.iter().map(|note| said(note).replacen(' ', "\u{a0}", 1)).collect();
    let others = tr!("also: {others}", others = others.join(tr!(", ")));
    let lines = wrap(&others, scale.columns.max(8));
    let end = scale.column + scale.columns;
    for (index, line) in lines.iter().enumerate() {
        canvas.write(row + 1 + rows + index, scale.column, end, line, Ink::Faint);
    }
    rows + lines.len()
}

/// The same call with the same outcome.
fn is_equal(one: &Mark, other: &Mark) -> bool {
    one.call == other.call && one.kind == other.kind
}

/// The same, or bytes sent or received as well, however many.
fn is_alike(one: &Mark, other: &Mark) -> bool {
    match (&one.kind, &other.kind) {
        (MarkKind::Sent(_), MarkKind::Sent(_)) => true,
        (MarkKind::Received(some, from), MarkKind::Received(more, from_other)) => {
            *some > 0 && *more > 0 && from == from_other
        }
        _ => is_equal(one, other),
    }
}

/// Alike, or of one kind but for who it was.
fn is_of_kind(one: &Mark, other: &Mark) -> bool {
    match (&one.kind, &other.kind) {
        (MarkKind::Received(some, _), MarkKind::Received(more, _)) => (*some > 0) == (*more > 0),
        (MarkKind::Accepted(_), MarkKind::Accepted(_)) => true,
        (MarkKind::Ready(some), MarkKind::Ready(more)) => {
            one.call == other.call && (*some > 0) == (*more > 0)
        }
        _ => is_alike(one, other),
    }
}

/// The marks by kind, in the order in which the kinds begin. There are few, however many marks there are.
fn kinds<'m>(marks: &[&'m Mark]) -> Vec<Vec<&'m Mark>> {
    let mut kinds: Vec<Vec<&Mark>> = Vec::new();
    for &mark in marks {
        match kinds.iter_mut().find(|kind| is_of_kind(kind[0], mark)) {
            Some(kind) => kind.push(mark),
            None => kinds.push(vec![mark]),
        }
    }
    kinds
}

/// Marks that follow each other and belong together.
fn runs<'m>(marks: &[&'m Mark], together: impl Fn(&Mark, &Mark) -> bool) -> Vec<Vec<&'m Mark>> {
    let chunks = marks.chunk_by(|one, other| together(one, other));
    chunks.map(<[&Mark]>::to_vec).collect()
}

/// A note for each run; what begins in the same place goes on in the same note, as far as there is room.
fn joined(runs: &[Vec<&Mark>], scale: &TimeAxis) -> Vec<Note> {
    let mut notes: Vec<Note> = Vec::new();
    let mut last_sign = ' ';
    for run in runs {
        let Some(first) = run.first() else { continue };
        let column = scale.column_of(first.at_ns);
        let (sign, ink) = sign_of(first);
        let words = words_of_all(run);
        if let Some(note) = notes.last_mut().filter(|note| note.column == column) {
            let mixed = note.mixed || sign != last_sign;
            let more = if sign == last_sign { words.clone() } else { format!("{sign} {words}") };
            let longer = tr!("{words}, {more}", words = note.words, more);
            let (before, after) =
                (column + 1 - scale.column, scale.column + scale.columns - column);
            let room = if mixed { after } else { after.max(before) };
            if longer.width() + 2 <= room {
                (note.words, note.mixed, last_sign) = (longer, mixed, sign);
                continue;
            }
        }
        notes.push(Note { column, sign, ink, words, mixed: false });
        last_sign = sign;
    }
    notes
}

/// What calls of a kind came to together: `3 × recv: EAGAIN at once`, `4 × sends, 4096 bytes together`.
fn words_of_all(run: &[&Mark]) -> String {
    let Some(first) = run.first() else { return String::new() };
    if run.len() == 1 {
        return words_of(first);
    }
    let times = grouped(run.len() as u64);
    if run.iter().all(|mark| is_equal(first, mark)) {
        return format!("{times} × {}", words_of(first));
    }
    let anybodys = match &first.kind {
        MarkKind::Accepted(_) => Some(MarkKind::Accepted(None)),
        MarkKind::Received(0, _) => Some(MarkKind::Received(0, None)),
        _ => None,
    };
    if let Some(kind) = anybodys {
        return format!("{times} × {}", words_of(&Mark { kind, ..(*first).clone() }));
    }
    if matches!(first.kind, MarkKind::Ready(_)) {
        return tr!("{times} × {name}: some ready", times, name = safe(&first.call));
    }
    let sum = run.iter().map(|mark| match mark.kind {
        MarkKind::Sent(count) | MarkKind::Received(count, _) => count,
        _ => 0,
    });
    let bytes = bytes(sum.sum());
    if matches!(first.kind, MarkKind::Sent(_)) {
        tr!("{times} × sends, {bytes} in all", times, bytes)
    } else {
        tr!("{times} × gets, {bytes} in all", times, bytes)
    }
}

/// The rows below a band, and which of their cells are taken.
struct Below {
    begins: usize,
    taken: [Vec<bool>; NOTES],
    /// A row, where the words begin, and whether the sign stands after them.
    placed: Vec<(usize, usize, bool, Note)>,
}

impl Below {
    /// The notes that have room, and those that have none. A note stands below its mark, and a line leads to it from there;
    /// so those that go on to the right are placed from the right, and those that end at their mark from the left. Which
    /// kind comes first is tried both ways.
    fn of(notes: &[Note], scale: &TimeAxis) -> (Below, Vec<Note>) {
        let end = scale.column + scale.columns;
        let (mut right, left): (Vec<Note>, Vec<Note>) =
            notes.iter().cloned().partition(|note| note.column + 2 + note.words.width() <= end);
        right.sort_by_key(|note| Reverse(note.column));
        let left_first = Below::placing(left.iter().chain(&right), scale);
        if left_first.1.is_empty() {
            return left_first;
        }
        let right_first = Below::placing(right.iter().chain(&left), scale);
        if right_first.1.len() < left_first.1.len() { right_first } else { left_first }
    }

    /// Places the notes in this order, and gives back in the order of time those that have no room.
    fn placing<'n>(notes: impl Iterator<Item = &'n Note>, scale: &TimeAxis) -> (Below, Vec<Note>) {
        let mut below = Below {
            begins: scale.column,
            taken: std::array::from_fn(|_| vec![false; scale.columns]),
            placed: Vec::new(),
        };
        let mut others: Vec<Note> = notes.filter_map(|note| below.place(note.clone())).collect();
        others.sort_by_key(|note| note.column);
        (below, others)
    }

    /// Finds room for a note, or gives it back.
    fn place(&mut self, note: Note) -> Option<Note> {
        let wide = note.words.width() + 2;
        let columns = self.taken[0].len();
        let mark = note.column - self.begins;
        let sides = [
            (mark + wide <= columns).then_some((mark, false)),
            (mark + 1).checked_sub(wide).filter(|_| !note.mixed).map(|from| (from, true)),
        ];
        for row in 0..NOTES {
            for (from, after) in sides.into_iter().flatten() {
                let around = from.saturating_sub(2)..(from + wide + 2).min(columns);
                let free = !self.taken[row][around].contains(&true)
                    && (0..row)
                        .all(|above| !self.taken[above][mark] || self.is_below(above, note.column));
                if free {
                    self.taken[row][from..from + wide].fill(true);
                    self.taken[..row].iter_mut().for_each(|above| above[mark] = true);
                    self.placed.push((row, self.begins + from, after, note));
                    return None;
                }
            }
        }
        Some(note)
    }

    /// True if a note of a mark in this column stands in this row, or its line goes through it.
    fn is_below(&self, row: usize, column: usize) -> bool {
        self.placed.iter().any(|(down, .., note)| *down >= row && note.column == column)
    }

    /// True if a note's sign stands there.
    fn has_sign(&self, row: usize, column: usize) -> bool {
        self.placed.iter().any(|(down, .., note)| (*down, note.column) == (row, column))
    }

    /// Draws the notes from this row on, and returns how many rows they take.
    fn draw(&self, canvas: &mut Canvas, row: usize) -> usize {
        for (down, from, after, note) in &self.placed {
            for above in (0..*down).filter(|above| !self.has_sign(*above, note.column)) {
                canvas.put(row + above, note.column, '│', note.ink);
            }
            let words = if *after {
                format!("{} {}", note.words, note.sign)
            } else {
                format!("{} {}", note.sign, note.words)
            };
            canvas.write(row + down, *from, canvas.width(), &words, note.ink);
        }
        self.placed.iter().map(|(down, ..)| down + 1).max().unwrap_or(0)
    }
}
