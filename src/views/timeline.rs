//! The timeline: a band an actor, time along the bottom. Whether it runs, is ready, or is blocked (in which call, and what
//! ended it) is told by shape, so that it can be read in ASCII and from the back of a room; colour comes on top.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use unicode_width::UnicodeWidthStr;

mod idle;

use super::wording::{self, bytes, safe};
use super::{DrawOptions, view};
use crate::analysis::threads::Sleep;
use crate::analysis::{Analysis, Mark, MarkKind, ThreadState, ThreadTimeline};
use crate::i18n::tr;
use crate::picture::axis::{Stretch, TimeAxis, write_ticks};
use crate::picture::phrase::fitting;
use crate::picture::{Canvas, Ink, Picture, exact_span, fit_middle, grouped, span_of};
use crate::text::wrap;
use crate::trace::recording::Origin;
use crate::trace::{EventKind, Name};

const RUNS: char = '█';
const READY: char = '▒';
const ASLEEP: char = '·';
const BLOCKED: char = '─';
/// Here time is left out.
const BREAK: &str = "╱╱";

/// Of the notes below a band, at most this many rows stand below their marks.
const NOTES: usize = 4;
/// With fewer columns nothing is cut.
const MIN_TO_CUT: usize = 50;
/// What is taller than this has no empty rows between the bands: so it fits on a screen of 24 rows with a prompt below.
const TALL: usize = 22;

view!("timeline", draw);
fn draw(analysis: &Analysis, width: usize, options: DrawOptions) -> Picture {
    let timelines = &analysis.threads;
    let Some(from_ns) = timelines.iter().map(|timeline| timeline.began_ns).min() else {
        return Picture::default();
    };
    // Time ends with the last that anyone did, or with the deadline, not with the lab's bookkeeping after it.
    let deadline = analysis.recording.events().iter().find_map(|event| match event.what {
        EventKind::Deadline { .. } => Some(event.at_ns),
        _ => None,
    });
    let did = |timeline: &ThreadTimeline| {
        if timeline.left {
            timeline.ended_ns
        } else {
            timeline.marks.last().map_or(timeline.began_ns, |mark| mark.at_ns)
        }
    };
    let ends = timelines.iter().map(did).chain(deadline);
    let to_ns = ends.max().unwrap_or(from_ns).max(from_ns + 1);
    // Where the first was there almost at once, time begins with the run.
    let from_ns = if from_ns < (to_ns - from_ns) / 40 { 0 } else { from_ns };
    let widest =
        timelines.iter().map(|timeline| wording::actor(&timeline.actor).width()).max().unwrap_or(0);
    let left = (widest.max(12) + 1).min(width / 4).max(4);
    let columns = width.saturating_sub(left);
    let cuts =
        if columns >= MIN_TO_CUT { idle::cuts(timelines, from_ns, to_ns) } else { Vec::new() };
    let scale =
        TimeAxis::new(from_ns, to_ns, left, columns).cutting(&cuts, columns / (cuts.len() + 2));
    let legend = Legend::of(analysis, !cuts.is_empty(), options);
    let airy = bands(timelines, &legend, &scale, width, 1);
    if airy.0.len() > TALL { bands(timelines, &legend, &scale, width, 0) } else { airy }
}

/// The bands, with so many empty rows between them, the time below, and what the shapes mean.
fn bands(
    timelines: &[ThreadTimeline],
    legend: &Legend,
    scale: &TimeAxis,
    width: usize,
    between: usize,
) -> Picture {
    let mut canvas = Canvas::new(width);
    let mut row = 0;
    for (index, timeline) in timelines.iter().enumerate() {
        row = band(&mut canvas, row, timeline, Ink::Of(index), scale) + between;
    }
    axis(&mut canvas, row, scale);
    legend.draw(&mut canvas, row + 2, width);
    canvas.picture()
}

