//! The timeline: a band an actor, time along the bottom. Whether it runs, is ready, or is blocked (in which call, and what
//! ended it) is told by shape, so that it can be read in ASCII and from the back of a room; colour comes on top.

use unicode_width::UnicodeWidthStr;

use super::view;
use super::wording::{self, bytes, safe};
use crate::analysis::threads::Sleep;
use crate::analysis::{Analysis, Mark, MarkKind, ThreadState, ThreadTimeline};
use crate::i18n::tr;
use crate::picture::axis::{TimeAxis, write_ticks};
use crate::picture::phrase::fitting;
use crate::picture::{Canvas, Ink, Picture, exact_span, fit, span_of};
use crate::text::wrap;
use crate::trace::Name;

const RUNS: char = '█';
const READY: char = '▒';
const ASLEEP: char = '·';
const BLOCKED: char = '─';

/// Of the notes below a band, at most this many rows are drawn.
const NOTES: usize = 3;
/// What is taller than this has no empty rows between the bands: so it fits on a screen of 24 rows with a prompt below.
const TALL: usize = 22;

view!("timeline", |analysis, width, _| draw(analysis, width));
fn draw(analysis: &Analysis, width: usize) -> Picture {
    let timelines = &analysis.threads;
    let Some(from_ns) = timelines.iter().map(|timeline| timeline.began_ns).min() else {
        return Picture::default();
    };
    // Time ends with the last that anyone did, not with the lab's bookkeeping after it.
    let did = |timeline: &ThreadTimeline| {
        if timeline.left {
            timeline.ended_ns
        } else {
            timeline.marks.last().map_or(timeline.began_ns, |mark| mark.at_ns)
        }
    };
    let to_ns = timelines.iter().map(did).max().unwrap_or(from_ns).max(from_ns + 1);
    let widest =
        timelines.iter().map(|timeline| wording::actor(&timeline.actor).width()).max().unwrap_or(0);
    let left = (widest.max(11) + 1).min(width / 4).max(4);
    let columns = width.saturating_sub(left);
    let scale = TimeAxis { from_ns, to_ns, column: left, columns };
    let airy = bands(timelines, &scale, width, 1);
    if airy.0.len() > TALL { bands(timelines, &scale, width, 0) } else { airy }
}

/// The bands, with so many empty rows between them, the time below, and what the shapes mean.
fn bands(timelines: &[ThreadTimeline], scale: &TimeAxis, width: usize, between: usize) -> Picture {
    let mut canvas = Canvas::new(width);
    let mut row = 0;
    for (index, timeline) in timelines.iter().enumerate() {
        row = band(&mut canvas, row, timeline, Ink::Of(index), scale) + between;
    }
    axis(&mut canvas, row, scale);
    legend(&mut canvas, row + 2, timelines, width);
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
    canvas.write(row, 0, scale.column.saturating_sub(1), &wording::actor(&timeline.actor), ink);
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
    let marks: Vec<usize> =
        shown_marks(timeline).iter().map(|mark| scale.column_of(mark.at_ns)).collect();
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
        let words = [format!("cpu {}", span_of(cpu)), span_of(cpu)];
        let room = scale.column.saturating_sub(1);
        if let Some(words) = fitting(&words, room) {
            canvas.write(row + 1, 0, room, words, Ink::Faint);
        }
    }
    canvas.grow(row + 1 + notes.max(1));
    row + 1 + notes.max(1)
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
        MarkKind::Sent(_) => ('▲', Ink::Good),
        MarkKind::Received(..) | MarkKind::Accepted(_) => ('▼', Ink::Good),
        MarkKind::TimedOut | MarkKind::FailedLate(_) | MarkKind::FailedAtOnce(_) => ('✗', Ink::Bad),
        MarkKind::InProgress | MarkKind::Ready(_) | MarkKind::Other => ('┤', Ink::Warn),
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
        MarkKind::Received(0, _) => tr!("the end of the stream").to_owned(),
        MarkKind::Received(count, who) => bytes(*count) + &from(who),
        MarkKind::Accepted(who) => {
            tr!("a connection{whose}", whose = from(who))
        }
        MarkKind::TimedOut => tr!("EAGAIN: its own timeout was over").to_owned(),
        MarkKind::FailedLate(errno) => safe(errno),
        MarkKind::FailedAtOnce(errno) => {
            tr!("{name}: {errno} at once", name, errno = safe(errno))
        }
        MarkKind::InProgress => tr!("{name}: EINPROGRESS", name),
        MarkKind::Ready(0) => tr!("{name}: the time was over", name),
        MarkKind::Ready(ready) => tr!("{name}: {ready} ready", name, ready),
        MarkKind::Other => name,
    }
}

/// Why a thread sleeps that is blocked in no call.
pub(super) fn sleep(why: &Sleep) -> String {
    match why {
        Sleep::Waiting(purpose) => wording::label(purpose),
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

/// The marks on the band, and their words below it. Returns how many rows of words there are.
fn notes(canvas: &mut Canvas, row: usize, timeline: &ThreadTimeline, scale: &TimeAxis) -> usize {
    let end = scale.column + scale.columns;
    let marks = shown_marks(timeline);
    let mut used = [0_usize; NOTES];
    let mut index = 0;
    let mut untold: Vec<(usize, usize)> = Vec::new();
    while index < marks.len() {
        let mark = marks[index];
        let column = scale.column_of(mark.at_ns);
        // The same once more in the same place is said once.
        let same = marks[index..]
            .iter()
            .take_while(|other| {
                scale.column_of(other.at_ns) == column
                    && other.call == mark.call
                    && other.kind == mark.kind
            })
            .count();
        let (sign, ink) = sign_of(mark);
        canvas.put(row, column, sign, ink);
        let mut words =
            if same > 1 { format!("{same} × {}", words_of(mark)) } else { words_of(mark) };
        let mut count = same;
        // What follows in the same place goes on in the same row: with its own sign if that is another, and there is room to the right.
        while let Some(next) =
            marks.get(index + count).filter(|next| scale.column_of(next.at_ns) == column)
        {
            let (longer, room) = if sign_of(next) == sign_of(mark) {
                (tr!("{words}, {more}", words, more = words_of(next)), end - scale.column)
            } else {
                (
                    tr!(
                        "{words}, {sign} {more}",
                        words,
                        sign = sign_of(next).0,
                        more = words_of(next)
                    ),
                    end - column,
                )
            };
            if longer.width() + 2 > room {
                break;
            }
            words = longer;
            count += 1;
        }
        // The sign stands below the mark: before the words, or after them where there is no room to the right.
        let (words, at) = if column + words.width() + 2 <= end {
            (format!("{sign} {words}"), column)
        } else if column > scale.column + words.width() {
            let at = column - words.width() - 1;
            (format!("{words} {sign}"), at)
        } else {
            let words = fit(&format!("{sign} {words}"), scale.columns);
            let at = column.min(end.saturating_sub(words.width()));
            (words, at)
        };
        match used.iter().position(|from| *from <= at) {
            Some(free) => {
                used[free] = canvas.write(row + 1 + free, at, end, &words, ink) + 2;
            }
            None => untold.push((column, count)),
        }
        index += count;
    }
    let rows = used.iter().filter(|from| **from > 0).count();
    let more: usize = untold.iter().map(|(_, count)| count).sum();
    if more > 0 {
        let words = tr!("(and {more} more: no room)", more);
        let from = end.saturating_sub(words.width()).max(scale.column);
        canvas.write(row + 1 + rows, from, end, &words, Ink::Faint);
    }
    rows + usize::from(more > 0)
}

/// The times along the bottom.
fn axis(canvas: &mut Canvas, row: usize, scale: &TimeAxis) {
    let end = scale.column + scale.columns;
    canvas.fill(row, scale.column, end, '─', Ink::Faint);
    let ticks = scale.ticks((scale.columns / 10).max(2));
    let ticks =
        ticks.map(|at_ns| (scale.column_of(scale.from_ns + at_ns), exact_span(at_ns, at_ns)));
    write_ticks(canvas, row, end, ticks);
    canvas.write(row + 1, 0, scale.column.saturating_sub(1), tr!("time"), Ink::Faint);
}

/// What the shapes mean: those that there are.
fn legend(canvas: &mut Canvas, row: usize, timelines: &[ThreadTimeline], width: usize) {
    let shows = |is: fn(&ThreadState) -> bool| {
        timelines
            .iter()
            .flat_map(|timeline| &timeline.intervals)
            .any(|interval| is(&interval.doing))
    };
    let signs = |sign: char| {
        timelines.iter().flat_map(|timeline| &timeline.marks).any(|mark| sign_of(mark).0 == sign)
    };
    let sampled: usize = timelines.iter().map(|timeline| timeline.samples).sum();
    let mut keys = Vec::new();
    let mut key = |shown: bool, sign: &str, words: &str, ink: Ink| {
        if shown {
            keys.push((sign.to_owned(), words.to_owned(), ink));
        }
    };
    let runs = if sampled > 0 { tr!("runs") } else { tr!("runs, or is ready to") };
    key(shows(|doing| *doing == ThreadState::Running), "██", runs, Ink::Of(0));
    key(
        shows(|doing| *doing == ThreadState::Ready),
        "▒▒",
        tr!("ready, has no processor"),
        Ink::Of(0),
    );
    key(
        shows(|doing| matches!(doing, ThreadState::Blocked(_))),
        "├─┤",
        tr!("blocked in a call"),
        Ink::Warn,
    );
    key(
        shows(|doing| matches!(doing, ThreadState::Asleep(_))),
        "··",
        tr!("asleep, in no call of ours"),
        Ink::Faint,
    );
    key(signs('▲'), "▲", tr!("sends"), Ink::Good);
    key(signs('▼'), "▼", tr!("gets"), Ink::Good);
    key(signs('✗'), "✗", tr!("fails"), Ink::Bad);
    let ended = timelines.iter().any(|timeline| timeline.left);
    key(ended, "", tr!("(blank: has ended)"), Ink::Faint);
    let (mut row, mut column) = (row, 0);
    for (sign, words, ink) in keys {
        let wide = sign.width() + 1 + words.width();
        if column > 0 && column + wide > width {
            (row, column) = (row + 1, 0);
        }
        column =
            if sign.is_empty() { column } else { canvas.write(row, column, width, &sign, ink) + 1 };
        column = canvas.write(row, column, width, &words, Ink::Faint) + 3;
    }
    let source = if sampled > 0 {
        tr!("cpu: processor time used. The kernel was asked what each thread does.")
    } else {
        tr!("Drawn from the calls; the kernel was not asked what each thread does.")
    };
    for (index, line) in wrap(source, width.max(8)).iter().enumerate() {
        canvas.write(row + 1 + index, 0, width, line, Ink::Faint);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::script::{Script, fits_everywhere};
    use crate::analysis::threads::tests::{asked, modes};
    use crate::i18n::{chinese, speaking};
    use crate::trace::{ActorKind, EventKind};
    use insta::{assert_snapshot, with_settings};

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
        assert!(drawn.contains("more: no room"), "{drawn}");
    }
}