/// One actor: its band, and below it what its calls came to. Returns the next free row.
fn band(
    canvas: &mut Canvas,
    row: usize,
    timeline: &ThreadTimeline,
    ink: Ink,
    scale: &TimeAxis,
) -> usize {
    let room = scale.column.saturating_sub(1);
    canvas.write(row, 0, room, &fit_middle(&wording::actor(&timeline.actor), room), ink);
    let end = scale.column + scale.columns;
    let begin = scale.column_of(timeline.began_ns);
    let stop = (scale.column_of(timeline.ended_ns) + 1).min(end);
    for (column, doing) in cells(timeline, scale, begin, stop) {
        let (character, ink) = match doing {
            ThreadState::Running => (RUNS, ink),
            ThreadState::Ready => (READY, ink),
            ThreadState::Asleep(_) => (ASLEEP, Ink::Faint),
            ThreadState::Blocked(_) => (BLOCKED, Ink::Warn),
            ThreadState::Away => (' ', Ink::Plain),
        };
        canvas.put(row, column, character, ink);
    }
    let mut marks: Vec<usize> =
        shown_marks(timeline).iter().map(|mark| scale.column_of(mark.at_ns)).collect();
    for cut in scale.cuts() {
        let at = break_column(cut);
        canvas.write(row, at, end, BREAK, Ink::Faint);
        marks.extend([at, at + 1]);
    }
    for (from_ns, to_ns, call) in timeline.blocked_spans() {
        let (from, to) =
            (scale.column_of(from_ns), scale.column_of(to_ns).min(end.saturating_sub(1)));
        if to > from + 1 {
            canvas.put(row, from, '├', Ink::Warn);
            canvas.put(row, to, '┤', Ink::Warn);
        }
        let time = span_of(to_ns - from_ns);
        let words = [
            tr!(" {call}: blocked {time} ", call, time),
            format!(" {call} {time} "),
            format!(" {call} "),
        ];
        if let Some((words, at)) = placed(&words, from + 2, to, &marks) {
            canvas.write(row, at, to, words, Ink::Strong);
        }
    }
    for interval in &timeline.intervals {
        if let ThreadState::Asleep(why) = &interval.doing {
            let why = sleep(why);
            let (from, to) =
                (scale.column_of(interval.from_ns), scale.column_of(interval.to_ns).min(stop));
            let time = span_of(interval.to_ns - interval.from_ns);
            if let Some((words, at)) = placed(
                &[format!(" {why} {time} "), format!(" {why} ")],
                from + 2,
                to.saturating_sub(2),
                &marks,
            ) {
                canvas.write(row, at, to, words, Ink::Faint);
            }
        }
    }
    let notes = notes(canvas, row, timeline, scale);
    if let Some(cpu) = timeline.cpu_ns {
        let words = [tr!("cpu {span}", span = span_of(cpu)), span_of(cpu)];
        let end = scale.column.saturating_sub(1);
        if let Some(words) = fitting(&words, end.saturating_sub(1)) {
            canvas.write(row + 1, 1, end, words, Ink::Faint);
        }
    }
    canvas.grow(row + 1 + notes.max(1));
    row + 1 + notes.max(1)
}

/// Where a cut is marked: near its end, so that words have room before it.
fn break_column(cut: &Stretch) -> usize {
    cut.column + cut.columns.saturating_sub(3)
}

/// The first of these words that have room between two columns, and where: in the middle, and on no mark.
fn placed<'w>(
    words: &'w [String],
    from: usize,
    to: usize,
    marks: &[usize],
) -> Option<(&'w str, usize)> {
    let mut inside: Vec<usize> =
        marks.iter().copied().filter(|mark| (from..to).contains(mark)).collect();
    inside.sort_unstable();
    words.iter().find_map(|words| {
        let wide = words.width();
        let middle = from + to.checked_sub(from + wide)? / 2;
        if inside.iter().all(|mark| !(middle..middle + wide).contains(mark)) {
            return Some((words.as_str(), middle));
        }
        // Between two marks, where there is most room.
        let starts = [from].into_iter().chain(inside.iter().map(|mark| mark + 1));
        let ends = inside.iter().copied().chain([to]);
        let (start, end) =
            starts.zip(ends).max_by_key(|(start, end)| end.saturating_sub(*start))?;
        Some((words.as_str(), start + end.checked_sub(start + wide)? / 2))
    })
}

/// The marks that are shown.
fn shown_marks(timeline: &ThreadTimeline) -> Vec<&Mark> {
    timeline.marks.iter().filter(|mark| mark.kind != MarkKind::Other).collect()
}

/// What a mark looks like.
fn sign_of(mark: &Mark) -> (char, Ink) {
    match mark.kind {
        MarkKind::Sent(_) => ('▲', Ink::Strong),
        MarkKind::Received(..) | MarkKind::End | MarkKind::Accepted(_) => ('▼', Ink::Strong),
        MarkKind::TimedOut | MarkKind::FailedLate(_) | MarkKind::FailedAtOnce(_) => ('✗', Ink::Bad),
        MarkKind::Peeked(_)
        | MarkKind::InProgress
        | MarkKind::Interrupted(_)
        | MarkKind::Ready(_)
        | MarkKind::NoneReady
        | MarkKind::Other => ('┤', Ink::Warn),
    }
}

/// What the call came to, in words: `recv: EAGAIN at once`, `7 bytes from peer`.
fn words_of(mark: &Mark) -> String {
    let name = safe(&mark.call);
    let from = |who: &Option<Name>| {
        who.as_ref().map_or_else(String::new, |who| tr!(" from {who}", who = wording::actor(who)))
    };
    match &mark.kind {
        MarkKind::Sent(count) => tr!("sends {bytes}", bytes = bytes(*count)),
        MarkKind::End => tr!("the end of the stream").to_owned(),
        MarkKind::Received(0, who) => tr!("an empty message{from}", from = from(who)),
        MarkKind::Received(count, who) => bytes(*count) + &from(who),
        MarkKind::Peeked(count) => tr!("looks at {bytes}", bytes = bytes(*count)),
        MarkKind::Accepted(who) => {
            tr!("a connection{whose}", whose = from(who))
        }
        MarkKind::TimedOut => tr!("EAGAIN: its own timeout expired").to_owned(),
        MarkKind::FailedLate(errno) => safe(errno),
        MarkKind::FailedAtOnce(errno) => {
            tr!("{name}: {errno} at once", name, errno = safe(errno))
        }
        MarkKind::Interrupted(signal) => {
            tr!("{function}: interrupted by {signal}", function = name, signal = safe(signal))
        }
        MarkKind::InProgress => tr!("{name}: EINPROGRESS", name),
        MarkKind::Ready(0) => tr!("{name}: timed out", name),
        MarkKind::NoneReady => tr!("{name}: none ready", name),
        MarkKind::Ready(ready) => tr!("{name}: {ready} ready", name, ready),
        MarkKind::Other => name,
    }
}

/// Why a thread sleeps that is blocked in no call.
pub(super) fn sleep(why: &Sleep) -> String {
    match why {
        Sleep::Waiting(purpose) => wording::label(purpose),
        Sleep::Asked => tr!("asleep").to_owned(),
        Sleep::Held => tr!(context "call", "held").to_owned(),
        Sleep::InCall(Some(call)) => safe(call),
        Sleep::InCall(None) => tr!("asleep").to_owned(),
    }
}

/// What each column of the band shows: whatever took most of its time.
fn cells<'a>(
    timeline: &'a ThreadTimeline,
    scale: &TimeAxis,
    begin: usize,
    stop: usize,
) -> Vec<(usize, &'a ThreadState)> {
    let mut best: Vec<Option<(u64, &ThreadState)>> = vec![None; stop.saturating_sub(begin)];
    for interval in &timeline.intervals {
        let (first, last) = (scale.column_of(interval.from_ns), scale.column_of(interval.to_ns));
        for column in first.max(begin)..(last + 1).min(stop) {
            let shared = interval
                .to_ns
                .min(scale.moment(column + 1))
                .saturating_sub(interval.from_ns.max(scale.moment(column)));
            let cell = &mut best[column - begin];
            if cell.is_none_or(|(most, _)| shared > most) {
                *cell = Some((shared, &interval.doing));
            }
        }
    }
    best.into_iter()
        .enumerate()
        .filter_map(|(index, cell)| Some((begin + index, cell?.1)))
        .collect()
}

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
fn notes(canvas: &mut Canvas, row: usize, timeline: &ThreadTimeline, scale: &TimeAxis) -> usize {
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

/// The times along the bottom.
fn axis(canvas: &mut Canvas, row: usize, scale: &TimeAxis) {
    let end = scale.column + scale.columns;
    canvas.fill(row, scale.column, end, '─', Ink::Faint);
    let ticks = scale.ticks((scale.columns / 10).max(2), 0);
    let ticks = ticks.map(|at_ns| (scale.column_of(at_ns), exact_span(at_ns, at_ns)));
    let cut = |cut: &Stretch| {
        let words = span_of(cut.to_ns - cut.from_ns);
        (break_column(cut).saturating_sub(words.width() + 1), words)
    };
    let mut ticks: Vec<(usize, String)> = ticks.chain(scale.cuts().map(cut)).collect();
    ticks.sort();
    write_ticks(canvas, row, end, ticks.into_iter());
    for cut in scale.cuts() {
        canvas.fill(row, cut.column + 1, cut.column + cut.columns, '╌', Ink::Faint);
        canvas.write(row, break_column(cut), end, BREAK, Ink::Faint);
    }
    canvas.write(row + 1, 0, scale.column.saturating_sub(1), tr!("time"), Ink::Faint);
}

/// What the shapes mean: those that there are, and that the reader does not know.
struct Legend {
    /// A sign, its meaning, and the sign's ink.
    keys: Vec<(&'static str, &'static str, Ink)>,
    /// Where the states come from.
    source: Option<&'static str>,
}

impl Legend {
    fn of(analysis: &Analysis, has_cuts: bool, options: DrawOptions) -> Legend {
        let timelines = &analysis.threads;
        let shows = |is: fn(&ThreadState) -> bool| {
            timelines
                .iter()
                .flat_map(|timeline| &timeline.intervals)
                .any(|interval| is(&interval.doing))
        };
        let signs =
            |sign: char| timelines.iter().flat_map(shown_marks).any(|mark| sign_of(mark).0 == sign);
        let on_purpose = shows(|doing| matches!(doing, ThreadState::Asleep(Sleep::Waiting(_))));
        let held = shows(|doing| *doing == ThreadState::Asleep(Sleep::Held));
        let asked = shows(|doing| *doing == ThreadState::Asleep(Sleep::Asked));
        let in_a_call = shows(|doing| matches!(doing, ThreadState::Asleep(Sleep::InCall(_))));
        let asleep = match (on_purpose, in_a_call) {
            (false, true) if asked => tr!("sleeps, or waits in a call that is not recorded"),
            (false, false) => tr!("sleeps"),
            (true, true) => tr!("waits on purpose, or sleeps in a call that is not recorded"),
            (true, false) => tr!("waits on purpose"),
            _ => tr!("sleeps in a call that is not recorded"),
        };
        let is_sampled = timelines.iter().any(|timeline| timeline.samples > 0);
        let runs = if is_sampled { tr!("runs") } else { tr!("runs, or is ready to") };
        let running = shows(|doing| *doing == ThreadState::Running);
        let ready = shows(|doing| *doing == ThreadState::Ready);
        let blocked = shows(|doing| matches!(doing, ThreadState::Blocked(_)));
        let ended = timelines.iter().any(|timeline| timeline.left);
        let keys = [
            (running, "██", runs, Ink::Plain),
            (ready, "▒▒", tr!("ready, has no processor"), Ink::Plain),
            (blocked, "├─┤", tr!("blocked in a call"), Ink::Warn),
            (on_purpose || asked || in_a_call, "··", asleep, Ink::Faint),
            (held, "··", tr!("held by --step"), Ink::Faint),
            (signs('▲'), "▲", tr!("sends"), Ink::Strong),
            (signs('▼'), "▼", tr!("gets"), Ink::Strong),
            (signs('✗'), "✗", tr!("fails"), Ink::Bad),
            (signs('┤'), "┤", tr!("returns"), Ink::Warn),
            (has_cuts, BREAK, tr!("idle time, cut short"), Ink::Faint),
            (ended, "", tr!("(blank: not yet there, or ended)"), Ink::Faint),
        ];
        let keys = keys.into_iter().filter(|(shown, sign, words, _)| {
            *shown && options.explains(&format!("{sign} {words}"))
        });
        let keys = keys.map(|(_, sign, words, ink)| (sign, words, ink)).collect();
        let source = if is_sampled {
            tr!("cpu: processor time used. The kernel was asked what each thread was doing.")
        } else if matches!(analysis.recording.header.origin, Origin::Programs(_)) {
            // It is asked of who is in no call, and nobody was.
            tr!("Drawn from the calls.")
        } else {
            tr!("Drawn from the calls; the kernel was not asked what each thread was doing.")
        };
        Legend { keys, source: Some(source).filter(|source| options.explains(source)) }
    }

    fn draw(&self, canvas: &mut Canvas, mut row: usize, width: usize) {
        let mut column = 0;
        for (sign, words, ink) in &self.keys {
            let wide = sign.width() + 1 + words.width();
            if column > 0 && column + wide > width {
                (row, column) = (row + 1, 0);
            }
            if !sign.is_empty() {
                column = canvas.write(row, column, width, sign, *ink) + 1;
            }
            let lines = wrap(words, width.saturating_sub(column).max(8));
            let last = lines.len().saturating_sub(1);
            for (below, line) in lines.iter().enumerate() {
                let end = canvas.write(row + below, column, width, line, Ink::Faint);
                if below == last {
                    (row, column) = (row + below, end + 3);
                    break;
                }
            }
        }
        row += usize::from(!self.keys.is_empty());
        for (index, line) in
            self.source.iter().flat_map(|source| wrap(source, width.max(8))).enumerate()
        {
            canvas.write(row + index, 0, width, &line, Ink::Faint);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::script::{Script, fits_everywhere};
    use crate::analysis::threads::tests::{asked, modes};
    use crate::i18n::{chinese, speaking};
    use crate::trace::{ActorKind, EventKind, Outcome, Value};
    use insta::{assert_snapshot, with_settings};

    fn draw(analysis: &Analysis, width: usize) -> Picture {
        super::draw(analysis, width, DrawOptions::default())
    }

    #[test]
    fn three_modes_stand_side_by_side() {
        let drawn = draw(&Analysis::of(&modes().recording()), 80).text();
        assert_snapshot!(drawn);
    }

    #[test]
    fn in_chinese_the_bands_begin_and_end_in_the_same_columns() {
        let recording = modes().recording();
        let drawn = speaking(chinese(), || draw(&Analysis::of(&recording), 80).text());
        // No file below src is in Chinese.
        with_settings!({ snapshot_path => "../../tests/snapshots" }, { assert_snapshot!(drawn) });
    }

    #[test]
    fn the_kernels_word_tells_ready_from_running() {
        let drawn = draw(&Analysis::of(&asked().recording()), 80).text();
        assert_snapshot!(drawn);
    }

    #[test]
    fn no_mark_stands_in_a_word_and_what_falls_together_is_one_row() {
        let mut script = Script::new();
        script.event("client", EventKind::Started { kind: ActorKind::Thread });
        script.pass(10_000_000).sends("client", 1, "one").sends("client", 1, "three");
        script.event("client", EventKind::Wait { asked_ns: 20_000_000, purpose: "thinks".into() });
        script.pass(10_300_000).sends("client", 1, "two");
        script.pass(10_000_000).sends("client", 1, "four");
        let drawn = draw(&Analysis::of(&script.recording()), 80).text();
        assert!(drawn.contains(" thinks 20.0 ms "), "{drawn}");
        assert!(drawn.contains("▲ sends 3 bytes, sends 5 bytes"), "{drawn}");
        let words = [String::from(" poll ")];
        assert_eq!(placed(&words, 0, 20, &[]), Some((" poll ", 7)));
        assert_eq!(placed(&words, 0, 20, &[8]), Some((" poll ", 11)));
        assert_eq!(placed(&words, 0, 20, &[4, 9, 14]), None);
    }

    #[test]
    fn many_of_a_kind_are_one_note_with_their_number() {
        let mut script = Script::new();
        script.event("client", EventKind::Started { kind: ActorKind::Thread });
        for round in 0..4_434 {
            script.pass(50_000).fails("client", 1, "recv", &[], "EAGAIN");
            if round % 9 == 0 {
                script.pass(10_000).sends("client", 1, "x").fails(
                    "client",
                    2,
                    "connect",
                    &[],
                    "ENETUNREACH",
                );
            }
        }
        for width in [40, 80, 200] {
            let drawn = draw(&Analysis::of(&script.recording()), width).text();
            assert!(drawn.contains("4,434 × recv: EAGAIN at once"), "{drawn}");
            assert!(drawn.contains("493 × sends 1 byte"), "{drawn}");
            let words: Vec<&str> = drawn.split_whitespace().collect();
            assert!(words.join(" ").contains("493 × connect: ENETUNREACH at once"), "{drawn}");
            assert!(drawn.lines().count() < 14, "{drawn}");
        }
    }

    #[test]
    fn a_long_idle_time_leaves_room_for_the_rest() {
        let mut script = Script::new();
        script.event("server", EventKind::Started { kind: ActorKind::Thread });
        let accepts = script.pass(2_000_000).enter("server", 3, "accept", &[]);
        script.pass(9_200_000_000).leave("server", &accepts, Outcome::Result(4), &[]);
        script.pass(4_000_000).sends("server", 4, "one").pass(6_000_000).sends("server", 4, "two");
        let recording = script.recording();
        let analysis = Analysis::of(&recording);
        let wide = draw(&analysis, 80).text();
        assert!(wide.contains(" accept 9.20 s "), "{wide}");
        assert!(wide.contains("╱╱"), "{wide}");
        // 10 ms have most of the columns.
        let band = wide.lines().next().expect("a band");
        let at = |sign: char| band.chars().position(|it| it == sign);
        let sends: Vec<usize> = band
            .char_indices()
            .filter(|(_, it)| *it == '▲')
            .map(|(at, _)| band[..at].chars().count())
            .collect();
        assert!(sends[1] - sends[0] > 20 && at('╱').is_some_and(|cut| cut < sends[0]), "{wide}");
        assert!(!draw(&analysis, 40).text().contains('╱'));
    }

    #[test]
    fn a_call_that_waits_for_nothing_has_not_timed_out() {
        let mut script = Script::new();
        script.event("client", EventKind::Started { kind: ActorKind::Thread });
        for timeout_ms in [0, 10] {
            let waits = script.enter(
                "client",
                0,
                "wait",
                &[("maxevents", 8.into()), ("timeout", Value::Number(timeout_ms))],
            );
            script.pass(10_000_000).leave("client", &waits, Outcome::Result(0), &[]);
        }
        let drawn = draw(&Analysis::of(&script.recording()), 80).text();
        assert!(
            drawn.contains("epoll_wait: none ready") && drawn.contains("epoll_wait: timed out"),
            "{drawn}"
        );
    }

    #[test]
    fn the_end_an_empty_message_and_an_interrupted_call_are_told_apart() {
        let mut script = Script::new();
        script.socket("tcp", 1, "AF_INET", "SOCK_STREAM").receives("tcp", 1, 8, "");
        script.socket("udp", 2, "AF_INET", "SOCK_DGRAM").receives("udp", 2, 8, "");
        script.process("cut", 9).socket("cut", 3, "AF_INET", "SOCK_STREAM");
        let recv = script.enter("cut", 3, "recv", &[("size", 8.into())]);
        script.pass(50_000_000).leave("cut", &recv, Outcome::Errno("EINTR".into()), &[]);
        script.event("cut", EventKind::Signalled { signal: "SIGINT".into() });
        let drawn = draw(&Analysis::of(&script.recording()), 80).text();
        for words in ["the end of the stream", "an empty message", "recv: interrupted by SIGINT"] {
            assert!(drawn.contains(words), "{drawn}");
        }
        assert!(!drawn.contains('✗'), "{drawn}");
    }

    #[test]
    fn what_would_not_fit_on_a_screen_has_no_empty_rows() {
        let script = |actors: &[&'static str]| {
            let mut script = Script::new();
            for actor in actors {
                script.event(actor, EventKind::Started { kind: ActorKind::Thread });
            }
            script.pass(1_000_000).sends(actors[0], 1, "x").recording()
        };
        let names = ["a", "b", "c", "d", "e", "f", "g"];
        assert!(draw(&Analysis::of(&script(&names[..3])), 80).text().contains("\n\n\n"));
        let tall = draw(&Analysis::of(&script(&names)), 80);
        assert!(tall.0.len() <= TALL, "{}", tall.text());
    }

    #[test]
    fn it_fits_every_width_and_bears_what_is_odd() {
        for recording in [modes().recording(), asked().recording(), Script::new().recording()] {
            fits_everywhere(&recording, draw);
        }
        let mut odd = Script::new();
        odd.receives("a name that is far too long for any band of any terminal", 1, 8, "x");
        odd.enter("server", 2, "accept", &[]);
        odd.event("lab", EventKind::Wait { asked_ns: u64::MAX, purpose: "for ever".into() });
        for number in 0..500 {
            odd.sends("server", 3, &"x".repeat(number % 7)).pass(number as u64 * 10_000);
        }
        odd.pass(u64::MAX / 2).sends("server", 3, "late");
        fits_everywhere(&odd.recording(), draw);
        let drawn = draw(&Analysis::of(&odd.recording()), 80).text();
        assert!(drawn.contains(" × sends, "), "{drawn}");
    }
}
